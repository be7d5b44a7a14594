/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the window holds the lines behind the cursor. A turn takes in the answer that has come,
 * fills the window up, and starts the next request: events first, a picture only when no event
 * waits. Exactly one request is in flight.
 *
 * A line leaves the window in two ways: the hub has acknowledged its number, or it is the next one,
 * the hub has refused it for good, and a note says so.
 */
#include "proc/uplink/drain.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "outbox/cursor.h"
#include "proc/uplink/feed.h"
#include "proc/uplink/history.h"
#include "proc/uplink/notes.h"
#include "uplink/channel.h"
#include "uplink/sender.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
	WAIT_MS_MAX = 250,
	CURSOR_EVERY_MS = 1000,
	FLUSH_MS_MAX = 30000, /* announced: a worn card takes its time */
	FEED_PAUSE_MS = 1000, /* after the disk refused to be read */
	NONCE_BYTES = 16,
	HEADER_BYTES = 128,
};

enum task {
	TASK_NONE = 0,
	TASK_EVENTS,
	TASK_THUMB,
};

struct hf_drain {
	struct hf_worker *worker;
	const struct hf_config *config;
	const struct hf_hello *hello;
	struct hf_disk *disk;
	struct hf_feed *feed;
	struct hf_sender *sender; /* NULL: no hub, or an address that cannot be used */
	struct hf_channel channel;
	struct hf_thumbs thumbs;
	struct hf_notes notes;
	struct hf_history history;

	enum task task; /* of the request in hand */
	bool ended;     /* ... whose response has come */
	struct hf_channel_batch asked;
	char stream[HF_WINDOW_EPOCH_BYTES]; /* the epoch that these lines are delivered under */
	bool conflicted;                    /* the last answer was a conflict */
	char nonce[2 * NONCE_BYTES + 1];
	enum hf_method thumb_method;
	char *thumb_data; /* of a PUT in hand */

	bool held; /* item was read and does not fit yet */
	struct hf_feed_item item;
	struct hf_mono feed_due;

	/* A replay: wished for (from 0: none), or, with resume_seq, under way. */
	uint64_t replay_from, replay_through;
	uint64_t resume_seq; /* where the cursor was; 0: none under way */

	uint64_t cursor_stored;
	uint64_t cursor_told; /* to keeper */
	struct hf_mono cursor_due;
	uint64_t sent;
	uint64_t requests;
	struct hf_window window;
};

static struct hf_mono now_mono(void)
{
	return hf_mono_now(hf_clock_real());
}

static uint64_t pending(struct hf_drain *drain)
{
	uint64_t committed = hf_feed_committed(drain->feed);
	uint64_t acked = drain->channel.acked_through;

	/* A cursor ahead of the log is keeper's to sort out: it numbers on from there. */
	return committed > acked ? committed - acked : 0;
}

/* --- news --- */

static void note(struct hf_drain *drain, const char *event_class, const char *error, uint64_t seq,
		 int64_t waited_ms)
{
	char attrs[HF_NOTE_ATTRS_BYTES];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	if (seq != 0)
		hf_json_put_u64(&json, "seq", seq);
	if (error != NULL)
		hf_json_put_text(&json, "error", error);
	if (waited_ms >= 0)
		hf_json_put_i64(&json, "waited_ms", waited_ms);
	hf_json_put_u64(&json, "pending", pending(drain));
	hf_json_object_close(&json);
	/* The news matters more than a text that is too long for it. */
	if (hf_json_end(&json, &err) != HF_OK)
		(void)snprintf(attrs, sizeof attrs, "{}");
	hf_notes_add(&drain->notes, event_class, attrs);
}

static void tell_news(struct hf_drain *drain, unsigned news, uint64_t conflict_seq)
{
	const struct hf_channel *channel = &drain->channel;

	if ((news & HF_NEWS_LINK_DOWN) != 0)
		note(drain, "link_down", channel->last_error, 0, -1);
	if ((news & HF_NEWS_LINK_UP) != 0)
		note(drain, "link_up", NULL, 0, channel->down_ms);
	if ((news & HF_NEWS_BLOCKED) != 0)
		note(drain, "uplink_blocked", channel->last_error, 0, -1);
	if ((news & HF_NEWS_CONFLICT) != 0)
		note(drain, "hub_identity_conflict", channel->last_error, conflict_seq, -1);
	if ((news & HF_NEWS_UNBLOCKED) != 0)
		note(drain, "uplink_unblocked", NULL, 0, channel->blocked_ms);
}

