/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults at random, alone and in pairs: none may leave the unit stuck, or in a safe mode that
 * nothing asked for, and no action may be done more often than its budget allows.
 *
 * A unit takes as many as its policy has restarts to spare for the worker that is drawn, and is
 * given time only until all is over: the holds of the policy are most of it. A unit that failed
 * takes no more; another goes on, so that the table at the end is of all that were asked for.
 */
#include "cli/drill.h"

#include "base/auto.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PULSE_MS = 700,
	HELD_MS = 2500, /* the supervisor */
	FULL_MS = 3000,
	OVER_MS = 300000,  /* a busy machine's delays take two minutes to be over */
	CALM_TRIES = 3,    /* for a unit that is calm, on a busy machine */
	FAILURES_MAX = 5,  /* then it is not worth the time */
	MISSES_MAX = 5,    /* nobody was there to be hit */
	UNIT_STRIKES = 20, /* facts and events of a unit are kept in memory */
	BETWEEN_MS_MAX = 2000,
	NOTICE_MS = 2500, /* whatever is noticed is noticed by then */
	STEP_MS = 100,
	WORKERS_MAX = 2, /* of one role */
};

enum fault {
	FAULT_KILL = 0,
	FAULT_STOP,
	FAULT_PULSE, /* stopped for a moment */
	FAULT_SUPERVISOR,
	FAULT_DISK, /* needs a disk of its own: root */
	FAULT_COUNT,
};

static const char *const fault_names[] = { "a worker killed", "a worker stopped",
					   "a worker held up", "the supervisor held up",
					   "the disk full" };

static const enum hf_role roles[] = { HF_ROLE_KEEPER, HF_ROLE_UPLINK, HF_ROLE_RESPOND,
				      HF_ROLE_INFER, HF_ROLE_INGEST };

struct chance {
	uint64_t state;
};

struct hit {
	enum fault fault;
	enum hf_role role;
	uint32_t index;
};

struct strike {
	struct hit hits[2];
	uint32_t count;
	uint32_t between_ms;
};

enum outcome {
	OUTCOME_OVER = 0, /* as it should be */
	OUTCOME_STUCK,
	OUTCOME_SAFE_MODE,
	OUTCOME_OVERDRAWN,
	OUTCOME_OTHER,
	OUTCOME_COUNT,
};

struct tour {
	struct drill *all;
	struct chance chance;
	struct strike next; /* drawn, and not made yet */
	bool with_disk;
	uint32_t done, units, misses;
	uint32_t outcomes[OUTCOME_COUNT]; /* of strikes; budgets, of units */
};

/* splitmix64: the same faults from the same seed, everywhere. */
static uint32_t draw(struct chance *chance, uint32_t below)
{
	uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % below);
}

static struct hit draw_hit(struct chance *chance, bool with_disk)
{
	struct hit hit = { .fault = (enum fault)draw(chance,
						     with_disk ? FAULT_COUNT : FAULT_COUNT - 1),
			   .role = roles[draw(chance, HF_ARRAY_LEN(roles))] };

	hit.index = hit.role == HF_ROLE_INFER ? draw(chance, WORKERS_MAX) : 0;
	return hit;
}

/* One, or two within two seconds. */
static struct strike draw_strike(struct chance *chance, bool with_disk)
{
	struct strike strike = { .count = 1 + draw(chance, 2),
				 .between_ms = draw(chance, BETWEEN_MS_MAX) };

	for (uint32_t i = 0; i < HF_ARRAY_LEN(strike.hits); i++)
		strike.hits[i] = draw_hit(chance, with_disk);
	return strike;
}

static bool restarts(const struct hit *hit)
{
	return hit->fault == FAULT_KILL || hit->fault == FAULT_STOP;
}

/* ---- making them ---- */

static void hold_up(pid_t pid, int64_t ms)
{
	(void)kill(pid, SIGSTOP);
	(void)usleep((useconds_t)ms * 1000);
	(void)kill(pid, SIGCONT);
}

