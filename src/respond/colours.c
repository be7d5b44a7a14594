/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/colours.h"

#include <string.h>

static const double around = 0.5;   /* of the box's width: so far its surroundings reach */
static const double pavement = 0.4; /* of what is in a box is not the person, about */

enum {
	SIDE_SAMPLES = 64, /* along each side of the box */
};

struct share {
	double total, bins[HF_COLOURS_BINS];
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
			      .top = clamp(box.y - margin, height),
			      .bottom = clamp(ceil(box.y + box.height + margin), height) };
}

static unsigned bin_of(const uint8_t *p)
{
	return (p[0] >> 6U) * 16U + (p[1] >> 6U) * 4U + (p[2] >> 6U);
}

static uint32_t step_of(double side)
{
	uint32_t step = (uint32_t)(fmin(side, 1e6) / SIDE_SAMPLES);

	return step > 0 ? step : 1;
}

/* Weight of a pixel: 1 in the middle, 0 at the ellipse that the box holds (Epanechnikov). */
static double weight_at(struct hf_box box, uint32_t x, uint32_t y)
{
	double from_x = (x + 0.5 - box.x - box.width / 2) / (box.width / 2);
	double from_y = (y + 0.5 - box.y - box.height / 2) / (box.height / 2);

	return fmax(0, 1 - from_x * from_x - from_y * from_y);
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
			bool in = x >= core.left && x < core.right && y >= core.top &&
				  y < core.bottom;
			struct share *share = in ? inside : outside;
			double weight = in ? weight_at(box, x, y) : 1;

			share->bins[bin_of(p)] += weight;
			share->total += weight;
		}
}

struct hf_colours hf_colours_take(const uint8_t *pixels, uint32_t width, uint32_t height,
				  struct hf_box box)
{
	struct hf_colours colours = { 0 };
	struct share inside = { 0 }, outside = { 0 };
	double most = 0;

	if (pixels == NULL)
		return colours;
	count(pixels, width, height, box, &inside, &outside);
	if (!(inside.total > 0))
		return colours;
	for (size_t i = 0; i < HF_COLOURS_BINS; i++) {
		double there = outside.total > 0 ? outside.bins[i] / outside.total : 0;

		inside.bins[i] = fmax(0, inside.bins[i] / inside.total - pavement * there);
		most = fmax(most, inside.bins[i]);
	}
	colours.known = most > 0;
	for (size_t i = 0; i < HF_COLOURS_BINS && most > 0; i++)
		colours.bins[i] = (uint8_t)lround(inside.bins[i] * 255 / most);
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
