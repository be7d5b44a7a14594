/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device is a fake one behind struct hf_v4l2_ops, the clock one that passes when told to:
 * what is tested is everything between the driver's answers and the frames. The path is
 * /dev/null, so that there is a device node to look at; the fake never opens it.
 */
#include "ingest/source_v4l2.h"

#include "base/auto.h"
#include "test.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>

enum {
	FD = 77,
	BUFFERS = HF_V4L2_BUFFERS,
	BUFFER_BYTES = 1 << 20,
	OFFSET_STEP = 1 << 20,
	WIDTH = 320,
	HEIGHT = 240,
	JPEG_BYTES_MAX = 1 << 16,
};

struct filled {
	uint32_t index, flags, sequence, bytes;
	int64_t stamp_us;
};

struct fake {
	struct hf_clock clock;
	struct hf_v4l2_ops ops;
	int64_t us;
	/* the device */
	uint32_t caps, formats[8], format_count;
	uint32_t fourcc, width, height, stride, colourspace, field;
	uint32_t forced_width, forced_height, forced_fourcc; /* whatever is asked for */
	uint32_t rate;                                       /* frames a second; 0: does not tell */
	uint32_t input_status, input_caps;
	int timings_errno; /* of VIDIOC_QUERY_DV_TIMINGS; 0: answers */
	uint32_t timings_width;
	bool changed;   /* an event waits */
	bool no_events; /* it does not know of them */
	bool no_stamp;
	int fail_errno; /* of the call below */
	unsigned long fail_request;
	int fails_left; /* of it; -1: always */
	/* what was done to it */
	bool opened, streams;
	unsigned begins, ends, timings_set, maps, unmaps;
	uint32_t buffer_count;
	bool queued[BUFFERS];
	struct filled done[BUFFERS];
	unsigned done_count;
	uint32_t sequence;
	uint8_t *memory[BUFFERS];
};

static struct fake f;

static struct hf_mono fake_mono(const struct hf_clock *clock)
{
	return (struct hf_mono){ .us = ((const struct fake *)clock->context)->us };
}

static struct hf_wall fake_wall(const struct hf_clock *clock)
{
	return (struct hf_wall){ .ms = 1700000000000 +
				       ((const struct fake *)clock->context)->us / 1000 };
}

static int refuse(int error_number)
{
	errno = error_number;
	return -1;
}

static int fake_open(void *context, const char *path)
{
	(void)context;
	(void)path;
	if (f.fail_request == 1)
		return refuse(f.fail_errno);
	f.opened = true;
	return FD;
}

static void fake_close(void *context, int fd)
{
	(void)context;
	CHECK_I64(fd, ==, FD);
	f.opened = false;
}

static void *fake_map(void *context, int fd, size_t size_bytes, int64_t offset)
{
	(void)context;
	CHECK_I64(fd, ==, FD);
	CHECK_U64(size_bytes, ==, BUFFER_BYTES);
	f.maps++;
	return f.memory[offset / OFFSET_STEP];
}

static void fake_unmap(void *context, void *data, size_t size_bytes)
{
	(void)context;
	(void)data;
	CHECK_U64(size_bytes, ==, BUFFER_BYTES);
	f.unmaps++;
}

static int query_capability(struct v4l2_capability *about)
{
	(void)snprintf((char *)about->card, sizeof about->card, "Fake Grabber");
	(void)snprintf((char *)about->bus_info, sizeof about->bus_info, "usb-fake-1");
	about->capabilities = f.caps | V4L2_CAP_DEVICE_CAPS | V4L2_CAP_META_CAPTURE;
	about->device_caps = f.caps;
	return 0;
}

static int set_format(struct v4l2_pix_format *pix)
{
	if (f.buffer_count > 0)
		return refuse(EBUSY);
	f.fourcc = f.forced_fourcc != 0 ? f.forced_fourcc : pix->pixelformat;
	f.width = f.forced_width != 0 ? f.forced_width : pix->width;
	f.height = f.forced_height != 0 ? f.forced_height : pix->height;
	*pix = (struct v4l2_pix_format){ .pixelformat = f.fourcc,
					 .width = f.width,
					 .height = f.height,
					 .field = f.field,
					 .bytesperline = f.stride != 0 ? f.stride : 2 * f.width,
					 .colorspace = f.colourspace };
	return 0;
}

static int dequeue(struct v4l2_buffer *buffer)
{
	CHECK(f.streams);
	if (f.done_count == 0)
		return refuse(EAGAIN);
	const struct filled done = f.done[0];
	f.done_count--;
	memmove(f.done, f.done + 1, f.done_count * sizeof f.done[0]);
	buffer->index = done.index;
	buffer->flags = done.flags | (f.no_stamp ? V4L2_BUF_FLAG_TIMESTAMP_COPY
						 : V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC);
	buffer->sequence = done.sequence;
	buffer->bytesused = done.bytes;
	buffer->timestamp.tv_sec = done.stamp_us / 1000000;
	buffer->timestamp.tv_usec = done.stamp_us % 1000000;
	return 0;
}

