/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * actuation - what the settings of the unit's output say, taken apart.
 *
 * Shape       A line of a GPIO chip is "CHIP:LINE", as in gpiochip0:17: the name of
 *             a node in /dev and a number. A list of event classes is their
 *             names with commas (blanks beside them do not matter); an empty list
 *             means every one.
 *
 * Errors      HF_E_INVALID: the text is neither; err says what it should be.
 */
#include "base/err.h"
#include "shape/config.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_GPIO_CHIP_BYTES = 32,
	HF_GPIO_LINE_MAX = 1023,
};

struct hf_gpio_line {
	char chip[HF_GPIO_CHIP_BYTES];
	uint32_t line;
};

enum hf_code hf_gpio_line_parse(const char *text, struct hf_gpio_line *ret_line,
				struct hf_err *err) HF_MUST_CHECK;

/* The next name of a list, after *at; false: there is none. HF_ID_BYTES or more bytes are cut. */
bool hf_actuation_next(const char **at, char ret_class[HF_ID_BYTES]);
bool hf_actuation_wants(const char *list, const char *event_class);

/* Is there an output at all? */
static inline bool hf_actuation_configured(const struct hf_config *config)
{
	return config->actuation_command[0] != '\0' || config->actuation_gpio[0] != '\0';
}
