/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_rig.h"

#define LATENCY HF_SIGNAL_INFER_P99
#define DISK    HF_SIGNAL_DISK_FREE

static struct hf_policy_reason *latency(int64_t hold_ms, int64_t clear_hold_ms)
{
	struct hf_policy_reason *reason = rig_reason("slow", HF_CLASS_LATENCY, LATENCY);

	reason->hold_ms = hold_ms;
	reason->clear_hold_ms = clear_hold_ms;
	return reason;
}

/* ---- reasons ---- */

TEST(a_reason_is_active_when_its_hold_is_full_and_one_look_is_no_duration)
{
	rig_begin();
	(void)latency(1000, 0);
	rig_set(LATENCY, 0, 6);
	rig_step(5000);
	CHECK_I64(rig.state.cases[0].bad_ms, ==, 0);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	CHECK_I64(rig.out.next_ms, ==, rig.input.now_ms + 1000);
	rig_step(999);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	rig_step(1);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	CHECK_I64(rig_told(HF_CHANGE_ENTERED)->value, ==, 1000);
	assert_true(rig.out.store);
}

TEST(a_hold_that_was_begun_runs_back_at_a_quarter_and_stands_still_while_unknown)
{
	rig_begin();
	(void)latency(1000, 0);
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_step(800);
	rig_set(LATENCY, 0, 3);
	rig_step(400);
	CHECK_I64(rig.state.cases[0].bad_ms, ==, 700);
	rig_lose(LATENCY, 0, 100);
	rig_step(10000);
	CHECK_I64(rig.state.cases[0].bad_ms, ==, 700);
	rig_set(LATENCY, 0, 6);
	rig_step(0);
	rig_step(300);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
}

TEST(time_in_which_nobody_looked_fills_nothing)
{
	rig_begin();
	(void)latency(1000, 0);
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig.input.asleep_ms = 5000;
	rig_step(5100);
	CHECK_I64(rig.state.cases[0].bad_ms, ==, 100);
}

TEST(it_is_over_when_clear_held_without_a_break_and_what_lies_between_stands_still)
{
	rig_begin();
	(void)latency(0, 1000);
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(600);
	rig_set(LATENCY, 0, 3); /* between the two thresholds */
	rig_step(5000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	CHECK_I64(rig.state.cases[0].clear_ms, ==, 600);
	rig_set(LATENCY, 0, 6);
	rig_step(0);
	CHECK_I64(rig.state.cases[0].clear_ms, ==, 0);
	rig_set(LATENCY, 0, 1);
	rig_step(0);
	rig_step(999);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_step(1);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	assert_non_null(rig_told(HF_CHANGE_CLEARED));
}

TEST(what_is_unknown_neither_makes_a_reason_nor_clears_one)
{
	rig_begin();
	(void)latency(0, 0);
	rig_lose(LATENCY, 0, INT32_MAX);
	rig_step(60000);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_lose(LATENCY, 0, INT32_MAX);
	rig_step(60000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	assert_true(rig.state.cases[0].is_unknown);
}

TEST(a_required_signal_that_is_unknown_for_too_long_is_blind)
{
	rig_begin();
	struct hf_policy_reason *reason = rig_reason("blind", HF_CLASS_BLIND, LATENCY);

	reason->when.term_count = 0;
	reason->clear.term_count = 0;
	rig.policy.signals[LATENCY].required = true;
	rig.policy.signals[LATENCY].stale_ms = 3000;
	rig_lose(LATENCY, 0, 2999);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	rig_lose(LATENCY, 0, 3000);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_set(LATENCY, 0, 0);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

TEST(four_entries_within_the_window_double_the_clear_hold_as_often_as_allowed)
{
	rig_begin();
	(void)latency(0, 1000);
	rig.policy.flap_entries = 4;
	rig.policy.flap_shift_max = 1;
	for (unsigned i = 0; i < 9; i++) {
		rig_set(LATENCY, 0, 6);
		rig_step(100);
		CHECK_U64(rig.state.cases[0].shift, ==, i < 3 ? 0 : 1);
		rig_set(LATENCY, 0, 1);
		rig_step(100);
		rig_step(999);
		assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
		rig_step(1);
		assert_int_equal(rig.out.state, i < 3 ? HF_STATE_HEALTHY : HF_STATE_DEGRADED);
		rig_step(1000);
		assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	}
}

TEST(a_reason_of_one_camera_holds_that_camera_only)
{
	rig_begin();
	struct hf_policy_reason *reason =
		rig_reason("lost", HF_CLASS_SENSOR, HF_SIGNAL_CAMERA_FRAME);

	(void)rig_rung(reason, HF_ACTION_HOLD_CAMERA);
	rig_set(HF_SIGNAL_CAMERA_FRAME, 1, 6);
	rig_step(100);
	CHECK_U64(rig.out.cameras_held, ==, 2);
	assert_true(rig.out.may_decide);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_set(HF_SIGNAL_CAMERA_FRAME, 1, 0);
	rig_step(100);
	rig_pass(1000);
	CHECK_U64(rig.out.cameras_held, ==, 0);
}

TEST(the_link_is_shown_and_changes_nothing)
{
	rig_begin();
	rig_reason("behind", HF_CLASS_LINK, HF_SIGNAL_OUTBOX_AGE)->records_only = true;
	rig_set(HF_SIGNAL_OUTBOX_AGE, 0, 6);
	rig_step(100);
	assert_non_null(rig_told(HF_CHANGE_ENTERED));
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	assert_true(rig.out.may_decide);
	CHECK_U64(rig.out.order_count, ==, 0);
}

TEST(a_start_is_recovering_and_decides_nothing_where_it_starts)
{
	rig_begin();
	struct hf_policy_reason *reason =
		rig_reason("starting", HF_CLASS_PROCESS, HF_SIGNAL_WORKER_STARTING);

	reason->recovering = true;
	rig_set(HF_SIGNAL_WORKER_STARTING, 0, 6);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_RECOVERING);
	CHECK_U64(rig.out.cameras_held, ==, 1);
}

TEST(a_case_of_a_camera_or_a_role_that_is_no_more_is_dropped)
{
	rig_begin();
	rig_reason("down", HF_CLASS_PROCESS, HF_SIGNAL_WORKER_DOWN)->workers = 1U << 2;
	rig.input.worker_roles[1] = 2;
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 6);
	rig_set(HF_SIGNAL_WORKER_DOWN, 1, 6);
	rig_step(100);
	CHECK_U64(rig.state.case_count, ==, 1);
	CHECK_U64(rig.state.cases[0].scope, ==, 1);
	rig.input.worker_roles[1] = 3;
	rig_step(100);
	CHECK_U64(rig.state.case_count, ==, 0);
}

TEST(cases_there_is_no_room_for_are_counted_and_the_unit_is_not_healthy)
{
	rig_begin();
	rig.input.camera_count = 64;
	(void)rig_reason("a", HF_CLASS_SENSOR, HF_SIGNAL_CAMERA_FRAME);
	(void)rig_reason("b", HF_CLASS_SENSOR, HF_SIGNAL_CAMERA_FROZEN);
	for (unsigned i = 0; i < 64; i++)
		rig_set(HF_SIGNAL_CAMERA_FRAME, i, 6);
	rig_set(HF_SIGNAL_CAMERA_FROZEN, 9, 6);
	rig_step(100);
	CHECK_U64(rig.state.case_count, ==, HF_CASES_MAX);
	CHECK_U64(rig.state.lost, ==, 1);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
}

/* ---- ladder ---- */

static struct hf_policy_reason *down(void)
{
	return rig_reason("down", HF_CLASS_PROCESS, HF_SIGNAL_WORKER_DOWN);
}

static void fall(void)
{
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 6);
	rig_step(100);
}

