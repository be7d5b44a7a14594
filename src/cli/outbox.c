/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast outbox - check and read an outbox, with or without a daemon, on the unit or copied.
 * The forms are in outbox_verify.c (verify, gaps), outbox_stat.c, outbox_read.c (tail, export)
 * and outbox_replay.c.
 */
#include "base/random.h"
#include "cli/command.h"
#include "cli/outbox_inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	TAIL_LINES = 10,
	TAIL_LINES_MAX = 1000000,
};

static const uint64_t seq_max = UINT64_C(1) << 53;

int outbox_fail(const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfast: %s\n", err->text);
	return HF_EXIT_FAILED;
}

int outbox_json_print(struct hf_json *json)
{
	struct hf_err err = { 0 };

	if (hf_json_end(json, &err) != HF_OK)
		return outbox_fail(&err);
	if (puts(json->data) < 0 || fflush(stdout) != 0)
		return HF_EXIT_FAILED;
	return HF_EXIT_OK;
}

void outbox_json_seq(struct hf_json *json, const char *key, uint64_t seq)
{
	if (seq != 0)
		hf_json_put_u64(json, key, seq);
	else
		hf_json_put_null(json, key);
}

int64_t outbox_captured_ms(const struct hf_line *line)
{
	char text[HF_WALL_TEXT_BYTES + 1];
	struct tm tm = { 0 };
	int ms = 0;

	if (!hf_slice_text(&line->captured_at, text, sizeof text))
		return -1;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL || sscanf(rest, ".%3dZ", &ms) != 1)
		return -1;
	return (int64_t)timegm(&tm) * 1000 + ms;
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
	struct stat st;

	if (stat(ask->path, &st) == 0 && !S_ISDIR(st.st_mode))
		return hf_fail(err, HF_E_NOENT,
			       "%s is a file; name the data folder, or the outbox folder, it is in",
			       ask->path);
	enum hf_code code = hf_disk_real_open(ask->path, &ask->disk, err);
	if (code != HF_OK)
		return code;
	code = hf_disk_list(ask->disk, HF_OUTBOX_FOLDER, &any, err);
	if (code == HF_OK) {
		ask->folder = HF_OUTBOX_FOLDER;
		ask->data = true;
		return HF_OK;
	}
	if (code != HF_E_NOENT)
		return code;
	code = hf_disk_list(ask->disk, ".", &day, err);
	if (code == HF_OK && !found)
		code = hf_fail(err, HF_E_NOENT,
			       "%s is neither a data folder (with outbox/ in it) nor an outbox "
			       "folder (with YYYY-MM-DD.jsonl in it)",
			       ask->path);
	ask->folder = ".";
	return code;
}

/* false and a complaint: it is not a number from low to high. */
static bool parse_number(const struct hf_words *words, const char *option, uint64_t low,
			 uint64_t high, uint64_t *ret_value)
{
	const char *text = hf_words_value(words, option);
	char *end;

	if (text == NULL)
		return true;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' || value < low ||
	    value > high) {
		(void)hf_cli_usage("outbox", "%s wants a number from %llu to %llu, not \"%.40s\"",
				   option, (unsigned long long)low, (unsigned long long)high, text);
		return false;
	}
	*ret_value = value;
	return true;
}

static bool parse_day(const char *text)
{
	struct tm tm = { 0 };
	char again[16];

	if (text == NULL)
		return true;
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	if (end != NULL && *end == '\0') {
		/* The 31st of a month that has 30 comes back as another day. */
		time_t at = timegm(&tm);

		if (gmtime_r(&at, &tm) != NULL && strftime(again, sizeof again, "%F", &tm) > 0 &&
		    strcmp(again, text) == 0)
			return true;
	}
	(void)hf_cli_usage("outbox", "--day wants a day like 2026-04-20, not \"%.40s\"", text);
	return false;
}

static bool parse_key(const char *text, struct ask *ask)
{
	if (text == NULL)
		return true;
	ask->has_key = strlen(text) == 2 * sizeof ask->hub_key &&
		       hf_unhex(text, sizeof ask->hub_key, ask->hub_key);
	if (!ask->has_key)
		(void)hf_cli_usage("outbox",
				   "--hub-key wants %zu hexadecimal digits, as holdfast-hub and "
				   "identity/receipts/hub.key have them",
				   2 * sizeof ask->hub_key);
	return ask->has_key;
}

static bool parse(const struct hf_words *words, struct ask *ask)
{
	*ask = (struct ask){ .path = words->argument_count > 0 ? words->arguments[0] : HF_DATA_PATH,
			     .run_path = hf_words_value(words, "--run"),
			     .channel = hf_words_value(words, "--channel"),
			     .day = hf_words_value(words, "--day"),
			     .out = hf_words_value(words, "--out"),
			     .json = hf_words_has(words, "--json"),
			     .follow = hf_words_has(words, "-f"),
			     .chain = hf_words_has(words, "--chain") ||
				      hf_words_has(words, "--hub-key"),
			     .force = hf_words_has(words, "--force"),
			     .yes = hf_words_has(words, "--yes"),
			     .lines = TAIL_LINES };
	if (!parse_number(words, "-n", 0, TAIL_LINES_MAX, &ask->lines) ||
	    !parse_number(words, "--from", 1, seq_max, &ask->from) ||
	    !parse_number(words, "--through", 1, seq_max, &ask->through) || !parse_day(ask->day) ||
	    !parse_key(hf_words_value(words, "--hub-key"), ask))
		return false;
	if (ask->from != 0 && ask->through != 0 && ask->from > ask->through) {
		(void)hf_cli_usage("outbox", "--from %llu is above --through %llu",
				   (unsigned long long)ask->from, (unsigned long long)ask->through);
		return false;
	}
	return true;
}

static const struct {
	const char *name;
	int (*run)(const struct ask *ask);
} forms[] = {
	{ "verify", outbox_run_verify }, { "stat", outbox_run_stat },
	{ "gaps", outbox_run_gaps },     { "tail", outbox_run_tail },
	{ "replay", outbox_run_replay }, { "export", outbox_run_export },
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
	struct ask ask;
	size_t form = 0;
	int status = hf_command_parse(hf_command_find("outbox"), argc, argv, &words);

	if (status != HF_EXIT_OK)
		return status;
	if (!parse(&words, &ask))
		return HF_EXIT_USAGE;
	while (strcmp(forms[form].name, words.form->name) != 0)
		form++;
	status = open_folder(&ask, &err) == HF_OK ? forms[form].run(&ask) : explain(&ask, &err);
	hf_disk_real_close(ask.disk);
	return status;
}
