/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/verify.h"

#include "base/auto.h"
#include "outbox/cursor.h"
#include "outbox/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOLES_MAX = 65536,
	THUMB_NAME_BYTES = 69, /* <sha256>.jpg and the NUL */
	PROGRESS_BYTES = 1024 * 1024,
};

static const char thumbs_folder[] = "thumbs";

/* Hashes of origins seen; open addressing, at most half full. */
struct origin_set {
	uint64_t *slots;
	size_t room; /* a power of two */
	size_t count;
};

struct verifier {
	const struct hf_verify_options *options;
	struct hf_verify_report report;
	struct hf_files files;
	uint64_t bytes_all;
	uint64_t bytes_told;
	const struct hf_file *current;
	struct hf_verified_file now;

	bool any_line;
	uint64_t last_seq;
	uint32_t last_crc32c;
	char last_file[HF_FILE_NAME_BYTES];
	bool chain_known; /* of the line before this one */
	uint8_t chain[HF_CHAIN_BYTES];
	char epoch[HF_EPOCH_BYTES + 48];

	size_t hole_count;
	struct hf_verified_gap *holes;
	struct origin_set origins;
	bool thumbs_here;
	uint64_t lines_behind_cursor;
	struct hf_scan scan;
};

static const struct {
	const char *name;
	bool problem;
} kinds[] = {
#define HF_FINDING(id, name, problem) [HF_FINDING_##id] = { name, problem },
#include "outbox/finding_tbl.h"
};

_Static_assert(HF_ARRAY_LEN(kinds) == HF_FINDING_COUNT, "one row a finding");

const char *hf_finding_name(enum hf_finding_kind kind)
{
	return kinds[kind].name;
}

bool hf_finding_is_problem(enum hf_finding_kind kind)
{
	return kinds[kind].problem;
}

static void find(struct verifier *v, enum hf_finding_kind kind, uint64_t offset, uint64_t seq,
		 const char *format, ...) HF_PRINTF(5, 6);

static void find(struct verifier *v, enum hf_finding_kind kind, uint64_t offset, uint64_t seq,
		 const char *format, ...)
{
	struct hf_finding finding = { .kind = kind, .offset = offset, .local_seq = seq };
	va_list ap;

	v->report.found[kind]++;
	v->report.problems += kinds[kind].problem ? 1 : 0;
	if (v->options->finding == NULL)
		return;
	if (v->current != NULL)
		memcpy(finding.file, v->current->name, sizeof finding.file);
	va_start(ap, format);
	(void)vsnprintf(finding.text, sizeof finding.text, format, ap);
	va_end(ap);
	v->options->finding(v->options->context, &finding);
}

static void insert(uint64_t *slots, size_t room, uint64_t hash)
{
	size_t at = (size_t)hash & (room - 1);

	while (slots[at] != 0)
		at = (at + 1) & (room - 1);
	slots[at] = hash;
}

static enum hf_code grow(struct origin_set *set, struct hf_err *err)
{
	size_t room = set->room == 0 ? 4096 : 2 * set->room;
	uint64_t *slots = calloc(room, sizeof *slots);

	if (slots == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory for %zu origins", set->count);
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i] != 0)
			insert(slots, room, set->slots[i]);
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return HF_OK;
}

/* 64 bits of FNV-1a: two of a million origins share one with a chance of 1 in 30 million. */
static enum hf_code note_origin(struct origin_set *set, const struct hf_slice *origin,
				bool *ret_twice, struct hf_err *err)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < origin->size_bytes; i++)
		hash = (hash ^ (unsigned char)origin->data[i]) * UINT64_C(0x100000001b3);
	hash = hash == 0 ? 1 : hash;
	if (2 * (set->count + 1) > set->room) {
		enum hf_code code = grow(set, err);

		if (code != HF_OK)
			return code;
	}
	*ret_twice = false;
	for (size_t at = (size_t)hash & (set->room - 1); set->slots[at] != 0;
	     at = (at + 1) & (set->room - 1))
		if (set->slots[at] == hash)
			*ret_twice = true;
	if (!*ret_twice) {
		insert(set->slots, set->room, hash);
		set->count++;
	}
	return HF_OK;
}

