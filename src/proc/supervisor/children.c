/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: each worker is a small state machine (down, starting, running). An exit is seen on
 * its pidfd, silence on its pulse page. A restart gives it a fresh control link and one fresh
 * link to each living peer, whose other end the peer gets by SCM_RIGHTS: nobody else restarts.
 *
 * When a worker is silent is decided in recover/vigil.h, what is done about one that is silent
 * or ended by the policy: nothing is started again but on its order.
 * A worker that is killed counts as down from that moment; one that does not die of it (stuck
 * in the kernel) is named, and nothing takes its place: it may still hold a device or a lock.
 */
#include "proc/supervisor/supervisor.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "wire/ring.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	STOP_STEP_MS = 1500,
	STOP_KEEPER_MS = 6000, /* a goodbye, and a flush to a worn card */
	DEAF_MS = 1500,        /* a worker that closed its control link is about to end */
	LAST_WORDS_MAX = 64,   /* times what message_from() takes at once */
	ENDS_TOLD = 3,
};

/* Who talks to whom. The pixel ring goes with a link of ingest. */
static const struct {
	enum hf_role one;
	enum hf_role other;
	bool ring;
} links[] = {
	{ HF_ROLE_INGEST, HF_ROLE_INFER, true },   { HF_ROLE_INGEST, HF_ROLE_RESPOND, true },
	{ HF_ROLE_INFER, HF_ROLE_RESPOND, false }, { HF_ROLE_RESPOND, HF_ROLE_KEEPER, false },
	{ HF_ROLE_KEEPER, HF_ROLE_UPLINK, false }, { HF_ROLE_RESPOND, HF_ROLE_ACTUATE, false },
};

/* The order of starting: who is needed by others comes first. Stopping goes the other way. */
static const enum hf_role start_order[] = { HF_ROLE_KEEPER,  HF_ROLE_UPLINK, HF_ROLE_ACTUATE,
					    HF_ROLE_RESPOND, HF_ROLE_INFER,  HF_ROLE_INGEST };

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

static void describe_exit(struct child *child, const struct hf_exit *how)
{
	if (child->killed_because != NULL)
		(void)snprintf(child->last_exit, sizeof child->last_exit, "killed: %s",
			       child->killed_because);
	else
		hf_exit_text(how, sizeof child->last_exit, child->last_exit);
}

/* A worker that cannot work at all ends again and again, for days: the first ends are told,
 * then each time their number has doubled. The log has them all. */
static bool end_is_news(uint32_t ended)
{
	return ended <= ENDS_TOLD || (ended & (ended - 1)) == 0;
}

static void raise_ended(const struct child *child)
{
	char attrs[512];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "role", hf_role_name(child->role));
	hf_json_put_u64(&json, "index", child->index);
	hf_json_put_text(&json, "how", child->last_exit);
	hf_json_put_u64(&json, "ended", child->ended_count);
	hf_json_object_close(&json);
	raise_event(child->supervisor, "worker_ended", NULL,
		    hf_json_end(&json, &err) == HF_OK ? attrs : "{}");
}

static void start_ordered(struct child *child);

static void bury(struct child *child)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_mono now = hf_mono_now(supervisor->clock);
	bool ordered = child->restart_ordered;

	forget_process(child);
	child->killed_because = NULL;
	child->restart_ordered = false;
	child->overdue_since = (struct hf_mono){ 0 };
	child->stuck = false;
	if (supervisor->stopping) {
		child->phase = CHILD_ENDED;
		return;
	}
	child->phase = CHILD_DOWN;
	if (!ordered)
		child->ended_at[child->ended_count % CRASHES_KEPT] = now;
	child->ended_count++;
	hf_log(HF_LOG_WARN, "worker_ended", "worker=%s.%u how=\"%s\" ended=%u",
	       hf_role_name(child->role), child->index, child->last_exit, child->ended_count);
	if (end_is_news(child->ended_count))
		raise_ended(child);
	if (ordered)
		start_ordered(child);
	govern(supervisor);
}

