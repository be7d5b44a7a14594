/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/data.h"

#include "base/auto.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>

enum {
	LOCK_WAIT_MS = 1000,
	LOCK_PAUSE_MS = 20,
};

#define XFS_MAGIC  0x58465342
#define FUSE_MAGIC 0x65735546
#define VFAT_MAGIC MSDOS_SUPER_MAGIC
#define CIFS_MAGIC 0xff534d42

static const struct file_system {
	unsigned long magic;
	const char *name;
	const char *warning;
} file_systems[] = {
	{ EXT4_SUPER_MAGIC, "ext4", NULL },
	{ XFS_MAGIC, "xfs", NULL },
	{ BTRFS_SUPER_MAGIC, "btrfs", NULL },
	{ F2FS_SUPER_MAGIC, "f2fs", NULL },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs",
	  "a container's own layer: it goes with the container; mount a volume" },
	{ TMPFS_MAGIC, "tmpfs", "memory: nothing stored here survives a power cut" },
	{ RAMFS_MAGIC, "ramfs", "memory: nothing stored here survives a power cut" },
	{ NFS_SUPER_MAGIC, "nfs", "on the network: events would wait for the link" },
	{ CIFS_MAGIC, "cifs", "on the network: events would wait for the link" },
	{ VFAT_MAGIC, "vfat", "without a journal: a power cut may damage the whole folder" },
	{ FUSE_MAGIC, "fuse", "in user space: what a flush is worth there is not known" },
};

/* The path of what the kernel tells of an ext4 is named for its device. */
static bool read_fast_commits(const char *path, char *ret_text, size_t size)
{
	char link[64], target[PATH_MAX], file[PATH_MAX];
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	(void)snprintf(link, sizeof link, "/sys/dev/block/%u:%u", major(st.st_dev),
		       minor(st.st_dev));
	ssize_t length = readlink(link, target, sizeof target - 1);
	target[length > 0 ? length : 0] = '\0';
	const char *device = strrchr(target, '/');
	if (device == NULL ||
	    (size_t)snprintf(file, sizeof file, "/proc/fs/ext4%s/fc_info", device) >= sizeof file)
		return false;
	HF_AUTO_FD fd = open(file, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, ret_text, size - 1);
	ret_text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Only where the feature is on are fast commits tried, and counted as done or as not eligible. That
 * it is on is told nowhere else without reading the device. */
bool hf_data_fast_commits(const char *fc_info)
{
	unsigned long commits, ineligible;

	return sscanf(fc_info, "fc stats: %20lu commits %20lu ineligible", &commits, &ineligible) ==
		       2 &&
	       commits + ineligible > 0;
}

/* What is wrong, in the words of who has to mend it. */
static enum hf_code explain(const char *path, struct hf_err *err)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return hf_fail(
			err, HF_E_DENIED,
			"data folder %s: no permission to write as user %u; change its owner, "
			"or choose another folder with --data",
			path, (unsigned)geteuid());
	case EROFS:
		return hf_fail(
			err, HF_E_DENIED,
			"data folder %s: the file system is mounted read-only; if it was not "
			"meant to be, the kernel's log says what went wrong with the disk",
			path);
	default:
		return hf_fail_errno(err, "data folder %s", path);
	}
}

/* A supervisor that was killed in the moment it started a worker has left the lock with a child
 * that is about to lose it: not yet a second supervisor. */
static bool lock_soon(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };

	for (int waited_ms = 0;; waited_ms += LOCK_PAUSE_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK || waited_ms >= LOCK_WAIT_MS)
			return false;
		(void)nanosleep(&pause, NULL);
	}
}

static enum hf_code take_lock(const char *folder, struct hf_data *data, struct hf_err *err)
{
	char path[PATH_MAX], holder[24] = "";

