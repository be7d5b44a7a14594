/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * notes - what must become an event of the unit, on its way to the supervisor.
 *
 * Durability  A note that waits here is lost with the process. The cursor is
 *             therefore not stored while one waits: a restart finds the line
 *             again and makes the note again.
 *
 * Limits      HF_NOTES_MAX wait. What passes a line over asks hf_notes_full()
 *             first and waits; news of the link beyond that are only logged.
 */
#include "proc/common/worker.h"

enum {
	HF_NOTES_MAX = 32,
	HF_NOTE_ATTRS_BYTES = 1024,
};

struct hf_notes {
	unsigned first;
	unsigned count;
	struct {
		const char *event_class; /* a literal */
		char attrs[HF_NOTE_ATTRS_BYTES];
	} list[HF_NOTES_MAX];
};

bool hf_notes_full(const struct hf_notes *notes);
bool hf_notes_empty(const struct hf_notes *notes);

/* Logs it too. */
void hf_notes_add(struct hf_notes *notes, const char *event_class, const char *attrs_json);

/* Hand on what the supervisor takes now. */
void hf_notes_flush(struct hf_notes *notes, struct hf_worker *worker);
