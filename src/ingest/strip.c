/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/strip.h"

#include "base/assert.h"
#include "base/auto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	INK_MIN = 150,     /* never darker than this */
	INK_SPREAD = 70,   /* and never brighter by more: compression, not content */
	EDGE_DROP = 70,    /* darker by so much ... */
	EDGE_REACH = 3,    /* ... within so many pixels to the left and to the right */
	ROW_INK_SHARE = 5, /* a row of text has a fifth of the ink of the fullest one */
	INK_PIXELS_MIN = 30,
	STROKES_MIN = 4,   /* ends of strokes in a line: two letters or more */
	MOVES_SPREAD = 25, /* a pixel that changed by so much ... */
	MOVES_SHARE = 200, /* ... in one of so many */
};

struct hf_strip {
	uint32_t width, height;
	uint8_t *darkest, *brightest;
};

/* Rows or columns, right-exclusive. */
struct run {
	uint32_t from, to;
};

enum hf_code hf_strip_open(uint32_t width, uint32_t height, struct hf_strip **ret_strip,
			   struct hf_err *err)
{
	size_t pixels = (size_t)width * height;
	struct hf_strip *strip = calloc(1, sizeof *strip);

	HF_ASSERT(pixels > 0);
	if (strip != NULL) {
		strip->darkest = malloc(pixels);
		strip->brightest = malloc(pixels);
	}
	if (strip == NULL || strip->darkest == NULL || strip->brightest == NULL) {
		hf_strip_close(strip);
		return hf_fail(err, HF_E_NOMEM, "out of memory for a screen of %ux%u", width,
			       height);
	}
	strip->width = width;
	strip->height = height;
	memset(strip->darkest, UINT8_MAX, pixels);
	memset(strip->brightest, 0, pixels);
	*ret_strip = strip;
	return HF_OK;
}

void hf_strip_close(struct hf_strip *strip)
{
	if (strip == NULL)
		return;
	free(strip->darkest);
	free(strip->brightest);
	free(strip);
}

static bool is_on_screen(const struct hf_strip *strip, struct hf_rect rect)
{
	return rect.x <= strip->width && rect.width <= strip->width - rect.x &&
	       rect.y <= strip->height && rect.height <= strip->height - rect.y;
}

void hf_strip_add(struct hf_strip *strip, struct hf_rect rect, const uint8_t *grey)
{
	HF_ASSERT(is_on_screen(strip, rect));
	for (uint32_t y = 0; y < rect.height; y++) {
		size_t at = (size_t)(rect.y + y) * strip->width + rect.x;

		for (uint32_t x = 0; x < rect.width; x++, at++) {
			uint8_t value = grey[(size_t)y * rect.width + x];

			if (value < strip->darkest[at])
				strip->darkest[at] = value;
			if (value > strip->brightest[at])
				strip->brightest[at] = value;
		}
	}
}

/* Something as dark as an outline to one side, within the row. */
static bool has_edge(const struct hf_strip *strip, uint32_t x, uint32_t y, int step)
{
	const uint8_t *row = &strip->darkest[(size_t)y * strip->width];

	for (int i = 1; i <= EDGE_REACH; i++) {
		int64_t at = (int64_t)x + (int64_t)step * i;

		if (at < 0 || at >= strip->width)
			return false;
		if (row[at] + EDGE_DROP <= row[x])
			return true;
	}
	return false;
}

static bool is_bright(const struct hf_strip *strip, uint32_t x, uint32_t y)
{
	size_t at = (size_t)y * strip->width + x;

	return strip->darkest[at] >= INK_MIN &&
	       strip->brightest[at] - strip->darkest[at] <= INK_SPREAD;
}

/* A pixel of a stroke: bright for good, and narrow. */
static bool is_ink(const struct hf_strip *strip, uint32_t x, uint32_t y)
{
	return is_bright(strip, x, y) && (has_edge(strip, x, y, 1) || has_edge(strip, x, y, -1));
}

static uint32_t ink_of_row(const struct hf_strip *strip, struct hf_rect area, uint32_t y)
{
	uint32_t ink = 0;

	for (uint32_t x = area.x; x < area.x + area.width; x++)
		ink += is_ink(strip, x, y);
	return ink;
}

