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

enum hf_code hf_config_check(const struct hf_config *config, struct hf_err *err)
{
	if (config->magic != HF_CONFIG_MAGIC || config->size_bytes != sizeof *config)
		return hf_fail(err, HF_E_INVALID,
			       "configuration of another build (%u bytes, expected %zu)",
			       config->size_bytes, sizeof *config);
	if (config->source_count > HF_SOURCES_MAX || config->camera_count > HF_CAMERAS_MAX ||
	    config->zone_count > HF_ZONES_MAX)
		return hf_fail(err, HF_E_INVALID, "configuration: a list is too long");
	for (uint32_t i = 0; i < config->camera_count; i++)
		if (config->cameras[i].source >= config->source_count)
			return hf_fail(err, HF_E_INVALID, "configuration: camera %u has no source",
				       i);
	for (uint32_t i = 0; i < config->zone_count; i++)
		if (config->zones[i].camera >= config->camera_count ||
		    config->zones[i].point_count > HF_ZONE_POINTS_MAX)
			return hf_fail(err, HF_E_INVALID, "configuration: zone %u has no camera",
				       i);
	return HF_OK;
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
