/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/track.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

/*
 * Method: people 40 pixels high walk through a tile of 480x270 along straight lines; a small
 * seeded generator adds what a detector adds: jitter, misses, weak scores, irregular looks.
 */
static const struct hf_track_rules rules = {

	.score_start = 0.5, .score_high = 0.5, .score_low = 0.1, .lost_ms = 3000, .confirm_hits = 3
};

struct scene {
	struct hf_tracker *tracker;
	uint64_t dice;
	double now_s;
	uint32_t count;
	struct hf_detection found[HF_DETECTIONS_MAX];
	struct hf_colours colours[HF_DETECTIONS_MAX];
};

static struct scene scene_new(uint64_t seed)
{
	struct scene scene = { .dice = seed, .now_s = 100 };

	scene.tracker = calloc(1, sizeof *scene.tracker);
	assert_non_null(scene.tracker);
	hf_tracker_reset(scene.tracker);
	return scene;
}

/* -1..1 */
static double chance(struct scene *scene)
{
	scene->dice = scene->dice * 6364136223846793005U + 1442695040888963407U;
	return (double)(scene->dice >> 33) / (double)(1U << 30) - 1;
}

static struct hf_mono at(double s)
{
	return (struct hf_mono){ .us = (int64_t)(s * 1e6) };
}

static void person(struct scene *scene, double foot_x, double foot_y, double score)
{
	scene->found[scene->count++] =
		(struct hf_detection){ .x = (float)(foot_x - 8 + chance(scene)),
				       .y = (float)(foot_y - 40 + chance(scene)),
				       .width = (float)(16 + chance(scene)),
				       .height = (float)(40 + 2 * chance(scene)),
				       .score = (float)score };
}

/* The one that was added last. */
static void wears(struct scene *scene, unsigned colour)
{
	scene->colours[scene->count - 1].known = true;
	scene->colours[scene->count - 1].bins[colour] = 255;
}

static void look(struct scene *scene)
{
	CHECK(hf_tracker_look(scene->tracker, &rules, at(scene->now_s), 480, 270, scene->found,
			      scene->colours, scene->count));
	scene->count = 0;
	memset(scene->colours, 0, sizeof scene->colours);
}

/* The confirmed track that was found nearest to this foot, 0 if none within 20 pixels. */
static uint64_t id_at(const struct scene *scene, double foot_x, double foot_y)
{
	uint64_t id = 0;
	double nearest = 20;

	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		const struct hf_track *track = &scene->tracker->tracks[i];
		struct hf_foot foot = hf_box_foot(track->box);
		double apart = hypot(foot.x - foot_x, foot.y - foot_y);

		if (track->id != 0 && track->confirmed && track->hit_now && apart < nearest) {
			nearest = apart;
			id = track->id;
		}
	}
	return id;
}

TEST(one_walker_is_one_track_at_two_and_at_five_looks_a_second)
{
	/* His boxes of two looks do not overlap, or hardly. */
	const struct {
		double every_s, step;
	} paces[] = { { 0.5, 24 }, { 0.5, 16 }, { 0.2, 14 } };

	for (size_t p = 0; p < sizeof paces / sizeof paces[0]; p++) {
		struct scene scene = scene_new(p + 1);

		for (int i = 0; i < 16; i++, scene.now_s += paces[p].every_s) {
			double x = 40 + paces[p].step * i;

			person(&scene, x, 200, 0.8);
			look(&scene);
			CHECK_U64(id_at(&scene, x, 200), ==, i < 2 ? 0 : 1);
		}
		CHECK_U64(scene.tracker->next_id, ==, 2);
		free(scene.tracker);
	}
}

TEST(people_who_cross_keep_their_numbers)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct scene scene = scene_new(seed);
		uint64_t left = 0, right = 0;

		for (int i = 0; i <= 40; i++) {
			double x = 30.0 * i * 0.25;

			person(&scene, 60 + x, 200, 0.8);
			person(&scene, 360 - x, 208, 0.8);
			look(&scene);
			if (i == 8) {
				left = id_at(&scene, 60 + x, 200);
				right = id_at(&scene, 360 - x, 208);
				CHECK(left != 0 && right != 0 && left != right);
			}
			scene.now_s += 0.2 + 0.1 * fabs(chance(&scene));
		}
		CHECK_U64(id_at(&scene, 360, 200), ==, left);
		CHECK_U64(id_at(&scene, 60, 208), ==, right);
		free(scene.tracker);
	}
}

