/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what passes here is JSON, and what it refuses is not, but for keys with
 * escapes and NUL bytes, which jansson lets pass in places. What passes
 * hf_json_is_plain_object(), jansson takes too.
 *
 * Method: jansson judges the same bytes. The bytes are a few good objects and hundreds of thousands of
 * mutations of them: bytes changed, removed, doubled, replaced by pieces of JSON, from a fixed seed.
 */
#include "hub/members.h"

#include "base/json.h"
#include "test.h"

#include <jansson.h>
#include <string.h>

static struct hf_err err;
static struct hf_members members;

static bool passes(const char *text, size_t size_bytes)
{
	return hf_members_read(text, size_bytes, &members, &err) == HF_OK;
}

static bool has_escaped_key(const json_t *object, const char *text, size_t size_bytes)
{
	char quoted[256];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		(void)snprintf(quoted, sizeof quoted, "\"%s\"", key);
		if (memmem(text, size_bytes, quoted, strlen(quoted)) == NULL)
			return true;
	}
	return false;
}

static bool has_byte_of(const char *text, size_t size_bytes, const char *bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		if (text[i] != '\0' && strchr(bytes, text[i]) != NULL)
			return true;
	return false;
}

/* What the short way takes is good; and what is good and has neither an escape nor spaces that are
 * no spaces, it takes. */
static void check_plain(const char *text, size_t size_bytes, bool good)
{
	bool passed = hf_json_is_plain_object(text, size_bytes);

	if (passed && !good)
		fail_msg("plain, but not JSON: %.*s", (int)size_bytes, text);
	if (!passed && good && text[0] == '{' && text[size_bytes - 1] == '}' &&
	    !has_byte_of(text, size_bytes, "\\\t\r\n"))
		fail_msg("not plain: %.*s", (int)size_bytes, text);
}

static void check_same(const char *text, size_t size_bytes)
{
	json_error_t json_err;
	json_t *json = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, &json_err);
	bool good = json_is_object(json) && memchr(text, '\0', size_bytes) == NULL;
	bool passed = passes(text, size_bytes);

	if (passed && !good)
		fail_msg("passed, but %s: %.*s", json_err.text, (int)size_bytes, text);
	if (!passed && good && !has_escaped_key(json, text, size_bytes))
		fail_msg("refused (%s): %.*s", err.text, (int)size_bytes, text);
	if (passed)
		CHECK_U64(members.count, ==, json_object_size(json));
	check_plain(text, size_bytes, good);
	json_decref(json);
}

static const char *const seeds[] = {
	("{\"device_id\":\"unit-1\",\"local_seq\":7,\"zone_id\":null,\"dwell_seconds\":1.5,"
	 "\"attrs\":{\"a\":[1,-2.5e3,{\"b\":true}],\"c\":\"\\u00e9\\ud83d\\ude00\"},\"x\":false}"),
	"{ \"a\" : -0.0 , \"b\":\t[], \"c\" : {} ,\"d\":1E9,\"e\":\"\xc3\xa9\xf0\x9f\x98\x80\" }",
	"{}",
	"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	"{\"a\":{\"a\":{\"a\":[[[]]]}},\"b\":0,\"c\":-1,\"d\":123456789012345678}",
};

static const char *const pieces[] = {
	"\"",
	"\\",
	"\\u",
	"\\ud800",
	"\\u0000",
	"{",
	"}",
	"[",
	"]",
	",",
	":",
	"0",
	"-",
	".",
	"e",
	"1e999",
	"00",
	"nul",
	"true",
	"\"a\":1,",
	"\x01",
	"\x7f",
	"\xff",
	"\xc3",
	" ",
	"\n",
	"1.",
	"+1",
	".5",
	"1.e3",
	"9999999999999999999",
	"-0",
	"\xed\xa0\x80",
	"\\udc00",
	"\\x",
	"\"\"",
	"//",
	"NaN",
	"\0",
	"\"b\":",
};

static uint64_t rng_state;

static size_t below(size_t limit)
{
	rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)((rng_state >> 33) % limit);
}

