/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * watch - what a detector has to tell of itself: how often something failed of late, and whether
 * it sees the world as it used to.
 *
 * Shape       hf_recent counts over a sliding window of 10 minutes. hf_drift compares the best
 *             scores of late with those of the beginning. Plain structs, zero to begin with.
 *
 * Numbers     hf_recent: in steps of 10 s, so what it counts is at most 610 s old. The time given
 *             never goes back.
 *
 *             hf_drift: the best score of each tile in which there was something, in 32 bins. The
 *             first 1000 are the baseline. Of those behind it, the last 500 to 1000 (the count
 *             of each bin is halved whenever they are 1000, so old ones fade). The distance is
 *             the greatest difference of the two cumulative shares, in permille: 0, the same;
 *             1000, all scores on different sides of some score. It is not known before 300 are
 *             there to compare.
 *
 * Limits      Were the scores independent, equal ones would come out under 130 in 999 of 1000
 *             cases. They are not: the same people are looked at again and again. So it is a
 *             sign, for a policy that waits minutes, and not a proof.
 *
 * Source      The two-sample statistic of Kolmogorov (1933) and Smirnov (1939).
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_RECENT_STEPS = 61, /* 10 minutes of whole steps, and the one that goes on */
	HF_DRIFT_BINS = 32,
	HF_DRIFT_BASELINE = 1000,
	HF_DRIFT_RECENT_MAX = 1000,
	HF_DRIFT_RECENT_MIN = 300,
};

struct hf_recent {
	int64_t newest; /* step */
	uint32_t counts[HF_RECENT_STEPS];
};

void hf_recent_add(struct hf_recent *recent, struct hf_mono now);
/* Within the 10 minutes before now. */
uint32_t hf_recent_count(const struct hf_recent *recent, struct hf_mono now);

struct hf_drift {
	uint32_t baseline_count, recent_count;
	uint32_t baseline[HF_DRIFT_BINS], recent[HF_DRIFT_BINS];
};

void hf_drift_add(struct hf_drift *drift, float score);
/* False: not known yet. */
bool hf_drift_permille(const struct hf_drift *drift, int64_t *ret_permille);
