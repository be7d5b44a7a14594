/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * jpeg - the fast path for MJPEG: libjpeg-turbo straight to YUV planes. Grabbers deliver
 * little else, and libavcodec takes half as long again.
 *
 * Errors      AGAIN: not for this decoder (unusual colours or sampling, interlaced
 *             halves, anything it warns about). Ask a more patient one: this
 *             is a short cut, never the judge of what is broken.
 *
 * Owners      The planes belong to the decoder and stay whole until the next
 *             but one picture that was decoded; a failed call leaves the last
 *             one alone.
 */
#include "base/err.h"
#include "ingest/frame.h"

#include <stddef.h>

struct hf_jpeg;

enum hf_code hf_jpeg_open(struct hf_jpeg **ret_jpeg, struct hf_err *err) HF_MUST_CHECK;
void hf_jpeg_close(struct hf_jpeg *jpeg); /* NULL is fine */

/* Fills size, planes and colours; number and times are the caller's. */
enum hf_code hf_jpeg_decode(struct hf_jpeg *jpeg, const uint8_t *data, size_t size_bytes,
			    struct hf_frame *ret_frame, struct hf_err *err) HF_MUST_CHECK;