/* False: it was not made. */
static bool make(struct drill *drill, const struct hit *hit)
{
	const char *role = hf_role_name(hit->role);
	bool at_worker = hit->fault <= FAULT_PULSE;
	pid_t pid = at_worker ? drill_pid_of(drill, hit->role, hit->index) : 0;

	/* It may just be away: then it gets no second one. */
	if (at_worker && pid == 0)
		return false;
	switch (hit->fault) {
	case FAULT_KILL:
		return drill_inject(drill, "SIGKILL to %s.%u", role, hit->index) &&
		       kill(pid, SIGKILL) == 0;
	case FAULT_STOP:
		return drill_inject(drill, "SIGSTOP to %s.%u", role, hit->index) &&
		       kill(pid, SIGSTOP) == 0;
	case FAULT_PULSE:
		if (!drill_inject(drill, "%s.%u stopped for %d ms", role, hit->index, PULSE_MS))
			return false;
		hold_up(pid, PULSE_MS);
		return true;
	case FAULT_SUPERVISOR:
		if (!drill_inject(drill, "holdfastd stopped for %d ms", HELD_MS))
			return false;
		hold_up(drill->unit.pid, HELD_MS);
		return true;
	case FAULT_DISK:
		if (!drill_inject(drill, "disk full for %d ms", FULL_MS))
			return false;
		drill_fill_disk(drill);
		drill_wait(drill, FULL_MS);
		drill_free_disk(drill);
		return true;
	case FAULT_COUNT:
		break;
	}
	return false;
}

static bool was_restarted(const struct drill *drill, int64_t from_ms, const struct hit *hit)
{
	char worker[32];

	(void)snprintf(worker, sizeof worker, "%s.%u", hf_role_name(hit->role), hit->index);
	return drill_find(drill, from_ms, "action_done", "action", "restart_worker", "worker",
			  worker) != NULL;
}

/* Until it has been answered, or could have been. A unit that is well before that is not over it. */
static void await_answer(struct drill *drill, int64_t from_ms, const struct hit *hits,
			 uint32_t count)
{
	bool answered = false;

	for (int64_t end_ms = drill_now_ms() + NOTICE_MS;
	     !answered && drill_now_ms() < end_ms && !drill_interrupted();) {
		drill_wait(drill, STEP_MS);
		answered = true;
		for (uint32_t i = 0; i < count; i++)
			answered = answered && restarts(&hits[i]) &&
				   was_restarted(drill, from_ms, &hits[i]);
	}
}

/* What was made of it, and where; 0: nothing. */
static uint32_t strike(struct drill *drill, const struct strike *what, struct hit ret_made[2])
{
	uint32_t made = 0;

	drill->done[0] = '\0';
	for (uint32_t i = 0; i < what->count; i++) {
		if (i > 0)
			drill_wait(drill, what->between_ms);
		if (make(drill, &what->hits[i]))
			ret_made[made++] = what->hits[i];
	}
	return made;
}

static void count_hits(struct drill *all, const struct hit *made, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct drill_tally *tally = &all->tallies[made[i].fault];

		if (count == 1)
			tally->alone++;
		else
			tally->in_pairs++;
	}
}

/* ---- judging them ---- */

static enum outcome judge(struct tour *tour, struct drill *drill, int64_t from_ms,
			  const struct hit *made, uint32_t count)
{
	uint64_t seed = tour->all->options->seed;
	bool healthy = drill_await_healthy(drill, OVER_MS);
	bool safe = drill_find(drill, from_ms, "mode_engaged", "action", "safe_mode", NULL, NULL) !=
		    NULL;
	bool answered = true;
	char reasons[DRILL_TEXT_BYTES] = "";

	if (!healthy)
		drill_reasons(drill, reasons);
	for (uint32_t i = 0; i < count; i++)
		answered = answered &&
			   (!restarts(&made[i]) || was_restarted(drill, from_ms, &made[i]));
	if (!drill_expect(drill, !safe,
			  "number %u of seed %" PRIu64 " (%s): a safe mode nothing asked for",
			  tour->done, seed, drill->done))
		return OUTCOME_SAFE_MODE;
	if (!drill_expect(drill, healthy, "number %u of seed %" PRIu64 " (%s): stuck, it is %s: %s",
			  tour->done, seed, drill->done, drill->seen_state, reasons))
		return OUTCOME_STUCK;
	if (!drill_expect(drill, answered,
			  "number %u of seed %" PRIu64 " (%s): healthy, and nobody was restarted",
			  tour->done, seed, drill->done))
		return OUTCOME_OTHER;
	return OUTCOME_OVER;
}

static uint32_t *restarts_of(uint32_t counts[HF_ROLE_COUNT][WORKERS_MAX], const struct hit *hit)
{
	return &counts[hit->role][hit->index];
}

/* One is left to spare: what is judged is recovery, not what follows when it has been in vain. */
static bool may_take(const struct hf_policy *policy, uint32_t counts[HF_ROLE_COUNT][WORKERS_MAX],
		     const struct strike *what)
{
	const uint32_t budget = policy->actions[HF_ACTION_RESTART_WORKER].budgets[0].count;

	for (uint32_t i = 0; i < what->count; i++)
		if (restarts(&what->hits[i]) &&
		    *restarts_of(counts, &what->hits[i]) + what->count > budget - 1)
			return false;
	return true;
}

