/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever answers in the hub's place, nothing that was not delivered counts as delivered,
 * nothing is lost, and the order holds.
 *
 * Method: the real uplink, started as the supervisor starts it, over a real outbox that this
 * program writes as keeper does; the other end of the network is hostile_hub.mjs. This program
 * plays supervisor and keeper in one loop and waits for conditions, never for a time. At the end
 * of each test the hub holds exactly the bytes of the day files, in their order.
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
	char path[128];

	(void)snprintf(path, sizeof path, "%s/meta/retry_state", bench->folder);
	hf_retry_init(&retry, bench->config.hub_backoff_min_ms, bench->config.hub_backoff_max_ms);
	CHECK_OK(hf_retry_load(&retry, path, hf_mono_now(hf_clock_real()), &err));
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

/* --- tests --- */

TEST(events_go_out_at_once_and_in_order)
{
	struct bench *bench = bench_open();

	uplink_start(bench);
	for (int i = 0; i < 20; i++) {
		commit(bench, 3);
		WAIT_FOR(bench, bench->mark == bench->committed);
	}
	arrives(bench);
	check_store(bench, NULL, 0);
	CHECK_U64(bench->duplicates, ==, 0);
	CHECK_U64(bench->note_count, ==, 0);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "idle") == 0);
	CHECK_TEXT(stat_text(bench, "link"), "up");
	CHECK_U64(stat_u64(bench, "pending"), ==, 0);
	CHECK_U64(stat_u64(bench, "sent"), ==, bench->committed);
	bench_close(bench);
}

TEST(no_answer_but_a_strict_success_counts)
{
	static const char *const hostile[] = {
		"html200",    "json_html200", "redirect302",   "redirect307",   "created201",
		"e500",       "half_json",    "half_response", "wrong_numbers", "lower_numbers",
		"negative",   "fraction",     "wrong_nonce",   "wrong_device",  "wrong_epoch",
		"wrong_type", "twice",        "huge",          "reset",         "portal403",
		"none",       "denied",       "conflict",
	};
	struct bench *bench = bench_open();

	uplink_start(bench);
	commit(bench, 5);
	arrives(bench);
	for (size_t i = 0; i < HF_ARRAY_LEN(hostile); i++) {
		uint64_t before = bench->told;

		scenario(bench, hostile[i]);
		commit(bench, 3);
		/* A third request means that one was judged and waited for at least: libcurl
		 * repeats one by itself when a kept connection dies without a byte. */
		WAIT_FOR(bench, bench->requests >= 3);
		CHECK_U64(bench->told, ==, before);
		CHECK_U64(stored_cursor(bench), ==, before);
		CHECK_U64(bench->mark, ==, before);
		CHECK_U64(stored_retry(bench).attempts, >=, 1);
		scenario(bench, "good");
		arrives(bench);
		CHECK_U64(stored_retry(bench).attempts, ==, 0);
	}
	check_store(bench, NULL, 0);
	CHECK_U64(bench->duplicates, ==, 0);
	bench_close(bench);
}

TEST(a_hub_that_says_nothing_is_given_up_and_tried_again)
{
	struct bench *bench = bench_open();

	bench->config.hub_total_ms = 500;
	uplink_start(bench);
	scenario(bench, "slow");
	commit(bench, 3);
	WAIT_FOR(bench, bench->requests >= 2);
	CHECK_U64(stored_cursor(bench), ==, 0);
	scenario(bench, "good");
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(the_process_goes_on_beating_while_the_hub_is_silent)
{
	struct bench *bench = bench_open();

	bench->config.hub_total_ms = 600000;
	uplink_start(bench);
	scenario(bench, "slow");
	commit(bench, 1);
	WAIT_FOR(bench, bench->requests == 1);
	int64_t beat = atomic_load(&bench->uplink.pulse->beat_us);
	unsigned stats = bench->stats_count;
	WAIT_FOR(bench, atomic_load(&bench->uplink.pulse->beat_us) > beat &&
				bench->stats_count >= stats + 2);
	CHECK_TEXT(stat_text(bench, "state"), "sending");
	CHECK_U64(bench->requests, ==, 1);
	bench_close(bench);
}

TEST(the_link_going_down_and_up_is_told_once_each)
{
	struct bench *bench = bench_open();

	uplink_start(bench);
	commit(bench, 2);
	arrives(bench);
	scenario(bench, "reset");
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests >= 4);
	WAIT_FOR(bench, notes_of(bench, "link_down") == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "link"), "down") == 0);
	CHECK_U64(stat_u64(bench, "pending"), ==, 2);
	CHECK(stat_text(bench, "last_error")[0] != '\0');
	scenario(bench, "good");
	arrives(bench);
	CHECK_U64(notes_of(bench, "link_down"), ==, 1);
	CHECK_U64(notes_of(bench, "link_up"), ==, 1);
	CHECK_U64(bench->note_count, ==, 2);
	CHECK(strstr(attrs_of(bench, "link_down"), "\"error\":") != NULL);
	CHECK(strstr(attrs_of(bench, "link_down"), "\"pending\":2") != NULL);
	CHECK(strstr(attrs_of(bench, "link_up"), "\"waited_ms\":") != NULL);
	bench_close(bench);
}

