/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_trace.h"

#include "base/auto.h"
#include "recover/trace.h"
#include "wire/proto.h"

#include <jansson.h>
#include <string.h>

static inline void free_json(json_t **json)
{
	json_decref(*json);
}

static enum hf_code refuse(const struct hf_policy_trace *trace, struct hf_err *err,
			   const char *what)
{
	return hf_fail(err, HF_E_INVALID, "line %u: %s", trace->line, what);
}

/* A whole number that is there and in range; absent: kept as it is. */
static bool take_number(const json_t *object, const char *key, int64_t max, int64_t *value)
{
	const json_t *member = json_object_get(object, key);

	if (member == NULL)
		return true;
	if (!json_is_integer(member) || json_integer_value(member) < 0 ||
	    json_integer_value(member) > max)
		return false;
	*value = json_integer_value(member);
	return true;
}

static bool take_count(const json_t *object, const char *key, unsigned max, uint8_t *count)
{
	int64_t value = *count;

	if (!take_number(object, key, max, &value))
		return false;
	*count = (uint8_t)value;
	return true;
}

/* ["infer.p99", 0, 1300] or ["infer.p99", 0, null, 5200] */
static enum hf_code take_reading(struct hf_policy_trace *trace, const json_t *reading,
				 struct hf_err *err)
{
	const char *name = json_string_value(json_array_get(reading, 0));
	const json_t *which = json_array_get(reading, 1), *value = json_array_get(reading, 2);
	const json_t *age = json_array_get(reading, 3);

	if (name == NULL || !json_is_integer(which) ||
	    (!json_is_integer(value) && !json_is_null(value)))
		return refuse(trace, err, "a reading is [\"signal\", which one, value]");
	enum hf_signal signal = hf_signal_find(name);
	if (signal == HF_SIGNAL_COUNT)
		return hf_fail(err, HF_E_INVALID, "line %u: there is no signal \"%.40s\"",
			       trace->line, name);
	if (json_integer_value(which) < 0 ||
	    json_integer_value(which) >=
		    (json_int_t)hf_policy_scopes(&trace->input, hf_signal_scope(signal)))
		return hf_fail(err, HF_E_INVALID, "line %u: %s of number %lld: there are %u",
			       trace->line, name, (long long)json_integer_value(which),
			       hf_policy_scopes(&trace->input, hf_signal_scope(signal)));
	struct hf_reading *to = &trace->input.readings[signal][json_integer_value(which)];
	to->known = json_is_integer(value);
	to->value = to->known ? json_integer_value(value) : json_integer_value(age);
	if (!to->known && to->value < 0)
		return refuse(trace, err, "unknown for less than no time");
	return HF_OK;
}

static enum hf_code take_readings(struct hf_policy_trace *trace, const json_t *line,
				  struct hf_err *err)
{
	const json_t *readings = json_object_get(line, "s"), *reading;
	size_t index;

