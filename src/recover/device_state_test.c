/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/device_state.h"

#include "fake_disk.h"
#include "test.h"

#include <string.h>

#define BOOT  "11111111-2222-3333-4444-555555555555"
#define OTHER "99999999-2222-3333-4444-555555555555"

static struct hf_mono at_s(int64_t s)
{
	return (struct hf_mono){ .us = s * 1000000 };
}

struct unit {
	struct hf_disk *disk;
	struct hf_slots *slots;
	struct hf_device_state state;
};

static enum hf_device_start start(struct unit *unit, const char *boot_id, int64_t now_s)
{
	struct hf_slots_options options = { .disk = unit->disk, .boot_id = boot_id };
	struct hf_slots_report report;
	struct hf_err err = { 0 };

	hf_slots_close(unit->slots);
	CHECK_OK(hf_slots_open(&options, &unit->slots, &report, &err));
	/* What boot/identity.h would leave. */
	fake_disk_put(unit->disk, "state/boot", "boot=1\n", 7);
	enum hf_device_start how = hf_device_begin(&report, boot_id, at_s(now_s), &unit->state);
	CHECK_OK(hf_device_store(&unit->state, unit->slots, at_s(now_s), &err));
	return how;
}

static void store(struct unit *unit, int64_t now_s)
{
	struct hf_err err = { 0 };

	CHECK_OK(hf_device_store(&unit->state, unit->slots, at_s(now_s), &err));
}

static void end(struct unit *unit)
{
	hf_slots_close(unit->slots);
	fake_disk_free(unit->disk);
}

TEST(powered_on_time_goes_on_over_restarts_and_boots)
{
	struct unit unit = { .disk = fake_disk_new(1) };

	CHECK_U64(start(&unit, BOOT, 100), ==, HF_DEVICE_NEW);
	CHECK_I64(hf_device_on_ms(&unit.state, at_s(100)), ==, 100000);
	store(&unit, 160);
	/* The supervisor was away for 40 s within the boot: they count. */
	CHECK_U64(start(&unit, BOOT, 200), ==, HF_DEVICE_CRASHED);
	CHECK_I64(hf_device_on_ms(&unit.state, at_s(200)), ==, 200000);
	/* Cut 59 s after the last store, and 30 s into the next boot: 59 are lost. */
	CHECK_U64(start(&unit, OTHER, 30), ==, HF_DEVICE_UNCLEAN);
	CHECK_I64(hf_device_on_ms(&unit.state, at_s(30)), ==, 230000);
	end(&unit);
}

TEST(a_clock_that_runs_back_takes_nothing_away)
{
	struct unit unit = { .disk = fake_disk_new(1) };

	(void)start(&unit, BOOT, 100);
	CHECK_I64(hf_device_on_ms(&unit.state, at_s(10)), ==, 100000);
	(void)start(&unit, BOOT, 50);
	CHECK_I64(hf_device_on_ms(&unit.state, at_s(50)), ==, 100000);
	end(&unit);
}

TEST(a_clean_stop_is_told_from_a_crash_and_a_power_cut)
{
	struct unit unit = { .disk = fake_disk_new(1) };

	CHECK_U64(start(&unit, BOOT, 10), ==, HF_DEVICE_NEW);
	hf_device_end(&unit.state);
	store(&unit, 20);
	CHECK_U64(start(&unit, BOOT, 30), ==, HF_DEVICE_CLEAN);
	CHECK_U64(start(&unit, BOOT, 40), ==, HF_DEVICE_CRASHED);
	CHECK_U64(start(&unit, OTHER, 10), ==, HF_DEVICE_UNCLEAN);
	hf_device_end(&unit.state);
	store(&unit, 20);
	CHECK_U64(start(&unit, BOOT, 10), ==, HF_DEVICE_CLEAN);
	CHECK_U64(unit.state.unclean.count, ==, 1);
	CHECK_U64(unit.state.crashes.count, ==, 1);
	end(&unit);
}

