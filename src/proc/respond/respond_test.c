/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as it is, between a test that plays supervisor, ingest, infer and keeper. The
 * argument is the path of the executable. One camera, the right half of its tile is a zone;
 * somebody 20 x 50 pixels walks into it. Capture times are made up, 250 ms apart.
 */
#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"
#include "proc/common/spawn.h"
#include "test.h"
#include "wire/ring.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

enum {
	RING_ID = 4711,
	SLOTS = 4,
	WIDTH = 480,
	HEIGHT = 270,
	STEP_MS = 250,
	WAIT_MS = 60000, /* far beyond what it takes: only a hang meets it */
	NOBODY = -1000,
};

static const char *executable;
static struct hf_err err;
static char data_path[64];
static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];

struct bench {
	struct hf_config config;
	struct hf_child child;
	struct hf_ring *ring;
	int ring_fd;
	int ingest, infer, keeper; /* our ends */
	int64_t now_ms;            /* of capture */
	uint64_t frame;
	uint32_t restarts;
	uint32_t lockstep;
	uint8_t saved[HF_MSG_BODY_BYTES_MAX];
	size_t saved_bytes;
	char note[HF_ID_BYTES]; /* class of the last one */
	int64_t input_age_ms;   /* the worst that was told */
	int actuate;            /* our end; -1: none */
	char stats[8192];
};

/* Messages from the process */

static struct hf_msg receive(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct hf_msg msg = { 0 };

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_msg_receive(fd, buffer, &msg, &err));
	return msg;
}

/* One message on the control link, kept where a supervisor would keep it. */
static enum hf_msg_type take_control(struct bench *b)
{
	struct hf_msg msg = receive(b->child.control_fd);
	size_t size;
	const uint8_t *data = hf_msg_get_rest(&msg, &size);

	if (msg.type == HF_MSG_SAVE) {
		memcpy(b->saved, data, size);
		b->saved_bytes = size;
	} else if (msg.type == HF_MSG_NOTE) {
		struct hf_note note;

		CHECK_U64(size, ==, sizeof note);
		memcpy(&note, data, sizeof note);
		(void)snprintf(b->note, sizeof b->note, "%s", note.event_class);
	} else if (msg.type == HF_MSG_SIGNALS) {
		struct hf_signals signals = { 0 };

		memcpy(&signals, data, size);
		for (uint32_t i = 0; i < signals.count; i++)
			if (signals.samples[i].signal == HF_SIGNAL_INPUT_AGE &&
			    signals.samples[i].value > b->input_age_ms)
				b->input_age_ms = signals.samples[i].value;
	} else if (msg.type == HF_MSG_STATS) {
		CHECK_U64(size, <, sizeof b->stats);
		memcpy(b->stats, data, size);
		b->stats[size] = '\0';
	}
	return msg.type;
}

static bool readable(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) == 1;
}

static void drain_control(struct bench *b)
{
	while (readable(b->child.control_fd))
		(void)take_control(b);
}

static void await_control(struct bench *b, enum hf_msg_type type)
{
	while (take_control(b) != type)
		;
}

/* Statistics in which this member has this value. */
static void await_stats(struct bench *b, const char *key, json_int_t value)
{
	for (;;) {
		await_control(b, HF_MSG_STATS);
		json_t *stats = json_loads(b->stats, 0, NULL);
		assert_non_null(stats);
		json_int_t now = json_integer_value(json_object_get(stats, key));
		json_decref(stats);
		if (now == value)
			return;
	}
}

static struct hf_offer receive_offer(struct bench *b)
{
	struct hf_msg msg = receive(b->keeper);
	struct hf_offer offer;
	size_t size_bytes;

	CHECK_U64(msg.type, ==, HF_MSG_OFFER);
	const uint8_t *packed = hf_msg_get_rest(&msg, &size_bytes);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_OK(hf_offer_unpack(packed, size_bytes, &offer, &err));
	CHECK_OK(hf_offer_check(&offer, &err));
	return offer;
}

static json_t *parse(const struct hf_offer *offer)
{
	char line[HF_LINE_BYTES_MAX];
	json_error_t why;

	(void)snprintf(line, sizeof line, "{%s,%s}", offer->head, offer->tail);
	json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, &why);
	if (event == NULL)
		fail_msg("%s in %s", why.text, line);
	return event;
}

/* Messages to it */

