/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/arming.h"

#include "base/auto.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct hf_config config;
static struct hf_err err;

static void begin(const char *zone_name, uint32_t zones)
{
	hf_config_defaults(&config);
	(void)snprintf(config.time_zone, sizeof config.time_zone, "%s", zone_name);
	config.zone_count = zones;
	memset(config.zones, 0, sizeof config.zones);
	for (uint32_t i = 0; i < zones; i++)
		(void)snprintf(config.zones[i].id, HF_ID_BYTES, "zone%u", i);
}

static void set(char text[HF_SCHEDULE_BYTES], const char *value)
{
	(void)snprintf(text, HF_SCHEDULE_BYTES, "%s", value);
}

static struct hf_arming *arming_new(void)
{
	struct hf_arming *arming;

	CHECK_OK(hf_arming_new(&config, &arming, &err));
	hf_arming_trust(arming, true);
	return arming;
}

/* A moment in UTC. */
static struct hf_wall utc(int year, int month, int day, int hour, int minute)
{
	struct tm tm = { .tm_year = year - 1900,
			 .tm_mon = month - 1,
			 .tm_mday = day,
			 .tm_hour = hour,
			 .tm_min = minute };

	return (struct hf_wall){ .ms = (int64_t)timegm(&tm) * 1000 };
}

static bool armed(struct hf_arming *arming, struct hf_wall at)
{
	return hf_arming_at(arming, HF_ARMING_ENTRY, 0, at) == HF_ARMED_YES;
}

TEST(without_a_schedule_a_rule_is_armed_and_nothing_is_doubted)
{
	begin("No/Such_Zone", 1);
	struct hf_arming *arming = arming_new();

	hf_arming_trust(arming, false);
	assert_null(hf_arming_trouble(arming));
	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 0, (struct hf_wall){ 0 }) == HF_ARMED_YES);
	hf_arming_free(arming);
}

TEST(a_zones_own_hours_replace_the_units_for_that_rule_alone)
{
	struct hf_wall noon = utc(2026, 6, 1, 12, 0);

	begin("UTC", 2);
	set(config.armed_entry, "22:00-06:00");
	set(config.zones[1].armed_entry, "11:00-13:00");
	struct hf_arming *arming = arming_new();

	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 0, noon) == HF_ARMED_NO);
	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 1, noon) == HF_ARMED_YES);
	CHECK(hf_arming_at(arming, HF_ARMING_LOITERING, 0, noon) == HF_ARMED_YES);
	hf_arming_free(arming);
	set(config.armed_loitering, "00:00-01:00");
	arming = arming_new();
	CHECK(hf_arming_at(arming, HF_ARMING_LOITERING, 1, noon) == HF_ARMED_NO);
	hf_arming_free(arming);
}

TEST(hours_are_those_of_the_sites_zone)
{
	begin("Asia/Kathmandu", 1); /* UTC+5:45 */
	set(config.armed_entry, "mon 00:00-00:01");
	struct hf_arming *arming = arming_new();

	CHECK(!armed(arming, utc(2026, 5, 31, 18, 14)));
	CHECK(armed(arming, utc(2026, 5, 31, 18, 15)));
	CHECK(armed(arming, (struct hf_wall){ utc(2026, 5, 31, 18, 15).ms + 59999 }));
	CHECK(!armed(arming, utc(2026, 5, 31, 18, 16)));
	hf_arming_free(arming);
}

/* Berlin, 29 March 2026: 01:59 is followed by 03:00, at 01:00 UTC. */
TEST(a_window_that_starts_in_the_missing_hour_starts_with_the_first_minute_there_is)
{
	begin("Europe/Berlin", 1);
	set(config.armed_entry, "sun 02:30-04:00");
	struct hf_arming *arming = arming_new();

	CHECK(!armed(arming, utc(2026, 3, 29, 0, 59)));
	CHECK(armed(arming, utc(2026, 3, 29, 1, 0)));
	CHECK(armed(arming, utc(2026, 3, 29, 1, 59)));
	CHECK(!armed(arming, utc(2026, 3, 29, 2, 0)));
	hf_arming_free(arming);
	set(config.armed_entry,
	    "sun 01:30-02:30"); /* and one that ends in it ends where it begins */
	arming = arming_new();
	CHECK(armed(arming, utc(2026, 3, 29, 0, 59)));
	CHECK(!armed(arming, utc(2026, 3, 29, 1, 0)));
	hf_arming_free(arming);
}

