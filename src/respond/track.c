/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method. A look: every track is moved to where it should be by now; confirmed tracks are
 * paired with strong detections; those left, if seen lately, with weak ones; tentative tracks
 * with the strong ones left; what is left of these starts tracks.
 *
 * SORT's 7 x 7 matrices couple each position with its own velocity and nothing else, so the
 * filter falls apart into independent filters of two numbers each: foot x, foot y, height (the
 * aspect ratio has no velocity). Same result, no matrices. Noise grows with time instead of
 * with frames, and is scaled by the person's height.
 */
#include "respond/track.h"

#include "base/assert.h"
#include "respond/assign.h"

#include <string.h>

_Static_assert((int)HF_TRACKS_MAX <= (int)HF_ASSIGN_MAX, "all tracks can be paired");
_Static_assert((int)HF_DETECTIONS_MAX <= (int)HF_ASSIGN_MAX, "all detections can be paired");

/* In heights of the box; people walk at about 0.8 heights a second. */
static const double jitter = 0.07;        /* of a detection, standard deviation */
static const double small_surplus = 0.1;  /* of score, for what is small to start a track */
static const double velocity_first = 1.0; /* a second; not known at the first hit */
static const double acceleration = 0.7;   /* density: change of velocity within a second */
static const double growth = 0.2;         /* the same, of the height */
static const double coast_s_max = 1.0;    /* a guess goes on for so long, then stays where it is */
static const double gate_now = 0.6;       /* how far a detection may be from the guess ... */
static const double gate_growth = 0.9;    /* ... and how much more a second since the last hit */
static const double gate_max = 2.0;
static const double gate_standing = 0.5;  /* for one kept only because he stood still */
static const double speed_standing = 0.5; /* below it, a second */
static const double iou_min = 0.2;
static const double iou_min_weak = 0.5; /* noise is everywhere, and people are not */
static const double height_ratio_max = 2.0;
static const double contained_max = 0.7; /* share of a box in another: the same person */
static const double speed_leaving = 0.3; /* towards the edge of the picture, a second */
static const double below_edge = 0.25;   /* of the height: so far a foot leaves the picture */

static const double colours_share = 0.3;   /* of the cost of a pair */
static const double colours_scale = 0.5;   /* a correlation so far below 1 costs all of it */
static const double colours_unsaid = 0.06; /* when one of them is not known */
static const double colours_odd = 0.85;    /* below it one look calls for others */
static const double height_like = 0.25;    /* of it: else a part of the body is hidden */
static const double near_by = 0.6;         /* feet so near: it may be the other one */
static const double covered_max = 0.2;     /* of a box by others: not his colours alone */

enum {
	COLOUR_LOOKS_MIN = 3, /* to know what somebody wears */
	GONE_LOOKS_MIN = 2,   /* out of sight: so many looks in vain ... */
	GONE_MS = 400,        /* ... and for so long */
	WATCH_MS = 1000,
	DOUBT_MS = 2000,
	CONFIRM_MS = 1000,
	WEAK_RUN_FREE = 3, /* looks, however rare */
	MISSES_MIN = 2,    /* looks in vain before one who stood still is gone */
};

static double seconds(struct hf_mono from, struct hf_mono to)
{
	return (double)hf_mono_diff_us(to, from) / 1e6;
}

static void axis_start(struct hf_track_axis *axis, double at, double height, double first)
{
	*axis = (struct hf_track_axis){ .at = at,
					.p_at = pow(jitter * height, 2),
					.p_velocity = pow(first * height, 2) };
}

static void axis_predict(struct hf_track_axis *axis, double dt, double moving_dt, double density)
{
	axis->at += axis->velocity * moving_dt;
	axis->p_at +=
		2 * dt * axis->p_cross + dt * dt * axis->p_velocity + density * dt * dt * dt / 3;
	axis->p_cross += dt * axis->p_velocity + density * dt * dt / 2;
	axis->p_velocity += density * dt;
}

