/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * notes - what ingest has to tell, kept until the supervisor's queue takes it.
 *
 * Limits      NOTES_MAX at a time; one more is dropped and logged. What health
 *             found waits in health while there are NOTES_OF_FAULTS_MAX: a whole
 *             screen of faults must not keep out what the source has to say.
 */
#include "base/json.h"
#include "ingest/health.h"
#include "proc/common/worker.h"

enum {
	NOTES_MAX = 16,
	NOTES_OF_FAULTS_MAX = 8,
	NOTE_ATTRS_BYTES_MAX = sizeof((struct hf_note *)NULL)->attrs,
};

struct note {
	bool seen; /* at a moment of its own */
	struct hf_worker_moment moment;
	char event_class[HF_ID_BYTES];
	char camera_name[HF_ID_BYTES]; /* empty: none */
	char attrs[NOTE_ATTRS_BYTES_MAX];
};

struct notes {
	struct note list[NOTES_MAX];
	unsigned count;
};

/* Ends the object in text. The note as it is kept, NULL where it could not be. */
struct note *notes_add(struct notes *notes, const char *event_class, struct hf_json *attrs,
		       const char *text);

/* What health has not told yet, as far as there is room. health NULL: nothing. */
void notes_add_faults(struct notes *notes, struct hf_health *health, const struct hf_config *config,
		      uint32_t source, enum hf_layout layout);

/* As many as the queue takes. */
void notes_send(struct notes *notes, struct hf_worker *worker);
