/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the mark of (device, epoch) is read, every line is judged against it, and the lines,
 * the gaps and the new mark are written in one transaction; only after its commit is anything
 * acknowledged. Statements are prepared once.
 *
 * The log is written back every 4,000 pages, not every 1,000: each time costs two flushes, and the
 * index's pages that all events of one unit share are then written back once for many events.
 *
 * secure_delete, which some builds of SQLite have on, wipes what is cut out of a page each time one
 * is filled; only gaps are ever deleted here.
 *
 * How it fails: on any error the transaction is rolled back. An I/O error leaves in doubt which
 * bytes are on the medium, and asking the same descriptor again proves nothing: the connection
 * is spent, and the next call opens a new one (see Durability in the header).
 */
#include "hub/store_sqlite.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/random.h"
#include "hub/chain.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	APPLICATION_ID = 0x48464842, /* "HFHB" */
	SCHEMA_VERSION = 2,
	BUSY_WAIT_MS = 2000,
	CHECK_BYTES_MAX = 64 << 20,
	CHAIN_TEXT_BYTES = 2 * HF_CHAIN_BYTES + 1,
};

/* The chain value in the text of a line; intake has seen that it stands there. */
#define CHAIN_OF_LINE "substr(line, -86, 64)"
/* Which events are listed: ?3 is a device or NULL for all. */
#define OF_DEVICE_3 "(?3 IS NULL OR stream IN (SELECT id FROM streams WHERE device = ?3))"

/* A stream is one epoch of a device. Its number stands in each event and in the index over them:
 * shorter there than the two names, and compared as one integer. */
static const char schema[] =
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
	"CREATE TABLE events("
	" row INTEGER PRIMARY KEY,"
	" stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" crc INTEGER NOT NULL, received_ms INTEGER NOT NULL, class TEXT NOT NULL,"
	" line TEXT NOT NULL,"
	" UNIQUE(stream, seq));"
	"CREATE TABLE gaps("
	" stream INTEGER NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, noticed_ms INTEGER NOT NULL,"
	" PRIMARY KEY(stream, first)) WITHOUT ROWID;";

/* From the version before, which had device and epoch in each row: the tables are written anew
 * between these two. What the chain needs is in the lines that are stored. */
static const char set_version_1_aside[] = "ALTER TABLE events RENAME TO events_1;"
					  "ALTER TABLE streams RENAME TO streams_1;"
					  "ALTER TABLE gaps RENAME TO gaps_1;";
static const char from_version_1[] =
	"INSERT INTO streams(device, epoch, mark, first_seen_ms, last_seen_ms, events, duplicates,"
	" conflicts, late_fills, state, release, chain_epoch)"
	" SELECT device, epoch, mark, first_seen_ms, last_seen_ms, events, duplicates,"
	" conflicts, late_fills, state, release, epoch FROM streams_1;"
	"INSERT INTO events SELECT e.row, s.id, e.seq, e.crc, e.received_ms, e.class, e.line"
	" FROM events_1 e LEFT JOIN streams s ON s.device = e.device AND s.epoch = e.epoch"
	" ORDER BY e.row;"
	"INSERT INTO gaps SELECT s.id, g.first, g.last, g.noticed_ms"
	" FROM gaps_1 g LEFT JOIN streams s ON s.device = g.device AND s.epoch = g.epoch;"
	"UPDATE streams SET chain = coalesce((SELECT " CHAIN_OF_LINE
	" FROM events WHERE stream = streams.id AND seq = streams.mark), '');"
	"DROP TABLE events_1; DROP TABLE streams_1; DROP TABLE gaps_1;";

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	STREAM_OF,
	MARK_OF_DEVICE,
	EVENT_CRC,
	EVENT_BELOW,
	EVENT_LINE,
	EVENTS_ELSEWHERE,
	EVENT_ADD,
	STREAM_ADD,
	STREAM_PUT,
	STREAM_CONFLICT,
	STREAM_FORK,
	GAP_ADD,
	GAP_AROUND,
	GAP_DROP,
	ROW_LAST,
	EVENTS_UP,
	EVENTS_DOWN,
	DEVICES,
	GAPS,
	STATEMENT_COUNT,
};

