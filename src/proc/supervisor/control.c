/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket, run/control: who may open it (mode 0660, the data folder's owner and
 * group) may ask, and want. One question a connection, answered at once from memory: a client that
 * does not read its answer costs nothing but its own connection. One that asks nothing keeps
 * its place until it is the oldest and the place is needed: descriptors are for workers.
 */
#include "proc/supervisor/supervisor.h"
#include "proc/supervisor/verbs.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	STATUS_BYTES_MAX = 96 * 1024,
	EXIT_FAILED = 1,
	EXIT_DEGRADED = 4,
	EXIT_LATER = 75,
	ANSWER_BYTES = 1024,
};

static const uint64_t replay_seq_max = UINT64_C(1) << 53;

static const char *phase_name(enum child_phase phase)
{
	switch (phase) {
	case CHILD_DOWN:
		return "waiting";
	case CHILD_STARTING:
		return "starting";
	case CHILD_RUNNING:
		return "running";
	case CHILD_ENDED:
		return "stopped";
	}
	return "stopped";
}

/* When the policy starts it again; null: it does not, for now. */
static void put_restart(const struct child *child, struct hf_json *json)
{
	const struct governor *governor = child->supervisor->governor;
	const struct hf_policy_state *state = &governor->state;

	for (unsigned i = 0; i < state->case_count; i++) {
		const struct hf_case *one = &state->cases[i];
		const struct hf_policy_reason *reason = &governor->policy.reasons[one->reason];

		if (reason->scope != HF_SCOPE_WORKER ||
		    one->scope != child - child->supervisor->children ||
		    one->step != HF_STEP_WAITING)
			continue;
		hf_json_put_i64(json, "restart_in_ms",
				one->until_ms > state->now_ms ? one->until_ms - state->now_ms : 0);
		return;
	}
	hf_json_put_null(json, "restart_in_ms");
}

static void write_worker(const struct child *child, struct hf_mono now, struct hf_json *json)
{
	bool alive = child->phase == CHILD_STARTING || child->phase == CHILD_RUNNING;

	hf_json_object_open(json);
	hf_json_put_text(json, "role", hf_role_name(child->role));
	hf_json_put_u64(json, "index", child->index);
	hf_json_put_text(json, "state", phase_name(child->phase));
	hf_json_put_u64(json, "restarts", child->restarts);
	if (alive) {
		const struct hf_pulse *pulse = child->process.pulse;
		int64_t beat = atomic_load_explicit(&pulse->beat_us, memory_order_relaxed);

		hf_json_put_i64(json, "pid", child->process.pid);
		hf_json_put_i64(json, "up_ms", hf_mono_diff_us(now, child->started) / 1000);
		hf_json_put_i64(json, "beat_age_ms", beat > 0 ? (now.us - beat) / 1000 : 0);
		hf_json_put_u64(json, "progress",
				atomic_load_explicit(&pulse->progress, memory_order_relaxed));
	} else {
		hf_json_put_null(json, "pid");
		put_restart(child, json);
	}
	hf_json_put_text(json, "last_exit", child->last_exit[0] != '\0' ? child->last_exit : NULL);
	hf_json_key(json, "stats");
	if (child->stats != NULL)
		hf_json_raw(json, child->stats, strlen(child->stats));
	else
		hf_json_null(json);
	hf_json_object_close(json);
}

