/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void hf_assert_failed(const char *condition, const char *file, int line, const char *function)
{
	(void)fprintf(stderr, "assert failed: %s (%s:%d, %s)\n", condition, file, line, function);
	abort();
}
