/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a node is the machine's state, what of it is stored, and the environment's own record,
 * as bytes; nodes are kept in an arena and found by hash. Each is expanded by every move. After
 * the search each node must lead to healthy under a benign environment (good_next): the one
 * successor where the faults are gone, actions are done and an operator says yes.
 */
#include "recover/search.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <stdlib.h>
#include <string.h>

enum {
	TICK_MS = HF_SEARCH_TICK_MS,
	STATES_MAX = 400000,
	LOG_MAX = 24,
	NODE_BYTES_MAX = 2 * HF_POLICY_STATE_BYTES + 256,
	OPERATOR_TICKS = 1, /* what an operator holds */
	WELL_TICKS = 2,
	GOOD_STEPS_MAX = 400,
};

/* Where now_ms stands in every node. */
static const int64_t base_ms = INT64_C(1) << 40;

/* ---- the scaled copy ---- */

/* Keeps the order: what is longer stays at least as long. */
static int64_t scale_ms(int64_t ms)
{
	static const struct {
		int64_t up_to_ms;
		int64_t ticks;
	} map[] = {
		{ 0, 0 },
		{ 5000, 1 },
		{ 600000, 2 },
		{ INT64_MAX, 3 },
	};

	for (size_t i = 0;; i++)
		if (ms <= map[i].up_to_ms)
			return map[i].ticks * TICK_MS;
}

static void scale_budget(struct hf_budget *budget, uint32_t count_max)
{
	if (budget->count > count_max)
		budget->count = count_max;
	budget->window_ms = scale_ms(budget->window_ms);
}

static void scale_action(struct hf_policy_action *action)
{
	scale_budget(&action->budgets[0], 1);
	/* The longer window is counted in the same way; it would only multiply what is counted. */
	action->budgets[1] = (struct hf_budget){ 0 };
	action->settle_ms = scale_ms(action->settle_ms);
	action->verify_ms = scale_ms(action->verify_ms);
	action->hold_ms = scale_ms(action->hold_ms);
	action->deadline_ms = TICK_MS;
	action->uptime_ms = 0;
	action->unavailable = false;
	for (size_t i = 0; i < HF_POLICY_WAITS_MAX; i++)
		action->waits_ms[i] = i < 2 ? scale_ms(action->waits_ms[i]) : 0;
}

void hf_search_scale(const struct hf_policy *policy, struct hf_policy *ret_scaled)
{
	*ret_scaled = *policy;
	for (unsigned i = 0; i < policy->reason_count; i++) {
		struct hf_policy_reason *reason = &ret_scaled->reasons[i];

		reason->hold_ms = scale_ms(reason->hold_ms);
		reason->clear_hold_ms = scale_ms(reason->clear_hold_ms);
		reason->settle_ms = 0;
		/* On the grid: all at once, or not at all. */
		reason->refill_permille = reason->refill_permille > 0 ? 1000 : 0;
	}
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		scale_action(&ret_scaled->actions[i]);
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		ret_scaled->signals[i].stale_ms = TICK_MS;
	ret_scaled->episode_ms = scale_ms(policy->episode_ms);
	ret_scaled->flap_entries = policy->flap_entries > 0 ? 2 : 0;
	ret_scaled->flap_shift_max = policy->flap_shift_max > 0 ? 1 : 0;
	ret_scaled->flap_window_ms = scale_ms(policy->flap_window_ms);
	ret_scaled->safe_exit_healthy_ms = WELL_TICKS * (int64_t)TICK_MS;
	scale_budget(&ret_scaled->safe_exit_budget, 1);
}

/* ---- the environment ---- */

enum value {
	CLEAR = 0,
	BAD,
	UNKNOWN,
	VALUES,
};

enum release {
	RELEASE_NEW = 1, /* on trial, or committed */
	RELEASE_PREVIOUS,
	RELEASE_MENDED,
};

struct log_entry {
	uint8_t action;
	uint8_t scope;
	uint8_t age; /* ticks */
};

/* What the search remembers by itself. */
struct environment {
	uint8_t release;
	uint8_t rollbacks; /* of RELEASE_NEW */
	uint8_t exit_age;  /* ticks since safe mode was left by itself; 255: never */
	uint8_t well;      /* ticks without a fault and without an active reason, saturated */
	uint8_t log_count;
	struct log_entry log[LOG_MAX];
};

struct node {
	struct hf_policy_state state;
	struct hf_policy_state stored;
	struct environment env;
};

enum move_kind {
	MOVE_TIME = 0,
	MOVE_CUT,
	MOVE_RESTART,
	MOVE_COMMAND,
	MOVE_GOOD,
};

struct move {
	uint8_t kind;
	uint8_t fault[2];
	uint8_t outcome; /* 0: none; else enum hf_outcome_result, DONE standing for FROZEN, too */
	uint8_t command;
	uint8_t release; /* that runs from now on; 0: as before */
	uint8_t gate;
};

struct search {
	const struct hf_policy *policy; /* scaled */
	struct hf_policy_input input;   /* everything as it should be, but during a step */
	struct hf_reading quiet[HF_SIGNAL_COUNT];
	struct hf_policy_output out;
	int reasons[2]; /* -1: none */
	struct hf_search_report *report;
	const struct hf_search_options *options;
	/* The nodes, as bytes. */
	uint8_t *arena;
	size_t arena_bytes, arena_max;
	uint64_t *offsets;
	uint32_t *parents, *good_next;
	struct move *moves;
	uint8_t *healthy;
	uint32_t count, states_max, limit;
	uint32_t *table;
	uint32_t table_mask;
	int64_t longest_ms;
	enum hf_invariant broken;
	struct move broken_move;
	uint32_t broken_at;
};

/* ---- values ---- */

