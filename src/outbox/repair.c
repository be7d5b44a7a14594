/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method of opening an outbox: first look, then decide, then note the decision, then act. The
 * numbers that must not be used again are written down (meta/outbox_gap) before the torn tail
 * that shows them is cut off: a power cut between the two must not make them look free.
 *
 * With a ring the newest file is first completed from it. What the ring has above the file's last
 * good line is written there, over whatever a power cut left behind that line; the ring still
 * has it should the power go again. Not so where valid lines that the ring has not stand behind
 * the place, where the file is gone, or where it cannot be flushed: then nothing is cut, and the
 * next file begins with all these lines.
 */
#include "outbox/look.h"
#include "outbox/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUARANTINE_NAMES_MAX = 1000,
	PIECE_BYTES = 16 * 1024,
};

/* The first free name for this in quarantine/. */
static enum hf_code quarantine_create(struct hf_outbox *outbox, const char *name, int *ret_file,
				      struct hf_err *err)
{
	for (int k = 0; k < QUARANTINE_NAMES_MAX; k++) {
		char path[HF_DISK_PATH_BYTES];

		(void)snprintf(path, sizeof path, "%s/%s.%d", QUARANTINE_FOLDER, name, k);
		enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_CREATE, ret_file, err);
		if (code != HF_E_INVALID)
			return code;
	}
	return hf_fail(err, HF_E_LIMIT, "%s holds %d pieces of %s: look at them, then remove them",
		       QUARANTINE_FOLDER, QUARANTINE_NAMES_MAX, name);
}

/* A copy of file[from, to) that survives a power cut. */
static enum hf_code quarantine_copy(struct hf_outbox *outbox, const char *name, int file,
				    uint64_t from, uint64_t to, struct hf_err *err)
{
	char piece[PIECE_BYTES];
	int copy;
	enum hf_code code = hf_disk_folder_ensure(outbox->disk, QUARANTINE_FOLDER, err);

	if (code == HF_OK)
		code = quarantine_create(outbox, name, &copy, err);
	if (code != HF_OK)
		return code;
	for (uint64_t at = from; code == HF_OK && at < to;) {
		size_t size = to - at < sizeof piece ? (size_t)(to - at) : sizeof piece;

		code = hf_disk_read(outbox->disk, file, at, piece, size, &size, err);
		if (code == HF_OK && size == 0)
			break;
		if (code == HF_OK)
			code = hf_disk_write(outbox->disk, copy, at - from, piece, size, err);
		at += size;
	}
	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, copy, err);
	hf_disk_close(outbox->disk, copy);
	return code != HF_OK ? code : hf_disk_folder_sync(outbox->disk, QUARANTINE_FOLDER, err);
}

/* A file without one valid line: its creation was cut short, or all of it rotted. */
static void look_at_lineless(struct hf_outbox *outbox, struct findings *f,
			     const struct hf_file *listed)
{
	char path[HF_DISK_PATH_BYTES], start[PIECE_BYTES];
	struct hf_err ignored;
	size_t size = 0;
	int file;

	hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
	if (hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, &ignored) != HF_OK)
		return;
	if (hf_disk_read(outbox->disk, file, 0, start, sizeof start, &size, &ignored) == HF_OK)
		hf_look_for_numbers(f, start, size);
	hf_disk_close(outbox->disk, file);
}

static enum hf_code set_aside(struct hf_outbox *outbox, const struct hf_file *listed,
			      const char *path, struct hf_err *err)
{
	int file;
	enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, err);

	if (code != HF_OK)
		return code;
	if (listed->size_bytes > 0)
		code = quarantine_copy(outbox, listed->name, file, 0, listed->size_bytes, err);
	hf_disk_close(outbox->disk, file);
	return code != HF_OK ? code : hf_disk_unlink(outbox->disk, path, err);
}

/* Lines whose numbers cannot be read had some all the same: no more of them than fit. */
static uint64_t used_in_tail(const struct findings *f, uint64_t torn_bytes)
{
	if (torn_bytes == 0)
		return f->tip.last_seq;
	if (f->one_torn_line)
		return f->tip.last_seq + 1;
	return f->tip.last_seq + torn_bytes / HF_LINE_BYTES_MIN + 1;
}

