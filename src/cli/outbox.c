/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast outbox - check and read an outbox, with or without a daemon, on the unit or copied. */
#include "base/auto.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "outbox/reader.h"
#include "outbox/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TAIL_LINES = 10,
	FOLLOW_MS = 200,
	FINDINGS_MAX = 1000, /* told one by one; the rest is counted */
	JSON_BYTES = 1024 * 1024,
	LIST_MAX = 4096,
};

struct ask {
	const char *path;
	bool json;
	bool follow;
	uint64_t lines;
	struct hf_disk *disk;
	const char *folder;
	bool data;
};

/* What a verification tells, kept for a table or for JSON. */
struct told {
	const struct ask *ask;
	bool progress;
	size_t finding_count;
	struct hf_finding findings[FINDINGS_MAX];
	size_t file_count;
	struct hf_verified_file files[LIST_MAX];
	size_t gap_count;
	struct hf_verified_gap gaps[LIST_MAX];
	struct hf_verify_report report;
};

static int fail(const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfast: %s\n", err->text);
	return HF_EXIT_FAILED;
}

static void take_finding(void *context, const struct hf_finding *finding)
{
	struct told *told = context;

	if (told->finding_count < FINDINGS_MAX)
		told->findings[told->finding_count++] = *finding;
}

static void take_file(void *context, const struct hf_verified_file *file)
{
	struct told *told = context;

	if (told->file_count < LIST_MAX)
		told->files[told->file_count++] = *file;
}

static void take_gap(void *context, const struct hf_verified_gap *gap)
{
	struct told *told = context;

	if (told->gap_count < LIST_MAX)
		told->gaps[told->gap_count++] = *gap;
}

static void take_progress(void *context, uint64_t done, uint64_t all)
{
	struct told *told = context;

	if (told->progress && all > 0)
		(void)fprintf(stderr, "\rreading %3u %%", (unsigned)(100 * done / all));
}

static struct told *verify(const struct ask *ask, struct hf_err *err)
{
	struct told *told = calloc(1, sizeof *told);

	if (told == NULL) {
		(void)hf_fail(err, HF_E_NOMEM, "out of memory");
		return NULL;
	}
	told->ask = ask;
	told->progress = isatty(STDERR_FILENO) == 1;
	struct hf_verify_options options = { .disk = ask->disk,
					     .folder = ask->folder,
					     .data = ask->data,
					     .context = told,
					     .finding = take_finding,
					     .file = take_file,
					     .gap = take_gap,
					     .progress = take_progress };
	enum hf_code code = hf_verify(&options, &told->report, err);
	if (told->progress)
		(void)fprintf(stderr, "\r%-20s\r", "");
	if (code == HF_OK)
		return told;
	free(told);
	return NULL;
}

static void json_summary(struct hf_json *json, const struct told *told)
{
	const struct hf_verify_report *r = &told->report;

	hf_json_put_text(json, "path", told->ask->path);
	hf_json_put_u64(json, "files", r->files);
	hf_json_put_u64(json, "lines", r->lines);
	hf_json_put_u64(json, "bytes", r->bytes);
	hf_json_put_u64(json, "first_seq", r->first_seq);
	hf_json_put_u64(json, "last_seq", r->last_seq);
	hf_json_put_u64(json, "lines_void", r->lines_void);
	hf_json_put_u64(json, "gaps", r->gaps);
	hf_json_put_u64(json, "numbers_missing", r->numbers_missing);
	if (r->cursor_known) {
		hf_json_put_u64(json, "acked_through", r->acked_through);
		hf_json_put_u64(json, "pending", r->pending);
	} else {
		hf_json_put_null(json, "acked_through");
		hf_json_put_null(json, "pending");
	}
}

static int json_print(struct hf_json *json)
{
	struct hf_err err = { 0 };

	if (hf_json_end(json, &err) != HF_OK)
		return fail(&err);
	(void)puts(json->data);
	return HF_EXIT_OK;
}

