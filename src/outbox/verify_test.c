/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/verify.h"

#include "base/crc32c.h"
#include "base/random.h"
#include "fake_disk.h"
#include "outbox/cursor.h"
#include "outbox/testing.h"

#include <stdlib.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct bench {
	struct test_clock clock;
	struct hf_outbox_options options;
	struct hf_disk *disk;
	struct hf_verify_report report;
	struct hf_finding first; /* the first problem */
};

static void keep_first(void *context, const struct hf_finding *finding)
{
	struct bench *b = context;

	if (hf_finding_is_problem(finding->kind) && b->first.text[0] == '\0')
		b->first = *finding;
}

static struct hf_outbox *open_outbox(struct bench *b)
{
	struct hf_outbox_report report;

	return test_open(b->disk, &b->options, &report);
}

/* Two days: 1..6 and 7..10. */
static void setup(struct bench *b)
{
	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->disk = fake_disk_new(1);
	struct hf_outbox *outbox = open_outbox(b);
	for (uint64_t n = 1; n <= 5; n++)
		test_append(outbox, n);
	b->clock.wall_ms += INT64_C(86400000);
	for (uint64_t n = 6; n <= 8; n++)
		test_append(outbox, n);
	hf_outbox_close(outbox);
}

static void verify(struct bench *b)
{
	struct hf_err err = { 0 };
	struct hf_verify_options options = { .disk = b->disk,
					     .folder = HF_OUTBOX_FOLDER,
					     .data = true,
					     .context = b,
					     .finding = keep_first };

	b->first = (struct hf_finding){ 0 };
	CHECK_OK(hf_verify(&options, &b->report, &err));
}

/* The problem found first is of this kind and names this line. */
static void verify_finds(struct bench *b, enum hf_finding_kind kind, uint64_t seq)
{
	verify(b);
	CHECK_U64(b->report.problems, >, 0);
	CHECK_TEXT(hf_finding_name(b->first.kind), hf_finding_name(kind));
	CHECK_U64(b->first.local_seq, ==, seq);
}

/* A copy of a file with line number `index` (from 0) taken out, or changed by edit. */
static void change_line(struct bench *b, const char *path, size_t index,
			void (*edit)(char *line, size_t size))
{
	size_t size;
	const char *bytes = fake_disk_bytes(b->disk, path, &size);
	char *copy = malloc(size);

	memcpy(copy, bytes, size);
	char *line = copy;
	while (index-- > 0)
		line = (char *)memchr(line, '\n', size) + 1;
	size_t line_size = (size_t)((char *)memchr(line, '\n', size) + 1 - line);
	if (edit != NULL) {
		edit(line, line_size);
	} else {
		memmove(line, line + line_size, (size_t)(copy + size - line) - line_size);
		size -= line_size;
	}
	fake_disk_put(b->disk, path, copy, size);
	free(copy);
}

/* What somebody does who knows of the CRC. */
static void forge(char *line, size_t size)
{
	char crc[9];

	memcpy(strstr(line, "gate"), "yard", 4);
	(void)snprintf(crc, sizeof crc, "%08x", hf_crc32c(0, line, size - HF_LINE_CRC_END_BYTES));
	memcpy(line + size - 11, crc, 8);
}

static void blot(char *line, size_t size)
{
	line[size / 2] ^= 1;
}

TEST(an_untouched_outbox_has_no_problem)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	CHECK_OK(hf_cursor_store(b.disk, HF_CURSOR_HUB, 4, &err));
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.files, ==, 2);
	CHECK_U64(b.report.lines, ==, 10);
	CHECK_U64(b.report.first_seq, ==, 1);
	CHECK_U64(b.report.last_seq, ==, 10);
	CHECK_U64(b.report.cursor_count, ==, 1);
	CHECK_TEXT(b.report.cursors[0].cursor.channel, "hub");
	CHECK_U64(b.report.cursors[0].cursor.acked_through, ==, 4);
	CHECK_U64(b.report.cursors[0].pending, ==, 6);
	fake_disk_free(b.disk);
}

TEST(a_damaged_line_is_named)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, blot);
	verify_finds(&b, HF_FINDING_LINE_DAMAGED, 4);
	CHECK_U64(b.report.found[HF_FINDING_NUMBERS_GONE], ==, 1);
	CHECK_U64(b.report.lines, ==, 9);
	fake_disk_free(b.disk);
}

TEST(a_line_altered_with_a_right_crc_breaks_the_chain_and_is_named)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, forge);
	verify_finds(&b, HF_FINDING_CHAIN_BROKEN, 4);
	fake_disk_free(b.disk);
}

TEST(a_line_taken_out_breaks_the_chain_and_leaves_numbers_missing)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, NULL);
	verify_finds(&b, HF_FINDING_CHAIN_BROKEN, 5);
	CHECK_U64(b.report.found[HF_FINDING_NUMBERS_GONE], ==, 1);
	CHECK_U64(b.report.numbers_missing, ==, 1);
	fake_disk_free(b.disk);
}

