/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/v4l2_device.h"

#include "base/auto.h"
#include "ingest/frame.h"
#include "shape/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	FORMATS_MAX = 64,       /* looked at of what a device offers */
	EVENTS_MAX = 64,        /* of one call */
	PROCESSES_MAX = 4096,   /* looked through for the one that holds the device */
	DESCRIPTORS_MAX = 1024, /* of each */
	HOLDER_BYTES = 64,
};

struct mapping {
	void *data;
	size_t size_bytes;
};

struct hf_v4l2_device {
	struct hf_v4l2_ops ops;
	int fd;
	char path[HF_PATH_BYTES];
	char name[HF_V4L2_NAME_BYTES];
	bool events; /* it tells of changes, of this input: */
	uint32_t input;
	bool signal;
	bool changed; /* what comes in is of another size than what it was told to follow: */
	struct v4l2_bt_timings timings;
	bool streams;
	bool requested; /* the driver keeps buffers for us, mapped or not */
	uint32_t buffer_count;
	struct mapping buffers[HF_V4L2_BUFFERS];
};

static int real_open(void *context, const char *path)
{
	(void)context;
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int real_control(void *context, int fd, unsigned long request, void *argument)
{
	int result;

	(void)context;
	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

static void *real_map(void *context, int fd, size_t size_bytes, int64_t offset)
{
	void *data = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, fd, (off_t)offset);

	(void)context;
	return data != MAP_FAILED ? data : NULL;
}

static void real_unmap(void *context, void *data, size_t size_bytes)
{
	(void)context;
	(void)munmap(data, size_bytes);
}

static void real_close(void *context, int fd)
{
	(void)context;
	(void)close(fd);
}

const struct hf_v4l2_ops *hf_v4l2_ops_real(void)
{
	static const struct hf_v4l2_ops ops = { .open = real_open,
						.control = real_control,
						.map = real_map,
						.unmap = real_unmap,
						.close = real_close };
	return &ops;
}

static int control(const struct hf_v4l2_device *device, unsigned long request, void *argument)
{
	return device->ops.control(device->ops.context, device->fd, request, argument);
}

/* "ingest (pid 4711)"; empty where it cannot be found, or not by us. */
static void find_holder(const char *path, char ret_holder[HOLDER_BYTES])
{
	struct stat wanted, st;
	DIR *processes = opendir("/proc");
	int looked_at = 0;

	ret_holder[0] = '\0';
	if (processes == NULL)
		return;
	if (stat(path, &wanted) != 0)
		looked_at = PROCESSES_MAX;
	for (struct dirent *process = readdir(processes);
	     process != NULL && looked_at < PROCESSES_MAX && ret_holder[0] == '\0';
	     process = readdir(processes)) {
		char folder[300], name[32] = "";
		long pid = strtol(process->d_name, NULL, 10);

		if (pid <= 0 || pid == (long)getpid())
			continue;
		looked_at++;
		(void)snprintf(folder, sizeof folder, "/proc/%ld/fd", pid);
		DIR *open_files = opendir(folder);
		if (open_files == NULL)
			continue;
		int seen = 0;
		for (struct dirent *file = readdir(open_files);
		     file != NULL && seen++ < DESCRIPTORS_MAX; file = readdir(open_files)) {
			if (fstatat(dirfd(open_files), file->d_name, &st, 0) != 0 ||
			    !S_ISCHR(st.st_mode) || st.st_rdev != wanted.st_rdev)
				continue;
			(void)snprintf(folder, sizeof folder, "/proc/%ld/comm", pid);
			HF_AUTO_FCLOSE FILE *comm = fopen(folder, "re");
			if (comm == NULL || fgets(name, sizeof name, comm) == NULL)
				name[0] = '\0';
			name[strcspn(name, "\n")] = '\0';
			(void)snprintf(ret_holder, HOLDER_BYTES, "%s (pid %ld)", name, pid);
			break;
		}
		(void)closedir(open_files);
	}
	(void)closedir(processes);
}

/* The call that failed, as the answer it asks for; errno is its. */
static enum hf_code fail(const struct hf_v4l2_device *device, const char *what, struct hf_err *err)
{
	int error_number = errno;
	char holder[HOLDER_BYTES];

	switch (error_number) {
	case ENODEV:
	case ENXIO:
		return hf_fail(err, HF_E_NOENT, "%s: the device was unplugged, or its driver ended",
			       device->path);
	case EBUSY:
		find_holder(device->path, holder);
		return hf_fail(err, HF_E_AGAIN,
			       "%s is in use by %s; only one program can take its pictures%s%s",
			       device->path, holder[0] != '\0' ? holder : "another program",
			       holder[0] != '\0' ? "" : ": find it with fuser -v ",
			       holder[0] != '\0' ? "" : device->path);
	case ENOMEM:
		return hf_fail(err, HF_E_NOMEM, "%s: %s: out of memory", device->path, what);
	case EACCES:
	case EPERM:
		return hf_fail(err, HF_E_DENIED, "%s: %s: %s", device->path, what,
			       strerror(error_number));
	}
	return hf_fail(err, HF_E_IO, "%s: %s: %s", device->path, what, strerror(error_number));
}

static const char *kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return "a file: for a video or a picture say \"type: file\"";
	if (S_ISDIR(mode))
		return "a folder: name one device in it";
	if (S_ISBLK(mode))
		return "a disk";
	return "a pipe or socket";
}

