/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * trace - what the policy was told and what it said, step by step, as text.
 *
 * Shape       NDJSON, a line a step. A *full* line names every reading, the others
 *             those that differ from the line before; so a trace can be read from
 *             any full line on.
 *               {"full":true,"t":81200,"boot":3,"run":7,"uptime":991000,
 *                "asleep":0,"volatile":false,"workers":6,"sources":1,"cameras":4,
 *                "s":[["worker.down",3,1],["infer.p99",0,null,5200]],
 *                "outcomes":[["done","restart_worker",2,3]],
 *                "command":["hold","reboot",null,60000],
 *                "state":"recovering",
 *                "changes":[["action_chosen","restart_worker","worker_failed",3,"",50]]}
 *             A reading: signal, which one, value; unknown: null and for how long
 *             in ms. outcomes, command and changes only where there are some.
 *             An outcome names its reason by its number in the policy: results
 *             of one policy mean nothing to another.
 *
 * Numbers     t, uptime, asleep in ms, as in recover/machine.h.
 *
 * Limits      HF_TRACE_LINE_BYTES: a line that would be longer is HF_E_LIMIT.
 */
#include "recover/machine.h"

enum {
	HF_TRACE_LINE_BYTES = 64 * 1024,
};

/* last: the input of the line before; NULL: a full line. Ends with a newline. */
enum hf_code hf_trace_line(const struct hf_policy *policy, const struct hf_policy_input *input,
			   const struct hf_policy_input *last, const struct hf_policy_output *out,
			   char ret_line[HF_TRACE_LINE_BYTES], size_t *ret_bytes,
			   struct hf_err *err) HF_MUST_CHECK;

/* Is any reading another one? */
bool hf_trace_differs(const struct hf_policy_input *input, const struct hf_policy_input *last);

const char *hf_result_name(enum hf_outcome_result result);
const char *hf_command_name(enum hf_command_kind kind);
