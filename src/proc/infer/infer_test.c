/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as it is, between a test that plays supervisor, ingest and respond. The argument
 * is the path of the executable; the network is infer/tiny_pack.h's.
 */
#include "base/auto.h"
#include "infer/tiny_pack.h"
#include "proc/common/spawn.h"
#include "test.h"
#include "wire/ring.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>

enum {
	RING_ID = 4711,
	SLOTS = 4,
	SAMPLES_MAX = 30, /* one a second at the least */
	TILES_MAX = 20000,
	MEMORY_TOO_LITTLE = 7 * 1024 * 1024,
	WAIT_MS = 60000, /* far beyond what it takes: only a hang meets it */
};

static const char *executable;
static struct hf_err err;
static char folder[64];
static int64_t memory_max; /* infer.memory_max of those started from now on */
static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];

struct bench {
	struct hf_child child;
	struct hf_ring *ring;
	int ingest, respond; /* our ends: what infer takes for its peers */
};

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-infer-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	(void)state;
	memory_max = 0;
	return tiny_pack_remove(folder);
}

static struct hf_msg receive(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct hf_msg msg = { 0 };

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_msg_receive(fd, buffer, &msg, &err));
	return msg;
}

/* The next message of this type; statistics and signals in between are passed over. */
static struct hf_msg receive_type(int fd, enum hf_msg_type type)
{
	for (;;) {
		struct hf_msg msg = receive(fd);

		if (msg.type == type)
			return msg;
		CHECK(msg.type == HF_MSG_STATS || msg.type == HF_MSG_SIGNALS);
	}
}

static void check_closed(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct hf_msg msg;

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_CODE(hf_msg_receive(fd, buffer, &msg, &err), HF_E_CLOSED);
}

static struct hf_exit wait_end(struct hf_child *child)
{
	struct pollfd wait = { .fd = child->pidfd, .events = POLLIN };
	struct hf_exit end = { 0 };

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_child_reap(child, &end, &err));
	return end;
}

static struct hf_child start_process(void)
{
	static struct hf_config config;
	struct hf_hello hello = { .role = HF_ROLE_INFER };
	struct hf_child child = HF_CHILD_NONE;
	int fd;

	hf_config_defaults(&config);
	config.infer_memory_max = memory_max;
	(void)snprintf(config.model_path, sizeof config.model_path, "%s", folder);
	CHECK_OK(hf_spawn_config(&config, &fd, &err));
	HF_AUTO_FD config_fd = fd;
	CHECK_OK(hf_spawn_worker(&(struct hf_spawn){ .path = executable,
						     .hello = &hello,
						     .config_fd = config_fd,
						     .stderr_fd = -1 },
				 &child, &err));
	return child;
}

/* The pack in the folder, as it is. */
static struct bench start_on_pack(void)
{
	struct bench b;
	int fd;

	b.child = start_process();
	CHECK_OK(hf_ring_create(SLOTS, 3 * TINY_WIDTH * TINY_HEIGHT, &fd, &err));
	HF_AUTO_FD ring_fd = fd;
	CHECK_OK(hf_ring_open(ring_fd, true, &b.ring, &err));
	CHECK_OK(
		hf_spawn_link_here(&b.child, HF_ROLE_INGEST, 0, RING_ID, ring_fd, &b.ingest, &err));
	CHECK_OK(hf_spawn_link_here(&b.child, HF_ROLE_RESPOND, 0, 0, -1, &b.respond, &err));
	CHECK_OK(hf_spawn_start(&b.child, &err));
	return b;
}

static struct bench start(enum tiny_flaw flaw)
{
	tiny_pack_write(folder, flaw);
	struct bench b = start_on_pack();
	(void)receive_type(b.child.control_fd, HF_MSG_READY);
	return b;
}

static void stop(struct bench *b)
{
	hf_child_close(&b->child);
	hf_ring_close(b->ring);
	(void)close(b->ingest);
	(void)close(b->respond);
}

