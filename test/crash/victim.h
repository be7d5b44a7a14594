/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * victim - one keeper on one file system, from the making of the file system to its end.
 *
 * Shape       victim_make(); then lives: victim_spawn(), load, and an end by
 *             mounted_cut(), victim_end() and victim_power_up(), or by
 *             victim_recover(), which starts a keeper, answers what is in doubt, stops it
 *             and looks. What was found stands in `recovered`, in words.
 *
 * Owners      One at a time in a process: its paths are those of the program's folder.
 */
#include "mounted.h"
#include "recovered.h"

enum {
	VICTIM_AGAIN = 8, /* of what was answered, each producer offers so many again */
	VICTIM_SETTLE_MS = 20000,
	VICTIM_CUTS_MAX = 4, /* kept; more in a row without a look are rare, and images large */
};

/* outbox.commit, in its order, and the one changing from life to life. */
enum victim_commit {
	VICTIM_RING,
	VICTIM_FILE,
	VICTIM_EITHER,
	VICTIM_COMMITS,
};

struct victim_program {
	const char *keeper;
	const char *holdfast;
	char folder[128]; /* where images, mount points and logs are; may vanish with us */
	bool keep_cuts;   /* the image as each cut left it, until a look has found nothing */
	unsigned kept;    /* images of what went wrong */
};

struct victim {
	const struct victim_program *program;
	enum victim_commit commit;
	uint64_t seed;
	uint64_t chance;
	unsigned lives;
	uint64_t in_doubt; /* at all looks together */
	/* The disk may hold a damaged line before a good one, where nothing was acknowledged: it
	 * stays, an event must say so, and `outbox verify` names it. */
	bool rot_allowed;
	int log_fd; /* what keeper says */
	struct mounted fs;
	unsigned cuts; /* copies of the image, since the last look that found nothing */
	char data[192];
	struct load load;
	struct recovered recovered;
	struct keeper_host host;
};

/* HF_E_NOENT, HF_E_DENIED: not on this machine. */
enum hf_code victim_make(const struct victim_program *program, enum mounted_kind kind,
			 enum victim_commit commit, uint64_t seed, struct victim **ret_victim,
			 struct hf_err *err) HF_MUST_CHECK;
const char *victim_commit_name(enum victim_commit commit);
void victim_free(struct victim *victim); /* NULL is fine */

/* preload: of LD_PRELOAD; empty: nothing. It is not started (hf_spawn_start) yet. */
enum hf_code victim_spawn(struct victim *victim, const char *preload,
			  struct hf_err *err) HF_MUST_CHECK;
/* SIGKILL; the answers that are still there are taken as told after the cut. */
void victim_end(struct victim *victim);
enum hf_code victim_power_up(struct victim *victim, struct hf_err *err) HF_MUST_CHECK;
/* Start, answer, stop, look, verify. True: no violation. */
bool victim_recover(struct victim *victim);

/* Lines of the log that hold `what`, not followed by that text. */
uint64_t victim_log_count(const struct victim *victim, const char *what,
			  const char *not_followed_by);
/* A sanitizer's runtime wants to be the first library; what is preloaded here is no harm to it. */
void victim_environment(void);

/* So many processes, each told its number; the worst of what they return. What they add up lies
 * in memory they share. */
int victim_workers(unsigned count, int (*work)(void *context, unsigned worker), void *context);
void victim_add(uint64_t *sum, uint64_t more);

/* For a person, of the first that went wrong: the image, what each cut since the last good look had
 * left of it (keep_cuts), keeper's log, and in words what was missed and what each start found. */
void victim_keep(const struct victim *victim, struct victim_program *program, const char *name);
