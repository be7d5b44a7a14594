/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/zone.h"

#include "test.h"

/* The lower right quarter of the tile. */
static const struct hf_config_zone quarter = {
	.point_count = 4, .points = { { 0.5, 0.5 }, { 1, 0.5 }, { 1, 1 }, { 0.5, 1 } }
};

static bool holds(double foot_x, double foot_y, bool was_inside)
{
	struct hf_box box = { .x = foot_x - 10, .y = foot_y - 40, .width = 20, .height = 40 };

	return hf_zone_holds(&quarter, box, 480, 270, was_inside);
}

TEST(the_foot_decides_not_the_head)
{
	CHECK(holds(300, 140, false));
	CHECK(!holds(300, 130, false));
	CHECK(!holds(200, 200, false));
}

TEST(who_was_inside_leaves_only_beyond_the_trembling)
{
	CHECK(!holds(237, 200, false));
	CHECK(holds(237, 200, true));
	CHECK(!holds(235, 200, true));
}

TEST(somebody_cut_off_by_the_edge_of_the_picture_stands_in_it)
{
	CHECK(holds(300, 290, false));
	CHECK(holds(300, 270, false));
	CHECK(holds(500, 200, false));
	CHECK(!holds(-20, 200, false));
}

TEST(a_zone_without_an_inside_holds_nobody)
{
	const struct hf_config_zone none = { .point_count = 0 };
	const struct hf_config_zone line = { .point_count = 2, .points = { { 0, 0 }, { 1, 1 } } };
	struct hf_box box = { .x = 230, .y = 20, .width = 20, .height = 40 };

	CHECK(!hf_zone_holds(&none, box, 480, 270, true));
	CHECK(!hf_zone_holds(&line, box, 480, 270, false));
}

TESTS(RUN(the_foot_decides_not_the_head), RUN(who_was_inside_leaves_only_beyond_the_trembling),
      RUN(somebody_cut_off_by_the_edge_of_the_picture_stands_in_it),
      RUN(a_zone_without_an_inside_holds_nobody))
