/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/ingest/faults.h"

#include "base/json.h"

const char *fault_event_class(enum hf_health_news news)
{
	switch (news) {
	case HF_HEALTH_RAISED:
		return "camera_fault_raised";
	case HF_HEALTH_CLEARED:
		return "camera_fault_cleared";
	case HF_HEALTH_REMINDER:
		return "camera_fault_reminder";
	}
	return "camera_fault_raised";
}

static void put_facts(struct hf_json *json, enum hf_health_fault fault,
		      const struct hf_health_facts *facts)
{
	switch (fault) {
	case HF_HEALTH_NO_SIGNAL:
	case HF_HEALTH_BLACK:
		hf_json_put_real(json, "level", facts->level, 1);
		hf_json_put_real(json, "deviation", facts->deviation, 2);
		hf_json_put_real(json, "flat_share", facts->flat_share, 3);
		hf_json_put_real(json, "dark_share", facts->dark_share, 3);
		hf_json_put_real(json, "noise", facts->noise, 3);
		break;
	case HF_HEALTH_FROZEN:
		hf_json_put_real(json, "noise", facts->noise, 3);
		hf_json_put_real(json, "noise_floor", facts->noise_floor, 3);
		hf_json_put_u64(json, "tiles_going_on", facts->others);
		break;
	case HF_HEALTH_TAMPERED:
		hf_json_put_real(json, "edge_correlation", facts->correlation, 3);
		hf_json_put_real(json, "one_colour_share", facts->one_colour_share, 3);
		hf_json_put_real(json, "level", facts->level, 1);
		break;
	case HF_HEALTH_FAULTS:
		break;
	}
}

enum hf_code fault_write(const struct hf_health_event *event, const char *source_id,
			 const struct hf_config_camera *camera,
			 char ret_attrs[FAULT_ATTRS_BYTES_MAX], struct hf_err *err)
{
	struct hf_json json = hf_json_begin(ret_attrs, FAULT_ATTRS_BYTES_MAX);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "fault", hf_health_fault_name(event->fault));
	hf_json_put_text(&json, "camera", camera->id);
	hf_json_put_text(&json, "source", source_id);
	hf_json_put_u64(&json, "tile", event->tile + 1);
	hf_json_put_real(&json, "since_s", (double)event->since_ms / 1000, 1);
	put_facts(&json, event->fault, &event->facts);
	hf_json_object_close(&json);
	return hf_json_end(&json, err);
}
