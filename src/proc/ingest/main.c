/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest - one source's frames to tiles in the pixel ring, jobs to infer, a tick a frame to
 * respond.
 *
 * Method: one thread, one loop. Wait for messages until the next frame is due or its device has
 * one (200 ms at most), step the source, look at the frame, tell respond, cut and send what infer
 * has places for. A place that becomes free between two frames gets a tile of the newest frame.
 *
 * A source that cannot be opened or breaks is told once for each reason, and tried again: one of
 * this machine every two seconds, a camera in the network ever more slowly, until it has been
 * well for a while: one that gives a picture and goes again is no news every second. It is back
 * with its first whole picture, not before: a file may open well and hold rubbish. So one that is
 * open and gives no picture for five seconds is lost, too, but it is not opened again: there may
 * be good pictures further on. (A camera is given some more time, to connect and to send a picture
 * that stands alone; what it does within that, its own deadlines judge.)
 * A device that failed, was opened again, and failed again without a picture between is reported
 * to the supervisor, which may take it off its bus and on again; how often is for it to say.
 * The end of a file is told; the process stays. In lockstep both end the process: 0 at the
 * end of the file, when every result is there, 1 when the source failed.
 */
#include "base/assert.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/url.h"
#include "ingest/cutter.h"
#include "proc/common/sandbox.h"
#include "proc/common/worker.h"
#include "proc/ingest/notes.h"
#include "proc/ingest/report.h"
#include "proc/ingest/signals.h"
#include "wire/ring.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum {
	WAIT_MS_MAX = 200,
	WAIT_FULL_MS = 5,    /* a peer's queue is full: there is nothing to poll for */
	RETRY_MS = 2000,     /* a file or a device */
	RETRY_NET_MS = 1000, /* a camera in the network: first, doubles up to */
	RETRY_NET_MS_MAX = 30000,
	WELL_MS = 10000, /* with pictures for so long: the next wait is the first one again */
	OPEN_BUSY_MS = 15000,
	FIRST_FRAME_BUSY_MS = 5000,
	REPORT_MS = 1000,
	TICKS_UNTAKEN_MAX = 2,      /* one is looked at while what came of another is judged */
	SILENCE_MS = 5000,          /* and two frames' time: then an open source is lost */
	RESET_AFTER = 2,            /* failures of a device in a row */
	ERROR_TEXT_BYTES_MAX = 400, /* so that a note holds it, escaped */
	EXIT_ANEW = 75,             /* the sandbox has to be made anew */
};

struct ingest {
	struct hf_worker *worker;
	const struct hf_config *config;
	struct hf_sandbox sandbox;
	uint32_t index;
	bool lockstep;     /* no pacing, no drops */
	bool looks_at_all; /* every tile with every frame */

	uint64_t ring_id;
	struct hf_ring *ring; /* NULL until it was plugged */
	struct hf_cutter *cutter;

	struct hf_source *source; /* NULL: not open */
	struct hf_view *view;     /* NULL as long as source is */
	struct hf_health *health; /* NULL: nobody watches it */
	struct hf_mono retry_at;
	int64_t retry_ms; /* the wait before, 0: none */
	struct hf_mono opened_at;
	struct hf_mono picture_at; /* of the newest whole picture; of the opening before it */
	bool lost;                 /* and told so: */
	char lost_why[ERROR_TEXT_BYTES_MAX];
	bool back_untold;  /* lost, or an ingest before this one may have told so */
	unsigned failures; /* of the medium, since the last whole picture */
	bool damage_told;  /* of the source as it was opened last */
	bool ended;        /* a file that is not looped */
	bool first_frame_came;
	bool failed; /* lockstep: exit with 1 */

	struct hf_frame frame; /* the newest; planes[0] is NULL when there is none */
	struct hf_view_reading reading;
	enum hf_layout layout_told;
	struct hf_dispatch dispatch;
	struct hf_tick tick;
	bool tick_waits;         /* lockstep: respond's queue was full */
	bool tick_taken_awaited; /* lockstep as live: ticks are answered by TAKEN */
	unsigned ticks_untaken;
	bool jobs_wait; /* infer's queue was full */

	struct notes notes;
	struct report report;
	struct signals signals;
};

static struct hf_mono mono_now(void)
{
	return hf_mono_now(hf_clock_real());
}

static const struct hf_config_source *source_config(const struct ingest *in)
{
	return &in->config->sources[in->index];
}