static bool holds(const struct hf_term *term, int64_t value)
{
	switch ((enum hf_compare)term->compare) {
	case HF_COMPARE_ABOVE:
		return value > term->value;
	case HF_COMPARE_AT_LEAST:
		return value >= term->value;
	case HF_COMPARE_BELOW:
		return value < term->value;
	case HF_COMPARE_AT_MOST:
		return value <= term->value;
	case HF_COMPARE_EQUAL:
		return value == term->value;
	}
	return false;
}

/* A value of a signal at which no reason is bad and, of as many as can be, clear holds. */
static int64_t quiet_value(const struct hf_policy *policy, unsigned signal)
{
	int64_t best = 0;
	int best_score = INT32_MIN;

	for (unsigned c = 0; c < 3 + 2U * policy->reason_count; c++) {
		int64_t value = c == 0 ? 0 : c == 1 ? 1000 : 1;
		int score = 0;

		if (c >= 3) {
			const struct hf_policy_reason *reason = &policy->reasons[(c - 3) / 2];

			if (reason->when.term_count == 0)
				continue;
			value = reason->when.terms[0].value + ((c - 3) % 2 == 0 ? 1 : -1);
		}
		for (unsigned r = 0; r < policy->reason_count; r++) {
			const struct hf_policy_reason *reason = &policy->reasons[r];

			for (unsigned t = 0; t < reason->when.term_count; t++)
				if (reason->when.terms[t].signal == signal &&
				    holds(&reason->when.terms[t], value))
					score -= 100;
			for (unsigned t = 0; t < reason->clear.term_count; t++)
				if (reason->clear.terms[t].signal == signal &&
				    holds(&reason->clear.terms[t], value))
					score += 1;
		}
		if (score > best_score) {
			best_score = score;
			best = value;
		}
	}
	return best;
}

static int64_t bad_value(const struct hf_term *term)
{
	int64_t candidates[] = { term->value, term->value + 1, term->value - 1 };

	for (size_t i = 0; i < 3; i++)
		if (holds(term, candidates[i]))
			return candidates[i];
	return term->value;
}

static void set_fault(struct search *search, int reason_index, enum value value)
{
	struct hf_policy_input *input = &search->input;

	if (reason_index < 0)
		return;
	const struct hf_policy_reason *reason = &search->policy->reasons[reason_index];
	/* Class blind: what has to be known. */
	if (reason->when.term_count == 0) {
		for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
			if (search->policy->signals[i].required &&
			    hf_signal_scope((enum hf_signal)i) == reason->scope)
				input->readings[i][0] =
					value == CLEAR ? search->quiet[i]
						       : (struct hf_reading){
								 .known = false,
								 .value = value == BAD ? TICK_MS : 0
							 };
		return;
	}
	unsigned terms = reason->when.any ? 1 : reason->when.term_count;
	for (unsigned t = 0; t < terms; t++) {
		struct hf_reading *reading = &input->readings[reason->when.terms[t].signal][0];

		if (value == CLEAR)
			*reading = search->quiet[reason->when.terms[t].signal];
		else if (value == UNKNOWN)
			*reading = (struct hf_reading){ .known = false, .value = TICK_MS };
		else
			*reading =
				(struct hf_reading){ .known = true,
						     .value = bad_value(&reason->when.terms[t]) };
	}
}

static const uint8_t none[2] = { CLEAR, CLEAR };

/* The second may share a signal with the first: then the worse of the two counts. */
static void set_faults(struct search *search, const uint8_t fault[2])
{
	bool second_first = fault[0] != CLEAR;

	set_fault(search, search->reasons[second_first ? 1 : 0],
		  (enum value)fault[second_first ? 1 : 0]);
	set_fault(search, search->reasons[second_first ? 0 : 1],
		  (enum value)fault[second_first ? 0 : 1]);
}

/* ---- canonical nodes ---- */

static void shift(int64_t *at_ms, int64_t by_ms)
{
	if (*at_ms != 0)
		*at_ms -= by_ms;
}

static void clamp(int64_t *at_ms, int64_t least_ms)
{
	if (*at_ms != 0 && *at_ms < least_ms)
		*at_ms = least_ms;
}

/* All times relative to the same now; what has no influence any more looks the same. */
static void make_canonical(const struct search *search, struct hf_policy_state *state)
{
	const struct hf_policy *policy = search->policy;
	int64_t by_ms = state->now_ms - base_ms;

	state->now_ms = base_ms;
	state->boot = 1;
	state->run = 1;
	shift(&state->maintenance_until_ms, by_ms);
	if (state->safe)
		state->safe_since_ms = base_ms - 1;
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		shift(&state->held_until_ms[i], by_ms);
		shift(&state->mode_until_ms[i], by_ms);
	}
	for (unsigned i = 0; i < state->use_count; i++)
		shift(&state->uses[i].at_ms, by_ms);
	for (unsigned i = 0; i < state->case_count; i++) {
		struct hf_case *one = &state->cases[i];

		shift(&one->since_ms, by_ms);
		shift(&one->flap_since_ms, by_ms);
		shift(&one->until_ms, by_ms);
		if (one->phase != HF_CASE_OVER)
			one->since_ms = base_ms;
		clamp(&one->since_ms, base_ms - policy->episode_ms);
		if (one->step == HF_STEP_NONE)
			clamp(&one->until_ms, base_ms - policy->episode_ms);
		if (base_ms - one->flap_since_ms >= policy->flap_window_ms) {
			one->entries = 0;
			one->flap_since_ms = 0;
		}
		if (one->step == HF_STEP_NONE && one->failed == 0 && one->tries == 0)
			one->until_ms = 0;
		if (one->step == HF_STEP_NONE && one->tries == 0)
			one->rung = HF_NO_RUNG;
		if (one->tries > 2)
			one->tries = 2;
		one->partial = one->partial && one->step == HF_STEP_ACTING;
	}
}

