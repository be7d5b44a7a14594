/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/ingest/signals.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static int64_t ms_since(struct hf_mono then, struct hf_mono now)
{
	return hf_mono_diff_us(now, then) / 1000;
}

void signals_begin(struct signals *signals, const struct hf_config *config, uint32_t source,
		   struct hf_mono now)
{
	*signals = (struct signals){ .source = source, .started = now, .skew_ms = -1 };
	for (uint32_t i = 0; i < config->camera_count; i++)
		if (config->cameras[i].source == source && signals->tile_count < HF_TILES_MAX)
			signals->tiles[signals->tile_count++] =
				(struct signals_tile){ .camera = i, .frozen_ms = -1 };
}

void signals_opened(struct signals *signals)
{
	signals->ended = false;
	signals->steps = 0;
	signals->skew_ms = -1;
}

void signals_ended(struct signals *signals)
{
	signals->ended = true;
}

/* ---- pictures due and pictures that came ---- */

static void turn_to(struct signals *signals, struct hf_mono now)
{
	const int64_t second = now.us / 1000000;

	if (second - signals->second >= SIGNALS_WINDOW_S)
		memset(signals->slots, 0, sizeof signals->slots);
	for (int64_t s = signals->second + 1;
	     s <= second && second - signals->second < SIGNALS_WINDOW_S; s++)
		signals->slots[s % SIGNALS_WINDOW_S] = 0;
	signals->second = second;
}

static int ascending(const void *a, const void *b)
{
	const int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

	return (left > right) - (left < right);
}

/* The rate of a source that does not say it: what most of its first pictures had between them. */
static void learn_rate(struct signals *signals, const struct hf_source_info *info,
		       struct hf_mono now)
{
	int32_t sorted[SIGNALS_STEPS_MIN];

	if (info->fps > 0) {
		signals->fps = info->fps;
		return;
	}
	if (signals->steps == SIGNALS_STEPS_MIN || signals->picture.us == 0)
		return;
	signals->step_ms[signals->steps++] = (int32_t)ms_since(signals->picture, now);
	if (signals->steps < SIGNALS_STEPS_MIN)
		return;
	memcpy(sorted, signals->step_ms, sizeof sorted);
	qsort(sorted, SIGNALS_STEPS_MIN, sizeof sorted[0], ascending);
	signals->fps =
		1000.0 / (sorted[SIGNALS_STEPS_MIN / 2] > 0 ? sorted[SIGNALS_STEPS_MIN / 2] : 1);
}

/* -1: not known. The second that runs is left out. */
static int64_t drops_permille(struct signals *signals, struct hf_mono now)
{
	turn_to(signals, now);
	const int64_t whole_s = signals->second - 1 - signals->counted_from.us / 1000000;
	const int64_t window_s = whole_s < SIGNALS_WINDOW_S - 1 ? whole_s : SIGNALS_WINDOW_S - 1;
	int64_t came = 0;

	if (signals->ended)
		return 0;
	if (signals->counted_from.us == 0 || window_s < SIGNALS_LEARN_S || signals->fps <= 0)
		return -1;
	for (int64_t s = signals->second - window_s; s < signals->second; s++)
		came += signals->slots[s % SIGNALS_WINDOW_S];
	const double due = signals->fps * (double)window_s;
	/* One more or less at either end is none that is missing. */
	const double missing = due - (double)came - 1;
	return missing > 0 ? (int64_t)(1000 * missing / due) : 0;
}

/* ---- pictures ---- */

static void look_at_tile(struct signals_tile *tile, const struct hf_config_camera *cameras,
			 const struct hf_view_reading *view, const struct hf_health *health,
			 struct hf_mono now)
{
	const uint32_t dark = health != NULL ? hf_health_dark(health) : 0;
	uint32_t i = 0;

	while (i < view->tile_count && view->tiles[i].camera != &cameras[tile->camera])
		i++;
	tile->hidden = view->paused != 0 || i == view->tile_count;
	tile->frozen_ms = -1;
	if (tile->hidden)
		return;
	if ((dark >> i & 1) == 0)
		tile->seen = now;
	if (health != NULL)
		tile->frozen_ms = hf_health_still_ms(health, i);
}