static const char *const statement_text[] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[STREAM_OF] = "SELECT id, mark, chain, chain_epoch FROM streams"
		      " WHERE device = ?1 AND epoch = ?2",
	[MARK_OF_DEVICE] = "SELECT max(mark) FROM streams WHERE device = ?1",
	[EVENT_CRC] = "SELECT crc, " CHAIN_OF_LINE " FROM events WHERE stream = ?1 AND seq = ?2",
	[EVENT_BELOW] = "SELECT seq, " CHAIN_OF_LINE ", json_extract(line, '$.epoch') FROM events"
			" WHERE stream = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1",
	[EVENT_LINE] = "SELECT line, json_extract(line, '$.epoch') FROM events"
		       " WHERE stream = ?1 AND seq = ?2",
	/* The last line before a number in each of the device's other streams. */
	[EVENTS_ELSEWHERE] = "SELECT substr(e.line, -86, 64) FROM streams s JOIN events e"
			     " ON e.stream = s.id AND e.seq ="
			     " (SELECT max(seq) FROM events b WHERE b.stream = s.id AND b.seq < ?2)"
			     " WHERE s.id <> ?1 AND s.device = ?3",
	[EVENT_ADD] = "INSERT INTO events(stream, seq, crc, received_ms, class, line)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
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
	[ROW_LAST] = "SELECT coalesce(max(row), 0) FROM events",
	[EVENTS_UP] = "SELECT row, received_ms, line FROM events WHERE row BETWEEN ?1 AND ?2"
		      " AND " OF_DEVICE_3 " AND (?4 IS NULL OR class = ?4)"
		      " ORDER BY row LIMIT ?5",
	[EVENTS_DOWN] = "SELECT row, received_ms, line FROM (SELECT row, received_ms, line FROM"
			" events WHERE row BETWEEN ?1 AND ?2 AND " OF_DEVICE_3
			" AND (?4 IS NULL OR class = ?4) ORDER BY row DESC LIMIT ?5) ORDER BY row",
	[DEVICES] = "SELECT device, epoch, mark, first_seen_ms, last_seen_ms, events, duplicates,"
		    " conflicts, late_fills, (SELECT coalesce(sum(last - first + 1), 0) FROM gaps g"
		    " WHERE g.stream = s.id), state, release,"
		    " forks, unchecked, forked_from"
		    " FROM streams s ORDER BY device, last_seen_ms DESC LIMIT ?1",
	[GAPS] = "SELECT device, epoch, first, last, noticed_ms"
		 " FROM gaps JOIN streams ON id = stream WHERE ?1 IS NULL OR device = ?1 ORDER BY "
		 "noticed_ms, device, first LIMIT ?2",
};
_Static_assert(sizeof statement_text / sizeof statement_text[0] == STATEMENT_COUNT,
	       "a text for every statement");

struct store_sqlite {
	struct hf_store base;
	char *path;
	sqlite3 *db; /* NULL: spent, to be opened anew */
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* What one batch has done so far, to be written as the new state of its stream. */
struct tally {
	const struct hf_sender *sender;
	int64_t now_ms;
	uint64_t stream;
	uint64_t mark_found; /* before this batch */
	uint64_t mark;
	struct hf_chain_tip tip; /* the line at the mark */
	uint64_t stored, duplicates, late_fills, forks, unchecked;
	uint64_t conflict_seq;
	bool fork; /* it is one */
	const struct hf_intake_line *newest;
};

static struct store_sqlite *from_base(struct hf_store *base)
{
	return (struct store_sqlite *)base;
}

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

static enum hf_code fail_sqlite(const struct store_sqlite *store, int result, const char *what,
				struct hf_err *err)
{
	int error_number = sqlite3_system_errno(store->db);