static int stream(bool on)
{
	CHECK(f.streams != on);
	f.streams = on;
	f.begins += on ? 1 : 0;
	f.ends += on ? 0 : 1;
	f.sequence = 0;
	f.done_count = 0;
	if (!on)
		memset(f.queued, 0, sizeof f.queued);
	return 0;
}

static int input_control(unsigned long request, void *argument)
{
	if (request == VIDIOC_G_INPUT)
		*(int *)argument = 3;
	if (request == VIDIOC_ENUMINPUT) {
		struct v4l2_input *input = argument;

		CHECK_U64(input->index, ==, 3);
		input->status = f.input_status;
		input->capabilities = f.input_caps;
	}
	if (request == VIDIOC_QUERY_DV_TIMINGS) {
		if (f.timings_errno != 0)
			return refuse(f.timings_errno);
		((struct v4l2_dv_timings *)argument)->bt.width = f.timings_width;
	}
	if (request == VIDIOC_SUBSCRIBE_EVENT) {
		const struct v4l2_event_subscription *events = argument;

		if (f.no_events)
			return refuse(ENOTTY);
		/* Events of an input carry its number. */
		CHECK_U64(events->id, ==, 3);
	}
	if (request == VIDIOC_S_DV_TIMINGS) {
		CHECK_U64(f.buffer_count, ==, 0);
		f.timings_set++;
	}
	if (request == VIDIOC_DQEVENT) {
		struct v4l2_event *event = argument;

		if (!f.changed || f.no_events)
			return refuse(ENOENT);
		f.changed = false;
		event->type = V4L2_EVENT_SOURCE_CHANGE;
		event->u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
	}
	return 0;
}

static int buffer_control(unsigned long request, void *argument)
{
	struct v4l2_buffer *buffer = argument;

	if (request == VIDIOC_REQBUFS) {
		struct v4l2_requestbuffers *wanted = argument;

		CHECK(!f.streams);
		f.buffer_count = wanted->count;
		memset(f.queued, 0, sizeof f.queued);
		return 0;
	}
	if (request == VIDIOC_DQBUF)
		return dequeue(buffer);
	CHECK_U64(buffer->index, <, f.buffer_count);
	if (request == VIDIOC_QBUF) {
		CHECK(!f.queued[buffer->index]);
		f.queued[buffer->index] = true;
	} else {
		buffer->length = BUFFER_BYTES;
		buffer->m.offset = buffer->index * OFFSET_STEP;
	}
	return 0;
}

static int fake_control(void *context, int fd, unsigned long request, void *argument)
{
	struct v4l2_fmtdesc *about = argument;
	struct v4l2_streamparm *rate = argument;

	(void)context;
	CHECK_I64(fd, ==, FD);
	CHECK(f.opened);
	if (request == f.fail_request && f.fails_left != 0) {
		f.fails_left -= f.fails_left > 0 ? 1 : 0;
		return refuse(f.fail_errno);
	}
	switch (request) {
	case VIDIOC_QUERYCAP:
		return query_capability(argument);
	case VIDIOC_ENUM_FMT:
		if (about->index >= f.format_count)
			return refuse(EINVAL);
		about->pixelformat = f.formats[about->index];
		return 0;
	case VIDIOC_G_FMT:
		((struct v4l2_format *)argument)->fmt.pix.width = f.width;
		((struct v4l2_format *)argument)->fmt.pix.height = f.height;
		return 0;
	case VIDIOC_S_FMT:
		return set_format(&((struct v4l2_format *)argument)->fmt.pix);
	case VIDIOC_G_PARM:
		if (f.rate == 0)
			return refuse(ENOTTY);
		rate->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
		rate->parm.capture.timeperframe = (struct v4l2_fract){ 1, f.rate };
		return 0;
	case VIDIOC_S_PARM:
		f.rate = rate->parm.capture.timeperframe.denominator /
			 rate->parm.capture.timeperframe.numerator;
		return 0;
	case VIDIOC_STREAMON:
		return stream(true);
	case VIDIOC_STREAMOFF:
		return stream(false);
	case VIDIOC_REQBUFS:
	case VIDIOC_QUERYBUF:
	case VIDIOC_QBUF:
	case VIDIOC_DQBUF:
		return buffer_control(request, argument);
	default:
		return input_control(request, argument);
	}
}

