/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/proof.h"

#include <stdlib.h>
#include <string.h>

enum {
	FEW_BLOCKS = HF_MEASURE_BLOCKS / 12, /* a clock in the picture is no sign of life */
	USUAL_SAMPLES = 8,
	CALM_SAMPLES_MIN = 3,
};

static const double noise_clear = 0.15; /* levels: below it, absence of noise proves nothing */
static const double alive_share = 0.1;  /* of the screen's noise: cameras are not alike */
static const double alive_share_own = 0.2;
static const double alive_least = 0.06; /* levels: less is rounding */
static const double moving_levels = 3;
static const double like_others = 0.7; /* of the screen's noise: a key frame does 0.6 at most */
static const double busy_gain = 1.12;  /* over the calmest sample: key frames do 1.2 and more */
/* The recorder showed the same picture again: what is left is its encoder's touching up. */
static const double repeated_share = 0.5;

void hf_proof_break(struct hf_proof *proof)
{
	proof->usual = proof->calm = 0;
	proof->told = 0;
	for (int i = 0; i < HF_TILES_MAX; i++)
		proof->lively[i] = 0;
}

void hf_proof_begin(struct hf_proof *proof, uint32_t tiles)
{
	proof->proven &= ~tiles;
	proof->unproven &= ~tiles;
	for (int i = 0; i < HF_TILES_MAX; i++)
		if ((tiles >> i & 1) != 0)
			memset(proof->moved[i], 0, sizeof proof->moved[i]);
}

void hf_proof_accept(struct hf_proof *proof, uint32_t tiles)
{
	proof->proven |= tiles;
	proof->unproven &= ~tiles;
}

static int ascending(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Median of what the tiles with noise have; 0: they are too few. */
static double screen_noise(const struct hf_proof_sample *sample)
{
	double noises[HF_TILES_MAX];
	unsigned clear = 0, tiles = 0;

	for (int i = 0; i < HF_TILES_MAX; i++) {
		if (sample->tiles[i] == NULL || (sample->dead >> i & 1) != 0)
			continue;
		tiles++;
		if (sample->tiles[i]->noise >= noise_clear)
			noises[clear++] = sample->tiles[i]->noise;
	}
	if (clear < 2 || clear * 2 < tiles - 1) /* one is the tile that is judged */
		return 0;
	qsort(noises, clear, sizeof noises[0], ascending);
	return noises[clear / 2];
}

/* Does the sample tell anything? Learns what the screen's noise is like. */
static bool tells(struct hf_proof *proof, double noise)
{
	if (noise <= 0)
		return false;
	proof->usual += proof->usual > 0 ? (noise - proof->usual) / USUAL_SAMPLES : noise;
	if (noise < repeated_share * proof->usual)
		return false;
	proof->calm = proof->told == 0 || noise < proof->calm ? noise : proof->calm;
	proof->told++;
	return true;
}

static unsigned blocks_above(const struct hf_measure *tile, double levels)
{
	unsigned blocks = 0;

	for (int i = 0; i < HF_MEASURE_BLOCKS; i++)
		blocks += (double)tile->difference[i] > levels;
	return blocks;
}

/* Blocks in which something has moved so far. */
static unsigned note_moves(bool *moved, const struct hf_measure *tile)
{
	unsigned blocks = 0;

	for (int i = 0; i < HF_MEASURE_BLOCKS; i++) {
		moved[i] = moved[i] || (double)tile->difference[i] > moving_levels;
		blocks += moved[i];
	}
	return blocks;
}

/* What in this sample is more than rounding. */
static double level_for(double noise, double floor)
{
	const double share = alive_share * noise, own = alive_share_own * floor;
	const double level = own > 0 && own < share ? own : share;

	return level > alive_least ? level : alive_least;
}

void hf_proof_step(struct hf_proof *proof, const struct hf_proof_sample *sample)
{
	const double noise = screen_noise(sample);
	const bool telling = tells(proof, noise);
	const bool calm = telling && !sample->breath && proof->told >= CALM_SAMPLES_MIN &&
			  noise <= busy_gain * proof->calm;

	if (telling)
		proof->told_ms = sample->now_ms;
	for (int i = 0; i < HF_TILES_MAX; i++) {
		const struct hf_measure *tile = sample->tiles[i];
		const uint32_t bit = 1U << i;

		if (tile == NULL || (proof->proven & bit) != 0 || sample->breath)
			continue;
		const unsigned alive = blocks_above(tile, level_for(noise, sample->floors[i]));

		if (note_moves(proof->moved[i], tile) > FEW_BLOCKS ||
		    (calm && tile->noise > like_others * noise))
			hf_proof_accept(proof, bit);
		if (!telling)
			continue;
		proof->lively[i] = alive > FEW_BLOCKS ? proof->lively[i] + 1 : 0;
		if (proof->lively[i] >= HF_PROOF_SAMPLES)
			hf_proof_accept(proof, bit);
		else if (proof->lively[i] == 0 && (proof->proven & bit) == 0)
			proof->unproven |= bit;
	}
	if (sample->now_ms - proof->told_ms > HF_PROOF_HOLD_MS)
		proof->unproven = 0;
}
