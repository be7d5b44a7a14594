/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sandbox_calls - the layer of the sandbox that judges system calls.
 *
 * Shape       Made of sandbox_tbl.h and, for calls whose arguments matter, of the
 *             rules in sandbox_calls.c. Holds for every thread, from now on.
 *
 * Errors      HF_E_INVALID: this kernel or container refuses filters; the text
 *             says why. Nothing holds then.
 */
#include "base/err.h"

/* Do the ends of the project's own tools need more (sanitizers)? Then more is allowed. */
const char *hf_sandbox_build(void); /* "", "sanitizers" or "coverage" */

/* traits: HF_SANDBOX_NETWORK and the others of sandbox.h. */
enum hf_code hf_sandbox_filter_calls(unsigned traits, struct hf_err *err) HF_MUST_CHECK;
