/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/offers.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct hf_offers *offers_new(void)
{
	struct hf_offers *offers = malloc(sizeof *offers);

	assert_non_null(offers);
	hf_offers_reset(offers);
	return offers;
}

static enum hf_code put(struct hf_offers *offers, unsigned n)
{
	struct hf_offer offer = { 0 };
	struct hf_err err;

	(void)snprintf(offer.origin, sizeof offer.origin, "1.r.1.%u", n);
	return hf_offers_put(offers, &offer, (struct hf_mono){ n }, &err);
}

static enum hf_code ack(struct hf_offers *offers, unsigned n, enum hf_ack_outcome outcome,
			int64_t now_ms)
{
	struct hf_ack ack = { .outcome = outcome, .local_seq = 100 + n };
	struct hf_pending pending;
	struct hf_err err;

	(void)snprintf(ack.origin, sizeof ack.origin, "1.r.1.%u", n);
	enum hf_code code =
		hf_offers_ack(offers, &ack, (struct hf_mono){ now_ms * 1000 }, &pending, &err);
	if (code == HF_OK)
		CHECK_TEXT(pending.offer.origin, ack.origin);
	return code;
}

/* The number of the next offer, 0 when there is none to send. */
static unsigned next(const struct hf_offers *offers, int64_t now_ms)
{
	const struct hf_offer *offer = hf_offers_next(offers, (struct hf_mono){ now_ms * 1000 });

	return offer == NULL ? 0 : (unsigned)atoi(strrchr(offer->origin, '.') + 1);
}

TEST(nothing_is_sent_before_it_is_saved)
{
	struct hf_offers *offers = offers_new();

	CHECK_CODE(put(offers, 1), HF_OK);
	CHECK_U64(next(offers, 0), ==, 0);
	hf_offers_saved(offers, 1);
	CHECK_U64(next(offers, 0), ==, 1);
	/* A younger one waits for its own. */
	CHECK_CODE(put(offers, 2), HF_OK);
	hf_offers_sent(offers);
	CHECK_CODE(ack(offers, 1, HF_ACK_COMMITTED, 0), HF_OK);
	CHECK_U64(next(offers, 0), ==, 0);
	hf_offers_saved(offers, 1);
	CHECK_U64(next(offers, 0), ==, 2);
	free(offers);
}

TEST(offers_go_one_by_one_in_order)
{
	struct hf_offers *offers = offers_new();

	for (unsigned n = 1; n <= 5; n++)
		CHECK_CODE(put(offers, n), HF_OK);
	hf_offers_saved(offers, 5);
	for (unsigned n = 1; n <= 5; n++) {
		CHECK_U64(next(offers, 0), ==, n);
		hf_offers_sent(offers);
		CHECK_U64(next(offers, 0), ==, 0);
		CHECK_CODE(ack(offers, n, HF_ACK_COMMITTED, 0), HF_OK);
	}
	CHECK_U64(offers->count, ==, 0);
	free(offers);
}

TEST(later_means_the_same_one_again_after_a_second)
{
	struct hf_offers *offers = offers_new();

	CHECK_CODE(put(offers, 1), HF_OK);
	CHECK_CODE(put(offers, 2), HF_OK);
	hf_offers_saved(offers, 2);
	hf_offers_sent(offers);
	CHECK_CODE(ack(offers, 1, HF_ACK_LATER, 5000), HF_OK);
	CHECK_U64(next(offers, 5999), ==, 0);
	CHECK_U64(next(offers, 6000), ==, 1);
	free(offers);
}

TEST(what_is_refused_is_dropped_and_the_next_one_goes)
{
	struct hf_offers *offers = offers_new();

	CHECK_CODE(put(offers, 1), HF_OK);
	CHECK_CODE(put(offers, 2), HF_OK);
	hf_offers_saved(offers, 2);
	hf_offers_sent(offers);
	CHECK_CODE(ack(offers, 1, HF_ACK_REFUSED, 0), HF_OK);
	CHECK_U64(next(offers, 0), ==, 2);
	free(offers);
}

TEST(a_new_link_brings_the_same_offer_again)
{
	struct hf_offers *offers = offers_new();

	CHECK_CODE(put(offers, 1), HF_OK);
	hf_offers_saved(offers, 1);
	hf_offers_sent(offers);
	hf_offers_link(offers);
	CHECK_U64(next(offers, 0), ==, 1);
	free(offers);
}

TEST(an_ack_for_nothing_under_way_changes_nothing)
{
	struct hf_offers *offers = offers_new();
	struct hf_ack endless = { .outcome = HF_ACK_COMMITTED };
	struct hf_pending pending;
	struct hf_err err;

	CHECK_CODE(put(offers, 1), HF_OK);
	CHECK_CODE(put(offers, 2), HF_OK);
	hf_offers_saved(offers, 2);
	CHECK_CODE(ack(offers, 1, HF_ACK_COMMITTED, 0), HF_E_NOENT);
	hf_offers_sent(offers);
	CHECK_CODE(ack(offers, 2, HF_ACK_COMMITTED, 0), HF_E_NOENT);
	CHECK_CODE(ack(offers, 1, (enum hf_ack_outcome)9, 0), HF_E_INVALID);
	memset(endless.origin, 'x', sizeof endless.origin);
	CHECK_CODE(hf_offers_ack(offers, &endless, (struct hf_mono){ 0 }, &pending, &err),
		   HF_E_INVALID);
	CHECK_U64(offers->count, ==, 2);
	free(offers);
}

TEST(a_full_queue_keeps_the_oldest_and_counts_the_rest)
{
	struct hf_offers *offers = offers_new();

	for (unsigned n = 1; n <= HF_OFFERS_MAX; n++)
		CHECK_CODE(put(offers, n), HF_OK);
	CHECK_CODE(put(offers, 65), HF_E_NOSPACE);
	CHECK_CODE(put(offers, 66), HF_E_NOSPACE);
	CHECK_U64(offers->suppressed, ==, 2);
	hf_offers_saved(offers, HF_OFFERS_MAX);
	/* Around the end of the array. */
	for (unsigned n = 1; n <= 40; n++) {
		CHECK_U64(next(offers, 0), ==, n);
		hf_offers_sent(offers);
		CHECK_CODE(ack(offers, n, HF_ACK_COMMITTED, 0), HF_OK);
		CHECK_CODE(put(offers, 100 + n), HF_OK);
	}
	CHECK_TEXT(hf_offers_at(offers, HF_OFFERS_MAX - 1)->offer.origin, "1.r.1.140");
	free(offers);
}

TESTS(RUN(nothing_is_sent_before_it_is_saved), RUN(offers_go_one_by_one_in_order),
      RUN(later_means_the_same_one_again_after_a_second),
      RUN(what_is_refused_is_dropped_and_the_next_one_goes),
      RUN(a_new_link_brings_the_same_offer_again),
      RUN(an_ack_for_nothing_under_way_changes_nothing),
      RUN(a_full_queue_keeps_the_oldest_and_counts_the_rest))
