/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * file - small whole-file operations on a real file system.
 *
 * Durability  hf_file_replace() returns HF_OK when the new bytes survive a
 *             power cut. Any other answer after the rename means "either the
 *             old or the new bytes".
 *
 * Errors      NOENT, DENIED, NOSPACE, IO as errno says; LIMIT when a file is
 *             larger than the buffer offered.
 */
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Write everything; goes on after short writes and EINTR. */
enum hf_code hf_write_all(int fd, const void *data, size_t size_bytes,
			  struct hf_err *err) HF_MUST_CHECK;

/* The whole file, NUL-terminated, at most size_bytes_max bytes. ret_data is the caller's to free. */
enum hf_code hf_file_read(const char *path, size_t size_bytes_max, char **ret_data,
			  size_t *ret_size_bytes, struct hf_err *err) HF_MUST_CHECK;

/* Replace path: write path.new, fsync, rename, fsync the folder. mode e.g. 0640. */
enum hf_code hf_file_replace(const char *path, const void *data, size_t size_bytes, mode_t mode,
			     struct hf_err *err) HF_MUST_CHECK;
/* The same for what outlives its process, and need not outlive the power: nothing is flushed. */
enum hf_code hf_file_replace_unflushed(const char *path, const void *data, size_t size_bytes,
				       mode_t mode, struct hf_err *err) HF_MUST_CHECK;

/* Make a folder and its missing parents, each fsynced into its parent. Existing is fine. */
enum hf_code hf_folder_make(const char *path, mode_t mode, struct hf_err *err) HF_MUST_CHECK;

/* fsync a folder by path. */
enum hf_code hf_folder_sync(const char *path, struct hf_err *err) HF_MUST_CHECK;