static bool is_in_network(const struct ingest *in)
{
	return source_config(in)->type == HF_SOURCE_RTSP;
}

static struct note *note(struct ingest *in, const char *event_class, struct hf_json *attrs,
			 const char *text)
{
	return notes_add(&in->notes, event_class, attrs, text);
}

static void note_faults(struct ingest *in)
{
	notes_add_faults(&in->notes, in->health, in->config, in->index, in->reading.layout);
}

/* More of what health found may have waited for the room. */
static void send_notes(struct ingest *in)
{
	unsigned before;

	do {
		note_faults(in);
		before = in->notes.count;
		notes_send(&in->notes, in->worker);
	} while (before > 0 && in->notes.count == 0);
}

static struct hf_json attrs_begin(const struct ingest *in, char *text, size_t size_bytes)
{
	struct hf_json attrs = hf_json_begin(text, size_bytes);

	hf_json_object_open(&attrs);
	hf_json_put_text(&attrs, "source", source_config(in)->id);
	return attrs;
}

static void close_source(struct ingest *in)
{
	if (in->source != NULL)
		in->report.decode_errors_before += hf_source_info(in->source).decode_errors;
	hf_view_close(in->view);
	hf_source_close(in->source);
	in->view = NULL;
	in->source = NULL;
	in->frame.planes[0] = NULL;
	in->reading = (struct hf_view_reading){ 0 };
	hf_dispatch_forget(&in->dispatch);
}

static void tell_lost(struct ingest *in, const struct hf_err *why)
{
	char text[NOTE_ATTRS_BYTES_MAX];

	if (in->lost && strncmp(in->lost_why, why->text, sizeof in->lost_why - 1) == 0)
		return;
	in->lost = in->back_untold = true;
	(void)snprintf(in->lost_why, sizeof in->lost_why, "%.*s", ERROR_TEXT_BYTES_MAX - 1,
		       why->text);
	hf_log(HF_LOG_ERROR, "source_lost", "source=%s why=\"%s\"", source_config(in)->id,
	       why->text);
	struct hf_json attrs = attrs_begin(in, text, sizeof text);
	hf_json_key(&attrs, "error");
	hf_json_text_n(&attrs, why->text, strnlen(why->text, ERROR_TEXT_BYTES_MAX));
	(void)note(in, "source_lost", &attrs, text);
}

static int64_t next_wait_ms(const struct ingest *in)
{
	bool was_well = in->first_frame_came &&
			hf_mono_diff_us(in->picture_at, in->opened_at) > WELL_MS * INT64_C(1000);

	if (!is_in_network(in))
		return RETRY_MS;
	if (in->retry_ms == 0 || was_well)
		return RETRY_NET_MS;
	return 2 * in->retry_ms < RETRY_NET_MS_MAX ? 2 * in->retry_ms : RETRY_NET_MS_MAX;
}

/* A queue that is full, or a supervisor that says no, is asked again with the next failure. */
static void ask_for_reset(struct ingest *in)
{
	struct hf_err err;

	if (source_config(in)->type != HF_SOURCE_V4L2 || !source_config(in)->usb_reset ||
	    in->failures < RESET_AFTER)
		return;
	if (hf_worker_send(in->worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_USB_RESET, NULL, 0, &err) !=
	    HF_OK)
		hf_log(HF_LOG_WARN, "usb_reset_not_asked", "why=\"%s\"", err.text);
}

static void source_is_lost(struct ingest *in, const struct hf_err *why)
{
	in->retry_ms = next_wait_ms(in);
	in->retry_at = hf_mono_add_ms(mono_now(), in->retry_ms);
	if (why->code == HF_E_IO) {
		in->failures++;
		ask_for_reset(in);
	}
	close_source(in);
	in->failed = in->lockstep;
	tell_lost(in, why);
}

