/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * intake - what one POST /v1/events carries, checked before the store sees it.
 *
 * Shape       The body is outbox lines exactly as they lie on the unit, each
 *             with its '\n' (see shape/event.h). The lines of a batch point
 *             into the body: it must outlive them. All lines of a request are of
 *             one epoch: the one they are stored under, or, in a request that
 *             says Holdfast-Forked-From, that one. It is how a unit whose epoch
 *             was redrawn sends what it had written before.
 *
 * Numbers     local_seq is 1..2^53 and strictly rises within a batch.
 *             `line` in a fault counts from 1.
 *
 * Errors      HF_E_INVALID: a line breaks the contract. The fault names the
 *             line, its number where one is legible, and a stable word for
 *             programs; the text is for people. All or nothing: a batch with
 *             one bad line is refused as a whole.
 *             HF_E_LIMIT: more lines than HF_INTAKE_LINES_MAX.
 *
 * Limits      HF_INTAKE_LINES_MAX lines of HF_LINE_BYTES_MAX bytes.
 */
#include "base/err.h"
#include "hub/aside.h"
#include "outbox/line.h"
#include "shape/limits.h"
#include "shape/state.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_INTAKE_LINES_MAX = 4096,
	HF_NONCE_BYTES = 33, /* 32 hexadecimal digits and the NUL */
};

/* Who sends: the request headers. */
struct hf_sender {
	char device_id[HF_ID_BYTES];
	char epoch[HF_ID_BYTES];       /* that the lines are stored under */
	char forked_from[HF_ID_BYTES]; /* that the lines themselves name; empty: the same */
	char nonce[HF_NONCE_BYTES];
};

/* The epoch that the lines of this request name. */
static inline const char *hf_sender_line_epoch(const struct hf_sender *sender)
{
	return sender->forked_from[0] != '\0' ? sender->forked_from : sender->epoch;
}

struct hf_intake_line {
	uint64_t seq;
	const char *text; /* the line without its newline */
	uint32_t size_bytes;
	uint32_t crc;
	uint8_t chain[HF_CHAIN_BYTES]; /* as the line says; not yet checked against another */
	const uint8_t *follows; /* a chain value that it is known to continue: that of the line
					* before it in the batch. NULL: nothing is known */
	char event_class[HF_ID_BYTES];
	char state[HF_ID_BYTES];
	char release[HF_TAG_BYTES];
};

struct hf_intake {
	struct hf_sender sender;
	struct hf_intake_line *lines;
	size_t line_count; /* at least 1 */
};

struct hf_intake_fault {
	const char *word; /* "crc_mismatch", ... */
	size_t line;      /* 0: the batch as a whole */
	uint64_t seq;     /* 0: not legible */
};

/* NULL values are missing headers; forked_from may be missing. HF_E_INVALID names the header and
 * what it should be. */
enum hf_code hf_sender_make(const char *device_id, const char *epoch, const char *forked_from,
			    const char *nonce, struct hf_sender *ret_sender,
			    struct hf_err *err) HF_MUST_CHECK;

/* The chain value that line must carry after previous. */
void hf_intake_chain(const uint8_t previous[HF_CHAIN_BYTES], const struct hf_intake_line *line,
		     uint8_t ret_chain[HF_CHAIN_BYTES]);

/* The ids that are sane as a header, a key and on a screen: 1 to 63 bytes of UTF-8 without
 * control characters. */
bool hf_device_id_valid(const char *device_id);

/* ret_batch is the caller's to free with hf_intake_free(). ret_fault is set on HF_E_INVALID only.
 * aside: takes a part of the work; NULL: none does. */
enum hf_code hf_intake_parse(const struct hf_sender *sender, const char *body, size_t size_bytes,
			     struct hf_aside *aside, struct hf_intake *ret_batch,
			     struct hf_intake_fault *ret_fault, struct hf_err *err) HF_MUST_CHECK;

void hf_intake_free(struct hf_intake *batch);
