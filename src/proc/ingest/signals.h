/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * signals - what ingest sees of its source and of the cameras on it, in numbers: how old the
 * last picture is, how many are missing, how far time stamps are off, what is frozen.
 *
 * Shape       Pure: no clock, no sockets. Told of each picture, and that the source
 *             was opened or has ended; asked for samples at any time. Every ask
 *             gives the same samples in the same order: the source's age, then
 *             four for each camera of the source.
 *
 * Numbers     Milliseconds, on the process's clock, by when a picture was taken in
 *             hand, not by when it says it was taken. Before the first picture an
 *             age counts from the start, and is not known for SIGNALS_UNKNOWN_MS.
 *             A recording that has ended owes no picture: its ages stay at 0.
 *
 *             camera.frame_age: since its last picture that was neither a missing
 *             signal nor black. While pictures come, but the screen does not show
 *             the camera (a menu, another layout), it is not known. A source that
 *             is silent for SIGNALS_SILENT_MS is so for each of its cameras.
 *             camera.drop_ratio: of the pictures due over SIGNALS_WINDOW_S, those
 *             that did not come; not known for the first SIGNALS_LEARN_S, and
 *             where the source does not say its rate not until SIGNALS_STEPS_MIN
 *             pictures of one opening have shown it.
 *             camera.skew: as the source knows it (ingest/source.h).
 *             camera.frozen: as health knows it (ingest/health.h).
 */
#include "ingest/source.h"
#include "ingest/view.h"
#include "wire/proto.h"

enum {
	SIGNALS_WINDOW_S = 30,
	SIGNALS_LEARN_S = 5,
	SIGNALS_STEPS_MIN = 32,
	SIGNALS_UNKNOWN_MS = 1000,
	SIGNALS_SILENT_MS = 2000,
	SIGNALS_EVERY_MS = 1000,
	SIGNALS_MAX = 1 + 4 * HF_TILES_MAX,
};

struct signals_tile {
	uint32_t camera;     /* index */
	struct hf_mono seen; /* its last good picture */
	bool hidden;         /* the last picture of the source did not show it */
	int64_t frozen_ms;   /* -1: not known */
};

struct signals {
	uint32_t source;
	uint32_t tile_count; /* those with a camera */
	struct signals_tile tiles[HF_TILES_MAX];
	struct hf_mono started;
	struct hf_mono picture; /* of the source; zero: none yet */
	bool ended;

	struct hf_mono counted_from;
	int64_t second; /* of the newest slot, monotonic */
	uint32_t slots[SIGNALS_WINDOW_S];
	double fps;                         /* 0: not known */
	unsigned steps;                     /* of this opening */
	int32_t step_ms[SIGNALS_STEPS_MIN]; /* from picture to picture, of its begin */
	int64_t skew_ms;                    /* -1: not known */

	struct hf_mono told_at;
	uint32_t told_count;
	struct hf_sample told[SIGNALS_MAX];
};

void signals_begin(struct signals *signals, const struct hf_config *config, uint32_t source,
		   struct hf_mono now);
/* It was opened, or opened anew. */
void signals_opened(struct signals *signals);
/* health NULL: nobody watches it. */
void signals_picture(struct signals *signals, const struct hf_config *config,
		     const struct hf_source_info *info, const struct hf_view_reading *view,
		     const struct hf_health *health, struct hf_mono now);
void signals_ended(struct signals *signals);

/* Due: every SIGNALS_EVERY_MS, twice as often while something is missing, and at once when a
 * picture came after a silence or something came to be known or unknown. ret_signals is filled
 * in any case. */
bool signals_due(struct signals *signals, struct hf_mono now, struct hf_signals *ret_signals);
/* They were sent. */
void signals_told(struct signals *signals, const struct hf_signals *sent, struct hf_mono now);
