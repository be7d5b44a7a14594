/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the real keeper: writes record.h to the file HOLDFAST_RECORD. What changes the
 * disk is written down after it succeeded, an acknowledgement before it is sent.
 */
#include "record.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int record_fd = -1;

/* Before main(), and so before the sandbox: then no file outside the data folder opens. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("HOLDFAST_RECORD");

	if (path != NULL)
		record_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
					 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void *data, size_t size)
{
	/* A record with a hole in it is worse than none. */
	if (size > 0 && syscall(SYS_write, record_fd, data, size) != (long)size)
		abort();
}

static void record(const struct record_head *head, const char *path, const char *path2,
		   const void *data)
{
	if (record_fd < 0)
		return;
	put(head, sizeof *head);
	put(path, head->path_bytes);
	put(path2, head->path2_bytes);
	put(data, head->data_bytes);
}

static void record_path(enum record_op op, int folder, int fd, const char *path, int64_t a)
{
	record(&(struct record_head){ .op = (uint32_t)op,
				      .folder = folder,
				      .fd = fd,
				      .path_bytes = (uint32_t)strlen(path),
				      .a = a },
	       path, NULL, NULL);
}

static void record_fd_op(enum record_op op, int fd, int64_t a, const void *data, size_t size)
{
	record(
		&(struct record_head){
			.op = (uint32_t)op, .fd = fd, .data_bytes = (uint32_t)size, .a = a },
		NULL, NULL, data);
}

static int opened(int folder, const char *path, int flags, unsigned mode)
{
	int fd = (int)syscall(SYS_openat, folder, path, flags, mode);

	if (fd >= 0)
		record_path(RECORD_OPEN, folder, fd, path, flags);
	return fd;
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return opened(folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return opened(AT_FDCWD, path, flags, mode);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	long done = syscall(SYS_pwrite64, fd, data, size, offset);

	if (done > 0)
		record_fd_op(RECORD_WRITE, fd, offset, data, (size_t)done);
	return done;
}

/* Small files of base/file.h: written once from the beginning. */
ssize_t write(int fd, const void *data, size_t size)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	long done = syscall(SYS_write, fd, data, size);

	if (done > 0 && at >= 0 && fd > STDERR_FILENO)
		record_fd_op(RECORD_WRITE, fd, at, data, (size_t)done);
	return done;
}

int ftruncate(int fd, off_t size)
{
	int result = (int)syscall(SYS_ftruncate, fd, size);

	if (result == 0)
		record_fd_op(RECORD_TRUNCATE, fd, size, NULL, 0);
	return result;
}

int fdatasync(int fd)
{
	int result = (int)syscall(SYS_fdatasync, fd);

	if (result == 0)
		record_fd_op(RECORD_SYNC, fd, 0, NULL, 0);
	return result;
}

int fsync(int fd)
{
	int result = (int)syscall(SYS_fsync, fd);

	if (result == 0)
		record_fd_op(RECORD_SYNC, fd, 0, NULL, 0);
	return result;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	int result = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);

	if (result == 0)
		record(&(struct record_head){ .op = RECORD_RENAME,
					      .folder = from_fd,
					      .path_bytes = (uint32_t)strlen(from),
					      .path2_bytes = (uint32_t)strlen(to) },
		       from, to, NULL);
	return result;
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int folder, const char *path, int flags)
{
	int result = (int)syscall(SYS_unlinkat, folder, path, flags);

	if (result == 0)
		record_path(RECORD_UNLINK, folder, -1, path, flags);
	return result;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
	int result = (int)syscall(SYS_mkdirat, folder, path, mode);

	if (result == 0)
		record_path(RECORD_MKDIR, folder, -1, path, 0);
	return result;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* wire/msg.c sends a head (magic, type, size) and a body as two parts. */
ssize_t sendmsg(int fd, const struct msghdr *packet, int flags)
{
	if (packet->msg_iovlen == 2 && packet->msg_iov[0].iov_len == 3 * sizeof(uint32_t) &&
	    ((const uint32_t *)packet->msg_iov[0].iov_base)[1] == HF_MSG_ACK)
		record_fd_op(RECORD_ACK, fd, 0, packet->msg_iov[1].iov_base,
			     packet->msg_iov[1].iov_len);
	return syscall(SYS_sendmsg, fd, packet, flags);
}
