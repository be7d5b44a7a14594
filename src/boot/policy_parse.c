/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the file as a document (yaml_file.h), each mapping against a table of its keys; every
 * fault is reported, not only the first. Then policy_check.c judges what needs more than one value.
 */
#include "boot/policy_inner.h"

#include "base/auto.h"
#include "base/file.h"

#include <string.h>

#define SCHEMA "holdfast.policy/1"

enum {
	MINUTE_MS = 60 * 1000,
	HOUR_MS = 60 * MINUTE_MS,
	STALE_MS_STANDARD = 5000,
	DEADLINE_MS_STANDARD = 30000,
};

/* A duration of a record, at most max. */
#define DURATION(name, record, member, max_ms, text) \
	.row = { .key = name,                        \
		 .kind = HF_CONFIG_INT,              \
		 .offset = offsetof(record, member), \
		 .max = max_ms,                      \
		 .unit = "ms",                       \
		 .help = text }

/* signals */

struct signal_record {
	int64_t stale_ms;
	bool required;
};

static void take_unit(const struct hf_policy_target *target, const char *shown,
		      struct hf_place place, const yaml_node_t *value)
{
	struct hf_policy_walk *walk = target->walk;
	enum hf_signal signal = (enum hf_signal)target->index;
	const char *text = hf_policy_text(walk, shown, value, "the unit of plain numbers");

	if (text == NULL)
		return;
	walk->units.factors[signal] = hf_policy_unit_factor(signal, text);
	if (walk->units.factors[signal] == 0)
		hf_complain(walk->report, place,
			    "%s: \"%.20s\" does not fit: it is in %s, and plain numbers of it may "
			    "be in %s",
			    shown, text, hf_signal_unit_name(hf_signal_unit(signal)),
			    hf_policy_unit_names(signal));
}

static void take_signal(struct hf_policy_walk *walk, enum hf_signal signal,
			const yaml_node_t *value)
{
	static const struct hf_policy_field fields[] = {
		{ .row = { .key = "unit" }, .place_offset = SIZE_MAX, .take = take_unit },
		{ DURATION("stale_after", struct signal_record, stale_ms, 24 * HOUR_MS,
			   "without news for so long it is not known"),
		  .place_offset = SIZE_MAX },
		{ .row = { .key = "required",
			   .kind = HF_CONFIG_BOOL,
			   .offset = offsetof(struct signal_record, required),
			   .help = "not known for so long: blind" },
		  .place_offset = SIZE_MAX },
	};
	struct signal_record record = { .stale_ms = STALE_MS_STANDARD };
	char shown[HF_POLICY_SHOWN_BYTES];

	(void)snprintf(shown, sizeof shown, "signals.%s", hf_signal_name(signal));
	struct hf_policy_target target = { walk, shown, &record, signal };
	if (hf_yaml_is_empty(value) ||
	    !hf_policy_is_mapping(walk, shown, value, "{stale_after: 3s, required: true}"))
		return;
	hf_policy_take_fields(&target, value, fields, HF_ARRAY_LEN(fields), NULL);
	walk->policy->signals[signal].stale_ms = record.stale_ms;
	walk->policy->signals[signal].required = record.required;
}

static void take_signals(struct hf_policy_walk *walk, const yaml_node_t *node)
{
	if (!hf_policy_is_mapping(walk, "signals", node, "camera.frame_age: {required: true}"))
		return;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
		const char *name = hf_yaml_key(walk->report, key);
		struct hf_place place = hf_yaml_place(key->start_mark);

		if (name == NULL)
			continue;
		enum hf_signal signal = hf_signal_find(name);
		if (signal == HF_SIGNAL_COUNT) {
			hf_policy_unknown(walk, place, "signals", "signal", name,
					  hf_policy_signal_name, HF_SIGNAL_COUNT,
					  "\"holdfast policy signals\" lists them");
		} else if (walk->signals[signal].line != 0) {
			hf_complain(walk->report, place,
				    "signals.%s is there already, in line %u; which is meant?",
				    name, walk->signals[signal].line);
		} else {
			walk->signals[signal] = place;
			take_signal(walk, signal,
				    yaml_document_get_node(walk->document, pair->value));
		}
	}
}

/* actions */

static struct hf_policy_action *action_of(const struct hf_policy_target *target)
{
	return &target->walk->policy->actions[target->index];
}

