/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * search - all that a policy can do: breadth-first search over the real hf_policy_step().
 *
 * Method      The policy is asked with at most two of its reasons at a time: each alone, and each
 *             pair. Around it is a world in which at any step a fault comes, goes or cannot be
 *             seen; an action that was ordered succeeds, fails, or reports nothing until its
 *             deadline; the power fails, or the supervisor is started again, and what was not
 *             stored is lost (what was goes through hf_policy_state_pack() and back); an operator
 *             gives any command; a release is on trial, is gone back from, or is replaced. Whether
 *             an action cures is left open: a fault may go at any step, or never. Each state is
 *             visited once, whatever way led there, and each step out of it is held against
 *             I1 to I10 of recover/machine.h and I11 to I14 below, by a log the search keeps
 *             itself. A violation is told with the shortest way to it.
 *
 *             I11 a reason is over only when it was seen clear for its whole hold, or an operator
 *             said so. I12 nothing is performed that a hold, maintenance, safe mode or a state
 *             that cannot be stored forbids. I13 two actions are never in hand where one is about
 *             the whole unit. I14 what has failed is not tried again in the same episode.
 *
 * What it is  The whole reachable space, of a copy of the policy that is made smaller:
 *             - one worker, source and camera; two reasons; each reason's conditions are replaced
 *               by one signal of its own that is bad, clear or unknown at will (more than real
 *               signals can do; release.denied stays as it is);
 *             - rollback_release is available, though it may not be in the policy.
 *             Left open is all that can be: any time that runs may run out next, whatever its
 *             length, and a rung may be refused for its budget, for having failed, or for too short
 *             an uptime whenever one is looked for. So what holds there holds for any durations,
 *             any number of tries, and any history of uses. See search_open.c for why that leaves
 *             nothing out. It shows nothing about how long something takes, and nothing that needs
 *             three faults; those are matters of the unit tests and of the drills.
 *
 * Counted     With `ticks` durations are mapped to few, see hf_search_scale_ms(), and counted; so are
 *             budgets and failures, and what may be done twice or more often is done once (`fine`:
 *             twice). That space is far larger and cannot be walked to its end; it is there to hold
 *             the open one against (`compared`).
 *
 * Pairs       Reasons that are equal after that (ladder, latch, scope, holds ...) stand for each
 *             other: of each kind one is searched, and of each pair of kinds one.
 *
 * Owners      One call owns its memory. HF_E_NOMEM: there is no more.
 */
#include "base/err.h"
#include "shape/policy.h"

#include <stdatomic.h>

enum {
	HF_SEARCH_INVARIANTS = 14,
	HF_SEARCH_TEXT_BYTES = 8192,
};

struct hf_search_options {
	bool ticks;          /* time, budgets and failures are counted; else they are left open */
	bool fine;           /* durations and counts mapped to more than the fewest */
	bool first_only;     /* stop at the first violation */
	bool singles_only;   /* no pairs */
	uint32_t states_max; /* of one run; 0: 30 million. Reached: the report says incomplete */
	/* So many worlds of each run, found with what is counted, are looked for among the open
	 * ones; 0: none. */
	uint32_t compared;
	/* Shared by several processes, which then share the runs; 0 at first. NULL: all are this
	 * one's. */
	_Atomic uint32_t *next;
	/* Told of each run, or NULL. b is NULL: a reason alone. */
	void (*told)(const char *a, const char *b, bool is_volatile, uint32_t states,
		     bool is_whole);
};

struct hf_search_report {
	uint64_t states;
	uint64_t edges;
	uint32_t runs;       /* that were searched: reasons alone, volatile, and pairs */
	uint32_t pairs;      /* of them */
	uint32_t stands_for; /* pairs of reasons of the policy */
	uint32_t incomplete; /* runs that reached states_max */
	uint32_t largest;    /* states of one run */
	uint64_t compared;
	uint64_t strangers; /* of them, that no open world stands for: a mistake of this search */
	uint64_t violations;
	uint32_t first_invariant; /* of the shortest; 0: none */
	uint32_t first_steps;
	uint32_t counts[HF_SEARCH_INVARIANTS + 1];
	char text[HF_SEARCH_TEXT_BYTES]; /* the shortest way to the first violation, in words */
};

/* As a duration of the policy becomes one of the copy, in ms. */
int64_t hf_search_scale_ms(int64_t duration_ms, bool fine);

enum hf_code hf_policy_search(const struct hf_policy *policy,
			      const struct hf_search_options *options,
			      struct hf_search_report *ret_report,
			      struct hf_err *err) HF_MUST_CHECK;

const char *hf_search_invariant(unsigned invariant);
