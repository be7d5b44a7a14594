/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	EVERY_MS = 200,
	COLUMNS = 80,
	COLUMNS_MAX = 200,
	BAR_MAX = 40,
	TIME_BYTES = 32,
};

void hf_progress_time(double seconds, bool tenths, size_t size_bytes, char *ret_text)
{
	/* Rounded first: 59.96 is not "60.0". */
	long long ticks = llround(fmin(fmax(seconds, 0), 1e9) * (tenths ? 10 : 1));
	long long whole = tenths ? ticks / 10 : ticks;
	int used = whole >= 3600 ? snprintf(ret_text, size_bytes, "%lld:%02lld:%02lld",
					    whole / 3600, whole / 60 % 60, whole % 60)
				 : snprintf(ret_text, size_bytes, "%02lld:%02lld", whole / 60,
					    whole % 60);

	if (tenths && used > 0 && (size_t)used < size_bytes)
		(void)snprintf(ret_text + used, size_bytes - (size_t)used, ".%lld", ticks % 10);
}

void hf_progress_text(const char *name, double at_s, double length_s, double took_s,
		      unsigned columns, size_t size_bytes, char *ret_text)
{
	char at[TIME_BYTES], length[TIME_BYTES], left[TIME_BYTES], bar[BAR_MAX + 1], end[64];
	double part = length_s > 0 ? fmin(fmax(at_s / length_s, 0), 1) : 0;

	hf_progress_time(at_s, false, sizeof at, at);
	if (!(length_s > 0)) {
		(void)snprintf(ret_text, size_bytes, "%.*s  %s", (int)columns / 2, name, at);
		return;
	}
	hf_progress_time(length_s, false, sizeof length, length);
	hf_progress_time(part > 0 ? took_s * (1 - part) / part : 0, false, sizeof left, left);
	/* After so little the rest is anybody's guess. */
	bool guess = part < 0.02 && took_s < 5;
	int used = snprintf(end, sizeof end, " %3.0f %%%s%s%s", part * 100, guess ? "" : ", ",
			    guess ? "" : left, guess ? "" : " left");
	used += (int)(strlen(at) + strlen(length) + strlen(name)) + 10;
	int room = (int)columns - used - 1;
	size_t width = room < 8 ? 0 : room > BAR_MAX ? BAR_MAX : (size_t)room;
	memset(bar, '.', width);
	memset(bar, '#', (size_t)((double)width * part));
	bar[width] = '\0';
	(void)snprintf(ret_text, size_bytes, "%s  %s of %s %s%s%s%s", name, at, length,
		       width > 0 ? "[" : "", bar, width > 0 ? "]" : "", end);
}

struct hf_progress hf_progress_begin(void)
{
	return (struct hf_progress){ .on = isatty(STDERR_FILENO) == 1,
				     .started = hf_mono_now(hf_clock_real()) };
}

void hf_progress_show(struct hf_progress *progress, const char *name, double at_s, double length_s)
{
	struct hf_mono now = hf_mono_now(hf_clock_real());
	struct winsize size = { 0 };
	char text[4 * COLUMNS_MAX];

	if (!progress->on || hf_mono_before(now, progress->next))
		return;
	progress->next = hf_mono_add_ms(now, EVERY_MS);
	progress->shown = true;
	unsigned columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
				   ? size.ws_col
				   : COLUMNS;
	hf_progress_text(name, at_s, length_s,
			 (double)hf_mono_diff_us(now, progress->started) / 1e6,
			 columns < COLUMNS_MAX ? columns : COLUMNS_MAX, sizeof text, text);
	(void)fprintf(stderr, "\r%s\033[K", text);
}

void hf_progress_hide(struct hf_progress *progress)
{
	if (progress->shown)
		(void)fputs("\r\033[K", stderr);
	progress->shown = false;
	progress->next = (struct hf_mono){ 0 };
}
