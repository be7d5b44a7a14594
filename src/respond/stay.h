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
 *             kept for keep_ms. A confirmed track that enters the zone inherits
 *             such a stay (or one whose owner was not seen for a second) when
 *             it is, or began, within one height of where that stood, and wears
 *             alike; where the colours of one are not known, within half a
 *             height. Otherwise it is a new stay.
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

struct hf_stay {
	enum hf_stay_phase phase;
	uint32_t zone;  /* index into config.zones */
	uint64_t track; /* 0: no owner */
	struct hf_stay_id id;
	unsigned looks; /* inside or not, a bit a look, newest lowest */
	uint32_t fired; /* a bit a rule: fired, or held back by a cool-down */
	int64_t dwell_us, blind_us;
	int64_t seen_mark_us, blind_mark_us; /* counted up to here */
	int64_t outside_us;                  /* seen time when it left */
	int64_t orphan_us, orphan_blind_us;  /* seen and blind time when it lost its owner */
	struct hf_mono touched;
	struct hf_box box; /* fractions of the tile */
	struct hf_colours colours;
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
	const struct hf_colours *colours;
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

/* Stays proper: inside or outside, with or without an owner. */
unsigned hf_stays_open(const struct hf_stays *stays);
void hf_stay_id_text(const struct hf_stay_id *id, char ret_text[HF_STAY_ID_TEXT_BYTES]);
