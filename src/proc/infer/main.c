/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer - tiles in, detections out, one at a time.
 *
 * Method: a JOB names a slot of its ingest's pixel ring. Copy the slot, run the network, send
 * RESULT to respond, then DONE to ingest, which gives the place to the next tile. A slot that
 * was overwritten meanwhile, or a run that failed, is a RESULT with failed = 1: respond hears
 * of every tile.
 *
 * Failures: nothing is kept that matters, so this process may be killed at any moment. It says
 * before each tile until when it will be busy; the supervisor kills it when that has passed. A
 * pack that cannot be loaded, or ten failed runs in a row, end the process with a note that
 * becomes an event; the supervisor starts it again, ever more slowly. When respond does not
 * take a result within the deadline, the result is dropped and counted; in lockstep nothing is
 * ever dropped, there infer waits.
 */
#include "base/auto.h"
#include "base/histogram.h"
#include "base/json.h"
#include "base/log.h"
#include "infer/runtime.h"
#include "proc/common/sandbox.h"
#include "proc/common/worker.h"
#include "wire/ring.h"

#include <poll.h>
#include <string.h>

enum {
	LOAD_LIMIT_MS = 30000,
	STEP_MS = 200,
	STATS_MS = 1000,
	FAILURES_IN_A_ROW_MAX = 10,
	TILE_BYTES_MAX = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
};

struct pixels {
	uint64_t ring_id;
	struct hf_ring *ring; /* NULL: none at the moment */
};

struct infer {
	struct hf_worker *worker;
	struct hf_sandbox sandbox;
	struct hf_pack pack;
	struct hf_runtime *runtime;
	float score_min;
	float score_threshold;
	unsigned failures_in_a_row;
	struct pixels pixels[HF_SOURCES_MAX];
	struct hf_mono stats_due;
	/* Since the start: tiles taken, not looked at (stale ones among them), results dropped. */
	uint64_t jobs, failed, stale, unsent, detections;
	struct hf_histogram inference_us; /* since the last stats */
	struct hf_result result;
	uint8_t tile[TILE_BYTES_MAX];
};

static struct hf_mono now(void)
{
	return hf_mono_now(hf_clock_real());
}

/* Rings */

static void drop_ring(struct infer *infer, uint32_t source)
{
	hf_ring_close(infer->pixels[source].ring);
	infer->pixels[source] = (struct pixels){ 0 };
}

static enum hf_code on_plug(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
			    struct hf_err *err)
{
	struct infer *infer = context;
	HF_AUTO_FD fd = ring_fd;
	struct hf_ring *ring;

	if (link->role != HF_ROLE_INGEST)
		return HF_OK;
	if (link->index >= HF_SOURCES_MAX || fd < 0)
		return hf_fail(err, HF_E_INVALID, "plug: ingest.%u without a pixel ring",
			       link->index);
	enum hf_code code = hf_ring_open(fd, false, &ring, err);
	if (code != HF_OK)
		return code;
	drop_ring(infer, link->index);
	infer->pixels[link->index] = (struct pixels){ .ring_id = ring_id, .ring = ring };
	return HF_OK;
}

static void on_gone(void *context, struct hf_link *link)
{
	if (link->role == HF_ROLE_INGEST && link->index < HF_SOURCES_MAX)
		drop_ring(context, link->index);
}

/* Statistics */

static void put_ms(struct hf_json *json, const char *key, const struct hf_histogram *us,
		   uint64_t value_us)
{
	if (us->count == 0)
		hf_json_put_null(json, key);
	else
		hf_json_put_real(json, key, (double)value_us / 1000, 2);
}

static void report_when_due(struct infer *infer)
{
	const struct hf_histogram *us = &infer->inference_us;
	char text[1024];

	if (hf_mono_before(now(), infer->stats_due))
		return;
	infer->stats_due = hf_mono_add_ms(now(), STATS_MS);
	struct hf_json json = hf_json_begin(text, sizeof text);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "model", infer->pack.tag);
	hf_json_put_u64(&json, "jobs", infer->jobs);
	hf_json_put_u64(&json, "failed", infer->failed);
	hf_json_put_u64(&json, "stale", infer->stale);
	hf_json_put_u64(&json, "unsent", infer->unsent);
	hf_json_key(&json, "inference_ms");
	hf_json_object_open(&json);
	put_ms(&json, "p50", us, hf_histogram_quantile(us, 0.5));
	put_ms(&json, "p99", us, hf_histogram_quantile(us, 0.99));
	put_ms(&json, "max", us, us->max);
	hf_json_object_close(&json);
	hf_json_put_u64(&json, "detections", infer->detections);
	hf_json_object_close(&json);
	if (hf_json_end(&json, NULL) == HF_OK)
		hf_worker_stats(infer->worker, text);
	infer->inference_us = (struct hf_histogram){ 0 };
}

/* Jobs */

