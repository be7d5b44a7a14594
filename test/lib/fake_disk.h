/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fake_disk - a disk in memory that forgets what was not synced.
 *
 * Shape       Every file has what processes see and what is stored; every name
 *             too. Writes, cuts, new names, renames and removals are held back
 *             until the file or folder is synced. Each operation that changes
 *             something counts, from 1: fake_disk_cut_at(disk, n) takes the
 *             power during operation n; from then on everything fails with
 *             HF_E_IO. fake_disk_power_up() lets the seed decide for each thing
 *             held back whether it is kept, dropped or, for a write, kept in
 *             part, as zeros, or as garbage; independently of each other.
 *
 *             A sync that is made to fail is as bad as the kernel's: what was
 *             held back is forgotten for later syncs, is stored or not by
 *             chance, and still shows until it is dropped from the cache.
 *
 * Errors      Running out of its own tables ends the test.
 */
#include "base/disk.h"

#include <stddef.h>

enum fake_disk_op {
	FAKE_DISK_ANY,
	FAKE_DISK_READ,
	FAKE_DISK_WRITE,
	FAKE_DISK_SYNC,
	FAKE_DISK_TRUNCATE,
	FAKE_DISK_CREATE,
	FAKE_DISK_RENAME,
	FAKE_DISK_UNLINK,
	FAKE_DISK_FOLDER_SYNC,
};

struct hf_disk *fake_disk_new(uint64_t seed);
void fake_disk_free(struct hf_disk *disk);

/* Operations so far. */
uint64_t fake_disk_operations(const struct hf_disk *disk);
/* Operations of one kind so far. */
uint64_t fake_disk_count(const struct hf_disk *disk, enum fake_disk_op op);
void fake_disk_cut_at(struct hf_disk *disk, uint64_t operation); /* 0: never */
bool fake_disk_is_off(const struct hf_disk *disk);
void fake_disk_power_up(struct hf_disk *disk, uint64_t seed);
/* It was the process that ended, not the power: what is seen stays, synced or not. */
void fake_disk_revive(struct hf_disk *disk);

/* The nth operation of that kind from now (1: the next), and count - 1 after it, fail so. */
void fake_disk_fail(struct hf_disk *disk, enum fake_disk_op op, uint64_t nth, uint64_t count,
		    enum hf_code code);
/* Bytes of all files together; a write that goes beyond is cut short. UINT64_MAX: no limit. */
void fake_disk_capacity(struct hf_disk *disk, uint64_t bytes);
/* Reads of these bytes of a file fail from now on. */
void fake_disk_unreadable(struct hf_disk *disk, const char *path, uint64_t offset, uint64_t size);

/* Behind everyone's back, seen and stored. */
void fake_disk_flip_bit(struct hf_disk *disk, const char *path, uint64_t bit);
void fake_disk_put(struct hf_disk *disk, const char *path, const void *data, size_t size_bytes);
void fake_disk_remove(struct hf_disk *disk, const char *path);

bool fake_disk_exists(const struct hf_disk *disk, const char *path);
/* What processes see; NULL when there is no such file. Borrowed until the next change. */
const char *fake_disk_bytes(const struct hf_disk *disk, const char *path, size_t *ret_size);
/* The modification time that list() tells. */
void fake_disk_touch(struct hf_disk *disk, const char *path, int64_t modified_s);
/* The processes of before are gone: their files and locks are closed. */
void fake_disk_close_all(struct hf_disk *disk);
