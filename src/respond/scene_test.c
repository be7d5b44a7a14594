/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/scene.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

/*
 * Method: one source, two cameras; the right half of each tile is a zone. Ticks ten a second,
 * a look at camera 0 four times a second.
 */
struct site {
	struct hf_config config;
	struct hf_thumbs *thumbs;
	struct hf_scene *scene;
	struct hf_arming *arming;
	int64_t now_ms;
	int64_t midnight_ms; /* the wall clock, where the other begins */
	unsigned fires;
	struct hf_fire last;
	double last_x;
};

static void count_fire(void *context, const struct hf_fire *fire)
{
	struct site *site = context;

	site->fires++;
	site->last = *fire;
	site->last_x = fire->track->box.x;
}

static struct site *site_new(void)
{
	struct site *site = calloc(1, sizeof *site);
	struct hf_err err = { 0 };

	assert_non_null(site);
	hf_config_defaults(&site->config);
	site->config.source_count = 1;
	site->config.camera_count = 2;
	site->config.zone_count = 2;
	site->config.cameras[0].tile = 1;
	site->config.cameras[1].tile = 2;
	for (uint32_t i = 0; i < 2; i++)
		site->config.zones[i] = (struct hf_config_zone){
			.entry = true,
			.camera = i,
			.cooldown_ms = 60000,
			.point_count = 4,
			.points = { { 0.5, 0 }, { 1, 0 }, { 1, 1 }, { 0.5, 1 } },
		};
	CHECK_OK(hf_thumbs_new(&site->thumbs, &err));
	CHECK_OK(hf_scene_new(&site->config, site->thumbs, 7, 2, 1, &site->scene, &err));
	site->now_ms = 50000;
	return site;
}

static void site_free(struct site *site)
{
	hf_scene_free(site->scene);
	hf_arming_free(site->arming);
	hf_thumbs_free(site->thumbs);
	free(site);
}

static void tick(struct site *site, bool paused)
{
	struct hf_err err = { 0 };
	const struct hf_tick tick = { .layout = HF_LAYOUT_4X4,
				      .paused = paused,
				      .captured_mono = { site->now_ms * 1000 } };

	CHECK_OK(hf_scene_tick(site->scene, &tick, count_fire, site, &err));
}

static struct hf_result result_at(const struct site *site, double foot_x)
{
	return (struct hf_result){
		.job = { .layout = HF_LAYOUT_4X4,
			 .look = HF_LOOK_MOTION,
			 .width = 480,
			 .height = 270,
			 .captured_mono = { site->now_ms * 1000 },
			 .captured_wall = { site->midnight_ms + site->now_ms } },
		.detection_count = 1,
		.score_threshold = 0.45f,
		.detections = { { .x = (float)foot_x - 10,
				  .y = 150,
				  .width = 20,
				  .height = 50,
				  .score = 0.47f } },
	};
}

static enum hf_scene_answer tell(struct site *site, const struct hf_result *result)
{
	struct hf_err err = { 0 };
	enum hf_scene_answer answer;

	CHECK_OK(hf_scene_result(site->scene, result, NULL, count_fire, site, &answer, &err));
	return answer;
}

static void walk(struct site *site, double from, double to, double step)
{
	for (double x = from; x <= to; x += step) {
		for (int i = 0; i < 2; i++) {
			site->now_ms += 125;
			tick(site, false);
		}
		struct hf_result result = result_at(site, x);
		CHECK(tell(site, &result) == HF_SCENE_LOOKED);
	}
}

TEST(walking_into_a_zone_fires_once_with_the_look_it_fired_on)
{
	struct site *site = site_new();

	walk(site, 180, 239, 8);
	CHECK_U64(site->fires, ==, 0);
	walk(site, 244, 300, 8);
	CHECK_U64(site->fires, ==, 1);
	CHECK(site->last.rule == HF_RULE_ZONE_ENTRY);
	CHECK(site->last.zone == &site->config.zones[0]);
	CHECK_U64(site->last.stay->id.n, ==, 1);
	CHECK_I64(site->last.moment.dwell_us, ==, 250000);
	CHECK_REAL(site->last_x + 10, ==, 252);
	site_free(site);
}

