/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fuzz - what a fuzz target is.
 *
 * Shape       One file a target, with libFuzzer's two functions. tools/fuzz links
 *             libFuzzer to it, every other build test/fuzz/driver.c, which plays
 *             corpus/TARGET back in the unit tests.
 *
 *             A target does not only wait for a crash: what was accepted must keep
 *             its promises (FUZZ_MUST), like coming out of an encoder as it went in.
 *
 * Limits      An input is a few hundred kilobytes at most; a target answers within
 *             a second, and keeps nothing from one input to the next.
 */
#include "base/assert.h"
#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FUZZ_MUST(condition) HF_ASSERT(condition)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/* The bytes as a text of their own, with a NUL: to be freed. */
static inline char *fuzz_text(const uint8_t *data, size_t size_bytes)
{
	char *text = malloc(size_bytes + 1);

	FUZZ_MUST(text != NULL);
	if (size_bytes > 0)
		memcpy(text, data, size_bytes);
	text[size_bytes] = '\0';
	return text;
}