/* The newest file was begun with a ring: lines that only that had may have been lost with it. */
static bool ring_missing(const struct hf_outbox *outbox, const struct findings *f)
{
	return f->any && f->files.list[f->newest].by_ring &&
	       (!f->ring_there || f->ring.size_bytes != outbox->ring_bytes);
}

/* The next number: behind everything that was, or may have been, used. */
static void decide_numbers(struct hf_outbox *outbox, struct findings *f, uint64_t torn_bytes)
{
	uint64_t used = f->tail_unsent ? f->tip.last_seq : used_in_tail(f, torn_bytes);
	const char *reason = "torn_tail";

	for (size_t i = 0; i < f->hole_count; i++)
		hf_outbox_note_gap(outbox, f->holes[i].from, f->holes[i].through,
				   f->holes[i].reason);
	if (f->legible > used && !f->tail_unsent)
		used = f->legible;
	if (f->newest_missing || ring_missing(outbox, f) || f->cursor > f->tip.last_seq) {
		uint64_t floor = f->reserved > f->cursor ? f->reserved : f->cursor;

		reason = f->newest_missing         ? "file_missing"
			 : ring_missing(outbox, f) ? "ring_missing"
						   : "delivered_line_damaged";
		if (floor > used)
			used = floor;
	}
	/* Gaps of an earlier start whose event may not have been stored. */
	for (size_t i = 0; i < f->gaps_noted; i++) {
		const struct gap *gap = &f->gaps[i];

		if (gap->through > f->gap_told)
			hf_outbox_note_gap(outbox, gap->from, gap->through, gap->reason);
		if (gap->through > used)
			used = gap->through;
	}
	/* Where nothing is left of what was delivered, those numbers are no gap. */
	uint64_t from = f->any || f->tip.last_seq != 0 ? f->tip.last_seq + 1 : f->cursor + 1;
	if (used >= from)
		hf_outbox_note_gap(outbox, from, used, reason);
	f->tip.next_seq = used + 1;
}

static enum hf_code store_gap_note(struct hf_outbox *outbox, struct hf_err *err)
{
	char text[GAPS_MAX * 64];
	size_t size = 0;

	if (outbox->gap_count == 0)
		return HF_OK;
	for (size_t i = 0; i < outbox->gap_count; i++) {
		const struct gap *gap = &outbox->gaps[i];

		size += (size_t)snprintf(text + size, sizeof text - size, "%llu %llu %s\n",
					 (unsigned long long)gap->from,
					 (unsigned long long)gap->through, gap->reason);
	}
	enum hf_code code = hf_disk_text_replace(outbox->disk, GAP_PATH, text, err);
	if (code == HF_OK)
		outbox->gap_noted = true;
	return code;
}

static enum hf_code cut_tail(struct hf_outbox *outbox, uint64_t from, uint64_t size_bytes,
			     struct hf_err *err)
{
	enum hf_code code =
		quarantine_copy(outbox, outbox->name, outbox->file, from, size_bytes, err);

	if (code == HF_OK)
		code = hf_disk_truncate(outbox->disk, outbox->file, from, err);
	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, outbox->file, err);
	return code;
}

/* What this boot's watermark knows and the file does not show (any more). */
static void compare_watermark(const struct hf_outbox *outbox, struct findings *f,
			      const struct hf_watermark *committed)
{
	if (committed == NULL)
		return;
	bool same_file = committed->order_seq == outbox->order_seq;
	if (committed->seq <= f->tip.last_seq) {
		f->tail_unsent = same_file && committed->offset <= f->valid_end;
		return;
	}
	if (f->legible < committed->seq)
		f->legible = committed->seq;
	/* A damaged line that was committed is rot, not a torn tail: it stays. Nothing may be
	 * appended behind it, a lost newline would swallow the next line. */
	if (same_file && committed->offset > f->valid_end) {
		f->spent = true;
		f->lines_bad++;
	}
}

/* ---- lines of the ring ---- */

/* The first line that the newest file lacks; count when there is none. */
static size_t first_lacking(const struct findings *f)
{
	size_t i = 0;

	while (i < f->ring.count && (f->ring.list[i].seq <= f->tip.last_seq ||
				     !hf_look_ring_counts(f, &f->ring.list[i])))
		i++;
	return i;
}

