/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers - other people's logs, each in its own protocol: what people would pick instead.
 *
 * Method: sockets, no client libraries: what a library costs is not what is compared. Each client
 * has one event on its way. An event counts when the server says that it has it; what that is
 * worth differs (see run.mjs), and is not measured here.
 *
 * postgresql  one INSERT a transaction, a prepared statement
 * redis       RPUSH
 * mosquitto   PUBLISH with QoS 1 to PUBACK, for a durable subscriber that is offline
 * nats        PUB to a JetStream stream, to its acknowledgement
 * rsyslog     RELP, to its response
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	BUFFER_BYTES = 16 * 1024,
};

struct peer_client {
	int fd;
	uint64_t n;
	size_t got;
	char buffer[BUFFER_BYTES];
};

struct peer;

struct peer_kind {
	void (*greet)(struct peer *peer, unsigned client);
	/* An event as it is sent; returns its size. */
	size_t (*event)(struct peer *peer, unsigned client, char *ret_data);
	/* Bytes of the first whole answer in the buffer; 0: there is none yet. ret_done: it
	 * answers an event. */
	size_t (*answer)(struct peer *peer, unsigned client, bool *ret_done);
};

struct peer {
	const struct peer_kind *kind;
	const char *address; /* a port of 127.0.0.1, or the path of a socket */
	struct peer_client clients[BENCH_PRODUCERS_MAX];
};

static void refused(const struct peer_client *client)
{
	(void)fprintf(stderr, "outbox-bench: answer: %.*s\n", (int)client->got, client->buffer);
	bench_die("the server did not take an event");
}

static int dial(const char *address)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in net = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons((uint16_t)atoi(address)) };
	int one = 1;
	bool is_local = address[0] == '/';
	int fd = socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		bench_die("socket");
	if (is_local) {
		(void)snprintf(local.sun_path, sizeof local.sun_path, "%s", address);
		result = connect(fd, (struct sockaddr *)&local, sizeof local);
	} else {
		result = connect(fd, (struct sockaddr *)&net, sizeof net);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	if (result != 0)
		bench_die(address);
	return fd;
}

static void say(const struct peer_client *client, const void *data, size_t size_bytes)
{
	const char *at = data;

	while (size_bytes > 0) {
		ssize_t n = send(client->fd, at, size_bytes, MSG_NOSIGNAL);

		if (n <= 0)
			bench_die("send");
		at += n;
		size_bytes -= (size_t)n;
	}
}

static void say_text(const struct peer_client *client, const char *text)
{
	say(client, text, strlen(text));
}

/* More bytes into the buffer; blocks when there are none. */
static void hear(struct peer_client *client)
{
	ssize_t n = recv(client->fd, client->buffer + client->got, BUFFER_BYTES - client->got, 0);

	if (n <= 0)
		bench_die("the server closed the connection");
	client->got += (size_t)n;
}

static void forget(struct peer_client *client, size_t size_bytes)
{
	client->got -= size_bytes;
	memmove(client->buffer, client->buffer + size_bytes, client->got);
}

/* What was heard so far, up to text. */
static void hear_until(struct peer_client *client, const char *text)
{
	const char *found;

	while ((found = memmem(client->buffer, client->got, text, strlen(text))) == NULL)
		hear(client);
	forget(client, (size_t)(found - client->buffer) + strlen(text));
}

static size_t line_end(const struct peer_client *client, size_t from)
{
	const char *end = memchr(client->buffer + from, '\n', client->got - from);

	return end == NULL ? 0 : (size_t)(end + 1 - client->buffer);
}

static size_t put_u16(char *data, unsigned value)
{
	data[0] = (char)(value >> 8);
	data[1] = (char)value;
	return 2;
}

static size_t put_u32(char *data, uint32_t value)
{
	value = htonl(value);
	memcpy(data, &value, sizeof value);
	return sizeof value;
}

/* --- PostgreSQL, protocol 3 --- */

static size_t pg_answer(struct peer *peer, unsigned index, bool *ret_done)
{
	struct peer_client *client = &peer->clients[index];
	uint32_t size;

	if (client->got < 5)
		return 0;
	memcpy(&size, client->buffer + 1, sizeof size);
	size = ntohl(size) + 1;
	if (client->got < size)
		return 0;
	if (client->buffer[0] == 'E')
		refused(client);
	*ret_done = client->buffer[0] == 'Z';
	return size;
}

static void pg_wait(struct peer *peer, unsigned index)
{
	bool done = false;

	while (!done) {
		size_t size = pg_answer(peer, index, &done);

		if (size == 0)
			hear(&peer->clients[index]);
		forget(&peer->clients[index], size);
	}
}

static void pg_message(const struct peer_client *client, char type, const char *body, size_t size)
{
	char head[5] = { type };

	(void)put_u32(head + 1, (uint32_t)size + 4);
	say(client, head, sizeof head);
	say(client, body, size);
}

