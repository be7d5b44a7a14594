/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/mjpeg.h"

#include "base/auto.h"
#include "ingest/jpeg.h"

#include <libavcodec/avcodec.h>
#include <string.h>

struct hf_mjpeg {
	struct hf_jpeg *jpeg;
	AVCodecContext *codec; /* the patient one; NULL until it is needed */
	AVPacket *packet;
	AVFrame *ahead; /* being decoded */
	AVFrame *frame; /* handed out */
};

enum hf_code hf_mjpeg_open(struct hf_mjpeg **ret_mjpeg, struct hf_err *err)
{
	struct hf_mjpeg *mjpeg = calloc(1, sizeof *mjpeg);

	if (mjpeg == NULL)
		return hf_fail(err, HF_E_NOMEM, "mjpeg: out of memory");
	enum hf_code code = hf_jpeg_open(&mjpeg->jpeg, err);
	if (code != HF_OK) {
		free(mjpeg);
		return code;
	}
	*ret_mjpeg = mjpeg;
	return HF_OK;
}

static void close_patient(struct hf_mjpeg *mjpeg)
{
	av_frame_free(&mjpeg->frame);
	av_frame_free(&mjpeg->ahead);
	av_packet_free(&mjpeg->packet);
	avcodec_free_context(&mjpeg->codec);
}

void hf_mjpeg_close(struct hf_mjpeg *mjpeg)
{
	if (mjpeg == NULL)
		return;
	close_patient(mjpeg);
	hf_jpeg_close(mjpeg->jpeg);
	free(mjpeg);
}

static enum hf_code open_patient(struct hf_mjpeg *mjpeg, struct hf_err *err)
{
	const AVCodec *decoder = avcodec_find_decoder(AV_CODEC_ID_MJPEG);

	if (decoder == NULL)
		return hf_fail(err, HF_E_CORRUPT, "mjpeg: this libavcodec has no decoder for it");
	/* What it has to say about a broken picture is counted, not printed. */
	av_log_set_level(AV_LOG_QUIET);
	mjpeg->codec = avcodec_alloc_context3(decoder);
	mjpeg->packet = av_packet_alloc();
	mjpeg->ahead = av_frame_alloc();
	mjpeg->frame = av_frame_alloc();
	if (mjpeg->codec != NULL) {
		mjpeg->codec->thread_count = 1;
		mjpeg->codec->max_pixels = (int64_t)HF_FRAME_WIDTH_MAX * HF_FRAME_HEIGHT_MAX;
		mjpeg->codec->err_recognition = AV_EF_EXPLODE; /* half a picture is none */
	}
	if (mjpeg->codec == NULL || mjpeg->packet == NULL || mjpeg->ahead == NULL ||
	    mjpeg->frame == NULL || avcodec_open2(mjpeg->codec, decoder, NULL) < 0) {
		close_patient(mjpeg);
		return hf_fail(err, HF_E_NOMEM, "mjpeg: out of memory");
	}
	return HF_OK;
}

static bool chroma_of(int format, enum hf_chroma *ret_chroma)
{
	switch (format) {
	case AV_PIX_FMT_GRAY8:
		*ret_chroma = HF_CHROMA_NONE;
		return true;
	case AV_PIX_FMT_YUVJ420P:
		*ret_chroma = HF_CHROMA_420;
		return true;
	case AV_PIX_FMT_YUVJ422P:
		*ret_chroma = HF_CHROMA_422;
		return true;
	case AV_PIX_FMT_YUVJ444P:
		*ret_chroma = HF_CHROMA_444;
		return true;
	}
	return false;
}

static enum hf_code decode_patiently(struct hf_mjpeg *mjpeg, const uint8_t *data, size_t size_bytes,
				     struct hf_frame *ret_frame, struct hf_err *err)
{
	struct hf_frame frame = { .full_range = true };

	if (mjpeg->codec == NULL) {
		enum hf_code code = open_patient(mjpeg, err);

		if (code != HF_OK)
			return code;
	}
	if (size_bytes > INT32_MAX / 2 || av_new_packet(mjpeg->packet, (int)size_bytes) < 0)
		return hf_fail(err, HF_E_NOMEM, "mjpeg: out of memory");
	memcpy(mjpeg->packet->data, data, size_bytes);
	int av = avcodec_send_packet(mjpeg->codec, mjpeg->packet);
	av_packet_unref(mjpeg->packet);
	if (av == 0)
		av = avcodec_receive_frame(mjpeg->codec, mjpeg->ahead);
	const AVFrame *in = mjpeg->ahead;
	if (av != 0 || in->decode_error_flags != 0 || (in->flags & AV_FRAME_FLAG_CORRUPT) != 0 ||
	    !chroma_of(in->format, &frame.chroma) || in->width < HF_FRAME_SIDE_MIN ||
	    in->height < HF_FRAME_SIDE_MIN || in->width > HF_FRAME_WIDTH_MAX ||
	    in->height > HF_FRAME_HEIGHT_MAX) {
		/* It may hold on to a picture otherwise, and hand it out in place of the next. */
		avcodec_flush_buffers(mjpeg->codec);
		return hf_fail(err, HF_E_CORRUPT, "mjpeg: not a whole picture");
	}
	av_frame_unref(mjpeg->frame);
	av_frame_move_ref(mjpeg->frame, mjpeg->ahead);
	frame.width = (uint32_t)mjpeg->frame->width;
	frame.height = (uint32_t)mjpeg->frame->height;
	for (int i = 0; i < (frame.chroma == HF_CHROMA_NONE ? 1 : 3); i++) {
		frame.planes[i] = mjpeg->frame->data[i];
		frame.strides[i] = mjpeg->frame->linesize[i];
	}
	*ret_frame = frame;
	return HF_OK;
}

enum hf_code hf_mjpeg_decode(struct hf_mjpeg *mjpeg, const uint8_t *data, size_t size_bytes,
			     struct hf_frame *ret_frame, struct hf_err *err)
{
	enum hf_code code = hf_jpeg_decode(mjpeg->jpeg, data, size_bytes, ret_frame, err);

	if (code != HF_E_AGAIN)
		return code;
	/* Not every driver says of an empty or cut buffer that it is one; this spares the rest. */
	if (size_bytes < 4 || data[0] != 0xff || data[1] != 0xd8)
		return hf_fail(err, HF_E_CORRUPT, "mjpeg: does not begin like a picture");
	return decode_patiently(mjpeg, data, size_bytes, ret_frame, err);
}
