/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/chain.h"

#include "base/random.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static uint8_t bytes[9000];

static void fill(void)
{
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 167 + (i >> 3));
}

static void hash_is(const char *text, const char *hex)
{
	static const uint8_t zeros[HF_CHAIN_BYTES];
	const struct hf_chain_input input = { zeros, text, strlen(text) };
	uint8_t value[HF_CHAIN_BYTES];
	char found[2 * HF_CHAIN_BYTES + 1];

	hf_chain_hash(&input, value);
	hf_hex(value, sizeof value, found);
	CHECK_TEXT(found, hex);
}

/* (head -c 32 /dev/zero; printf %s "$text") | sha256sum */
TEST(the_hash_is_sha_256_of_the_previous_value_and_the_bytes)
{
	hash_is("", "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
	hash_is("abc", "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370");
}

TEST(both_ways_to_hash_give_the_same_bytes_at_every_length)
{
	uint8_t fast[HF_CHAIN_BYTES] = { 1 }, portable[HF_CHAIN_BYTES] = { 1 };

	fill();
	/* At every alignment too; each value is the previous one of the next. */
	for (size_t size = 0; size <= 700; size++) {
		const struct hf_chain_input f = { fast, bytes + size % 16, size };
		const struct hf_chain_input p = { portable, bytes + size % 16, size };

		hf_chain_hash(&f, fast);
		hf_chain_hash_portable(&p, portable);
		CHECK(memcmp(fast, portable, sizeof fast) == 0);
	}
	const struct hf_chain_input f = { fast, bytes, sizeof bytes };
	const struct hf_chain_input p = { portable, bytes, sizeof bytes };
	hf_chain_hash(&f, fast);
	hf_chain_hash_portable(&p, portable);
	CHECK(memcmp(fast, portable, sizeof fast) == 0);
	if (!hf_chain_is_fast())
		(void)printf("this processor has no SHA instructions: one way was tested\n");
}

TEST(two_at_once_are_each_what_they_are_alone)
{
	uint8_t two[2][HF_CHAIN_BYTES], one[HF_CHAIN_BYTES];
	const uint8_t previous[2][HF_CHAIN_BYTES] = { { 1, 2 }, { 3 } };

	fill();
	for (size_t a = 0; a <= 260; a += 3)
		for (size_t b = 0; b <= 260; b += 5) {
			const struct hf_chain_input inputs[2] = { { previous[0], bytes, a },
								  { previous[1], bytes + 1, b } };

			hf_chain_hash_two(inputs, two);
			for (size_t i = 0; i < 2; i++) {
				hf_chain_hash_portable(&inputs[i], one);
				CHECK(memcmp(two[i], one, sizeof one) == 0);
			}
		}
}

TESTS(RUN(the_hash_is_sha_256_of_the_previous_value_and_the_bytes),
      RUN(both_ways_to_hash_give_the_same_bytes_at_every_length),
      RUN(two_at_once_are_each_what_they_are_alone))
