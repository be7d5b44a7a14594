/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings written out: what is in effect and from where, and the example to begin with. Both
 * walk the same table as the parser, so none can be forgotten.
 */
#include "boot/config.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/url.h"
#include "boot/config_loitering.h"
#include "boot/config_value.h"

#include <string.h>

enum {
	SHOW_COLUMN = 44, /* where the comments stand */
	WRAP_COLUMN = 92,
	JSON_BYTES = 1 << 20,
};

/* The value as it is written, without what may be a secret in an address. */
static void shown_value(const struct hf_config_row *row, const void *record,
			char ret_text[HF_CONFIG_VALUE_BYTES])
{
	struct hf_config_row hidden_row = *row;
	char hidden[HF_PATH_BYTES];

	if (row->kind != HF_CONFIG_TEXT) {
		hf_config_value_text(row, record, ret_text);
		return;
	}
	hf_url_hide((const char *)record + row->offset, hidden, sizeof hidden);
	hidden_row.offset = 0;
	hf_config_value_text(&hidden_row, hidden, ret_text);
}

/* "LEAD key: value   # from". */
static void show_line(FILE *stream, const char *lead, const char *key, const char *value,
		      struct hf_place place)
{
	int length = fprintf(stream, "%s%s: %s", lead, key, value);

	(void)fprintf(stream, "%*s", length < SHOW_COLUMN ? SHOW_COLUMN - length : 1, "");
	if (place.line > 0)
		(void)fprintf(stream, "# line %u\n", place.line);
	else
		(void)fputs("# default\n", stream);
}

/* Writes "group:" when row begins another group than the last; returns the leaf of the key. */
static const char *show_group(FILE *stream, const struct hf_config_row *row,
			      char last[HF_CONFIG_KEY_BYTES])
{
	size_t length = strcspn(row->key, ".");

	if (strncmp(last, row->key, length) != 0 || last[length] != '\0') {
		(void)snprintf(last, HF_CONFIG_KEY_BYTES, "%.*s", (int)length, row->key);
		(void)fprintf(stream, "%s:\n", last);
	}
	return row->key + length + 1;
}

static void show_points(FILE *stream, const struct hf_config_zone *zone)
{
	(void)fputs("    points: [", stream);
	for (uint32_t i = 0; i < zone->point_count; i++) {
		char x[40], y[40];

		hf_config_real_text(zone->points[i].x, x, sizeof x);
		hf_config_real_text(zone->points[i].y, y, sizeof y);
		(void)fprintf(stream, "%s[%s, %s]", i > 0 ? ", " : "", x, y);
	}
	(void)fputs("]\n", stream);
}

static void show_list(const struct hf_config *config, struct hf_config_report *report,
		      enum hf_config_section section, FILE *stream)
{
	struct hf_config_rows all = hf_config_rows(section);
	uint32_t count = hf_config_record_count(config, section);
	char value[HF_CONFIG_VALUE_BYTES], loitering[HF_CONFIG_LOITERING_BYTES];

	(void)fprintf(stream, "%s:%s\n", hf_config_list(section)->key, count == 0 ? " []" : "");
	for (uint32_t i = 0; i < count; i++) {
		for (size_t r = 0; r < all.count; r++) {
			shown_value(&all.rows[r], hf_config_record_const(config, section, i),
				    value);
			show_line(stream, r == 0 ? "  - " : "    ", all.rows[r].key, value,
				  *hf_config_place(report, section, i, &all.rows[r]));
		}
		if (section != HF_CONFIG_ZONES)
			continue;
		hf_config_loitering_text(&config->zones[i], loitering);
		show_line(stream, "    ", "loitering", loitering, report->loitering[i]);
		show_points(stream, &config->zones[i]);
	}
}

void hf_config_show(const struct hf_config *config, struct hf_config_report *report, FILE *stream)
{
	struct hf_config_rows all = hf_config_rows(HF_CONFIG_UNIT);
	char value[HF_CONFIG_VALUE_BYTES], last[HF_CONFIG_KEY_BYTES] = "";

	(void)fprintf(stream, "# In effect: %s and the defaults.\n", report->found.path);
	for (size_t r = 0; r < all.count; r++) {
		const char *leaf = show_group(stream, &all.rows[r], last);

		shown_value(&all.rows[r], config, value);
		show_line(stream, "  ", leaf, value,
			  *hf_config_place(report, HF_CONFIG_UNIT, 0, &all.rows[r]));
	}
	for (int section = HF_CONFIG_SOURCES; section < HF_CONFIG_SECTIONS; section++)
		show_list(config, report, (enum hf_config_section)section, stream);
}

static void json_value(struct hf_json *json, const struct hf_config_row *row, const void *record,
		       struct hf_place place)
{
	const char *at = (const char *)record + row->offset;
	char value[HF_CONFIG_VALUE_BYTES], hidden[HF_PATH_BYTES];

