/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ledger.h"

#include "test.h"

#include <string.h>

static struct hf_err err;

static const struct hf_tick frame = { .layout = HF_LAYOUT_4X4,
				      .captured_mono = { 3000000 },
				      .captured_wall = { 1745114400000 } };

static struct hf_note view_changed(void)
{
	return (struct hf_note){ .event_class = "view_changed",
				 .attrs = "{\"from\":\"4x4-std\"}",
				 .captured_mono = { 2500000 },
				 .captured_wall = { 1745114399500 },
				 .layout = HF_LAYOUT_2X2 };
}

TEST(lines_are_whole_numbered_from_one_and_chained)
{
	struct hf_ledger ledger = hf_ledger_begin("test");
	struct hf_note note = view_changed();
	uint8_t chain[HF_CHAIN_BYTES] = { 0 }, expected[HF_CHAIN_BYTES];
	char data[HF_LINE_BYTES_MAX];

	for (uint64_t n = 1; n <= 3; n++) {
		struct hf_line line, again;

		CHECK_OK(hf_ledger_note(&ledger, &note, &frame, data, &line, &err));
		CHECK_OK(hf_line_parse(data, line.size_bytes, &again, &err));
		CHECK_U64(again.local_seq, ==, n);
		CHECK(hf_slice_is(&again.device_id, HF_LEDGER_DEVICE));
		hf_line_chain(chain, &again, expected);
		assert_memory_equal(again.chain, expected, sizeof expected);
		memcpy(chain, again.chain, sizeof chain);
	}
}

TEST(the_same_events_give_the_same_bytes)
{
	char data[2][HF_LINE_BYTES_MAX];
	struct hf_line line[2];

	for (int i = 0; i < 2; i++) {
		struct hf_ledger ledger = hf_ledger_begin("test");
		struct hf_note note = view_changed();

		CHECK_OK(hf_ledger_note(&ledger, &note, &frame, data[i], &line[i], &err));
	}
	CHECK_U64(line[0].size_bytes, ==, line[1].size_bytes);
	assert_memory_equal(data[0], data[1], line[0].size_bytes);
}

TEST(a_note_without_a_moment_has_that_of_its_frame)
{
	struct hf_ledger ledger = hf_ledger_begin("test");
	struct hf_note note = view_changed();
	char data[HF_LINE_BYTES_MAX];
	struct hf_line line;

	CHECK_OK(hf_ledger_note(&ledger, &note, &frame, data, &line, &err));
	CHECK(hf_slice_is(&line.captured_at, "2025-04-20T01:59:59.500Z"));
	CHECK(hf_slice_is(&line.layout_id, "2x2-std"));
	note.captured_mono.us = 0;
	note.layout = HF_LAYOUT_UNKNOWN;
	CHECK_OK(hf_ledger_note(&ledger, &note, &frame, data, &line, &err));
	CHECK(hf_slice_is(&line.captured_at, "2025-04-20T02:00:00.000Z"));
	CHECK(line.layout_id.data == NULL);
}

TEST(what_is_no_event_takes_no_number)
{
	struct hf_ledger ledger = hf_ledger_begin("test");
	struct hf_offer offer = { .origin = "1.r.1.1", .head = "rubbish", .head_bytes = 7 };
	char data[HF_LINE_BYTES_MAX];
	struct hf_line line;

	CHECK(hf_ledger_offer(&ledger, &offer, data, &line, &err) != HF_OK);
	CHECK_U64(ledger.seq_last, ==, 0);
}

TESTS(RUN(lines_are_whole_numbered_from_one_and_chained), RUN(the_same_events_give_the_same_bytes),
      RUN(a_note_without_a_moment_has_that_of_its_frame), RUN(what_is_no_event_takes_no_number))
