/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one value alone does not tell: ladders, classes, scopes, budgets, what can never clear. A
 * value that was refused is not there; nothing that depends on it is judged, so that one fault
 * gives one message.
 */
#include "boot/policy_inner.h"

#include "base/assert.h"
#include "base/auto.h"
#include "shape/policy_text.h"

#include <inttypes.h>
#include <string.h>

enum {
	CRASH_WINDOW_MS = HF_POLICY_CRASHES_IN_WINDOW * HF_POLICY_CRASH_MS,
};

/* One reason, with all that is needed to speak of it. */
struct look {
	struct hf_policy_walk *walk;
	struct hf_report *report;
	struct hf_policy_reason *reason;
	struct hf_policy_reason_places *places;
};

/* Where it stands, or the reason's name when it does not. */
static struct hf_place or_name(const struct look *look, struct hf_place place)
{
	return place.line > 0 ? place : look->places->name;
}

static bool has_class(const struct look *look)
{
	return look->reason->class_of < HF_CLASS_COUNT;
}

static enum hf_class class_of(const struct look *look)
{
	HF_ASSERT(has_class(look));
	return (enum hf_class)look->reason->class_of;
}

/* when, clear */

static void check_parts(const struct look *look)
{
	const char *name = look->reason->name;

	if (look->places->class_of.line == 0)
		hf_complain(look->report, look->places->name,
			    "reasons.%s has no class, and so nothing may be done about it; write "
			    "class: sensor, process, ...",
			    name);
	if (look->places->when.line == 0)
		hf_complain(look->report, look->places->name,
			    "reasons.%s has no when: it would never be there; write when: "
			    "\"camera.frame_age > 5s\"",
			    name);
	if (look->places->blind && has_class(look) && class_of(look) != HF_CLASS_BLIND)
		hf_complain(
			look->report, look->places->when,
			"reasons.%s: unknown(required) is what class blind is for; write class: "
			"blind",
			name);
}

static void suggest_clear(const struct look *look)
{
	struct hf_condition negated;
	char text[HF_CONDITION_BYTES];

	bool can = hf_condition_negate(&look->reason->when, &negated);
	hf_condition_text(&negated, text);
	hf_complain(
		look->report, look->places->name,
		"reasons.%s never clears: it has no clear.when, and latch is auto; write clear: "
		"{when: \"%.120s\", hold: 30s}, with some distance so that it does not flap, or "
		"latch: operator",
		look->reason->name, can && text[0] != '\0' ? text : "...");
}

static void check_clear(const struct look *look)
{
	struct hf_policy_reason *reason = look->reason;
	char example[HF_POLICY_SHOWN_BYTES];

	if (look->places->when.line == 0 || look->places->when.refused ||
	    look->places->clear.refused)
		return;
	if (look->places->blind) {
		if (look->places->clear_when.line > 0)
			hf_complain(
				look->report, look->places->clear_when,
				"reasons.%s.clear.when has no effect: it is clear when all that "
				"is required is known; remove it",
				reason->name);
		return;
	}
	if (!hf_condition_can_hold(&reason->when)) {
		hf_complain(look->report, look->places->when,
			    "reasons.%s.when: no value can ever make this hold, so it watches "
			    "nothing",
			    reason->name);
		return;
	}
	if (reason->clear.term_count == 0 && reason->latch == HF_LATCH_AUTO) {
		suggest_clear(look);
		return;
	}
	if (reason->clear.term_count == 0) {
		if (!hf_condition_negate(&reason->when, &reason->clear))
			hf_complain(look->report, look->places->name,
				    "reasons.%s: what is not this cannot be said by itself; write "
				    "clear: {when: ...}",
				    reason->name);
		return;
	}
	if (!hf_condition_can_hold(&reason->clear))
		hf_complain(
			look->report, look->places->clear_when,
			"reasons.%s.clear.when: no value can ever make this hold, so the reason "
			"would stay for ever",
			reason->name);
	else if (hf_conditions_meet(&reason->when, &reason->clear, example))
		hf_complain(
			look->report, look->places->clear_when,
			"reasons.%s.clear.when holds while it is bad (%s): it would be left and "
			"entered for ever; clear must lie on the other side of when",
			reason->name, example);
}

static void check_hold(const struct look *look, struct hf_place place, const char *key,
		       int64_t hold_ms)
{
	if (hold_ms > 0 && hold_ms < HF_POLICY_SAMPLE_MS)
		hf_complain(look->report, or_name(look, place),
			    "reasons.%s.%s is shorter than the time between two samples (%ds): it "
			    "cannot be told from one look; write 0s or at least %ds",
			    look->reason->name, key, HF_POLICY_SAMPLE_MS / 1000,
			    HF_POLICY_SAMPLE_MS / 1000);
}

