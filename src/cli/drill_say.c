/* SPDX-License-Identifier: Apache-2.0 */
/* What a drill finds, and its judgement: the first thing that is wrong is the reason it failed. */
#include "cli/drill.h"

#include "base/auto.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SETTLE_MS = 2000, /* the last events are on their way to the disk */
	SABOTAGED_MS = 15000,
};

static void say(char *ret_text, size_t size_bytes, const char *format, va_list ap)
{
	(void)vsnprintf(ret_text, size_bytes, format, ap);
}

void drill_fact(struct drill *drill, enum drill_fact_kind kind, int64_t mono_ms, const char *format,
		...)
{
	va_list ap;

	if (drill->fact_count == DRILL_FACTS_MAX)
		return;
	struct drill_fact *fact = &drill->facts[drill->fact_count++];
	fact->kind = kind;
	fact->mono_ms = fact->until_ms = mono_ms;
	va_start(ap, format);
	say(fact->text, sizeof fact->text, format, ap);
	va_end(ap);
	if (drill->options->verbose)
		(void)fprintf(stderr, "  %8.2f s  %s\n", (double)(mono_ms - drill->begun_ms) / 1000,
			      fact->text);
}

void drill_lasts(struct drill *drill, int64_t until_ms)
{
	if (drill->fact_count > 0)
		drill->facts[drill->fact_count - 1].until_ms = until_ms;
}

void drill_fail(struct drill *drill, const char *format, ...)
{
	va_list ap;

	if (drill->verdict != DRILL_OK)
		return;
	drill->verdict = DRILL_FAILED;
	va_start(ap, format);
	say(drill->why, sizeof drill->why, format, ap);
	va_end(ap);
}

void drill_skip(struct drill *drill, const char *format, ...)
{
	va_list ap;

	if (drill->verdict != DRILL_OK)
		return;
	drill->verdict = DRILL_SKIPPED;
	va_start(ap, format);
	say(drill->why, sizeof drill->why, format, ap);
	va_end(ap);
}

bool drill_expect(struct drill *drill, bool holds, const char *format, ...)
{
	va_list ap;

	if (holds || drill->verdict != DRILL_OK)
		return holds;
	drill->verdict = DRILL_FAILED;
	va_start(ap, format);
	say(drill->why, sizeof drill->why, format, ap);
	va_end(ap);
	return false;
}

void drill_measure(struct drill *drill, const char *what, int64_t promised, int64_t measured,
		   const char *unit)
{
	if (drill->bound_count < DRILL_BOUNDS_MAX)
		drill->bounds[drill->bound_count++] = (struct drill_bound){
			.what = what, .promised = promised, .measured = measured, .unit = unit
		};
}

bool drill_inject(struct drill *drill, const char *format, ...)
{
	char text[DRILL_TEXT_BYTES];
	size_t length = strlen(drill->done);
	va_list ap;

	va_start(ap, format);
	say(text, sizeof text, format, ap);
	va_end(ap);
	if (drill->fault_ms == 0)
		drill->fault_ms = drill_now_ms();
	(void)snprintf(drill->done + length, sizeof drill->done - length, "%s%s",
		       length > 0 ? "; " : "", text);
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "%s%s", text,
		   drill->options->sabotage ? " (not done: this run is sabotaged)" : "");
	return !drill->options->sabotage;
}

/* ---- the judgement ---- */

bool drill_in_list(const char *list, const char *word)
{
	size_t bytes = strlen(word);

	for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word))
		if ((at == list || at[-1] == ' ') && (at[bytes] == '\0' || at[bytes] == ' '))
			return true;
	return false;
}

static const char *text_of(const struct drill_event *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event->attrs, key));

	return text != NULL ? text : "";
}

static void append(char *text, size_t size_bytes, const char *word)
{
	size_t length = strlen(text);

	(void)snprintf(text + length, size_bytes - length, "%s%s", length > 0 ? " > " : "", word);
}

/* The state at the fault, and each after it, as the stored events tell. */
static void find_path(struct drill *drill)
{
	bool begun = false;

	drill->path[0] = '\0';
	for (uint32_t i = 0; i < drill->event_count; i++) {
		const struct drill_event *event = &drill->events[i];

		if (strcmp(event->event_class, "state_changed") != 0 ||
		    event->mono_ms < drill->fault_ms)
			continue;
		if (!begun)
			append(drill->path, sizeof drill->path, text_of(event, "from"));
		begun = true;
		append(drill->path, sizeof drill->path, text_of(event, "to"));
	}
	if (!begun)
		append(drill->path, sizeof drill->path, drill->seen_state);
}

