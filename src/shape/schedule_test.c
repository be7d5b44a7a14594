/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/schedule.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
	MON,
	TUE,
	WED,
	THU,
	FRI,
	SAT,
	SUN
};

static struct hf_err err;

static struct hf_schedule parsed(const char *text)
{
	struct hf_schedule schedule;

	CHECK_OK(hf_schedule_parse(text, &schedule, &err));
	return schedule;
}

static bool holds(const char *text, unsigned day, unsigned hour, unsigned minute)
{
	struct hf_schedule schedule = parsed(text);

	return hf_schedule_holds(&schedule, day, hour * 60 + minute);
}

static unsigned minutes_a_week(const char *text)
{
	struct hf_schedule schedule = parsed(text);
	unsigned count = 0;

	for (unsigned day = 0; day < HF_SCHEDULE_DAYS; day++)
		for (unsigned minute = 0; minute < HF_SCHEDULE_DAY_MIN; minute++)
			count += hf_schedule_holds(&schedule, day, minute);
	return count;
}

TEST(no_text_is_always)
{
	CHECK_U64(parsed("").window_count, ==, 0);
	CHECK_U64(minutes_a_week(""), ==, 7 * 1440);
}

TEST(a_window_holds_from_its_start_up_to_its_end_and_not_at_it)
{
	const char *text = "08:00-12:30";

	CHECK(!holds(text, WED, 7, 59));
	CHECK(holds(text, WED, 8, 0));
	CHECK(holds(text, SUN, 12, 29));
	CHECK(!holds(text, WED, 12, 30));
	CHECK_U64(minutes_a_week(text), ==, 7 * 270);
}

TEST(a_window_over_midnight_belongs_to_the_day_on_which_it_starts)
{
	const char *text = "fri 22:00-06:00";

	CHECK(!holds(text, FRI, 5, 0));
	CHECK(holds(text, FRI, 22, 0));
	CHECK(holds(text, SAT, 0, 0));
	CHECK(holds(text, SAT, 5, 59));
	CHECK(!holds(text, SAT, 6, 0));
	CHECK(!holds(text, SAT, 22, 0));
	CHECK(holds("sun 22:00-06:00", MON, 1, 0));
	CHECK(holds("sun 22:00-00:00", SUN, 23, 59));
	CHECK(!holds("sun 22:00-00:00", MON, 0, 0));
}

TEST(the_example_is_the_nights_of_the_week_and_the_whole_weekend)
{
	CHECK(holds(HF_SCHEDULE_EXAMPLE, MON, 18, 0));
	CHECK(holds(HF_SCHEDULE_EXAMPLE, TUE, 6, 59));
	CHECK(!holds(HF_SCHEDULE_EXAMPLE, MON, 6, 59)); /* Sunday's window ends at midnight */
	CHECK(!holds(HF_SCHEDULE_EXAMPLE, TUE, 7, 0));
	CHECK(holds(HF_SCHEDULE_EXAMPLE, SAT, 12, 0));
	CHECK(holds(HF_SCHEDULE_EXAMPLE, SUN, 23, 59));
	/* Friday's night reaches into Saturday, which is armed anyway. */
	CHECK_U64(minutes_a_week(HF_SCHEDULE_EXAMPLE), ==, 4 * 780 + 360 + 2 * 1440);
}

TEST(days_are_listed_ranged_and_go_over_the_weekend)
{
	CHECK_U64(parsed("mon,wed 08:00-12:00").windows[0].days, ==, 0x05);
	CHECK_U64(parsed("mon, wed , fri-sun 08:00-12:00").windows[0].days, ==, 0x75);
	CHECK_U64(parsed("fri-mon 08:00-12:00").windows[0].days, ==, 0x71);
	CHECK_U64(parsed("Mon-FRI 08:00-12:00").windows[0].days, ==, 0x1f);
	CHECK_U64(parsed("mon-sun 08:00-12:00").windows[0].days, ==, 0x7f);
	CHECK_U64(parsed("mon,mon 08:00-12:00,tue 00:00-24:00").window_count, ==, 2);
	CHECK_U64(minutes_a_week("00:00-24:00"), ==, 7 * 1440);
}

