/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * yaml_file - a YAML file that somebody wrote, as a document that is safe to walk over.
 *
 * Method      Three passes over the same bytes, each of which may rely on the one
 *             before.
 *             1. Bytes: UTF-8 without control characters.
 *             2. Events: one document, no anchors, aliases or tags, bounded depth
 *                and count. An alias may make a small file an enormous (or endless)
 *                tree; here it never gets to be one.
 *             3. The document itself.
 *
 * Limits      HF_YAML_DEPTH_MAX levels, HF_YAML_NODES_MAX values, keys of fewer than
 *             HF_YAML_KEY_BYTES bytes.
 *
 * Used by the files of config and policy.
 */
#include "boot/report.h"

#include <yaml.h>

enum {
	HF_YAML_DEPTH_MAX = 8,
	HF_YAML_NODES_MAX = 20000,
	HF_YAML_KEY_BYTES = 64,
};

/* True: *ret_document is the caller's, to be deleted. False: refused, which is reported. what: of
 * which kind the file is, "configuration of a unit". */
bool hf_yaml_load(struct hf_report *report, const char *what, const char *text, size_t size_bytes,
		  yaml_document_t *ret_document) HF_MUST_CHECK;

struct hf_place hf_yaml_place(yaml_mark_t mark);

/* Of a scalar; may hold a NUL before its end. */
const char *hf_yaml_scalar(const yaml_node_t *node);

/* "key:" with nothing after it. */
bool hf_yaml_is_empty(const yaml_node_t *node);

/* Was it in quotes? */
bool hf_yaml_is_quoted(const yaml_node_t *node);

/* The key's text; NULL when it is not a usable one, which is reported. */
const char *hf_yaml_key(struct hf_report *report, const yaml_node_t *key);
