/* SPDX-License-Identifier: Apache-2.0 */
/* stat: what headers, sizes, last lines and cursors say, without reading all of it. */
#include "base/auto.h"
#include "base/clock.h"
#include "cli/outbox_inner.h"
#include "cli/progress.h"
#include "outbox/commit_ring.h"
#include "outbox/scan.h"
#include "outbox/whole.h"

#include <stdlib.h>
#include <string.h>

enum {
	TAIL_BYTES = 4 * HF_SCAN_BYTES,
	JSON_BYTES = 16 * 1024,
	JSON_FILE_BYTES = 512,
};

struct stats {
	const struct ask *ask;
	struct hf_files files;
	uint64_t *last_seqs; /* of each file */
	uint64_t bytes;
	uint64_t first_seq, last_seq; /* last_seq: with what only the ring has */
	bool ring_here;
	struct hf_commit_ring_lines ring;
	uint64_t ring_only;
	size_t cursor_count;
	struct hf_cursor_entry cursors[HF_CURSORS_MAX];
	int64_t oldest_ms[HF_CURSORS_MAX]; /* captured; -1: nothing waits, or not known */
};

/* The number of the last whole line; 0 when there is none. */
static enum hf_code find_last(const struct ask *ask, const struct hf_file *file, uint64_t *ret_seq,
			      struct hf_err *err)
{
	HF_AUTO_FREE struct hf_scan *scan = malloc(sizeof *scan);
	char path[HF_DISK_PATH_BYTES];
	struct hf_scan_item item;
	uint64_t back = TAIL_BYTES;
	int handle;

	if (scan == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	hf_file_path(ask->folder, file->name, path);
	enum hf_code code = hf_disk_open(ask->disk, path, HF_DISK_READ, &handle, err);
	if (code != HF_OK)
		return code;
	*ret_seq = 0;
	for (;; back *= 4) {
		uint64_t from = file->size_bytes > back ? file->size_bytes - back : 0;

		hf_scan_begin(scan, ask->disk, handle, from, UINT64_MAX);
		while ((code = hf_scan_next(scan, &item, err)) == HF_OK)
			if (item.kind == HF_SCAN_LINE)
				*ret_seq = item.line.local_seq;
		if (code != HF_E_NOENT || *ret_seq != 0 || from == 0)
			break;
	}
	hf_disk_close(ask->disk, handle);
	return code == HF_E_NOENT ? HF_OK : code;
}

static enum hf_code look_at_files(struct stats *s, struct hf_err *err)
{
	enum hf_code code = hf_files_list(s->ask->disk, s->ask->folder, &s->files, err);

	if (code != HF_OK)
		return code;
	s->last_seqs = calloc(s->files.count + 1, sizeof *s->last_seqs);
	if (s->last_seqs == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	for (size_t i = 0; i < s->files.count; i++) {
		const struct hf_file *file = &s->files.list[i];

		s->bytes += file->size_bytes;
		if (s->first_seq == 0)
			s->first_seq = file->first_seq;
		s->last_seqs[i] = file->last_seq_max;
		/* Its successor says it, but for the newest. */
		if (file->last_seq_max == UINT64_MAX)
			code = find_last(s->ask, file, &s->last_seqs[i], err);
		if (code == HF_E_NOENT)
			code = HF_OK; /* removed by retention since */
		if (code != HF_OK)
			return code;
		if (s->last_seqs[i] > s->last_seq)
			s->last_seq = s->last_seqs[i];
	}
	return HF_OK;
}

static enum hf_code look_at_ring(struct stats *s, struct hf_err *err)
{
	enum hf_code code = hf_commit_ring_read(s->ask->disk, s->ask->folder, &s->ring, err);

