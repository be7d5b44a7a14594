/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/files.h"

#include "outbox/scan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Lines in front of a header: no more than half a ring, and generously. */
	CARRIED_BYTES_MAX = 8 * 1024 * 1024,
};

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
	*file = (struct hf_file){ .last_seq_max = UINT64_MAX };
	(void)snprintf(file->name, sizeof file->name, "%.*s", HF_FILE_NAME_BYTES - 1, entry->name);
	return true;
}

bool hf_file_header(const struct hf_line *line, uint64_t first_seq, struct hf_file *ret_file)
{
	uint64_t says_first;
	char commit[8];

	if (!hf_slice_is(&line->event_class, HF_CLASS_FILE_OPENED) ||
	    !hf_attrs_u64(&line->attrs, "first_seq", &says_first) || says_first != first_seq ||
	    !hf_attrs_u64(&line->attrs, "previous_seq", &ret_file->previous_seq))
		return false;
	if (!hf_attrs_text(&line->attrs, "previous", ret_file->previous, sizeof ret_file->previous))
		ret_file->previous[0] = '\0';
	if (!hf_attrs_text(&line->attrs, "previous_crc32c", ret_file->previous_crc32c,
			   sizeof ret_file->previous_crc32c))
		ret_file->previous_crc32c[0] = '\0';
	if (!hf_attrs_u64(&line->attrs, "carried", &ret_file->carried))
		ret_file->carried = 0;
	ret_file->by_ring = hf_attrs_text(&line->attrs, "commit", commit, sizeof commit) &&
			    strcmp(commit, "ring") == 0;
	ret_file->has_header = true;
	ret_file->order_seq = line->local_seq;
	return true;
}

/* The first valid line, and the header: that line, or one behind lines that were carried. */
static enum hf_code look_at_lines(struct hf_scan *scan, struct hf_file *file, struct hf_err *err)
{
	struct hf_scan_item item;
	enum hf_code code;

	while ((code = hf_scan_next(scan, &item, err)) == HF_OK) {
		if (item.kind != HF_SCAN_LINE) {
			/* Damage where the header should be. */
			if (item.offset == 0 || item.offset > CARRIED_BYTES_MAX)
				break;
			continue;
		}
		if (file->first_seq == 0)
			file->first_seq = file->order_seq = item.line.local_seq;
		if (hf_file_header(&item.line, file->first_seq, file) ||
		    item.offset > CARRIED_BYTES_MAX)
			return HF_OK;
	}
	/* Where the beginning is damaged, any line gives the file its place. */
	while (code == HF_OK && file->first_seq == 0) {
		code = hf_scan_next(scan, &item, err);
		if (code == HF_OK && item.kind == HF_SCAN_LINE)
			file->first_seq = file->order_seq = item.line.local_seq;
	}
	return code == HF_E_NOENT ? HF_OK : code;
}

static enum hf_code look(struct hf_disk *disk, const char *folder, struct hf_scan *scan,
			 struct hf_file *file, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	int handle;

	hf_file_path(folder, file->name, path);
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &handle, err);
	if (code != HF_OK)
		return code;
	hf_scan_begin(scan, disk, handle, 0, UINT64_MAX);
	code = hf_disk_size(disk, handle, &file->size_bytes, err);
	if (code == HF_OK)
		code = look_at_lines(scan, file, err);
	hf_disk_close(disk, handle);
	return code;
}

enum hf_code hf_file_look(struct hf_disk *disk, const char *folder, struct hf_file *file,
			  struct hf_err *err)
{
	struct hf_scan *scan = malloc(sizeof *scan);

	if (scan == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	enum hf_code code = look(disk, folder, scan, file, err);
	free(scan);
	return code;
}

static int by_order(const void *left, const void *right)
{
	const struct hf_file *a = left, *b = right;

	if (a->order_seq != b->order_seq)
		return a->order_seq < b->order_seq ? -1 : 1;
	return strcmp(a->name, b->name);
}

enum hf_code hf_files_names(struct hf_disk *disk, const char *folder, struct hf_files *ret_files,
			    struct hf_err *err)
{
	struct gathering g = { 0 };
	struct hf_disk_lister lister = { .entry = gather, .context = &g, .names_only = true };
	enum hf_code code = hf_disk_list(disk, folder, &lister, err);

	if (code == HF_OK && g.no_memory)
		code = hf_fail(err, HF_E_NOMEM, "%s: too many day files", folder);
	if (code == HF_OK)
		*ret_files = g.files;
	else
		free(g.files.list);
	return code;
}

enum hf_code hf_files_list(struct hf_disk *disk, const char *folder, struct hf_files *ret_files,
			   struct hf_err *err)
{
	struct hf_files files = { 0 };
	struct hf_scan *scan = malloc(sizeof *scan);
	enum hf_code code = scan == NULL ? hf_fail(err, HF_E_NOMEM, "out of memory")
					 : hf_files_names(disk, folder, &files, err);

	for (size_t i = 0; code == HF_OK && i < files.count; i++) {
		code = look(disk, folder, scan, &files.list[i], err);
		if (code == HF_E_NOENT) {
			/* Removed between listing and opening: retention is at work. */
			files.list[i--] = files.list[--files.count];
			code = HF_OK;
		}
	}
	free(scan);
	if (code != HF_OK) {
		free(files.list);
		return code;
	}
	if (files.count > 1)
		qsort(files.list, files.count, sizeof *files.list, by_order);
	for (size_t i = 0; i + 1 < files.count; i++)
		if (files.list[i + 1].has_header)
			files.list[i].last_seq_max = files.list[i + 1].previous_seq;
	*ret_files = files;
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

bool hf_file_gap(const struct hf_line *line, uint64_t *ret_from, uint64_t *ret_through)
{
	return hf_slice_is(&line->event_class, HF_CLASS_GAP) &&
	       hf_attrs_u64(&line->attrs, "from", ret_from) &&
	       hf_attrs_u64(&line->attrs, "through", ret_through);
}
