/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/files.h"

#include "outbox/scan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gathering {
	struct hf_files files;
	size_t room;
	bool no_memory;
};

static bool digits(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return true;
}

bool hf_file_name_is(const char *name)
{
	size_t size = strlen(name);

	if (size < 16 || size >= HF_FILE_NAME_BYTES || strcmp(name + size - 6, ".jsonl") != 0 ||
	    !digits(name, 4) || name[4] != '-' || !digits(name + 5, 2) || name[7] != '-' ||
	    !digits(name + 8, 2))
		return false;
	return size == 16 || (name[10] == '.' && size > 17 && digits(name + 11, size - 17));
}

void hf_file_path(const char *folder, const char *name, char ret_path[HF_DISK_PATH_BYTES])
{
	(void)snprintf(ret_path, HF_DISK_PATH_BYTES, "%s/%s", folder, name);
}

static bool gather(void *context, const struct hf_disk_entry *entry)
{
	struct gathering *g = context;

	if (entry->folder || !hf_file_name_is(entry->name))
		return true;
	if (g->files.count == g->room) {
		size_t room = g->room == 0 ? 64 : 2 * g->room;
		struct hf_file *grown = room > HF_OUTBOX_FILES_MAX
						? NULL
						: realloc(g->files.list, room * sizeof *grown);

		if (grown == NULL) {
			g->no_memory = true;
			return false;
		}
		g->files.list = grown;
		g->room = room;
	}
	struct hf_file *file = &g->files.list[g->files.count++];
	*file = (struct hf_file){ .size_bytes = entry->size_bytes, .last_seq_max = UINT64_MAX };
	(void)snprintf(file->name, sizeof file->name, "%.*s", HF_FILE_NAME_BYTES - 1, entry->name);
	return true;
}

bool hf_file_header(const struct hf_line *line, struct hf_file *ret_file)
{
	uint64_t first_seq;

	if (!hf_slice_is(&line->event_class, HF_CLASS_FILE_OPENED) ||
	    !hf_attrs_u64(&line->attrs, "first_seq", &first_seq) || first_seq != line->local_seq ||
	    !hf_attrs_u64(&line->attrs, "previous_seq", &ret_file->previous_seq))
		return false;
	if (!hf_attrs_text(&line->attrs, "previous", ret_file->previous, sizeof ret_file->previous))
		ret_file->previous[0] = '\0';
	if (!hf_attrs_text(&line->attrs, "previous_crc32c", ret_file->previous_crc32c,
			   sizeof ret_file->previous_crc32c))
		ret_file->previous_crc32c[0] = '\0';
	ret_file->has_header = true;
	return true;
}

static enum hf_code read_first(struct hf_disk *disk, const char *folder, struct hf_scan *scan,
			       struct hf_file *file, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	struct hf_scan_item item;
	int handle;
	bool first = true;

	hf_file_path(folder, file->name, path);
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &handle, err);
	if (code != HF_OK)
		return code;
	hf_scan_begin(scan, disk, handle, 0, UINT64_MAX);
	for (;; first = false) {
		code = hf_scan_next(scan, &item, err);
		if (code != HF_OK)
			break;
		if (item.kind != HF_SCAN_LINE)
			continue;
		file->first_seq = item.line.local_seq;
		if (first)
			(void)hf_file_header(&item.line, file);
		break;
	}
	hf_disk_close(disk, handle);
	return code == HF_E_NOENT ? HF_OK : code;
}

static int by_first_seq(const void *left, const void *right)
{
	const struct hf_file *a = left, *b = right;

	if (a->first_seq != b->first_seq)
		return a->first_seq < b->first_seq ? -1 : 1;
	return strcmp(a->name, b->name);
}

enum hf_code hf_files_list(struct hf_disk *disk, const char *folder, struct hf_files *ret_files,
			   struct hf_err *err)
{
	struct gathering g = { 0 };
	struct hf_disk_lister lister = { .entry = gather, .context = &g };
	struct hf_scan *scan = malloc(sizeof *scan);
	enum hf_code code = scan == NULL ? hf_fail(err, HF_E_NOMEM, "out of memory")
					 : hf_disk_list(disk, folder, &lister, err);

	if (code == HF_OK && g.no_memory)
		code = hf_fail(err, HF_E_NOMEM, "%s: too many day files", folder);
	for (size_t i = 0; code == HF_OK && i < g.files.count; i++) {
		code = read_first(disk, folder, scan, &g.files.list[i], err);
		if (code == HF_E_NOENT) {
			/* Removed between listing and opening: retention is at work. */
			g.files.list[i--] = g.files.list[--g.files.count];
			code = HF_OK;
		}
	}
	free(scan);
	if (code != HF_OK) {
		free(g.files.list);
		return code;
	}
	if (g.files.count > 1)
		qsort(g.files.list, g.files.count, sizeof *g.files.list, by_first_seq);
	for (size_t i = 0; i + 1 < g.files.count; i++)
		if (g.files.list[i + 1].has_header)
			g.files.list[i].last_seq_max = g.files.list[i + 1].previous_seq;
	*ret_files = g.files;
	return HF_OK;
}

void hf_files_free(struct hf_files *files)
{
	free(files->list);
	*files = (struct hf_files){ 0 };
}

const struct hf_file *hf_files_find(const struct hf_files *files, uint64_t seq)
{
	const struct hf_file *found = files->count > 0 ? &files->list[0] : NULL;

	for (size_t i = 1; i < files->count; i++)
		if (files->list[i].first_seq <= seq)
			found = &files->list[i];
	return found;
}
