/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/measure.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	MARGIN = 4,       /* cells along the sides: 16 pixels, an encoder's block */
	LEVEL_SCALE = 16, /* of motion's levels */
	BIN_LEVELS = 256 / HF_MEASURE_BINS,
	CHROMA_STEP = 8, /* every n-th sample is read */
	TEXT_ROW_STEP = 2,
	TEXT_ROWS_MIN = 4,    /* with strokes: two lines of eight pixels, at least */
	TEXT_CHANGES_MIN = 8, /* between ground and ink along a row: four strokes */
	TEXT_CONTRAST_MIN = 50,
	EDGE_CELLS = 2,
	EDGE_LEVELS_MAX = 60, /* one bright lamp must not be the whole scene */
};

static const double flat_deviation = 1.5; /* less than 3 from top to bottom */
static const double flat_levels = 3;
static const double quiet_levels = 0.12;
static const double edges_none = 0.2; /* spread of a picture without structure */

struct inner {
	uint32_t x, y, width, height; /* cells */
};

static struct inner inner_of(uint32_t columns, uint32_t rows)
{
	uint32_t across = columns >= HF_MEASURE_COLUMNS + 2 * MARGIN ? MARGIN : 0;
	uint32_t down = rows >= HF_MEASURE_ROWS + 2 * MARGIN ? MARGIN : 0;

	return (struct inner){ across, down, columns - 2 * across, rows - 2 * down };
}

bool hf_measure_fits(uint32_t columns, uint32_t rows)
{
	return columns >= HF_MEASURE_COLUMNS && rows >= HF_MEASURE_ROWS;
}

static int ascending(const void *a, const void *b)
{
	const float left = *(const float *)a, right = *(const float *)b;

	return (left > right) - (left < right);
}

static double median(const float *values)
{
	float sorted[HF_MEASURE_BLOCKS];

	memcpy(sorted, values, sizeof sorted);
	qsort(sorted, HF_MEASURE_BLOCKS, sizeof sorted[0], ascending);
	return (double)sorted[HF_MEASURE_BLOCKS / 2];
}

static void take_block(const struct hf_motion_cells *cells, const uint16_t *before,
		       struct inner part, unsigned block, struct hf_measure *out)
{
	const uint32_t count = part.width * part.height;
	uint64_t squares = 0;
	uint32_t sum = 0, difference = 0;

	for (uint32_t y = part.y; y < part.y + part.height; y++) {
		const uint16_t *row = cells->levels + (size_t)y * cells->columns + part.x;
		const uint16_t *old = (before != NULL ? before : cells->levels) +
				      (size_t)y * cells->columns + part.x;

		for (uint32_t x = 0; x < part.width; x++) {
			sum += row[x];
			squares += (uint32_t)row[x] * row[x];
			difference += (uint32_t)abs(row[x] - old[x]);
		}
	}
	double mean = (double)sum / count;
	double variance = (double)squares / count - mean * mean;

	out->level[block] = (float)(mean / LEVEL_SCALE);
	out->deviation[block] = (float)(sqrt(variance > 0 ? variance : 0) / LEVEL_SCALE);
	out->difference[block] = (float)((double)difference / count / LEVEL_SCALE);
}

static void take_bins(const struct hf_motion_cells *cells, struct inner in, struct hf_measure *out)
{
	uint32_t bins[HF_MEASURE_BINS + 1] = { 0 }, dark = 0, best = 0, best_count = 0;
	const double count = (double)in.width * in.height;

	for (uint32_t y = in.y; y < in.y + in.height; y++) {
		const uint16_t *row = cells->levels + (size_t)y * cells->columns + in.x;

		for (uint32_t x = 0; x < in.width; x++) {
			bins[row[x] / (LEVEL_SCALE * BIN_LEVELS)]++;
			dark += row[x] < HF_MEASURE_DARK * LEVEL_SCALE;
		}
	}
	/* Two bins: what is of one colour may lie on their border. */
	for (uint32_t i = 0; i < HF_MEASURE_BINS; i++)
		if (bins[i] + bins[i + 1] > best_count) {
			best = i;
			best_count = bins[i] + bins[i + 1];
		}
	out->dark_share = dark / count;
	out->one_colour_share = best_count / count;
	out->one_colour_level = (double)((best + 1) * BIN_LEVELS);
}

static void take_chroma(const struct hf_frame *frame, struct hf_rect rect, struct hf_measure *out)
{
	const unsigned across = frame->chroma != HF_CHROMA_444;
	const unsigned down = frame->chroma == HF_CHROMA_420;
	uint32_t count = 0;
	int64_t u = 0, v = 0, away = 0;

	if (frame->chroma == HF_CHROMA_NONE || frame->planes[1] == NULL || frame->planes[2] == NULL)
		return;
	for (uint32_t y = rect.y >> down; y < (rect.y + rect.height) >> down; y += CHROMA_STEP)
		for (uint32_t x = rect.x >> across; x < (rect.x + rect.width) >> across;
		     x += CHROMA_STEP, count++) {
			int at_u = frame->planes[1][(ptrdiff_t)y * frame->strides[1] + x] - 128;
			int at_v = frame->planes[2][(ptrdiff_t)y * frame->strides[2] + x] - 128;

			u += at_u;
			v += at_v;
			away += abs(at_u) + abs(at_v);
		}
	if (count == 0)
		return;
	out->u = (double)u / count;
	out->v = (double)v / count;
	out->saturation = (double)away / count;
}

