/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the lines above what the old file has safely are looked up in the ring and, where it
 * has them not, at the end of the old file, which may still show them. They are copied as they
 * are: numbers, chain and checksum stay. Nothing is taken away from either place, so a power cut
 * in between finds what was there before.
 */
#include "outbox/scan.h"
#include "outbox/writer_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum hf_code add(struct carry *carry, const struct carried *line, struct hf_err *err)
{
	if (carry->count == carry->room) {
		size_t room = carry->room == 0 ? 64 : 2 * carry->room;
		struct carried *grown = realloc(carry->list, room * sizeof *grown);

		if (grown == NULL)
			return hf_fail(err, HF_E_NOMEM, "out of memory");
		carry->list = grown;
		carry->room = room;
	}
	carry->list[carry->count++] = *line;
	return HF_OK;
}

static bool wanted(const struct hf_outbox *outbox, uint64_t seq)
{
	return seq > outbox->flushed.seq && seq <= outbox->tip.last_seq;
}

static enum hf_code collect_from_ring(const struct hf_outbox *outbox,
				      const struct hf_commit_ring_lines *lines, struct carry *carry,
				      struct hf_err *err)
{
	enum hf_code code = HF_OK;

	for (size_t i = 0; code == HF_OK && i < lines->count; i++) {
		const struct hf_commit_ring_entry *entry = &lines->list[i];
		struct carried line = { .seq = entry->seq,
					.offset = entry->offset,
					.size_bytes = entry->size_bytes,
					.in_ring = true,
					.gap_from = entry->gap_from,
					.gap_through = entry->gap_through };

		if (wanted(outbox, entry->seq))
			code = add(carry, &line, err);
	}
	return code;
}

/* What the old file shows and the ring has not. */
static enum hf_code collect_from_day(const struct hf_outbox *outbox,
				     const struct hf_commit_ring_lines *lines, struct carry *carry,
				     struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	struct hf_scan_item item;
	uint64_t seq_last = outbox->flushed.seq;
	int file;

	hf_file_path(HF_OUTBOX_FOLDER, outbox->name, path);
	if (outbox->name[0] == '\0' ||
	    hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, err) != HF_OK)
		return HF_OK;
	struct hf_scan *scan = malloc(sizeof *scan);
	enum hf_code code = scan == NULL ? hf_fail(err, HF_E_NOMEM, "out of memory") : HF_OK;
	if (code == HF_OK)
		hf_scan_begin(scan, outbox->disk, file, outbox->flushed.offset, UINT64_MAX);
	while (code == HF_OK && (code = hf_scan_next(scan, &item, err)) == HF_OK) {
		struct carried line = { .seq = item.line.local_seq,
					.offset = item.offset,
					.size_bytes = (uint32_t)item.line.size_bytes };

		if (item.kind != HF_SCAN_LINE || !wanted(outbox, line.seq) || line.seq <= seq_last)
			continue;
		if (!hf_file_gap(&item.line, &line.gap_from, &line.gap_through))
			line.gap_from = 0;
		seq_last = line.seq;
		if (hf_commit_ring_lines_find(lines, line.seq) == NULL)
			code = add(carry, &line, err);
	}
	free(scan);
	hf_disk_close(outbox->disk, file);
	return code == HF_E_NOENT ? HF_OK : code;
}

/* The block in which the old file's safe part ends was to be written once more. Where that failed
 * nobody can say what is left of it: lines in it are carried on too. */
static void step_back(struct hf_outbox *outbox)
{
	const uint64_t longest = HF_LINE_BYTES_MAX + BLOCK_BYTES_MAX;
	uint64_t end = outbox->flushed.offset, block = end - end % outbox->block_bytes;
	char path[HF_DISK_PATH_BYTES];
	struct hf_scan_item item;
	struct hf_err ignored;
	struct hf_scan *scan;
	int file;

	hf_file_path(HF_OUTBOX_FOLDER, outbox->name, path);
	if (end == block || outbox->name[0] == '\0' ||
	    hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, &ignored) != HF_OK)
		return;
	scan = malloc(sizeof *scan);
	if (scan != NULL)
		hf_scan_begin(scan, outbox->disk, file, block > longest ? block - longest : 0, end);
	while (scan != NULL && hf_scan_next(scan, &item, &ignored) == HF_OK &&
	       item.offset + item.size_bytes <= block)
		if (item.kind == HF_SCAN_LINE && item.line.local_seq <= outbox->flushed.seq)
			outbox->flushed = (struct safe){ .seq = item.line.local_seq,
							 .crc32c = item.line.crc32c,
							 .offset = item.offset + item.size_bytes };
	free(scan);
	hf_disk_close(outbox->disk, file);
}

