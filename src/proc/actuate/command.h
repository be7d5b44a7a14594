/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * command - the operator's program that switches the output.
 *
 * Shape       PROGRAM on|off, one at a time, in a process group of its own. No
 *             shell. Its environment is PATH, HOLDFAST_OUTPUT, HOLDFAST_CAMERA,
 *             HOLDFAST_ZONE, HOLDFAST_EVENT and nothing else; it has /dev/null to
 *             read from, and its words go to the log.
 *
 * Numbers     One that has not ended after COMMAND_MS_MAX is killed, with what it
 *             started, and has failed.
 *
 * Owners      A new one kills the one before. It dies with this process: an "on"
 *             that is slow must not come after the next process's "off".
 */
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
	COMMAND_MS_MAX = 2000,
};

struct command {
	pid_t pid; /* 0: none runs */
	struct hf_mono deadline;
};

/* Of the event that it is for; empty where there is none. */
struct command_about {
	const char *camera, *zone, *event_class;
};

enum hf_code command_start(struct command *command, const char *path, bool on,
			   const struct command_about *about, struct hf_mono now,
			   struct hf_err *err) HF_MUST_CHECK;
/* HF_E_AGAIN: it still runs, or none does. HF_OK: it ended well. HF_E_IO: it did not; err says how. */
enum hf_code command_look(struct command *command, struct hf_mono now,
			  struct hf_err *err) HF_MUST_CHECK;
void command_kill(struct command *command);
