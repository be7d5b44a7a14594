/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the real keeper: a wall clock under which a day is over in
 * HOLDFAST_DAY_MS milliseconds, so that day files change while the power is cut. It follows
 * from the time since boot, so that days go on from one life of keeper to the next.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	static double day_ms;
	struct timespec up;

	if (syscall(SYS_clock_gettime, clock, ret_now) != 0)
		return -1;
	if (clock != CLOCK_REALTIME || syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &up) != 0)
		return 0;
	if (day_ms <= 0) {
		const char *text = getenv("HOLDFAST_DAY_MS");

		day_ms = text != NULL && atof(text) > 0 ? atof(text) : 86400e3;
	}
	double days = ((double)up.tv_sec * 1e3 + (double)up.tv_nsec / 1e6) / day_ms;
	/* 2026-04-20, and not beyond the years that four digits name. */
	ret_now->tv_sec = 1776643200 + (time_t)(days * 86400.0) % ((time_t)86400 * 365 * 1000);
	return 0;
}