	return hf_fail(err, code_of_sqlite(result), "%s: %s: %s%s%s", store->path, what,
		       sqlite3_errmsg(store->db), error_number != 0 ? ": " : "",
		       error_number != 0 ? strerror(error_number) : "");
}

static void auto_reset(sqlite3_stmt **statement)
{
	(void)sqlite3_reset(*statement);
	(void)sqlite3_clear_bindings(*statement);
}
#define AUTO_RESET HF_AUTO(auto_reset) sqlite3_stmt *

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	/* Cannot fail: the index is ours, and static text is not copied. It outlives the step. */
	if (text != NULL)
		(void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *statement, int at, uint64_t value)
{
	(void)sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

/* ?1 and ?2 are the names of its stream. */
static sqlite3_stmt *use_named(struct store_sqlite *store, enum statement which,
			       const struct hf_sender *sender)
{
	sqlite3_stmt *statement = store->statements[which];

	bind_text(statement, 1, sender->device_id);
	bind_text(statement, 2, sender->epoch);
	return statement;
}

/* ?1 is its stream, ?2 a number in it. */
static sqlite3_stmt *use(struct store_sqlite *store, enum statement which,
			 const struct tally *tally, uint64_t seq)
{
	sqlite3_stmt *statement = store->statements[which];

	bind_number(statement, 1, tally->stream);
	bind_number(statement, 2, seq);
	return statement;
}

static uint64_t column_number(sqlite3_stmt *statement, int at)
{
	sqlite3_int64 value = sqlite3_column_int64(statement, at);

	return value < 0 ? 0 : (uint64_t)value;
}

static const char *column_text(sqlite3_stmt *statement, int at)
{
	const unsigned char *text = sqlite3_column_text(statement, at);

	return text != NULL ? (const char *)text : "";
}

/* Run a statement that gives no row. */
static enum hf_code run(struct store_sqlite *store, sqlite3_stmt *statement, struct hf_err *err)
{
	AUTO_RESET used = statement;
	int result = sqlite3_step(used);

	if (result != SQLITE_DONE)
		return fail_sqlite(store, result, "write", err);
	return HF_OK;
}

/* Run a statement that gives at most one number; ret_found false when it gives none. */
static enum hf_code look_up(struct store_sqlite *store, sqlite3_stmt *statement, bool *ret_found,
			    uint64_t *ret_value, struct hf_err *err)
{
	AUTO_RESET used = statement;
	int result = sqlite3_step(used);

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail_sqlite(store, result, "read", err);
	*ret_found = result == SQLITE_ROW && sqlite3_column_type(used, 0) != SQLITE_NULL;
	*ret_value = *ret_found ? column_number(used, 0) : 0;
	return HF_OK;
}

/* ---- opening ---- */

static void close_db(struct store_sqlite *store)
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

	return result == SQLITE_OK ? HF_OK : fail_sqlite(store, result, "open", err);
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
	enum hf_code code = result == SQLITE_ROW ? HF_OK : fail_sqlite(store, result, "open", err);
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
	char application[32], version[32], tables[32], sql[sizeof schema + 160];

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
			       "BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = %d; "
			       "COMMIT;",
			       schema, APPLICATION_ID, SCHEMA_VERSION);
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

/* One transaction: a power cut leaves the old layout or the new one. */
static enum hf_code migrate(struct store_sqlite *store, long version, struct hf_err *err)
{
	char sql[sizeof set_version_1_aside + sizeof schema + sizeof from_version_1 + 96];

	if (version == SCHEMA_VERSION)
		return HF_OK;
	(void)snprintf(sql, sizeof sql,
		       "BEGIN IMMEDIATE; %s %s %s PRAGMA user_version = %d; COMMIT;",
		       set_version_1_aside, schema, from_version_1, SCHEMA_VERSION);
	enum hf_code code = execute(store, sql, err);
	return code == HF_OK ? HF_OK : hf_err_prefix(err, "bring the layout up to date");
}

static enum hf_code prepare_statements(struct store_sqlite *store, struct hf_err *err)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		int result =
			sqlite3_prepare_v3(store->db, statement_text[i], -1,
					   SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);

		if (result != SQLITE_OK)
			return fail_sqlite(store, result, "prepare", err);
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

static enum hf_code open_db(struct store_sqlite *store, struct hf_err *err)
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
		code = fail_sqlite(store, result, "open", err);
	if (code == HF_OK)
		code = set_up(store, err);
	if (code != HF_OK)
		close_db(store);
	return code;
}

/* ---- taking in ---- */

