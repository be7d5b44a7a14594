/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: who loiters is told once, on time and with the right dwell, and who does not is not,
 * whatever detector, tracker and picture do in between.
 *
 * Method: a play. Actors walk by way points, in clothes that are painted into the tile; a ten
 * frames a second camera ticks, looks follow one another like those of ingest (five a second
 * while somebody moves, two while somebody stands), each tells its result LATENCY_MS later. Boxes
 * tremble, detections are missed by chance or where the script says so. The truth is known from
 * the script: how long each actor stood in the zone while the camera could see.
 *
 * A person is 20 x 50 pixels and walks at 40 pixels a second. The zone is the rectangle from
 * (160, 100) to (400, 265) of a tile of 480 x 270.
 */
#include "respond/scene.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
	WIDTH = 480,
	HEIGHT = 270,
	TICK_MS = 100,
	LATENCY_MS = 150,
	POINTS_MAX = 8,
	ACTORS_MAX = 8,
	FIRES_MAX = 16,
	GAPS_MAX = 4,
	THRESHOLD_MS = 15000,
};

/* 1 June 2026, UTC: when the play begins. */
static const int64_t midnight_ms = INT64_C(1780272000000);

struct point {
	double s, x, y;
};

/* From..to in seconds. */
struct gap {
	double from, to;
};

struct actor {
	struct point points[POINTS_MAX]; /* the last one with s > 0 ends it */
	uint32_t upper, lower;           /* 0xRRGGBB */
	uint32_t class_index;
	struct gap unseen[GAPS_MAX];   /* by the detector */
	struct gap crouched[GAPS_MAX]; /* a box so small that it is another track */
};

struct told {
	enum hf_rule rule;
	double at_s, told_s;
	double dwell_s, blind_s;
	uint64_t stay;
	char class_name[HF_CLASS_BYTES];
};

struct play {
	struct hf_config config;
	struct hf_thumbs *thumbs;
	struct hf_scene *scene;
	struct actor actors[ACTORS_MAX];
	size_t actor_count;
	struct gap stall;    /* no ticks at all */
	struct gap blind;    /* the tile's bit is set */
	double look_still_s; /* between two looks while nobody moves */
	double miss;         /* chance of a detection to be missed */
	bool with_pixels;
	uint64_t dice;
	int64_t now_ms;
	size_t fire_count;
	struct told fires[FIRES_MAX];
	uint8_t pixels[3 * WIDTH * HEIGHT], empty[3 * WIDTH * HEIGHT];
};

static double chance(struct play *play)
{
	play->dice = play->dice * 6364136223846793005U + 1442695040888963407U;
	return (double)(play->dice >> 33) / (double)(1U << 31);
}

static double seconds(const struct play *play)
{
	return (double)play->now_ms / 1000;
}

static bool within(const struct gap *gaps, size_t count, double s)
{
	for (size_t i = 0; i < count; i++)
		if (s >= gaps[i].from && s < gaps[i].to)
			return true;
	return false;
}

/* False: not on the stage. */
static bool place_of(const struct actor *actor, double s, double *ret_x, double *ret_y)
{
	for (size_t i = 0; i + 1 < POINTS_MAX && actor->points[i + 1].s > 0; i++) {
		const struct point *a = &actor->points[i], *b = &actor->points[i + 1];

		if (s < a->s || s >= b->s)
			continue;
		double part = (s - a->s) / (b->s - a->s);
		*ret_x = a->x + part * (b->x - a->x);
		*ret_y = a->y + part * (b->y - a->y);
		return true;
	}
	return false;
}

static bool moves(const struct play *play)
{
	double s = seconds(play), x, y, before_x, before_y;

	for (size_t i = 0; i < play->actor_count; i++) {
		bool now = place_of(&play->actors[i], s, &x, &y);
		bool before = place_of(&play->actors[i], s - 0.3, &before_x, &before_y);

		if (now != before || (now && hypot(x - before_x, y - before_y) > 1))
			return true;
	}
	return false;
}

