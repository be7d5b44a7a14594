/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/countersigned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EPOCHS_MAX = 256,
	SUFFIX_BYTES = 6, /* .jsonl */
};

struct epochs {
	size_t count;
	char names[EPOCHS_MAX][HF_ID_BYTES];
};

static bool note_epoch(void *context, const struct hf_disk_entry *entry)
{
	struct epochs *epochs = context;
	size_t size = strlen(entry->name);

	if (!entry->folder && size > SUFFIX_BYTES && size - SUFFIX_BYTES < HF_ID_BYTES &&
	    strcmp(entry->name + size - SUFFIX_BYTES, ".jsonl") == 0)
		(void)snprintf(epochs->names[epochs->count++], HF_ID_BYTES, "%.*s",
			       (int)(size - SUFFIX_BYTES), entry->name);
	return epochs->count < EPOCHS_MAX;
}

/* Those of the one key, with its signature, join the list. */
static enum hf_code take_usable(struct hf_countersigned *w, const struct hf_receipts *receipts,
				struct hf_err *err)
{
	struct hf_receipt_entry *grown =
		realloc(w->list, (w->count + receipts->count + 1) * sizeof *grown);

	if (grown == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	w->list = grown;
	w->result.receipts_unread += receipts->lines_bad;
	for (size_t i = 0; i < receipts->count; i++) {
		const struct hf_receipt_entry *entry = &receipts->list[i];

		if (w->result.key_known && entry->signature_good &&
		    memcmp(entry->key, w->result.key, sizeof entry->key) == 0)
			w->list[w->count++] = *entry;
		else
			w->result.receipts_foreign++;
	}
	return HF_OK;
}

static int by_seq(const void *left, const void *right)
{
	const struct hf_receipt_entry *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

enum hf_code hf_countersigned_open(struct hf_disk *disk, const uint8_t *key,
				   struct hf_countersigned *ret_countersigned, struct hf_err *err)
{
	struct hf_countersigned w = { 0 };
	struct epochs *epochs = calloc(1, sizeof *epochs);
	struct hf_disk_lister lister = { .entry = note_epoch, .context = epochs };
	struct hf_err ignored;
	enum hf_code code = HF_OK;

	if (epochs == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	if (key != NULL)
		memcpy(w.result.key, key, sizeof w.result.key);
	w.result.key_known =
		key != NULL || hf_receipts_key_load(disk, w.result.key, &ignored) == HF_OK;
	(void)!hf_disk_list(disk, HF_RECEIPTS_FOLDER, &lister, &ignored);
	for (size_t i = 0; code == HF_OK && i < epochs->count; i++) {
		struct hf_receipts receipts;

		code = hf_receipts_load(disk, epochs->names[i], &receipts, err);
		if (code == HF_E_NOENT || code == HF_E_INVALID) {
			code = HF_OK; /* gone since, or a file of somebody else's */
			continue;
		}
		if (code != HF_OK)
			break;
		code = take_usable(&w, &receipts, err);
		hf_receipts_free(&receipts);
	}
	free(epochs);
	if (code != HF_OK) {
		hf_countersigned_free(&w);
		return code;
	}
	if (w.count > 1)
		qsort(w.list, w.count, sizeof *w.list, by_seq);
	w.result.receipts = w.count;
	*ret_countersigned = w;
	return HF_OK;
}

void hf_countersigned_free(struct hf_countersigned *countersigned)
{
	free(countersigned->list);
	countersigned->list = NULL;
	countersigned->count = 0;
}

void hf_countersigned_doubt(struct hf_countersigned *countersigned, size_t proven, uint64_t from,
			    uint64_t through, const char *why)
{
	struct hf_verified_chain *result = &countersigned->result;

	/* Some doubts are known late: the one about the lowest number is the first. */
	if (result->altered_through != 0 && result->altered_through <= through)
		return;
	if (proven > 0 && countersigned->list[proven - 1].seq >= from)
		from = countersigned->list[proven - 1].seq + 1;
	countersigned->proven = proven < countersigned->proven ? proven : countersigned->proven;
	result->altered_from = from < through ? from : through;
	result->altered_through = through;
	(void)snprintf(result->altered_why, sizeof result->altered_why, "%s", why);
}

static bool fits(const struct hf_receipt_entry *entry, const struct hf_line *line)
{
	return memcmp(entry->chain, line->chain, sizeof entry->chain) == 0 &&
	       hf_slice_is(&line->device_id, entry->device_id);
}

/* The first line that the receipts do not cover. */
static uint64_t unproven_from(const struct hf_countersigned *countersigned)
{
	return countersigned->proven == 0 ? countersigned->first_seq
					  : countersigned->list[countersigned->proven - 1].seq + 1;
}

static void doubt_entry(struct hf_countersigned *countersigned,
			const struct hf_receipt_entry *entry, const char *what)
{
	char why[sizeof countersigned->result.altered_why];

	(void)snprintf(why, sizeof why, "the hub has countersigned line %llu at %s; %s",
		       (unsigned long long)entry->seq, entry->at, what);
	hf_countersigned_doubt(countersigned, countersigned->proven, unproven_from(countersigned),
			       entry->seq, why);
}

bool hf_countersigned_line(struct hf_countersigned *countersigned, const struct hf_line *line)
{
	bool good = true, met = false, unmet = false;
	size_t last = 0;

	for (; countersigned->next < countersigned->count &&
	       countersigned->list[countersigned->next].seq <= line->local_seq;
	     countersigned->next++) {
		const struct hf_receipt_entry *entry = &countersigned->list[countersigned->next];

		if (entry->seq == line->local_seq) {
			/* Two epochs may have one each: a redrawn one goes on behind the old. */
			met = met || fits(entry, line);
			unmet = true;
			last = fits(entry, line) ? countersigned->next + 1 : last;
		} else if (countersigned->first_seq != 0) {
			doubt_entry(countersigned, entry, "it is not there");
			good = false;
		}
	}
	if (countersigned->first_seq == 0)
		countersigned->first_seq = line->local_seq;
	if (met) {
		if (countersigned->result.altered_through == 0)
			countersigned->proven = last;
	} else if (unmet) {
		doubt_entry(countersigned, &countersigned->list[countersigned->next - 1],
			    "here it is another one");
		good = false;
	}
	return good;
}

void hf_countersigned_except(struct hf_countersigned *countersigned, size_t proven,
			     uint64_t through)
{
	struct hf_verified_chain *result = &countersigned->result;
	uint64_t from =
		proven == 0 ? countersigned->first_seq : countersigned->list[proven - 1].seq + 1;

	if (from > through || (result->except_from != 0 && result->except_from < from))
		return;
	result->except_from = from;
	result->except_through = through;
}

bool hf_countersigned_end(struct hf_countersigned *countersigned)
{
	bool whole = countersigned->next == countersigned->count;

	if (!whole)
		doubt_entry(countersigned, &countersigned->list[countersigned->next],
			    "the log ends before it");
	if (countersigned->proven > 0) {
		const struct hf_receipt_entry *entry =
			&countersigned->list[countersigned->proven - 1];

		countersigned->result.proven_through = entry->seq;
		/* Behind what is proven all is open anyway. */
		if (countersigned->result.except_from > entry->seq)
			countersigned->result.except_from = countersigned->result.except_through =
				0;
		memcpy(countersigned->result.proven_at, entry->at, sizeof entry->at);
	}
	return whole;
}