static void json_findings(struct hf_json *json, const struct told *told)
{
	hf_json_key(json, "found");
	hf_json_object_open(json);
	for (enum hf_finding_kind kind = 0; kind < HF_FINDING_COUNT; kind++)
		hf_json_put_u64(json, hf_finding_name(kind), told->report.found[kind]);
	hf_json_object_close(json);
	hf_json_key(json, "findings");
	hf_json_array_open(json);
	for (size_t i = 0; i < told->finding_count; i++) {
		const struct hf_finding *finding = &told->findings[i];

		hf_json_object_open(json);
		hf_json_put_text(json, "kind", hf_finding_name(finding->kind));
		hf_json_put_bool(json, "problem", hf_finding_is_problem(finding->kind));
		hf_json_put_text(json, "file", finding->file[0] != '\0' ? finding->file : NULL);
		hf_json_put_u64(json, "offset", finding->offset);
		if (finding->local_seq != 0)
			hf_json_put_u64(json, "local_seq", finding->local_seq);
		else
			hf_json_put_null(json, "local_seq");
		hf_json_put_text(json, "text", finding->text);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void print_findings(const struct told *told)
{
	const char *red = hf_cli_colour(stdout) ? "\033[31m" : "";
	const char *plain = *red != '\0' ? "\033[0m" : "";
	uint64_t all = 0;

	for (size_t i = 0; i < told->finding_count; i++) {
		const struct hf_finding *finding = &told->findings[i];
		bool problem = hf_finding_is_problem(finding->kind);

		(void)printf("%s%s%s  %s", problem ? red : "", problem ? "problem" : "remark ",
			     problem ? plain : "", hf_finding_name(finding->kind));
		if (finding->file[0] != '\0')
			(void)printf("  %s byte %llu", finding->file,
				     (unsigned long long)finding->offset);
		if (finding->local_seq != 0)
			(void)printf("  line %llu", (unsigned long long)finding->local_seq);
		(void)printf("\n         %s\n", finding->text);
	}
	for (enum hf_finding_kind kind = 0; kind < HF_FINDING_COUNT; kind++)
		all += told->report.found[kind];
	if (all > told->finding_count)
		(void)printf("and %llu more\n", (unsigned long long)(all - told->finding_count));
}

static void print_summary(const struct told *told)
{
	const struct hf_verify_report *r = &told->report;

	(void)printf("%llu lines in %llu files, %.1f MB", (unsigned long long)r->lines,
		     (unsigned long long)r->files, (double)r->bytes / 1e6);
	if (r->lines > 0)
		(void)printf(", numbers %llu to %llu", (unsigned long long)r->first_seq,
			     (unsigned long long)r->last_seq);
	if (r->gaps > 0)
		(void)printf(", %llu of them passed over", (unsigned long long)r->numbers_missing);
	if (r->cursor_known)
		(void)printf("; the hub has acknowledged %llu, %llu wait",
			     (unsigned long long)r->acked_through, (unsigned long long)r->pending);
	(void)putchar('\n');
}

static int run_verify(const struct ask *ask)
{
	struct hf_err err = { 0 };
	HF_AUTO_FREE struct told *told = verify(ask, &err);

	if (told == NULL)
		return fail(&err);
	uint64_t problems = told->report.problems;
	if (ask->json) {
		HF_AUTO_FREE char *text = malloc(JSON_BYTES);

		if (text == NULL)
			return HF_EXIT_FAILED;
		struct hf_json json = hf_json_begin(text, JSON_BYTES);
		hf_json_object_open(&json);
		hf_json_put_bool(&json, "ok", problems == 0);
		hf_json_put_u64(&json, "problems", problems);
		json_summary(&json, told);
		json_findings(&json, told);
		hf_json_object_close(&json);
		if (json_print(&json) != HF_EXIT_OK)
			return HF_EXIT_FAILED;
	} else {
		print_findings(told);
		print_summary(told);
		if (problems == 0)
			(void)puts("ok: every line is whole, in order and chained to the one "
				   "before");
		else
			(void)printf("%llu problem%s found; nothing was changed\n",
				     (unsigned long long)problems, problems == 1 ? "" : "s");
	}
	return problems == 0 ? HF_EXIT_OK : HF_EXIT_FAILED;
}

static int stat_json(const struct told *told)
{
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, JSON_BYTES);
	hf_json_object_open(&json);
	json_summary(&json, told);
	hf_json_key(&json, "days");
	hf_json_array_open(&json);
	for (size_t i = 0; i < told->file_count; i++) {
		const struct hf_verified_file *file = &told->files[i];

		hf_json_object_open(&json);
		hf_json_put_text(&json, "file", file->file.name);
		hf_json_put_u64(&json, "first_seq", file->file.first_seq);
		hf_json_put_u64(&json, "last_seq", file->last_seq);
		hf_json_put_u64(&json, "lines", file->lines);
		hf_json_put_u64(&json, "bytes", file->file.size_bytes);
		hf_json_put_u64(&json, "lines_bad", file->lines_bad);
		hf_json_put_u64(&json, "lines_void", file->lines_void);
		hf_json_object_close(&json);
	}
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	return json_print(&json);
}

static int run_stat(const struct ask *ask)
{
	struct hf_err err = { 0 };
	HF_AUTO_FREE struct told *told = verify(ask, &err);

	if (told == NULL)
		return fail(&err);
	if (ask->json)
		return stat_json(told);
	(void)printf("%-24s %12s %12s %9s %12s %8s\n", "file", "first", "last", "lines", "bytes",
		     "damaged");
	for (size_t i = 0; i < told->file_count; i++) {
		const struct hf_verified_file *file = &told->files[i];

		(void)printf("%-24s %12llu %12llu %9llu %12llu %8llu\n", file->file.name,
			     (unsigned long long)file->file.first_seq,
			     (unsigned long long)file->last_seq, (unsigned long long)file->lines,
			     (unsigned long long)file->file.size_bytes,
			     (unsigned long long)file->lines_bad);
	}
	print_summary(told);
	return HF_EXIT_OK;
}

static int run_gaps(const struct ask *ask)
{
	struct hf_err err = { 0 };
	HF_AUTO_FREE struct told *told = verify(ask, &err);
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);

	if (told == NULL)
		return fail(&err);
	if (text == NULL)
		return HF_EXIT_FAILED;
	uint64_t unexplained = told->report.found[HF_FINDING_NUMBERS_GONE];
	struct hf_json json = hf_json_begin(text, JSON_BYTES);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "gaps", told->report.gaps);
	hf_json_put_u64(&json, "unexplained", unexplained);
	hf_json_key(&json, "list");
	hf_json_array_open(&json);
	for (size_t i = 0; i < told->gap_count; i++) {
		const struct hf_verified_gap *gap = &told->gaps[i];

		hf_json_object_open(&json);
		hf_json_put_u64(&json, "from", gap->from);
		hf_json_put_u64(&json, "through", gap->through);
		hf_json_put_text(&json, "reason", gap->reason[0] != '\0' ? gap->reason : NULL);
		hf_json_object_close(&json);
		if (!ask->json)
			(void)printf("%llu to %llu  %s\n", (unsigned long long)gap->from,
				     (unsigned long long)gap->through,
				     gap->reason[0] != '\0' ? gap->reason : "NOTHING SAYS WHY");
	}
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	if (ask->json && json_print(&json) != HF_EXIT_OK)
		return HF_EXIT_FAILED;
	if (!ask->json && told->report.gaps == 0)
		(void)puts("no number is missing");
	return unexplained == 0 ? HF_EXIT_OK : HF_EXIT_FAILED;
}

