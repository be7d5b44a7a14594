/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: statements are prepared once, when the file is opened. How lines are taken in and given out
 * is in store_sqlite_take.c and store_sqlite_list.c.
 *
 * There is no index of the lines by their numbers: it would have an entry a line, to be found by
 * comparing and written back in pages of its own, and cost as much as storing the line. What a unit
 * sends in one request lies in rows that follow one another; an entry for all of it does as well, and
 * SQLite refuses an entry that would give a number twice (doc/decisions/0003-one-event-one-number.md).
 *
 * The log is written back every 4,000 pages, not every 1,000: each time costs two flushes, and pages
 * that are changed again and again are then written back once for many requests.
 *
 * secure_delete, which some builds of SQLite have on, wipes what is cut out of a page each time one
 * is filled; only gaps are ever deleted here.
 *
 * How it fails: on any error the transaction is rolled back. An I/O error leaves in doubt which
 * bytes are on the medium, and asking the same descriptor again proves nothing: the connection
 * is spent, and the next call opens a new one (see Durability in the header).
 */
#include "hub/store_sqlite.h"

#include "hub/store_sqlite_inner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	APPLICATION_ID = 0x48464842, /* "HFHB" */
	SCHEMA_VERSION = 3,
	BUSY_WAIT_MS = 2000,
	CHECK_BYTES_MAX = 64 << 20,
	SCHEMA_BYTES_MAX = 4096,
};

/* The chain value in the text of a line; intake has seen that it stands there. */
#define CHAIN_OF_LINE "substr(line, -86, 64)"

static const char schema_of_streams[] =
	"CREATE TABLE streams("
	" id INTEGER PRIMARY KEY,"
	" device TEXT NOT NULL, epoch TEXT NOT NULL, mark INTEGER NOT NULL,"
	" first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
	" events INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,"
	" conflicts INTEGER NOT NULL DEFAULT 0, late_fills INTEGER NOT NULL DEFAULT 0,"
	" state TEXT NOT NULL DEFAULT '', release TEXT NOT NULL DEFAULT '',"
	/* Of the line at the mark, in hexadecimal, and the epoch that it names itself. */
	" chain TEXT NOT NULL DEFAULT '', chain_epoch TEXT NOT NULL DEFAULT '',"
	" forks INTEGER NOT NULL DEFAULT 0, unchecked INTEGER NOT NULL DEFAULT 0,"
	" forked_from TEXT NOT NULL DEFAULT '',"
	" UNIQUE(device, epoch));"
	"CREATE TABLE gaps("
	" stream INTEGER NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, noticed_ms INTEGER NOT NULL,"
	" PRIMARY KEY(stream, first)) WITHOUT ROWID;";

static const char schema_of_lines[] =
	"CREATE TABLE lines(row INTEGER PRIMARY KEY, class TEXT NOT NULL, line TEXT NOT NULL);"
	"CREATE TABLE runs("
	" row INTEGER PRIMARY KEY,"
	" stream INTEGER NOT NULL, first INTEGER NOT NULL CHECK(first >= 1),"
	" last INTEGER NOT NULL CHECK(last >= first), received_ms INTEGER NOT NULL,"
	" UNIQUE(stream, first));"
	/* For people, and for what looks at a file from outside. */
	"CREATE VIEW events AS SELECT l.row AS row, s.device AS device, s.epoch AS epoch,"
	" r.first + l.row - r.row AS seq, r.received_ms AS received_ms, l.class AS class,"
	" l.line AS line FROM lines l"
	" CROSS JOIN runs r ON r.row = (SELECT max(b.row) FROM runs b WHERE b.row <= l.row)"
	" CROSS JOIN streams s ON s.id = r.stream;";

/* A new run is of the newest lines, of none that is in a run already, and gives no number of its stream
 * again. Where two runs would overlap, the last one that begins before the new one's end does. */
static const char schema_of_guards[] =
	"CREATE TRIGGER run_once BEFORE INSERT ON runs WHEN"
	" NEW.first <= (SELECT last FROM runs WHERE stream = NEW.stream AND first <= NEW.last"
	" ORDER BY first DESC LIMIT 1)"
	" OR NEW.row <= (SELECT row + last - first FROM runs ORDER BY row DESC LIMIT 1)"
	" OR NEW.row + NEW.last - NEW.first IS NOT (SELECT max(row) FROM lines)"
	" BEGIN SELECT RAISE(ABORT, 'a number is given to one line, and a line has one'); END;"
	"CREATE TRIGGER run_stays BEFORE UPDATE ON runs"
	" BEGIN SELECT RAISE(ABORT, 'a run is written once'); END;";