/* Berlin, 25 October 2026: 02:59 is followed by 02:00, at 01:00 UTC. */
TEST(the_hour_that_comes_twice_is_armed_both_times)
{
	begin("Europe/Berlin", 1);
	set(config.armed_entry, "sun 02:00-03:00");
	struct hf_arming *arming = arming_new();
	unsigned minutes = 0;

	for (int minute = 0; minute < 300; minute++)
		minutes += armed(arming, (struct hf_wall){ utc(2026, 10, 24, 22, 0).ms +
							   minute * INT64_C(60000) });
	CHECK_U64(minutes, ==, 120);
	CHECK(!armed(arming, utc(2026, 10, 24, 23, 59)));
	CHECK(armed(arming, utc(2026, 10, 25, 0, 0)));
	CHECK(armed(arming, utc(2026, 10, 25, 1, 59)));
	CHECK(!armed(arming, utc(2026, 10, 25, 2, 0)));
	hf_arming_free(arming);
}

TEST(a_clock_that_is_not_synchronised_arms_and_says_so)
{
	struct hf_arming *arming;
	struct hf_wall noon = utc(2026, 6, 1, 12, 0);

	begin("UTC", 1);
	set(config.armed_entry, "22:00-06:00");
	CHECK_OK(hf_arming_new(&config, &arming, &err));
	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 0, noon) == HF_ARMED_CLOCK_UNSYNCED);
	CHECK_TEXT(hf_armed_doubt(HF_ARMED_CLOCK_UNSYNCED), "clock unsynced");
	hf_arming_trust(arming, true);
	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 0, noon) == HF_ARMED_NO);
	/* A moment without a date, as of a clip that has none. */
	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 0, (struct hf_wall){ 1250 }) ==
	      HF_ARMED_CLOCK_UNSYNCED);
	hf_arming_free(arming);
}

TEST(a_zone_nobody_knows_arms_and_says_so)
{
	struct hf_wall noon = utc(2026, 6, 1, 12, 0);

	begin("Europe/Berlni", 1);
	set(config.armed_entry, "22:00-06:00");
	struct hf_arming *arming = arming_new();

	CHECK(strstr(hf_arming_trouble(arming), "Europe/Berlin") != NULL);
	CHECK(hf_arming_at(arming, HF_ARMING_ENTRY, 0, noon) == HF_ARMED_ZONE_UNKNOWN);
	CHECK_TEXT(hf_armed_doubt(HF_ARMED_ZONE_UNKNOWN), "zone unknown");
	assert_null(hf_armed_doubt(HF_ARMED_YES));
	hf_arming_free(arming);
}

TEST(hours_that_do_not_parse_are_refused_by_name)
{
	struct hf_arming *arming;

	begin("UTC", 1);
	set(config.zones[0].armed_loitering, "at night");
	CHECK_CODE(hf_arming_new(&config, &arming, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "zone0: ") == err.text);
	begin("UTC", 0);
	set(config.armed_entry, "at night");
	CHECK_CODE(hf_arming_new(&config, &arming, &err), HF_E_INVALID);
}

/*
 * Goal: of all minutes of a year, in zones with every kind of clock change, none is armed that
 * should not be, and none is not that should.
 *
 * Method: from the other direction. hf_arming_at() goes from an instant to what the clock shows.
 * Here each window of each day of the year is laid out on the line of what clocks show, and
 * brought back to instants by the offsets that were in force: a stretch between two changes of
 * the offset gets the part of the window that its clock shows. That is the rule in arming.h: a gap
 * shows no part of a window, an overlap shows it twice. The offsets are held against mktime(),
 * which goes the same way for single moments, at each end of each window. Days of the week are
 * counted from 1 January 1970, a Thursday.
 */
enum {
	DAY_S = 86400,
	YEAR_MIN_MAX = 366 * 1440,
	STRETCHES_MAX = 16,
};

