/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * machine - what the unit does about itself. A pure function: no clock, no I/O, no allocation,
 * no random; the daemon, `holdfast policy simulate`, the search over all it can do and the
 * fuzzer call the same one.
 *
 * Method      A *case* is a reason about one thing (this camera, that worker). While its
 *             `when` holds, the hold fills; full, the case is active, until its `clear` has
 *             held long enough. An active case that is bad climbs its ladder: the cheapest
 *             rung that is available, has budget, and has not failed in this episode. A rung
 *             that is done once goes wait -> freeze evidence -> act -> settle -> verify; a mode
 *             is engaged, and stays until the case is over. The state is derived from what is
 *             active and in hand; the worst wins; all are shown.
 *
 * Numbers     now_ms is powered-on time: it goes on where it was after a reboot, and never
 *             back. A budget of n in a window allows n uses in any window of that length. A use
 *             is counted when it is intended, before it is performed.
 *
 * Durability  out.store: the state must be stored now. An order of HF_IMPACT_STORED or more
 *             is performed only after that succeeded; input.is_volatile says that it cannot.
 *
 * Owners      The caller owns everything. struct hf_policy_state is plain and has no pointers.
 *
 * Invariants  Checked over all that can be reached by recover/search.h:
 *             I1 nothing is decided in safe mode, nor in the scope of an action in hand.
 *             I2 one rollback a release at most, its evidence kept before. I3 evidence is
 *             frozen, or its deadline over, before what destroys it. I4 safe mode is left by
 *             an operator, or where the policy allows, its reasons over. I5 from everywhere a
 *             path leads back to healthy. I6 what destroys is bounded in any window. I7 the
 *             link never acts. I8 no reboot refills a budget or drops a latch. I9 a release is
 *             committed by its gate only. I10 a denied release runs in recovering or safe mode
 *             only.
 */
#include "shape/policy.h"
#include "shape/state.h"

enum {
	HF_CASES_MAX = 64,
	HF_USES_MAX = 128,
	HF_DENIED_MAX = 4,
	HF_ORDERS_MAX = 16,
	HF_CHANGES_MAX = 48,
	HF_OUTCOMES_MAX = 16,
	HF_NO_RUNG = 255,
	HF_NO_REASON = 255,
	HF_FREEZE_MS = 300,
	HF_POLICY_STATE_BYTES = 3600, /* packed, at most */
};

/* ---- in ---- */

struct hf_reading {
	bool known;
	int64_t value; /* unknown: for how long, in ms */
};

enum hf_outcome_result {
	HF_RESULT_DONE = 1,
	HF_RESULT_FAILED,
	HF_RESULT_FROZEN, /* the evidence is pinned: go on */
};

struct hf_outcome {
	uint8_t result; /* enum hf_outcome_result */
	uint8_t action;
	uint8_t reason;
	uint8_t scope;
};

enum hf_command_kind {
	HF_COMMAND_NONE = 0,
	HF_COMMAND_SAFE_ENTER,
	HF_COMMAND_SAFE_CLEAR,
	HF_COMMAND_HOLD,        /* an action, for so long; 0: release it */
	HF_COMMAND_MAINTENANCE, /* for so long; 0: over */
	HF_COMMAND_ACK, /* a reason an operator has to see; HF_NO_REASON: all, and a rollback */
};

struct hf_command {
	uint8_t kind;
	uint8_t action;
	uint8_t reason;
	int64_t for_ms;
};

enum hf_gate {
	HF_GATE_NONE = 0, /* no release is on trial */
	HF_GATE_OPEN,     /* on trial, not decided */
	HF_GATE_PASSED,
	HF_GATE_FAILED,
};

struct hf_policy_input {
	int64_t now_ms;    /* powered-on time */
	int64_t asleep_ms; /* of the time since the last step: nobody looked */
	int64_t uptime_ms; /* since the boot */
	uint64_t boot;     /* counter: another boot than in the last step? */
	uint64_t run;      /* counter: another run of the supervisor? */
	uint64_t release;  /* the first bytes of its digest */
	uint8_t gate;      /* enum hf_gate */
	bool has_previous; /* a release to go back to */
	bool is_volatile;  /* the state cannot be stored */
	uint8_t worker_count;
	uint8_t source_count;
	uint8_t camera_count;
	uint8_t outcome_count;
	uint8_t worker_roles[HF_WORKERS_MAX];    /* enum hf_role */
	uint64_t worker_cameras[HF_WORKERS_MAX]; /* which cameras are blind without it */
	uint64_t source_cameras[HF_SOURCES_MAX];
	struct hf_outcome outcomes[HF_OUTCOMES_MAX];
	struct hf_command command;
	struct hf_reading readings[HF_SIGNAL_COUNT][HF_CAMERAS_MAX]; /* signal, scope */
};

