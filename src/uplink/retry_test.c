/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/retry.h"

#include "base/auto.h"
#include "fake_disk.h"

#include <string.h>

#include "test.h"

enum {
	MIN_MS = 5000,
	MAX_MS = 300000,
};

#define PATH "retry_state"

static const struct hf_mono start = { .us = 1000000 };

/* xorshift64: the same draws in every run. */
static uint64_t chance_next(const struct hf_random *random)
{
	uint64_t *x = random->context;

	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t chance_state = 0x9e3779b97f4a7c15;
static const struct hf_random chance = { .next = chance_next, .context = &chance_state };

static uint64_t zero_next(const struct hf_random *random)
{
	(void)random;
	return 0;
}

/* Always the low end. */
static const struct hf_random lowest = { .next = zero_next };

static struct hf_retry fresh(void)
{
	struct hf_retry retry;

	hf_retry_init(&retry, MIN_MS, MAX_MS);
	return retry;
}

static struct hf_retry after_failures(uint32_t count)
{
	struct hf_retry retry = fresh();

	for (uint32_t i = 0; i < count; i++)
		hf_retry_failed(&retry, start, &chance, 0);
	return retry;
}

TEST(a_channel_without_failures_may_try_at_once)
{
	struct hf_retry retry = fresh();

	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, (struct hf_mono){ 0 }), ==, 0);
	CHECK(!hf_retry_save_due(&retry, start));
}

TEST(each_wait_lies_between_its_two_powers)
{
	static const int64_t low[] = { 5000, 10000, 20000, 40000, 80000, 150000, 150000 };
	static const int64_t high[] = { 10000, 20000, 40000, 80000, 160000, 300000, 300000 };

	for (int round = 0; round < 2000; round++) {
		struct hf_retry retry = fresh();

		for (size_t i = 0; i < HF_ARRAY_LEN(low); i++) {
			hf_retry_failed(&retry, start, &chance, 0);
			int64_t wait = hf_retry_remaining_ms(&retry, start);
			CHECK_I64(wait, >=, low[i]);
			CHECK_I64(wait, <=, high[i]);
		}
	}
}

TEST(the_first_wait_is_never_below_the_minimum)
{
	struct hf_retry retry = fresh();

	hf_retry_failed(&retry, start, &lowest, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, MIN_MS);
}

TEST(no_wait_is_ever_above_the_maximum)
{
	struct hf_retry retry = fresh();

	for (int i = 0; i < 10000; i++) {
		hf_retry_failed(&retry, start, &chance, 0);
		CHECK_I64(hf_retry_remaining_ms(&retry, start), <=, MAX_MS);
	}
	CHECK_U64(retry.attempts, ==, 10000);
}

TEST(units_that_fail_together_do_not_come_back_together)
{
	unsigned tenths[10] = { 0 };

	for (int i = 0; i < 10000; i++) {
		struct hf_retry retry = after_failures(8);
		int64_t wait = hf_retry_remaining_ms(&retry, start);
		int64_t tenth = (wait - MAX_MS / 2) * 10 / (MAX_MS / 2 + 1);

		tenths[tenth]++;
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(tenths); i++) {
		CHECK_U64(tenths[i], >, 800);
		CHECK_U64(tenths[i], <, 1200);
	}
}

TEST(a_success_ends_the_wait_and_the_count)
{
	struct hf_retry retry = after_failures(5);

	hf_retry_succeeded(&retry);
	CHECK_U64(retry.attempts, ==, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, 0);
	CHECK(hf_retry_save_due(&retry, start));
	hf_retry_failed(&retry, start, &chance, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), <=, 2 * MIN_MS);
}

TEST(a_second_success_changes_nothing)
{
	struct hf_retry retry = fresh();

	hf_retry_succeeded(&retry);
	CHECK(!hf_retry_save_due(&retry, start));
}

TEST(a_larger_retry_after_wins)
{
	struct hf_retry retry = fresh();

	hf_retry_failed(&retry, start, &chance, 60000);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, 60000);
}

