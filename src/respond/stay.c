/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/stay.h"

#include "respond/zone.h"

#include <stdio.h>
#include <string.h>

static const double heights_alike = 1.0;  /* to inherit, with colours alike */
static const double heights_near = 0.5;   /* without, or from outside */
static const double heights_walked = 0.3; /* since birth: is on the move */
static const double speed_standing = 0.5; /* heights a second, below it */
static const double coast_s = 1.0;        /* so far on we expect a walker */
static const double edge_px = 2;

enum {
	LOOKS_ASKED = 0x7, /* the last three ... */
	LOOKS_INSIDE_MIN = 2,
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

/* Nobody owns it who was seen since this track was born. */
static bool owner_is_away(const struct hf_stay *stay, const struct hf_tracker *tracker,
			  const struct hf_track *track)
{
	const struct hf_track *owner = hf_tracker_find(tracker, stay->track);

	return owner == NULL || (owner != track && hf_mono_before(owner->sure, track->born));
}

static struct hf_box in_pixels(struct hf_box box, double width, double height)
{
	return (struct hf_box){ .x = box.x * width,
				.y = box.y * height,
				.width = box.width * width,
				.height = box.height * height };
}

/* How far from where the owner was, or was going to be by then, was it born? */
static double born_apart(const struct hf_stay *stay, const struct hf_tracker *tracker,
			 const struct hf_track *track)
{
	struct hf_box last = in_pixels(stay->box, tracker->width, tracker->height), then = last;
	double s =
		stay->touched.us == 0
			? 0
			: fmin((double)hf_mono_diff_us(track->born, stay->touched) / 1e6, coast_s);

	then.x += stay->speed_x * last.height * s;
	then.y += stay->speed_y * last.height * s;
	return fmin(hf_box_apart(track->birth, last), hf_box_apart(track->birth, then));
}

static bool walked_in(const struct hf_tracker *tracker, const struct hf_track *track)
{
	const struct hf_box *birth = &track->birth;
	bool at_edge = birth->x <= edge_px || birth->y <= edge_px ||
		       birth->x + birth->width >= tracker->width - edge_px ||
		       birth->y + birth->height >= tracker->height - edge_px;

	return at_edge && hf_box_apart(*birth, track->box) > heights_walked;
}

/* By place, time and path alone: may this track be the owner? ret_apart: as born_apart(). */
static bool may_be_owner(const struct hf_stay *stay, const struct hf_config_zone *zone,
			 const struct hf_tracker *tracker, const struct hf_track *track,
			 double *ret_apart)
{
	double apart = born_apart(stay, tracker, track);

	*ret_apart = apart;
	if (!hf_mono_before(stay->touched, track->born) || !owner_is_away(stay, tracker, track) ||
	    stay->walks_off || apart > heights_alike || walked_in(tracker, track))
		return false;
	if (stay->phase == HF_STAY_OUTSIDE)
		return apart <= heights_near &&
		       hypot(stay->speed_x, stay->speed_y) < speed_standing;
	return apart <= heights_near ||
	       hf_zone_holds(zone, track->birth, tracker->width, tracker->height, true);
}

static bool may_inherit(const struct hf_stay *stay, const struct hf_config_zone *zone,
			const struct hf_sighting *sighting, double *ret_apart)
{
	bool compared = stay->colours.known && sighting->colours->known;

	if (strcmp(stay->class_name, sighting->class_name) != 0 ||
	    !may_be_owner(stay, zone, sighting->tracker, sighting->track, ret_apart))
		return false;
	if (!compared)
		return stay->phase == HF_STAY_INSIDE && *ret_apart <= heights_near;
	return hf_colours_correlation(&stay->colours, sighting->colours) > HF_COLOURS_ALIKE;
}

/* The nearest stay in this zone that this track may go on with. */
static struct hf_stay *find_inheritance(struct hf_stays *stays, const struct hf_config *config,
					uint32_t zone, const struct hf_sighting *sighting)
{
	struct hf_stay *nearest = NULL;
	double least = INFINITY;

	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &stays->list[i];
		double apart;

		if ((stay->phase != HF_STAY_INSIDE && stay->phase != HF_STAY_OUTSIDE) ||
		    stay->zone != zone ||
		    !may_inherit(stay, &config->zones[zone], sighting, &apart) || apart >= least)
			continue;
		least = apart;
		nearest = stay;
	}
	return nearest;
}

/* A stay that another track went on with, and whose owner is found again. */
static struct hf_stay *take_back(struct hf_stays *stays, uint32_t zone,
				 const struct hf_sighting *sighting)
{
	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		struct hf_stay *stay = &stays->list[i];

		if (stay->phase == HF_STAY_FREE || stay->zone != zone ||
		    stay->heir_of != sighting->track->id)
			continue;
		const struct hf_track *heir = hf_tracker_find(sighting->tracker, stay->track);
		/* One person and two tracks that take turns; or two people, and it was his. */
		stay->heir_of = heir != NULL && !heir->hit_now ? stay->track : 0;
		stay->track = sighting->track->id;
		return stay;
	}
	return NULL;
}

static struct hf_stay *enter(struct hf_stays *stays, const struct hf_config *config,
			     struct hf_stay *coming, const struct hf_sighting *sighting)
{
	struct hf_stay *kept = find_inheritance(stays, config, coming->zone, sighting);

