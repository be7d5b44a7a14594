/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * origins - which of the latest events already have a number.
 *
 * Shape       A ring of parsed origins; the oldest is forgotten first. Looking
 *             one up walks all of it, newest first: 32 KiB, a microsecond.
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
	} ring[HF_OUTBOX_ORIGINS];
};

void hf_origins_add(struct hf_origins *origins, const struct hf_origin *origin, uint64_t local_seq);
/* 0: not among them. */
uint64_t hf_origins_find(const struct hf_origins *origins, const struct hf_origin *origin);
bool hf_origin_equal(const struct hf_origin *a, const struct hf_origin *b);
