/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * origin_set - has this origin been seen before? Millions of them.
 *
 * Numbers     Of each origin 64 bits of a hash are kept: two of a million share
 *             one with a chance of 1 in 30 million. 16 bytes an origin at least,
 *             32 at most.
 *
 * Owners      A set that is all zeros is empty. hf_origin_set_free() gives its
 *             memory back.
 */
#include "base/err.h"
#include "outbox/line.h"

struct hf_origin_set {
	uint64_t *slots; /* open addressing, at most half full; 0: free */
	size_t room;     /* a power of two */
	size_t count;
};

uint64_t hf_origin_hash(const struct hf_slice *origin);
/* It will be asked for soon: the memory it stands in is far away. */
void hf_origin_set_prefetch(const struct hf_origin_set *set, uint64_t hash);
enum hf_code hf_origin_set_add(struct hf_origin_set *set, uint64_t hash, bool *ret_twice,
			       struct hf_err *err) HF_MUST_CHECK;
void hf_origin_set_free(struct hf_origin_set *set);
