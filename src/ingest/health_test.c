/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a drawn screen of 2x2 tiles (or one), each with a scene of its own: blocks and bars at
 * places that its number decides, light and noise as the test says. Noise is the camera's, so a
 * frozen tile keeps the pixels it has.
 */
#include "ingest/health.h"

#include "base/auto.h"
#include "ingest/layout.h"
#include "test.h"

#include <string.h>

enum {
	WIDTH = 640,
	HEIGHT = 360,
	TILES_MAX = 4,
	FRAME_MS = 400,
	LEVEL_MAX = 235,
};

struct camera {
	int noise;          /* grey levels to either side */
	unsigned scene;     /* what stands where; FLAT: nothing */
	int dark, gain_pct; /* light: level * gain / 100 - dark */
	int vignette;       /* infrared: lost towards the sides, levels */
	bool frozen, grey;
	bool people; /* walk about */
	bool far;    /* one, small, and slow */
	bool clock;  /* not in the band */
	bool text;   /* lines of writing in the middle */
	int u, v;
};

enum {
	FLAT = 1000
};

struct screen {
	struct hf_health *health;
	struct hf_motion *motions[TILES_MAX];
	unsigned side;
	struct hf_frame frame;
	struct camera cameras[TILES_MAX];
	bool clock; /* drawn by the recorder at the top of each tile */
	uint32_t random, blind, ever_blind, step;
	unsigned raised[HF_HEALTH_FAULTS], cleared[HF_HEALTH_FAULTS], reminded[HF_HEALTH_FAULTS];
	struct hf_health_event last;
	int64_t frame_ms;
	unsigned drawn[TILES_MAX]; /* scene + 1 */
	uint8_t scenes[TILES_MAX][HEIGHT][WIDTH];
	uint8_t grey[HEIGHT][WIDTH], u[HEIGHT][WIDTH], v[HEIGHT][WIDTH];
};

static const struct hf_motion_options motion_options = { .threshold = 22,
							 .cells_min = 6,
							 .mask_top = 0.09 };

static enum hf_layout layout_of(const struct screen *s)
{
	return (enum hf_layout)s->side;
}

static void place_tiles(struct screen *s)
{
	struct hf_err err;

	for (uint32_t i = 0; i < s->side * s->side; i++) {
		struct hf_rect rect =
			hf_layout_rect(layout_of(s), i, s->frame.width, s->frame.height);

		hf_motion_close(s->motions[i]);
		CHECK_OK(hf_motion_open(&motion_options, rect, &s->motions[i], &err));
		CHECK_OK(hf_health_fit(s->health, i, layout_of(s), rect, s->motions[i], &err));
	}
	hf_health_break(s->health);
}

static struct screen *screen_new(unsigned side)
{
	const struct hf_health_options options = {
		.raise_ms = 30000, .clear_ms = 10000, .frozen_ms = 60000, .remind_ms = 3600000
	};
	struct hf_err err;
	struct screen *s = calloc(1, sizeof *s);

	assert_non_null(s);
	CHECK_OK(hf_health_open(&options, &s->health, &err));
	s->side = side;
	s->frame_ms = FRAME_MS;
	s->frame = (struct hf_frame){ .planes = { &s->grey[0][0], &s->u[0][0], &s->v[0][0] },
				      .strides = { WIDTH, WIDTH, WIDTH },
				      .width = WIDTH,
				      .height = HEIGHT,
				      .chroma = HF_CHROMA_444,
				      .captured_mono = { 1000000 } };
	for (unsigned i = 0; i < TILES_MAX; i++)
		s->cameras[i] = (struct camera){ .noise = 6, .scene = i, .gain_pct = 100, .u = 12 };
	place_tiles(s);
	return s;
}

static void screen_free(struct screen *s)
{
	for (int i = 0; i < TILES_MAX; i++)
		hf_motion_close(s->motions[i]);
	hf_health_close(s->health);
	free(s);
}

