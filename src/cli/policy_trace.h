/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy_trace - what a unit's policy was told, read back line by line.
 *
 * Shape       NDJSON as recover/trace.h describes it. Lines before the first full one
 *             are passed over. What a line does not name stays as it was; what is
 *             unknown grows older by itself. Roles of workers are in "roles", or follow
 *             from the order in which a supervisor has its children.
 *             Outcomes are not taken: they belong to the policy that was in force.
 *
 * Errors      HF_E_INVALID with the number of the line and what is wrong with it.
 *
 * Limits      HF_TRACE_LINE_BYTES a line; time does not go back.
 */
#include "recover/machine.h"

#include <stdio.h>

struct hf_policy_trace {
	struct hf_policy_input input;   /* of the last line */
	char ack[HF_POLICY_NAME_BYTES]; /* the reason of its command; empty: all */
	uint32_t line;
	uint32_t skipped; /* before the first full one */
	bool begun;
};

/* One line without its newline. ret_taken: false when it was passed over. */
enum hf_code hf_policy_trace_line(struct hf_policy_trace *trace, const char *text,
				  size_t size_bytes, bool *ret_taken,
				  struct hf_err *err) HF_MUST_CHECK;
