/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a camera sends comes out as frames, whatever its timestamps, sizes and manners.
 *
 * Method: a camera of 60 lines on loopback. Its thread answers up to PLAY and ends; then the test
 * itself sends pictures of real footage, one RTP packet each, with the timestamps it likes.
 * HOLDFAST_CLIPS names the folder that test/data/make-clips.sh has filled.
 */
#include "ingest/source.h"

#include "base/auto.h"
#include "ingest/arrival.h"
#include "ingest/rtsp_reader.h"
#include "test.h"

#include <arpa/inet.h>
#include <libavcodec/avcodec.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

enum {
	PATIENCE_MS = 20000,  /* a hang fails the test; nothing else depends on it */
	PICTURE_TICKS = 9000, /* of 90 kHz: ten a second */
	NALS_MAX = 200,
	NAL_BYTES_MAX = 60000,
};

struct camera {
	const char *codec; /* as in a=rtpmap */
	int listen_fd, fd;
	uint16_t port, sequence;
	pthread_t thread;
};

static void answer(int fd, const char *request, const char *head, const char *body)
{
	char text[1024];
	const char *cseq = strstr(request, "CSeq:");
	int length = snprintf(text, sizeof text,
			      "RTSP/1.0 200 OK\r\nCSeq: %d\r\n%sContent-Length: %zu\r\n\r\n%s",
			      cseq != NULL ? atoi(cseq + 5) : 0, head, strlen(body), body);

	(void)!write(fd, text, (size_t)length);
}

static void *be_polite(void *context)
{
	struct camera *camera = context;
	char request[4096], sdp[256];

	(void)snprintf(sdp, sizeof sdp,
		       "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
		       "a=rtpmap:96 %s/90000\r\na=control:t0\r\n",
		       camera->codec);
	camera->fd = accept(camera->listen_fd, NULL, NULL);
	for (;;) {
		size_t size = 0;

		do {
			ssize_t got = read(camera->fd, request + size, sizeof request - 1 - size);
			if (got <= 0)
				return NULL;
			size += (size_t)got;
			request[size] = '\0';
		} while (strstr(request, "\r\n\r\n") == NULL);
		if (strncmp(request, "DESCRIBE", 8) == 0)
			answer(camera->fd, request, "Content-Type: application/sdp\r\n", sdp);
		else if (strncmp(request, "SETUP", 5) == 0)
			answer(camera->fd, request,
			       "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
			       "");
		else
			answer(camera->fd, request, "Session: 1\r\n", "");
		if (strncmp(request, "PLAY", 4) == 0)
			return NULL;
	}
}

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		    listen(fd, 4) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void camera_start(struct camera *camera, const char *codec)
{
	*camera = (struct camera){ .codec = codec, .fd = -1 };
	camera->listen_fd = listen_on_loopback(&camera->port);
	assert_int_equal(pthread_create(&camera->thread, NULL, be_polite, camera), 0);
}

/* From here on the test sends. */
static void camera_await_play(struct camera *camera)
{
	assert_int_equal(pthread_join(camera->thread, NULL), 0);
}

static void camera_end(struct camera *camera)
{
	(void)close(camera->fd);
	(void)close(camera->listen_fd);
}

/* One NAL unit in one RTP packet. False: the other end is gone. */
static bool send_nal(struct camera *camera, const uint8_t *nal, size_t size, uint32_t stamp,
		     bool last)
{
	uint8_t packet[16 + NAL_BYTES_MAX] = { '$', 0 };
	const uint16_t length = htons((uint16_t)(12 + size)), number = htons(camera->sequence++);
	const uint32_t stamp_sent = htonl(stamp);

	assert_true(size <= NAL_BYTES_MAX);
	memcpy(packet + 2, &length, 2);
	packet[4] = 0x80;
	packet[5] = (uint8_t)(96 | (last ? 0x80 : 0));
	memcpy(packet + 6, &number, 2);
	memcpy(packet + 8, &stamp_sent, 4);
	memcpy(packet + 16, nal, size);
	return send(camera->fd, packet, 16 + size, MSG_NOSIGNAL) == (ssize_t)(16 + size);
}

