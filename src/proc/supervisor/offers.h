/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * offers - the supervisor's own events, kept until keeper has acknowledged them.
 *
 * Shape       A queue of at most OFFERS_MAX whole offers, oldest first, each
 *             with the origin it will keep for ever.
 *
 * Numbers     n counts from 1 in each run of the supervisor.
 *
 * Errors      A full queue counts what it had to suppress; as soon as there is
 *             room one events_suppressed event says how many.
 *
 * Durability  None until the acknowledgement.
 */
#include "shape/event.h"
#include "wire/proto.h"

enum {
	OFFERS_MAX = 64,
};

struct offers;

struct offers *offers_new(const struct hf_event_context *context, uint64_t boot, uint64_t run);
void offers_free(struct offers *offers); /* NULL is fine */

/* Queue an event; its origin is given here. */
void offers_add(struct offers *offers, const struct hf_event *event);

/* Count one that is not to be stored, as a full queue does. */
void offers_suppress(struct offers *offers);

/* The next offer that was not sent yet, NULL when there is none. */
const struct hf_offer *offers_next(struct offers *offers);
/* That one is on its way. */
void offers_sent(struct offers *offers);
/* keeper was restarted, or said "later": offer everything again from the oldest on. */
void offers_rewind(struct offers *offers);
/* What keeper answered. False: it is not one of ours. */
bool offers_answer(struct offers *offers, const struct hf_ack *ack);

size_t offers_pending(const struct offers *offers);
uint64_t offers_suppressed(const struct offers *offers);
