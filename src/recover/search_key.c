/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: all times are relative to "now", and what no longer makes a difference is made the same:
 * the age of what is older than anything asks about, a time that is over, a count past its limit.
 * Each of these follows from how machine.c, cases.c and ladder.c use the field.
 */
#include "base/assert.h"
#include "recover/search_inner.h"

#include <string.h>

static void shift(int64_t *at_ms, int64_t by_ms)
{
	if (*at_ms != 0)
		*at_ms += by_ms;
}

void search_rebase(struct hf_policy_state *state)
{
	int64_t by_ms = BASE_MS - state->now_ms;

	state->now_ms = BASE_MS;
	shift(&state->safe_since_ms, by_ms);
	shift(&state->maintenance_until_ms, by_ms);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		shift(&state->held_until_ms[i], by_ms);
		shift(&state->mode_until_ms[i], by_ms);
	}
	for (unsigned i = 0; i < state->use_count; i++)
		state->uses[i].at_ms += by_ms;
	for (unsigned i = 0; i < state->case_count; i++) {
		shift(&state->cases[i].since_ms, by_ms);
		shift(&state->cases[i].flap_since_ms, by_ms);
		shift(&state->cases[i].until_ms, by_ms);
	}
}

static void at_least(int64_t *at_ms, int64_t least_ms)
{
	if (*at_ms < least_ms)
		*at_ms = least_ms;
}

static void canonical_case(const struct hf_policy *policy, struct hf_case *one)
{
	/* Without a limit they are only counted. */
	if (policy->flap_entries == 0)
		one->entries = 0;
	/* waits and the greatest number of tries are HF_POLICY_WAITS_MAX at most. */
	if (one->tries > HF_POLICY_WAITS_MAX)
		one->tries = HF_POLICY_WAITS_MAX;
	/* Only what is over asks for how long. */
	if (one->phase == HF_CASE_OVER)
		at_least(&one->since_ms, BASE_MS - policy->episode_ms);
	else
		one->since_ms = BASE_MS;
	if (BASE_MS - one->flap_since_ms >= policy->flap_window_ms)
		one->entries = 0;
	if (one->entries == 0)
		one->flap_since_ms = 0;
	if (one->step != HF_STEP_NONE)
		at_least(&one->until_ms, BASE_MS);
	else if (one->failed == 0 && one->tries == 0)
		one->until_ms = 0;
	else
		at_least(&one->until_ms, BASE_MS - policy->episode_ms);
	if (one->step == HF_STEP_NONE && one->tries == 0)
		one->rung = HF_NO_RUNG;
	if (one->step == HF_STEP_NONE)
		one->partial = false;
	/* Of a latch that it does not open it says nothing. */
	if (policy->reasons[one->reason].latch != HF_LATCH_RELEASE)
		one->rereleased = false;
}

static void canonical_state(const struct hf_policy *policy, struct hf_policy_state *state)
{
	int64_t now_ms = BASE_MS;

	search_rebase(state);
	if (!state->safe) {
		state->safe_since_ms = 0;
		state->safe_well_ms = 0;
	}
	/* It is asked only whether it began before now. */
	if (state->safe_since_ms != 0)
		at_least(&state->safe_since_ms, now_ms - TICK_MS);
	if (state->safe_by_operator || (state->safe_classes & ~policy->safe_exit_classes) != 0)
		state->safe_well_ms = 0;
	if (state->safe_well_ms > policy->safe_exit_healthy_ms + 1)
		state->safe_well_ms = policy->safe_exit_healthy_ms + 1;
	for (unsigned i = 0; i < state->case_count; i++)
		canonical_case(policy, &state->cases[i]);
}

/* Who starts has not looked yet, and forgets what was seen at the last look. */
static void forget_looks(struct hf_policy_state *state)
{
	for (unsigned i = 0; i < state->case_count; i++) {
		state->cases[i].is_bad = false;
		state->cases[i].is_clear = false;
		state->cases[i].is_unknown = false;
		state->cases[i].clear_ms = 0;
	}
}

static void canonical_history(const struct setup *setup, struct history *history)
{
	unsigned classes = history->safe_classes[0] | (unsigned)history->safe_classes[1] << 8;

	if (history->safe_operator || (classes & ~setup->policy.safe_exit_classes) != 0)
		history->well = 0;
	if (history->well > setup->well_max)
		history->well = setup->well_max;
	for (unsigned f = 0; f < setup->fault_count; f++) {
		struct fault *fault = &history->faults[f];

		if (!fault->active)
			fault->clear_ticks = 0;
		if (fault->clear_ticks > setup->clear_max[f])
			fault->clear_ticks = setup->clear_max[f];
		if (fault->failed == 0 && fault->tries == 0) {
			fault->tried = 0;
			fault->failed_age = 0;
		}
		if (fault->pending == PENDING_NONE)
			fault->action = 0;
		if (!fault->intended)
			fault->frozen = 0;
	}
}

