/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/actuate/line.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum hf_code line_open(const struct hf_gpio_line *line, int *ret_fd, struct hf_err *err)
{
	char path[sizeof "/dev/" + HF_GPIO_CHIP_BYTES];
	struct gpio_v2_line_request request = {
		.offsets = { line->line },
		.num_lines = 1,
		.config = { .flags = GPIO_V2_LINE_FLAG_OUTPUT,
			    .num_attrs = 1,
			    .attrs = { { .attr = { .id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES,
						   .values = 0 },
					 .mask = 1 } } },
	};

	(void)snprintf(path, sizeof path, "/dev/%s", line->chip);
	HF_AUTO_FD chip = open(path, O_RDWR | O_CLOEXEC);
	if (chip < 0)
		return hf_fail_errno(err, "open %s", path);
	(void)snprintf(request.consumer, sizeof request.consumer, "holdfast");
	if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) != 0)
		return hf_fail_errno(err, "%s: take line %u as an output", path, line->line);
	*ret_fd = request.fd;
	return HF_OK;
}

enum hf_code line_set(int fd, bool active, struct hf_err *err)
{
	struct gpio_v2_line_values values = { .bits = active, .mask = 1 };

	if (ioctl(fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) != 0)
		return hf_fail_errno(err, "switch the line %s", active ? "on" : "off");
	return HF_OK;
}