/* Scope */

static void note_scopes(const struct hf_condition *condition, bool seen[HF_SCOPE_COUNT])
{
	for (unsigned i = 0; i < condition->term_count; i++)
		seen[hf_signal_scope((enum hf_signal)condition->terms[i].signal)] = true;
}

/* What it is about: the one scope of its signals but the unit's. */
static void settle_scope(const struct look *look)
{
	struct hf_policy_reason *reason = look->reason;
	bool seen[HF_SCOPE_COUNT] = { false };
	unsigned found = HF_SCOPE_UNIT;

	note_scopes(&reason->when, seen);
	note_scopes(&reason->clear, seen);
	for (unsigned i = HF_SCOPE_UNIT + 1; i < HF_SCOPE_COUNT; i++) {
		if (!seen[i])
			continue;
		if (found != HF_SCOPE_UNIT)
			hf_complain(
				look->report, look->places->when,
				"reasons.%s is about a %s and about a %s: which of them, nobody "
				"could say; a reason is about one thing, make two of it",
				reason->name, hf_scope_name((enum hf_scope)found),
				hf_scope_name((enum hf_scope)i));
		found = i;
	}
	if (reason->scope != HF_SCOPE_COUNT && !look->places->blind && reason->scope != found)
		hf_complain(look->report, look->places->scope,
			    "reasons.%s.scope: its signals are of the %s, so is the reason; remove "
			    "the line",
			    reason->name, hf_scope_name((enum hf_scope)found));
	if (reason->scope == HF_SCOPE_COUNT || !look->places->blind)
		reason->scope = (uint8_t)found;
	if (reason->workers != 0 && reason->scope != HF_SCOPE_WORKER)
		hf_complain(look->report, look->places->workers,
			    "reasons.%s.workers has no effect: it is about the %s, not about "
			    "workers",
			    reason->name, hf_scope_name((enum hf_scope)reason->scope));
}

/* Ladders */

static void forbidden(const struct look *look, struct hf_place place, enum hf_action action)
{
	const char *why = "it does not mend what the class is about";

	switch (class_of(look)) {
	case HF_CLASS_LINK:
		why = "the way to the hub is not the unit's health, and nothing here mends it";
		break;
	case HF_CLASS_RESOURCE:
		why = "it frees no disk and cools no processor, and what comes back needs as much";
		break;
	case HF_CLASS_LATENCY:
		why = "a unit that is too slow is slower while it starts; do less instead";
		break;
	case HF_CLASS_SENSOR:
		why = "a camera that gives nothing gives nothing to another unit either";
		break;
	case HF_CLASS_PROCESS:
	case HF_CLASS_ACCELERATOR:
	case HF_CLASS_INTEGRITY:
	case HF_CLASS_PLATFORM:
	case HF_CLASS_RELEASE:
	case HF_CLASS_BLIND:
	case HF_CLASS_COUNT:
		break;
	}
	hf_complain(look->report, place, "reasons.%s.ladder: %s is not for class %s: %s",
		    look->reason->name, hf_action_name(action), hf_class_name(class_of(look)), why);
}

/* Can an action of this kind be aimed at what the reason is about? */
static bool reaches(enum hf_action action, enum hf_scope scope)
{
	switch (hf_action_scope(action)) {
	case HF_SCOPE_UNIT:
		return true;
	case HF_SCOPE_WORKER:
		return scope == HF_SCOPE_WORKER || scope == HF_SCOPE_SOURCE;
	case HF_SCOPE_SOURCE:
		return scope == HF_SCOPE_SOURCE;
	case HF_SCOPE_CAMERA:
		return scope == HF_SCOPE_CAMERA || scope == HF_SCOPE_SOURCE;
	case HF_SCOPE_COUNT:
		break;
	}
	return false;
}

