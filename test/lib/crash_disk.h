/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crash_disk - a disk in memory that tells what a power cut could leave of it.
 *
 * Shape       Files are lists of 4096-byte blocks that are shared until they
 *             are written: copying and hashing a disk costs a pointer a block.
 *             Each operation that changes or flushes something counts from 1,
 *             and the hook is called in the middle of it: behind a write, in
 *             front of a flush, which is where the power may go.
 *
 * The space   crash_cut_new() lays out what is undecided at that moment:
 *               block   a page of a file that was written since its last flush.
 *                       On disk it is old, new, what it was between two writes,
 *                       torn from the left or from the right at any of its 512-
 *                       byte sectors, zeros (the size was stored, the bytes were
 *                       not), or garbage.
 *               size    of a file: the old one, the new one, or any in between,
 *                       whatever is in the blocks.
 *               name    a creation, a rename or a removal since the last flush
 *                       of its folder: done or not, each by itself.
 *             A variant is one of two baselines (nothing of it reached the disk,
 *             or everything did) with up to CRASH_DEVIATIONS of these things
 *             otherwise. Variants are numbered: first none and one deviation,
 *             then two, then three.
 *
 * Limits      Garbage and zeros cover the whole block; that also takes what
 *             stood in the block before and was flushed. The commit ring
 *             survives that: a frame owns its blocks. A plain growing file
 *             cannot, whoever writes it. Of files that contain the text `plain`
 *             they cover only the bytes that were written, and a sector that
 *             also holds older bytes keeps those: one sector is written as a
 *             whole or not at all. Which bytes are garbage depends on the place
 *             alone, so that it adds no states.
 *
 *             A flush that is made to fail is as bad as the kernel's: what was
 *             to be flushed stays undecided for ever, though later flushes of
 *             the file succeed and readers see it, unless it is written again.
 *
 * Errors      Running out of its own tables ends the test.
 */
#include "base/disk.h"

#include <stddef.h>

enum {
	CRASH_BLOCK_BYTES = 4096,
	CRASH_SECTOR_BYTES = 512,
	CRASH_DEVIATIONS = 3,
};

enum crash_op {
	CRASH_CREATE,
	CRASH_WRITE,
	CRASH_SYNC,
	CRASH_TRUNCATE,
	CRASH_RENAME,
	CRASH_UNLINK,
	CRASH_FOLDER_SYNC,
	CRASH_OP_COUNT,
};

struct crash_hook {
	void (*operation)(void *context, uint64_t number, enum crash_op op, const char *path);
	void *context;
};

struct hf_disk *crash_disk_new(void);
void crash_disk_free(struct hf_disk *disk);
void crash_disk_hook(struct hf_disk *disk, struct crash_hook hook);
/* The nth operation of this kind (1: the first ever), and count - 1 after it, fail so. A write
 * that fails has written half of it. */
void crash_disk_fail(struct hf_disk *disk, enum crash_op op, uint64_t nth, uint64_t count,
		     enum hf_code code);
uint64_t crash_disk_operations(const struct hf_disk *disk);
uint64_t crash_disk_count(const struct hf_disk *disk, enum crash_op op);
/* The process ends, the kernel lives on: what was not flushed is as undecided as before. */
struct hf_disk *crash_disk_copy(const struct hf_disk *disk);
/* Of what is seen. */
uint64_t crash_disk_hash(const struct hf_disk *disk);
/* Flips a bit behind everyone's back. */
void crash_disk_flip(struct hf_disk *disk, const char *path, uint64_t bit);

struct crash_cut;

/* Borrows the disk, which must not change while the cut lives. */
struct crash_cut *crash_cut_new(struct hf_disk *disk, const char *plain);
void crash_cut_free(struct crash_cut *cut);
uint64_t crash_cut_variants(const struct crash_cut *cut);
/* Of these, none or one deviation from a baseline: they come first. */
uint64_t crash_cut_variants_single(const struct crash_cut *cut);
/* Undecided things: pages, sizes, names. */
size_t crash_cut_items(const struct crash_cut *cut);
/* Go to a variant; the hash is of the whole disk as it would be found. */
uint64_t crash_cut_choose(struct crash_cut *cut, uint64_t variant);
/* The disk of the variant chosen, everything on it flushed. */
struct hf_disk *crash_cut_disk(const struct crash_cut *cut);
/* In words. */
void crash_cut_describe(const struct crash_cut *cut, char *ret_text, size_t size_bytes);
