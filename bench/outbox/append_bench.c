/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Question: how much of the disk's own speed does a durable append have?
 *
 * Method: the limit is one write() of a line and one fdatasync() at a time into a file written
 * before, measured right before and right after each figure, on the same folder; the ratio is
 * to the mean of the two. A second limit, the same into a growing file, shows what the file
 * system takes for growth. FOLDER (default: the current one) must be on the disk in question.
 *
 * append_bench [FOLDER] [SECONDS a figure, default 1]
 */
#include "base/auto.h"
#include "base/disk.h"
#include "base/json.h"
#include "outbox/writer.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_BYTES = 600,
	CAL_BYTES = 16 * 1024 * 1024,
};

static int64_t now_us(void)
{
	return hf_mono_now(hf_clock_real()).us;
}

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Flushed writes a second; grow: behind the end, else over what is there. */
static double bare(const char *folder, int64_t for_us, bool grow)
{
	static char block[64 * 1024];
	char path[4096];
	uint64_t count = 0;
	off_t at = 0;

	(void)snprintf(path, sizeof path, "%s/calibration", folder);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	memset(block, 'c', sizeof block);
	for (off_t done = 0; !grow && done < CAL_BYTES; done += (off_t)sizeof block)
		if (pwrite(fd, block, sizeof block, done) != (ssize_t)sizeof block)
			die("write");
	if (fsync(fd) != 0)
		die("fsync");
	int64_t begun = now_us();
	while (now_us() - begun < for_us) {
		if (pwrite(fd, block, LINE_BYTES, at) != LINE_BYTES || fdatasync(fd) != 0)
			die("write and flush");
		at += LINE_BYTES;
		if (!grow && at + LINE_BYTES > CAL_BYTES)
			at = 0;
		count++;
	}
	double seconds = (double)(now_us() - begun) / 1e6;
	(void)unlink(path);
	return (double)count / seconds;
}

static struct hf_offer make_offer(uint64_t n)
{
	struct hf_err err;
	struct hf_offer offer;
	struct hf_event_context context = { .boot_id = "01234567-89ab-cdef-0123-456789abcdef",
					    .release = "bench" };
	struct hf_origin origin = { .boot = 1, .run = 1, .n = n, .producer = 'r' };
	struct hf_event event = { .event_class = "pre_action_zone_entry",
				  .captured_wall = hf_wall_now(hf_clock_real()),
				  .layout_id = "4x4-std",
				  .camera_name = "gate",
				  .zone_id = "z1",
				  .model_tag = "person-v7@a1f2c9",
				  .clock = "synced",
				  .attrs = "{\"score\":0.91,\"box\":[12,34,56,78]}" };

	if (hf_offer_make(&event, &context, &origin, &offer, &err) != HF_OK)
		die(err.text);
	return offer;
}

/* Events a second through the writer, batch at a time. */
static double outbox(const char *folder, int64_t for_us, size_t batch)
{
	static struct hf_offer offers[HF_OUTBOX_BATCH_MAX];
	static uint64_t n;
	const struct hf_offer *pointers[HF_OUTBOX_BATCH_MAX];
	struct hf_outbox_result results[HF_OUTBOX_BATCH_MAX];
	struct hf_outbox_report report;
	struct hf_err err;
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_outbox_options options = { .device_id = "bench",
					     .epoch = "0123456789abcdef",
					     .boot = 1,
					     .run = 1,
					     .clock = hf_clock_real(),
					     .clock_trust = hf_clock_trust };
	uint64_t count = 0;
	double seconds = 0;

	if (hf_disk_real_open(folder, &disk, &err) != HF_OK ||
	    hf_outbox_open(disk, &options, &outbox, &report, &err) != HF_OK)
		die(err.text);
	while (seconds * 1e6 < (double)for_us) {
		/* What a producer does is not what is measured. */
		for (size_t i = 0; i < batch; i++) {
			offers[i] = make_offer(++n);
			pointers[i] = &offers[i];
		}
		int64_t begun = now_us();
		if (hf_outbox_append(outbox, pointers, batch, results, &err) != HF_OK)
			die(err.text);
		seconds += (double)(now_us() - begun) / 1e6;
		count += batch;
	}
	hf_outbox_close(outbox);
	hf_disk_real_close(disk);
	return (double)count / seconds;
}

static void report(const char *figure, double value, double limit)
{
	char text[512];
	struct hf_err err;
	struct hf_json json = hf_json_begin(text, sizeof text);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "bench", "outbox_append");
	hf_json_put_text(&json, "figure", figure);
	hf_json_put_real(&json, "value", value, 1);
	hf_json_put_text(&json, "unit", "events/s");
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
	static const size_t batches[] = { 1, 16, 64, HF_OUTBOX_BATCH_MAX };
	char folder[4096];
	int64_t for_us = argc > 2 ? atol(argv[2]) * 1000000 : 1000000;

	(void)snprintf(folder, sizeof folder, "%s/outbox-bench-XXXXXX", argc > 1 ? argv[1] : ".");
	if (mkdtemp(folder) == NULL)
		die(folder);
	double before = bare(folder, for_us, false);
	double grown = bare(folder, for_us, true);
	double after = bare(folder, for_us, false);
	report("bare growing file", grown, (before + after) / 2);
	for (size_t i = 0; i < HF_ARRAY_LEN(batches); i++) {
		char figure[64];

		before = after;
		double value = outbox(folder, for_us, batches[i]);
		after = bare(folder, for_us, false);
		(void)snprintf(figure, sizeof figure, "%zu a flush", batches[i]);
		report(figure, value, (before + after) / 2);
	}
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return EXIT_SUCCESS;
}
