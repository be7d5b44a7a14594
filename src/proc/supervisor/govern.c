/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: what is known becomes the policy's input; the policy says what to do; what it says is
 * stored if it must be, told, and performed; what came of it is its next input. One call goes
 * round until nothing is left to report. It is called with each tick and at once when something
 * happened that cannot wait: an end, a command, a result.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum {
	ROUNDS_MAX = 16,
	REASONS_TOLD_MAX = 8,
	SHED_PERMILLE = 400, /* of the looks, while shedding */
	PROGRESS_MS = 2000,
	CRASH_WINDOW_MS = 10 * 60 * 1000,
};

/* ---- what is known of the workers ---- */

static uint64_t cameras_of_source(const struct hf_config *config, uint32_t source)
{
	uint64_t cameras = 0;

	for (uint32_t c = 0; c < config->camera_count; c++)
		if (config->cameras[c].source == source)
			cameras |= UINT64_C(1) << c;
	return cameras;
}

static uint64_t all_cameras(const struct hf_config *config)
{
	return config->camera_count >= 64 ? UINT64_MAX : (UINT64_C(1) << config->camera_count) - 1;
}

static bool another_detector_runs(const struct supervisor *supervisor, const struct child *but)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		const struct child *child = &supervisor->children[i];

		if (child != but && child->role == HF_ROLE_INFER && child->phase == CHILD_RUNNING &&
		    child->killed_because == NULL)
			return true;
	}
	return false;
}

/* What is not seen, or could not be recorded, without it. */
static uint64_t cameras_without(const struct supervisor *supervisor, const struct child *child)
{
	const struct hf_config *config = &supervisor->config;

	switch (child->role) {
	case HF_ROLE_INGEST:
		return cameras_of_source(config, child->index);
	case HF_ROLE_INFER:
		return another_detector_runs(supervisor, child) ? 0 : all_cameras(config);
	case HF_ROLE_RESPOND:
	case HF_ROLE_KEEPER:
		return all_cameras(config);
	case HF_ROLE_UPLINK:
	case HF_ROLE_ACTUATE:
	case HF_ROLE_SUPERVISOR:
	case HF_ROLE_CTL:
	case HF_ROLE_COUNT:
		break;
	}
	return 0;
}

static uint32_t crashes_of(const struct child *child, struct hf_mono now)
{
	uint32_t count = 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(child->ended_at); i++)
		if (child->ended_at[i].us != 0 &&
		    hf_mono_before(now, hf_mono_add_ms(child->ended_at[i], CRASH_WINDOW_MS)))
			count++;
	return count;
}

/* Respond has work while pictures come: it is told of each. What the others have to do is known
 * to themselves only; their heartbeat says that they get on with it, or until when they are busy. */
static int64_t progress_age_ms(struct supervisor *supervisor, struct child *child,
			       struct hf_mono now)
{
	uint64_t progress = child->process.pulse != NULL
				    ? atomic_load_explicit(&child->process.pulse->progress,
							   memory_order_relaxed)
				    : 0;
	bool works = child->phase == CHILD_RUNNING && child->killed_because == NULL;

	if (progress != child->progress || !works || child->progress_at.us == 0) {
		child->progress = progress;
		child->progress_at = now;
	}
	if (child->role != HF_ROLE_RESPOND)
		return 0;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		const struct child *other = &supervisor->children[i];

		if (other->role == HF_ROLE_INGEST && other->phase == CHILD_RUNNING &&
		    hf_mono_before(now, hf_mono_add_ms(other->progress_at, PROGRESS_MS / 2)) &&
		    hf_mono_before(child->progress_at, other->progress_at))
			return hf_mono_diff_us(now, child->progress_at) / 1000;
	}
	child->progress_at = now;
	return 0;
}

static void set(struct hf_policy_input *input, enum hf_signal signal, size_t scope, int64_t value)
{
	input->readings[signal][scope] = (struct hf_reading){ .known = true, .value = value };
}

