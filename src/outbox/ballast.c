/* SPDX-License-Identifier: Apache-2.0 */
/* A file of no use but its size: removed when the disk is full, so that an alarm, and what must
 * still be stored, find room. */
#include "outbox/writer_inner.h"

enum {
	PIECE_BYTES = 64 * 1024,
	ROOM_FACTOR = 4, /* made when so many of it would fit */
};

bool hf_outbox_ballast_release(struct hf_outbox *outbox)
{
	struct hf_err ignored;

	if (outbox->ballast_bytes == 0 || outbox->counters.ballast_released)
		return false;
	outbox->counters.ballast_released = true;
	return hf_disk_unlink(outbox->disk, BALLAST_PATH, &ignored) == HF_OK &&
	       hf_disk_folder_sync(outbox->disk, BALLAST_FOLDER, &ignored) == HF_OK;
}

void hf_outbox_ballast_make(struct hf_outbox *outbox)
{
	static const char piece[PIECE_BYTES] = { '#' };
	struct hf_err ignored;
	uint64_t size = 0, free_bytes = 0;
	int file;

	if (outbox->ballast_bytes == 0 ||
	    hf_disk_free_space(outbox->disk, &free_bytes, &ignored) != HF_OK)
		return;
	if (hf_disk_open(outbox->disk, BALLAST_PATH, HF_DISK_WRITE, &file, &ignored) == HF_OK) {
		if (hf_disk_size(outbox->disk, file, &size, &ignored) != HF_OK)
			size = 0;
		hf_disk_close(outbox->disk, file);
	}
	if (size >= outbox->ballast_bytes) {
		outbox->counters.ballast_released = false;
		return;
	}
	if (free_bytes < ROOM_FACTOR * outbox->ballast_bytes ||
	    hf_disk_open(outbox->disk, BALLAST_PATH, HF_DISK_REPLACE, &file, &ignored) != HF_OK)
		return;
	enum hf_code code = HF_OK;
	for (size = 0; code == HF_OK && size < outbox->ballast_bytes; size += sizeof piece)
		code = hf_disk_write(outbox->disk, file, size, piece, sizeof piece, &ignored);
	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, file, &ignored);
	hf_disk_close(outbox->disk, file);
	if (code == HF_OK)
		outbox->counters.ballast_released = false;
	else
		(void)!hf_disk_unlink(outbox->disk, BALLAST_PATH, &ignored);
}
