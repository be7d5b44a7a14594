/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast why - why the unit is in the state it is in, what was tried, and what comes next. */
#include "base/auto.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/why_render.h"

int hf_cli_why(int argc, char **argv)
{
	const struct hf_question question = { .type = HF_MSG_CTL_WHY };
	HF_AUTO_FREE char *text = NULL;
	uint32_t unit_exit = HF_EXIT_FAILED;
	struct hf_words words;
	struct hf_ask ask;
	struct hf_err err = { 0 };
	int exit_code = hf_command_parse(hf_command_find("why"), argc, argv, &words);

	if (exit_code == HF_EXIT_OK)
		exit_code = hf_ask_open(&words, "why", &ask);
	if (exit_code == HF_EXIT_OK)
		exit_code = hf_ask(&ask, &question, &unit_exit, &text);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	if (ask.json) {
		(void)puts(text);
		return (int)unit_exit;
	}
	enum hf_code code = hf_why_render(text, hf_cli_colour(stdout), stdout, &err);
	return code == HF_OK ? (int)unit_exit : hf_ask_explain(&ask, code, &err);
}
