/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/layout.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

enum {
	WIDTH = 960,
	HEIGHT = 540,
};

struct screen {
	struct hf_frame frame;
	uint8_t grey[HEIGHT][WIDTH];
};

static uint32_t hash(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t h = a * 0x9e3779b1U ^ b * 0x85ebca77U ^ c * 0xc2b2ae3dU;

	h ^= h >> 15;
	h *= 0x2c1b3c6dU;
	h ^= h >> 12;
	return h;
}

/* A scene: smooth patches 24 pixels wide, levels 30..220. */
static int scene(uint32_t seed, unsigned x, unsigned y)
{
	const unsigned patch = 24;
	unsigned u = x / patch, v = y / patch;
	double fx = (double)(x % patch) / patch, fy = (double)(y % patch) / patch;
	double corners[4];

	for (unsigned i = 0; i < 4; i++)
		corners[i] = 30 + hash(seed, u + i % 2, v + i / 2) % 190;
	return (int)((corners[0] * (1 - fx) + corners[1] * fx) * (1 - fy) +
		     (corners[2] * (1 - fx) + corners[3] * fx) * fy);
}

static struct screen *screen_new(void)
{
	struct screen *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->frame = (struct hf_frame){
		.planes = { &s->grey[0][0] }, .strides = { WIDTH }, .width = WIDTH, .height = HEIGHT
	};
	return s;
}

static void fill(struct screen *s, struct hf_rect r, int level)
{
	for (uint32_t y = r.y; y < r.y + r.height; y++)
		memset(&s->grey[y][r.x], level, r.width);
}

/* side x side scenes, each between low and low + span of its levels, a border on the right and
 * at the bottom of each. */
static struct screen *grid(enum hf_layout layout, unsigned border, int low, int percent)
{
	struct screen *s = screen_new();
	unsigned side = hf_layout_side(layout);

	for (uint32_t i = 0; i < side * side; i++) {
		struct hf_rect r = hf_layout_rect(layout, i, WIDTH, HEIGHT);

		fill(s, r, 60);
		for (uint32_t y = 0; y < r.height - border; y++)
			for (uint32_t x = 0; x < r.width - border; x++)
				s->grey[r.y + y][r.x + x] =
					(uint8_t)(low + scene(i + 1, x, y) * percent / 100);
	}
	return s;
}

static struct hf_layout_reading assess(struct screen *s)
{
	struct hf_layout_reading reading;

	hf_layout_assess(&s->frame, &reading);
	free(s);
	return reading;
}

TEST(every_grid_is_told_from_the_others_with_and_without_borders)
{
	for (unsigned border = 0; border <= 4; border += 2)
		for (int side = 1; side <= 4; side++) {
			struct hf_layout_reading r =
				assess(grid((enum hf_layout)side, border, 0, 100));

			CHECK_I64(r.layout, ==, side);
			CHECK(r.sure);
		}
}

TEST(a_2x2_screen_with_strong_inner_structure_is_not_4x4)
{
	struct screen *s = grid(HF_LAYOUT_2X2, 0, 0, 60);

	/* Poles and shelves near where a 4x4 screen would have seams, and one pole on one. */
	fill(s, (struct hf_rect){ 236, 0, 9, 200 }, 250);
	fill(s, (struct hf_rect){ 240, 270, 3, 270 }, 5);
	fill(s, (struct hf_rect){ 700, 0, 30, 540 }, 10);
	fill(s, (struct hf_rect){ 0, 120, 300, 20 }, 240);
	fill(s, (struct hf_rect){ 480, 134, 200, 4 }, 240);
	fill(s, (struct hf_rect){ 0, 410, 960, 8 }, 250);
	struct hf_layout_reading r = assess(s);
	CHECK_I64(r.layout, ==, HF_LAYOUT_2X2);
	CHECK_REAL(r.scores[4], <, HF_LAYOUT_SCORE_MIN);
}

