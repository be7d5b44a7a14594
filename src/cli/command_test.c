/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/auto.h"
#include "cli/cli.h"
#include "test.h"

#include <string.h>
#include <sys/mman.h>

static const char *const verbs[] = {
#define HF_VERB(group, verb, summary) #verb,
#include "cli/verb_tbl.h"
};

static struct hf_words words;
static char said[2048];

/* What a person reads of it stands in said. */
static int parse(const char *verb, int argc, const char *const *written)
{
	static char *argv[12]; /* words point into it */
	HF_AUTO_FD fd = memfd_create("said", MFD_CLOEXEC);
	HF_AUTO_FD kept = dup(STDERR_FILENO);

	for (int i = 0; i < argc; i++)
		argv[i] = (char *)(uintptr_t)written[i];
	argv[argc] = NULL;
	(void)fflush(stderr);
	CHECK(fd >= 0 && kept >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	int exit_code = hf_command_parse(hf_command_find(verb), argc, argv, &words);
	(void)fflush(stderr);
	CHECK(dup2(kept, STDERR_FILENO) >= 0);
	ssize_t size = pread(fd, said, sizeof said - 1, 0);
	CHECK(size >= 0);
	said[size] = '\0';
	return exit_code;
}

#define PARSE(verb, ...)                                                                        \
	parse(verb, (int)(sizeof((const char *const[]){ verb, __VA_ARGS__ }) / sizeof(char *)), \
	      (const char *const[]){ verb, __VA_ARGS__ })

TEST(options_stand_anywhere_and_take_their_value_in_both_ways)
{
	CHECK_I64(PARSE("outbox", "-n", "5", "tail", "-f", "folder"), ==, HF_EXIT_OK);
	CHECK_TEXT(words.form->name, "tail");
	CHECK_TEXT(hf_words_value(&words, "-n"), "5");
	CHECK(hf_words_has(&words, "-f"));
	CHECK(!hf_words_has(&words, "--json"));
	CHECK_I64(words.argument_count, ==, 1);
	CHECK_TEXT(words.arguments[0], "folder");
	CHECK_I64(PARSE("status", "--data=a=b", "--run", "-x"), ==, HF_EXIT_OK);
	CHECK_TEXT(hf_words_value(&words, "--data"), "a=b");
	CHECK_TEXT(hf_words_value(&words, "--run"), "-x");
	CHECK_TEXT(said, "");
}

TEST(behind_two_dashes_everything_is_an_argument)
{
	CHECK_I64(PARSE("config", "check", "--", "--json"), ==, HF_EXIT_OK);
	CHECK(!hf_words_has(&words, "--json"));
	CHECK_TEXT(words.arguments[0], "--json");
	CHECK_I64(PARSE("config", "check", "-"), ==, HF_EXIT_OK);
	CHECK_TEXT(words.arguments[0], "-");
}

static void refused(int exit_code, const char *why)
{
	CHECK_I64(exit_code, ==, HF_EXIT_USAGE);
	if (strstr(said, why) == NULL)
		fail_msg("says  %s\nwants %s", said, why);
	CHECK(strstr(said, "\nTry: holdfast ") != NULL);
}

TEST(each_mistake_is_named_with_what_was_probably_meant)
{
	refused(PARSE("config", "chekc"), "there is no \"config chekc\"; did you mean \"holdfast "
					  "config check\"?");
	refused(PARSE("config", "frobnicate"),
		"there is no \"config frobnicate\"; it takes check, show, example or schema");
	refused(parse("config", 1, (const char *const[]){ "config" }),
		"config what? check, show, example or schema");
	refused(PARSE("config", "check", "--jsn"),
		"config has no option --jsn; did you mean --json?");
	refused(PARSE("config", "check", "-json"), "did you mean --json?");
	refused(PARSE("config", "check", "--zzzzzz"), "config has no option --zzzzzz\n");
	refused(PARSE("config", "example", "--json"),
		"config example does not take --json; it goes with check or show");
	refused(PARSE("config", "check", "a", "b"), "takes one FILE at a time: a or b?");
	refused(PARSE("config", "example", "a"), "config example takes no arguments, not \"a\"");
	refused(PARSE("status", "--data"), "--data needs a value after it: --data DIR");
	refused(PARSE("status", "--data="), "--data needs a value after it");
	refused(PARSE("status", "--data", "a", "--data", "b"), "--data was given twice");
	refused(PARSE("status", "--json=yes"), "--json takes no value");
	refused(parse("detect", 1, (const char *const[]){ "detect" }),
		"detect needs FILE... after it");
}

TEST(every_verb_has_a_table_that_explains_it)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++) {
		const struct hf_command *command = hf_command_find(verbs[i]);

		if (command == NULL)
			fail_msg("%s has no row in commands.c", verbs[i]);
		CHECK_TEXT(command->verb, verbs[i]);
		CHECK_U64(strlen(command->about), >, 15);
		CHECK_U64(command->option_count, <=, HF_COMMAND_OPTIONS_MAX);
		CHECK_U64(command->form_count, >=, 1);
		CHECK_U64(command->exit_count, >=, 2);
		assert_non_null(command->examples[0]);
		for (size_t f = 0; f < command->form_count; f++)
			CHECK((command->forms[f].name != NULL) == (command->forms[0].name != NULL));
	}
	assert_null(hf_command_find("frobnicate"));
}

TEST(an_option_of_one_form_is_not_that_of_another_whose_name_it_begins)
{
	const struct hf_option option = { .name = "--x", .forms = "show tailing" };

	CHECK(hf_option_in_form(&option, &(struct hf_form){ .name = "show" }));
	CHECK(hf_option_in_form(&option, &(struct hf_form){ .name = "tailing" }));
	CHECK(!hf_option_in_form(&option, &(struct hf_form){ .name = "tail" }));
	CHECK(!hf_option_in_form(&option, &(struct hf_form){ .name = "how" }));
}

TESTS(RUN(options_stand_anywhere_and_take_their_value_in_both_ways),
      RUN(behind_two_dashes_everything_is_an_argument),
      RUN(each_mistake_is_named_with_what_was_probably_meant),
      RUN(every_verb_has_a_table_that_explains_it),
      RUN(an_option_of_one_form_is_not_that_of_another_whose_name_it_begins))