	hf_json_key(json, row->key);
	hf_json_object_open(json);
	hf_json_key(json, "value");
	switch (row->kind) {
	case HF_CONFIG_INT:
		hf_json_i64(json, *(const int64_t *)(const void *)at);
		break;
	case HF_CONFIG_REAL:
		hf_config_real_text(*(const double *)(const void *)at, value, sizeof value);
		hf_json_raw(json, value, strlen(value));
		break;
	case HF_CONFIG_BOOL:
		hf_json_bool(json, *(const bool *)(const void *)at);
		break;
	case HF_CONFIG_TEXT:
		hf_url_hide(at, hidden, sizeof hidden);
		hf_json_text(json, hidden);
		break;
	case HF_CONFIG_ENUM:
		hf_config_value_text(row, record, value);
		hf_json_text(json, value);
		break;
	}
	if (row->unit != NULL)
		hf_json_put_text(json, "unit", row->unit);
	if (place.line > 0)
		hf_json_put_u64(json, "line", place.line);
	else
		hf_json_put_null(json, "line");
	hf_json_object_close(json);
}

/* {"value":{"person":60000},"unit":"ms","line":L}; "*" stands for all classes. */
static void json_loitering(struct hf_json *json, const struct hf_config_zone *zone,
			   struct hf_place place)
{
	hf_json_key(json, "loitering");
	hf_json_object_open(json);
	hf_json_key(json, "value");
	hf_json_object_open(json);
	for (uint32_t i = 0; i < zone->loitering_count; i++) {
		const struct hf_config_dwell *dwell = &zone->loitering[i];

		hf_json_key(json, dwell->class_name[0] != '\0' ? dwell->class_name : "*");
		hf_json_i64(json, dwell->ms);
	}
	hf_json_object_close(json);
	hf_json_put_text(json, "unit", "ms");
	hf_json_key(json, "line");
	if (place.line > 0)
		hf_json_u64(json, place.line);
	else
		hf_json_null(json);
	hf_json_object_close(json);
}

static void json_rows(struct hf_json *json, const struct hf_config *config,
		      struct hf_config_report *report, enum hf_config_section section,
		      uint32_t index)
{
	struct hf_config_rows all = hf_config_rows(section);

	hf_json_object_open(json);
	for (size_t r = 0; r < all.count; r++)
		json_value(json, &all.rows[r], hf_config_record_const(config, section, index),
			   *hf_config_place(report, section, index, &all.rows[r]));
	if (section == HF_CONFIG_ZONES) {
		const struct hf_config_zone *zone = &config->zones[index];

		json_loitering(json, zone, report->loitering[index]);
		hf_json_key(json, "points");
		hf_json_array_open(json);
		for (uint32_t i = 0; i < zone->point_count; i++) {
			char x[40], y[40];

			hf_config_real_text(zone->points[i].x, x, sizeof x);
			hf_config_real_text(zone->points[i].y, y, sizeof y);
			hf_json_array_open(json);
			hf_json_raw(json, x, strlen(x));
			hf_json_raw(json, y, strlen(y));
			hf_json_array_close(json);
		}
		hf_json_array_close(json);
	}
	hf_json_object_close(json);
}

enum hf_code hf_config_show_json(const struct hf_config *config, struct hf_config_report *report,
				 FILE *stream, struct hf_err *err)
{
	HF_AUTO_FREE char *text = malloc(JSON_BYTES);
	if (text == NULL)
		return hf_fail(err, HF_E_NOMEM, "show the configuration: out of memory");
	struct hf_json json = hf_json_begin(text, JSON_BYTES);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "config", report->found.path);
	hf_json_key(&json, "unit");
	json_rows(&json, config, report, HF_CONFIG_UNIT, 0);
	for (int s = HF_CONFIG_SOURCES; s < HF_CONFIG_SECTIONS; s++) {
		enum hf_config_section section = (enum hf_config_section)s;
		uint32_t count = hf_config_record_count(config, section);

		hf_json_key(&json, hf_config_list(section)->key);
		hf_json_array_open(&json);
		for (uint32_t i = 0; i < count; i++)
			json_rows(&json, config, report, section, i);
		hf_json_array_close(&json);
	}
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	(void)fprintf(stream, "%s\n", text);
	return HF_OK;
}

