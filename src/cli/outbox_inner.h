/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * outbox_inner - what the forms of `holdfast outbox` share. Nobody else includes it.
 *
 * Shape       One function a form; the return value is the exit code. DIR was
 *             opened before: ask->disk, and ask->folder in it.
 */
#include "base/disk.h"
#include "base/json.h"
#include "cli/cli.h"
#include "outbox/verify.h"

#include <stdio.h>

struct ask {
	const char *path;
	const char *run_path; /* of the control socket; NULL: PATH/run */
	const char *channel;
	const char *day;
	const char *out;
	bool json;
	bool follow;
	bool chain;
	bool force;
	bool yes;
	uint64_t lines;
	uint64_t from, through; /* 0: not given */
	bool has_key;
	uint8_t hub_key[HF_RECEIPT_KEY_BYTES];
	struct hf_disk *disk;
	const char *folder; /* HF_OUTBOX_FOLDER, or "." when DIR is the outbox itself */
	bool data;          /* DIR is a data folder */
};

/* What a verification tells, kept for a table or for JSON. */
struct told {
	const struct ask *ask;
	size_t finding_count;
	struct hf_finding *findings;
	size_t file_count;
	struct hf_verified_file *files;
	size_t gap_count;
	struct hf_verified_gap *gaps;
	bool no_memory;
	struct hf_verify_report report;
};

/* NULL: err says why. */
struct told *outbox_verify(const struct ask *ask, struct hf_err *err);
void outbox_told_free(struct told *told); /* NULL is fine */

int outbox_run_verify(const struct ask *ask);
int outbox_run_gaps(const struct ask *ask);
int outbox_run_stat(const struct ask *ask);
int outbox_run_tail(const struct ask *ask);
int outbox_run_export(const struct ask *ask);
int outbox_run_replay(const struct ask *ask);

/* "holdfast: TEXT"; HF_EXIT_FAILED. */
int outbox_fail(const struct hf_err *err);
/* What was written as one line; frees nothing. */
int outbox_json_print(struct hf_json *json);
/* null for 0. */
void outbox_json_seq(struct hf_json *json, const char *key, uint64_t seq);
/* Milliseconds since 1970 of 2026-04-20T02:17:33.123Z; -1 when it is not such a text. */
int64_t outbox_captured_ms(const struct hf_line *line);
