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

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hf_unhex(const char *text, size_t size_bytes, uint8_t *ret_data)
{
	for (size_t i = 0; i < size_bytes; i++) {
		int high = hex_digit(text[2 * i]);
		/* What ends early is not read beyond its NUL. */
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		ret_data[i] = (uint8_t)(high << 4 | low);
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
