/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the server is a listening socket in the same thread. The sender never blocks, so one
 * loop serves both ends: step the sender, then answer whatever has arrived whole.
 */
#include "uplink/sender.h"

#include "base/auto.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "test.h"

enum {
	REQUEST_BYTES = 16384,
	STEPS_MAX = 4000,
};

struct server {
	int listener;
	int connection;
	unsigned port;
	unsigned accepted;
	unsigned requests;
	const char *answer; /* NULL: stay silent */
	size_t answer_bytes;
	bool close_after;
	size_t size;
	char request[REQUEST_BYTES];
	char last[REQUEST_BYTES];
};

/* Stands in front of the C library's: a name server that does not answer until released. */
static pthread_mutex_t resolver_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t resolver_change = PTHREAD_COND_INITIALIZER;
static unsigned resolvers_inside;
static bool resolvers_released;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_list)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)ret_list;
	(void)pthread_mutex_lock(&resolver_lock);
	resolvers_inside++;
	(void)pthread_cond_broadcast(&resolver_change);
	while (!resolvers_released)
		(void)pthread_cond_wait(&resolver_change, &resolver_lock);
	resolvers_inside--;
	(void)pthread_cond_broadcast(&resolver_change);
	(void)pthread_mutex_unlock(&resolver_lock);
	return EAI_AGAIN;
}

static struct server server_open(const char *answer)
{
	struct server server = { .connection = -1,
				 .answer = answer,
				 .answer_bytes = answer != NULL ? strlen(answer) : 0 };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(server.listener >= 0);
	CHECK(bind(server.listener, (struct sockaddr *)&address, length) == 0);
	CHECK(listen(server.listener, 4) == 0);
	CHECK(getsockname(server.listener, (struct sockaddr *)&address, &length) == 0);
	server.port = ntohs(address.sin_port);
	return server;
}

static void server_close(struct server *server)
{
	if (server->connection >= 0)
		(void)close(server->connection);
	if (server->listener >= 0)
		(void)close(server->listener);
}

static bool is_whole(const struct server *server)
{
	const char *end = strstr(server->request, "\r\n\r\n");
	const char *length = strcasestr(server->request, "content-length:");

	if (end == NULL)
		return false;
	size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
	return server->size >= (size_t)(end + 4 - server->request) + body;
}

static void server_turn(struct server *server)
{
	struct hf_err err;
	int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (server->connection >= 0)
			(void)close(server->connection);
		server->connection = fd;
		server->accepted++;
		server->size = 0;
	}
	if (server->connection < 0)
		return;
	ssize_t n = recv(server->connection, server->request + server->size,
			 sizeof server->request - 1 - server->size, 0);
	if (n <= 0)
		return;
	server->size += (size_t)n;
	server->request[server->size] = '\0';
	if (!is_whole(server))
		return;
	server->requests++;
	memcpy(server->last, server->request, sizeof server->last);
	server->size = 0;
	if (server->answer == NULL)
		return;
	/* A client that has seen enough may have hung up: its right. */
	(void)!hf_write_all(server->connection, server->answer, server->answer_bytes, &err);
	if (server->close_after) {
		(void)close(server->connection);
		server->connection = -1;
	}
}

static struct hf_sender *sender_open(const struct server *server, const char *token_file,
				     int64_t total_ms)
{
	struct hf_sender *sender;
	struct hf_err err;
	char url[64];

	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/hub/", server->port);
	struct hf_sender_options options = { .url = url,
					     .ca_file = "",
					     .token_file = token_file,
					     .connect_ms = 5000,
					     .total_ms = total_ms };
	CHECK_OK(hf_sender_open(&options, &sender, &err));
	return sender;
}

static const struct hf_request two_lines = {
	.method = HF_METHOD_POST,
	.path = "/v1/events",
	.body = "{\"a\":1}\n{\"b\":2}\n",
	.body_bytes = 16,
	.headers = { "Content-Type: application/x-ndjson", "Holdfast-Device: unit-7",
		     "Holdfast-Epoch: e1" },
};

