/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/assert.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <string.h>

enum {
	WRAP_COLUMN = 88,
	LIST_BYTES = 256,
};

/* Parsing */

struct parse {
	const struct hf_command *command;
	struct hf_words words;
};

bool hf_option_in_form(const struct hf_option *option, const struct hf_form *form)
{
	size_t length = form->name != NULL ? strlen(form->name) : 0;

	if (option->forms == NULL || form->name == NULL)
		return true;
	for (const char *at = option->forms; (at = strstr(at, form->name)) != NULL; at += length)
		if ((at == option->forms || at[-1] == ' ') &&
		    (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

/* "check, show or example". */
static void list_forms(const struct hf_command *command, const struct hf_option *option,
		       char ret_text[LIST_BYTES])
{
	size_t left = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < command->form_count; i++)
		left += option == NULL || hf_option_in_form(option, &command->forms[i]);
	for (size_t i = 0; i < command->form_count; i++) {
		size_t length = strlen(ret_text);

		if (option != NULL && !hf_option_in_form(option, &command->forms[i]))
			continue;
		left--;
		(void)snprintf(ret_text + length, LIST_BYTES - length, "%s%s",
			       command->forms[i].name,
			       left > 1    ? ", "
			       : left == 1 ? " or "
					   : "");
	}
}

static int refuse_option(const struct hf_command *command, const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < command->option_count; i++)
		hf_suggest_consider(name, command->options[i].name, &best);
	hf_suggest_consider(name, "--help", &best);
	/* "-json", "-data": a dash too few. */
	for (size_t i = 0; best == NULL && i < command->option_count; i++)
		if (strcmp(command->options[i].name + 1, name) == 0)
			best = command->options[i].name;
	if (best != NULL)
		return hf_cli_usage(command->verb, "%s has no option %.60s; did you mean %s?",
				    command->verb, name, best);
	return hf_cli_usage(command->verb, "%s has no option %.60s", command->verb, name);
}

/* At an option: takes it and its value. *at is left on the last word taken. */
static int take_option(struct parse *parse, int argc, char **argv, int *at)
{
	const struct hf_command *command = parse->command;
	const char *word = argv[*at];
	const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
	size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
	size_t i = 0;

	while (i < command->option_count && (strlen(command->options[i].name) != length ||
					     strncmp(command->options[i].name, word, length) != 0))
		i++;
	if (i == command->option_count)
		return refuse_option(command, word);
	const struct hf_option *option = &command->options[i];
	if (parse->words.values[i] != NULL)
		return hf_cli_usage(command->verb, "%s was given twice", option->name);
	parse->words.values[i] = "";
	if (option->value == NULL)
		return equals == NULL
			       ? HF_EXIT_OK
			       : hf_cli_usage(command->verb, "%s takes no value", option->name);
	if (equals == NULL && *at + 1 < argc)
		parse->words.values[i] = argv[++*at];
	else if (equals != NULL)
		parse->words.values[i] = equals + 1;
	if (parse->words.values[i][0] == '\0')
		return hf_cli_usage(command->verb, "%s needs a value after it: %s %s", option->name,
				    option->name, option->value);
	return HF_EXIT_OK;
}

static int find_form(struct parse *parse, const char *name)
{
	const struct hf_command *command = parse->command;
	const char *best = NULL;
	char list[LIST_BYTES];

	for (size_t i = 0; i < command->form_count; i++) {
		if (strcmp(command->forms[i].name, name) == 0) {
			parse->words.form = &command->forms[i];
			return HF_EXIT_OK;
		}
		hf_suggest_consider(name, command->forms[i].name, &best);
	}
	list_forms(command, NULL, list);
	if (best != NULL)
		return hf_cli_usage(command->verb,
				    "there is no \"%s %.60s\"; did you mean \"holdfast %s %s\"?",
				    command->verb, name, command->verb, best);
	return hf_cli_usage(command->verb, "there is no \"%s %.60s\"; it takes %s", command->verb,
			    name, list);
}

static int check_options(const struct parse *parse)
{
	const struct hf_command *command = parse->command;
	char list[LIST_BYTES];

	for (size_t i = 0; i < command->option_count; i++) {
		if (parse->words.values[i] == NULL ||
		    hf_option_in_form(&command->options[i], parse->words.form))
			continue;
		list_forms(command, &command->options[i], list);
		return hf_cli_usage(command->verb, "%s %s does not take %s; it goes with %s",
				    command->verb, parse->words.form->name,
				    command->options[i].name, list);
	}
	return HF_EXIT_OK;
}

static int check_arguments(const struct parse *parse)
{
	const struct hf_form *form = parse->words.form;
	const char *verb = parse->command->verb;
	const char *blank = form->name != NULL ? " " : "";
	const char *name = form->name != NULL ? form->name : "";
	char **arguments = parse->words.arguments;
	int count = parse->words.argument_count;

	if (count < form->arguments_min)
		return hf_cli_usage(verb, "%s%s%s needs %s after it", verb, blank, name,
				    form->arguments);
	if (count <= form->arguments_max)
		return HF_EXIT_OK;
	if (form->arguments_max == 0)
		return hf_cli_usage(verb, "%s%s%s takes no arguments, not \"%.60s\"", verb, blank,
				    name, arguments[0]);
	return hf_cli_usage(verb, "%s%s%s takes one %.*s at a time: %.200s or %.200s?", verb, blank,
			    name, (int)strcspn(form->arguments + 1, "]"), form->arguments + 1,
			    arguments[0], arguments[1]);
}

int hf_command_parse(const struct hf_command *command, int argc, char **argv,
		     struct hf_words *ret_words)
{
	struct parse parse = { .command = command, .words.command = command };
	bool named = command->forms[0].name != NULL, options = true;
	char list[LIST_BYTES];

	HF_ASSERT(command->option_count <= HF_COMMAND_OPTIONS_MAX);
	parse.words.form = named ? NULL : &command->forms[0];
	parse.words.arguments = argv + 1;
	for (int i = 1; i < argc; i++) {
		int exit_code = HF_EXIT_OK;

		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
			exit_code = take_option(&parse, argc, argv, &i);
		else if (parse.words.form == NULL)
			exit_code = find_form(&parse, argv[i]);
		else /* never ahead of i */
			parse.words.arguments[parse.words.argument_count++] = argv[i];
		if (exit_code != HF_EXIT_OK)
			return exit_code;
	}
	list_forms(command, NULL, list);
	if (parse.words.form == NULL)
		return hf_cli_usage(command->verb, "%s what? %s", command->verb, list);
	int exit_code = check_options(&parse);
	if (exit_code == HF_EXIT_OK)
		exit_code = check_arguments(&parse);
	if (exit_code == HF_EXIT_OK)
		*ret_words = parse.words;
	return exit_code;
}

const char *hf_words_value(const struct hf_words *words, const char *option)
{
	const struct hf_command *command = words->command;
	size_t i = 0;

	while (i < command->option_count && strcmp(command->options[i].name, option) != 0)
		i++;
	HF_ASSERT(i < command->option_count);
	return words->values[i];
}

bool hf_words_has(const struct hf_words *words, const char *option)
{
	return hf_words_value(words, option) != NULL;
}

/* Help */

/* Words wrapped; indent from the second line on. column: where it stands already. */
static void print_wrapped(FILE *stream, const char *text, size_t length, int indent, int column)
{
	const char *end = text + length;
	bool begun = false;

	while (text < end) {
		int word = (int)strcspn(text, " \n");

		if (text + word > end)
			word = (int)(end - text);
		if (begun && column + 1 + word > WRAP_COLUMN) {
			column = fprintf(stream, "\n%*s", indent, "") - 1;
			begun = false;
		}
		column += fprintf(stream, "%s%.*s", begun ? " " : "", word, text);
		begun = true;
		text += word;
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
	}
	(void)fputc('\n', stream);
}

static void print_about(FILE *stream, const char *about)
{
	while (*about != '\0') {
		const char *end = strstr(about, "\n\n");
		size_t length = end != NULL ? (size_t)(end - about) : strlen(about);

		(void)fputc('\n', stream);
		if (*about == ' ')
			(void)fprintf(stream, "%.*s\n", (int)length, about);
		else
			print_wrapped(stream, about, length, 0, 0);
		about += length + (end != NULL ? 2 : 0);
	}
}

static void print_form(FILE *stream, const struct hf_command *command, const struct hf_form *form,
		       const char *lead)
{
	char line[512];
	size_t at = (size_t)snprintf(line, sizeof line, "holdfast %s%s%s", command->verb,
				     form->name != NULL ? " " : "",
				     form->name != NULL ? form->name : "");

	for (size_t i = 0; i < command->option_count && at < sizeof line; i++) {
		const struct hf_option *option = &command->options[i];

		if (hf_option_in_form(option, form))
			at += (size_t)snprintf(line + at, sizeof line - at, " [%s%s%s]",
					       option->name, option->value != NULL ? "\x01" : "",
					       option->value != NULL ? option->value : "");
	}
	if (form->arguments != NULL && at < sizeof line)
		(void)snprintf(line + at, sizeof line - at, " %s", form->arguments);
	(void)fputs(lead, stream);
	/* "[--data DIR]" stays together. */
	int column = (int)strlen(lead);
	bool begun = false;
	char *rest;
	for (char *word = strtok_r(line, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		for (char *c = word; *c != '\0'; c++)
			*c = *c == '\x01' ? ' ' : *c;
		if (column + 1 + (int)strlen(word) > WRAP_COLUMN)
			column = fprintf(stream, "\n%*s", 15, "") - 1;
		column += fprintf(stream, "%s%s", begun ? " " : "", word);
		begun = true;
	}
	(void)fputc('\n', stream);
}

static int width_of(const struct hf_option *option)
{
	return (int)(strlen(option->name) +
		     (option->value != NULL ? 1 + strlen(option->value) : 0));
}

static void print_item(FILE *stream, int width, const char *name, const char *value,
		       const char *help)
{
	int length = fprintf(stream, "  %s%s%s", name, value != NULL ? " " : "",
			     value != NULL ? value : "");
	int column = width + 4;

	(void)fprintf(stream, "%*s", column - length, "");
	print_wrapped(stream, help, strlen(help), column, column);
}

static void print_items(FILE *stream, const struct hf_command *command)
{
	int width = (int)strlen("-h, --help");

	for (size_t i = 0; i < command->form_count && command->forms[i].name != NULL; i++)
		if ((int)strlen(command->forms[i].name) > width)
			width = (int)strlen(command->forms[i].name);
	for (size_t i = 0; i < command->option_count; i++)
		if (width_of(&command->options[i]) > width)
			width = width_of(&command->options[i]);
	if (command->forms[0].name != NULL)
		(void)fputc('\n', stream);
	for (size_t i = 0; i < command->form_count && command->forms[i].name != NULL; i++)
		print_item(stream, width, command->forms[i].name, NULL, command->forms[i].help);
	(void)fputs("\nOptions\n", stream);
	for (size_t i = 0; i < command->option_count; i++)
		print_item(stream, width, command->options[i].name, command->options[i].value,
			   command->options[i].help);
	print_item(stream, width, "-h, --help", NULL, "this text");
}

void hf_command_print(const struct hf_command *command, FILE *stream)
{
	for (size_t i = 0; i < command->form_count; i++)
		print_form(stream, command, &command->forms[i], i == 0 ? "usage: " : "       ");
	print_about(stream, command->about);
	print_items(stream, command);
	(void)fputs("\nExamples\n", stream);
	for (const char *const *example = command->examples; *example != NULL; example += 2)
		(void)fprintf(stream, "  %s\n      %s\n", example[0], example[1]);
	(void)fputs("\nExit codes\n", stream);
	for (size_t i = 0; i < command->exit_count; i++) {
		int column = fprintf(stream, "  %2d  ", command->exits[i].code);

		print_wrapped(stream, command->exits[i].meaning, strlen(command->exits[i].meaning),
			      column, column);
	}
}
