/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* little - numbers as they are stored: little-endian, whatever the processor is. */
#include <stddef.h>
#include <stdint.h>

static inline void hf_little_put(uint8_t *at, uint64_t value, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t hf_little_get(const uint8_t *at, size_t size_bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size_bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}
