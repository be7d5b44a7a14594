/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/whole.h"

#include "outbox/commit_ring.h"
#include "outbox/testing.h"
#include "spoil.h"

#define RING "outbox/.ring"

/* An outbox of eight lines (a header, then 2..8), committed by the ring. */
static struct hf_disk *make(struct hf_outbox **ret_outbox)
{
	static struct test_clock clock;
	struct hf_disk *disk = fake_disk_new(1);
	struct hf_outbox_report report;

	test_clock_start(&clock);
	struct hf_outbox_options options = test_options(&clock);
	options.commit = HF_COMMIT_RING;
	options.ring_bytes = 64 * 1024;
	*ret_outbox = test_open(disk, &options, &report);
	for (uint64_t n = 1; n <= 7; n++)
		test_append(*ret_outbox, n);
	return disk;
}

static void expect(struct hf_whole *whole, uint64_t from, uint64_t through)
{
	struct hf_line line;
	struct hf_passed passed;
	struct hf_err err = { 0 };

	for (uint64_t seq = from; seq <= through; seq++) {
		CHECK_OK(hf_whole_next(whole, &line, &passed, &err));
		CHECK_U64(line.local_seq, ==, seq);
		CHECK_U64(passed.gap_from, ==, 0);
		CHECK(line.data[line.size_bytes - 2] == '}');
	}
	CHECK_U64(hf_whole_next(whole, &line, &passed, &err), ==, HF_E_AGAIN);
}

TEST(lines_that_only_the_ring_has_come_at_the_end)
{
	struct hf_outbox *outbox;
	struct hf_whole *whole;
	struct hf_err err = { 0 };
	struct hf_disk *disk = make(&outbox);

	test_spoil(disk, TEST_FILE, 6, 8);
	CHECK_OK(hf_whole_open(disk, HF_OUTBOX_FOLDER, 0, &whole, &err));
	expect(whole, 1, 8);
	hf_whole_close(whole);
	CHECK_OK(hf_whole_open(disk, HF_OUTBOX_FOLDER, 6, &whole, &err));
	expect(whole, 7, 8);
	hf_whole_close(whole);
	/* Without the ring they are not there: it was the ring. */
	fake_disk_remove(disk, RING);
	CHECK_OK(hf_whole_open(disk, HF_OUTBOX_FOLDER, 0, &whole, &err));
	expect(whole, 1, 5);
	hf_whole_close(whole);
	hf_outbox_close(outbox);
	fake_disk_free(disk);
}

TEST(a_hole_in_the_tail_is_filled_in_its_place)
{
	struct hf_outbox *outbox;
	struct hf_whole *whole;
	struct hf_err err = { 0 };
	struct hf_disk *disk = make(&outbox);

	test_spoil(disk, TEST_FILE, 5, 6);
	CHECK_OK(hf_whole_open(disk, HF_OUTBOX_FOLDER, 0, &whole, &err));
	expect(whole, 1, 8);
	hf_whole_close(whole);
	hf_outbox_close(outbox);
	fake_disk_free(disk);
}

TEST(what_is_written_afterwards_follows_once)
{
	struct hf_outbox *outbox;
	struct hf_whole *whole;
	struct hf_err err = { 0 };
	struct hf_disk *disk = make(&outbox);

	CHECK_OK(hf_whole_open(disk, HF_OUTBOX_FOLDER, 0, &whole, &err));
	expect(whole, 1, 8);
	CHECK_U64(test_append(outbox, 8), ==, 9);
	expect(whole, 9, 9);
	hf_whole_close(whole);
	hf_outbox_close(outbox);
	fake_disk_free(disk);
}

TESTS(RUN(lines_that_only_the_ring_has_come_at_the_end),
      RUN(a_hole_in_the_tail_is_filled_in_its_place), RUN(what_is_written_afterwards_follows_once))
