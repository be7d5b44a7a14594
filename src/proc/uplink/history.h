/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * history - what the hub says about this unit's history, and what follows from it.
 *
 * Shape       Receipts (outbox/receipt.h) are compared with our own lines and kept. Where the
 *             hub has another history than ours, keeper is told (HF_MSG_FORK); it redraws the
 *             epoch and says FORKED, and meta/forks then says where the lines go.
 *
 * Durability  A receipt is stored at most once a second while they come, and at the end; the
 *             last one of an epoch always. One that was not stored yet is lost with the process,
 *             and the next answer brings another.
 *
 * Errors      Nothing in here holds a delivery up. A receipt that does not verify is counted and
 *             logged; a disk that refuses one is logged.
 */
#include "outbox/forks.h"
#include "proc/common/worker.h"
#include "proc/uplink/notes.h"
#include "uplink/answer.h"

struct hf_history {
	struct hf_disk *disk;
	struct hf_worker *worker;
	struct hf_notes *notes;
	struct hf_forks forks;

	bool pinned;
	uint8_t key[HF_RECEIPT_KEY_BYTES];   /* the pinned one */
	uint8_t other[HF_RECEIPT_KEY_BYTES]; /* that was told of last; zeros: none */
	bool pending;
	struct hf_receipt receipt;
	char device_id[HF_ID_BYTES];
	char epoch[HF_EPOCH_BYTES];
	struct hf_mono store_due;
	uint64_t stored;
	uint64_t bad;

	bool asking; /* keeper did not take it yet */
	struct hf_fork_note ask;
	struct hf_mono ask_again; /* about a mark or a receipt */
};

/* What the answer is about. */
struct hf_history_about {
	const char *device_id;
	const char *epoch;        /* under which the hub keeps these lines */
	const uint8_t *own_chain; /* of our line with the receipt's number; NULL: not at hand */
	uint64_t first_seq;
	uint64_t committed; /* the last number this unit ever wrote */
};

/* notes, worker and disk outlive it. */
void hf_history_open(struct hf_history *history, struct hf_disk *disk, struct hf_worker *worker,
		     struct hf_notes *notes);

/* keeper has said, or may have said, where lines go. */
void hf_history_forks_changed(struct hf_history *history);

/* Take an answer in. */
void hf_history_answer(struct hf_history *history, const struct hf_answer *answer,
		       const struct hf_history_about *about);

/* Store what is due, ask what is to be asked. at_once: the end of the process. */
void hf_history_turn(struct hf_history *history, bool at_once);