/* --- lines --- */

/* Let the window take what is committed. */
static void fill(struct hf_drain *drain)
{
	struct hf_err err;

	while (!hf_mono_before(now_mono(), drain->feed_due)) {
		if (!drain->held) {
			enum hf_code code = hf_feed_next(drain->feed, &drain->item, &err);

			if (code == HF_E_AGAIN)
				return;
			if (code != HF_OK) {
				hf_log(HF_LOG_ERROR, "outbox_unreadable", "why=\"%s\"", err.text);
				drain->feed_due = hf_mono_add_ms(now_mono(), FEED_PAUSE_MS);
				return;
			}
			drain->held = true;
		}
		if (drain->item.passed[0] != '\0') {
			if (hf_notes_full(&drain->notes))
				return;
			hf_notes_add(&drain->notes, "outbox_line_unreadable", drain->item.passed);
			drain->item.passed[0] = '\0';
		}
		if (!hf_window_add(&drain->window, drain->item.data, &drain->item.owner,
				   &drain->item.line))
			return;
		drain->held = false;
	}
}

/* The lines at the front that will never be taken: note each and pass it over. */
static void pass_refused(struct hf_drain *drain)
{
	struct hf_window *window = &drain->window;

	while (window->line_count > 0 &&
	       hf_channel_refuses(&drain->channel, window->lines[0].seq) &&
	       !hf_notes_full(&drain->notes)) {
		uint64_t seq = window->lines[0].seq;

		note(drain, "event_rejected", drain->channel.refused_text, seq, -1);
		hf_channel_pass(&drain->channel, seq);
		hf_window_leave(window, 1);
		fill(drain);
	}
}

/* --- a replay --- */

static void store_cursor(struct hf_drain *drain, bool at_once);

static void go_to(struct hf_drain *drain, uint64_t acked_through)
{
	drain->channel.acked_through = acked_through;
	drain->channel.refused_seq = 0;
	hf_window_clear(&drain->window);
	drain->held = false;
	hf_feed_seek(drain->feed, acked_through);
	store_cursor(drain, true);
}

/* Is this line behind what is to be sent again? */
static bool beyond_replay(const struct hf_drain *drain, uint64_t seq)
{
	return drain->resume_seq != 0 && drain->replay_through != 0 && seq > drain->replay_through;
}

/* Between two requests: begin the replay that is wished for, or end the one under way. */
static void step_replay(struct hf_drain *drain)
{
	const struct hf_window *window = &drain->window;
	uint64_t acked = drain->channel.acked_through;

	if (drain->replay_from != 0 && drain->replay_from <= acked) {
		drain->resume_seq = acked > drain->resume_seq ? acked : drain->resume_seq;
		hf_log(HF_LOG_INFO, "replay_begun", "from=%llu through=%llu cursor=%llu",
		       (unsigned long long)drain->replay_from,
		       (unsigned long long)drain->replay_through, (unsigned long long)acked);
		go_to(drain, drain->replay_from - 1);
		drain->replay_from = 0;
		return;
	}
	/* What was not delivered yet needs no replay. */
	drain->replay_from = 0;
	bool done = acked >= drain->resume_seq ||
		    (drain->replay_through != 0 && acked >= drain->replay_through) ||
		    (window->line_count > 0 && beyond_replay(drain, window->lines[0].seq));
	if (drain->resume_seq == 0 || !done)
		return;
	hf_log(HF_LOG_INFO, "replay_ended", "acked=%llu next=%llu", (unsigned long long)acked,
	       (unsigned long long)drain->resume_seq + 1);
	if (acked < drain->resume_seq)
		go_to(drain, drain->resume_seq);
	drain->resume_seq = 0;
}

void hf_drain_replay(struct hf_drain *drain, uint64_t from_seq, uint64_t through_seq)
{
	drain->replay_from = from_seq;
	drain->replay_through = through_seq;
}

/* --- requests --- */

static void start_failed(struct hf_drain *drain, enum hf_code code, const struct hf_err *err)
{
	enum hf_verdict verdict = HF_VERDICT_BLOCKED;
	struct hf_answer answer;

	/* A token file that cannot be used needs a person; memory does not. */
	if (code == HF_E_NOMEM || code == HF_E_IO || code == HF_E_AGAIN)
		verdict = HF_VERDICT_RETRY;
	hf_answer_unsent(verdict, err->text, &answer);
	drain->conflicted = false;
	unsigned news = hf_channel_answered(&drain->channel, &answer, &drain->asked, now_mono(),
					    hf_random_real());
	tell_news(drain, news, 0);
}

