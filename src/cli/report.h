/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* report - what is wrong with a file of the operator's, for a script. */
#include "boot/report.h"

/* One JSON object on standard output: {kind: PATH, "ok", "errors", "warnings", "failure",
 * "messages": [{"line","column","level","text"}]}. failure: why it could not be read; NULL. The
 * program's exit code. */
int hf_cli_report_json(const struct hf_report *report, const char *kind, bool good,
		       const char *failure);
