/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast status - how the unit is: asks the supervisor and shows its answer. */
#include "base/auto.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/status_render.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
	ANSWER_TIMEOUT_MS = 5000,
	WATCH_PERIOD_S = 1,
};

struct ask {
	const char *data;
	char run[PATH_MAX];
	bool json;
	bool watch;
};

/* What went wrong, and what to do; the exit code. */
static int explain(const struct ask *ask, enum hf_code code, const struct hf_err *err)
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

static int show_once(const struct ask *ask)
{
	HF_AUTO_FREE char *text = NULL;
	uint32_t exit_code = HF_EXIT_FAILED;
	struct hf_err err = { 0 };

	const struct hf_question question = { .type = HF_MSG_CTL_STATUS };
	enum hf_code code =
		hf_control_ask(ask->run, &question, ANSWER_TIMEOUT_MS, &exit_code, &text, &err);
	if (code != HF_OK)
		return explain(ask, code, &err);
	if (ask->json) {
		(void)puts(text);
		return (int)exit_code;
	}
	code = hf_status_render(text, hf_cli_colour(stdout), stdout, &err);
	if (code != HF_OK)
		return explain(ask, code, &err);
	return (int)exit_code;
}

static int watch(const struct ask *ask)
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
	const char *data = hf_words_value(&words, "--data");
	const char *run = hf_words_value(&words, "--run");
	struct ask ask = { .data = data != NULL ? data : HF_DATA_PATH,
			   .json = hf_words_has(&words, "--json"),
			   .watch = hf_words_has(&words, "--watch") };
	int length = run != NULL ? snprintf(ask.run, sizeof ask.run, "%s", run)
				 : snprintf(ask.run, sizeof ask.run, "%s/run", ask.data);
	if (length < 0 || (size_t)length >= sizeof ask.run)
		return hf_cli_usage("status", "the folder's name is longer than a path may be");
	return ask.watch ? watch(&ask) : show_once(&ask);
}
