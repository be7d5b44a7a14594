/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * saved - respond's state for its next life: its open stays, cool-downs and the
 * offers nobody has acknowledged. Opaque here.
 *
 * Shape       In memory for a restart of respond; run/respond.BOOT_ID for a
 *             restart of the supervisor within the same boot. Files of other
 *             boots are removed.
 *
 * Durability  Not flushed: what a power cut takes with it is the memory of who
 *             stood where, and after a power cut nobody stands there any more.
 *
 * Errors      A file that cannot be read or written is a log line: the state in
 *             memory is what counts.
 */
#include "shape/event.h"
#include "wire/msg.h"

enum {
	SAVED_BYTES_MAX = HF_MSG_BODY_BYTES_MAX,
};

struct saved {
	char path[HF_PATH_BYTES + 64]; /* empty: kept in memory only */
	uint8_t *data;                 /* NULL: nothing */
	size_t size_bytes;
};

struct saved saved_open(const char *run_path, const char *boot_id);
void saved_put(struct saved *saved, const uint8_t *data, size_t size_bytes);
void saved_close(struct saved *saved);
