/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * colours - what somebody wears, roughly: to tell who is back from who is new.
 *
 * Shape       4 x 4 x 4 bins of blue, green, red, scaled so that the largest
 *             is 255: small enough to be saved with every stay. Taken from the
 *             middle of the box, where there is more person than pavement.
 *
 * Numbers     Alike means a correlation (Pearson's, over the bins) above 0.5.
 */
#include "respond/box.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_COLOURS_BINS = 64,
};

struct hf_colours {
	bool known;
	uint8_t bins[HF_COLOURS_BINS];
};

/* pixels: the whole tile, BGR, rows packed; NULL gives unknown colours. */
struct hf_colours hf_colours_take(const uint8_t *pixels, uint32_t width, uint32_t height,
				  struct hf_box box);

/* -1..1; 0 when one of them says nothing. */
double hf_colours_correlation(const struct hf_colours *a, const struct hf_colours *b);
