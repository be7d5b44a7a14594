/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of whole clips and of damaged ones is in source_test.c; here is what is refused. */
#include "ingest/decoder.h"

#include "base/auto.h"
#include "test.h"

#include <libavcodec/avcodec.h>
#include <string.h>

static enum hf_code open_it(enum AVCodecID codec, int width, int height, bool live,
			    struct hf_decoder **ret_decoder, struct hf_err *err)
{
	AVCodecParameters *parameters = avcodec_parameters_alloc();

	assert_non_null(parameters);
	hf_decoder_prepare();
	parameters->codec_type = AVMEDIA_TYPE_VIDEO;
	parameters->codec_id = codec;
	parameters->width = width;
	parameters->height = height;
	const struct hf_decoder_options options = { .name = "clip.avi",
						    .parameters = parameters,
						    .live = live };
	enum hf_code code = hf_decoder_open(&options, ret_decoder, err);
	avcodec_parameters_free(&parameters);
	return code;
}

TEST(sizes_out_of_bounds_are_refused_before_anything_is_allocated)
{
	static const int sizes[][2] = { { 0, 0 },      { 0, 480 },
					{ 15, 480 },   { 640, 15 },
					{ 7681, 480 }, { 640, 4321 },
					{ -1, -1 },    { INT32_MAX, INT32_MAX } };
	struct hf_decoder *decoder;
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
		CHECK_CODE(
			open_it(AV_CODEC_ID_H264, sizes[i][0], sizes[i][1], false, &decoder, &err),
			HF_E_INVALID);
		assert_non_null(strstr(err.text, "clip.avi: pictures of"));
	}
	CHECK_CODE(open_it(AV_CODEC_ID_H264, 7681, 480, true, &decoder, &err), HF_E_INVALID);
}

TEST(a_live_stream_may_tell_its_size_with_its_first_picture)
{
	struct hf_decoder *decoder;
	struct hf_err err;

	CHECK_OK(open_it(AV_CODEC_ID_H264, 0, 0, true, &decoder, &err));
	CHECK_TEXT(hf_decoder_codec(decoder), "h264");
	CHECK(!hf_decoder_every_picture_alone(decoder));
	hf_decoder_close(decoder);
	CHECK_OK(open_it(AV_CODEC_ID_MJPEG, 0, 0, true, &decoder, &err));
	CHECK(hf_decoder_every_picture_alone(decoder));
	hf_decoder_close(decoder);
	hf_decoder_close(NULL);
}

TEST(a_codec_that_nobody_knows_is_named)
{
	struct hf_decoder *decoder;
	struct hf_err err;

	CHECK_CODE(open_it(AV_CODEC_ID_NONE, 640, 480, false, &decoder, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "no decoder for none"));
}

TEST(rubbish_is_a_broken_picture_and_the_decoder_goes_on)
{
	static const enum AVCodecID codecs[] = { AV_CODEC_ID_MJPEG, AV_CODEC_ID_PNG };
	AVPacket *packet = av_packet_alloc();

	assert_true(packet != NULL && av_new_packet(packet, 5000) == 0);
	memset(packet->data, 0x5a, 5000);
	for (size_t i = 0; i < HF_ARRAY_LEN(codecs); i++) {
		struct hf_decoder *decoder;
		struct hf_err err;

		CHECK_OK(open_it(codecs[i], 640, 480, false, &decoder, &err));
		for (int round = 0; round < 3; round++)
			CHECK_CODE(hf_decoder_picture(decoder, packet, &err), HF_E_CORRUPT);
		hf_decoder_close(decoder);
	}
	av_packet_free(&packet);
}

TESTS(RUN(sizes_out_of_bounds_are_refused_before_anything_is_allocated),
      RUN(a_live_stream_may_tell_its_size_with_its_first_picture),
      RUN(a_codec_that_nobody_knows_is_named),
      RUN(rubbish_is_a_broken_picture_and_the_decoder_goes_on))
