/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the V4L2 source against a real driver of a real kernel, through everything that can
 * happen to a grabber.
 *
 * Method: runs inside the virtual machine of test/vm/run, where the kernel's test driver vivid
 * plays a device with a webcam, an HDMI and an S-Video input. vivid has controls that make it
 * misbehave (no signal, lost pictures, failing calls, an unplugged device); this program is the
 * process that polls and steps, and turns those controls by another descriptor.
 *
 * vivid offers no MJPEG; grabber.c has that.
 *
 * usage: vivid_test CAPTURE METADATA MULTIPLANAR (device nodes)
 */
#include "ingest/source.h"
#include "ingest/source_v4l2.h"

#include "base/auto.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

enum {
	WEBCAM = 0,
	HDMI = 1,
	SVIDEO = 2,
	PATIENCE_MS = 30000, /* a machine that is emulated on a busy host */
};

static const char *capture, *metadata, *multiplanar;
static struct hf_err err;

static int64_t now_ms(void)
{
	return hf_mono_now(hf_clock_real()).us / 1000;
}

static int device_fd(void)
{
	int fd = open(capture, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void set_input(int input)
{
	HF_AUTO_FD fd = device_fd();

	CHECK_I64(ioctl(fd, VIDIOC_S_INPUT, &input), ==, 0);
}

/* A control of vivid by its name: their numbers are not in any header. */
static void turn_on(int fd, const char *name, int value)
{
	struct v4l2_queryctrl about = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };

	while (ioctl(fd, VIDIOC_QUERYCTRL, &about) == 0) {
		if (strcmp((const char *)about.name, name) == 0) {
			struct v4l2_control control = { .id = about.id, .value = value };

			CHECK_I64(ioctl(fd, VIDIOC_S_CTRL, &control), ==, 0);
			return;
		}
		about.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	fail_msg("vivid has no control \"%s\"", name);
}

static void turn(const char *name, int value)
{
	HF_AUTO_FD fd = device_fd();

	turn_on(fd, name, value);
}

static struct hf_config_source config_of(const char *path)
{
	struct hf_config_source config = {
		.type = HF_SOURCE_V4L2, .width = 640, .height = 360, .fps = 60
	};

	(void)snprintf(config.url, sizeof config.url, "%s", path);
	return config;
}

static enum hf_code open_it(const struct hf_config_source *config, struct hf_source **ret_source)
{
	const struct hf_source_options options = { .config = config, .clock = hf_clock_real() };

	return hf_source_open(&options, ret_source, &err);
}

/* As ingest does it: until the source has something, its time has come, or a moment is over. */
static void wait_for_source(const struct hf_source *source)
{
	struct pollfd fd;
	int64_t ms = hf_source_due(source).us / 1000 + 1 - now_ms();

	assert_true(hf_source_poll(source, &fd));
	(void)poll(&fd, 1, (int)(ms < 0 ? 0 : ms > 100 ? 100 : ms));
}

/* Anything but AGAIN, or AGAIN when this long nothing came. */
static enum hf_code next_within(struct hf_source *source, int64_t ms, struct hf_frame *ret_frame)
{
	const int64_t until_ms = now_ms() + ms;

	while (now_ms() < until_ms) {
		enum hf_code code = hf_source_step(source, ret_frame, &err);

		if (code != HF_E_AGAIN)
			return code;
		wait_for_source(source);
	}
	return hf_fail(&err, HF_E_AGAIN, "nothing for %d s: %s", (int)(ms / 1000),
		       hf_source_info(source).why);
}

static void check_frames(struct hf_source *source, unsigned count, struct hf_frame *ret_frame)
{
	for (unsigned i = 0; i < count; i++)
		CHECK_OK(next_within(source, PATIENCE_MS, ret_frame));
}

/* Until the source says this of itself. */
static void check_why(struct hf_source *source, const char *words)
{
	const int64_t until_ms = now_ms() + PATIENCE_MS;
	struct hf_frame frame;

	while (strstr(hf_source_info(source).why, words) == NULL) {
		enum hf_code code = hf_source_step(source, &frame, &err);

		if (code != HF_OK && code != HF_E_AGAIN)
			fail_msg("%s", err.text);
		if (now_ms() > until_ms)
			fail_msg("it says \"%s\", not \"%s\"", hf_source_info(source).why, words);
		wait_for_source(source);
	}
}

static uint8_t grey_at(const struct hf_frame *frame, double x)
{
	return frame->planes[0][frame->height / 2 * (uint32_t)frame->strides[0] +
				(uint32_t)(x * frame->width)];
}

TEST(frames_arrive_with_the_drivers_time_and_the_test_pictures_bars)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;
	struct hf_mono last = { 0 };
	uint64_t number = 0;

	set_input(WEBCAM);
	CHECK_OK(open_it(&config, &source));
	for (int i = 0; i < 20; i++) {
		CHECK_OK(next_within(source, PATIENCE_MS, &frame));
		CHECK(hf_mono_before(last, frame.captured_mono));
		CHECK(!hf_mono_before(hf_mono_now(hf_clock_real()), frame.captured_mono));
		CHECK(i == 0 || frame.number > number);
		last = frame.captured_mono;
		number = frame.number;
	}
	CHECK_U64(frame.width, ==, 640);
	CHECK_U64(frame.height, ==, 360);
	/* White, yellow, cyan, green, magenta, red, blue, black: each darker than the one before. */
	for (int bar = 1; bar < 8; bar++)
		CHECK_U64(grey_at(&frame, (bar + 0.5) / 8), <, grey_at(&frame, (bar - 0.5) / 8));
	CHECK_TEXT(hf_source_info(source).codec, "yuyv");
	CHECK_U64(hf_source_info(source).decode_errors, ==, 0);
	hf_source_close(source);
}

TEST(fewer_frames_are_handed_out_than_the_device_takes)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	config.fps = 2;
	CHECK_OK(open_it(&config, &source));
	CHECK_OK(next_within(source, PATIENCE_MS, &frame));
	const uint64_t first = frame.number;
	check_frames(source, 3, &frame);
	CHECK_U64(frame.number, >, first + 3 * 3); /* of 15 a second, if it keeps up at all */
	hf_source_close(source);
}