	s->ring_here = code == HF_OK;
	return code == HF_E_NOENT ? HF_OK : code;
}

/* Behind the last line of the newest file; holes before it are verify's to find. */
static void count_ring_only(struct stats *s)
{
	uint64_t above = s->last_seq;

	for (size_t i = 0; i < s->ring.count; i++)
		if (s->ring.list[i].seq > above) {
			s->ring_only++;
			s->last_seq = s->ring.list[i].seq;
		}
}

static enum hf_code look_at_cursors(struct stats *s, struct hf_err *err)
{
	s->cursor_count = s->ask->data ? hf_cursors_load(s->ask->disk, s->cursors) : 0;
	for (size_t i = 0; i < s->cursor_count; i++) {
		const struct hf_cursor_entry *cursor = &s->cursors[i];
		struct hf_whole *whole = NULL;
		struct hf_line line;

		s->oldest_ms[i] = -1;
		if (cursor->code != HF_OK || cursor->acked_through >= s->last_seq)
			continue;
		enum hf_code code = hf_whole_open(s->ask->disk, s->ask->folder,
						  cursor->acked_through, &whole, err);
		if (code == HF_OK)
			code = hf_whole_next(whole, &line, NULL, err);
		if (code == HF_OK)
			s->oldest_ms[i] = outbox_captured_ms(&line);
		hf_whole_close(whole);
		if (code != HF_OK && code != HF_E_AGAIN)
			return code;
	}
	return HF_OK;
}

static uint64_t behind(const struct stats *s, size_t i)
{
	return s->last_seq > s->cursors[i].acked_through ? s->last_seq - s->cursors[i].acked_through
							 : 0;
}

/* Seconds; negative: not known, or the clock has gone back since. */
static double age_s(const struct stats *s, size_t i)
{
	if (s->oldest_ms[i] < 0)
		return -1;
	return (double)(hf_wall_now(hf_clock_real()).ms - s->oldest_ms[i]) / 1000;
}

static const char *mode(const struct hf_file *file)
{
	return !file->has_header ? "-" : file->by_ring ? "ring" : "file";
}

static void json_files(struct hf_json *json, const struct stats *s)
{
	hf_json_key(json, "days");
	hf_json_array_open(json);
	for (size_t i = 0; i < s->files.count; i++) {
		const struct hf_file *file = &s->files.list[i];

		hf_json_object_open(json);
		hf_json_put_text(json, "file", file->name);
		outbox_json_seq(json, "first_seq", file->first_seq);
		outbox_json_seq(json, "last_seq", s->last_seqs[i]);
		hf_json_put_u64(json, "bytes", file->size_bytes);
		hf_json_put_text(json, "commit", mode(file));
		hf_json_put_u64(json, "carried", file->carried);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void json_cursors(struct hf_json *json, const struct stats *s)
{
	/* The hub's stands first. */
	bool hub = s->cursor_count > 0 && s->cursors[0].code == HF_OK &&
		   strcmp(s->cursors[0].channel, HF_CHANNEL_HUB) == 0;

	if (hub) {
		hf_json_put_u64(json, "acked_through", s->cursors[0].acked_through);
		hf_json_put_u64(json, "pending", behind(s, 0));
	} else {
		hf_json_put_null(json, "acked_through");
		hf_json_put_null(json, "pending");
	}
	hf_json_key(json, "channels");
	hf_json_array_open(json);
	for (size_t i = 0; i < s->cursor_count; i++) {
		bool known = s->cursors[i].code == HF_OK;
		double age = age_s(s, i);

		hf_json_object_open(json);
		hf_json_put_text(json, "channel", s->cursors[i].channel);
		if (known) {
			hf_json_put_u64(json, "acked_through", s->cursors[i].acked_through);
			hf_json_put_u64(json, "pending", behind(s, i));
		} else {
			hf_json_put_null(json, "acked_through");
			hf_json_put_null(json, "pending");
		}
		if (age >= 0)
			hf_json_put_real(json, "oldest_pending_s", age, 1);
		else
			hf_json_put_null(json, "oldest_pending_s");
		hf_json_put_text(json, "error", known ? NULL : s->cursors[i].why);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static int print_json(const struct stats *s)
{
	size_t size = JSON_BYTES + s->files.count * JSON_FILE_BYTES + strlen(s->ask->path) * 6;
	HF_AUTO_FREE char *text = malloc(size);

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, size);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "path", s->ask->path);
	hf_json_put_u64(&json, "files", s->files.count);
	hf_json_put_u64(&json, "bytes", s->bytes);
	outbox_json_seq(&json, "first_seq", s->first_seq);
	outbox_json_seq(&json, "last_seq", s->last_seq);
	hf_json_put_text(&json, "commit",
			 s->files.count > 0 ? mode(&s->files.list[s->files.count - 1]) : NULL);
	hf_json_key(&json, "ring");
	if (s->ring_here) {
		hf_json_object_open(&json);
		hf_json_put_u64(&json, "bytes", s->ring.size_bytes);
		hf_json_put_u64(&json, "lines", s->ring.count);
		hf_json_put_u64(&json, "lines_bytes", s->ring.lines_bytes);
		hf_json_put_u64(&json, "lines_only_there", s->ring_only);
		hf_json_object_close(&json);
	} else {
		hf_json_null(&json);
	}
	json_cursors(&json, s);
	json_files(&json, s);
	hf_json_object_close(&json);
	return outbox_json_print(&json);
}

static void print_cursors(const struct stats *s)
{
	char text[32];

	for (size_t i = 0; i < s->cursor_count; i++) {
		const struct hf_cursor_entry *cursor = &s->cursors[i];
		double age = age_s(s, i);

		if (cursor->code != HF_OK) {
			(void)printf("%-8s %s\n", cursor->channel, cursor->why);
			continue;
		}
		(void)printf("%-8s has acknowledged %llu", cursor->channel,
			     (unsigned long long)cursor->acked_through);
		if (cursor->acked_through > s->last_seq)
			(void)printf(", more than there is: see holdfast outbox verify");
		else if (behind(s, i) == 0)
			(void)printf(", all of it");
		else
			(void)printf(", %llu behind", (unsigned long long)behind(s, i));
		if (age >= 0) {
			hf_progress_time(age, false, sizeof text, text);
			(void)printf("; the oldest that waits is %s old", text);
		}
		(void)putchar('\n');
	}
	if (s->ask->data && s->cursor_count == 0)
		(void)puts("hub      has acknowledged nothing yet");
}

static int print_table(const struct stats *s)
{
	if (s->files.count > 0)
		(void)printf("%-24s %12s %12s %14s %s\n", "file", "first", "last", "bytes", "mode");
	for (size_t i = 0; i < s->files.count; i++) {
		const struct hf_file *file = &s->files.list[i];

		(void)printf("%-24s %12llu %12llu %14llu %s\n", file->name,
			     (unsigned long long)file->first_seq,
			     (unsigned long long)s->last_seqs[i],
			     (unsigned long long)file->size_bytes, mode(file));
	}
	if (s->files.count > 0)
		(void)putchar('\n');
	(void)printf("%zu file%s, %.1f MB", s->files.count, s->files.count == 1 ? "" : "s",
		     (double)s->bytes / 1e6);
	if (s->last_seq > 0)
		(void)printf(", numbers %llu to %llu", (unsigned long long)s->first_seq,
			     (unsigned long long)s->last_seq);
	(void)putchar('\n');
	if (s->ring_here)
		(void)printf("ring     %.1f of %.1f MB are lines (%zu), %llu of them only there\n",
			     (double)s->ring.lines_bytes / 1e6, (double)s->ring.size_bytes / 1e6,
			     s->ring.count, (unsigned long long)s->ring_only);
	print_cursors(s);
	return fflush(stdout) == 0 ? HF_EXIT_OK : HF_EXIT_FAILED;
}

int outbox_run_stat(const struct ask *ask)
{
	struct stats s = { .ask = ask };
	struct hf_err err = { 0 };
	enum hf_code code = look_at_ring(&s, &err);

	if (code == HF_OK)
		code = look_at_files(&s, &err);
	if (code == HF_OK) {
		count_ring_only(&s);
		code = look_at_cursors(&s, &err);
	}
	int status = code != HF_OK ? outbox_fail(&err)
		     : ask->json   ? print_json(&s)
				   : print_table(&s);
	hf_files_free(&s.files);
	hf_commit_ring_lines_free(&s.ring);
	free(s.last_seqs);
	return status;
}