static enum hf_code note_hole(struct verifier *v, uint64_t from, uint64_t through,
			      struct hf_err *err)
{
	if (v->hole_count == HOLES_MAX)
		return hf_fail(err, HF_E_LIMIT, "more than %d gaps: this is not one outbox",
			       HOLES_MAX);
	if (v->holes == NULL)
		v->holes = calloc(HOLES_MAX, sizeof *v->holes);
	if (v->holes == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	v->holes[v->hole_count++] = (struct hf_verified_gap){ .from = from, .through = through };
	return HF_OK;
}

/* A gap event speaks of numbers before it, seldom of ones long ago. */
static void explain_holes(struct verifier *v, const struct hf_line *line)
{
	uint64_t from, through;
	char reason[sizeof v->holes->reason];

	if (!hf_slice_is(&line->event_class, HF_CLASS_GAP) ||
	    !hf_attrs_u64(&line->attrs, "from", &from) ||
	    !hf_attrs_u64(&line->attrs, "through", &through))
		return;
	if (!hf_attrs_text(&line->attrs, "reason", reason, sizeof reason))
		(void)snprintf(reason, sizeof reason, "unnamed");
	for (size_t i = v->hole_count; i-- > 0;)
		if (v->holes[i].from >= from && v->holes[i].through <= through)
			memcpy(v->holes[i].reason, reason, sizeof reason);
}

static void check_header(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	const struct hf_file *file = v->current;
	char crc[9];

	if (!file->has_header) {
		find(v, HF_FINDING_HEADER_WRONG, offset, line->local_seq,
		     "the first line is not a whole %s event", HF_CLASS_FILE_OPENED);
		return;
	}
	if (!v->any_line) {
		if (file->previous[0] != '\0')
			find(v, HF_FINDING_HISTORY_REMOVED, offset, line->local_seq,
			     "%s and what was before it is not here", file->previous);
		return;
	}
	if (strcmp(file->previous, v->last_file) != 0) {
		find(v, HF_FINDING_FILE_MISSING, offset, line->local_seq,
		     "the header says that %s went before, found is %s",
		     file->previous[0] != '\0' ? file->previous : "no file", v->last_file);
		return;
	}
	(void)snprintf(crc, sizeof crc, "%08x", v->last_crc32c);
	if (file->previous_seq != v->last_seq || strcmp(crc, file->previous_crc32c) != 0)
		find(v, HF_FINDING_HEADER_WRONG, offset, line->local_seq,
		     "the header says that %s ended with line %llu (crc32c %s), found is %llu (%s)",
		     file->previous, (unsigned long long)file->previous_seq, file->previous_crc32c,
		     (unsigned long long)v->last_seq, crc);
}

static void check_chain(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	static const uint8_t zeros[HF_CHAIN_BYTES];
	uint8_t expected[HF_CHAIN_BYTES];
	char epoch[sizeof v->epoch];
	bool first = !v->any_line && v->current->has_header && v->current->previous_seq == 0;
	bool same_epoch;

	if (!hf_slice_text(&line->epoch, epoch, sizeof epoch))
		(void)snprintf(epoch, sizeof epoch, "?");
	same_epoch = strcmp(epoch, v->epoch) == 0;
	if (v->any_line && !same_epoch)
		find(v, HF_FINDING_EPOCH_CHANGED, offset, line->local_seq, "epoch %s, before it %s",
		     epoch, v->epoch);
	if (first || (v->any_line && !same_epoch))
		hf_line_chain(zeros, line, expected);
	else if (v->chain_known)
		hf_line_chain(v->chain, line, expected);
	else
		memcpy(expected, line->chain, sizeof expected);
	if (memcmp(expected, line->chain, sizeof expected) != 0)
		find(v, HF_FINDING_CHAIN_BROKEN, offset, line->local_seq,
		     "line %llu or the one before it was altered, or lines between %llu and it "
		     "were "
		     "taken out",
		     (unsigned long long)line->local_seq, (unsigned long long)v->last_seq);
	memcpy(v->epoch, epoch, sizeof v->epoch);
	memcpy(v->chain, line->chain, sizeof v->chain);
	v->chain_known = true;
}

static void check_thumb(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	char path[HF_DISK_PATH_BYTES], name[THUMB_NAME_BYTES];
	struct hf_err ignored;
	int file;

	if (line->thumb_path.data == NULL)
		return;
	v->report.thumbs_named++;
	if (!v->thumbs_here)
		return;
	size_t size = line->thumb_path.size_bytes;
	size_t from = size < sizeof name - 1 ? 0 : size - (sizeof name - 1);
	(void)snprintf(name, sizeof name, "%.*s", (int)(size - from), line->thumb_path.data + from);
	hf_file_path(thumbs_folder, name, path);
	if (strchr(name, '/') == NULL &&
	    hf_disk_open(v->options->disk, path, HF_DISK_READ, &file, &ignored) == HF_OK)
		hf_disk_close(v->options->disk, file);
	else
		find(v, HF_FINDING_THUMB_MISSING, offset, line->local_seq,
		     "the line names %s, which is not there", path);
}

static enum hf_code take_line(struct verifier *v, const struct hf_scan_item *item,
			      struct hf_err *err)
{
	const struct hf_line *line = &item->line;
	uint64_t seq = line->local_seq;
	bool twice = false;

