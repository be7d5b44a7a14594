/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/assert.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_BYTES_MAX = 63,
	/* A number without an exponent that is no longer fits every reader. */
	SHORT_NUMBER_BYTES_MAX = 18,
};

static const uint64_t integer_max = UINT64_C(1) << 53;
static const uint64_t each_byte = UINT64_C(0x0101010101010101);
static const uint64_t high_bits = UINT64_C(0x8080808080808080);

static void put(struct hf_json *json, const char *bytes, size_t size_bytes)
{
	/* One byte stays free for the NUL. */
	if (json->overflow || size_bytes >= json->size_bytes_max - json->size_bytes) {
		json->overflow = true;
		return;
	}
	memcpy(json->data + json->size_bytes, bytes, size_bytes);
	json->size_bytes += size_bytes;
}

static void before_value(struct hf_json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->has_item[json->depth])
		put(json, ",", 1);
	json->has_item[json->depth] = true;
}

static void open_container(struct hf_json *json, const char *bracket)
{
	before_value(json);
	put(json, bracket, 1);
	HF_ASSERT(json->depth + 1 < HF_JSON_DEPTH_MAX);
	json->depth++;
	json->has_item[json->depth] = false;
}

static void close_container(struct hf_json *json, const char *bracket)
{
	HF_ASSERT(json->depth > 0 && !json->after_key);
	json->depth--;
	put(json, bracket, 1);
}

/* Length of the sequence at the start of text, 0 when it is not valid. */
static size_t utf8_sequence(const unsigned char *s, size_t size_bytes)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2)
		return 0;

	size_t length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	if (length == 0 || length > size_bytes)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

/* Not 0 when one of the eight bytes in it is below limit, which is at most 0x80, or is not ASCII. */
static uint64_t below_or_high(uint64_t word, uint64_t limit)
{
	return ((word - limit * each_byte) | word) & high_bits;
}

/* Not 0 when one of the eight bytes in it is this one, and perhaps for one that is not ASCII. */
static uint64_t has_byte(uint64_t word, char wanted)
{
	return ((word ^ (uint64_t)wanted * each_byte) - each_byte) & high_bits;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many bytes from the start of text are ASCII that is written as it is. */
static size_t plain_prefix(const unsigned char *s, size_t size_bytes)
{
	size_t i = 0;

	for (; size_bytes - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, s + i, sizeof word);
		if ((below_or_high(word, 0x20) | has_byte(word, '"') | has_byte(word, '\\') |
		     has_byte(word, 0x7f)) != 0)
			break;
	}
	while (i < size_bytes && is_plain(s[i]))
		i++;
	return i;
}

static void put_escaped(struct hf_json *json, const char *text, size_t size_bytes)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < size_bytes;) {
		size_t length = plain_prefix(s + i, size_bytes - i);
		char escaped[8];

		if (length > 0) {
			put(json, text + i, length);
			i += length;
			continue;
		}
		length = utf8_sequence(s + i, size_bytes - i);
		if (length == 0) {
			put(json, "\xef\xbf\xbd", 3);
			i++;
			continue;
		}
		if (s[i] == '"' || s[i] == '\\') {
			escaped[0] = '\\';
			escaped[1] = (char)s[i];
			put(json, escaped, 2);
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			(void)snprintf(escaped, sizeof escaped, "\\u%04x", s[i]);
			put(json, escaped, 6);
		} else {
			put(json, text + i, length);
		}
		i += length;
	}
}

struct hf_json hf_json_begin(char *data, size_t size_bytes_max)
{
	HF_ASSERT(size_bytes_max > 0);
	return (struct hf_json){ .data = data, .size_bytes_max = size_bytes_max };
}

enum hf_code hf_json_end(struct hf_json *json, struct hf_err *err)
{
	json->data[json->size_bytes] = '\0';
	if (json->overflow)
		return hf_fail(err, HF_E_LIMIT, "JSON does not fit into %zu bytes",
			       json->size_bytes_max);
	HF_ASSERT(json->depth == 0);
	return HF_OK;
}

void hf_json_object_open(struct hf_json *json)
{
	open_container(json, "{");
}

void hf_json_object_close(struct hf_json *json)
{
	close_container(json, "}");
}

void hf_json_array_open(struct hf_json *json)
{
	open_container(json, "[");
}

void hf_json_array_close(struct hf_json *json)
{
	close_container(json, "]");
}

void hf_json_key(struct hf_json *json, const char *key)
{
	hf_json_text(json, key);
	put(json, ":", 1);
	json->after_key = true;
}

void hf_json_text_n(struct hf_json *json, const char *text, size_t size_bytes)
{
	before_value(json);
	put(json, "\"", 1);
	put_escaped(json, text, size_bytes);
	put(json, "\"", 1);
}

void hf_json_text(struct hf_json *json, const char *text)
{
	if (text == NULL)
		hf_json_null(json);
	else
		hf_json_text_n(json, text, strlen(text));
}

void hf_json_raw(struct hf_json *json, const char *text, size_t size_bytes)
{
	before_value(json);
	put(json, text, size_bytes);
}

