/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: tensors as nanodet gives them, all silent (score 0, flat logits), in which single
 * cells are made to speak. say() puts all weight on one distance a side.
 */
#include "infer/decode.h"

#include "base/auto.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum {
	ROWS = 60 * 36 + 30 * 18 + 15 * 9,
	CLASSES = 2,
	BINS = 11,
	ROW_8 = 0, /* first rows of the strides */
	ROW_16 = 60 * 36,
	ROW_32 = 60 * 36 + 30 * 18,
};

static struct hf_err err;
static float scores[ROWS * CLASSES];
static float dists[ROWS * 4 * BINS];
static struct hf_detection found[HF_DETECTIONS_MAX];
static uint32_t found_count;

static const struct hf_pack pack = {
	.input_width = 480,
	.input_height = 288,
	.class_count = CLASSES,
	.stride_count = 3,
	.strides = { 8, 16, 32 },
	.reg_max = BINS - 1,
	.nms_iou = 0.5F,
};

static const struct hf_mapping straight = { .tile_width = 480,
					    .tile_height = 270,
					    .width = 480,
					    .height = 270,
					    .scale_x = 1,
					    .scale_y = 1 };

static int silence(void **state)
{
	(void)state;
	memset(scores, 0, sizeof scores);
	memset(dists, 0, sizeof dists);
	found_count = 77;
	return 0;
}

/* Distances in strides. */
static void say(size_t row, uint32_t class_index, float score, size_t left, size_t top,
		size_t right, size_t bottom)
{
	const size_t distance[] = { left, top, right, bottom };

	scores[row * CLASSES + class_index] = score;
	for (size_t side = 0; side < 4; side++)
		for (size_t bin = 0; bin < BINS; bin++)
			dists[(row * 4 + side) * BINS + bin] = bin == distance[side] ? 40 : 0;
}

static enum hf_code decode(const struct hf_mapping *mapping, float score_min)
{
	const float *const outputs[] = { scores, dists };
	const struct hf_decoder *decoder = NULL;
	struct hf_candidates candidates;

	CHECK_OK(hf_decoder_find("nanodet", &decoder, &err));
	CHECK_OK(hf_candidates_open(decoder, &pack, &candidates, &err));
	enum hf_code code = hf_decode(decoder, &pack, outputs, mapping, score_min, &candidates,
				      found, &found_count, &err);
	hf_candidates_close(&candidates);
	return code;
}

static void check_box(uint32_t i, double x, double y, double width, double height)
{
	CHECK_U64(i, <, found_count);
	assert_float_equal(found[i].x, x, 0.001);
	assert_float_equal(found[i].y, y, 0.001);
	assert_float_equal(found[i].width, width, 0.001);
	assert_float_equal(found[i].height, height, 0.001);
}

TEST(a_box_at_each_stride_lies_where_its_cell_says)
{
	say(ROW_8 + 5 * 60 + 3, 0, 0.9F, 1, 2, 1, 2);   /* centre 28, 44 */
	say(ROW_16 + 4 * 30 + 10, 0, 0.8F, 1, 3, 2, 2); /* centre 168, 72 */
	say(ROW_32 + 3 * 15 + 9, 0, 0.7F, 1, 3, 1, 4);  /* centre 304, 112 */
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 3);
	check_box(0, 20, 28, 16, 32);
	check_box(1, 152, 24, 48, 80);
	check_box(2, 272, 16, 64, 224);
	assert_float_equal(found[0].score, 0.9, 1e-6);
	assert_float_equal(found[2].score, 0.7, 1e-6);
}

TEST(a_distance_is_the_mean_of_its_distribution)
{
	size_t row = ROW_8 + 10 * 60 + 30; /* centre 244, 84 */

	say(row, 0, 0.9F, 1, 1, 1, 1);
	dists[(row * 4 + 2) * BINS + 4] = 40; /* right: half 1, half 4 */
	CHECK_OK(decode(&straight, 0.1F));
	check_box(0, 236, 76, 8 + 20, 16);
}

TEST(huge_logits_do_not_overflow)
{
	size_t row = ROW_8 + 10 * 60 + 30;

	say(row, 0, 0.9F, 2, 2, 2, 2);
	for (size_t i = 0; i < 4 * BINS; i++)
		dists[row * 4 * BINS + i] += 1e30F;
	say(row + 20, 0, 0.8F, 2, 2, 2, 2);
	for (size_t i = 0; i < 4 * BINS; i++)
		dists[(row + 20) * 4 * BINS + i] *= 1e30F;
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 2);
	CHECK(isfinite(found[0].width) && isfinite(found[1].width));
	check_box(1, 244 + 160 - 16, 84 - 16, 32, 32);
}

TEST(of_two_boxes_on_one_person_the_stronger_stays)
{
	say(ROW_8 + 10 * 60 + 30, 0, 0.6F, 3, 5, 3, 5);
	say(ROW_8 + 10 * 60 + 31, 0, 0.8F, 3, 5, 3, 5); /* IoU 5/7 */
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 1);
	assert_float_equal(found[0].score, 0.8, 1e-6);
}

TEST(neighbours_and_other_classes_are_not_suppressed)
{
	say(ROW_8 + 10 * 60 + 30, 0, 0.6F, 3, 5, 3, 5);
	say(ROW_8 + 10 * 60 + 33, 0, 0.8F, 3, 5, 3, 5); /* IoU 1/3 */
	scores[(ROW_8 + 10 * 60 + 33) * CLASSES + 1] = 0.7F;
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 3);
	CHECK_U64(found[0].class_index, ==, 0);
	CHECK_U64(found[1].class_index, ==, 1);
	CHECK_U64(found[2].class_index, ==, 0);
}

