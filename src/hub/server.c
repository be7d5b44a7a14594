/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: libmicrohttpd calls on_request() when the headers are there, again for each piece of
 * the body, and once more at its end. The first call decides whether the body is wanted. A
 * refused body that is not too long is read and dropped before the refusal is sent: closing on
 * unread bytes makes the kernel reset the connection, and the sender would see a broken link
 * where it was told 401 or 413.
 */
#include "hub/server.h"

#include "base/assert.h"
#include "base/log.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	DROP_BYTES_MAX = 2 << 20,
	BODY_BYTES_FIRST = 16 << 10,
	CONNECTION_MEMORY_BYTES = 64 << 10,
};

static const char content_security_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct connection {
	bool used;
	int fd;
	struct hf_mono since; /* opened, or finished its last request */
};

struct hf_server {
	struct hf_api *api;
	struct MHD_Daemon *daemon;
	size_t bodies_bytes; /* of the answering thread alone */
	atomic_int requests_open;
	pthread_mutex_t lock; /* guards connections: the sweeper reads them */
	struct connection connections[SERVER_CONNECTIONS_MAX];
};

/* One request from its headers to the end of its answer. */
struct exchange {
	struct hf_server *server;
	bool refused; /* the reply is made; what still comes is dropped */
	char *body;
	size_t body_bytes, body_bytes_max;
	size_t dropped_bytes;
	struct hf_reply reply;
};

/* ---- connections ---- */

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct hf_server *server = cls;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = *socket_context;

	(void)pthread_mutex_lock(&server->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		for (size_t i = 0; i < SERVER_CONNECTIONS_MAX && connection == NULL; i++)
			if (!server->connections[i].used)
				connection = &server->connections[i];
		HF_ASSERT(connection != NULL && info != NULL);
		*connection = (struct connection){
			.used = true,
			.fd = info->connect_fd,
			.since = hf_mono_now(server->api->clock),
		};
		*socket_context = connection;
	} else if (connection != NULL) {
		connection->used = false;
	}
	(void)pthread_mutex_unlock(&server->lock);
}

static void note_finished(struct hf_server *server, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info == NULL || info->socket_context == NULL)
		return;
	(void)pthread_mutex_lock(&server->lock);
	((struct connection *)info->socket_context)->since = hf_mono_now(server->api->clock);
	(void)pthread_mutex_unlock(&server->lock);
}

/* ---- request and reply ---- */

static const char *header_of(const struct hf_request *request, const char *name)
{
	struct MHD_Connection *mhd = (struct MHD_Connection *)(uintptr_t)request->context;

	return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *key,
				 const char *value)
{
	struct hf_request *request = cls;

	(void)kind;
	if (request->query_count < HF_QUERY_ITEMS_MAX)
		request->query[request->query_count] =
			(struct hf_query_item){ .key = key, .value = value };
	request->query_count++;
	return MHD_YES;
}

static void request_make(struct MHD_Connection *mhd, const char *method, const char *path,
			 struct hf_request *ret_request)
{
	*ret_request = (struct hf_request){
		.method = method,
		.path = path,
		.header = header_of,
		.context = mhd,
	};
	(void)MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, add_query, ret_request);
}

static struct MHD_Response *response_of(struct hf_reply *reply)
{
	struct MHD_Response *response;

	if (reply->asset != NULL)
		/* The cast only takes the const away: persistent bytes are not written to. */
		return MHD_create_response_from_buffer(reply->asset->size_bytes,
						       (void *)(uintptr_t)reply->asset->data,
						       MHD_RESPMEM_PERSISTENT);
	if (reply->fd >= 0) {
		response = MHD_create_response_from_fd64(reply->fd_bytes, reply->fd);
		if (response != NULL)
			reply->fd = -1;
		return response;
	}
	response = MHD_create_response_from_buffer(reply->body_bytes, reply->body,
						   MHD_RESPMEM_MUST_FREE);
	if (response != NULL)
		reply->body = NULL;
	return response;
}