/* Wait for a peer whose queue is full: up to the deadline, in lockstep for as long as it lives. */
static enum hf_code send_patiently(struct infer *infer, enum hf_role role, uint32_t index,
				   enum hf_msg_type type, const void *body, size_t size_bytes,
				   struct hf_err *err)
{
	bool lockstep = hf_worker_hello(infer->worker)->lockstep != 0;
	struct hf_mono deadline =
		hf_mono_add_ms(now(), hf_worker_config(infer->worker)->infer_deadline_ms);

	for (;;) {
		enum hf_code code =
			hf_worker_send(infer->worker, role, index, type, body, size_bytes, err);

		if (code != HF_E_AGAIN || (!lockstep && !hf_mono_before(now(), deadline)))
			return code;
		struct pollfd wait = { .fd = hf_worker_link(infer->worker, role, index)->fd,
				       .events = POLLOUT };
		(void)poll(&wait, 1, STEP_MS / 2);
		hf_pulse_beat(hf_worker_pulse(infer->worker), now());
	}
}

/* One tile into result. An error condemns the sender; a tile that cannot be looked at does not. */
static enum hf_code look(struct infer *infer, struct hf_err *err)
{
	struct hf_result *result = &infer->result;
	const struct hf_job *job = &result->job;
	const struct pixels *pixels = &infer->pixels[job->source];
	enum hf_code code = HF_E_AGAIN;

	result->failed = 1;
	if (pixels->ring != NULL && pixels->ring_id == job->ring_id)
		code = hf_ring_read(pixels->ring, job->slot, job->slot_generation, infer->tile,
				    (size_t)3 * job->width * job->height, err);
	if (code == HF_E_AGAIN) {
		infer->stale++;
		return HF_OK;
	}
	if (code != HF_OK)
		return code;

	struct hf_mono begin = now();
	code = hf_runtime_run(infer->runtime, infer->tile, job->width, job->height,
			      infer->score_min, result->detections, &result->detection_count, err);
	result->inference_us = (uint64_t)hf_mono_diff_us(now(), begin);
	if (code != HF_OK) {
		result->detection_count = 0;
		if (infer->failures_in_a_row++ == 0)
			hf_log(HF_LOG_ERROR, "inference_failed", "model=%s why=\"%s\"",
			       infer->pack.tag, err->text);
		return HF_OK;
	}
	result->failed = 0;
	infer->failures_in_a_row = 0;
	infer->detections += result->detection_count;
	hf_histogram_add(&infer->inference_us, result->inference_us);
	return HF_OK;
}

static void send_result(struct infer *infer)
{
	const struct hf_result *result = &infer->result;
	struct hf_err err;
	enum hf_code code = send_patiently(infer, HF_ROLE_RESPOND, 0, HF_MSG_RESULT, result,
					   hf_result_bytes(result->detection_count), &err);

	/* respond is being restarted, or hangs: its supervisor knows. The tile is stale by now. */
	if (code != HF_OK)
		infer->unsent++;
}

static void send_done(struct infer *infer)
{
	const struct hf_result *result = &infer->result;
	struct hf_done done = { .job_id = result->job.job_id,
				.failed = result->failed,
				.detection_count = result->detection_count,
				.score_best = result->detection_count > 0
						      ? result->detections[0].score
						      : 0,
				.inference_us = result->inference_us };
	struct hf_err err;

	/* An ingest that is gone comes back with a new link and all places free. */
	(void)!send_patiently(infer, HF_ROLE_INGEST, result->job.source, HF_MSG_DONE, &done,
			      sizeof done, &err);
}

static enum hf_code on_job(struct infer *infer, const struct hf_link *link, struct hf_msg *msg,
			   struct hf_err *err)
{
	struct hf_pulse *pulse = hf_worker_pulse(infer->worker);
	struct hf_job job;

	hf_msg_get(msg, &job, sizeof job);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_job_check(&job, err);
	if (code != HF_OK)
		return code;
	if (job.source != link->index)
		return hf_fail(err, HF_E_INVALID, "job of source %u from ingest.%u", job.source,
			       link->index);

	hf_pulse_busy(pulse, now(), hf_worker_config(infer->worker)->infer_deadline_ms);
	infer->result = (struct hf_result){ .job = job, .score_threshold = infer->score_threshold };
	(void)snprintf(infer->result.model_tag, sizeof infer->result.model_tag, "%s",
		       infer->pack.tag);
	infer->result.class_count = infer->pack.class_count;
	_Static_assert(sizeof infer->result.classes == sizeof infer->pack.classes, "as they are");
	memcpy(infer->result.classes, infer->pack.classes, sizeof infer->pack.classes);
	code = look(infer, err);
	hf_pulse_idle(pulse, now());
	if (code != HF_OK)
		return code;
	infer->jobs++;
	infer->failed += infer->result.failed;
	send_result(infer);
	send_done(infer);
	hf_pulse_progress(pulse);
	report_when_due(infer);
	return HF_OK;
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *err)
{
	if (msg->type != HF_MSG_JOB)
		return hf_fail(err, HF_E_INVALID, "%s is not for infer", hf_msg_name(msg->type));
	return on_job(context, link, msg, err);
}