TEST(a_regular_pattern_is_not_a_grid)
{
	struct screen *s = screen_new();

	/* A fence: a bar every 16 pixels, one of them on every seam there could be. */
	for (unsigned y = 0; y < HEIGHT; y++)
		for (unsigned x = 0; x < WIDTH; x++)
			s->grey[y][x] = (x / 8 + y / 8) % 2 != 0 ? 200 : 40;
	CHECK_I64(assess(s).layout, ==, HF_LAYOUT_1X1);
}

TEST(dark_tiles_are_still_told_apart)
{
	struct hf_layout_reading r = assess(grid(HF_LAYOUT_4X4, 0, 16, 25));

	CHECK_I64(r.layout, ==, HF_LAYOUT_4X4);
	CHECK(r.sure);
}

TEST(tiles_without_signal_say_nothing)
{
	struct screen *s = grid(HF_LAYOUT_4X4, 0, 0, 100);

	/* Four cameras are connected, twelve tiles are the same blue. */
	fill(s, (struct hf_rect){ 0, 134, WIDTH, HEIGHT - 134 }, 41);
	CHECK_I64(assess(s).layout, ==, HF_LAYOUT_4X4);

	s = screen_new();
	CHECK_I64(assess(s).layout, ==, HF_LAYOUT_UNKNOWN);
}

TEST(a_menu_over_the_middle_does_not_hide_a_4x4_screen)
{
	struct screen *s = grid(HF_LAYOUT_4X4, 2, 0, 100);

	fill(s, (struct hf_rect){ 192, 80, 576, 380 }, 90);
	CHECK_I64(assess(s).layout, ==, HF_LAYOUT_4X4);
}

TEST(a_menu_over_a_2x2_screen_does_not_make_surely_another_layout)
{
	struct screen *s = grid(HF_LAYOUT_2X2, 2, 0, 100);

	fill(s, (struct hf_rect){ 280, 160, 400, 220 }, 90);
	struct hf_layout_reading r = assess(s);
	CHECK(r.layout == HF_LAYOUT_2X2 || !r.sure);
}

TEST(a_scene_beside_its_mirror_image_has_a_seam)
{
	struct screen *s = grid(HF_LAYOUT_4X4, 0, 0, 100);

	for (unsigned y = 0; y < HEIGHT; y++)
		for (unsigned x = 0; x < WIDTH; x++)
			if (x / 240 % 2 == 1)
				s->grey[y][x] = s->grey[y][x / 240 * 240 - 1 - x % 240];
	CHECK_I64(assess(s).layout, ==, HF_LAYOUT_4X4);
}

static struct hf_layout_reading sure_of(enum hf_layout layout)
{
	return (struct hf_layout_reading){ .layout = layout, .sure = true };
}

TEST(three_agreeing_readings_make_a_layout_and_two_do_not)
{
	struct hf_layout_tracker t = { 0 };
	struct hf_layout_reading four = sure_of(HF_LAYOUT_4X4), one = sure_of(HF_LAYOUT_1X1);

	CHECK(!hf_layout_track(&t, &four));
	CHECK(!hf_layout_track(&t, &four));
	CHECK(!hf_layout_track(&t, &one));
	CHECK(!hf_layout_track(&t, &four));
	CHECK(!hf_layout_track(&t, &four));
	CHECK_I64(t.current, ==, HF_LAYOUT_UNKNOWN);
	CHECK(hf_layout_track(&t, &four));
	CHECK_I64(t.current, ==, HF_LAYOUT_4X4);
	CHECK(!hf_layout_in_doubt(&t));
}

TEST(the_first_differing_reading_puts_the_layout_in_doubt)
{
	struct hf_layout_tracker t = { .current = HF_LAYOUT_4X4 };
	struct hf_layout_reading two = sure_of(HF_LAYOUT_2X2), four = sure_of(HF_LAYOUT_4X4);

	CHECK(!hf_layout_track(&t, &two));
	CHECK(hf_layout_in_doubt(&t));
	CHECK(!hf_layout_track(&t, &four));
	CHECK(!hf_layout_in_doubt(&t));
}