static void check_rung(const struct look *look, unsigned rung)
{
	const struct hf_policy_reason *reason = look->reason;
	enum hf_action action = (enum hf_action)reason->ladder[rung];
	struct hf_place place = look->places->rungs[rung];
	const char *name = hf_action_name(action);

	if (has_class(look) && !hf_class_allows(class_of(look), action))
		forbidden(look, place, action);
	else if (!look->walk->policy->actions[action].listed)
		hf_complain(look->report, place,
			    "reasons.%s.ladder: %s is not among actions, so nothing says how often "
			    "it may be done; write actions: %s: {...}",
			    reason->name, name, name);
	else if (!reaches(action, (enum hf_scope)reason->scope))
		hf_complain(
			look->report, place,
			"reasons.%s.ladder: %s is about one %s, the reason about the %s: %s",
			reason->name, name, hf_scope_name(hf_action_scope(action)),
			hf_scope_name((enum hf_scope)reason->scope),
			reason->scope == HF_SCOPE_CAMERA
				? "it would take the other cameras with it; hold_camera does not"
				: "nobody could say which; restart_group is about all that see");
	if (rung == 0)
		return;
	enum hf_action before = (enum hf_action)reason->ladder[rung - 1];
	for (unsigned i = 0; i < rung; i++)
		if (reason->ladder[i] == action) {
			hf_complain(look->report, place,
				    "reasons.%s.ladder: %s is there before; its budget says how "
				    "often it is done, remove one",
				    reason->name, name);
			return;
		}
	if (before == HF_ACTION_SAFE_MODE)
		hf_complain(look->report, place,
			    "reasons.%s.ladder: %s can never be reached: it stands behind "
			    "safe_mode, which is the end of every ladder",
			    reason->name, name);
	else if (hf_action_impact(action) <= hf_action_impact(before))
		hf_complain(look->report, place,
			    "reasons.%s.ladder: %s (impact %u) stands behind %s (%u): the mildest "
			    "comes first, or the dear one is done where the cheap one would have "
			    "done",
			    reason->name, name, hf_action_impact(action), hf_action_name(before),
			    hf_action_impact(before));
}

static void check_records_only(const struct look *look)
{
	struct hf_policy_reason *reason = look->reason;

	if (has_class(look) && class_of(look) == HF_CLASS_LINK) {
		if (look->places->records_only.line > 0 && !reason->records_only)
			hf_complain(
				look->report, look->places->records_only,
				"reasons.%s.records_only: a reason of class link is recorded and "
				"no more; write true, or remove the line",
				reason->name);
		reason->records_only = true;
	} else if (reason->records_only && reason->rung_count > 0) {
		hf_complain(look->report, look->places->ladder,
			    "reasons.%s has a ladder and records_only, which does nothing; remove "
			    "one of them",
			    reason->name);
	}
	if (reason->records_only && (reason->holds || reason->recovering))
		hf_complain(look->report,
			    or_name(look,
				    reason->holds ? look->places->holds : look->places->recovering),
			    "reasons.%s is recorded only, and so neither holds decisions nor is a "
			    "recovery",
			    reason->name);
	if (reason->recovering && reason->rung_count > 0)
		hf_complain(look->report, look->places->recovering,
			    "reasons.%s.recovering is for what passes by itself, such as a start; "
			    "one with a ladder is recovering while an action runs",
			    reason->name);
}

/* How long a count goes on after what it counts is over; 0: it tells of now. */
static const int64_t memory_ms[HF_SIGNAL_COUNT] = {
	[HF_SIGNAL_WORKER_CRASHES] = 600000,  [HF_SIGNAL_WORKER_HOSTILE] = 600000,
	[HF_SIGNAL_INFER_OOM] = 600000,       [HF_SIGNAL_INFER_ERRORS] = 600000,
	[HF_SIGNAL_INFER_NAN] = 600000,       [HF_SIGNAL_CLOCK_STEP] = 60000,
	[HF_SIGNAL_UNCLEAN_STARTS] = 1800000,
};

/* An action is judged by its reason. One that still counts what was before it says that nothing
 * helps, and the next rung is taken for no cause. */
static void check_memory(const struct look *look)
{
	const struct hf_policy_reason *reason = look->reason;
	int64_t memory = INT64_MAX;
	char text[HF_DURATION_BYTES];
	unsigned signal = 0;

	for (unsigned i = 0; i < reason->when.term_count; i++) {
		int64_t one = memory_ms[reason->when.terms[i].signal];

		/* Joined by "and" the shortest counts, by "or" the longest. */
		if (i == 0 || (reason->when.any ? one > memory : one < memory)) {
			memory = one;
			signal = reason->when.terms[i].signal;
		}
	}
	if (memory <= 0 || memory == INT64_MAX)
		return;
	for (unsigned i = 0; i + 1 < reason->rung_count; i++) {
		const struct hf_policy_action *action =
			&look->walk->policy->actions[reason->ladder[i]];

		if (action->unavailable || action->settle_ms >= memory)
			continue;
		hf_duration_text(memory, text);
		hf_warn(look->report, look->places->rungs[i],
			"reasons.%s.ladder: %s remembers for %s, so %s will be taken not to have "
			"helped, and the next rung follows for no cause; make this the last one",
			reason->name, hf_signal_name((enum hf_signal)signal), text,
			hf_action_name((enum hf_action)reason->ladder[i]));
		return;
	}
}