static void paint(struct play *play, double x, double y, double width, double height,
		  uint32_t colour)
{
	for (int row = (int)fmax(0, y); row < (int)fmin(HEIGHT, y + height); row++)
		for (int column = (int)fmax(0, x); column < (int)fmin(WIDTH, x + width); column++) {
			uint8_t *p = play->pixels + ((size_t)row * WIDTH + (size_t)column) * 3;

			p[0] = (uint8_t)colour;
			p[1] = (uint8_t)(colour >> 8);
			p[2] = (uint8_t)(colour >> 16);
		}
}

/* What the camera sees now, and what the detector makes of it. */
static struct hf_result look(struct play *play)
{
	struct hf_result result = {
		.job = { .layout = HF_LAYOUT_1X1,
			 .look = HF_LOOK_MOTION,
			 .width = WIDTH,
			 .height = HEIGHT,
			 .frame = (uint64_t)play->now_ms / TICK_MS,
			 .captured_mono = { play->now_ms * 1000 },
			 .captured_wall = { midnight_ms + play->now_ms } },
		.score_threshold = 0.45f,
		.class_count = 3,
		.classes = { "person", "vehicle", "dog" },
	};
	double s = seconds(play), x, y;

	memcpy(play->pixels, play->empty, sizeof play->pixels);
	for (size_t i = 0; i < play->actor_count; i++) {
		const struct actor *actor = &play->actors[i];
		double width = 20, height = 50;

		if (!place_of(actor, s, &x, &y))
			continue;
		if (within(actor->crouched, GAPS_MAX, s)) {
			width = 8;
			height = 13;
		}
		paint(play, x - width / 3, y - height * 0.95, width * 2 / 3, height / 2,
		      actor->upper);
		paint(play, x - width / 3, y - height * 0.45, width * 2 / 3, height * 0.45,
		      actor->lower);
		if (within(actor->unseen, GAPS_MAX, s) || chance(play) < play->miss)
			continue;
		double left = fmax(0, x - width / 2 + 2 * chance(play) - 1);
		double right = fmin(WIDTH, x + width / 2 + 2 * chance(play) - 1);
		if (right - left < 6)
			continue;
		result.detections[result.detection_count++] = (struct hf_detection){
			.x = (float)left,
			.y = (float)(y - height + 2 * chance(play) - 1),
			.width = (float)(right - left),
			.height = (float)(height + 2 * chance(play) - 1),
			.score = (float)(0.6 + 0.3 * chance(play)),
			.class_index = actor->class_index,
		};
	}
	return result;
}

static void on_fire(void *context, const struct hf_fire *fire)
{
	struct play *play = context;

	/* Coming in is another rule. */
	if (fire->rule == HF_RULE_ZONE_ENTRY)
		return;
	CHECK_U64(play->fire_count, <, FIRES_MAX);
	struct told *told = &play->fires[play->fire_count++];
	*told = (struct told){ .rule = fire->rule,
			       .at_s = (double)fire->moment.mono.us / 1e6,
			       .told_s = seconds(play),
			       .dwell_s = (double)fire->moment.dwell_us / 1e6,
			       .blind_s = (double)fire->moment.blind_us / 1e6,
			       .stay = fire->stay->id.n };
	memcpy(told->class_name, fire->stay->class_name, sizeof told->class_name);
	/* Frame and wall clock are those of the moment. */
	CHECK_U64(fire->moment.frame, ==, fire->moment.mono.us / (TICK_MS * 1000));
	CHECK_I64(fire->moment.wall.ms - midnight_ms, ==, fire->moment.mono.us / 1000);
	CHECK(fire->look->job.width == WIDTH);
}

static void tell(struct play *play, const struct hf_result *result)
{
	struct hf_err err = { 0 };
	enum hf_scene_answer answer;

	CHECK_OK(hf_scene_result(play->scene, result, play->with_pixels ? play->pixels : NULL,
				 on_fire, play, &answer, &err));
	bool blind = within(&play->blind, 1, (double)result->job.captured_mono.us / 1e6);
	CHECK(answer == (blind ? HF_SCENE_STALE : HF_SCENE_LOOKED));
}

static struct play *play_new(uint64_t seed)
{
	struct play *play = calloc(1, sizeof *play);
	struct hf_err err = { 0 };

