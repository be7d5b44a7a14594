/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: what the machine told and ordered is written into a log of the search's own, in the real
 * order and by the real time of the world; the invariants are asked of that log, of the world, and
 * of what the machine says now. What the machine itself remembers is believed only where the
 * invariant is about its own words (who asked for safe mode).
 */
#include "base/assert.h"
#include "recover/search_inner.h"

#include <string.h>

enum {
	MAINTAINED_IMPACT = 30, /* from here on maintenance stops what destroys */
	STORED_IMPACT = 50,
};

struct look {
	const struct checked *checked;
	struct history *history;
	unsigned broken; /* bits 1 << invariant */
};

static void breaks(struct look *look, unsigned invariant)
{
	look->broken |= 1U << invariant;
}

static bool is_boot(enum move move)
{
	return move == MOVE_CUT || move == MOVE_CUT_SWITCHED;
}

static bool is_start(enum move move)
{
	return (move >= MOVE_CUT && move <= MOVE_RESTART_SWITCHED) || move == MOVE_INSTALL ||
	       move == MOVE_INSTALL + 1;
}

static const struct hf_policy_reason *reason_of(const struct look *look, unsigned f)
{
	return &look->checked->setup->policy.reasons[f];
}

static bool is_wide(unsigned action)
{
	return hf_action_scope((enum hf_action)action) == HF_SCOPE_UNIT;
}

static unsigned key_of(const struct look *look, unsigned f, unsigned action)
{
	return is_wide(action) ? 0 : 1U + reason_of(look, f)->scope;
}

static unsigned rung_of(const struct look *look, unsigned f, unsigned action)
{
	const struct hf_policy_reason *reason = reason_of(look, f);

	for (unsigned r = 0; r < reason->rung_count; r++)
		if (reason->ladder[r] == action)
			return r;
	return HF_POLICY_RUNGS_MAX;
}

static const struct hf_case *case_of(const struct hf_policy_state *state, unsigned f)
{
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->cases[i].reason == f)
			return &state->cases[i];
	return NULL;
}

/* ---- the log ---- */

static unsigned tries_of(const struct look *look, unsigned action)
{
	const int64_t *waits_ms = look->checked->setup->policy.actions[action].waits_ms;
	unsigned tries = 1;

	for (unsigned i = 0; i < HF_POLICY_WAITS_MAX; i++)
		if (waits_ms[i] > 0)
			tries = i + 1;
	return tries;
}

static void log_use(struct look *look, unsigned action, unsigned key,
		    const struct hf_budget *budgets, unsigned budget_count)
{
	struct history *history = look->history;

	if (history->log_count == LOG_MAX) {
		memmove(&history->log[0], &history->log[1], (LOG_MAX - 1) * sizeof *history->log);
		history->log_count--;
	}
	history->log[history->log_count++] =
		(struct logged){ .action = (uint8_t)action, .key = (uint8_t)key };
	for (unsigned b = 0; b < budget_count; b++) {
		unsigned used = 0;

		for (unsigned i = 0; i < history->log_count; i++)
			if (history->log[i].action == action && history->log[i].key == key &&
			    history->log[i].age * (int64_t)TICK_MS < budgets[b].window_ms)
				used++;
		if (budgets[b].count > 0 && used > budgets[b].count)
			breaks(look, action == HF_ACTION_SAFE_MODE ? 4 : 6);
	}
}

static bool freeze_is_over(const struct look *look, unsigned f)
{
	return !look->checked->setup->is_open ||
	       look->checked->move == MOVE_RUNS_OUT + TIMER_STEP + f;
}

