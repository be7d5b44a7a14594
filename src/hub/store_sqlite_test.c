/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/store_sqlite.h"

#include "base/auto.h"
#include "base/file.h"
#include "hub/test_line.h"
#include "test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

static struct hf_err err;

struct bench {
	char dir[32];
	char path[64];
	struct hf_store *store;
};

static struct bench bench_new(void)
{
	struct bench b = { .dir = "/tmp/hf_store_XXXXXX" };

	CHECK(mkdtemp(b.dir) != NULL);
	(void)snprintf(b.path, sizeof b.path, "%s/hub.db", b.dir);
	CHECK_OK(hf_store_sqlite_open(b.path, &b.store, &err));
	return b;
}

static void bench_free(struct bench *b)
{
	char command[64];

	hf_store_close(b->store);
	(void)snprintf(command, sizeof command, "rm -r %s", b->dir);
	CHECK(system(command) == 0);
}

static void reopen(struct bench *b)
{
	hf_store_close(b->store);
	b->store = NULL;
	CHECK_OK(hf_store_sqlite_open(b->path, &b->store, &err));
}

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	CHECK_I64(sqlite3_open(path, &db), ==, SQLITE_OK);
	CHECK_I64(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	(void)sqlite3_close(db);
}

/* Offer the numbers first..last of a device; camera changes the bytes, and so the CRC. */
static enum hf_code offer(struct bench *b, const char *device, const char *epoch, uint64_t first,
			  uint64_t last, const char *camera, struct hf_ingest_result *ret_result)
{
	static char body[1 << 20];
	struct hf_sender sender;
	struct hf_intake_fault fault;
	struct hf_intake batch;
	size_t at = 0;

	for (uint64_t seq = first; seq <= last; seq++)
		at += test_line_make(device, epoch, seq, camera, body + at);
	CHECK_OK(hf_sender_make(device, epoch, TEST_NONCE, &sender, &err));
	CHECK_OK(hf_intake_parse(&sender, body, at, &batch, &fault, &err));
	enum hf_code code = b->store->ops->ingest(
		b->store, &batch, (struct hf_wall){ .ms = 1000000 }, ret_result, &err);
	hf_intake_free(&batch);
	return code;
}

static struct hf_ingest_result take(struct bench *b, uint64_t first, uint64_t last)
{
	struct hf_ingest_result result = { 0 };

	CHECK_OK(offer(b, "unit-1", TEST_EPOCH, first, last, "gate", &result));
	CHECK_U64(result.acked_through, ==, last);
	return result;
}

struct listing {
	size_t count;
	uint64_t first[16], last[16];
	char text[16][64];
};

static enum hf_code note_gap(void *context, const struct hf_gap_row *row, struct hf_err *row_err)
{
	struct listing *listing = context;

	(void)row_err;
	CHECK_U64(listing->count, <, 16);
	listing->first[listing->count] = row->first;
	listing->last[listing->count++] = row->last;
	return HF_OK;
}

static enum hf_code note_event(void *context, const struct hf_event_row *row,
			       struct hf_err *row_err)
{
	struct listing *listing = context;

	(void)row_err;
	CHECK_U64(listing->count, <, 16);
	listing->first[listing->count++] = row->row;
	return HF_OK;
}

static struct listing gaps_of(struct bench *b, const char *device)
{
	struct listing listing = { 0 };

	CHECK_OK(b->store->ops->gaps(b->store, device, note_gap, &listing, &err));
	return listing;
}

static struct listing events_of(struct bench *b, const struct hf_event_query *query,
				struct hf_event_page *ret_page)
{
	struct listing listing = { 0 };

	CHECK_OK(b->store->ops->events(b->store, query, note_event, &listing, ret_page, &err));
	return listing;
}

static enum hf_code copy_device(void *context, const struct hf_device_row *row,
				struct hf_err *row_err)
{
	struct hf_device_row *copy = context;

	(void)row_err;
	*copy = *row;
	copy->device_id = copy->epoch = copy->state = copy->release = NULL;
	return HF_OK;
}

/* The last device listed, its texts left out. */
static struct hf_device_row device_of(struct bench *b)
{
	struct hf_device_row row = { 0 };