TEST(a_file_of_people_is_not_shifted_by_one)
{
	struct scene scene = scene_new(3);
	uint64_t ids[4] = { 0 };

	/* Two thirds of a height apart, a third of a height a look. */
	for (int i = 0; i < 20; i++) {
		for (int p = 0; p < 4; p++)
			person(&scene, 40 + 27.0 * p + 13.0 * i, 180, 0.8);
		look(&scene);
		for (int p = 0; p < 4 && i >= 4; p++) {
			uint64_t id = id_at(&scene, 40 + 27.0 * p + 13.0 * i, 180);

			CHECK(id != 0);
			if (i == 4)
				ids[p] = id;
			CHECK_U64(id, ==, ids[p]);
		}
		scene.now_s += 0.4;
	}
	free(scene.tracker);
}

TEST(misses_and_irregular_looks_do_not_break_a_track)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct scene scene = scene_new(seed);
		double x = 30;
		uint64_t id = 0;

		for (int i = 0; i < 60; i++) {
			double dt = 0.2 + 0.15 * fabs(chance(&scene));

			if (i % 17 == 16)
				dt = 1.1; /* a second without a look */
			scene.now_s += dt;
			x += 24 * dt;
			bool seen = i < 4 || chance(&scene) > -0.7; /* 15 % missed */
			if (seen)
				person(&scene, x, 220, 0.75);
			look(&scene);
			if (i == 3)
				id = id_at(&scene, x, 220);
			if (i > 3 && seen)
				CHECK_U64(id_at(&scene, x, 220), ==, id);
		}
		CHECK(id != 0);
		free(scene.tracker);
	}
}

TEST(weak_detections_continue_a_track_but_never_start_one)
{
	struct scene scene = scene_new(5);

	for (int i = 0; i < 5; i++, scene.now_s += 0.25) {
		person(&scene, 100, 200, 0.3);
		look(&scene);
	}
	CHECK_U64(scene.tracker->next_id, ==, 1);
	for (int i = 0; i < 20; i++, scene.now_s += 0.25) {
		person(&scene, 100 + 6.0 * i, 200, i < 3 ? 0.6 : 0.2);
		look(&scene);
	}
	CHECK_U64(id_at(&scene, 100 + 6.0 * 19, 200), ==, 1);
	CHECK_U64(scene.tracker->next_id, ==, 2);
	/* Below score_low there is nobody. */
	for (int i = 20; i < 22; i++, scene.now_s += 0.25) {
		person(&scene, 100 + 6.0 * i, 200, 0.05);
		look(&scene);
	}
	CHECK_U64(id_at(&scene, 100 + 6.0 * 21, 200), ==, 0);
	free(scene.tracker);
}

TEST(a_weak_detection_beside_the_expected_place_is_noise)
{
	struct scene scene = scene_new(18);

	for (int i = 0; i < 8; i++, scene.now_s += 0.25) {
		person(&scene, 100 + 6.0 * i, 200, 0.8);
		look(&scene);
	}
	for (int i = 8; i < 12; i++, scene.now_s += 0.25) {
		person(&scene, 112 + 6.0 * i, 200, 0.3); /* a third of a height ahead */
		look(&scene);
		CHECK_U64(id_at(&scene, 112 + 6.0 * i, 200), ==, 0);
	}
	person(&scene, 100 + 6.0 * 12, 200, 0.8);
	look(&scene);
	CHECK_U64(id_at(&scene, 100 + 6.0 * 12, 200), ==, 1);
	free(scene.tracker);
}

TEST(a_lamp_post_does_not_hold_the_track_of_who_walked_past)
{
	struct scene scene = scene_new(19);

	for (int i = 0; i < 8; i++, scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.8);
		look(&scene);
	}
	double strong = scene.now_s - 0.25;
	for (; scene.now_s <= strong + 5; scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.3);
		look(&scene);
		CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	}
	for (; scene.now_s <= strong + 8.5; scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.3);
		look(&scene);
	}
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	free(scene.tracker);
}

