/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/view.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

enum {
	WIDTH = 960,
	HEIGHT = 540,
	FRAME_MS = 200,
};

struct stage {
	struct hf_config config;
	struct hf_view *view;
	struct hf_frame frame;
	struct hf_view_reading reading;
	uint8_t grey[HEIGHT][WIDTH];
};

static struct stage *stage_new(enum hf_layout fixed, uint32_t cameras, bool lockstep)
{
	struct hf_err err;
	struct stage *s = calloc(1, sizeof *s);

	assert_non_null(s);
	hf_config_defaults(&s->config);
	s->config.source_count = 1;
	s->config.sources[0].layout = (int32_t)fixed;
	s->config.camera_count = cameras;
	for (uint32_t i = 0; i < cameras; i++)
		s->config.cameras[i] =
			(struct hf_config_camera){ .tile = (int64_t)i + 1, .priority = 5 };
	s->frame = (struct hf_frame){ .planes = { &s->grey[0][0] },
				      .strides = { WIDTH },
				      .width = WIDTH,
				      .height = HEIGHT,
				      .captured_mono = { 1000000 } };
	CHECK_OK(hf_view_open(
		&(struct hf_view_options){ .config = &s->config, .looks_at_all = lockstep },
		&s->view, &err));
	return s;
}

static void stage_free(struct stage *s)
{
	hf_view_close(s->view);
	free(s);
}

/* side x side tiles with stripes of their own, and borders. */
static void paint(struct stage *s, unsigned side)
{
	for (uint32_t i = 0; i < side * side; i++) {
		struct hf_rect r = hf_layout_rect((enum hf_layout)side, i, WIDTH, HEIGHT);

		for (uint32_t y = r.y; y < r.y + r.height; y++)
			for (uint32_t x = r.x; x < r.x + r.width; x++)
				s->grey[y][x] =
					side > 1 && (x + 2 >= r.x + r.width ||
						     y + 2 >= r.y + r.height)
						? 10
						: (uint8_t)(60 + ((x * (3 + i) + y * 5) / 97 * 37) %
									 120);
	}
}

static const struct hf_view_reading *step(struct stage *s)
{
	struct hf_err err;

	s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, FRAME_MS);
	s->frame.number++;
	CHECK_OK(hf_view_step(s->view, &s->frame, &s->reading, &err));
	return &s->reading;
}

static unsigned looks(const struct hf_view_reading *reading)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < reading->tile_count; i++)
		count += reading->tiles[i].look != 0;
	return count;
}

TEST(nothing_is_wanted_until_the_layout_is_known)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 16, false);

	paint(s, 4);
	for (int i = 0; i < 2; i++) {
		CHECK_I64(step(s)->layout, ==, HF_LAYOUT_UNKNOWN);
		CHECK(s->reading.paused);
	}
	CHECK_I64(step(s)->layout, ==, HF_LAYOUT_4X4);
	CHECK(!s->reading.paused);
	CHECK(s->reading.rebuilt);
	CHECK_U64(s->reading.watched, ==, 16);
	stage_free(s);
}

TEST(each_still_tile_is_looked_at_once_in_its_time_and_not_all_at_once)
{
	struct stage *s = stage_new(HF_LAYOUT_4X4, 16, false);
	unsigned counts[HF_TILES_MAX] = { 0 }, most = 0;

	paint(s, 4);
	for (int i = 0; i < 100; i++) { /* 20 s: two full looks */
		const struct hf_view_reading *r = step(s);
		unsigned at_once = looks(r);

		most = at_once > most ? at_once : most;
		for (int k = 0; k < HF_TILES_MAX; k++) {
			counts[k] += r->tiles[k].look == HF_LOOK_FULL;
			CHECK(r->tiles[k].look != HF_LOOK_MOTION);
		}
	}
	for (int k = 0; k < HF_TILES_MAX; k++)
		CHECK_U64(counts[k], ==, 2);
	CHECK_U64(most, <=, 2);
	stage_free(s);
}

TEST(a_moving_tile_is_wanted_with_every_frame)
{
	struct stage *s = stage_new(HF_LAYOUT_4X4, 16, false);

	paint(s, 4);
	for (int i = 0; i < 8; i++)
		(void)step(s);
	for (unsigned i = 0; i < 10; i++) {
		paint(s, 4);
		for (unsigned y = 320; y < 360; y++)
			memset(&s->grey[y][260 + 10 * i], 240, 30);
		CHECK_I64(step(s)->tiles[9].look, ==, HF_LOOK_MOTION);
		CHECK_U64(s->reading.moving_mask, ==, 1U << 9);
	}
	stage_free(s);
}

