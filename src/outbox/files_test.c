/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/files.h"

#include "fake_disk.h"
#include "outbox/scan.h"
#include "outbox/testing.h"

TEST(only_names_of_days_are_files_of_the_outbox)
{
	static const char *const good[] = { "2026-04-20.jsonl", "2026-04-20.1.jsonl",
					    "9999-12-31.12345.jsonl" };
	static const char *const bad[] = { "2026-04-20.json",
					   "2026-04-20..jsonl",
					   "2026-04-20.a.jsonl",
					   "2026-4-20.jsonl",
					   "2026-04-20.jsonl~",
					   ".jsonl",
					   "",
					   "2026-04-20.1234567890123456.jsonl" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(hf_file_name_is(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!hf_file_name_is(bad[i]));
}

TEST(files_stand_in_the_order_of_their_numbers_not_of_their_names)
{
	struct test_clock clock;
	struct hf_outbox_report report;
	struct hf_err err = { 0 };
	struct hf_files files;
	struct hf_disk *disk = fake_disk_new(1);

	test_clock_start(&clock);
	struct hf_outbox_options options = test_options(&clock);
	struct hf_outbox *outbox = test_open(disk, &options, &report);
	test_append(outbox, 1);
	clock.wall_ms += INT64_C(100) * 86400000;
	test_append(outbox, 2);
	clock.wall_ms -= INT64_C(100) * 86400000;
	test_append(outbox, 3);
	fake_disk_put(disk, "outbox/2020-01-01.jsonl", "nothing\n", 8);
	fake_disk_put(disk, "outbox/notes.txt", "nothing\n", 8);
	CHECK_OK(hf_files_list(disk, HF_OUTBOX_FOLDER, &files, &err));
	CHECK_U64(files.count, ==, 4);
	CHECK_TEXT(files.list[0].name, "2020-01-01.jsonl");
	CHECK_U64(files.list[0].first_seq, ==, 0);
	CHECK_TEXT(files.list[1].name, "2026-04-20.jsonl");
	CHECK_U64(files.list[1].last_seq_max, ==, 2);
	CHECK_TEXT(files.list[2].name, "2026-07-29.jsonl");
	CHECK_TEXT(files.list[2].previous, "2026-04-20.jsonl");
	CHECK_TEXT(files.list[3].name, "2026-04-20.1.jsonl");
	CHECK_U64(files.list[3].last_seq_max, ==, UINT64_MAX);
	CHECK_TEXT(hf_files_find(&files, 3)->name, "2026-07-29.jsonl");
	CHECK_TEXT(hf_files_find(&files, 2)->name, "2026-04-20.jsonl");
	hf_files_free(&files);
	hf_outbox_close(outbox);
	fake_disk_free(disk);
}

TEST(a_run_without_a_newline_longer_than_the_buffer_is_one_damaged_line)
{
	static char bytes[3 * HF_SCAN_BYTES];
	static struct hf_scan scan;
	struct hf_err err = { 0 };
	struct hf_scan_item item;
	struct hf_disk *disk = fake_disk_new(1);
	unsigned runs = 0, ends = 0;
	uint64_t size = 0;
	int file;

	bytes[sizeof bytes - 1] = '\n';
	fake_disk_put(disk, "f", bytes, sizeof bytes);
	CHECK_OK(hf_disk_open(disk, "f", HF_DISK_READ, &file, &err));
	hf_scan_begin(&scan, disk, file, 0, UINT64_MAX);
	while (hf_scan_next(&scan, &item, &err) == HF_OK) {
		CHECK_U64(item.kind, ==, HF_SCAN_ROT);
		CHECK_U64(item.offset, ==, size);
		size += item.size_bytes;
		runs++;
		ends += item.more ? 0 : 1;
	}
	CHECK_U64(size, ==, sizeof bytes);
	CHECK_U64(ends, ==, 1);
	CHECK_U64(runs, >, 1);
	fake_disk_free(disk);
}

TESTS(RUN(only_names_of_days_are_files_of_the_outbox),
      RUN(files_stand_in_the_order_of_their_numbers_not_of_their_names),
      RUN(a_run_without_a_newline_longer_than_the_buffer_is_one_damaged_line))
