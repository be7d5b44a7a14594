/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a rung is looked for when its reason is bad and nothing of it is in hand. Refusals are
 * of two kinds: those that pass by themselves or by an operator make the ladder wait, the others
 * make it go on to the next rung. The use is counted with the intent, so that whoever dies
 * between the two has paid.
 */
#include "base/assert.h"
#include "recover/machine_inner.h"

#include <string.h>

enum {
	DEADLINE_MS = 30000, /* of an action that names none */
	VOLATILE_UPTIME_MS = 12 * 3600 * 1000,
	MAINTENANCE_IMPACT = 30, /* a worker that died is started again all the same */
	ADVANCES_MAX = 8,        /* steps of one case in one call */
	KEY_SOURCE = 64,
	KEY_CAMERA = 128,
};

static enum hf_action action_at(const struct step *step, const struct hf_case *one, unsigned rung)
{
	return (enum hf_action)hf_case_reason(step->policy, one)->ladder[rung];
}

static const struct hf_policy_action *rule_of(const struct step *step, const struct hf_case *one)
{
	return &step->policy->actions[action_at(step, one, one->rung)];
}

bool hf_ladder_in_hand(const struct hf_case *one)
{
	return one->step >= HF_STEP_WAITING && one->step <= HF_STEP_SETTLING;
}

/* Whose budget: what is done to the unit is the unit's, the rest is each thing's own. */
static unsigned key_of(const struct step *step, const struct hf_case *one, enum hf_action action)
{
	if (hf_action_scope(action) == HF_SCOPE_UNIT)
		return 0;
	switch ((enum hf_scope)hf_case_reason(step->policy, one)->scope) {
	case HF_SCOPE_SOURCE:
		return KEY_SOURCE + one->scope;
	case HF_SCOPE_CAMERA:
		return KEY_CAMERA + one->scope;
	case HF_SCOPE_WORKER:
		return one->scope;
	case HF_SCOPE_UNIT:
	case HF_SCOPE_COUNT:
		break;
	}
	return HF_WORKERS_MAX;
}

/* ---- budgets ---- */

bool hf_budget_left(const struct hf_policy_state *state, const struct hf_budget *budgets,
		    unsigned budget_count, unsigned action, unsigned scope, int64_t now_ms)
{
	if (state->use_count == HF_USES_MAX)
		return false;
	for (unsigned b = 0; b < budget_count; b++) {
		uint32_t used = 0;

		for (unsigned i = 0; i < state->use_count; i++) {
			const struct hf_use *use = &state->uses[i];

			if (use->action == action && use->scope == scope &&
			    now_ms - use->at_ms < budgets[b].window_ms)
				used++;
		}
		if (budgets[b].count > 0 && used >= budgets[b].count)
			return false;
	}
	return true;
}

void hf_use_add(struct hf_policy_state *state, unsigned action, unsigned scope)
{
	HF_ASSERT(state->use_count < HF_USES_MAX);
	state->uses[state->use_count++] = (struct hf_use){ .action = (uint8_t)action,
							   .scope = (uint8_t)scope,
							   .at_ms = state->now_ms };
}

/* The next use that leaves a window makes room: whoever waits for a budget looks again then. */
static void wake_for_budget(struct step *step, enum hf_action action, unsigned key)
{
	const struct hf_budget *budgets = step->policy->actions[action].budgets;

	for (unsigned i = 0; i < step->state->use_count; i++) {
		const struct hf_use *use = &step->state->uses[i];

		for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
			if (use->action == action && use->scope == key &&
			    use->at_ms + budgets[b].window_ms > step->now_ms)
				hf_step_wake(step, use->at_ms + budgets[b].window_ms);
	}
}

/* ---- which rung ---- */

