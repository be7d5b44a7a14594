/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/strip.h"

#include "base/auto.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
	WIDTH = 160,
	HEIGHT = 120,
	PICTURES = 20,
	NAME_X = 8,
	NAME_Y = 4,
	NAME_HEIGHT = 8,
	LETTERS = 6,
	LETTER_WIDTH = 6, /* two strokes of two pixels, outlined */
	WHITE = 235,
	OUTLINE = 10,
};

static const struct hf_rect screen = { .x = 0, .y = 0, .width = WIDTH, .height = HEIGHT };

struct picture {
	uint8_t grey[WIDTH * HEIGHT];
};

static void fill(struct picture *picture, struct hf_rect rect, uint8_t value)
{
	for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
		memset(&picture->grey[y * WIDTH + rect.x], value, rect.width);
}

/* A scene that flickers between dark and light everywhere. */
static void draw_scene(struct picture *picture, uint64_t n)
{
	for (size_t i = 0; i < sizeof picture->grey; i++)
		picture->grey[i] = (uint8_t)(60 + (i * 7 + n * 53) % 120);
}

static void draw_letter(struct picture *picture, uint32_t x, uint32_t y)
{
	fill(picture, (struct hf_rect){ x - 1, y - 1, LETTER_WIDTH + 1, NAME_HEIGHT + 2 }, OUTLINE);
	fill(picture, (struct hf_rect){ x, y, 2, NAME_HEIGHT }, WHITE);
	fill(picture, (struct hf_rect){ x + 3, y, 2, NAME_HEIGHT }, WHITE);
}

static void draw_name(struct picture *picture, uint32_t x, uint32_t y)
{
	for (uint32_t i = 0; i < LETTERS; i++)
		draw_letter(picture, x + i * LETTER_WIDTH, y);
}

static struct hf_strip *strip_new(void)
{
	struct hf_strip *strip = NULL;
	struct hf_err err = { 0 };

	CHECK_OK(hf_strip_open(WIDTH, HEIGHT, &strip, &err));
	return strip;
}

TEST(a_name_over_a_moving_scene_is_found_where_it_stands)
{
	struct hf_strip *strip = strip_new();
	struct picture picture;
	struct hf_strip_place place;

	for (uint64_t n = 0; n < PICTURES; n++) {
		draw_scene(&picture, n);
		draw_name(&picture, NAME_X, NAME_Y);
		hf_strip_add(strip, screen, picture.grey);
	}
	CHECK(hf_strip_find(strip, screen, HF_STRIP_TOP, &place));
	CHECK_U64(place.rect.x, ==, NAME_X);
	CHECK_U64(place.rect.y, ==, NAME_Y);
	CHECK_U64(place.rect.height, ==, NAME_HEIGHT);
	CHECK_U64(place.rect.width, ==, LETTERS * LETTER_WIDTH - 1);
	CHECK(!hf_strip_find(strip, screen, HF_STRIP_BOTTOM, &place));
	hf_strip_close(strip);
}

TEST(a_scene_without_a_name_has_none)
{
	struct hf_strip *strip = strip_new();
	struct picture picture;
	struct hf_strip_place place;

	for (uint64_t n = 0; n < PICTURES; n++) {
		draw_scene(&picture, n);
		hf_strip_add(strip, screen, picture.grey);
	}
	CHECK(!hf_strip_find(strip, screen, HF_STRIP_TOP, &place));
	CHECK(!hf_strip_find(strip, screen, HF_STRIP_BOTTOM, &place));
	hf_strip_close(strip);
}

TEST(a_bright_lamp_is_not_a_name)
{
	struct hf_strip *strip = strip_new();
	struct picture picture;
	struct hf_strip_place place;

	for (uint64_t n = 0; n < PICTURES; n++) {
		draw_scene(&picture, n);
		fill(&picture, (struct hf_rect){ 60, 4, 30, 10 }, WHITE);
		hf_strip_add(strip, screen, picture.grey);
	}
	CHECK(!hf_strip_find(strip, screen, HF_STRIP_TOP, &place));
	hf_strip_close(strip);
}