struct stretch {
	int64_t from_s, to_s; /* instants */
	int64_t offset_s;
};

struct window {
	unsigned days; /* Monday lowest */
	int64_t start_min, end_min;
};

static const struct {
	const char *text;
	struct window windows[4];
} schedules[] = {
	{ "mon-fri 18:00-07:00, sat-sun 00:00-24:00",
	  { { 0x1f, 18 * 60, 31 * 60 }, { 0x60, 0, 24 * 60 } } },
	{ "22:00-06:00", { { 0x7f, 22 * 60, 30 * 60 } } },
	{ "mon,wed 08:00-12:00", { { 0x05, 8 * 60, 12 * 60 } } },
	/* Ends within the hours that clocks skip or show twice. */
	{ "02:30-05:00, 23:15-23:45",
	  { { 0x7f, 150, 300 }, { 0x7f, 23 * 60 + 15, 23 * 60 + 45 } } },
	{ "sat-sun 00:10-02:10, sat 23:30-00:30, thu-fri 21:00-03:15",
	  { { 0x60, 10, 130 },
	    { 0x20, 23 * 60 + 30, 24 * 60 + 30 },
	    { 0x18, 21 * 60, 27 * 60 + 15 } } },
	{ "02:10-02:40, 01:45-02:20", { { 0x7f, 130, 160 }, { 0x7f, 105, 140 } } },
};

static const struct {
	const char *name;
	int year;
} places[] = {
	{ "Europe/Berlin", 2017 },
	{ "America/New_York", 2017 },
	{ "America/Sao_Paulo", 2017 },   /* changes at midnight */
	{ "Australia/Lord_Howe", 2017 }, /* by half an hour */
	{ "Asia/Kathmandu", 2017 },      /* +05:45, no change */
	{ "Pacific/Apia", 2017 },        /* +13 and +14 */
	{ "Pacific/Apia", 2011 },        /* 30 December was left out */
	{ "Africa/Casablanca", 2017 },   /* four changes, for Ramadan */
	{ "Africa/Casablanca", 2026 },   /* winter time is the exception */
	{ "UTC", 2017 },
	{ "America/St_Johns", 2017 }, /* -03:30 */
	{ "Asia/Tehran", 2017 },      /* at midnight, +03:30 */
};

static int64_t offset_at(int64_t at_s)
{
	time_t seconds = (time_t)at_s;
	struct tm tm;

	assert_non_null(localtime_r(&seconds, &tm));
	return tm.tm_gmtoff;
}

static size_t find_stretches(int64_t from_s, int64_t to_s, struct stretch list[STRETCHES_MAX])
{
	const int64_t step_s = 6 * 3600;
	size_t count = 0;

	list[0] = (struct stretch){ .from_s = from_s, .offset_s = offset_at(from_s) };
	for (int64_t at = from_s; at < to_s; at += step_s) {
		int64_t before = at, after = at + step_s;

		if (offset_at(after) == list[count].offset_s)
			continue;
		while (after - before > 1) {
			int64_t middle = before + (after - before) / 2;

			*(offset_at(middle) == list[count].offset_s ? &before : &after) = middle;
		}
		list[count].to_s = after;
		assert_true(++count < STRETCHES_MAX);
		list[count] = (struct stretch){ .from_s = after, .offset_s = offset_at(after) };
	}
	list[count].to_s = to_s;
	return count + 1;
}

/* mktime() names one moment at which clocks showed this: the stretches must know it. */
static void hold_against_mktime(int64_t shown_s, const struct stretch *list, size_t count,
				unsigned *checks)
{
	time_t as_utc = (time_t)shown_s;
	struct tm tm, again;

	assert_non_null(gmtime_r(&as_utc, &tm));
	tm.tm_isdst = -1;
	struct tm asked = tm;
	time_t at = mktime(&asked);
	assert_non_null(localtime_r(&at, &again));
	if (again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min)
		return; /* in a gap: no clock showed it */
	for (size_t i = 0; i < count; i++)
		if (at >= list[i].from_s && at < list[i].to_s) {
			CHECK_I64(shown_s - list[i].offset_s, ==, at);
			(*checks)++;
		}
}

