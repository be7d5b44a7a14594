/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method of a sweep: list the old thumbnails, strike out each that a remaining
 * line names, remove the rest. The walk ends at the end of the newest file and
 * the removal begins in the same breath, so no line can slip in between.
 */
#include "outbox/retain.h"

#include "outbox/scan.h"
#include "outbox/writer_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HASH_HEX = 64,
	THUMB_NAME_BYTES = HASH_HEX + 5, /* <sha256>.jpg and the NUL */
};

static const int64_t day_s = INT64_C(24) * 3600;

struct thumb {
	char name[THUMB_NAME_BYTES];
	bool named;
	int64_t modified_s;
};

struct hf_sweep {
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_sweep_options options;
	int64_t before_s; /* written before that */
	size_t thumb_count;
	struct hf_files files;
	size_t file_index;
	int file; /* -1: not open */
	struct thumb thumbs[HF_SWEEP_THUMBS];
	struct hf_scan scan;
};

static enum hf_code remove_file(struct hf_outbox *outbox, const struct hf_file *file,
				struct hf_retained *removed, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];

	hf_file_path(HF_OUTBOX_FOLDER, file->name, path);
	enum hf_code code = hf_disk_unlink(outbox->disk, path, err);
	if (code != HF_OK)
		return code;
	removed->files++;
	removed->bytes += file->size_bytes;
	return HF_OK;
}

/* May it go? All numbers up to the successor's first are acknowledged, void or missing ones too. */
static bool is_delivered(const struct hf_outbox *outbox, const struct hf_file *file,
			 uint64_t acked_through)
{
	return file[1].first_seq <= acked_through + 1 && strcmp(file->name, outbox->name) != 0;
}

/* Files were removed: their names are gone for good, and the note is that of those left. */
static enum hf_code end_removal(struct hf_outbox *outbox, const struct hf_retained *removed,
				struct hf_err *err)
{
	struct hf_err ignored;

	if (removed->files == 0)
		return HF_OK;
	enum hf_code code = hf_disk_folder_sync(outbox->disk, HF_OUTBOX_FOLDER, err);
	/* Where that fails the next start looks into every file. */
	outbox->newest_noted = hf_outbox_note_newest(outbox, &ignored) == HF_OK;
	return code;
}

/* The origins in what is removed are still to be known. A file that cannot be read may go all the
 * same: it would go on failing. */
static void recall_first(struct hf_outbox *outbox)
{
	struct hf_err ignored;

	(void)!hf_outbox_recall(outbox, &ignored);
}

enum hf_code hf_outbox_retain(struct hf_outbox *outbox, uint64_t acked_through, int64_t days,
			      struct hf_wall now, struct hf_retained *ret_removed,
			      struct hf_err *err)
{
	struct hf_files files;
	struct hf_retained removed = { 0 };
	char day_of[HF_DAY_TEXT_BYTES];
	size_t old = 0;
	enum hf_code code = hf_files_list(outbox->disk, HF_OUTBOX_FOLDER, &files, err);

	if (code != HF_OK)
		return code;
	hf_wall_day((struct hf_wall){ .ms = now.ms - days * day_s * 1000 }, day_of);
	/* A file is old when any file from it on is of an early enough day. */
	for (size_t i = 0; i < files.count; i++)
		if (days == 0 || strncmp(files.list[i].name, day_of, HF_DAY_TEXT_BYTES - 1) < 0)
			old = i + 1;
	if (code == HF_OK && old > 0)
		recall_first(outbox);
	for (size_t i = 0; code == HF_OK && i < old && i + 1 < files.count; i++) {
		const struct hf_file *file = &files.list[i];

		if (!is_delivered(outbox, file, acked_through))
			break;
		/* Without a line there is no telling what it held. */
		if (file->first_seq != 0)
			code = remove_file(outbox, file, &removed, err);
	}
	hf_files_free(&files);
	if (code == HF_OK)
		code = end_removal(outbox, &removed, err);
	if (code == HF_OK)
		*ret_removed = removed;
	return code;
}

