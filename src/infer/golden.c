/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/golden.h"

#include <math.h>
#include <string.h>

enum {
	CHANNELS = 3,
	FIGURES = 6,
	MEAN_DIVISOR = 50, /* of the tolerance */
};

struct canvas {
	int width, height;
	uint8_t *bgr;
};

static int at_least(int value, int least)
{
	return value > least ? value : least;
}

static int at_most(int value, int most)
{
	return value < most ? value : most;
}

/* A sixteenth of what was there shines through. */
static void fill(const struct canvas *p, int left, int top, int right, int bottom, int level)
{
	for (int y = at_least(top, 0); y < at_most(bottom, p->height); y++) {
		for (int x = at_least(left, 0); x < at_most(right, p->width); x++) {
			uint8_t *pixel = p->bgr + (ptrdiff_t)CHANNELS * (y * p->width + x);

			for (int c = 0; c < CHANNELS; c++)
				pixel[c] = (uint8_t)((pixel[c] >> 4) + level + 8 * c);
		}
	}
}

static void ground(const struct canvas *p)
{
	uint32_t state = 1;
	uint8_t *out = p->bgr;

	for (int y = 0; y < p->height; y++) {
		for (int x = 0; x < p->width; x++) {
			for (int c = 0; c < CHANNELS; c++) {
				state = state * 1664525 + 1013904223;
				*out++ = (uint8_t)(96 + 64 * y / p->height + 16 * c +
						   (int)(state >> 27));
			}
		}
	}
}

void hf_golden_picture(uint32_t width, uint32_t height, uint8_t *ret_bgr)
{
	const struct canvas p = { .width = (int)width, .height = (int)height, .bgr = ret_bgr };

	ground(&p);
	for (int k = 0; k < FIGURES; k++) {
		int tall = p.height * (3 + k) / 12;
		int unit = at_least(tall / 8, 1), half = at_least(unit / 2, 1);
		int middle = p.width * (2 * k + 1) / (2 * FIGURES);
		int top = (p.height - tall) / 2;
		int hip = top + 4 * unit, foot = top + 8 * unit;

		fill(&p, middle - half, top, middle + half, top + unit, 140);
		fill(&p, middle - unit, top + unit, middle + unit, hip, 20);
		fill(&p, middle - unit, hip, middle - half, foot, 50);
		fill(&p, middle + half, hip, middle + unit, foot, 50);
	}
}

enum hf_code hf_golden_compare(const struct hf_pack_output *output, const float *values,
			       size_t count, struct hf_err *err)
{
	const struct hf_pack_golden *golden = &output->golden;
	double sum = 0;

	if (golden->count == 0)
		return hf_fail(err, HF_E_NOENT, "the pack does not say what to expect of %s",
			       output->key);
	for (uint32_t i = 0; i < golden->count; i++) {
		if (golden->at[i] >= count)
			return hf_fail(err, HF_E_CORRUPT,
				       "known picture: %s has %zu values, the pack names number %u",
				       output->key, count, golden->at[i]);
		float value = values[golden->at[i]];

		if (!(fabsf(value - golden->values[i]) <= golden->tolerance))
			return hf_fail(err, HF_E_CORRUPT,
				       "known picture: %s[%u] is %g, %g is right: the result of "
				       "this machine or network is wrong",
				       output->key, golden->at[i], (double)value,
				       (double)golden->values[i]);
	}
	for (size_t i = 0; i < count; i++)
		sum += (double)values[i];
	double mean = sum / (double)count;
	if (!(fabs(mean - (double)golden->mean) <= (double)golden->tolerance / MEAN_DIVISOR))
		return hf_fail(err, HF_E_CORRUPT,
			       "known picture: the mean of %s is %g, %g is right: the result of "
			       "this machine or network is wrong",
			       output->key, mean, (double)golden->mean);
	return HF_OK;
}
