/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * explore - what explore.c (which states, how many) and life.c (what the unit
 * does, what must hold) share.
 */
#include "base/clock.h"
#include "crash_disk.h"
#include "outbox/reader.h"
#include "outbox/writer.h"
#include "uplink/retry.h"

enum {
	CUTS_MAX = 3, /* power cuts in a chain */
	EVENTS_MAX = 192,
	FACTS_MAX = 1024,
	COMPLAINT_BYTES = 200,
};

struct step;

struct world {
	const char *name;
	uint64_t ring_bytes; /* 0: no ring */
	uint64_t direct_bytes;
	const struct step *script;
	uint64_t again;        /* new events in a life after a cut */
	enum crash_op fails;   /* this operation ... */
	enum hf_code fails_so; /* ... fails so, each in turn; HF_OK: none */
	uint64_t fails_for;    /* so many times in a row */
	bool slow;             /* left to the long exploration */
	bool rots;             /* while the power is off a bit flips in the last line */
};

/* A line that somebody outside knows, or that stood there. */
struct fact {
	uint64_t seq;
	uint32_t hash; /* of its bytes */
	bool out;      /* handed out to the uplink: it must be there for ever */
};

/* What the world outside knows of the unit. */
struct model {
	uint64_t offered; /* events 1..offered were offered at least once */
	uint64_t answered[EVENTS_MAX];
	size_t fact_count;
	struct fact facts[FACTS_MAX]; /* ascending */
	uint64_t out_seq;             /* the last number handed out */
	uint64_t cursor_stored;       /* answered */
	uint64_t cursor_tried;
	uint64_t retained; /* up to here files may be gone: delivered, and the cursor stored */
	char retry_stored[HF_RETRY_TEXT_BYTES];
	char retry_tried[HF_RETRY_TEXT_BYTES];
	int64_t wall_ms;
	bool synced;
	bool trouble; /* something was made to fail: an offer may be answered "later" */
	char complaint[COMPLAINT_BYTES];
};

struct life_clock {
	struct hf_clock clock;
	int64_t wall_ms;
	int64_t mono_us;
};

struct explorer;

struct life {
	struct explorer *explorer;
	const struct world *world;
	int depth;    /* power cuts before it */
	bool watched; /* the hook looks at cuts in it */
	struct hf_disk *disk;
	struct model model;
	struct life_clock clock;
	struct hf_watermark_page *page;
	struct hf_outbox *outbox;
	struct hf_reader *reader;
	uint64_t read_after; /* it begins behind this number */
};

extern const struct world worlds[];
extern const size_t world_count;
const struct world *world_find(const char *name);

/* The script from an empty disk, and a life after a power cut: everything is offered again, a
 * little more happens, and then what must hold is looked at. */
void life_first(struct life *life);
void life_again(struct life *life);
/* Between the first cut and the life behind it. */
void life_rot(struct life *life);
/* The uplink reads while the keeper is in the middle of something. */
void life_read(struct life *life);
/* Lives are nested; this one goes on. */
void life_resume(const struct life *life);
uint64_t model_hash(const struct model *model);

/* Of explore.c: the power may go here. */
void explore_operation(void *context, uint64_t number, enum crash_op op, const char *path);
/* Where this life's keeper publishes. */
const char *explore_run_path(const struct life *life);
bool explore_is_verbose(const struct life *life);
