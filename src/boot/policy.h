/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy - the rules of recovery as people write them, read whole, checked whole, as one struct.
 *
 * Shape       YAML without anchors, aliases, tags and further documents:
 *
 *             schema: holdfast.policy/1
 *             name: default
 *             mode: enforce              # or shadow
 *             signals:                   # all are optional but for those that must be required
 *               camera.frame_age: {unit: s, stale_after: 3s, required: true}
 *             reasons:
 *               camera_lost:
 *                 class: sensor
 *                 when: camera.frame_age > 5s
 *                 hold: 0s
 *                 settle: 0s             # beside the action's: how long its signals lag behind
 *                 clear: {when: camera.frame_age < 1s, hold: 60s, refill: 0.25}
 *                 latch: auto            # auto | operator | reboot | release
 *                 ladder: [hold_camera]
 *             actions:
 *               restart_worker: {budget: [3/10m, 12/24h], settle: 5s, verify: 30s}
 *               reset_accelerator: {unavailable: "why"}
 *             flap: {entries: 4, window: 10m, doublings: 3}
 *             episode: 10m
 *             safe_mode: {actuate: false, auto_exit: {classes: [sensor], healthy: 30m, max: 1/24h}}
 *
 *             A condition is TERM, TERM and TERM ..., or TERM or TERM ...; a
 *             TERM is SIGNAL OP NUMBER, FLAG, not FLAG, or unknown(SIGNAL).
 *             unknown(required) alone is the condition of class blind. Without
 *             clear.when a latched reason is clear when it is not bad.
 *
 * Errors      HF_E_INVALID: the report says what is wrong, each with its line and
 *             column, why it matters and what to do; err has the first of them.
 *             HF_E_NOENT, HF_E_DENIED, HF_E_IO: the file cannot be read.
 *             HF_E_LIMIT: it is larger than HF_POLICY_FILE_BYTES_MAX.
 *             *ret_policy is written on HF_OK only, *ret_report always.
 *             What is accepted passes hf_policy_check().
 *
 * Owners      Parses bytes from outside: the supervisor runs it in a child
 *             (libexec/holdfast/config --policy), never in its own address space.
 *
 * Limits      HF_POLICY_FILE_BYTES_MAX, those of yaml_file.h and shape/policy.h.
 */
#include "boot/report.h"
#include "shape/policy.h"

enum {
	HF_POLICY_FILE_BYTES_MAX = 256 * 1024,
	/* Signals come at least so often: a shorter time cannot be told from one look. */
	HF_POLICY_SAMPLE_MS = 1000,
	/* From the crash of a worker to its next life, its last words included, at the worst. */
	HF_POLICY_CRASH_MS = 12000,
	/* Windows in which crashes are counted are at least so much longer, or a loop of the
	 * slowest kind never reaches the count. */
	HF_POLICY_CRASHES_IN_WINDOW = 10,
};

enum hf_code hf_policy_load(const char *path, struct hf_policy *ret_policy,
			    struct hf_report *ret_report, struct hf_err *err) HF_MUST_CHECK;

/* The same for bytes that are in memory; path is used in messages. */
enum hf_code hf_policy_parse(const char *path, const char *text, size_t size_bytes,
			     struct hf_policy *ret_policy, struct hf_report *ret_report,
			     struct hf_err *err) HF_MUST_CHECK;

/* The policy that comes with the build, as the bytes of its file. */
const char *hf_policy_standard(size_t *ret_size_bytes);