static void begin_fake(void)
{
	static uint8_t memory[BUFFERS][BUFFER_BYTES];

	f = (struct fake){ .clock = { .mono = fake_mono, .wall = fake_wall, .context = &f },
			   .ops = { .open = fake_open,
				    .control = fake_control,
				    .map = fake_map,
				    .unmap = fake_unmap,
				    .close = fake_close },
			   .us = 50000000,
			   .caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
			   .formats = { V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG },
			   .format_count = 2,
			   .width = WIDTH,
			   .height = HEIGHT,
			   .field = V4L2_FIELD_NONE,
			   .rate = 30 };
	for (int i = 0; i < BUFFERS; i++)
		f.memory[i] = memory[i];
}

static struct hf_config_source config_yuyv(void)
{
	return (struct hf_config_source){ .type = HF_SOURCE_V4L2, .url = "/dev/null", .pixels = 2 };
}

static enum hf_code open_it(const struct hf_config_source *config, struct hf_source **ret_source,
			    struct hf_err *err)
{
	const struct hf_source_options options = { .config = config, .clock = &f.clock };

	return hf_source_v4l2_open_with(&options, &f.ops, ret_source, err);
}

/* The device takes a picture of this grey level now. False: it has no free buffer. */
static bool shoot_flagged(uint8_t level, uint32_t flags, uint32_t bytes)
{
	f.sequence++;
	for (uint32_t i = 0; i < f.buffer_count; i++) {
		if (!f.queued[i])
			continue;
		f.queued[i] = false;
		for (uint32_t at = 0; at < WIDTH * HEIGHT * 2; at += 4) {
			f.memory[i][at] = f.memory[i][at + 2] = level;
			f.memory[i][at + 1] = 100;
			f.memory[i][at + 3] = 200;
		}
		f.done[f.done_count++] = (struct filled){ .index = i,
							  .flags = flags,
							  .sequence = f.sequence - 1,
							  .bytes = bytes,
							  .stamp_us = f.us };
		return true;
	}
	return false;
}

static bool shoot(uint8_t level)
{
	return shoot_flagged(level, 0, WIDTH * HEIGHT * 2);
}

static void shoot_bytes(const void *data, uint32_t bytes)
{
	uint32_t index = UINT32_MAX;

	CHECK(shoot_flagged(0, 0, bytes));
	index = f.done[f.done_count - 1].index;
	memcpy(f.memory[index], data, bytes);
}

static void pass_ms(int64_t ms)
{
	f.us += ms * 1000;
}

/* Steps and lets time pass to when something is due, for at most this long. */
static enum hf_code wait_for(struct hf_source *source, int64_t ms, struct hf_err *err)
{
	const int64_t until_us = f.us + ms * 1000;
	struct hf_frame frame;

	for (int i = 0; i < 10000; i++) {
		enum hf_code code = hf_source_step(source, &frame, err);
		const struct hf_mono due = hf_source_due(source);

		if (code != HF_E_AGAIN)
			return code;
		if (due.us >= until_us)
			break;
		f.us = due.us > f.us ? due.us : f.us + 1000;
	}
	f.us = until_us;
	return HF_E_AGAIN;
}

static uint32_t free_buffers(void)
{
	uint32_t count = 0;

	for (int i = 0; i < BUFFERS; i++)
		count += f.queued[i] ? 1 : 0;
	return count;
}

TEST(frames_carry_the_drivers_time_and_what_the_picture_shows)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	const int64_t taken_us = f.us;
	CHECK(shoot(77));
	pass_ms(40);
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_I64(frame.captured_mono.us, ==, taken_us);
	CHECK_I64(frame.captured_wall.ms, ==, 1700000000000 + taken_us / 1000);
	CHECK_U64(frame.number, ==, 0);
	CHECK_U64(frame.width, ==, WIDTH);
	CHECK_U64(frame.height, ==, HEIGHT);
	CHECK_I64(frame.chroma, ==, HF_CHROMA_422);
	for (int y = 0; y < HEIGHT; y += 17)
		for (int x = 0; x < WIDTH; x++) {
			CHECK_U64(frame.planes[0][y * frame.strides[0] + x], ==, 77);
			CHECK_U64(frame.planes[1][y * frame.strides[1] + x / 2], ==, 100);
			CHECK_U64(frame.planes[2][y * frame.strides[2] + x / 2], ==, 200);
		}
	CHECK_U64(free_buffers(), ==, BUFFERS);
	CHECK_TEXT(hf_source_info(source).codec, "yuyv");
	CHECK_U64(hf_source_info(source).frames, ==, 1);
	hf_source_close(source);
	CHECK(!f.opened && !f.streams);
	CHECK_U64(f.maps, ==, f.unmaps);
}

