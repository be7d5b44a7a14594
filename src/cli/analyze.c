/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast analyze - what a unit with this configuration would have raised on this clip.
 *
 * Method: the unit's own ingest, infer and respond, in lockstep (cli/borrow.h, cli/responder.h).
 * This process stands between them and plays what is missing: it tells respond of one frame after
 * another, and numbers what it offers as keeper would (cli/ledger.h). Nothing of it depends on
 * the speed of this machine: the same clip gives the same lines.
 */
#include "base/auto.h"
#include "base/file.h"
#include "boot/config.h"
#include "build_id.h"
#include "cli/borrow.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/film.h"
#include "cli/findings.h"
#include "cli/ledger.h"
#include "cli/progress.h"
#include "cli/responder.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

enum {
	DEADLINE_MS = 60000, /* of one inference: a slow machine is not an error here */
};

struct analyze {
	const char *config_path, *source_id, *clip, *draw, *thumbs;
	bool json;
	bool colour;
	struct hf_config config;
	struct hf_config_report report;
	uint32_t source;
	int signal_fd;
	int signal; /* that asked for the end; 0: none */
	struct hf_borrow *borrow;
	struct hf_responder *responder;
	struct hf_film *film; /* NULL: not wanted, or failed */
	bool draw_failed;
	struct hf_ledger ledger;
	struct hf_findings findings;
	struct hf_progress progress;
	struct hf_tick tick; /* the newest */
	struct hf_mono clip_start;
	double length_s; /* 0: not known (yet) */
	uint64_t decode_errors;
	bool head_printed;
	char line[HF_LINE_BYTES_MAX];
};

/* The configuration */

static enum hf_code find_source(struct analyze *an, struct hf_err *err)
{
	const struct hf_config *config = &an->config;

	if (an->source_id == NULL && config->source_count > 1)
		return hf_fail(err, HF_E_INVALID,
			       "%s has %u sources: say with --source which of them the clip stands "
			       "for (%s, %s%s)",
			       an->config_path, config->source_count, config->sources[0].id,
			       config->sources[1].id, config->source_count > 2 ? ", ..." : "");
	for (uint32_t i = 0; i < config->source_count; i++)
		if (an->source_id == NULL || strcmp(config->sources[i].id, an->source_id) == 0) {
			an->source = i;
			return HF_OK;
		}
	return hf_fail(err, HF_E_INVALID, "%s has no source %s", an->config_path,
		       an->source_id != NULL ? an->source_id : "");
}

/* What a live source could do that a file cannot is gone with it. */
static enum hf_code put_clip(struct analyze *an, struct hf_err *err)
{
	struct hf_config_source *source = &an->config.sources[an->source];

	if (strlen(an->clip) >= sizeof source->url)
		return hf_fail(err, HF_E_LIMIT, "path longer than %zu bytes: %.80s...",
			       sizeof source->url - 1, an->clip);
	(void)snprintf(source->url, sizeof source->url, "%s", an->clip);
	source->type = HF_SOURCE_FILE;
	source->loop = false;
	an->config.infer_deadline_ms = DEADLINE_MS;
	return HF_OK;
}

/* Where sources are matters to a unit. Here the clip stands for one of them, and no other is
 * read. */
static void forget_warnings_of_urls(struct hf_config_report *report)
{
	const struct hf_config_row *row = hf_config_row_find(HF_CONFIG_SOURCES, "url");
	uint32_t kept = 0;

	for (uint32_t i = 0; i < report->found.message_count; i++) {
		const struct hf_message *message = &report->found.messages[i];
		bool of_url = false;

		for (uint32_t k = 0; k < HF_SOURCES_MAX; k++) {
			const struct hf_place *place =
				hf_config_place(report, HF_CONFIG_SOURCES, k, row);

			of_url |= place->line > 0 && place->line == message->place.line &&
				  place->column == message->place.column;
		}
		if (message->warning && of_url)
			report->found.warnings--;
		else
			report->found.messages[kept++] = *message;
	}
	report->found.message_count = kept;
}