static void axis_correct(struct hf_track_axis *axis, double seen, double noise)
{
	double total = axis->p_at + noise;
	double gain_at = axis->p_at / total, gain_velocity = axis->p_cross / total;
	double surprise = seen - axis->at;

	axis->at += gain_at * surprise;
	axis->velocity += gain_velocity * surprise;
	axis->p_velocity -= gain_velocity * axis->p_cross;
	axis->p_cross *= 1 - gain_at;
	axis->p_at *= 1 - gain_at;
}

static void predict(struct hf_track *track, struct hf_mono now)
{
	double dt = seconds(track->predicted, now);
	double coasted = fmin(seconds(track->hit, track->predicted), coast_s_max);
	double moving_dt = fmin(dt, coast_s_max - coasted);
	double height = track->box.height;
	double density = pow(acceleration * height, 2);

	axis_predict(&track->foot_x, dt, moving_dt, density);
	axis_predict(&track->foot_y, dt, moving_dt, density);
	axis_predict(&track->height, dt, 0, pow(growth * height, 2));
	track->predicted = now;
}

static struct hf_box predicted_box(const struct hf_track *track)
{
	double height = fmax(track->height.at, 1);
	double width = height * track->aspect;

	return (struct hf_box){ .x = track->foot_x.at - width / 2,
				.y = track->foot_y.at - height,
				.width = width,
				.height = height };
}

static struct hf_box box_of(const struct hf_detection *detection)
{
	return (struct hf_box){ .x = (double)detection->x,
				.y = (double)detection->y,
				.width = (double)detection->width,
				.height = (double)detection->height };
}

static int64_t unseen_us(const struct hf_track *track, struct hf_mono now)
{
	return hf_mono_diff_us(now, track->hit) - track->blind_us;
}

/* What happened before this does not count towards a confirmation any more. */
static struct hf_mono window_start(const struct hf_tracker *tracker, unsigned confirm_hits,
				   struct hf_mono now)
{
	struct hf_mono start = hf_mono_add_ms(now, -CONFIRM_MS);
	uint64_t back = confirm_hits;

	if (back >= tracker->look_count)
		back = tracker->look_count > 0 ? tracker->look_count - 1 : 0;
	if (tracker->look_count > 0) {
		struct hf_mono look =
			tracker->looks[(tracker->look_count - 1 - back) % HF_TRACK_LOOKS_KEPT];

		if (hf_mono_before(look, start))
			start = look;
	}
	return start;
}

static void count_hit(struct hf_track *track, const struct hf_track_rules *rules,
		      struct hf_mono now, struct hf_mono window)
{
	track->strong = now;
	track->weak_run = 0;
	track->hits[track->hit_count % HF_TRACK_HITS_MAX] = now;
	track->hit_count++;
	if (track->hit_count < rules->confirm_hits)
		return;
	struct hf_mono oldest =
		track->hits[(track->hit_count - rules->confirm_hits) % HF_TRACK_HITS_MAX];
	if (!hf_mono_before(oldest, window))
		track->confirmed = true;
}

/* A look can be told after the blind time that came behind it. */
static int64_t blind_after(const struct hf_tracker *tracker, const struct hf_track *track,
			   struct hf_mono at)
{
	int64_t since_us = hf_mono_diff_us(tracker->blind_until, at);

	if (since_us <= 0)
		return 0;
	return since_us < track->blind_us ? since_us : track->blind_us;
}

static void hit(const struct hf_tracker *tracker, struct hf_track *track,
		const struct hf_detection *detection, struct hf_mono now)
{
	struct hf_box box = box_of(detection);
	struct hf_foot foot = hf_box_foot(box);
	double noise = pow(jitter * box.height, 2);

	axis_correct(&track->foot_x, foot.x, noise);
	axis_correct(&track->foot_y, foot.y, noise);
	axis_correct(&track->height, box.height, noise);
	track->aspect += 0.3 * (box.width / box.height - track->aspect);
	track->speed =
		hypot(track->foot_x.velocity, track->foot_y.velocity) / fmax(track->height.at, 1);
	track->box = box;
	track->score = (double)detection->score;
	track->hit = now;
	track->blind_us = blind_after(tracker, track, now);
	track->misses = 0;
	track->hit_now = true;
}