static void answer(struct bench *b, const char *origin, enum hf_ack_outcome outcome)
{
	struct hf_ack ack = { .local_seq = 1,
			      .outcome = outcome,
			      .committed_mono = hf_mono_now(hf_clock_real()) };

	(void)snprintf(ack.origin, sizeof ack.origin, "%s", origin);
	CHECK_OK(hf_msg_send(b->keeper, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
}

static void tick(struct bench *b)
{
	const struct hf_tick tick = { .layout = HF_LAYOUT_4X4,
				      .frame = b->frame,
				      .captured_mono = { b->now_ms * 1000 },
				      .captured_wall = { 1745114400000 + b->now_ms } };

	CHECK_OK(hf_msg_send(b->ingest, HF_MSG_TICK, &tick, sizeof tick, NULL, 0, &err));
}

static struct hf_job put_tile(struct bench *b)
{
	uint32_t slot;
	uint8_t *pixels = hf_ring_claim(b->ring, &slot);

	memset(pixels, 80 + (int)(b->frame % 100), (size_t)3 * WIDTH * HEIGHT);
	return (struct hf_job){ .job_id = b->frame,
				.ring_id = RING_ID,
				.slot_generation = hf_ring_publish(b->ring, slot),
				.slot = slot,
				.tile = 4,
				.layout = HF_LAYOUT_4X4,
				.look = HF_LOOK_MOTION,
				.width = WIDTH,
				.height = HEIGHT,
				.source_width = WIDTH,
				.source_height = HEIGHT,
				.frame = b->frame,
				.captured_mono = { b->now_ms * 1000 },
				.captured_wall = { 1745114400000 + b->now_ms } };
}

/* A look at the next frame. Without its tick: ticks and results come by two links, and which is
 * read first is chance; the time of a result is enough for what is tested here. */
static void look(struct bench *b, double foot_x)
{
	struct hf_result result = { .inference_us = 17000,
				    .model_tag = "person-test@1",
				    .score_threshold = 0.45f };

	b->frame++;
	b->now_ms += STEP_MS;
	result.job = put_tile(b);
	if (foot_x > NOBODY) {
		result.detection_count = 1;
		result.detections[0] = (struct hf_detection){
			.x = (float)foot_x - 10, .y = 150, .width = 20, .height = 50, .score = 0.8f
		};
	}
	CHECK_OK(hf_msg_send(b->infer, HF_MSG_RESULT, &result,
			     hf_result_bytes(result.detection_count), NULL, 0, &err));
}

static void walk_in(struct bench *b)
{
	for (int i = 0; i < 9; i++)
		look(b, 200 + 8.0 * i);
}

/* Its life */

static void plug_keeper(struct bench *b)
{
	if (b->keeper >= 0)
		(void)close(b->keeper);
	CHECK_OK(hf_spawn_link_here(&b->child, HF_ROLE_KEEPER, 0, 0, -1, &b->keeper, &err));
}

static void launch(struct bench *b, bool with_keeper)
{
	struct hf_hello hello = { .role = HF_ROLE_RESPOND,
				  .lockstep = b->lockstep,
				  .restarts = b->restarts,
				  .boot = 7,
				  .run = 2,
				  .boot_id = "11111111-2222-3333-4444-555555555555",
				  .release = "test" };
	int fd;

	(void)snprintf(hello.data_path, sizeof hello.data_path, "%s", data_path);
	CHECK_OK(hf_spawn_config(&b->config, &fd, &err));
	HF_AUTO_FD config_fd = fd;
	const struct hf_spawn spawn = {
		.path = executable, .hello = &hello, .config_fd = config_fd, .stderr_fd = -1
	};
	CHECK_OK(hf_spawn_worker(&spawn, &b->child, &err));
	if (b->saved_bytes > 0)
		CHECK_OK(hf_msg_send(b->child.control_fd, HF_MSG_RESTORE, b->saved, b->saved_bytes,
				     NULL, 0, &err));
	CHECK_OK(hf_spawn_link_here(&b->child, HF_ROLE_INGEST, 0, RING_ID, b->ring_fd, &b->ingest,
				    &err));
	CHECK_OK(hf_spawn_link_here(&b->child, HF_ROLE_INFER, 0, 0, -1, &b->infer, &err));
	if (with_keeper)
		plug_keeper(b);
	if (b->config.actuation_command[0] != '\0')
		CHECK_OK(hf_spawn_link_here(&b->child, HF_ROLE_ACTUATE, 0, 0, -1, &b->actuate,
					    &err));
	CHECK_OK(hf_spawn_start(&b->child, &err));
	await_control(b, HF_MSG_READY);
}

static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	hf_config_defaults(&b->config);
	b->config.source_count = 1;
	b->config.camera_count = 1;
	b->config.zone_count = 1;
	(void)snprintf(b->config.sources[0].id, HF_ID_BYTES, "dvr");
	(void)snprintf(b->config.cameras[0].id, HF_ID_BYTES, "cam5");
	(void)snprintf(b->config.cameras[0].name, HF_ID_BYTES, "Hof \"Süd\"");
	b->config.cameras[0].tile = 5;
	b->config.zones[0] = (struct hf_config_zone){
		.id = "gate",
		.entry = true,
		.cooldown_ms = 60000,
		.point_count = 4,
		.points = { { 0.5, 0 }, { 1, 0 }, { 1, 1 }, { 0.5, 1 } },
	};
	b->child = HF_CHILD_NONE;
	b->ingest = b->infer = b->keeper = b->actuate = -1;
	/* Ahead of the clock: no cool-down that a restart cuts to its length reaches this far, so
	 * none can hide what a forgotten stay would do. */
	b->now_ms = hf_mono_now(hf_clock_real()).us / 1000 + 1000000;
	CHECK_OK(hf_ring_create(SLOTS, 3 * WIDTH * HEIGHT, &b->ring_fd, &err));
	CHECK_OK(hf_ring_open(b->ring_fd, true, &b->ring, &err));
	return b;
}

static void hang_up(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void kill_it(struct bench *b)
{
	drain_control(b);
	hf_child_close(&b->child);
	hang_up(&b->ingest);
	hang_up(&b->infer);
	hang_up(&b->keeper);
	hang_up(&b->actuate);
	b->restarts++;
}

static void bench_free(struct bench *b)
{
	kill_it(b);
	hf_ring_close(b->ring);
	(void)close(b->ring_fd);
	free(b);
}

/* Reads everything there is and sees that no event is among it: the looks before it are done. */
static void check_no_offer(struct bench *b, json_int_t results)
{
	await_stats(b, "results", results);
	CHECK(!readable(b->keeper));
}

TEST(a_walk_into_a_zone_is_one_event_with_a_picture_that_is_saved_first)
{
	struct bench *b = bench_new();
	HF_AUTO_FREE char *jpeg = NULL;
	uint8_t hash[crypto_hash_sha256_BYTES];
	char name[2 * sizeof hash + 1];
	size_t size;

	launch(b, true);
	tick(b);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	CHECK_TEXT(offer.origin, "7.r.2.1");
	/* The save that holds it came before. */
	drain_control(b);
	assert_non_null(memmem(b->saved, b->saved_bytes, offer.origin, strlen(offer.origin)));
	assert_non_null(memmem(b->saved, b->saved_bytes, offer.tail, offer.tail_bytes));

	json_t *event = parse(&offer), *attrs = json_object_get(event, "attrs");
	CHECK_TEXT(json_string_value(json_object_get(event, "event_class")),
		   "pre_action_zone_entry");
	CHECK_TEXT(json_string_value(json_object_get(event, "camera_name")), "Hof \"Süd\"");
	CHECK_TEXT(json_string_value(json_object_get(event, "zone_id")), "gate");
	CHECK_TEXT(json_string_value(json_object_get(event, "layout_id")), "4x4-std");
	CHECK_TEXT(json_string_value(json_object_get(event, "model_tag")), "person-test@1");
	CHECK_TEXT(json_string_value(json_object_get(event, "state")), "healthy");
	CHECK_TEXT(json_string_value(json_object_get(attrs, "source")), "dvr");
	CHECK_TEXT(json_string_value(json_object_get(attrs, "camera")), "cam5");
	CHECK_TEXT(json_string_value(json_object_get(attrs, "stay")), "7.2.1");
	CHECK_I64(json_integer_value(json_object_get(attrs, "tile")), ==, 5);
	CHECK_I64(json_integer_value(json_object_get(attrs, "suppressed_n")), ==, 0);
	/* 240, the edge, is outside; 248 and 256 are two looks inside: the eighth frame. */
	CHECK_I64(json_integer_value(json_object_get(attrs, "frame")), ==, 7);
	CHECK_I64(json_integer_value(json_object_get(event, "mono_ms")), ==,
		  b->now_ms - 2 * STEP_MS);
	CHECK(json_object_get(attrs, "thumb_error") == NULL);

	const char *path = json_string_value(json_object_get(event, "thumb_path"));
	assert_non_null(path);
	CHECK(path[0] == '/');
	CHECK_OK(hf_file_read(path, 1 << 20, &jpeg, &size, &err));
	(void)crypto_hash_sha256(hash, (const uint8_t *)jpeg, size);
	hf_hex(hash, sizeof hash, name);
	assert_non_null(strstr(path, name));
	json_decref(event);

	answer(b, offer.origin, HF_ACK_COMMITTED);
	await_stats(b, "committed", 1);
	for (int i = 0; i < 20; i++)
		look(b, 270);
	check_no_offer(b, 29);
	bench_free(b);
}

static struct hf_taken receive_taken(int fd)
{
	struct hf_msg msg = receive(fd);
	struct hf_taken taken;

	CHECK_U64(msg.type, ==, HF_MSG_TAKEN);
	hf_msg_get(&msg, &taken, sizeof taken);
	CHECK_OK(hf_msg_end(&msg, &err));
	return taken;
}

TEST(in_lockstep_each_is_answered_when_what_came_of_it_is_acknowledged)
{
	struct bench *b = bench_new();

	b->lockstep = HF_LOCKSTEP_AS_LIVE;
	launch(b, true);
	b->frame = 3;
	tick(b);
	struct hf_taken taken = receive_taken(b->ingest);
	CHECK_U64(taken.frame, ==, 3);
	CHECK_U64(taken.job_id, ==, 0);
	b->frame = 0;
	for (int i = 0; i < 5; i++) {
		look(b, 200 + 8.0 * i);
		taken = receive_taken(b->infer);
		CHECK_U64(taken.frame, ==, b->frame);
		CHECK_U64(taken.job_id, ==, b->frame);
	}
	while (!readable(b->keeper)) {
		look(b, 200 + 8.0 * (double)b->frame);
		struct pollfd either[] = { { .fd = b->keeper, .events = POLLIN },
					   { .fd = b->infer, .events = POLLIN } };
		CHECK_I64(poll(either, 2, WAIT_MS), >, 0);
		if (either[0].revents == 0)
			(void)receive_taken(b->infer);
	}
	struct hf_offer offer = receive_offer(b);
	CHECK(!readable(b->infer));
	answer(b, offer.origin, HF_ACK_COMMITTED);
	CHECK_U64(receive_taken(b->infer).frame, ==, b->frame);
	bench_free(b);
}

TEST(without_a_data_folder_an_event_goes_without_a_picture)
{
	struct bench *b = bench_new();
	char kept[sizeof data_path];

	(void)snprintf(kept, sizeof kept, "%s", data_path);
	data_path[0] = '\0';
	launch(b, true);
	(void)snprintf(data_path, sizeof data_path, "%s", kept);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	json_t *event = parse(&offer);
	CHECK(json_is_null(json_object_get(event, "thumb_path")));
	CHECK_TEXT(
		json_string_value(json_object_get(json_object_get(event, "attrs"), "thumb_error")),
		"no pictures are kept");
	json_decref(event);
	bench_free(b);
}

/* Hours that begin so long after the moment of capture, and last as long as these. */
static void arm_from(struct bench *b, int64_t hours_ahead, int64_t hours)
{
	int64_t from = (1745114400000 + b->now_ms) / 3600000 + hours_ahead;

	(void)snprintf(b->config.armed_entry, HF_SCHEDULE_BYTES, "%02d:00-%02d:00",
		       (int)(from % 24), (int)((from + hours) % 24));
	(void)snprintf(b->config.time_zone, HF_ID_BYTES, "UTC");
	b->lockstep = HF_LOCKSTEP_AS_LIVE;
}

TEST(outside_the_hours_of_the_clips_own_time_there_is_no_event)
{
	struct bench *b = bench_new();

	arm_from(b, 6, 12);
	launch(b, true);
	walk_in(b);
	check_no_offer(b, 9);
	bench_free(b);
}

static void check_armed(struct bench *b, const char *doubt)
{
	launch(b, true);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	json_t *event = parse(&offer);
	const char *armed =
		json_string_value(json_object_get(json_object_get(event, "attrs"), "armed"));

	if (doubt == NULL)
		assert_null(armed);
	else
		CHECK_TEXT(armed, doubt);
	json_decref(event);
	bench_free(b);
}

TEST(within_the_hours_an_event_says_nothing_of_them)
{
	struct bench *b = bench_new();

	arm_from(b, -6, 12);
	check_armed(b, NULL);
}

TEST(in_a_zone_nobody_knows_an_event_outside_the_hours_is_raised_and_says_why)
{
	struct bench *b = bench_new();

	arm_from(b, 6, 12);
	(void)snprintf(b->config.time_zone, HF_ID_BYTES, "Atlantis/Capital");
	check_armed(b, "zone unknown");
}

TEST(killed_before_the_ack_it_offers_the_same_origin_again_and_fires_no_second_time)
{
	struct bench *b = bench_new();

	launch(b, true);
	walk_in(b);
	struct hf_offer first = receive_offer(b);
	kill_it(b);
	launch(b, true);
	struct hf_offer again = receive_offer(b);
	CHECK_TEXT(again.origin, first.origin);
	CHECK_TEXT(again.head, first.head);
	CHECK_TEXT(again.tail, first.tail);
	answer(b, again.origin, HF_ACK_COMMITTED);
	/* He still stands there: nobody is to hear of it twice. */
	for (int i = 0; i < 8; i++)
		look(b, 264 + i);
	check_no_offer(b, 8);
	/* Nor after one more death, acknowledged as it is. */
	await_stats(b, "pending_offers", 0);
	kill_it(b);
	launch(b, true);
	for (int i = 0; i < 8; i++)
		look(b, 272 + i);
	check_no_offer(b, 8);
	/* Somebody else is another event, and has the next number. */
	for (int i = 0; i < 3; i++)
		look(b, 440);
	CHECK_TEXT(receive_offer(b).origin, "7.r.2.2");
	bench_free(b);
}

/* Dwell and escalation of the event that keeper is offered next. */
static void check_loitering(struct bench *b, double dwell_s, json_int_t escalation)
{
	struct hf_offer offer = receive_offer(b);
	json_t *event = parse(&offer), *attrs = json_object_get(event, "attrs");

	CHECK_TEXT(json_string_value(json_object_get(event, "event_class")),
		   "loitering_dwell_exceeded");
	CHECK_REAL(json_number_value(json_object_get(event, "dwell_seconds")), ==, dwell_s);
	CHECK_TEXT(json_string_value(json_object_get(attrs, "class")), "person");
	CHECK_TEXT(json_string_value(json_object_get(attrs, "stay")), "7.2.1");
	CHECK_I64(json_integer_value(json_object_get(attrs, "escalation")), ==, escalation);
	CHECK_REAL(json_number_value(json_object_get(attrs, "threshold_s")), ==,
		   escalation == 0 ? 5 : 10);
	json_decref(event);
	answer(b, offer.origin, HF_ACK_COMMITTED);
}

/* Each look with its tick, in whatever order they are read: the dwell is the same. */
static void stay_for(struct bench *b, double from_x, double to_x, int looks)
{
	for (int i = 0; i < looks; i++) {
		look(b, from_x + (to_x - from_x) * i / looks);
		tick(b);
	}
}

/* The same, all looks read before the first tick. */
static void stay_for_ticks_last(struct bench *b, double x, int looks)
{
	const int64_t from_ms = b->now_ms;
	const uint64_t from_frame = b->frame;

	for (int i = 0; i < looks; i++)
		look(b, x);
	await_stats(b, "results", looks);
	for (int i = 1; i <= looks; i++) {
		b->now_ms = from_ms + i * STEP_MS;
		b->frame = from_frame + (uint64_t)i;
		tick(b);
	}
}

/* Saves are made once a second, before the statistics. */
static void kill_it_once_saved(struct bench *b, json_int_t results)
{
	await_stats(b, "results", results);
	await_control(b, HF_MSG_STATS);
	CHECK(!readable(b->keeper));
	kill_it(b);
}

TEST(killed_before_and_after_the_threshold_it_goes_on_with_the_stay_and_tells_it_once)
{
	struct bench *b = bench_new();

	b->config.zones[0].entry = false;
	b->config.zones[0].loitering_count = 1;
	b->config.zones[0].loitering[0] = (struct hf_config_dwell){ HF_CLASS_PERSON, 5000 };
	launch(b, true);
	stay_for(b, 200, 272, 9);
	stay_for(b, 272, 272, 10);
	kill_it_once_saved(b, 19); /* three seconds inside */
	launch(b, true);
	stay_for_ticks_last(b, 272, 20);
	check_loitering(b, 5, 0);
	kill_it_once_saved(b, 20);
	launch(b, true);
	stay_for(b, 272, 272, 20);
	check_loitering(b, 10, 1);
	kill_it_once_saved(b, 20);
	launch(b, true);
	stay_for(b, 272, 272, 20);
	check_no_offer(b, 20);
	bench_free(b);
}

TEST(a_new_keeper_is_offered_what_the_old_one_did_not_acknowledge)
{
	struct bench *b = bench_new();

	launch(b, true);
	walk_in(b);
	struct hf_offer first = receive_offer(b);
	plug_keeper(b);
	struct hf_offer again = receive_offer(b);
	CHECK_TEXT(again.origin, first.origin);
	bench_free(b);
}

TEST(later_brings_the_same_offer_again_and_refused_ends_it)
{
	struct bench *b = bench_new();

	launch(b, true);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	answer(b, offer.origin, HF_ACK_LATER);
	struct hf_offer again = receive_offer(b);
	CHECK_TEXT(again.origin, offer.origin);
	answer(b, again.origin, HF_ACK_REFUSED);
	await_control(b, HF_MSG_NOTE);
	CHECK_TEXT(b->note, "event_refused");
	await_stats(b, "pending_offers", 0);
	CHECK(!readable(b->keeper));
	bench_free(b);
}

TEST(without_a_place_for_pictures_events_go_without_and_say_why)
{
	struct bench *b = bench_new();
	char path[96];

	(void)snprintf(path, sizeof path, "rm -rf %s/thumbs", data_path);
	CHECK_I64(system(path), ==, 0);
	(void)snprintf(path, sizeof path, "%s/thumbs", data_path);
	CHECK_OK(hf_file_replace(path, "x", 1, 0600, &err));
	launch(b, true);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	json_t *event = parse(&offer), *attrs = json_object_get(event, "attrs");
	CHECK(json_is_null(json_object_get(event, "thumb_path")));
	assert_non_null(strstr(json_string_value(json_object_get(attrs, "thumb_error")), "thumbs"));
	json_decref(event);
	CHECK_I64(unlink(path), ==, 0);
	bench_free(b);
}

TEST(without_pixels_events_go_without_and_say_why)
{
	struct bench *b = bench_new();

	launch(b, true);
	/* Every slot is overwritten before the result is read. */
	for (int i = 0; i < 9; i++) {
		(void)kill(b->child.pid, SIGSTOP);
		look(b, 200 + 8.0 * i);
		for (int s = 0; s < SLOTS; s++)
			(void)put_tile(b);
		(void)kill(b->child.pid, SIGCONT);
	}
	struct hf_offer offer = receive_offer(b);
	json_t *event = parse(&offer), *attrs = json_object_get(event, "attrs");
	CHECK(json_is_null(json_object_get(event, "thumb_path")));
	assert_non_null(
		strstr(json_string_value(json_object_get(attrs, "thumb_error")), "overwritten"));
	json_decref(event);
	bench_free(b);
}

TEST(a_damaged_state_is_a_fresh_start_with_a_note_and_no_number_given_twice)
{
	struct bench *b = bench_new();

	launch(b, true);
	walk_in(b);
	struct hf_offer first = receive_offer(b);
	answer(b, first.origin, HF_ACK_COMMITTED);
	await_stats(b, "committed", 1);
	kill_it(b);
	CHECK_U64(b->saved_bytes, >, 40);
	b->saved[40] ^= 1;
	launch(b, true);
	CHECK_TEXT(b->note, "respond_state_damaged");
	walk_in(b);
	struct hf_offer second = receive_offer(b);
	/* The first number of the second start: 2^32 + 1. */
	CHECK_TEXT(second.origin, "7.r.2.4294967297");
	bench_free(b);
}

TEST(a_result_that_makes_no_sense_condemns_its_link_only)
{
	struct bench *b = bench_new();
	struct pollfd wait;
	struct hf_msg msg;

	launch(b, true);
	CHECK_OK(hf_msg_send(b->infer, HF_MSG_RESULT, "nonsense", 8, NULL, 0, &err));
	wait = (struct pollfd){ .fd = b->infer, .events = POLLIN };
	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_CODE(hf_msg_receive(b->infer, buffer, &msg, &err), HF_E_CLOSED);
	hang_up(&b->infer);
	CHECK_OK(hf_spawn_link_here(&b->child, HF_ROLE_INFER, 0, 0, -1, &b->infer, &err));
	walk_in(b);
	(void)receive_offer(b);
	bench_free(b);
}

TEST(without_a_keeper_64_events_wait_and_the_rest_is_one_event_with_a_count)
{
	struct bench *b = bench_new();
	uint64_t fired = 0;

	b->config.zones[0].cooldown_ms = 0;
	b->config.stay_rearm_ms = 0;
	launch(b, false);
	for (int i = 0; i < 70; i++) {
		for (int step = 0; step < 3; step++)
			look(b, 236);
		for (int step = 0; step < 3; step++)
			look(b, 244);
		/* Not faster than it reads: the socket holds less than all of this. */
		for (int step = 0; step < 2; step++)
			look(b, 226);
		if (i % 10 == 9)
			await_stats(b, "results", (i + 1) * 8);
	}
	await_stats(b, "pending_offers", 64);
	plug_keeper(b);
	for (uint64_t n = 1; n <= 65; n++) {
		char origin[HF_ORIGIN_BYTES];
		struct hf_offer offer = receive_offer(b);

		(void)snprintf(origin, sizeof origin, "7.r.2.%llu", (unsigned long long)n);
		CHECK_TEXT(offer.origin, origin);
		if (n == 65) {
			json_t *event = parse(&offer);

			CHECK_TEXT(json_string_value(json_object_get(event, "event_class")),
				   "events_suppressed");
			fired = (uint64_t)json_integer_value(
				json_object_get(json_object_get(event, "attrs"), "count"));
			json_decref(event);
		}
		answer(b, offer.origin, HF_ACK_COMMITTED);
	}
	CHECK_U64(fired, ==, 6);
	await_stats(b, "committed", 65);
	bench_free(b);
}

TEST(it_ends_when_the_supervisor_hangs_up)
{
	struct bench *b = bench_new();
	struct hf_exit end = { 0 };

	launch(b, true);
	struct pollfd wait = { .fd = b->child.pidfd, .events = POLLIN };
	(void)close(b->child.control_fd);
	b->child.control_fd = -1;
	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_child_reap(&b->child, &end, &err));
	CHECK_I64(end.status, ==, 0);
	hf_child_close(&b->child);
	hf_ring_close(b->ring);
	(void)close(b->ring_fd);
	hang_up(&b->ingest);
	hang_up(&b->infer);
	hang_up(&b->keeper);
	free(b);
}

TEST(what_fired_while_it_was_told_to_end_is_saved_before_keeper_gets_it)
{
	struct bench *b = bench_new();
	struct hf_exit end = { 0 };
	struct hf_msg msg;

	launch(b, true);
	/* It finds the end of its control link and the walk at the same moment. */
	(void)kill(b->child.pid, SIGSTOP);
	walk_in(b);
	hf_child_hang_up(&b->child);
	(void)kill(b->child.pid, SIGCONT);
	struct hf_offer offer = receive_offer(b);
	struct pollfd wait = { .fd = b->child.pidfd, .events = POLLIN };
	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_child_reap(&b->child, &end, &err));
	CHECK_I64(end.status, ==, 0);
	while (hf_msg_receive(b->child.control_fd, buffer, &msg, &err) == HF_OK)
		if (msg.type == HF_MSG_SAVE) {
			b->saved_bytes = msg.size_bytes;
			memcpy(b->saved, msg.body, msg.size_bytes);
		}
	CHECK(memmem(b->saved, b->saved_bytes, offer.origin, strlen(offer.origin)) != NULL);

	/* The next one offers the same again, and the stay does not fire twice. */
	hang_up(&b->keeper);
	hang_up(&b->ingest);
	hang_up(&b->infer);
	hf_child_close(&b->child);
	b->restarts++;
	launch(b, true);
	struct hf_offer again = receive_offer(b);
	CHECK_TEXT(again.origin, offer.origin);
	answer(b, again.origin, HF_ACK_COMMITTED);
	look(b, 272);
	look(b, 274);
	look(b, 276);
	look(b, 278);
	check_no_offer(b, 4);
	bench_free(b);
}

