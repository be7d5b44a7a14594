/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/chain.h"

#include "hub/test_line.h"
#include "test.h"

static struct hf_err err;

struct made {
	char text[HF_LINE_BYTES_MAX];
	struct hf_intake batch;
};

/* The line as intake takes it in. */
static const struct hf_intake_line *made(struct made *made, uint64_t seq, const char *camera)
{
	struct hf_sender sender;
	struct hf_intake_fault fault;
	size_t length = test_line_make("unit-1", TEST_EPOCH, seq, camera, made->text);

	CHECK_OK(hf_sender_make("unit-1", TEST_EPOCH, NULL, TEST_NONCE, &sender, &err));
	CHECK_OK(hf_intake_parse(&sender, made->text, length, NULL, &made->batch, &fault, &err));
	return &made->batch.lines[0];
}

TEST(the_next_line_fits_or_is_a_fork_and_one_behind_a_gap_is_not_judged)
{
	struct hf_chain_tip tip = { 0 };
	struct made one, two, other, five;
	const struct hf_intake_line *first = made(&one, 1, "gate");

	CHECK_U64(hf_chain_judge(&tip, first, TEST_EPOCH), ==, HF_CHAIN_FITS);
	hf_chain_move(&tip, first, TEST_EPOCH);
	CHECK_U64(hf_chain_judge(&tip, made(&two, 2, "gate"), TEST_EPOCH), ==, HF_CHAIN_FITS);
	/* Another event was number 1 there. */
	memset(tip.chain, 7, sizeof tip.chain);
	CHECK_U64(hf_chain_judge(&tip, made(&other, 2, "gate"), TEST_EPOCH), ==, HF_CHAIN_FORK);
	CHECK_U64(hf_chain_judge(&tip, made(&five, 5, "gate"), TEST_EPOCH), ==, HF_CHAIN_UNCHECKED);
	hf_intake_free(&one.batch);
	hf_intake_free(&two.batch);
	hf_intake_free(&other.batch);
	hf_intake_free(&five.batch);
}

TEST(a_line_of_another_epoch_begins_a_chain)
{
	struct hf_chain_tip tip = { .seq = 6, .known = true, .epoch = "e9" };
	struct made one, two;

	CHECK_U64(hf_chain_judge(&tip, made(&one, 1, "gate"), TEST_EPOCH), ==, HF_CHAIN_FITS);
	CHECK_U64(hf_chain_judge(&tip, made(&two, 7, "gate"), TEST_EPOCH), ==, HF_CHAIN_BEGINS);
	hf_intake_free(&one.batch);
	hf_intake_free(&two.batch);
}

TEST(what_is_known_of_one_chain_value_says_nothing_of_another)
{
	struct hf_chain_tip tip = { .seq = 6, .known = true, .epoch = TEST_EPOCH };
	struct made one;
	struct hf_intake_line line = *made(&one, 7, "gate");
	uint8_t right[HF_CHAIN_BYTES], wrong[HF_CHAIN_BYTES] = { 9 };

	test_line_chain_before("unit-1", TEST_EPOCH, 7, right);
	line.follows = right;
	memcpy(tip.chain, right, sizeof right);
	CHECK_U64(hf_chain_judge(&tip, &line, TEST_EPOCH), ==, HF_CHAIN_FITS);
	memcpy(tip.chain, wrong, sizeof wrong);
	CHECK_U64(hf_chain_judge(&tip, &line, TEST_EPOCH), ==, HF_CHAIN_FORK);
	hf_intake_free(&one.batch);
}

TESTS(RUN(what_is_known_of_one_chain_value_says_nothing_of_another),
      RUN(the_next_line_fits_or_is_a_fork_and_one_behind_a_gap_is_not_judged),
      RUN(a_line_of_another_epoch_begins_a_chain))
