/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * store_sqlite_inner - what the parts of the SQLite store share: opening, taking in, giving out.
 *
 * Shape       A stream is a (device, epoch); it has a number, by which the other tables name it. A
 *             run says that the numbers first..last of a stream lie in the rows row..row + last -
 *             first of `lines`, without a hole: those of one request, as far as they follow on. It is
 *             written behind its lines, once, and says when they came. The rows of a run are in no
 *             other, and its numbers in no other of its stream; triggers refuse one that breaks this.
 *             Every line is in a run. So runs are what gives a line its number, the only way from one
 *             to the other, and what makes it unique.
 *
 * Owners      Within src/hub/store_sqlite*.c alone.
 */
#include "base/auto.h"
#include "hub/store.h"

#include <sqlite3.h>

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	STREAM_FIND,
	MARK_OF_DEVICE,
	LINE_AT,
	LINE_AT_EPOCH,
	LINE_IS_OF,
	LINE_BELOW,
	LINES_ELSEWHERE,
	LINE_ADD,
	RUN_ADD,
	STREAM_ADD,
	STREAM_PUT,
	STREAM_CONFLICT,
	STREAM_FORK,
	GAP_ADD,
	GAP_AROUND,
	GAP_DROP,
	ROW_LAST,
	LINES_UP,
	LINES_DOWN,
	DEVICES,
	GAPS,
	STATEMENT_COUNT,
};

struct store_sqlite {
	struct hf_store base;
	char *path;
	sqlite3 *db; /* NULL: spent, to be opened anew */
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

static inline struct store_sqlite *from_base(struct hf_store *base)
{
	return (struct store_sqlite *)base;
}

/* Nothing happens when it is open. */
enum hf_code hf_sqlite_open(struct store_sqlite *store, struct hf_err *err);
void hf_sqlite_close(struct store_sqlite *store);

enum hf_code hf_sqlite_fail(const struct store_sqlite *store, int result, const char *what,
			    struct hf_err *err);
/* Run a statement that gives no row. */
enum hf_code hf_sqlite_run(struct store_sqlite *store, sqlite3_stmt *statement, struct hf_err *err);
/* Run a statement that gives at most one number; ret_found false when it gives none. */
enum hf_code hf_sqlite_look_up(struct store_sqlite *store, sqlite3_stmt *statement, bool *ret_found,
			       uint64_t *ret_value, struct hf_err *err);

/* store_sqlite_take.c */
enum hf_code hf_sqlite_ingest(struct hf_store *base, const struct hf_intake *batch,
			      struct hf_wall now, struct hf_ingest_result *ret_result,
			      struct hf_err *err);
/* store_sqlite_list.c */
enum hf_code hf_sqlite_events(struct hf_store *base, const struct hf_event_query *query,
			      hf_event_row_fn *row_fn, void *context,
			      struct hf_event_page *ret_page, struct hf_err *err);
enum hf_code hf_sqlite_devices(struct hf_store *base, hf_device_row_fn *row_fn, void *context,
			       struct hf_err *err);
enum hf_code hf_sqlite_gaps(struct hf_store *base, const char *device_id, hf_gap_row_fn *row_fn,
			    void *context, struct hf_err *err);

static inline void auto_reset(sqlite3_stmt **statement)
{
	(void)sqlite3_reset(*statement);
	(void)sqlite3_clear_bindings(*statement);
}
/* Made ready for its next use where the variable ends. */
#define AUTO_RESET HF_AUTO(auto_reset) sqlite3_stmt *

static inline void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	/* Cannot fail: the index is ours, and static text is not copied. It outlives the step. */
	if (text != NULL)
		(void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static inline void bind_number(sqlite3_stmt *statement, int at, uint64_t value)
{
	(void)sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

static inline uint64_t column_number(sqlite3_stmt *statement, int at)
{
	sqlite3_int64 value = sqlite3_column_int64(statement, at);

	return value < 0 ? 0 : (uint64_t)value;
}

static inline const char *column_text(sqlite3_stmt *statement, int at)
{
	const unsigned char *text = sqlite3_column_text(statement, at);

	return text != NULL ? (const char *)text : "";
}
