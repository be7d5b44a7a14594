/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * msg - one message over one SOCK_SEQPACKET socket.
 *
 * Shape       A header (magic, type, body size) and a body of at most
 *             HF_MSG_BODY_BYTES_MAX bytes; up to HF_MSG_FDS_MAX descriptors by
 *             SCM_RIGHTS. The kernel keeps message boundaries.
 *
 * Owners      Received descriptors belong to the struct hf_msg until taken with
 *             hf_msg_take_fd(); hf_msg_drop() closes the rest. A sender keeps
 *             its own.
 *
 * Errors      Getters are sticky: read everything, then ask hf_msg_end() once.
 *             It fails with HF_E_INVALID when the body was too short, too long,
 *             or a descriptor was missing. That condemns the peer, nobody else.
 *             hf_msg_send(): HF_E_AGAIN when the peer's queue is full (nothing
 *             was sent), HF_E_CLOSED when it is gone.
 *
 * Limits      SEQPACKET sockets take about 200 kB by default;
 *             hf_msg_pair() raises both buffers.
 */
#include "base/err.h"
#include "wire/proto.h"

enum {
	HF_MSG_BODY_BYTES_MAX = 128 * 1024,
	HF_MSG_FDS_MAX = 4,
};

struct hf_msg {
	enum hf_msg_type type;
	uint32_t size_bytes;
	uint32_t at;
	bool bad;
	unsigned fd_count;
	unsigned fd_next;
	int fds[HF_MSG_FDS_MAX];
	uint8_t *body; /* borrowed: the receive buffer, valid until the next receive */
};

/* A pair of connected sockets, close-on-exec, non-blocking. */
enum hf_code hf_msg_pair(int ret_fds[2], struct hf_err *err) HF_MUST_CHECK;

enum hf_code hf_msg_send(int fd, enum hf_msg_type type, const void *body, size_t size_bytes,
			 const int *fds, unsigned fd_count, struct hf_err *err) HF_MUST_CHECK;

/* buffer: HF_MSG_BODY_BYTES_MAX bytes of the caller's. HF_E_AGAIN: nothing there.
 * HF_E_CLOSED: the peer is gone. HF_E_INVALID: not a message of ours. */
enum hf_code hf_msg_receive(int fd, uint8_t *buffer, struct hf_msg *ret_msg,
			    struct hf_err *err) HF_MUST_CHECK;

/* Close the descriptors nobody took. */
void hf_msg_drop(struct hf_msg *msg);

uint32_t hf_msg_get_u32(struct hf_msg *msg);
/* Copy the next size_bytes bytes; zeroes when they are not there. */
void hf_msg_get(struct hf_msg *msg, void *ret_data, size_t size_bytes);
/* The rest of the body, borrowed. */
const uint8_t *hf_msg_get_rest(struct hf_msg *msg, size_t *ret_size_bytes);
/* -1 when there is none left. */
int hf_msg_take_fd(struct hf_msg *msg);
enum hf_code hf_msg_end(struct hf_msg *msg, struct hf_err *err) HF_MUST_CHECK;
