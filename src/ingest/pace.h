/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pace - when a frame of a recording is due, and whether it is wanted at all.
 *
 * Shape       Pure arithmetic. For each frame, in order: hf_pace_time() makes
 *             one rising clip time of the timestamps (which may be missing,
 *             jump, or start anew when the clip is looped), hf_pace_wanted()
 *             thins to the rate asked for, hf_pace_due() says when.
 *
 * Numbers     Microseconds; clip time starts at 0. A timestamp that steps back
 *             or jumps by more than HF_PACE_JUMP_US counts as one interval.
 *             A reader that is late by more than HF_PACE_LATE_US does not hurry
 *             after the clip: the rest of the clip moves back instead.
 */
#include "base/clock.h"

#define HF_PACE_JUMP_US  INT64_C(10000000)
#define HF_PACE_LATE_US  INT64_C(500000)
#define HF_PACE_NO_STAMP INT64_MIN

struct hf_pace {
	int64_t interval_us; /* of the recording, where a timestamp is missing */
	int64_t step_us;     /* between wanted frames; 0: every frame */
	bool started;
	bool timed;
	int64_t offset_us;
	int64_t last_us;
	int64_t wanted_us;
	struct hf_mono base;
};

/* fps_source 0: not known. fps_wanted 0: the source's own, at most fps_max. */
struct hf_pace hf_pace_begin(double fps_source, double fps_wanted, double fps_max);

/* HF_PACE_NO_STAMP: the frame has none. */
int64_t hf_pace_time(struct hf_pace *pace, int64_t stamp_us);
/* The next timestamp belongs to the clip's start again. */
void hf_pace_rewind(struct hf_pace *pace);
bool hf_pace_wanted(struct hf_pace *pace, int64_t time_us);
struct hf_mono hf_pace_due(struct hf_pace *pace, int64_t time_us, struct hf_mono now);
