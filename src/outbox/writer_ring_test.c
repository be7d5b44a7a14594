/* SPDX-License-Identifier: Apache-2.0 */
/* The writer with a commit ring: what it asks of the disk, and every way in which ring and day
 * file can part. What power cuts leave is explored in test/crash; here each case stands alone. */
#include "fake_disk.h"
#include "outbox/commit_ring.h"
#include "outbox/cursor.h"
#include "outbox/files.h"
#include "outbox/reader.h"
#include "outbox/testing.h"
#include "outbox/verify.h"

#include <stdlib.h>
#include <unistd.h>

#define RING "outbox/" HF_COMMIT_RING_NAME

enum {
	BLOCK = 4096,
	RING_BYTES = 16 * BLOCK, /* 8 frames a half */
	BYTES_MAX = 1024 * 1024,
};

static struct hf_err err;

struct bench {
	struct test_clock clock;
	struct hf_outbox_options options;
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_outbox_report report;
	char *saved;
	size_t saved_size;
};

static void setup(struct bench *b)
{
	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->options.commit = HF_COMMIT_RING;
	b->options.ring_bytes = RING_BYTES;
	b->disk = fake_disk_new(1);
	b->outbox = test_open(b->disk, &b->options, &b->report);
}

static void teardown(struct bench *b)
{
	hf_outbox_close(b->outbox);
	fake_disk_free(b->disk);
	free(b->saved);
}

/* The process dies: what is freed here for the leak checker no longer reaches the disk. */
static void abandon(struct bench *b)
{
	fake_disk_cut_at(b->disk, fake_disk_operations(b->disk) + 1);
	hf_outbox_close(b->outbox);
	fake_disk_revive(b->disk);
	b->outbox = NULL;
}

static void open_again(struct bench *b)
{
	b->clock.mono_us += 5000000;
	b->outbox = test_open(b->disk, &b->options, &b->report);
}

static void append_on(struct bench *b, uint64_t first, uint64_t last)
{
	for (uint64_t n = first; n <= last; n++)
		CHECK_U64(test_append(b->outbox, n), >, 0);
}

/* count offers at once, from the nth. */
static enum hf_code append_batch(struct bench *b, uint64_t n, size_t count,
				 struct hf_outbox_result *results)
{
	static struct hf_offer offers[HF_OUTBOX_BATCH_MAX];
	const struct hf_offer *pointers[HF_OUTBOX_BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		offers[i] = test_offer(n + i);
		pointers[i] = &offers[i];
	}
	return hf_outbox_append(b->outbox, pointers, count, results, &err);
}

/* The first half of append(), of the nth event alone; its number, or 0 when it was not taken. */
static uint64_t store(struct bench *b, uint64_t n)
{
	struct hf_offer offer = test_offer(n);
	const struct hf_offer *offers[] = { &offer };
	struct hf_outbox_result result;

	(void)!hf_outbox_store(b->outbox, offers, 1, &result, &err);
	return result.code == HF_OK ? result.local_seq : 0;
}

static uint64_t seq_shown(const struct bench *b)
{
	struct hf_watermark position;

	hf_outbox_position(b->outbox, &position);
	return position.seq;
}

static size_t size_of(const struct bench *b, const char *path)
{
	size_t size = 0;

	CHECK(fake_disk_bytes(b->disk, path, &size) != NULL);
	return size;
}

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

/* What stands in a file now is what a power cut leaves of it later. */
static void save(struct bench *b, const char *path)
{
	const char *data = fake_disk_bytes(b->disk, path, &b->saved_size);

	CHECK(data != NULL);
	free(b->saved);
	b->saved = malloc(b->saved_size + 1);
	CHECK(b->saved != NULL);
	memcpy(b->saved, data, b->saved_size);
}

static void bring_back(struct bench *b, const char *path)
{
	fake_disk_put(b->disk, path, b->saved, b->saved_size);
}

