/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: before a new file is begun, the old one is flushed. Where that fails, or failed before,
 * the new one begins with the lines that the ring has and the old file has not safely. Then comes
 * its header. All of it is flushed, and the folder, before any line is committed behind it; so
 * lines that only the ring has always belong to the newest file.
 */
#include "base/assert.h"
#include "outbox/writer_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RETRY_MS = 1000,
	ROOM_BYTES = 64 * 1024, /* below that a new file is not even tried */
	NAMES_MAX = 10000,      /* DATE.k.jsonl */
};

/* ---- which file is the newest ---- */

uint64_t hf_outbox_names_hash(const struct hf_files *files)
{
	uint64_t sum = 0;

	/* A sum: the order in which a folder is listed means nothing. */
	for (size_t i = 0; i < files->count; i++) {
		uint64_t hash = UINT64_C(0xcbf29ce484222325);

		for (const char *at = files->list[i].name; *at != '\0'; at++)
			hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
		sum += hash;
	}
	return sum;
}

enum hf_code hf_outbox_note_newest(struct hf_outbox *outbox, struct hf_err *err)
{
	struct hf_files files;
	char text[128];
	enum hf_code code = hf_files_names(outbox->disk, HF_OUTBOX_FOLDER, &files, err);

	if (code != HF_OK)
		return code;
	(void)snprintf(text, sizeof text, "%s %llu %zu %016llx\n", outbox->name,
		       (unsigned long long)outbox->order_seq, files.count,
		       (unsigned long long)hf_outbox_names_hash(&files));
	hf_files_free(&files);
	return hf_disk_text_replace(outbox->disk, NEWEST_PATH, text, err);
}

/* ---- a new file ---- */

/* The first name of the day that is free. */
static enum hf_code choose_name(struct hf_outbox *outbox, char ret_name[HF_FILE_NAME_BYTES],
				struct hf_err *err)
{
	char day[HF_DAY_TEXT_BYTES], path[HF_DISK_PATH_BYTES];
	int file;

	hf_wall_day(hf_wall_now(outbox->clock), day);
	for (int k = 0; k < NAMES_MAX; k++) {
		if (k == 0)
			(void)snprintf(ret_name, HF_FILE_NAME_BYTES, "%s.jsonl", day);
		else
			(void)snprintf(ret_name, HF_FILE_NAME_BYTES, "%s.%d.jsonl", day, k);
		hf_file_path(HF_OUTBOX_FOLDER, ret_name, path);
		enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, err);
		if (code == HF_E_NOENT)
			return HF_OK;
		if (code != HF_OK)
			return code;
		hf_disk_close(outbox->disk, file);
	}
	return hf_fail(err, HF_E_LIMIT, "%s: %d files of the day %s", HF_OUTBOX_FOLDER, NAMES_MAX,
		       day);
}

static enum hf_code room_for_file(struct hf_outbox *outbox, struct hf_err *err)
{
	uint64_t free_bytes;
	enum hf_code code = hf_disk_free_space(outbox->disk, &free_bytes, err);

	if (code != HF_OK || free_bytes >= ROOM_BYTES)
		return code;
	if (hf_outbox_ballast_release(outbox))
		return HF_OK;
	return hf_fail(err, HF_E_NOSPACE, "disk full: no room for a new file in %s",
		       HF_OUTBOX_FOLDER);
}

/* A file begun in good order is a chance to have a ring again. Its content is replaced, so
 * nothing may be left that only the old one has. */
static void make_ring(struct hf_outbox *outbox, const struct carry *carry)
{
	struct hf_err why;

	if (outbox->wanted != HF_COMMIT_RING || outbox->ring != NULL || carry->count != 0 ||
	    outbox->ring_failure[0] != '\0')
		return;
	if (hf_commit_ring_open(outbox->disk, HF_OUTBOX_FOLDER, outbox->ring_bytes, NULL,
				&outbox->ring, &why) == HF_OK)
		return;
	outbox->counters.ring_failures++;
	(void)snprintf(outbox->ring_failure, sizeof outbox->ring_failure, "%.*s", WHY_BYTES - 1,
		       why.text);
}

