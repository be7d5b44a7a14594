/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/stay.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

/*
 * Method: one camera, one zone (the right half of the tile), looks every 250 ms with a tick each.
 * A person is 20 x 50 pixels; where he is not named, the detector does not find him.
 */
static const struct hf_track_rules track_rules = {

	.score_start = 0.5, .score_high = 0.5, .score_low = 0.1, .lost_ms = 3000, .confirm_hits = 3
};

enum {
	STEP_MS = 250,
	NOBODY = -1000,
};

struct site {
	struct hf_config config;
	struct hf_tracker tracker;
	struct hf_stays stays;
	struct hf_view view;
	int64_t now_ms;
	struct hf_colours colours;
};

static struct hf_colours shirt(unsigned bin)
{
	struct hf_colours colours = { .known = true };

	colours.bins[bin] = 255;
	return colours;
}

static struct site *site_new(void)
{
	struct site *site = calloc(1, sizeof *site);

	assert_non_null(site);
	hf_config_defaults(&site->config);
	site->config.camera_count = 1;
	site->config.zone_count = 1;
	site->config.zones[0] = (struct hf_config_zone){
		.entry = true,
		.point_count = 4,
		.points = { { 0.5, 0 }, { 1, 0 }, { 1, 1 }, { 0.5, 1 } },
	};
	hf_tracker_reset(&site->tracker);
	hf_stays_reset(&site->stays, 7, 2, 1);
	site->now_ms = 100000;
	site->colours = shirt(3);
	return site;
}

static void pass(struct site *site, bool paused)
{
	site->now_ms += STEP_MS;
	struct hf_mono now = { site->now_ms * 1000 };

	hf_tracker_blind(&site->tracker, hf_view_tick(&site->view, now, paused), now);
	hf_tracker_age(&site->tracker, &track_rules, now);
	hf_stays_sweep(&site->stays, &site->config, 0, &site->tracker, &site->view, now);
}

/* The stay of whoever is inside after this look, the last one if there are several. */
static struct hf_stay *look(struct site *site, const double *feet_x, size_t count)
{
	struct hf_detection found[8];
	uint32_t found_count = 0;
	struct hf_stay *inside = NULL;

	pass(site, false);
	struct hf_mono now = { site->now_ms * 1000 };
	for (size_t i = 0; i < count; i++)
		if (feet_x[i] > NOBODY)
			found[found_count++] = (struct hf_detection){ .x = (float)feet_x[i] - 10,
								      .y = 150,
								      .width = 20,
								      .height = 50,
								      .score = 0.8f };
	CHECK(hf_tracker_look(&site->tracker, &track_rules, now, 480, 270, found, NULL,
			      found_count));
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		const struct hf_track *track = &site->tracker.tracks[i];
		struct hf_sighting sighting = { .at = now,
						.tile_width = 480,
						.tile_height = 270,
						.tracker = &site->tracker,
						.track = track,
						.class_name = HF_CLASS_PERSON,
						.colours = &site->colours,
						.view = &site->view };

		if (track->id == 0 || !track->hit_now)
			continue;
		struct hf_stay *stay = hf_stays_see(&site->stays, &site->config, 0, &sighting);
		if (stay != NULL)
			inside = stay;
	}
	return inside;
}

static struct hf_stay *one(struct site *site, double foot_x)
{
	return look(site, &foot_x, 1);
}

static struct hf_stay *stand(struct site *site, double foot_x, int looks)
{
	struct hf_stay *stay = NULL;

	for (int i = 0; i < looks; i++)
		stay = one(site, foot_x);
	return stay;
}

/* Until the track has ended. */
static void vanish(struct site *site)
{
	while (hf_tracker_confirmed(&site->tracker) > 0)
		(void)one(site, NOBODY);
}

