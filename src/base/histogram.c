/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "base/assert.h"

#include <math.h>

static const uint64_t steps = UINT64_C(1) << HF_HISTOGRAM_STEP_BITS;

/* Values below 16 have a bucket each; above, the exponent picks a row of 16. */
static uint64_t bucket_of(uint64_t value)
{
	if (value < steps)
		return value;
	unsigned exponent = 63U - (unsigned)__builtin_clzll(value);
	unsigned shift = exponent - HF_HISTOGRAM_STEP_BITS;

	return ((uint64_t)(shift + 1) << HF_HISTOGRAM_STEP_BITS) + ((value >> shift) - steps);
}

static uint64_t upper_edge_of(uint64_t bucket)
{
	if (bucket < steps)
		return bucket;
	uint64_t shift = (bucket >> HF_HISTOGRAM_STEP_BITS) - 1;

	return ((steps + (bucket & (steps - 1)) + 1) << shift) - 1;
}

void hf_histogram_add(struct hf_histogram *histogram, uint64_t value)
{
	const uint64_t value_max = (UINT64_C(1) << HF_HISTOGRAM_VALUE_BITS) - 1;

	if (value > value_max)
		value = value_max;
	uint64_t bucket = bucket_of(value);

	HF_ASSERT(bucket < HF_HISTOGRAM_BUCKETS);
	histogram->buckets[bucket]++;
	histogram->count++;
	if (value > histogram->max)
		histogram->max = value;
}

uint64_t hf_histogram_quantile(const struct hf_histogram *histogram, double share)
{
	HF_ASSERT(share > 0 && share <= 1);
	if (histogram->count == 0)
		return 0;

	uint64_t rank = (uint64_t)ceil(share * (double)histogram->count);
	uint64_t seen = 0;
	for (uint64_t i = 0; i < HF_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank) {
			uint64_t edge = upper_edge_of(i);

			return edge < histogram->max ? edge : histogram->max;
		}
	}
	return histogram->max;
}
