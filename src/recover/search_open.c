/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: where time is left open, a world keeps of a time only whether it runs, and any that runs
 * may be the next to run out, whatever its length. Every order that some lengths allow is so among
 * those that are searched: the policy's own, and those of every unit that is slower or faster. Two
 * that run out at once are two, one after the other, with nothing between them.
 *
 * Budgets and failures are left open in the same way: they are asked about at one place, the choice
 * of a rung, where they make the ladder go on to the next one. A step in which a case chooses is
 * tried with each number of its first rungs refused; any history of uses and failures, and too short
 * an uptime, refuses one of these. So none of it is part of a world. What I6 and I14 ask is asked of
 * each step: that what it was given is still there after it, in what is stored, too, and that what
 * it added is there. By that, and because nothing is there at first, they hold along each way. A rung
 * that fails is tried with and without this having been its last try.
 *
 * A hold that is not full is one thing, however far it has got; that the machine's own is never
 * further than the truth is asked of each step as well (I4, I11). A full hold that ends nothing yet
 * is one that is full a moment later. A case that is not active and not bad is none.
 *
 * More is the same in pairs, where each reason was searched alone: rungs that neither the other case
 * nor the world can tell apart; see stands_for().
 *
 * None of this is believed: with `compared` each world that counting leads to is turned into the open
 * one that stands for it, and has to be found among those that were met.
 */
#include "base/assert.h"
#include "recover/search_inner.h"

#include <string.h>

enum {
	PART_MS = TICK_MS + 1,      /* some of a hold, which a tick neither fills nor empties */
	WELL_MS = 1,                /* all is well, not for long enough */
	WELL_FULL = OPEN_TICKS + 1, /* in the step in which it is */
	KEY_SOURCE = 64,
	KEY_CAMERA = 128,
};

static struct hf_case *find(struct hf_policy_state *state, unsigned f)
{
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->cases[i].reason == f)
			return &state->cases[i];
	return NULL;
}

static const struct hf_case *look_up(const struct hf_policy_state *state, unsigned f)
{
	for (unsigned i = 0; i < state->case_count; i++)
		if (state->cases[i].reason == f)
			return &state->cases[i];
	return NULL;
}

/* ---- what runs out ---- */

static bool is_engaged(const struct setup *setup, const struct hf_policy_state *state,
		       unsigned action)
{
	for (unsigned i = 0; i < state->case_count; i++) {
		const struct hf_case *one = &state->cases[i];
		const struct hf_policy_reason *reason = &setup->policy.reasons[one->reason];

		for (unsigned r = 0; r < reason->rung_count; r++)
			if (reason->ladder[r] == action && (one->engaged & 1U << r) != 0)
				return true;
	}
	return false;
}

static bool case_runs_out(const struct setup *setup, const struct world *world, unsigned timer)
{
	unsigned f = timer % FAULTS_MAX;
	const struct hf_case *one = look_up(&world->live, f);

	if (f >= setup->fault_count || one == NULL)
		return false;
	switch (timer - f) {
	case TIMER_STEP:
		return one->step != HF_STEP_NONE && one->until_ms > BASE_MS;
	case TIMER_BAD:
		return one->phase != HF_CASE_ACTIVE && one->is_bad;
	case TIMER_CLEAR:
		return one->phase == HF_CASE_ACTIVE && !one->is_bad;
	default:
		return false;
	}
}

bool search_can_run_out(const struct setup *setup, const struct world *world, unsigned timer)
{
	const struct hf_policy_state *live = &world->live;

	if (!setup->is_open)
		return false;
	if (timer < TIMER_WELL)
		return case_runs_out(setup, world, timer);
	if (timer == TIMER_WELL)
		return live->safe && live->safe_well_ms > 0 &&
		       live->safe_well_ms <= setup->policy.safe_exit_healthy_ms;
	if (timer == TIMER_UPTIME)
		return world->history.uptime < setup->uptime_max;
	if (timer == TIMER_HELD)
		return setup->hold_action < HF_ACTION_COUNT &&
		       live->held_until_ms[setup->hold_action] != 0;
	if (timer == TIMER_MAINTENANCE)
		return live->maintenance_until_ms != 0;
	/* While a case engages it, it makes no difference. */
	return live->mode_until_ms[timer - TIMER_MODE] != 0 &&
	       !is_engaged(setup, live, timer - TIMER_MODE);
}

