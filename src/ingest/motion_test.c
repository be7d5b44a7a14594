/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/motion.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

enum {
	WIDTH = 486, /* not a multiple of a cell */
	HEIGHT = 271,
	FRAME_MS = 200,
};

static const struct hf_motion_options usual = { .threshold = 22, .cells_min = 6, .mask_top = 0.09 };

struct scene {
	struct hf_frame frame;
	struct hf_motion *motion;
	uint32_t noise;
	uint8_t grey[HEIGHT][WIDTH];
};

static struct scene *scene_new(const struct hf_motion_options *options)
{
	struct hf_err err;
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->frame = (struct hf_frame){ .planes = { &s->grey[0][0] },
				      .strides = { WIDTH },
				      .width = WIDTH,
				      .height = HEIGHT,
				      .captured_mono = { 1000000 } };
	CHECK_OK(
		hf_motion_open(options, (struct hf_rect){ 0, 0, WIDTH, HEIGHT }, &s->motion, &err));
	return s;
}

static void scene_free(struct scene *s)
{
	hf_motion_close(s->motion);
	free(s);
}

/* A grey street with the noise of a cheap camera. */
static void paint(struct scene *s, int level)
{
	for (unsigned y = 0; y < HEIGHT; y++)
		for (unsigned x = 0; x < WIDTH; x++) {
			s->noise = s->noise * 1664525 + 1013904223;
			s->grey[y][x] = (uint8_t)(level + (int)(s->noise >> 28) - 8);
		}
}

static void block(struct scene *s, unsigned x, unsigned y, unsigned width, unsigned height,
		  int level)
{
	for (unsigned i = 0; i < height; i++)
		memset(&s->grey[y + i][x], level, width);
}

static struct hf_motion_reading step(struct scene *s)
{
	s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, FRAME_MS);
	return hf_motion_step(s->motion, &s->frame);
}

static void settle(struct scene *s)
{
	for (int i = 0; i < 10; i++) {
		paint(s, 100);
		CHECK(!step(s).moving);
	}
}

TEST(noise_does_not_move)
{
	struct scene *s = scene_new(&usual);

	settle(s);
	for (int i = 0; i < 50; i++) {
		paint(s, 100);
		CHECK_U64(step(s).cells, ==, 0);
	}
	scene_free(s);
}

TEST(a_walking_block_moves_and_stops_when_it_has_left)
{
	struct scene *s = scene_new(&usual);

	settle(s);
	for (unsigned i = 0; i < 20; i++) {
		paint(s, 100);
		block(s, 50 + 8 * i, 100, 16, 40, 150);
		CHECK(step(s).moving);
	}
	bool moving = true;
	for (int i = 0; i < 10; i++) {
		paint(s, 100);
		moving = step(s).moving;
	}
	CHECK(!moving);
	scene_free(s);
}

TEST(somebody_who_stops_is_seen_for_seconds_more)
{
	struct scene *s = scene_new(&usual);

	settle(s);
	for (unsigned i = 0; i < 25; i++) { /* 5 s */
		paint(s, 100);
		block(s, 200, 100, 16, 40, 160);
		CHECK(step(s).moving);
	}
	scene_free(s);
}

TEST(single_cells_do_not_move_whatever_their_number)
{
	struct scene *s = scene_new(&usual);

	settle(s);
	paint(s, 100);
	for (unsigned y = 40; y < 240; y += 16)
		for (unsigned x = 16; x < 460; x += 16)
			block(s, x, y, 4, 4, 200);
	CHECK_U64(step(s).cells, ==, 0);
	scene_free(s);
}

TEST(a_clock_in_the_masked_band_does_not_move)
{
	const struct hf_motion_options masked = {
		.threshold = 22, .cells_min = 6, .mask_top = 0.09, .mask_bottom = 0.1
	};
	struct scene *s = scene_new(&masked);

	settle(s);
	for (int i = 0; i < 20; i++) {
		paint(s, 100);
		block(s, 300, 4, 150, 16, i % 2 != 0 ? 250 : 10);
		block(s, 20, 250, 150, 16, i % 2 != 0 ? 250 : 10);
		CHECK(!step(s).moving);
	}
	paint(s, 100);
	block(s, 300, 40, 150, 16, 250); /* the same just below the band does */
	CHECK(step(s).moving);
	scene_free(s);
}

