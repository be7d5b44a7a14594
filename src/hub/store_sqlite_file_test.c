/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the file: runs and what they refuse, older layouts, damage. */
#include "hub/test_store.h"

#include "base/auto.h"
#include "base/file.h"

TEST(a_request_is_one_run_as_far_as_its_numbers_follow_on)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;
	char runs[RUNS_TEXT_BYTES];

	(void)take(&b, 1, 3);
	(void)take(&b, 4, 6);
	CHECK_OK(offer(&b, "unit-2", TEST_EPOCH, 1, 2, "other", &result));
	(void)take(&b, 7, 7);
	(void)take(&b, 9, 9);
	(void)take(&b, 14, 14);
	(void)take(&b, 10, 12); /* late */
	int64_t unchecked = number_of(b.path, "SELECT sum(unchecked) FROM streams");
	(void)take(&b, 7, 15); /* late, between and behind what is there */
	CHECK_I64(number_of(b.path, "SELECT sum(unchecked) FROM streams"), ==, unchecked);
	runs_of(b.path, runs);
	CHECK_TEXT(runs,
		   "1e1f0:1-3@1 1e1f0:4-6@4 1e1f0:7-7@9 1e1f0:8-8@15 1e1f0:9-9@10 "
		   "1e1f0:10-12@12 1e1f0:13-13@16 1e1f0:14-14@11 1e1f0:15-15@17 2e1f0:1-2@7 ");
	CHECK_U64(take(&b, 1, 15).duplicates, ==, 15);
	struct log *log = log_begin("unit-1", TEST_EPOCH, 16);
	log_add(log, 16, 17, "gate");
	test_line_chain_before("unit-1", TEST_EPOCH, 19, log->chain);
	log_add(log, 19, 20, "gate");
	CHECK_OK(send(&b, log, TEST_EPOCH, &result));
	runs_of(b.path, runs);
	CHECK(strstr(runs, " 1e1f0:16-17@18 1e1f0:19-20@20 ") != NULL);
	bench_free(&b);
}
static bool is_refused(const char *path, const char *sql)
{
	sqlite3 *db;

	CHECK_I64(sqlite3_open(path, &db), ==, SQLITE_OK);
	int result = sqlite3_exec(db, sql, NULL, NULL, NULL);
	CHECK(result == SQLITE_OK || result == SQLITE_CONSTRAINT);
	(void)sqlite3_close(db);
	return result == SQLITE_CONSTRAINT;
}

TEST(the_file_refuses_to_give_a_number_or_a_line_twice)
{
	static const struct {
		const char *run; /* stream, first, last, row, received_ms */
		bool refused;
	} cases[] = {
		/* Stored are 11..13 and 15 of stream 1 in the rows 1..4; the row 5 is new. */
		{ "1, 14, 14, 5, 0", false },
		{ "1, 16, 16, 5, 0", false },
		{ "1, 10, 10, 5, 0", false },
		{ "2, 12, 12, 5, 0", false },
		{ "1, 11, 11, 5, 0", true },
		{ "1, 12, 12, 5, 0", true },
		{ "1, 13, 13, 5, 0", true },
		{ "1, 15, 15, 5, 0", true },
		{ "1, 16, 16, 4, 0", true },
		{ "1, 16, 16, 6, 0", true },
		{ "1, 16, 17, 4, 0", true },
		{ "1, 16, 17, 5, 0", true },
		{ "1, 17, 16, 5, 0", true },
		{ "1, 0, 0, 5, 0", true },
		{ "1, 16, 19, 2, 0", true },
		{ "1, 17, 16, 6, 0", true },
		/* With the rows 5..8 new. */
		{ "1, 16, 19, 5, 0", false },
		{ "1, 7, 10, 5, 0", false },
		{ "1, 8, 11, 5, 0", true },
		{ "1, 10, 13, 5, 0", true },
		{ "1, 11, 14, 5, 0", true },
		{ "1, 12, 15, 5, 0", true },
		{ "1, 13, 16, 5, 0", true },
		{ "1, 14, 17, 5, 0", true },
		{ "1, 15, 18, 5, 0", true },
	};
	struct bench b = bench_new();
	struct hf_ingest_result result;
	char sql[256];

	CHECK_OK(offer(&b, "unit-1", TEST_EPOCH, 11, 13, "gate", &result));
	CHECK_OK(offer(&b, "unit-1", TEST_EPOCH, 15, 15, "gate", &result));
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		int rows = i < 16 ? 1 : 4;

		(void)snprintf(sql, sizeof sql,
			       "BEGIN; INSERT INTO lines SELECT value, 'c', '{}' FROM"
			       " json_each('[5,6,7,8]') WHERE value < 5 + %d;"
			       "INSERT INTO runs(stream, first, last, row, received_ms) VALUES(%s);"
			       "ROLLBACK;",
			       rows, cases[i].run);
		CHECK(is_refused(b.path, sql) == cases[i].refused);
	}
	CHECK(is_refused(b.path, "UPDATE runs SET last = last + 1"));
	CHECK(is_refused(b.path, "INSERT INTO lines VALUES(2, 'c', '{}')"));
	bench_free(&b);
}

