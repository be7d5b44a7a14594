/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast policy simulate - what a policy would have decided on recorded signals.
 *
 * Method: the unit's own function, line by line of the trace, and between two lines whenever
 * something runs out. Every order is done by the next step: nobody can know what would have come of
 * it. For the same reason the signals are those that were recorded, whatever is decided; the first
 * difference between two policies says more than those behind it.
 */
#include "cli/policy_simulate.h"

#include "base/auto.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/policy_trace.h"
#include "recover/trace.h"
#include "shape/policy_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Between two lines; the longest hold of a policy runs out within a few steps. */
	STEPS_BETWEEN_MAX = 10000,
	DECISIONS_MAX = 200000,
	/* When an order that was given in a step is reported to be done. */
	ORDER_MS = 100,
};

struct decision {
	int64_t t_ms;
	struct hf_change change;
	enum hf_state state; /* after it */
	char about[24];      /* "camera 3"; empty: the unit */
	char reason[HF_POLICY_NAME_BYTES];
};

/* One policy on its way along the trace. */
struct side {
	const struct hf_policy *policy;
	struct hf_policy_state state;
	struct hf_policy_output out;
	struct hf_outcome outcomes[HF_OUTCOMES_MAX]; /* for the next step */
	unsigned outcome_count;
	struct decision *decisions;
	size_t count, room;
	enum hf_state shown;
};

struct run {
	struct hf_policy_trace trace;
	struct hf_policy_input input; /* of a step */
	struct side sides[2];
	unsigned side_count;
	uint64_t steps;
	int64_t begin_ms;
};

static enum hf_code keep(struct side *side, int64_t t_ms, const struct hf_change *change,
			 struct hf_err *err)
{
	if (side->count == DECISIONS_MAX)
		return hf_fail(err, HF_E_LIMIT, "more than %d decisions: cut the trace",
			       DECISIONS_MAX);
	if (side->count == side->room) {
		size_t room = side->room == 0 ? 256 : 2 * side->room;
		struct decision *more = realloc(side->decisions, room * sizeof *more);

		if (more == NULL)
			return hf_fail(err, HF_E_NOMEM, "out of memory");
		side->decisions = more;
		side->room = room;
	}
	struct decision *decision = &side->decisions[side->count++];
	memset(decision, 0, sizeof *decision);
	decision->t_ms = t_ms;
	decision->change = *change;
	decision->state = side->out.state;
	if (change->reason >= side->policy->reason_count)
		return HF_OK;
	const struct hf_policy_reason *reason = &side->policy->reasons[change->reason];
	memcpy(decision->reason, reason->name, sizeof decision->reason);
	if (reason->scope != HF_SCOPE_UNIT)
		(void)snprintf(decision->about, sizeof decision->about, "%s %u",
			       hf_scope_name((enum hf_scope)reason->scope), change->scope);
	return HF_OK;
}

/* What an operator said, to this policy: of a reason that it does not have it was said to nobody. */
static struct hf_command command_to(const struct hf_policy *policy, struct hf_command command,
				    const char *ack)
{
	if (command.kind != HF_COMMAND_ACK || ack[0] == '\0')
		return command;
	unsigned found = hf_policy_find(policy, ack);

	if (found == policy->reason_count)
		return (struct hf_command){ .kind = HF_COMMAND_NONE };
	command.reason = (uint8_t)found;
	return command;
}

/* What came of the orders of the step before. */
static void give_outcomes(struct side *side, struct hf_policy_input *input)
{
	input->outcome_count = (uint8_t)side->outcome_count;
	memcpy(input->outcomes, side->outcomes, side->outcome_count * sizeof *side->outcomes);
	side->outcome_count = 0;
}

static void take_orders(struct side *side)
{
	for (unsigned i = 0; i < side->out.order_count && side->outcome_count < HF_OUTCOMES_MAX;
	     i++) {
		const struct hf_order *order = &side->out.orders[i];

		side->outcomes[side->outcome_count++] = (struct hf_outcome){
			.result =
				order->kind == HF_ORDER_FREEZE ? HF_RESULT_FROZEN : HF_RESULT_DONE,
			.action = order->action,
			.reason = order->reason,
			.scope = order->scope,
		};
	}
}

static enum hf_code step(struct run *run, struct side *side, struct hf_err *err)
{
	struct hf_policy_input *input = &run->input;

	const struct hf_command said = input->command;

