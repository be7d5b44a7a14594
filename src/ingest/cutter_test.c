/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/cutter.h"

#include "base/auto.h"
#include "test.h"

#include <math.h>
#include <string.h>

/* A picture whose colour says where one is: grey rises to the right, chroma downwards. */
struct picture {
	struct hf_frame frame;
	uint8_t *data;
};

static uint8_t luma(uint32_t x)
{
	return (uint8_t)(40 + x / 10);
}

static struct picture picture_new(uint32_t width, uint32_t height, enum hf_chroma chroma)
{
	struct picture p = {
		.frame = { .width = width, .height = height, .chroma = chroma, .full_range = true }
	};
	unsigned across = chroma == HF_CHROMA_420 || chroma == HF_CHROMA_422;
	unsigned down = chroma == HF_CHROMA_420;
	size_t stride = (width + 63) / 64 * 64 + 64, size = stride * (height + 2);

	p.data = calloc(3, size);
	assert_non_null(p.data);
	for (int i = 0; i < (chroma == HF_CHROMA_NONE ? 1 : 3); i++) {
		uint8_t *plane = p.data + (size_t)i * size;
		uint32_t w = i > 0 ? (width + across) >> across : width;
		uint32_t h = i > 0 ? (height + down) >> down : height;

		for (uint32_t y = 0; y < h; y++)
			for (uint32_t x = 0; x < w; x++)
				plane[y * stride + x] =
					i == 0 ? luma(x)
					       : (uint8_t)(i == 1 ? 90 + (y << down) / 16 : 150);
		p.frame.planes[i] = plane;
		p.frame.strides[i] = (int)stride;
	}
	return p;
}

static int clamp(double value)
{
	return value < 0 ? 0 : value > 255 ? 255 : (int)lround(value);
}

/* BT.601, full range, straight from its definition. */
static void expect_near(const uint8_t *bgr, const struct picture *p, uint32_t x, uint32_t y,
			int tolerance)
{
	bool grey = p->frame.chroma == HF_CHROMA_NONE;
	double l = luma(x), u = grey ? 0 : 90 + y / 16 - 128.0, v = grey ? 0 : 150 - 128.0;
	int want[3] = { clamp(l + 1.772 * u), clamp(l - 0.344136 * u - 0.714136 * v),
			clamp(l + 1.402 * v) };

	for (int i = 0; i < 3; i++)
		if (abs(bgr[i] - want[i]) > tolerance)
			fail_msg("at %u,%u channel %d: %d, expected %d", x, y, i, bgr[i], want[i]);
}

static void cut_and_compare(uint32_t width, uint32_t height, enum hf_chroma chroma,
			    struct hf_rect rect)
{
	struct hf_cutter *cutter;
	struct hf_err err;
	struct picture p = picture_new(width, height, chroma);
	uint32_t w, h;

	hf_cutter_size(rect, &w, &h);
	const size_t size = (size_t)3 * w * h;
	HF_AUTO_FREE uint8_t *pixels = malloc(size + 64);
	assert_non_null(pixels);
	memset(pixels, 0xa5, size + 64);
	CHECK_OK(hf_cutter_open(&cutter, &err));
	CHECK_OK(hf_cutter_cut(cutter, &p.frame, rect, pixels, &err));
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			expect_near(pixels + ((size_t)y * w + x) * 3, &p,
				    rect.x + x * rect.width / w, rect.y + y * rect.height / h, 4);
	for (size_t i = size; i < size + 64; i++)
		CHECK_U64(pixels[i], ==, 0xa5); /* nothing beyond the tile */
	hf_cutter_close(cutter);
	free(p.data);
}

TEST(a_tile_of_a_4x4_screen_keeps_its_pixels_one_to_one)
{
	cut_and_compare(1920, 1080, HF_CHROMA_422, (struct hf_rect){ 960, 270, 480, 270 });
	cut_and_compare(1920, 1080, HF_CHROMA_420, (struct hf_rect){ 1440, 810, 480, 270 });
	cut_and_compare(1920, 1080, HF_CHROMA_444, (struct hf_rect){ 0, 540, 480, 270 });
	cut_and_compare(1920, 1080, HF_CHROMA_NONE, (struct hf_rect){ 0, 540, 480, 270 });
}

TEST(odd_sizes_are_cut_to_their_last_column_and_row)
{
	cut_and_compare(323, 241, HF_CHROMA_420, (struct hf_rect){ 0, 0, 323, 241 });
	cut_and_compare(323, 241, HF_CHROMA_422, (struct hf_rect){ 160, 120, 163, 121 });
	cut_and_compare(323, 241, HF_CHROMA_444, (struct hf_rect){ 160, 120, 163, 121 });
	cut_and_compare(1366, 768, HF_CHROMA_420, (struct hf_rect){ 1024, 576, 342, 192 });
	cut_and_compare(17, 16, HF_CHROMA_420, (struct hf_rect){ 0, 0, 17, 16 });
}

TEST(larger_tiles_are_scaled_to_fit_and_keep_their_aspect)
{
	uint32_t w, h;

	hf_cutter_size((struct hf_rect){ 0, 0, 960, 540 }, &w, &h);
	CHECK_U64(w, ==, 480);
	CHECK_U64(h, ==, 270);
	hf_cutter_size((struct hf_rect){ 0, 0, 768, 576 }, &w, &h);
	CHECK_U64(w, ==, 384);
	CHECK_U64(h, ==, 288);
	hf_cutter_size((struct hf_rect){ 0, 0, 320, 180 }, &w, &h);
	CHECK_U64(w, ==, 320);
	CHECK_U64(h, ==, 180);
	hf_cutter_size((struct hf_rect){ 0, 0, 7680, 16 }, &w, &h);
	CHECK_U64(w, ==, 480);
	CHECK_U64(h, ==, 1);
}

TEST(scaled_tiles_keep_their_colours)
{
	cut_and_compare(1920, 1080, HF_CHROMA_422, (struct hf_rect){ 960, 0, 960, 540 });
	cut_and_compare(1920, 1080, HF_CHROMA_420, (struct hf_rect){ 640, 360, 640, 360 });
}

TESTS(RUN(a_tile_of_a_4x4_screen_keeps_its_pixels_one_to_one),
      RUN(odd_sizes_are_cut_to_their_last_column_and_row),
      RUN(larger_tiles_are_scaled_to_fit_and_keep_their_aspect),
      RUN(scaled_tiles_keep_their_colours))
