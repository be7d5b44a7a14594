/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* test_store - a store in a folder of its own, and units that send to it. For the tests of hub alone. */
#include "hub/store_sqlite.h"

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

static inline struct bench bench_new(void)
{
	struct bench b = { .dir = "/tmp/hf_store_XXXXXX" };

	CHECK(mkdtemp(b.dir) != NULL);
	(void)snprintf(b.path, sizeof b.path, "%s/hub.db", b.dir);
	CHECK_OK(hf_store_sqlite_open(b.path, &b.store, &err));
	return b;
}

static inline int64_t number_of(const char *path, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *one;

	CHECK_I64(sqlite3_open(path, &db), ==, SQLITE_OK);
	CHECK_I64(sqlite3_prepare_v2(db, sql, -1, &one, NULL), ==, SQLITE_OK);
	CHECK_I64(sqlite3_step(one), ==, SQLITE_ROW);
	int64_t number = sqlite3_column_int64(one, 0);
	(void)sqlite3_finalize(one);
	(void)sqlite3_close(db);
	return number;
}

/* Every line is in one run, no number of a stream is in two, and both are what the line itself says. */
static inline void check_runs(struct bench *b)
{
	CHECK_I64(number_of(b->path,
			    "SELECT count(*) FROM lines l WHERE (SELECT count(*) FROM runs r"
			    " WHERE l.row BETWEEN r.row AND r.row + r.last - r.first) <> 1"),
		  ==, 0);
	CHECK_I64(number_of(b->path, "SELECT coalesce(sum(last - first + 1), 0)"
				     " - (SELECT count(*) FROM lines) FROM runs"),
		  ==, 0);
	CHECK_I64(number_of(b->path,
			    "SELECT count(*) FROM runs a JOIN runs b ON a.stream = b.stream"
			    " AND a.row <> b.row AND a.first <= b.last AND b.first <= a.last"),
		  ==, 0);
	CHECK_I64(number_of(b->path, "SELECT count(*) - (SELECT count(*) FROM lines) FROM events"
				     " WHERE seq = json_extract(line, '$.local_seq')"
				     " AND device = json_extract(line, '$.device_id')"),
		  ==, 0);
}

static inline void bench_free(struct bench *b)
{
	char command[64];

	if (b->store != NULL)
		check_runs(b);
	hf_store_close(b->store);
	(void)snprintf(command, sizeof command, "rm -r %s", b->dir);
	CHECK(system(command) == 0);
}

static inline void reopen(struct bench *b)
{
	hf_store_close(b->store);
	b->store = NULL;
	CHECK_OK(hf_store_sqlite_open(b->path, &b->store, &err));
}

static inline void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	CHECK_I64(sqlite3_open(path, &db), ==, SQLITE_OK);
	CHECK_I64(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	(void)sqlite3_close(db);
}

enum {
	RUNS_TEXT_BYTES = 512,
};

/* Number of the unit and epoch:first-last@row, in order. */
static inline void runs_of(const char *path, char ret_text[RUNS_TEXT_BYTES])
{
	sqlite3 *db;
	sqlite3_stmt *all;
	size_t size = 0;

	ret_text[0] = '\0';
	CHECK_I64(sqlite3_open(path, &db), ==, SQLITE_OK);
	CHECK_I64(sqlite3_prepare_v2(
			  db,
			  "SELECT substr(device, 6) || epoch || ':' || first || '-' || last || '@'"
			  " || row FROM runs JOIN streams ON id = stream"
			  " ORDER BY device, epoch, first",
			  -1, &all, NULL),
		  ==, SQLITE_OK);
	while (sqlite3_step(all) == SQLITE_ROW)
		size += (size_t)snprintf(ret_text + size, RUNS_TEXT_BYTES - size, "%s ",
					 (const char *)sqlite3_column_text(all, 0));
	(void)sqlite3_finalize(all);
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
static inline struct log *log_begin(const char *device, const char *epoch, uint64_t first)
{
	static struct log log;

	log.device = device;
	log.epoch = epoch;
	log.size = 0;
	test_line_chain_before(device, epoch, first, log.chain);
	return &log;
}

static inline void log_add(struct log *log, uint64_t first, uint64_t last, const char *camera)
{
	for (uint64_t seq = first; seq <= last; seq++)
		log->size += test_line_next(log->device, log->epoch, seq, camera, log->chain,
					    log->text + log->size);
}

/* Under its own epoch, or another one. */
static inline enum hf_code send(struct bench *b, const struct log *log, const char *epoch,
				struct hf_ingest_result *ret_result)
{
	struct hf_sender sender;
	struct hf_intake_fault fault;
	struct hf_intake batch;
	bool forked = strcmp(epoch, log->epoch) != 0;

	CHECK_OK(hf_sender_make(log->device, epoch, forked ? log->epoch : NULL, TEST_NONCE, &sender,
				&err));
	CHECK_OK(hf_intake_parse(&sender, log->text, log->size, NULL, &batch, &fault, &err));
	*ret_result = (struct hf_ingest_result){ 0 };
	enum hf_code code = b->store->ops->ingest(
		b->store, &batch, (struct hf_wall){ .ms = 1000000 }, ret_result, &err);
	hf_intake_free(&batch);
	return code;
}

/* Offer the numbers first..last of a device; camera changes the bytes, and so the CRC. */
static inline enum hf_code offer(struct bench *b, const char *device, const char *epoch,
				 uint64_t first, uint64_t last, const char *camera,
				 struct hf_ingest_result *ret_result)
{
	struct log *log = log_begin(device, epoch, first);

	log_add(log, first, last, camera);
	return send(b, log, epoch, ret_result);
}

static inline struct hf_ingest_result take(struct bench *b, uint64_t first, uint64_t last)
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

static inline enum hf_code note_gap(void *context, const struct hf_gap_row *row,
				    struct hf_err *row_err)
{
	struct listing *listing = context;

	(void)row_err;
	CHECK_U64(listing->count, <, 16);
	listing->first[listing->count] = row->first;
	listing->last[listing->count++] = row->last;
	return HF_OK;
}

static inline enum hf_code note_event(void *context, const struct hf_event_row *row,
				      struct hf_err *row_err)
{
	struct listing *listing = context;

	(void)row_err;
	CHECK_U64(listing->count, <, 16);
	listing->first[listing->count++] = row->row;
	return HF_OK;
}

static inline struct listing gaps_of(struct bench *b, const char *device)
{
	struct listing listing = { 0 };

	CHECK_OK(b->store->ops->gaps(b->store, device, note_gap, &listing, &err));
	return listing;
}

static inline struct listing events_of(struct bench *b, const struct hf_event_query *query,
				       struct hf_event_page *ret_page)
{
	struct listing listing = { 0 };

	CHECK_OK(b->store->ops->events(b->store, query, note_event, &listing, ret_page, &err));
	return listing;
}

static inline enum hf_code copy_device(void *context, const struct hf_device_row *row,
				       struct hf_err *row_err)
{
	struct hf_device_row *copy = context;

	(void)row_err;
	*copy = *row;
	copy->device_id = copy->epoch = copy->state = copy->release = NULL;
	return HF_OK;
}

/* The last device listed, its texts left out. */
static inline struct hf_device_row device_of(struct bench *b)
{
	struct hf_device_row row = { 0 };

	CHECK_OK(b->store->ops->devices(b->store, copy_device, &row, &err));
	return row;
}