TEST(a_threshold_above_the_first_stage_holds_for_starts_only)
{
	struct scene scene = scene_new(17);
	struct hf_track_rules strict = rules;

	strict.score_start = 0.7;
	for (int i = 0; i < 10; i++, scene.now_s += 0.25) {
		person(&scene, 100, 200, i == 4 ? 0.75 : 0.6);
		CHECK(hf_tracker_look(scene.tracker, &strict, at(scene.now_s), 480, 270,
				      scene.found, NULL, scene.count));
		scene.count = 0;
		CHECK_U64(scene.tracker->next_id, ==, i < 4 ? 1 : 2);
	}
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	free(scene.tracker);
}

TEST(what_is_a_few_pixels_high_must_be_surer_to_start_a_track)
{
	struct scene scene = scene_new(18);

	for (int i = 0; i < 10; i++, scene.now_s += 0.2) {
		person(&scene, 100, 200, 0.55); /* a cone */
		scene.found[0].height = 12;
		person(&scene, 300, 200, 0.65); /* somebody far away */
		scene.found[1].height = 12;
		look(&scene);
	}
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	CHECK_U64(scene.tracker->next_id, ==, 2);
	free(scene.tracker);
}

TEST(a_flash_is_never_confirmed)
{
	struct scene scene = scene_new(6);

	for (int i = 0; i < 60; i++, scene.now_s += 0.2) {
		if (i % 6 < 2) /* two looks, then a second of nothing */
			person(&scene, 300, 100, 0.9);
		look(&scene);
		CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	}
	free(scene.tracker);
}

TEST(one_miss_among_rare_looks_does_not_delay_the_confirmation)
{
	struct scene scene = scene_new(7);
	const bool seen[] = { true, true, false, true };

	for (int i = 0; i < 4; i++, scene.now_s += 0.5) {
		if (seen[i])
			person(&scene, 300, 200, 0.9);
		look(&scene);
	}
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	free(scene.tracker);
}

TEST(a_track_that_left_ends_after_the_time_set)
{
	struct scene scene = scene_new(8);

	for (int i = 0; i < 10; i++, scene.now_s += 0.25) {
		person(&scene, 300 + 8.0 * i, 200, 0.9);
		look(&scene);
	}
	double last = scene.now_s - 0.25;
	hf_tracker_age(scene.tracker, &rules, at(last + 3.0));
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	hf_tracker_age(scene.tracker, &rules, at(last + 3.01));
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	free(scene.tracker);
}

static void stand_still(struct scene *scene)
{
	for (int i = 0; i < 12; i++, scene->now_s += 0.25) {
		person(scene, 300, 200, 0.9);
		look(scene);
	}
}

TEST(one_who_stands_still_is_the_same_at_the_next_full_look)
{
	struct scene scene = scene_new(9);

	stand_still(&scene);
	for (int i = 0; i < 6; i++) {
		scene.now_s += 10;
		hf_tracker_age(scene.tracker, &rules, at(scene.now_s));
		if (i != 2) /* missed once */
			person(&scene, 302, 201, 0.8);
		look(&scene);
		CHECK_U64(id_at(&scene, 302, 201), ==, i != 2 ? 1 : 0);
	}
	/* Twice in vain: he has gone. */
	for (int i = 0; i < 2; i++) {
		scene.now_s += 10;
		look(&scene);
	}
	hf_tracker_age(scene.tracker, &rules, at(scene.now_s));
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	free(scene.tracker);
}

TEST(somebody_else_after_a_long_time_is_not_taken_for_who_stood_there)
{
	struct scene scene = scene_new(10);

	stand_still(&scene);
	scene.now_s += 8;
	for (int i = 0; i < 4; i++, scene.now_s += 0.25) {
		person(&scene, 340, 200, 0.8); /* one height away */
		look(&scene);
	}
	CHECK_U64(id_at(&scene, 340, 200), ==, 2);
	free(scene.tracker);
}

TEST(time_without_video_does_not_end_a_track)
{
	struct scene scene = scene_new(11);

	for (int i = 0; i < 10; i++, scene.now_s += 0.25) {
		person(&scene, 300 + 8.0 * i, 200, 0.9);
		look(&scene);
	}
	hf_tracker_blind(scene.tracker, 8000000, at(scene.now_s + 8));
	hf_tracker_age(scene.tracker, &rules, at(scene.now_s + 9));
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	/* Ten seconds are forgiven, not more. */
	hf_tracker_blind(scene.tracker, 800000000, at(scene.now_s + 808));
	hf_tracker_age(scene.tracker, &rules, at(scene.now_s + 14));
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	free(scene.tracker);
}

