/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/receipt.h"

#include "fake_disk.h"
#include "test.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE "unit-7"
#define EPOCH  "00112233aabbccdd"
#define PATH   HF_RECEIPTS_FOLDER "/" EPOCH ".jsonl"

struct hub {
	uint8_t public[crypto_sign_PUBLICKEYBYTES];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

static struct hub hub_make(uint8_t seed)
{
	uint8_t seeds[crypto_sign_SEEDBYTES];
	struct hub hub;

	CHECK(sodium_init() >= 0);
	memset(seeds, seed, sizeof seeds);
	CHECK(crypto_sign_seed_keypair(hub.public, hub.secret, seeds) == 0);
	return hub;
}

static struct hf_receipt receipt_make(const struct hub *hub, uint64_t seq)
{
	struct hf_receipt receipt = { .seq = seq, .at = "2026-04-20T12:00:00.000Z" };
	char text[HF_RECEIPT_TEXT_BYTES];

	memset(receipt.chain, (int)(seq & 0xff), sizeof receipt.chain);
	memcpy(receipt.key, hub->public, sizeof receipt.key);
	size_t length = hf_receipt_text(&receipt, DEVICE, EPOCH, text);
	CHECK(crypto_sign_detached(receipt.sig, NULL, (const unsigned char *)text, length,
				   hub->secret) == 0);
	return receipt;
}

static void add(struct hf_disk *disk, const struct hub *hub, uint64_t seq)
{
	struct hf_receipt receipt = receipt_make(hub, seq);
	struct hf_err err = { 0 };

	CHECK_OK(hf_receipts_add(disk, DEVICE, EPOCH, &receipt, &err));
}

static struct hf_receipts load(struct hf_disk *disk)
{
	struct hf_receipts receipts = { 0 };
	struct hf_err err = { 0 };

	CHECK_OK(hf_receipts_load(disk, EPOCH, &receipts, &err));
	return receipts;
}

TEST(what_is_signed_is_this_text_for_ever)
{
	struct hf_receipt receipt = { .seq = 4711, .at = "2026-04-20T12:00:00.000Z" };
	char text[HF_RECEIPT_TEXT_BYTES];

	receipt.chain[0] = 0xab;
	size_t length = hf_receipt_text(&receipt, DEVICE, EPOCH, text);
	CHECK_TEXT(text, "holdfast-receipt-1\nunit-7\n00112233aabbccdd\n4711\n"
			 "ab00000000000000000000000000000000000000000000000000000000000000\n"
			 "2026-04-20T12:00:00.000Z\n");
	CHECK_U64(length, ==, strlen(text));
}

TEST(receipts_come_back_ascending_and_say_whose_they_are)
{
	struct hf_disk *disk = fake_disk_new(1);
	struct hub hub = hub_make(1), other = hub_make(2);
	struct hf_receipts receipts = { 0 };
	struct hf_err err = { 0 };

	CHECK_CODE(hf_receipts_load(disk, EPOCH, &receipts, &err), HF_E_NOENT);
	CHECK_OK(hf_receipts_key_pin(disk, hub.public, &err));
	add(disk, &hub, 9);
	add(disk, &other, 12);
	add(disk, &hub, 7);
	receipts = load(disk);
	CHECK_U64(receipts.count, ==, 3);
	CHECK_U64(receipts.lines_bad, ==, 0);
	CHECK(receipts.has_pinned);
	for (size_t i = 0; i < 3; i++) {
		CHECK(receipts.list[i].signature_good);
		CHECK_TEXT(receipts.list[i].device_id, DEVICE);
		CHECK_TEXT(receipts.list[i].at, "2026-04-20T12:00:00.000Z");
	}
	CHECK_U64(receipts.list[0].seq, ==, 7);
	CHECK_U64(receipts.list[1].seq, ==, 9);
	CHECK_U64(receipts.list[2].seq, ==, 12);
	CHECK_U64(receipts.list[2].chain[31], ==, 12);
	CHECK(receipts.list[0].key_pinned && receipts.list[1].key_pinned);
	CHECK(!receipts.list[2].key_pinned);
	hf_receipts_free(&receipts);
	fake_disk_free(disk);
}

TEST(one_changed_digit_is_a_bad_signature)
{
	struct hub hub = hub_make(1);
	static const char *const keys[] = { "\"seq\":", "\"chain\":\"", "\"at\":\"", "\"sig\":\"",
					    "\"device_id\":\"unit-" };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct hf_disk *disk = fake_disk_new(1);
		char data[1024];
		size_t size;

		add(disk, &hub, 7);
		const char *bytes = fake_disk_bytes(disk, PATH, &size);
		CHECK_U64(size, <, sizeof data);
		memcpy(data, bytes, size);
		char *digit =
			(char *)memmem(data, size, keys[i], strlen(keys[i])) + strlen(keys[i]);
		*digit = *digit == '1' ? '2' : '1';
		fake_disk_put(disk, PATH, data, size);
		struct hf_receipts receipts = load(disk);
		CHECK_U64(receipts.count, ==, 1);
		CHECK(!receipts.list[0].signature_good);
		hf_receipts_free(&receipts);
		fake_disk_free(disk);
	}
}

