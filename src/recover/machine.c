/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one step is: what ended with the last run, what was reported, what an operator wants,
 * what is seen, what to do, safe mode, and then the state, derived anew from all of it. Nothing
 * is decided twice: the state is never an input to itself.
 */
#include "recover/machine.h"

#include "base/assert.h"
#include "recover/machine_inner.h"

#include <string.h>

void hf_policy_state_fresh(struct hf_policy_state *ret_state)
{
	memset(ret_state, 0, sizeof *ret_state);
	ret_state->safe_reason = HF_NO_REASON;
}

void hf_policy_state_lost(struct hf_policy_state *ret_state)
{
	hf_policy_state_fresh(ret_state);
	ret_state->safe = true;
	/* Not by an operator, but only one may end it. */
	ret_state->safe_by_operator = true;
}

void hf_step_tell(struct step *step, enum hf_change_kind kind, const struct hf_case *one,
		  enum hf_action action, enum hf_refusal why, int64_t value)
{
	struct hf_policy_output *out = step->out;

	if (out->change_count == HF_CHANGES_MAX) {
		out->changes_lost++;
		return;
	}
	out->changes[out->change_count++] = (struct hf_change){
		.kind = (uint8_t)kind,
		.reason = one != NULL ? one->reason : HF_NO_REASON,
		.scope = one != NULL ? one->scope : 0,
		.action = (uint8_t)action,
		.why = (uint8_t)why,
		.value = value,
	};
}

void hf_step_wake(struct step *step, int64_t at_ms)
{
	if (at_ms <= step->now_ms)
		at_ms = step->now_ms + 1;
	if (at_ms < step->out->next_ms)
		step->out->next_ms = at_ms;
}

bool hf_step_denied(const struct hf_policy_state *state, const struct hf_policy_input *input)
{
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		if (state->denied[i] != 0 && state->denied[i] == input->release)
			return true;
	return false;
}

/* ---- time ---- */

static int64_t longest_window_ms(const struct hf_policy *policy, unsigned action)
{
	int64_t window_ms = action == HF_ACTION_SAFE_MODE ? policy->safe_exit_budget.window_ms : 0;

	for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
		if (policy->actions[action].budgets[b].window_ms > window_ms)
			window_ms = policy->actions[action].budgets[b].window_ms;
	return window_ms;
}

/* What no window holds any more is forgotten; the order stays. */
static void forget_uses(struct step *step)
{
	struct hf_policy_state *state = step->state;
	unsigned kept = 0;

	for (unsigned i = 0; i < state->use_count; i++) {
		struct hf_use use = state->uses[i];

		if (use.action < HF_ACTION_COUNT &&
		    step->now_ms - use.at_ms < longest_window_ms(step->policy, use.action))
			state->uses[kept++] = use;
	}
	memset(&state->uses[kept], 0, (state->use_count - kept) * sizeof *state->uses);
	state->use_count = (uint8_t)kept;
}

static void expire(struct step *step, int64_t *until_ms)
{
	if (*until_ms == 0)
		return;
	if (*until_ms > step->now_ms) {
		hf_step_wake(step, *until_ms);
		return;
	}
	*until_ms = 0;
	step->out->store = true;
}

static void pass_time(struct step *step)
{
	struct hf_policy_state *state = step->state;
	int64_t passed_ms = step->input->now_ms - state->now_ms - step->input->asleep_ms;

	step->passed_ms = passed_ms > 0 ? passed_ms : 0;
	/* Never back: a window would be longer than it is. */
	if (step->input->now_ms > state->now_ms)
		state->now_ms = step->input->now_ms;
	step->now_ms = state->now_ms;
	forget_uses(step);
	expire(step, &state->maintenance_until_ms);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		expire(step, &state->held_until_ms[i]);
		expire(step, &state->mode_until_ms[i]);
	}
}

/* Another release: what only another one ends may end. */
static void notice_release(struct step *step)
{
	struct hf_policy_state *state = step->state;

	if (state->release == step->input->release)
		return;
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->release != 0 && state->cases[i].phase == HF_CASE_ACTIVE)
			state->cases[i].rereleased = true;
	state->release = step->input->release;
	step->out->store = true;
}

