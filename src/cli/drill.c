/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast drill - real faults on a unit of its own: which, the table, a line of JSON each. */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/suggest.h"
#include "boot/policy.h"
#include "cli/cli.h"
#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	JSON_BYTES = 64 * 1024,
	COUNT_MAX = 10000,
	KINDS_MAX = 64,
	DONE_WIDTH = 46,
	NAME_WIDTH = 24,
};

static const char *const verdicts[] = { "ok", "FAILED", "skipped" };

/* ---- what was found, in words ---- */

static void put_cell(FILE *out, const char *text, size_t width)
{
	size_t length = strlen(text);

	if (length > width)
		(void)fprintf(out, "%.*s...  ", (int)width - 3, text);
	else
		(void)fprintf(out, "%-*s  ", (int)width, text);
}

bool drill_is_reached(const struct drill_bound *bound)
{
	bool at_least = strstr(bound->what, "at least") != NULL;

	return bound->measured >= 0 &&
	       (at_least ? bound->measured >= bound->promised : bound->measured <= bound->promised);
}

static void print_tallies(const struct drill *drill)
{
	if (drill->tally_count > 0)
		(void)printf("%*s  %-28s %8s %8s\n", NAME_WIDTH, "", "faults", "alone", "in pairs");
	for (uint32_t i = 0; i < drill->tally_count; i++)
		(void)printf("%*s  %-28s %8u %8u\n", NAME_WIDTH, "", drill->tallies[i].what,
			     drill->tallies[i].alone, drill->tallies[i].in_pairs);
}

static void print_row(const struct drill *drill)
{
	bool colour = hf_cli_colour(stdout);
	const char *paint = drill->verdict == DRILL_FAILED ? "\033[1;31m"
			    : drill->verdict == DRILL_OK   ? "\033[1;32m"
							   : "\033[1;33m";

	put_cell(stdout, drill->kind->name, NAME_WIDTH);
	put_cell(stdout, drill->done, DONE_WIDTH);
	(void)printf("%s%s%s\n", colour ? paint : "", verdicts[drill->verdict],
		     colour ? "\033[0m" : "");
	if (drill->path[0] != '\0')
		(void)printf("%*s  states: %s\n", NAME_WIDTH, "", drill->path);
	print_tallies(drill);
	for (uint32_t i = 0; i < drill->bound_count; i++) {
		const struct drill_bound *bound = &drill->bounds[i];

		(void)printf("%*s  %s: ", NAME_WIDTH, "", bound->what);
		if (bound->measured < 0)
			(void)printf("did not happen");
		else
			(void)printf("%" PRId64 " %s", bound->measured, bound->unit);
		(void)printf(", promised %" PRId64 ": %s\n", bound->promised,
			     drill_is_reached(bound) ? "reached" : "missed");
	}
	if (drill->why[0] != '\0')
		(void)printf("%*s  %s\n", NAME_WIDTH, "", drill->why);
	(void)fflush(stdout);
}

