/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/writer.h"

#include "fake_disk.h"
#include "outbox/cursor.h"
#include "outbox/files.h"
#include "outbox/reader.h"
#include "outbox/testing.h"

#include <stdlib.h>

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

static size_t size_of(const struct bench *b, const char *path)
{
	size_t size = 0;

	CHECK(fake_disk_bytes(b->disk, path, &size) != NULL);
	return size;
}

/* How often a text stands in a file. */
static size_t count_in(const struct bench *b, const char *path, const char *text)
{
	size_t size = 0, count = 0;
	const char *at = fake_disk_bytes(b->disk, path, &size);

	CHECK(at != NULL);
	const char *end = at + size;
	while ((at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
		at += strlen(text);
		count++;
	}
	return count;
}

TEST(a_new_outbox_begins_with_a_header_that_has_number_one)
{
	struct bench b;

	setup(&b);
	CHECK_U64(count_in(&b, TEST_FILE, "\"local_seq\":1,"), ==, 1);
	CHECK_U64(count_in(&b, TEST_FILE, "\"event_class\":\"outbox_file_opened\""), ==, 1);
	CHECK_U64(count_in(&b, TEST_FILE,
			   "\"attrs\":{\"first_seq\":1,\"previous\":null,\"previous_seq\":0,"
			   "\"previous_crc32c\":null,\"commit\":\"file\",\"reason\":\"first\"},"
			   "\"origin\":\"3.k.1.1\""),
		  ==, 1);
	CHECK_U64(append_on(&b, 1, 1), ==, 2);
	teardown(&b);
}

TEST(an_ordinary_restart_leaves_no_gap)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	reopen(&b);
	CHECK_U64(b.report.lines, ==, 4);
	CHECK_U64(b.report.seq_last, ==, 4);
	CHECK_U64(b.report.gap_from, ==, 0);
	CHECK_U64(append_on(&b, 4, 4), ==, 5);
	teardown(&b);
}

TEST(a_batch_costs_one_write_and_one_flush)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_offer offers[16];
	const struct hf_offer *pointers[16];
	struct hf_outbox_result results[16];

	setup(&b);
	for (uint64_t i = 0; i < 16; i++) {
		offers[i] = test_offer(i + 1);
		pointers[i] = &offers[i];
	}
	uint64_t before = fake_disk_operations(b.disk);
	CHECK_OK(hf_outbox_append(b.outbox, pointers, 16, results, &err));
	CHECK_U64(fake_disk_operations(b.disk) - before, ==, 2);
	for (uint64_t i = 0; i < 16; i++)
		CHECK_U64(results[i].local_seq, ==, i + 2);
	teardown(&b);
}

TEST(an_offer_made_again_gets_the_number_it_has_even_after_a_restart)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 5);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	reopen(&b);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	CHECK_U64(hf_outbox_counters(b.outbox)->duplicates, ==, 1);
	CHECK_U64(append_on(&b, 6, 6), ==, 7);
	teardown(&b);
}

TEST(an_offer_made_twice_in_one_batch_is_stored_once)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_offer offer = test_offer(1);
	const struct hf_offer *pointers[] = { &offer, &offer };
	struct hf_outbox_result results[2];

	setup(&b);
	CHECK_OK(hf_outbox_append(b.outbox, pointers, 2, results, &err));
	CHECK_U64(results[0].local_seq, ==, 2);
	CHECK_U64(results[1].local_seq, ==, 2);
	CHECK(!results[0].duplicate && results[1].duplicate);
	CHECK_U64(count_in(&b, TEST_FILE, "\"origin\":\"3.r.1.1\""), ==, 1);
	teardown(&b);
}

TEST(a_bad_offer_is_refused_and_its_neighbours_are_stored)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_offer offers[] = { test_offer(1), test_offer(2), test_offer(3) };
	const struct hf_offer *pointers[] = { &offers[0], &offers[1], &offers[2] };
	struct hf_outbox_result results[3];

	setup(&b);
	offers[1].head[30] = '\n';
	CHECK_OK(hf_outbox_append(b.outbox, pointers, 3, results, &err));
	CHECK_U64(results[0].local_seq, ==, 2);
	CHECK_CODE(results[1].code, HF_E_INVALID);
	CHECK_U64(results[2].local_seq, ==, 3);
	teardown(&b);
}