TEST(windows_that_overlap_hold_once)
{
	CHECK_U64(minutes_a_week("mon 08:00-12:00, mon 10:00-13:00"), ==, 300);
}

static const struct {
	const char *text;
	const char *message;
} refusals[] = {
	{ "18.00-07:00", "\"18.00\" at character 1 is not a time as HH:MM; write 18:00" },
	{ "mon 8:00-12:00", "\"8:00\" at character 5 is not a time as HH:MM; write 08:00" },
	{ "18-07", "write 18:00" },
	{ "1800-0700", "write 18:00" },
	{ "18h30-19:00", "write 18:30" },
	{ "25:00-07:00", "\"25:00\" at character 1 is not a time from 00:00 to 24:00" },
	{ "18:00-24:01", "\"24:01\" at character 7 is not a time from 00:00 to 24:00" },
	{ "18:60-19:00", "\"18:60\"" },
	{ "24:00-07:00", "starts at 24:00, which only ends a day; write 00:00" },
	{ "18:00-18:00", "for all day write 00:00-24:00" },
	{ "18:00", "needs a start and an end in one word" },
	{ "18:00-", "needs a start and an end in one word" },
	{ "-18:00", "\"-18:00\" at character 1 lacks a day" },
	{ "moo 18:00-19:00", "\"moo\" at character 1 is not a day; did you mean mon?" },
	{ "monday 18:00-19:00", "did you mean mon?" },
	{ "mo-fr 18:00-19:00", "\"mo\" at character 1 is not a day; did you mean mon?" },
	{ "mon-xyz 18:00-19:00", "\"xyz\" at character 5 is not a day; the days are mon tue" },
	{ "weekdays 18:00-19:00", "is not a day; write mon-fri" },
	{ "always", "is not a day; write 00:00-24:00" },
	{ "mon-mon 18:00-19:00", "may be one day or the whole week; write mon, or mon-sun" },
	{ "mon- 18:00-19:00", "lacks a day" },
	{ "mon", "\"mon\" at character 1 has no hours; for the whole day write mon 00:00-24:00" },
	{ "mon 08:00-09:00, tue", "\"tue\" at character 18 has no hours" },
	{ "mon, 08:00-12:00", "between days and their hours stands a blank: mon 08:00-12:00" },
	{ "mon 08:00-12:00,", "nothing stands before character 17" },
	{ ",", "nothing stands before character 1," },
	{ " ", "nothing stands before character 2" },
	{ "08:00-12:00 mon", "has its days behind the hours" },
	{ "mon - fri 08:00-12:00", "has a blank beside a \"-\"" },
	{ "mon 08:00 - 12:00", "has a blank beside a \"-\"" },
	{ "mon 08:00-12:00 14:00-18:00", "a comma stands between two windows" },
	{ "mon-fri 06:00-08:00, 18:00-20:00",
	  "\"18:00-20:00\" at character 22 leaves open on which days: name the days of every "
	  "window or of none, for example mon-sun 18:00-20:00" },
	{ "06:00-08:00, mon 18:00-20:00", "leaves open on which days" },
	{ "mon\xe2\x80\x93"
	  "fri 08:00-12:00",
	  "has a long dash in it" },
	{ "m\xc3\xb6n 08:00-12:00", "\"m\xc3\xb6n\" at character 1 is not a day" },
	{ "m\xc3\xb6n, tux 08:00-12:00", "\"m\xc3\xb6n\"" },
};

TEST(each_mistake_is_named_with_its_place_and_what_to_write)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct hf_schedule schedule = { .window_count = 99 };

		CHECK_CODE(hf_schedule_parse(refusals[i].text, &schedule, &err), HF_E_INVALID);
		if (strstr(err.text, refusals[i].message) == NULL)
			fail_msg("%s\n  says  %s\n  wants %s", refusals[i].text, err.text,
				 refusals[i].message);
		CHECK_U64(schedule.window_count, ==, 99);
	}
}

