/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * strip - where a recorder has written a camera's name into its picture.
 *
 * Shape       hf_strip_add() learns, from one grey picture after another, the
 *             darkest and brightest value each pixel ever had.
 *             hf_strip_find() looks for a line of text at the top or bottom of
 *             one tile: what a recorder draws is bright, has dark edges, and
 *             never gets darker, while the scene behind it moves.
 *
 * Numbers     Text is HF_STRIP_HEIGHT_MIN to HF_STRIP_HEIGHT_MAX pixels high
 *             and lies within the outer HF_STRIP_BAND of the tile. ink is the
 *             number of pixels that look like it; of two lines the one with
 *             more ink wins. hf_strip_picture() gives 0 (ink) on 255, enlarged
 *             HF_STRIP_ENLARGE times with HF_STRIP_MARGIN pixels around, and
 *             without the bright background that reaches its edge: what a
 *             reader of printed text expects.
 *
 * Limits      A name in front of bright, unmoving background may be missed: it
 *             is a proposal that a person looks at.
 *
 * Owners      hf_strip_open() allocates, nothing else does.
 */
#include "base/err.h"
#include "ingest/frame.h"

#include <stdbool.h>
#include <stddef.h>

#define HF_STRIP_BAND 0.15

enum {
	HF_STRIP_HEIGHT_MIN = 6,
	HF_STRIP_HEIGHT_MAX = 40,
	HF_STRIP_ENLARGE = 3,
	HF_STRIP_MARGIN = 12,
};

enum hf_strip_edge {
	HF_STRIP_TOP,
	HF_STRIP_BOTTOM,
};

struct hf_strip_place {
	struct hf_rect rect; /* on the screen */
	uint32_t ink;
};

struct hf_strip;

enum hf_code hf_strip_open(uint32_t width, uint32_t height, struct hf_strip **ret_strip,
			   struct hf_err *err) HF_MUST_CHECK;
void hf_strip_close(struct hf_strip *strip); /* NULL is fine */

/* Part of the next picture: grey pixels, rows packed, at rect, which lies on the screen. */
void hf_strip_add(struct hf_strip *strip, struct hf_rect rect, const uint8_t *grey);

/* False: no text there. tile lies on the screen. */
bool hf_strip_find(const struct hf_strip *strip, struct hf_rect tile, enum hf_strip_edge edge,
		   struct hf_strip_place *ret_place);

/* The size hf_strip_picture() makes of a place. */
void hf_strip_picture_size(struct hf_rect place, uint32_t *ret_width, uint32_t *ret_height);
/* pixels: room for width * height bytes of that size. */
void hf_strip_picture(const struct hf_strip *strip, struct hf_rect place, uint8_t *pixels);

/* Does anything move in this tile, or is it a still card, like a "video loss"? */
bool hf_strip_moves(const struct hf_strip *strip, struct hf_rect tile);