static void notice_start(struct step *step)
{
	struct hf_policy_state *state = step->state;
	bool is_boot = state->boot != step->input->boot;
	bool is_run = state->run != step->input->run;

	if (!is_boot && !is_run)
		return;
	/* Nobody looked. */
	step->passed_ms = 0;
	hf_ladder_interrupt(step, is_boot);
	state->boot = step->input->boot;
	state->run = step->input->run;
	step->out->store = true;
}

/* ---- safe mode ---- */

static void leave_safe(struct step *step, bool by_operator)
{
	struct hf_policy_state *state = step->state;

	state->safe = false;
	state->safe_by_operator = false;
	state->safe_reason = HF_NO_REASON;
	state->safe_classes = 0;
	state->safe_since_ms = 0;
	state->safe_well_ms = 0;
	state->mode_until_ms[HF_ACTION_SAFE_MODE] = 0;
	for (unsigned i = 0; i < state->case_count; i++) {
		struct hf_case *one = &state->cases[i];
		const struct hf_policy_reason *reason = hf_case_reason(step->policy, one);

		for (unsigned r = 0; r < reason->rung_count; r++)
			if (reason->ladder[r] == HF_ACTION_SAFE_MODE)
				one->engaged = (uint8_t)(one->engaged & ~(1U << r));
		if (!hf_ladder_in_hand(one))
			hf_case_forget_ladder(one);
	}
	if (!by_operator)
		hf_use_add(state, HF_ACTION_SAFE_MODE, 0);
	step->out->store = true;
	hf_step_tell(step, HF_CHANGE_SAFE_LEFT, NULL, HF_ACTION_SAFE_MODE, HF_REFUSED_NOT,
		     by_operator ? 1 : 0);
}

static bool counts(const struct step *step, const struct hf_case *one)
{
	return one->phase == HF_CASE_ACTIVE && !hf_case_reason(step->policy, one)->records_only;
}

static bool some_active(const struct step *step)
{
	for (unsigned i = 0; i < step->state->case_count; i++)
		if (counts(step, &step->state->cases[i]))
			return true;
	return false;
}

/* Not yet active, but on the way there. */
static bool some_bad(const struct step *step)
{
	for (unsigned i = 0; i < step->state->case_count; i++)
		if (step->state->cases[i].is_bad &&
		    !hf_case_reason(step->policy, &step->state->cases[i])->records_only)
			return true;
	return false;
}

static bool may_leave_by_itself(const struct step *step)
{
	const struct hf_policy_state *state = step->state;
	const struct hf_policy *policy = step->policy;

	return !state->safe_by_operator &&
	       (state->safe_classes & ~policy->safe_exit_classes) == 0 &&
	       policy->safe_exit_budget.count > 0 && !hf_step_denied(state, step->input) &&
	       hf_budget_left(state, &policy->safe_exit_budget, 1, HF_ACTION_SAFE_MODE, 0,
			      step->now_ms);
}

static bool rollback_in_hand(const struct step *step)
{
	for (unsigned i = 0; i < step->state->case_count; i++) {
		const struct hf_case *one = &step->state->cases[i];

		if (hf_ladder_in_hand(one) &&
		    hf_case_reason(step->policy, one)->ladder[one->rung] == HF_ACTION_ROLLBACK)
			return true;
	}
	return false;
}

