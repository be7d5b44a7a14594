/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/draw.h"

#include "base/auto.h"
#include "base/file.h"

#include <math.h>
#include <turbojpeg.h>

enum {
	LINE_PIXELS = 2,
	QUALITY = 92,
};

static const uint8_t green[] = { 80, 255, 0 };

struct area {
	long left, top, right, bottom; /* right and bottom are outside */
};

static long clamp(float value, uint32_t limit)
{
	long rounded = lroundf(value);

	return rounded < 0 ? 0 : rounded > (long)limit ? (long)limit : rounded;
}

static void fill(uint8_t *bgr, uint32_t width, struct area a)
{
	for (long y = a.top; y < a.bottom; y++)
		for (long x = a.left; x < a.right; x++)
			for (size_t c = 0; c < sizeof green; c++)
				bgr[((size_t)y * width + (size_t)x) * sizeof green + c] = green[c];
}

static void outline(uint8_t *bgr, uint32_t width, struct area a)
{
	long across = a.right - a.left < 2 * LINE_PIXELS ? a.right - a.left : LINE_PIXELS;
	long down = a.bottom - a.top < 2 * LINE_PIXELS ? a.bottom - a.top : LINE_PIXELS;

	fill(bgr, width, (struct area){ a.left, a.top, a.right, a.top + down });
	fill(bgr, width, (struct area){ a.left, a.bottom - down, a.right, a.bottom });
	fill(bgr, width, (struct area){ a.left, a.top, a.left + across, a.bottom });
	fill(bgr, width, (struct area){ a.right - across, a.top, a.right, a.bottom });
}

void hf_draw_boxes(uint8_t *bgr, uint32_t width, uint32_t height,
		   const struct hf_detection *detections, uint32_t count, float score_min)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct hf_detection *d = &detections[i];

		if (d->score < score_min)
			continue;
		outline(bgr, width,
			(struct area){ .left = clamp(d->x, width),
				       .top = clamp(d->y, height),
				       .right = clamp(d->x + d->width, width),
				       .bottom = clamp(d->y + d->height, height) });
	}
}

enum hf_code hf_draw_write(const uint8_t *bgr, uint32_t width, uint32_t height, const char *path,
			   struct hf_err *err)
{
	unsigned char *jpeg = NULL;
	unsigned long size = 0;
	tjhandle encoder = tjInitCompress();

	if (encoder == NULL)
		return hf_fail(err, HF_E_NOMEM, "start the JPEG encoder: out of memory");
	enum hf_code code = HF_OK;
	if (tjCompress2(encoder, bgr, (int)width, 0, (int)height, TJPF_BGR, &jpeg, &size,
			TJSAMP_444, QUALITY, TJFLAG_FASTDCT) != 0)
		code = hf_fail(err, HF_E_INVALID, "encode %s: %s", path, tjGetErrorStr2(encoder));
	else
		code = hf_file_replace(path, jpeg, size, 0644, err);
	tjFree(jpeg);
	(void)tjDestroy(encoder);
	return code;
}