	(void)snprintf(path, sizeof path, "%s/.lock", folder);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 && errno == ENOSPC) {
		/* Without a free inode there is no file to lock; the folder itself will do. */
		data->full = true;
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return explain(folder, err);
	if (!lock_soon(fd)) {
		if (errno != EWOULDBLOCK)
			return hf_fail_errno(err, "lock %s", path);
		ssize_t length = pread(fd, holder, sizeof holder - 1, 0);
		holder[length > 0 ? length : 0] = '\0';
		holder[strspn(holder, "0123456789")] = '\0';
		return hf_fail(
			err, HF_E_AGAIN,
			"data folder %s is in use by another holdfastd%s%s; stop that one, or "
			"give this one a folder of its own with --data",
			folder, holder[0] != '\0' ? ", process " : "", holder);
	}
	data->lock_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

/* Write the pid into the lock: for people, and to see whether anything can be written at all. */
static enum hf_code try_writing(struct hf_data *data, struct hf_err *err)
{
	char pid[24];
	int length = snprintf(pid, sizeof pid, "%d\n", (int)getpid());

	if (data->full)
		return HF_OK;
	/* Not truncated first: on a full disk the old bytes are room that is already ours. */
	if (pwrite(data->lock_fd, pid, (size_t)length, 0) != length ||
	    ftruncate(data->lock_fd, length) != 0 || fsync(data->lock_fd) != 0) {
		if (errno != ENOSPC && errno != EDQUOT)
			return explain(data->path, err);
		data->full = true;
	}
	return HF_OK;
}

/* After the first flush of ours, which was tried as a fast commit if anything is. */
static void look_for_fast_commits(struct hf_data *data)
{
	char text[512];

	if (strcmp(data->file_system, "ext4") == 0 &&
	    read_fast_commits(data->path, text, sizeof text) && hf_data_fast_commits(text))
		data->medium_warning =
			"with fast_commit: Linux does not mount it after a power cut that meets a "
			"full fast-commit area, and e2fsck then drops files that were flushed; "
			"unmount it and turn that off with tune2fs -O ^fast_commit";
}

static enum hf_code look_at_medium(struct hf_data *data, struct hf_err *err)
{
	struct statfs st;

	if (statfs(data->path, &st) != 0)
		return hf_fail_errno(err, "look at the file system of %s", data->path);
	data->size_bytes = (uint64_t)st.f_blocks * (uint64_t)st.f_bsize;
	data->free_bytes = (uint64_t)st.f_bavail * (uint64_t)st.f_bsize;
	unsigned long magic = (unsigned long)st.f_type & 0xffffffffUL;
	(void)snprintf(data->file_system, sizeof data->file_system, "0x%lx", magic);
	for (size_t i = 0; i < HF_ARRAY_LEN(file_systems); i++)
		if (file_systems[i].magic == magic) {
			(void)snprintf(data->file_system, sizeof data->file_system, "%s",
				       file_systems[i].name);
			data->medium_warning = file_systems[i].warning;
		}
	return HF_OK;
}

enum hf_code hf_data_open(const char *path, struct hf_data *ret_data, struct hf_err *err)
{
	struct hf_data data = { .lock_fd = -1 };

	enum hf_code code = hf_folder_make(path, 0750, err);
	if (code == HF_E_DENIED)
		return explain(path, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "data folder %s", path);
	HF_AUTO_FREE char *absolute = realpath(path, NULL);
	if (absolute == NULL)
		return hf_fail_errno(err, "data folder %s", path);
	if (strlen(absolute) >= sizeof data.path)
		return hf_fail(err, HF_E_LIMIT, "data folder %s: longer than %zu bytes", absolute,
			       sizeof data.path - 1);
	memcpy(data.path, absolute, strlen(absolute) + 1);
	code = look_at_medium(&data, err);
	if (code == HF_OK)
		code = take_lock(absolute, &data, err);
	if (code == HF_OK)
		code = try_writing(&data, err);
	if (code == HF_OK)
		look_for_fast_commits(&data);
	if (code == HF_OK)
		*ret_data = data;
	else
		hf_data_close(&data);
	return code;
}

void hf_data_close(struct hf_data *data)
{
	if (data->lock_fd >= 0)
		(void)close(data->lock_fd);
	data->lock_fd = -1;
}
