/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grabber - a USB grabber that is not there: a UVC device with one MJPEG format, played to the
 * kernel through gadgetfs and its dummy host controller. The kernel's own uvcvideo drives it.
 *
 * Method: this process answers the control requests; a child sends a picture every 66 ms on a
 * bulk endpoint, as long as the device is configured. (The dummy controller has no isochronous
 * transfers; UVC knows bulk, too.) SIGUSR1: the device hangs, answers control requests, and
 * sends nothing more until it is configured anew, as many a grabber does.
 *
 * usage: grabber (inside the virtual machine of test/vm/run; gadgetfs at /dev/gadget)
 */
#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usb/gadgetfs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <turbojpeg.h>

enum {
	WIDTH = 640,
	HEIGHT = 360,
	INTERVAL_NS = 66666667,
	FRAME_BYTES_MAX = 30000,
	PAYLOAD_BYTES_MAX = 32768,
	CONTROL_BYTES = 26, /* of UVC 1.0's probe and commit */
	ENDPOINT = 0x81,
};

#define LE16(n)        (uint8_t)((n)&0xff), (uint8_t)((n) >> 8 & 0xff)
#define LE32(n)        LE16(n), LE16((uint32_t)(n) >> 16)
#define INTERVAL_100NS (INTERVAL_NS / 100)

/* The two speeds differ in the endpoint's packet alone. */
#define CONFIGURATION(packet)                                                                     \
	9, 2, LE16(133), 2, 1, 0, 0x80, 50,   /* configuration */                                 \
		8, 11, 0, 2, 0x0e, 3, 0, 0,   /* both interfaces are one function */              \
		9, 4, 0, 0, 0, 0x0e, 1, 0, 0, /* video control */                                 \
		13, 0x24, 1, LE16(0x100), LE16(30), LE32(1000000), 1, 1, 8, 0x24, 2, 1,           \
		LE16(0x200), 0, 0,                   /* in: of its own kind */                    \
		9, 0x24, 3, 2, LE16(0x101), 0, 1, 0, /* out: USB */                               \
		9, 4, 1, 0, 1, 0x0e, 2, 0, 0,        /* video streaming */                        \
		14, 0x24, 1, 1, LE16(61), ENDPOINT, 0, 2, 0, 0, 0, 1, 0, 11, 0x24, 6, 1, 1, 1, 1, \
		0, 0, 0, 0, /* MJPEG */                                                           \
		30, 0x24, 7, 1, 0, LE16(WIDTH), LE16(HEIGHT), LE32(1000000), LE32(8000000),       \
		LE32(FRAME_BYTES_MAX), LE32(INTERVAL_100NS), 1, LE32(INTERVAL_100NS), 6, 0x24,    \
		0x0d, 1, 1, 4, /* colours */                                                      \
		7, 5, ENDPOINT, 2, LE16(packet), 0

static const uint8_t device[] = {
	0,
	0,
	0,
	0, /* gadgetfs: this is a device */
	CONFIGURATION(64),
	CONFIGURATION(512),
	18,
	1,
	LE16(0x200),
	0xef,
	2,
	1,
	64,
	LE16(0x1d6b),
	LE16(0x0102),
	LE16(0x100),
	1,
	2,
	3,
	1,
};

static const uint8_t endpoint[] = {
	1, 0, 0,        0, /* gadgetfs: these are endpoints */
	7, 5, ENDPOINT, 2, LE16(64), 0, 7, 5, ENDPOINT, 2, LE16(512), 0,
};

static uint8_t settings[CONTROL_BYTES] = {
	1,
	0,
	1,
	1,
	LE32(INTERVAL_100NS),
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	LE16(0),
	LE32(FRAME_BYTES_MAX),
	LE32(PAYLOAD_BYTES_MAX),
};

static const char *const strings[] = { "", "holdfast", "Test Grabber", "0001" };

static pid_t sender;

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "grabber: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A grey picture with a bright bar that moves. */
static size_t take_picture(tjhandle handle, unsigned number, uint8_t *ret_data)
{
	static uint8_t bgr[HEIGHT][WIDTH][3];
	unsigned char *out = NULL;
	unsigned long size = 0;

	memset(bgr, 90, sizeof bgr);
	for (unsigned y = 100; y < 200; y++)
		memset(bgr[y][number * 8 % (WIDTH - 40)], 220, 40 * sizeof bgr[0][0]);
	if (tjCompress2(handle, &bgr[0][0][0], WIDTH, 0, HEIGHT, TJPF_BGR, &out, &size, TJSAMP_420,
			80, 0) != 0 ||
	    size > FRAME_BYTES_MAX)
		die("make a picture");
	memcpy(ret_data, out, size);
	tjFree(out);
	return size;
}

