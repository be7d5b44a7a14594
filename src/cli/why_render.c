/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_render.h"

#include "cli/pen.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static int64_t number_of(const json_t *object, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(object, key));
}

static void put_duration(const struct hf_pen *page, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 10000)
		(void)fprintf(page->out, "%.1f s", (double)ms / 1000);
	else if (s < 120)
		(void)fprintf(page->out, "%" PRId64 " s", s);
	else if (s < 7200)
		(void)fprintf(page->out, "%" PRId64 " min", s / 60);
	else if (s < 2 * 86400)
		(void)fprintf(page->out, "%" PRId64 " h", s / 3600);
	else
		(void)fprintf(page->out, "%" PRId64 " days", s / 86400);
}

static void put_rung(const struct hf_pen *page, const json_t *rung)
{
	static const struct {
		const char *state;
		const char *words;
	} words[] = {
		{ "in_hand", "in hand" },           { "on", "on" },
		{ "did_not_help", "did not help" }, { "tried", "tried" },
		{ "open", "not needed so far" },    { "refused", "not now" },
	};
	const char *state = text_of(rung, "state");
	int64_t tries = number_of(rung, "tries");

	(void)fputs("           ", page->out);
	hf_pen_put(page, text_of(rung, "action"), 0);
	for (size_t i = strlen(text_of(rung, "action")); i < 18; i++)
		(void)fputc(' ', page->out);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].state, state) == 0)
			(void)fputs(words[i].words, page->out);
	if (tries > 0)
		(void)fprintf(page->out, ", %" PRId64 " %s", tries, tries == 1 ? "time" : "times");
	if (text_of(rung, "why")[0] != '\0') {
		(void)fputs(": ", page->out);
		hf_pen_put(page, text_of(rung, "why"), 0);
	}
	(void)fputc('\n', page->out);
}

static void put_next(const struct hf_pen *page, const json_t *reason)
{
	const char *next = text_of(reason, "next");
	const char *step = text_of(reason, "step");
	int64_t in_ms = number_of(reason, "next_in_ms");
	bool waits = strcmp(step, "waiting") == 0 || step[0] == '\0';

	if (step[0] != '\0' && !waits) {
		(void)fputs("         now: ", page->out);
		hf_pen_put(page, step, 0);
		if (in_ms > 0) {
			(void)fputs(", for another ", page->out);
			put_duration(page, in_ms);
		}
		(void)fputc('\n', page->out);
	}
	if (next[0] == '\0')
		return;
	(void)fputs(waits && step[0] != '\0' ? "         next: "
					     : "         next, if it is still bad: ",
		    page->out);
	hf_pen_put(page, next, 0);
	if (in_ms > 0) {
		(void)fputs(" in ", page->out);
		put_duration(page, in_ms);
	}
	(void)fputc('\n', page->out);
}

static void put_reason(const struct hf_pen *page, const json_t *reason)
{
	const json_t *rung;
	size_t i;

	hf_pen_label(page, "why");
	hf_pen_put(page, text_of(reason, "text"), 0);
	(void)fputs("\n         for ", page->out);
	put_duration(page, number_of(reason, "active_ms"));
	(void)fputs(json_is_true(json_object_get(reason, "bad")) ? ", bad now" : ", not bad now",
		    page->out);
	if (text_of(reason, "when")[0] != '\0') {
		(void)fputs(" (", page->out);
		hf_pen_put(page, text_of(reason, "when"), 0);
		(void)fputc(')', page->out);
	}
	(void)fputc('\n', page->out);
	if (json_is_true(json_object_get(reason, "recorded_only")))
		(void)fputs("         recorded only: nothing is done about it\n", page->out);
	json_array_foreach(json_object_get(reason, "ladder"), i, rung) put_rung(page, rung);
	put_next(page, reason);
	(void)fputs("         over after: ", page->out);
	hf_pen_put(page, text_of(reason, "clears"), 0);
	(void)fputc('\n', page->out);
}

