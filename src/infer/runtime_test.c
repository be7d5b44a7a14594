/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/runtime.h"

#include "base/auto.h"
#include "infer/tiny_pack.h"
#include "test.h"

#include <string.h>
#include <unistd.h>

static struct hf_err err;
static char folder[64];
static struct hf_detection found[HF_DETECTIONS_MAX];
static uint32_t found_count;
static uint8_t tile[3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX];

static int make_folder(void **state)
{
	(void)state;
	memset(tile, 0, sizeof tile);
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-runtime-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/model.json", folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/model.onnx", folder);
	(void)unlink(path);
	return rmdir(folder);
}

static enum hf_code open_tiny(enum tiny_flaw flaw, struct hf_runtime **ret_runtime)
{
	struct hf_pack pack;

	tiny_pack_write(folder, flaw);
	CHECK_OK(hf_pack_open(folder, &pack, &err));
	return hf_runtime_open(&pack, ret_runtime, &err);
}

static void white(uint32_t x, uint32_t y, uint32_t side, uint32_t width)
{
	for (uint32_t row = y; row < y + side; row++)
		memset(tile + 3 * ((size_t)row * width + x), 255, 3 * (size_t)side);
}

static void check_box(const struct hf_detection *d, double x, double y, double width, double height)
{
	assert_float_equal(d->x, x, 0.01);
	assert_float_equal(d->y, y, 0.01);
	assert_float_equal(d->width, width, 0.01);
	assert_float_equal(d->height, height, 0.01);
}

TEST(a_bright_cell_is_found_where_it_is)
{
	struct hf_runtime *runtime = NULL;

	CHECK_OK(open_tiny(TINY_GOOD, &runtime));
	white(32, 16, 8, 64);
	CHECK_OK(hf_runtime_run(runtime, tile, 64, 32, 0.1F, found, &found_count, &err));
	CHECK_U64(found_count, ==, 1);
	CHECK_REAL(found[0].score, >, 0.99);
	CHECK_U64(found[0].class_index, ==, 0);
	check_box(&found[0], 20, 4, 32, 28); /* cut at the lower edge */
	hf_runtime_close(runtime);
}

TEST(a_run_leaves_nothing_behind_for_the_next)
{
	struct hf_runtime *runtime = NULL;

	CHECK_OK(open_tiny(TINY_GOOD, &runtime));
	white(0, 0, 32, 64);
	CHECK_OK(hf_runtime_run(runtime, tile, 64, 32, 0.1F, found, &found_count, &err));
	CHECK_U64(found_count, >, 0);
	/* A smaller tile: what the last one covered and this one does not is black again. */
	memset(tile, 0, sizeof tile);
	CHECK_OK(hf_runtime_run(runtime, tile, 48, 24, 0.1F, found, &found_count, &err));
	CHECK_U64(found_count, ==, 0);
	hf_runtime_close(runtime);
}

TEST(boxes_of_a_scaled_tile_are_in_its_own_pixels)
{
	struct hf_runtime *runtime = NULL;

	CHECK_OK(open_tiny(TINY_GOOD, &runtime));
	white(320, 160, 80, 640); /* 640x320 goes in at a tenth: cell (4, 2) */
	CHECK_OK(hf_runtime_run(runtime, tile, 640, 320, 0.1F, found, &found_count, &err));
	CHECK_U64(found_count, ==, 1);
	check_box(&found[0], 200, 40, 320, 280);
	hf_runtime_close(runtime);
}

TEST(weak_scores_are_reported_down_to_the_limit_asked_for)
{
	struct hf_runtime *runtime = NULL;

	CHECK_OK(open_tiny(TINY_GOOD, &runtime));
	white(16, 8, 8, 64);
	for (size_t i = 0; i < sizeof tile; i++)
		tile[i] = (uint8_t)(tile[i] * 115 / 255); /* sigmoid(20 * 0.451 - 10) = 0.27 */
	CHECK_OK(hf_runtime_run(runtime, tile, 64, 32, 0.1F, found, &found_count, &err));
	CHECK_U64(found_count, ==, 1);
	assert_float_equal(found[0].score, 0.273, 0.01);
	CHECK_OK(hf_runtime_run(runtime, tile, 64, 32, 0.3F, found, &found_count, &err));
	CHECK_U64(found_count, ==, 0);
	hf_runtime_close(runtime);
}

TEST(a_network_that_answers_nan_is_an_error_and_no_detection)
{
	struct hf_runtime *runtime = NULL;

	CHECK_OK(open_tiny(TINY_NAN, &runtime));
	found_count = 77;
	CHECK_CODE(hf_runtime_run(runtime, tile, 64, 32, 0.1F, found, &found_count, &err),
		   HF_E_CORRUPT);
	CHECK_U64(found_count, ==, 77);
	hf_runtime_close(runtime);
}

TEST(a_network_that_does_not_fit_its_description_is_refused)
{
	static const struct {
		enum tiny_flaw flaw;
		enum hf_code code;
		const char *says;
	} cases[] = {
		{ TINY_OTHER_SHAPE, HF_E_INVALID, "\"input\" must be float32 1x3x32x64" },
		{ TINY_OTHER_NAME, HF_E_INVALID, "no output \"scores\"" },
		{ TINY_DAMAGED, HF_E_CORRUPT, "damaged" },
		{ TINY_NO_NETWORK, HF_E_NOENT, "missing" },
		{ TINY_NOT_ONNX, HF_E_IO, "cannot load the network" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		struct hf_runtime *runtime = NULL;

		CHECK_CODE(open_tiny(cases[i].flaw, &runtime), cases[i].code);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
		CHECK(runtime == NULL);
		CHECK_I64(remove_folder(NULL), ==, 0);
		CHECK_I64(make_folder(NULL), ==, 0);
	}
}

TEST(a_description_the_decoder_cannot_use_is_refused)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "\"nanodet\"", "\"yoloz\"",
		  "no decoder \"yoloz\" in this build; there is: nanodet" },
		{ "\"dists\":", "\"boxes\":", "needs an output \"dists\"" },
		{ "\"reg_max\": 10", "\"reg_max\": 7", "\"dists\" must be float32 1x32x32" },
		{ "\"strides\": [8]", "\"strides\": [8, 16]", "\"scores\" must be float32 1x40x1" },
		{ "\"name\": \"input\"", "\"name\": \"image\"", "no input \"image\"" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		struct hf_runtime *runtime = NULL;
		struct hf_pack pack;

		tiny_pack_write(folder, TINY_GOOD);
		tiny_pack_describe(folder, cases[i].from, cases[i].to);
		CHECK_OK(hf_pack_open(folder, &pack, &err));
		CHECK_CODE(hf_runtime_open(&pack, &runtime, &err), HF_E_INVALID);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
	}
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

TESTS(RUN_IN_FOLDER(a_bright_cell_is_found_where_it_is),
      RUN_IN_FOLDER(a_run_leaves_nothing_behind_for_the_next),
      RUN_IN_FOLDER(boxes_of_a_scaled_tile_are_in_its_own_pixels),
      RUN_IN_FOLDER(weak_scores_are_reported_down_to_the_limit_asked_for),
      RUN_IN_FOLDER(a_network_that_answers_nan_is_an_error_and_no_detection),
      RUN_IN_FOLDER(a_network_that_does_not_fit_its_description_is_refused),
      RUN_IN_FOLDER(a_description_the_decoder_cannot_use_is_refused))
