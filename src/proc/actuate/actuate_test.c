/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as it is, between a test that plays supervisor and respond, and a command that
 * writes down how it was called. The argument is the path of the executable. The lease is the
 * test's to grant.
 */
#include "base/auto.h"
#include "base/file.h"
#include "proc/common/spawn.h"
#include "test.h"
#include "wire/lease.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WAIT_MS = 30000, /* far beyond what it takes: only a hang meets it */
	LOOK_MS = 5,
	LOG_BYTES_MAX = 65536,
	FAR_MS = 600000, /* a hold that does not end within a test */
};

static const char *executable;
static struct hf_err err;
static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];

struct bench {
	char folder[64], command[96], log[96];
	struct hf_config config;
	struct hf_lease *lease;
	int lease_fd;
	struct hf_child child;
	int respond;
	struct hf_note note; /* the last one */
	bool failed_signal;  /* as it was told last */
};

static struct hf_mono now_of(void)
{
	return hf_mono_now(hf_clock_real());
}

/* What the command has written down. Static: until the next call. */
static const char *log_of(const struct bench *b)
{
	static char text[LOG_BYTES_MAX];
	HF_AUTO_FCLOSE FILE *file = fopen(b->log, "re");

	text[0] = '\0';
	if (file != NULL)
		text[fread(text, 1, sizeof text - 1, file)] = '\0';
	return text;
}

static void await_log(const struct bench *b, const char *expected)
{
	for (int ms = 0; strcmp(log_of(b), expected) != 0; ms += LOOK_MS) {
		if (ms > WAIT_MS)
			fail_msg("waited for \"%s\", got \"%s\"", expected, log_of(b));
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static void put_file(const struct bench *b, const char *name, const char *text, mode_t mode)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", b->folder, name);
	HF_AUTO_FCLOSE FILE *file = fopen(path, "we");
	assert_non_null(file);
	(void)fputs(text, file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
}

static void drop_file(const struct bench *b, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", b->folder, name);
	assert_int_equal(unlink(path), 0);
}

static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof *b);
	char script[1024];

	assert_non_null(b);
	(void)snprintf(b->folder, sizeof b->folder, "/tmp/holdfast-actuate-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	(void)snprintf(b->command, sizeof b->command, "%s/switch", b->folder);
	(void)snprintf(b->log, sizeof b->log, "%s/log", b->folder);
	(void)snprintf(script, sizeof script,
		       "#!/bin/sh\n"
		       "[ -e %s/show-env ] && env | sort > %s/env\n"
		       "[ -e %s/hang-$1 ] && { sleep 60 & sleep 60; }\n"
		       "[ -e %s/fail-$1 ] && exit 3\n"
		       "echo \"$1 $HOLDFAST_CAMERA $HOLDFAST_ZONE $HOLDFAST_EVENT\" >> %s\n",
		       b->folder, b->folder, b->folder, b->folder, b->log);
	put_file(b, "switch", script, 0755);
	hf_config_defaults(&b->config);
	b->config.source_count = 1;
	b->config.camera_count = 2;
	b->config.zone_count = 2;
	b->config.actuation_hold_ms = FAR_MS;
	(void)snprintf(b->config.actuation_command, HF_PATH_BYTES, "%s", b->command);
	(void)snprintf(b->config.cameras[0].id, HF_ID_BYTES, "yard");
	(void)snprintf(b->config.cameras[0].name, HF_ID_BYTES, "The yard");
	(void)snprintf(b->config.cameras[1].id, HF_ID_BYTES, "door");
	(void)snprintf(b->config.zones[0].id, HF_ID_BYTES, "gate");
	(void)snprintf(b->config.zones[1].id, HF_ID_BYTES, "step");
	b->config.zones[1].camera = 1;
	b->child = HF_CHILD_NONE;
	b->respond = -1;
	b->lease_fd = memfd_create("lease", MFD_CLOEXEC);
	assert_true(b->lease_fd >= 0 && ftruncate(b->lease_fd, sizeof *b->lease) == 0);
	b->lease = mmap(NULL, sizeof *b->lease, PROT_READ | PROT_WRITE, MAP_SHARED, b->lease_fd, 0);
	assert_true(b->lease != MAP_FAILED);
	return b;
}

/* One message on the control link. */
static enum hf_msg_type take_control(struct bench *b)
{
	struct pollfd wait = { .fd = b->child.control_fd, .events = POLLIN };
	struct hf_msg msg;
	struct hf_signals signals;
	size_t size;

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_msg_receive(b->child.control_fd, buffer, &msg, &err));
	const uint8_t *data = hf_msg_get_rest(&msg, &size);
	if (msg.type == HF_MSG_NOTE) {
		CHECK_U64(size, ==, sizeof b->note);
		memcpy(&b->note, data, sizeof b->note);
	} else if (msg.type == HF_MSG_SIGNALS) {
		memset(&signals, 0, sizeof signals);
		memcpy(&signals, data, size);
		CHECK_U64(signals.count, ==, 1);
		CHECK_U64(signals.samples[0].signal, ==, HF_SIGNAL_ACTUATION_FAILED);
		CHECK(!signals.samples[0].unknown);
		b->failed_signal = signals.samples[0].value != 0;
	}
	return msg.type;
}

