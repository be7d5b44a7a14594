/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/polygon.h"

#include <math.h>

/* Of the tile: 13 pixels of 480x270. Less cannot hold the foot of a person. */
static const double area_min = 1e-4;

/* Twice the signed area of a, b, c: 0 when they lie on one line. */
static double turn(struct hf_point a, struct hf_point b, struct hf_point c)
{
	return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/* c lies on the line through a and b: is it between them? */
static bool between(struct hf_point a, struct hf_point b, struct hf_point c)
{
	return fmin(a.x, b.x) <= c.x && c.x <= fmax(a.x, b.x) && fmin(a.y, b.y) <= c.y &&
	       c.y <= fmax(a.y, b.y);
}

static bool edges_meet(struct hf_point a, struct hf_point b, struct hf_point c, struct hf_point d)
{
	double abc = turn(a, b, c), abd = turn(a, b, d);
	double cda = turn(c, d, a), cdb = turn(c, d, b);

	if (abc * abd < 0 && cda * cdb < 0)
		return true;
	return (abc == 0 && between(a, b, c)) || (abd == 0 && between(a, b, d)) ||
	       (cda == 0 && between(c, d, a)) || (cdb == 0 && between(c, d, b));
}

static enum hf_code check_points(const struct hf_point *points, uint32_t count, struct hf_err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		struct hf_point p = points[i];

		if (!(p.x >= 0 && p.x <= 1 && p.y >= 0 && p.y <= 1))
			return hf_fail(err, HF_E_INVALID,
				       "point %u (%g, %g) lies outside the picture: give fractions "
				       "of the camera's tile, 0 to 1, not pixels",
				       i + 1, p.x, p.y);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t next = (i + 1) % count;

		if (points[i].x == points[next].x && points[i].y == points[next].y)
			return hf_fail(err, HF_E_INVALID,
				       "points %u and %u are the same (%g, %g): remove one (the "
				       "outline closes by itself)",
				       i + 1, next + 1, points[i].x, points[i].y);
	}
	return HF_OK;
}

static enum hf_code check_edges(const struct hf_point *points, uint32_t count, struct hf_err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		struct hf_point a = points[i], b = points[(i + 1) % count];
		struct hf_point after = points[(i + 2) % count];

		/* Edges that follow one another share a point; they must not fold back. */
		if (turn(a, b, after) == 0 &&
		    (a.x - b.x) * (after.x - b.x) + (a.y - b.y) * (after.y - b.y) > 0)
			return hf_fail(err, HF_E_INVALID,
				       "the outline turns back on itself at point %u: remove that "
				       "point or move it",
				       (i + 1) % count + 1);
		for (uint32_t j = i + 2; j < count; j++) {
			uint32_t j_next = (j + 1) % count;

			if (j_next == i || !edges_meet(a, b, points[j], points[j_next]))
				continue;
			return hf_fail(err, HF_E_INVALID,
				       "edge %u-%u and edge %u-%u cross or touch: give the points "
				       "in order, once around the zone",
				       i + 1, i + 2, j + 1, j_next + 1);
		}
	}
	return HF_OK;
}

static double area(const struct hf_point *points, uint32_t count)
{
	double twice = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct hf_point a = points[i], b = points[(i + 1) % count];

		twice += a.x * b.y - b.x * a.y;
	}
	return fabs(twice) / 2;
}

static bool on_one_line(const struct hf_point *points, uint32_t count)
{
	for (uint32_t i = 2; i < count; i++)
		if (turn(points[0], points[1], points[i]) != 0)
			return false;
	return true;
}

enum hf_code hf_polygon_check(const struct hf_point *points, uint32_t count, struct hf_err *err)
{
	if (count < 3)
		return hf_fail(err, HF_E_INVALID,
			       "%u point%s: an outline needs at least 3 to have an inside", count,
			       count == 1 ? "" : "s");
	if (count > HF_ZONE_POINTS_MAX)
		return hf_fail(err, HF_E_INVALID,
			       "%u points, at most %d are allowed: leave out those that change the "
			       "outline least",
			       count, HF_ZONE_POINTS_MAX);
	enum hf_code code = check_points(points, count, err);
	if (code != HF_OK)
		return code;
	if (on_one_line(points, count))
		return hf_fail(
			err, HF_E_INVALID,
			"all points lie on one line: nobody can be inside; move one of them");
	code = check_edges(points, count, err);
	if (code != HF_OK)
		return code;
	if (area(points, count) < area_min)
		return hf_fail(err, HF_E_INVALID,
			       "the zone covers %.4f %% of the picture, less than a person's foot: "
			       "draw it larger",
			       100 * area(points, count));
	return HF_OK;
}

bool hf_polygon_contains(const struct hf_point *points, uint32_t count, struct hf_point at)
{
	bool inside = false;

	for (uint32_t i = 0; i < count; i++) {
		struct hf_point a = points[i], b = points[(i + 1) % count];

		/* The half-open rule counts a corner on the ray once, and skips level edges. */
		if ((a.y > at.y) == (b.y > at.y))
			continue;
		if (at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x))
			inside = !inside;
	}
	return inside;
}

double hf_polygon_edge_distance(const struct hf_point *points, uint32_t count, struct hf_point at,
				double scale_x, double scale_y)
{
	double nearest = INFINITY;

	for (uint32_t i = 0; i < count; i++) {
		struct hf_point a = points[i], b = points[(i + 1) % count];
		double dx = (b.x - a.x) * scale_x, dy = (b.y - a.y) * scale_y;
		double px = (at.x - a.x) * scale_x, py = (at.y - a.y) * scale_y;
		double length2 = dx * dx + dy * dy;
		double along = length2 > 0 ? (px * dx + py * dy) / length2 : 0;

		along = fmin(1, fmax(0, along));
		nearest = fmin(nearest, hypot(px - along * dx, py - along * dy));
	}
	return nearest;
}