/* The lines of one request: of one epoch, and delivered under one. */
static uint32_t choose_lines(struct hf_drain *drain)
{
	const struct hf_window *window = &drain->window;
	const struct hf_forks *forks = &drain->history.forks;
	const char *own = window->owner.epoch;
	uint32_t count = 0;

	if (window->line_count == 0)
		return 0;
	const char *stream = hf_forks_stream(forks, own, window->lines[0].seq);
	while (count < window->line_count && !beyond_replay(drain, window->lines[count].seq) &&
	       hf_channel_takes(&drain->channel, window->lines[count].seq, count) &&
	       strcmp(hf_forks_stream(forks, own, window->lines[count].seq), stream) == 0)
		count++;
	(void)snprintf(drain->stream, sizeof drain->stream, "%s", stream);
	return count;
}

static bool start_events(struct hf_drain *drain)
{
	const struct hf_window *window = &drain->window;

	if (hf_retry_remaining_ms(&drain->channel.retry, now_mono()) > 0)
		return false;
	uint32_t count = choose_lines(drain);
	if (count == 0)
		return false;

	char device[HEADER_BYTES], epoch[HEADER_BYTES], nonce[HEADER_BYTES], from[HEADER_BYTES];
	struct hf_err err;
	bool forked = strcmp(drain->stream, window->owner.epoch) != 0;
	hf_random_hex(hf_random_real(), NONCE_BYTES, drain->nonce);
	(void)snprintf(device, sizeof device, "Holdfast-Device: %s", window->owner.device_id);
	(void)snprintf(epoch, sizeof epoch, "Holdfast-Epoch: %s", drain->stream);
	(void)snprintf(from, sizeof from, "Holdfast-Forked-From: %s", window->owner.epoch);
	(void)snprintf(nonce, sizeof nonce, "Holdfast-Nonce: %s", drain->nonce);
	struct hf_request request = {
		.method = HF_METHOD_POST,
		.path = "/v1/events",
		.body = window->data,
		.body_bytes = hf_window_bytes(window, count),
		.headers = { "Content-Type: application/x-ndjson", device, epoch, nonce,
			     forked ? from : NULL },
	};
	drain->asked = (struct hf_channel_batch){ .first_seq = window->lines[0].seq,
						  .last_seq = window->lines[count - 1].seq,
						  .line_count = count };
	enum hf_code code = hf_sender_start(drain->sender, &request, &err);
	if (code != HF_OK) {
		start_failed(drain, code, &err);
		return false;
	}
	drain->task = TASK_EVENTS;
	return true;
}

static void start_thumb(struct hf_drain *drain)
{
	const char *name;
	char path[HF_PATH_BYTES + 128], device[HEADER_BYTES];
	struct hf_err err;
	size_t size = 0;

	/* Pictures follow events and never go ahead of them, nor try whether the link is up. */
	if (drain->channel.way != HF_WAY_UP || drain->channel.blocked ||
	    !hf_thumbs_next(&drain->thumbs, now_mono(), &drain->thumb_method, &name))
		return;
	if (drain->thumb_method == HF_METHOD_PUT) {
		(void)snprintf(path, sizeof path, "%s/thumbs/%s.jpg", drain->hello->data_path,
			       name);
		if (hf_file_read(path, HF_THUMB_BYTES_MAX, &drain->thumb_data, &size, &err) !=
		    HF_OK) {
			hf_log(HF_LOG_WARN, "thumb_dropped", "why=\"%s\"", err.text);
			hf_thumbs_drop(&drain->thumbs);
			return;
		}
	}
	(void)snprintf(path, sizeof path, "/v1/thumbs/%s", name);
	(void)snprintf(device, sizeof device, "Holdfast-Device: %s", drain->hello->device_id);
	struct hf_request request = {
		.method = drain->thumb_method,
		.path = path,
		.body = drain->thumb_data,
		.body_bytes = size,
		.headers = { device,
			     drain->thumb_data != NULL ? "Content-Type: image/jpeg" : NULL },
	};
	if (hf_sender_start(drain->sender, &request, &err) == HF_OK) {
		drain->task = TASK_THUMB;
		return;
	}
	free(HF_TAKE(drain->thumb_data));
	const struct hf_response failed = { .failure = err.text };
	hf_thumbs_answered(&drain->thumbs, drain->thumb_method, &failed, now_mono(),
			   hf_random_real());
}