static void await_control(struct bench *b, enum hf_msg_type type)
{
	while (take_control(b) != type)
		;
}

/* The next note is of this class and has this in its attributes. */
static void await_note(struct bench *b, const char *event_class, const char *part)
{
	await_control(b, HF_MSG_NOTE);
	CHECK_TEXT(b->note.event_class, event_class);
	if (strstr(b->note.attrs, part) == NULL)
		fail_msg("no %s in %s", part, b->note.attrs);
}

static void launch(struct bench *b)
{
	const struct hf_hello hello = { .role = HF_ROLE_ACTUATE, .boot = 1, .run = 1 };
	int fd;

	CHECK_OK(hf_spawn_config(&b->config, &fd, &err));
	HF_AUTO_FD config_fd = fd;
	const struct hf_spawn spawn = {
		.path = executable, .hello = &hello, .config_fd = config_fd, .stderr_fd = -1
	};
	CHECK_OK(hf_spawn_worker(&spawn, &b->child, &err));
	CHECK_OK(hf_msg_send(b->child.control_fd, HF_MSG_LEASE, NULL, 0, &b->lease_fd, 1, &err));
	CHECK_OK(hf_spawn_link_here(&b->child, HF_ROLE_RESPOND, 0, 0, -1, &b->respond, &err));
	CHECK_OK(hf_spawn_start(&b->child, &err));
	await_control(b, HF_MSG_READY);
}

static void kill_it(struct bench *b)
{
	hf_child_close(&b->child);
	if (b->respond >= 0)
		(void)close(b->respond);
	b->respond = -1;
}

static void bench_free(struct bench *b)
{
	char line[128];

	kill_it(b);
	(void)munmap(b->lease, sizeof *b->lease);
	(void)close(b->lease_fd);
	(void)snprintf(line, sizeof line, "rm -r %s", b->folder);
	assert_int_equal(system(line), 0);
	free(b);
}

/* The lease is far longer than a supervisor's, in that it is granted again and again here. */
static void grant(struct bench *b, uint64_t cameras_held)
{
	hf_lease_grant(b->lease, now_of(), cameras_held);
}

/* Grants until there is a message of this type. */
static void await_granting(struct bench *b, enum hf_msg_type type)
{
	for (int ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		struct pollfd wait = { .fd = b->child.control_fd, .events = POLLIN };

		grant(b, 0);
		if (poll(&wait, 1, LOOK_MS) == 1 && take_control(b) == type)
			return;
	}
	fail_msg("%s did not come", hf_msg_name(type));
}

static void ask(struct bench *b, uint32_t camera)
{
	const struct hf_actuate body = { .camera = camera,
					 .zone = camera,
					 .local_seq = 41,
					 .event_class = "loitering_dwell_exceeded" };

	CHECK_OK(hf_msg_send(b->respond, HF_MSG_ACTUATE, &body, sizeof body, NULL, 0, &err));
}

static void switch_on(struct bench *b)
{
	grant(b, 0);
	ask(b, 0);
	await_granting(b, HF_MSG_NOTE);
	CHECK_TEXT(b->note.event_class, "actuation_on");
}

/* Its answers to all that was sent before. */
static void await_stats(struct bench *b)
{
	await_control(b, HF_MSG_STATS);
	await_control(b, HF_MSG_STATS);
}

#define OFF_FIRST "off   \n"
#define ON_YARD   "on yard gate loitering_dwell_exceeded\n"
#define OFF_YARD  "off yard gate loitering_dwell_exceeded\n"

