/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mjpeg - one picture of an MJPEG stream: libjpeg-turbo where it has nothing to complain of,
 * libavcodec where it has. Many grabbers add a few bytes that one warns of and the other
 * passes over; a picture that is cut short or torn is none for both.
 *
 * Errors      CORRUPT: not a whole picture. NOMEM.
 *
 * Owners      The planes belong to the decoder: valid until the next picture
 *             that was decoded.
 */
#include "base/err.h"
#include "ingest/frame.h"

#include <stddef.h>

struct hf_mjpeg;

enum hf_code hf_mjpeg_open(struct hf_mjpeg **ret_mjpeg, struct hf_err *err) HF_MUST_CHECK;
void hf_mjpeg_close(struct hf_mjpeg *mjpeg); /* NULL is fine */

/* Fills size, planes and colours; number and times are the caller's. */
enum hf_code hf_mjpeg_decode(struct hf_mjpeg *mjpeg, const uint8_t *data, size_t size_bytes,
			     struct hf_frame *ret_frame, struct hf_err *err) HF_MUST_CHECK;