/* A clip of bare H.264, cut into NAL units. */
struct clip {
	uint8_t *data;
	struct {
		const uint8_t *at;
		size_t size;
	} nals[NALS_MAX];
	size_t count, next;
};

static bool clip_load(struct clip *clip, const char *name)
{
	char path[HF_PATH_BYTES];
	const size_t size_max = 4 << 20;

	*clip = (struct clip){ 0 };
	(void)snprintf(path, sizeof path, "%s/%s",
		       getenv("HOLDFAST_CLIPS") != NULL ? getenv("HOLDFAST_CLIPS") : "", name);
	HF_AUTO_FCLOSE FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	clip->data = malloc(size_max);
	assert_non_null(clip->data);
	const size_t size = fread(clip->data, 1, size_max, file);
	for (size_t i = 0; i + 3 < size; i++) {
		if (memcmp(clip->data + i, "\0\0\1", 3) != 0)
			continue;
		if (clip->count > 0) {
			const uint8_t *begin = clip->nals[clip->count - 1].at;
			size_t length = (size_t)(clip->data + i - begin);

			clip->nals[clip->count - 1].size = length - (begin[length - 1] == 0);
		}
		assert_true(clip->count < NALS_MAX);
		clip->nals[clip->count].at = clip->data + i + 3;
		clip->nals[clip->count++].size = size - i - 3;
	}
	return true;
}

/* The next picture, with what stands before it; over and over again. */
static bool send_picture(struct camera *camera, struct clip *clip, uint32_t stamp)
{
	for (;;) {
		size_t i = clip->next++ % clip->count;
		int type = clip->nals[i].at[0] & 31;
		bool picture = type == 1 || type == 5;

		if (!send_nal(camera, clip->nals[i].at, clip->nals[i].size, stamp, picture))
			return false;
		if (picture)
			return true;
	}
}

static struct hf_source *source_of(uint16_t port, int64_t timeout_ms)
{
	struct hf_config_source config = { .type = HF_SOURCE_RTSP,
					   .fps = 60,
					   .timeout_ms = timeout_ms };
	const struct hf_source_options options = { .config = &config, .clock = hf_clock_real() };
	struct hf_source *source = NULL;
	struct hf_err err;

	(void)snprintf(config.url, sizeof config.url, "rtsp://u:s3cret@127.0.0.1:%u/live", port);
	CHECK_OK(hf_source_open(&options, &source, &err));
	return source;
}

/* The next frame, or the end. */
static enum hf_code next(struct hf_source *source, struct hf_frame *ret_frame, struct hf_err *err)
{
	const struct hf_mono begin = hf_mono_now(hf_clock_real());

	for (;;) {
		struct pollfd wait;
		enum hf_code code = hf_source_step(source, ret_frame, err);

		if (code != HF_E_AGAIN)
			return code;
		assert_true(hf_source_poll(source, &wait));
		if (hf_source_due(source).us != 0)
			(void)poll(&wait, 1, 100);
		if (hf_mono_diff_us(hf_mono_now(hf_clock_real()), begin) >
		    PATIENCE_MS * INT64_C(1000))
			fail_msg("nothing came");
	}
}

/* A frame for each picture but the last, which is whole only when another follows. */
static void check_frames(struct camera *camera, struct hf_source *source, struct clip *clip,
			 const uint32_t *stamps, size_t count)
{
	int64_t last_us = 0;

	CHECK(send_picture(camera, clip, stamps[0]));
	for (size_t i = 1; i < count; i++) {
		struct hf_frame frame;
		struct hf_err err;

		CHECK(send_picture(camera, clip, stamps[i]));
		CHECK_OK(next(source, &frame, &err));
		CHECK_U64(frame.number, ==, i - 1);
		CHECK_I64(frame.captured_mono.us, >, last_us);
		CHECK_I64(frame.captured_mono.us, <=, hf_mono_now(hf_clock_real()).us);
		last_us = frame.captured_mono.us;
	}
}

#define LOAD(clip, name)                       \
	do {                                   \
		if (!clip_load(&(clip), name)) \
			skip();                \
	} while (0)

