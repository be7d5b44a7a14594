/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * marked - acknowledgements on the very disk whose writes are logged, behind its file system.
 *
 * Shape       Sectors of MARKED_BYTES from a given offset on, written one after the other with
 *             O_DIRECT, each after the acknowledgements in it were received: so their place
 *             among the disk's writes and flushes is exact. The first without the magic
 *             ends them.
 */
#include <stdint.h>

enum {
	MARKED_BYTES = 4096,
	MARKED_ACKS_MAX = 160,
};

#define MARKED_MAGIC UINT64_C(0x64656b72616d6668)

struct marked_ack {
	uint64_t producer;
	uint64_t n;
	uint64_t local_seq;
};

struct marked {
	uint64_t magic;
	uint64_t count;
	struct marked_ack acks[MARKED_ACKS_MAX];
	uint8_t unused[MARKED_BYTES - 16 - MARKED_ACKS_MAX * 24];
};
_Static_assert(sizeof(struct marked) == MARKED_BYTES, "one write each");