TEST(a_time_that_cannot_be_true_is_replaced_by_the_moment_of_finding)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	config.fps = 30;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	f.no_stamp = true;
	CHECK(shoot(1));
	pass_ms(5);
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_I64(frame.captured_mono.us, ==, f.us);
	f.no_stamp = false;
	static const int64_t wrong_us[] = { 1000000, -90000000, 0 };
	for (size_t i = 0; i < HF_ARRAY_LEN(wrong_us); i++) {
		pass_ms(100);
		CHECK(shoot(1));
		f.done[0].stamp_us = wrong_us[i] == 0 ? 0 : f.us + wrong_us[i];
		CHECK_OK(hf_source_step(source, &frame, &err));
		CHECK_I64(frame.captured_mono.us, ==, f.us);
	}
	hf_source_close(source);
}

TEST(the_newest_of_several_pictures_wins_and_the_lost_ones_are_numbered)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	config.fps = 30;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	for (uint8_t i = 0; i < 4; i++, pass_ms(33))
		CHECK(shoot((uint8_t)(10 + i)));
	CHECK(!shoot(14)); /* lost: no buffer is free */
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_U64(frame.planes[0][0], ==, 13);
	CHECK_U64(frame.number, ==, 3);
	CHECK_U64(free_buffers(), ==, BUFFERS);
	pass_ms(33);
	CHECK(shoot(15));
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_U64(frame.planes[0][0], ==, 15);
	CHECK_U64(frame.number, ==, 5);
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	hf_source_close(source);
}

TEST(only_as_many_frames_as_are_asked_for_are_handed_out)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	unsigned frames = 0;

	config.fps = 5;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	CHECK_REAL(hf_source_info(source).fps, >, 4.99);
	CHECK_REAL(hf_source_info(source).fps, <, 5.01);
	for (int i = 0; i < 300; i++) {
		CHECK(shoot(1));
		frames += hf_source_step(source, &frame, &err) == HF_OK ? 1 : 0;
		CHECK_U64(free_buffers(), ==, BUFFERS);
		f.us += 33333;
	}
	CHECK_U64(frames, >=, 49);
	CHECK_U64(frames, <=, 51);
	hf_source_close(source);
}

TEST(a_device_that_is_slower_than_we_look_is_asked_for_more)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_err err;

	config.fps = 12;
	begin_fake();
	f.rate = 5;
	CHECK_OK(open_it(&config, &source, &err));
	CHECK_U64(f.rate, ==, 12);
	hf_source_close(source);
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	CHECK_U64(f.rate, ==, 30);
	hf_source_close(source);
}

TEST(mjpeg_is_preferred_and_what_the_driver_answers_is_used)
{
	static const struct {
		int32_t pixels;
		uint32_t width, height, expected;
	} wishes[] = { { 0, 1920, 1080, V4L2_PIX_FMT_MJPEG },
		       { 1, 640, 480, V4L2_PIX_FMT_MJPEG },
		       { 2, 0, 0, V4L2_PIX_FMT_YUYV } };

	for (size_t i = 0; i < HF_ARRAY_LEN(wishes); i++) {
		struct hf_config_source config = config_yuyv();
		struct hf_source *source;
		struct hf_err err;

		begin_fake();
		config.pixels = wishes[i].pixels;
		config.width = wishes[i].width;
		config.height = wishes[i].height;
		CHECK_OK(open_it(&config, &source, &err));
		CHECK_U64(f.fourcc, ==, wishes[i].expected);
		CHECK_U64(f.width, ==, wishes[i].width != 0 ? wishes[i].width : WIDTH);
		CHECK_U64(f.height, ==, wishes[i].height != 0 ? wishes[i].height : HEIGHT);
		hf_source_close(source);
	}
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_err err;
	begin_fake();
	config.pixels = 0;
	config.width = 1920;
	f.forced_width = 160;
	f.forced_height = 120;
	f.forced_fourcc = V4L2_PIX_FMT_UYVY;
	CHECK_OK(open_it(&config, &source, &err));
	CHECK_U64(hf_source_info(source).width, ==, 160);
	CHECK_TEXT(hf_source_info(source).codec, "uyvy");
	hf_source_close(source);
}

TEST(a_device_without_a_format_of_ours_is_refused_with_what_it_offers)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_err err;

	begin_fake();
	f.formats[0] = V4L2_PIX_FMT_H264;
	f.formats[1] = V4L2_PIX_FMT_NV12;
	config.pixels = 0;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "offers H264, NV12; taken are MJPEG, YUYV and UYVY"));
	f.formats[0] = V4L2_PIX_FMT_YUYV;
	config.pixels = 1;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "sources[].pixels"));
	CHECK(!f.opened);
	config.pixels = 0;
	f.forced_fourcc = V4L2_PIX_FMT_RGB24;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_INVALID);
	f.forced_fourcc = 0;
	f.field = V4L2_FIELD_ALTERNATE;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_INVALID);
	f.field = V4L2_FIELD_INTERLACED;
	f.forced_width = 8;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_INVALID);
	f.forced_width = 0;
	f.width = WIDTH;
	f.stride = 1 << 20; /* more than a buffer holds */
	CHECK_CODE(open_it(&config, &source, &err), HF_E_IO);
	CHECK(!f.opened && f.buffer_count == 0);
}

