/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the process polls the device and steps. A step
 *   1. asks for events, and every two seconds for the signal: another one ends the stream and
 *      begins it anew in its format;
 *   2. takes all filled buffers, gives back all but the newest, decodes that if one of them was
 *      wanted, gives it back. Between wanted pictures nothing is decoded, but buffers are
 *      emptied: drivers throw the newest away when no buffer is free, and four old pictures
 *      would wait for us;
 *   3. looks at the clock: too long without a picture is the next rung of the ladder.
 *
 * Without a signal many devices go on to send noise, a blue picture or their last one: those are
 * not handed out.
 */
#include "ingest/source_v4l2.h"

#include "base/auto.h"
#include "ingest/decoder.h"
#include "ingest/pace.h"

#include <libavcodec/avcodec.h>
#include <poll.h>
#include <string.h>

enum {
	ALIGNMENT = 64,
	AFTER_IO_MS = 500, /* a stream that failed is not begun again at once */
	UNDECODED_MAX = 5, /* in a row, and for HF_V4L2_SILENCE_MS: begin anew */
	SLOW_AFTER_MS = 1000,
	STAMP_AGE_S_MAX = 60,     /* an older one is a clock gone wrong */
	SEQUENCE_STEP_MAX = 1000, /* a larger one is not a loss, but a counter gone wrong */
};

struct v4l2_source {
	struct hf_source base;
	const struct hf_clock *clock;
	char path[HF_PATH_BYTES];
	struct hf_v4l2_wish wish;
	double fps_wanted;
	struct hf_v4l2_device *device;
	struct hf_v4l2_format format;
	struct hf_decoder *decoder; /* of MJPEG; NULL until it is needed */
	AVPacket *packet;
	uint8_t *planes; /* of a picture that came as YUYV */
	size_t planes_bytes;

	struct hf_pace pace;
	bool owed;                /* a wanted picture was broken: the next one takes its place */
	struct hf_mono arrived;   /* the newest picture, or the begin of the stream */
	struct hf_mono retry_at;  /* while it does not stream */
	struct hf_mono signal_at; /* of the next question for it */
	unsigned restarts;        /* since the last whole picture */
	unsigned undecoded;       /* in a row */
	struct hf_mono undecoded_since;
	bool came;         /* a picture, since the stream began */
	uint32_t sequence; /* of the last picture, if one came */
	uint64_t next_number;
	struct hf_mono handed_out; /* capture time of the last frame */
	struct hf_source_info info;
};

static struct hf_mono now_of(const struct v4l2_source *v4l2)
{
	return hf_mono_now(v4l2->clock);
}

/* Stopping and beginning a stream may take seconds where a USB device does not answer. */
static bool is_slow(const struct v4l2_source *v4l2)
{
	return v4l2->restarts > 0 || !hf_v4l2_streams(v4l2->device) ||
	       hf_mono_diff_us(now_of(v4l2), v4l2->arrived) > SLOW_AFTER_MS * INT64_C(1000);
}

static void set_why(struct v4l2_source *v4l2, const char *why)
{
	(void)snprintf(v4l2->info.why, sizeof v4l2->info.why, "%.*s",
		       (int)sizeof v4l2->info.why - 1, why);
}

static void say_format(struct v4l2_source *v4l2)
{
	static const char *const names[] = {
		[HF_V4L2_MJPEG] = "mjpeg", [HF_V4L2_YUYV] = "yuyv", [HF_V4L2_UYVY] = "uyvy"
	};
	struct hf_source_info *info = &v4l2->info;

	(void)snprintf(info->codec, sizeof info->codec, "%s", names[v4l2->format.pixels]);
	info->width = v4l2->format.width;
	info->height = v4l2->format.height;
	info->fps = v4l2->pace.step_us > 0 ? 1e6 / (double)v4l2->pace.step_us : v4l2->format.fps;
}

