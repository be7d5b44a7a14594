/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: swscale converts (and scales) straight from the decoder's planes into the slot. Its
 * contexts are dear to make, so a few are kept: a screen has tiles of one size, or of a few
 * that differ by rounding.
 *
 * swscale's vector code works in whole groups of pixels and leaves the last columns of a packed
 * row alone where they do not fill one (seen with 342 of them): such tiles go through rows of
 * our own that are wide enough.
 */
#include "ingest/cutter.h"

#include "base/assert.h"
#include "base/auto.h"
#include "ingest/pixels.h"
#include "shape/limits.h"

#include <libavutil/mem.h>
#include <libswscale/swscale.h>
#include <string.h>

enum {
	CONTEXTS = 4,
	ROW_PIXELS_STEP = 16,
	ROW_BYTES_MAX = 3 * HF_CUTTER_WIDTH + 64,
};

_Static_assert((int)HF_CUTTER_WIDTH <= (int)HF_TILE_WIDTH_MAX &&
		       (int)HF_CUTTER_HEIGHT <= (int)HF_TILE_HEIGHT_MAX,
	       "what is cut is a tile");

struct scaler {
	uint32_t width_in, height_in;
	enum hf_chroma chroma;
	bool full_range, bt709;
	struct SwsContext *context;
};

struct hf_cutter {
	struct scaler scalers[CONTEXTS];
	unsigned next; /* to be replaced */
	uint8_t *scratch;
};

enum hf_code hf_cutter_open(struct hf_cutter **ret_cutter, struct hf_err *err)
{
	struct hf_cutter *cutter = calloc(1, sizeof *cutter);

	if (cutter == NULL)
		return hf_fail(err, HF_E_NOMEM, "cutter: out of memory");
	cutter->scratch = av_malloc((size_t)ROW_BYTES_MAX * HF_CUTTER_HEIGHT);
	if (cutter->scratch == NULL) {
		free(cutter);
		return hf_fail(err, HF_E_NOMEM, "cutter: out of memory");
	}
	*ret_cutter = cutter;
	return HF_OK;
}

void hf_cutter_close(struct hf_cutter *cutter)
{
	if (cutter == NULL)
		return;
	for (unsigned i = 0; i < CONTEXTS; i++)
		sws_freeContext(cutter->scalers[i].context);
	av_free(cutter->scratch);
	free(cutter);
}

void hf_cutter_size(struct hf_rect rect, uint32_t *ret_width, uint32_t *ret_height)
{
	uint64_t width = rect.width, height = rect.height;

	if (width > HF_CUTTER_WIDTH) {
		height = (height * HF_CUTTER_WIDTH + width / 2) / width;
		width = HF_CUTTER_WIDTH;
	}
	if (height > HF_CUTTER_HEIGHT) {
		width = (width * HF_CUTTER_HEIGHT + height / 2) / height;
		height = HF_CUTTER_HEIGHT;
	}
	*ret_width = width > 0 ? (uint32_t)width : 1;
	*ret_height = height > 0 ? (uint32_t)height : 1;
}

static struct SwsContext *scaler_for(struct hf_cutter *cutter, const struct hf_frame *frame,
				     struct hf_rect rect)
{
	uint32_t width, height;

	for (unsigned i = 0; i < CONTEXTS; i++) {
		const struct scaler *s = &cutter->scalers[i];

		if (s->context != NULL && s->width_in == rect.width &&
		    s->height_in == rect.height && s->chroma == frame->chroma &&
		    s->full_range == frame->full_range && s->bt709 == frame->bt709)
			return s->context;
	}
	struct scaler *s = &cutter->scalers[cutter->next];

	cutter->next = (cutter->next + 1) % CONTEXTS;
	hf_cutter_size(rect, &width, &height);
	sws_freeContext(s->context);
	*s = (struct scaler){ .width_in = rect.width,
			      .height_in = rect.height,
			      .chroma = frame->chroma,
			      .full_range = frame->full_range,
			      .bt709 = frame->bt709 };
	s->context = sws_getContext((int)rect.width, (int)rect.height,
				    hf_pixels_format(frame->chroma), (int)width, (int)height,
				    AV_PIX_FMT_BGR24, SWS_AREA, NULL, NULL, NULL);
	if (s->context != NULL)
		(void)sws_setColorspaceDetails(
			s->context,
			sws_getCoefficients(frame->bt709 ? SWS_CS_ITU709 : SWS_CS_ITU601),
			frame->full_range, sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16,
			1 << 16);
	return s->context;
}

enum hf_code hf_cutter_cut(struct hf_cutter *cutter, const struct hf_frame *frame,
			   struct hf_rect rect, uint8_t *pixels, struct hf_err *err)
{
	HF_ASSERT(rect.width > 0 && rect.height > 0 && rect.x + rect.width <= frame->width &&
		  rect.y + rect.height <= frame->height);
	struct SwsContext *scaler = scaler_for(cutter, frame, rect);
	const uint8_t *in[4] = { NULL };
	int strides[4] = { 0 };
	uint32_t width, height;

	if (scaler == NULL)
		return hf_fail(err, HF_E_INVALID, "a tile of %ux%u pixels cannot be cut",
			       rect.width, rect.height);
	for (int i = 0; i < 3 && frame->planes[i] != NULL; i++) {
		unsigned across = i > 0 && frame->chroma != HF_CHROMA_444;
		unsigned down = i > 0 && frame->chroma == HF_CHROMA_420;

		in[i] = frame->planes[i] + (ptrdiff_t)(rect.y >> down) * frame->strides[i] +
			(rect.x >> across);
		strides[i] = frame->strides[i];
	}
	hf_cutter_size(rect, &width, &height);
	bool whole = width % ROW_PIXELS_STEP == 0;
	uint8_t *out[4] = { whole ? pixels : cutter->scratch };
	int out_strides[4] = { whole ? (int)(3 * width) : ROW_BYTES_MAX };

	if (sws_scale(scaler, in, strides, 0, (int)rect.height, out, out_strides) != (int)height)
		return hf_fail(err, HF_E_INVALID, "a tile of %ux%u pixels cannot be scaled",
			       rect.width, rect.height);
	for (uint32_t y = 0; y < height && !whole; y++)
		memcpy(pixels + (size_t)y * 3 * width, cutter->scratch + (size_t)y * ROW_BYTES_MAX,
		       (size_t)3 * width);
	return HF_OK;
}
