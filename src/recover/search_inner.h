/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * search_inner - what the parts of the search share. Private to this room.
 *
 * search.c         which runs there are; the graph, breadth first; the way back in words
 * search_world.c   what can happen to a unit, one move at a time
 * search_check.c   the log of what happened, and the invariants
 * search_key.c     a world as few bytes, equal for what is equal
 */
#include "recover/machine.h"
#include "recover/search.h"

enum {
	TICK_MS = HF_FREEZE_MS, /* all durations of the copy are multiples */
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
	uint8_t hold_action;       /* what an operator holds; HF_ACTION_COUNT: nothing to hold */
	bool internal[FAULTS_MAX]; /* it depends on the machine only */
	bool releases;             /* a ladder or latch has to do with them */
	bool is_volatile;
	bool is_pair;
	bool is_fine;
	uint8_t uptime_max; /* ticks after which it is as long as any rule asks for */
	uint8_t log_age_max[HF_ACTION_COUNT];
	uint8_t clear_max[FAULTS_MAX]; /* ticks after which nothing asks for more */
	uint8_t well_max;
	struct hf_policy_input input; /* what is the same in each step */
	struct hf_policy_output out;
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
	MOVE_COUNT,
};

/* search_world.c */
void search_world_first(struct setup *setup, struct world *ret_world);
/* False: it cannot happen here. *ret_broken: bits 1 << number of each
 * invariant that it breaks. */
bool search_world_move(struct setup *setup, const struct world *from, enum move move,
		       struct world *ret_to, unsigned *ret_broken);
void search_move_words(const struct setup *setup, enum move move, char *ret_text,
		       size_t size_bytes);

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
void search_canonical(const struct setup *setup, struct world *world);
size_t search_key_put(const struct world *world, uint8_t ret_key[KEY_BYTES_MAX]);
void search_key_get(const uint8_t *key, struct world *ret_world);
