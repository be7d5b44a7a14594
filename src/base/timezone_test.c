/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timezone.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct hf_err err;

static int hour_of(time_t at)
{
	struct tm tm;

	assert_non_null(localtime_r(&at, &tm));
	return tm.tm_hour;
}

static const time_t summer = 1782000000; /* 2026-06-21 00:00 UTC */

TEST(a_zone_in_use_is_what_localtime_converts_to)
{
	CHECK_OK(hf_timezone_use("Europe/Berlin", &err));
	CHECK_I64(hour_of(summer), ==, 2);
	CHECK_OK(hf_timezone_use("America/Argentina/Buenos_Aires", &err));
	CHECK_I64(hour_of(summer), ==, 21);
	CHECK_OK(hf_timezone_use("Etc/GMT+5", &err));
	CHECK_I64(hour_of(summer), ==, 19);
	CHECK_OK(hf_timezone_use("UTC", &err));
	CHECK_I64(hour_of(summer), ==, 0);
}

TEST(the_environment_does_not_decide_what_the_machines_zone_is)
{
	CHECK_OK(hf_timezone_use("", &err));
	int hour = hour_of(summer);

	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	CHECK_OK(hf_timezone_use("", &err));
	CHECK_I64(hour_of(summer), ==, hour);
	assert_null(getenv("TZ"));
}

TEST(a_name_that_leads_out_of_the_database_is_no_name)
{
	static const char *const names[] = {
		"../../../etc/passwd",
		"/etc/localtime",
		"Europe/../UTC",
		":UTC",
		"./UTC",
		"Europe//Berlin",
		"Europe/",
		"Europe/Berlin\n",
		" UTC",
		"right/UTC",
		"EST5EDT,M3.2.0",
		"",
		"AbcdefghijAbcdefghijAbcdefghijAbcdefghijAbcdefghijAbcdefghijAbcdefghij",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		CHECK_CODE(hf_timezone_check(names[i], &err), HF_E_INVALID);
		CHECK(strstr(err.text, "is not the name of a time zone") != NULL);
	}
}

TEST(a_folder_or_table_of_the_database_is_no_zone)
{
	CHECK_CODE(hf_timezone_check("Europe", &err), HF_E_NOENT);
	CHECK_CODE(hf_timezone_check("leapseconds", &err), HF_E_NOENT);
	CHECK_CODE(hf_timezone_use("EST5", &err), HF_E_NOENT);
	CHECK_I64(hour_of(summer), ==, 0);
}

TEST(a_mistyped_zone_gets_the_one_that_was_meant)
{
	static const struct {
		const char *written;
		const char *meant;
	} slips[] = {
		{ "Berlin", "Europe/Berlin" },
		{ "Europe/Berln", "Europe/Berlin" },
		{ "europe/berlin", "Europe/Berlin" },
		{ "New York", "America/New_York" },
		{ "new_york", "America/New_York" },
		{ "Europe/Zuerich", "Europe/Zurich" },
		{ "America/Newyork", "America/New_York" },
		{ "Utc", "Etc/UTC" },
	};

	for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
		char wanted[128];

		CHECK(hf_timezone_check(slips[i].written, &err) != HF_OK);
		(void)snprintf(wanted, sizeof wanted, "did you mean \"%s\"?", slips[i].meant);
		if (strstr(err.text, wanted) == NULL)
			fail_msg("%s: %s", slips[i].written, err.text);
	}
	CHECK_CODE(hf_timezone_check("Xyzzy/Plugh", &err), HF_E_NOENT);
	CHECK(strstr(err.text, "did you mean") == NULL);
}

TEST(without_a_database_no_zone_is_called_wrong)
{
	assert_int_equal(setenv("TZDIR", "/nonexistent", 1), 0);
	CHECK_CODE(hf_timezone_use("Europe/Berlin", &err), HF_E_AGAIN);
	CHECK(strstr(err.text, "install the package tzdata") != NULL);
	CHECK_CODE(hf_timezone_check("../passwd", &err), HF_E_INVALID);
	assert_int_equal(unsetenv("TZDIR"), 0);
	CHECK_OK(hf_timezone_use("Europe/Berlin", &err));
}

TESTS(RUN(a_zone_in_use_is_what_localtime_converts_to),
      RUN(the_environment_does_not_decide_what_the_machines_zone_is),
      RUN(a_name_that_leads_out_of_the_database_is_no_name),
      RUN(a_folder_or_table_of_the_database_is_no_zone),
      RUN(a_mistyped_zone_gets_the_one_that_was_meant),
      RUN(without_a_database_no_zone_is_called_wrong))
