/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bench - what the parts of the append benchmark share.
 *
 * Shape       A subject is something that stores events durably. It is opened once, measured in
 *             many short laps, and closed. A lap of no time is one commit: so a limit is measured
 *             between any two commits of the subject that is held against it.
 *
 * Numbers     An event is a line of BENCH_LINE_BYTES bytes. A lap's latencies are those of one
 *             commit in process (all that wait for it), of one answer through a socket.
 *
 * Errors      A benchmark that cannot go on ends: bench_die().
 */
#include "base/auto.h"
#include "shape/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_LINE_BYTES = 600,
	BENCH_PRODUCERS_MAX = 16,
	BENCH_WAITING_MAX = 256,
	BENCH_SAMPLES_MAX = 1 << 19,
	BENCH_PATH_BYTES = 4096,
};

#define BENCH_DEVICE "bench"
#define BENCH_EPOCH  "0123456789abcdef"
#define BENCH_BOOT   "01234567-89ab-cdef-0123-456789abcdef"

struct bench_lap {
	uint64_t count; /* events stored */
	double seconds; /* in which they were */
	size_t samples; /* commits, or answers */
	float *us;      /* BENCH_SAMPLES_MAX of the caller's */
	/* Called before each commit, and not counted; NULL: nothing. Not where several clients
	 * keep a server busy: there is no moment between two commits. */
	void (*between)(void *context);
	void *context;
};

struct bench_subject {
	const char *name;
	/* folder: its own, empty. argument: an address, an executable, or NULL. */
	void *(*open)(const char *folder, const char *argument);
	/* waiting: so many events wait for a commit, or so many producers for an answer. */
	void (*lap)(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap);
	void (*close)(void *state);
	bool is_served; /* by another process, to clients that each wait for their answer */
};

/* Bare writes: bare.c */
extern const struct bench_subject bench_cal, bench_cal_block, bench_growing;
/* hf_outbox_append(): inside.c */
extern const struct bench_subject bench_ring, bench_file;
/* SQLite, WAL, synchronous=FULL: sqlite.c */
extern const struct bench_subject bench_sqlite;
/* A process behind the kind of socket that keeper has: servant.c */
extern const struct bench_subject bench_echo, bench_sqlite_socket;
/* The real keeper: path.c. The argument is its executable. */
extern const struct bench_subject bench_keeper_ring, bench_keeper_file;
/* Other people's: peers.c. The argument is a port or the path of a socket. */
extern const struct bench_subject bench_postgresql, bench_redis, bench_mosquitto, bench_nats,
	bench_rsyslog;

void bench_die(const char *what) __attribute__((noreturn));
int64_t bench_now_us(void);
/* A commit of so many events took so long. */
void bench_sample(struct bench_lap *lap, int64_t us, unsigned events);

/* The nth event of a producer; the same bytes but for its origin. */
void bench_offer(char letter, uint64_t run, uint64_t n, struct hf_offer *ret_offer);
/* A line of that size, with its newline. */
const char *bench_line(void);

/* A file of zeros written before, so that writing to it again changes no size and no map. */
int bench_written_file(const char *folder, const char *name, size_t size_bytes);

/* --- clients, each with one event on its way: wire.c --- */

struct bench_wire {
	void *state;
	int (*fd)(void *state, unsigned client);
	void (*send)(void *state, unsigned client);
	bool (*take)(void *state, unsigned client); /* true: it was answered */
};

void bench_wire_lap(const struct bench_wire *wire, unsigned clients, int64_t for_us,
		    struct bench_lap *lap);

/* SQLite for the one in process and the one behind a socket. */
struct bench_db;
struct bench_db *bench_db_open(const char *folder);
void bench_db_add(struct bench_db *db, const char *line, size_t count);
void bench_db_close(struct bench_db *db);
