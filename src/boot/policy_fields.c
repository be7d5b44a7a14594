/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/policy_inner.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/suggest.h"
#include "boot/config_value.h"

#include <string.h>

static const struct hf_policy_field *find(const struct hf_policy_field *fields, size_t count,
					  const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].row.key, key) == 0)
			return &fields[i];
	return NULL;
}

static void unknown_key(const struct hf_policy_target *target, const struct hf_policy_field *fields,
			size_t count, const char *key, struct hf_place place)
{
	struct hf_report *report = target->walk->report;
	const char *dot = target->shown[0] != '\0' ? "." : "";
	const char *best = NULL;

	for (size_t i = 0; i < count; i++)
		hf_suggest_consider(key, fields[i].row.key, &best);
	if (best != NULL)
		hf_complain(report, place,
			    "%s%s%s is not a setting, so it would have no effect; did you mean "
			    "\"%s\"?",
			    target->shown, dot, key, best);
	else if (strncmp(target->shown, "actions.", 8) == 0 &&
		 (strcmp(key, "impact") == 0 || strcmp(key, "destroys") == 0))
		hf_complain(report, place,
			    "%s.%s is not for a policy to say: what an action costs is known to "
			    "the build; remove the line (\"holdfast policy table\" shows it)",
			    target->shown, key);
	else
		hf_complain(report, place,
			    "%s%s%s is not a setting, so it would have no effect; \"holdfast "
			    "policy example\" shows all there are",
			    target->shown, dot, key);
}

const char *hf_policy_text(struct hf_policy_walk *walk, const char *shown, const yaml_node_t *value,
			   const char *expected)
{
	if (value->type == YAML_SCALAR_NODE && value->data.scalar.length > 0 &&
	    strlen(hf_yaml_scalar(value)) == value->data.scalar.length)
		return hf_yaml_scalar(value);
	hf_complain(walk->report, hf_yaml_place(value->start_mark), "%s takes %s", shown, expected);
	return NULL;
}

void hf_policy_unknown(struct hf_policy_walk *walk, struct hf_place place, const char *shown,
		       const char *what, const char *text, const char *(*name_of)(unsigned index),
		       unsigned count, const char *hint)
{
	const char *best = NULL;

	for (unsigned i = 0; i < count; i++)
		hf_suggest_consider(text, name_of(i), &best);
	hf_complain(walk->report, place, "%s: there is no %s \"%.40s\"%s%s%s; %s", shown, what,
		    text, best != NULL ? "; did you mean \"" : "", best != NULL ? best : "",
		    best != NULL ? "\"?" : "", hint);
}

const char *hf_policy_class_name(unsigned index)
{
	return hf_class_name((enum hf_class)index);
}

const char *hf_policy_action_name(unsigned index)
{
	return hf_action_name((enum hf_action)index);
}

const char *hf_policy_signal_name(unsigned index)
{
	return hf_signal_name((enum hf_signal)index);
}

bool hf_policy_take_plain(struct hf_policy_walk *walk, const struct hf_config_row *row,
			  const char *shown, void *record, const yaml_node_t *value)
{
	char range[128];
	struct hf_err why;

	if (value->type != YAML_SCALAR_NODE) {
		hf_config_value_range(row, range, sizeof range);
		hf_complain(walk->report, hf_yaml_place(value->start_mark),
			    "%s takes one value (%s)", shown, range);
		return false;
	}
	if (hf_config_value_set(row, hf_yaml_scalar(value), value->data.scalar.length,
				hf_yaml_is_quoted(value), record, &why) == HF_OK)
		return true;
	hf_complain(walk->report, hf_yaml_place(value->start_mark), "%s: %s", shown, why.text);
	return false;
}