	json_array_foreach(readings, index, reading)
	{
		enum hf_code code = take_reading(trace, reading, err);

		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

/* In the order of a supervisor's children: those that others need come first. */
static void guess_roles(struct hf_policy_input *input)
{
	static const enum hf_role first[] = { HF_ROLE_KEEPER, HF_ROLE_UPLINK, HF_ROLE_RESPOND };

	for (unsigned i = 0; i < input->worker_count; i++)
		input->worker_roles[i] =
			(uint8_t)(i < HF_ARRAY_LEN(first)                          ? first[i]
				  : i + input->source_count >= input->worker_count ? HF_ROLE_INGEST
										   : HF_ROLE_INFER);
}

static void take_roles(struct hf_policy_input *input, const json_t *line)
{
	const json_t *roles = json_object_get(line, "roles"), *role;
	size_t index;

	guess_roles(input);
	json_array_foreach(roles, index, role)
	{
		for (unsigned r = HF_ROLE_INGEST; r < HF_ROLE_COUNT && index < HF_WORKERS_MAX; r++)
			if (json_is_string(role) &&
			    strcmp(json_string_value(role), hf_role_name((enum hf_role)r)) == 0)
				input->worker_roles[index] = (uint8_t)r;
	}
}

/* ["hold", "reboot", null, 60000]; the reason by its name, as its number is another policy's. */
static bool take_command(struct hf_policy_trace *trace, const json_t *line)
{
	const json_t *command = json_object_get(line, "command");
	const char *name = json_string_value(json_array_get(command, 0));
	const char *action = json_string_value(json_array_get(command, 1));
	const char *reason = json_string_value(json_array_get(command, 2));
	struct hf_command *to = &trace->input.command;

	memset(to, 0, sizeof *to);
	trace->ack[0] = '\0';
	if (command == NULL)
		return true;
	for (unsigned kind = HF_COMMAND_SAFE_ENTER; name != NULL && kind <= HF_COMMAND_ACK; kind++)
		if (strcmp(hf_command_name((enum hf_command_kind)kind), name) == 0)
			to->kind = (uint8_t)kind;
	to->action = (uint8_t)(action != NULL ? hf_action_find(action) : HF_ACTION_COUNT);
	to->reason = HF_NO_REASON;
	to->for_ms = json_integer_value(json_array_get(command, 3));
	if (reason != NULL)
		(void)snprintf(trace->ack, sizeof trace->ack, "%s", reason);
	return to->kind != HF_COMMAND_NONE && to->for_ms >= 0 &&
	       (to->kind != HF_COMMAND_HOLD || to->action < HF_ACTION_COUNT);
}

/* Known again or not: what is unknown is so for longer than at the line before. */
static void grow_older(struct hf_policy_input *input, int64_t passed_ms)
{
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		for (unsigned s = 0; s < HF_CAMERAS_MAX; s++)
			if (!input->readings[i][s].known &&
			    __builtin_add_overflow(input->readings[i][s].value, passed_ms,
						   &input->readings[i][s].value))
				input->readings[i][s].value = INT64_MAX;
}

static enum hf_code take_line(struct hf_policy_trace *trace, const json_t *line, bool full,
			      struct hf_err *err)
{
	struct hf_policy_input *input = &trace->input;
	int64_t t = -1, boot = (int64_t)input->boot, run = (int64_t)input->run;

	/* Longer than any unit runs, and far from where sums overflow. */
	const int64_t t_max = INT64_C(1) << 52;
	if (!take_number(line, "t", t_max, &t) || t < 0)
		return refuse(trace, err, "t is missing, or no whole number of ms");
	if (trace->begun && t < input->now_ms)
		return refuse(trace, err, "t goes back, which powered-on time never does");
	input->asleep_ms = 0;
	if (!take_number(line, "boot", INT64_MAX, &boot) ||
	    !take_number(line, "run", INT64_MAX, &run) ||
	    !take_number(line, "uptime", t_max, &input->uptime_ms) ||
	    !take_number(line, "asleep", t_max, &input->asleep_ms) ||
	    !take_count(line, "workers", HF_WORKERS_MAX, &input->worker_count) ||
	    !take_count(line, "sources", HF_SOURCES_MAX, &input->source_count) ||
	    !take_count(line, "cameras", HF_CAMERAS_MAX, &input->camera_count))
		return refuse(trace, err, "a number is out of range");
	if (!take_command(trace, line))
		return refuse(trace, err, "a command is [\"hold\", \"action\", \"reason\", ms]");
	grow_older(input, trace->begun ? t - input->now_ms : 0);
	input->now_ms = t;
	input->boot = (uint64_t)boot;
	input->run = (uint64_t)run;
	input->is_volatile = json_is_true(json_object_get(line, "volatile"));
	if (full)
		take_roles(input, line);
	trace->begun = true;
	return take_readings(trace, line, err);
}

enum hf_code hf_policy_trace_line(struct hf_policy_trace *trace, const char *text,
				  size_t size_bytes, bool *ret_taken, struct hf_err *err)
{
	json_error_t problem;

	trace->line++;
	*ret_taken = false;
	HF_AUTO(free_json)
	json_t *line = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, &problem);
	if (!json_is_object(line))
		return refuse(trace, err, line == NULL ? problem.text : "it is no JSON object");
	bool full = json_is_true(json_object_get(line, "full"));
	if (!trace->begun && !full) {
		trace->skipped++;
		return HF_OK;
	}
	enum hf_code code = take_line(trace, line, full, err);
	*ret_taken = code == HF_OK;
	return code;
}
