/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/rules.h"

#include "test.h"

static const struct hf_config_zone zone = {
	.entry = true,
	.cooldown_ms = 60000,
	.loitering_count = 2,
	.loitering = { { "person", 15000 }, { "vehicle", 600000 } },
};

static struct hf_stay stay_of(const char *class_name)
{
	struct hf_stay stay = { .phase = HF_STAY_INSIDE };

	(void)snprintf(stay.class_name, sizeof stay.class_name, "%s", class_name);
	return stay;
}

static enum hf_verdict judge_dwell(struct hf_rules *rules, enum hf_rule rule, struct hf_stay *stay,
				   int64_t dwell_ms, int64_t at_ms, uint32_t *ret_suppressed_n)
{
	return hf_rules_judge(rules, rule, &zone, stay, dwell_ms * 1000,
			      (struct hf_mono){ at_ms * 1000 }, ret_suppressed_n);
}

static enum hf_verdict judge(struct hf_rules *rules, struct hf_stay *stay, int64_t at_ms,
			     uint32_t *ret_suppressed_n)
{
	return judge_dwell(rules, HF_RULE_ZONE_ENTRY, stay, 0, at_ms, ret_suppressed_n);
}

TEST(a_rule_speaks_once_a_stay)
{
	struct hf_rules rules = { 0 };
	struct hf_stay stay = stay_of("person");
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
		struct hf_stay stay = stay_of("person");

		CHECK(judge(&rules, &stay, 1000 + 15000 * i, &held) ==
		      (i == 0 ? HF_VERDICT_FIRE : HF_VERDICT_HELD));
		/* It does not come late either. */
		CHECK(judge(&rules, &stay, 500000, &held) == HF_VERDICT_NOTHING);
	}
	struct hf_stay late = stay_of("person"), later = late;
	CHECK(judge(&rules, &late, 61000, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 3);
	CHECK(judge(&rules, &later, 121000, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 0);
	CHECK_U64(rules.held_total, ==, 3);
}

TEST(zones_cool_down_apart)
{
	struct hf_rules rules = { 0 };
	struct hf_stay here = stay_of("person"), there = here;
	uint32_t held;

	there.zone = 1;
	CHECK(judge(&rules, &here, 1000, &held) == HF_VERDICT_FIRE);
	CHECK(judge(&rules, &there, 1000, &held) == HF_VERDICT_FIRE);
}

TEST(a_zone_that_does_not_ask_gets_nothing)
{
	const struct hf_config_zone quiet = { .entry = false };
	struct hf_rules rules = { 0 };
	struct hf_stay stay = stay_of("person");
	uint32_t held;

	for (int rule = 0; rule < HF_RULE_COUNT; rule++)
		CHECK(hf_rules_judge(&rules, (enum hf_rule)rule, &quiet, &stay, INT64_MAX,
				     (struct hf_mono){ 1 }, &held) == HF_VERDICT_NOTHING);
	CHECK_U64(stay.fired, ==, 0);
}

TEST(loitering_speaks_at_its_classs_threshold_and_once_more_at_twice_that)
{
	static const struct {
		const char *class_name;
		int64_t ms;
	} classes[] = { { "person", 15000 }, { "vehicle", 600000 } };
	uint32_t held;

	for (int i = 0; i < 2; i++) {
		struct hf_rules rules = { 0 };
		struct hf_stay stay = stay_of(classes[i].class_name);
		int64_t ms = classes[i].ms;

		CHECK(judge_dwell(&rules, HF_RULE_LOITERING, &stay, ms - 1, ms, &held) ==
		      HF_VERDICT_NOTHING);
		CHECK(judge_dwell(&rules, HF_RULE_LOITERING, &stay, ms, ms, &held) ==
		      HF_VERDICT_FIRE);
		CHECK(judge_dwell(&rules, HF_RULE_LOITERING_ESCALATED, &stay, 2 * ms - 1, 2 * ms,
				  &held) == HF_VERDICT_NOTHING);
		/* Although the cool-down of the first still runs. */
		CHECK(judge_dwell(&rules, HF_RULE_LOITERING_ESCALATED, &stay, 2 * ms, 2 * ms,
				  &held) == HF_VERDICT_FIRE);
		for (int rule = HF_RULE_LOITERING; rule < HF_RULE_COUNT; rule++)
			CHECK(judge_dwell(&rules, (enum hf_rule)rule, &stay, 9 * ms, 9 * ms,
					  &held) == HF_VERDICT_NOTHING);
	}
}

TEST(a_class_without_a_threshold_may_stay_and_only_people_enter)
{
	struct hf_rules rules = { 0 };
	struct hf_stay stay = stay_of("dog");
	uint32_t held;

	for (int rule = 0; rule < HF_RULE_COUNT; rule++)
		CHECK(judge_dwell(&rules, (enum hf_rule)rule, &stay, INT64_MAX / 1000, 1, &held) ==
		      HF_VERDICT_NOTHING);
}

TEST(classes_cool_down_apart)
{
	struct hf_rules rules = { 0 };
	struct hf_stay person = stay_of("person"), vehicle = stay_of("vehicle"), other = person;
	uint32_t held;

	CHECK(judge_dwell(&rules, HF_RULE_LOITERING, &person, 600000, 1000, &held) ==
	      HF_VERDICT_FIRE);
	CHECK(judge_dwell(&rules, HF_RULE_LOITERING, &vehicle, 600000, 1000, &held) ==
	      HF_VERDICT_FIRE);
	CHECK(judge_dwell(&rules, HF_RULE_LOITERING, &other, 600000, 1000, &held) ==
	      HF_VERDICT_HELD);
}

TEST(an_entry_that_was_passed_over_does_not_come_late_and_cools_nothing_down)
{
	struct hf_rules rules = { 0 };
	struct hf_stay before = stay_of("person"), after = before;
	uint32_t held = 99;

	hf_rules_pass_over(HF_RULE_ZONE_ENTRY, &before);
	CHECK(judge(&rules, &before, 1000, &held) == HF_VERDICT_NOTHING);
	CHECK(judge(&rules, &after, 1200, &held) == HF_VERDICT_FIRE);
	CHECK_U64(held, ==, 0);
	CHECK_U64(rules.held_total, ==, 0);
}

TEST(loitering_that_was_passed_over_comes_when_it_is_armed)
{
	struct hf_rules rules = { 0 };
	struct hf_stay stay = stay_of("person");
	uint32_t held;

	hf_rules_pass_over(HF_RULE_LOITERING, &stay);
	CHECK(judge_dwell(&rules, HF_RULE_LOITERING, &stay, 7200000, 1000, &held) ==
	      HF_VERDICT_FIRE);
}

TEST(every_rule_has_a_class_and_hours_and_only_one_is_an_escalation)
{
	for (int i = 0; i < HF_RULE_COUNT; i++) {
		assert_non_null(hf_rule_event_class((enum hf_rule)i));
		CHECK(hf_rule_arming((enum hf_rule)i) ==
		      (i == HF_RULE_ZONE_ENTRY ? HF_ARMING_ENTRY : HF_ARMING_LOITERING));
		CHECK_U64(hf_rule_escalation((enum hf_rule)i), ==,
			  i == HF_RULE_LOITERING_ESCALATED);
	}
}

TESTS(RUN(a_rule_speaks_once_a_stay), RUN(what_a_cooldown_holds_back_is_told_by_the_next_event),
      RUN(zones_cool_down_apart), RUN(a_zone_that_does_not_ask_gets_nothing),
      RUN(loitering_speaks_at_its_classs_threshold_and_once_more_at_twice_that),
      RUN(a_class_without_a_threshold_may_stay_and_only_people_enter), RUN(classes_cool_down_apart),
      RUN(an_entry_that_was_passed_over_does_not_come_late_and_cools_nothing_down),
      RUN(loitering_that_was_passed_over_comes_when_it_is_armed),
      RUN(every_rule_has_a_class_and_hours_and_only_one_is_an_escalation))
