/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * worker - what every process under the supervisor does the same way: say hello,
 * map the configuration, hold its links, beat, and end when the supervisor ends.
 *
 * Shape       Descriptor 3 is the control link. The supervisor sends HELLO (with
 *             configuration and pulse), maybe RESTORE, one PLUG a peer, START.
 *             A PLUG for a peer that is already there replaces that link. Both
 *             may come at any time later too: a peer was restarted.
 *
 * Owners      One struct hf_worker a process, single-threaded. Links belong to
 *             it; a callback may keep the pointer until on_gone or on_plug for
 *             the same peer.
 *
 * Errors      hf_worker_step() answers HF_E_CLOSED when the supervisor is gone or
 *             has told this process to end: finish the commit in hand and exit
 *             within a second. Last words to the supervisor can still be sent; if
 *             it is gone they fail with HF_E_CLOSED. A callback
 *             that returns an error for a message condemns that peer: the link
 *             is closed, on_gone is called, and the supervisor, which is told,
 *             replaces the peer.
 *
 * Limits      HF_WORKER_LINKS_MAX peers. A step beats the pulse; call it at
 *             least every 500 ms or announce hf_pulse_busy() first.
 */
#include "shape/config.h"
#include "wire/msg.h"
#include "wire/pulse.h"

#include <poll.h>

enum {
	HF_WORKER_CONTROL_FD = 3,
	HF_WORKER_LINKS_MAX = 1 + HF_SOURCES_MAX + HF_INFER_WORKERS_MAX + 4,
};

struct hf_link {
	enum hf_role role;
	uint32_t index;
	int fd; /* -1: gone */
};

struct hf_worker;

struct hf_worker_ops {
	void *context;
	/* Each may be NULL. ring_fd (or -1) is the callee's to close. */
	enum hf_code (*on_restore)(void *context, const uint8_t *data, size_t size_bytes,
				   struct hf_err *err);
	enum hf_code (*on_plug)(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
				struct hf_err *err);
	enum hf_code (*on_start)(void *context, struct hf_err *err);
	/* Any message that is not handled by the worker itself. */
	enum hf_code (*on_message)(void *context, struct hf_link *link, struct hf_msg *msg,
				   struct hf_err *err);
	void (*on_gone)(void *context, struct hf_link *link);
	/* Each message of a peer is long work: one of each peer in turn, so that a peer that always
	 * has another does not keep the others waiting. */
	bool one_by_one;
};

/* Opens the log, takes HELLO from descriptor 3 (waits at most 5 s), dies with its parent; actuate does
 * not: it switches off first, and ends when a step says HF_E_CLOSED. */
enum hf_code hf_worker_open(enum hf_role role, const struct hf_worker_ops *ops,
			    struct hf_worker **ret_worker, struct hf_err *err) HF_MUST_CHECK;
void hf_worker_close(struct hf_worker *worker); /* NULL is fine */

const struct hf_config *hf_worker_config(const struct hf_worker *worker);
const struct hf_hello *hf_worker_hello(const struct hf_worker *worker);
struct hf_pulse *hf_worker_pulse(struct hf_worker *worker);
/* The state the supervisor told last. */
enum hf_state hf_worker_state(const struct hf_worker *worker);
/* How the unit works, as the supervisor told last; before that everything as it should. The
 * pointer stays valid, what it points to changes with hf_worker_step(). */
const struct hf_unit *hf_worker_unit(const struct hf_worker *worker);
/* START has come. */
bool hf_worker_started(const struct hf_worker *worker);
/* The link to a peer, NULL when there is none at the moment. */
struct hf_link *hf_worker_link(struct hf_worker *worker, enum hf_role role, uint32_t index);

/* Handle all messages that are there; when there are none, wait at most timeout_ms and handle what
 * comes, at least the first. Beat. */
enum hf_code hf_worker_step(struct hf_worker *worker, int timeout_ms,
			    struct hf_err *err) HF_MUST_CHECK;
/* What a step waits for. A process that waits for other descriptors too polls them all, and then
 * steps with timeout 0. */
size_t hf_worker_pollfds(const struct hf_worker *worker, struct pollfd *ret_fds, size_t fds_max);

/* HF_E_AGAIN: the peer's queue is full, nothing was sent. HF_E_CLOSED: no such link now. */
enum hf_code hf_worker_send(struct hf_worker *worker, enum hf_role role, uint32_t index,
			    enum hf_msg_type type, const void *body, size_t size_bytes,
			    struct hf_err *err) HF_MUST_CHECK;

/* To the supervisor. Stats: one JSON object, at most 8 KiB; lost when its queue is full. */
enum hf_code hf_worker_ready(struct hf_worker *worker, struct hf_err *err) HF_MUST_CHECK;
void hf_worker_stats(struct hf_worker *worker, const char *json_object);
/* Something that must become an event of the unit (class, camera or NULL, attrs JSON object). */
enum hf_code hf_worker_note(struct hf_worker *worker, const char *event_class,
			    const char *camera_name, const char *attrs_json,
			    struct hf_err *err) HF_MUST_CHECK;
/* The same of something that was seen at a time of its own; moment NULL: now. */
struct hf_worker_moment {
	struct hf_mono mono;
	struct hf_wall wall;
	enum hf_layout layout;
};
enum hf_code hf_worker_note_at(struct hf_worker *worker, const struct hf_worker_moment *moment,
			       const char *event_class, const char *camera_name,
			       const char *attrs_json, struct hf_err *err) HF_MUST_CHECK;
