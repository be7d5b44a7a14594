/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include "base/auto.h"
#include "base/json.h"
#include "cli/cli.h"

#include <stdlib.h>

enum {
	JSON_BYTES = 64 * 1024,
};

int hf_cli_report_json(const struct hf_report *report, const char *kind, bool good,
		       const char *failure)
{
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);
	struct hf_err err;

	if (text == NULL)
		return HF_EXIT_FAILED;
	struct hf_json json = hf_json_begin(text, JSON_BYTES);
	hf_json_object_open(&json);
	hf_json_put_text(&json, kind, report->path);
	hf_json_put_bool(&json, "ok", good);
	hf_json_put_u64(&json, "errors", report->errors);
	hf_json_put_u64(&json, "warnings", report->warnings);
	hf_json_put_text(&json, "failure", failure);
	hf_json_key(&json, "messages");
	hf_json_array_open(&json);
	for (uint32_t i = 0; i < report->message_count; i++) {
		const struct hf_message *message = &report->messages[i];

		hf_json_object_open(&json);
		hf_json_put_u64(&json, "line", message->place.line);
		hf_json_put_u64(&json, "column", message->place.column);
		hf_json_put_text(&json, "level", message->warning ? "warning" : "error");
		hf_json_put_text(&json, "text", message->text);
		hf_json_object_close(&json);
	}
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		return HF_EXIT_FAILED;
	}
	(void)puts(text);
	return good ? HF_EXIT_OK : HF_EXIT_FAILED;
}
