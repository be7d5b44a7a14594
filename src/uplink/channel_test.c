/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/channel.h"

#include "base/auto.h"

#include <string.h>

#include "test.h"

static const struct hf_mono start = { .us = 1000000 };
static const struct hf_channel_batch batch = { .first_seq = 11, .last_seq = 20, .line_count = 10 };

static uint64_t zero_next(const struct hf_random *random)
{
	(void)random;
	return 0;
}

/* Every wait is the shortest possible: 5, 10, 20, ... seconds. */
static const struct hf_random lowest = { .next = zero_next };

static struct hf_channel fresh(void)
{
	struct hf_channel channel;
	struct hf_retry retry;

	hf_retry_init(&retry, 5000, 300000);
	hf_channel_init(&channel, &retry, 10, 100, start);
	return channel;
}

static unsigned answered(struct hf_channel *channel, enum hf_verdict verdict, uint64_t seq)
{
	struct hf_answer answer = { .verdict = verdict, .text = "because" };

	if (verdict == HF_VERDICT_DELIVERED)
		answer.acked_through = seq;
	else
		answer.seq = seq;
	return hf_channel_answered(channel, &answer, &batch, start, &lowest);
}

static int64_t wait_ms(const struct hf_channel *channel)
{
	return hf_retry_remaining_ms(&channel->retry, start);
}

TEST(only_a_delivery_moves_the_cursor)
{
	static const enum hf_verdict others[] = { HF_VERDICT_RETRY, HF_VERDICT_BLOCKED,
						  HF_VERDICT_REJECTED, HF_VERDICT_TOO_LARGE,
						  HF_VERDICT_CONFLICT };
	struct hf_channel channel = fresh();

	for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
		(void)answered(&channel, others[i], 15);
		CHECK_U64(channel.acked_through, ==, 10);
		CHECK_TEXT(channel.last_error, "because");
	}
	(void)answered(&channel, HF_VERDICT_DELIVERED, 20);
	CHECK_U64(channel.acked_through, ==, 20);
	CHECK_TEXT(channel.last_error, "");
}

TEST(a_partial_delivery_goes_on_at_once)
{
	struct hf_channel channel = fresh();

	(void)answered(&channel, HF_VERDICT_DELIVERED, 14);
	CHECK_U64(channel.acked_through, ==, 14);
	CHECK_I64(wait_ms(&channel), ==, 0);
}

TEST(a_delivery_of_nothing_waits)
{
	struct hf_channel channel = fresh();

	(void)answered(&channel, HF_VERDICT_DELIVERED, 10);
	CHECK_U64(channel.acked_through, ==, 10);
	CHECK_I64(wait_ms(&channel), ==, 5000);
	CHECK(channel.last_error[0] != '\0');
}

TEST(each_failure_waits_longer_and_a_delivery_ends_it)
{
	static const int64_t waits[] = { 5000, 10000, 20000, 40000 };
	struct hf_channel channel = fresh();

	for (size_t i = 0; i < HF_ARRAY_LEN(waits); i++) {
		(void)answered(&channel, HF_VERDICT_RETRY, 0);
		CHECK_I64(wait_ms(&channel), ==, waits[i]);
	}
	(void)answered(&channel, HF_VERDICT_DELIVERED, 20);
	CHECK_I64(wait_ms(&channel), ==, 0);
	CHECK_U64(channel.retry.attempts, ==, 0);
}

TEST(the_way_going_down_and_up_is_told_once)
{
	struct hf_channel channel = fresh();
	struct hf_answer good = { .verdict = HF_VERDICT_DELIVERED, .acked_through = 20 };

	CHECK_U64(answered(&channel, HF_VERDICT_RETRY, 0), ==, HF_NEWS_LINK_DOWN);
	CHECK_U64(answered(&channel, HF_VERDICT_RETRY, 0), ==, 0);
	CHECK_U64(answered(&channel, HF_VERDICT_RETRY, 0), ==, 0);
	CHECK_U64(
		hf_channel_answered(&channel, &good, &batch, hf_mono_add_ms(start, 4321), &lowest),
		==, HF_NEWS_LINK_UP);
	CHECK_I64(channel.down_ms, ==, 4321);
	channel.acked_through = 10;
	CHECK_U64(answered(&channel, HF_VERDICT_DELIVERED, 20), ==, 0);
}

