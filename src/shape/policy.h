/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy - the rules of recovery, checked, as one plain struct.
 *
 * Shape       No pointers: made of YAML by boot/policy.h in a short-lived child,
 *             handed on as bytes, read by recover/machine.h. Indices refer to
 *             the lists of the same struct.
 *
 *             A reason is bad while its `when` holds, clear while its `clear`
 *             does, and neither between the two. A term compares one signal with
 *             a number; the terms of a condition are joined by "and" or by "or".
 *             A reason is about one thing (scope): its signals are of that
 *             scope or of the unit. A reason of class blind without terms is bad
 *             while a required signal of its scope is not known, and clear else.
 *
 * Numbers     Durations in ms of powered-on time. A budget of {count, window}
 *             allows count uses in any window of that length; an action may
 *             have two. refill: how fast a hold that was begun runs back while
 *             the reason is not bad, in thousandths of real time.
 *
 * Limits      The HF_POLICY_..._MAX below.
 */
#include "base/err.h"
#include "shape/limits.h"
#include "shape/signal.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_POLICY_MAGIC = 0x68665031, /* "hfP1" */
	HF_POLICY_REASONS_MAX = 48,
	HF_POLICY_TERMS_MAX = 4,
	HF_POLICY_RUNGS_MAX = 8,
	HF_POLICY_BUDGETS_MAX = 2,
	HF_POLICY_NAME_BYTES = 32,
	HF_POLICY_USES_MAX = 100, /* what a budget may count */
	HF_POLICY_WAITS_MAX = 4,
	/* Supervised children: sources, detectors, respond, keeper, uplink. */
	HF_WORKERS_MAX = HF_SOURCES_MAX + HF_INFER_WORKERS_MAX + 4,
};

enum hf_action {
#define HF_ACTION(id, name, kind, scope, impact, destroys, help) HF_ACTION_##id,
#include "shape/action_tbl.h"
	HF_ACTION_COUNT,
};

enum hf_action_kind {
	HF_ACTION_MODE = 0,
	HF_ACTION_ONCE,
};

/* What is gone after an action, so that it must have been kept before. */
enum hf_destroys {
	HF_DESTROYS_PROCESS = 1, /* what a process held in memory */
	HF_DESTROYS_DEVICE = 2,  /* what the kernel and the accelerator knew */
};

/* From this impact on an action waits until the device state is stored, and is refused while it
 * cannot be. */
enum {
	HF_IMPACT_STORED = 50,
};

enum hf_class {
#define HF_CLASS(id, name, actions, help) HF_CLASS_##id,
#include "shape/class_tbl.h"
	HF_CLASS_COUNT,
};

enum hf_compare {
	HF_COMPARE_ABOVE = 0, /* > */
	HF_COMPARE_AT_LEAST,  /* >= */
	HF_COMPARE_BELOW,     /* < */
	HF_COMPARE_AT_MOST,   /* <= */
	HF_COMPARE_EQUAL,     /* == */
};

struct hf_term {
	uint16_t signal; /* enum hf_signal */
	uint16_t compare;
	int64_t value;
};

struct hf_condition {
	uint8_t term_count; /* 0: never */
	bool any;           /* terms joined by "or"; else by "and" */
	bool unknown;       /* holds, too, when one of its signals is not known for its stale_ms */
	struct hf_term terms[HF_POLICY_TERMS_MAX];
};

enum hf_latch {
	HF_LATCH_AUTO = 0, /* over when clear has held for clear_hold_ms */
	HF_LATCH_OPERATOR, /* over when an operator says so, and it is clear */
	HF_LATCH_REBOOT,   /* over with the next boot */
	HF_LATCH_RELEASE,  /* over with another release */
};

struct hf_budget {
	uint32_t count; /* 0: no budget of that number */
	uint32_t reserved;
	int64_t window_ms;
};