/* One value, or a list of at most max. Calls take for each; false: it is neither. */
static bool each_of(const struct hf_policy_target *target, const char *shown,
		    const yaml_node_t *value, unsigned max,
		    bool (*take)(const struct hf_policy_target *target, const char *shown,
				 const yaml_node_t *value, unsigned index))
{
	struct hf_policy_walk *walk = target->walk;

	if (value->type == YAML_SCALAR_NODE)
		return take(target, shown, value, 0);
	if (value->type != YAML_SEQUENCE_NODE ||
	    value->data.sequence.items.top - value->data.sequence.items.start > (long)max) {
		hf_complain(walk->report, hf_yaml_place(value->start_mark),
			    "%s is a list of at most %u", shown, max);
		return false;
	}
	unsigned index = 0;
	for (const yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++)
		if (!take(target, shown, yaml_document_get_node(walk->document, *item), index++))
			return false;
	return true;
}

static bool take_one_budget(const struct hf_policy_target *target, const char *shown,
			    const yaml_node_t *value, unsigned index)
{
	return hf_policy_take_budget(target->walk, shown, value,
				     &action_of(target)->budgets[index]);
}

static void take_budgets(const struct hf_policy_target *target, const char *shown,
			 struct hf_place place, const yaml_node_t *value)
{
	(void)place;
	(void)each_of(target, shown, value, HF_POLICY_BUDGETS_MAX, take_one_budget);
}

static bool take_one_wait(const struct hf_policy_target *target, const char *shown,
			  const yaml_node_t *value, unsigned index)
{
	const struct hf_config_row row = {
		.key = "waits",
		.kind = HF_CONFIG_INT,
		.min = 1,
		.max = HOUR_MS,
		.unit = "ms",
		.help = "the wait before a try; as many as there are waits"
	};

	return hf_policy_take_plain(target->walk, &row, shown, &action_of(target)->waits_ms[index],
				    value);
}

static void take_waits(const struct hf_policy_target *target, const char *shown,
		       struct hf_place place, const yaml_node_t *value)
{
	(void)place;
	(void)each_of(target, shown, value, HF_POLICY_WAITS_MAX, take_one_wait);
}

static void take_unavailable(const struct hf_policy_target *target, const char *shown,
			     struct hf_place place, const yaml_node_t *value)
{
	const char *text = hf_policy_text(target->walk, shown, value,
					  "the reason why nothing can perform it, as a text");

	if (text == NULL)
		return;
	if (strlen(text) >= sizeof action_of(target)->why) {
		hf_complain(target->walk->report, place, "%s is longer than %zu bytes", shown,
			    sizeof action_of(target)->why - 1);
		return;
	}
	action_of(target)->unavailable = true;
	(void)snprintf(action_of(target)->why, sizeof action_of(target)->why, "%s", text);
}

#define ACTION_PLACE(member) offsetof(struct hf_policy_action_places, member)

static const struct hf_policy_field action_fields[] = {
	{ .row = { .key = "budget" }, .place_offset = ACTION_PLACE(budget), .take = take_budgets },
	{ DURATION("settle", struct hf_policy_action, settle_ms, HOUR_MS,
		   "after it, before its effect is judged"),
	  .place_offset = ACTION_PLACE(settle) },
	{ DURATION("verify", struct hf_policy_action, verify_ms, HOUR_MS,
		   "for how long its reason must not be bad after it"),
	  .place_offset = ACTION_PLACE(verify) },
	{ DURATION("deadline", struct hf_policy_action, deadline_ms, HOUR_MS,
		   "to report that it is done"),
	  .place_offset = SIZE_MAX },
	{ .row = { .key = "waits" }, .place_offset = SIZE_MAX, .take = take_waits },
	{ DURATION("uptime", struct hf_policy_action, uptime_ms, 24 * HOUR_MS,
		   "not sooner after the boot"),
	  .place_offset = SIZE_MAX },
	{ DURATION("hold", struct hf_policy_action, hold_ms, 24 * HOUR_MS,
		   "a mode stays at least so long"),
	  .place_offset = SIZE_MAX },
	{ .row = { .key = "unavailable" },
	  .place_offset = ACTION_PLACE(unavailable),
	  .take = take_unavailable },
};

