/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: lines are staged in memory on top of a copy of the tip (next number,
 * chain), written at the committed offset with one write, and flushed once.
 * Only then the tip moves. So a batch that fails leaves nothing behind in
 * memory, and on disk only bytes behind the committed offset.
 *
 * How it fails
 *   disk full      The file is cut back to the committed offset and stays in
 *                  use; the ballast is given up first, once.
 *   write or flush The file is spent. What of the batch is stored nobody can
 *   fails          say, so its numbers are passed over and its events go to a
 *                  new file; that file's header ends the old one at its last
 *                  committed line.
 *   a new file     Its name is removed if that works. If it comes back after a
 *   fails          power cut, the header of the next one ends it before its
 *                  first line. The old file stays spent: a header that says
 *                  where it ended may already be on disk.
 *   numbers cannot No line is written: without a floor, the loss of the newest
 *   be reserved    file would let numbers be used twice.
 */
#include "outbox/writer.h"

#include "base/assert.h"
#include "base/json.h"
#include "outbox/cursor.h"
#include "outbox/writer_inner.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NEW_FILE_RETRY_MS = 1000,
	NEW_FILE_ROOM_BYTES = 64 * 1024, /* below that a new file is not even tried */
	NAMES_MAX = 10000,               /* DATE.k.jsonl */
	BALLAST_PIECE_BYTES = 64 * 1024,
	BALLAST_ROOM_FACTOR = 4,
};

/* JSON holds integers up to 2^53. Whoever opens with less than 2^32 below has enough for one run. */
static const uint64_t seq_last = (UINT64_C(1) << 53) - (UINT64_C(1) << 32);

/* One offer on its way: its place among the results, its parsed origin. */
struct staged_offer {
	size_t index;
	struct hf_origin origin;
	uint64_t local_seq;
};

struct batch {
	const struct hf_offer *const *offers;
	size_t count;
	struct hf_outbox_result *results;
	struct hf_origin origins[HF_OUTBOX_BATCH_MAX];
	size_t staged_count;
	struct staged_offer staged[HF_OUTBOX_BATCH_MAX];
	struct tip tip;
};

void hf_outbox_note_gap(struct hf_outbox *outbox, uint64_t from, uint64_t through,
			const char *reason)
{
	struct gap *last = outbox->gap_count > 0 ? &outbox->gaps[outbox->gap_count - 1] : NULL;

	HF_ASSERT(from > 0 && from <= through);
	for (size_t i = 0; i < outbox->gap_count; i++)
		if (outbox->gaps[i].from <= from && outbox->gaps[i].through >= through)
			return;
	bool touches = last != NULL && from <= last->through + 1 && last->from <= through + 1;
	if (touches || outbox->gap_count == GAPS_MAX) {
		last->from = from < last->from ? from : last->from;
		last->through = through > last->through ? through : last->through;
		return;
	}
	last = &outbox->gaps[outbox->gap_count++];
	*last = (struct gap){ .from = from, .through = through };
	(void)snprintf(last->reason, sizeof last->reason, "%s", reason);
}

/* The file is not touched again. Numbers that may stand behind its committed end are passed over. */
static void spend(struct hf_outbox *outbox, uint64_t next_seq_tried)
{
	if (outbox->file >= 0) {
		hf_disk_close(outbox->disk, outbox->file);
		outbox->file = -1;
		outbox->counters.files_spent++;
	}
	if (next_seq_tried > outbox->tip.next_seq) {
		hf_outbox_note_gap(outbox, outbox->tip.next_seq, next_seq_tried - 1,
				   "flush_failed");
		outbox->tip.next_seq = next_seq_tried;
	}
}

static bool release_ballast(struct hf_outbox *outbox)
{
	struct hf_err ignored;

	if (outbox->ballast_bytes == 0 || outbox->counters.ballast_released)
		return false;
	outbox->counters.ballast_released = true;
	return hf_disk_unlink(outbox->disk, BALLAST_PATH, &ignored) == HF_OK &&
	       hf_disk_folder_sync(outbox->disk, BALLAST_FOLDER, &ignored) == HF_OK;
}

/* Numbers below next_seq may be used. */
static enum hf_code reserve(struct hf_outbox *outbox, uint64_t next_seq, struct hf_err *err)
{
	if (next_seq <= outbox->reserved + 1)
		return HF_OK;
	uint64_t reserved = next_seq - 1 + HF_OUTBOX_RESERVE;
	enum hf_code code;
	do {
		code = hf_cursor_store(outbox->disk, RESERVED_PATH, reserved, err);
	} while (code == HF_E_NOSPACE && release_ballast(outbox));
	if (code == HF_OK)
		outbox->reserved = reserved;
	return code;
}

