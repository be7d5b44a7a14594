/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_rig.h"

static uint8_t packed[HF_POLICY_STATE_BYTES];

/* With something in each field. */
static size_t pack_rich(void)
{
	rig_begin();
	for (unsigned r = 0; r < 4; r++) {
		char name[16];

		(void)snprintf(name, sizeof name, "reason%u", r);
		struct hf_policy_reason *reason =
			rig_reason(name, HF_CLASS_PROCESS, HF_SIGNAL_WORKER_DOWN);

		(void)rig_rung(reason, HF_ACTION_RESTART_WORKER);
		(void)rig_rung(reason, HF_ACTION_SAFE_MODE);
	}
	rig.policy.flap_shift_max = 3;
	rig.state.now_ms = INT64_C(50) * 86400000;
	rig.state.boot = 12;
	rig.state.run = 34;
	rig.state.denied[1] = UINT64_MAX;
	rig.state.release = 9;
	rig.state.rollback_from = 7;
	rig.state.rolled_back = true;
	rig.state.safe = true;
	rig.state.safe_reason = 2;
	rig.state.safe_classes = 5;
	rig.state.safe_since_ms = rig.state.now_ms - 1000;
	rig.state.safe_well_ms = 77;
	rig.state.maintenance_until_ms = rig.state.now_ms + 3600000;
	rig.state.held_until_ms[HF_ACTION_REBOOT] = rig.state.now_ms + 1;
	rig.state.mode_until_ms[HF_ACTION_SHED] = rig.state.now_ms + 60000;
	rig.state.shown = HF_STATE_SAFE_MODE;
	rig.state.use_count = 2;
	rig.state.uses[0] = (struct hf_use){ .action = HF_ACTION_REBOOT,
					     .at_ms = rig.state.now_ms - INT64_C(604800000) };
	rig.state.uses[1] = (struct hf_use){ .action = HF_ACTION_RESTART_WORKER,
					     .scope = 200,
					     .at_ms = rig.state.now_ms };
	rig.state.case_count = 3;
	for (unsigned i = 0; i < 3; i++)
		rig.state.cases[i] = (struct hf_case){
			.reason = (uint8_t)(i + 1),
			.scope = (uint8_t)i,
			.phase = HF_CASE_ACTIVE,
			.step = HF_STEP_VERIFYING,
			.rung = 1,
			.tries = 3,
			.failed = 1,
			.engaged = 2,
			.entries = 2,
			.shift = 3,
			.is_bad = i == 0,
			.is_clear = i == 1,
			.is_unknown = i == 2,
			.told = true,
			.rebooted = true,
			.rereleased = true,
			.partial = true,
			.since_ms = rig.state.now_ms - 5,
			.flap_since_ms = rig.state.now_ms - 6,
			.bad_ms = 8,
			.clear_ms = 9,
			.until_ms = rig.state.now_ms + 10,
		};
	return hf_policy_state_pack(&rig.policy, &rig.state, packed);
}

TEST(what_was_packed_comes_back_as_it_was)
{
	struct hf_policy_state back;
	struct hf_err err;
	size_t bytes = pack_rich();

	CHECK_U64(bytes, <=, HF_POLICY_STATE_BYTES);
	assert_int_equal(hf_policy_state_unpack(&rig.policy, packed, bytes, &back, &err), HF_OK);
	assert_memory_equal(&back, &rig.state, sizeof back);
}

TEST(the_fullest_state_fits)
{
	(void)pack_rich();
	rig.state.use_count = HF_USES_MAX;
	rig.state.case_count = HF_CASES_MAX;
	CHECK_U64(hf_policy_state_pack(&rig.policy, &rig.state, packed), <=, HF_POLICY_STATE_BYTES);
}

TEST(what_another_policy_does_not_know_is_dropped_but_not_safe_mode_budgets_and_denials)
{
	struct hf_policy_state back;
	struct hf_err err;
	size_t bytes = pack_rich();
	struct hf_policy other = rig.policy;

	/* In another order, and one is gone. */
	other.reasons[0] = rig.policy.reasons[3];
	other.reasons[1] = rig.policy.reasons[1];
	other.reason_count = 2;
	assert_int_equal(hf_policy_state_unpack(&other, packed, bytes, &back, &err), HF_OK);
	CHECK_U64(back.case_count, ==, 2);
	CHECK_U64(back.cases[0].reason, ==, 0);
	CHECK_U64(back.cases[0].scope, ==, 2);
	CHECK_U64(back.cases[1].reason, ==, 1);
	CHECK_U64(back.cases[1].scope, ==, 0);
	assert_true(back.safe);
	CHECK_U64(back.safe_reason, ==, HF_NO_REASON);
	CHECK_U64(back.use_count, ==, 2);
	CHECK_U64(back.denied[1], ==, UINT64_MAX);
	assert_true(back.rolled_back);
}

