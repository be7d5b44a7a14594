/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/policy_inner.h"

#include "base/auto.h"
#include "base/suggest.h"
#include "shape/policy_text.h"
#include "wire/proto.h"

#include <string.h>

enum {
	HOLD_MS_MAX = 24 * 3600 * 1000,
};

#define PLACE(member) offsetof(struct hf_policy_reason_places, member)

static struct hf_policy_reason *reason_of(const struct hf_policy_target *target)
{
	return &target->walk->policy->reasons[target->index];
}

static struct hf_policy_reason_places *places_of(const struct hf_policy_target *target)
{
	return &target->walk->reasons[target->index];
}

/* One of some words. */
static int take_choice(const struct hf_policy_target *target, const char *shown,
		       const yaml_node_t *value, const char *(*name_of)(unsigned index),
		       unsigned count, const char *what)
{
	char all[160] = "";
	const char *best = NULL;
	const char *text = hf_policy_text(target->walk, shown, value, what);

	if (text == NULL)
		return -1;
	for (unsigned i = 0; i < count; i++) {
		size_t length = strlen(all);

		if (strcmp(name_of(i), text) == 0)
			return (int)i;
		hf_suggest_consider(text, name_of(i), &best);
		(void)snprintf(all + length, sizeof all - length, "%s%s", i > 0 ? ", " : "",
			       name_of(i));
	}
	hf_complain(target->walk->report, hf_yaml_place(value->start_mark),
		    "%s: \"%.40s\" is not %s: there are %s%s%s%s", shown, text, what, all,
		    best != NULL ? "; did you mean \"" : "", best != NULL ? best : "",
		    best != NULL ? "\"?" : "");
	return -1;
}

static const char *scope_name(unsigned i)
{
	return hf_scope_name((enum hf_scope)i);
}

static const char *latch_name(unsigned i)
{
	return hf_latch_name((enum hf_latch)i);
}

static const enum hf_role worker_roles[] = { HF_ROLE_INGEST, HF_ROLE_INFER,  HF_ROLE_RESPOND,
					     HF_ROLE_KEEPER, HF_ROLE_UPLINK, HF_ROLE_ACTUATE };

static const char *worker_name(unsigned i)
{
	return hf_role_name(worker_roles[i]);
}

static void take_class(const struct hf_policy_target *target, const char *shown,
		       struct hf_place place, const yaml_node_t *value)
{
	int found =
		take_choice(target, shown, value, hf_policy_class_name, HF_CLASS_COUNT, "a class");

	(void)place;
	if (found >= 0)
		reason_of(target)->class_of = (uint8_t)found;
}

static void take_scope(const struct hf_policy_target *target, const char *shown,
		       struct hf_place place, const yaml_node_t *value)
{
	int found = take_choice(target, shown, value, scope_name, HF_SCOPE_COUNT, "a scope");

	(void)place;
	if (found >= 0)
		reason_of(target)->scope = (uint8_t)found;
}

static void take_latch(const struct hf_policy_target *target, const char *shown,
		       struct hf_place place, const yaml_node_t *value)
{
	int found = take_choice(target, shown, value, latch_name, HF_LATCH_RELEASE + 1, "a latch");

	(void)place;
	if (found >= 0)
		reason_of(target)->latch = (uint8_t)found;
}

static void take_workers(const struct hf_policy_target *target, const char *shown,
			 struct hf_place place, const yaml_node_t *value)
{
	if (value->type != YAML_SEQUENCE_NODE) {
		hf_complain(target->walk->report, place,
			    "%s is a list, such as [ingest, infer]; left out it is every worker",
			    shown);
		return;
	}
	for (const yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++) {
		int found = take_choice(target, shown,
					yaml_document_get_node(target->walk->document, *item),
					worker_name, HF_ARRAY_LEN(worker_roles), "a worker");

		if (found >= 0)
			reason_of(target)->workers |= UINT32_C(1) << worker_roles[found];
	}
}

/* The place of a character of a condition; exact where it is written on one line. */
static struct hf_place character(const yaml_node_t *value, unsigned at)
{
	struct hf_place place = hf_yaml_place(value->start_mark);

	if (value->start_mark.line == value->end_mark.line)
		place.column += at + (hf_yaml_is_quoted(value) ? 1 : 0);
	return place;
}

