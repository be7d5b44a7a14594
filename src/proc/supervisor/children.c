/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: each worker is a small state machine (down, starting, running). An exit is seen on
 * its pidfd, silence on its pulse page. A restart gives it a fresh control link and one fresh
 * link to each living peer, whose other end the peer gets by SCM_RIGHTS: nobody else restarts.
 *
 * The wait before a restart is restart_min x 10^(failures in a row), with 20 % of jitter so
 * that workers which fell together do not come back together; 30 s of running forgive.
 */
#include "proc/supervisor/supervisor.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/log.h"
#include "base/random.h"
#include "wire/ring.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	FORGIVEN_AFTER_MS = 30000,
	STOP_STEP_MS = 1500,
};

/* Who talks to whom. The pixel ring goes with a link of ingest. */
static const struct {
	enum hf_role one;
	enum hf_role other;
	bool ring;
} links[] = {
	{ HF_ROLE_INGEST, HF_ROLE_INFER, true },   { HF_ROLE_INGEST, HF_ROLE_RESPOND, true },
	{ HF_ROLE_INFER, HF_ROLE_RESPOND, false }, { HF_ROLE_RESPOND, HF_ROLE_KEEPER, false },
	{ HF_ROLE_KEEPER, HF_ROLE_UPLINK, false },
};

/* The order of starting: who is needed by others comes first. Stopping goes the other way. */
static const enum hf_role start_order[] = { HF_ROLE_KEEPER, HF_ROLE_UPLINK, HF_ROLE_RESPOND,
					    HF_ROLE_INFER, HF_ROLE_INGEST };

static bool alive(const struct child *child)
{
	return child->phase == CHILD_STARTING || child->phase == CHILD_RUNNING;
}

struct child *children_find(struct supervisor *supervisor, enum hf_role role, uint32_t index)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (child->role == role && child->index == index)
			return child;
	}
	return NULL;
}

static void forget_process(struct child *child)
{
	child->on_exit = sd_event_source_disable_unref(child->on_exit);
	child->on_message = sd_event_source_disable_unref(child->on_message);
	hf_child_close(&child->process);
	if (child->ring_fd >= 0) {
		(void)close(child->ring_fd);
		child->ring_fd = -1;
	}
}

static int64_t restart_wait_ms(const struct supervisor *supervisor, uint32_t failures)
{
	int64_t wait = supervisor->config.restart_min_ms;
	int64_t most = supervisor->config.restart_max_ms;

	for (uint32_t i = 0; i < failures && wait < most; i++)
		wait *= 10;
	if (wait > most)
		wait = most;
	return (int64_t)hf_random_between(hf_random_real(), (uint64_t)(wait - wait / 5),
					  (uint64_t)(wait + wait / 5));
}

static void describe_exit(struct child *child, const struct hf_exit *how)
{
	if (child->killed_because != NULL)
		(void)snprintf(child->last_exit, sizeof child->last_exit, "killed: %s",
			       child->killed_because);
	else
		hf_exit_text(how, sizeof child->last_exit, child->last_exit);
}

/* A worker that cannot work at all ends every few seconds, for days: the first ends are told,
 * then each time their number has doubled. The log has them all. */
static bool end_is_news(uint32_t failures)
{
	return failures <= HF_JUDGE_FAILURES_MAX || (failures & (failures - 1)) == 0;
}

