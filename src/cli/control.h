/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * control - ask the unit that runs on a data folder.
 *
 * Shape       One question and one answer over RUN/control: see CTL_STATUS,
 *             CTL_REPLAY and CTL_ANSWER in wire/proto_tbl.h.
 *
 * Errors      HF_E_NOENT: nobody listens, the unit does not run. HF_E_DENIED:
 *             the socket is not for this user. HF_E_AGAIN: no answer in time.
 *             HF_E_CLOSED: the unit ended before it answered. HF_E_INVALID: the
 *             answer is not one, as of another build.
 */
#include "base/err.h"
#include "wire/msg.h"

struct hf_question {
	enum hf_msg_type type;
	const void *body; /* NULL: none */
	size_t size_bytes;
};

/* ret_text: the JSON, NUL-terminated, the caller's to free. */
enum hf_code hf_control_ask(const char *run_path, const struct hf_question *question,
			    int timeout_ms, uint32_t *ret_exit_code, char **ret_text,
			    struct hf_err *err) HF_MUST_CHECK;