static int noise_of(struct screen *s, int amplitude)
{
	s->random = s->random * 1664525 + 1013904223;
	return (int)((s->random >> 16) * (2 * (uint32_t)amplitude + 1) >> 16) - amplitude;
}

/* Level of a scene at a place: a ground with a dozen things on it. */
static int scene_at(unsigned scene, unsigned x, unsigned y)
{
	int level = 90;

	if (scene == FLAT)
		return level;
	for (unsigned i = 0; i < 14; i++) {
		unsigned seed = (scene * 131 + i) * 2654435761U;
		unsigned left = seed % 260, top = (seed >> 9) % 150;
		unsigned width = 12 + (seed >> 17) % 50, height = 8 + (seed >> 22) % 40;

		if (x - left < width && y - top < height)
			level = 40 + (int)((seed >> 5) % 150);
	}
	return level;
}

static void draw_scene(struct screen *s, uint32_t i, struct hf_rect r)
{
	if (s->drawn[i] == s->cameras[i].scene + 1)
		return;
	s->drawn[i] = s->cameras[i].scene + 1;
	for (unsigned y = 0; y < r.height; y++)
		for (unsigned x = 0; x < r.width; x++)
			s->scenes[i][y][x] = (uint8_t)scene_at(s->cameras[i].scene, x, y);
}

static bool is_person(const struct screen *s, unsigned x, unsigned y, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned left = (s->step * (3 + i) + i * 57) % 300, top = 30 + i * 23 % 100;

		if (x - left < 12 && y - top < 36)
			return true;
	}
	return false;
}

static int level_at(struct screen *s, uint32_t i, struct hf_rect r, unsigned x, unsigned y)
{
	const struct camera *c = &s->cameras[i];
	int level = s->scenes[i][y][x];
	int aside = abs((int)x - (int)r.width / 2);

	if (c->people && is_person(s, x, y, 4))
		level = 200;
	if (c->far && x - s->step * 2 % 300 < 5 && y - 90 < 12)
		level = 200;
	if (c->clock && x - 250 < 16 && y - 160 < 9)
		level = (x + s->step) / 3 % 2 == 0 ? 220 : 30;
	level = level * c->gain_pct / 100 - c->dark - c->vignette * aside * 2 / (int)r.width;
	if (c->text && y / 12 % 2 == 0 && y > r.height / 3 && y < r.height / 2 && x > r.width / 3 &&
	    x < r.width * 2 / 3)
		level = x / 3 % 2 == 0 ? 220 : level;
	level += noise_of(s, c->noise);
	return level < 16 ? 16 : level > LEVEL_MAX ? LEVEL_MAX : level;
}

static void paint(struct screen *s)
{
	for (uint32_t i = 0; i < s->side * s->side; i++) {
		const struct camera *c = &s->cameras[i];
		struct hf_rect r = hf_layout_rect(layout_of(s), i, s->frame.width, s->frame.height);

		draw_scene(s, i, r);
		for (unsigned y = 0; y < r.height && !c->frozen; y++) {
			for (unsigned x = 0; x < r.width; x++)
				s->grey[r.y + y][r.x + x] = (uint8_t)level_at(s, i, r, x, y);
			memset(&s->u[r.y + y][r.x], 128 + (c->grey ? 0 : c->u), r.width);
			memset(&s->v[r.y + y][r.x], 128 + (c->grey ? 0 : c->v), r.width);
		}
		for (unsigned x = 200; x < 260 && s->clock; x++)
			s->grey[r.y + 6][r.x + x] = s->grey[r.y + 8][r.x + x] =
				x / 4 % 2 == s->step % 2 ? 230 : 20;
	}
}

