/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/keeper/epoch.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "outbox/cursor.h"
#include "outbox/files.h"
#include "outbox/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAUSE_FIRST_MS = 60 * 1000,
	PAUSE_MAX_MS = 3600 * 1000,
	ATTRS_BYTES = 256, /* the writer's limit */
};

static const char *const reason_names[] = {
	[HF_FORK_CONFLICT] = "conflict",
	[HF_FORK_CHAIN] = "chain_fork",
	[HF_FORK_MARK] = "hub_ahead",
	[HF_FORK_RECEIPT] = "receipt",
};
static const char reason_hardware[] = "hardware";
static const char reason_cursor[] = "cursor_ahead";

/* --- identity/ --- */

static enum hf_code store_identity(const struct epoch *epoch, const char *name, const char *value,
				   struct hf_err *err)
{
	char path[HF_PATH_BYTES + 32], text[HF_ID_BYTES + 2];
	int length = snprintf(text, sizeof text, "%s\n", value);

	(void)snprintf(path, sizeof path, "%s/%s", epoch->identity_path, name);
	return hf_file_replace(path, text, (size_t)length, 0600, err);
}

/* Drawn once; the same 16 digits for as long as the file is there. */
static enum hf_code take(struct epoch *epoch, struct hf_err *err)
{
	char path[HF_PATH_BYTES + 32];
	char *found = NULL;
	size_t size = 0;

	(void)snprintf(path, sizeof path, "%s/epoch", epoch->identity_path);
	enum hf_code code = hf_folder_make(epoch->identity_path, 0750, err);
	if (code != HF_OK)
		return code;
	code = hf_file_read(path, HF_EPOCH_BYTES + 1, &found, &size, err);
	bool whole = code == HF_OK && strspn(found, "0123456789abcdef") == HF_EPOCH_BYTES - 1 &&
		     (size == HF_EPOCH_BYTES - 1 || strcmp(found + HF_EPOCH_BYTES - 1, "\n") == 0);
	if (whole)
		memcpy(epoch->now, found, HF_EPOCH_BYTES - 1);
	free(found);
	if (whole)
		return HF_OK;
	if (code != HF_OK && code != HF_E_NOENT && code != HF_E_LIMIT)
		return code;
	/* Another epoch is always safe: numbers go on, and the hub keeps epochs apart. */
	hf_random_hex(hf_random_real(), (HF_EPOCH_BYTES - 1) / 2, epoch->now);
	hf_log(code == HF_E_NOENT ? HF_LOG_INFO : HF_LOG_WARN, "epoch_drawn", "epoch=%s%s",
	       epoch->now, code == HF_E_NOENT ? "" : " identity/epoch was damaged");
	return store_identity(epoch, "epoch", epoch->now, err);
}

/* What a redraw left behind that was cut short after its first step. */
static void follow(struct epoch *epoch)
{
	char now[HF_EPOCH_BYTES];

	memcpy(now, epoch->now, sizeof now);
	memcpy(epoch->now, hf_forks_stream(&epoch->forks, now, UINT64_MAX), sizeof epoch->now);
}

static bool is_other_hardware(const struct epoch *epoch)
{
	char path[HF_PATH_BYTES + 32];
	char *kept = NULL;
	size_t size;
	struct hf_err err;
	bool other = false;

	if (epoch->hardware[0] == '\0')
		return false;
	(void)snprintf(path, sizeof path, "%s/hardware", epoch->identity_path);
	enum hf_code code = hf_file_read(path, HF_ID_BYTES + 1, &kept, &size, &err);
	if (code == HF_OK) {
		kept[strcspn(kept, "\n")] = '\0';
		/* An empty file was torn, and says nothing. */
		other = kept[0] != '\0' && strcmp(kept, epoch->hardware) != 0;
	}
	free(kept);
	if (!other && code != HF_E_IO &&
	    store_identity(epoch, "hardware", epoch->hardware, &err) != HF_OK)
		hf_log(HF_LOG_WARN, "hardware_not_stored", "why=\"%s\"", err.text);
	return other;
}

/* --- a redraw --- */

static struct hf_fork *last_of(struct epoch *epoch)
{
	return epoch->forks.count > 0 ? &epoch->forks.list[epoch->forks.count - 1] : NULL;
}

static enum hf_code announce(const struct hf_fork *fork, struct hf_outbox *outbox,
			     struct hf_err *err)
{
	char attrs[ATTRS_BYTES];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "old", fork->left);
	hf_json_put_text(&json, "new", fork->next);
	hf_json_put_u64(&json, "from", fork->from);
	hf_json_put_text(&json, "reason", fork->reason);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	return code == HF_OK ? hf_outbox_set_epoch(outbox, fork->next, attrs, err) : code;
}

/* Everything behind the entry in meta/forks, as far as it can be done now. */
static enum hf_code finish(struct epoch *epoch, struct hf_outbox *outbox, struct hf_err *err)
{
	struct hf_fork *fork = last_of(epoch);
	enum hf_code code = HF_OK;

