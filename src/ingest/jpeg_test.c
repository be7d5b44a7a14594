/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/jpeg.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>
#include <turbojpeg.h>

enum {
	WIDTH = 322,
	HEIGHT = 182,
};

/* A grey ramp with the level of each column on top, as JPEG. The caller frees with tjFree. */
static uint8_t *encode(int sampling, int offset, unsigned long *ret_size)
{
	static uint8_t bgr[HEIGHT][WIDTH][3];
	unsigned char *data = NULL;
	tjhandle handle = tjInitCompress();

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			memset(bgr[y][x], offset + x / 3, 3);
	assert_non_null(handle);
	assert_int_equal(tjCompress2(handle, &bgr[0][0][0], WIDTH, 0, HEIGHT, TJPF_BGR, &data,
				     ret_size, sampling, 95, 0),
			 0);
	(void)tjDestroy(handle);
	return data;
}

static void check_ramp(const struct hf_frame *frame, int offset)
{
	CHECK_U64(frame->width, ==, WIDTH);
	CHECK_U64(frame->height, ==, HEIGHT);
	CHECK(frame->full_range);
	for (int y = 0; y < HEIGHT; y += 7)
		for (int x = 0; x < WIDTH; x++) {
			int level = frame->planes[0][y * frame->strides[0] + x];

			CHECK_I64(level, >=, offset + x / 3 - 3);
			CHECK_I64(level, <=, offset + x / 3 + 3);
		}
}

TEST(the_usual_samplings_come_as_planes)
{
	static const struct {
		int sampling;
		enum hf_chroma chroma;
	} kinds[] = { { TJSAMP_420, HF_CHROMA_420 },
		      { TJSAMP_422, HF_CHROMA_422 },
		      { TJSAMP_444, HF_CHROMA_444 },
		      { TJSAMP_GRAY, HF_CHROMA_NONE } };
	struct hf_jpeg *jpeg;
	struct hf_frame frame;
	struct hf_err err;

	CHECK_OK(hf_jpeg_open(&jpeg, &err));
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		unsigned long size;
		uint8_t *data = encode(kinds[i].sampling, 40, &size);

		CHECK_OK(hf_jpeg_decode(jpeg, data, size, &frame, &err));
		CHECK_I64(frame.chroma, ==, kinds[i].chroma);
		CHECK((frame.planes[1] == NULL) == (kinds[i].chroma == HF_CHROMA_NONE));
		check_ramp(&frame, 40);
		tjFree(data);
	}
	hf_jpeg_close(jpeg);
}

TEST(what_is_cut_short_or_unusual_is_left_to_others_and_the_last_picture_stays_whole)
{
	struct hf_jpeg *jpeg;
	struct hf_frame frame, other;
	struct hf_err err;
	unsigned long size, size_440;
	uint8_t *data = encode(TJSAMP_422, 40, &size);
	uint8_t *data_440 = encode(TJSAMP_440, 90, &size_440);

	CHECK_OK(hf_jpeg_open(&jpeg, &err));
	CHECK_OK(hf_jpeg_decode(jpeg, data, size, &frame, &err));
	CHECK_CODE(hf_jpeg_decode(jpeg, data_440, size_440, &other, &err), HF_E_AGAIN);
	for (unsigned long cut = 0; cut < size; cut += size / 40)
		CHECK_CODE(hf_jpeg_decode(jpeg, data, cut, &other, &err), HF_E_AGAIN);
	check_ramp(&frame, 40);
	tjFree(data);
	tjFree(data_440);
	hf_jpeg_close(jpeg);
}

TEST(a_picture_stays_whole_while_the_next_is_decoded)
{
	struct hf_jpeg *jpeg;
	struct hf_frame first, second;
	struct hf_err err;
	unsigned long size;
	uint8_t *data = encode(TJSAMP_420, 40, &size);

	CHECK_OK(hf_jpeg_open(&jpeg, &err));
	CHECK_OK(hf_jpeg_decode(jpeg, data, size, &first, &err));
	tjFree(data);
	data = encode(TJSAMP_420, 90, &size);
	CHECK_OK(hf_jpeg_decode(jpeg, data, size, &second, &err));
	check_ramp(&first, 40);
	check_ramp(&second, 90);
	tjFree(data);
	hf_jpeg_close(jpeg);
}

TESTS(RUN(the_usual_samplings_come_as_planes),
      RUN(what_is_cut_short_or_unusual_is_left_to_others_and_the_last_picture_stays_whole),
      RUN(a_picture_stays_whole_while_the_next_is_decoded))
