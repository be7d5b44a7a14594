/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the normalisation of a level is looked up, 256 entries a channel. A tile that does
 * not fit is first resampled into a scratch picture, then takes the same way. What the tile
 * leaves free is written only when its size differs from the last one's.
 */
#include "infer/preprocess.h"

#include "base/assert.h"
#include "base/auto.h"

#include <math.h>
#include <string.h>

enum {
	CHANNELS = 3,
	LEVELS = 256,
	WEIGHT_BITS = 8, /* of an interpolation weight */
	WEIGHT_ONE = 1 << WEIGHT_BITS,
};

static const double enlarge_from = 1.5;

/* Where a pixel of the scaled picture comes from: first, and a share of the one after. */
struct tap {
	uint32_t first;
	uint32_t second;
	uint32_t weight; /* of second, of WEIGHT_ONE */
};

struct hf_preprocess {
	uint32_t width, height;            /* of the input */
	uint32_t last_width, last_height;  /* covered by the last tile */
	uint32_t taps_width, taps_covered; /* what the column taps were made for */
	float levels[CHANNELS][LEVELS];
	struct tap *columns; /* width */
	uint8_t *scaled;     /* width * height * CHANNELS */
	float *planes;       /* CHANNELS * height * width */
};

static void black(const struct hf_preprocess *p, size_t c, float *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		from[i] = p->levels[c][0];
}

/* The part of the planes that a picture of this size does not cover. */
static void clear_free(const struct hf_preprocess *p, uint32_t width, uint32_t height)
{
	for (size_t c = 0; c < CHANNELS; c++) {
		float *plane = p->planes + c * p->height * p->width;

		for (size_t y = 0; y < height; y++)
			black(p, c, plane + y * p->width + width, p->width - width);
		black(p, c, plane + (size_t)height * p->width,
		      (size_t)(p->height - height) * p->width);
	}
}

enum hf_code hf_preprocess_open(const struct hf_pack *pack, struct hf_preprocess **ret_preprocess,
				struct hf_err *err)
{
	struct hf_preprocess *p = calloc(1, sizeof *p);

	if (p == NULL)
		return hf_fail(err, HF_E_NOMEM, "preprocess: out of memory");
	p->width = pack->input_width;
	p->height = pack->input_height;
	p->columns = calloc(p->width, sizeof *p->columns);
	p->scaled = calloc((size_t)p->width * p->height, CHANNELS);
	p->planes = calloc((size_t)CHANNELS * p->width * p->height, sizeof *p->planes);
	if (p->columns == NULL || p->scaled == NULL || p->planes == NULL) {
		hf_preprocess_close(p);
		return hf_fail(err, HF_E_NOMEM, "preprocess: out of memory");
	}
	for (size_t c = 0; c < CHANNELS; c++)
		for (int level = 0; level < LEVELS; level++)
			p->levels[c][level] =
				(float)(((double)level - pack->mean[c]) / pack->std[c]);
	clear_free(p, 0, 0);
	*ret_preprocess = p;
	return HF_OK;
}

void hf_preprocess_close(struct hf_preprocess *preprocess)
{
	if (preprocess == NULL)
		return;
	free(preprocess->columns);
	free(preprocess->scaled);
	free(preprocess->planes);
	free(preprocess);
}

static uint32_t scaled_side(uint32_t side, double factor, uint32_t side_max)
{
	long rounded = lround(side * factor);

	if (rounded < 1)
		return 1;
	return (unsigned long)rounded > side_max ? side_max : (uint32_t)rounded;
}

struct hf_mapping hf_preprocess_map(const struct hf_preprocess *preprocess, uint32_t width,
				    uint32_t height)
{
	HF_ASSERT(width > 0 && height > 0);
	double factor =
		fmin((double)preprocess->width / width, (double)preprocess->height / height);
	struct hf_mapping m = { .tile_width = width, .tile_height = height };

	if (factor >= 1 && factor < enlarge_from)
		factor = 1;
	m.width = scaled_side(width, factor, preprocess->width);
	m.height = scaled_side(height, factor, preprocess->height);
	m.scale_x = (float)m.width / (float)width;
	m.scale_y = (float)m.height / (float)height;
	return m;
}

