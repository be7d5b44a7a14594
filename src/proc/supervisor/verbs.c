/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator may ask and want: why, hold, maintenance, safe, ack. Whatever was wanted,
 * granted or not, becomes an event that names who, what and why.
 */
#include "proc/supervisor/verbs.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"
#include "shape/policy_text.h"

#include <stdio.h>
#include <string.h>

/* ---- why ---- */

static const char *step_name(enum hf_step step)
{
	switch (step) {
	case HF_STEP_NONE:
		return NULL;
	case HF_STEP_WAITING:
		return "waiting";
	case HF_STEP_FREEZING:
		return "freezing_evidence";
	case HF_STEP_ACTING:
		return "acting";
	case HF_STEP_SETTLING:
		return "settling";
	case HF_STEP_VERIFYING:
		return "verifying";
	}
	return NULL;
}

static const char *rung_state(const struct hf_case *one, unsigned rung, enum hf_refusal refusal)
{
	if (one->step != HF_STEP_NONE && one->rung == rung)
		return "in_hand";
	if (refusal == HF_REFUSED_ENGAGED)
		return "on";
	if (refusal == HF_REFUSED_FAILED)
		return "did_not_help";
	if (refusal != HF_REFUSED_NOT)
		return "refused";
	return one->rung == rung && one->tries > 0 ? "tried" : "open";
}

