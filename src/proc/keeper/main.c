/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper - the only writer of the outbox, and the only one who deletes from it.
 *
 * Method: offers gather while the sockets are read; then one write and one
 * flush for all of them, then the answers, then the day file and the watermark:
 * producers wait for what makes an event safe, and for nothing else. What waits in
 * the sockets during a flush is the next batch, so the batches grow with the
 * load by themselves. Producers that were answered together offer again one
 * after another: a fraction of a flush is spent on waiting for them, or they
 * would take turns in two batches of half the size.
 *
 * It answers LATER when the disk is full or fails; its producers keep their
 * events and offer them again. It parses nothing but its own messages.
 */
#include "base/assert.h"
#include "base/file.h"
#include "base/histogram.h"
#include "base/json.h"
#include "base/log.h"
#include "outbox/retain.h"
#include "outbox/watermark.h"
#include "outbox/writer.h"
#include "proc/common/sandbox.h"
#include "proc/common/worker.h"
#include "proc/keeper/epoch.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	STEP_MS = 250,
	LOCK_WAIT_MS = 5000,
	LOCK_RETRY_MS = 50,
	FLUSH_MAX_MS = 30000, /* how long a flush may take before keeper counts as hung */
	WAKE_MS = 4,          /* between two wake-ups of the uplink */
	STATS_MS = 1000,
	RETAIN_MS = 3600 * 1000,
	RETAIN_FULL_MS = 10 * 1000, /* while the disk is full */
	SWEEP_MS = 24 * 3600 * 1000,
	BALLAST_BYTES = 4 * 1024 * 1024,
	SPACE_WANTED_BYTES = 8 * BALLAST_BYTES, /* more than the ballast asks for to come back */
	RECALL_MS = 2000,         /* until everybody else has started and told of it */
	THUMB_NEED_S = 3600,      /* a younger one's event may still be waiting to be stored */
	DAY_FLUSH_MS = 30 * 1000, /* the kernel writes what is older by itself */
	GATHER_SHARE = 4, /* of a commit's time, to wait for those who were in the last one */
	GATHER_US_MAX = 500,
	ACKS_MAX = 2 * HF_OUTBOX_BATCH_MAX,
	EXIT_LATER = 75,
};

/* outbox.commit: ring|file */
enum {
	COMMIT_BY_RING = 0,
};

/* What was told of the disk last; the notes become events of the unit. */
enum condition {
	CONDITION_OK,
	CONDITION_FULL,
	CONDITION_FAILED,
	CONDITION_UNKNOWN, /* a keeper before this one may have told of trouble */
};

static const char *const condition_notes[] = {
	[CONDITION_OK] = "outbox_ok",
	[CONDITION_FULL] = "outbox_full",
	[CONDITION_FAILED] = "outbox_failed",
	[CONDITION_UNKNOWN] = "unknown",
};

struct waiting {
	enum hf_role role;
	uint32_t index;
	struct hf_offer offer;
};

struct answer {
	enum hf_role role;
	uint32_t index;
	struct hf_ack ack;
};

struct keeper {
	struct hf_worker *worker;
	struct hf_sandbox sandbox;
	const struct hf_clock *clock;
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_outbox_report report;
	struct hf_watermark_page *page;
	struct epoch epoch;
	enum condition condition;
	bool condition_noted; /* the supervisor has been told */
	bool low_space_told;
	uint64_t acked_through;
	struct hf_sweep *sweep;
	bool wake_due; /* the uplink does not know of the last lines */
	struct hf_mono wake_at;
	struct hf_mono stats_at;
	struct hf_mono recall_at;
	struct hf_mono retain_at;
	bool sweep_in_need;
	struct hf_mono sweep_at;
	struct hf_mono space_at;
	struct hf_mono day_flush_at;
	uint64_t ring_failures_told;
	bool unshown;           /* lines are safe, but no file could be had that shows them */
	size_t batch_last;      /* offers in the last commit */
	int64_t commit_us_last; /* and how long it took */
	struct hf_histogram commit_us;
	size_t answer_count; /* that found no room in a socket */
	struct answer answers[ACKS_MAX];
	size_t waiting_count;
	struct waiting waiting[HF_OUTBOX_BATCH_MAX];
};

