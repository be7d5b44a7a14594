/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the outbox, its CRC made right. What is accepted is whole, and every part that was
 * found in it lies in it. */
#include "reseal.h"

#include "base/json.h"
#include "outbox/line.h"

static void must_lie_in(const struct hf_line *line, const struct hf_slice *slice)
{
	FUZZ_MUST(slice->data == NULL ||
		  (slice->data >= line->data && slice->size_bytes <= line->size_bytes &&
		   slice->data + slice->size_bytes <= line->data + line->size_bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	HF_AUTO_FREE char *text = fuzz_text(data, size_bytes);
	struct hf_err err = { 0 };
	struct hf_line line;
	char small[8];
	uint64_t number;

	fuzz_reseal(text, size_bytes);
	(void)hf_line_seq_legible(text, size_bytes);
	if (hf_line_parse(text, size_bytes, &line, &err) != HF_OK)
		return 0;
	const struct hf_slice *slices[] = { &line.device_id,     &line.captured_at, &line.layout_id,
					    &line.camera_name,   &line.event_class, &line.zone_id,
					    &line.dwell_seconds, &line.thumb_path,  &line.model_tag,
					    &line.epoch,         &line.origin,      &line.attrs };
	for (size_t i = 0; i < HF_ARRAY_LEN(slices); i++) {
		must_lie_in(&line, slices[i]);
		(void)hf_slice_text(slices[i], small, sizeof small);
	}
	FUZZ_MUST(hf_line_seq_legible(text, size_bytes) == line.local_seq);
	FUZZ_MUST(memchr(text, '\n', size_bytes - 1) == NULL);
	(void)hf_attrs_u64(&line.attrs, "gap_from", &number);
	(void)hf_attrs_text(&line.attrs, "reason", small, sizeof small);
	return 0;
}
