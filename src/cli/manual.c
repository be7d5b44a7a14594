/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/manual.h"

#include "base/auto.h"
#include "boot/config_loitering.h"
#include "boot/config_value.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "shape/schedule.h"

#include <string.h>

static const char *const verbs[] = {
#define HF_VERB(group, verb, summary) #verb,
#include "cli/verb_tbl.h"
};

/* Text in which nothing is markup. */
static void put_text(FILE *stream, const char *text, size_t length)
{
	for (size_t i = 0; i < length && text[i] != '\0'; i++) {
		if (strchr("*_\\#[]|~+", text[i]) != NULL ||
		    (i == 0 && strchr("-.:", text[i]) != NULL))
			(void)fputc('\\', stream);
		(void)fputc(text[i], stream);
	}
}

static void put(FILE *stream, const char *text)
{
	put_text(stream, text, strlen(text));
}

/* "*TERM* VALUE", then what it means, indented. */
static void put_item(FILE *stream, const char *term, const char *value, const char *meaning)
{
	(void)fputc('*', stream);
	put(stream, term);
	(void)fputc('*', stream);
	if (value != NULL) {
		(void)fputs(" _", stream);
		put(stream, value);
		(void)fputc('_', stream);
	}
	(void)fputs("\n\t", stream);
	put(stream, meaning);
	(void)fputs("\n\n", stream);
}

/* holdfast(1) */

static void put_about(FILE *stream, const char *about)
{
	while (*about != '\0') {
		const char *end = strstr(about, "\n\n");
		size_t length = end != NULL ? (size_t)(end - about) : strlen(about);

		if (*about == ' ') {
			(void)fputc('\t', stream);
			put_text(stream, about + strspn(about, " "), length - strspn(about, " "));
		} else {
			put_text(stream, about, length);
		}
		(void)fputs("\n\n", stream);
		about += length + (end != NULL ? 2 : 0);
	}
}

static void put_form(FILE *stream, const struct hf_command *command, const struct hf_form *form,
		     bool last)
{
	(void)fputs("*holdfast ", stream);
	put(stream, command->verb);
	if (form->name != NULL) {
		(void)fputc(' ', stream);
		put(stream, form->name);
	}
	(void)fputc('*', stream);
	for (size_t i = 0; i < command->option_count; i++) {
		const struct hf_option *option = &command->options[i];

		if (!hf_option_in_form(option, form))
			continue;
		(void)fputs(" \\[*", stream);
		put(stream, option->name);
		(void)fputc('*', stream);
		if (option->value != NULL) {
			(void)fputs(" _", stream);
			put(stream, option->value);
			(void)fputc('_', stream);
		}
		(void)fputs("\\]", stream);
	}
	if (form->arguments != NULL) {
		(void)fputc(' ', stream);
		put(stream, form->arguments);
	}
	(void)fputs(last ? "\n\n" : "++\n", stream);
}

static void put_verb(FILE *stream, const struct hf_command *command)
{
	(void)fputs("# ", stream);
	for (const char *c = command->verb; *c != '\0'; c++)
		(void)fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, stream);
	(void)fputs("\n\n", stream);
	for (size_t f = 0; f < command->form_count; f++)
		put_form(stream, command, &command->forms[f], f + 1 == command->form_count);
	put_about(stream, command->about);
	for (size_t f = 0; f < command->form_count; f++)
		if (command->forms[f].name != NULL)
			put_item(stream, command->forms[f].name, NULL, command->forms[f].help);
	for (size_t i = 0; i < command->option_count; i++)
		put_item(stream, command->options[i].name, command->options[i].value,
			 command->options[i].help);
	(void)fputs("Examples:\n\n", stream);
	for (const char *const *example = command->examples; *example != NULL; example += 2)
		put_item(stream, example[0], NULL, example[1]);
	(void)fputs("Exit codes:\n\n", stream);
	for (size_t i = 0; i < command->exit_count; i++) {
		char code[16];

		(void)snprintf(code, sizeof code, "%d", command->exits[i].code);
		put_item(stream, code, NULL, command->exits[i].meaning);
	}
}

static void put_holdfast(FILE *stream)
{
	(void)fputs(
		"holdfast(1)\n"
		"\n"
		"# NAME\n"
		"\n"
		"holdfast - look at a unit, its events and its configuration\n"
		"\n"
		"# SYNOPSIS\n"
		"\n"
		"*holdfast* _VERB_ \\[_ARGUMENTS_\\]\n"
		"\n"
		"# DESCRIPTION\n"
		"\n"
		"holdfast watches cameras, finds people, raises events and loses none of them. The "
		"unit itself is *holdfastd*(8); this is what people and scripts use beside it.\n"
		"\n"
		"Data goes to standard output, talk to standard error. Options may stand anywhere "
		"behind the verb, as _--data DIR_ or _--data=DIR_; behind _--_ everything is an "
		"argument. NO\\_COLOR in the environment switches colour off. *holdfast* _VERB_ "
		"*--help* says what stands here.\n"
		"\n",
		stream);
	for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++) {
		const struct hf_command *command = hf_command_find(verbs[i]);

		if (command != NULL)
			put_verb(stream, command);
	}
	(void)fputs("# SEE ALSO\n"
		    "\n"
		    "*holdfast.yaml*(5), *holdfastd*(8), *holdfast-hub*(8)\n",
		    stream);
}

