/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite - what most people would take: a table, WAL, synchronous=FULL, a prepared statement, one
 * transaction for all that wait.
 */
#include "bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct bench_db {
	sqlite3 *db;
	sqlite3_stmt *add;
};

struct bench_db *bench_db_open(const char *folder)
{
	struct bench_db *db = calloc(1, sizeof *db);
	char path[BENCH_PATH_BYTES];

	if (db == NULL)
		bench_die("out of memory");
	(void)snprintf(path, sizeof path, "%s/events.db", folder);
	if (sqlite3_open(path, &db->db) != SQLITE_OK ||
	    sqlite3_exec(db->db,
			 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			 "CREATE TABLE events(seq INTEGER PRIMARY KEY, line TEXT NOT NULL);",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db->db, "INSERT INTO events(line) VALUES(?1)", -1, &db->add, NULL) !=
		    SQLITE_OK)
		bench_die(sqlite3_errmsg(db->db));
	return db;
}

void bench_db_add(struct bench_db *db, const char *line, size_t count)
{
	int result = SQLITE_OK;

	/* One alone is a transaction by itself. */
	if (count > 1)
		result = sqlite3_exec(db->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (size_t i = 0; i < count && result == SQLITE_OK; i++) {
		(void)sqlite3_bind_text(db->add, 1, line, BENCH_LINE_BYTES, SQLITE_STATIC);
		result = sqlite3_step(db->add) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		(void)sqlite3_reset(db->add);
	}
	if (count > 1 && result == SQLITE_OK)
		result = sqlite3_exec(db->db, "COMMIT", NULL, NULL, NULL);
	if (result != SQLITE_OK)
		bench_die(sqlite3_errmsg(db->db));
}

void bench_db_close(struct bench_db *db)
{
	(void)sqlite3_finalize(db->add);
	(void)sqlite3_close(db->db);
	free(db);
}

static void *db_open(const char *folder, const char *argument)
{
	(void)argument;
	return bench_db_open(folder);
}

static void db_lap(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap)
{
	int64_t spent = 0;

	do {
		if (lap->between != NULL)
			lap->between(lap->context);
		int64_t from = bench_now_us();
		bench_db_add(state, bench_line(), waiting);
		int64_t took = bench_now_us() - from;
		bench_sample(lap, took, waiting);
		spent += took;
	} while (spent < for_us);
}

static void db_close(void *state)
{
	bench_db_close(state);
}

const struct bench_subject bench_sqlite = { "sqlite", db_open, db_lap, db_close, false };
