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

/* The last digits of a number that is not negative, and what stands behind them. */
static char *put_digits(char *at, int value, unsigned count, char behind)
{
	for (unsigned i = count; i > 0; i--) {
		at[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	at[count] = behind;
	return at + count + 1;
}

static char *put_day(char *at, const struct tm *tm, char behind)
{
	at = put_digits(at, tm->tm_year + 1900, 4, '-');
	at = put_digits(at, tm->tm_mon + 1, 2, '-');
	return put_digits(at, tm->tm_mday, 2, behind);
}

/* By hand: each append to the outbox asks for the day, and printf was a fifth of it. */
void hf_wall_text(struct hf_wall wall, char ret_text[HF_WALL_TEXT_BYTES])
{
	int64_t ms;
	struct tm tm = utc_of(wall, &ms);
	char *at = put_day(ret_text, &tm, 'T');

	at = put_digits(at, tm.tm_hour, 2, ':');
	at = put_digits(at, tm.tm_min, 2, ':');
	at = put_digits(at, tm.tm_sec, 2, '.');
	at = put_digits(at, (int)ms, 3, 'Z');
	*at = '\0';
}

void hf_wall_day(struct hf_wall wall, char ret_text[HF_DAY_TEXT_BYTES])
{
	int64_t ms;
	struct tm tm = utc_of(wall, &ms);

	(void)put_day(ret_text, &tm, '\0');
}

const char *hf_clock_trust(void)
{
	struct timex state = { .modes = 0 };
	int answer = adjtimex(&state);

	if (answer < 0 || answer == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
		return "unsynced";
	return "synced";
}
