/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * assert - judges the programmer, never the world. Stays on in production: a
 * worker's abort is a planned-for event. The last line before the abort names
 * the place, so that the supervisor can keep it.
 */
#define HF_ASSERT(condition) \
	((condition) ? (void)0 : hf_assert_failed(#condition, __FILE__, __LINE__, __func__))

_Noreturn void hf_assert_failed(const char *condition, const char *file, int line,
				const char *function);