static bool is_busy(const struct step *step, const struct hf_case *one, enum hf_action action)
{
	bool wide = hf_action_scope(action) == HF_SCOPE_UNIT;
	unsigned key = key_of(step, one, action);

	for (unsigned i = 0; i < step->state->case_count; i++) {
		const struct hf_case *other = &step->state->cases[i];

		/* One that still waits for its turn keeps nobody waiting: it looks again then. */
		if (other == one || !hf_ladder_in_hand(other) || other->step == HF_STEP_WAITING)
			continue;
		enum hf_action in_hand = action_at(step, other, other->rung);
		if (hf_action_kind(in_hand) != HF_ACTION_ONCE)
			continue;
		if (wide || hf_action_scope(in_hand) == HF_SCOPE_UNIT ||
		    key_of(step, other, in_hand) == key)
			return true;
	}
	return false;
}

static bool allowed_in_safe_mode(enum hf_action action)
{
	return hf_action_kind(action) == HF_ACTION_MODE || action == HF_ACTION_RETRY_WORKER;
}

static enum hf_refusal refuse_rollback(const struct step *step)
{
	const struct hf_policy_state *state = step->state;

	if (!step->input->has_previous || state->rolled_back)
		return HF_REFUSED_NO_RELEASE;
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		if (state->denied[i] == step->input->release)
			return HF_REFUSED_NO_RELEASE;
	/* One that cannot be remembered as denied would come back. */
	return state->denied[HF_DENIED_MAX - 1] != 0 ? HF_REFUSED_NO_RELEASE : HF_REFUSED_NOT;
}

static enum hf_refusal refuse_stored(const struct step *step, enum hf_action action)
{
	/* Its uptime is its budget then. */
	bool is_first = action == HF_ACTION_REBOOT && step->input->uptime_ms >= VOLATILE_UPTIME_MS;

	return hf_action_impact(action) >= HF_IMPACT_STORED && step->input->is_volatile && !is_first
		       ? HF_REFUSED_VOLATILE
		       : HF_REFUSED_NOT;
}

/* What may come up at any time, after the intent too: then it is not carried out. */
static enum hf_refusal refuse_now(const struct step *step, enum hf_action action)
{
	const struct hf_policy_state *state = step->state;

	if (state->safe && !allowed_in_safe_mode(action))
		return HF_REFUSED_SAFE;
	if (refuse_stored(step, action) != HF_REFUSED_NOT)
		return HF_REFUSED_VOLATILE;
	if (state->held_until_ms[action] > step->now_ms)
		return HF_REFUSED_HELD;
	if (state->maintenance_until_ms > step->now_ms && hf_action_destroys(action) != 0 &&
	    hf_action_impact(action) >= MAINTENANCE_IMPACT)
		return HF_REFUSED_MAINTENANCE;
	return HF_REFUSED_NOT;
}

enum hf_refusal hf_ladder_refusal(const struct step *step, const struct hf_case *one, unsigned rung)
{
	const struct hf_policy_state *state = step->state;
	enum hf_action action = action_at(step, one, rung);
	const struct hf_policy_action *rule = &step->policy->actions[action];
	enum hf_refusal refusal = HF_REFUSED_NOT;

	if (rule->unavailable)
		return HF_REFUSED_UNAVAILABLE;
	if ((one->failed & 1U << rung) != 0)
		return HF_REFUSED_FAILED;
	if ((one->engaged & 1U << rung) != 0)
		return HF_REFUSED_ENGAGED;
	if (state->safe && !allowed_in_safe_mode(action))
		return HF_REFUSED_SAFE;
	/* Where nothing comes behind it, it is what is left, in any state. */
	if (!state->safe && action == HF_ACTION_RETRY_WORKER &&
	    rung + 1U < hf_case_reason(step->policy, one)->rung_count)
		return HF_REFUSED_NOT_SAFE;
	if (hf_action_kind(action) == HF_ACTION_MODE)
		return state->held_until_ms[action] > step->now_ms ? HF_REFUSED_HELD
								   : HF_REFUSED_NOT;
	if (action == HF_ACTION_ROLLBACK)
		refusal = refuse_rollback(step);
	if (refusal == HF_REFUSED_NOT)
		refusal = refuse_stored(step, action);
	if (refusal != HF_REFUSED_NOT)
		return refusal;
	if (!hf_budget_left(state, rule->budgets, HF_POLICY_BUDGETS_MAX, action,
			    key_of(step, one, action), step->now_ms))
		return HF_REFUSED_BUDGET;
	if (step->input->uptime_ms < rule->uptime_ms)
		return HF_REFUSED_UPTIME;
	refusal = refuse_now(step, action);
	if (refusal != HF_REFUSED_NOT)
		return refusal;
	return is_busy(step, one, action) ? HF_REFUSED_BUSY : HF_REFUSED_NOT;
}

