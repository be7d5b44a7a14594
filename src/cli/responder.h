/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * responder - a unit's respond for a command: ticks and results in, offers out.
 *
 * Shape       Plays supervisor, ingest, infer and keeper for one `respond` in
 *             lockstep. A call tells one thing and returns when all that came
 *             of it was offered and acknowledged.
 *
 * Owners      hf_responder_close() ends the process. It also ends with this one.
 *
 * Errors      Those of the callbacks; of a respond that died or hangs, how, with
 *             the last line of its log. HF_E_AGAIN: interrupted() said so.
 */
#include "cli/hired.h"
#include "shape/tile.h"

struct hf_responder;

struct hf_responder_ops {
	void *context;
	/* An event: give it its number. */
	enum hf_code (*on_offer)(void *context, const struct hf_offer *offer,
				 uint64_t *ret_local_seq, struct hf_err *err);
	enum hf_code (*on_note)(void *context, const struct hf_note *note, struct hf_err *err);
	bool (*interrupted)(void *context);
};

struct hf_responder_options {
	const struct hf_hired_tree *tree; /* borrowed for the responder's life, as is config */
	const struct hf_config *config;
	uint32_t source;
	struct hf_hello hello; /* whom the events are by, and where pictures go */
	struct hf_responder_ops ops;
};

/* Starts it and waits until it is ready. */
enum hf_code hf_responder_open(const struct hf_responder_options *options,
			       struct hf_responder **ret_responder,
			       struct hf_err *err) HF_MUST_CHECK;
void hf_responder_close(struct hf_responder *responder); /* NULL is fine */

/* Where the pixels of the results are. Before the first of them. */
enum hf_code hf_responder_ring(struct hf_responder *responder, uint64_t ring_id, int ring_fd,
			       struct hf_err *err) HF_MUST_CHECK;

enum hf_code hf_responder_tick(struct hf_responder *responder, const struct hf_tick *tick,
			       struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_responder_result(struct hf_responder *responder, const struct hf_result *result,
				 struct hf_err *err) HF_MUST_CHECK;
