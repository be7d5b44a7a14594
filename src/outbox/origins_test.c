/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/origins.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

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

/* What it must be like: all that were ever added, and a walk over the last ones. */
struct model {
	size_t count;
	struct hf_origins_entry added[8 * HF_OUTBOX_ORIGINS];
};

static struct hf_origins origins;
static struct model model;
static uint64_t chance;

static uint64_t draw(uint64_t below)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (chance >> 33) % below;
}

static void begin(uint64_t seed)
{
	memset(&origins, 0, sizeof origins);
	memset(&model, 0, sizeof model);
	chance = seed;
}

static void add(const struct hf_origin *origin, uint64_t local_seq)
{
	hf_origins_add(&origins, origin, local_seq);
	model.added[model.count++] =
		(struct hf_origins_entry){ .origin = *origin, .local_seq = local_seq };
}

static uint64_t model_find(const struct hf_origin *origin)
{
	size_t oldest = model.count > HF_OUTBOX_ORIGINS ? model.count - HF_OUTBOX_ORIGINS : 0;

	for (size_t i = model.count; i > oldest; i--)
		if (hf_origin_equal(&model.added[i - 1].origin, origin))
			return model.added[i - 1].local_seq;
	return 0;
}

static void check_same(const struct hf_origin *origin, uint64_t seed)
{
	uint64_t found = hf_origins_find(&origins, origin), wanted = model_find(origin);

	if (found != wanted)
		fail_msg("seed %llu, after %zu: %llu.%c.%llu.%llu has %llu, not %llu",
			 (unsigned long long)seed, model.count, (unsigned long long)origin->boot,
			 origin->producer, (unsigned long long)origin->run,
			 (unsigned long long)origin->n, (unsigned long long)found,
			 (unsigned long long)wanted);
}

/* As many different ones as spread says: few come again and again, many are forgotten. */
static struct hf_origin draw_origin(uint64_t spread)
{
	return (struct hf_origin){ .boot = 1 + draw(2),
				   .run = 1 + draw(3),
				   .n = 1 + draw(spread),
				   .producer = "rsk"[draw(3)] };
}

TEST(origins_that_differ_in_one_part_are_different)
{
	const struct hf_origin base = { .boot = 5, .run = 6, .n = 7, .producer = 'r' };
	struct hf_origin others[] = { base, base, base, base };

	others[0].boot++;
	others[1].run++;
	others[2].n++;
	others[3].producer = 's';
	begin(0);
	add(&base, 1);
	for (size_t i = 0; i < 4; i++)
		CHECK_U64(hf_origins_find(&origins, &others[i]), ==, 0);
	for (size_t i = 0; i < 4; i++)
		add(&others[i], 2 + i);
	for (size_t i = 0; i < 4; i++)
		CHECK_U64(hf_origins_find(&origins, &others[i]), ==, 2 + i);
	CHECK_U64(hf_origins_find(&origins, &base), ==, 1);
}

TEST(any_sequence_gives_what_a_walk_over_the_last_ones_gives)
{
	static const uint64_t spreads[] = { 3, 60, 200, 5000 };

	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint64_t spread = spreads[seed % 4];

		begin(seed);
		while (model.count < sizeof model.added / sizeof model.added[0]) {
			struct hf_origin origin = draw_origin(spread);

			add(&origin, model.count + 1);
			/* Of the first and the last of the ring, and of any. */
			check_same(&origin, seed);
			if (model.count > HF_OUTBOX_ORIGINS)
				check_same(&model.added[model.count - HF_OUTBOX_ORIGINS - 1].origin,
					   seed);
			if (draw(8) == 0) {
				origin = draw_origin(spread);
				check_same(&origin, seed);
			}
		}
	}
}

TESTS(RUN(the_latest_are_found_and_those_before_are_forgotten),
      RUN(of_two_with_one_origin_the_newer_is_found),
      RUN(origins_that_differ_in_one_part_are_different),
      RUN(any_sequence_gives_what_a_walk_over_the_last_ones_gives))
