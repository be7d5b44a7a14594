/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/policy.h"

#include "base/auto.h"
#include "shape/policy_text.h"
#include "test.h"

#include <string.h>

static struct hf_policy policy;
static struct hf_err err;

/* One reason, one action. */
static void make_sound(void)
{
	memset(&policy, 0, sizeof policy);
	policy.magic = HF_POLICY_MAGIC;
	policy.size_bytes = sizeof policy;
	policy.reason_count = 1;
	struct hf_policy_reason *reason = &policy.reasons[0];
	(void)snprintf(reason->name, sizeof reason->name, "camera_lost");
	reason->class_of = HF_CLASS_SENSOR;
	reason->scope = HF_SCOPE_CAMERA;
	reason->rung_count = 1;
	reason->ladder[0] = HF_ACTION_HOLD_CAMERA;
	reason->when.term_count = 1;
	reason->when.terms[0] = (struct hf_term){ HF_SIGNAL_CAMERA_FRAME, HF_COMPARE_ABOVE, 5000 };
	policy.actions[HF_ACTION_HOLD_CAMERA].listed = true;
	policy.actions[HF_ACTION_REBOOT].listed = true;
	policy.actions[HF_ACTION_REBOOT].budgets[0] = (struct hf_budget){ 2, 0, 86400000 };
}

#define REASON policy.reasons[0]
#define REBOOT policy.actions[HF_ACTION_REBOOT]

/* Bytes that another process sent are looked at before they are used. */
TEST(each_member_out_of_range_is_refused)
{
#define REFUSED(change)                                             \
	do {                                                        \
		make_sound();                                       \
		CHECK_OK(hf_policy_check(&policy, &err));           \
		change;                                             \
		if (hf_policy_check(&policy, &err) != HF_E_INVALID) \
			fail_msg("taken: %s", #change);             \
	} while (0)
	REFUSED(policy.magic++);
	REFUSED(policy.size_bytes--);
	REFUSED(memset(policy.name, 'x', sizeof policy.name));
	REFUSED(policy.reason_count = HF_POLICY_REASONS_MAX + 1);
	REFUSED(policy.episode_ms = -1);
	REFUSED(policy.flap_window_ms = -1);
	REFUSED(policy.flap_shift_max = 9);
	REFUSED(policy.safe_actuate = true);
	REFUSED(policy.safe_exit_healthy_ms = -1);
	REFUSED(policy.safe_exit_budget.count = 1);
	REFUSED(REASON.name[0] = '\0');
	REFUSED(memset(REASON.name, 'x', sizeof REASON.name));
	REFUSED(REASON.class_of = HF_CLASS_COUNT);
	REFUSED(REASON.scope = HF_SCOPE_COUNT);
	REFUSED(REASON.latch = HF_LATCH_RELEASE + 1);
	REFUSED(REASON.rung_count = HF_POLICY_RUNGS_MAX + 1);
	REFUSED(REASON.ladder[0] = HF_ACTION_COUNT);
	REFUSED(REASON.ladder[0] = HF_ACTION_SHED);   /* not listed */
	REFUSED(REASON.ladder[0] = HF_ACTION_REBOOT); /* not for a sensor */
	REFUSED(REASON.when.term_count = HF_POLICY_TERMS_MAX + 1);
	REFUSED(REASON.when.terms[0].signal = HF_SIGNAL_COUNT);
	REFUSED(REASON.when.terms[0].compare = HF_COMPARE_EQUAL + 1);
	REFUSED(REASON.clear.term_count = HF_POLICY_TERMS_MAX + 1);
	REFUSED(REASON.hold_ms = -1);
	REFUSED(REASON.clear_hold_ms = -1);
	REFUSED(REASON.refill_permille = 1001);
	REFUSED(REBOOT.budgets[0].count = HF_POLICY_USES_MAX + 1);
	REFUSED(REBOOT.budgets[0].window_ms = 0);
	REFUSED(REBOOT.budgets[1].window_ms = 5);
	REFUSED(REBOOT.settle_ms = -1);
	REFUSED(REBOOT.verify_ms = -1);
	REFUSED(REBOOT.hold_ms = -1);
	REFUSED(REBOOT.uptime_ms = -1);
	REFUSED(REBOOT.deadline_ms = -1);
	REFUSED(REBOOT.waits_ms[HF_POLICY_WAITS_MAX - 1] = -1);
	REFUSED(memset(REBOOT.why, 'x', sizeof REBOOT.why));
}

TEST(names_are_found_and_differ)
{
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		CHECK_U64(hf_action_find(hf_action_name((enum hf_action)i)), ==, i);
	for (unsigned i = 0; i < HF_CLASS_COUNT; i++)
		CHECK_U64(hf_class_find(hf_class_name((enum hf_class)i)), ==, i);
	CHECK_U64(hf_action_find("factory_reset"), ==, HF_ACTION_COUNT);
	CHECK_U64(hf_class_find(""), ==, HF_CLASS_COUNT);
}

/* Two of one impact would have no order. */
TEST(actions_stand_in_rising_impact)
{
	for (unsigned i = 1; i < HF_ACTION_COUNT; i++)
		CHECK_U64(hf_action_impact((enum hf_action)(i - 1)), <,
			  hf_action_impact((enum hf_action)i));
}

static bool starts_anew(enum hf_action action)
{
	return hf_action_destroys(action) != 0;
}

/* Restarts free no disk, cool no processor and mend no link. */
TEST(what_destroys_is_never_for_resource_latency_or_link)
{
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		enum hf_action action = (enum hf_action)i;

		CHECK(!hf_class_allows(HF_CLASS_LINK, action));
		CHECK(!starts_anew(action) || !hf_class_allows(HF_CLASS_RESOURCE, action));
		CHECK(!starts_anew(action) || !hf_class_allows(HF_CLASS_LATENCY, action));
	}
	for (unsigned c = 0; c < HF_CLASS_COUNT; c++)
		CHECK(hf_class_allows((enum hf_class)c, HF_ACTION_SAFE_MODE) ==
		      (c != HF_CLASS_LINK));
}

