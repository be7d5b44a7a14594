/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detector that goes wrong on purpose, for hostile_worker_test.mjs: it is put in the place of
 * infer. infer.0 becomes the real one (HOSTILE_REAL); infer.1 says hello as it should and then
 * does what the file HOSTILE_MODE says at that moment.
 */
#include "base/auto.h"
#include "proc/common/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_HEADER_BYTES = 12,
	FLOOD = 3000,
};

static struct hf_worker *worker;
static struct hf_err err;
static uint8_t packet[sizeof(struct hf_hello) + MESSAGE_HEADER_BYTES];

/* Without taking it: whoever we become must find it. */
static uint32_t index_in_hello(void)
{
	struct pollfd wait = { .fd = HF_WORKER_CONTROL_FD, .events = POLLIN };
	struct hf_hello hello = { 0 };

	if (poll(&wait, 1, 5000) == 1 &&
	    recv(HF_WORKER_CONTROL_FD, packet, sizeof packet, MSG_PEEK) == sizeof packet)
		memcpy(&hello, packet + MESSAGE_HEADER_BYTES, sizeof hello);
	return hello.index;
}

static void read_mode(char *ret_mode, int size_bytes)
{
	FILE *file = fopen(getenv("HOSTILE_MODE"), "r");

	ret_mode[0] = '\0';
	if (file == NULL || fgets(ret_mode, size_bytes, file) == NULL)
		(void)fprintf(stderr, "hostile: no mode\n");
	if (file != NULL)
		(void)fclose(file);
}

static void say(const char *text)
{
	/* Whether it arrives is not our concern. */
	(void)!send(HF_WORKER_CONTROL_FD, text, strlen(text), MSG_NOSIGNAL);
}

static void tell(enum hf_msg_type type, const void *body, size_t size_bytes)
{
	(void)!hf_msg_send(HF_WORKER_CONTROL_FD, type, body, size_bytes, NULL, 0, &err);
}

static void note(const char *event_class, const char *attrs)
{
	while (hf_worker_note(worker, event_class, NULL, attrs, &err) == HF_E_AGAIN)
		(void)usleep(1000);
}

/* Descriptors without a message, to fill the table of who does not close them. */
static void send_descriptors(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr empty = { .msg_control = control.bytes,
				.msg_controllen = sizeof control.bytes };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&empty);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &null, sizeof null);
	for (int i = 0; i < 20; i++)
		(void)!sendmsg(HF_WORKER_CONTROL_FD, &empty, MSG_NOSIGNAL);
}

static void misbehave(const char *mode)
{
	const struct hf_condemn nobody = { .role = HF_ROLE_INFER, .index = 77 };

	if (strcmp(mode, "garbage") == 0)
		say("this is not a message");
	else if (strcmp(mode, "role") == 0)
		tell(HF_MSG_SAVE, "I am respond", 12);
	else if (strcmp(mode, "short") == 0)
		tell(HF_MSG_NOTE, "short", 5);
	else if (strcmp(mode, "stats") == 0)
		hf_worker_stats(worker, "{\"jobs\":}");
	else if (strcmp(mode, "attrs") == 0)
		note("model_failed", "{\"error\":\"");
	else if (strcmp(mode, "class") == 0)
		note("Model \"failed\"\n", "{}");
	else if (strcmp(mode, "condemn") == 0)
		tell(HF_MSG_CONDEMN, &nobody, sizeof nobody);
	else if (strcmp(mode, "ready") == 0)
		tell(HF_MSG_READY, NULL, 0);
	else if (strcmp(mode, "descriptors") == 0)
		send_descriptors();
	else if (strcmp(mode, "deaf") == 0)
		(void)shutdown(HF_WORKER_CONTROL_FD, SHUT_RDWR);
	else if (strcmp(mode, "busy") == 0)
		hf_pulse_busy(hf_worker_pulse(worker), hf_mono_now(hf_clock_real()), 1LL << 40);
	else if (strcmp(mode, "result") == 0)
		(void)!hf_worker_send(worker, HF_ROLE_RESPOND, 0, HF_MSG_RESULT, "nonsense", 8,
				      &err);
	else if (strcmp(mode, "done") == 0)
		(void)!hf_worker_send(worker, HF_ROLE_INGEST, 0, HF_MSG_DONE, "nonsense", 8, &err);
	else if (strcmp(mode, "flood") == 0)
		for (int i = 0; i < FLOOD; i++)
			note("flood", "{}");
	else
		exit(3);
}

/* Jobs may come before the start. */
static enum hf_code ignore(void *context, struct hf_link *link, struct hf_msg *msg,
			   struct hf_err *unused)
{
	(void)context;
	(void)link;
	(void)msg;
	(void)unused;
	return HF_OK;
}

/* It beats and does no job, whatever it has done. */
int main(int argc, char **argv)
{
	char mode[32];

	(void)argc;
	read_mode(mode, sizeof mode);
	if (index_in_hello() == 0 || strcmp(mode, "good") == 0) {
		(void)execv(getenv("HOSTILE_REAL"), argv);
		return 127;
	}
	const struct hf_worker_ops ops = { .on_message = ignore };
	if (hf_worker_open(HF_ROLE_INFER, &ops, &worker, &err) != HF_OK)
		return 1;
	while (!hf_worker_started(worker))
		if (hf_worker_step(worker, 100, &err) != HF_OK)
			return 0;
	if (strcmp(mode, "exit") == 0)
		return 3;
	if (hf_worker_ready(worker, &err) != HF_OK)
		return 1;
	misbehave(mode);
	for (;;) {
		(void)usleep(100 * 1000);
		if (strcmp(mode, "busy") != 0)
			hf_pulse_beat(hf_worker_pulse(worker), hf_mono_now(hf_clock_real()));
	}
}
