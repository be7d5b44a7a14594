/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * box - where somebody is in a tile.
 *
 * Numbers     Pixels of the tile, top left corner and size. The foot is the
 *             bottom centre: the point that stands on the ground, and the only
 *             one that a zone drawn on the ground can be asked about.
 */
#include <math.h>

struct hf_box {
	double x, y, width, height;
};

struct hf_foot {
	double x, y;
};

static inline struct hf_foot hf_box_foot(struct hf_box box)
{
	return (struct hf_foot){ .x = box.x + box.width / 2, .y = box.y + box.height };
}

static inline double hf_box_overlap(struct hf_box a, struct hf_box b)
{
	double width = fmin(a.x + a.width, b.x + b.width) - fmax(a.x, b.x);
	double height = fmin(a.y + a.height, b.y + b.height) - fmax(a.y, b.y);

	return width > 0 && height > 0 ? width * height : 0;
}

/* Intersection over union. */
static inline double hf_box_iou(struct hf_box a, struct hf_box b)
{
	double overlap = hf_box_overlap(a, b);

	return overlap / (a.width * a.height + b.width * b.height - overlap);
}

/* From foot to foot, in heights of the two boxes' mean. */
static inline double hf_box_apart(struct hf_box a, struct hf_box b)
{
	struct hf_foot from = hf_box_foot(a), to = hf_box_foot(b);

	return hypot(from.x - to.x, from.y - to.y) / ((a.height + b.height) / 2);
}
