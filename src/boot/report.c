/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/report.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

static void make_printable(char *text)
{
	size_t length = strlen(text), at = 0;

	while (at < length) {
		at += hf_utf8_valid_prefix(text + at, length - at);
		if (at < length)
			text[at++] = '?';
	}
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)text[i + 1] >= 0x80 &&
		     (unsigned char)text[i + 1] < 0xa0))
			text[i] = '?';
		/* The second half of a C1 control, left alone by the first. */
		if (c >= 0x80 && c < 0xc0 && i > 0 && text[i - 1] == '?')
			text[i] = '?';
	}
}

static void add(struct hf_report *report, struct hf_place place, bool warning, const char *format,
		va_list ap)
{
	HF_ASSERT(format != NULL);
	if (warning)
		report->warnings++;
	else
		report->errors++;
	if (report->message_count == HF_REPORT_MESSAGES_MAX)
		return;
	struct hf_message *message = &report->messages[report->message_count++];

	message->place = place;
	message->warning = warning;
	char text[sizeof message->text];
	(void)vsnprintf(text, sizeof text, format, ap);
	hf_url_hide(text, message->text, sizeof message->text);
	make_printable(message->text);
}

void hf_report_begin(struct hf_report *ret_report, const char *path)
{
	memset(ret_report, 0, sizeof *ret_report);
	(void)snprintf(ret_report->path, sizeof ret_report->path, "%s", path);
}

void hf_complain(struct hf_report *report, struct hf_place place, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(report, place, false, format, ap);
	va_end(ap);
}

void hf_warn(struct hf_report *report, struct hf_place place, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(report, place, true, format, ap);
	va_end(ap);
}

static int by_place(const void *left, const void *right)
{
	const struct hf_place *a = &((const struct hf_message *)left)->place;
	const struct hf_place *b = &((const struct hf_message *)right)->place;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

enum hf_code hf_report_end(struct hf_report *report, struct hf_err *err)
{
	qsort(report->messages, report->message_count, sizeof report->messages[0], by_place);
	for (uint32_t i = 0; i < report->message_count; i++) {
		const struct hf_message *first = &report->messages[i];

		if (!first->warning)
			return hf_fail(err, HF_E_INVALID, "%s:%u:%u: %s", report->path,
				       first->place.line, first->place.column, first->text);
	}
	HF_ASSERT(report->errors == 0);
	return HF_OK;
}

void hf_report_print(const struct hf_report *report, FILE *stream)
{
	for (uint32_t i = 0; i < report->message_count; i++) {
		const struct hf_message *message = &report->messages[i];

		(void)fputs(report->path, stream);
		if (message->place.line > 0)
			(void)fprintf(stream, ":%u:%u", message->place.line, message->place.column);
		(void)fprintf(stream, ": %s%s\n", message->warning ? "warning: " : "",
			      message->text);
	}
	if (report->errors + report->warnings > report->message_count)
		(void)fprintf(stream, "%s: and %u more; correct these first\n", report->path,
			      report->errors + report->warnings - report->message_count);
}