static enum hf_code add_event(struct store_sqlite *store, struct tally *tally,
			      const struct hf_intake_line *line, struct hf_err *err)
{
	sqlite3_stmt *add = use(store, EVENT_ADD, tally, line->seq);

	bind_number(add, 3, line->crc);
	(void)sqlite3_bind_int64(add, 4, tally->now_ms);
	bind_text(add, 5, line->event_class);
	(void)sqlite3_bind_text(add, 6, line->text, (int)line->size_bytes, SQLITE_STATIC);
	tally->stored++;
	return run(store, add, err);
}

static enum hf_code add_gap(struct store_sqlite *store, const struct tally *tally, uint64_t first,
			    uint64_t last, int64_t noticed_ms, struct hf_err *err)
{
	if (first > last)
		return HF_OK;
	sqlite3_stmt *add = use(store, GAP_ADD, tally, first);

	bind_number(add, 3, last);
	(void)sqlite3_bind_int64(add, 4, noticed_ms);
	return run(store, add, err);
}

/* Take seq out of the gap it lies in: what is left are up to two smaller gaps. */
static enum hf_code fill_gap(struct store_sqlite *store, struct tally *tally, uint64_t seq,
			     struct hf_err *err)
{
	sqlite3_stmt *around = use(store, GAP_AROUND, tally, seq);
	int result = sqlite3_step(around);
	uint64_t first = column_number(around, 0), last = column_number(around, 1);
	int64_t noticed_ms = sqlite3_column_int64(around, 2);
	enum hf_code code = HF_OK;

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		code = fail_sqlite(store, result, "read", err);
	auto_reset(&around);
	/* Below the first number of a redrawn epoch there is no gap to close. */
	if (code != HF_OK || result == SQLITE_DONE || seq > last)
		return code;

	code = run(store, use(store, GAP_DROP, tally, first), err);
	if (code == HF_OK)
		code = add_gap(store, tally, first, seq - 1, noticed_ms, err);
	if (code == HF_OK)
		code = add_gap(store, tally, seq + 1, last, noticed_ms, err);
	tally->late_fills++;
	return code;
}

/* ---- the chain ---- */

/* The next row's chain value of a line; false: there is no such row, or it holds none. */
static bool column_chain(sqlite3_stmt *statement, int at, uint8_t ret_chain[HF_CHAIN_BYTES])
{
	const char *text = column_text(statement, at);

	return strlen(text) == CHAIN_TEXT_BYTES - 1 && hf_unhex(text, HF_CHAIN_BYTES, ret_chain);
}

static void column_epoch(sqlite3_stmt *statement, int at, struct hf_chain_tip *tip)
{
	(void)snprintf(tip->epoch, sizeof tip->epoch, "%s", column_text(statement, at));
}

/* Does the line go on from one that the device has under another epoch? */
static enum hf_code continues_elsewhere(struct store_sqlite *store, const struct tally *tally,
					const struct hf_intake_line *line, bool *ret_continues,
					struct hf_err *err)
{
	AUTO_RESET list = use(store, EVENTS_ELSEWHERE, tally, line->seq);
	uint8_t chain[HF_CHAIN_BYTES];
	int result;

	bind_text(list, 3, tally->sender->device_id);
	*ret_continues = false;
	while ((result = sqlite3_step(list)) == SQLITE_ROW && !*ret_continues)
		*ret_continues = column_chain(list, 0, chain) && hf_chain_continues(chain, line);
	return result == SQLITE_ROW || result == SQLITE_DONE
		       ? HF_OK
		       : fail_sqlite(store, result, "read", err);
}

static enum hf_code refuse_fork(struct tally *tally, const struct hf_intake_line *line,
				struct hf_err *err)
{
	tally->conflict_seq = line->seq;
	tally->fork = true;
	return hf_fail(
		err, HF_E_INVALID,
		"device %s, epoch %s: local_seq %llu does not continue the chain of what is "
		"stored here: two units share an identity, a copy was restored, or a log was "
		"altered. Nothing was stored; the unit goes on under a new epoch, and what is "
		"here stays as it is",
		tally->sender->device_id, tally->sender->epoch, (unsigned long long)line->seq);
}

/* tip: the stored line before it. */
static enum hf_code check_chain(struct store_sqlite *store, struct tally *tally,
				const struct hf_chain_tip *tip, const struct hf_intake_line *line,
				struct hf_err *err)
{
	enum hf_chain_fit fit = hf_chain_judge(tip, line, hf_sender_line_epoch(tally->sender));
	bool continues = false;

