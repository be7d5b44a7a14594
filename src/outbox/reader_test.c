/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/reader.h"

#include "fake_disk.h"
#include "outbox/testing.h"

#include <stdlib.h>
#include <unistd.h>

struct bench {
	struct test_clock clock;
	struct hf_outbox_options options;
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_reader *reader;
	struct hf_watermark_page *page; /* keeper's */
	struct hf_watermark_page *view; /* the reader's */
	char folder[32];
};

static void setup(struct bench *b, bool watermark, uint64_t after_seq)
{
	struct hf_err err = { 0 };
	struct hf_outbox_report report;

	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->disk = fake_disk_new(1);
	b->outbox = test_open(b->disk, &b->options, &report);
	if (watermark) {
		(void)snprintf(b->folder, sizeof b->folder, "/tmp/hf_reader_XXXXXX");
		CHECK(mkdtemp(b->folder) != NULL);
		CHECK_OK(hf_watermark_create(b->folder, TEST_BOOT, 1, &b->page, &err));
		CHECK_OK(hf_watermark_open(b->folder, TEST_BOOT, &b->view, &err));
	}
	struct hf_reader_options options = { .disk = b->disk,
					     .folder = HF_OUTBOX_FOLDER,
					     .watermark = b->view,
					     .after_seq = after_seq };
	CHECK_OK(hf_reader_open(&options, &b->reader, &err));
}

static void teardown(struct bench *b)
{
	char path[64];

	hf_reader_close(b->reader);
	hf_outbox_close(b->outbox);
	hf_watermark_close(b->page);
	hf_watermark_close(b->view);
	if (b->folder[0] != '\0') {
		(void)snprintf(path, sizeof path, "%s/committed", b->folder);
		(void)unlink(path);
		(void)rmdir(b->folder);
	}
	fake_disk_free(b->disk);
}

static void publish(struct bench *b)
{
	struct hf_watermark position;

	hf_outbox_position(b->outbox, &position);
	hf_watermark_publish(b->page, &position);
}

/* The next number, or 0 when there is nothing more now. */
static uint64_t next(struct bench *b, struct hf_passed *passed)
{
	struct hf_err err = { 0 };
	struct hf_line line;
	enum hf_code code = hf_reader_next(b->reader, &line, passed, NULL, &err);

	if (code == HF_E_AGAIN)
		return 0;
	CHECK_OK(code);
	return line.local_seq;
}

TEST(lines_come_in_order_across_files_and_as_they_are_written)
{
	struct bench b;
	struct hf_passed passed;

	setup(&b, false, 0);
	CHECK_U64(next(&b, &passed), ==, 1);
	CHECK_U64(next(&b, &passed), ==, 0);
	test_append(b.outbox, 1);
	CHECK_U64(next(&b, &passed), ==, 2);
	test_append(b.outbox, 2);
	b.clock.wall_ms += INT64_C(86400000);
	test_append(b.outbox, 3);
	for (uint64_t seq = 3; seq <= 5; seq++) {
		CHECK_U64(next(&b, &passed), ==, seq);
		CHECK_U64(passed.gap_from, ==, 0);
	}
	CHECK_U64(next(&b, &passed), ==, 0);
	teardown(&b);
}

TEST(nothing_is_read_before_the_watermark_says_so)
{
	struct bench b;

	setup(&b, true, 0);
	CHECK_U64(next(&b, NULL), ==, 0);
	publish(&b);
	CHECK_U64(next(&b, NULL), ==, 1);
	test_append(b.outbox, 1);
	test_append(b.outbox, 2);
	CHECK_U64(next(&b, NULL), ==, 0);
	publish(&b);
	CHECK_U64(next(&b, NULL), ==, 2);
	b.clock.wall_ms += INT64_C(86400000);
	test_append(b.outbox, 3);
	CHECK_U64(next(&b, NULL), ==, 3);
	CHECK_U64(next(&b, NULL), ==, 0);
	publish(&b);
	CHECK_U64(next(&b, NULL), ==, 4);
	CHECK_U64(next(&b, NULL), ==, 5);
	CHECK_U64(next(&b, NULL), ==, 0);
	teardown(&b);
}

TEST(void_lines_of_a_spent_file_are_never_read)
{
	struct bench b;
	struct hf_passed passed;

	for (int watermark = 0; watermark < 2; watermark++) {
		setup(&b, watermark == 1, 0);
		test_append(b.outbox, 1);
		if (watermark == 1)
			publish(&b);
		CHECK_U64(next(&b, &passed), ==, 1);
		CHECK_U64(next(&b, &passed), ==, 2);
		CHECK_U64(next(&b, &passed), ==, 0);
		/* 3 stands in the old file, and nobody was told. */
		fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
		CHECK_U64(test_append(b.outbox, 2), ==, 6);
		if (watermark == 1)
			publish(&b);
		CHECK_U64(next(&b, &passed), ==, 4);
		CHECK_U64(passed.gap_from, ==, 3);
		CHECK_U64(passed.gap_through, ==, 3);
		CHECK_U64(next(&b, &passed), ==, 5);
		CHECK_U64(next(&b, &passed), ==, 6);
		CHECK_U64(next(&b, &passed), ==, 0);
		teardown(&b);
	}
}

