/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/thumbs.h"

#include "test.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"

static const char picture[] = "\xff\xd8\xff\xe0 not much of a picture";

static void name_of(const void *data, size_t size_bytes, char ret_name[HF_THUMB_NAME_BYTES])
{
	uint8_t digest[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(digest, data, size_bytes);
	hf_hex(digest, sizeof digest, ret_name);
}

static const char *folder_new(char text[32])
{
	(void)snprintf(text, 32, "/tmp/hf_thumbs_XXXXXX");
	CHECK(mkdtemp(text) != NULL);
	return text;
}

static void folder_remove(const char *dir)
{
	char command[64];

	(void)snprintf(command, sizeof command, "rm -r %s", dir);
	CHECK(system(command) == 0);
}

TEST(a_picture_comes_back_as_it_was_put)
{
	struct hf_err err;
	char dir[32], name[HF_THUMB_NAME_BYTES], back[64];
	uint64_t size_bytes;
	bool is_new;
	int fd;

	name_of(picture, sizeof picture, name);
	CHECK_OK(hf_thumb_put(folder_new(dir), name, picture, sizeof picture, &is_new, &err));
	CHECK(is_new);
	CHECK_OK(hf_thumb_open(dir, name, &fd, &size_bytes, &err));
	CHECK_U64(size_bytes, ==, sizeof picture);
	CHECK_I64(read(fd, back, sizeof back), ==, sizeof picture);
	CHECK(memcmp(back, picture, sizeof picture) == 0);
	(void)close(fd);
	folder_remove(dir);
}

TEST(putting_twice_is_putting_once)
{
	struct hf_err err;
	char dir[32], name[HF_THUMB_NAME_BYTES];
	bool is_new;

	name_of(picture, sizeof picture, name);
	CHECK_OK(hf_thumb_put(folder_new(dir), name, picture, sizeof picture, &is_new, &err));
	CHECK_OK(hf_thumb_put(dir, name, picture, sizeof picture, &is_new, &err));
	CHECK(!is_new);
	folder_remove(dir);
}

TEST(bytes_that_do_not_hash_to_the_name_are_refused)
{
	struct hf_err err;
	char dir[32], name[HF_THUMB_NAME_BYTES];
	uint64_t size_bytes;
	bool is_new;
	int fd;

	name_of(picture, sizeof picture, name);
	CHECK_CODE(hf_thumb_put(folder_new(dir), name, picture, sizeof picture - 1, &is_new, &err),
		   HF_E_INVALID);
	CHECK_CODE(hf_thumb_open(dir, name, &fd, &size_bytes, &err), HF_E_NOENT);
	folder_remove(dir);
}

TEST(bytes_that_are_no_jpeg_are_refused_under_their_right_name_too)
{
	struct hf_err err;
	char dir[32], name[HF_THUMB_NAME_BYTES];
	bool is_new;

	name_of("<script>", 8, name);
	CHECK_CODE(hf_thumb_put(folder_new(dir), name, "<script>", 8, &is_new, &err), HF_E_INVALID);
	CHECK_CODE(hf_thumb_put(dir, name, "", 0, &is_new, &err), HF_E_INVALID);
	folder_remove(dir);
}

TEST(a_name_that_is_no_digest_never_becomes_a_path)
{
	struct hf_err err;
	uint64_t size_bytes;
	int fd;

	CHECK_CODE(hf_thumb_open("/", "../etc/passwd", &fd, &size_bytes, &err), HF_E_INVALID);
	CHECK(!hf_thumb_name_valid(""));
	CHECK(!hf_thumb_name_valid(
		"ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	CHECK(!hf_thumb_name_valid(
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"));
}

TESTS(RUN(a_picture_comes_back_as_it_was_put), RUN(putting_twice_is_putting_once),
      RUN(bytes_that_do_not_hash_to_the_name_are_refused),
      RUN(bytes_that_are_no_jpeg_are_refused_under_their_right_name_too),
      RUN(a_name_that_is_no_digest_never_becomes_a_path))
