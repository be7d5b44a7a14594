/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/common/worker.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum {
	HELLO_TIMEOUT_MS = 5000,
	MESSAGES_PER_LINK_MAX = 64, /* of one dispatch: no peer keeps the others waiting */
};

struct hf_worker {
	struct hf_worker_ops ops;
	struct hf_hello hello;
	const struct hf_config *config;
	struct hf_pulse *pulse;
	struct hf_unit unit;
	bool started;
	bool control_gone;
	size_t link_count;
	struct hf_link links[HF_WORKER_LINKS_MAX]; /* [0] is the supervisor */
	bool readable[HF_WORKER_LINKS_MAX];        /* as far as is known */
	uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
};

static enum hf_code map_config(struct hf_worker *worker, int fd, struct hf_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(struct hf_config))
		return hf_fail(err, HF_E_INVALID, "hello: the configuration has the wrong size");
	void *map = mmap(NULL, sizeof(struct hf_config), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map the configuration");
	worker->config = map;
	return hf_config_check(worker->config, err);
}

static enum hf_code map_pulse(struct hf_worker *worker, int fd, struct hf_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct hf_pulse))
		return hf_fail(err, HF_E_INVALID, "hello: the pulse page is too small");
	void *map = mmap(NULL, sizeof(struct hf_pulse), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map the pulse page");
	worker->pulse = map;
	return HF_OK;
}

static enum hf_code take_hello(struct hf_worker *worker, enum hf_role role, struct hf_err *err)
{
	struct pollfd wait = { .fd = HF_WORKER_CONTROL_FD, .events = POLLIN };
	struct hf_msg msg;

	if (poll(&wait, 1, HELLO_TIMEOUT_MS) != 1)
		return hf_fail(err, HF_E_INVALID,
			       "no hello on descriptor 3: this program is started by holdfastd, "
			       "not by hand");
	enum hf_code code = hf_msg_receive(HF_WORKER_CONTROL_FD, worker->buffer, &msg, err);
	if (code != HF_OK)
		return hf_fail(err, HF_E_INVALID,
			       "no hello on descriptor 3: this program is started by holdfastd, "
			       "not by hand");
	if (msg.type != HF_MSG_HELLO) {
		hf_msg_drop(&msg);
		return hf_fail(err, HF_E_INVALID, "first message is %s, not hello",
			       hf_msg_name(msg.type));
	}
	hf_msg_get(&msg, &worker->hello, sizeof worker->hello);
	HF_AUTO_FD config_fd = hf_msg_take_fd(&msg);
	HF_AUTO_FD pulse_fd = hf_msg_take_fd(&msg);
	code = hf_msg_end(&msg, err);
	if (code != HF_OK)
		return code;
	if (worker->hello.role != (uint32_t)role)
		return hf_fail(err, HF_E_INVALID, "hello is for role %u", worker->hello.role);
	code = map_config(worker, config_fd, err);
	if (code != HF_OK)
		return code;
	return map_pulse(worker, pulse_fd, err);
}

static struct hf_link *find_link(struct hf_worker *worker, enum hf_role role, uint32_t index)
{
	for (size_t i = 0; i < worker->link_count; i++)
		if (worker->links[i].role == role && worker->links[i].index == index)
			return &worker->links[i];
	return NULL;
}

static bool listens(const struct hf_worker *worker, const struct hf_link *link)
{
	return link->fd >= 0 && !(worker->control_gone && link == &worker->links[0]);
}

static void close_link(struct hf_worker *worker, struct hf_link *link)
{
	if (!listens(worker, link))
		return;
	if (link == &worker->links[0]) {
		/* Nothing more is read from it. The supervisor still hears last words. */
		worker->control_gone = true;
		return;
	}
	(void)close(link->fd);
	link->fd = -1;
	if (worker->ops.on_gone != NULL)
		worker->ops.on_gone(worker->ops.context, link);
}

