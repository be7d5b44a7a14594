/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * scene - all cameras of the unit: ticks and results go in, fired rules come out.
 *
 * Shape       One tracker and one view a camera, the stays and the rules.
 *             Every time in here is a capture time; nothing reads a clock, so
 *             a recorded clip gives the same events at any speed. People are
 *             followed, and of other classes those that a zone of the camera
 *             has a threshold for.
 *
 * On time     Dwell goes on with the ticks, because somebody who stands still
 *             is looked at twice a second or less often. The tick on which a
 *             stay becomes long enough is the event's moment. It fires at once
 *             when its owner was found in the last look, and that is at most
 *             HF_SCENE_PRESENT_MS old; else with the next look that finds him,
 *             with the same moment. One who had left by then does not fire.
 *
 * Order       Results of one camera are taken in order of capture. Ingest has
 *             one tile of a camera under way as a rule, so two workers rarely
 *             overtake one another: a result that is not newer than the last
 *             one is dropped and counted (LATE). Waiting for it instead would
 *             delay every other look.
 *             While the layout is changing, tracks wait: a result captured
 *             then, or under another layout than the one in force, is not used
 *             (STALE), because its tile may show another camera. So is one
 *             from a tile that is blind (hf_tick.blind_mask), and nothing
 *             fires there: a frozen picture of somebody is nobody who loiters.
 *
 * Owners      Configuration, thumbnails and arming are borrowed for the scene's life.
 */
#include "respond/rules.h"
#include "respond/thumb.h"

enum {
	/* Results come later than the tick of their frame: what ends with time ends so much
	 * later when no result says so. */
	HF_SCENE_LAG_MS = 2000,
	HF_SCENE_PRESENT_MS = 1000,
};

struct hf_scene;

/* The last look at a camera. */
struct hf_scene_look {
	struct hf_job job;
	uint64_t inference_us;
	char model_tag[HF_TAG_BYTES];
};

/* A rule that fired. Borrowed, valid for the call. */
struct hf_fire {
	enum hf_rule rule;
	const struct hf_config_zone *zone;
	const struct hf_stay *stay;
	const struct hf_track *track;     /* who, as found in ... */
	const struct hf_scene_look *look; /* ... which may be older than the moment, or younger */
	struct hf_moment moment;          /* the frame, and dwell and blind time up to it */
	int64_t threshold_us;
	uint32_t suppressed_n;
	enum hf_armed armed; /* never NO; else armed, or in doubt */
};

typedef void hf_scene_on_fire(void *context, const struct hf_fire *fire);

enum hf_scene_answer {
	HF_SCENE_LOOKED,
	HF_SCENE_FAILED, /* the detector had no look: no news of anybody */
	HF_SCENE_LATE,
	HF_SCENE_STALE,
};

enum hf_code hf_scene_new(const struct hf_config *config, struct hf_thumbs *thumbs, uint64_t boot,
			  uint64_t run, uint64_t stay_next, struct hf_scene **ret_scene,
			  struct hf_err *err) HF_MUST_CHECK;
void hf_scene_free(struct hf_scene *scene); /* NULL is fine */

/* The hours at which rules speak; without them every rule is always armed. */
void hf_scene_arm(struct hf_scene *scene, struct hf_arming *arming);

/* After hf_tick_check() and hf_result_check(): HF_E_INVALID when it names a source or camera
 * that is not in the configuration. */
enum hf_code hf_scene_tick(struct hf_scene *scene, const struct hf_tick *tick,
			   hf_scene_on_fire *on_fire, void *context,
			   struct hf_err *err) HF_MUST_CHECK;

/* Would pixels be of use? */
bool hf_scene_wants_pixels(const struct hf_scene *scene, const struct hf_result *result);

/* pixels: the whole tile, or NULL when they could not be read. */
enum hf_code hf_scene_result(struct hf_scene *scene, const struct hf_result *result,
			     const uint8_t *pixels, hf_scene_on_fire *on_fire, void *context,
			     enum hf_scene_answer *ret_answer, struct hf_err *err) HF_MUST_CHECK;

/* For save and restore. */
struct hf_stays *hf_scene_stays(struct hf_scene *scene);
struct hf_rules *hf_scene_rules(struct hf_scene *scene);

/* For a look from outside. camera < config.camera_count. */
const struct hf_tracker *hf_scene_tracker(const struct hf_scene *scene, uint32_t camera);
const struct hf_view *hf_scene_view(const struct hf_scene *scene, uint32_t camera);
