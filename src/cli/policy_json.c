/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_inner.h"

#include "shape/policy_text.h"
#include "wire/proto.h"

static void put_action(struct hf_json *json, const struct hf_policy *policy, enum hf_action kind)
{
	const struct hf_policy_action *action = &policy->actions[kind];

	hf_json_object_open(json);
	hf_json_put_text(json, "action", hf_action_name(kind));
	hf_json_put_text(json, "kind", hf_action_kind(kind) == HF_ACTION_MODE ? "mode" : "once");
	hf_json_put_u64(json, "impact", action->impact);
	hf_json_put_bool(json, "available", !action->unavailable);
	if (action->unavailable)
		hf_json_put_text(json, "why", action->why);
	hf_json_key(json, "budgets");
	hf_json_array_open(json);
	for (unsigned i = 0; i < HF_POLICY_BUDGETS_MAX; i++) {
		if (action->budgets[i].count == 0)
			continue;
		hf_json_object_open(json);
		hf_json_put_u64(json, "count", action->budgets[i].count);
		hf_json_put_i64(json, "window_ms", action->budgets[i].window_ms);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
	hf_json_key(json, "waits_ms");
	hf_json_array_open(json);
	for (unsigned i = 0; i < HF_POLICY_WAITS_MAX && action->waits_ms[i] > 0; i++)
		hf_json_i64(json, action->waits_ms[i]);
	hf_json_array_close(json);
	hf_json_put_i64(json, "settle_ms", action->settle_ms);
	hf_json_put_i64(json, "verify_ms", action->verify_ms);
	hf_json_put_i64(json, "hold_ms", action->hold_ms);
	hf_json_put_i64(json, "uptime_ms", action->uptime_ms);
	hf_json_put_i64(json, "deadline_ms", action->deadline_ms);
	hf_json_object_close(json);
}

static void put_workers(struct hf_json *json, uint32_t workers)
{
	hf_json_key(json, "workers");
	hf_json_array_open(json);
	for (unsigned role = HF_ROLE_INGEST; role < HF_ROLE_COUNT; role++)
		if ((workers & UINT32_C(1) << role) != 0)
			hf_json_text(json, hf_role_name((enum hf_role)role));
	hf_json_array_close(json);
}

void hf_policy_put_reason(struct hf_json *json, const struct hf_policy *policy,
			  const struct hf_policy_reason *reason)
{
	char words[HF_POLICY_WORDS_BYTES];

	hf_json_object_open(json);
	hf_json_put_text(json, "reason", reason->name);
	hf_json_put_text(json, "policy", policy->name);
	hf_json_put_u64(json, "line", reason->line);
	hf_json_put_text(json, "class", hf_class_name((enum hf_class)reason->class_of));
	hf_json_put_text(json, "scope", hf_scope_name((enum hf_scope)reason->scope));
	if (reason->workers != 0)
		put_workers(json, reason->workers);
	hf_policy_when_words(policy, reason, words);
	hf_json_put_text(json, "when", words);
	hf_json_put_i64(json, "hold_ms", reason->hold_ms);
	hf_policy_clear_words(reason, words);
	hf_json_put_text(json, "clear", words);
	hf_json_put_i64(json, "clear_hold_ms", reason->clear_hold_ms);
	hf_json_put_real(json, "refill", reason->refill_permille / 1000.0, 3);
	hf_json_put_text(json, "latch", hf_latch_name((enum hf_latch)reason->latch));
	hf_json_put_bool(json, "recovering", reason->recovering);
	hf_json_put_bool(json, "holds", reason->holds);
	hf_json_put_bool(json, "records_only", reason->records_only);
	hf_json_key(json, "ladder");
	hf_json_array_open(json);
	for (unsigned i = 0; i < reason->rung_count; i++)
		put_action(json, policy, (enum hf_action)reason->ladder[i]);
	hf_json_array_close(json);
	hf_json_object_close(json);
}

static void put_safe_mode(struct hf_json *json, const struct hf_policy *policy)
{
	hf_json_key(json, "safe_mode");
	hf_json_object_open(json);
	hf_json_put_bool(json, "actuate", policy->safe_actuate);
	hf_json_key(json, "auto_exit_classes");
	hf_json_array_open(json);
	for (unsigned i = 0; i < HF_CLASS_COUNT; i++)
		if ((policy->safe_exit_classes & UINT32_C(1) << i) != 0)
			hf_json_text(json, hf_class_name((enum hf_class)i));
	hf_json_array_close(json);
	hf_json_put_i64(json, "auto_exit_healthy_ms", policy->safe_exit_healthy_ms);
	hf_json_put_u64(json, "auto_exit_count", policy->safe_exit_budget.count);
	hf_json_put_i64(json, "auto_exit_window_ms", policy->safe_exit_budget.window_ms);
	hf_json_object_close(json);
}

void hf_policy_put_all(struct hf_json *json, const struct hf_policy *policy)
{
	hf_json_object_open(json);
	hf_json_put_text(json, "policy", policy->name);
	hf_json_put_text(json, "mode", policy->shadow ? "shadow" : "enforce");
	hf_json_put_i64(json, "episode_ms", policy->episode_ms);
	hf_json_key(json, "reasons");
	hf_json_array_open(json);
	for (unsigned i = 0; i < policy->reason_count; i++)
		hf_policy_put_reason(json, policy, &policy->reasons[i]);
	hf_json_array_close(json);
	hf_json_key(json, "actions");
	hf_json_array_open(json);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		if (policy->actions[i].listed)
			put_action(json, policy, (enum hf_action)i);
	hf_json_array_close(json);
	put_safe_mode(json, policy);
	hf_json_object_close(json);
}