	if (fit == HF_CHAIN_BEGINS) {
		enum hf_code code = continues_elsewhere(store, tally, line, &continues, err);

		if (code != HF_OK)
			return code;
		/* Another epoch's line is right before it: this one should have begun a chain. */
		if (!continues && tip->known && tip->seq + 1 == line->seq &&
		    tally->sender->forked_from[0] == '\0')
			fit = HF_CHAIN_FORK;
		else
			fit = continues ? HF_CHAIN_FITS : HF_CHAIN_UNCHECKED;
	}
	if (fit == HF_CHAIN_FORK && tally->sender->forked_from[0] == '\0')
		return refuse_fork(tally, line, err);
	tally->forks += fit == HF_CHAIN_FORK;
	tally->unchecked += fit == HF_CHAIN_UNCHECKED;
	return HF_OK;
}

static enum hf_code find_below(struct store_sqlite *store, const struct tally *tally, uint64_t seq,
			       struct hf_chain_tip *ret_tip, struct hf_err *err)
{
	AUTO_RESET below = use(store, EVENT_BELOW, tally, seq);

	*ret_tip = (struct hf_chain_tip){ 0 };
	int result = sqlite3_step(below);
	if (result == SQLITE_DONE)
		return HF_OK;
	if (result != SQLITE_ROW)
		return fail_sqlite(store, result, "read", err);
	ret_tip->seq = column_number(below, 0);
	ret_tip->known = column_chain(below, 1, ret_tip->chain);
	column_epoch(below, 2, ret_tip);
	return HF_OK;
}

/* The stored line right behind a late one must go on from it. */
static enum hf_code check_successor(struct store_sqlite *store, struct tally *tally,
				    const struct hf_intake_line *line, struct hf_err *err)
{
	AUTO_RESET next = use(store, EVENT_LINE, tally, line->seq + 1);
	struct hf_intake_line after = { .seq = line->seq + 1 };
	struct hf_chain_tip tip = { 0 };

	int result = sqlite3_step(next);
	if (result == SQLITE_DONE)
		return HF_OK;
	if (result != SQLITE_ROW)
		return fail_sqlite(store, result, "read", err);
	/* As a line has it, with a byte behind it: SQLite ends a text with a NUL. */
	after.text = column_text(next, 0);
	after.size_bytes = (uint32_t)sqlite3_column_bytes(next, 0);
	column_epoch(next, 1, &tip);
	if (after.size_bytes < HF_LINE_CHAIN_END_BYTES ||
	    strcmp(tip.epoch, hf_sender_line_epoch(tally->sender)) != 0 ||
	    !hf_unhex(after.text + after.size_bytes - 86, HF_CHAIN_BYTES, after.chain) ||
	    hf_chain_continues(line->chain, &after))
		return HF_OK;
	if (tally->sender->forked_from[0] == '\0')
		return refuse_fork(tally, line, err);
	tally->forks++;
	return HF_OK;
}

/* ---- line by line ---- */

static enum hf_code take_late(struct store_sqlite *store, struct tally *tally,
			      const struct hf_intake_line *line, struct hf_err *err)
{
	struct hf_chain_tip below;
	enum hf_code code = find_below(store, tally, line->seq, &below, err);

	if (code == HF_OK)
		code = check_chain(store, tally, &below, line, err);
	if (code == HF_OK)
		code = check_successor(store, tally, line, err);
	if (code == HF_OK)
		code = fill_gap(store, tally, line->seq, err);
	return code == HF_OK ? add_event(store, tally, line, err) : code;
}

static enum hf_code take_known_range(struct store_sqlite *store, struct tally *tally,
				     const struct hf_intake_line *line, struct hf_err *err)
{
	sqlite3_stmt *look = use(store, EVENT_CRC, tally, line->seq);
	uint8_t chain[HF_CHAIN_BYTES];
	int result = sqlite3_step(look);
	uint64_t crc = column_number(look, 0);
	bool same = crc == line->crc && column_chain(look, 1, chain) &&
		    memcmp(chain, line->chain, sizeof chain) == 0;
	enum hf_code code = HF_OK;
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		code = fail_sqlite(store, result, "read", err);
	auto_reset(&look);
	if (code != HF_OK)
		return code;
	if (result == SQLITE_DONE)
		return take_late(store, tally, line, err);
	if (!same) {
		tally->conflict_seq = line->seq;
		return hf_fail(err, HF_E_INVALID,
			       "device %s already stored another event as local_seq %llu of epoch "
			       "%s (crc32c %08x there, %08x here): two units share an identity, or "
			       "a copy was restored. The unit goes on under a new epoch, and what "
			       "is here stays as it is",
			       tally->sender->device_id, (unsigned long long)line->seq,
			       tally->sender->epoch, (unsigned)crc, line->crc);
	}
	tally->duplicates++;
	return HF_OK;
}

