/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <string.h>

static uint32_t crc_by_table(uint32_t crc, const uint8_t *data, size_t size_bytes)
{
	static uint32_t table[256];

	/* Filling it twice from two threads writes the same values: harmless. */
	if (table[1] == 0)
		for (uint32_t n = 0; n < 256; n++) {
			uint32_t c = n;

			for (int k = 0; k < 8; k++)
				c = (c & 1) != 0 ? 0x82f63b78U ^ (c >> 1) : c >> 1;
			table[n] = c;
		}
	for (size_t i = 0; i < size_bytes; i++)
		crc = table[(crc ^ data[i]) & 0xff] ^ (crc >> 8);
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_sse42(uint32_t crc, const uint8_t *data,
							       size_t size_bytes)
{
	uint64_t wide = crc;

	for (; size_bytes >= 8; data += 8, size_bytes -= 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; size_bytes > 0; data++, size_bytes--)
		crc = __builtin_ia32_crc32qi(crc, *data);
	return crc;
}
#endif

uint32_t hf_crc32c(uint32_t crc, const void *data, size_t size_bytes)
{
	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_by_sse42(crc, data, size_bytes);
#endif
	return ~crc_by_table(crc, data, size_bytes);
}
