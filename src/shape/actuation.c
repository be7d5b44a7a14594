/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/actuation.h"

#include <stdio.h>
#include <string.h>

static const char name_letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

enum hf_code hf_gpio_line_parse(const char *text, struct hf_gpio_line *ret_line, struct hf_err *err)
{
	size_t chip = strspn(text, name_letters);
	struct hf_gpio_line line = { 0 };
	const char *digit = text + chip;

	if (chip == 0 || chip >= sizeof line.chip || *digit++ != ':' || *digit == '\0' ||
	    strlen(digit) > 4)
		return hf_fail(err, HF_E_INVALID,
			       "\"%.60s\" is no line of a GPIO chip; one is written gpiochip0:17",
			       text);
	for (; *digit >= '0' && *digit <= '9'; digit++)
		line.line = line.line * 10 + (uint32_t)(*digit - '0');
	if (*digit != '\0' || line.line > HF_GPIO_LINE_MAX)
		return hf_fail(err, HF_E_INVALID,
			       "\"%.60s\": behind the colon stands a number, 0 to %d", text,
			       HF_GPIO_LINE_MAX);
	memcpy(line.chip, text, chip);
	*ret_line = line;
	return HF_OK;
}

bool hf_actuation_next(const char **at, char ret_class[HF_ID_BYTES])
{
	*at += strspn(*at, ", \t");
	size_t length = strcspn(*at, ", \t");

	if (length == 0)
		return false;
	(void)snprintf(ret_class, HF_ID_BYTES, "%.*s", (int)length, *at);
	*at += length;
	return true;
}

bool hf_actuation_wants(const char *list, const char *event_class)
{
	char name[HF_ID_BYTES];
	bool any = false;

	for (const char *at = list; hf_actuation_next(&at, name); any = true)
		if (strcmp(name, event_class) == 0)
			return true;
	return !any;
}
