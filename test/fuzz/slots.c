/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two copies of the device state, as anything may have left them. Whatever is there, a start
 * goes on: what is read is in range and comes out as it went in, what is not is lost or the other
 * copy, and a store after it is found by the next start.
 *
 * Shape    A byte of flags, then the bytes of copy 0 and of copy 1, half each.
 *          1: copies as they stand; else each is made whole: filled up with zeros to its length,
 *          with its magic and a CRC that fits, so that what is behind them is looked at.
 *          2: the second half is what the run folder keeps of this boot. 4: a unit that has run.
 */
#include "fuzz.h"

#include "base/crc32c.h"
#include "fake_disk.h"
#include "recover/device_state.h"
#include "recover/little.h"

#define BOOT "11111111-2222-3333-4444-555555555555"

enum {
	FLAG_RAW = 1,
	FLAG_RUN = 2,
	FLAG_RAN = 4,
};

static void put_copy(struct hf_disk *disk, const char *path, uint8_t flags, const uint8_t *data,
		     size_t size_bytes)
{
	uint8_t copy[HF_SLOT_BYTES] = { 0 };

	if ((flags & FLAG_RAW) != 0) {
		fake_disk_put(disk, path, data, size_bytes);
		return;
	}
	size_t room = HF_SLOT_BYTES - 12;
	memcpy(copy, "hfslot\n", 8);
	if (size_bytes > 0)
		memcpy(copy + 8, data, size_bytes < room ? size_bytes : room);
	hf_little_put(copy + HF_SLOT_BYTES - 4, hf_crc32c(0, copy, HF_SLOT_BYTES - 4), 4);
	fake_disk_put(disk, path, copy, sizeof copy);
}

static void try_payload(const uint8_t *data, size_t size_bytes)
{
	struct hf_device_state state;
	uint8_t again[HF_SLOT_PAYLOAD_BYTES];

	if (hf_device_state_unpack(data, size_bytes, &state, NULL) != HF_OK)
		return;
	FUZZ_MUST(state.unclean.count <= HF_DEVICE_TIMES_MAX);
	FUZZ_MUST(state.crashes.count <= HF_DEVICE_TIMES_MAX);
	FUZZ_MUST(state.on_ms >= 0 && state.mono_ms >= 0);
	FUZZ_MUST(hf_device_state_pack(&state, again) == size_bytes);
	FUZZ_MUST(memcmp(again, data, size_bytes) == 0);
}

static void try_start(const struct hf_slots_options *options)
{
	const struct hf_mono now = { .us = 90000000 };
	struct hf_slots *slots;
	struct hf_slots_report report;
	struct hf_device_state state, again;

	FUZZ_MUST(hf_slots_open(options, &slots, &report, NULL) == HF_OK);
	/* Nobody stores so often that the numbers end. */
	if (report.slot.sequence > UINT64_C(1) << 61) {
		hf_slots_close(slots);
		return;
	}
	FUZZ_MUST(report.slot.size_bytes <= HF_SLOT_PAYLOAD_BYTES);
	FUZZ_MUST(report.slot.on_ms >= 0);
	FUZZ_MUST(!report.newer_format || report.is_newer_aside);
	FUZZ_MUST(report.found != HF_SLOTS_LOST || report.slot.size_bytes == 0);
	try_payload(report.slot.payload, report.slot.size_bytes);

	enum hf_device_start start = hf_device_begin(&report, BOOT, now, &state);
	FUZZ_MUST(hf_device_start_name(start)[0] != '\0');
	FUZZ_MUST((start == HF_DEVICE_NEW) == (report.found == HF_SLOTS_FRESH));
	FUZZ_MUST(!state.is_clean && state.on_ms > 0);
	FUZZ_MUST(hf_device_store(&state, slots, now, NULL) == HF_OK);
	FUZZ_MUST(!hf_slots_is_volatile(slots));
	hf_slots_close(slots);

	FUZZ_MUST(hf_slots_open(options, &slots, &report, NULL) == HF_OK);
	FUZZ_MUST(report.found == HF_SLOTS_KEPT && !report.from_volatile && !report.newer_format);
	FUZZ_MUST(hf_device_begin(&report, BOOT, now, &again) == HF_DEVICE_CRASHED);
	FUZZ_MUST(again.on_ms == state.on_ms && again.machine_bytes == state.machine_bytes);
	hf_slots_close(slots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_slots_options options = { fake_disk_new(1), fake_disk_new(2), BOOT };

	if (size_bytes > 0) {
		uint8_t flags = data[0];
		size_t half = (size_bytes - 1) / 2;

		if ((flags & FLAG_RAN) != 0)
			fake_disk_put(options.disk, "state/boot", "boot=1\n", 7);
		put_copy(options.disk, "state/device.0", flags, data + 1, half);
		put_copy((flags & FLAG_RUN) != 0 ? options.run : options.disk,
			 (flags & FLAG_RUN) != 0 ? HF_SLOT_VOLATILE : "state/device.1", flags,
			 data + 1 + half, size_bytes - 1 - half);
		try_start(&options);
	}
	fake_disk_free(options.disk);
	fake_disk_free(options.run);
	return 0;
}