/* Into the next slot: black, or with one white cell. */
static struct hf_job put_tile(struct bench *b, uint64_t job_id, bool bright)
{
	uint32_t slot;
	uint8_t *pixels = hf_ring_claim(b->ring, &slot);

	memset(pixels, 0, 3 * TINY_WIDTH * TINY_HEIGHT);
	for (size_t y = 8; bright && y < 16; y++)
		memset(pixels + 3 * (y * TINY_WIDTH + 16), 255, 3 * 8);
	return (struct hf_job){ .job_id = job_id,
				.ring_id = RING_ID,
				.slot_generation = hf_ring_publish(b->ring, slot),
				.slot = slot,
				.layout = HF_LAYOUT_1X1,
				.look = HF_LOOK_ALWAYS,
				.width = TINY_WIDTH,
				.height = TINY_HEIGHT,
				.source_width = TINY_WIDTH,
				.source_height = TINY_HEIGHT,
				.frame = job_id };
}

static void send_job(struct bench *b, const struct hf_job *job)
{
	CHECK_OK(hf_msg_send(b->ingest, HF_MSG_JOB, job, sizeof *job, NULL, 0, &err));
}

static struct hf_result receive_result(struct bench *b)
{
	struct hf_msg msg = receive_type(b->respond, HF_MSG_RESULT);
	struct hf_result result;
	size_t size;
	const uint8_t *data = hf_msg_get_rest(&msg, &size);

	CHECK_OK(hf_result_unpack(data, size, &result, &err));
	return result;
}

static struct hf_done receive_done(struct bench *b)
{
	struct hf_msg msg = receive_type(b->ingest, HF_MSG_DONE);
	struct hf_done done;

	hf_msg_get(&msg, &done, sizeof done);
	CHECK_OK(hf_msg_end(&msg, &err));
	return done;
}

TEST(a_job_becomes_a_result_and_a_free_place)
{
	struct bench b = start(TINY_GOOD);
	struct hf_job job = put_tile(&b, 5, true);

	send_job(&b, &job);
	struct hf_result result = receive_result(&b);
	CHECK_U64(result.failed, ==, 0);
	CHECK_U64(result.job.job_id, ==, 5);
	CHECK_U64(result.detection_count, ==, 1);
	assert_float_equal(result.detections[0].x, 4, 0.01);
	assert_float_equal(result.detections[0].width, 32, 0.01);
	CHECK_TEXT(result.model_tag, "tiny@1");
	CHECK_U64(result.class_count, ==, 1);
	CHECK_TEXT(hf_result_class(&result, 0), "person");
	CHECK_REAL(result.score_threshold, ==, 0.5);
	struct hf_done done = receive_done(&b);
	CHECK_U64(done.job_id, ==, 5);
	CHECK_U64(done.failed, ==, 0);
	CHECK_U64(done.detection_count, ==, 1);
	/* Told after DONE: certain once the next tile's result is here. */
	job = put_tile(&b, 6, false);
	send_job(&b, &job);
	CHECK_U64(receive_result(&b).detection_count, ==, 0);
	CHECK_U64(atomic_load(&b.child.pulse->progress), >=, 1);
	stop(&b);
}

TEST(a_slot_that_was_overwritten_is_a_failed_result_and_no_more)
{
	struct bench b = start(TINY_GOOD);
	struct hf_job old = put_tile(&b, 1, true);

	for (size_t i = 0; i < SLOTS; i++)
		(void)put_tile(&b, 2, true);
	send_job(&b, &old);
	struct hf_result result = receive_result(&b);
	CHECK_U64(result.failed, ==, 1);
	CHECK_U64(result.detection_count, ==, 0);
	CHECK_U64(receive_done(&b).failed, ==, 1);

	struct hf_job job = put_tile(&b, 3, true);
	job.ring_id++; /* of an ingest that is no more */
	send_job(&b, &job);
	CHECK_U64(receive_result(&b).failed, ==, 1);
	(void)receive_done(&b);

	job = put_tile(&b, 4, true);
	send_job(&b, &job);
	CHECK_U64(receive_result(&b).failed, ==, 0);
	(void)receive_done(&b);
	stop(&b);
}

