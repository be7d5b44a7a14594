/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method of reading: a line may begin at each slot, for frames do, and behind each newline. So
 * of every '{' that stands there the line is tried. That needs no frame to be whole: what a
 * power cut left of a frame is found line by line, and damage costs the lines in it.
 *
 * How it fails: a frame that failed may be on disk wholly, partly or not at all. The outbox then
 * opens a new day file, and lines below that file's header count for nothing.
 */
#include "outbox/commit_ring.h"

#include "base/assert.h"
#include "outbox/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW_BYTES = 256 * 1024,
	SLOT_BYTES_MAX = 16 * 1024,
	OVERLAP_BYTES = HF_LINE_BYTES_MAX + SLOT_BYTES_MAX, /* the longest padded line */
	PIECE_BYTES = 64 * 1024,
	ENTRIES_FIRST = 1024,
	FRAME_BYTES_MAX = 512 * 1024,
};

struct hf_commit_ring {
	struct hf_disk *disk;
	int file;
	uint64_t size_bytes;
	uint64_t slot_bytes;
	uint64_t at;   /* where the next frame begins */
	uint64_t half; /* the half that may be written: 0 or 1 */
};

static void ring_path(const char *folder, const char *suffix, char ret_path[HF_DISK_PATH_BYTES])
{
	(void)snprintf(ret_path, HF_DISK_PATH_BYTES, "%s/%s%s", folder, HF_COMMIT_RING_NAME,
		       suffix);
}

/* ---- reading ---- */

struct reading {
	struct hf_commit_ring_lines lines;
	size_t room;
	char *window;
	uint64_t offset; /* of window[0] */
	size_t filled;
};

static enum hf_code add_entry(struct reading *r, const struct hf_line *line, uint64_t offset,
			      uint64_t end, struct hf_err *err)
{
	if (r->lines.count == r->room) {
		size_t room = r->room == 0 ? ENTRIES_FIRST : 2 * r->room;
		struct hf_commit_ring_entry *grown = realloc(r->lines.list, room * sizeof *grown);

		if (grown == NULL)
			return hf_fail(err, HF_E_NOMEM, "out of memory");
		r->lines.list = grown;
		r->room = room;
	}
	struct hf_commit_ring_entry *entry = &r->lines.list[r->lines.count++];
	*entry = (struct hf_commit_ring_entry){ .seq = line->local_seq,
						.offset = offset,
						.frame_end = end,
						.size_bytes = (uint32_t)line->size_bytes,
						.crc32c = line->crc32c };
	memcpy(entry->chain, line->chain, sizeof entry->chain);
	if (!hf_file_gap(line, &entry->gap_from, &entry->gap_through))
		entry->gap_from = 0;
	return HF_OK;
}

/* Is there a line at window[at]? ret_next: where to look on. */
static enum hf_code try_line(struct reading *r, size_t at, size_t *ret_next, struct hf_err *err)
{
	char *start = r->window + at;
	size_t left = r->filled - at < OVERLAP_BYTES ? r->filled - at : OVERLAP_BYTES;
	char *newline = memchr(start, '\n', left);
	struct hf_line line;
	struct hf_err ignored;

	*ret_next = at + 1;
	if (newline != NULL) {
		char *end = newline;

		while (end > start && end[-1] == ' ')
			end--;
		char was = *end;
		*end = '\n';
		if (hf_line_parse(start, (size_t)(end + 1 - start), &line, &ignored) == HF_OK) {
			*ret_next = (size_t)(newline + 1 - r->window);
			return add_entry(r, &line, r->offset + at, r->offset + *ret_next, err);
		}
		*end = was;
	}
	uint64_t seq = hf_line_seq_legible(start, left);
	if (seq > r->lines.legible)
		r->lines.legible = seq;
	return HF_OK;
}

static enum hf_code look_through_window(struct reading *r, size_t upto, struct hf_err *err)
{
	enum hf_code code = HF_OK;
	size_t at = 0;

