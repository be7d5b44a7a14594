/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * signal - one thing that is watched: a value, or the plain fact that it is not known.
 *
 * Shape       What there is stands in signal_tbl.h. A sample is a signal of one
 *             worker, source, camera or of the unit as a whole.
 *
 * Numbers     Whole numbers in the signal's unit. scope is the number of the
 *             child (in the supervisor's order), source or camera; 0 for the
 *             unit. UNKNOWN is not "fine": who could not look says so.
 */
#include <stdbool.h>
#include <stdint.h>

enum hf_signal {
#define HF_SIGNAL(id, name, whose, unit, help) HF_SIGNAL_##id,
#include "shape/signal_tbl.h"
	HF_SIGNAL_COUNT,
};

/* Whose a signal is, and what a reason or an action is about. */
enum hf_scope {
	HF_SCOPE_UNIT = 0,
	HF_SCOPE_WORKER,
	HF_SCOPE_SOURCE,
	HF_SCOPE_CAMERA,
	HF_SCOPE_COUNT,
};

enum hf_signal_unit {
	HF_UNIT_MS = 0,
	HF_UNIT_COUNT, /* a number of things */
	HF_UNIT_PERMILLE,
	HF_UNIT_FLAG,
	HF_UNIT_CELSIUS,
};

struct hf_sample {
	uint16_t signal; /* enum hf_signal */
	uint8_t scope;   /* which worker, source or camera */
	bool unknown;    /* value means nothing */
	int64_t value;
};

const char *hf_signal_name(enum hf_signal signal);
enum hf_scope hf_signal_scope(enum hf_signal signal);
enum hf_signal_unit hf_signal_unit(enum hf_signal signal);
const char *hf_signal_help(enum hf_signal signal);
/* HF_SIGNAL_COUNT: there is none of this name. */
enum hf_signal hf_signal_find(const char *name);

/* "unit", "worker", "source", "camera" */
const char *hf_scope_name(enum hf_scope scope);
/* "ms", "count", "permille", "flag", "celsius" */
const char *hf_signal_unit_name(enum hf_signal_unit unit);
