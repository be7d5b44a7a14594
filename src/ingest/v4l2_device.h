/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * v4l2_device - one capture device of this machine: what it is, what it was talked into, and
 * the pictures it fills. No clock, no patience, no decoding: source_v4l2.c has those.
 *
 * Shape       open looks what the path is. begin asks for a format, takes the
 *             one the driver answers, maps HF_V4L2_BUFFERS buffers and starts
 *             the stream; end undoes that, and begin may follow again. Pictures
 *             are taken and given back; one that is not given back is missing
 *             to the driver.
 *
 * Owners      One thread. A picture's bytes are the driver's: valid until it is
 *             given back or the stream ends.
 *
 * Errors      NOENT: no such device, or it was unplugged. DENIED: no right to it.
 *             INVALID: not a device that can be used; the text says what it is.
 *             AGAIN: nothing yet, no signal (has_signal is false then), or in
 *             use by another program. IO: the driver or the device failed; end
 *             and begin, or close and open.
 *             begin may block for seconds where a USB device does not answer.
 *
 * Limits      Single-planar streaming capture (mmap). MJPEG, JPEG, YUYV, UYVY.
 *             HF_FRAME_SIDE_MIN .. HF_FRAME_WIDTH_MAX x HF_FRAME_HEIGHT_MAX.
 *
 * Source      Linux userspace API, "Video for Linux API": Querying Capabilities,
 *             Data Formats, Streaming I/O (Memory Mapping), Event Interface,
 *             Digital Video (DV) Timings.
 *
 * Sandbox     openat(O_RDWR|O_NONBLOCK) and stat of the path and of what it links
 *             to: allow /dev as a whole, a device that is plugged in again is a
 *             new inode. mmap(PROT_READ, MAP_SHARED) and munmap of the device;
 *             poll on it. ioctl: VIDIOC_QUERYCAP, ENUM_FMT, G_FMT, S_FMT, G_PARM,
 *             S_PARM, REQBUFS, QUERYBUF, QBUF, DQBUF, STREAMON, STREAMOFF,
 *             G_INPUT, ENUMINPUT, QUERY_DV_TIMINGS, S_DV_TIMINGS, DQEVENT,
 *             SUBSCRIBE_EVENT. A busy device is looked for in /proc/PID/fd
 *             (getdents64, readlink); being refused there is fine.
 */
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_V4L2_BUFFERS = 4,
	HF_V4L2_NAME_BYTES = 72,
	HF_V4L2_WHY_BYTES = 120,
};

/* The kernel; a test brings its own. Each answers -1 (map: NULL) with errno. */
struct hf_v4l2_ops {
	int (*open)(void *context, const char *path);
	int (*control)(void *context, int fd, unsigned long request, void *argument);
	void *(*map)(void *context, int fd, size_t size_bytes, int64_t offset);
	void (*unmap)(void *context, void *data, size_t size_bytes);
	void (*close)(void *context, int fd);
	void *context;
};

const struct hf_v4l2_ops *hf_v4l2_ops_real(void);

/* What to ask for. */
struct hf_v4l2_wish {
	int32_t pixels;         /* as sources[].pixels: auto, mjpeg, yuyv */
	uint32_t width, height; /* 0: as it stands */
	double fps;             /* ask for more when the device gives less; 0: as it stands */
};

enum hf_v4l2_pixels {
	HF_V4L2_MJPEG = 1,
	HF_V4L2_YUYV,
	HF_V4L2_UYVY,
};

/* What the driver answered. */
struct hf_v4l2_format {
	enum hf_v4l2_pixels pixels;
	uint32_t width, height;
	uint32_t stride; /* bytes from row to row; not of MJPEG */
	bool full_range, bt709;
	double fps; /* 0: not known */
};

struct hf_v4l2_picture {
	uint32_t index; /* to give it back by */
	const uint8_t *data;
	size_t size_bytes;
	uint32_t sequence;    /* the driver's count since the stream began */
	struct hf_mono stamp; /* 0: the driver told none of the monotonic clock */
	bool broken;          /* by the driver's word */
};

struct hf_v4l2_device;

enum hf_code hf_v4l2_open(const char *path, const struct hf_v4l2_ops *ops,
			  struct hf_v4l2_device **ret_device, struct hf_err *err) HF_MUST_CHECK;
void hf_v4l2_close(struct hf_v4l2_device *device); /* NULL is fine */

enum hf_code hf_v4l2_begin(struct hf_v4l2_device *device, const struct hf_v4l2_wish *wish,
			   struct hf_v4l2_format *ret_format, struct hf_err *err) HF_MUST_CHECK;
void hf_v4l2_end(struct hf_v4l2_device *device);

/* AGAIN: none is filled. */
enum hf_code hf_v4l2_take(struct hf_v4l2_device *device, struct hf_v4l2_picture *ret_picture,
			  struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_v4l2_give(struct hf_v4l2_device *device, uint32_t index,
			  struct hf_err *err) HF_MUST_CHECK;

/* Is what comes in another signal now, by an event or by what hf_v4l2_signal found? NOENT: it was
 * unplugged, which a poll tells in the same way. */
enum hf_code hf_v4l2_changed(struct hf_v4l2_device *device, bool *ret_changed,
			     struct hf_err *err) HF_MUST_CHECK;
/* Ask the device for its signal. AGAIN: there is none, the text says how it is. */
enum hf_code hf_v4l2_signal(struct hf_v4l2_device *device, struct hf_err *err) HF_MUST_CHECK;
/* What the last begin or signal found. */
bool hf_v4l2_has_signal(const struct hf_v4l2_device *device);

int hf_v4l2_fd(const struct hf_v4l2_device *device);
bool hf_v4l2_streams(const struct hf_v4l2_device *device);
/* What it calls itself: "USB Video: USB Video, usb-0000:00:14.0-2". */
const char *hf_v4l2_name(const struct hf_v4l2_device *device);
