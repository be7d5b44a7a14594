/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/origins.h"

bool hf_origin_equal(const struct hf_origin *a, const struct hf_origin *b)
{
	return a->n == b->n && a->run == b->run && a->boot == b->boot && a->producer == b->producer;
}

void hf_origins_add(struct hf_origins *origins, const struct hf_origin *origin, uint64_t local_seq)
{
	origins->ring[origins->next] =
		(struct hf_origins_entry){ .origin = *origin, .local_seq = local_seq };
	origins->next = (origins->next + 1) % HF_OUTBOX_ORIGINS;
	if (origins->count < HF_OUTBOX_ORIGINS)
		origins->count++;
}

uint64_t hf_origins_find(const struct hf_origins *origins, const struct hf_origin *origin)
{
	for (size_t i = 1; i <= origins->count; i++) {
		size_t at = (origins->next + HF_OUTBOX_ORIGINS - i) % HF_OUTBOX_ORIGINS;

		if (hf_origin_equal(&origins->ring[at].origin, origin))
			return origins->ring[at].local_seq;
	}
	return 0;
}