TEST(the_second_writer_is_told_to_wait)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_outbox *second;
	struct hf_outbox_report report;

	setup(&b);
	CHECK_CODE(hf_outbox_open(b.disk, &b.options, &second, &report, &err), HF_E_AGAIN);
	teardown(&b);
}

TEST(a_torn_tail_is_set_aside_cut_and_counted)
{
	struct bench b;
	size_t whole;

	setup(&b);
	append_on(&b, 1, 3);
	hf_outbox_close(b.outbox);
	whole = size_of(&b, TEST_FILE);
	struct hf_offer offer = test_offer(4);
	char *bytes = malloc(whole + 300);
	size_t size;
	memcpy(bytes, fake_disk_bytes(b.disk, TEST_FILE, &size), whole);
	int torn = snprintf(bytes + whole, 300, "{\"device_id\":\"unit-7\",\"local_seq\":5,%.100s",
			    offer.head);
	fake_disk_put(b.disk, TEST_FILE, bytes, whole + (size_t)torn);
	free(bytes);

	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(b.report.bytes_torn, ==, torn);
	CHECK_U64(b.report.lines_bad, ==, 0);
	CHECK_U64(b.report.seq_last, ==, 4);
	CHECK_U64(size_of(&b, "quarantine/2026-04-20.jsonl.0"), ==, torn);
	/* 5 may have been sent: it is passed over, and the log says so. */
	CHECK_U64(b.report.gap_from, ==, 5);
	CHECK_U64(b.report.gap_through, ==, 5);
	CHECK_U64(count_in(&b, TEST_FILE,
			   "\"attrs\":{\"from\":5,\"through\":5,\"reason\":\"torn_tail\"}"),
		  ==, 1);
	CHECK_U64(count_in(&b, TEST_FILE, "\"event_class\":\"outbox_tail_cut\""), ==, 1);
	CHECK_U64(append_on(&b, 4, 4), ==, 8);
	CHECK(!fake_disk_exists(b.disk, "meta/outbox_gap"));
	reopen(&b);
	CHECK_U64(b.report.gap_from, ==, 0);
	CHECK_U64(b.report.bytes_torn, ==, 0);
	teardown(&b);
}

TEST(a_torn_tail_behind_this_boots_watermark_was_never_sent_and_leaves_no_gap)
{
	struct bench b;
	struct hf_watermark position;
	static const char torn[] = "{\"device_id\":\"unit-7\",\"local_seq\":5,\"capt";

	setup(&b);
	append_on(&b, 1, 3);
	hf_outbox_position(b.outbox, &position);
	b.options.committed = &position;
	hf_outbox_close(b.outbox);
	size_t size, whole = size_of(&b, TEST_FILE);
	char *bytes = calloc(1, whole + sizeof torn);
	memcpy(bytes, fake_disk_bytes(b.disk, TEST_FILE, &size), whole);
	memcpy(bytes + whole, torn, sizeof torn);
	fake_disk_put(b.disk, TEST_FILE, bytes, whole + sizeof torn);
	free(bytes);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(b.report.bytes_torn, ==, sizeof torn);
	CHECK_U64(b.report.gap_from, ==, 0);
	/* 5 says that a tail was cut. */
	CHECK_U64(append_on(&b, 4, 4), ==, 6);
	teardown(&b);
}

TEST(zeros_at_the_end_pass_over_as_many_numbers_as_could_stand_there)
{
	struct bench b;
	static const char zeros[3000];

	setup(&b);
	append_on(&b, 1, 3);
	hf_outbox_close(b.outbox);
	size_t size, whole = size_of(&b, TEST_FILE);
	char *bytes = calloc(1, whole + sizeof zeros);
	memcpy(bytes, fake_disk_bytes(b.disk, TEST_FILE, &size), whole);
	fake_disk_put(b.disk, TEST_FILE, bytes, whole + sizeof zeros);
	free(bytes);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(b.report.bytes_torn, ==, sizeof zeros);
	CHECK_U64(b.report.gap_from, ==, 5);
	CHECK_U64(b.report.gap_through, ==, 4 + sizeof zeros / HF_LINE_BYTES_MIN + 1);
	teardown(&b);
}

TEST(a_gap_noted_before_the_tail_was_cut_survives_a_power_cut_after_it)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	hf_outbox_close(b.outbox);
	/* The tail is cut already; its event is not there yet. */
	fake_disk_put(b.disk, "meta/outbox_gap", "5 9 torn_tail\n", 14);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(b.report.gap_from, ==, 5);
	CHECK_U64(b.report.gap_through, ==, 9);
	CHECK_U64(append_on(&b, 4, 4), ==, 11);
	CHECK(!fake_disk_exists(b.disk, "meta/outbox_gap"));
	teardown(&b);
}

