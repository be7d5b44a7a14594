/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the thread opens, reads until something ends, says what, and goes. libavformat asks
 * an interrupt callback in everything that waits; it says "stop" when the deadline of the step
 * in hand has passed or the reader was closed.
 *
 * The streams are not probed (avformat_find_stream_info): the codec is in the SDP, the size comes
 * with the first picture, and a probe would decode in this thread and cost seconds.
 *
 * H.264 and H.265 come in pieces, and libavformat sees that a picture is whole when the next
 * one begins. So the moment at which a packet is handed out is the one at which the next one began
 * to arrive.
 *
 * The host's name is looked up here first, only for a clear message: libavformat calls every
 * failure of it an I/O error.
 */
#include "ingest/rtsp_reader.h"

#include "base/auto.h"
#include "base/url.h"
#include "ingest/arrival.h"
#include "ingest/decoder.h"
#include "shape/limits.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

struct queued {
	AVPacket *packet;
	struct hf_rtsp_packet about;
};

struct hf_rtsp_reader {
	/* Set before the thread begins. */
	char url[HF_PATH_BYTES], name[HF_PATH_BYTES];
	int64_t timeout_ms;
	bool udp;
	int event_fd;

	atomic_bool closed; /* nobody takes any more */
	atomic_int holders; /* the last of the two frees */

	pthread_mutex_t lock; /* for: */
	struct queued queue[HF_RTSP_QUEUE_MAX];
	unsigned first, count;
	size_t bytes;
	bool gap;
	bool ended;
	struct hf_err end;

	/* Of the thread; parameters are also the taker's, once there is a packet. */
	AVCodecParameters *parameters;
	AVFormatContext *format;
	struct hf_mono deadline;
	int stream;
};

static struct hf_mono now(void)
{
	return hf_mono_now(hf_clock_real());
}

static void release(struct hf_rtsp_reader *reader)
{
	if (atomic_fetch_sub(&reader->holders, 1) > 1)
		return;
	for (unsigned i = 0; i < HF_RTSP_QUEUE_MAX; i++)
		av_packet_free(&reader->queue[i].packet);
	avcodec_parameters_free(&reader->parameters);
	(void)pthread_mutex_destroy(&reader->lock);
	if (reader->event_fd >= 0)
		(void)close(reader->event_fd);
	free(reader);
}

static void wake_taker(const struct hf_rtsp_reader *reader)
{
	const uint64_t one = 1;

	/* Full it is readable all the same. */
	(void)!write(reader->event_fd, &one, sizeof one);
}

/* The thread */

static bool is_over(const struct hf_rtsp_reader *reader)
{
	return atomic_load(&reader->closed) || !hf_mono_before(now(), reader->deadline);
}

static int interrupt(void *context)
{
	return is_over(context);
}

static void begin_deadline(struct hf_rtsp_reader *reader)
{
	reader->deadline = hf_mono_add_ms(now(), reader->timeout_ms);
}

