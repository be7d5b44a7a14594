/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reseal - make the CRC of each line right again, so that what a fuzzer changed in a line is
 * looked at instead of being refused for its CRC. Lines without the end of one stay as they are.
 */
#include "fuzz.h"

#include "base/crc32c.h"

#include <ctype.h>
#include <stdio.h>

static inline void fuzz_reseal(char *text, size_t size_bytes)
{
	static const char key[] = ",\"crc32c\":\"";
	enum {
		END_BYTES = sizeof key - 1 + 8 + 2
	};
	char *end = text + size_bytes;

	for (char *line = text; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline != NULL ? newline : end) - line);
		char *crc = line + length - END_BYTES;
		char hex[9];

		if (length > END_BYTES && memcmp(crc, key, sizeof key - 1) == 0 &&
		    memcmp(line + length - 2, "\"}", 2) == 0) {
			(void)snprintf(hex, sizeof hex, "%08x",
				       hf_crc32c(0, line, length - END_BYTES));
			memcpy(crc + sizeof key - 1, hex, 8);
		}
		if (newline == NULL)
			return;
		line = newline + 1;
	}
}