static void put_bounds(struct hf_json *json, const struct drill *drill)
{
	hf_json_key(json, "bounds");
	hf_json_array_open(json);
	for (uint32_t i = 0; i < drill->bound_count; i++) {
		const struct drill_bound *bound = &drill->bounds[i];

		hf_json_object_open(json);
		hf_json_put_text(json, "what", bound->what);
		hf_json_put_i64(json, "promised", bound->promised);
		if (bound->measured >= 0)
			hf_json_put_i64(json, "measured", bound->measured);
		else
			hf_json_put_null(json, "measured");
		hf_json_put_text(json, "unit", bound->unit);
		hf_json_put_bool(json, "reached", drill_is_reached(bound));
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void put_tallies(struct hf_json *json, const struct drill *drill)
{
	if (drill->tally_count == 0)
		return;
	hf_json_key(json, "tallies");
	hf_json_array_open(json);
	for (uint32_t i = 0; i < drill->tally_count; i++) {
		hf_json_object_open(json);
		hf_json_put_text(json, "what", drill->tallies[i].what);
		hf_json_put_u64(json, "alone", drill->tallies[i].alone);
		hf_json_put_u64(json, "in_pairs", drill->tallies[i].in_pairs);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void put_facts(struct hf_json *json, const struct drill *drill)
{
	static const char *const kinds[] = { "fault", "state", "reason", "action", "process" };

	hf_json_key(json, "facts");
	hf_json_array_open(json);
	for (uint32_t i = 0; i < drill->fact_count; i++) {
		const struct drill_fact *fact = &drill->facts[i];

		hf_json_object_open(json);
		hf_json_put_text(json, "kind", kinds[fact->kind]);
		hf_json_put_i64(json, "at_ms", fact->mono_ms - drill->fault_ms);
		if (fact->until_ms > fact->mono_ms)
			hf_json_put_i64(json, "for_ms", fact->until_ms - fact->mono_ms);
		hf_json_put_text(json, "text", fact->text);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void print_json(const struct drill *drill)
{
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);
	struct hf_err err;

	if (text == NULL)
		return;
	struct hf_json json = hf_json_begin(text, JSON_BYTES);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "drill", drill->kind->name);
	hf_json_put_text(&json, "verdict", verdicts[drill->verdict]);
	hf_json_put_text(&json, "why", drill->why[0] != '\0' ? drill->why : NULL);
	hf_json_put_text(&json, "done", drill->done);
	hf_json_put_text(&json, "states", drill->path);
	hf_json_put_i64(&json, "took_ms", drill->ended_ms - drill->begun_ms);
	put_bounds(&json, drill);
	put_tallies(&json, drill);
	put_facts(&json, drill);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		(void)puts(text);
	(void)fflush(stdout);
}

/* ---- one after the other ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

bool drill_interrupted(void)
{
	return interrupted != 0;
}

/* What is mounted here is seen by nobody else, and gone with us. */
static void isolate(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0)
		(void)mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static struct drill *run_one(const struct drill_kind *kind, const struct drill_options *options,
			     const struct hf_policy *policy)
{
	struct drill *drill = calloc(1, sizeof *drill);

	if (drill == NULL)
		return NULL;
	drill->kind = kind;
	drill->options = options;
	drill->policy = policy;
	drill->begun_ms = drill_now_ms();
	if (kind->as_root && geteuid() != 0)
		drill_skip(drill, "needs root");
	else
		kind->run(drill);
	if (interrupted)
		drill_fail(drill, "interrupted");
	/* One that gave up early has not come to this. */
	if (drill->ended_ms == 0)
		drill_collect(drill);
	drill_end(drill);
	return drill;
}

/* "crash" is all that begin with "crash-". */
static bool is_asked(const char *name, const struct drill_kind *kind)
{
	size_t bytes = strlen(name);

	return strcmp(name, kind->name) == 0 || (strcmp(name, "all") == 0 && kind->seconds > 0) ||
	       (strncmp(name, kind->name, bytes) == 0 && kind->name[bytes] == '-');
}

static int unknown(const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < drill_kind_count; i++)
		hf_suggest_consider(name, drill_kinds[i].name, &best);
	(void)fprintf(stderr, "holdfast: there is no drill \"%s\"", name);
	if (best != NULL)
		(void)fprintf(stderr, "; did you mean \"%s\"", best);
	(void)fputs("?\nTry: holdfast drill --list\n", stderr);
	return HF_EXIT_USAGE;
}

static int list(void)
{
	for (size_t i = 0; i < drill_kind_count; i++) {
		const struct drill_kind *kind = &drill_kinds[i];

		(void)printf("%-*s %4u s%s  %s\n", NAME_WIDTH, kind->name, kind->seconds,
			     kind->as_root ? "  root" : "      ", kind->about);
	}
	return HF_EXIT_OK;
}

/* Of a promise that several drills measure: how it was kept over all. Of less than a hundred the
 * worst is the 99th percentile. */
static void print_worst(struct drill *const *drills, size_t count, const char *what)
{
	int64_t worst = 0, promised = 0;
	uint32_t measured = 0;

	for (size_t i = 0; i < count; i++)
		for (uint32_t b = 0; b < drills[i]->bound_count; b++) {
			const struct drill_bound *bound = &drills[i]->bounds[b];

			if (strcmp(bound->what, what) != 0 || bound->measured < 0)
				continue;
			measured++;
			promised = bound->promised;
			worst = bound->measured > worst ? bound->measured : worst;
		}
	if (measured > 1)
		(void)printf("%s: %" PRId64 " ms at the worst of %u, promised %" PRId64 "\n", what,
			     worst, measured, promised);
}

static int print_sum(struct drill *const *drills, size_t count, bool json)
{
	size_t sums[3] = { 0 };

	for (size_t i = 0; i < count; i++)
		sums[drills[i]->verdict]++;
	if (!json) {
		print_worst(drills, count, "crash to child running");
		print_worst(drills, count, "crash detected");
		print_worst(drills, count, "hang detected");
		print_worst(drills, count, "camera loss acted on");
		(void)printf("\n%zu ok, %zu failed, %zu skipped\n", sums[DRILL_OK],
			     sums[DRILL_FAILED], sums[DRILL_SKIPPED]);
	}
	return sums[DRILL_FAILED] > 0 ? HF_EXIT_FAILED : HF_EXIT_OK;
}

static int run_all(const char *name, const struct drill_options *options,
		   const struct hf_policy *policy, const char *report, bool json)
{
	struct drill *drills[KINDS_MAX];
	size_t count = 0;
	struct hf_err err;

	isolate();
	for (size_t i = 0; i < drill_kind_count && count < KINDS_MAX && !interrupted; i++) {
		if (!is_asked(name, &drill_kinds[i]))
			continue;
		if (!json && isatty(STDERR_FILENO) == 1)
			(void)fprintf(stderr, "%s: about %u s ...\n", drill_kinds[i].name,
				      drill_kinds[i].seconds);
		drills[count] = run_one(&drill_kinds[i], options, policy);
		if (drills[count] == NULL)
			break;
		(json ? print_json : print_row)(drills[count++]);
	}
	if (count == 0)
		return unknown(name);
	int exit_code = print_sum(drills, count, json);
	if (report != NULL &&
	    drill_report_write(report, (const struct drill *const *)drills, count, &err) != HF_OK) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		exit_code = HF_EXIT_FAILED;
	}
	for (size_t i = 0; i < count; i++)
		free(drills[i]);
	return exit_code;
}

static int load_policy(const char *path, struct hf_policy *ret_policy)
{
	static struct hf_report report;
	size_t size_bytes;
	struct hf_err err = { 0 };
	const char *text = hf_policy_standard(&size_bytes);
	enum hf_code code = path != NULL ? hf_policy_load(path, ret_policy, &report, &err)
					 : hf_policy_parse("the default policy", text, size_bytes,
							   ret_policy, &report, &err);

	if (code == HF_OK)
		return HF_EXIT_OK;
	(void)fprintf(stderr,
		      "holdfast: %s: not a policy that can be used: holdfast policy check\n",
		      path != NULL ? path : "the default policy");
	return HF_EXIT_FAILED;
}

static bool number_of(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end = NULL;

	if (text == NULL)
		return true;
	*ret_number = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *ret_number <= max;
}

int hf_cli_drill(int argc, char **argv)
{
	static struct hf_policy policy;
	struct hf_words words;
	char policy_path[PATH_MAX], clip_path[PATH_MAX];
	int exit_code = hf_command_parse(hf_command_find("drill"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	if (hf_words_has(&words, "--list"))
		return list();
	if (words.argument_count == 0)
		return hf_cli_usage("drill", "say which: a name of holdfast drill --list, or all");
	struct drill_options options = { .sabotage = hf_words_has(&words, "--sabotage"),
					 .keep = hf_words_has(&words, "--keep"),
					 .verbose = hf_words_has(&words, "--verbose"),
					 .seed = 1 };
	uint64_t count = 20;
	const char *policy_name = hf_words_value(&words, "--policy");
	const char *clip = hf_words_value(&words, "--clip");
	if (!number_of(hf_words_value(&words, "--seed"), UINT64_MAX, &options.seed) ||
	    !number_of(hf_words_value(&words, "--count"), COUNT_MAX, &count))
		return hf_cli_usage("drill", "--seed and --count take numbers");
	options.count = (uint32_t)count;
	/* The unit is started from another folder. */
	if ((policy_name != NULL && realpath(policy_name, policy_path) == NULL) ||
	    (clip != NULL && realpath(clip, clip_path) == NULL)) {
		(void)fprintf(stderr, "holdfast: %s: %s\n",
			      policy_name != NULL ? policy_name : clip, strerror(errno));
		return HF_EXIT_FAILED;
	}
	options.policy_path = policy_name != NULL ? policy_path : NULL;
	options.clip = clip != NULL ? clip_path : NULL;
	exit_code = load_policy(options.policy_path, &policy);
	if (exit_code != HF_EXIT_OK)
		return exit_code;
	return run_all(words.arguments[0], &options, &policy, hf_words_value(&words, "--report"),
		       hf_words_has(&words, "--json"));
}