static void pg_greet(struct peer *peer, unsigned index)
{
	static const char hello[] = "user\0postgres\0database\0postgres\0";
	static const char table[] = "CREATE TABLE IF NOT EXISTS events"
				    "(seq BIGSERIAL PRIMARY KEY, line TEXT NOT NULL)";
	static const char statement[] = "i\0INSERT INTO events(line) VALUES($1)\0\0";
	const struct peer_client *client = &peer->clients[index];
	char head[8];

	(void)put_u32(head, sizeof head + sizeof hello);
	(void)put_u32(head + 4, 196608);
	say(client, head, sizeof head);
	say(client, hello, sizeof hello);
	pg_wait(peer, index);
	if (index == 0) {
		pg_message(client, 'Q', table, sizeof table);
		pg_wait(peer, index);
	}
	pg_message(client, 'P', statement, sizeof statement);
	pg_message(client, 'S', "", 0);
	pg_wait(peer, index);
}

static size_t pg_event(struct peer *peer, unsigned index, char *data)
{
	/* Bind the statement "i" to the unnamed portal, execute it, sync. */
	static const char rest[] = { 'E', 0, 0, 0, 9, 0, 0, 0, 0, 0, 'S', 0, 0, 0, 4 };
	char *at = data + 5;

	(void)peer;
	(void)index;
	memcpy(at, "\0i\0", 3);
	at += 3;
	at += put_u16(at, 0);
	at += put_u16(at, 1);
	at += put_u32(at, BENCH_LINE_BYTES);
	memcpy(at, bench_line(), BENCH_LINE_BYTES);
	at += BENCH_LINE_BYTES;
	at += put_u16(at, 0);
	data[0] = 'B';
	(void)put_u32(data + 1, (uint32_t)(at - data - 1));
	memcpy(at, rest, sizeof rest);
	return (size_t)(at - data) + sizeof rest;
}

/* --- Redis --- */

static void redis_greet(struct peer *peer, unsigned index)
{
	say_text(&peer->clients[index], "*1\r\n$4\r\nPING\r\n");
	hear_until(&peer->clients[index], "+PONG\r\n");
}

static size_t redis_event(struct peer *peer, unsigned index, char *data)
{
	(void)peer;
	(void)index;
	return (size_t)sprintf(data, "*3\r\n$5\r\nRPUSH\r\n$6\r\nevents\r\n$%d\r\n%s\r\n",
			       BENCH_LINE_BYTES, bench_line());
}

static size_t redis_answer(struct peer *peer, unsigned index, bool *ret_done)
{
	struct peer_client *client = &peer->clients[index];
	size_t end = line_end(client, 0);

	if (end > 0 && client->buffer[0] != ':')
		refused(client);
	*ret_done = end > 0;
	return end;
}

/* --- MQTT 3.1.1 --- */

static void mqtt_connect(struct peer_client *client, const char *id, bool clean)
{
	char packet[64] = { 0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, clean ? 2 : 0, 0, 0 };
	size_t size = 12;

	size += put_u16(packet + size, (unsigned)strlen(id));
	memcpy(packet + size, id, strlen(id));
	size += strlen(id);
	packet[1] = (char)(size - 2);
	say(client, packet, size);
	while (client->got < 4)
		hear(client);
	if (client->buffer[0] != 0x20 || client->buffer[3] != 0)
		refused(client);
	forget(client, 4);
}

/* Somebody for whom the broker must keep every event. */
static void mqtt_subscribe(const char *address)
{
	static const char subscribe[] = { (char)0x82, 11,  0,   1,   0,   6, 'e',
					  'v',        'e', 'n', 't', 's', 1 };
	struct peer_client client = { .fd = dial(address) };

	mqtt_connect(&client, "absent", false);
	say(&client, subscribe, sizeof subscribe);
	while (client.got < 5)
		hear(&client);
	if ((uint8_t)client.buffer[0] != 0x90 || client.buffer[4] != 1)
		refused(&client);
	say(&client, "\xe0\0", 2);
	(void)close(client.fd);
}

static void mqtt_greet(struct peer *peer, unsigned index)
{
	char id[16];

	if (index == 0)
		mqtt_subscribe(peer->address);
	(void)snprintf(id, sizeof id, "client-%u", index);
	mqtt_connect(&peer->clients[index], id, true);
}

static size_t mqtt_event(struct peer *peer, unsigned index, char *data)
{
	size_t size = 10 + BENCH_LINE_BYTES, at = 0;

	data[at++] = 0x32;
	data[at++] = (char)(0x80 | (size & 0x7f));
	data[at++] = (char)(size >> 7);
	at += put_u16(data + at, 6);
	memcpy(data + at, "events", 6);
	at += 6;
	at += put_u16(data + at, (unsigned)(peer->clients[index].n % 65535 + 1));
	memcpy(data + at, bench_line(), BENCH_LINE_BYTES);
	return at + BENCH_LINE_BYTES;
}

static size_t mqtt_answer(struct peer *peer, unsigned index, bool *ret_done)
{
	struct peer_client *client = &peer->clients[index];

	*ret_done = client->got >= 4;
	if (*ret_done && client->buffer[0] != 0x40)
		refused(client);
	return *ret_done ? 4 : 0;
}

/* --- NATS --- */