static void show(struct screen *s)
{
	struct hf_health_input inputs[HF_TILES_MAX] = { 0 };

	for (uint32_t i = 0; i < s->side * s->side; i++)
		inputs[i] = (struct hf_health_input){
			.motion = s->motions[i],
			.reading = hf_motion_step(s->motions[i], &s->frame),
		};
	s->blind = hf_health_step(s->health, &s->frame, inputs);
	s->ever_blind |= s->blind;
	while (hf_health_next(s->health, &s->last)) {
		unsigned *counts = s->last.news == HF_HEALTH_RAISED    ? s->raised
				   : s->last.news == HF_HEALTH_CLEARED ? s->cleared
								       : s->reminded;
		counts[s->last.fault]++;
	}
}

static void run_ms(struct screen *s, int64_t ms)
{
	for (int64_t at = 0; at < ms; at += s->frame_ms) {
		s->step++;
		s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, s->frame_ms);
		paint(s);
		show(s);
	}
}

static unsigned faults(const struct screen *s)
{
	unsigned count = 0;

	for (int i = 0; i < HF_HEALTH_FAULTS; i++)
		count += s->raised[i];
	return count;
}

static void check_sound(const struct screen *s)
{
	CHECK_U64(s->ever_blind, ==, 0);
	CHECK_U64(faults(s), ==, 0);
}

/* --- frozen --- */

TEST(a_tile_that_loses_its_noise_is_blind_within_three_seconds_and_frozen_after_a_minute)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	check_sound(s);
	s->cameras[2].frozen = true;
	run_ms(s, 3200);
	CHECK_U64(s->blind, ==, 1U << 2);
	CHECK_I64(hf_health_still_ms(s->health, 0), ==, 0);
	run_ms(s, 54800);
	/* Without those seconds in which it could have been chance. */
	CHECK_I64(hf_health_still_ms(s->health, 2), >=, 54000);
	CHECK_I64(hf_health_still_ms(s->health, 2), <=, 58000);
	CHECK_I64(hf_health_still_ms(s->health, 1), ==, 0);
	CHECK_U64(hf_health_dark(s->health), ==, 0);
	CHECK_U64(faults(s), ==, 0);
	run_ms(s, 4000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	CHECK_U64(s->last.tile, ==, 2);
	CHECK_I64(s->last.since_ms, >=, 60000);
	CHECK_I64(s->last.since_ms, <=, 61000);
	CHECK_REAL(s->last.facts.noise_floor, >, 0.3);
	CHECK_REAL(s->last.facts.noise, <, 0.01);
	screen_free(s);
}

TEST(a_frozen_tile_that_goes_on_sees_at_once_and_is_cleared_after_ten_seconds)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	s->cameras[0].frozen = true;
	run_ms(s, 70000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	s->cameras[0].frozen = false;
	run_ms(s, 400);
	CHECK_U64(s->blind, ==, 0);
	run_ms(s, 9200);
	CHECK_U64(s->cleared[HF_HEALTH_FROZEN], ==, 0);
	run_ms(s, 2000);
	CHECK_U64(s->cleared[HF_HEALTH_FROZEN], ==, 1);
	CHECK_I64(s->last.since_ms, >=, 69000);
	screen_free(s);
}

TEST(a_tile_that_was_frozen_from_the_start_among_noisy_ones_is_found)
{
	struct screen *s = screen_new(2);

	run_ms(s, 400);
	s->cameras[3].frozen = true;
	run_ms(s, 12000);
	CHECK_U64(s->blind, ==, 1U << 3);
	run_ms(s, 51000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	screen_free(s);
}

TEST(a_tile_that_was_frozen_from_the_start_is_blind_with_the_second_picture_and_no_other_ever_is)
{
	struct screen *s = screen_new(2);

	s->frame_ms = 200;
	s->cameras[3].noise = 0;
	run_ms(s, 200);
	CHECK_U64(s->blind, ==, 0);
	for (int i = 0; i < 250; i++) {
		run_ms(s, 200);
		CHECK_U64(s->blind, ==, 1U << 3);
	}
	CHECK_U64(faults(s), ==, 0);
	s->cameras[3].noise = 6;
	run_ms(s, 400);
	CHECK_U64(s->blind, ==, 0);
	screen_free(s);
}

TEST(a_tile_that_froze_while_nobody_looked_is_blind_with_the_second_picture)
{
	struct screen *s = screen_new(2);

	s->cameras[1].noise = 0; /* a clean one, in which somebody is seen */
	s->cameras[1].people = true;
	run_ms(s, 20000);
	check_sound(s);
	s->cameras[1].people = false;
	s->cameras[2].frozen = true;
	hf_health_break(s->health);
	s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, 60000);
	run_ms(s, 800);
	CHECK_U64(s->blind, ==, 1U << 2);
	s->cameras[2].frozen = false;
	run_ms(s, 1200);
	CHECK_U64(s->blind, ==, 0);
	screen_free(s);
}

