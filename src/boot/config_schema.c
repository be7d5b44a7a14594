/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings as JSON Schema, for editors. It never refuses what the parser takes; it takes some
 * that `config check` refuses: references, orders, the range of a duration, hours.
 */
#include "boot/config.h"

#include "base/auto.h"
#include "base/json.h"
#include "boot/config_loitering.h"
#include "boot/config_value.h"

#include <string.h>

enum {
	SCHEMA_BYTES = 256 * 1024,
	ZONE_POINTS_MIN = 3,
	DESCRIPTION_BYTES = 1024,
};

static void put_types(struct hf_json *json, const char *const *types)
{
	hf_json_key(json, "type");
	hf_json_array_open(json);
	for (; *types != NULL; types++)
		hf_json_text(json, *types);
	hf_json_array_close(json);
}

static void put_int(struct hf_json *json, const struct hf_config_row *row)
{
	bool duration = strcmp(row->unit, "ms") == 0;

	if (!duration && strcmp(row->unit, "bytes") != 0) {
		hf_json_put_text(json, "type", "integer");
		hf_json_put_i64(json, "minimum", row->min);
		hf_json_put_i64(json, "maximum", row->max);
		return;
	}
	put_types(json, (const char *const[]){ "string", row->min <= 0 ? "integer" : NULL, NULL });
	hf_json_put_text(json, "pattern",
			 duration ? "^[+-]?([0-9]+(ms|s|m|h|d)|0+)$"
				  : "^[+-]?([0-9]+(B|kB|KiB|MB|MiB|GB|GiB)|0+)$");
	if (row->min <= 0) { /* nothing but 0 goes without a unit */
		hf_json_put_i64(json, "minimum", 0);
		hf_json_put_i64(json, "maximum", 0);
	}
}

static void put_choices(struct hf_json *json, const char *choices)
{
	char name[64];

	hf_json_key(json, "enum");
	hf_json_array_open(json);
	for (int32_t i = 0;; i++) {
		hf_config_choice_name(choices, i, name, sizeof name);
		if (name[0] == '\0')
			break;
		hf_json_text(json, name);
	}
	hf_json_array_close(json);
}

/* record: at its defaults. */
static void put_row(struct hf_json *json, const struct hf_config_row *row, const void *record)
{
	char text[DESCRIPTION_BYTES], range[128], value[HF_CONFIG_VALUE_BYTES];

	hf_config_value_range(row, range, sizeof range);
	(void)snprintf(text, sizeof text, "%s (%s)", row->help, range);
	hf_config_value_text(row, record, value);
	hf_json_object_open(json);
	hf_json_put_text(json, "description", text);
	switch (row->kind) {
	case HF_CONFIG_INT:
		put_int(json, row);
		break;
	case HF_CONFIG_REAL:
		hf_json_put_text(json, "type", "number");
		hf_json_put_real(json, "minimum", row->real_min, 6);
		hf_json_put_real(json, "maximum", row->real_max, 6);
		break;
	case HF_CONFIG_BOOL:
		hf_json_put_text(json, "type", "boolean");
		break;
	case HF_CONFIG_TEXT:
		/* "id: 1" is a text here, and a number to everybody else. */
		put_types(json, (const char *const[]){ "string", "number", "boolean", NULL });
		hf_json_put_u64(json, "maxLength", row->size_bytes - 1);
		break;
	case HF_CONFIG_ENUM:
		put_choices(json, row->choices);
		break;
	}
	bool plain = row->kind == HF_CONFIG_REAL || row->kind == HF_CONFIG_BOOL ||
		     (row->kind == HF_CONFIG_INT && strcmp(row->unit, "ms") != 0 &&
		      strcmp(row->unit, "bytes") != 0);
	hf_json_key(json, "default");
	if (plain)
		hf_json_raw(json, value, strlen(value));
	else
		hf_json_text(json, row->kind == HF_CONFIG_TEXT ? row->text : value);
	hf_json_object_close(json);
}

/* An empty section or list ("zones:" and nothing) is null. */
static void open_object(struct hf_json *json, bool may_be_empty)
{
	hf_json_object_open(json);
	put_types(json, (const char *const[]){ "object", may_be_empty ? "null" : NULL, NULL });
	hf_json_put_bool(json, "additionalProperties", false);
	hf_json_key(json, "properties");
	hf_json_object_open(json);
}

static void close_object(struct hf_json *json)
{
	hf_json_object_close(json); /* properties */
	hf_json_object_close(json);
}

static void put_groups(struct hf_json *json, const struct hf_config *config)
{
	struct hf_config_rows all = hf_config_rows(HF_CONFIG_UNIT);
	char group[HF_CONFIG_KEY_BYTES] = "";

	for (size_t r = 0; r < all.count; r++) {
		const char *dot = strchr(all.rows[r].key, '.');
		char name[HF_CONFIG_KEY_BYTES];

		(void)snprintf(name, sizeof name, "%.*s", (int)(dot - all.rows[r].key),
			       all.rows[r].key);
		if (strcmp(name, group) != 0) {
			if (group[0] != '\0')
				close_object(json);
			memcpy(group, name, sizeof group);
			hf_json_key(json, group);
			open_object(json, true);
		}
		hf_json_key(json, dot + 1);
		put_row(json, &all.rows[r], config);
	}
	close_object(json);
}

