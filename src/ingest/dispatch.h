/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * dispatch - which tile is looked at next, and by whom.
 *
 * Shape       Pure: no clock, no sockets. A tile is wanted, waits, is sent to a
 *             worker, and is done or lost. A waiting tile has no pixels of its
 *             own: they are cut when it is sent, from the newest frame, so a
 *             look is never older than it must be.
 *
 * Numbers     A worker has HF_DISPATCH_CREDIT jobs at most; a second one lies
 *             ready while it works on the first. Next is the tile with the
 *             greatest wait x priority, so that none waits for ever; the wait for
 *             another look at somebody who stands still counts a
 *             HF_DISPATCH_OCCUPIED_PART: what moves goes first. A tile is
 *             with one worker at a time, results stay in order; but one that
 *             does not come back within HF_DISPATCH_STUCK_MS holds nobody up.
 *
 *             At a rate below 1000 permille of the looks that are wanted, those of
 *             cameras with a low priority are left out first, evenly among
 *             equals. None goes below HF_DISPATCH_LEAST_PERMILLE of its own, and
 *             a full look, which is rare, is never left out. jobs_shed counts.
 *
 *             jobs_dropped: a waiting look whose frame was replaced by a newer
 *             one. jobs_lost: it was with a worker that died; the tile is wanted
 *             again with the next frame.
 *
 * Lockstep    One credit a worker, tiles in the order of the screen. Job numbers
 *             follow it, so that whoever hears of two workers can put their
 *             results in order; those of one come in it. Nothing is dropped: a new frame may only come when
 *             hf_dispatch_idle(). A lost job is sent again at once, but no more
 *             than HF_DISPATCH_ATTEMPTS times: a tile that kills the detector
 *             must not do so for ever.
 *
 * Errors      done(): INVALID for a job that is not with that worker. That
 *             condemns the worker's link.
 */
#include "base/clock.h"
#include "base/err.h"
#include "shape/tile.h"

enum {
	HF_DISPATCH_CREDIT = 2,
	HF_DISPATCH_STUCK_MS = 1000,
	HF_DISPATCH_ATTEMPTS = 2,
	HF_DISPATCH_OCCUPIED_PART = 4,
	HF_DISPATCH_LEAST_PERMILLE = 50,
};

struct hf_dispatch_job {
	uint64_t job_id; /* 0: a free place */
	uint32_t tile;
	enum hf_look look;
	struct hf_mono captured, sent;
};

struct hf_dispatch_tile {
	uint32_t look;     /* enum hf_look; 0: not wanted */
	enum hf_look lost; /* to be wanted again with the next frame */
	unsigned attempts; /* at this look, lockstep */
	int64_t priority;
	bool admitted;            /* this look was not left out */
	uint32_t earned_permille; /* of the next one */
	struct hf_mono since;
	struct hf_mono sent;
};

struct hf_dispatch {
	bool lockstep;
	uint64_t jobs_sent, jobs_dropped, jobs_lost, jobs_shed;
	uint64_t next_job_id;
	struct hf_dispatch_tile tiles[HF_TILES_MAX];
	struct {
		bool up;
		struct hf_dispatch_job jobs[HF_DISPATCH_CREDIT];
	} workers[HF_INFER_WORKERS_MAX];
};

struct hf_dispatch_choice {
	uint32_t tile, worker;
	enum hf_look look;
};

struct hf_dispatch hf_dispatch_begin(bool lockstep);

void hf_dispatch_worker_up(struct hf_dispatch *dispatch, uint32_t worker);
/* What it had is lost. */
void hf_dispatch_worker_down(struct hf_dispatch *dispatch, uint32_t worker);

/* A newer frame is there: before this frame's wants. */
void hf_dispatch_frame(struct hf_dispatch *dispatch, struct hf_mono now);
void hf_dispatch_want(struct hf_dispatch *dispatch, uint32_t tile, enum hf_look look,
		      int64_t priority, struct hf_mono now);
/* After this frame's wants: leave out what is too much at this rate. Nothing in lockstep. */
void hf_dispatch_shed(struct hf_dispatch *dispatch, uint32_t rate_permille);
/* This tile cannot be cut: it no longer waits. */
void hf_dispatch_give_up(struct hf_dispatch *dispatch, uint32_t tile);
/* The tiles are no longer what they were: nothing waits any more. */
void hf_dispatch_forget(struct hf_dispatch *dispatch);

/* False: nobody is free, or nothing is wanted. */
bool hf_dispatch_next(const struct hf_dispatch *dispatch, struct hf_mono now,
		      struct hf_dispatch_choice *ret_choice);
/* The number the next job will have. */
uint64_t hf_dispatch_job_id(const struct hf_dispatch *dispatch);
void hf_dispatch_sent(struct hf_dispatch *dispatch, const struct hf_dispatch_choice *choice,
		      struct hf_mono captured, struct hf_mono now);
enum hf_code hf_dispatch_done(struct hf_dispatch *dispatch, uint32_t worker, uint64_t job_id,
			      struct hf_dispatch_job *ret_job, struct hf_err *err) HF_MUST_CHECK;

/* Nothing is wanted and nothing is out. */
bool hf_dispatch_idle(const struct hf_dispatch *dispatch);