/* What the unit's output is asked for, and what is marked as not to be acted upon. */

static struct bench *bench_with_output(void)
{
	struct bench *b = bench_new();

	(void)snprintf(b->config.actuation_command, HF_PATH_BYTES, "/bin/true");
	return b;
}

static void tell_unit(struct bench *b, bool observe_only, uint64_t cameras_held)
{
	const struct hf_unit unit = { .rate_permille = HF_RATE_FULL_PERMILLE,
				      .observe_only = observe_only,
				      .cameras_held = cameras_held };

	drain_control(b);
	CHECK_OK(hf_msg_send(b->child.control_fd, HF_MSG_UNIT, &unit, sizeof unit, NULL, 0, &err));
	/* Two reports: the second was made after it. */
	await_control(b, HF_MSG_STATS);
	await_control(b, HF_MSG_STATS);
}

/* The event of a walk into the zone is stored. "": nothing is said of a decision. */
static void store_walk(struct bench *b, const char *held_because)
{
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	json_t *event = parse(&offer), *attrs = json_object_get(event, "attrs");
	const char *decision = json_string_value(json_object_get(attrs, "decision"));
	const char *why = json_string_value(json_object_get(attrs, "held_because"));

	CHECK_TEXT(why != NULL ? why : "", held_because);
	CHECK_TEXT(decision != NULL ? decision : "", held_because[0] != '\0' ? "held" : "");
	json_decref(event);
	answer(b, offer.origin, HF_ACK_COMMITTED);
}