/* How many things of a scope there are. */
unsigned hf_policy_scopes(const struct hf_policy_input *input, enum hf_scope scope);

/* ---- what is kept ---- */

enum hf_case_phase {
	HF_CASE_FREE = 0,
	HF_CASE_WATCHED, /* bad, its hold is not full */
	HF_CASE_ACTIVE,
	HF_CASE_OVER, /* remembered: another time within the episode goes on where it was */
};

enum hf_step {
	HF_STEP_NONE = 0,
	HF_STEP_WAITING,  /* before the next try */
	HF_STEP_FREEZING, /* the evidence */
	HF_STEP_ACTING,
	HF_STEP_SETTLING,
	HF_STEP_VERIFYING,
};

struct hf_case {
	uint8_t reason;
	uint8_t scope;
	uint8_t phase;   /* enum hf_case_phase */
	uint8_t step;    /* enum hf_step */
	uint8_t rung;    /* that step is of; HF_NO_RUNG */
	uint8_t tries;   /* of that rung in this episode */
	uint8_t failed;  /* bits 1 << rung */
	uint8_t engaged; /* bits 1 << rung: modes */
	uint8_t entries; /* within the flap window */
	uint8_t shift;   /* clear_hold is doubled so often */
	bool is_bad;     /* at the last step */
	bool is_clear;
	bool is_unknown;
	bool told;             /* that no rung is left */
	bool rebooted;         /* since it became active */
	bool rereleased;       /* the same, by another release */
	bool partial;          /* the evidence was not pinned in time */
	int64_t since_ms;      /* in this phase since */
	int64_t flap_since_ms; /* the first of the entries */
	int64_t bad_ms;        /* of its hold */
	int64_t clear_ms;      /* of its clear hold */
	int64_t until_ms;      /* the step's end; without a step: when the last one ended */
};

struct hf_use {
	uint8_t action;
	uint8_t scope;
	int64_t at_ms;
};

struct hf_policy_state {
	int64_t now_ms;
	uint64_t boot;
	uint64_t run;
	uint64_t denied[HF_DENIED_MAX]; /* releases that were rolled back; 0: none */
	uint64_t release;               /* of the last step; 0: none yet */
	uint64_t rollback_from;         /* release in hand of a rollback; 0: none */
	bool rolled_back;               /* until an operator has seen it */
	bool safe;
	bool safe_by_operator;
	uint8_t safe_reason;   /* the first; HF_NO_REASON */
	uint32_t safe_classes; /* of all that asked for it */
	int64_t safe_since_ms;
	int64_t safe_well_ms; /* for so long nothing else is active */
	int64_t maintenance_until_ms;
	int64_t held_until_ms[HF_ACTION_COUNT];
	int64_t mode_until_ms[HF_ACTION_COUNT]; /* a mode stays at least until then */
	uint8_t shown;                          /* enum hf_state of the last step */
	uint8_t case_count;
	uint8_t use_count;
	uint8_t lost;                       /* cases there was no room for, in the last step */
	struct hf_case cases[HF_CASES_MAX]; /* by reason, then scope */
	struct hf_use uses[HF_USES_MAX];    /* the oldest first */
};

/* ---- out ---- */

enum hf_order_kind {
	HF_ORDER_FREEZE = 1, /* pin the evidence, then report FROZEN */
	HF_ORDER_PERFORM,    /* do it, then report DONE or FAILED */
};

struct hf_order {
	uint8_t kind;
	uint8_t action;
	uint8_t reason;
	uint8_t scope;
};

enum hf_change_kind {
	HF_CHANGE_STATE = 1,   /* value: the state before, in its low bits */
	HF_CHANGE_ENTERED,     /* a reason became active; value: for how long it was bad */
	HF_CHANGE_CLEARED,     /* value: for how long it was active */
	HF_CHANGE_CHOSEN,      /* an action; value: how long it waits first */
	HF_CHANGE_DONE,        /* it was performed */
	HF_CHANGE_FAILED,      /* it could not be, or did not in time; why: enum hf_refusal */
	HF_CHANGE_VERIFIED,    /* it helped */
	HF_CHANGE_NO_HELP,     /* its reason is still bad */
	HF_CHANGE_ENGAGED,     /* a mode */
	HF_CHANGE_RELEASED,    /* a mode */
	HF_CHANGE_EXHAUSTED,   /* there is no rung left to take; told once an episode */
	HF_CHANGE_SAFE_LEFT,   /* value: 1 by an operator, 0 by itself */
	HF_CHANGE_COMMANDED,   /* an operator; action or reason and for how long */
	HF_CHANGE_INTERRUPTED, /* the unit ended while it was in hand */
	HF_CHANGE_KIND_COUNT,
};

