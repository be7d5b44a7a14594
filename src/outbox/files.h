/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * files - the day files of an outbox in the order in which they were written.
 *
 * Shape       Names are YYYY-MM-DD.jsonl or YYYY-MM-DD.k.jsonl; they are for
 *             people. The order is that of the number in a file's first line,
 *             an outbox_file_opened event whose attrs tell what went before:
 *             first_seq, previous (name), previous_seq, previous_crc32c.
 *
 * Numbers     A file's lines end with the number its successor's header names
 *             as previous_seq (last_seq_max here). Lines above it are void:
 *             their flush failed, nobody was told of them, and their events
 *             stand in the successor under other numbers.
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
#define HF_CLASS_TORN        "outbox_tail_cut"

struct hf_file {
	char name[HF_FILE_NAME_BYTES];
	uint64_t size_bytes;
	uint64_t first_seq;    /* 0: no valid line at all */
	uint64_t last_seq_max; /* lines above are void; UINT64_MAX when nobody says */
	bool has_header;
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

/* The file in which a number stands or would stand; the first one for smaller
 * numbers. NULL when there is no file. */
const struct hf_file *hf_files_find(const struct hf_files *files, uint64_t seq);

/* Is this line such a header, and what does it say? */
bool hf_file_header(const struct hf_line *line, struct hf_file *ret_file);
