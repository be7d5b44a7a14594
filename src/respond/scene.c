/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/scene.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct camera {
	bool has_zones;
	struct hf_view view;
	struct hf_scene_look look;
};

struct hf_scene {
	const struct hf_config *config;
	struct hf_thumbs *thumbs;
	struct hf_arming *arming; /* NULL: always */
	struct hf_stays stays;
	struct hf_rules rules;
	uint32_t layouts[HF_SOURCES_MAX]; /* enum hf_layout, UNKNOWN before the first tick */
	uint32_t class_count;             /* of the model pack in use */
	char classes[HF_CLASSES_MAX][HF_CLASS_BYTES];
	struct hf_detection followed[HF_DETECTIONS_MAX];
	struct hf_colours colours[HF_DETECTIONS_MAX]; /* of those */
	struct camera *cameras;
	struct hf_tracker trackers[]; /* one a camera */
};

/* Where rules speak to. */
struct listener {
	hf_scene_on_fire *on_fire;
	void *context;
};

static struct hf_track_rules rules_of(const struct hf_config *config, double model_score)
{
	double threshold = config->model_score_min > 0 ? config->model_score_min : model_score;
	struct hf_track_rules rules = { .score_start = config->track_score_high,
					.score_high = config->track_score_high,
					.score_low = config->track_score_low,
					.lost_ms = config->track_lost_ms,
					.confirm_hits = (unsigned)config->track_confirm_hits };

	if (threshold > 0) {
		rules.score_start = threshold;
		rules.score_high = fmin(rules.score_high, threshold);
	}
	return rules;
}

static void sweep_camera(struct hf_scene *scene, uint32_t camera, struct hf_mono now)
{
	if (scene->cameras[camera].has_zones)
		hf_stays_sweep(&scene->stays, scene->config, camera, &scene->trackers[camera],
			       &scene->cameras[camera].view, now);
}

static bool is_stale(const struct hf_scene *scene, const struct hf_job *job)
{
	uint32_t layout = scene->layouts[job->source];

	if (hf_view_was_blind(&scene->cameras[job->camera].view, job->captured_mono))
		return true;
	return layout != HF_LAYOUT_UNKNOWN && job->layout != layout;
}

/* Does this frame show nothing of the camera? */
static bool is_blind(const struct hf_config_camera *camera, const struct hf_tick *tick)
{
	unsigned side = hf_layout_side((enum hf_layout)tick->layout);
	uint32_t tile = (uint32_t)camera->tile - 1;

	if (tick->paused != 0 || (tick->layout != HF_LAYOUT_UNKNOWN && tile >= side * side))
		return true;
	return tile < HF_TILES_MAX && (tick->blind_mask >> tile & 1) != 0;
}

enum hf_code hf_scene_new(const struct hf_config *config, struct hf_thumbs *thumbs, uint64_t boot,
			  uint64_t run, uint64_t stay_next, struct hf_scene **ret_scene,
			  struct hf_err *err)
{
	struct hf_scene *scene =
		calloc(1, sizeof *scene + config->camera_count * sizeof scene->trackers[0]);

	if (scene == NULL)
		return hf_fail(err, HF_E_NOMEM, "scene of %u cameras: out of memory",
			       config->camera_count);
	scene->cameras = calloc(config->camera_count, sizeof scene->cameras[0]);
	if (scene->cameras == NULL && config->camera_count > 0) {
		free(scene);
		return hf_fail(err, HF_E_NOMEM, "scene of %u cameras: out of memory",
			       config->camera_count);
	}
	scene->config = config;
	scene->thumbs = thumbs;
	hf_stays_reset(&scene->stays, boot, run, stay_next);
	for (uint32_t i = 0; i < config->camera_count; i++)
		hf_tracker_reset(&scene->trackers[i]);
	for (uint32_t i = 0; i < config->zone_count; i++)
		scene->cameras[config->zones[i].camera].has_zones = true;
	*ret_scene = scene;
	return HF_OK;
}

void hf_scene_free(struct hf_scene *scene)
{
	if (scene != NULL)
		free(scene->cameras);
	free(scene);
}

