/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/config.h"

#include "base/assert.h"

struct hf_place *hf_config_record_place(struct hf_config_report *report,
					enum hf_config_section section, uint32_t index)
{
	switch (section) {
	case HF_CONFIG_SOURCES:
		HF_ASSERT(index < HF_SOURCES_MAX);
		return &report->sources[index][0];
	case HF_CONFIG_CAMERAS:
		HF_ASSERT(index < HF_CAMERAS_MAX);
		return &report->cameras[index][0];
	case HF_CONFIG_ZONES:
		HF_ASSERT(index < HF_ZONES_MAX);
		return &report->zones[index][0];
	case HF_CONFIG_UNIT:
	case HF_CONFIG_SECTIONS:
		break;
	}
	HF_ASSERT(section == HF_CONFIG_UNIT && index == 0);
	return &report->lists[HF_CONFIG_UNIT];
}

struct hf_place *hf_config_place(struct hf_config_report *report, enum hf_config_section section,
				 uint32_t index, const struct hf_config_row *row)
{
	size_t at = hf_config_row_index(section, row);

	if (section == HF_CONFIG_UNIT)
		return &report->unit[at];
	return hf_config_record_place(report, section, index) + 1 + at;
}
