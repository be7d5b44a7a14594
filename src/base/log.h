/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * log - one line to stderr: level, stable event name, key=value.
 *
 * Shape       "<6>ingest: source_opened path=... width=1920": the priority
 *             prefix is written only where stderr is not a terminal (systemd
 *             reads it). A terminal gets colour unless NO_COLOR is set.
 *
 * Owners      Rooms do not log; they return. The process that decides logs,
 *             once. The only global state of the project.
 *
 * Limits      A line is cut at 1 KiB; newlines inside become spaces, so one
 *             call is one line and one write().
 */
#include "base/err.h"

enum hf_log_level {
	HF_LOG_ERROR = 3,
	HF_LOG_WARN = 4,
	HF_LOG_INFO = 6,
	HF_LOG_DEBUG = 7,
};

/* role is kept, not copied: a literal. The level comes from HOLDFAST_LOG
 * (error, warn, info, debug) and is info when that is not set. */
void hf_log_open(const char *role);

/* event: lower_snake, stable, greppable. detail: key=value pairs, or a sentence
 * when a person must act. */
void hf_log(enum hf_log_level level, const char *event, const char *format, ...) HF_PRINTF(3, 4);