TEST(every_picture_comes_once_with_rising_time)
{
	struct camera camera;
	struct clip clip;
	uint32_t stamps[25];

	LOAD(clip, "small.h264");
	camera_start(&camera, "H264");
	struct hf_source *source = source_of(camera.port, PATIENCE_MS);
	camera_await_play(&camera);
	for (uint32_t i = 0; i < HF_ARRAY_LEN(stamps); i++)
		stamps[i] = i * PICTURE_TICKS;
	check_frames(&camera, source, &clip, stamps, HF_ARRAY_LEN(stamps));
	const struct hf_source_info info = hf_source_info(source);
	CHECK_TEXT(info.codec, "h264");
	CHECK_U64(info.width, ==, 320);
	CHECK_U64(info.height, ==, 240);
	CHECK_U64(info.decode_errors, ==, 0);
	CHECK_U64(info.frames, ==, HF_ARRAY_LEN(stamps) - 1);
	hf_source_close(source);
	camera_end(&camera);
	free(clip.data);
}

/* Each ends in arrival times: not one picture is left out. */
TEST(absurd_timestamps_cost_no_picture)
{
	static const enum {
		STILL,
		BACK,
		JUMP,
		WRAP,
		RANDOM,
		KINDS
	} kinds = KINDS;
	struct clip clip;
	uint32_t chance = 7;

	LOAD(clip, "small.h264");
	for (int kind = 0; kind < (int)kinds; kind++) {
		struct camera camera;
		uint32_t stamps[25];

		for (uint32_t i = 0; i < HF_ARRAY_LEN(stamps); i++) {
			chance = chance * 1664525 + 1013904223;
			/* Two pictures in a row never have the same one: they would be one. */
			stamps[i] = kind == STILL  ? i
				    : kind == BACK ? 900000 - i * PICTURE_TICKS
				    : kind == JUMP ? i * 90000 * 3600
				    : kind == WRAP
					    ? (uint32_t) - (10 * PICTURE_TICKS) + i * PICTURE_TICKS
					    : chance;
		}
		clip.next = 0;
		camera_start(&camera, "H264");
		struct hf_source *source = source_of(camera.port, PATIENCE_MS);
		camera_await_play(&camera);
		check_frames(&camera, source, &clip, stamps, HF_ARRAY_LEN(stamps));
		hf_source_close(source);
		camera_end(&camera);
	}
	free(clip.data);
}

TEST(a_change_of_size_in_mid_stream_goes_on)
{
	struct camera camera;
	struct clip small, large;
	struct hf_frame frame;
	struct hf_err err;

	LOAD(small, "small.h264");
	LOAD(large, "large.h264");
	camera_start(&camera, "H264");
	struct hf_source *source = source_of(camera.port, PATIENCE_MS);
	camera_await_play(&camera);
	for (uint32_t i = 0; i < 20; i++) {
		CHECK(send_picture(&camera, i < 10 ? &small : &large, i * PICTURE_TICKS));
		if (i == 0)
			continue;
		CHECK_OK(next(source, &frame, &err));
		CHECK_U64(frame.width, ==, i - 1 < 10 ? 320 : 642);
		CHECK_U64(frame.height, ==, i - 1 < 10 ? 240 : 482);
	}
	CHECK_U64(hf_source_info(source).width, ==, 642);
	hf_source_close(source);
	camera_end(&camera);
	free(small.data);
	free(large.data);
}

TEST(a_server_that_goes_silent_is_given_up_and_named_without_its_password)
{
	struct camera camera;
	struct clip clip;
	struct hf_frame frame;
	struct hf_err err;

	LOAD(clip, "small.h264");
	camera_start(&camera, "H264");
	struct hf_source *source = source_of(camera.port, 500);
	camera_await_play(&camera);
	CHECK(send_picture(&camera, &clip, 0));
	CHECK(send_picture(&camera, &clip, PICTURE_TICKS));
	CHECK_OK(next(source, &frame, &err));
	/* The other one may still come when the end shows that it is whole. */
	enum hf_code code = next(source, &frame, &err);
	if (code == HF_OK)
		code = next(source, &frame, &err);
	CHECK_CODE(code, HF_E_IO);
	assert_non_null(strstr(err.text, "rtsp://***@127.0.0.1"));
	assert_non_null(strstr(err.text, "within 500 ms"));
	hf_source_close(source);
	camera_end(&camera);
	free(clip.data);
}

