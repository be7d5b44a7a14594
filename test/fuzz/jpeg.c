/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of a grabber or a clip, by both decoders. Every byte that the frame promises is there. */
#include "fuzz.h"

#include "ingest/decoder.h"
#include "ingest/jpeg.h"

#include <libavcodec/avcodec.h>
#include <string.h>

static struct hf_jpeg *jpeg;
static struct hf_decoder *decoder; /* libjpeg first, then libavcodec */
static AVPacket *packet;

static void close_both(void)
{
	hf_jpeg_close(jpeg);
	hf_decoder_close(decoder);
	av_packet_free(&packet);
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

static void open_both(void)
{
	AVCodecParameters *parameters = avcodec_parameters_alloc();
	struct hf_err err;

	FUZZ_MUST(parameters != NULL);
	parameters->codec_type = AVMEDIA_TYPE_VIDEO;
	parameters->codec_id = AV_CODEC_ID_MJPEG;
	const struct hf_decoder_options options = { .name = "fuzz",
						    .parameters = parameters,
						    .live = true };
	hf_decoder_prepare();
	FUZZ_MUST(hf_jpeg_open(&jpeg, &err) == HF_OK);
	FUZZ_MUST(hf_decoder_open(&options, &decoder, &err) == HF_OK);
	packet = av_packet_alloc();
	FUZZ_MUST(packet != NULL);
	avcodec_parameters_free(&parameters);
	(void)atexit(close_both);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_frame frame = { 0 };
	struct hf_err err = { 0 };

	if (jpeg == NULL)
		open_both();
	if (hf_jpeg_decode(jpeg, data, size_bytes, &frame, &err) == HF_OK)
		look_at_all(&frame);
	frame = (struct hf_frame){ 0 };
	if (size_bytes > INT32_MAX / 2 || av_new_packet(packet, (int)size_bytes) != 0)
		return 0;
	if (size_bytes > 0)
		memcpy(packet->data, data, size_bytes);
	if (hf_decoder_picture(decoder, packet, &err) == HF_OK &&
	    hf_decoder_take(decoder, &frame, &err) == HF_OK)
		look_at_all(&frame);
	av_packet_unref(packet);
	return 0;
}
