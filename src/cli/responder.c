/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/responder.h"

#include "base/auto.h"

#include <poll.h>
#include <string.h>

enum {
	POLL_MS = 200,
};

struct hf_responder {
	struct hf_responder_options options;
	struct hf_hired worker;
	int ingest_fd, infer_fd, keeper_fd; /* whom respond takes us for there */
	bool ready;
	bool waits; /* for TAKEN of this: */
	struct hf_taken told;
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

void hf_responder_close(struct hf_responder *responder)
{
	if (responder == NULL)
		return;
	hf_hired_close(&responder->worker);
	hf_auto_close(&responder->ingest_fd);
	hf_auto_close(&responder->infer_fd);
	hf_auto_close(&responder->keeper_fd);
	free(responder);
}

/* What it says */

static enum hf_code on_control(void *context, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_responder *responder = context;
	const struct hf_responder_ops *ops = &responder->options.ops;
	struct hf_note note;

	if (msg->type == HF_MSG_READY)
		responder->ready = true;
	if (msg->type == HF_MSG_CONDEMN)
		return hf_fail(err, HF_E_INVALID,
			       "respond refuses what it was told: a fault in this program, please "
			       "report it (HOLDFAST_LOG=info says more)");
	if (msg->type != HF_MSG_NOTE) /* STATS, SAVE: it will not be restarted */
		return HF_OK;
	hf_msg_get(msg, &note, sizeof note);
	enum hf_code code = hf_msg_end(msg, err);
	return code == HF_OK ? ops->on_note(ops->context, &note, err) : code;
}

static enum hf_code on_taken(void *context, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_responder *responder = context;
	struct hf_taken taken;

	hf_msg_get(msg, &taken, sizeof taken);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (!responder->waits || taken.frame != responder->told.frame ||
	    taken.job_id != responder->told.job_id)
		return hf_fail(err, HF_E_INVALID, "respond has taken what it was not told");
	responder->waits = false;
	return HF_OK;
}

static enum hf_code on_offer(void *context, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_responder *responder = context;
	const struct hf_responder_ops *ops = &responder->options.ops;
	struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };
	struct hf_offer offer;
	size_t size_bytes;

	const uint8_t *packed = hf_msg_get_rest(msg, &size_bytes);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = hf_offer_unpack(packed, size_bytes, &offer, err);
	if (code == HF_OK)
		code = hf_offer_check(&offer, err);
	if (code == HF_OK)
		code = ops->on_offer(ops->context, &offer, &ack.local_seq, err);
	if (code != HF_OK)
		return code;
	memcpy(ack.origin, offer.origin, sizeof ack.origin);
	ack.committed_mono = hf_mono_now(hf_clock_real());
	return hf_msg_send(responder->keeper_fd, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, err);
}

static enum hf_code drain_all(struct hf_responder *r, struct hf_err *err)
{
	enum hf_code code = hf_hired_drain(&r->worker, r->worker.child.control_fd, r->buffer,
					   on_control, r, err);

	if (code == HF_OK)
		code = hf_hired_drain(&r->worker, r->keeper_fd, r->buffer, on_offer, r, err);
	if (code == HF_OK)
		code = hf_hired_drain(&r->worker, r->ingest_fd, r->buffer, on_taken, r, err);
	if (code == HF_OK)
		code = hf_hired_drain(&r->worker, r->infer_fd, r->buffer, on_taken, r, err);
	return code;
}

static enum hf_code wait_once(struct hf_responder *r, struct hf_err *err)
{
	struct pollfd fds[] = {
		{ .fd = r->worker.child.pidfd, .events = POLLIN },
		{ .fd = r->worker.child.control_fd, .events = POLLIN },
		{ .fd = r->keeper_fd, .events = POLLIN },
		{ .fd = r->ingest_fd, .events = POLLIN },
		{ .fd = r->infer_fd, .events = POLLIN },
	};
	const struct hf_responder_ops *ops = &r->options.ops;
	struct hf_exit end;
	struct hf_err unused;

