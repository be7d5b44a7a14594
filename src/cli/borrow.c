/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one loop that waits for five things: what infer and ingest say to their supervisor,
 * what they say to respond, and their ends. ingest ends with 0 when the file has ended and infer
 * has answered for every frame; infer sends a result before it tells ingest so, hence all
 * results are in our queue by then.
 */
#include "cli/borrow.h"

#include "base/auto.h"
#include "cli/hired.h"

#include <poll.h>
#include <stdlib.h>

enum {
	RING_SLOTS = 32, /* how far behind the results somebody may be who wants the pixels */
	RING_SLOT_BYTES = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
	POLL_MS = 200,
	DEADLINE_MS = 60000, /* of one inference: a slow machine is not an error here */
	FPS_MAX = 60,        /* the most the setting allows: every frame of most clips */
};

struct worker {
	struct hf_hired hired;
	int respond_fd; /* what it says to respond */
};

struct hf_borrow {
	struct hf_hired_tree tree;
	char model[HF_PATH_BYTES];
	double score_low;
	uint64_t ring_id;
	struct worker infer; /* no child until a file needs it */
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

/* A file that is being run. */
struct run {
	struct hf_borrow *borrow;
	const struct hf_borrow_ops *ops;
	struct worker ingest;
	struct hf_ring *ring;
	bool ingest_failed; /* it alone: infer is as good as before */
};

#define NO_WORKER ((struct worker){ .hired = HF_HIRED_NONE, .respond_fd = -1 })

static void close_worker(struct worker *worker)
{
	hf_hired_close(&worker->hired);
	if (worker->respond_fd >= 0)
		(void)close(worker->respond_fd);
	*worker = NO_WORKER;
}

/* Where things are */

static enum hf_code put_path(char ret_path[HF_PATH_BYTES], const char *folder, const char *rest,
			     struct hf_err *err)
{
	if ((size_t)snprintf(ret_path, HF_PATH_BYTES, "%s%s", folder, rest) >= HF_PATH_BYTES)
		return hf_fail(err, HF_E_LIMIT, "path longer than %d bytes: %.80s...",
			       HF_PATH_BYTES - 1, folder);
	return HF_OK;
}

enum hf_code hf_borrow_open(const struct hf_borrow_options *options, struct hf_borrow **ret_borrow,
			    struct hf_err *err)
{
	HF_AUTO_FREE struct hf_borrow *borrow = calloc(1, sizeof *borrow);

	if (borrow == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	borrow->infer = NO_WORKER;
	borrow->score_low = options->score_low;
	enum hf_code code = hf_hired_find_tree(&borrow->tree, err);
	if (code == HF_OK)
		code = options->model_path != NULL
			       ? put_path(borrow->model, options->model_path, "", err)
			       : put_path(borrow->model, borrow->tree.share, "/model", err);
	if (code == HF_OK)
		*ret_borrow = HF_TAKE(borrow);
	return code;
}

void hf_borrow_close(struct hf_borrow *borrow)
{
	if (borrow == NULL)
		return;
	close_worker(&borrow->infer);
	free(borrow);
}

const char *hf_borrow_model_path(const struct hf_borrow *borrow)
{
	return borrow->model;
}

/* Workers */

static enum hf_code make_config(const struct hf_borrow *borrow, const char *path,
				struct hf_config *config, struct hf_err *err)
{
	hf_config_defaults(config);
	config->track_score_low = borrow->score_low;
	config->infer_deadline_ms = DEADLINE_MS;
	enum hf_code code = put_path(config->model_path, borrow->model, "", err);
	if (code == HF_OK && path != NULL) {
		struct hf_config_source *source = &config->sources[config->source_count++];
		struct hf_config_camera *camera = &config->cameras[config->camera_count++];

		(void)snprintf(source->id, sizeof source->id, "file");
		source->type = HF_SOURCE_FILE;
		source->layout = HF_LAYOUT_1X1;
		source->fps = FPS_MAX;
		code = put_path(source->url, path, "", err);
		(void)snprintf(camera->id, sizeof camera->id, "file");
		(void)snprintf(camera->source_id, sizeof camera->source_id, "file");
		camera->tile = 1;
	}
	return code;
}

/* path: ingest's file, NULL for infer. */
static enum hf_code start_worker(struct hf_borrow *borrow, enum hf_role role, const char *path,
				 struct worker *worker, struct hf_err *err)
{
	const struct hf_hello hello = { .role = (uint32_t)role, .lockstep = HF_LOCKSTEP_ALL };
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);

	*worker = NO_WORKER;
	if (config == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	enum hf_code code = make_config(borrow, path, config, err);
	if (code == HF_OK)
		code = hf_hired_start(&borrow->tree, &hello, config, &worker->hired, err);
	return code;
}

/* Every link, and off they go. HF_E_CLOSED: one of them is gone already. */
static enum hf_code link_workers(struct run *run, bool infer_is_new, struct hf_err *err)
{
	struct worker *infer = &run->borrow->infer, *ingest = &run->ingest;
	uint64_t ring_id = ++run->borrow->ring_id;
	HF_AUTO_FD ring_fd = -1;
	enum hf_code code = hf_ring_create(RING_SLOTS, RING_SLOT_BYTES, &ring_fd, err);

