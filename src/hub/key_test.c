/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/key.h"

#include "base/auto.h"
#include "base/file.h"
#include "test.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hf_err err;

struct bench {
	char dir[32];
	char path[64];
};

static struct bench bench_new(void)
{
	struct bench b = { .dir = "/tmp/hf_key_XXXXXX" };

	CHECK(sodium_init() >= 0);
	CHECK(mkdtemp(b.dir) != NULL);
	(void)snprintf(b.path, sizeof b.path, "%s/hub.key", b.dir);
	return b;
}

static void bench_free(const struct bench *b)
{
	(void)unlink(b->path);
	CHECK(rmdir(b->dir) == 0);
}

TEST(the_first_start_makes_a_key_that_only_the_hub_can_read_and_keeps_it)
{
	struct bench b = bench_new();
	struct hf_hub_key first, second;
	struct stat st;

	CHECK_OK(hf_hub_key_open(b.path, &first, &err));
	CHECK(stat(b.path, &st) == 0);
	CHECK_U64(st.st_mode & 0777, ==, 0600);
	CHECK_OK(hf_hub_key_open(b.path, &second, &err));
	assert_memory_equal(first.public, second.public, sizeof first.public);
	assert_memory_equal(first.secret, second.secret, sizeof first.secret);
	bench_free(&b);
}

TEST(a_damaged_key_is_left_alone_and_never_drawn_anew)
{
	struct bench b = bench_new();
	static const char *const damaged[] = { "", "12ab\n", "x", NULL };
	struct hf_hub_key key;
	HF_AUTO_FREE char *text = NULL;
	size_t size;

	for (size_t i = 0; damaged[i] != NULL; i++) {
		CHECK_OK(hf_file_replace(b.path, damaged[i], strlen(damaged[i]), 0600, &err));
		CHECK_CODE(hf_hub_key_open(b.path, &key, &err), HF_E_CORRUPT);
	}
	CHECK_OK(hf_file_read(b.path, 100, &text, &size, &err));
	CHECK_U64(size, ==, 1);
	bench_free(&b);
}

TEST(a_receipt_is_good_for_its_own_device_and_epoch_only)
{
	struct bench b = bench_new();
	struct hf_hub_key key;
	struct hf_receipt receipt = { .seq = 7, .at = "2026-04-20T12:00:00.000Z" };
	char text[HF_RECEIPT_TEXT_BYTES];

	CHECK_OK(hf_hub_key_open(b.path, &key, &err));
	hf_hub_key_sign(&key, "unit-1", "e1", &receipt);
	size_t length = hf_receipt_text(&receipt, "unit-1", "e1", text);
	CHECK(crypto_sign_verify_detached(receipt.sig, (const unsigned char *)text, length,
					  receipt.key) == 0);
	length = hf_receipt_text(&receipt, "unit-1", "e2", text);
	CHECK(crypto_sign_verify_detached(receipt.sig, (const unsigned char *)text, length,
					  receipt.key) != 0);
	bench_free(&b);
}

TESTS(RUN(the_first_start_makes_a_key_that_only_the_hub_can_read_and_keeps_it),
      RUN(a_damaged_key_is_left_alone_and_never_drawn_anew),
      RUN(a_receipt_is_good_for_its_own_device_and_epoch_only))