/* Numbers first..last of producers' events are read once each, in order. */
static void check_read(struct bench *b, uint64_t first, uint64_t last)
{
	struct hf_reader_options options = { .disk = b->disk, .folder = HF_OUTBOX_FOLDER };
	struct hf_reader *reader;
	struct hf_line line;
	uint64_t expected = first, seq_last = 0;

	CHECK_OK(hf_reader_open(&options, &reader, &err));
	while (hf_reader_next(reader, &line, NULL, NULL, &err) == HF_OK) {
		char text[HF_ORIGIN_BYTES];
		struct hf_origin origin;

		CHECK_U64(line.local_seq, >, seq_last);
		seq_last = line.local_seq;
		CHECK(line.data[line.size_bytes - 2] == '}' &&
		      line.data[line.size_bytes - 1] == '\n');
		CHECK(hf_slice_text(&line.origin, text, sizeof text));
		CHECK_OK(hf_origin_parse(text, &origin, &err));
		if (origin.producer != 'r')
			continue;
		CHECK_U64(origin.n, ==, expected);
		expected++;
	}
	CHECK_U64(expected, ==, last + 1);
	hf_reader_close(reader);
}

static void check_verified(struct bench *b)
{
	struct hf_verify_options options = { .disk = b->disk, .folder = HF_OUTBOX_FOLDER };
	struct hf_verify_report report;

	CHECK_OK(hf_verify(&options, &report, &err));
	CHECK_U64(report.problems, ==, 0);
}

TEST(an_event_costs_one_flush_and_the_day_file_has_it_too)
{
	struct bench b;

	setup(&b);
	uint64_t syncs = fake_disk_count(b.disk, FAKE_DISK_SYNC);
	append_on(&b, 1, 5);
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_SYNC), ==, syncs + 5);
	CHECK_U64(count_in(&b, TEST_FILE, "pre_action_zone_entry"), ==, 5);
	CHECK_U64(count_in(&b, RING, "pre_action_zone_entry"), ==, 5);
	CHECK_U64(size_of(&b, RING), ==, RING_BYTES);
	CHECK_U64(hf_outbox_counters(b.outbox)->day_flushes, ==, 0);
	check_read(&b, 1, 5);
	check_verified(&b);
	teardown(&b);
}

TEST(an_event_is_stored_before_the_day_file_shows_it)
{
	struct bench b;

	setup(&b);
	uint64_t syncs = fake_disk_count(b.disk, FAKE_DISK_SYNC);
	CHECK_U64(store(&b, 1), ==, 2);
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_SYNC), ==, syncs + 1);
	CHECK_U64(count_in(&b, RING, "pre_action_zone_entry"), ==, 1);
	CHECK_U64(count_in(&b, TEST_FILE, "pre_action_zone_entry"), ==, 0);
	CHECK_U64(seq_shown(&b), ==, 1);
	CHECK_OK(hf_outbox_show(b.outbox, &err));
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_SYNC), ==, syncs + 1);
	CHECK_U64(count_in(&b, TEST_FILE, "pre_action_zone_entry"), ==, 1);
	CHECK_U64(seq_shown(&b), ==, 2);
	uint64_t writes = fake_disk_count(b.disk, FAKE_DISK_WRITE);
	CHECK_OK(hf_outbox_show(b.outbox, &err));
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_WRITE), ==, writes);
	check_read(&b, 1, 1);
	check_verified(&b);
	teardown(&b);
}

TEST(an_event_that_was_stored_and_never_shown_is_there_after_a_start)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	CHECK_U64(store(&b, 3), ==, 4);
	save(&b, TEST_FILE);
	abandon(&b);
	bring_back(&b, TEST_FILE);
	CHECK_U64(count_in(&b, TEST_FILE, "pre_action_zone_entry"), ==, 2);
	open_again(&b);
	CHECK_U64(b.report.from_ring, ==, 1);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	append_on(&b, 4, 4);
	check_read(&b, 1, 4);
	check_verified(&b);
	teardown(&b);
}

