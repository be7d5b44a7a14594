/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the file as a document (yaml_file.h), node by node against the table; every fault is
 * reported, not only the first. Then config_check.c judges what needs more than one value.
 */
#include "boot/config.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/suggest.h"
#include "boot/config_check.h"
#include "boot/config_loitering.h"
#include "boot/config_value.h"
#include "boot/yaml_file.h"

#include <inttypes.h>
#include <string.h>

struct walk {
	yaml_document_t *document;
	struct hf_config *config;
	struct hf_config_report *report;
};

/* One mapping on its way into one record. */
struct target {
	enum hf_config_section section;
	uint32_t index;
	const char *prefix; /* "hub." within the unit's section, else "" */
	const char *shown;  /* what messages call it: "hub.", "cameras[]." */
};

static void unknown_key(struct walk *walk, const struct target *target, const char *key,
			const yaml_node_t *node)
{
	struct hf_config_rows all = hf_config_rows(target->section);
	size_t prefix_length = strlen(target->prefix);
	const char *best = NULL;

	for (size_t i = 0; i < all.count; i++)
		if (strncmp(all.rows[i].key, target->prefix, prefix_length) == 0)
			hf_suggest_consider(key, all.rows[i].key + prefix_length, &best);
	if (target->section == HF_CONFIG_ZONES) {
		hf_suggest_consider(key, "points", &best);
		hf_suggest_consider(key, "loitering", &best);
	}
	if (best != NULL)
		hf_complain(&walk->report->found, hf_yaml_place(node->start_mark),
			    "%s%s is not a setting; did you mean \"%s\"?", target->shown, key,
			    best);
	else
		hf_complain(&walk->report->found, hf_yaml_place(node->start_mark),
			    "%s%s is not a setting: it would have no effect; \"holdfast "
			    "config example\" shows all there are",
			    target->shown, key);
}

static void take_value(struct walk *walk, const struct target *target,
		       const struct hf_config_row *row, const yaml_node_t *key,
		       const yaml_node_t *value)
{
	struct hf_place *place = hf_config_place(walk->report, target->section, target->index, row);
	const char *leaf = row->key + strlen(target->prefix);
	struct hf_err why;

	if (place->line != 0) {
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "%s%s was set before, in line %u; which one is meant?", target->shown,
			    leaf, place->line);
		return;
	}
	*place = hf_yaml_place(value->start_mark);
	if (value->type != YAML_SCALAR_NODE) {
		char range[96];

		hf_config_value_range(row, range, sizeof range);
		place->refused = true;
		hf_complain(&walk->report->found, *place, "%s%s takes one value (%s), not a %s",
			    target->shown, leaf, range,
			    value->type == YAML_MAPPING_NODE ? "section" : "list");
		return;
	}
	if (hf_config_value_set(row, hf_yaml_scalar(value), value->data.scalar.length,
				hf_yaml_is_quoted(value),
				hf_config_record(walk->config, target->section, target->index),
				&why) != HF_OK) {
		place->refused = true;
		hf_complain(&walk->report->found, *place, "%s%s: %s", target->shown, leaf,
			    why.text);
	}
}

static bool take_coordinate(const yaml_node_t *node, double *ret_value)
{
	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       strlen(hf_yaml_scalar(node)) == node->data.scalar.length &&
	       hf_config_real_parse(hf_yaml_scalar(node), ret_value) && *ret_value >= 0 &&
	       *ret_value <= 1;
}

static bool take_point(struct walk *walk, const yaml_node_t *node, struct hf_point *ret_point)
{
	const yaml_node_item_t *items = node->data.sequence.items.start;

	if (node->type == YAML_SEQUENCE_NODE && node->data.sequence.items.top - items == 2 &&
	    take_coordinate(yaml_document_get_node(walk->document, items[0]), &ret_point->x) &&
	    take_coordinate(yaml_document_get_node(walk->document, items[1]), &ret_point->y))
		return true;
	hf_complain(&walk->report->found, hf_yaml_place(node->start_mark),
		    "a point is [x, y], two numbers from 0 to 1: fractions of the "
		    "camera's tile from its top left corner, so that the zone stays where it "
		    "is when the picture's size changes");
	return false;
}