/* ---- from the intent to the verification ---- */

static void order(struct step *step, const struct hf_case *one, enum hf_order_kind kind)
{
	struct hf_policy_output *out = step->out;

	HF_ASSERT(out->order_count < HF_ORDERS_MAX);
	out->orders[out->order_count++] = (struct hf_order){
		.kind = (uint8_t)kind,
		.action = (uint8_t)action_at(step, one, one->rung),
		.reason = one->reason,
		.scope = one->scope,
	};
}

static void go_to(struct step *step, struct hf_case *one, enum hf_step next, int64_t for_ms)
{
	one->step = (uint8_t)next;
	one->until_ms = step->now_ms + for_ms;
}

static void rest(struct step *step, struct hf_case *one)
{
	one->step = HF_STEP_NONE;
	one->until_ms = step->now_ms;
	step->out->store = true;
}

/* A picture is old until the next one comes, whatever was done. */
static int64_t settle_ms_of(const struct step *step, const struct hf_case *one,
			    enum hf_action action)
{
	int64_t own_ms = hf_case_reason(step->policy, one)->settle_ms;
	int64_t settle_ms = step->policy->actions[action].settle_ms;

	return settle_ms > own_ms ? settle_ms : own_ms;
}

static unsigned tries_max(const struct hf_policy_action *rule)
{
	unsigned tries = 0;

	for (unsigned i = 0; i < sizeof rule->waits_ms / sizeof *rule->waits_ms; i++)
		if (rule->waits_ms[i] > 0)
			tries = i + 1;
	return tries > 0 ? tries : 1;
}

static void enter_safe(struct step *step, const struct hf_case *one)
{
	struct hf_policy_state *state = step->state;

	if (!state->safe) {
		state->safe = true;
		state->safe_by_operator = false;
		state->safe_reason = one->reason;
		state->safe_classes = 0;
		state->safe_since_ms = step->now_ms;
	}
	state->safe_well_ms = 0;
	state->safe_classes |= UINT32_C(1) << hf_case_reason(step->policy, one)->class_of;
}

static void engage(struct step *step, struct hf_case *one, unsigned rung)
{
	enum hf_action action = action_at(step, one, rung);
	const struct hf_policy_action *rule = &step->policy->actions[action];

	one->rung = (uint8_t)rung;
	one->tries = 0;
	one->engaged = (uint8_t)(one->engaged | 1U << rung);
	if (step->state->mode_until_ms[action] < step->now_ms + rule->hold_ms)
		step->state->mode_until_ms[action] = step->now_ms + rule->hold_ms;
	if (action == HF_ACTION_SAFE_MODE)
		enter_safe(step, one);
	step->out->store = true;
	hf_step_tell(step, HF_CHANGE_ENGAGED, one, action, HF_REFUSED_NOT, 0);
	go_to(step, one, HF_STEP_SETTLING, settle_ms_of(step, one, action));
}

/* What fell together does not come back together: up to a fifth more or less, by whose it is. */
static int64_t spread_ms(const struct hf_case *one, int64_t wait_ms)
{
	uint32_t hash = (one->scope + 1U) * UINT32_C(2654435761);

	return wait_ms * (800 + (int64_t)((hash >> 16) % 401)) / 1000;
}

