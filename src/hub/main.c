/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast-hub: the fleet's receiver. Options, folder, socket, signals; the rest is the api. */
#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "hub/key.h"
#include "hub/server.h"
#include "hub/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_TRY_LATER = 75,
	TOKEN_BYTES_MIN = 16,
	TOKEN_BYTES_MAX = 1024,
	ADDRESS_BYTES = 128,
};

static const char help[] =
	"holdfast-hub - receives the events of a fleet of units, keeps them, shows them\n"
	"\n"
	"usage: holdfast-hub --data DIR [--listen ADDR:PORT] [--token-file FILE]\n"
	"\n"
	"  --data DIR          where everything is kept; made if it is not there:\n"
	"                        hub.db    the events, in SQLite (readable while the hub runs)\n"
	"                        hub.key   what it countersigns with: keep a copy, show nobody\n"
	"                        thumbs/   the pictures, named by the SHA-256 of their bytes\n"
	"                        listen    the address it answers on, for scripts\n"
	"  --listen ADDR:PORT  127.0.0.1:8080 unless told otherwise; [::1]:8080 for IPv6;\n"
	"                      port 0 takes any free one (see DIR/listen)\n"
	"  --token-file FILE   units and people must then bring the token in FILE (one line,\n"
	"                      at least 16 characters): Authorization: Bearer TOKEN\n"
	"  --help, --version\n"
	"\n"
	"It runs in the foreground until SIGTERM or SIGINT and talks on stderr. An event is\n"
	"acknowledged after it is on the disk, never before. TLS is the work of a reverse proxy\n"
	"in front of it.\n"
	"\n"
	"try it:\n"
	"  holdfast-hub --data /tmp/hub                       then open http://127.0.0.1:8080/\n"
	"  a unit sends here with, in its holdfast.yaml:      hub: {url: http://127.0.0.1:8080}\n"
	"  curl -s http://127.0.0.1:8080/v1/events?limit=5    the newest five events\n"
	"  sqlite3 /tmp/hub/hub.db 'SELECT line FROM events'  all of them, as the units wrote "
	"them\n"
	"\n"
	"exit status: 0 stopped by a signal, 1 failed, 2 wrong usage, 75 try later (port in use,\n"
	"another hub on this folder)\n";

struct options {
	const char *data;
	const char *listen;
	const char *token_file;
};

/* A code to leave with, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "data", required_argument, NULL, 'd' },
		{ "listen", required_argument, NULL, 'l' },
		{ "token-file", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->data = optarg;
			break;
		case 'l':
			options->listen = optarg;
			break;
		case 't':
			options->token_file = optarg;
			break;
		case 'h':
			(void)fputs(help, stdout);
			return 0;
		case 'v':
			(void)printf("holdfast-hub %s\n", HF_VERSION);
			return 0;
		default:
			(void)fputs("holdfast-hub --help shows the options\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "holdfast-hub: unexpected \"%s\"; see --help\n",
			      argv[optind]);
		return EXIT_USAGE;
	}
	if (options->data == NULL || *options->data == '\0') {
		(void)fputs("holdfast-hub: --data DIR is missing: the folder in which events are "
			    "kept; see --help\n",
			    stderr);
		return EXIT_USAGE;
	}
	return -1;
}

static enum hf_code join(char ret_path[PATH_MAX], const char *folder, const char *name,
			 struct hf_err *err)
{
	int length = snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);

	if (length < 0 || length >= PATH_MAX)
		return hf_fail(err, HF_E_LIMIT, "--data: path too long");
	return HF_OK;
}

/* The lock is held for as long as the descriptor lives. */
static enum hf_code lock_folder(const char *folder, int *ret_fd, struct hf_err *err)
{
	char path[PATH_MAX];
	enum hf_code code = join(path, folder, "lock", err);
	if (code != HF_OK)
		return code;

	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		code = hf_fail_errno(err, "open %s", path);
		if (code == HF_E_DENIED)
			(void)hf_err_prefix(err, "--data %s cannot be written", folder);
		return code;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		char pid[16] = "";

		if (errno != EWOULDBLOCK)
			return hf_fail_errno(err, "lock %s", path);
		/* For the text only: what cannot be read is left out. */
		(void)!pread(fd, pid, sizeof pid - 1, 0);
		return hf_fail(err, HF_E_AGAIN,
			       "%s is in use by another holdfast-hub (pid %.*s): two hubs on one "
			       "folder would count twice. Stop the other, or give this one a "
			       "folder of its own with --data",
			       folder, (int)strspn(pid, "0123456789"), pid);
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", getpid()) < 0)
		return hf_fail_errno(err, "write %s", path);
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

static enum hf_code split_listen(const char *text, char ret_host[ADDRESS_BYTES], char ret_port[8],
				 struct hf_err *err)
{
	const char *colon = strrchr(text, ':');
	size_t host_bytes = colon != NULL ? (size_t)(colon - text) : 0;