static void keep_safe(struct step *step)
{
	struct hf_policy_state *state = step->state;

	/* Whatever the policy says: a release that was gone back from decides nothing. */
	if (hf_step_denied(state, step->input) && !state->safe && !rollback_in_hand(step)) {
		state->safe = true;
		state->safe_reason = HF_NO_REASON;
		state->safe_classes = UINT32_C(1) << HF_CLASS_RELEASE;
		state->safe_since_ms = step->now_ms;
		step->out->store = true;
		hf_step_tell(step, HF_CHANGE_ENGAGED, NULL, HF_ACTION_SAFE_MODE, HF_REFUSED_DENIED,
			     0);
	}
	if (!state->safe)
		return;
	if (some_active(step)) {
		state->safe_well_ms = 0;
		return;
	}
	/* The first look at which all is well is no duration: it counts as 1. */
	if (state->safe_well_ms == 0)
		state->safe_well_ms = 1;
	else if (state->safe_well_ms <= step->policy->safe_exit_healthy_ms)
		state->safe_well_ms += step->passed_ms;
	if (!may_leave_by_itself(step))
		return;
	bool is_over = state->safe_well_ms > step->policy->safe_exit_healthy_ms;

	if (is_over && !some_bad(step))
		leave_safe(step, false);
	else if (!is_over)
		hf_step_wake(step, step->now_ms + step->policy->safe_exit_healthy_ms + 1 -
					   state->safe_well_ms);
}

/* ---- the operator ---- */

/* What only a person may end, and what is bad no longer. */
static enum hf_refusal acknowledge(struct step *step, unsigned reason)
{
	struct hf_policy_state *state = step->state;
	enum hf_refusal refusal = HF_REFUSED_NOTHING;

	for (unsigned i = 0; i < state->case_count; i++) {
		struct hf_case *one = &state->cases[i];

		if (one->phase != HF_CASE_ACTIVE ||
		    hf_case_reason(step->policy, one)->latch != HF_LATCH_OPERATOR ||
		    (reason != HF_NO_REASON && one->reason != reason))
			continue;
		/* What is not known may be bad. */
		if (!one->is_clear || hf_ladder_in_hand(one)) {
			refusal = one->is_clear ? HF_REFUSED_BUSY : HF_REFUSED_STILL_BAD;
			continue;
		}
		if (refusal == HF_REFUSED_NOTHING)
			refusal = HF_REFUSED_NOT;
		hf_case_close(step, one);
	}
	if (reason == HF_NO_REASON && state->rolled_back) {
		state->rolled_back = false;
		if (refusal == HF_REFUSED_NOTHING)
			refusal = HF_REFUSED_NOT;
	}
	return refusal;
}

/* One of those that asked for safe mode, or of their kind, is bad; it may have been over, and be
 * back. What is unknown keeps nobody in: it may be that it can only be known outside. */
static bool asks_for_safe(const struct step *step, const struct hf_case *one)
{
	const struct hf_policy_reason *reason = hf_case_reason(step->policy, one);

	if (one->phase != HF_CASE_ACTIVE || !one->is_bad ||
	    (step->state->safe_classes & UINT32_C(1) << reason->class_of) == 0)
		return false;
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (reason->ladder[r] == HF_ACTION_SAFE_MODE)
			return true;
	return false;
}

static enum hf_refusal clear_safe(struct step *step)
{
	struct hf_policy_state *state = step->state;

	if (!state->safe)
		return HF_REFUSED_NOTHING;
	if (hf_step_denied(state, step->input))
		return HF_REFUSED_DENIED;
	for (unsigned i = 0; i < state->case_count; i++)
		if (asks_for_safe(step, &state->cases[i]))
			return HF_REFUSED_STILL_BAD;
	(void)acknowledge(step, HF_NO_REASON);
	leave_safe(step, true);
	return HF_REFUSED_NOT;
}

static void enter_safe(struct step *step)
{
	struct hf_policy_state *state = step->state;

	if (!state->safe) {
		state->safe_since_ms = step->now_ms;
		state->safe_reason = HF_NO_REASON;
		state->safe_classes = 0;
	}
	state->safe = true;
	state->safe_by_operator = true;
	state->safe_well_ms = 0;
}

static enum hf_refusal command(struct step *step, const struct hf_command *wanted)
{
	struct hf_policy_state *state = step->state;
	/* As long as can be stored. */
	int64_t for_ms = wanted->for_ms < INT32_MAX ? wanted->for_ms : INT32_MAX;
	int64_t until_ms = for_ms > 0 ? step->now_ms + for_ms : 0;