static void bury(struct child *child)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_mono now = hf_mono_now(supervisor->clock);
	char attrs[512];

	forget_process(child);
	if (supervisor->stopping) {
		child->phase = CHILD_ENDED;
		return;
	}
	if (child->phase == CHILD_RUNNING &&
	    hf_mono_diff_us(now, child->ready) > (int64_t)FORGIVEN_AFTER_MS * 1000)
		child->failures = 0;
	int64_t wait_ms = restart_wait_ms(supervisor, child->failures);
	child->failures++;
	child->restarts++;
	child->phase = CHILD_DOWN;
	child->restart_at = hf_mono_add_ms(now, wait_ms);
	hf_log(HF_LOG_WARN, "worker_ended",
	       "worker=%s.%u how=\"%s\" restart_in_ms=%lld failures=%u", hf_role_name(child->role),
	       child->index, child->last_exit, (long long)wait_ms, child->failures);
	(void)snprintf(attrs, sizeof attrs,
		       "{\"role\":\"%s\",\"index\":%u,\"how\":\"%s\",\"failures\":%u,"
		       "\"restart_in_ms\":%lld}",
		       hf_role_name(child->role), child->index, child->last_exit, child->failures,
		       (long long)wait_ms);
	if (end_is_news(child->failures))
		raise_event(supervisor, "worker_ended", NULL, attrs);
	judge_again(supervisor);
}

static int on_child_exit(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct child *child = data;
	struct hf_exit how;
	struct hf_err err;

	(void)source;
	(void)fd;
	(void)events;
	if (hf_child_reap(&child->process, &how, &err) != HF_OK)
		return 0;
	/* Its last words may still lie in the control link. */
	if (child->on_message != NULL)
		message_from(child);
	describe_exit(child, &how);
	bury(child);
	return 0;
}

static int on_child_message(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	message_from(data);
	return 0;
}

void children_condemn(struct child *child, const char *why)
{
	if (!alive(child) || child->killed_because != NULL)
		return;
	child->killed_because = why;
	hf_log(HF_LOG_ERROR, "worker_killed", "worker=%s.%u pid=%d why=\"%s\"",
	       hf_role_name(child->role), child->index, (int)child->process.pid, why);
	hf_child_kill(&child->process);
}

static struct hf_hello hello_for(const struct supervisor *supervisor, const struct child *child)
{
	struct hf_hello hello = {
		.role = (uint32_t)child->role,
		.index = child->index,
		.restarts = child->restarts,
		.boot = supervisor->identity.boot,
		.run = supervisor->identity.run,
	};

	(void)snprintf(hello.boot_id, sizeof hello.boot_id, "%s", supervisor->identity.boot_id);
	(void)snprintf(hello.device_id, sizeof hello.device_id, "%s",
		       supervisor->identity.device_id);
	(void)snprintf(hello.release, sizeof hello.release, "%s", supervisor->context.release);
	(void)snprintf(hello.data_path, sizeof hello.data_path, "%s",
		       supervisor->settings.data_path);
	(void)snprintf(hello.run_path, sizeof hello.run_path, "%s", supervisor->settings.run_path);
	(void)snprintf(hello.generation_path, sizeof hello.generation_path, "%s",
		       supervisor->settings.generation_path);
	(void)snprintf(hello.share_path, sizeof hello.share_path, "%s",
		       supervisor->settings.share_path);
	return hello;
}

/* A fresh ring with each ingest: nobody reads what a dead writer left half written. */
static enum hf_code make_ring(struct child *child, struct hf_err *err)
{
	child->ring_id = ++child->supervisor->ring_id_last;
	return hf_ring_create(RING_SLOTS, 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
			      &child->ring_fd, err);
}

/* A link between a new child and its peer. What is wrong with the peer is not the child's fault:
 * one that is gone gets its links with its successor, one that does not read makes room for it. */
static enum hf_code plug(const struct child *one, const struct child *other, bool ring,
			 struct child *peer, struct hf_err *err)
{
	/* The ring is ingest's, and ingest stands first in the table. */
	enum hf_code code = hf_spawn_link(&one->process, &other->process, ring ? one->ring_id : 0,
					  ring ? one->ring_fd : -1, err);

	if (code == HF_E_AGAIN)
		children_condemn(peer, "does not read what it is told");
	return code == HF_E_AGAIN || code == HF_E_CLOSED ? HF_OK : code;
}