static void check_not_asked(struct bench *b)
{
	await_stats(b, "committed", 1);
	CHECK(!readable(b->actuate));
}

TEST(the_output_is_asked_for_when_the_event_is_stored_and_not_before)
{
	struct bench *b = bench_with_output();
	struct hf_actuate ask;

	launch(b, true);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	await_stats(b, "results", 9);
	CHECK(!readable(b->actuate));
	answer(b, offer.origin, HF_ACK_COMMITTED);
	struct hf_msg msg = receive(b->actuate);
	CHECK_U64(msg.type, ==, HF_MSG_ACTUATE);
	hf_msg_get(&msg, &ask, sizeof ask);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_TEXT(ask.event_class, "pre_action_zone_entry");
	CHECK_U64(ask.camera, ==, 0);
	CHECK_U64(ask.zone, ==, 0);
	CHECK_U64(ask.local_seq, ==, 1);
	bench_free(b);
}

TEST(killed_before_the_ack_the_next_one_asks_for_the_output)
{
	struct bench *b = bench_with_output();

	launch(b, true);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	kill_it(b);
	launch(b, true);
	offer = receive_offer(b);
	answer(b, offer.origin, HF_ACK_COMMITTED);
	struct hf_msg msg = receive(b->actuate);
	CHECK_U64(msg.type, ==, HF_MSG_ACTUATE);
	bench_free(b);
}