static uint32_t ink_of_column(const struct hf_strip *strip, struct run rows, uint32_t x)
{
	uint32_t ink = 0;

	for (uint32_t y = rows.from; y < rows.to; y++)
		ink += is_ink(strip, x, y);
	return ink;
}

/* The rows around the fullest one from here on that have ink as well; empty: there is no ink. */
static struct run rows_of_text(const struct hf_strip *strip, struct hf_rect band, struct run within)
{
	uint32_t fullest = within.from, most = 0;

	for (uint32_t y = within.from; y < within.to; y++) {
		uint32_t ink = ink_of_row(strip, band, y);

		if (ink > most) {
			most = ink;
			fullest = y;
		}
	}
	struct run rows = { fullest, fullest };
	if (most == 0)
		return rows;
	while (rows.from > within.from &&
	       ink_of_row(strip, band, rows.from - 1) * ROW_INK_SHARE >= most)
		rows.from--;
	while (rows.to < within.to && ink_of_row(strip, band, rows.to) * ROW_INK_SHARE >= most)
		rows.to++;
	return rows;
}

/* Letters begin and end many strokes along a line; a lamp or a window frame does not. */
static uint32_t strokes_across(const struct hf_strip *strip, struct run columns, uint32_t y)
{
	uint32_t ends = 0;
	bool before = false;

	for (uint32_t x = columns.from; x < columns.to; x++) {
		bool bright = is_bright(strip, x, y);

		ends += bright != before;
		before = bright;
	}
	return ends / 2;
}

static bool is_text(const struct hf_strip *strip, struct run rows, struct run columns, uint32_t ink)
{
	uint32_t high = rows.to - rows.from;

	return ink >= INK_PIXELS_MIN && columns.to - columns.from >= high &&
	       strokes_across(strip, columns, rows.from + high / 2) >= STROKES_MIN;
}

/* Of the runs of columns that look like text, the one with the most ink; a gap wider than the
 * text is high ends a run. Returns its ink, 0: there is none. */
static uint32_t columns_of_text(const struct hf_strip *strip, struct hf_rect band, struct run rows,
				struct run *ret_columns)
{
	uint32_t gap_max = rows.to - rows.from, most = 0, ink = 0;
	struct run run = { 0 };

	for (uint32_t x = band.x; x <= band.x + band.width; x++) {
		bool is_end = x == band.x + band.width;
		uint32_t here = is_end ? 0 : ink_of_column(strip, rows, x);

		if (ink > 0 && (is_end || (here > 0 && x - run.to > gap_max))) {
			if (ink > most && is_text(strip, rows, run, ink)) {
				most = ink;
				*ret_columns = run;
			}
			ink = 0;
		}
		if (here == 0)
			continue;
		if (ink == 0)
			run.from = x;
		run.to = x + 1;
		ink += here;
	}
	return most;
}

/* The fullest line within these rows, else the fullest of what lies above and below it: a row of
 * bright windows must not hide a name. */
static bool find_line(const struct hf_strip *strip, struct hf_rect band, struct run within,
		      struct hf_strip_place *ret_place)
{
	if (within.to - within.from < HF_STRIP_HEIGHT_MIN)
		return false;
	struct run rows = rows_of_text(strip, band, within), columns;
	uint32_t high = rows.to - rows.from;
	if (high == 0)
		return false;
	uint32_t ink = high < HF_STRIP_HEIGHT_MIN || high > HF_STRIP_HEIGHT_MAX
			       ? 0
			       : columns_of_text(strip, band, rows, &columns);
	if (ink == 0)
		return find_line(strip, band, (struct run){ within.from, rows.from }, ret_place) ||
		       find_line(strip, band, (struct run){ rows.to, within.to }, ret_place);
	*ret_place = (struct hf_strip_place){ .rect = { .x = columns.from,
							.y = rows.from,
							.width = columns.to - columns.from,
							.height = high },
					      .ink = ink };
	return true;
}

bool hf_strip_find(const struct hf_strip *strip, struct hf_rect tile, enum hf_strip_edge edge,
		   struct hf_strip_place *ret_place)
{
	struct hf_rect band = tile;

