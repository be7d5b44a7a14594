/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * command - what each verb takes, as data: parser, --help, completion and manual page are made
 * from it.
 *
 * Shape       A command is one verb. It has forms: one without a name, or one
 *             for each word that may follow the verb (check, show, ...). An
 *             option belongs to all forms, or to those named in `forms`. The
 *             tables are in cli/commands.c.
 *
 *             Options may stand anywhere behind the verb, "--data DIR" or
 *             "--data=DIR"; behind "--" everything is an argument.
 *
 * Errors      hf_command_parse() prints what is wrong and what was probably
 *             meant, and returns HF_EXIT_USAGE.
 *
 * Owners      Tables are static and const; words point into argv, which is
 *             put into another order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	HF_COMMAND_OPTIONS_MAX = 16,
};

/* What a shell offers for a value. */
enum hf_offer_kind {
	HF_OFFERS_NOTHING,
	HF_OFFERS_FILES,
	HF_OFFERS_FOLDERS,
	HF_OFFERS_VERBS,
	HF_OFFERS_CHOICES, /* the value's name is "a|b|c" */
};

struct hf_option {
	const char *name;  /* "--data", "-n" */
	const char *value; /* "DIR"; NULL: takes none */
	enum hf_offer_kind offers;
	const char *forms; /* names with blanks between; NULL: all */
	const char *help;
};

struct hf_form {
	const char *name;      /* NULL: the verb has no forms */
	const char *arguments; /* "[DIR]", "FILE..."; NULL: none */
	enum hf_offer_kind offers;
	int arguments_min, arguments_max;
	const char *help;
};

struct hf_exit_meaning {
	int code;
	const char *meaning;
};

struct hf_command {
	const char *verb;
	const char *about; /* paragraphs, with empty lines between; a line that begins with a blank
	                    * is shown as it is */
	const struct hf_form *forms;
	size_t form_count;
	const struct hf_option *options;
	size_t option_count;
	const char *const *examples; /* command, what it does, ..., NULL */
	const struct hf_exit_meaning *exits;
	size_t exit_count;
};

/* What was written. */
struct hf_words {
	const struct hf_command *command;
	const struct hf_form *form;
	const char
		*values[HF_COMMAND_OPTIONS_MAX]; /* "" for one that takes none; NULL: not there */
	char **arguments;
	int argument_count;
};

/* NULL when the verb has no table. */
const struct hf_command *hf_command_find(const char *verb);

/* argv[0] is the verb. HF_EXIT_OK or HF_EXIT_USAGE. --help has been looked for before. */
int hf_command_parse(const struct hf_command *command, int argc, char **argv,
		     struct hf_words *ret_words);

/* The option's value; NULL when it was not given. */
const char *hf_words_value(const struct hf_words *words, const char *option);
bool hf_words_has(const struct hf_words *words, const char *option);

/* --help. */
void hf_command_print(const struct hf_command *command, FILE *stream);

/* Does this option belong to this form? */
bool hf_option_in_form(const struct hf_option *option, const struct hf_form *form);
