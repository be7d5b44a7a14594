/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/arrival.h"

static const int64_t drift_divisor = 1000;
static const int64_t stamp_us_max = INT64_MAX / 8; /* sums of these do not overflow */

static void anchor(struct hf_arrival *arrival, int64_t stamp_us, struct hf_mono arrived)
{
	arrival->base_us = arrived.us - stamp_us;
	arrival->late_since = (struct hf_mono){ 0 };
}

/* The time by the timestamps. */
static struct hf_mono by_stamp(struct hf_arrival *arrival, int64_t stamp_us, struct hf_mono arrived,
			       bool *ret_late)
{
	int64_t since_us = hf_mono_diff_us(arrived, arrival->arrived);
	int64_t step_us = stamp_us - arrival->stamp_us;

	if (!arrival->begun) {
		arrival->begun = true;
		anchor(arrival, stamp_us, arrived);
	} else if (step_us < 0 || step_us > since_us + HF_ARRIVAL_JUMP_US) {
		arrival->doubts++;
		anchor(arrival, stamp_us, arrived);
	} else {
		arrival->base_us += since_us / drift_divisor;
	}
	struct hf_mono time = { .us = arrival->base_us + stamp_us };
	if (hf_mono_before(arrived, time)) {
		anchor(arrival, stamp_us, arrived);
		time = arrived;
	}
	*ret_late = hf_mono_diff_us(arrived, time) > HF_ARRIVAL_LATE_US;
	if (!*ret_late) {
		arrival->late_since = (struct hf_mono){ 0 };
		return time;
	}
	if (arrival->late_since.us == 0)
		arrival->late_since = arrived;
	if (hf_mono_diff_us(arrived, arrival->late_since) <= HF_ARRIVAL_PATIENCE_US)
		return time;
	arrival->doubts++;
	anchor(arrival, stamp_us, arrived);
	*ret_late = false;
	return arrived;
}

struct hf_mono hf_arrival_time(struct hf_arrival *arrival, int64_t stamp_us, struct hf_mono arrived,
			       bool *ret_late)
{
	struct hf_mono time = arrived;

	*ret_late = false;
	if (arrival->doubts < HF_ARRIVAL_DOUBTS_MAX && stamp_us >= -stamp_us_max &&
	    stamp_us <= stamp_us_max) {
		time = by_stamp(arrival, stamp_us, arrived, ret_late);
		arrival->stamp_us = stamp_us;
		arrival->arrived = arrived;
	}
	if (!hf_mono_before(arrival->last, time))
		time.us = arrival->last.us + 1;
	arrival->last = time;
	return time;
}
