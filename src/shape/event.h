/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * event - something the unit saw or did, before it has a number.
 *
 * Shape       The producer writes everything but what only keeper knows. The
 *             offer is two runs of JSON members without braces:
 *               head  "captured_at":...,"layout_id":...,"camera_name":...,
 *                     "event_class":...,"zone_id":...,"dwell_seconds":...,
 *                     "thumb_path":...,"model_tag":...,"v":1
 *               tail  "boot_id":...,"mono_ms":...,"clock":...,"release":...,
 *                     "state":...,"attrs":{...}
 *             and keeper makes the line of it:
 *               {"device_id":D,"local_seq":N,HEAD,"epoch":E,TAIL,"origin":O,
 *                "chain":C,"crc32c":X}\n
 *
 * Numbers     origin = "boot.producer.run.n": boot counter, 'r' for respond or
 *             's' for the supervisor, the supervisor's run counter, and n from
 *             1, rising by one with each event of that producer in that run.
 *             One event has one origin for ever: a re-offer carries the same.
 *             Keeper's own events about the outbox have 'k' and their
 *             local_seq as n: they are never offered, so never re-offered.
 *
 * Errors      Building fails with HF_E_LIMIT when it does not fit.
 */
#include "base/clock.h"
#include "base/err.h"
#include "shape/limits.h"
#include "shape/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_ORIGIN_BYTES = 80,
	HF_OFFER_HEAD_BYTES = 2048,
	HF_OFFER_TAIL_BYTES = 4096,
	HF_ATTRS_BYTES = 3072,
	HF_BOOT_ID_BYTES = 37, /* 8-4-4-4-12 and the NUL */
	HF_EVENT_VERSION = 1,
};

struct hf_origin {
	uint64_t boot;
	uint64_t run;
	uint64_t n;
	char producer; /* 'r', 's' or 'k' */
};

/* What does not change from one event of a process to the next. */
struct hf_event_context {
	char boot_id[HF_BOOT_ID_BYTES];
	char release[HF_TAG_BYTES];
};

struct hf_event {
	const char *event_class; /* "pre_action_zone_entry", ... */
	struct hf_wall captured_wall;
	struct hf_mono captured_mono;
	const char *layout_id; /* NULL = null, as in all that follow */
	const char *camera_name;
	const char *zone_id;
	bool has_dwell;
	double dwell_s;
	const char *thumb_path;
	const char *model_tag;
	const char *clock; /* "synced", "holdover", "unsynced" */
	enum hf_state state;
	const char *attrs; /* a whole JSON object as text; NULL = {} */
};

/* An event as it is offered to keeper, and kept by its producer until acknowledged. */
struct hf_offer {
	char origin[HF_ORIGIN_BYTES];
	uint32_t head_bytes;
	uint32_t tail_bytes;
	char head[HF_OFFER_HEAD_BYTES];
	char tail[HF_OFFER_TAIL_BYTES];
};

enum hf_code hf_offer_make(const struct hf_event *event, const struct hf_event_context *context,
			   const struct hf_origin *origin, struct hf_offer *ret_offer,
			   struct hf_err *err) HF_MUST_CHECK;

/* As it is sent: as long as what is in it. ret_data has room for sizeof(struct hf_offer). */
size_t hf_offer_pack(const struct hf_offer *offer, void *ret_data);
/* HF_E_INVALID: its sizes are not those of these bytes. What is in it is not looked at. Behind the
 * ends of head and tail ret_offer stays as it was. */
enum hf_code hf_offer_unpack(const void *data, size_t size_bytes, struct hf_offer *ret_offer,
			     struct hf_err *err) HF_MUST_CHECK;

/* What keeper checks: sizes, UTF-8, no newline, a well-formed origin. */
enum hf_code hf_offer_check(const struct hf_offer *offer, struct hf_err *err) HF_MUST_CHECK;
/* The same, for who goes on with its origin. */
enum hf_code hf_offer_check_origin(const struct hf_offer *offer, struct hf_origin *ret_origin,
				   struct hf_err *err) HF_MUST_CHECK;

void hf_origin_text(const struct hf_origin *origin, char ret_text[HF_ORIGIN_BYTES]);
enum hf_code hf_origin_parse(const char *text, struct hf_origin *ret_origin,
			     struct hf_err *err) HF_MUST_CHECK;