TEST(whatever_is_called_next_shows_what_is_owed)
{
	struct bench b;

	setup(&b);
	/* Around the ring, several times. */
	for (uint64_t n = 1; n <= 40; n++)
		CHECK_U64(store(&b, n), ==, n + 1);
	CHECK_U64(seq_shown(&b), ==, 40);
	CHECK_OK(hf_outbox_flush(b.outbox, &err));
	CHECK_U64(seq_shown(&b), ==, 41);
	CHECK_U64(store(&b, 41), ==, 42);
	CHECK_OK(hf_outbox_set_epoch(b.outbox, "8899aabbccddeeff", "{}", &err));
	CHECK_U64(count_in(&b, TEST_FILE, "\"origin\":\"3.r.1.41\""), ==, 1);
	/* Behind a header and its event; then the next day, and the end. */
	CHECK_U64(store(&b, 42), ==, 45);
	b.clock.wall_ms += INT64_C(24) * 3600 * 1000;
	CHECK_U64(store(&b, 43), ==, 47);
	hf_outbox_close(b.outbox);
	CHECK_U64(count_in(&b, "outbox/2026-04-21.jsonl", "\"origin\":\"3.r.1.43\""), ==, 1);
	open_again(&b);
	CHECK_U64(b.report.from_ring, ==, 0);
	check_read(&b, 1, 43);
	check_verified(&b);
	teardown(&b);
}

TEST(the_header_has_a_block_of_its_own)
{
	struct bench b;

	setup(&b);
	CHECK_U64(size_of(&b, TEST_FILE), ==, BLOCK);
	CHECK_U64(count_in(&b, TEST_FILE, "\"commit\":\"ring\""), ==, 1);
	append_on(&b, 1, 1);
	size_t size;
	const char *data = fake_disk_bytes(b.disk, TEST_FILE, &size);
	CHECK(data[BLOCK - 1] == '\n' && data[BLOCK - 2] == ' ' && data[BLOCK] == '{');
	teardown(&b);
}

TEST(the_day_file_is_flushed_before_the_ring_overwrites_what_only_it_has)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 8);
	CHECK_U64(hf_outbox_counters(b.outbox)->day_flushes, ==, 0);
	append_on(&b, 9, 9);
	CHECK_U64(hf_outbox_counters(b.outbox)->day_flushes, ==, 1);
	append_on(&b, 10, 40);
	CHECK_U64(hf_outbox_counters(b.outbox)->day_flushes, ==, 4);
	check_read(&b, 1, 40);
	teardown(&b);
}

TEST(lines_that_only_the_ring_kept_come_back_under_their_numbers)
{
	struct bench b;

	setup(&b);
	save(&b, TEST_FILE);
	append_on(&b, 1, 6);
	uint64_t seq = test_append(b.outbox, 7);
	abandon(&b);
	bring_back(&b, TEST_FILE);
	open_again(&b);
	CHECK_U64(b.report.from_ring, ==, 7);
	CHECK_U64(b.report.gap_from, ==, 0);
	CHECK_U64(test_append(b.outbox, 7), ==, seq);
	CHECK_U64(test_append(b.outbox, 8), ==, seq + 1);
	check_read(&b, 1, 8);
	check_verified(&b);
	teardown(&b);
}

TEST(a_torn_end_is_written_anew_from_the_ring)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 6);
	save(&b, TEST_FILE);
	abandon(&b);
	/* The fourth line's second half and all behind it is garbage. */
	memset(b.saved + BLOCK + 2000, 0xa5, b.saved_size - BLOCK - 2000);
	bring_back(&b, TEST_FILE);
	open_again(&b);
	CHECK_U64(b.report.from_ring, ==, 3);
	CHECK_U64(b.report.bytes_torn, ==, 0);
	append_on(&b, 7, 7);
	check_read(&b, 1, 7);
	check_verified(&b);
	teardown(&b);
}

TEST(the_ring_goes_on_behind_its_newest_line_after_a_restart)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 10);
	hf_outbox_close(b.outbox);
	open_again(&b);
	append_on(&b, 11, 11);
	/* Frames 1 to 16 fill it; the eleventh stands in the eleventh slot. */
	size_t size;
	const char *ring = fake_disk_bytes(b.disk, RING, &size);
	CHECK(memmem(ring + (size_t)10 * BLOCK, BLOCK, "\"origin\":\"3.r.1.11\"", 19) != NULL);
	teardown(&b);
}