void search_canonical(const struct setup *setup, struct world *world)
{
	if (setup->is_open) {
		search_open(setup, setup, world);
		return;
	}
	forget_looks(&world->stored);
	canonical_history(setup, &world->history);
	canonical_state(&setup->policy, &world->live);
	canonical_state(&setup->policy, &world->stored);
}

/* ---- as bytes ---- */

struct bytes {
	uint8_t *data;
	size_t at;
};

static void put(struct bytes *bytes, uint64_t value, unsigned count)
{
	HF_ASSERT(bytes->at + count <= KEY_BYTES_MAX);
	for (unsigned i = 0; i < count; i++)
		bytes->data[bytes->at++] = (uint8_t)(value >> (8 * i));
}

/* 0 is never. */
static void put_time(struct bytes *bytes, int64_t at_ms)
{
	int64_t relative_ms = at_ms == 0 ? INT16_MIN : at_ms - BASE_MS;

	HF_ASSERT(relative_ms >= INT16_MIN && relative_ms <= INT16_MAX);
	put(bytes, (uint16_t)(int16_t)relative_ms, 2);
}

static uint64_t get(const uint8_t **data, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t) * (*data)++ << (8 * i);
	return value;
}

static int64_t get_time(const uint8_t **data)
{
	int16_t relative_ms = (int16_t)(uint16_t)get(data, 2);

	return relative_ms == INT16_MIN ? 0 : BASE_MS + relative_ms;
}

static void put_case(struct bytes *bytes, const struct hf_case *one)
{
	put(bytes, one->reason, 1);
	put(bytes, (unsigned)one->phase | (unsigned)one->step << 4, 1);
	put(bytes, one->rung, 1);
	put(bytes, one->tries, 1);
	put(bytes, one->failed, 1);
	put(bytes, one->engaged, 1);
	put(bytes, (unsigned)one->entries | (unsigned)one->shift << 4, 1);
	put(bytes,
	    (one->is_bad ? 1U : 0U) | (one->is_clear ? 2U : 0U) | (one->is_unknown ? 4U : 0U) |
		    (one->told ? 8U : 0U) | (one->rebooted ? 16U : 0U) | (one->partial ? 32U : 0U) |
		    (one->rereleased ? 64U : 0U),
	    1);
	put_time(bytes, one->since_ms);
	put_time(bytes, one->flap_since_ms);
	put_time(bytes, one->until_ms);
	put(bytes, (uint64_t)one->bad_ms, 2);
	put(bytes, (uint64_t)one->clear_ms, 2);
}

static void get_case(const uint8_t **data, struct hf_case *one)
{
	one->reason = (uint8_t)get(data, 1);
	unsigned step = (unsigned)get(data, 1);
	one->phase = step & 15;
	one->step = (uint8_t)(step >> 4);
	one->rung = (uint8_t)get(data, 1);
	one->tries = (uint8_t)get(data, 1);
	one->failed = (uint8_t)get(data, 1);
	one->engaged = (uint8_t)get(data, 1);
	unsigned entries = (unsigned)get(data, 1);
	one->entries = entries & 15;
	one->shift = (uint8_t)(entries >> 4);
	unsigned flags = (unsigned)get(data, 1);
	one->is_bad = (flags & 1) != 0;
	one->is_clear = (flags & 2) != 0;
	one->is_unknown = (flags & 4) != 0;
	one->told = (flags & 8) != 0;
	one->rebooted = (flags & 16) != 0;
	one->partial = (flags & 32) != 0;
	one->rereleased = (flags & 64) != 0;
	one->since_ms = get_time(data);
	one->flap_since_ms = get_time(data);
	one->until_ms = get_time(data);
	one->bad_ms = (int64_t)get(data, 2);
	one->clear_ms = (int64_t)get(data, 2);
}

/* Which there are, and those. */
static void put_untils(struct bytes *bytes, const int64_t untils_ms[HF_ACTION_COUNT])
{
	size_t at = bytes->at;
	unsigned which = 0;

	put(bytes, 0, 2);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		if (untils_ms[i] != 0) {
			which |= 1U << i;
			put_time(bytes, untils_ms[i]);
		}
	bytes->data[at] = (uint8_t)which;
	bytes->data[at + 1] = (uint8_t)(which >> 8);
}

static void get_untils(const uint8_t **data, int64_t untils_ms[HF_ACTION_COUNT])
{
	unsigned which = (unsigned)get(data, 2);

	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		untils_ms[i] = (which & 1U << i) != 0 ? get_time(data) : 0;
}

