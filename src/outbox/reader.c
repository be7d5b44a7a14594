/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one file at a time, its bytes in order. How far may be read is asked
 * anew at each step: in the watermark's own file up to its offset; in an older
 * file to its end, but not beyond the number that its successor's header names.
 * So before the reader leaves a file, and before it believes a line of a file
 * that is not the watermark's, it has seen that successor.
 */
#include "outbox/reader.h"

#include "outbox/scan.h"

#include <stdlib.h>
#include <string.h>

enum {
	BISECT_BYTES = 4 * HF_SCAN_BYTES, /* below that, walking is cheaper */
};

struct hf_reader {
	struct hf_reader_options options;
	uint64_t last_seq; /* handed out, or where the reader was sent */
	int file;          /* -1: none open */
	struct hf_file current;
	bool ended;        /* its successor is known: what is there now is all of it */
	uint64_t file_seq; /* of the last valid line seen in it */
	uint64_t flushed;  /* bytes of it from here on may only be in the ring */
	struct hf_passed passed;
	bool has_next; /* a line was read that found no room in a batch */
	struct hf_scan_item next;
	struct hf_scan scan;
};

static void leave_file(struct hf_reader *reader)
{
	hf_disk_close(reader->options.disk, reader->file);
	reader->file = -1;
}

/* Offset from which walking finds the line behind last_seq: numbers rise with offsets. */
static enum hf_code bisect(struct hf_reader *reader, uint64_t *ret_offset, struct hf_err *err)
{
	uint64_t low = 0, high = reader->current.size_bytes;

	while (high - low > BISECT_BYTES) {
		uint64_t middle = low + (high - low) / 2;
		struct hf_scan_item item;
		enum hf_code code;

		hf_scan_begin(&reader->scan, reader->options.disk, reader->file, middle, high);
		do {
			code = hf_scan_next(&reader->scan, &item, err);
		} while (code == HF_OK && item.kind != HF_SCAN_LINE);
		if (code != HF_OK && code != HF_E_NOENT)
			return code;
		if (code == HF_OK && item.line.local_seq <= reader->last_seq)
			low = middle;
		else
			high = middle;
	}
	*ret_offset = low;
	return HF_OK;
}

static enum hf_code enter_file(struct hf_reader *reader, const struct hf_file *file,
			       struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	uint64_t offset = 0;

	hf_file_path(reader->options.folder, file->name, path);
	enum hf_code code =
		hf_disk_open(reader->options.disk, path, HF_DISK_READ, &reader->file, err);
	if (code != HF_OK)
		return code;
	reader->current = *file;
	reader->ended = false;
	reader->file_seq = 0;
	if (file->first_seq <= reader->last_seq)
		code = bisect(reader, &offset, err);
	if (code != HF_OK) {
		leave_file(reader);
		return code;
	}
	hf_scan_begin(&reader->scan, reader->options.disk, reader->file, offset, UINT64_MAX);
	return HF_OK;
}

/* The file to go on with: the one that last_seq + 1 belongs to, or the one behind current. */
static enum hf_code find_file(struct hf_reader *reader, struct hf_file *ret_file,
			      struct hf_err *err)
{
	struct hf_files files;
	const struct hf_file *found = NULL;
	enum hf_code code =
		hf_files_list(reader->options.disk, reader->options.folder, &files, err);

	if (code != HF_OK)
		return code;
	if (reader->file < 0)
		found = hf_files_find(&files, reader->last_seq + 1);
	for (size_t i = 0; i < files.count && (found == NULL || found->first_seq == 0); i++)
		if (files.list[i].order_seq > (reader->file < 0 ? 0 : reader->current.order_seq))
			found = &files.list[i];
	if (found != NULL && found->first_seq != 0)
		*ret_file = *found;
	else
		code = hf_fail(err, HF_E_AGAIN, "no more lines");
	hf_files_free(&files);
	return code;
}

/* The current file has a successor: what its header says of the end is known. */
static enum hf_code find_end(struct hf_reader *reader, struct hf_file *ret_next, struct hf_err *err)
{
	enum hf_code code = find_file(reader, ret_next, err);

	if (code != HF_OK)
		return code;
	reader->current.last_seq_max = ret_next->has_header ? ret_next->previous_seq : UINT64_MAX;
	reader->ended = true;
	return HF_OK;
}

