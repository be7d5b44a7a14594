/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * readings - what is known of the unit at this moment, from all who look.
 *
 * Shape       Workers report samples of what is theirs to see (who may say what
 *             stands in readings.c); the machine below is looked at here; what
 *             the supervisor knows of its workers is filled in by its caller.
 *
 * Numbers     A report is good for HF_READINGS_FRESH_MS. Then, as before the
 *             first, its value is unknown, and for how long is counted. Counts
 *             of several detectors are added, of all else the worst is taken.
 *
 * Errors      readings_take(): HF_E_DENIED, HF_E_INVALID for a sample that is not
 *             this worker's or names what there is not; it condemns its sender.
 *             What cannot be looked at is unknown.
 *
 * Owners      One supervisor, single-threaded.
 */
#include "recover/machine.h"
#include "shape/config.h"
#include "wire/proto.h"

enum {
	HF_READINGS_FRESH_MS = 3000,
};

struct seen {
	bool known;
	int64_t value;
	struct hf_mono at; /* 0: never */
};

struct readings {
	struct hf_mono started;
	struct seen unit[HF_INFER_WORKERS_MAX + 1][HF_SIGNAL_COUNT]; /* by detector; others last */
	struct seen source[HF_SOURCES_MAX][HF_SIGNAL_COUNT];
	struct seen camera[HF_CAMERAS_MAX][HF_SIGNAL_COUNT];
	/* The machine, looked at once a second. */
	struct hf_mono looked;
	struct seen machine[HF_SIGNAL_COUNT];
	int64_t wall_less_mono_ms; /* 0: not looked yet */
	int64_t clock_step_ms;
	struct hf_mono clock_stepped;
};

void readings_open(struct readings *readings, struct hf_mono now);

/* What a worker says it sees. */
enum hf_code readings_take(struct readings *readings, const struct hf_config *config,
			   enum hf_role role, uint32_t index, const struct hf_signals *signals,
			   struct hf_mono now, struct hf_err *err) HF_MUST_CHECK;

/* root: "" but in tests. Once a second is enough; the clock is looked at each time. */
void readings_look(struct readings *readings, const char *root, const char *data_path,
		   const struct hf_clock *clock);

/* Into the policy's input: everything but what is of workers. */
void readings_fill(const struct readings *readings, const struct hf_config *config,
		   struct hf_mono now, struct hf_policy_input *input);
