/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/thumb.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

static const double margin = 0.3;
static const double cut_off_worth = 0.7;

enum {
	JPEG_QUALITY = 85,
	FILE_MODE = 0640,
	FOLDER_MODE = 0750,
	SLOT_BYTES = HF_THUMB_SIDE_MAX * HF_THUMB_SIDE_MAX * 3,
};

struct slot {
	uint32_t camera;
	uint64_t track; /* 0: empty */
	uint64_t used;  /* the higher the later */
	double worth;
	uint32_t width, height;
	uint8_t pixels[SLOT_BYTES];
};

struct hf_thumbs {
	tjhandle encoder;
	unsigned char *jpeg;
	uint64_t uses;
	struct slot slots[HF_THUMB_SLOTS];
};

struct crop {
	uint32_t x, y, width, height;
};

static struct slot *find(struct hf_thumbs *thumbs, uint32_t camera, uint64_t track)
{
	for (size_t i = 0; i < HF_THUMB_SLOTS; i++)
		if (thumbs->slots[i].track == track && thumbs->slots[i].camera == camera)
			return &thumbs->slots[i];
	return NULL;
}

static struct slot *least_used(struct hf_thumbs *thumbs)
{
	struct slot *least = &thumbs->slots[0];

	for (size_t i = 1; i < HF_THUMB_SLOTS; i++)
		if (thumbs->slots[i].used < least->used)
			least = &thumbs->slots[i];
	return least;
}

/* Where a length around a middle begins, moved so that it lies within 0..max. */
static uint32_t place(double middle, double length, uint32_t max)
{
	return (uint32_t)fmax(0, fmin(floor(middle - length / 2), max - ceil(length)));
}

/* The person with some of the place around: a 4:3 picture, so that a list of them lines up. An
 * empty crop when the box lies outside the picture. */
static struct crop crop_of(struct hf_box box, uint32_t width, uint32_t height)
{
	struct crop crop = { 0 };
	double crop_width = box.width * (1 + 2 * margin);
	double crop_height = box.height * (1 + 2 * margin);

	if (box.x >= width || box.y >= height || box.x + box.width <= 0 || box.y + box.height <= 0)
		return crop;
	crop_width = fmin(fmax(crop_width, crop_height * 4 / 3), width);
	crop_height = fmin(fmax(crop_height, crop_width * 3 / 4), height);
	crop.x = place(box.x + box.width / 2, crop_width, width);
	crop.y = place(box.y + box.height / 2, crop_height, height);
	crop.width = (uint32_t)fmin(ceil(crop_width), width - crop.x);
	crop.height = (uint32_t)fmin(ceil(crop_height), height - crop.y);
	return crop;
}

static double worth_of(struct hf_box box, uint32_t width, uint32_t height, double score)
{
	bool whole = box.x >= 1 && box.y >= 1 && box.x + box.width <= width - 1 &&
		     box.y + box.height <= height - 1;

	return score * sqrt(box.height) * (whole ? 1 : cut_off_worth);
}

/* Shrink by averaging, or copy when it fits. */
static void fill(struct slot *slot, const uint8_t *pixels, uint32_t tile_width, struct crop crop)
{
	uint32_t longer = crop.width > crop.height ? crop.width : crop.height;
	uint32_t side = longer < HF_THUMB_SIDE_MAX ? longer : HF_THUMB_SIDE_MAX;
	uint8_t *out = slot->pixels;

	slot->width = crop.width * side / longer > 0 ? crop.width * side / longer : 1;
	slot->height = crop.height * side / longer > 0 ? crop.height * side / longer : 1;
	if (longer == side) {
		for (uint32_t y = 0; y < crop.height; y++)
			memcpy(out + (size_t)y * crop.width * 3,
			       pixels + ((size_t)(crop.y + y) * tile_width + crop.x) * 3,
			       (size_t)crop.width * 3);
		return;
	}
	for (uint32_t y = 0; y < slot->height; y++) {
		uint32_t top = y * crop.height / slot->height;
		uint32_t bottom = (y + 1) * crop.height / slot->height;

		for (uint32_t x = 0; x < slot->width; x++) {
			uint32_t left = x * crop.width / slot->width;
			uint32_t right = (x + 1) * crop.width / slot->width;
			uint32_t sum[3] = { 0 }, count = (bottom - top) * (right - left);

			for (uint32_t v = top; v < bottom; v++)
				for (uint32_t u = left; u < right; u++) {
					const uint8_t *p =
						pixels +
						((size_t)(crop.y + v) * tile_width + crop.x + u) *
							3;

					sum[0] += p[0];
					sum[1] += p[1];
					sum[2] += p[2];
				}
			for (int c = 0; c < 3; c++)
				*out++ = (uint8_t)(sum[c] / count);
		}
	}
}