TEST(the_models_threshold_and_the_configurations_decide_what_starts_a_track)
{
	struct site *site = site_new();

	site->config.model_score_min = 0.6;
	walk(site, 260, 300, 8);
	CHECK_U64(hf_scene_tracker(site->scene, 0)->next_id, ==, 1);
	site->config.model_score_min = 0;
	walk(site, 300, 340, 8);
	CHECK_U64(hf_scene_tracker(site->scene, 0)->next_id, ==, 2);
	site_free(site);
}

TEST(a_result_that_was_overtaken_is_late)
{
	struct site *site = site_new();

	walk(site, 260, 280, 8);
	struct hf_result result = result_at(site, 280);
	CHECK(tell(site, &result) == HF_SCENE_LATE);
	result.job.captured_mono.us -= 400000;
	CHECK(tell(site, &result) == HF_SCENE_LATE);
	site_free(site);
}

TEST(a_failed_look_says_nothing_about_anybody)
{
	struct site *site = site_new();

	walk(site, 200, 230, 8);
	for (int i = 0; i < 8; i++) {
		site->now_ms += 100;
		tick(site, false);
		struct hf_result result = result_at(site, 230);
		result.detection_count = 0;
		result.failed = 1;
		CHECK(tell(site, &result) == HF_SCENE_FAILED);
	}
	CHECK_U64(hf_scene_tracker(site->scene, 0)->tracks[0].misses, ==, 0);
	site_free(site);
}

TEST(while_the_layout_changes_nothing_is_believed_and_tracks_wait)
{
	struct site *site = site_new();

	walk(site, 200, 232, 8);
	struct hf_result before = result_at(site, 240);
	before.job.captured_mono.us += 50000;
	for (int i = 0; i < 80; i++) {
		site->now_ms += 100;
		tick(site, true);
		struct hf_result result = result_at(site, 260);
		CHECK(tell(site, &result) == HF_SCENE_STALE);
	}
	/* Captured before the change began, told after. */
	CHECK(tell(site, &before) == HF_SCENE_LOOKED);
	CHECK_U64(hf_tracker_confirmed(hf_scene_tracker(site->scene, 0)), ==, 1);
	CHECK_U64(site->fires, ==, 0);
	walk(site, 244, 268, 8);
	CHECK_U64(site->fires, ==, 1);
	CHECK_U64(site->last.track->id, ==, 1);
	site_free(site);
}

TEST(a_tile_of_another_layout_is_not_believed)
{
	struct site *site = site_new();

	walk(site, 200, 232, 8);
	site->now_ms += 100;
	tick(site, false);
	struct hf_result result = result_at(site, 240);
	result.job.layout = HF_LAYOUT_2X2;
	CHECK(tell(site, &result) == HF_SCENE_STALE);
	site_free(site);
}

TEST(a_camera_of_another_source_is_refused)
{
	struct site *site = site_new();
	struct hf_err err = { 0 };
	enum hf_scene_answer answer;
	struct hf_result result = result_at(site, 240);
	const struct hf_tick tick_of_3 = { .source = 3 };

	result.job.camera = 2;
	CHECK_CODE(hf_scene_result(site->scene, &result, NULL, count_fire, site, &answer, &err),
		   HF_E_INVALID);
	result.job.camera = 0;
	result.job.source = 1;
	CHECK_CODE(hf_scene_result(site->scene, &result, NULL, count_fire, site, &answer, &err),
		   HF_E_INVALID);
	CHECK_CODE(hf_scene_tick(site->scene, &tick_of_3, count_fire, site, &err), HF_E_INVALID);
	site_free(site);
}