TEST(the_first_thing_it_does_is_off_and_it_is_ready_after_that)
{
	struct bench *b = bench_new();

	launch(b);
	CHECK_TEXT(log_of(b), OFF_FIRST);
	bench_free(b);
}

TEST(asked_under_a_lease_it_is_on_for_so_long_as_it_is_held_and_tells_both)
{
	struct bench *b = bench_new();

	b->config.actuation_hold_ms = 300;
	launch(b);
	switch_on(b);
	CHECK_TEXT(b->note.camera_name, "The yard");
	CHECK(strstr(b->note.attrs, "\"local_seq\":41") != NULL);
	CHECK(strstr(b->note.attrs, "\"zone\":\"gate\"") != NULL);
	await_granting(b, HF_MSG_NOTE);
	CHECK_TEXT(b->note.event_class, "actuation_off");
	CHECK(strstr(b->note.attrs, "\"why\":\"expired\"") != NULL);
	await_log(b, OFF_FIRST ON_YARD OFF_YARD);
	bench_free(b);
}

TEST(without_a_lease_or_for_a_held_camera_nothing_is_switched)
{
	struct bench *b = bench_new();

	launch(b);
	ask(b, 0);
	await_stats(b);
	CHECK_TEXT(log_of(b), OFF_FIRST);
	/* Two for the one that is held, and then one for the other. */
	hf_lease_grant(b->lease, now_of(), 1);
	ask(b, 0);
	ask(b, 0);
	hf_lease_grant(b->lease, now_of(), 1);
	ask(b, 1);
	await_note(b, "actuation_on", "\"zone\":\"step\"");
	CHECK(strncmp(log_of(b), OFF_FIRST "on door step ", strlen(OFF_FIRST) + 13) == 0);
	bench_free(b);
}

TEST(a_lease_that_nobody_renews_is_off_and_says_so)
{
	struct bench *b = bench_new();

	launch(b);
	switch_on(b);
	await_note(b, "actuation_off", "\"why\":\"lease\"");
	await_log(b, OFF_FIRST ON_YARD OFF_YARD);
	bench_free(b);
}

TEST(a_lease_that_is_withdrawn_or_a_camera_that_comes_to_be_held_is_off)
{
	struct bench *b = bench_new();

	launch(b);
	switch_on(b);
	hf_lease_withdraw(b->lease);
	await_note(b, "actuation_off", "\"why\":\"lease\"");
	switch_on(b);
	for (int i = 0; strcmp(log_of(b), OFF_FIRST ON_YARD OFF_YARD ON_YARD OFF_YARD) != 0; i++) {
		CHECK(i < WAIT_MS / LOOK_MS);
		grant(b, 1);
		(void)poll(NULL, 0, LOOK_MS);
	}
	await_note(b, "actuation_off", "\"why\":\"lease\"");
	bench_free(b);
}