TEST(unclean_starts_are_counted_in_powered_on_time)
{
	struct unit unit = { .disk = fake_disk_new(1) };
	const char *boots[] = { BOOT, OTHER };

	(void)start(&unit, BOOT, 10);
	for (int i = 1; i <= 20; i++)
		CHECK_U64(start(&unit, boots[i % 2], 60), ==, HF_DEVICE_UNCLEAN);
	CHECK_U64(unit.state.unclean.count, ==, HF_DEVICE_TIMES_MAX);
	int64_t on_ms = hf_device_on_ms(&unit.state, at_s(60));
	CHECK_I64(on_ms, ==, 1210000);
	CHECK_U64(hf_device_times_within(&unit.state.unclean, on_ms, 120000), ==, 3);
	CHECK_U64(hf_device_times_within(&unit.state.unclean, on_ms + 60000, 120000), ==, 2);
	end(&unit);
}

TEST(a_state_comes_out_as_it_went_in)
{
	struct hf_device_state device = { .is_clean = true, .on_ms = 99, .mono_ms = 7 }, again;
	uint8_t data[HF_SLOT_PAYLOAD_BYTES];
	struct hf_err err = { 0 };

	memset(&again, 0, sizeof again);
	device.unclean = (struct hf_device_times){ .count = 2, .at_ms = { 5, 9 } };
	device.crashes.count = HF_DEVICE_TIMES_MAX;
	device.machine_bytes = HF_DEVICE_MACHINE_BYTES;
	memset(device.machine, 0xa5, sizeof device.machine);
	size_t size = hf_device_state_pack(&device, data);
	CHECK_OK(hf_device_state_unpack(data, size, &again, &err));
	CHECK(again.is_clean && again.on_ms == 99 && again.mono_ms == 7);
	CHECK(again.unclean.count == 2 && again.unclean.at_ms[1] == 9);
	CHECK(again.machine_bytes == HF_DEVICE_MACHINE_BYTES);
	CHECK(memcmp(again.machine, device.machine, sizeof device.machine) == 0);
	for (size_t cut = 0; cut < size; cut++)
		CHECK_CODE(hf_device_state_unpack(data, cut, &again, &err), HF_E_CORRUPT);
}

TEST(what_is_not_legible_is_lost_but_its_time_is_not)
{
	struct hf_slots_report report = { .found = HF_SLOTS_KEPT };
	struct hf_device_state device;

	report.slot = (struct hf_slot){ .on_ms = 5000, .size_bytes = 4, .payload = "what" };
	CHECK_U64(hf_device_begin(&report, BOOT, at_s(1), &device), ==, HF_DEVICE_LOST);
	CHECK_I64(device.on_ms, ==, 6000);
	report.found = HF_SLOTS_LOST;
	CHECK_U64(hf_device_begin(&report, BOOT, at_s(1), &device), ==, HF_DEVICE_LOST);
}

TEST(it_is_due_each_minute_and_after_a_failure)
{
	struct unit unit = { .disk = fake_disk_new(1) };
	struct hf_err err;

	(void)start(&unit, BOOT, 100);
	CHECK(!hf_device_is_due(&unit.state, at_s(159)));
	CHECK(hf_device_is_due(&unit.state, at_s(160)));
	store(&unit, 160);
	CHECK(!hf_device_is_due(&unit.state, at_s(161)));
	fake_disk_fail(unit.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	CHECK_CODE(hf_device_store(&unit.state, unit.slots, at_s(162), &err), HF_E_IO);
	CHECK(hf_device_is_due(&unit.state, at_s(162)));
	end(&unit);
}

TESTS(RUN(powered_on_time_goes_on_over_restarts_and_boots),
      RUN(a_clock_that_runs_back_takes_nothing_away),
      RUN(a_clean_stop_is_told_from_a_crash_and_a_power_cut),
      RUN(unclean_starts_are_counted_in_powered_on_time), RUN(a_state_comes_out_as_it_went_in),
      RUN(what_is_not_legible_is_lost_but_its_time_is_not),
      RUN(it_is_due_each_minute_and_after_a_failure))