static void take_one(const struct hf_policy_target *target, const struct hf_policy_field *field,
		     const char *key, struct hf_place *kept, const yaml_node_t *value)
{
	char shown[HF_POLICY_SHOWN_BYTES + HF_YAML_KEY_BYTES];
	uint32_t errors = target->walk->report->errors;

	(void)snprintf(shown, sizeof shown, "%s%s%s", target->shown,
		       target->shown[0] != '\0' ? "." : "", key);
	if (field->take != NULL)
		field->take(target, shown, hf_yaml_place(value->start_mark), value);
	else
		(void)hf_policy_take_plain(target->walk, &field->row, shown, target->record, value);
	if (kept != NULL && target->walk->report->errors > errors)
		kept->refused = true;
}

void hf_policy_take_fields(const struct hf_policy_target *target, const yaml_node_t *node,
			   const struct hf_policy_field *fields, size_t count, void *places)
{
	uint32_t lines[HF_POLICY_FIELDS_MAX] = { 0 };
	struct hf_policy_walk *walk = target->walk;

	HF_ASSERT(count <= HF_POLICY_FIELDS_MAX);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(walk->document, pair->value);
		const char *name = hf_yaml_key(walk->report, key);

		if (name == NULL)
			continue;
		struct hf_place place = hf_yaml_place(key->start_mark);
		const struct hf_policy_field *field = find(fields, count, name);
		if (field == NULL) {
			unknown_key(target, fields, count, name, place);
			continue;
		}
		uint32_t *line = &lines[field - fields];
		if (*line != 0) {
			hf_complain(walk->report, place,
				    "%s%s%s was set before, in line %u; which one is meant?",
				    target->shown, target->shown[0] != '\0' ? "." : "", name,
				    *line);
			continue;
		}
		*line = place.line;
		struct hf_place *kept = NULL;
		if (places != NULL && field->place_offset != SIZE_MAX) {
			kept = (struct hf_place *)(void *)((char *)places + field->place_offset);
			*kept = hf_yaml_place(value->start_mark);
		}
		take_one(target, field, name, kept, value);
	}
}

bool hf_policy_take_budget(struct hf_policy_walk *walk, const char *shown, const yaml_node_t *value,
			   struct hf_budget *ret_budget)
{
	const struct hf_config_row count_row = {
		.kind = HF_CONFIG_INT,
		.min = 1,
		.max = HF_POLICY_USES_MAX,
		.unit = "uses",
		.help = "what may never be done belongs in no "
			"ladder, and more than that is no budget"
	};
	const struct hf_config_row window_row = { .kind = HF_CONFIG_INT,
						  .min = 1000,
						  .max = INT64_C(90) * 86400000,
						  .unit = "ms",
						  .help = "the window in which uses are counted" };
	const char *text = hf_policy_text(walk, shown, value, "uses in a window, such as 3/10m");
	int64_t count = 0, window_ms = 0;
	struct hf_err why;

	if (text == NULL)
		return false;
	const char *slash = strchr(text, '/');
	char first[16];
	if (slash == NULL || (size_t)(slash - text) >= sizeof first) {
		hf_complain(walk->report, hf_yaml_place(value->start_mark),
			    "%s: \"%.40s\" has no window: without one uses add up for ever; write "
			    "uses in a window, such as 3/10m",
			    shown, text);
		return false;
	}
	(void)snprintf(first, sizeof first, "%.*s", (int)(slash - text), text);
	if (hf_config_value_set(&count_row, first, strlen(first), false, &count, &why) != HF_OK ||
	    hf_config_value_set(&window_row, slash + 1, strlen(slash + 1), false, &window_ms,
				&why) != HF_OK) {
		hf_complain(walk->report, hf_yaml_place(value->start_mark), "%s: %s", shown,
			    why.text);
		return false;
	}
	*ret_budget = (struct hf_budget){ .count = (uint32_t)count, .window_ms = window_ms };
	return true;
}

bool hf_policy_is_mapping(struct hf_policy_walk *walk, const char *shown, const yaml_node_t *node,
			  const char *example)
{
	if (node->type == YAML_MAPPING_NODE)
		return true;
	if (!hf_yaml_is_empty(node) || example != NULL)
		hf_complain(walk->report, hf_yaml_place(node->start_mark),
			    "%s is a group of settings%s%s", shown,
			    example != NULL ? ", such as " : "", example != NULL ? example : "");
	return false;
}
