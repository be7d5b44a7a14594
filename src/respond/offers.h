/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * offers - events on their way to keeper, until it has them on disk.
 *
 * Shape       A queue of at most HF_OFFERS_MAX. Exactly one is under way at a
 *             time: keeper tells a re-offer from a new event by the highest
 *             number of an origin it has committed, so a later event must never
 *             overtake one that was put off (HF_ACK_LATER). Events are rare; a
 *             flush each is what they cost.
 *
 * Durability  An offer may be sent only when a SAVE that holds it has gone to
 *             the supervisor (hf_offers_saved): after a crash the next process
 *             offers the same origin again instead of making a second event of
 *             it, or none.
 *
 * Errors      hf_offers_put(): HF_E_NOSPACE when the queue is full; it is
 *             counted in `suppressed`, of which an event tells later.
 *             hf_offers_ack(): HF_E_NOENT when the acknowledgement is for
 *             nothing under way (to be logged, not acted upon), HF_E_INVALID
 *             when it breaks its contract.
 */
#include "shape/event.h"
#include "wire/proto.h"

enum {
	HF_OFFERS_MAX = 64,
	HF_OFFER_LATER_MS = 1000,
};

struct hf_pending {
	struct hf_mono captured; /* zero: not known on this boot's clock */
	struct hf_offer offer;
};

struct hf_offers {
	size_t first, count;
	size_t saved; /* so many from the front are in the last SAVE */
	bool under_way;
	struct hf_mono not_before;
	uint64_t suppressed; /* not yet told */
	struct hf_pending list[HF_OFFERS_MAX];
};

void hf_offers_reset(struct hf_offers *offers);

enum hf_code hf_offers_put(struct hf_offers *offers, const struct hf_offer *offer,
			   struct hf_mono captured, struct hf_err *err) HF_MUST_CHECK;
bool hf_offers_full(const struct hf_offers *offers);

/* The index'th from the front; index < count. */
const struct hf_pending *hf_offers_at(const struct hf_offers *offers, size_t index);

/* The first `count` are in the SAVE that was just sent. */
void hf_offers_saved(struct hf_offers *offers, size_t count);

/* What to send now, or NULL. Call hf_offers_sent() when it has gone. */
const struct hf_offer *hf_offers_next(const struct hf_offers *offers, struct hf_mono now);
void hf_offers_sent(struct hf_offers *offers);

/* A new link to keeper, or none: what was under way must be offered again. */
void hf_offers_link(struct hf_offers *offers);

/* ret_pending: the one that was acknowledged (also for LATER, when it stays in the queue). */
enum hf_code hf_offers_ack(struct hf_offers *offers, const struct hf_ack *ack, struct hf_mono now,
			   struct hf_pending *ret_pending, struct hf_err *err) HF_MUST_CHECK;