	if (kept == NULL) {
		coming->phase = HF_STAY_INSIDE;
		coming->id = (struct hf_stay_id){ .boot = stays->boot,
						  .run = stays->run,
						  .n = stays->next_n++ };
		return coming;
	}
	kept->heir_of = kept->track;
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
	(void)snprintf(stay->class_name, sizeof stay->class_name, "%s", sighting->class_name);
	mark(stay, sighting->view, sighting->at);
	return stay;
}

static void note_place(struct hf_stay *stay, const struct hf_sighting *sighting)
{
	const struct hf_track *track = sighting->track;
	struct hf_box box = track->box;

	stay->touched = sighting->at;
	stay->box = (struct hf_box){ .x = box.x / sighting->tile_width,
				     .y = box.y / sighting->tile_height,
				     .width = box.width / sighting->tile_width,
				     .height = box.height / sighting->tile_height };
	stay->speed_x = track->foot_x.velocity / box.height;
	stay->speed_y = track->foot_y.velocity / box.height;
	stay->walks_off = hf_track_walks_off(track, sighting->tile_width, sighting->tile_height);
	if (sighting->colours->known)
		stay->colours = *sighting->colours;
}

static void leave(struct hf_stay *stay, const struct hf_sighting *sighting)
{
	stay->phase = HF_STAY_OUTSIDE;
	stay->outside_us = hf_view_seen_us(sighting->view, sighting->at);
	/* What the clock alone said of him since the last look was wrong. */
	memset(stay->due, 0, sizeof stay->due);
}

/* Its next state after a look. NULL: it is over. */
static struct hf_stay *advance(struct hf_stays *stays, const struct hf_config *config,
			       struct hf_stay *stay, bool inside,
			       const struct hf_sighting *sighting)
{
	switch (stay->phase) {
	case HF_STAY_COMING:
		if (inside && sighting->track->confirmed &&
		    __builtin_popcount(stay->looks & LOOKS_ASKED) >= LOOKS_INSIDE_MIN)
			return enter(stays, config, stay, sighting);
		if ((stay->looks & LOOKS_ASKED) == 0) {
			free_stay(stay);
			return NULL;
		}
		return stay;
	case HF_STAY_INSIDE:
		hf_stay_count(stay, sighting->view, sighting->at);
		if (!inside)
			leave(stay, sighting);
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

	/* Before it is known who this is, nothing changes for anybody. */
	if (sighting->track->doubt.on)
		return NULL;
	if (stay == NULL)
		stay = take_back(stays, zone, sighting);
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
	stay = advance(stays, config, stay, inside, sighting);
	if (stay == NULL)
		return NULL;
	note_place(stay, sighting);
	return stay->phase == HF_STAY_INSIDE ? stay : NULL;
}

/* Is somebody on the way in who may turn out to be the owner? */
static bool is_waited_for(const struct hf_stays *stays, const struct hf_stay *orphan,
			  const struct hf_config *config, const struct hf_tracker *tracker)
{
	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		const struct hf_stay *coming = &stays->list[i];
		double apart;

		if (coming->phase != HF_STAY_COMING || coming->zone != orphan->zone ||
		    strcmp(coming->class_name, orphan->class_name) != 0)
			continue;
		const struct hf_track *track = hf_tracker_find(tracker, coming->track);
		if (track != NULL &&
		    may_be_owner(orphan, &config->zones[orphan->zone], tracker, track, &apart))
			return true;
	}
	return false;
}

static bool is_kept(const struct hf_stays *stays, const struct hf_stay *stay,
		    const struct hf_config *config, const struct hf_tracker *tracker,
		    const struct hf_view *view, int64_t seen_us)
{
	if (is_gone_for_good(stay, config, seen_us))
		return false;
	if (stay->track != 0)
		return true;
	if (view->blind_us - stay->orphan_blind_us > (int64_t)HF_STAY_BLIND_MS_MAX * 1000)
		return false;
	return seen_us - stay->orphan_us <= config->stay_keep_ms * 1000 ||
	       is_waited_for(stays, stay, config, tracker);
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
		if (stay->heir_of != 0 && hf_tracker_find(tracker, stay->heir_of) == NULL)
			stay->heir_of = 0;
		if (stay->track != 0 && hf_tracker_find(tracker, stay->track) == NULL) {
			if (stay->phase == HF_STAY_COMING) {
				free_stay(stay);
				continue;
			}
			stay->track = 0;
			stay->orphan_us = seen_us;
			stay->orphan_blind_us = view->blind_us;
		}
		if (!is_kept(stays, stay, config, tracker, view, seen_us))
			free_stay(stay);
	}
}

int64_t hf_stay_dwell_us(const struct hf_stay *stay, const struct hf_view *view, struct hf_mono at)
{
	int64_t since_us = hf_view_seen_us(view, at) - stay->seen_mark_us;

	return stay->dwell_us + (since_us > 0 ? since_us : 0);
}

void hf_stay_count(struct hf_stay *stay, const struct hf_view *view, struct hf_mono at)
{
	int64_t seen_us = hf_view_seen_us(view, at);

	/* A look is told after ticks that are younger than it: what was counted is not again. */
	if (seen_us > stay->seen_mark_us) {
		stay->dwell_us += seen_us - stay->seen_mark_us;
		stay->seen_mark_us = seen_us;
	}
	if (view->blind_us > stay->blind_mark_us) {
		stay->blind_us += view->blind_us - stay->blind_mark_us;
		stay->blind_mark_us = view->blind_us;
	}
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
