/* SPDX-License-Identifier: Apache-2.0 */
/* tail and export: lines as they are, without the padding they have on disk. */
#include "base/auto.h"
#include "base/file.h"
#include "cli/outbox_inner.h"
#include "outbox/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FOLLOW_MS = 200,
	DAY_BYTES = 10, /* 2026-04-20 */
	SUMMARY_BYTES = 8 * 1024,
};

/* ---- tail ---- */

/* The number behind which the last `lines` lines begin: walk once, remember as many. */
static enum hf_code find_start(const struct ask *ask, uint64_t *ret_after, struct hf_err *err)
{
	struct hf_files files;
	struct hf_line line;
	uint64_t kept = ask->lines + 1, count = 0, after = 0;
	enum hf_code code = hf_files_list(ask->disk, ask->folder, &files, err);

	if (code != HF_OK)
		return code;
	/* Whole files that cannot matter are left out: numbers run at most one a line. */
	for (size_t i = 0; i < files.count; i++)
		if (files.list[files.count - 1].first_seq > files.list[i].first_seq + kept)
			after = files.list[i].first_seq;
	hf_files_free(&files);
	HF_AUTO_FREE uint64_t *ring = calloc((size_t)kept, sizeof *ring);
	if (ring == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory for %llu lines",
			       (unsigned long long)ask->lines);
	for (;;) {
		struct hf_whole *whole = NULL;

		count = 0;
		code = hf_whole_open(ask->disk, ask->folder, after, &whole, err);
		while (code == HF_OK) {
			code = hf_whole_next(whole, &line, NULL, err);
			if (code == HF_OK)
				ring[count++ % kept] = line.local_seq;
		}
		hf_whole_close(whole);
		if (code != HF_E_AGAIN)
			return code;
		if (count >= kept || after == 0)
			break;
		/* Gaps made that too short. */
		after = 0;
	}
	*ret_after = count >= kept ? ring[count % kept] : 0;
	return HF_OK;
}

int outbox_run_tail(const struct ask *ask)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	struct hf_err err = { 0 };
	struct hf_whole *whole = NULL;
	struct hf_line line;
	uint64_t after = 0;
	enum hf_code code = find_start(ask, &after, &err);

	if (code == HF_OK)
		code = hf_whole_open(ask->disk, ask->folder, after, &whole, &err);
	while (code == HF_OK) {
		code = hf_whole_next(whole, &line, NULL, &err);
		if (code == HF_OK) {
			if (fwrite(line.data, 1, line.size_bytes, stdout) != line.size_bytes)
				code = hf_fail_errno(&err, "write to standard output");
			continue;
		}
		if (code == HF_E_AGAIN && fflush(stdout) != 0)
			code = hf_fail_errno(&err, "write to standard output");
		if (code != HF_E_AGAIN || !ask->follow)
			break;
		(void)nanosleep(&pause, NULL);
		code = HF_OK;
	}
	hf_whole_close(whole);
	return code == HF_E_AGAIN ? HF_EXIT_OK : outbox_fail(&err);
}

/* ---- export ---- */

struct export
{
	const struct ask *ask;
	FILE *stream;
	char path_new[PATH_MAX]; /* empty: standard output */
	uint64_t lines, bytes;
	uint64_t first_seq, last_seq;
	uint64_t lines_bad;
	uint64_t numbers_missing;
};

/* FILE.new, so that FILE is never half of it. */
static enum hf_code open_out(struct export *e, struct hf_err *err)
{
	const char *path = e->ask->out;
	struct stat st;

	e->stream = stdout;
	if (path == NULL)
		return HF_OK;
	if (lstat(path, &st) == 0) {
		if (!e->ask->force)
			return hf_fail(err, HF_E_INVALID,
				       "%s exists; --force replaces it, or name another --out",
				       path);
		if (!S_ISREG(st.st_mode))
			return hf_fail(err, HF_E_INVALID, "%s is no ordinary file", path);
	}
	if ((size_t)snprintf(e->path_new, sizeof e->path_new, "%s.new", path) >=
	    sizeof e->path_new) {
		e->path_new[0] = '\0';
		return hf_fail(err, HF_E_LIMIT, "%.80s... is longer than a path may be", path);
	}
	HF_AUTO_FD fd =
		open(e->path_new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0 || (e->stream = fdopen(fd, "w")) == NULL) {
		enum hf_code code = hf_fail_errno(err, "create %s", e->path_new);

		e->path_new[0] = '\0';
		return code;
	}
	(void)HF_TAKE_FD(fd);
	return HF_OK;
}

static enum hf_code sync_folder_of(const char *path, struct hf_err *err)
{
	char copy[PATH_MAX];

	(void)snprintf(copy, sizeof copy, "%s", path);
	HF_AUTO_FD fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return hf_fail_errno(err, "flush the folder of %s", path);
	return HF_OK;
}

/* What was written is whole and on disk, or is gone. */
static enum hf_code close_out(struct export *e, enum hf_code code, struct hf_err *err)
{
	bool is_file = e->path_new[0] != '\0';