/* What libavformat answered, in words that help. */
static enum hf_code explain(const struct hf_rtsp_reader *reader, int av, struct hf_err *err)
{
	static const struct {
		int av;
		enum hf_code code;
		const char *says;
	} reasons[] = {
		{ AVERROR(ECONNREFUSED), HF_E_IO,
		  "nobody listens there: is the camera on, and is the port right?" },
		{ AVERROR(EHOSTUNREACH), HF_E_IO,
		  "the host cannot be reached: is it on, and in this network?" },
		{ AVERROR(ENETUNREACH), HF_E_IO, "there is no way into its network from here" },
		{ AVERROR(ECONNRESET), HF_E_IO, "it cut the connection" },
		{ AVERROR(EPIPE), HF_E_IO, "it cut the connection" },
		{ AVERROR_EOF, HF_E_IO, "it closed the connection" },
		{ AVERROR(EIO), HF_E_IO, "the connection broke" },
		{ AVERROR(ENOMEM), HF_E_NOMEM,
		  "out of memory, or its answer claims an absurd size" },
		{ AVERROR_HTTP_UNAUTHORIZED, HF_E_DENIED,
		  "it wants a user and password, or others than those in the url" },
		{ AVERROR_HTTP_FORBIDDEN, HF_E_DENIED, "it does not allow this user to watch" },
		{ AVERROR_HTTP_NOT_FOUND, HF_E_NOENT,
		  "it has no such stream: is the path in the url right?" },
		{ AVERROR_HTTP_BAD_REQUEST, HF_E_INVALID, "it refuses the request as wrong" },
		{ AVERROR_HTTP_OTHER_4XX, HF_E_INVALID,
		  "it refuses the request (4xx): does it offer this transport?" },
		{ AVERROR_HTTP_SERVER_ERROR, HF_E_IO, "it reports a fault of its own (5xx)" },
		{ AVERROR_INVALIDDATA, HF_E_INVALID,
		  "it closed the connection, or its answer is not RTSP that can be understood" },
		{ AVERROR(EINVAL), HF_E_INVALID,
		  "it closed the connection, or its answer is not RTSP that can be understood" },
		{ AVERROR_PATCHWELCOME, HF_E_INVALID, "it wants something that is not supported" },
	};
	char text[AV_ERROR_MAX_STRING_SIZE];

	if (av == AVERROR_EXIT || av == AVERROR(ETIMEDOUT) || is_over(reader))
		return hf_fail(err, HF_E_IO,
			       "%s: it does not %s within %lld ms; sources[].timeout says how long "
			       "to wait",
			       reader->name,
			       reader->parameters != NULL ? "send pictures" : "answer as it should",
			       (long long)reader->timeout_ms);
	for (size_t i = 0; i < HF_ARRAY_LEN(reasons); i++)
		if (reasons[i].av == av)
			return hf_fail(err, reasons[i].code, "%s: %s", reader->name,
				       reasons[i].says);
	return hf_fail(err, HF_E_IO, "%s: %s", reader->name,
		       av_make_error_string(text, sizeof text, av));
}

static enum hf_code find_host(const struct hf_rtsp_reader *reader, struct hf_err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct hf_url url;

	enum hf_code code = hf_url_parse(reader->url, &url, err);
	if (code != HF_OK)
		return code;
	int failed = getaddrinfo(url.host, NULL, &hints, &list);
	if (failed == 0)
		freeaddrinfo(list);
	if (failed != 0)
		return hf_fail(err, HF_E_NOENT, "%s: the host %s is not found: %s", reader->name,
			       url.host, gai_strerror(failed));
	return HF_OK;
}

static enum hf_code choose_stream(struct hf_rtsp_reader *reader, struct hf_err *err)
{
	const AVFormatContext *format = reader->format;
	const char *other = NULL;

	for (unsigned i = 0; i < format->nb_streams; i++) {
		const AVCodecParameters *parameters = format->streams[i]->codecpar;
		bool known = parameters->codec_id == AV_CODEC_ID_H264 ||
			     parameters->codec_id == AV_CODEC_ID_HEVC ||
			     parameters->codec_id == AV_CODEC_ID_MJPEG;

		if (parameters->codec_type == AVMEDIA_TYPE_VIDEO && !known)
			other = avcodec_get_name(parameters->codec_id);
		if (parameters->codec_type != AVMEDIA_TYPE_VIDEO || !known ||
		    reader->parameters != NULL) {
			format->streams[i]->discard = AVDISCARD_ALL;
			continue;
		}
		reader->stream = (int)i;
		reader->parameters = avcodec_parameters_alloc();
		if (reader->parameters == NULL ||
		    avcodec_parameters_copy(reader->parameters, parameters) < 0)
			return hf_fail(err, HF_E_NOMEM, "%s: out of memory", reader->name);
	}
	if (reader->parameters != NULL)
		return HF_OK;
	if (other != NULL)
		return hf_fail(err, HF_E_INVALID,
			       "%s: its video is of kind %s; H.264, H.265 and MJPEG are read, and "
			       "most cameras can be set to one of them",
			       reader->name, other);
	return hf_fail(err, HF_E_INVALID, "%s: it offers no video; is the path in the url right?",
		       reader->name);
}

