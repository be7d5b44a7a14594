/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * arrival - when a frame that came over a network was taken.
 *
 * Shape       Pure arithmetic over two clocks. The camera's timestamps know the
 *             distance between frames but not the time of day; arrival knows
 *             the time, and shakes with the network. So a frame was taken at
 *             its timestamp, moved by the smallest delay seen so far: never
 *             later than it arrived, and evenly spaced where arrival is not.
 *             The smallest delay may grow by 1 ms a second, for clocks that
 *             drift. Arrival alone would squeeze the frames of a burst into
 *             one moment, and people in them would jump; timestamps alone are
 *             in nobody's time.
 *
 * Numbers     Microseconds. Times rise with every frame and are never after
 *             arrival. A frame that arrives more than HF_ARRIVAL_LATE_US after
 *             it must have been taken is late: it waited in somebody's queue
 *             during a stall. When all are late for HF_ARRIVAL_PATIENCE_US, that
 *             is how it is from now on.
 *
 *             Timestamps that step back, jump, or run at another speed are begun
 *             anew; at the third time they are no longer believed, and arrival
 *             alone counts for the rest of the connection.
 */
#include "base/clock.h"

#include <stdbool.h>

#define HF_ARRIVAL_LATE_US     INT64_C(500000)
#define HF_ARRIVAL_PATIENCE_US INT64_C(2000000)
#define HF_ARRIVAL_JUMP_US     INT64_C(10000000)
#define HF_ARRIVAL_NO_STAMP    INT64_MIN

enum {
	HF_ARRIVAL_DOUBTS_MAX = 3,
};

struct hf_arrival {
	bool begun;
	unsigned doubts;        /* how often the timestamps made no sense */
	int64_t base_us;        /* time of timestamp 0 */
	int64_t stamp_us;       /* of the frame before */
	struct hf_mono arrived; /* the frame before */
	struct hf_mono late_since;
	struct hf_mono last; /* time that was answered last */
};

/* Begin with a zeroed struct. */
struct hf_mono hf_arrival_time(struct hf_arrival *arrival, int64_t stamp_us, struct hf_mono arrived,
			       bool *ret_late);