static enum hf_code write_status(const struct supervisor *supervisor, char *text,
				 size_t size_bytes_max, struct hf_err *err)
{
	struct hf_mono now = hf_mono_now(supervisor->clock);
	struct hf_json json = hf_json_begin(text, size_bytes_max);
	const struct governor *governor = supervisor->governor;
	char reasons[GOVERN_REASONS_MAX][GOVERN_REASON_BYTES];
	size_t reason_count = govern_reasons(supervisor, reasons);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "state", hf_state_name(governor->out.state));
	hf_json_put_text(&json, "promise", hf_state_promise(governor->out.state));
	hf_json_put_i64(&json, "since_ms", hf_mono_diff_us(now, governor->state_since) / 1000);
	hf_json_key(&json, "reasons");
	hf_json_array_open(&json);
	for (size_t i = 0; i < reason_count; i++)
		hf_json_text(&json, reasons[i]);
	hf_json_array_close(&json);
	hf_json_put_text(&json, "device_id", supervisor->identity.device_id);
	hf_json_put_text(&json, "site", supervisor->config.device_site);
	hf_json_put_text(&json, "release", supervisor->context.release);
	hf_json_put_u64(&json, "boot", supervisor->identity.boot);
	hf_json_put_u64(&json, "run", supervisor->identity.run);
	hf_json_put_i64(&json, "uptime_ms", hf_mono_diff_us(now, supervisor->started) / 1000);
	hf_json_put_text(&json, "clock", hf_clock_trust());
	hf_json_put_text(&json, "config", supervisor->settings.config_path);
	hf_json_put_text(&json, "data", supervisor->settings.data_path);
	hf_json_put_text(&json, "hub", supervisor->config.hub_url);
	hf_json_put_u64(&json, "own_events_pending", offers_pending(supervisor->offers));
	hf_json_put_u64(&json, "own_events_suppressed", offers_suppressed(supervisor->offers));
	hf_json_key(&json, "workers");
	hf_json_array_open(&json);
	for (size_t i = 0; i < supervisor->child_count; i++)
		write_worker(&supervisor->children[i], now, &json);
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	return hf_json_end(&json, err);
}

/* What write() has to say, with the exit code that goes with the unit's state. */
static enum hf_code answer_long(const struct supervisor *supervisor, int fd,
				enum hf_code (*write)(const struct supervisor *supervisor,
						      char *text, size_t size_bytes_max,
						      struct hf_err *err),
				struct hf_err *err)
{
	HF_AUTO_FREE char *body = malloc(sizeof(uint32_t) + STATUS_BYTES_MAX);
	uint32_t exit_code =
		supervisor->governor->out.state == HF_STATE_HEALTHY ? 0 : EXIT_DEGRADED;

	if (body == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	memcpy(body, &exit_code, sizeof exit_code);
	enum hf_code code = write(supervisor, body + sizeof exit_code, STATUS_BYTES_MAX, err);
	if (code != HF_OK)
		return code;
	return hf_msg_send(fd, HF_MSG_CTL_ANSWER, body,
			   sizeof exit_code + strlen(body + sizeof exit_code), NULL, 0, err);
}

/* ---- what an operator wants ---- */

/* error NULL: it is done. */
static enum hf_code answer_done(const struct supervisor *supervisor, int fd, const char *error,
				struct hf_err *err)
{
	uint32_t exit_code = error == NULL ? 0 : EXIT_FAILED;
	char body[sizeof exit_code + ANSWER_BYTES];
	struct hf_json json = hf_json_begin(body + sizeof exit_code, ANSWER_BYTES);

	memcpy(body, &exit_code, sizeof exit_code);
	hf_json_object_open(&json);
	hf_json_put_bool(&json, "ok", error == NULL);
	hf_json_put_text(&json, "state", hf_state_name(supervisor->governor->out.state));
	hf_json_put_text(&json, "error", error);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	return hf_msg_send(fd, HF_MSG_CTL_ANSWER, body, sizeof exit_code + json.size_bytes, NULL, 0,
			   err);
}

static int64_t peer_uid(int fd);

static enum hf_code on_command(struct supervisor *supervisor, int fd, struct hf_msg *msg,
			       struct hf_err *err)
{
	struct hf_ctl_command wanted;
	const char *refused = NULL;