static size_t mutate(char *text, size_t size_bytes, size_t size_bytes_max)
{
	size_t at = below(size_bytes + 1);
	const char *piece = pieces[below(sizeof pieces / sizeof pieces[0])];
	size_t piece_bytes = *piece == '\0' ? 1 : strlen(piece);

	switch (below(4)) {
	case 0:
		if (at < size_bytes)
			text[at] = (char)below(256);
		return size_bytes;
	case 1:
		if (at < size_bytes)
			memmove(text + at, text + at + 1, --size_bytes - at);
		return size_bytes;
	case 2:
		if (at + piece_bytes <= size_bytes)
			memcpy(text + at, piece, piece_bytes);
		return size_bytes;
	default:
		if (size_bytes + piece_bytes > size_bytes_max)
			return size_bytes;
		memmove(text + at + piece_bytes, text + at, size_bytes - at);
		memcpy(text + at, piece, piece_bytes);
		return size_bytes + piece_bytes;
	}
}

TEST(it_agrees_with_jansson_on_mutations_of_good_objects)
{
	char text[512];

	rng_state = 1;
	for (size_t i = 0; i < 300000; i++) {
		const char *seed = seeds[i % (sizeof seeds / sizeof seeds[0])];
		size_t size_bytes = strlen(seed);

		memcpy(text, seed, size_bytes);
		for (size_t n = below(4); n < 4; n++) {
			check_same(text, size_bytes);
			size_bytes = mutate(text, size_bytes, sizeof text);
		}
		check_same(text, size_bytes);
	}
}

TEST(every_prefix_of_a_good_object_is_refused)
{
	for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
		CHECK(passes(seeds[i], strlen(seeds[i])));
		for (size_t n = 0; n < strlen(seeds[i]) - 1; n++)
			check_same(seeds[i], n);
	}
}

TEST(members_are_found_in_any_order_and_texts_are_resolved)
{
	static const char text[] =
		"{\"b\":\"x\\u00e9\\\"\",\"a\":-12,\"c\":\"plain\",\"d\":{\"e\":1}}";
	char got[8];
	size_t hint = 0;

	CHECK(passes(text, sizeof text - 1));
	const struct hf_member *a = hf_members_find(&members, "a", &hint);
	CHECK_I64(hf_member_integer(a), ==, -12);
	CHECK(hf_member_text(hf_members_find(&members, "b", &hint), got, sizeof got));
	CHECK_TEXT(got, "x\xc3\xa9\"");
	CHECK(hf_member_text(hf_members_find(&members, "c", &hint), got, sizeof got));
	CHECK_TEXT(got, "plain");
	CHECK(!hf_member_text(hf_members_find(&members, "c", &hint), got, 5));
	CHECK(!hf_member_text(hf_members_find(&members, "b", &hint), got, 4));
	const struct hf_member *d = hf_members_find(&members, "d", &hint);
	CHECK_U64(d->kind, ==, HF_MEMBER_OBJECT);
	CHECK_U64(d->value_bytes, ==, 7);
	CHECK(hf_members_find(&members, "e", &hint) == NULL);
	CHECK(hf_members_find(&members, "", &hint) == NULL);
}

TEST(a_key_must_look_like_itself)
{
	CHECK(!passes("{\"\\u0061\":1}", 12));
	CHECK(!passes("{\"a\":1,\"\\u0061\":1}", 18));
	CHECK(!passes("{\"a\":1,\"a\":1}", 13));
}

TEST(a_nul_is_refused_also_where_jansson_overlooks_it)
{
	CHECK(!passes("{\"a\":0\0}", 8));
	CHECK(!passes("{\"a\":[1\0]}", 10));
}

TEST(more_members_than_the_limit_are_refused)
{
	char text[1024];
	struct hf_json json = hf_json_begin(text, sizeof text);
	char key[8];

	hf_json_object_open(&json);
	for (unsigned i = 0; i <= HF_MEMBERS_MAX; i++) {
		(void)snprintf(key, sizeof key, "k%u", i);
		hf_json_put_u64(&json, key, i);
	}
	hf_json_object_close(&json);
	CHECK_OK(hf_json_end(&json, &err));
	CHECK(!passes(text, json.size_bytes));
}

TESTS(RUN(it_agrees_with_jansson_on_mutations_of_good_objects),
      RUN(every_prefix_of_a_good_object_is_refused),
      RUN(members_are_found_in_any_order_and_texts_are_resolved), RUN(a_key_must_look_like_itself),
      RUN(a_nul_is_refused_also_where_jansson_overlooks_it),
      RUN(more_members_than_the_limit_are_refused))
