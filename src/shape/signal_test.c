/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/signal.h"

#include "test.h"

#include <string.h>

TEST(each_signal_is_found_by_its_name_and_by_no_other)
{
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		CHECK_U64(hf_signal_find(hf_signal_name((enum hf_signal)i)), ==, i);
	CHECK_U64(hf_signal_find("camera.fame_age"), ==, HF_SIGNAL_COUNT);
	CHECK_U64(hf_signal_find(""), ==, HF_SIGNAL_COUNT);
}

/* The part before the dot says whose it is, so that a policy reads without a table beside it. */
TEST(a_name_says_whose_the_signal_is)
{
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++) {
		const char *name = hf_signal_name((enum hf_signal)i);
		enum hf_scope scope = hf_signal_scope((enum hf_signal)i);

		for (unsigned s = HF_SCOPE_WORKER; s < HF_SCOPE_COUNT; s++) {
			const char *whose = hf_scope_name((enum hf_scope)s);
			size_t bytes = strlen(whose);
			bool named = strncmp(name, whose, bytes) == 0 && name[bytes] == '.';

			CHECK(named == (scope == (enum hf_scope)s));
		}
	}
}

TESTS(RUN(each_signal_is_found_by_its_name_and_by_no_other), RUN(a_name_says_whose_the_signal_is))
