/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "test.h"

#include <time.h>

TEST(a_wall_time_is_written_in_utc_with_milliseconds)
{
	char text[HF_WALL_TEXT_BYTES], day[HF_DAY_TEXT_BYTES];
	struct hf_wall wall = { .ms = INT64_C(1776651453123) };

	hf_wall_text(wall, text);
	hf_wall_day(wall, day);
	CHECK_TEXT(text, "2026-04-20T02:17:33.123Z");
	CHECK_TEXT(day, "2026-04-20");
}

TEST(times_no_calendar_has_are_clamped_and_never_overflow)
{
	char text[HF_WALL_TEXT_BYTES];

	hf_wall_text((struct hf_wall){ .ms = -1 }, text);
	CHECK_TEXT(text, "1970-01-01T00:00:00.000Z");
	hf_wall_text((struct hf_wall){ .ms = INT64_MAX }, text);
	CHECK_TEXT(text, "9999-12-31T23:59:59.999Z");
}

TEST(any_time_is_written_as_strftime_writes_it)
{
	const int64_t ms_max = INT64_C(253402300799999);
	uint64_t chance = 1;

	for (unsigned round = 0; round < 20000; round++) {
		struct hf_wall wall = { .ms = (int64_t)(chance % (uint64_t)ms_max) };
		time_t seconds = (time_t)(wall.ms / 1000);
		char text[HF_WALL_TEXT_BYTES], day[HF_DAY_TEXT_BYTES], wanted[64], wanted_day[64];
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		size_t length = strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%S", &tm);
		(void)snprintf(wanted + length, sizeof wanted - length, ".%03dZ",
			       (int)(wall.ms % 1000));
		CHECK_U64(strftime(wanted_day, sizeof wanted_day, "%Y-%m-%d", &tm), ==, 10);
		hf_wall_text(wall, text);
		hf_wall_day(wall, day);
		CHECK_TEXT(text, wanted);
		CHECK_TEXT(day, wanted_day);
		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	}
}

TEST(monotonic_time_does_not_go_back)
{
	struct hf_mono before = hf_mono_now(hf_clock_real());

	for (int i = 0; i < 1000; i++) {
		struct hf_mono now = hf_mono_now(hf_clock_real());

		CHECK(!hf_mono_before(now, before));
		before = now;
	}
}

TESTS(RUN(a_wall_time_is_written_in_utc_with_milliseconds),
      RUN(times_no_calendar_has_are_clamped_and_never_overflow),
      RUN(any_time_is_written_as_strftime_writes_it), RUN(monotonic_time_does_not_go_back))