TEST(an_action_is_counted_told_and_stored_with_its_intent_then_freezes_then_acts)
{
	rig_begin();
	struct hf_policy_action *rule = rig_rung(down(), HF_ACTION_RESTART_ALL);

	rule->waits_ms[0] = 1000;
	rule->budgets[0] = (struct hf_budget){ .count = 1, .window_ms = 60000 };
	fall();
	assert_int_equal(rig.out.state, HF_STATE_RECOVERING);
	assert_true(rig.out.store);
	CHECK_U64(rig.state.use_count, ==, 1);
	CHECK_U64(rig.out.order_count, ==, 0);
	assert_false(rig.out.may_decide);
	rig_step(1200);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_ALL));
	assert_false(rig_ordered(HF_ORDER_PERFORM, HF_ACTION_RESTART_ALL));
	rig_report(HF_RESULT_FROZEN, HF_ACTION_RESTART_ALL, 0, 0);
	assert_true(rig_ordered(HF_ORDER_PERFORM, HF_ACTION_RESTART_ALL));
	assert_true(rig.out.store);
}

TEST(evidence_that_is_not_frozen_in_time_is_partial_and_does_not_stop_the_action)
{
	rig_begin();
	(void)rig_rung(down(), HF_ACTION_RESTART_WORKER);
	fall();
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_WORKER));
	rig_step(HF_FREEZE_MS - 1);
	CHECK_U64(rig.out.order_count, ==, 0);
	rig_step(1);
	assert_true(rig_ordered(HF_ORDER_PERFORM, HF_ACTION_RESTART_WORKER));
	rig_report(HF_RESULT_DONE, HF_ACTION_RESTART_WORKER, 0, 0);
	assert_int_equal(rig_told(HF_CHANGE_DONE)->why, HF_REFUSED_DEADLINE);
}

TEST(what_reports_nothing_until_its_deadline_has_failed)
{
	rig_begin();
	rig_rung(down(), HF_ACTION_RESTART_WORKER)->deadline_ms = 5000;
	fall();
	rig_report(HF_RESULT_FROZEN, HF_ACTION_RESTART_WORKER, 0, 0);
	rig_step(4999);
	assert_null(rig_told(HF_CHANGE_FAILED));
	rig_step(1);
	assert_int_equal(rig_told(HF_CHANGE_FAILED)->why, HF_REFUSED_DEADLINE);
	assert_non_null(rig_told(HF_CHANGE_EXHAUSTED));
}

TEST(what_helped_is_verified_and_what_did_not_leads_to_the_next_rung)
{
	rig_begin();
	struct hf_policy_reason *reason = down();
	struct hf_policy_action *rule = rig_rung(reason, HF_ACTION_RESTART_WORKER);

	(void)rig_rung(reason, HF_ACTION_RESTART_GROUP);
	reason->clear_hold_ms = 60000;
	rule->settle_ms = 1000;
	rule->verify_ms = 5000;
	fall();
	rig_carry_out(HF_ACTION_RESTART_WORKER);
	assert_int_equal(rig.out.state, HF_STATE_RECOVERING);
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 0);
	rig_step(1000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_step(4999);
	assert_null(rig_told(HF_CHANGE_VERIFIED));
	rig_step(1);
	assert_non_null(rig_told(HF_CHANGE_VERIFIED));
	/* It had one try, which helped; that it fell again is a second. */
	fall();
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_WORKER));
	rig_carry_out(HF_ACTION_RESTART_WORKER);
	rig_step(1000);
	assert_non_null(rig_told(HF_CHANGE_NO_HELP));
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_GROUP));
}

