/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/uplink/history.h"

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

void hf_history_open(struct hf_history *history, struct hf_disk *disk, struct hf_worker *worker,
		     struct hf_notes *notes)
{
	struct hf_err err;

	history->disk = disk;
	history->worker = worker;
	history->notes = notes;
	enum hf_code code = hf_receipts_key_load(disk, history->key, &err);
	history->pinned = code == HF_OK;
	if (code != HF_OK && code != HF_E_NOENT)
		hf_log(HF_LOG_WARN, "hub_key_unreadable",
		       "why=\"%s\" next=\"the key that comes next is pinned\"", err.text);
	hf_history_forks_changed(history);
}

void hf_history_forks_changed(struct hf_history *history)
{
	struct hf_err err;
	struct hf_forks forks;

	/* Without it the hub refuses, and keeper is asked: nothing is lost but a round. */
	if (hf_forks_load(history->disk, &forks, &err) == HF_OK)
		history->forks = forks;
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
static void tell_other_key(struct hf_history *history)
{
	const struct hf_receipt *receipt = &history->receipt;
	char attrs[HF_NOTE_ATTRS_BYTES];
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	struct hf_err err;

	if (memcmp(history->other, receipt->key, sizeof history->other) == 0)
		return;
	memcpy(history->other, receipt->key, sizeof history->other);
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "seq", receipt->seq);
	note_hex(&json, "pinned", history->key, sizeof history->key);
	note_hex(&json, "key", receipt->key, sizeof receipt->key);
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) == HF_OK)
		hf_notes_add(history->notes, "hub_key_changed", attrs);
}

static void count_bad(struct hf_history *history, const char *why)
{
	/* The first is logged; the statistics count the rest. */
	if (history->bad++ == 0)
		hf_log(HF_LOG_WARN, "receipt_bad", "why=\"%s\" next=\"ignored\"", why);
}

static enum hf_code pin(struct hf_history *history, struct hf_err *err)
{
	char text[2 * HF_RECEIPT_KEY_BYTES + 1];

	if (history->pinned)
		return HF_OK;
	memcpy(history->key, history->receipt.key, sizeof history->key);
	enum hf_code code = hf_receipts_key_pin(history->disk, history->key, err);
	if (code != HF_OK)
		return code;
	history->pinned = true;
	hf_hex(history->key, sizeof history->key, text);
	hf_log(HF_LOG_INFO, "hub_key_pinned", "key=%s", text);
	return HF_OK;
}

static void store(struct hf_history *history)
{
	struct hf_pulse *pulse = hf_worker_pulse(history->worker);
	struct hf_err err;

	history->pending = false;
	history->store_due = hf_mono_add_ms(now_mono(), STORE_EVERY_MS);
	if (!hf_receipt_good(&history->receipt, history->device_id, history->epoch)) {
		count_bad(history, "its signature is not that of its key");
		return;
	}
	hf_pulse_busy(pulse, now_mono(), FLUSH_MS_MAX);
	enum hf_code code = pin(history, &err);
	if (code == HF_OK)
		code = hf_receipts_add(history->disk, history->device_id, history->epoch,
				       &history->receipt, &err);
	hf_pulse_idle(pulse, now_mono());
	if (code != HF_OK) {
		hf_log(HF_LOG_WARN, "receipt_not_stored", "why=\"%s\"", err.text);
		return;
	}
	history->stored++;
	if (memcmp(history->receipt.key, history->key, sizeof history->key) != 0)
		tell_other_key(history);
}

/* --- another history --- */

static void ask(struct hf_history *history, const char *epoch, uint64_t seq,
		enum hf_fork_reason reason)
{
	bool patient = reason == HF_FORK_MARK || reason == HF_FORK_RECEIPT;
	struct hf_mono now = now_mono();

	/* A conflict comes once a wait; these come with each answer until the epoch is another. */
	if (patient && (hf_mono_before(now, history->ask_again) || history->asking))
		return;
	if (patient)
		history->ask_again = hf_mono_add_ms(now, ASK_EVERY_MS);
	history->ask = (struct hf_fork_note){ .seq = seq, .reason = (uint32_t)reason };
	(void)snprintf(history->ask.epoch, sizeof history->ask.epoch, "%s", epoch);
	history->asking = true;
}

/* The hub signed, with the key we know, another line than ours. */
static void tell_mismatch(struct hf_history *history, const struct hf_receipt *receipt,
			  const struct hf_history_about *about)
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
		hf_notes_add(history->notes, "hub_receipt_differs", attrs);
}

static void take_receipt(struct hf_history *history, const struct hf_receipt *receipt,
			 const struct hf_history_about *about)
{
	if (about->own_chain == NULL || strlen(about->epoch) >= sizeof history->epoch ||
	    strlen(about->device_id) >= sizeof history->device_id)
		return;
	if (memcmp(about->own_chain, receipt->chain, sizeof receipt->chain) == 0) {
		/* The last one of an epoch is kept, whatever comes after it. */
		if (history->pending && strcmp(history->epoch, about->epoch) != 0)
			store(history);
		history->receipt = *receipt;
		(void)snprintf(history->device_id, sizeof history->device_id, "%s",
			       about->device_id);
		(void)snprintf(history->epoch, sizeof history->epoch, "%s", about->epoch);
		history->pending = true;
		return;
	}
	if (!hf_receipt_good(receipt, about->device_id, about->epoch)) {
		count_bad(history, "its signature is not that of its key");
		return;
	}
	/* Anybody can sign anything with a key of his own. */
	if (!history->pinned || memcmp(receipt->key, history->key, sizeof history->key) != 0) {
		count_bad(history, "it is another line's, and not signed with the pinned key");
		return;
	}
	if (hf_mono_before(now_mono(), history->ask_again))
		return;
	tell_mismatch(history, receipt, about);
	ask(history, about->epoch, receipt->seq + 1, HF_FORK_RECEIPT);
}

void hf_history_answer(struct hf_history *history, const struct hf_answer *answer,
		       const struct hf_history_about *about)
{
	if (answer->verdict == HF_VERDICT_CONFLICT) {
		ask(history, about->epoch, answer->seq != 0 ? answer->seq : about->first_seq,
		    answer->fork ? HF_FORK_CHAIN : HF_FORK_CONFLICT);
		return;
	}
	if (answer->verdict != HF_VERDICT_DELIVERED)
		return;
	if (answer->receipt_malformed)
		count_bad(history, "it is malformed");
	if (answer->has_receipt)
		take_receipt(history, &answer->receipt, about);
	if (answer->mark > about->committed)
		ask(history, about->epoch, 0, HF_FORK_MARK);
}

void hf_history_turn(struct hf_history *history, bool at_once)
{
	struct hf_err err;

	if (history->pending && (at_once || !hf_mono_before(now_mono(), history->store_due)))
		store(history);
	/* A keeper that is away or has a full queue: with the next turn. */
	if (history->asking && hf_worker_send(history->worker, HF_ROLE_KEEPER, 0, HF_MSG_FORK,
					      &history->ask, sizeof history->ask, &err) == HF_OK)
		history->asking = false;
}