static void fill_workers(struct supervisor *supervisor, struct hf_mono now)
{
	struct hf_policy_input *input = &supervisor->governor->input;

	input->worker_count = (uint8_t)supervisor->child_count;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];
		bool on_order = child->killed_because != NULL && child->restart_ordered;

		/* One that is being replaced is not one that fell. */
		set(input, HF_SIGNAL_WORKER_DOWN, i,
		    child->phase == CHILD_DOWN || (child->killed_because != NULL && !on_order));
		set(input, HF_SIGNAL_WORKER_STARTING, i,
		    child->phase == CHILD_STARTING || on_order);
		set(input, HF_SIGNAL_WORKER_STUCK, i, child->stuck);
		set(input, HF_SIGNAL_WORKER_OVERDUE, i,
		    child->overdue_since.us != 0 && child->killed_because == NULL
			    ? 1 + hf_mono_diff_us(now, child->overdue_since) / 1000
			    : 0);
		set(input, HF_SIGNAL_WORKER_PROGRESS, i, progress_age_ms(supervisor, child, now));
		set(input, HF_SIGNAL_WORKER_CRASHES, i, crashes_of(child, now));
		set(input, HF_SIGNAL_WORKER_HOSTILE, i, child->hostile);
		input->worker_roles[i] = (uint8_t)child->role;
		input->worker_cameras[i] = cameras_without(supervisor, child);
	}
}

static bool stands(const struct supervisor *supervisor, const char *name)
{
	for (size_t i = 0; i < supervisor->troubles.count; i++)
		if (strncmp(supervisor->troubles.list[i].name, name, strlen(name)) == 0)
			return true;
	return false;
}

static void fill_input(struct supervisor *supervisor, struct hf_mono now)
{
	struct governor *governor = supervisor->governor;
	struct hf_policy_input *input = &governor->input;

	input->now_ms = keep_on_ms(supervisor, now);
	input->uptime_ms = now.us / 1000;
	input->asleep_ms = 0;
	if (governor->stepped.us != 0 && hf_mono_before(governor->stepped, supervisor->awake))
		input->asleep_ms = hf_mono_diff_us(supervisor->awake, governor->stepped) / 1000;
	governor->stepped = now;
	input->boot = supervisor->identity.boot;
	input->run = supervisor->identity.run;
	input->is_volatile = governor->is_volatile;
	input->source_count = (uint8_t)supervisor->config.source_count;
	input->camera_count = (uint8_t)supervisor->config.camera_count;
	for (uint32_t s = 0; s < supervisor->config.source_count; s++)
		input->source_cameras[s] = cameras_of_source(&supervisor->config, s);
	readings_fill(&governor->readings, &supervisor->config, now, input);
	fill_workers(supervisor, now);
	/* A file system that stopped after an error does not always say so: the state was refused. */
	if (governor->is_volatile)
		set(input, HF_SIGNAL_DISK_READ_ONLY, 0, 1);
	set(input, HF_SIGNAL_OUTBOX_FULL, 0, stands(supervisor, "outbox_full"));
	set(input, HF_SIGNAL_OUTBOX_FAILED, 0, stands(supervisor, "outbox_failed"));
	if (stands(supervisor, "model_failed"))
		set(input, HF_SIGNAL_MODEL_INVALID, 0, 1);
	set(input, HF_SIGNAL_POLICY_INVALID, 0, governor->policy_refused[0] != '\0');
	set(input, HF_SIGNAL_STATE_LOST, 0, governor->state_lost);
	set(input, HF_SIGNAL_UNCLEAN_STARTS, 0, (int64_t)keep_unclean(supervisor));
	set(input, HF_SIGNAL_RELEASE_GATE, 0, 0);
	if (!input->readings[HF_SIGNAL_MODEL_INVALID][0].known)
		set(input, HF_SIGNAL_MODEL_INVALID, 0, 0);
}

/* ---- in words ---- */

static const char *trouble_of(const struct supervisor *supervisor, const char *reason,
			      const char *about)
{
	for (size_t i = 0; i < supervisor->troubles.count; i++) {
		const struct trouble *trouble = &supervisor->troubles.list[i];
		size_t bytes = strlen(reason);

		if (strncmp(trouble->name, reason, bytes) == 0 &&
		    (trouble->name[bytes] == '\0' || strcmp(trouble->name + bytes + 1, about) == 0))
			return trouble->why;
	}
	return "";
}