	assert_non_null(play);
	hf_config_defaults(&play->config);
	play->config.source_count = play->config.camera_count = play->config.zone_count = 1;
	play->config.cameras[0].tile = 1;
	play->config.zones[0] = (struct hf_config_zone){
		.entry = true,
		.loitering_count = 2,
		.loitering = { { "person", THRESHOLD_MS }, { "vehicle", 40000 } },
		.point_count = 4,
		.points = { { 160.0 / WIDTH, 100.0 / HEIGHT },
			    { 400.0 / WIDTH, 100.0 / HEIGHT },
			    { 400.0 / WIDTH, 265.0 / HEIGHT },
			    { 160.0 / WIDTH, 265.0 / HEIGHT } },
	};
	CHECK_OK(hf_thumbs_new(&play->thumbs, &err));
	CHECK_OK(hf_scene_new(&play->config, play->thumbs, 7, 2, 1, &play->scene, &err));
	for (size_t i = 0; i < sizeof play->empty; i++)
		play->empty[i] = (uint8_t)(120 + (i * 7 + i / 1440 * 13) % 17);
	play->look_still_s = 0.5;
	play->with_pixels = true;
	play->dice = seed;
	play->now_ms = 1000;
	return play;
}

static void play_free(struct play *play)
{
	hf_scene_free(play->scene);
	hf_thumbs_free(play->thumbs);
	free(play);
}

static void run(struct play *play, double until_s)
{
	static struct hf_result waiting;
	static uint8_t kept[sizeof play->pixels];
	struct hf_err err = { 0 };
	double looked_s = 0, due_s = 0;
	bool under_way = false;

	for (; seconds(play) < until_s; play->now_ms += TICK_MS / 2) {
		double s = seconds(play);

		if (under_way && s >= due_s) {
			memcpy(play->pixels, kept, sizeof kept);
			tell(play, &waiting);
			under_way = false;
		}
		if (play->now_ms % TICK_MS != 0 || within(&play->stall, 1, s))
			continue;
		const struct hf_tick tick = { .layout = HF_LAYOUT_1X1,
					      .blind_mask = within(&play->blind, 1, s),
					      .frame = (uint64_t)play->now_ms / TICK_MS,
					      .captured_mono = { play->now_ms * 1000 },
					      .captured_wall = { midnight_ms + play->now_ms } };
		CHECK_OK(hf_scene_tick(play->scene, &tick, on_fire, play, &err));
		if (under_way || s - looked_s < (moves(play) ? 0.2 : play->look_still_s))
			continue;
		waiting = look(play);
		memcpy(kept, play->pixels, sizeof kept);
		under_way = true;
		looked_s = s;
		due_s = s + LATENCY_MS / 1000.0;
	}
}

/* Somebody who comes from a door, stands at (280, 200) for so long, and leaves by another door. */
static struct actor visitor(double from_s, double stands_s, double door_in_x, double door_out_x)
{
	double walk_in = fabs(280 - door_in_x) / 40, walk_out = fabs(door_out_x - 280) / 40;

	return (struct actor){ .points = { { from_s, door_in_x, 200 },
					   { from_s + walk_in, 280, 200 },
					   { from_s + walk_in + stands_s, 280, 200 },
					   { from_s + walk_in + stands_s + walk_out, door_out_x,
					     200 } },
			       .upper = 0x303050,
			       .lower = 0x202028 };
}

/* How long this one has been in the zone. */
static double truth(const struct play *play, const struct actor *actor, double until_s)
{
	double inside = 0, x, y;

	for (double s = 0; s < until_s; s += 0.01)
		if (place_of(actor, s, &x, &y) && x >= 160 && x <= 400 && y >= 100 && y <= 265 &&
		    !within(&play->stall, 1, s) && !within(&play->blind, 1, s))
			inside += 0.01;
	return inside;
}

static size_t count_rule(const struct play *play, enum hf_rule rule)
{
	size_t count = 0;

	for (size_t i = 0; i < play->fire_count; i++)
		count += play->fires[i].rule == rule;
	return count;
}

static size_t count_events(const struct play *play)
{
	size_t count = 0;

	for (size_t i = 0; i < play->fire_count; i++)
		count += play->fires[i].rule != HF_RULE_ZONE_ENTRY;
	return count;
}

