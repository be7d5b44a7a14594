/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/proof.h"

#include "test.h"

enum {
	TILES = 8,
	SAMPLE_MS = 200,
};

static const double live = 0.6, key = 1.3, key_frozen = 0.5; /* levels; as in H.264, crf 28 */

struct screen {
	struct hf_proof proof;
	struct hf_proof_sample sample;
	struct hf_measure tiles[TILES];
};

static void set_blocks(struct hf_measure *tile, int from, int count, double levels)
{
	for (int i = from; i < from + count; i++)
		tile->difference[i] = (float)levels;
}

static void set(struct screen *s, uint32_t tile, double levels)
{
	set_blocks(&s->tiles[tile], 0, HF_MEASURE_BLOCKS, levels);
	s->tiles[tile].noise = levels;
}

static void set_all(struct screen *s, double levels)
{
	for (uint32_t i = 0; i < TILES; i++)
		set(s, i, levels);
}

static void step(struct screen *s)
{
	for (int i = 0; i < TILES; i++)
		s->sample.tiles[i] = &s->tiles[i];
	s->sample.now_ms += SAMPLE_MS;
	hf_proof_step(&s->proof, &s->sample);
}

static void steps(struct screen *s, int count)
{
	for (int i = 0; i < count; i++)
		step(s);
}

static struct screen screen_with_frozen(uint32_t tile)
{
	struct screen s = { 0 };

	set_all(&s, live);
	set(&s, tile, 0);
	return s;
}

TEST(a_tile_that_never_changed_is_unproven_with_the_first_sample_and_stays_so)
{
	struct screen s = screen_with_frozen(3);

	step(&s);
	CHECK_U64(s.proof.unproven, ==, 1U << 3);
	steps(&s, 2000);
	CHECK_U64(s.proof.unproven, ==, 1U << 3);
	CHECK_U64(s.proof.proven, ==, 0xff & ~(1U << 3));
}

TEST(a_live_tile_is_not_unproven_for_a_moment)
{
	struct screen s = { 0 };

	set_all(&s, live);
	set(&s, 2, 0.15); /* a good camera */
	set(&s, 5, 4);    /* a bad one */
	for (int i = 0; i < 20; i++) {
		step(&s);
		CHECK_U64(s.proof.unproven, ==, 0);
	}
	CHECK_U64(s.proof.proven, ==, 0xff);
}

TEST(key_frames_prove_nothing_wherever_they_fall)
{
	for (int every = 4; every < 12; every++)
		for (int first = 0; first < every; first++) {
			struct screen s = screen_with_frozen(3);

			for (int i = 0; i < 100; i++) {
				bool is_key = i % every == first;

				set_all(&s, is_key ? key : live * (1 + i % 3 * 0.2));
				set(&s, 3, is_key ? key_frozen : 0);
				step(&s);
				if (i >= 2)
					CHECK_U64(s.proof.unproven, ==, 1U << 3);
			}
		}
}

TEST(key_frames_that_are_known_as_such_prove_nothing_of_whatever_quality)
{
	struct screen s = screen_with_frozen(3);

	for (int i = 0; i < 100; i++) {
		s.sample.breath = i % 4 != 0;
		set(&s, 3, s.sample.breath ? live : 0);
		step(&s);
		CHECK_U64(s.proof.unproven, ==, 1U << 3);
	}
}

TEST(what_is_left_in_a_repeated_picture_proves_nothing)
{
	struct screen s = screen_with_frozen(3);

	steps(&s, 5);
	for (int i = 0; i < 20; i++) {
		set_all(&s, 0.19);
		set_blocks(&s.tiles[3], 0, 40, 0.08);
		step(&s);
		set_all(&s, live);
		set(&s, 3, 0);
		step(&s);
		CHECK_U64(s.proof.unproven, ==, 1U << 3);
	}
}

TEST(a_screen_that_shows_the_same_picture_again_makes_nobody_unproven)
{
	struct screen s = { 0 };

	set_all(&s, 0);
	step(&s);
	set_all(&s, live);
	step(&s);
	set_all(&s, 0);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 0);
}

TEST(one_camera_with_one_picture_a_second_is_proven_by_its_second_picture)
{
	struct screen s = { 0 };

	set_all(&s, live);
	for (int i = 0; i < 10; i++) {
		set(&s, 6, i % 5 == 4 ? live : 0);
		step(&s);
		CHECK_U64(s.proof.unproven, ==, i < 4 ? 1U << 6 : 0);
	}
}

TEST(somebody_who_walks_proves_a_clean_picture_and_a_clock_does_not)
{
	struct screen s = screen_with_frozen(3);

	set(&s, 4, 0);
	for (int i = 0; i < 20; i++) {
		set_blocks(&s.tiles[4], 40, 4, i % 2 == 0 ? 80 : 60);
		step(&s);
		CHECK_U64(s.proof.unproven, ==, 1U << 3 | 1U << 4);
	}
	set_blocks(&s.tiles[3], 20, 9, 30);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 1U << 4);
}