TEST(a_score_below_the_limit_is_not_reported)
{
	say(ROW_8 + 10 * 60 + 30, 0, 0.0999F, 3, 5, 3, 5);
	say(ROW_8 + 10 * 60 + 50, 0, 0.1F, 3, 5, 3, 5);
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 1);
}

TEST(a_box_is_cut_at_the_edges_of_the_tile)
{
	say(ROW_32, 0, 0.9F, 5, 5, 1, 1);               /* over the upper left corner */
	say(ROW_32 + 8 * 15 + 14, 0, 0.8F, 1, 1, 9, 9); /* over the lower right one */
	say(ROW_8 + 35 * 60 + 10, 0, 0.7F, 1, 1, 1, 0); /* in what is below the tile */
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 2);
	check_box(0, 0, 0, 48, 48);
	check_box(1, 432, 240, 48, 30);
}

TEST(boxes_go_back_to_pixels_of_a_scaled_tile)
{
	const struct hf_mapping half = { .tile_width = 960,
					 .tile_height = 540,
					 .width = 480,
					 .height = 270,
					 .scale_x = 0.5F,
					 .scale_y = 0.5F };

	say(ROW_8 + 5 * 60 + 3, 0, 0.9F, 1, 2, 1, 2);
	CHECK_OK(decode(&half, 0.1F));
	check_box(0, 40, 56, 32, 64);
}

TEST(a_value_that_is_not_a_number_is_an_error_wherever_it_stands)
{
	static float *const places[] = { &scores[0], &scores[ROWS * CLASSES - 1], &dists[0],
					 &dists[ROWS * 4 * BINS - 1], &dists[12345] };
	const float values[] = { NAN, INFINITY, -INFINITY };

	for (size_t i = 0; i < HF_ARRAY_LEN(places); i++) {
		for (size_t k = 0; k < HF_ARRAY_LEN(values); k++) {
			(void)silence(NULL);
			say(ROW_8 + 5 * 60 + 3, 0, 0.9F, 1, 2, 1, 2);
			*places[i] = values[k];
			CHECK_CODE(decode(&straight, 0.1F), HF_E_CORRUPT);
			CHECK_U64(found_count, ==, 77);
		}
	}
}

TEST(a_score_that_was_never_a_sigmoid_is_an_error)
{
	scores[100] = 1.5F;
	CHECK_CODE(decode(&straight, 0.1F), HF_E_CORRUPT);
	scores[100] = -4;
	CHECK_CODE(decode(&straight, 0.1F), HF_E_CORRUPT);
	scores[100] = 1.0000001F; /* an approximation's last bit is not */
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_REAL(found[0].score, <=, 1);
}

TEST(when_every_cell_speaks_the_best_are_kept_in_order)
{
	for (size_t row = 0; row < ROWS; row++)
		say(row, 0, 0.2F + 0.7F * (float)(row * 7919 % ROWS) / ROWS, 0, 0, 1, 1);
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, HF_DETECTIONS_MAX);
	for (uint32_t i = 1; i < found_count; i++)
		CHECK_REAL(found[i - 1].score, >=, found[i].score);
	CHECK_REAL(found[0].score, >, 0.89);
	CHECK_REAL(found[HF_DETECTIONS_MAX - 1].score, >, 0.85);
}

TEST(equal_scores_keep_the_order_of_the_cells)
{
	for (size_t i = 0; i < 40; i++)
		say(ROW_8 + (10 * (i / 10) + 2) * 60 + 6 * (i % 10), 0, 0.5F, 0, 0, 1, 1);
	CHECK_OK(decode(&straight, 0.1F));
	CHECK_U64(found_count, ==, 40);
	for (uint32_t i = 1; i < found_count; i++)
		CHECK_REAL(found[i - 1].y * 1000 + found[i - 1].x, <,
			   found[i].y * 1000 + found[i].x);
}

TEST(shapes_follow_from_the_pack)
{
	const struct hf_decoder *decoder = NULL;

	CHECK_OK(hf_decoder_find("nanodet", &decoder, &err));
	CHECK_U64(decoder->rows(&pack), ==, 2835);
	struct hf_tensor_shape shape = decoder->shape(&pack, 1);
	CHECK_U64(shape.count, ==, 3);
	CHECK_I64(shape.dims[1], ==, 2835);
	CHECK_I64(shape.dims[2], ==, 44);
	CHECK_CODE(hf_decoder_find("yolox", &decoder, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "nanodet") != NULL);
}

#define RUN_SILENT(name) cmocka_unit_test_setup(name, silence)

TESTS(RUN_SILENT(a_box_at_each_stride_lies_where_its_cell_says),
      RUN_SILENT(a_distance_is_the_mean_of_its_distribution),
      RUN_SILENT(huge_logits_do_not_overflow),
      RUN_SILENT(of_two_boxes_on_one_person_the_stronger_stays),
      RUN_SILENT(neighbours_and_other_classes_are_not_suppressed),
      RUN_SILENT(a_score_below_the_limit_is_not_reported),
      RUN_SILENT(a_box_is_cut_at_the_edges_of_the_tile),
      RUN_SILENT(boxes_go_back_to_pixels_of_a_scaled_tile),
      RUN_SILENT(a_value_that_is_not_a_number_is_an_error_wherever_it_stands),
      RUN_SILENT(a_score_that_was_never_a_sigmoid_is_an_error),
      RUN_SILENT(when_every_cell_speaks_the_best_are_kept_in_order),
      RUN_SILENT(equal_scores_keep_the_order_of_the_cells), RUN(shapes_follow_from_the_pack))