/* From the versions before, which had a row of all of it for each event, and an index. Version 1 had
 * device and epoch there; what the chain needs is in the lines that are stored. */
static const char set_version_1_aside[] = "ALTER TABLE events RENAME TO old_events;"
					  "ALTER TABLE streams RENAME TO old_streams;"
					  "ALTER TABLE gaps RENAME TO old_gaps;";
static const char streams_of_version_1[] =
	"INSERT INTO streams(device, epoch, mark, first_seen_ms, last_seen_ms, events, duplicates,"
	" conflicts, late_fills, state, release, chain_epoch, chain)"
	" SELECT device, epoch, mark, first_seen_ms, last_seen_ms, events, duplicates,"
	" conflicts, late_fills, state, release, epoch, coalesce((SELECT " CHAIN_OF_LINE
	" FROM old_events e WHERE e.device = o.device AND e.epoch = o.epoch AND e.seq = o.mark),"
	" '') FROM old_streams o ORDER BY first_seen_ms;"
	"INSERT INTO gaps SELECT s.id, g.first, g.last, g.noticed_ms"
	" FROM old_gaps g JOIN streams s USING(device, epoch);"
	"DROP TABLE old_streams; DROP TABLE old_gaps;"
	"CREATE TEMP VIEW old AS SELECT e.row, s.id AS stream, e.seq, e.received_ms, e.class,"
	" e.line FROM old_events e CROSS JOIN streams s USING(device, epoch);";
static const char set_version_2_aside[] = "ALTER TABLE events RENAME TO old_events;"
					  "CREATE TEMP VIEW old AS SELECT * FROM old_events;";
/* A run begins at a line that none is right before, in row, number and time, and ends before the next
 * one begins. All of it goes one line after the other: what is in memory does not grow with the file. */
static const char lines_of_old[] =
	"INSERT INTO lines SELECT row, class, line FROM old ORDER BY row;"
	"INSERT INTO runs SELECT row, stream, seq, seq, received_ms FROM old o WHERE NOT EXISTS"
	" (SELECT 1 FROM old p WHERE p.row = o.row - 1 AND p.stream = o.stream"
	" AND p.seq = o.seq - 1 AND p.received_ms = o.received_ms) ORDER BY row;"
	"UPDATE runs AS r SET last = r.first - r.row + (SELECT max(l.row) FROM lines l WHERE l.row "
	"<"
	" coalesce((SELECT min(n.row) FROM runs n WHERE n.row > r.row), 9223372036854775807));"
	"DROP VIEW old;";
/* What one statement removes is kept in memory until it has ended: not all at once. */
static const char drop_some_of_old[] =
	"DELETE FROM old_events WHERE row IN (SELECT row FROM old_events ORDER BY row LIMIT 5000)";

/* The run that a number lies in, or the last one that begins before it. */
#define RUN_UP_TO(stream, number)                                                    \
	" r.row = (SELECT b.row FROM runs b WHERE b.stream = " stream " AND b.first" \
	" <= " number " ORDER BY b.first DESC LIMIT 1)"

#define LINE_SOURCE                                                      \
	" FROM runs r LEFT JOIN lines l ON l.row = r.row + ?2 - r.first" \
	" WHERE" RUN_UP_TO("?1", "?2") " AND r.last >= ?2"

/* The rows ?1 to ?2, of a device or all (?3 NULL), of a class or all (?4 NULL), at most ?5. */
#define LISTED(way)                                                                   \
	"SELECT l.row AS row, r.received_ms AS received_ms, l.line AS line"           \
	" FROM runs r CROSS JOIN lines l ON l.row BETWEEN max(?1, r.row)"             \
	" AND min(?2, r.row + r.last - r.first) WHERE r.row BETWEEN"                  \
	" coalesce((SELECT max(b.row) FROM runs b WHERE b.row <= ?1), 0) AND ?2"      \
	" AND (?3 IS NULL OR r.stream IN (SELECT id FROM streams WHERE device = ?3))" \
	" AND (?4 IS NULL OR l.class = ?4) ORDER BY r.row " way ", l.row " way " LIMIT ?5"

