/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast status - how the unit is: asks the supervisor and shows its answer. */
#include "base/auto.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/status_render.h"

#include <string.h>
#include <unistd.h>

enum {
	WATCH_PERIOD_S = 1,
};

static int show_once(const struct hf_ask *ask)
{
	const struct hf_question question = { .type = HF_MSG_CTL_STATUS };
	HF_AUTO_FREE char *text = NULL;
	uint32_t exit_code = HF_EXIT_FAILED;
	struct hf_err err = { 0 };
	int failed = hf_ask(ask, &question, &exit_code, &text);

	if (failed != HF_EXIT_OK)
		return failed;
	if (ask->json) {
		(void)puts(text);
		return (int)exit_code;
	}
	enum hf_code code = hf_status_render(text, hf_cli_colour(stdout), stdout, &err);
	return code == HF_OK ? (int)exit_code : hf_ask_explain(ask, code, &err);
}

static int watch(const struct hf_ask *ask)
{
	const bool terminal = isatty(STDOUT_FILENO) == 1 && !ask->json;

	for (;;) {
		/* Home and clear: the page stays where it is instead of scrolling by. */
		if (terminal)
			(void)fputs("\033[H\033[2J", stdout);
		int exit_code = show_once(ask);
		if (!terminal && !ask->json)
			(void)putchar('\n');
		/* Whoever read us is gone, or the disk behind us is full. */
		if (fflush(stdout) != 0)
			return exit_code;
		(void)sleep(WATCH_PERIOD_S);
	}
}

int hf_cli_status(int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("status"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	struct hf_ask ask;

	exit_code = hf_ask_open(&words, "status", &ask);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	return hf_words_has(&words, "--watch") ? watch(&ask) : show_once(&ask);
}
