/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * judge - which state the unit is in, and why. A pure function: no clock, no I/O.
 *
 * Shape       In: what is known of each worker and which troubles stand. Out: a
 *             state and the reasons for it, the worst first. The state is
 *             derived from the reasons; the worst wins; all are shown.
 *
 * Numbers     A worker that failed HF_JUDGE_FAILURES_MAX times in a row without
 *             30 s of good running between is no longer "being restarted":
 *             the unit is degraded until it runs again.
 *
 * Limits      Only healthy, recovering and degraded are reached from here.
 *             The WAN is no input: a link that is down is recorded, and is
 *             never a matter of health.
 */
#include "base/err.h"
#include "shape/state.h"
#include "wire/proto.h"

enum {
	HF_JUDGE_FAILURES_MAX = 3,
	HF_JUDGE_TROUBLES_MAX = 16,
	HF_JUDGE_REASONS_MAX = 24,
	HF_JUDGE_NAME_BYTES = 96,
	HF_JUDGE_REASON_BYTES = 384, /* a longer one is cut */
	HF_JUDGE_WORKERS_MAX = HF_SOURCES_MAX + HF_INFER_WORKERS_MAX + 3,
};

enum hf_worker_condition {
	HF_WORKER_RUNNING = 1,
	HF_WORKER_STARTING,
	HF_WORKER_DOWN,  /* ended or killed, waits for its restart */
	HF_WORKER_STUCK, /* killed and does not end: nothing can take its place */
};

struct hf_judge_worker {
	enum hf_role role;
	uint32_t index;
	enum hf_worker_condition condition;
	uint32_t failures; /* in a row */
};

/* A standing trouble a worker reported: a source that is lost, a disk that is full. */
struct hf_judge_trouble {
	char name[HF_JUDGE_NAME_BYTES];  /* "source_lost gate-dvr": one of it at a time */
	char why[HF_JUDGE_REASON_BYTES]; /* "open /clips/x.avi: ..."; may be empty */
};

struct hf_judge_input {
	size_t worker_count;
	struct hf_judge_worker workers[HF_JUDGE_WORKERS_MAX];
	size_t trouble_count;
	struct hf_judge_trouble troubles[HF_JUDGE_TROUBLES_MAX];
};

struct hf_verdict {
	enum hf_state state;
	size_t reason_count;
	char reasons[HF_JUDGE_REASONS_MAX][HF_JUDGE_REASON_BYTES];
};

struct hf_verdict hf_judge(const struct hf_judge_input *input);
