/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/paint/picture.h"

#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct colour {
	double red, green, blue;
};

static const struct colour white = { 1, 1, 1 };
static const struct colour ink = { 0.05, 0.06, 0.08 };
static const struct colour calm = { 0.36, 0.78, 1 };  /* a zone */
static const struct colour busy = { 1, 0.76, 0.18 };  /* one with somebody in it */
static const struct colour alarm = { 1, 0.23, 0.21 }; /* an event */
static const struct colour moves = { 0.35, 0.92, 0.45 };

/* People: apart from one another, and from what zones look like. */
static const struct colour people[] = {
	{ 0.62, 0.93, 0.33 }, { 0.98, 0.55, 0.80 }, { 0.40, 0.92, 0.88 }, { 0.98, 0.93, 0.40 },
	{ 0.76, 0.64, 1.00 }, { 1.00, 0.65, 0.42 }, { 0.55, 0.75, 1.00 }, { 0.70, 1.00, 0.72 },
};

static void use(cairo_t *cairo, struct colour colour, double alpha)
{
	cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, alpha);
}

/* 1 for a tile of 480x270. */
static double unit_of(struct picture_area tile)
{
	double unit = fmin(tile.width / 480, tile.height / 270);

	return fmin(fmax(unit, 0.7), 2);
}

static struct picture_area begin(cairo_t *cairo, struct picture_area area)
{
	cairo_save(cairo);
	cairo_rectangle(cairo, area.x, area.y, area.width, area.height);
	cairo_clip(cairo);
	return area;
}

static void rounded(cairo_t *cairo, struct picture_area a, double radius)
{
	radius = fmin(radius, fmin(a.width, a.height) / 2);
	cairo_new_sub_path(cairo);
	cairo_arc(cairo, a.x + a.width - radius, a.y + radius, radius, -M_PI / 2, 0);
	cairo_arc(cairo, a.x + a.width - radius, a.y + a.height - radius, radius, 0, M_PI / 2);
	cairo_arc(cairo, a.x + radius, a.y + a.height - radius, radius, M_PI / 2, M_PI);
	cairo_arc(cairo, a.x + radius, a.y + radius, radius, M_PI, 3 * M_PI / 2);
	cairo_close_path(cairo);
}

static void font(cairo_t *cairo, double size, bool bold)
{
	cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
			       bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, size);
}

static double text_width(cairo_t *cairo, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cairo, text, &extents);
	return extents.x_advance;
}

/* Letters on a plate whose upper left corner is x, y, moved to lie within the tile. Returns the
 * plate. The font is set. */
static struct picture_area plate(cairo_t *cairo, struct picture_area tile, double x, double y,
				 const char *text, struct colour ground, double alpha,
				 struct colour letters)
{
	cairo_font_extents_t extents;

	cairo_font_extents(cairo, &extents);
	double pad = extents.height * 0.28;
	struct picture_area a = { x, y, text_width(cairo, text) + 2 * pad,
				  extents.ascent + extents.descent + pad * 0.5 };
	a.x = fmax(tile.x, fmin(a.x, tile.x + tile.width - a.width));
	a.y = fmax(tile.y, fmin(a.y, tile.y + tile.height - a.height));
	rounded(cairo, a, pad);
	use(cairo, ground, alpha);
	cairo_fill(cairo);
	cairo_move_to(cairo, a.x + pad, a.y + pad * 0.25 + extents.ascent);
	use(cairo, letters, 1);
	cairo_show_text(cairo, text);
	return a;
}

/* Pieces */

void picture_tile(cairo_t *cairo, struct picture_area tile, const char *name, bool moving,
		  double glow)
{
	double unit = unit_of(tile);

	(void)begin(cairo, tile);
	font(cairo, 11 * unit, false);
	struct picture_area a = plate(cairo, tile, tile.x + 5 * unit,
				      tile.y + tile.height - 20 * unit, name, ink, 0.55, white);
	if (moving) {
		cairo_arc(cairo, a.x + a.width + 8 * unit, a.y + a.height / 2, 3.5 * unit, 0,
			  2 * M_PI);
		use(cairo, moves, 0.95);
		cairo_fill(cairo);
	}
	if (glow > 0) {
		cairo_rectangle(cairo, tile.x, tile.y, tile.width, tile.height);
		cairo_set_line_width(cairo, (3 + 9 * glow) * unit);
		use(cairo, alarm, 0.35 + 0.6 * glow);
		cairo_stroke(cairo);
	}
	cairo_restore(cairo);
}

static void trace(cairo_t *cairo, struct picture_area tile, const struct hf_config_zone *zone)
{
	cairo_new_path(cairo);
	for (uint32_t i = 0; i < zone->point_count; i++)
		cairo_line_to(cairo, tile.x + zone->points[i].x * tile.width,
			      tile.y + zone->points[i].y * tile.height);
	cairo_close_path(cairo);
}

/* The corner that is highest, the leftmost of these: where its name stands. */
static struct hf_point top_of(const struct hf_config_zone *zone)
{
	struct hf_point top = zone->points[0];

	for (uint32_t i = 1; i < zone->point_count; i++)
		if (zone->points[i].y < top.y - 1e-9 ||
		    (fabs(zone->points[i].y - top.y) <= 1e-9 && zone->points[i].x < top.x))
			top = zone->points[i];
	return top;
}

