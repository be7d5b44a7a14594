/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/assert.h"

#include <sys/random.h>

static uint64_t real_next(const struct hf_random *random)
{
	(void)random;
	uint64_t value = 0;

	/* At most 256 bytes are never cut short once the kernel's pool is ready. */
	HF_ASSERT(getrandom(&value, sizeof value, 0) == (ssize_t)sizeof value);
	return value;
}

const struct hf_random *hf_random_real(void)
{
	static const struct hf_random real = { .next = real_next };

	return &real;
}

uint64_t hf_random_between(const struct hf_random *random, uint64_t low, uint64_t high)
{
	HF_ASSERT(low <= high);
	uint64_t span = high - low + 1;

	/* The bias of the remainder is below 2^-32 for the spans used here (jitter). */
	return span == 0 ? hf_random_u64(random) : low + hf_random_u64(random) % span;
}

void hf_hex(const uint8_t *data, size_t size_bytes, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size_bytes; i++) {
		ret_text[2 * i] = digits[data[i] >> 4];
		ret_text[2 * i + 1] = digits[data[i] & 15];
	}
	ret_text[2 * size_bytes] = '\0';
}

enum {
	IS_DIGIT = 0x10,
};

/* What a digit stands for; 0: another byte. Every line of an outbox has 72 of them. */
static const uint8_t hex_digits[256] = {
	['0'] = IS_DIGIT | 0,  ['1'] = IS_DIGIT | 1,  ['2'] = IS_DIGIT | 2,  ['3'] = IS_DIGIT | 3,
	['4'] = IS_DIGIT | 4,  ['5'] = IS_DIGIT | 5,  ['6'] = IS_DIGIT | 6,  ['7'] = IS_DIGIT | 7,
	['8'] = IS_DIGIT | 8,  ['9'] = IS_DIGIT | 9,  ['a'] = IS_DIGIT | 10, ['b'] = IS_DIGIT | 11,
	['c'] = IS_DIGIT | 12, ['d'] = IS_DIGIT | 13, ['e'] = IS_DIGIT | 14, ['f'] = IS_DIGIT | 15,
};

bool hf_unhex(const char *text, size_t size_bytes, uint8_t *ret_data)
{
	const uint8_t *digits = (const uint8_t *)text;

	for (size_t i = 0; i < size_bytes; i++) {
		unsigned high = hex_digits[digits[2 * i]];
		/* What ends early is not read beyond its NUL. */
		unsigned low = high == 0 ? 0 : hex_digits[digits[2 * i + 1]];

		if (low == 0)
			return false;
		ret_data[i] = (uint8_t)((high & 0x0f) << 4 | (low & 0x0f));
	}
	return true;
}

void hf_random_hex(const struct hf_random *random, size_t size_bytes, char *ret_text)
{
	for (size_t i = 0; i < size_bytes; i++) {
		uint8_t byte = (uint8_t)(hf_random_u64(random) >> 24);

		hf_hex(&byte, 1, ret_text + 2 * i);
	}
	ret_text[2 * size_bytes] = '\0';
}