TEST(a_guess_does_not_displace_a_known_layout_but_is_better_than_none)
{
	struct hf_layout_reading guess = { .layout = HF_LAYOUT_1X1 };
	struct hf_layout_tracker known = { .current = HF_LAYOUT_4X4 }, none = { 0 };

	for (int i = 0; i < 4 * HF_LAYOUT_AGREEING_WEAK; i++)
		CHECK(!hf_layout_track(&known, &guess));
	CHECK(!hf_layout_in_doubt(&known));
	for (int i = 1; i < HF_LAYOUT_AGREEING_WEAK; i++)
		CHECK(!hf_layout_track(&none, &guess));
	CHECK(hf_layout_track(&none, &guess));
}

TEST(tiles_cover_the_picture_once_and_begin_on_even_pixels)
{
	for (int side = 1; side <= 4; side++) {
		uint64_t area = 0;

		for (uint32_t i = 0; i < (uint32_t)(side * side); i++) {
			struct hf_rect r = hf_layout_rect((enum hf_layout)side, i, 1367, 769);

			CHECK_U64(r.x % 2 + r.y % 2, ==, 0);
			CHECK_U64(r.x + r.width, <=, 1367);
			CHECK_U64(r.y + r.height, <=, 769);
			area += (uint64_t)r.width * r.height;
		}
		CHECK_U64(area, ==, 1367 * 769);
	}
	struct hf_rect last = hf_layout_rect(HF_LAYOUT_4X4, 15, 1920, 1080);
	CHECK_U64(last.x, ==, 1440);
	CHECK_U64(last.y, ==, 810);
	CHECK_U64(last.width, ==, 480);
	CHECK_U64(last.height, ==, 270);
}

TEST(a_layout_whose_seams_are_gone_is_in_doubt_and_not_for_ever)
{
	struct hf_layout_tracker tracker = { .current = HF_LAYOUT_4X4 };
	struct hf_layout_reading reading = { .layout = HF_LAYOUT_1X1,
					     .scores = { [3] = 0.45, [4] = 0.2 },
					     .informed = { [2] = true, [3] = true, [4] = true } };

	for (int i = 1; i < HF_LAYOUT_AGREEING_WEAK; i++) {
		CHECK(!hf_layout_track(&tracker, &reading));
		CHECK(hf_layout_in_doubt(&tracker));
	}
	CHECK(hf_layout_track(&tracker, &reading));
	CHECK_I64(tracker.current, ==, HF_LAYOUT_1X1);
}

TEST(seams_that_say_nothing_are_not_gone)
{
	struct hf_layout_tracker tracker = { .current = HF_LAYOUT_4X4 };
	struct hf_layout_reading reading = { .layout = HF_LAYOUT_1X1,
					     .scores = { [3] = 0.45 },
					     .informed = { [3] = true } };

	for (int i = 0; i < 100; i++)
		CHECK(!hf_layout_track(&tracker, &reading));
	CHECK(!hf_layout_in_doubt(&tracker));
}

TESTS(RUN(a_layout_whose_seams_are_gone_is_in_doubt_and_not_for_ever),
      RUN(seams_that_say_nothing_are_not_gone),
      RUN(every_grid_is_told_from_the_others_with_and_without_borders),
      RUN(a_2x2_screen_with_strong_inner_structure_is_not_4x4),
      RUN(a_regular_pattern_is_not_a_grid), RUN(dark_tiles_are_still_told_apart),
      RUN(tiles_without_signal_say_nothing), RUN(a_menu_over_the_middle_does_not_hide_a_4x4_screen),
      RUN(a_menu_over_a_2x2_screen_does_not_make_surely_another_layout),
      RUN(a_scene_beside_its_mirror_image_has_a_seam),
      RUN(three_agreeing_readings_make_a_layout_and_two_do_not),
      RUN(the_first_differing_reading_puts_the_layout_in_doubt),
      RUN(a_guess_does_not_displace_a_known_layout_but_is_better_than_none),
      RUN(tiles_cover_the_picture_once_and_begin_on_even_pixels))