TEST(the_upper_half_of_somebody_is_nobody_new)
{
	struct scene scene = scene_new(12);

	for (int i = 0; i < 8; i++, scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.9);
		scene.found[scene.count++] = (struct hf_detection){
			.x = 293, .y = 161, .width = 14, .height = 18, .score = 0.6f
		};
		look(&scene);
	}
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 1);
	free(scene.tracker);
}

TEST(an_older_look_changes_nothing)
{
	struct scene scene = scene_new(13);
	struct hf_tracker *before = malloc(sizeof *before);

	assert_non_null(before);
	stand_still(&scene);
	*before = *scene.tracker;
	CHECK(!hf_tracker_look(scene.tracker, &rules, hf_tracker_last_look(scene.tracker), 480, 270,
			       NULL, NULL, 0));
	CHECK(memcmp(before, scene.tracker, sizeof *before) == 0);
	free(before);
	free(scene.tracker);
}

TEST(another_size_of_tile_ends_all_tracks_and_reuses_no_number)
{
	struct scene scene = scene_new(14);

	stand_still(&scene);
	CHECK(hf_tracker_look(scene.tracker, &rules, at(scene.now_s), 640, 360, NULL, NULL, 0));
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	for (int i = 0; i < 4; i++) {
		scene.now_s += 0.25;
		person(&scene, 300, 200, 0.9);
		look(&scene);
	}
	CHECK_U64(id_at(&scene, 300, 200), ==, 2);
	free(scene.tracker);
}

TEST(a_crowd_beyond_the_limit_is_counted_and_harms_nobody)
{
	struct scene scene = scene_new(15);

	for (int round = 0; round < 6; round++, scene.now_s += 0.25) {
		/* The crowd jumps: each round nobody is where anybody was. */
		for (int i = 0; i < HF_DETECTIONS_MAX; i++)
			person(&scene, 30.0 * (i % 16) + 15 * (round & 1),
			       60.0 + 60 * (double)(i / 16) + 30 * (round & 1), 0.9);
		look(&scene);
	}
	CHECK_U64(scene.tracker->refused, >, 0);
	free(scene.tracker);
}

TEST(a_track_is_of_one_class)
{
	struct scene scene = scene_new(16);

	for (int i = 0; i < 5; i++, scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.9);
		look(&scene);
	}
	/* Where he stood there is now a dog. */
	for (int i = 0; i < 5; i++, scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.9);
		scene.found[0].class_index = 1;
		look(&scene);
	}
	CHECK_U64(scene.tracker->next_id, ==, 3);
	CHECK_U64(hf_tracker_find(scene.tracker, 1)->class_index, ==, 0);
	CHECK_U64(hf_tracker_find(scene.tracker, 2)->class_index, ==, 1);
	CHECK(!hf_tracker_find(scene.tracker, 1)->hit_now);
	free(scene.tracker);
}

/* Four looks at somebody, two in vain, then `looks` at somebody in this colour. */
static struct scene found_again(unsigned colour, unsigned looks)
{
	struct scene scene = scene_new(16);

	for (int i = 0; i < 4; i++, scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.9);
		wears(&scene, 3);
		look(&scene);
	}
	for (int i = 0; i < 2; i++, scene.now_s += 0.25)
		look(&scene);
	for (unsigned i = 0; i < looks; i++, scene.now_s += 0.25) {
		person(&scene, 304, 200, 0.9);
		wears(&scene, colour);
		look(&scene);
	}
	return scene;
}

TEST(who_is_found_again_in_other_colours_gets_a_number_of_his_own_after_three_looks)
{
	struct scene scene = found_again(9, 2);
	const struct hf_track *track = hf_tracker_find(scene.tracker, 1);

	assert_non_null(track);
	CHECK(track->doubt.on);
	CHECK_I64(track->sure.us, ==, at(100.75).us);
	free(scene.tracker);

	scene = found_again(9, 3);
	CHECK(hf_tracker_find(scene.tracker, 1) == NULL);
	track = hf_tracker_find(scene.tracker, 2);
	assert_non_null(track);
	CHECK(track->confirmed && !track->doubt.on);
	CHECK_I64(track->born.us, ==, at(101.5).us);
	CHECK_REAL(fabs(hf_box_foot(track->birth).x - 304), <, 3);
	person(&scene, 304, 200, 0.9);
	look(&scene);
	CHECK(hf_tracker_find(scene.tracker, 2)->hit_now);
	free(scene.tracker);
}