TEST(what_is_not_a_capture_device_is_called_by_its_name)
{
	static const struct {
		uint32_t caps;
		const char *words;
	} kinds[] = { { V4L2_CAP_META_CAPTURE, "not pictures: take the other node" },
		      { V4L2_CAP_VIDEO_OUTPUT, "shows pictures" },
		      { V4L2_CAP_VIDEO_CAPTURE_MPLANE, "multi-planar" },
		      { V4L2_CAP_VIDEO_M2M, "memory to memory" },
		      { V4L2_CAP_VBI_CAPTURE, "teletext" },
		      { V4L2_CAP_RADIO | V4L2_CAP_TUNER, "radio" },
		      { V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE, "read()" },
		      { 0, "does not say" } };
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		begin_fake();
		f.caps = kinds[i].caps | (i == 6 ? 0 : V4L2_CAP_STREAMING);
		CHECK_CODE(open_it(&config, &source, &err), HF_E_INVALID);
		assert_non_null(strstr(err.text, kinds[i].words));
		assert_non_null(strstr(err.text, "Fake Grabber, usb-fake-1"));
		CHECK(!f.opened);
	}
}

TEST(what_is_not_a_video_device_is_never_opened)
{
	static const struct {
		const char *path;
		enum hf_code code;
		const char *words;
	} paths[] = { { "", HF_E_INVALID, "set url" },
		      { "/nowhere/video0", HF_E_NOENT, "plugged in" },
		      { "/dev/null/video0", HF_E_NOENT, "plugged in" },
		      { "/tmp", HF_E_INVALID, "a folder" },
		      { "/proc/self/exe", HF_E_INVALID, "type: file" } };

	for (size_t i = 0; i < HF_ARRAY_LEN(paths); i++) {
		struct hf_config_source config = config_yuyv();
		struct hf_source *source;
		struct hf_err err;

		begin_fake();
		f.fail_request = 1;
		f.fail_errno = EIO;
		(void)snprintf(config.url, sizeof config.url, "%s", paths[i].path);
		CHECK_CODE(open_it(&config, &source, &err), paths[i].code);
		assert_non_null(strstr(err.text, paths[i].words));
	}
	/* A character device that knows nothing of video: the real one, with the real calls. */
	struct hf_config_source config = config_yuyv();
	const struct hf_source_options options = { .config = &config, .clock = hf_clock_real() };
	struct hf_source *source;
	struct hf_err err;
	CHECK_CODE(hf_source_open(&options, &source, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "not one for video"));
}

TEST(a_device_is_refused_in_lockstep)
{
	struct hf_config_source config = config_yuyv();
	const struct hf_source_options options = { .config = &config,
						   .clock = &f.clock,
						   .lockstep = true };
	struct hf_source *source;
	struct hf_err err;

	begin_fake();
	CHECK_CODE(hf_source_v4l2_open_with(&options, &f.ops, &source, &err), HF_E_INVALID);
	assert_non_null(strstr(err.text, "lock-step"));
}

TEST(a_busy_device_and_one_without_permission_say_so)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_err err;

	begin_fake();
	f.fail_request = VIDIOC_S_FMT;
	f.fail_errno = EBUSY;
	f.fails_left = -1;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_AGAIN);
	assert_non_null(strstr(err.text, "in use by"));
	CHECK(!f.opened);
	f.fail_request = 1;
	f.fail_errno = EACCES;
	CHECK_CODE(open_it(&config, &source, &err), HF_E_DENIED);
	assert_non_null(strstr(err.text, "group video"));
}

TEST(whatever_fails_while_opening_leaves_nothing_open)
{
	static const unsigned long requests[] = { VIDIOC_QUERYCAP, VIDIOC_G_FMT,    VIDIOC_S_FMT,
						  VIDIOC_REQBUFS,  VIDIOC_QUERYBUF, VIDIOC_QBUF,
						  VIDIOC_STREAMON };
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(requests); i++) {
		begin_fake();
		f.fail_request = requests[i];
		f.fail_errno = EIO;
		f.fails_left = 1;
		CHECK_CODE(open_it(&config, &source, &err), HF_E_IO);
		CHECK(!f.opened && !f.streams);
		CHECK_U64(f.buffer_count, ==, 0);
		CHECK_U64(f.maps, ==, f.unmaps);
		f.fail_errno = ENODEV;
		f.fails_left = 1;
		CHECK_CODE(open_it(&config, &source, &err), HF_E_NOENT);
	}
}