/* Open, and nothing comes of it. */
static void watch_silence(struct ingest *in, struct hf_mono now)
{
	static const char *const hints[] = {
		[HF_SOURCE_FILE] = ": is it the right file, and was it copied whole?",
		[HF_SOURCE_V4L2] = "",
		[HF_SOURCE_RTSP] = ": does it send what it says, and is the network good enough?",
	};
	char url[HF_PATH_BYTES];
	struct hf_err why;

	if (in->source == NULL || in->lost || in->lockstep || in->ended)
		return;
	if (!hf_worker_started(in->worker)) {
		in->picture_at = now;
		return;
	}
	const struct hf_source_info info = hf_source_info(in->source);
	int64_t limit_ms = SILENCE_MS + (info.fps > 0 ? (int64_t)(2000 / info.fps) : 0);
	if (is_in_network(in))
		limit_ms += 2 * source_config(in)->timeout_ms;
	if (hf_mono_before(now, hf_mono_add_ms(in->picture_at, limit_ms)))
		return;
	hf_url_hide(source_config(in)->url, url, sizeof url);
	if (info.why[0] != '\0')
		(void)!hf_fail(&why, HF_E_AGAIN, "%s", info.why);
	else
		(void)!hf_fail(&why, HF_E_AGAIN,
			       "%s: no whole picture for %" PRId64 " s (%" PRIu64
			       " could not be decoded)%s",
			       url, limit_ms / 1000, info.decode_errors,
			       hints[source_config(in)->type]);
	tell_lost(in, &why);
}

/* It is watched all the same: one note for each time that it was opened. */
static void tell_damage(struct ingest *in)
{
	const struct hf_source_info info = hf_source_info(in->source);
	char text[NOTE_ATTRS_BYTES_MAX], url[HF_PATH_BYTES];

	if (info.decode_errors == 0 || in->damage_told || in->lockstep || !in->first_frame_came)
		return;
	in->damage_told = true;
	hf_log(HF_LOG_WARN, "source_damaged", "source=%s frames=%" PRIu64 " errors=%" PRIu64,
	       source_config(in)->id, info.frames, info.decode_errors);
	struct hf_json attrs = attrs_begin(in, text, sizeof text);
	hf_json_put_text(&attrs, "error",
			 is_in_network(in)
				 ? "some pictures could not be decoded; the others are watched"
				 : "some pictures could not be decoded, or the file is cut short; "
				   "the others are watched");
	hf_url_hide(source_config(in)->url, url, sizeof url);
	hf_json_put_text(&attrs, "url", url);
	hf_json_put_u64(&attrs, "frames", info.frames);
	hf_json_put_u64(&attrs, "decode_errors", info.decode_errors);
	(void)note(in, "source_damaged", &attrs, text);
}

static void picture_came(struct ingest *in)
{
	char text[NOTE_ATTRS_BYTES_MAX];

	if (!in->first_frame_came) {
		const struct hf_source_info info = hf_source_info(in->source);

		hf_log(HF_LOG_INFO, "source_opened",
		       "source=%s codec=%s width=%u height=%u fps=%.2f", source_config(in)->id,
		       info.codec, info.width, info.height, info.fps);
	}
	in->first_frame_came = true;
	in->picture_at = mono_now();
	in->failures = 0;
	in->lost = false;
	if (!in->back_untold)
		return;
	in->back_untold = false;
	struct hf_json attrs = attrs_begin(in, text, sizeof text);
	(void)note(in, "source_back", &attrs, text);
}

static void source_has_ended(struct ingest *in)
{
	char text[NOTE_ATTRS_BYTES_MAX];
	struct hf_json attrs = attrs_begin(in, text, sizeof text);

	in->ended = true;
	signals_ended(&in->signals);
	hf_json_put_u64(&attrs, "frames", hf_source_info(in->source).frames);
	hf_json_put_u64(&attrs, "decode_errors", hf_source_info(in->source).decode_errors);
	(void)note(in, "source_ended", &attrs, text);
	hf_log(HF_LOG_INFO, "source_ended", "source=%s", source_config(in)->id);
}

/* A full queue: again after the next step. */
static void send_signals(struct ingest *in, struct hf_mono now)
{
	struct hf_signals signals;
	struct hf_err err;

	if (in->lockstep || !signals_due(&in->signals, now, &signals))
		return;
	if (hf_worker_send(in->worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_SIGNALS, &signals,
			   offsetof(struct hf_signals, samples) +
				   signals.count * sizeof signals.samples[0],
			   &err) == HF_OK)
		signals_told(&in->signals, &signals, now);
}