static size_t encode(const struct search *search, const struct node *node, uint8_t *data)
{
	size_t bytes = sizeof node->env;

	memcpy(data, &node->env, sizeof node->env);
	size_t first = hf_policy_state_pack(search->policy, &node->state, data + bytes + 4);
	data[bytes] = (uint8_t)first;
	data[bytes + 1] = (uint8_t)(first >> 8);
	bytes += 4 + first;
	data[bytes - first - 2] = 0;
	data[bytes - first - 1] = 0;
	return bytes + hf_policy_state_pack(search->policy, &node->stored, data + bytes);
}

static void decode(const struct search *search, uint32_t index, struct node *ret_node)
{
	const uint8_t *data = search->arena + search->offsets[index];
	size_t size = search->offsets[index + 1] - search->offsets[index];
	struct hf_err err;

	memcpy(&ret_node->env, data, sizeof ret_node->env);
	size_t at = sizeof ret_node->env;
	size_t first = (size_t)data[at] | (size_t)data[at + 1] << 8;
	enum hf_code code = hf_policy_state_unpack(search->policy, data + at + 4, first,
						   &ret_node->state, &err);
	if (code == HF_OK)
		code = hf_policy_state_unpack(search->policy, data + at + 4 + first,
					      size - at - 4 - first, &ret_node->stored, &err);
	HF_ASSERT(code == HF_OK);
}

static bool grow(struct search *search, size_t bytes)
{
	if (search->arena_bytes + bytes <= search->arena_max)
		return true;
	size_t wanted = search->arena_max * 2 + bytes;
	uint8_t *arena = realloc(search->arena, wanted);
	if (arena == NULL)
		return false;
	search->arena = arena;
	search->arena_max = wanted;
	return true;
}

/* Its number; UINT32_MAX: there is no room for another. */
static uint32_t intern(struct search *search, const struct node *node, uint32_t parent,
		       const struct move *move, bool healthy)
{
	static uint8_t data[NODE_BYTES_MAX];
	size_t bytes = encode(search, node, data);
	uint32_t hash = hf_crc32c(0, data, bytes);

	for (uint32_t slot = hash & search->table_mask;; slot = (slot + 1) & search->table_mask) {
		uint32_t found = search->table[slot];

		if (found == 0) {
			if (search->count == search->limit || !grow(search, bytes))
				return UINT32_MAX;
			search->table[slot] = search->count + 1;
			memcpy(search->arena + search->arena_bytes, data, bytes);
			search->arena_bytes += bytes;
			search->parents[search->count] = parent;
			search->moves[search->count] = *move;
			search->healthy[search->count] = healthy;
			search->good_next[search->count] = UINT32_MAX;
			search->offsets[search->count + 1] = search->arena_bytes;
			return search->count++;
		}
		found--;
		if (search->offsets[found + 1] - search->offsets[found] == bytes &&
		    memcmp(search->arena + search->offsets[found], data, bytes) == 0)
			return found;
	}
}

/* ---- the invariants ---- */

struct edge {
	struct search *search;
	const struct node *before;
	const struct node *after;
	const struct move *move;
	const struct hf_policy_input *input;
	const struct hf_policy_output *out;
};

static const struct hf_policy_reason *reason_of(const struct edge *edge, const struct hf_case *one)
{
	return &edge->search->policy->reasons[one->reason];
}

static bool in_hand(const struct edge *edge, const struct hf_case *one)
{
	return one->step >= HF_STEP_WAITING && one->step <= HF_STEP_SETTLING &&
	       one->rung < reason_of(edge, one)->rung_count &&
	       hf_action_kind((enum hf_action)reason_of(edge, one)->ladder[one->rung]) ==
		       HF_ACTION_ONCE;
}

static bool decides_what_it_must_not(const struct edge *edge)
{
	const struct hf_policy_output *out = edge->out;

	if (out->state == HF_STATE_SAFE_MODE && (out->may_decide || out->cameras_held != 1))
		return true;
	for (unsigned i = 0; i < edge->after->state.case_count; i++) {
		const struct hf_case *one = &edge->after->state.cases[i];

		if (one->phase != HF_CASE_ACTIVE || !in_hand(edge, one))
			continue;
		enum hf_action action = (enum hf_action)reason_of(edge, one)->ladder[one->rung];
		if (hf_action_scope(action) == HF_SCOPE_UNIT ? out->may_decide
							     : (out->cameras_held & 1) == 0)
			return true;
	}
	return false;
}

static bool is_denied(const struct hf_policy_state *state, uint64_t release)
{
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		if (state->denied[i] == release)
			return true;
	return false;
}

static const struct hf_case *case_of(const struct hf_policy_state *state, unsigned reason,
				     unsigned scope)
{
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->cases[i].reason == reason && state->cases[i].scope == scope)
			return &state->cases[i];
	return NULL;
}

static bool was_frozen(const struct edge *edge, const struct hf_order *order)
{
	const struct hf_case *one = case_of(&edge->before->state, order->reason, order->scope);

	if (one == NULL || one->step != HF_STEP_FREEZING)
		return false;
	return edge->input->outcome_count > 0 || edge->input->now_ms >= one->until_ms;
}

static enum hf_invariant judge_orders(const struct edge *edge)
{
	for (unsigned i = 0; i < edge->out->order_count; i++) {
		const struct hf_order *order = &edge->out->orders[i];
		const struct hf_policy_reason *reason =
			&edge->search->policy->reasons[order->reason];

		if (reason->class_of == HF_CLASS_LINK)
			return HF_I7_LINK_NEVER_ACTS;
		if (order->kind != HF_ORDER_PERFORM)
			continue;
		if (hf_action_destroys((enum hf_action)order->action) != 0 &&
		    !was_frozen(edge, order))
			return HF_I3_EVIDENCE_FIRST;
		if (order->action != HF_ACTION_ROLLBACK)
			continue;
		if (!edge->out->store || !is_denied(&edge->after->state, edge->input->release) ||
		    edge->after->env.rollbacks > 1)
			return HF_I2_ONE_ROLLBACK;
	}
	return 0;
}

