/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * api - what the hub answers, without a socket: a request in, a reply out.
 *
 * Shape       JSON but for thumbnails and the page. An error is {"error":WORD,"message":TEXT}: the
 *             word is stable, the text is for people. With --token-file every /v1 path wants
 *             Authorization: Bearer TOKEN.
 *
 *   POST /v1/events
 *       Body: outbox lines as they lie on the unit, application/x-ndjson. Headers Holdfast-Device,
 *       Holdfast-Epoch, Holdfast-Nonce (32 hex). All lines or none. With Holdfast-Forked-From
 *       the lines are of that epoch and are stored under Holdfast-Epoch (see store.h, Chain).
 *       200 {"device_id","epoch","nonce","acked_through","mark","receipt"}: through the last line
 *       of this request everything is on the hub's disk; mark is the highest number of this
 *       device and epoch that is; receipt {"seq","chain","at","key","sig"} countersigns the chain
 *       value of that last line (shape/receipt.h).
 *       409 {...,"seq"}: "conflict", another event has that number, or "chain_fork", the line
 *       does not continue the chain of what is stored. Nothing of the request was stored.
 *       422 {...,"seq","line"}: that line breaks the contract (seq null: not legible).
 *       503 + Retry-After: nothing was acknowledged, send the same again.
 *   GET /v1/events?after=&before=&limit=&device=&class=
 *       {"events":[...],"after":N,"before":N|null}. Events in the order in which the hub
 *       committed them: the unit's own line with "hub_row" (that order) and "received_at" added.
 *       Without after and before: the newest. `after` and `before` are hub rows, also when a
 *       device is named, for a device's numbers repeat when its epoch is redrawn. Pass the
 *       answer's "after" back to follow, its "before" to look further back (null: no more). A
 *       page may be empty and still not be the last: it looks at a bounded stretch of rows. An
 *       "after" below the one asked for: the hub began anew, start over. limit 1..1000, else 50.
 *   GET /v1/devices
 *       {"now","devices":[...]}: one row a device and epoch, newest epoch first. "forks":
 *       how often the chain did not go on; "unchecked": lines where that could not be said;
 *       "forked_from": the epoch that this one was redrawn from, or null.
 *   GET /v1/gaps?device=
 *       {"gaps":[{"device_id","epoch","first","last","count","noticed_at"}]}: numbers that never
 *       came; a late line takes its number out.
 *   GET, HEAD, PUT /v1/thumbs/<sha256>
 *       A JPEG by the digest of its bytes. PUT: 201 stored, 200 was here already.
 *   GET /v1/key
 *       {"algorithm":"ed25519","key":"<64 hex>"}: the public key of the receipts.
 *   GET /healthz
 *       200 {"status":"ok"}, or 503 with the reason when the store cannot be read or written.
 *
 * Owners      One thread; what it shares with `aside` is done when a call returns. A reply's body and
 *             fd are the caller's: hf_reply_free().
 *
 * Limits      HF_BODY_BYTES_MAX a request's body: 413.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/random.h"
#include "hub/assets.h"
#include "hub/key.h"
#include "hub/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_BODY_BYTES_MAX = 1 << 20,
	HF_QUERY_ITEMS_MAX = 8,
	HF_EVENTS_LIMIT = 50,
	HF_EVENTS_LIMIT_MAX = 1000,
};

struct hf_query_item {
	const char *key;
	const char *value; /* NULL: a key without '=' */
};

struct hf_request {
	const char *method;
	const char *path;
	const char *(*header)(const struct hf_request *request, const char *name);
	const void *context; /* of header */
	struct hf_query_item query[HF_QUERY_ITEMS_MAX];
	size_t query_count; /* may be above the maximum: then the request is refused */
	const char *body;
	size_t body_bytes;
};

struct hf_reply {
	unsigned status;
	const char *type;
	char *body;
	size_t body_bytes;
	const struct hf_asset *asset; /* instead of body */
	int fd;                       /* instead of body; else -1 */
	uint64_t fd_bytes;
	const char *cache_control;
	const char *allow; /* 405: the methods there are */
	unsigned retry_after_s;
};

struct hf_api {
	struct hf_store *store;
	const char *thumbs_dir;
	const char *token; /* NULL: none is asked for */
	const char *version;
	const struct hf_hub_key *key; /* NULL: nothing is countersigned */
	struct hf_aside *aside;       /* NULL: the answering thread does everything */
	const struct hf_clock *clock;
	const struct hf_random *random;
	struct hf_err write_err; /* why the last write failed; code HF_OK: it did not */
};

/* Before the body is read: may this request go on? false: ret_reply says why not. */
bool hf_api_admit(const struct hf_api *api, const struct hf_request *request,
		  struct hf_reply *ret_reply);

/* The body is there. Admitted requests only. */
void hf_api_answer(struct hf_api *api, const struct hf_request *request,
		   struct hf_reply *ret_reply);

/* A refusal that is not about the request's content: too large, too busy. */
void hf_api_refuse(const struct hf_api *api, unsigned status, const char *word, const char *message,
		   struct hf_reply *ret_reply);

void hf_reply_free(struct hf_reply *reply);
