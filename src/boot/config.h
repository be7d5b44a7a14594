/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config - the operator's YAML file, read whole, checked whole, as one plain struct.
 *
 * Shape       Keys of shape/config_tbl.h; "a.b" stands as b under a. Lists
 *             sources, cameras and zones; a zone also has points: [[x, y], ...]
 *             and loitering: (config_loitering.h).
 *             YAML without anchors, aliases, tags and further documents. A
 *             section may be empty; a setting that is not there has its
 *             default. Relative paths are relative to the folder of the file.
 *
 *             On HF_OK everything is resolved: indices for ids, an empty
 *             camera name is the id, the only source is every camera's, paths
 *             are absolute.
 *
 * Errors      HF_E_INVALID: the report holds what is wrong, each with its line
 *             and column, in the order of the file; err has the first of them.
 *             HF_E_NOENT, HF_E_DENIED, HF_E_IO: the file cannot be read.
 *             HF_E_LIMIT: it is larger than HF_CONFIG_FILE_BYTES_MAX.
 *             *ret_config is written on HF_OK only, *ret_report always.
 *
 * Owners      Parses bytes from outside: the supervisor runs it in a child
 *             (libexec/holdfast/config), never in its own address space.
 *
 * Limits      HF_CONFIG_FILE_BYTES_MAX, those of yaml_file.h, the lists' own
 *             maxima.
 */
#include "boot/config_table.h"
#include "boot/report.h"

#include <stdio.h>

enum {
	HF_CONFIG_FILE_BYTES_MAX = 1 << 20,
};

struct hf_config_report {
	struct hf_report found;
	/* Where each value was set. */
	struct hf_place unit[HF_CONFIG_UNIT_ROWS_MAX];
	struct hf_place lists[HF_CONFIG_SECTIONS]; /* "sources:", ... themselves */
	struct hf_place sources[HF_SOURCES_MAX][1 + HF_CONFIG_LIST_ROWS_MAX];
	struct hf_place cameras[HF_CAMERAS_MAX][1 + HF_CONFIG_LIST_ROWS_MAX];
	struct hf_place zones[HF_ZONES_MAX][1 + HF_CONFIG_LIST_ROWS_MAX];
	struct hf_place points[HF_ZONES_MAX];
	struct hf_place loitering[HF_ZONES_MAX];
	struct hf_place classes[HF_ZONES_MAX][HF_ZONE_CLASSES_MAX]; /* of its thresholds */
};

enum hf_code hf_config_load(const char *path, struct hf_config *ret_config,
			    struct hf_config_report *ret_report, struct hf_err *err) HF_MUST_CHECK;

/* The same for bytes that are in memory. path is used in messages; its folder for relative paths. */
enum hf_code hf_config_parse(const char *path, const char *text, size_t size_bytes,
			     struct hf_config *ret_config, struct hf_config_report *ret_report,
			     struct hf_err *err) HF_MUST_CHECK;

/* The place of a setting; row of a list's record: its index in its section. */
struct hf_place *hf_config_place(struct hf_config_report *report, enum hf_config_section section,
				 uint32_t index, const struct hf_config_row *row);
/* The place where a record of a list begins. */
struct hf_place *hf_config_record_place(struct hf_config_report *report,
					enum hf_config_section section, uint32_t index);

/* The configuration in effect, as YAML that loads again; at each value a comment says where it
 * comes from. Passwords in addresses are shown as ***. */
void hf_config_show(const struct hf_config *config, struct hf_config_report *report, FILE *stream);

/* The same as one JSON object: {"config":PATH,"unit":{KEY:{"value":V,"from":"default"|LINE}},...}. */
enum hf_code hf_config_show_json(const struct hf_config *config, struct hf_config_report *report,
				 FILE *stream, struct hf_err *err) HF_MUST_CHECK;

/* The annotated example: every setting with its default, range and help. */
void hf_config_example(FILE *stream);

/* The settings as JSON Schema (draft 2020-12), for editors that check while one types. */
enum hf_code hf_config_schema(FILE *stream, struct hf_err *err) HF_MUST_CHECK;
