/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: only the end of the newest file is read, and of the ring everything, so that opening
 * takes as long whatever the age of the outbox. Which file is the newest is noted
 * (meta/outbox_newest) together with a sum over all names; where the sum fits, no other file is
 * looked into before the first event is stored: origins in those before it are recalled later, or
 * with the first offer that may have one of them. Else every file's header is read.
 *
 * What is seen is what is stored: the newest file is flushed, its cached pages are dropped, and
 * only then it is read. After a failed flush the cache shows bytes that no disk has.
 */
#include "outbox/look.h"

#include "outbox/cursor.h"
#include "outbox/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Without a reservation to judge by, a legible number further ahead is noise. */
	LEGIBLE_AHEAD_MAX = 1024 * 1024,
	/* Origins to remember stand in about so much. */
	ORIGINS_BYTES = HF_OUTBOX_ORIGINS * 1024,
	WINDOW_MORE = 8, /* times as much, where the end shows no line at all */
};

static const char seq_key[] = "\"local_seq\":";

static uint64_t legible_max(const struct findings *f)
{
	return f->reserved != 0 ? f->reserved : f->tip.last_seq + LEGIBLE_AHEAD_MAX;
}

void hf_look_for_numbers(struct findings *f, const char *data, size_t size_bytes)
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

/* A damaged line, or a gap event that was cut off right behind the header. Those that find no
 * room are still in the count of bad lines. */
void hf_look_for_hole(struct findings *f, uint64_t seq_before, const struct hf_line *line)
{
	uint64_t from, through;
	size_t kept = 0;

	if (line->local_seq > seq_before + 1 && f->hole_count < GAPS_MAX)
		f->holes[f->hole_count++] = (struct gap){ .from = seq_before + 1,
							  .through = line->local_seq - 1,
							  .reason = "line_damaged" };
	if (!hf_file_gap(line, &from, &through))
		return;
	f->gap_told = through;
	for (size_t i = 0; i < f->hole_count; i++)
		if (f->holes[i].from < from || f->holes[i].through > through)
			f->holes[kept++] = f->holes[i];
	f->hole_count = kept;
}

void hf_look_origin(struct hf_outbox *outbox, const struct hf_line *line)
{
	struct hf_origin origin;
	struct hf_err ignored;
	char text[HF_ORIGIN_BYTES];

	if (hf_slice_text(&line->origin, text, sizeof text) &&
	    hf_origin_parse(text, &origin, &ignored) == HF_OK && origin.producer != 'k')
		hf_origins_add(&outbox->origins, &origin, line->local_seq);
}

void hf_look_take(struct hf_outbox *outbox, struct findings *f, const struct hf_line *line)
{
	char file[HF_FILE_NAME_BYTES];
	uint64_t value;

	f->lines++;
	f->tip.last_seq = line->local_seq;
	f->tip.last_crc32c = line->crc32c;
	memcpy(f->tip.chain, line->chain, sizeof f->tip.chain);
	f->same_epoch = hf_slice_is(&line->epoch, outbox->epoch);
	if (hf_slice_is(&line->event_class, HF_CLASS_ROT) && f->any &&
	    hf_attrs_text(&line->attrs, "file", file, sizeof file) &&
	    strcmp(file, f->files.list[f->newest].name) == 0 &&
	    hf_attrs_u64(&line->attrs, "lines_bad", &value))
		f->lines_bad_told = value;
	hf_look_origin(outbox, line);
}

bool hf_look_ring_counts(const struct findings *f, const struct hf_commit_ring_entry *entry)
{
	return !f->any || entry->seq > f->files.list[f->newest].order_seq;
}

/* Does the ring have a line between these numbers? */
static bool ring_fills(const struct findings *f, uint64_t after, uint64_t before)
{
	size_t low = 0, high = f->ring.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->ring.list[middle].seq <= after)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < f->ring.count && f->ring.list[low].seq < before; low++)
		if (hf_look_ring_counts(f, &f->ring.list[low]))
			return true;
	return false;
}

