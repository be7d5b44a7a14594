/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/motion.h"

#include "base/assert.h"
#include "base/auto.h"

#include <string.h>

enum {
	LEVEL_BITS = 8, /* fraction bits of a background level */
	RATE_BITS = 4,
	RATE_BITS_DIFFERENT = 6,
	RATE_BITS_QUIET = 1, /* instead, just after learning: what changed may still be changing */
	BORDER = 1, /* of cells that never differ, so that every cell has eight neighbours */
};

struct hf_motion {
	struct hf_motion_options options;
	struct hf_rect area; /* of the frame, less the masked bands, whole cells */
	uint32_t columns, rows;
	bool learned;
	struct hf_mono opened_at, quiet_until, learned_at, stepped_at;
	uint16_t *levels;      /* of this frame: sums of 16 pixels */
	uint16_t *background;  /* with LEVEL_BITS of fraction */
	uint8_t *over;         /* differs by itself, (rows + 2) x (columns + 2) */
	uint32_t *differed_ms; /* when it differed last, the vote included; 0: never */
};

enum hf_code hf_motion_open(const struct hf_motion_options *options, struct hf_rect rect,
			    struct hf_motion **ret_motion, struct hf_err *err)
{
	HF_ASSERT(rect.width > 0 && rect.height > 0);
	uint32_t top = (uint32_t)(options->mask_top * rect.height);
	uint32_t bottom = (uint32_t)(options->mask_bottom * rect.height);
	struct hf_motion *motion = calloc(1, sizeof *motion);

	if (motion == NULL)
		return hf_fail(err, HF_E_NOMEM, "motion: out of memory");
	motion->options = *options;
	motion->columns = rect.width / HF_MOTION_CELL_PIXELS;
	motion->rows = (rect.height - top - bottom) / HF_MOTION_CELL_PIXELS;
	motion->area = (struct hf_rect){ .x = rect.x,
					 .y = rect.y + top,
					 .width = motion->columns * HF_MOTION_CELL_PIXELS,
					 .height = motion->rows * HF_MOTION_CELL_PIXELS };
	size_t cells = (size_t)motion->columns * motion->rows;
	size_t bordered = (size_t)(motion->columns + 2 * BORDER) * (motion->rows + 2 * BORDER);
	motion->levels = calloc(cells + 1, sizeof *motion->levels);
	motion->background = calloc(cells + 1, sizeof *motion->background);
	motion->over = calloc(bordered, sizeof *motion->over);
	motion->differed_ms = calloc(cells + 1, sizeof *motion->differed_ms);
	if (motion->levels == NULL || motion->background == NULL || motion->over == NULL ||
	    motion->differed_ms == NULL) {
		hf_motion_close(motion);
		return hf_fail(err, HF_E_NOMEM, "motion: out of memory");
	}
	*ret_motion = motion;
	return HF_OK;
}

void hf_motion_close(struct hf_motion *motion)
{
	if (motion == NULL)
		return;
	free(motion->levels);
	free(motion->background);
	free(motion->over);
	free(motion->differed_ms);
	free(motion);
}

/* Sums of 4x4 pixels, 8 pixels of four rows at a time: even and odd bytes in 16-bit lanes. */
static void read_levels(struct hf_motion *motion, const struct hf_frame *frame)
{
	const uint64_t lanes = UINT64_C(0x00ff00ff00ff00ff);
	const ptrdiff_t stride = frame->strides[0];
	const uint8_t *row = frame->planes[0] + motion->area.y * stride + motion->area.x;
	uint16_t *level = motion->levels;

	for (uint32_t y = 0; y < motion->rows; y++, row += HF_MOTION_CELL_PIXELS * stride) {
		uint32_t x = 0;

		for (; x + 2 <= motion->columns; x += 2) {
			uint64_t sums = 0;

			for (int k = 0; k < HF_MOTION_CELL_PIXELS; k++) {
				uint64_t pixels;

				memcpy(&pixels, row + k * stride + x * HF_MOTION_CELL_PIXELS,
				       sizeof pixels);
				sums += (pixels & lanes) + (pixels >> 8 & lanes);
			}
			sums += sums >> 16;
			*level++ = (uint16_t)sums;
			*level++ = (uint16_t)(sums >> 32);
		}
		for (; x < motion->columns; x++) {
			uint16_t sum = 0;

			for (int k = 0; k < HF_MOTION_CELL_PIXELS; k++)
				for (int i = 0; i < HF_MOTION_CELL_PIXELS; i++)
					sum = (uint16_t)(sum + row[k * stride + x * 4 + i]);
			*level++ = sum;
		}
	}
}

/* A sum of 16 pixels, in the background's units. */
static int level_of(uint16_t sum)
{
	return sum << (LEVEL_BITS - 4);
}

static void learn_all(struct hf_motion *motion, struct hf_mono now)
{
	size_t cells = (size_t)motion->columns * motion->rows;

	for (size_t i = 0; i < cells; i++)
		motion->background[i] = (uint16_t)level_of(motion->levels[i]);
	memset(motion->differed_ms, 0, cells * sizeof *motion->differed_ms);
	motion->learned = true;
	motion->learned_at = now;
	motion->quiet_until = hf_mono_add_ms(now, HF_MOTION_QUIET_MS);
}

