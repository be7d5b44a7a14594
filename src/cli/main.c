/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast - the command line. Finds the verb and hands over; what has no arguments teaches.
 */
#include "cli/cli.h"

#include "base/auto.h"
#include "base/suggest.h"

#include <string.h>

static const struct verb {
	const char *group;
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
} verbs[] = {
#define HF_VERB(group, verb, summary) { group, #verb, summary, hf_cli_##verb },
#include "cli/verb_tbl.h"
};

static const char intro[] =
	"holdfast: watches cameras, finds people, raises events and loses none of them.\n"
	"\n"
	"usage: holdfast VERB [ARGUMENTS]\n"
	"\n"
	"Start here\n"
	"  holdfast config example > unit.yaml   write a configuration to edit, with comments\n"
	"  holdfastd --config unit.yaml          run the unit in the foreground\n"
	"  holdfast status                       ask it how it is\n";

static const char outro[] =
	"\n"
	"holdfast VERB --help tells more about a verb. Data goes to stdout, talk to stderr.\n"
	"\n"
	"Exit codes\n"
	"  0 ok   1 failed   2 usage   3 not running   4 degraded or safe mode   5 partial\n"
	"  75 try later\n";

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void teach(FILE *stream)
{
	const char *bold = hf_cli_colour(stream) ? "\033[1m" : "";
	const char *plain = *bold != '\0' ? "\033[0m" : "";
	const char *group = "";

	(void)fputs(intro, stream);
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].group, group) != 0)
			(void)fprintf(stream, "\n%s\n", verbs[i].group);
		group = verbs[i].group;
		(void)fprintf(stream, "  %s%-9s%s %s\n", bold, verbs[i].name, plain,
			      verbs[i].summary);
	}
	(void)fputs(outro, stream);
}

static int unknown_verb(const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++)
		hf_suggest_consider(name, verbs[i].name, &best);
	(void)fprintf(stderr, "holdfast: there is no verb \"%s\"", name);
	if (best != NULL)
		(void)fprintf(stderr, "; did you mean \"holdfast %s\"", best);
	(void)fputs(best != NULL ? "?\n" : "\n", stderr);
	(void)fputs("Try: holdfast --help\n", stderr);
	return HF_EXIT_USAGE;
}

int hf_cli_help(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		teach(stdout);
		return HF_EXIT_OK;
	}
	const struct verb *verb = find_verb(argv[1]);
	if (verb == NULL)
		return unknown_verb(argv[1]);

	char ask[] = "--help";
	char *ask_argv[] = { argv[1], ask, NULL };
	return verb->run(2, ask_argv);
}

int hf_cli_version(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		(void)puts("usage: holdfast version\n\nPrints the release.");
		return HF_EXIT_OK;
	}
	if (argc > 1)
		return hf_cli_usage("version", "version takes no arguments, not \"%s\"", argv[1]);
	(void)puts("holdfast " HF_VERSION);
	return HF_EXIT_OK;
}

/* What was printed may have gone to a full disk: an exit code of 0 would be a lie. */
static int flushed(int exit_code)
{
	bool failed = ferror(stdout) != 0;

	if (fflush(stdout) != 0 || failed) {
		(void)fputs("holdfast: not all of the output could be written\n", stderr);
		return exit_code == HF_EXIT_OK ? HF_EXIT_FAILED : exit_code;
	}
	return exit_code;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		teach(stderr);
		return HF_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return flushed(hf_cli_help(1, argv + 1));
	if (strcmp(argv[1], "--version") == 0)
		return flushed(hf_cli_version(1, argv + 1));

	const struct verb *verb = find_verb(argv[1]);
	if (verb == NULL)
		return unknown_verb(argv[1]);
	return flushed(verb->run(argc - 1, argv + 1));
}