enum hf_code hf_thumbs_new(struct hf_thumbs **ret_thumbs, struct hf_err *err)
{
	if (sodium_init() < 0)
		return hf_fail(err, HF_E_IO, "libsodium cannot start: no source of chance");
	struct hf_thumbs *thumbs = calloc(1, sizeof *thumbs);
	if (thumbs == NULL)
		return hf_fail(err, HF_E_NOMEM, "thumbnails: out of memory");
	thumbs->encoder = tjInitCompress();
	thumbs->jpeg = tjAlloc((int)tjBufSize(HF_THUMB_SIDE_MAX, HF_THUMB_SIDE_MAX, TJSAMP_420));
	if (thumbs->encoder == NULL || thumbs->jpeg == NULL) {
		hf_thumbs_free(thumbs);
		return hf_fail(err, HF_E_NOMEM, "thumbnails: no JPEG encoder");
	}
	*ret_thumbs = thumbs;
	return HF_OK;
}

void hf_thumbs_free(struct hf_thumbs *thumbs)
{
	if (thumbs == NULL)
		return;
	if (thumbs->encoder != NULL)
		(void)tjDestroy(thumbs->encoder);
	tjFree(thumbs->jpeg);
	free(thumbs);
}

void hf_thumbs_see(struct hf_thumbs *thumbs, uint32_t camera, uint64_t track, const uint8_t *pixels,
		   uint32_t width, uint32_t height, struct hf_box box, double score)
{
	struct crop crop = crop_of(box, width, height);
	double worth = worth_of(box, width, height, score);
	struct slot *slot = find(thumbs, camera, track);

	if (crop.width == 0 || crop.height == 0)
		return;
	if (slot == NULL) {
		slot = least_used(thumbs);
		slot->worth = 0;
	}
	slot->used = ++thumbs->uses;
	if (slot->track == track && slot->camera == camera && worth <= slot->worth)
		return;
	slot->camera = camera;
	slot->track = track;
	slot->worth = worth;
	fill(slot, pixels, width, crop);
}

enum hf_code hf_thumbs_write(struct hf_thumbs *thumbs, uint32_t camera, uint64_t track,
			     const char *folder, char ret_path[HF_THUMB_PATH_BYTES],
			     struct hf_err *err)
{
	const struct slot *slot = find(thumbs, camera, track);
	unsigned long size_bytes = tjBufSize(HF_THUMB_SIDE_MAX, HF_THUMB_SIDE_MAX, TJSAMP_420);
	uint8_t hash[crypto_hash_sha256_BYTES];
	char name[2 * sizeof hash + 1], path[HF_THUMB_PATH_BYTES];

	if (slot == NULL)
		return hf_fail(err, HF_E_NOENT,
			       "no picture: the frames were overwritten before they could be read");
	if (tjCompress2(thumbs->encoder, slot->pixels, (int)slot->width, 0, (int)slot->height,
			TJPF_BGR, &thumbs->jpeg, &size_bytes, TJSAMP_420, JPEG_QUALITY,
			TJFLAG_NOREALLOC) != 0)
		return hf_fail(err, HF_E_INVALID, "JPEG: %s", tjGetErrorStr2(thumbs->encoder));
	(void)crypto_hash_sha256(hash, thumbs->jpeg, size_bytes);
	hf_hex(hash, sizeof hash, name);
	if ((size_t)snprintf(path, sizeof path, "%s/%s.jpg", folder, name) >= sizeof path)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", folder);

	enum hf_code code = hf_file_replace(path, thumbs->jpeg, size_bytes, FILE_MODE, err);
	if (code == HF_E_NOENT) {
		code = hf_folder_make(folder, FOLDER_MODE, err);
		if (code == HF_OK)
			code = hf_file_replace(path, thumbs->jpeg, size_bytes, FILE_MODE, err);
	}
	if (code != HF_OK) {
		char beside[HF_THUMB_PATH_BYTES + 4];

		(void)snprintf(beside, sizeof beside, "%s.new", path);
		(void)unlink(beside);
		return code;
	}
	memcpy(ret_path, path, sizeof path);
	return HF_OK;
}
