/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * scan - the members of one JSON object, where they stand, without copying them.
 *
 * Shape       An event line is one object of about 25 members, nearly all of them short texts.
 *             Building a tree of it takes three times as long as storing it. Here texts, plain
 *             numbers, true, false and null are judged in place; what nests or is unusual is
 *             given to jansson. What passes, jansson accepts too (the test compares the two).
 *
 * Numbers     An integer has at most 18 digits here; longer ones and those with an exponent are
 *             jansson's to judge.
 *
 * Errors      HF_E_INVALID: not one JSON object, not UTF-8, or a key twice. Keys must be
 *             written without escapes: a key must look like itself.
 *
 * Owners      Members point into the text.
 *
 * Limits      HF_SCAN_MEMBERS_MAX members.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_SCAN_MEMBERS_MAX = 64,
};

enum hf_scan_kind {
	HF_SCAN_TEXT = 1,
	HF_SCAN_INTEGER,
	HF_SCAN_REAL,
	HF_SCAN_BOOL,
	HF_SCAN_NULL,
	HF_SCAN_OBJECT,
	HF_SCAN_ARRAY,
};

struct hf_scan_member {
	enum hf_scan_kind kind;
	bool escaped; /* a text with backslashes */
	const char *key;
	size_t key_bytes;
	const char *value; /* a text without its quotes */
	size_t value_bytes;
};

struct hf_scan {
	size_t count;
	struct hf_scan_member members[HF_SCAN_MEMBERS_MAX];
};

enum hf_code hf_scan_object(const char *text, size_t size_bytes, struct hf_scan *ret_scan,
			    struct hf_err *err) HF_MUST_CHECK;

/* The member of that name, NULL when there is none. hint: where to look first, for keys that
 * are asked for in the order in which they stand; set to the place behind the one found. */
const struct hf_scan_member *hf_scan_find(const struct hf_scan *scan, const char *key,
					  size_t *hint);

/* A text, its escapes resolved. false: it does not fit. */
bool hf_scan_text(const struct hf_scan_member *member, char *ret_text, size_t size_bytes_max);

/* An integer; clamped where it does not fit. */
int64_t hf_scan_integer(const struct hf_scan_member *member);