/* Room for one picture as planes. Readers work in whole vectors and may look past the end. */
static enum hf_code make_planes(struct v4l2_source *v4l2, struct hf_err *err)
{
	size_t stride = (v4l2->format.width + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	size_t total = 2 * stride * v4l2->format.height + ALIGNMENT;

	if (v4l2->format.pixels == HF_V4L2_MJPEG || v4l2->planes_bytes == total)
		return HF_OK;
	free(v4l2->planes);
	v4l2->planes = aligned_alloc(ALIGNMENT, total);
	v4l2->planes_bytes = v4l2->planes != NULL ? total : 0;
	if (v4l2->planes == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", v4l2->path);
	memset(v4l2->planes, 0, total);
	return HF_OK;
}

static enum hf_code begin(struct v4l2_source *v4l2, struct hf_err *err)
{
	enum hf_code code = hf_v4l2_begin(v4l2->device, &v4l2->wish, &v4l2->format, err);

	/* A begin may take seconds. */
	const struct hf_mono now = now_of(v4l2);
	v4l2->signal_at = v4l2->retry_at = hf_mono_add_ms(now, HF_V4L2_SIGNAL_MS);
	if (code == HF_OK)
		code = make_planes(v4l2, err);
	if (code != HF_OK) {
		hf_v4l2_end(v4l2->device);
		set_why(v4l2, err->text);
		return code;
	}
	v4l2->pace = hf_pace_begin(v4l2->format.fps, v4l2->fps_wanted, HF_SOURCE_FPS_MAX);
	v4l2->arrived = now;
	v4l2->came = false;
	v4l2->undecoded = 0;
	say_format(v4l2);
	return HF_OK;
}

/* One rung up. AGAIN: there is hope. */
static enum hf_code begin_anew(struct v4l2_source *v4l2, int64_t wait_ms, const char *why,
			       struct hf_err *err)
{
	hf_v4l2_end(v4l2->device);
	if (v4l2->restarts == HF_V4L2_RESTARTS_MAX)
		return hf_fail(err, HF_E_IO,
			       "%s (%s): %s, and its stream was begun anew %u times without use",
			       v4l2->path, hf_v4l2_name(v4l2->device), why, v4l2->restarts);
	v4l2->restarts++;
	set_why(v4l2, why);
	v4l2->retry_at = hf_mono_add_ms(now_of(v4l2), wait_ms);
	return hf_fail(err, HF_E_AGAIN, "%s: %s", v4l2->path, why);
}

/* It does not stream. OK: now it does. */
static enum hf_code try_again(struct v4l2_source *v4l2, struct hf_err *err)
{
	if (hf_mono_before(now_of(v4l2), v4l2->retry_at))
		return hf_fail(err, HF_E_AGAIN, "not yet");
	enum hf_code code = begin(v4l2, err);
	if (code != HF_E_IO)
		return code;
	char why[sizeof v4l2->info.why];
	memcpy(why, v4l2->info.why, sizeof why);
	return begin_anew(v4l2, HF_V4L2_SIGNAL_MS, why, err);
}

static void unpack(struct v4l2_source *v4l2, const uint8_t *data, struct hf_frame *ret_frame)
{
	const struct hf_v4l2_format *format = &v4l2->format;
	const size_t stride = (format->width + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	const uint32_t pairs = (format->width + 1) / 2;
	const unsigned grey_at = format->pixels == HF_V4L2_YUYV ? 0 : 1;
	uint8_t *planes[3] = { v4l2->planes, v4l2->planes + stride * format->height,
			       v4l2->planes + (stride + stride / 2) * format->height };

	for (uint32_t row = 0; row < format->height; row++) {
		const uint8_t *restrict grey_in = data + (size_t)row * format->stride + grey_at;
		const uint8_t *restrict colour_in =
			data + (size_t)row * format->stride + 1 - grey_at;
		uint8_t *restrict grey = planes[0] + row * stride;
		uint8_t *restrict u = planes[1] + row * stride / 2;
		uint8_t *restrict v = planes[2] + row * stride / 2;

		for (uint32_t i = 0; i < format->width; i++)
			grey[i] = grey_in[2 * i];
		for (uint32_t i = 0; i < pairs; i++) {
			u[i] = colour_in[4 * i];
			v[i] = colour_in[4 * i + 2];
		}
	}
	*ret_frame =
		(struct hf_frame){ .planes = { planes[0], planes[1], planes[2] },
				   .strides = { (int)stride, (int)(stride / 2), (int)(stride / 2) },
				   .width = format->width,
				   .height = format->height,
				   .chroma = HF_CHROMA_422,
				   .full_range = format->full_range,
				   .bt709 = format->bt709 };
}

static enum hf_code open_decoder(struct v4l2_source *v4l2, struct hf_err *err)
{
	AVCodecParameters *parameters = avcodec_parameters_alloc();
	const struct hf_decoder_options options = { .name = v4l2->path,
						    .parameters = parameters,
						    .live = true };

	if (parameters == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", v4l2->path);
	parameters->codec_type = AVMEDIA_TYPE_VIDEO;
	parameters->codec_id = AV_CODEC_ID_MJPEG;
	parameters->width = (int)v4l2->format.width;
	parameters->height = (int)v4l2->format.height;
	enum hf_code code = hf_decoder_open(&options, &v4l2->decoder, err);
	avcodec_parameters_free(&parameters);
	return code;
}

static enum hf_code decode_mjpeg(struct v4l2_source *v4l2, const struct hf_v4l2_picture *picture,
				 struct hf_frame *ret_frame, struct hf_err *err)
{
	/* Drivers do not all say of an empty or torn buffer that it is one. */
	if (picture->size_bytes < 4 || picture->data[0] != 0xff || picture->data[1] != 0xd8)
		return hf_fail(err, HF_E_CORRUPT, "%s: not a picture", v4l2->path);
	if (v4l2->decoder == NULL) {
		enum hf_code code = open_decoder(v4l2, err);

		if (code != HF_OK)
			return code;
	}
	/* A copy: libav reads beyond the end, where the driver's memory may end, too. */
	if (picture->size_bytes > HF_DECODER_BYTES_MAX ||
	    av_new_packet(v4l2->packet, (int)picture->size_bytes) < 0)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", v4l2->path);
	memcpy(v4l2->packet->data, picture->data, picture->size_bytes);
	enum hf_code code = hf_decoder_picture(v4l2->decoder, v4l2->packet, err);
	av_packet_unref(v4l2->packet);
	if (code != HF_OK)
		return code;
	return hf_decoder_take(v4l2->decoder, ret_frame, err);
}

static enum hf_code decode(struct v4l2_source *v4l2, const struct hf_v4l2_picture *picture,
			   struct hf_frame *ret_frame, struct hf_err *err)
{
	const struct hf_v4l2_format *format = &v4l2->format;
	const size_t row_bytes = 2 * (((size_t)format->width + 1) / 2 * 2);

	if (format->pixels == HF_V4L2_MJPEG)
		return decode_mjpeg(v4l2, picture, ret_frame, err);
	if (picture->size_bytes < (size_t)format->stride * (format->height - 1) + row_bytes)
		return hf_fail(err, HF_E_CORRUPT, "%s: half a picture", v4l2->path);
	unpack(v4l2, picture->data, ret_frame);
	return HF_OK;
}

/* When it was taken: the driver's word, where that can be true. */
static struct hf_mono time_of(const struct v4l2_source *v4l2, const struct hf_v4l2_picture *picture)
{
	const struct hf_mono now = now_of(v4l2), stamp = picture->stamp;

	if (stamp.us <= 0 || hf_mono_before(now, stamp) ||
	    hf_mono_diff_us(now, stamp) > STAMP_AGE_S_MAX * INT64_C(1000000) ||
	    !hf_mono_before(v4l2->handed_out, stamp))
		return now;
	return stamp;
}

/* A picture was taken: is it wanted? Counts it, and those the driver lost before it. */
static bool note_picture(struct v4l2_source *v4l2, const struct hf_v4l2_picture *picture)
{
	const uint32_t step = picture->sequence - v4l2->sequence;

	if (v4l2->came && step > 1 && step <= SEQUENCE_STEP_MAX)
		v4l2->next_number += step - 1;
	v4l2->next_number++;
	v4l2->came = true;
	v4l2->sequence = picture->sequence;
	if (picture->broken) {
		v4l2->info.decode_errors++;
		return false;
	}
	v4l2->arrived = now_of(v4l2);
	int64_t stamp_us = picture->stamp.us > 0 ? picture->stamp.us : v4l2->arrived.us;
	return hf_pace_wanted(&v4l2->pace, hf_pace_time(&v4l2->pace, stamp_us));
}

static enum hf_code hand_out(struct v4l2_source *v4l2, const struct hf_v4l2_picture *picture,
			     struct hf_frame *ret_frame, struct hf_err *err)
{
	struct hf_frame frame;
	enum hf_code code = decode(v4l2, picture, &frame, err);

	v4l2->owed = code != HF_OK;
	if (code != HF_OK) {
		if (v4l2->undecoded++ == 0)
			v4l2->undecoded_since = now_of(v4l2);
		v4l2->info.decode_errors++;
		return code == HF_E_NOMEM
			       ? code
			       : hf_fail(err, HF_E_AGAIN, "a broken picture was passed over");
	}
	v4l2->undecoded = 0;
	v4l2->restarts = 0;
	set_why(v4l2, "");
	frame.number = v4l2->next_number - 1;
	frame.captured_mono = time_of(v4l2, picture);
	frame.captured_wall.ms = hf_wall_now(v4l2->clock).ms -
				 hf_mono_diff_us(now_of(v4l2), frame.captured_mono) / 1000;
	v4l2->info.skew_us = hf_mono_diff_us(now_of(v4l2), frame.captured_mono);
	v4l2->handed_out = frame.captured_mono;
	v4l2->info.width = frame.width;
	v4l2->info.height = frame.height;
	v4l2->info.frames++;
	*ret_frame = frame;
	return HF_OK;
}

/* All that is there; the newest of it, if one is wanted. */
static enum hf_code take_pictures(struct v4l2_source *v4l2, struct hf_frame *ret_frame,
				  struct hf_err *err)
{
	struct hf_v4l2_picture newest = { 0 }, picture;
	bool have = false, wanted = v4l2->owed;
	enum hf_code code = HF_OK;

	/* Bounded: a driver that fills faster than we empty must not keep us here. */
	for (int i = 0; i < 2 * HF_V4L2_BUFFERS; i++) {
		code = hf_v4l2_take(v4l2->device, &picture, err);
		if (code != HF_OK)
			break;
		wanted |= note_picture(v4l2, &picture);
		uint32_t done = picture.index;
		if (!picture.broken) {
			done = have ? newest.index : UINT32_MAX;
			newest = picture;
			have = true;
		}
		if (done != UINT32_MAX)
			code = hf_v4l2_give(v4l2->device, done, err);
		if (code != HF_OK)
			return code;
	}
	if (code != HF_OK && code != HF_E_AGAIN)
		return code;
	code = hf_fail(err, HF_E_AGAIN, "not yet");
	if (!have)
		return code;
	if (wanted && hf_v4l2_has_signal(v4l2->device))
		code = hand_out(v4l2, &newest, ret_frame, err);
	struct hf_err give_err;
	enum hf_code gave = hf_v4l2_give(v4l2->device, newest.index, &give_err);
	if (gave != HF_OK && err != NULL)
		*err = give_err;
	return gave != HF_OK ? gave : code;
}

/* How long the device may say nothing. */
static int64_t patience_ms(const struct v4l2_source *v4l2)
{
	const int64_t frames_ms = v4l2->format.fps > 0 ? (int64_t)(2000 / v4l2->format.fps) : 0;

	return HF_V4L2_SILENCE_MS + v4l2->restarts * HF_V4L2_PATIENCE_MS + frames_ms;
}

/* Asked however many pictures come: they may be of nothing. NOENT: it was unplugged. */
static enum hf_code ask_for_signal(struct v4l2_source *v4l2, struct hf_err *err)
{
	const bool had = hf_v4l2_has_signal(v4l2->device);

	if (hf_mono_before(now_of(v4l2), v4l2->signal_at))
		return HF_OK;
	v4l2->signal_at = hf_mono_add_ms(now_of(v4l2), HF_V4L2_SIGNAL_MS);
	enum hf_code code = hf_v4l2_signal(v4l2->device, err);
	if (code == HF_E_NOENT)
		return code;
	if (code == HF_E_AGAIN)
		set_why(v4l2, err->text);
	if (code == HF_OK && !had) {
		/* It may be another signal than before. */
		hf_v4l2_end(v4l2->device);
		v4l2->retry_at = now_of(v4l2);
	}
	return HF_OK;
}

/* It streams, and no frame came of it this time. */
static enum hf_code watch(struct v4l2_source *v4l2, struct hf_err *err)
{
	const struct hf_mono now = now_of(v4l2);
	char why[sizeof v4l2->info.why];

	if (!hf_v4l2_has_signal(v4l2->device)) {
		v4l2->arrived = now;
		return hf_fail(err, HF_E_AGAIN, "no signal");
	}
	int64_t silent_ms = hf_mono_diff_us(now, v4l2->arrived) / 1000;
	if (silent_ms >= patience_ms(v4l2)) {
		(void)snprintf(why, sizeof why, "no picture for %d s", (int)(silent_ms / 1000));
		return begin_anew(v4l2, 0, why, err);
	}
	if (v4l2->undecoded >= UNDECODED_MAX &&
	    hf_mono_diff_us(now, v4l2->undecoded_since) >= HF_V4L2_SILENCE_MS * INT64_C(1000)) {
		(void)snprintf(why, sizeof why, "%u pictures in a row could not be decoded",
			       v4l2->undecoded);
		return begin_anew(v4l2, 0, why, err);
	}
	return hf_fail(err, HF_E_AGAIN, "not yet");
}

static enum hf_code v4l2_step(struct hf_source *source, struct hf_frame *ret_frame,
			      struct hf_err *err)
{
	struct v4l2_source *v4l2 = (struct v4l2_source *)source;
	bool changed;
	enum hf_code code = hf_v4l2_changed(v4l2->device, &changed, err);

	if (code != HF_OK)
		return code;
	if (changed) {
		hf_v4l2_end(v4l2->device);
		v4l2->retry_at = now_of(v4l2);
	} else if (hf_v4l2_streams(v4l2->device)) {
		code = ask_for_signal(v4l2, err);
	}
	if (code == HF_OK && !hf_v4l2_streams(v4l2->device))
		code = try_again(v4l2, err);
	if (code == HF_OK)
		code = take_pictures(v4l2, ret_frame, err);
	if (code == HF_E_IO && hf_v4l2_streams(v4l2->device)) {
		char why[sizeof v4l2->info.why];

		v4l2->info.decode_errors++;
		(void)snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, err->text);
		return begin_anew(v4l2, AFTER_IO_MS, why, err);
	}
	if (code == HF_E_AGAIN && hf_v4l2_streams(v4l2->device))
		code = watch(v4l2, err);
	return code;
}

static struct hf_mono v4l2_due(const struct hf_source *source)
{
	const struct v4l2_source *v4l2 = (const struct v4l2_source *)source;

	if (!hf_v4l2_streams(v4l2->device))
		return v4l2->retry_at;
	struct hf_mono silent = hf_mono_add_ms(v4l2->arrived, patience_ms(v4l2));
	return hf_mono_before(silent, v4l2->signal_at) ? silent : v4l2->signal_at;
}

static bool v4l2_poll(const struct hf_source *source, struct pollfd *ret_poll)
{
	const struct v4l2_source *v4l2 = (const struct v4l2_source *)source;

	/* Without a stream a poll for pictures answers at once, with an error. */
	*ret_poll = (struct pollfd){
		.fd = hf_v4l2_fd(v4l2->device),
		.events = hf_v4l2_streams(v4l2->device) ? POLLIN | POLLPRI : POLLPRI,
	};
	return true;
}

static void v4l2_info(const struct hf_source *source, struct hf_source_info *ret_info)
{
	const struct v4l2_source *v4l2 = (const struct v4l2_source *)source;

	*ret_info = v4l2->info;
	ret_info->slow = is_slow(v4l2);
}

static void v4l2_close(struct hf_source *source)
{
	struct v4l2_source *v4l2 = (struct v4l2_source *)source;

	hf_v4l2_close(v4l2->device);
	hf_decoder_close(v4l2->decoder);
	av_packet_free(&v4l2->packet);
	free(v4l2->planes);
	free(v4l2);
}

enum hf_code hf_source_v4l2_open_with(const struct hf_source_options *options,
				      const struct hf_v4l2_ops *ops, struct hf_source **ret_source,
				      struct hf_err *err)
{
	static const struct hf_source_ops source_ops = { .step = v4l2_step,
							 .due = v4l2_due,
							 .poll = v4l2_poll,
							 .info = v4l2_info,
							 .close = v4l2_close };
	const struct hf_config_source *config = options->config;

	if (options->lockstep)
		return hf_fail(err, HF_E_INVALID,
			       "%s is a device: it cannot be read in lock-step. analyze and detect "
			       "want files; record one first",
			       config->url);
	struct v4l2_source *v4l2 = calloc(1, sizeof *v4l2);
	if (v4l2 == NULL)
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", config->url);
	v4l2->base.ops = &source_ops;
	v4l2->clock = options->clock;
	v4l2->fps_wanted = config->fps;
	v4l2->wish = (struct hf_v4l2_wish){
		.pixels = config->pixels,
		.width = (uint32_t)config->width,
		.height = (uint32_t)config->height,
		.fps = config->fps,
	};
	(void)snprintf(v4l2->path, sizeof v4l2->path, "%s", config->url);
	hf_decoder_prepare();
	enum hf_code code = HF_OK;
	v4l2->packet = av_packet_alloc();
	if (v4l2->packet == NULL)
		code = hf_fail(err, HF_E_NOMEM, "open %s: out of memory", config->url);
	if (code == HF_OK)
		code = hf_v4l2_open(v4l2->path, ops, &v4l2->device, err);
	if (code == HF_OK)
		code = begin(v4l2, err);
	/* It will have a signal some time, and is there to tell. */
	if (code == HF_E_AGAIN && !hf_v4l2_has_signal(v4l2->device))
		code = HF_OK;
	if (code != HF_OK) {
		v4l2_close(&v4l2->base);
		return code;
	}
	*ret_source = &v4l2->base;
	return HF_OK;
}

enum hf_code hf_source_v4l2_open(const struct hf_source_options *options,
				 struct hf_source **ret_source, struct hf_err *err)
{
	return hf_source_v4l2_open_with(options, hf_v4l2_ops_real(), ret_source, err);
}
