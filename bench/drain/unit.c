/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit - the real uplink over an outbox that is there, between a program that plays supervisor and
 * keeper. It drains until its cursor is at the end; on the way it can be killed again and again.
 *
 * Usage    drain-unit UPLINK DATA RUN URL LAST_SEQ [KILL_MS SEED]
 *          KILL_MS   killed after 1 to so many milliseconds, then started anew
 * Output   {"started_ms","kills"}: the wall time at which the first one was told to start
 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/disk.h"
#include "outbox/files.h"
#include "outbox/watermark.h"
#include "proc/common/spawn.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"

enum {
	SILENCE_MS = 60000,
};

struct unit {
	const char *executable;
	struct hf_hello hello;
	struct hf_config config;
	struct hf_watermark_page *page;
	uint64_t last_seq;
	uint64_t told; /* by CURSOR */
	struct hf_child child;
	int keeper_fd;
	int64_t kill_ms;
	uint64_t chance;
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

static void die(const char *what)
{
	(void)fprintf(stderr, "drain-unit: %s\n", what);
	exit(EXIT_FAILURE);
}

static uint64_t draw(struct unit *unit, uint64_t below)
{
	unit->chance = unit->chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unit->chance >> 33) % below;
}

/* What keeper would have published: everything is committed. */
static void publish(struct unit *unit)
{
	struct hf_disk *disk;
	struct hf_files files;
	struct hf_err err;

	if (hf_disk_real_open(unit->hello.data_path, &disk, &err) != HF_OK ||
	    hf_files_list(disk, HF_OUTBOX_FOLDER, &files, &err) != HF_OK ||
	    hf_watermark_create(unit->hello.run_path, BOOT_ID, 1, &unit->page, &err) != HF_OK)
		die(err.text);
	if (files.count == 0)
		die("the outbox is empty");
	const struct hf_file *newest = &files.list[files.count - 1];
	struct hf_watermark mark = { .order_seq = newest->order_seq,
				     .offset = newest->size_bytes,
				     .flushed = newest->size_bytes,
				     .seq = unit->last_seq };
	memcpy(mark.file, newest->name, sizeof mark.file);
	hf_watermark_publish(unit->page, &mark);
	hf_files_free(&files);
	hf_disk_real_close(disk);
}

/* Ready, and not yet told to begin. */
static void spawn(struct unit *unit)
{
	struct hf_err err;
	struct hf_msg msg = { 0 };
	HF_AUTO_FD config_fd = -1;

	if (hf_spawn_config(&unit->config, &config_fd, &err) != HF_OK)
		die(err.text);
	const struct hf_spawn how = { .path = unit->executable,
				      .hello = &unit->hello,
				      .config_fd = config_fd,
				      .stderr_fd = -1 };
	if (hf_spawn_worker(&how, &unit->child, &err) != HF_OK ||
	    hf_spawn_link_here(&unit->child, HF_ROLE_KEEPER, 0, 0, -1, &unit->keeper_fd, &err) !=
		    HF_OK)
		die(err.text);
	while (msg.type != HF_MSG_READY) {
		struct pollfd wait = { .fd = unit->child.control_fd, .events = POLLIN };

		if (poll(&wait, 1, SILENCE_MS) != 1 ||
		    hf_msg_receive(unit->child.control_fd, unit->buffer, &msg, &err) != HF_OK)
			die("the uplink does not get ready");
		hf_msg_drop(&msg);
	}
}

/* False: it is gone. */
static bool take(struct unit *unit, int fd)
{
	struct hf_msg msg;
	struct hf_err err;
	struct hf_cursor_note note;
	enum hf_code code;

	while ((code = hf_msg_receive(fd, unit->buffer, &msg, &err)) == HF_OK) {
		if (msg.type == HF_MSG_CURSOR) {
			hf_msg_get(&msg, &note, sizeof note);
			if (hf_msg_end(&msg, &err) != HF_OK || note.acked_through < unit->told)
				die("the cursor went back");
			unit->told = note.acked_through;
		}
		hf_msg_drop(&msg);
	}
	return code == HF_E_AGAIN;
}

/* Until everything was delivered, or the time is over. */
static void run(struct unit *unit, int64_t for_ms)
{
	const struct hf_clock *clock = hf_clock_real();
	struct hf_mono end = hf_mono_add_ms(hf_mono_now(clock), for_ms);

	while (unit->told < unit->last_seq) {
		int64_t left_ms = hf_mono_diff_us(end, hf_mono_now(clock)) / 1000;
		struct pollfd fds[] = { { .fd = unit->child.control_fd, .events = POLLIN },
					{ .fd = unit->keeper_fd, .events = POLLIN } };

		if (left_ms <= 0)
			return;
		if (poll(fds, HF_ARRAY_LEN(fds), (int)left_ms) < 0)
			die("poll");
		for (size_t i = 0; i < HF_ARRAY_LEN(fds); i++)
			if (fds[i].revents != 0 && !take(unit, fds[i].fd))
				die("the uplink ended by itself");
	}
}

int main(int argc, char **argv)
{
	static struct unit unit;
	struct hf_err err;
	int64_t started_ms = 0;
	unsigned kills = 0;

	if (argc < 6) {
		(void)fprintf(stderr, "usage: see the head of unit.c\n");
		return 2;
	}
	unit.executable = argv[1];
	unit.hello = (struct hf_hello){ .role = HF_ROLE_UPLINK, .boot = 1, .run = 1 };
	(void)snprintf(unit.hello.boot_id, sizeof unit.hello.boot_id, BOOT_ID);
	(void)snprintf(unit.hello.device_id, sizeof unit.hello.device_id, "bench");
	(void)snprintf(unit.hello.data_path, sizeof unit.hello.data_path, "%s", argv[2]);
	(void)snprintf(unit.hello.run_path, sizeof unit.hello.run_path, "%s", argv[3]);
	hf_config_defaults(&unit.config);
	(void)snprintf(unit.config.hub_url, sizeof unit.config.hub_url, "%s", argv[4]);
	unit.config.hub_backoff_min_ms = 100;
	unit.config.hub_backoff_max_ms = 300;
	unit.last_seq = strtoull(argv[5], NULL, 10);
	unit.kill_ms = argc > 7 ? atol(argv[6]) : 0;
	unit.chance = argc > 7 ? strtoull(argv[7], NULL, 10) : 0;
	publish(&unit);
	while (unit.told < unit.last_seq) {
		spawn(&unit);
		if (started_ms == 0)
			started_ms = hf_wall_now(hf_clock_real()).ms;
		if (hf_spawn_start(&unit.child, &err) != HF_OK)
			die(err.text);
		run(&unit, unit.kill_ms == 0 ? 3600 * 1000
					     : 1 + (int64_t)draw(&unit, (uint64_t)unit.kill_ms));
		kills += unit.told < unit.last_seq;
		hf_child_close(&unit.child);
		(void)close(unit.keeper_fd);
	}
	hf_watermark_close(unit.page);
	(void)printf("{\"started_ms\":%" PRId64 ",\"kills\":%u}\n", started_ms, kills);
	return EXIT_SUCCESS;
}
