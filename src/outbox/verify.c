/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one pass, line by line. What the chain says comes some lines late (chain_check.h), and
 * whether an origin was seen before comes one line late: the memory it stands in is fetched
 * meanwhile. Whoever tells a finding settles both first, so that findings stand in order.
 *
 * Where the chain breaks at a hole in the numbers, only a later line (a gap event) can say
 * whether that is a problem: holes are judged at the end.
 */
#include "outbox/verify.h"

#include "base/auto.h"
#include "outbox/chain_check.h"
#include "outbox/commit_ring.h"
#include "outbox/origin_set.h"
#include "outbox/scan.h"
#include "outbox/witness.h"

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

struct hole {
	struct hf_verified_gap gap;
	bool chain_broken; /* at the line behind it */
	size_t proven;     /* then, see witness.h */
	uint64_t offset;
	char file[HF_FILE_NAME_BYTES];
};

/* An origin that will be looked up. */
struct held {
	bool any;
	uint64_t hash;
	uint64_t offset;
	uint64_t seq;
	char origin[HF_ORIGIN_BYTES];
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
	struct hole *holes;
	struct hf_origin_set origins;
	struct hf_witness witness;
	bool thumbs_here;

	struct hf_commit_ring_lines ring;
	size_t ring_next; /* the first entry that was not looked at */
	char ring_line[HF_LINE_BYTES_MAX];
	struct hf_chain_check *chain_check;
	struct held held;
	enum hf_code held_code; /* why it could not be looked up */
	struct hf_err held_err;
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

static void settle(struct verifier *v);

static void tell(struct verifier *v, struct hf_finding *finding, const char *format, va_list ap)
{
	v->report.found[finding->kind]++;
	v->report.problems += kinds[finding->kind].problem ? 1 : 0;
	if (v->options->finding == NULL)
		return;
	(void)vsnprintf(finding->text, sizeof finding->text, format, ap);
	v->options->finding(v->options->context, finding);
}

static void find(struct verifier *v, enum hf_finding_kind kind, uint64_t offset, uint64_t seq,
		 const char *format, ...) HF_PRINTF(5, 6);

static void find(struct verifier *v, enum hf_finding_kind kind, uint64_t offset, uint64_t seq,
		 const char *format, ...)
{
	struct hf_finding finding = { .kind = kind, .offset = offset, .local_seq = seq };
	va_list ap;

	settle(v);
	if (v->current != NULL)
		memcpy(finding.file, v->current->name, sizeof finding.file);
	va_start(ap, format);
	tell(v, &finding, format, ap);
	va_end(ap);
}

/* Of a line that is not the one in hand. */
static void find_at(struct verifier *v, enum hf_finding_kind kind, const char *file,
		    uint64_t offset, uint64_t seq, const char *format, ...) HF_PRINTF(6, 7);

static void find_at(struct verifier *v, enum hf_finding_kind kind, const char *file,
		    uint64_t offset, uint64_t seq, const char *format, ...)
{
	struct hf_finding finding = { .kind = kind, .offset = offset, .local_seq = seq };
	va_list ap;

	(void)snprintf(finding.file, sizeof finding.file, "%s", file);
	va_start(ap, format);
	tell(v, &finding, format, ap);
	va_end(ap);
}

static void doubt(struct verifier *v, size_t proven, uint64_t from, uint64_t through,
		  const char *format, ...) HF_PRINTF(5, 6);

static void doubt(struct verifier *v, size_t proven, uint64_t from, uint64_t through,
		  const char *format, ...)
{
	char why[sizeof v->report.chain.altered_why];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof why, format, ap);
	va_end(ap);
	hf_witness_doubt(&v->witness, proven, from, through, why);
}

static void break_chain(void *context, const struct hf_chain_line *line)
{
	struct verifier *v = context;
	unsigned long long seq = line->seq, before = line->seq_before;
	size_t count = before + 1 < seq ? v->hole_count : 0;

	/* Younger ones may have come since; before the first line of all there is none. */
	while (count > 0 && v->holes[count - 1].gap.through != seq - 1)
		count--;
	if (count > 0) {
		struct hole *hole = &v->holes[count - 1];

		hole->chain_broken = true;
		hole->proven = line->proven;
		hole->offset = line->offset;
		(void)snprintf(hole->file, sizeof hole->file, "%s", line->file->name);
		return;
	}
	doubt(v, line->proven, v->witness.first_seq, line->seq,
	      "line %llu does not follow from line %llu", seq, before);
	find_at(v, HF_FINDING_CHAIN_BROKEN, line->file->name, line->offset, seq,
		"line %llu does not follow from line %llu: it was altered, or that one and perhaps "
		"others before it were",
		seq, before);
}

