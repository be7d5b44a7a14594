/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/line.h"

#include "outbox/testing.h"

static const uint8_t zeros[HF_CHAIN_BYTES];

static struct hf_line make(uint64_t n, char *data)
{
	struct hf_err err = { 0 };
	struct hf_offer offer = test_offer(n);
	struct hf_line line;
	struct hf_line_stamp stamp = { .device_id = TEST_DEVICE,
				       .epoch = TEST_EPOCH,
				       .local_seq = 41 + n,
				       .chain_previous = zeros };

	CHECK_OK(hf_line_make(&offer, &stamp, data, &line, &err));
	return line;
}

TEST(a_line_reads_back_as_it_was_made)
{
	struct hf_err err = { 0 };
	char data[HF_LINE_BYTES_MAX];
	struct hf_line made = make(1, data), line;

	CHECK_OK(hf_line_parse(data, made.size_bytes, &line, &err));
	CHECK_U64(line.local_seq, ==, 42);
	CHECK_U64(line.crc32c, ==, made.crc32c);
	assert_memory_equal(line.chain, made.chain, HF_CHAIN_BYTES);
	CHECK(hf_slice_is(&line.device_id, TEST_DEVICE));
	CHECK(hf_slice_is(&line.captured_at, "2026-04-20T12:00:00.000Z"));
	CHECK(hf_slice_is(&line.layout_id, "4x4-std"));
	CHECK(hf_slice_is(&line.camera_name, "gate \\\"north\\\""));
	CHECK(hf_slice_is(&line.event_class, "pre_action_zone_entry"));
	CHECK(hf_slice_is(&line.zone_id, "z1"));
	CHECK(line.thumb_path.data == NULL);
	CHECK(hf_slice_is(&line.epoch, TEST_EPOCH));
	CHECK(hf_slice_is(&line.origin, "3.r.1.1"));
	CHECK(hf_slice_is(&line.attrs, "{\"score\":0.91,\"box\":[1,2,3,4]}"));
	CHECK(data[made.size_bytes - 1] == '\n');
}

TEST(a_line_has_the_written_shape_to_the_byte)
{
	char data[HF_LINE_BYTES_MAX], expected[HF_LINE_BYTES_MAX];
	struct hf_line line = make(1, data);

	int size = snprintf(
		expected, sizeof expected,
		"{\"device_id\":\"unit-7\",\"local_seq\":42,"
		"\"captured_at\":\"2026-04-20T12:00:00.000Z\",\"layout_id\":\"4x4-std\","
		"\"camera_name\":\"gate \\\"north\\\"\",\"event_class\":\"pre_action_zone_entry\","
		"\"zone_id\":\"z1\",\"dwell_seconds\":%.1f,\"thumb_path\":null,"
		"\"model_tag\":\"person-v7@a1f2c9\",\"v\":1,\"epoch\":\"00112233aabbccdd\","
		"\"boot_id\":\"" TEST_BOOT "\",\"mono_ms\":1,\"clock\":\"synced\","
		"\"release\":\"r1\",\"state\":\"healthy\","
		"\"attrs\":{\"score\":0.91,\"box\":[1,2,3,4]},\"origin\":\"3.r.1.1\",\"chain\":\"",
		1.05);
	assert_memory_equal(data, expected, (size_t)size);
	CHECK_U64(line.size_bytes, ==, (size_t)size + 64 + 1 + HF_LINE_CRC_END_BYTES);
}

TEST(no_flipped_bit_goes_unnoticed)
{
	struct hf_err err = { 0 };
	char data[HF_LINE_BYTES_MAX];
	struct hf_line made = make(1, data), line;

	for (size_t bit = 0; bit < 8 * made.size_bytes; bit++) {
		data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
		CHECK_CODE(hf_line_parse(data, made.size_bytes, &line, &err), HF_E_CORRUPT);
		data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
	}
}

TEST(no_part_of_a_line_is_a_line)
{
	struct hf_err err = { 0 };
	char data[HF_LINE_BYTES_MAX];
	struct hf_line made = make(1, data), line;

	for (size_t size = 0; size < made.size_bytes; size++)
		CHECK_CODE(hf_line_parse(data, size, &line, &err), HF_E_CORRUPT);
}

TEST(an_altered_line_with_a_new_crc_breaks_the_chain)
{
	char data[HF_LINE_BYTES_MAX];
	uint8_t chain[HF_CHAIN_BYTES];
	struct hf_line line = make(1, data);

	hf_line_chain(zeros, &line, chain);
	assert_memory_equal(chain, line.chain, HF_CHAIN_BYTES);
	data[30]++;
	hf_line_chain(zeros, &line, chain);
	CHECK(memcmp(chain, line.chain, HF_CHAIN_BYTES) != 0);
}

