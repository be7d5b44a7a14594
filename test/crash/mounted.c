/* SPDX-License-Identifier: Apache-2.0 */
#include "mounted.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* FS_IOC_SHUTDOWN of newer headers; ext4's and XFS's own names are the same number. */
#define SHUTDOWN _IOR('X', 125, uint32_t)

enum {
	SHUTDOWN_LOGFLUSH = 1,
	SHUTDOWN_NOLOGFLUSH = 2,
	UNMOUNT_TRIES = 500,
	ARGS_MAX = 16,
};

extern char **environ;

static const struct kind {
	const char *name;
	const char *type; /* for mount(2) */
	uint64_t size_bytes;
	const char *mkfs[14];
} kinds[] = {
	[MOUNTED_EXT4] = { "ext4",
			   "ext4",
			   UINT64_C(96) << 20,
			   { "mkfs.ext4", "-q", "-F", "-b", "4096" } },
	[MOUNTED_EXT4_FAST_COMMIT] = { "ext4 fast_commit",
				       "ext4",
				       UINT64_C(96) << 20,
				       { "mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "fast_commit",
					 "-J", "fast_commit_size=8192" } },
	/* mkfs.xfs makes none smaller than this. */
	[MOUNTED_XFS] = { "xfs", "xfs", UINT64_C(304) << 20, { "mkfs.xfs", "-q", "-f" } },
	[MOUNTED_EXT4_PACKED] = { "ext4 data only",
				  "ext4",
				  UINT64_C(96) << 20,
				  { "mkfs.ext4", "-q", "-F", "-b", "4096", "-N", "1024", "-J",
				    "size=4", "-E", "packed_meta_blocks=1" } },
	[MOUNTED_EXT4_FAST_COMMIT_SMALL] = { "ext4 small fast_commit",
					     "ext4",
					     UINT64_C(96) << 20,
					     { "mkfs.ext4", "-q", "-F", "-b", "4096", "-O",
					       "fast_commit", "-J",
					       "size=4,fast_commit_size=64" } },
};
_Static_assert(HF_ARRAY_LEN(kinds) == MOUNTED_KINDS, "a row each");

const char *mounted_name(enum mounted_kind kind)
{
	return kinds[kind].name;
}

static enum hf_code denied(struct hf_err *err, const char *what)
{
	return hf_fail(err, HF_E_DENIED, "%s: %s", what, strerror(errno));
}

enum hf_code mounted_enter(uint64_t size_bytes, char *ret_folder, struct hf_err *err)
{
	const char *temp = getenv("TMPDIR");
	char options[64];

	(void)snprintf(ret_folder, 128, "%s/holdfast-mounted-XXXXXX", temp != NULL ? temp : "/tmp");
	(void)snprintf(options, sizeof options, "size=%llu,mode=0700",
		       (unsigned long long)size_bytes);
	if (unshare(CLONE_NEWNS) != 0)
		return denied(err, "a mount namespace of its own");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return denied(err, "make the mounts private");
	if (mkdtemp(ret_folder) == NULL)
		return hf_fail_errno(err, "make %s", ret_folder);
	if (mount("holdfast", ret_folder, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) {
		(void)rmdir(ret_folder);
		return denied(err, "mount a tmpfs");
	}
	return HF_OK;
}

enum hf_code mounted_small(const char *path, uint64_t size_bytes, struct hf_err *err)
{
	char options[64];

	(void)snprintf(options, sizeof options, "size=%llu,mode=0700",
		       (unsigned long long)size_bytes);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return hf_fail_errno(err, "make %s", path);
	if (mount("holdfast", path, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
		return denied(err, "mount a tmpfs");
	return HF_OK;
}

void mounted_leave(const char *folder)
{
	(void)umount2(folder, MNT_DETACH);
	(void)rmdir(folder);
}

enum hf_code mounted_run(const char *const *argv, const char *out_path, int *ret_status,
			 struct hf_err *err)
{
	static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
				   "/sbin:/bin";
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int how;

	if (putenv((char *)(uintptr_t)path) != 0 || posix_spawn_file_actions_init(&actions) != 0)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	int error = posix_spawn_file_actions_addopen(&actions, 1,
						     out_path != NULL ? out_path : "/dev/null",
						     O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, 1, 2);
	if (error == 0)
		error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
				     environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	errno = error;
	if (error != 0)
		return hf_fail_errno(err, "run %s", argv[0]);
	while (waitpid(pid, &how, 0) < 0)
		if (errno != EINTR)
			return hf_fail_errno(err, "wait for %s", argv[0]);
	*ret_status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return HF_OK;
}

enum hf_code mounted_make(enum mounted_kind kind, const char *folder, uint64_t size_bytes,
			  struct mounted *ret_mounted, struct hf_err *err)
{
	const struct kind *k = &kinds[kind];
	const char *argv[ARGS_MAX] = { NULL };
	struct mounted m = { .kind = kind, .loop_fd = -1 };
	size_t count = 0;
	int status;

	(void)snprintf(m.image, sizeof m.image, "%s/image", folder);
	(void)snprintf(m.path, sizeof m.path, "%s/fs", folder);
	(void)unlink(m.image);
	HF_AUTO_FD fd = open(m.image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)(size_bytes != 0 ? size_bytes : k->size_bytes)) != 0)
		return hf_fail_errno(err, "make %s", m.image);
	if (mkdir(m.path, 0700) != 0 && errno != EEXIST)
		return hf_fail_errno(err, "make %s", m.path);
	while (k->mkfs[count] != NULL) {
		argv[count] = k->mkfs[count];
		count++;
	}
	argv[count] = m.image;
	enum hf_code code = mounted_run(argv, NULL, &status, err);
	if (code != HF_OK)
		return code;
	if (status != 0)
		return hf_fail(err, HF_E_INVALID, "%s: exit %d", argv[0], status);
	*ret_mounted = m;
	return HF_OK;
}

/* The number that LOOP_CTL_GET_FREE names may be taken by another before we are there. */
static enum hf_code take_loop(struct mounted *m, char ret_path[32], struct hf_err *err)
{
	HF_AUTO_FD control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	HF_AUTO_FD image = open(m->image, O_RDWR | O_CLOEXEC);