TEST(as_it_stands_means_the_size_somebody_else_has_set)
{
	struct hf_config_source config = config_of(capture);
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct hf_source *source;
	HF_AUTO_FD fd = device_fd();

	format.fmt.pix.width = 320;
	format.fmt.pix.height = 180;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_RGB24;
	CHECK_I64(ioctl(fd, VIDIOC_S_FMT, &format), ==, 0);
	config.width = config.height = 0;
	CHECK_OK(open_it(&config, &source));
	CHECK_U64(hf_source_info(source).width, ==, 320);
	CHECK_U64(hf_source_info(source).height, ==, 180);
	hf_source_close(source);
}

TEST(mjpeg_that_the_device_does_not_have_is_refused_with_what_it_offers)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;

	config.pixels = 1;
	CHECK_CODE(open_it(&config, &source), HF_E_INVALID);
	assert_non_null(strstr(err.text, "YUYV"));
}

TEST(other_kinds_of_node_are_refused_by_name)
{
	struct hf_config_source config = config_of(metadata);
	struct hf_source *source;

	CHECK_CODE(open_it(&config, &source), HF_E_INVALID);
	assert_non_null(strstr(err.text, "other node"));
	config = config_of(multiplanar);
	CHECK_CODE(open_it(&config, &source), HF_E_INVALID);
	assert_non_null(strstr(err.text, "multi-planar"));
}

