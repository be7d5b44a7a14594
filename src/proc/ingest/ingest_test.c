/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the real executable, spoken to as the supervisor, infer and respond do.
 *
 * Method: fork, hand it a socket as descriptor 3, say hello, plug the other ends, start. This
 * test then is all its peers. HOLDFAST_INGEST names the executable, HOLDFAST_CLIPS the folder
 * that test/data/make-clips.sh has filled.
 */
#include "base/auto.h"
#include "ingest/cutter.h"
#include "ingest/layout.h"
#include "ingest/source.h"
#include "test.h"
#include "wire/msg.h"
#include "wire/pulse.h"
#include "wire/ring.h"

#include <fcntl.h>
#include <jansson.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	PATIENCE_MS = 20000, /* a hang of ingest fails the test; nothing else depends on it */
	RING_ID = 77,
	RING_SLOTS = 32,
	INFERS = 2,
	TILE_BYTES_MAX = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
};

struct lab {
	pid_t pid;
	enum hf_lockstep lockstep;
	int control, respond, infer[INFERS], ring_fd;
	struct hf_ring *ring;
	struct hf_config config;
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	uint8_t pixels[TILE_BYTES_MAX];
};

static void skip_without_clips(void)
{
	char path[HF_PATH_BYTES], word[16] = "";

	(void)snprintf(path, sizeof path, "%s/done",
		       getenv("HOLDFAST_CLIPS") != NULL ? getenv("HOLDFAST_CLIPS") : "");
	HF_AUTO_FCLOSE FILE *file = fopen(path, "re");
	if (file == NULL || fgets(word, sizeof word, file) == NULL || strcmp(word, "made\n") != 0)
		skip();
}

static struct lab *lab_new(const char *clip, uint32_t cameras)
{
	struct lab *lab = calloc(1, sizeof *lab);

	assert_non_null(lab);
	hf_config_defaults(&lab->config);
	lab->config.source_count = 1;
	lab->config.sources[0] = (struct hf_config_source){ .id = "dvr", .type = HF_SOURCE_FILE };
	(void)snprintf(lab->config.sources[0].url, HF_PATH_BYTES, "%s/%s", getenv("HOLDFAST_CLIPS"),
		       clip);
	lab->config.camera_count = cameras;
	for (uint32_t i = 0; i < cameras; i++) {
		struct hf_config_camera *camera = &lab->config.cameras[i];

		camera->tile = (int64_t)i + 1;
		camera->priority = 5;
		(void)snprintf(camera->id, sizeof camera->id, "cam-%02u", i + 1);
	}
	return lab;
}

static int memfd_of(const void *data, size_t size_bytes)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0 && ftruncate(fd, (off_t)size_bytes) == 0);
	if (data != NULL)
		assert_true(pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	return fd;
}

static int plug(struct lab *lab, enum hf_role role, uint32_t index)
{
	const struct hf_plug body = { .role = (uint32_t)role, .index = index, .ring_id = RING_ID };
	struct hf_err err;
	int pair[2];

	CHECK_OK(hf_msg_pair(pair, &err));
	int fds[2] = { pair[1], lab->ring_fd };
	CHECK_OK(hf_msg_send(lab->control, HF_MSG_PLUG, &body, sizeof body, fds, 2, &err));
	(void)close(pair[1]);
	return pair[0];
}

