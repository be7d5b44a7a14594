/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a line is read from both ends. The end has a fixed width, so the CRC
 * is found and checked first; what passes it was written by this code. The
 * beginning is then walked key by key. A line that was just made is parsed
 * again before anyone writes it: an offer that would not read back is refused
 * while its producer can still be told.
 */
#include "outbox/line.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/random.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static const uint64_t integer_max = UINT64_C(1) << 53;

static const char chain_key[] = ",\"chain\":\"";
static const char crc_key[] = "\",\"crc32c\":\"";
static const char line_end[] = "\"}\n";

_Static_assert(sizeof chain_key - 1 == 10 && sizeof crc_key - 1 == 12 && sizeof line_end - 1 == 3,
	       "the fixed width of a line's end");

struct cursor {
	const char *at;
	const char *end;
};

static inline bool skip_bytes(struct cursor *c, const char *text, size_t size_bytes)
{
	if ((size_t)(c->end - c->at) < size_bytes || memcmp(c->at, text, size_bytes) != 0)
		return false;
	c->at += size_bytes;
	return true;
}

/* Of a literal: the length is known, and comparing is a few instructions. */
#define skip(c, text) skip_bytes(c, text, sizeof(text) - 1)

/* How many of the first eight bytes are neither a quote, a backslash nor a control character.
 * The carry of a byte that is one may mark others above it, never below: the lowest is right. */
static unsigned plain_of_eight(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = 0x80 * ones;
	uint64_t x;

	memcpy(&x, at, sizeof x);
	x = le64toh(x);
	uint64_t quote = x ^ ('"' * ones), backslash = x ^ ('\\' * ones);
	uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
			 ((x - 0x20 * ones) & ~x);
	found &= highs;
	return found == 0 ? 8 : (unsigned)__builtin_ctzll(found) / 8;
}

static bool take_text(struct cursor *c, struct hf_slice *ret_slice)
{
	if (!skip(c, "\""))
		return false;
	const char *start = c->at;
	for (;;) {
		while (c->end - c->at >= 8) {
			unsigned plain = plain_of_eight(c->at);

			c->at += plain;
			if (plain < 8)
				break;
		}
		if (c->at >= c->end)
			return false;
		if (*c->at == '"')
			break;
		if ((unsigned char)*c->at < 0x20)
			return false;
		c->at += *c->at == '\\' ? 2 : 1;
	}
	*ret_slice = (struct hf_slice){ .data = start, .size_bytes = (size_t)(c->at - start) };
	c->at++;
	return true;
}

static bool take_text_or_null(struct cursor *c, struct hf_slice *ret_slice)
{
	*ret_slice = (struct hf_slice){ 0 };
	return skip(c, "null") || take_text(c, ret_slice);
}

static bool take_u64(struct cursor *c, uint64_t *ret_value)
{
	const char *start = c->at;
	uint64_t value = 0;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
		value = value * 10 + (uint64_t)(*c->at - '0');
		if (value > integer_max)
			return false;
		c->at++;
	}
	if (c->at == start || (*start == '0' && c->at - start > 1))
		return false;
	*ret_value = value;
	return true;
}

/* Digits with at most one point: what hf_json_real() writes. */
static bool take_number_or_null(struct cursor *c, struct hf_slice *ret_slice)
{
	*ret_slice = (struct hf_slice){ 0 };
	if (skip(c, "null"))
		return true;
	const char *start = c->at;
	uint64_t whole, part;
	(void)skip(c, "-");
	if (!take_u64(c, &whole))
		return false;
	if (skip(c, ".")) {
		while (c->at + 1 < c->end && *c->at == '0' && c->at[1] >= '0' && c->at[1] <= '9')
			c->at++;
		if (!take_u64(c, &part))
			return false;
	}
	*ret_slice = (struct hf_slice){ .data = start, .size_bytes = (size_t)(c->at - start) };
	return true;
}

/* From the first byte through epoch, in the one order there is. */
static bool walk_beginning(struct cursor *c, struct hf_line *line)
{
	uint64_t version;

	return skip(c, "{\"device_id\":") && take_text(c, &line->device_id) &&
	       skip(c, ",\"local_seq\":") && take_u64(c, &line->local_seq) && line->local_seq > 0 &&
	       skip(c, ",\"captured_at\":") && take_text(c, &line->captured_at) &&
	       skip(c, ",\"layout_id\":") && take_text_or_null(c, &line->layout_id) &&
	       skip(c, ",\"camera_name\":") && take_text_or_null(c, &line->camera_name) &&
	       skip(c, ",\"event_class\":") && take_text(c, &line->event_class) &&
	       skip(c, ",\"zone_id\":") && take_text_or_null(c, &line->zone_id) &&
	       skip(c, ",\"dwell_seconds\":") && take_number_or_null(c, &line->dwell_seconds) &&
	       skip(c, ",\"thumb_path\":") && take_text_or_null(c, &line->thumb_path) &&
	       skip(c, ",\"model_tag\":") && take_text_or_null(c, &line->model_tag) &&
	       skip(c, ",\"v\":") && take_u64(c, &version) && skip(c, ",\"epoch\":") &&
	       take_text(c, &line->epoch) && skip(c, ",\"boot_id\":");
}