static void nats_greet(struct peer *peer, unsigned index)
{
	static const char stream[] = "{\"name\":\"EVENTS\",\"subjects\":[\"events\"],"
				     "\"retention\":\"limits\",\"storage\":\"file\","
				     "\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,"
				     "\"discard\":\"old\",\"num_replicas\":1}";
	struct peer_client *client = &peer->clients[index];
	char text[1024];

	hear_until(client, "\r\n");
	(void)snprintf(text, sizeof text,
		       "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB inbox.%u 1\r\n",
		       index);
	say_text(client, text);
	if (index == 0) {
		(void)snprintf(text, sizeof text,
			       "PUB $JS.API.STREAM.CREATE.EVENTS inbox.0 %zu\r\n%s\r\n",
			       sizeof stream - 1, stream);
		say_text(client, text);
		hear_until(client, "\"did_create\":true");
		hear_until(client, "\r\n");
	}
	say_text(client, "PING\r\n");
	hear_until(client, "PONG\r\n");
}

static size_t nats_event(struct peer *peer, unsigned index, char *data)
{
	(void)peer;
	return (size_t)sprintf(data, "PUB events inbox.%u %d\r\n%s\r\n", index, BENCH_LINE_BYTES,
			       bench_line());
}

static size_t nats_answer(struct peer *peer, unsigned index, bool *ret_done)
{
	struct peer_client *client = &peer->clients[index];
	size_t end = line_end(client, 0);

	if (end == 0)
		return 0;
	if (strncmp(client->buffer, "PING", 4) == 0) {
		say_text(client, "PONG\r\n");
		return end;
	}
	end = line_end(client, end);
	if (end == 0)
		return 0;
	if (strncmp(client->buffer, "MSG ", 4) != 0 ||
	    memmem(client->buffer, end, "\"seq\":", 6) == NULL)
		refused(client);
	*ret_done = true;
	return end;
}

/* --- RELP --- */

static void relp_greet(struct peer *peer, unsigned index)
{
	static const char offer[] = "relp_version=0\nrelp_software=bench\ncommands=syslog";
	struct peer_client *client = &peer->clients[index];
	char text[256];

	(void)snprintf(text, sizeof text, "1 open %zu %s\n", sizeof offer - 1, offer);
	say_text(client, text);
	hear_until(client, "commands=syslog");
	hear_until(client, "\n");
	client->n = 1;
}

static size_t relp_event(struct peer *peer, unsigned index, char *data)
{
	static const char head[] = "<134>Nov 26 21:00:00 bench events: ";

	return (size_t)sprintf(data, "%llu syslog %d %s%.*s\n",
			       (unsigned long long)peer->clients[index].n + 1, BENCH_LINE_BYTES,
			       head, (int)(BENCH_LINE_BYTES - sizeof head + 1), bench_line());
}

static size_t relp_answer(struct peer *peer, unsigned index, bool *ret_done)
{
	struct peer_client *client = &peer->clients[index];
	size_t end = line_end(client, 0);

	if (end > 0 && memmem(client->buffer, end, " rsp 6 200 OK", 13) == NULL)
		refused(client);
	*ret_done = end > 0;
	return end;
}

/* --- the subjects --- */

static void *peer_open(const struct peer_kind *kind, const char *address)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (peer == NULL)
		bench_die("out of memory");
	peer->kind = kind;
	peer->address = address;
	for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++) {
		peer->clients[i].fd = dial(address);
		kind->greet(peer, i);
	}
	return peer;
}

static int peer_fd(void *state, unsigned client)
{
	const struct peer *peer = state;

	return peer->clients[client].fd;
}

static void peer_send(void *state, unsigned client)
{
	struct peer *peer = state;
	char data[2 * BENCH_LINE_BYTES];

	say(&peer->clients[client], data, peer->kind->event(peer, client, data));
	peer->clients[client].n++;
}

static bool peer_take(void *state, unsigned client)
{
	struct peer *peer = state;
	bool done = false;
	size_t size;

	hear(&peer->clients[client]);
	while (!done && (size = peer->kind->answer(peer, client, &done)) > 0)
		forget(&peer->clients[client], size);
	return done;
}

static void peer_lap(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap)
{
	const struct bench_wire wire = {
		.state = state, .fd = peer_fd, .send = peer_send, .take = peer_take
	};

	bench_wire_lap(&wire, waiting, for_us, lap);
}

static void peer_close(void *state)
{
	struct peer *peer = state;

	for (unsigned i = 0; i < BENCH_PRODUCERS_MAX; i++)
		(void)close(peer->clients[i].fd);
	free(peer);
}

#define PEER(subject, prefix)                                                              \
	static void *subject##_open(const char *folder, const char *argument)              \
	{                                                                                  \
		static const struct peer_kind kind = { prefix##_greet, prefix##_event,     \
						       prefix##_answer };                  \
                                                                                           \
		(void)folder;                                                              \
		return peer_open(&kind, argument);                                         \
	}                                                                                  \
	const struct bench_subject bench_##subject = { #subject, subject##_open, peer_lap, \
						       peer_close, true }

PEER(postgresql, pg);
PEER(redis, redis);
PEER(mosquitto, mqtt);
PEER(nats, nats);
PEER(rsyslog, relp);