TEST(a_rung_has_as_many_tries_as_waits_each_spread_by_a_fifth)
{
	rig_begin();
	struct hf_policy_action *rule = rig_rung(down(), HF_ACTION_RESTART_WORKER);
	static const int64_t waits_ms[] = { 100, 1000, 10000 };
	int64_t other_ms = 0;

	memcpy(rule->waits_ms, waits_ms, sizeof waits_ms);
	fall();
	for (unsigned i = 0; i < 3; i++) {
		int64_t wait_ms = rig_told(HF_CHANGE_CHOSEN)->value;

		CHECK_I64(wait_ms, >=, waits_ms[i] * 8 / 10);
		CHECK_I64(wait_ms, <=, waits_ms[i] * 12 / 10);
		rig_step(wait_ms);
		rig_carry_out(HF_ACTION_RESTART_WORKER);
		assert_non_null(rig_told(HF_CHANGE_NO_HELP));
		other_ms = wait_ms;
	}
	assert_null(rig_told(HF_CHANGE_CHOSEN));
	assert_non_null(rig_told(HF_CHANGE_EXHAUSTED));
	/* Another worker waits for another while. */
	rig_begin();
	rig_rung(down(), HF_ACTION_RESTART_WORKER)->waits_ms[0] = 10000;
	rig_set(HF_SIGNAL_WORKER_DOWN, 1, 6);
	rig_step(100);
	CHECK_I64(rig_told(HF_CHANGE_CHOSEN)->value, !=, other_ms);
}

TEST(a_budget_slides_and_whose_it_is_counts)
{
	rig_begin();
	struct hf_policy_action *rule = rig_rung(down(), HF_ACTION_RESTART_WORKER);

	for (unsigned i = 0; i < HF_POLICY_WAITS_MAX; i++)
		rule->waits_ms[i] = 100;
	rule->budgets[0] = (struct hf_budget){ .count = 2, .window_ms = 60000 };
	fall();
	rig_step(200);
	rig_carry_out(HF_ACTION_RESTART_WORKER);
	assert_non_null(rig_told(HF_CHANGE_CHOSEN));
	rig_step(10000);
	rig_carry_out(HF_ACTION_RESTART_WORKER);
	assert_null(rig_told(HF_CHANGE_CHOSEN));
	assert_non_null(rig_told(HF_CHANGE_EXHAUSTED));
	/* The other worker has a budget of its own. */
	rig_set(HF_SIGNAL_WORKER_DOWN, 1, 6);
	rig_step(100);
	assert_int_equal(rig_told(HF_CHANGE_CHOSEN)->scope, 1);
	/* A minute after the first, not before. */
	rig_step(rig.state.uses[0].at_ms + 60000 - 1 - rig.state.now_ms);
	assert_null(rig_told(HF_CHANGE_CHOSEN));
	rig_step(1);
	assert_int_equal(rig_told(HF_CHANGE_CHOSEN)->scope, 0);
}

TEST(no_start_refills_a_budget)
{
	rig_begin();
	struct hf_policy_action *rule = rig_rung(down(), HF_ACTION_RESTART_ALL);

	rule->budgets[0] = (struct hf_budget){ .count = 1, .window_ms = 3600000 };
	fall();
	rig_carry_out(HF_ACTION_RESTART_ALL);
	for (unsigned i = 0; i < 10; i++) {
		rig_restart(i % 2 == 0);
		rig_step(60000);
		CHECK_U64(rig.state.use_count, ==, 1);
		assert_null(rig_told(HF_CHANGE_CHOSEN));
	}
}

TEST(an_episode_is_remembered_for_its_time_after_its_reason_was_over)
{
	for (unsigned late = 0; late < 2; late++) {
		rig_begin();
		struct hf_policy_reason *reason = down();

		(void)rig_rung(reason, HF_ACTION_RESTART_WORKER);
		(void)rig_rung(reason, HF_ACTION_RESTART_GROUP);
		fall();
		rig_carry_out(HF_ACTION_RESTART_WORKER); /* no help */
		rig_set(HF_SIGNAL_WORKER_DOWN, 0, 0);
		rig_step(100);
		rig_step(HF_FREEZE_MS);
		rig_report(HF_RESULT_DONE, HF_ACTION_RESTART_GROUP, 0, 0);
		rig_step(100);
		assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
		rig_step(late == 1 ? 600000 : 599000);
		fall();
		assert_int_equal(rig_told(HF_CHANGE_CHOSEN)->action,
				 late == 1 ? HF_ACTION_RESTART_WORKER : HF_ACTION_RESTART_GROUP);
	}
}

TEST(an_action_whose_reason_went_while_it_waited_is_not_carried_out)
{
	rig_begin();
	rig_rung(down(), HF_ACTION_RESTART_ALL)->waits_ms[0] = 1000;
	fall();
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 3);
	rig_step(1200);
	CHECK_U64(rig.out.order_count, ==, 0);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
}

