/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of this room share: a clock to turn, offers, an outbox on a fake disk. */
#include "base/disk.h"
#include "outbox/writer.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define TEST_DEVICE "unit-7"
#define TEST_EPOCH  "00112233aabbccdd"
#define TEST_BOOT   "01234567-89ab-cdef-0123-456789abcdef"
#define TEST_FILE   "outbox/2026-04-20.jsonl"

/* 2026-04-20T12:00:00Z */
#define TEST_NOON_MS INT64_C(1776686400000)

struct test_clock {
	struct hf_clock clock;
	int64_t wall_ms;
	int64_t mono_us;
};

static inline struct hf_mono test_mono(const struct hf_clock *clock)
{
	return (struct hf_mono){ .us = ((struct test_clock *)clock->context)->mono_us };
}

static inline struct hf_wall test_wall(const struct hf_clock *clock)
{
	return (struct hf_wall){ .ms = ((struct test_clock *)clock->context)->wall_ms };
}

static inline void test_clock_start(struct test_clock *clock)
{
	*clock = (struct test_clock){
		.clock = { .mono = test_mono, .wall = test_wall, .context = clock },
		.wall_ms = TEST_NOON_MS,
		.mono_us = 5000000,
	};
}

static inline const char *test_trust(void)
{
	return "synced";
}

static inline const char *test_no_trust(void)
{
	return "unsynced";
}

static inline struct hf_outbox_options test_options(struct test_clock *clock)
{
	return (struct hf_outbox_options){
		.device_id = TEST_DEVICE,
		.epoch = TEST_EPOCH,
		.context = { .boot_id = TEST_BOOT, .release = "r1" },
		.boot = 3,
		.run = 1,
		.clock = &clock->clock,
		.clock_trust = test_trust,
	};
}

/* The nth event of 'r' in this run; thumb NULL: none. */
static inline struct hf_offer test_offer_thumb(uint64_t n, const char *thumb)
{
	struct hf_err err = { 0 };
	struct hf_offer offer;
	struct hf_event_context context = { .boot_id = TEST_BOOT, .release = "r1" };
	struct hf_origin origin = { .boot = 3, .run = 1, .n = n, .producer = 'r' };
	struct hf_event event = {
		.event_class = "pre_action_zone_entry",
		.captured_wall = { .ms = TEST_NOON_MS },
		.captured_mono = { .us = 1000 },
		.layout_id = "4x4-std",
		.camera_name = "gate \"north\"",
		.zone_id = "z1",
		.has_dwell = true,
		.dwell_s = 1.05,
		.thumb_path = thumb,
		.model_tag = "person-v7@a1f2c9",
		.clock = "synced",
		.state = HF_STATE_HEALTHY,
		.attrs = "{\"score\":0.91,\"box\":[1,2,3,4]}",
	};

	CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
	return offer;
}

static inline struct hf_offer test_offer(uint64_t n)
{
	return test_offer_thumb(n, NULL);
}

static inline struct hf_outbox *test_open(struct hf_disk *disk,
					  const struct hf_outbox_options *options,
					  struct hf_outbox_report *ret_report)
{
	struct hf_err err = { 0 };
	struct hf_outbox *outbox = NULL;

	CHECK_OK(hf_outbox_open(disk, options, &outbox, ret_report, &err));
	return outbox;
}

/* Append one event; its number, or 0 when it was not taken. */
static inline uint64_t test_append(struct hf_outbox *outbox, uint64_t n)
{
	struct hf_err err = { 0 };
	struct hf_offer offer = test_offer(n);
	const struct hf_offer *offers[] = { &offer };
	struct hf_outbox_result result;

	(void)!hf_outbox_append(outbox, offers, 1, &result, &err);
	return result.code == HF_OK ? result.local_seq : 0;
}