TEST(statistics_count_what_was_done)
{
	struct bench b = start(TINY_GOOD);

	for (uint64_t i = 0; i < 3; i++) {
		struct hf_job job = put_tile(&b, i, i == 1);

		job.ring_id += i == 2;
		send_job(&b, &job);
		(void)receive_result(&b);
		(void)receive_done(&b);
	}
	const char expected[] = "{\"model\":\"tiny@1\",\"jobs\":3,\"failed\":1,\"stale\":1,"
				"\"unsent\":0,\"inference_ms\":{\"p50\":";
	char text[sizeof expected] = "";
	while (strcmp(text, expected) != 0) {
		struct hf_msg msg = receive_type(b.child.control_fd, HF_MSG_STATS);
		size_t size;
		const uint8_t *data = hf_msg_get_rest(&msg, &size);

		CHECK_U64(size, >, strlen(expected));
		memcpy(text, data, strlen(expected));
		/* A second may have ended between two jobs: then the next one tells. */
		if (strstr(text, "\"jobs\":3") != NULL)
			CHECK_TEXT(text, expected);
	}
	stop(&b);
}

TEST(a_job_that_breaks_its_contract_condemns_its_sender_alone)
{
	struct bench b = start(TINY_GOOD);
	struct hf_job job = put_tile(&b, 1, true);

	job.source = 1;
	send_job(&b, &job);
	check_closed(b.ingest);
	(void)close(b.ingest);

	int fd;
	CHECK_OK(hf_ring_create(SLOTS, 3 * TINY_WIDTH * TINY_HEIGHT, &fd, &err));
	HF_AUTO_FD ring_fd = fd;
	hf_ring_close(b.ring);
	CHECK_OK(hf_ring_open(ring_fd, true, &b.ring, &err));
	CHECK_OK(
		hf_spawn_link_here(&b.child, HF_ROLE_INGEST, 0, RING_ID, ring_fd, &b.ingest, &err));
	job = put_tile(&b, 2, true);
	send_job(&b, &job);
	CHECK_U64(receive_result(&b).failed, ==, 0);
	job = put_tile(&b, 3, true);
	job.height++; /* more than a slot holds */
	send_job(&b, &job);
	(void)receive_done(&b);
	check_closed(b.ingest);
	stop(&b);
}

TEST(without_respond_jobs_are_done_all_the_same)
{
	struct bench b = start(TINY_GOOD);
	struct hf_job job = put_tile(&b, 1, true);

	(void)close(b.respond);
	b.respond = -1;
	send_job(&b, &job);
	CHECK_U64(receive_done(&b).job_id, ==, 1);
	stop(&b);
}

TEST(a_network_that_keeps_failing_ends_the_process_with_a_note)
{
	struct bench b = start(TINY_OVERFLOW);
	struct hf_note note;

	for (uint64_t i = 0; i < 10; i++) {
		struct hf_job job = put_tile(&b, i, true);

		send_job(&b, &job);
		struct hf_result result = receive_result(&b);
		CHECK_U64(result.failed, ==, 1);
		CHECK_U64(result.detection_count, ==, 0);
		(void)receive_done(&b);
	}
	struct hf_msg msg = receive_type(b.child.control_fd, HF_MSG_NOTE);
	hf_msg_get(&msg, &note, sizeof note);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_TEXT(note.event_class, "model_failed");
	CHECK_I64(wait_end(&b.child).status, ==, 1);
	stop(&b);
}

TEST(a_failure_now_and_then_does_not_end_the_process)
{
	struct bench b = start(TINY_OVERFLOW);

	for (uint64_t i = 0; i < 30; i++) {
		bool bright = i % 3 != 0;
		struct hf_job job = put_tile(&b, i, bright);

		send_job(&b, &job);
		CHECK_U64(receive_result(&b).failed, ==, bright);
		(void)receive_done(&b);
	}
	stop(&b);
}