static void run_out_case(const struct setup *setup, struct hf_case *one, unsigned timer)
{
	const struct hf_policy_reason *reason = &setup->policy.reasons[one->reason];

	switch (timer - one->reason) {
	case TIMER_STEP:
		one->until_ms = BASE_MS + TICK_MS;
		break;
	case TIMER_BAD:
		one->bad_ms = reason->hold_ms - TICK_MS;
		break;
	default:
		one->clear_ms = reason->clear_hold_ms - TICK_MS;
		break;
	}
}

static void run_out_state(const struct setup *setup, struct hf_policy_state *state, unsigned timer)
{
	int64_t *until_ms = NULL;

	if (timer == TIMER_HELD)
		until_ms = &state->held_until_ms[setup->hold_action];
	else if (timer == TIMER_MAINTENANCE)
		until_ms = &state->maintenance_until_ms;
	else if (timer >= TIMER_MODE)
		until_ms = &state->mode_until_ms[timer - TIMER_MODE];
	/* What was stored is over at the same moment. */
	if (until_ms != NULL && *until_ms != 0)
		*until_ms = BASE_MS + TICK_MS;
}

/* So that the tick that follows is the one with which it is over. */
void search_run_out(const struct setup *setup, struct world *world, unsigned timer)
{
	if (timer < TIMER_WELL) {
		struct hf_case *one = find(&world->live, timer % FAULTS_MAX);

		HF_ASSERT(one != NULL);
		run_out_case(setup, one, timer);
	} else if (timer == TIMER_WELL) {
		world->live.safe_well_ms = setup->policy.safe_exit_healthy_ms + 1 - TICK_MS;
		if (world->history.well > 0)
			world->history.well = WELL_FULL - 1;
	} else if (timer == TIMER_UPTIME) {
		world->history.uptime = setup->uptime_max;
	} else {
		run_out_state(setup, &world->live, timer);
		run_out_state(setup, &world->stored, timer);
	}
}

/* ---- what is refused ---- */

/* As ladder.c counts it. */
static uint8_t use_key(const struct hf_policy_reason *reason, unsigned action)
{
	if (hf_action_scope((enum hf_action)action) == HF_SCOPE_UNIT)
		return 0;
	switch ((enum hf_scope)reason->scope) {
	case HF_SCOPE_SOURCE:
		return KEY_SOURCE;
	case HF_SCOPE_CAMERA:
		return KEY_CAMERA;
	case HF_SCOPE_WORKER:
		return 0;
	case HF_SCOPE_UNIT:
	case HF_SCOPE_COUNT:
		break;
	}
	return HF_WORKERS_MAX;
}

static uint8_t log_key(const struct hf_policy_reason *reason, unsigned action)
{
	return hf_action_scope((enum hf_action)action) == HF_SCOPE_UNIT
		       ? 0
		       : (uint8_t)(1U + reason->scope);
}

static unsigned uses_of(const struct hf_policy_state *state, unsigned action, unsigned key)
{
	unsigned count = 0;

	for (unsigned i = 0; i < state->use_count; i++)
		if (state->uses[i].action == action && state->uses[i].scope == key)
			count++;
	return count;
}

static unsigned budget_of(const struct hf_policy *policy, unsigned action)
{
	const struct hf_budget *budgets = policy->actions[action].budgets;
	unsigned most = action == HF_ACTION_SAFE_MODE ? policy->safe_exit_budget.count : 0;

	for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
		if (budgets[b].count > 0 && (most == 0 || budgets[b].count < most))
			most = budgets[b].count;
	return most;
}

static void spend(struct hf_policy_state *state, unsigned action, uint8_t key, unsigned count)
{
	while (uses_of(state, action, key) < count && state->use_count < HF_USES_MAX)
		state->uses[state->use_count++] = (struct hf_use){ .action = (uint8_t)action,
								   .scope = key,
								   .at_ms = BASE_MS };
}

static void log_spent(struct history *history, unsigned action, uint8_t key, unsigned count)
{
	for (unsigned i = 0; i < history->log_count; i++)
		if (history->log[i].action == action && history->log[i].key == key)
			return;
	for (unsigned i = 0; i < count && history->log_count < LOG_MAX; i++)
		history->log[history->log_count++] =
			(struct logged){ .action = (uint8_t)action, .key = key };
}

