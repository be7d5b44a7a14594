/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * decode - what a network says, as boxes.
 *
 * Shape       A decoder knows one family of networks: which outputs it needs, of
 *             what shape, and how a box is read from them. It is chosen by the
 *             name in the pack. What all families share is done here once: the
 *             boxes go back to pixels of the tile, are cut at its edges, and of
 *             two boxes of one class that overlap by more than nms_iou the weaker
 *             is dropped. The rest is sorted by score, best first; equal scores
 *             keep the order of the network's cells.
 *
 * Numbers     nanodet: one row a cell; strides one after the other, cells row by
 *             row on a grid of ceil(width / stride) by ceil(height / stride).
 *             scores [1, rows, classes], already between 0 and 1; dists [1, rows,
 *             4 * (reg_max + 1)]: for left, top, right and bottom the logits of
 *             the distance from the cell's centre ((x + 0.5) * stride, ...) being
 *             0, 1, ..., reg_max strides. The distance is the mean of that
 *             distribution.
 *
 * Errors      CORRUPT: a value that is not a number, or a score outside 0 to 1: a
 *             broken network or device. Nothing is reported from such a run.
 *
 * Limits      The HF_DETECTIONS_MAX best are kept.
 *
 * Source      Li et al., Generalized Focal Loss, 2020 (the distances).
 */
#include "infer/pack.h"
#include "infer/preprocess.h"
#include "shape/tile.h"

enum {
	HF_TENSOR_DIMS_MAX = 4,
};

struct hf_tensor_shape {
	uint32_t count;
	int64_t dims[HF_TENSOR_DIMS_MAX];
};

struct hf_candidate {
	float left, top, right, bottom; /* pixels of the network's input */
	float score;
	uint32_t class_index;
	uint32_t cell;
};

struct hf_candidates {
	size_t count;
	size_t count_max; /* rows * classes: every cell may speak */
	struct hf_candidate *items;
};

struct hf_decoder {
	const char *name;
	uint32_t output_count;
	const char *outputs[HF_PACK_OUTPUTS_MAX]; /* keys, in the order decode() takes them */
	/* Cells for which one class's score is given; 0: the pack does not make sense. */
	size_t (*rows)(const struct hf_pack *pack);
	struct hf_tensor_shape (*shape)(const struct hf_pack *pack, uint32_t output);
	enum hf_code (*decode)(const struct hf_pack *pack, const float *const *outputs,
			       float score_min, struct hf_candidates *candidates,
			       struct hf_err *err);
};

/* HF_E_INVALID: no decoder of that name; the text lists those there are. */
enum hf_code hf_decoder_find(const char *name, const struct hf_decoder **ret_decoder,
			     struct hf_err *err) HF_MUST_CHECK;

enum hf_code hf_candidates_open(const struct hf_decoder *decoder, const struct hf_pack *pack,
				struct hf_candidates *ret_candidates,
				struct hf_err *err) HF_MUST_CHECK;
void hf_candidates_close(struct hf_candidates *candidates);

/* Outputs into detections of the tile that mapping describes: all with score >= score_min that
 * survive. candidates is scratch memory. */
enum hf_code hf_decode(const struct hf_decoder *decoder, const struct hf_pack *pack,
		       const float *const *outputs, const struct hf_mapping *mapping,
		       float score_min, struct hf_candidates *candidates,
		       struct hf_detection ret_detections[HF_DETECTIONS_MAX], uint32_t *ret_count,
		       struct hf_err *err) HF_MUST_CHECK;
