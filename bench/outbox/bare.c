/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare - the limits: write() and fdatasync(), and nothing else.
 *
 * cal         lines one behind the other into a file written before: what the disk can do
 * cal_block   the same in whole blocks of 4096 bytes
 * growing     behind the end of the file: what the file system takes for growth
 */
#include "bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILE_BYTES = 16 * 1024 * 1024,
	BLOCK_BYTES = 4096,
};

struct bare {
	int fd;
	off_t at;
	size_t unit_bytes;
	bool grow;
	char data[BENCH_WAITING_MAX * BENCH_LINE_BYTES];
};

static struct bare *bare_open(const char *folder, size_t unit_bytes, bool grow)
{
	struct bare *bare = calloc(1, sizeof *bare);

	if (bare == NULL)
		bench_die("out of memory");
	bare->fd = bench_written_file(folder, "bare", grow ? 0 : FILE_BYTES);
	bare->unit_bytes = unit_bytes;
	bare->grow = grow;
	for (size_t at = 0; at + BENCH_LINE_BYTES <= sizeof bare->data; at += BENCH_LINE_BYTES)
		memcpy(bare->data + at, bench_line(), BENCH_LINE_BYTES);
	return bare;
}

static void *cal_open(const char *folder, const char *argument)
{
	(void)argument;
	return bare_open(folder, BENCH_LINE_BYTES, false);
}

static void *cal_block_open(const char *folder, const char *argument)
{
	(void)argument;
	return bare_open(folder, BLOCK_BYTES, false);
}

static void *growing_open(const char *folder, const char *argument)
{
	(void)argument;
	return bare_open(folder, BENCH_LINE_BYTES, true);
}

static void bare_lap(void *state, unsigned waiting, int64_t for_us, struct bench_lap *lap)
{
	struct bare *bare = state;
	size_t size = waiting * bare->unit_bytes;
	int64_t spent = 0;

	do {
		if (!bare->grow && bare->at + (off_t)size > FILE_BYTES)
			bare->at = 0;
		if (lap->between != NULL)
			lap->between(lap->context);
		int64_t from = bench_now_us();
		if (pwrite(bare->fd, bare->data, size, bare->at) != (ssize_t)size ||
		    fdatasync(bare->fd) != 0)
			bench_die("write and flush");
		int64_t took = bench_now_us() - from;
		bare->at += (off_t)size;
		bench_sample(lap, took, waiting);
		spent += took;
	} while (spent < for_us);
}

static void bare_close(void *state)
{
	struct bare *bare = state;

	(void)close(bare->fd);
	free(bare);
}

const struct bench_subject bench_cal = { "cal", cal_open, bare_lap, bare_close, false };
const struct bench_subject bench_cal_block = { "cal_block", cal_block_open, bare_lap, bare_close,
					       false };
const struct bench_subject bench_growing = { "growing", growing_open, bare_lap, bare_close, false };
