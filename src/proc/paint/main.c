/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paint - draws onto a clip what a unit made of it. See paint.h.
 *
 * Method: the clip is decoded a second time, by the same source in the same lockstep, so frames
 * have the numbers that ticks tell. The scene room is told what respond was told, with the same
 * pixels cut the same way: its tracks and stays are respond's. What became an event is told.
 * A frame is drawn when the tick of the next one, or the end, has come.
 *
 * A process of its own, in a sandbox: a decoder of bytes from outside, an encoder and a font
 * renderer are no part of the command line.
 */
#include "base/auto.h"
#include "ingest/cutter.h"
#include "ingest/layout.h"
#include "ingest/pixels.h"
#include "ingest/source.h"
#include "proc/common/sandbox.h"
#include "proc/paint/movie.h"
#include "proc/paint/paint.h"
#include "proc/paint/picture.h"
#include "respond/scene.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libswscale/swscale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

enum {
	BANNERS_MAX = 64,
	BANNER_MS = 3000, /* so long an event is shown */
	GLOW_MS = 1800,
	EVERYWHERE = INT32_MAX, /* no index is as great */
	TILE_BYTES_MAX = 3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX,
};

struct banner {
	struct hf_mono at;
	uint32_t camera, zone; /* EVERYWHERE: of none */
	char what[HF_ID_BYTES];
	char where[2 * HF_ID_BYTES];
};

struct painter {
	struct paint_head head;
	const struct hf_config *config;
	struct hf_sandbox sandbox;
	struct hf_source *source;
	struct hf_cutter *cutter;
	struct hf_thumbs *thumbs; /* the scene wants some */
	struct hf_scene *scene;
	struct movie *movie; /* NULL before the first frame */
	struct SwsContext *converter;
	cairo_surface_t *surface;
	cairo_t *cairo;
	struct hf_frame frame; /* of the tick below */
	bool has_tick;
	struct hf_tick tick;
	struct hf_mono clip_start;
	uint64_t events;
	struct banner banners[BANNERS_MAX]; /* a ring, by events */
	uint8_t body[PAINT_BODY_BYTES_MAX + 1];
	struct hf_result result;
	uint8_t tile[TILE_BYTES_MAX];
};

/* Input */

