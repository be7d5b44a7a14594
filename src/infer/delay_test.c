/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/delay.h"

#include "test.h"

static struct hf_delay delay;

static int clear(void **state)
{
	(void)state;
	delay = (struct hf_delay){ 0 };
	return 0;
}

static struct hf_mono at_ms(int64_t ms)
{
	return (struct hf_mono){ .us = 1000000000 + ms * 1000 };
}

static void look(int64_t captured_ms, int64_t took_ms)
{
	hf_delay_work(&delay, at_ms(captured_ms));
	hf_delay_result(&delay, at_ms(captured_ms), at_ms(captured_ms + took_ms));
}

static int64_t p99_ms(int64_t now_ms)
{
	uint64_t us;

	CHECK(hf_delay_p99_us(&delay, at_ms(now_ms), &us));
	return (int64_t)us / 1000;
}

TEST(without_work_nothing_is_late)
{
	CHECK_I64(p99_ms(0), ==, 0);
	CHECK_I64(p99_ms(3600000), ==, 0);
}

TEST(work_without_a_result_is_not_known_after_ten_seconds)
{
	uint64_t us;

	for (int64_t t = 0; t < 10000; t += 100)
		hf_delay_work(&delay, at_ms(t));
	CHECK_I64(p99_ms(9999), ==, 0);
	CHECK(!hf_delay_p99_us(&delay, at_ms(10000), &us));
	hf_delay_result(&delay, at_ms(9900), at_ms(10100));
	CHECK_I64(p99_ms(10100), ==, 200);
}

TEST(work_that_is_no_longer_given_is_forgotten)
{
	uint64_t us;

	for (int64_t t = 0; t < 20000; t += 100)
		hf_delay_work(&delay, at_ms(t));
	CHECK(!hf_delay_p99_us(&delay, at_ms(20000), &us));
	CHECK_I64(p99_ms(31000), ==, 0);
}

TEST(few_results_count_as_far_back_as_a_hundred_of_them)
{
	for (int64_t i = 0; i < 100; i++)
		look(i * 150, i < 2 ? 900 : 100);
	CHECK_I64(p99_ms(15000), ==, 900); /* two of a hundred */
	look(15000, 100);
	CHECK_I64(p99_ms(15200), ==, 100); /* one of a hundred */
}

/* A quiet night: a look each 5 s. Severe latency is answered after 10, 30 and 60 s: what has passed
 * must be over by the second. */
TEST(where_little_moves_one_late_result_proves_nothing_and_two_are_forgotten_in_20_s)
{
	for (int64_t i = 0; i < 60; i++)
		look(i * 5000, 100);
	look(300000, 4000);
	CHECK_I64(p99_ms(304000), ==, 100);
	look(305000, 4000);
	CHECK_I64(p99_ms(309000), ==, 4000);
	look(310000, 100);
	look(315000, 100);
	CHECK_I64(p99_ms(323900), ==, 4000);
	CHECK_I64(p99_ms(324000), ==, 100);
}

TEST(many_results_count_for_ten_seconds)
{
	for (int64_t i = 0; i < 500; i++)
		look(i * 10, i % 20 == 0 ? 900 : 50);
	CHECK_I64(p99_ms(6000), >=, 900);
	CHECK_I64(p99_ms(6000), <=, 960);
	for (int64_t i = 0; i < 1200; i++)
		look(6000 + i * 10, 50);
	CHECK_I64(p99_ms(18100), <=, 54);
}

TEST(results_of_more_than_twenty_seconds_ago_are_forgotten)
{
	look(0, 5000);
	CHECK_I64(p99_ms(24900), ==, 5000);
	CHECK_I64(p99_ms(25000), ==, 0);
}

#define RUN_CLEARED(name) cmocka_unit_test_setup(name, clear)

TESTS(RUN_CLEARED(without_work_nothing_is_late),
      RUN_CLEARED(work_without_a_result_is_not_known_after_ten_seconds),
      RUN_CLEARED(work_that_is_no_longer_given_is_forgotten),
      RUN_CLEARED(few_results_count_as_far_back_as_a_hundred_of_them),
      RUN_CLEARED(where_little_moves_one_late_result_proves_nothing_and_two_are_forgotten_in_20_s),
      RUN_CLEARED(many_results_count_for_ten_seconds),
      RUN_CLEARED(results_of_more_than_twenty_seconds_ago_are_forgotten))