static void take_points(struct walk *walk, uint32_t index, const yaml_node_t *key,
			const yaml_node_t *value)
{
	struct hf_place *place = &walk->report->points[index];
	struct hf_config_zone *zone = &walk->config->zones[index];

	if (place->line != 0) {
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "zones[].points was set before, in line %u; which is meant?",
			    place->line);
		return;
	}
	*place = hf_yaml_place(value->start_mark);
	if (value->type != YAML_SEQUENCE_NODE) {
		place->refused = true;
		hf_complain(&walk->report->found, *place,
			    "zones[].points is a list: [[x, y], [x, y], [x, y]]");
		return;
	}
	const yaml_node_item_t *items = value->data.sequence.items.start;
	size_t count = (size_t)(value->data.sequence.items.top - items);
	if (count > HF_ZONE_POINTS_MAX) {
		place->refused = true;
		hf_complain(&walk->report->found, *place,
			    "zones[].points: %zu points, at most %d fit; leave out those "
			    "that change the outline least",
			    count, HF_ZONE_POINTS_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!take_point(walk, yaml_document_get_node(walk->document, items[i]),
				&zone->points[i]))
			place->refused = true;
	zone->point_count = (uint32_t)count;
}

/* The duration of one threshold. False: refused, which is reported. */
static bool take_dwell(struct walk *walk, const char *class_name, const yaml_node_t *value,
		       int64_t *ret_ms)
{
	const char *colon = class_name[0] != '\0' ? "." : "";
	struct hf_err why;

	if (value->type != YAML_SCALAR_NODE) {
		hf_complain(&walk->report->found, hf_yaml_place(value->start_mark),
			    "zones[].loitering%s%s is a duration such as 60s%s", colon, class_name,
			    class_name[0] != '\0'
				    ? ""
				    : ", off, or one a class: {person: 60s, vehicle: 10m}");
		return false;
	}
	if (hf_config_dwell_parse(hf_yaml_scalar(value), value->data.scalar.length,
				  hf_yaml_is_quoted(value), ret_ms, &why) == HF_OK)
		return true;
	hf_complain(&walk->report->found, hf_yaml_place(value->start_mark),
		    "zones[].loitering%s%s: %s", colon, class_name, why.text);
	return false;
}

/* One "class: duration". */
static bool take_class(struct walk *walk, uint32_t index, const yaml_node_t *key,
		       const yaml_node_t *value)
{
	struct hf_config_zone *zone = &walk->config->zones[index];
	struct hf_config_dwell dwell = { 0 };
	struct hf_err why;

	if (key->type != YAML_SCALAR_NODE ||
	    hf_config_class_parse(hf_yaml_scalar(key), key->data.scalar.length, dwell.class_name,
				  &why) != HF_OK) {
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "zones[].loitering: %s",
			    key->type == YAML_SCALAR_NODE ? why.text
							  : "a class is a word, such as person");
		return false;
	}
	for (uint32_t i = 0; i < zone->loitering_count; i++)
		if (strcmp(zone->loitering[i].class_name, dwell.class_name) == 0) {
			hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
				    "zones[].loitering.%s was set before, in line %u; which is "
				    "meant?",
				    dwell.class_name, walk->report->classes[index][i].line);
			return false;
		}
	if (zone->loitering_count == HF_ZONE_CLASSES_MAX) {
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "zones[].loitering: more than %d classes; one duration without "
			    "a class is for all",
			    HF_ZONE_CLASSES_MAX);
		return false;
	}
	if (!take_dwell(walk, dwell.class_name, value, &dwell.ms))
		return false;
	walk->report->classes[index][zone->loitering_count] = hf_yaml_place(key->start_mark);
	zone->loitering[zone->loitering_count++] = dwell;
	return true;
}

static void take_loitering(struct walk *walk, uint32_t index, const yaml_node_t *key,
			   const yaml_node_t *value)
{
	struct hf_place *place = &walk->report->loitering[index];
	struct hf_config_zone *zone = &walk->config->zones[index];

	if (place->line != 0) {
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "zones[].loitering was set before, in line %u; which is meant?",
			    place->line);
		return;
	}
	*place = hf_yaml_place(value->start_mark);
	memset(zone->loitering, 0, sizeof zone->loitering);
	zone->loitering_count = 0;
	if (value->type != YAML_MAPPING_NODE) {
		struct hf_config_dwell all = { 0 };

		place->refused = !take_dwell(walk, "", value, &all.ms);
		if (all.ms > 0)
			zone->loitering[zone->loitering_count++] = all;
		return;
	}
	if (value->data.mapping.pairs.start == value->data.mapping.pairs.top) {
		place->refused = true;
		hf_complain(&walk->report->found, *place,
			    "zones[].loitering names no class; write off, a duration for "
			    "all, or {person: 60s}");
	}
	for (const yaml_node_pair_t *pair = value->data.mapping.pairs.start;
	     pair < value->data.mapping.pairs.top; pair++)
		if (!take_class(walk, index, yaml_document_get_node(walk->document, pair->key),
				yaml_document_get_node(walk->document, pair->value)))
			place->refused = true;
}