static void intend(struct step *step, struct hf_case *one, unsigned rung)
{
	enum hf_action action = action_at(step, one, rung);
	const struct hf_policy_action *rule = &step->policy->actions[action];
	const unsigned tries = tries_max(rule);

	if (one->rung != rung)
		one->tries = 0;
	one->rung = (uint8_t)rung;
	/* One that helped, and is needed again in the episode, waits as long as the last did. */
	int64_t wait_ms =
		spread_ms(one, rule->waits_ms[one->tries < tries ? one->tries : tries - 1]);
	if (one->tries < tries)
		one->tries++;
	one->partial = false;
	hf_use_add(step->state, action, key_of(step, one, action));
	step->out->store = true;
	hf_step_tell(step, HF_CHANGE_CHOSEN, one, action, HF_REFUSED_NOT, wait_ms);
	go_to(step, one, HF_STEP_WAITING, wait_ms);
}

static void deny(struct step *step)
{
	struct hf_policy_state *state = step->state;

	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		if (state->denied[i] == 0) {
			state->denied[i] = step->input->release;
			break;
		}
	state->rollback_from = step->input->release;
}

/* One that was not made does not count as one; its use does. */
static void untry(struct hf_case *one)
{
	if (one->tries > 0)
		one->tries--;
}

/* Something came between the intent and the deed. The use is spent, the rung has not failed. */
static bool withdraw(struct step *step, struct hf_case *one)
{
	enum hf_action action = action_at(step, one, one->rung);
	enum hf_refusal refusal = refuse_now(step, action);

	if (refusal == HF_REFUSED_NOT)
		return false;
	hf_step_tell(step, HF_CHANGE_FAILED, one, action, refusal, one->tries);
	untry(one);
	rest(step, one);
	return true;
}

static void act(struct step *step, struct hf_case *one)
{
	int64_t deadline_ms = rule_of(step, one)->deadline_ms;

	if (withdraw(step, one))
		return;

	/* Denied before it is gone back from: nothing may bring it up again. */
	if (action_at(step, one, one->rung) == HF_ACTION_ROLLBACK)
		deny(step);
	step->out->store = true;
	go_to(step, one, HF_STEP_ACTING, deadline_ms > 0 ? deadline_ms : DEADLINE_MS);
	order(step, one, HF_ORDER_PERFORM);
}

/* A policy in shadow tells what it would do. A worker that is dead is started again all the same:
 * that is no more than what any supervisor does. */
static bool only_told(const struct step *step, const struct hf_case *one)
{
	const struct hf_reading *down = &step->input->readings[HF_SIGNAL_WORKER_DOWN][one->scope];
	bool is_worker = hf_case_reason(step->policy, one)->scope == HF_SCOPE_WORKER &&
			 hf_action_scope(action_at(step, one, one->rung)) == HF_SCOPE_WORKER;

	return step->policy->shadow && !(is_worker && down->known && down->value != 0);
}

static void done(struct step *step, struct hf_case *one);

static void prepare(struct step *step, struct hf_case *one)
{
	/* It went by itself while the ladder waited. */
	if (!one->is_bad) {
		untry(one);
		rest(step, one);
		return;
	}
	if (only_told(step, one)) {
		done(step, one);
		return;
	}
	/* Sixteen at a time are enough; the rest waits for the next step. */
	if (step->out->order_count == HF_ORDERS_MAX || withdraw(step, one) ||
	    is_busy(step, one, action_at(step, one, one->rung)))
		return;
	if (hf_action_destroys(action_at(step, one, one->rung)) == 0) {
		act(step, one);
		return;
	}
	go_to(step, one, HF_STEP_FREEZING, HF_FREEZE_MS);
	order(step, one, HF_ORDER_FREEZE);
}

/* It was done and its reason is bad as ever, or it could not be done. */
static void fail(struct step *step, struct hf_case *one, enum hf_change_kind kind,
		 enum hf_refusal why)
{
	enum hf_action action = action_at(step, one, one->rung);

	if (action == HF_ACTION_ROLLBACK)
		step->state->rollback_from = 0;
	hf_step_tell(step, kind, one, action, why, one->tries);
	if (hf_action_kind(action) == HF_ACTION_ONCE && action != HF_ACTION_RETRY_WORKER &&
	    one->tries >= tries_max(&step->policy->actions[action]))
		one->failed = (uint8_t)(one->failed | 1U << one->rung);
	rest(step, one);
}