TEST(a_try_that_was_not_made_is_none_and_one_more_waits_as_long_as_the_last)
{
	rig_begin();
	struct hf_policy_action *rule = rig_rung(down(), HF_ACTION_RESTART_WORKER);

	rule->waits_ms[0] = 1000;
	for (unsigned i = 0; i < 3; i++) {
		fall();
		CHECK_I64(rig_told(HF_CHANGE_CHOSEN)->value, >=, 800);
		CHECK_U64(rig.state.cases[0].tries, ==, 1);
		/* Neither bad nor clear: it is not carried out, and the case goes on. */
		rig_set(HF_SIGNAL_WORKER_DOWN, 0, 3);
		rig_step(1200);
		CHECK_U64(rig.state.cases[0].tries, ==, 0);
	}
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 6);
	rig_step(100);
	rig_step(1200);
	rig_report(HF_RESULT_FROZEN, HF_ACTION_RESTART_WORKER, 0, 0);
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 3);
	rig_report(HF_RESULT_DONE, HF_ACTION_RESTART_WORKER, 0, 0);
	rig_step(100);
	assert_int_equal(rig.state.cases[0].step, HF_STEP_NONE);
	/* It helped; the next one waits, too. */
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 6);
	rig_step(100);
	CHECK_I64(rig_told(HF_CHANGE_CHOSEN)->value, >=, 800);
}

/* ---- refusals ---- */

static enum hf_refusal refused(void)
{
	struct hf_outlook outlook;

	hf_policy_outlook(&rig.policy, &rig.state, &rig.input, &rig.state.cases[0], &outlook);
	return (enum hf_refusal)outlook.refused[0];
}

TEST(what_is_unavailable_or_comes_too_soon_or_cannot_be_stored_makes_room_for_the_next_rung)
{
	for (unsigned i = 0; i < 3; i++) {
		static const enum hf_refusal why[] = { HF_REFUSED_UNAVAILABLE, HF_REFUSED_UPTIME,
						       HF_REFUSED_VOLATILE };

		rig_begin();
		struct hf_policy_reason *reason = down();
		struct hf_policy_action *rule = rig_rung(reason, HF_ACTION_REBOOT);

		(void)rig_rung(reason, HF_ACTION_SHED);
		rule->unavailable = i == 0;
		rule->uptime_ms = i == 1 ? rig.input.uptime_ms + 1000 : 0;
		rig.input.is_volatile = i == 2;
		fall();
		assert_int_equal(refused(), why[i]);
		assert_true(rig.out.shed);
		CHECK_U64(rig.out.order_count, ==, 0);
	}
}

TEST(a_unit_that_cannot_store_reboots_after_twelve_hours_of_uptime)
{
	rig_begin();
	(void)rig_rung(down(), HF_ACTION_REBOOT);
	rig.input.is_volatile = true;
	rig.input.uptime_ms = 12 * 3600 * 1000;
	fall();
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_REBOOT));
}

TEST(what_is_held_waits_and_goes_on_when_the_hold_runs_out)
{
	rig_begin();
	struct hf_policy_reason *reason = down();

	(void)rig_rung(reason, HF_ACTION_RESTART_WORKER);
	(void)rig_rung(reason, HF_ACTION_RESTART_ALL);
	assert_int_equal(rig_command(HF_COMMAND_HOLD, HF_ACTION_RESTART_WORKER, 60000),
			 HF_REFUSED_NOT);
	fall();
	assert_int_equal(refused(), HF_REFUSED_HELD);
	CHECK_U64(rig.out.order_count, ==, 0);
	CHECK_I64(rig.out.next_ms, ==, 1060000);
	rig_step(rig.out.next_ms - rig.input.now_ms);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_WORKER));
}

TEST(maintenance_stops_what_destroys_but_not_the_restart_of_a_worker)
{
	rig_begin();
	struct hf_policy_reason *reason = down();

	(void)rig_rung(reason, HF_ACTION_RESTART_WORKER);
	(void)rig_rung(reason, HF_ACTION_RESTART_GROUP);
	(void)rig_command(HF_COMMAND_MAINTENANCE, HF_ACTION_COUNT, 600000);
	fall();
	rig_carry_out(HF_ACTION_RESTART_WORKER);
	assert_non_null(rig_told(HF_CHANGE_NO_HELP));
	CHECK_U64(rig.out.order_count, ==, 0);
	(void)rig_command(HF_COMMAND_MAINTENANCE, HF_ACTION_COUNT, 0);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_GROUP));
}

TEST(what_an_operator_stops_after_the_intent_is_not_carried_out)
{
	static const enum hf_command_kind kinds[] = { HF_COMMAND_HOLD, HF_COMMAND_MAINTENANCE,
						      HF_COMMAND_SAFE_ENTER };

	for (unsigned i = 0; i < 3; i++) {
		rig_begin();
		(void)rig_rung(down(), HF_ACTION_RESTART_ALL);
		fall();
		assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_ALL));
		(void)rig_command(kinds[i], HF_ACTION_RESTART_ALL, 600000);
		rig_report(HF_RESULT_FROZEN, HF_ACTION_RESTART_ALL, 0, 0);
		assert_false(rig_ordered(HF_ORDER_PERFORM, HF_ACTION_RESTART_ALL));
		assert_non_null(rig_told(HF_CHANGE_FAILED));
		/* It has not failed: it may come again. */
		CHECK_U64(rig.state.cases[0].failed, ==, 0);
	}
}

TEST(one_action_at_a_time_where_one_is_about_the_unit)
{
	rig_begin();
	(void)rig_rung(down(), HF_ACTION_RESTART_ALL);
	rig_rung(rig_reason("stuck", HF_CLASS_PROCESS, HF_SIGNAL_WORKER_STUCK), HF_ACTION_REBOOT);
	rig_set(HF_SIGNAL_WORKER_STUCK, 0, 6);
	fall();
	CHECK_U64(rig.out.order_count, ==, 1);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_ALL));
	rig_carry_out(HF_ACTION_RESTART_ALL);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_REBOOT));
}