static void lab_start(struct lab *lab, enum hf_lockstep lockstep)
{
	struct hf_hello hello = { .role = HF_ROLE_INGEST, .lockstep = (uint32_t)lockstep };
	struct hf_err err;
	int pair[2];

	lab->lockstep = lockstep;
	CHECK_OK(hf_msg_pair(pair, &err));
	lab->pid = fork();
	assert_true(lab->pid >= 0);
	if (lab->pid == 0) {
		if (pair[1] == 3 ? fcntl(3, F_SETFD, 0) != 0 : dup2(pair[1], 3) != 3)
			_exit(99);
		(void)execl(getenv("HOLDFAST_INGEST"), "ingest", (char *)NULL);
		_exit(98);
	}
	(void)close(pair[1]);
	lab->control = pair[0];
	HF_AUTO_FD config_fd = memfd_of(&lab->config, sizeof lab->config);
	HF_AUTO_FD pulse_fd = memfd_of(NULL, sizeof(struct hf_pulse));
	int fds[2] = { config_fd, pulse_fd };
	CHECK_OK(hf_msg_send(lab->control, HF_MSG_HELLO, &hello, sizeof hello, fds, 2, &err));
	CHECK_OK(hf_ring_create(RING_SLOTS, TILE_BYTES_MAX, &lab->ring_fd, &err));
	CHECK_OK(hf_ring_open(lab->ring_fd, false, &lab->ring, &err));
	/* In lockstep one is enough, and takes all jobs in their order. */
	for (uint32_t i = 0; i < INFERS; i++)
		lab->infer[i] = lockstep && i > 0 ? -1 : plug(lab, HF_ROLE_INFER, i);
	lab->respond = plug(lab, HF_ROLE_RESPOND, 0);
	CHECK_OK(hf_msg_send(lab->control, HF_MSG_START, NULL, 0, NULL, 0, &err));
}

/* The supervisor goes; ingest must end by itself. Its exit code. */
static int lab_end(struct lab *lab)
{
	int status = 0;

	if (lab->control >= 0)
		(void)close(lab->control);
	for (int waited_ms = 0; waitpid(lab->pid, &status, WNOHANG) == 0; waited_ms += 10) {
		(void)poll(NULL, 0, 10);
		if (waited_ms > PATIENCE_MS) {
			(void)kill(lab->pid, SIGKILL);
			(void)waitpid(lab->pid, &status, 0);
			fail_msg("ingest did not end");
		}
	}
	for (int i = 0; i < INFERS; i++)
		if (lab->infer[i] >= 0)
			(void)close(lab->infer[i]);
	(void)close(lab->respond);
	(void)close(lab->ring_fd);
	hf_ring_close(lab->ring);
	free(lab);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The next message on fd. HF_E_CLOSED: it ended. */
static enum hf_code receive(struct lab *lab, int fd, struct hf_msg *ret_msg)
{
	struct hf_err err;

	for (int i = 0; i < PATIENCE_MS / 100; i++) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		enum hf_code code = hf_msg_receive(fd, lab->buffer, ret_msg, &err);

		if (code != HF_E_AGAIN)
			return code;
		(void)poll(&wait, 1, 100);
	}
	fail_msg("nothing came");
	return HF_E_AGAIN;
}

/* Waits for a message of a type on the control link, leaving others aside. */
static void await_control(struct lab *lab, enum hf_msg_type type, struct hf_msg *ret_msg)
{
	do {
		assert_int_equal(receive(lab, lab->control, ret_msg), HF_OK);
	} while (ret_msg->type != type);
}

static void await_note(struct lab *lab, const char *event_class, struct hf_note *ret_note)
{
	struct hf_msg msg;
	struct hf_err err;

	do {
		await_control(lab, HF_MSG_NOTE, &msg);
		hf_msg_get(&msg, ret_note, sizeof *ret_note);
		CHECK_OK(hf_msg_end(&msg, &err));
	} while (strcmp(ret_note->event_class, event_class) != 0);
	json_t *attrs = json_loads(ret_note->attrs, 0, NULL);
	assert_non_null(attrs);
	CHECK_TEXT(json_string_value(json_object_get(attrs, "source")), "dvr");
	json_decref(attrs);
}

static bool next_job(struct lab *lab, uint32_t infer, struct hf_job *ret_job)
{
	struct hf_msg msg;
	struct hf_err err;
	enum hf_code code = receive(lab, lab->infer[infer], &msg);

	if (code != HF_OK)
		return false;
	assert_int_equal(msg.type, HF_MSG_JOB);
	hf_msg_get(&msg, ret_job, sizeof *ret_job);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_OK(hf_job_check(ret_job, &err));
	CHECK_U64(ret_job->ring_id, ==, RING_ID);
	return true;
}

