/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include "base/auto.h"
#include "cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int hf_ask_open(const struct hf_words *words, const char *verb, struct hf_ask *ret_ask)
{
	const char *data = hf_words_value(words, "--data");
	const char *run = hf_words_value(words, "--run");

	*ret_ask = (struct hf_ask){ .data = data != NULL ? data : HF_DATA_PATH,
				    .json = hf_words_has(words, "--json") };
	int length = run != NULL
			     ? snprintf(ret_ask->run, sizeof ret_ask->run, "%s", run)
			     : snprintf(ret_ask->run, sizeof ret_ask->run, "%s/run", ret_ask->data);
	if (length < 0 || (size_t)length >= sizeof ret_ask->run)
		return hf_cli_usage(verb, "the folder's name is longer than a path may be");
	return HF_EXIT_OK;
}

int hf_ask_explain(const struct hf_ask *ask, enum hf_code code, const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfast: %s\n", err->text);
	if (code == HF_E_NOENT) {
		(void)fprintf(stderr,
			      "Start it: holdfastd --config " HF_CONFIG_PATH " --data %s\n"
			      "      or: systemctl start holdfast\n"
			      "A unit on another folder is asked with --data DIR.\n",
			      ask->data);
		return HF_EXIT_NOT_RUNNING;
	}
	if (code == HF_E_DENIED)
		(void)fputs("Only the unit's own user and group may ask: try sudo.\n", stderr);
	return code == HF_E_AGAIN || code == HF_E_CLOSED ? HF_EXIT_LATER : HF_EXIT_FAILED;
}

int hf_ask(const struct hf_ask *ask, const struct hf_question *question, uint32_t *ret_exit_code,
	   char **ret_text)
{
	struct hf_err err = { 0 };
	enum hf_code code = hf_control_ask(ask->run, question, HF_ASK_TIMEOUT_MS, ret_exit_code,
					   ret_text, &err);

	return code == HF_OK ? HF_EXIT_OK : hf_ask_explain(ask, code, &err);
}

int hf_ask_command(const struct hf_ask *ask, const struct hf_ctl_command *command)
{
	const struct hf_question question = { .type = HF_MSG_CTL_COMMAND,
					      .body = command,
					      .size_bytes = sizeof *command };
	HF_AUTO_FREE char *text = NULL;
	uint32_t exit_code = HF_EXIT_FAILED;
	int failed = hf_ask(ask, &question, &exit_code, &text);

	if (failed != HF_EXIT_OK)
		return failed;
	if (ask->json) {
		(void)puts(text);
		return (int)exit_code;
	}
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *error = json_string_value(json_object_get(root, "error"));
	const char *state = json_string_value(json_object_get(root, "state"));
	if (error != NULL)
		(void)fprintf(stderr, "holdfast: refused: %s\n", error);
	else
		(void)printf("done; the unit is %s\n", state != NULL ? state : "?");
	json_decref(root);
	return (int)exit_code;
}

bool hf_ask_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	char *end = NULL;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return true;
	}
	if (text[0] < '0' || text[0] > '9')
		return false;
	long long number = strtoll(text, &end, 10);
	for (size_t i = 0; i < HF_ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (number < 0 || number > HF_OPERATOR_FOR_MS_MAX / units[i].ms)
			return false;
		*ret_ms = number * units[i].ms;
		return true;
	}
	return false;
}