/* Is as much of him to be seen as before? */
static bool is_whole(const struct hf_track *track, struct hf_box box)
{
	return fabs(box.height - track->height.at) <= height_like * fmax(track->height.at, 1);
}

static double cost_of_colours(const struct hf_track *track, struct hf_box box,
			      const struct hf_colours *colours)
{
	if (colours == NULL || !colours->known || track->colour_looks < COLOUR_LOOKS_MIN ||
	    !is_whole(track, box))
		return colours_unsaid;
	double unlike = 1 - hf_colours_correlation(&track->colours, colours);
	return colours_share * fmin(1, unlike / colours_scale);
}

static float cost_of(const struct hf_track *track, const struct hf_track_rules *rules,
		     const struct hf_detection *detection, const struct hf_colours *colours,
		     struct hf_mono now, bool strong)
{
	struct hf_box guess = predicted_box(track), box = box_of(detection);
	double gate = fmin(gate_max, gate_now + gate_growth * seconds(track->hit, now));
	double ratio = guess.height / box.height;
	double iou = hf_box_iou(guess, box), apart = hf_box_apart(guess, box);

	if (unseen_us(track, now) > rules->lost_ms * 1000)
		gate = gate_standing;
	bool near = apart <= gate && ratio <= height_ratio_max && ratio >= 1 / height_ratio_max;
	if (track->class_index != detection->class_index)
		return HF_ASSIGN_NEVER;
	if (strong ? !near && iou < iou_min : iou < iou_min_weak)
		return HF_ASSIGN_NEVER;
	/* Squares: one large error costs more than two small ones. Below 1 by the IoU's share. */
	double away = fmin(1, apart / gate);
	double path = 0.8 * away * away + 0.2 * (1 - iou);
	return (float)fmin((1 - colours_share) * path + cost_of_colours(track, box, colours),
			   0.999);
}

/* Who is in a stage: indices of tracks and of detections. */
struct stage {
	size_t track_count, detection_count;
	size_t tracks[HF_TRACKS_MAX];
	size_t detections[HF_DETECTIONS_MAX];
};

struct look {
	const struct hf_track_rules *rules;
	struct hf_mono now, window;
	const struct hf_detection *detections;
	const struct hf_colours *colours;
	uint32_t count;
	bool used[HF_DETECTIONS_MAX];
};

static const struct hf_colours *colours_at(const struct look *look, size_t index)
{
	return look->colours == NULL ? NULL : &look->colours[index];
}

/* Is nobody else in this box? Weak detections, and those of his own parts, are nobody. */
static bool stands_free(const struct look *look, size_t index)
{
	struct hf_box box = box_of(&look->detections[index]);
	double size = box.width * box.height, covered = 0;

	for (uint32_t i = 0; i < look->count; i++) {
		struct hf_box other = box_of(&look->detections[i]);
		double both = hf_box_overlap(box, other);

		if (i != index && (double)look->detections[i].score >= look->rules->score_high &&
		    both < contained_max * fmin(size, other.width * other.height))
			covered += both;
	}
	return covered <= covered_max * size;
}

/* Is there another one here, or was a moment ago, who could be taken for this one? */
static bool is_met(const struct hf_tracker *tracker, const struct hf_track *track,
		   struct hf_mono now)
{
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		const struct hf_track *other = &tracker->tracks[i];

		if (other->id == 0 || other == track ||
		    hf_mono_diff_us(now, other->hit) > (int64_t)WATCH_MS * 1000)
			continue;
		if (hf_box_apart(track->box, other->box) < near_by)
			return true;
	}
	return false;
}

/* A new number, born where and when the doubt began. */
static void renew(struct hf_tracker *tracker, struct hf_track *track)
{
	track->id = tracker->next_id++;
	track->birth = track->doubt.box;
	track->born = track->doubt.since;
	track->colours = track->doubt.colours;
	track->colour_looks = track->doubt.looks;
}