static void check_not_started(enum tiny_flaw flaw, const char *says)
{
	struct hf_note note;

	tiny_pack_write(folder, flaw);
	struct hf_child child = start_process();
	struct hf_msg msg = receive(child.control_fd); /* not READY */
	CHECK_U64(msg.type, ==, HF_MSG_NOTE);
	hf_msg_get(&msg, &note, sizeof note);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_TEXT(note.event_class, "model_failed");
	if (strstr(note.attrs, says) == NULL)
		fail_msg("%s does not say %s", note.attrs, says);
	CHECK_I64(wait_end(&child).status, ==, 1);
	hf_child_close(&child);
}

TEST(a_pack_that_cannot_be_used_is_told_and_ends_the_process)
{
	check_not_started(TINY_NO_NETWORK, "model.onnx is missing");
	check_not_started(TINY_DAMAGED, "damaged");
	check_not_started(TINY_NAN, "not numbers");
}

/* What it tells of itself, next: by signal. Other messages are passed over. */
static struct hf_sample await_sample(struct bench *b, enum hf_signal signal)
{
	static struct hf_signals signals;

	for (;;) {
		struct hf_msg msg = receive(b->child.control_fd);
		size_t size;

		if (msg.type != HF_MSG_SIGNALS)
			continue;
		hf_msg_get(&msg, &signals, offsetof(struct hf_signals, samples));
		const uint8_t *samples = hf_msg_get_rest(&msg, &size);
		CHECK_OK(hf_msg_end(&msg, &err));
		CHECK_U64(size, ==, signals.count * sizeof signals.samples[0]);
		memcpy(signals.samples, samples, size);
		for (uint32_t i = 0; i < signals.count; i++)
			if (signals.samples[i].signal == signal)
				return signals.samples[i];
		fail_msg("%s is not told", hf_signal_name(signal));
	}
}

/* Told until it is known and has this value. */
static void await_value(struct bench *b, enum hf_signal signal, int64_t value)
{
	for (int i = 0; i < SAMPLES_MAX; i++) {
		struct hf_sample sample = await_sample(b, signal);

		CHECK_U64(sample.scope, ==, 0);
		if (!sample.unknown && sample.value >= value)
			return;
	}
	fail_msg("%s does not reach %lld", hf_signal_name(signal), (long long)value);
}

static void want_fallback(struct bench *b, bool fallback)
{
	struct hf_unit unit = { .rate_permille = HF_RATE_FULL_PERMILLE,
				.fallback_model = fallback };

	CHECK_OK(hf_msg_send(b->child.control_fd, HF_MSG_UNIT, &unit, sizeof unit, NULL, 0, &err));
}

/* Looks at bright tiles until one was looked at by this model. */
static void await_tag(struct bench *b, const char *tag)
{
	for (uint64_t i = 0; i < TILES_MAX; i++) {
		struct hf_job job = put_tile(b, i, true);

		send_job(b, &job);
		struct hf_result result = receive_result(b);
		(void)receive_done(b);
		CHECK_U64(result.failed, ==, 0);
		CHECK_U64(result.detection_count, ==, 1);
		if (strcmp(result.model_tag, tag) == 0)
			return;
	}
	fail_msg("%s does not look", tag);
}

TEST(all_is_told_to_be_well_at_least_once_a_second)
{
	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_golden(folder, 0);
	struct bench b = start_on_pack();

	(void)receive_type(b.child.control_fd, HF_MSG_READY);
	for (int i = 0; i < 3; i++) {
		struct hf_mono before = hf_mono_now(hf_clock_real());

		CHECK_I64(await_sample(&b, HF_SIGNAL_INFER_OOM).value, ==, 0);
		CHECK_I64(hf_mono_diff_us(hf_mono_now(hf_clock_real()), before), <, 2000000);
	}
	struct hf_sample golden = await_sample(&b, HF_SIGNAL_INFER_GOLDEN);
	CHECK(!golden.unknown);
	CHECK_I64(golden.value, ==, 0);
	CHECK_I64(await_sample(&b, HF_SIGNAL_MODEL_INVALID).value, ==, 0);
	CHECK(await_sample(&b, HF_SIGNAL_INFER_DRIFT).unknown);
	stop(&b);
}