struct hf_policy_reason {
	char name[HF_POLICY_NAME_BYTES];
	uint8_t class_of;  /* enum hf_class */
	uint8_t scope;     /* enum hf_scope */
	uint8_t latch;     /* enum hf_latch */
	bool recovering;   /* while active the state is recovering, not degraded (a start) */
	bool holds;        /* while active nothing is decided in its scope */
	bool records_only; /* shown, changes no state, does nothing (link) */
	uint8_t rung_count;
	uint8_t ladder[HF_POLICY_RUNGS_MAX]; /* enum hf_action, in rising impact */
	uint32_t line;                       /* in the file */
	struct hf_condition when;
	struct hf_condition clear;
	int64_t hold_ms;
	int64_t clear_hold_ms;
	int64_t settle_ms; /* so long at least after an action its signals say nothing about it */
	uint32_t refill_permille;
	uint32_t workers; /* scope worker: of whom, bits 1 << enum hf_role; 0: of each */
};

struct hf_policy_action {
	bool listed;      /* named in the file */
	bool unavailable; /* nothing to perform it with; why says so */
	uint8_t impact;
	uint8_t destroys;
	uint32_t line;
	struct hf_budget budgets[HF_POLICY_BUDGETS_MAX];
	int64_t settle_ms; /* after it, before its effect is judged */
	int64_t verify_ms; /* how long its reason must not be bad, from then on, to call it a success */
	int64_t hold_ms;                       /* a MODE: stays at least so long */
	int64_t uptime_ms;                     /* only after so much time since the boot */
	int64_t deadline_ms;                   /* to report that it is done; later is failed */
	int64_t waits_ms[HF_POLICY_WAITS_MAX]; /* before the first, second, ... try in an episode;
						* as many tries as there are */
	char why[HF_POLICY_NAME_BYTES * 3];    /* unavailable: why */
};

struct hf_policy {
	uint32_t magic;
	uint32_t size_bytes;
	char name[HF_POLICY_NAME_BYTES];
	bool shadow; /* decide and tell, do not act; a dead worker is started again all the same */
	uint8_t reason_count;
	struct hf_policy_reason reasons[HF_POLICY_REASONS_MAX];
	struct hf_policy_action actions[HF_ACTION_COUNT];
	struct {
		int64_t stale_ms;
		bool required; /* unknown for stale_ms: reason "blind" */
	} signals[HF_SIGNAL_COUNT];
	int64_t episode_ms;         /* an episode is forgotten so long after its reason was over */
	uint32_t flap_entries;      /* so many entries ... */
	uint32_t flap_shift_max;    /* double clear_hold_ms at most so often */
	int64_t flap_window_ms;     /* ... within this */
	bool safe_actuate;          /* always false: checked, never assumed */
	uint32_t safe_exit_classes; /* bits 1 << enum hf_class: may be left without an operator */
	int64_t safe_exit_healthy_ms;
	struct hf_budget safe_exit_budget;
};

const char *hf_action_name(enum hf_action action);
enum hf_action hf_action_find(const char *name); /* HF_ACTION_COUNT: there is none */
enum hf_action_kind hf_action_kind(enum hf_action action);
enum hf_scope hf_action_scope(enum hf_action action);
uint8_t hf_action_impact(enum hf_action action);
uint8_t hf_action_destroys(enum hf_action action);
const char *hf_action_help(enum hf_action action);

const char *hf_class_name(enum hf_class class_of);
enum hf_class hf_class_find(const char *name); /* HF_CLASS_COUNT: there is none */
const char *hf_class_help(enum hf_class class_of);
/* May a reason of this class do this at all? Restarts and reboots do not free a disk, cool a
 * processor or mend a link. */
bool hf_class_allows(enum hf_class class_of, enum hf_action action);

const char *hf_latch_name(enum hf_latch latch);

/* The number of the reason of that name; reason_count: there is none. */
unsigned hf_policy_find(const struct hf_policy *policy, const char *name);

/* What a process checks before it uses bytes it was handed: magic, size, counts, indices, ranges. */
enum hf_code hf_policy_check(const struct hf_policy *policy, struct hf_err *err) HF_MUST_CHECK;
