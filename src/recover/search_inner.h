/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * search_inner - what the parts of the search share. Private to this room.
 *
 * search.c         which runs there are; breadth first; the way back in words
 * search_copy.c    the policy, made smaller
 * search_graph.c   worlds and edges; what leads to healthy
 * search_world.c   what can happen to a unit, one move at a time
 * search_open.c    what is left open: when a time is over, what budgets and failures refuse
 * search_check.c   the log of what happened, and the invariants
 * search_key.c     a world as few bytes, equal for what is equal
 */
#include "recover/machine.h"
#include "recover/search.h"

enum {
	TICK_MS = HF_FREEZE_MS, /* all durations of the copy are multiples */
	OPEN_TICKS = 3,         /* every duration, where it is left open */
	OPEN_MS = OPEN_TICKS * TICK_MS,
	FAULTS_MAX = 2,
	LOG_MAX = 24,
	KEY_BYTES_MAX = 1024,
	RELEASES = 4, /* 0 is none; 1 runs at first, 2 was before it, 3 comes later */
};

#define BASE_MS       INT64_C(10000000000) /* "now" of every state that is kept */
#define OLD_UPTIME_MS (INT64_C(12) * 3600 * 1000)

enum sight {
	SIGHT_CLEAR = 0,
	SIGHT_BAD,
	SIGHT_UNKNOWN,
};

enum pending {
	PENDING_NONE = 0,
	PENDING_FREEZE,
	PENDING_PERFORM,
};

/* All bytes: part of the key as they are. */
struct fault {
	uint8_t sight;
	uint8_t pending; /* enum pending: what was ordered and has not ended */
	uint8_t action;
	uint8_t frozen; /* 1: ordered, 2: answered, or its time is over */
	uint8_t active; /* it was told */
	uint8_t rebooted;
	uint8_t rereleased;  /* another release came, and it was not bad since */
	uint8_t clear_ticks; /* seen clear for so long */
	uint8_t failed;      /* bits 1 << rung, told */
	uint8_t failed_age;
	uint8_t tried; /* the last action that was performed, and how often in a row */
	uint8_t tries;
	uint8_t intended; /* an action was told as chosen, and not yet performed */
};

struct logged {
	uint8_t action;
	uint8_t key;
	uint8_t age;
};

struct history {
	uint8_t release;
	uint8_t gate;
	uint8_t uptime;
	uint8_t unstored; /* ticks since the last store */
	uint8_t safe;
	uint8_t safe_operator;
	uint8_t safe_classes[2];
	uint8_t well;             /* ticks without an active reason, in safe mode */
	uint8_t rolled[RELEASES]; /* a rollback of it was ordered */
	uint8_t log_count;
	struct fault faults[FAULTS_MAX];
	struct logged log[LOG_MAX]; /* what was chosen, the oldest first */
};

struct world {
	struct hf_policy_state live;
	struct hf_policy_state stored;
	struct history history;
};

/* One run: what it is asked with. */
struct setup {
	struct hf_policy policy; /* the copy, of one or two reasons */
	unsigned fault_count;
	bool is_open;              /* see search_open.c; else time is counted in ticks */
	uint8_t hold_action;       /* what an operator holds; HF_ACTION_COUNT: nothing to hold */
	bool internal[FAULTS_MAX]; /* it depends on the machine only */
	bool releases;             /* a ladder or latch has to do with them */
	bool is_volatile;
	bool is_pair;
	uint8_t uptime_max; /* ticks after which it is as long as any rule asks for */
	uint8_t log_age_max[HF_ACTION_COUNT];
	uint8_t clear_max[FAULTS_MAX]; /* ticks after which nothing asks for more */
	uint8_t well_max;
	struct hf_policy_input input; /* what is the same in each step */
	struct hf_policy_output out;
};

/* What may run out where time is left open. */
enum timer {
	TIMER_STEP = 0,                        /* + fault: of what is in hand */
	TIMER_BAD = TIMER_STEP + FAULTS_MAX,   /* its hold is full */
	TIMER_CLEAR = TIMER_BAD + FAULTS_MAX,  /* its clear hold is full */
	TIMER_WELL = TIMER_CLEAR + FAULTS_MAX, /* all has been well for as long as safe mode asks */
	TIMER_UPTIME,
	TIMER_HELD,
	TIMER_MAINTENANCE,
	TIMER_MODE, /* + action */
	TIMER_COUNT = TIMER_MODE + HF_ACTION_COUNT,
};

enum move {
	MOVE_TICK = 0,
	MOVE_CLEAR, /* + fault */
	MOVE_BAD = MOVE_CLEAR + FAULTS_MAX,
	MOVE_UNKNOWN = MOVE_BAD + FAULTS_MAX,
	MOVE_FROZEN = MOVE_UNKNOWN + FAULTS_MAX,
	MOVE_DONE = MOVE_FROZEN + FAULTS_MAX,
	MOVE_FAILED = MOVE_DONE + FAULTS_MAX,
	MOVE_CUT = MOVE_FAILED + FAULTS_MAX,
	MOVE_CUT_SWITCHED, /* the rollback had been performed */
	MOVE_RESTART,
	MOVE_RESTART_SWITCHED,
	MOVE_SAFE_ENTER,
	MOVE_SAFE_CLEAR,
	MOVE_ACK,
	MOVE_HOLD,
	MOVE_HOLD_OFF,
	MOVE_MAINTENANCE,
	MOVE_MAINTENANCE_OFF,
	MOVE_INSTALL, /* + 0: the release before, 1: another */
	MOVE_GATE_PASSED = MOVE_INSTALL + 2,
	MOVE_GATE_FAILED,
	MOVE_RUNS_OUT, /* + timer */
	MOVE_COUNT = MOVE_RUNS_OUT + TIMER_COUNT,
};

