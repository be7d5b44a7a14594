/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hired - a worker of the unit that a command starts for itself, without a daemon.
 *
 * Shape       Start, link and speak with it as proc/common/spawn.h says: child is
 *             an ordinary struct hf_child. Its log goes to a memory file of its
 *             own, and only warnings and worse are written, so that the last line
 *             says why it ended. With HOLDFAST_LOG set, logs go to our standard
 *             error instead.
 *
 * Owners      hf_hired_close() ends the worker. It also ends with this process.
 *
 * Errors      hf_hired_died() makes one sentence of how it ended: the reason it
 *             told the unit, else its last words.
 */
#include "proc/common/spawn.h"

struct hf_hired {
	struct hf_child child;
	int log_fd;                      /* -1: it logs where we do */
	char why[HF_ERR_TEXT_BYTES_MAX]; /* what it told the unit as its reason */
	struct hf_mono started;
};

#define HF_HIRED_NONE ((struct hf_hired){ .child = HF_CHILD_NONE, .log_fd = -1 })

/* Where things are: bin/holdfast lies beside libexec/holdfast and share/holdfast, wherever the
 * tree was put; HOLDFAST_LIBEXEC and HOLDFAST_SHARE name them otherwise. */
struct hf_hired_tree {
	char libexec[HF_PATH_BYTES];
	char share[HF_PATH_BYTES];
};
enum hf_code hf_hired_find_tree(struct hf_hired_tree *ret_tree, struct hf_err *err) HF_MUST_CHECK;

/* Start hello->role with this configuration. */
enum hf_code hf_hired_start(const struct hf_hired_tree *tree, const struct hf_hello *hello,
			    const struct hf_config *config, struct hf_hired *ret_hired,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_hired_close(struct hf_hired *hired); /* HF_HIRED_NONE is fine; leaves it */

/* A NOTE it sent: the reason of a failure stands in its "error". Takes the message's body. */
enum hf_code hf_hired_on_note(struct hf_hired *hired, struct hf_msg *msg, struct hf_note *ret_note,
			      struct hf_err *err) HF_MUST_CHECK;

/* All that is there on fd, one of the links to it. The end of a link is HF_OK: how the worker ended
 * is seen on its pidfd. A message that it may not send is an error. The reason in a NOTE is kept.
 * buffer: HF_MSG_BODY_BYTES_MAX bytes. */
typedef enum hf_code hf_hired_on_message(void *context, struct hf_msg *msg, struct hf_err *err);
enum hf_code hf_hired_drain(struct hf_hired *hired, int fd, uint8_t *buffer,
			    hf_hired_on_message *on_message, void *context,
			    struct hf_err *err) HF_MUST_CHECK;

/* Writes err and returns its code. */
enum hf_code hf_hired_died(const struct hf_hired *hired, const struct hf_exit *end,
			   struct hf_err *err);

/* HF_E_IO: it neither beats nor has said that it would be busy. */
enum hf_code hf_hired_check_alive(const struct hf_hired *hired, struct hf_err *err) HF_MUST_CHECK;