/* The dwell of an event against the script. */
static void check_dwell(const struct play *play, const struct told *told, size_t actor,
			double error_max)
{
	double real = truth(play, &play->actors[actor], told->at_s);

	if (fabs(told->dwell_s - real) > error_max)
		fail_msg("actor %zu: dwell %.2f s, in truth %.2f s", actor, told->dwell_s, real);
}

/* Three stand for long, three do not; pause_s: from one's leaving his place to the next one's
 * coming in at the door. */
static void six_visitors(uint64_t seed, double door_in_x, double door_out_x, double pause_s,
			 double miss, bool with_pixels)
{
	static const double stands_s[] = { 6, 14, 7, 16, 5, 18 };
	struct play *play = play_new(seed);
	double s = 2;

	play->miss = miss;
	play->with_pixels = with_pixels;
	play->actor_count = 6;
	for (size_t i = 0; i < 6; i++) {
		play->actors[i] = visitor(s, stands_s[i], door_in_x, door_out_x);
		s += fabs(280 - door_in_x) / 40 + stands_s[i] + pause_s;
	}
	run(play, s + 20);
	if (count_rule(play, HF_RULE_LOITERING) != 3 || play->fire_count != 3)
		fail_msg("seed %llu, doors %g and %g, pause %g, miss %g: %zu events",
			 (unsigned long long)seed, door_in_x, door_out_x, pause_s, miss,
			 play->fire_count);
	for (size_t i = 0; i < 3; i++) {
		check_dwell(play, &play->fires[i], 2 * i + 1, 1.0);
		CHECK_REAL(play->fires[i].told_s - play->fires[i].at_s, <=, 1.0);
	}
	play_free(play);
}

TEST(of_six_visitors_in_turn_exactly_the_three_long_stays_fire)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		/* In and out by one door, or by two; one after the other, or meeting on the way. */
		six_visitors(seed, -10, -10, 8, 0, true);
		six_visitors(seed, -10, 490, 3, 0, true);
		six_visitors(seed, -10, 490, 0, 0, true);
		six_visitors(seed, -10, 490, 2, 0.15, true);
		six_visitors(seed, 490, 490, 7, 0.1, true);
		six_visitors(seed, -10, 490, 3, 0, false);
	}
}

TEST(who_comes_out_from_behind_a_post_where_another_went_behind_it_has_a_stay_of_his_own)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct play *play = play_new(seed);

		/* One has left the zone at 16.2 s; they pass behind the post at x = 115. */
		play->miss = 0.05;
		play->actor_count = 2;
		play->actors[0] = visitor(2, 6, 490, -10);
		play->actors[0].unseen[0] = (struct gap){ 17, 18.6 };
		play->actors[1] = (struct actor){
			.points = { { 17, 100, 200 }, { 21.5, 280, 200 }, { 40, 280, 200 } },
			.upper = 0x404048,
			.lower = 0xa0a098,
			.unseen = { { 17, 17.6 } },
		};
		run(play, 60);
		if (play->fire_count != 1)
			fail_msg("seed %llu: %zu events", (unsigned long long)seed,
				 play->fire_count);
		check_dwell(play, &play->fires[0], 1, 1.0);
		play_free(play);
	}
}

TEST(of_two_who_change_sides_behind_one_another_each_keeps_his_stay)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct play *play = play_new(seed);

		/* Both are hidden for a moment, turn round, and come out where they went in. */
		play->actor_count = 2;
		play->actors[0] = (struct actor){
			.points = { { 2, 180, 200 },
				    { 12, 180, 200 },
				    { 14, 250, 200 },
				    { 16, 180, 200 },
				    { 40, 180, 200 } },
			.upper = 0x902020,
			.lower = 0x202028,
			.unseen = { { 13.6, 14.4 } },
		};
		play->actors[1] = (struct actor){
			.points = { { 6, 320, 200 },
				    { 12, 320, 200 },
				    { 14, 258, 200 },
				    { 16, 320, 200 },
				    { 40, 320, 200 } },
			.upper = 0x404048,
			.lower = 0xa0a098,
			.unseen = { { 13.6, 14.4 } },
		};
		run(play, 32);
		CHECK_U64(count_rule(play, HF_RULE_LOITERING), ==, 2);
		check_dwell(play, &play->fires[0], 0, 1.0);
		check_dwell(play, &play->fires[1], 1, 1.0);
		CHECK_REAL(play->fires[1].at_s - play->fires[0].at_s, >, 3);
		play_free(play);
	}
}

