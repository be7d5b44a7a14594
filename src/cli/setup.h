/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * setup - what `holdfast setup` found out about a source, and what it makes of it.
 *
 * setup.c          the verb
 * setup_look.c     pictures from the source, through the unit's own ingest
 * setup_read.c     names on the pictures, through tesseract
 * setup_write.c    the configuration to begin with
 * setup_picture.c  the screen with its tiles, names and zones drawn in
 *
 * Numbers     The screen is put together from a fixed grid of 4 x 4 parts, each
 *             of which ingest hands out at most 480x288: 1920x1152 in all,
 *             whatever the layout is. Places are pixels of that screen.
 */
#include "base/err.h"
#include "ingest/layout.h"
#include "ingest/strip.h"
#include "shape/config.h"
#include "shape/tile.h"

#include <stdio.h>

struct hf_setup_options {
	const char *source;
	enum hf_source_type type;
	enum hf_layout layout; /* UNKNOWN: to be recognised */
	int64_t look_ms;       /* of the source's own time */
	const char *shown;     /* the source as it may be shown: without a password */
	/* NULL: nobody wants to know. in_parts: the second of two passes. */
	void (*on_progress)(bool in_parts, double seconds, double seconds_wanted);
};

struct hf_setup_camera {
	bool moves;                  /* the picture changed while we looked */
	bool has_text;               /* something is written there */
	struct hf_strip_place place; /* of the text */
	char name[HF_ID_BYTES];      /* as it was read; empty: it could not be */
};

/* Where the recorder writes, at one edge of the tiles. */
struct hf_setup_band {
	unsigned tiles; /* that have text there */
	double share;   /* the largest part of a tile's height that it takes */
};

struct hf_setup {
	uint64_t pictures;
	double seconds; /* that were looked at */
	uint32_t source_width, source_height;
	enum hf_layout layout;
	unsigned layouts_seen;  /* more than one: the recorder switched its view */
	uint32_t width, height; /* of bgr and strip */
	uint8_t *bgr;           /* the last picture */
	struct hf_strip *strip;
	bool can_read; /* tesseract is there */
	struct hf_setup_band top, bottom;
	struct hf_setup_camera cameras[HF_TILES_MAX];
};

void hf_setup_free(struct hf_setup *setup);

/* Pictures: fills everything but names. */
enum hf_code hf_setup_look(const struct hf_setup_options *options, struct hf_setup *setup,
			   struct hf_err *err) HF_MUST_CHECK;

/* Where text stands, and what it says. A name that cannot be read is no error. */
enum hf_code hf_setup_read(struct hf_setup *setup, struct hf_err *err) HF_MUST_CHECK;

/* The configuration as YAML. picture: NULL, or where the drawn screen went. */
void hf_setup_write(const struct hf_setup_options *options, const struct hf_setup *setup,
		    const char *picture, FILE *stream);

/* The screen as a PNG. An existing file is replaced. */
enum hf_code hf_setup_picture(const struct hf_setup *setup, const char *path,
			      struct hf_err *err) HF_MUST_CHECK;

/* "cam-01": the id of a tile's camera in the configuration. */
enum {
	HF_SETUP_ID_BYTES = 16
};
void hf_setup_camera_id(uint32_t tile, char ret_id[HF_SETUP_ID_BYTES]);