/* Why a rung is not taken, or a command refused. */
enum hf_refusal {
	HF_REFUSED_NOT = 0,
	HF_REFUSED_UNAVAILABLE,
	HF_REFUSED_BUDGET,
	HF_REFUSED_FAILED,      /* in this episode */
	HF_REFUSED_HELD,        /* by an operator: the ladder waits */
	HF_REFUSED_MAINTENANCE, /* the same */
	HF_REFUSED_BUSY,        /* another action is in hand: the ladder waits */
	HF_REFUSED_UPTIME,      /* too soon after the boot */
	HF_REFUSED_VOLATILE,    /* the state cannot be stored */
	HF_REFUSED_SAFE,        /* not in safe mode */
	HF_REFUSED_NOT_SAFE,    /* in safe mode only */
	HF_REFUSED_ENGAGED,     /* the mode is on already */
	HF_REFUSED_NO_RELEASE,  /* nothing to go back to, or done already */
	HF_REFUSED_STILL_BAD,   /* command: the reason holds */
	HF_REFUSED_DENIED,      /* command: the release that runs is denied */
	HF_REFUSED_NOTHING,     /* command: there is nothing of the kind */
	HF_REFUSED_DEADLINE,    /* it did not report in time */
	HF_REFUSAL_COUNT,
};

struct hf_change {
	uint8_t kind;
	uint8_t reason; /* HF_NO_REASON: none */
	uint8_t scope;
	uint8_t action; /* HF_ACTION_COUNT: none */
	uint8_t why;    /* enum hf_refusal */
	int64_t value;
};

struct hf_policy_output {
	enum hf_state state;
	bool store;
	bool may_decide;       /* false: nobody does anything about what is seen */
	uint64_t cameras_held; /* bits 1 << camera: nor from these, in any case */
	bool shed;
	bool fallback_model;
	bool observe_only;
	bool commit;             /* the release on trial has passed its gate */
	uint8_t command_refused; /* enum hf_refusal */
	uint8_t order_count;
	uint8_t change_count;
	uint32_t changes_lost;
	int64_t next_ms; /* powered-on time by which something runs out; INT64_MAX: nothing does */
	struct hf_order orders[HF_ORDERS_MAX];
	struct hf_change changes[HF_CHANGES_MAX];
};

/* A unit that has never run. */
void hf_policy_state_fresh(struct hf_policy_state *ret_state);
/* The unit's state is lost: nothing is assumed, an operator has to look. Safe mode. */
void hf_policy_state_lost(struct hf_policy_state *ret_state);

/* As it is stored: little-endian, reasons by the hash of their name, times relative to now_ms, so
 * that it fits, and outlives a change of the policy: what a policy does not know is dropped, but
 * safe mode, budgets and what is denied never are. Returns the bytes written. */
size_t hf_policy_state_pack(const struct hf_policy *policy, const struct hf_policy_state *state,
			    uint8_t ret_data[HF_POLICY_STATE_BYTES]);
/* HF_E_CORRUPT: these bytes are no state; *ret_state is untouched. */
enum hf_code hf_policy_state_unpack(const struct hf_policy *policy, const uint8_t *data,
				    size_t size_bytes, struct hf_policy_state *ret_state,
				    struct hf_err *err) HF_MUST_CHECK;

void hf_policy_step(const struct hf_policy *policy, struct hf_policy_state *state,
		    const struct hf_policy_input *input, struct hf_policy_output *ret_output);

/* What comes next for a case, for people: each rung, and why it is not taken. */
struct hf_outlook {
	enum hf_action next; /* HF_ACTION_COUNT: nothing */
	int64_t in_ms;
	uint8_t refused[HF_POLICY_RUNGS_MAX]; /* enum hf_refusal */
};
void hf_policy_outlook(const struct hf_policy *policy, const struct hf_policy_state *state,
		       const struct hf_policy_input *input, const struct hf_case *one,
		       struct hf_outlook *ret_outlook);

const char *hf_refusal_text(enum hf_refusal refusal);
const char *hf_change_name(enum hf_change_kind kind);
