/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output: whoever lets it be on is stopped, or takes that back, and it is off within half a
 * second; and so it is when results turn out to be wrong. Judged by the command that the unit calls,
 * which writes down what it was told.
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
	PROVEN_MS = 60000, /* by the known picture, while there is work */
	LOOK_MS = 5000,    /* the next one, where people are */
	HELD_S = 300,      /* longer than it takes to notice */
	SERVING_MS = 3000,
	CLEARED_MS = 240000,

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

static bool start_on(struct drill *drill, const struct drill_wants *wants)
{
	if (drill->options->clip == NULL) {
		drill_skip(drill, "needs people: --clip FILE, a screen of 2x2 with some");
		return false;
	}
	return drill_start(drill, wants) && await_on(drill);
}

void drill_actuation(struct drill *drill)
{
	const struct drill_wants wants = { .actuation = true };

	if (!start_on(drill, &wants))
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

/* ---- wrong results ---- */

static const struct integrity {
	const char *what;
	enum drill_damage damage;
	const char *reason;
	int64_t notice_ms;
	const char *actions;
} integrities[] = {
	{ "sign bits of weights of infer.0 go over in memory", DRILL_DAMAGE_SIGN, "results_wrong",
	  PROVEN_MS + 2000, "restart_group" },
	{ "weights of infer.0 become no numbers in memory", DRILL_DAMAGE_NAN, "not_a_number",
	  LOOK_MS, "fallback_model" },
};

/* When it was off; 0: it is still on. Nothing else is looked at meanwhile: it is about moments. */
static int64_t await_off(int64_t timeout_ms, const struct drill *drill)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	while (is_on(drill) && drill_now_ms() < end_ms && !drill_interrupted())
		(void)usleep(STEP_US);
	return is_on(drill) ? 0 : drill_now_ms();
}

/* Right again after the restart, and nothing is decided until an operator has looked. */
static void clear_wrong(struct drill *drill)
{
	bool verified = drill_await(drill, drill->fault_ms, CLEARED_MS, "action_verified", "action",
				    "restart_group", NULL, NULL) != NULL;

	(void)drill_expect(drill, verified, "those that see were not started anew, or to no avail");
	(void)drill_expect(drill, !is_on(drill), "it was on before an operator had looked");
	if (drill->verdict != DRILL_OK)
		return;
	drill_fact(drill, DRILL_ACTION, drill_now_ms(), "an operator has looked");
	(void)drill_command(drill, HF_OPERATOR_ACK, "drill: it is over");
	(void)await_on(drill);
}

/* The other network is read from the disk, and looks; values that are no numbers are remembered for
 * ten minutes, and for so long nothing is decided. */
static void expect_smaller(struct drill *drill)
{
	const struct drill_event *first = drill_await(
		drill, drill->fault_ms, LOOK_MS, "model_changed", "worker", "infer.0", NULL, NULL);
	const struct drill_event *chosen = drill_find(drill, drill->fault_ms, "mode_engaged",
						      "action", "fallback_model", NULL, NULL);

	(void)drill_expect(drill, first != NULL && chosen != NULL,
			   "no event says that infer.0 looks with the smaller network");
	drill_measure(drill, "fallback chosen to its first result", SERVING_MS,
		      first != NULL && chosen != NULL ? first->mono_ms - chosen->mono_ms : -1,
		      "ms");
	drill_wait(drill, LOOK_MS);
	(void)drill_expect(drill, !is_on(drill), "it is on again");
}

/* Bits go over in the memory of a detector, whose files are what they were. */
void drill_integrity(struct drill *drill)
{
	const struct integrity *fault = &integrities[drill->kind->argument];
	const struct drill_wants wants = { .actuation = true, .on_s = HELD_S };
	const bool latched = fault->damage == DRILL_DAMAGE_SIGN;

	if (!start_on(drill, &wants))
		return;
	HF_AUTO_FREE struct drill_weights *weights = drill_find_weights(drill);
	pid_t pid = drill_pid_of(drill, HF_ROLE_INFER, 0);
	if (weights == NULL)
		return;
	bool injected = drill_inject(drill, "%s, while the output is on", fault->what);
	if (injected && !drill_damage_weights(drill, weights, pid, fault->damage))
		return;
	int64_t off_ms = await_off(injected ? fault->notice_ms + WAIT_MS : WAIT_MS, drill);
	const struct drill_event *noticed =
		drill_await(drill, drill->fault_ms, WAIT_MS, "reason_entered", "reason",
			    fault->reason, NULL, NULL);

	if (!drill_expect(drill, noticed != NULL, "no event says %s", fault->reason) ||
	    !drill_expect(drill, off_ms != 0, "the output is still on"))
		return;
	drill_fact(drill, DRILL_ACTION, off_ms, "output off");
	drill_measure(drill, "integrity fault noticed", fault->notice_ms,
		      noticed->mono_ms - drill->fault_ms, "ms");
	drill_measure(drill, "integrity fault noticed to output off", OFF_MS,
		      off_ms - noticed->mono_ms, "ms");
	drill_measure(drill, "integrity fault to output off", fault->notice_ms + OFF_MS,
		      off_ms - drill->fault_ms, "ms");
	if (latched)
		clear_wrong(drill);
	else
		expect_smaller(drill);
	drill_conclude_as(drill, latched ? "healthy" : "degraded", "degraded recovering healthy",
			  CLEARED_MS);
	drill_expect_no_more_than(drill, fault->actions);
}
