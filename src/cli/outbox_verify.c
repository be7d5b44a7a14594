/* SPDX-License-Identifier: Apache-2.0 */
/* verify and gaps: what a look at every line finds. */
#include "base/auto.h"
#include "base/clock.h"
#include "base/random.h"
#include "cli/outbox_inner.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FINDINGS_MAX = 1000, /* told one by one; the rest is counted */
	PROGRESS_EVERY_MS = 200,
	TEXT_COLUMNS = 80,
	INDENT = 9,
	PADDING_TOLD = 100 * 1000, /* less is not worth a word */
	/* What a row may become as JSON, at most. */
	JSON_BYTES = 16 * 1024,
	JSON_FILE_BYTES = 512,
	JSON_GAP_BYTES = 256,
	JSON_FINDING_BYTES = 1024,
};

struct progress {
	bool on, shown;
	struct hf_mono begun, next;
};

struct telling {
	struct told *told;
	struct progress progress;
};

/* One more at the end of a list that doubles; NULL: no memory, which is noted. */
static void *grow(struct told *told, void **list, size_t *count, size_t size_bytes)
{
	if ((*count & (*count - 1)) == 0) {
		void *grown = realloc(*list, (*count == 0 ? 1 : 2 * *count) * size_bytes);

		if (grown == NULL) {
			told->no_memory = true;
			return NULL;
		}
		*list = grown;
	}
	return (char *)*list + (*count)++ * size_bytes;
}

static void take_finding(void *context, const struct hf_finding *finding)
{
	struct told *told = ((struct telling *)context)->told;
	void *list = told->findings;
	struct hf_finding *place =
		told->finding_count < FINDINGS_MAX
			? grow(told, &list, &told->finding_count, sizeof *finding)
			: NULL;

	told->findings = list;
	if (place != NULL)
		*place = *finding;
}

static void take_file(void *context, const struct hf_verified_file *file)
{
	struct told *told = ((struct telling *)context)->told;
	void *list = told->files;
	struct hf_verified_file *place = grow(told, &list, &told->file_count, sizeof *file);

	told->files = list;
	if (place != NULL)
		*place = *file;
}

static void take_gap(void *context, const struct hf_verified_gap *gap)
{
	struct told *told = ((struct telling *)context)->told;
	void *list = told->gaps;
	struct hf_verified_gap *place = grow(told, &list, &told->gap_count, sizeof *gap);

	told->gaps = list;
	if (place != NULL)
		*place = *gap;
}

static void take_progress(void *context, uint64_t done, uint64_t all)
{
	struct progress *progress = &((struct telling *)context)->progress;
	struct hf_mono now = hf_mono_now(hf_clock_real());

	if (!progress->on || all == 0 || hf_mono_before(now, progress->next))
		return;
	progress->next = hf_mono_add_ms(now, PROGRESS_EVERY_MS);
	progress->shown = true;
	double took_s = (double)hf_mono_diff_us(now, progress->begun) / 1e6;
	double rate = took_s > 0 ? (double)done / took_s : 0;
	(void)fprintf(stderr, "\rreading %3u %% of %.1f MB, %.0f MB/s, %.0f s left\033[K",
		      (unsigned)(100 * done / all), (double)all / 1e6, rate / 1e6,
		      rate > 0 ? (double)(all - done) / rate : 0);
}

struct told *outbox_verify(const struct ask *ask, struct hf_err *err)
{
	struct told *told = calloc(1, sizeof *told);
	struct telling telling = { .told = told,
				   .progress = { .on = isatty(STDERR_FILENO) == 1,
						 .begun = hf_mono_now(hf_clock_real()) } };

	if (told == NULL) {
		(void)hf_fail(err, HF_E_NOMEM, "out of memory");
		return NULL;
	}
	told->ask = ask;
	telling.progress.next = hf_mono_add_ms(telling.progress.begun, PROGRESS_EVERY_MS);
	struct hf_verify_options options = { .disk = ask->disk,
					     .folder = ask->folder,
					     .data = ask->data,
					     .chain = ask->chain,
					     .hub_key = ask->has_key ? ask->hub_key : NULL,
					     .context = &telling,
					     .finding = take_finding,
					     .file = take_file,
					     .gap = take_gap,
					     .progress = take_progress };
	enum hf_code code = hf_verify(&options, &told->report, err);
	if (telling.progress.shown)
		(void)fputs("\r\033[K", stderr);
	if (code == HF_OK && told->no_memory)
		code = hf_fail(err, HF_E_NOMEM, "out of memory");
	if (code == HF_OK)
		return told;
	outbox_told_free(told);
	return NULL;
}