bool hf_look_in_ring(const struct findings *f, const struct hf_line *line)
{
	const struct hf_commit_ring_entry *entry =
		hf_commit_ring_lines_find(&f->ring, line->local_seq);

	return entry != NULL && entry->crc32c == line->crc32c;
}

/* ---- files ---- */

/* One walk over a file, or its end. */
struct walk {
	const struct hf_file *listed;
	bool newest;
	bool from_start;
	uint64_t seq_last; /* 0: none yet, and none known before */
	uint64_t bad_since_valid;
};

static void take_bad(struct findings *f, struct walk *w, const struct hf_scan_item *item)
{
	w->bad_since_valid += item->more ? 0 : 1;
	if (!w->newest)
		return;
	hf_look_for_numbers(f, item->data, item->size_bytes);
	f->one_torn_line = item->kind == HF_SCAN_UNENDED && item->offset == f->valid_end &&
			   item->size_bytes < HF_LINE_BYTES_MAX &&
			   memchr(item->data, '\0', item->size_bytes) == NULL &&
			   hf_line_seq_legible(item->data, item->size_bytes) == w->seq_last + 1;
}

void hf_look_at_block(const struct hf_outbox *outbox, struct findings *f, uint64_t offset,
		      uint64_t size_bytes, bool in_ring)
{
	uint64_t end = offset + size_bytes;
	uint64_t block = end - end % outbox->block_bytes;

	if (block != f->block)
		f->block_shared = false;
	f->block = block;
	f->block_shared = (f->block_shared || !in_ring) && end > block;
}

static void take_valid(struct hf_outbox *outbox, struct findings *f, struct walk *w,
		       const struct hf_scan_item *item)
{
	uint64_t seq = item->line.local_seq;
	bool known_before = w->seq_last != 0 || w->from_start;

	if (w->newest && known_before && seq > w->seq_last + 1 && ring_fills(f, w->seq_last, seq))
		f->beyond = true;
	if (f->beyond) {
		return;
	}
	if (w->newest && known_before)
		hf_look_for_hole(f, w->seq_last, &item->line);
	w->seq_last = seq;
	hf_look_take(outbox, f, &item->line);
	f->lines_bad += w->newest ? w->bad_since_valid : 0;
	w->bad_since_valid = 0;
	if (w->newest)
		hf_look_at_block(outbox, f, item->offset, item->size_bytes,
				 hf_look_in_ring(f, &item->line));
	f->valid_end = item->offset + item->size_bytes;
}

/* Numbers must rise and stay within what the successor allows. */
static enum hf_code walk_file(struct hf_outbox *outbox, struct findings *f, struct hf_scan *scan,
			      struct walk *w, uint64_t start, uint64_t end, struct hf_err *err)
{
	struct hf_scan_item item;
	enum hf_code code;

	w->from_start = start == 0;
	if (w->newest && w->from_start)
		w->seq_last =
			w->listed->has_header ? w->listed->previous_seq : w->listed->first_seq - 1;
	hf_scan_begin(scan, outbox->disk, w->newest ? outbox->file : scan->file, start, end);
	while ((code = hf_scan_next(scan, &item, err)) == HF_OK) {
		if (item.kind == HF_SCAN_LINE && item.line.local_seq > w->seq_last &&
		    item.line.local_seq <= w->listed->last_seq_max)
			take_valid(outbox, f, w, &item);
		else if (item.offset != start || w->from_start)
			take_bad(f, w, &item);
	}
	return code == HF_E_NOENT ? HF_OK : code;
}

/* The last origins of older files: their lines come first. */
static enum hf_code look_at_older(struct hf_outbox *outbox, struct findings *f,
				  struct hf_scan *scan, struct hf_err *err)
{
	size_t from = f->newest;
	uint64_t bytes = f->files.list[f->newest].size_bytes;

