/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line - an output line of a GPIO chip, through the kernel's character device.
 *
 * Shape       Version 2 of its interface (Linux 5.10). The line is asked for as an
 *             output that is inactive; the kernel gives it back when its
 *             descriptor is closed, however this process ends.
 *
 * Errors      HF_E_NOENT, HF_E_DENIED: no such chip, or not for us. HF_E_IO: the
 *             driver refuses; HF_E_AGAIN: somebody else has the line.
 */
#include "shape/actuation.h"

/* ret_fd: the line, inactive. */
enum hf_code line_open(const struct hf_gpio_line *line, int *ret_fd,
		       struct hf_err *err) HF_MUST_CHECK;
enum hf_code line_set(int fd, bool active, struct hf_err *err) HF_MUST_CHECK;