static enum hf_code take_line(struct store_sqlite *store, struct tally *tally,
			      const struct hf_intake_line *line, struct hf_err *err)
{
	if (line->seq <= tally->mark)
		return take_known_range(store, tally, line, err);

	enum hf_code code = check_chain(store, tally, &tally->tip, line, err);
	if (code == HF_OK)
		code = add_gap(store, tally, tally->mark + 1, line->seq - 1, tally->now_ms, err);
	if (code == HF_OK)
		code = add_event(store, tally, line, err);
	tally->mark = line->seq;
	tally->newest = line;
	hf_chain_move(&tally->tip, line, hf_sender_line_epoch(tally->sender));
	return code;
}

static enum hf_code find_stream(struct store_sqlite *store, struct tally *tally, bool *ret_found,
				struct hf_err *err)
{
	AUTO_RESET of = use_named(store, STREAM_OF, tally->sender);
	int result = sqlite3_step(of);

	*ret_found = result == SQLITE_ROW;
	if (*ret_found) {
		tally->stream = column_number(of, 0);
		tally->mark = column_number(of, 1);
		tally->tip.seq = tally->mark;
		tally->tip.known = column_chain(of, 2, tally->tip.chain);
		column_epoch(of, 3, &tally->tip);
	}
	return result == SQLITE_ROW || result == SQLITE_DONE
		       ? HF_OK
		       : fail_sqlite(store, result, "read", err);
}

/* seq_first: the number it begins with. */
static enum hf_code add_stream(struct store_sqlite *store, struct tally *tally, uint64_t seq_first,
			       struct hf_err *err)
{
	sqlite3_stmt *of_device = store->statements[MARK_OF_DEVICE];
	bool found;

	bind_text(of_device, 1, tally->sender->device_id);
	enum hf_code code = look_up(store, of_device, &found, &tally->mark, err);
	if (code != HF_OK)
		return code;
	/* Numbers that begin again belong to a new history: it starts where it starts. */
	if (tally->mark >= seq_first)
		tally->mark = seq_first - 1;
	sqlite3_stmt *add = use_named(store, STREAM_ADD, tally->sender);
	bind_number(add, 3, tally->mark);
	(void)sqlite3_bind_int64(add, 4, tally->now_ms);
	code = run(store, add, err);
	tally->stream = (uint64_t)sqlite3_last_insert_rowid(store->db);
	return code;
}

static enum hf_code put_stream(struct store_sqlite *store, const struct tally *tally,
			       struct hf_err *err)
{
	sqlite3_stmt *put = use(store, STREAM_PUT, tally, tally->mark);
	const char *forked_from = tally->sender->forked_from;
	char chain[CHAIN_TEXT_BYTES] = "";

	if (tally->tip.known)
		hf_hex(tally->tip.chain, HF_CHAIN_BYTES, chain);
	(void)sqlite3_bind_int64(put, 3, tally->now_ms);
	bind_number(put, 4, tally->stored);
	bind_number(put, 5, tally->duplicates);
	bind_number(put, 6, tally->late_fills);
	bind_text(put, 7, tally->newest != NULL ? tally->newest->state : NULL);
	bind_text(put, 8, tally->newest != NULL ? tally->newest->release : NULL);
	bind_text(put, 9, chain);
	bind_text(put, 10, tally->tip.epoch);
	bind_number(put, 11, tally->forks);
	bind_number(put, 12, tally->unchecked);
	bind_text(put, 13, forked_from[0] != '\0' ? forked_from : NULL);
	return run(store, put, err);
}

