/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* test_line - outbox lines for the hub's tests, with a right CRC and a right chain. */
#include "base/crc32c.h"
#include "base/random.h"
#include "outbox/line.h"
#include "shape/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TEST_EPOCH "e1f0"
#define TEST_NONCE "0123456789abcdef0123456789abcdef"

/* Members before `,"crc32c"`, sealed. Returns the length, newline included. */
static inline size_t test_line_seal(const char *members, char ret_line[HF_LINE_BYTES_MAX])
{
	uint32_t crc = hf_crc32c(0, members, strlen(members));

	return (size_t)snprintf(ret_line, HF_LINE_BYTES_MAX, "%.*s,\"crc32c\":\"%08x\"}\n",
				HF_LINE_BYTES_MAX - 32, members, crc);
}

/* A line behind one with this chain value, which becomes its own. */
static inline size_t test_line_next(const char *device, const char *epoch, uint64_t seq,
				    const char *camera, uint8_t chain[HF_CHAIN_BYTES],
				    char ret_line[HF_LINE_BYTES_MAX])
{
	char members[HF_LINE_BYTES_MAX - 32], hex[2 * HF_CHAIN_BYTES + 1];
	struct hf_line line = { .data = members };
	uint8_t previous[HF_CHAIN_BYTES];
	int length =
		snprintf(members, sizeof members - 100,
			 "{\"device_id\":\"%s\",\"local_seq\":%llu,"
			 "\"captured_at\":\"2026-04-20T02:17:33.123Z\",\"layout_id\":\"4x4-std\","
			 "\"camera_name\":\"%s\",\"event_class\":\"pre_action_zone_entry\","
			 "\"zone_id\":\"z1\",\"dwell_seconds\":1.5,\"thumb_path\":null,"
			 "\"model_tag\":\"person-v1@a1f2c9\",\"v\":1,\"epoch\":\"%s\","
			 "\"boot_id\":\"b\",\"mono_ms\":1,\"clock\":\"synced\",\"release\":\"r1\","
			 "\"state\":\"healthy\",\"attrs\":{},\"origin\":\"1.r.1.%llu\"",
			 device, (unsigned long long)seq, camera, epoch, (unsigned long long)seq);

	memcpy(previous, chain, sizeof previous);
	line.size_bytes = (size_t)length + HF_LINE_CHAIN_END_BYTES;
	hf_line_chain(previous, &line, chain);
	hf_hex(chain, HF_CHAIN_BYTES, hex);
	(void)snprintf(members + length, sizeof members - (size_t)length, ",\"chain\":\"%s\"", hex);
	return test_line_seal(members, ret_line);
}

/* The chain value of line seq - 1 where every line from 1 on is of the camera "gate". */
static inline void test_line_chain_before(const char *device, const char *epoch, uint64_t seq,
					  uint8_t ret_chain[HF_CHAIN_BYTES])
{
	char ignored[HF_LINE_BYTES_MAX];

	memset(ret_chain, 0, HF_CHAIN_BYTES);
	for (uint64_t n = 1; n < seq; n++)
		(void)test_line_next(device, epoch, n, "gate", ret_chain, ignored);
}

/* A line behind seq - 1 others of the camera "gate". */
static inline size_t test_line_make(const char *device, const char *epoch, uint64_t seq,
				    const char *camera, char ret_line[HF_LINE_BYTES_MAX])
{
	uint8_t chain[HF_CHAIN_BYTES];

	test_line_chain_before(device, epoch, seq, chain);
	return test_line_next(device, epoch, seq, camera, chain, ret_line);
}
