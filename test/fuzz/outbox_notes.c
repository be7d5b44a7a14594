/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small texts beside the log: a cursor and the retry state, as anything may have left them.
 * Whatever is there, what is taken is in range, comes back as it was stored, and a start goes on.
 *
 * Shape    The text of either file.
 */
#include "fuzz.h"

#include "fake_disk.h"
#include "outbox/cursor.h"
#include "uplink/retry.h"

enum {
	MIN_MS = 5000,
	MAX_MS = 300000,
};

static void try_cursor(struct hf_disk *disk)
{
	struct hf_err err = { 0 };
	uint64_t seq = 0, again = 0;

	if (hf_cursor_load(disk, HF_CURSOR_HUB, &seq, &err) != HF_OK)
		return;
	FUZZ_MUST(seq <= UINT64_C(1) << 53);
	FUZZ_MUST(hf_cursor_store(disk, HF_CURSOR_HUB, seq, &err) == HF_OK);
	FUZZ_MUST(hf_cursor_load(disk, HF_CURSOR_HUB, &again, &err) == HF_OK && again == seq);
}

static void try_retry(struct hf_disk *disk)
{
	const struct hf_mono now = { .us = 1000000 };
	struct hf_retry retry, again;
	struct hf_err err = { 0 };

	hf_retry_init(&retry, MIN_MS, MAX_MS);
	enum hf_code code = hf_retry_load(&retry, disk, HF_RETRY_HUB, now, &err);
	int64_t wait_ms = hf_retry_remaining_ms(&retry, now);

	FUZZ_MUST(wait_ms >= 0 && wait_ms <= MAX_MS);
	FUZZ_MUST(code == HF_OK || wait_ms == 0);
	FUZZ_MUST(hf_retry_save(&retry, disk, HF_RETRY_HUB, now, &err) == HF_OK);
	hf_retry_init(&again, MIN_MS, MAX_MS);
	FUZZ_MUST(hf_retry_load(&again, disk, HF_RETRY_HUB, now, &err) == HF_OK);
	FUZZ_MUST(hf_retry_remaining_ms(&again, now) == wait_ms);
	FUZZ_MUST(again.attempts == retry.attempts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_disk *disk = fake_disk_new(1);

	fake_disk_put(disk, HF_CURSOR_HUB, data, size_bytes);
	fake_disk_put(disk, HF_RETRY_HUB, data, size_bytes);
	try_cursor(disk);
	try_retry(disk);
	fake_disk_free(disk);
	return 0;
}