static enum hf_code stage_line(struct hf_outbox *outbox, const struct hf_offer *offer,
			       struct tip *tip, struct hf_err *err)
{
	struct hf_line line;
	uint8_t chain_previous[HF_CHAIN_BYTES];
	struct hf_line_stamp stamp = {
		.device_id = outbox->device_id,
		.epoch = outbox->epoch,
		.local_seq = tip->next_seq,
		.chain_previous = chain_previous,
	};

	memcpy(chain_previous, tip->chain, sizeof chain_previous);
	enum hf_code code =
		hf_line_make(offer, &stamp, outbox->staged + outbox->staged_bytes, &line, err);
	if (code != HF_OK)
		return code;
	outbox->staged_bytes += line.size_bytes;
	tip->last_seq = tip->next_seq++;
	tip->last_crc32c = line.crc32c;
	memcpy(tip->chain, line.chain, sizeof tip->chain);
	return HF_OK;
}

/* An event of the outbox about itself. attrs is a whole JSON object. */
static enum hf_code stage_own(struct hf_outbox *outbox, const char *event_class, const char *attrs,
			      struct tip *tip, struct hf_err *err)
{
	struct hf_offer offer;
	struct hf_event event = {
		.event_class = event_class,
		.captured_wall = hf_wall_now(outbox->clock),
		.captured_mono = hf_mono_now(outbox->clock),
		.clock = outbox->clock_trust(),
		.state = outbox->state,
		.attrs = attrs,
	};
	struct hf_origin origin = {
		.boot = outbox->boot,
		.run = outbox->run,
		.n = tip->next_seq,
		.producer = 'k',
	};
	enum hf_code code = hf_offer_make(&event, &outbox->context, &origin, &offer, err);

	return code != HF_OK ? code : stage_line(outbox, &offer, tip, err);
}

static enum hf_code stage_gap(struct hf_outbox *outbox, const struct gap *gap, struct tip *tip,
			      struct hf_err *err)
{
	char attrs[256];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_u64(&json, "from", gap->from);
	hf_json_put_u64(&json, "through", gap->through);
	hf_json_put_text(&json, "reason", gap->reason);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	return code != HF_OK ? code : stage_own(outbox, HF_CLASS_GAP, attrs, tip, err);
}

static enum hf_code stage_count(struct hf_outbox *outbox, const char *event_class, const char *key,
				uint64_t count, struct tip *tip, struct hf_err *err)
{
	char attrs[256];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "file", outbox->name);
	hf_json_put_u64(&json, key, count);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	return code != HF_OK ? code : stage_own(outbox, event_class, attrs, tip, err);
}

static enum hf_code stage_own_pending(struct hf_outbox *outbox, struct tip *tip, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	for (size_t i = 0; code == HF_OK && i < outbox->gap_count; i++)
		code = stage_gap(outbox, &outbox->gaps[i], tip, err);
	if (code == HF_OK && outbox->cut_bytes != 0)
		code = stage_count(outbox, HF_CLASS_TORN, "bytes", outbox->cut_bytes, tip, err);
	if (code == HF_OK && outbox->rot_lines != 0)
		code = stage_count(outbox, HF_CLASS_ROT, "lines_bad", outbox->rot_lines, tip, err);
	return code;
}

static bool has_own_pending(const struct hf_outbox *outbox)
{
	return outbox->gap_count != 0 || outbox->cut_bytes != 0 || outbox->rot_lines != 0;
}

/* The staged lines are on disk. */
static void commit(struct hf_outbox *outbox, const struct tip *tip)
{
	struct hf_err ignored;

	outbox->tip = *tip;
	outbox->offset += outbox->staged_bytes;
	outbox->counters.bytes += outbox->staged_bytes;
	outbox->counters.commits++;
	outbox->staged_bytes = 0;
	outbox->gap_count = 0;
	outbox->cut_bytes = 0;
	outbox->rot_lines = 0;
	/* Should it survive, the next start finds the event and removes it then. */
	if (outbox->gap_noted && hf_disk_unlink(outbox->disk, GAP_PATH, &ignored) == HF_OK)
		outbox->gap_noted = false;
	if (!outbox->newest_noted) {
		char text[HF_FILE_NAME_BYTES + 1];

		(void)snprintf(text, sizeof text, "%s\n", outbox->name);
		outbox->newest_noted =
			hf_disk_text_replace(outbox->disk, NEWEST_PATH, text, &ignored) == HF_OK;
	}
}

