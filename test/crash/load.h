/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * load - producers that offer events to the real keeper, and remember what they were told.
 *
 * Shape       Every producer keeps a window of events until they are answered, as the
 *             real ones do, and offers them again on a new link, oldest first. What an
 *             event says follows from the seed, its producer and its number, so that
 *             what is found on a disk can be compared byte by byte with what was offered.
 *
 * Numbers     Events of a producer are counted from 1. At most LOAD_IN_HAND are
 *             unanswered at a time, of all producers together: half of the origins that
 *             keeper remembers.
 *
 * Owners      Everything is in this process's memory: nothing of it is on the disk whose
 *             power is cut.
 */
#include "keeper_host.h"
#include "outbox/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOAD_IN_HAND = 512,
	/* Keeper remembers the last 1,024 origins. By the time such a re-offer is read, what was
	 * in doubt and a window of new events may stand before it. */
	LOAD_KNOWN = 256,
	LOAD_ATTRS_MAX = 2900,
};

/* What is known of an event. */
struct load_event {
	uint64_t local_seq; /* it was acknowledged with this number; 0: it was not */
	uint64_t seq_late;  /* the same, but seen after the power was cut */
	bool offered;       /* on this link */
};

struct load_producer {
	uint64_t offered;          /* the highest number offered ever */
	uint64_t answered;         /* all up to this one are acknowledged */
	struct load_event *events; /* [1] is the first */
	size_t room;
};

/* How the load looks like until it is changed. */
struct load_shape {
	unsigned producers;
	unsigned window;
	unsigned attrs_min; /* bytes of filling */
	unsigned attrs_max;
	uint64_t events_max; /* no new ones above so many of each producer; 0: no limit */
};

struct load {
	uint64_t seed;
	struct load_shape shape;
	struct load_producer producers[KEEPER_HOST_PRODUCERS_MAX];
	uint64_t seq_max;    /* the highest number seen in an answer */
	uint64_t acks;       /* seen, all in all */
	uint64_t duplicates; /* of them: "it had this number before" */
	uint64_t later;
	uint64_t refused;
	uint64_t wrong_again; /* a re-offer was answered with another number */
	char wrong[160];      /* the first of these */
	uint64_t late;        /* answers seen after the cut */
	uint64_t late_lost;   /* of them: the event has another number now */
};

/* splitmix64: the same numbers on every machine. */
uint64_t load_chance(uint64_t *state);
uint64_t load_between(uint64_t *state, uint64_t low, uint64_t high);

void load_begin(struct load *load, uint64_t seed);
void load_free(struct load *load);

/* A new link: what was not answered is to be offered again, and the last `again` events
 * that were answered, too, if keeper must still know them. */
void load_reconnect(struct load *load, unsigned again);

/* Offer as much as the window and the sockets take. HF_E_CLOSED: keeper is gone. */
enum hf_code load_send(struct load *load, const struct keeper_host *host,
		       struct hf_err *err) HF_MUST_CHECK;
/* Only what was offered before; nothing new. */
enum hf_code load_send_old(struct load *load, const struct keeper_host *host,
			   struct hf_err *err) HF_MUST_CHECK;

/* Every answer that is there now. late: the power is off already. HF_E_CLOSED: keeper is gone. */
enum hf_code load_take(struct load *load, struct keeper_host *host, bool late,
		       struct hf_err *err) HF_MUST_CHECK;
/* Wait until an answer may be there, or that long. */
void load_wait(const struct load *load, const struct keeper_host *host, int64_t wait_us);

/* Until nothing that was offered is without an answer. HF_E_AGAIN: within wait_ms it was not. */
enum hf_code load_settle(struct load *load, struct keeper_host *host, int wait_ms,
			 struct hf_err *err) HF_MUST_CHECK;

/* Offer until every producer has its events_max acknowledged. */
enum hf_code load_complete(struct load *load, struct keeper_host *host, int wait_ms,
			   struct hf_err *err) HF_MUST_CHECK;

uint64_t load_in_doubt(const struct load *load); /* offered once, never acknowledged */
uint64_t load_acknowledged(const struct load *load);

/* The event with this origin; NULL: it is not one of ours, or was never offered. */
struct load_event *load_find(struct load *load, const struct hf_origin *origin,
			     unsigned *ret_producer);
/* Does the line say what was offered? */
bool load_same(const struct load *load, unsigned producer, uint64_t n, const struct hf_line *line);
