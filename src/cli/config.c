/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast config - check, show or begin a configuration file. */
#include "boot/config.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: holdfast config check [FILE] [--json]\n"
	"       holdfast config show [FILE] [--json]\n"
	"       holdfast config example\n"
	"\n"
	"  check    finds every mistake, with line and column; exit code 1 when there is one\n"
	"  show     the settings in effect, and where each comes from; passwords are hidden\n"
	"  example  prints a file to begin with: every setting, its default, range and meaning\n"
	"\n"
	"FILE is " HF_CONFIG_PATH " unless another is named.\n";

enum {
	JSON_BYTES = 64 * 1024,
};

struct ask {
	const char *file;
	bool json;
};

static int check_json(const struct hf_config_report *report, bool good, const char *failure)
{
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);
	struct hf_err err;

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, JSON_BYTES);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "config", report->path);
	hf_json_put_bool(&json, "ok", good);
	hf_json_put_u64(&json, "errors", report->errors);
	hf_json_put_u64(&json, "warnings", report->warnings);
	hf_json_put_text(&json, "failure", failure);
	hf_json_key(&json, "messages");
	hf_json_array_open(&json);
	for (uint32_t i = 0; i < report->message_count; i++) {
		const struct hf_config_message *message = &report->messages[i];

		hf_json_object_open(&json);
		hf_json_put_u64(&json, "line", message->place.line);
		hf_json_put_u64(&json, "column", message->place.column);
		hf_json_put_text(&json, "level", message->warning ? "warning" : "error");
		hf_json_put_text(&json, "text", message->text);
		hf_json_object_close(&json);
	}
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		return HF_EXIT_FAILED;
	}
	(void)puts(text);
	return good ? HF_EXIT_OK : HF_EXIT_FAILED;
}

static int check(const struct ask *ask, const struct hf_config *config,
		 const struct hf_config_report *report, enum hf_code code, const char *failure)
{
	if (ask->json)
		return check_json(report, code == HF_OK,
				  code == HF_OK || report->errors > 0 ? NULL : failure);
	hf_config_report_print(report, stderr);
	if (code != HF_OK && report->errors == 0)
		(void)fprintf(stderr, "holdfast: %s\n", failure);
	else if (code != HF_OK)
		(void)fprintf(stderr, "%u mistake%s; nothing was changed\n", report->errors,
			      report->errors == 1 ? "" : "s");
	else
		(void)fprintf(stderr, "%s: good: %u source%s, %u camera%s, %u zone%s, %s\n",
			      report->path, config->source_count,
			      config->source_count == 1 ? "" : "s", config->camera_count,
			      config->camera_count == 1 ? "" : "s", config->zone_count,
			      config->zone_count == 1 ? "" : "s",
			      config->hub_url[0] != '\0' ? config->hub_url : "no hub");
	return code == HF_OK ? HF_EXIT_OK : HF_EXIT_FAILED;
}

static int show(const struct ask *ask, const struct hf_config *config,
		struct hf_config_report *report, enum hf_code code, struct hf_err *err)
{
	hf_config_report_print(report, stderr);
	if (code == HF_OK && ask->json)
		code = hf_config_show_json(config, report, stdout, err);
	else if (code == HF_OK)
		hf_config_show(config, report, stdout);
	if (code != HF_OK && report->errors == 0)
		(void)fprintf(stderr, "holdfast: %s\n", err->text);
	return code == HF_OK ? HF_EXIT_OK : HF_EXIT_FAILED;
}

/* HF_EXIT_OK, or the exit code of a mistake. */
static int parse_arguments(int argc, char **argv, struct ask *ret_ask)
{
	*ret_ask = (struct ask){ 0 };
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ret_ask->json = true;
		else if (argv[i][0] == '-' && argv[i][1] != '\0')
			return hf_cli_usage("config", "there is no option %s", argv[i]);
		else if (ret_ask->file != NULL)
			return hf_cli_usage("config", "one file at a time, not also %s", argv[i]);
		else
			ret_ask->file = argv[i];
	}
	if (ret_ask->file == NULL)
		ret_ask->file = HF_CONFIG_PATH;
	return HF_EXIT_OK;
}

static int unknown(const char *what)
{
	const char *best = NULL;

	hf_suggest_consider(what, "check", &best);
	hf_suggest_consider(what, "show", &best);
	hf_suggest_consider(what, "example", &best);
	if (best != NULL)
		return hf_cli_usage("config", "config %s? did you mean \"config %s\"?", what, best);
	return hf_cli_usage("config", "config takes check, show or example, not %s", what);
}

int hf_cli_config(int argc, char **argv)
{
	struct hf_err err = { 0 };
	struct ask ask;

	if (argc < 2)
		return hf_cli_usage("config", "config what? check, show or example");
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			(void)fputs(usage, stdout);
			return HF_EXIT_OK;
		}
	bool is_check = strcmp(argv[1], "check") == 0, is_show = strcmp(argv[1], "show") == 0;
	if (strcmp(argv[1], "example") == 0) {
		if (argc > 2)
			return hf_cli_usage("config", "config example takes no arguments");
		hf_config_example(stdout);
		return HF_EXIT_OK;
	}
	if (!is_check && !is_show)
		return unknown(argv[1]);
	int exit_code = parse_arguments(argc, argv, &ask);
	if (exit_code != HF_EXIT_OK)
		return exit_code;

	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);
	HF_AUTO_FREE struct hf_config_report *report = malloc(sizeof *report);
	if (config == NULL || report == NULL) {
		(void)fputs("holdfast: out of memory\n", stderr);
		return HF_EXIT_FAILED;
	}
	enum hf_code code = hf_config_load(ask.file, config, report, &err);
	if (is_check)
		return check(&ask, config, report, code, err.text);
	return show(&ask, config, report, code, &err);
}
