/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crc32c - the Castagnoli CRC (polynomial 0x1EDC6F41, reflected), as in RFC 3720
 * appendix B.4: hf_crc32c(0, "123456789", 9) == 0xe3069283. Uses the SSE 4.2
 * instruction where the processor has it.
 */
#include <stddef.h>
#include <stdint.h>

/* Go on from crc (0 to begin). */
uint32_t hf_crc32c(uint32_t crc, const void *data, size_t size_bytes);