static void commit(struct keeper *keeper);
static void publish(struct keeper *keeper);
static void wake_uplink(struct keeper *keeper);
static void tell_forks(struct keeper *keeper);

static enum hf_code on_offer(struct keeper *keeper, const struct hf_link *link, struct hf_msg *msg,
			     struct hf_err *err)
{
	if (keeper->waiting_count == HF_OUTBOX_BATCH_MAX)
		commit(keeper);
	struct waiting *waiting = &keeper->waiting[keeper->waiting_count];
	size_t size_bytes;
	const uint8_t *packed = hf_msg_get_rest(msg, &size_bytes);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_offer_unpack(packed, size_bytes, &waiting->offer, err);
	if (code != HF_OK)
		return code;
	waiting->role = link->role;
	waiting->index = link->index;
	keeper->waiting_count++;
	return HF_OK;
}

static enum hf_code on_cursor(struct keeper *keeper, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_cursor_note note;

	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		keeper->acked_through = note.acked_through;
	return code;
}

/* A new day file may come of it: its flush is announced. */
static enum hf_code on_fork(struct keeper *keeper, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_fork_note note;

	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	size_t length = strnlen(note.epoch, sizeof note.epoch);
	if (note.reason < HF_FORK_CONFLICT || note.reason >= HF_FORK_REASON_COUNT ||
	    length != HF_EPOCH_BYTES - 1 || strspn(note.epoch, "0123456789abcdef") != length)
		return hf_fail(err, HF_E_INVALID, "a fork of no epoch or for no reason");
	/* What waits was offered before it. */
	commit(keeper);
	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	epoch_note(&keeper->epoch, keeper->outbox, &note, keeper->acked_through);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	publish(keeper);
	wake_uplink(keeper);
	tell_forks(keeper);
	return HF_OK;
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *err)
{
	if (msg->type == HF_MSG_OFFER)
		return on_offer(context, link, msg, err);
	if (msg->type == HF_MSG_CURSOR)
		return on_cursor(context, msg, err);
	if (msg->type == HF_MSG_FORK)
		return on_fork(context, msg, err);
	return hf_fail(err, HF_E_INVALID, "%s is not for keeper", hf_msg_name(msg->type));
}

/* A peer that is gone offers again to its next link. One whose queue is full gets it later:
 * it offers at most 64 at a time, so this is rare, and losing it would be found by a
 * re-offer only. */
static void send_answer(struct keeper *keeper, const struct answer *answer)
{
	struct hf_err err;
	enum hf_code code = hf_worker_send(keeper->worker, answer->role, answer->index, HF_MSG_ACK,
					   &answer->ack, sizeof answer->ack, &err);

	if (code != HF_E_AGAIN)
		return;
	if (keeper->answer_count == ACKS_MAX) {
		hf_log(HF_LOG_WARN, "answer_dropped", "peer=%s.%u origin=%s",
		       hf_role_name(answer->role), answer->index, answer->ack.origin);
		return;
	}
	keeper->answers[keeper->answer_count++] = *answer;
}

static void send_answers_left(struct keeper *keeper)
{
	size_t count = keeper->answer_count;
	struct answer left[ACKS_MAX];

	memcpy(left, keeper->answers, count * sizeof *left);
	keeper->answer_count = 0;
	for (size_t i = 0; i < count; i++)
		send_answer(keeper, &left[i]);
}

static enum hf_ack_outcome outcome_of(enum hf_code code)
{
	if (code == HF_OK)
		return HF_ACK_COMMITTED;
	/* Of an offer these are said of the offer itself, not of the disk. */
	if (code == HF_E_INVALID || code == HF_E_LIMIT)
		return HF_ACK_REFUSED;
	return HF_ACK_LATER;
}

