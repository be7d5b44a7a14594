/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config_table - shape/config_tbl.h as data: what the parser, the example file and `config show`
 * walk over.
 *
 * Shape       A section is the unit itself or one of three lists. A row is one
 *             setting: where it lies in its record (struct hf_config for the
 *             unit, struct hf_config_source, ...) and what it may hold.
 *
 * Owners      All static and const.
 */
#include "shape/config.h"

enum hf_config_section {
	HF_CONFIG_UNIT = 0,
	HF_CONFIG_SOURCES,
	HF_CONFIG_CAMERAS,
	HF_CONFIG_ZONES,
	HF_CONFIG_SECTIONS,
};

enum hf_config_kind {
	HF_CONFIG_INT,
	HF_CONFIG_REAL,
	HF_CONFIG_BOOL,
	HF_CONFIG_TEXT,
	HF_CONFIG_ENUM,
};

enum {
	HF_CONFIG_UNIT_ROWS_MAX = 48,
	HF_CONFIG_LIST_ROWS_MAX = 16,
	HF_CONFIG_KEY_BYTES = 64,
};

struct hf_config_row {
	const char *key; /* dotted in the unit's section */
	const char *help;
	const char *reader;
	const char *unit;    /* INT, REAL */
	const char *choices; /* ENUM: "a|b|c" */
	const char *text;    /* TEXT: the default */
	enum hf_config_kind kind;
	size_t offset;           /* in the record */
	size_t size_bytes;       /* TEXT: with the NUL */
	int64_t value, min, max; /* INT; BOOL and ENUM: value, the default */
	double real_value, real_min, real_max;
};

struct hf_config_rows {
	const struct hf_config_row *rows;
	size_t count;
};

/* One of the three lists, as it lies in struct hf_config. */
struct hf_config_list {
	const char *key; /* "sources" */
	const char *one; /* "source" */
	size_t offset;
	size_t stride;
	size_t count_offset;
	uint32_t records_max;
};

struct hf_config_rows hf_config_rows(enum hf_config_section section);

/* Not for HF_CONFIG_UNIT. */
const struct hf_config_list *hf_config_list(enum hf_config_section section);

/* NULL when the section has no such key. */
const struct hf_config_row *hf_config_row_find(enum hf_config_section section, const char *key);

/* Its place in its section. */
size_t hf_config_row_index(enum hf_config_section section, const struct hf_config_row *row);

/* Record number index of a list; index 0 of HF_CONFIG_UNIT is the configuration itself. */
void *hf_config_record(struct hf_config *config, enum hf_config_section section, uint32_t index);
const void *hf_config_record_const(const struct hf_config *config, enum hf_config_section section,
				   uint32_t index);
uint32_t hf_config_record_count(const struct hf_config *config, enum hf_config_section section);

/* Room for one record of any list. */
union hf_config_any_record {
	struct hf_config_source source;
	struct hf_config_camera camera;
	struct hf_config_zone zone;
};

/* Every row of the section at its default, and a zone's thresholds. */
void hf_config_record_defaults(enum hf_config_section section, void *record);