static void take_action(struct hf_policy_walk *walk, enum hf_action action, struct hf_place place,
			const yaml_node_t *value)
{
	struct hf_policy_action *record = &walk->policy->actions[action];
	char shown[HF_POLICY_SHOWN_BYTES];

	walk->actions[action].name = place;
	record->listed = true;
	record->line = place.line;
	(void)snprintf(shown, sizeof shown, "actions.%s", hf_action_name(action));
	struct hf_policy_target target = { walk, shown, record, action };
	if (hf_yaml_is_empty(value) ||
	    !hf_policy_is_mapping(walk, shown, value, "{budget: [3/10m], verify: 30s}"))
		return;
	hf_policy_take_fields(&target, value, action_fields, HF_ARRAY_LEN(action_fields),
			      &walk->actions[action]);
}

static void take_actions(struct hf_policy_walk *walk, const yaml_node_t *node)
{
	if (!hf_policy_is_mapping(walk, "actions", node, "shed: {settle: 10s, verify: 10s}"))
		return;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
		const char *name = hf_yaml_key(walk->report, key);
		struct hf_place place = hf_yaml_place(key->start_mark);

		if (name == NULL)
			continue;
		enum hf_action action = hf_action_find(name);
		if (action == HF_ACTION_COUNT)
			hf_policy_unknown(walk, place, "actions", "action", name,
					  hf_policy_action_name, HF_ACTION_COUNT,
					  "\"holdfast policy table\" lists them");
		else if (walk->policy->actions[action].listed)
			hf_complain(walk->report, place,
				    "actions.%s is there already, in line %u; which is meant?",
				    name, walk->policy->actions[action].line);
		else
			take_action(walk, action, place,
				    yaml_document_get_node(walk->document, pair->value));
	}
}

/* flap, safe_mode */

struct flap_record {
	int64_t entries, doublings, window_ms;
};

static void take_flap(const struct hf_policy_target *target, const char *shown,
		      struct hf_place place, const yaml_node_t *value)
{
	static const struct hf_policy_field fields[] = {
		{ .row = { .key = "entries",
			   .kind = HF_CONFIG_INT,
			   .offset = offsetof(struct flap_record, entries),
			   .min = 2,
			   .max = 255,
			   .unit = "entries",
			   .help = "so many within the window double the hold of clear" },
		  .place_offset = SIZE_MAX },
		{ DURATION("window", struct flap_record, window_ms, 24 * HOUR_MS,
			   "in which entries are counted"),
		  .place_offset = offsetof(struct hf_policy_walk, flap_window) },
		{ .row = { .key = "doublings",
			   .kind = HF_CONFIG_INT,
			   .offset = offsetof(struct flap_record, doublings),
			   .max = 8,
			   .unit = "doublings",
			   .help = "at the most" },
		  .place_offset = SIZE_MAX },
	};
	struct hf_policy *policy = target->walk->policy;
	struct flap_record record = { policy->flap_entries, policy->flap_shift_max,
				      policy->flap_window_ms };
	struct hf_policy_target inner = { target->walk, shown, &record, 0 };

	(void)place;
	if (!hf_policy_is_mapping(target->walk, shown, value,
				  "{entries: 4, window: 10m, doublings: 3}"))
		return;
	hf_policy_take_fields(&inner, value, fields, HF_ARRAY_LEN(fields), target->walk);
	policy->flap_entries = (uint32_t)record.entries;
	policy->flap_shift_max = (uint32_t)record.doublings;
	policy->flap_window_ms = record.window_ms;
}

static bool take_one_class(const struct hf_policy_target *target, const char *shown,
			   const yaml_node_t *value, unsigned index)
{
	const char *text = hf_policy_text(target->walk, shown, value, "classes of reasons");

	(void)index;
	if (text == NULL)
		return false;
	enum hf_class class_of = hf_class_find(text);
	if (class_of == HF_CLASS_COUNT) {
		hf_policy_unknown(target->walk, hf_yaml_place(value->start_mark), shown, "class",
				  text, hf_policy_class_name, HF_CLASS_COUNT,
				  "\"holdfast policy table\" lists them");
		return false;
	}
	target->walk->policy->safe_exit_classes |= UINT32_C(1) << class_of;
	return true;
}

static void take_exit_classes(const struct hf_policy_target *target, const char *shown,
			      struct hf_place place, const yaml_node_t *value)
{
	(void)place;
	(void)each_of(target, shown, value, HF_CLASS_COUNT, take_one_class);
}

static void take_exit_max(const struct hf_policy_target *target, const char *shown,
			  struct hf_place place, const yaml_node_t *value)
{
	(void)place;
	(void)hf_policy_take_budget(target->walk, shown, value,
				    &target->walk->policy->safe_exit_budget);
}