TEST(a_smaller_retry_after_does_not_shorten_the_wait)
{
	struct hf_retry retry = after_failures(4);

	hf_retry_failed(&retry, start, &lowest, 1000);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), >=, 80000);
}

TEST(a_retry_after_of_a_year_is_capped)
{
	struct hf_retry retry = fresh();

	hf_retry_failed(&retry, start, &chance, INT64_MAX);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, MAX_MS);
	hf_retry_failed(&retry, start, &lowest, INT64_MIN);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, 10000);
}

TEST(the_remaining_time_shrinks_to_zero_and_stays_there)
{
	struct hf_retry retry = fresh();

	hf_retry_failed(&retry, start, &lowest, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, hf_mono_add_ms(start, 1)), ==, MIN_MS - 1);
	struct hf_mono almost = { .us = start.us + MIN_MS * 1000 - 1 };
	CHECK_I64(hf_retry_remaining_ms(&retry, almost), ==, 1);
	CHECK_I64(hf_retry_remaining_ms(&retry, hf_mono_add_ms(start, MIN_MS)), ==, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, hf_mono_add_ms(start, 10 * MIN_MS)), ==, 0);
}

TEST(a_maximum_below_the_minimum_counts_as_the_minimum)
{
	struct hf_retry retry;

	hf_retry_init(&retry, 5000, 100);
	hf_retry_failed(&retry, start, &chance, 99999);
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, 5000);
}

TEST(the_text_is_attempts_and_remaining_time)
{
	struct hf_retry retry = fresh();
	char text[HF_RETRY_TEXT_BYTES];

	hf_retry_text(&retry, start, text);
	CHECK_TEXT(text, "attempts=0\nremaining_ms=0\n");
	hf_retry_failed(&retry, start, &lowest, 0);
	hf_retry_text(&retry, hf_mono_add_ms(start, 655), text);
	CHECK_TEXT(text, "attempts=1\nremaining_ms=4345\n");
}

TEST(a_restart_goes_on_with_the_remaining_wait)
{
	struct hf_err err;
	struct hf_retry retry = fresh();
	/* After a reboot the monotonic clock begins again. */
	struct hf_mono rebooted = { .us = 77 };

	CHECK_OK(hf_retry_parse(&retry, "attempts=3\nremaining_ms=12345\n", rebooted, &err));
	CHECK_U64(retry.attempts, ==, 3);
	CHECK_I64(hf_retry_remaining_ms(&retry, rebooted), ==, 12345);
	CHECK_I64(hf_retry_remaining_ms(&retry, hf_mono_add_ms(rebooted, 12345)), ==, 0);
	/* The fourth failure in a row, not the first. */
	hf_retry_failed(&retry, rebooted, &lowest, 0);
	CHECK_I64(hf_retry_remaining_ms(&retry, rebooted), ==, 40000);
}

TEST(a_stored_wait_above_the_maximum_is_capped)
{
	struct hf_err err;
	struct hf_retry retry = fresh();

	CHECK_OK(hf_retry_parse(&retry, "attempts=9\nremaining_ms=99999999999\n", start, &err));
	CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, MAX_MS);
}

TEST(a_damaged_text_means_no_failures)
{
	static const char *const damaged[] = {
		"",
		"attempts=3\n",
		"attempts=3\nremaining_ms=12345",
		"attempts=3\nremaining_ms=12345\nx",
		"attempts=3\nremaining_ms=12345\n\n",
		"attempts=-3\nremaining_ms=5\n",
		"attempts=3\nremaining_ms=-5\n",
		"attempts=03\nremaining_ms=5\n",
		"attempts= 3\nremaining_ms=5\n",
		"attempts=3 remaining_ms=5\n",
		"attempts=4294967296\nremaining_ms=5\n",
		"attempts=3\nremaining_ms=9999999999999999999\n",
		"attempts=0\nremaining_ms=5\n",
		"attempts=three\nremaining_ms=5\n",
		"\x80\xff\nremaining_ms=5\n",
	};
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(damaged); i++) {
		struct hf_retry retry = after_failures(4);

		CHECK_CODE(hf_retry_parse(&retry, damaged[i], start, &err), HF_E_CORRUPT);
		CHECK_U64(retry.attempts, ==, 0);
		CHECK_I64(hf_retry_remaining_ms(&retry, start), ==, 0);
	}
}