TEST(what_is_due_and_waits_for_another_one_does_not_wake_the_unit_over_and_over)
{
	rig_begin();
	struct hf_policy_action *rule = rig_rung(down(), HF_ACTION_RESTART_ALL);

	rule->waits_ms[0] = 500;
	rule->deadline_ms = 60000;
	rig_rung(rig_reason("stuck", HF_CLASS_PROCESS, HF_SIGNAL_WORKER_STUCK), HF_ACTION_REBOOT)
		->waits_ms[0] = 1000;
	rig_set(HF_SIGNAL_WORKER_STUCK, 0, 6);
	fall();
	rig_step(600);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_ALL));
	rig_report(HF_RESULT_FROZEN, HF_ACTION_RESTART_ALL, 0, 0);
	rig_step(1200);
	assert_false(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_REBOOT));
	CHECK_I64(rig.out.next_ms, >=, rig.input.now_ms + 50000);
	rig_report(HF_RESULT_DONE, HF_ACTION_RESTART_ALL, 0, 0);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_REBOOT));
}

/* ---- modes ---- */

TEST(a_mode_stays_until_its_reason_is_over_and_for_its_own_hold_at_least)
{
	rig_begin();
	struct hf_policy_reason *reason = latency(0, 0);

	rig_rung(reason, HF_ACTION_SHED)->hold_ms = 60000;
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	assert_true(rig.out.shed);
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(100);
	assert_true(rig.out.shed);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_step(59700);
	assert_true(rig.out.shed);
	rig_step(100);
	assert_false(rig.out.shed);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

/* ---- safe mode ---- */

static struct hf_policy_reason *severe(void)
{
	struct hf_policy_reason *reason = latency(0, 0);

	(void)rig_rung(reason, HF_ACTION_SAFE_MODE);
	rig.policy.safe_exit_classes = 1U << HF_CLASS_LATENCY;
	rig.policy.safe_exit_budget = (struct hf_budget){ .count = 1, .window_ms = 86400000 };
	return reason;
}

TEST(in_safe_mode_nothing_is_decided_and_an_operator_leaves_it_when_its_reason_is_over)
{
	rig_begin();
	(void)severe();
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	assert_false(rig.out.may_decide);
	assert_true(rig.out.observe_only);
	CHECK_U64(rig.out.cameras_held, ==, 3);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0),
			 HF_REFUSED_STILL_BAD);
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0), HF_REFUSED_NOT);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	CHECK_I64(rig_told(HF_CHANGE_SAFE_LEFT)->value, ==, 1);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0),
			 HF_REFUSED_NOTHING);
}

TEST(it_is_left_by_itself_after_half_an_hour_once_a_day_where_the_class_allows)
{
	rig_begin();
	(void)severe();
	for (unsigned time = 0; time < 2; time++) {
		rig_set(LATENCY, 0, 6);
		rig_step(100);
		assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
		rig_set(LATENCY, 0, 1);
		rig_step(600000);
		/* Nothing of the time before the first look at which all was well. */
		rig_step(1799999);
		assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
		rig_step(1);
		assert_int_equal(rig.out.state, time == 0 ? HF_STATE_HEALTHY : HF_STATE_SAFE_MODE);
	}
	rig_step(86400000);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

TEST(it_is_not_left_while_what_asked_for_it_is_back)
{
	rig_begin();
	(void)severe();
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	/* Over, and nothing is engaged by it any more; but it is bad again. */
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(100);
	rig_command(HF_COMMAND_HOLD, HF_ACTION_REBOOT, 1000);
	rig_set(LATENCY, 0, 6);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0),
			 HF_REFUSED_STILL_BAD);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
}

TEST(it_is_not_left_by_itself_while_something_is_on_its_way_to_be_active)
{
	rig_begin();
	(void)severe();
	rig_reason("disk", HF_CLASS_RESOURCE, DISK)->hold_ms = 60000;
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(1799950);
	rig_set(DISK, 0, 6);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	rig_set(DISK, 0, 0);
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

TEST(it_is_not_left_by_itself_when_another_class_or_an_operator_asked_for_it)
{
	for (unsigned i = 0; i < 2; i++) {
		rig_begin();
		struct hf_policy_reason *reason = severe();

		if (i == 0)
			reason->class_of = HF_CLASS_INTEGRITY;
		rig_set(LATENCY, 0, 6);
		rig_step(100);
		rig_set(LATENCY, 0, 1);
		if (i == 1)
			(void)rig_command(HF_COMMAND_SAFE_ENTER, HF_ACTION_COUNT, 0);
		for (unsigned n = 0; n < 100; n++)
			rig_step(1800000);
		assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	}
}

TEST(a_start_does_not_leave_safe_mode_and_the_time_it_took_is_no_time_of_health)
{
	rig_begin();
	(void)severe();
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(100);
	rig_restart(false);
	rig_step(7200000);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
}

TEST(nobody_holds_safe_mode_off)
{
	rig_begin();
	assert_int_equal(rig_command(HF_COMMAND_HOLD, HF_ACTION_SAFE_MODE, 1000),
			 HF_REFUSED_NOTHING);
}

TEST(a_lost_state_is_safe_mode_until_an_operator_clears_it)
{
	rig_begin();
	hf_policy_state_lost(&rig.state);
	rig.policy.safe_exit_classes = UINT32_MAX;
	rig.policy.safe_exit_budget = (struct hf_budget){ .count = 9, .window_ms = 1000 };
	for (unsigned i = 0; i < 10; i++)
		rig_step(3600000);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0), HF_REFUSED_NOT);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