	while (code == HF_OK && at < upto) {
		const char *brace = memchr(r->window + at, '{', upto - at);

		if (brace == NULL)
			break;
		at = (size_t)(brace - r->window);
		bool begins = (r->offset + at) % HF_COMMIT_RING_SLOT_BYTES == 0 ||
			      (at > 0 && r->window[at - 1] == '\n');
		if (begins)
			code = try_line(r, at, &at, err);
		else
			at++;
	}
	return code;
}

/* Block by block where the medium does not give a piece back: damage costs the lines in it. */
static void read_window(struct hf_disk *disk, int file, uint64_t offset, struct reading *r,
			size_t want)
{
	struct hf_err ignored;
	size_t got = 0;

	r->filled = want;
	if (hf_disk_read(disk, file, offset, r->window, want, &got, &ignored) == HF_OK &&
	    got == want)
		return;
	for (size_t at = 0; at < want; at += HF_COMMIT_RING_SLOT_BYTES) {
		size_t size = want - at < HF_COMMIT_RING_SLOT_BYTES ? want - at
								    : HF_COMMIT_RING_SLOT_BYTES;

		if (hf_disk_read(disk, file, offset + at, r->window + at, size, &got, &ignored) !=
			    HF_OK ||
		    got != size)
			memset(r->window + at, '\n', size);
	}
}

static int by_seq(const void *left, const void *right)
{
	const struct hf_commit_ring_entry *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void sort_entries(struct hf_commit_ring_lines *lines)
{
	size_t kept = 0;

	if (lines->count > 1)
		qsort(lines->list, lines->count, sizeof *lines->list, by_seq);
	for (size_t i = 0; i < lines->count; i++) {
		if (kept > 0 && lines->list[kept - 1].seq == lines->list[i].seq)
			continue;
		lines->list[kept++] = lines->list[i];
		lines->lines_bytes += lines->list[i].size_bytes;
	}
	lines->count = kept;
}

static enum hf_code read_all(struct hf_disk *disk, int file, struct reading *r, struct hf_err *err)
{
	enum hf_code code = hf_disk_size(disk, file, &r->lines.size_bytes, err);

	/* Larger than any ring: what is behind is not ours. */
	if (code == HF_OK && r->lines.size_bytes > 16 * (uint64_t)HF_COMMIT_RING_BYTES)
		r->lines.size_bytes = 16 * (uint64_t)HF_COMMIT_RING_BYTES;
	for (; code == HF_OK && r->offset < r->lines.size_bytes; r->offset += WINDOW_BYTES) {
		uint64_t left = r->lines.size_bytes - r->offset;
		size_t upto = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
		size_t want = left < WINDOW_BYTES + OVERLAP_BYTES ? (size_t)left
								  : WINDOW_BYTES + OVERLAP_BYTES;

		read_window(disk, file, r->offset, r, want);
		code = look_through_window(r, upto, err);
	}
	return code;
}

enum hf_code hf_commit_ring_read(struct hf_disk *disk, const char *folder,
				 struct hf_commit_ring_lines *ret_lines, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	struct reading r = { 0 };
	int file;

	ring_path(folder, "", path);
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &file, err);
	if (code != HF_OK)
		return code;
	r.window = malloc(WINDOW_BYTES + OVERLAP_BYTES);
	code = r.window == NULL ? hf_fail(err, HF_E_NOMEM, "out of memory")
				: read_all(disk, file, &r, err);
	free(r.window);
	hf_disk_close(disk, file);
	if (code != HF_OK) {
		free(r.lines.list);
		return hf_err_prefix(err, "%s", path);
	}
	sort_entries(&r.lines);
	*ret_lines = r.lines;
	return HF_OK;
}

void hf_commit_ring_lines_free(struct hf_commit_ring_lines *lines)
{
	free(lines->list);
	*lines = (struct hf_commit_ring_lines){ 0 };
}

const struct hf_commit_ring_entry *hf_commit_ring_lines_find(
	const struct hf_commit_ring_lines *lines, uint64_t seq)
{
	struct hf_commit_ring_entry key = { .seq = seq };

	return lines->count == 0 ? NULL
				 : bsearch(&key, lines->list, lines->count, sizeof key, by_seq);
}