static struct tap tap_at(uint32_t to, uint32_t to_side, uint32_t from_side)
{
	double at = (to + 0.5) * from_side / to_side - 0.5;

	if (at < 0)
		at = 0;
	uint32_t first = (uint32_t)at;
	return (struct tap){ .first = first,
			     .second = first + 1 < from_side ? first + 1 : first,
			     .weight = (uint32_t)((at - first) * WEIGHT_ONE + 0.5) };
}

static void scale_row(const struct hf_preprocess *p, const uint8_t *upper, const uint8_t *lower,
		      uint32_t lower_weight, uint32_t width, uint8_t *out)
{
	uint32_t upper_weight = WEIGHT_ONE - lower_weight;

	for (uint32_t x = 0; x < width; x++) {
		struct tap t = p->columns[x];
		uint32_t left_weight = WEIGHT_ONE - t.weight;

		for (size_t c = 0; c < CHANNELS; c++) {
			size_t left = (size_t)t.first * CHANNELS + c;
			size_t right = (size_t)t.second * CHANNELS + c;
			uint32_t above = upper[left] * left_weight + upper[right] * t.weight;
			uint32_t below = lower[left] * left_weight + lower[right] * t.weight;

			out[(size_t)x * CHANNELS + c] =
				(uint8_t)((above * upper_weight + below * lower_weight +
					   (1U << (2 * WEIGHT_BITS - 1))) >>
					  (2 * WEIGHT_BITS));
		}
	}
}

static void scale(struct hf_preprocess *p, const struct hf_mapping *m, const uint8_t *bgr)
{
	size_t row_bytes = (size_t)m->tile_width * CHANNELS;

	if (p->taps_width != m->tile_width || p->taps_covered != m->width) {
		for (uint32_t x = 0; x < m->width; x++)
			p->columns[x] = tap_at(x, m->width, m->tile_width);
		p->taps_width = m->tile_width;
		p->taps_covered = m->width;
	}
	for (uint32_t y = 0; y < m->height; y++) {
		struct tap t = tap_at(y, m->height, m->tile_height);

		scale_row(p, bgr + t.first * row_bytes, bgr + t.second * row_bytes, t.weight,
			  m->width, p->scaled + (size_t)y * m->width * CHANNELS);
	}
}

void hf_preprocess_run(struct hf_preprocess *preprocess, const struct hf_mapping *mapping,
		       const uint8_t *bgr)
{
	struct hf_preprocess *p = preprocess;
	size_t plane = (size_t)p->height * p->width;

	HF_ASSERT(mapping->width <= p->width && mapping->height <= p->height);
	if (mapping->width != mapping->tile_width || mapping->height != mapping->tile_height) {
		scale(p, mapping, bgr);
		bgr = p->scaled;
	}
	if (p->last_width != mapping->width || p->last_height != mapping->height) {
		clear_free(p, mapping->width, mapping->height);
		p->last_width = mapping->width;
		p->last_height = mapping->height;
	}
	for (size_t y = 0; y < mapping->height; y++) {
		const uint8_t *row = bgr + y * mapping->width * CHANNELS;
		float *blue = p->planes + y * p->width, *green = blue + plane, *red = green + plane;

		for (size_t x = 0; x < mapping->width; x++) {
			blue[x] = p->levels[0][row[CHANNELS * x]];
			green[x] = p->levels[1][row[CHANNELS * x + 1]];
			red[x] = p->levels[2][row[CHANNELS * x + 2]];
		}
	}
}

float *hf_preprocess_planes(struct hf_preprocess *preprocess)
{
	return preprocess->planes;
}
