/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cursor - how far a channel has been acknowledged: a number in a text file.
 *
 * Numbers     Everything up to and including it was acknowledged. It is a
 *             lower bound: the truth may be further, never less far. 0: nothing.
 *
 * Durability  hf_cursor_store() returns HF_OK when the new value survives a
 *             power cut. Otherwise the old value or the new one does; both are
 *             true lower bounds if the new one is.
 *
 * Owners      uplink writes, anyone may read. The hub's is HF_CURSOR_HUB, another
 *             channel's meta/<channel>/ack_local_seq.
 *
 * Errors      hf_cursor_load(): HF_E_NOENT: none was ever stored. HF_E_CORRUPT:
 *             not a number; fall back to a smaller one and send again, for
 *             duplicates are harmless and gaps are not.
 */
#include "base/disk.h"
#include "shape/limits.h"

#define HF_CURSOR_HUB  "meta/ack_local_seq"
#define HF_CHANNEL_HUB "hub"

enum {
	HF_CURSORS_MAX = 16,
};

struct hf_cursor_entry {
	char channel[HF_ID_BYTES];
	enum hf_code code; /* HF_OK, or why there is no number */
	uint64_t acked_through;
	char why[160]; /* what is wrong with it */
};

enum hf_code hf_cursor_load(struct hf_disk *disk, const char *path, uint64_t *ret_seq,
			    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_cursor_store(struct hf_disk *disk, const char *path, uint64_t seq,
			     struct hf_err *err) HF_MUST_CHECK;

/* All there are, the hub's first, at most HF_CURSORS_MAX. One that was never stored is left out. */
size_t hf_cursors_load(struct hf_disk *disk, struct hf_cursor_entry ret_list[HF_CURSORS_MAX]);
