/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/rules.h"

#include "test.h"

static const struct hf_config_zone zone = { .entry = true, .cooldown_ms = 60000 };

static enum hf_verdict judge(struct hf_rules *rules, struct hf_stay *stay, int64_t at_ms,
			     uint32_t *ret_suppressed_n)
{
	return hf_rules_judge(rules, HF_RULE_ZONE_ENTRY, &zone, stay,
			      (struct hf_mono){ at_ms * 1000 }, ret_suppressed_n);
}

TEST(a_rule_speaks_once_a_stay)
{
	struct hf_rules rules = { 0 };
	struct hf_stay stay = { .phase = HF_STAY_INSIDE };
	uint32_t held = 99;

	CHECK(judge(&rules, &stay, 1000, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 0);
	CHECK(judge(&rules, &stay, 1200, &held) == HF_VERDICT_NOTHING);
	CHECK(judge(&rules, &stay, 1000000, &held) == HF_VERDICT_NOTHING);
}

TEST(what_a_cooldown_holds_back_is_told_by_the_next_event)
{
	struct hf_rules rules = { 0 };
	uint32_t held = 99;

	for (int i = 0; i < 4; i++) {
		struct hf_stay stay = { .phase = HF_STAY_INSIDE };

		CHECK(judge(&rules, &stay, 1000 + 15000 * i, &held) ==
		      (i == 0 ? HF_VERDICT_FIRE : HF_VERDICT_HELD));
		/* It does not come late either. */
		CHECK(judge(&rules, &stay, 500000, &held) == HF_VERDICT_NOTHING);
	}
	struct hf_stay late = { .phase = HF_STAY_INSIDE }, later = late;
	CHECK(judge(&rules, &late, 61000, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 3);
	CHECK(judge(&rules, &later, 121000, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 0);
	CHECK_U64(rules.held_total, ==, 3);
}

TEST(zones_cool_down_apart)
{
	struct hf_rules rules = { 0 };
	struct hf_stay here = { .phase = HF_STAY_INSIDE, .zone = 0 };
	struct hf_stay there = { .phase = HF_STAY_INSIDE, .zone = 1 };
	uint32_t held;

	CHECK(judge(&rules, &here, 1000, &held) == HF_VERDICT_FIRE);
	CHECK(judge(&rules, &there, 1000, &held) == HF_VERDICT_FIRE);
}

TEST(a_zone_that_does_not_ask_gets_nothing)
{
	const struct hf_config_zone quiet = { .entry = false };
	struct hf_rules rules = { 0 };
	struct hf_stay stay = { .phase = HF_STAY_INSIDE };
	uint32_t held;

	CHECK(hf_rules_judge(&rules, HF_RULE_ZONE_ENTRY, &quiet, &stay, (struct hf_mono){ 1 },
			     &held) == HF_VERDICT_NOTHING);
	CHECK_U64(stay.fired, ==, 0);
}

TEST(an_entry_that_was_passed_over_does_not_come_late_and_cools_nothing_down)
{
	struct hf_rules rules = { 0 };
	struct hf_stay before = { .phase = HF_STAY_INSIDE }, after = before;
	uint32_t held = 99;

	hf_rules_pass_over(HF_RULE_ZONE_ENTRY, &before);
	CHECK(judge(&rules, &before, 1000, &held) == HF_VERDICT_NOTHING);
	CHECK(judge(&rules, &after, 1200, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 0);
	CHECK_U64(rules.held_total, ==, 0);
}

TEST(every_rule_has_a_class_and_hours)
{
	CHECK(hf_rule_arming(HF_RULE_ZONE_ENTRY) == HF_ARMING_ENTRY);
	for (int i = 0; i < HF_RULE_COUNT; i++) {
		assert_non_null(hf_rule_event_class((enum hf_rule)i));
		CHECK_U64(hf_rule_arming((enum hf_rule)i), <, HF_ARMING_KINDS);
	}
}

TESTS(RUN(a_rule_speaks_once_a_stay), RUN(what_a_cooldown_holds_back_is_told_by_the_next_event),
      RUN(zones_cool_down_apart), RUN(a_zone_that_does_not_ask_gets_nothing),
      RUN(an_entry_that_was_passed_over_does_not_come_late_and_cools_nothing_down),
      RUN(every_rule_has_a_class_and_hours))