	if (control < 0)
		return denied(err, "/dev/loop-control");
	if (image < 0)
		return hf_fail_errno(err, "open %s", m->image);
	for (int tries = 0; tries < 100; tries++) {
		struct loop_config config = { .fd = (uint32_t)image,
					      .info.lo_flags = LO_FLAGS_AUTOCLEAR };
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0)
			return denied(err, "a free loop device");
		(void)snprintf(ret_path, 32, "/dev/loop%d", number);
		int fd = open(ret_path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return denied(err, ret_path);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			m->loop_fd = fd;
			return HF_OK;
		}
		(void)close(fd);
		if (errno != EBUSY)
			return denied(err, "set up a loop device");
	}
	return hf_fail(err, HF_E_DENIED, "no free loop device");
}

static enum hf_code one_page_requests(const char *device, struct hf_err *err)
{
	char path[96];

	(void)snprintf(path, sizeof path, "/sys/block/%s/queue/max_sectors_kb",
		       device + strlen("/dev/"));
	HF_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "4", 1) != 1)
		return denied(err, path);
	return HF_OK;
}

enum hf_code mounted_attach(struct mounted *m, struct hf_err *err)
{
	/* Copies of one image are looked at side by side. */
	const char *options = m->kind == MOUNTED_XFS ? "nouuid" : NULL;
	char device[32];
	enum hf_code code = take_loop(m, device, err);

	if (code == HF_OK && m->page_requests)
		code = one_page_requests(device, err);
	if (code == HF_OK && mount(device, m->path, kinds[m->kind].type, 0, options) != 0)
		code = errno == ENODEV || errno == EPERM
			       ? denied(err, kinds[m->kind].type)
			       : hf_fail_errno(err, "mount %s with %s", m->image,
					       kinds[m->kind].type);
	m->attached = code == HF_OK;
	if (code != HF_OK) {
		hf_auto_close(&m->loop_fd);
		m->loop_fd = -1;
	}
	return code;
}

enum hf_code mounted_cut(const struct mounted *m, bool flush_log, struct hf_err *err)
{
	uint32_t how = flush_log ? SHUTDOWN_LOGFLUSH : SHUTDOWN_NOLOGFLUSH;
	HF_AUTO_FD fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, SHUTDOWN, &how) != 0)
		return hf_fail_errno(err, "shut down %s", m->path);
	return HF_OK;
}

enum hf_code mounted_detach(struct mounted *m, struct hf_err *err)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	int tries = 0;

	if (!m->attached)
		return HF_OK;
	/* The last file of a process that was just killed may still be closing. */
	while (umount2(m->path, 0) != 0) {
		if (errno != EBUSY || ++tries > UNMOUNT_TRIES)
			return hf_fail_errno(err, "unmount %s", m->path);
		(void)nanosleep(&pause, NULL);
	}
	m->attached = false;
	hf_auto_close(&m->loop_fd);
	m->loop_fd = -1;
	return HF_OK;
}

enum hf_code mounted_copy(const struct mounted *m, const char *path, struct hf_err *err)
{
	HF_AUTO_FD from = open(m->image, O_RDONLY | O_CLOEXEC);
	HF_AUTO_FD to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	off_t size = from < 0 ? -1 : lseek(from, 0, SEEK_END), end = 0;

	if (to < 0 || size < 0 || ftruncate(to, size) != 0)
		return hf_fail_errno(err, "copy %s", m->image);
	for (;;) {
		off_t at = lseek(from, end, SEEK_DATA);

		if (at < 0)
			return errno == ENXIO ? HF_OK : hf_fail_errno(err, "copy %s", m->image);
		end = lseek(from, at, SEEK_HOLE);
		if (end < 0 || lseek(from, at, SEEK_SET) < 0 || lseek(to, at, SEEK_SET) < 0)
			return hf_fail_errno(err, "copy %s", m->image);
		while (at < end) {
			ssize_t n = sendfile(to, from, NULL, (size_t)(end - at));

			if (n <= 0)
				return hf_fail_errno(err, "copy %s", m->image);
			at += n;
		}
	}
}