void picture_zone(cairo_t *cairo, struct picture_area tile, const struct hf_config_zone *zone,
		  unsigned count, double glow)
{
	struct colour colour = glow > 0 ? alarm : count > 0 ? busy : calm;
	double unit = unit_of(tile);

	if (zone->point_count == 0)
		return;
	(void)begin(cairo, tile);
	trace(cairo, tile, zone);
	use(cairo, colour, (count > 0 ? 0.12 : 0.06) + 0.12 * glow);
	cairo_fill_preserve(cairo);
	/* A dark line under the bright one: to be seen on any ground. */
	cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
	cairo_set_line_width(cairo, 3 * unit);
	use(cairo, ink, 0.35);
	cairo_stroke_preserve(cairo);
	cairo_set_line_width(cairo, 1.5 * unit);
	use(cairo, colour, 0.95);
	cairo_stroke(cairo);

	struct hf_point top = top_of(zone);
	font(cairo, 10.5 * unit, false);
	(void)plate(cairo, tile, tile.x + top.x * tile.width + 3 * unit,
		    tile.y + top.y * tile.height + 3 * unit, zone->id, ink, 0.6,
		    glow > 0 ? white : colour);
	cairo_restore(cairo);
}

static void mark_foot(cairo_t *cairo, const struct picture_person *person, struct colour colour,
		      double unit)
{
	cairo_arc(cairo, person->box.x + person->box.width / 2, person->box.y + person->box.height,
		  2.5 * unit, 0, 2 * M_PI);
	use(cairo, colour, 1);
	cairo_fill(cairo);
}

void picture_person(cairo_t *cairo, struct picture_area tile, const struct picture_person *person)
{
	struct colour colour = people[person->track % (sizeof people / sizeof people[0])];
	double unit = unit_of(tile), dashes[] = { 4 * unit, 3 * unit };
	char text[64];

	(void)begin(cairo, tile);
	rounded(cairo, person->box, 3 * unit);
	cairo_set_line_width(cairo, 3 * unit);
	use(cairo, ink, 0.45);
	cairo_stroke_preserve(cairo);
	cairo_set_line_width(cairo, 1.6 * unit);
	if (!person->fresh)
		cairo_set_dash(cairo, dashes, 2, 0);
	use(cairo, colour, person->fresh ? 1 : 0.7);
	cairo_stroke(cairo);
	cairo_set_dash(cairo, NULL, 0, 0);
	mark_foot(cairo, person, colour, unit);

	if (person->dwell_s >= 0)
		(void)snprintf(text, sizeof text, "%llu  %.1f s", (unsigned long long)person->track,
			       person->dwell_s);
	else
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)person->track);
	font(cairo, 10 * unit, true);
	(void)plate(cairo, tile, person->box.x - unit, person->box.y - 15.5 * unit, text, colour,
		    person->fresh ? 0.9 : 0.6, ink);
	cairo_restore(cairo);
}

void picture_veil(cairo_t *cairo, struct picture_area area, const char *why)
{
	double unit = unit_of(area), step = 14 * unit;

	(void)begin(cairo, area);
	cairo_rectangle(cairo, area.x, area.y, area.width, area.height);
	use(cairo, ink, 0.55);
	cairo_fill(cairo);
	cairo_set_line_width(cairo, 2 * unit);
	use(cairo, white, 0.10);
	for (double x = area.x - area.height; x < area.x + area.width; x += step) {
		cairo_move_to(cairo, x, area.y + area.height);
		cairo_line_to(cairo, x + area.height, area.y);
	}
	cairo_stroke(cairo);
	font(cairo, 13 * unit, true);
	double width = text_width(cairo, why);
	(void)plate(cairo, area, area.x + (area.width - width) / 2,
		    area.y + area.height / 2 - 10 * unit, why, ink, 0.8, white);
	cairo_restore(cairo);
}

void picture_banner(cairo_t *cairo, struct picture_area area, unsigned row, const char *what,
		    const char *where, double glow)
{
	double unit = unit_of(area), height = 21 * unit;
	/* Above the name. The top is the recorder's: its own lettering stands there. */
	struct picture_area strip = { area.x, area.y + area.height - (row + 1) * height - 24 * unit,
				      area.width, height };
	cairo_font_extents_t extents;

	(void)begin(cairo, strip);
	cairo_rectangle(cairo, strip.x, strip.y, strip.width, strip.height);
	use(cairo, (struct colour){ 0.72, 0.09, 0.10 }, 0.35 + 0.55 * glow);
	cairo_fill(cairo);
	font(cairo, 11.5 * unit, true);
	cairo_font_extents(cairo, &extents);
	double base = strip.y + (height + extents.ascent - extents.descent) / 2;
	use(cairo, white, 1);
	cairo_move_to(cairo, strip.x + 7 * unit, base);
	cairo_show_text(cairo, what);
	font(cairo, 11.5 * unit, false);
	cairo_rel_move_to(cairo, 8 * unit, 0);
	use(cairo, white, 0.85);
	cairo_show_text(cairo, where);
	cairo_restore(cairo);
}

void picture_status(cairo_t *cairo, struct picture_area screen, const char *text)
{
	double unit = fmin(fmax(screen.height / 1080, 0.9), 2) * 1.1;

	(void)begin(cairo, screen);
	font(cairo, 14 * unit, false);
	double width = text_width(cairo, text);
	(void)plate(cairo, screen, screen.x + screen.width - width - 20 * unit,
		    screen.y + screen.height - 30 * unit, text, ink, 0.72, white);
	cairo_restore(cairo);
}

void picture_end(void)
{
	cairo_debug_reset_static_data();
	FcFini();
}
