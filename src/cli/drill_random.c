/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults at random, alone and in pairs: none may leave the unit stuck, or in a safe mode that
 * nothing asked for, and no action may be done more often than its budget allows.
 *
 * A unit takes as many as its policy has restarts to spare: with the installed policy each has a
 * fresh one, with a quick policy one unit takes many.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/random.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PULSE_MS = 700,
	HELD_MS = 2500, /* the supervisor */
	FULL_MS = 3000,
	OVER_MS = 300000, /* a busy machine's delays take two minutes to be over */
	TRIES = 3,        /* for a unit that is calm, on a busy machine */
	BETWEEN_MS_MAX = 2000,
	SETTLE_MS = 500,
};

enum fault {
	FAULT_KILL = 0,
	FAULT_STOP,
	FAULT_PULSE, /* stopped for a moment */
	FAULT_SUPERVISOR,
	FAULT_DISK, /* needs a disk of its own: root */
	FAULT_COUNT,
};

static const enum hf_role roles[] = { HF_ROLE_KEEPER, HF_ROLE_UPLINK, HF_ROLE_RESPOND,
				      HF_ROLE_INFER, HF_ROLE_INGEST };

struct chance {
	uint64_t state;
};

/* splitmix64: the same faults from the same seed, everywhere. */
static uint32_t draw(struct chance *chance, uint32_t below)
{
	uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % below);
}

static void inject(struct drill *drill, struct chance *chance, bool with_disk)
{
	enum fault fault = (enum fault)draw(chance, with_disk ? FAULT_COUNT : FAULT_COUNT - 1);
	enum hf_role role = roles[draw(chance, HF_ARRAY_LEN(roles))];
	uint32_t index = role == HF_ROLE_INFER ? draw(chance, 2) : 0;
	pid_t pid = drill_pid_of(drill, role, index);

	/* It may just be away: then it gets no second one. */
	if (pid == 0 && fault <= FAULT_PULSE)
		return;
	switch (fault) {
	case FAULT_KILL:
		if (drill_inject(drill, "SIGKILL to %s.%u", hf_role_name(role), index))
			(void)kill(pid, SIGKILL);
		break;
	case FAULT_STOP:
		if (drill_inject(drill, "SIGSTOP to %s.%u", hf_role_name(role), index))
			(void)kill(pid, SIGSTOP);
		break;
	case FAULT_PULSE:
		if (!drill_inject(drill, "%s.%u stopped for %d ms", hf_role_name(role), index,
				  PULSE_MS))
			break;
		(void)kill(pid, SIGSTOP);
		(void)usleep(PULSE_MS * 1000);
		(void)kill(pid, SIGCONT);
		break;
	case FAULT_SUPERVISOR:
		if (!drill_inject(drill, "holdfastd stopped for %d ms", HELD_MS))
			break;
		(void)kill(drill->unit.pid, SIGSTOP);
		(void)usleep(HELD_MS * 1000);
		(void)kill(drill->unit.pid, SIGCONT);
		break;
	case FAULT_DISK:
		if (!drill_inject(drill, "disk full for %d ms", FULL_MS))
			break;
		drill_fill_disk(drill);
		drill_wait(drill, FULL_MS);
		drill_free_disk(drill);
		break;
	case FAULT_COUNT:
		break;
	}
}

/* One, or two within two seconds. */
static void strike(struct drill *drill, struct chance *chance, bool with_disk)
{
	bool pair = draw(chance, 2) == 1;

	drill->done[0] = '\0';
	inject(drill, chance, with_disk);
	if (!pair)
		return;
	drill_wait(drill, draw(chance, BETWEEN_MS_MAX));
	inject(drill, chance, with_disk);
}

static uint32_t faults_a_unit(const struct hf_policy *policy)
{
	uint32_t uses = policy->actions[HF_ACTION_RESTART_WORKER].budgets[0].count;

	return uses < 6 ? 1 : uses / 3;
}

/* True: as it should be. */
static bool run_unit(struct drill *all, struct drill *drill, struct chance *chance, uint32_t first,
		     uint32_t count)
{
	const bool with_disk = geteuid() == 0;
	const struct drill_wants wants = { .disk = with_disk };

	if (!drill_start(drill, &wants))
		return false;
	for (uint32_t i = 0; i < count && drill->verdict == DRILL_OK && !drill_interrupted(); i++) {
		strike(drill, chance, with_disk);
		/* It has to be seen first. */
		drill_wait(drill, SETTLE_MS + 2000);
		bool healthy = drill_await_healthy(drill, OVER_MS);
		(void)drill_expect(drill, healthy,
				   "number %u of seed %" PRIu64 " (%s): stuck, it is %s", first + i,
				   drill->options->seed, drill->done, drill->seen_state);
		(void)drill_expect(drill,
				   drill_find(drill, drill->fault_ms, "mode_engaged", "action",
					      "safe_mode", NULL, NULL) == NULL,
				   "number %u of seed %" PRIu64 " (%s): a safe mode nothing asked "
				   "for",
				   first + i, drill->options->seed, drill->done);
		if (all->options->verbose)
			(void)fprintf(stderr, "  %u: %s: %s\n", first + i, drill->done,
				      drill->seen_state);
	}
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	return drill->verdict == DRILL_OK;
}

void drill_random(struct drill *all)
{
	struct chance chance = { .state = all->options->seed };
	uint32_t a_unit = faults_a_unit(all->policy), done = 0, units = 0, busy = 0;

	all->fault_ms = drill_now_ms();
	(void)snprintf(all->done, sizeof all->done,
		       "%u faults at random, alone and in pairs, seed %" PRIu64,
		       all->options->count, all->options->seed);
	while (done < all->options->count && all->verdict == DRILL_OK && !drill_interrupted()) {
		uint32_t left = all->options->count - done;
		uint32_t count = left < a_unit ? left : a_unit;
		struct drill *drill = drill_another(all);

		if (drill == NULL) {
			drill_fail(all, "out of memory");
			return;
		}
		bool ok = run_unit(all, drill, &chance, done, count);
		units++;
		if (ok) {
			done += count;
			busy = 0;
		} else if (drill->fault_ms != 0 || ++busy == TRIES) {
			drill_fail(all, "%s", drill->why);
		}
		drill_end(drill);
		free(drill);
	}
	(void)snprintf(all->path, sizeof all->path, "healthy");
	drill_measure(all, "faults that were recovered from, at least", all->options->count, done,
		      "faults");
	drill_fact(all, DRILL_PROCESS, drill_now_ms(), "%u units", units);
	all->ended_ms = drill_now_ms();
}
