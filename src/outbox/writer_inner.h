/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * writer_inner - what the parts of the writer share: writer.c (offers to lines), commit.c
 * (lines to the disk), dayfile.c (one file after another), repair.c and look.c (opening),
 * retain.c (removing). Nobody else includes it.
 */
#include "outbox/commit_ring.h"
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
#define NEXT_PATH         "outbox/.next" /* a day file until its beginning is whole */
#define RING_PATH         "outbox/" HF_COMMIT_RING_NAME

enum {
	REASON_BYTES = 24,
	GAPS_MAX = 4,
	OWN_EVENTS_MAX = GAPS_MAX + 4, /* gaps, a cut tail, rot, a ring that failed, a new epoch */
	WHY_BYTES = 160,
	REDRAWN_BYTES = 256,
	BLOCK_BYTES_MAX = 16 * 1024,
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

/* Up to where a file is safe by itself: a line's number and CRC, and the byte behind it. */
struct safe {
	uint64_t seq;
	uint32_t crc32c;
	uint64_t offset;
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
	uint64_t block_bytes; /* of the disk */

	enum hf_outbox_commit wanted;
	uint64_t ring_bytes;
	uint64_t direct_bytes;
	struct hf_commit_ring *ring; /* NULL: lines are committed in the day file itself */

	int lock_file;
	int file;                      /* -1: none, or spent */
	char name[HF_FILE_NAME_BYTES]; /* of the newest file with a header; empty: none */
	int64_t day_settled;           /* since 1970, on which lines go into it; -1: to be seen */
	uint64_t order_seq;            /* of its header */
	uint64_t offset;               /* behind the last line in it */
	uint64_t room_to;              /* the disk keeps room for it up to here */
	struct safe flushed;           /* what of it needs no ring; lines above may be carried on */
	char before[HF_FILE_NAME_BYTES]; /* the file before it, and how that ended */
	struct safe before_end;
	const char *hole_reason; /* of numbers that are neither in the ring nor in it */
	const char *next_reason; /* why another file must come, when there is none */
	struct tip tip;
	struct hf_watermark visible; /* what readers may be told */
	uint64_t reserved;           /* numbers up to here may be used */
	bool newest_noted;           /* NEWEST_PATH names the file */

	size_t gap_count;
	struct gap gaps[GAPS_MAX];    /* not yet events */
	bool gap_noted;               /* GAP_PATH exists */
	uint64_t cut_bytes;           /* of a torn tail, not yet an event */
	uint64_t rot_lines;           /* in the newest file, not yet an event */
	char ring_failure[WHY_BYTES]; /* why there is no ring, not yet an event */
	char redrawn[REDRAWN_BYTES];  /* attrs of an epoch_redrawn, not yet an event */

	struct hf_mono retry_at; /* of a new file */
	enum hf_code down_code;
	struct hf_origins origins;
	bool first_of_run;          /* no event in the log is of this boot and run */
	bool recall_due;            /* origins in files before recall_from are not among them yet */
	struct hf_file recall_from; /* the newest when the outbox was opened */
	struct hf_outbox_counters counters;

	size_t staged_bytes;
	size_t owed_bytes; /* of `staged`: safe in the ring, not yet in the day file */
	char *staged;      /* HF_OUTBOX_BATCH_MAX + OWN_EVENTS_MAX + 1 lines, and a block to pad */
};

/* --- writer.c --- */

/* Numbers from..through will never be used. Gaps that touch become one. */
void hf_outbox_note_gap(struct hf_outbox *outbox, uint64_t from, uint64_t through,
			const char *reason);
/* Behind what is staged, on top of tip: a file's header; what the outbox has to say of itself. */
enum hf_code hf_outbox_stage_header(struct hf_outbox *outbox, const char *reason,
				    const struct hf_file *header, struct tip *tip,
				    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_outbox_stage_pending(struct hf_outbox *outbox, struct tip *tip,
				     struct hf_err *err) HF_MUST_CHECK;
/* Numbers below next_seq may be used. */
enum hf_code hf_outbox_reserve(struct hf_outbox *outbox, uint64_t next_seq,
			       struct hf_err *err) HF_MUST_CHECK;

/* --- commit.c --- */

/* Make the staged lines safe; the tip moves. By the ring they are owed to the day file then, else
 * they are visible. HF_E_NOSPACE: nothing of them is stored, the file stays in use. HF_E_IO: the
 * file is spent, and nothing of them counts. */
enum hf_code hf_outbox_commit_staged(struct hf_outbox *outbox, const struct tip *tip,
				     struct hf_err *err) HF_MUST_CHECK;
/* Write what is owed, nothing else being staged; it is visible then. After an error the file is
 * spent: the lines are safe in the ring, and the next file begins with them. */
enum hf_code hf_outbox_show_owed(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;
/* The file is not touched again; numbers below next_seq_tried that may stand in it or in the
 * ring, but count for nothing, are passed over. */
void hf_outbox_spend(struct hf_outbox *outbox, uint64_t next_seq_tried, const char *reason);
/* Everything in the day file is safe there. HF_E_IO: it is spent. */
enum hf_code hf_outbox_flush_day(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;
/* The tip is the last line that is safe and in the file; what was pending is told. */
void hf_outbox_settle(struct hf_outbox *outbox, const struct tip *tip);
/* Spaces behind the staged lines, so that what follows them begins in a block of its own. */
void hf_outbox_pad_staged(struct hf_outbox *outbox, uint64_t offset);

/* --- dayfile.c --- */

/* The next file. It begins with the lines that are safe in the ring but not in the old file. */
enum hf_code hf_outbox_open_next(struct hf_outbox *outbox, const char *reason,
				 struct hf_err *err) HF_MUST_CHECK;
/* A file to append to: the present one, or the next where one is due. */
enum hf_code hf_outbox_ready_file(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;
/* Which file is the newest, so that the next start need not look into all of them. */
enum hf_code hf_outbox_note_newest(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;
/* Of the names of all day files, in any order. */
uint64_t hf_outbox_names_hash(const struct hf_files *files);

/* --- carry.c --- */

/* Lines that go into a new file as they are. */
struct carried {
	uint64_t seq;
	uint64_t offset;
	uint32_t size_bytes;
	bool in_ring;      /* else in the old day file */
	uint64_t gap_from; /* it tells of these numbers; 0: it does not */
	uint64_t gap_through;
};

struct carry {
	size_t count;
	size_t room;
	struct carried *list; /* numbers rise */
};

/* Lines above what is flushed, up to the tip, from ring and old file. Numbers of which no line
 * is left are noted as a gap. */
enum hf_code hf_carry_collect(struct hf_outbox *outbox, struct carry *ret_carry,
			      struct hf_err *err) HF_MUST_CHECK;
/* Write them to a new file, from its beginning. */
enum hf_code hf_carry_write(struct hf_outbox *outbox, const struct carry *carry, int file,
			    uint64_t *ret_bytes, struct hf_err *err) HF_MUST_CHECK;
void hf_carry_free(struct carry *carry);

/* --- ballast.c --- */

bool hf_outbox_ballast_release(struct hf_outbox *outbox);
void hf_outbox_ballast_make(struct hf_outbox *outbox);

/* --- repair.c --- */

/* Everything hf_outbox_open() does between taking the lock and the first write of a line. */
enum hf_code hf_outbox_repair(struct hf_outbox *outbox, const struct hf_watermark *committed,
			      struct hf_outbox_report *report, struct hf_err *err) HF_MUST_CHECK;
