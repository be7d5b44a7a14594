/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast completion - what shells offer behind the tabulator key, from the tables of the verbs.
 *
 * Method: bash and zsh share two functions of case lines, over "VERB FORM" and "VERB OPTION", and
 * differ in how they count words and take offers. fish has its own language of one line an offer.
 */
#include "base/auto.h"
#include "cli/cli.h"
#include "cli/command.h"

#include <string.h>

static const struct verb {
	const char *name;
	const char *summary;
} verbs[] = {
#define HF_VERB(group, verb, summary) { #verb, summary },
#include "cli/verb_tbl.h"
};

static const char *form_name(const struct hf_form *form)
{
	return form->name != NULL ? form->name : "";
}

static void print_choices(const char *choices, const char *between)
{
	for (const char *c = choices; *c != '\0'; c++)
		if (*c == '|')
			(void)fputs(between, stdout);
		else
			(void)putchar(*c);
}

/* bash and zsh */

static void print_verbs(void)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++)
		(void)printf(" %s", verbs[i].name);
}

static void print_offer(enum hf_offer_kind offers, const char *value)
{
	switch (offers) {
	case HF_OFFERS_NOTHING:
		(void)fputs(":", stdout);
		break;
	case HF_OFFERS_FILES:
		(void)fputs("_holdfast_files", stdout);
		break;
	case HF_OFFERS_FOLDERS:
		(void)fputs("_holdfast_folders", stdout);
		break;
	case HF_OFFERS_VERBS:
		(void)fputs("_holdfast_words", stdout);
		print_verbs();
		break;
	case HF_OFFERS_CHOICES:
		(void)fputs("_holdfast_words ", stdout);
		print_choices(value, " ");
		break;
	}
	(void)fputs(" ;;\n", stdout);
}

static void print_values(const struct hf_command *command)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const struct hf_option *option = &command->options[i];

		if (option->value == NULL)
			continue;
		(void)printf("\t\t'%s %s') ", command->verb, option->name);
		print_offer(option->offers, option->value);
	}
}

static void print_options(const struct hf_command *command)
{
	for (size_t f = 0; f < command->form_count; f++) {
		(void)printf("\t\t\t'%s %s') _holdfast_words", command->verb,
			     form_name(&command->forms[f]));
		for (size_t i = 0; i < command->option_count; i++)
			if (hf_option_in_form(&command->options[i], &command->forms[f]))
				(void)printf(" %s", command->options[i].name);
		(void)fputs(" --help ;;\n", stdout);
	}
}

static void print_arguments(const struct hf_command *command)
{
	if (command->forms[0].name != NULL) {
		(void)printf("\t\t'%s ') _holdfast_words", command->verb);
		for (size_t f = 0; f < command->form_count; f++)
			(void)printf(" %s", command->forms[f].name);
		(void)fputs(" ;;\n", stdout);
	}
	for (size_t f = 0; f < command->form_count; f++) {
		(void)printf("\t\t'%s %s') ", command->verb, form_name(&command->forms[f]));
		print_offer(command->forms[f].offers, NULL);
	}
}

static void for_each(void (*print)(const struct hf_command *command))
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++) {
		const struct hf_command *command = hf_command_find(verbs[i].name);

		if (command != NULL)
			print(command);
	}
}

static void print_common(void)
{
	(void)fputs("# $1 verb, $2 form, $3 the word before, $4 the word at the cursor\n"
		    "_holdfast_offer()\n"
		    "{\n"
		    "\tcase \"$1 $3\" in\n",
		    stdout);
	for_each(print_values);
	(void)fputs("\t\t*) _holdfast_offer_plain \"$@\" ;;\n"
		    "\tesac\n"
		    "}\n"
		    "_holdfast_offer_plain()\n"
		    "{\n"
		    "\tcase \"$4\" in -*)\n"
		    "\t\tcase \"$1 $2\" in\n"
		    "\t\t\t' ') _holdfast_words --help --version ;;\n",
		    stdout);
	for_each(print_options);
	(void)fputs("\t\t\t*) _holdfast_words --help ;;\n"
		    "\t\tesac\n"
		    "\t\treturn\n"
		    "\tesac\n"
		    "\tcase \"$1 $2\" in\n"
		    "\t\t' ') _holdfast_words",
		    stdout);
	print_verbs();
	(void)fputs(" ;;\n", stdout);
	for_each(print_arguments);
	(void)fputs("\tesac\n"
		    "}\n"
		    "# Does option $2 of verb $1 take the word behind it?\n"
		    "_holdfast_takes()\n"
		    "{\n"
		    "\tcase \"$1 $2\" in\n",
		    stdout);
	for (size_t v = 0; v < HF_ARRAY_LEN(verbs); v++) {
		const struct hf_command *command = hf_command_find(verbs[v].name);

		for (size_t i = 0; command != NULL && i < command->option_count; i++)
			if (command->options[i].value != NULL)
				(void)printf("\t\t'%s %s') return 0 ;;\n", verbs[v].name,
					     command->options[i].name);
	}
	(void)fputs(
		"\tesac\n"
		"\treturn 1\n"
		"}\n"
		"# Finds verb and form among the words before the cursor.\n"
		"_holdfast_read()\n"
		"{\n"
		"\tverb='' form=''\n"
		"\twhile [ $# -gt 0 ]; do\n"
		"\t\tcase \"$1\" in\n"
		"\t\t\t-*) if _holdfast_takes \"$verb\" \"$1\" && [ $# -gt 1 ]; then shift; fi ;;\n"
		"\t\t\t*) if [ -z \"$verb\" ]; then verb=$1; elif [ -z \"$form\" ]; then form=$1; "
		"fi ;;\n"
		"\t\tesac\n"
		"\t\tshift\n"
		"\tdone\n",
		stdout);
	/* Without forms, what follows is an argument. */
	(void)fputs("\tcase \"$verb\" in", stdout);
	const char *between = " ";
	for (size_t v = 0; v < HF_ARRAY_LEN(verbs); v++) {
		const struct hf_command *command = hf_command_find(verbs[v].name);

		if (command == NULL || command->forms[0].name != NULL)
			continue;
		(void)printf("%s%s", between, verbs[v].name);
		between = "|";
	}
	(void)fputs(") form='' ;; esac\n}\n", stdout);
}

