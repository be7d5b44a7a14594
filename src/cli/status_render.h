/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * status_render - the unit's status JSON as a page for people.
 *
 * Shape       Each part of the page stands only when what it shows is there:
 *             workers that have not reported yet, and units of another build,
 *             leave parts out. A value that is missing or null is "-". Texts
 *             are stripped of control characters: they come from other
 *             processes, and from the network before that.
 *
 * Errors      HF_E_INVALID: the text is not a JSON object.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

enum hf_code hf_status_render(const char *json_text, bool colour, FILE *stream,
			      struct hf_err *err) HF_MUST_CHECK;
