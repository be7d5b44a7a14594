/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chain_check - does each line follow from the one before it? Hashed by a thread beside.
 *
 * Shape       Each line carries its own chain value and the one before is known,
 *             so no line waits for another's hash: lines are gathered, and a
 *             batch is hashed while the next one is read. Hashing is two fifths
 *             of the work of checking an outbox; without a second processor, or
 *             a thread, it is done all the same, only later.
 *
 * Owners      One thread calls. Lines are copied. `broken` is called in the order
 *             of the lines, from within add() and settle() only, some lines late.
 */
#include "base/err.h"
#include "outbox/line.h"

struct hf_file;
struct hf_chain_check;

/* What to know of a line that does not follow. */
struct hf_chain_line {
	const struct hf_file *file;
	uint64_t offset;
	uint64_t seq;
	uint64_t seq_before;
	size_t proven;
};

struct hf_chain_check_options {
	void (*broken)(void *context, const struct hf_chain_line *line);
	void *context;
};

enum hf_code hf_chain_check_open(const struct hf_chain_check_options *options,
				 struct hf_chain_check **ret_check,
				 struct hf_err *err) HF_MUST_CHECK;
void hf_chain_check_close(struct hf_chain_check *check); /* NULL is fine */

void hf_chain_check_add(struct hf_chain_check *check, const struct hf_line *line,
			const uint8_t previous[HF_CHAIN_BYTES], const struct hf_chain_line *about);
/* Until the last one added has been told of, if there is anything to tell. */
void hf_chain_check_settle(struct hf_chain_check *check);