TEST(a_ladder_that_became_shorter_is_climbed_anew)
{
	struct hf_policy_state back;
	struct hf_err err;
	size_t bytes = pack_rich();

	rig.policy.reasons[1].rung_count = 1;
	assert_int_equal(hf_policy_state_unpack(&rig.policy, packed, bytes, &back, &err), HF_OK);
	CHECK_U64(back.cases[0].rung, ==, HF_NO_RUNG);
	CHECK_U64(back.cases[0].step, ==, HF_STEP_NONE);
	CHECK_U64(back.cases[0].failed | back.cases[0].engaged, ==, 0);
	CHECK_U64(back.cases[0].phase, ==, HF_CASE_ACTIVE);
}

TEST(what_is_not_active_has_nothing_in_hand)
{
	struct hf_policy_state back;
	struct hf_err err;

	(void)pack_rich();
	rig.state.cases[0].phase = HF_CASE_OVER;
	rig.state.cases[0].step = HF_STEP_ACTING;
	size_t bytes = hf_policy_state_pack(&rig.policy, &rig.state, packed);
	assert_int_equal(hf_policy_state_unpack(&rig.policy, packed, bytes, &back, &err), HF_OK);
	CHECK_U64(back.cases[0].step, ==, HF_STEP_NONE);
	CHECK_U64(back.cases[0].engaged, ==, 0);
}

TEST(a_time_that_is_too_far_away_is_as_far_as_can_be_stored)
{
	struct hf_policy_state back;
	struct hf_err err;

	(void)pack_rich();
	rig.state.uses[0].at_ms = 1;
	rig.state.maintenance_until_ms = INT64_MAX / 2;
	size_t bytes = hf_policy_state_pack(&rig.policy, &rig.state, packed);
	assert_int_equal(hf_policy_state_unpack(&rig.policy, packed, bytes, &back, &err), HF_OK);
	CHECK_I64(back.uses[0].at_ms, ==, rig.state.now_ms + INT32_MIN + 1);
	CHECK_I64(back.maintenance_until_ms, ==, rig.state.now_ms + INT32_MAX);
}

TEST(bytes_that_are_cut_or_too_many_are_refused_and_nothing_is_touched)
{
	struct hf_policy_state back;
	struct hf_err err;
	size_t bytes = pack_rich();

	memset(&back, 0xa5, sizeof back);
	struct hf_policy_state before = back;
	for (size_t cut = 0; cut <= bytes + 1; cut++) {
		if (cut == bytes)
			continue;
		assert_int_equal(hf_policy_state_unpack(&rig.policy, packed, cut, &back, &err),
				 HF_E_CORRUPT);
		assert_memory_equal(&back, &before, sizeof back);
	}
}

TEST(whatever_one_byte_becomes_it_is_refused_or_can_be_lived_with)
{
	size_t bytes = pack_rich();
	struct hf_policy_input input = rig.input;
	struct hf_err err;
	unsigned taken = 0;

	for (size_t at = 0; at < bytes; at++)
		for (unsigned value = 0; value < 256; value += 5) {
			uint8_t was = packed[at];
			struct hf_policy_state back;

			packed[at] = (uint8_t)value;
			enum hf_code code =
				hf_policy_state_unpack(&rig.policy, packed, bytes, &back, &err);
			packed[at] = was;
			if (code != HF_OK)
				continue;
			taken++;
			rig.state = back;
			rig.input = input;
			rig.input.now_ms = back.now_ms;
			rig_step(100);
			rig_step(100000);
			assert_true(hf_policy_state_pack(&rig.policy, &rig.state,
							 (uint8_t[HF_POLICY_STATE_BYTES]){ 0 }) >
				    0);
		}
	CHECK_U64(taken, >, 1000);
}

TESTS(RUN(what_was_packed_comes_back_as_it_was), RUN(the_fullest_state_fits),
      RUN(what_another_policy_does_not_know_is_dropped_but_not_safe_mode_budgets_and_denials),
      RUN(a_ladder_that_became_shorter_is_climbed_anew),
      RUN(what_is_not_active_has_nothing_in_hand),
      RUN(a_time_that_is_too_far_away_is_as_far_as_can_be_stored),
      RUN(bytes_that_are_cut_or_too_many_are_refused_and_nothing_is_touched),
      RUN(whatever_one_byte_becomes_it_is_refused_or_can_be_lived_with))
