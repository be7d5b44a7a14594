/* SPDX-License-Identifier: Apache-2.0 */
/* What is drawn where: pixels that differ from a black surface. */
#include "proc/paint/picture.h"

#include "test.h"

#include <string.h>

enum {
	WIDTH = 960,
	HEIGHT = 540,
};

static const struct picture_area tile = { 0, 0, 480, 270 };
static cairo_surface_t *surface;
static cairo_t *cairo;

static int setup(void **state)
{
	(void)state;
	surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
	cairo = cairo_create(surface);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	CHECK_U64(cairo_status(cairo), ==, CAIRO_STATUS_SUCCESS);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
	return 0;
}

static uint32_t pixel(int x, int y)
{
	uint32_t value;

	cairo_surface_flush(surface);
	memcpy(&value,
	       cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface) +
		       4 * x,
	       sizeof value);
	return value & 0xffffff;
}

static unsigned drawn_outside(struct picture_area area)
{
	unsigned count = 0;

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			count += (x >= area.x + area.width || y >= area.y + area.height ||
				  x < area.x || y < area.y) &&
				 pixel(x, y) != 0;
	return count;
}

static struct hf_config_zone zone_of(double left, double top, double right, double bottom)
{
	return (struct hf_config_zone){
		.id = "door",
		.point_count = 4,
		.points = { { left, top }, { right, top }, { right, bottom }, { left, bottom } },
	};
}

TEST(a_zone_is_filled_inside_and_nowhere_else)
{
	struct hf_config_zone zone = zone_of(0.25, 0.25, 0.75, 0.75);

	picture_zone(cairo, tile, &zone, 0, 0);
	CHECK_U64(pixel(240, 170), !=, 0);
	CHECK_U64(pixel(60, 135), ==, 0);
	CHECK_U64(drawn_outside((struct picture_area){ 110, 60, 260, 150 }), ==, 0);
}

TEST(a_zone_in_which_something_happened_is_redder_than_one_with_somebody_in_it)
{
	struct hf_config_zone zone = zone_of(0.25, 0.25, 0.75, 0.75);

	picture_zone(cairo, tile, &zone, 1, 0);
	uint32_t busy = pixel(240, 170);
	cairo_set_source_rgb(cairo, 0, 0, 0);
	cairo_paint(cairo);
	picture_zone(cairo, tile, &zone, 1, 1);
	uint32_t alarm = pixel(240, 170);
	CHECK_U64(alarm >> 16, >, busy >> 16);
	CHECK_U64((alarm >> 16) - (alarm >> 8 & 0xff), >, (busy >> 16) - (busy >> 8 & 0xff));
}

TEST(nobody_is_drawn_beyond_his_tile)
{
	const struct picture_person person = { .box = { 470, 260, 40, 90 },
					       .track = 123456789,
					       .score = 0.9,
					       .fresh = true,
					       .dwell_s = 12345 };

	picture_person(cairo, tile, &person);
	picture_tile(cairo, tile,
		     "A camera whose name is longer than its tile is wide, by far, and "
		     "then some more of it",
		     true, 1);
	picture_banner(cairo, tile, 0, "an_event_with_quite_a_long_name_that_never_ends_it_seems",
		       "zone", 1);
	picture_veil(cairo, tile, "why");
	CHECK_U64(drawn_outside(tile), ==, 0);
}

TEST(a_person_found_on_this_frame_has_a_whole_outline)
{
	struct picture_person person = { .box = { 100, 100, 40, 90 }, .track = 1, .dwell_s = -1 };
	unsigned counts[2] = { 0 };

	for (int fresh = 0; fresh < 2; fresh++) {
		cairo_set_source_rgb(cairo, 0, 0, 0);
		cairo_paint(cairo);
		person.fresh = fresh;
		picture_person(cairo, tile, &person);
		for (int y = 110; y < 180; y++)
			counts[fresh] += pixel(100, y) >> 16 > 130;
	}
	CHECK_U64(counts[1], ==, 70);
	CHECK_U64(counts[0], <, 60);
	CHECK_U64(counts[0], >, 20);
}

TEST(a_zone_without_points_draws_nothing)
{
	struct hf_config_zone zone = { .id = "none" };

	picture_zone(cairo, tile, &zone, 1, 1);
	CHECK_U64(drawn_outside((struct picture_area){ 0 }), ==, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_zone_is_filled_inside_and_nowhere_else, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_zone_in_which_something_happened_is_redder_than_one_with_somebody_in_it,
			setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_is_drawn_beyond_his_tile, setup, teardown),
		cmocka_unit_test_setup_teardown(a_person_found_on_this_frame_has_a_whole_outline,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_zone_without_points_draws_nothing, setup,
						teardown),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	picture_end();
	return failed;
}