TEST(results_two_seconds_late_still_follow_the_same_person)
{
	struct site *site = site_new();
	struct hf_result waiting[8];

	/* A slow detector: ticks run ahead of the looks by two seconds. */
	for (int i = 0; i < 40; i++) {
		site->now_ms += 250;
		tick(site, false);
		if (i >= 8)
			CHECK(tell(site, &waiting[i % 8]) == HF_SCENE_LOOKED);
		waiting[i % 8] = result_at(site, 100 + 4.0 * i);
	}
	CHECK_U64(hf_scene_tracker(site->scene, 0)->next_id, ==, 2);
	site_free(site);
}

TEST(pixels_are_wanted_only_where_they_can_be_of_use)
{
	struct site *site = site_new();
	struct hf_result result = result_at(site, 240);

	CHECK(hf_scene_wants_pixels(site->scene, &result));
	result.detection_count = 0;
	CHECK(!hf_scene_wants_pixels(site->scene, &result));
	result.detection_count = 1;
	result.job.camera = 2;
	CHECK(!hf_scene_wants_pixels(site->scene, &result));
	site_free(site);
}

/* now_ms is 50 s: 00:00:50 of 1 June 2026, in UTC. */
static void arm(struct site *site, const char *hours, bool trusted)
{
	struct hf_err err = { 0 };

	(void)snprintf(site->config.time_zone, HF_ID_BYTES, "UTC");
	(void)snprintf(site->config.armed_entry, HF_SCHEDULE_BYTES, "%s", hours);
	site->midnight_ms = INT64_C(1780272000000);
	CHECK_OK(hf_arming_new(&site->config, &site->arming, &err));
	hf_arming_trust(site->arming, trusted);
	hf_scene_arm(site->scene, site->arming);
}

TEST(who_comes_in_outside_the_hours_is_no_event_and_none_when_they_begin)
{
	struct site *site = site_new();

	arm(site, "00:01-06:00", true);
	walk(site, 180, 300, 8); /* until 00:00:54 */
	for (int i = 0; i < 80; i++)
		walk(site, 300 + i % 2, 300.5 + i % 2, 8); /* stays until 00:01:14 */
	CHECK_I64(site->now_ms, >, 70000);
	CHECK_U64(site->fires, ==, 0);
	/* Somebody else, within the hours. */
	struct hf_result result;
	for (int i = 0; i < 5; i++) {
		site->now_ms += 250;
		tick(site, false);
		result = result_at(site, 440);
		CHECK(tell(site, &result) == HF_SCENE_LOOKED);
	}
	CHECK_U64(site->fires, ==, 1);
	CHECK(site->last.armed == HF_ARMED_YES);
	CHECK_U64(site->last.suppressed_n, ==, 0);
	site_free(site);
}

TEST(within_the_hours_nothing_changes)
{
	struct site *site = site_new();

	arm(site, "00:00-06:00", true);
	walk(site, 180, 300, 8);
	CHECK_U64(site->fires, ==, 1);
	CHECK(site->last.armed == HF_ARMED_YES);
	site_free(site);
}

TEST(with_a_clock_nobody_set_an_event_is_raised_and_says_so)
{
	struct site *site = site_new();

	arm(site, "03:00-06:00", false);
	walk(site, 180, 300, 8);
	CHECK_U64(site->fires, ==, 1);
	CHECK(site->last.armed == HF_ARMED_CLOCK_UNSYNCED);
	site_free(site);
}

TESTS(RUN(who_comes_in_outside_the_hours_is_no_event_and_none_when_they_begin),
      RUN(within_the_hours_nothing_changes),
      RUN(with_a_clock_nobody_set_an_event_is_raised_and_says_so),
      RUN(walking_into_a_zone_fires_once_with_the_look_it_fired_on),
      RUN(the_models_threshold_and_the_configurations_decide_what_starts_a_track),
      RUN(a_result_that_was_overtaken_is_late), RUN(a_failed_look_says_nothing_about_anybody),
      RUN(while_the_layout_changes_nothing_is_believed_and_tracks_wait),
      RUN(a_tile_of_another_layout_is_not_believed), RUN(a_camera_of_another_source_is_refused),
      RUN(results_two_seconds_late_still_follow_the_same_person),
      RUN(pixels_are_wanted_only_where_they_can_be_of_use))