static void answer(struct keeper *keeper, const struct waiting *waiting,
		   const struct hf_outbox_result *result, struct hf_mono committed)
{
	struct answer answer = {
		.role = waiting->role,
		.index = waiting->index,
		.ack = { .local_seq = result->local_seq,
			 .outcome = outcome_of(result->code),
			 .duplicate = result->duplicate ? 1 : 0,
			 .committed_mono = committed },
	};

	(void)snprintf(answer.ack.origin, sizeof answer.ack.origin, "%.*s", HF_ORIGIN_BYTES - 1,
		       waiting->offer.origin);
	if (answer.ack.outcome == HF_ACK_REFUSED)
		hf_log(HF_LOG_ERROR, "offer_refused", "peer=%s.%u origin=%s code=%s",
		       hf_role_name(waiting->role), waiting->index, answer.ack.origin,
		       hf_code_name(result->code));
	send_answer(keeper, &answer);
}

/* Tell the supervisor once of each change; its queue may be full, then again later. */
static void note_condition(struct keeper *keeper, enum condition condition, const char *why)
{
	char attrs[1024];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	if (condition == keeper->condition && keeper->condition_noted)
		return;
	if (condition != keeper->condition)
		hf_log(condition == CONDITION_OK ? HF_LOG_INFO : HF_LOG_ERROR,
		       condition_notes[condition], "why=\"%.450s\"", why);
	keeper->condition = condition;
	hf_json_object_open(&json);
	hf_json_key(&json, "why");
	hf_json_text_n(&json, why, strnlen(why, 450));
	hf_json_object_close(&json);
	keeper->condition_noted = hf_json_end(&json, &err) == HF_OK &&
				  hf_worker_note(keeper->worker, condition_notes[condition], NULL,
						 attrs, &err) == HF_OK;
}

static void publish(struct keeper *keeper)
{
	struct hf_watermark position;

	hf_outbox_position(keeper->outbox, &position);
	if (position.seq != 0)
		hf_watermark_publish(keeper->page, &position);
}

/* No more than that: the watermark holds the truth. So one that has just been woken is not woken
 * for each event: it would run in between for nothing, for it sends what has gathered anyway. */
static void wake_uplink_if_due(struct keeper *keeper)
{
	struct hf_watermark position;
	struct hf_err err;

	if (!keeper->wake_due)
		return;
	struct hf_mono now = hf_mono_now(keeper->clock);
	if (hf_mono_before(now, keeper->wake_at))
		return;
	keeper->wake_due = false;
	keeper->wake_at = hf_mono_add_ms(now, WAKE_MS);
	hf_outbox_position(keeper->outbox, &position);
	struct hf_committed committed = { .local_seq = position.seq };
	if (position.seq != 0)
		(void)!hf_worker_send(keeper->worker, HF_ROLE_UPLINK, 0, HF_MSG_COMMITTED,
				      &committed, sizeof committed, &err);
}

static void wake_uplink(struct keeper *keeper)
{
	keeper->wake_due = true;
	wake_uplink_if_due(keeper);
}

/* Where lines go that were written under an epoch that was left. */
static void tell_forks(struct keeper *keeper)
{
	struct hf_err err;

	/* Its queue is full, or it is away: then it reads them when it is linked again, or asks. */
	if (keeper->epoch.changed && hf_worker_send(keeper->worker, HF_ROLE_UPLINK, 0,
						    HF_MSG_FORKED, NULL, 0, &err) == HF_OK)
		keeper->epoch.changed = false;
}

/* What is left of a redraw, and the lines that come of it. */
static void finish_redraw(struct keeper *keeper)
{
	uint64_t commits = hf_outbox_counters(keeper->outbox)->commits;

	epoch_upkeep(&keeper->epoch, keeper->outbox);
	if (hf_outbox_counters(keeper->outbox)->commits != commits) {
		publish(keeper);
		wake_uplink(keeper);
	}
	tell_forks(keeper);
}

