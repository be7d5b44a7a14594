/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a sheet is filled row by row; a terminal gets it twice, once to measure the columns. The
 * same rows in Markdown are part of the documentation, which a test holds against this.
 */
#include "cli/policy_inner.h"

#include "base/auto.h"
#include "shape/policy_text.h"

#include <string.h>

enum {
	COLUMNS_MAX = 7,
};

typedef char cell[HF_POLICY_WORDS_BYTES];

struct sheet {
	const char *title;
	const char *heads[COLUMNS_MAX + 1]; /* NULL ends them */
	unsigned rows;
	/* False: this row is left out. */
	bool (*fill)(const struct hf_policy *policy, unsigned row, cell cells[COLUMNS_MAX]);
};

static void set(cell to, const char *text)
{
	(void)snprintf(to, HF_POLICY_WORDS_BYTES, "%s", text);
}

static void add_action(cell to, const struct hf_policy *policy, enum hf_action action)
{
	char text[64];

	(void)snprintf(text, sizeof text, policy->actions[action].unavailable ? "(%s)" : "%s",
		       hf_action_name(action));
	hf_policy_append(to, ", ", text);
}

/* Reasons */

static bool fill_reason(const struct hf_policy *policy, unsigned row, cell cells[COLUMNS_MAX])
{
	const struct hf_policy_reason *reason = &policy->reasons[row];
	char hold[HF_DURATION_BYTES];

	set(cells[0], reason->name);
	set(cells[1], hf_class_name((enum hf_class)reason->class_of));
	hf_policy_about_words(reason, cells[2]);
	hf_policy_when_words(policy, reason, cells[3]);
	if (reason->hold_ms > 0) {
		hf_duration_text(reason->hold_ms, hold);
		hf_policy_append(cells[3], hf_policy_is_blind(reason) ? ", and so for " : " for ",
				 hold);
	}
	hf_policy_clear_words(reason, cells[4]);
	if (reason->clear_hold_ms > 0) {
		hf_duration_text(reason->clear_hold_ms, hold);
		hf_policy_append(cells[4], " for ", hold);
	}
	if (reason->latch != HF_LATCH_AUTO)
		hf_policy_append(cells[4], ", then ", hf_latch_name((enum hf_latch)reason->latch));
	if (reason->holds)
		hf_policy_append(cells[5], ", ", "nothing is decided");
	for (unsigned i = 0; i < reason->rung_count; i++)
		add_action(cells[5], policy, (enum hf_action)reason->ladder[i]);
	if (reason->recovering)
		set(cells[5], "nothing: it passes");
	else if (reason->records_only)
		set(cells[5], "nothing: it is recorded");
	else if (cells[5][0] == '\0')
		set(cells[5], "nothing: it is told");
	return true;
}

/* State and class */

enum column {
	IN_SERVICE,
	WHILE_ACTING,
	IN_SAFE_MODE,
	ROLLED_BACK,
};

static bool is_taken(enum hf_action action, enum column column)
{
	switch (column) {
	case IN_SERVICE:
		return action != HF_ACTION_RETRY_WORKER;
	case WHILE_ACTING: /* the others wait until it is done */
		return hf_action_kind(action) == HF_ACTION_MODE;
	case IN_SAFE_MODE:
		return action == HF_ACTION_RETRY_WORKER ||
		       (hf_action_kind(action) == HF_ACTION_MODE && action != HF_ACTION_SAFE_MODE);
	case ROLLED_BACK:
		return action != HF_ACTION_RETRY_WORKER && action != HF_ACTION_ROLLBACK;
	}
	return false;
}

static bool class_has(const struct hf_policy *policy, unsigned class_of, unsigned action)
{
	for (unsigned r = 0; r < policy->reason_count; r++)
		for (unsigned i = 0; i < policy->reasons[r].rung_count; i++)
			if (policy->reasons[r].class_of == class_of &&
			    policy->reasons[r].ladder[i] == action)
				return true;
	return false;
}

static bool fill_class(const struct hf_policy *policy, unsigned row, cell cells[COLUMNS_MAX])
{
	bool leads_to_safe = class_has(policy, row, HF_ACTION_SAFE_MODE);
	bool there = false;

	for (unsigned r = 0; r < policy->reason_count; r++)
		there = there || policy->reasons[r].class_of == row;
	set(cells[0], hf_class_name((enum hf_class)row));
	for (unsigned column = IN_SERVICE; column <= ROLLED_BACK; column++) {
		for (unsigned action = 0; action < HF_ACTION_COUNT; action++)
			if (is_taken((enum hf_action)action, (enum column)column) &&
			    class_has(policy, row, action))
				add_action(cells[1 + column], policy, (enum hf_action)action);
		if (cells[1 + column][0] == '\0')
			set(cells[1 + column], "-");
	}
	set(cells[5], !leads_to_safe ? "-"
		      : (policy->safe_exit_classes & UINT32_C(1) << row) != 0
			      ? "an operator, or itself"
			      : "an operator");
	return there;
}

