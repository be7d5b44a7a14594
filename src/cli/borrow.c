/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one loop that waits for what the workers say to their supervisor, what they say to
 * respond, and their ends. ingest ends with 0 when the file has ended and every infer has
 * answered for every frame; an infer sends a result before it tells ingest so, hence all results
 * of a frame are in our queues when the next tick, or the end, is.
 *
 * As live, ticks and results come by several links, so a frame is put together here first: its
 * notes, its tick, its results. It is whole, and is told, when the tick of the next frame has
 * come or ingest has ended. Of that next frame notes and results may have come already: each
 * goes to its own. ingest is at most one frame ahead, it waits for TAKEN.
 */
#include "cli/borrow.h"

#include "base/auto.h"

#include <poll.h>
#include <string.h>

enum {
	RING_SLOTS = 64, /* two frames of 16 tiles, and what a lost job costs */
	RING_SLOT_BYTES = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
	POLL_MS = 200,
	RESULTS_MAX = 4 * HF_TILES_MAX,
	NOTES_MAX = 128,
};

struct worker {
	struct hf_hired hired;
	int respond_fd; /* what it says to respond; -1: no such link yet */
};

#define NO_WORKER ((struct worker){ .hired = HF_HIRED_NONE, .respond_fd = -1 })

struct hf_borrow {
	struct hf_borrow_options options;
	struct hf_hired_tree tree;
	uint64_t ring_id;
	bool linked;                                /* the infers below */
	struct worker infers[HF_INFER_WORKERS_MAX]; /* no child until a file needs it */
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

/* A file that is being run. */
struct run {
	struct hf_borrow *borrow;
	const struct hf_borrow_ops *ops;
	uint32_t source;
	struct worker ingest;
	struct hf_ring *ring;
	bool ingest_failed; /* it alone: infer is as good as before */
	/* As live: what is not told yet, of this frame and the next. */
	bool has_tick;
	struct hf_tick tick;
	uint32_t note_count;
	struct hf_note notes[NOTES_MAX];
	uint32_t result_count;
	struct hf_result results[RESULTS_MAX];
};

static void close_worker(struct worker *worker)
{
	hf_hired_close(&worker->hired);
	hf_auto_close(&worker->respond_fd);
	*worker = NO_WORKER;
}

enum hf_code hf_borrow_open(const struct hf_borrow_options *options, struct hf_borrow **ret_borrow,
			    struct hf_err *err)
{
	HF_AUTO_FREE struct hf_borrow *borrow = calloc(1, sizeof *borrow);

	if (borrow == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	borrow->options = *options;
	for (uint32_t i = 0; i < HF_INFER_WORKERS_MAX; i++)
		borrow->infers[i] = NO_WORKER;
	enum hf_code code = hf_hired_find_tree(&borrow->tree, err);
	if (code == HF_OK)
		*ret_borrow = HF_TAKE(borrow);
	return code;
}

static void close_infers(struct hf_borrow *borrow)
{
	for (uint32_t i = 0; i < HF_INFER_WORKERS_MAX; i++)
		close_worker(&borrow->infers[i]);
	borrow->linked = false;
}

void hf_borrow_close(struct hf_borrow *borrow)
{
	if (borrow == NULL)
		return;
	close_infers(borrow);
	free(borrow);
}

const struct hf_hired_tree *hf_borrow_tree(const struct hf_borrow *borrow)
{
	return &borrow->tree;
}

/* Workers */

static enum hf_code start(struct hf_borrow *borrow, enum hf_role role, uint32_t index,
			  const struct hf_config *config, struct worker *worker, struct hf_err *err)
{
	struct hf_hello hello = { .role = (uint32_t)role,
				  .index = index,
				  .lockstep = (uint32_t)borrow->options.lockstep };

	*worker = NO_WORKER;
	(void)snprintf(hello.share_path, sizeof hello.share_path, "%s", borrow->tree.share);
	return hf_hired_start(&borrow->tree, &hello, config, &worker->hired, err);
}

static enum hf_code start_all(struct run *run, const struct hf_config *config, struct hf_err *err)
{
	struct hf_borrow *borrow = run->borrow;
	enum hf_code code = HF_OK;