/* holdfast.yaml(5) */

static void put_setting(FILE *stream, const struct hf_config_row *row, const char *prefix,
			const void *record)
{
	char range[128], value[HF_CONFIG_VALUE_BYTES], text[HF_CONFIG_VALUE_BYTES + 512];

	hf_config_value_range(row, range, sizeof range);
	hf_config_value_text(row, record, value);
	(void)snprintf(text, sizeof text, "%s%s", prefix, row->key);
	put_item(stream, text, NULL, row->help);
	(void)snprintf(text, sizeof text, "%s. Default: %s. Used by: %s.", range, value,
		       row->reader);
	(void)fputc('\t', stream);
	put(stream, text);
	(void)fputs("\n\n", stream);
}

static void put_list(FILE *stream, enum hf_config_section section)
{
	const struct hf_config_list *list = hf_config_list(section);
	struct hf_config_rows all = hf_config_rows(section);
	union hf_config_any_record record;

	memset(&record, 0, sizeof record);
	hf_config_record_defaults(section, &record);
	(void)fprintf(stream, "## %s\n\nA list of at most %u.\n\n", list->key, list->records_max);
	for (size_t r = 0; r < all.count; r++)
		put_setting(stream, &all.rows[r], "", &record);
	if (section != HF_CONFIG_ZONES)
		return;
	put_item(stream, "loitering", NULL, hf_config_loitering_help);
	put_item(stream, "points", NULL,
		 "Outline: 3 to 16 points [x, y] in order, fractions of the tile from its top left "
		 "corner.");
}

static void put_config(FILE *stream)
{
	struct hf_config_rows all = hf_config_rows(HF_CONFIG_UNIT);
	HF_AUTO_FREE struct hf_config *config = calloc(1, sizeof *config);

	if (config == NULL)
		return;
	hf_config_defaults(config);
	(void)fputs(
		"holdfast.yaml(5)\n"
		"\n"
		"# NAME\n"
		"\n"
		"holdfast.yaml - the configuration of a unit\n"
		"\n"
		"# DESCRIPTION\n"
		"\n"
		"*holdfastd*(8) reads " HF_CONFIG_PATH " when it starts, or the file it is given. "
		"It is YAML without anchors, aliases and tags; a setting that is not known is an "
		"error. *holdfast config example* prints one to begin with, *holdfast config "
		"check* finds mistakes, *holdfast config show* says what is in effect.\n"
		"\n"
		"A setting _a.b_ stands as _b:_ under _a:_, indented. Durations are whole numbers "
		"with a unit: 200ms, 5s, 10m, 2h, 1d. Relative paths begin at the folder of the "
		"file.\n"
		"\n"
		"# HOURS\n"
		"\n"
		"armed.entry and the like say at which hours of the week a rule speaks: windows "
		"with commas between them, each with days or none with days.\n"
		"\n"
		"\tmon-fri 18:00-07:00, sat-sun 00:00-24:00++\n"
		"22:00-06:00++\n"
		"mon,wed 08:00-12:00\n"
		"\n"
		"A window holds from its start up to its end. An end at or before the start is on "
		"the next day; the window belongs to the day on which it starts. The clock on the "
		"wall of the site decides (time.zone): where clocks go forward, a window that "
		"would "
		"start in the missing hour starts with the first minute there is; where they go "
		"back, the hour that comes twice is armed both times. While the clock is not "
		"synchronised, or the zone is not known, every rule is armed, and its events say "
		"so in attrs.armed.\n"
		"\n"
		"# LISTS\n"
		"\n",
		stream);
	for (int section = HF_CONFIG_SOURCES; section < HF_CONFIG_SECTIONS; section++)
		put_list(stream, (enum hf_config_section)section);
	(void)fputs("# SETTINGS OF THE UNIT\n\n", stream);
	for (size_t r = 0; r < all.count; r++)
		put_setting(stream, &all.rows[r], "", config);
	(void)fputs("# SEE ALSO\n\n*holdfast*(1), *holdfastd*(8)\n", stream);
}

bool hf_manual_print(const char *page, FILE *stream)
{
	if (strcmp(page, "holdfast.1") == 0)
		put_holdfast(stream);
	else if (strcmp(page, "holdfast.yaml.5") == 0)
		put_config(stream);
	else
		return false;
	return true;
}
