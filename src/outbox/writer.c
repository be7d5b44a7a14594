/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: lines are staged in memory on top of a copy of the tip (next number, chain). Then
 * commit.c makes them safe, and only then the tip moves. So a batch that fails leaves nothing
 * behind in memory, and on disk only bytes behind the committed offset.
 *
 * How it fails
 *   disk full      Nothing was written to the ring: the day file has room reserved before the ring
 *                  is asked. The ballast is given up first, once.
 *   write or flush The file is spent. What is safe in the ring, answered or not, goes into a new
 *   of the day     file under its own numbers. Of the batch in hand nobody can say what is stored, so its
 *   file fails     numbers are passed over; the new file's header ends the old one at its last
 *                  safe line.
 *   the ring fails The day file is flushed, and a new one is opened whose header makes whatever
 *                  the ring may hold void. From there on the day file is flushed each time.
 *   a new file     Its name is removed if that works. If it comes back after a power cut, the
 *   fails          header of the next one ends it before its first line. The old file stays spent:
 *                  a header that says where it ended may already be on disk.
 *   numbers cannot No line is written: without a floor, the loss of the newest file would let
 *   be reserved    numbers be used twice.
 */
#include "outbox/writer.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/json.h"
#include "outbox/cursor.h"
#include "outbox/writer_inner.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	struct gap *gap;

	HF_ASSERT(from > 0 && from <= through);
	for (size_t i = 0; i < outbox->gap_count; i++) {
		gap = &outbox->gaps[i];
		if (from > gap->through + 1 || gap->from > through + 1)
			continue;
		gap->from = from < gap->from ? from : gap->from;
		gap->through = through > gap->through ? through : gap->through;
		return;
	}
	if (outbox->gap_count == GAPS_MAX) {
		gap = &outbox->gaps[GAPS_MAX - 1];
		gap->from = from < gap->from ? from : gap->from;
		gap->through = through > gap->through ? through : gap->through;
		return;
	}
	gap = &outbox->gaps[outbox->gap_count++];
	*gap = (struct gap){ .from = from, .through = through };
	(void)snprintf(gap->reason, sizeof gap->reason, "%s", reason);
}

/* Numbers below next_seq may be used. */
enum hf_code hf_outbox_reserve(struct hf_outbox *outbox, uint64_t next_seq, struct hf_err *err)
{
	if (next_seq <= outbox->reserved + 1)
		return HF_OK;
	uint64_t reserved = next_seq - 1 + HF_OUTBOX_RESERVE;
	enum hf_code code;
	do {
		code = hf_cursor_store(outbox->disk, RESERVED_PATH, reserved, err);
	} while (code == HF_E_NOSPACE && hf_outbox_ballast_release(outbox));
	if (code == HF_OK)
		outbox->reserved = reserved;
	return code;
}

/* Of an offer that was checked. */
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
	enum hf_code code = hf_line_make_checked(offer, &stamp,
						 outbox->staged + outbox->staged_bytes, &line, err);
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

	if (code == HF_OK)
		code = hf_offer_check(&offer, err);
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

static enum hf_code stage_ring_failure(struct hf_outbox *outbox, struct tip *tip,
				       struct hf_err *err)
{
	char attrs[512];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "why", outbox->ring_failure);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	return code != HF_OK ? code : stage_own(outbox, HF_CLASS_RING_FAILED, attrs, tip, err);
}

enum hf_code hf_outbox_stage_pending(struct hf_outbox *outbox, struct tip *tip, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	for (size_t i = 0; code == HF_OK && i < outbox->gap_count; i++)
		code = stage_gap(outbox, &outbox->gaps[i], tip, err);
	if (code == HF_OK && outbox->cut_bytes != 0)
		code = stage_count(outbox, HF_CLASS_TORN, "bytes", outbox->cut_bytes, tip, err);
	if (code == HF_OK && outbox->rot_lines != 0)
		code = stage_count(outbox, HF_CLASS_ROT, "lines_bad", outbox->rot_lines, tip, err);
	if (code == HF_OK && outbox->ring_failure[0] != '\0')
		code = stage_ring_failure(outbox, tip, err);
	if (code == HF_OK && outbox->redrawn[0] != '\0')
		code = stage_own(outbox, HF_CLASS_REDRAWN, outbox->redrawn, tip, err);
	return code;
}

