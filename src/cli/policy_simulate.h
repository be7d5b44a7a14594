/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* policy_simulate - what a policy would have decided on a recorded trace. */
#include "shape/policy.h"

/* Decisions to standard output; with against: those that the two do not share. The exit code. */
int hf_policy_simulate(const char *path, const struct hf_policy *policy,
		       const struct hf_policy *against, bool as_json);