/* All pairs of a mapping that holds settings, not sections. */
static void take_mapping(struct walk *walk, const struct target *target, const yaml_node_t *node)
{
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(walk->document, pair->value);
		const char *name = hf_yaml_key(&walk->report->found, key);
		char full[2 * HF_CONFIG_KEY_BYTES];

		if (name == NULL)
			continue;
		(void)snprintf(full, sizeof full, "%s%s", target->prefix, name);
		const struct hf_config_row *row = hf_config_row_find(target->section, full);
		if (row != NULL)
			take_value(walk, target, row, key, value);
		else if (target->section == HF_CONFIG_ZONES && strcmp(name, "points") == 0)
			take_points(walk, target->index, key, value);
		else if (target->section == HF_CONFIG_ZONES && strcmp(name, "loitering") == 0)
			take_loitering(walk, target->index, key, value);
		else
			unknown_key(walk, target, name, key);
	}
}

static void take_list(struct walk *walk, enum hf_config_section section, const yaml_node_t *node)
{
	const struct hf_config_list *list = hf_config_list(section);
	char shown[HF_CONFIG_KEY_BYTES];
	uint32_t count = 0;

	if (hf_yaml_is_empty(node))
		return;
	if (node->type != YAML_SEQUENCE_NODE) {
		walk->report->lists[section].refused = true;
		hf_complain(&walk->report->found, hf_yaml_place(node->start_mark),
			    "%s is a list: begin each %s with \"- \"", list->key, list->one);
		return;
	}
	(void)snprintf(shown, sizeof shown, "%s[].", list->key);
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		const yaml_node_t *record = yaml_document_get_node(walk->document, *item);

		if (count == list->records_max) {
			hf_complain(&walk->report->found, hf_yaml_place(record->start_mark),
				    "more than %u %s: a unit has no room for this one",
				    list->records_max, list->key);
			break;
		}
		struct target target = { section, count, "", shown };
		void *at = hf_config_record(walk->config, section, count);
		hf_config_record_defaults(section, at);
		*hf_config_record_place(walk->report, section, count) =
			hf_yaml_place(record->start_mark);
		count++;
		if (record->type == YAML_MAPPING_NODE) {
			take_mapping(walk, &target, record);
			continue;
		}
		hf_config_record_place(walk->report, section, count - 1)->refused = true;
		hf_complain(&walk->report->found, hf_yaml_place(record->start_mark),
			    "a %s is a group of settings, such as \"- id: ...\"", list->one);
	}
	memcpy((char *)walk->config + list->count_offset, &count, sizeof count);
}

/* Does the unit have settings under this key? */
static bool is_group(const char *name)
{
	struct hf_config_rows all = hf_config_rows(HF_CONFIG_UNIT);
	size_t length = strlen(name);

	for (size_t i = 0; i < all.count; i++)
		if (strncmp(all.rows[i].key, name, length) == 0 && all.rows[i].key[length] == '.')
			return true;
	return false;
}

/* The word before the dot. */
static void group_of(const struct hf_config_row *row, char ret_name[HF_CONFIG_KEY_BYTES])
{
	(void)snprintf(ret_name, HF_CONFIG_KEY_BYTES, "%.*s", (int)strcspn(row->key, "."),
		       row->key);
}

static void unknown_group(struct walk *walk, const char *name, const yaml_node_t *key)
{
	struct hf_config_rows all = hf_config_rows(HF_CONFIG_UNIT);
	char groups[HF_CONFIG_UNIT_ROWS_MAX][HF_CONFIG_KEY_BYTES];
	const char *best = NULL;
	const struct hf_config_row *moved = NULL;

	for (size_t i = 0; i < all.count; i++) {
		const char *leaf = strchr(all.rows[i].key, '.') + 1;

		group_of(&all.rows[i], groups[i]);
		hf_suggest_consider(name, groups[i], &best);
		if (strcmp(name, leaf) == 0 || strcmp(name, all.rows[i].key) == 0)
			moved = &all.rows[i];
	}
	for (int section = HF_CONFIG_SOURCES; section < HF_CONFIG_SECTIONS; section++)
		hf_suggest_consider(name, hf_config_list((enum hf_config_section)section)->key,
				    &best);
	if (moved != NULL)
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "\"%s\" stands as \"%s\" under \"%.*s:\", indented", name,
			    strchr(moved->key, '.') + 1, (int)strcspn(moved->key, "."), moved->key);
	else if (best != NULL)
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "\"%s\" is not a section; did you mean \"%s\"?", name, best);
	else
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "\"%s\" is not a section: it would have no effect; \"holdfast "
			    "config example\" shows all there are",
			    name);
}

