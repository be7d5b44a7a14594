/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/trace.h"

#include "base/assert.h"
#include "base/json.h"

const char *hf_result_name(enum hf_outcome_result result)
{
	switch (result) {
	case HF_RESULT_DONE:
		return "done";
	case HF_RESULT_FAILED:
		return "failed";
	case HF_RESULT_FROZEN:
		return "frozen";
	}
	return "failed";
}

const char *hf_command_name(enum hf_command_kind kind)
{
	static const char *const names[] = {
		[HF_COMMAND_NONE] = "none",
		[HF_COMMAND_SAFE_ENTER] = "safe_enter",
		[HF_COMMAND_SAFE_CLEAR] = "safe_clear",
		[HF_COMMAND_HOLD] = "hold",
		[HF_COMMAND_MAINTENANCE] = "maintenance",
		[HF_COMMAND_ACK] = "ack",
	};

	HF_ASSERT((size_t)kind < sizeof names / sizeof *names);
	return names[kind];
}

/* For how long something is unknown goes on by itself: it is told when that begins. */
static bool differs(const struct hf_reading *now, const struct hf_reading *last)
{
	return now->known != last->known || (now->known && now->value != last->value);
}

bool hf_trace_differs(const struct hf_policy_input *input, const struct hf_policy_input *last)
{
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		for (unsigned s = 0;
		     s < hf_policy_scopes(input, hf_signal_scope((enum hf_signal)i)); s++)
			if (differs(&input->readings[i][s], &last->readings[i][s]))
				return true;
	return false;
}

static void put_readings(struct hf_json *json, const struct hf_policy_input *input,
			 const struct hf_policy_input *last)
{
	hf_json_key(json, "s");
	hf_json_array_open(json);
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		for (unsigned s = 0;
		     s < hf_policy_scopes(input, hf_signal_scope((enum hf_signal)i)); s++) {
			const struct hf_reading *now = &input->readings[i][s];

			if (last != NULL && !differs(now, &last->readings[i][s]))
				continue;
			hf_json_array_open(json);
			hf_json_text(json, hf_signal_name((enum hf_signal)i));
			hf_json_u64(json, s);
			if (!now->known)
				hf_json_null(json);
			hf_json_i64(json, now->value);
			hf_json_array_close(json);
		}
	hf_json_array_close(json);
}

static void put_name(struct hf_json *json, const struct hf_policy *policy, unsigned reason)
{
	if (reason < policy->reason_count)
		hf_json_text(json, policy->reasons[reason].name);
	else
		hf_json_null(json);
}

static void put_action(struct hf_json *json, unsigned action)
{
	if (action < HF_ACTION_COUNT)
		hf_json_text(json, hf_action_name((enum hf_action)action));
	else
		hf_json_null(json);
}

static void put_outcomes(struct hf_json *json, const struct hf_policy_input *input)
{
	if (input->outcome_count == 0)
		return;
	hf_json_key(json, "outcomes");
	hf_json_array_open(json);
	for (unsigned i = 0; i < input->outcome_count; i++) {
		const struct hf_outcome *outcome = &input->outcomes[i];

		hf_json_array_open(json);
		hf_json_text(json, hf_result_name((enum hf_outcome_result)outcome->result));
		put_action(json, outcome->action);
		hf_json_u64(json, outcome->reason);
		hf_json_u64(json, outcome->scope);
		hf_json_array_close(json);
	}
	hf_json_array_close(json);
}

static void put_command(struct hf_json *json, const struct hf_policy *policy,
			const struct hf_command *command)
{
	if (command->kind == HF_COMMAND_NONE)
		return;
	hf_json_key(json, "command");
	hf_json_array_open(json);
	hf_json_text(json, hf_command_name((enum hf_command_kind)command->kind));
	put_action(json, command->kind == HF_COMMAND_HOLD ? command->action : HF_ACTION_COUNT);
	put_name(json, policy, command->kind == HF_COMMAND_ACK ? command->reason : HF_NO_REASON);
	hf_json_i64(json, command->for_ms);
	hf_json_array_close(json);
}

static void put_changes(struct hf_json *json, const struct hf_policy *policy,
			const struct hf_policy_output *out)
{
	if (out->change_count == 0)
		return;
	hf_json_key(json, "changes");
	hf_json_array_open(json);
	for (unsigned i = 0; i < out->change_count; i++) {
		const struct hf_change *change = &out->changes[i];

		hf_json_array_open(json);
		hf_json_text(json, hf_change_name((enum hf_change_kind)change->kind));
		put_action(json, change->action);
		put_name(json, policy, change->reason);
		hf_json_u64(json, change->scope);
		hf_json_text(json, hf_refusal_text((enum hf_refusal)change->why));
		hf_json_i64(json, change->value);
		hf_json_array_close(json);
	}
	hf_json_array_close(json);
}

enum hf_code hf_trace_line(const struct hf_policy *policy, const struct hf_policy_input *input,
			   const struct hf_policy_input *last, const struct hf_policy_output *out,
			   char ret_line[HF_TRACE_LINE_BYTES], size_t *ret_bytes,
			   struct hf_err *err)
{
	/* One byte for the newline. */
	struct hf_json json = hf_json_begin(ret_line, HF_TRACE_LINE_BYTES - 1);

	hf_json_object_open(&json);
	if (last == NULL)
		hf_json_put_bool(&json, "full", true);
	hf_json_put_i64(&json, "t", input->now_ms);
	hf_json_put_u64(&json, "boot", input->boot);
	hf_json_put_u64(&json, "run", input->run);
	hf_json_put_i64(&json, "uptime", input->uptime_ms);
	if (input->asleep_ms > 0)
		hf_json_put_i64(&json, "asleep", input->asleep_ms);
	if (input->is_volatile)
		hf_json_put_bool(&json, "volatile", true);
	hf_json_put_u64(&json, "workers", input->worker_count);
	hf_json_put_u64(&json, "sources", input->source_count);
	hf_json_put_u64(&json, "cameras", input->camera_count);
	put_readings(&json, input, last);
	put_outcomes(&json, input);
	put_command(&json, policy, &input->command);
	hf_json_put_text(&json, "state", hf_state_name(out->state));
	put_changes(&json, policy, out);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	ret_line[json.size_bytes] = '\n';
	*ret_bytes = json.size_bytes + 1;
	return HF_OK;
}