/* Start and end */

static enum hf_code load(struct infer *infer, struct hf_err *err)
{
	const struct hf_config *config = hf_worker_config(infer->worker);
	char path[HF_PATH_BYTES + sizeof "/model"];
	uint32_t count;

	(void)snprintf(path, sizeof path, "%s/model", hf_worker_hello(infer->worker)->share_path);
	enum hf_code code = hf_pack_open(config->model_path[0] != '\0' ? config->model_path : path,
					 &infer->pack, err);
	if (code != HF_OK)
		return code;
	infer->score_min = (float)config->track_score_low;
	infer->score_threshold = config->model_score_min > 0 ? (float)config->model_score_min
							     : infer->pack.score_threshold;
	code = hf_runtime_open(&infer->pack, &infer->runtime, err);
	if (code != HF_OK)
		return code;
	/* The first run is several times slower than the others, and shows a pack that loads and
	 * does not work. */
	return hf_runtime_run(infer->runtime, infer->tile, HF_TILE_WIDTH_MAX, HF_TILE_HEIGHT_MAX,
			      infer->score_min, infer->result.detections, &count, err);
}

/* Becomes an event: the unit does not see. */
static void tell_model_failed(struct infer *infer, const char *why)
{
	char attrs[sizeof(((struct hf_note *)NULL)->attrs)];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	struct hf_err err;

	hf_log(HF_LOG_ERROR, "model_failed", "%s", why);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "error", why);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK ||
	    hf_worker_note(infer->worker, "model_failed", NULL, attrs, &err) != HF_OK)
		hf_log(HF_LOG_WARN, "note_unsent", "%s", err.text);
}

/* Those before this one may have said that it could not be used. */
static void tell_model_ok(struct infer *infer)
{
	char attrs[sizeof(((struct hf_note *)NULL)->attrs)];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	struct hf_err err;

	if (hf_worker_hello(infer->worker)->restarts == 0)
		return;
	hf_json_object_open(&json);
	hf_json_put_text(&json, "model", infer->pack.tag);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK ||
	    hf_worker_note(infer->worker, "model_ok", NULL, attrs, &err) != HF_OK)
		hf_log(HF_LOG_WARN, "note_unsent", "%s", err.text);
}

static enum hf_code start(struct infer *infer, struct hf_err *err)
{
	struct hf_pulse *pulse = hf_worker_pulse(infer->worker);
	struct hf_mono begin = now();

	hf_sandbox_worker(hf_worker_hello(infer->worker), hf_worker_config(infer->worker),
			  &infer->sandbox);
	hf_pulse_busy(pulse, begin, LOAD_LIMIT_MS);
	enum hf_code code = load(infer, err);
	hf_pulse_idle(pulse, now());
	if (code != HF_OK) {
		tell_model_failed(infer, err->text);
		return code;
	}
	hf_log(HF_LOG_INFO, "model_loaded", "model=%s decoder=%s input=%ux%u took_ms=%lld",
	       infer->pack.tag, infer->pack.decoder, infer->pack.input_width,
	       infer->pack.input_height, (long long)(hf_mono_diff_us(now(), begin) / 1000));
	tell_model_ok(infer);
	return hf_worker_ready(infer->worker, err);
}

/* Until the supervisor ends, or the network has failed too often. */
static int work(struct infer *infer)
{
	struct hf_err err = { 0 };
	char why[128];

	infer->stats_due = hf_mono_add_ms(now(), STATS_MS);
	for (;;) {
		if (hf_worker_step(infer->worker, STEP_MS, &err) != HF_OK)
			return err.code == HF_E_CLOSED ? 0 : 1;
		report_when_due(infer);
		if (infer->failures_in_a_row < FAILURES_IN_A_ROW_MAX)
			continue;
		(void)snprintf(why, sizeof why, "%u runs of %s failed in a row",
			       infer->failures_in_a_row, infer->pack.tag);
		tell_model_failed(infer, why);
		return 1;
	}
}

int main(void)
{
	struct infer *infer = calloc(1, sizeof *infer);
	struct hf_err err = { 0 };
	int status = 1;

	if (infer == NULL)
		return 1;
	struct hf_worker_ops ops = { .context = infer,
				     .on_plug = on_plug,
				     .on_message = on_message,
				     .on_gone = on_gone,
				     .one_by_one = true };
	if (hf_worker_open(HF_ROLE_INFER, &ops, &infer->worker, &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "not_started", "%s", err.text);
	else if (start(infer, &err) == HF_OK)
		status = work(infer);
	hf_worker_close(infer->worker);
	for (uint32_t i = 0; i < HF_SOURCES_MAX; i++)
		drop_ring(infer, i);
	hf_runtime_close(infer->runtime);
	free(infer);
	return status;
}