static void put_points(struct hf_json *json)
{
	hf_json_key(json, "points");
	hf_json_object_open(json);
	hf_json_put_text(json, "description",
			 "Outline: points [x, y] in order, fractions of the tile from its top left "
			 "corner.");
	hf_json_put_text(json, "type", "array");
	hf_json_put_u64(json, "minItems", ZONE_POINTS_MIN);
	hf_json_put_u64(json, "maxItems", HF_ZONE_POINTS_MAX);
	hf_json_key(json, "items");
	hf_json_object_open(json);
	hf_json_put_text(json, "type", "array");
	hf_json_put_u64(json, "minItems", 2);
	hf_json_put_u64(json, "maxItems", 2);
	hf_json_key(json, "items");
	hf_json_object_open(json);
	hf_json_put_text(json, "type", "number");
	hf_json_put_u64(json, "minimum", 0);
	hf_json_put_u64(json, "maximum", 1);
	hf_json_object_close(json);
	hf_json_object_close(json);
	hf_json_object_close(json);
}

/* One member of an "anyOf". */
static void put_dwell(struct hf_json *json)
{
	hf_json_object_open(json);
	put_types(json, (const char *const[]){ "string", "integer", "boolean", NULL });
	hf_json_put_text(json, "pattern", "^(off|[+-]?0+|[+]?[0-9]+(ms|s|m|h|d))$");
	hf_json_put_u64(json, "minimum", 0);
	hf_json_put_u64(json, "maximum", 0);
	/* "off" is false to YAML 1.1. */
	hf_json_key(json, "not");
	hf_json_object_open(json);
	hf_json_put_bool(json, "const", true);
	hf_json_object_close(json);
	hf_json_object_close(json);
}

static void put_loitering(struct hf_json *json)
{
	hf_json_key(json, "loitering");
	hf_json_object_open(json);
	hf_json_put_text(json, "description", hf_config_loitering_help);
	hf_json_key(json, "anyOf");
	hf_json_array_open(json);
	put_dwell(json);
	hf_json_object_open(json);
	hf_json_put_text(json, "type", "object");
	hf_json_put_u64(json, "minProperties", 1);
	hf_json_put_u64(json, "maxProperties", HF_ZONE_CLASSES_MAX);
	hf_json_key(json, "additionalProperties");
	put_dwell(json);
	hf_json_object_close(json);
	hf_json_array_close(json);
	hf_json_object_close(json);
}

static void put_required(struct hf_json *json, const char *const *names)
{
	hf_json_key(json, "required");
	hf_json_array_open(json);
	for (; *names != NULL; names++)
		hf_json_text(json, *names);
	hf_json_array_close(json);
}

static void put_list(struct hf_json *json, enum hf_config_section section)
{
	static const struct {
		bool may_be_empty;
		const char *required[4];
	} lists[HF_CONFIG_SECTIONS] = {
		[HF_CONFIG_SOURCES] = { false, { "url" } }, /* the only one needs no id */
		[HF_CONFIG_CAMERAS] = { false, { "id" } },
		[HF_CONFIG_ZONES] = { true, { "id", "camera", "points" } },
	};
	const struct hf_config_list *list = hf_config_list(section);
	struct hf_config_rows all = hf_config_rows(section);
	union hf_config_any_record record;

	memset(&record, 0, sizeof record);
	hf_config_record_defaults(section, &record);
	hf_json_key(json, list->key);
	hf_json_object_open(json);
	put_types(json, (const char *const[]){ "array", lists[section].may_be_empty ? "null" : NULL,
					       NULL });
	if (!lists[section].may_be_empty)
		hf_json_put_u64(json, "minItems", 1);
	hf_json_put_u64(json, "maxItems", list->records_max);
	hf_json_key(json, "items");
	hf_json_object_open(json);
	hf_json_put_text(json, "type", "object");
	hf_json_put_bool(json, "additionalProperties", false);
	put_required(json, lists[section].required);
	hf_json_key(json, "properties");
	hf_json_object_open(json);
	for (size_t r = 0; r < all.count; r++) {
		hf_json_key(json, all.rows[r].key);
		put_row(json, &all.rows[r], &record);
	}
	if (section == HF_CONFIG_ZONES) {
		put_loitering(json);
		put_points(json);
	}
	close_object(json);
	hf_json_object_close(json);
}

enum hf_code hf_config_schema(FILE *stream, struct hf_err *err)
{
	HF_AUTO_FREE struct hf_config *config = malloc(sizeof *config);
	HF_AUTO_FREE char *text = malloc(SCHEMA_BYTES);

	if (config == NULL || text == NULL)
		return hf_fail(err, HF_E_NOMEM, "schema of the configuration: out of memory");
	hf_config_defaults(config);
	struct hf_json json = hf_json_begin(text, SCHEMA_BYTES);
	hf_json_object_open(&json);
	hf_json_put_text(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
	hf_json_put_text(&json, "title", "The configuration of a holdfast unit");
	hf_json_put_text(&json, "type", "object");
	hf_json_put_bool(&json, "additionalProperties", false);
	put_required(&json, (const char *const[]){ "sources", "cameras", NULL });
	hf_json_key(&json, "properties");
	hf_json_object_open(&json);
	for (int section = HF_CONFIG_SOURCES; section < HF_CONFIG_SECTIONS; section++)
		put_list(&json, (enum hf_config_section)section);
	put_groups(&json, config);
	hf_json_object_close(&json);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	(void)fprintf(stream, "%s\n", text);
	return HF_OK;
}
