/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/event.h"

#include "test.h"

#include <stdlib.h>
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

/* The language of origins as it was first written down: scanf, then one text for one origin. */
static bool scan_origin(const char *text, struct hf_origin *ret_origin)
{
	unsigned long long boot, run, n;
	char producer, canonical[HF_ORIGIN_BYTES];
	int length = -1;

	if (sscanf(text, "%20llu.%c.%20llu.%20llu%n", &boot, &producer, &run, &n, &length) != 4 ||
	    length < 0 || text[length] != '\0' || strchr("rsk", producer) == NULL || n == 0)
		return false;
	*ret_origin = (struct hf_origin){ .boot = boot, .run = run, .n = n, .producer = producer };
	hf_origin_text(ret_origin, canonical);
	return strcmp(canonical, text) == 0;
}

/* Is it one? */
static bool check_like_scanf(const char *text)
{
	struct hf_origin scanned = { 0 }, parsed = { 0 };
	struct hf_err err;
	bool wanted = scan_origin(text, &scanned);

	if ((hf_origin_parse(text, &parsed, &err) == HF_OK) != wanted)
		fail_msg("\"%s\" is %s origin", text, wanted ? "an" : "no");
	if (wanted && (parsed.boot != scanned.boot || parsed.run != scanned.run ||
		       parsed.n != scanned.n || parsed.producer != scanned.producer))
		fail_msg("\"%s\" is read as another", text);
	return wanted;
}

TEST(an_origin_is_what_scanf_reads_and_printf_would_write_again)
{
	static const char *const numbers[] = { "0",
					       "1",
					       "9",
					       "10",
					       "00",
					       "01",
					       "",
					       " 1",
					       "+1",
					       "-1",
					       "1 ",
					       "18446744073709551615",
					       "18446744073709551616",
					       "18446744073709551625",
					       "99999999999999999999",
					       "018446744073709551615",
					       "184467440737095516150",
					       "1844674407370955161",
					       "0x1" };
	static const char *const producers[] = { ".r.",  ".s.", ".k.", ".x.", ".R.",  "..",
						 ".rr.", "r",   ".r",  "r.",  ". r.", ".\xff." };
	const size_t count = sizeof numbers / sizeof numbers[0];
	unsigned good = 0;

	for (size_t boot = 0; boot < count; boot++)
		for (size_t p = 0; p < sizeof producers / sizeof producers[0]; p++)
			for (size_t run = 0; run < count; run++)
				for (size_t n = 0; n < count; n++) {
					char text[HF_ORIGIN_BYTES];

					(void)snprintf(text, sizeof text, "%s%s%s.%s",
						       numbers[boot], producers[p], numbers[run],
						       numbers[n]);
					good += check_like_scanf(text);
				}
	CHECK_U64(good, ==, 3 * 6 * 6 * 5); /* 0 is no n */
}

TEST(any_letters_in_an_origin_are_judged_as_scanf_judges_them)
{
	static const char letters[] = "0123456789..rsk \t\n+-x\x7f\xc3";
	uint64_t chance = 1;
	unsigned good = 0;

	for (unsigned round = 0; round < 300000; round++) {
		struct hf_origin one = { .producer = 'r' };
		char text[HF_ORIGIN_BYTES];

		one.boot = chance >> (chance & 63);
		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
		one.run = chance >> (chance >> 58);
		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
		one.n = chance >> (chance >> 58);
		hf_origin_text(&one, text);
		/* None, one or two letters are others than they were. */
		for (unsigned i = 0; i < round % 3; i++) {
			chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
			text[(chance >> 33) % strlen(text)] =
				letters[(chance >> 48) % (sizeof letters - 1)];
		}
		good += check_like_scanf(text);
	}
	CHECK_U64(good, >, 100000);
	CHECK_U64(good, <, 250000);
}

