/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * histogram - how long things took, in bounded memory.
 *
 * Shape       Log-linear: 16 steps to each power of two, so a quantile is at
 *             most 6.25 % above the true value. A plain struct: copy it, send
 *             it, add two of them.
 *
 * Numbers     Values are u64 in the caller's unit (microseconds here by
 *             custom); above 2^40 they count as 2^40.
 */
#include <stdint.h>

enum {
	HF_HISTOGRAM_STEP_BITS = 4,
	HF_HISTOGRAM_VALUE_BITS = 40,
	HF_HISTOGRAM_BUCKETS = (HF_HISTOGRAM_VALUE_BITS - HF_HISTOGRAM_STEP_BITS + 1)
			       << HF_HISTOGRAM_STEP_BITS,
};

struct hf_histogram {
	uint64_t count;
	uint64_t max;
	uint32_t buckets[HF_HISTOGRAM_BUCKETS];
};

void hf_histogram_add(struct hf_histogram *histogram, uint64_t value);

/* The upper edge of the bucket in which the share'th value lies; 0 when empty. 0 < share <= 1. */
uint64_t hf_histogram_quantile(const struct hf_histogram *histogram, double share);
