/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ring - pixels in shared memory: one writer, any number of readers, drop-oldest.
 *
 * Shape       A memfd of slot_count slots of slot_bytes each. Each slot has a
 *             generation: even = whole, odd = being written. Writing takes the
 *             next slot in turn, whatever it held.
 *
 * Owners      The supervisor makes the memfd, ingest maps it for writing, the
 *             others read-only. The ring_id in jobs tells rings of different
 *             ingest processes apart.
 *
 * Errors      A reader copies first and checks the generation after:
 *             hf_ring_read() answers HF_E_AGAIN when the slot was overwritten
 *             meanwhile (a counted drop, nothing more). A header that does not
 *             fit the mapping is HF_E_INVALID.
 *
 * Limits      Nothing upstream ever waits for a reader.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_ring;

/* For the supervisor: an empty ring; ret_fd is the caller's. */
enum hf_code hf_ring_create(uint32_t slot_count, uint32_t slot_bytes, int *ret_fd,
			    struct hf_err *err) HF_MUST_CHECK;

/* Map it. Does not take fd over. */
enum hf_code hf_ring_open(int fd, bool writable, struct hf_ring **ret_ring,
			  struct hf_err *err) HF_MUST_CHECK;
void hf_ring_close(struct hf_ring *ring); /* NULL is fine */

uint32_t hf_ring_slot_bytes(const struct hf_ring *ring);
uint32_t hf_ring_slot_count(const struct hf_ring *ring);

/* Writer: claim the next slot, fill it, publish it. */
uint8_t *hf_ring_claim(struct hf_ring *ring, uint32_t *ret_slot);
uint64_t hf_ring_publish(struct hf_ring *ring, uint32_t slot); /* its generation */

/* Reader: copy the first size_bytes of a slot if it still is of that generation. */
enum hf_code hf_ring_read(const struct hf_ring *ring, uint32_t slot, uint64_t generation,
			  void *ret_data, size_t size_bytes, struct hf_err *err) HF_MUST_CHECK;
