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

bool hf_batch_add(struct hf_batch *batch, const char *data, const char *epoch,
		  const struct hf_batch_line *line)
{
	HF_ASSERT(line->size_bytes > 0 && line->size_bytes <= HF_LINE_BYTES_MAX);
	HF_ASSERT(batch->line_count == 0 || line->seq > batch->lines[batch->line_count - 1].seq);
	HF_ASSERT(strlen(epoch) < sizeof batch->epoch);
	if (batch->line_count == HF_BATCH_LINES_MAX ||
	    line->size_bytes > sizeof batch->data - batch->size_bytes ||
	    (batch->line_count > 0 && strcmp(epoch, batch->epoch) != 0))
		return false;
	if (batch->line_count == 0)
		(void)snprintf(batch->epoch, sizeof batch->epoch, "%s", epoch);
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
