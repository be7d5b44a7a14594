/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/event.h"

#include "base/assert.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* A run of members is an object without its braces. */
static enum hf_code strip_braces(struct hf_json *json, uint32_t *ret_bytes, struct hf_err *err)
{
	enum hf_code code = hf_json_end(json, err);

	if (code != HF_OK)
		return code;
	size_t inner = json->size_bytes - 2;
	memmove(json->data, json->data + 1, inner);
	json->data[inner] = '\0';
	*ret_bytes = (uint32_t)inner;
	return HF_OK;
}

static enum hf_code write_head(const struct hf_event *event, struct hf_offer *offer,
			       struct hf_err *err)
{
	char when[HF_WALL_TEXT_BYTES];
	struct hf_json json = hf_json_begin(offer->head, sizeof offer->head);

	hf_wall_text(event->captured_wall, when);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "captured_at", when);
	hf_json_put_text(&json, "layout_id", event->layout_id);
	hf_json_put_text(&json, "camera_name", event->camera_name);
	hf_json_put_text(&json, "event_class", event->event_class);
	hf_json_put_text(&json, "zone_id", event->zone_id);
	if (event->has_dwell)
		hf_json_put_real(&json, "dwell_seconds", event->dwell_s, 1);
	else
		hf_json_put_null(&json, "dwell_seconds");
	hf_json_put_text(&json, "thumb_path", event->thumb_path);
	hf_json_put_text(&json, "model_tag", event->model_tag);
	hf_json_put_u64(&json, "v", HF_EVENT_VERSION);
	hf_json_object_close(&json);
	return strip_braces(&json, &offer->head_bytes, err);
}

static enum hf_code write_tail(const struct hf_event *event, const struct hf_event_context *context,
			       struct hf_offer *offer, struct hf_err *err)
{
	const char *attrs = event->attrs != NULL ? event->attrs : "{}";
	struct hf_json json = hf_json_begin(offer->tail, sizeof offer->tail);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "boot_id", context->boot_id);
	hf_json_put_i64(&json, "mono_ms", event->captured_mono.us / 1000);
	hf_json_put_text(&json, "clock", event->clock);
	hf_json_put_text(&json, "release", context->release);
	hf_json_put_text(&json, "state", hf_state_name(event->state));
	hf_json_key(&json, "attrs");
	hf_json_raw(&json, attrs, strlen(attrs));
	hf_json_object_close(&json);
	return strip_braces(&json, &offer->tail_bytes, err);
}

static enum hf_code run_check(const char *run, uint32_t run_bytes, size_t size_bytes_max,
			      const char *first_key, struct hf_err *err)
{
	if (run_bytes == 0 || run_bytes >= size_bytes_max || run[run_bytes] != '\0')
		return hf_fail(err, HF_E_INVALID, "offer: a run of %u bytes", run_bytes);
	if (strncmp(run, first_key, strlen(first_key)) != 0)
		return hf_fail(err, HF_E_INVALID, "offer: a run does not begin with %s", first_key);
	size_t good = hf_utf8_line_prefix(run, run_bytes);
	if (good == run_bytes)
		return HF_OK;
	return hf_fail(err, HF_E_INVALID, "offer: byte %zu is %s", good,
		       (unsigned char)run[good] < 0x20 ? "a control character" : "not UTF-8");
}

enum hf_code hf_offer_make(const struct hf_event *event, const struct hf_event_context *context,
			   const struct hf_origin *origin, struct hf_offer *ret_offer,
			   struct hf_err *err)
{
	memset(ret_offer, 0, sizeof *ret_offer);
	hf_origin_text(origin, ret_offer->origin);
	enum hf_code code = write_head(event, ret_offer, err);
	if (code != HF_OK)
		return code;
	return write_tail(event, context, ret_offer, err);
}

/* The struct up to its head, then head and tail without their NULs. */
enum {
	PACKED_BEGINNING_BYTES = offsetof(struct hf_offer, head),
};

_Static_assert(PACKED_BEGINNING_BYTES == HF_ORIGIN_BYTES + 2 * sizeof(uint32_t),
	       "origin, head_bytes, tail_bytes and nothing between them");