	while (from > 0 && bytes < ORIGINS_BYTES)
		bytes += f->files.list[--from].size_bytes;
	for (size_t i = from; i < f->newest; i++) {
		const struct hf_file *listed = &f->files.list[i];
		uint64_t start =
			listed->size_bytes > ORIGINS_BYTES ? listed->size_bytes - ORIGINS_BYTES : 0;
		struct walk w = { .listed = listed };
		char path[HF_DISK_PATH_BYTES];
		int file;

		hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
		enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_READ, &file, err);
		if (code != HF_OK)
			return code;
		scan->file = file;
		code = walk_file(outbox, f, scan, &w, start, UINT64_MAX, err);
		hf_disk_close(outbox->disk, file);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

/* So much of the end that everything the ring may have to add stands in it. */
static uint64_t window_of(const struct findings *f)
{
	return ORIGINS_BYTES + f->ring.lines_bytes;
}

static enum hf_code look_at_newest(struct hf_outbox *outbox, struct findings *f,
				   struct hf_scan *scan, struct hf_err *err)
{
	const struct hf_file *listed = &f->files.list[f->newest];
	uint64_t window = window_of(f), start;
	struct tip before = f->tip;
	char path[HF_DISK_PATH_BYTES];

	hf_file_path(HF_OUTBOX_FOLDER, listed->name, path);
	enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_WRITE, &outbox->file, err);
	if (code != HF_OK)
		return code;
	f->spent = hf_disk_sync(outbox->disk, outbox->file, err) != HF_OK;
	hf_disk_forget(outbox->disk, outbox->file);
	code = hf_disk_size(outbox->disk, outbox->file, &f->size_bytes, err);
	do {
		struct walk w = { .listed = listed, .newest = true };

		start = f->size_bytes > window ? f->size_bytes - window : 0;
		f->lines = 0;
		f->tip = before;
		f->valid_end = 0;
		f->block = 0;
		f->block_shared = false;
		if (code == HF_OK)
			code = walk_file(outbox, f, scan, &w, start, f->size_bytes, err);
		window *= WINDOW_MORE;
	} while (code == HF_OK && f->lines == 0 && start > 0);
	memcpy(outbox->name, listed->name, sizeof outbox->name);
	outbox->order_seq = listed->order_seq;
	return code;
}

/* ---- which is the newest ---- */

static struct hf_file *named(struct hf_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->list[i].name, name) == 0)
			return &files->list[i];
	return NULL;
}

/* The newest and, going back from it, as many before it as are needed for their origins.
 * HF_E_AGAIN: one of them does not say which was before it. */
static enum hf_code follow_back(struct hf_outbox *outbox, struct hf_files *names,
				const struct hf_file *newest, struct hf_file *list,
				size_t *ret_count, struct hf_err *err)
{
	uint64_t bytes = 0;
	const struct hf_file *at = newest;

	*ret_count = 0;
	while (*ret_count < names->count) {
		if (!at->has_header)
			return HF_E_AGAIN;
		list[names->count - ++*ret_count] = *at;
		bytes += at->size_bytes;
		uint64_t last_seq_max = at->previous_seq;
		if (bytes >= ORIGINS_BYTES || at->previous[0] == '\0')
			return HF_OK;
		struct hf_file *before = named(names, at->previous);
		/* Removed by retention, as were those before it. */
		if (before == NULL)
			return HF_OK;
		enum hf_code code = hf_file_look(outbox->disk, HF_OUTBOX_FOLDER, before, err);
		if (code != HF_OK)
			return code;
		before->last_seq_max = last_seq_max;
		at = before;
	}
	return HF_E_AGAIN;
}

/* All of them, in order, up to this one. */
static enum hf_code list_through(struct hf_outbox *outbox, const struct hf_file *newest,
				 struct hf_files *ret_files, struct hf_err *err)
{
	enum hf_code code = hf_files_list(outbox->disk, HF_OUTBOX_FOLDER, ret_files, err);

	if (code != HF_OK)
		return code;
	const struct hf_file *found = named(ret_files, newest->name);
	ret_files->count = found == NULL ? 0 : (size_t)(found - ret_files->list) + 1;
	return HF_OK;
}

