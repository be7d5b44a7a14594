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

static bool is_plain(const char *text)
{
	return hf_json_is_plain_object(text, strlen(text));
}

TEST(a_plain_object_has_no_key_twice)
{
	static const char *const good[] = {
		"{}",
		"{\"a\":1,\"b\":{\"a\":2,\"c\":[{\"a\":3},{\"a\":4}]},\"c\":5}",
		"{\"a\":\"\\u0061\",\"aa\":0,\"\":0}",
	};
	static const char *const bad[] = {
		"{\"a\":1,\"a\":1}",
		"{\"a\":1,\"b\":{\"c\":[]},\"a\":1}",
		"{\"b\":[{\"c\":0,\"d\":0,\"c\":0}]}",
		"{\"\":1,\"\":1}",
		"{\"a\":1,\"\\u0061\":1}",
		"{\"\\u0061\":1}",
		"{\"a\":01}",
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!is_plain(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (is_plain(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

TEST(keys_that_are_compared_are_bounded)
{
	char text[2048], key[8];

	for (unsigned count = HF_JSON_KEYS_MAX; count <= HF_JSON_KEYS_MAX + 1; count++) {
		struct hf_err err;
		struct hf_json json = hf_json_begin(text, sizeof text);

		hf_json_object_open(&json);
		for (unsigned i = 0; i < count; i++) {
			(void)snprintf(key, sizeof key, "k%u", i);
			hf_json_put_u64(&json, key, i);
		}
		hf_json_object_close(&json);
		CHECK_OK(hf_json_end(&json, &err));
		CHECK(is_object(text));
		CHECK(is_plain(text) == (count == HF_JSON_KEYS_MAX));
	}
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

/* RFC 3629 the long way: what a letter is, not what its bytes look like. */
static size_t letter_bytes(const unsigned char *s, size_t size_bytes)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80             ? 1
			: (s[0] & 0xe0) == 0xc0 ? 2
			: (s[0] & 0xf0) == 0xe0 ? 3
			: (s[0] & 0xf8) == 0xf0 ? 4
						: 0;

	if (length <= 1 || length > size_bytes)
		return length <= size_bytes ? length : 0;
	uint32_t letter = s[0] & (0xffU >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		letter = letter << 6 | (s[i] & 0x3f);
	}
	return letter >= least[length] && letter <= 0x10ffff && (letter < 0xd800 || letter > 0xdfff)
		       ? length
		       : 0;
}

static size_t prefix_by_letters(const char *text, size_t size_bytes, unsigned char least)
{
	size_t i = 0;

	while (i < size_bytes && (unsigned char)text[i] >= least) {
		size_t length = letter_bytes((const unsigned char *)text + i, size_bytes - i);

		if (length == 0)
			break;
		i += length;
	}
	return i;
}

static void escape_by_letters(const char *text, size_t size_bytes, char *ret_text)
{
	char *at = ret_text;

	*at++ = '"';
	for (size_t i = 0; i < size_bytes;) {
		size_t length = letter_bytes((const unsigned char *)text + i, size_bytes - i);
		unsigned char c = (unsigned char)text[i];

		if (length == 0)
			at += sprintf(at, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			at += sprintf(at, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			at += sprintf(at, "\\u%04x", c);
		else
			for (size_t k = 0; k < length; k++)
				*at++ = text[i + k];
		i += length == 0 ? 1 : length;
	}
	*at++ = '"';
	*at = '\0';
}

static void check_like_letters(const char *text, size_t size_bytes)
{
	char wanted[1024], got[1024];
	struct hf_err err;
	struct hf_json json = hf_json_begin(got, sizeof got);

	CHECK_U64(hf_utf8_valid_prefix(text, size_bytes), ==,
		  prefix_by_letters(text, size_bytes, 0));
	CHECK_U64(hf_utf8_line_prefix(text, size_bytes), ==,
		  prefix_by_letters(text, size_bytes, 0x20));
	escape_by_letters(text, size_bytes, wanted);
	hf_json_text_n(&json, text, size_bytes);
	CHECK_OK(hf_json_end(&json, &err));
	CHECK_TEXT(got, wanted);
}

TEST(any_byte_at_any_place_is_judged_as_if_it_were_looked_at_alone)
{
	char text[80];

	for (unsigned byte = 0; byte < 256; byte++)
		for (size_t size_bytes = 1; size_bytes < 70; size_bytes++)
			for (size_t at = 0; at < size_bytes; at++) {
				memset(text, 'a', sizeof text);
				text[at] = (char)byte;
				check_like_letters(text, size_bytes);
			}
}

TEST(any_mixture_is_judged_letter_by_letter)
{
	static const char *const pieces[] = {
		"a",
		"plain and longer than eight",
		"\"",
		"\\",
		"\n",
		"\x1f",
		" ",
		"\x7f",
		"~",
		"\x80",
		"\xc2\x80",
		"\xc3\xa9",
		"\xc3",
		"\xc1\xbf",
		"\xe0\xa0\x80",
		"\xe0\x9f\xbf",
		"\xed\x9f\xbf",
		"\xed\xa0\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5",
		"\xff",
		"\xf0\x9f\x98",
	};
	const size_t count = sizeof pieces / sizeof pieces[0];
	uint64_t chance = 1;

	for (unsigned round = 0; round < 50000; round++) {
		char text[160];
		size_t size_bytes = 0;

		while (size_bytes < 100) {
			chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
			/* Mostly plain, so that whole words of it occur. */
			const char *piece =
				pieces[(chance >> 33) % 3 != 0 ? (chance >> 40) % 2
							       : (chance >> 40) % count];

			memcpy(text + size_bytes, piece, strlen(piece));
			size_bytes += strlen(piece);
		}
		/* Cut anywhere, in a letter too. */
		check_like_letters(text, size_bytes - (chance >> 50) % 30);
	}
}

TEST(whole_numbers_have_their_digits_and_their_sign)
{
	static const int64_t values[] = {
		0, 1, 9, 10, -1, -10, 999, 1000, -4096, INT64_C(1) << 53, -(INT64_C(1) << 53)
	};

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		char text[64], wanted[64];
		struct hf_err err;
		struct hf_json json = hf_json_begin(text, sizeof text);

		hf_json_i64(&json, values[i]);
		CHECK_OK(hf_json_end(&json, &err));
		(void)snprintf(wanted, sizeof wanted, "%lld", (long long)values[i]);
		CHECK_TEXT(text, wanted);
		if (values[i] < 0)
			continue;
		json = hf_json_begin(text, sizeof text);
		hf_json_u64(&json, (uint64_t)values[i]);
		CHECK_OK(hf_json_end(&json, &err));
		CHECK_TEXT(text, wanted);
	}
}

TESTS(RUN(objects_arrays_and_values_come_out_compact_and_in_order),
      RUN(a_newline_in_a_text_never_reaches_the_line),
      RUN(a_broken_byte_is_found_wherever_it_stands),
      RUN(bytes_that_are_not_utf8_become_the_replacement_character),
      RUN(what_does_not_fit_is_an_error_and_never_half_a_value),
      RUN(a_number_that_is_not_finite_is_null), RUN(whole_objects_are_recognised),
      RUN(anything_else_is_refused), RUN(a_plain_object_has_no_key_twice),
      RUN(keys_that_are_compared_are_bounded), RUN(depth_is_bounded),
      RUN(what_the_writer_writes_is_an_object),
      RUN(any_byte_at_any_place_is_judged_as_if_it_were_looked_at_alone),
      RUN(any_mixture_is_judged_letter_by_letter),
      RUN(whole_numbers_have_their_digits_and_their_sign))
