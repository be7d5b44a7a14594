/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast policy - check, explain, try or begin the rules by which a unit recovers. */
#include "boot/policy.h"

#include "base/auto.h"
#include "base/suggest.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/policy_inner.h"
#include "cli/policy_simulate.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

enum {
	JSON_BYTES = 256 * 1024,
};

struct ask {
	const char *path; /* NULL: the one that comes with this build */
	bool json;
};

static enum hf_code load(const struct ask *ask, struct hf_policy *ret_policy,
			 struct hf_report *ret_report, struct hf_err *err)
{
	size_t size_bytes;

	if (ask->path != NULL)
		return hf_policy_load(ask->path, ret_policy, ret_report, err);
	const char *text = hf_policy_standard(&size_bytes);
	return hf_policy_parse("the default policy", text, size_bytes, ret_policy, ret_report, err);
}

static int check(const struct ask *ask, const struct hf_policy *policy,
		 const struct hf_report *report, enum hf_code code, const struct hf_err *err)
{
	unsigned actions = 0;

	if (ask->json)
		return hf_cli_report_json(report, "policy", code == HF_OK,
					  code == HF_OK || report->errors > 0 ? NULL : err->text);
	hf_report_print(report, stderr);
	if (code != HF_OK && report->errors == 0) {
		(void)fprintf(stderr, "holdfast: %s\n", err->text);
		if (code == HF_E_NOENT)
			(void)fprintf(stderr, "Begin one: holdfast policy example > %s\n",
				      ask->path);
		return HF_EXIT_FAILED;
	}
	if (code != HF_OK) {
		(void)fprintf(stderr, "%u mistake%s; nothing was changed\n", report->errors,
			      report->errors == 1 ? "" : "s");
		return HF_EXIT_FAILED;
	}
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		actions += policy->actions[i].listed && !policy->actions[i].unavailable;
	(void)fprintf(stderr, "%s: good: policy %s, %u reasons, %u actions%s\n", report->path,
		      policy->name, policy->reason_count, actions,
		      policy->shadow ? ", in shadow mode: it tells and does nothing" : "");
	return HF_EXIT_OK;
}

/* Loaded without complaint? Else it is told. */
static bool usable(const struct hf_report *report, enum hf_code code, const struct hf_err *err)
{
	if (code == HF_OK)
		return true;
	hf_report_print(report, stderr);
	if (report->errors == 0)
		(void)fprintf(stderr, "holdfast: %s\n", err->text);
	return false;
}

static int print_json(const struct hf_policy *policy, const struct hf_policy_reason *reason)
{
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);
	struct hf_err err;

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, JSON_BYTES);
	if (reason != NULL)
		hf_policy_put_reason(&json, policy, reason);
	else
		hf_policy_put_all(&json, policy);
	if (hf_json_end(&json, &err) != HF_OK) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		return HF_EXIT_FAILED;
	}
	(void)puts(text);
	return HF_EXIT_OK;
}

static int explain(const struct ask *ask, const struct hf_policy *policy, const char *name)
{
	unsigned found = hf_policy_find(policy, name);
	const char *best = NULL;

	if (found < policy->reason_count) {
		const struct hf_policy_reason *reason = &policy->reasons[found];

		if (ask->json)
			return print_json(policy, reason);
		hf_policy_explain(policy, reason, stdout);
		return HF_EXIT_OK;
	}
	for (unsigned i = 0; i < policy->reason_count; i++)
		hf_suggest_consider(name, policy->reasons[i].name, &best);
	(void)fprintf(stderr,
		      "holdfast: policy %s has no reason \"%.60s\"%s%s%s\nThere are:", policy->name,
		      name, best != NULL ? "; did you mean \"" : "", best != NULL ? best : "",
		      best != NULL ? "\"?" : "");
	for (unsigned i = 0; i < policy->reason_count; i++)
		(void)fprintf(stderr, "%s %s", i % 6 == 0 ? "\n " : "", policy->reasons[i].name);
	(void)fputc('\n', stderr);
	return HF_EXIT_FAILED;
}