static void take_condition(const struct hf_policy_target *target, const char *shown,
			   const yaml_node_t *value, bool is_clear, struct hf_condition *ret)
{
	struct hf_policy_when when;
	struct hf_err why;
	const char *text = hf_policy_text(target->walk, shown, value,
					  "a condition, such as camera.frame_age > 5s");

	if (text == NULL)
		return;
	if (hf_policy_when_parse(&target->walk->units, text, &when, &why) != HF_OK) {
		hf_complain(target->walk->report, character(value, when.at), "%s: %s", shown,
			    why.text);
		return;
	}
	if (is_clear && (when.required || when.condition.unknown)) {
		hf_complain(target->walk->report, character(value, 0),
			    "%s: what is not known is never fine, so it cannot be what clears a "
			    "reason; compare the signal with a number",
			    shown);
		return;
	}
	if (!is_clear)
		places_of(target)->blind = when.required;
	*ret = when.condition;
}

static void take_when(const struct hf_policy_target *target, const char *shown,
		      struct hf_place place, const yaml_node_t *value)
{
	(void)place;
	take_condition(target, shown, value, false, &reason_of(target)->when);
}

static void take_clear_when(const struct hf_policy_target *target, const char *shown,
			    struct hf_place place, const yaml_node_t *value)
{
	(void)place;
	take_condition(target, shown, value, true, &reason_of(target)->clear);
}

static void take_refill(const struct hf_policy_target *target, const char *shown,
			struct hf_place place, const yaml_node_t *value)
{
	static const struct hf_config_row row = {
		.key = "refill",
		.kind = HF_CONFIG_REAL,
		.real_max = 1,
		.unit = "of the time",
		.help = "how fast a hold that was begun runs back: 0 never, 1 as fast as it filled"
	};
	double refill;

	(void)place;
	if (hf_policy_take_plain(target->walk, &row, shown, &refill, value))
		reason_of(target)->refill_permille = (uint32_t)(refill * 1000 + 0.5);
}

static void take_clear(const struct hf_policy_target *target, const char *shown,
		       struct hf_place place, const yaml_node_t *value)
{
	static const struct hf_policy_field fields[] = {
		{ .row = { .key = "when" },
		  .place_offset = PLACE(clear_when),
		  .take = take_clear_when },
		{ .row = { .key = "hold",
			   .kind = HF_CONFIG_INT,
			   .offset = offsetof(struct hf_policy_reason, clear_hold_ms),
			   .max = HOLD_MS_MAX,
			   .unit = "ms",
			   .help = "for how long it has to be clear" },
		  .place_offset = PLACE(clear_hold) },
		{ .row = { .key = "refill" }, .place_offset = SIZE_MAX, .take = take_refill },
	};
	struct hf_policy_target inner = *target;

	(void)place;
	inner.shown = shown;
	if (hf_policy_is_mapping(target->walk, shown, value,
				 "{when: camera.frame_age < 1s, hold: 60s}"))
		hf_policy_take_fields(&inner, value, fields, HF_ARRAY_LEN(fields),
				      places_of(target));
}

static void take_ladder(const struct hf_policy_target *target, const char *shown,
			struct hf_place place, const yaml_node_t *value)
{
	struct hf_policy_reason *reason = reason_of(target);
	struct hf_policy_walk *walk = target->walk;

	if (value->type != YAML_SEQUENCE_NODE) {
		hf_complain(walk->report, place,
			    "%s is a list of actions, the mildest first, such as [shed, safe_mode]",
			    shown);
		return;
	}
	for (const yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(walk->document, *item);
		const char *text = hf_policy_text(walk, shown, node, "names of actions");

		if (text == NULL)
			continue;
		struct hf_place at = hf_yaml_place(node->start_mark);
		enum hf_action action = hf_action_find(text);
		if (action == HF_ACTION_COUNT) {
			hf_policy_unknown(walk, at, shown, "action", text, hf_policy_action_name,
					  HF_ACTION_COUNT, "\"holdfast policy table\" lists them");
			continue;
		}
		if (reason->rung_count == HF_POLICY_RUNGS_MAX) {
			hf_complain(walk->report, at,
				    "%s: more than %d rungs; nobody climbs that far before a "
				    "person has to look",
				    shown, HF_POLICY_RUNGS_MAX);
			break;
		}
		places_of(target)->rungs[reason->rung_count] = at;
		reason->ladder[reason->rung_count++] = (uint8_t)action;
	}
}

#define FLAG(name, member, text)                                              \
	{                                                                     \
		.row = { .key = name,                                         \
			 .kind = HF_CONFIG_BOOL,                              \
			 .offset = offsetof(struct hf_policy_reason, member), \
			 .help = text },                                      \
		.place_offset = PLACE(member),                                \
	}

