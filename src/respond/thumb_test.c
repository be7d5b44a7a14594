/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/thumb.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <turbojpeg.h>

enum {
	WIDTH = 480,
	HEIGHT = 270,
};

static uint8_t pixels[WIDTH * HEIGHT * 3];
static char folder[] = "/tmp/holdfast-thumb-XXXXXX";

static struct hf_thumbs *thumbs_new(void)
{
	struct hf_thumbs *thumbs = NULL;
	struct hf_err err = { 0 };

	CHECK_OK(hf_thumbs_new(&thumbs, &err));
	return thumbs;
}

/* Grey everywhere, one colour in the box. */
static struct hf_box paint(struct hf_box box, uint8_t level)
{
	memset(pixels, 90, sizeof pixels);
	for (int y = (int)box.y; y < (int)(box.y + box.height); y++)
		for (int x = (int)box.x; x < (int)(box.x + box.width); x++)
			if (x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT)
				memset(pixels + (y * WIDTH + x) * 3, level, 3);
	return box;
}

static unsigned entries(const char *path)
{
	unsigned count = 0;
	DIR *dir = opendir(path);

	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

/* Size and middle pixel of a file that is named by its own hash. */
static void read_back(const char *path, int *ret_width, int *ret_height, uint8_t *ret_middle)
{
	HF_AUTO_FREE char *data = NULL;
	size_t size_bytes = 0;
	struct hf_err err = { 0 };
	uint8_t hash[crypto_hash_sha256_BYTES];
	char name[2 * sizeof hash + 1];
	static uint8_t decoded[HF_THUMB_SIDE_MAX * HF_THUMB_SIDE_MAX * 3];

	CHECK_OK(hf_file_read(path, 1 << 20, &data, &size_bytes, &err));
	(void)crypto_hash_sha256(hash, (const uint8_t *)data, size_bytes);
	hf_hex(hash, sizeof hash, name);
	assert_non_null(strstr(path, name));
	CHECK_TEXT(strrchr(path, '.'), ".jpg");
	tjhandle decoder = tjInitDecompress();
	int sampling;
	CHECK(tjDecompressHeader2(decoder, (unsigned char *)data, size_bytes, ret_width, ret_height,
				  &sampling) == 0);
	CHECK(tjDecompress2(decoder, (unsigned char *)data, size_bytes, decoded, *ret_width, 0,
			    *ret_height, TJPF_BGR, 0) == 0);
	*ret_middle = decoded[(*ret_height / 2 * *ret_width + *ret_width / 2) * 3];
	(void)tjDestroy(decoder);
}

TEST(a_crop_is_a_file_named_by_its_hash)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES];
	int width, height;
	uint8_t middle;
	struct hf_box box = paint((struct hf_box){ 100, 100, 20, 50 }, 220);

	hf_thumbs_see(thumbs, 3, 7, pixels, WIDTH, HEIGHT, box, 0.8);
	CHECK_OK(hf_thumbs_write(thumbs, 3, 7, folder, path, &err));
	read_back(path, &width, &height, &middle);
	CHECK_I64(width, ==, 107); /* 4:3 */
	CHECK_I64(height, ==, 80);
	CHECK_I64(middle, >, 210);
	CHECK_U64(entries(folder), ==, 1);
	hf_thumbs_free(thumbs);
}

TEST(the_best_crop_is_kept_not_the_last)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES];
	int width, height;
	uint8_t middle;

	struct hf_box good = paint((struct hf_box){ 100, 100, 20, 50 }, 220);
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, good, 0.8);
	struct hf_box weak = paint((struct hf_box){ 100, 100, 20, 50 }, 40);
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, weak, 0.5);
	struct hf_box cut_off = paint((struct hf_box){ -5, 100, 22, 55 }, 50);
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, cut_off, 0.85);
	CHECK_OK(hf_thumbs_write(thumbs, 0, 1, folder, path, &err));
	read_back(path, &width, &height, &middle);
	CHECK_I64(middle, >, 210);

	struct hf_box better = paint((struct hf_box){ 100, 100, 20, 50 }, 10);
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, better, 0.9);
	CHECK_OK(hf_thumbs_write(thumbs, 0, 1, folder, path, &err));
	read_back(path, &width, &height, &middle);
	CHECK_I64(middle, <, 20);
	hf_thumbs_free(thumbs);
}

TEST(a_large_crop_is_shrunk_with_its_shape_kept)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES];
	int width, height;
	uint8_t middle;
	struct hf_box box = paint((struct hf_box){ 90, 20, 300, 220 }, 200);

	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, box, 0.8);
	CHECK_OK(hf_thumbs_write(thumbs, 0, 1, folder, path, &err));
	read_back(path, &width, &height, &middle);
	CHECK_I64(width, ==, HF_THUMB_SIDE_MAX);
	CHECK_I64(height, ==, 270 * 256 / 480);
	CHECK_I64(middle, >, 190);
	hf_thumbs_free(thumbs);
}