/* HF_E_NOSPACE: cut back, the file stays in use. Anything else: the file is spent. */
static enum hf_code flush_staged(struct hf_outbox *outbox, const struct tip *tip,
				 struct hf_err *err)
{
	struct hf_disk *disk = outbox->disk;
	enum hf_code code;

	do {
		code = hf_disk_write(disk, outbox->file, outbox->offset, outbox->staged,
				     outbox->staged_bytes, err);
		if (code != HF_E_NOSPACE)
			break;
		struct hf_err ignored;
		if (hf_disk_truncate(disk, outbox->file, outbox->offset, &ignored) != HF_OK) {
			spend(outbox, tip->next_seq);
			return code;
		}
	} while (release_ballast(outbox));
	if (code == HF_E_NOSPACE)
		return code;
	if (code == HF_OK)
		code = hf_disk_sync(disk, outbox->file, err);
	if (code == HF_OK) {
		commit(outbox, tip);
		return HF_OK;
	}
	spend(outbox, tip->next_seq);
	(void)hf_err_prefix(err, "%s/%s is not written any more", HF_OUTBOX_FOLDER, outbox->name);
	return HF_E_IO;
}

static enum hf_code create_file(struct hf_outbox *outbox, int *ret_file,
				char ret_name[HF_FILE_NAME_BYTES], struct hf_err *err)
{
	char day[HF_DAY_TEXT_BYTES], path[HF_DISK_PATH_BYTES];

	hf_wall_day(hf_wall_now(outbox->clock), day);
	for (int k = 0; k < NAMES_MAX; k++) {
		if (k == 0)
			(void)snprintf(ret_name, HF_FILE_NAME_BYTES, "%s.jsonl", day);
		else
			(void)snprintf(ret_name, HF_FILE_NAME_BYTES, "%s.%d.jsonl", day, k);
		hf_file_path(HF_OUTBOX_FOLDER, ret_name, path);
		enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_CREATE, ret_file, err);
		if (code != HF_E_INVALID)
			return code;
	}
	return hf_fail(err, HF_E_LIMIT, "%s: %d files of the day %s", HF_OUTBOX_FOLDER, NAMES_MAX,
		       day);
}

static enum hf_code stage_header(struct hf_outbox *outbox, const char *reason, struct tip *tip,
				 struct hf_err *err)
{
	char attrs[512], crc[16];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	bool first = tip->last_seq == 0;

	(void)snprintf(crc, sizeof crc, "%08x", tip->last_crc32c);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "first_seq", tip->next_seq);
	hf_json_put_text(&json, "previous", outbox->name[0] == '\0' ? NULL : outbox->name);
	hf_json_put_u64(&json, "previous_seq", tip->last_seq);
	hf_json_put_text(&json, "previous_crc32c", first ? NULL : crc);
	hf_json_put_text(&json, "reason", reason);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	code = stage_own(outbox, HF_CLASS_FILE_OPENED, attrs, tip, err);
	return code != HF_OK ? code : stage_own_pending(outbox, tip, err);
}

static enum hf_code write_new(struct hf_outbox *outbox, int file, struct hf_err *err)
{
	enum hf_code code =
		hf_disk_write(outbox->disk, file, 0, outbox->staged, outbox->staged_bytes, err);

	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, file, err);
	if (code == HF_OK)
		code = hf_disk_folder_sync(outbox->disk, HF_OUTBOX_FOLDER, err);
	return code;
}

static enum hf_code room_for_file(struct hf_outbox *outbox, struct hf_err *err)
{
	uint64_t free_bytes;
	enum hf_code code = hf_disk_free_space(outbox->disk, &free_bytes, err);

	if (code != HF_OK || free_bytes >= NEW_FILE_ROOM_BYTES)
		return code;
	if (release_ballast(outbox))
		return HF_OK;
	return hf_fail(err, HF_E_NOSPACE, "disk full: no room for a new file in %s",
		       HF_OUTBOX_FOLDER);
}

/* A new file with its header. After a failure the old file is spent, unless
 * nothing of the new one can have reached the disk. */
static enum hf_code open_next(struct hf_outbox *outbox, const char *reason, struct hf_err *err)
{
	char name[HF_FILE_NAME_BYTES], path[HF_DISK_PATH_BYTES];
	struct tip tip = outbox->tip;
	struct hf_err ignored;
	int file = -1;
	enum hf_code code = room_for_file(outbox, err);

