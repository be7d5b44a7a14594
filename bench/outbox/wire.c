/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - clients that each have one event on its way and offer the next when it was answered.
 *
 * One thread plays them all: sixteen threads on two processors would measure the scheduler.
 */
#include "bench.h"

#include <poll.h>

enum {
	SILENCE_MS = 30000,
};

/* One after the other: there is a moment between two. */
static void alone(const struct bench_wire *wire, int64_t for_us, struct bench_lap *lap)
{
	struct pollfd fd = { .fd = wire->fd(wire->state, 0), .events = POLLIN };
	int64_t spent = 0;

	do {
		if (lap->between != NULL)
			lap->between(lap->context);
		int64_t from = bench_now_us();
		wire->send(wire->state, 0);
		do {
			if (poll(&fd, 1, SILENCE_MS) <= 0)
				bench_die("no answer");
		} while (!wire->take(wire->state, 0));
		int64_t took = bench_now_us() - from;
		bench_sample(lap, took, 1);
		spent += took;
	} while (spent < for_us);
}

void bench_wire_lap(const struct bench_wire *wire, unsigned clients, int64_t for_us,
		    struct bench_lap *lap)
{
	struct pollfd fds[BENCH_PRODUCERS_MAX];
	int64_t sent[BENCH_PRODUCERS_MAX];
	unsigned on_the_way = clients;
	double seconds = lap->seconds;
	int64_t begun = bench_now_us(), now = begun;

	if (clients == 1) {
		alone(wire, for_us, lap);
		return;
	}
	for (unsigned i = 0; i < clients; i++) {
		fds[i] = (struct pollfd){ .fd = wire->fd(wire->state, i), .events = POLLIN };
		sent[i] = bench_now_us();
		wire->send(wire->state, i);
	}
	while (on_the_way > 0) {
		if (poll(fds, clients, SILENCE_MS) <= 0)
			bench_die("no answer");
		for (unsigned i = 0; i < clients; i++) {
			if (fds[i].revents == 0 || !wire->take(wire->state, i))
				continue;
			now = bench_now_us();
			bench_sample(lap, now - sent[i], 1);
			if (now - begun < for_us) {
				sent[i] = now;
				wire->send(wire->state, i);
			} else {
				fds[i].fd = -1;
				on_the_way--;
			}
		}
	}
	/* They waited side by side. */
	lap->seconds = seconds + (double)(now - begun) / 1e6;
}
