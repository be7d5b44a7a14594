/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method of hf_file_replace: write NAME.new, fsync it, rename it over NAME, fsync the
 * folder. A reader sees the old bytes or the new ones, never a mixture.
 */
#include "base/file.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum hf_code parent_of(const char *path, char ret_parent[PATH_MAX], struct hf_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path);

	if (length >= PATH_MAX)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", path);
	if (slash == NULL) {
		ret_parent[0] = '.';
		ret_parent[1] = '\0';
	} else if (length == 0) {
		ret_parent[0] = '/';
		ret_parent[1] = '\0';
	} else {
		memcpy(ret_parent, path, length);
		ret_parent[length] = '\0';
	}
	return HF_OK;
}

enum hf_code hf_write_all(int fd, const void *data, size_t size_bytes, struct hf_err *err)
{
	const char *from = data;

	while (size_bytes > 0) {
		ssize_t n = write(fd, from, size_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hf_fail_errno(err, "write");
		from += n;
		size_bytes -= (size_t)n;
	}
	return HF_OK;
}

enum hf_code hf_file_read(const char *path, size_t size_bytes_max, char **ret_data,
			  size_t *ret_size_bytes, struct hf_err *err)
{
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return hf_fail_errno(err, "open %s", path);

	size_t room = 4096, size = 0;
	HF_AUTO_FREE char *data = malloc(room + 1);
	if (data == NULL)
		return hf_fail(err, HF_E_NOMEM, "read %s: out of memory", path);
	for (;;) {
		if (size == room) {
			char *grown = realloc(data, 2 * room + 1);

			if (grown == NULL)
				return hf_fail(err, HF_E_NOMEM, "read %s: out of memory", path);
			data = grown;
			room *= 2;
		}
		ssize_t n = read(fd, data + size, room - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hf_fail_errno(err, "read %s", path);
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > size_bytes_max)
			return hf_fail(err, HF_E_LIMIT, "%s is larger than %zu bytes", path,
				       size_bytes_max);
	}
	data[size] = '\0';
	*ret_data = HF_TAKE(data);
	if (ret_size_bytes != NULL)
		*ret_size_bytes = size;
	return HF_OK;
}

enum hf_code hf_folder_sync(const char *path, struct hf_err *err)
{
	HF_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return hf_fail_errno(err, "open folder %s", path);
	if (fsync(fd) != 0)
		return hf_fail_errno(err, "fsync folder %s", path);
	return HF_OK;
}

static enum hf_code replace(const char *path, const void *data, size_t size_bytes, mode_t mode,
			    bool flush, struct hf_err *err)
{
	char path_new[PATH_MAX];

	if ((size_t)snprintf(path_new, sizeof path_new, "%s.new", path) >= sizeof path_new)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", path);
	HF_AUTO_FD fd = open(path_new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return hf_fail_errno(err, "create %s", path_new);
	enum hf_code code = hf_write_all(fd, data, size_bytes, err);
	if (code != HF_OK) {
		(void)hf_err_prefix(err, "%s", path_new);
		return code;
	}
	if (flush && fsync(fd) != 0)
		return hf_fail_errno(err, "fsync %s", path_new);
	if (rename(path_new, path) != 0)
		return hf_fail_errno(err, "rename %s to %s", path_new, path);
	return HF_OK;
}

enum hf_code hf_file_replace(const char *path, const void *data, size_t size_bytes, mode_t mode,
			     struct hf_err *err)
{
	char parent[PATH_MAX];
	enum hf_code code = parent_of(path, parent, err);

	if (code == HF_OK)
		code = replace(path, data, size_bytes, mode, true, err);
	return code == HF_OK ? hf_folder_sync(parent, err) : code;
}

enum hf_code hf_file_replace_unflushed(const char *path, const void *data, size_t size_bytes,
				       mode_t mode, struct hf_err *err)
{
	return replace(path, data, size_bytes, mode, false, err);
}

enum hf_code hf_folder_make(const char *path, mode_t mode, struct hf_err *err)
{
	struct stat st;
	char parent[PATH_MAX];

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return HF_OK;
		return hf_fail(err, HF_E_INVALID, "%s exists and is not a folder", path);
	}
	enum hf_code code = parent_of(path, parent, err);
	if (code != HF_OK)
		return code;
	code = hf_folder_make(parent, mode, err);
	if (code != HF_OK)
		return code;
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return hf_fail_errno(err, "make folder %s", path);
	return hf_folder_sync(parent, err);
}