static enum hf_code stage_beginning(struct hf_outbox *outbox, const char *reason,
				    const struct carry *carry, struct tip *tip, struct hf_err *err)
{
	struct hf_file header = {
		.first_seq = carry->count > 0 ? carry->list[0].seq : tip->next_seq,
		.previous_seq = outbox->flushed.seq,
		.carried = carry->count,
		.by_ring = outbox->ring != NULL,
	};

	memcpy(header.previous, outbox->name, sizeof header.previous);
	(void)snprintf(header.previous_crc32c, sizeof header.previous_crc32c, "%08x",
		       outbox->flushed.crc32c);
	outbox->staged_bytes = 0;
	enum hf_code code = hf_outbox_stage_header(outbox, reason, &header, tip, err);
	return code != HF_OK ? code : hf_outbox_stage_pending(outbox, tip, err);
}

/* On return the file holds ret_before bytes of carried lines and, behind them, what is staged. It
 * has its name only when that is safe: a beginning that was cut short, with some of its lines and
 * without others, would be taken for a file that was in use and has rotted. */
static enum hf_code write_beginning(struct hf_outbox *outbox, const struct carry *carry, int file,
				    const char *path, uint64_t *ret_before, struct hf_err *err)
{
	enum hf_code code = hf_carry_write(outbox, carry, file, ret_before, err);

	/* A header says that what stands before it is whole. */
	if (code == HF_OK && carry->count > 0)
		code = hf_disk_sync(outbox->disk, file, err);
	if (code == HF_OK && outbox->ring != NULL)
		hf_outbox_pad_staged(outbox, *ret_before);
	if (code == HF_OK)
		code = hf_disk_write(outbox->disk, file, *ret_before, outbox->staged,
				     outbox->staged_bytes, err);
	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, file, err);
	if (code == HF_OK)
		code = hf_disk_rename(outbox->disk, NEXT_PATH, path, err);
	if (code == HF_OK)
		code = hf_disk_folder_sync(outbox->disk, HF_OUTBOX_FOLDER, err);
	return code;
}

/* The file is whole and safe: it is the one in use. */
static void take_file(struct hf_outbox *outbox, int file, const char *name, uint64_t before_bytes,
		      const struct tip *tip)
{
	struct hf_err ignored;

	if (outbox->file >= 0 && outbox->room_to > outbox->offset)
		(void)!hf_disk_truncate(outbox->disk, outbox->file, outbox->offset, &ignored);
	hf_disk_close(outbox->disk, outbox->file);
	memcpy(outbox->before, outbox->name, sizeof outbox->before);
	outbox->before_end = outbox->flushed;
	outbox->file = file;
	outbox->room_to = 0;
	memcpy(outbox->name, name, sizeof outbox->name);
	outbox->order_seq = outbox->tip.next_seq;
	outbox->offset = before_bytes;
	outbox->newest_noted = false;
	outbox->day_settled = -1;
	outbox->hole_reason = "line_damaged";
	outbox->next_reason = "spent";
	outbox->down_code = HF_OK;
	hf_outbox_settle(outbox, tip);
	outbox->flushed = (struct safe){ .seq = outbox->tip.last_seq,
					 .crc32c = outbox->tip.last_crc32c,
					 .offset = outbox->offset };
	outbox->visible.flushed = outbox->offset;
}

/* One that is there was cut short, or its flush failed: it is not written again. */
static enum hf_code create_next(struct hf_outbox *outbox, int *ret_file, struct hf_err *err)
{
	enum hf_code code = hf_disk_unlink(outbox->disk, NEXT_PATH, err);

	if (code != HF_OK && code != HF_E_NOENT)
		return code;
	return hf_disk_open(outbox->disk, NEXT_PATH, HF_DISK_CREATE, ret_file, err);
}

