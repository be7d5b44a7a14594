/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: fixed fields, one after the other. Times are stored as the milliseconds from or to
 * now_ms in 32 bits: 24 days on either side, more than any window; what is further away is as
 * far as that. Nothing is trusted on the way back: each count and index is checked.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "recover/machine.h"

#include <string.h>

enum {
	PACK_VERSION = 2,
	FLAG_BAD = 1,
	FLAG_CLEAR = 2,
	FLAG_UNKNOWN = 4,
	FLAG_TOLD = 8,
	FLAG_REBOOTED = 16,
	FLAG_PARTIAL = 32,
	FLAG_RERELEASED = 64,
	FLAG_ROLLED_BACK = 1,
	FLAG_SAFE = 2,
	FLAG_SAFE_BY_OPERATOR = 4,
};

static uint32_t hash_of(const struct hf_policy *policy, unsigned reason)
{
	const char *name = policy->reasons[reason].name;

	return hf_crc32c(0, name, strnlen(name, HF_POLICY_NAME_BYTES));
}

/* ---- out ---- */

struct writer {
	uint8_t *data;
	size_t size_bytes;
	int64_t now_ms;
};

static void put(struct writer *writer, uint64_t value, unsigned bytes)
{
	HF_ASSERT(writer->size_bytes + bytes <= HF_POLICY_STATE_BYTES);
	for (unsigned i = 0; i < bytes; i++)
		writer->data[writer->size_bytes++] = (uint8_t)(value >> (8 * i));
}

static int32_t clamp(int64_t value)
{
	return value > INT32_MAX       ? INT32_MAX
	       : value < INT32_MIN + 1 ? INT32_MIN + 1
				       : (int32_t)value;
}

/* 0 means "never" and stays so. */
static void put_time(struct writer *writer, int64_t at_ms)
{
	put(writer, (uint32_t)(at_ms == 0 ? INT32_MIN : clamp(at_ms - writer->now_ms)), 4);
}

static void put_case(struct writer *writer, const struct hf_policy *policy,
		     const struct hf_case *one)
{
	unsigned flags = (one->is_bad ? FLAG_BAD : 0U) | (one->is_clear ? FLAG_CLEAR : 0U) |
			 (one->is_unknown ? FLAG_UNKNOWN : 0U) | (one->told ? FLAG_TOLD : 0U) |
			 (one->rebooted ? FLAG_REBOOTED : 0U) | (one->partial ? FLAG_PARTIAL : 0U) |
			 (one->rereleased ? FLAG_RERELEASED : 0U);

	put(writer, hash_of(policy, one->reason), 4);
	put(writer, one->scope, 1);
	put(writer, one->phase, 1);
	put(writer, one->step, 1);
	put(writer, one->rung, 1);
	put(writer, one->tries, 1);
	put(writer, one->failed, 1);
	put(writer, one->engaged, 1);
	put(writer, one->entries, 1);
	put(writer, one->shift, 1);
	put(writer, flags, 1);
	put_time(writer, one->since_ms);
	put_time(writer, one->flap_since_ms);
	put(writer, (uint32_t)clamp(one->bad_ms), 4);
	put(writer, (uint32_t)clamp(one->clear_ms), 4);
	put_time(writer, one->until_ms);
}

size_t hf_policy_state_pack(const struct hf_policy *policy, const struct hf_policy_state *state,
			    uint8_t ret_data[HF_POLICY_STATE_BYTES])
{
	struct writer writer = { .data = ret_data, .now_ms = state->now_ms };
	bool names_reason = state->safe_reason < policy->reason_count;

	put(&writer, PACK_VERSION, 1);
	put(&writer, (uint64_t)state->now_ms, 8);
	put(&writer, state->boot, 8);
	put(&writer, state->run, 8);
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		put(&writer, state->denied[i], 8);
	put(&writer, state->release, 8);
	put(&writer, state->rollback_from, 8);
	put(&writer,
	    (state->rolled_back ? FLAG_ROLLED_BACK : 0U) | (state->safe ? FLAG_SAFE : 0U) |
		    (state->safe_by_operator ? FLAG_SAFE_BY_OPERATOR : 0U),
	    1);
	put(&writer, names_reason ? hash_of(policy, state->safe_reason) : 0, 4);
	put(&writer, state->safe_classes, 4);
	put_time(&writer, state->safe_since_ms);
	put(&writer, (uint32_t)clamp(state->safe_well_ms), 4);
	put_time(&writer, state->maintenance_until_ms);
	put(&writer, state->shown, 1);
	put(&writer, HF_ACTION_COUNT, 1);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		put_time(&writer, state->held_until_ms[i]);
		put_time(&writer, state->mode_until_ms[i]);
	}
	put(&writer, state->use_count, 1);
	for (unsigned i = 0; i < state->use_count; i++) {
		put(&writer, state->uses[i].action, 1);
		put(&writer, state->uses[i].scope, 1);
		put_time(&writer, state->uses[i].at_ms);
	}
	put(&writer, state->case_count, 1);
	for (unsigned i = 0; i < state->case_count; i++)
		put_case(&writer, policy, &state->cases[i]);
	return writer.size_bytes;
}

