/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rules - when a stay becomes an event.
 *
 * Shape       One row a rule: the event's class, and what it asks of a stay. A
 *             rule speaks once a stay.
 *
 * Numbers     Cool-downs are kept for each rule and zone (a zone belongs to one
 *             camera), on capture time: from an event on, for the zone's
 *             cooldown_ms, further ones are held back and counted; the next
 *             event says how many. A held-back one counts as spoken: it does
 *             not come late.
 *
 * Hours       A rule that is not armed says nothing, and starts and counts no
 *             cool-down. Entry is about a moment: somebody who came in before
 *             the hours began was let in by whoever was there, and does not
 *             become an entry when they begin (nor by stepping out for less
 *             than rearm_ms). Loitering is about how things are: who is still
 *             inside when the hours begin, and has been for long enough by
 *             then, is told at the next look. So nobody who stays on past
 *             closing time goes unseen, and nobody is an intruder for
 *             standing at the gate as the clock strikes.
 */
#include "respond/arming.h"
#include "respond/stay.h"

enum hf_rule {
	HF_RULE_ZONE_ENTRY,
	HF_RULE_COUNT,
};

enum hf_verdict {
	HF_VERDICT_NOTHING,
	HF_VERDICT_FIRE,
	HF_VERDICT_HELD,
};

struct hf_cooldown {
	struct hf_mono until; /* zero: none runs */
	uint32_t held;        /* since the last event */
};

struct hf_rules {
	uint64_t held_total;
	struct hf_cooldown cooldowns[HF_RULE_COUNT][HF_ZONES_MAX];
};

/* "pre_action_zone_entry", ... */
const char *hf_rule_event_class(enum hf_rule rule);

/* Which hours hold for it. */
enum hf_arming_kind hf_rule_arming(enum hf_rule rule);

/* A stay that is inside, after a look at which the rule was not armed: instead of judging it. */
void hf_rules_pass_over(enum hf_rule rule, struct hf_stay *stay);

/* A stay that is inside, after a look. FIRE starts the cool-down and sets
 * ret_suppressed_n to what was held back before. */
enum hf_verdict hf_rules_judge(struct hf_rules *rules, enum hf_rule rule,
			       const struct hf_config_zone *zone, struct hf_stay *stay,
			       struct hf_mono at, uint32_t *ret_suppressed_n);