static void lay_out(const struct window *window, int64_t first_s, const struct stretch *list,
		    size_t count, bool wanted[YEAR_MIN_MAX], unsigned *checks)
{
	for (int64_t day = first_s / DAY_S - 3; day <= first_s / DAY_S + 368; day++) {
		int64_t start_s = day * DAY_S + window->start_min * 60;
		int64_t end_s = day * DAY_S + window->end_min * 60;

		if ((window->days & 1U << (day + 3) % 7) == 0)
			continue;
		hold_against_mktime(start_s, list, count, checks);
		hold_against_mktime(end_s, list, count, checks);
		for (size_t i = 0; i < count; i++) {
			int64_t from = start_s - list[i].offset_s, to = end_s - list[i].offset_s;

			from = from > list[i].from_s ? from : list[i].from_s;
			to = to < list[i].to_s ? to : list[i].to_s;
			for (int64_t at = from; at < to; at += 60)
				if (at >= first_s && (at - first_s) / 60 < YEAR_MIN_MAX)
					wanted[(at - first_s) / 60] = true;
		}
	}
}

TEST(no_minute_of_a_year_is_armed_or_not_against_its_schedule)
{
	static bool wanted[YEAR_MIN_MAX];
	uint64_t compared = 0, wrong = 0, armed_count = 0;
	unsigned checks = 0, changes = 0;

	for (size_t p = 0; p < HF_ARRAY_LEN(places); p++) {
		begin(places[p].name, HF_ARRAY_LEN(schedules));
		for (size_t s = 0; s < HF_ARRAY_LEN(schedules); s++)
			set(config.zones[s].armed_entry, schedules[s].text);
		struct hf_arming *arming = arming_new();
		assert_null(hf_arming_trouble(arming));
		struct stretch list[STRETCHES_MAX];
		int64_t first_s = utc(places[p].year, 1, 1, 0, 0).ms / 1000;
		int64_t last_s = utc(places[p].year + 1, 1, 1, 0, 0).ms / 1000;
		size_t count = find_stretches(first_s, last_s, list);

		changes += (unsigned)count - 1;
		for (uint32_t s = 0; s < HF_ARRAY_LEN(schedules); s++) {
			memset(wanted, 0, sizeof wanted);
			for (size_t w = 0; schedules[s].windows[w].days != 0; w++)
				lay_out(&schedules[s].windows[w], first_s, list, count, wanted,
					&checks);
			for (int64_t at = first_s; at < last_s; at += 60) {
				struct hf_wall wall = { .ms = at * 1000 };
				bool is = hf_arming_at(arming, HF_ARMING_ENTRY, s, wall) ==
					  HF_ARMED_YES;

				compared++;
				armed_count += is;
				if (is != wanted[(at - first_s) / 60] && wrong++ < 5)
					print_error("%s %s: %lld is %d\n", places[p].name,
						    schedules[s].text, (long long)at, is);
			}
		}
		hf_arming_free(arming);
	}
	print_message("%llu minutes compared, %llu of them armed, over %u clock changes; ends held "
		      "against mktime: %u; wrong: %llu\n",
		      (unsigned long long)compared, (unsigned long long)armed_count, changes,
		      checks, (unsigned long long)wrong);
	CHECK_U64(wrong, ==, 0);
	CHECK_U64(changes, >=, 20);
	CHECK_U64(checks, >, 10000);
}

TESTS(RUN(without_a_schedule_a_rule_is_armed_and_nothing_is_doubted),
      RUN(a_zones_own_hours_replace_the_units_for_that_rule_alone),
      RUN(hours_are_those_of_the_sites_zone),
      RUN(a_window_that_starts_in_the_missing_hour_starts_with_the_first_minute_there_is),
      RUN(the_hour_that_comes_twice_is_armed_both_times),
      RUN(a_clock_that_is_not_synchronised_arms_and_says_so),
      RUN(a_zone_nobody_knows_arms_and_says_so), RUN(hours_that_do_not_parse_are_refused_by_name),
      RUN(no_minute_of_a_year_is_armed_or_not_against_its_schedule))
