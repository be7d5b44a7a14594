/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * respond - the process: results in, events out.
 *
 * main.c      links, messages, the loop
 * events.c    a rule that fired becomes an offer; offers, saves and acknowledgements
 * decide.c    whether anything may be decided; the output that an event asks for
 * signals.c   what the supervisor is told of the age of what is decided upon
 * report.c    statistics
 *
 * Order       of an event: picture durable, SAVE that holds the offer to the supervisor, OFFER
 *             to keeper. Whatever dies in between, the event is either offered again under the
 *             same origin by the next process, or its stay had not fired yet as far as the
 *             next process knows, and fires there.
 */
#include "base/histogram.h"
#include "proc/common/sandbox.h"
#include "proc/common/worker.h"
#include "respond/offers.h"
#include "respond/save.h"
#include "respond/scene.h"
#include "respond/thumb.h"
#include "wire/ring.h"

enum {
	TILE_BYTES_MAX = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
};

struct pixels {
	uint64_t ring_id;
	struct hf_ring *ring; /* NULL: none at the moment */
};

struct respond {
	struct hf_worker *worker;
	struct hf_sandbox sandbox;
	struct hf_thumbs *thumbs;
	struct hf_arming *arming;
	struct hf_scene *scene;
	struct pixels pixels[HF_SOURCES_MAX];
	struct hf_event_context context;
	char thumbs_path[HF_PATH_BYTES + sizeof "/thumbs"];
	uint64_t origin_next;

	struct hf_offers offers;
	/* Lockstep: what was told last, until it is done with and answered. */
	bool lockstep;
	struct hf_link *told_by; /* NULL: nothing */
	struct hf_taken told;

	bool classes_known;
	bool save_now; /* an offer waits for it */
	bool save_held_up;
	struct hf_mono save_due;
	uint32_t saved_digest;

	/* Of each source: when its last picture was taken, and how long after the one before. */
	struct hf_mono ticked[HF_SOURCES_MAX];
	int64_t period_us[HF_SOURCES_MAX];
	int64_t input_age_ms;      /* the worst of this second, beyond what is allowed */
	int64_t input_age_told_ms; /* within this second */
	struct hf_mono signals_due;

	/* Since the start. */
	uint64_t results, results_failed, results_late, results_stale, pixels_missed;
	uint64_t events, suppressed, committed, refused, put_off;
	struct hf_histogram latency_us; /* capture to committed */
	struct hf_mono stats_due;

	struct hf_result result;
	uint8_t tile[TILE_BYTES_MAX];
	uint8_t save[HF_MSG_BODY_BYTES_MAX];
};

static inline struct hf_mono respond_now(void)
{
	return hf_mono_now(hf_clock_real());
}

/* events.c */
void events_open(struct respond *respond);
enum hf_code events_restore(struct respond *respond, const uint8_t *data, size_t size_bytes,
			    struct hf_err *err);
void events_on_fire(void *context, const struct hf_fire *fire);
/* The first result tells what the model knows: say which thresholds wait in vain. */
void events_on_classes(struct respond *respond);
enum hf_code events_on_ack(struct respond *respond, const struct hf_ack *ack, struct hf_err *err);
/* After each step: save what is due, offer what is saved. */
void events_push(struct respond *respond);
/* The supervisor has gone or wants this process to end: a last save, if somebody still takes it,
 * and what is left to keeper. */
void events_last_words(struct respond *respond);

/* decide.c */
/* Says which classes of actuation.on no rule raises. */
void decide_open(const struct respond *respond);
/* Why nothing may be decided from this camera's pictures now; NULL: it may. A literal. */
const char *decision_held(const struct respond *respond, uint32_t camera);
/* An event is stored: the output is asked for, if it is to be. */
void decide_stored(struct respond *respond, const struct hf_ack *ack,
		   const struct hf_pending *pending);

/* signals.c */
void signals_on_tick(struct respond *respond, const struct hf_tick *tick);
void signals_on_output(struct respond *respond, const struct hf_job *job, struct hf_mono now);
void signals_when_due(struct respond *respond);

/* report.c */
void report_when_due(struct respond *respond);