static bool next_tick(struct lab *lab, struct hf_tick *ret_tick)
{
	struct hf_msg msg;
	struct hf_err err;

	if (receive(lab, lab->respond, &msg) != HF_OK)
		return false;
	assert_int_equal(msg.type, HF_MSG_TICK);
	hf_msg_get(&msg, ret_tick, sizeof *ret_tick);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_OK(hf_tick_check(ret_tick, &err));
	if (lab->lockstep == HF_LOCKSTEP_AS_LIVE) {
		const struct hf_taken taken = { .frame = ret_tick->frame };

		/* It may have ended already with the last one. */
		(void)!hf_msg_send(lab->respond, HF_MSG_TAKEN, &taken, sizeof taken, NULL, 0, &err);
	}
	return true;
}

static void send_done(struct lab *lab, uint32_t infer, uint64_t job_id)
{
	const struct hf_done done = { .job_id = job_id };
	struct hf_err err;

	/* In lockstep ingest may have ended already with the last one. */
	(void)!hf_msg_send(lab->infer[infer], HF_MSG_DONE, &done, sizeof done, NULL, 0, &err);
}

/* The same clip, read and cut here. */
struct twin {
	struct hf_source *source;
	struct hf_cutter *cutter;
	struct hf_frame frame;
};

static void twin_open(struct twin *twin, const struct lab *lab)
{
	struct hf_err err;
	const struct hf_source_options options = { .config = &lab->config.sources[0],
						   .clock = hf_clock_real(),
						   .lockstep = true };

	CHECK_OK(hf_source_open(&options, &twin->source, &err));
	CHECK_OK(hf_cutter_open(&twin->cutter, &err));
}

static void twin_step(struct twin *twin)
{
	struct hf_err err;
	enum hf_code code;

	do {
		code = hf_source_step(twin->source, &twin->frame, &err);
	} while (code == HF_E_AGAIN);
	CHECK_CODE(code, HF_OK);
}

static void twin_close(struct twin *twin)
{
	hf_cutter_close(twin->cutter);
	hf_source_close(twin->source);
}

TEST(in_lockstep_each_tile_of_each_frame_comes_once_in_order_with_its_pixels)
{
	skip_without_clips();
	struct lab *lab = lab_new("4x4-border.avi", 16);
	struct twin twin;
	struct hf_err err;
	struct hf_job job;
	struct hf_tick tick;

	lab->config.sources[0].layout = HF_LAYOUT_4X4;
	lab_start(lab, HF_LOCKSTEP_ALL);
	twin_open(&twin, lab);
	HF_AUTO_FREE uint8_t *expected = malloc(TILE_BYTES_MAX);
	for (uint64_t id = 1; id <= 3 * 16; id++) {
		uint32_t tile = (uint32_t)(id - 1) % 16;

		if (tile == 0) {
			twin_step(&twin);
			CHECK(next_tick(lab, &tick));
			CHECK_U64(tick.frame, ==, (id - 1) / 16);
			CHECK_U64(tick.layout, ==, HF_LAYOUT_4X4);
		}
		CHECK(next_job(lab, 0, &job));
		CHECK_U64(job.job_id, ==, id);
		CHECK_U64(job.tile, ==, tile);
		CHECK_U64(job.camera, ==, tile);
		CHECK_U64(job.look, ==, HF_LOOK_ALWAYS);
		CHECK_U64(job.frame, ==, (id - 1) / 16);
		CHECK_I64(job.captured_mono.us, ==, twin.frame.captured_mono.us);
		CHECK_U64(job.width, ==, 480);
		CHECK_U64(job.height, ==, 270);
		const size_t size = (size_t)3 * job.width * job.height;
		CHECK_OK(hf_ring_read(lab->ring, job.slot, job.slot_generation, lab->pixels, size,
				      &err));
		CHECK_OK(hf_cutter_cut(twin.cutter, &twin.frame,
				       hf_layout_rect(HF_LAYOUT_4X4, tile, 1920, 1080), expected,
				       &err));
		assert_memory_equal(lab->pixels, expected, size);
		send_done(lab, 0, id);
	}
	CHECK(!next_job(lab, 0, &job)); /* the end of the file ends the process */
	twin_close(&twin);
	CHECK_I64(lab_end(lab), ==, 0);
}

