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

TESTS(RUN(objects_arrays_and_values_come_out_compact_and_in_order),
      RUN(a_newline_in_a_text_never_reaches_the_line),
      RUN(bytes_that_are_not_utf8_become_the_replacement_character),
      RUN(what_does_not_fit_is_an_error_and_never_half_a_value),
      RUN(a_number_that_is_not_finite_is_null))