static void check_reason(struct hf_policy_walk *walk, unsigned index)
{
	const struct look look = { walk, walk->report, &walk->policy->reasons[index],
				   &walk->reasons[index] };

	if (look.places->name.refused)
		return;
	check_parts(&look);
	check_clear(&look);
	check_hold(&look, look.places->hold, "hold", look.reason->hold_ms);
	check_hold(&look, look.places->clear_hold, "clear.hold", look.reason->clear_hold_ms);
	if (!look.places->when.refused && !look.places->clear.refused &&
	    !look.places->scope.refused) {
		settle_scope(&look);
		for (unsigned i = 0; i < look.reason->rung_count; i++)
			check_rung(&look, i);
		check_memory(&look);
	}
	if (look.reason->scope == HF_SCOPE_COUNT)
		look.reason->scope = HF_SCOPE_UNIT;
	check_records_only(&look);
}

/* Actions */

static bool restarts(enum hf_action action)
{
	return action == HF_ACTION_RESTART_WORKER || action == HF_ACTION_RETRY_WORKER ||
	       action == HF_ACTION_RESTART_GROUP || action == HF_ACTION_RESTART_ALL;
}

/* These two are no remedies: nobody waits for what they mend. */
static bool mends(enum hf_action action)
{
	return action != HF_ACTION_SAFE_MODE && action != HF_ACTION_HOLD_CAMERA;
}

static void check_budgets(const struct hf_policy_walk *walk, enum hf_action action)
{
	const struct hf_policy_action *record = &walk->policy->actions[action];
	const struct hf_policy_action_places *places = &walk->actions[action];
	const char *name = hf_action_name(action);

	if (hf_action_kind(action) == HF_ACTION_ONCE && places->budget.line == 0)
		hf_complain(walk->report, places->name,
			    "actions.%s has no budget: what mends nothing would be done for ever; "
			    "write budget: [3/10m, 12/24h]",
			    name);
	for (unsigned i = 0; i < HF_POLICY_BUDGETS_MAX; i++)
		if (restarts(action) && record->budgets[i].count > 0 &&
		    record->budgets[i].window_ms < CRASH_WINDOW_MS)
			hf_complain(walk->report, places->budget,
				    "actions.%s.budget: its window is shorter than %ds, %d times "
				    "the slowest crash and start (%ds): a slow crash loop would "
				    "never use it up and go on for ever",
				    name, CRASH_WINDOW_MS / 1000, HF_POLICY_CRASHES_IN_WINDOW,
				    HF_POLICY_CRASH_MS / 1000);
	const struct hf_budget *one = &record->budgets[0], *two = &record->budgets[1];
	if (two->count > 0 && (one->window_ms < two->window_ms) != (one->count < two->count))
		hf_complain(walk->report, places->budget,
			    "actions.%s.budget: one of the two never counts, the other is stricter "
			    "in any window; a longer window has a larger number",
			    name);
}

static void check_action(const struct hf_policy_walk *walk, enum hf_action action)
{
	const struct hf_policy_action *record = &walk->policy->actions[action];
	const struct hf_policy_action_places *places = &walk->actions[action];
	const char *name = hf_action_name(action);

	if (!record->listed)
		return;
	if (!record->unavailable && !places->unavailable.refused) {
		if (!places->budget.refused)
			check_budgets(walk, action);
		if (mends(action) && record->verify_ms == 0 && !places->verify.refused)
			hf_complain(walk->report,
				    places->verify.line > 0 ? places->verify : places->name,
				    "actions.%s has no verification: it would count as a success "
				    "whatever it did; write verify: 30s",
				    name);
	}
}

static void warn_of_unused(const struct hf_policy_walk *walk, enum hf_action action)
{
	const struct hf_policy_action *record = &walk->policy->actions[action];

	for (unsigned i = 0; i < walk->policy->reason_count; i++)
		for (unsigned k = 0; k < walk->policy->reasons[i].rung_count; k++)
			if (walk->policy->reasons[i].ladder[k] == action)
				return;
	if (record->listed && !record->unavailable)
		hf_warn(walk->report, walk->actions[action].name,
			"actions.%s is in no ladder, so it is never done by itself",
			hf_action_name(action));
}

/* The file as a whole */

static bool is_asked(const struct hf_policy_walk *walk, enum hf_scope scope)
{
	for (unsigned i = 0; i < walk->policy->reason_count; i++)
		if (walk->reasons[i].blind && walk->policy->reasons[i].scope == scope)
			return true;
	return false;
}