TEST(a_large_batch_goes_to_the_day_file_and_ends_at_a_blocks_end)
{
	struct hf_outbox_result results[HF_OUTBOX_BATCH_MAX];
	struct bench b;

	setup(&b);
	append_on(&b, 1, 1);
	uint64_t syncs = fake_disk_count(b.disk, FAKE_DISK_SYNC);
	CHECK_OK(append_batch(&b, 2, 100, results));
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_SYNC), ==, syncs + 1);
	CHECK_U64(size_of(&b, TEST_FILE) % BLOCK, ==, 0);
	CHECK_U64(count_in(&b, RING, "pre_action_zone_entry"), ==, 1);
	append_on(&b, 102, 102);
	check_read(&b, 1, 102);
	check_verified(&b);
	teardown(&b);
}

TEST(lines_behind_a_hole_that_the_ring_fills_are_carried_into_a_new_file)
{
	struct hf_outbox_result results[HF_OUTBOX_BATCH_MAX];
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	CHECK_OK(append_batch(&b, 4, 100, results));
	save(&b, TEST_FILE);
	abandon(&b);
	/* The second line is damaged; behind the hole stand a hundred that no ring has. The line
	 * before it lies in the damaged block, and comes along. */
	b.saved[BLOCK + 700] ^= 1;
	bring_back(&b, TEST_FILE);
	open_again(&b);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-20.1.jsonl"));
	CHECK_U64(count_in(&b, "outbox/2026-04-20.1.jsonl", "\"carried\":103,"), ==, 1);
	/* The old file is as it was. */
	CHECK_U64(size_of(&b, TEST_FILE), ==, b.saved_size);
	CHECK_U64(test_append(b.outbox, 2), ==, 3);
	CHECK_U64(test_append(b.outbox, 50), ==, results[46].local_seq);
	append_on(&b, 104, 104);
	check_read(&b, 1, 104);
	check_verified(&b);
	teardown(&b);
}

TEST(a_day_file_whose_flush_fails_is_carried_on_under_the_same_numbers)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 8);
	/* The next frame enters the other half: the first flush is the day file's. */
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	CHECK_U64(test_append(b.outbox, 9), ==, 11);
	size_t size = size_of(&b, TEST_FILE);
	CHECK_U64(hf_outbox_counters(b.outbox)->files_spent, ==, 1);
	CHECK_U64(count_in(&b, "outbox/2026-04-20.1.jsonl", "\"carried\":8,"), ==, 1);
	append_on(&b, 10, 12);
	CHECK_U64(size_of(&b, TEST_FILE), ==, size);
	check_read(&b, 1, 12);
	check_verified(&b);
	/* A restart finds the same, and so does one that finds nothing of the old file's lines. */
	hf_outbox_close(b.outbox);
	open_again(&b);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	check_read(&b, 1, 12);
	teardown(&b);
}

TEST(when_the_new_file_fails_too_the_ring_keeps_the_lines_and_offers_wait)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 8);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 2, HF_E_IO);
	CHECK_U64(test_append(b.outbox, 9), ==, 0);
	/* Not tried again within a second. */
	CHECK_U64(test_append(b.outbox, 9), ==, 0);
	CHECK_U64(test_append(b.outbox, 4), ==, 5);
	b.clock.mono_us += 2000000;
	CHECK_U64(test_append(b.outbox, 9), >, 9);
	check_read(&b, 1, 9);
	check_verified(&b);
	teardown(&b);
}