static enum hf_code plug_all(struct child *child, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;

	for (size_t l = 0; l < HF_ARRAY_LEN(links); l++) {
		for (size_t i = 0; i < supervisor->child_count; i++) {
			struct child *peer = &supervisor->children[i];
			enum hf_code code = HF_OK;

			if (peer == child || !alive(peer))
				continue;
			if (links[l].one == child->role && links[l].other == peer->role)
				code = plug(child, peer, links[l].ring, peer, err);
			else if (links[l].other == child->role && links[l].one == peer->role)
				code = plug(peer, child, links[l].ring, peer, err);
			if (code != HF_OK)
				return code;
		}
	}
	return HF_OK;
}

static enum hf_code introduce(struct child *child, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_unit unit = { .state = (uint32_t)supervisor->verdict.state };
	int control = child->process.control_fd;
	enum hf_code code = HF_OK;

	if (child->role == HF_ROLE_RESPOND && supervisor->saved_bytes > 0)
		code = hf_msg_send(control, HF_MSG_RESTORE, supervisor->saved,
				   supervisor->saved_bytes, NULL, 0, err);
	if (code == HF_OK)
		code = hf_msg_send(control, HF_MSG_UNIT, &unit, sizeof unit, NULL, 0, err);
	if (code == HF_OK)
		code = plug_all(child, err);
	if (code == HF_OK)
		code = hf_spawn_start(&child->process, err);
	if (child->role == HF_ROLE_KEEPER)
		offers_rewind(supervisor->offers);
	return code;
}

static enum hf_code start(struct child *child, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_hello hello = hello_for(supervisor, child);
	char path[HF_PATH_BYTES];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", supervisor->settings.libexec_path,
			     hf_role_name(child->role)) >= sizeof path)
		return hf_fail(err, HF_E_LIMIT, "path of %s too long", hf_role_name(child->role));
	child->killed_because = NULL;
	if (child->role == HF_ROLE_INGEST) {
		enum hf_code code = make_ring(child, err);

		if (code != HF_OK)
			return code;
	}
	struct hf_spawn spawn = {
		.path = path, .hello = &hello, .config_fd = supervisor->config_fd, .stderr_fd = -1
	};
	enum hf_code code = hf_spawn_worker(&spawn, &child->process, err);
	if (code != HF_OK)
		return code;
	child->phase = CHILD_STARTING;
	child->started = hf_mono_now(supervisor->clock);
	int added = sd_event_add_io(supervisor->loop, &child->on_exit, child->process.pidfd,
				    EPOLLIN, on_child_exit, child);
	if (added >= 0)
		added = sd_event_add_io(supervisor->loop, &child->on_message,
					child->process.control_fd, EPOLLIN, on_child_message,
					child);
	if (added < 0)
		return hf_fail(err, hf_code_of_errno(-added), "watch %s: %s",
			       hf_role_name(child->role), strerror(-added));
	code = introduce(child, err);
	if (code != HF_OK)
		children_condemn(child, "its start could not be completed");
	hf_log(HF_LOG_INFO, "worker_started", "worker=%s.%u pid=%d restarts=%u",
	       hf_role_name(child->role), child->index, (int)child->process.pid, child->restarts);
	return HF_OK;
}

/* A worker that could not even be started is one that failed. */
static void start_or_bury(struct child *child)
{
	struct hf_err err = { 0 };

	if (start(child, &err) == HF_OK)
		return;
	(void)snprintf(child->last_exit, sizeof child->last_exit, "not started: %.100s", err.text);
	for (char *c = child->last_exit; *c != '\0'; c++)
		if (*c == '"' || *c == '\\')
			*c = '\'';
	if (child->process.pid > 0)
		children_condemn(child, "its start could not be completed");
	else
		bury(child);
}

static void add_child(struct supervisor *supervisor, enum hf_role role, uint32_t index)
{
	HF_ASSERT(supervisor->child_count < CHILDREN_MAX);
	struct child *child = &supervisor->children[supervisor->child_count++];

	*child = (struct child){ .supervisor = supervisor,
				 .role = role,
				 .index = index,
				 .phase = CHILD_DOWN,
				 .ring_fd = -1 };
	child->process = HF_CHILD_NONE;
}