static const struct hf_response *exchange(struct hf_sender *sender, struct server *server,
					  const struct hf_request *request)
{
	struct hf_err err;

	CHECK_OK(hf_sender_start(sender, request, &err));
	for (int i = 0; i < STEPS_MAX; i++) {
		struct pollfd fds[2] = { { .fd = server->listener, .events = POLLIN },
					 { .fd = server->connection, .events = POLLIN } };
		size_t count = server->connection >= 0 ? 2 : 1;

		if (hf_sender_step(sender, fds, count, 20)) {
			CHECK(!hf_sender_busy(sender));
			return hf_sender_response(sender);
		}
		server_turn(server);
	}
	fail_msg("the request never ended");
	return NULL;
}

#define HTTP(status, type, body_bytes, body)                                           \
	"HTTP/1.1 " status "\r\nContent-Type: " type "\r\nContent-Length: " body_bytes \
	"\r\n\r\n" body

TEST(a_request_arrives_as_it_was_given)
{
	struct server server = server_open(HTTP("200 OK", "application/json", "2", "{}"));
	struct hf_sender *sender = sender_open(&server, "", 5000);
	const struct hf_response *response = exchange(sender, &server, &two_lines);

	CHECK(response->failure == NULL);
	CHECK_I64(response->status, ==, 200);
	CHECK_TEXT(response->content_type, "application/json");
	CHECK_U64(response->body_bytes, ==, 2);
	CHECK(strncmp(server.last, "POST /hub/v1/events HTTP/1.1\r\n", 30) == 0);
	CHECK(strstr(server.last, "\r\nHoldfast-Device: unit-7\r\n") != NULL);
	CHECK(strstr(server.last, "\r\nHoldfast-Epoch: e1\r\n") != NULL);
	CHECK(strstr(server.last, "\r\nContent-Type: application/x-ndjson\r\n") != NULL);
	CHECK(strstr(server.last, "Authorization") == NULL);
	CHECK(strstr(server.last, "\r\n\r\n{\"a\":1}\n{\"b\":2}\n") != NULL);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(the_connection_is_used_again)
{
	struct server server = server_open(HTTP("200 OK", "application/json", "2", "{}"));
	struct hf_sender *sender = sender_open(&server, "", 5000);

	for (int i = 0; i < 5; i++)
		CHECK(exchange(sender, &server, &two_lines)->failure == NULL);
	CHECK_U64(server.requests, ==, 5);
	CHECK_U64(server.accepted, ==, 1);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(a_redirect_is_an_answer_not_a_way)
{
	struct server server =
		server_open("HTTP/1.1 302 Found\r\nLocation: /portal\r\nContent-Length: 0\r\n\r\n");
	struct hf_sender *sender = sender_open(&server, "", 5000);
	const struct hf_response *response = exchange(sender, &server, &two_lines);

	CHECK_I64(response->status, ==, 302);
	CHECK_U64(server.requests, ==, 1);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(a_large_body_ends_the_request)
{
	enum {
		HUGE_BYTES = 200000
	};
	HF_AUTO_FREE char *huge = malloc(HUGE_BYTES);
	struct server server = server_open(NULL);
	struct hf_sender *sender = sender_open(&server, "", 5000);

	CHECK(huge != NULL);
	int head = snprintf(huge, HUGE_BYTES,
			    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
	memset(huge + head, ' ', HUGE_BYTES - (size_t)head);
	server.answer = huge;
	server.answer_bytes = HUGE_BYTES;
	server.close_after = true;
	const struct hf_response *response = exchange(sender, &server, &two_lines);
	CHECK(response->body_cut);
	CHECK_U64(response->body_bytes, <=, HF_RESPONSE_BODY_BYTES_MAX);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(half_a_response_is_a_failure)
{
	struct server server = server_open(HTTP("200 OK", "application/json", "50", "{}"));
	struct hf_sender *sender = sender_open(&server, "", 5000);

	server.close_after = true;
	CHECK(exchange(sender, &server, &two_lines)->failure != NULL);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(nobody_listening_is_a_failure_with_a_text)
{
	struct server server = server_open(NULL);
	struct hf_sender *sender = sender_open(&server, "", 5000);

	(void)close(server.listener);
	server.listener = -1;
	struct hf_err err;
	CHECK_OK(hf_sender_start(sender, &two_lines, &err));
	int steps = 0;
	while (!hf_sender_step(sender, NULL, 0, 20) && steps++ < STEPS_MAX)
		;
	CHECK(hf_sender_response(sender)->failure != NULL);
	CHECK(hf_sender_response(sender)->failure[0] != '\0');
	hf_sender_close(sender);
	server_close(&server);
}

TEST(a_silent_peer_is_given_up)
{
	struct server server = server_open(NULL);
	struct hf_sender *sender = sender_open(&server, "", 100);

	CHECK(exchange(sender, &server, &two_lines)->failure != NULL);
	CHECK_U64(server.requests, ==, 1);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(a_request_in_hand_can_be_given_up)
{
	struct server server = server_open(NULL);
	struct hf_sender *sender = sender_open(&server, "", 5000);
	struct hf_err err;

	CHECK_OK(hf_sender_start(sender, &two_lines, &err));
	CHECK(hf_sender_busy(sender));
	hf_sender_close(sender);
	server_close(&server);
}

TEST(a_name_server_that_hangs_does_not_hang_the_sender)
{
	struct hf_sender *sender;
	struct hf_err err;
	struct hf_sender_options options = { .url = "https://hub.example.org",
					     .ca_file = "",
					     .token_file = "",
					     .connect_ms = 100,
					     .total_ms = 200 };

	CHECK_OK(hf_sender_open(&options, &sender, &err));
	CHECK_OK(hf_sender_start(sender, &two_lines, &err));
	/* Without an end if the sender waits for the look-up: nobody has released it yet. */
	while (!hf_sender_step(sender, NULL, 0, 20))
		;
	CHECK(hf_sender_response(sender)->failure != NULL);
	hf_sender_close(sender);

	(void)pthread_mutex_lock(&resolver_lock);
	CHECK_U64(resolvers_inside, ==, 1);
	resolvers_released = true;
	(void)pthread_cond_broadcast(&resolver_change);
	while (resolvers_inside > 0)
		(void)pthread_cond_wait(&resolver_change, &resolver_lock);
	(void)pthread_mutex_unlock(&resolver_lock);
}

TEST(a_retry_after_is_read)
{
	struct server server =
		server_open("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
	struct hf_sender *sender = sender_open(&server, "", 5000);

	CHECK_I64(exchange(sender, &server, &two_lines)->retry_after_ms, ==, 7000);
	server.answer = "HTTP/1.1 503 Busy\r\nRetry-After: -7\r\nContent-Length: 0\r\n\r\n";
	server.answer_bytes = strlen(server.answer);
	CHECK_I64(exchange(sender, &server, &two_lines)->retry_after_ms, ==, 0);
	server.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
	server.answer_bytes = strlen(server.answer);
	CHECK_I64(exchange(sender, &server, &two_lines)->retry_after_ms, ==, 0);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(head_and_put_are_sent_as_such)
{
	struct server server = server_open("HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n");
	struct hf_sender *sender = sender_open(&server, "", 5000);
	struct hf_request request = { .method = HF_METHOD_HEAD, .path = "/v1/thumbs/00" };

	CHECK_I64(exchange(sender, &server, &request)->status, ==, 404);
	CHECK(strncmp(server.last, "HEAD /hub/v1/thumbs/00 HTTP/1.1\r\n", 33) == 0);
	server.answer = "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n";
	server.answer_bytes = strlen(server.answer);
	request.method = HF_METHOD_PUT;
	request.body = "JPEG";
	request.body_bytes = 4;
	CHECK_I64(exchange(sender, &server, &request)->status, ==, 201);
	CHECK(strncmp(server.last, "PUT /hub/v1/thumbs/00 HTTP/1.1\r\n", 32) == 0);
	CHECK(strstr(server.last, "\r\n\r\nJPEG") != NULL);
	CHECK_U64(server.accepted, ==, 1);
	hf_sender_close(sender);
	server_close(&server);
}

TEST(a_token_is_read_anew_for_each_request)
{
	struct server server = server_open(HTTP("200 OK", "application/json", "2", "{}"));
	char path[] = "/tmp/hf_token_XXXXXX";
	struct hf_err err;
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_OK(hf_write_all(fd, "first\n", 6, &err));
	struct hf_sender *sender = sender_open(&server, path, 5000);
	(void)exchange(sender, &server, &two_lines);
	CHECK(strstr(server.last, "\r\nAuthorization: Bearer first\r\n") != NULL);
	CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	CHECK_OK(hf_write_all(fd, "second \r\n", 9, &err));
	(void)exchange(sender, &server, &two_lines);
	CHECK(strstr(server.last, "\r\nAuthorization: Bearer second\r\n") != NULL);
	hf_sender_close(sender);
	server_close(&server);
	(void)close(fd);
	CHECK(unlink(path) == 0);
}

TEST(a_token_that_cannot_be_used_is_refused_before_anything_is_sent)
{
	static const char *const bad[] = { "", " \n", "two words", "a\nHost: evil", "a\tb" };
	struct server server = server_open(NULL);
	char path[] = "/tmp/hf_token_XXXXXX";
	struct hf_err err;
	int fd = mkstemp(path);
	struct hf_sender *sender = sender_open(&server, path, 5000);

	CHECK(fd >= 0);
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		CHECK_OK(hf_write_all(fd, bad[i], strlen(bad[i]), &err));
		CHECK_CODE(hf_sender_start(sender, &two_lines, &err), HF_E_INVALID);
		CHECK(!hf_sender_busy(sender));
	}
	CHECK_OK(hf_write_all(fd, "good", 4, &err));
	CHECK(fchmod(fd, 0644) == 0);
	CHECK_CODE(hf_sender_start(sender, &two_lines, &err), HF_E_DENIED);
	CHECK(strstr(err.text, "chmod 600") != NULL);
	CHECK(unlink(path) == 0);
	CHECK_CODE(hf_sender_start(sender, &two_lines, &err), HF_E_NOENT);
	CHECK_U64(server.accepted, ==, 0);
	hf_sender_close(sender);
	server_close(&server);
	(void)close(fd);
}

TEST(plain_http_beyond_this_machine_is_refused)
{
	static const struct {
		const char *url;
		enum hf_code code;
		enum hf_code code_insecure;
	} cases[] = {
		{ "https://hub.example.org", HF_OK, HF_OK },
		{ "https://hub.example.org:8443/prefix/", HF_OK, HF_OK },
		{ "http://127.0.0.1:8080", HF_OK, HF_OK },
		{ "http://127.9.9.9", HF_OK, HF_OK },
		{ "http://localhost:8080", HF_OK, HF_OK },
		{ "http://LOCALHOST", HF_OK, HF_OK },
		{ "http://[::1]:8080", HF_OK, HF_OK },
		{ "http://hub.example.org", HF_E_DENIED, HF_OK },
		{ "http://10.0.0.1", HF_E_DENIED, HF_OK },
		{ "http://[::2]", HF_E_DENIED, HF_OK },
		{ "http://127.0.0.1.evil.org", HF_E_DENIED, HF_OK },
		{ "http://localhost.evil.org", HF_E_DENIED, HF_OK },
		{ "http://127.0.0.1@evil.org", HF_E_INVALID, HF_E_INVALID },
		{ "https://user:pass@hub.example.org", HF_E_INVALID, HF_E_INVALID },
		{ "https://hub.example.org/?a=b", HF_E_INVALID, HF_E_INVALID },
		{ "https://hub.example.org/#x", HF_E_INVALID, HF_E_INVALID },
		{ "ftp://hub.example.org", HF_E_INVALID, HF_E_INVALID },
		{ "file:///etc/passwd", HF_E_INVALID, HF_E_INVALID },
		{ "hub.example.org", HF_E_INVALID, HF_E_INVALID },
		{ "https://", HF_E_INVALID, HF_E_INVALID },
		{ "", HF_E_INVALID, HF_E_INVALID },
	};
	struct hf_err err;

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		enum hf_code code = hf_sender_check_url(cases[i].url, false, &err);
		enum hf_code insecure = hf_sender_check_url(cases[i].url, true, &err);

		if (code != cases[i].code || insecure != cases[i].code_insecure)
			fail_msg("%s: %s, %s", cases[i].url, hf_code_name(code),
				 hf_code_name(insecure));
	}
}

TESTS(RUN(a_request_arrives_as_it_was_given), RUN(the_connection_is_used_again),
      RUN(a_redirect_is_an_answer_not_a_way), RUN(a_large_body_ends_the_request),
      RUN(half_a_response_is_a_failure), RUN(nobody_listening_is_a_failure_with_a_text),
      RUN(a_silent_peer_is_given_up), RUN(a_request_in_hand_can_be_given_up),
      RUN(a_name_server_that_hangs_does_not_hang_the_sender), RUN(a_retry_after_is_read),
      RUN(head_and_put_are_sent_as_such), RUN(a_token_is_read_anew_for_each_request),
      RUN(a_token_that_cannot_be_used_is_refused_before_anything_is_sent),
      RUN(plain_http_beyond_this_machine_is_refused))
