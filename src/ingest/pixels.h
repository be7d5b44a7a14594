/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* pixels - a frame's chroma in the words of libav, for who converts it. */
#include "ingest/frame.h"

#include <libavutil/pixfmt.h>

static inline enum AVPixelFormat hf_pixels_format(enum hf_chroma chroma)
{
	switch (chroma) {
	case HF_CHROMA_NONE:
		return AV_PIX_FMT_GRAY8;
	case HF_CHROMA_420:
		return AV_PIX_FMT_YUV420P;
	case HF_CHROMA_422:
		return AV_PIX_FMT_YUV422P;
	case HF_CHROMA_444:
		return AV_PIX_FMT_YUV444P;
	}
	return AV_PIX_FMT_NONE;
}
