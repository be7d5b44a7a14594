/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * borrow - a unit's ingest and infer for a command: a file in; results, ticks and notes out.
 *
 * Shape       Plays supervisor and respond for some `infer`, which stay for as
 *             many files as there are, and one `ingest` a file, so that a file
 *             that breaks its decoder breaks nothing else. All run in lockstep:
 *             nothing is paced and nothing dropped, however long it takes.
 *
 * Order       HF_LOCKSTEP_ALL, one infer: each result as it comes, in order.
 *             HF_LOCKSTEP_AS_LIVE: frame by frame. What was noted on a frame,
 *             its tick, its results in the order of the screen; then
 *             on_frame_end. Whoever hears it may take its time: ingest looks at
 *             one frame ahead and waits.
 *
 * Owners      hf_borrow_close() ends the processes. They also end with this one.
 *
 * Errors      Those of the file or the model, in the worker's own words; of a
 *             worker that died, how it ended and the last line of its log. After
 *             a worker died the next call starts new ones. HF_E_AGAIN from
 *             interrupted(): that.
 */
#include "cli/hired.h"
#include "shape/tile.h"
#include "wire/ring.h"

#include <stdbool.h>

struct hf_borrow;

struct hf_borrow_options {
	enum hf_lockstep lockstep;
	uint32_t infer_count; /* 1 .. HF_INFER_WORKERS_MAX */
};

/* An error from one of them ends the file. Each but on_result may be NULL. */
struct hf_borrow_ops {
	void *context;
	/* Before the first frame: where the pixels will be. */
	enum hf_code (*on_ring)(void *context, uint64_t ring_id, int ring_fd, struct hf_err *err);
	/* Something that was seen on the frame whose tick comes next, or on none. */
	enum hf_code (*on_note)(void *context, const struct hf_note *note, struct hf_err *err);
	enum hf_code (*on_tick)(void *context, const struct hf_tick *tick, struct hf_err *err);
	/* The pixels are still in the ring, most likely. */
	enum hf_code (*on_result)(void *context, const struct hf_result *result,
				  const struct hf_ring *ring, struct hf_err *err);
	enum hf_code (*on_frame_end)(void *context, struct hf_err *err);
	/* What ingest tells about itself, a JSON object. */
	void (*on_stats)(void *context, const char *text, size_t size_bytes);
	/* Asked now and then: is somebody in a hurry to end this? */
	bool (*interrupted)(void *context);
};

/* Finds the programs; starts nothing yet. */
enum hf_code hf_borrow_open(const struct hf_borrow_options *options, struct hf_borrow **ret_borrow,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_borrow_close(struct hf_borrow *borrow); /* NULL is fine */

const struct hf_hired_tree *hf_borrow_tree(const struct hf_borrow *borrow);

/* Run the file of config's source to its end. The infers of the first call are those of the
 * others: of config they read what is about the model. */
enum hf_code hf_borrow_run(struct hf_borrow *borrow, const struct hf_config *config,
			   uint32_t source, const struct hf_borrow_ops *ops,
			   struct hf_err *err) HF_MUST_CHECK;
