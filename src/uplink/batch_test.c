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

TEST(lines_stand_in_a_batch_as_they_were_stored)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();

	CHECK(hf_batch_add(batch, "one\n", 4, 5, "e", NULL));
	CHECK(hf_batch_add(batch, "three\n", 6, 7, "e", "00"));
	CHECK_U64(batch->size_bytes, ==, 10);
	CHECK(memcmp(batch->data, "one\nthree\n", 10) == 0);
	CHECK_U64(hf_batch_first(batch), ==, 5);
	CHECK_U64(hf_batch_last(batch), ==, 7);
	CHECK_TEXT(batch->lines[0].thumb, "");
	CHECK_TEXT(batch->lines[1].thumb, "00");
}

TEST(a_line_of_another_epoch_waits_for_the_next_batch)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();

	CHECK(hf_batch_add(batch, "a\n", 2, 1, "first", NULL));
	CHECK(!hf_batch_add(batch, "b\n", 2, 2, "second", NULL));
	CHECK_U64(batch->line_count, ==, 1);
	hf_batch_clear(batch);
	CHECK(hf_batch_add(batch, "b\n", 2, 2, "second", NULL));
	CHECK_TEXT(batch->epoch, "second");
}

TEST(a_full_batch_takes_no_more_and_stays_whole)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();
	static char line[HF_LINE_BYTES_MAX];
	uint64_t seq = 0;

	memset(line, 'x', sizeof line);
	while (hf_batch_add(batch, line, sizeof line, seq + 1, "e", NULL))
		seq++;
	CHECK_U64(seq, ==, HF_BATCH_BYTES_MAX / HF_LINE_BYTES_MAX);
	CHECK_U64(batch->size_bytes, ==, seq * HF_LINE_BYTES_MAX);
	hf_batch_clear(batch);
	for (seq = 0; hf_batch_add(batch, "y\n", 2, seq + 1, "e", NULL);)
		seq++;
	CHECK_U64(seq, ==, HF_BATCH_LINES_MAX);
}

TEST(lines_up_to_a_number_are_counted_over_holes)
{
	HF_AUTO_FREE struct hf_batch *batch = fresh();

	CHECK(hf_batch_add(batch, "a\n", 2, 5, "e", NULL));
	CHECK(hf_batch_add(batch, "b\n", 2, 9, "e", NULL));
	CHECK_U64(hf_batch_through(batch, 4), ==, 0);
	CHECK_U64(hf_batch_through(batch, 5), ==, 1);
	CHECK_U64(hf_batch_through(batch, 8), ==, 1);
	CHECK_U64(hf_batch_through(batch, 9), ==, 2);
	CHECK_U64(hf_batch_through(batch, 100), ==, 2);
}

TESTS(RUN(lines_stand_in_a_batch_as_they_were_stored),
      RUN(a_line_of_another_epoch_waits_for_the_next_batch),
      RUN(a_full_batch_takes_no_more_and_stays_whole),
      RUN(lines_up_to_a_number_are_counted_over_holes))