static int on_child_exit(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct child *child = data;
	struct hf_exit how = { .status = -1 };
	struct hf_err err = { 0 };

	(void)source;
	(void)fd;
	(void)events;
	enum hf_code code = hf_child_reap(&child->process, &how, &err);
	if (code == HF_E_AGAIN)
		return 0;
	/* Its last words may still lie in the control link. */
	for (int i = 0; i < LAST_WORDS_MAX && child->on_message != NULL; i++)
		if (!message_from(child))
			break;
	if (code == HF_OK) {
		describe_exit(child, &how);
	} else {
		/* It is dead all the same; somebody else has taken its status. */
		child->process.pid = 0;
		(void)snprintf(child->last_exit, sizeof child->last_exit, "%.100s", err.text);
	}
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
	child->killed_at = hf_mono_now(child->supervisor->clock);
	hf_log(HF_LOG_ERROR, "worker_killed", "worker=%s.%u pid=%d why=\"%s\"",
	       hf_role_name(child->role), child->index, (int)child->process.pid, why);
	hf_child_kill(&child->process);
	govern(child->supervisor);
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
	(void)snprintf(hello.hardware, sizeof hello.hardware, "%s", supervisor->identity.hardware);
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

/* Both ends of a link between a worker that starts and a peer. A peer that does not take its
 * end is no fault of the one that starts: it is dying, and will be linked by its own restart. */
static enum hf_code plug(struct child *child, struct child *peer, bool ring, struct hf_err *err)
{
	const struct child *ingest = child->role == HF_ROLE_INGEST ? child : peer;
	uint64_t ring_id = ring ? ingest->ring_id : 0;
	int ring_fd = ring ? ingest->ring_fd : -1;
	int pair[2];
	struct hf_err peer_err;

	enum hf_code code = hf_msg_pair(pair, err);
	if (code != HF_OK)
		return code;
	HF_AUTO_FD childs_end = pair[0];
	HF_AUTO_FD peers_end = pair[1];
	code = hf_spawn_plug(&peer->process, child->role, child->index, ring_id, ring_fd, peers_end,
			     &peer_err);
	if (code == HF_E_AGAIN)
		children_condemn(peer, "does not read its control link");
	if (code != HF_OK)
		return HF_OK;
	return hf_spawn_plug(&child->process, peer->role, peer->index, ring_id, ring_fd, childs_end,
			     err);
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
			if ((links[l].one == child->role && links[l].other == peer->role) ||
			    (links[l].other == child->role && links[l].one == peer->role))
				code = plug(child, peer, links[l].ring, err);
			if (code != HF_OK)
				return code;
		}
	}
	return HF_OK;
}

static enum hf_code introduce(struct child *child, struct hf_err *err)
{
	struct supervisor *supervisor = child->supervisor;
	struct hf_unit unit = govern_unit(supervisor);
	int control = child->process.control_fd;
	enum hf_code code = HF_OK;

	if (child->role == HF_ROLE_RESPOND && supervisor->saved.size_bytes > 0)
		code = hf_msg_send(control, HF_MSG_RESTORE, supervisor->saved.data,
				   supervisor->saved.size_bytes, NULL, 0, err);
	if (code == HF_OK && child->role == HF_ROLE_ACTUATE)
		code = lease_hand_out(&supervisor->lease, control, err);
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
	child->ready = child->deaf_since = (struct hf_mono){ 0 };
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
	hf_log(HF_LOG_INFO, "worker_started", "worker=%s.%u pid=%d restarts=%u",
	       hf_role_name(child->role), child->index, (int)child->process.pid, child->restarts);
	code = introduce(child, err);
	if (code != HF_OK) {
		hf_log(HF_LOG_ERROR, "start_failed", "worker=%s.%u why=\"%s\"",
		       hf_role_name(child->role), child->index, err->text);
		children_condemn(child, "its start could not be completed");
	}
	return HF_OK;
}

/* A worker that could not even be started is one that failed; what there is of it goes. */
static bool start_or_bury(struct child *child)
{
	struct hf_err err = { 0 };

	if (start(child, &err) == HF_OK)
		return true;
	(void)snprintf(child->last_exit, sizeof child->last_exit, "not started: %.100s", err.text);
	bury(child);
	return false;
}

static void start_ordered(struct child *child)
{
	child->restarts++;
	actions_started(child->supervisor, child, start_or_bury(child));
}

