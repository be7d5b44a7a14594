/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "test.h"

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
      RUN(monotonic_time_does_not_go_back))