/* In words that say where, and what a person can do about it. */
static void note_trouble(struct keeper *keeper, enum hf_code code, const char *why)
{
	bool full = code == HF_E_NOSPACE;
	char text[HF_ERR_TEXT_BYTES_MAX];

	(void)snprintf(text, sizeof text, "%.160s/outbox: %.160s: %s",
		       hf_worker_hello(keeper->worker)->data_path, why,
		       full ? "free some space there; until then new events wait in memory"
			    : "look at the disk and the kernel's log; until events can be stored "
			      "again new ones wait in memory");
	note_condition(keeper, full ? CONDITION_FULL : CONDITION_FAILED, text);
}

static void judge_commit(struct keeper *keeper, enum hf_code code, const char *why)
{
	if (code == HF_OK) {
		note_condition(keeper, CONDITION_OK, "events are stored again");
		return;
	}
	note_trouble(keeper, code, why);
	if (code != HF_E_NOSPACE)
		return;
	struct hf_mono now = hf_mono_now(keeper->clock);
	if (keeper->retain_at.us - now.us > (int64_t)RETAIN_FULL_MS * 1000)
		keeper->retain_at = now;
}

/* An event that claims another producer would take a number from it. */
static bool is_producers_own(const struct waiting *waiting)
{
	struct hf_origin origin;
	struct hf_err err;

	if (memchr(waiting->offer.origin, '\0', HF_ORIGIN_BYTES) == NULL ||
	    hf_origin_parse(waiting->offer.origin, &origin, &err) != HF_OK)
		return false;
	return origin.producer == (waiting->role == HF_ROLE_RESPOND ? 'r' : 's');
}

static size_t refuse_strangers(struct keeper *keeper)
{
	const struct hf_outbox_result refused = { .code = HF_E_INVALID };
	size_t kept = 0;

	for (size_t i = 0; i < keeper->waiting_count; i++) {
		if (!is_producers_own(&keeper->waiting[i]))
			answer(keeper, &keeper->waiting[i], &refused, (struct hf_mono){ 0 });
		else if (kept++ != i)
			keeper->waiting[kept - 1] = keeper->waiting[i];
	}
	return kept;
}

/* For readers, once nobody waits for it any more. */
static enum hf_code show(struct keeper *keeper, struct hf_err *err)
{
	enum hf_code code = hf_outbox_show(keeper->outbox, err);

	keeper->unshown = code != HF_OK;
	publish(keeper);
	wake_uplink(keeper);
	return code;
}

