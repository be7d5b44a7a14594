/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a unit keeps of the hub's word and of its own redraws, as somebody else may have left it on
 * a card: the same bytes as a file of receipts, as the pinned key, and as meta/forks.
 */
#include "fake_disk.h"
#include "fuzz.h"

#include "outbox/forks.h"
#include "outbox/receipt.h"

#include <string.h>

#define EPOCH "00112233aabbccdd"

static void look_at_receipts(struct hf_disk *disk)
{
	struct hf_receipts receipts;
	struct hf_err err;

	if (hf_receipts_load(disk, EPOCH, &receipts, &err) != HF_OK)
		return;
	for (size_t i = 0; i < receipts.count; i++) {
		FUZZ_MUST(receipts.list[i].seq > 0);
		FUZZ_MUST(i == 0 || receipts.list[i].seq >= receipts.list[i - 1].seq);
		FUZZ_MUST(hf_receipt_at_valid(receipts.list[i].at));
	}
	hf_receipts_free(&receipts);
}

/* What was read is written and read again as it was. */
static void look_at_forks(struct hf_disk *disk)
{
	struct hf_forks forks, again;
	struct hf_err err;

	if (hf_forks_load(disk, &forks, &err) != HF_OK)
		return;
	for (size_t i = 0; i < forks.count; i++) {
		const char *stream = hf_forks_stream(&forks, forks.list[i].left, UINT64_MAX);

		FUZZ_MUST(strlen(stream) == HF_EPOCH_BYTES - 1);
		FUZZ_MUST(hf_forks_left(&forks, forks.list[i].left) != NULL);
	}
	FUZZ_MUST(hf_forks_store(disk, &forks, &err) == HF_OK);
	FUZZ_MUST(hf_forks_load(disk, &again, &err) == HF_OK && again.lines_bad == 0);
	FUZZ_MUST(again.count == forks.count);
	FUZZ_MUST(memcmp(again.list, forks.list, forks.count * sizeof forks.list[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_err err;

	FUZZ_MUST(hf_disk_folder_ensure(disk, "meta", &err) == HF_OK);
	fake_disk_put(disk, HF_RECEIPTS_FOLDER "/" EPOCH ".jsonl", data, size_bytes);
	fake_disk_put(disk, HF_RECEIPTS_KEY, data, size_bytes);
	fake_disk_put(disk, HF_FORKS_PATH, data, size_bytes);
	look_at_receipts(disk);
	look_at_forks(disk);
	fake_disk_free(disk);
	return 0;
}