/* In doubt: is it himself, or are these looks enough to say that it is not? */
static void judge_doubt(struct hf_tracker *tracker, struct hf_track *track,
			const struct hf_colours *colours, struct hf_mono now)
{
	struct hf_track_doubt *doubt = &track->doubt;

	if (colours != NULL)
		hf_colours_blend(&doubt->colours, colours, ++doubt->looks);
	double alike = hf_colours_correlation(&track->colours, &doubt->colours);
	bool decided = doubt->looks >= COLOUR_LOOKS_MIN;
	if (decided && alike <= HF_COLOURS_ALIKE)
		renew(tracker, track);
	else if (!decided && alike < colours_odd &&
		 hf_mono_diff_us(now, doubt->since) < (int64_t)DOUBT_MS * 1000)
		return;
	doubt->on = false;
}

/* A track was found: what does it wear, and is it still the same? colours: NULL, not to be seen. */
static void recognise(struct hf_tracker *tracker, struct hf_track *track,
		      const struct hf_colours *colours, struct hf_mono now)
{
	if (!track->doubt.on && colours != NULL && track->colour_looks >= COLOUR_LOOKS_MIN &&
	    hf_mono_before(now, track->watched) &&
	    hf_colours_correlation(&track->colours, colours) < colours_odd)
		track->doubt =
			(struct hf_track_doubt){ .on = true, .since = now, .box = track->box };
	if (track->doubt.on)
		judge_doubt(tracker, track, colours, now);
	else if (colours != NULL)
		hf_colours_blend(&track->colours, colours, ++track->colour_looks);
	if (!track->doubt.on)
		track->sure = now;
}

static void pair(struct hf_tracker *tracker, struct look *look, const struct stage *stage,
		 bool strong)
{
	struct hf_assign assign = { .rows = stage->track_count, .columns = stage->detection_count };
	int column_of[HF_ASSIGN_MAX];

	for (size_t i = 0; i < stage->track_count; i++)
		for (size_t j = 0; j < stage->detection_count; j++)
			assign.costs[i][j] =
				cost_of(&tracker->tracks[stage->tracks[i]], look->rules,
					&look->detections[stage->detections[j]],
					colours_at(look, stage->detections[j]), look->now, strong);
	hf_assign(&assign, column_of);
	for (size_t i = 0; i < stage->track_count; i++) {
		if (column_of[i] < 0)
			continue;
		struct hf_track *track = &tracker->tracks[stage->tracks[i]];
		size_t index = stage->detections[column_of[i]];

		look->used[index] = true;
		if (track->misses >= GONE_LOOKS_MIN &&
		    hf_mono_diff_us(look->now, track->hit) >= (int64_t)GONE_MS * 1000)
			track->watched = hf_mono_add_ms(look->now, WATCH_MS);
		hit(tracker, track, &look->detections[index], look->now);
		if (strong)
			count_hit(track, look->rules, look->now, look->window);
		else
			track->weak_run++;
		track->seen_as = index;
	}
}

static void gather_detections(struct stage *stage, const struct look *look, double from, double to)
{
	stage->detection_count = 0;
	for (uint32_t i = 0; i < look->count; i++) {
		double score = (double)look->detections[i].score;

		if (!look->used[i] && score >= from && score < to)
			stage->detections[stage->detection_count++] = i;
	}
}

static void gather_tracks(struct stage *stage, const struct hf_tracker *tracker, bool confirmed)
{
	stage->track_count = 0;
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		const struct hf_track *track = &tracker->tracks[i];

		if (track->id != 0 && !track->hit_now && track->confirmed == confirmed)
			stage->tracks[stage->track_count++] = i;
	}
}

/* Of the confirmed tracks that are left: those that weak detections may continue. */
static void gather_continued(struct stage *stage, const struct hf_tracker *tracker,
			     const struct look *look)
{
	size_t kept = 0;

	gather_tracks(stage, tracker, true);
	for (size_t i = 0; i < stage->track_count; i++) {
		const struct hf_track *track = &tracker->tracks[stage->tracks[i]];
		int64_t weak_us = hf_mono_diff_us(look->now, track->strong) - track->blind_us;

		if (!hf_mono_before(track->hit, look->window) &&
		    (weak_us <= (int64_t)HF_TRACK_WEAK_MS_MAX * 1000 ||
		     track->weak_run < WEAK_RUN_FREE))
			stage->tracks[kept++] = stage->tracks[i];
	}
	stage->track_count = kept;
}

