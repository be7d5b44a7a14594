/* SPDX-License-Identifier: Apache-2.0 */
/* One event, one number: across files, and whatever of them a start has left unread. */
#include "fake_disk.h"
#include "outbox/testing.h"
#include "outbox/writer.h"

#define DAY_MS INT64_C(86400000)

struct bench {
	struct test_clock clock;
	struct hf_outbox_options options;
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_outbox_report report;
};

static void setup(struct bench *b)
{
	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->disk = fake_disk_new(1);
	b->outbox = test_open(b->disk, &b->options, &b->report);
}

static void reopen(struct bench *b)
{
	hf_outbox_close(b->outbox);
	b->outbox = test_open(b->disk, &b->options, &b->report);
}

static void teardown(struct bench *b)
{
	hf_outbox_close(b->outbox);
	fake_disk_free(b->disk);
}

/* Append events first..last; the number of the last. */
static uint64_t append_on(struct bench *b, uint64_t first, uint64_t last)
{
	uint64_t seq = 0;

	for (uint64_t n = first; n <= last; n++) {
		seq = test_append(b->outbox, n);
		CHECK_U64(seq, >, 0);
	}
	return seq;
}

/* As another run of the unit, which nobody of this run was before. */
static void reopen_in_a_new_run(struct bench *b)
{
	b->options.run++;
	b->options.first_of_run = true;
	reopen(b);
}

/* The nth event of the run that the outbox is in. */
static struct hf_outbox_result append_new(struct bench *b, uint64_t n)
{
	struct hf_err err = { 0 };
	struct hf_offer offer = test_offer(n);
	const struct hf_offer *offers[] = { &offer };
	const struct hf_origin origin = {
		.boot = b->options.boot, .run = b->options.run, .n = n, .producer = 'r'
	};
	struct hf_outbox_result result;

	hf_origin_text(&origin, offer.origin);
	CHECK_OK(hf_outbox_append(b->outbox, offers, 1, &result, &err));
	return result;
}

TEST(an_offer_made_again_has_its_number_in_an_older_file_too)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 5);
	b.clock.wall_ms += DAY_MS;
	CHECK_U64(append_on(&b, 6, 6), ==, 8);
	b.clock.wall_ms += DAY_MS;
	CHECK_U64(append_on(&b, 7, 7), ==, 10);
	reopen(&b);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	CHECK_U64(test_append(b.outbox, 6), ==, 8);
	CHECK_U64(test_append(b.outbox, 7), ==, 10);
	/* Of one that does not say what it is every file is looked into. */
	fake_disk_flip_bit(b.disk, "outbox/2026-04-21.jsonl", 400);
	reopen(&b);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	teardown(&b);
}

TEST(events_of_a_new_run_do_not_wait_for_older_files)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 5);
	b.clock.wall_ms += DAY_MS;
	append_on(&b, 6, 6);
	reopen_in_a_new_run(&b);
	uint64_t reads = fake_disk_count(b.disk, FAKE_DISK_READ);
	CHECK_U64(append_new(&b, 3).local_seq, ==, 9);
	CHECK(append_new(&b, 3).duplicate);
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_READ), ==, reads);
	/* One that may be made again does. */
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_READ), >, reads);
	CHECK_U64(append_new(&b, 3).local_seq, ==, 9);
	teardown(&b);
}

TEST(who_comes_after_another_of_the_same_run_recalls_before_it_answers)
{
	struct bench b;

	setup(&b);
	reopen_in_a_new_run(&b);
	CHECK_U64(append_new(&b, 1).local_seq, ==, 2);
	b.clock.wall_ms += DAY_MS;
	CHECK_U64(append_new(&b, 2).local_seq, ==, 4);
	b.options.first_of_run = false;
	reopen(&b);
	CHECK_U64(append_new(&b, 1).local_seq, ==, 2);
	teardown(&b);
}

TEST(what_is_recalled_is_older_than_what_came_since)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	append_on(&b, 1, 5);
	b.clock.wall_ms += DAY_MS;
	append_on(&b, 6, 6);
	reopen_in_a_new_run(&b);
	uint64_t first = append_new(&b, 1).local_seq;
	for (uint64_t n = 2; n <= HF_OUTBOX_ORIGINS; n++)
		CHECK(!append_new(&b, n).duplicate);
	CHECK_OK(hf_outbox_recall(b.outbox, &err));
	CHECK_U64(append_new(&b, 1).local_seq, ==, first);
	CHECK(!append_new(&b, HF_OUTBOX_ORIGINS + 1).duplicate);
	CHECK(append_new(&b, 2).duplicate);
	CHECK(append_new(&b, HF_OUTBOX_ORIGINS).duplicate);
	teardown(&b);
}

TEST(an_offer_that_may_be_known_waits_until_older_files_can_be_read)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_offer offer = test_offer(3);
	const struct hf_offer *offers[] = { &offer };
	struct hf_outbox_result result;

	setup(&b);
	append_on(&b, 1, 5);
	b.clock.wall_ms += DAY_MS;
	append_on(&b, 6, 6);
	reopen_in_a_new_run(&b);
	fake_disk_fail(b.disk, FAKE_DISK_READ, 1, 1, HF_E_NOMEM);
	CHECK_CODE(hf_outbox_append(b.outbox, offers, 1, &result, &err), HF_E_NOMEM);
	CHECK_CODE(result.code, HF_E_NOMEM);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	teardown(&b);
}

TESTS(RUN(an_offer_made_again_has_its_number_in_an_older_file_too),
      RUN(events_of_a_new_run_do_not_wait_for_older_files),
      RUN(who_comes_after_another_of_the_same_run_recalls_before_it_answers),
      RUN(what_is_recalled_is_older_than_what_came_since),
      RUN(an_offer_that_may_be_known_waits_until_older_files_can_be_read))
