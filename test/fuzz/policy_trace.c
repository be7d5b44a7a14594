/* SPDX-License-Identifier: Apache-2.0 */
/* A trace of what a policy was told. Whatever is taken as a step, the policy takes, too: it decides
 * nothing in safe mode, and asks for no more than it is allowed to. */
#include "fuzz.h"

#include "boot/policy.h"
#include "cli/policy_trace.h"

static struct hf_policy policy;
static struct hf_report report;
static struct hf_policy_trace trace;
static struct hf_policy_state state;
static struct hf_policy_output out;

static void take(const char *line, size_t size_bytes)
{
	struct hf_err err = { 0 };
	bool taken;

	if (hf_policy_trace_line(&trace, line, size_bytes, &taken, &err) != HF_OK) {
		FUZZ_MUST(err.text[0] != '\0' && !taken);
		return;
	}
	/* A line that is refused leaves what it said before its mistake; so does this one. */
	if (!taken)
		return;
	hf_policy_step(&policy, &state, &trace.input, &out);
	FUZZ_MUST(out.state != HF_STATE_SAFE_MODE || !out.may_decide);
	FUZZ_MUST(out.order_count <= HF_ORDERS_MAX);
	for (unsigned i = 0; i < out.order_count; i++)
		FUZZ_MUST(!policy.actions[out.orders[i].action].unavailable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	HF_AUTO_FREE char *text = fuzz_text(data, size_bytes);
	struct hf_err err;

	if (policy.magic == 0) {
		size_t bytes;
		const char *standard = hf_policy_standard(&bytes);

		FUZZ_MUST(hf_policy_parse("", standard, bytes, &policy, &report, &err) == HF_OK);
	}
	memset(&trace, 0, sizeof trace);
	hf_policy_state_fresh(&state);
	for (const char *at = text; at < text + size_bytes;) {
		const char *end = memchr(at, '\n', size_bytes - (size_t)(at - text));
		size_t length = end != NULL ? (size_t)(end - at) : size_bytes - (size_t)(at - text);

		take(at, length);
		at += length + 1;
	}
	return 0;
}