/* A part of somebody who was just found (an upper body beside the whole) is nobody new. */
static bool is_part_of_found(const struct hf_tracker *tracker, uint32_t class_index,
			     struct hf_box box)
{
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		const struct hf_track *track = &tracker->tracks[i];

		if (track->id == 0 || !track->hit_now || track->class_index != class_index)
			continue;
		double smaller = fmin(box.width * box.height, track->box.width * track->box.height);
		if (hf_box_overlap(box, track->box) >= contained_max * smaller)
			return true;
	}
	return false;
}

/* What is a few pixels high looks like a person more easily than it is one: cones, posts, bins. */
static bool may_start(const struct hf_track_rules *rules, const struct hf_detection *detection)
{
	double asked = rules->score_start;

	if (detection->height < HF_TRACK_SMALL_PX)
		asked += small_surplus;
	return (double)detection->score >= asked;
}

static void start(struct hf_tracker *tracker, const struct look *look, size_t index)
{
	const struct hf_detection *detection = &look->detections[index];
	struct hf_box box = box_of(detection);
	struct hf_foot foot = hf_box_foot(box);
	struct hf_track *track = NULL;

	if (is_part_of_found(tracker, detection->class_index, box))
		return;
	for (size_t i = 0; i < HF_TRACKS_MAX && track == NULL; i++)
		if (tracker->tracks[i].id == 0)
			track = &tracker->tracks[i];
	if (track == NULL) {
		tracker->refused++;
		return;
	}
	*track = (struct hf_track){ .id = tracker->next_id++,
				    .hit_now = true,
				    .seen_as = index,
				    .box = box,
				    .birth = box,
				    .born = look->now,
				    .class_index = detection->class_index,
				    .score = (double)detection->score,
				    .aspect = box.width / box.height,
				    .predicted = look->now,
				    .hit = look->now,
				    .sure = look->now };
	axis_start(&track->foot_x, foot.x, box.height, velocity_first);
	axis_start(&track->foot_y, foot.y, box.height, velocity_first);
	axis_start(&track->height, box.height, box.height, growth);
	count_hit(track, look->rules, look->now, look->window);
}

static bool is_gone(const struct hf_tracker *tracker, const struct hf_track *track,
		    const struct hf_track_rules *rules, struct hf_mono now, struct hf_mono window)
{
	int64_t unseen = unseen_us(track, now);

	if (!track->confirmed)
		return hf_mono_before(track->hit, window);
	if (track->misses > 0 && unseen > (int64_t)HF_TRACK_LEFT_MS * 1000 &&
	    hf_track_walks_off(track, tracker->width, tracker->height))
		return true;
	if (unseen <= rules->lost_ms * 1000)
		return false;
	return track->misses >= MISSES_MIN || track->speed > speed_standing ||
	       unseen > (int64_t)HF_TRACK_UNSEEN_MS_MAX * 1000;
}

void hf_tracker_reset(struct hf_tracker *tracker)
{
	memset(tracker, 0, sizeof *tracker);
	tracker->next_id = 1;
}

static void recognise_all(struct hf_tracker *tracker, const struct look *look)
{
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		struct hf_track *track = &tracker->tracks[i];
		const struct hf_colours *colours;

		if (track->id == 0 || !track->hit_now)
			continue;
		if (is_met(tracker, track, look->now) ||
		    hf_track_walks_off(track, tracker->width, tracker->height))
			track->watched = hf_mono_add_ms(look->now, WATCH_MS);
		colours = colours_at(look, track->seen_as);
		if (colours != NULL && (!colours->known || !is_whole(track, track->box) ||
					!stands_free(look, track->seen_as)))
			colours = NULL;
		recognise(tracker, track, colours, look->now);
	}
}

