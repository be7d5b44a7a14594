/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sender - one HTTP request at a time to the hub, without ever blocking.
 *
 * Shape       libcurl's multi interface with one easy handle: connections are
 *             kept and used again, a second request is started only when the
 *             first one has ended. When a kept connection turns out to be dead
 *             before one byte came back, libcurl repeats the request as it is,
 *             same nonce, on a new one: the hub drops the twins by their numbers.
 *             With a token file every request carries
 *             Authorization; the file is read anew for each request, so that a
 *             token can be replaced at any time.
 *
 * Owners      The sender. The body of a request is borrowed until it has ended.
 *             The response is valid until the next start.
 *
 * Errors      hf_sender_open(): HF_E_INVALID when the address cannot be used at
 *             all, HF_E_DENIED when it is plain http beyond this machine and
 *             that was not allowed: a person must act, trying on is pointless.
 *             hf_sender_start(): HF_E_DENIED, HF_E_NOENT, ... for a token file
 *             that cannot be used. Everything that happens on the network is a
 *             response whose failure says what.
 *
 * Limits      No redirect is followed, nothing but http and https is spoken,
 *             TLS 1.2 or later with verified peer and name. At most
 *             HF_RESPONSE_BODY_BYTES_MAX bytes of a response body are taken;
 *             a longer one ends the request.
 */
#include "base/err.h"
#include "uplink/answer.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	HF_SENDER_HEADERS_MAX = 5,
	HF_SENDER_TOKEN_BYTES_MAX = 4096,
};

struct hf_sender;

struct hf_sender_options {
	const char *url; /* http[s]://host[:port][/prefix] */

	const char *ca_file;    /* empty: the system's */
	const char *token_file; /* empty: none */
	bool insecure;          /* plain http to another machine is allowed */
	int64_t connect_ms;
	int64_t total_ms;
};

enum hf_method {
	HF_METHOD_HEAD = 1,
	HF_METHOD_POST,
	HF_METHOD_PUT,
};

struct hf_request {
	enum hf_method method;
	const char *path; /* "/v1/events", appended to the address */
	const void *body; /* borrowed until the request has ended */
	size_t body_bytes;
	const char *headers[HF_SENDER_HEADERS_MAX]; /* "Name: value", NULL-terminated if fewer */
};

/* Texts of options are copied. */
enum hf_code hf_sender_open(const struct hf_sender_options *options, struct hf_sender **ret_sender,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_sender_close(struct hf_sender *sender); /* NULL is fine; a request in hand is given up */

/* Not while busy. */
enum hf_code hf_sender_start(struct hf_sender *sender, const struct hf_request *request,
			     struct hf_err *err) HF_MUST_CHECK;
bool hf_sender_busy(const struct hf_sender *sender);

/* Wait at most timeout_ms for the network or for one of fds, and go on. true: the request that
 * was in hand has ended. */
bool hf_sender_step(struct hf_sender *sender, const struct pollfd *fds, size_t fd_count,
		    int timeout_ms);
/* After hf_sender_step() said true. */
const struct hf_response *hf_sender_response(const struct hf_sender *sender);

/* May this address be used? As hf_sender_open() judges it. */
enum hf_code hf_sender_check_url(const char *url, bool insecure, struct hf_err *err) HF_MUST_CHECK;