/* The newest and those before it whose origins count; it is the last of the list. */
static enum hf_code look_back(struct hf_outbox *outbox, const struct hf_file *newest,
			      struct hf_files *ret_files, struct hf_err *err)
{
	struct hf_files names = { 0 };
	size_t count = 0;
	enum hf_code code = hf_files_names(outbox->disk, HF_OUTBOX_FOLDER, &names, err);

	if (code != HF_OK)
		return code;
	struct hf_file *list = calloc(names.count + 1, sizeof *list);
	if (list == NULL)
		code = hf_fail(err, HF_E_NOMEM, "out of memory");
	else
		code = follow_back(outbox, &names, newest, list, &count, err);
	if (code == HF_OK) {
		memmove(list, list + names.count - count, count * sizeof *list);
		*ret_files = (struct hf_files){ .list = list, .count = count };
	} else {
		free(list);
	}
	hf_files_free(&names);
	return code == HF_E_AGAIN ? list_through(outbox, newest, ret_files, err) : code;
}

static enum hf_code take_newest(const struct hf_file *newest, struct findings *f,
				struct hf_err *err)
{
	struct hf_file *list = malloc(sizeof *list);

	if (list == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	*list = *newest;
	f->files = (struct hf_files){ .list = list, .count = 1 };
	f->newest = 0;
	f->any = true;
	return HF_OK;
}

/* Does the note name the newest of exactly these files? HF_E_AGAIN: look into all of them. */
static enum hf_code trust_note(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	char text[128], name[HF_FILE_NAME_BYTES];
	unsigned long long order_seq, hash;
	struct hf_files names = { 0 };
	size_t count;

	enum hf_code code = hf_disk_text_read(outbox->disk, NEWEST_PATH, text, sizeof text, err);
	if (code != HF_OK ||
	    sscanf(text, "%31s %16llu %8zu %16llx", name, &order_seq, &count, &hash) != 4)
		return HF_E_AGAIN;
	code = hf_files_names(outbox->disk, HF_OUTBOX_FOLDER, &names, err);
	if (code != HF_OK)
		return code;
	struct hf_file *newest = named(&names, name);
	code = HF_E_AGAIN;
	if (newest != NULL && names.count == count && hf_outbox_names_hash(&names) == hash &&
	    hf_file_look(outbox->disk, HF_OUTBOX_FOLDER, newest, err) == HF_OK &&
	    newest->has_header && newest->order_seq == order_seq)
		code = take_newest(newest, f, err);
	outbox->newest_noted = code == HF_OK;
	hf_files_free(&names);
	return code;
}

struct only {
	const struct findings *f;
	uint64_t through; /* numbers up to here stand in the file before it */
	bool holds;       /* a line that is nowhere else */
};

/* Every valid line of the last bytes of a file. */
static enum hf_code for_lines(struct hf_outbox *outbox, const struct hf_file *file,
			      void (*line)(struct only *only, const struct hf_line *line),
			      struct only *only, struct hf_err *err)
{
	uint64_t start = file->size_bytes > HF_COMMIT_RING_BYTES
				 ? file->size_bytes - HF_COMMIT_RING_BYTES
				 : 0;
	char path[HF_DISK_PATH_BYTES];
	struct hf_scan_item item;
	int handle;

