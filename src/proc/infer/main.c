/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer - tiles in, detections out, one at a time.
 *
 * Method: a JOB names a slot of its ingest's pixel ring. Copy the slot, run the network, send
 * RESULT to respond, then DONE to ingest, which gives the place to the next tile. A slot that
 * was overwritten meanwhile, or a run that failed, is a RESULT with failed = 1: respond hears
 * of every tile.
 *
 * What it sees of itself (memory refused, wrong answers to a known picture, values that are not
 * numbers) is told the supervisor, who may want the smaller network of the pack: see model.c.
 *
 * Failures: nothing is kept that matters, so this process may be killed at any moment. It says
 * before each tile until when it will be busy; the supervisor kills it when that has passed. A
 * pack that cannot be loaded, or ten failed runs in a row, end the process with a note that
 * becomes an event; the supervisor starts it again, ever more slowly. Runs for which there was
 * no memory do not: a new process would have no more of it. When respond does not
 * take a result within the deadline, the result is dropped and counted; in lockstep nothing is
 * ever dropped, there infer waits.
 */
#include "proc/infer/infer.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>

enum {
	STATS_MS = 1000,
	FAILURES_IN_A_ROW_MAX = 10,
};

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

	if (hf_mono_before(infer_now(), infer->stats_due))
		return;
	infer->stats_due = hf_mono_add_ms(infer_now(), STATS_MS);
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
		hf_mono_add_ms(infer_now(), hf_worker_config(infer->worker)->infer_deadline_ms);

	for (;;) {
		enum hf_code code =
			hf_worker_send(infer->worker, role, index, type, body, size_bytes, err);

		if (code != HF_E_AGAIN || (!lockstep && !hf_mono_before(infer_now(), deadline)))
			return code;
		struct pollfd wait = { .fd = hf_worker_link(infer->worker, role, index)->fd,
				       .events = POLLOUT };
		(void)poll(&wait, 1, STEP_MS / 2);
		hf_pulse_beat(hf_worker_pulse(infer->worker), infer_now());
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
	/* While none can be loaded: told as that, and no failure of a run. */
	if (infer->runtime == NULL)
		return HF_OK;
	if (pixels->ring != NULL && pixels->ring_id == job->ring_id)
		code = hf_ring_read(pixels->ring, job->slot, job->slot_generation, infer->tile,
				    (size_t)3 * job->width * job->height, err);
	if (code == HF_E_AGAIN) {
		infer->stale++;
		return HF_OK;
	}
	if (code != HF_OK)
		return code;

	struct hf_mono begin = infer_now();
	code = hf_runtime_run(infer->runtime, infer->tile, job->width, job->height,
			      infer->score_min, result->detections, &result->detection_count, err);
	result->inference_us = (uint64_t)hf_mono_diff_us(infer_now(), begin);
	if (code != HF_OK) {
		result->detection_count = 0;
		signals_count_failure(infer, code);
		if (!infer->failing)
			hf_log(HF_LOG_ERROR, "inference_failed", "model=%s why=\"%s\"",
			       infer->pack.tag, err->text);
		infer->failing = true;
		infer->failures_in_a_row += code != HF_E_NOMEM;
		return HF_OK;
	}
	result->failed = 0;
	/* What had to wait for the network says how long that took to load, not how fast it is. */
	hf_delay_result(&infer->delay,
			hf_mono_before(job->captured_mono, infer->loaded_at) ? infer->loaded_at
									     : job->captured_mono,
			infer_now());
	infer->failing = false;
	infer->failures_in_a_row = 0;
	infer->detections += result->detection_count;
	if (result->detection_count > 0)
		hf_drift_add(&infer->drift[infer->on_fallback], result->detections[0].score);
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

	hf_pulse_busy(pulse, infer_now(), hf_worker_config(infer->worker)->infer_deadline_ms);
	infer->result = (struct hf_result){ .job = job, .score_threshold = infer->score_threshold };
	(void)snprintf(infer->result.model_tag, sizeof infer->result.model_tag, "%s",
		       infer->pack.tag);
	infer->result.class_count = infer->pack.class_count;
	_Static_assert(sizeof infer->result.classes == sizeof infer->pack.classes, "as they are");
	memcpy(infer->result.classes, infer->pack.classes, sizeof infer->pack.classes);
	hf_delay_work(&infer->delay, infer_now());
	code = look(infer, err);
	hf_pulse_idle(pulse, infer_now());
	if (code != HF_OK)
		return code;
	infer->jobs++;
	infer->failed += infer->result.failed;
	send_result(infer);
	send_done(infer);
	if (infer->result.failed == 0)
		model_tell_change(infer);
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

/* Before the sandbox, which takes the right to change it. What the process may ask for: its heap
 * and all other memory of its own that it can write; not the pixels it shares, not programs. */
static enum hf_code limit_memory(const struct hf_config *config, struct hf_err *err)
{
	struct rlimit limit;

	if (config->infer_memory_max == 0)
		return HF_OK;
	if (getrlimit(RLIMIT_DATA, &limit) != 0)
		return hf_fail_errno(err, "ask for the limit of memory");
	limit.rlim_cur = (rlim_t)config->infer_memory_max;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_DATA, &limit) != 0)
		return hf_fail_errno(err, "limit the memory");
	return HF_OK;
}

static enum hf_code start(struct infer *infer, struct hf_err *err)
{
	/* The runtime is there before the limit, which is for what a network costs. */
	enum hf_code code = hf_runtime_init(err);

	if (code == HF_OK)
		code = limit_memory(hf_worker_config(infer->worker), err);
	if (code != HF_OK)
		return code;
	hf_sandbox_worker(hf_worker_hello(infer->worker), hf_worker_config(infer->worker),
			  &infer->sandbox);
	code = model_load(infer, err);
	if (code != HF_OK)
		code = model_wait(infer, err);
	if (code != HF_OK)
		return code;
	signals_send_when_due(infer);
	return hf_worker_ready(infer->worker, err);
}

/* Until the supervisor ends, or the network has failed too often. */
static int work(struct infer *infer)
{
	struct hf_err err = { 0 };
	char why[128];

	infer->stats_due = hf_mono_add_ms(infer_now(), STATS_MS);
	for (;;) {
		if (hf_worker_step(infer->worker, STEP_MS, &err) != HF_OK ||
		    model_follow(infer, &err) != HF_OK)
			return err.code == HF_E_CLOSED ? 0 : 1;
		model_prove_when_due(infer);
		signals_send_when_due(infer);
		report_when_due(infer);
		if (infer->failures_in_a_row < FAILURES_IN_A_ROW_MAX)
			continue;
		(void)snprintf(why, sizeof why, "%u runs of %s failed in a row",
			       infer->failures_in_a_row, infer->pack.tag);
		model_tell_failed(infer, why);
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