static void refuse(const struct hf_offer *offer, enum hf_code expected)
{
	struct hf_err err = { 0 };
	char data[HF_LINE_BYTES_MAX];
	struct hf_line line;
	struct hf_line_stamp stamp = { .device_id = TEST_DEVICE,
				       .epoch = TEST_EPOCH,
				       .local_seq = 1,
				       .chain_previous = zeros };

	CHECK_CODE(hf_line_make(offer, &stamp, data, &line, &err), expected);
}

TEST(an_offer_that_would_not_read_back_is_refused)
{
	struct hf_offer good = test_offer(1), bad = good;

	/* Keys in another order: a second event_class, hidden behind the first. */
	bad.head_bytes = (uint32_t)snprintf(bad.head, sizeof bad.head,
					    "\"captured_at\":\"x\",\"event_class\":\"y\"");
	refuse(&bad, HF_E_INVALID);
	bad = good;
	bad.tail[bad.tail_bytes - 1] = ' ';
	refuse(&bad, HF_E_INVALID);
	bad = good;
	bad.head[20] = '\n';
	refuse(&bad, HF_E_INVALID);
	bad = good;
	bad.head[20] = (char)0xff;
	refuse(&bad, HF_E_INVALID);
	bad = good;
	bad.tail_bytes++;
	refuse(&bad, HF_E_INVALID);
	(void)snprintf(bad.origin, sizeof bad.origin, "3.r. 1.1");
	bad.tail_bytes--;
	refuse(&bad, HF_E_INVALID);
	(void)snprintf(bad.origin, sizeof bad.origin, "3.x.1.1");
	refuse(&bad, HF_E_INVALID);
}

TEST(an_event_of_the_largest_size_still_makes_a_line)
{
	struct hf_err err = { 0 };
	static char attrs[HF_ATTRS_BYTES];
	struct hf_offer offer;
	struct hf_event_context context = { .boot_id = TEST_BOOT, .release = "r" };
	struct hf_origin origin = { .boot = 1, .run = 1, .n = 1, .producer = 's' };
	struct hf_event event = { .event_class = "c", .clock = "synced", .attrs = attrs };
	char data[HF_LINE_BYTES_MAX];
	struct hf_line line, again;
	struct hf_line_stamp stamp = { .device_id = TEST_DEVICE,
				       .epoch = TEST_EPOCH,
				       .local_seq = UINT64_C(1) << 53,
				       .chain_previous = zeros };

	memset(attrs, 'a', sizeof attrs);
	memcpy(attrs, "{\"k\":\"", 6);
	memcpy(attrs + sizeof attrs - 3, "\"}", 3);
	CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
	CHECK_OK(hf_line_make(&offer, &stamp, data, &line, &err));
	CHECK_OK(hf_line_parse(data, line.size_bytes, &again, &err));
	stamp.local_seq++;
	CHECK_CODE(hf_line_make(&offer, &stamp, data, &line, &err), HF_E_LIMIT);
}

TEST(a_number_is_legible_as_long_as_its_comma_is)
{
	char data[HF_LINE_BYTES_MAX];
	struct hf_line line = make(1, data);
	const char *comma = strstr(data, "42,") + 2;

	CHECK_U64(hf_line_seq_legible(data, line.size_bytes / 2), ==, 42);
	CHECK_U64(hf_line_seq_legible(data, (size_t)(comma - data) + 1), ==, 42);
	CHECK_U64(hf_line_seq_legible(data, (size_t)(comma - data)), ==, 0);
	CHECK_U64(hf_line_seq_legible("\0\0\0\0", 4), ==, 0);
}

TEST(attrs_are_found_by_key)
{
	const char text[] = "{\"first_seq\":7,\"previous\":\"a.jsonl\",\"none\":null}";
	struct hf_slice attrs = { .data = text, .size_bytes = sizeof text - 1 };
	uint64_t value;
	char name[8], small[4];

	CHECK(hf_attrs_u64(&attrs, "first_seq", &value));
	CHECK_U64(value, ==, 7);
	CHECK(hf_attrs_text(&attrs, "previous", name, sizeof name));
	CHECK_TEXT(name, "a.jsonl");
	CHECK(!hf_attrs_text(&attrs, "previous", small, sizeof small));
	CHECK(!hf_attrs_text(&attrs, "none", name, sizeof name));
	CHECK(!hf_attrs_u64(&attrs, "missing", &value));
}

TESTS(RUN(a_line_reads_back_as_it_was_made), RUN(a_line_has_the_written_shape_to_the_byte),
      RUN(no_flipped_bit_goes_unnoticed), RUN(no_part_of_a_line_is_a_line),
      RUN(an_altered_line_with_a_new_crc_breaks_the_chain),
      RUN(an_offer_that_would_not_read_back_is_refused),
      RUN(an_event_of_the_largest_size_still_makes_a_line),
      RUN(a_number_is_legible_as_long_as_its_comma_is), RUN(attrs_are_found_by_key))