	outbox->staged_bytes = 0;
	if (code == HF_OK)
		code = stage_header(outbox, reason, &tip, err);
	if (code == HF_OK)
		code = reserve(outbox, tip.next_seq, err);
	if (code == HF_OK)
		code = create_file(outbox, &file, name, err);
	if (code != HF_OK)
		goto failed;

	code = write_new(outbox, file, err);
	if (code != HF_OK) {
		hf_disk_close(outbox->disk, file);
		hf_file_path(HF_OUTBOX_FOLDER, name, path);
		(void)!hf_disk_unlink(outbox->disk, path, &ignored);
		spend(outbox, tip.next_seq);
		(void)hf_err_prefix(err, "open %s", path);
		goto failed;
	}
	hf_disk_close(outbox->disk, outbox->file);
	outbox->file = file;
	memcpy(outbox->name, name, sizeof outbox->name);
	outbox->first_seq = outbox->tip.next_seq;
	outbox->offset = 0;
	outbox->newest_noted = false;
	outbox->down_code = HF_OK;
	commit(outbox, &tip);
	return HF_OK;

failed:
	outbox->staged_bytes = 0;
	outbox->down_code = code;
	outbox->retry_at = hf_mono_add_ms(hf_mono_now(outbox->clock), NEW_FILE_RETRY_MS);
	return code;
}

/* Why the next line belongs into another file; NULL: it does not. */
static const char *rotation_due(const struct hf_outbox *outbox)
{
	const int64_t day_ms = INT64_C(24) * 3600 * 1000;
	struct hf_wall now = hf_wall_now(outbox->clock);
	char today[HF_DAY_TEXT_BYTES], tomorrow[HF_DAY_TEXT_BYTES];

	hf_wall_day(now, today);
	hf_wall_day((struct hf_wall){ .ms = now.ms + day_ms }, tomorrow);
	int order = strncmp(today, outbox->name, HF_DAY_TEXT_BYTES - 1);
	if (order > 0)
		return "day";
	/* Back over midnight is no reason. A day in the future, once the clock is
	 * right, was opened under a clock that was wrong. */
	if (strncmp(tomorrow, outbox->name, HF_DAY_TEXT_BYTES - 1) < 0 &&
	    strcmp(outbox->clock_trust(), "synced") == 0)
		return "clock";
	return NULL;
}

static enum hf_code ready_file(struct hf_outbox *outbox, struct hf_err *err)
{
	bool wait = hf_mono_before(hf_mono_now(outbox->clock), outbox->retry_at);

	if (outbox->file < 0) {
		if (wait)
			return hf_fail(err, outbox->down_code,
				       "the outbox is closed until a new file can be opened");
		return open_next(outbox, outbox->name[0] == '\0' ? "first" : "spent", err);
	}
	const char *reason = rotation_due(outbox);
	if (reason == NULL || wait)
		return HF_OK;
	enum hf_code code = open_next(outbox, reason, err);
	/* Still in the old file: better than not at all. */
	return outbox->file >= 0 ? HF_OK : code;
}

/* Answer what needs no disk: offers that are not valid, and those that have a number. */
static size_t answer_known(struct hf_outbox *outbox, struct batch *batch)
{
	size_t unknown = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct hf_outbox_result *result = &batch->results[i];
		struct hf_err ignored;

		*result = (struct hf_outbox_result){ .code = hf_offer_check(batch->offers[i],
									    &ignored) };
		if (result->code == HF_OK)
			result->code = hf_origin_parse(batch->offers[i]->origin, &batch->origins[i],
						       &ignored);
		if (result->code != HF_OK)
			continue;
		result->local_seq = hf_origins_find(&outbox->origins, &batch->origins[i]);
		result->duplicate = result->local_seq != 0;
		if (result->duplicate)
			outbox->counters.duplicates++;
		else
			unknown++;
	}
	return unknown;
}

static const struct staged_offer *find_staged(const struct batch *batch,
					      const struct hf_origin *origin)
{
	for (size_t i = 0; i < batch->staged_count; i++)
		if (hf_origin_equal(&batch->staged[i].origin, origin))
			return &batch->staged[i];
	return NULL;
}

/* The pending events of the outbox itself, then every offer without an answer. An offer
 * that makes no line is answered here. */
