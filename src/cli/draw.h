/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * draw - boxes on a tile, as a JPEG file: to look at what a detector says.
 *
 * Errors      IO, NOSPACE, DENIED as the file system says; INVALID when the
 *             encoder refuses.
 */
#include "shape/tile.h"

/* Outline the detections with score >= score_min. bgr: width * height pixels of 3 bytes. */
void hf_draw_boxes(uint8_t *bgr, uint32_t width, uint32_t height,
		   const struct hf_detection *detections, uint32_t count, float score_min);

/* The tile as path. An existing file is replaced. */
enum hf_code hf_draw_write(const uint8_t *bgr, uint32_t width, uint32_t height, const char *path,
			   struct hf_err *err) HF_MUST_CHECK;