	switch ((enum hf_command_kind)wanted->kind) {
	case HF_COMMAND_SAFE_ENTER:
		enter_safe(step);
		return HF_REFUSED_NOT;
	case HF_COMMAND_SAFE_CLEAR:
		return clear_safe(step);
	case HF_COMMAND_HOLD:
		/* Nobody holds safe mode off: it is what protects others from this unit. */
		if (wanted->action >= HF_ACTION_COUNT || wanted->action == HF_ACTION_SAFE_MODE ||
		    wanted->action == HF_ACTION_HOLD_CAMERA)
			return HF_REFUSED_NOTHING;
		state->held_until_ms[wanted->action] = until_ms;
		break;
	case HF_COMMAND_MAINTENANCE:
		state->maintenance_until_ms = until_ms;
		break;
	case HF_COMMAND_ACK:
		return acknowledge(step, wanted->reason);
	case HF_COMMAND_NONE:
		return HF_REFUSED_NOT;
	}
	if (until_ms != 0)
		hf_step_wake(step, until_ms);
	return HF_REFUSED_NOT;
}

static void obey(struct step *step)
{
	const struct hf_command *wanted = &step->input->command;

	if (wanted->kind == HF_COMMAND_NONE)
		return;
	enum hf_refusal refusal = command(step, wanted);
	step->out->command_refused = (uint8_t)refusal;
	step->out->store = true;
	hf_step_tell(step, HF_CHANGE_COMMANDED, NULL, (enum hf_action)wanted->action, refusal,
		     wanted->for_ms);
	if (wanted->kind == HF_COMMAND_ACK && step->out->changes_lost == 0)
		step->out->changes[step->out->change_count - 1].reason = wanted->reason;
}

/* ---- what follows from all of it ---- */

static uint64_t all_cameras(const struct hf_policy_input *input)
{
	return input->camera_count >= 64 ? UINT64_MAX : (UINT64_C(1) << input->camera_count) - 1;
}

static uint64_t cameras_of(const struct step *step, const struct hf_case *one)
{
	switch ((enum hf_scope)hf_case_reason(step->policy, one)->scope) {
	case HF_SCOPE_WORKER:
		return step->input->worker_cameras[one->scope];
	case HF_SCOPE_SOURCE:
		return step->input->source_cameras[one->scope];
	case HF_SCOPE_CAMERA:
		return UINT64_C(1) << one->scope;
	case HF_SCOPE_UNIT:
	case HF_SCOPE_COUNT:
		break;
	}
	return all_cameras(step->input);
}

struct sum {
	bool recovering; /* an action is in hand, or the unit starts */
	bool wide;       /* ... which is about the whole unit */
	bool degraded;
	uint32_t modes; /* bits 1 << action */
	uint64_t cameras_held;
};

static void sum_case(const struct step *step, const struct hf_case *one, struct sum *sum)
{
	const struct hf_policy_reason *reason = hf_case_reason(step->policy, one);
	uint64_t cameras = cameras_of(step, one);
	enum hf_action in_hand = hf_ladder_in_hand(one) ? (enum hf_action)reason->ladder[one->rung]
							: HF_ACTION_COUNT;

	sum->degraded = true;
	if (reason->holds)
		sum->cameras_held |= cameras;
	if (reason->recovering) {
		sum->recovering = true;
		sum->cameras_held |= cameras;
	}
	if (in_hand != HF_ACTION_COUNT && hf_action_kind(in_hand) == HF_ACTION_ONCE) {
		/* Minutes may pass before a further retry: nothing is being done then. */
		sum->recovering = sum->recovering || in_hand != HF_ACTION_RETRY_WORKER ||
				  one->step != HF_STEP_WAITING;
		sum->wide = sum->wide || hf_action_scope(in_hand) == HF_SCOPE_UNIT;
		sum->cameras_held |= cameras;
	}
	for (unsigned r = 0; r < reason->rung_count; r++) {
		if ((one->engaged & 1U << r) == 0)
			continue;
		sum->modes |= UINT32_C(1) << reason->ladder[r];
		if (reason->ladder[r] == HF_ACTION_HOLD_CAMERA)
			sum->cameras_held |= cameras;
	}
}

