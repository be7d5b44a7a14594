/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/uplink/witness.h"

#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "outbox/receipt.h"

#include <stdio.h>
#include <string.h>

enum {
	STORE_EVERY_MS = 1000,
	ASK_EVERY_MS = 60 * 1000,
	FLUSH_MS_MAX = 30000,
};

static struct hf_mono now_mono(void)
{
	return hf_mono_now(hf_clock_real());
}

void hf_witness_open(struct hf_witness *witness, struct hf_disk *disk, struct hf_worker *worker,
		     struct hf_notes *notes)
{
	struct hf_err err;

	witness->disk = disk;
	witness->worker = worker;
	witness->notes = notes;
	enum hf_code code = hf_receipts_key_load(disk, witness->key, &err);
	witness->pinned = code == HF_OK;
	if (code != HF_OK && code != HF_E_NOENT)
		hf_log(HF_LOG_WARN, "hub_key_unreadable",
		       "why=\"%s\" next=\"the key that comes next is pinned\"", err.text);
	hf_witness_forks_changed(witness);
}

void hf_witness_forks_changed(struct hf_witness *witness)
{
	struct hf_err err;
	struct hf_forks forks;

	/* Without it the hub refuses, and keeper is asked: nothing is lost but a round. */
	if (hf_forks_load(witness->disk, &forks, &err) == HF_OK)
		witness->forks = forks;
	else
		hf_log(HF_LOG_WARN, "forks_unreadable", "why=\"%s\"", err.text);
}

/* --- receipts --- */

static void note_hex(struct hf_json *json, const char *key, const uint8_t *bytes, size_t size)
{
	char text[2 * HF_RECEIPT_KEY_BYTES + 1];

	hf_hex(bytes, size, text);
	hf_json_put_text(json, key, text);
}

/* Once a key. It is an event, not a refusal: the hub may have been set up anew. */
static void tell_other_key(struct hf_witness *witness)
{
	const struct hf_receipt *receipt = &witness->receipt;
	char attrs[HF_NOTE_ATTRS_BYTES];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	struct hf_err err;

	if (memcmp(witness->other, receipt->key, sizeof witness->other) == 0)
		return;
	memcpy(witness->other, receipt->key, sizeof witness->other);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "seq", receipt->seq);
	note_hex(&json, "pinned", witness->key, sizeof witness->key);
	note_hex(&json, "key", receipt->key, sizeof receipt->key);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		hf_notes_add(witness->notes, "hub_key_changed", attrs);
}

static void count_bad(struct hf_witness *witness, const char *why)
{
	/* The first is logged; the statistics count the rest. */
	if (witness->bad++ == 0)
		hf_log(HF_LOG_WARN, "receipt_bad", "why=\"%s\" next=\"ignored\"", why);
}

static enum hf_code pin(struct hf_witness *witness, struct hf_err *err)
{
	char text[2 * HF_RECEIPT_KEY_BYTES + 1];

	if (witness->pinned)
		return HF_OK;
	memcpy(witness->key, witness->receipt.key, sizeof witness->key);
	enum hf_code code = hf_receipts_key_pin(witness->disk, witness->key, err);
	if (code != HF_OK)
		return code;
	witness->pinned = true;
	hf_hex(witness->key, sizeof witness->key, text);
	hf_log(HF_LOG_INFO, "hub_key_pinned", "key=%s", text);
	return HF_OK;
}

static void store(struct hf_witness *witness)
{
	struct hf_pulse *pulse = hf_worker_pulse(witness->worker);
	struct hf_err err;

	witness->pending = false;
	witness->store_due = hf_mono_add_ms(now_mono(), STORE_EVERY_MS);
	if (!hf_receipt_good(&witness->receipt, witness->device_id, witness->epoch)) {
		count_bad(witness, "its signature is not that of its key");
		return;
	}
	hf_pulse_busy(pulse, now_mono(), FLUSH_MS_MAX);
	enum hf_code code = pin(witness, &err);
	if (code == HF_OK)
		code = hf_receipts_add(witness->disk, witness->device_id, witness->epoch,
				       &witness->receipt, &err);
	hf_pulse_idle(pulse, now_mono());
	if (code != HF_OK) {
		hf_log(HF_LOG_WARN, "receipt_not_stored", "why=\"%s\"", err.text);
		return;
	}
	witness->stored++;
	if (memcmp(witness->receipt.key, witness->key, sizeof witness->key) != 0)
		tell_other_key(witness);
}