/* --- answers --- */

/* The chain value of our own line with this number, which is in the window. */
static bool own_chain(const struct hf_window *window, uint64_t seq,
		      uint8_t ret_chain[HF_CHAIN_BYTES])
{
	uint32_t count = hf_window_through(window, seq);

	if (count == 0 || window->lines[count - 1].seq != seq ||
	    window->lines[count - 1].size_bytes < HF_LINE_BYTES_MIN)
		return false;
	const char *end = window->data + hf_window_bytes(window, count);
	return hf_unhex(end - HF_LINE_CRC_END_BYTES - 1 - 2 * HF_CHAIN_BYTES, HF_CHAIN_BYTES,
			ret_chain);
}

static void tell_history(struct hf_drain *drain, const struct hf_answer *answer)
{
	uint8_t chain[HF_CHAIN_BYTES];
	const struct hf_history_about about = {
		.device_id = drain->window.owner.device_id,
		.epoch = drain->stream,
		.own_chain =
			answer->has_receipt && own_chain(&drain->window, answer->receipt.seq, chain)
				? chain
				: NULL,
		.first_seq = drain->asked.first_seq,
		.committed = hf_feed_committed(drain->feed),
	};

	drain->conflicted = answer->verdict == HF_VERDICT_CONFLICT;
	hf_history_answer(&drain->history, answer, &about);
}

static void take_events_answer(struct hf_drain *drain)
{
	const struct hf_sent sent = { .device_id = drain->window.owner.device_id,
				      .epoch = drain->stream,
				      .nonce = drain->nonce,
				      .first_seq = drain->asked.first_seq,
				      .last_seq = drain->asked.last_seq };
	struct hf_answer answer;

	hf_answer_judge(hf_sender_response(drain->sender), &sent, &answer);
	tell_history(drain, &answer);
	unsigned news = hf_channel_answered(&drain->channel, &answer, &drain->asked, now_mono(),
					    hf_random_real());
	uint32_t count = hf_window_through(&drain->window, drain->channel.acked_through);
	for (uint32_t i = 0; i < count; i++)
		if (drain->config->hub_thumbs && drain->window.lines[i].thumb[0] != '\0')
			hf_thumbs_add(&drain->thumbs, drain->window.lines[i].thumb);
	hf_window_leave(&drain->window, count);
	drain->sent += count;
	hf_log(HF_LOG_DEBUG, "answer", "verdict=%s first=%llu last=%llu acked=%llu text=\"%s\"",
	       hf_verdict_name(answer.verdict), (unsigned long long)drain->asked.first_seq,
	       (unsigned long long)drain->asked.last_seq,
	       (unsigned long long)drain->channel.acked_through, answer.text);
	tell_news(drain, news, answer.seq);
}

static void take_answer(struct hf_drain *drain)
{
	drain->ended = false;
	drain->requests++;
	hf_pulse_progress(hf_worker_pulse(drain->worker));
	if (drain->task == TASK_EVENTS)
		take_events_answer(drain);
	else
		hf_thumbs_answered(&drain->thumbs, drain->thumb_method,
				   hf_sender_response(drain->sender), now_mono(), hf_random_real());
	free(HF_TAKE(drain->thumb_data));
	drain->task = TASK_NONE;
}

/* --- what is kept --- */

static void store_retry(struct hf_drain *drain)
{
	struct hf_err err;

	if (!hf_retry_save_due(&drain->channel.retry, now_mono()))
		return;
	hf_pulse_busy(hf_worker_pulse(drain->worker), now_mono(), FLUSH_MS_MAX);
	enum hf_code code =
		hf_retry_save(&drain->channel.retry, drain->disk, HF_RETRY_HUB, now_mono(), &err);
	hf_pulse_idle(hf_worker_pulse(drain->worker), now_mono());
	if (code != HF_OK)
		hf_log(HF_LOG_WARN, "retry_state_not_stored", "why=\"%s\"", err.text);
}

static void tell_keeper(struct hf_drain *drain)
{
	struct hf_cursor_note body = { .acked_through = drain->cursor_stored };
	struct hf_err err;

	if (drain->cursor_told == drain->cursor_stored)
		return;
	/* A full queue or a keeper that is away: with the next turn. */
	if (hf_worker_send(drain->worker, HF_ROLE_KEEPER, 0, HF_MSG_CURSOR, &body, sizeof body,
			   &err) == HF_OK)
		drain->cursor_told = drain->cursor_stored;
}