TEST(a_ring_that_fails_is_left_and_the_day_file_flushed_from_then_on)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	uint64_t seq = test_append(b.outbox, 4);
	/* Its number may stand in the ring: it was passed over, and an event says so. */
	CHECK_U64(seq, >, 5);
	CHECK(!hf_outbox_counters(b.outbox)->by_ring);
	CHECK_U64(hf_outbox_counters(b.outbox)->ring_failures, ==, 1);
	const char *next = "outbox/2026-04-20.1.jsonl";
	CHECK_U64(count_in(&b, next, "\"commit\":\"file\",\"reason\":\"ring_failed\""), ==, 1);
	CHECK_U64(count_in(&b, next, "\"event_class\":\"outbox_ring_failed\""), ==, 1);
	CHECK_U64(count_in(&b, next, "\"from\":5,\"through\":5,\"reason\":\"ring_failed\""), ==, 1);
	uint64_t syncs = fake_disk_count(b.disk, FAKE_DISK_SYNC);
	append_on(&b, 5, 6);
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_SYNC), ==, syncs + 2);
	check_read(&b, 1, 6);
	/* What the ring may hold of the failed batch does not come back. */
	abandon(&b);
	open_again(&b);
	CHECK(hf_outbox_counters(b.outbox)->by_ring);
	check_read(&b, 1, 6);
	check_verified(&b);
	teardown(&b);
}

TEST(the_next_day_begins_with_a_ring_again)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 1);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	append_on(&b, 2, 2);
	CHECK(!hf_outbox_counters(b.outbox)->by_ring);
	b.clock.wall_ms += INT64_C(86400000);
	append_on(&b, 3, 3);
	CHECK(hf_outbox_counters(b.outbox)->by_ring);
	check_read(&b, 1, 3);
	check_verified(&b);
	teardown(&b);
}

TEST(without_room_in_the_day_file_the_ring_is_not_asked)
{
	struct hf_outbox_result result;
	struct bench b;

	setup(&b);
	append_on(&b, 1, 1);
	hf_outbox_close(b.outbox);
	fake_disk_capacity(b.disk, 0);
	open_again(&b);
	CHECK_CODE(append_batch(&b, 2, 1, &result), HF_E_NOSPACE);
	CHECK_U64(count_in(&b, RING, "\"origin\":\"3.r.1.2\""), ==, 0);
	fake_disk_capacity(b.disk, UINT64_MAX);
	b.clock.mono_us += 2000000;
	CHECK_U64(test_append(b.outbox, 2), ==, 3);
	check_read(&b, 1, 2);
	check_verified(&b);
	teardown(&b);
}

TEST(a_day_file_that_fails_behind_the_ring_costs_nothing)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	/* The ring's write succeeds, the day file's does not. */
	fake_disk_fail(b.disk, FAKE_DISK_WRITE, 2, 1, HF_E_IO);
	CHECK_U64(test_append(b.outbox, 3), ==, 4);
	CHECK_U64(count_in(&b, "outbox/2026-04-20.1.jsonl", "\"carried\":3,"), ==, 1);
	append_on(&b, 4, 4);
	check_read(&b, 1, 4);
	check_verified(&b);
	teardown(&b);
}

TEST(a_day_file_that_fails_behind_an_answer_costs_nothing)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 2);
	CHECK_U64(store(&b, 3), ==, 4);
	fake_disk_fail(b.disk, FAKE_DISK_WRITE, 1, 1, HF_E_IO);
	CHECK_OK(hf_outbox_show(b.outbox, &err));
	CHECK_U64(count_in(&b, "outbox/2026-04-20.1.jsonl", "\"carried\":3,"), ==, 1);
	CHECK_U64(seq_shown(&b), ==, 5);
	check_read(&b, 1, 3);
	check_verified(&b);
	/* Nor is there a file that shows it: it waits in the ring, and no event need come for it. */
	CHECK_U64(store(&b, 4), ==, 6);
	fake_disk_fail(b.disk, FAKE_DISK_WRITE, 1, 2, HF_E_NOSPACE);
	CHECK_CODE(hf_outbox_show(b.outbox, &err), HF_E_NOSPACE);
	CHECK_CODE(hf_outbox_show(b.outbox, &err), HF_E_NOSPACE);
	CHECK_U64(seq_shown(&b), ==, 5);
	CHECK_U64(store(&b, 4), ==, 6);
	CHECK_U64(store(&b, 5), ==, 0);
	b.clock.mono_us += 2000000;
	CHECK_OK(hf_outbox_show(b.outbox, &err));
	CHECK_U64(seq_shown(&b), >, 6);
	check_read(&b, 1, 4);
	append_on(&b, 5, 20);
	check_read(&b, 1, 20);
	check_verified(&b);
	teardown(&b);
}

