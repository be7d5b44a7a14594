/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: one loop that waits for five things: what infer and ingest say to their supervisor,
 * what they say to respond, and their ends. ingest ends with 0 when the file has ended and infer
 * has answered for every frame; infer sends a result before it tells ingest so, hence all
 * results are in our queue by then.
 *
 * A worker's log goes to a memory file of its own: of a worker that ends unexpectedly the last
 * line is shown, so only warnings and worse are written. With HOLDFAST_LOG set, logs go to our
 * standard error instead.
 */
#include "cli/borrow.h"

#include "base/auto.h"
#include "proc/common/spawn.h"

#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	RING_SLOTS = 32, /* how far behind the results somebody may be who wants the pixels */
	RING_SLOT_BYTES = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
	POLL_MS = 200,
	STUCK_MS = 10000,
	DEADLINE_MS = 60000, /* of one inference: a slow machine is not an error here */
	FPS_MAX = 60,        /* the most the setting allows: every frame of most clips */
	TAIL_BYTES = 1024,
};

struct worker {
	struct hf_child child;
	int respond_fd;                  /* what it says to respond */
	int log_fd;                      /* -1: it logs where we do */
	char why[HF_ERR_TEXT_BYTES_MAX]; /* what it told the unit as its reason */
};

struct hf_borrow {
	char libexec[HF_PATH_BYTES];
	char model[HF_PATH_BYTES];
	double score_low;
	bool keep_logs;
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

#define NO_WORKER \
	((struct worker){ .child = HF_CHILD_NONE, .respond_fd = -1, .log_fd = -1, .why = "" })

static void close_worker(struct worker *worker)
{
	hf_child_close(&worker->child);
	if (worker->respond_fd >= 0)
		(void)close(worker->respond_fd);
	if (worker->log_fd >= 0)
		(void)close(worker->log_fd);
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

/* bin/holdfast lies beside libexec/holdfast and share/holdfast, wherever the tree was put. */
static enum hf_code find_tree(struct hf_borrow *borrow, const char *model_path, struct hf_err *err)
{
	char self[PATH_MAX];
	const char *libexec = getenv("HOLDFAST_LIBEXEC");
	const char *share = getenv("HOLDFAST_SHARE");
	enum hf_code code = hf_spawn_tree(self, err);

	if (code != HF_OK)
		return code;
	code = libexec != NULL ? put_path(borrow->libexec, libexec, "", err)
			       : put_path(borrow->libexec, self, "/libexec/holdfast", err);
	if (code != HF_OK)
		return code;
	if (model_path != NULL)
		return put_path(borrow->model, model_path, "", err);
	return share != NULL ? put_path(borrow->model, share, "/model", err)
			     : put_path(borrow->model, self, "/share/holdfast/model", err);
}

enum hf_code hf_borrow_open(const struct hf_borrow_options *options, struct hf_borrow **ret_borrow,
			    struct hf_err *err)
{
	HF_AUTO_FREE struct hf_borrow *borrow = calloc(1, sizeof *borrow);

	if (borrow == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	borrow->infer = NO_WORKER;
	borrow->score_low = options->score_low;
	borrow->keep_logs = getenv("HOLDFAST_LOG") == NULL;
	if (borrow->keep_logs && setenv("HOLDFAST_LOG", "warn", 1) != 0)
		return hf_fail_errno(err, "set HOLDFAST_LOG");
	enum hf_code code = find_tree(borrow, options->model_path, err);
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

static enum hf_code make_config(const struct hf_borrow *borrow, const char *path, int *ret_fd,
				struct hf_err *err)
{
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);

	if (config == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
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
	return code == HF_OK ? hf_spawn_config(config, ret_fd, err) : code;
}

/* path: ingest's file, NULL for infer. */
static enum hf_code start_worker(struct hf_borrow *borrow, enum hf_role role, const char *path,
				 struct worker *worker, struct hf_err *err)
{
	struct hf_hello hello = { .role = (uint32_t)role, .lockstep = HF_LOCKSTEP_ALL };
	char program[HF_PATH_BYTES + 32];
	HF_AUTO_FD config_fd = -1;

	*worker = NO_WORKER;
	(void)snprintf(program, sizeof program, "%s/%s", borrow->libexec, hf_role_name(role));
	enum hf_code code = make_config(borrow, path, &config_fd, err);
	if (code != HF_OK)
		return code;
	if (borrow->keep_logs) {
		worker->log_fd = memfd_create("holdfast-log", MFD_CLOEXEC);
		if (worker->log_fd < 0)
			return hf_fail_errno(err, "make room for a log");
	}
	const struct hf_spawn spawn = { .path = program,
					.hello = &hello,
					.config_fd = config_fd,
					.stderr_fd = worker->log_fd };
	return hf_spawn_worker(&spawn, &worker->child, err);
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
		code = hf_spawn_link_here(&infer->child, HF_ROLE_RESPOND, 0, 0, -1,
					  &infer->respond_fd, err);
	if (code == HF_OK && infer_is_new)
		code = hf_spawn_start(&infer->child, err);
	if (code == HF_OK)
		code = hf_spawn_link_here(&ingest->child, HF_ROLE_RESPOND, 0, ring_id, ring_fd,
					  &ingest->respond_fd, err);
	if (code == HF_OK)
		code = hf_spawn_link(&ingest->child, &infer->child, ring_id, ring_fd, err);
	if (code == HF_OK)
		code = hf_spawn_start(&ingest->child, err);
	return code;
}

/* What they say */

/* The reason of a failure stands in a note's "error". */
static void keep_reason(struct worker *worker, const struct hf_note *note)
{
	json_t *attrs = json_loadb(note->attrs, strnlen(note->attrs, sizeof note->attrs), 0, NULL);
	const char *reason = json_string_value(json_object_get(attrs, "error"));

	if (reason != NULL)
		(void)snprintf(worker->why, sizeof worker->why, "%s", reason);
	json_decref(attrs);
}

static enum hf_code on_control(struct worker *worker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_note note;

	if (msg->type != HF_MSG_NOTE) /* READY, STATS: nothing to do for them */
		return HF_OK;
	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		keep_reason(worker, &note);
	return code;
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
	int fd = control ? worker->child.control_fd : worker->respond_fd;

	while (fd >= 0) {
		struct hf_msg msg;
		enum hf_code code = hf_msg_receive(fd, run->borrow->buffer, &msg, err);

		/* Its end is seen on its pidfd, after what it said. */
		if (code == HF_E_AGAIN || code == HF_E_CLOSED)
			return HF_OK;
		if (code != HF_OK)
			return code;
		if (!hf_msg_allowed(msg.type, worker->child.role))
			code = hf_fail(err, HF_E_DENIED, "%s may not send %s",
				       hf_role_name(worker->child.role), hf_msg_name(msg.type));
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

/* The last line of its log, without the priority that stands before it. */
static void last_words(const struct worker *worker, char ret_words[TAIL_BYTES])
{
	off_t size = worker->log_fd < 0 ? 0 : lseek(worker->log_fd, 0, SEEK_END);
	off_t from = size > TAIL_BYTES - 1 ? size - (TAIL_BYTES - 1) : 0;
	ssize_t n = size <= 0 ? 0 : pread(worker->log_fd, ret_words, TAIL_BYTES - 1, from);

	while (n > 0 && ret_words[n - 1] == '\n')
		n--;
	ret_words[n > 0 ? n : 0] = '\0';
	const char *line = strrchr(ret_words, '\n');
	line = line != NULL ? line + 1 : ret_words;
	if (line[0] == '<' && line[1] != '\0' && line[2] == '>')
		line += 3;
	memmove(ret_words, line, strlen(line) + 1);
}

static enum hf_code died(const struct worker *worker, const struct hf_exit *end, struct hf_err *err)
{
	const char *name = hf_role_name(worker->child.role);
	char how[64], words[TAIL_BYTES];

	if (worker->why[0] != '\0')
		return hf_fail(err, HF_E_INVALID, "%s", worker->why);
	hf_exit_text(end, sizeof how, how);
	last_words(worker, words);
	return hf_fail(err, HF_E_IO, "the program %s ended unexpectedly (%s)%s%.300s", name, how,
		       words[0] != '\0' ? ", its last words: " : "", words);
}

/* OK and *ret_ended: the file is done. */
static enum hf_code look_for_ends(struct run *run, bool *ret_ended, struct hf_err *err)
{
	struct worker *infer = &run->borrow->infer, *ingest = &run->ingest;
	struct hf_exit end;
	struct hf_err unused;

	*ret_ended = false;
	if (hf_child_reap(&infer->child, &end, &unused) == HF_OK) {
		/* Its reason may have come after the last look. */
		(void)!drain(run, infer, true, &unused);
		return died(infer, &end, err);
	}
	if (hf_child_reap(&ingest->child, &end, &unused) != HF_OK)
		return HF_OK;
	enum hf_code code = drain_all(run, err);
	if (code != HF_OK)
		return code;
	run->ingest_failed = end.signal != 0 || end.status != 0;
	if (run->ingest_failed)
		return died(ingest, &end, err);
	*ret_ended = true;
	return HF_OK;
}

/* It neither beats nor has said that it would be busy. */
static enum hf_code check_alive(const struct worker *worker, struct hf_mono started,
				struct hf_err *err)
{
	struct hf_mono now = hf_mono_now(hf_clock_real());
	int64_t beat_us = atomic_load_explicit(&worker->child.pulse->beat_us, memory_order_relaxed);
	int64_t busy_us =
		atomic_load_explicit(&worker->child.pulse->busy_until_us, memory_order_relaxed);
	int64_t last_us = beat_us > started.us ? beat_us : started.us;

	if (now.us < busy_us || now.us - last_us < (int64_t)STUCK_MS * 1000)
		return HF_OK;
	return hf_fail(err, HF_E_IO, "the program %s hangs: no sign of life for %d s",
		       hf_role_name(worker->child.role), STUCK_MS / 1000);
}

static enum hf_code wait_for_end(struct run *run, struct hf_err *err)
{
	const struct worker *infer = &run->borrow->infer, *ingest = &run->ingest;
	struct hf_mono started = hf_mono_now(hf_clock_real());

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = infer->child.pidfd, .events = POLLIN },
			{ .fd = infer->child.control_fd, .events = POLLIN },
			{ .fd = infer->respond_fd, .events = POLLIN },
			{ .fd = ingest->child.pidfd, .events = POLLIN },
			{ .fd = ingest->child.control_fd, .events = POLLIN },
			{ .fd = ingest->respond_fd, .events = POLLIN },
		};
		bool ended;

		(void)poll(fds, HF_ARRAY_LEN(fds), POLL_MS);
		enum hf_code code = drain_all(run, err);
		if (code == HF_OK)
			code = look_for_ends(run, &ended, err);
		if (code != HF_OK || ended)
			return code;
		code = check_alive(infer, started, err);
		if (code == HF_OK)
			code = check_alive(ingest, started, err);
		if (code != HF_OK)
			return code;
	}
}

enum hf_code hf_borrow_file(struct hf_borrow *borrow, const char *path,
			    const struct hf_borrow_ops *ops, struct hf_err *err)
{
	struct run run = { .borrow = borrow, .ops = ops, .ingest = NO_WORKER };
	bool infer_is_new = borrow->infer.child.pid == 0;
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
