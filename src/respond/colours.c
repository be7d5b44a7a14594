/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/colours.h"

#include <string.h>

/* How much of the box is left out at each side. */
static const double margin_x = 0.2;
static const double margin_y = 0.1;

static uint32_t clamp(double value, uint32_t max)
{
	if (!(value > 0))
		return 0;
	return value >= (double)max ? max : (uint32_t)value;
}

struct hf_colours hf_colours_take(const uint8_t *pixels, uint32_t width, uint32_t height,
				  struct hf_box box)
{
	struct hf_colours colours = { 0 };
	uint32_t counts[HF_COLOURS_BINS] = { 0 }, most = 0;

	if (pixels == NULL)
		return colours;
	uint32_t left = clamp(box.x + margin_x * box.width, width);
	uint32_t right = clamp(ceil(box.x + (1 - margin_x) * box.width), width);
	uint32_t top = clamp(box.y + margin_y * box.height, height);
	uint32_t bottom = clamp(ceil(box.y + (1 - margin_y) * box.height), height);

	for (uint32_t y = top; y < bottom; y++) {
		const uint8_t *p = pixels + ((size_t)y * width + left) * 3;

		for (uint32_t x = left; x < right; x++, p += 3) {
			unsigned bin = (p[0] >> 6U) * 16U + (p[1] >> 6U) * 4U + (p[2] >> 6U);

			if (++counts[bin] > most)
				most = counts[bin];
		}
	}
	colours.known = most > 0;
	for (size_t i = 0; i < HF_COLOURS_BINS && most > 0; i++)
		colours.bins[i] = (uint8_t)((uint64_t)counts[i] * 255 / most);
	return colours;
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