TEST(a_day_file_removed_under_the_writer_comes_back_as_far_as_the_ring_has_it)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	fake_disk_remove(b.disk, TEST_FILE);
	CHECK_U64(test_append(b.outbox, 4), ==, 5);
	CHECK(fake_disk_exists(b.disk, TEST_FILE));
	CHECK_U64(count_in(&b, TEST_FILE, "\"reason\":\"file_removed\""), ==, 1);
	append_on(&b, 5, 5);
	check_read(&b, 1, 5);
	teardown(&b);
}

TEST(a_day_file_removed_while_nobody_looked_comes_back_as_far_as_the_ring_has_it)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	b.clock.wall_ms += INT64_C(86400000);
	append_on(&b, 4, 6);
	hf_outbox_close(b.outbox);
	fake_disk_remove(b.disk, "outbox/2026-04-21.jsonl");
	open_again(&b);
	check_read(&b, 1, 6);
	CHECK_U64(test_append(b.outbox, 5), ==, 7);
	/* Those that may have stood there too are never used again. */
	CHECK_U64(test_append(b.outbox, 7), >, HF_OUTBOX_RESERVE);
	CHECK_U64(b.report.gap_from, >, 0);
	teardown(&b);
}

TEST(a_ring_that_is_gone_costs_numbers_but_never_gives_one_twice)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	uint64_t seq = test_append(b.outbox, 4);
	abandon(&b);
	fake_disk_remove(b.disk, RING);
	open_again(&b);
	uint64_t next = test_append(b.outbox, 5);
	CHECK_U64(next, >, seq + 100);
	CHECK_U64(count_in(&b, "outbox/2026-04-20.1.jsonl", "\"reason\":\"ring_missing\""), ==, 1);
	check_read(&b, 1, 5);
	check_verified(&b);
	teardown(&b);
}

TEST(a_ring_removed_under_the_writer_is_found_out_at_once)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	fake_disk_remove(b.disk, RING);
	CHECK_U64(test_append(b.outbox, 4), >, 0);
	CHECK_U64(hf_outbox_counters(b.outbox)->ring_failures, ==, 1);
	check_read(&b, 1, 4);
	teardown(&b);
}

TEST(a_frame_torn_behind_the_newest_leaves_a_gap_rather_than_a_number_used_twice)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	save(&b, RING);
	abandon(&b);
	memcpy(b.saved + 3 * BLOCK, "{\"device_id\":\"unit-7\",\"local_s", 30);
	bring_back(&b, RING);
	open_again(&b);
	CHECK_U64(b.report.gap_from, ==, 5);
	CHECK_U64(test_append(b.outbox, 4), >, b.report.gap_through);
	check_read(&b, 1, 4);
	check_verified(&b);
	teardown(&b);
}

TEST(a_ring_of_another_log_is_not_believed)
{
	struct bench b, other;

	setup(&other);
	append_on(&other, 101, 106);
	save(&other, RING);
	setup(&b);
	append_on(&b, 1, 3);
	abandon(&b);
	fake_disk_put(b.disk, RING, other.saved, other.saved_size);
	open_again(&b);
	CHECK_U64(b.report.from_ring, ==, 0);
	CHECK_U64(test_append(b.outbox, 4), >, 7);
	check_read(&b, 1, 4);
	teardown(&b);
	teardown(&other);
}

TEST(the_ring_can_be_left_and_taken_up_again)
{
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	abandon(&b);
	b.options.commit = HF_COMMIT_FILE;
	open_again(&b);
	CHECK(!fake_disk_exists(b.disk, RING));
	CHECK_U64(count_in(&b, "outbox/2026-04-20.1.jsonl",
			   "\"commit\":\"file\",\"reason\":\"commit\""),
		  ==, 1);
	append_on(&b, 4, 5);
	abandon(&b);
	b.options.commit = HF_COMMIT_RING;
	open_again(&b);
	CHECK(fake_disk_exists(b.disk, RING));
	append_on(&b, 6, 7);
	check_read(&b, 1, 7);
	check_verified(&b);
	teardown(&b);
}

