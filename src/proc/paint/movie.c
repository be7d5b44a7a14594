/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/paint/movie.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	TICKS_A_SECOND = 90000,
	KEY_EVERY = 50, /* frames: so far a player jumps at most */
	ALONE_MS = 200, /* so long a movie of one frame is */
	QUALITY_MPEG4 = 3,
};

struct movie {
	char *path;
	AVFormatContext *format;
	AVCodecContext *codec;
	AVStream *stream;
	AVFrame *frame;
	AVPacket *packet;
	struct SwsContext *converter;
	int width, height;
	int64_t start_us, last;
	int64_t interval; /* between the last two: the length of the last one */
};

/* libav gives errno values with the sign turned, and codes of its own. */
static enum hf_code fail(const struct movie *movie, int av, const char *what, struct hf_err *err)
{
	char text[AV_ERROR_MAX_STRING_SIZE];

	(void)av_make_error_string(text, sizeof text, av);
	return hf_fail(err, AVUNERROR(av) > 0 ? hf_code_of_errno(AVUNERROR(av)) : HF_E_INVALID,
		       "%s %s: %s", what, movie->path, text);
}

static enum hf_code open_codec(struct movie *movie, struct hf_err *err)
{
	const AVCodec *encoder = avcodec_find_encoder_by_name("libx264");

	if (encoder == NULL)
		encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
	if (encoder == NULL)
		return hf_fail(err, HF_E_INVALID,
			       "%s: libavcodec of this machine encodes neither H.264 nor MPEG-4",
			       movie->path);
	movie->codec = avcodec_alloc_context3(encoder);
	if (movie->codec == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", movie->path);
	AVCodecContext *codec = movie->codec;
	codec->width = movie->width;
	codec->height = movie->height;
	codec->pix_fmt = AV_PIX_FMT_YUV420P;
	/* MPEG-4 counts time in 16 bits. */
	codec->time_base =
		(AVRational){ 1, encoder->id == AV_CODEC_ID_MPEG4 ? 1000 : TICKS_A_SECOND };
	codec->gop_size = KEY_EVERY;
	codec->max_b_frames = 0;
	codec->color_range = AVCOL_RANGE_MPEG;
	codec->colorspace = AVCOL_SPC_BT709;
	codec->color_primaries = AVCOL_PRI_BT709;
	codec->color_trc = AVCOL_TRC_BT709;
	if (encoder->id == AV_CODEC_ID_MPEG4) {
		codec->flags |= AV_CODEC_FLAG_QSCALE;
		codec->global_quality = FF_QP2LAMBDA * QUALITY_MPEG4;
	} else {
		(void)av_opt_set(codec->priv_data, "preset", "veryfast", 0);
		(void)av_opt_set(codec->priv_data, "crf", "21", 0);
	}
	if ((movie->format->oformat->flags & AVFMT_GLOBALHEADER) != 0)
		codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	int av = avcodec_open2(codec, encoder, NULL);
	return av < 0 ? fail(movie, av, "start the encoder for", err) : HF_OK;
}

static enum hf_code open_file(struct movie *movie, struct hf_err *err)
{
	AVDictionary *options = NULL;

	movie->stream = avformat_new_stream(movie->format, NULL);
	movie->frame = av_frame_alloc();
	movie->packet = av_packet_alloc();
	if (movie->stream == NULL || movie->frame == NULL || movie->packet == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", movie->path);
	movie->stream->time_base = movie->codec->time_base;
	movie->interval = movie->codec->time_base.den * ALONE_MS / 1000;
	int av = avcodec_parameters_from_context(movie->stream->codecpar, movie->codec);
	movie->frame->format = AV_PIX_FMT_YUV420P;
	movie->frame->width = movie->width;
	movie->frame->height = movie->height;
	if (av >= 0)
		av = av_frame_get_buffer(movie->frame, 0);
	if (av >= 0)
		av = avio_open(&movie->format->pb, movie->path, AVIO_FLAG_WRITE);
	if (av >= 0) {
		(void)av_dict_set(&options, "movflags", "+faststart", 0);
		av = avformat_write_header(movie->format, &options);
		av_dict_free(&options);
	}
	return av < 0 ? fail(movie, av, "write", err) : HF_OK;
}

enum hf_code movie_open(const char *path, uint32_t width, uint32_t height, struct movie **ret_movie,
			struct hf_err *err)
{
	struct movie *movie = calloc(1, sizeof *movie);

