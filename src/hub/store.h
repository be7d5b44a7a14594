/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * store - what the hub keeps, whatever keeps it.
 *
 * Shape       A unit is a device_id; its numbers are unique within an epoch. Each stored line
 *             has a row: the order in which this hub committed it, from 1, without holes. A
 *             gap is a range of numbers of one epoch that never came.
 *
 * Numbers     For each (device, epoch) a mark: the highest number stored. A line at mark + 1 is
 *             appended. A line above is appended and the numbers between are a gap. A line at
 *             or below the mark is a duplicate when its CRC is the stored one, a conflict when
 *             it is another, and closes its place in the gap when none is stored. The first
 *             line of a new epoch goes on from the mark of the device's epochs so far: numbers
 *             go on when an epoch is redrawn.
 *
 * Chain       A line at mark + 1 must continue the chain of the line before it. After a gap the
 *             unit may have passed numbers over (then the chain goes on from the stored line) or
 *             a line is missing (then it cannot be checked): such a line is stored and counted as
 *             unchecked. A line in a gap must fit its neighbours. The first line that names an
 *             epoch begins a chain, or continues a line of the device that is stored under
 *             another epoch; else it cannot be checked.
 *             A line that does not continue is a fork: two histories under one name, or a log
 *             that was altered. It is refused like a conflict. Lines of a request that says
 *             Forked-From have been refused once already and come under a new epoch: what breaks
 *             among them is stored, and counted.
 *
 * Durability  ingest() returns HF_OK when the whole batch survives a power cut: one transaction
 *             a call, all lines or none.
 *
 * Owners      One thread. Rows handed to a callback are valid during that call.
 *
 * Errors      ingest(): HF_E_INVALID is a conflict: another event already has that number
 *             (ret_result->conflict_seq), or a fork (the same, with ret_result->fork); nothing is
 *             stored, and it is counted. HF_E_NOSPACE,
 *             HF_E_AGAIN, HF_E_IO: nothing is acknowledged, the same batch may be offered again; after
 *             HF_E_IO the store opens its medium anew before the next call. HF_E_CORRUPT: an
 *             operator must look.
 *             A callback that returns anything but HF_OK ends the listing with that code.
 *
 * Limits      events() looks at no more than HF_STORE_SCAN_ROWS rows a call, so that a rare
 *             class cannot keep the writer waiting; the answer says from where to go on.
 */
#include "base/clock.h"
#include "base/err.h"
#include "hub/intake.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_STORE_SCAN_ROWS = 10000,
	HF_STORE_DEVICES_MAX = 10000,
	HF_STORE_GAPS_MAX = 1000,
};

struct hf_ingest_result {
	uint64_t acked_through; /* the last number of the batch */
	uint64_t stored;
	uint64_t duplicates;
	uint64_t mark;         /* highest number of this device and epoch */
	uint64_t conflict_seq; /* with HF_E_INVALID */
	bool fork;             /* likewise: it is the chain that does not go on there */
};

enum hf_event_direction {
	HF_EVENTS_NEWEST, /* the newest rows there are */
	HF_EVENTS_AFTER,  /* the oldest rows above `row` */
	HF_EVENTS_BEFORE, /* the newest rows below `row` */
};

struct hf_event_query {
	enum hf_event_direction direction;
	uint64_t row;
	uint32_t limit;
	const char *device_id;   /* NULL: every device */
	const char *event_class; /* NULL: every class */
};

struct hf_event_row {
	uint64_t row;
	struct hf_wall received;
	const char *line; /* as the unit wrote it, without the newline */
	size_t line_bytes;
};

struct hf_event_page {
	uint64_t after;  /* ask for rows after this one to go on towards the newest. Below the
			  * row asked for: the store has begun anew since. */
	uint64_t before; /* ask for rows before this one to look further back; 0: there are none,
			  * or the direction was HF_EVENTS_AFTER */
};

struct hf_device_row {
	const char *device_id;
	const char *epoch;
	uint64_t mark;
	struct hf_wall first_seen, last_seen;
	uint64_t events, duplicates, conflicts, late_fills, missing;
	uint64_t forks;          /* refused, or come in as such under this epoch */
	uint64_t unchecked;      /* lines whose chain could not be checked */
	const char *forked_from; /* the epoch this one was redrawn from; empty: none known */
	const char *state;       /* of the line with the highest number */
	const char *release;     /* likewise */
};

struct hf_gap_row {
	const char *device_id;
	const char *epoch;
	uint64_t first, last;
	struct hf_wall noticed;
};

typedef enum hf_code hf_event_row_fn(void *context, const struct hf_event_row *row,
				     struct hf_err *err);
typedef enum hf_code hf_device_row_fn(void *context, const struct hf_device_row *row,
				      struct hf_err *err);
typedef enum hf_code hf_gap_row_fn(void *context, const struct hf_gap_row *row, struct hf_err *err);

struct hf_store;

struct hf_store_ops {
	enum hf_code (*ingest)(struct hf_store *store, const struct hf_intake *batch,
			       struct hf_wall now, struct hf_ingest_result *ret_result,
			       struct hf_err *err);
	/* Rows come in rising order whatever the direction. */
	enum hf_code (*events)(struct hf_store *store, const struct hf_event_query *query,
			       hf_event_row_fn *row, void *context, struct hf_event_page *ret_page,
			       struct hf_err *err);
	enum hf_code (*devices)(struct hf_store *store, hf_device_row_fn *row, void *context,
				struct hf_err *err);
	/* Open gaps, oldest first; device_id NULL: of every device. */
	enum hf_code (*gaps)(struct hf_store *store, const char *device_id, hf_gap_row_fn *row,
			     void *context, struct hf_err *err);
	void (*close)(struct hf_store *store);
};

/* The first member of every store. */
struct hf_store {
	const struct hf_store_ops *ops;
};

static inline void hf_store_close(struct hf_store *store)
{
	if (store != NULL)
		store->ops->close(store);
}
