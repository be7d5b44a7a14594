/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: rtsp_reader brings packets, a step decodes one of them. All pictures of H.264 and
 * H.265 are decoded, for the next ones refer to them, but only one that is wanted and new is
 * handed out; of MJPEG only the newest that has come is decoded at all.
 *
 * The newest frame wins: what a stall held back, on the way or here, is late and left out. A
 * queue that ran over was dropped whole, and decoding begins again with a picture that stands
 * alone; so it does at first. Cameras that refresh their picture bit by bit never send such a
 * one: after WHOLE_WAIT_MS all is decoded, and libavcodec says when the picture is whole.
 *
 * A server that sends packets but no picture for NO_PICTURE_MS lies about its codec, or
 * something on the way mutilates it: the connection is given up. That is longer than the
 * deadline for silence, since some cameras send a whole picture only every 20 s.
 */
#include "ingest/arrival.h"
#include "ingest/decoder.h"
#include "ingest/pace.h"
#include "ingest/rtsp_reader.h"
#include "ingest/source.h"

#include "base/url.h"

#include <libavcodec/avcodec.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	WHOLE_WAIT_MS = 4000,
	NO_PICTURE_MS = 30000,
	BACKLOG_MANY = 8, /* packets: leave out what can be left out */
	LOOK_AGAIN_MS = 1000,
};

struct rtsp_source {
	struct hf_source base;
	const struct hf_clock *clock;
	char name[HF_PATH_BYTES]; /* the address as it may be shown */
	struct hf_rtsp_reader *reader;
	struct hf_decoder *decoder; /* NULL until the first packet came */
	AVPacket *packet;
	struct hf_rtsp_packet about; /* packet */
	bool begun;                  /* a picture that stands alone came */
	struct hf_mono waits_since;  /* for that one */
	struct hf_mono picture_at;   /* the last whole one, or the first packet */
	struct hf_arrival arrival;
	struct hf_pace pace;
	uint64_t next_number;
	struct hf_source_info info;
};

static enum hf_code open_decoder(struct rtsp_source *rtsp, struct hf_err *err)
{
	const struct hf_decoder_options options = {
		.name = rtsp->name,
		.parameters = hf_rtsp_reader_parameters(rtsp->reader),
		.live = true,
	};
	enum hf_code code = hf_decoder_open(&options, &rtsp->decoder, err);

	if (code != HF_OK)
		return code;
	(void)snprintf(rtsp->info.codec, sizeof rtsp->info.codec, "%s",
		       hf_decoder_codec(rtsp->decoder));
	rtsp->picture_at = rtsp->about.arrived;
	return HF_OK;
}

/* The next packet; of pictures that stand alone the newest. */
static enum hf_code take_packet(struct rtsp_source *rtsp, struct hf_err *err)
{
	av_packet_unref(rtsp->packet);
	enum hf_code code = hf_rtsp_reader_take(rtsp->reader, rtsp->packet, &rtsp->about, err);
	if (code == HF_OK && rtsp->decoder == NULL)
		code = open_decoder(rtsp, err);
	if (code != HF_OK)
		return code;
	while (hf_decoder_every_picture_alone(rtsp->decoder) &&
	       hf_rtsp_reader_waiting(rtsp->reader) > 0) {
		AVPacket *newer = av_packet_alloc();

		if (newer == NULL)
			return hf_fail(err, HF_E_NOMEM, "%s: out of memory", rtsp->name);
		if (hf_rtsp_reader_take(rtsp->reader, newer, &rtsp->about, err) == HF_OK) {
			rtsp->next_number++;
			av_packet_unref(rtsp->packet);
			av_packet_move_ref(rtsp->packet, newer);
			av_packet_free(&newer);
			continue;
		}
		av_packet_free(&newer);
		break; /* the end, which is there again with the next step */
	}
	return HF_OK;
}

