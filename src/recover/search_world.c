/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a move is one thing that happens, and the step of the machine that sees it. Whatever
 * takes time takes a tick; the rest happens at once, so that all orders of events are there.
 *
 * What is stored: the state as of the last step that asked for it, and of each step after two
 * ticks without, as the daemon does. A power cut and a restart take what is younger. The powered-on
 * time goes on: the daemon may lose a minute of it with a cut, by which budgets come back later,
 * never sooner.
 */
#include "base/assert.h"
#include "recover/search_inner.h"

#include <stdio.h>
#include <string.h>

enum {
	UNSTORED_MAX = 1,
};

void search_world_first(struct setup *setup, struct world *ret_world)
{
	memset(ret_world, 0, sizeof *ret_world);
	hf_policy_state_fresh(&ret_world->live);
	ret_world->live.now_ms = BASE_MS;
	ret_world->live.boot = 1;
	ret_world->live.run = 1;
	ret_world->live.release = 1;
	ret_world->stored = ret_world->live;
	ret_world->history.release = 1;
	ret_world->history.gate = setup->releases && !setup->is_pair ? HF_GATE_OPEN : HF_GATE_NONE;
}

bool search_passes_time(enum move move)
{
	return move == MOVE_TICK || move >= MOVE_RUNS_OUT;
}

/* Nobody reads behind what is counted, and that is most of it. */
void search_copy_state(struct hf_policy_state *ret_to, const struct hf_policy_state *from)
{
	memcpy(ret_to, from, offsetof(struct hf_policy_state, cases));
	memcpy(ret_to->cases, from->cases, from->case_count * sizeof *from->cases);
	memcpy(ret_to->uses, from->uses, from->use_count * sizeof *from->uses);
}

static bool is_command(enum move move)
{
	return move >= MOVE_SAFE_ENTER && move <= MOVE_MAINTENANCE_OFF;
}

static bool is_start(enum move move)
{
	return (move >= MOVE_CUT && move <= MOVE_RESTART_SWITCHED) || move == MOVE_INSTALL ||
	       move == MOVE_INSTALL + 1;
}

static bool is_boot(enum move move)
{
	return move == MOVE_CUT || move == MOVE_CUT_SWITCHED;
}

static bool has_previous(const struct history *history)
{
	return history->release == 1 || history->release == 3;
}

static bool rollback_pending(const struct world *world)
{
	for (unsigned f = 0; f < FAULTS_MAX; f++)
		if (world->history.faults[f].pending == PENDING_PERFORM &&
		    world->history.faults[f].action == HF_ACTION_ROLLBACK)
			return true;
	return false;
}

static unsigned fault_of(enum move move)
{
	return (unsigned)(move - MOVE_CLEAR) % FAULTS_MAX;
}

static bool can_see(const struct setup *setup, const struct world *world, unsigned f,
		    enum sight sight)
{
	return f < setup->fault_count && !setup->internal[f] &&
	       world->history.faults[f].sight != sight;
}

static bool can_report(const struct world *world, unsigned f, enum move move)
{
	const struct fault *fault = &world->history.faults[f];

	if (move < MOVE_DONE)
		return fault->pending == PENDING_FREEZE;
	if (move >= MOVE_FAILED)
		return fault->pending != PENDING_NONE;
	/* Who reboots does not report it. */
	return fault->pending == PENDING_PERFORM && fault->action != HF_ACTION_REBOOT;
}

static bool can_command(const struct setup *setup, const struct world *world, enum move move)
{
	bool held = setup->hold_action < HF_ACTION_COUNT &&
		    world->live.held_until_ms[setup->hold_action] != 0;

	if (move == MOVE_HOLD)
		return setup->hold_action < HF_ACTION_COUNT && !held && !setup->is_pair &&
		       !setup->is_volatile;
	if (move == MOVE_HOLD_OFF)
		return held;
	if (move == MOVE_MAINTENANCE)
		return world->live.maintenance_until_ms == 0 && setup->is_volatile;
	return move != MOVE_MAINTENANCE_OFF || world->live.maintenance_until_ms != 0;
}