TEST(told_to_end_it_is_off_first_then_gone)
{
	struct bench *b = bench_new();
	struct hf_exit how;

	launch(b);
	switch_on(b);
	hf_child_hang_up(&b->child);
	await_note(b, "actuation_off", "\"why\":\"stopped\"");
	CHECK_TEXT(log_of(b), OFF_FIRST ON_YARD OFF_YARD);
	struct pollfd end = { .fd = b->child.pidfd, .events = POLLIN };
	CHECK_I64(poll(&end, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_child_reap(&b->child, &how, &err));
	CHECK_I64(how.status, ==, 0);
	bench_free(b);
}

TEST(killed_with_the_output_on_the_next_one_is_off_first)
{
	struct bench *b = bench_new();

	launch(b);
	switch_on(b);
	kill_it(b);
	CHECK_TEXT(log_of(b), OFF_FIRST ON_YARD);
	launch(b);
	CHECK_TEXT(log_of(b), OFF_FIRST ON_YARD OFF_FIRST);
	bench_free(b);
}

TEST(an_on_that_hangs_does_not_keep_it_from_off)
{
	struct bench *b = bench_new();

	put_file(b, "hang-on", "", 0644);
	launch(b);
	grant(b, 0);
	ask(b, 0);
	/* The lease lapses long before the command's time is over: that would be told as failed. */
	await_note(b, "actuation_off", "\"why\":\"lease\"");
	CHECK_TEXT(log_of(b), OFF_FIRST OFF_YARD);
	bench_free(b);
}

TEST(an_on_that_hangs_under_a_lease_is_killed_told_and_off)
{
	struct bench *b = bench_new();

	put_file(b, "hang-on", "", 0644);
	launch(b);
	grant(b, 0);
	ask(b, 0);
	await_granting(b, HF_MSG_NOTE);
	CHECK_TEXT(b->note.event_class, "actuation_failed");
	CHECK(strstr(b->note.attrs, "\"asked\":\"on\"") != NULL);
	CHECK(strstr(b->note.attrs, "was killed") != NULL);
	await_note(b, "actuation_ok", "{}");
	await_note(b, "actuation_off", "\"why\":\"failed\"");
	await_log(b, OFF_FIRST OFF_YARD);
	bench_free(b);
}

TEST(an_off_that_fails_is_a_trouble_and_tried_until_it_is_done)
{
	struct bench *b = bench_new();

	launch(b);
	switch_on(b);
	put_file(b, "fail-off", "", 0644);
	await_note(b, "actuation_failed", "\"error\":\"exit 3\"");
	await_control(b, HF_MSG_SIGNALS);
	CHECK(b->failed_signal);
	drop_file(b, "fail-off");
	await_note(b, "actuation_ok", "{}");
	await_control(b, HF_MSG_SIGNALS);
	CHECK(!b->failed_signal);
	await_note(b, "actuation_off", "\"why\":\"lease\"");
	CHECK_TEXT(log_of(b), OFF_FIRST ON_YARD OFF_YARD);
	bench_free(b);
}

TEST(the_command_sees_five_variables_and_no_other)
{
	struct bench *b = bench_new();
	char path[96];
	char *text = NULL;
	size_t size;

	put_file(b, "show-env", "", 0644);
	assert_int_equal(setenv("HOLDFAST_TEST_SECRET", "1", 1), 0);
	launch(b);
	switch_on(b);
	(void)snprintf(path, sizeof path, "%s/env", b->folder);
	CHECK_OK(hf_file_read(path, LOG_BYTES_MAX, &text, &size, &err));
	/* PWD and the like are the shell's own. */
	CHECK(strstr(text, "HOLDFAST_CAMERA=yard\nHOLDFAST_EVENT=loitering_dwell_exceeded\n"
			   "HOLDFAST_OUTPUT=on\nHOLDFAST_ZONE=gate\n") != NULL);
	CHECK(strstr(text, "SECRET") == NULL && strstr(text, "HOME=") == NULL);
	free(text);
	bench_free(b);
}

TEST(a_line_that_is_not_there_is_a_trouble_and_does_not_keep_the_unit_waiting)
{
	struct bench *b = bench_new();

	b->config.actuation_command[0] = '\0';
	(void)snprintf(b->config.actuation_gpio, HF_ID_BYTES, "gpiochip97:3");
	launch(b);
	CHECK_TEXT(b->note.event_class, "actuation_failed");
	CHECK(strstr(b->note.attrs, "/dev/gpiochip97") != NULL);
	CHECK(b->failed_signal);
	bench_free(b);
}

TEST(a_camera_that_is_not_there_condemns_who_asks)
{
	struct bench *b = bench_new();
	struct pollfd wait;

	launch(b);
	ask(b, 2);
	await_control(b, HF_MSG_CONDEMN);
	wait = (struct pollfd){ .fd = b->respond, .events = POLLIN };
	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_TEXT(log_of(b), OFF_FIRST);
	bench_free(b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN(the_first_thing_it_does_is_off_and_it_is_ready_after_that),
		RUN(asked_under_a_lease_it_is_on_for_so_long_as_it_is_held_and_tells_both),
		RUN(without_a_lease_or_for_a_held_camera_nothing_is_switched),
		RUN(a_lease_that_nobody_renews_is_off_and_says_so),
		RUN(a_lease_that_is_withdrawn_or_a_camera_that_comes_to_be_held_is_off),
		RUN(told_to_end_it_is_off_first_then_gone),
		RUN(killed_with_the_output_on_the_next_one_is_off_first),
		RUN(an_on_that_hangs_does_not_keep_it_from_off),
		RUN(an_on_that_hangs_under_a_lease_is_killed_told_and_off),
		RUN(an_off_that_fails_is_a_trouble_and_tried_until_it_is_done),
		RUN(the_command_sees_five_variables_and_no_other),
		RUN(a_line_that_is_not_there_is_a_trouble_and_does_not_keep_the_unit_waiting),
		RUN(a_camera_that_is_not_there_condemns_who_asks),
	};

	if (argc != 2)
		return 2;
	executable = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
