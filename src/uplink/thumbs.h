/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * thumbs - the pictures of delivered events, on their way to the hub.
 *
 * Shape       A bounded list of names, "<64 hex>" of <sha256>.jpg. For each: HEAD
 *             /v1/thumbs/<sha256>; unless that says 200 and image/jpeg, PUT.
 *
 * Durability  None: best effort. The list is empty after a restart, and a picture
 *             that was not sent by then stays on the unit only.
 *
 * Limits      HF_THUMBS_MAX wait; one more pushes out the oldest, which is
 *             counted. HF_THUMB_TRIES_MAX failures in a row drop a picture.
 */
#include "uplink/retry.h"
#include "uplink/sender.h"

enum {
	HF_THUMBS_MAX = 256,
	HF_THUMB_TRIES_MAX = 5,
	HF_THUMB_NAME_BYTES = 65,
	HF_THUMB_BYTES_MAX = 1024 * 1024,
};

struct hf_thumbs {
	struct hf_retry retry;
	uint32_t first;
	uint32_t count;
	bool missing; /* the hub has said that it does not have the first one */
	uint64_t sent;
	uint64_t dropped;
	char names[HF_THUMBS_MAX][HF_THUMB_NAME_BYTES];
};

void hf_thumbs_init(struct hf_thumbs *ret_thumbs, int64_t retry_min_ms, int64_t retry_max_ms);

/* The name in a thumb_path, which may be any path that ends with <64 hex>.jpg. */
bool hf_thumb_name(const char *thumb_path, char ret_name[HF_THUMB_NAME_BYTES]);

void hf_thumbs_add(struct hf_thumbs *thumbs, const char *name);

/* What to ask now: HEAD or PUT of ret_name (borrowed until the list changes). false: nothing. */
bool hf_thumbs_next(const struct hf_thumbs *thumbs, struct hf_mono now, enum hf_method *ret_method,
		    const char **ret_name);
/* What came of it. */
void hf_thumbs_answered(struct hf_thumbs *thumbs, enum hf_method method,
			const struct hf_response *response, struct hf_mono now,
			const struct hf_random *random);
/* The first one cannot be sent: its file is gone or too large. */
void hf_thumbs_drop(struct hf_thumbs *thumbs);