	(void)poll(fds, HF_ARRAY_LEN(fds), POLL_MS);
	if (ops->interrupted(ops->context))
		return hf_fail(err, HF_E_AGAIN, "interrupted");
	enum hf_code code = drain_all(r, err);
	if (code != HF_OK)
		return code;
	if (hf_child_reap(&r->worker.child, &end, &unused) == HF_OK)
		return hf_hired_died(&r->worker, &end, err);
	return hf_hired_check_alive(&r->worker, err);
}

/* What is told */

/* A send to one that has died: the next look says how. */
static enum hf_code tell(struct hf_responder *r, int fd, enum hf_msg_type type, const void *body,
			 size_t size_bytes, const struct hf_taken *told, struct hf_err *err)
{
	enum hf_code code = hf_msg_send(fd, type, body, size_bytes, NULL, 0, err);

	if (code != HF_OK && code != HF_E_CLOSED)
		return code;
	r->told = *told;
	r->waits = true;
	do {
		code = wait_once(r, err);
	} while (code == HF_OK && r->waits);
	return code;
}

enum hf_code hf_responder_tick(struct hf_responder *responder, const struct hf_tick *tick,
			       struct hf_err *err)
{
	const struct hf_taken told = { .frame = tick->frame };

	return tell(responder, responder->ingest_fd, HF_MSG_TICK, tick, sizeof *tick, &told, err);
}

enum hf_code hf_responder_result(struct hf_responder *responder, const struct hf_result *result,
				 struct hf_err *err)
{
	const struct hf_taken told = { .frame = result->job.frame, .job_id = result->job.job_id };

	return tell(responder, responder->infer_fd, HF_MSG_RESULT, result,
		    hf_result_bytes(result->detection_count), &told, err);
}

enum hf_code hf_responder_ring(struct hf_responder *responder, uint64_t ring_id, int ring_fd,
			       struct hf_err *err)
{
	hf_auto_close(&responder->ingest_fd);
	responder->ingest_fd = -1;
	return hf_spawn_link_here(&responder->worker.child, HF_ROLE_INGEST,
				  responder->options.source, ring_id, ring_fd,
				  &responder->ingest_fd, err);
}

static enum hf_code start(struct hf_responder *r, struct hf_err *err)
{
	const struct hf_responder_options *options = &r->options;
	struct hf_hello hello = options->hello;

	hello.role = HF_ROLE_RESPOND;
	hello.lockstep = HF_LOCKSTEP_AS_LIVE;
	(void)snprintf(hello.share_path, sizeof hello.share_path, "%s", options->tree->share);
	enum hf_code code = hf_hired_start(options->tree, &hello, options->config, &r->worker, err);
	if (code == HF_OK)
		code = hf_spawn_link_here(&r->worker.child, HF_ROLE_INFER, 0, 0, -1, &r->infer_fd,
					  err);
	if (code == HF_OK)
		code = hf_spawn_link_here(&r->worker.child, HF_ROLE_KEEPER, 0, 0, -1, &r->keeper_fd,
					  err);
	if (code == HF_OK)
		code = hf_spawn_start(&r->worker.child, err);
	/* One that is gone already says why below. */
	if (code == HF_E_CLOSED && r->worker.child.pid > 0)
		code = HF_OK;
	while (code == HF_OK && !r->ready)
		code = wait_once(r, err);
	return code;
}

enum hf_code hf_responder_open(const struct hf_responder_options *options,
			       struct hf_responder **ret_responder, struct hf_err *err)
{
	struct hf_responder *responder = calloc(1, sizeof *responder);

	if (responder == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	responder->options = *options;
	responder->worker = HF_HIRED_NONE;
	responder->ingest_fd = responder->infer_fd = responder->keeper_fd = -1;
	enum hf_code code = start(responder, err);
	if (code != HF_OK) {
		hf_responder_close(responder);
		return code;
	}
	*ret_responder = responder;
	return HF_OK;
}
