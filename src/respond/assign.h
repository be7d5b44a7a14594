/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * assign - who is who: pair rows with columns so that the sum of costs is least.
 *
 * Numbers     Costs lie in 0..1. A pair that must not be is HF_ASSIGN_NEVER,
 *             which is also the price of leaving one row and one column
 *             alone: two poor pairs do not replace a good one and a leftover.
 *
 * Limits      HF_ASSIGN_MAX rows and columns; the work grows with the cube, a
 *             full 64 x 64 is about 0.3 million steps. No allocation.
 *
 * Source      H. W. Kuhn, The Hungarian method for the assignment problem,
 *             1955; with the shortest augmenting paths of R. Jonker and A.
 *             Volgenant, 1987. Taking the cheapest pair again and again was
 *             rejected: in a file of people each one is nearest to the place
 *             of the one before, and one wrong pair shifts the whole file.
 */
#include <stddef.h>

enum {
	HF_ASSIGN_MAX = 64,
};

#define HF_ASSIGN_NEVER 1.0f

struct hf_assign {
	size_t rows, columns;
	float costs[HF_ASSIGN_MAX][HF_ASSIGN_MAX];
};

/* ret_column_of[row] is its column, or -1. */
void hf_assign(const struct hf_assign *assign, int ret_column_of[HF_ASSIGN_MAX]);