TEST(a_wrong_answer_to_the_known_picture_is_told_and_counted)
{
	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_golden(folder, 0.002);
	struct bench b = start_on_pack();

	(void)receive_type(b.child.control_fd, HF_MSG_READY);
	await_value(&b, HF_SIGNAL_INFER_GOLDEN, 1);
	await_value(&b, HF_SIGNAL_INFER_GOLDEN, 3);
	stop(&b);
}

TEST(without_a_known_answer_it_is_not_known)
{
	struct bench b = start(TINY_GOOD);

	CHECK(await_sample(&b, HF_SIGNAL_INFER_GOLDEN).unknown);
	stop(&b);
}

TEST(results_that_are_not_numbers_are_counted_and_find_nothing)
{
	struct bench b = start(TINY_OVERFLOW);

	for (uint64_t i = 0; i < 4; i++) {
		struct hf_job job = put_tile(&b, i, i % 2 == 0);

		send_job(&b, &job);
		struct hf_result result = receive_result(&b);
		CHECK_U64(result.failed, ==, i % 2 == 0);
		CHECK_U64(result.detection_count, ==, 0);
		(void)receive_done(&b);
	}
	await_value(&b, HF_SIGNAL_INFER_NAN, 2);
	CHECK_I64(await_sample(&b, HF_SIGNAL_INFER_ERRORS).value, ==, 0);
	stop(&b);
}

/* The next note says that results come from another network now. */
static void check_change_told(struct bench *b, const char *tag, bool fallback)
{
	struct hf_msg msg = { 0 };
	struct hf_note note;
	char attrs[128];

	/* Statistics and signals before it, of the second in between. */
	for (int i = 0; i < SAMPLES_MAX && msg.type != HF_MSG_NOTE; i++)
		msg = receive(b->child.control_fd);
	CHECK_U64(msg.type, ==, HF_MSG_NOTE);
	hf_msg_get(&msg, &note, sizeof note);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_TEXT(note.event_class, "model_changed");
	(void)snprintf(attrs, sizeof attrs,
		       "{\"worker\":\"infer.0\",\"model\":\"%s\",\"fallback\":%s}", tag,
		       fallback ? "true" : "false");
	CHECK_TEXT(note.attrs, attrs);
}

TEST(the_fallback_is_taken_and_left_without_a_restart_and_its_first_result_is_told)
{
	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_fallback(folder, TINY_GOOD);
	struct bench b = start_on_pack();

	(void)receive_type(b.child.control_fd, HF_MSG_READY);
	await_tag(&b, "tiny@1");
	want_fallback(&b, true);
	await_tag(&b, "tiny@2");
	check_change_told(&b, "tiny@2", true);
	want_fallback(&b, false);
	await_tag(&b, "tiny@1");
	check_change_told(&b, "tiny@1", false);
	stop(&b);
}

TEST(a_fallback_that_does_not_load_leaves_the_main_network)
{
	tiny_pack_write(folder, TINY_GOOD);
	tiny_pack_fallback(folder, TINY_DAMAGED);
	struct bench b = start_on_pack();

	(void)receive_type(b.child.control_fd, HF_MSG_READY);
	want_fallback(&b, true);
	for (int i = 0; i < 20; i++)
		await_tag(&b, "tiny@1");
	CHECK_I64(await_sample(&b, HF_SIGNAL_MODEL_INVALID).value, ==, 0);
	stop(&b);
}

TEST(a_damaged_main_network_is_told_and_the_fallback_works_when_wanted)
{
	tiny_pack_write(folder, TINY_DAMAGED);
	tiny_pack_fallback(folder, TINY_GOOD);
	struct bench b = start_on_pack();

	struct hf_msg msg = receive_type(b.child.control_fd, HF_MSG_NOTE);
	struct hf_note note;
	hf_msg_get(&msg, &note, sizeof note);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_TEXT(note.event_class, "model_failed");
	await_value(&b, HF_SIGNAL_MODEL_INVALID, 1);
	/* Tiles come meanwhile. */
	struct hf_job job = put_tile(&b, 1, true);
	send_job(&b, &job);
	CHECK_U64(receive_result(&b).failed, ==, 1);
	CHECK_U64(receive_done(&b).failed, ==, 1);
	want_fallback(&b, true);
	while (receive(b.child.control_fd).type != HF_MSG_READY)
		;
	await_tag(&b, "tiny@2");
	CHECK_I64(await_sample(&b, HF_SIGNAL_MODEL_INVALID).value, ==, 1);
	stop(&b);
}