/* The loops below run over every cell of every frame: no branch, so that they become vectors. */
static void mark_over(struct hf_motion *motion)
{
	const int threshold = (int)(motion->options.threshold * (1 << LEVEL_BITS));

	for (uint32_t y = 0; y < motion->rows; y++) {
		const uint16_t *levels = motion->levels + (size_t)y * motion->columns;
		const uint16_t *background = motion->background + (size_t)y * motion->columns;
		uint8_t *over =
			motion->over + (size_t)(y + BORDER) * (motion->columns + 2) + BORDER;

		for (uint32_t x = 0; x < motion->columns; x++)
			over[x] = abs(level_of(levels[x]) - background[x]) > threshold;
	}
}

static unsigned votes_at(const uint8_t *over, ptrdiff_t pitch)
{
	return (unsigned)over[-pitch - 1] + over[-pitch] + over[-pitch + 1] + over[-1] + over[1] +
	       over[pitch - 1] + over[pitch] + over[pitch + 1];
}

/* Marks the cells that differ now, and counts them. */
static uint32_t vote(struct hf_motion *motion, uint32_t now_ms)
{
	const ptrdiff_t pitch = motion->columns + 2 * BORDER;
	uint32_t count = 0;

	for (uint32_t y = 0; y < motion->rows; y++) {
		const uint8_t *over = motion->over + (y + BORDER) * pitch + BORDER;
		uint32_t *differed_ms = motion->differed_ms + (size_t)y * motion->columns;

		if (memchr(over, 1, motion->columns) == NULL)
			continue;
		for (uint32_t x = 0; x < motion->columns; x++) {
			if (over[x] == 0 || votes_at(over + x, pitch) < HF_MOTION_VOTES)
				continue;
			differed_ms[x] = now_ms;
			count++;
		}
	}
	return count;
}

/* The cells that differed within the window. */
static uint32_t count_window(const struct hf_motion *motion, uint32_t now_ms)
{
	const size_t cells = (size_t)motion->columns * motion->rows;
	const uint32_t before_ms = now_ms > HF_MOTION_WINDOW_MS ? now_ms - HF_MOTION_WINDOW_MS : 0;
	uint32_t count = 0;

	for (size_t i = 0; i < cells; i++)
		count += motion->differed_ms[i] > before_ms;
	return count;
}

static void follow(struct hf_motion *motion, struct hf_mono now, uint32_t now_ms)
{
	const size_t cells = (size_t)motion->columns * motion->rows;

	if (hf_mono_before(now, hf_mono_add_ms(motion->learned_at, HF_MOTION_LEARN_MS - 20)))
		return;
	motion->learned_at = now;
	const int bits_different =
		hf_mono_before(now, motion->quiet_until) ? RATE_BITS_QUIET : RATE_BITS_DIFFERENT;
	for (size_t i = 0; i < cells; i++) {
		int difference = level_of(motion->levels[i]) - motion->background[i];
		int step = difference >> RATE_BITS, step_different = difference >> bits_different;

		motion->background[i] =
			(uint16_t)(motion->background[i] +
				   (motion->differed_ms[i] == now_ms ? step_different : step));
	}
}

struct hf_motion_reading hf_motion_step(struct hf_motion *motion, const struct hf_frame *frame)
{
	struct hf_motion_reading reading = { 0 };
	const struct hf_mono now = frame->captured_mono;

	HF_ASSERT(motion->area.x + motion->area.width <= frame->width &&
		  motion->area.y + motion->area.height <= frame->height);
	read_levels(motion, frame);
	if (!motion->learned) {
		motion->opened_at = motion->stepped_at = now;
		learn_all(motion, now);
		return reading;
	}
	const bool back_in_time = hf_mono_before(now, motion->stepped_at);

	motion->stepped_at = now;
	if (back_in_time) { /* all the times that are kept lie in the future */
		motion->opened_at = now;
		learn_all(motion, now);
		reading.relearned = true;
		return reading;
	}
	/* It wraps after 49 days: then the background may be learned anew once, no more. */
	const uint32_t now_ms = 1 + (uint32_t)(hf_mono_diff_us(now, motion->opened_at) / 1000);
	mark_over(motion);
	reading.cells = vote(motion, now_ms);
	if (count_window(motion, now_ms) >
	    HF_MOTION_RELEARN_SHARE * motion->columns * motion->rows) {
		learn_all(motion, now);
		reading.relearned = true;
		return reading;
	}
	follow(motion, now, now_ms);
	reading.moving = reading.cells >= motion->options.cells_min &&
			 !hf_mono_before(now, motion->quiet_until);
	return reading;
}

struct hf_motion_cells hf_motion_cells(const struct hf_motion *motion)
{
	return (struct hf_motion_cells){ .columns = motion->columns,
					 .rows = motion->rows,
					 .area = motion->area,
					 .levels = motion->levels };
}
