/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: with a ring, a batch is written there and flushed, which costs one flush and no
 * journal. Then its offers may be answered, and the day file owes the lines: they are written
 * there next, before anything else is staged, and only then a reader is told of them. So at most
 * one batch is in the ring alone, and is still in memory. The day file is flushed before the ring
 * overwrites what the file may not have yet. A large batch goes to the day file
 * alone and is flushed there: written once, not twice. It ends at the end of a block, so that no
 * later write touches a block with lines that no ring has.
 *
 * Without a ring the day file is written and flushed each time.
 */
#include "base/assert.h"
#include "outbox/writer_inner.h"

#include <stdio.h>
#include <string.h>

enum {
	ROOM_STEP_BYTES = 64 * 1024, /* asked for where a whole ring does not fit any more */
};

void hf_outbox_spend(struct hf_outbox *outbox, uint64_t next_seq_tried, const char *reason)
{
	if (outbox->file >= 0) {
		hf_disk_close(outbox->disk, outbox->file);
		outbox->file = -1;
		outbox->room_to = 0;
		outbox->counters.files_spent++;
	}
	if (next_seq_tried > outbox->tip.next_seq) {
		hf_outbox_note_gap(outbox, outbox->tip.next_seq, next_seq_tried - 1, reason);
		outbox->tip.next_seq = next_seq_tried;
	}
}

/* Somebody removed the file: what was in it is gone but for what the ring still has. It counts
 * for nothing any more; the next file follows the one before. */
static enum hf_code lose_file(struct hf_outbox *outbox, struct hf_err *err)
{
	char name[HF_FILE_NAME_BYTES];

	memcpy(name, outbox->name, sizeof name);
	memcpy(outbox->name, outbox->before, sizeof outbox->name);
	outbox->flushed = outbox->before_end;
	outbox->hole_reason = "file_removed";
	return hf_fail(err, HF_E_IO, "%s/%s was removed", HF_OUTBOX_FOLDER, name);
}

static enum hf_code check_there(struct hf_outbox *outbox, struct hf_err *err)
{
	uint64_t links = 0;
	enum hf_code code = hf_disk_links(outbox->disk, outbox->file, &links, err);

	return code == HF_OK && links == 0 ? lose_file(outbox, err) : code;
}

static void mark_flushed(struct hf_outbox *outbox)
{
	outbox->flushed = (struct safe){ .seq = outbox->tip.last_seq,
					 .crc32c = outbox->tip.last_crc32c,
					 .offset = outbox->offset };
	outbox->visible.flushed = outbox->offset;
}

enum hf_code hf_outbox_flush_day(struct hf_outbox *outbox, struct hf_err *err)
{
	HF_ASSERT(outbox->file >= 0 && outbox->owed_bytes == 0);
	if (outbox->flushed.seq == outbox->tip.last_seq)
		return HF_OK;
	enum hf_code code = hf_disk_sync(outbox->disk, outbox->file, err);
	if (code == HF_OK)
		code = check_there(outbox, err);
	if (code != HF_OK) {
		(void)hf_err_prefix(err, "%s/%s is not written any more", HF_OUTBOX_FOLDER,
				    outbox->name);
		hf_outbox_spend(outbox, outbox->tip.next_seq, "flush_failed");
		return HF_E_IO;
	}
	outbox->counters.day_flushes++;
	mark_flushed(outbox);
	return HF_OK;
}

void hf_outbox_pad_staged(struct hf_outbox *outbox, uint64_t offset)
{
	uint64_t over = (offset + outbox->staged_bytes) % outbox->block_bytes;
	size_t pad = over == 0 ? 0 : (size_t)(outbox->block_bytes - over);

	HF_ASSERT(outbox->staged_bytes > 0);
	memset(outbox->staged + outbox->staged_bytes - 1, ' ', pad);
	outbox->staged_bytes += pad;
	outbox->staged[outbox->staged_bytes - 1] = '\n';
}

/* The lines are safe: the tip is theirs, and what was pending is told. */
static void move_tip(struct hf_outbox *outbox, const struct tip *tip)
{
	struct hf_err ignored;

	outbox->tip = *tip;
	outbox->counters.bytes += outbox->staged_bytes;
	outbox->counters.commits++;
	outbox->gap_count = 0;
	outbox->cut_bytes = 0;
	outbox->rot_lines = 0;
	outbox->ring_failure[0] = '\0';
	outbox->redrawn[0] = '\0';
	/* Should it survive, the next start finds the event and removes it then. */
	if (outbox->gap_noted && hf_disk_unlink(outbox->disk, GAP_PATH, &ignored) == HF_OK)
		outbox->gap_noted = false;
}

/* The day file has the lines up to the tip. */
static void move_visible(struct hf_outbox *outbox, size_t size_bytes)
{
	struct hf_err ignored;

	outbox->offset += size_bytes;
	outbox->visible.order_seq = outbox->order_seq;
	outbox->visible.offset = outbox->offset;
	outbox->visible.seq = outbox->tip.last_seq;
	memcpy(outbox->visible.file, outbox->name, sizeof outbox->visible.file);
	outbox->counters.by_ring = outbox->ring != NULL;
	if (!outbox->newest_noted)
		outbox->newest_noted = hf_outbox_note_newest(outbox, &ignored) == HF_OK;
}

void hf_outbox_settle(struct hf_outbox *outbox, const struct tip *tip)
{
	move_tip(outbox, tip);
	move_visible(outbox, outbox->staged_bytes);
	outbox->staged_bytes = 0;
}

