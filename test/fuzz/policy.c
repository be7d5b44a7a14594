/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file. What is accepted passes the check of the process that gets it, its conditions
 * read back as the same, and none of its reasons is bad and clear at once. */
#include "fuzz.h"

#include "boot/policy.h"
#include "boot/policy_inner.h"
#include "shape/policy_text.h"

static struct hf_policy policy;
static struct hf_report report;

static void read_back(const struct hf_condition *condition)
{
	char text[HF_CONDITION_BYTES], again_text[HF_CONDITION_BYTES];
	struct hf_policy_units units;
	struct hf_policy_when again;
	struct hf_err err = { 0 };

	if (condition->term_count == 0)
		return;
	hf_policy_units_standard(&units);
	hf_condition_text(condition, text);
	FUZZ_MUST(hf_policy_when_parse(&units, text, &again, &err) == HF_OK);
	hf_condition_text(&again.condition, again_text);
	FUZZ_MUST(strcmp(text, again_text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	HF_AUTO_FREE char *text = fuzz_text(data, size_bytes);
	char example[HF_POLICY_SHOWN_BYTES];
	struct hf_err err = { 0 };

	if (hf_policy_parse("/nowhere/policy.yaml", text, size_bytes, &policy, &report, &err) !=
	    HF_OK) {
		FUZZ_MUST(err.text[0] != '\0');
		return 0;
	}
	FUZZ_MUST(report.errors == 0);
	FUZZ_MUST(hf_policy_check(&policy, &err) == HF_OK);
	for (unsigned i = 0; i < policy.reason_count; i++) {
		const struct hf_policy_reason *reason = &policy.reasons[i];

		read_back(&reason->when);
		read_back(&reason->clear);
		FUZZ_MUST(!hf_conditions_meet(&reason->when, &reason->clear, example));
	}
	return 0;
}
