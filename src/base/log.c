/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *role;
	enum hf_log_level level_max;
	bool terminal;
	bool colour;
} log_state = { .role = "holdfast", .level_max = HF_LOG_INFO };

static enum hf_log_level level_from_environment(void)
{
	static const struct {
		const char *name;
		enum hf_log_level level;
	} levels[] = {
		{ "error", HF_LOG_ERROR },
		{ "warn", HF_LOG_WARN },
		{ "info", HF_LOG_INFO },
		{ "debug", HF_LOG_DEBUG },
	};
	const char *wanted = getenv("HOLDFAST_LOG");

	for (size_t i = 0; wanted != NULL && i < sizeof levels / sizeof levels[0]; i++)
		if (strcmp(wanted, levels[i].name) == 0)
			return levels[i].level;
	return HF_LOG_INFO;
}

static const char *colour_of(enum hf_log_level level)
{
	switch (level) {
	case HF_LOG_ERROR:
		return "\033[31m";
	case HF_LOG_WARN:
		return "\033[33m";
	case HF_LOG_INFO:
		return "";
	case HF_LOG_DEBUG:
		return "\033[2m";
	}
	return "";
}

void hf_log_open(const char *role)
{
	log_state.role = role;
	log_state.level_max = level_from_environment();
	log_state.terminal = isatty(STDERR_FILENO) == 1;
	log_state.colour = log_state.terminal && getenv("NO_COLOR") == NULL;
}

void hf_log(enum hf_log_level level, const char *event, const char *format, ...)
{
	if (level > log_state.level_max)
		return;

	char detail[768];
	char line[1024];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(detail, sizeof detail, format, ap);
	va_end(ap);
	for (char *c = detail; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';

	char prefix[8] = "";
	if (!log_state.terminal)
		(void)snprintf(prefix, sizeof prefix, "<%d>", (int)level);
	const char *on = log_state.colour ? colour_of(level) : "";
	int length = snprintf(line, sizeof line, "%s%s%s: %s %s%s\n", prefix, on, log_state.role,
			      event, detail, *on != '\0' ? "\033[0m" : "");

	if (length < 0)
		return;
	if ((size_t)length >= sizeof line) {
		length = (int)sizeof line - 1;
		line[length - 1] = '\n';
	}
	(void)!write(STDERR_FILENO, line, (size_t)length);
}