	if (movie == NULL || asprintf(&movie->path, "%s", path) < 0) {
		free(movie);
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", path);
	}
	movie->width = (int)(width & ~1U);
	movie->height = (int)(height & ~1U);
	movie->start_us = movie->last = INT64_MIN;
	enum hf_code code = HF_OK;
	int av = avformat_alloc_output_context2(&movie->format, NULL, "mp4", path);
	if (av < 0)
		code = fail(movie, av, "make", err);
	if (code == HF_OK)
		code = open_codec(movie, err);
	if (code == HF_OK)
		code = open_file(movie, err);
	if (code != HF_OK) {
		movie_close(movie);
		return code;
	}
	*ret_movie = movie;
	return HF_OK;
}

static enum hf_code write_packets(struct movie *movie, struct hf_err *err)
{
	for (;;) {
		int av = avcodec_receive_packet(movie->codec, movie->packet);

		if (av == AVERROR(EAGAIN) || av == AVERROR_EOF)
			return HF_OK;
		if (av >= 0) {
			movie->packet->duration = movie->interval;
			av_packet_rescale_ts(movie->packet, movie->codec->time_base,
					     movie->stream->time_base);
			movie->packet->stream_index = movie->stream->index;
			av = av_interleaved_write_frame(movie->format, movie->packet);
		}
		/* A full disk shows late: when a buffer goes out. */
		if (av >= 0)
			av = movie->format->pb->error;
		if (av < 0)
			return fail(movie, av, "write", err);
	}
}

static enum hf_code convert(struct movie *movie, const uint8_t *bgra, int stride,
			    struct hf_err *err)
{
	int av = av_frame_make_writable(movie->frame);

	if (av < 0)
		return fail(movie, av, "encode", err);
	movie->converter =
		sws_getCachedContext(movie->converter, movie->width, movie->height, AV_PIX_FMT_BGRA,
				     movie->width, movie->height, AV_PIX_FMT_YUV420P,
				     SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
	if (movie->converter == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: no conversion of pictures", movie->path);
	(void)sws_setColorspaceDetails(movie->converter, sws_getCoefficients(SWS_CS_ITU709), 1,
				       sws_getCoefficients(SWS_CS_ITU709), 0, 0, 1 << 16, 1 << 16);
	(void)sws_scale(movie->converter, &bgra, &stride, 0, movie->height, movie->frame->data,
			movie->frame->linesize);
	return HF_OK;
}

enum hf_code movie_write(struct movie *movie, const uint8_t *bgra, int stride, int64_t time_us,
			 struct hf_err *err)
{
	if (movie->start_us == INT64_MIN)
		movie->start_us = time_us;
	int64_t at = av_rescale_q(time_us - movie->start_us, (AVRational){ 1, 1000000 },
				  movie->codec->time_base);
	if (movie->last != INT64_MIN && at <= movie->last)
		at = movie->last + 1;
	if (movie->last != INT64_MIN)
		movie->interval = at - movie->last;
	movie->last = at;
	enum hf_code code = convert(movie, bgra, stride, err);
	if (code != HF_OK)
		return code;
	movie->frame->pts = at;
	int av = avcodec_send_frame(movie->codec, movie->frame);
	return av < 0 ? fail(movie, av, "encode", err) : write_packets(movie, err);
}

enum hf_code movie_finish(struct movie *movie, struct hf_err *err)
{
	int av = avcodec_send_frame(movie->codec, NULL);

	if (av < 0)
		return fail(movie, av, "encode", err);
	enum hf_code code = write_packets(movie, err);
	if (code != HF_OK)
		return code;
	av = av_write_trailer(movie->format);
	if (av >= 0)
		av = movie->format->pb->error;
	int closed = avio_closep(&movie->format->pb);
	av = av >= 0 ? closed : av;
	return av < 0 ? fail(movie, av, "write", err) : HF_OK;
}

void movie_close(struct movie *movie)
{
	if (movie == NULL)
		return;
	if (movie->format != NULL && movie->format->pb != NULL)
		(void)avio_closep(&movie->format->pb);
	sws_freeContext(movie->converter);
	av_frame_free(&movie->frame);
	av_packet_free(&movie->packet);
	avcodec_free_context(&movie->codec);
	avformat_free_context(movie->format);
	free(movie->path);
	free(movie);
}
