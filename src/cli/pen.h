/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pen - writes on a terminal what other processes said.
 *
 * Shape       Colours are ANSI sequences, or nothing. Texts come from other processes, and from the
 *             network before that: a control character in them is written as "?".
 *
 * Errors      None: whoever owns the stream asks it.
 */
#include <stdbool.h>
#include <stdio.h>

struct hf_pen {
	FILE *out;
	bool colour;
};

/* code: the parameters of an SGR sequence: "2" is dim, "0" ends all. */
void hf_pen_colour(const struct hf_pen *pen, const char *code);

/* Filled up with blanks to a width in characters; 0: as long as it is. */
void hf_pen_put(const struct hf_pen *pen, const char *text, int width);

/* Dim, and as wide as all labels at the left of a page. */
void hf_pen_label(const struct hf_pen *pen, const char *text);