TEST(where_a_ring_finds_no_room_the_day_file_does_without)
{
	struct bench b = { 0 };

	test_clock_start(&b.clock);
	b.options = test_options(&b.clock);
	b.options.commit = HF_COMMIT_RING;
	b.options.ring_bytes = 16 * RING_BYTES;
	b.disk = fake_disk_new(1);
	fake_disk_capacity(b.disk, 8 * RING_BYTES);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	append_on(&b, 1, 3);
	CHECK(!hf_outbox_counters(b.outbox)->by_ring);
	CHECK_U64(count_in(&b, TEST_FILE, "\"event_class\":\"outbox_ring_failed\""), ==, 1);
	check_read(&b, 1, 3);
	teardown(&b);
}

TEST(flushing_makes_the_file_complete_without_the_ring)
{
	struct hf_watermark position;
	struct bench b;

	setup(&b);
	append_on(&b, 1, 3);
	hf_outbox_position(b.outbox, &position);
	CHECK_U64(position.flushed, ==, BLOCK);
	CHECK_OK(hf_outbox_flush(b.outbox, &err));
	hf_outbox_position(b.outbox, &position);
	CHECK_U64(position.flushed, ==, position.offset);
	CHECK_U64(hf_outbox_counters(b.outbox)->day_flushes, ==, 1);
	CHECK_OK(hf_outbox_flush(b.outbox, &err));
	CHECK_U64(hf_outbox_counters(b.outbox)->day_flushes, ==, 1);
	teardown(&b);
}

/* Day files d = 0.. with one event each; the number of reads that opening takes. */
static uint64_t reads_to_open(unsigned days)
{
	struct bench b;

	setup(&b);
	for (unsigned d = 0; d < days; d++) {
		append_on(&b, d + 1, d + 1);
		b.clock.wall_ms += INT64_C(86400000);
	}
	hf_outbox_close(b.outbox);
	/* Old files of some size: they hold no origins that are still needed. */
	for (unsigned d = 0; d + 2 < days; d++) {
		struct hf_wall wall = { .ms = TEST_NOON_MS + d * INT64_C(86400000) };
		char day[HF_DAY_TEXT_BYTES], path[64];

		hf_wall_day(wall, day);
		(void)snprintf(path, sizeof path, "outbox/%s.jsonl", day);
		save(&b, path);
		char *large = malloc(BYTES_MAX);
		CHECK(large != NULL);
		memset(large, '\n', BYTES_MAX);
		memcpy(large, b.saved, b.saved_size);
		fake_disk_put(b.disk, path, large, BYTES_MAX);
		free(large);
	}
	uint64_t before = fake_disk_count(b.disk, FAKE_DISK_READ);
	open_again(&b);
	uint64_t reads = fake_disk_count(b.disk, FAKE_DISK_READ) - before;
	CHECK_U64(test_append(b.outbox, days), ==, 2 * days);
	teardown(&b);
	return reads;
}

TEST(opening_takes_as_long_with_many_files_as_with_few)
{
	CHECK_U64(reads_to_open(60), ==, reads_to_open(6));
}

