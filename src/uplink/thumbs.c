/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/thumbs.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void leave(struct hf_thumbs *thumbs)
{
	HF_ASSERT(thumbs->count > 0);
	thumbs->first = (thumbs->first + 1) % HF_THUMBS_MAX;
	thumbs->count--;
	thumbs->missing = false;
	hf_retry_succeeded(&thumbs->retry);
}

void hf_thumbs_init(struct hf_thumbs *ret_thumbs, int64_t retry_min_ms, int64_t retry_max_ms)
{
	memset(ret_thumbs, 0, sizeof *ret_thumbs);
	hf_retry_init(&ret_thumbs->retry, retry_min_ms, retry_max_ms);
}

bool hf_thumb_name(const char *thumb_path, char ret_name[HF_THUMB_NAME_BYTES])
{
	const char *slash = strrchr(thumb_path, '/');
	const char *base = slash != NULL ? slash + 1 : thumb_path;
	size_t digits = strspn(base, "0123456789abcdef");

	if (digits != HF_THUMB_NAME_BYTES - 1 || strcmp(base + digits, ".jpg") != 0)
		return false;
	memcpy(ret_name, base, digits);
	ret_name[digits] = '\0';
	return true;
}

void hf_thumbs_add(struct hf_thumbs *thumbs, const char *name)
{
	if (thumbs->count == HF_THUMBS_MAX)
		hf_thumbs_drop(thumbs);
	uint32_t at = (thumbs->first + thumbs->count) % HF_THUMBS_MAX;
	(void)snprintf(thumbs->names[at], HF_THUMB_NAME_BYTES, "%s", name);
	thumbs->count++;
}

bool hf_thumbs_next(const struct hf_thumbs *thumbs, struct hf_mono now, enum hf_method *ret_method,
		    const char **ret_name)
{
	if (thumbs->count == 0 || hf_retry_remaining_ms(&thumbs->retry, now) > 0)
		return false;
	*ret_method = thumbs->missing ? HF_METHOD_PUT : HF_METHOD_HEAD;
	*ret_name = thumbs->names[thumbs->first];
	return true;
}

void hf_thumbs_answered(struct hf_thumbs *thumbs, enum hf_method method,
			const struct hf_response *response, struct hf_mono now,
			const struct hf_random *random)
{
	bool whole = response->failure == NULL && !response->body_cut;
	long status = response->status;

	if (whole && method == HF_METHOD_HEAD && status == 404) {
		thumbs->missing = true;
		return;
	}
	if (whole && method == HF_METHOD_HEAD && status == 200) {
		/* A portal says 200 to anything; sending once more is harmless. */
		if (response->content_type == NULL ||
		    strcasecmp(response->content_type, "image/jpeg") != 0)
			thumbs->missing = true;
		else
			leave(thumbs);
		return;
	}
	if (whole && method == HF_METHOD_PUT && (status == 200 || status == 201 || status == 204)) {
		thumbs->sent++;
		leave(thumbs);
		return;
	}
	hf_retry_failed(&thumbs->retry, now, random, response->retry_after_ms);
	if (thumbs->retry.attempts >= HF_THUMB_TRIES_MAX)
		hf_thumbs_drop(thumbs);
}

void hf_thumbs_drop(struct hf_thumbs *thumbs)
{
	thumbs->dropped++;
	leave(thumbs);
}