	if (colon == NULL || host_bytes == 0 || host_bytes >= ADDRESS_BYTES)
		return hf_fail(
			err, HF_E_INVALID,
			"--listen %s: ADDR:PORT is wanted, e.g. 127.0.0.1:8080 or [::1]:8080",
			text);
	size_t digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return hf_fail(err, HF_E_INVALID,
			       "--listen %s: the port is a number from 0 to 65535", text);
	if (text[0] == '[' && text[host_bytes - 1] == ']') {
		text++;
		host_bytes -= 2;
	}
	(void)snprintf(ret_host, ADDRESS_BYTES, "%.*s", (int)host_bytes, text);
	(void)snprintf(ret_port, 8, "%s", colon + 1);
	return HF_OK;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return false;
}

static enum hf_code open_socket(const char *text, const struct addrinfo *at, int *ret_fd,
				struct hf_err *err)
{
	int on = 1;
	HF_AUTO_FD fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			       at->ai_protocol);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
		return hf_fail_errno(err, "--listen %s: socket", text);
	if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
		if (errno == EADDRINUSE)
			return hf_fail(err, HF_E_AGAIN,
				       "--listen %s: the port is in use by another program. Stop "
				       "it (ss -ltnp shows which), or choose another port",
				       text);
		if (errno == EADDRNOTAVAIL)
			return hf_fail(err, HF_E_INVALID,
				       "--listen %s: no interface of this machine has that address",
				       text);
		return hf_fail_errno(err, "--listen %s: bind", text);
	}
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

