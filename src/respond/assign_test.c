/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/assign.h"

#include "test.h"

#include <math.h>

static double sum_of(const struct hf_assign *assign, const int column_of[HF_ASSIGN_MAX])
{
	double sum = 0;
	size_t pairs = 0;

	for (size_t i = 0; i < assign->rows; i++) {
		if (column_of[i] < 0)
			continue;
		sum += (double)assign->costs[i][column_of[i]];
		pairs++;
	}
	size_t side = assign->rows > assign->columns ? assign->rows : assign->columns;
	return sum + (double)(side - pairs) * (double)HF_ASSIGN_NEVER;
}

/* The least sum by trying everything: rows from `row` on, columns not yet in `taken`. */
static double best_by_force(const struct hf_assign *assign, size_t row, unsigned taken)
{
	if (row == assign->rows) {
		size_t pairs = (size_t)__builtin_popcount(taken);
		size_t side = assign->rows > assign->columns ? assign->rows : assign->columns;

		return (double)(side - pairs) * (double)HF_ASSIGN_NEVER;
	}
	double best = best_by_force(assign, row + 1, taken);
	for (size_t j = 0; j < assign->columns; j++) {
		if ((taken & (1U << j)) != 0 || assign->costs[row][j] >= HF_ASSIGN_NEVER)
			continue;
		best = fmin(best, (double)assign->costs[row][j] +
					  best_by_force(assign, row + 1, taken | 1U << j));
	}
	return best;
}

TEST(the_sum_is_the_least_that_trying_everything_finds)
{
	uint64_t dice = 12345;

	for (int round = 0; round < 400; round++) {
		struct hf_assign assign = { .rows = (size_t)(round % 6),
					    .columns = (size_t)(round / 6 % 7) };
		int column_of[HF_ASSIGN_MAX];

		for (size_t i = 0; i < assign.rows; i++)
			for (size_t j = 0; j < assign.columns; j++) {
				dice = dice * 6364136223846793005U + 1442695040888963407U;
				float cost = (float)(dice >> 40) / (float)(1 << 24);
				assign.costs[i][j] = dice >> 33 & 1 ? HF_ASSIGN_NEVER : cost;
			}
		hf_assign(&assign, column_of);
		CHECK_REAL(fabs(sum_of(&assign, column_of) - best_by_force(&assign, 0, 0)), <,
			   1e-6);
		unsigned taken = 0;
		for (size_t i = 0; i < assign.rows; i++) {
			if (column_of[i] < 0)
				continue;
			CHECK((taken & 1U << column_of[i]) == 0);
			taken |= 1U << column_of[i];
		}
	}
}

TEST(a_pair_that_must_not_be_is_never_made)
{
	struct hf_assign assign = { .rows = 1, .columns = 1, .costs = { { HF_ASSIGN_NEVER } } };
	int column_of[HF_ASSIGN_MAX];

	hf_assign(&assign, column_of);
	CHECK_I64(column_of[0], ==, -1);
}

TEST(two_poor_pairs_do_not_replace_a_good_one)
{
	struct hf_assign assign = { .rows = 2,
				    .columns = 2,
				    .costs = { { 0.0f, 0.8f }, { 0.9f, HF_ASSIGN_NEVER } } };
	int column_of[HF_ASSIGN_MAX];

	hf_assign(&assign, column_of);
	CHECK_I64(column_of[0], ==, 0);
	CHECK_I64(column_of[1], ==, -1);
}

TEST(a_full_house_is_paired)
{
	static struct hf_assign assign = { .rows = HF_ASSIGN_MAX, .columns = HF_ASSIGN_MAX };
	int column_of[HF_ASSIGN_MAX];

	for (size_t i = 0; i < HF_ASSIGN_MAX; i++)
		for (size_t j = 0; j < HF_ASSIGN_MAX; j++)
			assign.costs[i][j] = (i + 7) % HF_ASSIGN_MAX == j ? 0.1f : 0.5f;
	hf_assign(&assign, column_of);
	for (size_t i = 0; i < HF_ASSIGN_MAX; i++)
		CHECK_I64(column_of[i], ==, (int)((i + 7) % HF_ASSIGN_MAX));
}

TESTS(RUN(the_sum_is_the_least_that_trying_everything_finds),
      RUN(a_pair_that_must_not_be_is_never_made), RUN(two_poor_pairs_do_not_replace_a_good_one),
      RUN(a_full_house_is_paired))
