/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * countersigned - lines held against what the hub has countersigned.
 *
 * Shape       The receipts of all epochs in identity/receipts, of one key: the
 *             one given, or the one pinned there. Each line is shown in order;
 *             where a receipt speaks of its number, the chain values must agree.
 *
 * Numbers     A receipt that fits proves every line from the first that is
 *             there up to its own, if the chain between was whole: hence every
 *             doubt about the chain must be told, too. The first doubt counts;
 *             what was proven before it stays proven. Of the first line itself
 *             nothing is proven unless the epoch begins with it: what it was
 *             chained to is gone.
 *
 * Owners      hf_countersigned_free(). Without receipts there is nothing to say.
 */
#include "outbox/verify.h"

struct hf_countersigned {
	size_t count;
	struct hf_receipt_entry *list; /* usable, ascending by seq */
	size_t next;
	size_t proven;      /* 1 + index of the last that fitted before any doubt; 0: none */
	uint64_t first_seq; /* of the lines; 0: none yet */
	struct hf_verified_chain result;
};

/* HF_OK also where there are no receipts. */
enum hf_code hf_countersigned_open(struct hf_disk *disk, const uint8_t *key,
				   struct hf_countersigned *ret_countersigned,
				   struct hf_err *err) HF_MUST_CHECK;
void hf_countersigned_free(struct hf_countersigned *countersigned);

/* Is this number to be shown, the first one among them? */
static inline bool hf_countersigned_speaks(const struct hf_countersigned *countersigned,
					   uint64_t seq)
{
	return countersigned->first_seq == 0 ||
	       (countersigned->next < countersigned->count &&
		countersigned->list[countersigned->next].seq <= seq);
}
/* The next of those lines. false: the hub has countersigned another chain value, or a line before
 * it that is not there; result says which. */
bool hf_countersigned_line(struct hf_countersigned *countersigned, const struct hf_line *line);
/* The chain is broken, or a line is damaged, at this number. `proven` as it was before. */
void hf_countersigned_doubt(struct hf_countersigned *countersigned, size_t proven, uint64_t from,
			    uint64_t through, const char *why);
/* Behind line `through` the chain begins anew (another epoch, a gap that is explained): what no
 * receipt covered until then none will. `proven` as it was there. */
void hf_countersigned_except(struct hf_countersigned *countersigned, size_t proven,
			     uint64_t through);
/* After the last line: false when the hub has countersigned more lines than there are. */
bool hf_countersigned_end(struct hf_countersigned *countersigned);
