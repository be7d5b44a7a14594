/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * runtime - a tile in, detections out: a model pack in ONNX Runtime.
 *
 * Shape       hf_runtime_open() checks the network against its pack: input and
 *             output names, shapes, float32. Every run uses the same tensors, which
 *             are made once; nothing of ours is allocated per tile.
 *
 * Owners      One thread: inference runs on the caller's, there is no other.
 *
 * Errors      open: those of pack.h, and INVALID when network and pack do not fit
 *             one another, IO when the runtime refuses. run: IO when the runtime
 *             fails, CORRUPT when what it says is not numbers. NOMEM of both: memory
 *             was asked for and not given, by the runtime or here. A failed run
 *             leaves nothing behind; the next may succeed.
 */
#include "infer/pack.h"
#include "shape/tile.h"

struct hf_runtime;

/* What ONNX Runtime has to do once in a process; at the first open at the latest. It leaves no thread
 * behind. Before a limit of memory: refused in the middle of this, it can never be finished. */
enum hf_code hf_runtime_init(struct hf_err *err) HF_MUST_CHECK;

enum hf_code hf_runtime_open(const struct hf_pack *pack, struct hf_runtime **ret_runtime,
			     struct hf_err *err) HF_MUST_CHECK;
/* The same with half of the memory and in twice the time: the weights stay as they are, instead of
 * being laid out anew for this processor. For when there is not enough for the other. */
enum hf_code hf_runtime_open_thrifty(const struct hf_pack *pack, struct hf_runtime **ret_runtime,
				     struct hf_err *err) HF_MUST_CHECK;
void hf_runtime_close(struct hf_runtime *runtime); /* NULL is fine */

/* bgr: width * height pixels of 3 bytes. All detections with score >= score_min, best first. */
enum hf_code hf_runtime_run(struct hf_runtime *runtime, const uint8_t *bgr, uint32_t width,
			    uint32_t height, float score_min,
			    struct hf_detection ret_detections[HF_DETECTIONS_MAX],
			    uint32_t *ret_count, struct hf_err *err) HF_MUST_CHECK;

/* Does it say to the known picture what its pack expects (golden.h)? NOENT: the pack does not tell;
 * CORRUPT: no; the rest as hf_runtime_run(). */
enum hf_code hf_runtime_golden(struct hf_runtime *runtime, struct hf_err *err) HF_MUST_CHECK;
