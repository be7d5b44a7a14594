/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * receipt - what the hub has countersigned of this unit's log, kept on the unit.
 *
 * Shape       identity/receipts/<epoch>.jsonl, one receipt a line, as it came:
 *             {"seq":N,"chain":"<64 hex>","at":"...","key":"<64 hex>",
 *             "sig":"<128 hex>","device_id":"..."}
 *             identity/receipts/hub.key: the public key that was seen first, 64
 *             hexadecimal digits and a newline. It is pinned: a receipt of
 *             another key is kept and is not trusted (key_pinned false).
 *             What is signed: shape/receipt.h. The epoch is the one the hub
 *             keeps the lines under.
 *
 * Durability  hf_receipts_add() returns HF_OK when the line survives a power
 *             cut. A torn last line is passed over, and the next one begins on
 *             a line of its own.
 *
 * Owners      uplink writes; anyone may read, on another machine too.
 *
 * Errors      hf_receipts_load(): HF_E_NOENT: there are none. Lines that are not
 *             receipts are passed over and counted. HF_E_LIMIT, HF_E_IO as ever.
 *
 * Limits      When a file has grown beyond HF_RECEIPTS_BYTES_MAX every second
 *             line of it is dropped, the last one never: of old times fewer and
 *             fewer are left. Nothing is lost by that: a receipt speaks for all
 *             lines before it.
 */
#include "base/disk.h"
#include "shape/receipt.h"

#define HF_RECEIPTS_FOLDER "identity/receipts"
#define HF_RECEIPTS_KEY    HF_RECEIPTS_FOLDER "/hub.key"

enum {
	HF_RECEIPTS_BYTES_MAX = 256 * 1024, /* about 600 lines */
};

struct hf_receipt_entry {
	uint64_t seq;
	uint8_t chain[HF_RECEIPT_CHAIN_BYTES];
	char at[HF_WALL_TEXT_BYTES];
	uint8_t key[HF_RECEIPT_KEY_BYTES];
	uint8_t sig[HF_RECEIPT_SIG_BYTES];
	char device_id[HF_ID_BYTES];
	bool signature_good; /* by the key in it */
	bool key_pinned;     /* that key is the pinned one */
};

struct hf_receipts {
	size_t count;
	struct hf_receipt_entry *list; /* ascending by seq */
	size_t lines_bad;
	bool has_pinned;
	uint8_t pinned[HF_RECEIPT_KEY_BYTES];
};

enum hf_code hf_receipts_load(struct hf_disk *disk, const char *epoch,
			      struct hf_receipts *ret_receipts, struct hf_err *err) HF_MUST_CHECK;
void hf_receipts_free(struct hf_receipts *receipts);

/* Is this the signature of the key in it? */
bool hf_receipt_good(const struct hf_receipt *receipt, const char *device_id, const char *epoch);

/* Behind those that are there. */
enum hf_code hf_receipts_add(struct hf_disk *disk, const char *device_id, const char *epoch,
			     const struct hf_receipt *receipt, struct hf_err *err) HF_MUST_CHECK;

/* HF_E_NOENT: none was pinned yet. HF_E_CORRUPT: the file holds no key. */
enum hf_code hf_receipts_key_load(struct hf_disk *disk, uint8_t ret_key[HF_RECEIPT_KEY_BYTES],
				  struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_receipts_key_pin(struct hf_disk *disk, const uint8_t key[HF_RECEIPT_KEY_BYTES],
				 struct hf_err *err) HF_MUST_CHECK;
