/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why not libsodium alone: Debian's hashes 235 MB/s here, in plain C; checking the chain of an
 * outbox would be bound by it. The instructions do four times as much. OpenSSL uses them too,
 * but is another library in keeper, which has 6 MB for everything.
 */
#include "outbox/chain.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_hash_sha256_BYTES == HF_CHAIN_BYTES, "SHA-256");

void hf_chain_hash_portable(const struct hf_chain_input *input, uint8_t ret_chain[HF_CHAIN_BYTES])
{
	crypto_hash_sha256_state state;

	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, input->previous, HF_CHAIN_BYTES);
	(void)crypto_hash_sha256_update(&state, input->data, input->size_bytes);
	(void)crypto_hash_sha256_final(&state, ret_chain);
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

enum {
	BLOCK_BYTES = 64,
	LENGTH_BYTES = 8, /* of the message in bits, at the end of the last block */
};

#define WITH_SHA __attribute__((target("sha,sse4.1")))

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* The eight words as the instructions want them: a, b, e, f and c, d, g, h, the first highest. */
struct words {
	__m128i abef;
	__m128i cdgh;
};

WITH_SHA static inline void four_rounds(struct words *s, __m128i w, unsigned group)
{
	__m128i sum = _mm_add_epi32(
		w, _mm_load_si128((const __m128i *)(const void *)&round_constants[4 * group]));

	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* The four words of the schedule that follow on these sixteen. */
WITH_SHA static inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));

	return _mm_sha256msg2_epu32(sum, w3);
}

WITH_SHA static inline __m128i load_words(const uint8_t *block, unsigned group)
{
	const __m128i big_endian =
		_mm_set_epi64x(INT64_C(0x0c0d0e0f08090a0b), INT64_C(0x0405060700010203));

	return _mm_shuffle_epi8(
		_mm_loadu_si128((const __m128i *)(const void *)(block + 16 * (size_t)group)),
		big_endian);
}

/* Sixteen times four rounds over one block: a stretch of it, so that two can take turns. */
struct lane {
	struct words s;
	struct words before;
	__m128i w[4];
};

WITH_SHA static inline void begin_block(struct lane *lane, const uint8_t *block)
{
	lane->before = lane->s;
	for (unsigned i = 0; i < 4; i++)
		lane->w[i] = load_words(block, i);
}

__attribute__((always_inline)) WITH_SHA static inline void step(struct lane *lane, unsigned group,
								unsigned i)
{
	four_rounds(&lane->s, lane->w[i], group + i);
	if (group < 12)
		lane->w[i] = next_words(lane->w[i], lane->w[(i + 1) % 4], lane->w[(i + 2) % 4],
					lane->w[(i + 3) % 4]);
}

WITH_SHA static inline void end_block(struct lane *lane)
{
	lane->s.abef = _mm_add_epi32(lane->s.abef, lane->before.abef);
	lane->s.cdgh = _mm_add_epi32(lane->s.cdgh, lane->before.cdgh);
}

/* Written out, not looped: the words stay in registers, which is a fifth of the speed. */
#define EACH_GROUP(step)                                                                        \
	step(0, 0) step(0, 1) step(0, 2) step(0, 3) step(4, 0) step(4, 1) step(4, 2) step(4, 3) \
		step(8, 0) step(8, 1) step(8, 2) step(8, 3) step(12, 0) step(12, 1) step(12, 2) \
			step(12, 3)
#define STEP_ONE(group, i)  step(&a, group, i);
#define STEP_BOTH(group, i) step(&a, group, i), step(&b, group, i);

WITH_SHA static void hash_block(struct lane *lane, const uint8_t *block)
{
	struct lane a = *lane; /* in registers */

	begin_block(&a, block);
	EACH_GROUP(STEP_ONE)
	end_block(&a);
	*lane = a;
}

/* Two rounds take four cycles and may begin every other one: two blocks at once cost one. */
WITH_SHA static void hash_two_blocks(struct lane *one, struct lane *two, const uint8_t *block_one,
				     const uint8_t *block_two)
{
	struct lane a = *one, b = *two;

	begin_block(&a, block_one);
	begin_block(&b, block_two);
	EACH_GROUP(STEP_BOTH)
	end_block(&a);
	end_block(&b);
	*one = a;
	*two = b;
}

WITH_SHA static void write_out(const struct words *s, uint8_t *ret_chain)
{
	uint32_t abef[4], cdgh[4];

	_mm_storeu_si128((__m128i *)(void *)abef, s->abef);
	_mm_storeu_si128((__m128i *)(void *)cdgh, s->cdgh);
	const uint32_t in_order[8] = { abef[3], abef[2], cdgh[3], cdgh[2],
				       abef[1], abef[0], cdgh[1], cdgh[0] };
	for (size_t i = 0; i < 8; i++) {
		uint32_t big_endian = __builtin_bswap32(in_order[i]);

		memcpy(ret_chain + 4 * i, &big_endian, sizeof big_endian);
	}
}

/* The padded message as blocks: the first and the last ones made here, the rest where it lies. */
struct message {
	const uint8_t *middle;
	size_t middle_blocks;
	size_t blocks;
	uint8_t head[BLOCK_BYTES];
	uint8_t tail[2 * BLOCK_BYTES];
};