	for (uint32_t i = 0; i < borrow->options.infer_count && code == HF_OK && !borrow->linked;
	     i++)
		code = start(borrow, HF_ROLE_INFER, i, config, &borrow->infers[i], err);
	if (code == HF_OK)
		code = start(borrow, HF_ROLE_INGEST, run->source, config, &run->ingest, err);
	return code;
}

static enum hf_code link_infers(struct run *run, int ring_fd, struct hf_err *err)
{
	struct hf_borrow *borrow = run->borrow;
	enum hf_code code = HF_OK;

	for (uint32_t i = 0; i < borrow->options.infer_count && code == HF_OK; i++) {
		struct worker *infer = &borrow->infers[i];

		if (!borrow->linked)
			code = hf_spawn_link_here(&infer->hired.child, HF_ROLE_RESPOND, 0, 0, -1,
						  &infer->respond_fd, err);
		if (code == HF_OK && !borrow->linked)
			code = hf_spawn_start(&infer->hired.child, err);
		if (code == HF_OK)
			code = hf_spawn_link(&run->ingest.hired.child, &infer->hired.child,
					     borrow->ring_id, ring_fd, err);
	}
	borrow->linked = code == HF_OK;
	return code;
}

/* Every link, and off they go. HF_E_CLOSED: one of them is gone already. */
static enum hf_code link_all(struct run *run, struct hf_err *err)
{
	struct worker *ingest = &run->ingest;
	uint64_t ring_id = ++run->borrow->ring_id;
	HF_AUTO_FD ring_fd = -1;
	enum hf_code code = hf_ring_create(RING_SLOTS, RING_SLOT_BYTES, &ring_fd, err);

	if (code == HF_OK)
		code = hf_ring_open(ring_fd, false, &run->ring, err);
	if (code == HF_OK && run->ops->on_ring != NULL)
		code = run->ops->on_ring(run->ops->context, ring_id, ring_fd, err);
	if (code == HF_OK)
		code = hf_spawn_link_here(&ingest->hired.child, HF_ROLE_RESPOND, 0, ring_id,
					  ring_fd, &ingest->respond_fd, err);
	if (code == HF_OK)
		code = link_infers(run, ring_fd, err);
	if (code == HF_OK)
		code = hf_spawn_start(&ingest->hired.child, err);
	return code;
}

/* A frame as a whole */

static bool as_live(const struct run *run)
{
	return run->borrow->options.lockstep == HF_LOCKSTEP_AS_LIVE;
}

static enum hf_code tell_notes(struct run *run, struct hf_mono until, struct hf_err *err)
{
	uint32_t kept = 0;
	enum hf_code code = HF_OK;

	for (uint32_t i = 0; i < run->note_count; i++) {
		if (code != HF_OK || hf_mono_before(until, run->notes[i].captured_mono))
			run->notes[kept++] = run->notes[i];
		else if (run->ops->on_note != NULL)
			code = run->ops->on_note(run->ops->context, &run->notes[i], err);
	}
	run->note_count = kept;
	return code;
}

/* Those of the frame, in the order of their jobs. */
static enum hf_code tell_results(struct run *run, struct hf_err *err)
{
	for (;;) {
		struct hf_result *first = NULL;

		for (uint32_t i = 0; i < run->result_count; i++)
			if (run->results[i].job.frame <= run->tick.frame &&
			    (first == NULL || run->results[i].job.job_id < first->job.job_id))
				first = &run->results[i];
		if (first == NULL)
			return HF_OK;
		enum hf_code code = run->ops->on_result(run->ops->context, first, run->ring, err);
		if (code != HF_OK)
			return code;
		*first = run->results[--run->result_count];
	}
}

/* ingest may have ended since: there is nobody to tell then. */
static enum hf_code answer_tick(const struct run *run, struct hf_err *err)
{
	const struct hf_taken taken = { .frame = run->tick.frame };
	enum hf_code code = hf_msg_send(run->ingest.respond_fd, HF_MSG_TAKEN, &taken, sizeof taken,
					NULL, 0, err);

