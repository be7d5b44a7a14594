/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

bool hf_cli_colour(FILE *stream)
{
	const char *refused = getenv("NO_COLOR");

	return (refused == NULL || *refused == '\0') && isatty(fileno(stream)) == 1;
}

int hf_cli_usage(const char *verb, const char *format, ...)
{
	va_list ap;

	(void)fputs("holdfast: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fprintf(stderr, "\nTry: holdfast%s%s --help\n", verb != NULL ? " " : "",
		      verb != NULL ? verb : "");
	return HF_EXIT_USAGE;
}
