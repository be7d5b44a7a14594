/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * health - is what a tile shows a live picture, and of the scene that it was?
 *
 * Shape       One struct hf_health a source, for longer than its view: a fault
 *             that was raised is still known when the source was opened again or
 *             the screen showed something else in between. Pure, on the frames'
 *             capture time. hf_health_step() once a frame; it measures every
 *             HF_HEALTH_SAMPLE_MS, for cameras that are slower than the screen.
 *
 *             no_signal  flat and without any change, and either with lines of
 *                        writing on it or all of a recorder's blue.
 *             black      dark, without structure and without noise. A dark night
 *                        has one or the other.
 *             frozen     the picture has lost its own noise while the screen goes
 *                        on elsewhere.
 *             tampered   a settled picture whose edges are no longer where they
 *                        were, or that has become one colour.
 *
 *             A tile is blind while it shows no signal or black, while it is
 *             suspected of being frozen, or unproven. Suspicion takes
 *             HF_HEALTH_WINDOW_MS and is not yet a fault; nor is the end of a fault
 *             the end of blindness. Unproven (ingest/proof.h) is a tile that was
 *             still from the first picture on; that shows with the second, and is
 *             no fault by itself. It counts anew for a tile at another place of the
 *             screen, and after seconds without pictures.
 *
 * Frozen      A block is alive when it changes by more than a fifth of the
 *             tile's noise floor; a tile is still when hardly any block was alive
 *             within the window, and few since it was alive last: a recorder's
 *             clock changes the same ones again and again. The floor is the median block's change, a low
 *             quantile of it over half a minute: what moves in part of the
 *             picture, or for part of the time, does not raise it. A floor of
 *             about nothing proves nothing: an encoder leaves out what does not
 *             change. So such a tile is never still, but for one that was still
 *             from the beginning among others of which at least two, and at least
 *             half, have a clear floor: theirs counts.
 *             A sample with a key frame of the screen's encoder says nothing of
 *             any tile: it changes them all. The decoder tells of them; one of an
 *             earlier encoder is known by most tiles with a floor changing more than
 *             they use to. A camera's own key frames come at its own time
 *             and are a sign of life.
 *             The screen goes on when another tile is alive or the band at the
 *             top of any tile changes as writing does. A source of one tile never
 *             freezes, nor does a screen that stands still as a whole.
 *
 * Tampered    Compared with a reference that is learned over HF_HEALTH_LEARN_S
 *             settled seconds and follows slowly; one for colour and one for
 *             grey pictures, as infrared light makes another picture of the same
 *             scene. Not judged: while more moves than a few people, after the
 *             light changed, in the dark, in scenes that are not like themselves
 *             from one minute to the next. A view that stays other for a day is
 *             the new one.
 *
 * Numbers     A fault is raised after raise_ms (frozen: frozen_ms since the last
 *             change), over after clear_ms without it, told again after remind_ms
 *             and then daily. Less than HF_HEALTH_FLICKER_MS of interruption does
 *             not count. Time in which the tile was not on the screen, or no
 *             frames came, does not count either.
 *
 * Owners      Allocates in hf_health_open() and hf_health_fit(), never in a step.
 *
 * Limits      The references are in memory only: they are learned again after a
 *             restart.
 */
#include "base/err.h"
#include "ingest/measure.h"
#include "shape/tile.h"

enum {
	HF_HEALTH_SAMPLE_MS = 400,
	HF_HEALTH_WINDOW_MS = 2500,
	HF_HEALTH_FLICKER_MS = 2000,
	HF_HEALTH_LEARN_S = 20,
	HF_HEALTH_TAMPER_MS = 10000, /* that long before it is taken for more than a moment */
};

enum hf_health_fault {
	HF_HEALTH_NO_SIGNAL = 0,
	HF_HEALTH_BLACK,
	HF_HEALTH_FROZEN,
	HF_HEALTH_TAMPERED,
	HF_HEALTH_FAULTS,
};

/* "no_signal", ... as stored in events. */
const char *hf_health_fault_name(enum hf_health_fault fault);

struct hf_health_options {
	int64_t raise_ms, clear_ms, frozen_ms, remind_ms;
};

/* What the judgement was made of. */
struct hf_health_facts {
	double noise, noise_floor; /* grey levels; floor 0: none that proves anything */
	double level, deviation;   /* of the picture's blocks, grey levels */
	double dark_share, flat_share, one_colour_share;
	double correlation; /* of edges with the reference; 1 where none was learned */
	uint32_t others;    /* tiles that went on meanwhile */
};

enum hf_health_news {
	HF_HEALTH_RAISED = 1,
	HF_HEALTH_CLEARED,
	HF_HEALTH_REMINDER,
};

struct hf_health_event {
	enum hf_health_news news;
	enum hf_health_fault fault;
	uint32_t tile;
	int64_t since_ms; /* how long the fault lasts, or lasted */
	struct hf_mono captured_mono;
	struct hf_wall captured_wall;
	struct hf_health_facts facts;
};

/* A tile as motion has read it from this frame; motion NULL: not watched. */
struct hf_health_input {
	const struct hf_motion *motion;
	struct hf_rect rect;
	struct hf_motion_reading reading;
};

struct hf_health;

enum hf_code hf_health_open(const struct hf_health_options *options, struct hf_health **ret_health,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_health_close(struct hf_health *health); /* NULL is fine */

/* Tile now lies at rect of a screen of this layout. What was learned of it elsewhere is
 * forgotten, its faults are not. */
enum hf_code hf_health_fit(struct hf_health *health, uint32_t tile, enum hf_layout layout,
			   struct hf_rect rect, const struct hf_motion *motion,
			   struct hf_err *err) HF_MUST_CHECK;
/* The next picture does not follow the last one: another view was there, or nothing. */
void hf_health_break(struct hf_health *health);

/* inputs: HF_TILES_MAX of them. Returns the blind tiles as a mask. */
uint32_t hf_health_step(struct hf_health *health, const struct hf_frame *frame,
			const struct hf_health_input *inputs);

/* What has not been told yet, one at a time. False: nothing. */
bool hf_health_next(struct hf_health *health, struct hf_health_event *ret_event);

/* The tiles that show no signal, or nothing but black, at the moment. */
uint32_t hf_health_dark(const struct hf_health *health);
/* For how long the tile is without its own noise while the screen goes on; 0: it is not. -1: that
 * cannot be known, it has no noise that proves anything (a source of one tile never has). */
int64_t hf_health_still_ms(const struct hf_health *health, uint32_t tile);
/* Of a tile, as it was measured last: for reports and tests. */
struct hf_health_facts hf_health_facts(const struct hf_health *health, uint32_t tile);
