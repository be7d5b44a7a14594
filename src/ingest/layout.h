/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layout - how the recorder has divided its screen.
 *
 * Shape       hf_layout_assess() looks at one grey picture and is pure.
 *             struct hf_layout_tracker makes a decision of many readings.
 *             Grids of n x n equal tiles, n = 1..4, tiles numbered row by row.
 *
 * Numbers     A grid's score is the mean over the segments of its *own* seams:
 *             a 4x4 screen has all seams of a 2x2 too, so 4x4 is judged by its
 *             lines at 1/4 and 3/4, 2x2 by those at 1/2. A segment is the piece
 *             of a seam between two neighbouring tiles. 0 = no edge stands
 *             there, 1 = an edge along all of it. Segments between two tiles
 *             that are both flat and alike (no signal, no border) say nothing
 *             and are left out.
 *             The finest grid above HF_LAYOUT_SCORE_MIN wins. None: it is 1x1,
 *             and surely so only below HF_LAYOUT_SCORE_NONE: a menu over the
 *             middle of the screen must not make one camera of sixteen.
 *
 *             A change is believed after HF_LAYOUT_AGREEING sure readings: within a
 *             second at five frames. Where the seams of the layout in force are
 *             gone but it is not sure what took its place, that is doubt, too,
 *             and the best guess holds after HF_LAYOUT_AGREEING_WEAK. So many it
 *             also takes after HF_LAYOUT_UNREST_MAX / HF_LAYOUT_UNREST_CHANGE
 *             changes in quick succession: a picture that flaps between two
 *             readings must not make a row of events. Unrest goes down by one
 *             with each reading.
 *
 * Limits      Grids whose tiles would be smaller than HF_LAYOUT_TILE_MIN pixels
 *             are not considered.
 */
#include "ingest/frame.h"
#include "shape/tile.h"

#define HF_LAYOUT_SCORE_MIN  0.6
#define HF_LAYOUT_SCORE_NONE 0.35

enum {
	HF_LAYOUT_TILE_MIN = 80,
	HF_LAYOUT_AGREEING = 3,       /* readings in a row before a layout is believed */
	HF_LAYOUT_AGREEING_WEAK = 15, /* the same for the best guess, and while it flaps */
	HF_LAYOUT_UNREST_CHANGE = 100,
	HF_LAYOUT_UNREST_MAX = 400,
};

struct hf_layout_reading {
	enum hf_layout layout; /* UNKNOWN: the picture says nothing, e.g. all black */
	bool sure;
	double scores[HF_LAYOUT_4X4 + 1]; /* by tiles a side, from 4 down to the one that won */
	bool informed[HF_LAYOUT_4X4 + 1]; /* there was something at these seams to go by */
};

void hf_layout_assess(const struct hf_frame *frame, struct hf_layout_reading *ret_reading);

struct hf_layout_tracker {
	enum hf_layout current;
	enum hf_layout candidate;
	unsigned agreeing;
	unsigned unrest;
};

/* True when current changed with this reading. */
bool hf_layout_track(struct hf_layout_tracker *tracker, const struct hf_layout_reading *reading);
/* The picture no longer looks like current, and it is not yet known what it is. */
bool hf_layout_in_doubt(const struct hf_layout_tracker *tracker);

/* Where a tile lies. Corners are even, so that they lie on chroma samples. */
struct hf_rect hf_layout_rect(enum hf_layout layout, uint32_t tile, uint32_t width,
			      uint32_t height);
