/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy_inner - the parts of `holdfast policy`. Private to them.
 *
 * policy.c          the verb: which policy, check, example, signals
 * policy_explain.c  one reason, in sentences
 * policy_table.c    all of it at a glance
 * policy_json.c     the same for a script
 */
#include "base/json.h"
#include "shape/policy.h"

#include <stdio.h>

enum {
	HF_POLICY_WORDS_BYTES = 512,
};

void hf_policy_explain(const struct hf_policy *policy, const struct hf_policy_reason *reason,
		       FILE *stream);
void hf_policy_table(const struct hf_policy *policy, bool markdown, FILE *stream);

void hf_policy_put_reason(struct hf_json *json, const struct hf_policy *policy,
			  const struct hf_policy_reason *reason);
void hf_policy_put_all(struct hf_json *json, const struct hf_policy *policy);

/* "3 in 10m and 12 in 24h"; empty: as often as it is needed. */
void hf_policy_budget_words(const struct hf_policy_action *action,
			    char ret_text[HF_POLICY_WORDS_BYTES]);
/* "50ms, 500ms and 5s"; empty: there are none. */
void hf_policy_wait_words(const struct hf_policy_action *action,
			  char ret_text[HF_POLICY_WORDS_BYTES]);
/* "one of ingest, infer"; "a worker", "a camera", "the unit". */
void hf_policy_about_words(const struct hf_policy_reason *reason,
			   char ret_text[HF_POLICY_WORDS_BYTES]);
/* The condition; of a blind reason what it stands for. */
void hf_policy_when_words(const struct hf_policy *policy, const struct hf_policy_reason *reason,
			  char ret_text[HF_POLICY_WORDS_BYTES]);
void hf_policy_clear_words(const struct hf_policy_reason *reason,
			   char ret_text[HF_POLICY_WORDS_BYTES]);
/* No terms: it asks whether what is required is known. */
bool hf_policy_is_blind(const struct hf_policy_reason *reason);
/* Add to a list: between is put before all but the first. */
void hf_policy_append(char text[HF_POLICY_WORDS_BYTES], const char *between, const char *word);