/* The number behind which the last `lines` lines begin: walk once, remember as many. */
static enum hf_code find_start(const struct ask *ask, uint64_t *ret_after, struct hf_err *err)
{
	struct hf_reader_options options = { .disk = ask->disk, .folder = ask->folder };
	struct hf_reader *reader;
	struct hf_files files;
	struct hf_line line;
	uint64_t kept = ask->lines + 1, count = 0;
	enum hf_code code = hf_files_list(ask->disk, ask->folder, &files, err);

	if (code != HF_OK)
		return code;
	/* Whole files that cannot matter are left out: numbers run at most one a line. */
	for (size_t i = 0; i < files.count; i++)
		if (files.list[files.count - 1].first_seq > files.list[i].first_seq + kept)
			options.after_seq = files.list[i].first_seq;
	hf_files_free(&files);
	HF_AUTO_FREE uint64_t *ring = calloc((size_t)kept, sizeof *ring);
	if (ring == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory for %llu lines",
			       (unsigned long long)ask->lines);
	for (;;) {
		count = 0;
		code = hf_reader_open(&options, &reader, err);
		while (code == HF_OK) {
			code = hf_reader_next(reader, &line, NULL, NULL, err);
			if (code == HF_OK)
				ring[count++ % kept] = line.local_seq;
		}
		hf_reader_close(reader);
		if (code != HF_E_AGAIN)
			return code;
		if (count >= kept || options.after_seq == 0)
			break;
		/* Gaps made that too short. */
		options.after_seq = 0;
	}
	*ret_after = count >= kept ? ring[count % kept] : 0;
	return HF_OK;
}

