/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as the state of the policy: refused, or a state that the machine can go on from, and that is
 * the same after it was stored once more. */
#include "fuzz.h"

#include "boot/policy.h"
#include "recover/machine.h"

#include <string.h>

static const struct hf_policy *standard(void)
{
	static struct hf_policy policy;
	static struct hf_report report;
	struct hf_err err;
	size_t size_bytes;
	const char *text = hf_policy_standard(&size_bytes);

	if (policy.magic == 0)
		FUZZ_MUST(hf_policy_parse("standard", text, size_bytes, &policy, &report, &err) ==
			  HF_OK);
	return &policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static struct hf_policy_input input;
	static struct hf_policy_output out;
	static struct hf_policy_state state;
	static struct hf_policy_state again;
	uint8_t packed[HF_POLICY_STATE_BYTES];
	struct hf_err err;

	if (hf_policy_state_unpack(standard(), data, size_bytes, &state, &err) != HF_OK)
		return 0;
	memset(&input, 0, sizeof input);
	input.worker_count = 4;
	input.source_count = 1;
	input.camera_count = 16;
	for (unsigned i = 0; i < 20; i++) {
		input.now_ms = state.now_ms + (int64_t)i * 997;
		input.uptime_ms = input.now_ms;
		for (unsigned s = 0; s < HF_SIGNAL_COUNT; s++)
			for (unsigned c = 0; c < 16; c++)
				input.readings[s][c] =
					(struct hf_reading){ .known = (s + i) % 3 != 0,
							     .value = (s * c + i) % 2 * 1000 };
		hf_policy_step(standard(), &state, &input, &out);
	}
	size_t bytes = hf_policy_state_pack(standard(), &state, packed);
	FUZZ_MUST(hf_policy_state_unpack(standard(), packed, bytes, &again, &err) == HF_OK);
	FUZZ_MUST(again.safe == state.safe && again.use_count == state.use_count &&
		  memcmp(again.denied, state.denied, sizeof state.denied) == 0);
	return 0;
}
