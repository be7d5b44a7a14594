/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: beside the ring a table of chains through its entries, by a hash of the origin. Entries
 * are named by their place plus one, so that zeros are an empty structure.
 */
#include "outbox/origins.h"

static size_t chain_of(const struct hf_origin *origin)
{
	/* Neighbouring numbers of a producer lie in neighbouring chains; the constants spread the
	 * producers and runs. */
	uint64_t hash = origin->n + origin->run * UINT64_C(0x9e3779b97f4a7c15) +
			origin->boot * UINT64_C(0xc2b2ae3d27d4eb4f) +
			(uint64_t)(unsigned char)origin->producer * UINT64_C(0x165667b19e3779f9);

	return (hash ^ hash >> 32) % HF_OUTBOX_ORIGINS;
}

bool hf_origin_equal(const struct hf_origin *a, const struct hf_origin *b)
{
	return a->n == b->n && a->run == b->run && a->boot == b->boot && a->producer == b->producer;
}

/* The oldest makes room. */
static void unchain(struct hf_origins *origins, size_t place)
{
	struct hf_origins_entry *entry = &origins->ring[place];
	uint16_t *link = &origins->chains[chain_of(&entry->origin)];

	while (*link != place + 1)
		link = &origins->ring[*link - 1].next;
	*link = entry->next;
}

void hf_origins_add(struct hf_origins *origins, const struct hf_origin *origin, uint64_t local_seq)
{
	size_t place = origins->next;
	uint16_t *chain = &origins->chains[chain_of(origin)];

	if (origins->count == HF_OUTBOX_ORIGINS)
		unchain(origins, place);
	else
		origins->count++;
	origins->ring[place] = (struct hf_origins_entry){ .origin = *origin,
							  .local_seq = local_seq,
							  .next = *chain };
	*chain = (uint16_t)(place + 1);
	origins->next = (place + 1) % HF_OUTBOX_ORIGINS;
}

uint64_t hf_origins_find(const struct hf_origins *origins, const struct hf_origin *origin)
{
	uint16_t at = origins->chains[chain_of(origin)];

	for (; at != 0; at = origins->ring[at - 1].next)
		if (hf_origin_equal(&origins->ring[at - 1].origin, origin))
			return origins->ring[at - 1].local_seq;
	return 0;
}
