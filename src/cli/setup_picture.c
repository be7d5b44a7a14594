/* SPDX-License-Identifier: Apache-2.0 */
/* The screen as it was seen last, each tile with its number, its camera's id, the name that was
 * read, the place it was read from, and its zone. Cairo draws it. */
#include "base/auto.h"
#include "base/file.h"
#include "cli/setup.h"

#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <string.h>

static const double label_size = 15, line_width = 2, inset = 5;

enum {
	LABEL_PAD = 6,
	LABEL_BYTES = HF_ID_BYTES + 64,
	FILE_MODE = 0644,
};

static void copy_screen(const struct hf_setup *setup, cairo_surface_t *surface)
{
	uint8_t *to = cairo_image_surface_get_data(surface);
	size_t stride = (size_t)cairo_image_surface_get_stride(surface);

	cairo_surface_flush(surface);
	for (uint32_t y = 0; y < setup->height; y++) {
		uint32_t *row = (uint32_t *)(void *)(to + y * stride);
		const uint8_t *from = setup->bgr + (size_t)3 * y * setup->width;

		for (uint32_t x = 0; x < setup->width; x++, from += 3)
			row[x] = (uint32_t)from[2] << 16 | (uint32_t)from[1] << 8 | from[0];
	}
	cairo_surface_mark_dirty(surface);
}

/* Text in a dark box whose lower left corner is at x, y. */
static void label(cairo_t *cairo, double x, double y, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cairo, text, &extents);
	double height = label_size + 2 * LABEL_PAD;
	cairo_set_source_rgba(cairo, 0, 0, 0, 0.72);
	cairo_rectangle(cairo, x, y - height, extents.x_advance + 2 * LABEL_PAD, height);
	cairo_fill(cairo);
	cairo_set_source_rgb(cairo, 1, 1, 1);
	cairo_move_to(cairo, x + LABEL_PAD, y - LABEL_PAD - 2);
	cairo_show_text(cairo, text);
}

static void frame(cairo_t *cairo, struct hf_rect rect, double in)
{
	cairo_rectangle(cairo, rect.x + in, rect.y + in, rect.width - 2 * in, rect.height - 2 * in);
}

static void draw_tile(cairo_t *cairo, const struct hf_setup *setup, uint32_t tile)
{
	const struct hf_setup_camera *camera = &setup->cameras[tile];
	struct hf_rect rect = hf_layout_rect(setup->layout, tile, setup->width, setup->height);
	char id[HF_SETUP_ID_BYTES], text[LABEL_BYTES];

	/* The tile, then its zone just inside. */
	cairo_save(cairo);
	cairo_rectangle(cairo, rect.x, rect.y, rect.width, rect.height);
	cairo_clip(cairo);
	cairo_set_line_width(cairo, line_width);
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.9);
	frame(cairo, rect, line_width / 2);
	cairo_stroke(cairo);
	cairo_set_source_rgba(cairo, 0.1, 0.9, 0.5, camera->moves ? 0.10 : 0);
	frame(cairo, rect, inset);
	cairo_fill_preserve(cairo);
	cairo_set_source_rgb(cairo, camera->moves ? 0.1 : 1, camera->moves ? 0.9 : 0.3,
			     camera->moves ? 0.5 : 0.2);
	cairo_stroke(cairo);
	if (camera->has_text) {
		cairo_set_source_rgb(cairo, 1, 0.75, 0);
		frame(cairo, camera->place.rect, -3);
		cairo_stroke(cairo);
	}
	hf_setup_camera_id(tile, id);
	(void)snprintf(text, sizeof text, "%u  %s%s%s%s%s", tile + 1, id,
		       camera->name[0] != '\0' ? "  \"" : "", camera->name,
		       camera->name[0] != '\0' ? "\"" : "", camera->moves ? "" : "  nothing moves");
	label(cairo, rect.x + inset + line_width, rect.y + rect.height - inset - line_width, text);
	cairo_restore(cairo);
}

/* A file that grows in memory. */
struct png {
	FILE *stream;
	char *data;
	size_t size_bytes;
};

static cairo_status_t write_png(void *context, const unsigned char *data, unsigned length)
{
	const struct png *png = context;

	return fwrite(data, 1, length, png->stream) == length ? CAIRO_STATUS_SUCCESS
							      : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_status_t draw(const struct hf_setup *setup, struct png *png)
{
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)setup->width,
							      (int)setup->height);
	unsigned side = hf_layout_side(setup->layout);

	if (cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS)
		copy_screen(setup, surface);
	cairo_t *cairo = cairo_create(surface);
	cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
			       CAIRO_FONT_WEIGHT_BOLD);
	cairo_set_font_size(cairo, label_size);
	for (uint32_t i = 0; i < side * side; i++)
		draw_tile(cairo, setup, i);
	cairo_status_t status = cairo_status(cairo);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_write_to_png_stream(surface, write_png, png);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
	/* What fonts keep for a next picture, which does not come. */
	cairo_debug_reset_static_data();
	FcFini();
	return status;
}

enum hf_code hf_setup_picture(const struct hf_setup *setup, const char *path, struct hf_err *err)
{
	struct png png = { 0 };

	png.stream = open_memstream(&png.data, &png.size_bytes);
	if (png.stream == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	cairo_status_t status = draw(setup, &png);
	HF_AUTO_FREE char *data = NULL;
	if (fclose(png.stream) != 0 && status == CAIRO_STATUS_SUCCESS)
		status = CAIRO_STATUS_NO_MEMORY;
	data = png.data;
	if (status != CAIRO_STATUS_SUCCESS)
		return hf_fail(err, HF_E_NOMEM, "the picture cannot be drawn: %s",
			       cairo_status_to_string(status));
	return hf_file_replace(path, data, png.size_bytes, FILE_MODE, err);
}
