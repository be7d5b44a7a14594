/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * golden - a picture anybody can draw, and whether a network still says to it what it said when
 * it was imported.
 *
 * Shape       The recipe "figures-1": a gradient with noise and six upright figures, of whole
 *             numbers only, so that tools/import/golden.mjs draws the same bytes. It covers the
 *             network's input. What is expected stands in the pack (struct hf_pack_golden):
 *             some values of each output, and the mean of all of them, to which a fault
 *             anywhere adds.
 *
 * Numbers     A value may differ by the tolerance, the mean by a fiftieth of it: the arithmetic
 *             of another processor differs by 1e-5, a fault by much more. What is not a number
 *             differs from everything.
 *
 * Errors      CORRUPT: they differ; the text says where and by how much. NOENT: the pack does
 *             not say what to expect.
 */
#include "infer/pack.h"

#include <stddef.h>

/* bgr: 3 * width * height bytes. */
void hf_golden_picture(uint32_t width, uint32_t height, uint8_t *ret_bgr);

/* values: all of one output. */
enum hf_code hf_golden_compare(const struct hf_pack_output *output, const float *values,
			       size_t count, struct hf_err *err) HF_MUST_CHECK;
