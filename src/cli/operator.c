/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast hold, maintenance, safe, ack - what an operator wants of a running unit. One file:
 * each is a question with other words in it.
 */
#include "base/auto.h"
#include "cli/ask.h"
#include "cli/cli.h"

#include <string.h>

/* False: it does not fit. */
static bool copy(char *ret_text, size_t size_bytes, const char *text)
{
	if (text == NULL)
		return true;
	return (size_t)snprintf(ret_text, size_bytes, "%s", text) < size_bytes;
}

static int begin(const char *verb, int argc, char **argv, struct hf_words *ret_words,
		 struct hf_ask *ret_ask, struct hf_ctl_command *ret_command)
{
	int exit_code = hf_command_parse(hf_command_find(verb), argc, argv, ret_words);

	if (exit_code == HF_EXIT_OK)
		exit_code = hf_ask_open(ret_words, verb, ret_ask);
	memset(ret_command, 0, sizeof *ret_command);
	if (exit_code == HF_EXIT_OK &&
	    !copy(ret_command->why, sizeof ret_command->why, hf_words_value(ret_words, "--reason")))
		exit_code = hf_cli_usage(verb, "--reason: at most 255 bytes are kept");
	return exit_code;
}

static int take_duration(const char *verb, const struct hf_words *words,
			 struct hf_ctl_command *command)
{
	const char *text = hf_words_value(words, "--for");

	if (text == NULL)
		return hf_cli_usage(verb, "say for how long: --for 30m; --for 0 ends it");
	if (!hf_ask_duration(text, &command->for_ms))
		return hf_cli_usage(verb, "--for takes 90s, 30m, 1h or 7d, a week at most");
	return HF_EXIT_OK;
}

int hf_cli_hold(int argc, char **argv)
{
	struct hf_words words;
	struct hf_ask ask;
	struct hf_ctl_command command;
	int exit_code = begin("hold", argc, argv, &words, &ask, &command);

	if (exit_code == HF_EXIT_OK)
		exit_code = take_duration("hold", &words, &command);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	command.verb = HF_OPERATOR_HOLD;
	if (!copy(command.action, sizeof command.action, words.arguments[0]))
		return hf_cli_usage("hold", "there is no action with so long a name");
	return hf_ask_command(&ask, &command);
}

int hf_cli_maintenance(int argc, char **argv)
{
	struct hf_words words;
	struct hf_ask ask;
	struct hf_ctl_command command;
	int exit_code = begin("maintenance", argc, argv, &words, &ask, &command);

	if (exit_code == HF_EXIT_OK)
		exit_code = take_duration("maintenance", &words, &command);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	command.verb = HF_OPERATOR_MAINTENANCE;
	return hf_ask_command(&ask, &command);
}

int hf_cli_safe(int argc, char **argv)
{
	struct hf_words words;
	struct hf_ask ask;
	struct hf_ctl_command command;
	int exit_code = begin("safe", argc, argv, &words, &ask, &command);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	command.verb = strcmp(words.form->name, "enter") == 0 ? HF_OPERATOR_SAFE_ENTER
							      : HF_OPERATOR_SAFE_CLEAR;
	if (command.why[0] == '\0')
		return hf_cli_usage("safe", "say why: --reason TEXT");
	return hf_ask_command(&ask, &command);
}

int hf_cli_ack(int argc, char **argv)
{
	struct hf_words words;
	struct hf_ask ask;
	struct hf_ctl_command command;
	int exit_code = begin("ack", argc, argv, &words, &ask, &command);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	command.verb = HF_OPERATOR_ACK;
	if (words.argument_count > 0 &&
	    !copy(command.reason, sizeof command.reason, words.arguments[0]))
		return hf_cli_usage("ack", "there is no reason with so long a name");
	return hf_ask_command(&ask, &command);
}
