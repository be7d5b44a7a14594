/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * recovered - is everything that was acknowledged on this disk, once, as it was?
 *
 * Method      Every line is read, as uplink would read it. Of the events of a load: one
 *             line each with the acknowledged number and the bytes that were offered; of
 *             every number ever seen: the same line still; of every number that is
 *             missing: an outbox_gap event that covers it. For an outbox that a keeper
 *             has opened after the cut and closed again.
 *
 * Owners      struct recovered remembers from one look at an outbox to the next.
 */
#include "load.h"

struct recovered_line {
	uint32_t crc32c;
	uint32_t look; /* in which it was seen last; 0: never */
};

struct recovered {
	uint64_t seq_max;
	size_t room;
	struct recovered_line *seen; /* by number */
	uint32_t looks;

	/* Of the last look: */
	uint64_t lines;
	uint64_t damaged; /* lines that were passed over */
	uint64_t found;   /* events of the load that were acknowledged */
	uint64_t gap_numbers;
	uint64_t gap_events;
	uint64_t rot_events;

	/* All in all: */
	uint64_t violations;
	char text[4096]; /* the first ones, a line each */
};

void recovered_free(struct recovered *recovered);

/* One more, in words. */
void recovered_violation(struct recovered *recovered, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* How many violations this look has found. */
uint64_t recovered_look(struct recovered *recovered, struct load *load, const char *data_path);