static bool budget_is_broken(const struct edge *edge)
{
	const struct environment *env = &edge->after->env;

	for (unsigned i = 0; i < env->log_count; i++) {
		const struct hf_policy_action *rule =
			&edge->search->policy->actions[env->log[i].action];

		for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++) {
			uint32_t count = 0;

			for (unsigned k = 0; k <= i; k++)
				if (env->log[k].action == env->log[i].action &&
				    env->log[k].scope == env->log[i].scope &&
				    (env->log[k].age - env->log[i].age) * (int64_t)TICK_MS <
					    rule->budgets[b].window_ms)
					count++;
			if (rule->budgets[b].count > 0 && count > rule->budgets[b].count)
				return true;
		}
	}
	return false;
}

static bool asked_for_safe(const struct edge *edge, const struct hf_case *one)
{
	for (unsigned r = 0; r < reason_of(edge, one)->rung_count; r++)
		if (reason_of(edge, one)->ladder[r] == HF_ACTION_SAFE_MODE &&
		    (one->engaged & 1U << r) != 0)
			return true;
	return false;
}

/* Safe mode was left: might it be? */
static bool left_wrongly(const struct edge *edge)
{
	const struct hf_policy_state *before = &edge->before->state;
	const struct hf_policy *policy = edge->search->policy;

	if (!before->safe || edge->after->state.safe)
		return false;
	if (is_denied(before, edge->input->release))
		return true;
	if (edge->input->command.kind == HF_COMMAND_SAFE_CLEAR) {
		for (unsigned i = 0; i < before->case_count; i++) {
			const struct hf_case *one = &before->cases[i];
			const struct hf_case *now =
				case_of(&edge->after->state, one->reason, one->scope);

			if (one->phase == HF_CASE_ACTIVE && asked_for_safe(edge, one) &&
			    now != NULL && now->is_bad)
				return true;
		}
		return false;
	}
	return before->safe_by_operator ||
	       (before->safe_classes & ~policy->safe_exit_classes) != 0 ||
	       policy->safe_exit_budget.count == 0 ||
	       edge->after->env.well * (int64_t)TICK_MS < policy->safe_exit_healthy_ms ||
	       edge->before->env.exit_age * (int64_t)TICK_MS < policy->safe_exit_budget.window_ms;
}

/* After a cut or a restart nothing may be better than it was, but for time. */
static bool is_laundered(const struct edge *edge)
{
	const struct hf_policy_state *before = &edge->before->state;
	const struct hf_policy_state *after = &edge->after->state;

	if (edge->move->kind != MOVE_CUT && edge->move->kind != MOVE_RESTART)
		return false;
	if ((before->safe && !after->safe) || (before->rolled_back && !after->rolled_back))
		return true;
	if (after->use_count < before->use_count)
		return true;
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		if (before->denied[i] != 0 && !is_denied(after, before->denied[i]))
			return true;
	for (unsigned i = 0; i < before->case_count; i++) {
		const struct hf_case *one = &before->cases[i];
		const struct hf_case *now = case_of(after, one->reason, one->scope);

		if (one->phase == HF_CASE_ACTIVE &&
		    reason_of(edge, one)->latch == HF_LATCH_OPERATOR &&
		    (now == NULL || now->phase != HF_CASE_ACTIVE))
			return true;
	}
	return false;
}

static bool link_engages(const struct edge *edge)
{
	for (unsigned i = 0; i < edge->after->state.case_count; i++) {
		const struct hf_case *one = &edge->after->state.cases[i];

		if (reason_of(edge, one)->class_of == HF_CLASS_LINK &&
		    (one->engaged != 0 || one->step != HF_STEP_NONE))
			return true;
	}
	return false;
}

static enum hf_invariant judge(const struct edge *edge)
{
	const struct hf_policy_output *out = edge->out;
	enum hf_invariant broken = judge_orders(edge);

	if (broken != 0)
		return broken;
	if (decides_what_it_must_not(edge))
		return HF_I1_NO_DECISION;
	if (left_wrongly(edge))
		return HF_I4_SAFE_IS_LATCHED;
	if (budget_is_broken(edge))
		return HF_I6_BOUNDED;
	if (link_engages(edge))
		return HF_I7_LINK_NEVER_ACTS;
	if (is_laundered(edge))
		return HF_I8_NO_LAUNDERING;
	if (out->commit && (edge->input->gate != HF_GATE_PASSED ||
			    out->state == HF_STATE_SAFE_MODE || out->state == HF_STATE_RECOVERING))
		return HF_I9_COMMIT_BY_GATE;
	if (is_denied(&edge->after->state, edge->input->release) &&
	    out->state != HF_STATE_SAFE_MODE && out->state != HF_STATE_RECOVERING)
		return HF_I10_DENIED_HELD;
	return 0;
}

/* ---- one move ---- */

static void forget(const struct search *search, struct hf_policy_state *state)
{
	switch (search->options->fault) {
	case HF_SEARCH_FORGETS_USES:
		state->use_count = 0;
		memset(state->uses, 0, sizeof state->uses);
		break;
	case HF_SEARCH_FORGETS_SAFE:
		state->safe = false;
		state->safe_by_operator = false;
		state->safe_classes = 0;
		break;
	case HF_SEARCH_FORGETS_DENIED:
		memset(state->denied, 0, sizeof state->denied);
		break;
	case HF_SEARCH_FORGETS_CASES:
		state->case_count = 0;
		memset(state->cases, 0, sizeof state->cases);
		break;
	case HF_SEARCH_NO_FAULT:
		break;
	}
}

/* What is in hand is answered: by one outcome a step, the first that waits for one. */
static void answer(struct search *search, const struct node *node, unsigned outcome,
		   struct hf_policy_input *input)
{
	input->outcome_count = 0;
	if (outcome == 0)
		return;
	for (unsigned i = 0; i < node->state.case_count; i++) {
		const struct hf_case *one = &node->state.cases[i];

		if (one->step != HF_STEP_FREEZING && one->step != HF_STEP_ACTING)
			continue;
		bool frozen = one->step == HF_STEP_FREEZING && outcome == HF_RESULT_DONE;
		input->outcomes[input->outcome_count++] = (struct hf_outcome){
			.result = (uint8_t)(frozen ? HF_RESULT_FROZEN : outcome),
			.action = search->policy->reasons[one->reason].ladder[one->rung],
			.reason = one->reason,
			.scope = one->scope,
		};
		return;
	}
}

