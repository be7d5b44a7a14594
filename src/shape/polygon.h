/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * polygon - the outline of a zone: is it one, and what lies inside.
 *
 * Shape       Points in order along the edge, in either direction; the last is
 *             joined to the first. Simple: no edge crosses or touches another.
 *
 * Numbers     Fractions of the tile, 0..1, from the top left. In messages
 *             points are counted from 1, as in the file.
 *
 * Errors      HF_E_INVALID with a text that names the points and says what to
 *             do. The inside test needs no check before it: it answers false
 *             for anything that has no inside.
 */
#include "shape/config.h"

/* Is it a simple polygon within the tile, with an inside of at least a few pixels? */
enum hf_code hf_polygon_check(const struct hf_point *points, uint32_t count,
			      struct hf_err *err) HF_MUST_CHECK;

/* Even-odd rule. A point exactly on an edge belongs to one side of it only. */
bool hf_polygon_contains(const struct hf_point *points, uint32_t count, struct hf_point at);

/* From at to the nearest edge, after x and y were multiplied by the scales (the tile's size in
 * pixels makes it pixels). Infinite when there is no edge. */
double hf_polygon_edge_distance(const struct hf_point *points, uint32_t count, struct hf_point at,
				double scale_x, double scale_y);
