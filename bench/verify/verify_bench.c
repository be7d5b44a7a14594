/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Question: how fast is every byte of an outbox checked, CRC and chain included?
 *
 * Method: an outbox of the given size is written by the real writer, a day file for each quarter
 * of it, and read once so that the page cache holds it. Then three rounds of: the limit (the
 * same bytes read in the same portions, CRC-32C over them and nothing else), the hash that the
 * chain is made of over the same bytes, and the whole verification. The best of each counts:
 * what else runs on the machine only ever takes.
 *
 * verify_bench [FOLDER [MEGABYTES]]    (the current one, 1000)
 */
#include "base/auto.h"
#include "base/crc32c.h"
#include "base/disk.h"
#include "base/json.h"
#include "outbox/verify.h"
#include "outbox/writer.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUNDS = 3,
	DAYS = 4,
	PORTION_BYTES = 64 * 1024,
	FILL_BYTES_MAX = 256,
};

static const int64_t day_ms = INT64_C(86400000);

/* A clock whose wall time is turned by hand: days pass in seconds. */
struct bench_clock {
	struct hf_clock clock;
	int64_t ahead_ms;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "verify_bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static int64_t now_us(void)
{
	return hf_mono_now(hf_clock_real()).us;
}

static struct hf_mono mono(const struct hf_clock *clock)
{
	(void)clock;
	return hf_mono_now(hf_clock_real());
}

static struct hf_wall wall(const struct hf_clock *clock)
{
	const struct bench_clock *turned = clock->context;

	return (struct hf_wall){ .ms = hf_wall_now(hf_clock_real()).ms + turned->ahead_ms };
}

/* Of about 600 bytes as a line, as real ones are. */
static struct hf_offer make_offer(uint64_t n, struct hf_wall at)
{
	struct hf_err err;
	struct hf_offer offer;
	char attrs[FILL_BYTES_MAX];
	struct hf_event_context context = { .boot_id = "01234567-89ab-cdef-0123-456789abcdef",
					    .release = "bench" };
	struct hf_origin origin = { .boot = 1, .run = 1, .n = n, .producer = 'r' };
	struct hf_event event = { .event_class = "pre_action_zone_entry",
				  .captured_wall = at,
				  .captured_mono = { .us = (int64_t)n * 1000 },
				  .layout_id = "4x4-std",
				  .camera_name = "gate",
				  .zone_id = "z1",
				  .model_tag = "person-v7@a1f2c9",
				  .clock = "synced",
				  .attrs = attrs };