static int by_seq(const void *left, const void *right)
{
	const struct carried *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* Missing numbers, unless one of the lines tells why. */
static void note_hole(struct hf_outbox *outbox, const struct carry *carry, uint64_t from,
		      uint64_t through)
{
	for (size_t i = 0; i < carry->count; i++)
		if (carry->list[i].gap_from != 0 && carry->list[i].gap_from <= from &&
		    carry->list[i].gap_through >= through)
			return;
	hf_outbox_note_gap(outbox, from, through, outbox->hole_reason);
}

static void note_holes(struct hf_outbox *outbox, const struct carry *carry)
{
	uint64_t expected = outbox->flushed.seq + 1;

	for (size_t i = 0; i < carry->count; i++) {
		if (carry->list[i].seq > expected)
			note_hole(outbox, carry, expected, carry->list[i].seq - 1);
		expected = carry->list[i].seq + 1;
	}
	if (expected <= outbox->tip.last_seq)
		note_hole(outbox, carry, expected, outbox->tip.last_seq);
}

enum hf_code hf_carry_collect(struct hf_outbox *outbox, struct carry *ret_carry, struct hf_err *err)
{
	struct hf_commit_ring_lines lines = { 0 };
	struct carry carry = { 0 };
	enum hf_code code = hf_commit_ring_read(outbox->disk, HF_OUTBOX_FOLDER, &lines, err);

	step_back(outbox);
	if (code == HF_OK)
		code = collect_from_ring(outbox, &lines, &carry, err);
	else if (code == HF_E_NOENT)
		code = HF_OK;
	if (code == HF_OK)
		code = collect_from_day(outbox, &lines, &carry, err);
	hf_commit_ring_lines_free(&lines);
	if (code != HF_OK) {
		hf_carry_free(&carry);
		return code;
	}
	if (carry.count > 1)
		qsort(carry.list, carry.count, sizeof *carry.list, by_seq);
	note_holes(outbox, &carry);
	*ret_carry = carry;
	return HF_OK;
}

void hf_carry_free(struct carry *carry)
{
	free(carry->list);
	*carry = (struct carry){ 0 };
}

static enum hf_code copy_line(struct hf_outbox *outbox, const struct carried *line, int from,
			      int to, uint64_t at, struct hf_err *err)
{
	char bytes[HF_LINE_BYTES_MAX];
	size_t got = 0;
	enum hf_code code =
		hf_disk_read(outbox->disk, from, line->offset, bytes, line->size_bytes, &got, err);

	if (code == HF_OK && got != line->size_bytes)
		code = hf_fail(err, HF_E_IO, "line %llu is not there any more",
			       (unsigned long long)line->seq);
	if (code != HF_OK)
		return code;
	/* Instead of its padding. */
	bytes[got - 1] = '\n';
	return hf_disk_write(outbox->disk, to, at, bytes, got, err);
}

enum hf_code hf_carry_write(struct hf_outbox *outbox, const struct carry *carry, int file,
			    uint64_t *ret_bytes, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	enum hf_code code = HF_OK;
	int ring = -1, day = -1;

	*ret_bytes = 0;
	for (size_t i = 0; code == HF_OK && i < carry->count; i++) {
		const struct carried *line = &carry->list[i];
		int *from = line->in_ring ? &ring : &day;

		if (*from < 0) {
			if (line->in_ring)
				(void)snprintf(path, sizeof path, "%s", RING_PATH);
			else
				hf_file_path(HF_OUTBOX_FOLDER, outbox->name, path);
			code = hf_disk_open(outbox->disk, path, HF_DISK_READ, from, err);
		}
		if (code == HF_OK)
			code = copy_line(outbox, line, *from, file, *ret_bytes, err);
		if (code == HF_OK)
			*ret_bytes += line->size_bytes;
	}
	hf_disk_close(outbox->disk, ring);
	hf_disk_close(outbox->disk, day);
	return code;
}