static int print_signals(bool as_json)
{
	char text[16 * 1024];
	struct hf_json json = hf_json_begin(text, sizeof text);
	struct hf_err err;

	hf_json_array_open(&json);
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++) {
		enum hf_signal signal = (enum hf_signal)i;

		hf_json_object_open(&json);
		hf_json_put_text(&json, "signal", hf_signal_name(signal));
		hf_json_put_text(&json, "scope", hf_scope_name(hf_signal_scope(signal)));
		hf_json_put_text(&json, "unit", hf_signal_unit_name(hf_signal_unit(signal)));
		hf_json_put_text(&json, "help", hf_signal_help(signal));
		hf_json_object_close(&json);
		if (!as_json)
			(void)printf("%-22s %-7s %-9s %s\n", hf_signal_name(signal),
				     hf_scope_name(hf_signal_scope(signal)),
				     hf_signal_unit_name(hf_signal_unit(signal)),
				     hf_signal_help(signal));
	}
	hf_json_array_close(&json);
	if (!as_json)
		return HF_EXIT_OK;
	if (hf_json_end(&json, &err) != HF_OK) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		return HF_EXIT_FAILED;
	}
	(void)puts(text);
	return HF_EXIT_OK;
}

static int print_example(void)
{
	size_t size_bytes;
	const char *text = hf_policy_standard(&size_bytes);

	(void)fwrite(text, 1, size_bytes, stdout);
	return HF_EXIT_OK;
}

static int simulate(const struct hf_words *words, const struct hf_policy *policy, bool as_json)
{
	const struct ask other = { .path = hf_words_value(words, "--against") };
	HF_AUTO_FREE struct hf_policy *against = malloc(sizeof *against);
	HF_AUTO_FREE struct hf_report *report = malloc(sizeof *report);
	struct hf_err err;

	if (against == NULL || report == NULL) {
		(void)fputs("holdfast: out of memory\n", stderr);
		return HF_EXIT_FAILED;
	}
	if (other.path != NULL && !usable(report, load(&other, against, report, &err), &err))
		return HF_EXIT_FAILED;
	return hf_policy_simulate(words->arguments[0], policy, other.path != NULL ? against : NULL,
				  as_json);
}

/* Its reader is a child of the unit: what it finds is in the unit's log and in an event. */
static int reload(const struct hf_words *words)
{
	const struct hf_question question = { .type = HF_MSG_CTL_RELOAD };
	HF_AUTO_FREE char *text = NULL;
	uint32_t unit_exit = HF_EXIT_FAILED;
	struct hf_ask unit;
	int exit_code = hf_ask_open(words, "policy", &unit);

	if (exit_code == HF_EXIT_OK)
		exit_code = hf_ask(&unit, &question, &unit_exit, &text);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	if (unit.json)
		(void)puts(text);
	else if (unit_exit == HF_EXIT_OK)
		(void)puts("it is being read; holdfast why says which policy is in force");
	else
		(void)fprintf(stderr, "holdfast: refused: %s\n", text);
	return (int)unit_exit;
}

int hf_cli_policy(int argc, char **argv)
{
	struct hf_err err = { 0 };
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("policy"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	const char *form = words.form->name;
	struct ask ask = { .path = hf_words_value(&words, "--policy"),
			   .json = hf_words_has(&words, "--json") };
	if (strcmp(form, "example") == 0)
		return print_example();
	if (strcmp(form, "reload") == 0)
		return reload(&words);
	if (strcmp(form, "signals") == 0)
		return print_signals(ask.json);
	if (strcmp(form, "check") == 0)
		ask.path = words.arguments[0];
	HF_AUTO_FREE struct hf_policy *policy = malloc(sizeof *policy);
	HF_AUTO_FREE struct hf_report *report = malloc(sizeof *report);
	if (policy == NULL || report == NULL) {
		(void)fputs("holdfast: out of memory\n", stderr);
		return HF_EXIT_FAILED;
	}
	enum hf_code code = load(&ask, policy, report, &err);
	if (strcmp(form, "check") == 0)
		return check(&ask, policy, report, code, &err);
	if (!usable(report, code, &err))
		return HF_EXIT_FAILED;
	if (strcmp(form, "explain") == 0)
		return explain(&ask, policy, words.arguments[0]);
	if (strcmp(form, "simulate") == 0)
		return simulate(&words, policy, ask.json);
	if (ask.json)
		return print_json(policy, NULL);
	hf_policy_table(policy, hf_words_has(&words, "--markdown"), stdout);
	return HF_EXIT_OK;
}
