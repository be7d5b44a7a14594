/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config_value.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/suggest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct scale {
	const char *name;
	int64_t factor;
	bool shown; /* used when a value is written */
};

/* Largest first: a value is shown in the largest unit that divides it. */
static const struct scale durations[] = {
	{ "d", 86400000, true }, { "h", 3600000, true }, { "m", 60000, true },
	{ "s", 1000, true },     { "ms", 1, true },
};

static const struct scale sizes[] = {
	{ "GiB", INT64_C(1) << 30, true },
	{ "GB", 1000000000, false },
	{ "MiB", 1 << 20, true },
	{ "MB", 1000000, false },
	{ "KiB", 1 << 10, true },
	{ "kB", 1000, false },
	{ "B", 1, true },
};

struct scales {
	const struct scale *all;
	size_t count;
	const char *example;
};

static struct scales scales_of(const struct hf_config_row *row)
{
	if (strcmp(row->unit, "ms") == 0)
		return (struct scales){ durations, HF_ARRAY_LEN(durations),
					"200ms, 5s, 10m, 2h or 1d" };
	if (strcmp(row->unit, "bytes") == 0)
		return (struct scales){ sizes, HF_ARRAY_LEN(sizes), "512KiB, 64MiB or 2GiB" };
	return (struct scales){ NULL, 0, NULL };
}

/* An optional sign and digits; ret_rest is what follows. False: no digits, or too large. */
static bool digits(const char *text, int64_t *ret_value, const char **ret_rest)
{
	bool negative = *text == '-';
	const char *c = negative || *text == '+' ? text + 1 : text;
	int64_t value = 0;

	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *c - '0', &value))
			return false;
	*ret_value = negative ? -value : value;
	*ret_rest = c;
	return true;
}

static const char *skip_digits(const char *c)
{
	while (*c >= '0' && *c <= '9')
		c++;
	return c;
}

static void int_text(const struct hf_config_row *row, int64_t value, char *ret_text,
		     size_t size_bytes_max)
{
	struct scales scales = scales_of(row);

	for (size_t i = 0; value != 0 && i < scales.count; i++)
		if (scales.all[i].shown && value % scales.all[i].factor == 0) {
			(void)snprintf(ret_text, size_bytes_max, "%" PRId64 "%s",
				       value / scales.all[i].factor, scales.all[i].name);
			return;
		}
	(void)snprintf(ret_text, size_bytes_max, "%" PRId64, value);
}

/* A number that stands with a unit: 5s, 64MiB. */
static enum hf_code scaled(struct scales scales, const char *text, int64_t *ret_value,
			   struct hf_err *err)
{
	const char *rest;
	int64_t value;

