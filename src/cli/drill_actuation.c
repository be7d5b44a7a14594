/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output: whoever lets it be on is stopped, or takes that back, and it is off within half a
 * second. Judged by the command that the unit calls, which writes down what it was told.
 */
#include "cli/drill.h"

#include "base/auto.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OFF_MS = 500,
	ON_MS = 180000, /* somebody has to come into a zone again */
	WAIT_MS = 3000,
	STEP_US = 2000,

	LINE_BYTES = 64,
};

static void path_of(const struct drill *drill, const char *name, char ret_path[HF_PATH_BYTES + 32])
{
	(void)snprintf(ret_path, HF_PATH_BYTES + 32, "%s/%s", drill->unit.folder, name);
}

bool drill_make_switch(struct drill *drill)
{
	char path[HF_PATH_BYTES + 32];

	path_of(drill, "switch", path);
	FILE *file = fopen(path, "we");
	bool ok = file != NULL && fprintf(file, "#!/bin/sh\necho \"$1\" >> '%s/switched'\n",
					  drill->unit.folder) > 0;
	ok = file != NULL && fclose(file) == 0 && ok;
	if (ok && chmod(path, 0755) == 0)
		return true;
	drill_fail(drill, "write %s: %s", path, strerror(errno));
	return false;
}

/* What it was told last. */
static bool is_on(const struct drill *drill)
{
	char path[HF_PATH_BYTES + 32], line[LINE_BYTES];
	bool on = false;

	path_of(drill, "switched", path);
	FILE *file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		on = strcmp(line, "on\n") == 0;
	if (file != NULL)
		(void)fclose(file);
	return on;
}

static bool await_on(struct drill *drill)
{
	int64_t end_ms = drill_now_ms() + ON_MS;

	while (!is_on(drill) && drill_now_ms() < end_ms && !drill_interrupted())
		drill_wait(drill, 50);
	return drill_expect(drill, is_on(drill),
			    "the output was not switched on within %d s: does somebody come into "
			    "a zone in this clip?",
			    ON_MS / 1000);
}

static void expect_off(struct drill *drill, int64_t from_ms, const char *what)
{
	while (is_on(drill) && drill_now_ms() < from_ms + WAIT_MS)
		(void)usleep(STEP_US);
	int64_t took_ms = drill_now_ms() - from_ms;
	bool off = !is_on(drill);

	(void)drill_expect(drill, off, "the output is still on");
	drill_measure(drill, what, OFF_MS, off ? took_ms : -1, "ms");
	if (off)
		drill_fact(drill, DRILL_ACTION, drill_now_ms(), "output off");
}

void drill_actuation(struct drill *drill)
{
	const struct drill_wants wants = { .actuation = true };

	if (drill->options->clip == NULL) {
		drill_skip(drill, "needs people: --clip FILE, a screen of 2x2 with some");
		return;
	}
	if (!drill_start(drill, &wants) || !await_on(drill))
		return;
	int64_t from_ms = drill_now_ms();
	bool injected = drill_inject(drill, "SIGSTOP to holdfastd while the output is on");
	if (injected)
		(void)kill(drill->unit.pid, SIGSTOP);
	expect_off(drill, from_ms, "supervisor stopped to output off");
	(void)usleep(1000 * 1000);
	(void)drill_expect(drill, !is_on(drill) || !injected,
			   "the output was switched on without a supervisor");
	(void)kill(drill->unit.pid, SIGCONT);
	(void)drill_expect(drill,
			   drill_await(drill, drill->fault_ms, WAIT_MS * 2, "actuation_off", "why",
				       "lease", NULL, NULL) != NULL,
			   "no event says that the lease ran out");
	if (drill->verdict != DRILL_OK || !await_on(drill))
		return;
	from_ms = drill_now_ms();
	if (drill_inject(drill, "safe mode while it is on"))
		(void)drill_command(drill, HF_OPERATOR_SAFE_ENTER, "drill: off with it");
	expect_off(drill, from_ms, "safe mode entered to output off");
	(void)drill_command(drill, HF_OPERATOR_SAFE_CLEAR, "drill: it is over");
	drill_conclude(drill, "degraded recovering healthy safe_mode", ON_MS * 2);
	drill_expect_no_more_than(drill, "shed safe_mode");
}
