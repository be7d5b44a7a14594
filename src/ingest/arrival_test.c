/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/arrival.h"

#include "test.h"

static const int64_t start_us = 1000000000;

static struct hf_mono at(int64_t us)
{
	return (struct hf_mono){ .us = start_us + us };
}

TEST(frames_that_shake_on_their_way_are_evenly_spaced)
{
	struct hf_arrival arrival = { 0 };
	int64_t last_us = 0;
	bool late;

	for (int64_t i = 0; i < 500; i++) {
		int64_t delay_us = i == 0 ? 0 : i * 7919 % 30000;
		struct hf_mono time =
			hf_arrival_time(&arrival, i * 40000, at(i * 40000 + delay_us), &late);

		CHECK(!late);
		CHECK_I64(time.us, <=, at(i * 40000 + delay_us).us);
		if (i > 0) {
			CHECK_I64(time.us - last_us, >=, 35000);
			CHECK_I64(time.us - last_us, <=, 45000);
		}
		last_us = time.us;
	}
	CHECK_U64(arrival.doubts, ==, 0);
}

TEST(without_timestamps_arrival_counts)
{
	struct hf_arrival arrival = { 0 };
	bool late;

	CHECK_I64(hf_arrival_time(&arrival, HF_ARRIVAL_NO_STAMP, at(5), &late).us, ==, at(5).us);
	CHECK_I64(hf_arrival_time(&arrival, HF_ARRIVAL_NO_STAMP, at(90), &late).us, ==, at(90).us);
	/* Two in one moment. */
	CHECK_I64(hf_arrival_time(&arrival, HF_ARRIVAL_NO_STAMP, at(90), &late).us, ==, at(91).us);
	CHECK(!late);
}

TEST(what_a_stall_held_back_is_late_and_what_follows_is_not)
{
	struct hf_arrival arrival = { 0 };
	bool late;

	for (int64_t i = 0; i < 50; i++)
		(void)hf_arrival_time(&arrival, i * 40000, at(i * 40000), &late);
	/* Four seconds of silence; then 100 frames at once. */
	unsigned late_count = 0;
	for (int64_t i = 50; i < 150; i++) {
		struct hf_mono time =
			hf_arrival_time(&arrival, i * 40000, at(6000000 + i * 100), &late);

		late_count += late;
		CHECK_I64(time.us, <=, at(i * 40000 + 10000).us);
	}
	CHECK_U64(late_count, >=, 80);
	CHECK_U64(late_count, <, 100);
	for (int64_t i = 150; i < 200; i++) {
		(void)hf_arrival_time(&arrival, i * 40000, at(i * 40000 + 20000), &late);
		CHECK(!late);
	}
	CHECK_U64(arrival.doubts, ==, 0);
}

TEST(a_delay_that_stays_is_taken_for_good)
{
	struct hf_arrival arrival = { 0 };
	unsigned late_count = 0;
	bool late = true;

	for (int64_t i = 0; i < 50; i++)
		(void)hf_arrival_time(&arrival, i * 40000, at(i * 40000), &late);
	for (int64_t i = 50; i < 500; i++) {
		(void)hf_arrival_time(&arrival, i * 40000, at(i * 40000 + 3000000), &late);
		late_count += late;
	}
	CHECK(!late);
	CHECK_U64(late_count, <=, 52);
}

/* Every kind of nonsense: time rises, is never after arrival, and frames are not left out for
 * ever. */
TEST(absurd_timestamps_cost_their_smoothness_only)
{
	static const enum {
		BACK,
		JUMP,
		WRAP,
		FAST,
		SLOW,
		STILL,
		EXTREME,
		KINDS
	} kinds = KINDS;

	for (int kind = BACK; kind < (int)kinds; kind++) {
		struct hf_arrival arrival = { 0 };
		unsigned late_count = 0;
		int64_t last_us = 0;

		for (int64_t i = 0; i < 1000; i++) {
			int64_t stamp_us = i * 40000;
			bool late;

			switch (kind) {
			case BACK:
				stamp_us = i % 50 * 40000;
				break;
			case JUMP:
				stamp_us += i / 100 * 3600000000;
				break;
			case WRAP:
				stamp_us = (stamp_us + 47000000000) % 47721858844;
				break;
			case FAST:
				stamp_us *= 9;
				break;
			case SLOW:
				stamp_us /= 9;
				break;
			case STILL:
				stamp_us = 7;
				break;
			case EXTREME:
				stamp_us = i % 2 != 0 ? INT64_MAX : INT64_MIN + 1;
				break;
			}
			struct hf_mono time =
				hf_arrival_time(&arrival, stamp_us, at(i * 40000), &late);
			CHECK_I64(time.us, >, last_us);
			CHECK_I64(time.us, <=, at(i * 40000).us + 1000);
			CHECK_I64(time.us, >=, at(i * 40000 - 2600000).us);
			last_us = time.us;
			late_count += late;
		}
		CHECK_U64(late_count, <=, 160);
	}
}

TESTS(RUN(frames_that_shake_on_their_way_are_evenly_spaced), RUN(without_timestamps_arrival_counts),
      RUN(what_a_stall_held_back_is_late_and_what_follows_is_not),
      RUN(a_delay_that_stays_is_taken_for_good), RUN(absurd_timestamps_cost_their_smoothness_only))
