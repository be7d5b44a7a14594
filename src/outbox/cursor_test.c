/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/cursor.h"

#include "fake_disk.h"
#include "test.h"

static void load_is(struct hf_disk *disk, const char *text, size_t size, enum hf_code expected,
		    uint64_t value)
{
	struct hf_err err = { 0 };
	uint64_t seq = 0;

	fake_disk_put(disk, HF_CURSOR_HUB, text, size);
	CHECK_CODE(hf_cursor_load(disk, HF_CURSOR_HUB, &seq, &err), expected);
	if (expected == HF_OK)
		CHECK_U64(seq, ==, value);
}

TEST(a_stored_cursor_is_read_back_and_is_plain_text)
{
	struct hf_err err = { 0 };
	struct hf_disk *disk = fake_disk_new(1);
	uint64_t seq;
	size_t size;

	CHECK_CODE(hf_cursor_load(disk, HF_CURSOR_HUB, &seq, &err), HF_E_NOENT);
	CHECK_OK(hf_disk_folder_ensure(disk, "meta", &err));
	CHECK_OK(hf_cursor_store(disk, HF_CURSOR_HUB, 4711, &err));
	CHECK_OK(hf_cursor_load(disk, HF_CURSOR_HUB, &seq, &err));
	CHECK_U64(seq, ==, 4711);
	assert_memory_equal(fake_disk_bytes(disk, HF_CURSOR_HUB, &size), "4711\n", 5);
	fake_disk_free(disk);
}

TEST(whatever_is_not_one_number_is_corrupt)
{
	struct hf_disk *disk = fake_disk_new(1);

	load_is(disk, "12", 2, HF_OK, 12);
	load_is(disk, "9007199254740992\n", 17, HF_OK, UINT64_C(1) << 53);
	load_is(disk, "9007199254740993\n", 17, HF_E_CORRUPT, 0);
	load_is(disk, "", 0, HF_E_CORRUPT, 0);
	load_is(disk, "-1\n", 3, HF_E_CORRUPT, 0);
	load_is(disk, " 1\n", 3, HF_E_CORRUPT, 0);
	load_is(disk, "1 2\n", 4, HF_E_CORRUPT, 0);
	load_is(disk, "\0\0\0\0", 4, HF_E_CORRUPT, 0);
	load_is(disk, "99999999999999999999999999\n", 27, HF_E_CORRUPT, 0);
	load_is(disk, "1234567890123456789012345678901234567890\n", 41, HF_E_CORRUPT, 0);
	fake_disk_free(disk);
}

TEST(a_power_cut_leaves_the_old_cursor_or_the_new_one)
{
	for (uint64_t cut = 1; cut <= 12; cut++)
		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct hf_err err = { 0 };
			struct hf_disk *disk = fake_disk_new(seed);
			uint64_t seq = 0;

			CHECK_OK(hf_disk_folder_ensure(disk, "meta", &err));
			CHECK_OK(hf_cursor_store(disk, HF_CURSOR_HUB, 1, &err));
			fake_disk_cut_at(disk, fake_disk_operations(disk) + cut);
			enum hf_code code = hf_cursor_store(disk, HF_CURSOR_HUB, 2, &err);
			fake_disk_power_up(disk, seed);
			CHECK_OK(hf_cursor_load(disk, HF_CURSOR_HUB, &seq, &err));
			CHECK(seq == 2 || (seq == 1 && code != HF_OK));
			fake_disk_free(disk);
		}
}

TESTS(RUN(a_stored_cursor_is_read_back_and_is_plain_text),
      RUN(whatever_is_not_one_number_is_corrupt),
      RUN(a_power_cut_leaves_the_old_cursor_or_the_new_one))
