/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the mark of (device, epoch) is read, every line is judged against it, and the lines,
 * the gaps and the new mark are written in one transaction; only after its commit is anything
 * acknowledged.
 */
#include "hub/store_sqlite_inner.h"

#include "base/assert.h"
#include "base/random.h"
#include "hub/chain.h"

#include <stdio.h>
#include <string.h>

enum {
	CHAIN_TEXT_BYTES = 2 * HF_CHAIN_BYTES + 1,
	/* <64 hex>","crc32c":"<8 hex>"} */
	CHAIN_FROM_END_BYTES = 2 * HF_CHAIN_BYTES + HF_LINE_CRC_END_BYTES,
	CRC_FROM_END_BYTES = 8 + 2,
};

struct run {
	uint64_t first, last, row;
	const struct hf_intake_line *line; /* the last one */
};

/* What one batch has done so far, to be written as the new state of its stream. */
struct tally {
	const struct hf_sender *sender;
	int64_t now_ms;
	uint64_t stream;
	struct run run;      /* of lines that were added and are not yet in `runs`; row 0: none */
	uint64_t mark_found; /* before this batch */
	uint64_t mark;
	struct hf_chain_tip tip; /* the line at the mark */
	uint64_t stored, duplicates, late_fills, forks, unchecked;
	uint64_t conflict_seq;
	bool fork; /* it is one */
	const struct hf_intake_line *newest;
};

/* A statement about the batch's stream. */
static sqlite3_stmt *use(struct store_sqlite *store, enum statement which,
			 const struct tally *tally)
{
	sqlite3_stmt *statement = store->statements[which];

	bind_number(statement, 1, tally->stream);
	return statement;
}

/* The same by its names: it may have no number yet. */
static sqlite3_stmt *use_named(struct store_sqlite *store, enum statement which,
			       const struct tally *tally)
{
	sqlite3_stmt *statement = store->statements[which];

	bind_text(statement, 1, tally->sender->device_id);
	bind_text(statement, 2, tally->sender->epoch);
	return statement;
}

/* ---- lines and where they lie ---- */

/* Write down where the lines lie that were added since the last time. */
static enum hf_code settle_run(struct store_sqlite *store, struct tally *tally, struct hf_err *err)
{
	const struct run run = tally->run;

	if (run.row == 0)
		return HF_OK;
	tally->run = (struct run){ 0 };
	sqlite3_stmt *add = use(store, RUN_ADD, tally);

	bind_number(add, 2, run.first);
	bind_number(add, 3, run.last);
	bind_number(add, 4, run.row);
	(void)sqlite3_bind_int64(add, 5, tally->now_ms);
	return hf_sqlite_run(store, add, err);
}

static enum hf_code add_line(struct store_sqlite *store, struct tally *tally,
			     const struct hf_intake_line *line, struct hf_err *err)
{
	struct run *run = &tally->run;
	sqlite3_stmt *add = store->statements[LINE_ADD];
	enum hf_code code = HF_OK;

	if (run->row != 0 && line->seq != run->last + 1)
		code = settle_run(store, tally, err);
	if (code != HF_OK)
		return code;
	bind_text(add, 1, line->event_class);
	(void)sqlite3_bind_text(add, 2, line->text, (int)line->size_bytes, SQLITE_STATIC);
	int result = sqlite3_step(add);
	if (result != SQLITE_DONE)
		code = hf_sqlite_fail(store, result, "write", err);
	/* What is bound is bound anew for the next line; after the last one, it is taken off. */
	(void)sqlite3_reset(add);
	if (code != HF_OK)
		return code;
	if (run->row == 0) {
		run->first = line->seq;
		run->row = (uint64_t)sqlite3_last_insert_rowid(store->db);
	}
	run->last = line->seq;
	run->line = line;
	tally->stored++;
	return code;
}

static enum hf_code add_gap(struct store_sqlite *store, const struct tally *tally, uint64_t first,
			    uint64_t last, int64_t noticed_ms, struct hf_err *err)
{
	if (first > last)
		return HF_OK;
	sqlite3_stmt *add = use(store, GAP_ADD, tally);

	bind_number(add, 2, first);
	bind_number(add, 3, last);
	(void)sqlite3_bind_int64(add, 4, noticed_ms);
	return hf_sqlite_run(store, add, err);
}