static void put_safe(const struct hf_pen *page, const json_t *safe)
{
	if (!json_is_object(safe))
		return;
	hf_pen_label(page, "safe");
	(void)fputs("safe mode for ", page->out);
	put_duration(page, number_of(safe, "for_ms"));
	if (text_of(safe, "reason")[0] != '\0') {
		(void)fputs(", because of ", page->out);
		hf_pen_put(page, text_of(safe, "reason"), 0);
	}
	if (json_is_integer(json_object_get(safe, "leaves_in_ms"))) {
		(void)fputs("\n         left by itself when all is well for another ", page->out);
		put_duration(page, number_of(safe, "leaves_in_ms"));
		(void)fputc('\n', page->out);
	} else {
		(void)fputs(
			"\n         until an operator says: holdfast safe clear --reason TEXT\n",
			page->out);
	}
}

static void put_overrides(const struct hf_pen *page, const json_t *root)
{
	const json_t *one;
	size_t i;

	if (number_of(root, "maintenance_ms") > 0) {
		hf_pen_label(page, "operator");
		(void)fputs("maintenance for another ", page->out);
		put_duration(page, number_of(root, "maintenance_ms"));
		(void)fputc('\n', page->out);
	}
	json_array_foreach(json_object_get(root, "held"), i, one)
	{
		hf_pen_label(page, "operator");
		hf_pen_put(page, text_of(one, "action"), 0);
		(void)fputs(" is held for another ", page->out);
		put_duration(page, number_of(one, "for_ms"));
		(void)fputc('\n', page->out);
	}
}

static void put_tried(const struct hf_pen *page, const json_t *tried)
{
	const json_t *one;
	size_t i;

	if (json_array_size(tried) == 0)
		return;
	hf_pen_label(page, "tried");
	json_array_foreach(tried, i, one)
	{
		(void)fputs(i > 0 ? "         " : "", page->out);
		hf_pen_put(page, text_of(one, "action"), 0);
		(void)fputs(", ", page->out);
		put_duration(page, number_of(one, "ago_ms"));
		(void)fputs(" ago\n", page->out);
	}
}

enum hf_code hf_why_render(const char *json_text, bool colour, FILE *stream, struct hf_err *err)
{
	struct hf_pen page = { .out = stream, .colour = colour };
	json_t *root = json_loads(json_text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *reason;
	size_t i;

	if (!json_is_object(root)) {
		json_decref(root);
		return hf_fail(err, HF_E_INVALID, "the unit's answer is not a JSON object");
	}
	bool healthy = strcmp(text_of(root, "state"), "healthy") == 0;
	hf_pen_label(&page, "state");
	hf_pen_colour(&page, healthy ? "1;32" : "1;33");
	hf_pen_put(&page, text_of(root, "state"), 0);
	hf_pen_colour(&page, "0");
	(void)fputs(" for ", stream);
	put_duration(&page, number_of(root, "since_ms"));
	(void)fputs(": ", stream);
	hf_pen_put(&page, text_of(root, "promise"), 0);
	(void)fputc('\n', stream);
	if (json_is_true(json_object_get(root, "shadow")))
		(void)fputs("         in shadow: the policy tells what it would do, and does not\n",
			    stream);
	put_safe(&page, json_object_get(root, "safe_mode"));
	json_array_foreach(json_object_get(root, "reasons"), i, reason) put_reason(&page, reason);
	if (json_array_size(json_object_get(root, "reasons")) == 0 && healthy)
		(void)fputs("         nothing is wrong\n", stream);
	put_overrides(&page, root);
	put_tried(&page, json_object_get(root, "tried"));
	if (text_of(root, "policy_refused")[0] != '\0') {
		hf_pen_label(&page, "policy");
		(void)fputs("the file was refused, the last good one is in force: ", stream);
		hf_pen_put(&page, text_of(root, "policy_refused"), 0);
		(void)fputc('\n', stream);
	}
	json_decref(root);
	return HF_OK;
}
