/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * answer - what a response to a batch of events means.
 *
 * Shape       Delivered is only: status 200, Content-Type application/json, one
 *             JSON object with
 *               {"device_id":D,"epoch":E,"nonce":N,"acked_through":S}
 *             where D, E and N are what was sent, S is an integer and
 *             first_seq - 1 <= S <= last_seq. More keys are allowed, the same
 *             key twice is not. Two of them are looked at: "mark", the highest
 *             number the hub has under E, and "receipt" (shape/receipt.h) for one
 *             of the lines up to S. One that is malformed is left out and never
 *             makes a delivery undone; its signature is the caller's to check. A plain "2xx is success" takes a captive
 *             portal's page for a delivery.
 *             The hub's own refusals carry {"error":CODE,"message":TEXT} and for
 *             422 the number of the line, "seq"; for 409 too, and CODE
 *             "chain_fork" says that it is not that number but the chain that is
 *             another. A refusal without that object
 *             is somebody else's (a portal, a proxy): RETRY.
 *
 * Numbers     Integers above 2^53 are refused, as everywhere.
 *
 * Errors      Pure; the verdict is the answer. Whatever is not understood is
 *             RETRY: the events wait.
 */
#include "base/err.h"
#include "shape/receipt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_ANSWER_TEXT_BYTES = 256,
	HF_RESPONSE_BODY_BYTES_MAX = 64 * 1024,
};

enum hf_verdict {
	HF_VERDICT_DELIVERED = 1, /* everything up to acked_through is the hub's */
	HF_VERDICT_RETRY,         /* not delivered; the same again, later */
	HF_VERDICT_BLOCKED,   /* credentials or configuration: needs a person; tried on slowly */
	HF_VERDICT_REJECTED,  /* the line rejected_seq will never be taken */
	HF_VERDICT_TOO_LARGE, /* the same with fewer lines */
	HF_VERDICT_CONFLICT,  /* the hub has other bytes under these numbers: needs a person */
};

/* "delivered", "retry", ...: stable. */
const char *hf_verdict_name(enum hf_verdict verdict);

/* What was sent. */
struct hf_sent {
	const char *device_id;
	const char *epoch;
	const char *nonce;
	uint64_t first_seq;
	uint64_t last_seq;
};

/* What came back. Texts are borrowed and may be NULL. */
struct hf_response {
	const char *failure; /* why no whole response came: name, connection, TLS, time-out, ... */
	long status;
	const char *content_type;
	const char *body;
	size_t body_bytes;
	bool body_cut;          /* it was larger than HF_RESPONSE_BODY_BYTES_MAX */
	int64_t retry_after_ms; /* 0: none */
};

struct hf_answer {
	enum hf_verdict verdict;
	uint64_t acked_through;          /* of DELIVERED */
	uint64_t seq;                    /* of REJECTED; of CONFLICT, 0 if the hub did not say */
	int64_t retry_after_ms;          /* of 503 and 429 */
	bool local;                      /* nothing was sent */
	uint64_t mark;                   /* of DELIVERED; 0: the hub did not say */
	bool has_receipt;                /* of DELIVERED */
	bool receipt_malformed;          /* there was one */
	struct hf_receipt receipt;       /* not yet verified */
	bool fork;                       /* of CONFLICT: the chain does not go on at seq */
	bool busy;                       /* 503 or 429: somebody is there, only not now */
	char text[HF_ANSWER_TEXT_BYTES]; /* for people; printable */
};

/* The request could not even be sent. */
void hf_answer_unsent(enum hf_verdict verdict, const char *text, struct hf_answer *ret_answer);

void hf_answer_judge(const struct hf_response *response, const struct hf_sent *sent,
		     struct hf_answer *ret_answer);
