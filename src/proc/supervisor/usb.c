/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/usb.h"

#include "base/auto.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* "/sys/devices/.../1-2" is a USB device, its interfaces below it have no vendor. */
static bool is_usb_device(const char *folder)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof path, "%s/idVendor", folder);
	if (access(path, F_OK) != 0)
		return false;
	(void)snprintf(path, sizeof path, "%s/authorized", folder);
	return access(path, F_OK) == 0;
}

static enum hf_code check_right(const char *switch_path, struct hf_err *err)
{
	if (access(switch_path, W_OK) == 0)
		return HF_OK;
	if (errno == EROFS)
		return hf_fail(err, HF_E_DENIED,
			       "%s cannot be written: /sys is read-only for this service; the "
			       "holdfast.service that comes with this release allows it",
			       switch_path);
	return hf_fail(err, HF_E_DENIED,
		       "%s cannot be written: install the udev rule 70-holdfast.rules that comes "
		       "with this release and plug the device in anew, or set usb_reset: false",
		       switch_path);
}

enum hf_code usb_find(const char *root, dev_t node, char ret_switch[USB_PATH_BYTES],
		      struct hf_err *err)
{
	char path[PATH_MAX], top[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/sys/dev/char/%u:%u", root, major(node), minor(node));
	(void)snprintf(top, sizeof top, "%s/sys/devices/", root);
	HF_AUTO_FREE char *folder = realpath(path, NULL);
	HF_AUTO_FREE char *devices = realpath(top, NULL);
	if (folder == NULL || devices == NULL)
		return hf_fail(err, HF_E_NOENT, "the kernel knows no device %u:%u now", major(node),
			       minor(node));
	while (strlen(folder) > strlen(devices) && strncmp(folder, devices, strlen(devices)) == 0) {
		if (is_usb_device(folder)) {
			if ((size_t)snprintf(path, sizeof path, "%s/authorized", folder) >=
			    USB_PATH_BYTES)
				return hf_fail(err, HF_E_LIMIT, "path is too long: %.100s...",
					       folder);
			memcpy(ret_switch, path, strlen(path) + 1);
			return check_right(path, err);
		}
		*strrchr(folder, '/') = '\0';
	}
	return hf_fail(err, HF_E_INVALID,
		       "it is not on USB, where it could be taken off and on again");
}

static enum hf_code write_switch(const char *switch_path, const char *word, struct hf_err *err)
{
	HF_AUTO_FD fd = open(switch_path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return hf_fail_errno(err, "open %s", switch_path);
	if (write(fd, word, 1) != 1)
		return hf_fail_errno(err, "write %s to %s", word, switch_path);
	return HF_OK;
}

static void sleep_ms(int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

enum hf_code usb_cycle(const char *switch_path, const char *hand_path, int off_ms,
		       struct hf_err *err)
{
	enum hf_code code = hf_file_replace(hand_path, switch_path, strlen(switch_path), 0640, err);

	if (code != HF_OK)
		return code; /* off, and forgotten, would be worse than silent */
	code = write_switch(switch_path, "0", err);
	if (code == HF_OK)
		sleep_ms(off_ms);
	/* In any case: a write that failed may have done half of its work. */
	struct hf_err on_err = { 0 };
	enum hf_code on_code = write_switch(switch_path, "1", &on_err);
	if (on_code == HF_OK || on_code == HF_E_NOENT) /* gone: nothing is left to switch */
		(void)unlink(hand_path);
	if (code == HF_OK && on_code != HF_OK) {
		if (err != NULL)
			*err = on_err;
		return on_code;
	}
	return code;
}

enum hf_code usb_finish(const char *hand_path, struct hf_err *err)
{
	HF_AUTO_FREE char *switch_path = NULL;
	size_t size;
	enum hf_code code = hf_file_read(hand_path, USB_PATH_BYTES - 1, &switch_path, &size, err);

	if (code == HF_E_NOENT)
		return HF_OK;
	if (code != HF_OK)
		return code;
	/* Ours alone writes there, but what is written to is the kernel's. */
	const char *name = strrchr(switch_path, '/');
	if (name == NULL || strcmp(name, "/authorized") != 0) {
		(void)unlink(hand_path);
		return hf_fail(err, HF_E_CORRUPT, "%s does not name a switch: removed", hand_path);
	}
	code = write_switch(switch_path, "1", err);
	if (code == HF_OK || code == HF_E_NOENT)
		(void)unlink(hand_path);
	return code == HF_E_NOENT ? HF_OK : code;
}