TEST(an_event_of_another_class_asks_for_nothing)
{
	struct bench *b = bench_with_output();

	(void)snprintf(b->config.actuation_on, HF_SCHEDULE_BYTES, "loitering_dwell_exceeded");
	launch(b, true);
	store_walk(b, "");
	check_not_asked(b);
	bench_free(b);
}

TEST(an_event_that_was_long_on_its_way_asks_for_nothing)
{
	struct bench *b = bench_with_output();

	b->now_ms = hf_mono_now(hf_clock_real()).us / 1000 - 60000;
	launch(b, true);
	store_walk(b, "");
	check_not_asked(b);
	bench_free(b);
}

TEST(while_only_observing_events_are_stored_marked_and_ask_for_nothing)
{
	struct bench *b = bench_with_output();

	launch(b, true);
	tell_unit(b, true, 0);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	static const char marked[] = "\"decision\":\"held\",\"held_because\":\"observe_only\"";
	assert_non_null(memmem(offer.tail, offer.tail_bytes, marked, sizeof marked - 1));
	/* It may again, but this event was held when it was raised. */
	tell_unit(b, false, 0);
	answer(b, offer.origin, HF_ACK_COMMITTED);
	check_not_asked(b);
	bench_free(b);
}

TEST(a_held_camera_marks_its_events_and_another_ones_hold_does_not)
{
	struct bench *b = bench_with_output();

	launch(b, true);
	tell_unit(b, false, 1);
	store_walk(b, "camera_held");
	check_not_asked(b);
	kill_it(b);
	b->saved_bytes = 0;
	launch(b, true);
	tell_unit(b, false, UINT64_MAX - 1);
	store_walk(b, "");
	struct hf_msg msg = receive(b->actuate);
	CHECK_U64(msg.type, ==, HF_MSG_ACTUATE);
	bench_free(b);
}

