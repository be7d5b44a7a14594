/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "test.h"

#include <string.h>

TEST(objects_arrays_and_values_come_out_compact_and_in_order)
{
	struct hf_err err;
	char text[128];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_u64(&json, "a", 1);
	hf_json_key(&json, "b");
	hf_json_array_open(&json);
	hf_json_real(&json, 1.25, 2);
	hf_json_null(&json);
	hf_json_bool(&json, true);
	hf_json_array_close(&json);
	hf_json_put_text(&json, "c", NULL);
	hf_json_object_close(&json);
	CHECK_OK(hf_json_end(&json, &err));
	CHECK_TEXT(text, "{\"a\":1,\"b\":[1.25,null,true],\"c\":null}");
}

TEST(a_newline_in_a_text_never_reaches_the_line)
{
	struct hf_err err;
	char text[128];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_text(&json, "a\nb\"c\\d\x01");
	CHECK_OK(hf_json_end(&json, &err));
	CHECK_TEXT(text, "\"a\\u000ab\\\"c\\\\d\\u0001\"");
}

TEST(a_broken_byte_is_found_wherever_it_stands)
{
	char text[40];

	for (size_t size = 0; size < sizeof text; size++)
		for (size_t at = 0; at < size; at++) {
			memset(text, 'a', size);
			CHECK_U64(hf_utf8_valid_prefix(text, size), ==, size);
			text[at] = (char)0xc3;
			CHECK_U64(hf_utf8_valid_prefix(text, size), ==, at);
			if (at + 1 == size)
				continue;
			text[at + 1] = (char)0xa4;
			CHECK_U64(hf_utf8_valid_prefix(text, size), ==, size);
		}
}

TEST(bytes_that_are_not_utf8_become_the_replacement_character)
{
	struct hf_err err;
	char text[128];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_text(&json, "a\xff\xc3\xa9\xed\xa0\x80");
	CHECK_OK(hf_json_end(&json, &err));
	CHECK_U64(hf_utf8_valid_prefix(text, strlen(text)), ==, strlen(text));
	CHECK(strstr(text, "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd") != NULL);
}

TEST(what_does_not_fit_is_an_error_and_never_half_a_value)
{
	struct hf_err err;
	char text[8];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_text(&json, "longer than eight");
	CHECK_CODE(hf_json_end(&json, &err), HF_E_LIMIT);
}

TEST(a_number_that_is_not_finite_is_null)
{
	struct hf_err err;
	char text[16];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_real(&json, 0.0 / 0.0, 1);
	CHECK_OK(hf_json_end(&json, &err));
	CHECK_TEXT(text, "null");
}

static bool is_object(const char *text)
{
	return hf_json_is_object(text, strlen(text));
}

TEST(whole_objects_are_recognised)
{
	static const char *const good[] = {
		"{}",
		"{ }",
		"{\"a\":1}",
		"{\"a\":-0.5e+10,\"b\":[1,2,{}],\"c\":null,\"d\":true}",
		"{\"a\":\"\\ud83d\\uDE00\",\"b\":9223372036854775807,\"c\":-1.5e308,\"d\":1e-999}",
		"{\"a\": [ ], \"b\" : \"\\u00e9\\n\\\\ \\\" \xc3\xa9\"}",
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!is_object(good[i]))
			fail_msg("refused: %s", good[i]);
}

TEST(anything_else_is_refused)
{
	static const char *const bad[] = {
		"",
		"{",
		"}",
		"[]",
		"null",
		"{}x",
		"{}{}",
		" {}",
		"{a:1}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":+1}",
		"{\"a\":.5}",
		"{\"a\":1e}",
		"{\"a\":1e999}",
		"{\"a\":9223372036854775808}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\ud83d\"}",
		"{\"a\":\"\\ud83d\\u0041\"}",
		"{\"a\":\"\\ude00\\ud83d\"}",
		"{\"a\":nul}",
		"{\"a\":\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\n\"}",
		"{\n}",
		"{\"a\":[1}",
		"{\"a\":{]}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\\",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (is_object(bad[i]))
			fail_msg("taken: %s", bad[i]);
	CHECK(!hf_json_is_object("{\"a\":\"\0\"}", 9));
	CHECK(!hf_json_is_object("{\"a\":\"\\\0\"}", 10));
}

TEST(depth_is_bounded)
{
	char text[4 * HF_JSON_DEPTH_MAX + 16] = "{\"a\":";

	memset(text + 5, '[', HF_JSON_DEPTH_MAX - 1);
	memset(text + 4 + HF_JSON_DEPTH_MAX, ']', HF_JSON_DEPTH_MAX - 1);
	text[3 + 2 * HF_JSON_DEPTH_MAX] = '}';
	CHECK(is_object(text));

	memset(text, 0, sizeof text);
	memcpy(text, "{\"a\":", 5);
	memset(text + 5, '[', HF_JSON_DEPTH_MAX);
	memset(text + 5 + HF_JSON_DEPTH_MAX, ']', HF_JSON_DEPTH_MAX);
	text[5 + 2 * HF_JSON_DEPTH_MAX] = '}';
	CHECK(!is_object(text));
}

TEST(what_the_writer_writes_is_an_object)
{
	struct hf_err err;
	char text[256];
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "text", "\x01\n\"\\ \xff \xc3\xa9");
	hf_json_put_real(&json, "real", -0.25, 3);
	hf_json_put_i64(&json, "i", -5);
	hf_json_key(&json, "list");
	hf_json_array_open(&json);
	hf_json_bool(&json, false);
	hf_json_null(&json);
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	CHECK_OK(hf_json_end(&json, &err));
	CHECK(is_object(text));
}

TESTS(RUN(objects_arrays_and_values_come_out_compact_and_in_order),
      RUN(a_newline_in_a_text_never_reaches_the_line),
      RUN(a_broken_byte_is_found_wherever_it_stands),
      RUN(bytes_that_are_not_utf8_become_the_replacement_character),
      RUN(what_does_not_fit_is_an_error_and_never_half_a_value),
      RUN(a_number_that_is_not_finite_is_null), RUN(whole_objects_are_recognised),
      RUN(anything_else_is_refused), RUN(depth_is_bounded),
      RUN(what_the_writer_writes_is_an_object))
