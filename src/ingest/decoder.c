/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: libavcodec, one thread. MJPEG goes through libjpeg-turbo first, and through
 * libavcodec where that declines. Pictures that are not 8-bit planar YUV (PNG, 10 bit, NV12)
 * go through swscale to 4:4:4.
 */
#include "ingest/decoder.h"

#include "ingest/jpeg.h"
#include "shape/limits.h"

#include <libavcodec/avcodec.h>
#include <libavutil/avstring.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>

/* What recorders, cameras and people's files hold. libavcodec knows two hundred more, most of
 * them for games of the nineties, and each is code that a hostile file may choose to have run. */
static const char codecs[] = "mjpeg,h264,hevc,mpeg4,mpeg2video,mpeg1video,vp8,vp9,av1,libdav1d,"
			     "libaom-av1,theora,h263,flv,"
			     "msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,rawvideo,v210,png,bmp,"
			     "gif,webp,tiff,ppm,pgm,"
			     "pgmyuv,pbm,pam,ffv1,ffvhuff,huffyuv,utvideo,dvvideo,prores,dnxhd";

struct hf_decoder {
	char name[HF_PATH_BYTES];
	bool every_picture_alone;
	AVCodecContext *codec;
	AVFrame *frame;       /* taken last */
	AVFrame *ahead;       /* decoded, to be taken next */
	bool last_alone;      /* the picture received last refers to no other */
	bool renewed;         /* one of those since the last take, after others that do */
	struct hf_jpeg *jpeg; /* NULL: not MJPEG */
	bool by_jpeg;         /* the picture to be taken next is this one: */
	struct hf_frame jpeg_frame;
	struct SwsContext *converter;
	uint8_t *converted[4]; /* 4:4:4 planes, where the decoder's format is another */
	int converted_strides[4];
	int converted_width, converted_height;
};

static const char *av_text(int av_code, char buffer[AV_ERROR_MAX_STRING_SIZE])
{
	return av_make_error_string(buffer, AV_ERROR_MAX_STRING_SIZE, av_code);
}

static bool size_fits(int width, int height)
{
	return width >= HF_FRAME_SIDE_MIN && height >= HF_FRAME_SIDE_MIN &&
	       width <= HF_FRAME_WIDTH_MAX && height <= HF_FRAME_HEIGHT_MAX;
}

static enum hf_code start(struct hf_decoder *decoder, const struct hf_decoder_options *options,
			  struct hf_err *err)
{
	char text[AV_ERROR_MAX_STRING_SIZE];
	const AVCodecParameters *parameters = options->parameters;
	const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
	const AVCodecDescriptor *about = avcodec_descriptor_get(parameters->codec_id);
	bool size_known = parameters->width != 0 || parameters->height != 0 || !options->live;

	if (codec == NULL || about == NULL)
		return hf_fail(err, HF_E_INVALID, "%s: no decoder for %s", decoder->name,
			       avcodec_get_name(parameters->codec_id));
	if (av_match_list(codec->name, codecs, ',') == 0)
		return hf_fail(err, HF_E_INVALID,
			       "%s: pictures coded as %s are not taken; convert it to H.264, for "
			       "example with ffmpeg",
			       decoder->name, about->name);
	if (size_known && !size_fits(parameters->width, parameters->height))
		return hf_fail(err, HF_E_INVALID,
			       "%s: pictures of %dx%d; they must be %dx%d to %dx%d", decoder->name,
			       parameters->width, parameters->height, HF_FRAME_SIDE_MIN,
			       HF_FRAME_SIDE_MIN, HF_FRAME_WIDTH_MAX, HF_FRAME_HEIGHT_MAX);
	decoder->codec = avcodec_alloc_context3(codec);
	decoder->frame = av_frame_alloc();
	decoder->ahead = av_frame_alloc();
	if (decoder->codec == NULL || decoder->frame == NULL || decoder->ahead == NULL)
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", decoder->name);
	decoder->every_picture_alone = (about->props & AV_CODEC_PROP_INTRA_ONLY) != 0;
	decoder->codec->thread_count = 1;
	decoder->codec->max_pixels = (int64_t)HF_FRAME_WIDTH_MAX * HF_FRAME_HEIGHT_MAX;
	if (options->live)
		decoder->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
	if (decoder->every_picture_alone)
		decoder->codec->err_recognition = AV_EF_EXPLODE; /* half a picture is none */
	int av = avcodec_parameters_to_context(decoder->codec, parameters);
	if (av >= 0)
		av = avcodec_open2(decoder->codec, codec, NULL);
	if (av < 0)
		return hf_fail(err, HF_E_CORRUPT, "%s: start the %s decoder: %s", decoder->name,
			       about->name, av_text(av, text));
	if (parameters->codec_id == AV_CODEC_ID_MJPEG && !options->still)
		return hf_jpeg_open(&decoder->jpeg, err);
	return HF_OK;
}

