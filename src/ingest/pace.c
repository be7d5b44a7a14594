/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/pace.h"

static const double fps_unknown = 25;
static const int64_t slack_us = 2000; /* timestamps are often rounded to milliseconds */

struct hf_pace hf_pace_begin(double fps_source, double fps_wanted, double fps_max)
{
	double own = fps_source > 0 ? fps_source : fps_unknown;
	double wanted = fps_wanted > 0 ? fps_wanted : own < fps_max ? own : fps_max;
	struct hf_pace pace = { .interval_us = (int64_t)(1e6 / own) };

	/* At the recording's own rate, or above it, nothing is left out. */
	if (wanted < own * 0.999)
		pace.step_us = (int64_t)(1e6 / wanted);
	return pace;
}

int64_t hf_pace_time(struct hf_pace *pace, int64_t stamp_us)
{
	int64_t next_us = pace->started ? pace->last_us + pace->interval_us : 0;
	int64_t time_us = next_us;

	if (stamp_us != HF_PACE_NO_STAMP) {
		time_us = stamp_us + pace->offset_us;
		if (!pace->timed || time_us <= pace->last_us ||
		    time_us > pace->last_us + HF_PACE_JUMP_US) {
			pace->offset_us = next_us - stamp_us;
			time_us = next_us;
		}
		pace->timed = true;
	}
	pace->started = true;
	pace->last_us = time_us;
	return time_us;
}

void hf_pace_rewind(struct hf_pace *pace)
{
	pace->timed = false;
}

bool hf_pace_wanted(struct hf_pace *pace, int64_t time_us)
{
	if (pace->step_us == 0)
		return true;
	if (time_us + slack_us < pace->wanted_us)
		return false;
	pace->wanted_us += pace->step_us;
	if (pace->wanted_us <= time_us)
		pace->wanted_us = time_us + pace->step_us;
	return true;
}

struct hf_mono hf_pace_due(struct hf_pace *pace, int64_t time_us, struct hf_mono now)
{
	struct hf_mono due = { .us = pace->base.us + time_us };

	if (pace->base.us == 0 || hf_mono_diff_us(now, due) > HF_PACE_LATE_US) {
		pace->base.us = now.us - time_us;
		due = now;
	}
	return due;
}
