/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pack - a folder with one network and what must be known to use it.
 *
 * Shape       model.json names the network's file and its SHA-256, the decoder,
 *             the input (one float32 tensor [1, 3, height, width], planes of B, G,
 *             R, each value (level - mean) / std), the outputs by the key under
 *             which the decoder asks for them, the classes, and the thresholds.
 *             Keys that are not known here are passed over: a pack also tells
 *             where it comes from and its licence.
 *             Two things may be missing: "fallback", a folder in this one with a
 *             smaller network, a pack of its own, for when this one is too much;
 *             and "golden", what the network says to a known picture (golden.h).
 *
 * Numbers     strides in pixels of the input; score and IoU thresholds 0 to 1.
 *
 * Owners      A plain struct without pointers. The network's bytes are read, and
 *             compared with the hash, by hf_pack_read_model(): what the runtime
 *             gets is what was compared.
 *
 * Errors      NOENT: no such folder or file. INVALID: model.json is not what this
 *             build expects. CORRUPT: the network is not the one model.json names.
 *             Each text names the file and says what to do.
 */
#include "base/err.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_PACK_STRIDES_MAX = 4,
	HF_PACK_OUTPUTS_MAX = 4,
	HF_PACK_REG_MAX_MAX = 32,
	HF_PACK_NAME_BYTES = 32,
	HF_PACK_INPUT_MIN = 32,
	HF_PACK_INPUT_MAX = 2048,
	HF_PACK_SHA256_BYTES = 32,
	HF_PACK_GOLDEN_MAX = 64,
};

/* Of one output, for the known picture. */
struct hf_pack_golden {
	uint32_t count; /* 0: it is not known what to expect */
	uint32_t at[HF_PACK_GOLDEN_MAX];
	float values[HF_PACK_GOLDEN_MAX];
	float mean; /* of all values */
	float tolerance;
};

struct hf_pack_output {
	char key[HF_PACK_NAME_BYTES]; /* what the decoder calls it: "scores" */
	char name[HF_ID_BYTES];       /* what the network calls it */
	struct hf_pack_golden golden;
};

struct hf_pack {
	char folder[HF_PATH_BYTES];
	char file[HF_ID_BYTES];
	uint8_t sha256[HF_PACK_SHA256_BYTES];
	char decoder[HF_PACK_NAME_BYTES];
	char tag[HF_TAG_BYTES];
	char input_name[HF_ID_BYTES];
	uint32_t input_width, input_height;
	uint32_t output_count;
	struct hf_pack_output outputs[HF_PACK_OUTPUTS_MAX];
	uint32_t class_count;
	char classes[HF_CLASSES_MAX][HF_CLASS_BYTES];
	uint32_t stride_count;
	uint32_t strides[HF_PACK_STRIDES_MAX];
	uint32_t reg_max; /* distances run from 0 to reg_max strides */
	float mean[3];    /* of B, G, R */
	float std[3];
	float score_threshold;
	float nms_iou;
	char fallback[HF_ID_BYTES]; /* name of a folder in this one; empty: there is none */
	bool golden;                /* it is known what to expect of each output */
};

/* Read folder/model.json. The network itself is not touched. */
enum hf_code hf_pack_open(const char *folder, struct hf_pack *ret_pack,
			  struct hf_err *err) HF_MUST_CHECK;

/* The smaller network of a pack that names one; it names none itself. */
enum hf_code hf_pack_open_fallback(const struct hf_pack *pack, struct hf_pack *ret_fallback,
				   struct hf_err *err) HF_MUST_CHECK;

/* The network's bytes, as hashed. ret_model is the caller's to free. */
enum hf_code hf_pack_read_model(const struct hf_pack *pack, uint8_t **ret_model,
				size_t *ret_size_bytes, struct hf_err *err) HF_MUST_CHECK;