static void pass_time(struct look *look)
{
	struct history *history = look->history;
	unsigned kept = 0;

	for (unsigned i = 0; i < history->log_count; i++) {
		struct logged logged = history->log[i];

		if (++logged.age < look->checked->setup->log_age_max[logged.action])
			history->log[kept++] = logged;
	}
	memset(&history->log[kept], 0, (history->log_count - kept) * sizeof *history->log);
	history->log_count = (uint8_t)kept;
	for (unsigned f = 0; f < look->checked->setup->fault_count; f++) {
		struct fault *fault = &history->faults[f];
		int64_t episode_ms = look->checked->setup->policy.episode_ms;

		if (fault->frozen == 1 && freeze_is_over(look, f))
			fault->frozen = 2;
		if (fault->failed == 0 && fault->tries == 0)
			continue;
		if (++fault->failed_age * (int64_t)TICK_MS >= episode_ms) {
			fault->failed = 0;
			fault->tries = 0;
			fault->failed_age = 0;
		}
	}
}

/* What the world does to the log before the machine says anything. */
static void note_move(struct look *look)
{
	struct history *history = look->history;
	enum move move = look->checked->move;
	bool starts = is_start(move);

	if (search_passes_time(move) || starts)
		pass_time(look);
	for (unsigned f = 0; f < look->checked->setup->fault_count; f++) {
		struct fault *fault = &history->faults[f];
		bool reports = move >= MOVE_FROZEN && move < MOVE_CUT &&
			       (unsigned)(move - MOVE_CLEAR) % FAULTS_MAX == f;

		if (reports && fault->pending == PENDING_FREEZE)
			fault->frozen = 2;
		if (reports || starts)
			fault->pending = PENDING_NONE;
		if (starts) {
			fault->frozen = 0;
			fault->intended = 0;
		}
		if (is_boot(move) && fault->active)
			fault->rebooted = 1;
		if (history->release != look->checked->before->history.release && fault->active)
			fault->rereleased = 1;
		if (fault->sight == SIGHT_BAD && !look->checked->setup->internal[f])
			fault->rereleased = 0;
		if (fault->sight == SIGHT_BAD || starts || !fault->active)
			fault->clear_ticks = 0;
		else if (fault->sight == SIGHT_CLEAR && move == MOVE_RUNS_OUT + TIMER_CLEAR + f)
			fault->clear_ticks = OPEN_TICKS;
		else if (fault->sight == SIGHT_CLEAR && search_passes_time(move) &&
			 fault->clear_ticks < 32)
			fault->clear_ticks++;
	}
	if (move == MOVE_SAFE_ENTER)
		history->safe_operator = 1;
}

/* ---- what was told ---- */

static bool is_denied(const struct look *look)
{
	return look->history->rolled[look->history->release] != 0;
}

static bool may_be_over(const struct look *look, unsigned f)
{
	const struct fault *fault = &look->history->faults[f];
	enum move move = look->checked->move;

	switch ((enum hf_latch)reason_of(look, f)->latch) {
	case HF_LATCH_AUTO:
		return true;
	case HF_LATCH_OPERATOR:
		return move == MOVE_ACK || move == MOVE_SAFE_CLEAR;
	case HF_LATCH_REBOOT:
		return fault->rebooted != 0;
	case HF_LATCH_RELEASE:
		return fault->rereleased != 0 && !is_denied(look);
	}
	return false;
}

static void note_cleared(struct look *look, unsigned f)
{
	const struct hf_policy_reason *reason = reason_of(look, f);
	struct fault *fault = &look->history->faults[f];

	if (!may_be_over(look, f))
		breaks(look, 8);
	if (reason->latch == HF_LATCH_OPERATOR ? fault->sight == SIGHT_BAD
	    : !look->checked->setup->internal[f]
		    ? fault->sight != SIGHT_CLEAR ||
			      fault->clear_ticks * (int64_t)TICK_MS < reason->clear_hold_ms
		    : is_denied(look))
		breaks(look, 11);
	fault->active = 0;
	fault->rebooted = 0;
	fault->rereleased = 0;
}