static void store_cursor(struct hf_drain *drain, bool at_once)
{
	uint64_t acked = drain->channel.acked_through;
	struct hf_err err;

	if (acked == drain->cursor_stored || !hf_notes_empty(&drain->notes) ||
	    (!at_once && hf_mono_before(now_mono(), drain->cursor_due)))
		return;
	drain->cursor_due = hf_mono_add_ms(now_mono(), CURSOR_EVERY_MS);
	hf_pulse_busy(hf_worker_pulse(drain->worker), now_mono(), FLUSH_MS_MAX);
	enum hf_code code = hf_cursor_store(drain->disk, HF_CURSOR_HUB, acked, &err);
	hf_pulse_idle(hf_worker_pulse(drain->worker), now_mono());
	if (code == HF_OK)
		drain->cursor_stored = acked;
	else
		hf_log(HF_LOG_WARN, "cursor_not_stored", "why=\"%s\"", err.text);
}

/* --- start and end --- */

static void load_state(struct hf_drain *drain)
{
	struct hf_retry retry;
	struct hf_err err;
	uint64_t acked = 0;

	enum hf_code code = hf_cursor_load(drain->disk, HF_CURSOR_HUB, &acked, &err);
	if (code != HF_OK && code != HF_E_NOENT) {
		hf_log(HF_LOG_WARN, "cursor_unreadable",
		       "why=\"%s\" next=\"sending from the beginning; the hub drops what it has\"",
		       err.text);
		acked = 0;
	}
	drain->cursor_stored = acked;

	hf_retry_init(&retry, drain->config->hub_backoff_min_ms, drain->config->hub_backoff_max_ms);
	code = hf_retry_load(&retry, drain->disk, HF_RETRY_HUB, now_mono(), &err);
	if (code != HF_OK)
		hf_log(HF_LOG_WARN, "retry_state_unreadable",
		       "why=\"%s\" next=\"as if nothing had failed\"", err.text);

	uint32_t lines_max = (uint32_t)drain->config->hub_batch_max;
	hf_channel_init(&drain->channel, &retry, acked, lines_max, now_mono());
	hf_thumbs_init(&drain->thumbs, drain->config->hub_backoff_min_ms,
		       drain->config->hub_backoff_max_ms);
}

static void open_sender(struct hf_drain *drain)
{
	struct hf_answer answer;
	struct hf_err err;
	const struct hf_sender_options options = {
		.url = drain->config->hub_url,
		.ca_file = drain->config->hub_ca_file,
		.token_file = drain->config->hub_token_file,
		.insecure = drain->config->hub_insecure,
		.connect_ms = drain->config->hub_connect_ms,
		.total_ms = drain->config->hub_total_ms,
	};

	if (drain->config->hub_url[0] == '\0') {
		hf_log(HF_LOG_INFO, "no_hub", "hub.url is empty: nothing is sent");
		return;
	}
	if (hf_sender_open(&options, &drain->sender, &err) == HF_OK)
		return;
	drain->channel.blocked = true;
	hf_answer_unsent(HF_VERDICT_BLOCKED, err.text, &answer);
	memcpy(drain->channel.last_error, answer.text, sizeof answer.text);
	note(drain, "uplink_blocked", drain->channel.last_error, 0, -1);
}

enum hf_code hf_drain_open(struct hf_worker *worker, struct hf_drain **ret_drain,
			   struct hf_err *err)
{
	struct hf_drain *drain = calloc(1, sizeof *drain);

