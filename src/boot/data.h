/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * data - the folder everything of a unit lies in, and the lock that keeps it to one supervisor.
 *
 * Owners      Whoever opened it holds data/.lock (flock) until hf_data_close()
 *             or the end of the process; a lock cannot outlive its holder. The
 *             file holds the holder's pid, for people.
 *
 * Errors      HF_E_AGAIN: another supervisor has it; the text names its pid.
 *             HF_E_DENIED: no permission, or a read-only file system.
 *             HF_E_INVALID: something that is not a folder is in the way.
 *             HF_E_IO: the medium failed.
 *             A full disk is no error (a unit must start on one: watching goes
 *             on, the outbox refuses): it is told in full.
 */
#include "base/err.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct hf_data {
	char path[HF_PATH_BYTES]; /* absolute, links resolved */
	int lock_fd;
	bool full; /* not even a byte could be written */
	uint64_t size_bytes;
	uint64_t free_bytes;  /* for those without privileges */
	char file_system[16]; /* "ext4", ...; in hexadecimal when it is not a known one */
	const char *
		medium_warning; /* why what is stored may not be there later; NULL: nothing known */
};

/* Make the folder if it is missing, try it, lock it. */
enum hf_code hf_data_open(const char *path, struct hf_data *ret_data,
			  struct hf_err *err) HF_MUST_CHECK;
void hf_data_close(struct hf_data *data);

/* Does /proc/fs/ext4/DEVICE/fc_info speak of fast commits since the mount? */
bool hf_data_fast_commits(const char *fc_info);