static void look_up_held(struct verifier *v)
{
	const struct held *held = &v->held;
	bool twice = false;

	if (!held->any)
		return;
	v->held.any = false;
	enum hf_code code = hf_origin_set_add(&v->origins, held->hash, &twice, &v->held_err);
	if (code != HF_OK)
		v->held_code = code;
	if (twice)
		find_at(v, HF_FINDING_ORIGIN_TWICE, v->now.file.name, held->offset, held->seq,
			"the event %s stands here a second time", held->origin);
}

static void settle(struct verifier *v)
{
	hf_chain_check_settle(v->chain_check);
	look_up_held(v);
}

static void hold_origin(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	look_up_held(v);
	v->held.any = true;
	v->held.hash = hf_origin_hash(&line->origin);
	v->held.offset = offset;
	v->held.seq = line->local_seq;
	(void)hf_slice_text(&line->origin, v->held.origin, sizeof v->held.origin);
	hf_origin_set_prefetch(&v->origins, v->held.hash);
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
	v->holes[v->hole_count++] = (struct hole){ .gap = { .from = from, .through = through } };
	return HF_OK;
}

/* A gap event speaks of numbers before it, seldom of ones long ago. */
static void explain_holes(struct verifier *v, const struct hf_line *line)
{
	uint64_t from, through;
	char reason[sizeof v->holes->gap.reason];

	if (!hf_slice_is(&line->event_class, HF_CLASS_GAP) ||
	    !hf_attrs_u64(&line->attrs, "from", &from) ||
	    !hf_attrs_u64(&line->attrs, "through", &through))
		return;
	if (!hf_attrs_text(&line->attrs, "reason", reason, sizeof reason))
		(void)snprintf(reason, sizeof reason, "unnamed");
	for (size_t i = v->hole_count; i-- > 0;) {
		struct hf_verified_gap *gap = &v->holes[i].gap;

		if (gap->from < from || gap->through > through)
			continue;
		memcpy(gap->reason, reason, sizeof reason);
		gap->event_seq = line->local_seq;
	}
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

/* The header of a file that was begun because the one before failed stands behind the lines that
 * were carried over; of every other it is the first line, for which `carried` is 0. */
static void check_carried(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	const struct hf_file *file = v->current;

	if (file->has_header && line->local_seq == file->order_seq && v->now.lines != file->carried)
		find(v, HF_FINDING_HEADER_WRONG, offset, line->local_seq,
		     "the header says that %llu lines stand in front of it, found are %llu",
		     (unsigned long long)file->carried, (unsigned long long)v->now.lines);
}

static void check_chain(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	static const uint8_t zeros[HF_CHAIN_BYTES];
	char epoch[sizeof v->epoch];
	bool first = !v->any_line && v->current->has_header && v->current->previous_seq == 0;
	bool same_epoch = hf_slice_is(&line->epoch, v->epoch);
	const uint8_t *previous = v->chain_known ? v->chain : NULL;

	if (!same_epoch) {
		if (!hf_slice_text(&line->epoch, epoch, sizeof epoch))
			(void)snprintf(epoch, sizeof epoch, "?");
		if (v->any_line)
			find(v, HF_FINDING_EPOCH_CHANGED, offset, line->local_seq,
			     "epoch %s, before it %s", epoch, v->epoch);
		memcpy(v->epoch, epoch, sizeof v->epoch);
	}
	if (first || (v->any_line && !same_epoch))
		previous = zeros;
	if (previous != NULL)
		hf_chain_check_add(v->chain_check, line, previous,
				   &(struct hf_chain_line){ .file = v->current,
							    .offset = offset,
							    .seq = line->local_seq,
							    .seq_before = v->last_seq,
							    .proven = v->witness.proven });
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

static void count_line(struct verifier *v, const struct hf_line *line)
{
	if (!v->any_line)
		v->report.first_seq = line->local_seq;
	v->any_line = true;
	v->last_seq = line->local_seq;
	v->last_crc32c = line->crc32c;
	v->report.lines++;
	v->now.lines++;
	v->now.last_seq = line->local_seq;
	for (size_t i = 0; i < v->report.cursor_count; i++)
		if (line->local_seq > v->report.cursors[i].cursor.acked_through)
			v->report.cursors[i].pending++;
}

static enum hf_code take_line(struct verifier *v, uint64_t offset, const struct hf_line *line,
			      struct hf_err *err)
{
	uint64_t seq = line->local_seq;

	if (v->now.lines == 0)
		check_header(v, offset, line);
	check_carried(v, offset, line);
	if (v->any_line && seq <= v->last_seq) {
		find(v, HF_FINDING_OUT_OF_ORDER, offset, seq, "line %llu comes after line %llu",
		     (unsigned long long)seq, (unsigned long long)v->last_seq);
		return HF_OK;
	}
	if (v->any_line && seq > v->last_seq + 1) {
		enum hf_code code = note_hole(v, v->last_seq + 1, seq - 1, err);

		if (code != HF_OK)
			return code;
	}
	check_chain(v, offset, line);
	hold_origin(v, offset, line);
	if (v->options->chain && hf_witness_speaks(&v->witness, line->local_seq)) {
		/* What was found up to here comes first. */
		settle(v);
		if (!hf_witness_line(&v->witness, line))
			find(v, HF_FINDING_RECEIPT_UNMET, offset, seq, "%s",
			     v->witness.result.altered_why);
	}
	explain_holes(v, line);
	check_thumb(v, offset, line);
	count_line(v, line);
	if (v->held_code != HF_OK)
		*err = v->held_err;
	return v->held_code;
}

/* ---- the ring ---- */

/* A line in the day file: does the ring say the same of its number? */
static void compare_with_ring(struct verifier *v, uint64_t offset, const struct hf_line *line)
{
	/* Most lines are older than all of it. */
	if (v->ring.count == 0 || line->local_seq < v->ring.list[0].seq)
		return;
	const struct hf_commit_ring_entry *entry =
		hf_commit_ring_lines_find(&v->ring, line->local_seq);
	if (entry != NULL && entry->crc32c != line->crc32c)
		find(v, HF_FINDING_RING_DIFFERS, offset, line->local_seq,
		     "line %llu is another one in the ring: crc32c %08x there, %08x here",
		     (unsigned long long)line->local_seq, entry->crc32c, line->crc32c);
}

/* Does the ring have the number that is next? */
static bool ring_goes_on(const struct verifier *v)
{
	return v->any_line && hf_commit_ring_lines_find(&v->ring, v->last_seq + 1) != NULL;
}

static enum hf_code read_entry(struct verifier *v, int file,
			       const struct hf_commit_ring_entry *entry, struct hf_line *ret_line,
			       struct hf_err *err)
{
	size_t got = 0;
	enum hf_code code = hf_disk_read(v->options->disk, file, entry->offset, v->ring_line,
					 entry->size_bytes, &got, err);

	if (code != HF_OK)
		return code;
	/* It may be padded: then a space stands where the newline belongs. */
	v->ring_line[got - 1] = '\n';
	return hf_line_parse(v->ring_line, got, ret_line, err);
}

/* Lines behind the last one and below seq that only the ring has. */
static enum hf_code fill_from_ring(struct verifier *v, uint64_t seq, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	enum hf_code code = HF_OK;
	int file = -1;

	while (v->ring_next < v->ring.count && v->ring.list[v->ring_next].seq <= v->last_seq)
		v->ring_next++;
	for (; code == HF_OK && v->ring_next < v->ring.count; v->ring_next++) {
		const struct hf_commit_ring_entry *entry = &v->ring.list[v->ring_next];
		struct hf_line line;

		if (entry->seq >= seq)
			break;
		if (file < 0) {
			hf_file_path(v->options->folder, HF_COMMIT_RING_NAME, path);
			code = hf_disk_open(v->options->disk, path, HF_DISK_READ, &file, err);
			if (code != HF_OK)
				return code;
		}
		/* A living unit goes over it meanwhile: by then the day file has it. */
		if (read_entry(v, file, entry, &line, err) != HF_OK || line.local_seq != entry->seq)
			continue;
		code = take_line(v, entry->offset, &line, err);
		v->now.lines_ring++;
		v->report.ring_only_first =
			v->report.ring_only == 0 ? entry->seq : v->report.ring_only_first;
		v->report.ring_only_last = entry->seq;
		v->report.ring_only++;
	}
	hf_disk_close(v->options->disk, file);
	return code;
}

/* A line in the newest file; what stands in front of it and was lost there may be in the ring. */
static enum hf_code take_newest(struct verifier *v, const struct hf_scan_item *item,
				struct hf_err *err)
{
	if (v->any_line && item->line.local_seq > v->last_seq + 1) {
		enum hf_code code = fill_from_ring(v, item->line.local_seq, err);

		if (code != HF_OK)
			return code;
	}
	compare_with_ring(v, item->offset, &item->line);
	return take_line(v, item->offset, &item->line, err);
}

static enum hf_code read_ring(struct verifier *v, struct hf_err *err)
{
	enum hf_code code =
		hf_commit_ring_read(v->options->disk, v->options->folder, &v->ring, err);

	v->report.ring_here = code == HF_OK;
	v->report.ring_bytes = v->ring.size_bytes;
	v->report.ring_lines = v->ring.count;
	return code == HF_E_NOENT ? HF_OK : code;
}

/* Only lines of the newest file may be missing from it. */
static void begin_ring(struct verifier *v, const struct hf_file *newest)
{
	while (v->ring_next < v->ring.count && v->ring.list[v->ring_next].seq < newest->first_seq)
		v->ring_next++;
}

static void conclude_ring(struct verifier *v)
{
	const uint64_t slots = 2 * (uint64_t)HF_COMMIT_RING_SLOT_BYTES;
	const struct hf_file *newest =
		v->files.count > 0 ? &v->files.list[v->files.count - 1] : NULL;

	if (!v->report.ring_here) {
		if (newest != NULL && newest->by_ring)
			find(v, HF_FINDING_RING_MISSING, 0, 0,
			     "%s says that lines are committed by the ring, and there is no %s: "
			     "lines that only it had are gone",
			     newest->name, HF_COMMIT_RING_NAME);
		return;
	}
	if (v->ring.size_bytes == 0 || v->ring.size_bytes % slots != 0)
		find(v, HF_FINDING_RING_SIZE, 0, 0,
		     "%s has %llu bytes, which is no multiple of %llu: cut short, or not copied "
		     "whole",
		     HF_COMMIT_RING_NAME, (unsigned long long)v->ring.size_bytes,
		     (unsigned long long)slots);
	if (newest == NULL && v->ring.count > 0) {
		v->report.ring_only = v->ring.count;
		v->report.ring_only_first = v->ring.list[0].seq;
		v->report.ring_only_last = v->ring.list[v->ring.count - 1].seq;
	}
	if (v->report.ring_only > 0)
		find(v, HF_FINDING_RING_ONLY, 0, v->report.ring_only_first,
		     "%llu line%s from %llu to %llu stand%s only in the ring: the next start of "
		     "the unit brings them into a day file (or they are being written now)",
		     (unsigned long long)v->report.ring_only, v->report.ring_only == 1 ? "" : "s",
		     (unsigned long long)v->report.ring_only_first,
		     (unsigned long long)v->report.ring_only_last,
		     v->report.ring_only == 1 ? "s" : "");
}

/* ---- files ---- */

static enum hf_code take_item(struct verifier *v, const struct hf_scan_item *item, bool newest,
			      struct hf_err *err)
{
	if (item->kind == HF_SCAN_LINE) {
		v->now.bytes_padding += item->size_bytes - item->line.size_bytes;
		if (newest)
			return take_newest(v, item, err);
		if (item->line.local_seq <= v->current->last_seq_max)
			return take_line(v, item->offset, &item->line, err);
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
	if (newest && ring_goes_on(v)) {
		find(v, HF_FINDING_TAIL_TORN, item->offset, 0,
		     "%zu bytes that a power cut has spoilt: what should stand here stands in the "
		     "ring",
		     item->size_bytes);
		return HF_OK;
	}
	v->chain_known = false;
	if (item->more)
		return HF_OK;
	v->now.lines_bad++;
	uint64_t seq = hf_line_seq_legible(item->data, item->size_bytes);
	doubt(v, v->witness.proven, v->witness.first_seq, v->last_seq + 1,
	      "what stands behind line %llu is damaged", (unsigned long long)v->last_seq);
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
	const bool newest = index + 1 == v->files.count;
	if (newest)
		begin_ring(v, v->current);
	while ((code = hf_scan_next(&v->scan, &item, err)) == HF_OK) {
		code = take_item(v, &item, newest, err);
		v->report.bytes += item.size_bytes;
		tell_progress(v, v->report.bytes);
		if (code != HF_OK)
			break;
	}
	hf_disk_close(disk, file);
	if (code == HF_E_NOENT && newest && fill_from_ring(v, UINT64_MAX, err) != HF_OK)
		code = err->code;
	settle(v);
	if (code != HF_E_NOENT)
		return code;
	v->report.bytes_padding += v->now.bytes_padding;
	if (v->now.lines + v->now.lines_void == 0)
		find(v, HF_FINDING_FILE_EMPTY, 0, 0, "no whole line in this file");
	if (v->now.lines > 0)
		memcpy(v->last_file, v->current->name, sizeof v->last_file);
	if (v->options->file != NULL)
		v->options->file(v->options->context, &v->now);
	return HF_OK;
}

static void read_cursors(struct verifier *v)
{
	struct hf_cursor_entry cursors[HF_CURSORS_MAX];
	size_t count = hf_cursors_load(v->options->disk, cursors);

	for (size_t i = 0; i < count; i++) {
		if (cursors[i].code != HF_OK)
			find(v, HF_FINDING_CURSOR_WRONG, 0, 0, "%.150s", cursors[i].why);
		else
			v->report.cursors[v->report.cursor_count++].cursor = cursors[i];
	}
}

static bool see_nothing(void *context, const struct hf_disk_entry *entry)
{
	(void)context;
	(void)entry;
	return false;
}

static void judge_hole(struct verifier *v, const struct hole *hole)
{
	const struct hf_verified_gap *gap = &hole->gap;
	unsigned long long from = gap->from, through = gap->through;

	v->report.gaps++;
	v->report.numbers_missing += gap->through - gap->from + 1;
	if (gap->reason[0] == '\0') {
		doubt(v, hole->proven, hole->gap.from, gap->from, "numbers %llu to %llu are gone",
		      from, through);
		if (hole->chain_broken)
			find_at(v, HF_FINDING_CHAIN_BROKEN, hole->file, hole->offset, through + 1,
				"line %llu does not follow from line %llu: lines between them were "
				"taken out",
				through + 1, from - 1);
		find(v, HF_FINDING_NUMBERS_GONE, 0, gap->from,
		     "numbers %llu to %llu are not there and no event says why", from, through);
	} else if (hole->chain_broken) {
		find_at(v, HF_FINDING_CHAIN_GAP, hole->file, hole->offset, through + 1,
			"the chain begins anew behind the numbers %llu to %llu, as event %llu says "
			"(%s)",
			from, through, (unsigned long long)gap->event_seq, gap->reason);
	}
	if (v->options->gap != NULL)
		v->options->gap(v->options->context, gap);
}

static void conclude_chain(struct verifier *v)
{
	bool whole = hf_witness_end(&v->witness);

	if (!whole)
		find(v, HF_FINDING_RECEIPT_UNMET, 0, v->last_seq, "%s",
		     v->witness.result.altered_why);
	if (v->witness.result.receipts_foreign > 0 && v->witness.result.key_known)
		find(v, HF_FINDING_RECEIPT_WRONG, 0, 0,
		     "%llu receipts are of another key, or their signature is wrong: they count "
		     "for nothing",
		     (unsigned long long)v->witness.result.receipts_foreign);
	v->report.chain = v->witness.result;
}

static void conclude(struct verifier *v)
{
	v->current = NULL;
	for (size_t i = 0; i < v->hole_count; i++)
		judge_hole(v, &v->holes[i]);
	for (size_t i = 0; i < v->report.cursor_count; i++) {
		const struct hf_cursor_entry *cursor = &v->report.cursors[i].cursor;

		if (cursor->acked_through > v->last_seq)
			find(v, HF_FINDING_CURSOR_WRONG, 0, cursor->acked_through,
			     "the %s has acknowledged %llu, the log ends with %llu: lines were "
			     "lost, or this is a restored copy",
			     cursor->channel, (unsigned long long)cursor->acked_through,
			     (unsigned long long)v->last_seq);
	}
	conclude_ring(v);
	v->report.files = v->files.count;
	v->report.last_seq = v->last_seq;
	if (v->options->chain)
		conclude_chain(v);
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
	const struct hf_chain_check_options check = { .broken = break_chain, .context = v };
	enum hf_code code = hf_chain_check_open(&check, &v->chain_check, err);
	/* First the ring: what a living unit writes meanwhile is then found in the files. */
	if (code == HF_OK)
		code = read_ring(v, err);
	if (code == HF_OK)
		code = hf_files_list(options->disk, options->folder, &v->files, err);
	if (code == HF_OK && options->data) {
		read_cursors(v);
		v->thumbs_here =
			hf_disk_list(options->disk, thumbs_folder, &lister, &ignored) == HF_OK;
	}
	if (code == HF_OK && options->chain)
		code = hf_witness_open(options->disk, options->hub_key, &v->witness, err);
	for (size_t i = 0; i < v->files.count; i++)
		v->bytes_all += v->files.list[i].size_bytes;
	for (size_t i = 0; code == HF_OK && i < v->files.count; i++)
		code = verify_file(v, i, err);
	if (code == HF_OK) {
		conclude(v);
		*ret_report = v->report;
	}
	hf_chain_check_close(v->chain_check);
	hf_commit_ring_lines_free(&v->ring);
	hf_files_free(&v->files);
	free(v->holes);
	hf_origin_set_free(&v->origins);
	hf_witness_free(&v->witness);
	free(v);
	return code;
}
