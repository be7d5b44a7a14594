/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * uplink_bench - supervisor, keeper and hub around one real uplink, in one thread.
 *
 * Owners      For uplink_test.c alone, which waits with WAIT_FOR() until what it wants to see is
 *             there; pump() is what lets it come.
 */
#include "base/auto.h"
#include "base/disk.h"
#include "base/file.h"
#include "outbox/cursor.h"
#include "outbox/writer.h"
#include "proc/common/spawn.h"
#include "uplink/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test.h"

enum {
	WAIT_MS_MAX = 60000, /* a condition that is not met by then never will be */
	PUMP_MS = 50,
	NOTES_MAX = 256,
	DAY_BYTES_MAX = 64 * 1024 * 1024,
};

struct seen_note {
	char event_class[HF_ID_BYTES];
	char attrs[1024];
};

struct bench {
	char folder[64];
	char store[96];
	char token[96];
	struct hf_disk *disk;
	struct hf_outbox *outbox;
	struct hf_watermark_page *page;
	struct hf_config config;
	struct hf_hello hello;
	uint64_t offered;
	uint64_t committed;

	pid_t hub;
	int hub_in;
	FILE *hub_out;
	unsigned port;
	char scenario[32]; /* in force at the hub */
	unsigned requests; /* in this scenario */
	unsigned posts;    /* all */
	unsigned heads, puts;
	unsigned duplicates; /* lines that the hub had already */
	unsigned lines_max;  /* of one request */
	uint64_t mark;

