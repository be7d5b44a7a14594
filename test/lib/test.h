/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * test - cmocka with less writing. TEST(a_sentence_that_can_be_false) { ... },
 * then TESTS(RUN(a_sentence_that_can_be_false), ...) at the end of the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define RUN(name)  cmocka_unit_test(name)
#define TESTS(...)                                                 \
	int main(void)                                             \
	{                                                          \
		const struct CMUnitTest tests[] = { __VA_ARGS__ }; \
		return cmocka_run_group_tests(tests, NULL, NULL);  \
	}

/* Compare and show both sides: CHECK_U64(report.lines, ==, 3). */
#define CHECK_U64(left, op, right)                                                        \
	do {                                                                              \
		uint64_t test_l = (uint64_t)(left), test_r = (uint64_t)(right);           \
		if (!(test_l op test_r))                                                  \
			fail_msg("%s %s %s: %llu, %llu", #left, #op, #right,              \
				 (unsigned long long)test_l, (unsigned long long)test_r); \
	} while (0)
#define CHECK_I64(left, op, right)                                                              \
	do {                                                                                    \
		int64_t test_l = (int64_t)(left), test_r = (int64_t)(right);                    \
		if (!(test_l op test_r))                                                        \
			fail_msg("%s %s %s: %lld, %lld", #left, #op, #right, (long long)test_l, \
				 (long long)test_r);                                            \
	} while (0)
#define CHECK_REAL(left, op, right)                                                       \
	do {                                                                              \
		double test_l = (double)(left), test_r = (double)(right);                 \
		if (!(test_l op test_r))                                                  \
			fail_msg("%s %s %s: %g, %g", #left, #op, #right, test_l, test_r); \
	} while (0)
#define CHECK_TEXT(left, right) assert_string_equal((left), (right))
#define CHECK(condition)        assert_true(condition)
/* The call says HF_OK, or the test shows its error text. */
#define CHECK_OK(call)                                                                    \
	do {                                                                              \
		enum hf_code test_code = (call);                                          \
		if (test_code != HF_OK)                                                   \
			fail_msg("%s: %s: %s", #call, hf_code_name(test_code), err.text); \
	} while (0)
#define CHECK_CODE(call, expected)                                                      \
	do {                                                                            \
		enum hf_code test_code = (call);                                        \
		if (test_code != (expected))                                            \
			fail_msg("%s: %s, expected %s", #call, hf_code_name(test_code), \
				 hf_code_name(expected));                               \
	} while (0)