bool hf_scene_wants_pixels(const struct hf_scene *scene, const struct hf_result *result)
{
	return result->detection_count > 0 && result->failed == 0 &&
	       result->job.camera < scene->config->camera_count &&
	       scene->cameras[result->job.camera].has_zones;
}

/* The owner, if there is reason to believe that he is there now. */
static const struct hf_track *present_owner(const struct hf_tracker *tracker,
					    const struct hf_stay *stay, struct hf_mono at)
{
	const struct hf_track *owner = hf_tracker_find(tracker, stay->track);

	if (owner == NULL || !owner->hit_now || owner->doubt.on ||
	    hf_mono_diff_us(at, owner->hit) > (int64_t)HF_SCENE_PRESENT_MS * 1000)
		return NULL;
	return owner;
}

static enum hf_armed armed(struct hf_scene *scene, enum hf_rule rule, uint32_t zone,
			   struct hf_wall at)
{
	return scene->arming == NULL ? HF_ARMED_YES
				     : hf_arming_at(scene->arming, hf_rule_arming(rule), zone, at);
}

/* Every event goes out by here: a rule is due, at the moment noted with the stay. */
static void speak(struct hf_scene *scene, enum hf_rule rule, struct hf_stay *stay,
		  const struct hf_track *owner, const struct listener *listener)
{
	const struct hf_config_zone *zone = &scene->config->zones[stay->zone];
	struct hf_fire fire = {
		.rule = rule,
		.zone = zone,
		.stay = stay,
		.track = owner,
		.look = &scene->cameras[zone->camera].look,
		.moment = stay->due[rule],
		.threshold_us = hf_rule_threshold_us(rule, zone, stay->class_name),
		.armed = armed(scene, rule, stay->zone, stay->due[rule].wall),
	};

	/* It was armed when it became due: in doubt, which the clock has lost since. */
	if (fire.armed == HF_ARMED_NO)
		fire.armed = HF_ARMED_CLOCK_UNSYNCED;
	if (hf_rules_judge(&scene->rules, rule, zone, stay, fire.moment.dwell_us, fire.moment.mono,
			   &fire.suppressed_n) == HF_VERDICT_FIRE)
		listener->on_fire(listener->context, &fire);
}

/* The moment for a rule that is due: this one, if none was noted before. False: not armed. */
static bool note_moment(struct hf_scene *scene, struct hf_stay *stay, enum hf_rule rule,
			const struct hf_moment *moment)
{
	if (stay->due[rule].mono.us != 0)
		return true;
	if (armed(scene, rule, stay->zone, moment->wall) == HF_ARMED_NO) {
		hf_rules_pass_over(rule, stay);
		return false;
	}
	stay->due[rule] = *moment;
	return true;
}

/* Time has passed for a stay. */
static void judge_by_time(struct hf_scene *scene, struct hf_stay *stay, const struct hf_tick *tick,
			  const struct listener *listener)
{
	const struct hf_config_zone *zone = &scene->config->zones[stay->zone];
	const struct hf_view *view = &scene->cameras[zone->camera].view;
	const struct hf_track *owner =
		present_owner(&scene->trackers[zone->camera], stay, tick->captured_mono);

	/* So that what is saved of him is not older than this. */
	if (owner != NULL)
		hf_stay_count(stay, view, tick->captured_mono);
	const struct hf_moment moment = {
		.mono = tick->captured_mono,
		.wall = tick->captured_wall,
		.frame = tick->frame,
		.dwell_us = hf_stay_dwell_us(stay, view, tick->captured_mono),
		.blind_us = stay->blind_us + view->blind_us - stay->blind_mark_us,
	};

	for (int i = 0; i < HF_RULE_COUNT; i++) {
		enum hf_rule rule = (enum hf_rule)i;

		/* Who has just come in is judged by looks alone. */
		if (hf_rule_threshold_us(rule, zone, stay->class_name) <= 0 ||
		    !hf_rule_is_due(rule, zone, stay, moment.dwell_us))
			continue;
		if (note_moment(scene, stay, rule, &moment) && owner != NULL)
			speak(scene, rule, stay, owner, listener);
	}
}

