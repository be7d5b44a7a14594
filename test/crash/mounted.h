/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mounted - a file system of one's own on a loop device, and its power switch.
 *
 * Shape       mounted_enter() takes this process, and what it starts, into a mount
 *             namespace of its own with a tmpfs at a new folder below TMPDIR: images and
 *             mount points lie there. Whatever ends this process, the kernel takes the
 *             mounts and the loop devices (autoclear) back; only the empty folder could
 *             stay.
 *
 * Durability  mounted_cut() is FS_IOC_SHUTDOWN: from then on nothing reaches the image. What
 *             was not synced, and what the journal held in memory, is lost; the device
 *             under it is not, so a missing flush of the device's own cache is not seen.
 *
 * Errors      HF_E_DENIED from mounted_enter() and mounted_attach(): this machine does not
 *             let us mount. HF_E_NOENT from mounted_make(): it has no such mkfs.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum mounted_kind {
	MOUNTED_EXT4,
	/* With room for more fast commits than a life makes: see MOUNTED_EXT4_FAST_COMMIT_SMALL. */
	MOUNTED_EXT4_FAST_COMMIT,
	MOUNTED_XFS,
	/* ext4 with all that is the file system's own, journal included, at the beginning of
	 * the image: what lies behind it is data only. */
	MOUNTED_EXT4_PACKED,
	/* As mkfs makes it, with room for MOUNTED_FAST_COMMITS. Linux (6.18 at least) and e2fsck
	 * (1.47.0 at least) replay fast commits up to one block behind their area, so when the
	 * power goes while exactly so many stand in it, the journal counts as corrupted: it cannot
	 * be mounted, and e2fsck drops the whole journal. No order of flushes helps against
	 * that; fast_commit.c shows it. */
	MOUNTED_EXT4_FAST_COMMIT_SMALL,
	MOUNTED_KINDS,
};

struct mounted {
	enum mounted_kind kind;
	char image[160];
	char path[160]; /* where it is mounted */
	int loop_fd;
	bool attached;
	/* Requests of one page each. The loop driver takes a write of which the backing file
	 * took only a part for one that succeeded (seen on Linux 6.18: fdatasync answered 0,
	 * the bytes were gone); a page is taken or refused as a whole. */
	bool page_requests;
};

const char *mounted_name(enum mounted_kind kind);

/* ret_folder: 128 bytes. size_bytes: of the tmpfs. */
enum hf_code mounted_enter(uint64_t size_bytes, char *ret_folder, struct hf_err *err) HF_MUST_CHECK;
void mounted_leave(const char *folder);
/* One more tmpfs in that namespace, so large; umount() ends it. */
enum hf_code mounted_small(const char *path, uint64_t size_bytes, struct hf_err *err) HF_MUST_CHECK;

/* Bytes at the beginning of the image that hold what is the file system's own: of
 * MOUNTED_EXT4_PACKED. */
#define MOUNTED_PACKED_BYTES (UINT64_C(6) << 20)

/* A new image with an empty file system. size_bytes 0: as small as the kind allows.
 * The image is sparse. */
enum hf_code mounted_make(enum mounted_kind kind, const char *folder, uint64_t size_bytes,
			  struct mounted *ret_mounted, struct hf_err *err) HF_MUST_CHECK;
enum {
	MOUNTED_FAST_COMMITS = 15, /* each of one block, as those of one file are */
};

/* HF_E_IO with "Structure needs cleaning": the kernel does not replay the journal. Nothing is done
 * about that here: what e2fsck makes of such a file system is no promise of ours. */
enum hf_code mounted_attach(struct mounted *mounted, struct hf_err *err) HF_MUST_CHECK;
/* flush_log: what the journal holds in memory is written first. */
enum hf_code mounted_cut(const struct mounted *mounted, bool flush_log,
			 struct hf_err *err) HF_MUST_CHECK;
/* Unmount, and give the loop device back. */
enum hf_code mounted_detach(struct mounted *mounted, struct hf_err *err) HF_MUST_CHECK;
/* The image of one that is detached, holes as holes. */
enum hf_code mounted_copy(const struct mounted *mounted, const char *path,
			  struct hf_err *err) HF_MUST_CHECK;

/* Run a program of PATH and the sbin folders; its exit status. out_path: where what it
 * says goes; NULL: nowhere. */
enum hf_code mounted_run(const char *const *argv, const char *out_path, int *ret_status,
			 struct hf_err *err) HF_MUST_CHECK;
