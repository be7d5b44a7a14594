/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config_loitering.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/suggest.h"
#include "boot/config_value.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
	PACK_BYTES_MAX = 256 * 1024,
};

const char hf_config_loitering_help[] =
	"Raise loitering_dwell_exceeded when somebody is in the zone for this long, and once more "
	"after twice as long: one duration for all classes, or as below, separated by commas, one "
	"a "
	"class (those not named may stay), or off. (1s to 7d)";

static const struct hf_config_row dwell_row = {
	.key = "loitering",
	.kind = HF_CONFIG_INT,
	.unit = "ms",
	.min = HF_CONFIG_DWELL_MS_MIN,
	.max = HF_CONFIG_DWELL_MS_MAX,
	.help = "how long somebody may be in the zone; off if for ever",
};

/* What detectors are commonly trained on (COCO's classes), and what people call several of them
 * together. A pack may have others: see hf_config_class_check(). */
static const char *const common[] = {
	"person",        "vehicle",      "animal",
	"package",       "bicycle",      "car",
	"motorcycle",    "airplane",     "bus",
	"train",         "truck",        "boat",
	"traffic light", "fire hydrant", "stop sign",
	"parking meter", "bench",        "bird",
	"cat",           "dog",          "horse",
	"sheep",         "cow",          "elephant",
	"bear",          "zebra",        "giraffe",
	"backpack",      "umbrella",     "handbag",
	"tie",           "suitcase",     "frisbee",
	"skis",          "snowboard",    "sports ball",
	"kite",          "baseball bat", "baseball glove",
	"skateboard",    "surfboard",    "tennis racket",
	"bottle",        "wine glass",   "cup",
	"fork",          "knife",        "spoon",
	"bowl",          "banana",       "apple",
	"sandwich",      "orange",       "broccoli",
	"carrot",        "hot dog",      "pizza",
	"donut",         "cake",         "chair",
	"couch",         "potted plant", "bed",
	"dining table",  "toilet",       "tv",
	"laptop",        "mouse",        "remote",
	"keyboard",      "cell phone",   "microwave",
	"oven",          "toaster",      "sink",
	"refrigerator",  "book",         "clock",
	"vase",          "scissors",     "teddy bear",
	"hair drier",    "toothbrush",
};

void hf_config_classes_read(const char *folder, struct hf_config_classes *ret_classes)
{
	char path[HF_PATH_BYTES + sizeof "/model.json"];
	HF_AUTO_FREE char *text = NULL;
	size_t size_bytes;

	memset(ret_classes, 0, sizeof *ret_classes);
	(void)snprintf(path, sizeof path, "%s/model.json", folder);
	if (hf_file_read(path, PACK_BYTES_MAX, &text, &size_bytes, NULL) != HF_OK)
		return;
	json_t *root = json_loadb(text, size_bytes, 0, NULL);
	const json_t *list = json_object_get(root, "classes");
	for (size_t i = 0; i < json_array_size(list) && i < HF_CLASSES_MAX; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name != NULL && strlen(name) < HF_CLASS_BYTES)
			(void)snprintf(ret_classes->names[ret_classes->count++], HF_CLASS_BYTES,
				       "%s", name);
	}
	json_decref(root);
}

enum hf_code hf_config_dwell_parse(const char *text, size_t size_bytes, bool quoted,
				   int64_t *ret_ms, struct hf_err *err)
{
	static const char *const nearly_off[] = { "no", "false", "never", "none", "disabled" };

	if (size_bytes == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)
		return hf_fail(err, HF_E_INVALID,
			       "has no value; write a duration such as 60s, or off");
	if (strcmp(text, "off") == 0 || strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return HF_OK;
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(nearly_off); i++)
		if (strcmp(text, nearly_off[i]) == 0)
			return hf_fail(err, HF_E_INVALID, "\"%s\" is no duration; write off", text);
	return hf_config_value_set(&dwell_row, text, size_bytes, quoted, ret_ms, err);
}

enum hf_code hf_config_class_parse(const char *text, size_t size_bytes,
				   char ret_name[HF_CLASS_BYTES], struct hf_err *err)
{
	if (size_bytes == 0 || size_bytes >= HF_CLASS_BYTES || strlen(text) != size_bytes)
		return hf_fail(err, HF_E_INVALID,
			       "a class is a word of at most %d bytes, such as person",
			       HF_CLASS_BYTES - 1);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || strchr("\"'{}[],:#\\", *c) != NULL)
			return hf_fail(err, HF_E_INVALID,
				       "\"%.40s\" is no class's name; write a word such as person",
				       text);
	memset(ret_name, 0, HF_CLASS_BYTES);
	memcpy(ret_name, text, size_bytes);
	return HF_OK;
}

enum hf_code hf_config_class_check(const char *name, const struct hf_config_classes *classes,
				   bool pack_unread, struct hf_err *err)
{
	const char *best = NULL;

	for (size_t i = 0; i < HF_ARRAY_LEN(common); i++) {
		if (strcmp(common[i], name) == 0)
			return HF_OK;
		hf_suggest_consider(name, common[i], &best);
	}
	for (uint32_t i = 0; i < classes->count; i++) {
		if (strcmp(classes->names[i], name) == 0)
			return HF_OK;
		hf_suggest_consider(name, classes->names[i], &best);
	}
	if (best != NULL)
		return hf_fail(err, HF_E_INVALID,
			       "\"%.40s\" is no class that a detector has; did you mean \"%s\"?",
			       name, best);
	if (pack_unread)
		return HF_OK;
	return hf_fail(err, HF_E_INVALID,
		       "\"%.40s\" is no class that a detector has, so nothing would be watched; "
		       "write person, vehicle or another that model.json of the model pack names",
		       name);
}

void hf_config_dwell_text(int64_t ms, char *ret_text, size_t size_bytes_max)
{
	char text[HF_CONFIG_VALUE_BYTES];

	hf_config_value_text(&dwell_row, &ms, text);
	(void)snprintf(ret_text, size_bytes_max, "%.23s", ms == 0 ? "off" : text);
}

void hf_config_loitering_text(const struct hf_config_zone *zone,
			      char ret_text[HF_CONFIG_LOITERING_BYTES])
{
	char dwell[24];
	size_t at = 0;

	if (zone->loitering_count == 0 || zone->loitering[0].class_name[0] == '\0') {
		int64_t ms = zone->loitering_count == 0 ? 0 : zone->loitering[0].ms;

		hf_config_dwell_text(ms, ret_text, HF_CONFIG_LOITERING_BYTES);
		return;
	}
	for (uint32_t i = 0; i < zone->loitering_count; i++) {
		hf_config_dwell_text(zone->loitering[i].ms, dwell, sizeof dwell);
		at += (size_t)snprintf(ret_text + at, HF_CONFIG_LOITERING_BYTES - at, "%s%s: %s",
				       i == 0 ? "{" : ", ", zone->loitering[i].class_name, dwell);
	}
	(void)snprintf(ret_text + at, HF_CONFIG_LOITERING_BYTES - at, "}");
}
