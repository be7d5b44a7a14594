/* SPDX-License-Identifier: Apache-2.0 */
/* The small languages: hours ('h'), addresses ('u'), JSON objects ('j'), origins ('o'). */
#include "fuzz.h"

#include "base/json.h"
#include "base/url.h"
#include "shape/event.h"
#include "shape/schedule.h"

#include <jansson.h>

static void hours(const char *text)
{
	struct hf_schedule schedule;
	struct hf_err err = { 0 };

	if (hf_schedule_parse(text, &schedule, &err) != HF_OK)
		return;
	for (unsigned minute = 0; minute < 7 * 24 * 60; minute++)
		(void)hf_schedule_holds(&schedule, minute / (24 * 60), minute % (24 * 60));
}

/* Whatever the parser made of it: a password is not shown. */
static void address(const char *text)
{
	struct hf_url url;
	struct hf_err err = { 0 };
	char shown[512], tiny[5];

	(void)!hf_url_parse(text, &url, &err);
	hf_url_hide(text, shown, sizeof shown);
	FUZZ_MUST(memchr(shown, '\0', sizeof shown) != NULL);
	hf_url_hide(text, tiny, sizeof tiny);
	FUZZ_MUST(memchr(tiny, '\0', sizeof tiny) != NULL);
}

/* What we take for JSON, a library that others use, and our hub, takes, too. */
static void object(const char *text, size_t size_bytes)
{
	json_error_t error;

	if (!hf_json_is_object(text, size_bytes))
		return;
	json_t *value = json_loadb(text, size_bytes, 0, &error);
	FUZZ_MUST(value != NULL);
	json_decref(value);
}

static void origin(const char *text)
{
	struct hf_origin parsed;
	struct hf_err err = { 0 };
	char again[HF_ORIGIN_BYTES];

	if (hf_origin_parse(text, &parsed, &err) != HF_OK)
		return;
	hf_origin_text(&parsed, again);
	FUZZ_MUST(strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	if (size_bytes == 0)
		return 0;
	HF_AUTO_FREE char *text = fuzz_text(data + 1, size_bytes - 1);
	if (data[0] == 'h')
		hours(text);
	else if (data[0] == 'u')
		address(text);
	else if (data[0] == 'j')
		object(text, size_bytes - 1);
	else
		origin(text);
	return 0;
}