/* A case that is over remembers what failed: so does one that there was none of. */
static void fail_before(struct hf_policy_state *state, unsigned f, uint8_t failed)
{
	struct hf_case *one = find(state, f);

	if (one == NULL) {
		unsigned at = f == 0 ? 0 : state->case_count;

		memmove(&state->cases[at + 1], &state->cases[at],
			(state->case_count - at) * sizeof *state->cases);
		state->case_count++;
		one = &state->cases[at];
		*one = (struct hf_case){ .reason = (uint8_t)f,
					 .phase = HF_CASE_WATCHED,
					 .rung = HF_NO_RUNG };
	}
	if (one->phase == HF_CASE_WATCHED) {
		one->phase = HF_CASE_OVER;
		one->since_ms = BASE_MS;
	}
	one->failed |= failed;
	if (one->step == HF_STEP_NONE)
		one->until_ms = BASE_MS;
}

static void not_the_last(struct hf_policy_state *state, unsigned f)
{
	struct hf_case *one = find(state, f);

	if (one != NULL)
		one->tries = 0;
}

void search_refuse(const struct setup *setup, struct world *world, const struct refused *refused)
{
	for (unsigned f = 0; f < setup->fault_count; f++) {
		const struct hf_policy_reason *reason = &setup->policy.reasons[f];

		if (refused->again != 0) {
			not_the_last(&world->live, f);
			not_the_last(&world->stored, f);
			world->history.faults[f].tries = 0;
		}
		if (refused->failed[f] != 0) {
			fail_before(&world->live, f, refused->failed[f]);
			fail_before(&world->stored, f, refused->failed[f]);
			world->history.faults[f].failed |= refused->failed[f];
		}
		for (unsigned a = 0; refused->spent[f] >> a != 0; a++) {
			unsigned count = budget_of(&setup->policy, a);

			if ((refused->spent[f] & 1U << a) == 0)
				continue;
			spend(&world->live, a, use_key(reason, a), count);
			spend(&world->stored, a, use_key(reason, a), count);
			log_spent(&world->history, a, log_key(reason, a), count);
		}
	}
}

/* ---- what each step has to keep ---- */

static bool has_uses(const struct setup *setup, const struct history *history,
		     const struct hf_policy_state *state, unsigned action, unsigned key)
{
	unsigned logged = 0;
	unsigned used = 0;

	for (unsigned i = 0; i < history->log_count; i++)
		if (history->log[i].action == action && history->log[i].key == key)
			logged++;
	for (unsigned f = 0; f < setup->fault_count; f++) {
		const struct hf_policy_reason *reason = &setup->policy.reasons[f];

		if (log_key(reason, action) == key &&
		    uses_of(state, action, use_key(reason, action)) > used)
			used = uses_of(state, action, use_key(reason, action));
	}
	return used >= logged;
}

static bool has_failures(const struct history *history, const struct hf_policy_state *state,
			 unsigned f)
{
	const struct hf_case *one = look_up(state, f);
	unsigned known = one != NULL ? one->failed : 0;

	return (history->faults[f].failed & ~known) == 0;
}

unsigned search_check_kept(const struct setup *setup, const struct world *world)
{
	const struct history *history = &world->history;
	const struct hf_policy_state *live = &world->live;
	unsigned broken = 0;

	for (unsigned i = 0; i < history->log_count; i++) {
		unsigned action = history->log[i].action;

		if (!has_uses(setup, history, live, action, history->log[i].key) ||
		    !has_uses(setup, history, &world->stored, action, history->log[i].key))
			broken |= 1U << (action == HF_ACTION_SAFE_MODE ? 4 : 6);
	}
	for (unsigned f = 0; f < setup->fault_count; f++) {
		const struct hf_case *one = look_up(live, f);
		unsigned seen = history->faults[f].clear_ticks;

		if (!has_failures(history, live, f) || !has_failures(history, &world->stored, f))
			broken |= 1U << 14;
		if (one == NULL || one->phase != HF_CASE_ACTIVE || setup->internal[f])
			continue;
		if ((one->clear_ms > 0 && seen == 0) ||
		    (one->clear_ms > 0 && seen < setup->clear_max[f] &&
		     one->clear_ms >= setup->policy.reasons[f].clear_hold_ms))
			broken |= 1U << 11;
	}
	if (live->safe && !live->safe_by_operator &&
	    (live->safe_classes & ~setup->policy.safe_exit_classes) == 0 &&
	    live->safe_well_ms > 0 &&
	    (history->well == 0 || (live->safe_well_ms > setup->policy.safe_exit_healthy_ms &&
				    history->well < WELL_FULL)))
		broken |= 1U << 4;
	return broken;
}

/* ---- the world that stands for others ---- */