/* Where a slot begins behind the newest line. */
static uint64_t behind_newest(const struct hf_commit_ring_lines *lines, uint64_t slot_bytes)
{
	uint64_t end = lines->list[lines->count - 1].frame_end;

	return (end + slot_bytes - 1) / slot_bytes * slot_bytes;
}

/* Is a line of this slot's in the list? Of the bytes: are they newlines? */
static bool slot_is_torn(const struct hf_commit_ring_lines *lines, uint64_t slot, const char *bytes)
{
	bool blank = true;

	for (size_t i = 0; i < HF_COMMIT_RING_SLOT_BYTES && blank; i++)
		blank = bytes[i] == '\n';
	if (blank)
		return false;
	for (size_t i = 0; i < lines->count; i++)
		if (lines->list[i].offset < slot + HF_COMMIT_RING_SLOT_BYTES &&
		    lines->list[i].frame_end > slot)
			return false;
	return true;
}

/* Torn slots from here on. */
static uint64_t torn_run(struct hf_disk *disk, int file, const struct hf_commit_ring_lines *lines,
			 uint64_t from)
{
	char bytes[HF_COMMIT_RING_SLOT_BYTES];
	struct hf_err ignored;
	uint64_t at = from;
	size_t got;

	while (at + HF_COMMIT_RING_SLOT_BYTES <= lines->size_bytes &&
	       hf_disk_read(disk, file, at, bytes, sizeof bytes, &got, &ignored) == HF_OK &&
	       got == sizeof bytes && slot_is_torn(lines, at, bytes))
		at += HF_COMMIT_RING_SLOT_BYTES;
	return at - from;
}

uint64_t hf_commit_ring_torn(struct hf_disk *disk, const char *folder,
			     const struct hf_commit_ring_lines *lines)
{
	char path[HF_DISK_PATH_BYTES];
	struct hf_err ignored;
	uint64_t half = lines->size_bytes / 2, at = 0, torn = 0;
	int file;

	ring_path(folder, "", path);
	if (hf_disk_open(disk, path, HF_DISK_READ, &file, &ignored) != HF_OK)
		return 0;
	if (lines->count > 0)
		at = behind_newest(lines, HF_COMMIT_RING_SLOT_BYTES);
	torn = torn_run(disk, file, lines, at);
	/* A frame that did not fit into its half went to the beginning of the other. */
	if (torn == 0 && lines->count > 0)
		torn = torn_run(disk, file, lines, at < half ? half : 0);
	hf_disk_close(disk, file);
	return torn;
}

/* ---- writing ---- */

/* All of it written once, under another name until it is safe. */
static enum hf_code make_ring(struct hf_disk *disk, const char *folder, uint64_t size_bytes,
			      struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES], path_new[HF_DISK_PATH_BYTES];
	char *piece = malloc(PIECE_BYTES);
	struct hf_err ignored;
	int file;

	if (piece == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	memset(piece, '\n', PIECE_BYTES);
	ring_path(folder, "", path);
	ring_path(folder, ".new", path_new);
	enum hf_code code = hf_disk_open(disk, path_new, HF_DISK_REPLACE, &file, err);
	if (code != HF_OK) {
		free(piece);
		return code;
	}
	for (uint64_t at = 0; code == HF_OK && at < size_bytes; at += PIECE_BYTES) {
		uint64_t left = size_bytes - at;
		size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

		code = hf_disk_write(disk, file, at, piece, size, err);
	}
	if (code == HF_OK)
		code = hf_disk_sync(disk, file, err);
	hf_disk_close(disk, file);
	free(piece);
	if (code == HF_OK)
		code = hf_disk_rename(disk, path_new, path, err);
	if (code == HF_OK)
		code = hf_disk_folder_sync(disk, folder, err);
	if (code != HF_OK)
		(void)!hf_disk_unlink(disk, path_new, &ignored);
	return code;
}