size_t hf_offer_pack(const struct hf_offer *offer, void *ret_data)
{
	uint8_t *at = ret_data;

	HF_ASSERT(offer->head_bytes < sizeof offer->head && offer->tail_bytes < sizeof offer->tail);
	memcpy(at, offer, PACKED_BEGINNING_BYTES);
	at += PACKED_BEGINNING_BYTES;
	memcpy(at, offer->head, offer->head_bytes);
	at += offer->head_bytes;
	memcpy(at, offer->tail, offer->tail_bytes);
	return PACKED_BEGINNING_BYTES + (size_t)offer->head_bytes + offer->tail_bytes;
}

enum hf_code hf_offer_unpack(const void *data, size_t size_bytes, struct hf_offer *ret_offer,
			     struct hf_err *err)
{
	const uint8_t *at = data;
	uint32_t runs[2];

	if (size_bytes < PACKED_BEGINNING_BYTES)
		return hf_fail(err, HF_E_INVALID, "offer: %zu bytes", size_bytes);
	memcpy(runs, at + HF_ORIGIN_BYTES, sizeof runs);
	if (runs[0] >= sizeof ret_offer->head || runs[1] >= sizeof ret_offer->tail ||
	    size_bytes != PACKED_BEGINNING_BYTES + (size_t)runs[0] + runs[1])
		return hf_fail(err, HF_E_INVALID, "offer: %zu bytes for runs of %u and %u",
			       size_bytes, runs[0], runs[1]);
	memcpy(ret_offer, at, PACKED_BEGINNING_BYTES);
	at += PACKED_BEGINNING_BYTES;
	memcpy(ret_offer->head, at, runs[0]);
	ret_offer->head[runs[0]] = '\0';
	memcpy(ret_offer->tail, at + runs[0], runs[1]);
	ret_offer->tail[runs[1]] = '\0';
	return HF_OK;
}

enum hf_code hf_offer_check_origin(const struct hf_offer *offer, struct hf_origin *ret_origin,
				   struct hf_err *err)
{
	struct hf_origin origin;

	if (memchr(offer->origin, '\0', sizeof offer->origin) == NULL)
		return hf_fail(err, HF_E_INVALID, "offer: origin without an end");
	enum hf_code code = hf_origin_parse(offer->origin, &origin, err);
	if (code != HF_OK)
		return code;
	code = run_check(offer->head, offer->head_bytes, sizeof offer->head,
			 "\"captured_at\":", err);
	if (code != HF_OK)
		return code;
	code = run_check(offer->tail, offer->tail_bytes, sizeof offer->tail, "\"boot_id\":", err);
	if (code == HF_OK)
		*ret_origin = origin;
	return code;
}

enum hf_code hf_offer_check(const struct hf_offer *offer, struct hf_err *err)
{
	struct hf_origin ignored;

	return hf_offer_check_origin(offer, &ignored, err);
}

void hf_origin_text(const struct hf_origin *origin, char ret_text[HF_ORIGIN_BYTES])
{
	(void)snprintf(ret_text, HF_ORIGIN_BYTES, "%llu.%c.%llu.%llu",
		       (unsigned long long)origin->boot, origin->producer,
		       (unsigned long long)origin->run, (unsigned long long)origin->n);
}

/* Digits as hf_origin_text() writes them: no sign, no blank, no leading zero. */
static bool take_number(const char **at, uint64_t *ret_value)
{
	const char *start = *at;
	uint64_t value = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return *at > start && (*start != '0' || *at - start == 1);
}

static bool take_dot(const char **at)
{
	return *(*at)++ == '.';
}

/* By hand, and so that each origin has one text: keeper parses every origin more than once, and
 * sscanf() also takes blanks, signs and leading zeros. */
enum hf_code hf_origin_parse(const char *text, struct hf_origin *ret_origin, struct hf_err *err)
{
	struct hf_origin origin = { 0 };
	const char *at = text;
	bool good = take_number(&at, &origin.boot) && take_dot(&at);

	if (good) {
		origin.producer = *at;
		good = (*at == 'r' || *at == 's' || *at == 'k') && *++at == '.';
	}
	if (good) {
		at++;
		good = take_number(&at, &origin.run) && take_dot(&at) &&
		       take_number(&at, &origin.n) && *at == '\0' && origin.n > 0;
	}
	if (!good)
		return hf_fail(err, HF_E_INVALID, "origin \"%.40s\" is not boot.producer.run.n",
			       text);
	*ret_origin = origin;
	return HF_OK;
}