/* false: the input ends. */
static bool read_all(void *ret_data, size_t size_bytes)
{
	for (size_t at = 0; at < size_bytes;) {
		ssize_t n = read(STDIN_FILENO, (uint8_t *)ret_data + at, size_bytes - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static enum hf_code read_head(struct painter *painter, struct hf_err *err)
{
	struct paint_head *head = &painter->head;

	if (!read_all(head, sizeof *head) || head->magic != PAINT_MAGIC ||
	    head->size_bytes != sizeof *head || memchr(head->out, '\0', sizeof head->out) == NULL)
		return hf_fail(err, HF_E_INVALID,
			       "this program is started by holdfast analyze --draw, of the same "
			       "build, not by hand");
	enum hf_code code = hf_config_check(&head->config, err);
	if (code == HF_OK && head->source >= head->config.source_count)
		code = hf_fail(err, HF_E_INVALID, "source %u of %u", head->source,
			       head->config.source_count);
	painter->config = &head->config;
	return code;
}

static enum hf_code read_record(struct painter *painter, struct paint_record *ret_record,
				struct hf_err *err)
{
	if (!read_all(ret_record, sizeof *ret_record))
		return hf_fail(err, HF_E_CLOSED, "the input ends");
	if (ret_record->size_bytes > PAINT_BODY_BYTES_MAX)
		return hf_fail(err, HF_E_INVALID, "a record of %u bytes", ret_record->size_bytes);
	if (!read_all(painter->body, ret_record->size_bytes))
		return hf_fail(err, HF_E_CLOSED, "the input ends");
	painter->body[ret_record->size_bytes] = '\0';
	return HF_OK;
}

/* The clip again */

static enum hf_code step_to(struct painter *painter, uint64_t number, struct hf_err *err)
{
	for (;;) {
		enum hf_code code = hf_source_step(painter->source, &painter->frame, err);

		if (code == HF_E_AGAIN)
			continue;
		if (code == HF_OK && painter->frame.number < number)
			continue;
		if (code == HF_OK && painter->frame.number == number)
			return HF_OK;
		return hf_fail(err, HF_E_CORRUPT,
			       "%s: frame %" PRIu64 " is not there the second time: was the clip "
			       "changed?",
			       painter->config->sources[painter->head.source].url, number);
	}
}

static struct hf_rect tile_rect(const struct painter *painter, uint32_t tile)
{
	return hf_layout_rect((enum hf_layout)painter->tick.layout, tile, painter->frame.width,
			      painter->frame.height);
}

/* As ingest cut it. NULL: the scene does without. */
static const uint8_t *cut(struct painter *painter, const struct hf_job *job)
{
	struct hf_rect rect = hf_layout_rect((enum hf_layout)job->layout, job->tile,
					     painter->frame.width, painter->frame.height);
	uint32_t width, height;
	struct hf_err err;

	hf_cutter_size(rect, &width, &height);
	if (width != job->width || height != job->height ||
	    hf_cutter_cut(painter->cutter, &painter->frame, rect, painter->tile, &err) != HF_OK)
		return NULL;
	return painter->tile;
}

/* Drawing */

static struct picture_area screen_of(const struct painter *painter)
{
	return (struct picture_area){
		.width = cairo_image_surface_get_width(painter->surface),
		.height = cairo_image_surface_get_height(painter->surface),
	};
}

/* On the movie, whose size is that of the first frame. */
static struct picture_area area_of(const struct painter *painter, struct hf_rect rect)
{
	struct picture_area screen = screen_of(painter);
	double x = screen.width / painter->frame.width, y = screen.height / painter->frame.height;

	return (struct picture_area){ rect.x * x, rect.y * y, rect.width * x, rect.height * y };
}

static double glow_of(const struct painter *painter, const struct banner *banner, int64_t ms)
{
	int64_t age_us = hf_mono_diff_us(painter->tick.captured_mono, banner->at);

	return banner->at.us == 0 || age_us < 0 ? 0 : 1 - (double)age_us / 1000 / (double)ms;
}

static double glow_at(const struct painter *painter, uint32_t camera, uint32_t zone)
{
	double glow = 0;

	for (uint32_t i = 0; i < BANNERS_MAX; i++) {
		const struct banner *banner = &painter->banners[i];

		if (banner->camera == camera && (zone == EVERYWHERE || banner->zone == zone))
			glow = fmax(glow, glow_of(painter, banner, GLOW_MS));
	}
	return glow;
}

/* Newest first. */
static void draw_banners(const struct painter *painter, struct picture_area area, uint32_t camera)
{
	unsigned row = 0;

	for (uint64_t i = 0; i < BANNERS_MAX && i < painter->events; i++) {
		const struct banner *banner =
			&painter->banners[(painter->events - 1 - i) % BANNERS_MAX];
		double glow = glow_of(painter, banner, BANNER_MS);

		if (banner->camera == camera && glow > 0 && row < 3)
			picture_banner(painter->cairo, area, row++, banner->what, banner->where,
				       glow);
	}
}

/* In a zone of this camera: for how long, the longest; else -1. */
static double dwell_of(const struct painter *painter, uint32_t camera, uint64_t track)
{
	const struct hf_stays *stays = hf_scene_stays(painter->scene);
	double dwell_s = -1;

	for (int i = 0; i < HF_STAYS_MAX; i++) {
		const struct hf_stay *stay = &stays->list[i];

		if (stay->phase != HF_STAY_INSIDE || stay->track != track ||
		    painter->config->zones[stay->zone].camera != camera)
			continue;
		int64_t since_us = hf_mono_diff_us(painter->tick.captured_mono, stay->touched);
		dwell_s = fmax(dwell_s,
			       (double)(stay->dwell_us + (since_us > 0 ? since_us : 0)) / 1e6);
	}
	return dwell_s;
}

static unsigned people_in(const struct painter *painter, uint32_t zone)
{
	const struct hf_stays *stays = hf_scene_stays(painter->scene);
	unsigned count = 0;

	for (int i = 0; i < HF_STAYS_MAX; i++)
		count += stays->list[i].phase == HF_STAY_INSIDE && stays->list[i].zone == zone;
	return count;
}

static void draw_people(const struct painter *painter, struct picture_area area, uint32_t camera)
{
	const struct hf_tracker *tracker = hf_scene_tracker(painter->scene, camera);
	struct hf_mono now = painter->tick.captured_mono;

	if (tracker->width == 0 || tracker->height == 0)
		return;
	double x = area.width / tracker->width, y = area.height / tracker->height;
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		const struct hf_track *track = &tracker->tracks[i];

		if (track->id == 0 || !track->confirmed)
			continue;
		const struct picture_person person = {
			.box = { area.x + track->box.x * x, area.y + track->box.y * y,
				 track->box.width * x, track->box.height * y },
			.track = track->id,
			.score = track->score,
			.fresh = hf_mono_diff_us(now, track->hit) == 0,
			.dwell_s = dwell_of(painter, camera, track->id),
		};
		picture_person(painter->cairo, area, &person);
	}
}

static void draw_tile(const struct painter *painter, uint32_t tile,
		      const struct hf_config_camera *camera)
{
	const struct hf_config *config = painter->config;
	uint32_t index = (uint32_t)(camera - config->cameras);
	struct picture_area area = area_of(painter, tile_rect(painter, tile));

	if ((painter->tick.blind_mask >> tile & 1) != 0)
		picture_veil(painter->cairo, area, "no live picture");
	for (uint32_t i = 0; i < config->zone_count; i++)
		if (config->zones[i].camera == index)
			picture_zone(painter->cairo, area, &config->zones[i], people_in(painter, i),
				     glow_at(painter, index, i));
	draw_people(painter, area, index);
	picture_tile(painter->cairo, area, camera->name[0] != '\0' ? camera->name : camera->id,
		     (painter->tick.moving_mask >> tile & 1) != 0,
		     glow_at(painter, index, EVERYWHERE));
	draw_banners(painter, area, index);
}

static void draw_status(const struct painter *painter)
{
	long long ms =
		(long long)hf_mono_diff_us(painter->tick.captured_mono, painter->clip_start) / 1000;
	char text[128];

	(void)snprintf(text, sizeof text, "%02lld:%02lld.%lld   %s   %" PRIu64 " event%s",
		       ms / 60000, ms / 1000 % 60, ms / 100 % 10,
		       hf_layout_id((enum hf_layout)painter->tick.layout), painter->events,
		       painter->events == 1 ? "" : "s");
	picture_status(painter->cairo, screen_of(painter), text);
}

static void draw(const struct painter *painter)
{
	const struct hf_tick *tick = &painter->tick;
	unsigned side = hf_layout_side((enum hf_layout)tick->layout);

	if (tick->paused != 0)
		picture_veil(painter->cairo, screen_of(painter),
			     "layout in doubt: nothing is judged");
	for (uint32_t i = 0; i < side * side && tick->paused == 0; i++) {
		const struct hf_config_camera *camera =
			hf_config_camera_at(painter->config, painter->head.source, i);

		if (camera != NULL)
			draw_tile(painter, i, camera);
	}
	draw_banners(painter, screen_of(painter), EVERYWHERE);
	draw_status(painter);
}

/* Output */

static enum hf_code begin_movie(struct painter *painter, struct hf_err *err)
{
	const struct hf_frame *frame = &painter->frame;

	painter->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)frame->width,
						      (int)frame->height);
	painter->cairo = cairo_create(painter->surface);
	if (cairo_status(painter->cairo) != CAIRO_STATUS_SUCCESS)
		return hf_fail(err, HF_E_NOMEM, "a picture of %ux%u: %s", frame->width,
			       frame->height, cairo_status_to_string(cairo_status(painter->cairo)));
	return movie_open(painter->head.out, frame->width, frame->height, &painter->movie, err);
}