TEST(who_takes_anothers_place_unseen_in_other_clothes_begins_anew)
{
	/* The camera sees neither of them walk: one is gone, two seconds later there is another. */
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct play *play = play_new(seed);

		play->actor_count = 4;
		for (size_t i = 0; i < 4; i++)
			play->actors[i] = (struct actor){
				.points = { { 2 + 12.0 * (double)i, 280, 200 },
					    { 12 + 12.0 * (double)i, 280, 200 } },
				.upper = i % 2 == 0 ? 0xd02020 : 0x2020d0,
				.lower = i % 2 == 0 ? 0x202020 : 0xd0d0d0,
			};
		run(play, 60);
		CHECK_U64(count_events(play), ==, 0);
		play_free(play);
	}
}

TEST(three_broken_tracks_and_a_stall_of_five_seconds_cost_no_second_of_dwell)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct play *play = play_new(seed);

		play->actor_count = 1;
		play->actors[0] = visitor(2, 50, -10, 490);
		play->actors[0].crouched[0] = (struct gap){ 8, 12.5 };
		play->actors[0].unseen[0] = (struct gap){ 14, 18.5 };
		play->miss = 0.1;
		play->stall = (struct gap){ 20, 25 };
		run(play, 80);
		CHECK_U64(play->fire_count, ==, 2);
		CHECK(play->fires[0].rule == HF_RULE_LOITERING);
		CHECK(play->fires[1].rule == HF_RULE_LOITERING_ESCALATED);
		CHECK_U64(play->fires[0].stay, ==, play->fires[1].stay);
		/* Small, large again, and lost from sight. */
		CHECK_U64(hf_scene_tracker(play->scene, 0)->next_id, >=, 4);
		for (size_t i = 0; i < 2; i++) {
			check_dwell(play, &play->fires[i], 0, 1.0);
			CHECK_REAL(fabs(play->fires[i].blind_s - 5), <=, 0.2);
		}
		play_free(play);
	}
}

TEST(one_who_stands_still_is_told_on_the_frame_and_not_with_the_next_look)
{
	struct play *play = play_new(3);

	play->actor_count = 1;
	play->actors[0] = visitor(2, 60, -10, 490);
	run(play, 60);
	CHECK_U64(play->fire_count, ==, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_REAL(play->fires[i].told_s, ==, play->fires[i].at_s);
		CHECK_REAL(play->fires[i].dwell_s, <, (double)(i + 1) * 15 + 0.11);
		check_dwell(play, &play->fires[i], 0, 0.3);
	}
	play_free(play);
}

TEST(one_who_is_looked_at_rarely_is_told_with_the_look_that_finds_him_for_the_frame_it_was)
{
	struct play *play = play_new(4);

	play->look_still_s = 4;
	play->actor_count = 1;
	play->actors[0] = visitor(2, 60, -10, 490);
	run(play, 50);
	CHECK_U64(play->fire_count, ==, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_REAL(play->fires[i].told_s, >, play->fires[i].at_s + 0.2);
		CHECK_REAL(play->fires[i].told_s, <, play->fires[i].at_s + 4.5);
		check_dwell(play, &play->fires[i], 0, 0.3);
	}
	play_free(play);
}

TEST(one_who_was_gone_at_the_threshold_is_not_told_although_nobody_looked)
{
	struct play *play = play_new(5);

	/* Fourteen and a half seconds, then away without a trace. */
	play->actor_count = 1;
	play->actors[0] = (struct actor){ .points = { { 2, 280, 200 }, { 16.5, 280, 200 } },
					  .upper = 0x803030 };
	run(play, 60);
	CHECK_U64(play->fire_count, ==, 0);
	CHECK_U64(hf_stays_open(hf_scene_stays(play->scene)), ==, 0);
	play_free(play);
}

