/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/event.h"

#include "test.h"

#include <string.h>

static const struct hf_event_context context = { .boot_id = "0f5e", .release = "r1" };
static const struct hf_origin origin = { .boot = 3, .run = 9, .n = 12, .producer = 'r' };

static struct hf_event entry(void)
{
	return (struct hf_event){ .event_class = "pre_action_zone_entry",
				  .captured_wall = { .ms = INT64_C(1776651453123) },
				  .captured_mono = { .us = 5000000 },
				  .layout_id = "4x4-std",
				  .camera_name = "CAM \"1\"\n",
				  .zone_id = "gate",
				  .has_dwell = true,
				  .dwell_s = 1.25,
				  .model_tag = "person@1",
				  .clock = "synced",
				  .state = HF_STATE_DEGRADED,
				  .attrs = "{\"track\":4}" };
}

TEST(head_and_tail_have_the_keys_in_their_order)
{
	struct hf_err err;
	struct hf_offer offer;
	struct hf_event event = entry();

	CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
	CHECK_TEXT(offer.origin, "3.r.9.12");
	CHECK_TEXT(offer.head,
		   "\"captured_at\":\"2026-04-20T02:17:33.123Z\",\"layout_id\":\"4x4-std\","
		   "\"camera_name\":\"CAM \\\"1\\\"\\u000a\",\"event_class\":"
		   "\"pre_action_zone_entry\",\"zone_id\":\"gate\",\"dwell_seconds\":1.2,"
		   "\"thumb_path\":null,\"model_tag\":\"person@1\",\"v\":1");
	CHECK_TEXT(offer.tail, "\"boot_id\":\"0f5e\",\"mono_ms\":5000,\"clock\":\"synced\","
			       "\"release\":\"r1\",\"state\":\"degraded\",\"attrs\":{\"track\":4}");
	CHECK_OK(hf_offer_check(&offer, &err));
}

TEST(an_offer_that_could_break_the_line_is_refused)
{
	struct hf_err err;
	struct hf_offer good, bad;
	struct hf_event event = entry();

	CHECK_OK(hf_offer_make(&event, &context, &origin, &good, &err));
	bad = good;
	bad.head[20] = '\n';
	CHECK_CODE(hf_offer_check(&bad, &err), HF_E_INVALID);
	bad = good;
	bad.tail[bad.tail_bytes - 3] = (char)0xff;
	CHECK_CODE(hf_offer_check(&bad, &err), HF_E_INVALID);
	bad = good;
	bad.head_bytes = HF_OFFER_HEAD_BYTES;
	CHECK_CODE(hf_offer_check(&bad, &err), HF_E_INVALID);
	bad = good;
	memset(bad.origin, 'x', sizeof bad.origin);
	CHECK_CODE(hf_offer_check(&bad, &err), HF_E_INVALID);
	bad = good;
	bad.head[1] = 'C';
	CHECK_CODE(hf_offer_check(&bad, &err), HF_E_INVALID);
}

TEST(an_origin_is_read_back_and_nonsense_is_not)
{
	static const char *const wrong[] = { "",
					     "1.r.2",
					     "1.x.2.3",
					     "1.r.2.0",
					     "1.r.2.3 ",
					     "a.r.2.3",
					     "1.r.2.3.4",
					     "1r23",
					     " 1.r.2.3",
					     "+1.r.2.3",
					     "1.r.02.3",
					     "1.r.2.03",
					     "1.r..3",
					     "1.rr.2.3",
					     "1.r.-2.3",
					     "1.r.2.",
					     "1",
					     "1.",
					     "1.r",
					     "1.r.",
					     "1.r.2",
					     "1.r.2.18446744073709551616",
					     "1.r.2.99999999999999999999" };
	struct hf_err err;
	struct hf_origin back;
	char text[HF_ORIGIN_BYTES];

	hf_origin_text(&origin, text);
	CHECK_OK(hf_origin_parse(text, &back, &err));
	CHECK_U64(back.n, ==, 12);
	CHECK_U64(back.run, ==, 9);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK_CODE(hf_origin_parse(wrong[i], &back, &err), HF_E_INVALID);
	CHECK_OK(hf_origin_parse("0.k.0.18446744073709551615", &back, &err));
	CHECK_U64(back.n, ==, UINT64_MAX);
}

TEST(a_control_byte_is_found_wherever_it_stands)
{
	struct hf_err err;
	struct hf_offer good, bad;
	struct hf_event event = entry();

	event.camera_name = "\xc3\xa4\xe2\x82\xac";
	CHECK_OK(hf_offer_make(&event, &context, &origin, &good, &err));
	CHECK_OK(hf_offer_check(&good, &err));
	for (uint32_t i = 14; i < good.head_bytes; i++) {
		static const char wrong[] = { '\0', '\n', 0x1f, (char)0xff };

		for (size_t k = 0; k < sizeof wrong; k++) {
			bad = good;
			bad.head[i] = wrong[k];
			CHECK_CODE(hf_offer_check(&bad, &err), HF_E_INVALID);
		}
		bad = good;
		bad.head[i] = ' ';
		if ((unsigned char)good.head[i] < 0x80)
			CHECK_OK(hf_offer_check(&bad, &err));
	}
}

TEST(an_event_that_does_not_fit_is_an_error)
{
	struct hf_err err;
	struct hf_offer offer;
	struct hf_event event = entry();
	static char name[4000];

	memset(name, 'n', sizeof name - 1);
	event.camera_name = name;
	CHECK_CODE(hf_offer_make(&event, &context, &origin, &offer, &err), HF_E_LIMIT);
}

TESTS(RUN(head_and_tail_have_the_keys_in_their_order),
      RUN(an_offer_that_could_break_the_line_is_refused),
      RUN(an_origin_is_read_back_and_nonsense_is_not),
      RUN(a_control_byte_is_found_wherever_it_stands), RUN(an_event_that_does_not_fit_is_an_error))
