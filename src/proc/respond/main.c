/* SPDX-License-Identifier: Apache-2.0 */
/*
 * respond - detections in, events out.
 *
 * Method: a TICK tells each frame of a source, a RESULT what was found in one tile. The scene
 * (respond/scene.h) follows people and says which rule has fired; events.c makes an offer of it
 * and sees it to keeper. After each step what changed is handed to the supervisor as a SAVE.
 *
 * Failures: a result or tick that makes no sense condemns its sender's link. Without the pixel
 * ring events go without pictures; without keeper they wait, then are counted; without the
 * supervisor this process ends. Killed at any moment, the next one goes on from the last SAVE.
 *
 * Lockstep: one tick or result at a time is told, and answered by TAKEN when all that came of it
 * is acknowledged: whoever tells decides in which order they are seen.
 */
#include "base/auto.h"
#include "base/log.h"
#include "proc/respond/respond.h"

#include <string.h>

enum {
	STEP_MS = 200,
	LOOK_MS = 1000, /* whether the sandbox is still right */
	EXIT_ANEW = 75, /* it has to be made anew */
};

/* Links */

static void drop_ring(struct pixels *pixels)
{
	hf_ring_close(pixels->ring);
	*pixels = (struct pixels){ 0 };
}

static void take_ring(struct pixels *pixels, uint64_t ring_id, int ring_fd)
{
	struct hf_err err;

	drop_ring(pixels);
	if (ring_fd < 0)
		return;
	if (hf_ring_open(ring_fd, false, &pixels->ring, &err) != HF_OK) {
		hf_log(HF_LOG_ERROR, "no_pixels", "events go without pictures: %s", err.text);
		return;
	}
	pixels->ring_id = ring_id;
}

/* An error here would condemn the supervisor's link, which brings only what others gave it. */
static enum hf_code on_plug(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
			    struct hf_err *err)
{
	struct respond *respond = context;
	HF_AUTO_FD fd = ring_fd;

	(void)err;
	if (link->role == HF_ROLE_INGEST && link->index < HF_SOURCES_MAX)
		take_ring(&respond->pixels[link->index], ring_id, fd);
	if (link->role == HF_ROLE_KEEPER)
		hf_offers_link(&respond->offers);
	return HF_OK;
}

/* A dead ingest's ring stays readable: results of its last tiles are still on their way. */
static void on_gone(void *context, struct hf_link *link)
{
	struct respond *respond = context;

	if (link->role == HF_ROLE_KEEPER)
		hf_offers_link(&respond->offers);
	if (respond->told_by == link)
		respond->told_by = NULL;
}

static enum hf_code on_restore(void *context, const uint8_t *data, size_t size_bytes,
			       struct hf_err *err)
{
	return events_restore(context, data, size_bytes, err);
}

static enum hf_code on_start(void *context, struct hf_err *err)
{
	struct respond *respond = context;

	return hf_worker_ready(respond->worker, err);
}

/* Messages */

static enum hf_code on_tick(struct respond *respond, const struct hf_link *link, struct hf_msg *msg,
			    struct hf_err *err)
{
	struct hf_tick tick;

	hf_msg_get(msg, &tick, sizeof tick);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_tick_check(&tick, err);
	if (code != HF_OK)
		return code;
	if (tick.source != link->index)
		return hf_fail(err, HF_E_INVALID, "tick of source %u from ingest.%u", tick.source,
			       link->index);
	respond->told = (struct hf_taken){ .frame = tick.frame };
	signals_on_tick(respond, &tick);
	return hf_scene_tick(respond->scene, &tick, events_on_fire, respond, err);
}

/* The tile, while its slot still holds it; NULL costs only the picture's freshness. */
static const uint8_t *read_pixels(struct respond *respond)
{
	const struct hf_job *job = &respond->result.job;
	const struct pixels *pixels = &respond->pixels[job->source];
	struct hf_err err;

	if (!hf_scene_wants_pixels(respond->scene, &respond->result))
		return NULL;
	if (pixels->ring != NULL && pixels->ring_id == job->ring_id &&
	    hf_ring_read(pixels->ring, job->slot, job->slot_generation, respond->tile,
			 (size_t)3 * job->width * job->height, &err) == HF_OK)
		return respond->tile;
	respond->pixels_missed++;
	return NULL;
}

static enum hf_code on_result(struct respond *respond, struct hf_msg *msg, struct hf_err *err)
{
	size_t size_bytes;
	const uint8_t *data = hf_msg_get_rest(msg, &size_bytes);
	enum hf_scene_answer answer;
	enum hf_code code = hf_msg_end(msg, err);

	if (code == HF_OK)
		code = hf_result_unpack(data, size_bytes, &respond->result, err);
	if (code == HF_OK)
		code = hf_scene_result(respond->scene, &respond->result, read_pixels(respond),
				       events_on_fire, respond, &answer, err);
	if (code != HF_OK)
		return code;
	events_on_classes(respond);
	respond->told = (struct hf_taken){ .frame = respond->result.job.frame,
					   .job_id = respond->result.job.job_id };
	respond->results++;
	if (answer != HF_SCENE_FAILED)
		signals_on_output(respond, &respond->result.job, respond_now());
	respond->results_failed += answer == HF_SCENE_FAILED;
	respond->results_late += answer == HF_SCENE_LATE;
	respond->results_stale += answer == HF_SCENE_STALE;
	return HF_OK;
}

