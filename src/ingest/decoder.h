/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * decoder - from a stream's packets to frames: what files and network cameras share.
 *
 * Shape       Two kinds of stream. Where every picture stands alone (MJPEG,
 *             PNG) a packet is a picture: hf_decoder_picture(), and packets that
 *             are not wanted need not be decoded. Otherwise all packets are sent
 *             in order and pictures are received: hf_decoder_send(), then
 *             hf_decoder_receive() until AGAIN. Either leaves one picture in the
 *             decoder, for hf_decoder_take() or to be replaced by the next.
 *
 * Owners      One thread. A frame that was taken is valid until the next one is
 *             taken, hf_decoder_picture() is called, or the decoder is closed.
 *
 * Errors      open: INVALID (no decoder, one we do not use, or pictures
 *             of a size we do not take),
 *             CORRUPT (the decoder does not start), NOMEM.
 *             picture: CORRUPT: not a whole picture, pass over it.
 *             receive: AGAIN: send more. CORRUPT: a picture that is not whole
 *             was passed over. INVALID: the decoder refused what was sent.
 *             CLOSED: the stream was ended and everything has been received.
 *             take: INVALID (a pixel format that cannot be used), NOMEM.
 *
 * Limits      Bounded before a decoder allocates for a picture: the sides of
 *             frame.h, and HF_DECODER_BYTES_MAX for one allocation in libav.
 */
#include "base/err.h"
#include "ingest/frame.h"

enum {
	HF_DECODER_BYTES_MAX = 128 << 20, /* the greatest picture, 4:4:4, has 100 MB */
};

struct AVCodecParameters;
struct AVPacket;
struct hf_decoder;

struct hf_decoder_options {
	const char *name; /* of the file or address, for messages; copied */
	const struct AVCodecParameters *parameters;
	bool still; /* a single picture */
	bool live; /* now rather than all: pictures are not put in order; the size may be unknown */
};

enum hf_code hf_decoder_open(const struct hf_decoder_options *options,
			     struct hf_decoder **ret_decoder, struct hf_err *err) HF_MUST_CHECK;
void hf_decoder_close(struct hf_decoder *decoder); /* NULL is fine */

/* Once a process, before libav is used: quiet, and bounded in what it allocates at once. */
void hf_decoder_prepare(void);

/* The decoders that may be used, as libav's codec_whitelist wants them: for who opens a container,
 * where libavformat would try any decoder for any stream, sound among them. */
const char *hf_decoder_codecs(void);

const char *hf_decoder_codec(const struct hf_decoder *decoder); /* "h264" */
bool hf_decoder_every_picture_alone(const struct hf_decoder *decoder);

enum hf_code hf_decoder_picture(struct hf_decoder *decoder, const struct AVPacket *packet,
				struct hf_err *err) HF_MUST_CHECK;
/* False: the packet was refused; go on with the next. NULL ends the stream. */
bool hf_decoder_send(struct hf_decoder *decoder, const struct AVPacket *packet);
/* ret_stamp: in the stream's time base; AV_NOPTS_VALUE where there is none. */
enum hf_code hf_decoder_receive(struct hf_decoder *decoder, int64_t *ret_stamp,
				struct hf_err *err) HF_MUST_CHECK;
/* The picture that was taken last is in the decoder again. For a still picture. NOMEM. */
enum hf_code hf_decoder_repeat(struct hf_decoder *decoder, struct hf_err *err) HF_MUST_CHECK;
/* Behind with a live stream: leave out pictures that no other refers to. */
void hf_decoder_hurry(struct hf_decoder *decoder, bool hurry);
/* The stream goes on elsewhere. */
void hf_decoder_flush(struct hf_decoder *decoder);

/* The picture in the decoder, without number and times. */
enum hf_code hf_decoder_take(struct hf_decoder *decoder, struct hf_frame *ret_frame,
			     struct hf_err *err) HF_MUST_CHECK;