static struct hf_command command_of(unsigned kind)
{
	return (struct hf_command){ .kind = (uint8_t)kind,
				    .action = HF_ACTION_RESTART_GROUP,
				    .reason = HF_NO_REASON,
				    .for_ms = OPERATOR_TICKS * (int64_t)TICK_MS };
}

/* The environment after the step: the search's own record of what was done. */
static void record(struct search *search, const struct hf_policy_input *input, unsigned ticks,
		   const struct node *before, struct node *after)
{
	struct environment *env = &after->env;
	const struct hf_policy_output *out = &search->out;
	unsigned kept = 0;
	bool active = false;

	for (unsigned i = 0; i < env->log_count; i++) {
		env->log[i].age = (uint8_t)(env->log[i].age + ticks);
		if (env->log[i].age * (int64_t)TICK_MS < search->longest_ms)
			env->log[kept++] = env->log[i];
	}
	memset(&env->log[kept], 0, (LOG_MAX - kept) * sizeof *env->log);
	env->log_count = (uint8_t)kept;
	for (unsigned i = 0; i < out->change_count; i++) {
		const struct hf_change *change = &out->changes[i];

		if (change->kind == HF_CHANGE_CHOSEN && env->log_count < LOG_MAX) {
			bool wide =
				hf_action_scope((enum hf_action)change->action) == HF_SCOPE_UNIT;
			/* As the machine's budgets: of the unit, or of each kind of thing. */
			unsigned key =
				wide ? 0U : 1U + search->policy->reasons[change->reason].scope;

			env->log[env->log_count++] = (struct log_entry){ .action = change->action,
									 .scope = (uint8_t)key,
									 .age = 0 };
		}
	}
	for (unsigned i = 0; i < out->order_count; i++)
		if (out->orders[i].kind == HF_ORDER_PERFORM &&
		    out->orders[i].action == HF_ACTION_ROLLBACK && env->rollbacks < 3 &&
		    input->release == RELEASE_NEW)
			env->rollbacks++;
	for (unsigned i = 0; i < after->state.case_count; i++)
		active = active ||
			 (after->state.cases[i].phase == HF_CASE_ACTIVE &&
			  !search->policy->reasons[after->state.cases[i].reason].records_only);
	if (active)
		env->well = 0;
	else if (before->state.safe && env->well < WELL_TICKS)
		env->well =
			(uint8_t)(env->well + ticks < WELL_TICKS ? env->well + ticks : WELL_TICKS);
	else if (!before->state.safe)
		env->well = 0;
	if (env->exit_age < 255) {
		unsigned age = env->exit_age + ticks;

		env->exit_age = age * (int64_t)TICK_MS >= search->longest_ms ? 255 : (uint8_t)age;
	}
	if (before->state.safe && !after->state.safe &&
	    input->command.kind != HF_COMMAND_SAFE_CLEAR)
		env->exit_age = 0;
}

/* Who starts from it looks anew: what was seen last does not matter. */
static void store(struct node *node)
{
	node->stored = node->state;
	for (unsigned i = 0; i < node->stored.case_count; i++) {
		struct hf_case *one = &node->stored.cases[i];

		one->is_bad = false;
		one->is_clear = false;
		one->is_unknown = true;
		one->bad_ms = 0;
		one->clear_ms = 0;
		if (one->step != HF_STEP_NONE)
			one->until_ms = base_ms;
	}
}

/* False: the search ends here. */
static bool make_move(struct search *search, uint32_t from, const struct node *before,
		      const struct move *move)
{
	struct hf_policy_input *input = &search->input;
	static struct node after;
	unsigned ticks = move->kind == MOVE_COMMAND ? 0 : 1;

	after = *before;
	input->boot = 1;
	input->run = 1;
	input->outcome_count = 0;
	if (move->kind == MOVE_CUT || move->kind == MOVE_RESTART) {
		after.state = before->stored;
		forget(search, &after.state);
		input->boot = move->kind == MOVE_CUT ? 2 : 1;
		input->run = 2;
		ticks = 0;
	}
	if (move->release != 0)
		after.env.release = move->release;
	/* Time goes on from where the state is, also from one that is older. */
	input->now_ms = after.state.now_ms + ticks * (int64_t)TICK_MS;
	input->release = after.env.release;
	input->has_previous = after.env.release == RELEASE_NEW;
	input->gate = move->gate;
	set_faults(search, move->fault);
	if (move->kind != MOVE_CUT && move->kind != MOVE_RESTART)
		answer(search, before, move->outcome, input);
	input->command = command_of(move->command);
	hf_policy_step(search->policy, &after.state, input, &search->out);
	set_faults(search, none);
	record(search, input, ticks, before, &after);
	/* A rollback that was done runs the release before. */
	if (input->outcome_count > 0 && input->outcomes[0].action == HF_ACTION_ROLLBACK &&
	    input->outcomes[0].result == HF_RESULT_DONE)
		after.env.release = RELEASE_PREVIOUS;

	const struct edge edge = { .search = search,
				   .before = before,
				   .after = &after,
				   .move = move,
				   .input = input,
				   .out = &search->out };
	search->report->edges++;
	enum hf_invariant broken = judge(&edge);
	if (broken != 0) {
		search->broken = broken;
		search->broken_at = from;
		search->broken_move = *move;
		return false;
	}
	make_canonical(search, &after.state);
	if (search->out.store)
		store(&after);
	/* What is stored grows older with the rest: time does not go on while it is off. */
	uint32_t to = intern(search, &after, from, move, search->out.state == HF_STATE_HEALTHY);
	if (to == UINT32_MAX)
		search->report->cut_off |= 1U << 31;
	if (move->kind == MOVE_GOOD)
		search->good_next[from] = to;
	return true;
}

