/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of a grabber or a clip, by both decoders. Every byte that the frame promises is there. */
#include "fuzz.h"

#include "ingest/jpeg.h"
#include "ingest/mjpeg.h"

static struct hf_jpeg *jpeg;
static struct hf_mjpeg *mjpeg;

static void close_both(void)
{
	hf_jpeg_close(jpeg);
	hf_mjpeg_close(mjpeg);
}

static void look_at_all(const struct hf_frame *frame)
{
	unsigned sum = 0;

	FUZZ_MUST(frame->width >= HF_FRAME_SIDE_MIN && frame->width <= HF_FRAME_WIDTH_MAX);
	FUZZ_MUST(frame->height >= HF_FRAME_SIDE_MIN && frame->height <= HF_FRAME_HEIGHT_MAX);
	for (int plane = 0; plane < (frame->chroma == HF_CHROMA_NONE ? 1 : 3); plane++) {
		bool colour = plane > 0;
		size_t width = colour && frame->chroma != HF_CHROMA_444 ? (frame->width + 1) / 2
									: frame->width;
		size_t height = colour && frame->chroma == HF_CHROMA_420 ? (frame->height + 1) / 2
									 : frame->height;

		for (size_t y = 0; y < height; y++) {
			const uint8_t *row =
				frame->planes[plane] + (ptrdiff_t)y * frame->strides[plane];
			sum += row[0] + (unsigned)row[width - 1];
		}
	}
	__asm__ volatile("" ::"r"(sum)); /* looked at, whatever the optimiser thinks */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_frame frame = { 0 };
	struct hf_err err = { 0 };

	if (jpeg == NULL) {
		FUZZ_MUST(hf_jpeg_open(&jpeg, &err) == HF_OK);
		FUZZ_MUST(hf_mjpeg_open(&mjpeg, &err) == HF_OK);
		(void)atexit(close_both);
	}
	if (hf_jpeg_decode(jpeg, data, size_bytes, &frame, &err) == HF_OK)
		look_at_all(&frame);
	frame = (struct hf_frame){ 0 };
	if (hf_mjpeg_decode(mjpeg, data, size_bytes, &frame, &err) == HF_OK)
		look_at_all(&frame);
	return 0;
}