void govern_about(const struct supervisor *supervisor, unsigned reason, unsigned scope,
		  char ret_text[HF_ID_BYTES])
{
	const struct hf_policy *policy = &supervisor->governor->policy;
	enum hf_scope kind = reason < policy->reason_count
				     ? (enum hf_scope)policy->reasons[reason].scope
				     : HF_SCOPE_UNIT;

	ret_text[0] = '\0';
	if (kind == HF_SCOPE_WORKER && scope < supervisor->child_count)
		(void)snprintf(ret_text, HF_ID_BYTES, "%s.%u",
			       hf_role_name(supervisor->children[scope].role),
			       supervisor->children[scope].index);
	else if (kind == HF_SCOPE_SOURCE && scope < supervisor->config.source_count)
		(void)snprintf(ret_text, HF_ID_BYTES, "%s", supervisor->config.sources[scope].id);
	else if (kind == HF_SCOPE_CAMERA && scope < supervisor->config.camera_count)
		(void)snprintf(ret_text, HF_ID_BYTES, "%s", supervisor->config.cameras[scope].name);
}

static const char *why_worker(const struct supervisor *supervisor, const struct hf_case *one)
{
	const struct child *child = &supervisor->children[one->scope];

	if (child->stuck)
		return "was killed and does not end: stuck in the kernel";
	if (child->phase == CHILD_STARTING)
		return "starting";
	if (child->phase == CHILD_RUNNING && child->killed_because == NULL)
		return "runs again";
	return child->last_exit;
}

void govern_describe(const struct supervisor *supervisor, const struct hf_case *one, char *ret_text,
		     size_t size_bytes)
{
	const struct hf_policy_reason *reason = &supervisor->governor->policy.reasons[one->reason];
	char about[HF_ID_BYTES];

	govern_about(supervisor, one->reason, one->scope, about);
	const char *why = reason->scope == HF_SCOPE_WORKER && one->scope < supervisor->child_count
				  ? why_worker(supervisor, one)
				  : trouble_of(supervisor, reason->name, about);
	(void)snprintf(ret_text, size_bytes, "%s%s%s%s%s", reason->name,
		       about[0] != '\0' ? " " : "", about, why[0] != '\0' ? ": " : "", why);
	/* Cut between characters: it becomes part of an event. */
	ret_text[hf_utf8_valid_prefix(ret_text, strlen(ret_text))] = '\0';
}

/* Why safe mode, when none of its reasons stands any more. */
static const char *why_safe(const struct supervisor *supervisor)
{
	return supervisor->governor->state.safe_by_operator
		       ? "safe_mode: until an operator clears it"
		       : "safe_mode: latched";
}

size_t govern_reasons(const struct supervisor *supervisor,
		      char ret_texts[GOVERN_REASONS_MAX][GOVERN_REASON_BYTES])
{
	const struct hf_policy_state *state = &supervisor->governor->state;
	size_t count = 0;

	if (state->safe)
		(void)snprintf(ret_texts[count++], GOVERN_REASON_BYTES, "%s", why_safe(supervisor));
	for (unsigned i = 0; i < state->case_count && count < GOVERN_REASONS_MAX; i++)
		if (state->cases[i].phase == HF_CASE_ACTIVE)
			govern_describe(supervisor, &state->cases[i], ret_texts[count++],
					GOVERN_REASON_BYTES);
	/* What it was for is over, and it stays for a while. */
	for (unsigned i = 0; i < HF_ACTION_COUNT && count == 0; i++)
		if (state->mode_until_ms[i] > state->now_ms)
			(void)snprintf(
				ret_texts[count++], GOVERN_REASON_BYTES, "%s: for another %lld s",
				hf_action_name((enum hf_action)i),
				(long long)((state->mode_until_ms[i] - state->now_ms) / 1000));
	return count;
}

/* ---- what is told ---- */

/* With as many reasons as there is room for. */
static enum hf_code write_state_changed(const struct supervisor *supervisor, enum hf_state from,
					size_t reasons_max, char attrs[HF_ATTRS_BYTES],
					struct hf_err *err)
{
	char reasons[GOVERN_REASONS_MAX][GOVERN_REASON_BYTES];
	size_t count = govern_reasons(supervisor, reasons);
	struct hf_json json = hf_json_begin(attrs, HF_ATTRS_BYTES);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "from", hf_state_name(from));
	hf_json_put_text(&json, "to", hf_state_name(supervisor->governor->out.state));
	hf_json_key(&json, "reasons");
	hf_json_array_open(&json);
	for (size_t i = 0; i < count && i < reasons_max; i++)
		hf_json_text(&json, reasons[i]);
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	return hf_json_end(&json, err);
}

