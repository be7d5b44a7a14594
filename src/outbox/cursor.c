/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t integer_max = UINT64_C(1) << 53;

enum hf_code hf_cursor_load(struct hf_disk *disk, const char *path, uint64_t *ret_seq,
			    struct hf_err *err)
{
	char text[32];
	char *end;
	enum hf_code code = hf_disk_text_read(disk, path, text, sizeof text, err);

	if (code == HF_E_LIMIT)
		return hf_fail(err, HF_E_CORRUPT, "%s holds more than a number", path);
	if (code != HF_OK)
		return code;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || text[0] < '0' || text[0] > '9' || value > integer_max ||
	    (strcmp(end, "\n") != 0 && *end != '\0'))
		return hf_fail(err, HF_E_CORRUPT, "%s does not hold a number up to 2^53", path);
	*ret_seq = value;
	return HF_OK;
}

enum hf_code hf_cursor_store(struct hf_disk *disk, const char *path, uint64_t seq,
			     struct hf_err *err)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%llu\n", (unsigned long long)seq);
	return hf_disk_text_replace(disk, path, text, err);
}

static void load_entry(struct hf_disk *disk, const char *path, const char *channel,
		       struct hf_cursor_entry *list, size_t *count)
{
	struct hf_cursor_entry *entry = &list[*count];
	struct hf_err err = { 0 };

	*entry = (struct hf_cursor_entry){ 0 };
	entry->code = hf_cursor_load(disk, path, &entry->acked_through, &err);
	if (entry->code == HF_E_NOENT)
		return;
	(void)snprintf(entry->channel, sizeof entry->channel, "%s", channel);
	if (entry->code != HF_OK)
		(void)snprintf(entry->why, sizeof entry->why, "%.159s", err.text);
	(*count)++;
}

struct folders {
	size_t count;
	char names[HF_CURSORS_MAX][HF_ID_BYTES];
};

static bool note_folder(void *context, const struct hf_disk_entry *entry)
{
	struct folders *folders = context;

	if (entry->folder && strlen(entry->name) < HF_ID_BYTES)
		(void)snprintf(folders->names[folders->count++], HF_ID_BYTES, "%s", entry->name);
	return folders->count < HF_CURSORS_MAX - 1;
}

size_t hf_cursors_load(struct hf_disk *disk, struct hf_cursor_entry ret_list[HF_CURSORS_MAX])
{
	struct folders folders = { 0 };
	struct hf_disk_lister lister = { .entry = note_folder, .context = &folders };
	struct hf_err ignored;
	size_t count = 0;

	load_entry(disk, HF_CURSOR_HUB, HF_CHANNEL_HUB, ret_list, &count);
	(void)!hf_disk_list(disk, "meta", &lister, &ignored);
	for (size_t i = 0; i < folders.count; i++) {
		char path[HF_DISK_PATH_BYTES];

		(void)snprintf(path, sizeof path, "meta/%s/ack_local_seq", folders.names[i]);
		load_entry(disk, path, folders.names[i], ret_list, &count);
	}
	return count;
}
