/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/view.h"

#include "base/assert.h"
#include "base/auto.h"

enum {
	LOOK_SLACK_MS = 20, /* frames do not come to the millisecond */
};

struct watched {
	struct hf_motion *motion; /* NULL: no camera */
	struct hf_mono look_due;
	bool occupied;
	struct hf_mono seen_at; /* the frame in which somebody was */
	unsigned empty_looks;   /* since */
	struct hf_mono occupied_due;
};

struct hf_view {
	struct hf_view_options options;
	enum hf_layout fixed;  /* UNKNOWN: to be recognised */
	uint32_t tiles_needed; /* the highest tile with a camera, counted from 1 */
	struct hf_layout_tracker tracker;
	enum hf_layout built; /* what the tiles below are for */
	struct hf_mono built_at;
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

/* Asked for every tile with every frame, nobody wants to know which are worth it. */
static bool is_watched(const struct hf_view *view)
{
	return view->options.health != NULL && !view->options.looks_at_all && !view->options.still;
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
		if (code == HF_OK && is_watched(view))
			code = hf_health_fit(view->options.health, i, view->tracker.current, rect,
					     view->tiles[i].motion, err);
		if (code != HF_OK) {
			drop_tiles(view);
			return code;
		}
		view->tiles[i].look_due = hf_mono_add_ms(
			frame->captured_mono, config->motion_full_look_ms * i / (side * side));
	}
	if (view->options.health != NULL)
		hf_health_break(view->options.health);
	view->tile_count = side * side;
	view->built_at = frame->captured_mono;
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

/* Its time has come, or lies farther off than it was set: time has gone back. */
static bool is_due(struct hf_mono now, struct hf_mono due, int64_t interval_ms)
{
	return !hf_mono_before(now, due) || hf_mono_before(hf_mono_add_ms(now, interval_ms), due);
}

static enum hf_look look_at(struct hf_view *view, struct watched *tile, bool moving, bool relearned,
			    struct hf_mono now)
{
	const struct hf_config *config = view->options.config;
	bool due = relearned || is_due(now, tile->look_due, config->motion_full_look_ms);
	bool occupied_due =
		tile->occupied && is_due(now, tile->occupied_due, config->motion_occupied_look_ms);

	if (view->options.looks_at_all)
		return HF_LOOK_ALWAYS;
	if (!moving && !due && !occupied_due)
		return (enum hf_look)0;
	tile->occupied_due = hf_mono_add_ms(now, config->motion_occupied_look_ms - LOOK_SLACK_MS);
	if (moving || due)
		tile->look_due = hf_mono_add_ms(now, config->motion_full_look_ms);
	return moving ? HF_LOOK_MOTION : due ? HF_LOOK_FULL : HF_LOOK_OCCUPIED;
}

static uint32_t step_health(struct hf_view *view, const struct hf_frame *frame,
			    const struct hf_motion_reading *motion,
			    const struct hf_view_reading *reading)
{
	struct hf_health_input inputs[HF_TILES_MAX] = { 0 };

	if (!is_watched(view) || view->tile_count == 0)
		return 0;
	if (reading->paused) {
		hf_health_break(view->options.health);
		return 0;
	}
	for (uint32_t i = 0; i < view->tile_count; i++)
		inputs[i] = (struct hf_health_input){ .motion = view->tiles[i].motion,
						      .rect = reading->tiles[i].rect,
						      .reading = motion[i] };
	return hf_health_step(view->options.health, frame, inputs);
}

static void step_tiles(struct hf_view *view, const struct hf_frame *frame,
		       struct hf_view_reading *reading)
{
	struct hf_motion_reading motion[HF_TILES_MAX] = { 0 };

	for (uint32_t i = 0; i < view->tile_count; i++) {
		reading->tiles[i].rect = hf_layout_rect(view->built, i, view->width, view->height);
		/* While paused it may hold another camera's picture: nothing to learn from. */
		if (view->tiles[i].motion != NULL && !reading->paused)
			motion[i] = hf_motion_step(view->tiles[i].motion, frame);
	}
	reading->blind_mask = step_health(view, frame, motion, reading);
	for (uint32_t i = 0; i < view->tile_count && !reading->paused; i++) {
		struct watched *tile = &view->tiles[i];
		struct hf_view_tile *out = &reading->tiles[i];

		if (tile->motion == NULL)
			continue;
		reading->watched++;
		out->camera = hf_config_camera_at(view->options.config, view->options.source, i);
		out->blind = (reading->blind_mask >> i & 1) != 0;
		tile->occupied = tile->occupied && !out->blind;
		if (out->blind)
			continue;
		out->moving = motion[i].moving;
		out->look = look_at(view, tile, motion[i].moving, motion[i].relearned,
				    frame->captured_mono);
		reading->moving_mask |= out->moving ? 1U << i : 0;
	}
}

void hf_view_seen(struct hf_view *view, uint32_t number, struct hf_mono captured, float score_best)
{
	HF_ASSERT(number < HF_TILES_MAX);
	struct watched *tile = &view->tiles[number];

	/* What was looked at before the tiles were built was another camera, maybe. */
	if (tile->motion == NULL || hf_mono_before(captured, view->built_at))
		return;
	if (score_best >= HF_VIEW_OCCUPIED_SCORE) {
		tile->occupied = true;
		tile->seen_at = captured;
		tile->empty_looks = 0;
		return;
	}
	tile->empty_looks++;
	if (hf_mono_before(captured, tile->seen_at))
		tile->seen_at = captured;
	if (tile->empty_looks >= HF_VIEW_EMPTY_LOOKS &&
	    !hf_mono_before(captured, hf_mono_add_ms(tile->seen_at, HF_VIEW_OCCUPIED_MS)))
		tile->occupied = false;
}

enum hf_code hf_view_step(struct hf_view *view, const struct hf_frame *frame,
			  struct hf_view_reading *ret_reading, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	*ret_reading = (struct hf_view_reading){ .layout_before = view->tracker.current };
	if (hf_mono_before(frame->captured_mono, view->built_at))
		view->built_at = frame->captured_mono;
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
	step_tiles(view, frame, ret_reading);
	return code;
}
