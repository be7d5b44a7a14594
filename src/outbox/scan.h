/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * scan - walk the bytes of one day file from newline to newline.
 *
 * Shape       Each step yields one valid line, or one run of bytes that is not
 *             a line and ends with a newline (rot), or the bytes behind the
 *             last newline (unended). Runs of more than HF_SCAN_BYTES without
 *             a newline come in pieces, all but the last marked `more`.
 *
 * Owners      The scan borrows disk and file. An item's bytes are valid until
 *             the next step.
 *
 * Errors      hf_scan_next(): HF_E_NOENT at the end. Blocks that cannot be read
 *             (HF_E_IO) are rot, not an error.
 */
#include "base/disk.h"
#include "outbox/line.h"

enum {
	HF_SCAN_BYTES = 64 * 1024,
};

enum hf_scan_kind {
	HF_SCAN_LINE,
	HF_SCAN_ROT,
	HF_SCAN_UNENDED,
};

struct hf_scan_item {
	enum hf_scan_kind kind;
	bool more;
	uint64_t offset;
	const char *data;
	size_t size_bytes;
	struct hf_line line; /* of HF_SCAN_LINE */
	char why[96];        /* of HF_SCAN_ROT: what is wrong with it */
};

struct hf_scan {
	struct hf_disk *disk;
	int file;
	uint64_t end;    /* bytes from here on are not looked at */
	uint64_t offset; /* of buffer[at] in the file */
	size_t at;
	size_t filled;
	bool inside; /* the step before ended inside a run */
	char buffer[HF_SCAN_BYTES];
};

/* From offset up to end (UINT64_MAX: as far as the file goes now). */
void hf_scan_begin(struct hf_scan *scan, struct hf_disk *disk, int file, uint64_t offset,
		   uint64_t end);
/* The next step needs no reading. */
bool hf_scan_has_line(const struct hf_scan *scan);
enum hf_code hf_scan_next(struct hf_scan *scan, struct hf_scan_item *ret_item,
			  struct hf_err *err) HF_MUST_CHECK;