/* ---- all moves of a node ---- */

static bool waits_for_outcome(const struct node *node)
{
	for (unsigned i = 0; i < node->state.case_count; i++)
		if (node->state.cases[i].step == HF_STEP_FREEZING ||
		    node->state.cases[i].step == HF_STEP_ACTING)
			return true;
	return false;
}

/* The faults are gone, what is asked for is done, an operator says yes, another release comes. */
static struct move good_move(const struct search *search, const struct node *node)
{
	struct move move = { .kind = MOVE_GOOD, .outcome = HF_RESULT_DONE, .gate = HF_GATE_OPEN };

	if (is_denied(&node->state, node->env.release))
		move.release = RELEASE_MENDED;
	if (node->state.safe && !waits_for_outcome(node))
		move.command = HF_COMMAND_SAFE_CLEAR;
	else if (node->state.rolled_back)
		move.command = HF_COMMAND_ACK;
	for (unsigned i = 0; i < node->state.case_count; i++)
		if (!node->state.safe && node->state.cases[i].phase == HF_CASE_ACTIVE &&
		    search->policy->reasons[node->state.cases[i].reason].latch == HF_LATCH_OPERATOR)
			move.command = HF_COMMAND_ACK;
	return move;
}

/* What has to be known is a reason of its own when it is not: it has its own turn. */
static unsigned values_of(const struct search *search, int reason_index)
{
	if (reason_index < 0)
		return 1;
	const struct hf_condition *when = &search->policy->reasons[reason_index].when;
	for (unsigned t = 0; t < when->term_count; t++)
		if (search->policy->signals[when->terms[t].signal].required)
			return BAD + 1;
	return VALUES;
}

static bool move_time(struct search *search, uint32_t from, const struct node *node)
{
	static const uint8_t outcomes[] = { 0, HF_RESULT_DONE, HF_RESULT_FAILED };
	unsigned outcome_count = waits_for_outcome(node) ? 3 : 1;
	unsigned firsts = values_of(search, search->reasons[0]);
	unsigned seconds = values_of(search, search->reasons[1]);

	for (unsigned o = 0; o < outcome_count; o++)
		for (unsigned a = 0; a < firsts; a++)
			for (unsigned b = 0; b < seconds; b++) {
				struct move move = { .kind = MOVE_TIME,
						     .fault = { (uint8_t)a, (uint8_t)b },
						     .outcome = outcomes[o],
						     .gate = HF_GATE_OPEN };

				if (!make_move(search, from, node, &move))
					return false;
			}
	return true;
}

/* Hold and maintenance: where it is asked for, one at a time, and with one reason. */
static bool is_too_much(const struct search *search, const struct node *node, unsigned command)
{
	return (command == HF_COMMAND_HOLD || command == HF_COMMAND_MAINTENANCE) &&
	       (!search->options->holds || search->reasons[1] >= 0 ||
		node->state.maintenance_until_ms != 0 ||
		node->state.held_until_ms[HF_ACTION_RESTART_GROUP] != 0);
}

/* With each fault there or not: the second of a pair only where there is one. */
static bool with_faults(struct search *search, uint32_t from, const struct node *node,
			struct move move)
{
	for (unsigned a = CLEAR; a <= BAD; a++)
		for (unsigned b = CLEAR; b <= (search->reasons[1] >= 0 ? BAD : CLEAR); b++) {
			move.fault[0] = (uint8_t)a;
			move.fault[1] = (uint8_t)b;
			if (!make_move(search, from, node, &move))
				return false;
		}
	return true;
}

static bool move_operator(struct search *search, uint32_t from, const struct node *node)
{
	for (unsigned c = HF_COMMAND_SAFE_ENTER; c <= HF_COMMAND_ACK; c++) {
		const struct move move = { .kind = MOVE_COMMAND,
					   .command = (uint8_t)c,
					   .gate = HF_GATE_OPEN };

		if (is_too_much(search, node, c) ||
		    (c == HF_COMMAND_SAFE_CLEAR && !node->state.safe) ||
		    (c == HF_COMMAND_ACK && node->state.case_count == 0 &&
		     !node->state.rolled_back))
			continue;
		if (!with_faults(search, from, node, move))
			return false;
	}
	return true;
}

static bool move_world(struct search *search, uint32_t from, const struct node *node)
{
	struct move move = { .kind = MOVE_RESTART, .gate = HF_GATE_OPEN };

	if (!with_faults(search, from, node, move))
		return false;
	move.kind = MOVE_CUT;
	if (!with_faults(search, from, node, move))
		return false;
	/* A rollback in hand may have been done by the boot. */
	if (node->state.rollback_from != 0) {
		move.release = RELEASE_PREVIOUS;
		if (!with_faults(search, from, node, move))
			return false;
	}
	/* The updater knows no better and installs the same again. */
	if (node->env.release == RELEASE_PREVIOUS && node->env.rollbacks > 0) {
		move.release = RELEASE_NEW;
		if (!with_faults(search, from, node, move))
			return false;
	}
	move = (struct move){ .kind = MOVE_TIME, .gate = HF_GATE_PASSED };
	return with_faults(search, from, node, move);
}

static bool expand(struct search *search, uint32_t index)
{
	static struct node node;

	decode(search, index, &node);
	struct move good = good_move(search, &node);
	return make_move(search, index, &node, &good) && move_time(search, index, &node) &&
	       move_operator(search, index, &node) && move_world(search, index, &node);
}

/* ---- the way back ---- */

