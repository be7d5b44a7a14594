/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config_loitering - a zone's thresholds as text: "loitering:" of a zone.
 *
 * Shape       One duration for all classes, "off" (or 0), or one a class:
 *               loitering: 60s
 *               loitering: off
 *               loitering: {person: 60s, vehicle: 10m}
 *             Where only some classes are named, the others may stay. A zone
 *             that does not say anything has {person: 60s}.
 *
 * Numbers     HF_CONFIG_DWELL_MS_MIN to HF_CONFIG_DWELL_MS_MAX.
 *
 * Errors      HF_E_INVALID with a text that says what is wrong and what would
 *             be right. A class is known when detectors commonly have it, or
 *             the model pack that the configuration names has it; a word that
 *             is neither is refused, or a slip of the pen would be a zone that
 *             is watched by nobody.
 *
 * Used by the files of config only.
 */
#include "boot/config.h"

enum {
	HF_CONFIG_DWELL_MS_MIN = 1000,
	HF_CONFIG_DWELL_MS_MAX = 7 * 86400000,
	HF_CONFIG_LOITERING_BYTES = HF_ZONE_CLASSES_MAX * (HF_CLASS_BYTES + 24),
};

/* What the example says about it. */
extern const char hf_config_loitering_help[];

/* Classes of a model pack. count 0: not known. */
struct hf_config_classes {
	uint32_t count;
	char names[HF_CLASSES_MAX][HF_CLASS_BYTES];
};

/* Those of the pack in this folder; count 0 when it has none that can be read. */
void hf_config_classes_read(const char *folder, struct hf_config_classes *ret_classes);

enum hf_code hf_config_dwell_parse(const char *text, size_t size_bytes, bool quoted,
				   int64_t *ret_ms, struct hf_err *err) HF_MUST_CHECK;

/* Is it a word that can be a class's name at all? */
enum hf_code hf_config_class_parse(const char *text, size_t size_bytes,
				   char ret_name[HF_CLASS_BYTES], struct hf_err *err) HF_MUST_CHECK;

/* Does anybody know this class? pack_unread: it is named and cannot be read, so nobody can say. */
enum hf_code hf_config_class_check(const char *name, const struct hf_config_classes *classes,
				   bool pack_unread, struct hf_err *err) HF_MUST_CHECK;

/* As it would be written in the file. */
void hf_config_loitering_text(const struct hf_config_zone *zone,
			      char ret_text[HF_CONFIG_LOITERING_BYTES]);
void hf_config_dwell_text(int64_t ms, char *ret_text, size_t size_bytes_max);
