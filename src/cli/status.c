/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast status - how the unit is: asks the supervisor and shows its answer. */
#include "base/auto.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/status_render.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
	ANSWER_TIMEOUT_MS = 5000,
	WATCH_PERIOD_S = 1,
};

static const char usage[] =
	"usage: holdfast status [--data DIR] [--run DIR] [--json] [--watch]\n"
	"\n"
	"Asks the unit how it is: its state and why, its processes, cameras, outbox and link.\n"
	"\n"
	"  --data DIR  the unit's data folder (" HF_DATA_PATH ")\n"
	"  --run DIR   the folder of its control socket, when not DATA/run\n"
	"  --json      one line of JSON, as the unit says it\n"
	"  --watch     again every second, until interrupted\n"
	"\n"
	"Exit codes: 0 healthy, 3 not running, 4 any other state, 75 no answer in time.\n";

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

	enum hf_code code = hf_control_ask(ask->run, HF_MSG_CTL_STATUS, ANSWER_TIMEOUT_MS,
					   &exit_code, &text, &err);
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
	struct ask ask = { .data = HF_DATA_PATH };
	const char *run = NULL;

	for (int i = 1; i < argc; i++) {
		const bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			(void)fputs(usage, stdout);
			return HF_EXIT_OK;
		}
		if (strcmp(argv[i], "--json") == 0)
			ask.json = true;
		else if (strcmp(argv[i], "--watch") == 0)
			ask.watch = true;
		else if (strcmp(argv[i], "--data") == 0 && has_value)
			ask.data = argv[++i];
		else if (strcmp(argv[i], "--run") == 0 && has_value)
			run = argv[++i];
		else if (strcmp(argv[i], "--data") == 0 || strcmp(argv[i], "--run") == 0)
			return hf_cli_usage("status", "%s needs a folder after it", argv[i]);
		else
			return hf_cli_usage("status", "status does not take %s", argv[i]);
	}
	int length = run != NULL ? snprintf(ask.run, sizeof ask.run, "%s", run)
				 : snprintf(ask.run, sizeof ask.run, "%s/run", ask.data);
	if (length < 0 || (size_t)length >= sizeof ask.run)
		return hf_cli_usage("status", "the folder's name is too long");
	return ask.watch ? watch(&ask) : show_once(&ask);
}
