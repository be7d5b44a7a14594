/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the server on a real socket, with a clock that is turned by hand. */
#include "hub/server.h"

#include "hub/test_line.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	ANSWER_BYTES = 4096,
	ANSWER_WAIT_MS = 20000,
};

static struct hf_err err;
static _Atomic int64_t now_us;

static struct hf_mono hand_mono(const struct hf_clock *clock)
{
	(void)clock;
	return (struct hf_mono){ .us = atomic_load(&now_us) };
}

static struct hf_wall hand_wall(const struct hf_clock *clock)
{
	(void)clock;
	return (struct hf_wall){ .ms = 0 };
}

static const struct hf_clock clock_by_hand = { .mono = hand_mono, .wall = hand_wall };

static enum hf_code take_all(struct hf_store *store, const struct hf_intake *batch,
			     struct hf_wall now, struct hf_ingest_result *ret_result,
			     struct hf_err *store_err)
{
	(void)store;
	(void)now;
	(void)store_err;
	ret_result->acked_through = batch->lines[batch->line_count - 1].seq;
	return HF_OK;
}

static const struct hf_store_ops ops = { .ingest = take_all };

struct bench {
	struct hf_store store;
	struct hf_api api;
	struct hf_server *server;
	struct sockaddr_in address;
};

static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof *b);
	socklen_t address_bytes = sizeof b->address;

	CHECK(b != NULL);
	b->store.ops = &ops;
	b->api = (struct hf_api){ .store = &b->store,
				  .thumbs_dir = "/nowhere",
				  .version = "1",
				  .clock = &clock_by_hand,
				  .random = hf_random_real() };
	b->address = (struct sockaddr_in){ .sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(bind(fd, (struct sockaddr *)&b->address, sizeof b->address) == 0);
	CHECK(listen(fd, 16) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&b->address, &address_bytes) == 0);
	CHECK_OK(hf_server_start(fd, &b->api, &b->server, &err));
	return b;
}

static void bench_free(struct bench *b)
{
	hf_server_stop(b->server);
	free(b);
}

static int connect_to(const struct bench *b)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK(connect(fd, (const struct sockaddr *)&b->address, sizeof b->address) == 0);
	return fd;
}

static void say(int fd, const char *text, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t n = send(fd, text, size_bytes, MSG_NOSIGNAL);

		CHECK(n > 0);
		text += n;
		size_bytes -= (size_t)n;
	}
}

static void say_headers(int fd, size_t body_bytes)
{
	char text[512];
	int length = snprintf(text, sizeof text,
			      "POST /v1/events HTTP/1.1\r\nHost: h\r\n"
			      "Content-Type: application/x-ndjson\r\nHoldfast-Device: unit-1\r\n"
			      "Holdfast-Epoch: " TEST_EPOCH "\r\nHoldfast-Nonce: " TEST_NONCE
			      "\r\nContent-Length: %zu\r\n\r\n",
			      body_bytes);

	say(fd, text, (size_t)length);
}

/* The status of the answer; 0: the connection was closed without one. */
static unsigned status_of(int fd)
{
	static const char end[] = "\r\n\r\n";
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char answer[ANSWER_BYTES];
	size_t size_bytes = 0;

	while (memmem(answer, size_bytes, end, sizeof end - 1) == NULL) {
		CHECK(poll(&wait, 1, ANSWER_WAIT_MS) == 1);
		CHECK_U64(size_bytes, <, sizeof answer - 1);
		ssize_t n = recv(fd, answer + size_bytes, sizeof answer - 1 - size_bytes, 0);
		if (n <= 0)
			return 0;
		size_bytes += (size_t)n;
	}
	answer[size_bytes] = '\0';
	return (unsigned)strtoul(answer + strlen("HTTP/1.1 "), NULL, 10);
}

static unsigned post_line(int fd)
{
	char line[HF_LINE_BYTES_MAX];
	size_t length = test_line_make("unit-1", TEST_EPOCH, 7, "gate", line);

	say_headers(fd, length);
	say(fd, line, length);
	return status_of(fd);
}

TEST(a_connection_that_drips_is_closed_and_a_busy_one_is_not)
{
	struct bench *b = bench_new();
	int drips = connect_to(b), works = connect_to(b);

	CHECK_U64(post_line(works), ==, 200);
	say(drips, "POST /v1/events HT", 18);
	atomic_fetch_add(&now_us, INT64_C(1000000) * SERVER_REQUEST_S);
	/* Known to the server before the clock is turned on: both have been answered or read. */
	CHECK_U64(post_line(works), ==, 200);
	hf_server_sweep(b->server);
	CHECK_U64(post_line(works), ==, 200);
	atomic_fetch_add(&now_us, 1000000);
	hf_server_sweep(b->server);
	CHECK_U64(status_of(drips), ==, 0);
	CHECK_U64(post_line(works), ==, 200);
	(void)close(drips);
	(void)close(works);
	bench_free(b);
}

TEST(bodies_beyond_the_bound_are_503_and_the_bound_is_given_back)
{
	enum {
		HOLDERS = SERVER_BODIES_BYTES_MAX / HF_BODY_BYTES_MAX,
	};
	struct bench *b = bench_new();
	char *body = calloc(1, HF_BODY_BYTES_MAX);
	int holders[HOLDERS];

	CHECK(body != NULL);
	for (size_t i = 0; i < HOLDERS; i++) {
		holders[i] = connect_to(b);
		say_headers(holders[i], HF_BODY_BYTES_MAX);
		say(holders[i], body, 1);
	}
	/* Each round is one whole request behind the holders' headers: at the latest when it is
	 * refused, all of them have been seen. */
	unsigned status = 0;
	for (int tries = 0; tries < 200 && status != 503; tries++) {
		int late = connect_to(b);

		say_headers(late, HF_BODY_BYTES_MAX);
		say(late, body, HF_BODY_BYTES_MAX);
		status = status_of(late);
		(void)close(late);
	}
	CHECK_U64(status, ==, 503);
	for (size_t i = 0; i < HOLDERS; i++)
		(void)close(holders[i]);
	for (int tries = 0; tries < 200 && status != 200; tries++) {
		int fresh = connect_to(b);

		status = post_line(fresh);
		(void)close(fresh);
	}
	CHECK_U64(status, ==, 200);
	free(body);
	bench_free(b);
}

TEST(stopping_with_half_a_request_in_hand_ends)
{
	struct bench *b = bench_new();
	int half = connect_to(b);

	say_headers(half, 1000);
	bench_free(b);
	CHECK_U64(status_of(half), ==, 0);
	(void)close(half);
}

TESTS(RUN(a_connection_that_drips_is_closed_and_a_busy_one_is_not),
      RUN(bodies_beyond_the_bound_are_503_and_the_bound_is_given_back),
      RUN(stopping_with_half_a_request_in_hand_ends))