static int64_t runs(int64_t until_ms)
{
	return until_ms > BASE_MS ? BASE_MS + OPEN_MS : BASE_MS;
}

/* What is over is over. */
static int64_t runs_or_never(int64_t until_ms)
{
	return until_ms > BASE_MS ? BASE_MS + OPEN_MS : 0;
}

/* What others, and the step it is at, can tell a rung by. */
static bool are_alike(const struct setup *setup, unsigned one, unsigned other, unsigned step)
{
	const struct hf_policy_action *its = &setup->policy.actions[one];
	const struct hf_policy_action *others = &setup->policy.actions[other];
	bool retries = one == HF_ACTION_RETRY_WORKER || other == HF_ACTION_RETRY_WORKER;
	bool plain = one <= HF_ACTION_RESTART_ALL && other <= HF_ACTION_RESTART_ALL &&
		     one != HF_ACTION_RESET_DEVICE && other != HF_ACTION_RESET_DEVICE;

	if (one == other)
		return true;
	if (hf_action_kind((enum hf_action)one) != hf_action_kind((enum hf_action)other) ||
	    hf_action_scope((enum hf_action)one) != hf_action_scope((enum hf_action)other) ||
	    (its->settle_ms > 0) != (others->settle_ms > 0) ||
	    (its->verify_ms > 0) != (others->verify_ms > 0))
		return false;
	if (step == HF_STEP_SETTLING || step == HF_STEP_VERIFYING)
		return true;
	/* How a start, or a report, ends it. */
	if (!plain)
		return false;
	return step == HF_STEP_ACTING || !retries;
}

/* The first rung that is like it. In pairs: what a case does with its rungs is searched for each
 * reason alone. It has not been tried for the last time, and may fail all the same: which rung
 * comes then is left open, whichever it was. A failed one could do no more than this one. */
static unsigned stands_for(const struct setup *setup, const struct hf_policy_reason *reason,
			   unsigned rung, unsigned step)
{
	for (unsigned r = 0; r < rung; r++)
		if (are_alike(setup, reason->ladder[r], reason->ladder[rung], step))
			return r;
	return rung;
}

/* False: nothing of it is left. */
static bool open_case(const struct setup *setup, struct hf_case *one)
{
	const struct hf_policy_reason *reason = &setup->policy.reasons[one->reason];

	/* Only how long a hold is depends on how often it flapped; the rest is for people. */
	one->entries = 0;
	one->shift = 0;
	one->flap_since_ms = 0;
	one->since_ms = BASE_MS;
	one->told = false;
	one->partial = false;
	one->failed = 0;
	one->rebooted = one->rebooted && reason->latch == HF_LATCH_REBOOT;
	one->rereleased = one->rereleased && reason->latch == HF_LATCH_RELEASE;
	if (one->step != HF_STEP_NONE) {
		one->until_ms = runs(one->until_ms);
	} else {
		one->tries = 0;
		one->rung = HF_NO_RUNG;
		one->until_ms = 0;
	}
	if (one->phase != HF_CASE_ACTIVE) {
		/* What is over, without its failures, is what never was; and so is a hold that has
		 * begun and is not filling: any hold may be full at any time when it is bad again. */
		one->phase = HF_CASE_WATCHED;
		one->bad_ms = PART_MS;
		return one->is_bad;
	}
	/* Full, and not over: what ends first may as well be followed by its being full. */
	one->clear_ms = one->is_bad ? 0 : PART_MS;
	if (one->step == HF_STEP_NONE)
		return true;
	one->tries = !setup->is_pair && hf_action_kind((enum hf_action)reason->ladder[one->rung]) ==
						HF_ACTION_ONCE
			     ? 1
			     : 0;
	if (setup->is_pair)
		one->rung = (uint8_t)stands_for(setup, reason, one->rung, one->step);
	return true;
}

static void open_state(const struct setup *setup, struct hf_policy_state *state)
{
	unsigned kept = 0;

	search_rebase(state);
	state->safe_since_ms = 0;
	state->safe_reason = HF_NO_REASON;
	/* Where it says nothing, let it say that all is well: nothing may come of that. */
	bool may_leave = !state->safe_by_operator &&
			 (state->safe_classes & ~setup->policy.safe_exit_classes) == 0;
	state->safe_well_ms = state->safe && (!may_leave || state->safe_well_ms > 0) ? WELL_MS : 0;
	state->maintenance_until_ms = runs_or_never(state->maintenance_until_ms);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		state->held_until_ms[i] = runs_or_never(state->held_until_ms[i]);
		state->mode_until_ms[i] = runs_or_never(state->mode_until_ms[i]);
		/* How long it has to stay is asked when no case engages it any more. */
		if (setup->policy.actions[i].hold_ms > 0 && is_engaged(setup, state, i))
			state->mode_until_ms[i] = BASE_MS + OPEN_MS;
	}
	state->use_count = 0;
	for (unsigned i = 0; i < state->case_count; i++) {
		if (open_case(setup, &state->cases[i]))
			state->cases[kept++] = state->cases[i];
	}
	state->case_count = (uint8_t)kept;
}

