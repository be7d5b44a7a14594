/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/batch.h"

#include "base/assert.h"

#include <string.h>

static bool same_owner(const struct hf_batch_owner *a, const struct hf_batch_owner *b)
{
	return strcmp(a->device_id, b->device_id) == 0 && strcmp(a->epoch, b->epoch) == 0;
}

void hf_batch_clear(struct hf_batch *batch)
{
	batch->line_count = 0;
	batch->size_bytes = 0;
}

bool hf_batch_add(struct hf_batch *batch, const char *data, const struct hf_batch_owner *owner,
		  const struct hf_batch_line *line)
{
	HF_ASSERT(line->size_bytes > 0 && line->size_bytes <= HF_LINE_BYTES_MAX);
	HF_ASSERT(batch->line_count == 0 || line->seq > batch->lines[batch->line_count - 1].seq);

	if (batch->line_count == HF_BATCH_LINES_MAX ||
	    line->size_bytes > sizeof batch->data - batch->size_bytes ||
	    (batch->line_count > 0 && !same_owner(owner, &batch->owner)))
		return false;
	if (batch->line_count == 0)
		batch->owner = *owner;
	batch->lines[batch->line_count++] = *line;
	memcpy(batch->data + batch->size_bytes, data, line->size_bytes);
	batch->size_bytes += line->size_bytes;
	return true;
}

size_t hf_batch_bytes(const struct hf_batch *batch, uint32_t line_count)
{
	size_t bytes = 0;

	HF_ASSERT(line_count <= batch->line_count);
	for (uint32_t i = 0; i < line_count; i++)
		bytes += batch->lines[i].size_bytes;
	return bytes;
}

uint32_t hf_batch_through(const struct hf_batch *batch, uint64_t seq)
{
	uint32_t count = 0;

	while (count < batch->line_count && batch->lines[count].seq <= seq)
		count++;
	return count;
}

void hf_batch_leave(struct hf_batch *batch, uint32_t line_count)
{
	size_t bytes = hf_batch_bytes(batch, line_count);

	batch->line_count -= line_count;
	batch->size_bytes -= bytes;
	memmove(batch->lines, batch->lines + line_count,
		batch->line_count * sizeof batch->lines[0]);
	memmove(batch->data, batch->data + bytes, batch->size_bytes);
}
