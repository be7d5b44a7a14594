/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/retain.h"

#include "fake_disk.h"
#include "outbox/testing.h"

#define DAY_MS INT64_C(86400000)
#define DAY_S  INT64_C(86400)
#define HASH   "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

struct bench {
	struct test_clock clock;
	struct hf_outbox_options options;
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_outbox_report report;
};

/* Three days: 2026-04-20 has 1..3, the 21st 4..5, the 22nd 6..7. */
static void setup(struct bench *b)
{
	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->disk = fake_disk_new(1);
	b->outbox = test_open(b->disk, &b->options, &b->report);
	test_append(b->outbox, 1);
	test_append(b->outbox, 2);
	b->clock.wall_ms += DAY_MS;
	test_append(b->outbox, 3);
	b->clock.wall_ms += DAY_MS;
	test_append(b->outbox, 4);
}

static void teardown(struct bench *b)
{
	hf_outbox_close(b->outbox);
	fake_disk_free(b->disk);
}

static uint64_t retain(struct bench *b, uint64_t acked_through, int64_t days, int64_t days_later)
{
	struct hf_err err = { 0 };
	struct hf_retained removed;
	struct hf_wall now = { .ms = b->clock.wall_ms + days_later * DAY_MS };

	CHECK_OK(hf_outbox_retain(b->outbox, acked_through, days, now, &removed, &err));
	return removed.files;
}

TEST(only_what_is_delivered_and_old_goes)
{
	struct bench b;

	setup(&b);
	CHECK_U64(retain(&b, 0, 30, 100), ==, 0);
	CHECK_U64(retain(&b, 2, 30, 100), ==, 0);
	CHECK_U64(retain(&b, 3, 30, 5), ==, 0);
	CHECK_U64(retain(&b, 3, 30, 28), ==, 0);
	CHECK_U64(retain(&b, 3, 30, 29), ==, 1);
	CHECK(!fake_disk_exists(b.disk, TEST_FILE));
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-21.jsonl"));
	teardown(&b);
}

TEST(the_newest_file_never_goes)
{
	struct bench b;

	setup(&b);
	CHECK_U64(retain(&b, UINT64_MAX / 2, 1, 1000), ==, 2);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-22.jsonl"));
	CHECK_U64(retain(&b, UINT64_MAX / 2, 0, 1000), ==, 0);
	hf_outbox_close(b.outbox);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(test_append(b.outbox, 5), ==, 8);
	teardown(&b);
}

TEST(an_offer_whose_file_is_removed_after_a_start_has_its_number_still)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_retained removed;

	setup(&b);
	hf_outbox_close(b.outbox);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_U64(retain(&b, 3, 30, 29), ==, 1);
	CHECK_U64(test_append(b.outbox, 2), ==, 3);
	hf_outbox_close(b.outbox);
	b.outbox = test_open(b.disk, &b.options, &b.report);
	CHECK_OK(hf_outbox_make_space(b.outbox, 5, UINT64_MAX, &removed, &err));
	CHECK_U64(removed.files, ==, 1);
	CHECK_U64(test_append(b.outbox, 3), ==, 5);
	teardown(&b);
}

TEST(a_name_from_the_future_does_not_keep_a_file_for_ever)
{
	struct bench b;

	setup(&b);
	b.clock.wall_ms += 4000 * DAY_MS;
	test_append(b.outbox, 5);
	b.clock.wall_ms -= 4000 * DAY_MS;
	test_append(b.outbox, 6);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-22.1.jsonl"));
	CHECK_U64(retain(&b, 100, 30, 60), ==, 4);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-22.1.jsonl"));
	teardown(&b);
}

TEST(a_removal_that_is_not_stored_comes_back_whole)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_retained removed;

	for (uint64_t cut = 1; cut <= 4; cut++)
		for (uint64_t seed = 1; seed <= 8; seed++) {
			setup(&b);
			fake_disk_cut_at(b.disk, fake_disk_operations(b.disk) + cut);
			(void)!hf_outbox_retain(b.outbox, 100, 0,
						(struct hf_wall){ .ms = b.clock.wall_ms }, &removed,
						&err);
			hf_outbox_close(b.outbox);
			fake_disk_power_up(b.disk, seed);
			b.outbox = test_open(b.disk, &b.options, &b.report);
			CHECK_U64(test_append(b.outbox, 5), ==, 8);
			teardown(&b);
		}
}

static void put_thumb(struct bench *b, const char *name, int64_t age_days)
{
	char path[HF_DISK_PATH_BYTES];

	(void)snprintf(path, sizeof path, HF_THUMBS_FOLDER "/%s", name);
	fake_disk_put(b->disk, path, "jpeg", 4);
	fake_disk_touch(b->disk, path, b->clock.wall_ms / 1000 - age_days * 86400);
}