TEST(only_tiles_with_a_camera_are_looked_at)
{
	struct stage *s = stage_new(HF_LAYOUT_4X4, 3, true);

	paint(s, 4);
	const struct hf_view_reading *r = step(s);
	CHECK_U64(looks(r), ==, 3);
	CHECK_U64(r->watched, ==, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_I64(r->tiles[i].look, ==, HF_LOOK_ALWAYS);
		CHECK(r->tiles[i].camera == &s->config.cameras[i]);
	}
	stage_free(s);
}

TEST(a_changed_layout_pauses_at_its_first_frame_and_is_in_force_with_the_third)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 4, false);

	paint(s, 4);
	for (int i = 0; i < 10; i++)
		(void)step(s);
	CHECK(!s->reading.paused);
	paint(s, 2);
	for (int i = 0; i < 2; i++) {
		CHECK(step(s)->paused);
		CHECK_U64(looks(&s->reading), ==, 0);
		CHECK_I64(s->reading.layout, ==, HF_LAYOUT_4X4);
	}
	CHECK(!step(s)->paused);
	CHECK(s->reading.rebuilt);
	CHECK_I64(s->reading.layout_before, ==, HF_LAYOUT_4X4);
	CHECK_I64(s->reading.layout, ==, HF_LAYOUT_2X2);
	CHECK_U64(s->reading.moving_mask, ==, 0);
	stage_free(s);
}

TEST(a_view_with_fewer_tiles_than_cameras_is_not_looked_at)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 16, false);

	paint(s, 4);
	for (int i = 0; i < 5; i++)
		(void)step(s);
	paint(s, 2);
	for (int i = 0; i < 60; i++)
		CHECK_U64(looks(step(s)), ==, 0);
	CHECK_I64(s->reading.layout, ==, HF_LAYOUT_2X2);
	CHECK(s->reading.paused);
	CHECK_U64(s->reading.watched, ==, 0);
	stage_free(s);
}

TEST(a_fixed_layout_is_not_questioned)
{
	struct stage *s = stage_new(HF_LAYOUT_2X2, 4, false);

	paint(s, 4);
	for (int i = 0; i < 5; i++) {
		CHECK_I64(step(s)->layout, ==, HF_LAYOUT_2X2);
		CHECK(!s->reading.paused);
	}
	stage_free(s);
}

TEST(another_picture_size_rebuilds_the_tiles)
{
	struct stage *s = stage_new(HF_LAYOUT_2X2, 4, true);

	paint(s, 2);
	CHECK(step(s)->rebuilt);
	CHECK(!step(s)->rebuilt);
	s->frame.width = 640;
	s->frame.height = 360;
	CHECK(step(s)->rebuilt);
	CHECK_U64(s->reading.tiles[3].rect.x, ==, 320);
	CHECK_U64(s->reading.tiles[3].rect.height, ==, 180);
	CHECK_U64(looks(&s->reading), ==, 4);
	stage_free(s);
}

/* Steps a still screen and counts the looks at tile 3, which finds somebody as long as told. */
static unsigned occupied_looks(struct stage *s, int frames, float score)
{
	unsigned count = 0;

	for (int i = 0; i < frames; i++) {
		const struct hf_view_reading *r = step(s);

		if (r->tiles[3].look == 0)
			continue;
		count += r->tiles[3].look == HF_LOOK_OCCUPIED;
		hf_view_seen(s->view, 3, s->frame.captured_mono, score);
	}
	return count;
}

TEST(a_still_tile_with_somebody_in_it_is_wanted_twice_a_second_until_nobody_is_found)
{
	struct stage *s = stage_new(HF_LAYOUT_4X4, 16, false);

	paint(s, 4);
	s->config.motion_occupied_look_ms = 600;
	for (int i = 0; i < 5; i++)
		(void)step(s);
	hf_view_seen(s->view, 3, s->frame.captured_mono, 0.7F);
	CHECK_U64(occupied_looks(s, 30, 0.7F), >=, 9);
	CHECK_U64(occupied_looks(s, 60, 0.1F), <=, 6); /* 3 s, then the full look only */
	CHECK_U64(occupied_looks(s, 60, 0.1F), ==, 0);
	stage_free(s);
}