enum hf_code children_start(struct supervisor *supervisor, struct hf_err *err)
{
	(void)err;
	for (size_t o = 0; o < HF_ARRAY_LEN(start_order); o++) {
		uint32_t count =
			start_order[o] == HF_ROLE_INFER ? (uint32_t)supervisor->config.infer_workers
			: start_order[o] == HF_ROLE_INGEST ? supervisor->config.source_count
							   : 1;
		for (uint32_t i = 0; i < count; i++)
			add_child(supervisor, start_order[o], i);
	}
	for (size_t i = 0; i < supervisor->child_count; i++)
		start_or_bury(&supervisor->children[i]);
	return HF_OK;
}

static void watch_pulse(struct child *child, struct hf_mono now)
{
	const struct hf_pulse *pulse = child->process.pulse;
	int64_t limit_us = child->supervisor->config.heartbeat_timeout_ms * 1000;
	int64_t busy_until = atomic_load_explicit(&pulse->busy_until_us, memory_order_relaxed);
	int64_t beat = atomic_load_explicit(&pulse->beat_us, memory_order_relaxed);
	int64_t since = beat > child->started.us ? beat : child->started.us;

	if (busy_until != 0) {
		if (now.us > busy_until)
			children_condemn(child, "busy past the deadline it announced");
		return;
	}
	if (now.us - since > limit_us)
		children_condemn(child, "no heartbeat");
}

void children_tick(struct supervisor *supervisor)
{
	struct hf_mono now = hf_mono_now(supervisor->clock);

	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (alive(child)) {
			watch_pulse(child, now);
		} else if (child->phase == CHILD_DOWN && !supervisor->stopping &&
			   !hf_mono_before(now, child->restart_at)) {
			start_or_bury(child);
			judge_again(supervisor);
		}
	}
}

/* A worker takes the end of its control link as the order to finish and exit. */
static void hang_up(struct child *child)
{
	child->on_message = sd_event_source_disable_unref(child->on_message);
	if (child->process.control_fd >= 0) {
		(void)close(child->process.control_fd);
		child->process.control_fd = -1;
	}
}

/* The last word comes after all that respond had to say; keeper is given time to store it. */
static bool goodbye_is_stored(struct supervisor *supervisor, struct hf_mono now)
{
	if (!supervisor->said_goodbye) {
		supervisor->said_goodbye = true;
		supervisor->stop_deadline = hf_mono_add_ms(now, STOP_STEP_MS);
		raise_event(supervisor, "unit_stopped", NULL, "{}");
	}
	return offers_pending(supervisor->offers) == 0 ||
	       hf_mono_before(supervisor->stop_deadline, now);
}

bool children_stop_step(struct supervisor *supervisor)
{
	struct hf_mono now = hf_mono_now(supervisor->clock);

	for (size_t o = HF_ARRAY_LEN(start_order); o-- > 0;) {
		bool some = false;

		for (size_t i = 0; i < supervisor->child_count; i++) {
			struct child *child = &supervisor->children[i];

			if (child->role != start_order[o] || !alive(child))
				continue;
			some = true;
			if (child->role == HF_ROLE_KEEPER && !goodbye_is_stored(supervisor, now))
				continue;
			hang_up(child);
			if (supervisor->stopping_role == child->role &&
			    hf_mono_before(supervisor->stop_deadline, now))
				children_condemn(child, "did not end when told to");
		}
		if (some) {
			if (supervisor->stopping_role != start_order[o]) {
				supervisor->stopping_role = start_order[o];
				supervisor->stop_deadline = hf_mono_add_ms(now, STOP_STEP_MS);
			}
			return false;
		}
	}
	return true;
}

void children_close(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		forget_process(&supervisor->children[i]);
		free(supervisor->children[i].stats);
	}
}
