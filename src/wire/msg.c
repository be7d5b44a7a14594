/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/msg.h"

#include "base/assert.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MSG_MAGIC = 0x48464d31, /* "HFM1" */
	SOCKET_BUFFER_BYTES = 1024 * 1024,
};

struct msg_header {
	uint32_t magic;
	uint32_t type;
	uint32_t size_bytes;
};

union control_buffer {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * HF_MSG_FDS_MAX)];
};

enum hf_code hf_msg_pair(int ret_fds[2], struct hf_err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) != 0)
		return hf_fail_errno(err, "make a socket pair");
	for (int i = 0; i < 2; i++) {
		int size = SOCKET_BUFFER_BYTES;

		/* More room is welcome, not required: without the privilege the kernel
		 * gives what it allows, and a full queue is an answer callers handle. */
		if (setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
			(void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	}
	return HF_OK;
}

enum hf_code hf_msg_send(int fd, enum hf_msg_type type, const void *body, size_t size_bytes,
			 const int *fds, unsigned fd_count, struct hf_err *err)
{
	HF_ASSERT(size_bytes <= HF_MSG_BODY_BYTES_MAX && fd_count <= HF_MSG_FDS_MAX);
	struct msg_header header = { .magic = MSG_MAGIC,
				     .type = (uint32_t)type,
				     .size_bytes = (uint32_t)size_bytes };
	struct iovec parts[2] = {
		{ .iov_base = &header, .iov_len = sizeof header },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = size_bytes },
	};
	union control_buffer control;
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = size_bytes > 0 ? 2 : 1 };

	if (fd_count > 0) {
		memset(&control, 0, sizeof control);
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
	}
	for (;;) {
		if (sendmsg(fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return HF_OK;
		if (errno != EINTR)
			return hf_fail_errno(err, "send %s", hf_msg_name(type));
	}
}

/* Keep at most HF_MSG_FDS_MAX of what came, close the others. */
static void collect_fds(struct msghdr *packet, struct hf_msg *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c != NULL; c = CMSG_NXTHDR(packet, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
			if (msg->fd_count < HF_MSG_FDS_MAX)
				msg->fds[msg->fd_count++] = fd;
			else
				(void)close(fd);
		}
	}
}

/* An empty packet reads like the end of the link, and is not: its sender lives, and may have
 * put descriptors into it. */
static bool has_ended(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLRDHUP };

	return poll(&look, 1, 0) == 1 && (look.revents & (POLLHUP | POLLRDHUP)) != 0;
}

enum hf_code hf_msg_receive(int fd, uint8_t *buffer, struct hf_msg *ret_msg, struct hf_err *err)
{
	struct msg_header header;
	struct iovec parts[2] = {
		{ .iov_base = &header, .iov_len = sizeof header },
		{ .iov_base = buffer, .iov_len = HF_MSG_BODY_BYTES_MAX },
	};
	union control_buffer control;
	struct msghdr packet = { .msg_iov = parts,
				 .msg_iovlen = 2,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes };
	ssize_t n;

	/* A peer that died with something unread is told once, as ECONNRESET, ahead of what it
	 * had still sent. Its last words come first here, then the end. */
	do {
		n = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return hf_fail_errno(err, "receive");
	*ret_msg = (struct hf_msg){ .body = buffer };
	collect_fds(&packet, ret_msg);
	if (n == 0 && has_ended(fd)) {
		hf_msg_drop(ret_msg);
		return hf_fail(err, HF_E_CLOSED, "the peer is gone");
	}
	if ((packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || (size_t)n < sizeof header ||
	    header.magic != MSG_MAGIC || header.type >= HF_MSG_COUNT ||
	    header.size_bytes != (size_t)n - sizeof header) {
		hf_msg_drop(ret_msg);
		return hf_fail(err, HF_E_INVALID, "%zd bytes that are not a message of ours", n);
	}
	ret_msg->type = (enum hf_msg_type)header.type;
	ret_msg->size_bytes = header.size_bytes;
	return HF_OK;
}

void hf_msg_drop(struct hf_msg *msg)
{
	while (msg->fd_next < msg->fd_count)
		(void)close(msg->fds[msg->fd_next++]);
}

void hf_msg_get(struct hf_msg *msg, void *ret_data, size_t size_bytes)
{
	if (msg->bad || size_bytes > msg->size_bytes - msg->at) {
		msg->bad = true;
		memset(ret_data, 0, size_bytes);
		return;
	}
	memcpy(ret_data, msg->body + msg->at, size_bytes);
	msg->at += (uint32_t)size_bytes;
}

uint32_t hf_msg_get_u32(struct hf_msg *msg)
{
	uint32_t value;

	hf_msg_get(msg, &value, sizeof value);
	return value;
}

const uint8_t *hf_msg_get_rest(struct hf_msg *msg, size_t *ret_size_bytes)
{
	const uint8_t *rest = msg->body + msg->at;

	*ret_size_bytes = msg->bad ? 0 : msg->size_bytes - msg->at;
	msg->at = msg->size_bytes;
	return rest;
}

int hf_msg_take_fd(struct hf_msg *msg)
{
	if (msg->fd_next >= msg->fd_count) {
		msg->bad = true;
		return -1;
	}
	return msg->fds[msg->fd_next++];
}

enum hf_code hf_msg_end(struct hf_msg *msg, struct hf_err *err)
{
	bool whole = !msg->bad && msg->at == msg->size_bytes;

	hf_msg_drop(msg);
	if (!whole)
		return hf_fail(err, HF_E_INVALID, "message %s: %u bytes do not fit its contract",
			       hf_msg_name(msg->type), msg->size_bytes);
	return HF_OK;
}