TEST(a_bad_line_with_a_good_one_after_it_is_rot_not_a_tail)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	size_t size = size_of(&b, TEST_FILE);
	fake_disk_flip_bit(b.disk, TEST_FILE, 8 * (size / 2));
	reopen(&b);
	CHECK_U64(b.report.bytes_torn, ==, 0);
	CHECK_U64(b.report.lines_bad, ==, 1);
	CHECK_U64(b.report.seq_last, ==, 4);
	CHECK_U64(count_in(&b, TEST_FILE, "outbox_rot_found"), ==, 1);
	/* Said once. */
	reopen(&b);
	CHECK_U64(b.report.lines_bad, ==, 1);
	CHECK_U64(count_in(&b, TEST_FILE, "outbox_rot_found"), ==, 1);
	CHECK_U64(count_in(&b, TEST_FILE, "\"through\":2,\"reason\":\"line_damaged\""), ==, 1);
	CHECK_U64(append_on(&b, 4, 4), ==, 7);
	teardown(&b);
}

TEST(a_damaged_last_line_below_the_watermark_is_rot_and_stays)
{
	struct bench b;
	struct hf_watermark position;

	setup(&b);
	append_on(&b, 1, 3);
	hf_outbox_position(b.outbox, &position);
	size_t size = size_of(&b, TEST_FILE);
	/* Its newline. */
	fake_disk_flip_bit(b.disk, TEST_FILE, 8 * (size - 1));
	b.options.committed = &position;
	reopen(&b);
	CHECK_U64(b.report.bytes_torn, ==, 0);
	CHECK_U64(b.report.lines_bad, ==, 1);
	CHECK_U64(size_of(&b, TEST_FILE), ==, size);
	/* The next line goes where no lost newline can swallow it. */
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-20.1.jsonl"));
	CHECK_U64(append_on(&b, 4, 4), >, 4);
	teardown(&b);
}

TEST(a_missing_newest_file_makes_the_reservation_count)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	b.clock.wall_ms += INT64_C(86400000);
	append_on(&b, 3, 5);
	hf_outbox_close(b.outbox);
	fake_disk_remove(b.disk, "outbox/2026-04-21.jsonl");
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(b.report.gap_from, ==, 4);
	CHECK_U64(b.report.gap_through, ==, HF_OUTBOX_RESERVE + 1);
	CHECK_U64(append_on(&b, 6, 6), >, HF_OUTBOX_RESERVE + 1);
	CHECK_U64(count_in(&b, TEST_FILE, "\"reason\":\"file_missing\""), ==, 0);
	CHECK_U64(count_in(&b, "outbox/2026-04-21.jsonl", "\"reason\":\"file_missing\""), ==, 1);
	teardown(&b);
}

TEST(a_cursor_ahead_of_the_log_makes_the_reservation_count)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	append_on(&b, 1, 2);
	hf_outbox_close(b.outbox);
	CHECK_OK(hf_cursor_store(b.disk, HF_CURSOR_HUB, 9, &err));
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(append_on(&b, 3, 3), >, HF_OUTBOX_RESERVE);
	teardown(&b);
}

TEST(a_first_start_that_was_cut_short_does_not_waste_a_block)
{
	struct bench b;

	setup(&b);
	hf_outbox_close(b.outbox);
	fake_disk_remove(b.disk, TEST_FILE);
	fake_disk_remove(b.disk, "meta/outbox_newest");
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(append_on(&b, 1, 1), ==, 2);
	teardown(&b);
}

TEST(a_failed_flush_moves_the_event_to_a_new_file_under_a_new_number)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	size_t size = size_of(&b, TEST_FILE);
	/* 4 was tried in the old file; 5 the header, 6 the gap. */
	CHECK_U64(append_on(&b, 3, 3), ==, 7);
	CHECK_U64(hf_outbox_counters(b.outbox)->files_spent, ==, 1);
	const char *file = "outbox/2026-04-20.1.jsonl";
	CHECK_U64(count_in(&b, file, "\"previous\":\"2026-04-20.jsonl\",\"previous_seq\":3,"), ==,
		  1);
	CHECK_U64(count_in(&b, file,
			   "\"attrs\":{\"from\":4,\"through\":4,\"reason\":\"flush_failed\"}"),
		  ==, 1);
	CHECK_U64(append_on(&b, 4, 4), ==, 8);
	/* Not cut, not written again. */
	CHECK_U64(size_of(&b, TEST_FILE), >, size);
	reopen(&b);
	CHECK_U64(test_append(b.outbox, 3), ==, 7);
	teardown(&b);
}

