/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fast_commit - what ext4 with fast_commit keeps of a file that was flushed, without keeper.
 *
 * Why         Cuts under keeper on such a file system lost events now and then: in the middle of
 *             a day, with whole files, in both ways of committing. It was not keeper. Fast
 *             commits stand in the last blocks of the journal. The replay of Linux (6.18 at
 *             least) and of e2fsck (1.47.0 at least) goes on until a block is none of them,
 *             and does not stop at the journal's end: when the power goes while the area is
 *             exactly full, the block behind the end is asked for, "corrupted journal
 *             superblock" is the answer, and the file system cannot be mounted. e2fsck then
 *             drops the journal, with all in it that stands nowhere else yet.
 *
 * Method      One file, so many appends of a block with an fdatasync each, the file system is
 *             shut down and mounted again. For 1, 2, 3, ... appends, on ext4 as mkfs makes it,
 *             and with fast_commit.
 *
 * Judged      Where the file system is mounted again, all that was flushed is there. Only with
 *             fast_commit may it not be mounted, and not before its area can be full; what
 *             e2fsck leaves then is shown, not judged. hf_data_open() warns of the one and
 *             not of the other. A kernel that has this mended passes, and the last line says so.
 *
 * Usage       fast_commit APPENDS_MAX
 *             exit 0 good, 1 not, 77 cannot be run here
 */
#include "mounted.h"

#include "base/auto.h"
#include "boot/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK_BYTES = 4096,
	TMPFS_BYTES = 256 << 20,
};

struct end {
	bool refused;     /* it was not mounted again */
	unsigned checked; /* how many blocks are there after e2fsck */
	unsigned found;   /* ... after a mount */
	char why[160];
};

static void fill(unsigned n, char ret_block[BLOCK_BYTES])
{
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		ret_block[i] = (char)(n + i);
}

static enum hf_code append(const struct mounted *fs, unsigned appends, struct hf_err *err)
{
	char path[192], block[BLOCK_BYTES];

	(void)snprintf(path, sizeof path, "%s/file", fs->path);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	HF_AUTO_FD folder = open(fs->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0 || fsync(folder) != 0)
		return hf_fail_errno(err, "make %s", path);
	for (unsigned n = 0; n < appends; n++) {
		fill(n, block);
		if (pwrite(fd, block, sizeof block, (off_t)n * BLOCK_BYTES) != sizeof block ||
		    fdatasync(fd) != 0)
			return hf_fail_errno(err, "append to %s", path);
	}
	/* While it is open: nothing of it is written at a close. */
	return mounted_cut(fs, false, err);
}

/* Blocks of the file that are as they were written. */
static unsigned count(const struct mounted *fs)
{
	char path[192], block[BLOCK_BYTES], expected[BLOCK_BYTES];
	unsigned n = 0;

	(void)snprintf(path, sizeof path, "%s/file", fs->path);
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	for (; fd >= 0; n++) {
		fill(n, expected);
		if (pread(fd, block, sizeof block, (off_t)n * BLOCK_BYTES) != sizeof block ||
		    memcmp(block, expected, sizeof block) != 0)
			break;
	}
	return n;
}

static enum hf_code try_one(enum mounted_kind kind, const char *folder, unsigned appends,
			    struct end *ret_end, struct hf_err *err)
{
	struct mounted fs;
	struct hf_err why;
	int status;

	*ret_end = (struct end){ 0 };
	enum hf_code code = mounted_make(kind, folder, 0, &fs, err);
	if (code == HF_OK)
		code = mounted_attach(&fs, err);
	if (code == HF_OK)
		code = append(&fs, appends, err);
	if (code == HF_OK)
		code = mounted_detach(&fs, err);
	if (code != HF_OK)
		return code;
	if (mounted_attach(&fs, &why) != HF_OK) {
		const char *const check[] = { "e2fsck", "-f", "-y", fs.image, NULL };

		ret_end->refused = true;
		(void)snprintf(ret_end->why, sizeof ret_end->why, "%.*s",
			       (int)sizeof ret_end->why - 1, strrchr(why.text, ':'));
		code = mounted_run(check, NULL, &status, err);
		if (code == HF_OK)
			code = mounted_attach(&fs, err);
	}
	if (code != HF_OK)
		return code;
	*(ret_end->refused ? &ret_end->checked : &ret_end->found) = count(&fs);
	return mounted_detach(&fs, err);
}