static void judge_all_by_time(struct hf_scene *scene, const struct hf_tick *tick,
			      const struct listener *listener)
{
	const struct hf_config *config = scene->config;

	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &scene->stays.list[i];
		uint32_t camera = config->zones[stay->zone].camera;

		if (stay->phase == HF_STAY_INSIDE &&
		    config->cameras[camera].source == tick->source &&
		    !scene->cameras[camera].view.blind)
			judge_by_time(scene, stay, tick, listener);
	}
}

void hf_scene_arm(struct hf_scene *scene, struct hf_arming *arming)
{
	scene->arming = arming;
}

enum hf_code hf_scene_tick(struct hf_scene *scene, const struct hf_tick *tick,
			   hf_scene_on_fire *on_fire, void *context, struct hf_err *err)
{
	if (tick->source >= scene->config->source_count)
		return hf_fail(err, HF_E_INVALID, "tick: source %u of %u", tick->source,
			       scene->config->source_count);
	const struct listener listener = { on_fire, context };
	struct hf_track_rules rules = rules_of(scene->config, 0);
	struct hf_mono settled = hf_mono_add_ms(tick->captured_mono, -HF_SCENE_LAG_MS);

	scene->layouts[tick->source] = tick->layout;
	for (uint32_t i = 0; i < scene->config->camera_count; i++) {
		const struct hf_config_camera *camera = &scene->config->cameras[i];

		if (camera->source != tick->source)
			continue;
		int64_t blind_us = hf_view_tick(&scene->cameras[i].view, tick->captured_mono,
						is_blind(camera, tick));
		if (blind_us > 0)
			hf_tracker_blind(&scene->trackers[i], blind_us, tick->captured_mono);
		hf_tracker_age(&scene->trackers[i], &rules, settled);
		sweep_camera(scene, i, settled);
	}
	judge_all_by_time(scene, tick, &listener);
	return HF_OK;
}

/* He was found inside. */
static void judge_by_look(struct hf_scene *scene, struct hf_stay *stay,
			  const struct hf_sighting *sighting, const struct listener *listener)
{
	const struct hf_config_zone *zone = &scene->config->zones[stay->zone];
	const struct hf_job *job = &scene->cameras[zone->camera].look.job;

	hf_stay_count(stay, sighting->view, sighting->at);
	const struct hf_moment moment = { .mono = sighting->at,
					  .wall = job->captured_wall,
					  .frame = job->frame,
					  .dwell_us = stay->dwell_us,
					  .blind_us = stay->blind_us };
	for (int i = 0; i < HF_RULE_COUNT; i++) {
		enum hf_rule rule = (enum hf_rule)i;

		if (!hf_rule_is_due(rule, zone, stay, stay->dwell_us))
			continue;
		if (note_moment(scene, stay, rule, &moment))
			speak(scene, rule, stay, sighting->track, listener);
	}
}

static void see_track(struct hf_scene *scene, const struct hf_result *result, size_t place,
		      const uint8_t *pixels, const struct listener *listener)
{
	const struct hf_job *job = &result->job;
	const struct hf_track *track = &scene->trackers[job->camera].tracks[place];
	struct hf_sighting sighting = { .at = job->captured_mono,
					.tile_width = job->width,
					.tile_height = job->height,
					.tracker = &scene->trackers[job->camera],
					.track = track,
					.class_name = hf_result_class(result, track->class_index),
					.colours = &track->colours,
					.view = &scene->cameras[job->camera].view };

	if (pixels != NULL && !track->doubt.on)
		hf_thumbs_see(scene->thumbs, job->camera, track->id, pixels, job->width,
			      job->height, track->box, track->score);
	for (uint32_t zone = 0; zone < scene->config->zone_count; zone++) {
		if (scene->config->zones[zone].camera != job->camera)
			continue;
		struct hf_stay *stay = hf_stays_see(&scene->stays, scene->config, zone, &sighting);
		if (stay != NULL)
			judge_by_look(scene, stay, &sighting, listener);
	}
}

/* Another model pack: the numbers of classes mean something else from here on. */
static void take_classes(struct hf_scene *scene, const struct hf_result *result)
{
	if (scene->class_count == result->class_count &&
	    memcmp(scene->classes, result->classes, sizeof scene->classes) == 0)
		return;
	if (scene->class_count > 0)
		for (uint32_t i = 0; i < scene->config->camera_count; i++)
			hf_tracker_forget(&scene->trackers[i]);
	scene->class_count = result->class_count;
	memcpy(scene->classes, result->classes, sizeof scene->classes);
}

