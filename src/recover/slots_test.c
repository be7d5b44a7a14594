/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/slots.h"

#include "base/crc32c.h"
#include "fake_disk.h"
#include "recover/little.h"
#include "test.h"

#include <string.h>

#define BOOT  "11111111-2222-3333-4444-555555555555"
#define OTHER "99999999-2222-3333-4444-555555555555"

struct unit {
	struct hf_disk *disk;
	struct hf_disk *run;
	struct hf_slots *slots;
	struct hf_slots_report report;
};

static void start_in(struct unit *unit, const char *boot_id)
{
	struct hf_err err = { 0 };
	struct hf_slots_options options = { .disk = unit->disk,
					    .run = unit->run,
					    .boot_id = boot_id };

	hf_slots_close(unit->slots);
	CHECK_OK(hf_slots_open(&options, &unit->slots, &unit->report, &err));
}

static void start(struct unit *unit)
{
	start_in(unit, BOOT);
}

static struct unit new_unit(void)
{
	struct unit unit = { .disk = fake_disk_new(1), .run = fake_disk_new(2) };

	start(&unit);
	return unit;
}

static void end(struct unit *unit)
{
	hf_slots_close(unit->slots);
	fake_disk_free(unit->disk);
	fake_disk_free(unit->run);
}

static enum hf_code store(struct unit *unit, uint8_t value)
{
	uint8_t payload[100];

	memset(payload, value, sizeof payload);
	return hf_slots_store(unit->slots, value * 1000, payload, sizeof payload, NULL);
}

static void check_found(const struct unit *unit, uint8_t value)
{
	CHECK_U64(unit->report.found, ==, HF_SLOTS_KEPT);
	CHECK_U64(unit->report.slot.size_bytes, ==, 100);
	CHECK_U64(unit->report.slot.payload[0], ==, value);
	CHECK_U64(unit->report.slot.payload[99], ==, value);
	CHECK_I64(unit->report.slot.on_ms, ==, value * 1000);
}

/* As boot/identity.h leaves it. */
static void give_identity(struct unit *unit)
{
	fake_disk_put(unit->disk, "state/boot", "boot=1\n", 7);
}

static void put_newer(struct unit *unit, const char *path, uint64_t sequence)
{
	struct hf_slot slot = { .format = HF_SLOT_FORMAT + 1, .sequence = sequence, .on_ms = 77 };
	uint8_t data[HF_SLOT_BYTES];

	hf_slot_encode(&slot, data);
	fake_disk_put(unit->disk, path, data, sizeof data);
}

TEST(a_new_unit_is_fresh_and_has_two_copies)
{
	struct unit unit = new_unit();

	CHECK_U64(unit.report.found, ==, HF_SLOTS_FRESH);
	CHECK(!unit.report.bad[0] && !unit.report.bad[1]);
	CHECK(fake_disk_exists(unit.disk, "state/device.0"));
	CHECK(fake_disk_exists(unit.disk, "state/device.1"));
	give_identity(&unit);
	start(&unit);
	CHECK_U64(unit.report.found, ==, HF_SLOTS_FRESH);
	CHECK(!hf_slots_is_volatile(unit.slots));
	end(&unit);
}

TEST(what_was_stored_last_is_found)
{
	struct unit unit = new_unit();

	for (uint8_t i = 1; i < 8; i++) {
		CHECK_CODE(store(&unit, i), HF_OK);
		start(&unit);
		check_found(&unit, i);
		CHECK_TEXT(unit.report.slot.boot_id, BOOT);
	}
	end(&unit);
}

TEST(one_corrupt_copy_is_told_and_the_other_is_used)
{
	for (int copy = 0; copy < 2; copy++) {
		struct unit unit = new_unit();
		const char *path = copy == 0 ? "state/device.0" : "state/device.1";

		CHECK_CODE(store(&unit, 1), HF_OK); /* device.0 */
		CHECK_CODE(store(&unit, 2), HF_OK); /* device.1 */
		fake_disk_flip_bit(unit.disk, path, 8 * 90 + 3);
		start(&unit);
		check_found(&unit, copy == 0 ? 2 : 1);
		CHECK(unit.report.bad[copy] && !unit.report.bad[1 - copy]);
		CHECK(strstr(unit.report.why[copy], path) != NULL);
		CHECK_CODE(store(&unit, 3), HF_OK);
		start(&unit);
		check_found(&unit, 3);
		CHECK(!unit.report.bad[0] && !unit.report.bad[1]);
		end(&unit);
	}
}

