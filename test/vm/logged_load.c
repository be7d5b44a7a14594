/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logged_load - inside the virtual machine: the real keeper under load, its acknowledgements
 * marked on the logged disk (test/crash/marked.h).
 *
 * Usage       logged_load KEEPER DATA RUN DISK OFFSET SEED EVENTS FAST_DAYS.so ring|file
 */
#include "../crash/load.h"
#include "../crash/marked.h"
#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PRODUCERS = 3,
};

static struct keeper_host host;
static struct load load;
static struct marked page __attribute__((aligned(MARKED_BYTES)));
static uint64_t marked_through[PRODUCERS]; /* of each producer: acknowledged and marked */

static enum hf_code write_page(int disk, off_t *offset, struct hf_err *err)
{
	if (page.count == 0)
		return HF_OK;
	page.magic = MARKED_MAGIC;
	if (pwrite(disk, &page, sizeof page, *offset) != (ssize_t)sizeof page)
		return hf_fail_errno(err, "mark");
	*offset += (off_t)sizeof page;
	memset(&page, 0, sizeof page);
	return HF_OK;
}

static enum hf_code mark(int disk, off_t *offset, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	for (unsigned i = 0; code == HF_OK && i < PRODUCERS; i++) {
		const struct load_producer *p = &load.producers[i];

		while (code == HF_OK && marked_through[i] < p->answered) {
			uint64_t n = ++marked_through[i];

			page.acks[page.count++] = (struct marked_ack){
				.producer = i, .n = n, .local_seq = p->events[n].local_seq
			};
			if (page.count == MARKED_ACKS_MAX)
				code = write_page(disk, offset, err);
		}
	}
	return code != HF_OK ? code : write_page(disk, offset, err);
}

static enum hf_code run(char **argv, struct hf_err *err)
{
	static struct hf_config config;
	struct keeper_host_options options = {
		.executable = argv[1],
		.data_path = argv[2],
		.run_path = argv[3],
		.device_id = "unit-7",
		.boot_id = "01234567-89ab-cdef-0123-0123456789ab",
		.boot = 3,
		.run = 1,
		.producers = PRODUCERS,
		.config = &config,
		.stderr_fd = -1,
	};

	hf_config_defaults(&config);
	config.outbox_commit = strcmp(argv[9], "file") == 0 ? 1 : 0;
	off_t offset = (off_t)strtoull(argv[5], NULL, 10);
	uint64_t events = strtoull(argv[7], NULL, 10);
	HF_AUTO_FD disk = open(argv[4], O_WRONLY | O_DIRECT | O_CLOEXEC);

	if (disk < 0 || mkdir(argv[2], 0700) != 0 || mkdir(argv[3], 0700) != 0)
		return hf_fail_errno(err, "open %s", argv[4]);
	load_begin(&load, strtoull(argv[6], NULL, 10));
	load.shape = (struct load_shape){ .producers = PRODUCERS,
					  .window = 6,
					  .events_max = events / PRODUCERS };
	(void)setenv("LD_PRELOAD", argv[8], 1);
	enum hf_code code = keeper_host_spawn(&options, &host, err);
	(void)unsetenv("LD_PRELOAD");
	if (code == HF_OK)
		code = hf_spawn_start(&host.child, err);
	while (code == HF_OK && load_acknowledged(&load) < PRODUCERS * load.shape.events_max) {
		code = load_send(&load, &host, err);
		load_wait(&load, &host, 1000000);
		if (code == HF_OK)
			code = load_take(&load, &host, false, err);
		if (code == HF_OK)
			code = mark(disk, &offset, err);
	}
	keeper_host_kill(&host);
	return code;
}

int main(int argc, char **argv)
{
	struct hf_err err = { 0 };

	if (argc != 10)
		return 2;
	enum hf_code code = run(argv, &err);
	printf("%s 1 - %" PRIu64 " events were acknowledged%s%s\n", code == HF_OK ? "ok" : "not ok",
	       load_acknowledged(&load), code == HF_OK ? "" : ": ", code == HF_OK ? "" : err.text);
	return code == HF_OK ? 0 : 1;
}