/* One line of the ring: is it there, and does it go on from what was seen so far? */
static enum hf_code read_entry(struct hf_outbox *outbox, const struct findings *f, int ring,
			       const struct hf_commit_ring_entry *entry, char *bytes,
			       struct hf_line *ret_line, struct hf_err *err)
{
	uint8_t expected[HF_CHAIN_BYTES];
	size_t got = 0;
	enum hf_code code = hf_disk_read(outbox->disk, ring, entry->offset, bytes,
					 entry->size_bytes, &got, err);

	if (code != HF_OK)
		return code;
	if (got > 0)
		bytes[got - 1] = '\n'; /* instead of its padding */
	code = hf_line_parse(bytes, got, ret_line, err);
	if (code != HF_OK || f->tip.last_seq == 0 || entry->seq != f->tip.last_seq + 1)
		return code;
	hf_line_chain(f->tip.chain, ret_line, expected);
	if (memcmp(expected, ret_line->chain, sizeof expected) != 0)
		return hf_fail(err, HF_E_CORRUPT, "line %llu of the ring belongs to another log",
			       (unsigned long long)entry->seq);
	return HF_OK;
}

/* A ring that does not go on where the file ends is not this file's: only its numbers count. */
static void drop_foreign(struct hf_outbox *outbox, struct findings *f)
{
	char bytes[HF_LINE_BYTES_MAX];
	struct hf_err ignored;
	struct hf_line line;
	size_t i = first_lacking(f);
	int ring;

	if (i == f->ring.count ||
	    hf_disk_open(outbox->disk, RING_PATH, HF_DISK_READ, &ring, &ignored) != HF_OK)
		return;
	if (read_entry(outbox, f, ring, &f->ring.list[i], bytes, &line, &ignored) == HF_E_CORRUPT) {
		uint64_t last = f->ring.list[f->ring.count - 1].seq;

		if (last > f->legible && (f->reserved == 0 || last <= f->reserved))
			f->legible = last;
		f->ring.count = i;
	}
	hf_disk_close(outbox->disk, ring);
}

/* Take the ring's lines above the tip into account, and write each to the newest file at
 * valid_end unless that is not to be touched. */
static enum hf_code take_from_ring(struct hf_outbox *outbox, struct findings *f, bool write,
				   struct hf_outbox_report *report, struct hf_err *err)
{
	char bytes[HF_LINE_BYTES_MAX];
	int ring = -1;
	enum hf_code code = hf_disk_open(outbox->disk, RING_PATH, HF_DISK_READ, &ring, err);

	f->one_torn_line = false;

	for (size_t i = first_lacking(f); code == HF_OK && i < f->ring.count; i++) {
		const struct hf_commit_ring_entry *entry = &f->ring.list[i];
		struct hf_line line;

		code = read_entry(outbox, f, ring, entry, bytes, &line, err);
		if (code == HF_OK && write)
			code = hf_disk_write(outbox->disk, outbox->file, f->valid_end, bytes,
					     line.size_bytes, err);
		if (code != HF_OK)
			break;
		if (f->any || f->tip.last_seq != 0)
			hf_look_for_hole(f, f->tip.last_seq, &line);
		hf_look_take(outbox, f, &line);
		if (write) {
			hf_look_at_block(outbox, f, f->valid_end, line.size_bytes, true);
			f->valid_end += line.size_bytes;
		}
		report->from_ring++;
	}
	hf_disk_close(outbox->disk, ring);
	return code;
}

/* Bytes behind the last good line that the ring does not explain are kept for a person. */
static bool explained_by_ring(const struct findings *f)
{
	size_t i = first_lacking(f);

	return i < f->ring.count && f->ring.list[i].seq == f->tip.last_seq + 1 &&
	       f->legible <= f->ring.list[f->ring.count - 1].seq;
}

/* Complete the newest file in place. What cannot be done so is left to the next file. */
static void complete_newest(struct hf_outbox *outbox, struct findings *f,
			    struct hf_outbox_report *report)
{
	uint64_t torn = f->size_bytes - f->valid_end;
	struct hf_err ignored;