static void done(struct step *step, struct hf_case *one)
{
	enum hf_action action = action_at(step, one, one->rung);

	if (action == HF_ACTION_ROLLBACK && !step->policy->shadow) {
		step->state->rolled_back = true;
		step->state->rollback_from = 0;
	}
	hf_step_tell(step, HF_CHANGE_DONE, one, action,
		     one->partial ? HF_REFUSED_DEADLINE : HF_REFUSED_NOT, 0);
	step->out->store = true;
	go_to(step, one, HF_STEP_SETTLING, settle_ms_of(step, one, action));
}

void hf_ladder_outcome(struct step *step, const struct hf_outcome *outcome)
{
	struct hf_case *one = hf_case_find(step->state, outcome->reason, outcome->scope);

	/* Too late, or of a case that is over: it says nothing any more. */
	if (one == NULL || one->reason >= step->policy->reason_count || one->rung == HF_NO_RUNG ||
	    one->rung >= hf_case_reason(step->policy, one)->rung_count ||
	    action_at(step, one, one->rung) != (enum hf_action)outcome->action)
		return;
	if (one->step == HF_STEP_FREEZING) {
		one->partial = outcome->result != HF_RESULT_FROZEN;
		act(step, one);
	} else if (one->step == HF_STEP_ACTING && outcome->result == HF_RESULT_DONE) {
		done(step, one);
	} else if (one->step == HF_STEP_ACTING && outcome->result == HF_RESULT_FAILED) {
		fail(step, one, HF_CHANGE_FAILED, HF_REFUSED_NOT);
	}
}

/* In hand when the unit ended. What a start does anyway was done by it. */
static void interrupt(struct step *step, struct hf_case *one, bool is_boot)
{
	enum hf_action action = action_at(step, one, one->rung);

	if (one->step == HF_STEP_VERIFYING || one->step == HF_STEP_SETTLING) {
		go_to(step, one, HF_STEP_SETTLING, settle_ms_of(step, one, action));
		return;
	}
	bool is_done = one->step == HF_STEP_ACTING && (action != HF_ACTION_REBOOT || is_boot) &&
		       action != HF_ACTION_RESET_DEVICE && action != HF_ACTION_ROLLBACK_SYSTEM;
	if (action == HF_ACTION_ROLLBACK)
		is_done = is_done && step->input->release != step->state->rollback_from;
	hf_step_tell(step, HF_CHANGE_INTERRUPTED, one, action, HF_REFUSED_NOT, one->step);
	if (is_done)
		done(step, one);
	else if (one->step == HF_STEP_ACTING)
		fail(step, one, HF_CHANGE_FAILED, HF_REFUSED_NOT);
	else
		rest(step, one);
}

void hf_ladder_interrupt(struct step *step, bool is_boot)
{
	for (unsigned i = 0; i < step->state->case_count; i++) {
		struct hf_case *one = &step->state->cases[i];

		if (one->reason >= step->policy->reason_count)
			continue;
		/* Nobody has looked yet, nor while it was off: what was half full begins anew. */
		one->bad_ms = 0;
		one->clear_ms = 0;
		one->is_bad = false;
		one->is_clear = false;
		one->is_unknown = true;
		one->rebooted = one->rebooted || (is_boot && one->phase == HF_CASE_ACTIVE);
		if (one->step != HF_STEP_NONE &&
		    one->rung < hf_case_reason(step->policy, one)->rung_count)
			interrupt(step, one, is_boot);
		else
			one->step = HF_STEP_NONE;
	}
}

/* ---- climbing ---- */

static bool makes_wait(enum hf_refusal refusal)
{
	return refusal == HF_REFUSED_HELD || refusal == HF_REFUSED_MAINTENANCE ||
	       refusal == HF_REFUSED_BUSY;
}

