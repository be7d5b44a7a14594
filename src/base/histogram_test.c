/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "test.h"

TEST(small_values_are_exact)
{
	struct hf_histogram histogram = { 0 };

	for (uint64_t i = 1; i <= 10; i++)
		hf_histogram_add(&histogram, i);
	CHECK_U64(hf_histogram_quantile(&histogram, 0.5), ==, 5);
	CHECK_U64(hf_histogram_quantile(&histogram, 1.0), ==, 10);
}

TEST(a_quantile_is_never_below_and_at_most_a_sixteenth_above_the_truth)
{
	for (uint64_t value = 1; value < UINT64_C(1) << 38; value = value * 5 / 3 + 1) {
		struct hf_histogram histogram = { 0 };

		hf_histogram_add(&histogram, value);
		hf_histogram_add(&histogram, UINT64_C(1) << 39);
		uint64_t seen = hf_histogram_quantile(&histogram, 0.5);

		CHECK_U64(seen, >=, value);
		CHECK_U64(seen - value, <=, value / 16);
	}
}

TEST(an_empty_one_says_zero_and_a_huge_value_stays_inside)
{
	struct hf_histogram histogram = { 0 };

	CHECK_U64(hf_histogram_quantile(&histogram, 0.99), ==, 0);
	hf_histogram_add(&histogram, UINT64_MAX);
	CHECK_U64(hf_histogram_quantile(&histogram, 0.99), ==, (UINT64_C(1) << 40) - 1);
}

TESTS(RUN(small_values_are_exact),
      RUN(a_quantile_is_never_below_and_at_most_a_sixteenth_above_the_truth),
      RUN(an_empty_one_says_zero_and_a_huge_value_stays_inside))
