/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * colours - what somebody wears, roughly: to tell who is back from who is new.
 *
 * Shape       For the upper and for the lower body each: 12 bins of lightness, 10
 *             of blue and 10 of red difference, shares of 255: small enough to be
 *             saved with every stay.
 *
 * Method      Pixels count the more the nearer to the middle of the box, where
 *             there is more person than pavement, and what the surroundings of
 *             the box would have given by themselves is taken off: two people
 *             in different clothes on the same pavement are not alike for the
 *             pavement's sake. One look is a poor witness (a turn, a shadow,
 *             somebody in front): hf_colours_blend() averages several.
 *
 * Numbers     Alike means a correlation (Pearson's, over the bins) above
 *             HF_COLOURS_ALIKE. On the benchmark's people a look against eight
 *             looks of the same person: above 0.90 in 95 of 100; of another: 0.46
 *             in the middle. Two in dark coats over dark trousers reach 0.88:
 *             not alike is proof, alike is not.
 *             Rejected: one histogram of 4 x 4 x 4 bins of blue, green and red
 *             for the whole body. Everybody was alike to 0.95 who wore something
 *             dark, since all of it fell into one bin.
 *
 * Limits      At most about 4,000 pixels of a box are read, evenly spread.
 *
 * Source      Kernel and background weights: D. Comaniciu, V. Ramesh, P. Meer,
 *             Kernel-Based Object Tracking, 2003.
 */
#include "respond/box.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_COLOURS_BINS = 64,
	HF_COLOURS_LOOKS_MAX = 8, /* an older look counts ever less beyond these */
};

#define HF_COLOURS_ALIKE 0.75

struct hf_colours {
	bool known;
	uint8_t bins[HF_COLOURS_BINS];
};

/* pixels: the whole tile, BGR, rows packed; NULL gives unknown colours. */
struct hf_colours hf_colours_take(const uint8_t *pixels, uint32_t width, uint32_t height,
				  struct hf_box box);

/* One more look: the looks'th, counted from 1. Unknown colours change nothing. */
void hf_colours_blend(struct hf_colours *colours, const struct hf_colours *look, unsigned looks);

/* -1..1; 0 when one of them says nothing. */
double hf_colours_correlation(const struct hf_colours *a, const struct hf_colours *b);
