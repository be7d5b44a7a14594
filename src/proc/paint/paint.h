/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * paint - draws onto a clip what a unit made of it: libexec/holdfast/paint, a child of
 * `holdfast analyze`.
 *
 * Shape       On standard input: struct paint_head, then records in the order in
 *             which respond was told: a TICK, the RESULTs of its frame, an EVENT
 *             after what it came of; last an END. A record is a struct
 *             paint_record and its body: struct hf_tick, struct hf_result
 *             without its unused detections, an event's line, nothing.
 *
 *             Out comes an MP4 (H.264, or MPEG-4 where there is no encoder for
 *             that), a frame a tick, at the time of its frame.
 *
 * Owners      The file at `out` is there, empty, when the painter starts, and is
 *             the painter's until it ends. Unless it ended with 0 it is of no
 *             use, and the parent removes it: the sandbox lets nobody in there
 *             remove anything.
 *
 * Errors      Exit code 1, and the reason as the last line of standard error.
 */
#include "shape/config.h"
#include "shape/tile.h"

enum {
	PAINT_MAGIC = 0x68665031, /* "hfP1" */
	PAINT_BODY_BYTES_MAX = 16 * 1024,
};

struct paint_head {
	uint32_t magic;
	uint32_t size_bytes;
	uint32_t source; /* index into config.sources: a file */
	char out[HF_PATH_BYTES];
	struct hf_config config;
};

enum paint_kind {
	PAINT_TICK = 1,
	PAINT_RESULT,
	PAINT_EVENT,
	PAINT_END,
};

struct paint_record {
	uint32_t kind; /* enum paint_kind */
	uint32_t size_bytes;
};
