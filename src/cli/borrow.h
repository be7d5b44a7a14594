/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * borrow - ingest and infer for a command: a file in, results out, no daemon.
 *
 * Shape       Plays supervisor and respond for one `infer`, which stays for as
 *             many files as there are, and one `ingest` a file, so that a file
 *             that breaks its decoder breaks nothing else. Both run in lockstep:
 *             every frame is looked at, none is dropped, however long it takes.
 *             The whole picture is one tile.
 *
 * Owners      hf_borrow_close() ends the processes. They also end with this one.
 *
 * Errors      Those of the file or the model, in the worker's own words; of a
 *             worker that died, how it ended and the last line of its log. After
 *             a worker died the next call starts a new one.
 */
#include "shape/tile.h"
#include "wire/ring.h"

#include <stdbool.h>

struct hf_borrow;

struct hf_borrow_options {
	const char *model_path; /* NULL: the one that was installed */
	double score_low;       /* weaker detections are not told; 0.01 .. 1 */
};

struct hf_borrow_ops {
	void *context;
	/* Each frame in turn. Its pixels are still in the ring, most likely. An error ends the
	 * file. */
	enum hf_code (*on_result)(void *context, const struct hf_result *result,
				  const struct hf_ring *ring, struct hf_err *err);
};

/* Finds the programs and the model; starts nothing yet. */
enum hf_code hf_borrow_open(const struct hf_borrow_options *options, struct hf_borrow **ret_borrow,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_borrow_close(struct hf_borrow *borrow); /* NULL is fine */

/* Where the model pack is, or should be. */
const char *hf_borrow_model_path(const struct hf_borrow *borrow);

/* Run one file to its end. */
enum hf_code hf_borrow_file(struct hf_borrow *borrow, const char *path,
			    const struct hf_borrow_ops *ops, struct hf_err *err) HF_MUST_CHECK;