static enum hf_code open_stream(struct hf_rtsp_reader *reader, struct hf_err *err)
{
	AVDictionary *options = NULL;

	begin_deadline(reader);
	enum hf_code code = find_host(reader, err);
	if (code != HF_OK)
		return code;
	reader->format = avformat_alloc_context();
	if (reader->format == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", reader->name);
	reader->format->interrupt_callback = (AVIOInterruptCB){ interrupt, reader };
	(void)av_dict_set(&options, "rtsp_transport", reader->udp ? "udp" : "tcp", 0);
	(void)av_dict_set(&options, "allowed_media_types", "video", 0);
	(void)av_dict_set(&options, "protocol_whitelist", "rtsp,rtp,tcp,udp,tls", 0);
	int av = avformat_open_input(&reader->format, reader->url, av_find_input_format("rtsp"),
				     &options);
	av_dict_free(&options);
	if (av < 0)
		return explain(reader, av, err);
	return choose_stream(reader, err);
}

static void empty_queue(struct hf_rtsp_reader *reader)
{
	for (; reader->count > 0; reader->count--) {
		av_packet_free(&reader->queue[reader->first].packet);
		reader->first = (reader->first + 1) % HF_RTSP_QUEUE_MAX;
	}
	reader->bytes = 0;
}

/* The packet is the queue's afterwards. */
static void put(struct hf_rtsp_reader *reader, AVPacket *packet, struct hf_mono arrived)
{
	const AVRational microseconds = { 1, 1000000 };
	int64_t stamp = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
	struct hf_rtsp_packet about = { .arrived = arrived, .stamp_us = HF_ARRIVAL_NO_STAMP };

	if (stamp != AV_NOPTS_VALUE)
		about.stamp_us = av_rescale_q(
			stamp, reader->format->streams[reader->stream]->time_base, microseconds);
	(void)pthread_mutex_lock(&reader->lock);
	if (reader->count == HF_RTSP_QUEUE_MAX ||
	    reader->bytes + (size_t)packet->size > HF_RTSP_QUEUE_BYTES_MAX) {
		empty_queue(reader);
		reader->gap = true;
	}
	about.after_gap = reader->gap;
	reader->gap = false;
	unsigned at = (reader->first + reader->count++) % HF_RTSP_QUEUE_MAX;
	reader->queue[at] = (struct queued){ packet, about };
	reader->bytes += (size_t)packet->size;
	(void)pthread_mutex_unlock(&reader->lock);
	wake_taker(reader);
}

/* Until it ends, in whatever way. */
static enum hf_code read_all(struct hf_rtsp_reader *reader, struct hf_err *err)
{
	bool in_pieces = reader->parameters->codec_id != AV_CODEC_ID_MJPEG;
	struct hf_mono began = { 0 }; /* the picture in hand, as far as that is known */

	begin_deadline(reader);
	for (;;) {
		AVPacket *packet = av_packet_alloc();
		if (packet == NULL)
			return hf_fail(err, HF_E_NOMEM, "%s: out of memory", reader->name);
		int av = av_read_frame(reader->format, packet);
		if (av == AVERROR(EAGAIN) && !is_over(reader)) {
			av_packet_free(&packet);
			continue;
		}
		if (av < 0) {
			av_packet_free(&packet);
			return explain(reader, av, err);
		}
		if (packet->stream_index != reader->stream || packet->size == 0) {
			av_packet_free(&packet);
			if (is_over(reader))
				return explain(reader, AVERROR_EXIT, err);
			continue;
		}
		const struct hf_mono handed_out = now();
		put(reader, packet, in_pieces && began.us != 0 ? began : handed_out);
		began = handed_out;
		/* At its end libavformat hands out what it had held back: no sign of life. */
		if (!is_over(reader))
			begin_deadline(reader);
	}
}

static void *work(void *context)
{
	struct hf_rtsp_reader *reader = context;
	struct hf_err err;

	enum hf_code code = open_stream(reader, &err);
	if (code == HF_OK)
		code = read_all(reader, &err);
	/* For TEARDOWN, which a server that does not read could hold up. */
	reader->deadline = hf_mono_add_ms(now(), 500);
	avformat_close_input(&reader->format);
	(void)pthread_mutex_lock(&reader->lock);
	reader->ended = true;
	reader->end = err;
	(void)pthread_mutex_unlock(&reader->lock);
	wake_taker(reader);
	release(reader);
	return NULL;
}

/* The taker */

static enum hf_code start_thread(struct hf_rtsp_reader *reader, struct hf_err *err)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;