/* Looked at before it is opened: opening alone may do things (a watchdog, a tape). */
static enum hf_code check_path(const char *path, struct hf_err *err)
{
	struct stat st;

	if (path[0] == '\0')
		return hf_fail(err, HF_E_INVALID,
			       "source of type v4l2 without a device: set url, e.g. /dev/video0");
	if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return hf_fail(err, HF_E_NOENT,
			       "%s: there is no such device; is the grabber plugged in? Those that "
			       "are there: ls -l /dev/v4l/by-path",
			       path);
	if (stat(path, &st) != 0)
		return hf_fail_errno(err, "%s", path);
	if (!S_ISCHR(st.st_mode))
		return hf_fail(err, HF_E_INVALID, "%s is not a video device but %s", path,
			       kind_of(st.st_mode));
	return HF_OK;
}

/* What a video node is that does not capture pictures our way. */
static const char *other_kind(uint32_t caps)
{
	static const struct {
		uint32_t caps;
		const char *words;
	} kinds[] = {
		{ V4L2_CAP_VIDEO_CAPTURE_MPLANE,
		  "gives pictures in several planes of memory (multi-planar), which is not "
		  "supported" },
		{ V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE,
		  "converts pictures from memory to memory, it has no input" },
		{ V4L2_CAP_META_CAPTURE,
		  "gives data about pictures, not pictures: take the other node of this device, "
		  "see v4l2-ctl --list-devices" },
		{ V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE | V4L2_CAP_META_OUTPUT |
			  V4L2_CAP_VIDEO_OVERLAY | V4L2_CAP_VIDEO_OUTPUT_OVERLAY,
		  "shows pictures, it does not take them" },
		{ V4L2_CAP_VBI_CAPTURE | V4L2_CAP_SLICED_VBI_CAPTURE | V4L2_CAP_VBI_OUTPUT |
			  V4L2_CAP_SLICED_VBI_OUTPUT,
		  "gives teletext and captions, not pictures" },
		{ V4L2_CAP_SDR_CAPTURE | V4L2_CAP_SDR_OUTPUT | V4L2_CAP_RADIO | V4L2_CAP_MODULATOR |
			  V4L2_CAP_TUNER,
		  "is a radio" },
		{ V4L2_CAP_TOUCH, "is a touch panel" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++)
		if ((caps & kinds[i].caps) != 0)
			return kinds[i].words;
	return "does not say that it takes pictures";
}

static enum hf_code look_what_it_is(struct hf_v4l2_device *device, struct hf_err *err)
{
	struct v4l2_capability about = { 0 };

	if (control(device, VIDIOC_QUERYCAP, &about) != 0) {
		if (errno == ENODEV || errno == EIO)
			return fail(device, "ask what it is", err);
		return hf_fail(err, HF_E_INVALID,
			       "%s is a device, but not one for video: those are "
			       "/dev/video0, /dev/v4l/by-path/...",
			       device->path);
	}
	uint32_t caps = (about.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? about.device_caps
									 : about.capabilities;
	(void)snprintf(device->name, sizeof device->name, "%.31s, %.31s", (const char *)about.card,
		       (const char *)about.bus_info);
	if ((caps & V4L2_CAP_VIDEO_CAPTURE) == 0 || (caps & V4L2_CAP_TOUCH) != 0)
		return hf_fail(err, HF_E_INVALID, "%s (%s) %s", device->path, device->name,
			       other_kind(caps));
	if ((caps & V4L2_CAP_STREAMING) == 0)
		return hf_fail(err, HF_E_INVALID,
			       "%s (%s) cannot hand pictures over in memory (no streaming), only "
			       "by read(), which is not supported",
			       device->path, device->name);
	device->signal = true;
	return HF_OK;
}

enum hf_code hf_v4l2_open(const char *path, const struct hf_v4l2_ops *ops,
			  struct hf_v4l2_device **ret_device, struct hf_err *err)
{
	enum hf_code code = check_path(path, err);

	if (code != HF_OK)
		return code;
	struct hf_v4l2_device *device = calloc(1, sizeof *device);
	if (device == NULL)
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", path);
	device->ops = *ops;
	(void)snprintf(device->path, sizeof device->path, "%s", path);
	device->fd = ops->open(ops->context, path);
	if (device->fd < 0 && (errno == EACCES || errno == EPERM))
		code = hf_fail(err, HF_E_DENIED,
			       "%s: no right to open it; is this user in the group video?", path);
	else if (device->fd < 0)
		code = fail(device, "open it", err);
	if (code == HF_OK)
		code = look_what_it_is(device, err);
	if (code != HF_OK) {
		hf_v4l2_close(device);
		return code;
	}
	*ret_device = device;
	return HF_OK;
}

void hf_v4l2_close(struct hf_v4l2_device *device)
{
	if (device == NULL)
		return;
	if (device->fd >= 0) {
		hf_v4l2_end(device);
		device->ops.close(device->ops.context, device->fd);
	}
	free(device);
}

static enum hf_code no_signal(struct hf_v4l2_device *device, const char *how, struct hf_err *err)
{
	device->signal = false;
	return hf_fail(err, HF_E_AGAIN,
		       "%s: %s; is the recorder on, and its cable plugged in at both ends?",
		       device->path, how);
}

/* What comes in by HDMI and the like has timings of its own, and the device must be told to
 * follow them. Devices without such inputs refuse the question. */
static enum hf_code follow_timings(struct hf_v4l2_device *device, bool set, struct hf_err *err)
{
	struct v4l2_dv_timings timings = { 0 };

	if (control(device, VIDIOC_QUERY_DV_TIMINGS, &timings) != 0) {
		switch (errno) {
		case ENOLINK:
			return no_signal(device, "no signal at its input", err);
		case ENOLCK:
			return no_signal(device, "the signal at its input is not steady", err);
		case ERANGE:
			return no_signal(
				device, "the signal at its input is of a kind it cannot take", err);
		case ENODEV:
		case ENXIO:
			return fail(device, "ask for its signal", err);
		}
		return HF_OK;
	}
	const struct v4l2_bt_timings *bt = &timings.bt, *old = &device->timings;
	if (!set) {
		/* Not every driver tells of it by an event. */
		device->changed = bt->width != old->width || bt->height != old->height ||
				  bt->interlaced != old->interlaced;
		return HF_OK;
	}
	if (control(device, VIDIOC_S_DV_TIMINGS, &timings) != 0)
		return fail(device, "follow the signal at its input", err);
	device->timings = timings.bt;
	device->changed = false;
	return HF_OK;
}

/* The driver tells of changes by the number of the input; somebody else may have chosen another. */
static void follow_input(struct hf_v4l2_device *device, uint32_t input)
{
	struct v4l2_event_subscription changes = { .type = V4L2_EVENT_SOURCE_CHANGE, .id = input };

	if (device->events && device->input == input)
		return;
	device->events |= control(device, VIDIOC_SUBSCRIBE_EVENT, &changes) == 0;
	device->input = input;
}

static enum hf_code look_at_input(struct hf_v4l2_device *device, bool *ret_timed,
				  struct hf_err *err)
{
	struct v4l2_input input = { 0 };
	int index = 0;

	*ret_timed = false;
	if (control(device, VIDIOC_G_INPUT, &index) != 0)
		return errno == ENODEV ? fail(device, "ask for its input", err) : HF_OK;
	input.index = (uint32_t)index;
	follow_input(device, input.index);
	if (control(device, VIDIOC_ENUMINPUT, &input) != 0)
		return errno == ENODEV ? fail(device, "ask for its input", err) : HF_OK;
	*ret_timed = (input.capabilities & V4L2_IN_CAP_DV_TIMINGS) != 0;
	if ((input.status & V4L2_IN_ST_NO_POWER) != 0)
		return no_signal(device, "its input has no power", err);
	if ((input.status & V4L2_IN_ST_NO_SIGNAL) != 0)
		return no_signal(device, "no signal at its input", err);
	if ((input.status & V4L2_IN_ST_NO_SYNC) != 0)
		return no_signal(device, "the signal at its input is not steady", err);
	return HF_OK;
}

static enum hf_code ask_signal(struct hf_v4l2_device *device, bool set, struct hf_err *err)
{
	bool timed;

	device->signal = true;
	enum hf_code code = look_at_input(device, &timed, err);
	if (code == HF_OK && timed)
		code = follow_timings(device, set, err);
	return code;
}

enum hf_code hf_v4l2_signal(struct hf_v4l2_device *device, struct hf_err *err)
{
	return ask_signal(device, false, err);
}

bool hf_v4l2_has_signal(const struct hf_v4l2_device *device)
{
	return device->signal;
}

enum hf_code hf_v4l2_changed(struct hf_v4l2_device *device, bool *ret_changed, struct hf_err *err)
{
	*ret_changed = device->changed;
	device->changed = false;
	for (int i = 0; device->events && i < EVENTS_MAX; i++) {
		struct v4l2_event event = { 0 };

		if (control(device, VIDIOC_DQEVENT, &event) != 0) {
			if (errno == ENODEV)
				return fail(device, "ask for events", err);
			break;
		}
		*ret_changed |= event.type == V4L2_EVENT_SOURCE_CHANGE &&
				(event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION) != 0;
	}
	return HF_OK;
}

/* In the order in which they are liked. */
static const struct {
	uint32_t code;
	enum hf_v4l2_pixels pixels;
} usable[] = {
	{ V4L2_PIX_FMT_MJPEG, HF_V4L2_MJPEG },
	{ V4L2_PIX_FMT_JPEG, HF_V4L2_MJPEG },
	{ V4L2_PIX_FMT_YUYV, HF_V4L2_YUYV },
	{ V4L2_PIX_FMT_UYVY, HF_V4L2_UYVY },
};

static bool is_wished(int32_t wish, enum hf_v4l2_pixels pixels)
{
	enum {
		AUTO = 0,
		MJPEG = 1
	}; /* sources[].pixels */

	return wish == AUTO || (wish == MJPEG) == (pixels == HF_V4L2_MJPEG);
}

static void name_of(uint32_t code, char ret_name[5])
{
	for (unsigned i = 0; i < 4; i++) {
		char letter = (char)(code >> (8 * i) & 0x7f);

		ret_name[i] = letter > ' ' && letter != '"' && letter != 0x7f ? letter : '.';
	}
	ret_name[code >> 24 == ' ' ? 3 : 4] = '\0';
}

/* The best of what the device offers. */
static enum hf_code choose_pixels(struct hf_v4l2_device *device, int32_t wish, uint32_t *ret_code,
				  struct hf_err *err)
{
	char offered[160] = "";
	size_t best = HF_ARRAY_LEN(usable);

	for (uint32_t i = 0; i < FORMATS_MAX; i++) {
		struct v4l2_fmtdesc about = { .index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
		char name[5];
		size_t used = strlen(offered);

		if (control(device, VIDIOC_ENUM_FMT, &about) != 0) {
			if (errno == ENODEV)
				return fail(device, "ask for its formats", err);
			break;
		}
		for (size_t k = 0; k < best; k++)
			if (usable[k].code == about.pixelformat &&
			    is_wished(wish, usable[k].pixels))
				best = k;
		name_of(about.pixelformat, name);
		if (used + 7 < sizeof offered)
			(void)snprintf(offered + used, sizeof offered - used, "%s%s",
				       used > 0 ? ", " : "", name);
	}
	if (best == HF_ARRAY_LEN(usable))
		return hf_fail(err, HF_E_INVALID, "%s (%s) offers %s; taken are %s%s", device->path,
			       device->name, offered[0] != '\0' ? offered : "no format",
			       wish == 1   ? "only MJPEG, as sources[].pixels says"
			       : wish == 2 ? "only YUYV and UYVY, as sources[].pixels says"
					   : "MJPEG, YUYV and UYVY",
			       wish != 0 ? "; auto would take what there is" : "");
	*ret_code = usable[best].code;
	return HF_OK;
}

static enum hf_code check_answer(const struct hf_v4l2_device *device,
				 const struct v4l2_pix_format *pix,
				 struct hf_v4l2_format *ret_format, struct hf_err *err)
{
	struct hf_v4l2_format format = { .width = pix->width, .height = pix->height };
	char name[5];

	name_of(pix->pixelformat, name);
	for (size_t i = 0; i < HF_ARRAY_LEN(usable); i++)
		if (usable[i].code == pix->pixelformat)
			format.pixels = usable[i].pixels;
	if (format.pixels == 0)
		return hf_fail(err, HF_E_INVALID,
			       "%s (%s) insists on pictures as %s; taken are MJPEG, YUYV and UYVY",
			       device->path, device->name, name);
	if (pix->width < HF_FRAME_SIDE_MIN || pix->height < HF_FRAME_SIDE_MIN ||
	    pix->width > HF_FRAME_WIDTH_MAX || pix->height > HF_FRAME_HEIGHT_MAX)
		return hf_fail(err, HF_E_INVALID,
			       "%s (%s): pictures of %ux%u; they must be %dx%d to %dx%d",
			       device->path, device->name, pix->width, pix->height,
			       HF_FRAME_SIDE_MIN, HF_FRAME_SIDE_MIN, HF_FRAME_WIDTH_MAX,
			       HF_FRAME_HEIGHT_MAX);
	if (pix->field == V4L2_FIELD_TOP || pix->field == V4L2_FIELD_BOTTOM ||
	    pix->field == V4L2_FIELD_ALTERNATE || pix->field == V4L2_FIELD_SEQ_TB ||
	    pix->field == V4L2_FIELD_SEQ_BT)
		return hf_fail(err, HF_E_INVALID,
			       "%s (%s) gives every other line at a time (interlaced fields); "
			       "whole pictures are needed",
			       device->path, device->name);
	format.stride = pix->bytesperline;
	if (format.pixels != HF_V4L2_MJPEG && format.stride < 2 * pix->width)
		format.stride = 2 * (pix->width + pix->width % 2);
	uint32_t encoding = pix->ycbcr_enc != V4L2_YCBCR_ENC_DEFAULT
				    ? pix->ycbcr_enc
				    : V4L2_MAP_YCBCR_ENC_DEFAULT(pix->colorspace);
	uint32_t range = pix->quantization != V4L2_QUANTIZATION_DEFAULT
				 ? pix->quantization
				 : V4L2_MAP_QUANTIZATION_DEFAULT(false, pix->colorspace, encoding);
	format.full_range = range == V4L2_QUANTIZATION_FULL_RANGE;
	format.bt709 = encoding == V4L2_YCBCR_ENC_709 || encoding == V4L2_YCBCR_ENC_XV709;
	*ret_format = format;
	return HF_OK;
}

static enum hf_code settle_format(struct hf_v4l2_device *device, const struct hf_v4l2_wish *wish,
				  struct hf_v4l2_format *ret_format, struct hf_err *err)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	uint32_t pixels = 0;

	enum hf_code code = choose_pixels(device, wish->pixels, &pixels, err);
	if (code != HF_OK)
		return code;
	if (control(device, VIDIOC_G_FMT, &format) != 0)
		return fail(device, "ask for its format", err);
	struct v4l2_pix_format *pix = &format.fmt.pix;
	*pix = (struct v4l2_pix_format){
		.width = wish->width > 0 ? wish->width : pix->width,
		.height = wish->height > 0 ? wish->height : pix->height,
		.pixelformat = pixels,
		.field = V4L2_FIELD_NONE,
	};
	if (control(device, VIDIOC_S_FMT, &format) != 0)
		return fail(device, "set its format", err);
	return check_answer(device, pix, ret_format, err);
}

static double rate_of(const struct v4l2_streamparm *rate)
{
	const struct v4l2_fract *each = &rate->parm.capture.timeperframe;

	return each->numerator > 0 && each->denominator > 0
		       ? (double)each->denominator / each->numerator
		       : 0;
}

/* It runs as fast as it likes, unless that is slower than we are to look. */
static double settle_rate(struct hf_v4l2_device *device, double wanted)
{
	struct v4l2_streamparm rate = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	if (control(device, VIDIOC_G_PARM, &rate) != 0)
		return 0;
	double fps = rate_of(&rate);
	if (wanted <= 0 || fps <= 0 || fps >= wanted * 0.99 ||
	    (rate.parm.capture.capability & V4L2_CAP_TIMEPERFRAME) == 0)
		return fps;
	rate.parm.capture.timeperframe =
		(struct v4l2_fract){ .numerator = 1000, .denominator = (uint32_t)(wanted * 1000) };
	return control(device, VIDIOC_S_PARM, &rate) == 0 ? rate_of(&rate) : fps;
}

static enum hf_code map_buffers(struct hf_v4l2_device *device, const struct hf_v4l2_format *format,
				struct hf_err *err)
{
	struct v4l2_requestbuffers request = { .count = HF_V4L2_BUFFERS,
					       .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					       .memory = V4L2_MEMORY_MMAP };

	if (control(device, VIDIOC_REQBUFS, &request) != 0)
		return fail(device, "get buffers", err);
	device->requested = true;
	uint32_t count = request.count < HF_V4L2_BUFFERS ? request.count : HF_V4L2_BUFFERS;
	if (count < 2)
		return hf_fail(err, HF_E_NOMEM, "%s: %u buffers, 2 are the least", device->path,
			       count);
	for (uint32_t i = 0; i < count; i++) {
		struct v4l2_buffer buffer = { .index = i,
					      .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					      .memory = V4L2_MEMORY_MMAP };
		struct mapping *mapping = &device->buffers[i];

		if (control(device, VIDIOC_QUERYBUF, &buffer) != 0)
			return fail(device, "get buffers", err);
		if (format->pixels != HF_V4L2_MJPEG &&
		    buffer.length < (uint64_t)format->stride * format->height)
			return hf_fail(err, HF_E_IO,
				       "%s: buffers of %u bytes are too small for %ux%u",
				       device->path, buffer.length, format->width, format->height);
		mapping->data = device->ops.map(device->ops.context, device->fd, buffer.length,
						buffer.m.offset);
		if (mapping->data == NULL)
			return fail(device, "map buffers", err);
		mapping->size_bytes = buffer.length;
		device->buffer_count = i + 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		enum hf_code code = hf_v4l2_give(device, i, err);

		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

enum hf_code hf_v4l2_begin(struct hf_v4l2_device *device, const struct hf_v4l2_wish *wish,
			   struct hf_v4l2_format *ret_format, struct hf_err *err)
{
	struct hf_v4l2_format format = { 0 };
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	hf_v4l2_end(device);
	enum hf_code code = ask_signal(device, true, err);
	if (code == HF_OK)
		code = settle_format(device, wish, &format, err);
	if (code != HF_OK)
		return code;
	format.fps = settle_rate(device, wish->fps);
	code = map_buffers(device, &format, err);
	if (code == HF_OK && control(device, VIDIOC_STREAMON, &type) != 0)
		code = errno == ENOLINK ? no_signal(device, "no signal at its input", err)
					: fail(device, "start its stream", err);
	if (code != HF_OK) {
		hf_v4l2_end(device);
		return code;
	}
	device->streams = true;
	*ret_format = format;
	return HF_OK;
}

/* Every answer is as good as any other: what cannot be undone goes with the descriptor. */
void hf_v4l2_end(struct hf_v4l2_device *device)
{
	struct v4l2_requestbuffers none = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					    .memory = V4L2_MEMORY_MMAP };
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (device->streams)
		(void)control(device, VIDIOC_STREAMOFF, &type);
	device->streams = false;
	for (uint32_t i = 0; i < device->buffer_count; i++)
		device->ops.unmap(device->ops.context, device->buffers[i].data,
				  device->buffers[i].size_bytes);
	if (device->requested)
		(void)control(device, VIDIOC_REQBUFS, &none);
	device->requested = false;
	device->buffer_count = 0;
}

enum hf_code hf_v4l2_take(struct hf_v4l2_device *device, struct hf_v4l2_picture *ret_picture,
			  struct hf_err *err)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				      .memory = V4L2_MEMORY_MMAP };

	if (control(device, VIDIOC_DQBUF, &buffer) != 0) {
		if (errno == EAGAIN)
			return hf_fail(err, HF_E_AGAIN, "not yet");
		if (errno == ENOLINK)
			return no_signal(device, "no signal at its input", err);
		return fail(device, "take a picture", err);
	}
	if (buffer.index >= device->buffer_count)
		return hf_fail(err, HF_E_IO, "%s: the driver speaks of buffer %u of %u",
			       device->path, buffer.index, device->buffer_count);
	const struct mapping *mapping = &device->buffers[buffer.index];
	*ret_picture = (struct hf_v4l2_picture){
		.index = buffer.index,
		.data = mapping->data,
		.size_bytes = buffer.bytesused < mapping->size_bytes ? buffer.bytesused
								     : mapping->size_bytes,
		.sequence = buffer.sequence,
		.broken = (buffer.flags & V4L2_BUF_FLAG_ERROR) != 0 || buffer.bytesused == 0,
	};
	if ((buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		ret_picture->stamp.us =
			(int64_t)buffer.timestamp.tv_sec * 1000000 + buffer.timestamp.tv_usec;
	return HF_OK;
}

enum hf_code hf_v4l2_give(struct hf_v4l2_device *device, uint32_t index, struct hf_err *err)
{
	struct v4l2_buffer buffer = { .index = index,
				      .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				      .memory = V4L2_MEMORY_MMAP };

	if (control(device, VIDIOC_QBUF, &buffer) != 0)
		return fail(device, "give a buffer back", err);
	return HF_OK;
}

int hf_v4l2_fd(const struct hf_v4l2_device *device)
{
	return device->fd;
}

bool hf_v4l2_streams(const struct hf_v4l2_device *device)
{
	return device->streams;
}

const char *hf_v4l2_name(const struct hf_v4l2_device *device)
{
	return device->name;
}