TEST(an_offer_is_sent_as_long_as_what_is_in_it_and_comes_back_whole)
{
	struct hf_err err;
	struct hf_offer offer, back;
	struct hf_event event = entry();
	uint8_t packed[sizeof offer];

	CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
	size_t size_bytes = hf_offer_pack(&offer, packed);
	CHECK_U64(size_bytes, ==,
		  HF_ORIGIN_BYTES + 2 * sizeof(uint32_t) + offer.head_bytes + offer.tail_bytes);
	memset(&back, 'x', sizeof back);
	CHECK_OK(hf_offer_unpack(packed, size_bytes, &back, &err));
	CHECK_TEXT(back.origin, offer.origin);
	CHECK_U64(back.head_bytes, ==, offer.head_bytes);
	CHECK_U64(back.tail_bytes, ==, offer.tail_bytes);
	CHECK_TEXT(back.head, offer.head);
	CHECK_TEXT(back.tail, offer.tail);
	CHECK_OK(hf_offer_check(&back, &err));
	/* The longest there are, and the shortest. */
	memset(&offer, 'y', sizeof offer);
	offer.head_bytes = sizeof offer.head - 1;
	offer.tail_bytes = sizeof offer.tail - 1;
	size_bytes = hf_offer_pack(&offer, packed);
	CHECK_U64(size_bytes, ==, sizeof offer - 2);
	CHECK_OK(hf_offer_unpack(packed, size_bytes, &back, &err));
	CHECK_U64(strlen(back.head), ==, offer.head_bytes);
	CHECK_U64(strlen(back.tail), ==, offer.tail_bytes);
	offer.head_bytes = offer.tail_bytes = 0;
	CHECK_OK(hf_offer_unpack(packed, hf_offer_pack(&offer, packed), &back, &err));
	CHECK_TEXT(back.head, "");
	CHECK_CODE(hf_offer_check(&back, &err), HF_E_INVALID);
}

/* An offer that says so of its sizes, in so many bytes: is it taken? Else nothing is touched. */
static bool taken(uint32_t head_bytes, uint32_t tail_bytes, size_t size_bytes)
{
	static struct hf_offer offer, untouched;
	struct hf_err err;
	/* Its own memory: a byte too much that is read is found. */
	uint8_t *packed = calloc(1, size_bytes + 1);

	assert_non_null(packed);
	memset(&untouched, 'u', sizeof untouched);
	offer = untouched;
	if (size_bytes >= HF_ORIGIN_BYTES + 8) {
		memcpy(packed + HF_ORIGIN_BYTES, &head_bytes, 4);
		memcpy(packed + HF_ORIGIN_BYTES + 4, &tail_bytes, 4);
	}
	enum hf_code code = hf_offer_unpack(packed, size_bytes, &offer, &err);
	if (code != HF_OK) {
		CHECK_U64(code, ==, HF_E_INVALID);
		assert_memory_equal(&offer, &untouched, sizeof offer);
	}
	free(packed);
	return code == HF_OK;
}

TEST(sizes_that_are_not_those_of_the_bytes_are_refused_and_nothing_is_touched)
{
	static const uint32_t sizes[] = { 0,
					  1,
					  300,
					  HF_OFFER_HEAD_BYTES - 1,
					  HF_OFFER_HEAD_BYTES,
					  HF_OFFER_TAIL_BYTES - 1,
					  HF_OFFER_TAIL_BYTES,
					  UINT32_MAX - HF_OFFER_HEAD_BYTES,
					  UINT32_MAX - HF_ORIGIN_BYTES - 7,
					  UINT32_MAX };
	const size_t count = sizeof sizes / sizeof sizes[0], sent_count = 7;
	const size_t beginning = HF_ORIGIN_BYTES + 8;
	unsigned good = 0;

	for (size_t said = 0; said < count * count; said++)
		for (size_t sent = 0; sent < sent_count * 3; sent++) {
			uint32_t head = sizes[said / count], tail = sizes[said % count];
			size_t size_bytes = beginning + sizes[sent / 3] + sent % 3 - 1;
			bool fits = head < HF_OFFER_HEAD_BYTES && tail < HF_OFFER_TAIL_BYTES &&
				    size_bytes == beginning + head + tail;

			if (taken(head, tail, size_bytes) != fits)
				fail_msg("%u and %u in %zu bytes", head, tail, size_bytes);
			/* All that there are, and the byte before and behind them. */
			size_bytes = beginning + (size_t)head + tail;
			if (size_bytes > 2 * sizeof(struct hf_offer))
				continue;
			fits = head < HF_OFFER_HEAD_BYTES && tail < HF_OFFER_TAIL_BYTES;
			if (taken(head, tail, size_bytes) != fits ||
			    taken(head, tail, size_bytes - 1) || taken(head, tail, size_bytes + 1))
				fail_msg("%u and %u in %zu bytes", head, tail, size_bytes);
			good += fits;
		}
	CHECK_U64(good, ==, 4 * 6 * sent_count * 3);
	CHECK(!taken(0, 0, 0));
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
      RUN(a_control_byte_is_found_wherever_it_stands),
      RUN(an_origin_is_what_scanf_reads_and_printf_would_write_again),
      RUN(any_letters_in_an_origin_are_judged_as_scanf_judges_them),
      RUN(an_offer_is_sent_as_long_as_what_is_in_it_and_comes_back_whole),
      RUN(sizes_that_are_not_those_of_the_bytes_are_refused_and_nothing_is_touched),
      RUN(an_event_that_does_not_fit_is_an_error))