static void put_state(struct bytes *bytes, const struct hf_policy_state *state)
{
	put(bytes, state->boot, 1);
	put(bytes, state->run, 1);
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		put(bytes, state->denied[i], 1);
	put(bytes, state->release, 1);
	put(bytes, state->rollback_from, 1);
	put(bytes,
	    (state->rolled_back ? 1U : 0U) | (state->safe ? 2U : 0U) |
		    (state->safe_by_operator ? 4U : 0U) | (unsigned)state->shown << 4,
	    1);
	put(bytes, state->safe_reason, 1);
	put(bytes, state->safe_classes, 2);
	put_time(bytes, state->safe_since_ms);
	put(bytes, (uint64_t)state->safe_well_ms, 2);
	put_time(bytes, state->maintenance_until_ms);
	put_untils(bytes, state->held_until_ms);
	put_untils(bytes, state->mode_until_ms);
	put(bytes, state->use_count, 1);
	for (unsigned i = 0; i < state->use_count; i++) {
		put(bytes, state->uses[i].action, 1);
		put(bytes, state->uses[i].scope, 1);
		put_time(bytes, state->uses[i].at_ms);
	}
	put(bytes, state->case_count, 1);
	for (unsigned i = 0; i < state->case_count; i++)
		put_case(bytes, &state->cases[i]);
}

static void get_state(const uint8_t **data, struct hf_policy_state *state)
{
	hf_policy_state_fresh(state);
	state->now_ms = BASE_MS;
	state->boot = get(data, 1);
	state->run = get(data, 1);
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		state->denied[i] = get(data, 1);
	state->release = get(data, 1);
	state->rollback_from = get(data, 1);
	unsigned flags = (unsigned)get(data, 1);
	state->rolled_back = (flags & 1) != 0;
	state->safe = (flags & 2) != 0;
	state->safe_by_operator = (flags & 4) != 0;
	state->shown = (uint8_t)(flags >> 4);
	state->safe_reason = (uint8_t)get(data, 1);
	state->safe_classes = (uint32_t)get(data, 2);
	state->safe_since_ms = get_time(data);
	state->safe_well_ms = (int64_t)get(data, 2);
	state->maintenance_until_ms = get_time(data);
	get_untils(data, state->held_until_ms);
	get_untils(data, state->mode_until_ms);
	state->use_count = (uint8_t)get(data, 1);
	for (unsigned i = 0; i < state->use_count; i++) {
		state->uses[i].action = (uint8_t)get(data, 1);
		state->uses[i].scope = (uint8_t)get(data, 1);
		state->uses[i].at_ms = get_time(data);
	}
	state->case_count = (uint8_t)get(data, 1);
	for (unsigned i = 0; i < state->case_count; i++)
		get_case(data, &state->cases[i]);
}

/* As it is stored when nothing has changed since. */
static void mostly_stored(const struct setup *setup, const struct hf_policy_state *live,
			  struct hf_policy_state *ret_stored)
{
	search_copy_state(ret_stored, live);
	if (setup->is_open)
		search_open_stored(ret_stored);
}

size_t search_key_put(const struct setup *setup, const struct world *world,
		      uint8_t ret_key[KEY_BYTES_MAX])
{
	struct hf_policy_state mostly;
	uint8_t data[KEY_BYTES_MAX];
	struct bytes bytes = { .data = ret_key };
	struct bytes other = { .data = data };
	size_t head =
		offsetof(struct history, log) + world->history.log_count * sizeof(struct logged);

	memcpy(ret_key, &world->history, head);
	bytes.at = head;
	put_state(&bytes, &world->live);
	mostly_stored(setup, &world->live, &mostly);
	put_state(&other, &mostly);
	put(&bytes, 1, 1);
	size_t stored_at = bytes.at;
	put_state(&bytes, &world->stored);
	if (bytes.at - stored_at == other.at && memcmp(&ret_key[stored_at], data, other.at) == 0) {
		ret_key[stored_at - 1] = 0;
		bytes.at = stored_at;
	}
	return bytes.at;
}

void search_key_get(const struct setup *setup, const uint8_t *key, struct world *ret_world)
{
	size_t head =
		offsetof(struct history, log) +
		((const struct history *)(const void *)key)->log_count * sizeof(struct logged);

	memset(&ret_world->history, 0, sizeof ret_world->history);
	memcpy(&ret_world->history, key, head);
	key += head;
	get_state(&key, &ret_world->live);
	if (get(&key, 1) == 0)
		mostly_stored(setup, &ret_world->live, &ret_world->stored);
	else
		get_state(&key, &ret_world->stored);
}
