/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include "test.h"

#include <string.h>

static const char *best_of(const char *word, const char *const *words, size_t count)
{
	const char *best = NULL;

	for (size_t i = 0; i < count; i++)
		hf_suggest_consider(word, words[i], &best);
	return best;
}

static const char *const verbs[] = { "status", "detect", "outbox", "config", "help" };

TEST(each_of_the_four_slips_counts_one)
{
	CHECK_U64(hf_suggest_distance("status", "status"), ==, 0);
	CHECK_U64(hf_suggest_distance("statuss", "status"), ==, 1);
	CHECK_U64(hf_suggest_distance("staus", "status"), ==, 1);
	CHECK_U64(hf_suggest_distance("stabus", "status"), ==, 1);
	CHECK_U64(hf_suggest_distance("sattus", "status"), ==, 1);
	CHECK_U64(hf_suggest_distance("", "abc"), ==, 3);
	CHECK_U64(hf_suggest_distance("abc", ""), ==, 3);
	CHECK_U64(hf_suggest_distance("kitten", "sitting"), ==, 3);
}

TEST(the_closest_word_wins_whatever_the_order)
{
	CHECK_TEXT(best_of("confgi", verbs, 5), "config");
	CHECK_TEXT(best_of("STATUS", verbs, 5), "status");
	CHECK_TEXT(best_of("outboxx", verbs, 5), "outbox");
}

TEST(a_word_that_is_like_none_has_no_suggestion)
{
	assert_null(best_of("launch", verbs, 5));
	assert_null(best_of("x", verbs, 5));
	assert_null(best_of("", verbs, 5));
}

TEST(a_word_of_any_length_is_safe_to_ask_about)
{
	char longer[4096];

	memset(longer, 's', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_null(best_of(longer, verbs, 5));
	CHECK_U64(hf_suggest_distance(longer, longer), ==, HF_SUGGEST_BYTES_MAX);
}

TESTS(RUN(each_of_the_four_slips_counts_one), RUN(the_closest_word_wins_whatever_the_order),
      RUN(a_word_that_is_like_none_has_no_suggestion),
      RUN(a_word_of_any_length_is_safe_to_ask_about))
