/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/watch.h"

#include "test.h"

static struct hf_mono at_s(int64_t seconds)
{
	return (struct hf_mono){ .us = seconds * 1000000 };
}

TEST(what_is_older_than_ten_minutes_is_forgotten)
{
	struct hf_recent recent = { 0 };

	CHECK_U64(hf_recent_count(&recent, at_s(5000)), ==, 0);
	hf_recent_add(&recent, at_s(5000));
	hf_recent_add(&recent, at_s(5000));
	hf_recent_add(&recent, at_s(5300));
	CHECK_U64(hf_recent_count(&recent, at_s(5300)), ==, 3);
	CHECK_U64(hf_recent_count(&recent, at_s(5600)), ==, 3);
	CHECK_U64(hf_recent_count(&recent, at_s(5611)), ==, 1);
	CHECK_U64(hf_recent_count(&recent, at_s(5911)), ==, 0);
	/* Steps that were used before, and none counted in between. */
	hf_recent_add(&recent, at_s(9000));
	CHECK_U64(hf_recent_count(&recent, at_s(9000)), ==, 1);
}

TEST(a_whole_day_of_failures_counts_ten_minutes_of_them)
{
	struct hf_recent recent = { 0 };

	for (int64_t s = 0; s < 86400; s++)
		hf_recent_add(&recent, at_s(s));
	CHECK_U64(hf_recent_count(&recent, at_s(86399)), >=, 600);
	CHECK_U64(hf_recent_count(&recent, at_s(86399)), <=, 610);
}

/* Scores from low to low + 0.3, evenly. */
static void see(struct hf_drift *drift, int count, double low)
{
	for (int i = 0; i < count; i++)
		hf_drift_add(drift, (float)(low + 0.3 * (i % 97) / 97));
}

TEST(without_enough_scores_drift_is_not_known)
{
	struct hf_drift drift = { 0 };
	int64_t permille;

	CHECK(!hf_drift_permille(&drift, &permille));
	see(&drift, HF_DRIFT_BASELINE + HF_DRIFT_RECENT_MIN - 1, 0.5);
	CHECK(!hf_drift_permille(&drift, &permille));
	see(&drift, 1, 0.5);
	CHECK(hf_drift_permille(&drift, &permille));
}

TEST(the_same_scores_are_no_drift)
{
	struct hf_drift drift = { 0 };
	int64_t permille = 1000;

	see(&drift, 5000, 0.5);
	CHECK(hf_drift_permille(&drift, &permille));
	CHECK_I64(permille, <, 60);
}

TEST(scores_that_fell_are_a_drift_until_they_are_back)
{
	struct hf_drift drift = { 0 };
	int64_t permille = 0;

	see(&drift, 3000, 0.5);
	see(&drift, 3000, 0.35); /* half of them below all that there was */
	CHECK(hf_drift_permille(&drift, &permille));
	CHECK_I64(permille, >, 350);
	CHECK_I64(permille, <, 650);
	see(&drift, 3000, 0.5);
	CHECK(hf_drift_permille(&drift, &permille));
	CHECK_I64(permille, <, 150);
}

TEST(all_scores_elsewhere_are_the_greatest_drift)
{
	struct hf_drift drift = { 0 };
	int64_t permille = 0;

	see(&drift, HF_DRIFT_BASELINE, 0.6);
	see(&drift, 400, 0.1);
	hf_drift_add(&drift, 2); /* out of range: the last bin */
	hf_drift_add(&drift, -1);
	CHECK(hf_drift_permille(&drift, &permille));
	CHECK_I64(permille, >=, 995);
	CHECK_I64(permille, <=, 1000);
}

TESTS(RUN(what_is_older_than_ten_minutes_is_forgotten),
      RUN(a_whole_day_of_failures_counts_ten_minutes_of_them),
      RUN(without_enough_scores_drift_is_not_known), RUN(the_same_scores_are_no_drift),
      RUN(scores_that_fell_are_a_drift_until_they_are_back),
      RUN(all_scores_elsewhere_are_the_greatest_drift))