static void take_auto_exit(const struct hf_policy_target *target, const char *shown,
			   struct hf_place place, const yaml_node_t *value)
{
	static const struct hf_policy_field fields[] = {
		{ .row = { .key = "classes" },
		  .place_offset = SIZE_MAX,
		  .take = take_exit_classes },
		{ DURATION("healthy", struct hf_policy, safe_exit_healthy_ms, 24 * HOUR_MS,
			   "for so long nothing else is wrong"),
		  .place_offset = SIZE_MAX },
		{ .row = { .key = "max" }, .place_offset = SIZE_MAX, .take = take_exit_max },
	};
	struct hf_policy_target inner = { target->walk, shown, target->walk->policy, 0 };

	(void)place;
	if (hf_policy_is_mapping(target->walk, shown, value,
				 "{classes: [sensor], healthy: 30m, max: 1/24h}"))
		hf_policy_take_fields(&inner, value, fields, HF_ARRAY_LEN(fields), NULL);
}

static void take_safe_mode(const struct hf_policy_target *target, const char *shown,
			   struct hf_place place, const yaml_node_t *value)
{
	static const struct hf_policy_field fields[] = {
		{ .row = { .key = "actuate",
			   .kind = HF_CONFIG_BOOL,
			   .offset = offsetof(struct hf_policy, safe_actuate),
			   .help = "always false" },
		  .place_offset = offsetof(struct hf_policy_walk, actuate) },
		{ .row = { .key = "auto_exit" },
		  .place_offset = offsetof(struct hf_policy_walk, auto_exit),
		  .take = take_auto_exit },
	};
	struct hf_policy_target inner = { target->walk, shown, target->walk->policy, 0 };

	(void)place;
	if (hf_policy_is_mapping(target->walk, shown, value, "{actuate: false}"))
		hf_policy_take_fields(&inner, value, fields, HF_ARRAY_LEN(fields), target->walk);
}

/* The file */

static void take_schema(const struct hf_policy_target *target, const char *shown,
			struct hf_place place, const yaml_node_t *value)
{
	const char *text = hf_policy_text(target->walk, shown, value, SCHEMA);

	if (text != NULL && strcmp(text, SCHEMA) != 0)
		hf_complain(target->walk->report, place,
			    "schema: \"%.40s\" is not what this build reads, which is " SCHEMA
			    "; a policy of another kind would be misread",
			    text);
}

static void take_mode(const struct hf_policy_target *target, const char *shown,
		      struct hf_place place, const yaml_node_t *value)
{
	const char *text = hf_policy_text(target->walk, shown, value, "enforce or shadow");

	if (text == NULL)
		return;
	target->walk->policy->shadow = strcmp(text, "shadow") == 0;
	if (strcmp(text, "shadow") != 0 && strcmp(text, "enforce") != 0)
		hf_complain(target->walk->report, place,
			    "mode: \"%.40s\" is neither enforce nor shadow, which only tells what "
			    "it would have done",
			    text);
}

static void keep_signals(const struct hf_policy_target *target, const char *shown,
			 struct hf_place place, const yaml_node_t *value)
{
	(void)shown;
	(void)place;
	target->walk->signals_node = value;
}

static void keep_reasons(const struct hf_policy_target *target, const char *shown,
			 struct hf_place place, const yaml_node_t *value)
{
	(void)shown;
	(void)place;
	target->walk->reasons_node = value;
}

static void keep_actions(const struct hf_policy_target *target, const char *shown,
			 struct hf_place place, const yaml_node_t *value)
{
	(void)shown;
	(void)place;
	target->walk->actions_node = value;
}

#define WALK_PLACE(member) offsetof(struct hf_policy_walk, member)

static const struct hf_policy_field root_fields[] = {
	{ .row = { .key = "schema" }, .place_offset = WALK_PLACE(schema), .take = take_schema },
	{ .row = { .key = "name",
		   .kind = HF_CONFIG_TEXT,
		   .offset = offsetof(struct hf_policy, name),
		   .size_bytes = HF_POLICY_NAME_BYTES,
		   .help = "what events and status call it" },
	  .place_offset = WALK_PLACE(name) },
	{ .row = { .key = "mode" }, .place_offset = SIZE_MAX, .take = take_mode },
	{ .row = { .key = "signals" },
	  .place_offset = WALK_PLACE(signals_section),
	  .take = keep_signals },
	{ .row = { .key = "reasons" },
	  .place_offset = WALK_PLACE(reasons_section),
	  .take = keep_reasons },
	{ .row = { .key = "actions" },
	  .place_offset = WALK_PLACE(actions_section),
	  .take = keep_actions },
	{ .row = { .key = "flap" }, .place_offset = WALK_PLACE(flap), .take = take_flap },
	{ DURATION("episode", struct hf_policy, episode_ms, 24 * HOUR_MS,
		   "so long after a reason was over its ladder begins at the bottom again"),
	  .place_offset = SIZE_MAX },
	{ .row = { .key = "safe_mode" },
	  .place_offset = WALK_PLACE(safe_mode),
	  .take = take_safe_mode },
};

