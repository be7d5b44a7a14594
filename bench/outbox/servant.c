/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servant - the least that can stand behind keeper's kind of socket: receive what is there, store
 * it all with one flush, answer each. Messages have the sizes of keeper's. It stores like cal, or
 * in SQLite.
 */
#include "bench.h"

#include "wire/msg.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
	FILE_BYTES = 16 * 1024 * 1024,
};

struct servant {
	pid_t pid;
	int ours[BENCH_PRODUCERS_MAX];
	int theirs[BENCH_PRODUCERS_MAX];
	uint64_t n;
	struct hf_offer offer;
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	/* Of the process behind the socket: */
	int file;
	off_t at;
	struct bench_db *db;
};

static void store(struct servant *servant, unsigned count)
{
	static char lines[BENCH_PRODUCERS_MAX * BENCH_LINE_BYTES];
	size_t size = count * BENCH_LINE_BYTES;

	if (servant->db != NULL) {
		bench_db_add(servant->db, bench_line(), count);
		return;
	}
	if (lines[0] == '\0')
		memset(lines, 'c', sizeof lines);
	if (servant->at + (off_t)size > FILE_BYTES)
		servant->at = 0;
	if (pwrite(servant->file, lines, size, servant->at) != (ssize_t)size ||
	    fdatasync(servant->file) != 0)
		bench_die("write and flush");
	servant->at += (off_t)size;
}

static void answer(struct servant *servant, unsigned client)
{
	struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };
	struct hf_err err;

	if (hf_msg_send(servant->theirs[client], HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err) !=
	    HF_OK)
		bench_die(err.text);
}

/* Until it is killed. */
static void __attribute__((noreturn)) serve(struct servant *servant)
{
	struct pollfd fds[BENCH_PRODUCERS_MAX];

	for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++)
		fds[i] = (struct pollfd){ .fd = servant->theirs[i], .events = POLLIN };
	for (;;) {
		unsigned waiting[BENCH_PRODUCERS_MAX], count = 0;
		struct hf_msg msg;
		struct hf_err err;

		if (poll(fds, BENCH_PRODUCERS_MAX, -1) < 0)
			bench_die("poll");
		for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++) {
			if (fds[i].revents == 0)
				continue;
			enum hf_code code = hf_msg_receive(fds[i].fd, servant->buffer, &msg, &err);
			if (code != HF_OK)
				bench_die(err.text);
			waiting[count++] = i;
		}
		store(servant, count);
		for (unsigned i = 0; i < count; i++)
			answer(servant, waiting[i]);
	}
}

static void *servant_open(const char *folder, bool sqlite)
{
	struct servant *servant = calloc(1, sizeof *servant);
	struct hf_err err;

	if (servant == NULL)
		bench_die("out of memory");
	for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++) {
		int pair[2];

		if (hf_msg_pair(pair, &err) != HF_OK)
			bench_die(err.text);
		servant->ours[i] = pair[0];
		servant->theirs[i] = pair[1];
	}
	bench_offer('r', 1, 1, &servant->offer);
	servant->pid = fork();
	if (servant->pid < 0)
		bench_die("fork");
	if (servant->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++)
			(void)close(servant->ours[i]);
		if (sqlite)
			servant->db = bench_db_open(folder);
		else
			servant->file = bench_written_file(folder, "bare", FILE_BYTES);
		serve(servant);
	}
	for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++)
		(void)close(servant->theirs[i]);
	return servant;
}

static void *echo_open(const char *folder, const char *argument)
{
	(void)argument;
	return servant_open(folder, false);
}

static void *sqlite_open(const char *folder, const char *argument)
{
	(void)argument;
	return servant_open(folder, true);
}

static int servant_fd(void *state, unsigned client)
{
	const struct servant *servant = state;

	return servant->ours[client];
}

static void servant_send(void *state, unsigned client)
{
	struct servant *servant = state;
	uint8_t packed[sizeof servant->offer];
	struct hf_err err;

	bench_offer('r', client + 1, ++servant->n, &servant->offer);
	if (hf_msg_send(servant->ours[client], HF_MSG_OFFER, packed,
			hf_offer_pack(&servant->offer, packed), NULL, 0, &err) != HF_OK)
		bench_die(err.text);
}

static bool servant_take(void *state, unsigned client)
{
	struct servant *servant = state;
	struct hf_msg msg;
	struct hf_ack ack;
	struct hf_err err;
	enum hf_code code = hf_msg_receive(servant->ours[client], servant->buffer, &msg, &err);

	if (code == HF_E_AGAIN)
		return false;
	if (code != HF_OK)
		bench_die(err.text);
	hf_msg_get(&msg, &ack, sizeof ack);
	if (hf_msg_end(&msg, &err) != HF_OK)
		bench_die(err.text);
	return true;
}

static void servant_lap(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap)
{
	const struct bench_wire wire = {
		.state = state, .fd = servant_fd, .send = servant_send, .take = servant_take
	};

	bench_wire_lap(&wire, waiting, for_us, lap);
}

static void servant_close(void *state)
{
	struct servant *servant = state;

	for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++)
		(void)close(servant->ours[i]);
	/* The servants of other subjects hold copies of these links: it would not see their end. */
	(void)kill(servant->pid, SIGKILL);
	(void)waitpid(servant->pid, NULL, 0);
	free(servant);
}

const struct bench_subject bench_echo = { "echo", echo_open, servant_lap, servant_close, true };
const struct bench_subject bench_sqlite_socket = { "sqlite_socket", sqlite_open, servant_lap,
						   servant_close, true };