/* The next tick, its jobs answered and itself not; false: none for so long (-1: for ever). */
static bool tick_untaken(struct lab *lab, int wait_ms)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = lab->respond, .events = POLLIN },
					{ .fd = lab->infer[0], .events = POLLIN } };
		struct hf_job job;
		struct hf_msg msg;

		if (poll(fds, 2, wait_ms) == 0)
			return false;
		if (fds[1].revents != 0 && next_job(lab, 0, &job))
			send_done(lab, 0, job.job_id);
		if (fds[0].revents == 0)
			continue;
		CHECK_CODE(receive(lab, lab->respond, &msg), HF_OK);
		return true;
	}
}

TEST(as_live_ingest_is_one_frame_ahead_of_respond_and_no_further)
{
	skip_without_clips();
	struct lab *lab = lab_new("4x4-border.avi", 16);
	const struct hf_taken taken = { 0 };
	struct hf_err err;

	lab->config.sources[0].layout = HF_LAYOUT_4X4;
	lab_start(lab, HF_LOCKSTEP_AS_LIVE);
	CHECK(tick_untaken(lab, -1));
	CHECK(tick_untaken(lab, -1));
	CHECK(!tick_untaken(lab, 300));
	CHECK_OK(hf_msg_send(lab->respond, HF_MSG_TAKEN, &taken, sizeof taken, NULL, 0, &err));
	CHECK(tick_untaken(lab, -1));
	CHECK_I64(lab_end(lab), ==, 0);
}

TEST(a_missing_file_is_told_once_and_found_when_it_comes_back)
{
	skip_without_clips();
	char path[] = "/tmp/holdfast-ingest-XXXXXX";
	char file_path[sizeof path + 8], command[2 * HF_PATH_BYTES];
	struct hf_note note;
	struct hf_msg msg;
	struct hf_tick tick;

	assert_non_null(mkdtemp(path));
	(void)snprintf(file_path, sizeof file_path, "%s/a.avi", path);
	struct lab *lab = lab_new("2x2-border.avi", 4);
	(void)snprintf(command, sizeof command, "cp '%s' %s/new && mv %s/new %s",
		       lab->config.sources[0].url, path, path, file_path);
	(void)snprintf(lab->config.sources[0].url, HF_PATH_BYTES, "%s", file_path);
	lab->config.sources[0].loop = true;
	lab_start(lab, false);
	await_control(lab, HF_MSG_READY, &msg);
	await_note(lab, "source_lost", &note);
	assert_non_null(strstr(note.attrs, "a.avi"));
	assert_int_equal(system(command), 0);
	await_note(lab, "source_back", &note);
	CHECK(next_tick(lab, &tick));
	CHECK_I64(lab_end(lab), ==, 0);
	(void)unlink(file_path);
	(void)rmdir(path);
}

TEST(a_link_that_comes_to_lead_out_of_the_sandbox_ends_the_process_for_another_to_follow_it)
{
	skip_without_clips();
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		skip(); /* it follows the link itself */
	char path[] = "/tmp/holdfast-ingest-XXXXXX";
	char link_path[sizeof path + 8], clip[HF_PATH_BYTES];
	struct hf_note note;
	struct hf_msg msg;

	assert_non_null(mkdtemp(path));
	(void)snprintf(link_path, sizeof link_path, "%s/a.avi", path);
	struct lab *lab = lab_new("2x2-border.avi", 4);
	(void)snprintf(clip, sizeof clip, "%s", lab->config.sources[0].url);
	(void)snprintf(lab->config.sources[0].url, HF_PATH_BYTES, "%s", link_path);
	lab->config.sources[0].loop = true;
	lab_start(lab, HF_LOCKSTEP_NONE);
	await_control(lab, HF_MSG_READY, &msg);
	await_note(lab, "source_lost", &note);
	assert_non_null(strstr(note.attrs, "a.avi"));
	assert_int_equal(symlink(clip, link_path), 0);
	const int control = lab->control; /* nobody tells it to end */
	lab->control = -1;
	CHECK_I64(lab_end(lab), ==, 75);
	(void)close(control);
	(void)unlink(link_path);
	(void)rmdir(path);
}

