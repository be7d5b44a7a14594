/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/view.h"

#include "base/assert.h"
#include "base/auto.h"

struct watched {
	struct hf_motion *motion; /* NULL: no camera */
	struct hf_mono look_due;
};

struct hf_view {
	struct hf_view_options options;
	enum hf_layout fixed;  /* UNKNOWN: to be recognised */
	uint32_t tiles_needed; /* the highest tile with a camera, counted from 1 */
	struct hf_layout_tracker tracker;
	enum hf_layout built; /* what the tiles below are for */
	uint32_t width, height;
	uint32_t tile_count;
	struct watched tiles[HF_TILES_MAX];
};

enum hf_code hf_view_open(const struct hf_view_options *options, struct hf_view **ret_view,
			  struct hf_err *err)
{
	HF_ASSERT(options->source < options->config->source_count);
	struct hf_view *view = calloc(1, sizeof *view);

	if (view == NULL)
		return hf_fail(err, HF_E_NOMEM, "view: out of memory");
	view->options = *options;
	/* auto|1x1|2x2|3x3|4x4: the order of enum hf_layout */
	view->fixed = (enum hf_layout)options->config->sources[options->source].layout;
	view->tracker.current = view->fixed;
	for (uint32_t i = 0; i < HF_TILES_MAX; i++)
		if (hf_config_camera_at(options->config, options->source, i) != NULL)
			view->tiles_needed = i + 1;
	*ret_view = view;
	return HF_OK;
}

static void drop_tiles(struct hf_view *view)
{
	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		hf_motion_close(view->tiles[i].motion);
		view->tiles[i] = (struct watched){ 0 };
	}
	view->tile_count = 0;
	view->built = HF_LAYOUT_UNKNOWN;
}

void hf_view_close(struct hf_view *view)
{
	if (view == NULL)
		return;
	drop_tiles(view);
	free(view);
}

static enum hf_code build_tiles(struct hf_view *view, const struct hf_frame *frame,
				struct hf_err *err)
{
	const struct hf_config *config = view->options.config;
	const struct hf_motion_options motion = { .threshold = config->motion_threshold,
						  .cells_min = config->motion_cells_min,
						  .mask_top = config->mask_top,
						  .mask_bottom = config->mask_bottom };
	unsigned side = hf_layout_side(view->tracker.current);

	drop_tiles(view);
	view->width = frame->width;
	view->height = frame->height;
	for (uint32_t i = 0; i < side * side; i++) {
		struct hf_rect rect =
			hf_layout_rect(view->tracker.current, i, frame->width, frame->height);

		if (hf_config_camera_at(config, view->options.source, i) == NULL)
			continue;
		enum hf_code code = hf_motion_open(&motion, rect, &view->tiles[i].motion, err);
		if (code != HF_OK) {
			drop_tiles(view);
			return code;
		}
		view->tiles[i].look_due = hf_mono_add_ms(
			frame->captured_mono, config->motion_full_look_ms * i / (side * side));
	}
	view->tile_count = side * side;
	view->built = view->tracker.current;
	return HF_OK;
}

static void recognise(struct hf_view *view, const struct hf_frame *frame)
{
	struct hf_layout_reading reading;

	if (view->fixed != HF_LAYOUT_UNKNOWN)
		return;
	hf_layout_assess(frame, &reading);
	if (view->options.still)
		view->tracker.current =
			reading.layout != HF_LAYOUT_UNKNOWN ? reading.layout : HF_LAYOUT_1X1;
	else
		(void)hf_layout_track(&view->tracker, &reading);
}

static enum hf_look look_at(struct hf_view *view, struct watched *tile,
			    const struct hf_motion_reading *motion, struct hf_mono now)
{
	bool due = motion->relearned || !hf_mono_before(now, tile->look_due);

	if (view->options.looks_at_all)
		return HF_LOOK_ALWAYS;
	if (!motion->moving && !due)
		return (enum hf_look)0;
	tile->look_due = hf_mono_add_ms(now, view->options.config->motion_full_look_ms);
	return motion->moving ? HF_LOOK_MOTION : HF_LOOK_FULL;
}

static void step_tile(struct hf_view *view, const struct hf_frame *frame, uint32_t i,
		      struct hf_view_reading *reading)
{
	struct watched *tile = &view->tiles[i];
	struct hf_view_tile *out = &reading->tiles[i];

	out->rect = hf_layout_rect(view->built, i, frame->width, frame->height);
	/* While paused the tile may hold another camera's picture: nothing to learn from. */
	if (tile->motion == NULL || reading->paused)
		return;
	struct hf_motion_reading motion = hf_motion_step(tile->motion, frame);

	out->camera = hf_config_camera_at(view->options.config, view->options.source, i);
	out->moving = motion.moving;
	out->look = look_at(view, tile, &motion, frame->captured_mono);
	reading->watched++;
	reading->moving_mask |= out->moving ? 1U << i : 0;
}

enum hf_code hf_view_step(struct hf_view *view, const struct hf_frame *frame,
			  struct hf_view_reading *ret_reading, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	*ret_reading = (struct hf_view_reading){ .layout_before = view->tracker.current };
	if (view->built != HF_LAYOUT_UNKNOWN &&
	    (frame->width != view->width || frame->height != view->height)) {
		drop_tiles(view);
		ret_reading->rebuilt = true;
		if (view->fixed == HF_LAYOUT_UNKNOWN)
			view->tracker = (struct hf_layout_tracker){ 0 };
	}
	recognise(view, frame);
	if (view->tracker.current != view->built) {
		ret_reading->rebuilt = true;
		code = build_tiles(view, frame, err);
	}
	ret_reading->layout = view->built;
	ret_reading->tile_count = view->tile_count;
	ret_reading->paused =
		view->built == HF_LAYOUT_UNKNOWN ||
		(view->fixed == HF_LAYOUT_UNKNOWN &&
		 (hf_layout_in_doubt(&view->tracker) || view->tile_count < view->tiles_needed));
	for (uint32_t i = 0; i < view->tile_count; i++)
		step_tile(view, frame, i, ret_reading);
	return code;
}