/* 0 good, 1 not, 77 not here. */
static int try_kind(enum mounted_kind kind, const char *folder, unsigned appends_max)
{
	bool fast = kind != MOUNTED_EXT4;
	unsigned refused = 0, bad = 0;
	struct hf_err err = { 0 };
	struct end end;

	for (unsigned appends = 1; appends <= appends_max; appends++) {
		enum hf_code code = try_one(kind, folder, appends, &end, &err);

		if (code != HF_OK) {
			printf("  %s: %s\n", mounted_name(kind), err.text);
			return code == HF_E_NOENT || code == HF_E_DENIED ? 77 : 1;
		}
		bool good = end.refused ? fast && appends >= MOUNTED_FAST_COMMITS
					: end.found == appends;
		refused += end.refused;
		bad += !good;
		if (end.refused)
			printf("  %s, %u blocks flushed: not mounted%s; e2fsck leaves %u%s\n",
			       mounted_name(kind), appends, end.why, end.checked,
			       good ? "" : "  BAD");
		else if (!good)
			printf("  %s, %u blocks flushed: %u there  BAD\n", mounted_name(kind),
			       appends, end.found);
	}
	printf("  %s: 1 to %u blocks flushed, %s\n", mounted_name(kind), appends_max,
	       bad > 0       ? "some are gone"
	       : refused > 0 ? "a journal that is full to its end is not replayed by this kernel"
			     : "all there each time");
	return bad > 0;
}

/* What a unit is told of the file system it shall store its events on. */
static int try_warning(enum mounted_kind kind, const char *folder, bool wanted)
{
	struct hf_data data = { .lock_fd = -1 };
	struct hf_err err = { 0 };
	struct mounted fs;
	char path[192];
	bool warned = false;

	enum hf_code code = mounted_make(kind, folder, 0, &fs, &err);
	if (code == HF_OK)
		code = mounted_attach(&fs, &err);
	(void)snprintf(path, sizeof path, "%s/data", fs.path);
	if (code == HF_OK)
		code = hf_data_open(path, &data, &err);
	if (code == HF_OK)
		warned = data.medium_warning != NULL;
	hf_data_close(&data);
	if (code == HF_OK)
		code = mounted_detach(&fs, &err);
	if (code != HF_OK) {
		printf("  %s: %s\n", mounted_name(kind), err.text);
		return 1;
	}
	printf("  %s: %s%s\n", mounted_name(kind), warned ? data.medium_warning : "no warning",
	       warned == wanted ? "" : "  BAD");
	return warned != wanted;
}

int main(int argc, char **argv)
{
	struct hf_err err = { 0 };
	char folder[128];

	if (argc < 2)
		return 2;
	unsigned appends_max = (unsigned)strtoul(argv[1], NULL, 10);
	if (mounted_enter(TMPFS_BYTES, folder, &err) != HF_OK) {
		printf("skipped: power cuts need mounts: %s\n", err.text);
		return 77;
	}
	int how = try_kind(MOUNTED_EXT4, folder, appends_max);
	if (how == 0)
		how = try_kind(MOUNTED_EXT4_FAST_COMMIT_SMALL, folder, appends_max);
	if (how == 0)
		how = try_warning(MOUNTED_EXT4, folder, false) +
		      try_warning(MOUNTED_EXT4_FAST_COMMIT, folder, true);
	mounted_leave(folder);
	return how;
}