/* May decoding begin, or go on, with this packet? */
static bool may_decode(struct rtsp_source *rtsp)
{
	if (rtsp->about.after_gap)
		rtsp->begun = false;
	if (rtsp->begun)
		return true;
	if (rtsp->about.after_gap || rtsp->waits_since.us == 0) {
		hf_decoder_flush(rtsp->decoder);
		rtsp->waits_since = rtsp->about.arrived;
	}
	rtsp->begun = (rtsp->packet->flags & AV_PKT_FLAG_KEY) != 0 ||
		      hf_mono_diff_us(rtsp->about.arrived, rtsp->waits_since) >
			      WHOLE_WAIT_MS * INT64_C(1000);
	return rtsp->begun;
}

/* A picture came: its number and time, and whether it is to be handed out. */
static bool is_wanted(struct rtsp_source *rtsp, int64_t stamp_us, struct hf_frame *ret_frame)
{
	bool late;
	const struct hf_mono now = hf_mono_now(rtsp->clock);

	ret_frame->number = rtsp->next_number++;
	ret_frame->captured_mono =
		hf_arrival_time(&rtsp->arrival, stamp_us, rtsp->about.arrived, &late);
	rtsp->info.skew_us =
		rtsp->arrival.doubts < HF_ARRIVAL_DOUBTS_MAX
			? hf_mono_diff_us(rtsp->about.arrived, ret_frame->captured_mono)
			: -1;
	const int64_t age_us = hf_mono_diff_us(now, ret_frame->captured_mono);
	ret_frame->captured_wall.ms = hf_wall_now(rtsp->clock).ms - age_us / 1000;
	/* Nor what waited here, while this process was stopped or had no processor. */
	late = late || (hf_mono_diff_us(now, rtsp->about.arrived) > HF_ARRIVAL_LATE_US &&
			hf_rtsp_reader_waiting(rtsp->reader) > 0);
	return !late && hf_pace_wanted(&rtsp->pace, ret_frame->captured_mono.us);
}

static enum hf_code hand_out(struct rtsp_source *rtsp, const struct hf_frame *when,
			     struct hf_frame *ret_frame, struct hf_err *err)
{
	struct hf_frame frame;
	enum hf_code code = hf_decoder_take(rtsp->decoder, &frame, err);

	if (code != HF_OK)
		return code;
	frame.number = when->number;
	frame.captured_mono = when->captured_mono;
	frame.captured_wall = when->captured_wall;
	rtsp->info.width = frame.width;
	rtsp->info.height = frame.height;
	rtsp->info.frames++;
	*ret_frame = frame;
	return HF_OK;
}

static enum hf_code decode_alone(struct rtsp_source *rtsp, struct hf_frame *ret_frame,
				 struct hf_err *err)
{
	struct hf_frame when;

	if (!is_wanted(rtsp, rtsp->about.stamp_us, &when))
		return hf_fail(err, HF_E_AGAIN, "not yet");
	if (hf_decoder_picture(rtsp->decoder, rtsp->packet, err) != HF_OK) {
		rtsp->info.decode_errors++;
		return hf_fail(err, HF_E_AGAIN, "a broken picture was passed over");
	}
	rtsp->picture_at = rtsp->about.arrived;
	return hand_out(rtsp, &when, ret_frame, err);
}

static enum hf_code decode_chained(struct rtsp_source *rtsp, struct hf_frame *ret_frame,
				   struct hf_err *err)
{
	struct hf_frame when;
	int64_t stamp;

	hf_decoder_hurry(rtsp->decoder, hf_rtsp_reader_waiting(rtsp->reader) > BACKLOG_MANY);
	if (!hf_decoder_send(rtsp->decoder, rtsp->packet))
		rtsp->info.decode_errors++;
	for (;;) {
		enum hf_code code = hf_decoder_receive(rtsp->decoder, &stamp, err);

		if (code == HF_E_CORRUPT) {
			rtsp->info.decode_errors++;
			rtsp->next_number++;
			continue;
		}
		if (code == HF_E_INVALID)
			rtsp->info.decode_errors++;
		if (code != HF_OK)
			return hf_fail(err, HF_E_AGAIN, "not yet");
		rtsp->picture_at = rtsp->about.arrived;
		/* One packet in, one picture out: the packet's time is the picture's, but for
		 * the first pictures of a stream that puts them in another order. */
		if (is_wanted(rtsp, rtsp->about.stamp_us, &when))
			return hand_out(rtsp, &when, ret_frame, err);
	}
}