static enum hf_code put_frame(struct painter *painter, struct hf_err *err)
{
	const struct hf_frame *frame = &painter->frame;
	int width = cairo_image_surface_get_width(painter->surface);
	int height = cairo_image_surface_get_height(painter->surface);
	int stride = cairo_image_surface_get_stride(painter->surface);

	painter->converter = sws_getCachedContext(
		painter->converter, (int)frame->width, (int)frame->height,
		hf_pixels_format(frame->chroma), width, height, AV_PIX_FMT_BGRA,
		SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
	if (painter->converter == NULL)
		return hf_fail(err, HF_E_NOMEM, "no conversion of pictures");
	const int *matrix = sws_getCoefficients(frame->bt709 ? SWS_CS_ITU709 : SWS_CS_ITU601);
	(void)sws_setColorspaceDetails(painter->converter, matrix, frame->full_range, matrix, 1, 0,
				       1 << 16, 1 << 16);
	cairo_surface_flush(painter->surface);
	uint8_t *pixels = cairo_image_surface_get_data(painter->surface);
	(void)sws_scale(painter->converter, frame->planes, frame->strides, 0, (int)frame->height,
			&pixels, &stride);
	cairo_surface_mark_dirty(painter->surface);
	return HF_OK;
}

static enum hf_code emit(struct painter *painter, struct hf_err *err)
{
	enum hf_code code = HF_OK;

