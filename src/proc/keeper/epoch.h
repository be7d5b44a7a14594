/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * epoch - the name of this unit's history, and how it is left.
 *
 * Shape       identity/epoch (0600): 16 hexadecimal digits, drawn at the first start.
 *             identity/hardware (0600): the serial number of the machine it was drawn on.
 *             meta/forks (outbox/forks.h): the redraws.
 *
 * Method      A redraw is five steps, each flushed before the next: the entry in meta/forks,
 *             identity/hardware where that was the reason, identity/epoch, a new day file with
 *             the event epoch_redrawn, and "told" in the entry. The first decides: whatever dies
 *             after it, the next start finds an entry that is not told and does the rest.
 *             meta/forks is the truth of the epoch, identity/epoch its shadow.
 *             Before the first, nothing has happened, and the reason is still there: the hub
 *             refuses again, the cursor is still ahead, the hardware is still another.
 *             A note of the uplink names the epoch it is about. One that was left already asks for
 *             no redraw; at most the entry that left it begins at a lower number. So the same
 *             conflict, told twice or by two uplinks, moves the unit once.
 *
 * Limits      Redraws that the hub asks for: the first at once, then at most one a minute, two
 *             minutes, ... an hour. A hub that refuses everything is not worth a file each time.
 */
#include "base/clock.h"
#include "outbox/forks.h"
#include "outbox/writer.h"
#include "wire/proto.h"

struct epoch {
	struct hf_disk *disk;
	const struct hf_clock *clock;
	char identity_path[HF_PATH_BYTES + 16];
	char hardware[HF_ID_BYTES]; /* empty: nothing that tells this machine from another */
	char now[HF_EPOCH_BYTES];
	struct hf_forks forks;
	bool announced;  /* the writer knows of the last entry */
	bool unfinished; /* the log has it */
	bool changed;    /* uplink should hear of it */
	struct hf_mono redraw_after;
	int64_t pause_ms;
};

/* Before the outbox is opened: which epoch its lines carry. */
enum hf_code epoch_open(struct epoch *epoch, struct hf_disk *disk, const struct hf_clock *clock,
			const struct hf_hello *hello, struct hf_err *err) HF_MUST_CHECK;

/* The outbox is open: does this unit have to leave its epoch? cursor: the hub's; seq_last: of the
 * last line found. */
void epoch_settle(struct epoch *epoch, struct hf_outbox *outbox, uint64_t seq_last);

/* What the hub said. */
void epoch_note(struct epoch *epoch, struct hf_outbox *outbox, const struct hf_fork_note *note,
		uint64_t acked_through);

/* Do what is left of a redraw; cheap when nothing is. */
void epoch_upkeep(struct epoch *epoch, struct hf_outbox *outbox);