static enum hf_code ingest_open(struct store_sqlite *store, const struct hf_intake *batch,
				struct tally *tally, struct hf_err *err)
{
	bool found;
	enum hf_code code = find_stream(store, tally, &found, err);

	if (code == HF_OK && !found)
		code = add_stream(store, tally, batch->lines[0].seq, err);
	tally->mark_found = tally->mark;
	for (size_t i = 0; code == HF_OK && i < batch->line_count; i++)
		code = take_line(store, tally, &batch->lines[i], err);
	if (code == HF_OK)
		code = put_stream(store, tally, err);
	if (code == HF_OK)
		code = run(store, store->statements[COMMIT], err);
	return code;
}

/* The conflict itself must be seen by people even though nothing of the batch was stored. If
 * counting it fails too, the sender still hears of the conflict. */
static void count_conflict(struct store_sqlite *store, const struct tally *tally)
{
	sqlite3_stmt *count =
		use_named(store, tally->fork ? STREAM_FORK : STREAM_CONFLICT, tally->sender);

	(void)sqlite3_bind_int64(count, 3, tally->now_ms);
	if (tally->fork)
		bind_number(count, 4, tally->mark_found);
	enum hf_code code = run(store, count, NULL);
	if (code == HF_E_IO)
		close_db(store);
}

static enum hf_code sqlite_ingest(struct hf_store *base, const struct hf_intake *batch,
				  struct hf_wall now, struct hf_ingest_result *ret_result,
				  struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	struct tally tally = { .sender = &batch->sender, .now_ms = now.ms };

	HF_ASSERT(batch->line_count > 0);
	enum hf_code code = open_db(store, err);
	if (code != HF_OK)
		return code;
	code = run(store, store->statements[BEGIN], err);
	if (code == HF_OK)
		code = ingest_open(store, batch, &tally, err);

	if (code == HF_OK) {
		*ret_result = (struct hf_ingest_result){
			.acked_through = batch->lines[batch->line_count - 1].seq,
			.stored = tally.stored,
			.duplicates = tally.duplicates,
			.mark = tally.mark,
		};
		return HF_OK;
	}
	/* Some errors have already ended the transaction; then there is nothing to roll back. */
	if (sqlite3_get_autocommit(store->db) == 0)
		(void)run(store, store->statements[ROLLBACK], NULL);
	if (tally.conflict_seq != 0) {
		ret_result->conflict_seq = tally.conflict_seq;
		ret_result->fork = tally.fork;
		count_conflict(store, &tally);
	}
	if (code == HF_E_IO || (store->db != NULL && sqlite3_get_autocommit(store->db) == 0))
		close_db(store);
	return code;
}

/* ---- giving out ---- */

struct range {
	uint64_t low, high;
	enum statement statement;
};

static struct range range_of(const struct hf_event_query *query, uint64_t row_last)
{
	struct range range = { .low = 1, .high = row_last, .statement = EVENTS_DOWN };

	if (query->direction == HF_EVENTS_AFTER) {
		range.statement = EVENTS_UP;
		range.low = query->row + 1;
		if (range.low + HF_STORE_SCAN_ROWS <= range.high)
			range.high = range.low + HF_STORE_SCAN_ROWS - 1;
		return range;
	}
	if (query->direction == HF_EVENTS_BEFORE && query->row <= range.high)
		range.high = query->row == 0 ? 0 : query->row - 1;
	if (range.high > HF_STORE_SCAN_ROWS)
		range.low = range.high - HF_STORE_SCAN_ROWS + 1;
	return range;
}

static enum hf_code read_events(struct store_sqlite *store, const struct hf_event_query *query,
				const struct range *range, hf_event_row_fn *row_fn, void *context,
				struct hf_event_page *page, struct hf_err *err)
{
	AUTO_RESET list = store->statements[range->statement];
	uint64_t row_first = 0, row_last = 0;
	uint32_t count = 0;
	int result;

	bind_number(list, 1, range->low);
	bind_number(list, 2, range->high);
	bind_text(list, 3, query->device_id);
	bind_text(list, 4, query->event_class);
	bind_number(list, 5, query->limit);
	for (; (result = sqlite3_step(list)) == SQLITE_ROW; count++) {
		struct hf_event_row row = {
			.row = column_number(list, 0),
			.received = { .ms = sqlite3_column_int64(list, 1) },
			.line = column_text(list, 2),
			.line_bytes = (size_t)sqlite3_column_bytes(list, 2),
		};
		enum hf_code code = row_fn(context, &row, err);

		if (code != HF_OK)
			return code;
		row_first = count == 0 ? row.row : row_first;
		row_last = row.row;
	}
	if (result != SQLITE_DONE)
		return fail_sqlite(store, result, "read", err);

