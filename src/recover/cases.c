/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: each reason is asked about each thing of its scope. A case is only kept while there is
 * something to remember, in the order (reason, scope), so that what is equal looks equal.
 *
 * Time that passed is credited to what is the case now, if it was known before: one look is no
 * duration. What is unknown is neither bad nor clear, and moves nothing.
 */
#include "base/assert.h"
#include "recover/machine_inner.h"

#include <string.h>

enum verdict {
	NO,
	YES,
	DONT_KNOW,
};

static bool compares(int64_t value, const struct hf_term *term)
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

/* What a reason asks about each thing of its scope: found once, asked up to 64 times. */
struct question {
	const struct hf_policy_reason *reason;
	bool is_blind;
	unsigned count; /* blind: signals of its scope that have to be known */
	uint8_t signals[HF_SIGNAL_COUNT];
	bool when_each[HF_POLICY_TERMS_MAX]; /* of its scope; else of the unit */
	bool clear_each[HF_POLICY_TERMS_MAX];
};

static enum verdict judge_term(const struct step *step, const struct hf_condition *condition,
			       const struct hf_term *term, unsigned index)
{
	const struct hf_reading *reading = &step->input->readings[term->signal][index];

	if (term->signal == HF_SIGNAL_RELEASE_DENIED)
		return compares(hf_step_denied(step->state, step->input), term) ? YES : NO;
	if (!reading->known)
		return condition->unknown && reading->value >=
						     step->policy->signals[term->signal].stale_ms
			       ? YES
			       : DONT_KNOW;
	return compares(reading->value, term) ? YES : NO;
}

static enum verdict judge(const struct step *step, const struct hf_condition *condition,
			  const bool *each, unsigned scope)
{
	/* "or" is settled by one that holds, "and" by one that does not. */
	enum verdict settles = condition->any ? YES : NO;
	bool unknown = false;

	if (condition->term_count == 0)
		return NO;
	for (unsigned i = 0; i < condition->term_count; i++) {
		enum verdict verdict =
			judge_term(step, condition, &condition->terms[i], each[i] ? scope : 0);

		if (verdict == settles)
			return settles;
		unknown = unknown || verdict == DONT_KNOW;
	}
	return unknown ? DONT_KNOW : settles == YES ? NO : YES;
}

/* Class blind without terms of its own: something that has to be known is not. */
static enum verdict judge_blind(const struct step *step, const struct question *question,
				unsigned scope)
{
	for (unsigned i = 0; i < question->count; i++) {
		unsigned signal = question->signals[i];
		const struct hf_reading *reading = &step->input->readings[signal][scope];

		if (!reading->known && reading->value >= step->policy->signals[signal].stale_ms)
			return YES;
	}
	return NO;
}

static bool is_blind(const struct hf_policy_reason *reason)
{
	return reason->class_of == HF_CLASS_BLIND && reason->when.term_count == 0;
}

static void is_of_scope(const struct hf_condition *condition, bool ret_each[HF_POLICY_TERMS_MAX])
{
	for (unsigned i = 0; i < condition->term_count; i++)
		ret_each[i] = hf_signal_scope((enum hf_signal)condition->terms[i].signal) !=
			      HF_SCOPE_UNIT;
}

static void ask(const struct step *step, unsigned reason_index, struct question *ret_question)
{
	const struct hf_policy_reason *reason = &step->policy->reasons[reason_index];

	ret_question->reason = reason;
	ret_question->is_blind = is_blind(reason);
	ret_question->count = 0;
	is_of_scope(&reason->when, ret_question->when_each);
	is_of_scope(&reason->clear, ret_question->clear_each);
	for (unsigned i = 0; ret_question->is_blind && i < HF_SIGNAL_COUNT; i++)
		if (step->policy->signals[i].required &&
		    hf_signal_scope((enum hf_signal)i) == reason->scope)
			ret_question->signals[ret_question->count++] = (uint8_t)i;
}

unsigned hf_policy_scopes(const struct hf_policy_input *input, enum hf_scope scope)
{
	switch (scope) {
	case HF_SCOPE_WORKER:
		return input->worker_count;
	case HF_SCOPE_SOURCE:
		return input->source_count;
	case HF_SCOPE_CAMERA:
		return input->camera_count;
	case HF_SCOPE_UNIT:
	case HF_SCOPE_COUNT:
		break;
	}
	return 1;
}

const struct hf_policy_reason *hf_case_reason(const struct hf_policy *policy,
					      const struct hf_case *one)
{
	HF_ASSERT(one->reason < policy->reason_count);
	return &policy->reasons[one->reason];
}

static bool comes_before(const struct hf_case *one, unsigned reason, unsigned scope)
{
	return one->reason < reason || (one->reason == reason && one->scope < scope);
}

struct hf_case *hf_case_find(struct hf_policy_state *state, unsigned reason, unsigned scope)
{
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->cases[i].reason == reason && state->cases[i].scope == scope)
			return &state->cases[i];
	return NULL;
}