const char *hf_decoder_codecs(void)
{
	return codecs;
}

/* Is what the decoder gave a whole picture of a size we take? */
static bool frame_is_whole(const struct hf_decoder *decoder)
{
	return (decoder->ahead->flags & AV_FRAME_FLAG_CORRUPT) == 0 &&
	       decoder->ahead->decode_error_flags == 0 && decoder->ahead->data[0] != NULL &&
	       size_fits(decoder->ahead->width, decoder->ahead->height);
}

static bool chroma_of(enum AVPixelFormat format, enum hf_chroma *ret_chroma)
{
	switch ((int)format) {
	case AV_PIX_FMT_GRAY8:
		*ret_chroma = HF_CHROMA_NONE;
		return true;
	case AV_PIX_FMT_YUV420P:
	case AV_PIX_FMT_YUVJ420P:
		*ret_chroma = HF_CHROMA_420;
		return true;
	case AV_PIX_FMT_YUV422P:
	case AV_PIX_FMT_YUVJ422P:
		*ret_chroma = HF_CHROMA_422;
		return true;
	case AV_PIX_FMT_YUV444P:
	case AV_PIX_FMT_YUVJ444P:
		*ret_chroma = HF_CHROMA_444;
		return true;
	}
	return false;
}

/* To full-range BT.601 4:4:4 in planes of our own. */
static enum hf_code convert(struct hf_decoder *decoder, struct hf_err *err)
{
	AVFrame *in = decoder->frame;

	decoder->converter = sws_getCachedContext(
		decoder->converter, in->width, in->height, (enum AVPixelFormat)in->format,
		in->width, in->height, AV_PIX_FMT_YUV444P, SWS_BILINEAR | SWS_ACCURATE_RND, NULL,
		NULL, NULL);
	if (decoder->converter == NULL)
		return hf_fail(err, HF_E_INVALID, "%s: pictures in format %s cannot be used",
			       decoder->name,
			       av_get_pix_fmt_name((enum AVPixelFormat)in->format) != NULL
				       ? av_get_pix_fmt_name((enum AVPixelFormat)in->format)
				       : "unknown");
	if (in->width != decoder->converted_width || in->height != decoder->converted_height) {
		av_freep(&decoder->converted[0]);
		decoder->converted_width = 0;
		if (av_image_alloc(decoder->converted, decoder->converted_strides, in->width,
				   in->height, AV_PIX_FMT_YUV444P, 64) < 0)
			return hf_fail(err, HF_E_NOMEM, "%s: out of memory", decoder->name);
		decoder->converted_width = in->width;
		decoder->converted_height = in->height;
	}
	const int *matrix_in = sws_getCoefficients(
		in->colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601);
	(void)sws_setColorspaceDetails(decoder->converter, matrix_in,
				       in->color_range == AVCOL_RANGE_JPEG,
				       sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
	(void)sws_scale(decoder->converter, (const uint8_t *const *)in->data, in->linesize, 0,
			in->height, decoder->converted, decoder->converted_strides);
	return HF_OK;
}

/* The picture libavcodec decoded last, as a frame without number and times. */
static enum hf_code take_decoded(struct hf_decoder *decoder, struct hf_frame *ret_frame,
				 struct hf_err *err)
{
	av_frame_unref(decoder->frame);
	av_frame_move_ref(decoder->frame, decoder->ahead);

	const AVFrame *in = decoder->frame;
	struct hf_frame out = { .width = (uint32_t)in->width, .height = (uint32_t)in->height };
	bool usable = chroma_of((enum AVPixelFormat)in->format, &out.chroma);

	if (!usable) {
		enum hf_code code = convert(decoder, err);
		if (code != HF_OK)
			return code;
		out.chroma = HF_CHROMA_444;
		out.full_range = true;
	} else {
		const char *name = av_get_pix_fmt_name((enum AVPixelFormat)in->format);

		out.full_range = in->color_range == AVCOL_RANGE_JPEG || name[3] == 'j';
		/* Where nothing is said: broadcast's custom, 709 from 720 lines on. */
		out.bt709 = in->colorspace == AVCOL_SPC_BT709 ||
			    (in->colorspace == AVCOL_SPC_UNSPECIFIED && in->height >= 720);
	}
	for (int i = 0; i < (out.chroma == HF_CHROMA_NONE ? 1 : 3); i++) {
		out.planes[i] = usable ? in->data[i] : decoder->converted[i];
		out.strides[i] = usable ? in->linesize[i] : decoder->converted_strides[i];
	}
	out.renewed = decoder->renewed;
	decoder->renewed = false;
	*ret_frame = out;
	return HF_OK;
}

enum hf_code hf_decoder_open(const struct hf_decoder_options *options,
			     struct hf_decoder **ret_decoder, struct hf_err *err)
{
	struct hf_decoder *decoder = calloc(1, sizeof *decoder);