static void open_source(struct ingest *in)
{
	struct hf_err err;
	const struct hf_source_options options = { .config = source_config(in),
						   .clock = hf_clock_real(),
						   .lockstep = in->lockstep };

	signals_opened(&in->signals);
	hf_pulse_busy(hf_worker_pulse(in->worker), mono_now(), OPEN_BUSY_MS);
	enum hf_code code = hf_source_open(&options, &in->source, &err);
	hf_pulse_idle(hf_worker_pulse(in->worker), mono_now());
	if (code == HF_OK) {
		const struct hf_view_options view = {
			.config = in->config,
			.source = in->index,
			.looks_at_all = in->looks_at_all,
			.still = hf_source_info(in->source).still,
			.health = in->health,
		};
		code = hf_view_open(&view, &in->view, &err);
	}
	if (code != HF_OK) {
		source_is_lost(in, &err);
		return;
	}
	in->first_frame_came = in->damage_told = false;
	in->opened_at = in->picture_at = mono_now();
}

static void tell_layout(struct ingest *in)
{
	char text[NOTE_ATTRS_BYTES_MAX];
	const struct hf_view_reading *reading = &in->reading;

	if (reading->layout == HF_LAYOUT_UNKNOWN || reading->layout == in->layout_told)
		return;
	hf_log(HF_LOG_INFO, "layout", "source=%s layout=%s frame=%" PRIu64 " watched=%u",
	       source_config(in)->id, hf_layout_id(reading->layout), in->frame.number,
	       reading->watched);
	if (in->layout_told != HF_LAYOUT_UNKNOWN) {
		struct hf_json attrs = attrs_begin(in, text, sizeof text);

		hf_json_put_text(&attrs, "from", hf_layout_id(in->layout_told));
		hf_json_put_text(&attrs, "to", hf_layout_id(reading->layout));
		hf_json_put_u64(&attrs, "frame", in->frame.number);
		hf_json_put_u64(&attrs, "watched", reading->watched);
		struct note *kept = note(in, "view_changed", &attrs, text);
		if (kept != NULL) {
			kept->seen = true;
			kept->moment = (struct hf_worker_moment){
				.mono = in->frame.captured_mono,
				.wall = in->frame.captured_wall,
				.layout = reading->layout,
			};
		}
	}
	in->layout_told = reading->layout;
}

/* In lockstep a tick waits for its place, otherwise it is dropped and counted. */
static void send_tick(struct ingest *in)
{
	struct hf_err err;
	enum hf_code code = hf_worker_send(in->worker, HF_ROLE_RESPOND, 0, HF_MSG_TICK, &in->tick,
					   sizeof in->tick, &err);

	in->tick_waits = code == HF_E_AGAIN && in->lockstep;
	if (code != HF_OK && !in->tick_waits)
		in->report.ticks_dropped++;
	if (code == HF_OK && in->tick_taken_awaited)
		in->ticks_untaken++;
}

