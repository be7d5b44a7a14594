/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method of opening an outbox: first look, then decide, then note the decision,
 * then act. The numbers that must not be used again are written down
 * (meta/outbox_gap) before the torn tail that shows them is cut off: a power
 * cut between the two must not make them look free.
 *
 * What is seen is what is stored: the newest file is flushed, its cached pages
 * are dropped, and only then it is read. After a failed flush the cache shows
 * bytes that no disk has.
 */
#include "outbox/writer_inner.h"

#include "outbox/cursor.h"
#include "outbox/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUARANTINE_NAMES_MAX = 1000,
	PIECE_BYTES = 16 * 1024,
	/* Without a reservation to judge by, a legible number further ahead is noise. */
	LEGIBLE_AHEAD_MAX = 1024 * 1024,
};

static const char seq_key[] = "\"local_seq\":";

/* What the newest file and the folder beside it say. */
struct findings {
	struct hf_files files;
	size_t newest; /* index */
	bool newest_missing;
	bool any;           /* there is a newest file */
	bool same_epoch;    /* of its last valid line */
	struct tip tip;     /* behind its last valid line */
	uint64_t valid_end; /* behind that line's bytes */
	uint64_t size_bytes;
	uint64_t lines;
	uint64_t lines_bad;      /* between valid lines */
	uint64_t lines_bad_told; /* of those, in an event already */
	uint64_t legible;        /* highest number to be read in damaged bytes; 0: none */
	bool one_torn_line;      /* the tail is the beginning of the next line, no more */
	bool tail_unsent;        /* this boot's watermark ends before it: nobody was told of it */
	bool spent;              /* the newest file is not to be appended to */
	uint64_t gap_told;       /* last number of the latest gap event */
	uint64_t cursor;         /* highest of all channels */
	uint64_t reserved;       /* 0: unknown */
	size_t gaps_noted;
	struct gap gaps[GAPS_MAX];
	size_t hole_count; /* numbers missing inside the newest file without an event */
	struct gap holes[GAPS_MAX];
};

static uint64_t legible_max(const struct findings *f)
{
	return f->reserved != 0 ? f->reserved : f->tip.last_seq + LEGIBLE_AHEAD_MAX;
}

/* Numbers that can still be read in damaged bytes may have been used. */
static void look_for_numbers(struct findings *f, const char *data, size_t size_bytes)
{
	const char *end = data + size_bytes;
	const size_t key_bytes = sizeof seq_key - 1;

	for (;;) {
		const char *at = memmem(data, (size_t)(end - data), seq_key, key_bytes);
		uint64_t value = 0;

		if (at == NULL)
			return;
		at += key_bytes;
		const char *digits = at;
		while (at < end && *at >= '0' && *at <= '9' && value < legible_max(f))
			value = value * 10 + (uint64_t)(*at++ - '0');
		if (at < end && *at == ',' && at > digits && value <= legible_max(f) &&
		    value > f->legible)
			f->legible = value;
		data = at;
	}
}

/* Numbers missing before this line: a damaged line, or a gap event that was cut off right
 * behind the header. Those that find no room are still in the count of bad lines. */
static void look_for_hole(struct findings *f, uint64_t seq_before, const struct hf_line *line)
{
	uint64_t from, through;
	size_t kept = 0;

	if (line->local_seq > seq_before + 1 && f->hole_count < GAPS_MAX)
		f->holes[f->hole_count++] = (struct gap){ .from = seq_before + 1,
							  .through = line->local_seq - 1,
							  .reason = "line_damaged" };
	if (!hf_slice_is(&line->event_class, HF_CLASS_GAP) ||
	    !hf_attrs_u64(&line->attrs, "from", &from) ||
	    !hf_attrs_u64(&line->attrs, "through", &through))
		return;
	f->gap_told = through;
	for (size_t i = 0; i < f->hole_count; i++)
		if (f->holes[i].from < from || f->holes[i].through > through)
			f->holes[kept++] = f->holes[i];
	f->hole_count = kept;
}