static const char *const statement_text[] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[STREAM_FIND] = "SELECT id, mark, chain, chain_epoch FROM streams"
			" WHERE device = ?1 AND epoch = ?2",
	[MARK_OF_DEVICE] = "SELECT max(mark) FROM streams WHERE device = ?1",
	[LINE_AT] = "SELECT l.line" LINE_SOURCE,
	[LINE_AT_EPOCH] = "SELECT l.line, json_extract(l.line, '$.epoch')" LINE_SOURCE,
	[LINE_IS_OF] = "SELECT 1" LINE_SOURCE " AND json_extract(l.line, '$.local_seq') = ?2"
		       " AND json_extract(l.line, '$.device_id') = ?3",
	[LINE_BELOW] =
		"SELECT min(r.last, ?2 - 1), " CHAIN_OF_LINE ", json_extract(l.line, '$.epoch')"
		" FROM runs r CROSS JOIN lines l ON l.row = r.row + min(r.last, ?2 - 1) - r.first"
		" WHERE" RUN_UP_TO("?1", "?2 - 1"),
	/* The last line before a number in each of the device's other streams. */
	[LINES_ELSEWHERE] =
		"SELECT " CHAIN_OF_LINE " FROM streams s CROSS JOIN runs r CROSS JOIN lines l"
		" ON l.row = r.row + min(r.last, ?3 - 1) - r.first"
		" WHERE s.device = ?1 AND s.epoch <> ?2 AND" RUN_UP_TO("s.id", "?3 - 1"),
	[LINE_ADD] = "INSERT INTO lines(class, line) VALUES(?1, ?2)",
	[RUN_ADD] = "INSERT INTO runs(stream, first, last, row, received_ms)"
		    " VALUES(?1, ?2, ?3, ?4, ?5)",
	[STREAM_ADD] = "INSERT INTO streams(device, epoch, mark, first_seen_ms, last_seen_ms)"
		       " VALUES(?1, ?2, ?3, ?4, ?4)",
	[STREAM_PUT] = "UPDATE streams SET mark = ?2, last_seen_ms = ?3, events = events + ?4,"
		       " duplicates = duplicates + ?5, late_fills = late_fills + ?6,"
		       " state = coalesce(?7, state), release = coalesce(?8, release), chain = ?9,"
		       " chain_epoch = ?10, forks = forks + ?11, unchecked = unchecked + ?12,"
		       " forked_from = coalesce(?13, forked_from) WHERE id = ?1",
	[STREAM_CONFLICT] = "UPDATE streams SET conflicts = conflicts + 1, last_seen_ms = ?3"
			    " WHERE device = ?1 AND epoch = ?2",
	/* Of a stream that has no line yet, too. */
	[STREAM_FORK] =
		"INSERT INTO streams(device, epoch, mark, first_seen_ms, last_seen_ms, forks)"
		" VALUES(?1, ?2, ?4, ?3, ?3, 1)"
		" ON CONFLICT DO UPDATE SET forks = forks + 1, last_seen_ms = ?3",
	[GAP_ADD] = "INSERT INTO gaps(stream, first, last, noticed_ms) VALUES(?1, ?2, ?3, ?4)",
	[GAP_AROUND] = "SELECT first, last, noticed_ms FROM gaps WHERE stream = ?1"
		       " AND first <= ?2 ORDER BY first DESC LIMIT 1",
	[GAP_DROP] = "DELETE FROM gaps WHERE stream = ?1 AND first = ?2",
	[ROW_LAST] = "SELECT coalesce(max(row), 0) FROM lines",
	[LINES_UP] = LISTED("ASC"),
	[LINES_DOWN] = "SELECT row, received_ms, line FROM (" LISTED("DESC") ") ORDER BY row",
	[DEVICES] = "SELECT device, epoch, mark, first_seen_ms, last_seen_ms, events, duplicates,"
		    " conflicts, late_fills, (SELECT coalesce(sum(last - first + 1), 0) FROM gaps g"
		    " WHERE g.stream = s.id), state, release, forks, unchecked, forked_from"
		    " FROM streams s ORDER BY device, last_seen_ms DESC LIMIT ?1",
	[GAPS] = "SELECT device, epoch, first, last, noticed_ms FROM gaps JOIN streams ON id = "
		 "stream"
		 " WHERE ?1 IS NULL OR device = ?1 ORDER BY noticed_ms, device, first LIMIT ?2",
};
_Static_assert(sizeof statement_text / sizeof statement_text[0] == STATEMENT_COUNT,
	       "a text for every statement");

static enum hf_code code_of_sqlite(int result)
{
	switch (result & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return HF_E_AGAIN;
	case SQLITE_FULL:
		return HF_E_NOSPACE;
	case SQLITE_NOMEM:
		return HF_E_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT: /* we or the file are wrong about what is stored */
		return HF_E_CORRUPT;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return HF_E_DENIED;
	default:
		return HF_E_IO;
	}
}

enum hf_code hf_sqlite_fail(const struct store_sqlite *store, int result, const char *what,
			    struct hf_err *err)
{
	int error_number = sqlite3_system_errno(store->db);

