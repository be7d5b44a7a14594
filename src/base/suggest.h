/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * suggest - what a mistyped word was probably meant to be.
 *
 * Numbers     Distance is the number of letters to insert, remove, replace or
 *             swap with their neighbour (optimal string alignment); case does
 *             not count. A word is close when a third of its letters or fewer
 *             differ, and always when one does.
 *
 * Source      Damerau, "A technique for computer detection and correction of
 *             spelling errors", CACM 7(3), 1964: one such slip makes four out
 *             of five spelling errors.
 *
 * Limits      Words of HF_SUGGEST_BYTES_MAX bytes or more are close to nothing.
 */
#include <stddef.h>

enum {
	HF_SUGGEST_BYTES_MAX = 64,
};

/* Letters that differ; a number above any word's length when one is too long. */
size_t hf_suggest_distance(const char *left, const char *right);

/* Keep in *best the closer one of *best (NULL at first) and candidate, if it is close at all. */
void hf_suggest_consider(const char *word, const char *candidate, const char **best);
