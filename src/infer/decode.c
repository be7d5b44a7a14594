/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: most of 2,835 cells see nothing, so the softmax is taken only where a score reaches
 * score_min. The candidates become a heap with the best on top; each that comes off it is
 * compared with those already kept (64 at most). That sorts only what is needed, allocates
 * nothing, and takes no longer than a millisecond when every cell speaks.
 */
#include "infer/decode.h"

#include "base/assert.h"
#include "base/auto.h"

#include <math.h>
#include <string.h>

enum {
	SIDES = 4, /* left, top, right, bottom */
};

/* NaN and infinities have all bits of the exponent set. On bits, and without a way out of the
 * loop, the compiler takes many values at a time. */
static bool all_finite(const float *values, size_t count)
{
	static const uint32_t exponent = 0x7f800000;
	uint32_t bad = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof bits);
		bad |= (uint32_t)((bits & exponent) == exponent);
	}
	return bad == 0;
}

/* nanodet */

static uint32_t cells_along(uint32_t side, uint32_t stride)
{
	return (side + stride - 1) / stride;
}

static size_t nanodet_rows(const struct hf_pack *pack)
{
	size_t rows = 0;

	for (uint32_t i = 0; i < pack->stride_count; i++)
		rows += (size_t)cells_along(pack->input_width, pack->strides[i]) *
			cells_along(pack->input_height, pack->strides[i]);
	return rows;
}

static struct hf_tensor_shape nanodet_shape(const struct hf_pack *pack, uint32_t output)
{
	int64_t values =
		output == 0 ? (int64_t)pack->class_count : (int64_t)SIDES * (pack->reg_max + 1);

	return (struct hf_tensor_shape){ .count = 3,
					 .dims = { 1, (int64_t)nanodet_rows(pack), values } };
}

/* The mean of the distribution that the logits describe. */
static float nanodet_distance(const float *logits, uint32_t reg_max)
{
	float top = logits[0], sum = 0, weighted = 0;

	for (uint32_t i = 1; i <= reg_max; i++)
		top = fmaxf(top, logits[i]);
	for (uint32_t i = 0; i <= reg_max; i++) {
		float share = expf(logits[i] - top);

		sum += share;
		weighted += share * (float)i;
	}
	return weighted / sum;
}

struct nanodet_cell {
	uint32_t row;
	float x, y; /* centre */
	float stride;
};

static void nanodet_add(const struct hf_pack *pack, const float *dists,
			const struct nanodet_cell *cell, uint32_t class_index, float score,
			struct hf_candidates *candidates)
{
	size_t logits = pack->reg_max + 1;
	const float *at = dists + (size_t)cell->row * SIDES * logits;
	float distance[SIDES];

	for (size_t side = 0; side < SIDES; side++)
		distance[side] = cell->stride * nanodet_distance(at + side * logits, pack->reg_max);
	HF_ASSERT(candidates->count < candidates->count_max);
	candidates->items[candidates->count++] =
		(struct hf_candidate){ .left = cell->x - distance[0],
				       .top = cell->y - distance[1],
				       .right = cell->x + distance[2],
				       .bottom = cell->y + distance[3],
				       .score = fminf(score, 1),
				       .class_index = class_index,
				       .cell = cell->row };
}

/* Cells of one stride. */
static void nanodet_stride(const struct hf_pack *pack, const float *const *outputs, uint32_t stride,
			   uint32_t first_row, float score_min, struct hf_candidates *candidates)
{
	uint32_t across = cells_along(pack->input_width, stride);
	uint32_t cells = across * cells_along(pack->input_height, stride);
	const float *scores = outputs[0] + (size_t)first_row * pack->class_count;

	for (uint32_t i = 0; i < cells; i++) {
		for (uint32_t c = 0; c < pack->class_count; c++) {
			float score = scores[(size_t)i * pack->class_count + c];

			if (score < score_min)
				continue;
			struct nanodet_cell cell = {
				.row = first_row + i,
				.x = ((float)(i % across) + 0.5F) * (float)stride,
				.y = ((float)(i / across) + 0.5F) * (float)stride,
				.stride = (float)stride,
			};
			nanodet_add(pack, outputs[1], &cell, c, score, candidates);
		}
	}
}

static enum hf_code nanodet_decode(const struct hf_pack *pack, const float *const *outputs,
				   float score_min, struct hf_candidates *candidates,
				   struct hf_err *err)
{
	static const float tolerance = 1e-3F; /* of a runtime's approximated sigmoid */
	size_t rows = nanodet_rows(pack);

	if (!all_finite(outputs[0], rows * pack->class_count) ||
	    !all_finite(outputs[1], rows * SIDES * (pack->reg_max + 1)))
		return hf_fail(err, HF_E_CORRUPT,
			       "the network's output holds values that are not "
			       "numbers: a broken model pack or processor");
	for (size_t i = 0; i < rows * pack->class_count; i++)
		if (outputs[0][i] < -tolerance || outputs[0][i] > 1 + tolerance)
			return hf_fail(err, HF_E_CORRUPT,
				       "the network's output holds a score of %g, outside 0 to 1: "
				       "not a nanodet with sigmoid scores",
				       (double)outputs[0][i]);
	uint32_t row = 0;
	for (uint32_t i = 0; i < pack->stride_count; i++) {
		uint32_t stride = pack->strides[i];

		nanodet_stride(pack, outputs, stride, row, score_min, candidates);
		row += cells_along(pack->input_width, stride) *
		       cells_along(pack->input_height, stride);
	}
	return HF_OK;
}

