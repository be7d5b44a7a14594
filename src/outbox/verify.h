/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * verify - is everything that was written still there, whole and in order?
 *
 * Shape       Reads every byte of every day file once, oldest first: CRC and
 *             keys of each line, rising numbers, headers that name what went
 *             before, the chain, origins that occur once. With the data folder
 *             at hand also thumbnails and the hub's cursor. Changes nothing.
 *
 * Numbers     What the chain shows: nothing between the first line that is
 *             there and the last was altered or taken out, unless by somebody
 *             who rewrote everything behind it. A value that another party
 *             knows (the hub) closes that door.
 *
 * Owners      Works on a living outbox and on a copy. The end of the newest
 *             file without a newline is an append in hand or a torn tail that
 *             the next start cuts: a remark, not a problem.
 *
 * Errors      What is found wrong with the outbox is a finding, not an error.
 *             Errors are of the reading itself.
 */
#include "base/disk.h"
#include "outbox/files.h"

enum hf_finding_kind {
#define HF_FINDING(id, name, problem) HF_FINDING_##id,
#include "outbox/finding_tbl.h"
	HF_FINDING_COUNT,
};

const char *hf_finding_name(enum hf_finding_kind kind);
bool hf_finding_is_problem(enum hf_finding_kind kind);

struct hf_finding {
	enum hf_finding_kind kind;
	char file[HF_FILE_NAME_BYTES];
	uint64_t offset;
	uint64_t local_seq; /* 0: none to be named */
	char text[192];     /* a sentence for people */
};

struct hf_verified_file {
	struct hf_file file;
	uint64_t lines;
	uint64_t last_seq;
	uint64_t lines_bad;
	uint64_t lines_void;
};

/* Numbers that no line has. */
struct hf_verified_gap {
	uint64_t from;
	uint64_t through;
	char reason[24]; /* of the gap event that covers them; empty: nothing does */
};

struct hf_verify_report {
	uint64_t files;
	uint64_t lines;
	uint64_t bytes;
	uint64_t first_seq;
	uint64_t last_seq;
	uint64_t lines_void;
	uint64_t gaps;
	uint64_t numbers_missing;
	uint64_t thumbs_named;
	bool cursor_known;
	uint64_t acked_through;
	uint64_t pending; /* lines behind the cursor */
	uint64_t problems;
	uint64_t found[HF_FINDING_COUNT];
};

struct hf_verify_options {
	struct hf_disk *disk;
	const char *folder; /* HF_OUTBOX_FOLDER, or "." */
	bool data;          /* the disk is the data folder: thumbnails and cursor too */
	void *context;
	/* Each may be NULL. */
	void (*finding)(void *context, const struct hf_finding *finding);
	void (*file)(void *context, const struct hf_verified_file *file);
	void (*gap)(void *context, const struct hf_verified_gap *gap); /* at the end */
	void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_all);
};

enum hf_code hf_verify(const struct hf_verify_options *options, struct hf_verify_report *ret_report,
		       struct hf_err *err) HF_MUST_CHECK;