TEST(a_file_that_opens_and_holds_rubbish_is_lost_once_and_not_back_each_time_it_is_opened)
{
	skip_without_clips();
	char path[] = "/tmp/holdfast-ingest-XXXXXX";
	char command[4 * HF_PATH_BYTES];
	struct hf_note note;
	struct hf_msg msg;

	assert_non_null(mkdtemp(path));
	struct lab *lab = lab_new("2x2-border.avi", 4);
	(void)snprintf(command, sizeof command,
		       "cd '%s' && head -c 8000 '%s' > a.avi && head -c 400000 /dev/zero >> a.avi",
		       path, lab->config.sources[0].url);
	assert_int_equal(system(command), 0);
	(void)snprintf(lab->config.sources[0].url, HF_PATH_BYTES, "%s/a.avi", path);
	lab->config.sources[0].loop = true;
	lab_start(lab, HF_LOCKSTEP_NONE);
	await_note(lab, "source_lost", &note);
	assert_non_null(strstr(note.attrs, "a.avi"));
	for (int reports = 0; reports < 4; reports++) {
		do {
			assert_int_equal(receive(lab, lab->control, &msg), HF_OK);
			CHECK_U64(msg.type, !=, HF_MSG_NOTE);
		} while (msg.type != HF_MSG_STATS);
	}
	CHECK_I64(lab_end(lab), ==, 0);
	(void)snprintf(command, sizeof command, "rm -r '%s'", path);
	assert_int_equal(system(command), 0);
}

TEST(a_missing_file_ends_lockstep_with_an_error)
{
	struct lab *lab = lab_new("not-there.avi", 1);
	struct hf_note note;

	lab_start(lab, HF_LOCKSTEP_ALL);
	await_note(lab, "source_lost", &note);
	CHECK_I64(lab_end(lab), ==, 1);
}

TEST(the_layout_is_found_and_looks_are_sent_while_a_file_is_played)
{
	skip_without_clips();
	struct lab *lab = lab_new("4x4-plain.avi", 16);
	struct hf_job job;
	struct hf_tick tick;
	uint64_t frame = 0;

	lab->config.sources[0].loop = true;
	lab->config.motion_full_look_ms = 500;
	lab_start(lab, HF_LOCKSTEP_NONE);
	do {
		CHECK(next_tick(lab, &tick));
		CHECK(tick.frame >= frame);
		frame = tick.frame;
	} while (tick.layout == HF_LAYOUT_UNKNOWN);
	CHECK_U64(tick.layout, ==, HF_LAYOUT_4X4);
	CHECK(next_job(lab, 0, &job));
	CHECK_U64(job.frame, >=, frame);
	CHECK_U64(job.camera, ==, job.tile);
	CHECK_I64(lab_end(lab), ==, 0);
}

TEST(a_worker_that_dies_loses_its_jobs_and_its_successor_gets_them)
{
	skip_without_clips();
	struct lab *lab = lab_new("2x2-border.avi", 4);
	struct hf_job job;
	struct hf_tick tick;

	lab->config.sources[0].loop = true;
	lab->config.sources[0].layout = HF_LAYOUT_2X2;
	lab->config.motion_full_look_ms = 500;
	lab_start(lab, HF_LOCKSTEP_NONE);
	CHECK(next_job(lab, 0, &job));
	(void)close(lab->infer[0]);
	do {
		CHECK(next_tick(lab, &tick));
	} while (tick.jobs_lost == 0);
	lab->infer[0] = plug(lab, HF_ROLE_INFER, 0);
	CHECK(next_job(lab, 0, &job));
	CHECK_I64(lab_end(lab), ==, 0);
}

