/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file. What is accepted passes the check of the processes that get it, and what
 * `config show` makes of it is accepted, and means the same. */
#include "fuzz.h"

#include "boot/config.h"

#include <stdio.h>

static struct hf_config config, again;
static struct hf_config_report report;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const char path[] = "/nowhere/holdfast.yaml";
	HF_AUTO_FREE char *text = fuzz_text(data, size_bytes);
	HF_AUTO_FREE char *shown = NULL;
	size_t shown_bytes = 0;
	struct hf_err err = { 0 };

	if (hf_config_parse(path, text, size_bytes, &config, &report, &err) != HF_OK) {
		FUZZ_MUST(err.text[0] != '\0');
		return 0;
	}
	FUZZ_MUST(hf_config_check(&config, &err) == HF_OK);
	FILE *stream = open_memstream(&shown, &shown_bytes);
	FUZZ_MUST(stream != NULL);
	hf_config_show(&config, &report, stream);
	FUZZ_MUST(fclose(stream) == 0);
	/* Passwords are hidden there: what has one does not come back as it was. */
	if (strstr(shown, "***") != NULL)
		return 0;
	FUZZ_MUST(hf_config_parse(path, shown, shown_bytes, &again, &report, &err) == HF_OK);
	FUZZ_MUST(again.source_count == config.source_count);
	FUZZ_MUST(again.camera_count == config.camera_count);
	FUZZ_MUST(again.zone_count == config.zone_count);
	FUZZ_MUST(strcmp(again.device_id, config.device_id) == 0);
	FUZZ_MUST(strcmp(again.hub_url, config.hub_url) == 0);
	FUZZ_MUST(again.heartbeat_timeout_ms == config.heartbeat_timeout_ms);
	return 0;
}