TEST(a_device_in_use_names_who_uses_it)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	char expected[32];
	int ends[2];
	char word;

	CHECK_I64(pipe(ends), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (open_it(&config, &source) == HF_OK)
			(void)!write(ends[1], "x", 1);
		(void)pause();
		_exit(0);
	}
	CHECK_I64(read(ends[0], &word, 1), ==, 1);
	CHECK_CODE(open_it(&config, &source), HF_E_AGAIN);
	(void)snprintf(expected, sizeof expected, "(pid %d)", (int)pid);
	assert_non_null(strstr(err.text, expected));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	CHECK_OK(open_it(&config, &source));
	hf_source_close(source);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

TEST(silence_is_answered_by_new_streams_and_pictures_end_it)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	turn("Percentage of Dropped Buffers", 100);
	check_why(source, "no picture for 2 s");
	turn("Percentage of Dropped Buffers", 0);
	check_frames(source, 3, &frame);
	CHECK_TEXT(hf_source_info(source).why, "");
	hf_source_close(source);
}

TEST(silence_that_lasts_is_given_up)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	turn("Percentage of Dropped Buffers", 100);
	CHECK_OK(open_it(&config, &source));
	CHECK_CODE(next_within(source, 2 * PATIENCE_MS, &frame), HF_E_IO);
	assert_non_null(strstr(err.text, "anew 3 times"));
	hf_source_close(source);
	turn("Percentage of Dropped Buffers", 0);
}

TEST(a_fatal_error_of_the_stream_is_survived)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	turn("Inject Fatal Streaming Error", 1);
	check_why(source, "Input/output error");
	check_frames(source, 3, &frame);
	CHECK_TEXT(hf_source_info(source).why, "");
	hf_source_close(source);
}

TEST(a_picture_the_driver_calls_broken_is_counted_and_passed_over)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	turn("Inject V4L2_BUF_FLAG_ERROR", 1);
	for (int i = 0; i < 50 && hf_source_info(source).decode_errors == 0; i++)
		check_frames(source, 1, &frame);
	CHECK_U64(hf_source_info(source).decode_errors, ==, 1);
	check_frames(source, 3, &frame);
	hf_source_close(source);
}

TEST(a_stream_that_does_not_begin_and_buffers_that_are_not_to_be_had_are_errors)
{
	static const char *const faults[] = { "Inject VIDIOC_STREAMON Error",
					      "Inject VIDIOC_QBUF Error",
					      "Inject VIDIOC_REQBUFS Error" };
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	for (size_t i = 0; i < HF_ARRAY_LEN(faults); i++) {
		turn(faults[i], 1);
		CHECK_CODE(open_it(&config, &source), HF_E_IO);
		CHECK_OK(open_it(&config, &source));
		check_frames(source, 1, &frame);
		hf_source_close(source);
	}
}

/* In vivid's order. */
enum signal_mode {
	CURRENT = 0,
	NO_SIGNAL,
	NO_LOCK,
	OUT_OF_RANGE,
	SELECTED,
};

TEST(a_lost_hdmi_signal_is_named_waited_for_and_comes_back)
{
	static const struct {
		enum signal_mode mode;
		const char *words;
	} losses[] = { { NO_SIGNAL, "no signal" },
		       { NO_LOCK, "not steady" },
		       { OUT_OF_RANGE, "cannot take" } };
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	set_input(HDMI);
	turn("DV Timings Signal Mode", CURRENT);
	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	for (size_t i = 0; i < HF_ARRAY_LEN(losses); i++) {
		turn("DV Timings Signal Mode", (int)losses[i].mode);
		check_why(source, losses[i].words);
		/* Longer than the ladder is high: it must not be climbed, and noise is no frame. */
		CHECK_CODE(next_within(source, i == 0 ? 16000 : 3000, &frame), HF_E_AGAIN);
		turn("DV Timings Signal Mode", CURRENT);
		check_frames(source, 3, &frame);
		CHECK_TEXT(hf_source_info(source).why, "");
	}
	hf_source_close(source);
}

TEST(a_source_opened_without_a_signal_begins_when_it_comes)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	turn("DV Timings Signal Mode", NO_SIGNAL);
	CHECK_OK(open_it(&config, &source));
	assert_non_null(strstr(hf_source_info(source).why, "no signal"));
	CHECK_CODE(next_within(source, 3000, &frame), HF_E_AGAIN);
	turn("DV Timings Signal Mode", CURRENT);
	check_frames(source, 3, &frame);
	hf_source_close(source);
}

