/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reader - the lines of an outbox in order, forward, as far as they are committed.
 *
 * Numbers     Each line's number is higher than the one before. Numbers that
 *             are missing and lines that are damaged are passed over and told
 *             with the next good line; nothing stops the reader.
 *
 * Durability  With a watermark no line is handed out that a power cut could
 *             still take back. Without one (a copied folder, no keeper) every
 *             whole, valid line is. Void lines (outbox/files.h) never are.
 *
 * Owners      Single-threaded; disk, folder and watermark are borrowed for as
 *             long as the reader lives. A line handed out is valid until the
 *             next call.
 *
 * Errors      HF_E_AGAIN: nothing more now (or no watermark of this boot).
 *             HF_E_LIMIT from hf_reader_batch(): the next line alone is larger
 *             than the buffer. Others from the disk; the same call may be made
 *             again.
 */
#include "base/disk.h"
#include "outbox/line.h"
#include "outbox/watermark.h"

struct hf_reader;

struct hf_reader_options {
	struct hf_disk *disk;
	const char *folder; /* HF_OUTBOX_FOLDER, or "." when the disk is that folder */
	const struct hf_watermark_page *watermark; /* NULL: every valid line */
	uint64_t after_seq;                        /* begin behind this number */
};

/* What was passed over right before a line. */
struct hf_passed {
	uint64_t lines_bad;
	uint64_t bytes_bad;
	uint64_t gap_from; /* numbers that are not there; 0: none */
	uint64_t gap_through;
};

/* Where a line stands. */
struct hf_place {
	char file[HF_FILE_NAME_BYTES];
	uint64_t offset;
};

/* Whole lines one behind the other, as they are sent. */
struct hf_batch {
	size_t lines;
	size_t size_bytes;
	uint64_t first_seq;
	uint64_t last_seq;
	struct hf_passed passed; /* sums; gap_from is the first, gap_through the last */
};

enum hf_code hf_reader_open(const struct hf_reader_options *options, struct hf_reader **ret_reader,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_reader_close(struct hf_reader *reader); /* NULL is fine */

/* Go to the line behind after_seq, forward or back. */
void hf_reader_seek(struct hf_reader *reader, uint64_t after_seq);

/* ret_passed and ret_place may be NULL. */
enum hf_code hf_reader_next(struct hf_reader *reader, struct hf_line *ret_line,
			    struct hf_passed *ret_passed, struct hf_place *ret_place,
			    struct hf_err *err) HF_MUST_CHECK;

/* As many lines as there are, fit and are asked for; at least one, or an error. */
enum hf_code hf_reader_batch(struct hf_reader *reader, char *ret_data, size_t size_bytes_max,
			     size_t lines_max, struct hf_batch *ret_batch,
			     struct hf_err *err) HF_MUST_CHECK;
