/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/control.h"

#include "base/auto.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static enum hf_code connect_to(const char *run_path, int *ret_fd, struct hf_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s/control", run_path) >=
	    sizeof address.sun_path)
		return hf_fail(err, HF_E_LIMIT, "%s/control is longer than a socket's path may be",
			       run_path);
	HF_AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return hf_fail_errno(err, "make a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
		*ret_fd = HF_TAKE_FD(fd);
		return HF_OK;
	}
	/* A socket nobody listens at was left by a unit that was killed. */
	if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
		return hf_fail(err, HF_E_NOENT, "no unit runs on %s", run_path);
	return hf_fail_errno(err, "connect to %s", address.sun_path);
}

static enum hf_code receive_by(int fd, struct hf_mono deadline, uint8_t *buffer,
			       struct hf_msg *ret_msg, struct hf_err *err)
{
	for (;;) {
		enum hf_code code = hf_msg_receive(fd, buffer, ret_msg, err);
		if (code != HF_E_AGAIN)
			return code;
		int64_t left_us = hf_mono_diff_us(deadline, hf_mono_now(hf_clock_real()));
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (left_us <= 0)
			return hf_fail(err, HF_E_AGAIN, "the unit runs and does not answer");
		if (poll(&wait, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
			return hf_fail_errno(err, "wait for the answer");
	}
}

enum hf_code hf_control_ask(const char *run_path, const struct hf_question *question,
			    int timeout_ms, uint32_t *ret_exit_code, char **ret_text,
			    struct hf_err *err)
{
	const struct hf_mono deadline = hf_mono_add_ms(hf_mono_now(hf_clock_real()), timeout_ms);
	HF_AUTO_FD fd = -1;
	struct hf_msg msg;
	size_t size_bytes;

	enum hf_code code = connect_to(run_path, &fd, err);
	if (code != HF_OK)
		return code;
	code = hf_msg_send(fd, question->type, question->body, question->size_bytes, NULL, 0, err);
	if (code != HF_OK)
		return code;
	HF_AUTO_FREE uint8_t *buffer = malloc(HF_MSG_BODY_BYTES_MAX);
	if (buffer == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	code = receive_by(fd, deadline, buffer, &msg, err);
	if (code != HF_OK)
		return code;
	uint32_t exit_code = hf_msg_get_u32(&msg);
	const char *rest = (const char *)hf_msg_get_rest(&msg, &size_bytes);
	bool is_answer = msg.type == HF_MSG_CTL_ANSWER;
	code = hf_msg_end(&msg, err);
	if (code != HF_OK)
		return code;
	if (!is_answer)
		return hf_fail(err, HF_E_INVALID, "the unit answered with %s, not an answer",
			       hf_msg_name(msg.type));
	HF_AUTO_FREE char *text = strndup(rest, size_bytes);
	if (text == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	*ret_exit_code = exit_code;
	*ret_text = HF_TAKE(text);
	return HF_OK;
}