static void look_at_frame(struct ingest *in)
{
	struct hf_err err;
	struct hf_view_reading *reading = &in->reading;

	if (hf_view_step(in->view, &in->frame, reading, &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "view", "source=%s why=\"%s\"", source_config(in)->id,
		       err.text);
	tell_layout(in);
	/* What was seen on a frame is told before the frame: in lockstep order is everything. */
	if (in->lockstep)
		send_notes(in);
	in->tick = (struct hf_tick){ .source = in->index,
				     .layout = (uint32_t)reading->layout,
				     .moving_mask = reading->moving_mask,
				     .paused = reading->paused,
				     .blind_mask = reading->blind_mask,
				     .frame = in->frame.number,
				     .jobs_dropped = in->dispatch.jobs_dropped,
				     .jobs_lost = in->dispatch.jobs_lost,
				     .captured_mono = in->frame.captured_mono,
				     .captured_wall = in->frame.captured_wall };
	send_tick(in);

	const struct hf_mono now = mono_now();
	if (reading->paused || reading->rebuilt)
		hf_dispatch_forget(&in->dispatch);
	hf_dispatch_frame(&in->dispatch, now);
	for (uint32_t i = 0; i < reading->tile_count; i++)
		if (reading->tiles[i].blind)
			hf_dispatch_give_up(&in->dispatch, i);
		else if (reading->tiles[i].look != 0)
			hf_dispatch_want(&in->dispatch, i, reading->tiles[i].look,
					 reading->tiles[i].camera->priority, now);
	hf_dispatch_shed(&in->dispatch, hf_worker_unit(in->worker)->rate_permille);
}

/* HF_E_AGAIN: infer's queue is full, the tile goes on waiting. */
static enum hf_code send_job(struct ingest *in, const struct hf_dispatch_choice *choice,
			     struct hf_err *err)
{
	const struct hf_view_tile *tile = &in->reading.tiles[choice->tile];
	struct hf_job job = { .job_id = hf_dispatch_job_id(&in->dispatch),
			      .ring_id = in->ring_id,
			      .source = in->index,
			      .camera = (uint32_t)(tile->camera - in->config->cameras),
			      .tile = choice->tile,
			      .layout = (uint32_t)in->reading.layout,
			      .look = (uint32_t)choice->look,
			      .source_width = tile->rect.width,
			      .source_height = tile->rect.height,
			      .frame = in->frame.number,
			      .captured_mono = in->frame.captured_mono,
			      .captured_wall = in->frame.captured_wall };

	hf_cutter_size(tile->rect, &job.width, &job.height);
	uint8_t *pixels = hf_ring_claim(in->ring, &job.slot);
	enum hf_code code = hf_cutter_cut(in->cutter, &in->frame, tile->rect, pixels, err);
	job.slot_generation = hf_ring_publish(in->ring, job.slot);
	if (code != HF_OK)
		return code;
	return hf_worker_send(in->worker, HF_ROLE_INFER, choice->worker, HF_MSG_JOB, &job,
			      sizeof job, err);
}

static void send_jobs(struct ingest *in)
{
	struct hf_dispatch_choice choice;
	struct hf_err err;

	in->jobs_wait = false;
	if (in->ring == NULL || in->frame.planes[0] == NULL || in->tick_waits)
		return;
	while (hf_dispatch_next(&in->dispatch, mono_now(), &choice)) {
		enum hf_code code = send_job(in, &choice, &err);

		/* A link that is closing is told by on_gone. */
		in->jobs_wait = code == HF_E_AGAIN || code == HF_E_CLOSED;
		if (in->jobs_wait)
			return;
		if (code == HF_OK) {
			hf_dispatch_sent(&in->dispatch, &choice, in->frame.captured_mono,
					 mono_now());
			continue;
		}
		hf_log(HF_LOG_ERROR, "tile_not_sent", "tile=%u why=\"%s\"", choice.tile + 1,
		       err.text);
		hf_dispatch_give_up(&in->dispatch, choice.tile);
	}
}

/* May the source go on? In lockstep only when everything of this frame is done. */
static bool may_step(const struct ingest *in)
{
	if (in->source == NULL || in->ended || !hf_worker_started(in->worker))
		return false;
	return !in->lockstep ||
	       (!in->tick_waits && in->notes.count == 0 && in->ticks_untaken < TICKS_UNTAKEN_MAX &&
		hf_dispatch_idle(&in->dispatch));
}

static void step_source(struct ingest *in)
{
	struct hf_err err;
	const bool slow = hf_source_info(in->source).slow;
	const bool announced = slow || !in->first_frame_came;

	if (announced)
		hf_pulse_busy(hf_worker_pulse(in->worker), mono_now(),
			      slow ? OPEN_BUSY_MS : FIRST_FRAME_BUSY_MS);
	enum hf_code code = hf_source_step(in->source, &in->frame, &err);
	if (announced)
		hf_pulse_idle(hf_worker_pulse(in->worker), mono_now());
	tell_damage(in);
	if (code == HF_E_AGAIN)
		return;
	if (code == HF_E_CLOSED) {
		source_has_ended(in);
		return;
	}
	if (code != HF_OK) {
		source_is_lost(in, &err);
		return;
	}
	picture_came(in);
	look_at_frame(in);
	note_faults(in);
	const struct hf_source_info info = hf_source_info(in->source);
	signals_picture(&in->signals, in->config, &info, &in->reading, in->health, mono_now());
	send_jobs(in);
	report_frame(&in->report, &in->frame, &in->reading,
		     in->lockstep ? in->frame.captured_mono : mono_now());
	hf_pulse_progress(hf_worker_pulse(in->worker));
}

static void send_report(struct ingest *in, struct hf_mono now)
{
	char text[REPORT_BYTES_MAX];
	struct hf_err err;
	struct hf_source_info info = { 0 };

	if (hf_mono_before(now, hf_mono_add_ms(in->report.reported_at, REPORT_MS)))
		return;
	if (in->source != NULL)
		info = hf_source_info(in->source);
	/* A camera that is being connected to has said nothing about itself yet. */
	const struct report_facts facts = { .source_id = source_config(in)->id,
					    .info = info.codec[0] != '\0' ? &info : NULL,
					    .dispatch = &in->dispatch,
					    .view = &in->reading };
	if (report_write(&in->report, &facts, now, text, &err) == HF_OK)
		hf_worker_stats(in->worker, text);
}

static int64_t ms_until(struct hf_mono when, struct hf_mono now)
{
	return (hf_mono_diff_us(when, now) + 999) / 1000;
}

static int wait_ms(const struct ingest *in)
{
	const struct hf_mono now = mono_now();
	int64_t wait = WAIT_MS_MAX, report = ms_until(in->report.reported_at, now) + REPORT_MS;

	if (in->tick_waits || in->jobs_wait || in->notes.count > 0)
		wait = WAIT_FULL_MS;
	else if (may_step(in))
		wait = ms_until(hf_source_due(in->source), now);
	else if (in->source == NULL)
		wait = ms_until(in->retry_at, now);
	wait = wait < report ? wait : report;
	return (int)(wait < 0 ? 0 : wait > WAIT_MS_MAX ? WAIT_MS_MAX : wait);
}

/* Until there are messages, the time has come, or the source has something. */
static enum hf_code wait_and_dispatch(struct ingest *in, struct hf_err *err)
{
	struct pollfd fds[HF_WORKER_LINKS_MAX + 1];

	if (!may_step(in) || !hf_source_poll(in->source, &fds[0]))
		return hf_worker_step(in->worker, wait_ms(in), err);
	size_t count = hf_worker_pollfds(in->worker, &fds[1], HF_WORKER_LINKS_MAX);
	(void)poll(fds, count + 1, wait_ms(in));
	return hf_worker_step(in->worker, 0, err);
}

static enum hf_code on_plug(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
			    struct hf_err *err)
{
	struct ingest *in = context;
	HF_AUTO_FD fd = ring_fd;
	const uint32_t slot_bytes_min = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX;

	if (link->role == HF_ROLE_INFER && link->index >= HF_INFER_WORKERS_MAX)
		return hf_fail(err, HF_E_INVALID, "plug: infer.%u", link->index);
	if (fd >= 0 && in->ring != NULL && ring_id != in->ring_id)
		return hf_fail(err, HF_E_INVALID, "plug: another pixel ring than before");
	if (fd >= 0 && in->ring == NULL) {
		struct hf_ring *ring;
		enum hf_code code = hf_ring_open(fd, true, &ring, err);

		if (code != HF_OK)
			return code;
		if (hf_ring_slot_bytes(ring) < slot_bytes_min) {
			code = hf_fail(err, HF_E_INVALID,
				       "plug: slots of %u bytes, a tile may need %u",
				       hf_ring_slot_bytes(ring), slot_bytes_min);
			hf_ring_close(ring);
			return code;
		}
		in->ring = ring;
		in->ring_id = ring_id;
	}
	if (link->role == HF_ROLE_INFER)
		hf_dispatch_worker_up(&in->dispatch, link->index);
	return HF_OK;
}

static void on_gone(void *context, struct hf_link *link)
{
	struct ingest *in = context;

	if (link->role == HF_ROLE_INFER)
		hf_dispatch_worker_down(&in->dispatch, link->index);
	if (link->role == HF_ROLE_RESPOND)
		in->ticks_untaken = 0;
}

static enum hf_code on_taken(struct ingest *in, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_taken taken;

	hf_msg_get(msg, &taken, sizeof taken);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (in->ticks_untaken == 0)
		return hf_fail(err, HF_E_INVALID,
			       "taken: frame %" PRIu64 ", of which no tick waits", taken.frame);
	in->ticks_untaken--;
	return HF_OK;
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *err)
{
	struct ingest *in = context;
	struct hf_dispatch_job job;
	struct hf_done done;

	if (msg->type == HF_MSG_TAKEN)
		return on_taken(in, msg, err);
	if (msg->type != HF_MSG_DONE)
		return hf_fail(err, HF_E_INVALID, "%s is not for ingest", hf_msg_name(msg->type));
	hf_msg_get(msg, &done, sizeof done);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	code = hf_dispatch_done(&in->dispatch, link->index, done.job_id, &job, err);
	if (code != HF_OK)
		return code;
	/* In lockstep frames are on the clip's time: their age is what the look took. */
	struct hf_mono now = mono_now();
	if (in->lockstep)
		now.us = job.captured.us + hf_mono_diff_us(now, job.sent);
	report_done(&in->report, &job, done.failed != 0, now);
	if (in->view != NULL && done.failed == 0)
		hf_view_seen(in->view, job.tile, job.captured,
			     done.detection_count > 0 ? done.score_best : 0);
	return HF_OK;
}

/* The exit code, or -1: go on. */
static int is_over(const struct ingest *in)
{
	if (!in->lockstep || in->notes.count > 0)
		return -1;
	if (in->failed)
		return 1;
	return in->ended && !in->tick_waits && hf_dispatch_idle(&in->dispatch) ? 0 : -1;
}

/* A stick or grabber that was plugged in again is another one to the sandbox, which would keep it
 * out. The source is lost anyway: nothing is lost by beginning anew. */
static bool must_begin_anew(const struct ingest *in)
{
	const char *path = hf_sandbox_stale(&in->sandbox);

	if (path != NULL)
		hf_log(HF_LOG_INFO, "sandbox_anew",
		       "path=%s is another one than before: the next ingest may read it", path);
	return path != NULL;
}

static enum hf_code open_health(struct ingest *in, struct hf_err *err)
{
	const struct hf_health_options options = { .raise_ms = in->config->health_raise_ms,
						   .clear_ms = in->config->health_clear_ms,
						   .frozen_ms = in->config->health_frozen_ms,
						   .remind_ms = in->config->health_remind_ms };

	if (!in->config->health_watch || in->looks_at_all)
		return HF_OK;
	return hf_health_open(&options, &in->health, err);
}

static int run(struct ingest *in)
{
	struct hf_err err;

	open_source(in);
	enum hf_code code = hf_worker_ready(in->worker, &err);
	while (code == HF_OK) {
		int over = is_over(in);
		if (over >= 0)
			return over;
		code = wait_and_dispatch(in, &err);
		if (code != HF_OK)
			break;
		const struct hf_mono now = mono_now();
		send_notes(in);
		if (in->tick_waits)
			send_tick(in);
		send_jobs(in);
		if (in->source == NULL && !in->failed && !hf_mono_before(now, in->retry_at)) {
			if (must_begin_anew(in))
				return EXIT_ANEW;
			open_source(in);
		}
		if (may_step(in))
			step_source(in);
		watch_silence(in, now);
		send_report(in, now);
		send_signals(in, mono_now());
	}
	if (code == HF_E_CLOSED)
		return 0;
	hf_log(HF_LOG_ERROR, "ended", "why=\"%s\"", err.text);
	return 1;
}

int main(void)
{
	static struct ingest in;
	struct hf_err err;
	const struct hf_worker_ops ops = {
		.context = &in, .on_plug = on_plug, .on_message = on_message, .on_gone = on_gone
	};
	int exit_code = 1;

	if (hf_worker_open(HF_ROLE_INGEST, &ops, &in.worker, &err) != HF_OK) {
		hf_log(HF_LOG_ERROR, "no_hello", "%s", err.text);
		return 1;
	}
	in.config = hf_worker_config(in.worker);
	in.index = hf_worker_hello(in.worker)->index;
	in.lockstep = hf_worker_hello(in.worker)->lockstep != HF_LOCKSTEP_NONE;
	in.tick_taken_awaited = hf_worker_hello(in.worker)->lockstep == HF_LOCKSTEP_AS_LIVE;
	in.looks_at_all = hf_worker_hello(in.worker)->lockstep == HF_LOCKSTEP_ALL;
	in.back_untold = hf_worker_hello(in.worker)->restarts > 0;
	in.dispatch = hf_dispatch_begin(in.lockstep);
	in.report.reported_at = in.report.rotated_at = mono_now();
	signals_begin(&in.signals, in.config, in.index, mono_now());
	if (in.index >= in.config->source_count)
		hf_log(HF_LOG_ERROR, "no_source", "hello names source %u of %u", in.index,
		       in.config->source_count);
	else if (hf_cutter_open(&in.cutter, &err) != HF_OK || open_health(&in, &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "no_memory", "%s", err.text);
	else {
		hf_sandbox_worker(hf_worker_hello(in.worker), in.config, &in.sandbox);
		exit_code = run(&in);
	}
	close_source(&in);
	hf_health_close(in.health);
	hf_cutter_close(in.cutter);
	hf_ring_close(in.ring);
	hf_worker_close(in.worker);
	return exit_code;
}