TEST(a_detector_that_misses_half_or_all_for_seven_seconds_does_not_split_a_stay)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct play *play = play_new(seed);

		play->miss = seed % 2 == 0 ? 0.5 : 0.2;
		play->actor_count = 1;
		play->actors[0] = visitor(2, 60, -10, 490);
		if (seed % 2 != 0) {
			play->actors[0].unseen[0] = (struct gap){ 16, 21 };
			play->actors[0].unseen[1] = (struct gap){ 27, 32 };
		}
		run(play, 80);
		CHECK_U64(play->fire_count, ==, 2);
		CHECK_U64(play->fires[0].stay, ==, play->fires[1].stay);
		/* With every other look in vain he was not found at once either. */
		check_dwell(play, &play->fires[0], 0, seed % 2 == 0 ? 2.0 : 1.0);
		play_free(play);
	}
	struct play *play = play_new(11);
	play->actor_count = 1;
	play->actors[0] = visitor(2, 60, -10, 490);
	play->actors[0].unseen[0] = (struct gap){ 20, 27 };
	run(play, 60);
	CHECK_U64(play->fire_count, ==, 2);
	CHECK_U64(play->fires[0].stay, ==, play->fires[1].stay);
	play_free(play);
}

TEST(a_blind_tile_adds_to_blind_time_and_fires_nothing)
{
	struct play *play = play_new(6);

	play->actor_count = 1;
	play->actors[0] = visitor(2, 80, -10, 490);
	play->blind = (struct gap){ 12, 42 };
	run(play, 42);
	CHECK_U64(play->fire_count, ==, 0);
	run(play, 80);
	CHECK_U64(play->fire_count, ==, 2);
	check_dwell(play, &play->fires[0], 0, 0.5);
	CHECK_REAL(fabs(play->fires[0].blind_s - 30), <, 0.3);
	play_free(play);
}

TEST(a_passer_by_does_not_run_off_with_the_stay_of_one_who_was_not_found_for_a_moment)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct play *play = play_new(seed);

		play->actor_count = 2;
		play->actors[0] = visitor(2, 40, -10, 490);
		/* Alike, or not, and close: he hides the other for a moment. */
		play->actors[1] = (struct actor){
			.points = { { 12, 490, 212 }, { 24, -10, 212 } },
			.upper = seed % 2 == 0 ? 0x303050 : 0x902020,
			.lower = seed % 2 == 0 ? 0x202028 : 0xa0a098,
		};
		play->actors[0].unseen[0] = (struct gap){ 16.8, 17.8 };
		run(play, 70);
		CHECK_U64(play->fire_count, ==, 2);
		CHECK_U64(play->fires[0].stay, ==, play->fires[1].stay);
		check_dwell(play, &play->fires[0], 0, 1.0);
		check_dwell(play, &play->fires[1], 0, 1.0);
		play_free(play);
	}
}

TEST(who_bends_down_for_a_moment_and_is_two_tracks_in_turn_has_one_stay)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct play *play = play_new(seed);

		play->actor_count = 1;
		play->actors[0] = visitor(2, 50, -10, 490);
		play->actors[0].crouched[0] = (struct gap){ 12, 14 };
		play->actors[0].crouched[1] = (struct gap){ 15, 17 };
		run(play, 70);
		CHECK_U64(play->fire_count, ==, 2);
		CHECK_U64(play->fires[0].stay, ==, play->fires[1].stay);
		check_dwell(play, &play->fires[0], 0, 1.0);
		play_free(play);
	}
}

TEST(classes_have_their_own_thresholds_and_what_has_none_is_not_followed)
{
	struct play *play = play_new(7);

	play->actor_count = 3;
	for (size_t i = 0; i < 3; i++) {
		play->actors[i] = (struct actor){
			.points = { { 2, 200 + 70.0 * (double)i, 200 },
				    { 60, 200 + 70.0 * (double)i, 200 } },
			.class_index = (uint32_t)i,
			.upper = 0x204060,
		};
	}
	run(play, 70);
	CHECK_U64(play->fire_count, ==, 3);
	CHECK_TEXT(play->fires[0].class_name, "person");
	CHECK_REAL(play->fires[0].dwell_s, <, 15.2);
	CHECK_TEXT(play->fires[1].class_name, "person");
	CHECK_TEXT(play->fires[2].class_name, "vehicle");
	CHECK_REAL(fabs(play->fires[2].dwell_s - 40), <, 0.2);
	CHECK_U64(hf_scene_tracker(play->scene, 0)->next_id, ==, 3);
	play_free(play);
}