	if (!digits(text, &value, &rest))
		return hf_fail(err, HF_E_INVALID, "\"%.40s\" is not a number and a unit; write %s",
			       text, scales.example);
	if (*rest == '\0' && value == 0) {
		*ret_value = 0;
		return HF_OK;
	}
	if (*rest == '\0')
		return hf_fail(err, HF_E_INVALID, "\"%.40s\" has no unit; write %s", text,
			       scales.example);
	for (size_t i = 0; i < scales.count; i++) {
		if (strcmp(rest, scales.all[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(value, scales.all[i].factor, ret_value))
			return hf_fail(err, HF_E_INVALID, "\"%.40s\" is too large to be meant",
				       text);
		return HF_OK;
	}
	return hf_fail(err, HF_E_INVALID,
		       "\"%.40s\" is not a whole number with one unit after it; write %s", text,
		       scales.example);
}

static enum hf_code counted(const struct hf_config_row *row, const char *text, int64_t *ret_value,
			    struct hf_err *err)
{
	const char *rest;

	if (!digits(text, ret_value, &rest) || *rest != '\0')
		return hf_fail(err, HF_E_INVALID,
			       "\"%.40s\" is not a whole number (it counts %s, so no unit follows)",
			       text, row->unit);
	const char *first = *text == '-' || *text == '+' ? text + 1 : text;
	if (first[0] == '0' && first[1] != '\0')
		return hf_fail(err, HF_E_INVALID,
			       "\"%.40s\" begins with 0, which some read as octal; write %" PRId64,
			       text, *ret_value);
	return HF_OK;
}

static enum hf_code refuse_range(const struct hf_config_row *row, const char *text,
				 struct hf_err *err)
{
	char range[64];

	hf_config_value_range(row, range, sizeof range);
	return hf_fail(err, HF_E_INVALID, "%.40s is out of range (%s): %s", text, range, row->help);
}

static enum hf_code set_int(const struct hf_config_row *row, const char *text, bool quoted,
			    void *at, struct hf_err *err)
{
	struct scales scales = scales_of(row);
	int64_t value;

	if (quoted && scales.count == 0)
		return hf_fail(err, HF_E_INVALID,
			       "\"%.40s\" is a text; write the number without quotes", text);
	enum hf_code code = scales.count > 0 ? scaled(scales, text, &value, err)
					     : counted(row, text, &value, err);
	if (code != HF_OK)
		return code;
	if (value < row->min || value > row->max)
		return refuse_range(row, text, err);
	memcpy(at, &value, sizeof value);
	return HF_OK;
}

static enum hf_code set_real(const struct hf_config_row *row, const char *text, bool quoted,
			     void *at, struct hf_err *err)
{
	double value;

	if (quoted)
		return hf_fail(err, HF_E_INVALID,
			       "\"%.40s\" is a text; write the number without quotes", text);
	if (!hf_config_real_parse(text, &value))
		return hf_fail(err, HF_E_INVALID, "\"%.40s\" is not a number such as 0.5", text);
	/* Written so that a NaN would be refused too. */
	if (!(value >= row->real_min && value <= row->real_max))
		return refuse_range(row, text, err);
	memcpy(at, &value, sizeof value);
	return HF_OK;
}

static enum hf_code set_bool(const char *text, bool quoted, void *at, struct hf_err *err)
{
	static const struct {
		const char *written;
		const char *meant;
	} nearly[] = {
		{ "yes", "true" },    { "on", "true" },     { "1", "true" },    { "True", "true" },
		{ "TRUE", "true" },   { "no", "false" },    { "off", "false" }, { "0", "false" },
		{ "False", "false" }, { "FALSE", "false" },
	};
	const char *meant = NULL;

	if (!quoted && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
		*(bool *)at = *text == 't';
		return HF_OK;
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(nearly); i++)
		if (strcmp(text, nearly[i].written) == 0)
			meant = nearly[i].meant;
	if (meant != NULL)
		return hf_fail(err, HF_E_INVALID, "\"%.40s\" is neither true nor false; write %s",
			       text, meant);
	return hf_fail(err, HF_E_INVALID, "\"%.40s\" is neither true nor false%s", text,
		       quoted ? " (without quotes)" : "");
}

static enum hf_code set_choice(const struct hf_config_row *row, const char *text, void *at,
			       struct hf_err *err)
{
	char names[16][32];
	const char *best = NULL;
	char list[96];
	int32_t count = 0;

	for (; count < 16; count++) {
		hf_config_choice_name(row->choices, count, names[count], sizeof names[count]);
		if (names[count][0] == '\0')
			break;
		if (strcmp(names[count], text) == 0) {
			*(int32_t *)at = count;
			return HF_OK;
		}
		hf_suggest_consider(text, names[count], &best);
	}
	hf_config_value_range(row, list, sizeof list);
	return hf_fail(err, HF_E_INVALID, "\"%.40s\" is not %s%s%s%s", text, list,
		       best != NULL ? "; did you mean \"" : "", best != NULL ? best : "",
		       best != NULL ? "\"?" : "");
}

/* C0, DEL, C1, the two Unicode line ends and the byte order mark: none is seen on a screen, each
 * breaks a line of somebody's log. */
static bool has_control(const char *text, size_t size_bytes)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < size_bytes; i++) {
		if (s[i] < 0x20 || s[i] == 0x7f)
			return true;
		if (s[i] == 0xc2 && i + 1 < size_bytes && s[i + 1] >= 0x80 && s[i + 1] < 0xa0)
			return true;
		if (i + 2 < size_bytes && (memcmp(s + i, "\xe2\x80\xa8", 3) == 0 ||
					   memcmp(s + i, "\xe2\x80\xa9", 3) == 0 ||
					   memcmp(s + i, "\xef\xbb\xbf", 3) == 0))
			return true;
	}
	return false;
}

