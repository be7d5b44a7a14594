/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the unit's own ingest looks at the source twice, while this plays its supervisor, its
 * detector and respond. First its ticks say which layout is on. Then it is told that the screen is
 * a fixed grid of 4 x 4, so that the whole picture comes in sixteen parts, each small enough to
 * keep its pixels; they are put together to the screen again.
 *
 * A file is read in lock-step, as fast as it can be; a device or network source as it comes.
 */
#include "base/auto.h"
#include "cli/hired.h"
#include "cli/setup.h"
#include "wire/ring.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRID = 4,
	PARTS = GRID * GRID,
	RING_SLOTS = 32,
	PART_BYTES_MAX = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
	POLL_MS = 200,
	SILENCE_MS = 20000, /* of a source that should speak */
	LAYOUT_MS_MAX = 5000,
	FULL_LOOK_MS = 500,
	PICTURES_A_SECOND = 5,
};

struct part {
	bool known;
	uint32_t width, height;               /* as it is handed out */
	uint32_t source_width, source_height; /* on the screen */
	uint8_t *bgr;
};

struct looker {
	const struct hf_setup_options *options;
	struct hf_setup *setup;
	struct hf_hired_tree tree;
	struct hf_hired ingest;
	struct hf_ring *ring;
	int respond_fd, infer_fd;

	int64_t wanted_ms;          /* of source time, in this pass */
	struct hf_mono first, last; /* ticks of this pass */
	struct hf_mono heard;       /* a tick, by our clock */
	uint64_t ticks;
	uint64_t layouts[HF_LAYOUT_4X4 + 1]; /* ticks of each */
	bool parts_wanted;
	struct part parts[PARTS];
	uint8_t grey[HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX];
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

/* Parts */

static uint32_t left_of(const struct looker *looker, uint32_t part)
{
	uint32_t x = 0;

	for (uint32_t i = 0; i < part % GRID; i++)
		x += looker->parts[i].width;
	return x;
}

static uint32_t top_of(const struct looker *looker, uint32_t part)
{
	uint32_t y = 0;

	for (uint32_t i = 0; i < part / GRID; i++)
		y += looker->parts[i * GRID].height;
	return y;
}

static void put_part(struct looker *looker, uint32_t index)
{
	const struct part *part = &looker->parts[index];
	struct hf_setup *setup = looker->setup;
	const struct hf_rect rect = { .x = left_of(looker, index),
				      .y = top_of(looker, index),
				      .width = part->width,
				      .height = part->height };

	for (uint32_t y = 0; y < rect.height; y++)
		memcpy(setup->bgr + (size_t)3 * ((rect.y + y) * setup->width + rect.x),
		       part->bgr + (size_t)3 * y * rect.width, (size_t)3 * rect.width);
	for (size_t i = 0; i < (size_t)rect.width * rect.height; i++) {
		const uint8_t *p = part->bgr + 3 * i;

		looker->grey[i] = (uint8_t)((29U * p[0] + 150U * p[1] + 77U * p[2]) >> 8);
	}
	hf_strip_add(setup->strip, rect, looker->grey);
}

/* All sixteen are known: the screen they make, with what has come so far. */
static enum hf_code begin_screen(struct looker *looker, struct hf_err *err)
{
	struct hf_setup *setup = looker->setup;

	setup->width = left_of(looker, GRID - 1) + looker->parts[GRID - 1].width;
	setup->height = top_of(looker, PARTS - GRID) + looker->parts[PARTS - GRID].height;
	setup->source_width = setup->source_height = 0;
	for (uint32_t i = 0; i < GRID; i++) {
		setup->source_width += looker->parts[i].source_width;
		setup->source_height += looker->parts[i * GRID].source_height;
	}
	setup->bgr = calloc((size_t)setup->width * setup->height, 3);
	if (setup->bgr == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	enum hf_code code = hf_strip_open(setup->width, setup->height, &setup->strip, err);
	for (uint32_t i = 0; code == HF_OK && i < PARTS; i++)
		put_part(looker, i);
	return code;
}

static enum hf_code take_part(struct looker *looker, const struct hf_job *job, struct hf_err *err)
{
	struct part *part = &looker->parts[job->tile];
	struct hf_err late;