static void commit(struct keeper *keeper)
{
	const struct hf_offer *offers[HF_OUTBOX_BATCH_MAX];
	struct hf_outbox_result results[HF_OUTBOX_BATCH_MAX];
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_err err = { 0 }, show_err = { 0 };
	enum hf_code shown = HF_OK;

	if (keeper->waiting_count == 0)
		return;
	size_t count = refuse_strangers(keeper);
	for (size_t i = 0; i < count; i++)
		offers[i] = &keeper->waiting[i].offer;
	hf_outbox_set_state(keeper->outbox, hf_worker_state(keeper->worker));
	struct hf_mono begun = hf_mono_now(keeper->clock);
	uint64_t commits = hf_outbox_counters(keeper->outbox)->commits;
	hf_pulse_busy(pulse, begun, FLUSH_MAX_MS);
	enum hf_code code = hf_outbox_store(keeper->outbox, offers, count, results, &err);
	struct hf_mono done = hf_mono_now(keeper->clock);
	bool committed = hf_outbox_counters(keeper->outbox)->commits != commits;
	if (committed) {
		keeper->commit_us_last = hf_mono_diff_us(done, begun);
		hf_histogram_add(&keeper->commit_us, (uint64_t)keeper->commit_us_last);
		hf_pulse_progress(pulse);
	}
	keeper->batch_last = keeper->waiting_count;
	keeper->waiting_count = 0;
	for (size_t i = 0; i < count; i++)
		answer(keeper, &keeper->waiting[i], &results[i], done);
	if (committed)
		shown = show(keeper, &show_err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	if (code == HF_OK)
		judge_commit(keeper, shown, show_err.text);
	else
		judge_commit(keeper, code, err.text);
}

/* No event need come for those that were answered to be seen. */
static void show_again(struct keeper *keeper)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_err err = { 0 };

	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	enum hf_code code = show(keeper, &err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	judge_commit(keeper, code, err.text);
}

/* Fewer have come than were in the last batch: the others may be on their way. */
static enum hf_code gather(struct keeper *keeper, struct hf_err *err)
{
	int64_t wait_us = keeper->commit_us_last / GATHER_SHARE;
	struct hf_mono begun = hf_mono_now(keeper->clock);
	enum hf_code code = HF_OK;

	if (wait_us > GATHER_US_MAX)
		wait_us = GATHER_US_MAX;
	while (code == HF_OK && keeper->waiting_count > 0 &&
	       keeper->waiting_count < keeper->batch_last &&
	       hf_mono_diff_us(hf_mono_now(keeper->clock), begun) < wait_us) {
		(void)sched_yield();
		code = hf_worker_step(keeper->worker, 0, err);
	}
	return code;
}

/* What only the ring has safely, for whoever pulls the card. */
static void flush_day(struct keeper *keeper)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_err err = { 0 };

	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	enum hf_code code = hf_outbox_flush(keeper->outbox, &err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	publish(keeper);
	if (code != HF_OK)
		note_trouble(keeper, code, err.text);
}

static void tell_ring(struct keeper *keeper)
{
	uint64_t failures = hf_outbox_counters(keeper->outbox)->ring_failures;

	if (failures == keeper->ring_failures_told)
		return;
	keeper->ring_failures_told = failures;
	hf_log(HF_LOG_WARN, "outbox_ring_failed",
	       "events are flushed one batch at a time in the day file, which wears flash more: "
	       "look at the disk; the next day or start tries a new ring");
}

static void tell_removed(const struct keeper *keeper, enum hf_code code,
			 const struct hf_retained *removed, const char *why)
{
	if (code != HF_OK)
		hf_log(HF_LOG_WARN, "retention_failed", "why=\"%s\"", why);
	else if (removed->files > 0)
		hf_log(HF_LOG_INFO, "files_removed", "files=%llu bytes=%llu acked_through=%llu",
		       (unsigned long long)removed->files, (unsigned long long)removed->bytes,
		       (unsigned long long)keeper->acked_through);
}

static void retain(struct keeper *keeper, int64_t days)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_retained removed = { 0 };
	struct hf_err err = { 0 };

	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	enum hf_code code = hf_outbox_retain(keeper->outbox, keeper->acked_through, days,
					     hf_wall_now(keeper->clock), &removed, &err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	tell_removed(keeper, code, &removed, err.text);
}

/* The disk is full, or nearly. Thumbnails of what was delivered have gone first. */
static void make_space(struct keeper *keeper)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_retained removed = { 0 };
	struct hf_err err = { 0 };

	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	enum hf_code code = hf_outbox_make_space(keeper->outbox, keeper->acked_through,
						 SPACE_WANTED_BYTES, &removed, &err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	tell_removed(keeper, code, &removed, err.text);
}

/* Four MiB and a flush: a worn card takes longer for it than the heartbeat's limit. */
static void refill_ballast(struct keeper *keeper)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);

	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	hf_outbox_ballast_refill(keeper->outbox);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
}

/* Thumbnails that nobody needs: once a day those that are old, in need those of all delivered
 * events at once, and day files only after them. */
static enum hf_code begin_sweep(struct keeper *keeper, int64_t days, bool need, struct hf_err *err)
{
	const struct hf_sweep_options by_age = { .older_than_s = days * 24 * 3600 };
	const struct hf_sweep_options by_need = { .older_than_s = THUMB_NEED_S,
						  .delivered_through = keeper->acked_through,
						  .bytes_wanted = SPACE_WANTED_BYTES };

	keeper->sweep_in_need = need;
	return hf_sweep_begin(keeper->outbox, need ? &by_need : &by_age, hf_wall_now(keeper->clock),
			      &keeper->sweep, err);
}

