/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line - one event as it stands in a day file, is sent, and is stored at the hub.
 *
 * Shape       {"device_id":D,"local_seq":N,HEAD,"epoch":E,TAIL,"origin":O,
 *             "chain":C,"crc32c":X}\n  with HEAD and TAIL of shape/event.h.
 *             The keys up to "epoch" stand in exactly this order; attrs are
 *             not looked into. The end has a fixed width:
 *             ,"chain":"<64 hex>","crc32c":"<8 hex>"}\n
 *             On disk spaces may stand between the brace and the newline, so
 *             that what comes next begins in a block of its own. They are no
 *             part of the line: outbox/scan.h takes them off.
 *
 * Numbers     crc32c covers all bytes before ,"crc32c". chain is SHA-256 of
 *             the previous line's chain (32 raw bytes; zeros before the first
 *             line of an epoch) and the bytes of this line before ,"chain".
 *             It shows that nothing was altered or removed up to a value that
 *             somebody else knows, and no more. Numbers are at most 2^53.
 *
 * Errors      HF_E_INVALID: the offer does not make a line of this shape.
 *             HF_E_LIMIT: it would be longer than HF_LINE_BYTES_MAX.
 *             HF_E_CORRUPT: these bytes are not a line; the text says why.
 *
 * Owners      struct hf_line borrows the bytes it was parsed from.
 */
#include "base/err.h"
#include "outbox/chain.h"
#include "shape/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_EPOCH_BYTES = 17, /* 16 hex digits and the NUL */
	/* ,"chain":"<64>","crc32c":"<8>"}\n */
	HF_LINE_CRC_END_BYTES = 11 + 8 + 3,
	HF_LINE_CHAIN_END_BYTES = 10 + 64 + 1 + HF_LINE_CRC_END_BYTES,
	/* The shortest possible line is longer: bytes / this = an upper bound of lines. */
	HF_LINE_BYTES_MIN = 256,
};

/* Part of a line: the JSON text of a value without its quotes; data NULL = null. */
struct hf_slice {
	const char *data;
	size_t size_bytes;
};

struct hf_line {
	const char *data;
	size_t size_bytes; /* with the newline */
	uint64_t local_seq;
	uint32_t crc32c;
	uint8_t chain[HF_CHAIN_BYTES];
	struct hf_slice device_id;
	struct hf_slice captured_at;
	struct hf_slice layout_id;
	struct hf_slice camera_name;
	struct hf_slice event_class;
	struct hf_slice zone_id;
	struct hf_slice dwell_seconds; /* number or null, as text */
	struct hf_slice thumb_path;
	struct hf_slice model_tag;
	struct hf_slice epoch;
	struct hf_slice release;
	struct hf_slice state;
	struct hf_slice origin;
	struct hf_slice attrs; /* the object with its braces */
};

/* What keeper adds to an offer. */
struct hf_line_stamp {
	const char *device_id;
	const char *epoch;
	uint64_t local_seq;
	const uint8_t *chain_previous; /* HF_CHAIN_BYTES */
};

/* ret_data: HF_LINE_BYTES_MAX bytes of the caller's; ret_line borrows them. */
enum hf_code hf_line_make(const struct hf_offer *offer, const struct hf_line_stamp *stamp,
			  char *ret_data, struct hf_line *ret_line,
			  struct hf_err *err) HF_MUST_CHECK;
/* The same of an offer that hf_offer_check() has taken, and that nobody has changed since. */
enum hf_code hf_line_make_checked(const struct hf_offer *offer, const struct hf_line_stamp *stamp,
				  char *ret_data, struct hf_line *ret_line,
				  struct hf_err *err) HF_MUST_CHECK;

/* Is this one whole, valid line, newline included? */
enum hf_code hf_line_parse(const char *data, size_t size_bytes, struct hf_line *ret_line,
			   struct hf_err *err) HF_MUST_CHECK;

/* The chain value this line must carry after chain_previous. */
void hf_line_chain(const uint8_t chain_previous[HF_CHAIN_BYTES], const struct hf_line *line,
		   uint8_t ret_chain[HF_CHAIN_BYTES]);
/* What of it is hashed; borrows both. */
struct hf_chain_input hf_line_chain_input(const struct hf_line *line,
					  const uint8_t *chain_previous);

/* The number that can still be read at the start of damaged bytes; 0 when none can. */
uint64_t hf_line_seq_legible(const char *data, size_t size_bytes);

bool hf_slice_is(const struct hf_slice *slice, const char *text);
/* As a C string; false (and an empty text) when it is null or does not fit. Escapes stay. */
bool hf_slice_text(const struct hf_slice *slice, char *ret_text, size_t size_bytes_max);

/* "key":N in the text of an object; false when it is not there. For our own flat attrs. */
bool hf_attrs_u64(const struct hf_slice *attrs, const char *key, uint64_t *ret_value);
/* "key":"text"; false when it is not there, is null, or does not fit. */
bool hf_attrs_text(const struct hf_slice *attrs, const char *key, char *ret_text,
		   size_t size_bytes_max);