	if (v->now.lines == 0)
		check_header(v, item->offset, line);
	if (v->any_line && seq <= v->last_seq) {
		find(v, HF_FINDING_OUT_OF_ORDER, item->offset, seq,
		     "line %llu comes after line %llu", (unsigned long long)seq,
		     (unsigned long long)v->last_seq);
		return HF_OK;
	}
	check_chain(v, item->offset, line);
	if (v->any_line && seq > v->last_seq + 1) {
		enum hf_code code = note_hole(v, v->last_seq + 1, seq - 1, err);

		if (code != HF_OK)
			return code;
	}
	explain_holes(v, line);
	enum hf_code code = note_origin(&v->origins, &line->origin, &twice, err);
	if (code != HF_OK)
		return code;
	if (twice)
		find(v, HF_FINDING_ORIGIN_TWICE, item->offset, seq,
		     "the event %.*s stands here a second time", (int)line->origin.size_bytes,
		     line->origin.data);
	check_thumb(v, item->offset, line);
	if (!v->any_line)
		v->report.first_seq = seq;
	v->any_line = true;
	v->last_seq = seq;
	v->last_crc32c = line->crc32c;
	v->report.lines++;
	v->now.lines++;
	v->now.last_seq = seq;
	v->lines_behind_cursor += v->report.cursor_known && seq > v->report.acked_through ? 1 : 0;
	return HF_OK;
}

static enum hf_code take_item(struct verifier *v, const struct hf_scan_item *item, bool newest,
			      struct hf_err *err)
{
	if (item->kind == HF_SCAN_LINE && item->line.local_seq <= v->current->last_seq_max)
		return take_line(v, item, err);
	if (item->kind == HF_SCAN_LINE) {
		v->now.lines_void++;
		v->report.lines_void++;
		return HF_OK;
	}
	/* Behind the end that the next header names nothing was promised. */
	if (!newest && v->now.last_seq >= v->current->last_seq_max)
		return HF_OK;
	if (item->kind == HF_SCAN_UNENDED && newest) {
		find(v, HF_FINDING_TAIL_UNENDED, item->offset, 0,
		     "%zu bytes without a newline: an append in hand, or cut short by a power cut",
		     item->size_bytes);
		return HF_OK;
	}
	v->chain_known = false;
	if (item->more)
		return HF_OK;
	v->now.lines_bad++;
	uint64_t seq = hf_line_seq_legible(item->data, item->size_bytes);
	find(v, HF_FINDING_LINE_DAMAGED, item->offset, seq, "%zu bytes are not a line: %s",
	     item->size_bytes,
	     item->kind == HF_SCAN_UNENDED ? "the newline is missing" : item->why);
	return HF_OK;
}

static void tell_progress(struct verifier *v, uint64_t bytes)
{
	if (v->options->progress == NULL ||
	    (bytes < v->bytes_told + PROGRESS_BYTES && bytes != v->bytes_all))
		return;
	v->bytes_told = bytes;
	v->options->progress(v->options->context, bytes, v->bytes_all);
}

static enum hf_code verify_file(struct verifier *v, size_t index, struct hf_err *err)
{
	struct hf_disk *disk = v->options->disk;
	struct hf_scan_item item;
	char path[HF_DISK_PATH_BYTES];
	int file;

