/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * delay - how long results take from the picture that they are about, of late.
 *
 * Shape       The 99th percentile over the last 10 s, or over the last 100 results where those
 *             reach further back, to 20 s at most: where little moves, a late result would
 *             otherwise count for minutes. A plain struct, zero to begin with.
 *
 * Numbers     10 s in steps of one: 10 to 11 s. By a histogram at most 6.25 % too much; of 100
 *             results or fewer exactly the second worst: a single one that was late proves
 *             nothing, a device that is too slow is late each time. The time given never goes
 *             back.
 *
 * Errors      Not known: for 10 s work was given and nothing came of it. Nothing given and nothing
 *             there of the last 20 s is 0: who has nothing to do is not late.
 */
#include "base/clock.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_DELAY_STEPS = 11,
	HF_DELAY_LAST = 100,
};

struct hf_delay {
	int64_t newest; /* step */
	struct hf_histogram steps[HF_DELAY_STEPS];
	uint64_t last_us[HF_DELAY_LAST];
	struct hf_mono last_at[HF_DELAY_LAST];
	uint64_t results;
	struct hf_mono work_at;
	struct hf_mono waiting_since; /* 0: nothing was given since the last result */
};

/* Work was given. */
void hf_delay_work(struct hf_delay *delay, struct hf_mono now);
/* It came to a result. */
void hf_delay_result(struct hf_delay *delay, struct hf_mono captured, struct hf_mono now);

/* False: not known. */
bool hf_delay_p99_us(const struct hf_delay *delay, struct hf_mono now, uint64_t *ret_us);
