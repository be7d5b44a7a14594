/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "test.h"

#include <string.h>

static char text[512];

TEST(times_are_rounded_before_they_are_split)
{
	hf_progress_time(0, false, sizeof text, text);
	CHECK_TEXT(text, "00:00");
	hf_progress_time(59.96, true, sizeof text, text);
	CHECK_TEXT(text, "01:00.0");
	hf_progress_time(3599.6, false, sizeof text, text);
	CHECK_TEXT(text, "1:00:00");
	hf_progress_time(-3, true, sizeof text, text);
	CHECK_TEXT(text, "00:00.0");
}

TEST(what_is_left_is_what_it_took_carried_on)
{
	hf_progress_text("a.avi", 15, 60, 10, 80, sizeof text, text);
	assert_non_null(strstr(text, "a.avi  00:15 of 01:00 ["));
	assert_non_null(strstr(text, " 25 %, 00:30 left"));
	/* More than all of it is all of it. */
	hf_progress_text("a.avi", 61, 60, 10, 80, sizeof text, text);
	assert_non_null(strstr(text, "100 %, 00:00 left"));
}

TEST(after_so_little_there_is_no_guess)
{
	hf_progress_text("a.avi", 0.1, 60, 2, 80, sizeof text, text);
	assert_non_null(strstr(text, "  0 %"));
	assert_null(strstr(text, "left"));
}

TEST(an_unknown_length_shows_where_it_is_and_no_more)
{
	hf_progress_text("a.avi", 75, 0, 10, 80, sizeof text, text);
	CHECK_TEXT(text, "a.avi  01:15");
}

TEST(the_line_fits_the_terminal)
{
	for (unsigned columns = 60; columns <= 200; columns++) {
		hf_progress_text("a-clip-of-the-yard.avi", 1801, 3600, 700, columns, sizeof text,
				 text);
		CHECK_U64(strlen(text), <, columns);
	}
}

TESTS(RUN(times_are_rounded_before_they_are_split), RUN(what_is_left_is_what_it_took_carried_on),
      RUN(after_so_little_there_is_no_guess), RUN(an_unknown_length_shows_where_it_is_and_no_more),
      RUN(the_line_fits_the_terminal))
