/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* state - the five operational states; the table says what each promises. */
enum hf_state {
#define HF_STATE(id, name, promise) HF_STATE_##id,
#include "shape/state_tbl.h"
	HF_STATE_COUNT,
};

const char *hf_state_name(enum hf_state state);
const char *hf_state_promise(enum hf_state state);