	struct hf_child uplink;
	int keeper_fd;
	uint64_t told; /* by CURSOR */
	unsigned fork_count;
	struct hf_fork_note fork; /* the last */
	unsigned stats_count;
	json_t *stats;
	unsigned note_count;
	struct seen_note notes[NOTES_MAX];
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

/* --- the hub --- */

static void hub_start(struct bench *bench)
{
	int in[2], out[2];
	const char *script = getenv("HOLDFAST_HOSTILE_HUB");

	CHECK(script != NULL);
	CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	bench->hub = fork();
	CHECK(bench->hub >= 0);
	if (bench->hub == 0) {
		if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			_exit(126);
		(void)execlp("node", "node", script, bench->store, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	bench->hub_in = in[1];
	bench->hub_out = fdopen(out[0], "r");
	CHECK(bench->hub_out != NULL);
	/* Lines are read only when poll() says so: the stream may not keep any back. */
	CHECK(setvbuf(bench->hub_out, NULL, _IONBF, 0) == 0);
}

static void hub_stop(struct bench *bench)
{
	(void)close(bench->hub_in);
	(void)fclose(bench->hub_out);
	while (waitpid(bench->hub, NULL, 0) < 0 && errno == EINTR)
		;
	bench->hub_out = NULL;
}

static unsigned number_of(const json_t *object, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(object, key));
}

static void on_hub_line(struct bench *bench)
{
	char line[4096];

	if (fgets(line, sizeof line, bench->hub_out) == NULL)
		fail_msg("the hostile hub is gone");
	json_t *said = json_loads(line, 0, NULL);
	CHECK(said != NULL);
	const json_t *wrong = json_object_get(said, "wrong");
	if (json_array_size(wrong) > 0)
		fail_msg("a request is wrong: %s", line);
	if (json_object_get(said, "port") != NULL) {
		bench->port = number_of(said, "port");
	} else if (json_object_get(said, "thumb") != NULL) {
		bool put = strcmp(json_string_value(json_object_get(said, "method")), "PUT") == 0;

		*(put ? &bench->puts : &bench->heads) += 1;
	} else if (json_object_get(said, "lines") == NULL) {
		(void)snprintf(bench->scenario, sizeof bench->scenario, "%s",
			       json_string_value(json_object_get(said, "scenario")));
		bench->requests = 0;
	} else {
		bench->requests++;
		bench->posts++;
		bench->duplicates += number_of(said, "duplicates");
		bench->mark = number_of(said, "mark");
		if (number_of(said, "lines") > bench->lines_max)
			bench->lines_max = number_of(said, "lines");
	}
	json_decref(said);
}

/* --- supervisor and keeper --- */

static void on_control(struct bench *bench)
{
	struct hf_msg msg;
	struct hf_err err;
	enum hf_code code = hf_msg_receive(bench->uplink.control_fd, bench->buffer, &msg, &err);

	if (code == HF_E_AGAIN)
		return;
	if (code != HF_OK)
		fail_msg("the uplink is gone: %s", err.text);
	CHECK(hf_msg_allowed(msg.type, HF_ROLE_UPLINK));
	if (msg.type == HF_MSG_STATS) {
		json_decref(bench->stats);
		bench->stats = json_loadb((const char *)msg.body, msg.size_bytes, 0, NULL);
		CHECK(json_is_object(bench->stats));
		bench->stats_count++;
	} else if (msg.type == HF_MSG_NOTE) {
		struct hf_note note;

		hf_msg_get(&msg, &note, sizeof note);
		CHECK_OK(hf_msg_end(&msg, &err));
		CHECK(bench->note_count < NOTES_MAX);
		struct seen_note *seen = &bench->notes[bench->note_count++];
		memcpy(seen->event_class, note.event_class, sizeof seen->event_class);
		memcpy(seen->attrs, note.attrs, sizeof seen->attrs);
	}
	hf_msg_drop(&msg);
}

static void on_keeper(struct bench *bench)
{
	struct hf_msg msg;
	struct hf_err err;
	struct hf_cursor_note body;
	uint64_t stored;

	if (hf_msg_receive(bench->keeper_fd, bench->buffer, &msg, &err) != HF_OK)
		return;
	if (msg.type == HF_MSG_FORK) {
		hf_msg_get(&msg, &bench->fork, sizeof bench->fork);
		CHECK_OK(hf_msg_end(&msg, &err));
		bench->fork_count++;
		return;
	}
	CHECK_U64(msg.type, ==, HF_MSG_CURSOR);
	hf_msg_get(&msg, &body, sizeof body);
	CHECK_OK(hf_msg_end(&msg, &err));
	/* Said only after the flush, and it never goes back. */
	CHECK_OK(hf_cursor_load(bench->disk, HF_CURSOR_HUB, &stored, &err));
	CHECK_U64(stored, >=, body.acked_through);
	CHECK_U64(body.acked_through, >=, bench->told);
	bench->told = body.acked_through;
}

static void pump(struct bench *bench)
{
	struct pollfd fds[3] = {
		{ .fd = fileno(bench->hub_out), .events = POLLIN },
		{ .fd = bench->uplink.control_fd, .events = POLLIN },
		{ .fd = bench->uplink.control_fd >= 0 ? bench->keeper_fd : -1, .events = POLLIN },
	};

	(void)poll(fds, HF_ARRAY_LEN(fds), PUMP_MS);
	if (fds[0].revents != 0)
		on_hub_line(bench);
	if (fds[1].revents != 0)
		on_control(bench);
	if (fds[2].revents != 0)
		on_keeper(bench);
}

#define WAIT_FOR(bench, condition)                                                           \
	do {                                                                                 \
		struct hf_mono test_end =                                                    \
			hf_mono_add_ms(hf_mono_now(hf_clock_real()), WAIT_MS_MAX);           \
		while (!(condition)) {                                                       \
			if (hf_mono_before(test_end, hf_mono_now(hf_clock_real())))          \
				fail_msg("%d: never came true in scenario %s: %s", __LINE__, \
					 (bench)->scenario, #condition);                     \
			pump(bench);                                                         \
		}                                                                            \
	} while (0)

static void scenario(struct bench *bench, const char *command)
{
	struct hf_err err;
	char line[64], name[32];

	(void)snprintf(line, sizeof line, "%s\n", command);
	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(command, " "), command);
	CHECK_OK(hf_write_all(bench->hub_in, line, strlen(line), &err));
	bench->scenario[0] = '\0';
	WAIT_FOR(bench, strcmp(bench->scenario, name) == 0);
}

static void uplink_start(struct bench *bench)
{
	struct hf_err err;
	HF_AUTO_FD config_fd = -1;
	const char *path = getenv("HOLDFAST_UPLINK");

	CHECK(path != NULL);
	CHECK_OK(hf_spawn_config(&bench->config, &config_fd, &err));
	const struct hf_spawn spawn = {
		.path = path, .hello = &bench->hello, .config_fd = config_fd, .stderr_fd = -1
	};
	CHECK_OK(hf_spawn_worker(&spawn, &bench->uplink, &err));
	CHECK_OK(hf_spawn_link_here(&bench->uplink, HF_ROLE_KEEPER, 0, 0, -1, &bench->keeper_fd,
				    &err));
	CHECK_OK(hf_spawn_start(&bench->uplink, &err));
	bench->stats_count = 0;
}

/* The supervisor goes away: the uplink stores what it has and ends by itself. */
static void uplink_stop(struct bench *bench)
{
	struct hf_err err;
	struct hf_exit ended;

	(void)close(bench->uplink.control_fd);
	bench->uplink.control_fd = -1;
	WAIT_FOR(bench, hf_child_reap(&bench->uplink, &ended, &err) == HF_OK);
	CHECK_I64(ended.status, ==, 0);
	hf_child_close(&bench->uplink);
	(void)close(bench->keeper_fd);
	bench->told = 0;
}

static void uplink_kill(struct bench *bench)
{
	hf_child_close(&bench->uplink);
	(void)close(bench->keeper_fd);
	bench->told = 0;
}

/* Commit events as keeper does: append, publish, wake. */
static void commit_thumb(struct bench *bench, unsigned count, const char *thumb_path)
{
	struct hf_err err;
	struct hf_outbox_result result;
	struct hf_watermark position;

	for (unsigned i = 0; i < count; i++) {
		struct hf_offer offer;
		struct hf_origin origin = {
			.boot = 1, .run = 1, .n = ++bench->offered, .producer = 'r'
		};
		struct hf_event_context context = { .release = "r1" };
		struct hf_event event = { .event_class = "pre_action_zone_entry",
					  .captured_wall = hf_wall_now(hf_clock_real()),
					  .layout_id = "4x4-std",
					  .camera_name = "gate \xc3\xa4",
					  .thumb_path = thumb_path,
					  .clock = "synced" };

		memcpy(context.boot_id, bench->hello.boot_id, sizeof context.boot_id);
		CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
		const struct hf_offer *offers[] = { &offer };
		CHECK_OK(hf_outbox_append(bench->outbox, offers, 1, &result, &err));
		CHECK_CODE(result.code, HF_OK);
	}
	hf_outbox_position(bench->outbox, &position);
	hf_watermark_publish(bench->page, &position);
	bench->committed = position.seq;
	if (bench->uplink.control_fd >= 0) {
		struct hf_committed body = { .local_seq = position.seq };

		CHECK_OK(hf_msg_send(bench->keeper_fd, HF_MSG_COMMITTED, &body, sizeof body, NULL,
				     0, &err));
	}
}

static void commit(struct bench *bench, unsigned count)
{
	commit_thumb(bench, count, NULL);
}

/* --- what is looked at --- */

static const char *stat_text(const struct bench *bench, const char *key)
{
	const char *text = json_string_value(json_object_get(bench->stats, key));

	return text != NULL ? text : "";
}

static uint64_t stat_u64(const struct bench *bench, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(bench->stats, key));
}

static unsigned notes_of(const struct bench *bench, const char *event_class)
{
	unsigned count = 0;

	for (unsigned i = 0; i < bench->note_count; i++)
		count += strcmp(bench->notes[i].event_class, event_class) == 0;
	return count;
}

static const char *attrs_of(const struct bench *bench, const char *event_class)
{
	for (unsigned i = 0; i < bench->note_count; i++)
		if (strcmp(bench->notes[i].event_class, event_class) == 0)
			return bench->notes[i].attrs;
	return "";
}

static uint64_t stored_cursor(struct bench *bench)
{
	struct hf_err err;
	uint64_t seq = 0;
	enum hf_code code = hf_cursor_load(bench->disk, HF_CURSOR_HUB, &seq, &err);

	CHECK(code == HF_OK || code == HF_E_NOENT);
	return seq;
}

static struct hf_retry stored_retry(struct bench *bench)
{
	struct hf_err err;
	struct hf_retry retry;