TEST(a_first_success_is_no_news)
{
	struct hf_channel channel = fresh();

	CHECK_U64(answered(&channel, HF_VERDICT_DELIVERED, 20), ==, 0);
	CHECK_U64(channel.way, ==, HF_WAY_UP);
}

TEST(an_outage_that_outlived_the_process_is_told_only_when_it_ends)
{
	struct hf_channel channel;
	struct hf_retry retry;

	hf_retry_init(&retry, 5000, 300000);
	hf_retry_failed(&retry, start, &lowest, 0);
	hf_channel_init(&channel, &retry, 10, 100, start);
	CHECK_U64(channel.way, ==, HF_WAY_DOWN);
	CHECK_U64(answered(&channel, HF_VERDICT_RETRY, 0), ==, 0);
	CHECK_U64(answered(&channel, HF_VERDICT_DELIVERED, 20), ==, HF_NEWS_LINK_UP);
}

TEST(a_busy_hub_is_not_a_link_that_is_down)
{
	struct hf_channel channel = fresh();
	struct hf_answer busy = {
		.verdict = HF_VERDICT_RETRY, .busy = true, .retry_after_ms = 60000, .text = "503"
	};

	CHECK_U64(hf_channel_answered(&channel, &busy, &batch, start, &lowest), ==, 0);
	CHECK_U64(channel.way, ==, HF_WAY_UNKNOWN);
	CHECK_I64(wait_ms(&channel), ==, 60000);
}

TEST(a_block_is_told_once_and_ends_with_a_delivery_only)
{
	struct hf_channel channel = fresh();

	CHECK_U64(answered(&channel, HF_VERDICT_BLOCKED, 0), ==, HF_NEWS_BLOCKED);
	CHECK_U64(answered(&channel, HF_VERDICT_BLOCKED, 0), ==, 0);
	CHECK_U64(answered(&channel, HF_VERDICT_CONFLICT, 0), ==, 0);
	CHECK_U64(answered(&channel, HF_VERDICT_RETRY, 0), ==, HF_NEWS_LINK_DOWN);
	CHECK(channel.blocked);
	CHECK_U64(answered(&channel, HF_VERDICT_DELIVERED, 20), ==,
		  HF_NEWS_LINK_UP | HF_NEWS_UNBLOCKED);
	CHECK(!channel.blocked);
}

TEST(a_failure_before_anything_was_sent_says_nothing_of_the_way)
{
	static const enum hf_verdict verdicts[] = { HF_VERDICT_BLOCKED, HF_VERDICT_RETRY };

	for (size_t i = 0; i < HF_ARRAY_LEN(verdicts); i++) {
		struct hf_channel channel = fresh();
		struct hf_answer local = { .verdict = verdicts[i], .local = true, .text = "token" };

		(void)hf_channel_answered(&channel, &local, &batch, start, &lowest);
		CHECK_U64(channel.way, ==, HF_WAY_UNKNOWN);
		CHECK_I64(wait_ms(&channel), ==, 5000);
	}
}

TEST(a_conflict_blocks_under_its_own_name)
{
	struct hf_channel channel = fresh();

	CHECK_U64(answered(&channel, HF_VERDICT_CONFLICT, 14), ==, HF_NEWS_CONFLICT);
	CHECK(channel.blocked);
	CHECK_I64(wait_ms(&channel), ==, 5000);
}