/* Room is made by forgetting what is over, the oldest first; what is active stays. */
static bool make_room(struct hf_policy_state *state, unsigned *at)
{
	unsigned oldest = HF_CASES_MAX;

	for (unsigned i = 0; i < state->case_count; i++) {
		const struct hf_case *one = &state->cases[i];

		if (one->phase != HF_CASE_ACTIVE &&
		    (oldest == HF_CASES_MAX || one->since_ms < state->cases[oldest].since_ms))
			oldest = i;
	}
	if (oldest == HF_CASES_MAX)
		return false;
	state->case_count--;
	memmove(&state->cases[oldest], &state->cases[oldest + 1],
		(state->case_count - oldest) * sizeof *state->cases);
	if (oldest < *at)
		(*at)--;
	return true;
}

/* In its place in the order. NULL: there is no room, which is counted. */
static struct hf_case *insert(struct step *step, unsigned at, unsigned reason, unsigned scope)
{
	struct hf_policy_state *state = step->state;

	if (state->case_count == HF_CASES_MAX && !make_room(state, &at)) {
		state->lost++;
		return NULL;
	}
	memmove(&state->cases[at + 1], &state->cases[at],
		(state->case_count - at) * sizeof *state->cases);
	state->case_count++;
	state->cases[at] = (struct hf_case){ .reason = (uint8_t)reason,
					     .scope = (uint8_t)scope,
					     .phase = HF_CASE_WATCHED,
					     .rung = HF_NO_RUNG,
					     .since_ms = step->now_ms };
	return &state->cases[at];
}

static void drop(struct hf_policy_state *state, unsigned at)
{
	state->case_count--;
	memmove(&state->cases[at], &state->cases[at + 1],
		(state->case_count - at) * sizeof *state->cases);
	memset(&state->cases[state->case_count], 0, sizeof *state->cases);
}

void hf_case_forget_ladder(struct hf_case *one)
{
	one->told = false;
	one->failed = 0;
	one->tries = 0;
	one->rung = HF_NO_RUNG;
	one->step = HF_STEP_NONE;
	one->until_ms = 0;
}

/* Four entries within ten minutes: it has to be clear for twice as long. */
static void count_entry(const struct hf_policy *policy, struct hf_case *one, int64_t now_ms)
{
	if (one->entries == 0 || now_ms - one->flap_since_ms >= policy->flap_window_ms) {
		one->entries = 0;
		one->flap_since_ms = now_ms;
	}
	one->entries++;
	if (policy->flap_entries > 0 && one->entries >= policy->flap_entries) {
		one->entries = 0;
		if (one->shift < policy->flap_shift_max)
			one->shift++;
	}
}

static void enter(struct step *step, struct hf_case *one)
{
	int64_t bad_for_ms = one->bad_ms;

	count_entry(step->policy, one, step->now_ms);
	one->phase = HF_CASE_ACTIVE;
	one->since_ms = step->now_ms;
	one->bad_ms = 0;
	one->clear_ms = 0;
	one->rebooted = false;
	one->rereleased = false;
	step->out->store = true;
	hf_step_tell(step, HF_CHANGE_ENTERED, one, HF_ACTION_COUNT, HF_REFUSED_NOT, bad_for_ms);
}

void hf_case_close(struct step *step, struct hf_case *one)
{
	if (one->step == HF_STEP_VERIFYING)
		hf_step_tell(step, HF_CHANGE_VERIFIED, one,
			     (enum hf_action)hf_case_reason(step->policy, one)->ladder[one->rung],
			     HF_REFUSED_NOT, 0);
	for (unsigned r = 0; r < hf_case_reason(step->policy, one)->rung_count; r++)
		if ((one->engaged & 1U << r) != 0)
			hf_step_tell(step, HF_CHANGE_RELEASED, one,
				     (enum hf_action)hf_case_reason(step->policy, one)->ladder[r],
				     HF_REFUSED_NOT, 0);
	hf_step_tell(step, HF_CHANGE_CLEARED, one, HF_ACTION_COUNT, HF_REFUSED_NOT,
		     step->now_ms - one->since_ms);
	one->phase = HF_CASE_OVER;
	one->since_ms = step->now_ms;
	one->bad_ms = 0;
	one->clear_ms = 0;
	one->engaged = 0;
	one->partial = false;
	one->step = HF_STEP_NONE;
	one->rung = one->tries > 0 ? one->rung : HF_NO_RUNG;
	/* The episode goes on from here: who comes back within it goes on where it was. */
	one->until_ms = step->now_ms;
	step->out->store = true;
}

static int64_t clear_hold_ms(const struct hf_policy_reason *reason, const struct hf_case *one)
{
	return reason->clear_hold_ms << one->shift;
}

/* Bad and not yet active: the hold fills, and runs back at its own speed. */
static void watch(struct step *step, const struct hf_policy_reason *reason, struct hf_case *one,
		  enum verdict bad, bool is_new)
{
	if (bad == YES && !is_new)
		one->bad_ms += step->passed_ms;
	else if (bad == NO)
		one->bad_ms -= step->passed_ms * reason->refill_permille / 1000;
	if (one->bad_ms < 0)
		one->bad_ms = 0;
	if (bad == YES && one->bad_ms >= reason->hold_ms)
		enter(step, one);
	else if (bad == YES)
		hf_step_wake(step, step->now_ms + reason->hold_ms - one->bad_ms);
}

