/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * forks - where the epoch of this unit was redrawn, and what that does to its old lines.
 *
 * Shape       meta/forks, a line a redraw, oldest first:
 *               NEW OLD FROM REASON AT TOLD
 *             Lines that belong to OLD and have numbers from FROM on are
 *             delivered under NEW, though they say OLD: lines are never
 *             rewritten. NEW may be left again by a later line. REASON is a
 *             word for people. AT is the number that was next when NEW was
 *             drawn; TOLD is 1 when the event epoch_redrawn is in the log.
 *
 * Durability  Replaced whole and flushed, before anything is written under NEW.
 *             A lost or damaged line costs nothing: the hub refuses the lines
 *             in question once more, and keeper notes again where they go.
 *
 * Owners      keeper writes, uplink and tools read.
 *
 * Limits      HF_FORKS_MAX lines; keeper drops the oldest once everything that
 *             it speaks of was delivered.
 */
#include "base/disk.h"
#include "outbox/line.h"

#define HF_FORKS_PATH "meta/forks"

enum {
	HF_FORKS_MAX = 64,
	HF_FORK_REASON_BYTES = 24,
};

struct hf_fork {
	char next[HF_EPOCH_BYTES];
	char left[HF_EPOCH_BYTES];
	uint64_t from;
	char reason[HF_FORK_REASON_BYTES];
	uint64_t at;
	bool told;
};

struct hf_forks {
	size_t count;
	size_t lines_bad; /* passed over when loading */
	struct hf_fork list[HF_FORKS_MAX];
};

/* No file: no forks, HF_OK. */
enum hf_code hf_forks_load(struct hf_disk *disk, struct hf_forks *ret_forks,
			   struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_forks_store(struct hf_disk *disk, const struct hf_forks *forks,
			    struct hf_err *err) HF_MUST_CHECK;

/* The epoch under which the line seq that says epoch is delivered. Borrowed. */
const char *hf_forks_stream(const struct hf_forks *forks, const char *epoch, uint64_t seq);

/* The redraw that left this epoch; NULL: it was not left. */
struct hf_fork *hf_forks_left(struct hf_forks *forks, const char *epoch);