/* The reader with a watermark page of its own. */
TEST(a_reader_waits_where_the_file_lost_what_the_ring_still_has)
{
	char folder[] = "/tmp/holdfast-ring-XXXXXX", path[64];
	struct hf_watermark_page *page;
	struct hf_watermark position;
	struct hf_reader *reader;
	struct hf_line line;
	struct hf_passed passed;
	struct bench b;

	CHECK(mkdtemp(folder) != NULL);
	setup(&b);
	CHECK_OK(hf_watermark_create(folder, TEST_BOOT, 1, &page, &err));
	append_on(&b, 1, 3);
	hf_outbox_position(b.outbox, &position);
	hf_watermark_publish(page, &position);
	/* The kernel could not write the block with the events, and dropped it. */
	save(&b, TEST_FILE);
	memset(b.saved + BLOCK, 0, b.saved_size - BLOCK);
	bring_back(&b, TEST_FILE);
	struct hf_reader_options options = { .disk = b.disk,
					     .folder = HF_OUTBOX_FOLDER,
					     .watermark = page };
	CHECK_OK(hf_reader_open(&options, &reader, &err));
	CHECK_OK(hf_reader_next(reader, &line, &passed, NULL, &err));
	CHECK_CODE(hf_reader_next(reader, &line, &passed, NULL, &err), HF_E_AGAIN);
	CHECK_CODE(hf_reader_next(reader, &line, &passed, NULL, &err), HF_E_AGAIN);
	/* keeper finds out when it flushes. */
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	CHECK_OK(hf_outbox_flush(b.outbox, &err));
	hf_outbox_position(b.outbox, &position);
	hf_watermark_publish(page, &position);
	for (uint64_t seq = 2; seq <= 4; seq++) {
		CHECK_OK(hf_reader_next(reader, &line, &passed, NULL, &err));
		CHECK_U64(line.local_seq, ==, seq);
		CHECK_U64(passed.lines_bad + passed.bytes_bad + passed.gap_from, ==, 0);
	}
	hf_reader_close(reader);
	hf_watermark_close(page);
	(void)snprintf(path, sizeof path, "%s/committed", folder);
	CHECK_I64(unlink(path), ==, 0);
	CHECK_I64(rmdir(folder), ==, 0);
	teardown(&b);
}

TESTS(RUN(an_event_costs_one_flush_and_the_day_file_has_it_too),
      RUN(an_event_is_stored_before_the_day_file_shows_it),
      RUN(an_event_that_was_stored_and_never_shown_is_there_after_a_start),
      RUN(whatever_is_called_next_shows_what_is_owed), RUN(the_header_has_a_block_of_its_own),
      RUN(the_day_file_is_flushed_before_the_ring_overwrites_what_only_it_has),
      RUN(lines_that_only_the_ring_kept_come_back_under_their_numbers),
      RUN(a_torn_end_is_written_anew_from_the_ring),
      RUN(the_ring_goes_on_behind_its_newest_line_after_a_restart),
      RUN(a_large_batch_goes_to_the_day_file_and_ends_at_a_blocks_end),
      RUN(lines_behind_a_hole_that_the_ring_fills_are_carried_into_a_new_file),
      RUN(a_day_file_whose_flush_fails_is_carried_on_under_the_same_numbers),
      RUN(when_the_new_file_fails_too_the_ring_keeps_the_lines_and_offers_wait),
      RUN(a_ring_that_fails_is_left_and_the_day_file_flushed_from_then_on),
      RUN(the_next_day_begins_with_a_ring_again),
      RUN(without_room_in_the_day_file_the_ring_is_not_asked),
      RUN(a_day_file_that_fails_behind_the_ring_costs_nothing),
      RUN(a_day_file_that_fails_behind_an_answer_costs_nothing),
      RUN(a_day_file_removed_under_the_writer_comes_back_as_far_as_the_ring_has_it),
      RUN(a_day_file_removed_while_nobody_looked_comes_back_as_far_as_the_ring_has_it),
      RUN(a_ring_that_is_gone_costs_numbers_but_never_gives_one_twice),
      RUN(a_ring_removed_under_the_writer_is_found_out_at_once),
      RUN(a_frame_torn_behind_the_newest_leaves_a_gap_rather_than_a_number_used_twice),
      RUN(a_ring_of_another_log_is_not_believed), RUN(the_ring_can_be_left_and_taken_up_again),
      RUN(where_a_ring_finds_no_room_the_day_file_does_without),
      RUN(flushing_makes_the_file_complete_without_the_ring),
      RUN(opening_takes_as_long_with_many_files_as_with_few),
      RUN(a_reader_waits_where_the_file_lost_what_the_ring_still_has))