/* "boot_id" was skipped: its value, mono_ms, clock, release, state; then attrs and origin. */
static bool walk_tail(struct cursor *c, struct hf_line *line)
{
	static const char origin_key[] = ",\"origin\":\"";
	const size_t key_bytes = sizeof origin_key - 1;
	struct hf_slice ignored;

	if (!take_text_or_null(c, &ignored) || !skip(c, ",\"mono_ms\":") ||
	    !take_number_or_null(c, &ignored) || !skip(c, ",\"clock\":") ||
	    !take_text_or_null(c, &ignored) || !skip(c, ",\"release\":") ||
	    !take_text_or_null(c, &line->release) || !skip(c, ",\"state\":") ||
	    !take_text(c, &line->state) || !skip(c, ",\"attrs\":"))
		return false;
	/* An origin has no quotes, so its key is the last one before the chain. */
	const char *attrs = c->at;
	const char *at = c->end - 1;
	if (at <= attrs || *at != '"')
		return false;
	while (at > attrs && at[-1] != '"')
		at--;
	if ((size_t)(at - attrs) < key_bytes + 2 ||
	    memcmp(at - key_bytes, origin_key, key_bytes) != 0)
		return false;
	line->origin = (struct hf_slice){ .data = at, .size_bytes = (size_t)(c->end - 1 - at) };
	line->attrs =
		(struct hf_slice){ .data = attrs, .size_bytes = (size_t)(at - key_bytes - attrs) };
	return attrs[0] == '{' && at[-(ptrdiff_t)key_bytes - 1] == '}';
}

static bool walk(struct hf_line *line)
{
	struct cursor c = { .at = line->data,
			    .end = line->data + line->size_bytes - HF_LINE_CHAIN_END_BYTES };

	return walk_beginning(&c, line) && walk_tail(&c, line);
}

struct hf_chain_input hf_line_chain_input(const struct hf_line *line, const uint8_t *chain_previous)
{
	return (struct hf_chain_input){ .previous = chain_previous,
					.data = line->data,
					.size_bytes = line->size_bytes - HF_LINE_CHAIN_END_BYTES };
}

void hf_line_chain(const uint8_t chain_previous[HF_CHAIN_BYTES], const struct hf_line *line,
		   uint8_t ret_chain[HF_CHAIN_BYTES])
{
	const struct hf_chain_input input = hf_line_chain_input(line, chain_previous);

	hf_chain_hash(&input, ret_chain);
}

static char *append(char *at, const char *bytes, size_t size_bytes)
{
	memcpy(at, bytes, size_bytes);
	return at + size_bytes;
}

static void write_end(struct hf_line *line, const uint8_t *chain_previous, char *data)
{
	char hex[2 * HF_CHAIN_BYTES + 1];
	char *at = data + line->size_bytes - HF_LINE_CHAIN_END_BYTES;

	hf_line_chain(chain_previous, line, line->chain);
	hf_hex(line->chain, HF_CHAIN_BYTES, hex);
	at = append(at, chain_key, sizeof chain_key - 1);
	at = append(at, hex, 2 * HF_CHAIN_BYTES);
	*at++ = '"';
	line->crc32c = hf_crc32c(0, data, (size_t)(at - data));
	const uint8_t crc[] = { (uint8_t)(line->crc32c >> 24), (uint8_t)(line->crc32c >> 16),
				(uint8_t)(line->crc32c >> 8), (uint8_t)line->crc32c };
	hf_hex(crc, sizeof crc, hex);
	at = append(at, crc_key + 1, sizeof crc_key - 2);
	at = append(at, hex, 2 * sizeof crc);
	at = append(at, line_end, sizeof line_end - 1);
	HF_ASSERT(at == data + line->size_bytes);
}

enum hf_code hf_line_make(const struct hf_offer *offer, const struct hf_line_stamp *stamp,
			  char *ret_data, struct hf_line *ret_line, struct hf_err *err)
{
	enum hf_code code = hf_offer_check(offer, err);

	return code != HF_OK ? code : hf_line_make_checked(offer, stamp, ret_data, ret_line, err);
}

