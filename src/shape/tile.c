/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/tile.h"

#include <math.h>
#include <string.h>

const char *hf_layout_id(enum hf_layout layout)
{
	switch (layout) {
	case HF_LAYOUT_UNKNOWN:
		return "unknown";
	case HF_LAYOUT_1X1:
		return "1x1-std";
	case HF_LAYOUT_2X2:
		return "2x2-std";
	case HF_LAYOUT_3X3:
		return "3x3-std";
	case HF_LAYOUT_4X4:
		return "4x4-std";
	}
	return "unknown";
}

unsigned hf_layout_side(enum hf_layout layout)
{
	return (unsigned)layout <= HF_LAYOUT_4X4 ? (unsigned)layout : 0;
}

enum hf_code hf_job_check(const struct hf_job *job, struct hf_err *err)
{
	if (job->source >= HF_SOURCES_MAX || job->camera >= HF_CAMERAS_MAX ||
	    job->tile >= HF_TILES_MAX || job->layout > HF_LAYOUT_4X4 ||
	    job->look < HF_LOOK_MOTION || job->look > HF_LOOK_OCCUPIED)
		return hf_fail(err, HF_E_INVALID,
			       "job: source, camera, tile, layout or look out of range");
	if (job->width == 0 || job->height == 0 || job->width > HF_TILE_WIDTH_MAX ||
	    job->height > HF_TILE_HEIGHT_MAX)
		return hf_fail(err, HF_E_INVALID, "job: tile of %ux%u pixels", job->width,
			       job->height);
	if (job->source_width == 0 || job->source_height == 0)
		return hf_fail(err, HF_E_INVALID, "job: a tile of %ux%u pixels on the screen",
			       job->source_width, job->source_height);
	return HF_OK;
}

enum hf_code hf_result_check(const struct hf_result *result, struct hf_err *err)
{
	enum hf_code code = hf_job_check(&result->job, err);

	if (code != HF_OK)
		return code;
	if (result->detection_count > HF_DETECTIONS_MAX || result->failed > 1 ||
	    memchr(result->model_tag, '\0', sizeof result->model_tag) == NULL)
		return hf_fail(err, HF_E_INVALID, "result: count, flag or model tag out of range");
	if (!(result->score_threshold >= 0 && result->score_threshold <= 1))
		return hf_fail(err, HF_E_INVALID, "result: threshold out of range");
	if (result->class_count > HF_CLASSES_MAX)
		return hf_fail(err, HF_E_INVALID, "result: %u classes", result->class_count);
	for (uint32_t i = 0; i < result->class_count; i++)
		if (result->classes[i][0] == '\0' ||
		    memchr(result->classes[i], '\0', HF_CLASS_BYTES) == NULL)
			return hf_fail(err, HF_E_INVALID, "result: class %u has no name", i);
	for (uint32_t i = 0; i < result->detection_count; i++) {
		const struct hf_detection *d = &result->detections[i];

		if (d->class_index != 0 && d->class_index >= result->class_count)
			return hf_fail(err, HF_E_INVALID, "result: detection %u of class %u of %u",
				       i, d->class_index, result->class_count);
		if (!isfinite(d->x) || !isfinite(d->y) || !isfinite(d->width) ||
		    !isfinite(d->height) || !(d->width > 0) || !(d->height > 0) ||
		    !(d->score >= 0 && d->score <= 1))
			return hf_fail(err, HF_E_INVALID, "result: detection %u is not a box", i);
	}
	return HF_OK;
}

enum hf_code hf_result_unpack(const void *data, size_t size_bytes, struct hf_result *ret_result,
			      struct hf_err *err)
{
	struct hf_result result = { 0 };

	if (size_bytes < hf_result_bytes(0) || size_bytes > sizeof result)
		return hf_fail(err, HF_E_INVALID, "result: %zu bytes", size_bytes);
	memcpy(&result, data, size_bytes);
	if (result.detection_count > HF_DETECTIONS_MAX ||
	    size_bytes != hf_result_bytes(result.detection_count))
		return hf_fail(err, HF_E_INVALID, "result: %zu bytes for %u detections", size_bytes,
			       result.detection_count);
	enum hf_code code = hf_result_check(&result, err);
	if (code == HF_OK)
		*ret_result = result;
	return code;
}

enum hf_code hf_tick_check(const struct hf_tick *tick, struct hf_err *err)
{
	if (tick->source >= HF_SOURCES_MAX || tick->layout > HF_LAYOUT_4X4 || tick->paused > 1)
		return hf_fail(err, HF_E_INVALID, "tick: source, layout or flag out of range");
	if (((tick->moving_mask | tick->blind_mask) >> HF_TILES_MAX) != 0)
		return hf_fail(err, HF_E_INVALID, "tick: a mask names a tile beyond %d",
			       HF_TILES_MAX);
	return HF_OK;
}