enum hf_code hf_outbox_stage_header(struct hf_outbox *outbox, const char *reason,
				    const struct hf_file *header, struct tip *tip,
				    struct hf_err *err)
{
	char attrs[512];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	bool first = header->previous_seq == 0;

	hf_json_object_open(&json);
	hf_json_put_u64(&json, "first_seq", header->first_seq);
	hf_json_put_text(&json, "previous", header->previous[0] == '\0' ? NULL : header->previous);
	hf_json_put_u64(&json, "previous_seq", header->previous_seq);
	hf_json_put_text(&json, "previous_crc32c", first ? NULL : header->previous_crc32c);
	if (header->carried != 0)
		hf_json_put_u64(&json, "carried", header->carried);
	hf_json_put_text(&json, "commit", header->by_ring ? "ring" : "file");
	hf_json_put_text(&json, "reason", reason);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	return code != HF_OK ? code : stage_own(outbox, HF_CLASS_FILE_OPENED, attrs, tip, err);
}

static bool has_own_pending(const struct hf_outbox *outbox)
{
	return outbox->gap_count != 0 || outbox->cut_bytes != 0 || outbox->rot_lines != 0 ||
	       outbox->ring_failure[0] != '\0' || outbox->redrawn[0] != '\0';
}

/* An offer of this run is new as long as nobody has stored one before; any other may be one that is
 * made again, and has the number that it was given. */
static enum hf_code recall_for(struct hf_outbox *outbox, const struct hf_offer *const *offers,
			       size_t count, struct hf_err *err)
{
	bool needed = count > 0 && !outbox->first_of_run;
	struct hf_origin origin;
	struct hf_err ignored;

	if (!outbox->recall_due)
		return HF_OK;
	for (size_t i = 0; i < count && !needed; i++)
		needed = hf_offer_check_origin(offers[i], &origin, &ignored) == HF_OK &&
			 (origin.boot != outbox->boot || origin.run != outbox->run);
	return needed ? hf_outbox_recall(outbox, err) : HF_OK;
}

