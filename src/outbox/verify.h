/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * verify - is everything that was written still there, whole and in order?
 *
 * Shape       Reads every byte of every day file once, oldest first: CRC and
 *             keys of each line, rising numbers, headers that name what went
 *             before, the chain, origins that occur once. Lines that a power
 *             cut has kept out of the newest file and that stand in the ring
 *             (outbox/commit_ring.h) are read from there, in their place: the
 *             next start of a unit puts them into a day file. With the data
 *             folder at hand also thumbnails and the channels' cursors; with
 *             `chain` what the hub has countersigned (outbox/receipt.h).
 *             Changes nothing.
 *
 * Numbers     What the chain shows: nothing between the first line that is
 *             there and the last was altered or taken out, unless by somebody
 *             who rewrote everything behind it. A value that another party has
 *             signed (the hub) closes that door up to its line, and no further.
 *
 * Owners      Works on a living outbox and on a copy. The end of the newest
 *             file without a newline is an append in hand or a torn tail that
 *             the next start cuts: a remark, not a problem.
 *
 * Errors      What is found wrong with the outbox is a finding, not an error.
 *             Errors are of the reading itself.
 */
#include "base/disk.h"
#include "outbox/cursor.h"
#include "outbox/files.h"
#include "outbox/receipt.h"

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
	uint64_t bytes_padding;
	uint64_t lines_ring; /* of them only in the ring: not in this file */
};

/* Numbers that no line has. */
struct hf_verified_gap {
	uint64_t from;
	uint64_t through;
	uint64_t event_seq; /* of the gap event that covers them; 0: nothing does */
	char reason[24];    /* what that says; empty: nothing does */
};

struct hf_verified_cursor {
	struct hf_cursor_entry cursor;
	uint64_t pending; /* lines behind it */
};

/* How far the log is what somebody else knows it to be. */
struct hf_verified_chain {
	bool key_known; /* given, or pinned in the data folder */
	uint8_t key[HF_RECEIPT_KEY_BYTES];
	uint64_t receipts;         /* of that key, with a good signature */
	uint64_t receipts_foreign; /* of another key, or with a bad signature */
	uint64_t receipts_unread;  /* lines that are no receipts */
	uint64_t proven_through;   /* 0: no line */
	char proven_at[HF_WALL_TEXT_BYTES];
	/* Lines before it that are not proven, for the chain begins anew behind them; 0: none. The
	 * first stretch of them, if there are several. */
	uint64_t except_from, except_through;
	/* The first line that was altered or is gone is one of these; 0: none was found. */
	uint64_t altered_from, altered_through;
	char altered_why[160];
};

struct hf_verify_report {
	uint64_t files;
	uint64_t lines;
	uint64_t bytes;
	uint64_t bytes_padding;
	uint64_t first_seq;
	uint64_t last_seq;
	uint64_t lines_void;
	uint64_t gaps;
	uint64_t numbers_missing;
	uint64_t thumbs_named;
	bool ring_here;
	uint64_t ring_bytes;
	uint64_t ring_lines; /* valid ones */
	uint64_t ring_only;  /* lines that stand nowhere else; counted in lines, too */
	uint64_t ring_only_first, ring_only_last;
	size_t cursor_count;
	struct hf_verified_cursor cursors[HF_CURSORS_MAX]; /* the hub's first */
	struct hf_verified_chain chain;                    /* with options.chain */
	uint64_t problems;
	uint64_t found[HF_FINDING_COUNT];
};

struct hf_verify_options {
	struct hf_disk *disk;
	const char *folder;     /* HF_OUTBOX_FOLDER, or "." */
	bool data;              /* the disk is the data folder: thumbnails and cursors too */
	bool chain;             /* and what the hub has countersigned */
	const uint8_t *hub_key; /* with chain: HF_RECEIPT_KEY_BYTES; NULL: the one pinned there */
	void *context;
	/* Each may be NULL. */
	void (*finding)(void *context, const struct hf_finding *finding);
	void (*file)(void *context, const struct hf_verified_file *file);
	void (*gap)(void *context, const struct hf_verified_gap *gap); /* at the end */
	void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_all);
};

enum hf_code hf_verify(const struct hf_verify_options *options, struct hf_verify_report *ret_report,
		       struct hf_err *err) HF_MUST_CHECK;
