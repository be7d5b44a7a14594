/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * measure - a tile's picture in a few numbers: what health judges by.
 *
 * Shape       Pure. A tile is divided into HF_MEASURE_COLUMNS x HF_MEASURE_ROWS
 *             blocks of the cells that motion has read already; the bands that
 *             motion does not look at are not in them. A few cells along the
 *             tile's sides are left out: an encoder's blocks reach over from the
 *             neighbours.
 *
 * Numbers     Grey levels 0 to 255 as they are in the picture, shares 0 to 1.
 *             difference is the mean over a block's cells of how much each
 *             changed since the picture before: noise as well as movement.
 *
 * Limits      A tile of fewer than HF_MEASURE_COLUMNS x HF_MEASURE_ROWS cells
 *             cannot be measured.
 */
#include "ingest/frame.h"
#include "ingest/motion.h"

enum {
	HF_MEASURE_COLUMNS = 12,
	HF_MEASURE_ROWS = 8,
	HF_MEASURE_BLOCKS = HF_MEASURE_COLUMNS * HF_MEASURE_ROWS,
	HF_MEASURE_BINS = 32, /* of grey levels */
};

struct hf_measure {
	float level[HF_MEASURE_BLOCKS];      /* mean */
	float deviation[HF_MEASURE_BLOCKS];  /* standard deviation of the cells in a block */
	float difference[HF_MEASURE_BLOCKS]; /* 0 where there is no picture before */
	double noise;                        /* median of difference */
	double dark_share;                   /* of the cells: below HF_MEASURE_DARK */
	double one_colour_share;             /* of the cells: within a few levels of one another */
	double one_colour_level;
	double flat_share;  /* of the blocks: no structure, and of the median's level */
	double flat_level;  /* median of the blocks' levels */
	double quiet_share; /* of the blocks: no change at all to speak of */
	double contrast;    /* standard deviation of the blocks' levels */
	double structure;   /* the greatest deviation within a block */
	double u, v;        /* mean chroma less 128; 0 for a grey picture */
	double saturation;  /* mean distance of chroma from grey */
};

#define HF_MEASURE_DARK 40

bool hf_measure_fits(uint32_t columns, uint32_t rows);

/* before: the levels of the picture before, NULL: there is none. */
void hf_measure_take(const struct hf_frame *frame, const struct hf_motion_cells *cells,
		     const uint16_t *before, struct hf_measure *ret_measure);

/* Are there lines of writing on an otherwise flat picture? */
bool hf_measure_has_text(const struct hf_frame *frame, struct hf_rect area, double flat_level);

/*
 * Edges, for comparing a scene with what it was. A place is 2x2 cells. Not of motion's
 * background: after a camera was turned that is a mixture of both scenes for half a minute.
 */
struct hf_edges_match {
	double correlation; /* -1 to 1; 0 when one of the two has no structure */
	double spread;      /* standard deviation of the edges now, grey levels */
};
size_t hf_edges_places(uint32_t columns, uint32_t rows);
/* Compares with reference (places values), then moves it by weight x the difference. */
struct hf_edges_match hf_edges_compare(const struct hf_motion_cells *cells, float *reference,
				       double weight);