/* Words broken into comment lines. */
static void example_comment(FILE *stream, int indent, const char *text)
{
	int column = 0;

	while (*text != '\0') {
		int length = (int)strcspn(text, " ");

		if (column > 0 && column + 1 + length > WRAP_COLUMN) {
			(void)fputc('\n', stream);
			column = 0;
		}
		if (column == 0)
			column = fprintf(stream, "%*s#", indent, "");
		column += fprintf(stream, " %.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
	(void)fputc('\n', stream);
}

/* Help and range, then the setting; commented out where it is at its default. lead begins its
 * line: blanks, or "  - " for the first of a record. */
static void example_row(FILE *stream, const char *lead, const struct hf_config_row *row,
			const void *record, bool with_help)
{
	const char *dot = strchr(row->key, '.');
	char value[HF_CONFIG_VALUE_BYTES], range[128], text[1024];
	bool standard = hf_config_value_standard(row, record);

	if (standard && !with_help)
		return;
	if (with_help) {
		hf_config_value_range(row, range, sizeof range);
		(void)snprintf(text, sizeof text, "%s (%s)", row->help, range);
		example_comment(stream, (int)strlen(lead), text);
	}
	hf_config_value_text(row, record, value);
	(void)fprintf(stream, "%s%s%s: %s\n", lead, standard ? "# " : "",
		      dot != NULL ? dot + 1 : row->key, value);
}

static void example_list(const struct hf_config *config, enum hf_config_section section,
			 FILE *stream)
{
	struct hf_config_rows all = hf_config_rows(section);
	uint32_t count = hf_config_record_count(config, section);

	(void)fprintf(stream, "\n%s:\n", hf_config_list(section)->key);
	for (uint32_t i = 0; i < count; i++) {
		const void *record = hf_config_record_const(config, section, i);

		for (size_t r = 0; r < all.count; r++)
			example_row(stream, r == 0 ? "  - " : "    ", &all.rows[r], record, i == 0);
		if (section != HF_CONFIG_ZONES)
			continue;
		if (i == 0) {
			char loitering[HF_CONFIG_LOITERING_BYTES];

			hf_config_loitering_text(&config->zones[i], loitering);
			example_comment(stream, 4, hf_config_loitering_help);
			(void)fprintf(stream, "    # loitering: %s\n", loitering);
			example_comment(stream, 4,
					"Outline: 3 to 16 points [x, y] in order, fractions of the "
					"tile from its top left corner.");
		}
		show_points(stream, &config->zones[i]);
	}
}

static void example_text(char *text, size_t size_bytes, const char *value)
{
	memset(text, 0, size_bytes);
	memcpy(text, value, strlen(value));
}

/* A recorder's screen with two of its cameras. */
static void example_config(struct hf_config *ret_config)
{
	static const struct {
		const char *id;
		const char *name;
		int64_t tile;
		const char *zone;
		struct hf_point points[4];
	} places[] = {
		{ "gate",
		  "Front gate",
		  1,
		  "gate-approach",
		  { { 0.1, 0.5 }, { 0.9, 0.5 }, { 0.95, 0.98 }, { 0.05, 0.98 } } },
		{ "yard",
		  "Yard, north",
		  2,
		  "yard-stairs",
		  { { 0.3, 0.2 }, { 0.6, 0.2 }, { 0.6, 0.7 }, { 0.3, 0.7 } } },
	};

	hf_config_defaults(ret_config);
	ret_config->source_count = 1;
	hf_config_record_defaults(HF_CONFIG_SOURCES, &ret_config->sources[0]);
	example_text(ret_config->sources[0].id, HF_ID_BYTES, "recorder");
	example_text(ret_config->sources[0].url, HF_PATH_BYTES, "recording.mp4");
	ret_config->sources[0].loop = true;
	for (uint32_t i = 0; i < HF_ARRAY_LEN(places); i++) {
		struct hf_config_camera *camera = &ret_config->cameras[ret_config->camera_count++];
		struct hf_config_zone *zone = &ret_config->zones[ret_config->zone_count++];

		hf_config_record_defaults(HF_CONFIG_CAMERAS, camera);
		example_text(camera->id, HF_ID_BYTES, places[i].id);
		example_text(camera->name, HF_ID_BYTES, places[i].name);
		camera->tile = places[i].tile;
		hf_config_record_defaults(HF_CONFIG_ZONES, zone);
		example_text(zone->id, HF_ID_BYTES, places[i].zone);
		example_text(zone->camera_id, HF_ID_BYTES, places[i].id);
		zone->point_count = HF_ARRAY_LEN(places[i].points);
		memcpy(zone->points, places[i].points, sizeof places[i].points);
	}
}

void hf_config_example(FILE *stream)
{
	struct hf_config_rows all = hf_config_rows(HF_CONFIG_UNIT);
	char last[HF_CONFIG_KEY_BYTES] = "";
	struct hf_config config;

	example_config(&config);
	(void)fputs(
		"# SPDX-License-Identifier: Apache-2.0\n"
		"# The configuration of a unit: every setting there is.\n"
		"#\n"
		"# What is commented out shows its default. Relative paths are relative to the\n"
		"# folder of this file. Durations have a unit: 200ms, 5s, 10m, 2h, 1d.\n"
		"#\n"
		"#   holdfast config check FILE    finds mistakes, with line and column\n"
		"#   holdfast config show FILE     shows what is in effect, and from where\n"
		"#\n"
		"# Editors with a YAML language server check while you type: put what \"holdfast\n"
		"# config schema\" prints into a file beside this one, and take a # from\n"
		"## yaml-language-server: $schema=holdfast.schema.json\n",
		stream);
	for (int section = HF_CONFIG_SOURCES; section < HF_CONFIG_SECTIONS; section++)
		example_list(&config, (enum hf_config_section)section, stream);
	for (size_t r = 0; r < all.count; r++) {
		const struct hf_config_row *row = &all.rows[r];

		if (strncmp(last, row->key, strcspn(row->key, ".")) != 0)
			(void)fputc('\n', stream);
		(void)show_group(stream, row, last);
		example_row(stream, "  ", row, &config, true);
	}
}