/* The release that comes where a third one does. There is always one more: it takes the number of
 * the last that did, of which nothing is running any more. In pairs there are two numbers. */
static unsigned another_of(const struct setup *setup)
{
	return setup->is_pair ? 1 : 3;
}

static void forget_release(struct hf_policy_state *state, unsigned release)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		if (state->denied[i] != release)
			state->denied[kept++] = state->denied[i];
	while (kept < HF_DENIED_MAX)
		state->denied[kept++] = 0;
}

static bool can_move(const struct setup *setup, const struct world *world, enum move move)
{
	const struct history *history = &world->history;

	if (move == MOVE_TICK || move == MOVE_CUT || move == MOVE_RESTART)
		return true;
	if (move >= MOVE_RUNS_OUT)
		return search_can_run_out(setup, world, move - MOVE_RUNS_OUT);
	if (move < MOVE_BAD)
		return can_see(setup, world, fault_of(move), SIGHT_CLEAR);
	if (move < MOVE_UNKNOWN)
		return can_see(setup, world, fault_of(move), SIGHT_BAD);
	if (move < MOVE_FROZEN)
		return can_see(setup, world, fault_of(move), SIGHT_UNKNOWN);
	if (move < MOVE_CUT)
		return can_report(world, fault_of(move), move);
	if (is_command(move))
		return can_command(setup, world, move);
	if (move == MOVE_CUT_SWITCHED || move == MOVE_RESTART_SWITCHED)
		return rollback_pending(world) && has_previous(history);
	if (!setup->releases)
		return false;
	if (move == MOVE_INSTALL)
		return history->release != 2;
	if (move == MOVE_INSTALL + 1)
		return history->release != another_of(setup);
	return history->gate == HF_GATE_OPEN;
}

static void command_of(const struct setup *setup, enum move move, struct hf_command *ret_command)
{
	static const uint8_t kinds[] = {
		[MOVE_SAFE_ENTER - MOVE_SAFE_ENTER] = HF_COMMAND_SAFE_ENTER,
		[MOVE_SAFE_CLEAR - MOVE_SAFE_ENTER] = HF_COMMAND_SAFE_CLEAR,
		[MOVE_ACK - MOVE_SAFE_ENTER] = HF_COMMAND_ACK,
		[MOVE_HOLD - MOVE_SAFE_ENTER] = HF_COMMAND_HOLD,
		[MOVE_HOLD_OFF - MOVE_SAFE_ENTER] = HF_COMMAND_HOLD,
		[MOVE_MAINTENANCE - MOVE_SAFE_ENTER] = HF_COMMAND_MAINTENANCE,
		[MOVE_MAINTENANCE_OFF - MOVE_SAFE_ENTER] = HF_COMMAND_MAINTENANCE,
	};

	*ret_command = (struct hf_command){ .kind = HF_COMMAND_NONE };
	if (!is_command(move))
		return;
	ret_command->kind = kinds[move - MOVE_SAFE_ENTER];
	ret_command->action = setup->hold_action;
	ret_command->reason = HF_NO_REASON;
	if (move == MOVE_HOLD || move == MOVE_MAINTENANCE)
		ret_command->for_ms = 2 * TICK_MS;
}

/* From what was stored, through the bytes it is stored as. */
static void start(struct setup *setup, struct world *world, enum move move)
{
	uint8_t packed[HF_POLICY_STATE_BYTES];
	struct hf_err err;
	int64_t lived_ms = world->history.unstored * (int64_t)TICK_MS;
	size_t bytes = hf_policy_state_pack(&setup->policy, &world->stored, packed);
	enum hf_code code =
		hf_policy_state_unpack(&setup->policy, packed, bytes, &world->live, &err);

	HF_ASSERT(code == HF_OK);
	setup->input.now_ms = world->live.now_ms + TICK_MS + lived_ms;
	setup->input.run = 2;
	setup->input.boot = is_boot(move) ? 2 : 1;
	if (is_boot(move))
		world->history.uptime = 0;
}

