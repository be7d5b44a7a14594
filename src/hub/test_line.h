/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* test_line - outbox lines for the hub's tests, with a right CRC. */
#include "base/crc32c.h"
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

static inline size_t test_line_make(const char *device, const char *epoch, uint64_t seq,
				    const char *camera, char ret_line[HF_LINE_BYTES_MAX])
{
	char members[HF_LINE_BYTES_MAX - 32];

	(void)snprintf(members, sizeof members,
		       "{\"device_id\":\"%s\",\"local_seq\":%llu,"
		       "\"captured_at\":\"2026-04-20T02:17:33.123Z\",\"layout_id\":\"4x4-std\","
		       "\"camera_name\":\"%s\",\"event_class\":\"pre_action_zone_entry\","
		       "\"zone_id\":\"z1\",\"dwell_seconds\":1.5,\"thumb_path\":null,"
		       "\"model_tag\":\"person-v1@a1f2c9\",\"v\":1,\"epoch\":\"%s\","
		       "\"boot_id\":\"b\",\"mono_ms\":1,\"clock\":\"synced\",\"release\":\"r1\","
		       "\"state\":\"healthy\",\"attrs\":{},\"origin\":\"1.r.1.%llu\","
		       "\"chain\":\"%064d\"",
		       device, (unsigned long long)seq, camera, epoch, (unsigned long long)seq, 0);
	return test_line_seal(members, ret_line);
}
