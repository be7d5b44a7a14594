/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/stay.h"

#include "respond/zone.h"

#include <stdio.h>
#include <string.h>

static const double heights_alike = 1.0;   /* to inherit, with colours alike */
static const double heights_unknown = 0.5; /* to inherit, colours not known */
static const double colours_alike = 0.5;

enum {
	LOOKS_ASKED = 0x7, /* the last three ... */
	LOOKS_INSIDE_MIN = 2,
	OWNER_UNSEEN_MS = 1000,
};

static struct hf_stay *find(struct hf_stays *stays, uint32_t zone, uint64_t track)
{
	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &stays->list[i];

		if (stay->phase != HF_STAY_FREE && stay->zone == zone && stay->track == track)
			return stay;
	}
	return NULL;
}

static unsigned importance(const struct hf_stay *stay)
{
	if (stay->track == 0)
		return 0;
	switch (stay->phase) {
	case HF_STAY_OUTSIDE:
		return 1;
	case HF_STAY_COMING:
		return 2;
	case HF_STAY_FREE:
	case HF_STAY_INSIDE:
		break;
	}
	return 3;
}

static struct hf_stay *take_place(struct hf_stays *stays)
{
	struct hf_stay *least = NULL;

	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &stays->list[i];

		if (stay->phase == HF_STAY_FREE)
			return stay;
		if (least == NULL || importance(stay) < importance(least) ||
		    (importance(stay) == importance(least) &&
		     hf_mono_before(stay->touched, least->touched)))
			least = stay;
	}
	stays->evicted++;
	return least;
}

static void free_stay(struct hf_stay *stay)
{
	memset(stay, 0, sizeof *stay);
}

static void mark(struct hf_stay *stay, const struct hf_view *view, struct hf_mono at)
{
	stay->seen_mark_us = hf_view_seen_us(view, at);
	stay->blind_mark_us = view->blind_us;
}

static bool owner_is_away(const struct hf_stay *stay, const struct hf_sighting *sighting)
{
	if (stay->track == 0)
		return true;
	if (stay->track == sighting->track->id)
		return false;
	const struct hf_track *owner = hf_tracker_find(sighting->tracker, stay->track);
	return owner == NULL || (!owner->hit_now && hf_mono_diff_us(sighting->at, owner->hit) >=
							    (int64_t)OWNER_UNSEEN_MS * 1000);
}

static struct hf_box in_pixels(struct hf_box box, const struct hf_sighting *sighting)
{
	return (struct hf_box){ .x = box.x * sighting->tile_width,
				.y = box.y * sighting->tile_height,
				.width = box.width * sighting->tile_width,
				.height = box.height * sighting->tile_height };
}

static bool may_inherit(const struct hf_stay *stay, const struct hf_sighting *sighting,
			double *ret_apart)
{
	struct hf_box box = in_pixels(stay->box, sighting);
	double apart = fmin(hf_box_apart(sighting->track->box, box),
			    hf_box_apart(sighting->track->birth, box));
	bool compared = stay->colours.known && sighting->colours->known;

	*ret_apart = apart;
	if (!compared)
		return apart <= heights_unknown;
	return apart <= heights_alike &&
	       hf_colours_correlation(&stay->colours, sighting->colours) > colours_alike;
}

/* The nearest stay in this zone that this track may go on with. */
static struct hf_stay *find_inheritance(struct hf_stays *stays, uint32_t zone,
					const struct hf_sighting *sighting)
{
	struct hf_stay *nearest = NULL;
	double least = INFINITY;

	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &stays->list[i];
		double apart;

		if ((stay->phase != HF_STAY_INSIDE && stay->phase != HF_STAY_OUTSIDE) ||
		    stay->zone != zone || !owner_is_away(stay, sighting) ||
		    !may_inherit(stay, sighting, &apart) || apart >= least)
			continue;
		least = apart;
		nearest = stay;
	}
	return nearest;
}

static struct hf_stay *enter(struct hf_stays *stays, struct hf_stay *coming,
			     const struct hf_sighting *sighting)
{
	struct hf_stay *kept = find_inheritance(stays, coming->zone, sighting);

	if (kept == NULL) {
		coming->phase = HF_STAY_INSIDE;
		coming->id = (struct hf_stay_id){ .boot = stays->boot,
						  .run = stays->run,
						  .n = stays->next_n++ };
		return coming;
	}
	kept->track = coming->track;
	kept->looks = coming->looks;
	if (kept->phase == HF_STAY_OUTSIDE)
		mark(kept, sighting->view, sighting->at);
	else /* he was inside all along, only not found */
		hf_stay_count(kept, sighting->view, sighting->at);
	kept->phase = HF_STAY_INSIDE;
	free_stay(coming);
	return kept;
}

static struct hf_stay *come(struct hf_stays *stays, uint32_t zone,
			    const struct hf_sighting *sighting)
{
	struct hf_stay *stay = take_place(stays);

	*stay = (struct hf_stay){ .phase = HF_STAY_COMING,
				  .zone = zone,
				  .track = sighting->track->id };
	mark(stay, sighting->view, sighting->at);
	return stay;
}

