/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast config - check, show or begin a configuration file. */
#include "boot/config.h"

#include "base/auto.h"
#include "boot/policy.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

struct ask {
	const char *file;
	bool json;
};

/* The file could not be read: why, and what to do. */
static void explain(const struct ask *ask, enum hf_code code, const char *failure)
{
	(void)fprintf(stderr, "holdfast: %s\n", failure);
	if (code == HF_E_NOENT)
		(void)fprintf(stderr,
			      "Begin one:    holdfast config example > %s\n"
			      "Name another: holdfast config check FILE\n",
			      ask->file);
	else if (code == HF_E_DENIED)
		(void)fputs("It is readable for the unit's own user and group: try sudo.\n",
			    stderr);
}

/* The policy that it names: what is wrong with that is told where it is named. One that is not named
 * came with the build. */
static enum hf_code check_policy(const struct hf_config *config, struct hf_config_report *report,
				 struct hf_err *err)
{
	const struct hf_config_row *row = hf_config_row_find(HF_CONFIG_UNIT, "policy.path");
	struct hf_place place = *hf_config_place(report, HF_CONFIG_UNIT, 0, row);
	HF_AUTO_FREE struct hf_policy *policy = malloc(sizeof *policy);
	HF_AUTO_FREE struct hf_report *found = malloc(sizeof *found);
	struct hf_err why;

	if (config->policy_path[0] == '\0')
		return HF_OK;
	if (policy == NULL || found == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	if (hf_policy_load(config->policy_path, policy, found, &why) != HF_OK && found->errors == 0)
		hf_complain(&report->found, place, "policy.path: %s", why.text);
	for (uint32_t i = 0; i < found->message_count; i++) {
		const struct hf_message *message = &found->messages[i];

		(message->warning ? hf_warn : hf_complain)(
			&report->found, place, "policy.path: %s:%u:%u: %s", found->path,
			message->place.line, message->place.column, message->text);
	}
	return hf_report_end(&report->found, err);
}

static int check(const struct ask *ask, const struct hf_config *config,
		 const struct hf_config_report *report, enum hf_code code, const char *failure)
{
	if (ask->json)
		return hf_cli_report_json(&report->found, "config", code == HF_OK,
					  code == HF_OK || report->found.errors > 0 ? NULL
										    : failure);
	hf_report_print(&report->found, stderr);
	if (code != HF_OK && report->found.errors == 0)
		explain(ask, code, failure);
	else if (code != HF_OK)
		(void)fprintf(stderr, "%u mistake%s; nothing was changed\n", report->found.errors,
			      report->found.errors == 1 ? "" : "s");
	else
		(void)fprintf(stderr, "%s: good: %u source%s, %u camera%s, %u zone%s, %s\n",
			      report->found.path, config->source_count,
			      config->source_count == 1 ? "" : "s", config->camera_count,
			      config->camera_count == 1 ? "" : "s", config->zone_count,
			      config->zone_count == 1 ? "" : "s",
			      config->hub_url[0] != '\0' ? config->hub_url : "no hub");
	return code == HF_OK ? HF_EXIT_OK : HF_EXIT_FAILED;
}

static int show(const struct ask *ask, const struct hf_config *config,
		struct hf_config_report *report, enum hf_code code, struct hf_err *err)
{
	hf_report_print(&report->found, stderr);
	if (code == HF_OK && ask->json)
		code = hf_config_show_json(config, report, stdout, err);
	else if (code == HF_OK)
		hf_config_show(config, report, stdout);
	if (code != HF_OK && report->found.errors == 0)
		explain(ask, code, err->text);
	return code == HF_OK ? HF_EXIT_OK : HF_EXIT_FAILED;
}

static int print_schema(void)
{
	struct hf_err err;

	if (hf_config_schema(stdout, &err) == HF_OK)
		return HF_EXIT_OK;
	(void)fprintf(stderr, "holdfast: %s\n", err.text);
	return HF_EXIT_FAILED;
}

int hf_cli_config(int argc, char **argv)
{
	struct hf_err err = { 0 };
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("config"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	if (strcmp(words.form->name, "schema") == 0)
		return print_schema();
	if (strcmp(words.form->name, "example") == 0) {
		hf_config_example(stdout);
		return HF_EXIT_OK;
	}
	const struct ask ask = { .file = words.argument_count > 0 ? words.arguments[0]
								  : HF_CONFIG_PATH,
				 .json = hf_words_has(&words, "--json") };
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);
	HF_AUTO_FREE struct hf_config_report *report = malloc(sizeof *report);
	if (config == NULL || report == NULL) {
		(void)fputs("holdfast: out of memory\n", stderr);
		return HF_EXIT_FAILED;
	}
	enum hf_code code = hf_config_load(ask.file, config, report, &err);
	if (strcmp(words.form->name, "check") == 0 && code == HF_OK)
		code = check_policy(config, report, &err);
	if (strcmp(words.form->name, "check") == 0)
		return check(&ask, config, report, code, err.text);
	return show(&ask, config, report, code, &err);
}