static void another_release(const struct setup *setup, struct world *world, enum move move)
{
	struct history *history = &world->history;

	if (move == MOVE_CUT_SWITCHED || move == MOVE_RESTART_SWITCHED || move == MOVE_INSTALL) {
		history->release = 2;
		history->gate = HF_GATE_NONE;
	} else if (move == MOVE_INSTALL + 1) {
		history->release = (uint8_t)another_of(setup);
		history->gate = setup->is_pair ? HF_GATE_NONE : HF_GATE_OPEN;
	}
}

static void happen(struct setup *setup, struct world *world, enum move move)
{
	struct hf_policy_input *input = &setup->input;
	struct history *history = &world->history;

	input->outcome_count = 0;
	input->now_ms = BASE_MS + (search_passes_time(move) ? TICK_MS : 0);
	input->boot = 1;
	input->run = 1;
	if (move >= MOVE_RUNS_OUT) {
		search_run_out(setup, world, move - MOVE_RUNS_OUT);
	} else if (is_start(move)) {
		if (move == MOVE_INSTALL + 1) {
			forget_release(&world->stored, another_of(setup));
			history->rolled[another_of(setup)] = 0;
		}
		start(setup, world, move);
		another_release(setup, world, move);
	} else if (move == MOVE_GATE_PASSED || move == MOVE_GATE_FAILED) {
		history->gate = move == MOVE_GATE_PASSED ? HF_GATE_PASSED : HF_GATE_FAILED;
	} else if (move >= MOVE_CLEAR && move < MOVE_FROZEN) {
		history->faults[fault_of(move)].sight = move < MOVE_BAD       ? SIGHT_CLEAR
							: move < MOVE_UNKNOWN ? SIGHT_BAD
									      : SIGHT_UNKNOWN;
	} else if (move >= MOVE_FROZEN && move < MOVE_CUT) {
		unsigned f = fault_of(move);

		input->outcome_count = 1;
		input->outcomes[0] = (struct hf_outcome){
			.result = move < MOVE_DONE     ? HF_RESULT_FROZEN
				  : move < MOVE_FAILED ? HF_RESULT_DONE
						       : HF_RESULT_FAILED,
			.action = history->faults[f].action,
			.reason = (uint8_t)f,
		};
	}
	if (!setup->is_open && (move == MOVE_TICK || is_start(move)) && !is_boot(move) &&
	    history->uptime < setup->uptime_max)
		history->uptime++;
}

static void look(struct setup *setup, const struct history *history)
{
	struct hf_policy_input *input = &setup->input;

	for (unsigned f = 0; f < setup->fault_count; f++) {
		unsigned sight = history->faults[f].sight;

		if (!setup->internal[f])
			input->readings[f == 0 ? HF_SIGNAL_INFER_P99 : HF_SIGNAL_DISK_FREE][0] =
				(struct hf_reading){
					.known = sight != SIGHT_UNKNOWN,
					.value = sight == SIGHT_UNKNOWN ? OLD_UPTIME_MS
						 : sight == SIGHT_BAD   ? 1
									: 0,
				};
	}
	input->uptime_ms = history->uptime >= setup->uptime_max
				   ? OLD_UPTIME_MS
				   : history->uptime * (int64_t)TICK_MS;
	input->release = history->release;
	input->gate = history->gate;
	input->has_previous = has_previous(history);
	input->is_volatile = setup->is_volatile;
}

static void store(const struct setup *setup, struct world *world, bool asked, enum move move)
{
	struct history *history = &world->history;

	if (move == MOVE_TICK || is_start(move))
		history->unstored++;
	/* In the run folder, if it cannot be stored: it outlives the supervisor, not the boot. What
	 * nobody asked for is stored in time: left open, that is when nothing else happens. */
	if (!asked && !setup->is_volatile &&
	    (setup->is_open ? move != MOVE_TICK : history->unstored <= UNSTORED_MAX))
		return;
	history->unstored = 0;
	search_copy_state(&world->stored, &world->live);
}

/* Boots and runs are counted only as "this one" and "another". */
static void renumber(struct hf_policy_state *state, const struct hf_policy_input *input)
{
	state->boot = state->boot == input->boot ? 1 : 0;
	state->run = state->run == input->run ? 1 : 0;
}

