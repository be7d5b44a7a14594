/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * progress - a line at the foot of a terminal that says how far something is.
 *
 * Shape       "name  00:31 of 01:00 [####....]  52 %, 21 s left". Written to
 *             standard error, and only when that is a terminal; anything else
 *             that is printed hides it first.
 *
 * Numbers     Seconds. A length of 0 is not known: the bar and the rest are
 *             left out. What is left is what it took so far, carried on.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct hf_progress {
	bool on;
	bool shown;
	struct hf_mono started, next;
};

struct hf_progress hf_progress_begin(void);
/* Not more often than a person can read. */
void hf_progress_show(struct hf_progress *progress, const char *name, double at_s, double length_s);
void hf_progress_hide(struct hf_progress *progress);

/* The line itself, of at most `columns` characters (and 4 bytes each). */
void hf_progress_text(const char *name, double at_s, double length_s, double took_s,
		      unsigned columns, size_t size_bytes, char *ret_text);

/* "01:02", "1:01:02"; with decimals "01:02.3". */
void hf_progress_time(double seconds, bool tenths, size_t size_bytes, char *ret_text);
