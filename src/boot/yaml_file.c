/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/yaml_file.h"

#include "base/json.h"

#include <string.h>

struct hf_place hf_yaml_place(yaml_mark_t mark)
{
	return (struct hf_place){ .line = (uint32_t)mark.line + 1,
				  .column = (uint32_t)mark.column + 1 };
}

static void complain_of_byte(struct hf_report *report, const char *text, size_t at,
			     const char *what)
{
	struct hf_place place = { .line = 1, .column = 1 };

	for (size_t i = 0; i < at; i++) {
		/* Bytes that go on a character do not move the column. */
		if (text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			place.column++;
		}
	}
	hf_complain(report, place, "byte 0x%02x %s", (unsigned char)text[at], what);
}

static bool bytes_are_text(struct hf_report *report, const char *text, size_t size_bytes)
{
	size_t valid = hf_utf8_valid_prefix(text, size_bytes);

	if (valid != size_bytes) {
		complain_of_byte(report, text, valid,
				 "is not UTF-8; save the file as UTF-8 and try again");
		return false;
	}
	for (size_t i = 0; i < size_bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
			complain_of_byte(report, text, i,
					 "is a control character; this is not a text file, or it "
					 "was damaged");
			return false;
		}
	}
	return true;
}

/* The byte at a mark (libyaml counts characters, not bytes); 0 behind the end. */
static char byte_at(const char *text, size_t size_bytes, yaml_mark_t mark)
{
	size_t i = 0;

	for (size_t line = 0; line < mark.line && i < size_bytes; i++)
		line += text[i] == '\n';
	for (size_t column = 0; i < size_bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) == 0x80)
			continue;
		if (column++ == mark.column)
			break;
	}
	return i < size_bytes ? text[i] : '\0';
}

static void complain_of_yaml(struct hf_report *report, const yaml_parser_t *parser,
			     const char *text, size_t size_bytes)
{
	struct hf_place place = hf_yaml_place(parser->problem_mark);
	const char *hint = "";
	char where[96] = "";

	if (byte_at(text, size_bytes, parser->problem_mark) == '\t')
		hint = "; YAML is indented with spaces, never with tabs";
	if (parser->context != NULL)
		(void)snprintf(where, sizeof where, " %s that began in line %zu", parser->context,
			       parser->context_mark.line + 1);
	hf_complain(report, place, "not YAML: %s%s%s",
		    parser->problem != NULL ? parser->problem : "unknown problem", where, hint);
}

struct guard {
	const char *what;
	unsigned depth;
	unsigned nodes;
	unsigned documents;
};

static void guard_node(struct hf_report *report, yaml_mark_t mark, const yaml_char_t *anchor,
		       const yaml_char_t *tag)
{
	if (anchor != NULL)
		hf_complain(report, hf_yaml_place(mark),
			    "anchor &%.40s: anchors and aliases are not taken; write the "
			    "value out where it is needed",
			    (const char *)anchor);
	if (tag != NULL)
		hf_complain(report, hf_yaml_place(mark),
			    "tag %.60s: tags are not taken; the settings' types are known",
			    (const char *)tag);
}

/* False: do not go on. */
static bool guard_event(struct guard *guard, struct hf_report *report, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++guard->documents > 1) {
			hf_complain(report, hf_yaml_place(event->start_mark),
				    "a second document begins here; a unit has one, so only "
				    "one would be in effect: remove the \"---\" or the rest");
			return false;
		}
		break;
	case YAML_ALIAS_EVENT:
		hf_complain(report, hf_yaml_place(event->start_mark),
			    "alias *%.40s: anchors and aliases are not taken; write the "
			    "value out where it is needed",
			    (const char *)event->data.alias.anchor);
		break;
	case YAML_SCALAR_EVENT:
		guard_node(report, event->start_mark, event->data.scalar.anchor,
			   event->data.scalar.tag);
		guard->nodes++;
		break;
	case YAML_SEQUENCE_START_EVENT:
		guard_node(report, event->start_mark, event->data.sequence_start.anchor,
			   event->data.sequence_start.tag);
		guard->nodes++;
		guard->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		guard_node(report, event->start_mark, event->data.mapping_start.anchor,
			   event->data.mapping_start.tag);
		guard->nodes++;
		guard->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		guard->depth--;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	if (guard->depth > HF_YAML_DEPTH_MAX || guard->nodes > HF_YAML_NODES_MAX) {
		hf_complain(report, hf_yaml_place(event->start_mark),
			    "more than %d levels or %d values: no %s is like that",
			    HF_YAML_DEPTH_MAX, HF_YAML_NODES_MAX, guard->what);
		return false;
	}
	return true;
}

static bool begin_yaml(struct hf_report *report, yaml_parser_t *parser, const char *text,
		       size_t size_bytes)
{
	if (yaml_parser_initialize(parser) == 0) {
		hf_complain(report, (struct hf_place){ 0 }, "out of memory");
		return false;
	}
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text, size_bytes);
	return true;
}

static void guard_pass(struct hf_report *report, const char *what, const char *text,
		       size_t size_bytes)
{
	struct guard guard = { .what = what };
	yaml_parser_t parser;
	bool more = true;

	if (!begin_yaml(report, &parser, text, size_bytes))
		return;
	while (more && report->errors < HF_REPORT_MESSAGES_MAX) {
		yaml_event_t event;

		if (yaml_parser_parse(&parser, &event) == 0) {
			complain_of_yaml(report, &parser, text, size_bytes);
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT && guard_event(&guard, report, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

bool hf_yaml_load(struct hf_report *report, const char *what, const char *text, size_t size_bytes,
		  yaml_document_t *ret_document)
{
	yaml_parser_t parser;

	if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size_bytes -= 3;
	}
	if (bytes_are_text(report, text, size_bytes))
		guard_pass(report, what, text, size_bytes);
	if (report->errors > 0 || !begin_yaml(report, &parser, text, size_bytes))
		return false;
	bool loaded = yaml_parser_load(&parser, ret_document) != 0;
	if (!loaded)
		complain_of_yaml(report, &parser, text, size_bytes);
	yaml_parser_delete(&parser);
	return loaded;
}

const char *hf_yaml_scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

bool hf_yaml_is_empty(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool hf_yaml_is_quoted(const yaml_node_t *node)
{
	return node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

const char *hf_yaml_key(struct hf_report *report, const yaml_node_t *key)
{
	if (key->type != YAML_SCALAR_NODE || key->data.scalar.length == 0 ||
	    key->data.scalar.length >= HF_YAML_KEY_BYTES ||
	    strlen(hf_yaml_scalar(key)) != key->data.scalar.length) {
		hf_complain(report, hf_yaml_place(key->start_mark),
			    "a key is a short word, such as \"hub\"");
		return NULL;
	}
	return hf_yaml_scalar(key);
}