/* How far the current file may be read now. */
static enum hf_code set_end(struct hf_reader *reader, struct hf_err *err)
{
	struct hf_watermark mark;
	struct hf_file next;
	uint64_t end = UINT64_MAX;

	reader->flushed = UINT64_MAX;
	if (reader->options.watermark != NULL) {
		enum hf_code code = hf_watermark_read(reader->options.watermark, &mark, err);

		if (code != HF_OK)
			return code;
		if (mark.order_seq < reader->current.order_seq || mark.seq == 0)
			return hf_fail(err, HF_E_AGAIN, "nothing more is committed");
		if (mark.order_seq == reader->current.order_seq) {
			end = mark.offset;
			reader->flushed = mark.flushed;
		} else if (!reader->ended) {
			code = find_end(reader, &next, err);
		}
		if (code != HF_OK)
			return code;
	} else if (!reader->ended && !hf_scan_has_line(&reader->scan)) {
		/* About to read on: is what comes still this file's? */
		enum hf_code code = find_end(reader, &next, err);

		if (code != HF_OK && code != HF_E_AGAIN)
			return code;
	}
	/* A keeper that found the end of its file damaged steps back behind it. */
	if (end < reader->scan.offset)
		end = reader->scan.offset;
	if (end < reader->scan.offset + (reader->scan.filled - reader->scan.at))
		hf_scan_begin(&reader->scan, reader->options.disk, reader->file,
			      reader->scan.offset, end);
	reader->scan.end = end;
	return HF_OK;
}

/* At the end of what there is: is there another file? HF_OK: go on. */
static enum hf_code cross(struct hf_reader *reader, struct hf_err *err)
{
	struct hf_file next;
	bool was_ended = reader->ended;

	if (reader->scan.end != UINT64_MAX)
		return hf_fail(err, HF_E_AGAIN, "nothing more is committed");
	enum hf_code code = find_end(reader, &next, err);
	if (code != HF_OK)
		return code;
	/* Lines may have come between the last look and the successor's birth. */
	if (!was_ended)
		return HF_OK;
	int left = reader->file;
	code = enter_file(reader, &next, err);
	if (code == HF_OK)
		hf_disk_close(reader->options.disk, left);
	else
		reader->file = left;
	return code;
}

static void pass_over(struct hf_reader *reader, const struct hf_scan_item *item)
{
	/* On the way to where it was sent, a reader tells nothing. */
	if (reader->current.first_seq <= reader->last_seq && reader->file_seq < reader->last_seq)
		return;
	/* Behind the end that the next file's header names nothing was promised. */
	if (reader->ended && reader->file_seq >= reader->current.last_seq_max)
		return;
	reader->passed.bytes_bad += item->size_bytes;
	reader->passed.lines_bad += item->more ? 0 : 1;
}

/* Is this the next line to hand out? */
static bool wanted(struct hf_reader *reader, const struct hf_scan_item *item)
{
	if (item->kind != HF_SCAN_LINE) {
		pass_over(reader, item);
		return false;
	}
	uint64_t seq = item->line.local_seq;
	if (seq > reader->current.last_seq_max)
		return false;
	if (seq <= reader->file_seq) {
		pass_over(reader, item);
		return false;
	}
	reader->file_seq = seq;
	return seq > reader->last_seq;
}

/* Not a line, but what the file should show there is safe in the ring: the medium lost it before
 * it was flushed. keeper will find that out, and the next file begins with it. */
static bool comes_again(const struct hf_reader *reader, const struct hf_scan_item *item)
{
	return item->kind != HF_SCAN_LINE && item->offset + item->size_bytes > reader->flushed;
}