TEST(one_look_that_misses_somebody_does_not_end_the_occupied_looks)
{
	struct stage *s = stage_new(HF_LAYOUT_4X4, 16, false);

	paint(s, 4);
	(void)step(s);
	for (int i = 0; i < 10; i++) {
		hf_view_seen(s->view, 3, s->frame.captured_mono, 0.9F);
		CHECK_U64(occupied_looks(s, 10, 0), >=, 3);
	}
	stage_free(s);
}

TEST(a_look_at_the_view_before_says_nothing_of_this_one)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 4, false);

	paint(s, 4);
	for (int i = 0; i < 5; i++)
		(void)step(s);
	struct hf_mono before = s->frame.captured_mono;

	paint(s, 2);
	for (int i = 0; i < 3; i++)
		(void)step(s);
	CHECK_I64(s->reading.layout, ==, HF_LAYOUT_2X2);
	hf_view_seen(s->view, 3, before, 0.9F);
	CHECK_U64(occupied_looks(s, 20, 0), ==, 0);
	stage_free(s);
}

static void noise(struct stage *s, uint32_t *random, unsigned but_tile)
{
	struct hf_rect keep = hf_layout_rect(HF_LAYOUT_4X4, but_tile, WIDTH, HEIGHT);

	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++) {
			*random = *random * 1664525 + 1013904223;
			if (x - keep.x >= keep.width || y - keep.y >= keep.height)
				s->grey[y][x] = (uint8_t)(s->grey[y][x] + (*random >> 29) - 4);
		}
}

TEST(a_tile_that_is_suspected_of_being_frozen_is_not_wanted_and_does_not_move)
{
	const struct hf_health_options options = {
		.raise_ms = 30000, .clear_ms = 10000, .frozen_ms = 60000, .remind_ms = 3600000
	};
	struct stage *s = stage_new(HF_LAYOUT_4X4, 16, false);
	struct hf_health *health;
	struct hf_health_event event;
	struct hf_err err;
	uint32_t random = 1;

	CHECK_OK(hf_health_open(&options, &health, &err));
	hf_view_close(s->view);
	CHECK_OK(hf_view_open(&(struct hf_view_options){ .config = &s->config, .health = health },
			      &s->view, &err));
	for (int i = 0; i < 130; i++) {
		paint(s, 4);
		noise(s, &random, i < 60 ? HF_TILES_MAX - 1 : 5);
		if (i == 80 || i == 20) /* somebody, in the picture that stands and before it did */
			hf_view_seen(s->view, 5, s->frame.captured_mono, 0.9F);
		(void)step(s);
		CHECK_U64(s->reading.blind_mask & ~((1U << 5) | (1U << 15)), ==, 0);
		if (i < 60)
			CHECK_U64(s->reading.blind_mask >> 5 & 1, ==, 0);
		if (i < 80)
			continue;
		CHECK(s->reading.tiles[5].blind);
		CHECK_I64(s->reading.tiles[5].look, ==, 0);
		CHECK(!s->reading.tiles[5].moving);
		CHECK_U64(s->reading.watched, ==, 16);
	}
	CHECK(!hf_health_next(health, &event)); /* not a fault yet */
	hf_health_close(health);
	stage_free(s);
}

/* A menu over part of a screen: width and height in percent of it. */
static void paint_menu(struct stage *s, unsigned width_pct, unsigned height_pct)
{
	unsigned width = WIDTH * width_pct / 100, height = HEIGHT * height_pct / 100;

	for (unsigned y = (HEIGHT - height) / 2; y < (HEIGHT + height) / 2; y++)
		for (unsigned x = (WIDTH - width) / 2; x < (WIDTH + width) / 2; x++)
			s->grey[y][x] = (uint8_t)(y / 20 % 2 == 0 && x / 3 % 3 == 0 ? 200 : 45);
}

/* Steps until the layout in force is this one; the milliseconds that took. No look meanwhile. */
static int64_t ms_until(struct stage *s, enum hf_layout layout, int64_t frame_ms)
{
	int64_t ms = 0;

	do {
		s->frame.captured_mono =
			hf_mono_add_ms(s->frame.captured_mono, frame_ms - FRAME_MS);
		(void)step(s);
		ms += frame_ms;
		CHECK(s->reading.layout == layout || looks(&s->reading) == 0);
	} while (s->reading.layout != layout && ms < 10000);
	return ms;
}