TEST(a_stay_begins_when_inside_in_two_of_three_looks)
{
	struct site *site = site_new();

	CHECK(stand(site, 220, 5) == NULL);
	CHECK(one(site, 245) == NULL);
	CHECK(one(site, 230) == NULL);
	const struct hf_stay *stay = one(site, 245);
	assert_non_null(stay);
	char text[HF_STAY_ID_TEXT_BYTES];
	hf_stay_id_text(&stay->id, text);
	CHECK_TEXT(text, "7.2.1");
	/* From the first look inside. */
	CHECK_I64(stay->seen_mark_us, ==, (int64_t)(site->now_ms - 100250 - 2 * STEP_MS) * 1000);
	free(site);
}

TEST(one_look_inside_is_no_stay)
{
	struct site *site = site_new();

	(void)stand(site, 220, 5);
	for (int i = 0; i < 12; i++)
		CHECK(one(site, i % 4 == 0 ? 245 : 230) == NULL);
	CHECK_U64(hf_stays_open(&site->stays), ==, 0);
	free(site);
}

TEST(somebody_first_found_inside_has_a_stay_when_he_is_confirmed)
{
	struct site *site = site_new();

	CHECK(one(site, 300) == NULL);
	CHECK(one(site, 300) == NULL);
	CHECK(one(site, 300) != NULL);
	free(site);
}

TEST(dwell_is_seen_time_inside)
{
	struct site *site = site_new();
	struct hf_stay *stay = stand(site, 300, 3);

	stay = stand(site, 300, 20);
	CHECK_I64(stay->dwell_us, ==, 22 * STEP_MS * 1000);
	CHECK_I64(stay->blind_us, ==, 0);
	free(site);
}

TEST(a_pause_and_a_stall_are_blind_not_dwell)
{
	struct site *site = site_new();

	(void)stand(site, 300, 3);
	for (int i = 0; i < 8; i++)
		pass(site, true);
	struct hf_stay *stay = one(site, 300); /* the step after the pause is blind as well */
	assert_non_null(stay);
	CHECK_I64(stay->blind_us, ==, 9 * STEP_MS * 1000);
	CHECK_I64(stay->dwell_us, ==, 2 * STEP_MS * 1000);
	site->now_ms += 5000; /* no tick for five seconds */
	stay = one(site, 300);
	CHECK_I64(stay->blind_us, ==, (10 * STEP_MS + 5000) * 1000);
	CHECK_I64(stay->dwell_us, ==, 2 * STEP_MS * 1000);
	free(site);
}

TEST(who_comes_back_soon_is_in_the_same_stay_and_later_in_a_new_one)
{
	struct site *site = site_new();
	struct hf_stay_id first = stand(site, 260, 4)->id;

	(void)stand(site, 220, 36); /* nine seconds outside */
	struct hf_stay *stay = stand(site, 260, 2);
	CHECK_U64(stay->id.n, ==, first.n);
	/* Time outside is not dwell. */
	CHECK_I64(stay->dwell_us, <, 3000000);
	(void)stand(site, 220, 42);
	CHECK_U64(hf_stays_open(&site->stays), ==, 0);
	stay = stand(site, 260, 2);
	assert_non_null(stay);
	CHECK_U64(stay->id.n, ==, first.n + 1);
	free(site);
}

TEST(a_new_track_near_by_in_the_same_clothes_inherits)
{
	struct site *site = site_new();
	struct hf_stay_id first = stand(site, 300, 6)->id;

	vanish(site);
	CHECK_U64(hf_stays_open(&site->stays), ==, 1);
	struct hf_stay *stay = stand(site, 330, 3);
	assert_non_null(stay);
	CHECK_U64(site->tracker.next_id, ==, 3);
	CHECK_U64(stay->id.n, ==, first.n);
	/* The time between counts: he was inside all along. */
	CHECK_I64(stay->dwell_us, >, 4000000);
	free(site);
}

TEST(other_clothes_do_not_inherit)
{
	struct site *site = site_new();

	(void)stand(site, 300, 6);
	vanish(site);
	site->colours = shirt(40);
	CHECK_U64(stand(site, 305, 3)->id.n, ==, 2);
	free(site);
}