static bool is_followed(const struct hf_scene *scene, uint32_t camera, const char *class_name)
{
	for (uint32_t i = 0; i < scene->config->zone_count; i++) {
		const struct hf_config_zone *zone = &scene->config->zones[i];

		if (zone->camera == camera && hf_config_loitering_of(zone, class_name) != NULL)
			return true;
	}
	return false;
}

static uint32_t select_followed(struct hf_scene *scene, const struct hf_result *result)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < result->detection_count; i++) {
		const struct hf_detection *found = &result->detections[i];

		if (found->class_index == 0 ||
		    is_followed(scene, result->job.camera,
				hf_result_class(result, found->class_index)))
			scene->followed[count++] = *found;
	}
	return count;
}

/* A weak detection is half a person, or none. */
static void take_colours(struct hf_scene *scene, const struct hf_job *job,
			 const struct hf_track_rules *rules, const uint8_t *pixels, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct hf_detection *found = &scene->followed[i];
		const struct hf_box box = { .x = (double)found->x,
					    .y = (double)found->y,
					    .width = (double)found->width,
					    .height = (double)found->height };

		scene->colours[i] = (struct hf_colours){ 0 };
		if ((double)found->score >= rules->score_high)
			scene->colours[i] = hf_colours_take(pixels, job->width, job->height, box);
	}
}

static void keep_look(struct hf_scene_look *look, const struct hf_result *result)
{
	look->job = result->job;
	look->inference_us = result->inference_us;
	memcpy(look->model_tag, result->model_tag, sizeof look->model_tag);
}

enum hf_code hf_scene_result(struct hf_scene *scene, const struct hf_result *result,
			     const uint8_t *pixels, hf_scene_on_fire *on_fire, void *context,
			     enum hf_scene_answer *ret_answer, struct hf_err *err)
{
	const struct hf_job *job = &result->job;

	if (job->camera >= scene->config->camera_count ||
	    scene->config->cameras[job->camera].source != job->source)
		return hf_fail(err, HF_E_INVALID, "result: no camera %u of source %u", job->camera,
			       job->source);
	const struct listener listener = { on_fire, context };
	struct hf_tracker *tracker = &scene->trackers[job->camera];
	struct hf_track_rules rules = rules_of(scene->config, (double)result->score_threshold);

	if (result->failed != 0) {
		*ret_answer = HF_SCENE_FAILED;
		return HF_OK;
	}
	if (is_stale(scene, job)) {
		*ret_answer = HF_SCENE_STALE;
		return HF_OK;
	}
	take_classes(scene, result);
	uint32_t count = select_followed(scene, result);
	take_colours(scene, job, &rules, pixels, count);
	if (!hf_tracker_look(tracker, &rules, job->captured_mono, job->width, job->height,
			     scene->followed, scene->colours, count)) {
		*ret_answer = HF_SCENE_LATE;
		return HF_OK;
	}
	*ret_answer = HF_SCENE_LOOKED;
	if (!scene->cameras[job->camera].has_zones)
		return HF_OK;
	keep_look(&scene->cameras[job->camera].look, result);
	sweep_camera(scene, job->camera, job->captured_mono);
	for (size_t i = 0; i < HF_TRACKS_MAX; i++)
		if (tracker->tracks[i].id != 0 && tracker->tracks[i].hit_now)
			see_track(scene, result, i, pixels, &listener);
	return HF_OK;
}

struct hf_stays *hf_scene_stays(struct hf_scene *scene)
{
	return &scene->stays;
}

struct hf_rules *hf_scene_rules(struct hf_scene *scene)
{
	return &scene->rules;
}

const struct hf_tracker *hf_scene_tracker(const struct hf_scene *scene, uint32_t camera)
{
	HF_ASSERT(camera < scene->config->camera_count);
	return &scene->trackers[camera];
}

const struct hf_view *hf_scene_view(const struct hf_scene *scene, uint32_t camera)
{
	HF_ASSERT(camera < scene->config->camera_count);
	return &scene->cameras[camera].view;
}