TEST(a_switch_is_known_within_a_second_at_five_and_at_ten_frames)
{
	static const unsigned sides[] = { 1, 4, 2, 4, 1, 4 };

	for (int64_t frame_ms = 100; frame_ms <= 200; frame_ms += 100) {
		struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 16, false);

		paint(s, 4);
		for (int i = 0; i < 40; i++)
			(void)step(s);
		for (unsigned i = 0; i < sizeof sides / sizeof sides[0]; i++) {
			paint(s, sides[i]);
			CHECK_I64(ms_until(s, (enum hf_layout)sides[i], frame_ms), <=, 1000);
			CHECK_I64(s->reading.paused, ==, sides[i] != 4);
			for (int k = 0; k < 60; k++) {
				(void)step(s);
				CHECK(sides[i] == 4 || looks(&s->reading) == 0);
			}
		}
		stage_free(s);
	}
}

TEST(a_menu_over_the_screen_makes_no_other_view_of_it)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 16, false);

	paint(s, 4);
	for (int i = 0; i < 10; i++)
		(void)step(s);
	paint_menu(s, 60, 60);
	for (int i = 0; i < 60; i++) {
		(void)step(s);
		CHECK_I64(s->reading.layout, ==, HF_LAYOUT_4X4);
		CHECK(!s->reading.rebuilt);
	}
	paint(s, 4);
	for (int i = 0; i < 10; i++)
		CHECK_I64(step(s)->layout, ==, HF_LAYOUT_4X4);
	stage_free(s);
}

TEST(nothing_is_wanted_under_a_menu_that_covers_all_the_seams)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 16, false);

	paint(s, 4);
	for (int i = 0; i < 10; i++)
		(void)step(s);
	paint_menu(s, 96, 96);
	for (int i = 0; i < 60; i++) {
		CHECK(step(s)->paused);
		CHECK_U64(looks(&s->reading), ==, 0);
	}
	stage_free(s);
}

TEST(a_picture_that_flaps_between_two_views_changes_only_a_few_times)
{
	struct stage *s = stage_new(HF_LAYOUT_UNKNOWN, 16, false);
	unsigned changes = 0;

	for (int i = 0; i < 300; i++) { /* a minute, another one every 0.8 s */
		paint(s, i / 4 % 2 == 0 ? 4 : 2);
		(void)step(s);
		changes += s->reading.layout != s->reading.layout_before;
		CHECK(i / 4 % 2 == 0 || looks(&s->reading) == 0);
	}
	CHECK_U64(changes, <=, 8);
	paint(s, 4);
	CHECK_I64(ms_until(s, HF_LAYOUT_4X4, FRAME_MS), <=, 3200);
	stage_free(s);
}

TEST(time_that_goes_back_or_jumps_starves_no_tile)
{
	static const int64_t jumps_ms[] = { -3600000, 86400000, INT64_C(-2592000000), 5, -1 };
	struct stage *s = stage_new(HF_LAYOUT_4X4, 16, false);

	paint(s, 4);
	(void)step(s);
	for (unsigned i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
		unsigned counts[HF_TILES_MAX] = { 0 };

		s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, jumps_ms[i]);
		hf_view_seen(s->view, 2, s->frame.captured_mono, 0.9F);
		for (int k = 0; k < 51; k++) {
			(void)step(s);
			for (int t = 0; t < HF_TILES_MAX; t++) {
				counts[t] += s->reading.tiles[t].look != 0;
				if (s->reading.tiles[t].look != 0)
					hf_view_seen(s->view, (uint32_t)t, s->frame.captured_mono,
						     0);
			}
		}
		for (int t = 0; t < HF_TILES_MAX; t++) {
			CHECK_U64(counts[t], >=, 1);
			CHECK_U64(counts[t], <=, 12);
		}
	}
	stage_free(s);
}