	hf_file_path(HF_OUTBOX_FOLDER, file->name, path);
	enum hf_code code = hf_disk_open(outbox->disk, path, HF_DISK_READ, &handle, err);
	if (code != HF_OK)
		return code;
	struct hf_scan *scan = malloc(sizeof *scan);
	if (scan != NULL)
		hf_scan_begin(scan, outbox->disk, handle, start, UINT64_MAX);
	else
		code = hf_fail(err, HF_E_NOMEM, "out of memory");
	while (code == HF_OK && (code = hf_scan_next(scan, &item, err)) == HF_OK)
		if (item.kind == HF_SCAN_LINE)
			line(only, &item.line);
	free(scan);
	hf_disk_close(outbox->disk, handle);
	return code == HF_E_NOENT ? HF_OK : code;
}

static void note_last(struct only *only, const struct hf_line *line)
{
	only->through = line->local_seq > only->through ? line->local_seq : only->through;
}

/* Offered by somebody: what the outbox says of itself was not promised to anyone. */
static bool is_offered(const struct hf_line *line)
{
	char text[HF_ORIGIN_BYTES];
	struct hf_origin origin;
	struct hf_err ignored;

	return !hf_slice_text(&line->origin, text, sizeof text) ||
	       hf_origin_parse(text, &origin, &ignored) != HF_OK || origin.producer != 'k';
}

static void check_held(struct only *only, const struct hf_line *line)
{
	if (line->local_seq > only->through && !hf_look_in_ring(only->f, line) && is_offered(line))
		only->holds = true;
}

/* The beginning of a file without its header: lines that were to be carried on, each of which is
 * in the ring or in the file before it, and perhaps what was to stand behind the header. */
static bool is_cut_short(struct hf_outbox *outbox, const struct findings *f)
{
	const struct hf_file *last = &f->files.list[f->files.count - 1];
	struct only only = { .f = f };
	struct hf_err ignored;

	if (last->first_seq == 0 || last->has_header)
		return false;
	if (f->files.count > 1 && last[-1].first_seq != 0 &&
	    for_lines(outbox, &last[-1], note_last, &only, &ignored) != HF_OK)
		return false;
	return for_lines(outbox, last, check_held, &only, &ignored) == HF_OK && !only.holds;
}

/* Every file's header. One whose beginning was cut short, carried lines without a header, counts
 * as one without a line: it stands in front, and the ring has what is in it. */
static enum hf_code look_into_all(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	enum hf_code code = hf_files_list(outbox->disk, HF_OUTBOX_FOLDER, &f->files, err);

	if (code != HF_OK || f->files.count == 0)
		return code;
	if (is_cut_short(outbox, f)) {
		struct hf_file cut = f->files.list[f->files.count - 1];

		cut.first_seq = cut.order_seq = 0;
		memmove(f->files.list + 1, f->files.list, (f->files.count - 1) * sizeof cut);
		f->files.list[0] = cut;
		f->files.list[f->files.count - 1].last_seq_max = UINT64_MAX;
	}
	f->newest = f->files.count - 1;
	f->any = f->files.list[f->newest].first_seq != 0;
	return HF_OK;
}

/* ---- the end of the log ---- */

/* No line is left of it where there was one a moment ago: what was seen was not stored. */
static enum hf_code look_before_newest(struct hf_outbox *outbox, struct findings *f,
				       struct hf_scan *scan, struct hf_err *err)
{
	struct findings older = { 0 };
	enum hf_code code = look_back(outbox, &f->files.list[f->newest], &older.files, err);

