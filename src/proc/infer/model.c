/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one network is in memory at a time. To change, the one there is goes first: the reason to
 * change may be that there is not room for one. Loading the fallback takes some tens of
 * milliseconds, less than a tile's deadline; tiles that come meanwhile wait in their queue.
 *
 * Failures: a main network that does not verify or load is told at once. If its pack names a
 * fallback, the process then waits a moment for the supervisor to want that; only then does it end,
 * to be started anew, with a fresh view of the disk. Out of memory it stays: another process would
 * find the same limit, and forget how often this was met. It tries again, ever more slowly. Most of
 * what a network takes while it is loaded are its weights, which the fallback has, too: where there
 * is not enough for that either, the fallback is loaded in the way that takes less.
 */
#include "proc/infer/infer.h"

#include "base/json.h"
#include "base/log.h"

#include <stdio.h>

enum {
	WAIT_MS = 3000,      /* for the supervisor's word, before ending */
	AGAIN_MIN_MS = 1000, /* after memory was refused */
	AGAIN_MAX_MS = 30000,
	SWITCH_AGAIN_MS = 10000, /* after a change that failed */
	PROVE_MS = 60000,        /* while there is work */
	PROVE_IDLE_MS = 300000,
	PROVE_AGAIN_MS = 1000, /* after a wrong answer */
};

static void send_note(struct infer *infer, const char *event_class, struct hf_json *json)
{
	struct hf_err err;

	if (hf_json_end(json, &err) != HF_OK ||
	    hf_worker_note(infer->worker, event_class, NULL, json->data, &err) != HF_OK)
		hf_log(HF_LOG_WARN, "note_unsent", "%s", err.text);
}

static void note(struct infer *infer, const char *event_class, const char *key, const char *value)
{
	char attrs[sizeof(((struct hf_note *)NULL)->attrs)];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, key, value);
	hf_json_object_close(&json);
	send_note(infer, event_class, &json);
}

void model_tell_failed(struct infer *infer, const char *why)
{
	hf_log(HF_LOG_ERROR, "model_failed", "%s", why);
	note(infer, "model_failed", "error", why);
	infer->told_failed = true;
}

/* Those before this one may have said that it could not be used. */
static void tell_ok(struct infer *infer)
{
	if (infer->told_failed || hf_worker_hello(infer->worker)->restarts > 0)
		note(infer, "model_ok", "model", infer->pack.tag);
	infer->told_failed = false;
}

/* That a network is wanted, or loaded, is no proof that it works: what counts is a result. */
void model_tell_change(struct infer *infer)
{
	char worker[HF_ID_BYTES], attrs[sizeof(((struct hf_note *)NULL)->attrs)];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	if (infer->on_fallback == infer->told_fallback)
		return;
	infer->told_fallback = infer->on_fallback;
	(void)snprintf(worker, sizeof worker, "%s.%u", hf_role_name(HF_ROLE_INFER),
		       hf_worker_hello(infer->worker)->index);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "worker", worker);
	hf_json_put_text(&json, "model", infer->pack.tag);
	hf_json_put_bool(&json, "fallback", infer->on_fallback);
	hf_json_object_close(&json);
	send_note(infer, "model_changed", &json);
}

static void prove(struct infer *infer)
{
	struct hf_err err;

	infer->golden_at = infer_now();
	infer->golden_jobs = infer->jobs;
	enum hf_code code = hf_runtime_golden(infer->runtime, &err);
	if (code == HF_E_CORRUPT) {
		infer->golden_known = true;
		if (infer->golden_wrong++ == 0)
			hf_log(HF_LOG_ERROR, "golden_mismatch", "model=%s %s", infer->pack.tag,
			       err.text);
		return;
	}
	if (code == HF_OK) {
		if (infer->golden_wrong > 0)
			hf_log(HF_LOG_INFO, "golden_right_again", "model=%s", infer->pack.tag);
		infer->golden_known = true;
		infer->golden_wrong = 0;
		return;
	}
	/* It did not come to a result: that is told as what it is, and says nothing here. */
	if (code != HF_E_NOENT)
		signals_count_failure(infer, code);
}

void model_prove_when_due(struct infer *infer)
{
	struct hf_pulse *pulse = hf_worker_pulse(infer->worker);
	int64_t since_ms = hf_mono_diff_us(infer_now(), infer->golden_at) / 1000;
	int64_t due_ms = infer->golden_wrong > 0             ? PROVE_AGAIN_MS
			 : infer->jobs != infer->golden_jobs ? PROVE_MS
							     : PROVE_IDLE_MS;

	/* In lockstep a clip gives the same lines on every machine and day: once, at the start. */
	if (infer->runtime == NULL || !infer->pack.golden || since_ms < due_ms ||
	    hf_worker_hello(infer->worker)->lockstep != HF_LOCKSTEP_NONE)
		return;
	hf_pulse_busy(pulse, infer_now(), hf_worker_config(infer->worker)->infer_deadline_ms);
	prove(infer);
	hf_pulse_idle(pulse, infer_now());
}

static enum hf_code open_pack(struct infer *infer, bool fallback, struct hf_pack *ret_pack,
			      struct hf_err *err)
{
	const char *configured = hf_worker_config(infer->worker)->model_path;
	char path[HF_PATH_BYTES + sizeof "/model"];

	(void)snprintf(path, sizeof path, "%s/model", hf_worker_hello(infer->worker)->share_path);
	enum hf_code code = hf_pack_open(configured[0] != '\0' ? configured : path, ret_pack, err);
	if (code != HF_OK)
		return code;
	(void)snprintf(infer->fallback, sizeof infer->fallback, "%s", ret_pack->fallback);
	if (!fallback)
		return HF_OK;
	const struct hf_pack main_pack = *ret_pack;
	return hf_pack_open_fallback(&main_pack, ret_pack, err);
}