/* One transfer a picture: two bytes of head (the second: whose turn, and that it is whole), and
 * an end that is not a whole packet. */
static _Noreturn void send_pictures(void)
{
	static uint8_t transfer[2 + PAYLOAD_BYTES_MAX];
	const struct timespec interval = { .tv_nsec = INTERVAL_NS };
	tjhandle handle = tjInitCompress();
	/* The device is there for as long as anybody has its control endpoint. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = open("/dev/gadget/ep1in-bulk", O_RDWR | O_CLOEXEC);

	if (fd < 0 || handle == NULL)
		die("open the endpoint");
	if (write(fd, endpoint, sizeof endpoint) != (ssize_t)sizeof endpoint)
		die("configure the endpoint");
	for (unsigned number = 0;; number++) {
		size_t size = 2 + take_picture(handle, number, transfer + 2);

		transfer[0] = 2;
		transfer[1] = (uint8_t)(0x82 | (number & 1));
		if (size % 512 == 0)
			transfer[size++] = 0;
		if (write(fd, transfer, size) < 0)
			die("send a picture");
		(void)nanosleep(&interval, NULL);
	}
}

static void stop_sending(void)
{
	if (sender == 0)
		return;
	(void)kill(sender, SIGKILL);
	(void)waitpid(sender, NULL, 0);
	sender = 0;
}

static void start_sending(void)
{
	stop_sending();
	sender = fork();
	if (sender == 0)
		send_pictures();
}

static void hang(int number)
{
	(void)number;
	if (sender != 0)
		(void)kill(sender, SIGSTOP);
}

static void answer(int fd, const void *data, size_t size, size_t wanted)
{
	(void)!write(fd, data, size < wanted ? size : wanted);
}

static void answer_string(int fd, unsigned index, size_t wanted)
{
	uint8_t text[64] = { 4, 3, LE16(0x409) };

	if (index > 0 && index < HF_ARRAY_LEN(strings)) {
		size_t length = strlen(strings[index]);

		text[0] = (uint8_t)(2 + 2 * length);
		for (size_t i = 0; i < length; i++) {
			text[2 + 2 * i] = (uint8_t)strings[index][i];
			text[3 + 2 * i] = 0;
		}
	}
	answer(fd, text, text[0], wanted);
}

/* What is not known is refused: by an answer in the wrong direction. */
static void on_setup(int fd, const struct usb_ctrlrequest *setup)
{
	const bool in = (setup->bRequestType & USB_DIR_IN) != 0;
	const bool class = (setup->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS;
	uint8_t data[64];

	if (!class && in && setup->bRequest == USB_REQ_GET_DESCRIPTOR && setup->wValue >> 8 == 3) {
		answer_string(fd, setup->wValue & 0xff, setup->wLength);
	} else if (!class && !in && setup->bRequest == USB_REQ_SET_CONFIGURATION) {
		if (setup->wValue != 0)
			start_sending();
		else
			stop_sending();
		(void)!read(fd, data, 0);
	} else if (!class && !in && setup->bRequest == USB_REQ_SET_INTERFACE) {
		(void)!read(fd, data, 0);
	} else if (class && in && (setup->bRequest & 0x80) != 0 && setup->wIndex == 1) {
		answer(fd, settings, sizeof settings, setup->wLength);
	} else if (class && !in && setup->wIndex == 1) { /* there is one choice of everything */
		(void)!read(fd, data, setup->wLength < sizeof data ? setup->wLength : sizeof data);
	} else if (in) {
		(void)!read(fd, data, 0);
	} else {
		(void)!write(fd, data, 0);
	}
}

int main(void)
{
	const struct sigaction on_hang = { .sa_handler = hang, .sa_flags = SA_RESTART };
	struct usb_gadgetfs_event events[4];
	int fd = open("/dev/gadget/dummy_udc", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("open /dev/gadget/dummy_udc");
	if (write(fd, device, sizeof device) != (ssize_t)sizeof device)
		die("describe the device");
	(void)sigaction(SIGUSR1, &on_hang, NULL);
	for (;;) {
		/* A read while gadgetfs is still busy with the last request would be taken for a
		 * refusal of it. */
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		if (poll(&wait, 1, -1) < 0 || (wait.revents & POLLIN) == 0)
			continue;
		ssize_t size = read(fd, events, sizeof events);
		if (size < 0 && errno != EINTR && errno != EAGAIN && errno != EL2HLT &&
		    errno != EIDRM)
			die("read events");
		for (ssize_t i = 0; i < size / (ssize_t)sizeof events[0]; i++) {
			if (events[i].type == GADGETFS_SETUP)
				on_setup(fd, &events[i].u.setup);
			if (events[i].type == GADGETFS_DISCONNECT)
				stop_sending();
		}
	}
}
