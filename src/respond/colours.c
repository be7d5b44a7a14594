/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/colours.h"

#include <string.h>

static const double around = 0.5;   /* of the box's width: so far its surroundings reach */
static const double pavement = 0.4; /* of what is in a box is not the person, about */

static const double head = 0.12;      /* of the box's height: upper body from here ... */
static const double waist = 0.5;      /* ... to here, lower body from here ... */
static const double foot = 0.95;      /* ... to here */
static const double tint_share = 0.7; /* black and white differ in nothing but lightness */
static const double tint_step = 8;    /* levels of blue or red difference, a bin */

enum {
	SIDE_SAMPLES = 64, /* along each side of the box */
	LIGHT_BINS = 12,
	TINT_BINS = 10,
	HALF_BINS = LIGHT_BINS + 2 * TINT_BINS,
};

_Static_assert(2 * (int)HALF_BINS == (int)HF_COLOURS_BINS, "two halves");

struct share {
	double total, bins[HALF_BINS];
};

struct area {
	uint32_t left, right, top, bottom;
};

static uint32_t clamp(double value, uint32_t max)
{
	if (!(value > 0))
		return 0;
	return value >= (double)max ? max : (uint32_t)value;
}

static struct area area_of(struct hf_box box, double margin, uint32_t width, uint32_t height)
{
	return (struct area){ .left = clamp(box.x - margin, width),
			      .right = clamp(ceil(box.x + box.width + margin), width),
			      .top = clamp(box.y, height),
			      .bottom = clamp(ceil(box.y + box.height), height) };
}

static uint32_t step_of(double side)
{
	uint32_t step = (uint32_t)(fmin(side, 1e6) / SIDE_SAMPLES);

	return step > 0 ? step : 1;
}

/* Shared out between the two nearest bins: a little more light must not change everything. */
static void add(double *bins, unsigned count, double place, double weight)
{
	double within = fmin(fmax(place, 0), count - 1);
	unsigned low = (unsigned)within;
	double part = within - low;

	bins[low] += weight * (1 - part);
	if (low + 1 < count)
		bins[low + 1] += weight * part;
}

/* Clothes are dark more often than not: the root tells dark from darker. */
static void add_pixel(struct share *share, const uint8_t *p, double weight)
{
	double light = 0.114 * p[0] + 0.587 * p[1] + 0.299 * p[2];
	double blue = 0.564 * (p[0] - light), red = 0.713 * (p[2] - light);
	const double middle = (TINT_BINS - 1) / 2.0;

	add(share->bins, LIGHT_BINS, sqrt(light / 255) * (LIGHT_BINS - 1), weight);
	add(share->bins + LIGHT_BINS, TINT_BINS, middle + blue / tint_step, weight);
	add(share->bins + LIGHT_BINS + TINT_BINS, TINT_BINS, middle + red / tint_step, weight);
	share->total += weight;
}

/* Weight of a column: 1 in the middle of the box, 0 at its sides (Epanechnikov). */
static double weight_at(struct hf_box box, uint32_t x)
{
	double from = (x + 0.5 - box.x - box.width / 2) / (box.width / 2);

	return fmax(0, 1 - from * from);
}

static void count(const uint8_t *pixels, uint32_t width, uint32_t height, struct hf_box box,
		  struct share *inside, struct share *outside)
{
	struct area area = area_of(box, around * box.width, width, height);
	struct area core = area_of(box, 0, width, height);
	uint32_t step_x = step_of(box.width), step_y = step_of(box.height);

	for (uint32_t y = area.top; y < area.bottom; y += step_y)
		for (uint32_t x = area.left; x < area.right; x += step_x) {
			const uint8_t *p = pixels + ((size_t)y * width + x) * 3;
			bool in = x >= core.left && x < core.right;

			add_pixel(in ? inside : outside, p, in ? weight_at(box, x) : 1);
		}
}

/* What is there more of than the surroundings have, as shares of 255. False: nothing. */
static bool stand_out(const struct share *inside, const struct share *outside, unsigned from,
		      unsigned bins, double scale, uint8_t *ret_bins)
{
	double left[LIGHT_BINS], sum = 0;

	for (unsigned i = 0; i < bins; i++) {
		double there = outside->total > 0 ? outside->bins[from + i] / outside->total : 0;

		left[i] = fmax(0, inside->bins[from + i] / inside->total - pavement * there);
		sum += left[i];
	}
	for (unsigned i = 0; i < bins && sum > 0; i++)
		ret_bins[from + i] = (uint8_t)lround(left[i] * 255 * scale / sum);
	return sum > 0;
}

static bool take_half(const uint8_t *pixels, uint32_t width, uint32_t height, struct hf_box box,
		      uint8_t *ret_bins)
{
	struct share inside = { 0 }, outside = { 0 };

	count(pixels, width, height, box, &inside, &outside);
	if (!(inside.total > 0))
		return false;
	bool known = stand_out(&inside, &outside, 0, LIGHT_BINS, 1, ret_bins);
	known = stand_out(&inside, &outside, LIGHT_BINS, TINT_BINS, tint_share, ret_bins) && known;
	return stand_out(&inside, &outside, LIGHT_BINS + TINT_BINS, TINT_BINS, tint_share,
			 ret_bins) &&
	       known;
}

static struct hf_box part_of(struct hf_box box, double from, double to)
{
	return (struct hf_box){ .x = box.x,
				.y = box.y + from * box.height,
				.width = box.width,
				.height = (to - from) * box.height };
}

struct hf_colours hf_colours_take(const uint8_t *pixels, uint32_t width, uint32_t height,
				  struct hf_box box)
{
	struct hf_colours colours = { 0 };

	if (pixels == NULL)
		return colours;
	colours.known = take_half(pixels, width, height, part_of(box, head, waist), colours.bins) &&
			take_half(pixels, width, height, part_of(box, waist, foot),
				  colours.bins + HALF_BINS);
	return colours;
}

void hf_colours_blend(struct hf_colours *colours, const struct hf_colours *look, unsigned looks)
{
	double share = 1.0 / (looks < HF_COLOURS_LOOKS_MAX ? looks : HF_COLOURS_LOOKS_MAX);

	if (!look->known)
		return;
	if (!colours->known || looks <= 1) {
		*colours = *look;
		return;
	}
	for (size_t i = 0; i < HF_COLOURS_BINS; i++)
		colours->bins[i] = (uint8_t)lround(
			colours->bins[i] + share * ((double)look->bins[i] - colours->bins[i]));
}

double hf_colours_correlation(const struct hf_colours *a, const struct hf_colours *b)
{
	double mean_a = 0, mean_b = 0, both = 0, square_a = 0, square_b = 0;

	if (!a->known || !b->known)
		return 0;
	for (size_t i = 0; i < HF_COLOURS_BINS; i++) {
		mean_a += a->bins[i];
		mean_b += b->bins[i];
	}
	mean_a /= HF_COLOURS_BINS;
	mean_b /= HF_COLOURS_BINS;
	for (size_t i = 0; i < HF_COLOURS_BINS; i++) {
		double from_a = a->bins[i] - mean_a, from_b = b->bins[i] - mean_b;

		both += from_a * from_b;
		square_a += from_a * from_a;
		square_b += from_b * from_b;
	}
	return square_a > 0 && square_b > 0 ? both / sqrt(square_a * square_b) : 0;
}
