/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t hf_suggest_distance(const char *left, const char *right)
{
	/* Three rows of the table are enough: a swap looks back two. */
	size_t rows[3][HF_SUGGEST_BYTES_MAX];
	size_t left_length = strnlen(left, HF_SUGGEST_BYTES_MAX);
	size_t right_length = strnlen(right, HF_SUGGEST_BYTES_MAX);

	if (left_length == HF_SUGGEST_BYTES_MAX || right_length == HF_SUGGEST_BYTES_MAX)
		return HF_SUGGEST_BYTES_MAX;
	for (size_t r = 0; r <= right_length; r++)
		rows[0][r] = r;
	for (size_t l = 1; l <= left_length; l++) {
		size_t *row = rows[l % 3], *above = rows[(l + 2) % 3], *above2 = rows[(l + 1) % 3];

		row[0] = l;
		for (size_t r = 1; r <= right_length; r++) {
			char a = lower(left[l - 1]), b = lower(right[r - 1]);
			size_t change = above[r - 1] + (a == b ? 0 : 1);

			row[r] = least(change, least(above[r], row[r - 1]) + 1);
			if (l > 1 && r > 1 && a == lower(right[r - 2]) && lower(left[l - 2]) == b)
				row[r] = least(row[r], above2[r - 2] + 1);
		}
	}
	return rows[left_length % 3][right_length];
}

void hf_suggest_consider(const char *word, const char *candidate, const char **best)
{
	size_t length = strnlen(word, HF_SUGGEST_BYTES_MAX);
	size_t distance = hf_suggest_distance(word, candidate);

	if (length < 2 || distance > (length < 6 ? 1 : length / 3))
		return;
	if (*best == NULL || distance < hf_suggest_distance(word, *best))
		*best = candidate;
}