	if (drain == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	drain->worker = worker;
	drain->config = hf_worker_config(worker);
	drain->hello = hf_worker_hello(worker);
	enum hf_code code = hf_disk_real_open(drain->hello->data_path, &drain->disk, err);
	if (code == HF_OK)
		code = hf_disk_folder_ensure(drain->disk, "meta", err);
	if (code == HF_OK) {
		load_state(drain);
		hf_history_open(&drain->history, drain->disk, worker, &drain->notes);
		code = hf_feed_open(drain->disk, drain->hello, drain->channel.acked_through,
				    &drain->feed, err);
	}
	if (code != HF_OK) {
		hf_drain_close(drain);
		return code;
	}
	open_sender(drain);
	*ret_drain = drain;
	return HF_OK;
}

void hf_drain_close(struct hf_drain *drain)
{
	if (drain == NULL)
		return;
	if (drain->feed != NULL) {
		hf_history_turn(&drain->history, true);
		store_cursor(drain, true);
	}
	hf_sender_close(drain->sender);
	hf_feed_close(drain->feed);
	hf_disk_real_close(drain->disk);
	free(drain->thumb_data);
	free(drain);
}

/* --- the loop's three calls --- */

void hf_drain_wait(struct hf_drain *drain, const struct pollfd *fds, size_t fd_count)
{
	int64_t wait_ms = hf_retry_remaining_ms(&drain->channel.retry, now_mono());

	if (wait_ms == 0 || wait_ms > WAIT_MS_MAX)
		wait_ms = WAIT_MS_MAX;
	if (drain->sender != NULL) {
		drain->ended = hf_sender_step(drain->sender, fds, fd_count, (int)wait_ms);
		return;
	}
	struct pollfd copy[HF_WORKER_LINKS_MAX];
	HF_ASSERT(fd_count <= HF_ARRAY_LEN(copy));
	memcpy(copy, fds, fd_count * sizeof copy[0]);
	/* An interrupted wait is a short wait. */
	(void)poll(copy, (nfds_t)fd_count, (int)wait_ms);
}

void hf_drain_turn(struct hf_drain *drain)
{
	if (drain->ended)
		take_answer(drain);
	if (drain->sender != NULL && drain->task == TASK_NONE) {
		fill(drain);
		step_replay(drain);
		pass_refused(drain);
		if (!start_events(drain) && drain->window.line_count == 0)
			start_thumb(drain);
	}
	hf_history_turn(&drain->history, false);
	hf_notes_flush(&drain->notes, drain->worker);
	store_retry(drain);
	store_cursor(drain, false);
	tell_keeper(drain);
}

void hf_drain_keeper_plugged(struct hf_drain *drain)
{
	hf_feed_keeper_changed(drain->feed);
	hf_history_forks_changed(&drain->history);
	drain->cursor_told = 0;
}

void hf_drain_forked(struct hf_drain *drain)
{
	hf_history_forks_changed(&drain->history);
	/* What was refused goes another way now. */
	if (drain->conflicted)
		hf_channel_resume(&drain->channel);
	drain->conflicted = false;
}

static const char *state_name(struct hf_drain *drain, int64_t retry_in_ms)
{
	if (drain->channel.blocked)
		return "blocked";
	if (drain->sender == NULL)
		return "idle";
	if (drain->task == TASK_EVENTS)
		return "sending";
	if (drain->window.line_count > 0)
		return retry_in_ms > 0 ? "waiting" : "sending";
	return "idle";
}

void hf_drain_stats(struct hf_drain *drain, char *ret_json, size_t size_bytes)
{
	static const char *const ways[] = {
		[HF_WAY_UNKNOWN] = "unknown", [HF_WAY_UP] = "up", [HF_WAY_DOWN] = "down"
	};
	const struct hf_channel *channel = &drain->channel;
	int64_t retry_in_ms = hf_retry_remaining_ms(&channel->retry, now_mono());
	int64_t oldest_ms = 0;
	struct hf_err err;

	if (drain->window.line_count > 0 && drain->window.lines[0].captured_ms > 0)
		oldest_ms = hf_wall_now(hf_clock_real()).ms - drain->window.lines[0].captured_ms;
	struct hf_json json = hf_json_begin(ret_json, size_bytes);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "acked", channel->acked_through);
	hf_json_put_u64(&json, "pending", pending(drain));
	/* The wall clock may have gone back since. */
	hf_json_put_i64(&json, "oldest_pending_ms", oldest_ms > 0 ? oldest_ms : 0);
	hf_json_put_text(&json, "state", state_name(drain, retry_in_ms));
	hf_json_put_u64(&json, "attempts", channel->retry.attempts);
	hf_json_put_i64(&json, "retry_in_ms", retry_in_ms);
	hf_json_put_text(&json, "last_error", channel->last_error);
	hf_json_put_u64(&json, "sent", drain->sent);
	hf_json_put_u64(&json, "requests", drain->requests);
	hf_json_put_u64(&json, "thumbs_sent", drain->thumbs.sent);
	hf_json_put_u64(&json, "thumbs_waiting", drain->thumbs.count);
	hf_json_put_u64(&json, "thumbs_dropped", drain->thumbs.dropped);
	hf_json_put_u64(&json, "receipts", drain->history.stored);
	hf_json_put_u64(&json, "receipts_bad", drain->history.bad);
	hf_json_put_text(&json, "link", ways[channel->way]);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK)
		(void)snprintf(ret_json, size_bytes, "{}");
}