	if (fork == NULL || fork->told)
		return HF_OK;
	if (!epoch->announced) {
		if (strcmp(fork->reason, reason_hardware) == 0 && epoch->hardware[0] != '\0')
			code = store_identity(epoch, "hardware", epoch->hardware, err);
		if (code == HF_OK)
			code = store_identity(epoch, "epoch", fork->next, err);
		if (code != HF_OK)
			return code;
		memcpy(epoch->now, fork->next, sizeof epoch->now);
		epoch->announced = true;
		code = announce(fork, outbox, err);
	} else if (!hf_outbox_epoch_told(outbox)) {
		code = hf_outbox_append(outbox, NULL, 0, NULL, err);
	}
	if (!hf_outbox_epoch_told(outbox))
		return code != HF_OK ? code : hf_fail(err, HF_E_AGAIN, "the event is not stored");
	fork->told = true;
	epoch->unfinished = false;
	return hf_forks_store(epoch->disk, &epoch->forks, err);
}

/* Once until it works again: it is tried every second. */
static void log_unfinished(struct epoch *epoch, const struct hf_err *err)
{
	if (epoch->unfinished)
		return;
	epoch->unfinished = true;
	hf_log(HF_LOG_WARN, "epoch_redraw_unfinished", "why=\"%s\" next=\"tried again\"",
	       err->text);
}

static uint64_t next_seq(const struct hf_outbox *outbox)
{
	struct hf_watermark position;

	hf_outbox_position(outbox, &position);
	return position.seq + 1;
}

/* Another entry, in memory. False: there is no room, and none can be made. */
static struct hf_fork *add(struct epoch *epoch, uint64_t acked_through)
{
	struct hf_forks *forks = &epoch->forks;

	/* The oldest speaks of lines below the one after it; when those were delivered it is not
	 * needed any more. */
	if (forks->count == HF_FORKS_MAX && forks->list[1].at <= acked_through) {
		memmove(&forks->list[0], &forks->list[1],
			(HF_FORKS_MAX - 1) * sizeof forks->list[0]);
		forks->count--;
	}
	if (forks->count == HF_FORKS_MAX)
		return NULL;
	struct hf_fork *fork = &forks->list[forks->count++];
	*fork = (struct hf_fork){ 0 };
	return fork;
}

static enum hf_code redraw(struct epoch *epoch, struct hf_outbox *outbox, uint64_t from,
			   const char *reason, uint64_t acked_through, struct hf_err *err)
{
	struct hf_forks before = epoch->forks;
	struct hf_fork *fork = add(epoch, acked_through);

	if (fork == NULL)
		return hf_fail(err, HF_E_LIMIT, "%d redraws whose lines were not delivered yet",
			       HF_FORKS_MAX);
	memcpy(fork->left, epoch->now, sizeof fork->left);
	hf_random_hex(hf_random_real(), (HF_EPOCH_BYTES - 1) / 2, fork->next);
	(void)snprintf(fork->reason, sizeof fork->reason, "%s", reason);
	fork->from = from;
	fork->at = next_seq(outbox);
	enum hf_code code = hf_forks_store(epoch->disk, &epoch->forks, err);
	if (code != HF_OK) {
		/* It may be stored all the same: then this start or the next finds it. */
		epoch->forks = before;
		return code;
	}
	hf_log(HF_LOG_WARN, "epoch_redrawn", "old=%s new=%s from=%llu reason=%s", fork->left,
	       fork->next, (unsigned long long)fork->from, reason);
	epoch->announced = false;
	epoch->changed = true;
	return finish(epoch, outbox, err);
}

/* Lines in the log that were written behind the last redraw: is its event among them? */
static bool event_stored(struct epoch *epoch, const struct hf_fork *fork)
{
	const struct hf_reader_options options = { .disk = epoch->disk,
						   .folder = HF_OUTBOX_FOLDER,
						   .after_seq = fork->at - 1 };
	struct hf_reader *reader = NULL;
	struct hf_line line;
	struct hf_err err;
	char next[HF_EPOCH_BYTES];
	bool found = false;

	if (hf_reader_open(&options, &reader, &err) != HF_OK)
		return false;
	while (!found && hf_reader_next(reader, &line, NULL, NULL, &err) == HF_OK)
		found = hf_slice_is(&line.event_class, HF_CLASS_REDRAWN) &&
			hf_attrs_text(&line.attrs, "new", next, sizeof next) &&
			strcmp(next, fork->next) == 0;
	hf_reader_close(reader);
	return found;
}

/* --- what main calls --- */

enum hf_code epoch_open(struct epoch *epoch, struct hf_disk *disk, const struct hf_clock *clock,
			const struct hf_hello *hello, struct hf_err *err)
{
	epoch->disk = disk;
	epoch->clock = clock;
	(void)snprintf(epoch->identity_path, sizeof epoch->identity_path, "%s/identity",
		       hello->data_path);
	(void)snprintf(epoch->hardware, sizeof epoch->hardware, "%.*s", HF_ID_BYTES - 1,
		       hello->hardware);
	enum hf_code code = take(epoch, err);
	if (code == HF_OK)
		code = hf_forks_load(disk, &epoch->forks, err);
	if (code != HF_OK)
		return code;
	if (epoch->forks.lines_bad > 0)
		hf_log(HF_LOG_WARN, "forks_damaged",
		       "lines=%zu of " HF_FORKS_PATH " are passed over", epoch->forks.lines_bad);
	follow(epoch);
	return HF_OK;
}

