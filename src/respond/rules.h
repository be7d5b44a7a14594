/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rules - when a stay becomes an event.
 *
 * Shape       One row a rule: the event's class, and how long a stay must be.
 *             A rule speaks once a stay.
 *               pre_action_zone_entry     a person is inside
 *               loitering_dwell_exceeded  what is inside has been there for
 *                                         its class's threshold in this zone
 *                                         ("escalation": 0 in the event)
 *               the same, escalated       for twice as long, whether or not
 *                                         the first was held back
 *                                         ("escalation": 1)
 *             A stay that goes on after somebody stepped out for less than
 *             stay.rearm has spoken; a new stay speaks anew.
 *
 * Numbers     Cool-downs are kept for each rule, zone (a zone belongs to one
 *             camera) and class, on capture time: from an event on, for the
 *             zone's cooldown_ms, further ones are held back and counted; the
 *             next event says how many. A held-back one counts as spoken: it
 *             does not come late. Classes that share a threshold ("loitering:
 *             60s") share its cool-down. The escalation has one of its own:
 *             else a threshold shorter than the cool-down would never escalate.
 *
 * Hours       A rule that is not armed says nothing, and starts and counts no
 *             cool-down. Entry is about a moment: somebody who came in before
 *             the hours began was let in by whoever was there, and does not
 *             become an entry when they begin (nor by stepping out for less
 *             than rearm_ms). Loitering is about how things are: who is still
 *             inside when the hours begin, and has been for long enough by
 *             then, is told at that moment. So nobody who stays on past
 *             closing time goes unseen, and nobody is an intruder for
 *             standing at the gate as the clock strikes.
 */
#include "respond/arming.h"
#include "respond/stay.h"

enum hf_rule {
	HF_RULE_ZONE_ENTRY,
	HF_RULE_LOITERING,
	HF_RULE_LOITERING_ESCALATED,
	HF_RULE_COUNT,
};

enum {
	HF_RULE_NEVER = -1,
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
	/* The last index is that of the zone's threshold; 0 for the entry. */
	struct hf_cooldown cooldowns[HF_RULE_COUNT][HF_ZONES_MAX][HF_ZONE_CLASSES_MAX];
};

/* "pre_action_zone_entry", ... */
const char *hf_rule_event_class(enum hf_rule rule);

/* How often the same event came before for this stay: 1 for the escalation. */
unsigned hf_rule_escalation(enum hf_rule rule);

/* Which hours hold for it. */
enum hf_arming_kind hf_rule_arming(enum hf_rule rule);

/* A stay that is due while the rule is not armed: instead of judging it. */
void hf_rules_pass_over(enum hf_rule rule, struct hf_stay *stay);

/* How long a stay of this class must be; 0: any. HF_RULE_NEVER: the zone does not ask for it. */
int64_t hf_rule_threshold_us(enum hf_rule rule, const struct hf_config_zone *zone,
			     const char *class_name);

/* Would the rule speak of this stay, had it been so long? */
bool hf_rule_is_due(enum hf_rule rule, const struct hf_config_zone *zone,
		    const struct hf_stay *stay, int64_t dwell_us);

/* A stay that is due, at the moment it became so. FIRE starts the cool-down and sets
 * ret_suppressed_n to what was held back before. */
enum hf_verdict hf_rules_judge(struct hf_rules *rules, enum hf_rule rule,
			       const struct hf_config_zone *zone, struct hf_stay *stay,
			       int64_t dwell_us, struct hf_mono at, uint32_t *ret_suppressed_n);
