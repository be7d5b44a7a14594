/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * vigil - when a worker is silent for too long. Pure functions: no clock, no I/O.
 *
 * Shape       hf_vigil(): from what a worker's pulse page says, NULL (let it live)
 *             or why it is overdue, a literal for the log.
 *
 * Numbers     The first beat may take HF_FIRST_BEAT_MS: a cold disk is slow to load
 *             a program. READY may take HF_READY_MS: more than keeper may need for
 *             the lock and a worn card, or infer for a model. Nobody may announce
 *             to be busy for longer than HF_BUSY_MS_MAX.
 *
 * Limits      Who watches must have been awake: silence counts only from `awake`,
 *             when the watcher itself last came back from a pause. What a stopped
 *             machine did not do is no fault of its workers.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	HF_FIRST_BEAT_MS = 15000,
	HF_READY_MS = 120000,
	HF_BUSY_MS_MAX = 120000,
	HF_ASLEEP_MS = 1000, /* between two looks of the watcher: longer is a pause */
	HF_STUCK_MS = 5000,  /* after SIGKILL: longer is a process that cannot die */
};

struct hf_vigil {
	struct hf_mono started;
	bool ready;
	struct hf_mono beat;       /* 0: none yet */
	struct hf_mono busy_until; /* 0: not busy */
	struct hf_mono awake;
	int64_t heartbeat_ms;
};

const char *hf_vigil(const struct hf_vigil *vigil, struct hf_mono now);

/* When the watcher that looked last at `looked` and looks again now has been awake from. */
struct hf_mono hf_vigil_awake(struct hf_mono awake, struct hf_mono looked, struct hf_mono now);