	if (!painter->has_tick)
		return HF_OK;
	painter->has_tick = false;
	if (painter->movie == NULL)
		code = begin_movie(painter, err);
	if (code == HF_OK)
		code = put_frame(painter, err);
	if (code != HF_OK)
		return code;
	draw(painter);
	cairo_surface_flush(painter->surface);
	return movie_write(painter->movie, cairo_image_surface_get_data(painter->surface),
			   cairo_image_surface_get_stride(painter->surface),
			   painter->tick.captured_mono.us, err);
}

/* Records */

/* Which of them was an event is told by an EVENT. */
static void on_fire(void *context, const struct hf_fire *fire)
{
	(void)context;
	(void)fire;
}

static enum hf_code on_tick(struct painter *painter, size_t size_bytes, struct hf_err *err)
{
	struct hf_tick tick;
	enum hf_code code = emit(painter, err);

	if (code != HF_OK)
		return code;
	if (size_bytes != sizeof tick)
		return hf_fail(err, HF_E_INVALID, "a tick of %zu bytes", size_bytes);
	memcpy(&tick, painter->body, sizeof tick);
	code = hf_tick_check(&tick, err);
	if (code == HF_OK)
		code = step_to(painter, tick.frame, err);
	if (code == HF_OK)
		code = hf_scene_tick(painter->scene, &tick, on_fire, NULL, err);
	if (code != HF_OK)
		return code;
	if (painter->clip_start.us == 0)
		painter->clip_start = tick.captured_mono;
	painter->tick = tick;
	painter->has_tick = true;
	return HF_OK;
}

static enum hf_code on_result(struct painter *painter, size_t size_bytes, struct hf_err *err)
{
	enum hf_scene_answer answer;
	enum hf_code code = hf_result_unpack(painter->body, size_bytes, &painter->result, err);

	if (code != HF_OK)
		return code;
	const uint8_t *pixels = hf_scene_wants_pixels(painter->scene, &painter->result)
					? cut(painter, &painter->result.job)
					: NULL;
	return hf_scene_result(painter->scene, &painter->result, pixels, on_fire, NULL, &answer,
			       err);
}

static uint32_t camera_named(const struct hf_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->camera_count; i++)
		if (strcmp(config->cameras[i].id, name) == 0 ||
		    strcmp(config->cameras[i].name, name) == 0)
			return i;
	return EVERYWHERE;
}