static const char *about(const struct drill_event *event)
{
	static const char *const keys[] = { "worker", "source", "camera" };

	for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++)
		if (text_of(event, keys[i])[0] != '\0')
			return text_of(event, keys[i]);
	return "";
}

static int64_t value_of(const struct drill_event *event, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(event->attrs, key));
}

static void fact_of(struct drill *drill, const struct drill_event *event)
{
	static const struct {
		const char *event_class;
		enum drill_fact_kind kind;
		const char *format; /* action, reason, about */
	} known[] = {
		{ "action_chosen", DRILL_ACTION, "chosen" },
		{ "action_done", DRILL_ACTION, "done" },
		{ "action_failed", DRILL_ACTION, "failed" },
		{ "action_verified", DRILL_ACTION, "verified" },
		{ "action_no_help", DRILL_ACTION, "did not help" },
		{ "mode_engaged", DRILL_ACTION, "on" },
		{ "mode_released", DRILL_ACTION, "off" },
		{ "ladder_exhausted", DRILL_ACTION, "no rung left" },
		{ "safe_mode_left", DRILL_ACTION, "safe mode left" },
	};
	const char *event_class = event->event_class;

	if (strcmp(event_class, "state_changed") == 0)
		drill_fact(drill, DRILL_STATE, event->mono_ms, "%s", text_of(event, "to"));
	else if (strcmp(event_class, "reason_entered") == 0)
		drill_fact(drill, DRILL_REASON, event->mono_ms, "%s %s", text_of(event, "reason"),
			   about(event));
	else if (strcmp(event_class, "worker_ended") == 0)
		drill_fact(drill, DRILL_PROCESS, event->mono_ms, "%s.%" PRId64 " ended: %s",
			   text_of(event, "role"), value_of(event, "index"), text_of(event, "how"));
	else if (strcmp(event_class, "device_state") == 0)
		drill_fact(drill, DRILL_PROCESS, event->mono_ms, "device state found: %s",
			   text_of(event, "found"));
	else if (strcmp(event_class, "unit_started") == 0)
		drill_fact(drill, DRILL_PROCESS, event->mono_ms, "unit started");
	for (size_t i = 0; i < HF_ARRAY_LEN(known); i++)
		if (strcmp(known[i].event_class, event_class) == 0)
			drill_fact(drill, known[i].kind, event->mono_ms, "%s %s: %s",
				   text_of(event, "action"), about(event), known[i].format);
}

/* How long a reason was active: until it was cleared, else until now. */
static int64_t cleared_at(const struct drill *drill, const struct drill_event *entered)
{
	for (const struct drill_event *event = entered + 1;
	     event < drill->events + drill->event_count; event++)
		if (strcmp(event->event_class, "reason_cleared") == 0 &&
		    strcmp(text_of(event, "reason"), text_of(entered, "reason")) == 0 &&
		    strcmp(about(event), about(entered)) == 0)
			return event->mono_ms;
	return drill_now_ms();
}

static void collect_facts(struct drill *drill)
{
	const struct drill_options *options = drill->options;
	const struct drill_options quiet = { .verbose = false };

	drill->options = &quiet;
	for (uint32_t i = 0; i < drill->event_count; i++) {
		uint32_t before = drill->fact_count;

		fact_of(drill, &drill->events[i]);
		if (drill->fact_count > before && drill->facts[before].kind == DRILL_REASON)
			drill->facts[before].until_ms = cleared_at(drill, &drill->events[i]);
	}
	drill->options = options;
}

static void expect_states(struct drill *drill, const char *states)
{
	for (uint32_t i = 0; i < drill->event_count; i++) {
		const struct drill_event *event = &drill->events[i];

		if (strcmp(event->event_class, "state_changed") == 0 &&
		    event->mono_ms >= drill->fault_ms)
			(void)drill_expect(drill, drill_in_list(states, text_of(event, "to")),
					   "it went through %s, of which nothing was to be seen "
					   "(%s)",
					   text_of(event, "to"), drill->path);
	}
}