TEST(a_partial_receipt_goes_on_behind_it)
{
	struct bench *bench = bench_open();

	scenario(bench, "partial");
	commit(bench, 40);
	uplink_start(bench);
	arrives(bench);
	CHECK_U64(bench->requests, >=, 5);
	CHECK_U64(bench->duplicates, ==, 0);
	CHECK_U64(bench->note_count, ==, 0);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_receipt_that_was_lost_brings_duplicates_not_gaps)
{
	struct bench *bench = bench_open();

	uplink_start(bench);
	scenario(bench, "lost_receipt");
	commit(bench, 3);
	WAIT_FOR(bench, bench->requests >= 2);
	CHECK_U64(stored_cursor(bench), ==, 0);
	scenario(bench, "good");
	arrives(bench);
	WAIT_FOR(bench, bench->duplicates > 0);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_refused_line_is_noted_and_the_others_arrive)
{
	static const uint64_t refused[] = { 4 };
	struct bench *bench = bench_open();

	scenario(bench, "reject 4");
	commit(bench, 9);
	uplink_start(bench);
	arrives(bench);
	CHECK_U64(notes_of(bench, "event_rejected"), ==, 1);
	CHECK_U64(bench->note_count, ==, 1);
	CHECK(strstr(attrs_of(bench, "event_rejected"), "\"seq\":4,") != NULL);
	CHECK(strstr(attrs_of(bench, "event_rejected"), "bad_line") != NULL);
	check_store(bench, refused, 1);
	bench_close(bench);
}

TEST(a_batch_that_is_too_large_is_made_smaller)
{
	struct bench *bench = bench_open();

	scenario(bench, "too_large 3");
	commit(bench, 60);
	uplink_start(bench);
	arrives(bench);
	CHECK_U64(bench->note_count, ==, 0);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(one_line_that_is_too_large_for_a_proxy_is_kept)
{
	struct bench *bench = bench_open();

	scenario(bench, "too_large 0");
	commit(bench, 4);
	uplink_start(bench);
	WAIT_FOR(bench, notes_of(bench, "uplink_blocked") == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "blocked") == 0);
	CHECK_U64(stored_cursor(bench), ==, 0);
	scenario(bench, "good");
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(refused_credentials_are_told_and_end_with_a_good_answer)
{
	struct bench *bench = bench_open();

	scenario(bench, "denied");
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests >= 3);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "blocked") == 0);
	CHECK_U64(notes_of(bench, "uplink_blocked"), ==, 1);
	scenario(bench, "good");
	arrives(bench);
	WAIT_FOR(bench, notes_of(bench, "uplink_unblocked") == 1);
	CHECK_U64(bench->note_count, ==, 2);
	bench_close(bench);
}

TEST(a_token_that_is_missing_blocks_until_it_is_there)
{
	struct bench *bench = bench_open();
	struct hf_err err;

	CHECK(unlink(bench->token) == 0);
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, notes_of(bench, "uplink_blocked") == 1);
	CHECK_U64(bench->posts, ==, 0);
	CHECK_OK(hf_file_replace(bench->token, "sesame\n", 7, 0600, &err));
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_busy_hub_is_waited_for_without_news)
{
	struct bench *bench = bench_open();

	bench->config.hub_backoff_max_ms = 600000;
	scenario(bench, "retry_after 500");
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "waiting") == 0);
	CHECK_U64(stat_u64(bench, "attempts"), ==, 1);
	/* Far more than the backoff alone would be, and capped. */
	CHECK_U64(stat_u64(bench, "retry_in_ms"), >, 300000);
	CHECK_U64(stat_u64(bench, "retry_in_ms"), <=, 500000);
	CHECK_U64(bench->note_count, ==, 0);
	/* New events do not shorten the wait. */
	unsigned stats = bench->stats_count;
	commit(bench, 5);
	WAIT_FOR(bench, bench->stats_count >= stats + 2);
	CHECK_U64(bench->requests, ==, 1);
	CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
	bench_close(bench);
}

