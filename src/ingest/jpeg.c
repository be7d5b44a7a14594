/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/jpeg.h"

#include "base/auto.h"

#include <string.h>
#include <turbojpeg.h>

enum {
	PLANES = 3,
	ALIGNMENT = 64,
};

/* One picture's memory; kept as long as the next ones have its size. */
struct picture {
	uint8_t *data;
	size_t size_bytes;
};

struct hf_jpeg {
	tjhandle handle;
	struct picture pictures[2]; /* the last one, and the one being decoded */
	unsigned next;
};

enum hf_code hf_jpeg_open(struct hf_jpeg **ret_jpeg, struct hf_err *err)
{
	struct hf_jpeg *jpeg = calloc(1, sizeof *jpeg);

	if (jpeg == NULL)
		return hf_fail(err, HF_E_NOMEM, "jpeg: out of memory");
	jpeg->handle = tjInitDecompress();
	if (jpeg->handle == NULL) {
		free(jpeg);
		return hf_fail(err, HF_E_NOMEM, "jpeg: out of memory");
	}
	*ret_jpeg = jpeg;
	return HF_OK;
}

void hf_jpeg_close(struct hf_jpeg *jpeg)
{
	if (jpeg == NULL)
		return;
	(void)tjDestroy(jpeg->handle);
	free(jpeg->pictures[0].data);
	free(jpeg->pictures[1].data);
	free(jpeg);
}

static bool chroma_of(int sampling, enum hf_chroma *ret_chroma)
{
	switch (sampling) {
	case TJSAMP_GRAY:
		*ret_chroma = HF_CHROMA_NONE;
		return true;
	case TJSAMP_420:
		*ret_chroma = HF_CHROMA_420;
		return true;
	case TJSAMP_422:
		*ret_chroma = HF_CHROMA_422;
		return true;
	case TJSAMP_444:
		*ret_chroma = HF_CHROMA_444;
		return true;
	}
	return false;
}

static size_t aligned(size_t size_bytes)
{
	return (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

enum hf_code hf_jpeg_decode(struct hf_jpeg *jpeg, const uint8_t *data, size_t size_bytes,
			    struct hf_frame *ret_frame, struct hf_err *err)
{
	int width, height, sampling, colours, strides[PLANES] = { 0 };
	struct hf_frame frame = { .full_range = true };
	uint8_t *planes[PLANES] = { NULL };
	size_t offsets[PLANES] = { 0 }, total = 0;

	if (tjDecompressHeader3(jpeg->handle, data, size_bytes, &width, &height, &sampling,
				&colours) != 0 ||
	    (colours != TJCS_YCbCr && colours != TJCS_GRAY) ||
	    !chroma_of(sampling, &frame.chroma) || width < HF_FRAME_SIDE_MIN ||
	    height < HF_FRAME_SIDE_MIN || width > HF_FRAME_WIDTH_MAX ||
	    height > HF_FRAME_HEIGHT_MAX)
		return hf_fail(err, HF_E_AGAIN, "jpeg: not a picture for the fast path");

	const int plane_count = frame.chroma == HF_CHROMA_NONE ? 1 : PLANES;
	for (int i = 0; i < plane_count; i++) {
		strides[i] = (int)aligned((size_t)tjPlaneWidth(i, width, sampling));
		offsets[i] = total;
		total += (size_t)strides[i] * (size_t)tjPlaneHeight(i, height, sampling);
	}
	/* Readers work in whole vectors and may look past the last row's end. */
	total += ALIGNMENT;

	struct picture *picture = &jpeg->pictures[jpeg->next];
	if (picture->size_bytes != total) {
		free(picture->data);
		picture->data = aligned_alloc(ALIGNMENT, aligned(total));
		picture->size_bytes = picture->data != NULL ? total : 0;
		if (picture->data == NULL)
			return hf_fail(err, HF_E_NOMEM, "jpeg: out of memory");
	}
	for (int i = 0; i < plane_count; i++) {
		planes[i] = picture->data + offsets[i];
		frame.planes[i] = planes[i];
		frame.strides[i] = strides[i];
	}
	if (tjDecompressToYUVPlanes(jpeg->handle, data, size_bytes, planes, width, strides, height,
				    TJFLAG_STOPONWARNING) != 0)
		return hf_fail(err, HF_E_AGAIN, "jpeg: %s", tjGetErrorStr2(jpeg->handle));
	frame.width = (uint32_t)width;
	frame.height = (uint32_t)height;
	jpeg->next = 1 - jpeg->next;
	*ret_frame = frame;
	return HF_OK;
}