static enum hf_code stage_batch(struct hf_outbox *outbox, struct batch *batch, struct hf_err *err)
{
	outbox->staged_bytes = 0;
	batch->staged_count = 0;
	batch->tip = outbox->tip;
	enum hf_code code = stage_own_pending(outbox, &batch->tip, err);
	if (code != HF_OK)
		return code;
	for (size_t i = 0; i < batch->count; i++) {
		struct hf_outbox_result *result = &batch->results[i];
		struct hf_err ignored;

		/* Twice in one batch: its producer offered again before the answer came. */
		if (result->code != HF_OK || result->duplicate ||
		    find_staged(batch, &batch->origins[i]) != NULL)
			continue;
		struct staged_offer *staged = &batch->staged[batch->staged_count];
		*staged = (struct staged_offer){ .index = i,
						 .origin = batch->origins[i],
						 .local_seq = batch->tip.next_seq };
		result->code = stage_line(outbox, batch->offers[i], &batch->tip, &ignored);
		if (result->code == HF_OK)
			batch->staged_count++;
	}
	return HF_OK;
}

static void answer_stored(struct hf_outbox *outbox, struct batch *batch)
{
	for (size_t i = 0; i < batch->staged_count; i++) {
		const struct staged_offer *staged = &batch->staged[i];

		hf_origins_add(&outbox->origins, &staged->origin, staged->local_seq);
		batch->results[staged->index].local_seq = staged->local_seq;
		outbox->counters.events++;
	}
	for (size_t i = 0; i < batch->count; i++) {
		struct hf_outbox_result *result = &batch->results[i];

		if (result->code != HF_OK || result->local_seq != 0)
			continue;
		const struct staged_offer *twin = find_staged(batch, &batch->origins[i]);
		HF_ASSERT(twin != NULL);
		result->local_seq = twin->local_seq;
		result->duplicate = true;
		outbox->counters.duplicates++;
	}
}

static enum hf_code answer_failed(struct batch *batch, enum hf_code code)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->results[i].code == HF_OK && batch->results[i].local_seq == 0)
			batch->results[i].code = code;
	return code;
}

/* HF_E_IO: the file is spent and the batch is not stored anywhere that counts. */
static enum hf_code store_batch(struct hf_outbox *outbox, struct batch *batch, struct hf_err *err)
{
	enum hf_code code = stage_batch(outbox, batch, err);

	if (code == HF_OK && outbox->staged_bytes > 0) {
		code = reserve(outbox, batch->tip.next_seq, err);
		if (code == HF_OK)
			code = flush_staged(outbox, &batch->tip, err);
	}
	outbox->staged_bytes = 0;
	return code;
}

enum hf_code hf_outbox_append(struct hf_outbox *outbox, const struct hf_offer *const *offers,
			      size_t count, struct hf_outbox_result *ret_results,
			      struct hf_err *err)
{
	HF_ASSERT(count <= HF_OUTBOX_BATCH_MAX);
	struct batch batch = { .offers = offers, .count = count, .results = ret_results };

	if (answer_known(outbox, &batch) == 0 && !has_own_pending(outbox))
		return HF_OK;
	enum hf_code code = ready_file(outbox, err);
	if (code == HF_OK) {
		code = store_batch(outbox, &batch, err);
		if (code != HF_OK && outbox->file < 0) {
			code = open_next(outbox, "flush_failed", err);
			if (code == HF_OK)
				code = store_batch(outbox, &batch, err);
		}
	}
	if (code != HF_OK)
		return answer_failed(&batch, code);
	answer_stored(outbox, &batch);
	return HF_OK;
}

