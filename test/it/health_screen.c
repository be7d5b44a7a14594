/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health-screen - what health makes of a recorded screen, as NDJSON on stdout.
 *
 * Usage    health-screen FILE TILES [MS]   TILES cameras, a frame every MS (0: all)
 * Output   {"t":s,"news":"raised","fault":"frozen","tile":6,"since_s":x} for each event,
 *          {"t":s,"blind":[6,8]} whenever the blind tiles are others than before, and at
 *          the end {"end":s,"frames":n,"floors":[x,...]}. Times are the clip's.
 */
#include "ingest/source.h"
#include "ingest/view.h"

#include <stdio.h>
#include <stdlib.h>

static double seconds(struct hf_mono mono)
{
	return (double)(mono.us - HF_SOURCE_LOCKSTEP_START_US) / 1e6;
}

static void print_blind(uint32_t mask, struct hf_mono now)
{
	const char *comma = "";

	printf("{\"t\":%.1f,\"blind\":[", seconds(now));
	for (int i = 0; i < HF_TILES_MAX; i++)
		if ((mask >> i & 1) != 0) {
			printf("%s%d", comma, i + 1);
			comma = ",";
		}
	printf("]}\n");
}

static void print_event(const struct hf_health_event *event)
{
	static const char *const names[] = { [HF_HEALTH_RAISED] = "raised",
					     [HF_HEALTH_CLEARED] = "cleared",
					     [HF_HEALTH_REMINDER] = "reminder" };

	printf("{\"t\":%.1f,\"news\":\"%s\",\"fault\":\"%s\",\"tile\":%u,\"since_s\":%.1f}\n",
	       seconds(event->captured_mono), names[event->news],
	       hf_health_fault_name(event->fault), event->tile + 1, (double)event->since_ms / 1000);
}

static enum hf_code watch(struct hf_source *source, struct hf_view *view, struct hf_health *health,
			  struct hf_frame *frame, struct hf_err *err)
{
	struct hf_view_reading reading;
	struct hf_health_event event;
	uint32_t blind = 0;

	for (;;) {
		enum hf_code code = hf_source_step(source, frame, err);

		if (code == HF_E_AGAIN)
			continue;
		if (code == HF_OK)
			code = hf_view_step(view, frame, &reading, err);
		if (code != HF_OK)
			return code == HF_E_CLOSED ? HF_OK : code;
		if (reading.blind_mask != blind)
			print_blind(reading.blind_mask, frame->captured_mono);
		blind = reading.blind_mask;
		while (hf_health_next(health, &event))
			print_event(&event);
	}
}

int main(int argc, char **argv)
{
	static struct hf_config config;
	struct hf_source *source = NULL;
	struct hf_view *view = NULL;
	struct hf_health *health = NULL;
	struct hf_frame frame = { 0 };
	struct hf_err err;

	if (argc < 3)
		return 64;
	hf_config_defaults(&config);
	config.source_count = 1;
	(void)snprintf(config.sources[0].url, sizeof config.sources[0].url, "%s", argv[1]);
	config.sources[0].fps = argc > 3 && atoi(argv[3]) > 0 ? 1000.0 / atoi(argv[3]) : 0;
	config.camera_count = (uint32_t)atoi(argv[2]);
	for (uint32_t i = 0; i < config.camera_count && i < HF_TILES_MAX; i++)
		config.cameras[i].tile = i + 1;
	const struct hf_source_options source_options = { .config = &config.sources[0],
							  .clock = hf_clock_real(),
							  .lockstep = true };
	const struct hf_health_options health_options = { .raise_ms = config.health_raise_ms,
							  .clear_ms = config.health_clear_ms,
							  .frozen_ms = config.health_frozen_ms,
							  .remind_ms = config.health_remind_ms };
	enum hf_code code = hf_source_open(&source_options, &source, &err);
	if (code == HF_OK)
		code = hf_health_open(&health_options, &health, &err);
	if (code == HF_OK)
		code = hf_view_open(
			&(struct hf_view_options){ .config = &config, .health = health }, &view,
			&err);
	if (code == HF_OK)
		code = watch(source, view, health, &frame, &err);
	if (code == HF_OK) {
		printf("{\"end\":%.1f,\"frames\":%llu,\"floors\":[", seconds(frame.captured_mono),
		       (unsigned long long)hf_source_info(source).frames);
		for (uint32_t i = 0; i < config.camera_count; i++)
			printf("%s%.2f", i > 0 ? "," : "", hf_health_facts(health, i).noise_floor);
		printf("]}\n");
	} else {
		(void)fprintf(stderr, "%s: %s\n", argv[1], err.text);
	}
	hf_view_close(view);
	hf_health_close(health);
	hf_source_close(source);
	return code == HF_OK ? 0 : 1;
}
