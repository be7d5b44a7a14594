/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/uplink/notes.h"

#include "base/log.h"

#include <stdio.h>

bool hf_notes_full(const struct hf_notes *notes)
{
	return notes->count == HF_NOTES_MAX;
}

bool hf_notes_empty(const struct hf_notes *notes)
{
	return notes->count == 0;
}

void hf_notes_add(struct hf_notes *notes, const char *event_class, const char *attrs_json)
{
	hf_log(HF_LOG_WARN, event_class, "attrs=%s", attrs_json);
	if (hf_notes_full(notes)) {
		hf_log(HF_LOG_ERROR, "note_lost", "class=%s why=\"the supervisor takes none\"",
		       event_class);
		return;
	}
	unsigned at = (notes->first + notes->count) % HF_NOTES_MAX;
	notes->list[at].event_class = event_class;
	(void)snprintf(notes->list[at].attrs, sizeof notes->list[at].attrs, "%s", attrs_json);
	notes->count++;
}

void hf_notes_flush(struct hf_notes *notes, struct hf_worker *worker)
{
	struct hf_err err;

	while (notes->count > 0) {
		const char *event_class = notes->list[notes->first].event_class;

		/* A full queue is tried again with the next turn. */
		if (hf_worker_note(worker, event_class, NULL, notes->list[notes->first].attrs,
				   &err) != HF_OK)
			return;
		notes->first = (notes->first + 1) % HF_NOTES_MAX;
		notes->count--;
	}
}