TEST(too_large_halves_without_a_wait_and_success_doubles)
{
	struct hf_channel channel = fresh();

	CHECK_U64(answered(&channel, HF_VERDICT_TOO_LARGE, 0), ==, 0);
	CHECK_U64(channel.lines_now, ==, 5);
	CHECK_I64(wait_ms(&channel), ==, 0);
	CHECK(hf_channel_takes(&channel, 11, 4));
	CHECK(!hf_channel_takes(&channel, 11, 5));
	for (int i = 0; i < 6; i++) {
		channel.acked_through = 10;
		(void)answered(&channel, HF_VERDICT_DELIVERED, 20);
	}
	CHECK_U64(channel.lines_now, ==, 100);
}

TEST(one_line_that_is_too_large_is_not_dropped)
{
	struct hf_channel channel = fresh();
	struct hf_answer answer = { .verdict = HF_VERDICT_TOO_LARGE, .text = "413" };
	struct hf_channel_batch one = { .first_seq = 11, .last_seq = 11, .line_count = 1 };

	CHECK_U64(hf_channel_answered(&channel, &answer, &one, start, &lowest), ==,
		  HF_NEWS_BLOCKED);
	CHECK_U64(channel.acked_through, ==, 10);
	CHECK_U64(channel.lines_now, >=, 1);
	CHECK_I64(wait_ms(&channel), ==, 5000);
}

TEST(lines_before_a_refused_one_go_first)
{
	struct hf_channel channel = fresh();

	(void)answered(&channel, HF_VERDICT_REJECTED, 14);
	CHECK_I64(wait_ms(&channel), ==, 0);
	CHECK(!hf_channel_refuses(&channel, 11));
	CHECK(hf_channel_takes(&channel, 13, 2));
	CHECK(!hf_channel_takes(&channel, 14, 3));
	CHECK(!hf_channel_takes(&channel, 15, 3));
	(void)answered(&channel, HF_VERDICT_DELIVERED, 13);
	CHECK(hf_channel_refuses(&channel, 14));
	hf_channel_pass(&channel, 14);
	CHECK_U64(channel.acked_through, ==, 14);
	CHECK(!hf_channel_refuses(&channel, 15));
	CHECK(hf_channel_takes(&channel, 15, 0));
}

TEST(a_hub_that_refuses_everything_is_asked_ever_more_slowly)
{
	static const int64_t waits[] = { 0, 5000, 10000, 20000 };
	struct hf_channel channel = fresh();

	for (size_t i = 0; i < HF_ARRAY_LEN(waits); i++) {
		(void)answered(&channel, HF_VERDICT_REJECTED, 11);
		CHECK_I64(wait_ms(&channel), ==, waits[i]);
		hf_channel_pass(&channel, 11);
		channel.acked_through = 10;
	}
}

TEST(a_refused_line_that_is_gone_does_not_stop_the_others)
{
	struct hf_channel channel = fresh();

	(void)answered(&channel, HF_VERDICT_REJECTED, 11);
	CHECK(!hf_channel_refuses(&channel, 12));
	CHECK(hf_channel_takes(&channel, 12, 0));
	CHECK(hf_channel_takes(&channel, 13, 1));
}

TESTS(RUN(only_a_delivery_moves_the_cursor), RUN(a_partial_delivery_goes_on_at_once),
      RUN(a_delivery_of_nothing_waits), RUN(each_failure_waits_longer_and_a_delivery_ends_it),
      RUN(the_way_going_down_and_up_is_told_once), RUN(a_first_success_is_no_news),
      RUN(an_outage_that_outlived_the_process_is_told_only_when_it_ends),
      RUN(a_busy_hub_is_not_a_link_that_is_down),
      RUN(a_block_is_told_once_and_ends_with_a_delivery_only),
      RUN(a_failure_before_anything_was_sent_says_nothing_of_the_way),
      RUN(a_conflict_blocks_under_its_own_name),
      RUN(too_large_halves_without_a_wait_and_success_doubles),
      RUN(one_line_that_is_too_large_is_not_dropped), RUN(lines_before_a_refused_one_go_first),
      RUN(a_hub_that_refuses_everything_is_asked_ever_more_slowly),
      RUN(a_refused_line_that_is_gone_does_not_stop_the_others))
