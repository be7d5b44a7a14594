/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * writer_inner - what writer.c (append) and repair.c (open) share. Nobody else
 * includes it.
 */
#include "outbox/files.h"
#include "outbox/origins.h"
#include "outbox/writer.h"

#define META_FOLDER       "meta"
#define QUARANTINE_FOLDER "quarantine"
#define BALLAST_FOLDER    "ballast"
#define BALLAST_PATH      "ballast/outbox"
#define LOCK_PATH         "meta/outbox.lock"
#define RESERVED_PATH     "meta/local_seq"
#define NEWEST_PATH       "meta/outbox_newest"
#define GAP_PATH          "meta/outbox_gap"

enum {
	REASON_BYTES = 24,
	GAPS_MAX = 4,
	OWN_EVENTS_MAX = GAPS_MAX + 2, /* gaps, a cut tail, rot */
};

/* Numbers from..through are passed over; reason is for people. */
struct gap {
	uint64_t from;
	uint64_t through;
	char reason[REASON_BYTES];
};

/* A line's worth of state behind the last line: committed, or staged on top of it. */
struct tip {
	uint64_t next_seq;
	uint64_t last_seq; /* 0: no line at all */
	uint32_t last_crc32c;
	uint8_t chain[HF_CHAIN_BYTES];
};

struct hf_outbox {
	struct hf_disk *disk;
	char device_id[HF_ID_BYTES];
	char epoch[HF_EPOCH_BYTES];
	struct hf_event_context context;
	uint64_t boot;
	uint64_t run;
	const struct hf_clock *clock;
	const char *(*clock_trust)(void);
	enum hf_state state;
	uint64_t ballast_bytes;

	int lock_file;
	int file;                      /* -1: none, or spent */
	char name[HF_FILE_NAME_BYTES]; /* of the newest file with a header; empty: none */
	uint64_t first_seq;
	uint64_t offset; /* committed */
	struct tip tip;
	uint64_t reserved; /* numbers up to here may be used */
	bool newest_noted; /* NEWEST_PATH names the file */

	size_t gap_count;
	struct gap gaps[GAPS_MAX]; /* not yet events */
	bool gap_noted;            /* GAP_PATH exists */
	uint64_t cut_bytes;        /* of a torn tail, not yet an event */
	uint64_t rot_lines;        /* in the newest file, not yet an event */

	struct hf_mono retry_at; /* of a new file */
	enum hf_code down_code;
	struct hf_origins origins;
	struct hf_outbox_counters counters;

	size_t staged_bytes;
	char *staged; /* HF_OUTBOX_BATCH_MAX + OWN_EVENTS_MAX + 1 lines */
};

/* Everything hf_outbox_open() does between taking the lock and the first write of a line. */
enum hf_code hf_outbox_repair(struct hf_outbox *outbox, const struct hf_watermark *committed,
			      struct hf_outbox_report *report, struct hf_err *err) HF_MUST_CHECK;

/* Numbers from..through will never be used. Gaps that touch become one. */
void hf_outbox_note_gap(struct hf_outbox *outbox, uint64_t from, uint64_t through,
			const char *reason);
