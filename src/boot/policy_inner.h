/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy_inner - what the files of policy share. Private to them.
 *
 * policy_parse.c    the file: sections, signals, actions, the rest
 * policy_reasons.c  its reasons
 * policy_fields.c   one mapping against a table of its keys; numbers and budgets
 * policy_when.c     a condition's text
 * policy_range.c    what values a condition holds for
 * policy_check.c    what one value alone does not tell
 */
#include "boot/config_table.h"
#include "boot/policy.h"
#include "boot/yaml_file.h"

enum {
	HF_POLICY_SHOWN_BYTES = 96,
	HF_POLICY_FIELDS_MAX = 16,
};

/* What a bare number of a signal is in: its factor to the signal's own unit; 0: it needs a unit. */
struct hf_policy_units {
	int64_t factors[HF_SIGNAL_COUNT];
};

/* Where a reason's parts stand. Line 0: not there. */
struct hf_policy_reason_places {
	struct hf_place name, class_of, scope, workers, when, hold, settle, clear, clear_when,
		clear_hold, latch, ladder, recovering, holds, records_only;
	struct hf_place rungs[HF_POLICY_RUNGS_MAX];
	bool blind; /* unknown(required) */
};

struct hf_policy_action_places {
	struct hf_place name, budget, settle, verify, unavailable;
};

struct hf_policy_walk {
	yaml_document_t *document;
	struct hf_policy *policy;
	struct hf_report *report;
	struct hf_policy_units units;
	struct hf_place signals[HF_SIGNAL_COUNT];
	struct hf_policy_action_places actions[HF_ACTION_COUNT];
	struct hf_policy_reason_places reasons[HF_POLICY_REASONS_MAX];
	/* Kept until all of them are known: a condition needs the units of the signals. */
	const yaml_node_t *signals_node, *actions_node, *reasons_node;
	struct hf_place schema, name, signals_section, actions_section, reasons_section, flap,
		flap_window, safe_mode, actuate, auto_exit;
};

/* One mapping on its way into one record. */
struct hf_policy_target {
	struct hf_policy_walk *walk;
	const char *shown; /* "reasons.camera_lost" */
	void *record;
	unsigned index; /* of the reason, action or signal */
};

/* A key of a mapping: a plain value by its row, or by a function. */
struct hf_policy_field {
	struct hf_config_row row; /* key; without take also kind, offset and range */
	size_t place_offset;      /* of its struct hf_place in `places`; SIZE_MAX: not kept */
	void (*take)(const struct hf_policy_target *target, const char *shown,
		     struct hf_place place, const yaml_node_t *value);
};

/* policy_fields.c */
void hf_policy_take_fields(const struct hf_policy_target *target, const yaml_node_t *node,
			   const struct hf_policy_field *fields, size_t count, void *places);
/* The text of a scalar; NULL when it is none, which is reported. */
const char *hf_policy_text(struct hf_policy_walk *walk, const char *shown, const yaml_node_t *value,
			   const char *expected);
/* "SHOWN: there is no WHAT "TEXT"; did you mean ...?; HINT". names: of all there are. */
void hf_policy_unknown(struct hf_policy_walk *walk, struct hf_place place, const char *shown,
		       const char *what, const char *text, const char *(*name_of)(unsigned index),
		       unsigned count, const char *hint);
const char *hf_policy_class_name(unsigned index);
const char *hf_policy_action_name(unsigned index);
const char *hf_policy_signal_name(unsigned index);
/* "3/10m" */
bool hf_policy_take_budget(struct hf_policy_walk *walk, const char *shown, const yaml_node_t *value,
			   struct hf_budget *ret_budget);
/* By the row of a table. False: refused, which is reported. */
bool hf_policy_take_plain(struct hf_policy_walk *walk, const struct hf_config_row *row,
			  const char *shown, void *record, const yaml_node_t *value);
/* False: it is no mapping, which is reported. */
bool hf_policy_is_mapping(struct hf_policy_walk *walk, const char *shown, const yaml_node_t *node,
			  const char *example);

/* policy_reasons.c */
void hf_policy_take_reasons(struct hf_policy_walk *walk, const yaml_node_t *node);

/* policy_when.c */
struct hf_policy_when {
	struct hf_condition condition;
	bool required; /* it is unknown(required) */
	unsigned at;   /* on an error: character of the text, from 0 */
};
enum hf_code hf_policy_when_parse(const struct hf_policy_units *units, const char *text,
				  struct hf_policy_when *ret_when,
				  struct hf_err *err) HF_MUST_CHECK;
/* Where the file does not say otherwise: only what counts needs no unit. */
void hf_policy_units_standard(struct hf_policy_units *ret_units);
/* The factor of a unit's name for this signal; 0: it does not fit. */
int64_t hf_policy_unit_factor(enum hf_signal signal, const char *unit);
/* "ms, s, m, h or d": what fits. */
const char *hf_policy_unit_names(enum hf_signal signal);

/* policy_range.c */
/* Is there a value of each signal for which it holds? */
bool hf_condition_can_hold(const struct hf_condition *condition);
/* And for both at the same time? ret_example: of one signal that both are about, or empty. */
bool hf_conditions_meet(const struct hf_condition *one, const struct hf_condition *other,
			char ret_example[HF_POLICY_SHOWN_BYTES]);
/* Holds whenever the other does not and its signals are known. False: a term cannot be turned. */
bool hf_condition_negate(const struct hf_condition *condition, struct hf_condition *ret_negated);

/* policy_check.c */
void hf_policy_cross_check(struct hf_policy_walk *walk);