/* Its digits, from the last one back, and the sign. */
static void put_integer(struct hf_json *json, uint64_t value, bool negative)
{
	char text[24];
	char *end = text + sizeof text, *at = end;

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	if (negative)
		*--at = '-';
	hf_json_raw(json, at, (size_t)(end - at));
}

void hf_json_u64(struct hf_json *json, uint64_t value)
{
	HF_ASSERT(value <= integer_max);
	put_integer(json, value, false);
}

void hf_json_i64(struct hf_json *json, int64_t value)
{
	HF_ASSERT(value <= (int64_t)integer_max && value >= -(int64_t)integer_max);
	put_integer(json, value < 0 ? (uint64_t)-value : (uint64_t)value, value < 0);
}

void hf_json_real(struct hf_json *json, double value, int decimals)
{
	char text[64];

	if (!isfinite(value) || fabs(value) > 1e15) {
		hf_json_null(json);
		return;
	}
	int length = snprintf(text, sizeof text, "%.*f", decimals, value);
	hf_json_raw(json, text, (size_t)length);
}

void hf_json_bool(struct hf_json *json, bool value)
{
	hf_json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void hf_json_null(struct hf_json *json)
{
	hf_json_raw(json, "null", 4);
}

void hf_json_put_text(struct hf_json *json, const char *key, const char *text)
{
	hf_json_key(json, key);
	hf_json_text(json, text);
}

void hf_json_put_u64(struct hf_json *json, const char *key, uint64_t value)
{
	hf_json_key(json, key);
	hf_json_u64(json, value);
}

void hf_json_put_i64(struct hf_json *json, const char *key, int64_t value)
{
	hf_json_key(json, key);
	hf_json_i64(json, value);
}

void hf_json_put_real(struct hf_json *json, const char *key, double value, int decimals)
{
	hf_json_key(json, key);
	hf_json_real(json, value, decimals);
}

void hf_json_put_bool(struct hf_json *json, const char *key, bool value)
{
	hf_json_key(json, key);
	hf_json_bool(json, value);
}

void hf_json_put_null(struct hf_json *json, const char *key)
{
	hf_json_key(json, key);
	hf_json_null(json);
}

size_t hf_utf8_valid_prefix(const char *text, size_t size_bytes)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0;

	while (i < size_bytes) {
		uint64_t words[4];

		/* Nearly all of what is looked at is ASCII. */
		if (size_bytes - i >= sizeof words) {
			memcpy(words, s + i, sizeof words);
			if (((words[0] | words[1] | words[2] | words[3]) &
			     UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof words;
				continue;
			}
		}
		if (size_bytes - i >= sizeof words[0]) {
			memcpy(words, s + i, sizeof words[0]);
			if ((words[0] & high_bits) == 0) {
				i += sizeof words[0];
				continue;
			}
		}
		size_t length = utf8_sequence(s + i, size_bytes - i);

		if (length == 0)
			break;
		i += length;
	}
	return i;
}

size_t hf_utf8_line_prefix(const char *text, size_t size_bytes)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0;

	while (i < size_bytes) {
		uint64_t words[2];

		if (size_bytes - i >= sizeof words) {
			memcpy(words, s + i, sizeof words);
			if ((below_or_high(words[0], 0x20) | below_or_high(words[1], 0x20)) == 0) {
				i += sizeof words;
				continue;
			}
		}
		size_t length = s[i] < 0x20 ? 0 : utf8_sequence(s + i, size_bytes - i);

		if (length == 0)
			break;
		i += length;
	}
	return i;
}

/* A key of an object that is not closed yet, without its quotes. */
struct key {
	const char *text;
	size_t size_bytes;
};

struct keys {
	size_t count;
	struct key items[HF_JSON_KEYS_MAX];
};

/* What is left to look at. */
struct scan {
	const char *at, *end;
	struct keys *keys; /* NULL: not compared */
};

static bool skip(struct scan *scan, char wanted)
{
	if (scan->at == scan->end || *scan->at != wanted)
		return false;
	scan->at++;
	return true;
}

static void skip_spaces(struct scan *scan)
{
	while (skip(scan, ' '))
		;
}

static bool skip_word(struct scan *scan, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
		return false;
	scan->at += length;
	return true;
}

static bool skip_digits(struct scan *scan)
{
	const char *start = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > start;
}

static bool skip_exponent(struct scan *scan)
{
	if (!skip(scan, 'e') && !skip(scan, 'E'))
		return true;
	if (!skip(scan, '+'))
		(void)skip(scan, '-');
	return skip_digits(scan);
}

/* Who reads it has 64 bits for it, or a double, and may refuse the whole text for one that does
 * not fit. */
static bool fits(const char *number, size_t size_bytes, bool whole)
{
	char text[NUMBER_BYTES_MAX + 1];

	if (size_bytes <= SHORT_NUMBER_BYTES_MAX && memchr(number, 'e', size_bytes) == NULL &&
	    memchr(number, 'E', size_bytes) == NULL)
		return true;
	if (size_bytes > NUMBER_BYTES_MAX)
		return false;
	memcpy(text, number, size_bytes);
	text[size_bytes] = '\0';
	errno = 0;
	if (whole)
		(void)strtoll(text, NULL, 10);
	/* Too small a real is 0, which is near enough. */
	return whole ? errno == 0 : isfinite(strtod(text, NULL));
}

