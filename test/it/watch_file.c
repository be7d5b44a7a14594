/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch-file FILE FRAMES - looks at a file as ingest does, in the sandbox of ingest, without a
 * unit around it. For hostile_media_test.mjs, which has hundreds of files to show.
 *
 * Output   one JSON object: what opened, how many frames came, how it ended, how large the
 *          process became. Exit code 0 when a frame came, 1 when none did.
 */
#include "base/auto.h"
#include "base/json.h"
#include "base/log.h"
#include "ingest/source.h"
#include "proc/common/sandbox.h"

#include <stdlib.h>
#include <sys/resource.h>

enum {
	STEPS_PER_FRAME_MAX = 2000, /* packets of other streams, broken ones */
};

static struct hf_config config;
static struct hf_sandbox sandbox;

static uint64_t watch(unsigned long frames_max, struct hf_err *err)
{
	const struct hf_source_options options = { .config = &config.sources[0],
						   .clock = hf_clock_real(),
						   .lockstep = true };
	struct hf_source *source = NULL;
	struct hf_frame frame;
	uint64_t frames = 0;

	enum hf_code code = hf_source_open(&options, &source, err);
	for (unsigned long step = 0; step < frames_max * STEPS_PER_FRAME_MAX; step++) {
		if (code != HF_OK && code != HF_E_AGAIN)
			break;
		code = hf_source_step(source, &frame, err);
		frames += code == HF_OK;
		if (frames == frames_max)
			break;
	}
	if (code == HF_OK)
		*err = (struct hf_err){ 0 };
	hf_source_close(source);
	return frames;
}

int main(int argc, char **argv)
{
	struct hf_hello hello = { .role = HF_ROLE_INGEST };
	struct hf_err err = { 0 };
	struct rusage used;
	char text[2048];

	if (argc != 3)
		return 2;
	hf_config_defaults(&config);
	config.source_count = 1;
	(void)snprintf(config.sources[0].url, sizeof config.sources[0].url, "%s", argv[1]);
	hf_log_open("watch-file");
	hf_sandbox_worker(&hello, &config, &sandbox);
	uint64_t frames = watch(strtoul(argv[2], NULL, 10), &err);

	(void)getrusage(RUSAGE_SELF, &used);
	struct hf_json json = hf_json_begin(text, sizeof text);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "frames", frames);
	hf_json_put_text(&json, "code", hf_code_name(err.code));
	hf_json_put_text(&json, "why", err.text);
	hf_json_put_u64(&json, "landlock", sandbox.landlock);
	hf_json_put_u64(&json, "resident_kib", (uint64_t)used.ru_maxrss);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK)
		return 2;
	(void)puts(text);
	return frames > 0 ? 0 : 1;
}
