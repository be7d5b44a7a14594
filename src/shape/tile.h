/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tile - one camera's part of one picture, on its way from ingest to infer to respond.
 *
 * Shape       Plain structs of fixed size, sent as they are between processes
 *             of one build on one machine. Pixels never travel in messages:
 *             they lie in a slot of the pixel ring (wire/ring.h) as BGR24,
 *             rows packed (stride = 3 * width), top row first.
 *
 * Numbers     Boxes are in pixels of the tile as it lies in the slot. Tiles
 *             larger than HF_TILE_WIDTH_MAX x HF_TILE_HEIGHT_MAX on the screen
 *             were scaled down with their aspect kept.
 */
#include "base/clock.h"
#include "base/err.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hf_layout {
	HF_LAYOUT_UNKNOWN = 0,
	HF_LAYOUT_1X1 = 1,
	HF_LAYOUT_2X2 = 2,
	HF_LAYOUT_3X3 = 3,
	HF_LAYOUT_4X4 = 4,
};

/* "unknown", "1x1-std", ... as stored in events. */
const char *hf_layout_id(enum hf_layout layout);
/* Tiles along one side; 0 for unknown. */
unsigned hf_layout_side(enum hf_layout layout);

enum hf_look {
	HF_LOOK_MOTION = 1, /* something moved */
	HF_LOOK_FULL,       /* the regular full look at a still tile */
	HF_LOOK_ALWAYS,     /* asked for every frame (detect) */
	HF_LOOK_OCCUPIED,   /* still, but somebody was seen in it last */
};

/* One tile to be looked at. */
struct hf_job {
	uint64_t job_id;  /* rises by one with each job of this ingest process */
	uint64_t ring_id; /* which pixel ring */
	uint64_t slot_generation;
	uint32_t slot;
	uint32_t source;        /* index into config.sources */
	uint32_t camera;        /* index into config.cameras */
	uint32_t tile;          /* 0-based, row by row */
	uint32_t layout;        /* enum hf_layout */
	uint32_t look;          /* enum hf_look */
	uint32_t width, height; /* of the tile in the slot */
	/* Of the tile on the source's screen, before it was scaled into the slot; never smaller
	 * than 1, any size. A box in pixels of the screen's tile is x * source_width / width. */
	uint32_t source_width, source_height;
	uint64_t frame; /* number of the frame in its source, from 0 */
	struct hf_mono captured_mono;
	struct hf_wall captured_wall;
};

struct hf_detection {
	float x, y, width, height; /* pixels of the tile in the slot; top left corner and size */
	float score;               /* 0..1 */
	uint32_t class_index;      /* into hf_result.classes; 0 = person */
};

/* What infer found in a tile. detections are sorted by score, best first. */
struct hf_result {
	struct hf_job job;
	uint64_t inference_us;
	char model_tag[HF_TAG_BYTES];
	float score_threshold; /* a detection at or above it may start a track, says the model; 0: not told */
	uint32_t class_count; /* 0: not told; then every detection is of class 0 */
	char classes[HF_CLASSES_MAX][HF_CLASS_BYTES];
	uint32_t detection_count;
	uint32_t failed; /* 1: the tile could not be looked at (slot overwritten, runtime error) */
	struct hf_detection detections[HF_DETECTIONS_MAX];
};

/* One decoded frame of a source, told to respond whether or not any tile was looked at. */
struct hf_tick {
	uint32_t source;
	uint32_t layout;      /* enum hf_layout in force; UNKNOWN while it is being recognised */
	uint32_t moving_mask; /* bit n: tile n moves */
	uint32_t paused;      /* 1: the layout is changing, tracks wait */
	uint32_t blind_mask;  /* bit n: what tile n shows is no live picture (no signal, black,
			       * frozen or suspected of it): that time is blind, and nothing fires */
	uint64_t frame;
	uint64_t jobs_dropped; /* so far: replaced by a newer tile before a worker was free */
	uint64_t jobs_lost;    /* so far: in the hands of a worker that died */
	struct hf_mono captured_mono;
	struct hf_wall captured_wall;
};

/* "person", ...; class_index of a detection of a checked result. */
static inline const char *hf_result_class(const struct hf_result *result, uint32_t class_index)
{
	return result->class_count == 0 ? HF_CLASS_PERSON : result->classes[class_index];
}

/* Bytes of a result that is sent without its unused detections. */
static inline size_t hf_result_bytes(uint32_t detection_count)
{
	return offsetof(struct hf_result, detections) +
	       detection_count * sizeof(struct hf_detection);
}

/* What a receiver makes of those bytes; checked. HF_E_INVALID: not a result. */
enum hf_code hf_result_unpack(const void *data, size_t size_bytes, struct hf_result *ret_result,
			      struct hf_err *err) HF_MUST_CHECK;

/* HF_E_INVALID: numbers out of range. What a receiver calls before it uses one. */
enum hf_code hf_job_check(const struct hf_job *job, struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_result_check(const struct hf_result *result, struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_tick_check(const struct hf_tick *tick, struct hf_err *err) HF_MUST_CHECK;
