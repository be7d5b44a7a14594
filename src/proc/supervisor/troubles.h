/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * troubles - what stands in the unit's way at the moment, as its workers reported it.
 *
 * Shape       A note such as source_lost opens a trouble, source_back ends it. A
 *             trouble is known by the note that opens it and the source it names;
 *             its words are the note's "error" or "why".
 *
 * Limits      TROUBLES_MAX stand at a time; further ones are events only.
 */
#include "shape/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	TROUBLES_MAX = 16,
	TROUBLE_NAME_BYTES = 96,
	TROUBLE_WHY_BYTES = 384, /* a longer one is cut */
};

/* A standing trouble a worker reported: a source that is lost, a disk that is full. */
struct trouble {
	char name[TROUBLE_NAME_BYTES]; /* "source_lost gate-dvr": one of it at a time */
	char why[TROUBLE_WHY_BYTES];   /* "open /clips/x.avi: ..."; may be empty */
};

struct troubles {
	size_t count;
	struct trouble list[TROUBLES_MAX];
};

/* A worker's note. True: it is news, so it becomes an event. A trouble that stands already and
 * is told in the same words is none (two detectors miss the same model, a worker is restarted
 * and finds what its predecessor found), nor is the end of a trouble that does not stand. */
bool troubles_note(struct troubles *troubles, const char *event_class, const char *attrs);