static void tell_state(struct supervisor *supervisor, enum hf_state from)
{
	char attrs[HF_ATTRS_BYTES];
	char reasons[GOVERN_REASONS_MAX][GOVERN_REASON_BYTES];
	struct hf_err err;
	size_t told = REASONS_TOLD_MAX;
	const char *state = hf_state_name(supervisor->governor->out.state);
	const char *first = govern_reasons(supervisor, reasons) > 0 ? reasons[0] : "";

	supervisor->governor->state_since = hf_mono_now(supervisor->clock);
	hf_log(HF_LOG_INFO, "state_changed", "from=%s to=%s why=\"%s\"", hf_state_name(from), state,
	       first);
	while (write_state_changed(supervisor, from, told, attrs, &err) != HF_OK && told > 0)
		told--;
	raise_event(supervisor, "state_changed", NULL, attrs);
	(void)sd_notifyf(0, "STATUS=%s%s%s", state, first[0] != '\0' ? ": " : "", first);
}

static void put_change(const struct supervisor *supervisor, const struct hf_change *change,
		       struct hf_json *json)
{
	const struct hf_policy *policy = &supervisor->governor->policy;
	char about[HF_ID_BYTES];

	if (change->action < HF_ACTION_COUNT)
		hf_json_put_text(json, "action", hf_action_name((enum hf_action)change->action));
	if (change->reason < policy->reason_count) {
		const struct hf_policy_reason *reason = &policy->reasons[change->reason];

		govern_about(supervisor, change->reason, change->scope, about);
		hf_json_put_text(json, "reason", reason->name);
		hf_json_put_text(json, "class", hf_class_name((enum hf_class)reason->class_of));
		if (about[0] != '\0')
			hf_json_put_text(json, hf_scope_name((enum hf_scope)reason->scope), about);
	}
	if (change->why != HF_REFUSED_NOT)
		hf_json_put_text(json, "why", hf_refusal_text((enum hf_refusal)change->why));
}

static void put_value(const struct hf_change *change, struct hf_json *json)
{
	switch ((enum hf_change_kind)change->kind) {
	case HF_CHANGE_ENTERED:
		hf_json_put_i64(json, "bad_ms", change->value);
		break;
	case HF_CHANGE_CLEARED:
		hf_json_put_i64(json, "active_ms", change->value);
		break;
	case HF_CHANGE_CHOSEN:
		hf_json_put_i64(json, "in_ms", change->value);
		break;
	case HF_CHANGE_FAILED:
	case HF_CHANGE_NO_HELP:
	case HF_CHANGE_VERIFIED:
		hf_json_put_i64(json, "try", change->value);
		break;
	case HF_CHANGE_SAFE_LEFT:
		hf_json_put_text(json, "by", change->value != 0 ? "operator" : "policy");
		break;
	case HF_CHANGE_STATE:
	case HF_CHANGE_DONE:
	case HF_CHANGE_ENGAGED:
	case HF_CHANGE_RELEASED:
	case HF_CHANGE_EXHAUSTED:
	case HF_CHANGE_COMMANDED:
	case HF_CHANGE_INTERRUPTED:
	case HF_CHANGE_KIND_COUNT:
		break;
	}
}

static void tell(struct supervisor *supervisor, const struct hf_change *change)
{
	char attrs[1024];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	const char *name = hf_change_name((enum hf_change_kind)change->kind);

	if (change->kind == HF_CHANGE_STATE) {
		tell_state(supervisor, (enum hf_state)change->value);
		return;
	}
	/* It is told with who asked and why, where the command came in. */
	if (change->kind == HF_CHANGE_COMMANDED)
		return;
	hf_json_object_open(&json);
	put_change(supervisor, change, &json);
	put_value(change, &json);
	if (supervisor->governor->policy.shadow)
		hf_json_put_bool(&json, "shadow", true);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK)
		return;
	hf_log(HF_LOG_INFO, name, "attrs=%s", attrs);
	raise_event(supervisor, name, NULL, attrs);
}