	if (first_lacking(f) == f->ring.count)
		return;
	if (f->block_shared || (torn > 0 && !explained_by_ring(f))) {
		f->spent = true;
		return;
	}
	if (torn > 0 &&
	    hf_disk_truncate(outbox->disk, outbox->file, f->valid_end, &ignored) != HF_OK) {
		f->spent = true;
		return;
	}
	f->size_bytes = f->valid_end;
	struct safe safe = outbox->flushed;
	enum hf_code code = take_from_ring(outbox, f, true, report, &ignored);
	if (code == HF_OK || code == HF_E_CORRUPT)
		code = hf_disk_sync(outbox->disk, outbox->file, &ignored);
	if (code == HF_OK) {
		f->size_bytes = f->valid_end;
		outbox->flushed = (struct safe){ .seq = f->tip.last_seq,
						 .crc32c = f->tip.last_crc32c,
						 .offset = f->valid_end };
		return;
	}
	outbox->flushed = safe;
	f->spent = true;
}

/* Lines behind the place that the ring fills, which the ring has not. */
static enum hf_code take_beyond(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	struct hf_scan_item item;
	struct hf_scan *scan = malloc(sizeof *scan);

	if (scan == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	hf_scan_begin(scan, outbox->disk, outbox->file, f->valid_end, f->size_bytes);
	enum hf_code code;
	while ((code = hf_scan_next(scan, &item, err)) == HF_OK) {
		if (item.kind != HF_SCAN_LINE || item.line.local_seq <= outbox->flushed.seq ||
		    hf_look_in_ring(f, &item.line))
			continue;
		if (item.line.local_seq > f->tip.last_seq)
			hf_look_take(outbox, f, &item.line);
		else
			hf_look_origin(outbox, &item.line);
	}
	free(scan);
	return code == HF_E_NOENT ? HF_OK : code;
}

/* ---- the newest file ---- */

static void set_safe(struct hf_outbox *outbox, const struct findings *f)
{
	const struct hf_file *newest = &f->files.list[f->newest];

	outbox->flushed = (struct safe){ .seq = f->tip.last_seq,
					 .crc32c = f->tip.last_crc32c,
					 .offset = f->valid_end };
	memcpy(outbox->before, newest->previous, sizeof outbox->before);
	outbox->before_end = (struct safe){ .seq = newest->previous_seq };
	(void)sscanf(newest->previous_crc32c, "%8x", &outbox->before_end.crc32c);
}

/* Cutting failed or is not allowed: the tail stays where it is, and the next line goes
 * into a new file whose header ends this one before it. */
static enum hf_code repair_newest(struct hf_outbox *outbox, struct findings *f,
				  const struct hf_watermark *committed,
				  struct hf_outbox_report *report, struct hf_err *err)
{
	struct hf_err ignored;
	enum hf_code code = HF_OK;

	set_safe(outbox, f);
	drop_foreign(outbox, f);
	if (f->newest_missing || f->beyond)
		f->spent = true;
	if (!f->spent)
		complete_newest(outbox, f, report);
	if (f->spent && first_lacking(f) < f->ring.count)
		(void)!take_from_ring(outbox, f, false, report, &ignored);
	if (f->beyond)
		code = take_beyond(outbox, f, err);
	if (code != HF_OK)
		return code;
	compare_watermark(outbox, f, committed);
	uint64_t torn =
		f->beyond || f->size_bytes < f->valid_end ? 0 : f->size_bytes - f->valid_end;
	decide_numbers(outbox, f, torn + f->ring_torn_bytes);
	/* To cut is to write the block in which the good lines end. */
	if (torn > 0 && f->block_shared && f->files.list[f->newest].by_ring)
		f->spent = true;
	if (!f->spent && torn > 0) {
		f->spent = store_gap_note(outbox, &ignored) != HF_OK ||
			   cut_tail(outbox, f->valid_end, f->size_bytes, &ignored) != HF_OK;
		if (!f->spent) {
			outbox->cut_bytes = torn;
			report->bytes_torn += torn;
		}
	}
	outbox->next_reason = "spent";
	if (f->spent) {
		hf_disk_close(outbox->disk, outbox->file);
		outbox->file = -1;
	}
	report->lines = f->lines;
	report->lines_bad = f->lines_bad;
	outbox->rot_lines = f->lines_bad > f->lines_bad_told ? f->lines_bad : 0;
	outbox->offset = f->valid_end;
	return HF_OK;
}

/* No day file at all: what the ring has is all there is. */
static enum hf_code repair_without(struct hf_outbox *outbox, struct findings *f,
				   const struct hf_watermark *committed,
				   struct hf_outbox_report *report)
{
	struct hf_err ignored;

	if (f->ring.count > 0)
		(void)!take_from_ring(outbox, f, false, report, &ignored);
	if (committed != NULL && committed->seq > f->legible)
		f->legible = committed->seq;
	decide_numbers(outbox, f, f->ring_torn_bytes);
	return HF_OK;
}

/* Files without a line stand in front of the list. What cannot be set aside stays: it
 * holds no line, so it disturbs nobody. */
static void set_aside_lineless(struct hf_outbox *outbox, struct findings *f, size_t count,
			       struct hf_outbox_report *report)
{
	struct hf_err ignored;

	if (store_gap_note(outbox, &ignored) != HF_OK)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct hf_file *listed = &f->files.list[i];
		char path[HF_DISK_PATH_BYTES];

		hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
		if (set_aside(outbox, listed, path, &ignored) == HF_OK)
			report->bytes_torn += listed->size_bytes;
	}
	(void)!hf_disk_folder_sync(outbox->disk, HF_OUTBOX_FOLDER, &ignored);
}