static void take_line(struct hf_outbox *outbox, struct findings *f, const struct hf_line *line)
{
	struct hf_origin origin;
	struct hf_err ignored;
	char text[HF_ORIGIN_BYTES];
	char file[HF_FILE_NAME_BYTES];
	uint64_t value;

	f->lines++;
	f->tip.last_seq = line->local_seq;
	f->tip.last_crc32c = line->crc32c;
	memcpy(f->tip.chain, line->chain, sizeof f->tip.chain);
	f->same_epoch = hf_slice_is(&line->epoch, outbox->epoch);
	if (hf_slice_is(&line->event_class, HF_CLASS_ROT) &&
	    hf_attrs_text(&line->attrs, "file", file, sizeof file) &&
	    strcmp(file, f->files.list[f->newest].name) == 0 &&
	    hf_attrs_u64(&line->attrs, "lines_bad", &value))
		f->lines_bad_told = value;
	if (hf_slice_text(&line->origin, text, sizeof text) &&
	    hf_origin_parse(text, &origin, &ignored) == HF_OK && origin.producer != 'k')
		hf_origins_add(&outbox->origins, &origin, line->local_seq);
}

/* A whole file, or its end; numbers must rise and stay within what its successor allows. */
static enum hf_code scan_file(struct hf_outbox *outbox, struct findings *f, struct hf_scan *scan,
			      size_t index, struct hf_err *err)
{
	const struct hf_file *listed = &f->files.list[index];
	bool newest = index == f->newest;
	uint64_t seq_last = listed->has_header ? listed->previous_seq : listed->first_seq - 1;
	uint64_t bad_since_valid = 0;
	struct hf_scan_item item;
	enum hf_code code;

	/* Of an older file only the end is read. */
	if (!newest)
		seq_last = 0;

	while ((code = hf_scan_next(scan, &item, err)) == HF_OK) {
		if (item.kind == HF_SCAN_LINE && item.line.local_seq > seq_last &&
		    item.line.local_seq <= listed->last_seq_max) {
			if (newest)
				look_for_hole(f, seq_last, &item.line);
			seq_last = item.line.local_seq;
			take_line(outbox, f, &item.line);
			f->lines_bad += newest ? bad_since_valid : 0;
			bad_since_valid = 0;
			f->valid_end = item.offset + item.size_bytes;
			continue;
		}
		bad_since_valid += item.more ? 0 : 1;
		if (!newest)
			continue;
		look_for_numbers(f, item.data, item.size_bytes);
		f->one_torn_line = item.kind == HF_SCAN_UNENDED && item.offset == f->valid_end &&
				   item.size_bytes < HF_LINE_BYTES_MAX &&
				   memchr(item.data, '\0', item.size_bytes) == NULL &&
				   hf_line_seq_legible(item.data, item.size_bytes) == seq_last + 1;
	}
	return code == HF_E_NOENT ? HF_OK : code;
}

/* The last origins of older files: their lines come first. */
static enum hf_code scan_older(struct hf_outbox *outbox, struct findings *f, struct hf_scan *scan,
			       struct hf_err *err)
{
	const uint64_t tail_bytes = (uint64_t)HF_OUTBOX_ORIGINS * 1024;
	size_t from = f->newest;
	uint64_t bytes = 0;

	while (from > 0 && bytes < tail_bytes)
		bytes += f->files.list[--from].size_bytes;
	for (size_t i = from; i < f->newest; i++) {
		const struct hf_file *listed = &f->files.list[i];
		uint64_t start =
			listed->size_bytes > tail_bytes ? listed->size_bytes - tail_bytes : 0;
		char path[HF_DISK_PATH_BYTES];
		int file;

		hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
		enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, err);
		if (code != HF_OK)
			return code;
		hf_scan_begin(scan, outbox->disk, file, start, UINT64_MAX);
		code = scan_file(outbox, f, scan, i, err);
		hf_disk_close(outbox->disk, file);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

static enum hf_code scan_newest(struct hf_outbox *outbox, struct findings *f, struct hf_scan *scan,
				struct hf_err *err)
{
	const struct hf_file *listed = &f->files.list[f->newest];
	char path[HF_DISK_PATH_BYTES];

	hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
	enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_WRITE, &outbox->file, err);
	if (code != HF_OK)
		return code;
	f->spent = hf_disk_sync(outbox->disk, outbox->file, err) != HF_OK;
	hf_disk_forget(outbox->disk, outbox->file);
	code = hf_disk_size(outbox->disk, outbox->file, &f->size_bytes, err);
	if (code != HF_OK)
		return code;
	f->lines = 0;
	hf_scan_begin(scan, outbox->disk, outbox->file, 0, f->size_bytes);
	code = scan_file(outbox, f, scan, f->newest, err);
	memcpy(outbox->name, listed->name, sizeof outbox->name);
	outbox->first_seq = listed->first_seq;
	return code;
}

