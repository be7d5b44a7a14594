/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup.h"

#include <time.h>

static const char *const type_names[] = {
	[HF_SOURCE_FILE] = "file",
	[HF_SOURCE_V4L2] = "v4l2",
	[HF_SOURCE_RTSP] = "rtsp",
};

void hf_setup_camera_id(uint32_t tile, char ret_id[HF_SETUP_ID_BYTES])
{
	(void)snprintf(ret_id, HF_SETUP_ID_BYTES, "cam-%02u", (tile + 1) % 100);
}

/* YAML's double quotes. */
static void quote(const char *text, FILE *stream)
{
	(void)fputc('"', stream);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', stream);
		(void)fputc(*text, stream);
	}
	(void)fputc('"', stream);
}

static void write_head(const struct hf_setup_options *options, const struct hf_setup *setup,
		       const char *picture, FILE *stream)
{
	char day[sizeof "YYYY-MM-DD"];
	time_t now = time(NULL);
	struct tm tm;

	(void)strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&now, &tm));
	(void)fprintf(stream,
		      "# Begun by holdfast setup on %s, from what was seen in %.0f seconds of\n"
		      "# %s: %ux%u, %s.\n",
		      day, setup->seconds, options->shown, setup->source_width,
		      setup->source_height, hf_layout_id(setup->layout));
	if (picture != NULL)
		(void)fprintf(stream, "# What is where stands in the picture %s.\n", picture);
	(void)fputs(
		"#\n"
		"# What is left to you:\n"
		"#   - names: those that were read off the picture are proposals, look at each\n"
		"#   - zones: each covers its whole tile now; draw them where it matters\n"
		"#   - the hub that events go to\n"
		"# Every setting there is, explained:  holdfast config example\n"
		"# Is it right?                        holdfast config check FILE\n"
		"# What would it have raised?          holdfast analyze --config FILE CLIP\n\n",
		stream);
}

static void write_source(const struct hf_setup_options *options, const struct hf_setup *setup,
			 FILE *stream)
{
	(void)fputs("sources:\n  - id: main\n", stream);
	(void)fprintf(stream, "    type: %s\n    url: ", type_names[options->type]);
	quote(options->source, stream);
	(void)fputc('\n', stream);
	if (options->type == HF_SOURCE_FILE)
		(void)fputs("    loop: true    # a file ends; begin it again\n", stream);
	if (setup->layouts_seen > 1)
		(void)fprintf(
			stream,
			"    # %u different views were seen. %s was on for longest; while another\n"
			"    # one is on nothing is looked at, as nobody knows which camera it "
			"shows.\n",
			setup->layouts_seen, hf_layout_id(setup->layout));
	if (options->layout != HF_LAYOUT_UNKNOWN)
		(void)fprintf(stream, "    layout: %.3s\n", hf_layout_id(setup->layout));
	else
		(void)fprintf(stream,
			      "    # layout: %.3s    # recognised, and again whenever it changes;\n"
			      "                     # take the # away to have it fixed\n",
			      hf_layout_id(setup->layout));
}

static void write_camera(const struct hf_setup *setup, uint32_t tile, FILE *stream)
{
	const struct hf_setup_camera *camera = &setup->cameras[tile];
	char id[HF_SETUP_ID_BYTES];

	hf_setup_camera_id(tile, id);
	(void)fprintf(stream, "  - id: %s\n    tile: %u\n", id, tile + 1);
	if (camera->name[0] != '\0') {
		(void)fputs("    # name: ", stream);
		quote(camera->name, stream);
		(void)fputs("    # as read off the picture\n", stream);
	} else if (camera->has_text) {
		(void)fputs("    # name: \"\"    # something is written there that was not read\n",
			    stream);
	}
	if (!camera->moves)
		(void)fputs("    # Nothing moved here. No signal? Then take the camera and its "
			    "zone out.\n",
			    stream);
}

static void write_zone(uint32_t tile, FILE *stream)
{
	char id[HF_SETUP_ID_BYTES];

	hf_setup_camera_id(tile, id);
	(void)fprintf(stream,
		      "  - id: %s-all\n    camera: %s\n"
		      "    points: [[0, 0], [1, 0], [1, 1], [0, 1]]\n",
		      id, id);
}

/* The mask holds for every tile: what only some have is for a person to weigh. */
static void write_band(const struct hf_setup_band *band, const char *key, unsigned tiles,
		       FILE *stream)
{
	if (band->tiles == 0)
		return;
	bool is_rule = 2 * band->tiles >= tiles;
	(void)fprintf(stream, "  %s%s: %.2f    # written there in %u of %u tiles\n",
		      is_rule ? "" : "# ", key, band->share, band->tiles, tiles);
}

static void write_mask(const struct hf_setup *setup, FILE *stream)
{
	unsigned side = hf_layout_side(setup->layout), tiles = side * side;

	if (setup->top.tiles == 0 && setup->bottom.tiles == 0)
		return;
	/* A section whose lines are all comments would be empty: not a mapping. */
	bool has_rule = 2 * setup->top.tiles >= tiles || 2 * setup->bottom.tiles >= tiles;
	(void)fprintf(
		stream,
		"\n# Where the recorder writes into the picture: motion is not looked for there, "
		"in no tile.\n%smask:\n",
		has_rule ? "" : "# ");
	write_band(&setup->top, "top", tiles, stream);
	write_band(&setup->bottom, "bottom", tiles, stream);
}

void hf_setup_write(const struct hf_setup_options *options, const struct hf_setup *setup,
		    const char *picture, FILE *stream)
{
	unsigned side = hf_layout_side(setup->layout);

	write_head(options, setup, picture, stream);
	write_source(options, setup, stream);
	(void)fputs("\ncameras:\n", stream);
	for (uint32_t i = 0; i < side * side; i++)
		write_camera(setup, i, stream);
	(void)fputs(
		"\n# Points are fractions of the tile, [x, y] from its top left corner.\nzones:\n",
		stream);
	for (uint32_t i = 0; i < side * side; i++)
		write_zone(i, stream);
	write_mask(setup, stream);
	(void)fputs("\n# hub:\n#   url: \"https://hub.example.org\"\n"
		    "#   token_file: \"/etc/holdfast/hub.token\"\n",
		    stream);
}