static bool has_room(struct hf_outbox *outbox, uint64_t bytes_wanted)
{
	uint64_t free_bytes = 0;
	struct hf_err ignored;

	return hf_disk_free_space(outbox->disk, &free_bytes, &ignored) == HF_OK &&
	       free_bytes >= bytes_wanted;
}

enum hf_code hf_outbox_make_space(struct hf_outbox *outbox, uint64_t acked_through,
				  uint64_t bytes_wanted, struct hf_retained *ret_removed,
				  struct hf_err *err)
{
	struct hf_files files;
	struct hf_retained removed = { 0 };
	enum hf_code code = hf_files_list(outbox->disk, HF_OUTBOX_FOLDER, &files, err);

	if (code != HF_OK)
		return code;
	recall_first(outbox);
	for (size_t i = 0; code == HF_OK && i + 1 < files.count; i++) {
		const struct hf_file *file = &files.list[i];

		if (has_room(outbox, bytes_wanted) || !is_delivered(outbox, file, acked_through))
			break;
		if (file->first_seq != 0)
			code = remove_file(outbox, file, &removed, err);
	}
	hf_files_free(&files);
	if (code == HF_OK)
		code = end_removal(outbox, &removed, err);
	if (code == HF_OK)
		*ret_removed = removed;
	return code;
}

static bool take_thumb(void *context, const struct hf_disk_entry *entry)
{
	struct hf_sweep *sweep = context;

	if (entry->folder || strlen(entry->name) != THUMB_NAME_BYTES - 1 ||
	    entry->modified_s >= sweep->before_s)
		return true;
	struct thumb *thumb = &sweep->thumbs[sweep->thumb_count++];
	memcpy(thumb->name, entry->name, sizeof thumb->name);
	thumb->named = false;
	thumb->modified_s = entry->modified_s;
	return sweep->thumb_count < HF_SWEEP_THUMBS;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct thumb *)left)->name, ((const struct thumb *)right)->name);
}

static int by_age(const void *left, const void *right)
{
	const struct thumb *a = left, *b = right;

	return a->modified_s < b->modified_s ? -1 : a->modified_s > b->modified_s;
}

static void strike_out(struct hf_sweep *sweep, const struct hf_line *line)
{
	struct thumb key;

	if (line->thumb_path.size_bytes < THUMB_NAME_BYTES - 1 ||
	    line->local_seq <= sweep->options.delivered_through)
		return;
	memcpy(key.name,
	       line->thumb_path.data + line->thumb_path.size_bytes - (THUMB_NAME_BYTES - 1),
	       THUMB_NAME_BYTES - 1);
	key.name[THUMB_NAME_BYTES - 1] = '\0';
	struct thumb *found =
		bsearch(&key, sweep->thumbs, sweep->thumb_count, sizeof *sweep->thumbs, by_name);
	if (found != NULL)
		found->named = true;
}

/* The lines of files file_index .. file_count - 1. HF_E_AGAIN: not at the end yet. */
static enum hf_code walk(struct hf_sweep *sweep, size_t file_count, struct hf_err *err)
{
	uint64_t bytes = 0;

	while (sweep->file_index < file_count) {
		struct hf_scan_item item;
		char path[HF_DISK_PATH_BYTES];
		enum hf_code code = HF_OK;

		if (sweep->file < 0) {
			hf_file_path(HF_OUTBOX_FOLDER, sweep->files.list[sweep->file_index].name,
				     path);
			code = hf_disk_open(sweep->disk, path, HF_DISK_READ, &sweep->file, err);
			if (code == HF_OK)
				hf_scan_begin(&sweep->scan, sweep->disk, sweep->file, 0,
					      UINT64_MAX);
		}
		while (code == HF_OK && bytes < HF_SWEEP_BYTES) {
			code = hf_scan_next(&sweep->scan, &item, err);
			if (code == HF_OK) {
				bytes += item.size_bytes;
				if (item.kind == HF_SCAN_LINE)
					strike_out(sweep, &item.line);
			}
		}
		if (code == HF_OK)
			return HF_E_AGAIN;
		if (code != HF_E_NOENT)
			return code;
		hf_disk_close(sweep->disk, sweep->file);
		sweep->file = -1;
		sweep->file_index++;
	}
	return HF_OK;
}