/* Every family there is. */
static const struct hf_decoder decoders[] = {
	{ .name = "nanodet",
	  .output_count = 2,
	  .outputs = { "scores", "dists" },
	  .rows = nanodet_rows,
	  .shape = nanodet_shape,
	  .decode = nanodet_decode },
};

enum hf_code hf_decoder_find(const char *name, const struct hf_decoder **ret_decoder,
			     struct hf_err *err)
{
	char names[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(decoders); i++) {
		if (strcmp(decoders[i].name, name) == 0) {
			*ret_decoder = &decoders[i];
			return HF_OK;
		}
		int n = snprintf(names + used, sizeof names - used, " %s", decoders[i].name);
		used += n > 0 && (size_t)n < sizeof names - used ? (size_t)n : 0;
	}
	return hf_fail(err, HF_E_INVALID, "no decoder \"%s\" in this build; there is:%s", name,
		       names);
}

enum hf_code hf_candidates_open(const struct hf_decoder *decoder, const struct hf_pack *pack,
				struct hf_candidates *ret_candidates, struct hf_err *err)
{
	size_t count_max = decoder->rows(pack) * pack->class_count;
	struct hf_candidate *items = calloc(count_max, sizeof *items);

	if (items == NULL)
		return hf_fail(err, HF_E_NOMEM, "decode: out of memory");
	*ret_candidates = (struct hf_candidates){ .count_max = count_max, .items = items };
	return HF_OK;
}

void hf_candidates_close(struct hf_candidates *candidates)
{
	free(candidates->items);
	*candidates = (struct hf_candidates){ 0 };
}

static bool better(const struct hf_candidate *a, const struct hf_candidate *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	return a->cell != b->cell ? a->cell < b->cell : a->class_index < b->class_index;
}

static void sift_down(struct hf_candidates *heap, size_t at)
{
	for (;;) {
		size_t best = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < heap->count && better(&heap->items[child], &heap->items[best]))
				best = child;
		if (best == at)
			return;
		struct hf_candidate moved = heap->items[at];
		heap->items[at] = heap->items[best];
		heap->items[best] = moved;
		at = best;
	}
}

static struct hf_candidate pop(struct hf_candidates *heap)
{
	struct hf_candidate best = heap->items[0];

	heap->items[0] = heap->items[--heap->count];
	sift_down(heap, 0);
	return best;
}

/* Cut at the tile's edges, in its own pixels. False: nothing is left of it. */
static bool to_tile(const struct hf_candidate *c, const struct hf_mapping *m,
		    struct hf_detection *ret_detection)
{
	float left = fmaxf(c->left / m->scale_x, 0);
	float top = fmaxf(c->top / m->scale_y, 0);
	float right = fminf(c->right / m->scale_x, (float)m->tile_width);
	float bottom = fminf(c->bottom / m->scale_y, (float)m->tile_height);

	if (!(right - left > 0) || !(bottom - top > 0))
		return false;
	*ret_detection = (struct hf_detection){ .x = left,
						.y = top,
						.width = right - left,
						.height = bottom - top,
						.score = c->score,
						.class_index = c->class_index };
	return true;
}

static bool overlap(const struct hf_detection *a, const struct hf_detection *b, float iou_max)
{
	float width = fminf(a->x + a->width, b->x + b->width) - fmaxf(a->x, b->x);
	float height = fminf(a->y + a->height, b->y + b->height) - fmaxf(a->y, b->y);

	if (width <= 0 || height <= 0)
		return false;
	float shared = width * height;
	return shared > iou_max * (a->width * a->height + b->width * b->height - shared);
}

static bool suppressed(const struct hf_detection *d, const struct hf_detection *kept,
		       uint32_t count, float iou_max)
{
	for (uint32_t i = 0; i < count; i++)
		if (kept[i].class_index == d->class_index && overlap(&kept[i], d, iou_max))
			return true;
	return false;
}

enum hf_code hf_decode(const struct hf_decoder *decoder, const struct hf_pack *pack,
		       const float *const *outputs, const struct hf_mapping *mapping,
		       float score_min, struct hf_candidates *candidates,
		       struct hf_detection ret_detections[HF_DETECTIONS_MAX], uint32_t *ret_count,
		       struct hf_err *err)
{
	uint32_t count = 0;

	candidates->count = 0;
	enum hf_code code = decoder->decode(pack, outputs, score_min, candidates, err);
	if (code != HF_OK)
		return code;
	for (size_t i = candidates->count / 2; i-- > 0;)
		sift_down(candidates, i);
	while (candidates->count > 0 && count < HF_DETECTIONS_MAX) {
		struct hf_candidate best = pop(candidates);
		struct hf_detection d;

		if (to_tile(&best, mapping, &d) &&
		    !suppressed(&d, ret_detections, count, pack->nms_iou))
			ret_detections[count++] = d;
	}
	*ret_count = count;
	return HF_OK;
}
