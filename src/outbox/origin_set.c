/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/origin_set.h"

#include <stdlib.h>

enum {
	ROOM_FIRST = 4096,
};

uint64_t hf_origin_hash(const struct hf_slice *origin)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < origin->size_bytes; i++)
		hash = (hash ^ (unsigned char)origin->data[i]) * UINT64_C(0x100000001b3);
	return hash == 0 ? 1 : hash;
}

void hf_origin_set_prefetch(const struct hf_origin_set *set, uint64_t hash)
{
	if (set->room > 0)
		__builtin_prefetch(&set->slots[(size_t)hash & (set->room - 1)]);
}

/* Where the hash stands, or the free slot where it would. */
static uint64_t *find_slot(uint64_t *slots, size_t room, uint64_t hash)
{
	size_t at = (size_t)hash & (room - 1);

	while (slots[at] != 0 && slots[at] != hash)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static enum hf_code grow(struct hf_origin_set *set, struct hf_err *err)
{
	size_t room = set->room == 0 ? ROOM_FIRST : 2 * set->room;
	uint64_t *slots = calloc(room, sizeof *slots);

	if (slots == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory for %zu origins", set->count);
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i] != 0)
			*find_slot(slots, room, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return HF_OK;
}

enum hf_code hf_origin_set_add(struct hf_origin_set *set, uint64_t hash, bool *ret_twice,
			       struct hf_err *err)
{
	if (2 * (set->count + 1) > set->room) {
		enum hf_code code = grow(set, err);

		if (code != HF_OK)
			return code;
	}
	uint64_t *slot = find_slot(set->slots, set->room, hash);
	*ret_twice = *slot == hash;
	if (!*ret_twice) {
		*slot = hash;
		set->count++;
	}
	return HF_OK;
}

void hf_origin_set_free(struct hf_origin_set *set)
{
	free(set->slots);
	*set = (struct hf_origin_set){ 0 };
}
