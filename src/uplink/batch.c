/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/batch.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

void hf_batch_clear(struct hf_batch *batch)
{
	batch->line_count = 0;
	batch->size_bytes = 0;
}

bool hf_batch_add(struct hf_batch *batch, const char *data, size_t size_bytes, uint64_t seq,
		  const char *epoch, const char *thumb)
{
	HF_ASSERT(size_bytes > 0 && size_bytes <= HF_LINE_BYTES_MAX);
	HF_ASSERT(batch->line_count == 0 || seq > hf_batch_last(batch));
	HF_ASSERT(strlen(epoch) < sizeof batch->epoch);
	if (batch->line_count == HF_BATCH_LINES_MAX ||
	    size_bytes > sizeof batch->data - batch->size_bytes ||
	    (batch->line_count > 0 && strcmp(epoch, batch->epoch) != 0))
		return false;
	if (batch->line_count == 0)
		(void)snprintf(batch->epoch, sizeof batch->epoch, "%s", epoch);

	struct hf_batch_line *line = &batch->lines[batch->line_count++];
	line->seq = seq;
	(void)snprintf(line->thumb, sizeof line->thumb, "%s", thumb != NULL ? thumb : "");
	memcpy(batch->data + batch->size_bytes, data, size_bytes);
	batch->size_bytes += size_bytes;
	return true;
}

uint64_t hf_batch_first(const struct hf_batch *batch)
{
	HF_ASSERT(batch->line_count > 0);
	return batch->lines[0].seq;
}

uint64_t hf_batch_last(const struct hf_batch *batch)
{
	HF_ASSERT(batch->line_count > 0);
	return batch->lines[batch->line_count - 1].seq;
}

uint32_t hf_batch_through(const struct hf_batch *batch, uint64_t seq)
{
	uint32_t count = 0;

	while (count < batch->line_count && batch->lines[count].seq <= seq)
		count++;
	return count;
}