/* The first free name for this in quarantine/. */
static enum hf_code quarantine_create(struct hf_outbox *outbox, const char *name, int *ret_file,
				      struct hf_err *err)
{
	for (int k = 0; k < QUARANTINE_NAMES_MAX; k++) {
		char path[HF_DISK_PATH_BYTES];

		(void)snprintf(path, sizeof path, "%s/%s.%d", QUARANTINE_FOLDER, name, k);
		enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_CREATE, ret_file, err);
		if (code != HF_E_INVALID)
			return code;
	}
	return hf_fail(err, HF_E_LIMIT, "%s holds %d pieces of %s: look at them, then remove them",
		       QUARANTINE_FOLDER, QUARANTINE_NAMES_MAX, name);
}

/* A copy of file[from, to) that survives a power cut. */
static enum hf_code quarantine_copy(struct hf_outbox *outbox, const char *name, int file,
				    uint64_t from, uint64_t to, struct hf_err *err)
{
	char piece[PIECE_BYTES];
	int copy;
	enum hf_code code = hf_disk_folder_ensure(outbox->disk, QUARANTINE_FOLDER, err);

	if (code == HF_OK)
		code = quarantine_create(outbox, name, &copy, err);
	if (code != HF_OK)
		return code;
	for (uint64_t at = from; code == HF_OK && at < to;) {
		size_t size = to - at < sizeof piece ? (size_t)(to - at) : sizeof piece;

		code = hf_disk_read(outbox->disk, file, at, piece, size, &size, err);
		if (code == HF_OK && size == 0)
			break;
		if (code == HF_OK)
			code = hf_disk_write(outbox->disk, copy, at - from, piece, size, err);
		at += size;
	}
	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, copy, err);
	hf_disk_close(outbox->disk, copy);
	return code != HF_OK ? code : hf_disk_folder_sync(outbox->disk, QUARANTINE_FOLDER, err);
}

/* A file without one valid line: its creation was cut short, or all of it rotted. */
static void look_at_lineless(struct hf_outbox *outbox, struct findings *f,
			     const struct hf_file *listed)
{
	char path[HF_DISK_PATH_BYTES], start[PIECE_BYTES];
	struct hf_err ignored;
	size_t size = 0;
	int file;

	hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
	if (hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, &ignored) != HF_OK)
		return;
	if (hf_disk_read(outbox->disk, file, 0, start, sizeof start, &size, &ignored) == HF_OK)
		look_for_numbers(f, start, size);
	hf_disk_close(outbox->disk, file);
}

static enum hf_code set_aside(struct hf_outbox *outbox, const struct hf_file *listed,
			      const char *path, struct hf_err *err)
{
	int file;
	enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, err);

	if (code != HF_OK)
		return code;
	if (listed->size_bytes > 0)
		code = quarantine_copy(outbox, listed->name, file, 0, listed->size_bytes, err);
	hf_disk_close(outbox->disk, file);
	return code != HF_OK ? code : hf_disk_unlink(outbox->disk, path, err);
}

/* meta/NAME/ack_local_seq of every channel, and the hub's. What is torn is no bound. */
static bool look_at_channel(void *context, const struct hf_disk_entry *entry)
{
	void **both = context;
	struct hf_outbox *outbox = both[0];
	struct findings *f = both[1];
	char path[HF_DISK_PATH_BYTES];
	struct hf_err ignored;
	uint64_t seq;

	if (entry->folder &&
	    (size_t)snprintf(path, sizeof path, META_FOLDER "/%s/ack_local_seq", entry->name) <
		    sizeof path &&
	    hf_cursor_load(outbox->disk, path, &seq, &ignored) == HF_OK && seq > f->cursor)
		f->cursor = seq;
	return true;
}

static void read_gap_note(struct hf_outbox *outbox, struct findings *f)
{
	char text[GAPS_MAX * 64];
	struct hf_err ignored;
	int used = 0;

	if (hf_disk_text_read(outbox->disk, GAP_PATH, text, sizeof text, &ignored) != HF_OK)
		return;
	outbox->gap_noted = true;
	for (const char *at = text; f->gaps_noted < GAPS_MAX; at += used) {
		unsigned long long from, through;
		struct gap *gap = &f->gaps[f->gaps_noted];

		if (sscanf(at, "%16llu %16llu %23s\n%n", &from, &through, gap->reason, &used) !=
			    3 ||
		    from == 0 || from > through)
			break;
		gap->from = from;
		gap->through = through;
		f->gaps_noted++;
	}
}