TEST(both_corrupt_or_gone_is_lost_never_fresh)
{
	struct unit unit = new_unit();

	give_identity(&unit);
	CHECK_CODE(store(&unit, 1), HF_OK);
	fake_disk_flip_bit(unit.disk, "state/device.0", 5);
	fake_disk_flip_bit(unit.disk, "state/device.1", 5);
	start(&unit);
	CHECK_U64(unit.report.found, ==, HF_SLOTS_LOST);
	fake_disk_remove(unit.disk, "state/device.0");
	fake_disk_remove(unit.disk, "state/device.1");
	start(&unit);
	CHECK_U64(unit.report.found, ==, HF_SLOTS_LOST);
	CHECK(unit.report.bad[0] && unit.report.bad[1]);
	CHECK_CODE(store(&unit, 2), HF_OK);
	start(&unit);
	check_found(&unit, 2);
	end(&unit);
}

TEST(each_sign_of_a_life_before_makes_it_lost)
{
	static const char *const signs[][2] = { { "state", "state/boot" },
						{ "identity", "identity/device_id" },
						{ "outbox", "outbox/.ring" } };

	for (size_t i = 0; i < 3; i++) {
		struct unit unit = { .disk = fake_disk_new(1), .run = fake_disk_new(2) };
		struct hf_err err = { 0 };

		CHECK_OK(hf_disk_folder_ensure(unit.disk, signs[i][0], &err));
		fake_disk_put(unit.disk, signs[i][1], "x", 1);
		start(&unit);
		CHECK_U64(unit.report.found, ==, HF_SLOTS_LOST);
		end(&unit);
	}
}

TEST(a_store_that_failed_is_volatile_and_found_within_the_boot)
{
	static const enum fake_disk_op ops[] = { FAKE_DISK_WRITE, FAKE_DISK_SYNC };

	for (size_t i = 0; i < 2; i++) {
		struct unit unit = new_unit();

		CHECK_CODE(store(&unit, 1), HF_OK);
		fake_disk_fail(unit.disk, ops[i], 1, 1, HF_E_IO);
		CHECK_CODE(store(&unit, 2), HF_E_IO);
		CHECK(hf_slots_is_volatile(unit.slots));
		CHECK(hf_slots_volatile_why(unit.slots)[0] != '\0');
		start(&unit);
		check_found(&unit, 2);
		CHECK(unit.report.from_volatile);
		CHECK(hf_slots_is_volatile(unit.slots));
		/* It is tried again, and the copy of before was not touched meanwhile. */
		CHECK_CODE(store(&unit, 3), HF_OK);
		CHECK(!hf_slots_is_volatile(unit.slots));
		CHECK(!fake_disk_exists(unit.run, HF_SLOT_VOLATILE));
		start(&unit);
		check_found(&unit, 3);
		CHECK(!unit.report.from_volatile);
		end(&unit);
	}
}

TEST(what_is_volatile_is_not_taken_in_another_boot)
{
	struct unit unit = new_unit();

	CHECK_CODE(store(&unit, 1), HF_OK);
	fake_disk_fail(unit.disk, FAKE_DISK_WRITE, 1, 1, HF_E_NOSPACE);
	CHECK_CODE(store(&unit, 2), HF_E_NOSPACE);
	start_in(&unit, OTHER);
	check_found(&unit, 1);
	CHECK(!hf_slots_is_volatile(unit.slots));
	end(&unit);
}

TEST(a_failed_flush_spends_the_file_and_leaves_the_other_copy)
{
	struct unit unit = new_unit();

	CHECK_CODE(store(&unit, 1), HF_OK); /* device.0 */
	size_t size;
	char before[HF_SLOT_BYTES];
	memcpy(before, fake_disk_bytes(unit.disk, "state/device.0", &size), sizeof before);
	fake_disk_fail(unit.disk, FAKE_DISK_SYNC, 1, 3, HF_E_IO);
	uint64_t syncs = fake_disk_count(unit.disk, FAKE_DISK_SYNC);
	for (uint8_t i = 2; i < 5; i++)
		CHECK_CODE(store(&unit, i), HF_E_IO);
	/* One flush a store: none was tried again. */
	CHECK_U64(fake_disk_count(unit.disk, FAKE_DISK_SYNC) - syncs, ==, 3);
	CHECK(memcmp(before, fake_disk_bytes(unit.disk, "state/device.0", &size), sizeof before) ==
	      0);
	end(&unit);
}

TEST(a_disk_that_cannot_be_written_is_volatile_from_the_start)
{
	struct unit unit = { .disk = fake_disk_new(1), .run = fake_disk_new(2) };

	fake_disk_fail(unit.disk, FAKE_DISK_CREATE, 1, 1000, HF_E_DENIED);
	start(&unit);
	CHECK_U64(unit.report.found, ==, HF_SLOTS_FRESH);
	CHECK(hf_slots_is_volatile(unit.slots));
	CHECK_CODE(store(&unit, 1), HF_E_DENIED);
	start(&unit);
	check_found(&unit, 1);
	CHECK(hf_slots_is_volatile(unit.slots));
	end(&unit);
}