/* In place of the one there is. */
static enum hf_code load_network(struct infer *infer, bool fallback, struct hf_err *err)
{
	const struct hf_config *config = hf_worker_config(infer->worker);
	uint32_t count;

	hf_runtime_close(infer->runtime);
	infer->runtime = NULL;
	enum hf_code code = open_pack(infer, fallback, &infer->pack, err);
	if (code != HF_OK)
		return code;
	infer->score_min = (float)config->track_score_low;
	infer->score_threshold = config->model_score_min > 0 ? (float)config->model_score_min
							     : infer->pack.score_threshold;
	code = hf_runtime_open(&infer->pack, &infer->runtime, err);
	/* There is none after this one: better slowly than not at all. */
	if (code == HF_E_NOMEM && fallback) {
		signals_count_failure(infer, code);
		hf_log(HF_LOG_WARN, "model_thrifty", "%s", err->text);
		code = hf_runtime_open_thrifty(&infer->pack, &infer->runtime, err);
	}
	/* The first run is several times slower than the others, and shows a pack that loads and
	 * does not work. */
	if (code == HF_OK)
		code = hf_runtime_run(infer->runtime, infer->tile, HF_TILE_WIDTH_MAX,
				      HF_TILE_HEIGHT_MAX, infer->score_min,
				      infer->result.detections, &count, err);
	if (code != HF_OK) {
		hf_runtime_close(infer->runtime);
		infer->runtime = NULL;
	}
	return code;
}

static enum hf_code load(struct infer *infer, bool fallback, struct hf_err *err)
{
	struct hf_pulse *pulse = hf_worker_pulse(infer->worker);
	const struct hf_mono begin = infer_now();

	hf_pulse_busy(pulse, begin, LOAD_LIMIT_MS);
	enum hf_code code = load_network(infer, fallback, err);
	if (code == HF_OK) {
		infer->on_fallback = fallback;
		infer->failures_in_a_row = 0;
		infer->golden_known = false;
		infer->golden_wrong = 0;
		if (infer->pack.golden)
			prove(infer);
		else
			hf_log(HF_LOG_WARN, "golden_missing",
			       "model=%s the pack does not say what the network answers to a known "
			       "picture: a wrong result would not be noticed; import it again",
			       infer->pack.tag);
	}
	hf_pulse_idle(pulse, infer_now());
	if (code == HF_E_NOMEM)
		hf_recent_add(&infer->out_of_memory, infer_now());
	if (!fallback)
		infer->main_invalid = code != HF_OK && code != HF_E_NOMEM;
	if (code != HF_OK)
		return code;
	infer->loaded_at = infer_now();
	hf_log(HF_LOG_INFO, "model_loaded", "model=%s decoder=%s input=%ux%u took_ms=%lld",
	       infer->pack.tag, infer->pack.decoder, infer->pack.input_width,
	       infer->pack.input_height, (long long)(hf_mono_diff_us(infer_now(), begin) / 1000));
	tell_ok(infer);
	return HF_OK;
}

enum hf_code model_load(struct infer *infer, struct hf_err *err)
{
	return load(infer, false, err);
}

static bool wants_fallback(const struct infer *infer)
{
	return hf_worker_unit(infer->worker)->fallback_model != 0 && infer->fallback[0] != '\0';
}

enum hf_code model_wait(struct infer *infer, struct hf_err *err)
{
	const struct hf_mono end = hf_mono_add_ms(infer_now(), WAIT_MS);
	struct hf_mono again = hf_mono_add_ms(infer_now(), AGAIN_MIN_MS);
	int64_t again_ms = AGAIN_MIN_MS;
	bool tried_fallback = false;
	enum hf_code code = err->code;

	model_tell_failed(infer, err->text);
	for (;;) {
		signals_send_when_due(infer);
		if (hf_worker_hello(infer->worker)->lockstep != HF_LOCKSTEP_NONE)
			return code;
		if (code != HF_E_NOMEM && (infer->fallback[0] == '\0' || tried_fallback ||
					   !hf_mono_before(infer_now(), end)))
			return code;
		struct hf_err step = { 0 };
		if (hf_worker_step(infer->worker, STEP_MS, &step) != HF_OK) {
			*err = step;
			return step.code;
		}
		bool fallback = wants_fallback(infer);
		bool told_now = fallback && !tried_fallback;
		if (!told_now && (code != HF_E_NOMEM || hf_mono_before(infer_now(), again)))
			continue;
		tried_fallback = fallback;
		code = load(infer, fallback, err);
		if (code == HF_OK)
			return HF_OK;
		hf_log(HF_LOG_ERROR, "model_failed", "%s", err->text);
		again_ms = again_ms * 2 < AGAIN_MAX_MS ? again_ms * 2 : AGAIN_MAX_MS;
		again = hf_mono_add_ms(infer_now(), again_ms);
	}
}

enum hf_code model_follow(struct infer *infer, struct hf_err *err)
{
	const bool was = infer->on_fallback, wanted = wants_fallback(infer);

	if (wanted == was || hf_mono_before(infer_now(), infer->switch_due))
		return HF_OK;
	enum hf_code code = load(infer, wanted, err);
	if (code == HF_OK)
		return HF_OK;
	hf_log(HF_LOG_ERROR, "model_not_changed", "fallback=%d %s", wanted, err->text);
	infer->switch_due = hf_mono_add_ms(infer_now(), SWITCH_AGAIN_MS);
	code = load(infer, was, err);
	return code == HF_OK ? HF_OK : model_wait(infer, err);
}