static void make_ballast(struct hf_outbox *outbox)
{
	static const char piece[BALLAST_PIECE_BYTES] = { '#' };
	struct hf_err ignored;
	uint64_t size = 0, free_bytes = 0;
	int file;

	if (outbox->ballast_bytes == 0 ||
	    hf_disk_free_space(outbox->disk, &free_bytes, &ignored) != HF_OK ||
	    hf_disk_folder_ensure(outbox->disk, BALLAST_FOLDER, &ignored) != HF_OK)
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
	if (free_bytes < BALLAST_ROOM_FACTOR * outbox->ballast_bytes ||
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

static enum hf_code outbox_new(struct hf_disk *disk, const struct hf_outbox_options *options,
			       struct hf_outbox **ret_outbox, struct hf_err *err)
{
	const size_t lines_max = HF_OUTBOX_BATCH_MAX + OWN_EVENTS_MAX + 1;

	if (options->device_id[0] == '\0' || strlen(options->device_id) >= HF_ID_BYTES ||
	    strlen(options->epoch) != HF_EPOCH_BYTES - 1)
		return hf_fail(err, HF_E_INVALID,
			       "device_id \"%.80s\" or epoch \"%.20s\" has the wrong length",
			       options->device_id, options->epoch);
	if (sodium_init() < 0)
		return hf_fail(err, HF_E_IO, "libsodium does not start");
	struct hf_outbox *outbox = calloc(1, sizeof *outbox);
	char *staged = malloc(lines_max * HF_LINE_BYTES_MAX);
	if (outbox == NULL || staged == NULL) {
		free(outbox);
		free(staged);
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	}
	outbox->disk = disk;
	(void)snprintf(outbox->device_id, sizeof outbox->device_id, "%s", options->device_id);
	(void)snprintf(outbox->epoch, sizeof outbox->epoch, "%s", options->epoch);
	outbox->context = options->context;
	outbox->boot = options->boot;
	outbox->run = options->run;
	outbox->clock = options->clock;
	outbox->clock_trust = options->clock_trust;
	outbox->ballast_bytes = options->ballast_bytes;
	outbox->state = HF_STATE_HEALTHY;
	outbox->counters.ballast_released = true;
	outbox->lock_file = -1;
	outbox->file = -1;
	outbox->staged = staged;
	*ret_outbox = outbox;
	return HF_OK;
}

/* A log that was damaged, or made by somebody, may name a number near the end of what JSON holds.
 * There is nothing above it to go on with. */
static enum hf_code check_numbers(const struct hf_outbox *outbox, struct hf_err *err)
{
	if (outbox->tip.next_seq <= seq_last)
		return HF_OK;
	return hf_fail(
		err, HF_E_LIMIT,
		"the log says that event %llu was stored, which cannot be, and leaves no number "
		"for the next: move outbox/ and meta/ aside and remove identity/epoch, so that "
		"counting begins anew",
		(unsigned long long)outbox->tip.next_seq - 1);
}

enum hf_code hf_outbox_open(struct hf_disk *disk, const struct hf_outbox_options *options,
			    struct hf_outbox **ret_outbox, struct hf_outbox_report *ret_report,
			    struct hf_err *err)
{
	struct hf_outbox *outbox = NULL;
	struct hf_outbox_report report = { 0 };
	struct hf_err ignored;
	enum hf_code code = outbox_new(disk, options, &outbox, err);

	if (code != HF_OK)
		return code;
	code = hf_disk_folder_ensure(disk, META_FOLDER, err);
	if (code == HF_OK)
		code = hf_disk_lock(disk, LOCK_PATH, &outbox->lock_file, err);
	if (code == HF_OK)
		code = hf_disk_folder_ensure(disk, HF_OUTBOX_FOLDER, err);
	if (code == HF_OK)
		code = hf_outbox_repair(outbox, options->committed, &report, err);
	if (code == HF_OK)
		code = check_numbers(outbox, err);
	if (code != HF_OK) {
		hf_outbox_close(outbox);
		return code;
	}
	make_ballast(outbox);
	/* The first header and what the repair found: now if the disk takes it, else with
	 * the first event. */
	if (outbox->file < 0)
		(void)!open_next(outbox, outbox->name[0] == '\0' ? "first" : "spent", &ignored);
	if (has_own_pending(outbox))
		(void)!hf_outbox_append(outbox, NULL, 0, NULL, &ignored);
	*ret_outbox = outbox;
	*ret_report = report;
	return HF_OK;
}

void hf_outbox_close(struct hf_outbox *outbox)
{
	if (outbox == NULL)
		return;
	hf_disk_close(outbox->disk, outbox->file);
	hf_disk_close(outbox->disk, outbox->lock_file);
	free(outbox->staged);
	free(outbox);
}

void hf_outbox_set_state(struct hf_outbox *outbox, enum hf_state state)
{
	outbox->state = state;
}

void hf_outbox_position(const struct hf_outbox *outbox, struct hf_watermark *ret_position)
{
	*ret_position = (struct hf_watermark){ .first_seq = outbox->first_seq,
					       .offset = outbox->offset,
					       .seq = outbox->tip.last_seq };
	memcpy(ret_position->file, outbox->name, sizeof ret_position->file);
}

const struct hf_outbox_counters *hf_outbox_counters(const struct hf_outbox *outbox)
{
	return &outbox->counters;
}

void hf_outbox_ballast_refill(struct hf_outbox *outbox)
{
	if (outbox->counters.ballast_released)
		make_ballast(outbox);
}