static enum hf_code load(struct analyze *an, struct hf_err *err)
{
	enum hf_code code = hf_config_load(an->config_path, &an->config, &an->report, err);

	forget_warnings_of_urls(&an->report);
	hf_report_print(&an->report.found, stderr);
	if (code != HF_OK && an->report.found.errors > 0)
		return hf_fail(err, code, "%s is not a usable configuration: see above",
			       an->config_path);
	if (code == HF_OK)
		code = find_source(an, err);
	if (code == HF_OK)
		code = put_clip(an, err);
	return code;
}

/* The movie */

/* Events matter more: without the movie the rest goes on. */
static enum hf_code judge_film(struct analyze *an, enum hf_code code, struct hf_err *err)
{
	if (code == HF_OK || code == HF_E_AGAIN)
		return code;
	hf_progress_hide(&an->progress);
	(void)fprintf(stderr, "holdfast: %s; the events go on without it\n", err->text);
	hf_film_close(an->film);
	an->film = NULL;
	an->draw_failed = true;
	return HF_OK;
}

/* Events */

/* Each line at once: who reads along need not wait for the end. */
static enum hf_code tell(struct analyze *an, const struct hf_line *line, struct hf_err *err)
{
	hf_findings_event(&an->findings, line->data, line->size_bytes);
	hf_progress_hide(&an->progress);
	if (an->json) {
		(void)fwrite(line->data, 1, line->size_bytes, stdout);
	} else {
		if (!an->head_printed)
			hf_findings_print_head(&an->findings, stdout, an->colour);
		an->head_printed = true;
		hf_findings_print_event(&an->findings, line->data, line->size_bytes, stdout,
					an->colour);
	}
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return hf_fail_errno(err, "write to standard output");
	if (an->film == NULL)
		return HF_OK;
	return judge_film(an, hf_film_event(an->film, line->data, line->size_bytes, err), err);
}

static enum hf_code on_offer(void *context, const struct hf_offer *offer, uint64_t *ret_local_seq,
			     struct hf_err *err)
{
	struct analyze *an = context;
	struct hf_line line;
	enum hf_code code = hf_ledger_offer(&an->ledger, offer, an->line, &line, err);

	if (code != HF_OK)
		return code;
	*ret_local_seq = line.local_seq;
	return tell(an, &line, err);
}

/* About the file and the programs, not about what it shows: a unit on the live picture would have
 * had nothing to say here. */
static bool is_of_the_run(const struct hf_note *note)
{
	return strncmp(note->event_class, "source_", 7) == 0 ||
	       strncmp(note->event_class, "model_", 6) == 0;
}

static void keep_decode_errors(struct analyze *an, const struct hf_note *note)
{
	json_t *attrs = json_loads(note->attrs, 0, NULL);
	json_int_t errors = json_integer_value(json_object_get(attrs, "decode_errors"));

	an->decode_errors = errors > 0 ? (uint64_t)errors : 0;
	json_decref(attrs);
}

static enum hf_code on_note(void *context, const struct hf_note *note, struct hf_err *err)
{
	struct analyze *an = context;
	struct hf_line line;

	if (is_of_the_run(note)) {
		keep_decode_errors(an, note);
		return HF_OK;
	}
	enum hf_code code = hf_ledger_note(&an->ledger, note, &an->tick, an->line, &line, err);
	return code == HF_OK ? tell(an, &line, err) : code;
}

/* What the workers say */

static enum hf_code on_ring(void *context, uint64_t ring_id, int ring_fd, struct hf_err *err)
{
	struct analyze *an = context;

	return hf_responder_ring(an->responder, ring_id, ring_fd, err);
}

static enum hf_code on_tick(void *context, const struct hf_tick *tick, struct hf_err *err)
{
	struct analyze *an = context;
	const char *slash = strrchr(an->clip, '/');

