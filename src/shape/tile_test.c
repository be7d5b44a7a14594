/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/tile.h"

#include "test.h"

#include <math.h>
#include <string.h>

static struct hf_err err;

static struct hf_result result_of(uint32_t count)
{
	struct hf_result result = {
		.job = { .layout = HF_LAYOUT_1X1,
			 .look = HF_LOOK_FULL,
			 .width = 480,
			 .height = 270,
			 .source_width = 1920,
			 .source_height = 1080 },
		.model_tag = "test",
		.detection_count = count,
	};

	for (uint32_t i = 0; i < count && i < HF_DETECTIONS_MAX; i++)
		result.detections[i] = (struct hf_detection){
			.x = (float)i, .y = 1, .width = 2, .height = 3, .score = 0.5F
		};
	return result;
}

TEST(a_result_comes_back_from_the_bytes_that_were_used)
{
	struct hf_result sent = result_of(3), got;

	CHECK_OK(hf_result_unpack(&sent, hf_result_bytes(3), &got, &err));
	CHECK_U64(got.detection_count, ==, 3);
	assert_memory_equal(got.detections, sent.detections, 3 * sizeof sent.detections[0]);
	sent = result_of(HF_DETECTIONS_MAX);
	CHECK_OK(hf_result_unpack(&sent, hf_result_bytes(HF_DETECTIONS_MAX), &got, &err));
	sent = result_of(0);
	CHECK_OK(hf_result_unpack(&sent, hf_result_bytes(0), &got, &err));
}

TEST(bytes_that_do_not_fit_their_count_are_refused)
{
	struct hf_result sent = result_of(3), got = result_of(1);

	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(4), &got, &err), HF_E_INVALID);
	CHECK_CODE(hf_result_unpack(&sent, 3, &got, &err), HF_E_INVALID);
	sent.detection_count = HF_DETECTIONS_MAX + 1;
	CHECK_CODE(hf_result_unpack(&sent, sizeof sent, &got, &err), HF_E_INVALID);
	CHECK_U64(got.detection_count, ==, 1);
}

TEST(a_box_or_threshold_that_is_not_a_number_is_refused)
{
	struct hf_result sent = result_of(2), got;

	sent.score_threshold = NAN;
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
	sent.score_threshold = 0.45F;
	CHECK_OK(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err));
	sent.detections[1].x = NAN;
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
}

TEST(a_class_that_the_model_does_not_name_is_refused)
{
	struct hf_result sent = result_of(2), got;

	sent.detections[1].class_index = 1;
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
	sent.class_count = 2;
	(void)strcpy(sent.classes[0], "person");
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
	(void)strcpy(sent.classes[1], "vehicle");
	CHECK_OK(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err));
	CHECK_TEXT(hf_result_class(&got, got.detections[1].class_index), "vehicle");
	memset(sent.classes[1], 'x', sizeof sent.classes[1]);
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
	sent.class_count = HF_CLASSES_MAX + 1;
	CHECK_CODE(hf_result_unpack(&sent, hf_result_bytes(2), &got, &err), HF_E_INVALID);
}

TEST(a_result_that_names_no_classes_is_of_people)
{
	struct hf_result result = result_of(1);

	CHECK_TEXT(hf_result_class(&result, 0), "person");
}

TEST(a_tick_names_tiles_there_can_be)
{
	struct hf_tick tick = { .blind_mask = 0xffff, .moving_mask = 0xffff };

	CHECK_OK(hf_tick_check(&tick, &err));
	tick.blind_mask = 0x10000;
	CHECK_CODE(hf_tick_check(&tick, &err), HF_E_INVALID);
	tick.blind_mask = 0;
	tick.moving_mask = 0x10000;
	CHECK_CODE(hf_tick_check(&tick, &err), HF_E_INVALID);
}

TEST(a_job_without_a_size_on_the_screen_is_refused)
{
	struct hf_result result = result_of(0);

	CHECK_OK(hf_job_check(&result.job, &err));
	result.job.source_height = 0;
	CHECK_CODE(hf_job_check(&result.job, &err), HF_E_INVALID);
}

TESTS(RUN(a_result_comes_back_from_the_bytes_that_were_used),
      RUN(bytes_that_do_not_fit_their_count_are_refused),
      RUN(a_box_or_threshold_that_is_not_a_number_is_refused),
      RUN(a_class_that_the_model_does_not_name_is_refused),
      RUN(a_result_that_names_no_classes_is_of_people), RUN(a_tick_names_tiles_there_can_be),
      RUN(a_job_without_a_size_on_the_screen_is_refused))