static void note_place(struct hf_stay *stay, const struct hf_sighting *sighting)
{
	struct hf_box box = sighting->track->box;

	stay->touched = sighting->at;
	stay->box = (struct hf_box){ .x = box.x / sighting->tile_width,
				     .y = box.y / sighting->tile_height,
				     .width = box.width / sighting->tile_width,
				     .height = box.height / sighting->tile_height };
	if (sighting->colours->known)
		stay->colours = *sighting->colours;
}

/* Its next state after a look. NULL: it is over. */
static struct hf_stay *advance(struct hf_stays *stays, struct hf_stay *stay, bool inside,
			       const struct hf_sighting *sighting)
{
	switch (stay->phase) {
	case HF_STAY_COMING:
		if (inside && sighting->track->confirmed &&
		    __builtin_popcount(stay->looks & LOOKS_ASKED) >= LOOKS_INSIDE_MIN)
			return enter(stays, stay, sighting);
		if ((stay->looks & LOOKS_ASKED) == 0) {
			free_stay(stay);
			return NULL;
		}
		return stay;
	case HF_STAY_INSIDE:
		hf_stay_count(stay, sighting->view, sighting->at);
		if (!inside) {
			stay->phase = HF_STAY_OUTSIDE;
			stay->outside_us = hf_view_seen_us(sighting->view, sighting->at);
		}
		return stay;
	case HF_STAY_OUTSIDE:
		if (inside) {
			stay->phase = HF_STAY_INSIDE;
			mark(stay, sighting->view, sighting->at);
		}
		return stay;
	case HF_STAY_FREE:
		break;
	}
	return NULL;
}

static bool is_gone_for_good(const struct hf_stay *stay, const struct hf_config *config,
			     int64_t seen_us)
{
	return stay->phase == HF_STAY_OUTSIDE &&
	       seen_us - stay->outside_us >= config->stay_rearm_ms * 1000;
}

void hf_stays_reset(struct hf_stays *stays, uint64_t boot, uint64_t run, uint64_t next_n)
{
	memset(stays, 0, sizeof *stays);
	stays->boot = boot;
	stays->run = run;
	stays->next_n = next_n;
}

struct hf_stay *hf_stays_see(struct hf_stays *stays, const struct hf_config *config, uint32_t zone,
			     const struct hf_sighting *sighting)
{
	struct hf_stay *stay = find(stays, zone, sighting->track->id);

	if (stay != NULL &&
	    is_gone_for_good(stay, config, hf_view_seen_us(sighting->view, sighting->at))) {
		free_stay(stay);
		stay = NULL;
	}
	bool inside =
		hf_zone_holds(&config->zones[zone], sighting->track->box, sighting->tile_width,
			      sighting->tile_height, stay != NULL && (stay->looks & 1) != 0);
	if (stay == NULL) {
		if (!inside)
			return NULL;
		stay = come(stays, zone, sighting);
	}
	stay->looks = stay->looks << 1 | inside;
	stay = advance(stays, stay, inside, sighting);
	if (stay == NULL)
		return NULL;
	note_place(stay, sighting);
	return stay->phase == HF_STAY_INSIDE ? stay : NULL;
}

void hf_stays_sweep(struct hf_stays *stays, const struct hf_config *config, uint32_t camera,
		    const struct hf_tracker *tracker, const struct hf_view *view,
		    struct hf_mono now)
{
	int64_t seen_us = hf_view_seen_us(view, now);

	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &stays->list[i];

		if (stay->phase == HF_STAY_FREE || config->zones[stay->zone].camera != camera)
			continue;
		if (stay->track != 0 && hf_tracker_find(tracker, stay->track) == NULL) {
			if (stay->phase == HF_STAY_COMING) {
				free_stay(stay);
				continue;
			}
			stay->track = 0;
			stay->orphan_us = seen_us;
			stay->orphan_blind_us = view->blind_us;
		}
		bool kept_long_enough = stay->track == 0 &&
					(seen_us - stay->orphan_us > config->stay_keep_ms * 1000 ||
					 view->blind_us - stay->orphan_blind_us >
						 (int64_t)HF_STAY_BLIND_MS_MAX * 1000);
		if (kept_long_enough || is_gone_for_good(stay, config, seen_us))
			free_stay(stay);
	}
}

void hf_stay_count(struct hf_stay *stay, const struct hf_view *view, struct hf_mono at)
{
	int64_t seen_us = hf_view_seen_us(view, at);

	if (seen_us > stay->seen_mark_us)
		stay->dwell_us += seen_us - stay->seen_mark_us;
	if (view->blind_us > stay->blind_mark_us)
		stay->blind_us += view->blind_us - stay->blind_mark_us;
	mark(stay, view, at);
}

unsigned hf_stays_open(const struct hf_stays *stays)
{
	unsigned open = 0;

	for (size_t i = 0; i < HF_STAYS_MAX; i++)
		open += stays->list[i].phase == HF_STAY_INSIDE ||
			stays->list[i].phase == HF_STAY_OUTSIDE;
	return open;
}

void hf_stay_id_text(const struct hf_stay_id *id, char ret_text[HF_STAY_ID_TEXT_BYTES])
{
	(void)snprintf(ret_text, HF_STAY_ID_TEXT_BYTES, "%llu.%llu.%llu",
		       (unsigned long long)id->boot, (unsigned long long)id->run,
		       (unsigned long long)id->n);
}
