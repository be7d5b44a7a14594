/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uplink - reads the outbox forward from the hub's cursor and delivers.
 *
 * It cannot hold anything up: nobody waits for it, and the state of the WAN ends here as two
 * events and a number in the statistics.
 */
#include "base/log.h"
#include "proc/common/sandbox.h"
#include "proc/uplink/drain.h"

#include <curl/curl.h>
#include <unistd.h>

enum {
	STATS_EVERY_MS = 1000,
	STATS_BYTES = 4096,
	EXIT_ANEW = 75, /* the sandbox has to be made anew */
};

struct process {
	struct hf_worker *worker;
	struct hf_drain *drain; /* NULL until the hello was taken */
	struct hf_sandbox sandbox;
	struct hf_mono stats_due;
};

static enum hf_code on_plug(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
			    struct hf_err *err)
{
	struct process *process = context;

	(void)ring_id;
	if (ring_fd >= 0)
		(void)close(ring_fd);
	if (link->role != HF_ROLE_KEEPER)
		return hf_fail(err, HF_E_INVALID, "%s is no peer of uplink",
			       hf_role_name(link->role));
	if (process->drain != NULL)
		hf_drain_keeper_plugged(process->drain);
	return HF_OK;
}

static enum hf_code on_replay(struct process *process, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_replay replay;

	hf_msg_get(msg, &replay, sizeof replay);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK || process->drain == NULL)
		return code;
	hf_drain_replay(process->drain, replay.from_seq, replay.through_seq);
	return HF_OK;
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *err)
{
	struct process *process = context;
	struct hf_committed committed;

	(void)link;
	if (msg->type == HF_MSG_REPLAY)
		return on_replay(process, msg, err);
	if (msg->type == HF_MSG_FORKED) {
		if (process->drain != NULL)
			hf_drain_forked(process->drain);
		return hf_msg_end(msg, err);
	}
	if (msg->type != HF_MSG_COMMITTED)
		return hf_fail(err, HF_E_INVALID, "%s is not for uplink", hf_msg_name(msg->type));
	/* Only a wake-up: the watermark is what counts. */
	hf_msg_get(msg, &committed, sizeof committed);
	return hf_msg_end(msg, err);
}

static void send_stats(struct process *process)
{
	char json[STATS_BYTES];

	hf_drain_stats(process->drain, json, sizeof json);
	hf_worker_stats(process->worker, json);
}

/* The network was set up anew, the token or the certificates were replaced: to the sandbox these
 * are other files than those that may be read. Where to go on is on disk. */
static bool must_begin_anew(const struct process *process)
{
	const char *path = hf_sandbox_stale(&process->sandbox);

	if (path != NULL)
		hf_log(HF_LOG_INFO, "sandbox_anew",
		       "path=%s is another one than before: the next uplink may read it", path);
	return path != NULL;
}

/* Until the supervisor is gone. The exit code. */
static int run(struct process *process)
{
	struct hf_err err = { 0 };

	for (;;) {
		struct pollfd fds[HF_WORKER_LINKS_MAX];
		size_t count = hf_worker_pollfds(process->worker, fds, HF_WORKER_LINKS_MAX);

		hf_drain_wait(process->drain, fds, count);
		if (hf_worker_step(process->worker, 0, &err) != HF_OK)
			return 0;
		if (!hf_worker_started(process->worker))
			continue;
		hf_drain_turn(process->drain);
		struct hf_mono now = hf_mono_now(hf_clock_real());
		if (hf_mono_before(now, process->stats_due))
			continue;
		process->stats_due = hf_mono_add_ms(now, STATS_EVERY_MS);
		send_stats(process);
		if (must_begin_anew(process))
			return EXIT_ANEW;
	}
}

int main(void)
{
	static struct process process;
	int status = 1;
	struct hf_err err = { 0 };
	const struct hf_worker_ops ops = {
		.context = &process,
		.on_plug = on_plug,
		.on_message = on_message,
	};

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		hf_log_open("uplink");
		hf_log(HF_LOG_ERROR, "curl_unusable", "libcurl cannot be initialised");
		return 1;
	}
	enum hf_code code = hf_worker_open(HF_ROLE_UPLINK, &ops, &process.worker, &err);
	if (code == HF_OK)
		hf_sandbox_worker(hf_worker_hello(process.worker), hf_worker_config(process.worker),
				  &process.sandbox);
	if (code == HF_OK)
		code = hf_drain_open(process.worker, &process.drain, &err);
	if (code == HF_OK)
		code = hf_worker_ready(process.worker, &err);
	if (code == HF_OK)
		status = run(&process);
	else
		hf_log(HF_LOG_ERROR, "start_failed", "why=\"%s\"", err.text);
	hf_drain_close(process.drain);
	hf_worker_close(process.worker);
	curl_global_cleanup();
	return status;
}
