/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/view.h"

#include "test.h"

static int64_t tick(struct hf_view *view, int64_t at_ms, bool paused)
{
	return hf_view_tick(view, (struct hf_mono){ at_ms * 1000 }, paused);
}

TEST(time_between_ticks_is_seen_time)
{
	struct hf_view view = { 0 };

	for (int64_t ms = 5000; ms <= 8000; ms += 200)
		CHECK_I64(tick(&view, ms, false), ==, 0);
	CHECK_I64(view.seen_us, ==, 3000000);
	CHECK_I64(view.blind_us, ==, 0);
	/* A look at an earlier frame, and at one whose tick is still on its way. */
	CHECK_I64(hf_view_seen_us(&view, (struct hf_mono){ 7500000 }), ==, 2500000);
	CHECK_I64(hf_view_seen_us(&view, (struct hf_mono){ 8100000 }), ==, 3100000);
}

TEST(a_gap_is_blind_time)
{
	struct hf_view view = { 0 };

	(void)tick(&view, 5000, false);
	CHECK_I64(tick(&view, 7000, false), ==, 0);
	CHECK_I64(tick(&view, 9001, false), ==, 2001000);
	CHECK_I64(view.seen_us, ==, 2000000);
	CHECK_I64(view.blind_us, ==, 2001000);
}

TEST(a_pause_is_blind_from_its_first_tick_to_the_first_after_it)
{
	struct hf_view view = { 0 };

	(void)tick(&view, 5000, false);
	CHECK_I64(tick(&view, 5200, true), ==, 200000);
	CHECK_I64(tick(&view, 5400, true), ==, 200000);
	CHECK_I64(tick(&view, 5600, false), ==, 200000);
	CHECK_I64(tick(&view, 5800, false), ==, 0);
	CHECK_I64(view.blind_since.us, ==, 5200000);
	CHECK_I64(view.blind_us, ==, 600000);
	CHECK_I64(view.seen_us, ==, 200000);
}

TEST(what_was_seen_in_blind_time_is_known_as_such_after_it)
{
	struct hf_view view = { 0 };

	(void)tick(&view, 5000, false);
	CHECK(!hf_view_was_blind(&view, (struct hf_mono){ 5000000 }));
	(void)tick(&view, 5200, true);
	CHECK(!hf_view_was_blind(&view, (struct hf_mono){ 5000000 }));
	CHECK(hf_view_was_blind(&view, (struct hf_mono){ 5200000 }));
	CHECK(hf_view_was_blind(&view, (struct hf_mono){ 5400000 }));
	(void)tick(&view, 5400, false);
	CHECK(hf_view_was_blind(&view, (struct hf_mono){ 5300000 }));
	CHECK(!hf_view_was_blind(&view, (struct hf_mono){ 5400000 }));
}

TEST(a_tick_from_the_past_is_ignored)
{
	struct hf_view view = { 0 };

	(void)tick(&view, 5000, false);
	CHECK_I64(tick(&view, 4000, true), ==, 0);
	CHECK_I64(view.last.us, ==, 5000000);
	CHECK(!view.blind);
}

TESTS(RUN(time_between_ticks_is_seen_time), RUN(a_gap_is_blind_time),
      RUN(a_pause_is_blind_from_its_first_tick_to_the_first_after_it),
      RUN(what_was_seen_in_blind_time_is_known_as_such_after_it),
      RUN(a_tick_from_the_past_is_ignored))
