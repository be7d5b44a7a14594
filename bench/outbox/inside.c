/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inside - hf_outbox_append() in this process. More than a batch takes waits for a second one.
 */
#include "bench.h"

#include "base/disk.h"
#include "outbox/writer.h"

#include <stdlib.h>

struct inside {
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	uint64_t n;
	struct hf_offer offers[BENCH_WAITING_MAX];
};

static void *inside_open(const char *folder, enum hf_outbox_commit commit)
{
	struct inside *inside = calloc(1, sizeof *inside);
	struct hf_outbox_report report;
	struct hf_err err;
	struct hf_outbox_options options = { .device_id = BENCH_DEVICE,
					     .epoch = BENCH_EPOCH,
					     .context = { .boot_id = BENCH_BOOT,
							  .release = "bench" },
					     .boot = 1,
					     .run = 1,
					     .clock = hf_clock_real(),
					     .clock_trust = hf_clock_trust,
					     .commit = commit };

	if (inside == NULL)
		bench_die("out of memory");
	if (hf_disk_real_open(folder, &inside->disk, &err) != HF_OK ||
	    hf_outbox_open(inside->disk, &options, &inside->outbox, &report, &err) != HF_OK)
		bench_die(err.text);
	return inside;
}

static void *ring_open(const char *folder, const char *argument)
{
	(void)argument;
	return inside_open(folder, HF_COMMIT_RING);
}

static void *file_open(const char *folder, const char *argument)
{
	(void)argument;
	return inside_open(folder, HF_COMMIT_FILE);
}

static void append(struct inside *inside, unsigned from, unsigned count)
{
	const struct hf_offer *pointers[HF_OUTBOX_BATCH_MAX];
	struct hf_outbox_result results[HF_OUTBOX_BATCH_MAX];
	struct hf_err err;

	for (unsigned i = 0; i < count; i++)
		pointers[i] = &inside->offers[from + i];
	if (hf_outbox_append(inside->outbox, pointers, count, results, &err) != HF_OK)
		bench_die(err.text);
	for (unsigned i = 0; i < count; i++)
		if (results[i].code != HF_OK || results[i].duplicate)
			bench_die("an event was not stored");
}

static void inside_lap(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap)
{
	struct inside *inside = state;
	int64_t spent = 0;

	do {
		for (unsigned i = 0; i < waiting; i++)
			bench_offer('r', 1, ++inside->n, &inside->offers[i]);
		if (lap->between != NULL)
			lap->between(lap->context);
		int64_t from = bench_now_us();
		for (unsigned done = 0, count; done < waiting; done += count) {
			count = waiting - done;
			if (count > HF_OUTBOX_BATCH_MAX)
				count = HF_OUTBOX_BATCH_MAX;
			append(inside, done, count);
		}
		int64_t took = bench_now_us() - from;
		bench_sample(lap, took, waiting);
		spent += took;
	} while (spent < for_us);
}

static void inside_close(void *state)
{
	struct inside *inside = state;

	hf_outbox_close(inside->outbox);
	hf_disk_real_close(inside->disk);
	free(inside);
}

const struct bench_subject bench_ring = { "ring", ring_open, inside_lap, inside_close, false };
const struct bench_subject bench_file = { "file", file_open, inside_lap, inside_close, false };