static const struct hf_policy_field reason_fields[] = {
	{ .row = { .key = "class" }, .place_offset = PLACE(class_of), .take = take_class },
	{ .row = { .key = "scope" }, .place_offset = PLACE(scope), .take = take_scope },
	{ .row = { .key = "workers" }, .place_offset = PLACE(workers), .take = take_workers },
	{ .row = { .key = "when" }, .place_offset = PLACE(when), .take = take_when },
	{ .row = { .key = "hold",
		   .kind = HF_CONFIG_INT,
		   .offset = offsetof(struct hf_policy_reason, hold_ms),
		   .max = HOLD_MS_MAX,
		   .unit = "ms",
		   .help = "for how long it has to be bad" },
	  .place_offset = PLACE(hold) },
	{ .row = { .key = "settle",
		   .kind = HF_CONFIG_INT,
		   .offset = offsetof(struct hf_policy_reason, settle_ms),
		   .max = HOLD_MS_MAX,
		   .unit = "ms",
		   .help = "so long at least after an action its signals say nothing about it" },
	  .place_offset = PLACE(settle) },
	{ .row = { .key = "clear" }, .place_offset = PLACE(clear), .take = take_clear },
	{ .row = { .key = "latch" }, .place_offset = PLACE(latch), .take = take_latch },
	{ .row = { .key = "ladder" }, .place_offset = PLACE(ladder), .take = take_ladder },
	FLAG("recovering", recovering, "while active the state is recovering"),
	FLAG("holds", holds, "while active nothing is decided in its scope"),
	FLAG("records_only", records_only, "shown, changes no state, does nothing"),
};

static bool name_is_usable(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= HF_POLICY_NAME_BYTES || name[0] < 'a' || name[0] > 'z')
		return false;
	for (size_t i = 0; i < length; i++)
		if ((name[i] < 'a' || name[i] > 'z') && (name[i] < '0' || name[i] > '9') &&
		    name[i] != '_')
			return false;
	return true;
}

/* True: the reason is there before. */
static bool repeated(struct hf_policy_walk *walk, const char *name, struct hf_place place)
{
	unsigned before = hf_policy_find(walk->policy, name);

	if (before == walk->policy->reason_count)
		return false;
	hf_complain(walk->report, place,
		    "reasons.%s is there already, in line %u: two of one name cannot be told apart "
		    "in events; give one of them another",
		    name, walk->reasons[before].name.line);
	return true;
}

/* NULL: it is not taken, which is reported. */
static struct hf_policy_reason *begin_reason(struct hf_policy_walk *walk, const yaml_node_t *key)
{
	struct hf_policy *policy = walk->policy;
	struct hf_place place = hf_yaml_place(key->start_mark);
	const char *name = hf_yaml_key(walk->report, key);

	if (name == NULL || repeated(walk, name, place))
		return NULL;
	if (!name_is_usable(name)) {
		hf_complain(walk->report, place,
			    "reasons.%s: a reason's name is at most %d small letters, digits and "
			    "_, and begins with a letter: it is stored in events",
			    name, HF_POLICY_NAME_BYTES - 1);
		return NULL;
	}
	if (policy->reason_count == HF_POLICY_REASONS_MAX) {
		hf_complain(walk->report, place,
			    "reasons.%s: more than %d reasons; join those that are answered alike",
			    name, HF_POLICY_REASONS_MAX);
		return NULL;
	}
	walk->reasons[policy->reason_count].name = place;
	struct hf_policy_reason *reason = &policy->reasons[policy->reason_count++];
	memcpy(reason->name, name, strlen(name));
	reason->line = place.line;
	reason->class_of = HF_CLASS_COUNT;
	reason->scope = HF_SCOPE_COUNT;
	reason->refill_permille = 250;
	return reason;
}

void hf_policy_take_reasons(struct hf_policy_walk *walk, const yaml_node_t *node)
{
	if (!hf_policy_is_mapping(walk, "reasons", node, "camera_lost: {class: sensor, ...}"))
		return;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *value = yaml_document_get_node(walk->document, pair->value);
		struct hf_policy_reason *reason =
			begin_reason(walk, yaml_document_get_node(walk->document, pair->key));
		char shown[HF_POLICY_SHOWN_BYTES];

		if (reason == NULL)
			continue;
		unsigned index = walk->policy->reason_count - 1;
		(void)snprintf(shown, sizeof shown, "reasons.%s", reason->name);
		struct hf_policy_target target = { walk, shown, reason, index };
		if (hf_policy_is_mapping(walk, shown, value, "{class: sensor, when: ...}"))
			hf_policy_take_fields(&target, value, reason_fields,
					      HF_ARRAY_LEN(reason_fields), &walk->reasons[index]);
		else
			walk->reasons[index].name.refused = true;
	}
}
