/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/scan.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

enum {
	BLOCK_BYTES = 4096,
	UNREADABLE = 0xff, /* in no line: not UTF-8 */
};

_Static_assert((int)HF_SCAN_BYTES > (int)HF_LINE_BYTES_MAX, "a whole line fits the buffer");

void hf_scan_begin(struct hf_scan *scan, struct hf_disk *disk, int file, uint64_t offset,
		   uint64_t end)
{
	HF_ASSERT(offset <= end);
	scan->disk = disk;
	scan->file = file;
	scan->end = end;
	scan->offset = offset;
	scan->at = 0;
	scan->filled = 0;
	scan->inside = false;
}

/* A block the medium does not give back is damage like any other: it costs the lines in it. */
static enum hf_code read_by_blocks(struct hf_scan *scan, uint64_t from, char *to, size_t room,
				   size_t *ret_got, struct hf_err *err)
{
	uint64_t size;
	enum hf_code code = hf_disk_size(scan->disk, scan->file, &size, err);

	if (code != HF_OK)
		return code;
	if (from >= size)
		room = 0;
	else if (room > size - from)
		room = (size_t)(size - from);
	for (size_t done = 0; done < room;) {
		size_t piece = BLOCK_BYTES - (size_t)((from + done) % BLOCK_BYTES);
		size_t got = 0;

		if (piece > room - done)
			piece = room - done;
		code = hf_disk_read(scan->disk, scan->file, from + done, to + done, piece, &got,
				    err);
		if (code == HF_E_IO || (code == HF_OK && got < piece))
			memset(to + done, UNREADABLE, piece);
		else if (code != HF_OK)
			return code;
		done += piece;
	}
	*ret_got = room;
	return HF_OK;
}

/* Move what is left to the front and read behind it. */
static enum hf_code fill(struct hf_scan *scan, struct hf_err *err)
{
	size_t got = 0;

	memmove(scan->buffer, scan->buffer + scan->at, scan->filled - scan->at);
	scan->filled -= scan->at;
	scan->at = 0;
	uint64_t from = scan->offset + scan->filled;
	uint64_t room = HF_SCAN_BYTES - scan->filled;
	if (room > scan->end - from)
		room = scan->end - from;
	char *to = scan->buffer + scan->filled;
	enum hf_code code = hf_disk_read(scan->disk, scan->file, from, to, (size_t)room, &got, err);
	if (code == HF_E_IO)
		code = read_by_blocks(scan, from, to, (size_t)room, &got, err);
	if (code == HF_OK)
		scan->filled += got;
	return code;
}

/* Spaces between a line's brace and its newline belong to nobody: take them off. Where that
 * leaves no line, the bytes are as they were. */
static enum hf_code parse_padded(char *data, size_t size_bytes, struct hf_line *ret_line,
				 struct hf_err *err)
{
	size_t end = size_bytes - 1;

	while (end > 0 && data[end - 1] == ' ')
		end--;
	if (end == size_bytes - 1 || end == 0)
		return hf_line_parse(data, size_bytes, ret_line, err);
	data[end] = '\n';
	enum hf_code code = hf_line_parse(data, end + 1, ret_line, err);
	if (code != HF_OK)
		data[end] = ' ';
	return code;
}

static void judge(struct hf_scan *scan, struct hf_scan_item *item, char *data)
{
	struct hf_err err = { 0 };

	item->kind = HF_SCAN_ROT;
	if (scan->inside || item->more)
		(void)snprintf(item->why, sizeof item->why, "no newline for more than %d bytes",
			       HF_SCAN_BYTES);
	else if (parse_padded(data, item->size_bytes, &item->line, &err) == HF_OK)
		item->kind = HF_SCAN_LINE;
	else
		(void)snprintf(item->why, sizeof item->why, "%.*s", (int)sizeof item->why - 1,
			       err.text);
}

bool hf_scan_has_line(const struct hf_scan *scan)
{
	return memchr(scan->buffer + scan->at, '\n', scan->filled - scan->at) != NULL;
}

enum hf_code hf_scan_next(struct hf_scan *scan, struct hf_scan_item *ret_item, struct hf_err *err)
{
	char *start = scan->buffer + scan->at;
	const char *newline = memchr(start, '\n', scan->filled - scan->at);

	if (newline == NULL) {
		enum hf_code code = fill(scan, err);

		if (code != HF_OK)
			return code;
		start = scan->buffer;
		newline = memchr(start, '\n', scan->filled);
	}
	if (scan->filled == scan->at)
		return hf_fail(err, HF_E_NOENT, "end of file");

	ret_item->offset = scan->offset;
	ret_item->data = start;
	ret_item->why[0] = '\0';
	ret_item->more = newline == NULL && scan->filled == HF_SCAN_BYTES;
	ret_item->size_bytes =
		newline != NULL ? (size_t)(newline + 1 - start) : scan->filled - scan->at;
	if (newline == NULL && !ret_item->more)
		ret_item->kind = HF_SCAN_UNENDED;
	else
		judge(scan, ret_item, start);
	scan->inside = ret_item->more;
	scan->at += ret_item->size_bytes;
	scan->offset += ret_item->size_bytes;
	return HF_OK;
}
