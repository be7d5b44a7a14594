/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half a day in which nothing happens: what a calm unit has just told its policy, told to it again
 * and again, as the daemon does ten times a second. Whatever is asked for too early, or forgotten
 * too late, shows.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "cli/policy_trace.h"
#include "recover/machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	WATCHED_MS = 25000, /* two of the looks that a tile gets without motion */
	OVER_MS = 60000,    /* the simulation takes its time, too */
	TICK_MS = 100,
	NIGHT_MS = 12 * 3600 * 1000,
};

/* What the policy knew last. */
static bool read_input(struct drill *drill, struct hf_policy_trace *trace)
{
	char path[HF_PATH_BYTES + 64];
	char *line = NULL;
	size_t room = 0;
	struct hf_err err;

	(void)snprintf(path, sizeof path, "%s/trace.jsonl", drill->unit.run);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		drill_fail(drill, "open %s", path);
		return false;
	}
	for (ssize_t n = getline(&line, &room, file); n > 1; n = getline(&line, &room, file)) {
		bool taken;

		/* The last line may be half written. */
		if (line[n - 1] == '\n' &&
		    hf_policy_trace_line(trace, line, (size_t)n - 1, &taken, &err) != HF_OK)
			drill_fail(drill, "%s: %s", path, err.text);
	}
	free(line);
	(void)fclose(file);
	return drill_expect(drill, trace->begun, "%s says nothing", path);
}

static void grow_older(struct hf_policy_input *input, int64_t ms)
{
	input->now_ms += ms;
	input->uptime_ms += ms;
	input->outcome_count = 0;
	input->command.kind = HF_COMMAND_NONE;
	for (size_t s = 0; s < HF_SIGNAL_COUNT; s++)
		for (size_t i = 0; i < HF_CAMERAS_MAX; i++)
			if (!input->readings[s][i].known)
				input->readings[s][i].value += ms;
}

static void pass_the_night(struct drill *drill, struct hf_policy_input *input)
{
	HF_AUTO_FREE struct hf_policy_state *state = calloc(1, sizeof *state);
	HF_AUTO_FREE struct hf_policy_output *out = calloc(1, sizeof *out);
	int64_t begun_ms = input->now_ms, steps = 0;

	if (state == NULL || out == NULL) {
		drill_fail(drill, "out of memory");
		return;
	}
	hf_policy_state_fresh(state);
	while (input->now_ms < begun_ms + NIGHT_MS && drill->verdict == DRILL_OK) {
		grow_older(input, TICK_MS);
		/* Sabotaged, the camera is away from midnight on. */
		if (drill->options->sabotage && input->now_ms > begun_ms + NIGHT_MS / 2)
			input->readings[HF_SIGNAL_CAMERA_FRAME][0].value += TICK_MS;
		hf_policy_step(drill->policy, state, input, out);
		steps++;
		(void)drill_expect(drill, out->state == HF_STATE_HEALTHY && out->order_count == 0,
				   "after %" PRId64 " s of nothing it is %s",
				   (input->now_ms - begun_ms) / 1000, hf_state_name(out->state));
	}
	drill_measure(drill, "hours healthy without an event, at least", NIGHT_MS / 3600000,
		      (input->now_ms - begun_ms) / 3600000, "h");
	drill_fact(drill, DRILL_PROCESS, drill_now_ms(), "%" PRId64 " steps of the policy", steps);
}

void drill_quiet_night(struct drill *drill)
{
	const struct drill_wants wants = { 0 };
	HF_AUTO_FREE struct hf_policy_trace *trace = calloc(1, sizeof *trace);

	if (trace == NULL) {
		drill_fail(drill, "out of memory");
		return;
	}
	if (!drill_start(drill, &wants))
		return;
	drill->fault_ms = drill_now_ms();
	(void)snprintf(drill->done, sizeof drill->done,
		       "nothing, for %d s and then for 12 h in "
		       "simulation",
		       WATCHED_MS / 1000);
	drill_wait(drill, WATCHED_MS);
	if (read_input(drill, trace))
		pass_the_night(drill, &trace->input);
	drill_conclude(drill, "", OVER_MS);
	drill_expect_no_more_than(drill, "");
}
