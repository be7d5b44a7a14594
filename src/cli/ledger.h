/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ledger - numbers events and makes their lines, as a unit's keeper does, in memory.
 *
 * Shape       Lines of outbox/line.h, local_seq from 1, chained, by a device
 *             that is called HF_LEDGER_DEVICE, of one epoch, boot and run that
 *             are the same each time: the same events give the same bytes.
 *
 * Errors      Those of the line codec and of shape/event.h.
 */
#include "outbox/line.h"
#include "wire/proto.h"

#define HF_LEDGER_DEVICE "analyze"

enum {
	HF_LEDGER_BOOT = 1,
	HF_LEDGER_RUN = 1,
};

struct hf_ledger {
	struct hf_event_context context;
	uint64_t seq_last;
	uint64_t notes;
	uint8_t chain[HF_CHAIN_BYTES];
};

struct hf_ledger hf_ledger_begin(const char *release);

/* Who the events are by: for a worker that makes offers. */
void hf_ledger_hello(const struct hf_ledger *ledger, struct hf_hello *hello);

/* ret_data: HF_LINE_BYTES_MAX bytes of the caller's; ret_line borrows them. */
enum hf_code hf_ledger_offer(struct hf_ledger *ledger, const struct hf_offer *offer, char *ret_data,
			     struct hf_line *ret_line, struct hf_err *err) HF_MUST_CHECK;

/* The same of a note. now: the frame that it was told with, for one without a moment. */
enum hf_code hf_ledger_note(struct hf_ledger *ledger, const struct hf_note *note,
			    const struct hf_tick *now, char *ret_data, struct hf_line *ret_line,
			    struct hf_err *err) HF_MUST_CHECK;