TEST(a_newer_format_is_set_aside_and_the_state_is_lost)
{
	struct unit unit = new_unit();
	size_t size = 0;

	give_identity(&unit);
	CHECK_CODE(store(&unit, 1), HF_OK); /* device.0, sequence 3 */
	put_newer(&unit, "state/device.1", 4);
	start(&unit);
	CHECK_U64(unit.report.found, ==, HF_SLOTS_LOST);
	CHECK(unit.report.newer_format && unit.report.is_newer_aside);
	CHECK(fake_disk_bytes(unit.disk, HF_SLOT_NEWER, &size) != NULL);
	CHECK_U64(size, ==, HF_SLOT_BYTES);
	CHECK_I64(unit.report.slot.on_ms, ==, 77);
	/* Ours are newer from here on. */
	CHECK_CODE(store(&unit, 2), HF_OK);
	start(&unit);
	check_found(&unit, 2);
	end(&unit);
}

TEST(a_newer_format_that_cannot_be_set_aside_is_not_overwritten)
{
	struct unit unit = new_unit();
	struct hf_slot slot;
	size_t size;

	give_identity(&unit);
	put_newer(&unit, "state/device.0", 4);
	put_newer(&unit, "state/device.1", 5);
	fake_disk_fail(unit.disk, FAKE_DISK_CREATE, 1, 1000, HF_E_NOSPACE);
	start(&unit);
	CHECK(unit.report.newer_format && !unit.report.is_newer_aside);
	for (uint8_t i = 1; i < 4; i++)
		CHECK_CODE(store(&unit, i), HF_E_NOSPACE);
	CHECK_CODE(
		hf_slot_decode((const uint8_t *)fake_disk_bytes(unit.disk, "state/device.1", &size),
			       HF_SLOT_BYTES, &slot, NULL),
		HF_E_INVALID);
	end(&unit);
}

TEST(a_payload_that_does_not_fit_is_refused)
{
	static uint8_t large[HF_SLOT_PAYLOAD_BYTES + 1];
	struct unit unit = new_unit();

	CHECK_CODE(hf_slots_store(unit.slots, 1, large, sizeof large, NULL), HF_E_LIMIT);
	CHECK(!hf_slots_is_volatile(unit.slots));
	CHECK_CODE(hf_slots_store(unit.slots, 1, large, sizeof large - 1, NULL), HF_OK);
	end(&unit);
}

TEST(every_bit_of_a_copy_is_covered)
{
	struct hf_slot slot = { .format = 1, .sequence = 9, .on_ms = 5, .size_bytes = 3 }, read;
	uint8_t data[HF_SLOT_BYTES];

	hf_slot_encode(&slot, data);
	CHECK_CODE(hf_slot_decode(data, sizeof data, &read, NULL), HF_OK);
	for (size_t bit = 0; bit < (size_t)8 * HF_SLOT_BYTES; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_CODE(hf_slot_decode(data, sizeof data, &read, NULL), HF_E_CORRUPT);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CHECK_CODE(hf_slot_decode(data, sizeof data - 1, &read, NULL), HF_E_CORRUPT);
}

TEST(numbers_out_of_range_are_corrupt_whatever_the_checksum_says)
{
	static const struct {
		size_t at, size;
		uint64_t value;
	} wrong[] = { { 0, 1, 'x' },       { 8, 4, 0 },           { 12, 4, 4021 },
		      { 16, 8, 0 },        { 16, 8, UINT64_MAX }, { 24, 8, UINT64_MAX },
		      { 24, 8, INT64_MAX } };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct hf_slot slot = { .format = 1, .sequence = 9 }, read;
		uint8_t data[HF_SLOT_BYTES];

		hf_slot_encode(&slot, data);
		hf_little_put(data + wrong[i].at, wrong[i].value, wrong[i].size);
		hf_little_put(data + 4092, hf_crc32c(0, data, 4092), 4);
		CHECK_CODE(hf_slot_decode(data, sizeof data, &read, NULL), HF_E_CORRUPT);
	}
}

TESTS(RUN(a_new_unit_is_fresh_and_has_two_copies), RUN(what_was_stored_last_is_found),
      RUN(one_corrupt_copy_is_told_and_the_other_is_used),
      RUN(both_corrupt_or_gone_is_lost_never_fresh), RUN(each_sign_of_a_life_before_makes_it_lost),
      RUN(a_store_that_failed_is_volatile_and_found_within_the_boot),
      RUN(what_is_volatile_is_not_taken_in_another_boot),
      RUN(a_failed_flush_spends_the_file_and_leaves_the_other_copy),
      RUN(a_disk_that_cannot_be_written_is_volatile_from_the_start),
      RUN(a_newer_format_is_set_aside_and_the_state_is_lost),
      RUN(a_newer_format_that_cannot_be_set_aside_is_not_overwritten),
      RUN(a_payload_that_does_not_fit_is_refused), RUN(every_bit_of_a_copy_is_covered),
      RUN(numbers_out_of_range_are_corrupt_whatever_the_checksum_says))
