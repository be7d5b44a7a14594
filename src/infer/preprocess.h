/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * preprocess - pixels of a tile into the numbers a network reads.
 *
 * Shape       In: BGR24, rows packed. Out: three float planes (B, G, R) of the
 *             network's input size, each value (level - mean) / std. The tile
 *             lies at the top left; what it does not cover is black.
 *
 * Numbers     A tile that fits lies there pixel by pixel: people in a tile are
 *             small, and every interpolation costs some of them. A larger tile is
 *             scaled down to fit, a tile of less than 2/3 of the input in both
 *             directions is scaled up, always by one factor for both axes
 *             (bilinear, half-pixel centres).
 *
 * Owners      The planes belong to the struct, which is their only writer; they
 *             stay where they are, and nothing is allocated per tile.
 */
#include "base/err.h"
#include "infer/pack.h"

struct hf_preprocess;

/* How the tile lies in the input: a point at (x, y) of the tile is at (x, y) * scale. */
struct hf_mapping {
	uint32_t tile_width, tile_height;
	uint32_t width, height; /* of the part of the input it covers */
	float scale_x, scale_y;
};

enum hf_code hf_preprocess_open(const struct hf_pack *pack, struct hf_preprocess **ret_preprocess,
				struct hf_err *err) HF_MUST_CHECK;
void hf_preprocess_close(struct hf_preprocess *preprocess); /* NULL is fine */

/* Where a tile of this size goes. */
struct hf_mapping hf_preprocess_map(const struct hf_preprocess *preprocess, uint32_t width,
				    uint32_t height);

/* Fill the planes from the tile that mapping was made for. */
void hf_preprocess_run(struct hf_preprocess *preprocess, const struct hf_mapping *mapping,
		       const uint8_t *bgr);

/* 3 * input height * input width floats; all black before the first run. */
float *hf_preprocess_planes(struct hf_preprocess *preprocess);