/* ---- latches ---- */

TEST(an_operators_latch_is_opened_by_an_operator_when_it_is_no_longer_bad)
{
	rig_begin();
	latency(0, 0)->latch = HF_LATCH_OPERATOR;
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_STILL_BAD);
	rig_set(LATENCY, 0, 1);
	rig_step(3600000);
	rig_restart(true);
	rig_step(3600000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_NOT);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_NOTHING);
}

TEST(what_has_an_action_in_hand_is_not_acknowledged_away)
{
	rig_begin();
	struct hf_policy_reason *reason = down();

	reason->latch = HF_LATCH_OPERATOR;
	(void)rig_rung(reason, HF_ACTION_RESTART_ALL);
	fall();
	rig_report(HF_RESULT_FROZEN, HF_ACTION_RESTART_ALL, 0, 0);
	rig_set(HF_SIGNAL_WORKER_DOWN, 0, 0);
	rig_step(100);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_BUSY);
	assert_false(rig.out.may_decide);
}

TEST(a_latch_until_the_next_boot_is_opened_by_that_only)
{
	rig_begin();
	latency(0, 0)->latch = HF_LATCH_REBOOT;
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_set(LATENCY, 0, 1);
	rig_step(1000);
	rig_restart(false);
	rig_step(1000);
	rig_step(1000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_restart(true);
	rig_step(1000);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

TEST(a_latch_until_another_release_is_opened_by_that_only)
{
	rig_begin();
	latency(0, 0)->latch = HF_LATCH_RELEASE;
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_set(LATENCY, 0, 1);
	rig_step(1000);
	/* The same release again is not another one. */
	rig_restart(true);
	rig_step(1000);
	rig_step(1000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	/* One under which it is bad, too, is none that ends it, on a good day of its own either. */
	rig.input.release = 8;
	rig_step(100);
	rig_set(LATENCY, 0, 6);
	rig_step(1000);
	assert_true(rig.out.store);
	rig_set(LATENCY, 0, 1);
	rig_step(1000);
	rig_step(1000);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_restart(true);
	rig.input.release = 9;
	rig_step(1000);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

TEST(what_is_unknown_is_not_acknowledged)
{
	rig_begin();
	latency(0, 0)->latch = HF_LATCH_OPERATOR;
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_lose(LATENCY, 0, 0);
	rig_step(100);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_STILL_BAD);
	/* Nor what lies between the two thresholds. */
	rig_set(LATENCY, 0, 3);
	rig_step(100);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_STILL_BAD);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
}

/* ---- starts ---- */

TEST(what_was_in_hand_when_the_unit_ended_is_done_when_the_start_did_it)
{
	/* step, is a boot, action: is it done by the start? */
	static const struct {
		enum hf_step step;
		bool is_boot;
		enum hf_action action;
		bool done;
	} rows[] = {
		{ HF_STEP_WAITING, true, HF_ACTION_REBOOT, false },
		{ HF_STEP_FREEZING, true, HF_ACTION_REBOOT, false },
		{ HF_STEP_ACTING, true, HF_ACTION_REBOOT, true },
		{ HF_STEP_ACTING, false, HF_ACTION_REBOOT, false },
		{ HF_STEP_ACTING, false, HF_ACTION_RESTART_ALL, true },
		{ HF_STEP_ACTING, true, HF_ACTION_RESET_DEVICE, false },
		{ HF_STEP_SETTLING, true, HF_ACTION_REBOOT, true },
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig_begin();
		struct hf_policy_action *rule = rig_rung(down(), rows[i].action);

		rule->waits_ms[0] = 100;
		rule->settle_ms = 5000;
		fall();
		if (rows[i].step != HF_STEP_WAITING)
			rig_step(200);
		if (rows[i].step >= HF_STEP_ACTING)
			rig_report(HF_RESULT_FROZEN, rows[i].action, 0, 0);
		if (rows[i].step == HF_STEP_SETTLING)
			rig_report(HF_RESULT_DONE, rows[i].action, 0, 0);
		CHECK_U64(rig.state.cases[0].step, ==, rows[i].step);
		rig_restart(rows[i].is_boot);
		rig_set(HF_SIGNAL_WORKER_DOWN, 0, 3);
		rig_step(0);
		CHECK_U64(rig.state.cases[0].step, ==,
			  rows[i].done ? HF_STEP_SETTLING : HF_STEP_NONE);
		CHECK_U64(rig.state.use_count, ==, 0);
	}
}

/* ---- releases ---- */

static void roll_back(void)
{
	struct hf_policy_reason *reason = rig_reason("gate", HF_CLASS_RELEASE, DISK);

	reason->latch = HF_LATCH_RELEASE;
	rig_rung(reason, HF_ACTION_ROLLBACK)->budgets[0] =
		(struct hf_budget){ .count = 2, .window_ms = INT64_C(604800000) };
	rig.input.has_previous = true;
	rig.input.gate = HF_GATE_OPEN;
	rig_set(DISK, 0, 6);
	rig_step(100);
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_ROLLBACK));
	CHECK_U64(rig.state.denied[0], ==, 0);
	rig_report(HF_RESULT_FROZEN, HF_ACTION_ROLLBACK, 0, 0);
	assert_true(rig_ordered(HF_ORDER_PERFORM, HF_ACTION_ROLLBACK));
	CHECK_U64(rig.state.denied[0], ==, 7);
	assert_int_equal(rig.out.state, HF_STATE_RECOVERING);
}