	hf_msg_get(msg, &wanted, sizeof wanted);
	enum hf_code code = hf_msg_end(msg, err);
	if (code == HF_OK)
		code = verbs_command(supervisor, &wanted, peer_uid(fd), &refused, err);
	if (code != HF_OK)
		return code;
	return answer_done(supervisor, fd, refused, err);
}

/* ---- replay ---- */

/* Who asked: the number of the user on the other side; -1: the kernel does not say. */
static int64_t peer_uid(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? (int64_t)peer.uid : -1;
}

static void put_replay(struct hf_json *json, const struct hf_replay *replay)
{
	hf_json_put_text(json, "channel", replay->channel);
	hf_json_put_u64(json, "from", replay->from_seq);
	if (replay->through_seq != 0)
		hf_json_put_u64(json, "through", replay->through_seq);
	else
		hf_json_put_null(json, "through");
}

/* error NULL: it was passed on. */
static enum hf_code answer_replay(int fd, const struct hf_replay *replay, uint32_t exit_code,
				  const char *error, struct hf_err *err)
{
	char body[sizeof exit_code + ANSWER_BYTES];
	struct hf_json json = hf_json_begin(body + sizeof exit_code, ANSWER_BYTES);

	memcpy(body, &exit_code, sizeof exit_code);
	hf_json_object_open(&json);
	hf_json_put_bool(&json, "ok", error == NULL);
	put_replay(&json, replay);
	hf_json_put_text(&json, "error", error);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	return hf_msg_send(fd, HF_MSG_CTL_ANSWER, body, sizeof exit_code + json.size_bytes, NULL, 0,
			   err);
}

static void raise_replay(struct supervisor *supervisor, const struct hf_replay *replay, int64_t uid)
{
	char attrs[512];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);

	hf_json_object_open(&json);
	put_replay(&json, replay);
	if (uid >= 0)
		hf_json_put_i64(&json, "by_uid", uid);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		raise_event(supervisor, "outbox_replay_requested", NULL, attrs);
}

/* Passed on to the uplink, whose cursor it is; what it asks for is an event of its own. */
static enum hf_code on_replay(struct supervisor *supervisor, int fd, struct hf_msg *msg,
			      struct hf_err *err)
{
	const struct child *uplink = children_find(supervisor, HF_ROLE_UPLINK, 0);
	struct hf_replay replay;
	struct hf_err why;

	hf_msg_get(msg, &replay, sizeof replay);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (memchr(replay.channel, '\0', sizeof replay.channel) == NULL || replay.from_seq == 0 ||
	    replay.from_seq > replay_seq_max || replay.through_seq > replay_seq_max)
		return hf_fail(err, HF_E_INVALID, "replay: channel or number out of range");
	if (strcmp(replay.channel, "hub") != 0)
		return answer_replay(fd, &replay, EXIT_FAILED,
				     "there is no such channel; there is: hub", err);
	if (supervisor->config.hub_url[0] == '\0')
		return answer_replay(fd, &replay, EXIT_FAILED,
				     "hub.url is empty: nothing is sent to anybody", err);
	if (uplink == NULL || uplink->phase != CHILD_RUNNING || uplink->process.control_fd < 0 ||
	    hf_msg_send(uplink->process.control_fd, HF_MSG_REPLAY, &replay, sizeof replay, NULL, 0,
			&why) != HF_OK)
		return answer_replay(fd, &replay, EXIT_LATER,
				     "the uplink is not running at the moment; ask again", err);
	hf_log(HF_LOG_INFO, "replay_requested", "channel=%s from=%llu through=%llu uid=%lld",
	       replay.channel, (unsigned long long)replay.from_seq,
	       (unsigned long long)replay.through_seq, (long long)peer_uid(fd));
	raise_replay(supervisor, &replay, peer_uid(fd));
	return answer_replay(fd, &replay, 0, NULL, err);
}

/* Closing the source closes the descriptor. */
static void drop_client(struct supervisor *supervisor, size_t at)
{
	(void)sd_event_source_disable_unref(supervisor->clients[at]);
	supervisor->client_count--;
	memmove(&supervisor->clients[at], &supervisor->clients[at + 1],
		(supervisor->client_count - at) * sizeof *supervisor->clients);
}