enum hf_code hf_sweep_begin(struct hf_outbox *outbox, const struct hf_sweep_options *options,
			    struct hf_wall now, struct hf_sweep **ret_sweep, struct hf_err *err)
{
	struct hf_sweep *sweep = calloc(1, sizeof *sweep);
	struct hf_disk_lister lister = { .entry = take_thumb, .context = sweep };

	if (sweep == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	sweep->disk = outbox->disk;
	sweep->outbox = outbox;
	sweep->options = *options;
	sweep->file = -1;
	sweep->before_s = now.ms / 1000 - options->older_than_s;
	enum hf_code code = hf_disk_list(sweep->disk, HF_THUMBS_FOLDER, &lister, err);
	if (code == HF_OK && sweep->thumb_count == 0)
		code = hf_fail(err, HF_E_NOENT, "no old thumbnails");
	if (code == HF_OK)
		code = hf_files_list(sweep->disk, HF_OUTBOX_FOLDER, &sweep->files, err);
	if (code != HF_OK) {
		hf_sweep_end(sweep);
		return code;
	}
	/* Files of which every line is delivered need not be read. */
	while (sweep->file_index + 1 < sweep->files.count &&
	       sweep->files.list[sweep->file_index + 1].first_seq <= options->delivered_through)
		sweep->file_index++;
	qsort(sweep->thumbs, sweep->thumb_count, sizeof *sweep->thumbs, by_name);
	*ret_sweep = sweep;
	return HF_OK;
}

/* The newest file, and what was opened since: without a pause, so that no line is missed. */
static enum hf_code walk_newest(struct hf_sweep *sweep, struct hf_err *err)
{
	struct hf_files files;
	enum hf_code code = hf_files_list(sweep->disk, HF_OUTBOX_FOLDER, &files, err);

	if (code != HF_OK)
		return code;
	uint64_t first_seq =
		sweep->files.count > 0 ? sweep->files.list[sweep->files.count - 1].first_seq : 0;
	sweep->file_index = 0;
	while (sweep->file_index < files.count &&
	       files.list[sweep->file_index].first_seq < first_seq)
		sweep->file_index++;
	hf_files_free(&sweep->files);
	sweep->files = files;
	do {
		code = walk(sweep, files.count, err);
	} while (code == HF_E_AGAIN);
	return code;
}

enum hf_code hf_sweep_step(struct hf_sweep *sweep, struct hf_retained *ret_removed,
			   struct hf_err *err)
{
	struct hf_retained removed = { 0 };
	size_t older = sweep->files.count > 0 ? sweep->files.count - 1 : 0;
	enum hf_code code = walk(sweep, older, err);

	if (code == HF_OK)
		code = walk_newest(sweep, err);
	/* Names have served; now age counts. */
	if (code == HF_OK)
		qsort(sweep->thumbs, sweep->thumb_count, sizeof *sweep->thumbs, by_age);
	for (size_t i = 0; code == HF_OK && i < sweep->thumb_count; i++) {
		struct hf_err ignored;
		char path[HF_DISK_PATH_BYTES];

		if (sweep->thumbs[i].named)
			continue;
		if (sweep->options.bytes_wanted != 0 &&
		    has_room(sweep->outbox, sweep->options.bytes_wanted))
			break;
		hf_file_path(HF_THUMBS_FOLDER, sweep->thumbs[i].name, path);
		/* Gone already is as good; what cannot be removed is there for the next sweep. */
		if (hf_disk_unlink(sweep->disk, path, &ignored) == HF_OK)
			removed.files++;
	}
	*ret_removed = removed;
	return code;
}

void hf_sweep_end(struct hf_sweep *sweep)
{
	if (sweep == NULL)
		return;
	hf_disk_close(sweep->disk, sweep->file);
	hf_files_free(&sweep->files);
	free(sweep);
}
