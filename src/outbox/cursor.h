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
 * Owners      uplink writes, anyone may read. The hub's is HF_CURSOR_HUB.
 *
 * Errors      hf_cursor_load(): HF_E_NOENT: none was ever stored. HF_E_CORRUPT:
 *             not a number; fall back to a smaller one and send again, for
 *             duplicates are harmless and gaps are not.
 */
#include "base/disk.h"

#define HF_CURSOR_HUB "meta/ack_local_seq"

enum hf_code hf_cursor_load(struct hf_disk *disk, const char *path, uint64_t *ret_seq,
			    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_cursor_store(struct hf_disk *disk, const char *path, uint64_t seq,
			     struct hf_err *err) HF_MUST_CHECK;