TEST(the_wait_is_saved_in_steps_not_at_every_turn)
{
	struct hf_retry retry = fresh();
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_err err;
	unsigned saves = 0;

	for (int i = 0; i < 7; i++)
		hf_retry_failed(&retry, start, &chance, 0);
	for (int64_t ms = 0; ms <= MAX_MS; ms += 100) {
		struct hf_mono now = hf_mono_add_ms(start, ms);

		if (hf_retry_save_due(&retry, now)) {
			CHECK_OK(hf_retry_save(&retry, disk, PATH, now, &err));
			saves++;
		}
	}
	CHECK_U64(saves, >=, 8);
	CHECK_U64(saves, <=, 9);
	fake_disk_free(disk);
}

TEST(what_was_saved_is_what_is_loaded)
{
	struct hf_retry retry = after_failures(3), loaded = fresh();
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_err err;

	CHECK_OK(hf_retry_load(&loaded, disk, PATH, start, &err)); /* there is none yet */
	CHECK_U64(loaded.attempts, ==, 0);
	struct hf_mono later = hf_mono_add_ms(start, 1234);
	CHECK_OK(hf_retry_save(&retry, disk, PATH, later, &err));
	CHECK(!hf_retry_save_due(&retry, later));
	CHECK_OK(hf_retry_load(&loaded, disk, PATH, start, &err));
	CHECK_U64(loaded.attempts, ==, 3);
	CHECK_I64(hf_retry_remaining_ms(&loaded, start), ==, hf_retry_remaining_ms(&retry, later));
	fake_disk_free(disk);
}

TEST(a_damaged_file_is_reported_and_replaced)
{
	struct hf_retry retry = fresh();
	static const char nuls[4096];
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_err err;

	fake_disk_put(disk, PATH, nuls, sizeof nuls);
	CHECK_CODE(hf_retry_load(&retry, disk, PATH, start, &err), HF_E_CORRUPT);
	fake_disk_put(disk, PATH, nuls, 20);
	CHECK_CODE(hf_retry_load(&retry, disk, PATH, start, &err), HF_E_CORRUPT);
	CHECK(strstr(err.text, PATH) != NULL);
	CHECK_U64(retry.attempts, ==, 0);
	CHECK(hf_retry_save_due(&retry, start));
	CHECK_OK(hf_retry_save(&retry, disk, PATH, start, &err));
	CHECK_OK(hf_retry_load(&retry, disk, PATH, start, &err));
	fake_disk_free(disk);
}

TESTS(RUN(a_channel_without_failures_may_try_at_once), RUN(each_wait_lies_between_its_two_powers),
      RUN(the_first_wait_is_never_below_the_minimum), RUN(no_wait_is_ever_above_the_maximum),
      RUN(units_that_fail_together_do_not_come_back_together),
      RUN(a_success_ends_the_wait_and_the_count), RUN(a_second_success_changes_nothing),
      RUN(a_larger_retry_after_wins), RUN(a_smaller_retry_after_does_not_shorten_the_wait),
      RUN(a_retry_after_of_a_year_is_capped),
      RUN(the_remaining_time_shrinks_to_zero_and_stays_there),
      RUN(a_maximum_below_the_minimum_counts_as_the_minimum),
      RUN(the_text_is_attempts_and_remaining_time), RUN(a_restart_goes_on_with_the_remaining_wait),
      RUN(a_stored_wait_above_the_maximum_is_capped), RUN(a_damaged_text_means_no_failures),
      RUN(the_wait_is_saved_in_steps_not_at_every_turn), RUN(what_was_saved_is_what_is_loaded),
      RUN(a_damaged_file_is_reported_and_replaced))
