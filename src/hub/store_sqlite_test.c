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

/* What a unit has written: the lines first..last, and the chain behind them. */
struct log {
	const char *device;
	const char *epoch;
	uint8_t chain[HF_CHAIN_BYTES];
	size_t size;
	char text[1 << 20];
};

/* A log whose numbers below first are lines of the camera "gate". */
static struct log *log_begin(const char *device, const char *epoch, uint64_t first)
{
	static struct log log;

	log.device = device;
	log.epoch = epoch;
	log.size = 0;
	test_line_chain_before(device, epoch, first, log.chain);
	return &log;
}

static void log_add(struct log *log, uint64_t first, uint64_t last, const char *camera)
{
	for (uint64_t seq = first; seq <= last; seq++)
		log->size += test_line_next(log->device, log->epoch, seq, camera, log->chain,
					    log->text + log->size);
}

/* Under its own epoch, or another one. */
static enum hf_code send(struct bench *b, const struct log *log, const char *epoch,
			 struct hf_ingest_result *ret_result)
{
	struct hf_sender sender;
	struct hf_intake_fault fault;
	struct hf_intake batch;
	bool forked = strcmp(epoch, log->epoch) != 0;

	CHECK_OK(hf_sender_make(log->device, epoch, forked ? log->epoch : NULL, TEST_NONCE, &sender,
				&err));
	CHECK_OK(hf_intake_parse(&sender, log->text, log->size, &batch, &fault, &err));
	*ret_result = (struct hf_ingest_result){ 0 };
	enum hf_code code = b->store->ops->ingest(
		b->store, &batch, (struct hf_wall){ .ms = 1000000 }, ret_result, &err);
	hf_intake_free(&batch);
	return code;
}

/* Offer the numbers first..last of a device; camera changes the bytes, and so the CRC. */
static enum hf_code offer(struct bench *b, const char *device, const char *epoch, uint64_t first,
			  uint64_t last, const char *camera, struct hf_ingest_result *ret_result)
{
	struct log *log = log_begin(device, epoch, first);

	log_add(log, first, last, camera);
	return send(b, log, epoch, ret_result);
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
	struct log *log = log_begin("unit-1", TEST_EPOCH, 8);
	log_add(log, 8, 9, "gate");
	log_add(log, 10, 10, "another");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 10);
	CHECK(!result.fork);
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

TEST(a_line_that_does_not_continue_the_stored_one_is_a_fork_and_stores_nothing)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 3);
	log_add(log, 3, 3, "another");
	log->size = 0; /* 3 is not sent, 4 continues it */
	log_add(log, 4, 9, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK(result.fork);
	CHECK_U64(result.conflict_seq, ==, 4);
	CHECK_U64(device_of(&b).forks, ==, 1);
	CHECK_U64(device_of(&b).conflicts, ==, 0);
	CHECK_U64(device_of(&b).events, ==, 3);
	CHECK_U64(device_of(&b).mark, ==, 3);
	/* The chain goes on from what is stored, after a restart too. */
	reopen(&b);
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(take(&b, 3, 5).stored, ==, 2);
	CHECK_U64(device_of(&b).unchecked, ==, 0);
	bench_free(&b);
}

TEST(a_fork_in_the_first_batch_of_all_is_counted_too)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;
	struct log *log = log_begin("unit-1", TEST_EPOCH, 1);

	log_add(log, 1, 2, "gate");
	log->chain[5] ^= 1;
	log_add(log, 3, 3, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 3);
	CHECK_U64(device_of(&b).forks, ==, 1);
	CHECK_U64(device_of(&b).events, ==, 0);
	CHECK_U64(take(&b, 1, 3).stored, ==, 3);
	bench_free(&b);
}

TEST(the_same_crc_with_another_chain_is_a_conflict)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	hf_store_close(b.store);
	b.store = NULL;
	execute(b.path, "UPDATE events SET line = replace(line, substr(line, -86, 1), '_')"
			" WHERE seq = 3");
	CHECK_OK(hf_store_sqlite_open(b.path, &b.store, &err));
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 3, 3, "gate", &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 3);
	bench_free(&b);
}