/* How to work, to whoever does. */
struct hf_unit govern_unit(const struct supervisor *supervisor)
{
	const struct hf_policy_output *out = &supervisor->governor->out;

	return (struct hf_unit){
		.state = (uint32_t)out->state,
		.rate_permille = out->shed ? SHED_PERMILLE : HF_RATE_FULL_PERMILLE,
		.observe_only = out->observe_only,
		.fallback_model = out->fallback_model,
		.cameras_held = out->cameras_held,
	};
}

static void tell_workers(struct supervisor *supervisor)
{
	struct hf_unit unit = govern_unit(supervisor);
	struct hf_err err;

	if (memcmp(&unit, &supervisor->governor->told, sizeof unit) == 0)
		return;
	supervisor->governor->told = unit;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		const struct child *child = &supervisor->children[i];

		/* One that cannot take it now is stuck, and its heartbeat says so. */
		if (child->process.control_fd >= 0 &&
		    hf_msg_send(child->process.control_fd, HF_MSG_UNIT, &unit, sizeof unit, NULL, 0,
				&err) != HF_OK)
			hf_log(HF_LOG_DEBUG, "unit_not_told", "worker=%s.%u why=\"%s\"",
			       hf_role_name(child->role), child->index, err.text);
	}
}

/* ---- round and round ---- */

void govern_report(struct supervisor *supervisor, const struct hf_order *order,
		   enum hf_outcome_result result)
{
	struct hf_policy_input *input = &supervisor->governor->input;

	if (input->outcome_count == HF_OUTCOMES_MAX)
		return; /* its deadline passes instead */
	input->outcomes[input->outcome_count++] = (struct hf_outcome){ .result = (uint8_t)result,
								       .action = order->action,
								       .reason = order->reason,
								       .scope = order->scope };
}

static void step(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	struct hf_policy_output *out = &governor->out;

	fill_input(supervisor, hf_mono_now(supervisor->clock));
	hf_policy_step(&governor->policy, &governor->state, &governor->input, out);
	trace_step(supervisor);
	governor->input.outcome_count = 0;
	governor->input.command = (struct hf_command){ .kind = HF_COMMAND_NONE };
	/* Once is enough: the reason is latched until an operator has seen it. */
	governor->state_lost = false;
	/* Before it is told or done: whoever comes after us has to find it. */
	if (out->store)
		keep_store(supervisor);
	for (size_t i = 0; i < out->change_count; i++)
		tell(supervisor, &out->changes[i]);
	tell_workers(supervisor);
	for (size_t i = 0; i < out->order_count; i++)
		actions_perform(supervisor, &out->orders[i]);
}

static int on_due(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	govern(data);
	return 0;
}

/* A tick comes every 100 ms; what is due before that has a timer of its own. */
static void arm(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	int64_t in_ms = governor->out.next_ms - governor->input.now_ms;

	if (governor->out.next_ms == INT64_MAX || in_ms > GOVERN_TICK_MS)
		return;
	if (governor->timer == NULL) {
		if (sd_event_add_time_relative(supervisor->loop, &governor->timer, CLOCK_MONOTONIC,
					       (uint64_t)in_ms * 1000, 1000, on_due,
					       supervisor) < 0)
			governor->timer = NULL;
		return;
	}
	if (sd_event_source_set_time_relative(governor->timer, (uint64_t)in_ms * 1000) >= 0)
		(void)sd_event_source_set_enabled(governor->timer, SD_EVENT_ONESHOT);
}

void govern(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;

	if (supervisor->stopping)
		return;
	/* What is performed may call us: then there is another round. */
	if (governor->busy) {
		governor->again = true;
		return;
	}
	governor->busy = true;
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		governor->again = false;
		step(supervisor);
		if (!governor->again && governor->input.outcome_count == 0)
			break;
	}
	governor->busy = false;
	arm(supervisor);
}

enum hf_refusal govern_command(struct supervisor *supervisor, const struct hf_command *command)
{
	supervisor->governor->input.command = *command;
	supervisor->governor->busy = true;
	step(supervisor);
	supervisor->governor->busy = false;
	enum hf_refusal refusal = (enum hf_refusal)supervisor->governor->out.command_refused;
	govern(supervisor);
	return refusal;
}
