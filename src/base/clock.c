/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <sys/timex.h>
#include <time.h>

static struct hf_mono real_mono(const struct hf_clock *clock)
{
	(void)clock;
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct hf_mono){ .us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 };
}

static struct hf_wall real_wall(const struct hf_clock *clock)
{
	(void)clock;
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (struct hf_wall){ .ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

static struct tm utc_of(struct hf_wall wall, int64_t *ret_ms)
{
	const int64_t year_9999_end_ms = INT64_C(253402300799999);
	int64_t ms = wall.ms < 0 ? 0 : wall.ms > year_9999_end_ms ? year_9999_end_ms : wall.ms;
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm = { 0 };

	(void)gmtime_r(&seconds, &tm);
	*ret_ms = ms % 1000;
	return tm;
}

const struct hf_clock *hf_clock_real(void)
{
	static const struct hf_clock real = { .mono = real_mono, .wall = real_wall };

	return &real;
}

void hf_wall_text(struct hf_wall wall, char ret_text[HF_WALL_TEXT_BYTES])
{
	int64_t ms;
	struct tm tm = utc_of(wall, &ms);
	char text[64];

	(void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
	(void)snprintf(ret_text, HF_WALL_TEXT_BYTES, "%.*s", HF_WALL_TEXT_BYTES - 1, text);
}

void hf_wall_day(struct hf_wall wall, char ret_text[HF_DAY_TEXT_BYTES])
{
	char text[HF_WALL_TEXT_BYTES];

	hf_wall_text(wall, text);
	(void)snprintf(ret_text, HF_DAY_TEXT_BYTES, "%.10s", text);
}

const char *hf_clock_trust(void)
{
	struct timex state = { .modes = 0 };
	int answer = adjtimex(&state);

	if (answer < 0 || answer == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
		return "unsynced";
	return "synced";
}
