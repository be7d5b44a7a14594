/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a header page with the slots' generations, then the slots. The writer makes the
 * generation odd, writes, makes it even; a reader that sees the same even number before and
 * after its copy has copied one whole tile. A seqlock a slot, with the copy in between.
 */
#include "wire/ring.h"

#include "base/assert.h"
#include "base/auto.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	RING_MAGIC = 0x48465231, /* "HFR1" */
	RING_SLOTS_MAX = 1024,
	RING_HEADER_BYTES = 16384,
};

struct ring_header {
	uint32_t magic;
	uint32_t slot_count;
	uint32_t slot_bytes;
	uint32_t reserved;
	_Atomic uint64_t generations[RING_SLOTS_MAX];
};

_Static_assert(sizeof(struct ring_header) <= RING_HEADER_BYTES, "the header fits its pages");

struct hf_ring {
	struct ring_header *header;
	uint8_t *slots;
	size_t map_bytes;
	uint32_t slot_count; /* copies: what was checked must not change under us */
	uint32_t slot_bytes;
	uint32_t next;
};

enum hf_code hf_ring_create(uint32_t slot_count, uint32_t slot_bytes, int *ret_fd,
			    struct hf_err *err)
{
	HF_ASSERT(slot_count > 0 && slot_count <= RING_SLOTS_MAX && slot_bytes > 0);
	HF_AUTO_FD fd = memfd_create("holdfast-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return hf_fail_errno(err, "create the pixel ring");
	off_t size = RING_HEADER_BYTES + (off_t)slot_count * slot_bytes;
	if (ftruncate(fd, size) != 0)
		return hf_fail_errno(err, "size the pixel ring to %lld bytes", (long long)size);

	struct ring_header header = { .magic = RING_MAGIC,
				      .slot_count = slot_count,
				      .slot_bytes = slot_bytes };
	if (pwrite(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
		return hf_fail_errno(err, "write the pixel ring's header");
	/* Nobody can shrink it under a reader's mapping. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return hf_fail_errno(err, "seal the pixel ring");
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

enum hf_code hf_ring_open(int fd, bool writable, struct hf_ring **ret_ring, struct hf_err *err)
{
	struct stat st;
	struct ring_header header;

	if (fstat(fd, &st) != 0)
		return hf_fail_errno(err, "look at the pixel ring");
	if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
		return hf_fail(err, HF_E_INVALID, "pixel ring: too short for its header");
	if (header.magic != RING_MAGIC || header.slot_count == 0 ||
	    header.slot_count > RING_SLOTS_MAX ||
	    st.st_size != RING_HEADER_BYTES + (off_t)header.slot_count * header.slot_bytes)
		return hf_fail(err, HF_E_INVALID, "pixel ring: header does not fit its %lld bytes",
			       (long long)st.st_size);

	HF_AUTO_FREE struct hf_ring *ring = calloc(1, sizeof *ring);
	if (ring == NULL)
		return hf_fail(err, HF_E_NOMEM, "pixel ring: out of memory");
	void *map = mmap(NULL, (size_t)st.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			 MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map the pixel ring");
	*ring = (struct hf_ring){ .header = map,
				  .slots = (uint8_t *)map + RING_HEADER_BYTES,
				  .map_bytes = (size_t)st.st_size,
				  .slot_count = header.slot_count,
				  .slot_bytes = header.slot_bytes };
	*ret_ring = HF_TAKE(ring);
	return HF_OK;
}

void hf_ring_close(struct hf_ring *ring)
{
	if (ring == NULL)
		return;
	(void)munmap(ring->header, ring->map_bytes);
	free(ring);
}

uint32_t hf_ring_slot_bytes(const struct hf_ring *ring)
{
	return ring->slot_bytes;
}

uint32_t hf_ring_slot_count(const struct hf_ring *ring)
{
	return ring->slot_count;
}

uint8_t *hf_ring_claim(struct hf_ring *ring, uint32_t *ret_slot)
{
	uint32_t slot = ring->next;

	ring->next = (ring->next + 1) % ring->slot_count;
	uint64_t generation =
		atomic_load_explicit(&ring->header->generations[slot], memory_order_relaxed);
	/* A writer that died in mid-slot left it odd: still odd after this. */
	atomic_store_explicit(&ring->header->generations[slot], generation | 1,
			      memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	*ret_slot = slot;
	return ring->slots + (size_t)slot * ring->slot_bytes;
}

uint64_t hf_ring_publish(struct hf_ring *ring, uint32_t slot)
{
	HF_ASSERT(slot < ring->slot_count);
	uint64_t generation =
		atomic_load_explicit(&ring->header->generations[slot], memory_order_relaxed);

	HF_ASSERT((generation & 1) == 1);
	atomic_store_explicit(&ring->header->generations[slot], generation + 1,
			      memory_order_release);
	return generation + 1;
}

enum hf_code hf_ring_read(const struct hf_ring *ring, uint32_t slot, uint64_t generation,
			  void *ret_data, size_t size_bytes, struct hf_err *err)
{
	if (slot >= ring->slot_count || size_bytes > ring->slot_bytes)
		return hf_fail(err, HF_E_INVALID, "pixel ring: slot %u, %zu bytes out of range",
			       slot, size_bytes);
	_Atomic uint64_t *now = &ring->header->generations[slot];

	if (atomic_load_explicit(now, memory_order_acquire) != generation)
		return hf_fail(err, HF_E_AGAIN, "slot %u was overwritten", slot);
	memcpy(ret_data, ring->slots + (size_t)slot * ring->slot_bytes, size_bytes);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(now, memory_order_relaxed) != generation)
		return hf_fail(err, HF_E_AGAIN, "slot %u was overwritten while it was read", slot);
	return HF_OK;
}