void outbox_told_free(struct told *told)
{
	if (told == NULL)
		return;
	free(told->findings);
	free(told->files);
	free(told->gaps);
	free(told);
}

static const char *commit_name(const struct hf_file *file)
{
	return !file->has_header ? "-" : file->by_ring ? "ring" : "file";
}

/* ---- JSON ---- */

static void json_cursors(struct hf_json *json, const struct hf_verify_report *r)
{
	const struct hf_verified_cursor *hub = NULL;

	hf_json_key(json, "channels");
	hf_json_array_open(json);
	for (size_t i = 0; i < r->cursor_count; i++) {
		const struct hf_verified_cursor *cursor = &r->cursors[i];

		if (strcmp(cursor->cursor.channel, HF_CHANNEL_HUB) == 0)
			hub = cursor;
		hf_json_object_open(json);
		hf_json_put_text(json, "channel", cursor->cursor.channel);
		hf_json_put_u64(json, "acked_through", cursor->cursor.acked_through);
		hf_json_put_u64(json, "pending", cursor->pending);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
	if (hub != NULL) {
		hf_json_put_u64(json, "acked_through", hub->cursor.acked_through);
		hf_json_put_u64(json, "pending", hub->pending);
	} else {
		hf_json_put_null(json, "acked_through");
		hf_json_put_null(json, "pending");
	}
}

static void json_summary(struct hf_json *json, const struct told *told)
{
	const struct hf_verify_report *r = &told->report;

	hf_json_put_text(json, "path", told->ask->path);
	hf_json_put_u64(json, "files", r->files);
	hf_json_put_u64(json, "lines", r->lines);
	hf_json_put_u64(json, "bytes", r->bytes);
	hf_json_put_u64(json, "bytes_padding", r->bytes_padding);
	hf_json_put_u64(json, "first_seq", r->first_seq);
	hf_json_put_u64(json, "last_seq", r->last_seq);
	hf_json_put_u64(json, "lines_void", r->lines_void);
	hf_json_put_u64(json, "gaps", r->gaps);
	hf_json_put_u64(json, "numbers_missing", r->numbers_missing);
	hf_json_key(json, "ring");
	if (r->ring_here) {
		hf_json_object_open(json);
		hf_json_put_u64(json, "bytes", r->ring_bytes);
		hf_json_put_u64(json, "lines", r->ring_lines);
		hf_json_put_u64(json, "lines_only_there", r->ring_only);
		outbox_json_seq(json, "first_only_there", r->ring_only_first);
		outbox_json_seq(json, "last_only_there", r->ring_only_last);
		hf_json_object_close(json);
	} else {
		hf_json_null(json);
	}
	json_cursors(json, r);
}

static void json_chain(struct hf_json *json, const struct told *told)
{
	const struct hf_verified_chain *chain = &told->report.chain;
	char key[2 * HF_RECEIPT_KEY_BYTES + 1];

	hf_hex(chain->key, sizeof chain->key, key);
	hf_json_key(json, "chain");
	hf_json_object_open(json);
	hf_json_put_text(json, "hub_key", chain->key_known ? key : NULL);
	hf_json_put_u64(json, "receipts", chain->receipts);
	hf_json_put_u64(json, "receipts_foreign", chain->receipts_foreign);
	hf_json_put_u64(json, "receipts_unread", chain->receipts_unread);
	outbox_json_seq(json, "proven_through", chain->proven_through);
	hf_json_put_text(json, "proven_at", chain->proven_through != 0 ? chain->proven_at : NULL);
	outbox_json_seq(json, "except_from", chain->except_from);
	outbox_json_seq(json, "except_through", chain->except_through);
	outbox_json_seq(json, "altered_from", chain->altered_from);
	outbox_json_seq(json, "altered_through", chain->altered_through);
	hf_json_put_text(json, "altered_why",
			 chain->altered_through != 0 ? chain->altered_why : NULL);
	hf_json_object_close(json);
}

static void json_files(struct hf_json *json, const struct told *told)
{
	hf_json_key(json, "days");
	hf_json_array_open(json);
	for (size_t i = 0; i < told->file_count; i++) {
		const struct hf_verified_file *file = &told->files[i];

		hf_json_object_open(json);
		hf_json_put_text(json, "file", file->file.name);
		hf_json_put_u64(json, "first_seq", file->file.first_seq);
		hf_json_put_u64(json, "last_seq", file->last_seq);
		hf_json_put_u64(json, "lines", file->lines);
		hf_json_put_u64(json, "bytes", file->file.size_bytes);
		hf_json_put_u64(json, "bytes_padding", file->bytes_padding);
		hf_json_put_u64(json, "lines_bad", file->lines_bad);
		hf_json_put_u64(json, "lines_void", file->lines_void);
		hf_json_put_u64(json, "lines_only_in_ring", file->lines_ring);
		hf_json_put_u64(json, "carried", file->file.carried);
		hf_json_put_text(json, "commit", commit_name(&file->file));
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
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
		outbox_json_seq(json, "local_seq", finding->local_seq);
		hf_json_put_text(json, "text", finding->text);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static int print_json(const struct told *told)
{
	size_t size = JSON_BYTES + told->file_count * JSON_FILE_BYTES +
		      told->finding_count * JSON_FINDING_BYTES + strlen(told->ask->path) * 6;
	HF_AUTO_FREE char *text = malloc(size);

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, size);
	hf_json_object_open(&json);
	hf_json_put_bool(&json, "ok", told->report.problems == 0);
	hf_json_put_u64(&json, "problems", told->report.problems);
	json_summary(&json, told);
	if (told->ask->chain)
		json_chain(&json, told);
	json_files(&json, told);
	json_findings(&json, told);
	hf_json_object_close(&json);
	return outbox_json_print(&json);
}

/* ---- for people ---- */

static void print_files(const struct told *told)
{
	if (told->file_count == 0)
		return;
	(void)printf("%-22s %9s %9s %9s %11s %4s %4s %s\n", "file", "first", "last", "lines",
		     "bytes", "bad", "void", "mode");
	for (size_t i = 0; i < told->file_count; i++) {
		const struct hf_verified_file *file = &told->files[i];

		(void)printf("%-22s %9llu %9llu %9llu %11llu %4llu %4llu %s\n", file->file.name,
			     (unsigned long long)file->file.first_seq,
			     (unsigned long long)file->last_seq, (unsigned long long)file->lines,
			     (unsigned long long)file->file.size_bytes,
			     (unsigned long long)file->lines_bad,
			     (unsigned long long)file->lines_void, commit_name(&file->file));
	}
	(void)putchar('\n');
}

/* Broken at blanks, each line indented. */
static void print_wrapped(const char *text)
{
	while (*text != '\0') {
		size_t size = strlen(text);

		if (size > TEXT_COLUMNS - INDENT) {
			size = TEXT_COLUMNS - INDENT;
			while (size > 0 && text[size] != ' ')
				size--;
			/* A word as long as that: cut it. */
			size = size == 0 ? TEXT_COLUMNS - INDENT : size;
		}
		(void)printf("%*s%.*s\n", INDENT, "", (int)size, text);
		text += size;
		text += strspn(text, " ");
	}
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
		(void)putchar('\n');
		print_wrapped(finding->text);
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
	if (r->bytes_padding >= PADDING_TOLD)
		(void)printf(" (%.1f MB of it padding)", (double)r->bytes_padding / 1e6);
	if (r->lines > 0)
		(void)printf(", numbers %llu to %llu", (unsigned long long)r->first_seq,
			     (unsigned long long)r->last_seq);
	if (r->gaps > 0)
		(void)printf(", %llu of them passed over", (unsigned long long)r->numbers_missing);
	(void)putchar('\n');
	for (size_t i = 0; i < r->cursor_count; i++)
		(void)printf("%s has acknowledged %llu, %llu wait\n", r->cursors[i].cursor.channel,
			     (unsigned long long)r->cursors[i].cursor.acked_through,
			     (unsigned long long)r->cursors[i].pending);
}

static void print_no_receipts(const struct told *told)
{
	const struct hf_verified_chain *chain = &told->report.chain;

	if (!told->ask->data)
		(void)puts("countersigned: unknown. The hub's receipts are in identity/receipts of "
			   "the data\n  folder, of which this is only the outbox: copy all of it");
	else if (chain->receipts_foreign > 0 && !chain->key_known)
		(void)printf("countersigned: unknown. %llu receipts are here, but not the hub's "
			     "key:\n  give it with --hub-key\n",
			     (unsigned long long)chain->receipts_foreign);
	else if (chain->receipts_foreign > 0)
		(void)printf("countersigned: nothing by this key. %llu receipts are of another, "
			     "or not genuine\n",
			     (unsigned long long)chain->receipts_foreign);
	else
		(void)puts("countersigned: nothing. The hub has given no receipt (no hub, or one "
			   "that does not\n  sign): the lines are only chained among themselves");
}

static void print_chain(const struct told *told)
{
	const struct hf_verify_report *r = &told->report;
	const struct hf_verified_chain *chain = &r->chain;
	unsigned long long through = chain->proven_through, from = chain->altered_from;
	char key[2 * HF_RECEIPT_KEY_BYTES + 1];

	hf_hex(chain->key, sizeof chain->key, key);
	if (chain->receipts == 0)
		print_no_receipts(told);
	if (through != 0) {
		(void)printf("countersigned: up to line %llu, at %s, by the hub's key\n  %s\n",
			     through, chain->proven_at, key);
		/* Who can write here can put another key here, too. */
		if (!told->ask->has_key)
			(void)puts("  (the one pinned here: compare it with the hub's own, or give "
				   "that with --hub-key)");
		(void)printf("  up to it nothing was altered or taken out");
		if (chain->altered_through == 0 && through < r->last_seq)
			(void)printf(
				";\n  lines %llu to %llu are chained among themselves, no more",
				through + 1, (unsigned long long)r->last_seq);
		(void)putchar('\n');
	}
	if (chain->except_from != 0)
		(void)printf(
			"  but for lines %llu to %llu: no signature came before the chain began "
			"anew\n  behind them (another epoch, or a gap)\n",
			(unsigned long long)chain->except_from,
			(unsigned long long)chain->except_through);
	if (chain->altered_through == 0)
		return;
	(void)puts("altered or taken out:");
	print_wrapped(chain->altered_why);
	if (from == chain->altered_through)
		(void)printf("  the first line it concerns is %llu\n", from);
	else
		(void)printf("  the first line it concerns is one of %llu to %llu\n", from,
			     (unsigned long long)chain->altered_through);
}

static int print_report(const struct told *told)
{
	uint64_t problems = told->report.problems;

	print_files(told);
	print_findings(told);
	print_summary(told);
	if (told->ask->chain)
		print_chain(told);
	if (told->report.lines == 0 && problems == 0)
		(void)puts("ok: there is no line yet");
	else if (problems == 0)
		(void)puts("ok: every line is whole, in order and chained to the one before");
	else
		(void)printf("%llu problem%s found; nothing was changed\n",
			     (unsigned long long)problems, problems == 1 ? "" : "s");
	return fflush(stdout) == 0 ? HF_EXIT_OK : HF_EXIT_FAILED;
}

int outbox_run_verify(const struct ask *ask)
{
	struct hf_err err = { 0 };
	struct told *told = outbox_verify(ask, &err);

	if (told == NULL)
		return outbox_fail(&err);
	int status = ask->json ? print_json(told) : print_report(told);
	if (status == HF_EXIT_OK && told->report.problems > 0)
		status = HF_EXIT_FAILED;
	else if (status == HF_EXIT_OK && ask->chain && told->report.chain.proven_through == 0)
		status = HF_EXIT_PARTIAL;
	outbox_told_free(told);
	return status;
}

/* ---- gaps ---- */

static int print_gaps_json(const struct told *told)
{
	size_t size = JSON_BYTES + told->gap_count * JSON_GAP_BYTES;
	HF_AUTO_FREE char *text = malloc(size);

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, size);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "gaps", told->report.gaps);
	hf_json_put_u64(&json, "unexplained", told->report.found[HF_FINDING_NUMBERS_GONE]);
	hf_json_key(&json, "list");
	hf_json_array_open(&json);
	for (size_t i = 0; i < told->gap_count; i++) {
		const struct hf_verified_gap *gap = &told->gaps[i];

		hf_json_object_open(&json);
		hf_json_put_u64(&json, "from", gap->from);
		hf_json_put_u64(&json, "through", gap->through);
		hf_json_put_text(&json, "reason", gap->reason[0] != '\0' ? gap->reason : NULL);
		outbox_json_seq(&json, "event_seq", gap->event_seq);
		hf_json_object_close(&json);
	}
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	return outbox_json_print(&json);
}

static int print_gaps(const struct told *told)
{
	for (size_t i = 0; i < told->gap_count; i++) {
		const struct hf_verified_gap *gap = &told->gaps[i];

		(void)printf("%llu to %llu  ", (unsigned long long)gap->from,
			     (unsigned long long)gap->through);
		if (gap->event_seq != 0)
			(void)printf("%s, says event %llu\n", gap->reason,
				     (unsigned long long)gap->event_seq);
		else
			(void)puts("NOTHING SAYS WHY");
	}
	if (told->report.gaps == 0)
		(void)puts("no number is missing");
	return fflush(stdout) == 0 ? HF_EXIT_OK : HF_EXIT_FAILED;
}

int outbox_run_gaps(const struct ask *ask)
{
	struct hf_err err = { 0 };
	struct told *told = outbox_verify(ask, &err);

	if (told == NULL)
		return outbox_fail(&err);
	int status = ask->json ? print_gaps_json(told) : print_gaps(told);
	if (status == HF_EXIT_OK && told->report.found[HF_FINDING_NUMBERS_GONE] > 0)
		status = HF_EXIT_FAILED;
	outbox_told_free(told);
	return status;
}