static enum hf_code on_question(struct supervisor *supervisor, int fd, struct hf_msg *msg,
				struct hf_err *err)
{
	enum hf_code code = HF_OK;

	if (msg->type == HF_MSG_CTL_REPLAY)
		return on_replay(supervisor, fd, msg, err);
	if (msg->type == HF_MSG_CTL_COMMAND)
		return on_command(supervisor, fd, msg, err);
	if (msg->type != HF_MSG_CTL_STATUS && msg->type != HF_MSG_CTL_WHY &&
	    msg->type != HF_MSG_CTL_RELOAD)
		return hf_fail(err, HF_E_DENIED, "%s is not a question", hf_msg_name(msg->type));
	code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (msg->type == HF_MSG_CTL_STATUS)
		return answer_long(supervisor, fd, write_status, err);
	if (msg->type == HF_MSG_CTL_WHY)
		return answer_long(supervisor, fd, verbs_why, err);
	return answer_done(supervisor, fd, reload_policy(supervisor), err);
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct supervisor *supervisor = data;
	struct hf_msg msg;
	struct hf_err err = { 0 };

	(void)events;
	enum hf_code code = hf_msg_receive(fd, supervisor->buffer, &msg, &err);
	if (code == HF_E_AGAIN)
		return 0;
	if (code == HF_OK) {
		code = on_question(supervisor, fd, &msg, &err);
		hf_msg_drop(&msg);
	}
	if (code != HF_OK && code != HF_E_CLOSED)
		hf_log(HF_LOG_WARN, "control_client_refused", "why=\"%s\"", err.text);
	/* One answer a connection. */
	for (size_t i = 0; i < supervisor->client_count; i++)
		if (supervisor->clients[i] == source) {
			drop_client(supervisor, i);
			break;
		}
	return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct supervisor *supervisor = data;
	sd_event_source *client_source = NULL;

	(void)source;
	(void)events;
	HF_AUTO_FD client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client < 0)
		return 0;
	int size = STATUS_BYTES_MAX * 2;
	if (supervisor->client_count == CLIENTS_MAX)
		drop_client(supervisor, 0);
	(void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (sd_event_add_io(supervisor->loop, &client_source, client, EPOLLIN, on_client,
			    supervisor) < 0)
		return 0;
	(void)sd_event_source_set_io_fd_own(client_source, 1);
	(void)HF_TAKE_FD(client);
	supervisor->clients[supervisor->client_count++] = client_source;
	return 0;
}

enum hf_code control_open(struct supervisor *supervisor, struct hf_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s/control",
			     supervisor->settings.run_path) >= sizeof address.sun_path)
		return hf_fail(err, HF_E_LIMIT,
			       "%s/control is too long for a socket (%zu bytes at most): give a "
			       "shorter --run folder",
			       supervisor->settings.run_path, sizeof address.sun_path - 1);
	/* The data folder's lock is ours: a socket that is there was left by a dead one. */
	if (unlink(address.sun_path) != 0 && errno != ENOENT)
		return hf_fail_errno(err, "remove the old %s", address.sun_path);
	HF_AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    chmod(address.sun_path, 0660) != 0 || listen(fd, 8) != 0)
		return hf_fail_errno(err, "open the control socket %s", address.sun_path);
	if (sd_event_add_io(supervisor->loop, NULL, fd, EPOLLIN, on_connection, supervisor) < 0)
		return hf_fail(err, HF_E_NOMEM, "watch the control socket");
	supervisor->control_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

void control_close(struct supervisor *supervisor)
{
	while (supervisor->client_count > 0)
		drop_client(supervisor, supervisor->client_count - 1);
	if (supervisor->control_fd >= 0)
		(void)close(supervisor->control_fd);
	supervisor->control_fd = -1;
}