	if (an->clip_start.us == 0)
		an->clip_start = tick->captured_mono;
	an->tick = *tick;
	hf_findings_tick(&an->findings, tick);
	hf_progress_show(&an->progress, slash != NULL ? slash + 1 : an->clip,
			 (double)hf_mono_diff_us(tick->captured_mono, an->clip_start) / 1e6,
			 an->length_s);
	/* First, so that its events are drawn onto it. */
	if (an->film != NULL) {
		enum hf_code code = judge_film(an, hf_film_tick(an->film, tick, err), err);

		if (code != HF_OK)
			return code;
	}
	return hf_responder_tick(an->responder, tick, err);
}

static enum hf_code on_result(void *context, const struct hf_result *result,
			      const struct hf_ring *ring, struct hf_err *err)
{
	struct analyze *an = context;

	(void)ring; /* respond has it too */
	hf_findings_result(&an->findings, result);
	if (an->film != NULL) {
		enum hf_code code = judge_film(an, hf_film_result(an->film, result, err), err);

		if (code != HF_OK)
			return code;
	}
	return hf_responder_result(an->responder, result, err);
}

static void on_stats(void *context, const char *text, size_t size_bytes)
{
	struct analyze *an = context;
	json_t *stats = json_loadb(text, size_bytes, 0, NULL);
	double length_s = json_number_value(json_object_get(stats, "duration_s"));

	if (length_s > 0)
		an->length_s = length_s;
	json_decref(stats);
}