static void choose(struct step *step, struct hf_case *one)
{
	const struct hf_policy_reason *reason = hf_case_reason(step->policy, one);

	for (unsigned rung = 0; rung < reason->rung_count; rung++) {
		enum hf_action action = action_at(step, one, rung);
		enum hf_refusal refusal = hf_ladder_refusal(step, one, rung);

		if (refusal == HF_REFUSED_BUDGET)
			wake_for_budget(step, action, key_of(step, one, action));
		if (makes_wait(refusal))
			return;
		if (refusal != HF_REFUSED_NOT)
			continue;
		if (hf_action_kind(action) == HF_ACTION_MODE)
			engage(step, one, rung);
		else
			intend(step, one, rung);
		return;
	}
	if (one->told || reason->rung_count == 0 || one->engaged != 0)
		return;
	one->told = true;
	hf_step_tell(step, HF_CHANGE_EXHAUSTED, one, HF_ACTION_COUNT, HF_REFUSED_NOT, 0);
}

static void settled(struct step *step, struct hf_case *one)
{
	const struct hf_policy_action *rule = rule_of(step, one);
	bool is_mode = hf_action_kind(action_at(step, one, one->rung)) == HF_ACTION_MODE;

	/* One that is not there to mend anything is not asked whether it did. */
	if (is_mode && rule->verify_ms == 0)
		rest(step, one);
	else
		go_to(step, one, HF_STEP_VERIFYING, rule->verify_ms);
}

/* The verification's time is over, or its reason is back. */
static void verify(struct step *step, struct hf_case *one)
{
	enum hf_action action = action_at(step, one, one->rung);

	if (!one->is_bad && step->now_ms < one->until_ms)
		return;
	if (one->is_bad || one->is_unknown) {
		fail(step, one, HF_CHANGE_NO_HELP, HF_REFUSED_NOT);
		return;
	}
	hf_step_tell(step, HF_CHANGE_VERIFIED, one, action, HF_REFUSED_NOT, one->tries);
	rest(step, one);
}

/* What failed long ago may be worth another try. */
static void decay(struct step *step, struct hf_case *one)
{
	int64_t forget_ms = one->until_ms + step->policy->episode_ms;

	if (one->failed == 0 && one->tries == 0)
		return;
	if (step->now_ms < forget_ms)
		hf_step_wake(step, forget_ms);
	else
		hf_case_forget_ladder(one);
}

static void advance(struct step *step, struct hf_case *one)
{
	switch ((enum hf_step)one->step) {
	case HF_STEP_NONE:
		decay(step, one);
		if (one->is_bad)
			choose(step, one);
		break;
	case HF_STEP_WAITING:
		if (step->now_ms >= one->until_ms)
			prepare(step, one);
		break;
	case HF_STEP_FREEZING:
		if (step->now_ms >= one->until_ms && step->out->order_count < HF_ORDERS_MAX) {
			one->partial = true;
			act(step, one);
		}
		break;
	case HF_STEP_ACTING:
		if (step->now_ms >= one->until_ms)
			fail(step, one, HF_CHANGE_FAILED, HF_REFUSED_DEADLINE);
		break;
	case HF_STEP_SETTLING:
		if (step->now_ms >= one->until_ms)
			settled(step, one);
		break;
	case HF_STEP_VERIFYING:
		verify(step, one);
		break;
	}
}

void hf_ladder_climb(struct step *step)
{
	for (unsigned i = 0; i < step->state->case_count; i++) {
		struct hf_case *one = &step->state->cases[i];

		if (one->phase != HF_CASE_ACTIVE || hf_case_reason(step->policy, one)->records_only)
			continue;
		for (unsigned n = 0; n < ADVANCES_MAX; n++) {
			uint8_t before = one->step;

			advance(step, one);
			if (one->step == before)
				break;
		}
		/* What is due and waits for another one to end has nothing to wake up for. */
		if (one->step != HF_STEP_NONE && one->until_ms > step->now_ms)
			hf_step_wake(step, one->until_ms);
	}
}
