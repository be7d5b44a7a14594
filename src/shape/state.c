/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/state.h"

#include "base/assert.h"

static const struct {
	const char *name;
	const char *promise;
} states[] = {
#define HF_STATE(id, text, what) [HF_STATE_##id] = { .name = text, .promise = what },
#include "shape/state_tbl.h"
};

_Static_assert(sizeof states / sizeof states[0] == HF_STATE_COUNT, "a row for every state");

const char *hf_state_name(enum hf_state state)
{
	HF_ASSERT((unsigned)state < HF_STATE_COUNT);
	return states[state].name;
}

const char *hf_state_promise(enum hf_state state)
{
	HF_ASSERT((unsigned)state < HF_STATE_COUNT);
	return states[state].promise;
}