	if (code == HF_OK && older.files.count > 1) {
		older.newest = older.files.count - 1;
		code = look_at_older(outbox, &older, scan, err);
		f->tip = older.tip;
		f->same_epoch = older.same_epoch;
	}
	hf_files_free(&older.files);
	return code;
}

enum hf_code hf_look_at_end(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	struct hf_scan *scan = malloc(sizeof *scan);
	enum hf_code code = HF_OK;

	if (scan == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	/* Their headers were read: the log is not as it was left. */
	if (!outbox->newest_noted)
		code = look_at_older(outbox, f, scan, err);
	if (code == HF_OK)
		code = look_at_newest(outbox, f, scan, err);
	if (code == HF_OK && outbox->newest_noted && f->lines == 0)
		code = look_before_newest(outbox, f, scan, err);
	if (outbox->newest_noted && f->lines > 0 && f->size_bytes < ORIGINS_BYTES) {
		outbox->recall_from = f->files.list[f->newest];
		outbox->recall_from.size_bytes = f->size_bytes;
		outbox->recall_due = true;
	}
	free(scan);
	return code;
}

/* Those that came since are the newer ones: they are put back behind what is found. */
static enum hf_code recall(struct hf_outbox *outbox, struct findings *f, struct hf_scan *scan,
			   struct hf_origins *since, struct hf_err *err)
{
	struct hf_origins *origins = &outbox->origins;

	*since = *origins;
	memset(origins, 0, sizeof *origins);
	enum hf_code code = look_at_older(outbox, f, scan, err);
	if (code != HF_OK) {
		*origins = *since;
		return code;
	}
	for (size_t i = 0; i < since->count; i++) {
		size_t place =
			(since->next + HF_OUTBOX_ORIGINS - since->count + i) % HF_OUTBOX_ORIGINS;

		hf_origins_add(origins, &since->ring[place].origin, since->ring[place].local_seq);
	}
	return HF_OK;
}

enum hf_code hf_outbox_recall(struct hf_outbox *outbox, struct hf_err *err)
{
	struct findings f = { 0 };

	if (!outbox->recall_due)
		return HF_OK;
	struct hf_scan *scan = malloc(sizeof *scan);
	struct hf_origins *since = malloc(sizeof *since);
	enum hf_code code = scan == NULL || since == NULL
				    ? hf_fail(err, HF_E_NOMEM, "out of memory")
				    : look_back(outbox, &outbox->recall_from, &f.files, err);
	if (code == HF_OK && f.files.count > 0) {
		f.newest = f.files.count - 1;
		code = recall(outbox, &f, scan, since, err);
	}
	outbox->recall_due = code != HF_OK;
	hf_files_free(&f.files);
	free(since);
	free(scan);
	return code;
}

/* ---- notes ---- */

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

/* The file that was opened last must be there. */
static void look_for_newest(struct hf_outbox *outbox, struct findings *f)
{
	char name[128];
	struct hf_err ignored;

	if (hf_disk_text_read(outbox->disk, NEWEST_PATH, name, sizeof name, &ignored) != HF_OK) {
		/* No file was ever noted. A first start that was cut short has reserved
		 * numbers and used none; anything more is an outbox that was removed. */
		f->newest_missing =
			!f->any && (f->reserved > 2 * HF_OUTBOX_RESERVE || f->cursor != 0);
		return;
	}
	name[strcspn(name, " \n")] = '\0';
	const struct hf_file *found = named(&f->files, name);
	f->newest_missing = found == NULL || found->first_seq == 0;
}

static enum hf_code read_meta(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	void *both[] = { outbox, f };
	struct hf_disk_lister lister = { .entry = look_at_channel, .context = both };
	struct hf_err ignored;

	if (hf_cursor_load(outbox->disk, HF_CURSOR_HUB, &f->cursor, &ignored) != HF_OK)
		f->cursor = 0;
	if (hf_cursor_load(outbox->disk, RESERVED_PATH, &f->reserved, &ignored) != HF_OK)
		f->reserved = 0;
	read_gap_note(outbox, f);
	return hf_disk_list(outbox->disk, META_FOLDER, &lister, err);
}

enum hf_code hf_look_around(struct hf_outbox *outbox, struct findings *f, struct hf_err *err)
{
	enum hf_code code = hf_commit_ring_read(outbox->disk, HF_OUTBOX_FOLDER, &f->ring, err);

	f->ring_there = code == HF_OK;
	if (code == HF_OK)
		f->ring_torn_bytes = hf_commit_ring_torn(outbox->disk, HF_OUTBOX_FOLDER, &f->ring);
	else if (code == HF_E_NOENT)
		code = HF_OK;
	if (code == HF_OK)
		code = read_meta(outbox, f, err);
	if (code != HF_OK)
		return code;
	code = trust_note(outbox, f, err);
	if (code != HF_E_AGAIN)
		return code;
	code = look_into_all(outbox, f, err);
	if (code == HF_OK)
		look_for_newest(outbox, f);
	return code;
}