static enum hf_code on_plug(struct hf_worker *worker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_plug plug;

	hf_msg_get(msg, &plug, sizeof plug);
	HF_AUTO_FD fd = hf_msg_take_fd(msg);
	HF_AUTO_FD ring_fd = plug.ring_id != 0 ? hf_msg_take_fd(msg) : -1;
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (plug.role >= HF_ROLE_COUNT)
		return hf_fail(err, HF_E_INVALID, "plug: role %u", plug.role);

	struct hf_link *link = find_link(worker, (enum hf_role)plug.role, plug.index);
	if (link != NULL) {
		close_link(worker, link);
	} else {
		if (worker->link_count == HF_WORKER_LINKS_MAX)
			return hf_fail(err, HF_E_LIMIT, "plug: more than %d links",
				       HF_WORKER_LINKS_MAX);
		link = &worker->links[worker->link_count++];
		*link = (struct hf_link){ .role = (enum hf_role)plug.role, .index = plug.index };
	}
	link->fd = HF_TAKE_FD(fd);
	/* Its peer may have had it for a while. */
	worker->readable[link - worker->links] = true;
	if (worker->ops.on_plug == NULL)
		return HF_OK;
	return worker->ops.on_plug(worker->ops.context, link, plug.ring_id, HF_TAKE_FD(ring_fd),
				   err);
}

static enum hf_code on_unit(struct hf_worker *worker, struct hf_msg *msg, struct hf_err *err)
{
	struct hf_unit unit;

	hf_msg_get(msg, &unit, sizeof unit);
	enum hf_code code = hf_msg_end(msg, err);
	if (code != HF_OK)
		return code;
	if (unit.state >= HF_STATE_COUNT || unit.rate_permille > HF_RATE_FULL_PERMILLE)
		return hf_fail(err, HF_E_INVALID, "unit: state %u, rate %u", unit.state,
			       unit.rate_permille);
	worker->unit = unit;
	return HF_OK;
}

static enum hf_code on_restore(struct hf_worker *worker, struct hf_msg *msg, struct hf_err *err)
{
	size_t size;
	const uint8_t *data = hf_msg_get_rest(msg, &size);
	enum hf_code code = hf_msg_end(msg, err);

	if (code != HF_OK || worker->ops.on_restore == NULL)
		return code;
	return worker->ops.on_restore(worker->ops.context, data, size, err);
}

static enum hf_code on_start(struct hf_worker *worker, struct hf_msg *msg, struct hf_err *err)
{
	enum hf_code code = hf_msg_end(msg, err);

	if (code != HF_OK)
		return code;
	worker->started = true;
	return worker->ops.on_start == NULL ? HF_OK
					    : worker->ops.on_start(worker->ops.context, err);
}

static enum hf_code handle(struct hf_worker *worker, struct hf_link *link, struct hf_msg *msg,
			   struct hf_err *err)
{
	if (!hf_msg_allowed(msg->type, link->role)) {
		hf_msg_drop(msg);
		return hf_fail(err, HF_E_DENIED, "%s may not send %s", hf_role_name(link->role),
			       hf_msg_name(msg->type));
	}
	if (msg->type == HF_MSG_PLUG)
		return on_plug(worker, msg, err);
	if (msg->type == HF_MSG_UNIT)
		return on_unit(worker, msg, err);
	if (msg->type == HF_MSG_RESTORE)
		return on_restore(worker, msg, err);
	if (msg->type == HF_MSG_START)
		return on_start(worker, msg, err);
	if (worker->ops.on_message == NULL) {
		hf_msg_drop(msg);
		return hf_fail(err, HF_E_INVALID, "%s is not for this process",
			       hf_msg_name(msg->type));
	}
	enum hf_code code = worker->ops.on_message(worker->ops.context, link, msg, err);
	hf_msg_drop(msg);
	return code;
}

/* Nobody else can mend a link between two workers: the supervisor is told. */
static void condemn(struct hf_worker *worker, const struct hf_link *link, const char *why)
{
	struct hf_condemn body = { .role = (uint32_t)link->role, .index = link->index };
	struct hf_err err;

	hf_log(HF_LOG_ERROR, "peer_condemned", "peer=%s.%u why=\"%s\"", hf_role_name(link->role),
	       link->index, why);
	if (link->role == HF_ROLE_SUPERVISOR)
		return;
	(void)snprintf(body.why, sizeof body.why, "%.255s", why);
	if (hf_worker_send(worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_CONDEMN, &body, sizeof body,
			   &err) != HF_OK)
		hf_log(HF_LOG_ERROR, "condemn_not_sent", "why=\"%s\"", err.text);
}

