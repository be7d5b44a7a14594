/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/members.h"

#include "base/assert.h"
#include "base/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLAIN_DIGITS_MAX = 18,
};

struct cursor {
	const char *begin;
	const char *at;
	const char *end;
	struct hf_err *err;
};

static enum hf_code refuse(const struct cursor *c, const char *what)
{
	return hf_fail(c->err, HF_E_INVALID, "column %zu: %s", (size_t)(c->at - c->begin) + 1,
		       what);
}

/* Nearly every line: eight bytes at a time, so that only the others pay for a real look. */
static bool is_ascii(const char *text, size_t size_bytes)
{
	uint64_t word, seen = 0;

	for (; size_bytes >= sizeof word; text += sizeof word, size_bytes -= sizeof word) {
		memcpy(&word, text, sizeof word);
		seen |= word;
	}
	for (; size_bytes > 0; text++, size_bytes--)
		seen |= (unsigned char)*text;
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

static void skip_space(struct cursor *c)
{
	while (c->at < c->end &&
	       (*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n'))
		c->at++;
}

static bool take_char(struct cursor *c, char wanted)
{
	skip_space(c);
	if (c->at >= c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* Four digits of \uXXXX; -1 when they are not there. */
static int take_unit(struct cursor *c)
{
	int value = 0;

	if (c->end - c->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char d = *c->at++;
		int digit = d >= '0' && d <= '9'   ? d - '0'
			    : d >= 'a' && d <= 'f' ? d - 'a' + 10
			    : d >= 'A' && d <= 'F' ? d - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* Behind a backslash. A NUL and half a surrogate pair are no text. */
static bool take_escape(struct cursor *c)
{
	if (c->at >= c->end)
		return false;
	char kind = *c->at++;
	if (kind != 'u')
		return strchr("\"\\/bfnrt", kind) != NULL && kind != '\0';

	int unit = take_unit(c);
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	if (unit < 0xd800 || unit > 0xdbff)
		return true;
	if (c->end - c->at < 2 || c->at[0] != '\\' || c->at[1] != 'u')
		return false;
	c->at += 2;
	unit = take_unit(c);
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* At a quote; leaves the cursor behind the closing one. */
static enum hf_code take_text(struct cursor *c, const char **ret_text, size_t *ret_size_bytes,
			      bool *ret_escaped)
{
	bool escaped = false;
	const char *start = ++c->at;

	for (;;) {
		if (c->at >= c->end)
			return refuse(c, "a text without an end");
		unsigned char byte = (unsigned char)*c->at;

		if (byte == '"')
			break;
		if (byte < 0x20)
			return refuse(c, "a control byte in a text");
		c->at++;
		if (byte != '\\')
			continue;
		escaped = true;
		if (!take_escape(c))
			return refuse(c, "an escape that is none");
	}
	*ret_text = start;
	*ret_size_bytes = (size_t)(c->at - start);
	*ret_escaped = escaped;
	c->at++;
	return HF_OK;
}

/* A value of any kind by the general parser; it stops behind it. */
static enum hf_code take_general(struct cursor *c, struct hf_member *member)
{
	json_error_t json_err;
	json_t *json = json_loadb(c->at, (size_t)(c->end - c->at),
				  JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
				  &json_err);

	if (json == NULL)
		return hf_fail(c->err, HF_E_INVALID, "column %zu: %.120s",
			       (size_t)(c->at - c->begin) + (size_t)json_err.position,
			       json_err.text);
	member->kind = json_is_object(json)    ? HF_MEMBER_OBJECT
		       : json_is_array(json)   ? HF_MEMBER_ARRAY
		       : json_is_integer(json) ? HF_MEMBER_INTEGER
					       : HF_MEMBER_REAL;
	member->value = c->at;
	member->value_bytes = (size_t)json_err.position;
	c->at += json_err.position;
	json_decref(json);
	return HF_OK;
}

/* -12 or -1.25; anything longer or with an exponent is for the general parser. */
static bool take_plain_number(struct cursor *c, struct hf_member *member)
{
	const char *at = c->at, *end = c->end;

	if (at < end && *at == '-')
		at++;
	const char *digits = at;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	if (at == digits || at - digits > PLAIN_DIGITS_MAX || (*digits == '0' && at - digits > 1))
		return false;
	member->kind = HF_MEMBER_INTEGER;
	if (at < end && *at == '.') {
		const char *part = ++at;

		while (at < end && *at >= '0' && *at <= '9')
			at++;
		if (at == part || at - part > PLAIN_DIGITS_MAX)
			return false;
		member->kind = HF_MEMBER_REAL;
	}
	if (at < end && (*at == 'e' || *at == 'E'))
		return false;
	member->value = c->at;
	member->value_bytes = (size_t)(at - c->at);
	c->at = at;
	return true;
}

static bool take_word(struct cursor *c, const char *word, enum hf_member_kind kind,
		      struct hf_member *member)
{
	size_t size_bytes = strlen(word);

	if ((size_t)(c->end - c->at) < size_bytes || memcmp(c->at, word, size_bytes) != 0)
		return false;
	member->kind = kind;
	member->value = c->at;
	member->value_bytes = size_bytes;
	c->at += size_bytes;
	return true;
}

static enum hf_code take_value(struct cursor *c, struct hf_member *member)
{
	skip_space(c);
	if (c->at < c->end && *c->at == '"') {
		member->kind = HF_MEMBER_TEXT;
		return take_text(c, &member->value, &member->value_bytes, &member->escaped);
	}
	if (take_word(c, "null", HF_MEMBER_NULL, member) ||
	    take_word(c, "true", HF_MEMBER_BOOL, member) ||
	    take_word(c, "false", HF_MEMBER_BOOL, member) ||
	    take_word(c, "{}", HF_MEMBER_OBJECT, member) || take_plain_number(c, member))
		return HF_OK;
	return take_general(c, member);
}

static bool key_is(const struct hf_member *member, const char *key, size_t key_bytes)
{
	return member->key_bytes == key_bytes && memcmp(member->key, key, key_bytes) == 0;
}

static enum hf_code take_member(struct cursor *c, struct hf_members *members)
{
	struct hf_member member = { 0 };
	bool escaped;

	skip_space(c);
	if (c->at >= c->end || *c->at != '"')
		return refuse(c, "a key is wanted");
	if (members->count == HF_MEMBERS_MAX)
		return refuse(c, "more members than an event may have");
	enum hf_code code = take_text(c, &member.key, &member.key_bytes, &escaped);
	if (code != HF_OK)
		return code;
	if (escaped)
		return refuse(c, "a key with an escape");
	for (size_t i = 0; i < members->count; i++)
		if (key_is(&members->items[i], member.key, member.key_bytes))
			return refuse(c, "a key that was there before");
	if (!take_char(c, ':'))
		return refuse(c, "':' is wanted");
	code = take_value(c, &member);
	if (code == HF_OK)
		members->items[members->count++] = member;
	return code;
}

enum hf_code hf_members_read(const char *text, size_t size_bytes, struct hf_members *ret_members,
			     struct hf_err *err)
{
	struct cursor c = { .begin = text, .at = text, .end = text + size_bytes, .err = err };

	ret_members->count = 0;
	/* jansson 2.14 passes over a NUL behind a number, and no other reader would. */
	if (memchr(text, '\0', size_bytes) != NULL)
		return hf_fail(err, HF_E_INVALID, "a NUL byte");
	if (!is_ascii(text, size_bytes) && hf_utf8_valid_prefix(text, size_bytes) != size_bytes)
		return hf_fail(err, HF_E_INVALID, "bytes that are not UTF-8");
	if (!take_char(&c, '{'))
		return refuse(&c, "an object is wanted");
	if (!take_char(&c, '}')) {
		do {
			enum hf_code code = take_member(&c, ret_members);

			if (code != HF_OK)
				return code;
		} while (take_char(&c, ','));
		if (!take_char(&c, '}'))
			return refuse(&c, "',' or '}' is wanted");
	}
	skip_space(&c);
	return c.at == c.end ? HF_OK : refuse(&c, "something behind the object");
}

const struct hf_member *hf_members_find(const struct hf_members *members, const char *key,
					size_t *hint)
{
	size_t key_bytes = strlen(key);

	for (size_t i = 0; i < members->count; i++) {
		size_t at = (*hint + i) % members->count;

		if (key_is(&members->items[at], key, key_bytes)) {
			*hint = at + 1;
			return &members->items[at];
		}
	}
	return NULL;
}

bool hf_member_text(const struct hf_member *member, char *ret_text, size_t size_bytes_max)
{
	HF_ASSERT(member->kind == HF_MEMBER_TEXT && size_bytes_max > 0);
	if (!member->escaped) {
		if (member->value_bytes >= size_bytes_max)
			return false;
		memcpy(ret_text, member->value, member->value_bytes);
		ret_text[member->value_bytes] = '\0';
		return true;
	}
	/* With its quotes it is a JSON value, and it has been checked. */
	json_t *json =
		json_loadb(member->value - 1, member->value_bytes + 2, JSON_DECODE_ANY, NULL);
	bool fits = json != NULL && json_string_length(json) < size_bytes_max;
	if (fits)
		memcpy(ret_text, json_string_value(json), json_string_length(json) + 1);
	json_decref(json);
	return fits;
}

int64_t hf_member_integer(const struct hf_member *member)
{
	char digits[32];

	HF_ASSERT(member->kind == HF_MEMBER_INTEGER);
	(void)snprintf(digits, sizeof digits, "%.*s", (int)member->value_bytes, member->value);
	return strtoll(digits, NULL, 10);
}