TEST(who_is_inside_when_the_hours_begin_and_was_for_long_enough_is_told_then)
{
	struct play *play = play_new(9);
	struct hf_arming *arming;
	struct hf_err err = { 0 };

	(void)snprintf(play->config.time_zone, HF_ID_BYTES, "UTC");
	(void)snprintf(play->config.armed_loitering, HF_SCHEDULE_BYTES, "00:01-06:00");
	CHECK_OK(hf_arming_new(&play->config, &arming, &err));
	hf_arming_trust(arming, true);
	hf_scene_arm(play->scene, arming);
	play->actor_count = 1;
	play->actors[0] = visitor(2, 100, -10, 490);
	run(play, 59.9);
	CHECK_U64(play->fire_count, ==, 0);
	run(play, 100);
	/* Both at once: what is told is how things are. */
	CHECK_U64(play->fire_count, ==, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_REAL(play->fires[i].at_s, ==, 60);
		check_dwell(play, &play->fires[i], 0, 0.5);
	}
	hf_scene_arm(play->scene, NULL);
	hf_arming_free(arming);
	play_free(play);
}

TEST(after_rearm_it_is_another_stay_and_before_it_the_same)
{
	struct play *play = play_new(8);

	/* Ten seconds inside, five outside, ten inside; then fifteen outside, and twenty inside. */
	play->actor_count = 1;
	play->actors[0] = (struct actor){ .points = { { 2, 280, 200 },
						      { 12, 280, 200 },
						      { 15, 130, 200 },
						      { 19, 130, 200 },
						      { 22, 280, 200 },
						      { 32, 280, 200 },
						      { 35, 130, 200 } },
					  .upper = 0x208020 };
	play->actors[0].points[7] = (struct point){ 50, 130, 200 };
	play->actors[1] =
		(struct actor){ .points = { { 50, 130, 200 }, { 53, 280, 200 }, { 73, 280, 200 } },
				.upper = 0x208020 };
	play->actor_count = 2;
	run(play, 80);
	CHECK_U64(count_rule(play, HF_RULE_LOITERING), ==, 2);
	CHECK_U64(play->fires[0].stay, !=, play->fires[1].stay);
	CHECK_REAL(fabs(play->fires[0].at_s - 23.5), <, 3.5);
	CHECK_REAL(fabs(play->fires[1].dwell_s - 15), <, 0.2);
	play_free(play);
}

TESTS(RUN(of_six_visitors_in_turn_exactly_the_three_long_stays_fire),
      RUN(who_comes_out_from_behind_a_post_where_another_went_behind_it_has_a_stay_of_his_own),
      RUN(of_two_who_change_sides_behind_one_another_each_keeps_his_stay),
      RUN(who_takes_anothers_place_unseen_in_other_clothes_begins_anew),
      RUN(three_broken_tracks_and_a_stall_of_five_seconds_cost_no_second_of_dwell),
      RUN(one_who_stands_still_is_told_on_the_frame_and_not_with_the_next_look),
      RUN(one_who_is_looked_at_rarely_is_told_with_the_look_that_finds_him_for_the_frame_it_was),
      RUN(one_who_was_gone_at_the_threshold_is_not_told_although_nobody_looked),
      RUN(a_detector_that_misses_half_or_all_for_seven_seconds_does_not_split_a_stay),
      RUN(a_blind_tile_adds_to_blind_time_and_fires_nothing),
      RUN(a_passer_by_does_not_run_off_with_the_stay_of_one_who_was_not_found_for_a_moment),
      RUN(who_bends_down_for_a_moment_and_is_two_tracks_in_turn_has_one_stay),
      RUN(classes_have_their_own_thresholds_and_what_has_none_is_not_followed),
      RUN(who_is_inside_when_the_hours_begin_and_was_for_long_enough_is_told_then),
      RUN(after_rearm_it_is_another_stay_and_before_it_the_same))
