/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/troubles.h"

#include "base/auto.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *opens;
	const char *ends;
} kinds[] = {
	{ "source_lost", "source_back" },       { "outbox_full", "outbox_ok" },
	{ "outbox_failed", "outbox_ok" },       { "model_failed", "model_ok" },
	{ "actuation_failed", "actuation_ok" },
};

/* The text behind "KEY":" in an object our own workers wrote; empty when there is none. Escapes
 * other than \" and \\ stand for control characters, and those become blanks. */
static void text_of(const char *attrs, const char *key, char *ret_text, size_t size_bytes)
{
	char pattern[32];
	size_t length = 0;
	size_t pattern_bytes = (size_t)snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
	const char *at = strstr(attrs, pattern);

	while (at != NULL && at > attrs && at[-1] != '{' && at[-1] != ',')
		at = strstr(at + 1, pattern);
	for (at = at != NULL ? at + pattern_bytes : ""; *at != '"' && *at != '\0'; at++) {
		char letter = *at;

		if (letter == '\\' && at[1] != '\0') {
			letter = *++at;
			if (letter == 'u')
				at += strnlen(at + 1, 4);
			if (letter != '"' && letter != '\\' && letter != '/')
				letter = ' ';
		}
		if (length + 1 < size_bytes)
			ret_text[length++] = letter;
	}
	ret_text[length] = '\0';
}

static void describe(const char *opens, const char *attrs, struct trouble *ret_trouble)
{
	char source[HF_ID_BYTES];

	memset(ret_trouble, 0, sizeof *ret_trouble);
	text_of(attrs, "source", source, sizeof source);
	(void)snprintf(ret_trouble->name, sizeof ret_trouble->name, "%s%s%s", opens,
		       source[0] != '\0' ? " " : "", source);
	text_of(attrs, "error", ret_trouble->why, sizeof ret_trouble->why);
	if (ret_trouble->why[0] == '\0')
		text_of(attrs, "why", ret_trouble->why, sizeof ret_trouble->why);
}

static struct trouble *find(struct troubles *troubles, const char *name)
{
	for (size_t i = 0; i < troubles->count; i++)
		if (strcmp(troubles->list[i].name, name) == 0)
			return &troubles->list[i];
	return NULL;
}

static bool opened(struct troubles *troubles, const struct trouble *trouble)
{
	struct trouble *known = find(troubles, trouble->name);

	if (known != NULL && strcmp(known->why, trouble->why) == 0)
		return false;
	if (known == NULL && troubles->count < TROUBLES_MAX)
		known = &troubles->list[troubles->count++];
	if (known != NULL)
		*known = *trouble;
	return true;
}

static bool ended(struct troubles *troubles, const struct trouble *trouble)
{
	struct trouble *known = find(troubles, trouble->name);

	if (known == NULL)
		return false;
	*known = troubles->list[--troubles->count];
	return true;
}

bool troubles_note(struct troubles *troubles, const char *event_class, const char *attrs)
{
	struct trouble trouble;
	bool is_kind = false, news = false;

	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		bool opens = strcmp(event_class, kinds[i].opens) == 0;

		if (!opens && strcmp(event_class, kinds[i].ends) != 0)
			continue;
		is_kind = true;
		describe(kinds[i].opens, attrs, &trouble);
		news = (opens ? opened(troubles, &trouble) : ended(troubles, &trouble)) || news;
	}
	return news || !is_kind;
}