TEST(a_light_switch_is_learned_anew_and_is_no_motion)
{
	struct scene *s = scene_new(&usual);
	unsigned relearned = 0;

	settle(s);
	for (int i = 0; i < 10; i++) {
		paint(s, 180);
		struct hf_motion_reading r = step(s);
		relearned += r.relearned;
		CHECK(!r.moving);
	}
	CHECK_U64(relearned, ==, 1);
	paint(s, 180);
	block(s, 200, 100, 16, 40, 120);
	CHECK(step(s).moving);
	scene_free(s);
}

TEST(infrared_that_comes_on_over_a_second_and_a_half_is_learned_too)
{
	struct scene *s = scene_new(&usual);
	unsigned relearned = 0, moving = 0;

	settle(s);
	for (int i = 0; i < 25; i++) {
		paint(s, 100 + (i < 8 ? 10 * i : 80));
		struct hf_motion_reading r = step(s);
		relearned += r.relearned;
		moving += r.moving;
	}
	CHECK_U64(relearned, >=, 1);
	CHECK_U64(moving, ==, 0);
	scene_free(s);
}

TEST(headlights_that_sweep_the_tile_within_a_second_are_learned)
{
	struct scene *s = scene_new(&usual);
	unsigned relearned = 0;

	settle(s);
	for (unsigned i = 0; i < 5; i++) { /* never more than 30 % at once */
		paint(s, 100);
		block(s, i * 90, 0, 120, HEIGHT, 200);
		relearned += step(s).relearned;
	}
	CHECK_U64(relearned, >=, 1);
	scene_free(s);
}

TEST(the_first_second_is_quiet)
{
	struct scene *s = scene_new(&usual);

	paint(s, 100);
	CHECK(!step(s).moving);
	paint(s, 100);
	block(s, 200, 100, 40, 60, 200);
	CHECK(!step(s).moving);
	scene_free(s);
}

TEST(somebody_who_leaves_while_it_is_learned_does_not_stay_as_a_ghost)
{
	struct scene *s = scene_new(&usual);

	for (int i = 0; i < 20; i++) {
		paint(s, 100);
		if (i < 2)
			block(s, 200, 100, 40, 60, 170);
		CHECK(!step(s).moving);
	}
	scene_free(s);
}

TEST(a_faster_camera_does_not_forget_faster)
{
	struct scene *s = scene_new(&usual);

	settle(s);
	for (int i = 0; i < 75; i++) { /* 5 s at 15 frames a second */
		paint(s, 100);
		block(s, 200, 100, 16, 40, 160);
		s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, 67 - FRAME_MS);
		CHECK(step(s).moving);
	}
	scene_free(s);
}

TEST(a_clock_that_goes_back_an_hour_costs_one_second)
{
	struct scene *s = scene_new(&usual);

	settle(s);
	s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, -3600000);
	paint(s, 100);
	CHECK(step(s).relearned);
	settle(s);
	paint(s, 100);
	block(s, 200, 100, 16, 40, 160);
	CHECK(step(s).moving);
	s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, 864000000);
	paint(s, 100);
	CHECK(!step(s).moving);
	scene_free(s);
}

TESTS(RUN(noise_does_not_move), RUN(a_walking_block_moves_and_stops_when_it_has_left),
      RUN(somebody_who_stops_is_seen_for_seconds_more),
      RUN(single_cells_do_not_move_whatever_their_number),
      RUN(a_clock_in_the_masked_band_does_not_move),
      RUN(a_light_switch_is_learned_anew_and_is_no_motion),
      RUN(infrared_that_comes_on_over_a_second_and_a_half_is_learned_too),
      RUN(headlights_that_sweep_the_tile_within_a_second_are_learned),
      RUN(the_first_second_is_quiet),
      RUN(somebody_who_leaves_while_it_is_learned_does_not_stay_as_a_ghost),
      RUN(a_faster_camera_does_not_forget_faster),
      RUN(a_clock_that_goes_back_an_hour_costs_one_second))