TEST(a_signal_of_another_size_is_followed_in_mid_stream)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;
	uint32_t sizes[2] = { 0 };

	config.width = config.height = 0; /* as the signal has it */
	turn("DV Timings", 0);
	turn("DV Timings Signal Mode", SELECTED);
	CHECK_OK(open_it(&config, &source));
	for (int i = 0; i < 2; i++) {
		check_frames(source, 3, &frame);
		sizes[i] = frame.width * frame.height;
		if (i == 1)
			break;
		turn("DV Timings", 4);
		const int64_t until_ms = now_ms() + PATIENCE_MS;
		while (frame.width * frame.height == sizes[0] && now_ms() < until_ms)
			check_frames(source, 1, &frame);
	}
	CHECK_U64(sizes[0], !=, sizes[1]);
	CHECK_U64(hf_source_info(source).width * hf_source_info(source).height, ==, sizes[1]);
	hf_source_close(source);
	turn("DV Timings Signal Mode", CURRENT);
}

TEST(noise_of_an_analogue_input_without_a_signal_is_no_frame)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	set_input(SVIDEO);
	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	turn("Standard Signal Mode", NO_SIGNAL);
	check_why(source, "no signal");
	CHECK_CODE(next_within(source, 3000, &frame), HF_E_AGAIN);
	turn("Standard Signal Mode", CURRENT);
	check_frames(source, 3, &frame);
	CHECK_TEXT(hf_source_info(source).why, "");
	hf_source_close(source);
	set_input(WEBCAM);
}

TEST(an_unplugged_device_is_told_at_once_and_opens_again_when_it_is_back)
{
	struct hf_config_source config = config_of(capture);
	struct hf_source *source;
	struct hf_frame frame;

	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	turn("Disconnect", 1);
	enum hf_code code = HF_OK;
	for (int i = 0; i < 10 && code == HF_OK; i++)
		code = next_within(source, PATIENCE_MS, &frame);
	CHECK_I64(code, ==, HF_E_NOENT);
	assert_non_null(strstr(err.text, "unplugged"));
	hf_source_close(source);
	/* vivid plugs itself in again when the last one lets go of it. */
	CHECK_OK(open_it(&config, &source));
	check_frames(source, 3, &frame);
	hf_source_close(source);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN(frames_arrive_with_the_drivers_time_and_the_test_pictures_bars),
		RUN(fewer_frames_are_handed_out_than_the_device_takes),
		RUN(as_it_stands_means_the_size_somebody_else_has_set),
		RUN(mjpeg_that_the_device_does_not_have_is_refused_with_what_it_offers),
		RUN(other_kinds_of_node_are_refused_by_name),
		RUN(a_device_in_use_names_who_uses_it),
		RUN(silence_is_answered_by_new_streams_and_pictures_end_it),
		RUN(silence_that_lasts_is_given_up),
		RUN(a_fatal_error_of_the_stream_is_survived),
		RUN(a_picture_the_driver_calls_broken_is_counted_and_passed_over),
		RUN(a_stream_that_does_not_begin_and_buffers_that_are_not_to_be_had_are_errors),
		RUN(a_lost_hdmi_signal_is_named_waited_for_and_comes_back),
		RUN(a_source_opened_without_a_signal_begins_when_it_comes),
		RUN(a_signal_of_another_size_is_followed_in_mid_stream),
		RUN(noise_of_an_analogue_input_without_a_signal_is_no_frame),
		RUN(an_unplugged_device_is_told_at_once_and_opens_again_when_it_is_back),
	};

	if (argc != 4) {
		(void)fputs("usage: vivid_test CAPTURE METADATA MULTIPLANAR\n", stderr);
		return 2;
	}
	capture = argv[1];
	metadata = argv[2];
	multiplanar = argv[3];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