static enum hf_code begin_file(struct hf_outbox *outbox, const char *reason,
			       const struct carry *carry, struct hf_err *err)
{
	char name[HF_FILE_NAME_BYTES], path[HF_DISK_PATH_BYTES];
	struct tip tip = outbox->tip;
	struct hf_err ignored;
	uint64_t before_bytes = 0;
	int file = -1;

	make_ring(outbox, carry);
	enum hf_code code = stage_beginning(outbox, reason, carry, &tip, err);
	/* A note of names that were removed since would fit again, should this file take one of
	 * them and the power go before it is noted. */
	if (code == HF_OK && !outbox->newest_noted && outbox->name[0] != '\0')
		code = hf_outbox_note_newest(outbox, err);
	if (code == HF_OK)
		code = hf_outbox_reserve(outbox, tip.next_seq, err);
	if (code == HF_OK)
		code = choose_name(outbox, name, err);
	if (code == HF_OK)
		code = create_next(outbox, &file, err);
	if (code != HF_OK)
		return code;
	hf_file_path(HF_OUTBOX_FOLDER, name, path);
	code = write_beginning(outbox, carry, file, path, &before_bytes, err);
	if (code == HF_OK) {
		take_file(outbox, file, name, before_bytes, &tip);
		return HF_OK;
	}
	hf_disk_close(outbox->disk, file);
	(void)!hf_disk_unlink(outbox->disk, NEXT_PATH, &ignored);
	(void)!hf_disk_unlink(outbox->disk, path, &ignored);
	hf_outbox_spend(outbox, tip.next_seq, "flush_failed");
	return hf_err_prefix(err, "open %s", path);
}

enum hf_code hf_outbox_open_next(struct hf_outbox *outbox, const char *reason, struct hf_err *err)
{
	struct carry carry = { 0 };
	struct hf_err ignored;

	HF_ASSERT(outbox->owed_bytes == 0);
	enum hf_code code = room_for_file(outbox, err);

	/* Where it cannot be flushed it is spent, and what the ring has of it is carried on. */
	if (code == HF_OK && outbox->file >= 0 && hf_outbox_flush_day(outbox, &ignored) != HF_OK)
		reason = "flush_failed";
	if (code == HF_OK && outbox->flushed.seq < outbox->tip.last_seq)
		code = hf_carry_collect(outbox, &carry, err);
	if (code == HF_OK)
		code = begin_file(outbox, reason, &carry, err);
	hf_carry_free(&carry);
	outbox->staged_bytes = 0;
	if (code != HF_OK) {
		outbox->down_code = code;
		outbox->retry_at = hf_mono_add_ms(hf_mono_now(outbox->clock), RETRY_MS);
	}
	return code;
}

/* Why the next line belongs into another file; NULL: it does not. */
static const char *rotation_due(struct hf_outbox *outbox)
{
	const int64_t day_ms = INT64_C(24) * 3600 * 1000;
	struct hf_wall now = hf_wall_now(outbox->clock);
	char today[HF_DAY_TEXT_BYTES], tomorrow[HF_DAY_TEXT_BYTES];

	/* Asked for each batch. */
	if (now.ms / day_ms == outbox->day_settled)
		return NULL;
	hf_wall_day(now, today);
	hf_wall_day((struct hf_wall){ .ms = now.ms + day_ms }, tomorrow);
	int order = strncmp(today, outbox->name, HF_DAY_TEXT_BYTES - 1);
	if (order > 0)
		return "day";
	/* Back over midnight is no reason. A day in the future, once the clock is
	 * right, was opened under a clock that was wrong. */
	if (strncmp(tomorrow, outbox->name, HF_DAY_TEXT_BYTES - 1) < 0)
		return strcmp(outbox->clock_trust(), "synced") == 0 ? "clock" : NULL;
	outbox->day_settled = now.ms / day_ms;
	return NULL;
}

enum hf_code hf_outbox_ready_file(struct hf_outbox *outbox, struct hf_err *err)
{
	bool wait = hf_mono_before(hf_mono_now(outbox->clock), outbox->retry_at);

	if (outbox->file < 0) {
		if (wait)
			return hf_fail(err, outbox->down_code,
				       "the outbox is closed until a new file can be opened");
		return hf_outbox_open_next(outbox, outbox->next_reason, err);
	}
	const char *reason = rotation_due(outbox);
	if (reason == NULL || wait)
		return HF_OK;
	enum hf_code code = hf_outbox_open_next(outbox, reason, err);
	/* Still in the old file: better than not at all. */
	return outbox->file >= 0 ? HF_OK : code;
}