static void take_root(struct hf_policy_walk *walk, const yaml_node_t *root)
{
	struct hf_policy_target target = { walk, "", walk->policy, 0 };

	hf_policy_take_fields(&target, root, root_fields, HF_ARRAY_LEN(root_fields), walk);
	if (walk->signals_node != NULL)
		take_signals(walk, walk->signals_node);
	if (walk->actions_node != NULL)
		take_actions(walk, walk->actions_node);
	if (walk->reasons_node != NULL)
		hf_policy_take_reasons(walk, walk->reasons_node);
	hf_policy_cross_check(walk);
}

static void set_defaults(struct hf_policy *policy)
{
	memset(policy, 0, sizeof *policy);
	policy->magic = HF_POLICY_MAGIC;
	policy->size_bytes = sizeof *policy;
	policy->episode_ms = 10 * MINUTE_MS;
	policy->flap_entries = 4;
	policy->flap_shift_max = 3;
	policy->flap_window_ms = 10 * MINUTE_MS;
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		policy->signals[i].stale_ms = STALE_MS_STANDARD;
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++) {
		policy->actions[i].impact = hf_action_impact((enum hf_action)i);
		policy->actions[i].destroys = hf_action_destroys((enum hf_action)i);
		policy->actions[i].deadline_ms = DEADLINE_MS_STANDARD;
	}
}

static void document_pass(struct hf_policy *policy, struct hf_report *report, const char *text,
			  size_t size_bytes)
{
	yaml_document_t document;

	if (!hf_yaml_load(report, "policy", text, size_bytes, &document))
		return;
	struct hf_policy_walk walk = { .document = &document, .policy = policy, .report = report };
	hf_policy_units_standard(&walk.units);
	const yaml_node_t *root = yaml_document_get_root_node(&document);
	if (root != NULL && root->type == YAML_MAPPING_NODE)
		take_root(&walk, root);
	else
		hf_complain(report, (struct hf_place){ .line = 1, .column = 1 },
			    "there is nothing in it, such as \"reasons:\"; \"holdfast policy "
			    "example\" prints a file to begin with");
	yaml_document_delete(&document);
}

enum hf_code hf_policy_parse(const char *path, const char *text, size_t size_bytes,
			     struct hf_policy *ret_policy, struct hf_report *ret_report,
			     struct hf_err *err)
{
	hf_report_begin(ret_report, path);
	if (size_bytes > HF_POLICY_FILE_BYTES_MAX)
		return hf_fail(err, HF_E_LIMIT, "%s is larger than %d bytes", path,
			       HF_POLICY_FILE_BYTES_MAX);
	HF_AUTO_FREE struct hf_policy *policy = malloc(sizeof *policy);
	if (policy == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", path);
	set_defaults(policy);
	document_pass(policy, ret_report, text, size_bytes);
	enum hf_code code = hf_report_end(ret_report, err);
	if (code == HF_OK)
		code = hf_policy_check(policy, err);
	if (code == HF_OK)
		*ret_policy = *policy;
	return code;
}

enum hf_code hf_policy_load(const char *path, struct hf_policy *ret_policy,
			    struct hf_report *ret_report, struct hf_err *err)
{
	HF_AUTO_FREE char *text = NULL;
	size_t size_bytes;

	hf_report_begin(ret_report, path);
	enum hf_code code = hf_file_read(path, HF_POLICY_FILE_BYTES_MAX, &text, &size_bytes, err);
	if (code == HF_E_LIMIT)
		return hf_fail(err, code, "%s is larger than %d bytes: is it a policy, in YAML?",
			       path, HF_POLICY_FILE_BYTES_MAX);
	if (code != HF_OK)
		return code;
	return hf_policy_parse(path, text, size_bytes, ret_policy, ret_report, err);
}