TEST(held_between_the_event_and_its_storing_it_asks_for_nothing)
{
	struct bench *b = bench_with_output();

	launch(b, true);
	walk_in(b);
	struct hf_offer offer = receive_offer(b);
	tell_unit(b, false, 1);
	answer(b, offer.origin, HF_ACK_COMMITTED);
	check_not_asked(b);
	bench_free(b);
}

TEST(an_output_that_rests_on_an_old_picture_is_told_by_how_much_too_old_it_is)
{
	struct bench *b = bench_new();

	launch(b, true);
	look(b, NOBODY);
	await_stats(b, "results", 1);
	await_control(b, HF_MSG_SIGNALS);
	CHECK_I64(b->input_age_ms, ==, 0);
	kill_it(b);
	launch(b, true);
	b->now_ms = hf_mono_now(hf_clock_real()).us / 1000 - 3000;
	look(b, NOBODY);
	await_stats(b, "results", 1);
	await_control(b, HF_MSG_SIGNALS);
	/* No tick told of a period: only the objective is taken off. */
	CHECK_I64(b->input_age_ms, >=, 3000 - STEP_MS - b->config.latency_objective_ms);
	CHECK_I64(b->input_age_ms, <, 60000);
	bench_free(b);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(data_path, sizeof data_path, "/tmp/holdfast-respond-XXXXXX");
	return mkdtemp(data_path) == NULL;
}

