/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * track - the same person in look after look of one camera.
 *
 * Shape       A tracker belongs to one camera and holds at most HF_TRACKS_MAX
 *             tracks. It is told every look (hf_tracker_look) and, between
 *             looks, the time (hf_tracker_age). A track is of one class: a
 *             car is never the person who stood there.
 *
 * Numbers     All times are capture times on the monotonic clock: looks come 2
 *             to 5 times a second, irregularly, and a still tile is looked at
 *             every ten seconds. Distances are in heights of the person's box,
 *             because people are 25 to 55 pixels high and walk 10 to 25 pixels
 *             between two looks: boxes of one person often do not overlap.
 *             Ids count from 1 in each tracker and are not used again.
 *
 * Life        tentative: hit, not yet confirmed; gone if not confirmed soon.
 *             confirmed: confirm_hits hits within one second, or within
 *             confirm_hits + 1 looks where looks are rarer than that (one miss
 *             is forgiven: two looks a second must not double the delay of an
 *             alarm).
 *             weak detections (below score_high) continue a track only where it
 *             is expected (IoU 0.5), and not for longer than
 *             HF_TRACK_WEAK_MS_MAX or three looks: lamp posts are weak people.
 *             gone: unseen for lost_ms, and looked for in vain twice or last
 *             seen on the move. So somebody who stands still, whose tile
 *             therefore has no motion and is looked at every ten seconds only,
 *             stays the same track; unseen for HF_TRACK_UNSEEN_MS_MAX ends it
 *             in any case. Who was on the way out of the picture has left
 *             after HF_TRACK_LEFT_MS: the next one who comes in by the same
 *             door is somebody else. Time without video (hf_tracker_blind)
 *             does not count as unseen, up to ten seconds.
 *
 * Who         Two who meet, or pass behind the same post from either side, come out
 *             again at nearly the same place: neither position nor speed says who
 *             is who, but what they wear does. It is a share of the cost of a
 *             pair. And a track that was out of sight, or beside another, is
 *             watched for a second: found in other colours it is in doubt, and
 *             when three looks together are not alike it was somebody else, who
 *             gets a number of his own, born where and when the doubt began.
 *             Without colours nobody is in doubt.
 *
 * Limits      No allocation after the tracker itself. A detection that would
 *             be track 65 is not followed; `refused` counts it.
 *
 * Source      Two stages of association by score: Y. Zhang et al., ByteTrack:
 *             Multi-Object Tracking by Associating Every Detection Box, 2022.
 *             Kalman filter with constant velocity and optimal assignment: A.
 *             Bewley et al., Simple Online and Realtime Tracking, 2016.
 */
#include "base/clock.h"
#include "respond/box.h"
#include "respond/colours.h"
#include "shape/tile.h"

#include <stdbool.h>

enum {
	HF_TRACKS_MAX = 64,
	HF_TRACK_HITS_MAX = 20,
	HF_TRACK_LOOKS_KEPT = HF_TRACK_HITS_MAX + 1,
	HF_TRACK_UNSEEN_MS_MAX = 60000,
	HF_TRACK_BLIND_MS_MAX = 10000,
	HF_TRACK_WEAK_MS_MAX = 5000,
	HF_TRACK_SMALL_PX = 16, /* lower than this must be surer to start a track */
	HF_TRACK_LEFT_MS = 1000,
};

struct hf_track_rules {
	double score_start; /* may start a track, where it is not small */
	double score_high;  /* first stage; may confirm a track */
	double score_low;   /* second stage: may continue one seen lately */
	int64_t lost_ms;
	unsigned confirm_hits;
};

/* Position and velocity along one direction, with their covariance. */
struct hf_track_axis {
	double at, velocity;
	double p_at, p_cross, p_velocity;
};

/* Who was found does not look like himself. */
struct hf_track_doubt {
	bool on;
	unsigned looks;
	struct hf_mono since;
	struct hf_box box;         /* where that was */
	struct hf_colours colours; /* since then */
};

struct hf_track {
	uint64_t id; /* 0: this place is free */
	uint32_t class_index;
	bool confirmed;
	bool hit_now;        /* found in the last look */
	size_t seen_as;      /* then: the detection's index */
	unsigned misses;     /* looks in vain since the last hit */
	struct hf_box box;   /* as detected last */
	struct hf_box birth; /* as detected first */
	struct hf_mono born;
	double score; /* of the last hit */
	struct hf_track_axis foot_x, foot_y, height;
	double aspect; /* width / height */
	double speed;  /* at the last hit, heights a second */
	struct hf_mono predicted;
	struct hf_mono hit;    /* last time found */
	struct hf_mono strong; /* last time found with score_high */
	unsigned weak_run;     /* hits below it since */
	int64_t blind_us;      /* since then */
	unsigned hit_count;    /* with a score_high score */
	struct hf_mono hits[HF_TRACK_HITS_MAX];
	struct hf_colours colours; /* of several looks, none of them in doubt */
	unsigned colour_looks;
	struct hf_mono watched; /* until then it may turn out to be somebody else */
	struct hf_mono sure;    /* last time found, and not in doubt */
	struct hf_track_doubt doubt;
};

struct hf_tracker {
	uint64_t next_id;
	uint64_t look_count;
	uint64_t refused;
	struct hf_mono blind_until;
	struct hf_mono looks[HF_TRACK_LOOKS_KEPT];
	uint32_t width, height; /* of the tile in the last look */
	struct hf_track tracks[HF_TRACKS_MAX];
};

void hf_tracker_reset(struct hf_tracker *tracker);

/* One look. false: it is not newer than the last one, and nothing was done. A tile of another
 * size than before ends all tracks. colours: of each detection; NULL: not known. */
bool hf_tracker_look(struct hf_tracker *tracker, const struct hf_track_rules *rules,
		     struct hf_mono at, uint32_t width, uint32_t height,
		     const struct hf_detection *detections, const struct hf_colours *colours,
		     uint32_t count);

/* Time goes on without a look. */
void hf_tracker_age(struct hf_tracker *tracker, const struct hf_track_rules *rules,
		    struct hf_mono now);

/* For so long, up to then, there was nothing to look at. */
void hf_tracker_blind(struct hf_tracker *tracker, int64_t blind_us, struct hf_mono until);

/* All tracks end, no number is used again. */
void hf_tracker_forget(struct hf_tracker *tracker);

/* Was it on the way out of a picture of this size when it was found last? */
bool hf_track_walks_off(const struct hf_track *track, uint32_t width, uint32_t height);

/* NULL when it is gone. */
const struct hf_track *hf_tracker_find(const struct hf_tracker *tracker, uint64_t id);
/* When the last look was; zero: never. */
struct hf_mono hf_tracker_last_look(const struct hf_tracker *tracker);
unsigned hf_tracker_confirmed(const struct hf_tracker *tracker);
