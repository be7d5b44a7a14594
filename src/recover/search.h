/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * search - all that a policy can lead to, looked at state by state.
 *
 * Method      Breadth-first over the real hf_policy_step(), for each reason of the policy
 *             and each pair of them, against an environment that does its worst: both
 *             faults come, go and become unknown at any step; an action is done, fails, or
 *             never answers; an operator gives any command; the power is cut or the
 *             supervisor restarted at any step, and what goes on is what was stored; a
 *             release is on trial, passes or fails its gate, is rolled back, and the updater
 *             brings the denied one back. The invariants of recover/machine.h are asked of
 *             each edge, with a log of the search's own where history matters.
 *
 * Space       A unit of one worker, one source, one camera. Times are on a grid of
 *             HF_SEARCH_TICK_MS, relative to now, and saturated where they no longer
 *             matter, so that the space is finite. The policy is a *scaled* copy: each
 *             duration is mapped to a few ticks by a map that keeps their order
 *             (search.c: scale_ms), each budget to at most three uses, tries to two, flap
 *             doubling to one. What depends on the exact length of a duration is not seen
 *             here. Reasons that are the same but for their name and their signals stand for
 *             one another. Unavailable actions are made available: rungs are checked before
 *             there is anything to perform them.
 *
 * Errors      HF_E_NOMEM. A violation is no error: it is in the report, with the path that
 *             leads to it, the shortest there is.
 *
 * Limits      states_max, pair_states_max: a search that they cut off has looked at all that can be
 *             reached in so many steps, and the report counts it.
 */
#include "recover/machine.h"

#include <stdio.h>

enum {
	HF_SEARCH_TICK_MS = HF_FREEZE_MS,
	HF_SEARCH_PATH_BYTES = 8192,
};

enum hf_invariant {
	HF_I1_NO_DECISION = 1,
	HF_I2_ONE_ROLLBACK,
	HF_I3_EVIDENCE_FIRST,
	HF_I4_SAFE_IS_LATCHED,
	HF_I5_WAY_BACK,
	HF_I6_BOUNDED,
	HF_I7_LINK_NEVER_ACTS,
	HF_I8_NO_LAUNDERING,
	HF_I9_COMMIT_BY_GATE,
	HF_I10_DENIED_HELD,
	HF_INVARIANT_COUNT,
};

/* For the mutants of a test: what the environment, not the policy, gets wrong. */
enum hf_search_fault {
	HF_SEARCH_NO_FAULT = 0,
	HF_SEARCH_FORGETS_USES,   /* budgets are not in what is stored */
	HF_SEARCH_FORGETS_SAFE,   /* nor is safe mode */
	HF_SEARCH_FORGETS_DENIED, /* nor what is denied */
	HF_SEARCH_FORGETS_CASES,  /* nor what is latched */
};

struct hf_search_options {
	uint32_t states_max;      /* of a single reason; 0: 400,000 */
	uint32_t pair_states_max; /* of a pair; 0: states_max */
	uint32_t part,
		parts; /* of several processes: this one takes every parts-th pair; 0, 0: all */
	bool singles_only;
	bool holds; /* with single reasons: an operator also holds actions, and maintains */
	enum hf_search_fault fault;
	FILE *progress; /* a line a pair; NULL: none */
};

struct hf_search_report {
	uint64_t states;
	uint64_t edges;
	uint32_t shapes;    /* reasons that differ */
	uint32_t pairs;     /* looked at, singles among them */
	uint32_t pairs_all; /* they stand for */
	uint32_t cut_off;
	enum hf_invariant broken; /* 0: none */
	uint32_t path_steps;
	char path[HF_SEARCH_PATH_BYTES]; /* in words */
};

/* The copy that is searched. */
void hf_search_scale(const struct hf_policy *policy, struct hf_policy *ret_scaled);

/* Ends at the first violation. */
enum hf_code hf_policy_search(const struct hf_policy *policy,
			      const struct hf_search_options *options,
			      struct hf_search_report *ret_report,
			      struct hf_err *err) HF_MUST_CHECK;

const char *hf_invariant_text(enum hf_invariant invariant);
