/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include "cli/progress.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum {
	NAME_COLUMNS_MIN = 6,
	NAME_COLUMNS_MAX = 28,
	CLASS_COLUMNS = 26,
	CLIP_START_MS = 1000, /* HF_SOURCE_LOCKSTEP_START_US */
};

/* Columns */

static unsigned columns_of(const char *text)
{
	unsigned columns = 0;

	for (; *text != '\0'; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* text, cut or filled up to so many characters. */
static void put_cell(FILE *stream, const char *text, unsigned columns)
{
	unsigned used = 0;

	for (; *text != '\0' && (used < columns || ((unsigned char)*text & 0xc0) == 0x80); text++) {
		used += ((unsigned char)*text & 0xc0) != 0x80;
		(void)fputc(*text, stream);
	}
	for (; used < columns; used++)
		(void)fputc(' ', stream);
	(void)fputs("  ", stream);
}

static unsigned widen(unsigned columns, const char *text)
{
	unsigned own = columns_of(text);

	own = own > NAME_COLUMNS_MAX ? NAME_COLUMNS_MAX : own;
	return own > columns ? own : columns;
}

static const char *camera_name(const struct hf_config_camera *camera)
{
	return camera->name[0] != '\0' ? camera->name : camera->id;
}

static unsigned camera_columns(const struct hf_findings *findings)
{
	unsigned columns = NAME_COLUMNS_MIN;

	for (uint32_t i = 0; i < findings->config->camera_count; i++)
		columns = widen(columns, camera_name(&findings->config->cameras[i]));
	return columns;
}

static unsigned zone_columns(const struct hf_findings *findings)
{
	unsigned columns = NAME_COLUMNS_MIN;

	for (uint32_t i = 0; i < findings->config->zone_count; i++)
		columns = widen(columns, findings->config->zones[i].id);
	return columns;
}

/* Counting */

void hf_findings_tick(struct hf_findings *findings, const struct hf_tick *tick)
{
	unsigned side = hf_layout_side((enum hf_layout)tick->layout);

	findings->frames++;
	findings->frames_paused += tick->paused != 0;
	if (side > 0)
		findings->layout = (enum hf_layout)tick->layout;
	for (uint32_t i = 0; i < findings->config->camera_count; i++) {
		const struct hf_config_camera *camera = &findings->config->cameras[i];

		if (camera->source == tick->source && tick->paused == 0 &&
		    camera->tile <= (int64_t)side * side)
			findings->shown[i]++;
	}
}

void hf_findings_result(struct hf_findings *findings, const struct hf_result *result)
{
	if (result->job.camera < HF_CAMERAS_MAX)
		findings->looks[result->job.camera]++;
	findings->looks_failed += result->failed != 0;
}

static void copy_text(char ret_text[HF_ID_BYTES], const json_t *value)
{
	const char *text = json_string_value(value);

	(void)snprintf(ret_text, HF_ID_BYTES, "%s", text != NULL ? text : "");
}

void hf_findings_event(struct hf_findings *findings, const char *line, size_t size_bytes)
{
	json_t *event = json_loadb(line, size_bytes, JSON_DISABLE_EOF_CHECK, NULL);
	struct hf_findings_kind kind = { .count = 1 };
	uint32_t i = 0;

	copy_text(kind.camera, json_object_get(json_object_get(event, "attrs"), "camera"));
	if (kind.camera[0] == '\0')
		copy_text(kind.camera, json_object_get(event, "camera_name"));
	copy_text(kind.zone, json_object_get(event, "zone_id"));
	copy_text(kind.event_class, json_object_get(event, "event_class"));
	json_decref(event);
	findings->events++;
	for (; i < findings->kind_count; i++) {
		struct hf_findings_kind *known = &findings->kinds[i];

		if (strcmp(known->camera, kind.camera) == 0 &&
		    strcmp(known->zone, kind.zone) == 0 &&
		    strcmp(known->event_class, kind.event_class) == 0) {
			known->count++;
			return;
		}
	}
	if (i < HF_FINDINGS_KINDS_MAX)
		findings->kinds[findings->kind_count++] = kind;
	else
		findings->other_kinds++;
}

/* Printing */

void hf_findings_print_head(const struct hf_findings *findings, FILE *stream, bool colour)
{
	(void)fputs(colour ? "\033[2m" : "", stream);
	put_cell(stream, "TIME", 9);
	put_cell(stream, "CAMERA", camera_columns(findings));
	put_cell(stream, "ZONE", zone_columns(findings));
	put_cell(stream, "EVENT", CLASS_COLUMNS);
	(void)fprintf(stream, "%7s  %5s%s\n", "DWELL", "SCORE", colour ? "\033[0m" : "");
}

static const char *text_or_dash(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

void hf_findings_print_event(const struct hf_findings *findings, const char *line,
			     size_t size_bytes, FILE *stream, bool colour)
{
	json_t *event = json_loadb(line, size_bytes, JSON_DISABLE_EOF_CHECK, NULL);
	const json_t *dwell = json_object_get(event, "dwell_seconds");
	const json_t *score = json_object_get(json_object_get(event, "attrs"), "score");
	double ms = json_number_value(json_object_get(event, "mono_ms")) - CLIP_START_MS;
	const char *zone = text_or_dash(event, "zone_id");
	char time[32];

	hf_progress_time(ms / 1000, true, sizeof time, time);
	put_cell(stream, time, 9);
	put_cell(stream, text_or_dash(event, "camera_name"), camera_columns(findings));
	put_cell(stream, zone, zone_columns(findings));
	(void)fputs(!colour ? "" : zone[0] != '-' ? "\033[1;33m" : "\033[36m", stream);
	put_cell(stream, text_or_dash(event, "event_class"), CLASS_COLUMNS);
	(void)fputs(colour ? "\033[0m" : "", stream);
	if (json_is_number(dwell))
		(void)fprintf(stream, "%5.1f s", json_number_value(dwell));
	if (json_is_number(score))
		(void)fprintf(stream, "  %5.2f", json_number_value(score));
	(void)fputc('\n', stream);
	json_decref(event);
}

/* "3 pre_action_zone_entry, 1 loitering_dwell_exceeded" */
static void print_kinds(const struct hf_findings *findings, const char *camera, const char *zone,
			FILE *stream)
{
	const char *between = "";

	for (uint32_t i = 0; i < findings->kind_count; i++) {
		const struct hf_findings_kind *kind = &findings->kinds[i];

		if (strcmp(kind->camera, camera) != 0 || strcmp(kind->zone, zone) != 0)
			continue;
		(void)fprintf(stream, "%s%" PRIu64 " %s", between, kind->count, kind->event_class);
		between = ", ";
	}
	(void)fputs(*between != '\0' ? "\n" : "none\n", stream);
}

static bool has_kind(const struct hf_findings *findings, const char *camera, const char *zone)
{
	for (uint32_t i = 0; i < findings->kind_count; i++)
		if (strcmp(findings->kinds[i].camera, camera) == 0 &&
		    strcmp(findings->kinds[i].zone, zone) == 0)
			return true;
	return false;
}

static void begin_row(const struct hf_findings *findings, uint32_t camera, bool first,
		      const char *zone, FILE *stream)
{
	char looks[24] = "";

	if (first)
		(void)snprintf(looks, sizeof looks, "%" PRIu64, findings->looks[camera]);
	put_cell(stream, first ? camera_name(&findings->config->cameras[camera]) : "",
		 camera_columns(findings));
	(void)fprintf(stream, "%7s  ", looks);
	put_cell(stream, zone, zone_columns(findings));
}

static void print_camera(const struct hf_findings *findings, uint32_t camera, FILE *stream)
{
	const struct hf_config *config = findings->config;
	const char *id = config->cameras[camera].id;
	bool first = true;

	for (uint32_t i = 0; i < config->zone_count; i++) {
		if (config->zones[i].camera != camera)
			continue;
		begin_row(findings, camera, first, config->zones[i].id, stream);
		first = false;
		if (findings->shown[camera] == 0)
			(void)fputs("never on the screen\n", stream);
		else
			print_kinds(findings, id, config->zones[i].id, stream);
	}
	if (!first && !has_kind(findings, id, ""))
		return;
	begin_row(findings, camera, first, "-", stream);
	print_kinds(findings, id, "", stream);
}

void hf_findings_print_sum(const struct hf_findings *findings, FILE *stream, bool colour)
{
	(void)fprintf(stream, "\n%s", colour ? "\033[2m" : "");
	put_cell(stream, "CAMERA", camera_columns(findings));
	(void)fprintf(stream, "%7s  ", "LOOKS");
	put_cell(stream, "ZONE", zone_columns(findings));
	(void)fprintf(stream, "EVENTS%s\n", colour ? "\033[0m" : "");
	for (uint32_t i = 0; i < findings->config->camera_count; i++)
		if (findings->config->cameras[i].source == findings->source)
			print_camera(findings, i, stream);
	if (has_kind(findings, "", "")) {
		put_cell(stream, "the screen", camera_columns(findings));
		(void)fprintf(stream, "%7s  ", "");
		put_cell(stream, "-", zone_columns(findings));
		print_kinds(findings, "", "", stream);
	}
	if (findings->other_kinds > 0)
		(void)fprintf(stream, "and %" PRIu64 " of other kinds\n", findings->other_kinds);
}

static int64_t highest_tile(const struct hf_findings *findings)
{
	int64_t tile = 1;

	for (uint32_t i = 0; i < findings->config->camera_count; i++) {
		const struct hf_config_camera *camera = &findings->config->cameras[i];

		if (camera->source == findings->source && camera->tile > tile)
			tile = camera->tile;
	}
	return tile;
}

void hf_findings_print_doubts(const struct hf_findings *findings, FILE *stream)
{
	if (findings->looks_failed > 0)
		(void)fprintf(stream, "holdfast: %" PRIu64 " tiles could not be looked at\n",
			      findings->looks_failed);
	if (findings->frames == 0 || findings->frames_paused < findings->frames)
		return;
	if (findings->layout == HF_LAYOUT_UNKNOWN)
		(void)fputs("holdfast: nothing was watched: the picture shows no layout that is "
			    "known. If the screen is always like this, set the source's layout.\n",
			    stream);
	else
		(void)fprintf(stream,
			      "holdfast: nothing was watched: the picture looks like %s, and there "
			      "is a camera at tile %" PRId64 ". Which of the cameras it shows is "
			      "not known then, and a unit waits.\n",
			      hf_layout_id(findings->layout), highest_tile(findings));
}