static void run_strike(struct tour *tour, struct drill *drill,
		       uint32_t counts[HF_ROLE_COUNT][WORKERS_MAX])
{
	struct hit made[2];
	const struct strike what = tour->next;
	int64_t from_ms = drill_now_ms();
	uint32_t count = strike(drill, &what, made);

	tour->next = draw_strike(&tour->chance, tour->with_disk);
	if (count == 0) {
		if (++tour->misses >= MISSES_MAX)
			drill_fail(drill, "no fault could be made, %d times", MISSES_MAX);
		return;
	}
	tour->misses = 0;
	for (uint32_t i = 0; i < count; i++)
		if (restarts(&made[i]))
			(*restarts_of(counts, &made[i]))++;
	count_hits(tour->all, made, count);
	await_answer(drill, from_ms, made, count);
	enum outcome outcome = judge(tour, drill, from_ms, made, count);
	tour->outcomes[outcome]++;
	if (tour->all->options->verbose)
		(void)fprintf(stderr, "  %u: %s: %s, %.1f s\n", tour->done, drill->done,
			      drill->seen_state, (double)(drill_now_ms() - from_ms) / 1000);
	tour->done++;
}

/* True: as it should be. */
static bool run_unit(struct tour *tour, struct drill *drill)
{
	const struct drill_wants wants = { .disk = tour->with_disk };
	uint32_t counts[HF_ROLE_COUNT][WORKERS_MAX] = { 0 };

	if (!drill_start(drill, &wants))
		return false;
	for (uint32_t i = 0; i < UNIT_STRIKES && tour->done < tour->all->options->count &&
			     drill->verdict == DRILL_OK && !drill_interrupted() &&
			     (i == 0 || may_take(drill->policy, counts, &tour->next));
	     i++)
		run_strike(tour, drill, counts);
	bool was_well = drill->verdict == DRILL_OK;
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	if (!drill_expect_budgets(drill))
		tour->outcomes[OUTCOME_OVERDRAWN]++;
	else if (was_well && drill->verdict != DRILL_OK)
		tour->outcomes[OUTCOME_OTHER]++;
	return drill->verdict == DRILL_OK;
}

static void tell(struct tour *tour)
{
	struct drill *all = tour->all;

	(void)snprintf(all->path, sizeof all->path, "healthy");
	drill_measure(all, "faults that were recovered from, at least", all->options->count,
		      tour->outcomes[OUTCOME_OVER], "faults");
	drill_measure(all, "left stuck", 0, tour->outcomes[OUTCOME_STUCK], "faults");
	drill_measure(all, "in a safe mode nothing asked for", 0, tour->outcomes[OUTCOME_SAFE_MODE],
		      "faults");
	drill_measure(all, "otherwise not as it should be", 0, tour->outcomes[OUTCOME_OTHER],
		      "faults");
	drill_measure(all, "budgets overdrawn", 0, tour->outcomes[OUTCOME_OVERDRAWN], "units");
	drill_fact(all, DRILL_PROCESS, drill_now_ms(), "%u units", tour->units);
	all->ended_ms = drill_now_ms();
}

void drill_random(struct drill *all)
{
	struct tour tour = { .all = all,
			     .chance = { .state = all->options->seed },
			     .with_disk = geteuid() == 0 };
	uint32_t busy = 0, failures = 0;

	all->fault_ms = drill_now_ms();
	(void)snprintf(all->done, sizeof all->done,
		       "%u faults at random, alone and in pairs, seed %" PRIu64,
		       all->options->count, all->options->seed);
	all->tally_count = FAULT_COUNT;
	for (uint32_t i = 0; i < FAULT_COUNT; i++)
		all->tallies[i].what = fault_names[i];
	tour.next = draw_strike(&tour.chance, tour.with_disk);
	while (tour.done < all->options->count && failures < FAILURES_MAX &&
	       tour.misses < MISSES_MAX && !drill_interrupted()) {
		struct drill *drill = drill_another(all);

		if (drill == NULL) {
			drill_fail(all, "out of memory");
			break;
		}
		bool ok = run_unit(&tour, drill);
		tour.units++;
		if (ok) {
			busy = 0;
		} else if (drill->fault_ms != 0 || ++busy == CALM_TRIES) {
			drill_fail(all, "%s", drill->why);
			failures = busy == CALM_TRIES ? FAILURES_MAX : failures + 1;
		}
		drill_end(drill);
		free(drill);
	}
	tell(&tour);
}
