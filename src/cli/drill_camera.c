/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cameras and sources. What a recorder shows is in the clip; when that comes onto the screen is
 * reckoned from the number of frames that the unit says it has seen. A source goes when its file
 * is taken away: that is noticed when the clip begins again.
 */
#include "cli/drill.h"

#include "base/auto.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
	FRAME_MS = 1000 / DRILL_CLIP_FPS,
	LOOK_MS = 4000,  /* the statistics come once a second */
	ACTED_MS = 6000, /* the promise */
	NOTICE_MS = 20000,
	SILENT_BEFORE = 100,
	SILENT_DURING = 90,
	SILENT_AFTER = 500,
	FROZEN_BEFORE = 300, /* what noise each camera has is learned first */
	FROZEN_DURING = 300,
	FROZEN_AFTER = 450,
	FROZEN_MS = 40000,
	CLIP_FRAMES = 50,
	OVER_MS = 150000,
	GONE_FOR_MS = 20000,
	SAFE_MS = 420000,
};

static int64_t frames_of(const struct drill *drill, uint32_t source)
{
	return drill_worker(drill, HF_ROLE_INGEST, source, true, "frames", -1);
}

/* When the first frame was shown; too late by a frame at most. */
static int64_t clip_began_ms(struct drill *drill, uint32_t source)
{
	int64_t end_ms = drill_now_ms() + LOOK_MS, began_ms = INT64_MAX;

	while (drill_now_ms() < end_ms && !drill_interrupted()) {
		int64_t frames = frames_of(drill, source);
		int64_t ms = drill_now_ms() - frames * FRAME_MS;

		if (frames > 0 && ms < began_ms)
			began_ms = ms;
		drill_wait(drill, FRAME_MS / 2);
	}
	return began_ms;
}

/* The next time that the clip comes to this frame. */
static int64_t next_time_of(int64_t began_ms, uint32_t frame, uint32_t frames)
{
	int64_t at_ms = began_ms + (int64_t)frame * FRAME_MS;

	while (at_ms <= drill_now_ms())
		at_ms += (int64_t)frames * FRAME_MS;
	return at_ms;
}

static const struct drill_event *first_act(struct drill *drill, const char *key, const char *value,
					   int64_t timeout_ms)
{
	return drill_await(drill, drill->fault_ms, timeout_ms, "mode_engaged", key, value, "action",
			   "hold_camera");
}

/* Of a source, since it was counted last: what should have come and did not. */
static int64_t frames_lost(int64_t from_ms, int64_t to_ms, int64_t before, int64_t after)
{
	int64_t due = (to_ms - from_ms) / FRAME_MS;
	/* The statistics are up to a second old, at both ends. */
	int64_t lost = due - (after - before) - DRILL_CLIP_FPS - 1;

	return before < 0 || after < 0 ? -1 : lost > 0 ? lost : 0;
}

static void expect_only(struct drill *drill, const char *camera)
{
	for (uint32_t i = 0; i < drill->event_count; i++) {
		const struct drill_event *event = &drill->events[i];
		const char *name = json_string_value(json_object_get(event->attrs, "camera"));

		if (strcmp(event->event_class, "reason_entered") == 0 && name != NULL &&
		    event->mono_ms >= drill->fault_ms)
			(void)drill_expect(drill, strcmp(name, camera) == 0,
					   "%s was held responsible, too", name);
	}
}

static const struct sick_camera {
	struct drill_clip clip;
	const char *what;
	const char *reason;
	const char *measured;
	int64_t promised_ms;
} sick_cameras[] = {
	{ { .side = 2,
	    .before = SILENT_BEFORE,
	    .during = SILENT_DURING,
	    .after = SILENT_AFTER,
	    .scene = DRILL_SCENE_SILENT },
	  "camera 2 is away: the recorder shows blue",
	  "camera_lost",
	  "camera loss acted on",
	  ACTED_MS },
	{ { .side = 2,
	    .before = FROZEN_BEFORE,
	    .during = FROZEN_DURING,
	    .after = FROZEN_AFTER,
	    .scene = DRILL_SCENE_FROZEN },
	  "camera 2 is frozen: one picture again and again",
	  "camera_frozen",
	  "frozen camera acted on",
	  FROZEN_MS },
};

void drill_camera(struct drill *drill)
{
	const struct sick_camera *sick = &sick_cameras[drill->kind->argument];
	const struct drill_clip clip = sick->clip;
	struct drill_wants wants = { .clip = clip };
	const uint32_t frames = clip.before + clip.during + clip.after;

	if (drill->options->sabotage)
		wants.clip.scene = DRILL_SCENE_CALM;
	if (!drill_start(drill, &wants))
		return;
	pid_t ingest = drill_pid_of(drill, HF_ROLE_INGEST, 0);
	int64_t at_ms = next_time_of(clip_began_ms(drill, 0), clip.before, frames);
	while (drill_now_ms() < at_ms && !drill_interrupted())
		drill_wait(drill, at_ms - drill_now_ms() < 100 ? at_ms - drill_now_ms() : 100);
	(void)drill_inject(drill, "%s", sick->what);
	int64_t before = frames_of(drill, 0);
	const struct drill_event *entered =
		drill_await(drill, drill->fault_ms, sick->promised_ms + NOTICE_MS, "reason_entered",
			    "reason", sick->reason, "camera", "camera 2");
	(void)drill_expect(drill, entered != NULL, "no event says %s camera 2", sick->reason);
	const struct drill_event *held = first_act(drill, "camera", "camera 2", NOTICE_MS);
	(void)drill_expect(drill, held != NULL, "nothing was done about camera 2");
	drill_measure(drill, sick->measured, sick->promised_ms,
		      held != NULL ? held->mono_ms - drill->fault_ms : -1, "ms");
	int64_t counted_ms = drill_now_ms();
	drill_measure(drill, "frames of the others lost by it", 0,
		      frames_lost(drill->fault_ms, counted_ms, before, frames_of(drill, 0)),
		      "frames");
	(void)drill_expect(drill, drill_pid_of(drill, HF_ROLE_INGEST, 0) == ingest,
			   "ingest was restarted, which takes all cameras away");
	if (held != NULL && strcmp(drill->seen_state, "healthy") == 0)
		(void)drill_await_state(drill, "degraded", 1000);
	drill_conclude(drill, "degraded healthy", OVER_MS);
	expect_only(drill, "camera 2");
	drill_expect_no_more_than(drill, "hold_camera");
}