void children_restart(struct child *child, const char *why)
{
	if (child->phase == CHILD_DOWN) {
		start_ordered(child);
		return;
	}
	if (!alive(child))
		return;
	/* Whoever is being killed already goes the same way. */
	child->restart_ordered = true;
	children_condemn(child, child->overdue_because != NULL && child->overdue_since.us != 0
					? child->overdue_because
					: why);
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

void children_start(struct supervisor *supervisor)
{
	for (size_t o = 0; o < HF_ARRAY_LEN(start_order); o++) {
		uint32_t count =
			start_order[o] == HF_ROLE_INFER ? (uint32_t)supervisor->config.infer_workers
			: start_order[o] == HF_ROLE_INGEST  ? supervisor->config.source_count
			: start_order[o] == HF_ROLE_ACTUATE ? supervisor->lease.page != NULL
							    : 1;
		for (uint32_t i = 0; i < count; i++)
			add_child(supervisor, start_order[o], i);
	}
	for (size_t i = 0; i < supervisor->child_count; i++)
		(void)start_or_bury(&supervisor->children[i]);
	supervisor->looked = hf_mono_now(supervisor->clock);
}

static void watch_pulse(struct child *child, struct hf_mono now)
{
	const struct hf_pulse *pulse = child->process.pulse;
	struct hf_vigil vigil = { .started = child->started,
				  .ready = child->phase == CHILD_RUNNING,
				  .awake = child->supervisor->awake,
				  .heartbeat_ms = child->supervisor->config.heartbeat_timeout_ms };

	/* In this order: see wire/pulse.h. */
	vigil.busy_until.us = atomic_load_explicit(&pulse->busy_until_us, memory_order_acquire);
	vigil.beat.us = atomic_load_explicit(&pulse->beat_us, memory_order_relaxed);
	const char *why = hf_vigil(&vigil, now);
	if (why == NULL) {
		child->overdue_since = (struct hf_mono){ 0 };
	} else if (child->overdue_since.us == 0) {
		child->overdue_since = now;
		child->overdue_because = why;
		hf_log(HF_LOG_WARN, "worker_overdue", "worker=%s.%u pid=%d why=\"%s\"",
		       hf_role_name(child->role), child->index, (int)child->process.pid, why);
		govern(child->supervisor);
	}
	if (child->deaf_since.us != 0 &&
	    hf_mono_before(hf_mono_add_ms(child->deaf_since, DEAF_MS), now))
		children_condemn(child, "closed its control link and lives on");
}

/* Killed, and still there: say so once. */
static void watch_dying(struct child *child, struct hf_mono now)
{
	if (child->stuck || hf_mono_before(now, hf_mono_add_ms(child->killed_at, HF_STUCK_MS)))
		return;
	child->stuck = true;
	hf_log(HF_LOG_ERROR, "worker_stuck",
	       "worker=%s.%u pid=%d does not die of SIGKILL: look at its device or disk",
	       hf_role_name(child->role), child->index, (int)child->process.pid);
	govern(child->supervisor);
}

void children_tick(struct supervisor *supervisor)
{
	struct hf_mono now = hf_mono_now(supervisor->clock);
	struct hf_mono awake = hf_vigil_awake(supervisor->awake, supervisor->looked, now);

	if (awake.us != supervisor->awake.us)
		hf_log(HF_LOG_WARN, "supervisor_was_held_up", "for_ms=%lld",
		       (long long)(hf_mono_diff_us(now, supervisor->looked) / 1000));
	supervisor->awake = awake;
	supervisor->looked = now;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (alive(child) && child->killed_because != NULL) {
			watch_dying(child, now);
		} else if (alive(child)) {
			watch_pulse(child, now);
		}
	}
}

/* Told to finish and exit, killed when it does not, left behind when even that does not end it. */
static void stop(struct child *child, bool is_late)
{
	hf_child_hang_up(&child->process);
	if (is_late)
		children_condemn(child, "did not end when told to");
	if (!child->stuck)
		return;
	hf_log(HF_LOG_ERROR, "worker_left_behind", "worker=%s.%u pid=%d", hf_role_name(child->role),
	       child->index, (int)child->process.pid);
	hf_child_abandon(&child->process);
	bury(child);
}

/* The last word comes after all that respond had to say; keeper is given time to store it. */
static bool goodbye_is_stored(struct supervisor *supervisor, struct hf_mono now)
{
	if (supervisor->goodbye_deadline.us == 0) {
		supervisor->goodbye_deadline = hf_mono_add_ms(now, STOP_STEP_MS);
		raise_event(supervisor, "unit_stopped", NULL, "{}");
	}
	return offers_pending(supervisor->offers) == 0 ||
	       hf_mono_before(supervisor->goodbye_deadline, now);
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
			stop(child, supervisor->stopping_role == child->role &&
					    hf_mono_before(supervisor->stop_deadline, now));
		}
		if (some) {
			if (supervisor->stopping_role != start_order[o]) {
				supervisor->stopping_role = start_order[o];
				supervisor->stop_deadline = hf_mono_add_ms(
					now, start_order[o] == HF_ROLE_KEEPER ? STOP_KEEPER_MS
									      : STOP_STEP_MS);
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
