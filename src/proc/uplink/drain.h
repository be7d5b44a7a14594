/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * drain - the hub channel at work: lines from the outbox to the hub, in order.
 *
 * Shape       main calls wait(), dispatches the worker's messages, then turn();
 *             nothing in here blocks but the flushes of two small files, which
 *             are announced on the pulse page.
 *
 * Files       meta/ack_local_seq  the cursor: stored at most once a second while
 *                                 it moves, and at the end; keeper hears of it
 *                                 only after that.
 *             identity/receipts/  what the hub countersigned (history.h).
 *             meta/retry_state    failures in a row and what is left of the wait.
 *
 * Durability  The cursor is a lower bound. What was delivered after its last
 *             store is sent again; the hub drops it by its number. It is not
 *             stored while a note waits for the supervisor.
 *
 * Errors      A hub address that cannot be used is told once (uplink_blocked)
 *             and waited out: only a new configuration helps. A disk that
 *             refuses the two files is logged and asked again.
 */
#include "proc/common/worker.h"

struct hf_drain;

/* worker outlives it. */
enum hf_code hf_drain_open(struct hf_worker *worker, struct hf_drain **ret_drain,
			   struct hf_err *err) HF_MUST_CHECK;
/* Stores the cursor. NULL is fine. */
void hf_drain_close(struct hf_drain *drain);

/* Wait for the network, for one of fds, or until something is due. */
void hf_drain_wait(struct hf_drain *drain, const struct pollfd *fds, size_t fd_count);
/* Go on with whatever can be done. */
void hf_drain_turn(struct hf_drain *drain);

/* keeper is another one: look at its watermark anew and tell it the cursor again. */
void hf_drain_keeper_plugged(struct hf_drain *drain);

/* Send what was delivered from this number on (through_seq 0: all of it) once more: the cursor goes
 * back, and behind through_seq to where it was. Told keeper as ever: it keeps those files. */
void hf_drain_replay(struct hf_drain *drain, uint64_t from_seq, uint64_t through_seq);

/* keeper says that lines go another way than before. */
void hf_drain_forked(struct hf_drain *drain);

/* One JSON object. */
void hf_drain_stats(struct hf_drain *drain, char *ret_json, size_t size_bytes);