TEST(a_tile_at_another_place_of_the_screen_must_show_life_again)
{
	struct screen *s = screen_new(2);

	run_ms(s, 4000);
	check_sound(s);
	s->frame.width = 480;
	place_tiles(s);
	s->cameras[2].frozen = true;
	run_ms(s, 800);
	CHECK_U64(s->blind, ==, 1U << 2);
	screen_free(s);
}

/* A clip of a clip: the decoder knows nothing of them. */
TEST(key_frames_before_anything_was_learned_do_not_wake_a_tile_frozen_from_the_start)
{
	struct screen *s = screen_new(2);

	s->frame_ms = 200;
	s->cameras[3].frozen = true;
	for (int i = 0; i < 41; i++) {
		const bool key = i % 14 == 13;

		for (int k = 0; k < 4; k++)
			s->cameras[k].noise = key ? 12 : k == 3 ? 0 : 6;
		s->cameras[3].noise = key ? 3 : 0;
		s->cameras[3].frozen = !key && i > 0;
		run_ms(s, s->frame_ms);
		CHECK_U64(s->blind, ==, i > 0 ? 1U << 3 : 0);
	}
	screen_free(s);
}

TEST(a_short_pause_does_not_ask_for_a_sign_of_life_again)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	s->cameras[2].frozen = true;
	hf_health_break(s->health);
	run_ms(s, 1600);
	check_sound(s); /* it is suspected in its time */
	run_ms(s, 2000);
	CHECK_U64(s->blind, ==, 1U << 2);
	screen_free(s);
}

/* Of good quality: the live tiles do not change more than they use to. */
static void run_with_key_frames(struct screen *s, int every, int frames)
{
	for (int i = 0; i < frames; i++) {
		s->frame.renewed = i % every == 0;
		s->cameras[2].noise = s->frame.renewed ? 2 : 0;
		s->cameras[2].frozen = !s->frame.renewed && i > 0;
		run_ms(s, s->frame_ms);
	}
}

TEST(key_frames_that_the_decoder_tells_of_do_not_wake_a_tile_frozen_from_the_start)
{
	for (int every = 3; every <= 12; every += 3) {
		struct screen *s = screen_new(2);

		s->frame_ms = 200;
		run_with_key_frames(s, every, 3 * every);
		for (int i = 0; i < 35; i++) {
			run_with_key_frames(s, every, every);
			CHECK_U64(s->blind, ==, 1U << 2);
		}
		screen_free(s);
	}
}

