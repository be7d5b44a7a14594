/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * troubles - what stands in the unit's way at the moment, as its workers reported it.
 *
 * Shape       A note such as source_lost opens a trouble, source_back ends it. A
 *             trouble is known by the note that opens it and the source it names;
 *             its words are the note's "error" or "why".
 *
 * Limits      HF_JUDGE_TROUBLES_MAX stand at a time; further ones are events only.
 */
#include "recover/judge.h"

#include <stdbool.h>

struct troubles {
	size_t count;
	struct hf_judge_trouble list[HF_JUDGE_TROUBLES_MAX];
};

/* A worker's note. True: it is news, so it becomes an event. A trouble that stands already and
 * is told in the same words is none (two detectors miss the same model, a worker is restarted
 * and finds what its predecessor found), nor is the end of a trouble that does not stand. */
bool troubles_note(struct troubles *troubles, const char *event_class, const char *attrs);