TEST(a_restart_neither_loses_nor_shortens_the_wait)
{
	struct bench *bench = bench_open();

	bench->config.hub_backoff_min_ms = 600000;
	bench->config.hub_backoff_max_ms = 600000;
	scenario(bench, "e500");
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->requests == 1);
	WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "waiting") == 0);
	uplink_kill(bench);
	struct hf_retry stored = stored_retry(bench);
	CHECK_U64(stored.attempts, ==, 1);
	CHECK_I64(stored.delay_ms, >, 500000);

	scenario(bench, "good");
	uplink_start(bench);
	WAIT_FOR(bench, bench->stats_count >= 2);
	CHECK_U64(bench->requests, ==, 0);
	CHECK_TEXT(stat_text(bench, "state"), "waiting");
	CHECK_U64(stat_u64(bench, "attempts"), ==, 1);
	CHECK_U64(stat_u64(bench, "retry_in_ms"), >, 500000);
	CHECK_U64(stat_u64(bench, "retry_in_ms"), <=, (uint64_t)stored.delay_ms);
	CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
	uplink_kill(bench);

	/* The state file damaged: as if nothing had failed, and not stuck. */
	char path[128];
	struct hf_err err;
	(void)snprintf(path, sizeof path, "%s/meta/retry_state", bench->folder);
	CHECK_OK(hf_file_replace(path, "\0\0\0garbage", 10, 0640, &err));
	uplink_start(bench);
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(killed_at_any_moment_it_brings_everything_once)
{
	struct bench *bench = bench_open();

	bench->config.hub_batch_max = 7;
	for (unsigned round = 1; round <= 8; round++) {
		commit(bench, 25);
		unsigned posts = bench->posts;
		uplink_start(bench);
		WAIT_FOR(bench, bench->posts >= posts + round % 4);
		uplink_kill(bench);
	}
	uplink_start(bench);
	arrives(bench);
	check_store(bench, NULL, 0);
	CHECK_U64(bench->lines_max, <=, 7);
	bench_close(bench);
}