	v->current = &v->files.list[index];
	v->now = (struct hf_verified_file){ .file = *v->current };
	hf_file_path(v->options->folder, v->current->name, path);
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &file, err);
	if (code == HF_E_NOENT) {
		/* Removed by retention since it was listed, and what was before it too. */
		v->any_line = false;
		v->chain_known = false;
		return HF_OK;
	}
	if (code != HF_OK)
		return code;
	hf_scan_begin(&v->scan, disk, file, 0, UINT64_MAX);
	while ((code = hf_scan_next(&v->scan, &item, err)) == HF_OK) {
		code = take_item(v, &item, index + 1 == v->files.count, err);
		v->report.bytes += item.size_bytes;
		tell_progress(v, v->report.bytes);
		if (code != HF_OK)
			break;
	}
	hf_disk_close(disk, file);
	if (code != HF_E_NOENT)
		return code;
	if (v->now.lines + v->now.lines_void == 0)
		find(v, HF_FINDING_FILE_EMPTY, 0, 0, "no whole line in this file");
	if (v->now.lines > 0)
		memcpy(v->last_file, v->current->name, sizeof v->last_file);
	if (v->options->file != NULL)
		v->options->file(v->options->context, &v->now);
	return HF_OK;
}

static void read_cursor(struct verifier *v)
{
	struct hf_err err = { 0 };
	enum hf_code code =
		hf_cursor_load(v->options->disk, HF_CURSOR_HUB, &v->report.acked_through, &err);

	v->report.cursor_known = code == HF_OK;
	if (code != HF_OK && code != HF_E_NOENT)
		find(v, HF_FINDING_CURSOR_WRONG, 0, 0, "%.150s", err.text);
}

static bool see_nothing(void *context, const struct hf_disk_entry *entry)
{
	(void)context;
	(void)entry;
	return false;
}

static void conclude(struct verifier *v)
{
	v->current = NULL;
	for (size_t i = 0; i < v->hole_count; i++) {
		const struct hf_verified_gap *gap = &v->holes[i];

		v->report.gaps++;
		v->report.numbers_missing += gap->through - gap->from + 1;
		if (gap->reason[0] == '\0')
			find(v, HF_FINDING_NUMBERS_GONE, 0, gap->from,
			     "numbers %llu to %llu are not there and no event says why",
			     (unsigned long long)gap->from, (unsigned long long)gap->through);
		if (v->options->gap != NULL)
			v->options->gap(v->options->context, gap);
	}
	if (v->report.cursor_known && v->report.acked_through > v->last_seq)
		find(v, HF_FINDING_CURSOR_WRONG, 0, v->report.acked_through,
		     "the hub has acknowledged %llu, the log ends with %llu: lines were lost, or "
		     "this is a restored copy",
		     (unsigned long long)v->report.acked_through, (unsigned long long)v->last_seq);
	v->report.files = v->files.count;
	v->report.last_seq = v->last_seq;
	v->report.pending = v->lines_behind_cursor;
}

enum hf_code hf_verify(const struct hf_verify_options *options, struct hf_verify_report *ret_report,
		       struct hf_err *err)
{
	struct hf_disk_lister lister = { .entry = see_nothing };
	struct hf_err ignored;
	struct verifier *v = calloc(1, sizeof *v);

	if (v == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	v->options = options;
	enum hf_code code = hf_files_list(options->disk, options->folder, &v->files, err);
	if (code == HF_OK && options->data) {
		read_cursor(v);
		v->thumbs_here =
			hf_disk_list(options->disk, thumbs_folder, &lister, &ignored) == HF_OK;
	}
	for (size_t i = 0; i < v->files.count; i++)
		v->bytes_all += v->files.list[i].size_bytes;
	for (size_t i = 0; code == HF_OK && i < v->files.count; i++)
		code = verify_file(v, i, err);
	if (code == HF_OK) {
		conclude(v);
		*ret_report = v->report;
	}
	hf_files_free(&v->files);
	free(v->holes);
	free(v->origins.slots);
	free(v);
	return code;
}
