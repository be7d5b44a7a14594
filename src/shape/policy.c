/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/policy.h"

#include "base/assert.h"

#include <string.h>

static const struct {
	const char *name;
	const char *help;
	enum hf_action_kind kind;
	enum hf_scope scope;
	uint8_t impact;
	uint8_t destroys;
} actions[] = {
#define HF_ACTION(id, name, kind, scope, impact, destroys, help) \
	[HF_ACTION_##id] = { name, help, HF_ACTION_##kind, HF_SCOPE_##scope, impact, destroys },
#include "shape/action_tbl.h"
};

#define HF_CAN(action) (UINT32_C(1) << HF_ACTION_##action)

static const struct {
	const char *name;
	const char *help;
	uint32_t actions;
} classes[] = {
#define HF_CLASS(id, name, actions, help) [HF_CLASS_##id] = { name, help, actions },
#include "shape/class_tbl.h"
};

_Static_assert(HF_ACTION_COUNT <= 32, "a set of actions is a 32-bit mask");
_Static_assert(HF_CLASS_COUNT <= 32, "a set of classes is a 32-bit mask");

const char *hf_action_name(enum hf_action action)
{
	HF_ASSERT(action < HF_ACTION_COUNT);
	return actions[action].name;
}

enum hf_action hf_action_find(const char *name)
{
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		if (strcmp(actions[i].name, name) == 0)
			return (enum hf_action)i;
	return HF_ACTION_COUNT;
}

enum hf_action_kind hf_action_kind(enum hf_action action)
{
	HF_ASSERT(action < HF_ACTION_COUNT);
	return actions[action].kind;
}

enum hf_scope hf_action_scope(enum hf_action action)
{
	HF_ASSERT(action < HF_ACTION_COUNT);
	return actions[action].scope;
}

uint8_t hf_action_impact(enum hf_action action)
{
	HF_ASSERT(action < HF_ACTION_COUNT);
	return actions[action].impact;
}

uint8_t hf_action_destroys(enum hf_action action)
{
	HF_ASSERT(action < HF_ACTION_COUNT);
	return actions[action].destroys;
}

const char *hf_action_help(enum hf_action action)
{
	HF_ASSERT(action < HF_ACTION_COUNT);
	return actions[action].help;
}

const char *hf_class_name(enum hf_class class_of)
{
	HF_ASSERT(class_of < HF_CLASS_COUNT);
	return classes[class_of].name;
}

enum hf_class hf_class_find(const char *name)
{
	for (unsigned i = 0; i < HF_CLASS_COUNT; i++)
		if (strcmp(classes[i].name, name) == 0)
			return (enum hf_class)i;
	return HF_CLASS_COUNT;
}

const char *hf_class_help(enum hf_class class_of)
{
	HF_ASSERT(class_of < HF_CLASS_COUNT);
	return classes[class_of].help;
}

bool hf_class_allows(enum hf_class class_of, enum hf_action action)
{
	HF_ASSERT(class_of < HF_CLASS_COUNT && action < HF_ACTION_COUNT);
	return (classes[class_of].actions & (UINT32_C(1) << action)) != 0;
}

const char *hf_latch_name(enum hf_latch latch)
{
	switch (latch) {
	case HF_LATCH_AUTO:
		return "auto";
	case HF_LATCH_OPERATOR:
		return "operator";
	case HF_LATCH_REBOOT:
		return "reboot";
	case HF_LATCH_RELEASE:
		return "release";
	}
	return "auto";
}

unsigned hf_policy_find(const struct hf_policy *policy, const char *name)
{
	unsigned i = 0;

	while (i < policy->reason_count && strcmp(policy->reasons[i].name, name) != 0)
		i++;
	return i;
}

static bool condition_is_sane(const struct hf_condition *condition)
{
	if (condition->term_count > HF_POLICY_TERMS_MAX)
		return false;
	for (unsigned i = 0; i < condition->term_count; i++)
		if (condition->terms[i].signal >= HF_SIGNAL_COUNT ||
		    condition->terms[i].compare > HF_COMPARE_EQUAL)
			return false;
	return true;
}

static bool text_ends(const char *text, size_t size_bytes)
{
	return memchr(text, '\0', size_bytes) != NULL;
}

static bool reason_is_sane(const struct hf_policy *policy, const struct hf_policy_reason *reason)
{
	if (!text_ends(reason->name, sizeof reason->name) || reason->name[0] == '\0' ||
	    reason->class_of >= HF_CLASS_COUNT || reason->scope >= HF_SCOPE_COUNT ||
	    reason->latch > HF_LATCH_RELEASE || reason->rung_count > HF_POLICY_RUNGS_MAX ||
	    !condition_is_sane(&reason->when) || !condition_is_sane(&reason->clear) ||
	    reason->hold_ms < 0 || reason->clear_hold_ms < 0 || reason->settle_ms < 0 ||
	    reason->refill_permille > 1000)
		return false;
	for (unsigned i = 0; i < reason->rung_count; i++)
		if (reason->ladder[i] >= HF_ACTION_COUNT ||
		    !policy->actions[reason->ladder[i]].listed ||
		    !hf_class_allows((enum hf_class)reason->class_of,
				     (enum hf_action)reason->ladder[i]))
			return false;
	return true;
}

static bool budget_is_sane(const struct hf_budget *budget)
{
	return budget->count <= HF_POLICY_USES_MAX && budget->window_ms >= 0 &&
	       (budget->count == 0) == (budget->window_ms == 0);
}

static bool action_is_sane(const struct hf_policy_action *action)
{
	if (!text_ends(action->why, sizeof action->why) || action->settle_ms < 0 ||
	    action->verify_ms < 0 || action->hold_ms < 0 || action->uptime_ms < 0 ||
	    action->deadline_ms < 0)
		return false;
	for (unsigned i = 0; i < HF_POLICY_WAITS_MAX; i++)
		if (action->waits_ms[i] < 0)
			return false;
	for (unsigned i = 0; i < HF_POLICY_BUDGETS_MAX; i++)
		if (!budget_is_sane(&action->budgets[i]))
			return false;
	return true;
}

enum hf_code hf_policy_check(const struct hf_policy *policy, struct hf_err *err)
{
	if (policy->magic != HF_POLICY_MAGIC || policy->size_bytes != sizeof *policy)
		return hf_fail(err, HF_E_INVALID, "policy: made by another build");
	if (!text_ends(policy->name, sizeof policy->name) ||
	    policy->reason_count > HF_POLICY_REASONS_MAX || policy->episode_ms < 0 ||
	    policy->flap_window_ms < 0 || policy->flap_shift_max > 8 ||
	    policy->safe_exit_healthy_ms < 0 || !budget_is_sane(&policy->safe_exit_budget))
		return hf_fail(err, HF_E_INVALID, "policy: its limits are out of range");
	if (policy->safe_actuate)
		return hf_fail(err, HF_E_INVALID, "policy: safe mode must not actuate");
	for (unsigned i = 0; i < policy->reason_count; i++)
		if (!reason_is_sane(policy, &policy->reasons[i]))
			return hf_fail(err, HF_E_INVALID, "policy: reason %u is out of range", i);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		if (!action_is_sane(&policy->actions[i]))
			return hf_fail(err, HF_E_INVALID, "policy: action %s is out of range",
				       actions[i].name);
	return HF_OK;
}
