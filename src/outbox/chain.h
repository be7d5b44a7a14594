/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chain - the hash that ties each line to the one before it.
 *
 * Shape       SHA-256 over HF_CHAIN_BYTES raw bytes of the previous value and
 *             then data. By the processor's own SHA instructions where it has
 *             them (x86-64), else by libsodium: the same bytes.
 *
 * Source      FIPS 180-4; Intel SDM for SHA256RNDS2, SHA256MSG1, SHA256MSG2.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HF_CHAIN_BYTES = 32,
};

struct hf_chain_input {
	const uint8_t *previous; /* HF_CHAIN_BYTES */
	const void *data;
	size_t size_bytes;
};

void hf_chain_hash(const struct hf_chain_input *input, uint8_t ret_chain[HF_CHAIN_BYTES]);
/* Two that do not depend on one another, in little more than the time of one. */
void hf_chain_hash_two(const struct hf_chain_input inputs[2],
		       uint8_t ret_chains[2][HF_CHAIN_BYTES]);

/* By libsodium, whatever the processor has: what the other way is held against. */
void hf_chain_hash_portable(const struct hf_chain_input *input, uint8_t ret_chain[HF_CHAIN_BYTES]);

/* Does this processor have the instructions? */
bool hf_chain_is_fast(void);