/* At most so many messages of one link. False: there are no more for now. */
static bool read_link(struct hf_worker *worker, struct hf_link *link, int messages_max)
{
	for (int i = 0; i < messages_max && listens(worker, link); i++) {
		struct hf_msg msg;
		struct hf_err err = { 0 };
		enum hf_code code = hf_msg_receive(link->fd, worker->buffer, &msg, &err);

		if (code == HF_E_AGAIN)
			return false;
		if (code == HF_OK)
			code = handle(worker, link, &msg, &err);
		if (code == HF_OK)
			continue;
		if (code != HF_E_CLOSED)
			condemn(worker, link, err.text);
		close_link(worker, link);
	}
	return listens(worker, link);
}

enum hf_code hf_worker_open(enum hf_role role, const struct hf_worker_ops *ops,
			    struct hf_worker **ret_worker, struct hf_err *err)
{
	hf_log_open(hf_role_name(role));
	/* Who holds an output has to switch it off first; it ends when its link does. */
	if (role != HF_ROLE_ACTUATE && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return hf_fail_errno(err, "ask to die with the supervisor");
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C, a terminal that is closed, a shutdown's SIGTERM to everybody: the supervisor
	 * gets them too, and decides in which order all end. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);

	struct hf_worker *worker = calloc(1, sizeof *worker);
	if (worker == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	worker->ops = *ops;
	worker->unit.rate_permille = HF_RATE_FULL_PERMILLE;
	worker->link_count = 1;
	worker->links[0] =
		(struct hf_link){ .role = HF_ROLE_SUPERVISOR, .fd = HF_WORKER_CONTROL_FD };
	enum hf_code code = take_hello(worker, role, err);
	if (code != HF_OK) {
		hf_worker_close(worker);
		return code;
	}
	hf_pulse_idle(worker->pulse, hf_mono_now(hf_clock_real()));
	*ret_worker = worker;
	return HF_OK;
}

void hf_worker_close(struct hf_worker *worker)
{
	if (worker == NULL)
		return;
	for (size_t i = 1; i < worker->link_count; i++)
		if (worker->links[i].fd >= 0)
			(void)close(worker->links[i].fd);
	if (worker->config != NULL)
		(void)munmap((void *)(uintptr_t)worker->config, sizeof *worker->config);
	if (worker->pulse != NULL)
		(void)munmap(worker->pulse, sizeof *worker->pulse);
	free(worker);
}

const struct hf_config *hf_worker_config(const struct hf_worker *worker)
{
	return worker->config;
}

const struct hf_hello *hf_worker_hello(const struct hf_worker *worker)
{
	return &worker->hello;
}

struct hf_pulse *hf_worker_pulse(struct hf_worker *worker)
{
	return worker->pulse;
}

enum hf_state hf_worker_state(const struct hf_worker *worker)
{
	return (enum hf_state)worker->unit.state;
}

const struct hf_unit *hf_worker_unit(const struct hf_worker *worker)
{
	return &worker->unit;
}

bool hf_worker_started(const struct hf_worker *worker)
{
	return worker->started;
}

struct hf_link *hf_worker_link(struct hf_worker *worker, enum hf_role role, uint32_t index)
{
	struct hf_link *link = find_link(worker, role, index);

	return link != NULL && link->fd >= 0 ? link : NULL;
}

size_t hf_worker_pollfds(const struct hf_worker *worker, struct pollfd *ret_fds, size_t fds_max)
{
	size_t count = 0;

	for (size_t i = 0; i < worker->link_count && count < fds_max; i++)
		if (listens(worker, &worker->links[i]))
			ret_fds[count++] =
				(struct pollfd){ .fd = worker->links[i].fd, .events = POLLIN };
	return count;
}

/* Which links have something to read, or have ended; how many. */
static enum hf_code look(struct hf_worker *worker, int timeout_ms, size_t *ret_readable,
			 struct hf_err *err)
{
	struct pollfd fds[HF_WORKER_LINKS_MAX];
	size_t count = hf_worker_pollfds(worker, fds, HF_WORKER_LINKS_MAX), at = 0;

