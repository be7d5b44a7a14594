/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/origins.h"

#include "test.h"

#include <stdlib.h>

static struct hf_origin origin_of(uint64_t n)
{
	/* Producers, runs and boots in turn, so that numbers repeat among them. */
	return (struct hf_origin){
		.boot = n % 3, .run = n % 7, .n = n / 2 + 1, .producer = n % 2 == 0 ? 'r' : 's'
	};
}

TEST(the_latest_are_found_and_those_before_are_forgotten)
{
	struct hf_origins *origins = calloc(1, sizeof *origins);

	CHECK(origins != NULL);
	for (uint64_t n = 0; n < 3 * HF_OUTBOX_ORIGINS; n++) {
		struct hf_origin origin = origin_of(n);

		CHECK_U64(hf_origins_find(origins, &origin), ==, 0);
		hf_origins_add(origins, &origin, n + 100);
		CHECK_U64(hf_origins_find(origins, &origin), ==, n + 100);
		if (n % 97 != 0)
			continue;
		for (uint64_t back = 0; back <= n; back++) {
			struct hf_origin before = origin_of(n - back);

			CHECK_U64(hf_origins_find(origins, &before), ==,
				  back < HF_OUTBOX_ORIGINS ? n - back + 100 : 0);
		}
	}
	free(origins);
}

TEST(of_two_with_one_origin_the_newer_is_found)
{
	struct hf_origins *origins = calloc(1, sizeof *origins);
	struct hf_origin twin = origin_of(5);

	CHECK(origins != NULL);
	hf_origins_add(origins, &twin, 7);
	hf_origins_add(origins, &twin, 8);
	CHECK_U64(hf_origins_find(origins, &twin), ==, 8);
	/* The older one goes first, and takes nothing with it. */
	for (uint64_t n = 100; n < 100 + HF_OUTBOX_ORIGINS - 1; n++) {
		struct hf_origin origin = origin_of(n);

		hf_origins_add(origins, &origin, n);
	}
	CHECK_U64(hf_origins_find(origins, &twin), ==, 8);
	struct hf_origin last = origin_of(5000);
	hf_origins_add(origins, &last, 9);
	CHECK_U64(hf_origins_find(origins, &twin), ==, 0);
	free(origins);
}

TESTS(RUN(the_latest_are_found_and_those_before_are_forgotten),
      RUN(of_two_with_one_origin_the_newer_is_found))