static void note_chosen(struct look *look, unsigned f, unsigned action)
{
	struct fault *fault = &look->history->faults[f];
	const struct hf_policy_action *rule = &look->checked->setup->policy.actions[action];
	unsigned rung = rung_of(look, f, action);

	if ((fault->failed & 1U << rung) != 0)
		breaks(look, 14);
	fault->intended = 1;
	fault->frozen = 0;
	fault->failed_age = 0;
	log_use(look, action, key_of(look, f, action), rule->budgets, HF_POLICY_BUDGETS_MAX);
}

static void note_failed(struct look *look, unsigned f, const struct hf_change *change)
{
	struct fault *fault = &look->history->faults[f];
	bool once = hf_action_kind((enum hf_action)change->action) == HF_ACTION_ONCE;

	if (change->why == HF_REFUSED_DEADLINE)
		fault->pending = PENDING_NONE;
	if (once && change->action != HF_ACTION_RETRY_WORKER &&
	    (change->why == HF_REFUSED_NOT || change->why == HF_REFUSED_DEADLINE) &&
	    fault->tried == change->action && fault->tries >= tries_of(look, change->action))
		fault->failed = (uint8_t)(fault->failed | 1U << rung_of(look, f, change->action));
}

static void note_reason(struct look *look, const struct hf_change *change)
{
	unsigned f = change->reason;
	struct fault *fault = &look->history->faults[f];

	if (reason_of(look, f)->class_of == HF_CLASS_LINK && change->kind != HF_CHANGE_ENTERED &&
	    change->kind != HF_CHANGE_CLEARED)
		breaks(look, 7);
	switch ((enum hf_change_kind)change->kind) {
	case HF_CHANGE_ENTERED:
		fault->active = 1;
		fault->rebooted = 0;
		fault->rereleased = 0;
		break;
	case HF_CHANGE_CLEARED:
		note_cleared(look, f);
		fault->failed_age = 0;
		break;
	case HF_CHANGE_CHOSEN:
		note_chosen(look, f, change->action);
		break;
	case HF_CHANGE_FAILED:
	case HF_CHANGE_NO_HELP:
		note_failed(look, f, change);
		fault->failed_age = 0;
		break;
	case HF_CHANGE_VERIFIED:
	case HF_CHANGE_INTERRUPTED:
		fault->failed_age = 0;
		break;
	case HF_CHANGE_ENGAGED:
		if (change->action == HF_ACTION_SAFE_MODE) {
			unsigned bit = reason_of(look, f)->class_of;

			look->history->safe_classes[bit / 8] |= (uint8_t)(1U << bit % 8);
			look->history->well = 0;
		}
		break;
	case HF_CHANGE_STATE:
	case HF_CHANGE_DONE:
	case HF_CHANGE_RELEASED:
	case HF_CHANGE_EXHAUSTED:
	case HF_CHANGE_SAFE_LEFT:
	case HF_CHANGE_COMMANDED:
	case HF_CHANGE_KIND_COUNT:
		break;
	}
}

/* ---- what was ordered ---- */

static bool forbidden(const struct look *look, unsigned action)
{
	const struct hf_policy_state *state = &look->checked->after->live;
	const struct hf_policy_input *input = look->checked->input;
	unsigned impact = hf_action_impact((enum hf_action)action);
	bool destroys = hf_action_destroys((enum hf_action)action) != 0;
	bool was_safe = look->checked->before->history.safe != 0 && state->safe;

	return state->held_until_ms[action] > state->now_ms ||
	       (state->maintenance_until_ms > state->now_ms && destroys &&
		impact >= MAINTAINED_IMPACT) ||
	       (was_safe && action != HF_ACTION_RETRY_WORKER) ||
	       (input->is_volatile && impact >= STORED_IMPACT &&
		(action != HF_ACTION_REBOOT || input->uptime_ms < OLD_UPTIME_MS));
}