/* Actions */

static bool fill_action(const struct hf_policy *policy, unsigned row, cell cells[COLUMNS_MAX])
{
	enum hf_action kind = (enum hf_action)row;
	const struct hf_policy_action *action = &policy->actions[row];
	char settle[HF_DURATION_BYTES], verify[HF_DURATION_BYTES];

	set(cells[0], hf_action_name(kind));
	(void)snprintf(cells[1], sizeof(cell), "%u", action->impact);
	set(cells[2], hf_action_help(kind));
	if (action->unavailable) {
		hf_policy_append(cells[2], "", "; not available: ");
		hf_policy_append(cells[2], "", action->why);
	}
	hf_policy_budget_words(action, cells[3]);
	hf_policy_wait_words(action, cells[4]);
	if (action->verify_ms > 0) {
		hf_duration_text(action->settle_ms, settle);
		hf_duration_text(action->verify_ms, verify);
		(void)snprintf(cells[5], sizeof(cell), "%s%s%sfor %s",
			       action->settle_ms > 0 ? "after " : "",
			       action->settle_ms > 0 ? settle : "",
			       action->settle_ms > 0 ? ", " : "", verify);
	}
	for (unsigned i = 3; i < 6; i++)
		if (cells[i][0] == '\0')
			set(cells[i], "-");
	return action->listed;
}

/* Sheets */

static unsigned column_count(const struct sheet *sheet)
{
	unsigned count = 0;

	while (sheet->heads[count] != NULL)
		count++;
	return count;
}

static bool fill(const struct sheet *sheet, const struct hf_policy *policy, unsigned row,
		 cell cells[COLUMNS_MAX])
{
	memset(cells, 0, COLUMNS_MAX * sizeof(cell));
	return sheet->fill(policy, row, cells);
}

static void print_markdown(const struct sheet *sheet, const struct hf_policy *policy, FILE *stream)
{
	cell cells[COLUMNS_MAX];
	unsigned columns = column_count(sheet);

	(void)fprintf(stream, "### %s\n\n|", sheet->title);
	for (unsigned i = 0; i < columns; i++)
		(void)fprintf(stream, " %s |", sheet->heads[i]);
	(void)fputs("\n|", stream);
	for (unsigned i = 0; i < columns; i++)
		(void)fputs("---|", stream);
	(void)fputc('\n', stream);
	for (unsigned row = 0; row < sheet->rows; row++) {
		if (!fill(sheet, policy, row, cells))
			continue;
		(void)fputc('|', stream);
		for (unsigned i = 0; i < columns; i++)
			(void)fprintf(stream, i == 0 ? " `%s` |" : " %s |", cells[i]);
		(void)fputc('\n', stream);
	}
	(void)fputc('\n', stream);
}

static void print_plain(const struct sheet *sheet, const struct hf_policy *policy, FILE *stream)
{
	cell cells[COLUMNS_MAX];
	unsigned columns = column_count(sheet), widths[COLUMNS_MAX];

	for (unsigned i = 0; i < columns; i++)
		widths[i] = (unsigned)strlen(sheet->heads[i]);
	for (unsigned row = 0; row < sheet->rows; row++)
		for (unsigned i = 0; fill(sheet, policy, row, cells) && i < columns; i++)
			if (strlen(cells[i]) > widths[i])
				widths[i] = (unsigned)strlen(cells[i]);
	(void)fprintf(stream, "%s\n\n", sheet->title);
	for (unsigned i = 0; i < columns; i++)
		(void)fprintf(stream, "%-*s%s", i + 1 < columns ? (int)widths[i] : 0,
			      sheet->heads[i], i + 1 < columns ? "  " : "\n");
	for (unsigned row = 0; row < sheet->rows; row++)
		for (unsigned i = 0; fill(sheet, policy, row, cells) && i < columns; i++)
			(void)fprintf(stream, "%-*s%s", i + 1 < columns ? (int)widths[i] : 0,
				      cells[i], i + 1 < columns ? "  " : "\n");
	(void)fputc('\n', stream);
}

void hf_policy_table(const struct hf_policy *policy, bool markdown, FILE *stream)
{
	const struct sheet sheets[] = {
		{ "What is a fault, and what is done",
		  { "reason", "class", "about", "bad when", "over when",
		    "what is done, in this order" },
		  policy->reason_count,
		  fill_reason },
		{ "By class and state",
		  { "class", "healthy, degraded", "recovering: at once", "safe mode", "rolled back",
		    "safe mode is left by" },
		  HF_CLASS_COUNT,
		  fill_class },
		{ "Actions",
		  { "action", "impact", "what it is", "at most", "tries after", "judged" },
		  HF_ACTION_COUNT,
		  fill_action },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(sheets); i++)
		if (markdown)
			print_markdown(&sheets[i], policy, stream);
		else
			print_plain(&sheets[i], policy, stream);
}