TEST(silence_begins_the_stream_anew_three_times_and_then_gives_up)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	CHECK(shoot(1));
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_CODE(wait_for(source, 1900, &err), HF_E_AGAIN);
	CHECK_U64(f.begins, ==, 1);
	CHECK_CODE(wait_for(source, 300, &err), HF_E_AGAIN);
	CHECK_U64(f.begins, ==, 2);
	CHECK_TEXT(hf_source_info(source).why, "no picture for 2 s");
	CHECK(hf_source_info(source).slow);
	CHECK_CODE(wait_for(source, 20000, &err), HF_E_IO);
	CHECK_U64(f.begins, ==, 4);
	CHECK_U64(f.ends, ==, 4);
	assert_non_null(strstr(err.text, "anew 3 times"));
	hf_source_close(source);
}

TEST(one_picture_ends_the_silence_and_all_restarts_are_to_be_had_again)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	for (unsigned round = 0; round < 3; round++) {
		CHECK_CODE(wait_for(source, 10000, &err), HF_E_AGAIN);
		CHECK_U64(f.begins, ==, 1 + 3 * (round + 1));
		CHECK(shoot(1));
		CHECK_OK(hf_source_step(source, &frame, &err));
		CHECK_TEXT(hf_source_info(source).why, "");
		CHECK(!hf_source_info(source).slow);
	}
	hf_source_close(source);
}

TEST(pictures_the_driver_calls_broken_are_counted_and_do_not_end_the_silence)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	for (int i = 0; i < 25; i++, pass_ms(100)) {
		(void)shoot_flagged(1, i % 2 == 0 ? V4L2_BUF_FLAG_ERROR : 0,
				    i % 2 == 0 ? WIDTH * HEIGHT * 2 : 0);
		CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	}
	CHECK_U64(hf_source_info(source).decode_errors, >=, 20);
	CHECK_U64(f.begins, ==, 2);
	CHECK(shoot(9));
	CHECK_OK(hf_source_step(source, &frame, &err));
	hf_source_close(source);
}

TEST(half_a_picture_is_passed_over_and_the_next_takes_its_place)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	config.fps = 1;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	CHECK(shoot_flagged(1, 0, WIDTH * HEIGHT));
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK_U64(hf_source_info(source).decode_errors, ==, 1);
	pass_ms(33);
	CHECK(shoot(2)); /* would not be wanted for a second */
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_U64(frame.number, ==, 1);
	pass_ms(33);
	CHECK(shoot(3));
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	hf_source_close(source);
}

TEST(pictures_that_never_decode_begin_the_stream_anew)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	enum hf_code code = HF_E_AGAIN;

	begin_fake();
	config.pixels = 1;
	CHECK_OK(open_it(&config, &source, &err));
	for (int i = 0; i < 500 && code == HF_E_AGAIN; i++, pass_ms(33)) {
		if (f.streams)
			shoot_bytes("not a jpeg at all", 17);
		code = hf_source_step(source, &frame, &err);
	}
	CHECK_I64(code, ==, HF_E_IO);
	CHECK_U64(f.begins, ==, 4);
	assert_non_null(strstr(err.text, "could not be decoded"));
	hf_source_close(source);
}

TEST(an_io_error_begins_the_stream_anew_after_a_moment)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	f.fail_request = VIDIOC_DQBUF;
	f.fail_errno = EIO;
	f.fails_left = 1;
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK(!f.streams);
	struct pollfd wait;
	CHECK(hf_source_poll(source, &wait));
	CHECK_I64(wait.events, ==, POLLPRI); /* a poll for pictures would answer at once */
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK_U64(f.begins, ==, 1);
	pass_ms(600);
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK_U64(f.begins, ==, 2);
	CHECK(hf_source_poll(source, &wait));
	CHECK_I64(wait.fd, ==, FD);
	CHECK_I64(wait.events, ==, POLLIN | POLLPRI);
	f.fails_left = -1;
	CHECK_CODE(wait_for(source, 20000, &err), HF_E_IO);
	hf_source_close(source);
}

TEST(a_device_that_is_unplugged_is_noent_at_once)
{
	static const unsigned long requests[] = { VIDIOC_DQBUF, VIDIOC_QBUF, VIDIOC_ENUMINPUT,
						  VIDIOC_DQEVENT };

	for (size_t i = 0; i < HF_ARRAY_LEN(requests); i++) {
		struct hf_config_source config = config_yuyv();
		struct hf_source *source;
		struct hf_frame frame;
		struct hf_err err;

		begin_fake();
		CHECK_OK(open_it(&config, &source, &err));
		f.fail_request = requests[i];
		f.fail_errno = ENODEV;
		f.fails_left = -1;
		if (i == 1)
			CHECK(shoot(1));
		if (i == 2)
			CHECK_CODE(wait_for(source, 3000, &err), HF_E_NOENT);
		else
			CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_NOENT);
		assert_non_null(strstr(err.text, "unplugged"));
		hf_source_close(source);
	}
}

