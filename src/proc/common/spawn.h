/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * spawn - start a worker, hand it what it needs, link it to its peers, see it off.
 *
 * Shape       What the supervisor does for its workers, and `holdfast detect` for
 *             the two it borrows. A child starts with four descriptors: /dev/null,
 *             standard error twice (standard output belongs to the parent's data)
 *             and its control link as 3; with default signals, nothing blocked, in
 *             the parent's environment and folder. It asks for its own death when
 *             the parent dies.
 *
 *             Order: hf_spawn_worker() sends HELLO; then maybe RESTORE by
 *             hf_msg_send() on control_fd; hf_spawn_link() once for each peer;
 *             hf_spawn_start().
 *
 * Owners      struct hf_child owns its descriptors and the pulse mapping; the
 *             caller reads them freely. hf_child_close() gives them back and, if
 *             the child was not reaped, kills and reaps it: no zombie, no stray.
 *             It waits for that: hf_child_abandon() does not.
 *             Descriptors that are passed in stay the caller's.
 *
 * Errors      A program that cannot be executed is an error of hf_spawn_worker().
 *             HF_E_AGAIN from the functions that send: that child's queue is full,
 *             it does not read (a stuck child, not a broken one). HF_E_CLOSED: it
 *             is gone.
 */
#include "shape/config.h"
#include "wire/msg.h"
#include "wire/pulse.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct hf_child {
	enum hf_role role;
	uint32_t index;
	pid_t pid;      /* 0: none, or reaped */
	int pidfd;      /* readable once it has ended; -1 */
	int control_fd; /* our end; non-blocking; -1 */
	struct hf_pulse *pulse;
};

#define HF_CHILD_NONE ((struct hf_child){ .pidfd = -1, .control_fd = -1 })

/* How a child ended. */
struct hf_exit {
	int status; /* exit status; -1 when a signal ended it */
	int signal; /* 0 when it exited */
};

struct hf_spawn {
	const char *path; /* of the executable */
	const struct hf_hello *hello;
	int config_fd; /* from hf_spawn_config() */
	int stderr_fd; /* where the child's log goes; -1: where ours goes */
};

/* A sealed memfd that holds config, which must pass hf_config_check(). ret_fd is the caller's. */
enum hf_code hf_spawn_config(const struct hf_config *config, int *ret_fd,
			     struct hf_err *err) HF_MUST_CHECK;

/* Start a worker and send it HELLO. */
enum hf_code hf_spawn_worker(const struct hf_spawn *spawn, struct hf_child *ret_child,
			     struct hf_err *err) HF_MUST_CHECK;

/* One end of a link to a child; the peer is role.index. ring_fd: -1 where ring_id is 0. */
enum hf_code hf_spawn_plug(const struct hf_child *child, enum hf_role role, uint32_t index,
			   uint64_t ring_id, int ring_fd, int link_fd,
			   struct hf_err *err) HF_MUST_CHECK;

/* A fresh link between two children; ring_fd (with ring_id != 0, else -1) goes to both. */
enum hf_code hf_spawn_link(const struct hf_child *a, const struct hf_child *b, uint64_t ring_id,
			   int ring_fd, struct hf_err *err) HF_MUST_CHECK;

/* A fresh link whose other end stays here; the child takes us for role.index. */
enum hf_code hf_spawn_link_here(const struct hf_child *child, enum hf_role role, uint32_t index,
				uint64_t ring_id, int ring_fd, int *ret_fd,
				struct hf_err *err) HF_MUST_CHECK;

enum hf_code hf_spawn_start(const struct hf_child *child, struct hf_err *err) HF_MUST_CHECK;

/* SIGKILL; nothing when it has ended. */
void hf_child_kill(const struct hf_child *child);

/* Tell it to finish and exit: it reads the end of its control link. What it still says can be
 * received. Nothing can be sent to it afterwards (HF_E_CLOSED). */
void hf_child_hang_up(const struct hf_child *child);

/* How it ended, once; HF_E_AGAIN while it lives. Afterwards pid is 0. */
enum hf_code hf_child_reap(struct hf_child *child, struct hf_exit *ret_exit,
			   struct hf_err *err) HF_MUST_CHECK;

/* "exit 1", "killed by signal 9 (KILL)": for a log line. */
void hf_exit_text(const struct hf_exit *exit, size_t size_bytes, char *ret_text);

/* NULL and HF_CHILD_NONE are fine. Leaves HF_CHILD_NONE. */
void hf_child_close(struct hf_child *child);

/* The same without waiting for its end: for one that SIGKILL does not end. */
void hf_child_abandon(struct hf_child *child);

/* The folder above bin/, in which this program lies: libexec/ and share/ stand beside bin/,
 * wherever the tree was put. */
enum hf_code hf_spawn_tree(char ret_path[PATH_MAX], struct hf_err *err) HF_MUST_CHECK;
