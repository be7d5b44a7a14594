/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cutter - one tile of a frame as BGR24, where it is wanted.
 *
 * Shape       Rows packed (stride = 3 * width), top row first, as shape/tile.h
 *             says. Tiles that fit HF_CUTTER_WIDTH x HF_CUTTER_HEIGHT keep
 *             their pixels 1:1; larger ones are scaled down to fit, aspect
 *             kept. Nothing is ever scaled up.
 *
 * Numbers     480x288 is the detector's input: what is larger would be scaled
 *             there, once more, after six times the bytes had been written and
 *             read. A 1920x1080 screen of 4x4 has tiles of 480x270.
 *
 * Errors      INVALID when the frame's geometry is refused by the scaler;
 *             NOMEM.
 */
#include "base/err.h"
#include "ingest/frame.h"

enum {
	HF_CUTTER_WIDTH = 480,
	HF_CUTTER_HEIGHT = 288,
};

struct hf_cutter;

enum hf_code hf_cutter_open(struct hf_cutter **ret_cutter, struct hf_err *err) HF_MUST_CHECK;
void hf_cutter_close(struct hf_cutter *cutter); /* NULL is fine */

/* The size a tile of this size is cut to. */
void hf_cutter_size(struct hf_rect rect, uint32_t *ret_width, uint32_t *ret_height);

/* pixels: room for what hf_cutter_size() says, 3 bytes a pixel. */
enum hf_code hf_cutter_cut(struct hf_cutter *cutter, const struct hf_frame *frame,
			   struct hf_rect rect, uint8_t *pixels, struct hf_err *err) HF_MUST_CHECK;