TEST(a_stream_of_nothing_but_key_frames_is_judged_all_the_same)
{
	struct screen *s = screen_new(2);

	s->frame.renewed = true;
	s->clock = true;
	run_ms(s, 30000);
	check_sound(s);
	s->cameras[1].frozen = true;
	run_ms(s, 64000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	screen_free(s);
}

TEST(two_short_freezes_do_not_hide_a_long_one)
{
	struct screen *s = screen_new(2);

	run_ms(s, 30000);
	for (int i = 0; i < 2; i++) {
		s->cameras[1].frozen = true;
		run_ms(s, 10000);
		CHECK_U64(s->blind, ==, 2);
		s->cameras[1].frozen = false;
		run_ms(s, 20000);
	}
	s->cameras[1].frozen = true;
	run_ms(s, 62000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	screen_free(s);
}

TEST(one_camera_alone_never_freezes)
{
	struct screen *s = screen_new(1);

	run_ms(s, 20000);
	s->cameras[0].frozen = true;
	s->clock = true;
	run_ms(s, 120000);
	check_sound(s);
	screen_free(s);
}

TEST(a_screen_that_stands_still_as_a_whole_is_no_fault_of_its_cameras)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	for (int i = 0; i < 4; i++)
		s->cameras[i].frozen = true;
	run_ms(s, 120000);
	check_sound(s);
	screen_free(s);
}

TEST(the_recorders_clock_alone_shows_that_all_its_cameras_are_frozen)
{
	struct screen *s = screen_new(2);

	s->clock = true;
	run_ms(s, 20000);
	check_sound(s);
	for (int i = 0; i < 4; i++)
		s->cameras[i].frozen = true;
	run_ms(s, 63000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 4);
	screen_free(s);
}

TEST(pictures_without_noise_prove_nothing)
{
	struct screen *s = screen_new(2);

	s->clock = true;
	for (int i = 0; i < 4; i++)
		s->cameras[i].noise = 0;
	s->cameras[0].people = s->cameras[1].people = true;
	run_ms(s, 120000);
	check_sound(s);
	s->cameras[0].people = false; /* they leave: nothing moves any more */
	run_ms(s, 120000);
	check_sound(s);
	screen_free(s);
}

TEST(a_clean_picture_among_noisy_ones_is_alive_once_somebody_walked_through_it)
{
	struct screen *s = screen_new(2);

	s->cameras[1].noise = 0;
	s->cameras[1].people = true;
	run_ms(s, 20000);
	check_sound(s);
	s->cameras[1].people = false;
	run_ms(s, 120000);
	check_sound(s);
	screen_free(s);
}

TEST(somebody_far_off_in_a_clean_picture_among_noisy_ones_is_not_overlooked_for_long)
{
	struct screen *s = screen_new(2);

	s->cameras[1].noise = 0;
	run_ms(s, 30000);
	CHECK_U64(s->blind, ==, 2); /* nothing was ever seen of it */
	s->cameras[1].far = true;
	run_ms(s, 40000);
	CHECK_U64(s->blind, ==, 0);
	CHECK_U64(faults(s), ==, 0);
	s->cameras[1].far = false;
	run_ms(s, 120000);
	CHECK_U64(s->blind, ==, 0);
	CHECK_U64(faults(s), ==, 0);
	screen_free(s);
}

TEST(a_clock_that_the_recorder_draws_into_a_frozen_picture_does_not_hide_it)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	s->cameras[1].noise = 0;
	s->cameras[1].clock = true;
	run_ms(s, 64000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	screen_free(s);
}

/* A camera that sends what changed, and a whole picture every four seconds. */
TEST(a_camera_with_key_frames_of_its_own_is_alive)
{
	struct screen *s = screen_new(2);

	run_ms(s, 400);
	for (int i = 0; i < 60; i++) {
		s->cameras[1].frozen = true;
		run_ms(s, 3600);
		s->cameras[1].frozen = false;
		run_ms(s, 400);
	}
	CHECK_U64(faults(s), ==, 0);
	CHECK_U64(s->blind, ==, 0);
	screen_free(s);
}

TEST(a_noisy_camera_that_begins_to_send_only_what_changes_is_not_frozen)
{
	struct screen *s = screen_new(2);

	run_ms(s, 60000);
	for (int i = 0; i < 60; i++) {
		s->cameras[1].frozen = true;
		run_ms(s, 3600);
		s->cameras[1].frozen = false;
		run_ms(s, 400);
	}
	CHECK_U64(faults(s), ==, 0);
	screen_free(s);
}

TEST(key_frames_of_the_screen_do_not_wake_a_frozen_tile)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	s->cameras[2].frozen = true;
	for (int i = 0; i < 8; i++) {
		run_ms(s, 7600);
		for (int k = 0; k < 4; k++)
			s->cameras[k].noise = 12;
		s->cameras[2].frozen = false; /* every tile breathes */
		run_ms(s, 400);
		for (int k = 0; k < 4; k++)
			s->cameras[k].noise = 6;
		s->cameras[2].frozen = true;
	}
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	screen_free(s);
}