static enum hf_code read_meta(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	void *both[] = { outbox, f };
	struct hf_disk_lister lister = { .entry = look_at_channel, .context = both };
	char name[HF_FILE_NAME_BYTES + 8];
	struct hf_err ignored;

	if (hf_cursor_load(outbox->disk, HF_CURSOR_HUB, &f->cursor, &ignored) != HF_OK)
		f->cursor = 0;
	if (hf_cursor_load(outbox->disk, RESERVED_PATH, &f->reserved, &ignored) != HF_OK)
		f->reserved = 0;
	read_gap_note(outbox, f);
	if (hf_disk_text_read(outbox->disk, NEWEST_PATH, name, sizeof name, &ignored) == HF_OK) {
		name[strcspn(name, "\n")] = '\0';
		f->newest_missing = true;
		for (size_t i = 0; i < f->files.count; i++)
			if (strcmp(f->files.list[i].name, name) == 0 &&
			    f->files.list[i].first_seq != 0) {
				f->newest_missing = false;
				outbox->newest_noted = i == f->newest;
			}
	} else if (!f->any) {
		/* No file was ever noted. A first start that was cut short has reserved
		 * numbers and used none; anything more is an outbox that was removed. */
		f->newest_missing = f->reserved > 2 * HF_OUTBOX_RESERVE || f->cursor != 0;
	}
	return hf_disk_list(outbox->disk, META_FOLDER, &lister, err);
}

/* Lines whose numbers cannot be read had some all the same: no more of them than fit. */
static uint64_t used_in_tail(const struct findings *f, uint64_t torn_bytes)
{
	if (torn_bytes == 0)
		return f->tip.last_seq;
	if (f->one_torn_line)
		return f->tip.last_seq + 1;
	return f->tip.last_seq + torn_bytes / HF_LINE_BYTES_MIN + 1;
}

/* The next number: behind everything that was, or may have been, used. */
static void decide_numbers(struct hf_outbox *outbox, struct findings *f, uint64_t torn_bytes)
{
	uint64_t used = f->tail_unsent ? f->tip.last_seq : used_in_tail(f, torn_bytes);
	const char *reason = "torn_tail";

	for (size_t i = 0; i < f->hole_count; i++)
		hf_outbox_note_gap(outbox, f->holes[i].from, f->holes[i].through,
				   f->holes[i].reason);
	if (f->legible > used && !f->tail_unsent)
		used = f->legible;
	if (f->newest_missing || f->cursor > f->tip.last_seq) {
		uint64_t floor = f->reserved > f->cursor ? f->reserved : f->cursor;

		reason = f->newest_missing ? "file_missing" : "delivered_line_damaged";
		if (floor > used)
			used = floor;
	}
	/* Gaps of an earlier start whose event may not have been stored. */
	for (size_t i = 0; i < f->gaps_noted; i++) {
		const struct gap *gap = &f->gaps[i];

		if (gap->through > f->gap_told)
			hf_outbox_note_gap(outbox, gap->from, gap->through, gap->reason);
		if (gap->through > used)
			used = gap->through;
	}
	/* Where nothing is left of what was delivered, those numbers are no gap. */
	uint64_t from = f->any ? f->tip.last_seq + 1 : f->cursor + 1;
	if (used >= from)
		hf_outbox_note_gap(outbox, from, used, reason);
	f->tip.next_seq = used + 1;
}

static enum hf_code store_gap_note(struct hf_outbox *outbox, struct hf_err *err)
{
	char text[GAPS_MAX * 64];
	size_t size = 0;

	if (outbox->gap_count == 0)
		return HF_OK;
	for (size_t i = 0; i < outbox->gap_count; i++) {
		const struct gap *gap = &outbox->gaps[i];

		size += (size_t)snprintf(text + size, sizeof text - size, "%llu %llu %s\n",
					 (unsigned long long)gap->from,
					 (unsigned long long)gap->through, gap->reason);
	}
	enum hf_code code = hf_disk_text_replace(outbox->disk, GAP_PATH, text, err);
	if (code == HF_OK)
		outbox->gap_noted = true;
	return code;
}

static enum hf_code cut_tail(struct hf_outbox *outbox, uint64_t from, uint64_t size_bytes,
			     struct hf_err *err)
{
	enum hf_code code =
		quarantine_copy(outbox, outbox->name, outbox->file, from, size_bytes, err);

	if (code == HF_OK)
		code = hf_disk_truncate(outbox->disk, outbox->file, from, err);
	if (code == HF_OK)
		code = hf_disk_sync(outbox->disk, outbox->file, err);
	return code;
}

