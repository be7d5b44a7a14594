/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/golden.h"

#include "base/auto.h"
#include "infer/runtime.h"
#include "infer/tiny_pack.h"
#include "test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static struct hf_err err;
static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-golden-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	(void)state;
	return tiny_pack_remove(folder);
}

static struct hf_pack open_pack(void)
{
	struct hf_pack pack;

	CHECK_OK(hf_pack_open(folder, &pack, &err));
	return pack;
}

static enum hf_code golden(void)
{
	struct hf_pack pack = open_pack();
	struct hf_runtime *runtime = NULL;

	CHECK_OK(hf_runtime_open(&pack, &runtime, &err));
	enum hf_code code = hf_runtime_golden(runtime, &err);
	hf_runtime_close(runtime);
	return code;
}

/* FNV-1a of what tools/import/golden.mjs draws: the two must not drift apart. */
TEST(the_picture_is_the_one_that_the_importer_draws)
{
	static uint8_t picture[3 * 480 * 288];
	uint32_t hash = 2166136261U;

	hf_golden_picture(480, 288, picture);
	for (size_t i = 0; i < sizeof picture; i++)
		hash = (hash ^ picture[i]) * 16777619U;
	CHECK_U64(hash, ==, 0x8e2f636bU);
}

TEST(the_right_answer_is_right)
{
	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_golden(folder, 0);
	CHECK_OK(golden());
}

TEST(an_answer_that_is_a_little_off_is_wrong)
{
	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_golden(folder, 0.002);
	CHECK_CODE(golden(), HF_E_CORRUPT);
	CHECK(strstr(err.text, "scores[0]") != NULL);
}

TEST(values_that_are_not_numbers_are_wrong)
{
	tiny_pack_write(folder, TINY_NAN);
	tiny_pack_golden(folder, 0);
	CHECK_CODE(golden(), HF_E_CORRUPT);
}

TEST(a_fault_where_no_value_is_named_is_seen_in_the_mean)
{
	struct hf_pack_output output = { .key = "scores",
					 .golden = { .count = 1,
						     .at = { 3 },
						     .values = { 0.5F },
						     .mean = 0.5F,
						     .tolerance = 0.01F } };
	float values[1000];

	for (size_t i = 0; i < HF_ARRAY_LEN(values); i++)
		values[i] = 0.5F;
	CHECK_OK(hf_golden_compare(&output, values, HF_ARRAY_LEN(values), &err));
	values[700] = 1;
	CHECK_CODE(hf_golden_compare(&output, values, HF_ARRAY_LEN(values), &err), HF_E_CORRUPT);
	CHECK(strstr(err.text, "mean") != NULL);
	values[700] = NAN;
	CHECK_CODE(hf_golden_compare(&output, values, HF_ARRAY_LEN(values), &err), HF_E_CORRUPT);
	CHECK_CODE(hf_golden_compare(&output, values, 2, &err), HF_E_CORRUPT);
}

TEST(a_pack_without_it_is_taken_and_says_so)
{
	tiny_pack_write(folder, TINY_GOOD);
	CHECK(!open_pack().golden);
	CHECK_CODE(golden(), HF_E_NOENT);
}

TEST(a_golden_that_makes_no_sense_is_refused_by_its_key)
{
	static const struct {
		const char *from, *to, *key;
	} cases[] = {
		{ "figures-1", "figures-2", "golden.recipe" },
		{ "\"tolerance\": 0.05", "\"tolerance\": 0", "golden.outputs.tolerance" },
		{ "\"values\": [0, 50]", "\"values\": [0]", "golden.outputs" },
		{ "\"values\": [0, 50]", "\"values\": [0, null]", "golden.outputs.values" },
		{ "\"at\": [0, 2]", "\"at\": [0, -2]", "golden.outputs.at" },
		{ "\"dists\": {\"tol", "\"dist\": {\"tol", "golden.outputs" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		struct hf_pack pack;

		tiny_pack_write(folder, TINY_GOOD);
		tiny_pack_golden(folder, 0);
		tiny_pack_describe(folder, cases[i].from, cases[i].to);
		CHECK_CODE(hf_pack_open(folder, &pack, &err), HF_E_INVALID);
		if (strstr(err.text, cases[i].key) == NULL)
			fail_msg("%s does not name %s", err.text, cases[i].key);
	}
}

TEST(a_fallback_is_a_pack_of_its_own)
{
	struct hf_pack pack, small;

	tiny_pack_write(folder, TINY_GOOD);
	pack = open_pack();
	CHECK_CODE(hf_pack_open_fallback(&pack, &small, &err), HF_E_NOENT);
	tiny_pack_fallback(folder, TINY_GOOD);
	pack = open_pack();
	CHECK_TEXT(pack.fallback, "small");
	CHECK_OK(hf_pack_open_fallback(&pack, &small, &err));
	CHECK_TEXT(small.tag, "tiny@2");
	CHECK_TEXT(small.fallback, "");
	tiny_pack_describe(folder, "\"small\"", "\"../small\"");
	CHECK_CODE(hf_pack_open(folder, &pack, &err), HF_E_INVALID);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

TESTS(RUN(the_picture_is_the_one_that_the_importer_draws), RUN_IN_FOLDER(the_right_answer_is_right),
      RUN_IN_FOLDER(an_answer_that_is_a_little_off_is_wrong),
      RUN_IN_FOLDER(values_that_are_not_numbers_are_wrong),
      RUN(a_fault_where_no_value_is_named_is_seen_in_the_mean),
      RUN_IN_FOLDER(a_pack_without_it_is_taken_and_says_so),
      RUN_IN_FOLDER(a_golden_that_makes_no_sense_is_refused_by_its_key),
      RUN_IN_FOLDER(a_fallback_is_a_pack_of_its_own))