static enum hf_code read_item(struct hf_reader *reader, struct hf_scan_item *ret_item,
			      struct hf_err *err)
{
	for (;;) {
		struct hf_file file;
		enum hf_code code = HF_OK;

		if (reader->file < 0) {
			code = find_file(reader, &file, err);
			if (code == HF_OK)
				code = enter_file(reader, &file, err);
			if (code != HF_OK)
				return code;
		}
		code = set_end(reader, err);
		if (code == HF_OK)
			code = hf_scan_next(&reader->scan, ret_item, err);
		if (code == HF_OK && ret_item->kind == HF_SCAN_UNENDED &&
		    reader->options.watermark == NULL && !reader->ended) {
			/* An append in hand; or a torn tail, for whoever has no keeper. */
			hf_scan_begin(&reader->scan, reader->options.disk, reader->file,
				      ret_item->offset, UINT64_MAX);
			code = HF_E_NOENT;
		}
		if (code == HF_OK && comes_again(reader, ret_item)) {
			hf_scan_begin(&reader->scan, reader->options.disk, reader->file,
				      ret_item->offset, reader->scan.end);
			return hf_fail(err, HF_E_AGAIN, "committed lines have to be written anew");
		}
		if (code == HF_E_NOENT)
			code = cross(reader, err);
		else if (code == HF_OK && wanted(reader, ret_item))
			return HF_OK;
		if (code != HF_OK)
			return code;
	}
}

enum hf_code hf_reader_open(const struct hf_reader_options *options, struct hf_reader **ret_reader,
			    struct hf_err *err)
{
	struct hf_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	reader->options = *options;
	reader->last_seq = options->after_seq;
	reader->file = -1;
	*ret_reader = reader;
	return HF_OK;
}

void hf_reader_close(struct hf_reader *reader)
{
	if (reader == NULL)
		return;
	leave_file(reader);
	free(reader);
}

void hf_reader_seek(struct hf_reader *reader, uint64_t after_seq)
{
	leave_file(reader);
	reader->last_seq = after_seq;
	reader->has_next = false;
	reader->passed = (struct hf_passed){ 0 };
}

enum hf_code hf_reader_next(struct hf_reader *reader, struct hf_line *ret_line,
			    struct hf_passed *ret_passed, struct hf_place *ret_place,
			    struct hf_err *err)
{
	if (!reader->has_next) {
		enum hf_code code = read_item(reader, &reader->next, err);

		if (code != HF_OK)
			return code;
	}
	reader->has_next = false;
	const struct hf_scan_item *item = &reader->next;
	uint64_t seq = item->line.local_seq;
	if (ret_place != NULL) {
		memcpy(ret_place->file, reader->current.name, sizeof ret_place->file);
		ret_place->offset = item->offset;
	}
	if (ret_passed != NULL) {
		*ret_passed = reader->passed;
		/* What retention has removed is no gap to a reader that starts at the beginning. */
		if (reader->last_seq != 0 && seq > reader->last_seq + 1) {
			ret_passed->gap_from = reader->last_seq + 1;
			ret_passed->gap_through = seq - 1;
		}
	}
	reader->passed = (struct hf_passed){ 0 };
	reader->last_seq = seq;
	*ret_line = item->line;
	return HF_OK;
}

static void sum_passed(struct hf_passed *sum, const struct hf_passed *passed)
{
	sum->lines_bad += passed->lines_bad;
	sum->bytes_bad += passed->bytes_bad;
	if (passed->gap_from != 0) {
		sum->gap_from = sum->gap_from == 0 ? passed->gap_from : sum->gap_from;
		sum->gap_through = passed->gap_through;
	}
}

enum hf_code hf_reader_batch(struct hf_reader *reader, char *ret_data, size_t size_bytes_max,
			     size_t lines_max, struct hf_batch *ret_batch, struct hf_err *err)
{
	struct hf_batch batch = { 0 };

	while (batch.lines < lines_max) {
		struct hf_passed passed;
		struct hf_line line;
		enum hf_code code = HF_OK;

		if (!reader->has_next)
			code = read_item(reader, &reader->next, err);
		reader->has_next = code == HF_OK;
		size_t size_bytes = reader->next.line.size_bytes;
		if (code == HF_OK && size_bytes > size_bytes_max - batch.size_bytes)
			code = hf_fail(err, HF_E_LIMIT, "a line of %zu bytes does not fit into %zu",
				       size_bytes, size_bytes_max);
		if (code == HF_OK)
			code = hf_reader_next(reader, &line, &passed, NULL, err);
		if (code != HF_OK && batch.lines == 0)
			return code;
		if (code != HF_OK)
			break;
		memcpy(ret_data + batch.size_bytes, line.data, line.size_bytes);
		batch.size_bytes += line.size_bytes;
		batch.first_seq = batch.lines++ == 0 ? line.local_seq : batch.first_seq;
		batch.last_seq = line.local_seq;
		sum_passed(&batch.passed, &passed);
	}
	*ret_batch = batch;
	return HF_OK;
}
