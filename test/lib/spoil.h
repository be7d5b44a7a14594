/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a power cut may do to a day file whose lines are safe in the ring, on a fake disk. */
#include "fake_disk.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

/* Lines from..through (from 1) of a file did not reach the disk: zeros, or nothing at the end. */
static inline void test_spoil(struct hf_disk *disk, const char *path, size_t from, size_t through)
{
	size_t size;
	const char *bytes = fake_disk_bytes(disk, path, &size);
	char *copy = malloc(size);
	char *at = copy, *begin = NULL;

	memcpy(copy, bytes, size);
	for (size_t line = 1; line <= through; line++) {
		if (line == from)
			begin = at;
		at = (char *)memchr(at, '\n', (size_t)(copy + size - at)) + 1;
	}
	CHECK(begin != NULL);
	memset(begin, 0, (size_t)(at - begin));
	fake_disk_put(disk, path, copy, at == copy + size ? (size_t)(begin - copy) : size);
	free(copy);
}