/* From which node no benign path leads to healthy? UINT32_MAX: from none. */
static uint32_t find_stuck(const struct search *search)
{
	uint8_t *known = calloc(search->count, 1);
	uint32_t stuck = UINT32_MAX;

	if (known == NULL)
		return UINT32_MAX;
	for (uint32_t i = 0; i < search->count && stuck == UINT32_MAX; i++) {
		uint32_t at = i;
		unsigned steps = 0;

		while (!search->healthy[at] && known[at] != 1 && steps++ < GOOD_STEPS_MAX &&
		       search->good_next[at] != UINT32_MAX)
			at = search->good_next[at];
		if (search->good_next[at] == UINT32_MAX && !search->healthy[at] && known[at] != 1)
			continue; /* cut off: nothing is known */
		if (!search->healthy[at] && known[at] != 1) {
			stuck = i;
			break;
		}
		for (uint32_t k = i; !search->healthy[k] && known[k] != 1; k = search->good_next[k])
			known[k] = 1;
	}
	free(known);
	return stuck;
}

/* ---- in words ---- */

static size_t put_move(const struct search *search, const struct move *move, char *text,
		       size_t size_bytes)
{
	static const char *const kinds[] = { "time passes", "power cut", "supervisor restarted",
					     "operator", "all is done to help" };
	static const char *const values[] = { "clear", "bad", "unknown" };
	size_t used = 0;

#define PUT(...)                                                                         \
	do {                                                                             \
		int put = snprintf(text + used, size_bytes - used, __VA_ARGS__);         \
		if (put > 0)                                                             \
			used += (size_t)put < size_bytes - used ? (size_t)put            \
								: size_bytes - used - 1; \
	} while (0)
	PUT("  %s", kinds[move->kind]);
	if (move->kind == MOVE_COMMAND || (move->kind == MOVE_GOOD && move->command != 0)) {
		static const char *const commands[] = { "",     "safe enter",  "safe clear",
							"hold", "maintenance", "ack" };
		PUT(" %s", commands[move->command]);
	}
	for (unsigned i = 0; i < 2; i++)
		if (search->reasons[i] >= 0)
			PUT(", %s %s", search->policy->reasons[search->reasons[i]].name,
			    values[move->fault[i]]);
	if (move->outcome != 0)
		PUT(", what is in hand %s", move->outcome == HF_RESULT_DONE ? "is done" : "fails");
	if (move->release != 0)
		PUT(", release %u runs", move->release);
	PUT("\n");
#undef PUT
	return used;
}

static void tell_path(struct search *search, uint32_t at, const struct move *last)
{
	struct hf_search_report *report = search->report;
	static uint32_t path[4096];
	unsigned length = 0;
	size_t used = 0;

	for (uint32_t i = at; i != 0 && length < 4096; i = search->parents[i])
		path[length++] = i;
	report->path_steps = length + (last != NULL ? 1 : 0);
	while (length-- > 0)
		used += put_move(search, &search->moves[path[length]], report->path + used,
				 sizeof report->path - used);
	if (last != NULL)
		(void)put_move(search, last, report->path + used, sizeof report->path - used);
}

/* ---- all pairs ---- */

static bool same_condition(const struct hf_condition *a, const struct hf_condition *b)
{
	return (a->term_count == 0) == (b->term_count == 0) && a->unknown == b->unknown;
}

/* The same but for their name and their signals. */
static bool same_shape(const struct hf_policy_reason *a, const struct hf_policy_reason *b)
{
	return (a->class_of == HF_CLASS_LINK) == (b->class_of == HF_CLASS_LINK) &&
	       (a->class_of == HF_CLASS_BLIND) == (b->class_of == HF_CLASS_BLIND) &&
	       (a->class_of == HF_CLASS_RELEASE) == (b->class_of == HF_CLASS_RELEASE) &&
	       a->scope == b->scope && a->latch == b->latch && a->recovering == b->recovering &&
	       (a->workers == 0) == (b->workers == 0) && a->holds == b->holds &&
	       a->records_only == b->records_only && a->hold_ms == b->hold_ms &&
	       a->clear_hold_ms == b->clear_hold_ms && a->rung_count == b->rung_count &&
	       memcmp(a->ladder, b->ladder, a->rung_count) == 0 &&
	       same_condition(&a->when, &b->when) && same_condition(&a->clear, &b->clear);
}

static void start(struct search *search)
{
	static struct node first;
	const struct move begin = { .gate = HF_GATE_OPEN };

	memset(&first, 0, sizeof first);
	hf_policy_state_fresh(&first.state);
	first.state.now_ms = base_ms;
	first.state.boot = 1;
	first.state.run = 1;
	first.stored = first.state;
	first.env.release = RELEASE_NEW;
	first.env.exit_age = 255;
	memset(search->table, 0, ((size_t)search->table_mask + 1) * sizeof *search->table);
	search->arena_bytes = 0;
	search->count = 0;
	search->offsets[0] = 0;
	(void)intern(search, &first, 0, &begin, true);
}

/* The one worker is one that both are about, else the first. */
static uint8_t role_of(const struct hf_policy *policy, int a, int b)
{
	uint32_t first = policy->reasons[a].workers;
	uint32_t both = b >= 0 ? first & policy->reasons[b].workers : first;
	uint32_t roles = both != 0    ? both
			 : first != 0 ? first
			 : b >= 0     ? policy->reasons[b].workers
				      : 0;

	for (uint8_t role = 0; role < 32; role++)
		if ((roles & UINT32_C(1) << role) != 0)
			return role;
	return 0;
}

