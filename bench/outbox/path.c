/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path - the real message path: the real keeper in its sandbox, producers with links of their own.
 */
#include "bench.h"

#include "keeper_host.h"
#include "outbox/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	WAKE_UPS_KEPT = 64,
};

/* One keeper has one producer, the other sixteen: links that say nothing are not free, and a unit
 * has no more of them than it needs. */
struct path {
	struct keeper_host alone, many;
	struct keeper_host *host;        /* of this lap */
	uint64_t n[BENCH_PRODUCERS_MAX]; /* of both: numbers may be passed over */
	uint64_t answers;
	struct hf_offer offer;
};

static void start(const char *folder, const char *name, const char *executable,
		  enum hf_outbox_commit commit, unsigned producers, struct keeper_host *host)
{
	static struct hf_config config;
	char data[BENCH_PATH_BYTES];
	struct hf_err err = { 0 };

	(void)snprintf(data, sizeof data, "%s/%s", folder, name);
	if (mkdir(data, 0750) != 0)
		bench_die(data);
	hf_config_defaults(&config);
	config.outbox_commit = commit == HF_COMMIT_RING ? 0 : 1; /* "ring|file" */
	const struct keeper_host_options options = { .executable = executable,
						     .data_path = data,
						     .run_path = data,
						     .device_id = BENCH_DEVICE,
						     .boot_id = BENCH_BOOT,
						     .boot = 1,
						     .run = 1,
						     .producers = producers,
						     .config = &config,
						     .stderr_fd = -1 };
	if (keeper_host_start(&options, host, &err) != HF_OK)
		bench_die(err.text);
}

static void *path_open(const char *folder, const char *executable, enum hf_outbox_commit commit)
{
	struct path *path = calloc(1, sizeof *path);

	if (path == NULL)
		bench_die("out of memory");
	start(folder, "alone", executable, commit, 1, &path->alone);
	start(folder, "many", executable, commit, BENCH_PRODUCERS_MAX, &path->many);
	return path;
}

static void *ring_open(const char *folder, const char *argument)
{
	return path_open(folder, argument, HF_COMMIT_RING);
}

static void *file_open(const char *folder, const char *argument)
{
	return path_open(folder, argument, HF_COMMIT_FILE);
}

static int path_fd(void *state, unsigned producer)
{
	const struct path *path = state;

	return keeper_host_fd(path->host, producer);
}

static void path_send(void *state, unsigned producer)
{
	struct path *path = state;
	struct hf_err err;

	bench_offer(keeper_host_letter(producer), producer + 1, ++path->n[producer], &path->offer);
	if (keeper_host_offer(path->host, producer, &path->offer, &err) != HF_OK)
		bench_die(err.text);
}

/* Nobody plays the uplink: its wake-ups are taken from time to time, so that they find room. */
static void take_wake_ups(struct path *path)
{
	struct hf_msg msg;
	struct hf_err err;

	while (hf_msg_receive(path->host->uplink, path->host->buffer, &msg, &err) == HF_OK)
		hf_msg_drop(&msg);
}

static bool path_take(void *state, unsigned producer)
{
	struct path *path = state;
	struct hf_ack ack;
	struct hf_err err;
	enum hf_code code = keeper_host_ack(path->host, producer, 0, &ack, &err);

	if (code == HF_E_AGAIN)
		return false;
	if (code != HF_OK)
		bench_die(err.text);
	if (ack.outcome != HF_ACK_COMMITTED || ack.duplicate != 0)
		bench_die("an event was not stored");
	if (++path->answers % WAKE_UPS_KEPT == 0)
		take_wake_ups(path);
	return true;
}

static void path_lap(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap)
{
	struct path *path = state;
	const struct bench_wire wire = {
		.state = state, .fd = path_fd, .send = path_send, .take = path_take
	};

	path->host = waiting == 1 ? &path->alone : &path->many;
	bench_wire_lap(&wire, waiting, for_us, lap);
}

static void path_close(void *state)
{
	struct path *path = state;
	struct hf_exit how;
	struct hf_err err;

	if (keeper_host_stop(&path->alone, &how, &err) != HF_OK ||
	    keeper_host_stop(&path->many, &how, &err) != HF_OK)
		bench_die(err.text);
	free(path);
}

const struct bench_subject bench_keeper_ring = { "keeper_ring", ring_open, path_lap, path_close,
						 true };
const struct bench_subject bench_keeper_file = { "keeper_file", file_open, path_lap, path_close,
						 true };