TEST(more_than_a_height_away_does_not_inherit)
{
	struct site *site = site_new();

	(void)stand(site, 300, 6);
	vanish(site);
	CHECK_U64(stand(site, 360, 3)->id.n, ==, 2);
	free(site);
}

TEST(where_colours_are_not_known_only_the_same_place_inherits)
{
	struct site *site = site_new();

	(void)stand(site, 300, 6);
	vanish(site);
	site->colours = (struct hf_colours){ 0 };
	CHECK_U64(stand(site, 330, 3)->id.n, ==, 2);
	vanish(site);
	CHECK_U64(stand(site, 340, 3)->id.n, ==, 2);
	free(site);
}

TEST(a_stay_without_an_owner_is_kept_for_the_time_set)
{
	struct site *site = site_new();

	(void)stand(site, 300, 6);
	vanish(site);
	for (int i = 0; i < 20; i++)
		pass(site, false);
	CHECK_U64(hf_stays_open(&site->stays), ==, 1);
	pass(site, false);
	CHECK_U64(hf_stays_open(&site->stays), ==, 0);
	free(site);
}

TEST(blind_time_does_not_use_up_the_time_a_stay_is_kept_but_a_minute_does)
{
	struct site *site = site_new();

	(void)stand(site, 300, 6);
	vanish(site);
	site->now_ms += 50000;
	pass(site, false);
	CHECK_U64(hf_stays_open(&site->stays), ==, 1);
	site->now_ms += 10000;
	pass(site, false);
	CHECK_U64(hf_stays_open(&site->stays), ==, 0);
	free(site);
}

TEST(two_people_have_two_stays)
{
	struct site *site = site_new();
	const double feet[] = { 290, 350 };

	for (int i = 0; i < 4; i++)
		(void)look(site, feet, 2);
	CHECK_U64(hf_stays_open(&site->stays), ==, 2);
	free(site);
}

TEST(the_least_important_stay_gives_way_when_all_places_are_taken)
{
	struct site *site = site_new();

	for (size_t i = 0; i < HF_STAYS_MAX; i++)
		site->stays.list[i] = (struct hf_stay){ .phase = HF_STAY_INSIDE,
							.track = i == 100 ? 0 : 1000 + i,
							.id = { 7, 2, 500 + i },
							.touched = { (int64_t)i } };
	struct hf_stay *stay = NULL;
	const struct hf_track track = { .id = 1,
					.confirmed = true,
					.box = { 300, 150, 20, 50 },
					.birth = { 300, 150, 20, 50 } };
	for (int i = 0; i < 2; i++) {
		struct hf_sighting sighting = { .at = { 1000000 + i },
						.tile_width = 480,
						.tile_height = 270,
						.tracker = &site->tracker,
						.track = &track,
						.class_name = HF_CLASS_PERSON,
						.colours = &site->colours,
						.view = &site->view };

		stay = hf_stays_see(&site->stays, &site->config, 0, &sighting);
	}
	CHECK(stay == &site->stays.list[100]);
	CHECK_U64(site->stays.evicted, ==, 1);
	free(site);
}

TESTS(RUN(a_stay_begins_when_inside_in_two_of_three_looks), RUN(one_look_inside_is_no_stay),
      RUN(somebody_first_found_inside_has_a_stay_when_he_is_confirmed),
      RUN(dwell_is_seen_time_inside), RUN(a_pause_and_a_stall_are_blind_not_dwell),
      RUN(who_comes_back_soon_is_in_the_same_stay_and_later_in_a_new_one),
      RUN(a_new_track_near_by_in_the_same_clothes_inherits), RUN(other_clothes_do_not_inherit),
      RUN(more_than_a_height_away_does_not_inherit),
      RUN(where_colours_are_not_known_only_the_same_place_inherits),
      RUN(a_stay_without_an_owner_is_kept_for_the_time_set),
      RUN(blind_time_does_not_use_up_the_time_a_stay_is_kept_but_a_minute_does),
      RUN(two_people_have_two_stays),
      RUN(the_least_important_stay_gives_way_when_all_places_are_taken))
