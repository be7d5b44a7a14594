/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/offers.h"

#include "base/assert.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct offers {
	struct hf_event_context context;
	struct hf_origin next_origin;
	uint64_t suppressed;        /* of this run */
	uint64_t suppressed_unsaid; /* not yet told in an event */
	size_t count;
	size_t sent;
	struct hf_offer queue[OFFERS_MAX];
};

struct offers *offers_new(const struct hf_event_context *context, uint64_t boot, uint64_t run)
{
	struct offers *offers = calloc(1, sizeof *offers);

	if (offers == NULL)
		return NULL;
	offers->context = *context;
	offers->next_origin =
		(struct hf_origin){ .boot = boot, .run = run, .n = 1, .producer = 's' };
	return offers;
}

void offers_free(struct offers *offers)
{
	free(offers);
}

static void queue_event(struct offers *offers, const struct hf_event *event)
{
	struct hf_err err;

	if (hf_offer_make(event, &offers->context, &offers->next_origin,
			  &offers->queue[offers->count], &err) != HF_OK) {
		hf_log(HF_LOG_ERROR, "event_not_built", "class=%s why=\"%s\"", event->event_class,
		       err.text);
		return;
	}
	offers->next_origin.n++;
	offers->count++;
}

static void say_what_was_suppressed(struct offers *offers, const struct hf_event *like)
{
	char attrs[64];
	struct hf_event event = *like;

	(void)snprintf(attrs, sizeof attrs, "{\"producer\":\"supervisor\",\"count\":%llu}",
		       (unsigned long long)offers->suppressed_unsaid);
	event.event_class = "events_suppressed";
	event.camera_name = NULL;
	event.attrs = attrs;
	offers->suppressed_unsaid = 0;
	queue_event(offers, &event);
}

void offers_add(struct offers *offers, const struct hf_event *event)
{
	/* Two places: one for the event, one for the sentence about its predecessors. */
	if (offers->count + 2 > OFFERS_MAX) {
		offers_suppress(offers);
		return;
	}
	if (offers->suppressed_unsaid > 0)
		say_what_was_suppressed(offers, event);
	queue_event(offers, event);
}

void offers_suppress(struct offers *offers)
{
	offers->suppressed++;
	offers->suppressed_unsaid++;
}

const struct hf_offer *offers_next(struct offers *offers)
{
	return offers->sent < offers->count ? &offers->queue[offers->sent] : NULL;
}

void offers_sent(struct offers *offers)
{
	HF_ASSERT(offers->sent < offers->count);
	offers->sent++;
}

void offers_rewind(struct offers *offers)
{
	offers->sent = 0;
}

bool offers_answer(struct offers *offers, const struct hf_ack *ack)
{
	for (size_t i = 0; i < offers->count; i++) {
		if (strncmp(offers->queue[i].origin, ack->origin, HF_ORIGIN_BYTES) != 0)
			continue;
		memmove(&offers->queue[i], &offers->queue[i + 1],
			(offers->count - i - 1) * sizeof offers->queue[0]);
		offers->count--;
		if (offers->sent > i)
			offers->sent--;
		return true;
	}
	return false;
}

size_t offers_pending(const struct offers *offers)
{
	return offers->count;
}

uint64_t offers_suppressed(const struct offers *offers)
{
	return offers->suppressed;
}