TEST(a_source_without_frames_for_minutes_has_no_frozen_tile)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	for (int i = 0; i < 5; i++) {
		s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, 90000);
		run_ms(s, 2000);
	}
	check_sound(s);
	screen_free(s);
}

TEST(wild_timestamps_raise_nothing)
{
	static const int64_t jumps_ms[] = { -3600000, 86400000, -1, 0, -86400000, 5001 };
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	for (unsigned i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
		s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, jumps_ms[i]);
		run_ms(s, 3000);
	}
	s->frame.captured_mono.us = -5000000;
	run_ms(s, 20000);
	check_sound(s);
	s->cameras[1].frozen = true; /* and it still works */
	run_ms(s, 63000);
	CHECK_U64(s->raised[HF_HEALTH_FROZEN], ==, 1);
	screen_free(s);
}

/* --- no signal, black --- */

TEST(lost_video_is_no_signal_and_nothing_else)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	s->cameras[1] = (struct camera){
		.scene = FLAT, .gain_pct = 100, .dark = 60, .text = true, .u = 35, .v = -10
	};
	run_ms(s, 1200);
	CHECK_U64(s->blind, ==, 2);
	CHECK_U64(hf_health_dark(s->health), ==, 2);
	CHECK_I64(hf_health_still_ms(s->health, 1), ==, 0);
	run_ms(s, 27600);
	CHECK_U64(faults(s), ==, 0);
	run_ms(s, 60000);
	CHECK_U64(s->raised[HF_HEALTH_NO_SIGNAL], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	screen_free(s);
}

TEST(a_blue_tile_and_a_black_one_with_writing_are_no_signal_too)
{
	struct screen *s = screen_new(2);

	s->cameras[0] = (struct camera){ .scene = FLAT, .gain_pct = 100, .u = 80, .v = -20 };
	s->cameras[3] = (struct camera){ .scene = FLAT, .dark = 20, .text = true };
	run_ms(s, 32000);
	CHECK_U64(s->blind, ==, 9);
	CHECK_U64(s->raised[HF_HEALTH_NO_SIGNAL], ==, 2);
	CHECK_U64(faults(s), ==, 2);
	screen_free(s);
}

TEST(a_black_tile_is_black_and_one_with_noise_or_a_lamp_is_a_night)
{
	struct screen *s = screen_new(2);

	for (int i = 0; i < 3; i++)
		s->cameras[i] = (struct camera){ .scene = FLAT, .gain_pct = 0, .dark = -18 };
	s->cameras[1].noise = 9;
	s->cameras[2].scene = 2; /* faint, and so clean that nothing changes */
	s->cameras[2].gain_pct = 8;
	run_ms(s, 40000);
	CHECK_U64(s->blind & 3, ==, 1);
	CHECK_U64(s->raised[HF_HEALTH_BLACK], ==, 1);
	CHECK_U64(s->last.tile, ==, 0);
	screen_free(s);
}

TEST(a_wall_with_somebody_standing_before_it_is_a_picture)
{
	struct screen *s = screen_new(2);

	for (int i = 0; i < 4; i++)
		s->cameras[i] = (struct camera){ .scene = FLAT, .gain_pct = 100, .people = true };
	run_ms(s, 4000);
	for (int i = 0; i < 4; i++)
		s->cameras[i].frozen = true; /* they stand, without any noise */
	run_ms(s, 120000);
	check_sound(s);
	screen_free(s);
}

/* --- tampered --- */