TEST(a_switched_screen_is_told)
{
	skip_without_clips();
	char path[] = "/tmp/holdfast-ingest-XXXXXX";
	char command[4 * HF_PATH_BYTES];
	const char *clips = getenv("HOLDFAST_CLIPS");
	struct hf_note note;

	/* MJPEG pictures one after the other are a clip: 4x4 three times, then 2x2. */
	assert_non_null(mkdtemp(path));
	(void)snprintf(command, sizeof command,
		       "cd '%s' && ffmpeg -v error -i '%s/4x4-border.avi' -c copy -f mjpeg a && "
		       "ffmpeg -v error -i '%s/2x2-border.avi' -c copy -f mjpeg b && "
		       "cat a a b b > c.mjpeg",
		       path, clips, clips);
	assert_int_equal(system(command), 0);
	struct lab *lab = lab_new("", 2);
	(void)snprintf(lab->config.sources[0].url, HF_PATH_BYTES, "%s/c.mjpeg", path);
	lab_start(lab, HF_LOCKSTEP_NONE);
	await_note(lab, "view_changed", &note);
	json_t *attrs = json_loads(note.attrs, 0, NULL);
	CHECK_TEXT(json_string_value(json_object_get(attrs, "from")), "4x4-std");
	CHECK_TEXT(json_string_value(json_object_get(attrs, "to")), "2x2-std");
	CHECK_I64(json_integer_value(json_object_get(attrs, "frame")), >=, 8);
	json_decref(attrs);
	await_note(lab, "source_ended", &note);
	CHECK_I64(lab_end(lab), ==, 0);
	(void)snprintf(command, sizeof command, "rm -r '%s'", path);
	assert_int_equal(system(command), 0);
}

TEST(lost_video_is_told_once_a_camera_and_nothing_of_it_is_looked_at)
{
	skip_without_clips();
	struct lab *lab = lab_new("blue.avi", 4);
	struct hf_tick tick = { 0 };
	struct hf_note note;
	struct hf_job job;

	lab->config.sources[0].layout = HF_LAYOUT_2X2;
	lab->config.health_raise_ms = 2000;
	(void)snprintf(lab->config.cameras[2].name, sizeof lab->config.cameras[2].name, "Gate");
	lab_start(lab, HF_LOCKSTEP_AS_LIVE);
	for (uint64_t i = 0; i < 20; i++) { /* 4 s; the first looks come before anything is known */
		CHECK(next_tick(lab, &tick));
		CHECK_U64(tick.frame, ==, i);
		if (i == 0) {
			CHECK(next_job(lab, 0, &job));
			send_done(lab, 0, job.job_id);
		}
	}
	CHECK_U64(tick.blind_mask, ==, 15);
	CHECK(!next_job(lab, 0, &job));
	for (uint32_t i = 0; i < 4; i++) {
		await_note(lab, "camera_fault_raised", &note);
		json_t *attrs = json_loads(note.attrs, 0, NULL);

		assert_non_null(attrs);
		CHECK_TEXT(json_string_value(json_object_get(attrs, "fault")), "no_signal");
		CHECK_TEXT(json_string_value(json_object_get(attrs, "camera")),
			   lab->config.cameras[i].id);
		CHECK_I64(json_integer_value(json_object_get(attrs, "tile")), ==, i + 1);
		CHECK_REAL(json_number_value(json_object_get(attrs, "since_s")), >=, 2);
		CHECK_REAL(json_number_value(json_object_get(attrs, "flat_share")), >, 0.9);
		CHECK_TEXT(note.camera_name, i == 2 ? "Gate" : lab->config.cameras[i].id);
		CHECK_U64(note.layout, ==, HF_LAYOUT_2X2);
		CHECK_I64(note.captured_mono.us, >=, HF_SOURCE_LOCKSTEP_START_US + 2000000);
		CHECK_I64(note.captured_mono.us, <=, tick.captured_mono.us);
		json_decref(attrs);
	}
	CHECK_I64(lab_end(lab), ==, 0);
}

