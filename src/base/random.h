/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * random - chance, replaceable. hf_random_real() draws from the kernel; tests
 * seed their own so that a failure can be run again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_random {
	uint64_t (*next)(const struct hf_random *random);
	void *context;
};

const struct hf_random *hf_random_real(void);

static inline uint64_t hf_random_u64(const struct hf_random *random)
{
	return random->next(random);
}

/* Uniform in [low, high]; low <= high. */
uint64_t hf_random_between(const struct hf_random *random, uint64_t low, uint64_t high);

/* bytes of chance as 2 * size hexadecimal digits and a NUL. */
void hf_random_hex(const struct hf_random *random, size_t size_bytes, char *ret_text);

/* Lower-case hexadecimal of data: ret_text holds 2 * size_bytes + 1. */
void hf_hex(const uint8_t *data, size_t size_bytes, char *ret_text);
/* The other way round, from 2 * size_bytes digits; false: they are not all that. */
bool hf_unhex(const char *text, size_t size_bytes, uint8_t *ret_data);
