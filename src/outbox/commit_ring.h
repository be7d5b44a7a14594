/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * commit_ring - where lines are made safe before the day file is: a file that never grows.
 *
 * Shape       outbox/.ring, HF_COMMIT_RING_BYTES, written with newlines when it is made. It
 *             holds frames: one or more whole lines, as they stand in the day
 *             file, from the beginning of a slot (HF_COMMIT_RING_SLOT_BYTES, or the
 *             disk's block where that is larger), the last line padded with
 *             spaces before its newline up to the end of a slot. Frames follow one
 *             another, around and around; none lies across the middle.
 *
 * Durability  hf_commit_ring_write() returns HF_OK after fdatasync: one flush and no
 *             change to the file's size or blocks, so a journal has nothing to
 *             write. A frame is in slots of its own: whatever a power cut makes of
 *             the slots being written, earlier frames are as they were.
 *             Before a frame enters the other half (hf_commit_ring_enters()), all lines
 *             written so far must be safe elsewhere: they are overwritten next.
 *
 * Owners      The writer: keeper, below the outbox's lock. hf_commit_ring_read() is for
 *             whoever opens an outbox or looks at a copy of one.
 *
 * Errors      hf_commit_ring_write(): after any error the ring is spent; what of the
 *             frame is stored nobody can say. hf_commit_ring_read(): HF_E_NOENT when there
 *             is none; what cannot be read or is damaged is left out.
 */
#include "base/disk.h"
#include "outbox/line.h"

enum {
	HF_COMMIT_RING_BYTES = 4 * 1024 * 1024,
	HF_COMMIT_RING_SLOT_BYTES = 4096,
};

#define HF_COMMIT_RING_NAME ".ring"

/* One valid line in the ring. */
struct hf_commit_ring_entry {
	uint64_t seq;
	uint64_t offset;
	uint64_t frame_end; /* behind the padding that follows it, if any: where a slot may begin */
	uint32_t size_bytes; /* with its newline, without padding */
	uint32_t crc32c;
	uint8_t chain[HF_CHAIN_BYTES];
	uint64_t gap_from; /* it is an event about these numbers; 0: it is not */
	uint64_t gap_through;
};

struct hf_commit_ring_lines {
	size_t count;
	struct hf_commit_ring_entry *list; /* numbers rise; none twice */
	uint64_t lines_bytes;              /* of all of them */
	uint64_t size_bytes;               /* of the ring */
	uint64_t legible;                  /* highest number to be read in damaged bytes; 0: none */
};

/* folder: HF_OUTBOX_FOLDER, or "." when the disk is the outbox folder itself. */
enum hf_code hf_commit_ring_read(struct hf_disk *disk, const char *folder,
				 struct hf_commit_ring_lines *ret_lines,
				 struct hf_err *err) HF_MUST_CHECK;
void hf_commit_ring_lines_free(struct hf_commit_ring_lines *lines);
/* NULL: it is not in there. */
const struct hf_commit_ring_entry *hf_commit_ring_lines_find(
	const struct hf_commit_ring_lines *lines, uint64_t seq);

/* Bytes right behind the newest line that are neither blank nor hold older lines: a frame that was
 * being written when the power went, or one that rotted. */
uint64_t hf_commit_ring_torn(struct hf_disk *disk, const char *folder,
			     const struct hf_commit_ring_lines *lines);

struct hf_commit_ring;

/* Go on behind the newest of `lines` (what hf_commit_ring_read() found, or NULL) if the ring there has
 * this size; else make one anew. All lines must be safe in a day file. */
enum hf_code hf_commit_ring_open(struct hf_disk *disk, const char *folder, uint64_t size_bytes,
				 const struct hf_commit_ring_lines *lines,
				 struct hf_commit_ring **ret_ring,
				 struct hf_err *err) HF_MUST_CHECK;
void hf_commit_ring_close(struct hf_commit_ring *ring); /* NULL is fine */

/* The largest frame. */
size_t hf_commit_ring_frame_bytes_max(const struct hf_commit_ring *ring);
/* How large a frame of so many bytes becomes: room that write() needs behind them. */
size_t hf_commit_ring_padded(const struct hf_commit_ring *ring, size_t size_bytes);
/* A frame of this size goes into the other half. */
bool hf_commit_ring_enters(const struct hf_commit_ring *ring, size_t size_bytes);
/* Whole lines; data has room for hf_commit_ring_padded() bytes and is as before on return. */
enum hf_code hf_commit_ring_write(struct hf_commit_ring *ring, char *data, size_t size_bytes,
				  struct hf_err *err) HF_MUST_CHECK;
/* Of the bytes of the half in use, how many are taken; for people. */
void hf_commit_ring_fill(const struct hf_commit_ring *ring, uint64_t *ret_at, uint64_t *ret_size);