TEST(a_sweep_removes_old_thumbnails_that_no_line_names)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_sweep *sweep;
	struct hf_retained removed;
	enum hf_code code;

	setup(&b);
	put_thumb(&b, HASH "01.jpg", 40); /* named below */
	put_thumb(&b, HASH "02.jpg", 40); /* old, not named */
	put_thumb(&b, HASH "03.jpg", 2);  /* not named yet */
	put_thumb(&b, "notes.txt", 400);
	struct hf_offer offer = test_offer_thumb(9, "/var/lib/holdfast/thumbs/" HASH "01.jpg");
	const struct hf_offer *offers[] = { &offer };
	struct hf_outbox_result result;
	CHECK_OK(hf_outbox_append(b.outbox, offers, 1, &result, &err));
	struct hf_wall now = { .ms = b.clock.wall_ms };
	const struct hf_sweep_options month = { .older_than_s = 30 * DAY_S };
	const struct hf_sweep_options year = { .older_than_s = 365 * DAY_S };
	CHECK_OK(hf_sweep_begin(b.outbox, &month, now, &sweep, &err));
	do {
		code = hf_sweep_step(sweep, &removed, &err);
	} while (code == HF_E_AGAIN);
	CHECK_OK(code);
	hf_sweep_end(sweep);
	CHECK_U64(removed.files, ==, 1);
	CHECK(fake_disk_exists(b.disk, "thumbs/" HASH "01.jpg"));
	CHECK(!fake_disk_exists(b.disk, "thumbs/" HASH "02.jpg"));
	CHECK(fake_disk_exists(b.disk, "thumbs/" HASH "03.jpg"));
	CHECK(fake_disk_exists(b.disk, "thumbs/notes.txt"));
	CHECK_CODE(hf_sweep_begin(b.outbox, &year, now, &sweep, &err), HF_E_NOENT);
	teardown(&b);
}

TEST(in_need_delivered_files_go_oldest_first_until_there_is_room)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_retained removed = { 0 };
	uint64_t free_bytes;

	setup(&b);
	fake_disk_capacity(b.disk, 1024 * 1024);
	CHECK_OK(hf_disk_free_space(b.disk, &free_bytes, &err));
	/* There is room already. */
	CHECK_OK(hf_outbox_make_space(b.outbox, 100, free_bytes, &removed, &err));
	CHECK_U64(removed.files, ==, 0);
	CHECK_OK(hf_outbox_make_space(b.outbox, 100, free_bytes + 1, &removed, &err));
	CHECK_U64(removed.files, ==, 1);
	CHECK(!fake_disk_exists(b.disk, TEST_FILE));
	/* What is not delivered stays, however great the need; the newest file too. */
	CHECK_OK(hf_outbox_make_space(b.outbox, 4, UINT64_MAX, &removed, &err));
	CHECK_U64(removed.files, ==, 0);
	CHECK_OK(hf_outbox_make_space(b.outbox, 100, UINT64_MAX, &removed, &err));
	CHECK_U64(removed.files, ==, 1);
	CHECK(fake_disk_exists(b.disk, "outbox/2026-04-22.jsonl"));
	teardown(&b);
}

static uint64_t sweep_in_need(struct bench *b, uint64_t delivered_through, uint64_t bytes_wanted)
{
	const struct hf_sweep_options options = { .older_than_s = 3600,
						  .delivered_through = delivered_through,
						  .bytes_wanted = bytes_wanted };
	struct hf_err err = { 0 };
	struct hf_sweep *sweep;
	struct hf_retained removed = { 0 };
	enum hf_code code;

	CHECK_OK(hf_sweep_begin(b->outbox, &options, (struct hf_wall){ .ms = b->clock.wall_ms },
				&sweep, &err));
	do {
		code = hf_sweep_step(sweep, &removed, &err);
	} while (code == HF_E_AGAIN);
	CHECK_OK(code);
	hf_sweep_end(sweep);
	return removed.files;
}

TEST(in_need_thumbnails_of_delivered_events_go_oldest_first)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_outbox_result results[2];

	setup(&b);
	struct hf_offer first = test_offer_thumb(9, "/var/lib/holdfast/thumbs/" HASH "01.jpg");
	struct hf_offer second = test_offer_thumb(10, "/var/lib/holdfast/thumbs/" HASH "02.jpg");
	const struct hf_offer *offers[] = { &first, &second };
	CHECK_OK(hf_outbox_append(b.outbox, offers, 2, results, &err));
	put_thumb(&b, HASH "01.jpg", 3);
	put_thumb(&b, HASH "02.jpg", 5);
	put_thumb(&b, HASH "03.jpg", 4);
	/* Only the first of the two events is delivered. */
	fake_disk_capacity(b.disk, 1024 * 1024);
	uint64_t free_bytes;
	CHECK_OK(hf_disk_free_space(b.disk, &free_bytes, &err));
	CHECK_U64(sweep_in_need(&b, results[0].local_seq, free_bytes + 1), ==, 1);
	CHECK(!fake_disk_exists(b.disk, "thumbs/" HASH "03.jpg"));
	CHECK_U64(sweep_in_need(&b, results[0].local_seq, UINT64_MAX), ==, 1);
	CHECK(!fake_disk_exists(b.disk, "thumbs/" HASH "01.jpg"));
	CHECK(fake_disk_exists(b.disk, "thumbs/" HASH "02.jpg"));
	teardown(&b);
}

TESTS(RUN(in_need_delivered_files_go_oldest_first_until_there_is_room),
      RUN(in_need_thumbnails_of_delivered_events_go_oldest_first),
      RUN(only_what_is_delivered_and_old_goes),
      RUN(an_offer_whose_file_is_removed_after_a_start_has_its_number_still),
      RUN(the_newest_file_never_goes), RUN(a_name_from_the_future_does_not_keep_a_file_for_ever),
      RUN(a_removal_that_is_not_stored_comes_back_whole),
      RUN(a_sweep_removes_old_thumbnails_that_no_line_names))
