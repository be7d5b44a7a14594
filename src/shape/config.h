/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config - what the operator wants, checked, as one plain struct.
 *
 * Shape       No pointers: the supervisor puts it into a sealed memfd and every
 *             process maps it read-only. Made by boot/config.h from YAML.
 *             Members come from shape/config_tbl.h; below are only the lists
 *             and what was resolved (ids to indices).
 *
 * Owners      Whoever parsed it. Read-only afterwards.
 */
#include "base/err.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum hf_source_type {
	HF_SOURCE_FILE = 0,
	HF_SOURCE_V4L2,
	HF_SOURCE_RTSP,
};

struct hf_config_source {
#define HF_SECTION_SOURCE
#include "shape/config_fields.h"
};

struct hf_config_camera {
#define HF_SECTION_CAMERA
#include "shape/config_fields.h"
	uint32_t source; /* index */
};

struct hf_point {
	double x, y; /* fractions of the tile, 0..1, from the top left */
};

/* How long somebody, or something, may be in a zone. */
struct hf_config_dwell {
	char class_name[HF_CLASS_BYTES]; /* as the model pack calls it; empty: whatever it is */
	int64_t ms;                      /* 0: for ever */
};

struct hf_config_zone {
#define HF_SECTION_ZONE
#include "shape/config_fields.h"
	uint32_t camera;          /* index */
	uint32_t loitering_count; /* 0: nobody loiters here */
	struct hf_config_dwell loitering[HF_ZONE_CLASSES_MAX];
	uint32_t point_count;
	struct hf_point points[HF_ZONE_POINTS_MAX];
};

struct hf_config {
	uint32_t magic;
	uint32_t size_bytes; /* sizeof(struct hf_config) of the writer */
#define HF_SECTION_UNIT
#include "shape/config_fields.h"
	uint32_t source_count;
	uint32_t camera_count;
	uint32_t zone_count;
	struct hf_config_source sources[HF_SOURCES_MAX];
	struct hf_config_camera cameras[HF_CAMERAS_MAX];
	struct hf_config_zone zones[HF_ZONES_MAX];
};

enum {
	HF_CONFIG_MAGIC = 0x68664331, /* "hfC1" */
	HF_CONFIG_LOITERING_MS = 60000,
};

/* Every scalar at its default, no sources, cameras or zones. */
void hf_config_defaults(struct hf_config *ret_config);

/* What a process checks before it uses bytes it was handed: magic, size, counts, indices, ends of texts. */
enum hf_code hf_config_check(const struct hf_config *config, struct hf_err *err) HF_MUST_CHECK;

/* Of a zone that says nothing: people, HF_CONFIG_LOITERING_MS. */
void hf_config_loitering_default(struct hf_config_zone *ret_zone);

/* Which of the zone's thresholds is this class's? NULL: none, it may stay. Its own before the one
 * for all. */
const struct hf_config_dwell *hf_config_loitering_of(const struct hf_config_zone *zone,
						     const char *class_name);

/* The camera at a tile of a source; NULL when that tile has none. */
const struct hf_config_camera *hf_config_camera_at(const struct hf_config *config, uint32_t source,
						   uint32_t tile);
