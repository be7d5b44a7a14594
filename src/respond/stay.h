/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stay - somebody is in a zone: since when, and who.
 *
 * Shape       (zone, id, dwell), owned by a track of the zone's camera. The id
 *             is "boot.run.n" as text: never given twice.
 *
 * Life        coming   seen inside, not yet in two of three looks
 *             inside   the stay proper
 *             outside  left, and not yet gone for rearm_ms: coming back goes on
 *                      with the same stay
 *             A track that ends leaves its stays without an owner: they are
 *             kept for keep_ms, and as long as somebody near is still coming.
 *
 * Heirs       A confirmed track that comes into the zone goes on with a stay
 *             whose owner is away, instead of beginning one, when all of this
 *             holds: both are of one class; it was born after the owner was
 *             seen last (who was seen together with him is not him); it was
 *             born within one height of where he stood, or was going to be by
 *             then, and inside the zone (or within half a height); it wears
 *             alike, or, where the colours of one are not known, was born
 *             within half a height; it was not born at the edge of the picture
 *             and walked in; and the owner was not on the way out of the
 *             picture.
 *             A stay that is outside is inherited only by one born within half
 *             a height of where its owner stood still, alike in colours: who
 *             walked away has gone, and who comes from elsewhere is new.
 *             So people who follow one another at one place have a stay each,
 *             and one whose track breaks keeps his.
 *             An owner who is found again takes his stay back. While it is in
 *             doubt whether a track is still its owner (respond/track.h), a stay
 *             is as it was before: it may be inherited, and speaks of nobody.
 *
 * Numbers     Dwell is seen time inside (respond/view.h); blind time is told
 *             apart. keep_ms and rearm_ms are seen time too: a stay outlives a
 *             loss of video, but not one of more than HF_STAY_BLIND_MS_MAX
 *             without an owner.
 *
 * Limits      HF_STAYS_MAX of a unit. When all are taken the least important
 *             is given up (without an owner, then outside, then coming, then
 *             inside; the longest unseen first) and counted.
 *
 * Source      The counts of frames that other systems use instead of time are
 *             falsified by every stall and every change of a track's number.
 */
#include "respond/colours.h"
#include "respond/track.h"
#include "respond/view.h"
#include "shape/config.h"

enum {
	HF_STAYS_MAX = 256,
	HF_STAY_ID_TEXT_BYTES = 64,
	HF_STAY_BLIND_MS_MAX = 60000,
	HF_STAY_RULES_MAX = 4,
};

enum hf_stay_phase {
	HF_STAY_FREE = 0,
	HF_STAY_COMING,
	HF_STAY_INSIDE,
	HF_STAY_OUTSIDE,
};

struct hf_stay_id {
	uint64_t boot, run, n;
};

/* The frame on which a stay had become long enough for a rule. */
struct hf_moment {
	struct hf_mono mono; /* zero: not yet */
	struct hf_wall wall;
	uint64_t frame;
	int64_t dwell_us, blind_us;
};

struct hf_stay {
	enum hf_stay_phase phase;
	uint32_t zone;    /* index into config.zones */
	uint64_t track;   /* 0: no owner */
	uint64_t heir_of; /* the track it was inherited from, while that may come back; 0: none */
	struct hf_stay_id id;
	char class_name[HF_CLASS_BYTES];
	unsigned looks; /* inside or not, a bit a look, newest lowest */
	uint32_t fired; /* a bit a rule: fired, or held back by a cool-down */
	int64_t dwell_us, blind_us;
	int64_t seen_mark_us, blind_mark_us; /* counted up to here */
	int64_t outside_us;                  /* seen time when it left */
	int64_t orphan_us, orphan_blind_us;  /* seen and blind time when it lost its owner */
	struct hf_mono touched;              /* owner seen last; zero after a restart */
	struct hf_box box;                   /* fractions of the tile */
	double speed_x, speed_y;             /* heights a second */
	bool walks_off;                      /* on the way out of the picture */
	struct hf_colours colours;
	struct hf_moment due[HF_STAY_RULES_MAX]; /* long enough, and not yet spoken of */
};

struct hf_stays {
	uint64_t boot, run;
	uint64_t next_n;
	uint64_t evicted;
	struct hf_stay list[HF_STAYS_MAX];
};

/* Where and when a track was found. */
struct hf_sighting {
	struct hf_mono at;
	uint32_t tile_width, tile_height;
	const struct hf_tracker *tracker;
	const struct hf_track *track;
	const char *class_name;
	const struct hf_colours *colours; /* of several looks, if there were so many */
	const struct hf_view *view;
};

void hf_stays_reset(struct hf_stays *stays, uint64_t boot, uint64_t run, uint64_t next_n);

/* A track was found in a look; call for each zone of its camera. Returns its stay while it is
 * inside, else NULL. Valid until the next call. */
struct hf_stay *hf_stays_see(struct hf_stays *stays, const struct hf_config *config, uint32_t zone,
			     const struct hf_sighting *sighting);

/* Tracks of this camera may have ended, time has passed. */
void hf_stays_sweep(struct hf_stays *stays, const struct hf_config *config, uint32_t camera,
		    const struct hf_tracker *tracker, const struct hf_view *view,
		    struct hf_mono now);

/* Bring dwell and blind time up to this moment. */
void hf_stay_count(struct hf_stay *stay, const struct hf_view *view, struct hf_mono at);

/* What dwell would be at this moment, if he is still there. */
int64_t hf_stay_dwell_us(const struct hf_stay *stay, const struct hf_view *view, struct hf_mono at);

/* Stays proper: inside or outside, with or without an owner. */
unsigned hf_stays_open(const struct hf_stays *stays);
void hf_stay_id_text(const struct hf_stay_id *id, char ret_text[HF_STAY_ID_TEXT_BYTES]);