TEST(a_torn_tail_is_passed_over_and_the_next_receipt_is_whole)
{
	struct hub hub = hub_make(1);
	struct hf_disk *disk = fake_disk_new(1);
	char data[1024];
	size_t size;

	add(disk, &hub, 7);
	add(disk, &hub, 8);
	const char *bytes = fake_disk_bytes(disk, PATH, &size);
	CHECK(bytes != NULL && size < sizeof data);
	memcpy(data, bytes, size);
	fake_disk_put(disk, PATH, data, size - 20);
	struct hf_receipts receipts = load(disk);
	CHECK_U64(receipts.count, ==, 1);
	CHECK_U64(receipts.lines_bad, ==, 1);
	hf_receipts_free(&receipts);
	add(disk, &hub, 9);
	receipts = load(disk);
	CHECK_U64(receipts.count, ==, 2);
	CHECK_U64(receipts.list[1].seq, ==, 9);
	CHECK(receipts.list[1].signature_good);
	hf_receipts_free(&receipts);
	fake_disk_free(disk);
}

TEST(the_file_is_bounded_and_the_last_receipt_always_stays)
{
	struct hub hub = hub_make(1);
	struct hf_disk *disk = fake_disk_new(1);
	uint64_t thinned = 0;
	size_t size = 0;

	for (uint64_t seq = 1; seq <= 2000; seq++) {
		size_t before = size;

		add(disk, &hub, seq);
		(void)fake_disk_bytes(disk, PATH, &size);
		CHECK_U64(size, <=, HF_RECEIPTS_BYTES_MAX);
		if (size >= before)
			continue;
		struct hf_receipts receipts = load(disk);
		CHECK_U64(receipts.list[receipts.count - 1].seq, ==, seq);
		hf_receipts_free(&receipts);
		thinned++;
	}
	CHECK_U64(thinned, >=, 3);
	struct hf_receipts receipts = load(disk);
	CHECK_U64(receipts.count, >=, 250);
	CHECK_U64(receipts.lines_bad, ==, 0);
	/* Old times are thinner, and still there. */
	CHECK_U64(receipts.list[0].seq, <, 20);
	hf_receipts_free(&receipts);
	fake_disk_free(disk);
}

TEST(a_power_cut_leaves_what_was_added_before)
{
	struct hub hub = hub_make(1);

	for (uint64_t cut = 1; cut <= 24; cut++) {
		struct hf_disk *disk = fake_disk_new(cut);
		struct hf_receipts receipts = { 0 };
		struct hf_receipt receipt;
		struct hf_err err = { 0 };
		uint64_t stored = 0;

		fake_disk_cut_at(disk, cut);
		for (uint64_t seq = 1; seq <= 4; seq++) {
			receipt = receipt_make(&hub, seq);
			if (hf_receipts_add(disk, DEVICE, EPOCH, &receipt, &err) == HF_OK)
				stored = seq;
		}
		fake_disk_cut_at(disk, 0);
		if (fake_disk_is_off(disk))
			fake_disk_power_up(disk, cut);
		enum hf_code code = hf_receipts_load(disk, EPOCH, &receipts, &err);
		CHECK(code == HF_OK || (code == HF_E_NOENT && stored == 0));
		uint64_t last = 0;
		for (size_t i = 0; i < receipts.count; i++)
			if (receipts.list[i].signature_good)
				last = receipts.list[i].seq;
		CHECK_U64(last, >=, stored);
		hf_receipts_free(&receipts);
		fake_disk_free(disk);
	}
}

TEST(what_is_no_key_is_not_taken_for_one)
{
	struct hf_disk *disk = fake_disk_new(1);
	uint8_t key[HF_RECEIPT_KEY_BYTES];
	struct hf_err err = { 0 };

	CHECK_CODE(hf_receipts_key_load(disk, key, &err), HF_E_NOENT);
	fake_disk_put(disk, HF_RECEIPTS_KEY, "12ab\n", 5);
	CHECK_CODE(hf_receipts_key_load(disk, key, &err), HF_E_CORRUPT);
	CHECK(!hf_receipt_at_valid("2026-04-20T12:00:00.000Z "));
	CHECK(!hf_receipt_at_valid("2026-04-20"));
	CHECK(hf_receipt_at_valid("2026-04-20T12:00:00.000Z"));
	fake_disk_free(disk);
}

TEST(a_name_that_is_no_epoch_is_no_path)
{
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_receipts receipts = { 0 };
	struct hf_err err = { 0 };

	CHECK_CODE(hf_receipts_load(disk, "../../etc", &receipts, &err), HF_E_INVALID);
	CHECK_CODE(hf_receipts_load(disk, "", &receipts, &err), HF_E_INVALID);
	fake_disk_free(disk);
}

TESTS(RUN(what_is_signed_is_this_text_for_ever),
      RUN(receipts_come_back_ascending_and_say_whose_they_are),
      RUN(one_changed_digit_is_a_bad_signature),
      RUN(a_torn_tail_is_passed_over_and_the_next_receipt_is_whole),
      RUN(the_file_is_bounded_and_the_last_receipt_always_stays),
      RUN(a_power_cut_leaves_what_was_added_before), RUN(what_is_no_key_is_not_taken_for_one),
      RUN(a_name_that_is_no_epoch_is_no_path))
