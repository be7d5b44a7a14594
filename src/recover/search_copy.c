/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: durations, counts and conditions of a policy are made few, and what a run needs to know of
 * it is found out once.
 */
#include "recover/search_inner.h"

#include <string.h>

int64_t hf_search_scale_ms(int64_t duration_ms, bool fine)
{
	static const struct {
		int64_t up_to_ms;
		uint8_t coarse;
		uint8_t fine;
	} steps[] = {
		{ 0, 0, 0 },       { 10000, 1, 1 },     { 60000, 1, 2 },
		{ 3600000, 2, 4 }, { INT64_MAX, 3, 6 },
	};
	unsigned i = 0;

	while (duration_ms > steps[i].up_to_ms)
		i++;
	return (fine ? steps[i].fine : steps[i].coarse) * (int64_t)TICK_MS;
}

static uint32_t few(uint32_t count)
{
	return count < 2 ? count : 2;
}

/* How the copy is made: see search.h. */
struct scale {
	bool open;
	bool fine;
};

static int64_t scaled_ms(int64_t duration_ms, const struct scale *scale)
{
	if (scale->open)
		return duration_ms > 0 ? OPEN_MS : 0;
	return hf_search_scale_ms(duration_ms, scale->fine);
}

static void scale_budget(struct hf_budget *budget, const struct scale *scale)
{
	budget->count = scale->fine || budget->count == 0 ? few(budget->count) : 1;
	budget->window_ms = scaled_ms(budget->window_ms, scale);
}

static void scale_action(struct hf_policy_action *action, const struct scale *scale)
{
	for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
		scale_budget(&action->budgets[b], scale);
	for (unsigned i = 0; i < HF_POLICY_WAITS_MAX; i++)
		action->waits_ms[i] = i < (scale->fine && !scale->open ? 2 : 1)
					      ? scaled_ms(action->waits_ms[i], scale)
					      : 0;
	action->settle_ms = scaled_ms(action->settle_ms, scale);
	action->verify_ms = scaled_ms(action->verify_ms, scale);
	action->hold_ms = scaled_ms(action->hold_ms, scale);
	action->uptime_ms = scaled_ms(action->uptime_ms, scale);
	action->deadline_ms = TICK_MS;
}

static bool is_internal(const struct hf_policy_reason *reason)
{
	for (unsigned i = 0; i < reason->when.term_count; i++)
		if (reason->when.terms[i].signal == HF_SIGNAL_RELEASE_DENIED)
			return true;
	return false;
}

/* Its signal is set by the place it takes in a run. */
static void scale_reason(struct hf_policy_reason *reason, const struct scale *scale)
{
	bool never_clear = reason->when.term_count != 0 && reason->clear.term_count == 0;
	bool unknown_is_bad = reason->when.unknown || reason->when.term_count == 0;

	/* Left open, none at all is one that runs out at once. */
	reason->hold_ms = scale->open ? OPEN_MS : scaled_ms(reason->hold_ms, scale);
	reason->clear_hold_ms = scale->open ? OPEN_MS : scaled_ms(reason->clear_hold_ms, scale);
	reason->settle_ms = scaled_ms(reason->settle_ms, scale);
	reason->refill_permille = reason->refill_permille > 0 ? 1000 : 0;
	reason->workers = 0;
	reason->line = 0;
	if (is_internal(reason))
		return;
	reason->when = (struct hf_condition){ .term_count = 1, .unknown = unknown_is_bad };
	reason->when.terms[0].compare = HF_COMPARE_ABOVE;
	reason->clear = (struct hf_condition){ .term_count = never_clear ? 0 : 1 };
	reason->clear.terms[0].compare = HF_COMPARE_AT_MOST;
}

void search_copy_policy(const struct hf_policy *policy, const struct hf_search_options *options,
			struct hf_policy *ret_copy)
{
	const struct scale of = { .open = !options->ticks, .fine = options->fine };
	const struct scale *scale = &of;

	*ret_copy = *policy;
	ret_copy->shadow = false;
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		scale_action(&ret_copy->actions[i], scale);
	ret_copy->actions[HF_ACTION_ROLLBACK].unavailable = false;
	for (unsigned i = 0; i < ret_copy->reason_count; i++)
		scale_reason(&ret_copy->reasons[i], scale);
	/* Left open, what is refused is there or not: an episode has to last for the step. */
	ret_copy->episode_ms = scale->open ? OPEN_MS : scaled_ms(policy->episode_ms, scale);
	ret_copy->flap_entries = scale->fine && !scale->open ? few(policy->flap_entries) : 0;
	ret_copy->flap_shift_max = policy->flap_shift_max > 0 ? 1 : 0;
	ret_copy->flap_window_ms = scaled_ms(policy->flap_window_ms, scale);
	ret_copy->safe_exit_healthy_ms = scaled_ms(policy->safe_exit_healthy_ms, scale);
	scale_budget(&ret_copy->safe_exit_budget, scale);
}

