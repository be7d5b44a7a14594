/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* look - what the folder, the newest file and the ring say when an outbox is opened; for
 * repair.c, which decides and acts. Changes nothing. */
#include "outbox/writer_inner.h"

struct findings {
	struct hf_files files; /* in order; where little had to be looked at, only the last ones */
	size_t newest;         /* index */
	bool newest_missing;
	bool any;        /* there is a newest file */
	bool same_epoch; /* of its last valid line */
	struct hf_commit_ring_lines ring;
	bool ring_there;
	uint64_t ring_torn_bytes; /* behind its newest line, neither blank nor older lines */

	struct tip tip;     /* behind the last valid line that may be appended to */
	uint64_t valid_end; /* behind that line's bytes */
	uint64_t block;     /* in which the byte there lies */
	bool block_shared;  /* with a line that the ring has not */
	uint64_t size_bytes;
	bool beyond;          /* valid lines stand behind a place that the ring can fill */
	uint64_t beyond_last; /* the highest of them */
	uint64_t lines;
	uint64_t lines_bad;      /* between valid lines */
	uint64_t lines_bad_told; /* of those, in an event already */
	uint64_t legible;        /* highest number to be read in damaged bytes; 0: none */
	bool one_torn_line;      /* the tail is the beginning of the next line, no more */
	bool tail_unsent;        /* this boot's watermark ends before it: nobody was told of it */
	bool spent;              /* the newest file is not to be appended to */
	uint64_t gap_told;       /* last number of the latest gap event */
	uint64_t cursor;         /* highest of all channels */
	uint64_t reserved;       /* 0: unknown */
	size_t gaps_noted;
	struct gap gaps[GAPS_MAX];
	size_t hole_count; /* numbers missing inside what was looked at without an event */
	struct gap holes[GAPS_MAX];
};

/* Folder, notes, ring, and which file is the newest. */
enum hf_code hf_look_around(struct hf_outbox *outbox, struct findings *f,
			    struct hf_err *err) HF_MUST_CHECK;
/* The end of the newest file, which is opened. The origins in those before it are recalled later
 * where the folder is as the note says. */
enum hf_code hf_look_at_end(struct hf_outbox *outbox, struct findings *f,
			    struct hf_err *err) HF_MUST_CHECK;
/* A line that follows what was seen so far. */
void hf_look_take(struct hf_outbox *outbox, struct findings *f, const struct hf_line *line);
/* Its event has this number. */
void hf_look_origin(struct hf_outbox *outbox, const struct hf_line *line);
bool hf_look_in_ring(const struct findings *f, const struct hf_line *line);
/* A line ends the file so far: may what comes behind it be written into the same block? Not where a
 * power cut in the middle of that would take a line that stands nowhere else. */
void hf_look_at_block(const struct hf_outbox *outbox, struct findings *f, uint64_t offset,
		      uint64_t size_bytes, bool in_ring);
/* Numbers missing before it are a hole, until a gap event says why. */
void hf_look_for_hole(struct findings *f, uint64_t seq_before, const struct hf_line *line);
/* Numbers that can still be read in damaged bytes may have been used. */
void hf_look_for_numbers(struct findings *f, const char *data, size_t size_bytes);
/* A line of the ring that the newest file may lack. */
bool hf_look_ring_counts(const struct findings *f, const struct hf_commit_ring_entry *entry);
