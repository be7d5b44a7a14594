/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config_table.h"

#include "base/assert.h"
#include "base/auto.h"

#include <stdio.h>
#include <string.h>

static const struct hf_config_row unit_rows[] = {
#define HF_ROW_RECORD struct hf_config
#define HF_SECTION_UNIT
#include "boot/config_rows.h"
};

static const struct hf_config_row source_rows[] = {
#define HF_ROW_RECORD struct hf_config_source
#define HF_SECTION_SOURCE
#include "boot/config_rows.h"
};

static const struct hf_config_row camera_rows[] = {
#define HF_ROW_RECORD struct hf_config_camera
#define HF_SECTION_CAMERA
#include "boot/config_rows.h"
};

static const struct hf_config_row zone_rows[] = {
#define HF_ROW_RECORD struct hf_config_zone
#define HF_SECTION_ZONE
#include "boot/config_rows.h"
};

_Static_assert(HF_ARRAY_LEN(unit_rows) <= HF_CONFIG_UNIT_ROWS_MAX, "a place for every row");
_Static_assert(HF_ARRAY_LEN(source_rows) <= HF_CONFIG_LIST_ROWS_MAX, "a place for every row");
_Static_assert(HF_ARRAY_LEN(camera_rows) <= HF_CONFIG_LIST_ROWS_MAX, "a place for every row");
_Static_assert(HF_ARRAY_LEN(zone_rows) <= HF_CONFIG_LIST_ROWS_MAX, "a place for every row");

static const struct hf_config_rows sections[] = {
	[HF_CONFIG_UNIT] = { unit_rows, HF_ARRAY_LEN(unit_rows) },
	[HF_CONFIG_SOURCES] = { source_rows, HF_ARRAY_LEN(source_rows) },
	[HF_CONFIG_CAMERAS] = { camera_rows, HF_ARRAY_LEN(camera_rows) },
	[HF_CONFIG_ZONES] = { zone_rows, HF_ARRAY_LEN(zone_rows) },
};

_Static_assert(HF_ARRAY_LEN(sections) == HF_CONFIG_SECTIONS, "rows for every section");

static const struct hf_config_list lists[] = {
	[HF_CONFIG_SOURCES] = { .key = "sources",
				.one = "source",
				.offset = offsetof(struct hf_config, sources),
				.stride = sizeof(struct hf_config_source),
				.count_offset = offsetof(struct hf_config, source_count),
				.records_max = HF_SOURCES_MAX },
	[HF_CONFIG_CAMERAS] = { .key = "cameras",
				.one = "camera",
				.offset = offsetof(struct hf_config, cameras),
				.stride = sizeof(struct hf_config_camera),
				.count_offset = offsetof(struct hf_config, camera_count),
				.records_max = HF_CAMERAS_MAX },
	[HF_CONFIG_ZONES] = { .key = "zones",
			      .one = "zone",
			      .offset = offsetof(struct hf_config, zones),
			      .stride = sizeof(struct hf_config_zone),
			      .count_offset = offsetof(struct hf_config, zone_count),
			      .records_max = HF_ZONES_MAX },
};

_Static_assert(HF_ARRAY_LEN(lists) == HF_CONFIG_SECTIONS, "a list for every section but the unit");

struct hf_config_rows hf_config_rows(enum hf_config_section section)
{
	HF_ASSERT((unsigned)section < HF_CONFIG_SECTIONS);
	return sections[section];
}

const struct hf_config_list *hf_config_list(enum hf_config_section section)
{
	HF_ASSERT(section != HF_CONFIG_UNIT && (unsigned)section < HF_CONFIG_SECTIONS);
	return &lists[section];
}

const struct hf_config_row *hf_config_row_find(enum hf_config_section section, const char *key)
{
	struct hf_config_rows all = hf_config_rows(section);

	for (size_t i = 0; i < all.count; i++)
		if (strcmp(all.rows[i].key, key) == 0)
			return &all.rows[i];
	return NULL;
}

size_t hf_config_row_index(enum hf_config_section section, const struct hf_config_row *row)
{
	struct hf_config_rows all = hf_config_rows(section);

	HF_ASSERT(row >= all.rows && row < all.rows + all.count);
	return (size_t)(row - all.rows);
}

const void *hf_config_record_const(const struct hf_config *config, enum hf_config_section section,
				   uint32_t index)
{
	if (section == HF_CONFIG_UNIT) {
		HF_ASSERT(index == 0);
		return config;
	}
	const struct hf_config_list *list = hf_config_list(section);

	HF_ASSERT(index < list->records_max);
	return (const char *)config + list->offset + index * list->stride;
}

void *hf_config_record(struct hf_config *config, enum hf_config_section section, uint32_t index)
{
	return (void *)(uintptr_t)hf_config_record_const(config, section, index);
}

uint32_t hf_config_record_count(const struct hf_config *config, enum hf_config_section section)
{
	uint32_t count = 1;

	if (section != HF_CONFIG_UNIT)
		memcpy(&count, (const char *)config + hf_config_list(section)->count_offset,
		       sizeof count);
	return count;
}

void hf_config_record_defaults(enum hf_config_section section, void *record)
{
	struct hf_config_rows all = hf_config_rows(section);

	for (size_t i = 0; i < all.count; i++) {
		const struct hf_config_row *row = &all.rows[i];
		char *at = (char *)record + row->offset;

		switch (row->kind) {
		case HF_CONFIG_INT:
			memcpy(at, &row->value, sizeof(int64_t));
			break;
		case HF_CONFIG_REAL:
			memcpy(at, &row->real_value, sizeof(double));
			break;
		case HF_CONFIG_BOOL:
			*(bool *)(void *)at = row->value != 0;
			break;
		case HF_CONFIG_TEXT:
			(void)snprintf(at, row->size_bytes, "%s", row->text);
			break;
		case HF_CONFIG_ENUM:
			*(int32_t *)(void *)at = (int32_t)row->value;
			break;
		}
	}
	if (section == HF_CONFIG_ZONES)
		hf_config_loitering_default(record);
}