/* ---- in ---- */

struct reader {
	const uint8_t *data;
	size_t size_bytes;
	size_t at;
	bool failed; /* sticky */
	int64_t now_ms;
};

static uint64_t get(struct reader *reader, unsigned bytes)
{
	uint64_t value = 0;

	if (reader->failed || reader->size_bytes - reader->at < bytes) {
		reader->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)reader->data[reader->at++] << (8 * i);
	return value;
}

static int64_t get_time(struct reader *reader)
{
	int32_t relative_ms = (int32_t)(uint32_t)get(reader, 4);

	return relative_ms == INT32_MIN ? 0 : reader->now_ms + relative_ms;
}

static int64_t get_span(struct reader *reader)
{
	uint64_t span_ms = get(reader, 4);

	if (span_ms > INT32_MAX)
		reader->failed = true;
	return (int64_t)span_ms;
}

static uint8_t get_u8(struct reader *reader, unsigned max)
{
	uint64_t value = get(reader, 1);

	if (value > max)
		reader->failed = true;
	return (uint8_t)value;
}

/* HF_NO_REASON: this policy has none of that name. */
static uint8_t get_reason(struct reader *reader, const struct hf_policy *policy)
{
	uint32_t hash = (uint32_t)get(reader, 4);

	for (unsigned i = 0; i < policy->reason_count; i++)
		if (hash_of(policy, i) == hash)
			return (uint8_t)i;
	return HF_NO_REASON;
}

static struct hf_case get_case(struct reader *reader, const struct hf_policy *policy)
{
	struct hf_case one = { .reason = get_reason(reader, policy) };

	one.scope = get_u8(reader, HF_CAMERAS_MAX - 1);
	one.phase = get_u8(reader, HF_CASE_OVER);
	one.step = get_u8(reader, HF_STEP_VERIFYING);
	one.rung = get_u8(reader, UINT8_MAX);
	one.tries = get_u8(reader, UINT8_MAX);
	one.failed = get_u8(reader, UINT8_MAX);
	one.engaged = get_u8(reader, UINT8_MAX);
	one.entries = get_u8(reader, UINT8_MAX);
	one.shift = get_u8(reader, policy->flap_shift_max < 8 ? policy->flap_shift_max : 8);
	unsigned flags = get_u8(reader, 2 * FLAG_RERELEASED - 1);
	one.is_bad = (flags & FLAG_BAD) != 0;
	one.is_clear = (flags & FLAG_CLEAR) != 0;
	one.is_unknown = (flags & FLAG_UNKNOWN) != 0;
	one.told = (flags & FLAG_TOLD) != 0;
	one.rebooted = (flags & FLAG_REBOOTED) != 0;
	one.partial = (flags & FLAG_PARTIAL) != 0;
	one.rereleased = (flags & FLAG_RERELEASED) != 0;
	one.since_ms = get_time(reader);
	one.flap_since_ms = get_time(reader);
	one.bad_ms = get_span(reader);
	one.clear_ms = get_span(reader);
	one.until_ms = get_time(reader);
	return one;
}

/* The order of the reasons may be another one now. */
static bool place(struct hf_policy_state *state, const struct hf_case *one)
{
	unsigned at = 0;

	while (at < state->case_count &&
	       (state->cases[at].reason < one->reason ||
		(state->cases[at].reason == one->reason && state->cases[at].scope < one->scope)))
		at++;
	if (at < state->case_count && state->cases[at].reason == one->reason &&
	    state->cases[at].scope == one->scope)
		return false;
	memmove(&state->cases[at + 1], &state->cases[at],
		(state->case_count - at) * sizeof *state->cases);
	state->cases[at] = *one;
	state->case_count++;
	return true;
}

