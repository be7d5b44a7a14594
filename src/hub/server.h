/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * server - the api behind a listening socket.
 *
 * Owners      One thread of its own answers every request, one after another; the api and its
 *             store belong to it from start() to stop(). sweep() and stop() are called by
 *             another.
 *
 * Limits      SERVER_CONNECTIONS_MAX connections. Bodies in memory at once: SERVER_BODIES_BYTES_MAX,
 *             above it 503 with Retry-After. A connection on which nothing moves for
 *             SERVER_IDLE_S is closed; one on which no request was finished for
 *             SERVER_REQUEST_S is closed too, however it drips (sweep()).
 */
#include "hub/api.h"

enum {
	SERVER_CONNECTIONS_MAX = 256,
	SERVER_BODIES_BYTES_MAX = 64 << 20,
	SERVER_IDLE_S = 30,
	SERVER_REQUEST_S = 60,
	SERVER_STOP_MS = 3000,
};

struct hf_server;

/* listen_fd is listening; it is the server's from here on, also when this fails. */
enum hf_code hf_server_start(int listen_fd, struct hf_api *api, struct hf_server **ret_server,
			     struct hf_err *err) HF_MUST_CHECK;

/* Close the connections that have been at one request for too long. Call about once a second. */
void hf_server_sweep(struct hf_server *server);

/* Take no new connections, let the requests in hand finish (SERVER_STOP_MS), end. NULL is fine. */
void hf_server_stop(struct hf_server *server);