	CHECK_OK(b->store->ops->devices(b->store, copy_device, &row, &err));
	return row;
}

TEST(lines_that_follow_on_are_appended)
{
	struct bench b = bench_new();

	CHECK_U64(take(&b, 1, 3).stored, ==, 3);
	CHECK_U64(take(&b, 4, 4).stored, ==, 1);
	CHECK_U64(device_of(&b).mark, ==, 4);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	bench_free(&b);
}

TEST(lines_sent_again_are_acknowledged_and_not_stored_again)
{
	struct bench b = bench_new();

	(void)take(&b, 1, 3);
	struct hf_ingest_result result = take(&b, 2, 5);
	CHECK_U64(result.stored, ==, 2);
	CHECK_U64(result.duplicates, ==, 2);
	CHECK_U64(device_of(&b).events, ==, 5);
	CHECK_U64(device_of(&b).duplicates, ==, 2);
	bench_free(&b);
}

TEST(a_restart_remembers_what_was_stored)
{
	struct bench b = bench_new();

	(void)take(&b, 1, 3);
	reopen(&b);
	CHECK_U64(take(&b, 1, 3).duplicates, ==, 3);
	CHECK_U64(take(&b, 4, 4).stored, ==, 1);
	bench_free(&b);
}

TEST(another_event_under_a_stored_number_is_a_conflict_and_stores_nothing)
{
	struct bench b = bench_new();
	struct hf_ingest_result result = { 0 };

	(void)take(&b, 1, 3);
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 3, 9, "another", &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 3);
	CHECK_U64(device_of(&b).mark, ==, 3);
	CHECK_U64(device_of(&b).events, ==, 3);
	CHECK_U64(device_of(&b).conflicts, ==, 1);
	CHECK_U64(take(&b, 4, 4).stored, ==, 1);
	bench_free(&b);
}

TEST(a_conflict_late_in_a_batch_takes_back_what_came_before_it)
{
	struct bench b = bench_new();
	struct hf_ingest_result result = { 0 };

	(void)take(&b, 1, 3);
	(void)take(&b, 10, 10);
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 8, 10, "another", &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 10);
	struct listing gaps = gaps_of(&b, "unit-1");
	CHECK_U64(gaps.count, ==, 1);
	CHECK_U64(gaps.first[0], ==, 4);
	CHECK_U64(gaps.last[0], ==, 9);
	bench_free(&b);
}

TEST(numbers_passed_over_are_a_gap_and_a_late_fill_closes_it)
{
	struct bench b = bench_new();

	(void)take(&b, 1, 3);
	(void)take(&b, 8, 8);
	struct listing gaps = gaps_of(&b, NULL);
	CHECK_U64(gaps.count, ==, 1);
	CHECK_U64(gaps.first[0], ==, 4);
	CHECK_U64(gaps.last[0], ==, 7);
	CHECK_U64(device_of(&b).missing, ==, 4);

	CHECK_U64(take(&b, 5, 5).stored, ==, 1);
	gaps = gaps_of(&b, "unit-1");
	CHECK_U64(gaps.count, ==, 2);
	CHECK_U64(gaps.first[0], ==, 4);
	CHECK_U64(gaps.last[0], ==, 4);
	CHECK_U64(gaps.first[1], ==, 6);
	CHECK_U64(gaps.last[1], ==, 7);
	CHECK_U64(take(&b, 5, 5).duplicates, ==, 1);

	CHECK_U64(take(&b, 4, 7).stored, ==, 3);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	CHECK_U64(device_of(&b).mark, ==, 8);
	CHECK_U64(device_of(&b).late_fills, ==, 4);
	CHECK_U64(device_of(&b).missing, ==, 0);
	bench_free(&b);
}