TEST(another_signal_ends_the_stream_and_begins_it_in_its_format)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	f.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	CHECK_OK(open_it(&config, &source, &err));
	CHECK_U64(f.timings_set, ==, 1);
	CHECK(shoot(1));
	CHECK_OK(hf_source_step(source, &frame, &err));
	f.changed = true;
	f.forced_width = 160;
	f.forced_height = 120;
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK_U64(f.timings_set, ==, 2);
	CHECK_U64(f.begins, ==, 2);
	pass_ms(100);
	CHECK(shoot_flagged(7, 0, 160 * 120 * 2));
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_U64(frame.width, ==, 160);
	CHECK_U64(frame.height, ==, 120);
	CHECK_U64(hf_source_info(source).width, ==, 160);
	hf_source_close(source);
}

TEST(another_signal_is_noticed_where_the_driver_has_no_events)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;

	begin_fake();
	f.no_events = true;
	f.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	f.timings_width = 1920;
	CHECK_OK(open_it(&config, &source, &err));
	for (int i = 0; i < 100; i++, pass_ms(33)) {
		CHECK(shoot(1));
		CHECK(hf_source_step(source, &frame, &err) != HF_E_IO);
	}
	CHECK_U64(f.begins, ==, 1);
	f.timings_width = 1280;
	for (int i = 0; i < 100; i++, pass_ms(33)) {
		(void)shoot(1);
		CHECK(hf_source_step(source, &frame, &err) != HF_E_IO);
	}
	CHECK_U64(f.begins, ==, 2);
	CHECK_U64(f.timings_set, ==, 2);
	hf_source_close(source);
}

TEST(without_a_signal_it_waits_says_why_and_climbs_no_rung)
{
	static const struct {
		uint32_t status;
		int timings_errno;
		const char *words;
	} kinds[] = { { V4L2_IN_ST_NO_SIGNAL, 0, "no signal" },
		      { V4L2_IN_ST_NO_POWER, 0, "no power" },
		      { V4L2_IN_ST_NO_SYNC, 0, "not steady" },
		      { 0, ENOLINK, "no signal" },
		      { 0, ENOLCK, "not steady" },
		      { 0, ERANGE, "cannot take" } };

	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		struct hf_config_source config = config_yuyv();
		struct hf_source *source;
		struct hf_frame frame;
		struct hf_err err;

		begin_fake();
		f.input_caps = V4L2_IN_CAP_DV_TIMINGS;
		f.input_status = kinds[i].status;
		f.timings_errno = kinds[i].timings_errno;
		CHECK_OK(open_it(&config, &source, &err));
		CHECK(!f.streams);
		assert_non_null(strstr(hf_source_info(source).why, kinds[i].words));
		CHECK_CODE(wait_for(source, 60000, &err), HF_E_AGAIN);
		f.input_status = 0;
		f.timings_errno = 0;
		CHECK_CODE(wait_for(source, 2010, &err), HF_E_AGAIN);
		CHECK(f.streams);
		CHECK_U64(f.begins, ==, 1);
		CHECK(shoot(1));
		CHECK_OK(hf_source_step(source, &frame, &err));
		CHECK_TEXT(hf_source_info(source).why, "");
		hf_source_close(source);
	}
}

TEST(noise_from_an_input_without_a_signal_is_not_handed_out)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	unsigned frames = 0;

	config.fps = 30;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	f.input_status = V4L2_IN_ST_NO_SIGNAL;
	for (int i = 0; i < 300; i++, pass_ms(33)) {
		(void)shoot(1);
		enum hf_code code = hf_source_step(source, &frame, &err);
		CHECK(code == HF_OK || code == HF_E_AGAIN);
		frames += code == HF_OK ? 1 : 0;
	}
	CHECK_U64(frames, >, 0);
	CHECK_U64(frames, <=, 2 * 31);
	assert_non_null(strstr(hf_source_info(source).why, "no signal"));
	f.input_status = 0;
	frames = 0;
	for (int i = 0; i < 100; i++, pass_ms(33)) {
		(void)shoot(1);
		frames += hf_source_step(source, &frame, &err) == HF_OK ? 1 : 0;
	}
	CHECK_U64(frames, >, 30);
	CHECK_U64(f.begins, ==, 2);
	hf_source_close(source);
}