	return code == HF_E_CLOSED ? HF_OK : code;
}

static enum hf_code tell_frame(struct run *run, struct hf_err *err)
{
	if (!run->has_tick)
		return HF_OK;
	enum hf_code code = tell_notes(run, run->tick.captured_mono, err);
	if (code == HF_OK && run->ops->on_tick != NULL)
		code = run->ops->on_tick(run->ops->context, &run->tick, err);
	if (code == HF_OK)
		code = tell_results(run, err);
	if (code == HF_OK && run->ops->on_frame_end != NULL)
		code = run->ops->on_frame_end(run->ops->context, err);
	run->has_tick = false;
	return code != HF_OK ? code : answer_tick(run, err);
}

/* What they say */

static enum hf_code on_note(struct run *run, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_note note;

	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK || !as_live(run))
		return code;
	if (run->note_count == NOTES_MAX)
		return hf_fail(err, HF_E_LIMIT, "more than %d notes of one frame", NOTES_MAX);
	run->notes[run->note_count++] = note;
	return HF_OK;
}

static enum hf_code on_control(void *context, struct hf_msg *msg, struct hf_err *err)
{
	struct run *run = context;
	size_t size;

	if (msg->type == HF_MSG_NOTE)
		return on_note(run, msg, err);
	if (msg->type == HF_MSG_STATS && run->ops->on_stats != NULL) {
		const char *text = (const char *)hf_msg_get_rest(msg, &size);

		run->ops->on_stats(run->ops->context, text, size);
	}
	return HF_OK; /* READY: nothing to do for it */
}

/* infer's reasons are kept for its end; there is nothing else to hear of it. */
static enum hf_code on_infer_control(void *context, struct hf_msg *msg, struct hf_err *err)
{
	(void)context;
	(void)msg;
	(void)err;
	return HF_OK;
}

static enum hf_code on_result(void *context, struct hf_msg *msg, struct hf_err *err)
{
	struct run *run = context;
	struct hf_result *result = &run->results[run->result_count];
	size_t size;

	if (msg->type != HF_MSG_RESULT)
		return hf_fail(err, HF_E_INVALID, "%s is not for respond", hf_msg_name(msg->type));
	if (run->result_count == RESULTS_MAX - 1)
		return hf_fail(err, HF_E_LIMIT, "more than %d results of one frame", RESULTS_MAX);
	const uint8_t *data = hf_msg_get_rest(msg, &size);
	enum hf_code code = hf_result_unpack(data, size, result, err);
	if (code != HF_OK)
		return code;
	/* A late one of a file that was given up. */
	if (result->job.ring_id != run->borrow->ring_id)
		return HF_OK;
	if (!as_live(run))
		return run->ops->on_result(run->ops->context, result, run->ring, err);
	run->result_count++;
	return HF_OK;
}

static enum hf_code drain_infers(struct run *run, struct hf_err *err)
{
	struct hf_borrow *borrow = run->borrow;