static void add_headers(struct MHD_Response *response, const struct hf_reply *reply)
{
	char seconds[16];

	/* Can only fail for want of memory: the answer is then sent with a header less. */
	(void)MHD_add_response_header(response, "Content-Type", reply->type);
	(void)MHD_add_response_header(response, "Cache-Control", reply->cache_control);
	(void)MHD_add_response_header(response, "Content-Security-Policy", content_security_policy);
	(void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	(void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	if (reply->allow != NULL)
		(void)MHD_add_response_header(response, "Allow", reply->allow);
	if (reply->status == 401)
		(void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (reply->retry_after_s > 0) {
		(void)snprintf(seconds, sizeof seconds, "%u", reply->retry_after_s);
		(void)MHD_add_response_header(response, "Retry-After", seconds);
	}
}

static enum MHD_Result send_reply(struct MHD_Connection *mhd, struct hf_reply *reply)
{
	struct MHD_Response *response = response_of(reply);

	if (response == NULL)
		return MHD_NO;
	add_headers(response, reply);
	enum MHD_Result result = MHD_queue_response(mhd, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* What people must hear of: a unit's events were not taken. */
static void log_refusal(const struct hf_request *request, const struct hf_reply *reply)
{
	const char *device = request->header(request, "Holdfast-Device");

	if (reply->status < 400 || strcmp(request->method, "POST") != 0)
		return;
	hf_log(reply->status >= 500 ? HF_LOG_ERROR : HF_LOG_WARN, "events_refused",
	       "status=%u device=\"%.63s\" answer=%.*s", reply->status,
	       device != NULL ? device : "", (int)reply->body_bytes,
	       reply->body != NULL ? reply->body : "");
}

/* ---- the three kinds of call ---- */

static void make_room(struct exchange *exchange, size_t size_bytes)
{
	struct hf_server *server = exchange->server;
	size_t wanted = exchange->body_bytes_max > 0 ? exchange->body_bytes_max : BODY_BYTES_FIRST;

	while (wanted < size_bytes)
		wanted *= 2;
	if (size_bytes > HF_BODY_BYTES_MAX) {
		exchange->refused = true;
		hf_api_refuse(server->api, 413, "too_large", "a body may have at most 1 MiB",
			      &exchange->reply);
		return;
	}
	size_t more = wanted - exchange->body_bytes_max;
	char *body = NULL;
	if (server->bodies_bytes + more <= SERVER_BODIES_BYTES_MAX)
		body = realloc(exchange->body, wanted);
	if (body == NULL) {
		exchange->refused = true;
		hf_api_refuse(server->api, 503, "busy", "too many requests at once",
			      &exchange->reply);
		return;
	}
	server->bodies_bytes += more;
	exchange->body = body;
	exchange->body_bytes_max = wanted;
}

static enum MHD_Result on_headers(struct hf_server *server, struct MHD_Connection *mhd,
				  const struct hf_request *request, void **request_context)
{
	struct exchange *exchange = calloc(1, sizeof *exchange);

	if (exchange == NULL)
		return MHD_NO;
	*request_context = exchange;
	exchange->server = server;
	exchange->reply.fd = -1;
	(void)atomic_fetch_add(&server->requests_open, 1);

	const char *length_text = header_of(request, "Content-Length");
	unsigned long long length = length_text != NULL ? strtoull(length_text, NULL, 10) : 0;
	exchange->refused = !hf_api_admit(server->api, request, &exchange->reply);
	if (!exchange->refused && length > 0)
		make_room(exchange, (size_t)length);
	if (exchange->refused)
		log_refusal(request, &exchange->reply);
	if (exchange->refused && length > DROP_BYTES_MAX)
		return send_reply(mhd, &exchange->reply);
	return MHD_YES;
}

static enum MHD_Result on_piece(struct exchange *exchange, const char *piece, size_t size_bytes)
{
	if (!exchange->refused && exchange->body_bytes + size_bytes > exchange->body_bytes_max)
		make_room(exchange, exchange->body_bytes + size_bytes);
	if (exchange->refused) {
		exchange->dropped_bytes += size_bytes;
		return exchange->dropped_bytes > DROP_BYTES_MAX ? MHD_NO : MHD_YES;
	}
	memcpy(exchange->body + exchange->body_bytes, piece, size_bytes);
	exchange->body_bytes += size_bytes;
	return MHD_YES;
}

static enum MHD_Result on_end(struct exchange *exchange, struct MHD_Connection *mhd,
			      struct hf_request *request)
{
	if (!exchange->refused) {
		request->body = exchange->body != NULL ? exchange->body : "";
		request->body_bytes = exchange->body_bytes;
		hf_api_answer(exchange->server->api, request, &exchange->reply);
		log_refusal(request, &exchange->reply);
	}
	return send_reply(mhd, &exchange->reply);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *path,
				  const char *method, const char *version, const char *piece,
				  size_t *piece_bytes, void **request_context)
{
	struct hf_request request;

	(void)version;
	if (*request_context != NULL && *piece_bytes > 0) {
		size_t size_bytes = *piece_bytes;

		*piece_bytes = 0;
		return on_piece(*request_context, piece, size_bytes);
	}
	request_make(mhd, method, path, &request);
	if (*request_context == NULL)
		return on_headers(cls, mhd, &request, request_context);
	return on_end(*request_context, mhd, &request);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request_context,
			 enum MHD_RequestTerminationCode how)
{
	struct hf_server *server = cls;
	struct exchange *exchange = *request_context;

	(void)how;
	if (exchange == NULL)
		return;
	*request_context = NULL;
	server->bodies_bytes -= exchange->body_bytes_max;
	free(exchange->body);
	hf_reply_free(&exchange->reply);
	free(exchange);
	note_finished(server, mhd);
	(void)atomic_fetch_sub(&server->requests_open, 1);
}

/* ---- life ---- */

static void log_library(void *cls, const char *format, va_list ap)
{
	char text[256];

	(void)cls;
	(void)vsnprintf(text, sizeof text, format, ap);
	hf_log(HF_LOG_DEBUG, "http", "%s", text);
}

enum hf_code hf_server_start(int listen_fd, struct hf_api *api, struct hf_server **ret_server,
			     struct hf_err *err)
{
	HF_AUTO_FD fd = listen_fd;
	struct hf_server *server = calloc(1, sizeof *server);

	if (server == NULL)
		return hf_fail(err, HF_E_NOMEM, "no memory for the server");
	server->api = api;
	(void)pthread_mutex_init(&server->lock, NULL);
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_request, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)SERVER_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)SERVER_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
	if (server->daemon == NULL) {
		(void)pthread_mutex_destroy(&server->lock);
		free(server);
		return hf_fail(err, HF_E_IO, "the HTTP server did not start");
	}
	(void)HF_TAKE_FD(fd);
	*ret_server = server;
	return HF_OK;
}

void hf_server_sweep(struct hf_server *server)
{
	struct hf_mono now = hf_mono_now(server->api->clock);

	/* The lock keeps a descriptor from being closed, and its number from being given to
	 * another connection, between the look and the shutdown. */
	(void)pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < SERVER_CONNECTIONS_MAX; i++) {
		const struct connection *connection = &server->connections[i];

		if (connection->used &&
		    hf_mono_diff_us(now, connection->since) > (int64_t)SERVER_REQUEST_S * 1000000)
			(void)shutdown(connection->fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&server->lock);
}

void hf_server_stop(struct hf_server *server)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	if (server == NULL)
		return;
	int listen_fd = MHD_quiesce_daemon(server->daemon);
	for (int waited_ms = 0; waited_ms < SERVER_STOP_MS; waited_ms += 5) {
		if (atomic_load(&server->requests_open) == 0)
			break;
		(void)nanosleep(&pause, NULL);
	}
	MHD_stop_daemon(server->daemon);
	hf_auto_close(&listen_fd);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}