TEST(as_many_windows_as_a_setting_holds_are_taken_and_not_one_more)
{
	char text[HF_SCHEDULE_WINDOWS_MAX * 12 + 12 + 1];
	struct hf_schedule schedule;

	for (unsigned i = 0; i <= HF_SCHEDULE_WINDOWS_MAX; i++)
		(void)snprintf(text + (size_t)i * 12, 13, "%02u:00-%02u:30,", i, i);
	text[HF_SCHEDULE_WINDOWS_MAX * 12 - 1] = '\0';
	CHECK_U64(strlen(text), <, HF_SCHEDULE_BYTES);
	CHECK_U64(parsed(text).window_count, ==, HF_SCHEDULE_WINDOWS_MAX);
	text[HF_SCHEDULE_WINDOWS_MAX * 12 - 1] = ',';
	text[HF_SCHEDULE_WINDOWS_MAX * 12 + 11] = '\0';
	CHECK_U64(strlen(text), >=, HF_SCHEDULE_BYTES);
	CHECK_CODE(hf_schedule_parse(text, &schedule, &err), HF_E_INVALID);
	CHECK(strstr(err.text, "one window more than") != NULL);
}

/* Whatever is written, the parser ends, and what it takes is within its bounds. */
TEST(no_text_gets_a_window_that_is_out_of_range)
{
	static const char alphabet[] = "mnotuewdhfrisa0123456789:-, ,-  \xe2\x80\x93";
	const unsigned rounds = 200000;
	unsigned seed = 20260420, taken = 0;
	char text[64];

	for (unsigned round = 0; round < rounds; round++) {
		size_t length = (size_t)(rand_r(&seed) % 40);
		struct hf_schedule schedule;

		(void)snprintf(text, sizeof text, "%s", "mon-fri 18:00-07:00,sat 00:00-24:00");
		for (size_t i = 0; i < length; i++)
			text[rand_r(&seed) % 35] =
				alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
		if (length % 3 == 0)
			text[length] = '\0';
		else if (length % 3 == 1) /* few changes, so that some are still taken */
			(void)snprintf(text, sizeof text, "%02u:%02u-%02u:%02u", rand_r(&seed) % 26,
				       rand_r(&seed) % 62, rand_r(&seed) % 26, rand_r(&seed) % 62);
		if (hf_schedule_parse(text, &schedule, &err) != HF_OK)
			continue;
		taken++;
		CHECK_U64(schedule.window_count, <=, HF_SCHEDULE_WINDOWS_MAX);
		for (uint32_t i = 0; i < schedule.window_count; i++) {
			CHECK_U64(schedule.windows[i].days, !=, 0);
			CHECK_U64(schedule.windows[i].days, <, 128);
			CHECK_U64(schedule.windows[i].start_min, <, 1440);
			CHECK_U64(schedule.windows[i].end_min, >, schedule.windows[i].start_min);
			CHECK_U64(schedule.windows[i].end_min, <=,
				  schedule.windows[i].start_min + 1440);
		}
	}
	CHECK_U64(taken, >, 1000);
}

TESTS(RUN(no_text_is_always), RUN(a_window_holds_from_its_start_up_to_its_end_and_not_at_it),
      RUN(a_window_over_midnight_belongs_to_the_day_on_which_it_starts),
      RUN(the_example_is_the_nights_of_the_week_and_the_whole_weekend),
      RUN(days_are_listed_ranged_and_go_over_the_weekend), RUN(windows_that_overlap_hold_once),
      RUN(each_mistake_is_named_with_its_place_and_what_to_write),
      RUN(as_many_windows_as_a_setting_holds_are_taken_and_not_one_more),
      RUN(no_text_gets_a_window_that_is_out_of_range))