	hf_retry_init(&retry, bench->config.hub_backoff_min_ms, bench->config.hub_backoff_max_ms);
	CHECK_OK(hf_retry_load(&retry, bench->disk, HF_RETRY_HUB, hf_mono_now(hf_clock_real()),
			       &err));
	return retry;
}

/* The hub holds the bytes of the day file but the lines that were refused. */
static void check_store(struct bench *bench, const uint64_t *refused, size_t refused_count)
{
	struct hf_err err;
	struct hf_watermark position;
	HF_AUTO_FREE char *day = NULL;
	HF_AUTO_FREE char *store = NULL;
	size_t day_bytes, store_bytes;
	char path[160];

	hf_outbox_position(bench->outbox, &position);
	(void)snprintf(path, sizeof path, "%s/outbox/%s", bench->folder, position.file);
	CHECK_OK(hf_file_read(path, DAY_BYTES_MAX, &day, &day_bytes, &err));
	CHECK_OK(hf_file_read(bench->store, DAY_BYTES_MAX, &store, &store_bytes, &err));
	const char *at = store, *end = day + day_bytes;
	for (const char *line = day; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		struct hf_line parsed;
		bool skip = false;

		CHECK(newline != NULL);
		size_t size = (size_t)(newline + 1 - line);
		CHECK_OK(hf_line_parse(line, size, &parsed, &err));
		for (size_t i = 0; i < refused_count; i++)
			skip |= parsed.local_seq == refused[i];
		if (!skip) {
			CHECK((size_t)(store + store_bytes - at) >= size);
			CHECK(memcmp(at, line, size) == 0);
			at += size;
		}
		line = newline + 1;
	}
	CHECK(at == store + store_bytes);
}

/* Everything has arrived and keeper knows. */
static void arrives(struct bench *bench)
{
	WAIT_FOR(bench, bench->told == bench->committed && bench->mark == bench->committed);
	CHECK_U64(stored_cursor(bench), ==, bench->committed);
}

/* --- set up and take down --- */

static void make_config(struct bench *bench)
{
	hf_config_defaults(&bench->config);
	(void)snprintf(bench->config.hub_url, sizeof bench->config.hub_url, "http://127.0.0.1:%u/",
		       bench->port);
	(void)snprintf(bench->config.hub_token_file, sizeof bench->config.hub_token_file, "%s",
		       bench->token);
	bench->config.hub_connect_ms = 5000;
	bench->config.hub_total_ms = 5000;
	bench->config.hub_backoff_min_ms = 100;
	bench->config.hub_backoff_max_ms = 300;
}

static struct bench *bench_open(void)
{
	struct hf_err err;
	struct bench *bench = calloc(1, sizeof *bench);
	char template[] = "/tmp/hf_uplink_XXXXXX";
	struct hf_outbox_report report;