	give_outcomes(side, input);
	input->command = command_to(side->policy, said, run->trace.ack);
	hf_policy_step(side->policy, &side->state, input, &side->out);
	input->command = said;
	take_orders(side);
	side->shown = side->out.state;
	run->steps++;
	for (unsigned i = 0; i < side->out.change_count; i++) {
		enum hf_code code = keep(side, input->now_ms, &side->out.changes[i], err);

		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

static void pass_time(struct hf_policy_input *input, int64_t to_ms)
{
	int64_t passed_ms = to_ms - input->now_ms;

	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		for (unsigned s = 0; s < HF_CAMERAS_MAX; s++)
			if (!input->readings[i][s].known &&
			    input->readings[i][s].value < INT64_MAX - passed_ms)
				input->readings[i][s].value += passed_ms;
	input->now_ms = to_ms;
	input->uptime_ms += passed_ms;
}

/* Whatever runs out before the next line, with the readings of the last. */
static enum hf_code step_until(struct run *run, struct side *side,
			       const struct hf_policy_input *from, int64_t until_ms,
			       struct hf_err *err)
{
	run->input = *from;
	memset(&run->input.command, 0, sizeof run->input.command);
	run->input.asleep_ms = 0;
	for (unsigned n = 0; n < STEPS_BETWEEN_MAX; n++) {
		int64_t next_ms = side->out.next_ms;

		if (side->outcome_count > 0 && next_ms > run->input.now_ms + ORDER_MS)
			next_ms = run->input.now_ms + ORDER_MS;
		if (next_ms <= run->input.now_ms)
			next_ms = run->input.now_ms + 1;
		if (next_ms >= until_ms)
			return HF_OK;
		pass_time(&run->input, next_ms);
		enum hf_code code = step(run, side, err);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

/* A line of the trace, for each side. */
static enum hf_code take(struct run *run, const char *text, size_t size_bytes, struct hf_err *err)
{
	static struct hf_policy_input before;
	bool was_begun = run->trace.begun, taken;

	before = run->trace.input;
	enum hf_code code = hf_policy_trace_line(&run->trace, text, size_bytes, &taken, err);
	if (code != HF_OK || !taken)
		return code;
	if (!was_begun)
		run->begin_ms = run->trace.input.now_ms;
	for (unsigned i = 0; i < run->side_count; i++) {
		struct side *side = &run->sides[i];

		/* While it sleeps nothing is decided. */
		if (was_begun && run->trace.input.asleep_ms == 0)
			code = step_until(run, side, &before, run->trace.input.now_ms, err);
		if (code != HF_OK)
			return code;
		run->input = run->trace.input;
		code = step(run, side, err);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

static enum hf_code read_trace(struct run *run, const char *path, struct hf_err *err)
{
	HF_AUTO(hf_auto_fclose) FILE *file = fopen(path, "re");
	HF_AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t size;

	if (file == NULL)
		return hf_fail_errno(err, "open %s", path);
	while ((size = getline(&line, &room, file)) > 0) {
		if (size > HF_TRACE_LINE_BYTES)
			return hf_fail(err, HF_E_LIMIT, "line %u is longer than %d bytes: no trace",
				       run->trace.line + 1, HF_TRACE_LINE_BYTES);
		/* The one that was being written when the power went. */
		if (line[size - 1] != '\n')
			break;
		enum hf_code code = take(run, line, (size_t)size - 1, err);
		if (code != HF_OK)
			return code;
	}
	if (ferror(file) != 0)
		return hf_fail_errno(err, "read %s", path);
	if (!run->trace.begun)
		return hf_fail(err, HF_E_INVALID,
			       "%s has no full line, from which a trace can be read", path);
	return HF_OK;
}

/* ---- what is told ---- */

static void words_of(const struct decision *decision, char ret_text[256])
{
	const struct hf_change *change = &decision->change;
	char value[HF_DURATION_BYTES] = "";
	const char *action = change->action < HF_ACTION_COUNT
				     ? hf_action_name((enum hf_action)change->action)
				     : "";
	const char *why = hf_refusal_text((enum hf_refusal)change->why);
	const char *before = "";

	switch ((enum hf_change_kind)change->kind) {
	case HF_CHANGE_ENTERED:
		before = "after ";
		hf_duration_text(change->value, value);
		break;
	case HF_CHANGE_CLEARED:
		before = "was active for ";
		hf_duration_text(change->value, value);
		break;
	case HF_CHANGE_CHOSEN:
		before = "in ";
		hf_duration_text(change->value, value);
		break;
	case HF_CHANGE_STATE:
		before = "to ";
		(void)snprintf(value, sizeof value, "%s", hf_state_name(decision->state));
		break;
	case HF_CHANGE_DONE:
	case HF_CHANGE_FAILED:
	case HF_CHANGE_VERIFIED:
	case HF_CHANGE_NO_HELP:
	case HF_CHANGE_ENGAGED:
	case HF_CHANGE_RELEASED:
	case HF_CHANGE_EXHAUSTED:
	case HF_CHANGE_SAFE_LEFT:
	case HF_CHANGE_COMMANDED:
	case HF_CHANGE_INTERRUPTED:
	case HF_CHANGE_KIND_COUNT:
		break;
	}
	(void)snprintf(ret_text, 256, "%-17s %-9s %-17s %-16s %s%s%s%s",
		       hf_change_name((enum hf_change_kind)change->kind), decision->about,
		       decision->reason, action, before, value,
		       value[0] != '\0' && why[0] != '\0' ? "; " : "", why);
	size_t length = strlen(ret_text);
	while (length > 0 && ret_text[length - 1] == ' ')
		ret_text[--length] = '\0';
}

static void print_decision(const struct run *run, const struct decision *decision, char mark)
{
	char text[256];
	int64_t ms = decision->t_ms - run->begin_ms;

	words_of(decision, text);
	(void)printf("%c%8" PRId64 ".%03" PRId64 "  %s\n", mark, ms / 1000, ms % 1000, text);
}

static void print_json(const struct side *side, const struct decision *decision)
{
	char text[1024];
	struct hf_json json = hf_json_begin(text, sizeof text);
	const struct hf_change *change = &decision->change;
	struct hf_err err;

	hf_json_object_open(&json);
	hf_json_put_text(&json, "policy", side->policy->name);
	hf_json_put_i64(&json, "t", decision->t_ms);
	hf_json_put_text(&json, "change", hf_change_name((enum hf_change_kind)change->kind));
	hf_json_put_text(&json, "reason", decision->reason[0] != '\0' ? decision->reason : NULL);
	hf_json_put_u64(&json, "scope", change->scope);
	hf_json_put_text(&json, "action",
			 change->action < HF_ACTION_COUNT
				 ? hf_action_name((enum hf_action)change->action)
				 : NULL);
	hf_json_put_text(&json, "state", hf_state_name(decision->state));
	hf_json_put_text(&json, "why", hf_refusal_text((enum hf_refusal)change->why));
	hf_json_put_i64(&json, "value", change->value);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		(void)puts(text);
}

static bool same(const struct decision *one, const struct decision *other)
{
	return one->t_ms == other->t_ms && one->change.kind == other->change.kind &&
	       one->change.scope == other->change.scope &&
	       one->change.action == other->change.action && one->change.why == other->change.why &&
	       one->state == other->state && strcmp(one->reason, other->reason) == 0;
}

/* Is it among those of the other side at the same time? from: the first that may be. */
static bool is_in(const struct decision *decision, const struct side *other, size_t from)
{
	while (from > 0 && other->decisions[from - 1].t_ms >= decision->t_ms)
		from--;
	for (size_t i = from; i < other->count && other->decisions[i].t_ms <= decision->t_ms; i++)
		if (same(decision, &other->decisions[i]))
			return true;
	return false;
}

static void print_difference(const struct run *run)
{
	const struct side *old = &run->sides[0], *new = &run->sides[1];
	size_t i = 0, k = 0, only_old = 0, only_new = 0;

	(void)printf("- only by %s, + only by %s\n", old->policy->name, new->policy->name);
	while (i < old->count || k < new->count) {
		bool take_old =
			k == new->count ||
			(i < old->count && old->decisions[i].t_ms <= new->decisions[k].t_ms);
		const struct side *other = take_old ? new : old;
		const struct decision *decision =
			take_old ? &old->decisions[i] : &new->decisions[k];

		if (!is_in(decision, other, take_old ? k : i)) {
			print_decision(run, decision, take_old ? '-' : '+');
			only_old += take_old;
			only_new += !take_old;
		}
		i += take_old;
		k += !take_old;
	}
	(void)fprintf(stderr, "%zu decisions by %s, %zu by %s; %zu and %zu of them differ\n",
		      old->count, old->policy->name, new->count, new->policy->name, only_old,
		      only_new);
}

static void tell(const struct run *run, bool as_json)
{
	int64_t ms = run->trace.input.now_ms - run->begin_ms;

	if (run->side_count == 2 && !as_json) {
		print_difference(run);
		return;
	}
	for (unsigned s = 0; s < run->side_count; s++)
		for (size_t i = 0; i < run->sides[s].count; i++)
			if (as_json)
				print_json(&run->sides[s], &run->sides[s].decisions[i]);
			else
				print_decision(run, &run->sides[s].decisions[i], ' ');
	(void)fprintf(stderr,
		      "%u lines, %" PRId64 ".%03" PRId64 " s, %" PRIu64
		      " steps, %zu decisions by policy %s; at the end: %s\n",
		      run->trace.line - run->trace.skipped, ms / 1000, ms % 1000, run->steps,
		      run->sides[0].count, run->sides[0].policy->name,
		      hf_state_name(run->sides[0].shown));
}

int hf_policy_simulate(const char *path, const struct hf_policy *policy,
		       const struct hf_policy *against, bool as_json)
{
	HF_AUTO_FREE struct run *run = calloc(1, sizeof *run);
	struct hf_err err;

	if (run == NULL) {
		(void)fputs("holdfast: out of memory\n", stderr);
		return HF_EXIT_FAILED;
	}
	run->sides[0].policy = policy;
	run->sides[1].policy = against;
	run->side_count = against != NULL ? 2 : 1;
	for (unsigned i = 0; i < run->side_count; i++)
		hf_policy_state_fresh(&run->sides[i].state);
	enum hf_code code = read_trace(run, path, &err);
	if (code == HF_OK)
		tell(run, as_json);
	else
		(void)fprintf(stderr, "holdfast: %s: %s\n", path, err.text);
	for (unsigned i = 0; i < run->side_count; i++)
		free(run->sides[i].decisions);
	return code == HF_OK ? HF_EXIT_OK : HF_EXIT_FAILED;
}
