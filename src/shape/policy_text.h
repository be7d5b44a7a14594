/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy_text - parts of a policy as people write them: what a file says, and what a unit answers
 * when it is asked why.
 *
 * Shape       A condition's text reads back as the same condition.
 *
 * Limits      HF_CONDITION_BYTES and HF_VALUE_BYTES hold the longest, with the NUL.
 */
#include "shape/policy.h"

#include <stddef.h>

enum {
	HF_DURATION_BYTES = 32,
	HF_VALUE_BYTES = 32,
	HF_CONDITION_BYTES = HF_POLICY_TERMS_MAX * 96,
};

/* In the largest unit that divides it: "10m", "1500ms", "0s". */
void hf_duration_text(int64_t ms, char ret_text[HF_DURATION_BYTES]);

/* With the unit of its signal: "5s", "10%", "85C", "3". */
void hf_signal_value_text(enum hf_signal signal, int64_t value, char ret_text[HF_VALUE_BYTES]);

/* "camera.frame_age > 5s or unknown(camera.frame_age)". Empty for one without terms. */
void hf_condition_text(const struct hf_condition *condition, char ret_text[HF_CONDITION_BYTES]);

/* ">" */
const char *hf_compare_sign(enum hf_compare compare);

/* A term that no value meets: its signal is only asked whether it is known. */
struct hf_term hf_term_never(enum hf_signal signal);
bool hf_term_is_never(const struct hf_term *term);