/* Take seq out of the gap it lies in: what is left are up to two smaller gaps. */
static enum hf_code fill_gap(struct store_sqlite *store, struct tally *tally, uint64_t seq,
			     struct hf_err *err)
{
	sqlite3_stmt *around = use(store, GAP_AROUND, tally);

	bind_number(around, 2, seq);
	int result = sqlite3_step(around);
	uint64_t first = column_number(around, 0), last = column_number(around, 1);
	int64_t noticed_ms = sqlite3_column_int64(around, 2);
	enum hf_code code = HF_OK;

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		code = hf_sqlite_fail(store, result, "read", err);
	auto_reset(&around);
	/* Below the first number of a redrawn epoch there is no gap to close. */
	if (code != HF_OK || result == SQLITE_DONE || seq > last)
		return code;

	sqlite3_stmt *drop = use(store, GAP_DROP, tally);
	bind_number(drop, 2, first);
	code = hf_sqlite_run(store, drop, err);
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

/* The same in the text of a line; intake has seen that it stands there. */
static bool chain_of_line(const char *text, size_t size_bytes, uint8_t ret_chain[HF_CHAIN_BYTES])
{
	return size_bytes >= HF_LINE_CHAIN_END_BYTES &&
	       hf_unhex(text + size_bytes - CHAIN_FROM_END_BYTES, HF_CHAIN_BYTES, ret_chain);
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
	AUTO_RESET list = use_named(store, LINES_ELSEWHERE, tally);
	uint8_t chain[HF_CHAIN_BYTES];
	int result;

	bind_number(list, 3, line->seq);
	*ret_continues = false;
	while ((result = sqlite3_step(list)) == SQLITE_ROW && !*ret_continues)
		*ret_continues = column_chain(list, 0, chain) && hf_chain_continues(chain, line);
	return result == SQLITE_ROW || result == SQLITE_DONE
		       ? HF_OK
		       : hf_sqlite_fail(store, result, "read", err);
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

/* The line before one that is late. */
static enum hf_code find_below(struct store_sqlite *store, struct tally *tally, uint64_t seq,
			       struct hf_chain_tip *ret_tip, struct hf_err *err)
{
	*ret_tip = (struct hf_chain_tip){ 0 };
	if (tally->run.row != 0 && tally->run.last + 1 == seq) {
		hf_chain_move(ret_tip, tally->run.line, hf_sender_line_epoch(tally->sender));
		return HF_OK;
	}
	enum hf_code code = settle_run(store, tally, err);
	if (code != HF_OK)
		return code;

	AUTO_RESET below = use(store, LINE_BELOW, tally);
	bind_number(below, 2, seq);
	int result = sqlite3_step(below);
	if (result == SQLITE_DONE)
		return HF_OK;
	if (result != SQLITE_ROW)
		return hf_sqlite_fail(store, result, "read", err);
	ret_tip->seq = column_number(below, 0);
	ret_tip->known = column_chain(below, 1, ret_tip->chain);
	column_epoch(below, 2, ret_tip);
	return HF_OK;
}

static enum hf_code fail_row(const struct store_sqlite *store, uint64_t seq, struct hf_err *err)
{
	return hf_fail(err, HF_E_CORRUPT,
		       "%s: the row that runs names for local_seq %llu is not of that line",
		       store->path, (unsigned long long)seq);
}

/* At the row of LINE_AT or LINE_AT_EPOCH, or at none. */
static enum hf_code look_at_line(const struct store_sqlite *store, int result, sqlite3_stmt *at,
				 uint64_t seq, bool *ret_found, struct hf_err *err)
{
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return hf_sqlite_fail(store, result, "read", err);
	*ret_found = result == SQLITE_ROW;
	if (*ret_found && sqlite3_column_type(at, 0) == SQLITE_NULL)
		return fail_row(store, seq, err);
	return HF_OK;
}

/* The stored line right behind a late one must go on from it. */
static enum hf_code check_successor(struct store_sqlite *store, struct tally *tally,
				    const struct hf_intake_line *line, struct hf_err *err)
{
	AUTO_RESET next = use(store, LINE_AT_EPOCH, tally);
	struct hf_intake_line after = { .seq = line->seq + 1 };
	struct hf_chain_tip tip = { 0 };
	bool found;

	bind_number(next, 2, after.seq);
	enum hf_code code = look_at_line(store, sqlite3_step(next), next, after.seq, &found, err);
	if (code != HF_OK || !found)
		return code;
	/* As a line has it, with a byte behind it: SQLite ends a text with a NUL. */
	after.text = column_text(next, 0);
	after.size_bytes = (uint32_t)sqlite3_column_bytes(next, 0);
	column_epoch(next, 1, &tip);
	if (!chain_of_line(after.text, after.size_bytes, after.chain) ||
	    strcmp(tip.epoch, hf_sender_line_epoch(tally->sender)) != 0 ||
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
	if (code == HF_OK)
		code = add_line(store, tally, line, err);
	return code;
}

/* stored: how the line ends that has its number. */
static enum hf_code refuse_conflict(struct store_sqlite *store, struct tally *tally,
				    const struct hf_intake_line *line, const char *stored,
				    struct hf_err *err)
{
	sqlite3_stmt *is_of = use(store, LINE_IS_OF, tally);
	bool found;
	uint64_t one;

	/* A unit that is told of a conflict goes another way for good: be sure that it is one. */
	bind_number(is_of, 2, line->seq);
	bind_text(is_of, 3, tally->sender->device_id);
	enum hf_code code = hf_sqlite_look_up(store, is_of, &found, &one, err);
	if (code != HF_OK)
		return code;
	if (!found)
		return fail_row(store, line->seq, err);
	tally->conflict_seq = line->seq;
	return hf_fail(err, HF_E_INVALID,
		       "device %s already stored another event as local_seq %llu of epoch "
		       "%s (crc32c %.8s there, %08x here): two units share an identity, or "
		       "a copy was restored. The unit goes on under a new epoch, and what "
		       "is here stays as it is",
		       tally->sender->device_id, (unsigned long long)line->seq,
		       tally->sender->epoch, stored + CHAIN_FROM_END_BYTES - CRC_FROM_END_BYTES,
		       line->crc);
}

static enum hf_code take_known_range(struct store_sqlite *store, struct tally *tally,
				     const struct hf_intake_line *line, struct hf_err *err)
{
	sqlite3_stmt *look = use(store, LINE_AT, tally);
	char end[CHAIN_FROM_END_BYTES + 1] = "";
	bool found = false;

	bind_number(look, 2, line->seq);
	enum hf_code code = look_at_line(store, sqlite3_step(look), look, line->seq, &found, err);
	const char *text = column_text(look, 0);
	size_t size_bytes = (size_t)sqlite3_column_bytes(look, 0);
	/* Chain and CRC are the end of each line; intake has seen that of the new one. */
	if (size_bytes >= CHAIN_FROM_END_BYTES)
		memcpy(end, text + size_bytes - CHAIN_FROM_END_BYTES, CHAIN_FROM_END_BYTES);
	auto_reset(&look);
	if (code != HF_OK)
		return code;
	if (!found)
		return take_late(store, tally, line, err);
	if (memcmp(end, line->text + line->size_bytes - CHAIN_FROM_END_BYTES,
		   CHAIN_FROM_END_BYTES) != 0)
		return refuse_conflict(store, tally, line, end, err);
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
		code = add_line(store, tally, line, err);
	tally->mark = line->seq;
	tally->newest = line;
	hf_chain_move(&tally->tip, line, hf_sender_line_epoch(tally->sender));
	return code;
}

/* A stream that is new here begins behind the device's other ones. */
static enum hf_code add_stream(struct store_sqlite *store, struct tally *tally, uint64_t seq_first,
			       struct hf_err *err)
{
	sqlite3_stmt *of_device = store->statements[MARK_OF_DEVICE];
	bool found;

	bind_text(of_device, 1, tally->sender->device_id);
	enum hf_code code = hf_sqlite_look_up(store, of_device, &found, &tally->mark, err);
	if (code != HF_OK)
		return code;
	/* Numbers that begin again belong to a new history: it starts where it starts. */
	if (tally->mark >= seq_first)
		tally->mark = seq_first - 1;

	sqlite3_stmt *add = use_named(store, STREAM_ADD, tally);
	bind_number(add, 3, tally->mark);
	(void)sqlite3_bind_int64(add, 4, tally->now_ms);
	code = hf_sqlite_run(store, add, err);
	tally->stream = (uint64_t)sqlite3_last_insert_rowid(store->db);
	return code;
}

static enum hf_code find_stream(struct store_sqlite *store, struct tally *tally, uint64_t seq_first,
				struct hf_err *err)
{
	sqlite3_stmt *find = use_named(store, STREAM_FIND, tally);
	int result = sqlite3_step(find);
	enum hf_code code = HF_OK;

	if (result == SQLITE_ROW) {
		tally->stream = column_number(find, 0);
		tally->mark = column_number(find, 1);
		tally->tip.seq = tally->mark;
		tally->tip.known = column_chain(find, 2, tally->tip.chain);
		column_epoch(find, 3, &tally->tip);
	} else if (result != SQLITE_DONE) {
		code = hf_sqlite_fail(store, result, "read", err);
	}
	auto_reset(&find);
	return result == SQLITE_DONE ? add_stream(store, tally, seq_first, err) : code;
}

static enum hf_code put_stream(struct store_sqlite *store, const struct tally *tally,
			       struct hf_err *err)
{
	sqlite3_stmt *put = use(store, STREAM_PUT, tally);
	const char *forked_from = tally->sender->forked_from;
	char chain[CHAIN_TEXT_BYTES] = "";

	if (tally->tip.known)
		hf_hex(tally->tip.chain, HF_CHAIN_BYTES, chain);
	bind_number(put, 2, tally->mark);
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
	return hf_sqlite_run(store, put, err);
}

static enum hf_code ingest_open(struct store_sqlite *store, const struct hf_intake *batch,
				struct tally *tally, struct hf_err *err)
{
	enum hf_code code = find_stream(store, tally, batch->lines[0].seq, err);

	tally->mark_found = tally->mark;
	for (size_t i = 0; code == HF_OK && i < batch->line_count; i++)
		code = take_line(store, tally, &batch->lines[i], err);
	(void)sqlite3_clear_bindings(store->statements[LINE_ADD]);
	if (code == HF_OK)
		code = settle_run(store, tally, err);
	if (code == HF_OK)
		code = put_stream(store, tally, err);
	if (code == HF_OK)
		code = hf_sqlite_run(store, store->statements[COMMIT], err);
	return code;
}

/* The conflict itself must be seen by people even though nothing of the batch was stored. If
 * counting it fails too, the sender still hears of the conflict. */
static void count_conflict(struct store_sqlite *store, const struct tally *tally)
{
	sqlite3_stmt *count = use_named(store, tally->fork ? STREAM_FORK : STREAM_CONFLICT, tally);

	(void)sqlite3_bind_int64(count, 3, tally->now_ms);
	if (tally->fork)
		bind_number(count, 4, tally->mark_found);
	enum hf_code code = hf_sqlite_run(store, count, NULL);
	if (code == HF_E_IO)
		hf_sqlite_close(store);
}

enum hf_code hf_sqlite_ingest(struct hf_store *base, const struct hf_intake *batch,
			      struct hf_wall now, struct hf_ingest_result *ret_result,
			      struct hf_err *err)
{
	struct store_sqlite *store = from_base(base);
	struct tally tally = { .sender = &batch->sender, .now_ms = now.ms };

	HF_ASSERT(batch->line_count > 0);
	enum hf_code code = hf_sqlite_open(store, err);
	if (code != HF_OK)
		return code;
	code = hf_sqlite_run(store, store->statements[BEGIN], err);
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
		(void)hf_sqlite_run(store, store->statements[ROLLBACK], NULL);
	if (tally.conflict_seq != 0) {
		ret_result->conflict_seq = tally.conflict_seq;
		ret_result->fork = tally.fork;
		count_conflict(store, &tally);
	}
	if (code == HF_E_IO || (store->db != NULL && sqlite3_get_autocommit(store->db) == 0))
		hf_sqlite_close(store);
	return code;
}