static void note_perform(struct look *look, unsigned f, unsigned action)
{
	struct history *history = look->history;
	struct fault *fault = &history->faults[f];

	if (hf_action_destroys((enum hf_action)action) != 0 && fault->frozen != 2)
		breaks(look, 3);
	if (!fault->intended)
		breaks(look, 6);
	if (forbidden(look, action))
		breaks(look, 12);
	for (unsigned other = 0; other < look->checked->setup->fault_count; other++) {
		const struct fault *its = &history->faults[other];

		if (other != f && its->pending == PENDING_PERFORM &&
		    (is_wide(action) || is_wide(its->action) ||
		     key_of(look, other, its->action) == key_of(look, f, action)))
			breaks(look, 13);
	}
	if (action == HF_ACTION_ROLLBACK) {
		if (history->rolled[history->release] != 0)
			breaks(look, 2);
		history->rolled[history->release] = 1;
	}
	/* What was only intended was not tried. */
	fault->tries = fault->tried == action && fault->tries > 0 ? (uint8_t)(fault->tries + 1) : 1;
	if (fault->tries > HF_POLICY_WAITS_MAX)
		fault->tries = HF_POLICY_WAITS_MAX;
	fault->tried = (uint8_t)action;
	fault->intended = 0;
	fault->frozen = 0;
	fault->pending = PENDING_PERFORM;
	fault->action = (uint8_t)action;
}

static void note_orders(struct look *look)
{
	const struct hf_policy_output *out = look->checked->out;

	for (unsigned i = 0; i < out->order_count; i++) {
		const struct hf_order *order = &out->orders[i];
		struct fault *fault = &look->history->faults[order->reason];

		if (reason_of(look, order->reason)->class_of == HF_CLASS_LINK)
			breaks(look, 7);
		if (order->kind == HF_ORDER_PERFORM) {
			note_perform(look, order->reason, order->action);
			continue;
		}
		fault->pending = PENDING_FREEZE;
		fault->action = order->action;
		fault->frozen = 1;
	}
}

/* ---- what is asked of each step ---- */

static void check_decisions(struct look *look)
{
	const struct hf_policy_output *out = look->checked->out;
	const struct history *history = look->history;

	if (look->checked->after->live.safe != (out->state == HF_STATE_SAFE_MODE))
		breaks(look, 1);
	if (look->checked->after->live.safe && (out->may_decide || (out->cameras_held & 1) == 0))
		breaks(look, 1);
	for (unsigned f = 0; f < look->checked->setup->fault_count; f++) {
		const struct fault *fault = &history->faults[f];

		if (fault->pending != PENDING_PERFORM)
			continue;
		if (is_wide(fault->action) ? out->may_decide : (out->cameras_held & 1) == 0)
			breaks(look, 1);
	}
}

static bool asked_and_bad(const struct look *look, unsigned f)
{
	const struct hf_case *one = case_of(&look->checked->before->live, f);
	unsigned rung = rung_of(look, f, HF_ACTION_SAFE_MODE);

	return one != NULL && rung < HF_POLICY_RUNGS_MAX && (one->engaged & 1U << rung) != 0 &&
	       !look->checked->setup->internal[f] && look->history->faults[f].sight == SIGHT_BAD;
}

static bool told_that_left(const struct look *look)
{
	const struct hf_policy_output *out = look->checked->out;

	for (unsigned i = 0; i < out->change_count; i++)
		if (out->changes[i].kind == HF_CHANGE_SAFE_LEFT)
			return true;
	return false;
}

static void check_safe_left(struct look *look)
{
	const struct hf_policy *policy = &look->checked->setup->policy;
	struct history *history = look->history;
	unsigned classes = history->safe_classes[0] | (unsigned)history->safe_classes[1] << 8;

	if (look->checked->move == MOVE_SAFE_CLEAR) {
		for (unsigned f = 0; f < look->checked->setup->fault_count; f++)
			if (asked_and_bad(look, f))
				breaks(look, 4);
		return;
	}
	/* By itself; a start may be the step that sees that it may. */
	bool allowed = !history->safe_operator && (classes & ~policy->safe_exit_classes) == 0 &&
		       policy->safe_exit_budget.count > 0 &&
		       history->well * (int64_t)TICK_MS >= policy->safe_exit_healthy_ms;

	if (is_start(look->checked->move) && (!allowed || !told_that_left(look)))
		breaks(look, 8);
	else if (!allowed)
		breaks(look, 4);
	log_use(look, HF_ACTION_SAFE_MODE, 0, &policy->safe_exit_budget, 1);
}

