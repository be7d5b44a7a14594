/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * key - what the hub countersigns with.
 *
 * Shape       DATA/hub.key, 0600: the seed of an Ed25519 key, 64 hexadecimal
 *             digits and a newline. Made at the first start.
 *
 * Durability  hf_hub_key_open() returns a new key only when it survives a power
 *             cut: units pin the first key they see.
 *
 * Errors      HF_E_CORRUPT: the file holds no key. It is never made anew by
 *             itself: every unit would then see another hub.
 */
#include "base/err.h"
#include "shape/receipt.h"

struct hf_hub_key {
	uint8_t public[HF_RECEIPT_KEY_BYTES];
	uint8_t secret[64];
};

enum hf_code hf_hub_key_open(const char *path, struct hf_hub_key *ret_key,
			     struct hf_err *err) HF_MUST_CHECK;

/* seq, chain and at are filled in; key and sig are set. */
void hf_hub_key_sign(const struct hf_hub_key *key, const char *device_id, const char *epoch,
		     struct hf_receipt *receipt);