static bool interrupted(void *context)
{
	struct analyze *an = context;
	struct signalfd_siginfo info;

	if (an->signal == 0 && read(an->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		an->signal = (int)info.ssi_signo;
	return an->signal != 0;
}

/* The run */

static enum hf_code open_all(struct analyze *an, struct hf_err *err)
{
	const struct hf_borrow_options borrow = {
		.lockstep = HF_LOCKSTEP_AS_LIVE,
		.infer_count = (uint32_t)an->config.infer_workers,
	};
	struct hf_responder_options responder = {
		.config = &an->config,
		.source = an->source,
		.ops = { .context = an,
			 .on_offer = on_offer,
			 .on_note = on_note,
			 .interrupted = interrupted },
	};
	enum hf_code code = HF_OK;

	an->ledger = hf_ledger_begin(HF_BUILD_ID);
	an->findings = (struct hf_findings){ .config = &an->config, .source = an->source };
	an->progress = hf_progress_begin();
	if (an->thumbs != NULL) {
		if (strlen(an->thumbs) >= sizeof responder.hello.data_path)
			return hf_fail(err, HF_E_LIMIT, "--thumbs: the path is too long");
		(void)snprintf(responder.hello.data_path, sizeof responder.hello.data_path, "%s",
			       an->thumbs);
		code = hf_folder_make(an->thumbs, 0755, err);
	}
	if (code == HF_OK)
		code = hf_borrow_open(&borrow, &an->borrow, err);
	if (code != HF_OK)
		return code;
	const struct hf_film_options film = { .tree = hf_borrow_tree(an->borrow),
					      .config = &an->config,
					      .source = an->source,
					      .path = an->draw,
					      .context = an,
					      .interrupted = interrupted };
	if (an->draw != NULL) {
		code = hf_film_open(&film, &an->film, err);
		if (code != HF_OK)
			return code;
	}
	responder.tree = hf_borrow_tree(an->borrow);
	hf_ledger_hello(&an->ledger, &responder.hello);
	return hf_responder_open(&responder, &an->responder, err);
}

static enum hf_code run(struct analyze *an, struct hf_err *err)
{
	const struct hf_borrow_ops ops = { .context = an,
					   .on_ring = on_ring,
					   .on_note = on_note,
					   .on_tick = on_tick,
					   .on_result = on_result,
					   .on_stats = on_stats,
					   .interrupted = interrupted };
	enum hf_code code = open_all(an, err);

	if (code == HF_OK)
		code = hf_borrow_run(an->borrow, &an->config, an->source, &ops, err);
	if (code == HF_OK && an->film != NULL)
		code = judge_film(an, hf_film_finish(an->film, err), err);
	hf_progress_hide(&an->progress);
	hf_film_close(an->film);
	hf_responder_close(an->responder);
	hf_borrow_close(an->borrow);
	return code;
}

static void print_end(const struct analyze *an)
{
	const struct hf_findings *findings = &an->findings;
	double clip_s = (double)hf_mono_diff_us(an->tick.captured_mono, an->clip_start) / 1e6;
	struct hf_mono now = hf_mono_now(hf_clock_real());
	double took_s = (double)hf_mono_diff_us(now, an->progress.started) / 1e6;
	uint64_t looks = 0;

	if (!an->json)
		hf_findings_print_sum(findings, stdout, an->colour);
	for (uint32_t i = 0; i < an->config.camera_count; i++)
		looks += findings->looks[i];
	(void)fflush(stdout);
	hf_findings_print_doubts(findings, stderr);
	if (an->decode_errors > 0)
		(void)fprintf(stderr,
			      "holdfast: %s: some pictures could not be decoded, or it is cut "
			      "short; the others were watched (errors: %" PRIu64 ")\n",
			      an->clip, an->decode_errors);
	(void)fprintf(stderr,
		      "%" PRIu64 " event%s in %.1f s of video (%" PRIu64 " frames, %" PRIu64
		      " looks); took %.1f s\n",
		      findings->events, findings->events == 1 ? "" : "s", clip_s, findings->frames,
		      looks, took_s);
}

/* Ctrl-C and its like are read when there is a moment for it, so that nothing is left behind. */
static enum hf_code watch_signals(struct analyze *an, struct hf_err *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return hf_fail_errno(err, "block signals");
	(void)signal(SIGPIPE, SIG_IGN); /* an error of the write that caused it */
	an->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return an->signal_fd >= 0 ? HF_OK : hf_fail_errno(err, "watch for signals");
}

/* Whoever started us is to see that it was a signal. */
static void die_of(int signal_number)
{
	sigset_t set;

	(void)fflush(stdout);
	(void)signal(signal_number, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal_number);
	(void)raise(signal_number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int analyze(struct analyze *an)
{
	struct hf_err err = { 0 };
	enum hf_code code = load(an, &err);

	an->colour = hf_cli_colour(stdout);
	if (code == HF_OK && an->draw != NULL)
		code = hf_film_check(an->draw, an->clip, &err);
	if (code == HF_OK)
		code = watch_signals(an, &err);
	if (code == HF_OK)
		code = run(an, &err);
	if (an->signal != 0) {
		(void)fputs("holdfast: interrupted; what stands above is not all\n", stderr);
		die_of(an->signal);
	}
	if (code != HF_OK) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		return HF_EXIT_FAILED;
	}
	print_end(an);
	return an->draw_failed ? HF_EXIT_PARTIAL : HF_EXIT_OK;
}

int hf_cli_analyze(int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("analyze"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	HF_AUTO_FREE struct analyze *an = calloc(1, sizeof *an);
	if (an == NULL)
		return HF_EXIT_FAILED;
	an->signal_fd = -1;
	an->clip = words.arguments[0];
	an->config_path = hf_words_value(&words, "--config");
	an->source_id = hf_words_value(&words, "--source");
	an->draw = hf_words_value(&words, "--draw");
	an->thumbs = hf_words_value(&words, "--thumbs");
	an->json = hf_words_has(&words, "--json");
	if (an->config_path == NULL)
		an->config_path = HF_CONFIG_PATH;
	exit_code = analyze(an);
	hf_auto_close(&an->signal_fd);
	return exit_code;
}