static void forget_failures(struct look *look)
{
	for (unsigned f = 0; f < FAULTS_MAX; f++) {
		look->history->faults[f].failed = 0;
		look->history->faults[f].tries = 0;
	}
}

static bool some_active(const struct look *look)
{
	for (unsigned f = 0; f < look->checked->setup->fault_count; f++)
		if (look->history->faults[f].active && !reason_of(look, f)->records_only)
			return true;
	return false;
}

static void check_safe(struct look *look)
{
	struct history *history = look->history;
	bool is_safe = look->checked->after->live.safe;
	bool was_well = look->checked->before->history.safe != 0 &&
			look->checked->before->history.well != 0;

	if (is_safe && some_active(look))
		history->well = 0;
	else if (is_safe && !was_well)
		history->well = 1; /* well at this look: no tick of it yet */
	else if (search_passes_time(look->checked->move) && was_well && history->well < 32)
		history->well++;
	if (look->checked->before->history.safe != 0 && !is_safe) {
		/* One look more than ticks. */
		history->well = history->well > 0 ? history->well - 1 : 0;
		check_safe_left(look);
	}
	history->safe = is_safe;
	if (is_safe)
		return;
	history->safe_operator = 0;
	history->well = 0;
	memset(history->safe_classes, 0, sizeof history->safe_classes);
}

static void check_kept(struct look *look)
{
	const struct hf_policy_state *live = &look->checked->after->live;

	for (unsigned f = 0; f < look->checked->setup->fault_count; f++) {
		const struct hf_case *one = case_of(live, f);

		if (look->history->faults[f].active &&
		    (one == NULL || one->phase != HF_CASE_ACTIVE))
			breaks(look, 8);
	}
	for (unsigned r = 1; r < RELEASES; r++) {
		bool found = false;

		for (unsigned i = 0; i < HF_DENIED_MAX; i++)
			found = found || live->denied[i] == r;
		if (look->history->rolled[r] != 0 && !found)
			breaks(look, 8);
	}
}

static void check_state(struct look *look)
{
	const struct hf_policy_output *out = look->checked->out;
	const struct hf_policy_state *live = &look->checked->after->live;
	bool mode = false;

	if (out->commit && (look->checked->input->gate != HF_GATE_PASSED || live->safe ||
			    out->state == HF_STATE_RECOVERING || is_denied(look)))
		breaks(look, 9);
	if (is_denied(look) && out->state != HF_STATE_SAFE_MODE &&
	    out->state != HF_STATE_RECOVERING)
		breaks(look, 10);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		mode = mode || live->mode_until_ms[i] > live->now_ms;
	/* Nothing but the link: healthy. */
	if (!live->safe && !mode && !live->rolled_back && !some_active(look) &&
	    out->state != HF_STATE_HEALTHY)
		breaks(look, 7);
}

unsigned search_check(const struct checked *checked)
{
	struct look look = { .checked = checked, .history = &checked->after->history };

	note_move(&look);
	for (unsigned i = 0; i < checked->out->change_count; i++)
		if (checked->out->changes[i].kind == HF_CHANGE_SAFE_LEFT)
			forget_failures(&look);
		else if (checked->out->changes[i].reason < checked->setup->fault_count &&
			 checked->out->changes[i].kind != HF_CHANGE_COMMANDED)
			note_reason(&look, &checked->out->changes[i]);
	note_orders(&look);
	check_safe(&look);
	check_decisions(&look);
	check_kept(&look);
	check_state(&look);
	return look.broken;
}
