/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * lease - for how long the unit's output (a relay, a siren) may be on.
 *
 * Shape       One page of shared memory: the supervisor writes, actuate can only
 *             read. The supervisor grants it anew every HF_LEASE_RENEW_MS while
 *             the unit may decide, for HF_LEASE_MS ahead. So it needs nobody to
 *             end: a supervisor that is stopped, hangs or is gone grants nothing.
 *
 * Numbers     Monotonic microseconds; until_us 0: withdrawn. cameras_held: bits
 *             1 << index: nothing is decided from the pictures of these. With
 *             HF_LEASE_LOOK_MS between two looks of the reader an output is off
 *             at most HF_LEASE_MS + HF_LEASE_LOOK_MS after the last grant, and
 *             the time its driver takes.
 *
 * Order       cameras_held is written before until_us and read after it: whoever
 *             sees a grant sees the cameras that were held with it, or later.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	HF_LEASE_MS = 350,
	HF_LEASE_RENEW_MS = 100,
	HF_LEASE_LOOK_MS = 50,
};

struct hf_lease {
	_Atomic int64_t until_us;
	_Atomic uint64_t cameras_held;
};

static inline void hf_lease_grant(struct hf_lease *lease, struct hf_mono now, uint64_t cameras_held)
{
	atomic_store_explicit(&lease->cameras_held, cameras_held, memory_order_relaxed);
	atomic_store_explicit(&lease->until_us, now.us + HF_LEASE_MS * INT64_C(1000),
			      memory_order_release);
}

static inline void hf_lease_withdraw(struct hf_lease *lease)
{
	atomic_store_explicit(&lease->until_us, 0, memory_order_release);
}

/* May the output be on for this camera? */
static inline bool hf_lease_holds(const struct hf_lease *lease, struct hf_mono now, uint32_t camera)
{
	int64_t until_us = atomic_load_explicit(&lease->until_us, memory_order_acquire);
	uint64_t held = atomic_load_explicit(&lease->cameras_held, memory_order_relaxed);

	/* Further ahead than anybody grants is no grant; one that came since now was looked up is. */
	return now.us < until_us && until_us - now.us < 2 * HF_LEASE_MS * INT64_C(1000) &&
	       camera < 64 && (held >> camera & 1) == 0;
}