static void take_flatness(struct hf_measure *out)
{
	unsigned flat = 0, quiet = 0;
	double sum = 0, squares = 0;

	out->noise = median(out->difference);
	out->flat_level = median(out->level);
	for (int i = 0; i < HF_MEASURE_BLOCKS; i++) {
		const double level = (double)out->level[i], deviation = (double)out->deviation[i];

		flat += deviation < flat_deviation && fabs(level - out->flat_level) < flat_levels;
		quiet += (double)out->difference[i] < quiet_levels;
		sum += level;
		squares += level * level;
		out->structure = deviation > out->structure ? deviation : out->structure;
	}
	const double mean = sum / HF_MEASURE_BLOCKS;
	const double variance = squares / HF_MEASURE_BLOCKS - mean * mean;

	out->flat_share = (double)flat / HF_MEASURE_BLOCKS;
	out->quiet_share = (double)quiet / HF_MEASURE_BLOCKS;
	out->contrast = sqrt(variance > 0 ? variance : 0);
}

void hf_measure_take(const struct hf_frame *frame, const struct hf_motion_cells *cells,
		     const uint16_t *before, struct hf_measure *ret_measure)
{
	struct hf_measure out = { 0 };

	HF_ASSERT(hf_measure_fits(cells->columns, cells->rows));
	const struct inner in = inner_of(cells->columns, cells->rows);
	for (uint32_t row = 0, block = 0; row < HF_MEASURE_ROWS; row++)
		for (uint32_t column = 0; column < HF_MEASURE_COLUMNS; column++, block++) {
			uint32_t x = in.width * column / HF_MEASURE_COLUMNS;
			uint32_t y = in.height * row / HF_MEASURE_ROWS;
			const struct inner part = {
				.x = in.x + x,
				.y = in.y + y,
				.width = in.width * (column + 1) / HF_MEASURE_COLUMNS - x,
				.height = in.height * (row + 1) / HF_MEASURE_ROWS - y,
			};

			take_block(cells, before, part, block, &out);
		}
	take_bins(cells, in, &out);
	take_chroma(frame, cells->area, &out);
	take_flatness(&out);
	*ret_measure = out;
}

/* Strokes are counted where ground and ink follow one another; what lies between them, the
 * halo of a lamp or a face, does not change from one to the other in one step after another. */
static bool row_has_strokes(const uint8_t *row, uint32_t width, double ground, double ink)
{
	const double low = ground + (ink - ground) / 3, high = ground + (ink - ground) * 2 / 3;
	unsigned changes = 0;
	bool on_ink = false;

	for (uint32_t x = 0; x < width; x++) {
		const double distance_low = (row[x] - low) * (ink > ground ? 1 : -1);
		const double distance_high = (row[x] - high) * (ink > ground ? 1 : -1);

		if (on_ink ? distance_low < 0 : distance_high > 0) {
			on_ink = !on_ink;
			changes++;
		}
	}
	return changes >= TEXT_CHANGES_MIN;
}

bool hf_measure_has_text(const struct hf_frame *frame, struct hf_rect area, double flat_level)
{
	unsigned rows = 0;

	for (uint32_t y = area.y; y < area.y + area.height; y += TEXT_ROW_STEP) {
		const uint8_t *row = frame->planes[0] + (ptrdiff_t)y * frame->strides[0] + area.x;
		double ink = flat_level;

		for (uint32_t x = 0; x < area.width; x++)
			ink = fabs(row[x] - flat_level) > fabs(ink - flat_level) ? row[x] : ink;
		rows += fabs(ink - flat_level) >= TEXT_CONTRAST_MIN &&
			row_has_strokes(row, area.width, flat_level, ink);
	}
	return rows >= TEXT_ROWS_MIN;
}

size_t hf_edges_places(uint32_t columns, uint32_t rows)
{
	const struct inner in = inner_of(columns, rows);

	return (size_t)((in.width - EDGE_CELLS) / EDGE_CELLS) *
	       ((in.height - EDGE_CELLS) / EDGE_CELLS);
}

struct hf_edges_match hf_edges_compare(const struct hf_motion_cells *cells, float *reference,
				       double weight)
{
	const struct inner in = inner_of(cells->columns, cells->rows);
	const size_t pitch = cells->columns, down = EDGE_CELLS * pitch;
	const double count = (double)hf_edges_places(cells->columns, cells->rows);
	double sum = 0, squares = 0, sum_old = 0, squares_old = 0, products = 0;
	float *old = reference;

	for (uint32_t y = 0; y + 2 * EDGE_CELLS <= in.height; y += EDGE_CELLS)
		for (uint32_t x = 0; x + 2 * EDGE_CELLS <= in.width; x += EDGE_CELLS, old++) {
			const uint16_t *at = cells->levels + (in.y + y) * pitch + in.x + x;
			double edge = (abs(at[EDGE_CELLS] - at[0]) + abs(at[down] - at[0])) /
				      (double)LEVEL_SCALE;

			edge = edge < EDGE_LEVELS_MAX ? edge : EDGE_LEVELS_MAX;
			sum += edge;
			squares += edge * edge;
			sum_old += (double)*old;
			squares_old += (double)(*old * *old);
			products += edge * (double)*old;
			*old += (float)(weight * (edge - (double)*old));
		}
	const double variance = squares / count - sum / count * (sum / count);
	const double variance_old = squares_old / count - sum_old / count * (sum_old / count);
	struct hf_edges_match match = { .spread = sqrt(variance > 0 ? variance : 0) };

	if (match.spread > edges_none && variance_old > edges_none * edges_none)
		match.correlation = (products / count - sum / count * (sum_old / count)) /
				    (match.spread * sqrt(variance_old));
	return match;
}
