/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/pace.h"

#include "test.h"

static const int64_t second_us = 1000000;

/* How many of a recording's frames are wanted in ten seconds. */
static unsigned wanted_in_10_s(double fps_source, double fps_wanted)
{
	struct hf_pace pace = hf_pace_begin(fps_source, fps_wanted, 15);
	unsigned wanted = 0;

	for (int i = 0; i < (int)(10 * fps_source); i++)
		wanted +=
			hf_pace_wanted(&pace, hf_pace_time(&pace, (int64_t)(i * 1e6 / fps_source)));
	return wanted;
}

TEST(the_rate_is_the_sources_own_but_at_most_fifteen_unless_more_is_asked_for)
{
	CHECK_U64(wanted_in_10_s(5, 0), ==, 50);
	CHECK_U64(wanted_in_10_s(15, 0), ==, 150);
	CHECK_U64(wanted_in_10_s(25, 0), ==, 150);
	CHECK_U64(wanted_in_10_s(30, 5), ==, 50);
	CHECK_U64(wanted_in_10_s(30, 60), ==, 300);
	CHECK_U64(wanted_in_10_s(29.97, 15), >=, 149);
}

TEST(time_rises_through_missing_and_jumping_timestamps_and_through_loops)
{
	struct hf_pace pace = hf_pace_begin(10, 0, 15);

	CHECK_I64(hf_pace_time(&pace, 7 * second_us), ==, 0); /* clips seldom begin at 0 */
	CHECK_I64(hf_pace_time(&pace, 7 * second_us + 100000), ==, 100000);
	CHECK_I64(hf_pace_time(&pace, HF_PACE_NO_STAMP), ==, 200000);
	CHECK_I64(hf_pace_time(&pace, 3 * second_us), ==, 300000);
	CHECK_I64(hf_pace_time(&pace, 3 * second_us + 100000), ==, 400000);
	CHECK_I64(hf_pace_time(&pace, 99 * second_us), ==, 500000);
	hf_pace_rewind(&pace);
	CHECK_I64(hf_pace_time(&pace, 7 * second_us), ==, 600000);
	CHECK_I64(hf_pace_time(&pace, 7 * second_us + 100000), ==, 700000);
}

TEST(frames_are_due_as_far_apart_as_they_were_taken)
{
	struct hf_pace pace = hf_pace_begin(10, 0, 15);
	struct hf_mono now = { .us = 50 * second_us };

	CHECK_I64(hf_pace_due(&pace, 0, now).us, ==, now.us);
	CHECK_I64(hf_pace_due(&pace, 100000, now).us, ==, now.us + 100000);
	/* A little late: no drift. */
	struct hf_mono late = { .us = now.us + 250000 };
	CHECK_I64(hf_pace_due(&pace, 200000, late).us, ==, now.us + 200000);
}

TEST(a_reader_that_was_stopped_does_not_hurry_after_the_clip)
{
	struct hf_pace pace = hf_pace_begin(10, 0, 15);
	struct hf_mono later = { .us = 90 * second_us };

	(void)hf_pace_due(&pace, 0, (struct hf_mono){ .us = 50 * second_us });
	CHECK_I64(hf_pace_due(&pace, 100000, later).us, ==, later.us);
	CHECK_I64(hf_pace_due(&pace, 200000, later).us, ==, later.us + 100000);
}

TESTS(RUN(the_rate_is_the_sources_own_but_at_most_fifteen_unless_more_is_asked_for),
      RUN(time_rises_through_missing_and_jumping_timestamps_and_through_loops),
      RUN(frames_are_due_as_far_apart_as_they_were_taken),
      RUN(a_reader_that_was_stopped_does_not_hurry_after_the_clip))
