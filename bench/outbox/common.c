/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/clock.h"
#include "outbox/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_die(const char *what)
{
	(void)fprintf(stderr, "outbox-bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

int64_t bench_now_us(void)
{
	return hf_mono_now(hf_clock_real()).us;
}

void bench_sample(struct bench_lap *lap, int64_t us, unsigned events)
{
	lap->count += events;
	lap->seconds += (double)us / 1e6;
	if (lap->samples < BENCH_SAMPLES_MAX)
		lap->us[lap->samples++] = (float)us;
}

static struct hf_offer make_offer(size_t note_bytes)
{
	struct hf_err err;
	struct hf_offer offer;
	char attrs[BENCH_LINE_BYTES + 64], note[BENCH_LINE_BYTES + 1];
	struct hf_event_context context = { .boot_id = BENCH_BOOT, .release = "bench" };
	struct hf_origin origin = { .boot = 1, .run = 1, .n = 100000, .producer = 'r' };

	memset(note, 'n', note_bytes);
	note[note_bytes] = '\0';
	(void)snprintf(attrs, sizeof attrs,
		       "{\"score\":0.91,\"box\":[12,34,56,78],\"note\":\"%s\"}", note);
	struct hf_event event = { .event_class = "pre_action_zone_entry",
				  .captured_wall = hf_wall_now(hf_clock_real()),
				  .layout_id = "4x4-std",
				  .camera_name = "gate",
				  .zone_id = "z1",
				  .model_tag = "person-v7@a1f2c9",
				  .clock = "synced",
				  .attrs = attrs };
	if (hf_offer_make(&event, &context, &origin, &offer, &err) != HF_OK)
		bench_die(err.text);
	return offer;
}

static size_t line_bytes(const struct hf_offer *offer)
{
	static char data[HF_LINE_BYTES_MAX];
	struct hf_err err;
	struct hf_line line;
	const uint8_t chain[HF_CHAIN_BYTES] = { 0 };
	struct hf_line_stamp stamp = { .device_id = BENCH_DEVICE,
				       .epoch = BENCH_EPOCH,
				       .local_seq = 100000,
				       .chain_previous = chain };

	if (hf_line_make(offer, &stamp, data, &line, &err) != HF_OK)
		bench_die(err.text);
	return line.size_bytes;
}

void bench_offer(char letter, uint64_t run, uint64_t n, struct hf_offer *ret_offer)
{
	static struct hf_offer model;

	/* Made once: what a producer does to describe an event is not what is measured. */
	if (model.head_bytes == 0) {
		model = make_offer(0);
		model = make_offer(BENCH_LINE_BYTES - line_bytes(&model));
		if (line_bytes(&model) != BENCH_LINE_BYTES)
			bench_die("the line has another size");
	}
	*ret_offer = model;
	hf_origin_text(&(struct hf_origin){ .boot = 1, .run = run, .n = n, .producer = letter },
		       ret_offer->origin);
}

const char *bench_line(void)
{
	static char line[BENCH_LINE_BYTES + 1];

	if (line[0] == '\0') {
		memset(line, 'c', BENCH_LINE_BYTES - 1);
		line[BENCH_LINE_BYTES - 1] = '\n';
	}
	return line;
}

int bench_written_file(const char *folder, const char *name, size_t size_bytes)
{
	static const char block[64 * 1024];
	char path[BENCH_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		bench_die(path);
	for (size_t done = 0; done < size_bytes; done += sizeof block)
		if (pwrite(fd, block, sizeof block, (off_t)done) != (ssize_t)sizeof block)
			bench_die("write");
	if (fsync(fd) != 0)
		bench_die("fsync");
	return fd;
}