TEST(nobody_there_and_another_codec_are_named)
{
	struct hf_frame frame;
	struct hf_err err;
	struct camera camera;
	uint16_t port;

	(void)close(listen_on_loopback(&port));
	struct hf_source *source = source_of(port, PATIENCE_MS);
	CHECK_CODE(next(source, &frame, &err), HF_E_IO);
	assert_non_null(strstr(err.text, "nobody listens there"));
	hf_source_close(source);

	camera_start(&camera, "VP8");
	source = source_of(camera.port, PATIENCE_MS);
	CHECK_CODE(next(source, &frame, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "of kind vp8"));
	assert_null(strstr(err.text, "s3cret"));
	hf_source_close(source);
	camera_await_play(&camera); /* it saw the end */
	camera_end(&camera);
}

/* Closed at any moment of its life, it neither waits nor leaves anything behind (ASan). */
TEST(a_source_may_be_closed_at_any_moment)
{
	for (int steps = 0; steps < 6; steps++) {
		struct camera camera;
		struct hf_frame frame;

		camera_start(&camera, "H264");
		struct hf_source *source = source_of(camera.port, PATIENCE_MS);
		for (int i = 0; i < steps; i++)
			(void)!hf_source_step(source, &frame, NULL);
		if (steps == 5)
			camera_await_play(&camera);
		hf_source_close(source);
		if (steps != 5)
			camera_await_play(&camera);
		camera_end(&camera);
	}
}

static void await_waiting(struct hf_rtsp_reader *reader, unsigned count)
{
	for (int ms = 0; hf_rtsp_reader_waiting(reader) != count; ms++) {
		(void)poll(NULL, 0, 1);
		if (ms > PATIENCE_MS)
			fail_msg("never were %u packets waiting", count);
	}
}

TEST(a_queue_that_nobody_empties_begins_anew_and_says_so)
{
	struct camera camera;
	struct clip clip;
	struct hf_rtsp_reader *reader;
	struct hf_rtsp_packet about;
	struct hf_err err;
	char url[64];

	LOAD(clip, "small.h264");
	camera_start(&camera, "H264");
	(void)snprintf(url, sizeof url, "rtsp://127.0.0.1:%u/", camera.port);
	const struct hf_rtsp_reader_options options = { .url = url,
							.name = url,
							.timeout_ms = PATIENCE_MS };
	CHECK_OK(hf_rtsp_reader_open(&options, &reader, &err));
	camera_await_play(&camera);
	for (uint32_t i = 0; i < HF_RTSP_QUEUE_MAX + 1; i++)
		CHECK(send_picture(&camera, &clip, i * PICTURE_TICKS));
	await_waiting(reader, HF_RTSP_QUEUE_MAX);
	CHECK(send_picture(&camera, &clip, (HF_RTSP_QUEUE_MAX + 1) * PICTURE_TICKS));
	await_waiting(reader, 1);
	AVPacket *packet = av_packet_alloc();
	assert_non_null(packet);
	CHECK_OK(hf_rtsp_reader_take(reader, packet, &about, &err));
	CHECK(about.after_gap);
	CHECK_I64(about.stamp_us, !=, HF_ARRIVAL_NO_STAMP);
	av_packet_unref(packet);
	CHECK_CODE(hf_rtsp_reader_take(reader, packet, &about, &err), HF_E_AGAIN);
	CHECK(send_picture(&camera, &clip, (HF_RTSP_QUEUE_MAX + 2) * PICTURE_TICKS));
	await_waiting(reader, 1);
	CHECK_OK(hf_rtsp_reader_take(reader, packet, &about, &err));
	CHECK(!about.after_gap);
	av_packet_free(&packet);
	hf_rtsp_reader_close(reader);
	camera_end(&camera);
	free(clip.data);
}

TESTS(RUN(every_picture_comes_once_with_rising_time), RUN(absurd_timestamps_cost_no_picture),
      RUN(a_change_of_size_in_mid_stream_goes_on),
      RUN(a_server_that_goes_silent_is_given_up_and_named_without_its_password),
      RUN(nobody_there_and_another_codec_are_named), RUN(a_source_may_be_closed_at_any_moment),
      RUN(a_queue_that_nobody_empties_begins_anew_and_says_so))
