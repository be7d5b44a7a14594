/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * frame - one decoded picture of a source, as it lies in the decoder's memory.
 *
 * Shape       Planar 8-bit YUV. planes[0] is the grey picture everything but
 *             the detector works on; planes[1] and [2] are NULL where chroma is
 *             HF_CHROMA_NONE. Odd widths and heights are rounded up in the
 *             subsampled planes.
 *
 * Numbers     captured_mono is when the picture was taken, never when somebody
 *             came round to look at it. number counts the pictures of the
 *             source from 0, those that were skipped or broken included. renewed is
 *             false where every picture stands alone: then it would say nothing.
 *
 * Owners      Borrowed from the source: valid until it hands out the next one,
 *             fails, or is closed.
 *
 * Limits      HF_FRAME_SIDE_MIN .. HF_FRAME_WIDTH_MAX x HF_FRAME_HEIGHT_MAX.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_FRAME_SIDE_MIN = 16,
	HF_FRAME_WIDTH_MAX = 7680,
	HF_FRAME_HEIGHT_MAX = 4320,
};

enum hf_chroma {
	HF_CHROMA_NONE = 0, /* grey */
	HF_CHROMA_420,
	HF_CHROMA_422,
	HF_CHROMA_444,
};

struct hf_frame {
	const uint8_t *planes[3];
	int strides[3]; /* bytes from row to row */
	uint32_t width, height;
	enum hf_chroma chroma;
	bool full_range; /* grey 0..255, else 16..235 */
	bool bt709;      /* else BT.601 */
	bool renewed;    /* a key frame among those since the one handed out before */
	uint64_t number;
	struct hf_mono captured_mono;
	struct hf_wall captured_wall;
};

/* A part of the picture, in pixels. */
struct hf_rect {
	uint32_t x, y, width, height;
};