bool hf_tracker_look(struct hf_tracker *tracker, const struct hf_track_rules *rules,
		     struct hf_mono at, uint32_t width, uint32_t height,
		     const struct hf_detection *detections, const struct hf_colours *colours,
		     uint32_t count)
{
	HF_ASSERT(count <= HF_DETECTIONS_MAX && rules->confirm_hits >= 1 &&
		  rules->confirm_hits <= HF_TRACK_HITS_MAX);
	if (tracker->look_count > 0 && !hf_mono_before(hf_tracker_last_look(tracker), at))
		return false;
	if (width != tracker->width || height != tracker->height)
		memset(tracker->tracks, 0, sizeof tracker->tracks);
	tracker->width = width;
	tracker->height = height;
	tracker->looks[tracker->look_count++ % HF_TRACK_LOOKS_KEPT] = at;

	struct look look = { .rules = rules,
			     .now = at,
			     .window = window_start(tracker, rules->confirm_hits, at),
			     .detections = detections,
			     .colours = colours,
			     .count = count };
	struct stage stage;

	hf_tracker_age(tracker, rules, at);
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		tracker->tracks[i].hit_now = false;
		if (tracker->tracks[i].id != 0)
			predict(&tracker->tracks[i], at);
	}
	gather_tracks(&stage, tracker, true);
	gather_detections(&stage, &look, rules->score_high, INFINITY);
	pair(tracker, &look, &stage, true);

	gather_continued(&stage, tracker, &look);
	gather_detections(&stage, &look, rules->score_low, rules->score_high);
	pair(tracker, &look, &stage, false);

	gather_tracks(&stage, tracker, false);
	gather_detections(&stage, &look, rules->score_high, INFINITY);
	pair(tracker, &look, &stage, true);

	for (size_t i = 0; i < HF_TRACKS_MAX; i++)
		tracker->tracks[i].misses += !tracker->tracks[i].hit_now;
	gather_detections(&stage, &look, rules->score_high, INFINITY);
	for (size_t i = 0; i < stage.detection_count; i++)
		if (may_start(rules, &detections[stage.detections[i]]))
			start(tracker, &look, stage.detections[i]);
	recognise_all(tracker, &look);
	return true;
}

void hf_tracker_age(struct hf_tracker *tracker, const struct hf_track_rules *rules,
		    struct hf_mono now)
{
	struct hf_mono window = window_start(tracker, rules->confirm_hits, now);

	for (size_t i = 0; i < HF_TRACKS_MAX; i++)
		if (tracker->tracks[i].id != 0 &&
		    is_gone(tracker, &tracker->tracks[i], rules, now, window))
			tracker->tracks[i].id = 0;
}

void hf_tracker_blind(struct hf_tracker *tracker, int64_t blind_us, struct hf_mono until)
{
	const int64_t blind_us_max = (int64_t)HF_TRACK_BLIND_MS_MAX * 1000;

	tracker->blind_until = until;
	for (size_t i = 0; i < HF_TRACKS_MAX; i++) {
		struct hf_track *track = &tracker->tracks[i];

		track->blind_us += blind_us;
		if (track->blind_us > blind_us_max)
			track->blind_us = blind_us_max;
	}
}

void hf_tracker_forget(struct hf_tracker *tracker)
{
	memset(tracker->tracks, 0, sizeof tracker->tracks);
}

bool hf_track_walks_off(const struct hf_track *track, uint32_t width, uint32_t height)
{
	struct hf_foot foot = hf_box_foot(track->box);
	double x = foot.x + track->foot_x.velocity, y = foot.y + track->foot_y.velocity;

	if (track->speed < speed_leaving)
		return false;
	return x < 0 || x > width || y < 0 || y > height + below_edge * track->box.height;
}

const struct hf_track *hf_tracker_find(const struct hf_tracker *tracker, uint64_t id)
{
	for (size_t i = 0; i < HF_TRACKS_MAX && id != 0; i++)
		if (tracker->tracks[i].id == id)
			return &tracker->tracks[i];
	return NULL;
}

struct hf_mono hf_tracker_last_look(const struct hf_tracker *tracker)
{
	if (tracker->look_count == 0)
		return (struct hf_mono){ 0 };
	return tracker->looks[(tracker->look_count - 1) % HF_TRACK_LOOKS_KEPT];
}

unsigned hf_tracker_confirmed(const struct hf_tracker *tracker)
{
	unsigned count = 0;

	for (size_t i = 0; i < HF_TRACKS_MAX; i++)
		count += tracker->tracks[i].id != 0 && tracker->tracks[i].confirmed;
	return count;
}
