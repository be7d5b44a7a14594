/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/polygon.h"

#include "test.h"

#include <math.h>
#include <string.h>

#define COUNT(points) (uint32_t)(sizeof(points) / sizeof((points)[0]))

static const struct hf_point door[] = { { 0.2, 0.2 }, { 0.8, 0.2 }, { 0.8, 0.9 }, { 0.2, 0.9 } };
/* An L: the corner between 4 and 6 is outside. */
static const struct hf_point corner[] = {
	{ 0.1, 0.1 }, { 0.5, 0.1 }, { 0.5, 0.5 }, { 0.9, 0.5 }, { 0.9, 0.9 }, { 0.1, 0.9 },
};

static void refuses(const struct hf_point *points, uint32_t count, const char *because)
{
	struct hf_err err = { 0 };

	CHECK_CODE(hf_polygon_check(points, count, &err), HF_E_INVALID);
	if (strstr(err.text, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

TEST(convex_and_concave_outlines_are_taken_in_both_directions)
{
	struct hf_err err = { 0 };
	struct hf_point backwards[COUNT(corner)];

	CHECK_OK(hf_polygon_check(door, COUNT(door), &err));
	CHECK_OK(hf_polygon_check(corner, COUNT(corner), &err));
	for (uint32_t i = 0; i < COUNT(corner); i++)
		backwards[i] = corner[COUNT(corner) - 1 - i];
	CHECK_OK(hf_polygon_check(backwards, COUNT(corner), &err));
}

TEST(a_point_in_the_middle_of_a_straight_edge_is_no_fault)
{
	const struct hf_point points[] = {
		{ 0.0, 0.0 }, { 0.5, 0.0 }, { 1.0, 0.0 }, { 1.0, 1.0 }, { 0.0, 1.0 }
	};
	struct hf_err err = { 0 };

	CHECK_OK(hf_polygon_check(points, COUNT(points), &err));
}

TEST(too_few_and_too_many_points_are_refused)
{
	struct hf_point many[HF_ZONE_POINTS_MAX + 1];

	for (uint32_t i = 0; i < COUNT(many); i++)
		many[i] = (struct hf_point){ 0.5 + 0.4 * cos(i * 0.36), 0.5 + 0.4 * sin(i * 0.36) };
	refuses(door, 0, "0 points");
	refuses(door, 2, "2 points");
	refuses(many, COUNT(many), "at most 16");
}

TEST(a_point_outside_is_named)
{
	const struct hf_point pixels[] = { { 0, 0 }, { 1, 0 }, { 480, 270 } };
	const struct hf_point nothing[] = { { 0, 0 }, { 1, (double)NAN }, { 1, 1 } };

	refuses(pixels, COUNT(pixels), "point 3 (480, 270)");
	refuses(nothing, COUNT(nothing), "point 2");
}

TEST(an_outline_closed_by_hand_is_explained)
{
	const struct hf_point closed[] = { { 0.2, 0.2 }, { 0.8, 0.2 }, { 0.8, 0.9 }, { 0.2, 0.2 } };

	refuses(closed, COUNT(closed), "points 4 and 1 are the same");
}

TEST(crossing_edges_are_named)
{
	const struct hf_point bow[] = { { 0.1, 0.1 }, { 0.9, 0.9 }, { 0.9, 0.1 }, { 0.1, 0.9 } };
	const struct hf_point touching[] = {
		{ 0.1, 0.1 }, { 0.9, 0.1 }, { 0.9, 0.9 }, { 0.5, 0.1 }, { 0.1, 0.9 }
	};

	refuses(bow, COUNT(bow), "edge 1-2 and edge 3-4 cross");
	refuses(touching, COUNT(touching), "edge 1-2 and edge 3-4 cross or touch");
}

TEST(a_spike_is_named_by_its_point)
{
	const struct hf_point spike[] = { { 0.1, 0.1 }, { 0.9, 0.1 }, { 0.5, 0.1 }, { 0.5, 0.9 } };

	refuses(spike, COUNT(spike), "at point 2");
}

TEST(an_outline_without_an_inside_is_refused)
{
	const struct hf_point line[] = { { 0.25, 0.25 }, { 0.5, 0.5 }, { 0.75, 0.75 } };
	const struct hf_point sliver[] = { { 0.1, 0.5 }, { 0.9, 0.5 }, { 0.5, 0.50001 } };

	refuses(line, COUNT(line), "one line");
	refuses(sliver, COUNT(sliver), "draw it larger");
}

TEST(inside_is_inside_of_a_concave_outline_too)
{
	CHECK(hf_polygon_contains(corner, COUNT(corner), (struct hf_point){ 0.2, 0.2 }));
	CHECK(hf_polygon_contains(corner, COUNT(corner), (struct hf_point){ 0.8, 0.8 }));
	CHECK(!hf_polygon_contains(corner, COUNT(corner), (struct hf_point){ 0.7, 0.3 }));
	CHECK(!hf_polygon_contains(corner, COUNT(corner), (struct hf_point){ 0.95, 0.7 }));
	/* Level with two corners. */
	CHECK(!hf_polygon_contains(corner, COUNT(corner), (struct hf_point){ 0.05, 0.5 }));
	CHECK(hf_polygon_contains(corner, COUNT(corner), (struct hf_point){ 0.3, 0.5 }));
}

TEST(what_is_no_outline_has_no_inside)
{
	const struct hf_point nan_points[] = { { (double)NAN, 0 }, { 1, (double)NAN }, { 0, 1 } };
	const struct hf_point at = { 0.5, 0.5 };

	CHECK(!hf_polygon_contains(NULL, 0, at));
	CHECK(!hf_polygon_contains(door, 1, at));
	CHECK(!hf_polygon_contains(nan_points, COUNT(nan_points), at));
	CHECK(!hf_polygon_contains(door, COUNT(door), (struct hf_point){ (double)NAN, 0.5 }));
	CHECK(isinf(hf_polygon_edge_distance(NULL, 0, at, 480, 270)));
}

TEST(the_distance_to_an_edge_is_in_the_scale_asked_for)
{
	const struct hf_point at = { 0.5, 0.25 };
	double pixels = hf_polygon_edge_distance(door, COUNT(door), at, 480, 270);

	CHECK_REAL(fabs(pixels - 13.5), <, 1e-9);
	/* Beyond a corner it is the distance to the corner. */
	double corner_away =
		hf_polygon_edge_distance(door, COUNT(door), (struct hf_point){ 0, 0 }, 100, 100);
	CHECK_REAL(fabs(corner_away - hypot(20, 20)), <, 1e-9);
}

TESTS(RUN(convex_and_concave_outlines_are_taken_in_both_directions),
      RUN(a_point_in_the_middle_of_a_straight_edge_is_no_fault),
      RUN(too_few_and_too_many_points_are_refused), RUN(a_point_outside_is_named),
      RUN(an_outline_closed_by_hand_is_explained), RUN(crossing_edges_are_named),
      RUN(a_spike_is_named_by_its_point), RUN(an_outline_without_an_inside_is_refused),
      RUN(inside_is_inside_of_a_concave_outline_too), RUN(what_is_no_outline_has_no_inside),
      RUN(the_distance_to_an_edge_is_in_the_scale_asked_for))
