/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/ingest/notes.h"

#include "base/assert.h"
#include "base/log.h"
#include "proc/ingest/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct note *notes_add(struct notes *notes, const char *event_class, struct hf_json *attrs,
		       const char *text)
{
	struct hf_err err;

	hf_json_object_close(attrs);
	if (hf_json_end(attrs, &err) != HF_OK || notes->count == NOTES_MAX) {
		hf_log(HF_LOG_ERROR, "note_dropped", "class=%s", event_class);
		return NULL;
	}
	struct note *kept = &notes->list[notes->count++];
	*kept = (struct note){ 0 };
	(void)snprintf(kept->event_class, sizeof kept->event_class, "%s", event_class);
	(void)snprintf(kept->attrs, sizeof kept->attrs, "%s", text);
	return kept;
}

void notes_add_faults(struct notes *notes, struct hf_health *health, const struct hf_config *config,
		      uint32_t source, enum hf_layout layout)
{
	struct hf_health_event event;
	struct hf_err err;

	while (health != NULL && notes->count < NOTES_OF_FAULTS_MAX &&
	       hf_health_next(health, &event)) {
		const struct hf_config_camera *camera =
			hf_config_camera_at(config, source, event.tile);
		struct note *kept = &notes->list[notes->count];

		HF_ASSERT(camera != NULL);
		*kept = (struct note){ .seen = true,
				       .moment = { .mono = event.captured_mono,
						   .wall = event.captured_wall,
						   .layout = layout } };
		if (fault_write(&event, config->sources[source].id, camera, kept->attrs, &err) !=
		    HF_OK) {
			hf_log(HF_LOG_ERROR, "note_dropped", "class=%s why=\"%s\"",
			       fault_event_class(event.news), err.text);
			continue;
		}
		(void)snprintf(kept->event_class, sizeof kept->event_class, "%s",
			       fault_event_class(event.news));
		(void)snprintf(kept->camera_name, sizeof kept->camera_name, "%s",
			       camera->name[0] != '\0' ? camera->name : camera->id);
		notes->count++;
		hf_log(event.news == HF_HEALTH_CLEARED ? HF_LOG_INFO : HF_LOG_WARN,
		       kept->event_class, "camera=%s fault=%s since_s=%" PRId64, camera->id,
		       hf_health_fault_name(event.fault), event.since_ms / 1000);
	}
}

void notes_send(struct notes *notes, struct hf_worker *worker)
{
	struct hf_err err;

	while (notes->count > 0) {
		const struct note *first = &notes->list[0];
		enum hf_code code = hf_worker_note_at(
			worker, first->seen ? &first->moment : NULL, first->event_class,
			first->camera_name[0] != '\0' ? first->camera_name : NULL, first->attrs,
			&err);

		if (code == HF_E_AGAIN)
			return;
		if (code != HF_OK)
			hf_log(HF_LOG_ERROR, "note_dropped", "class=%s why=\"%s\"",
			       first->event_class, err.text);
		notes->count--;
		memmove(&notes->list[0], &notes->list[1], notes->count * sizeof notes->list[0]);
	}
}
