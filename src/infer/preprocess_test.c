/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/preprocess.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

enum {
	WIDTH = 480,
	HEIGHT = 288,
	PLANE = WIDTH * HEIGHT,
};

static struct hf_err err;
static uint8_t tile[3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX];

static const struct hf_pack pack = {
	.input_width = WIDTH,
	.input_height = HEIGHT,
	.mean = { 100, 110, 120 },
	.std = { 50, 60, 70 },
};

static struct hf_preprocess *open_preprocess(void)
{
	struct hf_preprocess *p = NULL;

	CHECK_OK(hf_preprocess_open(&pack, &p, &err));
	return p;
}

static void fill(uint32_t width, uint32_t height, uint8_t blue, uint8_t green, uint8_t red)
{
	for (size_t i = 0; i < (size_t)width * height; i++) {
		tile[3 * i] = blue;
		tile[3 * i + 1] = green;
		tile[3 * i + 2] = red;
	}
}

/* The level that a value of a plane stands for. */
static double level(const float *planes, size_t channel, uint32_t x, uint32_t y)
{
	return (double)planes[channel * PLANE + y * WIDTH + x] * (double)pack.std[channel] +
	       (double)pack.mean[channel];
}

TEST(a_tile_that_fits_lies_pixel_by_pixel_and_the_rest_is_black)
{
	struct hf_preprocess *p = open_preprocess();
	const float *planes = hf_preprocess_planes(p);

	fill(480, 270, 10, 20, 30);
	tile[3 * (269 * 480 + 479) + 2] = 200; /* red of the last pixel */
	struct hf_mapping m = hf_preprocess_map(p, 480, 270);
	hf_preprocess_run(p, &m, tile);
	CHECK_REAL(m.scale_x, ==, 1);
	CHECK_REAL(m.scale_y, ==, 1);
	assert_float_equal(level(planes, 0, 0, 0), 10, 1e-3);
	assert_float_equal(level(planes, 1, 200, 100), 20, 1e-3);
	assert_float_equal(level(planes, 2, 479, 269), 200, 1e-3);
	assert_float_equal(level(planes, 2, 478, 269), 30, 1e-3);
	for (size_t c = 0; c < 3; c++)
		for (uint32_t y = 270; y < HEIGHT; y++)
			for (uint32_t x = 0; x < WIDTH; x++)
				assert_float_equal(level(planes, c, x, y), 0, 1e-3);
	hf_preprocess_close(p);
}

TEST(a_larger_tile_is_scaled_by_one_factor)
{
	struct hf_preprocess *p = open_preprocess();
	const float *planes = hf_preprocess_planes(p);
	struct hf_mapping m = hf_preprocess_map(p, 640, 360);

	CHECK_U64(m.width, ==, 480);
	CHECK_U64(m.height, ==, 270);
	/* A ramp stays a ramp: pixel x shows what lay at (x + 0.5) * 4/3 - 0.5. */
	for (uint32_t y = 0; y < 360; y++)
		for (uint32_t x = 0; x < 640; x++)
			memset(tile + 3 * (y * 640 + x), (int)(x / 3), 3);
	hf_preprocess_run(p, &m, tile);
	for (uint32_t x = 0; x < 480; x++)
		assert_float_equal(level(planes, 1, x, 135), ((x + 0.5) * 4 / 3 - 0.5) / 3, 1.01);
	assert_float_equal(level(planes, 1, 0, 270), 0, 1e-3);
	hf_preprocess_close(p);
}

TEST(a_single_colour_stays_exact_at_any_size)
{
	static const uint32_t sizes[][2] = { { 640, 384 }, { 640, 1 },  { 1, 384 },   { 1, 1 },
					     { 639, 383 }, { 160, 90 }, { 481, 288 }, { 7, 300 } };
	struct hf_preprocess *p = open_preprocess();
	const float *planes = hf_preprocess_planes(p);

	for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
		struct hf_mapping m = hf_preprocess_map(p, sizes[i][0], sizes[i][1]);

		CHECK_U64(m.width, <=, WIDTH);
		CHECK_U64(m.height, <=, HEIGHT);
		fill(sizes[i][0], sizes[i][1], 255, 128, 1);
		hf_preprocess_run(p, &m, tile);
		for (uint32_t y = 0; y < HEIGHT; y++) {
			for (uint32_t x = 0; x < WIDTH; x++) {
				float inside = x < m.width && y < m.height ? 1 : 0;

				assert_float_equal(level(planes, 0, x, y), 255 * inside, 0.01);
				assert_float_equal(level(planes, 1, x, y), 128 * inside, 0.01);
				assert_float_equal(level(planes, 2, x, y), 1 * inside, 0.01);
			}
		}
	}
	hf_preprocess_close(p);
}

TEST(only_a_tile_much_smaller_than_the_input_is_enlarged)
{
	struct hf_preprocess *p = open_preprocess();
	struct hf_mapping m = hf_preprocess_map(p, 352, 240);

	CHECK_U64(m.width, ==, 352);
	CHECK_U64(m.height, ==, 240);
	m = hf_preprocess_map(p, 160, 90);
	CHECK_U64(m.width, ==, 480);
	CHECK_U64(m.height, ==, 270);
	assert_float_equal(m.scale_x, 3, 1e-6);
	assert_float_equal(m.scale_y, 3, 1e-6);
	hf_preprocess_close(p);
}

TESTS(RUN(a_tile_that_fits_lies_pixel_by_pixel_and_the_rest_is_black),
      RUN(a_larger_tile_is_scaled_by_one_factor), RUN(a_single_colour_stays_exact_at_any_size),
      RUN(only_a_tile_much_smaller_than_the_input_is_enlarged))