/* A unit that sees nothing must not call itself healthy. */
static void check_required(const struct hf_policy_walk *walk)
{
	static const enum hf_signal always[] = { HF_SIGNAL_CAMERA_FRAME, HF_SIGNAL_INFER_P99 };
	bool told[HF_SCOPE_COUNT] = { false };

	for (size_t i = 0; i < HF_ARRAY_LEN(always); i++)
		if (!walk->policy->signals[always[i]].required)
			hf_complain(walk->report,
				    walk->signals[always[i]].line > 0 ? walk->signals[always[i]]
								      : walk->signals_section,
				    "signals.%s is not required: a unit that cannot tell it would "
				    "call itself healthy; write %s: {stale_after: ..., required: "
				    "true}",
				    hf_signal_name(always[i]), hf_signal_name(always[i]));
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++) {
		enum hf_scope scope = hf_signal_scope((enum hf_signal)i);
		int64_t stale_ms = walk->policy->signals[i].stale_ms;

		if (walk->signals[i].line > 0 && stale_ms < HF_POLICY_SAMPLE_MS)
			hf_complain(walk->report, walk->signals[i],
				    "signals.%s.stale_after is shorter than the time between two "
				    "samples (%ds): it would be unknown between them",
				    hf_signal_name((enum hf_signal)i), HF_POLICY_SAMPLE_MS / 1000);
		if (!walk->policy->signals[i].required || is_asked(walk, scope) || told[scope])
			continue;
		told[scope] = true;
		hf_complain(
			walk->report, walk->signals[i],
			"signals.%s is required and no reason asks for it; add one of class "
			"blind: {class: blind, scope: %s, when: unknown(required), clear: {hold: "
			"30s}}",
			hf_signal_name((enum hf_signal)i), hf_scope_name(scope));
	}
}

static void check_safe_mode(const struct hf_policy_walk *walk)
{
	const struct hf_policy *policy = walk->policy;

	if (policy->safe_actuate)
		hf_complain(walk->report, walk->actuate,
			    "safe_mode.actuate must be false: a unit that does not trust itself "
			    "switches nothing");
	if (walk->auto_exit.line == 0 || walk->auto_exit.refused)
		return;
	if (policy->safe_exit_classes == 0)
		hf_complain(walk->report, walk->auto_exit,
			    "safe_mode.auto_exit has no classes, so safe mode is never left by "
			    "itself; name some, or remove it");
	if (policy->safe_exit_healthy_ms < 60000)
		hf_complain(walk->report, walk->auto_exit,
			    "safe_mode.auto_exit.healthy is shorter than 1m: a pause between two "
			    "faults is not health");
	if (policy->safe_exit_budget.count == 0)
		hf_complain(walk->report, walk->auto_exit,
			    "safe_mode.auto_exit has no max: a unit would go in and out for ever; "
			    "write max: 1/24h");
}

static void check_file(const struct hf_policy_walk *walk)
{
	const struct hf_place top = { .line = 1, .column = 1 };

	if (walk->schema.line == 0)
		hf_complain(walk->report, top,
			    "schema is missing: without it another build may misread the file; "
			    "write schema: holdfast.policy/1");
	if (walk->name.line == 0 || (!walk->name.refused && walk->policy->name[0] == '\0'))
		hf_complain(walk->report, walk->name.line > 0 ? walk->name : top,
			    "name is missing: events and status say by it which rules were in "
			    "force; write name: ...");
	if (walk->policy->reason_count == 0 && !walk->reasons_section.refused)
		hf_complain(walk->report,
			    walk->reasons_section.line > 0 ? walk->reasons_section : top,
			    "reasons: there is none, so nothing would ever be done");
	if (walk->flap_window.line > 0 && !walk->flap_window.refused &&
	    walk->policy->flap_window_ms < CRASH_WINDOW_MS)
		hf_complain(
			walk->report, walk->flap_window,
			"flap.window is shorter than %ds, %d times the slowest crash and start: "
			"a slow flapping would never be seen",
			CRASH_WINDOW_MS / 1000, HF_POLICY_CRASHES_IN_WINDOW);
}

void hf_policy_cross_check(struct hf_policy_walk *walk)
{
	uint32_t errors = walk->report->errors;

	check_file(walk);
	for (unsigned i = 0; i < walk->policy->reason_count; i++)
		check_reason(walk, i);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		check_action(walk, (enum hf_action)i);
	check_safe_mode(walk);
	/* What hangs together can only be judged where it was read. */
	if (errors == 0)
		check_required(walk);
	for (unsigned i = 0; walk->report->errors == 0 && i < HF_ACTION_COUNT; i++)
		warn_of_unused(walk, (enum hf_action)i);
}