static void print_bash(void)
{
	(void)fputs(
		"# bash completion for holdfast; made by \"holdfast completion bash\"\n"
		"_holdfast_words() { mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$cur\"); }\n"
		"_holdfast_files() { mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); "
		"compopt -o filenames 2>/dev/null; }\n"
		"_holdfast_folders() { mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); "
		"compopt -o filenames 2>/dev/null; }\n",
		stdout);
	print_common();
	(void)fputs(
		"_holdfast()\n"
		"{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb form\n"
		"\tCOMPREPLY=()\n"
		"\t_holdfast_read \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
		"\t_holdfast_offer \"$verb\" \"$form\" \"${COMP_WORDS[COMP_CWORD-1]}\" \"$cur\"\n"
		"\treturn 0\n"
		"}\n"
		"complete -F _holdfast holdfast\n",
		stdout);
}

static void print_zsh(void)
{
	(void)fputs("#compdef holdfast\n"
		    "# zsh completion for holdfast; made by \"holdfast completion zsh\"\n"
		    "_holdfast_words() { compadd -- \"$@\"; }\n"
		    "_holdfast_files() { _files; }\n"
		    "_holdfast_folders() { _files -/; }\n",
		    stdout);
	print_common();
	(void)fputs("_holdfast()\n"
		    "{\n"
		    "\tlocal verb form\n"
		    "\t_holdfast_read \"${(@)words[2,CURRENT-1]}\"\n"
		    "\t_holdfast_offer \"$verb\" \"$form\" \"${words[CURRENT-1]}\" "
		    "\"${words[CURRENT]}\"\n"
		    "}\n"
		    "if [ \"$funcstack[1]\" = _holdfast ]; then _holdfast \"$@\"; "
		    "else compdef _holdfast holdfast; fi\n",
		    stdout);
}

/* fish */

static void fish_quote(const char *text)
{
	(void)putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text);
	}
	(void)putchar('\'');
}

static void fish_offer(enum hf_offer_kind offers, const char *value)
{
	switch (offers) {
	case HF_OFFERS_NOTHING:
		(void)fputs(" -x", stdout);
		break;
	case HF_OFFERS_FILES:
		(void)fputs(" -rF", stdout);
		break;
	case HF_OFFERS_FOLDERS:
		(void)fputs(" -xa '(__fish_complete_directories)'", stdout);
		break;
	case HF_OFFERS_VERBS:
		(void)fputs(" -xa '", stdout);
		print_verbs();
		(void)putchar('\'');
		break;
	case HF_OFFERS_CHOICES:
		(void)fputs(" -xa '", stdout);
		print_choices(value, " ");
		(void)putchar('\'');
		break;
	}
}

/* "complete -c holdfast" and the condition under which the rest holds. */
static void fish_begin(const struct hf_command *command, const char *forms)
{
	(void)printf("complete -c holdfast -n '__fish_seen_subcommand_from %s%s%s'", command->verb,
		     forms != NULL ? "; and __fish_seen_subcommand_from " : "",
		     forms != NULL ? forms : "");
}

static void fish_forms(const struct hf_command *command)
{
	for (size_t f = 0; f < command->form_count; f++) {
		const struct hf_form *form = &command->forms[f];

		if (form->name != NULL) {
			(void)printf("complete -c holdfast -n '__fish_seen_subcommand_from %s; and "
				     "not __fish_seen_subcommand_from",
				     command->verb);
			for (size_t i = 0; i < command->form_count; i++)
				(void)printf(" %s", command->forms[i].name);
			(void)printf("' -a %s -d ", form->name);
			fish_quote(form->help);
			(void)putchar('\n');
		}
		if (form->offers == HF_OFFERS_NOTHING)
			continue;
		fish_begin(command, form->name);
		if (form->offers == HF_OFFERS_FILES)
			(void)fputs(" -F", stdout);
		else
			fish_offer(form->offers, NULL);
		(void)putchar('\n');
	}
}

static void fish_options(const struct hf_command *command)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const struct hf_option *option = &command->options[i];
		bool is_long = option->name[1] == '-';

		fish_begin(command, option->forms);
		(void)printf(" -%c %s", is_long ? 'l' : 's', option->name + (is_long ? 2 : 1));
		if (option->value != NULL)
			fish_offer(option->offers, option->value);
		(void)fputs(" -d ", stdout);
		fish_quote(option->help);
		(void)putchar('\n');
	}
}

static void print_fish(void)
{
	(void)fputs("# fish completion for holdfast; made by \"holdfast completion fish\"\n"
		    "complete -c holdfast -f\n"
		    "complete -c holdfast -s h -l help -d 'help'\n",
		    stdout);
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++) {
		(void)printf("complete -c holdfast -n __fish_use_subcommand -a %s -d ",
			     verbs[i].name);
		fish_quote(verbs[i].summary);
		(void)putchar('\n');
	}
	for_each(fish_forms);
	for_each(fish_options);
}

int hf_cli_completion(int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("completion"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	if (strcmp(words.form->name, "bash") == 0)
		print_bash();
	else if (strcmp(words.form->name, "zsh") == 0)
		print_zsh();
	else
		print_fish();
	return HF_EXIT_OK;
}