	/* A full page ends at its own edge, any other where the looking ended. */
	bool full = count == query->limit;
	uint64_t low = full ? row_first : range->low;
	if (range->statement == EVENTS_UP)
		page->after = full ? row_last : range->high;
	else
		page->before = low > 1 ? low : 0;
	return HF_OK;
}

static enum hf_code sqlite_events(struct hf_store *base, const struct hf_event_query *query,
				  hf_event_row_fn *row_fn, void *context,
				  struct hf_event_page *ret_page, struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	bool found;
	uint64_t row_last;

	HF_ASSERT(query->limit > 0);
	enum hf_code code = open_db(store, err);
	if (code == HF_OK)
		code = look_up(store, store->statements[ROW_LAST], &found, &row_last, err);
	if (code != HF_OK)
		return code;

	struct range range = range_of(query, row_last);
	struct hf_event_page page = { .after = row_last };
	code = read_events(store, query, &range, row_fn, context, &page, err);
	if (code == HF_OK)
		*ret_page = page;
	return code;
}

static enum hf_code sqlite_devices(struct hf_store *base, hf_device_row_fn *row_fn, void *context,
				   struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	enum hf_code code = open_db(store, err);
	if (code != HF_OK)
		return code;

	AUTO_RESET list = store->statements[DEVICES];
	int result;
	bind_number(list, 1, HF_STORE_DEVICES_MAX);
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		struct hf_device_row row = {
			.device_id = column_text(list, 0),
			.epoch = column_text(list, 1),
			.mark = column_number(list, 2),
			.first_seen = { .ms = sqlite3_column_int64(list, 3) },
			.last_seen = { .ms = sqlite3_column_int64(list, 4) },
			.events = column_number(list, 5),
			.duplicates = column_number(list, 6),
			.conflicts = column_number(list, 7),
			.late_fills = column_number(list, 8),
			.missing = column_number(list, 9),
			.state = column_text(list, 10),
			.release = column_text(list, 11),
			.forks = column_number(list, 12),
			.unchecked = column_number(list, 13),
			.forked_from = column_text(list, 14),
		};

		code = row_fn(context, &row, err);
		if (code != HF_OK)
			return code;
	}
	return result == SQLITE_DONE ? HF_OK : fail_sqlite(store, result, "read", err);
}

static enum hf_code sqlite_gaps(struct hf_store *base, const char *device_id, hf_gap_row_fn *row_fn,
				void *context, struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	enum hf_code code = open_db(store, err);
	if (code != HF_OK)
		return code;

	AUTO_RESET list = store->statements[GAPS];
	int result;
	bind_text(list, 1, device_id);
	bind_number(list, 2, HF_STORE_GAPS_MAX);
	while ((result = sqlite3_step(list)) == SQLITE_ROW) {
		struct hf_gap_row row = {
			.device_id = column_text(list, 0),
			.epoch = column_text(list, 1),
			.first = column_number(list, 2),
			.last = column_number(list, 3),
			.noticed = { .ms = sqlite3_column_int64(list, 4) },
		};

		code = row_fn(context, &row, err);
		if (code != HF_OK)
			return code;
	}
	return result == SQLITE_DONE ? HF_OK : fail_sqlite(store, result, "read", err);
}

static void sqlite_close(struct hf_store *base)
{
	struct store_sqlite *store = from_base(base);

	if (store->db != NULL)
		close_db(store);
	free(store->path);
	free(store);
}

static const struct hf_store_ops sqlite_ops = {
	.ingest = sqlite_ingest,
	.events = sqlite_events,
	.devices = sqlite_devices,
	.gaps = sqlite_gaps,
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
	enum hf_code code = open_db(store, err);
	if (code != HF_OK) {
		sqlite_close(&store->base);
		return code;
	}
	*ret_store = &store->base;
	return HF_OK;
}