bool search_world_move(struct setup *setup, const struct world *from, enum move move,
		       const struct refused *refused, struct world *ret_to, unsigned *ret_broken)
{
	if (!can_move(setup, from, move) || (setup->is_volatile && is_boot(move)))
		return false;
	search_copy_state(&ret_to->live, &from->live);
	search_copy_state(&ret_to->stored, &from->stored);
	ret_to->history = from->history;
	if (setup->is_open)
		search_refuse(setup, ret_to, refused);
	command_of(setup, move, &setup->input.command);
	happen(setup, ret_to, move);
	look(setup, &ret_to->history);
	hf_policy_step(&setup->policy, &ret_to->live, &setup->input, &setup->out);
	struct checked checked = {
		.setup = setup,
		.before = from,
		.after = ret_to,
		.input = &setup->input,
		.out = &setup->out,
		.move = move,
	};
	*ret_broken = search_check(&checked);
	if (setup->out.commit)
		ret_to->history.gate = HF_GATE_NONE;
	store(setup, ret_to, setup->out.store, move);
	if (setup->is_open)
		*ret_broken |= search_check_kept(setup, ret_to);
	renumber(&ret_to->live, &setup->input);
	renumber(&ret_to->stored, &setup->input);
	search_canonical(setup, ret_to);
	return true;
}

void search_move_words(const struct setup *setup, enum move move, char *ret_text, size_t size_bytes)
{
	static const char *const words[] = {
		[MOVE_TICK] = "time passes",
		[MOVE_CUT] = "the power fails; the unit starts again",
		[MOVE_CUT_SWITCHED] = "the power fails; the release before starts",
		[MOVE_RESTART] = "the supervisor is started again",
		[MOVE_RESTART_SWITCHED] = "the rollback is performed: the release before starts",
		[MOVE_SAFE_ENTER] = "an operator enters safe mode",
		[MOVE_SAFE_CLEAR] = "an operator clears safe mode",
		[MOVE_ACK] = "an operator acknowledges all",
		[MOVE_HOLD] = "an operator holds the action",
		[MOVE_HOLD_OFF] = "an operator lets go of the action",
		[MOVE_MAINTENANCE] = "an operator begins maintenance",
		[MOVE_MAINTENANCE_OFF] = "an operator ends maintenance",
		[MOVE_INSTALL] = "an operator installs the release before",
		[MOVE_INSTALL + 1] = "an operator installs another release",
		[MOVE_GATE_PASSED] = "the release on trial passes its gate",
		[MOVE_GATE_FAILED] = "the release on trial fails its gate",
		[MOVE_RUNS_OUT + TIMER_WELL] = "all has been well for long enough",
		[MOVE_RUNS_OUT + TIMER_UPTIME] = "the unit has been up for long enough",
		[MOVE_RUNS_OUT + TIMER_HELD] = "the operator's hold is over",
		[MOVE_RUNS_OUT + TIMER_MAINTENANCE] = "maintenance is over",
		[MOVE_RUNS_OUT + TIMER_MODE] = "a mode may end",
	};
	const char *what = move < MOVE_BAD       ? "is clear"
			   : move < MOVE_UNKNOWN ? "is bad"
			   : move < MOVE_FROZEN  ? "is unknown"
			   : move < MOVE_DONE    ? "has its evidence frozen"
			   : move < MOVE_FAILED  ? "has its action reported done"
						 : "has its action reported failed";

	unsigned f = fault_of(move);

	if (move >= MOVE_RUNS_OUT && move < MOVE_RUNS_OUT + TIMER_WELL) {
		unsigned timer = move - MOVE_RUNS_OUT;

		f = timer % FAULTS_MAX;
		what = timer < TIMER_BAD     ? "has waited for long enough"
		       : timer < TIMER_CLEAR ? "was bad for its hold"
					     : "was clear for its hold";
	} else if (move == MOVE_TICK || move >= MOVE_CUT) {
		unsigned last = MOVE_RUNS_OUT + TIMER_MODE;

		(void)snprintf(ret_text, size_bytes, "%s", words[move < last ? move : last]);
		return;
	}
	(void)snprintf(ret_text, size_bytes, "%s %s", setup->policy.reasons[f].name, what);
}