TEST(somebody_far_off_in_a_clean_picture_proves_it_within_steps)
{
	struct screen s = screen_with_frozen(3);

	steps(&s, 5);
	for (int i = 0; i < 8; i++) {
		CHECK_U64(s.proof.unproven, ==, 1U << 3);
		set(&s, 3, 0);
		set_blocks(&s.tiles[3], 38 + i, 2, 20);
		step(&s);
	}
	CHECK_U64(s.proof.unproven, ==, 0);
	hf_proof_begin(&s.proof, 1U << 3); /* what moved before does not count */
	set(&s, 3, 0);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 1U << 3);
	set_blocks(&s.tiles[3], 60, 2, 20);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 1U << 3);
}

TEST(half_of_the_others_must_show_noise_and_two_of_them)
{
	static const struct {
		uint32_t tiles, noisy;
		bool unproven;
	} cases[] = { { 1, 0, false }, { 2, 1, false }, { 3, 2, true },
		      { 4, 1, false }, { 7, 3, true },  { 8, 3, false } };

	for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct screen s = { 0 };

		for (uint32_t i = 0; i < cases[k].tiles; i++) {
			set(&s, i, i < cases[k].noisy ? live : 0);
			s.sample.tiles[i] = &s.tiles[i];
		}
		for (int i = 0; i < 10; i++)
			hf_proof_step(&s.proof, &s.sample);
		CHECK(((s.proof.unproven >> (cases[k].tiles - 1) & 1) != 0) == cases[k].unproven);
		CHECK((s.proof.unproven != 0) == cases[k].unproven);
	}
}

TEST(cameras_without_a_signal_are_not_asked)
{
	struct screen s = { 0 };

	set_all(&s, 0);
	for (uint32_t i = 0; i < 3; i++)
		set(&s, i, live);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 0);
	s.sample.dead = 0xf0;
	step(&s);
	CHECK_U64(s.proof.unproven & 0xf, ==, 1U << 3);
}

TEST(people_in_pictures_without_noise_make_nobody_unproven)
{
	struct screen s = { 0 };

	for (uint32_t i = 0; i < 6; i++)
		set_blocks(&s.tiles[i], 10, 30, 40);
	steps(&s, 100);
	CHECK_U64(s.proof.unproven, ==, 0);
}

TEST(a_weak_camera_among_very_noisy_ones_is_proven_once_its_noise_is_known)
{
	struct screen s = { 0 };

	set_all(&s, 6);
	set(&s, 1, 0.3);
	steps(&s, 5);
	CHECK_U64(s.proof.unproven, ==, 1U << 1);
	s.sample.floors[1] = 0.3;
	steps(&s, HF_PROOF_SAMPLES);
	CHECK_U64(s.proof.unproven, ==, 0);
}

TEST(a_screen_that_stands_still_keeps_a_tile_unproven_for_half_a_minute)
{
	struct screen s = screen_with_frozen(3);

	steps(&s, 10);
	set_all(&s, 0);
	steps(&s, HF_PROOF_HOLD_MS / SAMPLE_MS);
	CHECK_U64(s.proof.unproven, ==, 1U << 3);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 0);
}

TEST(a_tile_that_must_prove_itself_anew_and_does_not_is_unproven_at_once)
{
	struct screen s = { 0 };

	set_all(&s, live);
	steps(&s, 10);
	set(&s, 2, 0);
	set(&s, 3, 0);
	steps(&s, 10);
	CHECK_U64(s.proof.unproven, ==, 0); /* that is for health to find */
	hf_proof_break(&s.proof);
	hf_proof_begin(&s.proof, 1U << 3);
	step(&s);
	CHECK_U64(s.proof.unproven, ==, 1U << 3);
	hf_proof_accept(&s.proof, 1U << 3);
	steps(&s, 10);
	CHECK_U64(s.proof.unproven, ==, 0);
}

TESTS(RUN(a_tile_that_never_changed_is_unproven_with_the_first_sample_and_stays_so),
      RUN(a_live_tile_is_not_unproven_for_a_moment),
      RUN(key_frames_prove_nothing_wherever_they_fall),
      RUN(key_frames_that_are_known_as_such_prove_nothing_of_whatever_quality),
      RUN(what_is_left_in_a_repeated_picture_proves_nothing),
      RUN(a_screen_that_shows_the_same_picture_again_makes_nobody_unproven),
      RUN(one_camera_with_one_picture_a_second_is_proven_by_its_second_picture),
      RUN(somebody_who_walks_proves_a_clean_picture_and_a_clock_does_not),
      RUN(somebody_far_off_in_a_clean_picture_proves_it_within_steps),
      RUN(half_of_the_others_must_show_noise_and_two_of_them),
      RUN(cameras_without_a_signal_are_not_asked),
      RUN(people_in_pictures_without_noise_make_nobody_unproven),
      RUN(a_weak_camera_among_very_noisy_ones_is_proven_once_its_noise_is_known),
      RUN(a_screen_that_stands_still_keeps_a_tile_unproven_for_half_a_minute),
      RUN(a_tile_that_must_prove_itself_anew_and_does_not_is_unproven_at_once))
