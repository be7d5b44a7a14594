/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * record - what keeper did to its disk, in the order in which it did it.
 *
 * Shape       A file of these heads, each followed by path_bytes, path2_bytes and
 *             data_bytes bytes. Calls that failed are not in it. A sent
 *             acknowledgement stands where it was about to be sent: everything that it
 *             promises must be durable there.
 */
#include <stdint.h>

enum record_op {
	RECORD_OPEN, /* path; fd is the new one; a: the flags */
	RECORD_WRITE,
	RECORD_TRUNCATE, /* a: the size */
	RECORD_SYNC,
	RECORD_RENAME, /* path to path2 */
	RECORD_UNLINK,
	RECORD_MKDIR,
	RECORD_ACK, /* data: struct hf_ack */
};

struct record_head {
	uint32_t op;
	int32_t folder; /* the descriptor that a path is relative to */
	int32_t fd;
	uint32_t path_bytes;
	uint32_t path2_bytes;
	uint32_t data_bytes;
	int64_t a; /* offset of a write */
};