/* What this boot's watermark knows and the file does not show (any more). */
static void compare_watermark(const struct hf_outbox *outbox, struct findings *f,
			      const struct hf_watermark *committed)
{
	if (committed == NULL)
		return;
	bool same_file = committed->first_seq == outbox->first_seq;
	if (committed->seq <= f->tip.last_seq) {
		f->tail_unsent = same_file && committed->offset <= f->valid_end;
		return;
	}
	if (f->legible < committed->seq)
		f->legible = committed->seq;
	/* A damaged line that was committed is rot, not a torn tail: it stays. Nothing may be
	 * appended behind it, a lost newline would swallow the next line. */
	if (same_file && committed->offset > f->valid_end) {
		f->spent = true;
		f->lines_bad++;
	}
}

/* Cutting failed or is not allowed: the tail stays where it is, and the next line goes
 * into a new file whose header ends this one before it. */
static void repair_newest(struct hf_outbox *outbox, struct findings *f,
			  const struct hf_watermark *committed, struct hf_outbox_report *report)
{
	struct hf_err ignored;

	compare_watermark(outbox, f, committed);
	uint64_t torn = f->size_bytes - f->valid_end;
	decide_numbers(outbox, f, torn);
	if (!f->spent && torn > 0) {
		f->spent = store_gap_note(outbox, &ignored) != HF_OK ||
			   cut_tail(outbox, f->valid_end, f->size_bytes, &ignored) != HF_OK;
		if (!f->spent) {
			outbox->cut_bytes = torn;
			report->bytes_torn += torn;
		}
	}
	if (f->spent) {
		hf_disk_close(outbox->disk, outbox->file);
		outbox->file = -1;
	}
	report->lines = f->lines;
	report->lines_bad = f->lines_bad;
	outbox->rot_lines = f->lines_bad > f->lines_bad_told ? f->lines_bad : 0;
	outbox->offset = f->valid_end;
	if (!f->same_epoch)
		memset(f->tip.chain, 0, sizeof f->tip.chain);
}

/* Files without a line stand in front of the list. What cannot be set aside stays: it
 * holds no line, so it disturbs nobody. */
static void set_aside_lineless(struct hf_outbox *outbox, struct findings *f, size_t count,
			       struct hf_outbox_report *report)
{
	struct hf_err ignored;

	if (store_gap_note(outbox, &ignored) != HF_OK)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct hf_file *listed = &f->files.list[i];
		char path[HF_DISK_PATH_BYTES];

		hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
		if (set_aside(outbox, listed, path, &ignored) == HF_OK)
			report->bytes_torn += listed->size_bytes;
	}
	(void)!hf_disk_folder_sync(outbox->disk, HF_OUTBOX_FOLDER, &ignored);
}

static enum hf_code look_and_repair(struct hf_outbox *outbox, struct findings *f,
				    const struct hf_watermark *committed,
				    struct hf_outbox_report *report, struct hf_scan *scan,
				    struct hf_err *err)
{
	enum hf_code code = hf_files_list(outbox->disk, HF_OUTBOX_FOLDER, &f->files, err);
	size_t lineless = 0;

	if (code != HF_OK)
		return code;
	f->any = f->files.count > 0 && f->files.list[f->files.count - 1].first_seq != 0;
	f->newest = f->files.count > 0 ? f->files.count - 1 : 0;
	code = read_meta(outbox, f, err);
	if (code != HF_OK)
		return code;
	while (lineless < f->files.count && f->files.list[lineless].first_seq == 0)
		look_at_lineless(outbox, f, &f->files.list[lineless++]);
	if (f->any) {
		code = scan_older(outbox, f, scan, err);
		if (code == HF_OK)
			code = scan_newest(outbox, f, scan, err);
		if (code != HF_OK)
			return code;
		repair_newest(outbox, f, committed, report);
	} else {
		if (committed != NULL)
			f->legible = committed->seq;
		decide_numbers(outbox, f, 0);
	}
	if (lineless > 0)
		set_aside_lineless(outbox, f, lineless, report);
	return HF_OK;
}

enum hf_code hf_outbox_repair(struct hf_outbox *outbox, const struct hf_watermark *committed,
			      struct hf_outbox_report *report, struct hf_err *err)
{
	struct findings f = { 0 };
	struct hf_scan *scan = malloc(sizeof *scan);

	if (scan == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	enum hf_code code = look_and_repair(outbox, &f, committed, report, scan, err);
	hf_files_free(&f.files);
	free(scan);
	if (code != HF_OK)
		return code;
	outbox->tip = f.tip;
	outbox->reserved = f.reserved;
	report->seq_last = f.tip.last_seq;
	if (outbox->gap_count > 0) {
		report->gap_from = outbox->gaps[0].from;
		report->gap_through = outbox->gaps[outbox->gap_count - 1].through;
	}
	return HF_OK;
}