static int remove_folder(void **state)
{
	char command[96];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", data_path);
	return system(command);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN(a_walk_into_a_zone_is_one_event_with_a_picture_that_is_saved_first),
		RUN(in_lockstep_each_is_answered_when_what_came_of_it_is_acknowledged),
		RUN(without_a_data_folder_an_event_goes_without_a_picture),
		RUN(outside_the_hours_of_the_clips_own_time_there_is_no_event),
		RUN(within_the_hours_an_event_says_nothing_of_them),
		RUN(in_a_zone_nobody_knows_an_event_outside_the_hours_is_raised_and_says_why),
		RUN(killed_before_the_ack_it_offers_the_same_origin_again_and_fires_no_second_time),
		RUN(killed_before_and_after_the_threshold_it_goes_on_with_the_stay_and_tells_it_once),
		RUN(a_new_keeper_is_offered_what_the_old_one_did_not_acknowledge),
		RUN(later_brings_the_same_offer_again_and_refused_ends_it),
		RUN(without_a_place_for_pictures_events_go_without_and_say_why),
		RUN(without_pixels_events_go_without_and_say_why),
		RUN(a_damaged_state_is_a_fresh_start_with_a_note_and_no_number_given_twice),
		RUN(a_result_that_makes_no_sense_condemns_its_link_only),
		RUN(without_a_keeper_64_events_wait_and_the_rest_is_one_event_with_a_count),
		RUN(it_ends_when_the_supervisor_hangs_up),
		RUN(what_fired_while_it_was_told_to_end_is_saved_before_keeper_gets_it),
		RUN(the_output_is_asked_for_when_the_event_is_stored_and_not_before),
		RUN(killed_before_the_ack_the_next_one_asks_for_the_output),
		RUN(an_event_of_another_class_asks_for_nothing),
		RUN(an_event_that_was_long_on_its_way_asks_for_nothing),
		RUN(while_only_observing_events_are_stored_marked_and_ask_for_nothing),
		RUN(a_held_camera_marks_its_events_and_another_ones_hold_does_not),
		RUN(held_between_the_event_and_its_storing_it_asks_for_nothing),
		RUN(an_output_that_rests_on_an_old_picture_is_told_by_how_much_too_old_it_is),
	};

	if (argc != 2)
		return 2;
	executable = argv[1];
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