/* A ladder may have been rewritten: then it is climbed anew, with budgets as they are. */
static void fit(const struct hf_policy *policy, struct hf_case *one)
{
	const struct hf_policy_reason *reason = &policy->reasons[one->reason];
	unsigned rungs = (1U << reason->rung_count) - 1;

	/* Only what is active has anything in hand. */
	if (one->phase != HF_CASE_ACTIVE) {
		one->step = HF_STEP_NONE;
		one->engaged = 0;
	}
	if ((one->rung == HF_NO_RUNG || one->rung < reason->rung_count) &&
	    ((one->failed | one->engaged) & ~rungs) == 0 &&
	    (one->step == HF_STEP_NONE || one->rung != HF_NO_RUNG))
		return;
	one->rung = HF_NO_RUNG;
	one->step = HF_STEP_NONE;
	one->tries = 0;
	one->failed = 0;
	one->engaged = 0;
}

static void get_cases(struct reader *reader, const struct hf_policy *policy,
		      struct hf_policy_state *state)
{
	unsigned count = get_u8(reader, HF_CASES_MAX);

	for (unsigned i = 0; i < count && !reader->failed; i++) {
		struct hf_case one = get_case(reader, policy);

		if (reader->failed || one.reason == HF_NO_REASON)
			continue;
		fit(policy, &one);
		if (one.phase == HF_CASE_FREE || !place(state, &one))
			reader->failed = true;
	}
}

static void get_uses(struct reader *reader, struct hf_policy_state *state)
{
	state->use_count = get_u8(reader, HF_USES_MAX);
	for (unsigned i = 0; i < state->use_count && !reader->failed; i++) {
		state->uses[i].action = get_u8(reader, HF_ACTION_COUNT - 1);
		state->uses[i].scope = get_u8(reader, UINT8_MAX);
		state->uses[i].at_ms = get_time(reader);
		if (state->uses[i].at_ms > reader->now_ms)
			reader->failed = true;
	}
}

static void get_actions(struct reader *reader, struct hf_policy_state *state)
{
	/* An older build knew fewer. */
	unsigned count = get_u8(reader, HF_ACTION_COUNT);

	for (unsigned i = 0; i < count && !reader->failed; i++) {
		state->held_until_ms[i] = get_time(reader);
		state->mode_until_ms[i] = get_time(reader);
	}
}

enum hf_code hf_policy_state_unpack(const struct hf_policy *policy, const uint8_t *data,
				    size_t size_bytes, struct hf_policy_state *ret_state,
				    struct hf_err *err)
{
	struct reader reader = { .data = data, .size_bytes = size_bytes };
	struct hf_policy_state state;

	hf_policy_state_fresh(&state);
	if (get(&reader, 1) != PACK_VERSION)
		return hf_fail(err, HF_E_CORRUPT, "device state: of another version");
	state.now_ms = (int64_t)get(&reader, 8);
	/* 292 million years are as good as a damaged number. */
	if (state.now_ms < 0 || state.now_ms > INT64_MAX / 2)
		return hf_fail(err, HF_E_CORRUPT, "device state: its time is out of range");
	reader.now_ms = state.now_ms;
	state.boot = get(&reader, 8);
	state.run = get(&reader, 8);
	for (unsigned i = 0; i < HF_DENIED_MAX; i++)
		state.denied[i] = get(&reader, 8);
	state.release = get(&reader, 8);
	state.rollback_from = get(&reader, 8);
	unsigned flags = get_u8(&reader, 2 * FLAG_SAFE_BY_OPERATOR - 1);
	state.rolled_back = (flags & FLAG_ROLLED_BACK) != 0;
	state.safe = (flags & FLAG_SAFE) != 0;
	state.safe_by_operator = (flags & FLAG_SAFE_BY_OPERATOR) != 0;
	state.safe_reason = get_reason(&reader, policy);
	state.safe_classes = (uint32_t)get(&reader, 4);
	state.safe_since_ms = get_time(&reader);
	state.safe_well_ms = get_span(&reader);
	state.maintenance_until_ms = get_time(&reader);
	state.shown = get_u8(&reader, HF_STATE_COUNT - 1);
	get_actions(&reader, &state);
	get_uses(&reader, &state);
	get_cases(&reader, policy, &state);
	if (reader.failed || reader.at != size_bytes)
		return hf_fail(err, HF_E_CORRUPT, "device state: not as it was written");
	*ret_state = state;
	return HF_OK;
}