static bool skip_number(struct scan *scan)
{
	const char *start = scan->at;

	(void)skip(scan, '-');
	if (!skip(scan, '0') && !skip_digits(scan))
		return false;
	const char *digits_end = scan->at;
	if ((skip(scan, '.') && !skip_digits(scan)) || !skip_exponent(scan))
		return false;
	return fits(start, (size_t)(scan->at - start), scan->at == digits_end);
}

static bool skip_hex4(struct scan *scan, unsigned *ret_value)
{
	*ret_value = 0;
	for (int i = 0; i < 4; i++, scan->at++) {
		if (scan->at == scan->end || !isxdigit((unsigned char)*scan->at))
			return false;
		unsigned digit = (unsigned char)*scan->at;
		*ret_value = *ret_value << 4 | (digit <= '9' ? digit - '0' : (digit & 7) + 9);
	}
	return true;
}

/* Behind the backslash. Half a pair, and NUL, are letters of the grammar and of no alphabet: many
 * a reader refuses the text for them. */
static bool skip_escape(struct scan *scan)
{
	unsigned first, second;

	if (scan->at == scan->end)
		return false;
	char c = *scan->at++;
	if (c != 'u')
		return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
	if (!skip_hex4(scan, &first) || first == 0 || (first >= 0xdc00 && first <= 0xdfff))
		return false;
	if (first < 0xd800 || first > 0xdbff)
		return true;
	return skip(scan, '\\') && skip(scan, 'u') && skip_hex4(scan, &second) &&
	       second >= 0xdc00 && second <= 0xdfff;
}

static bool skip_text(struct scan *scan)
{
	if (!skip(scan, '"'))
		return false;
	for (;;) {
		scan->at += plain_prefix((const unsigned char *)scan->at,
					 (size_t)(scan->end - scan->at));
		if (scan->at == scan->end)
			return false;
		unsigned char c = (unsigned char)*scan->at++;

		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !skip_escape(scan)))
			return false;
	}
}

/* keys_first: where the keys of its object begin among those that are open. */
static bool skip_key(struct scan *scan, size_t keys_first)
{
	const char *start = scan->at + 1;
	struct keys *keys = scan->keys;

	if (!skip_text(scan))
		return false;
	if (keys == NULL)
		return true;
	const struct key key = { .text = start, .size_bytes = (size_t)(scan->at - 1 - start) };
	if (keys->count == HF_JSON_KEYS_MAX || memchr(start, '\\', key.size_bytes) != NULL)
		return false;
	for (size_t i = keys_first; i < keys->count; i++)
		if (keys->items[i].size_bytes == key.size_bytes &&
		    memcmp(keys->items[i].text, key.text, key.size_bytes) == 0)
			return false;
	keys->items[keys->count++] = key;
	return true;
}

static bool skip_value(struct scan *scan, unsigned depth);

/* Members or elements up to the closing bracket. */
static bool skip_container(struct scan *scan, bool keys, unsigned depth)
{
	const char closing = keys ? '}' : ']';
	const size_t keys_first = scan->keys != NULL ? scan->keys->count : 0;

	if (depth == HF_JSON_DEPTH_MAX)
		return false;
	skip_spaces(scan);
	if (skip(scan, closing))
		return true;
	do {
		skip_spaces(scan);
		if (keys) {
			if (!skip_key(scan, keys_first))
				return false;
			skip_spaces(scan);
			if (!skip(scan, ':'))
				return false;
			skip_spaces(scan);
		}
		if (!skip_value(scan, depth + 1))
			return false;
		skip_spaces(scan);
	} while (skip(scan, ','));
	if (scan->keys != NULL)
		scan->keys->count = keys_first;
	return skip(scan, closing);
}

static bool skip_value(struct scan *scan, unsigned depth)
{
	if (skip(scan, '{'))
		return skip_container(scan, true, depth);
	if (skip(scan, '['))
		return skip_container(scan, false, depth);
	if (scan->at < scan->end && *scan->at == '"')
		return skip_text(scan);
	return skip_word(scan, "true") || skip_word(scan, "false") || skip_word(scan, "null") ||
	       skip_number(scan);
}

static bool is_object(struct scan scan)
{
	const char *text = scan.at;
	size_t size_bytes = (size_t)(scan.end - text);

	return skip(&scan, '{') && skip_container(&scan, true, 0) && scan.at == scan.end &&
	       hf_utf8_valid_prefix(text, size_bytes) == size_bytes;
}

bool hf_json_is_object(const char *text, size_t size_bytes)
{
	return is_object((struct scan){ .at = text, .end = text + size_bytes });
}

bool hf_json_is_plain_object(const char *text, size_t size_bytes)
{
	struct keys keys;

	keys.count = 0;
	return is_object((struct scan){ .at = text, .end = text + size_bytes, .keys = &keys });
}
