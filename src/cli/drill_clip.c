/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clip to look at: a recorder's screen with dark seams, each camera another picture, with the
 * noise a sensor has, and nobody on it. Motion JPEG in an AVI file, written by hand: a drill must
 * not need a tool that makes clips.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

enum {
	WIDTH = 640, /* half of each is a multiple of a JPEG's blocks: what one tile shows leaves no */
	HEIGHT = 352, /* trace in another */
	QUALITY = 85,
	SEAM = 2,  /* to each side */
	NOISE = 6, /* levels, peak */
	CHUNK_BYTES = 8,
	FRAMES_MAX = 2000,
	ROUND = 10,                       /* pictures that differ; then they come again */
	SICK = 1,                         /* the tile that something happens to, from 0 */
	HEADER_BYTES = 12 + 8 + 192 + 12, /* RIFF, LIST hdrl with avih and strl, LIST movi */
};

struct clip {
	FILE *file;
	uint32_t frames;
	uint32_t sizes[FRAMES_MAX]; /* of the JPEGs */
};

static void put32(FILE *file, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		(void)fputc((int)(value >> (8 * i) & 0xff), file);
}

static void put16(FILE *file, uint16_t value)
{
	(void)fputc(value & 0xff, file);
	(void)fputc(value >> 8, file);
}

static void put_tag(FILE *file, const char *tag)
{
	(void)fwrite(tag, 1, 4, file);
}

static uint32_t padded(uint32_t size)
{
	return size + (size & 1);
}

static uint32_t movi_bytes(const struct clip *clip)
{
	uint32_t bytes = 4;

	for (uint32_t i = 0; i < clip->frames; i++)
		bytes += CHUNK_BYTES + padded(clip->sizes[i]);
	return bytes;
}

static void put_header(const struct clip *clip)
{
	FILE *file = clip->file;
	uint32_t movi = movi_bytes(clip);

	put_tag(file, "RIFF");
	put32(file, HEADER_BYTES - 8 + (movi - 4) + CHUNK_BYTES + clip->frames * 16);
	put_tag(file, "AVI ");
	put_tag(file, "LIST");
	put32(file, 192);
	put_tag(file, "hdrl");
	put_tag(file, "avih");
	put32(file, 56);
	put32(file, 1000000 / DRILL_CLIP_FPS);
	put32(file, 0);
	put32(file, 0);
	put32(file, 0x10); /* has an index */
	put32(file, clip->frames);
	put32(file, 0);
	put32(file, 1);
	put32(file, 0);
	put32(file, WIDTH);
	put32(file, HEIGHT);
	for (int i = 0; i < 4; i++)
		put32(file, 0);
	put_tag(file, "LIST");
	put32(file, 4 + 64 + 48);
	put_tag(file, "strl");
	put_tag(file, "strh");
	put32(file, 56);
	put_tag(file, "vids");
	put_tag(file, "MJPG");
	put32(file, 0);
	put32(file, 0);
	put32(file, 0);
	put32(file, 1);
	put32(file, DRILL_CLIP_FPS);
	put32(file, 0);
	put32(file, clip->frames);
	put32(file, 0);
	put32(file, UINT32_MAX);
	put32(file, 0);
	put16(file, 0);
	put16(file, 0);
	put16(file, WIDTH);
	put16(file, HEIGHT);
	put_tag(file, "strf");
	put32(file, 40);
	put32(file, 40);
	put32(file, WIDTH);
	put32(file, HEIGHT);
	put16(file, 1);
	put16(file, 24);
	put_tag(file, "MJPG");
	put32(file, WIDTH * HEIGHT * 3);
	for (int i = 0; i < 4; i++)
		put32(file, 0);
	put_tag(file, "LIST");
	put32(file, movi);
	put_tag(file, "movi");
}