TEST(a_crop_at_the_edge_is_moved_inside_and_stays_four_to_three)
{
	static const struct hf_box boxes[] = { { 0, 0, 24, 60 },
					       { WIDTH - 24, HEIGHT - 60, 24, 60 },
					       { 228, -10, 24, 60 } };

	for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
		struct hf_thumbs *thumbs = thumbs_new();
		struct hf_err err = { 0 };
		char path[HF_THUMB_PATH_BYTES];
		int width, height;
		uint8_t middle;

		hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, boxes[i], 0.8);
		CHECK_OK(hf_thumbs_write(thumbs, 0, 1, folder, path, &err));
		read_back(path, &width, &height, &middle);
		CHECK_I64(height, ==, 96);
		CHECK_I64(width, ==, 128);
		hf_thumbs_free(thumbs);
	}
}

TEST(a_box_outside_the_picture_gives_no_crop)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES];

	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, (struct hf_box){ 900, 10, 20, 40 }, 0.9);
	CHECK_CODE(hf_thumbs_write(thumbs, 0, 1, folder, path, &err), HF_E_NOENT);
	hf_thumbs_free(thumbs);
}

TEST(the_crop_least_used_gives_way)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES];
	struct hf_box box = paint((struct hf_box){ 100, 100, 20, 50 }, 220);

	for (uint64_t track = 1; track <= HF_THUMB_SLOTS; track++)
		hf_thumbs_see(thumbs, 0, track, pixels, WIDTH, HEIGHT, box, 0.8);
	/* Not a better one, but still somebody who is seen. */
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, box, 0.4);
	hf_thumbs_see(thumbs, 1, 1, pixels, WIDTH, HEIGHT, box, 0.8);
	CHECK_OK(hf_thumbs_write(thumbs, 0, 1, folder, path, &err));
	CHECK_OK(hf_thumbs_write(thumbs, 1, 1, folder, path, &err));
	CHECK_CODE(hf_thumbs_write(thumbs, 0, 2, folder, path, &err), HF_E_NOENT);
	hf_thumbs_free(thumbs);
}

TEST(a_missing_folder_is_made)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES], below[128];
	struct hf_box box = paint((struct hf_box){ 100, 100, 20, 50 }, 220);

	(void)snprintf(below, sizeof below, "%s/data/thumbs", folder);
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, box, 0.8);
	CHECK_OK(hf_thumbs_write(thumbs, 0, 1, below, path, &err));
	CHECK_U64(entries(below), ==, 1);
	hf_thumbs_free(thumbs);
}

TEST(a_disk_that_takes_no_more_is_an_error_with_a_reason_and_no_rubbish)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES], full[128];
	struct rlimit before, small = { 0 };
	struct hf_box box = paint((struct hf_box){ 100, 100, 20, 50 }, 220);

	(void)snprintf(full, sizeof full, "%s/full", folder);
	CHECK_OK(hf_folder_make(full, 0750, &err));
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, box, 0.8);
	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small.rlim_max = before.rlim_max;
	small.rlim_cur = 100;
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	enum hf_code code = hf_thumbs_write(thumbs, 0, 1, full, path, &err);
	CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
	CHECK(code != HF_OK);
	CHECK(strlen(err.text) > 0);
	CHECK_U64(entries(full), ==, 0);
	/* And when there is room again, it works again. */
	CHECK_OK(hf_thumbs_write(thumbs, 0, 1, full, path, &err));
	hf_thumbs_free(thumbs);
}

TEST(a_file_in_place_of_the_folder_is_an_error)
{
	struct hf_thumbs *thumbs = thumbs_new();
	struct hf_err err = { 0 };
	char path[HF_THUMB_PATH_BYTES], blocked[128];
	struct hf_box box = paint((struct hf_box){ 100, 100, 20, 50 }, 220);

	(void)snprintf(blocked, sizeof blocked, "%s/blocked", folder);
	CHECK_OK(hf_file_replace(blocked, "x", 1, 0600, &err));
	hf_thumbs_see(thumbs, 0, 1, pixels, WIDTH, HEIGHT, box, 0.8);
	CHECK(hf_thumbs_write(thumbs, 0, 1, blocked, path, &err) != HF_OK);
	assert_non_null(strstr(err.text, "blocked"));
	hf_thumbs_free(thumbs);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_crop_is_a_file_named_by_its_hash),
		RUN(the_best_crop_is_kept_not_the_last),
		RUN(a_large_crop_is_shrunk_with_its_shape_kept),
		RUN(a_crop_at_the_edge_is_moved_inside_and_stays_four_to_three),
		RUN(a_box_outside_the_picture_gives_no_crop),
		RUN(the_crop_least_used_gives_way),
		RUN(a_missing_folder_is_made),
		RUN(a_disk_that_takes_no_more_is_an_error_with_a_reason_and_no_rubbish),
		RUN(a_file_in_place_of_the_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