TEST(every_way_of_filling_a_gap_leaves_exactly_what_is_missing)
{
	/* The numbers 2..5 are missing; bit n of mask sends number n + 2 late, in rising order. */
	for (unsigned mask = 0; mask < 16; mask++) {
		struct bench b = bench_new();
		uint64_t missing = 0;

		(void)take(&b, 1, 1);
		(void)take(&b, 6, 6);
		for (unsigned n = 0; n < 4; n++)
			if ((mask & (1U << n)) != 0)
				(void)take(&b, n + 2, n + 2);
		struct listing gaps = gaps_of(&b, NULL);
		for (size_t i = 0; i < gaps.count; i++)
			for (uint64_t seq = gaps.first[i]; seq <= gaps.last[i]; seq++) {
				CHECK((mask & (1U << (seq - 2))) == 0);
				missing++;
			}
		CHECK_U64(missing, ==, 4 - (unsigned)__builtin_popcount(mask));
		bench_free(&b);
	}
}

TEST(the_first_number_ever_shows_what_came_before_it_as_missing)
{
	struct bench b = bench_new();

	(void)take(&b, 5, 5);
	struct listing gaps = gaps_of(&b, NULL);
	CHECK_U64(gaps.count, ==, 1);
	CHECK_U64(gaps.first[0], ==, 1);
	CHECK_U64(gaps.last[0], ==, 4);
	bench_free(&b);
}

TEST(a_redrawn_epoch_goes_on_counting_without_a_gap)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	CHECK_OK(offer(&b, "unit-1", "e2", 4, 5, "gate", &result));
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	CHECK_OK(offer(&b, "unit-1", "e3", 1, 5, "gate", &result));
	CHECK_U64(result.stored, ==, 5);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	CHECK_OK(offer(&b, "unit-1", "e4", 7, 7, "gate", &result));
	CHECK_U64(gaps_of(&b, NULL).count, ==, 1);
	bench_free(&b);
}

TEST(two_devices_do_not_touch_one_another)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 1, 2, "other", &result));
	CHECK_U64(result.stored, ==, 2);
	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 4, 4, "other", &result));
	CHECK_U64(gaps_of(&b, "unit-1").count, ==, 0);
	CHECK_U64(gaps_of(&b, "unit-2").count, ==, 1);
	bench_free(&b);
}

TEST(pages_of_events_follow_on_in_both_directions)
{
	struct bench b = bench_new();
	struct hf_event_page page;
	struct hf_event_query query = { .direction = HF_EVENTS_NEWEST, .limit = 3 };

	(void)take(&b, 1, 8);
	struct listing list = events_of(&b, &query, &page);
	CHECK_U64(list.count, ==, 3);
	CHECK_U64(list.first[0], ==, 6);
	CHECK_U64(page.after, ==, 8);
	CHECK_U64(page.before, ==, 6);

	query.direction = HF_EVENTS_BEFORE;
	query.row = page.before;
	list = events_of(&b, &query, &page);
	CHECK_U64(list.first[0], ==, 3);
	query.row = page.before;
	list = events_of(&b, &query, &page);
	CHECK_U64(list.count, ==, 2);
	CHECK_U64(page.before, ==, 0);

	query = (struct hf_event_query){ .direction = HF_EVENTS_AFTER, .row = 2, .limit = 3 };
	list = events_of(&b, &query, &page);
	CHECK_U64(list.first[0], ==, 3);
	CHECK_U64(page.after, ==, 5);
	query.row = 8;
	CHECK_U64(events_of(&b, &query, &page).count, ==, 0);
	CHECK_U64(page.after, ==, 8);
	query.row = 500;
	CHECK_U64(events_of(&b, &query, &page).count, ==, 0);
	CHECK_U64(page.after, ==, 8);
	bench_free(&b);
}

TEST(a_rare_class_is_found_in_bounded_steps)
{
	struct bench b = bench_new();
	struct hf_event_page page;
	struct hf_event_query query = { .direction = HF_EVENTS_NEWEST,
					.limit = 5,
					.device_id = "unit-2" };
	struct hf_ingest_result result;
	size_t found = 0, steps = 0;

	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 1, 1, "gate", &result));
	for (uint64_t seq = 1; seq < 2 * HF_STORE_SCAN_ROWS; seq += 1000)
		(void)take(&b, seq, seq + 999);
	do {
		found += events_of(&b, &query, &page).count;
		query.direction = HF_EVENTS_BEFORE;
		query.row = page.before;
		steps++;
	} while (page.before != 0);
	CHECK_U64(found, ==, 1);
	CHECK_U64(steps, ==, 3);

	query = (struct hf_event_query){ .direction = HF_EVENTS_AFTER,
					 .limit = 5,
					 .device_id = "unit-3" };
	CHECK_U64(events_of(&b, &query, &page).count, ==, 0);
	CHECK_U64(page.after, ==, HF_STORE_SCAN_ROWS);
	bench_free(&b);
}

