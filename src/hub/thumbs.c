/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/thumbs.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const uint8_t jpeg_magic[] = { 0xff, 0xd8, 0xff };

static enum hf_code path_of(const char *dir, const char *name, char ret_folder[PATH_MAX],
			    char ret_path[PATH_MAX], struct hf_err *err)
{
	if (!hf_thumb_name_valid(name))
		return hf_fail(err, HF_E_INVALID,
			       "a thumbnail is named by the 64 hexadecimal digits (lower case) of "
			       "its SHA-256");
	int folder = snprintf(ret_folder, PATH_MAX, "%s/%.2s", dir, name);
	int whole = snprintf(ret_path, PATH_MAX, "%s/%.2s/%s.jpg", dir, name, name);
	if (folder < 0 || whole < 0 || whole >= PATH_MAX)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", dir);
	return HF_OK;
}

bool hf_thumb_name_valid(const char *name)
{
	return strspn(name, "0123456789abcdef") == HF_THUMB_NAME_BYTES - 1 &&
	       name[HF_THUMB_NAME_BYTES - 1] == '\0';
}

enum hf_code hf_thumb_put(const char *dir, const char *name, const void *data, size_t size_bytes,
			  bool *ret_new, struct hf_err *err)
{
	char folder[PATH_MAX], path[PATH_MAX], digest_text[HF_THUMB_NAME_BYTES];
	uint8_t digest[crypto_hash_sha256_BYTES];
	struct stat st;

	enum hf_code code = path_of(dir, name, folder, path, err);
	if (code != HF_OK)
		return code;
	if (size_bytes < sizeof jpeg_magic || memcmp(data, jpeg_magic, sizeof jpeg_magic) != 0)
		return hf_fail(err, HF_E_INVALID, "%zu bytes that do not begin like a JPEG",
			       size_bytes);
	(void)crypto_hash_sha256(digest, data, size_bytes);
	hf_hex(digest, sizeof digest, digest_text);
	if (strcmp(digest_text, name) != 0)
		return hf_fail(err, HF_E_INVALID,
			       "the bytes hash to %s, not to the name they were sent under",
			       digest_text);
	if (stat(path, &st) == 0 && (uint64_t)st.st_size == size_bytes) {
		*ret_new = false;
		return HF_OK;
	}
	code = hf_folder_make(folder, 0750, err);
	if (code == HF_OK)
		code = hf_file_replace(path, data, size_bytes, 0640, err);
	if (code == HF_OK)
		*ret_new = true;
	return code;
}

enum hf_code hf_thumb_open(const char *dir, const char *name, int *ret_fd, uint64_t *ret_size_bytes,
			   struct hf_err *err)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct stat st;

	enum hf_code code = path_of(dir, name, folder, path, err);
	if (code != HF_OK)
		return code;
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return hf_fail_errno(err, "open %s", path);
	if (fstat(fd, &st) != 0)
		return hf_fail_errno(err, "stat %s", path);
	*ret_size_bytes = (uint64_t)st.st_size;
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}
