/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/common/sandbox.h"

#include "base/auto.h"
#include "base/log.h"
#include "proc/common/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Younger than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

/* Which version of Landlock brought which rights. */
static const struct {
	unsigned version;
	uint64_t rights;
} versions[] = {
	{ 1, (1ULL << 13) - 1 },
	{ 2, LANDLOCK_ACCESS_FS_REFER },
	{ 3, LANDLOCK_ACCESS_FS_TRUNCATE },
	{ 5, LANDLOCK_ACCESS_FS_IOCTL_DEV },
};

static const uint64_t rights_of[] = {
	[HF_SANDBOX_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	[HF_SANDBOX_LIST] = LANDLOCK_ACCESS_FS_READ_DIR,
	[HF_SANDBOX_WRITE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
			     LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
			     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER |
			     LANDLOCK_ACCESS_FS_TRUNCATE,
	[HF_SANDBOX_DEVICE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
			      LANDLOCK_ACCESS_FS_IOCTL_DEV,
};

/* What may be said of a thing that is no folder. */
static const uint64_t rights_of_files = LANDLOCK_ACCESS_FS_READ_FILE |
					LANDLOCK_ACCESS_FS_WRITE_FILE |
					LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV;

void hf_sandbox_begin(const char *name, unsigned traits, struct hf_sandbox *ret_sandbox)
{
	*ret_sandbox = (struct hf_sandbox){ .traits = traits };
	(void)snprintf(ret_sandbox->name, sizeof ret_sandbox->name, "%s", name);
}

static void allow(struct hf_sandbox *sandbox, const char *path, enum hf_sandbox_may may,
		  bool watched)
{
	if (sandbox->path_count == HF_SANDBOX_PATHS_MAX || path[0] == '\0' ||
	    strlen(path) >= HF_PATH_BYTES)
		return;
	struct hf_sandbox_path *entry = &sandbox->paths[sandbox->path_count++];
	*entry = (struct hf_sandbox_path){ .may = may, .watched = watched };
	(void)snprintf(entry->path, sizeof entry->path, "%s", path);
}

void hf_sandbox_allow(struct hf_sandbox *sandbox, const char *path, enum hf_sandbox_may may)
{
	allow(sandbox, path, may, false);
}

void hf_sandbox_watch(struct hf_sandbox *sandbox, const char *path, enum hf_sandbox_may may)
{
	allow(sandbox, path, may, true);
}

/* Landlock */

/* Does it lie below a folder that is allowed as well? Then it does not matter which file it is. */
static bool is_covered(const struct hf_sandbox *sandbox, const struct hf_sandbox_path *path)
{
	char real[PATH_MAX];

	if (realpath(path->path, real) == NULL)
		return false;
	for (unsigned i = 0; i < sandbox->path_count; i++) {
		const struct hf_sandbox_path *entry = &sandbox->paths[i];
		size_t length = strlen(entry->path);

		if (entry != path && entry->may >= path->may &&
		    strncmp(real, entry->path, length) == 0 && real[length] == '/')
			return true;
	}
	return false;
}

static struct stat stat_of(const struct hf_sandbox_path *entry, bool *ret_there)
{
	struct stat st = { 0 };

	*ret_there = stat(entry->path, &st) == 0;
	return st;
}

static bool is_stale(const struct hf_sandbox *sandbox, const struct hf_sandbox_path *entry)
{
	bool there;
	const struct stat now = stat_of(entry, &there);

	if (!there)
		return entry->there && entry->may == HF_SANDBOX_WRITE;
	if (entry->there && now.st_dev == entry->device && now.st_ino == entry->inode)
		return false;
	return !is_covered(sandbox, entry);
}

static uint64_t rights_known(unsigned version)
{
	uint64_t rights = 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(versions); i++)
		if (version >= versions[i].version)
			rights |= versions[i].rights;
	return rights;
}

/* What is not there, or may not even be looked at, stays closed. */
static bool add_path(int ruleset_fd, const struct hf_sandbox_path *entry, uint64_t known)
{
	HF_AUTO_FD fd = open(entry->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return true;
	rule.allowed_access = rights_of[entry->may] & known;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= rights_of_files;
	return rule.allowed_access == 0 || syscall(SYS_landlock_add_rule, ruleset_fd,
						   LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static enum hf_code close_files(struct hf_sandbox *sandbox, unsigned *ret_version,
				struct hf_err *err)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (version < 1)
		return hf_fail(err, HF_E_INVALID, "landlock: %s",
			       errno == ENOSYS       ? "not in this kernel"
			       : errno == EOPNOTSUPP ? "not switched on (lsm= at boot)"
						     : strerror(errno));
	if (version < 2 && (sandbox->traits & HF_SANDBOX_WRITES) != 0)
		return hf_fail(err, HF_E_INVALID, "landlock: of version 1, which moves no files");
	struct landlock_ruleset_attr attr = { .handled_access_fs =
						      rights_known((unsigned)version) };
	HF_AUTO_FD fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (fd < 0)
		return hf_fail_errno(err, "landlock: make a ruleset");
	for (unsigned i = 0; i < sandbox->path_count; i++) {
		struct hf_sandbox_path *entry = &sandbox->paths[i];
		const struct stat st = stat_of(entry, &entry->there);

		entry->device = st.st_dev;
		entry->inode = st.st_ino;
		if (!add_path(fd, &sandbox->paths[i], attr.handled_access_fs))
			return hf_fail_errno(err, "landlock: %s", sandbox->paths[i].path);
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		return hf_fail_errno(err, "landlock");
	*ret_version = (unsigned)version;
	return HF_OK;
}

/* Privileges */

/* Of root's powers only those over files are left: an operator who runs a unit as root has it
 * read what belongs to others. */
static enum hf_code drop_capabilities(struct hf_err *err)
{
	const uint32_t kept = 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_FOWNER;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		return hf_fail_errno(err, "capabilities");
	for (size_t i = 0; i < HF_ARRAY_LEN(data); i++) {
		data[i].permitted &= i == 0 ? kept : 0;
		data[i].effective &= i == 0 ? kept : 0;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) != 0)
		return hf_fail_errno(err, "capabilities");
	return HF_OK;
}

static void miss(struct hf_sandbox *sandbox, const struct hf_err *err)
{
	size_t length = strlen(sandbox->missing);

	(void)snprintf(sandbox->missing + length, sizeof sandbox->missing - length, "%s%s",
		       length > 0 ? "; " : "", err->text);
}

void hf_sandbox_enter(struct hf_sandbox *sandbox)
{
	struct hf_err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		(void)hf_fail_errno(&err, "no_new_privs, without which nothing holds");
		miss(sandbox, &err);
		return;
	}
#ifdef HF_SANDBOX_COVERAGE
	/* The counts are written into the build folder when the process ends. */
	hf_sandbox_allow(sandbox, HF_SANDBOX_COVERAGE, HF_SANDBOX_WRITE);
	sandbox->traits |= HF_SANDBOX_WRITES;
#endif
	if (hf_sandbox_build()[0] != '\0')
		hf_sandbox_allow(sandbox, "/proc", HF_SANDBOX_READ);
	if (drop_capabilities(&err) != HF_OK)
		miss(sandbox, &err);
	if ((sandbox->traits & HF_SANDBOX_COMMANDS) == 0 &&
	    close_files(sandbox, &sandbox->landlock, &err) != HF_OK)
		miss(sandbox, &err);
	sandbox->seccomp = hf_sandbox_filter_calls(sandbox->traits, &err) == HF_OK;
	if (!sandbox->seccomp)
		miss(sandbox, &err);
}

void hf_sandbox_log(const struct hf_sandbox *sandbox)
{
	const char *holds = sandbox->landlock > 0 && sandbox->seccomp ? "landlock+seccomp"
			    : sandbox->landlock > 0                   ? "landlock"
			    : sandbox->seccomp                        ? "seccomp"
								      : "none";
	const char *build = hf_sandbox_build();

	if (sandbox->missing[0] == '\0') {
		hf_log(HF_LOG_INFO, "sandboxed", "profile=%s sandbox=%s landlock=%u%s%s",
		       sandbox->name, holds, sandbox->landlock,
		       build[0] != '\0' ? " widened_for=" : "", build);
		return;
	}
	hf_log(HF_LOG_WARN, "sandbox_incomplete",
	       "profile=%s sandbox=%s missing=\"%s\": it works, but a fault in what reads foreign "
	       "bytes could reach more of this machine; look at its kernel or container",
	       sandbox->name, holds, sandbox->missing);
}

const char *hf_sandbox_stale(const struct hf_sandbox *sandbox)
{
	for (unsigned i = 0; sandbox->landlock > 0 && i < sandbox->path_count; i++)
		if (sandbox->paths[i].watched && is_stale(sandbox, &sandbox->paths[i]))
			return sandbox->paths[i].path;
	return NULL;
}