TEST(a_number_that_would_be_stored_twice_is_not_stored)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 5);
	execute(b.path, "UPDATE streams SET mark = 3, chain = ''");
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 4, 4, "another", &result), HF_E_CORRUPT);
	CHECK(strstr(err.text, "a number is given to one line") != NULL);
	CHECK_U64(result.conflict_seq, ==, 0);
	CHECK_U64(device_of(&b).events, ==, 5);
	bench_free(&b);
}

TEST(a_run_that_names_the_row_of_another_line_is_noticed)
{
	struct bench b = bench_new();
	struct hf_ingest_result result;

	(void)take(&b, 1, 5);
	execute(b.path, "DROP TRIGGER run_stays; UPDATE runs SET row = 2");
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 3, 3, "gate", &result), HF_E_CORRUPT);
	CHECK_U64(result.conflict_seq, ==, 0);
	execute(b.path, "UPDATE runs SET row = 1");
	CHECK_U64(take(&b, 3, 6).stored, ==, 1);
	execute(b.path, "UPDATE runs SET row = 100 WHERE row = 1");
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 2, 2, "gate", &result), HF_E_CORRUPT);
	execute(b.path, "UPDATE runs SET row = 1 WHERE row = 100");
	CHECK_CODE(offer(&b, "unit-1", TEST_EPOCH, 3, 3, "another", &result), HF_E_INVALID);
	CHECK_U64(result.conflict_seq, ==, 3);
	bench_free(&b);
}

/* Tables as the versions before made them, with what is in the file that is attached. */
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
	"INSERT INTO events SELECT row, device, epoch, seq, 7, received_ms, class, line"
	" FROM now.events;"
	"INSERT INTO streams SELECT device, epoch, mark, first_seen_ms, last_seen_ms, events,"
	" duplicates, conflicts, late_fills, state, release FROM now.streams;"
	"INSERT INTO gaps SELECT device, epoch, first, last, noticed_ms FROM now.gaps"
	" JOIN now.streams ON id = stream;"
	"PRAGMA application_id = 1212565570; PRAGMA user_version = 1;";
static const char schema_of_version_2[] =
	"CREATE TABLE streams("
	" id INTEGER PRIMARY KEY,"
	" device TEXT NOT NULL, epoch TEXT NOT NULL, mark INTEGER NOT NULL,"
	" first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
	" events INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,"
	" conflicts INTEGER NOT NULL DEFAULT 0, late_fills INTEGER NOT NULL DEFAULT 0,"
	" state TEXT NOT NULL DEFAULT '', release TEXT NOT NULL DEFAULT '',"
	" chain TEXT NOT NULL DEFAULT '', chain_epoch TEXT NOT NULL DEFAULT '',"
	" forks INTEGER NOT NULL DEFAULT 0, unchecked INTEGER NOT NULL DEFAULT 0,"
	" forked_from TEXT NOT NULL DEFAULT '',"
	" UNIQUE(device, epoch));"
	"CREATE TABLE events("
	" row INTEGER PRIMARY KEY,"
	" stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" crc INTEGER NOT NULL, received_ms INTEGER NOT NULL, class TEXT NOT NULL,"
	" line TEXT NOT NULL,"
	" UNIQUE(stream, seq));"
	"CREATE TABLE gaps("
	" stream INTEGER NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, noticed_ms INTEGER NOT NULL,"
	" PRIMARY KEY(stream, first)) WITHOUT ROWID;"
	"INSERT INTO events SELECT e.row, s.id, e.seq, 7, e.received_ms, e.class, e.line"
	" FROM now.events e JOIN now.streams s USING(device, epoch);"
	"INSERT INTO streams SELECT * FROM now.streams;"
	"INSERT INTO gaps SELECT * FROM now.gaps;"
	"PRAGMA application_id = 1212565570; PRAGMA user_version = 2;";