/* Answer what needs no disk: offers that are not valid, and those that have a number. */
static size_t answer_known(struct hf_outbox *outbox, struct batch *batch)
{
	size_t unknown = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct hf_outbox_result *result = &batch->results[i];
		struct hf_err ignored;

		*result = (struct hf_outbox_result){ .code = hf_offer_check_origin(
							     batch->offers[i], &batch->origins[i],
							     &ignored) };
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
	enum hf_code code = hf_outbox_stage_pending(outbox, &batch->tip, err);
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

static enum hf_code answer_unknown(struct batch *batch, enum hf_code code)
{
	for (size_t i = 0; i < batch->count; i++)
		batch->results[i] = (struct hf_outbox_result){ .code = code };
	return code;
}

/* HF_E_IO: the file is spent and the batch is not stored anywhere that counts. */
static enum hf_code store_batch(struct hf_outbox *outbox, struct batch *batch, struct hf_err *err)
{
	enum hf_code code = stage_batch(outbox, batch, err);

	if (code == HF_OK && outbox->staged_bytes > 0) {
		code = hf_outbox_reserve(outbox, batch->tip.next_seq, err);
		if (code == HF_OK)
			code = hf_outbox_commit_staged(outbox, &batch->tip, err);
	}
	outbox->staged_bytes = 0;
	return code;
}

/* What is owed is written; where the file fails, another one shows the lines. */
static enum hf_code show(struct hf_outbox *outbox, struct hf_err *err)
{
	enum hf_code code = hf_outbox_show_owed(outbox, err);

	if (outbox->file < 0 && code != HF_OK)
		code = hf_outbox_open_next(outbox, "flush_failed", err);
	return code;
}

enum hf_code hf_outbox_show(struct hf_outbox *outbox, struct hf_err *err)
{
	enum hf_code code = show(outbox, err);

	/* Not the first attempt: not more often than a new file may be tried. */
	if (code == HF_OK && outbox->file < 0 && outbox->visible.seq < outbox->tip.last_seq)
		code = hf_outbox_ready_file(outbox, err);
	return code;
}

enum hf_code hf_outbox_append(struct hf_outbox *outbox, const struct hf_offer *const *offers,
			      size_t count, struct hf_outbox_result *ret_results,
			      struct hf_err *err)
{
	struct hf_err ignored;
	enum hf_code code = hf_outbox_store(outbox, offers, count, ret_results, err);

	(void)!show(outbox, &ignored);
	return code;
}

enum hf_code hf_outbox_store(struct hf_outbox *outbox, const struct hf_offer *const *offers,
			     size_t count, struct hf_outbox_result *ret_results, struct hf_err *err)
{
	HF_ASSERT(count <= HF_OUTBOX_BATCH_MAX);
	struct batch batch;
	struct hf_err ignored;

	/* Where that fails, ready_file() says so. */
	(void)!show(outbox, &ignored);
	/* The rest is written before it is read; 23 KB of zeros a batch would cost more than most
	 * of what follows. */
	batch.offers = offers;
	batch.count = count;
	batch.results = ret_results;
	batch.staged_count = 0;
	enum hf_code code = recall_for(outbox, offers, count, err);
	if (code != HF_OK)
		return answer_unknown(&batch, code);
	if (answer_known(outbox, &batch) == 0 && !has_own_pending(outbox))
		return HF_OK;
	code = hf_outbox_ready_file(outbox, err);
	if (code == HF_OK) {
		code = store_batch(outbox, &batch, err);
		if (code != HF_OK && outbox->file < 0) {
			code = hf_outbox_open_next(outbox,
						   outbox->ring_failure[0] != '\0' ? "ring_failed"
										   : "flush_failed",
						   err);
			if (code == HF_OK)
				code = store_batch(outbox, &batch, err);
		}
	}
	if (code != HF_OK)
		return answer_failed(&batch, code);
	answer_stored(outbox, &batch);
	return HF_OK;
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
	char *staged = malloc(lines_max * HF_LINE_BYTES_MAX + BLOCK_BYTES_MAX);
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
	outbox->first_of_run = options->first_of_run;
	outbox->clock = options->clock;
	outbox->clock_trust = options->clock_trust;
	outbox->day_settled = -1;
	outbox->ballast_bytes = options->ballast_bytes;
	outbox->block_bytes = hf_disk_block_bytes(disk);
	outbox->wanted = options->commit;
	outbox->ring_bytes = options->ring_bytes != 0 ? options->ring_bytes : HF_COMMIT_RING_BYTES;
	outbox->direct_bytes =
		options->direct_bytes != 0 ? options->direct_bytes : HF_OUTBOX_DIRECT_BYTES;
	outbox->state = HF_STATE_HEALTHY;
	outbox->hole_reason = "line_damaged";
	outbox->next_reason = "first";
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

/* The newest file says that it has none, and what was in it is in a file. */
static void remove_ring(struct hf_outbox *outbox)
{
	struct hf_err ignored;

	if (outbox->wanted == HF_COMMIT_FILE && outbox->file >= 0 &&
	    hf_disk_unlink(outbox->disk, RING_PATH, &ignored) == HF_OK)
		(void)!hf_disk_folder_sync(outbox->disk, HF_OUTBOX_FOLDER, &ignored);
}

enum hf_code hf_outbox_open(struct hf_disk *disk, const struct hf_outbox_options *options,
			    struct hf_outbox **ret_outbox, struct hf_outbox_report *ret_report,
			    struct hf_err *err)
{
	static const char *const folders[] = { META_FOLDER, HF_OUTBOX_FOLDER, BALLAST_FOLDER };
	struct hf_outbox *outbox = NULL;
	struct hf_outbox_report report = { 0 };
	struct hf_err ignored;
	enum hf_code code = outbox_new(disk, options, &outbox, err);

	if (code != HF_OK)
		return code;
	/* The last one only where there is to be one. */
	code = hf_disk_folders_ensure(disk, folders,
				      HF_ARRAY_LEN(folders) - (options->ballast_bytes == 0), err);
	if (code == HF_OK)
		code = hf_disk_lock(disk, LOCK_PATH, &outbox->lock_file, err);
	if (code == HF_OK)
		code = hf_outbox_repair(outbox, options->committed, &report, err);
	if (code == HF_OK)
		code = check_numbers(outbox, err);
	if (code != HF_OK) {
		hf_outbox_close(outbox);
		return code;
	}
	hf_outbox_ballast_make(outbox);
	/* The first header and what the repair found: now if the disk takes it, else with
	 * the first event. */
	if (outbox->file < 0)
		(void)!hf_outbox_open_next(outbox, outbox->next_reason, &ignored);
	remove_ring(outbox);
	if (has_own_pending(outbox))
		(void)!hf_outbox_append(outbox, NULL, 0, NULL, &ignored);
	*ret_outbox = outbox;
	*ret_report = report;
	return HF_OK;
}

void hf_outbox_close(struct hf_outbox *outbox)
{
	struct hf_err ignored;

	if (outbox == NULL)
		return;
	/* What cannot be written or flushed now is in the ring. */
	(void)!hf_outbox_show_owed(outbox, &ignored);
	if (outbox->file >= 0)
		(void)!hf_outbox_flush_day(outbox, &ignored);
	/* Gives back the room that was kept for lines to come. */
	if (outbox->file >= 0 && outbox->room_to > outbox->offset)
		(void)!hf_disk_truncate(outbox->disk, outbox->file, outbox->offset, &ignored);
	hf_commit_ring_close(outbox->ring);
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
	*ret_position = outbox->visible;
}

const struct hf_outbox_counters *hf_outbox_counters(const struct hf_outbox *outbox)
{
	return &outbox->counters;
}

enum hf_code hf_outbox_flush(struct hf_outbox *outbox, struct hf_err *err)
{
	enum hf_code code = show(outbox, err);

	if (code != HF_OK || outbox->file < 0)
		return code;
	code = hf_outbox_flush_day(outbox, err);
	if (code != HF_OK && outbox->file < 0)
		code = hf_outbox_open_next(outbox, "flush_failed", err);
	return code;
}

void hf_outbox_ballast_refill(struct hf_outbox *outbox)
{
	if (outbox->counters.ballast_released)
		hf_outbox_ballast_make(outbox);
}

enum hf_code hf_outbox_set_epoch(struct hf_outbox *outbox, const char *epoch, const char *attrs,
				 struct hf_err *err)
{
	struct hf_err ignored;

	HF_ASSERT(strlen(epoch) == HF_EPOCH_BYTES - 1 && strlen(attrs) < sizeof outbox->redrawn);
	(void)!show(outbox, &ignored);
	if (strcmp(epoch, outbox->epoch) != 0) {
		memcpy(outbox->epoch, epoch, sizeof outbox->epoch);
		memset(outbox->tip.chain, 0, sizeof outbox->tip.chain);
	}
	(void)snprintf(outbox->redrawn, sizeof outbox->redrawn, "%s", attrs);
	return hf_outbox_open_next(outbox, "epoch", err);
}

bool hf_outbox_epoch_told(const struct hf_outbox *outbox)
{
	return outbox->redrawn[0] == '\0';
}
