/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/config.h"

#include "test.h"

#include <string.h>

static struct hf_config config;
static struct hf_err err;

static void make_good(void)
{
	hf_config_defaults(&config);
	config.source_count = config.camera_count = config.zone_count = 1;
}

TEST(defaults_are_sound)
{
	make_good();
	CHECK_OK(hf_config_check(&config, &err));
	CHECK_I64(config.hub_batch_max, ==, 100);
	CHECK(config.hub_thumbs);
}

TEST(bytes_of_another_build_are_refused)
{
	make_good();
	config.size_bytes--;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	config.magic ^= 1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
}

TEST(counts_and_indices_stay_within_their_lists)
{
	make_good();
	config.zone_count = HF_ZONES_MAX + 1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	config.cameras[0].source = 1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	config.zones[0].camera = 1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	config.zones[0].point_count = HF_ZONE_POINTS_MAX + 1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
}

TEST(a_text_without_an_end_a_choice_or_a_truth_value_there_is_not_is_refused)
{
	make_good();
	memset(config.hub_url, 'x', sizeof config.hub_url);
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	memset(config.zones[0].id, 'x', sizeof config.zones[0].id);
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	config.sources[0].layout = 4;
	CHECK_OK(hf_config_check(&config, &err));
	config.sources[0].layout = 5;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	config.sources[0].layout = -1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	memset(&config.hub_thumbs, 2, sizeof config.hub_thumbs);
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
}

TEST(a_class_has_its_own_threshold_else_the_one_for_all_else_none)
{
	make_good();
	struct hf_config_zone *zone = &config.zones[0];

	assert_null(hf_config_loitering_of(zone, "person"));
	hf_config_loitering_default(zone);
	CHECK_I64(hf_config_loitering_of(zone, "person")->ms, ==, 60000);
	assert_null(hf_config_loitering_of(zone, "vehicle"));
	zone->loitering_count = 3;
	zone->loitering[0] = (struct hf_config_dwell){ .ms = 5000 };
	zone->loitering[1] = (struct hf_config_dwell){ .class_name = "vehicle", .ms = 9000 };
	zone->loitering[2] = (struct hf_config_dwell){ .class_name = "dog", .ms = 0 };
	CHECK_OK(hf_config_check(&config, &err));
	CHECK_I64(hf_config_loitering_of(zone, "person")->ms, ==, 5000);
	CHECK_I64(hf_config_loitering_of(zone, "vehicle")->ms, ==, 9000);
	assert_null(hf_config_loitering_of(zone, "dog"));
	memset(zone->loitering[2].class_name, 'x', HF_CLASS_BYTES);
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
	make_good();
	zone->loitering_count = HF_ZONE_CLASSES_MAX + 1;
	CHECK_CODE(hf_config_check(&config, &err), HF_E_INVALID);
}

TEST(a_camera_is_found_at_its_tile)
{
	make_good();
	config.cameras[0].tile = 3;
	assert_ptr_equal(hf_config_camera_at(&config, 0, 2), &config.cameras[0]);
	assert_null(hf_config_camera_at(&config, 0, 3));
	assert_null(hf_config_camera_at(&config, 1, 2));
}

TESTS(RUN(defaults_are_sound), RUN(bytes_of_another_build_are_refused),
      RUN(counts_and_indices_stay_within_their_lists),
      RUN(a_text_without_an_end_a_choice_or_a_truth_value_there_is_not_is_refused),
      RUN(a_class_has_its_own_threshold_else_the_one_for_all_else_none),
      RUN(a_camera_is_found_at_its_tile))
