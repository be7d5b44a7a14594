/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/thumbs.h"

#include <string.h>

#include "test.h"

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct hf_mono start = { .us = 1000000 };

static struct hf_thumbs thumbs;

static void with(uint32_t count)
{
	char name[HF_THUMB_NAME_BYTES];

	hf_thumbs_init(&thumbs, 5000, 300000);
	for (uint32_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "%064x", i);
		hf_thumbs_add(&thumbs, name);
	}
}

static void answered(enum hf_method method, long status, const char *type)
{
	struct hf_response response = { .status = status, .content_type = type };

	hf_thumbs_answered(&thumbs, method, &response, start, hf_random_real());
}

static enum hf_method next_method(void)
{
	enum hf_method method;
	const char *name;

	CHECK(hf_thumbs_next(&thumbs, start, &method, &name));
	return method;
}

TEST(only_a_content_addressed_name_is_taken)
{
	char name[HF_THUMB_NAME_BYTES];

	CHECK(hf_thumb_name("/var/lib/holdfast/thumbs/" SHA ".jpg", name));
	CHECK_TEXT(name, SHA);
	CHECK(hf_thumb_name(SHA ".jpg", name));
	CHECK(!hf_thumb_name("", name));
	CHECK(!hf_thumb_name("/thumbs/" SHA, name));
	CHECK(!hf_thumb_name("/thumbs/" SHA ".jpg.exe", name));
	CHECK(!hf_thumb_name("/thumbs/0" SHA ".jpg", name));
	CHECK(!hf_thumb_name("/thumbs/../../etc/passwd", name));
	CHECK(!hf_thumb_name("/thumbs/" SHA ".jpg/", name));
}

TEST(a_picture_the_hub_has_is_not_sent)
{
	with(1);
	CHECK_U64(next_method(), ==, HF_METHOD_HEAD);
	answered(HF_METHOD_HEAD, 200, "image/jpeg");
	CHECK_U64(thumbs.count, ==, 0);
	CHECK_U64(thumbs.sent, ==, 0);
}

TEST(a_picture_the_hub_lacks_is_sent_once)
{
	with(2);
	answered(HF_METHOD_HEAD, 404, NULL);
	CHECK_U64(next_method(), ==, HF_METHOD_PUT);
	answered(HF_METHOD_PUT, 201, NULL);
	CHECK_U64(thumbs.count, ==, 1);
	CHECK_U64(thumbs.sent, ==, 1);
	CHECK_U64(next_method(), ==, HF_METHOD_HEAD);
}

TEST(a_portals_200_does_not_count_as_having_it)
{
	with(1);
	answered(HF_METHOD_HEAD, 200, "text/html");
	CHECK_U64(next_method(), ==, HF_METHOD_PUT);
}

TEST(a_failure_waits_and_the_last_one_drops_the_picture)
{
	enum hf_method method;
	const char *name;

	with(2);
	for (unsigned i = 1; i < HF_THUMB_TRIES_MAX; i++) {
		answered(HF_METHOD_HEAD, 500, NULL);
		CHECK(!hf_thumbs_next(&thumbs, start, &method, &name));
		CHECK_U64(thumbs.count, ==, 2);
	}
	answered(HF_METHOD_HEAD, 500, NULL);
	CHECK_U64(thumbs.count, ==, 1);
	CHECK_U64(thumbs.dropped, ==, 1);
	CHECK(hf_thumbs_next(&thumbs, start, &method, &name));
}

TEST(a_full_list_drops_its_oldest)
{
	enum hf_method method;
	const char *name;
	char second[HF_THUMB_NAME_BYTES];

	with(HF_THUMBS_MAX + 1);
	CHECK_U64(thumbs.count, ==, HF_THUMBS_MAX);
	CHECK_U64(thumbs.dropped, ==, 1);
	CHECK(hf_thumbs_next(&thumbs, start, &method, &name));
	(void)snprintf(second, sizeof second, "%064x", 1);
	CHECK_TEXT(name, second);
}

TESTS(RUN(only_a_content_addressed_name_is_taken), RUN(a_picture_the_hub_has_is_not_sent),
      RUN(a_picture_the_hub_lacks_is_sent_once), RUN(a_portals_200_does_not_count_as_having_it),
      RUN(a_failure_waits_and_the_last_one_drops_the_picture), RUN(a_full_list_drops_its_oldest))