void epoch_settle(struct epoch *epoch, struct hf_outbox *outbox, uint64_t seq_last)
{
	struct hf_fork *last = last_of(epoch);
	struct hf_err err = { 0 };
	uint64_t cursor = 0;
	const char *done = "";
	enum hf_code code = HF_OK;

	if (last != NULL && !last->told) {
		done = last->reason;
		if (event_stored(epoch, last)) {
			/* Its other steps come before that one. */
			last->told = true;
			code = hf_forks_store(epoch->disk, &epoch->forks, &err);
		} else {
			code = finish(epoch, outbox, &err);
		}
		if (code != HF_OK)
			log_unfinished(epoch, &err);
	}
	if (hf_cursor_load(epoch->disk, HF_CURSOR_HUB, &cursor, &err) != HF_OK)
		cursor = 0;
	code = HF_OK;
	if (is_other_hardware(epoch) && strcmp(done, reason_hardware) != 0)
		code = redraw(epoch, outbox, next_seq(outbox), reason_hardware, cursor, &err);
	else if (cursor > seq_last && strcmp(done, reason_cursor) != 0)
		code = redraw(epoch, outbox, next_seq(outbox), reason_cursor, cursor, &err);
	if (code != HF_OK)
		log_unfinished(epoch, &err);
}

static bool may_redraw(struct epoch *epoch)
{
	struct hf_mono now = hf_mono_now(epoch->clock);

	if (hf_mono_before(now, epoch->redraw_after))
		return false;
	/* An hour of peace, and it begins anew. */
	bool calm = epoch->pause_ms == 0 ||
		    !hf_mono_before(now, hf_mono_add_ms(epoch->redraw_after, PAUSE_MAX_MS));
	epoch->pause_ms = calm ? PAUSE_FIRST_MS : 2 * epoch->pause_ms;
	if (epoch->pause_ms > PAUSE_MAX_MS)
		epoch->pause_ms = PAUSE_MAX_MS;
	epoch->redraw_after = hf_mono_add_ms(now, epoch->pause_ms);
	return true;
}

/* The epoch was left: its lines from seq on go where that redraw led. */
static enum hf_code lower(struct epoch *epoch, struct hf_fork *fork, uint64_t seq,
			  struct hf_err *err)
{
	uint64_t before = fork->from;

	if (seq >= before)
		return HF_OK;
	fork->from = seq;
	enum hf_code code = hf_forks_store(epoch->disk, &epoch->forks, err);
	if (code != HF_OK)
		fork->from = before;
	else
		hf_log(HF_LOG_WARN, "epoch_fork_lowered", "old=%s new=%s from=%llu", fork->left,
		       fork->next, (unsigned long long)seq);
	return code;
}

/* An epoch of which nothing is known, from before identity/epoch or meta/forks was damaged. */
static enum hf_code lead_here(struct epoch *epoch, const char *left, uint64_t from, uint64_t at,
			      uint64_t acked_through, struct hf_err *err)
{
	struct hf_forks before = epoch->forks;
	struct hf_fork *fork = add(epoch, acked_through);

	if (fork == NULL)
		return hf_fail(err, HF_E_LIMIT, "%d redraws whose lines were not delivered yet",
			       HF_FORKS_MAX);
	memcpy(fork->left, left, sizeof fork->left);
	memcpy(fork->next, epoch->now, sizeof fork->next);
	(void)snprintf(fork->reason, sizeof fork->reason, "old_epoch");
	fork->from = from;
	fork->at = at;
	fork->told = true;
	enum hf_code code = hf_forks_store(epoch->disk, &epoch->forks, err);
	if (code != HF_OK)
		epoch->forks = before;
	return code;
}

void epoch_note(struct epoch *epoch, struct hf_outbox *outbox, const struct hf_fork_note *note,
		uint64_t acked_through)
{
	uint64_t next = next_seq(outbox);
	uint64_t seq = note->seq == 0 || note->seq > next ? next : note->seq;
	struct hf_fork *left = hf_forks_left(&epoch->forks, note->epoch);
	struct hf_err err = { 0 };
	enum hf_code code = HF_OK;

	if (left != NULL) {
		code = lower(epoch, left, seq, &err);
	} else if (strcmp(note->epoch, epoch->now) == 0) {
		if (!may_redraw(epoch))
			return;
		code = redraw(epoch, outbox, seq, reason_names[note->reason], acked_through, &err);
	} else if (seq < next) {
		code = lead_here(epoch, note->epoch, seq, next, acked_through, &err);
	}
	/* What is decided counts, even when the rest of it is still to be done. */
	if (code == HF_OK)
		epoch->changed = true;
	else
		log_unfinished(epoch, &err);
}

void epoch_upkeep(struct epoch *epoch, struct hf_outbox *outbox)
{
	struct hf_err err = { 0 };

	if (finish(epoch, outbox, &err) != HF_OK)
		log_unfinished(epoch, &err);
}