static void prepare(struct message *m, const struct hf_chain_input *input)
{
	const uint64_t bits = __builtin_bswap64(8 * ((uint64_t)HF_CHAIN_BYTES + input->size_bytes));
	const size_t head_bytes = BLOCK_BYTES - HF_CHAIN_BYTES;
	const uint8_t *rest = input->data;
	size_t left = input->size_bytes, tail_bytes;
	bool long_enough = left >= head_bytes;
	uint8_t *tail = long_enough ? m->tail : m->head;

	memcpy(m->head, input->previous, HF_CHAIN_BYTES);
	if (long_enough) {
		memcpy(m->head + HF_CHAIN_BYTES, rest, head_bytes);
		m->middle = rest + head_bytes;
		left -= head_bytes;
		m->middle_blocks = left / BLOCK_BYTES;
		tail_bytes = left % BLOCK_BYTES;
		memcpy(tail, m->middle + left - tail_bytes, tail_bytes);
	} else {
		if (left > 0)
			memcpy(m->head + HF_CHAIN_BYTES, rest, left);
		m->middle_blocks = 0;
		tail_bytes = HF_CHAIN_BYTES + left;
	}
	tail[tail_bytes] = 0x80;
	if (long_enough) {
		size_t blocks = tail_bytes + 1 + LENGTH_BYTES > BLOCK_BYTES ? 2 : 1;

		memset(tail + tail_bytes + 1, 0, blocks * BLOCK_BYTES - tail_bytes - 1);
		memcpy(tail + blocks * BLOCK_BYTES - LENGTH_BYTES, &bits, LENGTH_BYTES);
		m->blocks = 1 + m->middle_blocks + blocks;
		return;
	}
	/* All of it and perhaps the length in the first block, else the length in a second one. */
	bool one = tail_bytes + 1 + LENGTH_BYTES <= BLOCK_BYTES;
	memset(tail + tail_bytes + 1, 0, BLOCK_BYTES - tail_bytes - 1);
	memset(m->tail, 0, BLOCK_BYTES);
	memcpy((one ? m->head : m->tail) + BLOCK_BYTES - LENGTH_BYTES, &bits, LENGTH_BYTES);
	m->blocks = one ? 1 : 2;
}

static const uint8_t *block_at(const struct message *m, size_t index)
{
	if (index == 0)
		return m->head;
	if (index <= m->middle_blocks)
		return m->middle + (index - 1) * BLOCK_BYTES;
	return m->tail + (index - 1 - m->middle_blocks) * BLOCK_BYTES;
}

WITH_SHA static void begin_lane(struct lane *lane)
{
	lane->s.abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
	lane->s.cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
}

WITH_SHA static void hash_by_instructions(const struct hf_chain_input *inputs, size_t count,
					  uint8_t (*ret_chains)[HF_CHAIN_BYTES])
{
	struct message messages[2];
	struct lane lanes[2];
	size_t both = 0;

	for (size_t i = 0; i < count; i++) {
		prepare(&messages[i], &inputs[i]);
		begin_lane(&lanes[i]);
	}
	if (count == 2)
		both = messages[0].blocks < messages[1].blocks ? messages[0].blocks
							       : messages[1].blocks;
	for (size_t at = 0; at < both; at++)
		hash_two_blocks(&lanes[0], &lanes[1], block_at(&messages[0], at),
				block_at(&messages[1], at));
	for (size_t i = 0; i < count; i++) {
		for (size_t at = both; at < messages[i].blocks; at++)
			hash_block(&lanes[i], block_at(&messages[i], at));
		write_out(&lanes[i].s, ret_chains[i]);
	}
}

bool hf_chain_is_fast(void)
{
	/* Asking costs more than hashing a line: in a virtual machine CPUID leaves the guest.
	 * Two threads that ask at once store the same answer. */
	static int known; /* 1: yes, -1: no */
	unsigned a, b, c, d;
	int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (answer == 0) {
		bool has_sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;

		answer = has_sha && __builtin_cpu_supports("sse4.1") ? 1 : -1;
		__atomic_store_n(&known, answer, __ATOMIC_RELAXED);
	}
	return answer > 0;
}

#else

bool hf_chain_is_fast(void)
{
	return false;
}

#endif

static void hash(const struct hf_chain_input *inputs, size_t count,
		 uint8_t (*ret_chains)[HF_CHAIN_BYTES])
{
#if defined(__x86_64__)
	if (hf_chain_is_fast()) {
		hash_by_instructions(inputs, count, ret_chains);
		return;
	}
#endif
	for (size_t i = 0; i < count; i++)
		hf_chain_hash_portable(&inputs[i], ret_chains[i]);
}

void hf_chain_hash(const struct hf_chain_input *input, uint8_t ret_chain[HF_CHAIN_BYTES])
{
	uint8_t chains[1][HF_CHAIN_BYTES];

	hash(input, 1, chains);
	memcpy(ret_chain, chains[0], HF_CHAIN_BYTES);
}

void hf_chain_hash_two(const struct hf_chain_input inputs[2], uint8_t ret_chains[2][HF_CHAIN_BYTES])
{
	hash(inputs, 2, ret_chains);
}