	CHECK(bench != NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(template) != NULL);
	memcpy(bench->folder, template, sizeof template);
	(void)snprintf(bench->store, sizeof bench->store, "%s/hub_store", bench->folder);
	(void)snprintf(bench->token, sizeof bench->token, "%s/token", bench->folder);
	CHECK_OK(hf_file_replace(bench->token, "sesame\n", 7, 0600, &err));
	bench->uplink = HF_CHILD_NONE;
	bench->hello = (struct hf_hello){ .role = HF_ROLE_UPLINK, .boot = 1, .run = 1 };
	(void)snprintf(bench->hello.boot_id, sizeof bench->hello.boot_id,
		       "01234567-89ab-cdef-0123-456789abcdef");
	(void)snprintf(bench->hello.device_id, sizeof bench->hello.device_id, "unit-7");
	(void)snprintf(bench->hello.data_path, sizeof bench->hello.data_path, "%s", bench->folder);
	(void)snprintf(bench->hello.run_path, sizeof bench->hello.run_path, "%s/run",
		       bench->folder);
	CHECK_OK(hf_folder_make(bench->hello.run_path, 0750, &err));

	CHECK_OK(hf_disk_real_open(bench->folder, &bench->disk, &err));
	struct hf_outbox_options options = { .device_id = "unit-7",
					     .epoch = "00112233aabbccdd",
					     .boot = 1,
					     .run = 1,
					     .clock = hf_clock_real(),
					     .clock_trust = hf_clock_trust };
	memcpy(options.context.boot_id, bench->hello.boot_id, sizeof options.context.boot_id);
	(void)snprintf(options.context.release, sizeof options.context.release, "r1");
	CHECK_OK(hf_outbox_open(bench->disk, &options, &bench->outbox, &report, &err));
	CHECK_OK(hf_watermark_create(bench->hello.run_path, bench->hello.boot_id, 1, &bench->page,
				     &err));
	hub_start(bench);
	WAIT_FOR(bench, bench->port != 0);
	make_config(bench);
	return bench;
}

static void remove_tree(const char *path)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static void bench_close(struct bench *bench)
{
	if (bench->uplink.control_fd >= 0)
		uplink_stop(bench);
	hub_stop(bench);
	hf_watermark_close(bench->page);
	hf_outbox_close(bench->outbox);
	hf_disk_real_close(bench->disk);
	json_decref(bench->stats);
	remove_tree(bench->folder);
	free(bench);
}