static enum hf_code on_ack(struct respond *respond, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_ack ack;

	hf_msg_get(msg, &ack, sizeof ack);
	enum hf_code code = hf_msg_end(msg, err);
	return code != HF_OK ? code : events_on_ack(respond, &ack, err);
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *err)
{
	struct respond *respond = context;
	enum hf_code code;

	if (msg->type == HF_MSG_TICK)
		code = on_tick(respond, link, msg, err);
	else if (msg->type == HF_MSG_RESULT)
		code = on_result(respond, msg, err);
	else if (msg->type == HF_MSG_ACK)
		code = on_ack(respond, msg, err);
	else
		return hf_fail(err, HF_E_INVALID, "%s is not for respond", hf_msg_name(msg->type));
	if (code != HF_OK)
		return code;
	if (respond->lockstep && msg->type != HF_MSG_ACK)
		respond->told_by = link;
	hf_pulse_progress(hf_worker_pulse(respond->worker));
	return HF_OK;
}

/* Lockstep: the next may come. A queue that is full is tried again after the next step. */
static void answer_told(struct respond *respond)
{
	struct hf_link *link = respond->told_by;
	struct hf_err err;

	if (link != NULL && respond->offers.count == 0 &&
	    hf_worker_send(respond->worker, link->role, link->index, HF_MSG_TAKEN, &respond->told,
			   sizeof respond->told, &err) != HF_E_AGAIN)
		respond->told_by = NULL;
}

/* Start and end */

/* In lockstep a moment is the clip's own, which is as good as it gets. */
static void look_at_clock(struct respond *respond)
{
	bool synced = strcmp(hf_clock_trust(), "unsynced") != 0;

	hf_arming_trust(respond->arming,
			synced || hf_worker_hello(respond->worker)->lockstep != HF_LOCKSTEP_NONE);
}

static enum hf_code set_hours(struct respond *respond, struct hf_err *err)
{
	enum hf_code code = hf_arming_new(hf_worker_config(respond->worker), &respond->arming, err);

	if (code != HF_OK)
		return code;
	const char *trouble = hf_arming_trouble(respond->arming);
	if (trouble != NULL)
		hf_log(HF_LOG_WARN, "zone_unknown",
		       "every rule is armed at all hours until this is mended: %s", trouble);
	look_at_clock(respond);
	return HF_OK;
}

static enum hf_code start(struct respond *respond, struct hf_err *err)
{
	const struct hf_hello *hello = hf_worker_hello(respond->worker);

	hf_sandbox_worker(hello, hf_worker_config(respond->worker), &respond->sandbox);
	respond->lockstep = hello->lockstep == HF_LOCKSTEP_AS_LIVE;
	events_open(respond);
	decide_open(respond);
	enum hf_code code = hf_thumbs_new(&respond->thumbs, err);
	if (code == HF_OK)
		code = set_hours(respond, err);
	/* Stays count like events: the same block of numbers for the same start. */
	if (code == HF_OK)
		code = hf_scene_new(hf_worker_config(respond->worker), respond->thumbs, hello->boot,
				    hello->run, respond->origin_next, &respond->scene, err);
	if (code == HF_OK)
		hf_scene_arm(respond->scene, respond->arming);
	return code;
}

/* Somebody has removed the folder of the pictures, or mounted another: out of the sandbox it can
 * be neither made nor written. */
static bool must_begin_anew(const struct respond *respond)
{
	const char *path = hf_sandbox_stale(&respond->sandbox);

	if (path != NULL)
		hf_log(HF_LOG_INFO, "sandbox_anew",
		       "path=%s is another one than before, or gone: the next respond sees to it",
		       path);
	return path != NULL;
}

static int work(struct respond *respond)
{
	struct hf_err err = { 0 };
	struct hf_mono look_at = respond_now();

	respond->stats_due = respond_now();
	respond->save_due = respond_now();
	while (hf_worker_step(respond->worker, STEP_MS, &err) == HF_OK) {
		if (!hf_worker_started(respond->worker))
			continue;
		look_at_clock(respond);
		events_push(respond);
		answer_told(respond);
		report_when_due(respond);
		signals_when_due(respond);
		if (hf_mono_before(respond_now(), look_at))
			continue;
		look_at = hf_mono_add_ms(respond_now(), LOOK_MS);
		if (must_begin_anew(respond)) {
			events_last_words(respond);
			return EXIT_ANEW;
		}
	}
	if (err.code != HF_E_CLOSED) {
		hf_log(HF_LOG_ERROR, "step_failed", "%s", err.text);
		return 1;
	}
	events_last_words(respond);
	return 0;
}

int main(void)
{
	struct respond *respond = calloc(1, sizeof *respond);
	struct hf_err err = { 0 };
	int status = 1;

	if (respond == NULL)
		return 1;
	const struct hf_worker_ops ops = { .context = respond,
					   .on_restore = on_restore,
					   .on_plug = on_plug,
					   .on_start = on_start,
					   .on_message = on_message,
					   .on_gone = on_gone };
	if (hf_worker_open(HF_ROLE_RESPOND, &ops, &respond->worker, &err) != HF_OK ||
	    start(respond, &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "not_started", "%s", err.text);
	else
		status = work(respond);
	for (uint32_t i = 0; i < HF_SOURCES_MAX; i++)
		drop_ring(&respond->pixels[i]);
	hf_scene_free(respond->scene);
	hf_arming_free(respond->arming);
	hf_thumbs_free(respond->thumbs);
	hf_worker_close(respond->worker);
	free(respond);
	return status;
}
