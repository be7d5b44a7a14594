/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * members - the members of one JSON object, where they stand, without copying them.
 *
 * Shape       An event line is one object of about 25 members, nearly all of them short texts.
 *             Building a tree of it takes three times as long as storing it. Here texts, plain
 *             numbers, true, false and null are judged in place; what nests or is unusual is
 *             given to jansson. What passes, jansson accepts too (the test compares the two).
 *             A line whose keys all stand in the usual order does not come here (hub/intake.c).
 *
 * Numbers     An integer has at most 18 digits here; longer ones and those with an exponent are
 *             jansson's to judge.
 *
 * Errors      HF_E_INVALID: not one JSON object, not UTF-8, or a key twice. Keys must be
 *             written without escapes: a key must look like itself.
 *
 * Owners      Members point into the text.
 *
 * Limits      HF_MEMBERS_MAX members.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_MEMBERS_MAX = 64,
};

enum hf_member_kind {
	HF_MEMBER_TEXT = 1,
	HF_MEMBER_INTEGER,
	HF_MEMBER_REAL,
	HF_MEMBER_BOOL,
	HF_MEMBER_NULL,
	HF_MEMBER_OBJECT,
	HF_MEMBER_ARRAY,
};

struct hf_member {
	enum hf_member_kind kind;
	bool escaped; /* a text with backslashes */
	const char *key;
	size_t key_bytes;
	const char *value; /* a text without its quotes */
	size_t value_bytes;
};

struct hf_members {
	size_t count;
	struct hf_member items[HF_MEMBERS_MAX];
};

enum hf_code hf_members_read(const char *text, size_t size_bytes, struct hf_members *ret_members,
			     struct hf_err *err) HF_MUST_CHECK;

/* The member of that name, NULL when there is none. hint: where to look first, for keys that
 * are asked for in the order in which they stand; set to the place behind the one found. */
const struct hf_member *hf_members_find(const struct hf_members *members, const char *key,
					size_t *hint);

/* A text, its escapes resolved. false: it does not fit. */
bool hf_member_text(const struct hf_member *member, char *ret_text, size_t size_bytes_max);

/* An integer; clamped where it does not fit. */
int64_t hf_member_integer(const struct hf_member *member);