	return hf_fail(err, code_of_sqlite(result), "%s: %s: %s%s%s", store->path, what,
		       sqlite3_errmsg(store->db), error_number != 0 ? ": " : "",
		       error_number != 0 ? strerror(error_number) : "");
}

/* Run a statement that gives no row. */
enum hf_code hf_sqlite_run(struct store_sqlite *store, sqlite3_stmt *statement, struct hf_err *err)
{
	AUTO_RESET used = statement;
	int result = sqlite3_step(used);

	if (result != SQLITE_DONE)
		return hf_sqlite_fail(store, result, "write", err);
	return HF_OK;
}

/* Run a statement that gives at most one number; ret_found false when it gives none. */
enum hf_code hf_sqlite_look_up(struct store_sqlite *store, sqlite3_stmt *statement, bool *ret_found,
			       uint64_t *ret_value, struct hf_err *err)
{
	AUTO_RESET used = statement;
	int result = sqlite3_step(used);

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return hf_sqlite_fail(store, result, "read", err);
	*ret_found = result == SQLITE_ROW && sqlite3_column_type(used, 0) != SQLITE_NULL;
	*ret_value = *ret_found ? column_number(used, 0) : 0;
	return HF_OK;
}

/* ---- opening ---- */

void hf_sqlite_close(struct store_sqlite *store)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		(void)sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
	/* The last connection checkpoints when it closes; if that fails the log stays and counts. */
	(void)sqlite3_close(store->db);
	store->db = NULL;
}

static enum hf_code execute(struct store_sqlite *store, const char *sql, struct hf_err *err)
{
	int result = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return result == SQLITE_OK ? HF_OK : hf_sqlite_fail(store, result, "open", err);
}

static enum hf_code ask(struct store_sqlite *store, const char *sql, char *ret_answer,
			size_t size_bytes_max, struct hf_err *err)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		(void)snprintf(ret_answer, size_bytes_max, "%s", column_text(statement, 0));
	enum hf_code code =
		result == SQLITE_ROW ? HF_OK : hf_sqlite_fail(store, result, "open", err);
	(void)sqlite3_finalize(statement);
	return code;
}

static enum hf_code check_whole(struct store_sqlite *store, struct hf_err *err)
{
	char answer[256];
	struct stat st;

	if (stat(store->path, &st) != 0)
		return hf_fail_errno(err, "%s", store->path);
	if (st.st_size > CHECK_BYTES_MAX)
		return HF_OK;
	enum hf_code code = ask(store, "PRAGMA quick_check(1)", answer, sizeof answer, err);
	if (code != HF_OK)
		return code;
	if (strcmp(answer, "ok") != 0)
		return hf_fail(err, HF_E_CORRUPT, "%s: %s", store->path, answer);
	return HF_OK;
}

/* Ours and of a version that is known, or empty and made so. */
static enum hf_code settle_schema(struct store_sqlite *store, long *ret_version, struct hf_err *err)
{
	char application[32], version[32], tables[32];
	char sql[SCHEMA_BYTES_MAX];

	enum hf_code code =
		ask(store, "PRAGMA application_id", application, sizeof application, err);
	if (code == HF_OK)
		code = ask(store, "PRAGMA user_version", version, sizeof version, err);
	if (code == HF_OK)
		code = ask(store, "SELECT count(*) FROM sqlite_master", tables, sizeof tables, err);
	if (code != HF_OK)
		return code;

	if (strcmp(application, "0") == 0 && strcmp(tables, "0") == 0) {
		(void)snprintf(sql, sizeof sql,
			       "BEGIN; %s %s %s PRAGMA application_id = %d; "
			       "PRAGMA user_version = %d; COMMIT;",
			       schema_of_streams, schema_of_lines, schema_of_guards, APPLICATION_ID,
			       SCHEMA_VERSION);
		*ret_version = SCHEMA_VERSION;
		return execute(store, sql, err);
	}
	if (strtol(application, NULL, 10) != APPLICATION_ID)
		return hf_fail(err, HF_E_INVALID,
			       "%s is a database of another program (application_id %s): "
			       "give the hub a folder of its own with --data",
			       store->path, application);
	*ret_version = strtol(version, NULL, 10);
	if (*ret_version < 1 || *ret_version > SCHEMA_VERSION)
		return hf_fail(err, HF_E_INVALID,
			       "%s has the layout of another version of holdfast-hub (%s, this one "
			       "writes %d): run the version that made it, or give this one another "
			       "folder with --data",
			       store->path, version, SCHEMA_VERSION);
	return HF_OK;
}