	(void)snprintf(attrs, sizeof attrs,
		       "{\"score\":0.91,\"box\":[%" PRIu64 ",34,56,78],\"track\":%" PRIu64
		       ",\"source\":\"recorder\",\"tile\":7}",
		       n % 900, n / 3);
	if (hf_offer_make(&event, &context, &origin, &offer, &err) != HF_OK)
		die(err.text);
	return offer;
}

static void fill(struct hf_disk *disk, uint64_t bytes_wanted)
{
	static struct hf_offer offers[HF_OUTBOX_BATCH_MAX];
	const struct hf_offer *pointers[HF_OUTBOX_BATCH_MAX];
	struct hf_outbox_result results[HF_OUTBOX_BATCH_MAX];
	struct bench_clock clock = { .clock = { .mono = mono, .wall = wall } };
	struct hf_outbox_options options = { .device_id = "bench",
					     .epoch = "0123456789abcdef",
					     .boot = 1,
					     .run = 1,
					     .clock = &clock.clock,
					     .clock_trust = hf_clock_trust,
					     .commit = HF_COMMIT_RING };
	struct hf_outbox_report report;
	struct hf_outbox *outbox;
	struct hf_err err;
	uint64_t n = 0;

	clock.clock.context = &clock;
	if (hf_outbox_open(disk, &options, &outbox, &report, &err) != HF_OK)
		die(err.text);
	const struct hf_outbox_counters *counters = hf_outbox_counters(outbox);
	while (counters->bytes < bytes_wanted) {
		clock.ahead_ms = (int64_t)(counters->bytes * DAYS / bytes_wanted) * day_ms;
		for (size_t i = 0; i < HF_OUTBOX_BATCH_MAX; i++) {
			offers[i] = make_offer(++n, hf_wall_now(&clock.clock));
			pointers[i] = &offers[i];
		}
		if (hf_outbox_append(outbox, pointers, HF_OUTBOX_BATCH_MAX, results, &err) != HF_OK)
			die(err.text);
	}
	hf_outbox_close(outbox);
}

/* Every byte of every day file; work is given each portion. */
static uint64_t read_all(struct hf_disk *disk, void (*work)(const void *data, size_t size_bytes))
{
	static char portion[PORTION_BYTES];
	struct hf_files files;
	struct hf_err err;
	uint64_t bytes = 0;

	if (hf_files_list(disk, HF_OUTBOX_FOLDER, &files, &err) != HF_OK)
		die(err.text);
	for (size_t i = 0; i < files.count; i++) {
		char path[HF_DISK_PATH_BYTES];
		uint64_t at = 0;
		size_t got;
		int file;

		hf_file_path(HF_OUTBOX_FOLDER, files.list[i].name, path);
		if (hf_disk_open(disk, path, HF_DISK_READ, &file, &err) != HF_OK)
			die(err.text);
		do {
			if (hf_disk_read(disk, file, at, portion, sizeof portion, &got, &err) !=
			    HF_OK)
				die(err.text);
			work(portion, got);
			at += got;
		} while (got == sizeof portion);
		hf_disk_close(disk, file);
		bytes += at;
	}
	hf_files_free(&files);
	return bytes;
}

static void sum(const void *data, size_t size_bytes)
{
	static volatile uint32_t kept;

	kept = hf_crc32c(kept, data, size_bytes);
}

/* In pieces of a line's length, as the chain hashes them. */
static void hash(const void *data, size_t size_bytes)
{
	enum {
		PIECE_BYTES = 600
	};
	static uint8_t chain[HF_CHAIN_BYTES];

	for (size_t at = 0; at < size_bytes; at += PIECE_BYTES) {
		struct hf_line line = { .data = (const char *)data + at,
					.size_bytes = size_bytes - at < PIECE_BYTES
							      ? size_bytes - at
							      : PIECE_BYTES };

		if (line.size_bytes > HF_LINE_CHAIN_END_BYTES)
			hf_line_chain(chain, &line, chain);
	}
}

static void verify(struct hf_disk *disk)
{
	struct hf_verify_options options = { .disk = disk, .folder = HF_OUTBOX_FOLDER };
	struct hf_verify_report report;
	struct hf_err err;

	if (hf_verify(&options, &report, &err) != HF_OK)
		die(err.text);
	if (report.problems != 0)
		die("the outbox just written has problems");
}

static void report(const char *figure, double value, double limit)
{
	char text[512];
	struct hf_err err;
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "bench", "outbox_verify");
	hf_json_put_text(&json, "figure", figure);
	hf_json_put_real(&json, "value", value, 1);
	hf_json_put_text(&json, "unit", "MB/s");
	hf_json_put_real(&json, "limit", limit, 1);
	hf_json_put_real(&json, "ratio", value / limit, 3);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		(void)puts(text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

int main(int argc, char **argv)
{
	char folder[4096];
	uint64_t bytes_wanted = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1000) * 1000000;
	double best[3] = { 0 };
	struct hf_disk *disk = NULL;
	struct hf_err err;

	(void)snprintf(folder, sizeof folder, "%s/verify-bench-XXXXXX", argc > 1 ? argv[1] : ".");
	if (mkdtemp(folder) == NULL || hf_disk_real_open(folder, &disk, &err) != HF_OK)
		die(folder);
	fill(disk, bytes_wanted);
	uint64_t bytes = read_all(disk, sum);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < HF_ARRAY_LEN(best); i++) {
			int64_t begun = now_us();

			if (i == 2)
				verify(disk);
			else
				(void)read_all(disk, i == 0 ? sum : hash);
			double rate = (double)bytes / (double)(now_us() - begun);
			best[i] = rate > best[i] ? rate : best[i];
		}
	report("read, SHA-256 as in the chain", best[1], best[0]);
	report("verify: all of it", best[2], best[0]);
	hf_disk_real_close(disk);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return EXIT_SUCCESS;
}
