/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit - every line of an outbox against every row of a hub: the same bytes, the same order,
 * each once.
 *
 * Usage    drain-audit DATA HUB.DB
 * Output   {"events","stored","lost","twice","disordered","altered","last_received_ms"}
 */
#include "base/disk.h"
#include "outbox/reader.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct audit {
	uint64_t events, stored, lost, twice, disordered, altered;
	int64_t last_received_ms;
	unsigned char *seen; /* how often, by number */
	uint64_t seq_max;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "drain-audit: %s\n", what);
	exit(EXIT_FAILURE);
}

/* Rows rise by one with each insertion: their order is that of arrival. */
static sqlite3_stmt *rows(sqlite3 *db, const char *query)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	return statement;
}

static void look_at_order(struct audit *audit, sqlite3 *db)
{
	sqlite3_stmt *all = rows(db, "SELECT seq, received_ms FROM events ORDER BY row");
	uint64_t before = 0;

	while (sqlite3_step(all) == SQLITE_ROW) {
		uint64_t seq = (uint64_t)sqlite3_column_int64(all, 0);
		int64_t received_ms = sqlite3_column_int64(all, 1);

		audit->stored++;
		audit->disordered += seq != before + 1;
		before = seq;
		if (received_ms > audit->last_received_ms)
			audit->last_received_ms = received_ms;
		if (seq > audit->seq_max) {
			unsigned char *more = realloc(audit->seen, seq + 1);

			if (more == NULL)
				die("out of memory");
			memset(more + audit->seq_max + 1, 0, seq - audit->seq_max);
			audit->seen = more;
			audit->seq_max = seq;
		}
		audit->twice += audit->seen[seq] != 0;
		audit->seen[seq] = 1;
	}
	(void)sqlite3_finalize(all);
}

static void look_at_lines(struct audit *audit, sqlite3 *db, const char *folder)
{
	struct hf_disk *disk;
	struct hf_reader *reader;
	struct hf_line line;
	struct hf_err err;
	sqlite3_stmt *one = rows(db, "SELECT line FROM lines WHERE row = ("
				     "SELECT iif(last >= ?3, row + ?3 - first, 0) FROM runs"
				     " WHERE stream = (SELECT id FROM streams"
				     " WHERE device = ?1 AND epoch = ?2) AND first <= ?3"
				     " ORDER BY first DESC LIMIT 1)");

	if (hf_disk_real_open(folder, &disk, &err) != HF_OK)
		die(err.text);
	const struct hf_reader_options options = { .disk = disk, .folder = HF_OUTBOX_FOLDER };
	if (hf_reader_open(&options, &reader, &err) != HF_OK)
		die(err.text);
	while (hf_reader_next(reader, &line, NULL, NULL, &err) == HF_OK) {
		audit->events++;
		(void)sqlite3_bind_text(one, 1, line.device_id.data, (int)line.device_id.size_bytes,
					SQLITE_STATIC);
		(void)sqlite3_bind_text(one, 2, line.epoch.data, (int)line.epoch.size_bytes,
					SQLITE_STATIC);
		(void)sqlite3_bind_int64(one, 3, (sqlite3_int64)line.local_seq);
		if (sqlite3_step(one) != SQLITE_ROW)
			audit->lost++;
		else if ((size_t)sqlite3_column_bytes(one, 0) != line.size_bytes - 1 ||
			 memcmp(sqlite3_column_text(one, 0), line.data, line.size_bytes - 1) != 0)
			audit->altered++;
		(void)sqlite3_reset(one);
	}
	hf_reader_close(reader);
	hf_disk_real_close(disk);
	(void)sqlite3_finalize(one);
}

int main(int argc, char **argv)
{
	struct audit audit = { 0 };
	sqlite3 *db = NULL;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: drain-audit DATA HUB.DB\n");
		return 2;
	}
	audit.seen = calloc(1, 1);
	if (audit.seen == NULL || sqlite3_open(argv[2], &db) != SQLITE_OK)
		die("cannot open the hub's events");
	look_at_order(&audit, db);
	look_at_lines(&audit, db, argv[1]);
	(void)sqlite3_close(db);
	free(audit.seen);
	(void)printf("{\"events\":%" PRIu64 ",\"stored\":%" PRIu64 ",\"lost\":%" PRIu64
		     ",\"twice\":%" PRIu64 ",\"disordered\":%" PRIu64 ",\"altered\":%" PRIu64
		     ",\"last_received_ms\":%" PRId64 "}\n",
		     audit.events, audit.stored, audit.lost, audit.twice, audit.disordered,
		     audit.altered, audit.last_received_ms);
	return EXIT_SUCCESS;
}
