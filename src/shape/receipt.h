/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * receipt - the hub's signature under how far a unit's log has come.
 *
 * Shape       Who signs it makes hf_receipt_text() and an Ed25519 signature over
 *             its bytes (without the NUL):
 *               holdfast-receipt-1\n<device_id>\n<epoch>\n<seq>\n<chain>\n<at>\n
 *             seq in decimal, chain as 64 hexadecimal digits. epoch is the one
 *             the hub keeps the line under: another than the line's own where
 *             the epoch was redrawn behind it (outbox/forks.h).
 *
 * Numbers     chain is the chain value of line seq. As each chain value covers
 *             the ones before it, one receipt speaks for the whole history of
 *             the epoch up to seq, and for nothing behind it.
 */
#include "base/clock.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_RECEIPT_CHAIN_BYTES = 32,
	HF_RECEIPT_KEY_BYTES = 32,
	HF_RECEIPT_SIG_BYTES = 64,
	HF_RECEIPT_TEXT_BYTES = 384,
};

struct hf_receipt {
	uint64_t seq;
	char at[HF_WALL_TEXT_BYTES]; /* by the hub's clock */
	uint8_t chain[HF_RECEIPT_CHAIN_BYTES];
	uint8_t key[HF_RECEIPT_KEY_BYTES]; /* the public one */
	uint8_t sig[HF_RECEIPT_SIG_BYTES];
};

/* What is signed; its length. */
size_t hf_receipt_text(const struct hf_receipt *receipt, const char *device_id, const char *epoch,
		       char ret_text[HF_RECEIPT_TEXT_BYTES]);

/* 2026-04-20T02:17:33.123Z, nothing else: it becomes part of texts and files. */
bool hf_receipt_at_valid(const char *at);
