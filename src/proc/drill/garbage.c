/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill-garbage - stands in the place of infer while `holdfast drill` wants to see what a worker
 * does that talks nonsense. It becomes the real one, but for infer.1 when the file that
 * HOLDFAST_DRILL_GARBAGE names is there: it takes that away, sends bytes that are no message to
 * the supervisor, and waits for what comes of it. No unit is ever started with it but a drill's.
 */
#include "proc/common/worker.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEADER_BYTES = 12, /* see wire/msg.c */
	HELLO_MS = 5000,
	WAIT_S = 30,
};

static uint8_t packet[HEADER_BYTES + sizeof(struct hf_hello)];

/* Without taking it: whoever we become must find it. */
static uint32_t index_in_hello(void)
{
	struct pollfd wait = { .fd = HF_WORKER_CONTROL_FD, .events = POLLIN };
	struct hf_hello hello = { 0 };

	if (poll(&wait, 1, HELLO_MS) == 1 &&
	    recv(HF_WORKER_CONTROL_FD, packet, sizeof packet, MSG_PEEK) == (ssize_t)sizeof packet)
		memcpy(&hello, packet + HEADER_BYTES, sizeof hello);
	return hello.index;
}

int main(int argc, char **argv)
{
	static const char garbage[] = "\xff\xfe{\"this\": is no message]";
	const char *order = getenv("HOLDFAST_DRILL_GARBAGE");
	const char *libexec = getenv("HOLDFAST_LIBEXEC");
	char real[HF_PATH_BYTES + 16];

	(void)argc;
	if (order == NULL || libexec == NULL) {
		(void)fputs("drill-garbage: only `holdfast drill` starts this\n", stderr);
		return 2;
	}
	if (index_in_hello() == 1 && unlink(order) == 0) {
		/* Whether it arrives is seen by what becomes of us. */
		(void)!send(HF_WORKER_CONTROL_FD, garbage, sizeof garbage, MSG_NOSIGNAL);
		(void)sleep(WAIT_S);
		return 1;
	}
	(void)snprintf(real, sizeof real, "%s/infer.real", libexec);
	(void)execv(real, argv);
	return 127;
}
