/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the reader is one line ahead. Entries of the ring that lie between the line handed out
 * last and the reader's come first; when the reader has no more, the rest of them do, and the
 * reader is sent behind them, for a unit that starts writes those lines into a day file.
 */
#include "outbox/whole.h"

#include "outbox/commit_ring.h"

#include <stdlib.h>
#include <string.h>

struct hf_whole {
	struct hf_disk *disk;
	const char *folder;
	struct hf_reader *reader;
	uint64_t last_seq;
	bool has_next; /* the reader's line was not handed out yet */
	struct hf_line next;
	struct hf_passed passed;
	int ring_file; /* -1: there is none */
	size_t ring_next;
	struct hf_commit_ring_lines ring;
	char data[HF_LINE_BYTES_MAX];
};

/* The numbers that may be missing from the day files: those of the newest. */
static enum hf_code find_newest(struct hf_whole *whole, uint64_t *ret_first_seq, struct hf_err *err)
{
	struct hf_files files;
	enum hf_code code = hf_files_list(whole->disk, whole->folder, &files, err);

	if (code != HF_OK)
		return code;
	*ret_first_seq = files.count > 0 ? files.list[files.count - 1].first_seq : 0;
	hf_files_free(&files);
	return HF_OK;
}

static enum hf_code open_ring(struct hf_whole *whole, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	uint64_t first_seq = 0;
	enum hf_code code = hf_commit_ring_read(whole->disk, whole->folder, &whole->ring, err);

	if (code == HF_E_NOENT)
		return HF_OK;
	if (code == HF_OK)
		code = find_newest(whole, &first_seq, err);
	if (code != HF_OK)
		return code;
	while (whole->ring_next < whole->ring.count &&
	       whole->ring.list[whole->ring_next].seq < first_seq)
		whole->ring_next++;
	hf_file_path(whole->folder, HF_COMMIT_RING_NAME, path);
	return hf_disk_open(whole->disk, path, HF_DISK_READ, &whole->ring_file, err);
}

enum hf_code hf_whole_open(struct hf_disk *disk, const char *folder, uint64_t after_seq,
			   struct hf_whole **ret_whole, struct hf_err *err)
{
	const struct hf_reader_options options = { .disk = disk,
						   .folder = folder,
						   .after_seq = after_seq };
	struct hf_whole *whole = calloc(1, sizeof *whole);

	if (whole == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	whole->disk = disk;
	whole->folder = folder;
	whole->last_seq = after_seq;
	whole->ring_file = -1;
	/* First the ring: what comes into the files meanwhile is passed over in it. */
	enum hf_code code = open_ring(whole, err);
	if (code == HF_OK)
		code = hf_reader_open(&options, &whole->reader, err);
	if (code != HF_OK) {
		hf_whole_close(whole);
		return code;
	}
	*ret_whole = whole;
	return HF_OK;
}

void hf_whole_close(struct hf_whole *whole)
{
	if (whole == NULL)
		return;
	hf_reader_close(whole->reader);
	hf_disk_close(whole->disk, whole->ring_file);
	hf_commit_ring_lines_free(&whole->ring);
	free(whole);
}

/* The next line of the ring below seq; HF_E_NOENT: it has none. */
static enum hf_code next_of_ring(struct hf_whole *whole, uint64_t seq, struct hf_line *ret_line,
				 struct hf_err *err)
{
	for (; whole->ring_next < whole->ring.count; whole->ring_next++) {
		const struct hf_commit_ring_entry *entry = &whole->ring.list[whole->ring_next];
		size_t got = 0;

		if (entry->seq >= seq)
			break;
		if (entry->seq <= whole->last_seq ||
		    hf_disk_read(whole->disk, whole->ring_file, entry->offset, whole->data,
				 entry->size_bytes, &got, err) != HF_OK ||
		    got == 0)
			continue;
		/* A padded one has a space here. */
		whole->data[got - 1] = '\n';
		/* A living unit may have gone over it: then the day file has it. */
		if (hf_line_parse(whole->data, got, ret_line, err) == HF_OK &&
		    ret_line->local_seq == entry->seq)
			return HF_OK;
	}
	return hf_fail(err, HF_E_NOENT, "no more in the ring");
}

/* What was handed out from the ring is no gap any more. */
static void trim_gap(struct hf_whole *whole)
{
	struct hf_passed *passed = &whole->passed;

	if (passed->gap_from == 0 || whole->last_seq < passed->gap_from)
		return;
	passed->gap_from = whole->last_seq + 1;
	if (passed->gap_from > passed->gap_through)
		*passed = (struct hf_passed){ 0 };
}

enum hf_code hf_whole_next(struct hf_whole *whole, struct hf_line *ret_line,
			   struct hf_passed *ret_passed, struct hf_err *err)
{
	struct hf_err ignored;
	enum hf_code code = HF_OK;

	if (!whole->has_next) {
		code = hf_reader_next(whole->reader, &whole->next, &whole->passed, NULL, err);
		if (code != HF_OK && code != HF_E_AGAIN)
			return code;
		whole->has_next = code == HF_OK;
	}
	uint64_t below = whole->has_next ? whole->next.local_seq : UINT64_MAX;
	if (next_of_ring(whole, below, ret_line, &ignored) == HF_OK) {
		whole->last_seq = ret_line->local_seq;
		if (ret_passed != NULL)
			*ret_passed = (struct hf_passed){ 0 };
		if (!whole->has_next)
			hf_reader_seek(whole->reader, whole->last_seq);
		return HF_OK;
	}
	if (!whole->has_next)
		return code;
	whole->has_next = false;
	trim_gap(whole);
	if (ret_passed != NULL)
		*ret_passed = whole->passed;
	*ret_line = whole->next;
	whole->last_seq = ret_line->local_seq;
	return HF_OK;
}