	if (part->known && (part->width != job->width || part->height != job->height))
		return HF_OK; /* the picture has another size now: it does not fit the screen */
	if (part->bgr == NULL)
		part->bgr = malloc(PART_BYTES_MAX);
	if (part->bgr == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	if (hf_ring_read(looker->ring, job->slot, job->slot_generation, part->bgr,
			 (size_t)3 * job->width * job->height, &late) != HF_OK)
		return HF_OK;
	*part = (struct part){ .known = true,
			       .width = job->width,
			       .height = job->height,
			       .source_width = job->source_width,
			       .source_height = job->source_height,
			       .bgr = part->bgr };
	if (looker->setup->strip != NULL) {
		put_part(looker, job->tile);
	} else {
		for (uint32_t i = 0; i < PARTS; i++)
			if (!looker->parts[i].known)
				return HF_OK;
		enum hf_code code = begin_screen(looker, err);
		if (code != HF_OK)
			return code;
	}
	looker->setup->pictures += job->tile == PARTS - 1;
	return HF_OK;
}

/* Messages */

static enum hf_code on_job(struct looker *looker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_job job;

	hf_msg_get(msg, &job, sizeof job);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_job_check(&job, err);
	if (code == HF_OK && looker->parts_wanted)
		code = take_part(looker, &job, err);
	if (code != HF_OK)
		return code;
	const struct hf_done done = { .job_id = job.job_id };
	/* One that does not read has ended or hangs: both are seen elsewhere. */
	(void)!hf_msg_send(looker->infer_fd, HF_MSG_DONE, &done, sizeof done, NULL, 0, err);
	return HF_OK;
}

static enum hf_code on_tick(struct looker *looker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_tick tick;

	hf_msg_get(msg, &tick, sizeof tick);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_tick_check(&tick, err);
	if (code != HF_OK)
		return code;
	if (looker->ticks++ == 0)
		looker->first = tick.captured_mono;
	looker->last = tick.captured_mono;
	looker->heard = hf_mono_now(hf_clock_real());
	looker->layouts[tick.layout]++;
	return HF_OK;
}

static enum hf_code take(struct looker *looker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_note note;

	if (!hf_msg_allowed(msg->type, HF_ROLE_INGEST))
		return hf_fail(err, HF_E_DENIED, "ingest may not send %s", hf_msg_name(msg->type));
	if (msg->type == HF_MSG_NOTE)
		return hf_hired_on_note(&looker->ingest, msg, &note, err);
	if (msg->type == HF_MSG_JOB)
		return on_job(looker, msg, err);
	if (msg->type == HF_MSG_TICK)
		return on_tick(looker, msg, err);
	return HF_OK; /* READY, STATS: nothing to do for them */
}

static enum hf_code drain(struct looker *looker, int fd, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	while (code == HF_OK) {
		struct hf_msg msg;

		code = hf_msg_receive(fd, looker->buffer, &msg, err);
		/* Its end is seen on its pidfd, after what it said. */
		if (code == HF_E_AGAIN || code == HF_E_CLOSED)
			return HF_OK;
		if (code != HF_OK)
			return code;
		code = take(looker, &msg, err);
		hf_msg_drop(&msg);
	}
	return code;
}

static enum hf_code drain_all(struct looker *looker, struct hf_err *err)
{
	const int fds[] = { looker->ingest.child.control_fd, looker->respond_fd, looker->infer_fd };
	enum hf_code code = HF_OK;

