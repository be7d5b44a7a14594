/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/pack.h"

#include "base/auto.h"
#include "infer/tiny_pack.h"
#include "test.h"

#include <string.h>
#include <unistd.h>

static struct hf_err err;
static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-pack-XXXXXX");
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

TEST(a_pack_is_read_with_its_network)
{
	struct hf_pack pack;
	HF_AUTO_FREE uint8_t *model = NULL;
	size_t size;

	tiny_pack_write(folder, TINY_GOOD);
	CHECK_OK(hf_pack_open(folder, &pack, &err));
	CHECK_TEXT(pack.decoder, "nanodet");
	CHECK_TEXT(pack.tag, "tiny@1");
	CHECK_U64(pack.input_width, ==, 64);
	CHECK_U64(pack.input_height, ==, 32);
	CHECK_U64(pack.output_count, ==, 2);
	CHECK_U64(pack.class_count, ==, 1);
	CHECK_TEXT(pack.classes[0], "person");
	CHECK_U64(pack.strides[0], ==, 8);
	CHECK_U64(pack.reg_max, ==, 10);
	CHECK_REAL(pack.score_threshold, ==, 0.5);
	CHECK_OK(hf_pack_read_model(&pack, &model, &size, &err));
	CHECK_U64(size, >, 1000);
}

TEST(a_missing_pack_is_named_with_a_remedy)
{
	struct hf_pack pack;

	CHECK_CODE(hf_pack_open("/nonexistent/model", &pack, &err), HF_E_NOENT);
	CHECK(strstr(err.text, "/nonexistent/model") != NULL);
	CHECK(strstr(err.text, "model.path") != NULL);
}

TEST(a_network_that_is_not_the_hashed_one_is_refused)
{
	struct hf_pack pack;
	uint8_t *model = NULL;
	size_t size;

	tiny_pack_write(folder, TINY_DAMAGED);
	CHECK_OK(hf_pack_open(folder, &pack, &err));
	CHECK_CODE(hf_pack_read_model(&pack, &model, &size, &err), HF_E_CORRUPT);
	CHECK(strstr(err.text, "model.onnx is damaged") != NULL);
	CHECK(model == NULL);
}

TEST(a_network_that_is_missing_is_named)
{
	struct hf_pack pack;
	uint8_t *model = NULL;
	size_t size;

	tiny_pack_write(folder, TINY_NO_NETWORK);
	CHECK_OK(hf_pack_open(folder, &pack, &err));
	CHECK_CODE(hf_pack_read_model(&pack, &model, &size, &err), HF_E_NOENT);
	CHECK(strstr(err.text, "model.onnx is missing") != NULL);
}

TEST(each_wrong_entry_is_refused_by_its_key)
{
	static const struct {
		const char *from, *to, *key;
	} cases[] = {
		{ "\"model.onnx\"", "\"../model.onnx\"", "\"file\"" },
		{ "\"model.onnx\"", "17", "\"file\"" },
		{ "\"sha256\": \"", "\"sha256\": \"zz", "\"sha256\"" },
		{ "\"decoder\": \"nanodet\"", "\"decoder\": \"\"", "\"decoder\"" },
		{ "\"tag\"", "\"gat\"", "\"tag\"" },
		{ "\"name\": \"input\"", "\"name\": null", "\"name\"" },
		{ "\"width\": 64", "\"width\": 0", "\"input.width\"" },
		{ "\"height\": 32", "\"height\": 32.5", "\"input.height\"" },
		{ "\"height\": 32", "\"height\": 32, \"channels\": \"rgb\"", "\"input.channels\"" },
		{ "\"outputs\"", "\"inputs\"", "\"outputs\"" },
		{ "[\"person\"]", "[]", "\"classes\"" },
		{ "[\"person\"]", "[\"cat\"]", "\"classes\"" },
		{ "[\"person\"]", "[\"person\", 3]", "\"classes\"" },
		{ "\"strides\": [8]", "\"strides\": [8, 0]", "\"strides\"" },
		{ "\"strides\": [8]", "\"strides\": [8,8,8,8,8]", "\"strides\"" },
		{ "\"reg_max\": 10", "\"reg_max\": 1000", "\"reg_max\"" },
		{ "\"mean\": [0, 0, 0]", "\"mean\": [0, 0]", "\"mean\"" },
		{ "\"mean\": [0, 0, 0]", "\"mean\": [0, 0, \"x\"]", "\"mean\"" },
		{ "\"std\": [255, 255, 255]", "\"std\": [255, 0, 255]", "\"std\"" },
		{ "\"score_threshold\": 0.5", "\"score_threshold\": 45", "\"score_threshold\"" },
		{ "\"nms_iou\": 0.5", "\"nms\": 0.5", "\"nms_iou\"" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		struct hf_pack pack = { .tag = "untouched" };

		tiny_pack_write(folder, TINY_GOOD);
		tiny_pack_describe(folder, cases[i].from, cases[i].to);
		CHECK_CODE(hf_pack_open(folder, &pack, &err), HF_E_INVALID);
		if (strstr(err.text, cases[i].key) == NULL)
			fail_msg("%s does not name %s", err.text, cases[i].key);
		CHECK_TEXT(pack.tag, "untouched");
	}
}

TEST(json_that_does_not_parse_is_told_with_its_place)
{
	struct hf_pack pack;

	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_describe(folder, "\"tag\": \"tiny@1\",", "\"tag\": \"tiny@1\"");
	CHECK_CODE(hf_pack_open(folder, &pack, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "model.json:3:") != NULL);
}

TEST(a_key_that_stands_twice_is_refused)
{
	struct hf_pack pack;

	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_describe(folder, "\"tag\": \"tiny@1\",", "\"tag\": \"a\", \"tag\": \"b\",");
	CHECK_CODE(hf_pack_open(folder, &pack, &err), HF_E_INVALID);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

TESTS(RUN_IN_FOLDER(a_pack_is_read_with_its_network), RUN(a_missing_pack_is_named_with_a_remedy),
      RUN_IN_FOLDER(a_network_that_is_not_the_hashed_one_is_refused),
      RUN_IN_FOLDER(a_network_that_is_missing_is_named),
      RUN_IN_FOLDER(each_wrong_entry_is_refused_by_its_key),
      RUN_IN_FOLDER(json_that_does_not_parse_is_told_with_its_place),
      RUN_IN_FOLDER(a_key_that_stands_twice_is_refused))