static void put_index(const struct clip *clip)
{
	uint32_t offset = 4;

	put_tag(clip->file, "idx1");
	put32(clip->file, clip->frames * 16);
	for (uint32_t i = 0; i < clip->frames; i++) {
		put_tag(clip->file, "00dc");
		put32(clip->file, 0x10); /* a key frame */
		put32(clip->file, offset);
		put32(clip->file, clip->sizes[i]);
		offset += CHUNK_BYTES + padded(clip->sizes[i]);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What a camera sees: a yard with things in it, another for each camera. */
static int scene(uint32_t tile, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	int level = 60 + (int)(70 * y / height) + (int)(10 * tile);

	if (x > width / 5 && x < width / 5 + width / 6 && y > height / 4 && y < height * 3 / 4)
		level += 55; /* a wall */
	if ((x * (3 + tile) + y * 2) / 40 % 2 == 0)
		level -= 14; /* paving */
	if (x > width * 3 / 5 && y > height / 2 && (x - width * 3 / 5) < width / 4)
		level -= 35; /* a hedge */
	return level;
}

/* What a recorder shows for a camera that is away. */
static const uint8_t blue[3] = { 90, 26, 10 };

/* What moves: a bright cart that goes to and fro on the ground. */
static bool is_cart(uint32_t picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	uint32_t step = picture < ROUND / 2 ? picture : ROUND - 1 - picture;
	uint32_t left = width / 8 + step * width / 8;

	return x >= left && x < left + width / 6 && y > height / 2 && y < height * 7 / 8;
}

static void paint(uint8_t *bgr, uint32_t side, enum drill_scene sick, uint32_t picture,
		  uint32_t *seed)
{
	const uint32_t width = WIDTH / side, height = HEIGHT / side;

	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint32_t in_x = x % width, in_y = y % height;
			uint32_t tile = y / height * side + x / width;
			bool seam = side > 1 && (in_x < SEAM || in_x >= width - SEAM ||
						 in_y < SEAM || in_y >= height - SEAM);
			int noise = (int)(next_random(seed) % (2 * NOISE + 1)) - NOISE;
			enum drill_scene what = tile == SICK ? sick : DRILL_SCENE_CALM;
			int level = scene(tile, in_x, in_y, width, height) +
				    (what == DRILL_SCENE_FROZEN ? 0 : noise);
			uint8_t *pixel = bgr + 3 * ((size_t)y * WIDTH + x);

			if (sick == DRILL_SCENE_BUSY && is_cart(picture, in_x, in_y, width, height))
				level = 215 + noise;
			if (seam)
				memset(pixel, 2, 3);
			else if (what == DRILL_SCENE_SILENT)
				memcpy(pixel, blue, 3);
			else
				memcpy(pixel,
				       (uint8_t[]){ (uint8_t)(level - 8), (uint8_t)level,
						    (uint8_t)(level + 6) },
				       3);
		}
	}
}

struct picture {
	unsigned char *jpeg;
	unsigned long size;
};

static enum hf_code make_pictures(uint32_t side, enum drill_scene sick,
				  struct picture *ret_pictures, struct hf_err *err)
{
	HF_AUTO_FREE uint8_t *bgr = malloc((size_t)WIDTH * HEIGHT * 3);
	tjhandle encoder = tjInitCompress();
	uint32_t seed = 88172645;
	bool ok = bgr != NULL && encoder != NULL;

	for (uint32_t i = 0; i < ROUND && ok; i++) {
		paint(bgr, side, sick, i, &seed);
		ok = tjCompress2(encoder, bgr, WIDTH, 0, HEIGHT, TJPF_BGR, &ret_pictures[i].jpeg,
				 &ret_pictures[i].size, TJSAMP_422, QUALITY, 0) == 0;
	}
	if (encoder != NULL)
		(void)tjDestroy(encoder);
	return ok ? HF_OK : hf_fail(err, HF_E_NOMEM, "make a clip: out of memory");
}

static void put_picture(struct clip *clip, const struct picture *picture)
{
	clip->sizes[clip->frames++] = (uint32_t)picture->size;
	put_tag(clip->file, "00dc");
	put32(clip->file, (uint32_t)picture->size);
	(void)fwrite(picture->jpeg, 1, picture->size, clip->file);
	if ((picture->size & 1) != 0)
		(void)fputc(0, clip->file);
}

static enum hf_code put_frames(struct clip *clip, const struct drill_clip *what, struct hf_err *err)
{
	struct picture good[ROUND] = { 0 }, sick[ROUND] = { 0 };
	uint32_t frames = what->before + what->during + what->after;
	enum hf_code code = make_pictures(what->side, DRILL_SCENE_CALM, good, err);

	if (code == HF_OK)
		code = make_pictures(what->side, what->scene, sick, err);
	for (uint32_t i = 0; i < frames && i < FRAMES_MAX && code == HF_OK; i++) {
		bool is_sick = i >= what->before && i < what->before + what->during;

		put_picture(clip, (is_sick ? sick : good) + i % ROUND);
	}
	for (uint32_t i = 0; i < ROUND; i++) {
		tjFree(good[i].jpeg);
		tjFree(sick[i].jpeg);
	}
	return code;
}

enum hf_code drill_make_clip(const char *path, const struct drill_clip *what, struct hf_err *err)
{
	struct clip clip = { .file = fopen(path, "we") };

	if (clip.file == NULL)
		return hf_fail_errno(err, "create %s", path);
	/* Sizes are known afterwards: the header is written twice. */
	put_header(&clip);
	enum hf_code code = put_frames(&clip, what, err);
	put_index(&clip);
	rewind(clip.file);
	put_header(&clip);
	bool failed = ferror(clip.file) != 0;
	failed = fclose(clip.file) != 0 || failed;
	if (code == HF_OK && failed)
		return hf_fail(err, HF_E_IO, "write %s", path);
	return code;
}