	/* Signals are for the loop. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_store(&reader->holders, 2);
	int failed = pthread_create(&thread, &attributes, work, reader);
	(void)pthread_attr_destroy(&attributes);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed == 0)
		return HF_OK;
	atomic_store(&reader->holders, 1);
	return hf_fail(err, HF_E_LIMIT, "%s: no thread to read it: %s", reader->name,
		       strerror(failed));
}

enum hf_code hf_rtsp_reader_open(const struct hf_rtsp_reader_options *options,
				 struct hf_rtsp_reader **ret_reader, struct hf_err *err)
{
	struct hf_rtsp_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", options->name);
	(void)snprintf(reader->url, sizeof reader->url, "%s", options->url);
	(void)snprintf(reader->name, sizeof reader->name, "%s", options->name);
	reader->timeout_ms = options->timeout_ms;
	reader->udp = options->udp;
	atomic_init(&reader->holders, 1);
	(void)pthread_mutex_init(&reader->lock, NULL);
	reader->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum hf_code code = reader->event_fd >= 0 ? start_thread(reader, err)
						  : hf_fail_errno(err, "%s: eventfd", reader->name);
	if (code != HF_OK) {
		release(reader);
		return code;
	}
	*ret_reader = reader;
	return HF_OK;
}

void hf_rtsp_reader_close(struct hf_rtsp_reader *reader)
{
	if (reader == NULL)
		return;
	atomic_store(&reader->closed, true);
	release(reader);
}

int hf_rtsp_reader_fd(const struct hf_rtsp_reader *reader)
{
	return reader->event_fd;
}

unsigned hf_rtsp_reader_waiting(struct hf_rtsp_reader *reader)
{
	(void)pthread_mutex_lock(&reader->lock);
	unsigned count = reader->count + reader->ended;
	(void)pthread_mutex_unlock(&reader->lock);
	return count;
}

const struct AVCodecParameters *hf_rtsp_reader_parameters(struct hf_rtsp_reader *reader)
{
	return reader->parameters;
}

enum hf_code hf_rtsp_reader_take(struct hf_rtsp_reader *reader, struct AVPacket *packet,
				 struct hf_rtsp_packet *ret_about, struct hf_err *err)
{
	uint64_t woken;

	/* First, so that what comes now wakes again. */
	(void)!read(reader->event_fd, &woken, sizeof woken);
	(void)pthread_mutex_lock(&reader->lock);
	if (reader->count == 0) {
		bool ended = reader->ended;

		if (ended && err != NULL)
			*err = reader->end;
		enum hf_code code = ended ? reader->end.code : HF_E_AGAIN;
		(void)pthread_mutex_unlock(&reader->lock);
		return ended ? code : hf_fail(err, HF_E_AGAIN, "not yet");
	}
	struct queued *front = &reader->queue[reader->first];
	av_packet_move_ref(packet, front->packet);
	av_packet_free(&front->packet);
	*ret_about = front->about;
	reader->bytes -= (size_t)packet->size;
	reader->first = (reader->first + 1) % HF_RTSP_QUEUE_MAX;
	reader->count--;
	(void)pthread_mutex_unlock(&reader->lock);
	return HF_OK;
}
