/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_log - writes the data folder of a unit that has run for a long time: valid lines in one
 * chain, numbers without a gap, a header in each file, one file a day up to today.
 *
 * Usage    outbox-make-log FOLDER BYTES FILES
 * Output   one JSON object: what was written
 *
 * Lines go through hf_line_make() as keeper's do; only the flush after each is left out.
 */
#include "bench.h"

#include "base/clock.h"
#include "base/disk.h"
#include "base/file.h"
#include "outbox/cursor.h"
#include "outbox/files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIECE_BYTES = 4 * 1024 * 1024,
};

struct log {
	const char *folder;
	int fd;
	size_t used;
	uint64_t file_bytes;
	uint64_t bytes;
	uint64_t seq;
	uint64_t n;
	uint32_t crc32c;
	uint8_t chain[HF_CHAIN_BYTES];
	char name[HF_FILE_NAME_BYTES];
	char previous[HF_FILE_NAME_BYTES];
	char piece[PIECE_BYTES];
};

static void flush(struct log *log)
{
	struct hf_err err;

	if (hf_write_all(log->fd, log->piece, log->used, &err) != HF_OK)
		bench_die(err.text);
	log->used = 0;
}

static void add(struct log *log, const struct hf_offer *offer)
{
	struct hf_err err;
	struct hf_line line;
	uint8_t before[HF_CHAIN_BYTES];
	struct hf_line_stamp stamp = { .device_id = BENCH_DEVICE,
				       .epoch = BENCH_EPOCH,
				       .local_seq = ++log->seq,
				       .chain_previous = before };

	if (log->used + HF_LINE_BYTES_MAX > PIECE_BYTES)
		flush(log);
	memcpy(before, log->chain, sizeof before);
	if (hf_line_make(offer, &stamp, log->piece + log->used, &line, &err) != HF_OK)
		bench_die(err.text);
	memcpy(log->chain, line.chain, sizeof log->chain);
	log->crc32c = line.crc32c;
	log->used += line.size_bytes;
	log->file_bytes += line.size_bytes;
	log->bytes += line.size_bytes;
}

static void add_header(struct log *log)
{
	char attrs[512], previous[HF_FILE_NAME_BYTES + 2] = "null", crc[16] = "null";
	struct hf_err err;
	struct hf_offer offer;
	struct hf_event_context context = { .boot_id = BENCH_BOOT, .release = "bench" };
	struct hf_origin origin = { .boot = 1, .run = 1, .n = log->seq + 1, .producer = 'k' };

	if (log->previous[0] != '\0') {
		(void)snprintf(previous, sizeof previous, "\"%s\"", log->previous);
		(void)snprintf(crc, sizeof crc, "\"%08x\"", log->crc32c);
	}
	(void)snprintf(attrs, sizeof attrs,
		       "{\"first_seq\":%" PRIu64 ",\"previous\":%s,\"previous_seq\":%" PRIu64
		       ",\"previous_crc32c\":%s,\"reason\":\"%s\"}",
		       log->seq + 1, previous, log->seq, crc, log->seq == 0 ? "first" : "day");
	struct hf_event event = { .event_class = HF_CLASS_FILE_OPENED,
				  .captured_wall = hf_wall_now(hf_clock_real()),
				  .clock = "synced",
				  .attrs = attrs };
	if (hf_offer_make(&event, &context, &origin, &offer, &err) != HF_OK)
		bench_die(err.text);
	add(log, &offer);
}

static void write_file(struct log *log, uint64_t days_ago, uint64_t size_bytes)
{
	char path[BENCH_PATH_BYTES], day[HF_DAY_TEXT_BYTES];
	struct hf_wall when = hf_wall_now(hf_clock_real());

	when.ms -= (int64_t)days_ago * 24 * 3600 * 1000;
	hf_wall_day(when, day);
	memcpy(log->previous, log->name, sizeof log->previous);
	(void)snprintf(log->name, sizeof log->name, "%s.jsonl", day);
	(void)snprintf(path, sizeof path, "%s/outbox/%s", log->folder, log->name);
	log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (log->fd < 0)
		bench_die(path);
	log->file_bytes = 0;
	add_header(log);
	while (log->file_bytes < size_bytes) {
		struct hf_offer offer;

		bench_offer('r', 1, ++log->n, &offer);
		add(log, &offer);
	}
	flush(log);
	(void)close(log->fd);
}

static void make_folder(const char *folder, const char *name)
{
	char path[BENCH_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	if (mkdir(path, 0750) != 0)
		bench_die(path);
}

static void note(struct log *log)
{
	struct hf_disk *disk;
	struct hf_err err;
	char path[BENCH_PATH_BYTES], text[HF_FILE_NAME_BYTES + 2];

	(void)snprintf(path, sizeof path, "%s/identity/epoch", log->folder);
	(void)snprintf(text, sizeof text, "%s\n", log->name);
	if (hf_disk_real_open(log->folder, &disk, &err) != HF_OK ||
	    hf_file_replace(path, BENCH_EPOCH "\n", sizeof BENCH_EPOCH, 0600, &err) != HF_OK ||
	    hf_disk_text_replace(disk, "meta/outbox_newest", text, &err) != HF_OK ||
	    hf_cursor_store(disk, "meta/local_seq", log->seq + 1024, &err) != HF_OK)
		bench_die(err.text);
	hf_disk_real_close(disk);
}

int main(int argc, char **argv)
{
	static struct log log;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: outbox-make-log FOLDER BYTES FILES\n");
		return 2;
	}
	log.folder = argv[1];
	uint64_t bytes = strtoull(argv[2], NULL, 10), files = strtoull(argv[3], NULL, 10);
	make_folder(log.folder, "outbox");
	make_folder(log.folder, "meta");
	make_folder(log.folder, "identity");
	for (uint64_t i = 0; i < files; i++)
		write_file(&log, files - 1 - i, bytes / files);
	note(&log);
	(void)printf("{\"events\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"files\":%" PRIu64 "}\n",
		     log.seq, log.bytes, files);
	return EXIT_SUCCESS;
}
