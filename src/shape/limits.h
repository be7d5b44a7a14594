/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* limits - the declared maxima that more than one room relies on. */
enum {
	HF_SOURCES_MAX = 4,
	HF_TILES_MAX = 16,   /* tiles of one source's picture */
	HF_CAMERAS_MAX = 64, /* of a unit */
	HF_ZONES_MAX = 128,
	HF_ZONE_POINTS_MAX = 16,
	HF_INFER_WORKERS_MAX = 8,
	HF_ID_BYTES = 64,        /* identifiers and names, with the NUL */
	HF_PATH_BYTES = 512,     /* paths and URLs, with the NUL */
	HF_TAG_BYTES = 64,       /* model tag, release id */
	HF_DETECTIONS_MAX = 64,  /* of one tile */
	HF_CLASSES_MAX = 80,     /* kinds of things that a model pack tells apart */
	HF_CLASS_BYTES = 32,     /* the name of one, with the NUL */
	HF_ZONE_CLASSES_MAX = 8, /* with a threshold of their own in one zone */
	HF_SCHEDULE_BYTES = 256, /* hours at which a rule is armed, as text, with the NUL */
	HF_TILE_WIDTH_MAX = 640,
	HF_TILE_HEIGHT_MAX = 384,
	HF_LINE_BYTES_MAX = 8192, /* one outbox line, its newline included */
};

/* Class 0 of every model pack. */
#define HF_CLASS_PERSON "person"