static struct sum sum_up(const struct step *step)
{
	struct sum sum = { 0 };

	for (unsigned i = 0; i < step->state->case_count; i++)
		if (counts(step, &step->state->cases[i]))
			sum_case(step, &step->state->cases[i], &sum);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		if (step->state->mode_until_ms[i] > step->now_ms)
			sum.modes |= UINT32_C(1) << i;
	sum.degraded = sum.degraded || sum.modes != 0 || step->state->lost > 0;
	return sum;
}

static enum hf_state derive_state(const struct hf_policy_state *state, const struct sum *sum)
{
	if (state->safe)
		return HF_STATE_SAFE_MODE;
	if (sum->recovering)
		return HF_STATE_RECOVERING;
	if (state->rolled_back)
		return HF_STATE_ROLLED_BACK;
	return sum->degraded ? HF_STATE_DEGRADED : HF_STATE_HEALTHY;
}

/* In shadow the state is what it would be; what is in force is what an operator asked for, and that
 * a denied release decides nothing. */
static void only_tell(struct step *step)
{
	const struct hf_policy_state *state = step->state;
	struct hf_policy_output *out = step->out;
	bool is_safe =
		state->safe && (state->safe_by_operator || hf_step_denied(state, step->input));

	out->shed = false;
	out->fallback_model = false;
	out->may_decide = !is_safe;
	out->observe_only = is_safe;
	out->cameras_held = is_safe ? all_cameras(step->input) : 0;
}

static void conclude(struct step *step)
{
	struct hf_policy_state *state = step->state;
	struct hf_policy_output *out = step->out;
	struct sum sum = sum_up(step);
	enum hf_state before = (enum hf_state)state->shown;

	out->state = derive_state(state, &sum);
	out->may_decide = !state->safe && !sum.wide;
	out->cameras_held = state->safe ? all_cameras(step->input) : sum.cameras_held;
	out->observe_only = !out->may_decide;
	out->shed = (sum.modes & UINT32_C(1) << HF_ACTION_SHED) != 0;
	out->fallback_model = (sum.modes & UINT32_C(1) << HF_ACTION_FALLBACK_MODEL) != 0;
	out->commit = step->input->gate == HF_GATE_PASSED && !state->safe && !sum.recovering &&
		      !hf_step_denied(state, step->input);
	if (step->policy->shadow)
		only_tell(step);
	if (out->state != before) {
		state->shown = (uint8_t)out->state;
		out->store = true;
		hf_step_tell(step, HF_CHANGE_STATE, NULL, HF_ACTION_COUNT, HF_REFUSED_NOT,
			     (int64_t)before);
	}
}

/* Only what this call wrote is cleared: the changes are many, and seldom there. */
static void begin(struct hf_policy_output *out)
{
	out->store = false;
	out->command_refused = HF_REFUSED_NOT;
	out->order_count = 0;
	out->change_count = 0;
	out->changes_lost = 0;
	out->next_ms = INT64_MAX;
}

void hf_policy_step(const struct hf_policy *policy, struct hf_policy_state *state,
		    const struct hf_policy_input *input, struct hf_policy_output *ret_output)
{
	struct step step = { .policy = policy, .input = input, .state = state, .out = ret_output };

	HF_ASSERT(input->worker_count <= HF_WORKERS_MAX && input->source_count <= HF_SOURCES_MAX &&
		  input->camera_count <= HF_CAMERAS_MAX && input->outcome_count <= HF_OUTCOMES_MAX);
	begin(ret_output);
	pass_time(&step);
	hf_cases_drop_strangers(&step);
	notice_start(&step);
	notice_release(&step);
	for (unsigned i = 0; i < input->outcome_count; i++)
		hf_ladder_outcome(&step, &input->outcomes[i]);
	hf_cases_update(&step);
	obey(&step);
	hf_ladder_climb(&step);
	keep_safe(&step);
	conclude(&step);
}

/* ---- for people ---- */