static void sweep(struct keeper *keeper, int64_t days, bool need)
{
	struct hf_mono now = hf_mono_now(keeper->clock);
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_retained removed = { 0 };
	struct hf_err err = { 0 };
	enum hf_code code = HF_OK;

	if (keeper->sweep == NULL) {
		if (hf_mono_before(now, need ? keeper->space_at : keeper->sweep_at))
			return;
		keeper->sweep_at = hf_mono_add_ms(now, SWEEP_MS);
		keeper->space_at = hf_mono_add_ms(now, RETAIN_FULL_MS);
		code = begin_sweep(keeper, days, need, &err);
	}
	if (code == HF_OK) {
		hf_pulse_busy(pulse, now, FLUSH_MAX_MS);
		code = hf_sweep_step(keeper->sweep, &removed, &err);
		hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	}
	if (code == HF_E_AGAIN)
		return;
	if (code != HF_OK && code != HF_E_NOENT)
		hf_log(HF_LOG_WARN, "sweep_failed", "why=\"%s\"", err.text);
	else if (removed.files > 0)
		hf_log(HF_LOG_INFO, "thumbs_removed", "files=%llu",
		       (unsigned long long)removed.files);
	hf_sweep_end(keeper->sweep);
	keeper->sweep = NULL;
	if (keeper->sweep_in_need && keeper->acked_through > 0)
		make_space(keeper);
}

static void tell_low_space(struct keeper *keeper)
{
	bool released = hf_outbox_counters(keeper->outbox)->ballast_released;
	struct hf_err err;

	if (released == keeper->low_space_told)
		return;
	if (released)
		hf_log(HF_LOG_WARN, "outbox_low_space",
		       "the reserve of %d bytes for a full disk is not there: free some space",
		       BALLAST_BYTES);
	keeper->low_space_told = released && hf_worker_note(keeper->worker, "outbox_low_space",
							    NULL, "{}", &err) == HF_OK;
}

static void send_stats(struct keeper *keeper)
{
	const struct hf_outbox_counters *counters = hf_outbox_counters(keeper->outbox);
	struct hf_watermark position;
	struct hf_err err;
	char text[1024];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_outbox_position(keeper->outbox, &position);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "local_seq", position.seq);
	hf_json_put_u64(&json, "commits", counters->commits);
	hf_json_put_u64(&json, "events", counters->events);
	hf_json_put_u64(&json, "bytes", counters->bytes);
	hf_json_put_text(&json, "file", position.file);
	hf_json_key(&json, "commit_ms");
	hf_json_object_open(&json);
	hf_json_put_real(&json, "p50",
			 (double)hf_histogram_quantile(&keeper->commit_us, 0.5) / 1000, 3);
	hf_json_put_real(&json, "p99",
			 (double)hf_histogram_quantile(&keeper->commit_us, 0.99) / 1000, 3);
	hf_json_put_real(&json, "max", (double)keeper->commit_us.max / 1000, 3);
	hf_json_object_close(&json);
	hf_json_put_u64(&json, "torn_bytes", keeper->report.bytes_torn);
	hf_json_put_u64(&json, "lines_bad", keeper->report.lines_bad);
	hf_json_put_u64(&json, "duplicates", counters->duplicates);
	hf_json_put_u64(&json, "files_spent", counters->files_spent);
	hf_json_put_text(&json, "commit", counters->by_ring ? "ring" : "file");
	hf_json_put_u64(&json, "ring_failures", counters->ring_failures);
	hf_json_put_u64(&json, "day_flushes", counters->day_flushes);
	hf_json_put_bool(&json, "ballast", !counters->ballast_released);
	hf_json_put_text(&json, "condition", condition_notes[keeper->condition]);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		hf_worker_stats(keeper->worker, text);
}

