/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * usb - takes a USB device off its bus and on again, as if somebody had pulled its plug: the
 * driver lets go of it and takes it up anew.
 *
 * Shape       The kernel's switch is the file "authorized" of the USB device: 0
 *             is off, 1 is on. The file at hand_path keeps what
 *             is switched off, so that usb_finish() switches it on again after
 *             a power cut of ours in between.
 *
 * Owners      usb_find only looks. usb_cycle and usb_finish wait for the driver,
 *             which may take seconds: a process of their own calls them.
 *
 * Errors      NOENT: no such device now. INVALID: it is not on USB. DENIED: no right
 *             to the switch; the text says how to get it. IO: the kernel
 *             refused; the device may be off.
 *
 * Source      Linux, Documentation/usb/authorization.rst.
 */
#include "base/err.h"

#include <sys/types.h>

enum {
	USB_PATH_BYTES = 512,
};

/* The switch of the USB device a device node (its numbers) belongs to. root is "" but in tests. */
enum hf_code usb_find(const char *root, dev_t node, char ret_switch[USB_PATH_BYTES],
		      struct hf_err *err) HF_MUST_CHECK;

enum hf_code usb_cycle(const char *switch_path, const char *hand_path, int off_ms,
		       struct hf_err *err) HF_MUST_CHECK;

/* OK with nothing done: there is nothing in hand. */
enum hf_code usb_finish(const char *hand_path, struct hf_err *err) HF_MUST_CHECK;
