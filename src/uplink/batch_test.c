/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/batch.h"

#include "base/auto.h"

#include <string.h>

#include "test.h"

static struct hf_batch *fresh(void)
{
	struct hf_batch *batch = malloc(sizeof *batch);

	CHECK(batch != NULL);
	hf_batch_clear(batch);
	return batch;
}

static const struct hf_batch_owner owner = { .device_id = "unit-7", .epoch = "e" };

static bool add(struct hf_batch *batch, const char *text, uint64_t seq)
{
	struct hf_batch_line line = { .seq = seq, .size_bytes = strlen(text) };

	return hf_batch_add(batch, text, &owner, &line);
}

TEST(lines_stand_in_a_batch_as_they_were_stored)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();

	CHECK(add(batch, "one\n", 5));
	CHECK(add(batch, "three\n", 7));
	CHECK_U64(batch->size_bytes, ==, 10);
	CHECK(memcmp(batch->data, "one\nthree\n", 10) == 0);
	CHECK_U64(hf_batch_bytes(batch, 0), ==, 0);
	CHECK_U64(hf_batch_bytes(batch, 1), ==, 4);
	CHECK_U64(hf_batch_bytes(batch, 2), ==, 10);
}

TEST(a_line_of_another_owner_waits_until_the_batch_is_empty)
{
	static const struct hf_batch_owner others[] = { { .device_id = "unit-7", .epoch = "f" },
							{ .device_id = "unit-8", .epoch = "e" } };
	const struct hf_batch_line line = { .seq = 2, .size_bytes = 2 };

	for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
		HF_AUTO_FREE struct hf_batch *batch = fresh();

		CHECK(add(batch, "a\n", 1));
		CHECK(!hf_batch_add(batch, "b\n", &others[i], &line));
		CHECK_U64(batch->line_count, ==, 1);
		hf_batch_leave(batch, 1);
		CHECK(hf_batch_add(batch, "b\n", &others[i], &line));
		CHECK_TEXT(batch->owner.device_id, others[i].device_id);
		CHECK_TEXT(batch->owner.epoch, others[i].epoch);
	}
}

TEST(a_full_batch_takes_no_more_and_stays_whole)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();
	static char text[HF_LINE_BYTES_MAX];
	struct hf_batch_line line = { .size_bytes = sizeof text };
	uint64_t seq = 0;

	memset(text, 'x', sizeof text);
	for (line.seq = 1; hf_batch_add(batch, text, &owner, &line); line.seq++)
		seq++;
	CHECK_U64(seq, ==, HF_BATCH_BYTES_MAX / HF_LINE_BYTES_MAX);
	CHECK_U64(batch->size_bytes, ==, seq * HF_LINE_BYTES_MAX);
	hf_batch_clear(batch);
	for (seq = 0; add(batch, "y\n", seq + 1);)
		seq++;
	CHECK_U64(seq, ==, HF_BATCH_LINES_MAX);
}

TEST(lines_up_to_a_number_are_counted_over_holes)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();

	CHECK(add(batch, "a\n", 5));
	CHECK(add(batch, "b\n", 9));
	CHECK_U64(hf_batch_through(batch, 4), ==, 0);
	CHECK_U64(hf_batch_through(batch, 5), ==, 1);
	CHECK_U64(hf_batch_through(batch, 8), ==, 1);
	CHECK_U64(hf_batch_through(batch, 9), ==, 2);
	CHECK_U64(hf_batch_through(batch, 100), ==, 2);
}

TEST(lines_that_leave_make_room_and_the_rest_stays_in_order)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();

	CHECK(add(batch, "a\n", 1));
	CHECK(add(batch, "bb\n", 2));
	CHECK(add(batch, "ccc\n", 3));
	hf_batch_leave(batch, 2);
	CHECK_U64(batch->line_count, ==, 1);
	CHECK_U64(batch->lines[0].seq, ==, 3);
	CHECK(add(batch, "d\n", 4));
	CHECK_U64(batch->size_bytes, ==, 6);
	CHECK(memcmp(batch->data, "ccc\nd\n", 6) == 0);
	hf_batch_leave(batch, 2);
	CHECK_U64(batch->size_bytes, ==, 0);
}

TESTS(RUN(lines_stand_in_a_batch_as_they_were_stored),
      RUN(a_line_of_another_owner_waits_until_the_batch_is_empty),
      RUN(a_full_batch_takes_no_more_and_stays_whole),
      RUN(lines_up_to_a_number_are_counted_over_holes),
      RUN(lines_that_leave_make_room_and_the_rest_stays_in_order))