TEST(a_database_of_another_version_is_left_alone)
{
	struct bench b = bench_new();
	struct hf_store *store = NULL;

	(void)take(&b, 1, 3);
	hf_store_close(b.store);
	b.store = NULL;
	execute(b.path, "PRAGMA user_version = 99");
	CHECK_CODE(hf_store_sqlite_open(b.path, &store, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "another version") != NULL && strstr(err.text, b.path) != NULL);
	execute(b.path, "PRAGMA user_version = 1; PRAGMA application_id = 5");
	CHECK_CODE(hf_store_sqlite_open(b.path, &store, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "another program") != NULL);
	bench_free(&b);
}

TEST(a_file_that_is_no_database_is_corrupt_and_left_alone)
{
	struct bench b = bench_new();
	struct hf_store *store = NULL;
	HF_AUTO_FREE char *data = NULL;
	size_t size_bytes;

	hf_store_close(b.store);
	b.store = NULL;
	CHECK_OK(hf_file_replace(b.path, "these are not the bytes of a database, not at all", 49,
				 0640, &err));
	CHECK_CODE(hf_store_sqlite_open(b.path, &store, &err), HF_E_CORRUPT);
	CHECK_OK(hf_file_read(b.path, 4096, &data, &size_bytes, &err));
	CHECK_U64(size_bytes, ==, 49);
	bench_free(&b);
}

TEST(a_damaged_page_is_noticed_when_the_store_opens)
{
	struct bench b = bench_new();
	struct hf_store *store = NULL;
	HF_AUTO_FREE char *data = NULL;
	size_t size_bytes;

	(void)take(&b, 1, 500);
	hf_store_close(b.store);
	b.store = NULL;
	CHECK_OK(hf_file_read(b.path, 4 << 20, &data, &size_bytes, &err));
	for (size_t at = 3 * 4096; at < size_bytes; at += 4096)
		memset(data + at, 0x5a, 64);
	CHECK_OK(hf_file_replace(b.path, data, size_bytes, 0640, &err));
	CHECK_CODE(hf_store_sqlite_open(b.path, &store, &err), HF_E_CORRUPT);
	bench_free(&b);
}

TEST(a_folder_that_cannot_be_written_is_an_error_with_its_path)
{
	struct hf_store *store = NULL;

	CHECK_CODE(hf_store_sqlite_open("/proc/hub.db", &store, &err), HF_E_DENIED);
	CHECK(strstr(err.text, "/proc/hub.db") != NULL);
}

TESTS(RUN(lines_that_follow_on_are_appended),
      RUN(lines_sent_again_are_acknowledged_and_not_stored_again),
      RUN(a_restart_remembers_what_was_stored),
      RUN(another_event_under_a_stored_number_is_a_conflict_and_stores_nothing),
      RUN(a_conflict_late_in_a_batch_takes_back_what_came_before_it),
      RUN(numbers_passed_over_are_a_gap_and_a_late_fill_closes_it),
      RUN(every_way_of_filling_a_gap_leaves_exactly_what_is_missing),
      RUN(the_first_number_ever_shows_what_came_before_it_as_missing),
      RUN(a_redrawn_epoch_goes_on_counting_without_a_gap),
      RUN(two_devices_do_not_touch_one_another), RUN(pages_of_events_follow_on_in_both_directions),
      RUN(a_rare_class_is_found_in_bounded_steps), RUN(a_database_of_another_version_is_left_alone),
      RUN(a_file_that_is_no_database_is_corrupt_and_left_alone),
      RUN(a_damaged_page_is_noticed_when_the_store_opens),
      RUN(a_folder_that_cannot_be_written_is_an_error_with_its_path))