	*ret_readable = 0;
	/* Interrupted, it has filled in nothing: nobody is readable. */
	if (poll(fds, (nfds_t)count, timeout_ms) < 0 && errno != EINTR)
		return hf_fail_errno(err, "poll");
	for (size_t i = 0; i < worker->link_count; i++) {
		worker->readable[i] = listens(worker, &worker->links[i]) && fds[at++].revents != 0;
		*ret_readable += worker->readable[i] ? 1 : 0;
	}
	return HF_OK;
}

/* The supervisor first: who is plugged in by it is read too. True: some peer may have more. */
static bool read_links(struct hf_worker *worker, int messages_max)
{
	bool more = false;

	if (worker->readable[0])
		(void)read_link(worker, &worker->links[0], MESSAGES_PER_LINK_MAX);
	for (size_t i = 1; i < worker->link_count; i++)
		if (worker->readable[i])
			more = read_link(worker, &worker->links[i], messages_max) || more;
	return more;
}

/* One message of each who has some, then a second look, then all of those who still have some.
 * Most have one: to ask each for a second would be as many calls as the messages take. And who
 * was quick to send while the others were read is heard in this step.
 *
 * Before it waits it looks whether it has to. For whom it had to wait, and who came alone, has
 * only just sent: somebody may wait for the answer, and nobody for a second look. */
enum hf_code hf_worker_step(struct hf_worker *worker, int timeout_ms, struct hf_err *err)
{
	size_t readable;
	enum hf_code code = look(worker, 0, &readable, err);
	bool waits = readable == 0 && timeout_ms != 0;

	if (code == HF_OK && waits)
		code = look(worker, timeout_ms, &readable, err);
	if (code == HF_OK && read_links(worker, 1) && !worker->ops.one_by_one &&
	    !(waits && readable == 1)) {
		code = look(worker, 0, &readable, err);
		if (code == HF_OK)
			(void)read_links(worker, MESSAGES_PER_LINK_MAX);
	}
	if (code != HF_OK)
		return code;
	hf_pulse_beat(worker->pulse, hf_mono_now(hf_clock_real()));
	if (worker->control_gone)
		return hf_fail(err, HF_E_CLOSED, "the supervisor is gone");
	return HF_OK;
}

enum hf_code hf_worker_send(struct hf_worker *worker, enum hf_role role, uint32_t index,
			    enum hf_msg_type type, const void *body, size_t size_bytes,
			    struct hf_err *err)
{
	struct hf_link *link = hf_worker_link(worker, role, index);

	if (link == NULL)
		return hf_fail(err, HF_E_CLOSED, "no link to %s.%u", hf_role_name(role), index);
	HF_ASSERT(hf_msg_allowed(type, (enum hf_role)worker->hello.role));
	return hf_msg_send(link->fd, type, body, size_bytes, NULL, 0, err);
}

enum hf_code hf_worker_ready(struct hf_worker *worker, struct hf_err *err)
{
	return hf_worker_send(worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_READY, NULL, 0, err);
}

void hf_worker_stats(struct hf_worker *worker, const char *json_object)
{
	struct hf_err err;

	/* The next second brings new ones. */
	(void)!hf_worker_send(worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_STATS, json_object,
			      strlen(json_object), &err);
}

enum hf_code hf_worker_note(struct hf_worker *worker, const char *event_class,
			    const char *camera_name, const char *attrs_json, struct hf_err *err)
{
	return hf_worker_note_at(worker, NULL, event_class, camera_name, attrs_json, err);
}

enum hf_code hf_worker_note_at(struct hf_worker *worker, const struct hf_worker_moment *moment,
			       const char *event_class, const char *camera_name,
			       const char *attrs_json, struct hf_err *err)
{
	struct hf_note note = { 0 };

	if (moment != NULL) {
		note.captured_mono = moment->mono;
		note.captured_wall = moment->wall;
		note.layout = (uint32_t)moment->layout;
	}

	if (snprintf(note.event_class, sizeof note.event_class, "%s", event_class) < 0 ||
	    (size_t)snprintf(note.attrs, sizeof note.attrs, "%s", attrs_json) >= sizeof note.attrs)
		return hf_fail(err, HF_E_LIMIT, "note %s: attrs too long", event_class);
	(void)snprintf(note.camera_name, sizeof note.camera_name, "%s",
		       camera_name != NULL ? camera_name : "");
	return hf_worker_send(worker, HF_ROLE_SUPERVISOR, 0, HF_MSG_NOTE, &note, sizeof note, err);
}