/* What a start has left for later. */
static void recall(struct keeper *keeper)
{
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_err err = { 0 };

	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), FLUSH_MAX_MS);
	enum hf_code code = hf_outbox_recall(keeper->outbox, &err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	if (code == HF_OK)
		return;
	keeper->recall_at = hf_mono_add_ms(hf_mono_now(keeper->clock), RETAIN_FULL_MS);
	hf_log(HF_LOG_WARN, "recall_failed", "why=\"%s\" next=\"tried again\"", err.text);
}

/* What is not urgent: once a second, and nothing of it while offers wait. */
static void upkeep(struct keeper *keeper)
{
	struct hf_mono now = hf_mono_now(keeper->clock);
	int64_t days = hf_worker_config(keeper->worker)->outbox_retention_days;
	bool need = keeper->condition == CONDITION_FULL ||
		    hf_outbox_counters(keeper->outbox)->ballast_released;

	if (hf_mono_before(now, keeper->stats_at))
		return;
	keeper->stats_at = hf_mono_add_ms(now, STATS_MS);
	send_stats(keeper);
	send_answers_left(keeper);
	tell_low_space(keeper);
	tell_ring(keeper);
	if (!hf_mono_before(now, keeper->day_flush_at)) {
		keeper->day_flush_at = hf_mono_add_ms(now, DAY_FLUSH_MS);
		flush_day(keeper);
	}
	if (keeper->unshown)
		show_again(keeper);
	finish_redraw(keeper);
	if (!hf_mono_before(now, keeper->recall_at))
		recall(keeper);
	if (!keeper->condition_noted)
		note_condition(keeper, keeper->condition, "see the log of keeper");
	if (!hf_mono_before(now, keeper->retain_at)) {
		keeper->retain_at = hf_mono_add_ms(now, need ? RETAIN_FULL_MS : RETAIN_MS);
		if (keeper->acked_through > 0)
			retain(keeper, days);
		refill_ballast(keeper);
	}
	sweep(keeper, days, need);
}

static enum hf_code open_locked(struct keeper *keeper, const struct hf_outbox_options *options,
				struct hf_err *err)
{
	struct hf_mono until = hf_mono_add_ms(hf_mono_now(keeper->clock), LOCK_WAIT_MS);
	const struct timespec pause = { .tv_nsec = LOCK_RETRY_MS * 1000000L };

	for (;;) {
		enum hf_code code = hf_outbox_open(keeper->disk, options, &keeper->outbox,
						   &keeper->report, err);

		/* The keeper before may still be dying. */
		if (code != HF_E_AGAIN || !hf_mono_before(hf_mono_now(keeper->clock), until))
			return code;
		(void)nanosleep(&pause, NULL);
	}
}

static enum hf_code keeper_open(struct keeper *keeper, struct hf_err *err)
{
	const struct hf_hello *hello = hf_worker_hello(keeper->worker);
	struct hf_pulse *pulse = hf_worker_pulse(keeper->worker);
	struct hf_watermark committed;
	struct hf_err ignored;

