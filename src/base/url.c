/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include "base/auto.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const secret_words[] = { "pass", "pwd", "token", "secret", "auth", "key" };

static enum hf_code parse_port(const char *port, uint16_t *ret_port, struct hf_err *err)
{
	size_t digits = strspn(port, "0123456789");
	long number = digits > 0 && digits <= 5 ? strtol(port, NULL, 10) : 0;

	if (port[digits] != '\0' || number < 1 || number > 65535)
		return hf_fail(err, HF_E_INVALID,
			       "has a port that is not a number from 1 to 65535");
	*ret_port = (uint16_t)number;
	return HF_OK;
}

enum hf_code hf_url_parse(const char *url, struct hf_url *ret_url, struct hf_err *err)
{
	struct hf_url parsed = { 0 };
	char authority[2 * HF_URL_HOST_BYTES];
	const char *scheme_end = strstr(url, "://");

	if (scheme_end == NULL)
		return hf_fail(err, HF_E_INVALID, "has no scheme such as https:// or rtsp://");
	size_t length = strcspn(scheme_end + 3, "/?#");
	if (length >= sizeof authority)
		return hf_fail(err, HF_E_INVALID, "has a host that is too long");
	memcpy(authority, scheme_end + 3, length);
	authority[length] = '\0';

	char *at = strrchr(authority, '@');
	parsed.with_user = at != NULL;
	char *host = at != NULL ? at + 1 : authority;
	char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
	if (host[0] == '[' && bracket == NULL)
		return hf_fail(err, HF_E_INVALID, "has a [ without a ]");
	char *colon = strchr(bracket != NULL ? bracket : host, ':');
	if (colon != NULL) {
		*colon = '\0';
		enum hf_code code = parse_port(colon + 1, &parsed.port, err);
		if (code != HF_OK)
			return code;
	}
	if (bracket != NULL) {
		if (bracket[1] != '\0')
			return hf_fail(err, HF_E_INVALID, "has something behind the ]");
		*bracket = '\0';
		host++;
	}
	if (host[0] == '\0')
		return hf_fail(err, HF_E_INVALID, "has no host");
	for (const char *c = host; *c != '\0'; c++)
		if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c) ||
		    strchr("\\\"<>", *c) != NULL)
			return hf_fail(err, HF_E_INVALID, "has a host with characters no host has");
	if (strlen(host) >= sizeof parsed.host)
		return hf_fail(err, HF_E_INVALID, "has a host that is too long");
	memcpy(parsed.host, host, strlen(host) + 1);
	*ret_url = parsed;
	return HF_OK;
}

struct text {
	char *at;
	size_t left; /* the NUL included */
};

static void put(struct text *text, const char *bytes, size_t length)
{
	if (length >= text->left)
		length = text->left - 1;
	memcpy(text->at, bytes, length);
	text->at += length;
	text->left -= length;
	*text->at = '\0';
}

/* Does the key that ends before equals, and begins behind from, sound like a secret? */
static bool names_a_secret(const char *from, const char *equals)
{
	const char *key = equals;
	char lower[64] = "";
	size_t length;

	while (key > from && (isalnum((unsigned char)key[-1]) || key[-1] == '_' || key[-1] == '-'))
		key--;
	length = (size_t)(equals - key);
	if (length >= sizeof lower) /* its end tells */
		key = equals - (sizeof lower - 1);
	for (size_t i = 0; key + i < equals; i++)
		lower[i] = (char)tolower((unsigned char)key[i]);
	for (size_t i = 0; i < HF_ARRAY_LEN(secret_words); i++)
		if (strstr(lower, secret_words[i]) != NULL)
			return true;
	return false;
}

void hf_url_hide(const char *url, char *ret_text, size_t size_bytes)
{
	struct text text = { ret_text, size_bytes };
	const char *scheme_end = strstr(url, "://");
	const char *from = url;

	ret_text[0] = '\0';
	if (scheme_end == NULL) {
		put(&text, url, strlen(url));
		return;
	}
	from = scheme_end + 3;
	put(&text, url, (size_t)(from - url));
	const char *at = strrchr(from, '@');
	if (at != NULL) {
		put(&text, "***", 3);
		from = at;
	}
	for (const char *equals = strchr(from, '='); equals != NULL; equals = strchr(from, '=')) {
		put(&text, from, (size_t)(equals + 1 - from));
		bool secret = names_a_secret(from, equals);
		from = equals + 1;
		if (secret) {
			put(&text, "***", 3);
			from += strcspn(from, "&;/?#");
		}
	}
	put(&text, from, strlen(from));
}