/* By the installation's own judge of outboxes, which knows nothing of drills. */
static void expect_whole_outbox(struct drill *drill)
{
	char self[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);

	if (bytes < 0)
		return;
	self[bytes] = '\0';
	const char *const argv[] = { self, "outbox", "verify", drill->unit.data, NULL };
	int exit_code = drill_run(argv);
	(void)drill_expect(drill, exit_code == 0, "holdfast outbox verify says %d", exit_code);
}

static void expect_order(struct drill *drill)
{
	for (uint32_t i = 1; i < drill->event_count; i++)
		(void)drill_expect(drill, drill->events[i].seq == drill->events[i - 1].seq + 1,
				   "events are stored out of order or with a hole: %" PRIu64
				   " after %" PRIu64,
				   drill->events[i].seq, drill->events[i - 1].seq);
}

void drill_collect(struct drill *drill)
{
	find_path(drill);
	collect_facts(drill);
	drill->ended_ms = drill_now_ms();
}

void drill_conclude_as(struct drill *drill, const char *last, const char *states, int64_t within_ms)
{
	int64_t left_ms = drill->verdict == DRILL_OK ? within_ms : SABOTAGED_MS;
	bool there = drill_await_state(drill, last, left_ms);
	int64_t there_ms = drill_now_ms();

	(void)drill_expect(drill, there, "it was not %s again after %" PRId64 " s, but %s", last,
			   within_ms / 1000, drill->seen_state);
	drill_wait(drill, SETTLE_MS);
	if (drill->fault_ms != 0)
		drill_measure(drill, "all over, from the first fault", within_ms,
			      there ? there_ms - drill->fault_ms : -1, "ms");
	drill_collect(drill);
	expect_states(drill, states);
	expect_order(drill);
	expect_whole_outbox(drill);
	(void)drill_expect_budgets(drill);
}

void drill_conclude(struct drill *drill, const char *states, int64_t within_ms)
{
	drill_conclude_as(drill, "healthy", states, within_ms);
}

void drill_expect_no_more_than(struct drill *drill, const char *actions)
{
	for (uint32_t i = 0; i < drill->event_count; i++) {
		const struct drill_event *event = &drill->events[i];
		bool acts = strcmp(event->event_class, "action_chosen") == 0 ||
			    strcmp(event->event_class, "mode_engaged") == 0;

		if (acts && event->mono_ms >= drill->fault_ms)
			(void)drill_expect(drill, drill_in_list(actions, text_of(event, "action")),
					   "it did %s for %s %s, which no fault here asked for",
					   text_of(event, "action"), text_of(event, "reason"),
					   about(event));
	}
}

/* In any window that begins with a use. */
static uint32_t uses_from(const struct drill *drill, const struct drill_event *first,
			  int64_t window_ms)
{
	const char *action = text_of(first, "action");
	bool a_worker = hf_action_scope(hf_action_find(action)) == HF_SCOPE_WORKER;
	uint32_t uses = 0;

	for (const struct drill_event *event = first; event < drill->events + drill->event_count;
	     event++)
		uses += strcmp(event->event_class, "action_done") == 0 &&
			event->mono_ms < first->mono_ms + window_ms &&
			strcmp(text_of(event, "action"), action) == 0 &&
			(!a_worker || strcmp(about(event), about(first)) == 0);
	return uses;
}

bool drill_expect_budgets(struct drill *drill)
{
	bool held = true;

	for (uint32_t i = 0; i < drill->event_count; i++) {
		const struct drill_event *event = &drill->events[i];
		enum hf_action action = strcmp(event->event_class, "action_done") == 0
						? hf_action_find(text_of(event, "action"))
						: HF_ACTION_COUNT;

		for (size_t b = 0; b < HF_POLICY_BUDGETS_MAX && action != HF_ACTION_COUNT; b++) {
			const struct hf_budget *budget = &drill->policy->actions[action].budgets[b];
			uint32_t uses =
				budget->count > 0 ? uses_from(drill, event, budget->window_ms) : 0;

			held = held && uses <= budget->count;
			(void)drill_expect(drill, uses <= budget->count,
					   "%s %s was done %u times within %" PRId64
					   " s, more than its budget of %u",
					   hf_action_name(action), about(event), uses,
					   budget->window_ms / 1000, budget->count);
		}
	}
	return held;
}