/* What of a batch found room is taken away again. Its numbers may go to the ring next, which is
 * flushed alone: what is cut off here must not come back then. */
static bool cut_back(struct hf_outbox *outbox)
{
	struct hf_err ignored;

	outbox->room_to = 0;
	return hf_disk_truncate(outbox->disk, outbox->file, outbox->offset, &ignored) == HF_OK &&
	       (outbox->ring == NULL ||
		hf_disk_sync(outbox->disk, outbox->file, &ignored) == HF_OK);
}

/* Write and flush the day file. HF_E_NOSPACE: cut back, the file stays in use. */
static enum hf_code commit_in_day(struct hf_outbox *outbox, const struct tip *tip,
				  struct hf_err *err)
{
	struct hf_disk *disk = outbox->disk;
	enum hf_code code;

	if (outbox->ring != NULL)
		hf_outbox_pad_staged(outbox, outbox->offset);
	do {
		code = hf_disk_write(disk, outbox->file, outbox->offset, outbox->staged,
				     outbox->staged_bytes, err);
		if (code != HF_E_NOSPACE)
			break;
		if (!cut_back(outbox)) {
			hf_outbox_spend(outbox, tip->next_seq, "flush_failed");
			return code;
		}
	} while (hf_outbox_ballast_release(outbox));
	if (code == HF_E_NOSPACE)
		return code;
	if (code == HF_OK)
		code = hf_disk_sync(disk, outbox->file, err);
	if (code == HF_OK)
		code = check_there(outbox, err);
	if (code == HF_OK) {
		hf_outbox_settle(outbox, tip);
		mark_flushed(outbox);
		return HF_OK;
	}
	(void)hf_err_prefix(err, "%s/%s is not written any more", HF_OUTBOX_FOLDER, outbox->name);
	hf_outbox_spend(outbox, tip->next_seq, "flush_failed");
	return HF_E_IO;
}

/* Room in the day file, a ring's size ahead where that can be had. */
static enum hf_code make_room(struct hf_outbox *outbox, uint64_t size_bytes, struct hf_err *err)
{
	uint64_t step = outbox->ring_bytes;
	enum hf_code code = HF_OK;

	if (outbox->offset + size_bytes <= outbox->room_to)
		return HF_OK;
	if (size_bytes > step)
		step = size_bytes;
	do {
		code = hf_disk_reserve(outbox->disk, outbox->file, outbox->offset, step, err);
		if (code != HF_E_NOSPACE)
			break;
		step = (size_bytes / ROOM_STEP_BYTES + 1) * ROOM_STEP_BYTES;
		code = hf_disk_reserve(outbox->disk, outbox->file, outbox->offset, step, err);
	} while (code == HF_E_NOSPACE && hf_outbox_ballast_release(outbox));
	if (code == HF_OK)
		outbox->room_to = outbox->offset + step;
	return code;
}

/* What it holds is made safe elsewhere; what it may hold of this batch will count for nothing,
 * since the header of the next file has a higher number. */
static enum hf_code leave_ring(struct hf_outbox *outbox, const struct tip *tip, struct hf_err *err)
{
	struct hf_err ignored;

	(void)snprintf(outbox->ring_failure, sizeof outbox->ring_failure, "%.*s", WHY_BYTES - 1,
		       err->text);
	hf_commit_ring_close(outbox->ring);
	outbox->ring = NULL;
	outbox->counters.ring_failures++;
	(void)!hf_outbox_flush_day(outbox, &ignored);
	hf_outbox_spend(outbox, tip->next_seq, "ring_failed");
	return HF_E_IO;
}

static enum hf_code commit_in_ring(struct hf_outbox *outbox, const struct tip *tip,
				   struct hf_err *err)
{
	enum hf_code code = make_room(outbox, outbox->staged_bytes, err);

	if (code == HF_OK && hf_commit_ring_enters(outbox->ring, outbox->staged_bytes))
		code = hf_outbox_flush_day(outbox, err);
	if (code != HF_OK)
		return code;
	code = hf_commit_ring_write(outbox->ring, outbox->staged, outbox->staged_bytes, err);
	if (code != HF_OK)
		return leave_ring(outbox, tip, err);
	/* The lines are safe: whoever offered them need not wait for the day file. */
	move_tip(outbox, tip);
	outbox->owed_bytes = outbox->staged_bytes;
	outbox->staged_bytes = 0;
	return HF_OK;
}

enum hf_code hf_outbox_show_owed(struct hf_outbox *outbox, struct hf_err *err)
{
	size_t size_bytes = outbox->owed_bytes;

	if (size_bytes == 0)
		return HF_OK;
	outbox->owed_bytes = 0;
	enum hf_code code = check_there(outbox, err);
	if (code == HF_OK)
		code = hf_disk_write(outbox->disk, outbox->file, outbox->offset, outbox->staged,
				     size_bytes, err);
	if (code == HF_OK) {
		move_visible(outbox, size_bytes);
		return HF_OK;
	}
	(void)hf_err_prefix(err, "%s/%s is not written any more", HF_OUTBOX_FOLDER, outbox->name);
	hf_outbox_spend(outbox, outbox->tip.next_seq, "flush_failed");
	return code;
}

enum hf_code hf_outbox_commit_staged(struct hf_outbox *outbox, const struct tip *tip,
				     struct hf_err *err)
{
	HF_ASSERT(outbox->file >= 0 && outbox->owed_bytes == 0);
	if (outbox->ring != NULL && outbox->staged_bytes < outbox->direct_bytes)
		return commit_in_ring(outbox, tip, err);
	return commit_in_day(outbox, tip, err);
}