enum hf_code hf_commit_ring_open(struct hf_disk *disk, const char *folder, uint64_t size_bytes,
				 const struct hf_commit_ring_lines *lines,
				 struct hf_commit_ring **ret_ring, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	enum hf_code code = HF_OK;
	struct hf_commit_ring *ring = calloc(1, sizeof *ring);

	if (ring == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	ring->disk = disk;
	ring->size_bytes = size_bytes;
	ring->slot_bytes = hf_disk_block_bytes(disk);
	if (ring->slot_bytes < HF_COMMIT_RING_SLOT_BYTES)
		ring->slot_bytes = HF_COMMIT_RING_SLOT_BYTES;
	HF_ASSERT(size_bytes % (2 * ring->slot_bytes) == 0);
	ring_path(folder, "", path);
	if (lines == NULL || lines->size_bytes != size_bytes) {
		lines = NULL;
		code = make_ring(disk, folder, size_bytes, err);
	}
	if (code == HF_OK)
		code = hf_disk_open(disk, path, HF_DISK_WRITE, &ring->file, err);
	if (code != HF_OK) {
		free(ring);
		return code;
	}
	ring->at = lines == NULL || lines->count == 0 ? 0 : behind_newest(lines, ring->slot_bytes);
	ring->half = ring->at >= size_bytes ? 1 : ring->at / (size_bytes / 2);
	*ret_ring = ring;
	return HF_OK;
}

void hf_commit_ring_close(struct hf_commit_ring *ring)
{
	if (ring == NULL)
		return;
	hf_disk_close(ring->disk, ring->file);
	free(ring);
}

size_t hf_commit_ring_frame_bytes_max(const struct hf_commit_ring *ring)
{
	uint64_t half = ring->size_bytes / 2;

	return half < FRAME_BYTES_MAX ? (size_t)half : FRAME_BYTES_MAX;
}

size_t hf_commit_ring_padded(const struct hf_commit_ring *ring, size_t size_bytes)
{
	return (size_bytes + ring->slot_bytes - 1) / ring->slot_bytes * ring->slot_bytes;
}

/* Where a frame of this padded size goes. */
static uint64_t place_of(const struct hf_commit_ring *ring, size_t padded)
{
	uint64_t half = ring->size_bytes / 2;
	uint64_t half_end = (ring->half + 1) * half;

	if (ring->at + padded <= half_end)
		return ring->at;
	return half_end == ring->size_bytes ? 0 : half_end;
}

bool hf_commit_ring_enters(const struct hf_commit_ring *ring, size_t size_bytes)
{
	size_t padded = hf_commit_ring_padded(ring, size_bytes);

	return place_of(ring, padded) / (ring->size_bytes / 2) != ring->half;
}

enum hf_code hf_commit_ring_write(struct hf_commit_ring *ring, char *data, size_t size_bytes,
				  struct hf_err *err)
{
	size_t padded = hf_commit_ring_padded(ring, size_bytes);
	uint64_t place = place_of(ring, padded);
	uint64_t links = 0;

	HF_ASSERT(size_bytes > 0 && data[size_bytes - 1] == '\n');
	HF_ASSERT(padded <= ring->size_bytes / 2);
	memset(data + size_bytes - 1, ' ', padded - size_bytes + 1);
	data[padded - 1] = '\n';
	enum hf_code code = hf_disk_write(ring->disk, ring->file, place, data, padded, err);
	if (code == HF_OK)
		code = hf_disk_sync(ring->disk, ring->file, err);
	data[size_bytes - 1] = '\n';
	if (code == HF_OK)
		code = hf_disk_links(ring->disk, ring->file, &links, err);
	if (code == HF_OK && links == 0)
		code = hf_fail(err, HF_E_IO, "%s was removed", HF_COMMIT_RING_NAME);
	if (code != HF_OK)
		return hf_err_prefix(err, "ring");
	ring->at = place + padded;
	ring->half = place / (ring->size_bytes / 2);
	return HF_OK;
}

void hf_commit_ring_fill(const struct hf_commit_ring *ring, uint64_t *ret_at, uint64_t *ret_size)
{
	*ret_at = ring->at;
	*ret_size = ring->size_bytes;
}
