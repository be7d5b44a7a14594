/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * retain - give back the space of what was delivered.
 *
 * Shape       Whole day files go, oldest first, never the newest, and only
 *             when every number in them is acknowledged and the acknowledgement
 *             is flushed: after some days, or when the disk has no room left.
 *             Thumbnails go first: without need those that no remaining line
 *             names, in need all that no undelivered line names. What is not
 *             delivered is never removed.
 *
 * Numbers     A file's age is that of its UTC day, or of a later file's day if
 *             that is earlier: a file named under a clock that ran ahead is no
 *             younger than its successors.
 *
 * Owners      keeper, the only one who deletes from an outbox.
 *
 * Limits      hf_sweep_step() reads about HF_SWEEP_BYTES a call, the last one all
 *             of the newest file. A sweep looks at HF_SWEEP_THUMBS thumbnails;
 *             more are left to the next one. Thumbnails younger than asked for are
 *             never looked at: their event may still be waiting to be stored.
 */
#include "base/clock.h"
#include "base/disk.h"
#include "outbox/writer.h"

enum {
	HF_SWEEP_THUMBS = 4096,
	HF_SWEEP_BYTES = 4 * 1024 * 1024,
};

#define HF_THUMBS_FOLDER "thumbs"

struct hf_retained {
	uint64_t files;
	uint64_t bytes;
};

/* Remove delivered files older than days (0: all that are delivered). */
enum hf_code hf_outbox_retain(struct hf_outbox *outbox, uint64_t acked_through, int64_t days,
			      struct hf_wall now, struct hf_retained *ret_removed,
			      struct hf_err *err) HF_MUST_CHECK;

/* The disk is short of room: remove delivered files, oldest first, until it has bytes_wanted. */
enum hf_code hf_outbox_make_space(struct hf_outbox *outbox, uint64_t acked_through,
				  uint64_t bytes_wanted, struct hf_retained *ret_removed,
				  struct hf_err *err) HF_MUST_CHECK;

struct hf_sweep;

struct hf_sweep_options {
	int64_t older_than_s; /* seconds since a thumbnail was written */
	/* Lines up to this number need theirs no more. 0: every line that is there does. */
	uint64_t delivered_through;
	/* End as soon as the disk has so much room, oldest thumbnails first. 0: remove them all. */
	uint64_t bytes_wanted;
};

/* HF_E_NOENT: there is nothing old enough to look at. */
enum hf_code hf_sweep_begin(struct hf_outbox *outbox, const struct hf_sweep_options *options,
			    struct hf_wall now, struct hf_sweep **ret_sweep,
			    struct hf_err *err) HF_MUST_CHECK;
/* HF_E_AGAIN: more to do. HF_OK: done. Other codes: given up, nothing wrong was removed. */
enum hf_code hf_sweep_step(struct hf_sweep *sweep, struct hf_retained *ret_removed,
			   struct hf_err *err) HF_MUST_CHECK;
void hf_sweep_end(struct hf_sweep *sweep); /* NULL is fine */