TEST(behind_a_gap_the_chain_goes_on_or_cannot_be_checked)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	/* The unit passed 4 to 6 over: its line 7 continues line 3. */
	struct log *log = log_begin("unit-1", TEST_EPOCH, 1);
	log_add(log, 1, 3, "gate");
	log_add(log, 7, 7, "gate");
	CHECK_OK(send(&b, log, TEST_EPOCH, &result));
	CHECK_U64(device_of(&b).unchecked, ==, 0);
	/* Line 8 never came. */
	log->size = 0;
	log_add(log, 8, 8, "gate");
	log->size = 0;
	log_add(log, 9, 10, "gate");
	CHECK_OK(send(&b, log, TEST_EPOCH, &result));
	CHECK_U64(device_of(&b).unchecked, ==, 1);
	CHECK_U64(device_of(&b).forks, ==, 0);
	bench_free(&b);
}

TEST(a_late_line_must_fit_between_its_neighbours)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	(void)take(&b, 6, 8);
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 5, 5, "another", &result), HF_E_INVALID);
	CHECK(result.fork);
	CHECK_U64(result.conflict_seq, ==, 5);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log->chain[0] ^= 1;
	log_add(log, 4, 4, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 4);
	CHECK_U64(device_of(&b).forks, ==, 2);
	CHECK_U64(take(&b, 4, 5).stored, ==, 2);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	bench_free(&b);
}

/* A cloned card: both have 1 to 3; this one wrote 4 and 5 itself, and its twin was first. */
TEST(a_forked_stream_takes_the_lines_of_the_old_epoch_and_then_its_own)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 6);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log_add(log, 4, 5, "clone");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 4);
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_U64(result.stored, ==, 2);
	CHECK_U64(result.mark, ==, 5);
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_U64(result.duplicates, ==, 2);
	/* Its own lines have a chain of their own, from zeros on. */
	struct log *own = log_begin("unit-1", "e2", 1);
	log_add(own, 6, 7, "clone");
	CHECK_OK(send(&b, own, "e2", &result));
	CHECK_U64(device_of(&b).mark, ==, 7);
	CHECK_U64(device_of(&b).unchecked, ==, 0);
	CHECK_U64(device_of(&b).forks, ==, 0);
	CHECK_U64(gaps_of(&b, NULL).count, ==, 0);
	/* The twin's history is as it was, and goes on. */
	CHECK_U64(take(&b, 1, 8).duplicates, ==, 6);
	bench_free(&b);
}

TEST(an_own_line_right_behind_forked_ones_must_begin_a_chain)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 3);
	log_add(log, 3, 5, "clone");
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_CODE(offer(&b, "unit-1", "e2", 6, 6, "gate", &result), HF_E_INVALID);
	CHECK(result.fork);
	bench_free(&b);
}

TEST(what_breaks_among_forked_lines_is_stored_and_counted)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log->chain[3] ^= 1;
	log_add(log, 4, 5, "gate");
	log->chain[3] ^= 1;
	log_add(log, 6, 7, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK_OK(send(&b, log, "e2", &result));
	CHECK_U64(result.stored, ==, 4);
	CHECK_U64(device_of(&b).forks, ==, 1);
	CHECK_U64(device_of(&b).unchecked, ==, 1);
	bench_free(&b);
}