static bool mentions_release(const struct hf_policy_reason *reason)
{
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (reason->ladder[r] == HF_ACTION_ROLLBACK)
			return true;
	return reason->latch == HF_LATCH_RELEASE || reason->class_of == HF_CLASS_RELEASE ||
	       is_internal(reason);
}

static uint8_t longest_ticks(const struct hf_policy *policy, unsigned action)
{
	int64_t longest_ms = action == HF_ACTION_SAFE_MODE ? policy->safe_exit_budget.window_ms : 0;

	for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
		if (policy->actions[action].budgets[b].window_ms > longest_ms)
			longest_ms = policy->actions[action].budgets[b].window_ms;
	return (uint8_t)(longest_ms / TICK_MS);
}

static bool mentions(const struct hf_policy_reason *reason, enum hf_action action)
{
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (reason->ladder[r] == action)
			return true;
	return false;
}

static uint8_t action_to_hold(const struct hf_policy_reason *reason)
{
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (hf_action_destroys((enum hf_action)reason->ladder[r]) != 0 &&
		    reason->ladder[r] != HF_ACTION_RETRY_WORKER)
			return reason->ladder[r];
	return HF_ACTION_COUNT;
}

void search_prepare(struct setup *setup, const struct hf_policy *copy,
		    const struct hf_search_options *options, unsigned a, unsigned b,
		    bool is_volatile)
{
	memset(setup, 0, sizeof *setup);
	setup->policy = *copy;
	setup->fault_count = a == b ? 1 : 2;
	setup->policy.reason_count = (uint8_t)setup->fault_count;
	setup->is_open = !options->ticks;
	setup->is_pair = a != b;
	setup->is_volatile = is_volatile;
	setup->hold_action = action_to_hold(&copy->reasons[a]);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		setup->log_age_max[i] = longest_ticks(copy, i);
	setup->well_max = (uint8_t)(copy->safe_exit_healthy_ms / TICK_MS + 2);
	for (unsigned f = 0; f < setup->fault_count; f++) {
		struct hf_policy_reason *reason = &setup->policy.reasons[f];

		*reason = copy->reasons[f == 0 ? a : b];
		setup->internal[f] = is_internal(reason);
		setup->releases = setup->releases || mentions_release(reason);
		setup->clear_max[f] = (uint8_t)(reason->clear_hold_ms / TICK_MS);
		/* Left open, too short an uptime is one of the refusals. */
		if (mentions(reason, HF_ACTION_REBOOT) && (is_volatile || !setup->is_open))
			setup->uptime_max =
				(uint8_t)(copy->actions[HF_ACTION_REBOOT].uptime_ms / TICK_MS + 1);
		if (setup->internal[f])
			continue;
		reason->when.terms[0].signal = f == 0 ? HF_SIGNAL_INFER_P99 : HF_SIGNAL_DISK_FREE;
		reason->clear.terms[0].signal = reason->when.terms[0].signal;
	}
	setup->input.worker_count = 1;
	setup->input.source_count = 1;
	setup->input.camera_count = 1;
	setup->input.worker_cameras[0] = 1;
	setup->input.source_cameras[0] = 1;
}

/* ---- reasons that are equal ---- */

/* In all but their name. */
static bool are_equal(const struct hf_policy *copy, unsigned a, unsigned b)
{
	struct hf_policy_reason one = copy->reasons[a];
	struct hf_policy_reason other = copy->reasons[b];
	bool exits = (copy->safe_exit_classes & 1U << one.class_of) != 0;

	if (exits != ((copy->safe_exit_classes & 1U << other.class_of) != 0) ||
	    (one.class_of == HF_CLASS_LINK) != (other.class_of == HF_CLASS_LINK) ||
	    mentions_release(&one) != mentions_release(&other))
		return false;
	memset(one.name, 0, sizeof one.name);
	memset(other.name, 0, sizeof other.name);
	one.class_of = 0;
	other.class_of = 0;
	return memcmp(&one, &other, sizeof one) == 0;
}

void search_sort_out(const struct hf_policy *copy, struct kinds *ret_kinds)
{
	memset(ret_kinds, 0, sizeof *ret_kinds);
	for (unsigned i = 0; i < copy->reason_count; i++) {
		unsigned k = 0;

		while (k < ret_kinds->count && !are_equal(copy, ret_kinds->first[k], i))
			k++;
		if (k == ret_kinds->count) {
			ret_kinds->count++;
			ret_kinds->first[k] = (uint8_t)i;
			ret_kinds->second[k] = (uint8_t)i;
		} else if (ret_kinds->members[k] == 1) {
			ret_kinds->second[k] = (uint8_t)i;
		}
		ret_kinds->members[k]++;
	}
}
