/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * view - how long one camera could be seen, and how long it could not.
 *
 * Numbers     Microseconds of capture time. Between two ticks that are at most
 *             HF_VIEW_GAP_MS apart, and neither blind (the layout changing, or the
 *             tile showing no live picture), there was something to see; all
 *             other time was blind. A stay is measured in seen time, so that
 *             neither a stall nor a frozen camera makes anybody loiter.
 */
#include "base/clock.h"

enum {
	HF_VIEW_GAP_MS = 2000,
};

struct hf_view {
	struct hf_mono last; /* tick; zero: none yet */
	int64_t seen_us, blind_us;
	bool blind;
	struct hf_mono blind_since, blind_until; /* the last such time; until: once it is over */
};

/* A tick. Returns how long it was blind since the tick before; 0 when it was not. */
int64_t hf_view_tick(struct hf_view *view, struct hf_mono at, bool blind);

/* Does the last time that ticks called blind hold this moment? */
bool hf_view_was_blind(const struct hf_view *view, struct hf_mono at);

/* Seen time at a moment near the last tick (a look is told after its frame's tick). */
int64_t hf_view_seen_us(const struct hf_view *view, struct hf_mono at);
