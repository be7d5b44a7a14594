/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * json - write JSON into a buffer of the caller's, without allocation. Reading
 * is jansson's work, except for outbox lines (outbox/line.h).
 *
 * Shape       Compact JSON, keys in the order written, UTF-8 as given. Control
 *             characters, quotes and backslashes are escaped, so a text never
 *             puts a raw newline into a line. Bytes that are not UTF-8 become
 *             U+FFFD.
 *
 * Errors      Sticky: after an overflow nothing more is written and
 *             hf_json_end() says HF_E_LIMIT. A NaN or infinite number becomes
 *             null. Integers above 2^53 are a programmer's error.
 *
 * Limits      HF_JSON_DEPTH_MAX nested containers. HF_JSON_KEYS_MAX keys of objects that enclose one
 *             another, where keys are compared.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_JSON_DEPTH_MAX = 16,
	HF_JSON_KEYS_MAX = 64,
};

struct hf_json {
	char *data;
	size_t size_bytes;
	size_t size_bytes_max;
	unsigned depth;
	bool overflow;
	bool after_key;
	bool has_item[HF_JSON_DEPTH_MAX];
};

/* data has room for size_bytes_max bytes, the final NUL included. */
struct hf_json hf_json_begin(char *data, size_t size_bytes_max);

/* NUL-terminates. HF_E_LIMIT if anything did not fit. */
enum hf_code hf_json_end(struct hf_json *json, struct hf_err *err) HF_MUST_CHECK;

void hf_json_object_open(struct hf_json *json);
void hf_json_object_close(struct hf_json *json);
void hf_json_array_open(struct hf_json *json);
void hf_json_array_close(struct hf_json *json);
void hf_json_key(struct hf_json *json, const char *key);

/* Values. A NULL text is null. */
void hf_json_text(struct hf_json *json, const char *text);
void hf_json_text_n(struct hf_json *json, const char *text, size_t size_bytes);
void hf_json_u64(struct hf_json *json, uint64_t value);
void hf_json_i64(struct hf_json *json, int64_t value);
void hf_json_real(struct hf_json *json, double value, int decimals);
void hf_json_bool(struct hf_json *json, bool value);
void hf_json_null(struct hf_json *json);
/* JSON that is already text, e.g. a worker's own object. Not checked. */
void hf_json_raw(struct hf_json *json, const char *text, size_t size_bytes);

/* "key":value in one call. */
void hf_json_put_text(struct hf_json *json, const char *key, const char *text);
void hf_json_put_u64(struct hf_json *json, const char *key, uint64_t value);
void hf_json_put_i64(struct hf_json *json, const char *key, int64_t value);
void hf_json_put_real(struct hf_json *json, const char *key, double value, int decimals);
void hf_json_put_bool(struct hf_json *json, const char *key, bool value);
void hf_json_put_null(struct hf_json *json, const char *key);

/* One whole JSON object (RFC 8259) that every reader takes: on one line, valid UTF-8, nothing before or after it, at most
 * HF_JSON_DEPTH_MAX deep: text of another process that may become part of ours. */
bool hf_json_is_object(const char *text, size_t size_bytes);
/* The same, and no object has a key twice. A key with an escape, which could be another's double
 * in disguise, is refused too: what passes is right, what does not may need a general parser. */
bool hf_json_is_plain_object(const char *text, size_t size_bytes);

/* Length of the longest valid UTF-8 prefix (RFC 3629: no surrogates, no overlong forms). */
size_t hf_utf8_valid_prefix(const char *text, size_t size_bytes);
/* The same, up to the first control character (below 0x20) at the latest. */
size_t hf_utf8_line_prefix(const char *text, size_t size_bytes);