	for (size_t i = 0; code == HF_OK && i < HF_ARRAY_LEN(fds); i++)
		code = drain(looker, fds[i], err);
	return code;
}

/* One look */

static double seconds_seen(const struct looker *looker)
{
	return (double)hf_mono_diff_us(looker->last, looker->first) / 1e6;
}

/* HF_E_CLOSED: enough was seen, or all there is. */
static enum hf_code judge(struct looker *looker, struct hf_err *err)
{
	struct hf_exit end;
	struct hf_err unused;

	if (seconds_seen(looker) * 1000 >= (double)looker->wanted_ms)
		return HF_E_CLOSED;
	if (hf_child_reap(&looker->ingest.child, &end, &unused) == HF_OK) {
		enum hf_code code = drain_all(looker, err);
		bool failed = end.signal != 0 || end.status != 0;

		if (code != HF_OK)
			return code;
		return failed ? hf_hired_died(&looker->ingest, &end, err) : HF_E_CLOSED;
	}
	if (looker->ingest.why[0] != '\0') /* a unit would try for ever */
		return hf_fail(err, HF_E_IO, "%s", looker->ingest.why);
	int64_t silent_us = hf_mono_diff_us(hf_mono_now(hf_clock_real()), looker->heard);
	if (looker->options->type != HF_SOURCE_FILE && silent_us > (int64_t)SILENCE_MS * 1000)
		return hf_fail(err, HF_E_IO, "no picture from %s within %d s",
			       looker->options->shown, SILENCE_MS / 1000);
	return hf_hired_check_alive(&looker->ingest, err);
}

static enum hf_code watch(struct looker *looker, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	looker->heard = hf_mono_now(hf_clock_real());
	while (code == HF_OK) {
		struct pollfd fds[] = {
			{ .fd = looker->ingest.child.pidfd, .events = POLLIN },
			{ .fd = looker->ingest.child.control_fd, .events = POLLIN },
			{ .fd = looker->respond_fd, .events = POLLIN },
			{ .fd = looker->infer_fd, .events = POLLIN },
		};

		(void)poll(fds, HF_ARRAY_LEN(fds), POLL_MS);
		code = drain_all(looker, err);
		if (code == HF_OK)
			code = judge(looker, err);
		if (looker->options->on_progress != NULL)
			looker->options->on_progress(looker->parts_wanted, seconds_seen(looker),
						     (double)looker->wanted_ms / 1000);
	}
	return code == HF_E_CLOSED ? HF_OK : code;
}

static enum hf_code link_up(struct looker *looker, struct hf_err *err)
{
	struct hf_child *ingest = &looker->ingest.child;
	HF_AUTO_FD ring_fd = -1;
	enum hf_code code = hf_ring_create(RING_SLOTS, PART_BYTES_MAX, &ring_fd, err);

	if (code == HF_OK)
		code = hf_ring_open(ring_fd, false, &looker->ring, err);
	if (code == HF_OK)
		code = hf_spawn_link_here(ingest, HF_ROLE_RESPOND, 0, 1, ring_fd,
					  &looker->respond_fd, err);
	if (code == HF_OK)
		code = hf_spawn_link_here(ingest, HF_ROLE_INFER, 0, 1, ring_fd, &looker->infer_fd,
					  err);
	return code == HF_OK ? hf_spawn_start(ingest, err) : code;
}

static void make_config(const struct looker *looker, struct hf_config *config)
{
	struct hf_config_source *source = &config->sources[0];
	uint32_t cameras = looker->parts_wanted ? PARTS : 1;

	hf_config_defaults(config);
	config->motion_full_look_ms = FULL_LOOK_MS;
	config->health_watch = false; /* a part that nothing moves in is looked at all the same */
	config->source_count = 1;
	(void)snprintf(source->id, sizeof source->id, "main");
	(void)snprintf(source->url, sizeof source->url, "%s", looker->options->source);
	source->type = (int32_t)looker->options->type;
	source->fps = PICTURES_A_SECOND;
	source->timeout_ms = 5000;
	source->width = 1920;
	source->height = 1080;
	source->layout = looker->parts_wanted ? HF_LAYOUT_4X4 : 0;
	config->camera_count = cameras;
	for (uint32_t i = 0; i < cameras; i++) {
		struct hf_config_camera *camera = &config->cameras[i];

		hf_setup_camera_id(i, camera->id);
		(void)snprintf(camera->source_id, sizeof camera->source_id, "main");
		camera->tile = i + 1;
		camera->priority = 5;
	}
}

static enum hf_code look_once(struct looker *looker, struct hf_err *err)
{
	bool is_file = looker->options->type == HF_SOURCE_FILE;
	const struct hf_hello hello = { .role = HF_ROLE_INGEST,
					.lockstep = is_file ? HF_LOCKSTEP_ALL : HF_LOCKSTEP_NONE };
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);