static void take_group(struct walk *walk, const char *name, const yaml_node_t *node)
{
	char prefix[HF_CONFIG_KEY_BYTES + 1];

	if (hf_yaml_is_empty(node))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		hf_complain(&walk->report->found, hf_yaml_place(node->start_mark),
			    "\"%s\" is a section: its settings stand under it, indented", name);
		return;
	}
	(void)snprintf(prefix, sizeof prefix, "%s.", name);
	struct target target = { HF_CONFIG_UNIT, 0, prefix, prefix };
	take_mapping(walk, &target, node);
}

/* Was this key of the root there before? Then say so. */
static bool repeated(struct walk *walk, const yaml_node_t *root, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);

	for (const yaml_node_pair_t *before = root->data.mapping.pairs.start; before < pair;
	     before++) {
		const yaml_node_t *other = yaml_document_get_node(walk->document, before->key);

		if (other->type != YAML_SCALAR_NODE ||
		    strcmp(hf_yaml_scalar(other), hf_yaml_scalar(key)) != 0)
			continue;
		hf_complain(&walk->report->found, hf_yaml_place(key->start_mark),
			    "\"%s\" was begun before, in line %zu; put the two together",
			    hf_yaml_scalar(key), other->start_mark.line + 1);
		return true;
	}
	return false;
}

static void take_root(struct walk *walk, const yaml_node_t *root)
{
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(walk->document, pair->value);
		const char *name = hf_yaml_key(&walk->report->found, key);
		enum hf_config_section section = HF_CONFIG_UNIT;

		if (name == NULL || repeated(walk, root, pair))
			continue;
		for (int s = HF_CONFIG_SOURCES; s < HF_CONFIG_SECTIONS; s++)
			if (strcmp(hf_config_list((enum hf_config_section)s)->key, name) == 0)
				section = (enum hf_config_section)s;
		if (section != HF_CONFIG_UNIT) {
			walk->report->lists[section] = hf_yaml_place(key->start_mark);
			take_list(walk, section, value);
		} else if (is_group(name)) {
			take_group(walk, name, value);
		} else {
			unknown_group(walk, name, key);
		}
	}
}

/* False: there was nothing to walk over, which is reported. */
static bool document_pass(struct hf_config *config, struct hf_config_report *report,
			  const char *text, size_t size_bytes)
{
	yaml_document_t document;

	if (!hf_yaml_load(&report->found, "configuration of a unit", text, size_bytes, &document))
		return false;
	struct walk walk = { &document, config, report };
	const yaml_node_t *root = yaml_document_get_root_node(&document);
	bool walkable = root != NULL && root->type == YAML_MAPPING_NODE;
	if (walkable)
		take_root(&walk, root);
	else
		hf_complain(&report->found, (struct hf_place){ .line = 1, .column = 1 },
			    "there are no sections, such as \"sources:\"; \"holdfast config "
			    "example\" prints a file to begin with");
	yaml_document_delete(&document);
	return walkable;
}

enum hf_code hf_config_parse(const char *path, const char *text, size_t size_bytes,
			     struct hf_config *ret_config, struct hf_config_report *ret_report,
			     struct hf_err *err)
{
	memset(ret_report, 0, sizeof *ret_report);
	hf_report_begin(&ret_report->found, path);
	if (size_bytes > HF_CONFIG_FILE_BYTES_MAX)
		return hf_fail(err, HF_E_LIMIT, "%s is larger than %d bytes", path,
			       HF_CONFIG_FILE_BYTES_MAX);
	HF_AUTO_FREE struct hf_config *config = calloc(1, sizeof *config);
	if (config == NULL)
		return hf_fail(err, HF_E_NOMEM, "%s: out of memory", path);
	hf_config_defaults(config);
	if (document_pass(config, ret_report, text, size_bytes))
		hf_config_cross_check(config, ret_report);
	enum hf_code code = hf_report_end(&ret_report->found, err);
	if (code == HF_OK)
		*ret_config = *config;
	return code;
}

enum hf_code hf_config_load(const char *path, struct hf_config *ret_config,
			    struct hf_config_report *ret_report, struct hf_err *err)
{
	HF_AUTO_FREE char *text = NULL;
	size_t size_bytes;

	memset(ret_report, 0, sizeof *ret_report);
	hf_report_begin(&ret_report->found, path);
	enum hf_code code = hf_file_read(path, HF_CONFIG_FILE_BYTES_MAX, &text, &size_bytes, err);
	if (code == HF_E_LIMIT)
		return hf_fail(err, code,
			       "%s is larger than %d bytes: is it a configuration, in YAML?", path,
			       HF_CONFIG_FILE_BYTES_MAX);
	if (code != HF_OK)
		return code;
	code = hf_config_parse(path, text, size_bytes, ret_config, ret_report, err);
	if (code != HF_OK)
		return code;
	hf_config_check_files(ret_config, ret_report);
	return hf_report_end(&ret_report->found, err);
}
