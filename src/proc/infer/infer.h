/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * infer - what main.c, model.c and signals.c of this process share. See main.c.
 */
#include "base/histogram.h"
#include "infer/delay.h"
#include "infer/runtime.h"
#include "infer/watch.h"
#include "proc/common/sandbox.h"
#include "proc/common/worker.h"
#include "wire/ring.h"

enum {
	LOAD_LIMIT_MS = 30000,
	STEP_MS = 200,
	INFER_SIGNALS_AT_ONCE = 5, /* told as soon as they change */
	TILE_BYTES_MAX = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
};

struct pixels {
	uint64_t ring_id;
	struct hf_ring *ring; /* NULL: none at the moment */
};

struct infer {
	struct hf_worker *worker;
	struct hf_sandbox sandbox;

	/* The network that looks: the main one, or its fallback when the supervisor says so. */
	struct hf_pack pack;
	struct hf_runtime *runtime; /* NULL: none could be loaded */
	bool on_fallback;
	char fallback
		[HF_ID_BYTES]; /* of the main pack, once it has been read; empty: there is none */
	float score_min;
	float score_threshold;
	bool told_failed;   /* an event says that there is no model */
	bool told_fallback; /* an event says that results come from the fallback */
	struct hf_mono switch_due;

	/* The known picture. */
	bool golden_known;
	uint32_t golden_wrong; /* in a row */
	struct hf_mono golden_at;
	uint64_t golden_jobs; /* taken when it was looked at last */

	/* What is told of this process. */
	struct hf_recent out_of_memory, errors, not_a_number;
	bool main_invalid;
	struct hf_drift drift[2]; /* of the main network and of the fallback */
	struct hf_mono loaded_at; /* the network that is there */
	struct hf_delay delay;    /* from picture to result */
	struct hf_mono signals_due;
	struct hf_sample said[INFER_SIGNALS_AT_ONCE];

	bool failing;               /* the last run did */
	unsigned failures_in_a_row; /* for want of anything but memory */
	struct pixels pixels[HF_SOURCES_MAX];
	struct hf_mono stats_due;
	/* Since the start: tiles taken, not looked at (stale ones among them), results dropped. */
	uint64_t jobs, failed, stale, unsent, detections;
	struct hf_histogram inference_us; /* since the last stats */
	struct hf_result result;
	uint8_t tile[TILE_BYTES_MAX];
};

static inline struct hf_mono infer_now(void)
{
	return hf_mono_now(hf_clock_real());
}

/* model.c */
/* The main network, before anything else is done. An error: nothing could be loaded. */
enum hf_code model_load(struct infer *infer, struct hf_err *err) HF_MUST_CHECK;
/* The main network did not load for this reason: wait here, and try again, or take the fallback when
 * the supervisor says so. An error: this process has to end. */
enum hf_code model_wait(struct infer *infer, struct hf_err *err) HF_MUST_CHECK;
/* Between tiles: the network that the supervisor wants. An error: there is none any more. */
enum hf_code model_follow(struct infer *infer, struct hf_err *err) HF_MUST_CHECK;
/* Between tiles: the known picture, when it is time. */
void model_prove_when_due(struct infer *infer);
/* Becomes an event: the unit does not see. And: it sees (again). */
void model_tell_failed(struct infer *infer, const char *why);
/* A result went out. The first one by another network than that before becomes an event. */
void model_tell_change(struct infer *infer);

/* signals.c */
void signals_count_failure(struct infer *infer, enum hf_code code);
/* What changed at once, the whole at least once a second. */
void signals_send_when_due(struct infer *infer);
