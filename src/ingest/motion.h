/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * motion - does something move in a tile? Cheap, and wrong on the safe side: it only decides
 * what the detector looks at.
 *
 * Shape       One struct hf_motion a tile. The tile is divided into cells of
 *             4x4 pixels; a cell's mean grey level is compared with its own
 *             running mean. A cell differs when it is off by more than
 *             threshold and at least HF_MOTION_VOTES of its eight neighbours
 *             are too. The tile moves when at least cells_min cells differ.
 *             Bands at the top and bottom (names, clock, REC) are not looked at.
 *
 * Numbers     The background follows with 1/16 of the difference every
 *             HF_MOTION_LEARN_MS, with 1/64 where the cell differs: by time,
 *             not by frames. When more than HF_MOTION_RELEARN_SHARE of the
 *             cells differed within the last HF_MOTION_WINDOW_MS (a light was
 *             switched, infrared came on gradually) the background is learned
 *             anew, and the tile does not move for HF_MOTION_QUIET_MS.
 *             The first picture is the first background, likewise quiet; so is one
 *             that was taken before the picture before it.
 *
 * Owners      Borrows the frame for the call only. Allocates in
 *             hf_motion_open(), never in a step.
 */
#include "base/err.h"
#include "ingest/frame.h"

#define HF_MOTION_RELEARN_SHARE 0.6

enum {
	HF_MOTION_CELL_PIXELS = 4,
	HF_MOTION_VOTES = 2,
	HF_MOTION_LEARN_MS = 200,
	HF_MOTION_WINDOW_MS = 1000,
	HF_MOTION_QUIET_MS = 1000,
};

struct hf_motion_options {
	double threshold;             /* grey levels */
	int64_t cells_min;            /* cells */
	double mask_top, mask_bottom; /* fractions of the tile's height */
};

struct hf_motion_reading {
	bool moving;
	bool relearned; /* with this frame: look at the tile, what moves is not known now */
	uint32_t cells; /* that differ */
};

/* What motion has made of the picture, for others to use. Valid until the next step. */
struct hf_motion_cells {
	uint32_t columns, rows;
	struct hf_rect area;    /* of the frame: the tile less its bands, whole cells */
	const uint16_t *levels; /* of this frame, row by row: grey level x 16 */
};

struct hf_motion;

/* rect: the tile within the frames that will come. */
enum hf_code hf_motion_open(const struct hf_motion_options *options, struct hf_rect rect,
			    struct hf_motion **ret_motion, struct hf_err *err) HF_MUST_CHECK;
void hf_motion_close(struct hf_motion *motion); /* NULL is fine */

/* Frames must be of one size and hold the rect. */
struct hf_motion_reading hf_motion_step(struct hf_motion *motion, const struct hf_frame *frame);
struct hf_motion_cells hf_motion_cells(const struct hf_motion *motion);
