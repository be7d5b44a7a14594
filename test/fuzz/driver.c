/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver - plays a corpus back without libFuzzer: each file whole, and cut at 64 places.
 *
 * Usage    TARGET FOLDER...; the file that is being played is named before it can do harm, so
 *          that the last line of a crash's log is the one that says how to have it again.
 */
#include "fuzz.h"

#include "base/file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

enum {
	FILE_BYTES_MAX = 1 << 20,
	CUTS = 64,
};

/* In memory of its own for each length: a byte too far is seen by ASan. */
static void play(const char *data, size_t size_bytes)
{
	uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);

	FUZZ_MUST(copy != NULL);
	memcpy(copy, data, size_bytes);
	(void)LLVMFuzzerTestOneInput(copy, size_bytes);
	free(copy);
}

static bool play_file(const char *path)
{
	HF_AUTO_FREE char *data = NULL;
	size_t size_bytes = 0;
	struct hf_err err;

	(void)fprintf(stderr, "%s\n", path);
	if (hf_file_read(path, FILE_BYTES_MAX, &data, &size_bytes, &err) != HF_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return false;
	}
	play(data, size_bytes);
	for (size_t i = 1; i < CUTS; i++) {
		size_t cut = size_bytes * i / CUTS;

		if (cut != size_bytes * (i - 1) / CUTS)
			play(data, cut);
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned played = 0;

	play("", 0);
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		if (folder == NULL && !play_file(argv[i]))
			return 1;
		for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
			char path[PATH_MAX];

			if (entry->d_name[0] == '.')
				continue;
			(void)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
			if (!play_file(path))
				return 1;
			played++;
		}
		if (folder != NULL)
			(void)closedir(folder);
	}
	(void)fprintf(stderr, "%u files\n", played);
	return argc > 1 && played == 0 ? 1 : 0;
}