TEST(a_damaged_cursor_sends_again_from_the_beginning)
{
	struct bench *bench = bench_open();
	struct hf_err err;
	char path[128];

	uplink_start(bench);
	commit(bench, 6);
	arrives(bench);
	uplink_stop(bench);
	(void)snprintf(path, sizeof path, "%s/%s", bench->folder, HF_CURSOR_HUB);
	CHECK_OK(hf_file_replace(path, "four\n", 5, 0640, &err));
	uint64_t had = bench->committed;
	uplink_start(bench);
	commit(bench, 1);
	arrives(bench);
	CHECK_U64(bench->duplicates, ==, had);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(nothing_is_sent_before_keeper_has_published_in_this_boot)
{
	struct bench *bench = bench_open();

	/* What stands in the page is of another boot. */
	commit(bench, 3);
	(void)snprintf(bench->hello.boot_id, sizeof bench->hello.boot_id,
		       "ffffffff-89ab-cdef-0123-456789abcdef");
	uplink_start(bench);
	WAIT_FOR(bench, bench->stats_count >= 3);
	CHECK_U64(bench->posts, ==, 0);
	CHECK_U64(stat_u64(bench, "pending"), ==, 0);

	struct hf_err err;
	hf_watermark_close(bench->page);
	CHECK_OK(hf_watermark_create(bench->hello.run_path, bench->hello.boot_id, 2, &bench->page,
				     &err));
	commit(bench, 1);
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(lines_above_the_watermark_are_not_sent)
{
	struct bench *bench = bench_open();
	struct hf_watermark held;

	commit(bench, 3);
	hf_outbox_position(bench->outbox, &held);
	commit(bench, 4);
	hf_watermark_publish(bench->page, &held);
	uplink_start(bench);
	WAIT_FOR(bench, bench->told == held.seq);
	unsigned stats = bench->stats_count;
	WAIT_FOR(bench, bench->stats_count >= stats + 2);
	CHECK_U64(bench->mark, ==, held.seq);
	commit(bench, 1);
	arrives(bench);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(an_address_that_may_not_be_used_is_told_and_waited_out)
{
	static const char *const urls[] = { "http://192.0.2.1:9/", "ftp://192.0.2.1/", "hub" };

	for (size_t i = 0; i < HF_ARRAY_LEN(urls); i++) {
		struct bench *bench = bench_open();

		(void)snprintf(bench->config.hub_url, sizeof bench->config.hub_url, "%s", urls[i]);
		uplink_start(bench);
		commit(bench, 2);
		WAIT_FOR(bench, notes_of(bench, "uplink_blocked") == 1);
		WAIT_FOR(bench, strcmp(stat_text(bench, "state"), "blocked") == 0);
		CHECK(strstr(attrs_of(bench, "uplink_blocked"), "hub.url") != NULL);
		CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
		bench_close(bench);
	}
}

TEST(without_a_hub_nothing_is_sent_and_nothing_fails)
{
	struct bench *bench = bench_open();

	bench->config.hub_url[0] = '\0';
	uplink_start(bench);
	commit(bench, 2);
	WAIT_FOR(bench, bench->stats_count >= 2);
	CHECK_TEXT(stat_text(bench, "state"), "idle");
	CHECK_U64(stat_u64(bench, "pending"), ==, bench->committed);
	CHECK_U64(bench->note_count, ==, 0);
	bench_close(bench);
}

TEST(pictures_follow_their_events)
{
	struct bench *bench = bench_open();
	struct hf_err err;
	char folder[96], path[256], hex[65];
	uint8_t digest[crypto_hash_sha256_BYTES];
	static const char jpeg[] = "\xff\xd8 a picture \xff\xd9";

	(void)crypto_hash_sha256(digest, (const uint8_t *)jpeg, sizeof jpeg);
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	(void)snprintf(folder, sizeof folder, "%s/thumbs", bench->folder);
	(void)snprintf(path, sizeof path, "%s/%s.jpg", folder, hex);
	CHECK_OK(hf_folder_make(folder, 0750, &err));
	CHECK_OK(hf_file_replace(path, jpeg, sizeof jpeg, 0640, &err));

	uplink_start(bench);
	commit_thumb(bench, 1, path);
	WAIT_FOR(bench, bench->puts == 1);
	/* The hub has it now; a picture that is gone stops nobody. */
	commit_thumb(bench, 1, path);
	WAIT_FOR(bench, bench->heads == 2);
	commit_thumb(bench, 1,
		     "/elsewhere/00000000000000000000000000000000"
		     "00000000000000000000000000000000.jpg");
	commit(bench, 1);
	arrives(bench);
	WAIT_FOR(bench, stat_u64(bench, "thumbs_sent") == 1 &&
				stat_u64(bench, "thumbs_dropped") == 1 &&
				stat_u64(bench, "thumbs_waiting") == 0);
	CHECK_U64(bench->puts, ==, 1);
	check_store(bench, NULL, 0);
	bench_close(bench);
}

TEST(a_line_that_rotted_is_noted_and_the_others_arrive)
{
	static const uint64_t rotten[] = { 3 };
	struct bench *bench = bench_open();
	struct hf_watermark position;
	struct hf_err err;
	HF_AUTO_FREE char *day = NULL;
	size_t size;
	char path[160];

	commit(bench, 6);
	hf_outbox_position(bench->outbox, &position);
	(void)snprintf(path, sizeof path, "%s/outbox/%s", bench->folder, position.file);
	CHECK_OK(hf_file_read(path, DAY_BYTES_MAX, &day, &size, &err));
	char *third = strstr(day, "\"local_seq\":3,");
	CHECK(third != NULL);
	char *digit = strstr(third, "\"crc32c\":\"") + 10;
	char good = *digit;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(pwrite(fd, good == 'f' ? "e" : "f", 1, digit - day) == 1);
	uplink_start(bench);
	arrives(bench);
	WAIT_FOR(bench, notes_of(bench, "outbox_line_unreadable") == 1);
	CHECK_U64(bench->note_count, ==, 1);
	CHECK(pwrite(fd, &good, 1, digit - day) == 1);
	(void)close(fd);
	check_store(bench, rotten, 1);
	bench_close(bench);
}

TESTS(RUN(events_go_out_at_once_and_in_order), RUN(no_answer_but_a_strict_success_counts),
      RUN(a_hub_that_says_nothing_is_given_up_and_tried_again),
      RUN(the_process_goes_on_beating_while_the_hub_is_silent),
      RUN(the_link_going_down_and_up_is_told_once_each), RUN(a_partial_receipt_goes_on_behind_it),
      RUN(a_receipt_that_was_lost_brings_duplicates_not_gaps),
      RUN(a_refused_line_is_noted_and_the_others_arrive),
      RUN(a_batch_that_is_too_large_is_made_smaller),
      RUN(one_line_that_is_too_large_for_a_proxy_is_kept),
      RUN(refused_credentials_are_told_and_end_with_a_good_answer),
      RUN(a_token_that_is_missing_blocks_until_it_is_there),
      RUN(a_busy_hub_is_waited_for_without_news),
      RUN(a_restart_neither_loses_nor_shortens_the_wait),
      RUN(killed_at_any_moment_it_brings_everything_once),
      RUN(a_damaged_cursor_sends_again_from_the_beginning),
      RUN(nothing_is_sent_before_keeper_has_published_in_this_boot),
      RUN(lines_above_the_watermark_are_not_sent),
      RUN(an_address_that_may_not_be_used_is_told_and_waited_out),
      RUN(without_a_hub_nothing_is_sent_and_nothing_fails), RUN(pictures_follow_their_events),
      RUN(a_line_that_rotted_is_noted_and_the_others_arrive))
