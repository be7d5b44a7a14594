/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * batch - the lines of one request, exactly as they are stored.
 *
 * Shape       Lines of one epoch, numbers rising, one after the other as NDJSON.
 *
 * Limits      HF_BATCH_LINES_MAX lines and HF_BATCH_BYTES_MAX bytes; allocated
 *             once.
 */
#include "shape/limits.h"
#include "uplink/thumbs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_BATCH_LINES_MAX = 1000,
	HF_BATCH_BYTES_MAX = 512 * 1024,
	HF_BATCH_EPOCH_BYTES = 40,
};

struct hf_batch_line {
	uint64_t seq;
	char thumb[HF_THUMB_NAME_BYTES]; /* empty: none */
};

struct hf_batch {
	uint32_t line_count;
	size_t size_bytes;
	char epoch[HF_BATCH_EPOCH_BYTES];
	struct hf_batch_line lines[HF_BATCH_LINES_MAX];
	char data[HF_BATCH_BYTES_MAX];
};

/* Empty it; costs nothing. */
void hf_batch_clear(struct hf_batch *batch);

/* false: it does not fit, or is of another epoch; it belongs into the next batch. An empty batch
 * takes any line of at most HF_LINE_BYTES_MAX bytes. thumb may be NULL. */
bool hf_batch_add(struct hf_batch *batch, const char *data, size_t size_bytes, uint64_t seq,
		  const char *epoch, const char *thumb);

/* Of a batch that is not empty. */
uint64_t hf_batch_first(const struct hf_batch *batch);
uint64_t hf_batch_last(const struct hf_batch *batch);
/* How many of its lines have numbers up to seq. */
uint32_t hf_batch_through(const struct hf_batch *batch, uint64_t seq);