/* The hub's file as an older version would have written it. */
static void make_old(struct bench *b, const char *schema)
{
	char old[80], sql[128];
	sqlite3 *db;

	hf_store_close(b->store);
	b->store = NULL;
	(void)snprintf(old, sizeof old, "%s.old", b->path);
	(void)snprintf(sql, sizeof sql, "ATTACH '%s' AS now", b->path);
	CHECK_I64(sqlite3_open(old, &db), ==, SQLITE_OK);
	CHECK_I64(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	CHECK_I64(sqlite3_exec(db, schema, NULL, NULL, NULL), ==, SQLITE_OK);
	(void)sqlite3_close(db);
	CHECK(rename(old, b->path) == 0);
}

TEST(a_database_of_a_version_before_is_brought_up_to_date_and_its_chains_are_checked)
{
	static const char *const schemas[] = { schema_of_version_1, schema_of_version_2 };

	for (size_t i = 0; i < HF_ARRAY_LEN(schemas); i++) {
		struct bench b = bench_new();
		struct hf_ingest_result result;
		char before[RUNS_TEXT_BYTES], after[RUNS_TEXT_BYTES];

		/* Numbers follow on where rows or units do not, and the other way round. */
		(void)take(&b, 1, 3);
		CHECK_OK(offer(&b, "unit-2", "e7", 4, 5, "gate", &result));
		(void)take(&b, 4, 4);
		(void)take(&b, 6, 6);
		CHECK_OK(offer(&b, "unit-2", "e7", 6, 6, "gate", &result));
		CHECK_OK(offer(&b, "unit-1", "e9", 1, 2, "gate", &result));
		runs_of(b.path, before);
		CHECK_TEXT(before, "1e1f0:1-3@1 1e1f0:4-4@6 1e1f0:6-6@7 1e9:1-2@9 2e7:4-5@4 "
				   "2e7:6-6@8 ");
		make_old(&b, schemas[i]);

		CHECK_OK(hf_store_sqlite_open(b.path, &b.store, &err));
		runs_of(b.path, after);
		CHECK_TEXT(after, before);
		CHECK_I64(
			number_of(b.path, "SELECT count(*) FROM runs WHERE received_ms = 1000000"),
			==, 6);
		CHECK_U64(device_of(&b).mark, ==, 6);
		CHECK_U64(device_of(&b).forks, ==, 0);
		CHECK_U64(gaps_of(&b, "unit-1").count, ==, 1);
		CHECK_U64(gaps_of(&b, "unit-2").count, ==, 1);
		CHECK_OK(offer(&b, "unit-1", "e9", 1, 3, "gate", &result));
		CHECK_U64(result.duplicates, ==, 2);
		struct log *log = log_begin("unit-1", TEST_EPOCH, 7);
		log->chain[0] ^= 1;
		log_add(log, 7, 7, "gate");
		CHECK_CODE(send(&b, log, TEST_EPOCH, &result), HF_E_INVALID);
		CHECK(result.fork);
		CHECK_U64(take(&b, 2, 7).stored, ==, 2);
		CHECK(is_refused(b.path, "UPDATE runs SET last = last + 1"));
		reopen(&b);
		CHECK_U64(take(&b, 1, 8).stored, ==, 1);
		bench_free(&b);
	}
}

/* Rows that somebody deleted by hand are no reason to refuse the others. */
TEST(an_old_database_with_rows_missing_is_brought_up_to_date)
{
	struct bench b = bench_new();
	const struct hf_event_query query = { .direction = HF_EVENTS_AFTER, .limit = 9 };
	struct hf_event_page page;
	char runs[RUNS_TEXT_BYTES];

	(void)take(&b, 1, 9);
	make_old(&b, schema_of_version_2);
	execute(b.path, "DELETE FROM events WHERE row IN (1, 4, 5);"
			"UPDATE events SET received_ms = 7 WHERE row > 7");
	CHECK_OK(hf_store_sqlite_open(b.path, &b.store, &err));
	runs_of(b.path, runs);
	CHECK_TEXT(runs, "1e1f0:2-3@2 1e1f0:6-7@6 1e1f0:8-9@8 ");
	CHECK_U64(take(&b, 10, 10).stored, ==, 1);
	CHECK_U64(events_of(&b, &query, &page).count, ==, 7);
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

TESTS(RUN(a_request_is_one_run_as_far_as_its_numbers_follow_on),
      RUN(the_file_refuses_to_give_a_number_or_a_line_twice),
      RUN(a_number_that_would_be_stored_twice_is_not_stored),
      RUN(a_run_that_names_the_row_of_another_line_is_noticed),
      RUN(a_database_of_a_version_before_is_brought_up_to_date_and_its_chains_are_checked),
      RUN(an_old_database_with_rows_missing_is_brought_up_to_date),
      RUN(a_database_of_another_version_is_left_alone),
      RUN(a_file_that_is_no_database_is_corrupt_and_left_alone),
      RUN(a_damaged_page_is_noticed_when_the_store_opens),
      RUN(a_folder_that_cannot_be_written_is_an_error_with_its_path))