static enum hf_code look_and_repair(struct hf_outbox *outbox, struct findings *f,
				    const struct hf_watermark *committed,
				    struct hf_outbox_report *report, struct hf_err *err)
{
	enum hf_code code = hf_look_around(outbox, f, err);
	size_t lineless = 0;

	if (code != HF_OK)
		return code;
	while (lineless < f->files.count && f->files.list[lineless].first_seq == 0)
		look_at_lineless(outbox, f, &f->files.list[lineless++]);
	if (f->ring.legible > f->legible && (f->reserved == 0 || f->ring.legible <= f->reserved))
		f->legible = f->ring.legible;
	if (f->any) {
		code = hf_look_at_end(outbox, f, err);
		if (code == HF_OK)
			code = repair_newest(outbox, f, committed, report, err);
	} else {
		code = repair_without(outbox, f, committed, report);
	}
	if (code == HF_OK && !f->same_epoch)
		memset(f->tip.chain, 0, sizeof f->tip.chain);
	if (code == HF_OK && lineless > 0)
		set_aside_lineless(outbox, f, lineless, report);
	return code;
}

/* The file goes on only as it was begun: with the ring that belongs to it, or without one. */
static void settle_commit(struct hf_outbox *outbox, const struct findings *f)
{
	struct hf_err why;

	if (outbox->file < 0)
		return;
	bool by_ring = f->files.list[f->newest].by_ring;
	if (by_ring && outbox->wanted == HF_COMMIT_RING && f->ring_there && !f->block_shared &&
	    f->ring.size_bytes == outbox->ring_bytes &&
	    hf_commit_ring_open(outbox->disk, HF_OUTBOX_FOLDER, outbox->ring_bytes, &f->ring,
				&outbox->ring, &why) == HF_OK)
		return;
	if (!by_ring && outbox->wanted == HF_COMMIT_FILE)
		return;
	/* Everything in it is safe there: another one is begun. */
	hf_disk_close(outbox->disk, outbox->file);
	outbox->file = -1;
	outbox->next_reason = "commit";
}

enum hf_code hf_outbox_repair(struct hf_outbox *outbox, const struct hf_watermark *committed,
			      struct hf_outbox_report *report, struct hf_err *err)
{
	struct findings f = { 0 };
	enum hf_code code = look_and_repair(outbox, &f, committed, report, err);

	if (code == HF_OK) {
		outbox->tip = f.tip;
		outbox->reserved = f.reserved;
		outbox->visible = (struct hf_watermark){ .order_seq = outbox->order_seq,
							 .offset = outbox->flushed.offset,
							 .flushed = outbox->flushed.offset,
							 .seq = outbox->flushed.seq };
		memcpy(outbox->visible.file, outbox->name, sizeof outbox->visible.file);
		settle_commit(outbox, &f);
		report->seq_last = f.tip.last_seq;
		if (outbox->gap_count > 0) {
			report->gap_from = outbox->gaps[0].from;
			report->gap_through = outbox->gaps[outbox->gap_count - 1].through;
		}
	}
	hf_commit_ring_lines_free(&f.ring);
	hf_files_free(&f.files);
	return code;
}