TEST(durations_are_said_in_the_largest_unit_that_people_use)
{
	static const struct {
		int64_t ms;
		const char *text;
	} durations[] = {
		{ 0, "0s" },
		{ 1, "1ms" },
		{ 1500, "1500ms" },
		{ 5000, "5s" },
		{ 90000, "90s" },
		{ 120000, "2m" },
		{ 3600000, "1h" },
		{ 5400000, "90m" },
		{ 86400000, "24h" },
		{ 172800000, "48h" },
		{ 604800000, "7d" },
		{ -500, "-500ms" },
		{ INT64_MAX, "9223372036854775807ms" },
	};
	char text[HF_DURATION_BYTES];

	for (size_t i = 0; i < HF_ARRAY_LEN(durations); i++) {
		hf_duration_text(durations[i].ms, text);
		CHECK_TEXT(text, durations[i].text);
	}
}

/* The longest condition there can be is not cut. */
TEST(the_longest_condition_has_room)
{
	struct hf_condition condition = { .term_count = HF_POLICY_TERMS_MAX,
					  .any = true,
					  .unknown = true };
	static const enum hf_signal longest[HF_POLICY_TERMS_MAX] = { HF_SIGNAL_INFER_GOLDEN,
								     HF_SIGNAL_UNCLEAN_STARTS,
								     HF_SIGNAL_WORKER_PROGRESS,
								     HF_SIGNAL_INFER_OOM };
	char text[HF_CONDITION_BYTES];

	for (unsigned i = 0; i < HF_POLICY_TERMS_MAX; i++)
		condition.terms[i] =
			(struct hf_term){ (uint16_t)longest[i], HF_COMPARE_AT_LEAST, INT64_MIN };
	hf_condition_text(&condition, text);
	CHECK_TEXT(text + strlen(text) - strlen(" or unknown(infer.out_of_memory)"),
		   " or unknown(infer.out_of_memory)");
}

TESTS(RUN(each_member_out_of_range_is_refused), RUN(names_are_found_and_differ),
      RUN(actions_stand_in_rising_impact), RUN(what_destroys_is_never_for_resource_latency_or_link),
      RUN(durations_are_said_in_the_largest_unit_that_people_use),
      RUN(the_longest_condition_has_room))
