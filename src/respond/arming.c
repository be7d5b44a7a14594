/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/arming.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/timezone.h"
#include "shape/schedule.h"

#include <stdlib.h>
#include <time.h>

enum {
	MINUTE_MS = 60000,
};

/* 2001: clocks without a battery begin before it, and so do clips that bear no date. */
static const int64_t first_believed_ms = INT64_C(978307200000);

/* What a clock on the wall shows. */
struct shown {
	int64_t utc_min; /* the minute this is about; before the first: one that never comes */
	unsigned weekday, minute;
};

struct hf_arming {
	bool trusted;
	bool zone_known;
	struct hf_err trouble;
	struct shown shown;
	uint32_t zone_count;
	struct hf_schedule schedules[HF_ARMING_KINDS][HF_ZONES_MAX];
};

static enum hf_code parse(const char *text, const char *what, struct hf_schedule *ret_schedule,
			  struct hf_err *err)
{
	enum hf_code code = hf_schedule_parse(text, ret_schedule, err);

	return code == HF_OK ? HF_OK : hf_err_prefix(err, "%s", what);
}

static enum hf_code parse_all(struct hf_arming *arming, const struct hf_config *config,
			      bool *ret_any, struct hf_err *err)
{
	struct hf_schedule unit[HF_ARMING_KINDS];
	enum hf_code code = parse(config->armed_entry, "armed.entry", &unit[HF_ARMING_ENTRY], err);

	if (code == HF_OK)
		code = parse(config->armed_loitering, "armed.loitering", &unit[HF_ARMING_LOITERING],
			     err);
	*ret_any = false;
	for (uint32_t i = 0; code == HF_OK && i < config->zone_count; i++) {
		const struct hf_config_zone *zone = &config->zones[i];
		const char *own[HF_ARMING_KINDS] = { zone->armed_entry, zone->armed_loitering };

		for (int kind = 0; code == HF_OK && kind < HF_ARMING_KINDS; kind++) {
			struct hf_schedule *schedule = &arming->schedules[kind][i];

			*schedule = unit[kind];
			if (own[kind][0] != '\0')
				code = parse(own[kind], zone->id, schedule, err);
			*ret_any = *ret_any || schedule->window_count > 0;
		}
	}
	return code;
}

/* Zones of our time change at whole minutes of UTC, by whole minutes: once a minute is enough. */
static const struct shown *show(struct hf_arming *arming, struct hf_wall at)
{
	struct shown *shown = &arming->shown;
	int64_t utc_min = at.ms / MINUTE_MS;
	time_t seconds = (time_t)(utc_min * 60);
	struct tm tm = { 0 };

	if (utc_min == shown->utc_min)
		return shown;
	/* Fails for years an int does not hold, which 64 bits of milliseconds do not reach. */
	(void)localtime_r(&seconds, &tm);
	shown->utc_min = utc_min;
	/* Sunday is 0 there and 6 here. */
	shown->weekday = (unsigned)(tm.tm_wday + HF_SCHEDULE_DAYS - 1) % HF_SCHEDULE_DAYS;
	shown->minute = (unsigned)(tm.tm_hour * 60 + tm.tm_min);
	return shown;
}

enum hf_code hf_arming_new(const struct hf_config *config, struct hf_arming **ret_arming,
			   struct hf_err *err)
{
	HF_AUTO_FREE struct hf_arming *arming = calloc(1, sizeof *arming);
	bool any;

	if (arming == NULL)
		return hf_fail(err, HF_E_NOMEM, "arming: out of memory");
	arming->zone_count = config->zone_count;
	arming->shown.utc_min = -1;
	enum hf_code code = parse_all(arming, config, &any, err);
	if (code != HF_OK)
		return code;
	arming->zone_known = !any || hf_timezone_use(config->time_zone, &arming->trouble) == HF_OK;
	*ret_arming = HF_TAKE(arming);
	return HF_OK;
}

void hf_arming_free(struct hf_arming *arming)
{
	free(arming);
}

const char *hf_arming_trouble(const struct hf_arming *arming)
{
	return arming->zone_known ? NULL : arming->trouble.text;
}

void hf_arming_trust(struct hf_arming *arming, bool trusted)
{
	arming->trusted = trusted;
}

enum hf_armed hf_arming_at(struct hf_arming *arming, enum hf_arming_kind kind, uint32_t zone,
			   struct hf_wall at)
{
	HF_ASSERT((unsigned)kind < HF_ARMING_KINDS && zone < arming->zone_count);
	const struct hf_schedule *schedule = &arming->schedules[kind][zone];

	if (schedule->window_count == 0)
		return HF_ARMED_YES;
	if (!arming->trusted || at.ms < first_believed_ms)
		return HF_ARMED_CLOCK_UNSYNCED;
	if (!arming->zone_known)
		return HF_ARMED_ZONE_UNKNOWN;
	const struct shown *shown = show(arming, at);
	return hf_schedule_holds(schedule, shown->weekday, shown->minute) ? HF_ARMED_YES
									  : HF_ARMED_NO;
}

const char *hf_armed_doubt(enum hf_armed armed)
{
	switch (armed) {
	case HF_ARMED_CLOCK_UNSYNCED:
		return "clock unsynced";
	case HF_ARMED_ZONE_UNKNOWN:
		return "zone unknown";
	case HF_ARMED_NO:
	case HF_ARMED_YES:
		break;
	}
	return NULL;
}