	if (decoder == NULL)
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", options->name);
	(void)snprintf(decoder->name, sizeof decoder->name, "%s", options->name);
	enum hf_code code = start(decoder, options, err);
	if (code != HF_OK) {
		hf_decoder_close(decoder);
		return code;
	}
	*ret_decoder = decoder;
	return HF_OK;
}

void hf_decoder_close(struct hf_decoder *decoder)
{
	if (decoder == NULL)
		return;
	sws_freeContext(decoder->converter);
	av_freep(&decoder->converted[0]);
	hf_jpeg_close(decoder->jpeg);
	av_frame_free(&decoder->frame);
	av_frame_free(&decoder->ahead);
	avcodec_free_context(&decoder->codec);
	free(decoder);
}

void hf_decoder_prepare(void)
{
	/* What libav has to say about broken input is counted and told by us, not printed. */
	av_log_set_level(AV_LOG_QUIET);
	av_max_alloc(HF_DECODER_BYTES_MAX);
}

const char *hf_decoder_codec(const struct hf_decoder *decoder)
{
	return avcodec_get_name(decoder->codec->codec_id);
}

bool hf_decoder_every_picture_alone(const struct hf_decoder *decoder)
{
	return decoder->every_picture_alone;
}

enum hf_code hf_decoder_picture(struct hf_decoder *decoder, const struct AVPacket *packet,
				struct hf_err *err)
{
	decoder->by_jpeg = decoder->jpeg != NULL &&
			   hf_jpeg_decode(decoder->jpeg, packet->data, (size_t)packet->size,
					  &decoder->jpeg_frame, err) == HF_OK;
	if (decoder->by_jpeg)
		return HF_OK;
	int av = avcodec_send_packet(decoder->codec, packet);
	if (av == 0)
		av = avcodec_receive_frame(decoder->codec, decoder->ahead);
	if (av == 0 && frame_is_whole(decoder))
		return HF_OK;
	return hf_fail(err, HF_E_CORRUPT, "%s: a broken picture", decoder->name);
}

bool hf_decoder_send(struct hf_decoder *decoder, const struct AVPacket *packet)
{
	int av = avcodec_send_packet(decoder->codec, packet);

	return av >= 0 || av == AVERROR_EOF;
}

enum hf_code hf_decoder_receive(struct hf_decoder *decoder, int64_t *ret_stamp, struct hf_err *err)
{
	char text[AV_ERROR_MAX_STRING_SIZE];
	int av = avcodec_receive_frame(decoder->codec, decoder->ahead);

	if (av == AVERROR_EOF)
		return hf_fail(err, HF_E_CLOSED, "%s: the end", decoder->name);
	if (av == AVERROR(EAGAIN))
		return hf_fail(err, HF_E_AGAIN, "not yet");
	if (av < 0)
		return hf_fail(err, HF_E_INVALID, "%s: decode: %s", decoder->name,
			       av_text(av, text));
	if (!frame_is_whole(decoder))
		return hf_fail(err, HF_E_CORRUPT, "%s: a broken picture", decoder->name);
	const bool alone = decoder->ahead->pict_type == AV_PICTURE_TYPE_I;
	decoder->renewed = decoder->renewed || (alone && !decoder->last_alone);
	decoder->last_alone = alone;
	*ret_stamp = decoder->ahead->best_effort_timestamp;
	return HF_OK;
}

enum hf_code hf_decoder_repeat(struct hf_decoder *decoder, struct hf_err *err)
{
	if (av_frame_ref(decoder->ahead, decoder->frame) < 0)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", decoder->name);
	return HF_OK;
}

void hf_decoder_hurry(struct hf_decoder *decoder, bool hurry)
{
	decoder->codec->skip_frame = hurry ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
}

void hf_decoder_flush(struct hf_decoder *decoder)
{
	avcodec_flush_buffers(decoder->codec);
}

enum hf_code hf_decoder_take(struct hf_decoder *decoder, struct hf_frame *ret_frame,
			     struct hf_err *err)
{
	if (!decoder->by_jpeg)
		return take_decoded(decoder, ret_frame, err);
	decoder->by_jpeg = false;
	*ret_frame = decoder->jpeg_frame;
	return HF_OK;
}