enum hf_code hf_line_make_checked(const struct hf_offer *offer, const struct hf_line_stamp *stamp,
				  char *ret_data, struct hf_line *ret_line, struct hf_err *err)
{
	HF_ASSERT(stamp->local_seq > 0);
	if (stamp->local_seq > integer_max)
		return hf_fail(err, HF_E_LIMIT, "local_seq has reached 2^53");

	struct hf_json json = hf_json_begin(ret_data, HF_LINE_BYTES_MAX - HF_LINE_CHAIN_END_BYTES);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "device_id", stamp->device_id);
	hf_json_put_u64(&json, "local_seq", stamp->local_seq);
	hf_json_raw(&json, offer->head, offer->head_bytes);
	hf_json_put_text(&json, "epoch", stamp->epoch);
	hf_json_raw(&json, offer->tail, offer->tail_bytes);
	hf_json_put_text(&json, "origin", offer->origin);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "line %llu", (unsigned long long)stamp->local_seq);

	/* The brace is written again, behind chain and CRC. */
	struct hf_line line = { .data = ret_data,
				.size_bytes = json.size_bytes - 1 + HF_LINE_CHAIN_END_BYTES };
	if (line.size_bytes < HF_LINE_BYTES_MIN || !walk(&line) ||
	    line.local_seq != stamp->local_seq || !hf_slice_is(&line.origin, offer->origin))
		return hf_fail(err, HF_E_INVALID, "offer %s: its members are not those of an event",
			       offer->origin);
	write_end(&line, stamp->chain_previous, ret_data);
	*ret_line = line;
	return HF_OK;
}

enum hf_code hf_line_parse(const char *data, size_t size_bytes, struct hf_line *ret_line,
			   struct hf_err *err)
{
	struct hf_line line = { .data = data, .size_bytes = size_bytes };
	uint8_t crc[4];

	if (size_bytes < HF_LINE_BYTES_MIN || size_bytes > HF_LINE_BYTES_MAX)
		return hf_fail(err, HF_E_CORRUPT, "a line of %zu bytes", size_bytes);
	const char *end = data + size_bytes;
	const char *chain = end - HF_LINE_CHAIN_END_BYTES;
	const char *crc_text = end - 3 - 8;
	if (memcmp(end - 3, line_end, 3) != 0 || memcmp(crc_text - 12, crc_key, 12) != 0 ||
	    memcmp(chain, chain_key, 10) != 0 || !hf_unhex(crc_text, sizeof crc, crc) ||
	    !hf_unhex(chain + 10, sizeof line.chain, line.chain))
		return hf_fail(err, HF_E_CORRUPT, "no chain and crc32c at the end");
	line.crc32c =
		(uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3];
	uint32_t computed = hf_crc32c(0, data, size_bytes - HF_LINE_CRC_END_BYTES);
	if (computed != line.crc32c)
		return hf_fail(err, HF_E_CORRUPT, "crc32c is %08x, the bytes give %08x",
			       line.crc32c, computed);
	if (!walk(&line))
		return hf_fail(err, HF_E_CORRUPT, "the keys are not those of an event");
	if (memchr(data, '\n', size_bytes - 1) != NULL ||
	    hf_utf8_valid_prefix(data, size_bytes) != size_bytes)
		return hf_fail(err, HF_E_CORRUPT, "bytes that are not UTF-8, or a newline inside");
	*ret_line = line;
	return HF_OK;
}

uint64_t hf_line_seq_legible(const char *data, size_t size_bytes)
{
	struct cursor c = { .at = data, .end = data + size_bytes };
	struct hf_slice device_id;
	uint64_t seq;

	if (!skip(&c, "{\"device_id\":") || !take_text(&c, &device_id) ||
	    !skip(&c, ",\"local_seq\":") || !take_u64(&c, &seq) || !skip(&c, ","))
		return 0;
	return seq;
}

bool hf_slice_is(const struct hf_slice *slice, const char *text)
{
	size_t size = strlen(text);

	return slice->data != NULL && slice->size_bytes == size &&
	       memcmp(slice->data, text, size) == 0;
}

bool hf_slice_text(const struct hf_slice *slice, char *ret_text, size_t size_bytes_max)
{
	ret_text[0] = '\0';
	if (slice->data == NULL || slice->size_bytes >= size_bytes_max)
		return false;
	memcpy(ret_text, slice->data, slice->size_bytes);
	ret_text[slice->size_bytes] = '\0';
	return true;
}

static bool find_key(const struct hf_slice *attrs, const char *key, struct cursor *ret_cursor)
{
	char quoted[HF_ID_BYTES + 4];
	int size = snprintf(quoted, sizeof quoted, "\"%s\":", key);

	HF_ASSERT(size > 0 && (size_t)size < sizeof quoted);
	const char *found = attrs->data == NULL
				    ? NULL
				    : memmem(attrs->data, attrs->size_bytes, quoted, (size_t)size);
	if (found == NULL)
		return false;
	*ret_cursor = (struct cursor){ .at = found + size, .end = attrs->data + attrs->size_bytes };
	return true;
}

bool hf_attrs_u64(const struct hf_slice *attrs, const char *key, uint64_t *ret_value)
{
	struct cursor c;

	return find_key(attrs, key, &c) && take_u64(&c, ret_value);
}

bool hf_attrs_text(const struct hf_slice *attrs, const char *key, char *ret_text,
		   size_t size_bytes_max)
{
	struct cursor c;
	struct hf_slice slice;

	return find_key(attrs, key, &c) && take_text(&c, &slice) &&
	       hf_slice_text(&slice, ret_text, size_bytes_max);
}
