/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: rows are added one at a time. Each looks for the cheapest path that ends in a free
 * column and may push earlier rows to other columns on its way (Dijkstra over costs reduced by
 * the potentials of rows and columns, which keep every reduced cost at or above zero). Missing
 * rows and columns of the square are padded with HF_ASSIGN_NEVER. Index 0 stands for "none".
 */
#include "respond/assign.h"

#include "base/assert.h"

#include <math.h>
#include <stdbool.h>

struct search {
	size_t side;
	double row_potential[HF_ASSIGN_MAX + 1];
	double column_potential[HF_ASSIGN_MAX + 1];
	size_t row_of[HF_ASSIGN_MAX + 1]; /* of a column; 0: free */
	size_t before[HF_ASSIGN_MAX + 1]; /* the column before this one on the path */
};

static double cost_at(const struct hf_assign *assign, size_t row, size_t column)
{
	if (row > assign->rows || column > assign->columns)
		return (double)HF_ASSIGN_NEVER;
	return (double)assign->costs[row - 1][column - 1];
}

/* The free column at the end of the cheapest path from this row. */
static size_t cheapest_path(const struct hf_assign *assign, struct search *search, size_t row)
{
	double distance[HF_ASSIGN_MAX + 1];
	bool done[HF_ASSIGN_MAX + 1] = { false };
	size_t column = 0;

	for (size_t j = 0; j <= search->side; j++)
		distance[j] = INFINITY;
	search->row_of[0] = row;
	do {
		size_t from = search->row_of[column], nearest = 0;
		double step = INFINITY;

		done[column] = true;
		for (size_t j = 1; j <= search->side; j++) {
			if (done[j])
				continue;
			double reduced = cost_at(assign, from, j) - search->row_potential[from] -
					 search->column_potential[j];
			if (reduced < distance[j]) {
				distance[j] = reduced;
				search->before[j] = column;
			}
			if (distance[j] < step) {
				step = distance[j];
				nearest = j;
			}
		}
		for (size_t j = 0; j <= search->side; j++) {
			if (done[j]) {
				search->row_potential[search->row_of[j]] += step;
				search->column_potential[j] -= step;
			} else {
				distance[j] -= step;
			}
		}
		column = nearest;
	} while (search->row_of[column] != 0);
	return column;
}

void hf_assign(const struct hf_assign *assign, int ret_column_of[HF_ASSIGN_MAX])
{
	HF_ASSERT(assign->rows <= HF_ASSIGN_MAX && assign->columns <= HF_ASSIGN_MAX);
	struct search search = { .side = assign->rows > assign->columns ? assign->rows
									: assign->columns };

	for (size_t row = 1; row <= search.side; row++) {
		size_t column = cheapest_path(assign, &search, row);

		while (column != 0) {
			size_t before = search.before[column];

			search.row_of[column] = search.row_of[before];
			column = before;
		}
	}
	for (size_t row = 0; row < assign->rows; row++)
		ret_column_of[row] = -1;
	for (size_t column = 1; column <= assign->columns; column++) {
		size_t row = search.row_of[column];

		if (row >= 1 && row <= assign->rows &&
		    assign->costs[row - 1][column - 1] < HF_ASSIGN_NEVER)
			ret_column_of[row - 1] = (int)column - 1;
	}
}