TEST(who_is_found_again_in_his_own_colours_is_not_in_doubt)
{
	struct scene scene = found_again(3, 1);

	CHECK(!hf_tracker_find(scene.tracker, 1)->doubt.on);
	free(scene.tracker);
}

TEST(who_was_in_sight_all_the_while_may_change_his_colours)
{
	struct scene scene = scene_new(16);

	/* The light goes on; infrared. */
	for (unsigned i = 0; i < 12; i++, scene.now_s += 0.25) {
		person(&scene, 300, 200, 0.9);
		wears(&scene, i < 6 ? 3 : 9);
		look(&scene);
		CHECK(i < 3 || id_at(&scene, 300, 200) == 1);
	}
	free(scene.tracker);
}

TEST(of_two_who_come_out_of_a_meeting_each_keeps_his_number)
{
	struct scene scene = scene_new(17);

	/* They walk towards each other, stop for a word, and go back. */
	for (int i = 0; i < 40; i++, scene.now_s += 0.25) {
		double apart = i < 16 ? 100 - 6 * i : i < 24 ? 4 : 6 * (i - 24);

		if (i < 14 || i > 27 || i % 2 == 0) {
			person(&scene, 240 - apart, 200, 0.9);
			wears(&scene, 3);
		}
		if (i < 14 || i > 27 || i % 2 != 0) {
			person(&scene, 240 + apart, 200, 0.9);
			wears(&scene, 9);
		}
		look(&scene);
	}
	CHECK_U64(id_at(&scene, 240 - 90, 200), ==, 1);
	CHECK_U64(id_at(&scene, 240 + 90, 200), ==, 2);
	free(scene.tracker);
}

TEST(who_comes_in_where_one_went_out_is_somebody_else)
{
	struct scene scene = scene_new(16);
	double x = 380;

	for (; x < 470; x += 12, scene.now_s += 0.25) {
		person(&scene, x, 200, 0.9);
		look(&scene);
	}
	for (int i = 0; i < 5; i++, scene.now_s += 0.25)
		look(&scene);
	CHECK_U64(hf_tracker_confirmed(scene.tracker), ==, 0);
	for (int i = 0; i < 5; i++, scene.now_s += 0.25) {
		person(&scene, 468 - 12 * i, 200, 0.9);
		look(&scene);
	}
	CHECK_U64(scene.tracker->next_id, ==, 3);
	free(scene.tracker);
}

TESTS(RUN(one_walker_is_one_track_at_two_and_at_five_looks_a_second),
      RUN(people_who_cross_keep_their_numbers), RUN(a_file_of_people_is_not_shifted_by_one),
      RUN(misses_and_irregular_looks_do_not_break_a_track),
      RUN(weak_detections_continue_a_track_but_never_start_one),
      RUN(a_weak_detection_beside_the_expected_place_is_noise),
      RUN(a_lamp_post_does_not_hold_the_track_of_who_walked_past),
      RUN(a_threshold_above_the_first_stage_holds_for_starts_only),
      RUN(what_is_a_few_pixels_high_must_be_surer_to_start_a_track),
      RUN(a_flash_is_never_confirmed),
      RUN(one_miss_among_rare_looks_does_not_delay_the_confirmation),
      RUN(a_track_that_left_ends_after_the_time_set),
      RUN(one_who_stands_still_is_the_same_at_the_next_full_look),
      RUN(somebody_else_after_a_long_time_is_not_taken_for_who_stood_there),
      RUN(time_without_video_does_not_end_a_track), RUN(the_upper_half_of_somebody_is_nobody_new),
      RUN(an_older_look_changes_nothing),
      RUN(another_size_of_tile_ends_all_tracks_and_reuses_no_number),
      RUN(a_crowd_beyond_the_limit_is_counted_and_harms_nobody), RUN(a_track_is_of_one_class),
      RUN(who_is_found_again_in_other_colours_gets_a_number_of_his_own_after_three_looks),
      RUN(who_is_found_again_in_his_own_colours_is_not_in_doubt),
      RUN(who_was_in_sight_all_the_while_may_change_his_colours),
      RUN(of_two_who_come_out_of_a_meeting_each_keeps_his_number),
      RUN(who_comes_in_where_one_went_out_is_somebody_else))
