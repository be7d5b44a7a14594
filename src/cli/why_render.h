/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * why_render - the answer to "why" as a page for people: each reason, what was tried, what comes
 * next and when, what would clear it.
 *
 * Shape       As the unit answers CTL_WHY (proc/supervisor/verbs.h). Parts that are
 *             not there are left out; texts are stripped of control characters.
 *
 * Errors      HF_E_INVALID: the text is not a JSON object.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

enum hf_code hf_why_render(const char *json_text, bool colour, FILE *stream,
			   struct hf_err *err) HF_MUST_CHECK;