static enum hf_code migrate_open(struct store_sqlite *store, long version, struct hf_err *err)
{
	const char *const steps_from_1[] = { "BEGIN IMMEDIATE",    set_version_1_aside,
					     schema_of_streams,    schema_of_lines,
					     streams_of_version_1, lines_of_old,
					     schema_of_guards,     NULL };
	const char *const steps_from_2[] = { "BEGIN IMMEDIATE", set_version_2_aside,
					     schema_of_lines,   lines_of_old,
					     schema_of_guards,  NULL };
	char sql[96];
	enum hf_code code = HF_OK;

	for (const char *const *step = version == 1 ? steps_from_1 : steps_from_2;
	     code == HF_OK && *step != NULL; step++)
		code = execute(store, *step, err);
	do {
		if (code == HF_OK)
			code = execute(store, drop_some_of_old, err);
	} while (code == HF_OK && sqlite3_changes(store->db) > 0);
	if (code != HF_OK)
		return code;
	(void)snprintf(sql, sizeof sql, "DROP TABLE old_events; PRAGMA user_version = %d; COMMIT;",
		       SCHEMA_VERSION);
	return execute(store, sql, err);
}

/* One transaction: a power cut leaves the old layout or the new one. What fails is rolled back when
 * the connection is closed. */
static enum hf_code migrate(struct store_sqlite *store, long version, struct hf_err *err)
{
	if (version == SCHEMA_VERSION)
		return HF_OK;
	enum hf_code code = migrate_open(store, version, err);
	return code == HF_OK ? HF_OK : hf_err_prefix(err, "bring the layout up to date");
}

static enum hf_code prepare_statements(struct store_sqlite *store, struct hf_err *err)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		int result =
			sqlite3_prepare_v3(store->db, statement_text[i], -1,
					   SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);

		if (result != SQLITE_OK)
			return hf_sqlite_fail(store, result, "prepare", err);
	}
	return HF_OK;
}

static enum hf_code set_up(struct store_sqlite *store, struct hf_err *err)
{
	(void)sqlite3_busy_timeout(store->db, BUSY_WAIT_MS);
	(void)sqlite3_extended_result_codes(store->db, 1);

	long version = 0;
	enum hf_code code = settle_schema(store, &version, err);
	if (code == HF_OK)
		code = execute(store,
			       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			       "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;"
			       "PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 67108864;"
			       "PRAGMA wal_autocheckpoint = 4000;"
			       "PRAGMA wal_checkpoint(TRUNCATE);",
			       err);
	if (code == HF_OK)
		code = check_whole(store, err);
	if (code == HF_OK)
		code = migrate(store, version, err);
	if (code == HF_OK)
		code = prepare_statements(store, err);
	return code;
}

enum hf_code hf_sqlite_open(struct store_sqlite *store, struct hf_err *err)
{
	if (store->db != NULL)
		return HF_OK;
	int result = sqlite3_open_v2(
		store->path, &store->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	enum hf_code code = HF_OK;

	if (store->db == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: no memory to open it", store->path);
	if (result != SQLITE_OK)
		code = hf_sqlite_fail(store, result, "open", err);
	if (code == HF_OK)
		code = set_up(store, err);
	if (code != HF_OK)
		hf_sqlite_close(store);
	return code;
}

static void sqlite_close(struct hf_store *base)
{
	struct store_sqlite *store = from_base(base);

	if (store->db != NULL)
		hf_sqlite_close(store);
	free(store->path);
	free(store);
}

static const struct hf_store_ops sqlite_ops = {
	.ingest = hf_sqlite_ingest,
	.events = hf_sqlite_events,
	.devices = hf_sqlite_devices,
	.gaps = hf_sqlite_gaps,
	.close = sqlite_close,
};

enum hf_code hf_store_sqlite_open(const char *path, struct hf_store **ret_store, struct hf_err *err)
{
	struct store_sqlite *store = calloc(1, sizeof *store);

	if (store == NULL || (store->path = strdup(path)) == NULL) {
		free(store);
		return hf_fail(err, HF_E_NOMEM, "%s: no memory to open it", path);
	}
	store->base.ops = &sqlite_ops;
	/* One thread at a time uses SQLite here, and nobody asks how much memory it has: its locks and
	 * counts would be taken several times for each event. Refused, without harm, when SQLite has
	 * been used before in this process. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	enum hf_code code = hf_sqlite_open(store, err);
	if (code != HF_OK) {
		sqlite_close(&store->base);
		return code;
	}
	*ret_store = &store->base;
	return HF_OK;
}
