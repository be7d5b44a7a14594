/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ask - the verbs that ask a running unit: which one, what went wrong, what to do.
 *
 * Shape       The unit is found by --data or --run of the verb, which every such
 *             verb takes.
 */
#include "base/err.h"
#include "cli/command.h"
#include "cli/control.h"

#include <limits.h>

enum {
	HF_ASK_TIMEOUT_MS = 5000,
};

struct hf_ask {
	const char *data;
	char run[PATH_MAX];
	bool json;
};

/* HF_EXIT_OK, or the exit code after it was explained. */
int hf_ask_open(const struct hf_words *words, const char *verb, struct hf_ask *ret_ask);

/* What went wrong, and what to do; the exit code. */
int hf_ask_explain(const struct hf_ask *ask, enum hf_code code, const struct hf_err *err);

/* Ask. HF_EXIT_OK: there is an answer in ret_text, the caller's to free, and the unit's own exit
 * code; otherwise the exit code after it was explained. */
int hf_ask(const struct hf_ask *ask, const struct hf_question *question, uint32_t *ret_exit_code,
	   char **ret_text);

/* An operator's wish; says what came of it. The exit code. */
int hf_ask_command(const struct hf_ask *ask, const struct hf_ctl_command *command);

/* "90s", "30m", "1h", "2d"; false: it is none, or longer than HF_OPERATOR_FOR_MS_MAX. "0": 0. */
bool hf_ask_duration(const char *text, int64_t *ret_ms);