TEST(a_release_is_denied_before_it_is_gone_back_from_and_an_operator_sees_that_it_was)
{
	rig_begin();
	roll_back();
	rig_restart(true);
	rig.input.release = 6;
	rig.input.has_previous = false;
	rig_set(DISK, 0, 0);
	rig_step(100);
	rig_pass(1000);
	assert_int_equal(rig.out.state, HF_STATE_ROLLED_BACK);
	assert_int_equal(rig_command(HF_COMMAND_ACK, HF_ACTION_COUNT, 0), HF_REFUSED_NOT);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
	/* The updater brings it back. */
	rig_restart(false);
	rig.input.release = 7;
	rig_step(100);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
}

TEST(a_rollback_that_fails_leaves_a_denied_release_in_safe_mode_which_nobody_clears)
{
	rig_begin();
	roll_back();
	rig_report(HF_RESULT_FAILED, HF_ACTION_ROLLBACK, 0, 0);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	CHECK_U64(rig.state.rollback_from, ==, 0);
	rig_set(DISK, 0, 0);
	rig_step(100);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0), HF_REFUSED_DENIED);
	rig_step(3600000);
	assert_null(rig_told(HF_CHANGE_CHOSEN));
	rig.input.gate = HF_GATE_PASSED;
	rig_step(100);
	assert_false(rig.out.commit);
	/* Another release may. */
	rig.input.release = 8;
	rig_step(100);
	assert_int_equal(rig_command(HF_COMMAND_SAFE_CLEAR, HF_ACTION_COUNT, 0), HF_REFUSED_NOT);
}

TEST(a_release_is_committed_by_its_gate_only)
{
	static const bool commits[] = { false, false, true, false };

	rig_begin();
	for (unsigned gate = 0; gate < 4; gate++) {
		rig.input.gate = (uint8_t)gate;
		rig_step(100);
		assert_int_equal(rig.out.commit, commits[gate]);
	}
	rig.input.gate = HF_GATE_PASSED;
	(void)rig_command(HF_COMMAND_SAFE_ENTER, HF_ACTION_COUNT, 0);
	assert_false(rig.out.commit);
}

/* ---- what is stored ---- */

TEST(an_intent_is_stored_where_nothing_else_changes)
{
	rig_begin();
	struct hf_policy_reason *reason = down();
	struct hf_policy_action *rule = rig_rung(reason, HF_ACTION_RETRY_WORKER);

	rule->budgets[0] = (struct hf_budget){ .count = 1, .window_ms = 60000 };
	(void)rig_command(HF_COMMAND_SAFE_ENTER, HF_ACTION_COUNT, 0);
	fall();
	rig_carry_out(HF_ACTION_RETRY_WORKER);
	rig_step(1000);
	assert_false(rig.out.store);
	rig_step(60000);
	assert_non_null(rig_told(HF_CHANGE_CHOSEN));
	assert_true(rig.out.store);
}

TEST(a_reason_that_enters_is_stored_where_the_state_stays_what_it_is)
{
	rig_begin();
	(void)latency(0, 0);
	(void)rig_reason("short", HF_CLASS_RESOURCE, DISK);
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_step(100);
	assert_false(rig.out.store);
	rig_set(DISK, 0, 6);
	rig_step(100);
	assert_non_null(rig_told(HF_CHANGE_ENTERED));
	assert_null(rig_told(HF_CHANGE_STATE));
	assert_true(rig.out.store);
}

TEST(a_start_begins_the_clear_hold_anew)
{
	rig_begin();
	(void)latency(0, 1000);
	rig_set(LATENCY, 0, 6);
	rig_step(100);
	rig_set(LATENCY, 0, 1);
	rig_step(100);
	rig_step(900);
	rig_restart(false);
	rig_step(100);
	rig_step(999);
	assert_int_equal(rig.out.state, HF_STATE_DEGRADED);
	rig_step(1);
	assert_int_equal(rig.out.state, HF_STATE_HEALTHY);
}

/* ---- shadow ---- */

TEST(in_shadow_all_is_told_nothing_is_done_and_a_dead_worker_is_started_again)
{
	rig_begin();
	rig.policy.shadow = true;
	struct hf_policy_reason *reason = down();

	(void)rig_rung(reason, HF_ACTION_RESTART_WORKER);
	(void)rig_rung(reason, HF_ACTION_RESTART_ALL);
	(void)rig_rung(reason, HF_ACTION_SAFE_MODE);
	fall();
	assert_true(rig_ordered(HF_ORDER_FREEZE, HF_ACTION_RESTART_WORKER));
	rig_carry_out(HF_ACTION_RESTART_WORKER);
	/* All the rest in one go: nothing has to be waited for. */
	for (unsigned i = 0; i < 10 && !rig.state.safe; i++) {
		CHECK_U64(rig.out.order_count, ==, 0);
		rig_step(100);
	}
	CHECK_U64(rig.out.order_count, ==, 0);
	assert_int_equal(rig.out.state, HF_STATE_SAFE_MODE);
	assert_true(rig.out.may_decide);
	CHECK_U64(rig.out.cameras_held, ==, 0);
	assert_false(rig.out.observe_only);
}

