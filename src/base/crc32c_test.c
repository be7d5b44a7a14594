/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include "test.h"

#include <string.h>

TEST(the_check_value_of_the_polynomial_comes_out)
{
	CHECK_U64(hf_crc32c(0, "123456789", 9), ==, 0xe3069283);
}

/* RFC 3720, appendix B.4. */
TEST(the_vectors_of_rfc_3720_come_out)
{
	uint8_t bytes[32];

	memset(bytes, 0, sizeof bytes);
	CHECK_U64(hf_crc32c(0, bytes, sizeof bytes), ==, 0x8a9136aa);
	memset(bytes, 0xff, sizeof bytes);
	CHECK_U64(hf_crc32c(0, bytes, sizeof bytes), ==, 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	CHECK_U64(hf_crc32c(0, bytes, sizeof bytes), ==, 0x46dd794e);
}

TEST(any_split_of_the_bytes_gives_the_same_value)
{
	static const char text[] = "a line of about the length that an event has, split anywhere";
	uint32_t whole = hf_crc32c(0, text, sizeof text);

	for (size_t cut = 0; cut <= sizeof text; cut++)
		CHECK_U64(hf_crc32c(hf_crc32c(0, text, cut), text + cut, sizeof text - cut), ==,
			  whole);
}

TESTS(RUN(the_check_value_of_the_polynomial_comes_out), RUN(the_vectors_of_rfc_3720_come_out),
      RUN(any_split_of_the_bytes_gives_the_same_value))
