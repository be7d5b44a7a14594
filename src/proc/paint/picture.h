/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * picture - what is drawn on a frame, piece by piece.
 *
 * Shape       Cairo, on a surface of the screen's size. A piece of a tile is
 *             drawn within that tile only.
 *
 * Numbers     Pixels of the screen. Letters and lines grow with the tile: they
 *             are to be read on a tile of 480x270 in a screen of 1920x1080.
 *             glow: 1 when something has just happened, falling to 0.
 */
#include "shape/config.h"

#include <cairo/cairo.h>
#include <stdbool.h>
#include <stdint.h>

struct picture_area {
	double x, y, width, height;
};

struct picture_person {
	struct picture_area box;
	uint64_t track;
	double score;
	bool fresh;     /* found on this very frame */
	double dwell_s; /* in a zone for so long; < 0: in none */
};

void picture_tile(cairo_t *cairo, struct picture_area tile, const char *name, bool moving,
		  double glow);
/* people: how many are in it. */
void picture_zone(cairo_t *cairo, struct picture_area tile, const struct hf_config_zone *zone,
		  unsigned people, double glow);
void picture_person(cairo_t *cairo, struct picture_area tile, const struct picture_person *person);
/* A tile, or the screen, of which nothing is known now, and why. */
void picture_veil(cairo_t *cairo, struct picture_area area, const char *why);
/* What has happened, across the foot; row 0 is the lowest. */
void picture_banner(cairo_t *cairo, struct picture_area area, unsigned row, const char *what,
		    const char *where, double glow);
/* After the last cairo_t: what the libraries keep of fonts. */
void picture_end(void);

/* At the foot of the screen, right. */
void picture_status(cairo_t *cairo, struct picture_area screen, const char *text);