static void put_rungs(struct hf_json *json, const struct hf_policy_reason *reason,
		      const struct hf_case *one, const struct hf_outlook *outlook)
{
	hf_json_key(json, "ladder");
	hf_json_array_open(json);
	for (unsigned r = 0; r < reason->rung_count; r++) {
		enum hf_action action = (enum hf_action)reason->ladder[r];
		enum hf_refusal refusal = (enum hf_refusal)outlook->refused[r];
		const char *state = rung_state(one, r, refusal);

		hf_json_object_open(json);
		hf_json_put_text(json, "action", hf_action_name(action));
		hf_json_put_u64(json, "impact", hf_action_impact(action));
		hf_json_put_text(json, "state", state);
		if (one->rung == r && one->tries > 0)
			hf_json_put_u64(json, "tries", one->tries);
		if (strcmp(state, "refused") == 0)
			hf_json_put_text(json, "why", hf_refusal_text(refusal));
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void put_clears(struct hf_json *json, const struct hf_policy_reason *reason,
		       const struct hf_case *one)
{
	char condition[HF_CONDITION_BYTES], hold[HF_DURATION_BYTES];
	char text[HF_CONDITION_BYTES + HF_DURATION_BYTES + 32];
	int64_t hold_ms = reason->clear_hold_ms << one->shift;

	if (reason->latch == HF_LATCH_OPERATOR)
		hf_json_put_text(json, "clears", "an operator: holdfast ack");
	else if (reason->latch == HF_LATCH_REBOOT && !one->rebooted)
		hf_json_put_text(json, "clears", "the next boot");
	else {
		hf_condition_text(&reason->clear, condition);
		hf_duration_text(hold_ms, hold);
		(void)snprintf(text, sizeof text, "%s for %s",
			       condition[0] != '\0' ? condition : "what it needs is known", hold);
		hf_json_put_text(json, "clears", text);
		hf_json_put_i64(json, "clears_in_ms",
				one->is_clear ? hold_ms - one->clear_ms : hold_ms);
	}
}

static void put_case(const struct supervisor *supervisor, const struct hf_case *one,
		     struct hf_json *json)
{
	const struct governor *governor = supervisor->governor;
	const struct hf_policy_reason *reason = &governor->policy.reasons[one->reason];
	const struct hf_policy_state *state = &governor->state;
	struct hf_outlook outlook;
	char text[GOVERN_REASON_BYTES], about[HF_ID_BYTES], condition[HF_CONDITION_BYTES];

	hf_policy_outlook(&governor->policy, state, &governor->input, one, &outlook);
	govern_describe(supervisor, one, text, sizeof text);
	govern_about(supervisor, one->reason, one->scope, about);
	hf_condition_text(&reason->when, condition);
	hf_json_object_open(json);
	hf_json_put_text(json, "reason", reason->name);
	hf_json_put_text(json, "class", hf_class_name((enum hf_class)reason->class_of));
	hf_json_put_text(json, "scope", hf_scope_name((enum hf_scope)reason->scope));
	hf_json_put_text(json, "about", about[0] != '\0' ? about : NULL);
	hf_json_put_text(json, "text", text);
	hf_json_put_text(json, "when", condition);
	hf_json_put_bool(json, "bad", one->is_bad);
	hf_json_put_i64(json, "active_ms", state->now_ms - one->since_ms);
	hf_json_put_bool(json, "recorded_only", reason->records_only);
	put_rungs(json, reason, one, &outlook);
	hf_json_put_text(json, "step", step_name((enum hf_step)one->step));
	hf_json_put_text(json, "next",
			 outlook.next < HF_ACTION_COUNT ? hf_action_name(outlook.next) : NULL);
	hf_json_put_i64(json, "next_in_ms", outlook.in_ms);
	put_clears(json, reason, one);
	hf_json_object_close(json);
}

static void put_safe(const struct supervisor *supervisor, struct hf_json *json)
{
	const struct governor *governor = supervisor->governor;
	const struct hf_policy_state *state = &governor->state;
	const struct hf_policy *policy = &governor->policy;

	hf_json_key(json, "safe_mode");
	if (!state->safe) {
		hf_json_null(json);
		return;
	}
	bool by_itself =
		!state->safe_by_operator && (state->safe_classes & ~policy->safe_exit_classes) == 0;
	hf_json_object_open(json);
	hf_json_put_i64(json, "for_ms", state->now_ms - state->safe_since_ms);
	hf_json_put_text(json, "reason",
			 state->safe_reason < policy->reason_count
				 ? policy->reasons[state->safe_reason].name
				 : NULL);
	hf_json_put_bool(json, "by_operator", state->safe_by_operator);
	if (by_itself)
		hf_json_put_i64(json, "leaves_in_ms",
				policy->safe_exit_healthy_ms - state->safe_well_ms);
	else
		hf_json_put_null(json, "leaves_in_ms");
	hf_json_object_close(json);
}

static void put_overrides(const struct hf_policy_state *state, struct hf_json *json)
{
	hf_json_put_i64(json, "maintenance_ms",
			state->maintenance_until_ms > state->now_ms
				? state->maintenance_until_ms - state->now_ms
				: 0);
	hf_json_key(json, "held");
	hf_json_array_open(json);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		if (state->held_until_ms[i] <= state->now_ms)
			continue;
		hf_json_object_open(json);
		hf_json_put_text(json, "action", hf_action_name((enum hf_action)i));
		hf_json_put_i64(json, "for_ms", state->held_until_ms[i] - state->now_ms);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void put_uses(const struct hf_policy_state *state, struct hf_json *json)
{
	hf_json_key(json, "tried");
	hf_json_array_open(json);
	for (unsigned i = 0; i < state->use_count; i++) {
		hf_json_object_open(json);
		hf_json_put_text(json, "action",
				 hf_action_name((enum hf_action)state->uses[i].action));
		hf_json_put_i64(json, "ago_ms", state->now_ms - state->uses[i].at_ms);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

enum hf_code verbs_why(const struct supervisor *supervisor, char *text, size_t size_bytes_max,
		       struct hf_err *err)
{
	const struct governor *governor = supervisor->governor;
	const struct hf_policy_state *state = &governor->state;
	struct hf_json json = hf_json_begin(text, size_bytes_max);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "state", hf_state_name(governor->out.state));
	hf_json_put_text(&json, "promise", hf_state_promise(governor->out.state));
	hf_json_put_i64(&json, "since_ms",
			hf_mono_diff_us(hf_mono_now(supervisor->clock), governor->state_since) /
				1000);
	hf_json_put_bool(&json, "decides", governor->out.may_decide);
	hf_json_put_text(&json, "policy", governor->policy.name);
	hf_json_put_bool(&json, "shadow", governor->policy.shadow);
	hf_json_put_text(&json, "policy_refused",
			 governor->policy_refused[0] != '\0' ? governor->policy_refused : NULL);
	hf_json_put_bool(&json, "volatile", governor->is_volatile);
	hf_json_key(&json, "reasons");
	hf_json_array_open(&json);
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->cases[i].phase == HF_CASE_ACTIVE)
			put_case(supervisor, &state->cases[i], &json);
	hf_json_array_close(&json);
	put_safe(supervisor, &json);
	put_overrides(state, &json);
	put_uses(state, &json);
	hf_json_object_close(&json);
	return hf_json_end(&json, err);
}

/* ---- commands ---- */

static bool is_text(const char *text, size_t size_bytes)
{
	const char *end = memchr(text, '\0', size_bytes);

	return end != NULL &&
	       hf_utf8_valid_prefix(text, (size_t)(end - text)) == (size_t)(end - text);
}

/* What is wanted, in the policy's terms. NULL, or what is wrong with it. */
static const char *understand(const struct supervisor *supervisor,
			      const struct hf_ctl_command *wanted, struct hf_command *ret_command)
{
	static const enum hf_command_kind kinds[HF_OPERATOR_VERB_COUNT] = {
		[HF_OPERATOR_SAFE_ENTER] = HF_COMMAND_SAFE_ENTER,
		[HF_OPERATOR_SAFE_CLEAR] = HF_COMMAND_SAFE_CLEAR,
		[HF_OPERATOR_HOLD] = HF_COMMAND_HOLD,
		[HF_OPERATOR_MAINTENANCE] = HF_COMMAND_MAINTENANCE,
		[HF_OPERATOR_ACK] = HF_COMMAND_ACK,
	};

	*ret_command = (struct hf_command){ .kind = (uint8_t)kinds[wanted->verb],
					    .action = HF_ACTION_COUNT,
					    .reason = HF_NO_REASON,
					    .for_ms = wanted->for_ms };
	if (wanted->verb == HF_OPERATOR_HOLD) {
		ret_command->action = (uint8_t)hf_action_find(wanted->action);
		if (ret_command->action == HF_ACTION_COUNT)
			return "there is no action of this name; holdfast policy table names them";
	}
	if (wanted->verb == HF_OPERATOR_ACK && wanted->reason[0] != '\0') {
		const struct hf_policy *policy = &supervisor->governor->policy;

		ret_command->reason = (uint8_t)hf_policy_find(policy, wanted->reason);
		if (ret_command->reason == policy->reason_count)
			return "there is no reason of this name in the policy";
	}
	if ((wanted->verb == HF_OPERATOR_SAFE_ENTER || wanted->verb == HF_OPERATOR_SAFE_CLEAR) &&
	    wanted->why[0] == '\0')
		return "say why: --reason TEXT";
	return NULL;
}

static const char *verb_name(uint32_t verb)
{
	static const char *const names[HF_OPERATOR_VERB_COUNT] = {
		"", "safe enter", "safe clear", "hold", "maintenance", "ack",
	};

	return names[verb];
}

static void tell_commanded(struct supervisor *supervisor, const struct hf_ctl_command *wanted,
			   int64_t uid, const char *refused)
{
	char attrs[HF_ATTRS_BYTES];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "command", verb_name(wanted->verb));
	if (wanted->action[0] != '\0')
		hf_json_put_text(&json, "action", wanted->action);
	if (wanted->reason[0] != '\0')
		hf_json_put_text(&json, "reason", wanted->reason);
	if (wanted->verb == HF_OPERATOR_HOLD || wanted->verb == HF_OPERATOR_MAINTENANCE)
		hf_json_put_i64(&json, "for_ms", wanted->for_ms);
	if (wanted->why[0] != '\0')
		hf_json_put_text(&json, "why", wanted->why);
	if (uid >= 0)
		hf_json_put_i64(&json, "by_uid", uid);
	hf_json_put_text(&json, "refused", refused);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK)
		return;
	hf_log(HF_LOG_INFO, "operator_command", "attrs=%s", attrs);
	raise_event(supervisor, "operator_command", NULL, attrs);
}

enum hf_code verbs_command(struct supervisor *supervisor, const struct hf_ctl_command *wanted,
			   int64_t uid, const char **ret_refused, struct hf_err *err)
{
	struct hf_command command;

	if (wanted->verb == 0 || wanted->verb >= HF_OPERATOR_VERB_COUNT || wanted->for_ms < 0 ||
	    wanted->for_ms > HF_OPERATOR_FOR_MS_MAX ||
	    !is_text(wanted->action, sizeof wanted->action) ||
	    !is_text(wanted->reason, sizeof wanted->reason) ||
	    !is_text(wanted->why, sizeof wanted->why))
		return hf_fail(err, HF_E_INVALID, "command: out of range");
	const char *refused = understand(supervisor, wanted, &command);
	if (refused == NULL) {
		enum hf_refusal refusal = govern_command(supervisor, &command);

		refused = refusal != HF_REFUSED_NOT ? hf_refusal_text(refusal) : NULL;
	}
	tell_commanded(supervisor, wanted, uid, refused);
	*ret_refused = refused;
	return HF_OK;
}
