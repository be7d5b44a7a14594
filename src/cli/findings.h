/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * findings - what `holdfast analyze` tells a person: a row an event, and what it came to.
 *
 * Shape       Rows as they come:
 *               TIME     CAMERA  ZONE  EVENT                  DWELL  SCORE
 *               00:12.4  Gate    door  pre_action_zone_entry   0.4s   0.87
 *             and a closing table, a row a zone of the source's cameras.
 *
 * Numbers     TIME is the time in the clip. Looks: tiles that the detector
 *             was given. Shown: frames on which the camera's tile was on the
 *             screen and was watched.
 *
 * Limits      HF_FINDINGS_KINDS_MAX different (camera, zone, event); the events
 *             of any more are counted together.
 */
#include "shape/config.h"
#include "shape/tile.h"

#include <stdio.h>

enum {
	HF_FINDINGS_KINDS_MAX = 512,
};

struct hf_findings_kind {
	char camera[HF_ID_BYTES]; /* its id; empty: of no camera */
	char zone[HF_ID_BYTES];
	char event_class[HF_ID_BYTES];
	uint64_t count;
};

struct hf_findings {
	const struct hf_config *config; /* borrowed */
	uint32_t source;
	uint64_t events, frames, frames_paused;
	uint64_t looks[HF_CAMERAS_MAX], looks_failed, shown[HF_CAMERAS_MAX];
	enum hf_layout layout; /* the last that was known */
	uint32_t kind_count;
	struct hf_findings_kind kinds[HF_FINDINGS_KINDS_MAX];
	uint64_t other_kinds;
};

void hf_findings_tick(struct hf_findings *findings, const struct hf_tick *tick);
void hf_findings_result(struct hf_findings *findings, const struct hf_result *result);
/* One line of the outbox's shape, as it stands. */
void hf_findings_event(struct hf_findings *findings, const char *line, size_t size_bytes);

void hf_findings_print_head(const struct hf_findings *findings, FILE *stream, bool colour);
void hf_findings_print_event(const struct hf_findings *findings, const char *line,
			     size_t size_bytes, FILE *stream, bool colour);
void hf_findings_print_sum(const struct hf_findings *findings, FILE *stream, bool colour);

/* What a person should know before believing that there was nothing: a line each. */
void hf_findings_print_doubts(const struct hf_findings *findings, FILE *stream);