/* Tables as version 1 made them. */
static const char schema_of_version_1[] =
	"CREATE TABLE events("
	" row INTEGER PRIMARY KEY,"
	" device TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,"
	" crc INTEGER NOT NULL, received_ms INTEGER NOT NULL, class TEXT NOT NULL,"
	" line TEXT NOT NULL,"
	" UNIQUE(device, epoch, seq));"
	"CREATE TABLE streams("
	" device TEXT NOT NULL, epoch TEXT NOT NULL, mark INTEGER NOT NULL,"
	" first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
	" events INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,"
	" conflicts INTEGER NOT NULL DEFAULT 0, late_fills INTEGER NOT NULL DEFAULT 0,"
	" state TEXT NOT NULL DEFAULT '', release TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY(device, epoch)) WITHOUT ROWID;"
	"CREATE TABLE gaps("
	" device TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, noticed_ms INTEGER NOT NULL,"
	" PRIMARY KEY(device, epoch, first)) WITHOUT ROWID;"
	"ATTACH '%s' AS now;"
	"INSERT INTO events SELECT row, device, epoch, seq, crc, received_ms, class, line"
	" FROM now.events JOIN now.streams ON id = stream;"
	"INSERT INTO streams SELECT device, epoch, mark, first_seen_ms, last_seen_ms, events,"
	" duplicates, conflicts, late_fills, state, release FROM now.streams;"
	"INSERT INTO gaps SELECT device, epoch, first, last, noticed_ms"
	" FROM now.gaps JOIN now.streams ON id = stream; DETACH now;"
	"PRAGMA application_id = 1212565570; PRAGMA user_version = 1;";

TEST(a_database_of_version_1_is_brought_up_to_date_and_its_chains_are_checked)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;
	char sql[sizeof schema_of_version_1 + 64], old[80];

	(void)take(&b, 1, 3);
	CHECK_OK(offer(&b, "unit-2", "e6", 1, 2, "gate", &result));
	CHECK_OK(offer(&b, "unit-2", "e7", 5, 6, "gate", &result));
	hf_store_close(b.store);
	b.store = NULL;
	(void)snprintf(old, sizeof old, "%s.old", b.path);
	(void)snprintf(sql, sizeof sql, schema_of_version_1, b.path);
	execute(old, sql);
	CHECK(rename(old, b.path) == 0);

	CHECK_OK(hf_store_sqlite_open(b.path, &b.store, &err));
	CHECK_U64(device_of(&b).mark, ==, 6);
	CHECK_U64(device_of(&b).forks, ==, 0);
	CHECK_U64(gaps_of(&b, "unit-2").count, ==, 1);
	CHECK_U64(gaps_of(&b, "unit-1").count, ==, 0);
	CHECK_OK(offer(&b, "unit-2", "e7", 5, 6, "gate", &result));
	CHECK_U64(result.duplicates, ==, 2);
	CHECK_U64(take(&b, 1, 3).duplicates, ==, 3);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 4);
	log->chain[0] ^= 1;
	log_add(log, 4, 4, "gate");
	CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
	CHECK(result.fork);
	CHECK_U64(take(&b, 2, 4).stored, ==, 1);
	reopen(&b);
	CHECK_U64(take(&b, 5, 5).stored, ==, 1);
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
	execute(b.path, "PRAGMA user_version = 0");
	CHECK_CODE(hf_store_sqlite_open(b.path, &store, &err), HF_E_INVALID);
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
      RUN(a_rare_class_is_found_in_bounded_steps),
      RUN(a_line_that_does_not_continue_the_stored_one_is_a_fork_and_stores_nothing),
      RUN(a_fork_in_the_first_batch_of_all_is_counted_too),
      RUN(the_same_crc_with_another_chain_is_a_conflict),
      RUN(behind_a_gap_the_chain_goes_on_or_cannot_be_checked),
      RUN(a_late_line_must_fit_between_its_neighbours),
      RUN(a_forked_stream_takes_the_lines_of_the_old_epoch_and_then_its_own),
      RUN(an_own_line_right_behind_forked_ones_must_begin_a_chain),
      RUN(what_breaks_among_forked_lines_is_stored_and_counted),
      RUN(a_database_of_version_1_is_brought_up_to_date_and_its_chains_are_checked),
      RUN(a_database_of_another_version_is_left_alone),
      RUN(a_file_that_is_no_database_is_corrupt_and_left_alone),
      RUN(a_damaged_page_is_noticed_when_the_store_opens),
      RUN(a_folder_that_cannot_be_written_is_an_error_with_its_path))