/* ret_url: http://127.0.0.1:8080, with the port that was really taken. */
static enum hf_code open_listener(const char *text, int *ret_fd, char ret_url[ADDRESS_BYTES],
				  bool *ret_loopback, struct hf_err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	char host[ADDRESS_BYTES], port[8], name[INET6_ADDRSTRLEN + 16];
	struct sockaddr_storage address = { 0 };
	socklen_t address_bytes = sizeof address;
	struct addrinfo *found;

	enum hf_code code = split_listen(text, host, port, err);
	if (code != HF_OK)
		return code;
	int result = getaddrinfo(host, port, &hints, &found);
	if (result != 0)
		return hf_fail(err, HF_E_INVALID, "--listen %s: %s", text, gai_strerror(result));
	code = open_socket(text, found, ret_fd, err);
	freeaddrinfo(found);
	if (code != HF_OK)
		return code;

	if (getsockname(*ret_fd, (struct sockaddr *)&address, &address_bytes) != 0)
		return hf_fail_errno(err, "--listen %s: getsockname", text);
	if (getnameinfo((struct sockaddr *)&address, address_bytes, name, sizeof name, port,
			sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return hf_fail(err, HF_E_IO, "--listen %s: no name for the address", text);
	(void)snprintf(ret_url, ADDRESS_BYTES,
		       address.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", name,
		       port);
	*ret_loopback = is_loopback(&address);
	return HF_OK;
}

static enum hf_code read_token(const char *path, char **ret_token, struct hf_err *err)
{
	HF_AUTO_FREE char *token = NULL;
	size_t size_bytes;
	struct stat st;

	enum hf_code code = hf_file_read(path, TOKEN_BYTES_MAX, &token, &size_bytes, err);
	if (code != HF_OK) {
		(void)hf_err_prefix(err, "--token-file");
		return code;
	}
	while (size_bytes > 0 && strchr(" \t\r\n", token[size_bytes - 1]) != NULL)
		token[--size_bytes] = '\0';
	for (size_t i = 0; i < size_bytes; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return hf_fail(err, HF_E_INVALID,
				       "--token-file %s: one line of visible ASCII is wanted",
				       path);
	if (size_bytes < TOKEN_BYTES_MIN)
		return hf_fail(err, HF_E_INVALID,
			       "--token-file %s: the token has %zu characters, at least %d are "
			       "wanted; make one with: openssl rand -hex 32",
			       path, size_bytes, TOKEN_BYTES_MIN);
	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
		hf_log(HF_LOG_WARN, "token_readable", "others may read %s: chmod 600 %s", path,
		       path);
	*ret_token = HF_TAKE(token);
	return HF_OK;
}

struct hub {
	char thumbs_dir[PATH_MAX];
	char listen_path[PATH_MAX];
	char url[ADDRESS_BYTES];
	char *token;
	int lock_fd;
	int listen_fd;
	bool loopback;
	struct hf_hub_key key;
	struct hf_api api;
	struct hf_server *server;
};

static enum hf_code open_store(const struct options *options, struct hub *hub, struct hf_err *err)
{
	char path[PATH_MAX];
	enum hf_code code = join(path, options->data, "hub.db", err);

	if (code == HF_OK)
		code = hf_store_sqlite_open(path, &hub->api.store, err);
	if (code == HF_E_CORRUPT)
		(void)hf_err_prefix(
			err, "the database is damaged and was left as it is. Restore a copy, or "
			     "salvage it (sqlite3 hub.db .recover); what units were told is stored "
			     "here they will not send again");
	return code;
}

static enum hf_code open_key(const struct options *options, struct hub *hub, struct hf_err *err)
{
	char path[PATH_MAX], text[2 * HF_RECEIPT_KEY_BYTES + 1];
	enum hf_code code = join(path, options->data, "hub.key", err);

	if (code == HF_OK)
		code = hf_hub_key_open(path, &hub->key, err);
	if (code != HF_OK)
		return code;
	hub->api.key = &hub->key;
	hf_hex(hub->key.public, sizeof hub->key.public, text);
	hf_log(HF_LOG_INFO, "hub_key", "public=%s", text);
	return HF_OK;
}

static enum hf_code hub_open(const struct options *options, struct hub *hub, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	if (options->token_file != NULL)
		code = read_token(options->token_file, &hub->token, err);
	if (code == HF_OK) {
		code = hf_folder_make(options->data, 0750, err);
		if (code != HF_OK)
			(void)hf_err_prefix(err, "--data %s", options->data);
	}
	if (code == HF_OK)
		code = lock_folder(options->data, &hub->lock_fd, err);
	if (code == HF_OK)
		code = join(hub->thumbs_dir, options->data, "thumbs", err);
	if (code == HF_OK)
		code = join(hub->listen_path, options->data, "listen", err);
	if (code == HF_OK)
		code = hf_folder_make(hub->thumbs_dir, 0750, err);
	if (code == HF_OK)
		code = open_key(options, hub, err);
	if (code == HF_OK)
		code = open_store(options, hub, err);
	if (code == HF_OK)
		code = open_listener(options->listen, &hub->listen_fd, hub->url, &hub->loopback,
				     err);
	return code;
}

static enum hf_code hub_start(struct hub *hub, struct hf_err *err)
{
	char line[ADDRESS_BYTES + 1];

	hub->api.thumbs_dir = hub->thumbs_dir;
	hub->api.token = hub->token;
	hub->api.version = HF_VERSION;
	hub->api.clock = hf_clock_real();
	hub->api.random = hf_random_real();
	enum hf_code code = HF_OK;
	/* With one processor it would only take turns with the answering thread. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		code = hf_aside_start(&hub->api.aside, err);
	if (code != HF_OK)
		return code;
	int listen_fd = HF_TAKE_FD(hub->listen_fd);
	code = hf_server_start(listen_fd, &hub->api, &hub->server, err);
	if (code != HF_OK)
		return code;
	int length = snprintf(line, sizeof line, "%s\n", hub->url);
	return hf_file_replace(hub->listen_path, line, (size_t)length, 0644, err);
}

static void hub_close(struct hub *hub)
{
	hf_server_stop(hub->server);
	hf_aside_stop(hub->api.aside);
	hf_store_close(hub->api.store);
	if (hub->server != NULL)
		(void)unlink(hub->listen_path);
	hf_auto_close(&hub->listen_fd);
	hf_auto_close(&hub->lock_fd);
	free(hub->token);
}

static int serve(struct hub *hub, const sigset_t *signals)
{
	const struct timespec second = { .tv_sec = 1 };
	int got;

	(void)fprintf(stderr, "listening on %s\n", hub->url);
	if (!hub->loopback && hub->token == NULL)
		hf_log(HF_LOG_WARN, "no_token",
		       "anyone who can reach %s may read and send events: use --token-file",
		       hub->url);
	while ((got = sigtimedwait(signals, NULL, &second)) < 0)
		hf_server_sweep(hub->server);
	hf_log(HF_LOG_INFO, "stopping", "signal=%s", got == SIGINT ? "INT" : "TERM");
	return 0;
}

/* Signals are taken by sigtimedwait() alone: blocked before the first thread is made. */
static void settle_signals(sigset_t *ret_signals)
{
	(void)sigemptyset(ret_signals);
	(void)sigaddset(ret_signals, SIGTERM);
	(void)sigaddset(ret_signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
	/* A peer that left and a file at its size limit are errors of a call, not an end. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct options options = { .listen = "127.0.0.1:8080" };
	struct hub hub = { .lock_fd = -1, .listen_fd = -1 };
	struct hf_err err;
	sigset_t signals;

	int leave_with = parse_options(argc, argv, &options);
	if (leave_with >= 0)
		return leave_with;
	hf_log_open("holdfast-hub");
	(void)umask(027);
	settle_signals(&signals);
	if (sodium_init() < 0) {
		(void)fputs("holdfast-hub: libsodium does not start\n", stderr);
		return EXIT_FAILED;
	}

	enum hf_code code = hub_open(&options, &hub, &err);
	if (code == HF_OK)
		code = hub_start(&hub, &err);
	if (code == HF_OK) {
		leave_with = serve(&hub, &signals);
	} else {
		(void)fprintf(stderr, "holdfast-hub: %s\n", err.text);
		leave_with = code == HF_E_AGAIN ? EXIT_TRY_LATER : EXIT_FAILED;
	}
	hub_close(&hub);
	return leave_with;
}
