/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/rules.h"

#include "base/assert.h"
#include "base/auto.h"

#include <string.h>

static int64_t after_entry(const struct hf_config_zone *zone, const char *class_name)
{
	return zone->entry && strcmp(class_name, HF_CLASS_PERSON) == 0 ? 0 : HF_RULE_NEVER;
}

static int64_t after_threshold(const struct hf_config_zone *zone, const char *class_name)
{
	const struct hf_config_dwell *dwell = hf_config_loitering_of(zone, class_name);

	return dwell != NULL ? dwell->ms * 1000 : HF_RULE_NEVER;
}

static int64_t after_twice(const struct hf_config_zone *zone, const char *class_name)
{
	int64_t once_us = after_threshold(zone, class_name);

	return once_us != HF_RULE_NEVER ? 2 * once_us : HF_RULE_NEVER;
}

static const struct {
	const char *event_class;
	unsigned escalation;
	int64_t (*threshold_us)(const struct hf_config_zone *zone, const char *class_name);
	enum hf_arming_kind arming;
	bool of_a_moment; /* past when it came while not armed */
} table[] = {
	[HF_RULE_ZONE_ENTRY] = { "pre_action_zone_entry", 0, after_entry, HF_ARMING_ENTRY, true },
	[HF_RULE_LOITERING] = { "loitering_dwell_exceeded", 0, after_threshold, HF_ARMING_LOITERING,
				false },
	[HF_RULE_LOITERING_ESCALATED] = { "loitering_dwell_exceeded", 1, after_twice,
					  HF_ARMING_LOITERING, false },
};

_Static_assert(HF_ARRAY_LEN(table) == HF_RULE_COUNT, "a row for every rule");
_Static_assert((int)HF_RULE_COUNT <= (int)HF_STAY_RULES_MAX, "a moment for every rule");

const char *hf_rule_event_class(enum hf_rule rule)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT);
	return table[rule].event_class;
}

unsigned hf_rule_escalation(enum hf_rule rule)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT);
	return table[rule].escalation;
}

enum hf_arming_kind hf_rule_arming(enum hf_rule rule)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT);
	return table[rule].arming;
}

void hf_rules_pass_over(enum hf_rule rule, struct hf_stay *stay)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT);
	if (table[rule].of_a_moment)
		stay->fired |= 1U << rule;
}

int64_t hf_rule_threshold_us(enum hf_rule rule, const struct hf_config_zone *zone,
			     const char *class_name)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT);
	return table[rule].threshold_us(zone, class_name);
}

bool hf_rule_is_due(enum hf_rule rule, const struct hf_config_zone *zone,
		    const struct hf_stay *stay, int64_t dwell_us)
{
	int64_t threshold_us = hf_rule_threshold_us(rule, zone, stay->class_name);

	return (stay->fired & 1U << rule) == 0 && stay->phase == HF_STAY_INSIDE &&
	       threshold_us != HF_RULE_NEVER && dwell_us >= threshold_us;
}

/* Whose cool-down? */
static size_t slot_of(enum hf_rule rule, const struct hf_config_zone *zone, const char *class_name)
{
	const struct hf_config_dwell *dwell = hf_config_loitering_of(zone, class_name);

	return rule == HF_RULE_ZONE_ENTRY || dwell == NULL ? 0 : (size_t)(dwell - zone->loitering);
}

enum hf_verdict hf_rules_judge(struct hf_rules *rules, enum hf_rule rule,
			       const struct hf_config_zone *zone, struct hf_stay *stay,
			       int64_t dwell_us, struct hf_mono at, uint32_t *ret_suppressed_n)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT && stay->zone < HF_ZONES_MAX);
	if (!hf_rule_is_due(rule, zone, stay, dwell_us))
		return HF_VERDICT_NOTHING;

	struct hf_cooldown *cooldown =
		&rules->cooldowns[rule][stay->zone][slot_of(rule, zone, stay->class_name)];
	stay->fired |= 1U << rule;
	if (hf_mono_before(at, cooldown->until)) {
		cooldown->held++;
		rules->held_total++;
		return HF_VERDICT_HELD;
	}
	*ret_suppressed_n = cooldown->held;
	*cooldown = (struct hf_cooldown){ .until = hf_mono_add_ms(at, zone->cooldown_ms) };
	return HF_VERDICT_FIRE;
}
