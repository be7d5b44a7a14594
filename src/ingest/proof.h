/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * proof - has a tile shown a sign of life since the screen began?
 *
 * Shape       One struct hf_proof a screen, zeroed; pure. hf_proof_step() with every sample.
 *             health finds a picture that loses its noise; a picture that was frozen from
 *             the beginning has none to lose, and what others' noise is like is known only
 *             after seconds. Here a tile is held against the others of the same moment.
 *
 *             unproven  a tile that did not change while the screen did, and has not
 *                       changed by itself since. One that never stood still is not: a
 *                       live camera is not unproven for a moment.
 *
 *             The screen changes when at least two tiles, and half of those beside the one
 *             that is judged, show noise all over. So where there is no noise, or one tile
 *             alone, nobody is unproven.
 *
 *             A sign of life is a change in several samples running; a change like the
 *             others', while the screen was not busier than it uses to be; or something
 *             that moves: over time, as somebody far off changes few blocks at once, but
 *             others every time, where a clock changes the same ones. A key frame of the
 *             screen's encoder is none of them: it changes every picture, the frozen ones
 *             too, but once, and the live ones more than they use to or the frozen ones
 *             much less.
 *
 * Numbers     Without the screen changing for HF_PROOF_HOLD_MS nobody is unproven any more.
 */
#include "ingest/measure.h"
#include "shape/tile.h"

enum {
	HF_PROOF_SAMPLES = 3, /* that a change must last */
	HF_PROOF_HOLD_MS = 30000,
};

struct hf_proof {
	double usual, calm; /* the screen's noise: mean, and least of what tells something */
	unsigned told;      /* samples that did */
	int64_t told_ms;
	uint32_t proven, unproven;                   /* tiles; neither: not known yet */
	unsigned lively[HF_TILES_MAX];               /* samples running */
	bool moved[HF_TILES_MAX][HF_MEASURE_BLOCKS]; /* something did, since it began */
};

struct hf_proof_sample {
	int64_t now_ms;
	bool breath;   /* a key frame for certain */
	uint32_t dead; /* without signal, or black: says nothing of the screen */
	const struct hf_measure *tiles[HF_TILES_MAX]; /* NULL: not compared with a picture before */
	double floors[HF_TILES_MAX];                  /* of a tile's own noise; 0: not known */
};

/* The screen's noise may be another from now on. */
void hf_proof_break(struct hf_proof *proof);
/* These tiles have shown nothing yet. */
void hf_proof_begin(struct hf_proof *proof, uint32_t tiles);
/* These are alive, as is known from elsewhere. */
void hf_proof_accept(struct hf_proof *proof, uint32_t tiles);
void hf_proof_step(struct hf_proof *proof, const struct hf_proof_sample *sample);
