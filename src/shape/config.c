/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/config.h"

#include <stdio.h>
#include <string.h>

void hf_config_defaults(struct hf_config *ret_config)
{
	memset(ret_config, 0, sizeof *ret_config);
	ret_config->magic = HF_CONFIG_MAGIC;
	ret_config->size_bytes = sizeof *ret_config;
#define HF_INT(field, key, standard, min, max, unit, reader, help)  ret_config->field = (standard);
#define HF_REAL(field, key, standard, min, max, unit, reader, help) ret_config->field = (standard);
#define HF_BOOL(field, key, standard, reader, help)                 ret_config->field = (standard);
#define HF_ENUM(field, key, standard, choices, reader, help)        ret_config->field = (standard);
#define HF_TEXT(field, key, standard, bytes, reader, help) \
	(void)snprintf(ret_config->field, bytes, "%s", standard);
#define HF_SECTION_UNIT
#include "shape/config_tbl.h"
}

/* Not by reading it as a bool: that would already be undefined for a byte of 2. */
static bool is_bool(const bool *value)
{
	return *(const unsigned char *)value <= 1;
}

/* Below the number of names in "a|b|c"? */
static bool is_choice(int32_t value, const char *choices)
{
	for (; value > 0 && choices != NULL; value--) {
		choices = strchr(choices, '|');
		choices = choices != NULL ? choices + 1 : NULL;
	}
	return value == 0 && choices != NULL;
}

static bool unit_is_sound(const struct hf_config *record)
{
	return true
#define HF_SECTION_UNIT
#include "shape/config_sound.h"
		;
}

static bool source_is_sound(const struct hf_config_source *record)
{
	return true
#define HF_SECTION_SOURCE
#include "shape/config_sound.h"
		;
}

static bool camera_is_sound(const struct hf_config_camera *record)
{
	return true
#define HF_SECTION_CAMERA
#include "shape/config_sound.h"
		;
}

static bool zone_is_sound(const struct hf_config_zone *record)
{
	return true
#define HF_SECTION_ZONE
#include "shape/config_sound.h"
		;
}

static bool loitering_is_sound(const struct hf_config_zone *zone)
{
	if (zone->loitering_count > HF_ZONE_CLASSES_MAX)
		return false;
	for (uint32_t i = 0; i < zone->loitering_count; i++)
		if (memchr(zone->loitering[i].class_name, '\0', HF_CLASS_BYTES) == NULL ||
		    zone->loitering[i].ms < 0)
			return false;
	return true;
}

enum hf_code hf_config_check(const struct hf_config *config, struct hf_err *err)
{
	if (config->magic != HF_CONFIG_MAGIC || config->size_bytes != sizeof *config)
		return hf_fail(err, HF_E_INVALID,
			       "configuration of another build (%u bytes, expected %zu)",
			       config->size_bytes, sizeof *config);
	if (config->source_count > HF_SOURCES_MAX || config->camera_count > HF_CAMERAS_MAX ||
	    config->zone_count > HF_ZONES_MAX)
		return hf_fail(err, HF_E_INVALID, "configuration: a list is too long");
	if (!unit_is_sound(config))
		return hf_fail(err, HF_E_INVALID,
			       "configuration: a setting of the unit is damaged");
	for (uint32_t i = 0; i < config->source_count; i++)
		if (!source_is_sound(&config->sources[i]))
			return hf_fail(err, HF_E_INVALID, "configuration: source %u is damaged", i);
	for (uint32_t i = 0; i < config->camera_count; i++)
		if (!camera_is_sound(&config->cameras[i]) ||
		    config->cameras[i].source >= config->source_count)
			return hf_fail(err, HF_E_INVALID, "configuration: camera %u has no source",
				       i);
	for (uint32_t i = 0; i < config->zone_count; i++)
		if (!zone_is_sound(&config->zones[i]) ||
		    config->zones[i].camera >= config->camera_count ||
		    config->zones[i].point_count > HF_ZONE_POINTS_MAX)
			return hf_fail(err, HF_E_INVALID, "configuration: zone %u has no camera",
				       i);
	for (uint32_t i = 0; i < config->zone_count; i++)
		if (!loitering_is_sound(&config->zones[i]))
			return hf_fail(err, HF_E_INVALID,
				       "configuration: zone %u has a damaged threshold", i);
	return HF_OK;
}

void hf_config_loitering_default(struct hf_config_zone *ret_zone)
{
	memset(ret_zone->loitering, 0, sizeof ret_zone->loitering);
	ret_zone->loitering_count = 1;
	ret_zone->loitering[0] = (struct hf_config_dwell){ .class_name = HF_CLASS_PERSON,
							   .ms = HF_CONFIG_LOITERING_MS };
}

const struct hf_config_dwell *hf_config_loitering_of(const struct hf_config_zone *zone,
						     const char *class_name)
{
	const struct hf_config_dwell *found = NULL;

	for (uint32_t i = 0; i < zone->loitering_count; i++) {
		const struct hf_config_dwell *dwell = &zone->loitering[i];

		if (strcmp(dwell->class_name, class_name) == 0)
			return dwell->ms > 0 ? dwell : NULL;
		if (dwell->class_name[0] == '\0' && dwell->ms > 0)
			found = dwell;
	}
	return found;
}

const struct hf_config_camera *hf_config_camera_at(const struct hf_config *config, uint32_t source,
						   uint32_t tile)
{
	for (uint32_t i = 0; i < config->camera_count; i++) {
		const struct hf_config_camera *camera = &config->cameras[i];

		if (camera->source == source && camera->tile == (int64_t)tile + 1)
			return camera;
	}
	return NULL;
}
