/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/rules.h"

#include "base/assert.h"
#include "base/auto.h"

static bool asks_for_entry(const struct hf_config_zone *zone, const struct hf_stay *stay)
{
	return zone->entry && stay->phase == HF_STAY_INSIDE;
}

static const struct {
	const char *event_class;
	bool (*asks)(const struct hf_config_zone *zone, const struct hf_stay *stay);
	enum hf_arming_kind arming;
	bool of_a_moment; /* past when it came while not armed */
} table[] = {
	[HF_RULE_ZONE_ENTRY] = { "pre_action_zone_entry", asks_for_entry, HF_ARMING_ENTRY, true },
};

_Static_assert(HF_ARRAY_LEN(table) == HF_RULE_COUNT, "a row for every rule");

const char *hf_rule_event_class(enum hf_rule rule)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT);
	return table[rule].event_class;
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

enum hf_verdict hf_rules_judge(struct hf_rules *rules, enum hf_rule rule,
			       const struct hf_config_zone *zone, struct hf_stay *stay,
			       struct hf_mono at, uint32_t *ret_suppressed_n)
{
	HF_ASSERT((unsigned)rule < HF_RULE_COUNT && stay->zone < HF_ZONES_MAX);
	struct hf_cooldown *cooldown = &rules->cooldowns[rule][stay->zone];

	if ((stay->fired & 1U << rule) != 0 || !table[rule].asks(zone, stay))
		return HF_VERDICT_NOTHING;
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
