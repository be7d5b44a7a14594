/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * files - the day files of an outbox in the order in which they were written.
 *
 * Shape       Names are YYYY-MM-DD.jsonl or YYYY-MM-DD.k.jsonl; they are for
 *             people. The order is that of the number of a file's header,
 *             an outbox_file_opened event whose attrs tell what went before
 *             (first_seq, previous (name), previous_seq, previous_crc32c), how
 *             lines are committed (commit: ring or file), and why (reason).
 *             It is the first line, but in a file that was begun because the
 *             one before failed: there `carried` lines stand in front of it,
 *             as they stood in the old file and under the same numbers.
 *
 * Numbers     A file's lines end with the number its successor's header names
 *             as previous_seq (last_seq_max here). Lines above it are void:
 *             they were carried into the successor; or their flush failed,
 *             nobody was told of them, and their events stand in the successor
 *             under other numbers.
 *
 * Owners      The list is the caller's: hf_files_free().
 *
 * Errors      A file whose header is damaged takes its place by its first
 *             valid line, with has_header false. One without any valid line
 *             has first_seq 0 and stands in front.
 */
#include "base/disk.h"
#include "outbox/line.h"

enum {
	HF_FILE_NAME_BYTES = 32, /* 2026-04-20.12345.jsonl and the NUL */
	HF_OUTBOX_FILES_MAX = 100000,
};

#define HF_OUTBOX_FOLDER     "outbox"
#define HF_CLASS_FILE_OPENED "outbox_file_opened"
#define HF_CLASS_GAP         "outbox_gap"
#define HF_CLASS_ROT         "outbox_rot_found"
#define HF_CLASS_REDRAWN     "epoch_redrawn"
#define HF_CLASS_TORN        "outbox_tail_cut"
#define HF_CLASS_RING_FAILED "outbox_ring_failed"

struct hf_file {
	char name[HF_FILE_NAME_BYTES];
	uint64_t size_bytes;
	uint64_t first_seq;    /* 0: no valid line at all */
	uint64_t order_seq;    /* of the header, else first_seq: rises from file to file */
	uint64_t last_seq_max; /* lines above are void; UINT64_MAX when nobody says */
	bool has_header;
	bool by_ring;                      /* the header says commit: ring */
	uint64_t carried;                  /* lines in front of the header */
	char previous[HF_FILE_NAME_BYTES]; /* of the header; empty: none */
	uint64_t previous_seq;
	char previous_crc32c[9];
};

struct hf_files {
	struct hf_file *list;
	size_t count;
};

bool hf_file_name_is(const char *name);
void hf_file_path(const char *folder, const char *name, char ret_path[HF_DISK_PATH_BYTES]);

/* folder: HF_OUTBOX_FOLDER, or "." when the disk is the outbox folder itself. */
enum hf_code hf_files_list(struct hf_disk *disk, const char *folder, struct hf_files *ret_files,
			   struct hf_err *err) HF_MUST_CHECK;
void hf_files_free(struct hf_files *files);

/* The names alone, in no order; size and header of one of them. */
enum hf_code hf_files_names(struct hf_disk *disk, const char *folder, struct hf_files *ret_files,
			    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_file_look(struct hf_disk *disk, const char *folder, struct hf_file *file,
			  struct hf_err *err) HF_MUST_CHECK;

/* The file in which a number stands or would stand, the last one of several; the first one
 * for smaller numbers. NULL when there is no file. */
const struct hf_file *hf_files_find(const struct hf_files *files, uint64_t seq);

/* Is this line the header of a file that begins with first_seq, and what does it say? */
bool hf_file_header(const struct hf_line *line, uint64_t first_seq, struct hf_file *ret_file);

/* Is this line an outbox_gap event, and of which numbers? */
bool hf_file_gap(const struct hf_line *line, uint64_t *ret_from, uint64_t *ret_through);
