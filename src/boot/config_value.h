/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config_value - one setting's text to its value, and back.
 *
 * Shape       Whole numbers and reals in decimal digits. Unit "ms": a number
 *             and one of ms, s, m, h, d; unit "bytes": a number and one of B,
 *             kB, KiB, MB, MiB, GB, GiB; 0 needs no unit. true and false.
 *             Choices by name. Texts: UTF-8 without control characters.
 *
 * Errors      HF_E_INVALID with a text that says what is wrong and what would
 *             be right; the record is then as it was. The key is not named:
 *             the caller knows where it stands.
 */
#include "boot/config_table.h"

enum {
	HF_CONFIG_VALUE_BYTES = 2 * HF_PATH_BYTES + 16, /* a text of escapes only */
};

/* quoted: the file had the text in quotes, so it is no number and no truth value. text is
 * size_bytes long and NUL-terminated. */
enum hf_code hf_config_value_set(const struct hf_config_row *row, const char *text,
				 size_t size_bytes, bool quoted, void *record,
				 struct hf_err *err) HF_MUST_CHECK;

/* The value as it would be written in the file: texts in double quotes. */
void hf_config_value_text(const struct hf_config_row *row, const void *record,
			  char ret_text[HF_CONFIG_VALUE_BYTES]);

/* "100ms to 10m", "one of file, v4l2, rtsp", "true or false", "at most 63 bytes of text". */
void hf_config_value_range(const struct hf_config_row *row, char *ret_text, size_t size_bytes_max);

/* Is it the default? */
bool hf_config_value_standard(const struct hf_config_row *row, const void *record);

/* The name of choice number index of "a|b|c". */
void hf_config_choice_name(const char *choices, int32_t index, char *ret_text,
			   size_t size_bytes_max);

/* A real with just enough digits to be read back the same. */
void hf_config_real_text(double value, char *ret_text, size_t size_bytes_max);

/* Digits, at most one '.', an exponent; finite. Nothing else: no nan, no hexadecimal. */
bool hf_config_real_parse(const char *text, double *ret_value);
