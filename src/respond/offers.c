/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/offers.h"

#include "base/assert.h"

#include <string.h>

static void drop_front(struct hf_offers *offers)
{
	offers->first = (offers->first + 1) % HF_OFFERS_MAX;
	offers->count--;
	if (offers->saved > 0)
		offers->saved--;
}

void hf_offers_reset(struct hf_offers *offers)
{
	memset(offers, 0, sizeof *offers);
}

enum hf_code hf_offers_put(struct hf_offers *offers, const struct hf_offer *offer,
			   struct hf_mono captured, struct hf_err *err)
{
	if (hf_offers_full(offers)) {
		offers->suppressed++;
		return hf_fail(err, HF_E_NOSPACE,
			       "%d events wait for keeper already: this one is counted only",
			       HF_OFFERS_MAX);
	}
	struct hf_pending *pending = &offers->list[(offers->first + offers->count) % HF_OFFERS_MAX];

	pending->captured = captured;
	pending->offer = *offer;
	offers->count++;
	return HF_OK;
}

bool hf_offers_full(const struct hf_offers *offers)
{
	return offers->count == HF_OFFERS_MAX;
}

const struct hf_pending *hf_offers_at(const struct hf_offers *offers, size_t index)
{
	HF_ASSERT(index < offers->count);
	return &offers->list[(offers->first + index) % HF_OFFERS_MAX];
}

void hf_offers_saved(struct hf_offers *offers, size_t count)
{
	HF_ASSERT(count <= offers->count);
	offers->saved = count;
}

const struct hf_offer *hf_offers_next(const struct hf_offers *offers, struct hf_mono now)
{
	if (offers->saved == 0 || offers->under_way || hf_mono_before(now, offers->not_before))
		return NULL;
	return &hf_offers_at(offers, 0)->offer;
}

void hf_offers_sent(struct hf_offers *offers)
{
	HF_ASSERT(offers->count > 0 && !offers->under_way);
	offers->under_way = true;
}

void hf_offers_link(struct hf_offers *offers)
{
	offers->under_way = false;
	offers->not_before = (struct hf_mono){ 0 };
}

enum hf_code hf_offers_ack(struct hf_offers *offers, const struct hf_ack *ack, struct hf_mono now,
			   struct hf_pending *ret_pending, struct hf_err *err)
{
	if (memchr(ack->origin, '\0', sizeof ack->origin) == NULL ||
	    ack->outcome < HF_ACK_COMMITTED || ack->outcome > HF_ACK_LATER)
		return hf_fail(err, HF_E_INVALID, "ack: outcome %u", ack->outcome);
	if (!offers->under_way || strcmp(hf_offers_at(offers, 0)->offer.origin, ack->origin) != 0)
		return hf_fail(err, HF_E_NOENT, "ack for %s, which is not under way", ack->origin);

	*ret_pending = *hf_offers_at(offers, 0);
	offers->under_way = false;
	if (ack->outcome == HF_ACK_LATER)
		offers->not_before = hf_mono_add_ms(now, HF_OFFER_LATER_MS);
	else
		drop_front(offers);
	return HF_OK;
}
