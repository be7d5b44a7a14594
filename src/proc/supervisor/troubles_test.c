/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/troubles.h"

#include "test.h"

#include <stdio.h>

static const char lost[] = "{\"source\":\"dvr\",\"error\":\"open /x.avi: no\"}";

TEST(a_trouble_stands_with_its_words_until_the_note_that_ends_it)
{
	struct troubles troubles = { 0 };

	CHECK(troubles_note(&troubles, "source_lost", lost));
	CHECK_U64(troubles.count, ==, 1);
	CHECK_TEXT(troubles.list[0].name, "source_lost dvr");
	CHECK_TEXT(troubles.list[0].why, "open /x.avi: no");
	CHECK(troubles_note(&troubles, "source_back", "{\"source\":\"dvr\"}"));
	CHECK_U64(troubles.count, ==, 0);
}

TEST(the_same_trouble_in_the_same_words_is_no_news_and_in_others_it_is)
{
	struct troubles troubles = { 0 };

	CHECK(troubles_note(&troubles, "model_failed", "{\"error\":\"damaged\"}"));
	CHECK(!troubles_note(&troubles, "model_failed", "{\"error\":\"damaged\"}"));
	CHECK(troubles_note(&troubles, "model_failed", "{\"error\":\"missing\"}"));
	CHECK_U64(troubles.count, ==, 1);
	CHECK_TEXT(troubles.list[0].why, "missing");
}

TEST(the_end_of_what_does_not_stand_is_no_news)
{
	struct troubles troubles = { 0 };

	CHECK(!troubles_note(&troubles, "outbox_ok", "{\"why\":\"fine\"}"));
	CHECK(!troubles_note(&troubles, "source_back", "{\"source\":\"dvr\"}"));
}

TEST(one_source_back_leaves_the_other_one_lost)
{
	struct troubles troubles = { 0 };

	CHECK(troubles_note(&troubles, "source_lost", lost));
	CHECK(troubles_note(&troubles, "source_lost", "{\"source\":\"yard\",\"error\":\"e\"}"));
	CHECK(troubles_note(&troubles, "source_back", "{\"source\":\"dvr\"}"));
	CHECK_U64(troubles.count, ==, 1);
	CHECK_TEXT(troubles.list[0].name, "source_lost yard");
}

TEST(one_outbox_ok_ends_a_full_and_a_failed_disk)
{
	struct troubles troubles = { 0 };

	CHECK(troubles_note(&troubles, "outbox_full", "{\"why\":\"full\"}"));
	CHECK(troubles_note(&troubles, "outbox_failed", "{\"why\":\"broken\"}"));
	CHECK_U64(troubles.count, ==, 2);
	CHECK(troubles_note(&troubles, "outbox_ok", "{\"why\":\"fine\"}"));
	CHECK_U64(troubles.count, ==, 0);
}

TEST(a_note_about_something_else_is_always_news)
{
	struct troubles troubles = { 0 };

	CHECK(troubles_note(&troubles, "link_down", "{}"));
	CHECK(troubles_note(&troubles, "link_down", "{}"));
	CHECK_U64(troubles.count, ==, 0);
}

TEST(a_quoted_key_inside_a_text_is_not_taken_for_the_key)
{
	struct troubles troubles = { 0 };

	CHECK(troubles_note(&troubles, "source_lost",
			    "{\"error\":\"say \\\"source\\\":\\\"no\\\" \\u0007end\","
			    "\"source\":\"dvr\"}"));
	CHECK_TEXT(troubles.list[0].name, "source_lost dvr");
	CHECK_TEXT(troubles.list[0].why, "say \"source\":\"no\"  end");
}

TEST(more_troubles_than_there_is_room_for_are_still_news)
{
	struct troubles troubles = { 0 };
	char attrs[64];

	for (int i = 0; i < TROUBLES_MAX + 3; i++) {
		(void)snprintf(attrs, sizeof attrs, "{\"source\":\"s%d\"}", i);
		CHECK(troubles_note(&troubles, "source_lost", attrs));
	}
	CHECK_U64(troubles.count, ==, TROUBLES_MAX);
}

TESTS(RUN(a_trouble_stands_with_its_words_until_the_note_that_ends_it),
      RUN(the_same_trouble_in_the_same_words_is_no_news_and_in_others_it_is),
      RUN(the_end_of_what_does_not_stand_is_no_news),
      RUN(one_source_back_leaves_the_other_one_lost),
      RUN(one_outbox_ok_ends_a_full_and_a_failed_disk),
      RUN(a_note_about_something_else_is_always_news),
      RUN(a_quoted_key_inside_a_text_is_not_taken_for_the_key),
      RUN(more_troubles_than_there_is_room_for_are_still_news))