TEST(health_that_is_switched_off_blinds_and_tells_nothing)
{
	skip_without_clips();
	struct lab *lab = lab_new("blue.avi", 4);
	struct hf_tick tick;
	struct hf_note note;
	struct hf_job job;

	lab->config.sources[0].layout = HF_LAYOUT_2X2;
	lab->config.health_raise_ms = 2000;
	lab->config.health_watch = false;
	lab_start(lab, HF_LOCKSTEP_AS_LIVE);
	for (uint64_t i = 0; i < 20; i++) {
		CHECK(next_tick(lab, &tick));
		CHECK_U64(tick.blind_mask, ==, 0);
		if (i == 0 || i == 13) { /* the regular looks: at once, a quarter of 10 s later */
			CHECK(next_job(lab, 0, &job));
			send_done(lab, 0, job.job_id);
		}
	}
	struct hf_msg msg;
	struct hf_err err;
	do {
		await_control(lab, HF_MSG_NOTE, &msg);
		hf_msg_get(&msg, &note, sizeof note);
		CHECK_OK(hf_msg_end(&msg, &err));
		assert_null(strstr(note.event_class, "camera_fault"));
	} while (strcmp(note.event_class, "source_ended") != 0);
	CHECK_I64(lab_end(lab), ==, 0);
}

TEST(the_report_is_json_and_complete)
{
	skip_without_clips();
	struct lab *lab = lab_new("2x2-border.avi", 4);
	struct hf_msg msg;
	json_t *report;

	lab->config.sources[0].loop = true;
	lab->config.sources[0].layout = HF_LAYOUT_2X2;
	lab_start(lab, HF_LOCKSTEP_NONE);
	await_control(lab, HF_MSG_STATS, &msg);
	size_t size;
	const char *text = (const char *)hf_msg_get_rest(&msg, &size);
	report = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(report);
	CHECK_TEXT(json_string_value(json_object_get(report, "source")), "dvr");
	CHECK_I64(json_integer_value(json_object_get(report, "frames")), >, 0);
	CHECK_TEXT(json_string_value(json_object_get(report, "layout")), "2x2-std");
	CHECK_U64(json_array_size(json_object_get(report, "tiles")), ==, 4);
	json_t *tile = json_array_get(json_object_get(report, "tiles"), 2);
	CHECK_TEXT(json_string_value(json_object_get(tile, "camera")), "cam-03");
	CHECK_I64(json_integer_value(json_object_get(tile, "tile")), ==, 3);
	json_decref(report);
	CHECK_I64(lab_end(lab), ==, 0);
}

TESTS(RUN(in_lockstep_each_tile_of_each_frame_comes_once_in_order_with_its_pixels),
      RUN(as_live_ingest_is_one_frame_ahead_of_respond_and_no_further),
      RUN(a_missing_file_is_told_once_and_found_when_it_comes_back),
      RUN(a_link_that_comes_to_lead_out_of_the_sandbox_ends_the_process_for_another_to_follow_it),
      RUN(a_file_that_opens_and_holds_rubbish_is_lost_once_and_not_back_each_time_it_is_opened),
      RUN(a_missing_file_ends_lockstep_with_an_error),
      RUN(the_layout_is_found_and_looks_are_sent_while_a_file_is_played),
      RUN(a_worker_that_dies_loses_its_jobs_and_its_successor_gets_them),
      RUN(a_switched_screen_is_told),
      RUN(lost_video_is_told_once_a_camera_and_nothing_of_it_is_looked_at),
      RUN(health_that_is_switched_off_blinds_and_tells_nothing),
      RUN(the_report_is_json_and_complete))
