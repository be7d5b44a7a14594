/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * origins - which of the latest events already have a number.
 *
 * Shape       A ring of parsed origins; the oldest is forgotten first. Chains
 *             through it find one without a walk: every new event is looked up
 *             in vain, and a walk was a tenth of what an append costs. Of two
 *             with one origin the newer is found. Zeros are an empty one.
 *
 * Limits      HF_OUTBOX_ORIGINS entries: 16 times what a producer keeps.
 */
#include "outbox/writer.h"

struct hf_origins {
	size_t count;
	size_t next;
	struct hf_origins_entry {
		struct hf_origin origin;
		uint64_t local_seq;
		uint16_t next; /* of its chain: a place + 1; 0: the last */
	} ring[HF_OUTBOX_ORIGINS];
	uint16_t chains[HF_OUTBOX_ORIGINS]; /* the newest of each: a place + 1; 0: empty */
};

_Static_assert(HF_OUTBOX_ORIGINS < UINT16_MAX, "a place fits a link");

void hf_origins_add(struct hf_origins *origins, const struct hf_origin *origin, uint64_t local_seq);
/* 0: not among them. */
uint64_t hf_origins_find(const struct hf_origins *origins, const struct hf_origin *origin);
bool hf_origin_equal(const struct hf_origin *a, const struct hf_origin *b);
