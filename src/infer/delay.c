/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/delay.h"

#include <stdlib.h>
#include <string.h>

enum {
	STEP_US = 1000 * 1000,
	WAIT_US = 10 * 1000 * 1000,
	LAST_US = 20 * 1000 * 1000,
};

static const double share = 0.99;

void hf_delay_work(struct hf_delay *delay, struct hf_mono now)
{
	delay->work_at = now;
	if (delay->waiting_since.us == 0)
		delay->waiting_since = now;
}

void hf_delay_result(struct hf_delay *delay, struct hf_mono captured, struct hf_mono now)
{
	int64_t step = now.us / STEP_US, passed = step - delay->newest;
	int64_t took_us = hf_mono_diff_us(now, captured);
	uint64_t us = took_us > 0 ? (uint64_t)took_us : 0;

	for (int64_t i = 0; i < passed && i < HF_DELAY_STEPS; i++)
		delay->steps[(step - i) % HF_DELAY_STEPS] = (struct hf_histogram){ 0 };
	delay->newest = step;
	hf_histogram_add(&delay->steps[step % HF_DELAY_STEPS], us);
	delay->last_us[delay->results % HF_DELAY_LAST] = us;
	delay->last_at[delay->results++ % HF_DELAY_LAST] = now;
	delay->waiting_since = (struct hf_mono){ 0 };
}

static void join(const struct hf_delay *delay, struct hf_mono now, struct hf_histogram *ret_joined)
{
	int64_t oldest = now.us / STEP_US - (HF_DELAY_STEPS - 1);

	*ret_joined = (struct hf_histogram){ 0 };
	for (int64_t i = 0; i < HF_DELAY_STEPS && delay->newest - i >= oldest; i++) {
		if (delay->newest - i < 0)
			return;
		const struct hf_histogram *step =
			&delay->steps[(delay->newest - i) % HF_DELAY_STEPS];

		ret_joined->count += step->count;
		ret_joined->max = step->max > ret_joined->max ? step->max : ret_joined->max;
		for (size_t b = 0; b < HF_HISTOGRAM_BUCKETS; b++)
			ret_joined->buckets[b] += step->buckets[b];
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* 0: there are none. */
static uint64_t p99_of_last(const struct hf_delay *delay, struct hf_mono now)
{
	uint64_t sorted[HF_DELAY_LAST];
	size_t kept = delay->results < HF_DELAY_LAST ? (size_t)delay->results : HF_DELAY_LAST;
	size_t count = 0;

	for (size_t i = 0; i < kept; i++)
		if (hf_mono_diff_us(now, delay->last_at[i]) < LAST_US)
			sorted[count++] = delay->last_us[i];
	if (count == 0)
		return 0;
	qsort(sorted, count, sizeof sorted[0], compare);
	return sorted[count >= 2 ? count - 2 : 0];
}

bool hf_delay_p99_us(const struct hf_delay *delay, struct hf_mono now, uint64_t *ret_us)
{
	struct hf_histogram joined;
	bool work = delay->work_at.us != 0 && hf_mono_diff_us(now, delay->work_at) < WAIT_US;

	if (work && delay->waiting_since.us != 0 &&
	    hf_mono_diff_us(now, delay->waiting_since) >= WAIT_US)
		return false;
	join(delay, now, &joined);
	*ret_us = joined.count > HF_DELAY_LAST ? hf_histogram_quantile(&joined, share)
					       : p99_of_last(delay, now);
	return true;
}