/* --- another history --- */

static void ask(struct hf_witness *witness, const char *epoch, uint64_t seq,
		enum hf_fork_reason reason)
{
	bool patient = reason == HF_FORK_MARK || reason == HF_FORK_RECEIPT;
	struct hf_mono now = now_mono();

	/* A conflict comes once a wait; these come with each answer until the epoch is another. */
	if (patient && (hf_mono_before(now, witness->ask_again) || witness->asking))
		return;
	if (patient)
		witness->ask_again = hf_mono_add_ms(now, ASK_EVERY_MS);
	witness->ask = (struct hf_fork_note){ .seq = seq, .reason = (uint32_t)reason };
	(void)snprintf(witness->ask.epoch, sizeof witness->ask.epoch, "%s", epoch);
	witness->asking = true;
}

/* The hub signed, with the key we know, another line than ours. */
static void tell_mismatch(struct hf_witness *witness, const struct hf_receipt *receipt,
			  const struct hf_witnessed *about)
{
	char attrs[HF_NOTE_ATTRS_BYTES];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	struct hf_err err;

	hf_json_object_open(&json);
	hf_json_put_u64(&json, "seq", receipt->seq);
	hf_json_put_text(&json, "epoch", about->epoch);
	note_hex(&json, "own_chain", about->own_chain, HF_RECEIPT_CHAIN_BYTES);
	note_hex(&json, "signed_chain", receipt->chain, HF_RECEIPT_CHAIN_BYTES);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		hf_notes_add(witness->notes, "hub_receipt_differs", attrs);
}

static void take_receipt(struct hf_witness *witness, const struct hf_receipt *receipt,
			 const struct hf_witnessed *about)
{
	if (about->own_chain == NULL || strlen(about->epoch) >= sizeof witness->epoch ||
	    strlen(about->device_id) >= sizeof witness->device_id)
		return;
	if (memcmp(about->own_chain, receipt->chain, sizeof receipt->chain) == 0) {
		/* The last one of an epoch is kept, whatever comes after it. */
		if (witness->pending && strcmp(witness->epoch, about->epoch) != 0)
			store(witness);
		witness->receipt = *receipt;
		(void)snprintf(witness->device_id, sizeof witness->device_id, "%s",
			       about->device_id);
		(void)snprintf(witness->epoch, sizeof witness->epoch, "%s", about->epoch);
		witness->pending = true;
		return;
	}
	if (!hf_receipt_good(receipt, about->device_id, about->epoch)) {
		count_bad(witness, "its signature is not that of its key");
		return;
	}
	/* Anybody can sign anything with a key of his own. */
	if (!witness->pinned || memcmp(receipt->key, witness->key, sizeof witness->key) != 0) {
		count_bad(witness, "it is another line's, and not signed with the pinned key");
		return;
	}
	if (hf_mono_before(now_mono(), witness->ask_again))
		return;
	tell_mismatch(witness, receipt, about);
	ask(witness, about->epoch, receipt->seq + 1, HF_FORK_RECEIPT);
}

void hf_witness_answer(struct hf_witness *witness, const struct hf_answer *answer,
		       const struct hf_witnessed *about)
{
	if (answer->verdict == HF_VERDICT_CONFLICT) {
		ask(witness, about->epoch, answer->seq != 0 ? answer->seq : about->first_seq,
		    answer->fork ? HF_FORK_CHAIN : HF_FORK_CONFLICT);
		return;
	}
	if (answer->verdict != HF_VERDICT_DELIVERED)
		return;
	if (answer->receipt_malformed)
		count_bad(witness, "it is malformed");
	if (answer->has_receipt)
		take_receipt(witness, &answer->receipt, about);
	if (answer->mark > about->committed)
		ask(witness, about->epoch, 0, HF_FORK_MARK);
}

void hf_witness_turn(struct hf_witness *witness, bool at_once)
{
	struct hf_err err;

	if (witness->pending && (at_once || !hf_mono_before(now_mono(), witness->store_due)))
		store(witness);
	/* A keeper that is away or has a full queue: with the next turn. */
	if (witness->asking && hf_worker_send(witness->worker, HF_ROLE_KEEPER, 0, HF_MSG_FORK,
					      &witness->ask, sizeof witness->ask, &err) == HF_OK)
		witness->asking = false;
}