static uint32_t zone_named(const struct hf_config *config, const char *id)
{
	for (uint32_t i = 0; i < config->zone_count; i++)
		if (strcmp(config->zones[i].id, id) == 0)
			return i;
	return EVERYWHERE;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void on_event(struct painter *painter, size_t size_bytes)
{
	struct banner *banner = &painter->banners[painter->events++ % BANNERS_MAX];
	json_t *event =
		json_loadb((const char *)painter->body, size_bytes, JSON_DISABLE_EOF_CHECK, NULL);
	const char *camera = text_of(json_object_get(event, "attrs"), "camera");

	*banner = (struct banner){ .at = painter->tick.captured_mono };
	banner->camera = camera_named(painter->config,
				      *camera != '\0' ? camera : text_of(event, "camera_name"));
	banner->zone = zone_named(painter->config, text_of(event, "zone_id"));
	(void)snprintf(banner->what, sizeof banner->what, "%s", text_of(event, "event_class"));
	(void)snprintf(banner->where, sizeof banner->where, "%s", text_of(event, "zone_id"));
	json_decref(event);
}

/* Start and end */

static enum hf_code open_all(struct painter *painter, struct hf_err *err)
{
	const struct hf_source_options source = {
		.config = &painter->config->sources[painter->head.source],
		.clock = hf_clock_real(),
		.lockstep = true,
	};
	enum hf_code code = hf_source_open(&source, &painter->source, err);

	if (code == HF_OK)
		code = hf_cutter_open(&painter->cutter, err);
	if (code == HF_OK)
		code = hf_thumbs_new(&painter->thumbs, err);
	if (code == HF_OK)
		code = hf_scene_new(painter->config, painter->thumbs, 1, 1, 1, &painter->scene,
				    err);
	return code;
}

static enum hf_code finish(struct painter *painter, struct hf_err *err)
{
	enum hf_code code = emit(painter, err);

	if (code == HF_OK && painter->movie == NULL)
		return hf_fail(err, HF_E_INVALID, "there was no frame to draw on");
	return code == HF_OK ? movie_finish(painter->movie, err) : code;
}

static enum hf_code work(struct painter *painter, struct hf_err *err)
{
	for (;;) {
		struct paint_record record;
		enum hf_code code = read_record(painter, &record, err);

		if (code != HF_OK)
			return code;
		switch ((enum paint_kind)record.kind) {
		case PAINT_TICK:
			code = on_tick(painter, record.size_bytes, err);
			break;
		case PAINT_RESULT:
			code = on_result(painter, record.size_bytes, err);
			break;
		case PAINT_EVENT:
			on_event(painter, record.size_bytes);
			break;
		case PAINT_END:
			return finish(painter, err);
		}
		if (code != HF_OK)
			return code;
	}
}

static void close_all(struct painter *painter)
{
	movie_close(painter->movie);
	if (painter->cairo != NULL)
		cairo_destroy(painter->cairo);
	if (painter->surface != NULL)
		cairo_surface_destroy(painter->surface);
	picture_end();
	sws_freeContext(painter->converter);
	hf_scene_free(painter->scene);
	hf_thumbs_free(painter->thumbs);
	hf_cutter_close(painter->cutter);
	hf_source_close(painter->source);
}

int main(void)
{
	HF_AUTO_FREE struct painter *painter = calloc(1, sizeof *painter);
	struct hf_err err = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (painter == NULL)
		return EXIT_FAILURE;
	enum hf_code code = read_head(painter, &err);
	if (code != HF_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	hf_sandbox_for_paint(painter->config->sources[painter->head.source].url, painter->head.out,
			     &painter->sandbox);
	hf_sandbox_enter(&painter->sandbox);
	code = open_all(painter, &err);
	if (code == HF_OK)
		code = work(painter, &err);
	close_all(painter);
	if (code == HF_OK)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