static bool latch_is_open(const struct step *step, const struct hf_policy_reason *reason,
			  const struct hf_case *one)
{
	switch ((enum hf_latch)reason->latch) {
	case HF_LATCH_AUTO:
		return true;
	case HF_LATCH_REBOOT:
		return one->rebooted;
	case HF_LATCH_RELEASE:
		return one->rereleased && !hf_step_denied(step->state, step->input);
	case HF_LATCH_OPERATOR:
		break;
	}
	return false;
}

/* Active: it has to be clear for long enough, without a break by what is bad. Between the two
 * thresholds the clear hold stands still. */
static void hold(struct step *step, const struct hf_policy_reason *reason, struct hf_case *one,
		 enum verdict bad, enum verdict clear)
{
	bool was_clear = one->is_clear;

	/* Bad under this release, too: only yet another one ends it, after a power cut as well. */
	if (bad == YES && one->rereleased) {
		one->rereleased = false;
		step->out->store = true;
	}
	if (bad == YES)
		one->clear_ms = 0;
	else if (clear == YES && was_clear)
		one->clear_ms += step->passed_ms;
	if (one->clear_ms > clear_hold_ms(reason, one))
		one->clear_ms = clear_hold_ms(reason, one);
	if (bad == YES || clear != YES || !latch_is_open(step, reason, one) ||
	    hf_ladder_in_hand(one))
		return;
	if (one->clear_ms >= clear_hold_ms(reason, one))
		hf_case_close(step, one);
	else
		hf_step_wake(step, step->now_ms + clear_hold_ms(reason, one) - one->clear_ms);
}

/* False: there is nothing to remember any more. */
static bool keep(struct step *step, const struct hf_case *one)
{
	int64_t forget_ms = one->since_ms + step->policy->episode_ms;

	if (one->phase == HF_CASE_WATCHED)
		return one->bad_ms > 0 || one->is_bad;
	if (one->phase != HF_CASE_OVER || one->bad_ms > 0 || one->is_bad)
		return true;
	hf_step_wake(step, forget_ms);
	return step->now_ms < forget_ms;
}

static bool asks_about(const struct hf_policy_reason *reason, const struct hf_policy_input *input,
		       unsigned scope)
{
	return reason->workers == 0 || reason->scope != HF_SCOPE_WORKER ||
	       (reason->workers & UINT32_C(1) << input->worker_roles[scope]) != 0;
}

static void update(struct step *step, const struct question *question, unsigned reason_index,
		   unsigned scope, unsigned *at)
{
	const struct hf_policy_reason *reason = question->reason;
	struct hf_policy_state *state = step->state;

	if (!asks_about(reason, step->input, scope))
		return;
	enum verdict bad = question->is_blind
				   ? judge_blind(step, question, scope)
				   : judge(step, &reason->when, question->when_each, scope);
	bool is_new = *at == state->case_count || state->cases[*at].reason != reason_index ||
		      state->cases[*at].scope != scope;

	if (is_new && bad != YES)
		return;
	if (is_new) {
		struct hf_case *fresh = insert(step, *at, reason_index, scope);

		if (fresh == NULL)
			return;
		*at = (unsigned)(fresh - state->cases);
	}
	struct hf_case *one = &state->cases[*at];
	enum verdict clear = question->is_blind
				     ? (bad == YES ? NO : YES)
				     : judge(step, &reason->clear, question->clear_each, scope);
	bool was_bad = one->is_bad;

	if (one->phase == HF_CASE_ACTIVE)
		hold(step, reason, one, bad, clear);
	else
		watch(step, reason, one, bad, is_new || !was_bad);
	one->is_bad = bad == YES;
	one->is_unknown = bad == DONT_KNOW;
	one->is_clear = clear == YES && bad != YES;
	if (keep(step, one))
		(*at)++;
	else
		drop(state, *at);
}

/* Of a policy that was changed under the state, or of a camera that is no more. */
void hf_cases_drop_strangers(struct step *step)
{
	for (unsigned i = step->state->case_count; i-- > 0;) {
		const struct hf_case *one = &step->state->cases[i];
		const struct hf_policy_reason *reason = &step->policy->reasons[one->reason];

		if (one->reason >= step->policy->reason_count ||
		    one->scope >= hf_policy_scopes(step->input, (enum hf_scope)reason->scope) ||
		    !asks_about(reason, step->input, one->scope))
			drop(step->state, i);
	}
}

void hf_cases_update(struct step *step)
{
	struct question question;
	unsigned at = 0;

	step->state->lost = 0;
	for (unsigned r = 0; r < step->policy->reason_count; r++) {
		unsigned count = hf_policy_scopes(step->input,
						  (enum hf_scope)step->policy->reasons[r].scope);

		ask(step, r, &question);
		for (unsigned s = 0; s < count; s++) {
			while (at < step->state->case_count &&
			       comes_before(&step->state->cases[at], r, s))
				at++;
			update(step, &question, r, s, &at);
		}
	}
}