	keeper->condition = hello->restarts > 0 ? CONDITION_UNKNOWN : CONDITION_OK;
	hf_pulse_busy(pulse, hf_mono_now(keeper->clock), LOCK_WAIT_MS + 2 * FLUSH_MAX_MS);
	enum hf_code code = hf_disk_real_open(hello->data_path, &keeper->disk, err);
	if (code == HF_OK)
		code = epoch_open(&keeper->epoch, keeper->disk, keeper->clock, hello, err);
	if (code == HF_OK)
		code = hf_watermark_create(hello->run_path, hello->boot_id, hello->run,
					   &keeper->page, err);
	if (code != HF_OK)
		return code;
	bool known = hf_watermark_read(keeper->page, &committed, &ignored) == HF_OK;
	struct hf_outbox_options options = {
		.device_id = hello->device_id,
		.epoch = keeper->epoch.now,
		.boot = hello->boot,
		.run = hello->run,
		.first_of_run = hello->restarts == 0,
		.clock = keeper->clock,
		.clock_trust = hf_clock_trust,
		.committed = known ? &committed : NULL,
		.ballast_bytes = BALLAST_BYTES,
		.commit = hf_worker_config(keeper->worker)->outbox_commit == COMMIT_BY_RING
				  ? HF_COMMIT_RING
				  : HF_COMMIT_FILE,
	};
	memcpy(options.context.boot_id, hello->boot_id, sizeof options.context.boot_id);
	memcpy(options.context.release, hello->release, sizeof options.context.release);
	code = open_locked(keeper, &options, err);
	hf_pulse_idle(pulse, hf_mono_now(keeper->clock));
	if (code != HF_OK)
		return code;
	const struct hf_outbox_report *report = &keeper->report;
	hf_log(report->lines_bad + report->bytes_torn > 0 ? HF_LOG_WARN : HF_LOG_INFO,
	       "outbox_opened",
	       "local_seq=%llu lines=%llu torn_bytes=%llu lines_bad=%llu gap=%llu-%llu",
	       (unsigned long long)report->seq_last, (unsigned long long)report->lines,
	       (unsigned long long)report->bytes_torn, (unsigned long long)report->lines_bad,
	       (unsigned long long)report->gap_from, (unsigned long long)report->gap_through);
	epoch_settle(&keeper->epoch, keeper->outbox, report->seq_last);
	publish(keeper);
	wake_uplink(keeper);
	tell_forks(keeper);
	return HF_OK;
}

static void keeper_close(struct keeper *keeper)
{
	hf_sweep_end(keeper->sweep);
	hf_outbox_close(keeper->outbox);
	hf_watermark_close(keeper->page);
	hf_disk_real_close(keeper->disk);
	hf_worker_close(keeper->worker);
	free(keeper);
}

static int run(struct keeper *keeper)
{
	struct hf_err err = { 0 };
	enum hf_code code = keeper_open(keeper, &err);

	if (code == HF_E_AGAIN) {
		hf_log(HF_LOG_ERROR, "outbox_locked",
		       "another holdfast uses the data folder %s: stop it, or give this one "
		       "a folder of its own (--data)",
		       hf_worker_hello(keeper->worker)->data_path);
		return EXIT_LATER;
	}
	if (code == HF_OK)
		code = hf_worker_ready(keeper->worker, &err);
	while (code == HF_OK) {
		code = hf_worker_step(keeper->worker, keeper->wake_due ? WAKE_MS : STEP_MS, &err);
		if (code == HF_OK)
			code = gather(keeper, &err);
		commit(keeper);
		wake_uplink_if_due(keeper);
		if (code == HF_OK)
			upkeep(keeper);
	}
	if (code == HF_E_CLOSED)
		return EXIT_SUCCESS;
	/* The unit says why nothing is stored, and the event waits for the next keeper. */
	note_trouble(keeper, code, err.text);
	hf_log(HF_LOG_ERROR, "keeper_failed", "%s", err.text);
	return EXIT_FAILURE;
}

int main(void)
{
	struct hf_err err = { 0 };
	struct keeper *keeper = calloc(1, sizeof *keeper);

	HF_ASSERT(keeper != NULL);
	keeper->clock = hf_clock_real();
	keeper->condition_noted = true;
	struct hf_worker_ops ops = { .context = keeper, .on_message = on_message };
	if (hf_worker_open(HF_ROLE_KEEPER, &ops, &keeper->worker, &err) != HF_OK) {
		hf_log(HF_LOG_ERROR, "keeper_failed", "%s", err.text);
		keeper_close(keeper);
		return EXIT_FAILURE;
	}
	hf_sandbox_worker(hf_worker_hello(keeper->worker), hf_worker_config(keeper->worker),
			  &keeper->sandbox);
	/* Retention begins a little after everybody else has started. */
	keeper->retain_at = hf_mono_add_ms(hf_mono_now(keeper->clock), 60 * 1000);
	keeper->sweep_at = keeper->retain_at;
	keeper->recall_at = hf_mono_add_ms(hf_mono_now(keeper->clock), RECALL_MS);
	int status = run(keeper);
	keeper_close(keeper);
	return status;
}