TEST(in_shadow_a_worker_that_hangs_is_told_only_and_so_is_a_rollback)
{
	rig_begin();
	rig.policy.shadow = true;
	rig_rung(rig_reason("silent", HF_CLASS_PROCESS, HF_SIGNAL_WORKER_OVERDUE),
		 HF_ACTION_RESTART_WORKER);
	rig_set(HF_SIGNAL_WORKER_OVERDUE, 0, 6);
	rig_step(100);
	CHECK_U64(rig.out.order_count, ==, 0);
	assert_non_null(rig_told(HF_CHANGE_CHOSEN));
	assert_non_null(rig_told(HF_CHANGE_DONE));
	rig_begin();
	rig.policy.shadow = true;
	rig_rung(rig_reason("gate", HF_CLASS_RELEASE, DISK), HF_ACTION_ROLLBACK);
	rig.input.has_previous = true;
	rig_set(DISK, 0, 6);
	rig_step(100);
	assert_non_null(rig_told(HF_CHANGE_DONE));
	CHECK_U64(rig.out.order_count, ==, 0);
	CHECK_U64(rig.state.denied[0], ==, 0);
	assert_false(rig.state.rolled_back);
}

TESTS(RUN(what_is_due_and_waits_for_another_one_does_not_wake_the_unit_over_and_over),
      RUN(a_latch_until_another_release_is_opened_by_that_only),
      RUN(what_is_unknown_is_not_acknowledged), RUN(it_is_not_left_while_what_asked_for_it_is_back),
      RUN(it_is_not_left_by_itself_while_something_is_on_its_way_to_be_active),
      RUN(a_try_that_was_not_made_is_none_and_one_more_waits_as_long_as_the_last),
      RUN(a_reason_is_active_when_its_hold_is_full_and_one_look_is_no_duration),
      RUN(a_hold_that_was_begun_runs_back_at_a_quarter_and_stands_still_while_unknown),
      RUN(time_in_which_nobody_looked_fills_nothing),
      RUN(it_is_over_when_clear_held_without_a_break_and_what_lies_between_stands_still),
      RUN(what_is_unknown_neither_makes_a_reason_nor_clears_one),
      RUN(a_required_signal_that_is_unknown_for_too_long_is_blind),
      RUN(four_entries_within_the_window_double_the_clear_hold_as_often_as_allowed),
      RUN(a_reason_of_one_camera_holds_that_camera_only),
      RUN(the_link_is_shown_and_changes_nothing),
      RUN(a_start_is_recovering_and_decides_nothing_where_it_starts),
      RUN(a_case_of_a_camera_or_a_role_that_is_no_more_is_dropped),
      RUN(cases_there_is_no_room_for_are_counted_and_the_unit_is_not_healthy),
      RUN(an_action_is_counted_told_and_stored_with_its_intent_then_freezes_then_acts),
      RUN(evidence_that_is_not_frozen_in_time_is_partial_and_does_not_stop_the_action),
      RUN(what_reports_nothing_until_its_deadline_has_failed),
      RUN(what_helped_is_verified_and_what_did_not_leads_to_the_next_rung),
      RUN(a_rung_has_as_many_tries_as_waits_each_spread_by_a_fifth),
      RUN(a_budget_slides_and_whose_it_is_counts), RUN(no_start_refills_a_budget),
      RUN(an_episode_is_remembered_for_its_time_after_its_reason_was_over),
      RUN(an_action_whose_reason_went_while_it_waited_is_not_carried_out),
      RUN(what_is_unavailable_or_comes_too_soon_or_cannot_be_stored_makes_room_for_the_next_rung),
      RUN(a_unit_that_cannot_store_reboots_after_twelve_hours_of_uptime),
      RUN(what_is_held_waits_and_goes_on_when_the_hold_runs_out),
      RUN(maintenance_stops_what_destroys_but_not_the_restart_of_a_worker),
      RUN(what_an_operator_stops_after_the_intent_is_not_carried_out),
      RUN(one_action_at_a_time_where_one_is_about_the_unit),
      RUN(a_mode_stays_until_its_reason_is_over_and_for_its_own_hold_at_least),
      RUN(in_safe_mode_nothing_is_decided_and_an_operator_leaves_it_when_its_reason_is_over),
      RUN(it_is_left_by_itself_after_half_an_hour_once_a_day_where_the_class_allows),
      RUN(it_is_not_left_by_itself_when_another_class_or_an_operator_asked_for_it),
      RUN(a_start_does_not_leave_safe_mode_and_the_time_it_took_is_no_time_of_health),
      RUN(nobody_holds_safe_mode_off), RUN(a_lost_state_is_safe_mode_until_an_operator_clears_it),
      RUN(an_operators_latch_is_opened_by_an_operator_when_it_is_no_longer_bad),
      RUN(what_has_an_action_in_hand_is_not_acknowledged_away),
      RUN(a_latch_until_the_next_boot_is_opened_by_that_only),
      RUN(what_was_in_hand_when_the_unit_ended_is_done_when_the_start_did_it),
      RUN(a_release_is_denied_before_it_is_gone_back_from_and_an_operator_sees_that_it_was),
      RUN(a_rollback_that_fails_leaves_a_denied_release_in_safe_mode_which_nobody_clears),
      RUN(a_release_is_committed_by_its_gate_only),
      RUN(an_intent_is_stored_where_nothing_else_changes),
      RUN(a_reason_that_enters_is_stored_where_the_state_stays_what_it_is),
      RUN(a_start_begins_the_clear_hold_anew),
      RUN(in_shadow_all_is_told_nothing_is_done_and_a_dead_worker_is_started_again),
      RUN(in_shadow_a_worker_that_hangs_is_told_only_and_so_is_a_rollback))
