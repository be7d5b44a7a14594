/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/colours.h"

#include "test.h"

#include <string.h>

enum {
	WIDTH = 60,
	HEIGHT = 80,
};

static uint8_t pixels[WIDTH * HEIGHT * 3];

/* Somebody in two colours before a grey wall. */
static struct hf_colours dressed(uint32_t x, uint32_t upper, uint32_t lower)
{
	struct hf_box box = { .x = x, .y = 10, .width = 20, .height = 60 };

	memset(pixels, 120, sizeof pixels);
	for (uint32_t row = 10; row < 70; row++)
		for (uint32_t column = x + 3; column < x + 17; column++) {
			uint32_t colour = row < 40 ? upper : lower;
			uint8_t *p = pixels + (row * WIDTH + column) * 3;

			p[0] = (uint8_t)colour;
			p[1] = (uint8_t)(colour >> 8);
			p[2] = (uint8_t)(colour >> 16);
		}
	return hf_colours_take(pixels, WIDTH, HEIGHT, box);
}

TEST(the_same_clothes_are_alike_elsewhere_and_others_are_not)
{
	struct hf_colours red = dressed(5, 0xe02020, 0x202060);
	struct hf_colours red_again = dressed(30, 0xe82828, 0x282868);
	struct hf_colours green = dressed(5, 0x20e020, 0xd0d0d0);

	CHECK_REAL(hf_colours_correlation(&red, &red_again), >, HF_COLOURS_ALIKE + 0.1);
	CHECK_REAL(hf_colours_correlation(&red, &green), <, 0.5);
}

TEST(two_in_dark_coats_are_not_alike_when_one_wears_light_trousers)
{
	struct hf_colours dark = dressed(5, 0x282830, 0x202028);
	struct hf_colours light = dressed(5, 0x282830, 0xa0a098);
	struct hf_colours swapped = dressed(5, 0xa0a098, 0x282830);

	CHECK_REAL(hf_colours_correlation(&dark, &light), <, HF_COLOURS_ALIKE - 0.1);
	CHECK_REAL(hf_colours_correlation(&light, &swapped), <, HF_COLOURS_ALIKE - 0.1);
}

TEST(the_pavement_makes_nobody_alike)
{
	struct hf_box thin = { .x = 20, .y = 10, .width = 20, .height = 60 };
	struct hf_colours seen[2];

	/* Two people who fill a third of their boxes. */
	for (int i = 0; i < 2; i++) {
		memset(pixels, 120, sizeof pixels);
		for (uint32_t row = 12; row < 68; row++)
			for (uint32_t column = 27; column < 34; column++)
				memset(pixels + (row * WIDTH + column) * 3, i == 0 ? 10 : 240, 3);
		seen[i] = hf_colours_take(pixels, WIDTH, HEIGHT, thin);
	}
	CHECK_REAL(hf_colours_correlation(&seen[0], &seen[1]), <, 0.5);
}

TEST(one_odd_look_among_several_does_not_make_somebody_else)
{
	struct hf_colours red = dressed(5, 0xe02020, 0x202060);
	struct hf_colours odd = dressed(5, 0x20e020, 0xd0d0d0), worn = { 0 };

	for (unsigned i = 1; i <= 6; i++)
		hf_colours_blend(&worn, i == 5 ? &odd : &red, i);
	CHECK_REAL(hf_colours_correlation(&worn, &red), >, 0.9);
	for (unsigned i = 7; i <= 40; i++)
		hf_colours_blend(&worn, &odd, i);
	CHECK_REAL(hf_colours_correlation(&worn, &odd), >, 0.9);
	struct hf_colours unknown = { 0 };
	hf_colours_blend(&worn, &unknown, 41);
	CHECK(worn.known);
}

TEST(a_box_beyond_the_picture_is_cut_not_read)
{
	struct hf_box over = { .x = 50, .y = 60, .width = 200, .height = 300 };
	struct hf_box beyond = { .x = -500, .y = -500, .width = 20, .height = 20 };

	CHECK(hf_colours_take(pixels, WIDTH, HEIGHT, over).known == false);
	over.width = 20;
	over.height = 30;
	CHECK(hf_colours_take(pixels, WIDTH, HEIGHT, over).known);
	CHECK(!hf_colours_take(pixels, WIDTH, HEIGHT, beyond).known);
}

TEST(without_pixels_nothing_is_known_and_nobody_is_alike)
{
	struct hf_box box = { .x = 5, .y = 10, .width = 20, .height = 60 };
	struct hf_colours unknown = hf_colours_take(NULL, WIDTH, HEIGHT, box);
	struct hf_colours red = dressed(5, 0xe02020, 0x202060);

	CHECK(!unknown.known);
	CHECK_REAL(hf_colours_correlation(&unknown, &red), ==, 0);
	CHECK_REAL(hf_colours_correlation(&red, &unknown), ==, 0);
}

TESTS(RUN(the_same_clothes_are_alike_elsewhere_and_others_are_not),
      RUN(two_in_dark_coats_are_not_alike_when_one_wears_light_trousers),
      RUN(the_pavement_makes_nobody_alike),
      RUN(one_odd_look_among_several_does_not_make_somebody_else),
      RUN(a_box_beyond_the_picture_is_cut_not_read),
      RUN(without_pixels_nothing_is_known_and_nobody_is_alike))
