/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * view - what is on the screen: its layout, which tiles move, which are to be looked at.
 *
 * Shape       One struct hf_view a source; hf_view_step() once a frame. Only
 *             tiles with a configured camera count.
 *
 * Numbers     A moving tile is wanted with every frame, a still one every
 *             full_look_ms; the still ones' turns are spread over that time. A
 *             tile whose background was just learned anew is wanted at once:
 *             what moves in it is not known. With looks_at_all every tile
 *             is wanted with every frame.
 *
 *             paused: the picture no longer looks like the layout in force, or
 *             shows a view with fewer tiles than cameras are configured (a
 *             recorder switched to one camera full screen: nobody knows which).
 *             Nothing is wanted then: never an event on the wrong camera. Not
 *             for a layout that the configuration fixes.
 *
 *             A blind tile (ingest/health.h) neither moves nor is wanted.
 *
 *             Somebody who stands still does not move. So a still tile in which
 *             hf_view_seen() was told of somebody, with HF_VIEW_OCCUPIED_SCORE at
 *             least, is wanted every occupied_look_ms, until HF_VIEW_EMPTY_LOOKS
 *             looks in a row and HF_VIEW_OCCUPIED_MS have found nobody.
 *
 * Errors      NOMEM when the view must be rebuilt (another layout or size).
 *             The view is unchanged; the next frame tries again.
 */
#include "ingest/health.h"
#include "ingest/layout.h"
#include "ingest/motion.h"
#include "shape/config.h"

#define HF_VIEW_OCCUPIED_SCORE 0.4F /* a little below what starts a track */

enum {
	HF_VIEW_OCCUPIED_MS = 3000,
	HF_VIEW_EMPTY_LOOKS = 2,
};

struct hf_view_options {
	const struct hf_config *config; /* borrowed for the view's life */
	uint32_t source;                /* index */
	bool looks_at_all;              /* every tile with every frame */
	bool still;                     /* a single picture: its layout is decided at once */
	struct hf_health *health;       /* borrowed; NULL: nobody watches the tiles' health */
};

struct hf_view_tile {
	const struct hf_config_camera *camera; /* NULL: none */
	struct hf_rect rect;
	bool moving, blind;
	enum hf_look look; /* with this frame; 0: none */
};

struct hf_view_reading {
	enum hf_layout layout, layout_before;
	bool rebuilt; /* the tiles are others than with the frame before */
	bool paused;
	uint32_t moving_mask;
	uint32_t blind_mask;
	uint32_t watched; /* tiles with a camera in this view; 0 while paused */
	uint32_t tile_count;
	struct hf_view_tile tiles[HF_TILES_MAX];
};

struct hf_view;

enum hf_code hf_view_open(const struct hf_view_options *options, struct hf_view **ret_view,
			  struct hf_err *err) HF_MUST_CHECK;
void hf_view_close(struct hf_view *view); /* NULL is fine */

/* ret_reading is whole even with an error: nothing is wanted then. */
enum hf_code hf_view_step(struct hf_view *view, const struct hf_frame *frame,
			  struct hf_view_reading *ret_reading, struct hf_err *err) HF_MUST_CHECK;

/* A look at a tile, as it was in the frame captured then, has found this. */
void hf_view_seen(struct hf_view *view, uint32_t tile, struct hf_mono captured, float score_best);
