/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast - the command line. Finds the verb and hands over; what has no arguments teaches.
 */
#include "cli/cli.h"

#include "base/auto.h"
#include "base/suggest.h"
#include "cli/command.h"
#include "cli/manual.h"

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
		(void)fprintf(stream, "  %s%-11s%s %s\n", bold, verbs[i].name, plain,
			      verbs[i].summary);
	}
	(void)fputs(outro, stream);
}

static int unknown_verb(const char *name)
{
	const char *best = NULL;

	if (name[0] == '-')
		return hf_cli_usage(NULL, "the verb comes first; %.60s is none", name);
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++)
		hf_suggest_consider(name, verbs[i].name, &best);
	(void)fprintf(stderr, "holdfast: there is no verb \"%s\"", name);
	if (best != NULL)
		(void)fprintf(stderr, "; did you mean \"holdfast %s\"", best);
	(void)fputs(best != NULL ? "?\n" : "\n", stderr);
	(void)fputs("Try: holdfast --help\n", stderr);
	return HF_EXIT_USAGE;
}

/* --help or -h before a "--"? */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const struct hf_command *command = hf_command_find(verb->name);

	if (command == NULL || !asks_for_help(argc, argv))
		return verb->run(argc, argv);
	hf_command_print(command, stdout);
	return HF_EXIT_OK;
}

int hf_cli_help(int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("help"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	const char *page = hf_words_value(&words, "--manual");
	if (page != NULL && !hf_manual_print(page, stdout))
		return hf_cli_usage(
			"help", "there is no page \"%.60s\": holdfast.1 or holdfast.yaml.5", page);
	if (page == NULL && words.argument_count == 0)
		teach(stdout);
	if (words.argument_count == 0)
		return HF_EXIT_OK;
	const struct verb *verb = find_verb(words.arguments[0]);
	if (verb == NULL)
		return unknown_verb(words.arguments[0]);

	char ask[] = "--help";
	char *ask_argv[] = { words.arguments[0], ask, NULL };
	return run(verb, 2, ask_argv);
}

int hf_cli_version(int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("version"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
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
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		teach(stdout);
		return flushed(HF_EXIT_OK);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return flushed(hf_cli_version(1, argv + 1));

	const struct verb *verb = find_verb(argv[1]);
	if (verb == NULL)
		return unknown_verb(argv[1]);
	return flushed(run(verb, argc - 1, argv + 1));
}
