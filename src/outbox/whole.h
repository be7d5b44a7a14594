/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * whole - the lines of an outbox in order, those that only the ring has in their place.
 *
 * Shape       A reader (outbox/reader.h) without a watermark, for whoever looks
 *             at an outbox that nobody may be writing: what a power cut has
 *             kept out of the newest day file is handed out from the ring
 *             (outbox/commit_ring.h), as the next start of a unit will find it.
 *
 * Owners      disk and folder are borrowed. A line is valid until the next call.
 *             The ring is read once, at open: what a living unit writes later
 *             comes from the day file.
 *
 * Errors      As hf_reader_next(): HF_E_AGAIN when there is no more now.
 */
#include "outbox/reader.h"

struct hf_whole;

/* after_seq: begin behind this number. */
enum hf_code hf_whole_open(struct hf_disk *disk, const char *folder, uint64_t after_seq,
			   struct hf_whole **ret_whole, struct hf_err *err) HF_MUST_CHECK;
void hf_whole_close(struct hf_whole *whole); /* NULL is fine */

/* ret_passed may be NULL: what was passed over that the ring does not have. */
enum hf_code hf_whole_next(struct hf_whole *whole, struct hf_line *ret_line,
			   struct hf_passed *ret_passed, struct hf_err *err) HF_MUST_CHECK;