	if (config == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	make_config(looker, config);
	looker->ticks = 0;
	looker->first = looker->last = (struct hf_mono){ 0 };
	enum hf_code code = hf_hired_start(&looker->tree, &hello, config, &looker->ingest, err);
	if (code == HF_OK) {
		code = link_up(looker, err);
		/* One that is gone already has left its reason. */
		if (code == HF_OK || code == HF_E_CLOSED)
			code = watch(looker, err);
	}
	hf_hired_close(&looker->ingest);
	hf_ring_close(looker->ring);
	looker->ring = NULL;
	hf_auto_close(&looker->respond_fd);
	hf_auto_close(&looker->infer_fd);
	looker->respond_fd = looker->infer_fd = -1;
	return code;
}

/* The layout that was on for longest, and how many others were. */
static void choose_layout(struct looker *looker)
{
	struct hf_setup *setup = looker->setup;
	uint64_t longest = 0;

	setup->layout = HF_LAYOUT_1X1;
	for (int i = HF_LAYOUT_1X1; i <= HF_LAYOUT_4X4; i++) {
		setup->layouts_seen += looker->layouts[i] > 0;
		if (looker->layouts[i] <= longest)
			continue;
		longest = looker->layouts[i];
		setup->layout = (enum hf_layout)i;
	}
}

static enum hf_code look(struct looker *looker, struct hf_err *err)
{
	const struct hf_setup_options *options = looker->options;
	struct hf_setup *setup = looker->setup;
	enum hf_code code = hf_hired_find_tree(&looker->tree, err);

	setup->layout = options->layout;
	looker->wanted_ms = options->look_ms < LAYOUT_MS_MAX ? options->look_ms : LAYOUT_MS_MAX;
	if (code == HF_OK && options->layout == HF_LAYOUT_UNKNOWN) {
		code = look_once(looker, err);
		choose_layout(looker);
	}
	if (code != HF_OK)
		return code;
	looker->parts_wanted = true;
	looker->wanted_ms = options->look_ms;
	code = look_once(looker, err);
	setup->seconds = seconds_seen(looker);
	if (code == HF_OK && setup->strip == NULL)
		code = hf_fail(err, HF_E_INVALID, "%s gave not one whole picture", options->shown);
	return code;
}

enum hf_code hf_setup_look(const struct hf_setup_options *options, struct hf_setup *setup,
			   struct hf_err *err)
{
	HF_AUTO_FREE struct looker *looker = calloc(1, sizeof *looker);

	if (looker == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	looker->options = options;
	looker->setup = setup;
	looker->ingest = HF_HIRED_NONE;
	looker->respond_fd = looker->infer_fd = -1;
	enum hf_code code = look(looker, err);
	for (uint32_t i = 0; i < PARTS; i++)
		free(looker->parts[i].bgr);
	return code;
}

void hf_setup_free(struct hf_setup *setup)
{
	free(setup->bgr);
	hf_strip_close(setup->strip);
	*setup = (struct hf_setup){ 0 };
}