static enum hf_code rtsp_step(struct hf_source *source, struct hf_frame *ret_frame,
			      struct hf_err *err)
{
	struct rtsp_source *rtsp = (struct rtsp_source *)source;
	enum hf_code code = take_packet(rtsp, err);

	if (code != HF_OK)
		return code;
	if (hf_mono_diff_us(rtsp->about.arrived, rtsp->picture_at) > NO_PICTURE_MS * INT64_C(1000))
		return hf_fail(err, HF_E_CORRUPT,
			       "%s: it says that it sends %s, and not one picture of that could be "
			       "decoded for %d s",
			       rtsp->name, rtsp->info.codec, NO_PICTURE_MS / 1000);
	if (!may_decode(rtsp))
		return hf_fail(err, HF_E_AGAIN, "not yet");
	return hf_decoder_every_picture_alone(rtsp->decoder) ? decode_alone(rtsp, ret_frame, err)
							     : decode_chained(rtsp, ret_frame, err);
}

static struct hf_mono rtsp_due(const struct hf_source *source)
{
	const struct rtsp_source *rtsp = (const struct rtsp_source *)source;

	if (hf_rtsp_reader_waiting(rtsp->reader) > 0)
		return (struct hf_mono){ 0 };
	return hf_mono_add_ms(hf_mono_now(rtsp->clock), LOOK_AGAIN_MS);
}

static bool rtsp_poll(const struct hf_source *source, struct pollfd *ret_poll)
{
	const struct rtsp_source *rtsp = (const struct rtsp_source *)source;

	*ret_poll = (struct pollfd){ .fd = hf_rtsp_reader_fd(rtsp->reader), .events = POLLIN };
	return true;
}

static void rtsp_info(const struct hf_source *source, struct hf_source_info *ret_info)
{
	*ret_info = ((const struct rtsp_source *)source)->info;
}

static void rtsp_close(struct hf_source *source)
{
	struct rtsp_source *rtsp = (struct rtsp_source *)source;

	hf_rtsp_reader_close(rtsp->reader);
	hf_decoder_close(rtsp->decoder);
	av_packet_free(&rtsp->packet);
	free(rtsp);
}

enum hf_code hf_source_rtsp_open(const struct hf_source_options *options,
				 struct hf_source **ret_source, struct hf_err *err)
{
	static const struct hf_source_ops ops = { .poll = rtsp_poll,
						  .step = rtsp_step,
						  .due = rtsp_due,
						  .info = rtsp_info,
						  .close = rtsp_close };
	const struct hf_config_source *config = options->config;
	char name[HF_PATH_BYTES];
	struct hf_rtsp_reader_options reader = { .url = config->url,
						 .name = name,
						 .timeout_ms = config->timeout_ms,
						 .udp = config->transport != 0 };

	hf_url_hide(config->url, name, sizeof name);
	if (options->lockstep)
		return hf_fail(err, HF_E_INVALID,
			       "%s: a camera cannot be read in lockstep; it waits for nobody",
			       name);
	struct rtsp_source *rtsp = calloc(1, sizeof *rtsp);
	if (rtsp == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", name);
	rtsp->base.ops = &ops;
	rtsp->clock = options->clock;
	(void)snprintf(rtsp->name, sizeof rtsp->name, "%s", name);
	rtsp->pace = hf_pace_begin(0, config->fps, HF_SOURCE_FPS_MAX);
	hf_decoder_prepare();
	rtsp->packet = av_packet_alloc();
	enum hf_code code = rtsp->packet != NULL
				    ? hf_rtsp_reader_open(&reader, &rtsp->reader, err)
				    : hf_fail(err, HF_E_NOMEM, "%s: out of memory", name);
	if (code != HF_OK) {
		rtsp_close(&rtsp->base);
		return code;
	}
	*ret_source = &rtsp->base;
	return HF_OK;
}