/* Planes of exactly the bytes that a picture has: what reads beyond them is found out. */
static void give_planes(struct hf_frame *frame, uint8_t *planes[3], uint32_t width, uint32_t height,
			enum hf_chroma chroma)
{
	frame->width = width;
	frame->height = height;
	frame->chroma = chroma;
	for (int i = 0; i < 3; i++) {
		uint32_t w = i > 0 && chroma != HF_CHROMA_444 ? (width + 1) / 2 : width;
		uint32_t h = i > 0 && chroma == HF_CHROMA_420 ? (height + 1) / 2 : height;

		free(planes[i]);
		planes[i] = NULL;
		if (i > 0 && chroma == HF_CHROMA_NONE)
			w = 0;
		else
			planes[i] = calloc(w, h);
		frame->planes[i] = planes[i];
		frame->strides[i] = (int)w;
	}
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			planes[0][(size_t)y * width + x] = (uint8_t)(x * 7 + y * 3);
}

TEST(pictures_may_change_their_size_and_kind_from_one_to_the_next)
{
	static const struct {
		uint32_t width, height;
		enum hf_chroma chroma;
	} kinds[] = {
		{ 1920, 1080, HF_CHROMA_422 }, { 1919, 1079, HF_CHROMA_420 },
		{ 16, 16, HF_CHROMA_420 },     { 3840, 2160, HF_CHROMA_420 },
		{ 641, 33, HF_CHROMA_444 },    { 17, 777, HF_CHROMA_NONE },
		{ 641, 33, HF_CHROMA_NONE },   { 161, 121, HF_CHROMA_422 },
	};
	const struct hf_health_options options = {
		.raise_ms = 30000, .clear_ms = 10000, .frozen_ms = 60000, .remind_ms = 3600000
	};

	for (int layout = HF_LAYOUT_UNKNOWN; layout <= HF_LAYOUT_4X4; layout++) {
		struct stage *s = stage_new((enum hf_layout)layout, 16, false);
		struct hf_health *health;
		uint8_t *planes[3] = { NULL };
		struct hf_err err;

		CHECK_OK(hf_health_open(&options, &health, &err));
		hf_view_close(s->view);
		CHECK_OK(hf_view_open(
			&(struct hf_view_options){ .config = &s->config, .health = health },
			&s->view, &err));
		for (unsigned i = 0; i < 3 * sizeof kinds / sizeof kinds[0]; i++) {
			const unsigned k = i * 5 % (sizeof kinds / sizeof kinds[0]);

			give_planes(&s->frame, planes, kinds[k].width, kinds[k].height,
				    kinds[k].chroma);
			for (int n = 0; n < 4; n++) {
				(void)step(s);
				for (uint32_t t = 0; t < s->reading.tile_count; t++) {
					const struct hf_rect r = s->reading.tiles[t].rect;

					CHECK_U64(r.x + r.width, <=, kinds[k].width);
					CHECK_U64(r.y + r.height, <=, kinds[k].height);
				}
			}
			if (layout != HF_LAYOUT_UNKNOWN)
				CHECK_I64(s->reading.layout, ==, layout);
		}
		for (int i = 0; i < 3; i++)
			free(planes[i]);
		hf_health_close(health);
		stage_free(s);
	}
}

TESTS(RUN(nothing_is_wanted_until_the_layout_is_known),
      RUN(each_still_tile_is_looked_at_once_in_its_time_and_not_all_at_once),
      RUN(a_moving_tile_is_wanted_with_every_frame), RUN(only_tiles_with_a_camera_are_looked_at),
      RUN(a_changed_layout_pauses_at_its_first_frame_and_is_in_force_with_the_third),
      RUN(a_view_with_fewer_tiles_than_cameras_is_not_looked_at),
      RUN(a_fixed_layout_is_not_questioned), RUN(another_picture_size_rebuilds_the_tiles),
      RUN(a_still_tile_with_somebody_in_it_is_wanted_twice_a_second_until_nobody_is_found),
      RUN(one_look_that_misses_somebody_does_not_end_the_occupied_looks),
      RUN(a_switch_is_known_within_a_second_at_five_and_at_ten_frames),
      RUN(a_menu_over_the_screen_makes_no_other_view_of_it),
      RUN(nothing_is_wanted_under_a_menu_that_covers_all_the_seams),
      RUN(a_picture_that_flaps_between_two_views_changes_only_a_few_times),
      RUN(time_that_goes_back_or_jumps_starves_no_tile),
      RUN(pictures_may_change_their_size_and_kind_from_one_to_the_next),
      RUN(a_look_at_the_view_before_says_nothing_of_this_one),
      RUN(a_tile_that_is_suspected_of_being_frozen_is_not_wanted_and_does_not_move))
