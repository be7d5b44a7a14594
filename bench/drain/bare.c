/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare - the limit that the hub's drain is held against: the same HTTP library, the same SQLite
 * with the same durability and the same settings (hub/store_sqlite.c), one row a line, one
 * transaction a request, and nothing else. No check, no identity, no duplicates, no page.
 *
 * Usage    bare FOLDER     prints its port on stdout, ends on SIGTERM
 */
#include <microhttpd.h>
#include <sqlite3.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BODY_BYTES_MAX = 1 << 20,
};

struct bare {
	sqlite3 *db;
	sqlite3_stmt *add;
};

struct body {
	size_t size_bytes;
	char data[BODY_BYTES_MAX];
};

static int store(struct bare *bare, const struct body *body)
{
	const char *at = body->data, *end = body->data + body->size_bytes;
	const char *newline;
	int result = sqlite3_exec(bare->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	while (result == SQLITE_OK && at < end &&
	       (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		(void)sqlite3_bind_text(bare->add, 1, at, (int)(newline - at), SQLITE_STATIC);
		result = sqlite3_step(bare->add) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		(void)sqlite3_reset(bare->add);
		at = newline + 1;
	}
	if (result == SQLITE_OK)
		result = sqlite3_exec(bare->db, "COMMIT", NULL, NULL, NULL);
	return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *path,
				  const char *method, const char *version, const char *piece,
				  size_t *piece_bytes, void **context)
{
	struct body *body = *context;

	(void)path;
	(void)method;
	(void)version;
	if (body == NULL) {
		/* Not calloc: it would wipe a megabyte a request. */
		body = malloc(sizeof *body);
		*context = body;
		if (body == NULL)
			return MHD_NO;
		body->size_bytes = 0;
		return MHD_YES;
	}
	if (*piece_bytes > 0) {
		if (*piece_bytes > BODY_BYTES_MAX - body->size_bytes)
			return MHD_NO;
		memcpy(body->data + body->size_bytes, piece, *piece_bytes);
		body->size_bytes += *piece_bytes;
		*piece_bytes = 0;
		return MHD_YES;
	}
	unsigned status = store(cls, body) == SQLITE_OK ? 200 : 503;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(2, (void *)"{}", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return result;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
			 enum MHD_RequestTerminationCode how)
{
	(void)cls;
	(void)mhd;
	(void)how;
	free(*context);
	*context = NULL;
}

static int open_db(struct bare *bare, const char *folder)
{
	char path[4096];

	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)snprintf(path, sizeof path, "%s/bare.db", folder);
	if (sqlite3_open(path, &bare->db) != SQLITE_OK ||
	    sqlite3_exec(bare->db,
			 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			 "PRAGMA cache_size = -16384; PRAGMA secure_delete = OFF;"
			 "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000;"
			 "CREATE TABLE events(row INTEGER PRIMARY KEY, line TEXT NOT NULL);",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(bare->db, "INSERT INTO events(line) VALUES(?1)", -1, &bare->add,
			       NULL) != SQLITE_OK)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct bare bare = { 0 };
	sigset_t signals;
	int got;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	if (argc != 2 || open_db(&bare, argv[1]) != 0) {
		(void)fprintf(stderr, "usage: bare FOLDER (an empty one)\n");
		return 2;
	}
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, &bare,
				 MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(64 << 10),
				 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (daemon == NULL)
		return 1;
	(void)printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	(void)fflush(stdout);
	(void)sigwait(&signals, &got);
	MHD_stop_daemon(daemon);
	(void)sqlite3_finalize(bare.add);
	(void)sqlite3_close(bare.db);
	return 0;
}
