/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pen.h"

enum {
	LABEL_WIDTH = 9,
};

void hf_pen_colour(const struct hf_pen *pen, const char *code)
{
	if (pen->colour)
		(void)fprintf(pen->out, "\033[%sm", code);
}

void hf_pen_put(const struct hf_pen *pen, const char *text, int width)
{
	const unsigned char *c = (const unsigned char *)text;

	for (; *c != '\0'; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		(void)fputc(*c < 0x20 || *c == 0x7f || c1 ? '?' : *c, pen->out);
		c += c1;
		if ((*c & 0xc0) != 0x80 || c1)
			width--;
	}
	(void)fprintf(pen->out, "%*s", width > 0 ? width : 0, "");
}

void hf_pen_label(const struct hf_pen *pen, const char *text)
{
	hf_pen_colour(pen, "2");
	hf_pen_put(pen, text, LABEL_WIDTH);
	hf_pen_colour(pen, "0");
}