	if (code == HF_OK)
		code = hf_ring_open(ring_fd, false, &run->ring, err);
	if (code == HF_OK && infer_is_new)
		code = hf_spawn_link_here(&infer->hired.child, HF_ROLE_RESPOND, 0, 0, -1,
					  &infer->respond_fd, err);
	if (code == HF_OK && infer_is_new)
		code = hf_spawn_start(&infer->hired.child, err);
	if (code == HF_OK)
		code = hf_spawn_link_here(&ingest->hired.child, HF_ROLE_RESPOND, 0, ring_id,
					  ring_fd, &ingest->respond_fd, err);
	if (code == HF_OK)
		code = hf_spawn_link(&ingest->hired.child, &infer->hired.child, ring_id, ring_fd,
				     err);
	if (code == HF_OK)
		code = hf_spawn_start(&ingest->hired.child, err);
	return code;
}

/* What they say */

static enum hf_code on_control(struct worker *worker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_note note;

	if (msg->type != HF_MSG_NOTE) /* READY, STATS: nothing to do for them */
		return HF_OK;
	return hf_hired_on_note(&worker->hired, msg, &note, err);
}

static enum hf_code on_respond(struct run *run, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_result result;
	size_t size;

	if (msg->type != HF_MSG_RESULT) /* ticks: each frame has its result here */
		return HF_OK;
	const uint8_t *data = hf_msg_get_rest(msg, &size);
	enum hf_code code = hf_result_unpack(data, size, &result, err);
	if (code != HF_OK)
		return code;
	/* A late one of a file that was given up. */
	if (result.job.ring_id != run->borrow->ring_id)
		return HF_OK;
	return run->ops->on_result(run->ops->context, &result, run->ring, err);
}

/* All that is there. control: the worker speaks to its supervisor, else to respond. */
static enum hf_code drain(struct run *run, struct worker *worker, bool control, struct hf_err *err)
{
	int fd = control ? worker->hired.child.control_fd : worker->respond_fd;

	while (fd >= 0) {
		struct hf_msg msg;
		enum hf_code code = hf_msg_receive(fd, run->borrow->buffer, &msg, err);

		/* Its end is seen on its pidfd, after what it said. */
		if (code == HF_E_AGAIN || code == HF_E_CLOSED)
			return HF_OK;
		if (code != HF_OK)
			return code;
		if (!hf_msg_allowed(msg.type, worker->hired.child.role))
			code = hf_fail(err, HF_E_DENIED, "%s may not send %s",
				       hf_role_name(worker->hired.child.role),
				       hf_msg_name(msg.type));
		else
			code = control ? on_control(worker, &msg, err) : on_respond(run, &msg, err);
		hf_msg_drop(&msg);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

static enum hf_code drain_all(struct run *run, struct hf_err *err)
{
	struct worker *workers[] = { &run->borrow->infer, &run->ingest };

	for (size_t i = 0; i < HF_ARRAY_LEN(workers); i++) {
		enum hf_code code = drain(run, workers[i], true, err);

		if (code == HF_OK)
			code = drain(run, workers[i], false, err);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

/* Ends */

/* OK and *ret_ended: the file is done. */
static enum hf_code look_for_ends(struct run *run, bool *ret_ended, struct hf_err *err)
{
	struct worker *infer = &run->borrow->infer, *ingest = &run->ingest;
	struct hf_exit end;
	struct hf_err unused;

	*ret_ended = false;
	if (hf_child_reap(&infer->hired.child, &end, &unused) == HF_OK) {
		/* Its reason may have come after the last look. */
		(void)!drain(run, infer, true, &unused);
		return hf_hired_died(&infer->hired, &end, err);
	}
	if (hf_child_reap(&ingest->hired.child, &end, &unused) != HF_OK)
		return HF_OK;
	enum hf_code code = drain_all(run, err);
	if (code != HF_OK)
		return code;
	run->ingest_failed = end.signal != 0 || end.status != 0;
	if (run->ingest_failed)
		return hf_hired_died(&ingest->hired, &end, err);
	*ret_ended = true;
	return HF_OK;
}

static enum hf_code wait_for_end(struct run *run, struct hf_err *err)
{
	const struct worker *infer = &run->borrow->infer, *ingest = &run->ingest;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = infer->hired.child.pidfd, .events = POLLIN },
			{ .fd = infer->hired.child.control_fd, .events = POLLIN },
			{ .fd = infer->respond_fd, .events = POLLIN },
			{ .fd = ingest->hired.child.pidfd, .events = POLLIN },
			{ .fd = ingest->hired.child.control_fd, .events = POLLIN },
			{ .fd = ingest->respond_fd, .events = POLLIN },
		};
		bool ended;

		(void)poll(fds, HF_ARRAY_LEN(fds), POLL_MS);
		enum hf_code code = drain_all(run, err);
		if (code == HF_OK)
			code = look_for_ends(run, &ended, err);
		if (code != HF_OK || ended)
			return code;
		code = hf_hired_check_alive(&infer->hired, err);
		if (code == HF_OK)
			code = hf_hired_check_alive(&ingest->hired, err);
		if (code != HF_OK)
			return code;
	}
}

enum hf_code hf_borrow_file(struct hf_borrow *borrow, const char *path,
			    const struct hf_borrow_ops *ops, struct hf_err *err)
{
	struct run run = { .borrow = borrow, .ops = ops, .ingest = NO_WORKER };
	bool infer_is_new = borrow->infer.hired.child.pid == 0;
	enum hf_code code = HF_OK;

	if (infer_is_new)
		code = start_worker(borrow, HF_ROLE_INFER, NULL, &borrow->infer, err);
	if (code == HF_OK)
		code = start_worker(borrow, HF_ROLE_INGEST, path, &run.ingest, err);
	if (code == HF_OK) {
		code = link_workers(&run, infer_is_new, err);
		/* One that is gone already has left its reason. */
		if (code == HF_OK || code == HF_E_CLOSED)
			code = wait_for_end(&run, err);
	}
	if (code != HF_OK && !run.ingest_failed)
		close_worker(&borrow->infer);
	close_worker(&run.ingest);
	hf_ring_close(run.ring);
	return code;
}
