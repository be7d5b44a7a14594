/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include "outbox/commit_ring.h"
#include "outbox/files.h"
#include "outbox/scan.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

/* Numbers that follow one another, as they stand. */
struct run {
	uint64_t from;
	uint64_t through;
	uint64_t offset;
	uint64_t end;
};

static void tell_run(FILE *out, const struct run *run)
{
	if (run->from != 0)
		fprintf(out, "    lines %llu-%llu in bytes %llu-%llu\n", (ull)run->from,
			(ull)run->through, (ull)run->offset, (ull)run->end);
}

static void tell_bad(FILE *out, const struct hf_scan_item *item)
{
	size_t zeros = 0;

	while (zeros < item->size_bytes && item->data[zeros] == '\0')
		zeros++;
	fprintf(out, "    %zu bytes at %llu are no line (%s%zu zeros first): %s\n",
		item->size_bytes, (ull)item->offset,
		item->kind == HF_SCAN_UNENDED ? "without an end, " : "", zeros,
		item->kind == HF_SCAN_ROT ? item->why : "-");
}

static void tell_file(FILE *out, struct hf_disk *disk, const struct hf_file *file)
{
	char path[HF_DISK_PATH_BYTES];
	struct run run = { 0 };
	struct hf_scan_item item;
	struct hf_err err = { 0 };
	int handle;

	fprintf(out,
		"  %s: %llu bytes, header %s, order %llu, first %llu, carried %llu, "
		"by %s, previous %s to %llu\n",
		file->name, (ull)file->size_bytes, file->has_header ? "there" : "NOT there",
		(ull)file->order_seq, (ull)file->first_seq, (ull)file->carried,
		file->by_ring ? "ring" : "file", file->previous[0] != '\0' ? file->previous : "-",
		(ull)file->previous_seq);
	hf_file_path(HF_OUTBOX_FOLDER, file->name, path);
	struct hf_scan *scan = malloc(sizeof *scan);
	if (scan == NULL || hf_disk_open(disk, path, HF_DISK_READ, &handle, &err) != HF_OK) {
		fprintf(out, "    %s\n", err.text);
		free(scan);
		return;
	}
	hf_scan_begin(scan, disk, handle, 0, UINT64_MAX);
	while (hf_scan_next(scan, &item, &err) == HF_OK) {
		if (item.kind == HF_SCAN_LINE && run.from != 0 &&
		    item.line.local_seq == run.through + 1) {
			run.through = item.line.local_seq;
			run.end = item.offset + item.size_bytes;
			continue;
		}
		tell_run(out, &run);
		run = (struct run){ 0 };
		if (item.kind == HF_SCAN_LINE)
			run = (struct run){ .from = item.line.local_seq,
					    .through = item.line.local_seq,
					    .offset = item.offset,
					    .end = item.offset + item.size_bytes };
		else
			tell_bad(out, &item);
	}
	tell_run(out, &run);
	free(scan);
	hf_disk_close(disk, handle);
}

static void tell_ring(FILE *out, struct hf_disk *disk)
{
	struct hf_commit_ring_lines lines;
	struct run run = { 0 };
	struct hf_err err = { 0 };

	if (hf_commit_ring_read(disk, HF_OUTBOX_FOLDER, &lines, &err) != HF_OK) {
		fprintf(out, "  ring: %s\n", err.text);
		return;
	}
	fprintf(out, "  ring: %llu bytes, %zu lines, highest legible number %llu, torn %llu\n",
		(ull)lines.size_bytes, lines.count, (ull)lines.legible,
		(ull)hf_commit_ring_torn(disk, HF_OUTBOX_FOLDER, &lines));
	for (size_t i = 0; i < lines.count; i++) {
		const struct hf_commit_ring_entry *entry = &lines.list[i];

		if (run.from == 0 || entry->seq != run.through + 1 || entry->offset < run.end) {
			tell_run(out, &run);
			run = (struct run){ .from = entry->seq, .offset = entry->offset };
		}
		run.through = entry->seq;
		run.end = entry->frame_end;
	}
	tell_run(out, &run);
	hf_commit_ring_lines_free(&lines);
}

static void tell_note(FILE *out, struct hf_disk *disk, const char *path)
{
	char text[512];
	struct hf_err err = { 0 };

	if (hf_disk_text_read(disk, path, text, sizeof text, &err) != HF_OK)
		fprintf(out, "  %s\n", err.text);
	else
		fprintf(out, "  %s: %s\n", path, strtok(text, "\n") != NULL ? text : "(empty)");
}

void evidence_write(FILE *out, const char *data_path)
{
	static const char *const notes[] = { "meta/local_seq", "meta/outbox_newest",
					     "meta/outbox_gap", "meta/ack_local_seq",
					     "identity/epoch" };
	struct hf_files files = { 0 };
	struct hf_err err = { 0 };
	struct hf_disk *disk;

	if (hf_disk_real_open(data_path, &disk, &err) != HF_OK) {
		fprintf(out, "  %s\n", err.text);
		return;
	}
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		tell_note(out, disk, notes[i]);
	if (hf_files_list(disk, HF_OUTBOX_FOLDER, &files, &err) != HF_OK)
		fprintf(out, "  %s\n", err.text);
	for (size_t i = 0; i < files.count; i++)
		tell_file(out, disk, &files.list[i]);
	hf_files_free(&files);
	tell_ring(out, disk);
	hf_disk_real_close(disk);
}