TEST(a_disk_that_keeps_failing_is_tried_once_a_second)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, UINT64_MAX / 2, HF_E_IO);
	CHECK_U64(test_append(b.outbox, 3), ==, 0);
	uint64_t tried = fake_disk_operations(b.disk);
	CHECK_U64(test_append(b.outbox, 3), ==, 0);
	CHECK_U64(fake_disk_operations(b.disk), ==, tried);
	b.clock.mono_us += 1000001;
	CHECK_U64(test_append(b.outbox, 3), ==, 0);
	CHECK_U64(fake_disk_operations(b.disk), >, tried);
	/* What is stored is still told. */
	CHECK_U64(test_append(b.outbox, 2), ==, 3);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 0, HF_E_IO);
	b.clock.mono_us += 1000001;
	CHECK_U64(test_append(b.outbox, 3), >, 3);
	teardown(&b);
}

TEST(a_full_disk_holds_events_back_and_keeps_the_file)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	size_t size = size_of(&b, TEST_FILE);
	fake_disk_capacity(b.disk, 100 * 1024);
	static const char filler[100 * 1024];
	fake_disk_put(b.disk, "filler", filler, 100 * 1024 - 2000);
	CHECK_U64(test_append(b.outbox, 3), ==, 0);
	CHECK_U64(size_of(&b, TEST_FILE), ==, size);
	fake_disk_remove(b.disk, "filler");
	CHECK_U64(append_on(&b, 3, 3), ==, 4);
	CHECK_U64(hf_outbox_counters(b.outbox)->files_spent, ==, 0);
	teardown(&b);
}

TEST(the_ballast_is_given_up_before_an_event_is_held_back)
{
	struct bench b = { 0 };

	test_clock_start(&b.clock);
	b.options = test_options(&b.clock);
	b.options.ballast_bytes = 128 * 1024;
	b.disk = fake_disk_new(1);
	fake_disk_capacity(b.disk, 600 * 1024);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(size_of(&b, "ballast/outbox"), ==, 128 * 1024);
	CHECK(!hf_outbox_counters(b.outbox)->ballast_released);
	static const char filler[512 * 1024];
	fake_disk_put(b.disk, "filler", filler, 600 * 1024 - 128 * 1024 - 3000);
	append_on(&b, 1, 10);
	CHECK(!fake_disk_exists(b.disk, "ballast/outbox"));
	CHECK(hf_outbox_counters(b.outbox)->ballast_released);
	/* Not while there is no room for it four times over. */
	hf_outbox_ballast_refill(b.outbox);
	CHECK(!fake_disk_exists(b.disk, "ballast/outbox"));
	fake_disk_remove(b.disk, "filler");
	hf_outbox_ballast_refill(b.outbox);
	CHECK(fake_disk_exists(b.disk, "ballast/outbox"));
	CHECK(!hf_outbox_counters(b.outbox)->ballast_released);
	teardown(&b);
}

TEST(the_day_of_append_names_the_file_and_the_clock_may_go_back)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 1);
	b.clock.wall_ms += INT64_C(13) * 3600 * 1000;
	CHECK_U64(append_on(&b, 2, 2), ==, 4);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-21.jsonl"));
	b.clock.wall_ms -= INT64_C(13) * 3600 * 1000;
	CHECK_U64(append_on(&b, 3, 3), ==, 5);
	CHECK_U64(count_in(&b, "outbox/2026-04-21.jsonl", "\"origin\":\"3.r.1.3\""), ==, 1);
	teardown(&b);
}

TEST(a_file_of_the_future_is_left_only_once_the_clock_is_right)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 1);
	b.clock.wall_ms += INT64_C(400) * 86400 * 1000;
	append_on(&b, 2, 2);
	b.clock.wall_ms -= INT64_C(400) * 86400 * 1000;
	b.options.clock_trust = test_no_trust;
	reopen(&b);
	append_on(&b, 3, 3);
	CHECK(!fake_disk_exists(b.disk, "outbox/2026-04-20.1.jsonl"));
	b.options.clock_trust = test_trust;
	reopen(&b);
	append_on(&b, 4, 4);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-20.1.jsonl"));
	reopen(&b);
	CHECK_U64(b.report.seq_last, ==, 7);
	teardown(&b);
}