TEST(a_camera_that_was_turned_is_tampered_and_not_blind)
{
	struct screen *s = screen_new(2);

	run_ms(s, 60000);
	check_sound(s);
	s->cameras[0].scene = 77;
	run_ms(s, 34000);
	CHECK_U64(s->raised[HF_HEALTH_TAMPERED], ==, 0);
	run_ms(s, 8000);
	CHECK_U64(s->raised[HF_HEALTH_TAMPERED], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	CHECK_U64(s->ever_blind, ==, 0);
	CHECK_REAL(s->last.facts.correlation, <, 0.4);
	s->cameras[0].scene = 0;
	run_ms(s, 20000);
	CHECK_U64(s->cleared[HF_HEALTH_TAMPERED], ==, 1);
	screen_free(s);
}

TEST(a_camera_that_was_covered_is_tampered)
{
	struct screen *s = screen_new(2);

	run_ms(s, 60000);
	s->cameras[3].scene = FLAT;
	s->cameras[3].grey = true;
	run_ms(s, 60000);
	CHECK_U64(s->raised[HF_HEALTH_TAMPERED], ==, 1);
	CHECK_U64(faults(s), ==, 1);
	CHECK_U64(s->last.tile, ==, 3);
	screen_free(s);
}

TEST(infrared_headlights_and_a_crowd_are_not_tampering)
{
	struct screen *s = screen_new(2);

	run_ms(s, 60000);
	for (int night = 0; night < 3; night++) {
		s->cameras[0].grey = night % 2 == 0; /* infrared: grey, other light */
		s->cameras[0].gain_pct = night % 2 == 0 ? 65 : 100;
		s->cameras[0].vignette = night % 2 == 0 ? 30 : 0;
		s->cameras[1].dark = -60; /* headlights on the whole scene */
		run_ms(s, 3000);
		s->cameras[1].dark = 0;
		s->cameras[2].people = true;
		run_ms(s, 90000);
	}
	check_sound(s);
	screen_free(s);
}

TEST(a_dark_night_is_not_tampering)
{
	struct screen *s = screen_new(2);

	run_ms(s, 60000);
	s->cameras[1].gain_pct = 12;
	s->cameras[1].noise = 9;
	s->cameras[1].grey = true;
	run_ms(s, 120000);
	check_sound(s);
	screen_free(s);
}

/* --- in time --- */

TEST(a_fault_is_told_again_after_an_hour_and_then_daily)
{
	struct screen *s = screen_new(1);

	s->frame_ms = 2000;
	s->frame.width = 96; /* it is a long day */
	s->frame.height = 64;
	place_tiles(s);
	s->cameras[0] = (struct camera){ .scene = FLAT, .gain_pct = 0, .dark = -18 };
	run_ms(s, 40000);
	CHECK_U64(s->raised[HF_HEALTH_BLACK], ==, 1);
	for (int i = 0; i < 26 * 1800; i++) { /* 26 h, without drawing it each time */
		s->frame.captured_mono = hf_mono_add_ms(s->frame.captured_mono, 2000);
		show(s);
	}
	CHECK_U64(s->reminded[HF_HEALTH_BLACK], ==, 2);
	CHECK_U64(faults(s), ==, 1);
	screen_free(s);
}

TEST(a_fault_outlives_another_view_of_the_screen)
{
	struct screen *s = screen_new(2);

	s->cameras[1] = (struct camera){ .scene = FLAT, .gain_pct = 0, .dark = -18 };
	run_ms(s, 40000);
	CHECK_U64(s->raised[HF_HEALTH_BLACK], ==, 1);
	s->frame.width = 480; /* other tiles, other cells */
	place_tiles(s);
	run_ms(s, 40000);
	CHECK_U64(faults(s), ==, 1);
	CHECK_U64(s->cleared[HF_HEALTH_BLACK], ==, 0);
	CHECK_U64(s->blind, ==, 2);
	screen_free(s);
}

TEST(a_flicker_does_not_delay_a_fault_and_a_short_fault_is_none)
{
	struct screen *s = screen_new(2);

	run_ms(s, 20000);
	for (int i = 0; i < 5; i++) {
		s->cameras[1] = (struct camera){ .scene = FLAT, .gain_pct = 0, .dark = -18 };
		run_ms(s, 20000);
		s->cameras[1] = (struct camera){ .noise = 6, .scene = 1, .gain_pct = 100 };
		run_ms(s, 4000);
	}
	CHECK_U64(faults(s), ==, 0);
	for (int i = 0; i < 2; i++) {
		s->cameras[1] = (struct camera){ .scene = FLAT, .gain_pct = 0, .dark = -18 };
		run_ms(s, 16400);
		s->cameras[1] = (struct camera){ .noise = 6, .scene = 1, .gain_pct = 100 };
		run_ms(s, 800);
	}
	CHECK_U64(s->raised[HF_HEALTH_BLACK], ==, 1);
	screen_free(s);
}

TESTS(RUN(a_tile_that_loses_its_noise_is_blind_within_three_seconds_and_frozen_after_a_minute),
      RUN(a_frozen_tile_that_goes_on_sees_at_once_and_is_cleared_after_ten_seconds),
      RUN(a_tile_that_was_frozen_from_the_start_among_noisy_ones_is_found),
      RUN(a_tile_that_was_frozen_from_the_start_is_blind_with_the_second_picture_and_no_other_ever_is),
      RUN(a_tile_that_froze_while_nobody_looked_is_blind_with_the_second_picture),
      RUN(a_tile_at_another_place_of_the_screen_must_show_life_again),
      RUN(key_frames_before_anything_was_learned_do_not_wake_a_tile_frozen_from_the_start),
      RUN(a_short_pause_does_not_ask_for_a_sign_of_life_again),
      RUN(key_frames_that_the_decoder_tells_of_do_not_wake_a_tile_frozen_from_the_start),
      RUN(a_stream_of_nothing_but_key_frames_is_judged_all_the_same),
      RUN(two_short_freezes_do_not_hide_a_long_one), RUN(one_camera_alone_never_freezes),
      RUN(a_screen_that_stands_still_as_a_whole_is_no_fault_of_its_cameras),
      RUN(the_recorders_clock_alone_shows_that_all_its_cameras_are_frozen),
      RUN(pictures_without_noise_prove_nothing),
      RUN(a_clean_picture_among_noisy_ones_is_alive_once_somebody_walked_through_it),
      RUN(somebody_far_off_in_a_clean_picture_among_noisy_ones_is_not_overlooked_for_long),
      RUN(a_clock_that_the_recorder_draws_into_a_frozen_picture_does_not_hide_it),
      RUN(a_camera_with_key_frames_of_its_own_is_alive),
      RUN(a_noisy_camera_that_begins_to_send_only_what_changes_is_not_frozen),
      RUN(key_frames_of_the_screen_do_not_wake_a_frozen_tile),
      RUN(a_source_without_frames_for_minutes_has_no_frozen_tile),
      RUN(wild_timestamps_raise_nothing), RUN(lost_video_is_no_signal_and_nothing_else),
      RUN(a_blue_tile_and_a_black_one_with_writing_are_no_signal_too),
      RUN(a_black_tile_is_black_and_one_with_noise_or_a_lamp_is_a_night),
      RUN(a_wall_with_somebody_standing_before_it_is_a_picture),
      RUN(a_camera_that_was_turned_is_tampered_and_not_blind),
      RUN(a_camera_that_was_covered_is_tampered),
      RUN(infrared_headlights_and_a_crowd_are_not_tampering), RUN(a_dark_night_is_not_tampering),
      RUN(a_fault_is_told_again_after_an_hour_and_then_daily),
      RUN(a_fault_outlives_another_view_of_the_screen),
      RUN(a_flicker_does_not_delay_a_fault_and_a_short_fault_is_none))