TEST(lines_taken_off_the_end_of_a_day_are_missed_by_the_next_header)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 5, NULL);
	verify_finds(&b, HF_FINDING_HEADER_WRONG, 7);
	fake_disk_free(b.disk);
}

TEST(a_missing_day_between_two_others_is_named)
{
	struct bench b;

	setup(&b);
	b.clock.wall_ms += INT64_C(86400000);
	struct hf_outbox *outbox = open_outbox(&b);
	test_append(outbox, 9);
	hf_outbox_close(outbox);
	fake_disk_remove(b.disk, "outbox/2026-04-21.jsonl");
	verify_finds(&b, HF_FINDING_FILE_MISSING, 11);
	CHECK(strstr(b.first.text, "2026-04-21.jsonl") != NULL);
	fake_disk_free(b.disk);
}

TEST(days_removed_from_the_front_are_a_remark)
{
	struct bench b;

	setup(&b);
	fake_disk_remove(b.disk, TEST_FILE);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_HISTORY_REMOVED], ==, 1);
	fake_disk_free(b.disk);
}

TEST(a_gap_with_an_event_is_no_problem_and_void_lines_are_none)
{
	struct bench b;

	setup(&b);
	struct hf_outbox *outbox = open_outbox(&b);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	CHECK_U64(test_append(outbox, 9), >, 0);
	hf_outbox_close(outbox);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.gaps, ==, 1);
	CHECK_U64(b.report.lines_void, ==, 1);
	fake_disk_free(b.disk);
}

TEST(a_tail_without_a_newline_is_a_remark)
{
	struct bench b;
	size_t size;

	setup(&b);
	const char *bytes = fake_disk_bytes(b.disk, "outbox/2026-04-21.jsonl", &size);
	char *copy = malloc(size);
	memcpy(copy, bytes, size);
	fake_disk_put(b.disk, "outbox/2026-04-21.jsonl", copy, size - 40);
	free(copy);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_TAIL_UNENDED], ==, 1);
	fake_disk_free(b.disk);
}

TEST(an_event_stored_twice_is_found)
{
	struct bench b;

	setup(&b);
	/* A writer without memory: its origins are of another file than the first. */
	struct hf_outbox *outbox = open_outbox(&b);
	struct hf_offer offer = test_offer(1);
	for (uint64_t n = 100; n < 100 + HF_OUTBOX_ORIGINS; n++)
		test_append(outbox, n);
	const struct hf_offer *offers[] = { &offer };
	struct hf_outbox_result result;
	struct hf_err err = { 0 };
	CHECK_OK(hf_outbox_append(outbox, offers, 1, &result, &err));
	hf_outbox_close(outbox);
	verify_finds(&b, HF_FINDING_ORIGIN_TWICE, result.local_seq);
	fake_disk_free(b.disk);
}

TEST(a_cursor_ahead_of_the_log_and_a_torn_one_are_problems)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	CHECK_OK(hf_cursor_store(b.disk, HF_CURSOR_HUB, 11, &err));
	verify_finds(&b, HF_FINDING_CURSOR_WRONG, 11);
	fake_disk_put(b.disk, HF_CURSOR_HUB, "4x", 2);
	verify_finds(&b, HF_FINDING_CURSOR_WRONG, 0);
	fake_disk_free(b.disk);
}

TEST(a_thumbnail_that_a_line_names_must_be_there)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_outbox_result result;

	setup(&b);
	struct hf_outbox *outbox = open_outbox(&b);
	struct hf_offer offer = test_offer_thumb(9, "/var/lib/holdfast/thumbs/" HASH ".jpg");
	const struct hf_offer *offers[] = { &offer };
	CHECK_OK(hf_outbox_append(outbox, offers, 1, &result, &err));
	hf_outbox_close(outbox);
	/* Without the folder (a copy) there is nothing to say. */
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.thumbs_named, ==, 1);
	fake_disk_put(b.disk, "thumbs/other.jpg", "x", 1);
	verify_finds(&b, HF_FINDING_THUMB_MISSING, 11);
	fake_disk_put(b.disk, "thumbs/" HASH ".jpg", "x", 1);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	fake_disk_free(b.disk);
}

TESTS(RUN(an_untouched_outbox_has_no_problem), RUN(a_damaged_line_is_named),
      RUN(a_line_altered_with_a_right_crc_breaks_the_chain_and_is_named),
      RUN(a_line_taken_out_breaks_the_chain_and_leaves_numbers_missing),
      RUN(lines_taken_off_the_end_of_a_day_are_missed_by_the_next_header),
      RUN(a_missing_day_between_two_others_is_named), RUN(days_removed_from_the_front_are_a_remark),
      RUN(a_gap_with_an_event_is_no_problem_and_void_lines_are_none),
      RUN(a_tail_without_a_newline_is_a_remark), RUN(an_event_stored_twice_is_found),
      RUN(a_cursor_ahead_of_the_log_and_a_torn_one_are_problems),
      RUN(a_thumbnail_that_a_line_names_must_be_there))