TEST(letters_that_come_and_go_are_not_a_name)
{
	struct hf_strip *strip = strip_new();
	struct picture picture;
	struct hf_strip_place place;

	for (uint64_t n = 0; n < PICTURES; n++) {
		draw_scene(&picture, n);
		if (n % 2 == 0)
			draw_name(&picture, NAME_X, NAME_Y);
		hf_strip_add(strip, screen, picture.grey);
	}
	CHECK(!hf_strip_find(strip, screen, HF_STRIP_TOP, &place));
	hf_strip_close(strip);
}

TEST(a_name_at_the_bottom_of_one_tile_is_not_its_neighbours)
{
	struct hf_strip *strip = strip_new();
	struct picture picture;
	struct hf_strip_place place;
	const struct hf_rect left = { 0, 0, WIDTH / 2, HEIGHT };
	const struct hf_rect right = { WIDTH / 2, 0, WIDTH / 2, HEIGHT };

	for (uint64_t n = 0; n < PICTURES; n++) {
		draw_scene(&picture, n);
		draw_name(&picture, WIDTH / 2 + NAME_X, HEIGHT - NAME_HEIGHT - 4);
		hf_strip_add(strip, screen, picture.grey);
	}
	CHECK(!hf_strip_find(strip, left, HF_STRIP_BOTTOM, &place));
	CHECK(hf_strip_find(strip, right, HF_STRIP_BOTTOM, &place));
	CHECK_U64(place.rect.x, ==, WIDTH / 2 + NAME_X);
	hf_strip_close(strip);
}

TEST(the_picture_of_a_name_is_dark_letters_on_white_with_a_margin)
{
	struct hf_strip *strip = strip_new();
	struct picture picture;
	struct hf_strip_place place;
	uint32_t width, height, dark = 0;

	draw_scene(&picture, 0);
	draw_name(&picture, NAME_X, NAME_Y);
	hf_strip_add(strip, screen, picture.grey);
	CHECK(hf_strip_find(strip, screen, HF_STRIP_TOP, &place));
	hf_strip_picture_size(place.rect, &width, &height);
	HF_AUTO_FREE uint8_t *pixels = malloc((size_t)width * height);
	CHECK(pixels != NULL);
	hf_strip_picture(strip, place.rect, pixels);
	for (size_t i = 0; i < (size_t)width * height; i++) {
		CHECK(pixels[i] == 0 || pixels[i] == UINT8_MAX);
		dark += pixels[i] == 0;
	}
	for (uint32_t x = 0; x < width * HF_STRIP_MARGIN; x++)
		CHECK_U64(pixels[x], ==, UINT8_MAX);
	/* Four of each six columns are ink, less what slanting takes at the edges. */
	CHECK_U64(dark, >, place.rect.width * NAME_HEIGHT * 9 * 4 / 10);
	CHECK_U64(dark, <, place.rect.width * NAME_HEIGHT * 9 * 8 / 10);
	hf_strip_close(strip);
}

TEST(a_card_with_a_text_on_it_does_not_move_and_a_scene_does)
{
	struct hf_strip *card = strip_new(), *scene = strip_new();
	struct picture picture;

	for (uint64_t n = 0; n < PICTURES; n++) {
		draw_scene(&picture, n);
		hf_strip_add(scene, screen, picture.grey);
		fill(&picture, screen, 40);
		draw_name(&picture, NAME_X, HEIGHT / 2);
		hf_strip_add(card, screen, picture.grey);
	}
	CHECK(hf_strip_moves(scene, screen));
	CHECK(!hf_strip_moves(card, screen));
	hf_strip_close(card);
	hf_strip_close(scene);
}

TESTS(RUN(a_name_over_a_moving_scene_is_found_where_it_stands),
      RUN(a_scene_without_a_name_has_none), RUN(a_bright_lamp_is_not_a_name),
      RUN(letters_that_come_and_go_are_not_a_name),
      RUN(a_name_at_the_bottom_of_one_tile_is_not_its_neighbours),
      RUN(the_picture_of_a_name_is_dark_letters_on_white_with_a_margin),
      RUN(a_card_with_a_text_on_it_does_not_move_and_a_scene_does))
