/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/window.h"

#include "base/assert.h"

#include <string.h>

static bool same_owner(const struct hf_window_owner *a, const struct hf_window_owner *b)
{
	return strcmp(a->device_id, b->device_id) == 0 && strcmp(a->epoch, b->epoch) == 0;
}

void hf_window_clear(struct hf_window *window)
{
	window->line_count = 0;
	window->size_bytes = 0;
}

bool hf_window_add(struct hf_window *window, const char *data, const struct hf_window_owner *owner,
		   const struct hf_window_line *line)
{
	HF_ASSERT(line->size_bytes > 0 && line->size_bytes <= HF_LINE_BYTES_MAX);
	HF_ASSERT(window->line_count == 0 || line->seq > window->lines[window->line_count - 1].seq);

	if (window->line_count == HF_WINDOW_LINES_MAX ||
	    line->size_bytes > sizeof window->data - window->size_bytes ||
	    (window->line_count > 0 && !same_owner(owner, &window->owner)))
		return false;
	if (window->line_count == 0)
		window->owner = *owner;
	window->lines[window->line_count++] = *line;
	memcpy(window->data + window->size_bytes, data, line->size_bytes);
	window->size_bytes += line->size_bytes;
	return true;
}

size_t hf_window_bytes(const struct hf_window *window, uint32_t line_count)
{
	size_t bytes = 0;

	HF_ASSERT(line_count <= window->line_count);
	for (uint32_t i = 0; i < line_count; i++)
		bytes += window->lines[i].size_bytes;
	return bytes;
}

uint32_t hf_window_through(const struct hf_window *window, uint64_t seq)
{
	uint32_t count = 0;

	while (count < window->line_count && window->lines[count].seq <= seq)
		count++;
	return count;
}

void hf_window_leave(struct hf_window *window, uint32_t line_count)
{
	size_t bytes = hf_window_bytes(window, line_count);

	window->line_count -= line_count;
	window->size_bytes -= bytes;
	memmove(window->lines, window->lines + line_count,
		window->line_count * sizeof window->lines[0]);
	memmove(window->data, window->data + bytes, window->size_bytes);
}