/* A grey picture as JPEG, its size in ret_bytes. */
static const uint8_t *jpeg_of(uint8_t level, uint32_t *ret_bytes)
{
	static uint8_t data[JPEG_BYTES_MAX], grey[WIDTH * HEIGHT * 3];
	unsigned char *out = data;
	unsigned long size = sizeof data;
	tjhandle handle = tjInitCompress();

	memset(grey, level, sizeof grey);
	assert_non_null(handle);
	assert_int_equal(tjCompress2(handle, grey, WIDTH, 0, HEIGHT, TJPF_BGR, &out, &size,
				     TJSAMP_422, 90, TJFLAG_NOREALLOC),
			 0);
	(void)tjDestroy(handle);
	*ret_bytes = (uint32_t)size;
	return data;
}

TEST(mjpeg_is_decoded_and_what_is_behind_the_picture_does_no_harm)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	uint8_t longer[JPEG_BYTES_MAX + 64] = { 0 };
	uint32_t bytes;

	config.fps = 30;
	config.pixels = 0;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	const uint8_t *data = jpeg_of(90, &bytes);
	shoot_bytes(data, bytes);
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_U64(frame.width, ==, WIDTH);
	CHECK_I64(frame.planes[0][5], >=, 88);
	CHECK_I64(frame.planes[0][5], <=, 92);
	CHECK_TEXT(hf_source_info(source).codec, "mjpeg");
	memcpy(longer, data, bytes);
	pass_ms(33);
	shoot_bytes(longer, bytes + 64);
	CHECK_OK(hf_source_step(source, &frame, &err));
	/* Some grabbers put a few bytes before the end, of which libjpeg-turbo warns. */
	memset(longer + bytes - 2, 0, 5);
	memcpy(longer + bytes + 3, data + bytes - 2, 2);
	pass_ms(33);
	shoot_bytes(longer, bytes + 5);
	CHECK_OK(hf_source_step(source, &frame, &err));
	CHECK_I64(frame.planes[0][5], >=, 88);
	pass_ms(33);
	shoot_bytes(data, bytes / 3);
	CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	CHECK_U64(hf_source_info(source).decode_errors, ==, 1);
	hf_source_close(source);
}

TEST(pictures_that_are_not_wanted_are_never_decoded)
{
	struct hf_config_source config = config_yuyv();
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_err err;
	uint32_t bytes;

	config.fps = 1;
	config.pixels = 0;
	begin_fake();
	CHECK_OK(open_it(&config, &source, &err));
	shoot_bytes(jpeg_of(90, &bytes), 0);
	f.done[0].bytes = bytes;
	memcpy(f.memory[f.done[0].index], jpeg_of(90, &bytes), bytes);
	CHECK_OK(hf_source_step(source, &frame, &err));
	for (int i = 0; i < 20; i++) {
		pass_ms(33);
		shoot_bytes("would be counted", 16);
		CHECK_CODE(hf_source_step(source, &frame, &err), HF_E_AGAIN);
	}
	CHECK_U64(hf_source_info(source).decode_errors, ==, 0);
	hf_source_close(source);
}

TESTS(RUN(frames_carry_the_drivers_time_and_what_the_picture_shows),
      RUN(a_time_that_cannot_be_true_is_replaced_by_the_moment_of_finding),
      RUN(the_newest_of_several_pictures_wins_and_the_lost_ones_are_numbered),
      RUN(only_as_many_frames_as_are_asked_for_are_handed_out),
      RUN(a_device_that_is_slower_than_we_look_is_asked_for_more),
      RUN(mjpeg_is_preferred_and_what_the_driver_answers_is_used),
      RUN(a_device_without_a_format_of_ours_is_refused_with_what_it_offers),
      RUN(what_is_not_a_capture_device_is_called_by_its_name),
      RUN(what_is_not_a_video_device_is_never_opened), RUN(a_device_is_refused_in_lockstep),
      RUN(a_busy_device_and_one_without_permission_say_so),
      RUN(whatever_fails_while_opening_leaves_nothing_open),
      RUN(silence_begins_the_stream_anew_three_times_and_then_gives_up),
      RUN(one_picture_ends_the_silence_and_all_restarts_are_to_be_had_again),
      RUN(pictures_the_driver_calls_broken_are_counted_and_do_not_end_the_silence),
      RUN(half_a_picture_is_passed_over_and_the_next_takes_its_place),
      RUN(pictures_that_never_decode_begin_the_stream_anew),
      RUN(an_io_error_begins_the_stream_anew_after_a_moment),
      RUN(a_device_that_is_unplugged_is_noent_at_once),
      RUN(another_signal_ends_the_stream_and_begins_it_in_its_format),
      RUN(another_signal_is_noticed_where_the_driver_has_no_events),
      RUN(without_a_signal_it_waits_says_why_and_climbs_no_rung),
      RUN(noise_from_an_input_without_a_signal_is_not_handed_out),
      RUN(mjpeg_is_decoded_and_what_is_behind_the_picture_does_no_harm),
      RUN(pictures_that_are_not_wanted_are_never_decoded))