TEST(rot_is_passed_over_line_by_line_and_told)
{
	struct bench b;
	struct hf_passed passed;
	size_t size;

	setup(&b, false, 0);
	for (uint64_t n = 1; n <= 9; n++)
		test_append(b.outbox, n);
	(void)fake_disk_bytes(b.disk, TEST_FILE, &size);
	fake_disk_flip_bit(b.disk, TEST_FILE, 8 * (size / 2));
	uint64_t lines = 0, bad = 0, missing = 0;
	while (next(&b, &passed) != 0) {
		lines++;
		bad += passed.lines_bad;
		missing += passed.gap_from != 0 ? passed.gap_through - passed.gap_from + 1 : 0;
	}
	CHECK_U64(lines, ==, 9);
	CHECK_U64(bad, ==, 1);
	CHECK_U64(missing, ==, 1);
	teardown(&b);
}

TEST(a_reader_starts_behind_its_cursor_and_tells_of_nothing_before_it)
{
	struct bench b;
	struct hf_passed passed;

	setup(&b, false, 1500);
	for (uint64_t n = 1; n <= 2000; n++)
		test_append(b.outbox, n);
	/* Damage on the way. */
	fake_disk_flip_bit(b.disk, TEST_FILE, 8 * 100000);
	uint64_t reads = fake_disk_count(b.disk, FAKE_DISK_READ);
	CHECK_U64(next(&b, &passed), ==, 1501);
	CHECK_U64(passed.lines_bad, ==, 0);
	CHECK_U64(passed.gap_from, ==, 0);
	/* Found, not walked to: the file has some 20 buffers. */
	CHECK_U64(fake_disk_count(b.disk, FAKE_DISK_READ) - reads, <, 12);
	hf_reader_seek(b.reader, 10);
	CHECK_U64(next(&b, &passed), ==, 11);
	teardown(&b);
}

TEST(a_batch_holds_whole_lines_and_loses_none_between_batches)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_batch batch;
	char data[3000];
	uint64_t expected = 1;

	setup(&b, false, 0);
	for (uint64_t n = 1; n <= 20; n++)
		test_append(b.outbox, n);
	for (;;) {
		enum hf_code code = hf_reader_batch(b.reader, data, sizeof data, 4, &batch, &err);

		if (code == HF_E_AGAIN)
			break;
		CHECK_OK(code);
		CHECK_U64(batch.first_seq, ==, expected);
		CHECK_U64(batch.last_seq, ==, batch.first_seq + batch.lines - 1);
		CHECK(data[batch.size_bytes - 1] == '\n');
		expected = batch.last_seq + 1;
	}
	CHECK_U64(expected, ==, 22);
	hf_reader_seek(b.reader, 5);
	CHECK_CODE(hf_reader_batch(b.reader, data, 100, 4, &batch, &err), HF_E_LIMIT);
	CHECK_OK(hf_reader_batch(b.reader, data, sizeof data, 1, &batch, &err));
	CHECK_U64(batch.first_seq, ==, 6);
	teardown(&b);
}

TEST(a_cursor_behind_what_retention_removed_is_a_gap)
{
	struct bench b;
	struct hf_passed passed;

	setup(&b, false, 1);
	test_append(b.outbox, 1);
	b.clock.wall_ms += INT64_C(86400000);
	test_append(b.outbox, 2);
	fake_disk_remove(b.disk, TEST_FILE);
	CHECK_U64(next(&b, &passed), ==, 3);
	CHECK_U64(passed.gap_from, ==, 2);
	CHECK_U64(passed.gap_through, ==, 2);
	teardown(&b);
}

TEST(an_append_in_hand_is_not_taken_for_rot)
{
	struct bench b;
	struct hf_passed passed;
	size_t size;

	setup(&b, false, 0);
	test_append(b.outbox, 1);
	hf_outbox_close(b.outbox);
	b.outbox = NULL;
	const char *bytes = fake_disk_bytes(b.disk, TEST_FILE, &size);
	char *copy = malloc(size);
	memcpy(copy, bytes, size);
	fake_disk_put(b.disk, TEST_FILE, copy, size - 100);
	CHECK_U64(next(&b, &passed), ==, 1);
	CHECK_U64(next(&b, &passed), ==, 0);
	CHECK_U64(next(&b, &passed), ==, 0);
	fake_disk_put(b.disk, TEST_FILE, copy, size);
	CHECK_U64(next(&b, &passed), ==, 2);
	CHECK_U64(passed.lines_bad, ==, 0);
	free(copy);
	teardown(&b);
}

TESTS(RUN(lines_come_in_order_across_files_and_as_they_are_written),
      RUN(nothing_is_read_before_the_watermark_says_so),
      RUN(void_lines_of_a_spent_file_are_never_read), RUN(rot_is_passed_over_line_by_line_and_told),
      RUN(a_reader_starts_behind_its_cursor_and_tells_of_nothing_before_it),
      RUN(a_batch_holds_whole_lines_and_loses_none_between_batches),
      RUN(a_cursor_behind_what_retention_removed_is_a_gap),
      RUN(an_append_in_hand_is_not_taken_for_rot))