/* What this step finds refused, where that is left open. */
struct refused {
	uint8_t failed[FAULTS_MAX]; /* bits 1 << rung: it has failed before */
	uint16_t spent[FAULTS_MAX]; /* bits 1 << action: its budget is used up */
	uint8_t again;              /* 1: what is in hand is not at its last try */
};

/* search_world.c */
void search_world_first(struct setup *setup, struct world *ret_world);
/* False: it cannot happen here. *ret_broken: bits 1 << number of each
 * invariant that it breaks. */
bool search_world_move(struct setup *setup, const struct world *from, enum move move,
		       const struct refused *refused, struct world *ret_to, unsigned *ret_broken);
void search_move_words(const struct setup *setup, enum move move, char *ret_text,
		       size_t size_bytes);
bool search_passes_time(enum move move);
void search_copy_state(struct hf_policy_state *ret_to, const struct hf_policy_state *from);

/* search_open.c */
bool search_can_run_out(const struct setup *setup, const struct world *world, unsigned timer);
void search_run_out(const struct setup *setup, struct world *world, unsigned timer);
void search_refuse(const struct setup *setup, struct world *world, const struct refused *refused);
/* What is not kept in an open world has to be kept by each step: bits 1 << invariant. */
unsigned search_check_kept(const struct setup *setup, const struct world *world);
/* A world of setup as the one of the open setup that stands for it; both of the same reasons. */
void search_open(const struct setup *setup, const struct setup *open, struct world *world);
void search_open_stored(struct hf_policy_state *state);

/* search_check.c */
struct checked {
	const struct setup *setup;
	const struct world *before; /* as it was; its history is that of before the move */
	struct world *after;
	const struct hf_policy_input *input;
	const struct hf_policy_output *out;
	enum move move;
};
/* Writes the log in after->history, and returns bits 1 << number of each that is broken. */
unsigned search_check(const struct checked *checked);

/* search_key.c */
void search_rebase(struct hf_policy_state *state);
void search_canonical(const struct setup *setup, struct world *world);
size_t search_key_put(const struct setup *setup, const struct world *world,
		      uint8_t ret_key[KEY_BYTES_MAX]);
void search_key_get(const struct setup *setup, const uint8_t *key, struct world *ret_world);

/* search_copy.c */
void search_copy_policy(const struct hf_policy *policy, const struct hf_search_options *options,
			struct hf_policy *ret_copy);
/* Of the reasons a and b of the copy; the same: of one. */
void search_prepare(struct setup *setup, const struct hf_policy *copy,
		    const struct hf_search_options *options, unsigned a, unsigned b,
		    bool is_volatile);
/* Reasons that are equal in all but their name. */
struct kinds {
	unsigned count;
	uint8_t first[HF_POLICY_REASONS_MAX];  /* the reason that stands for the kind */
	uint8_t second[HF_POLICY_REASONS_MAX]; /* another of it; the same: there is none */
	uint8_t members[HF_POLICY_REASONS_MAX];
};
void search_sort_out(const struct hf_policy *copy, struct kinds *ret_kinds);

/* search_graph.c */
struct node {
	uint64_t at;   /* of its key */
	uint32_t from; /* who found it */
	struct refused refused;
	uint8_t move;
	bool is_healthy;
};

/* A group is what may come of one thing that is done or waited for: which of its edges is taken is
 * not in the hands of whoever wants the unit healthy. */
struct group {
	uint32_t from;
	uint32_t edges; /* not yet known to lead to healthy */
};

struct edge {
	uint32_t group;
	uint32_t to;
};

struct graph {
	struct node *nodes;
	uint32_t node_count, node_room;
	struct group *groups;
	uint32_t group_count, group_room;
	struct edge *edges;
	uint64_t edge_count, edge_room;
	uint8_t *keys;
	uint64_t key_bytes, key_room;
	uint32_t *table; /* 1 + node; 0: free */
	uint32_t table_room;
	bool failed; /* no memory: sticky */
};

const uint8_t *search_key_of(const struct graph *graph, uint32_t node);
/* The node of this world; its number is node_count - 1 of after when it was met for the first
 * time. */
uint32_t search_intern(struct graph *graph, const struct setup *setup, const struct world *world,
		       const struct node *found);
/* UINT32_MAX: it was not met. */
uint32_t search_find(const struct graph *graph, const struct setup *setup,
		     const struct world *world);
uint32_t search_add_group(struct graph *graph, uint32_t from);
void search_add_edge(struct graph *graph, uint32_t group, uint32_t to);
/* I5: told of each node from which nothing that can be done leads to healthy, whatever comes of
 * it. */
void search_walk_back(struct graph *graph, void (*lost)(void *context, uint32_t node),
		      void *context);
void search_graph_free(struct graph *graph);

/* search.c */
void search_explore(struct setup *setup, const struct hf_search_options *options,
		    struct graph *graph, struct hf_search_report *report);
