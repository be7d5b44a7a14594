/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the real keeper: lets its calls fail, and watches what it does with a file
 * whose flush failed.
 *
 * HOLDFAST_FAULT=CALL:HOW:FIRST:COUNT[,...]   calls FIRST .. FIRST+COUNT-1 of that name fail
 *     CALL  fdatasync, fsync, pwrite, ftruncate, renameat, openat (that makes a file),
 *           unlinkat, fallocate
 *     HOW   EIO, ENOSPC; of pwrite also "short": half of it is written, then ENOSPC
 * It tells on standard error: "fault: CALL ..." of each failure it makes, and
 * "fault: spent file ..." when a file of the outbox is written, cut or flushed again after
 * one of its flushes failed, by us or by the disk itself. Without HOLDFAST_FAULT it watches.
 *
 * Built with _FILE_OFFSET_BITS=64 as keeper is: pwrite here is the symbol pwrite64 there, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FDS = 256,
	SPENT_MAX = 256,
	FAULTS_MAX = 4,
};

static bool of_outbox[FDS]; /* by descriptor */
static ino_t spent[SPENT_MAX];
static unsigned spent_count;

static struct fault {
	bool is_short;
	int error;
	long first, count, calls;
	char call[16];
} faults[FAULTS_MAX];
static unsigned fault_count;
static bool plan_read;
static bool second_half; /* after a short write */

static void read_plan(void)
{
	const char *text = getenv("HOLDFAST_FAULT");
	int used = 0;

	plan_read = true;
	while (text != NULL && fault_count < FAULTS_MAX) {
		struct fault *fault = &faults[fault_count];
		char how[16] = "";

		if (sscanf(text, "%15[a-z]:%15[A-Za-z]:%ld:%ld%n", fault->call, how, &fault->first,
			   &fault->count, &used) != 4)
			return;
		fault->is_short = strcmp(how, "short") == 0;
		fault->error = strcmp(how, "EIO") == 0 ? EIO : ENOSPC;
		fault_count++;
		text = text[used] == ',' ? text + used + 1 : NULL;
	}
}

/* NULL: it is not this call's turn. errno is set. */
static const struct fault *fails(const char *call)
{
	if (!plan_read)
		read_plan();
	for (unsigned i = 0; i < fault_count; i++) {
		struct fault *fault = &faults[i];

		if (strcmp(call, fault->call) != 0)
			continue;
		fault->calls++;
		if (fault->calls < fault->first || fault->calls >= fault->first + fault->count)
			continue;
		(void)dprintf(STDERR_FILENO, "fault: %s %ld: %s\n", call, fault->calls,
			      fault->is_short ? "short" : strerror(fault->error));
		errno = fault->error;
		return fault;
	}
	return NULL;
}

static ino_t inode_of(int fd)
{
	struct stat st;
	int error = errno;
	ino_t inode = fd >= 0 && fd < FDS && of_outbox[fd] && fstat(fd, &st) == 0 ? st.st_ino : 0;

	errno = error;
	return inode;
}

static void watch(const char *call, int fd)
{
	ino_t inode = inode_of(fd);

	for (unsigned i = 0; inode != 0 && i < spent_count; i++)
		if (spent[i] == inode)
			(void)dprintf(STDERR_FILENO, "fault: spent file %llu: %s\n",
				      (unsigned long long)inode, call);
}

static int flushed(int fd, int result)
{
	ino_t inode = result != 0 ? inode_of(fd) : 0;

	if (inode != 0 && spent_count < SPENT_MAX)
		spent[spent_count++] = inode;
	return result;
}

int fdatasync(int fd)
{
	watch("fdatasync", fd);
	return flushed(fd, fails("fdatasync") != NULL ? -1 : (int)syscall(SYS_fdatasync, fd));
}

int fsync(int fd)
{
	watch("fsync", fd);
	return flushed(fd, fails("fsync") != NULL ? -1 : (int)syscall(SYS_fsync, fd));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	watch("pwrite", fd);
	if (second_half) {
		second_half = false;
		errno = ENOSPC;
		return -1;
	}
	const struct fault *fault = fails("pwrite");
	if (fault != NULL) {
		if (!fault->is_short)
			return -1;
		second_half = true;
		size /= 2;
	}
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

int ftruncate(int fd, off_t size)
{
	watch("ftruncate", fd);
	return fails("ftruncate") != NULL ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
	watch("fallocate", fd);
	return fails("fallocate") != NULL ? -1
					  : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return fails("renameat") != NULL ? -1
					 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int unlinkat(int fd, const char *path, int flags)
{
	return fails("unlinkat") != NULL ? -1 : (int)syscall(SYS_unlinkat, fd, path, flags);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	if ((flags & O_CREAT) != 0 && fails("openat") != NULL)
		return -1;
	struct stat st;
	bool is_new = (flags & O_CREAT) != 0 &&
		      fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
	int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
	if (fd >= 0 && fd < FDS)
		of_outbox[fd] = strncmp(path, "outbox/", 7) == 0;
	/* A new file may be given the inode of one that was removed. */
	ino_t inode = is_new ? inode_of(fd) : 0;
	for (unsigned i = 0; inode != 0 && i < spent_count; i++)
		if (spent[i] == inode)
			spent[i] = 0;
	return fd;
}