static int run_tail(const struct ask *ask)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	struct hf_reader_options options = { .disk = ask->disk, .folder = ask->folder };
	struct hf_err err = { 0 };
	struct hf_reader *reader;
	struct hf_line line;
	enum hf_code code = find_start(ask, &options.after_seq, &err);

	if (code == HF_OK)
		code = hf_reader_open(&options, &reader, &err);
	if (code != HF_OK)
		return fail(&err);
	for (;;) {
		code = hf_reader_next(reader, &line, NULL, NULL, &err);
		if (code == HF_OK) {
			if (fwrite(line.data, 1, line.size_bytes, stdout) == line.size_bytes)
				continue;
			code = hf_fail_errno(&err, "write to standard output");
			break;
		}
		if (code == HF_E_AGAIN && fflush(stdout) != 0)
			code = hf_fail_errno(&err, "write to standard output");
		if (code != HF_E_AGAIN || !ask->follow)
			break;
		(void)nanosleep(&pause, NULL);
	}
	hf_reader_close(reader);
	return code == HF_E_AGAIN ? HF_EXIT_OK : fail(&err);
}

static bool is_day_file(void *context, const struct hf_disk_entry *entry)
{
	bool *found = context;

	*found = *found || (!entry->folder && hf_file_name_is(entry->name));
	return !*found;
}

static bool is_any(void *context, const struct hf_disk_entry *entry)
{
	(void)context;
	(void)entry;
	return false;
}

/* DIR is a data folder when it has an outbox/ in it, else an outbox when it has day files. */
static enum hf_code open_folder(struct ask *ask, struct hf_err *err)
{
	bool found = false;
	struct hf_disk_lister any = { .entry = is_any };
	struct hf_disk_lister day = { .entry = is_day_file, .context = &found };
	struct hf_err ignored;
	enum hf_code code = hf_disk_real_open(ask->path, &ask->disk, err);

	if (code != HF_OK)
		return code;
	if (hf_disk_list(ask->disk, HF_OUTBOX_FOLDER, &any, &ignored) == HF_OK) {
		ask->folder = HF_OUTBOX_FOLDER;
		ask->data = true;
		return HF_OK;
	}
	code = hf_disk_list(ask->disk, ".", &day, err);
	if (code == HF_OK && !found)
		code = hf_fail(err, HF_E_NOENT,
			       "%s is neither a data folder (with outbox/ in it) nor an outbox "
			       "folder (with YYYY-MM-DD.jsonl in it)",
			       ask->path);
	ask->folder = ".";
	return code;
}

static bool parse_lines(const char *text, uint64_t *ret_lines)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value > 1000000)
		return false;
	*ret_lines = value;
	return true;
}

static const struct {
	const char *name;
	int (*run)(const struct ask *ask);
} forms[] = {
	{ "verify", run_verify },
	{ "stat", run_stat },
	{ "gaps", run_gaps },
	{ "tail", run_tail },
};

/* The folder could not be opened: why, and what to do. */
static int explain(const struct ask *ask, const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfast: %s\n", err->text);
	if (err->code == HF_E_NOENT)
		(void)fprintf(stderr,
			      "A unit's events are under the folder that holdfastd was given with "
			      "--data; name that%s.\n",
			      strcmp(ask->path, HF_DATA_PATH) == 0 ? ", or start a unit" : "");
	else if (err->code == HF_E_DENIED)
		(void)fputs("Only the unit's own user and group may read events: try sudo.\n",
			    stderr);
	return HF_EXIT_FAILED;
}

int hf_cli_outbox(int argc, char **argv)
{
	struct hf_err err = { 0 };
	struct hf_words words;
	size_t form = 0;
	int status = hf_command_parse(hf_command_find("outbox"), argc, argv, &words);

	if (status != HF_EXIT_OK)
		return status;
	const char *lines = hf_words_value(&words, "-n");
	struct ask ask = { .path = words.argument_count > 0 ? words.arguments[0] : HF_DATA_PATH,
			   .json = hf_words_has(&words, "--json"),
			   .follow = hf_words_has(&words, "-f"),
			   .lines = TAIL_LINES };
	if (lines != NULL && !parse_lines(lines, &ask.lines))
		return hf_cli_usage("outbox", "-n wants a number from 0 to 1000000, not \"%.40s\"",
				    lines);
	while (strcmp(forms[form].name, words.form->name) != 0)
		form++;
	status = open_folder(&ask, &err) == HF_OK ? forms[form].run(&ask) : explain(&ask, &err);
	hf_disk_real_close(ask.disk);
	return status;
}
