/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Question: how long after its start does keeper answer its first event, and how much memory does
 * it hold under load?
 *
 * Method: the real executable over a data folder that is there. The time goes from before the fork
 * to the answer to an offer that waits in its socket. The folder's caches are the caller's matter.
 *
 * Usage    outbox-start KEEPER DATA RUN BOOT ring|file [BATCHES]
 *          BOOT      a number that no run before had; BATCHES: then so many full batches of
 *                    sixteen producers
 * Output   {"ready_ms","answer_ms","anon","file","shmem","pss"}; the last four in bytes
 */
#include "bench.h"

#include "keeper_host.h"
#include "outbox/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct start {
	struct keeper_host host;
	uint64_t n;
	uint64_t boot;
};

struct memory {
	unsigned long long anon, file, shmem, pss;
};

static void offer(struct start *start, unsigned producer)
{
	struct hf_offer offer;
	struct hf_err err;
	struct hf_origin origin = { .boot = start->boot,
				    .run = 1,
				    .n = ++start->n,
				    .producer = keeper_host_letter(producer) };

	bench_offer(origin.producer, 1, origin.n, &offer);
	hf_origin_text(&origin, offer.origin);
	if (keeper_host_offer(&start->host, producer, &offer, &err) != HF_OK)
		bench_die(err.text);
}

static void take(struct start *start, unsigned producer)
{
	struct hf_ack ack;
	struct hf_err err;

	if (keeper_host_ack(&start->host, producer, KEEPER_HOST_WAIT_MS, &ack, &err) != HF_OK)
		bench_die(err.text);
	if (ack.outcome != HF_ACK_COMMITTED || ack.duplicate != 0)
		bench_die("an event was not stored");
}

static void load(struct start *start, unsigned long batches)
{
	for (unsigned long i = 0; i < batches; i++) {
		struct hf_msg msg;
		struct hf_err err;

		for (unsigned k = 0; k < HF_OUTBOX_BATCH_MAX; k++)
			offer(start, k % BENCH_PRODUCERS_MAX);
		for (unsigned k = 0; k < HF_OUTBOX_BATCH_MAX; k++)
			take(start, k % BENCH_PRODUCERS_MAX);
		while (hf_msg_receive(start->host.uplink, start->host.buffer, &msg, &err) == HF_OK)
			hf_msg_drop(&msg);
	}
}

/* Of a line "Name:   123 kB". */
static void read_kb(pid_t pid, const char *file, const char *name, unsigned long long *ret_bytes)
{
	char path[64], line[256];

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	HF_AUTO_FCLOSE FILE *stream = fopen(path, "re");
	while (stream != NULL && fgets(line, sizeof line, stream) != NULL)
		if (strncmp(line, name, strlen(name)) == 0) {
			*ret_bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
			return;
		}
	bench_die(path);
}

static struct memory memory_of(pid_t pid)
{
	struct memory memory;

	read_kb(pid, "status", "RssAnon:", &memory.anon);
	read_kb(pid, "status", "RssFile:", &memory.file);
	read_kb(pid, "status", "RssShmem:", &memory.shmem);
	read_kb(pid, "smaps_rollup", "Pss:", &memory.pss);
	return memory;
}

int main(int argc, char **argv)
{
	static struct start start;
	static struct hf_config config;
	char boot_id[HF_BOOT_ID_BYTES];
	struct hf_exit how;
	struct hf_err err;

	if (argc < 6) {
		(void)fprintf(stderr, "usage: see the head of start_bench.c\n");
		return 2;
	}
	start.boot = strtoull(argv[4], NULL, 10);
	(void)snprintf(boot_id, sizeof boot_id, "01234567-89ab-cdef-0123-%012llu",
		       (unsigned long long)start.boot % 1000000000000);
	hf_config_defaults(&config);
	config.outbox_commit = strcmp(argv[5], "ring") == 0 ? 0 : 1; /* "ring|file" */
	const struct keeper_host_options options = { .executable = argv[1],
						     .data_path = argv[2],
						     .run_path = argv[3],
						     .device_id = BENCH_DEVICE,
						     .boot_id = boot_id,
						     .boot = start.boot,
						     .run = 1,
						     .producers = BENCH_PRODUCERS_MAX,
						     .config = &config,
						     .stderr_fd = -1 };
	int64_t begun = bench_now_us();
	if (keeper_host_spawn(&options, &start.host, &err) != HF_OK)
		bench_die(err.text);
	offer(&start, 0);
	if (keeper_host_ready(&start.host, &err) != HF_OK)
		bench_die(err.text);
	int64_t ready = bench_now_us();
	take(&start, 0);
	int64_t answered = bench_now_us();
	if (argc > 6)
		load(&start, strtoul(argv[6], NULL, 10));
	struct memory memory = memory_of(start.host.child.pid);
	if (keeper_host_stop(&start.host, &how, &err) != HF_OK)
		bench_die(err.text);
	(void)printf("{\"ready_ms\":%.3f,\"answer_ms\":%.3f,\"anon\":%llu,\"file\":%llu,"
		     "\"shmem\":%llu,\"pss\":%llu}\n",
		     (double)(ready - begun) / 1000, (double)(answered - begun) / 1000, memory.anon,
		     memory.file, memory.shmem, memory.pss);
	return how.status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