/* False: something is broken. */
static bool search_pair(struct search *search, int a, int b)
{
	struct hf_search_report *report = search->report;

	search->reasons[0] = a;
	search->reasons[1] = b;
	search->limit = search->states_max;
	if (b >= 0 && search->options->pair_states_max > 0 &&
	    search->options->pair_states_max < search->limit)
		search->limit = search->options->pair_states_max;
	search->input.worker_roles[0] = role_of(search->policy, a, b);
	start(search);
	report->pairs++;
	report->cut_off &= ~(1U << 31);
	for (uint32_t i = 0; i < search->count; i++) {
		if (expand(search, i))
			continue;
		report->states += search->count;
		report->broken = search->broken;
		tell_path(search, search->broken_at, &search->broken_move);
		return false;
	}
	report->states += search->count;
	if (search->options->progress != NULL)
		(void)fprintf(search->options->progress, "%s, %s: %u states%s\n",
			      search->policy->reasons[a].name,
			      b >= 0 ? search->policy->reasons[b].name : "alone", search->count,
			      (report->cut_off & 1U << 31) != 0 ? ", cut off" : "");
	if ((report->cut_off & 1U << 31) != 0)
		report->cut_off = (report->cut_off & ~(1U << 31)) + 1;
	uint32_t stuck = find_stuck(search);
	if (stuck == UINT32_MAX)
		return true;
	report->broken = HF_I5_WAY_BACK;
	tell_path(search, stuck, NULL);
	return false;
}

static void set_up_input(struct search *search)
{
	struct hf_policy_input *input = &search->input;

	memset(input, 0, sizeof *input);
	input->boot = 1;
	input->run = 1;
	input->uptime_ms = INT64_C(1) << 40;
	input->worker_count = 1;
	input->source_count = 1;
	input->camera_count = 1;
	input->worker_cameras[0] = 1;
	input->source_cameras[0] = 1;
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		input->readings[i][0] = search->quiet[i] =
			(struct hf_reading){ .known = true,
					     .value = quiet_value(search->policy, i) };
}

static void find_longest(struct search *search)
{
	search->longest_ms = search->policy->safe_exit_budget.window_ms;
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
			if (search->policy->actions[i].budgets[b].window_ms > search->longest_ms)
				search->longest_ms =
					search->policy->actions[i].budgets[b].window_ms;
}

static bool allocate(struct search *search)
{
	size_t slots = 1;

	while (slots < (size_t)search->states_max * 2)
		slots *= 2;
	search->table_mask = (uint32_t)slots - 1;
	search->table = calloc(slots, sizeof *search->table);
	search->offsets = calloc((size_t)search->states_max + 1, sizeof *search->offsets);
	search->parents = calloc(search->states_max, sizeof *search->parents);
	search->good_next = calloc(search->states_max, sizeof *search->good_next);
	search->moves = calloc(search->states_max, sizeof *search->moves);
	search->healthy = calloc(search->states_max, sizeof *search->healthy);
	return search->table != NULL && search->offsets != NULL && search->parents != NULL &&
	       search->good_next != NULL && search->moves != NULL && search->healthy != NULL;
}

static void release(struct search *search)
{
	free(search->arena);
	free(search->table);
	free(search->offsets);
	free(search->parents);
	free(search->good_next);
	free(search->moves);
	free(search->healthy);
}

static void search_all(struct search *search)
{
	const struct hf_policy *policy = search->policy;
	const struct hf_search_options *options = search->options;
	int shapes[HF_POLICY_REASONS_MAX];
	unsigned count = 0, number = 0;

	for (unsigned i = 0; i < policy->reason_count; i++) {
		bool is_new = true;

		for (unsigned k = 0; k < count; k++)
			is_new = is_new &&
				 !same_shape(&policy->reasons[i], &policy->reasons[shapes[k]]);
		if (is_new)
			shapes[count++] = (int)i;
	}
	search->report->shapes = count;
	search->report->pairs_all =
		policy->reason_count + policy->reason_count * (policy->reason_count - 1U) / 2;
	for (unsigned a = 0; a < count; a++)
		for (unsigned b = a; b < count; b++) {
			if (options->parts > 1 && number++ % options->parts != options->part)
				continue;
			if (options->singles_only && a != b)
				continue;
			if (!search_pair(search, shapes[a], a == b ? -1 : shapes[b]))
				return;
		}
}

enum hf_code hf_policy_search(const struct hf_policy *policy,
			      const struct hf_search_options *options,
			      struct hf_search_report *ret_report, struct hf_err *err)
{
	struct search *search = calloc(1, sizeof *search);
	struct hf_policy *scaled = malloc(sizeof *scaled);

	memset(ret_report, 0, sizeof *ret_report);
	if (search == NULL || scaled == NULL) {
		free(search);
		free(scaled);
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	}
	hf_search_scale(policy, scaled);
	search->policy = scaled;
	search->report = ret_report;
	search->options = options;
	search->states_max = options->states_max > 0 ? options->states_max : STATES_MAX;
	set_up_input(search);
	find_longest(search);
	bool ok = allocate(search);
	if (ok)
		search_all(search);
	release(search);
	free(search);
	free(scaled);
	return ok ? HF_OK : hf_fail(err, HF_E_NOMEM, "out of memory");
}

const char *hf_invariant_text(enum hf_invariant invariant)
{
	static const char *const texts[HF_INVARIANT_COUNT] = {
		[HF_I1_NO_DECISION] = "I1 something is decided in safe mode, or in the scope of an "
				      "action in hand",
		[HF_I2_ONE_ROLLBACK] = "I2 a release is rolled back twice, or not denied before",
		[HF_I3_EVIDENCE_FIRST] = "I3 an action destroys evidence that was not frozen",
		[HF_I4_SAFE_IS_LATCHED] = "I4 safe mode is left though it must not be",
		[HF_I5_WAY_BACK] = "I5 no way leads back to healthy",
		[HF_I6_BOUNDED] = "I6 an action is taken more often than its budget allows",
		[HF_I7_LINK_NEVER_ACTS] = "I7 the link made the unit act",
		[HF_I8_NO_LAUNDERING] = "I8 a restart refills a budget or drops a latch",
		[HF_I9_COMMIT_BY_GATE] = "I9 a release is committed without its gate",
		[HF_I10_DENIED_HELD] = "I10 a denied release runs outside recovering and safe mode",
	};

	HF_ASSERT(invariant > 0 && invariant < HF_INVARIANT_COUNT);
	return texts[invariant];
}