void signals_picture(struct signals *signals, const struct hf_config *config,
		     const struct hf_source_info *info, const struct hf_view_reading *view,
		     const struct hf_health *health, struct hf_mono now)
{
	learn_rate(signals, info, now);
	if (signals->counted_from.us == 0) {
		signals->counted_from = now;
		signals->second = now.us / 1000000;
	}
	turn_to(signals, now);
	signals->slots[signals->second % SIGNALS_WINDOW_S]++;
	signals->picture = now;
	signals->skew_ms = info->skew_us < 0 ? -1 : info->skew_us / 1000;
	for (uint32_t i = 0; i < signals->tile_count; i++)
		look_at_tile(&signals->tiles[i], config->cameras, view, health, now);
}

/* ---- samples ---- */

static void put(struct hf_signals *signals, enum hf_signal signal, uint32_t scope, int64_t value)
{
	HF_ASSERT(signals->count < SIGNALS_MAX);
	signals->samples[signals->count++] = (struct hf_sample){ .signal = (uint16_t)signal,
								 .scope = (uint8_t)scope,
								 .unknown = value < 0,
								 .value = value < 0 ? 0 : value };
}

/* -1: not known. */
static int64_t age_ms(const struct signals *signals, struct hf_mono last, struct hf_mono now)
{
	const int64_t age = ms_since(last.us != 0 ? last : signals->started, now);

	if (signals->ended)
		return 0;
	return last.us == 0 && age < SIGNALS_UNKNOWN_MS ? -1 : age < 0 ? 0 : age;
}

static void fill(struct signals *signals, struct hf_mono now, struct hf_signals *ret_signals)
{
	const int64_t source = age_ms(signals, signals->picture, now);
	const bool silent = signals->picture.us == 0 || source >= SIGNALS_SILENT_MS;
	const int64_t drops = drops_permille(signals, now);

	ret_signals->count = ret_signals->reserved = 0;
	put(ret_signals, HF_SIGNAL_SOURCE_FRAME, signals->source, source);
	for (uint32_t i = 0; i < signals->tile_count; i++) {
		const struct signals_tile *tile = &signals->tiles[i];
		int64_t age = age_ms(signals, tile->seen, now);

		if (tile->hidden && !silent && !signals->ended)
			age = -1;
		else if (silent && source > age)
			age = source;
		put(ret_signals, HF_SIGNAL_CAMERA_FRAME, tile->camera, age);
		put(ret_signals, HF_SIGNAL_CAMERA_DROPS, tile->camera, drops);
		put(ret_signals, HF_SIGNAL_CAMERA_SKEW, tile->camera, signals->skew_ms);
		put(ret_signals, HF_SIGNAL_CAMERA_FROZEN, tile->camera,
		    silent ? -1 : tile->frozen_ms);
	}
}

/* Is something other than only later? ret_missing: some picture is. */
static bool is_news(const struct signals *signals, const struct hf_signals *now, bool *ret_missing)
{
	bool news = signals->told_count != now->count;

	*ret_missing = false;
	for (uint32_t i = 0; i < now->count && i < signals->told_count; i++) {
		const struct hf_sample *was = &signals->told[i], *is = &now->samples[i];
		const bool is_age = is->signal == HF_SIGNAL_SOURCE_FRAME ||
				    is->signal == HF_SIGNAL_CAMERA_FRAME;

		news = news || was->unknown != is->unknown ||
		       (is_age && was->value >= SIGNALS_SILENT_MS && is->value < was->value) ||
		       (is->signal == HF_SIGNAL_CAMERA_FROZEN &&
			(was->value > 0) != (is->value > 0));
		*ret_missing = *ret_missing || (is_age && is->value >= SIGNALS_UNKNOWN_MS);
	}
	return news;
}

bool signals_due(struct signals *signals, struct hf_mono now, struct hf_signals *ret_signals)
{
	bool missing;

	fill(signals, now, ret_signals);
	if (is_news(signals, ret_signals, &missing))
		return true;
	return !hf_mono_before(now, hf_mono_add_ms(signals->told_at, missing ? SIGNALS_EVERY_MS / 2
									     : SIGNALS_EVERY_MS));
}

void signals_told(struct signals *signals, const struct hf_signals *sent, struct hf_mono now)
{
	signals->told_at = now;
	signals->told_count = sent->count;
	memcpy(signals->told, sent->samples, sent->count * sizeof signals->told[0]);
}