TEST(a_damaged_main_network_ends_the_process_when_nobody_wants_the_fallback)
{
	tiny_pack_write(folder, TINY_DAMAGED);
	tiny_pack_fallback(folder, TINY_GOOD);
	struct bench b = start_on_pack();

	await_value(&b, HF_SIGNAL_MODEL_INVALID, 1);
	CHECK_I64(wait_end(&b.child).status, ==, 1);
	stop(&b);
}

/* A limit under which the network cannot be loaded: refused again and again, in one process. The
 * shadow memory of a sanitizer is above that limit at once. */
TEST(memory_that_is_refused_is_told_and_counted)
{
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	tiny_pack_write(folder, TINY_GOOD);
	memory_max = MEMORY_TOO_LITTLE;
	struct bench b = start_on_pack();

	await_value(&b, HF_SIGNAL_INFER_OOM, 3);
	CHECK_I64(await_sample(&b, HF_SIGNAL_MODEL_INVALID).value, ==, 0);
	/* There is room again. */
	struct rlimit limit;
	CHECK_I64(prlimit(b.child.pid, RLIMIT_DATA, NULL, &limit), ==, 0);
	CHECK_U64(limit.rlim_cur, ==, MEMORY_TOO_LITTLE);
	limit.rlim_cur = limit.rlim_max;
	CHECK_I64(prlimit(b.child.pid, RLIMIT_DATA, &limit, NULL), ==, 0);
	while (receive(b.child.control_fd).type != HF_MSG_READY)
		;
	await_tag(&b, "tiny@1");
	stop(&b);
}

TEST(without_its_supervisor_it_ends)
{
	struct bench b = start(TINY_GOOD);

	(void)close(b.child.control_fd);
	b.child.control_fd = -1;
	CHECK_I64(wait_end(&b.child).status, ==, 0);
	stop(&b);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN_IN_FOLDER(a_job_becomes_a_result_and_a_free_place),
		RUN_IN_FOLDER(a_slot_that_was_overwritten_is_a_failed_result_and_no_more),
		RUN_IN_FOLDER(statistics_count_what_was_done),
		RUN_IN_FOLDER(a_job_that_breaks_its_contract_condemns_its_sender_alone),
		RUN_IN_FOLDER(without_respond_jobs_are_done_all_the_same),
		RUN_IN_FOLDER(a_network_that_keeps_failing_ends_the_process_with_a_note),
		RUN_IN_FOLDER(a_failure_now_and_then_does_not_end_the_process),
		RUN_IN_FOLDER(a_pack_that_cannot_be_used_is_told_and_ends_the_process),
		RUN_IN_FOLDER(all_is_told_to_be_well_at_least_once_a_second),
		RUN_IN_FOLDER(a_wrong_answer_to_the_known_picture_is_told_and_counted),
		RUN_IN_FOLDER(without_a_known_answer_it_is_not_known),
		RUN_IN_FOLDER(results_that_are_not_numbers_are_counted_and_find_nothing),
		RUN_IN_FOLDER(
			the_fallback_is_taken_and_left_without_a_restart_and_its_first_result_is_told),
		RUN_IN_FOLDER(a_fallback_that_does_not_load_leaves_the_main_network),
		RUN_IN_FOLDER(a_damaged_main_network_is_told_and_the_fallback_works_when_wanted),
		RUN_IN_FOLDER(
			a_damaged_main_network_ends_the_process_when_nobody_wants_the_fallback),
		RUN_IN_FOLDER(memory_that_is_refused_is_told_and_counted),
		RUN_IN_FOLDER(without_its_supervisor_it_ends),
	};

	if (argc != 2)
		return 2;
	executable = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
