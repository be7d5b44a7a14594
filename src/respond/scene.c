/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/scene.h"

#include "base/assert.h"

#include <stdlib.h>

struct source {
	struct hf_view view;
	uint32_t layout; /* enum hf_layout, UNKNOWN before the first tick */
};

struct hf_scene {
	const struct hf_config *config;
	struct hf_thumbs *thumbs;
	struct hf_arming *arming; /* NULL: always */
	struct hf_stays stays;
	struct hf_rules rules;
	struct source sources[HF_SOURCES_MAX];
	bool has_zones[HF_CAMERAS_MAX];
	struct hf_tracker trackers[]; /* one a camera */
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
	if (scene->has_zones[camera])
		hf_stays_sweep(&scene->stays, scene->config, camera, &scene->trackers[camera],
			       &scene->sources[scene->config->cameras[camera].source].view, now);
}

static bool is_stale(const struct source *source, const struct hf_job *job)
{
	const struct hf_view *view = &source->view;

	if (view->paused && !hf_mono_before(job->captured_mono, view->paused_since))
		return true;
	return source->layout != HF_LAYOUT_UNKNOWN && job->layout != source->layout;
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
	scene->config = config;
	scene->thumbs = thumbs;
	hf_stays_reset(&scene->stays, boot, run, stay_next);
	for (uint32_t i = 0; i < config->camera_count; i++)
		hf_tracker_reset(&scene->trackers[i]);
	for (uint32_t i = 0; i < config->zone_count; i++)
		scene->has_zones[config->zones[i].camera] = true;
	*ret_scene = scene;
	return HF_OK;
}

void hf_scene_free(struct hf_scene *scene)
{
	free(scene);
}

void hf_scene_arm(struct hf_scene *scene, struct hf_arming *arming)
{
	scene->arming = arming;
}

enum hf_code hf_scene_tick(struct hf_scene *scene, const struct hf_tick *tick, struct hf_err *err)
{
	if (tick->source >= scene->config->source_count)
		return hf_fail(err, HF_E_INVALID, "tick: source %u of %u", tick->source,
			       scene->config->source_count);
	struct source *source = &scene->sources[tick->source];
	int64_t blind_us = hf_view_tick(&source->view, tick->captured_mono, tick->paused != 0);
	struct hf_track_rules rules = rules_of(scene->config, 0);
	struct hf_mono settled = hf_mono_add_ms(tick->captured_mono, -HF_SCENE_LAG_MS);

	source->layout = tick->layout;
	for (uint32_t i = 0; i < scene->config->camera_count; i++) {
		if (scene->config->cameras[i].source != tick->source)
			continue;
		if (blind_us > 0)
			hf_tracker_blind(&scene->trackers[i], blind_us, tick->captured_mono);
		hf_tracker_age(&scene->trackers[i], &rules, settled);
		sweep_camera(scene, i, settled);
	}
	return HF_OK;
}

bool hf_scene_wants_pixels(const struct hf_scene *scene, const struct hf_result *result)
{
	return result->detection_count > 0 && result->failed == 0 &&
	       result->job.camera < scene->config->camera_count &&
	       scene->has_zones[result->job.camera];
}

static enum hf_armed armed(struct hf_scene *scene, enum hf_rule rule, uint32_t zone,
			   struct hf_wall at)
{
	return scene->arming == NULL ? HF_ARMED_YES
				     : hf_arming_at(scene->arming, hf_rule_arming(rule), zone, at);
}

static void judge(struct hf_scene *scene, struct hf_stay *stay, const struct hf_sighting *sighting,
		  const struct hf_result *result, hf_scene_on_fire *on_fire, void *context)
{
	const struct hf_config_zone *zone = &scene->config->zones[stay->zone];

	for (int rule = 0; rule < HF_RULE_COUNT; rule++) {
		struct hf_fire fire = { .rule = (enum hf_rule)rule,
					.zone = zone,
					.result = result,
					.track = sighting->track,
					.stay = stay->id,
					.armed = armed(scene, (enum hf_rule)rule, stay->zone,
						       result->job.captured_wall) };

		if (fire.armed == HF_ARMED_NO) {
			hf_rules_pass_over(fire.rule, stay);
			continue;
		}
		if (hf_rules_judge(&scene->rules, fire.rule, zone, stay, sighting->at,
				   &fire.suppressed_n) != HF_VERDICT_FIRE)
			continue;
		hf_stay_count(stay, sighting->view, sighting->at);
		fire.dwell_s = (double)stay->dwell_us / 1e6;
		fire.blind_s = (double)stay->blind_us / 1e6;
		on_fire(context, &fire);
	}
}

static void see_track(struct hf_scene *scene, const struct hf_result *result,
		      const struct hf_track *track, const uint8_t *pixels,
		      hf_scene_on_fire *on_fire, void *context)
{
	const struct hf_job *job = &result->job;
	struct hf_colours colours = hf_colours_take(pixels, job->width, job->height, track->box);
	struct hf_sighting sighting = { .at = job->captured_mono,
					.tile_width = job->width,
					.tile_height = job->height,
					.tracker = &scene->trackers[job->camera],
					.track = track,
					.colours = &colours,
					.view = &scene->sources[job->source].view };

	if (pixels != NULL)
		hf_thumbs_see(scene->thumbs, job->camera, track->id, pixels, job->width,
			      job->height, track->box, track->score);
	for (uint32_t zone = 0; zone < scene->config->zone_count; zone++) {
		if (scene->config->zones[zone].camera != job->camera)
			continue;
		struct hf_stay *stay = hf_stays_see(&scene->stays, scene->config, zone, &sighting);
		if (stay != NULL)
			judge(scene, stay, &sighting, result, on_fire, context);
	}
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
	struct hf_tracker *tracker = &scene->trackers[job->camera];
	struct hf_track_rules rules = rules_of(scene->config, (double)result->score_threshold);

	if (result->failed != 0) {
		*ret_answer = HF_SCENE_FAILED;
		return HF_OK;
	}
	if (is_stale(&scene->sources[job->source], job)) {
		*ret_answer = HF_SCENE_STALE;
		return HF_OK;
	}
	if (!hf_tracker_look(tracker, &rules, job->captured_mono, job->width, job->height,
			     result->detections, result->detection_count)) {
		*ret_answer = HF_SCENE_LATE;
		return HF_OK;
	}
	*ret_answer = HF_SCENE_LOOKED;
	if (!scene->has_zones[job->camera])
		return HF_OK;
	sweep_camera(scene, job->camera, job->captured_mono);
	for (size_t i = 0; i < HF_TRACKS_MAX; i++)
		if (tracker->tracks[i].id != 0 && tracker->tracks[i].hit_now)
			see_track(scene, result, &tracker->tracks[i], pixels, on_fire, context);
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