static enum hf_code set_text(const struct hf_config_row *row, const char *text, size_t size_bytes,
			     bool quoted, void *at, struct hf_err *err)
{
	if (!quoted && (size_bytes == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return hf_fail(err, HF_E_INVALID,
			       "has no value; write a text, or remove the line for the default");
	if (hf_utf8_valid_prefix(text, size_bytes) != size_bytes)
		return hf_fail(err, HF_E_INVALID, "has bytes that are not UTF-8");
	if (has_control(text, size_bytes))
		return hf_fail(err, HF_E_INVALID,
			       "has a control character (a line end, a tab, ...) in it; it would "
			       "break the lines of logs and events");
	if (size_bytes > 0 && (text[0] == ' ' || text[size_bytes - 1] == ' '))
		return hf_fail(err, HF_E_INVALID,
			       "begins or ends with a blank, which nobody sees; remove it");
	if (size_bytes >= row->size_bytes)
		return hf_fail(err, HF_E_INVALID, "is %zu bytes long; at most %zu fit", size_bytes,
			       row->size_bytes - 1);
	/* The rest of the room is zeroed: the same settings are the same bytes. */
	memset(at, 0, row->size_bytes);
	memcpy(at, text, size_bytes);
	return HF_OK;
}

enum hf_code hf_config_value_set(const struct hf_config_row *row, const char *text,
				 size_t size_bytes, bool quoted, void *record, struct hf_err *err)
{
	char *at = (char *)record + row->offset;

	if (row->kind != HF_CONFIG_TEXT && strlen(text) != size_bytes)
		return hf_fail(err, HF_E_INVALID, "has a NUL character in it");
	/* Not quoted: there may be a password in it. */
	if (row->kind != HF_CONFIG_TEXT && strstr(text, "://") != NULL)
		return hf_fail(err, HF_E_INVALID, "is an address, which belongs to a url");
	switch (row->kind) {
	case HF_CONFIG_INT:
		return set_int(row, text, quoted, at, err);
	case HF_CONFIG_REAL:
		return set_real(row, text, quoted, at, err);
	case HF_CONFIG_BOOL:
		return set_bool(text, quoted, at, err);
	case HF_CONFIG_TEXT:
		return set_text(row, text, size_bytes, quoted, at, err);
	case HF_CONFIG_ENUM:
		return set_choice(row, text, at, err);
	}
	return HF_E_INVALID;
}

static void quote(const char *text, char ret_text[HF_CONFIG_VALUE_BYTES])
{
	size_t at = 0;

	ret_text[at++] = '"';
	for (; *text != '\0' && at + 3 < HF_CONFIG_VALUE_BYTES; text++) {
		if (*text == '"' || *text == '\\')
			ret_text[at++] = '\\';
		ret_text[at++] = *text;
	}
	ret_text[at++] = '"';
	ret_text[at] = '\0';
}

void hf_config_value_text(const struct hf_config_row *row, const void *record,
			  char ret_text[HF_CONFIG_VALUE_BYTES])
{
	const char *at = (const char *)record + row->offset;

	switch (row->kind) {
	case HF_CONFIG_INT:
		int_text(row, *(const int64_t *)(const void *)at, ret_text, HF_CONFIG_VALUE_BYTES);
		break;
	case HF_CONFIG_REAL:
		hf_config_real_text(*(const double *)(const void *)at, ret_text,
				    HF_CONFIG_VALUE_BYTES);
		break;
	case HF_CONFIG_BOOL:
		(void)snprintf(ret_text, HF_CONFIG_VALUE_BYTES, "%s",
			       *(const bool *)(const void *)at ? "true" : "false");
		break;
	case HF_CONFIG_TEXT:
		quote(at, ret_text);
		break;
	case HF_CONFIG_ENUM:
		hf_config_choice_name(row->choices, *(const int32_t *)(const void *)at, ret_text,
				      HF_CONFIG_VALUE_BYTES);
		break;
	}
}

void hf_config_value_range(const struct hf_config_row *row, char *ret_text, size_t size_bytes_max)
{
	char low[40], high[40];

	switch (row->kind) {
	case HF_CONFIG_INT:
		int_text(row, row->min, low, sizeof low);
		int_text(row, row->max, high, sizeof high);
		(void)snprintf(ret_text, size_bytes_max, "%s to %s%s%s", low, high,
			       scales_of(row).count > 0 ? "" : " ",
			       scales_of(row).count > 0 ? "" : row->unit);
		break;
	case HF_CONFIG_REAL:
		hf_config_real_text(row->real_min, low, sizeof low);
		hf_config_real_text(row->real_max, high, sizeof high);
		(void)snprintf(ret_text, size_bytes_max, "%s to %s %s", low, high, row->unit);
		break;
	case HF_CONFIG_BOOL:
		(void)snprintf(ret_text, size_bytes_max, "true or false");
		break;
	case HF_CONFIG_TEXT:
		(void)snprintf(ret_text, size_bytes_max, "text, at most %zu bytes",
			       row->size_bytes - 1);
		break;
	case HF_CONFIG_ENUM:
		(void)snprintf(ret_text, size_bytes_max, "one of ");
		for (const char *c = row->choices; *c != '\0'; c++) {
			size_t length = strlen(ret_text);

			(void)snprintf(ret_text + length, size_bytes_max - length,
				       *c == '|' ? ", " : "%c", *c);
		}
		break;
	}
}

bool hf_config_value_standard(const struct hf_config_row *row, const void *record)
{
	const char *at = (const char *)record + row->offset;

	switch (row->kind) {
	case HF_CONFIG_INT:
		return *(const int64_t *)(const void *)at == row->value;
	case HF_CONFIG_REAL:
		return memcmp(at, &row->real_value, sizeof(double)) == 0;
	case HF_CONFIG_BOOL:
		return *(const bool *)(const void *)at == (row->value != 0);
	case HF_CONFIG_TEXT:
		return strcmp(at, row->text) == 0;
	case HF_CONFIG_ENUM:
		return *(const int32_t *)(const void *)at == row->value;
	}
	return false;
}

void hf_config_choice_name(const char *choices, int32_t index, char *ret_text,
			   size_t size_bytes_max)
{
	const char *from = choices;

	for (; index > 0 && from != NULL; index--) {
		from = strchr(from, '|');
		from = from != NULL ? from + 1 : NULL;
	}
	(void)snprintf(ret_text, size_bytes_max, "%.*s", from != NULL ? (int)strcspn(from, "|") : 0,
		       from != NULL ? from : "");
}

void hf_config_real_text(double value, char *ret_text, size_t size_bytes_max)
{
	for (int precision = 6; precision <= 17; precision++) {
		(void)snprintf(ret_text, size_bytes_max, "%.*g", precision, value);
		if (strtod(ret_text, NULL) == value)
			return;
	}
}

bool hf_config_real_parse(const char *text, double *ret_value)
{
	const char *c = *text == '-' || *text == '+' ? text + 1 : text;
	const char *whole = c;

	c = skip_digits(c);
	size_t count = (size_t)(c - whole);
	if (*c == '.') {
		const char *fraction = c + 1;

		c = skip_digits(fraction);
		count += (size_t)(c - fraction);
	}
	if (count == 0)
		return false;
	if (*c == 'e' || *c == 'E') {
		const char *power = c[1] == '-' || c[1] == '+' ? c + 2 : c + 1;

		c = skip_digits(power);
		if (c == power)
			return false;
	}
	double value = strtod(text, NULL);
	if (*c != '\0' || !isfinite(value))
		return false;
	*ret_value = value;
	return true;
}