	if (code == HF_OK && (fflush(e->stream) != 0 || (is_file && fsync(fileno(e->stream)) != 0)))
		code = hf_fail_errno(err, "write %s", is_file ? e->path_new : "standard output");
	if (!is_file)
		return code;
	if (fclose(e->stream) != 0 && code == HF_OK)
		code = hf_fail_errno(err, "write %s", e->path_new);
	if (code == HF_OK && rename(e->path_new, e->ask->out) != 0)
		code = hf_fail_errno(err, "rename %s to %s", e->path_new, e->ask->out);
	if (code != HF_OK) {
		(void)unlink(e->path_new);
		return code;
	}
	return sync_folder_of(e->ask->out, err);
}

static bool is_of_day(const struct ask *ask, const struct hf_line *line)
{
	return ask->day == NULL || (line->captured_at.size_bytes > DAY_BYTES &&
				    memcmp(line->captured_at.data, ask->day, DAY_BYTES) == 0);
}

static enum hf_code put(struct export *e, const struct hf_line *line, struct hf_err *err)
{
	if (fwrite(line->data, 1, line->size_bytes, e->stream) != line->size_bytes)
		return hf_fail_errno(err, "write %s",
				     e->path_new[0] != '\0' ? e->path_new : "standard output");
	e->first_seq = e->lines == 0 ? line->local_seq : e->first_seq;
	e->last_seq = line->local_seq;
	e->lines++;
	e->bytes += line->size_bytes;
	return HF_OK;
}

static enum hf_code write_lines(struct export *e, struct hf_err *err)
{
	const struct ask *ask = e->ask;
	const uint64_t through = ask->through != 0 ? ask->through : UINT64_MAX;
	struct hf_whole *whole = NULL;
	struct hf_passed passed;
	struct hf_line line;
	bool taken_before = false;
	enum hf_code code = hf_whole_open(ask->disk, ask->folder,
					  ask->from != 0 ? ask->from - 1 : 0, &whole, err);

	while (code == HF_OK) {
		code = hf_whole_next(whole, &line, &passed, err);
		if (code != HF_OK)
			break;
		bool taken = line.local_seq <= through && is_of_day(ask, &line);
		/* Nobody can say of what day a damaged line was: its neighbours can. */
		if (taken || taken_before) {
			e->lines_bad += passed.lines_bad;
			e->numbers_missing += passed.gap_from != 0 && passed.gap_from <= through
						      ? passed.gap_through - passed.gap_from + 1
						      : 0;
		}
		taken_before = taken;
		if (line.local_seq > through)
			break;
		if (taken)
			code = put(e, &line, err);
	}
	hf_whole_close(whole);
	return code == HF_E_AGAIN ? HF_OK : code;
}

static int tell(const struct export *e)
{
	const bool partial = e->lines_bad > 0;
	char text[SUMMARY_BYTES];
	struct hf_err err = { 0 };

	if (e->ask->json) {
		struct hf_json json = hf_json_begin(text, sizeof text);

		hf_json_object_open(&json);
		hf_json_put_bool(&json, "ok", !partial);
		hf_json_put_text(&json, "day", e->ask->day);
		hf_json_put_text(&json, "out", e->ask->out);
		hf_json_put_u64(&json, "lines", e->lines);
		hf_json_put_u64(&json, "bytes", e->bytes);
		outbox_json_seq(&json, "first_seq", e->first_seq);
		outbox_json_seq(&json, "last_seq", e->last_seq);
		hf_json_put_u64(&json, "lines_bad", e->lines_bad);
		hf_json_put_u64(&json, "numbers_missing", e->numbers_missing);
		hf_json_object_close(&json);
		if (hf_json_end(&json, &err) != HF_OK)
			return outbox_fail(&err);
		/* The lines have standard output, unless they have a file of their own. */
		(void)fprintf(e->ask->out != NULL ? stdout : stderr, "%s\n", text);
	} else if (e->lines == 0) {
		(void)fputs("holdfast: there is no such event\n", stderr);
	} else if (e->ask->out != NULL) {
		(void)fprintf(stderr, "%llu events, %.1f MB, in %s\n", (unsigned long long)e->lines,
			      (double)e->bytes / 1e6, e->ask->out);
	}
	if (partial && !e->ask->json)
		(void)fprintf(stderr,
			      "holdfast: %llu line%s among them damaged and left out; see "
			      "holdfast outbox verify\n",
			      (unsigned long long)e->lines_bad,
			      e->lines_bad == 1 ? " is" : "s are");
	return partial ? HF_EXIT_PARTIAL : HF_EXIT_OK;
}

int outbox_run_export(const struct ask *ask)
{
	struct export e = { .ask = ask };
	struct hf_err err = { 0 };

	if (ask->day == NULL && ask->from == 0 && ask->through == 0)
		return hf_cli_usage("outbox", "say which events: --day, --from or --through");
	enum hf_code code = open_out(&e, &err);
	if (code != HF_OK)
		return outbox_fail(&err);
	code = close_out(&e, write_lines(&e, &err), &err);
	return code == HF_OK ? tell(&e) : outbox_fail(&err);
}