	HF_ASSERT(is_on_screen(strip, tile));
	band.height = (uint32_t)((double)tile.height * HF_STRIP_BAND);
	if (edge == HF_STRIP_BOTTOM)
		band.y = tile.y + tile.height - band.height;
	return find_line(strip, band, (struct run){ band.y, band.y + band.height }, ret_place);
}

void hf_strip_picture_size(struct hf_rect place, uint32_t *ret_width, uint32_t *ret_height)
{
	*ret_width = place.width * HF_STRIP_ENLARGE + 2 * HF_STRIP_MARGIN;
	*ret_height = place.height * HF_STRIP_ENLARGE + 2 * HF_STRIP_MARGIN;
}

static uint32_t clamp(double at, uint32_t limit)
{
	return at < 0 ? 0 : at >= limit ? limit - 1 : (uint32_t)at;
}

/* Between the four pixels around it: edges of enlarged letters stay slanted instead of stepped. */
static double darkest_at(const struct hf_strip *strip, double x, double y)
{
	uint32_t left = clamp(x, strip->width), top = clamp(y, strip->height);
	uint32_t right = clamp(x + 1, strip->width), bottom = clamp(y + 1, strip->height);
	double across = x - floor(x), down = y - floor(y);
	const uint8_t *upper = strip->darkest + (size_t)top * strip->width;
	const uint8_t *lower = strip->darkest + (size_t)bottom * strip->width;

	return (1 - down) * ((1 - across) * upper[left] + across * upper[right]) +
	       down * ((1 - across) * lower[left] + across * lower[right]);
}

/* Letters end within the picture, all around them is their dark outline. What reaches its edge is
 * bright background: taken away from there inwards. */
static void take_away_background(uint8_t *pixels, uint32_t width, uint32_t height)
{
	bool changed = true;

	for (uint32_t i = 0; i < width; i++)
		pixels[i] = pixels[(size_t)(height - 1) * width + i] = UINT8_MAX - 1;
	for (uint32_t i = 0; i < height; i++)
		pixels[(size_t)i * width] = pixels[(size_t)i * width + width - 1] = UINT8_MAX - 1;
	/* Down and right, then up and left, until nothing is left that touches. */
	while (changed) {
		changed = false;
		for (int pass = 0; pass < 2; pass++)
			for (size_t n = width + 1; n < (size_t)width * (height - 1) - 1; n++) {
				size_t at = pass == 0 ? n : (size_t)width * height - 1 - n;

				if (pixels[at] != 0)
					continue;
				if (pixels[at - 1] == UINT8_MAX - 1 ||
				    pixels[at + 1] == UINT8_MAX - 1 ||
				    pixels[at - width] == UINT8_MAX - 1 ||
				    pixels[at + width] == UINT8_MAX - 1) {
					pixels[at] = UINT8_MAX - 1;
					changed = true;
				}
			}
	}
	for (size_t i = 0; i < (size_t)width * height; i++)
		pixels[i] = pixels[i] == 0 ? 0 : UINT8_MAX;
}

void hf_strip_picture(const struct hf_strip *strip, struct hf_rect place, uint8_t *pixels)
{
	const double margin = HF_STRIP_MARGIN / (double)HF_STRIP_ENLARGE;
	uint32_t width, height;

	HF_ASSERT(is_on_screen(strip, place));
	hf_strip_picture_size(place, &width, &height);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			double value =
				darkest_at(strip, place.x - margin + (double)x / HF_STRIP_ENLARGE,
					   place.y - margin + (double)y / HF_STRIP_ENLARGE);

			pixels[(size_t)y * width + x] = value >= INK_MIN ? 0 : UINT8_MAX;
		}
	take_away_background(pixels, width, height);
}

bool hf_strip_moves(const struct hf_strip *strip, struct hf_rect tile)
{
	uint32_t changed = 0;
	uint32_t band = (uint32_t)((double)tile.height * HF_STRIP_BAND);

	HF_ASSERT(is_on_screen(strip, tile));
	for (uint32_t y = tile.y + band; y < tile.y + tile.height - band; y++)
		for (uint32_t x = tile.x; x < tile.x + tile.width; x++) {
			size_t at = (size_t)y * strip->width + x;

			changed += strip->brightest[at] >= strip->darkest[at] + MOVES_SPREAD;
		}
	return changed > tile.width * (tile.height - 2 * band) / MOVES_SHARE;
}
