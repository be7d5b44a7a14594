/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk.h"

#include "base/auto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

enum {
	BLOCK_BYTES_MIN = 4096,
	BLOCK_BYTES_MAX = 16384,
};

struct real_disk {
	struct hf_disk disk;
	int folder_fd;
};

static struct real_disk *real_of(struct hf_disk *disk)
{
	return (struct real_disk *)disk;
}

static enum hf_code real_open(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			      int *ret_file, struct hf_err *err)
{
	static const int flags[] = {
		[HF_DISK_READ] = O_RDONLY,
		[HF_DISK_WRITE] = O_RDWR,
		[HF_DISK_CREATE] = O_RDWR | O_CREAT | O_EXCL,
		[HF_DISK_REPLACE] = O_RDWR | O_CREAT | O_TRUNC,
	};
	int fd = openat(real_of(disk)->folder_fd, path,
			flags[how] | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);

	if (fd < 0)
		return hf_fail_errno(err, "open %s", path);
	*ret_file = fd;
	return HF_OK;
}

static void real_close(struct hf_disk *disk, int file)
{
	(void)disk;
	(void)close(file);
}

static enum hf_code real_read(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			      size_t size_bytes, size_t *ret_bytes, struct hf_err *err)
{
	(void)disk;
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = pread(file, (char *)ret_data + done, size_bytes - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hf_fail_errno(err, "read");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_bytes = done;
	return HF_OK;
}

static enum hf_code real_write(struct hf_disk *disk, int file, uint64_t offset, const void *data,
			       size_t size_bytes, struct hf_err *err)
{
	(void)disk;
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = pwrite(file, (const char *)data + done, size_bytes - done,
				   (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hf_fail_errno(err, "write");
		done += (size_t)n;
	}
	return HF_OK;
}

static enum hf_code real_sync(struct hf_disk *disk, int file, struct hf_err *err)
{
	(void)disk;
	if (fdatasync(file) != 0)
		return hf_fail_errno(err, "flush");
	return HF_OK;
}

static enum hf_code real_truncate(struct hf_disk *disk, int file, uint64_t size_bytes,
				  struct hf_err *err)
{
	(void)disk;
	if (ftruncate(file, (off_t)size_bytes) != 0)
		return hf_fail_errno(err, "truncate");
	return HF_OK;
}

static enum hf_code real_size(struct hf_disk *disk, int file, uint64_t *ret_bytes,
			      struct hf_err *err)
{
	(void)disk;
	struct stat st;

	if (fstat(file, &st) != 0)
		return hf_fail_errno(err, "size");
	if (!S_ISREG(st.st_mode))
		return hf_fail(err, HF_E_INVALID, "not a regular file");
	*ret_bytes = (uint64_t)st.st_size;
	return HF_OK;
}

static void real_forget(struct hf_disk *disk, int file)
{
	(void)disk;
	(void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

static enum hf_code real_rename(struct hf_disk *disk, const char *from, const char *to,
				struct hf_err *err)
{
	int folder_fd = real_of(disk)->folder_fd;

	if (renameat(folder_fd, from, folder_fd, to) != 0)
		return hf_fail_errno(err, "rename %s to %s", from, to);
	return HF_OK;
}

static enum hf_code real_unlink(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	if (unlinkat(real_of(disk)->folder_fd, path, 0) != 0)
		return hf_fail_errno(err, "remove %s", path);
	return HF_OK;
}

static enum hf_code real_folder_make(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct stat st;
	int folder_fd = real_of(disk)->folder_fd;

	if (mkdirat(folder_fd, path, 0750) == 0)
		return HF_OK;
	if (errno != EEXIST)
		return hf_fail_errno(err, "make folder %s", path);
	if (fstatat(folder_fd, path, &st, 0) != 0 || !S_ISDIR(st.st_mode))
		return hf_fail(err, HF_E_INVALID, "%s exists and is not a folder", path);
	return HF_OK;
}

static enum hf_code real_folder_sync(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	HF_AUTO_FD fd = openat(real_of(disk)->folder_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return hf_fail_errno(err, "open folder %s", path);
	if (fsync(fd) != 0)
		return hf_fail_errno(err, "flush folder %s", path);
	return HF_OK;
}

/* Most file systems say with the name whether it is a file. */
static bool look_at_entry(int folder_fd, const struct dirent *found, bool names_only,
			  struct stat *ret_st)
{
	if (!names_only || found->d_type == DT_UNKNOWN)
		return fstatat(folder_fd, found->d_name, ret_st, AT_SYMLINK_NOFOLLOW) == 0;
	*ret_st = (struct stat){ .st_mode = (mode_t)DTTOIF(found->d_type) };
	return true;
}

static enum hf_code real_list(struct hf_disk *disk, const char *path,
			      const struct hf_disk_lister *lister, struct hf_err *err)
{
	int fd = openat(real_of(disk)->folder_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (folder == NULL) {
		enum hf_code code = hf_fail_errno(err, "list %s", path);

		if (fd >= 0)
			(void)close(fd);
		return code;
	}
	for (;;) {
		struct stat st;

		errno = 0;
		const struct dirent *found = readdir(folder);
		if (found == NULL)
			break;
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		/* Gone since, or neither file nor folder: not ours to tell of. */
		if (!look_at_entry(fd, found, lister->names_only, &st) ||
		    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			continue;
		struct hf_disk_entry entry = {
			.name = found->d_name,
			.size_bytes = (uint64_t)st.st_size,
			.modified_s = st.st_mtime,
			.folder = S_ISDIR(st.st_mode),
		};
		errno = 0;
		if (!lister->entry(lister->context, &entry))
			break;
	}
	enum hf_code code = errno == 0 ? HF_OK : hf_fail_errno(err, "list %s", path);
	(void)closedir(folder);
	return code;
}

static enum hf_code real_lock(struct hf_disk *disk, const char *path, int *ret_file,
			      struct hf_err *err)
{
	HF_AUTO_FD fd = openat(real_of(disk)->folder_fd, path,
			       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0)
		return hf_fail_errno(err, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return hf_fail_errno(err, "lock %s", path);
	*ret_file = HF_TAKE_FD(fd);
	return HF_OK;
}

static enum hf_code real_free_space(struct hf_disk *disk, uint64_t *ret_bytes, struct hf_err *err)
{
	struct statvfs st;

	if (fstatvfs(real_of(disk)->folder_fd, &st) != 0)
		return hf_fail_errno(err, "free space");
	*ret_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	return HF_OK;
}

static enum hf_code real_reserve(struct hf_disk *disk, int file, uint64_t offset,
				 uint64_t size_bytes, struct hf_err *err)
{
	(void)disk;
	if (fallocate(file, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size_bytes) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return HF_OK;
	return hf_fail_errno(err, "reserve space");
}

static enum hf_code real_links(struct hf_disk *disk, int file, uint64_t *ret_count,
			       struct hf_err *err)
{
	(void)disk;
	struct statx st;

	/* Nothing else is asked for: who has seen a file's times gets new ones at the next write,
	 * and that is a change of the inode for the journal. */
	if (statx(file, "", AT_EMPTY_PATH, STATX_NLINK, &st) != 0)
		return hf_fail_errno(err, "links");
	*ret_count = st.stx_nlink;
	return HF_OK;
}

/* Of a partition the queue is its disk's, one folder up. 0: not told. */
static uint64_t physical_block(dev_t device, const char *up)
{
	char path[128], text[32];

	(void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%squeue/physical_block_size",
		       major(device), minor(device), up);
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

static uint64_t real_block_bytes(struct hf_disk *disk)
{
	uint64_t wanted = 0, block = BLOCK_BYTES_MIN;
	struct stat st;

	if (fstat(real_of(disk)->folder_fd, &st) == 0) {
		wanted = physical_block(st.st_dev, "");
		if (wanted == 0)
			wanted = physical_block(st.st_dev, "../");
		if (st.st_blksize > 0 && (uint64_t)st.st_blksize > wanted)
			wanted = (uint64_t)st.st_blksize;
	}
	while (block < wanted && block < BLOCK_BYTES_MAX)
		block *= 2;
	return block;
}

static const struct hf_disk_ops real_ops = {
	.open = real_open,
	.close = real_close,
	.read = real_read,
	.write = real_write,
	.sync = real_sync,
	.truncate = real_truncate,
	.size = real_size,
	.forget = real_forget,
	.rename = real_rename,
	.unlink = real_unlink,
	.folder_make = real_folder_make,
	.folder_sync = real_folder_sync,
	.list = real_list,
	.lock = real_lock,
	.free_space = real_free_space,
	.reserve = real_reserve,
	.links = real_links,
	.block_bytes = real_block_bytes,
};

enum hf_code hf_disk_real_open(const char *path, struct hf_disk **ret_disk, struct hf_err *err)
{
	HF_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return hf_fail_errno(err, "open folder %s", path);
	struct real_disk *real = calloc(1, sizeof *real);
	if (real == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	real->disk.ops = &real_ops;
	real->folder_fd = HF_TAKE_FD(fd);
	*ret_disk = &real->disk;
	return HF_OK;
}

void hf_disk_real_close(struct hf_disk *disk)
{
	if (disk == NULL)
		return;
	(void)close(real_of(disk)->folder_fd);
	free(disk);
}

enum hf_code hf_disk_open(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			  int *ret_file, struct hf_err *err)
{
	return disk->ops->open(disk, path, how, ret_file, err);
}

void hf_disk_close(struct hf_disk *disk, int file)
{
	if (file >= 0)
		disk->ops->close(disk, file);
}

enum hf_code hf_disk_read(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			  size_t size_bytes, size_t *ret_bytes, struct hf_err *err)
{
	return disk->ops->read(disk, file, offset, ret_data, size_bytes, ret_bytes, err);
}

enum hf_code hf_disk_write(struct hf_disk *disk, int file, uint64_t offset, const void *data,
			   size_t size_bytes, struct hf_err *err)
{
	return disk->ops->write(disk, file, offset, data, size_bytes, err);
}

enum hf_code hf_disk_sync(struct hf_disk *disk, int file, struct hf_err *err)
{
	return disk->ops->sync(disk, file, err);
}

enum hf_code hf_disk_truncate(struct hf_disk *disk, int file, uint64_t size_bytes,
			      struct hf_err *err)
{
	return disk->ops->truncate(disk, file, size_bytes, err);
}

enum hf_code hf_disk_size(struct hf_disk *disk, int file, uint64_t *ret_bytes, struct hf_err *err)
{
	return disk->ops->size(disk, file, ret_bytes, err);
}

void hf_disk_forget(struct hf_disk *disk, int file)
{
	disk->ops->forget(disk, file);
}

enum hf_code hf_disk_rename(struct hf_disk *disk, const char *from, const char *to,
			    struct hf_err *err)
{
	return disk->ops->rename(disk, from, to, err);
}

enum hf_code hf_disk_unlink(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	return disk->ops->unlink(disk, path, err);
}

enum hf_code hf_disk_folder_sync(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	return disk->ops->folder_sync(disk, path, err);
}

enum hf_code hf_disk_list(struct hf_disk *disk, const char *path,
			  const struct hf_disk_lister *lister, struct hf_err *err)
{
	return disk->ops->list(disk, path, lister, err);
}

enum hf_code hf_disk_lock(struct hf_disk *disk, const char *path, int *ret_file, struct hf_err *err)
{
	return disk->ops->lock(disk, path, ret_file, err);
}

enum hf_code hf_disk_free_space(struct hf_disk *disk, uint64_t *ret_bytes, struct hf_err *err)
{
	return disk->ops->free_space(disk, ret_bytes, err);
}

enum hf_code hf_disk_reserve(struct hf_disk *disk, int file, uint64_t offset, uint64_t size_bytes,
			     struct hf_err *err)
{
	return disk->ops->reserve(disk, file, offset, size_bytes, err);
}

enum hf_code hf_disk_links(struct hf_disk *disk, int file, uint64_t *ret_count, struct hf_err *err)
{
	return disk->ops->links(disk, file, ret_count, err);
}

uint64_t hf_disk_block_bytes(struct hf_disk *disk)
{
	return disk->ops->block_bytes(disk);
}

enum hf_code hf_disk_folders_ensure(struct hf_disk *disk, const char *const *paths, size_t count,
				    struct hf_err *err)
{
	enum hf_code code = HF_OK;

	for (size_t i = 0; code == HF_OK && i < count; i++)
		code = disk->ops->folder_make(disk, paths[i], err);
	/* Synced even when they were there: whoever made them may have died before that. */
	return code != HF_OK ? code : hf_disk_folder_sync(disk, ".", err);
}

enum hf_code hf_disk_folder_ensure(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	return hf_disk_folders_ensure(disk, &path, 1, err);
}

enum hf_code hf_disk_text_read(struct hf_disk *disk, const char *path, char *ret_text,
			       size_t size_bytes_max, struct hf_err *err)
{
	int file;
	size_t size = 0;
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &file, err);

	if (code != HF_OK)
		return code;
	code = hf_disk_read(disk, file, 0, ret_text, size_bytes_max, &size, err);
	hf_disk_close(disk, file);
	if (code != HF_OK)
		return code;
	if (size == size_bytes_max)
		return hf_fail(err, HF_E_LIMIT, "%s is larger than %zu bytes", path,
			       size_bytes_max - 1);
	ret_text[size] = '\0';
	return HF_OK;
}

static void folder_of(const char *path, char ret_folder[HF_DISK_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(ret_folder, HF_DISK_PATH_BYTES, "%.*s",
		       slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
}

enum hf_code hf_disk_text_replace(struct hf_disk *disk, const char *path, const char *text,
				  struct hf_err *err)
{
	int file;
	char path_new[HF_DISK_PATH_BYTES], folder[HF_DISK_PATH_BYTES];

	if ((size_t)snprintf(path_new, sizeof path_new, "%s.new", path) >= sizeof path_new)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", path);
	folder_of(path, folder);
	enum hf_code code = hf_disk_open(disk, path_new, HF_DISK_REPLACE, &file, err);
	if (code != HF_OK)
		return code;
	code = hf_disk_write(disk, file, 0, text, strlen(text), err);
	if (code == HF_OK)
		code = hf_disk_sync(disk, file, err);
	hf_disk_close(disk, file);
	if (code == HF_OK)
		code = hf_disk_rename(disk, path_new, path, err);
	if (code == HF_OK)
		code = hf_disk_folder_sync(disk, folder, err);
	return code;
}
