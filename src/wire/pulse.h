/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pulse - how the supervisor sees that a worker lives and gets on, without asking it.
 *
 * Shape       One page of shared memory a worker: the worker writes, the
 *             supervisor reads, always busy_until_us first: whoever sees a worker
 *             no longer busy also sees the beat that came with that.
 *
 * Numbers     Monotonic microseconds. A worker beats at least every 500 ms.
 *             Before it may block for longer (a model load, a disk flush, one
 *             inference) it says until when: hf_pulse_busy(), then
 *             hf_pulse_idle(). alive = beat younger than the limit, or now
 *             before busy_until.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdint.h>

struct hf_pulse {
	_Atomic int64_t beat_us;
	_Atomic int64_t busy_since_us; /* 0: not busy */
	_Atomic int64_t busy_until_us; /* 0: not busy */
	_Atomic uint64_t
		progress; /* units of finished work: frames, tiles, ticks, commits, requests */
};

static inline void hf_pulse_beat(struct hf_pulse *pulse, struct hf_mono now)
{
	atomic_store_explicit(&pulse->beat_us, now.us, memory_order_relaxed);
}

static inline void hf_pulse_busy(struct hf_pulse *pulse, struct hf_mono now, int64_t for_ms)
{
	atomic_store_explicit(&pulse->busy_since_us, now.us, memory_order_relaxed);
	atomic_store_explicit(&pulse->busy_until_us, now.us + for_ms * 1000, memory_order_relaxed);
}

static inline void hf_pulse_idle(struct hf_pulse *pulse, struct hf_mono now)
{
	atomic_store_explicit(&pulse->beat_us, now.us, memory_order_relaxed);
	/* Released with the beat before it: "not busy" beside a beat from before would look like
	 * silence for as long as the work took. */
	atomic_store_explicit(&pulse->busy_until_us, 0, memory_order_release);
	atomic_store_explicit(&pulse->busy_since_us, 0, memory_order_relaxed);
}

static inline void hf_pulse_progress(struct hf_pulse *pulse)
{
	(void)atomic_fetch_add_explicit(&pulse->progress, 1, memory_order_relaxed);
}
