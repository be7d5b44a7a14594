/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill-timers - preloaded before libfaketime when `holdfast drill` sets a unit's clock: timerfd as
 * the kernel has it.
 *
 * libfaketime 0.9.10 reckons every absolute timerfd by its faked wall clock, also one on
 * CLOCK_MONOTONIC that it was told to leave alone: a negative offset makes a negative time of it,
 * which the kernel refuses, and the main loop of the supervisor (sd-event) ends with EINVAL.
 */
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

int timerfd_settime(int fd, int flags, const struct itimerspec *new_value,
		    struct itimerspec *old_value)
{
	return (int)syscall(SYS_timerfd_settime, fd, flags, new_value, old_value);
}

int timerfd_gettime(int fd, struct itimerspec *value)
{
	return (int)syscall(SYS_timerfd_gettime, fd, value);
}