TEST(a_file_without_a_line_is_set_aside)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	hf_outbox_close(b.outbox);
	fake_disk_put(b.disk, "outbox/2026-04-21.jsonl", "{\"device_id\":\"uni", 17);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK(!fake_disk_exists(b.disk, "outbox/2026-04-21.jsonl"));
	CHECK_U64(size_of(&b, "quarantine/2026-04-21.jsonl.0"), ==, 17);
	CHECK_U64(append_on(&b, 3, 3), ==, 4);
	teardown(&b);
}

TEST(a_full_disk_does_not_keep_a_torn_outbox_from_opening)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	hf_outbox_close(b.outbox);
	size_t size = size_of(&b, TEST_FILE), got;
	char *bytes = malloc(size + 20);
	memcpy(bytes, fake_disk_bytes(b.disk, TEST_FILE, &got), size);
	memcpy(bytes + size, "{\"device_id\":\"unit-7", 20);
	fake_disk_put(b.disk, TEST_FILE, bytes, size + 20);
	free(bytes);
	fake_disk_capacity(b.disk, 0);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(size_of(&b, TEST_FILE), ==, size + 20);
	CHECK_U64(test_append(b.outbox, 3), ==, 0);
	CHECK_U64(test_append(b.outbox, 2), ==, 3);
	fake_disk_capacity(b.disk, UINT64_MAX);
	b.clock.mono_us += 1000001;
	CHECK_U64(test_append(b.outbox, 3), >, 3);
	CHECK_U64(size_of(&b, TEST_FILE), ==, size + 20);
	teardown(&b);
}

TEST(an_unreadable_block_costs_its_lines_and_no_more)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 40);
	hf_outbox_close(b.outbox);
	fake_disk_unreadable(b.disk, TEST_FILE, 9000, 10);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(b.report.seq_last, ==, 41);
	CHECK_U64(b.report.lines_bad, >, 0);
	CHECK_U64(append_on(&b, 41, 41), >, 41);
	teardown(&b);
}

TEST(another_epoch_starts_another_chain_and_goes_on_counting)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	b.options.epoch = "ffffffffffffffff";
	reopen(&b);
	CHECK_U64(append_on(&b, 3, 3), ==, 4);
	teardown(&b);
}

/* Where each number stands and under which epoch; the file's name of the last one. */
static void look_at_epochs(struct bench *b, char ret_file[HF_FILE_NAME_BYTES], uint64_t *ret_new,
			   uint64_t *ret_told)
{
	static const uint8_t zeros[HF_CHAIN_BYTES];
	struct hf_reader_options options = { .disk = b->disk, .folder = HF_OUTBOX_FOLDER };
	struct hf_reader *reader;
	struct hf_place place;
	struct hf_line line;
	struct hf_err err;
	uint8_t chain[HF_CHAIN_BYTES], wanted[HF_CHAIN_BYTES];
	char epoch[HF_EPOCH_BYTES] = "", its[HF_EPOCH_BYTES];

	*ret_new = *ret_told = 0;
	CHECK_OK(hf_reader_open(&options, &reader, &err));
	while (hf_reader_next(reader, &line, NULL, &place, &err) == HF_OK) {
		CHECK(hf_slice_text(&line.epoch, its, sizeof its));
		bool begins = strcmp(epoch, its) != 0;

		hf_line_chain(begins ? zeros : chain, &line, wanted);
		assert_memory_equal(line.chain, wanted, sizeof wanted);
		memcpy(chain, line.chain, sizeof chain);
		memcpy(epoch, its, sizeof epoch);
		*ret_new += its[0] == 'f';
		*ret_told += hf_slice_is(&line.event_class, HF_CLASS_REDRAWN);
		memcpy(ret_file, place.file, HF_FILE_NAME_BYTES);
	}
	hf_reader_close(reader);
}

TEST(a_redrawn_epoch_begins_a_file_and_a_chain_and_is_told_in_it)
{
	struct bench b;
	char file[HF_FILE_NAME_BYTES];
	uint64_t new, told;
	struct hf_err err;

	setup(&b);
	append_on(&b, 1, 2);
	CHECK(hf_outbox_epoch_told(b.outbox));
	CHECK_OK(hf_outbox_set_epoch(b.outbox, "ffffffffffffffff", "{\"new\":\"f\"}", &err));
	CHECK(hf_outbox_epoch_told(b.outbox));
	CHECK_U64(append_on(&b, 3, 3), ==, 6);
	look_at_epochs(&b, file, &new, &told);
	CHECK_U64(new, ==, 3);
	CHECK_U64(told, ==, 1);
	CHECK_TEXT(file, "2026-04-20.1.jsonl");
	teardown(&b);
}

