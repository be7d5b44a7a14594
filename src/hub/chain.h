/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chain - does a line go on where the one before it ended?
 *
 * Shape       Pure. A tip is the last line that is known: of a stream, or one
 *             that is stored in it further back. Each epoch that lines name has
 *             a chain of its own, from zeros on (outbox/line.h); in a stream
 *             that a redrawn epoch continues, chains of several epochs follow
 *             one another.
 *
 * Source      outbox/line.h, Numbers.
 */
#include "hub/intake.h"

struct hf_chain_tip {
	uint64_t seq;            /* 0: no line is known */
	bool known;              /* chain and epoch are */
	char epoch[HF_ID_BYTES]; /* that the line itself names */
	uint8_t chain[HF_CHAIN_BYTES];
};

enum hf_chain_fit {
	HF_CHAIN_FITS = 1,
	HF_CHAIN_BEGINS,    /* it does not go on from tip, nor has it to: it names another epoch, or
			     * nothing is known. It may continue a line elsewhere. */
	HF_CHAIN_UNCHECKED, /* lines between are missing: nothing can be said */
	HF_CHAIN_FORK,      /* it is the next line and continues another one than tip */
};

/* line names epoch, and its number is above tip's. */
enum hf_chain_fit hf_chain_judge(const struct hf_chain_tip *tip, const struct hf_intake_line *line,
				 const char *epoch);

/* Is line what comes right after a line with this chain value? */
bool hf_chain_continues(const uint8_t previous[HF_CHAIN_BYTES], const struct hf_intake_line *line);

/* line, which names epoch, is the tip now. */
void hf_chain_move(struct hf_chain_tip *tip, const struct hf_intake_line *line, const char *epoch);