	for (uint32_t i = 0; i < borrow->options.infer_count; i++) {
		struct worker *infer = &borrow->infers[i];
		enum hf_code code = hf_hired_drain(&infer->hired, infer->hired.child.control_fd,
						   borrow->buffer, on_infer_control, run, err);

		if (code == HF_OK)
			code = hf_hired_drain(&infer->hired, infer->respond_fd, borrow->buffer,
					      on_result, run, err);
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

static enum hf_code drain_control(struct run *run, struct hf_err *err)
{
	return hf_hired_drain(&run->ingest.hired, run->ingest.hired.child.control_fd,
			      run->borrow->buffer, on_control, run, err);
}

static enum hf_code on_tick(void *context, struct hf_msg *msg, struct hf_err *err)
{
	struct run *run = context;
	struct hf_tick tick;

	if (msg->type != HF_MSG_TICK)
		return hf_fail(err, HF_E_INVALID, "%s is not for respond", hf_msg_name(msg->type));
	if (!as_live(run))
		return HF_OK; /* each frame has its result */
	hf_msg_get(msg, &tick, sizeof tick);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_tick_check(&tick, err);
	/* All of the frame before is in the queues now. */
	if (code == HF_OK)
		code = drain_control(run, err);
	if (code == HF_OK)
		code = drain_infers(run, err);
	if (code == HF_OK)
		code = tell_frame(run, err);
	run->tick = tick;
	run->has_tick = true;
	return code;
}

static enum hf_code drain_all(struct run *run, struct hf_err *err)
{
	enum hf_code code = drain_control(run, err);

	if (code == HF_OK)
		code = drain_infers(run, err);
	if (code == HF_OK)
		code = hf_hired_drain(&run->ingest.hired, run->ingest.respond_fd,
				      run->borrow->buffer, on_tick, run, err);
	return code;
}

/* Ends */

/* OK and *ret_ended: the file is done. */
static enum hf_code look_for_ends(struct run *run, bool *ret_ended, struct hf_err *err)
{
	struct hf_borrow *borrow = run->borrow;
	struct hf_exit end;
	struct hf_err unused;

	*ret_ended = false;
	for (uint32_t i = 0; i < borrow->options.infer_count; i++) {
		struct worker *infer = &borrow->infers[i];

		if (hf_child_reap(&infer->hired.child, &end, &unused) != HF_OK)
			continue;
		/* Its reason may have come after the last look. */
		(void)!hf_hired_drain(&infer->hired, infer->hired.child.control_fd, borrow->buffer,
				      on_infer_control, run, &unused);
		return hf_hired_died(&infer->hired, &end, err);
	}
	if (hf_child_reap(&run->ingest.hired.child, &end, &unused) != HF_OK)
		return HF_OK;
	enum hf_code code = drain_all(run, err);
	if (code == HF_OK)
		code = tell_frame(run, err);
	if (code != HF_OK)
		return code;
	run->ingest_failed = end.signal != 0 || end.status != 0;
	if (run->ingest_failed)
		return hf_hired_died(&run->ingest.hired, &end, err);
	/* What was noted after the last frame: the end itself. */
	code = tell_notes(run, (struct hf_mono){ .us = INT64_MAX }, err);
	*ret_ended = code == HF_OK;
	return code;
}

static enum hf_code check_alive(const struct run *run, struct hf_err *err)
{
	enum hf_code code = hf_hired_check_alive(&run->ingest.hired, err);

	for (uint32_t i = 0; i < run->borrow->options.infer_count && code == HF_OK; i++)
		code = hf_hired_check_alive(&run->borrow->infers[i].hired, err);
	return code;
}

static void wait_for_news(const struct run *run)
{
	struct pollfd fds[3 * (1 + HF_INFER_WORKERS_MAX)];
	nfds_t count = 0;

	for (uint32_t i = 0; i <= run->borrow->options.infer_count; i++) {
		const struct worker *worker = i == 0 ? &run->ingest : &run->borrow->infers[i - 1];

		fds[count++] = (struct pollfd){ .fd = worker->hired.child.pidfd, .events = POLLIN };
		fds[count++] =
			(struct pollfd){ .fd = worker->hired.child.control_fd, .events = POLLIN };
		fds[count++] = (struct pollfd){ .fd = worker->respond_fd, .events = POLLIN };
	}
	(void)poll(fds, count, POLL_MS);
}

static enum hf_code wait_for_end(struct run *run, struct hf_err *err)
{
	const struct hf_borrow_ops *ops = run->ops;

	for (;;) {
		bool ended;

		wait_for_news(run);
		if (ops->interrupted != NULL && ops->interrupted(ops->context))
			return hf_fail(err, HF_E_AGAIN, "interrupted");
		enum hf_code code = drain_all(run, err);
		if (code == HF_OK)
			code = look_for_ends(run, &ended, err);
		if (code != HF_OK || ended)
			return code;
		code = check_alive(run, err);
		if (code != HF_OK)
			return code;
	}
}

enum hf_code hf_borrow_run(struct hf_borrow *borrow, const struct hf_config *config,
			   uint32_t source, const struct hf_borrow_ops *ops, struct hf_err *err)
{
	HF_AUTO_FREE struct run *run = calloc(1, sizeof *run);

	if (run == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	run->borrow = borrow;
	run->ops = ops;
	run->source = source;
	run->ingest = NO_WORKER;
	enum hf_code code = start_all(run, config, err);
	if (code == HF_OK) {
		code = link_all(run, err);
		/* One that is gone already has left its reason. */
		if (code == HF_OK || code == HF_E_CLOSED)
			code = wait_for_end(run, err);
	}
	if (code != HF_OK && !run->ingest_failed)
		close_infers(borrow);
	close_worker(&run->ingest);
	hf_ring_close(run->ring);
	return code;
}
