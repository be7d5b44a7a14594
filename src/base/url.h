/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * url - an address: where it leads, and how it may be shown.
 *
 * Shape       SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/PATH]. HOST is a name, an
 *             IPv4 address, or an IPv6 address in brackets.
 *
 * Owners      Pure functions.
 *
 * Errors      parse: INVALID. The text says what is wrong as the rest of a
 *             sentence ("has no host") and never quotes the address.
 *
 * Limits      A host of HF_URL_HOST_BYTES - 1 bytes.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_URL_HOST_BYTES = 256,
};

struct hf_url {
	char host[HF_URL_HOST_BYTES]; /* without brackets */
	uint16_t port;                /* 0: none is named */
	bool with_user;
};

enum hf_code hf_url_parse(const char *url, struct hf_url *ret_url,
			  struct hf_err *err) HF_MUST_CHECK;

/*
 * For logs, events and people: what may be a secret is replaced by "***". That is everything
 * before the last @, wherever it stands (a password with a / in it would else be half a path),
 * and the value of a key that sounds like a secret (many cameras take ?user=U&password=P). A
 * text without "://" is copied as it is.
 */
void hf_url_hide(const char *url, char *ret_text, size_t size_bytes);
