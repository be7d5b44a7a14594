/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * schedule - the hours of a week in which something applies.
 *
 * Shape       Text, as people write it:
 *               schedule = window *("," window)
 *               window   = [days " "] HH:MM-HH:MM
 *               days     = day ["-" day] *("," day ["-" day])
 *               day      = mon tue wed thu fri sat sun
 *             e.g. "mon-fri 18:00-07:00, sat-sun 00:00-24:00", "22:00-06:00"
 *             (every day), "mon,wed 08:00-12:00". Blanks are free around a
 *             comma, case does not count, fri-mon goes over the weekend.
 *             Either every window names its days or none does: in
 *             "mon-fri 06:00-08:00, 18:00-20:00" one reader sees five evenings,
 *             another seven, so it is refused.
 *
 * Numbers     A window holds from its start up to but not including its end,
 *             in minutes of the wall clock. An end at or before the start is
 *             on the next day, 24:00 is the end of the day; the window belongs
 *             to the day on which it starts: "fri 22:00-06:00" reaches into
 *             Saturday. An empty text is no schedule: it always holds.
 *
 * Errors      HF_E_INVALID: what, at which character of the text, and what to
 *             write instead.
 *
 * Limits      HF_SCHEDULE_WINDOWS_MAX windows: as many as fit into a setting.
 */
#include "base/err.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_SCHEDULE_DAYS = 7,
	HF_SCHEDULE_DAY_MIN = 24 * 60,
	HF_SCHEDULE_WINDOWS_MAX = HF_SCHEDULE_BYTES / 12, /* "00:00-12:00," */
};

#define HF_SCHEDULE_EXAMPLE "mon-fri 18:00-07:00, sat-sun 00:00-24:00"

struct hf_schedule_window {
	uint8_t days; /* a bit a day on which it starts, Monday lowest */
	uint16_t start_min;
	uint16_t end_min; /* above HF_SCHEDULE_DAY_MIN: on the next day */
};

struct hf_schedule {
	uint32_t window_count; /* 0: always */
	struct hf_schedule_window windows[HF_SCHEDULE_WINDOWS_MAX];
};

enum hf_code hf_schedule_parse(const char *text, struct hf_schedule *ret_schedule,
			       struct hf_err *err) HF_MUST_CHECK;

/* weekday: 0 is Monday; minute of that day, 0 to 1439. */
bool hf_schedule_holds(const struct hf_schedule *schedule, unsigned weekday, unsigned minute);