TEST(a_redraw_that_finds_no_room_for_a_file_is_told_with_the_next_events)
{
	struct bench b;
	char file[HF_FILE_NAME_BYTES];
	uint64_t new, told;
	struct hf_err err;

	setup(&b);
	append_on(&b, 1, 2);
	fake_disk_fail(b.disk, FAKE_DISK_CREATE, 1, 1, HF_E_NOSPACE);
	CHECK_CODE(hf_outbox_set_epoch(b.outbox, "ffffffffffffffff", "{\"new\":\"f\"}", &err),
		   HF_E_NOSPACE);
	CHECK(!hf_outbox_epoch_told(b.outbox));
	CHECK_U64(append_on(&b, 3, 3), >, 3);
	CHECK(hf_outbox_epoch_told(b.outbox));
	look_at_epochs(&b, file, &new, &told);
	CHECK_U64(new, ==, 2);
	CHECK_U64(told, ==, 1);
	teardown(&b);
}

TEST(a_log_that_leaves_no_numbers_is_refused_with_what_to_do)
{
	struct bench b;
	struct hf_outbox *outbox;
	struct hf_err err;

	setup(&b);
	hf_outbox_close(b.outbox);
	b.outbox = NULL;
	fake_disk_remove(b.disk, TEST_FILE);
	fake_disk_put(b.disk, "meta/local_seq", "9007199254740991\n", 17);
	CHECK_CODE(hf_outbox_open(b.disk, &b.options, &outbox, &b.report, &err), HF_E_LIMIT);
	assert_non_null(strstr(err.text, "9007199254740991"));
	assert_non_null(strstr(err.text, "identity/epoch"));
	teardown(&b);
}

TESTS(RUN(a_log_that_leaves_no_numbers_is_refused_with_what_to_do),
      RUN(a_new_outbox_begins_with_a_header_that_has_number_one),
      RUN(an_ordinary_restart_leaves_no_gap), RUN(a_batch_costs_one_write_and_one_flush),
      RUN(an_offer_made_again_gets_the_number_it_has_even_after_a_restart),
      RUN(an_offer_made_twice_in_one_batch_is_stored_once),
      RUN(a_bad_offer_is_refused_and_its_neighbours_are_stored),
      RUN(the_second_writer_is_told_to_wait), RUN(a_torn_tail_is_set_aside_cut_and_counted),
      RUN(a_torn_tail_behind_this_boots_watermark_was_never_sent_and_leaves_no_gap),
      RUN(zeros_at_the_end_pass_over_as_many_numbers_as_could_stand_there),
      RUN(a_gap_noted_before_the_tail_was_cut_survives_a_power_cut_after_it),
      RUN(a_bad_line_with_a_good_one_after_it_is_rot_not_a_tail),
      RUN(a_damaged_last_line_below_the_watermark_is_rot_and_stays),
      RUN(a_missing_newest_file_makes_the_reservation_count),
      RUN(a_cursor_ahead_of_the_log_makes_the_reservation_count),
      RUN(a_first_start_that_was_cut_short_does_not_waste_a_block),
      RUN(a_failed_flush_moves_the_event_to_a_new_file_under_a_new_number),
      RUN(a_disk_that_keeps_failing_is_tried_once_a_second),
      RUN(a_full_disk_holds_events_back_and_keeps_the_file),
      RUN(the_ballast_is_given_up_before_an_event_is_held_back),
      RUN(the_day_of_append_names_the_file_and_the_clock_may_go_back),
      RUN(a_file_of_the_future_is_left_only_once_the_clock_is_right),
      RUN(a_file_without_a_line_is_set_aside),
      RUN(a_full_disk_does_not_keep_a_torn_outbox_from_opening),
      RUN(an_unreadable_block_costs_its_lines_and_no_more),
      RUN(another_epoch_starts_another_chain_and_goes_on_counting),
      RUN(a_redrawn_epoch_begins_a_file_and_a_chain_and_is_told_in_it),
      RUN(a_redraw_that_finds_no_room_for_a_file_is_told_with_the_next_events))