/* ---- sources ---- */

static bool take_away(struct drill *drill, const char *name, bool back)
{
	char there[HF_PATH_BYTES + 64], away[HF_PATH_BYTES + 80];

	(void)snprintf(there, sizeof there, "%s/%s", drill->unit.folder, name);
	(void)snprintf(away, sizeof away, "%s.away", there);
	if (rename(back ? away : there, back ? there : away) == 0)
		return true;
	drill_fail(drill, "move %s: %s", there, strerror(errno));
	return false;
}

/* One source of two. */
void drill_source_lost(struct drill *drill)
{
	const struct drill_wants wants = { .two_sources = true };

	if (!drill_start(drill, &wants))
		return;
	pid_t other = drill_pid_of(drill, HF_ROLE_INGEST, 1);
	int64_t at_ms = next_time_of(clip_began_ms(drill, 0), 0, CLIP_FRAMES);
	if (!drill->options->sabotage && !take_away(drill, "clip.avi", false))
		return;
	while (drill_now_ms() < at_ms && !drill_interrupted())
		drill_wait(drill, at_ms - drill_now_ms() < 100 ? at_ms - drill_now_ms() : 100);
	(void)drill_inject(drill, "the source with four of five cameras is away");
	int64_t before = frames_of(drill, 1);
	const struct drill_event *held = first_act(drill, NULL, NULL, NOTICE_MS);
	(void)drill_expect(drill, held != NULL, "nothing was done about its cameras");
	drill_measure(drill, "camera loss acted on", ACTED_MS,
		      held != NULL ? held->mono_ms - drill->fault_ms : -1, "ms");
	(void)drill_expect(drill,
			   drill_await(drill, drill->fault_ms, NOTICE_MS, "action_done", "action",
				       "restart_worker", "source", "dvr") != NULL,
			   "its reader was not started anew");
	drill_wait(drill, GONE_FOR_MS);
	int64_t counted_ms = drill_now_ms();
	drill_measure(drill, "frames of the others lost by it", 0,
		      frames_lost(drill->fault_ms, counted_ms, before, frames_of(drill, 1)),
		      "frames");
	(void)drill_expect(drill, drill_pid_of(drill, HF_ROLE_INGEST, 1) == other,
			   "the other source's reader was restarted, too");
	if (!drill->options->sabotage && !take_away(drill, "clip.avi", true))
		return;
	drill_lasts(drill, drill_now_ms());
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "it is back");
	drill_conclude(drill, "degraded recovering healthy", OVER_MS);
	drill_expect_no_more_than(drill, "hold_camera restart_worker");
}

void drill_cameras_gone(struct drill *drill)
{
	const struct drill_wants wants = { .two_sources = true };

	if (!drill_start(drill, &wants))
		return;
	if (drill_inject(drill, "both sources are away: no camera at all") &&
	    (!take_away(drill, "clip.avi", false) || !take_away(drill, "gate.avi", false)))
		return;
	bool safe = drill_await_state(drill, "safe_mode",
				      drill->options->sabotage ? NOTICE_MS : SAFE_MS);
	(void)drill_expect(drill, safe, "without any camera it is %s, not in safe mode",
			   drill->seen_state);
	drill_measure(drill, "no camera at all to safe mode", SAFE_MS,
		      safe ? drill_now_ms() - drill->fault_ms : -1, "ms");
	(void)drill_expect(drill,
			   drill_find(drill, drill->fault_ms, "action_done", "action",
				      "restart_group", NULL, NULL) != NULL,
			   "those that see were not restarted before");
	if (!drill->options->sabotage &&
	    (!take_away(drill, "clip.avi", true) || !take_away(drill, "gate.avi", true)))
		return;
	drill_fact(drill, DRILL_FAULT, drill_now_ms(), "both are back");
	/* By itself it would leave after half an hour; an operator need not wait. */
	bool cleared = false;
	for (int64_t end_ms = drill_now_ms() + OVER_MS;
	     safe && !cleared && drill_now_ms() < end_ms && !drill_interrupted();) {
		drill_wait(drill, 1000);
		cleared = drill_command(drill, HF_OPERATOR_SAFE_CLEAR, "drill: cameras are back");
	}
	(void)drill_expect(drill, cleared || !safe, "safe mode could not be cleared");
	/* It takes two minutes until those that see have been started anew without avail. */
	drill_conclude(drill, "degraded recovering healthy safe_mode", OVER_MS * 2);
	drill_expect_no_more_than(drill, "hold_camera restart_worker retry_worker restart_group "
					 "safe_mode");
}
