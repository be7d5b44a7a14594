/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * window - the lines that are next, exactly as they are stored.
 *
 * Shape       Lines of one device id and epoch, numbers rising, one after the other as NDJSON.
 *             A request carries the first few of them; those that were delivered
 *             leave at the front, new ones come in at the end, so that each line
 *             is read from the disk once however often it is sent.
 *
 * Limits      HF_WINDOW_LINES_MAX lines and HF_WINDOW_BYTES_MAX bytes.
 */
#include "shape/limits.h"
#include "uplink/thumbs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_WINDOW_LINES_MAX = 1000,
	HF_WINDOW_BYTES_MAX = 512 * 1024,
	HF_WINDOW_EPOCH_BYTES = 40,
};

/* Both can differ from what the unit is called now: lines are never rewritten. */
struct hf_window_owner {
	char device_id[HF_ID_BYTES];
	char epoch[HF_WINDOW_EPOCH_BYTES];
};

struct hf_window_line {
	uint64_t seq;
	size_t size_bytes;
	int64_t captured_ms;             /* UTC since 1970; 0: not known */
	char thumb[HF_THUMB_NAME_BYTES]; /* empty: none */
};

struct hf_window {
	uint32_t line_count;
	size_t size_bytes;
	struct hf_window_owner owner;
	struct hf_window_line lines[HF_WINDOW_LINES_MAX];
	char data[HF_WINDOW_BYTES_MAX];
};

/* Empty it; costs nothing. */
void hf_window_clear(struct hf_window *window);

/* data: line->size_bytes bytes. false: it does not fit, or is another owner's; it has to wait.
 * An empty one takes any line of at most HF_LINE_BYTES_MAX bytes. */
bool hf_window_add(struct hf_window *window, const char *data, const struct hf_window_owner *owner,
		   const struct hf_window_line *line);

/* Bytes of the first line_count lines. */
size_t hf_window_bytes(const struct hf_window *window, uint32_t line_count);
/* How many lines have numbers up to seq. */
uint32_t hf_window_through(const struct hf_window *window, uint64_t seq);
/* The first line_count lines leave. */
void hf_window_leave(struct hf_window *window, uint32_t line_count);
