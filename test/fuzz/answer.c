/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back instead of the hub's answer. First line: status, a space, the content type;
 * then the body. Only a number that was sent is ever taken for delivered. */
#include "fuzz.h"

#include "uplink/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	HF_AUTO_FREE char *text = fuzz_text(data, size_bytes);
	const struct hf_sent sent = { .device_id = "unit-7",
				      .epoch = "00112233aabbccdd",
				      .nonce = "0123456789abcdef0123456789abcdef",
				      .first_seq = 5,
				      .last_seq = 9 };
	struct hf_answer answer = { 0 };
	char *type = NULL, *body = strchr(text, '\n');

	if (body == NULL)
		return 0;
	*body++ = '\0';
	const struct hf_response response = { .status = strtol(text, &type, 10) % 1000,
					      .content_type = *type == ' ' ? type + 1 : NULL,
					      .body = body,
					      .body_bytes = size_bytes - (size_t)(body - text) };
	hf_answer_judge(&response, &sent, &answer);
	FUZZ_MUST(hf_verdict_name(answer.verdict) != NULL);
	FUZZ_MUST(memchr(answer.text, '\0', sizeof answer.text) != NULL);
	for (const char *at = answer.text; *at != '\0'; at++)
		FUZZ_MUST((unsigned char)*at >= ' ' && *at != 0x7f);
	if (answer.verdict == HF_VERDICT_DELIVERED)
		FUZZ_MUST(answer.acked_through <= sent.last_seq && response.status == 200);
	return 0;
}
