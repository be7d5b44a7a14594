/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * clock - two kinds of time that do not convert into one another.
 *
 * Numbers     struct hf_mono is CLOCK_MONOTONIC in microseconds: for every
 *             duration, deadline and dwell. struct hf_wall is UTC in
 *             milliseconds since 1970: for names and for people, never for a
 *             duration. Zero means "never" in both.
 *
 * Owners      A room takes a const struct hf_clock * where it needs the time;
 *             tests pass a fake one. hf_clock_real() is static.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	HF_WALL_TEXT_BYTES = 25, /* 2026-04-20T02:17:33.123Z and the NUL */
	HF_DAY_TEXT_BYTES = 11,  /* 2026-04-20 and the NUL */
};

struct hf_mono {
	int64_t us;
};

struct hf_wall {
	int64_t ms;
};

struct hf_clock {
	struct hf_mono (*mono)(const struct hf_clock *clock);
	struct hf_wall (*wall)(const struct hf_clock *clock);
	void *context;
};

const struct hf_clock *hf_clock_real(void);

static inline struct hf_mono hf_mono_now(const struct hf_clock *clock)
{
	return clock->mono(clock);
}

static inline struct hf_wall hf_wall_now(const struct hf_clock *clock)
{
	return clock->wall(clock);
}

/* a - b; negative when a is earlier. */
static inline int64_t hf_mono_diff_us(struct hf_mono a, struct hf_mono b)
{
	return a.us - b.us;
}

static inline struct hf_mono hf_mono_add_ms(struct hf_mono from, int64_t ms)
{
	return (struct hf_mono){ .us = from.us + ms * 1000 };
}

static inline bool hf_mono_before(struct hf_mono a, struct hf_mono b)
{
	return a.us < b.us;
}

/* ISO 8601 in UTC with milliseconds. Years outside 0..9999 are clamped. */
void hf_wall_text(struct hf_wall wall, char ret_text[HF_WALL_TEXT_BYTES]);

/* The UTC day, YYYY-MM-DD. */
void hf_wall_day(struct hf_wall wall, char ret_text[HF_DAY_TEXT_BYTES]);

/* "synced", "unsynced": what the kernel's clock discipline says of the wall clock. */
const char *hf_clock_trust(void);
