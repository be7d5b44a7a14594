/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * verbs - what an operator may ask of a running unit, and want of it.
 *
 * Shape       why: one JSON object: the state, each active reason with its ladder,
 *             what was tried, what comes next and when, what would clear it; safe
 *             mode; what is held. A command: see struct hf_ctl_command.
 *
 * Errors      HF_E_INVALID: not a command, whoever sent it is not a client of
 *             ours. What cannot be granted is no error but *ret_refused.
 */
#include "proc/supervisor/supervisor.h"

enum hf_code verbs_why(const struct supervisor *supervisor, char *text, size_t size_bytes_max,
		       struct hf_err *err) HF_MUST_CHECK;

/* ret_refused: a literal, why not; NULL: it is done. */
enum hf_code verbs_command(struct supervisor *supervisor, const struct hf_ctl_command *wanted,
			   int64_t uid, const char **ret_refused, struct hf_err *err) HF_MUST_CHECK;
