/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ring.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>

TEST(a_reader_gets_what_was_published)
{
	struct hf_err err;
	int fd;
	struct hf_ring *writer, *reader;
	uint32_t slot;
	char got[4];

	CHECK_OK(hf_ring_create(2, 4096, &fd, &err));
	CHECK_OK(hf_ring_open(fd, true, &writer, &err));
	CHECK_OK(hf_ring_open(fd, false, &reader, &err));
	memcpy(hf_ring_claim(writer, &slot), "abc", 4);
	uint64_t generation = hf_ring_publish(writer, slot);
	CHECK_OK(hf_ring_read(reader, slot, generation, got, sizeof got, &err));
	CHECK_TEXT(got, "abc");
	hf_ring_close(writer);
	hf_ring_close(reader);
	(void)close(fd);
}

TEST(the_oldest_is_overwritten_and_the_reader_knows)
{
	struct hf_err err;
	int fd;
	struct hf_ring *ring;
	uint32_t slot, first_slot;
	char got[4];

	CHECK_OK(hf_ring_create(2, 4096, &fd, &err));
	CHECK_OK(hf_ring_open(fd, true, &ring, &err));
	(void)hf_ring_claim(ring, &first_slot);
	uint64_t first = hf_ring_publish(ring, first_slot);
	for (int i = 0; i < 2; i++) {
		(void)hf_ring_claim(ring, &slot);
		(void)hf_ring_publish(ring, slot);
	}
	CHECK_CODE(hf_ring_read(ring, first_slot, first, got, sizeof got, &err), HF_E_AGAIN);
	hf_ring_close(ring);
	(void)close(fd);
}

TEST(a_slot_that_is_being_written_is_never_read)
{
	struct hf_err err;
	int fd;
	struct hf_ring *ring;
	uint32_t slot;
	char got[4];

	CHECK_OK(hf_ring_create(1, 4096, &fd, &err));
	CHECK_OK(hf_ring_open(fd, true, &ring, &err));
	(void)hf_ring_claim(ring, &slot);
	uint64_t generation = hf_ring_publish(ring, slot);
	(void)hf_ring_claim(ring, &slot);
	CHECK_CODE(hf_ring_read(ring, slot, generation, got, sizeof got, &err), HF_E_AGAIN);
	hf_ring_close(ring);
	(void)close(fd);
}

TEST(numbers_outside_the_ring_are_refused)
{
	struct hf_err err;
	int fd;
	struct hf_ring *ring;
	char got[4];

	CHECK_OK(hf_ring_create(2, 4096, &fd, &err));
	CHECK_OK(hf_ring_open(fd, true, &ring, &err));
	CHECK_CODE(hf_ring_read(ring, 2, 0, got, sizeof got, &err), HF_E_INVALID);
	CHECK_CODE(hf_ring_read(ring, 0, 0, got, 4097, &err), HF_E_INVALID);
	hf_ring_close(ring);
	(void)close(fd);
}

TESTS(RUN(a_reader_gets_what_was_published), RUN(the_oldest_is_overwritten_and_the_reader_knows),
      RUN(a_slot_that_is_being_written_is_never_read), RUN(numbers_outside_the_ring_are_refused))