void hf_policy_outlook(const struct hf_policy *policy, const struct hf_policy_state *state,
		       const struct hf_policy_input *input, const struct hf_case *one,
		       struct hf_outlook *ret_outlook)
{
	const struct hf_policy_reason *reason = hf_case_reason(policy, one);
	struct hf_policy_state copy = *state;
	struct step step = {
		.policy = policy, .input = input, .state = &copy, .now_ms = state->now_ms
	};

	*ret_outlook = (struct hf_outlook){ .next = HF_ACTION_COUNT };
	bool pending = one->step == HF_STEP_WAITING || one->step == HF_STEP_FREEZING;
	for (unsigned r = 0; r < reason->rung_count; r++) {
		enum hf_refusal refusal = hf_ladder_refusal(&step, one, r);

		ret_outlook->refused[r] = (uint8_t)refusal;
		if (ret_outlook->next == HF_ACTION_COUNT && !pending && refusal == HF_REFUSED_NOT)
			ret_outlook->next = (enum hf_action)reason->ladder[r];
	}
	if (pending)
		ret_outlook->next = (enum hf_action)reason->ladder[one->rung];
	if (one->step != HF_STEP_NONE && one->until_ms > state->now_ms)
		ret_outlook->in_ms = one->until_ms - state->now_ms;
}

const char *hf_refusal_text(enum hf_refusal refusal)
{
	static const char *const texts[] = {
		[HF_REFUSED_NOT] = "",
		[HF_REFUSED_UNAVAILABLE] = "there is nothing to perform it with",
		[HF_REFUSED_BUDGET] = "its budget is used up",
		[HF_REFUSED_FAILED] = "it did not help before",
		[HF_REFUSED_HELD] = "held by an operator",
		[HF_REFUSED_MAINTENANCE] = "the unit is under maintenance",
		[HF_REFUSED_BUSY] = "another action is in hand",
		[HF_REFUSED_UPTIME] = "too soon after the boot",
		[HF_REFUSED_VOLATILE] = "the device state cannot be stored",
		[HF_REFUSED_SAFE] = "not in safe mode",
		[HF_REFUSED_NOT_SAFE] = "in safe mode only",
		[HF_REFUSED_ENGAGED] = "it is on",
		[HF_REFUSED_NO_RELEASE] = "there is no release to go back to",
		[HF_REFUSED_STILL_BAD] = "the reason for it still holds",
		[HF_REFUSED_DENIED] = "the release that runs was rolled back before",
		[HF_REFUSED_NOTHING] = "there is nothing of the kind",
		[HF_REFUSED_DEADLINE] = "not reported in time",
	};

	_Static_assert(sizeof texts / sizeof *texts == HF_REFUSAL_COUNT, "a text a refusal");
	HF_ASSERT(refusal < HF_REFUSAL_COUNT);
	return texts[refusal];
}

const char *hf_change_name(enum hf_change_kind kind)
{
	static const char *const names[] = {
		[HF_CHANGE_STATE] = "state_changed",
		[HF_CHANGE_ENTERED] = "reason_entered",
		[HF_CHANGE_CLEARED] = "reason_cleared",
		[HF_CHANGE_CHOSEN] = "action_chosen",
		[HF_CHANGE_DONE] = "action_done",
		[HF_CHANGE_FAILED] = "action_failed",
		[HF_CHANGE_VERIFIED] = "action_verified",
		[HF_CHANGE_NO_HELP] = "action_no_help",
		[HF_CHANGE_ENGAGED] = "mode_engaged",
		[HF_CHANGE_RELEASED] = "mode_released",
		[HF_CHANGE_EXHAUSTED] = "ladder_exhausted",
		[HF_CHANGE_SAFE_LEFT] = "safe_mode_left",
		[HF_CHANGE_COMMANDED] = "operator_command",
		[HF_CHANGE_INTERRUPTED] = "action_interrupted",
	};

	_Static_assert(sizeof names / sizeof *names == HF_CHANGE_KIND_COUNT, "a name a change");
	HF_ASSERT(kind > 0 && kind < HF_CHANGE_KIND_COUNT);
	return names[kind];
}