/* It will be looked at by a start only, which begins holds anew, and settles again what was being
 * verified. So what was seen is the same as anything else; let it be what would do most harm. */
void search_open_stored(struct hf_policy_state *state)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < state->case_count; i++) {
		struct hf_case one = state->cases[i];

		if (one.phase != HF_CASE_ACTIVE)
			continue;
		one.is_bad = false;
		one.is_clear = true;
		one.is_unknown = false;
		one.clear_ms = PART_MS;
		if (one.step == HF_STEP_VERIFYING)
			one.step = HF_STEP_SETTLING;
		if (one.step == HF_STEP_FREEZING)
			one.step = HF_STEP_WAITING;
		if (one.step != HF_STEP_NONE)
			one.until_ms = BASE_MS;
		state->cases[kept++] = one;
	}
	state->case_count = (uint8_t)kept;
	state->shown = 0;
}

static void open_fault(const struct setup *setup, const struct hf_case *one, unsigned f,
		       struct fault *fault)
{
	unsigned step = one != NULL ? one->step : HF_STEP_NONE;
	unsigned latch = setup->policy.reasons[f].latch;

	fault->failed = 0;
	fault->failed_age = 0;
	/* There is one try, which is performed where it has got so far. In pairs see stands_for(). */
	bool tried = !setup->is_pair && step >= HF_STEP_ACTING &&
		     hf_action_kind((enum hf_action)setup->policy.reasons[f].ladder[one->rung]) ==
			     HF_ACTION_ONCE;
	fault->tried = tried ? setup->policy.reasons[f].ladder[one->rung] : 0;
	fault->tries = tried ? 1 : 0;
	/* What is chosen is performed from here only. */
	if (step != HF_STEP_WAITING && step != HF_STEP_FREEZING)
		fault->intended = 0;
	/* Nobody listens to an answer that comes too late; a further order has one of its own. */
	if (step != HF_STEP_FREEZING) {
		fault->frozen = 0;
		if (fault->pending == PENDING_FREEZE)
			fault->pending = PENDING_NONE;
	}
	if (fault->pending == PENDING_NONE)
		fault->action = 0;
	if (latch != HF_LATCH_REBOOT)
		fault->rebooted = 0;
	if (latch != HF_LATCH_RELEASE)
		fault->rereleased = 0;
	fault->clear_ticks =
		fault->active && fault->sight != SIGHT_BAD && !setup->internal[f] ? 1 : 0;
	if (setup->is_pair && fault->pending != PENDING_NONE && step != HF_STEP_NONE)
		fault->action = setup->policy.reasons[f].ladder[one->rung];
}

static void open_history(const struct setup *setup, const struct setup *open, struct world *world)
{
	struct history *history = &world->history;
	unsigned classes = history->safe_classes[0] | (unsigned)history->safe_classes[1] << 8;

	history->unstored = 0;
	history->log_count = 0;
	history->uptime = history->uptime >= setup->uptime_max ? open->uptime_max : 0;
	bool may_leave =
		!history->safe_operator && (classes & ~setup->policy.safe_exit_classes) == 0;
	history->well = history->safe && (!may_leave || history->well > 0) ? 1 : 0;
	for (unsigned f = 0; f < setup->fault_count; f++) {
		struct fault *fault = &history->faults[f];

		open_fault(setup, look_up(&world->live, f), f, fault);
		/* Nobody asks about it but whether it is bad. */
		if (look_up(&world->live, f) == NULL && look_up(&world->stored, f) == NULL &&
		    fault->sight == SIGHT_UNKNOWN)
			fault->sight = SIGHT_CLEAR;
	}
}

void search_open(const struct setup *setup, const struct setup *open, struct world *world)
{
	open_state(setup, &world->live);
	open_state(setup, &world->stored);
	search_open_stored(&world->stored);
	open_history(setup, open, world);
}
