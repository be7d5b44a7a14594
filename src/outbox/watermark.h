/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * watermark - how far the outbox is committed: what a power cut can no longer take.
 *
 * Shape       One page in RUN/committed, mapped shared: magic, the boot it is
 *             true of, the writer's run, the current file's name and its
 *             header's number, the offset behind the last committed line, its
 *             number, the offset up to which the file itself is flushed, and a
 *             CRC, all under a sequence lock (odd while being written).
 *
 * Owners      keeper writes, the only one. Readers map it read-only and may do
 *             so before keeper has ever run. A restarted keeper takes the same
 *             page over; what stood in it is still true until it publishes.
 *
 * Errors      hf_watermark_read(): HF_E_AGAIN when nothing is published for
 *             this boot, when the page does not verify, or when its writer died
 *             in mid-write: send nothing until keeper publishes.
 */
#include "base/err.h"
#include "outbox/files.h"
#include "shape/event.h"

struct hf_watermark {
	uint64_t order_seq; /* of the current file's header */
	uint64_t offset;    /* behind its last committed line */
	uint64_t seq;       /* of that line */
	uint64_t flushed;   /* bytes before this are safe in the file itself */
	char file[HF_FILE_NAME_BYTES];
};

struct hf_watermark_page;

/* keeper: make or take over run_path/committed. */
enum hf_code hf_watermark_create(const char *run_path, const char *boot_id, uint64_t keeper_run,
				 struct hf_watermark_page **ret_page,
				 struct hf_err *err) HF_MUST_CHECK;
/* Readers: boot_id is the one the reader runs in. HF_E_NOENT: no keeper has run yet. */
enum hf_code hf_watermark_open(const char *run_path, const char *boot_id,
			       struct hf_watermark_page **ret_page,
			       struct hf_err *err) HF_MUST_CHECK;
void hf_watermark_close(struct hf_watermark_page *page); /* NULL is fine */

void hf_watermark_publish(struct hf_watermark_page *page, const struct hf_watermark *watermark);
enum hf_code hf_watermark_read(const struct hf_watermark_page *page,
			       struct hf_watermark *ret_watermark,
			       struct hf_err *err) HF_MUST_CHECK;
