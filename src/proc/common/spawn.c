/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: posix_spawn(), which tells a failed exec from a child that failed, and does not copy
 * the parent's page tables. The control link may not be one of the numbers that are arranged
 * in the child (0 to 3) before its turn comes, so it is moved above them first.
 */
#include "proc/common/spawn.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	CHILD_CONTROL_FD = 3, /* HF_WORKER_CONTROL_FD */
	CHILD_FDS = 4,
};

extern char **environ;

static enum hf_code make_memfd(const char *name, size_t size_bytes, int *ret_fd, struct hf_err *err)
{
	HF_AUTO_FD fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return hf_fail_errno(err, "create %s", name);
	if (ftruncate(fd, (off_t)size_bytes) != 0)
		return hf_fail_errno(err, "size %s to %zu bytes", name, size_bytes);
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

enum hf_code hf_spawn_config(const struct hf_config *config, int *ret_fd, struct hf_err *err)
{
	HF_AUTO_FD fd = -1;
	enum hf_code code = hf_config_check(config, err);

	if (code != HF_OK)
		return code;
	code = make_memfd("holdfast-config", 0, &fd, err);
	if (code != HF_OK)
		return code;
	code = hf_write_all(fd, config, sizeof *config, err);
	if (code != HF_OK)
		return code;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
		return hf_fail_errno(err, "seal the configuration");
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

/* The page is ours to read; no child can shrink it under us. */
static enum hf_code make_pulse(int *ret_fd, struct hf_pulse **ret_pulse, struct hf_err *err)
{
	HF_AUTO_FD fd = -1;
	enum hf_code code = make_memfd("holdfast-pulse", sizeof(struct hf_pulse), &fd, err);

	if (code != HF_OK)
		return code;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return hf_fail_errno(err, "seal the pulse page");
	void *map = mmap(NULL, sizeof(struct hf_pulse), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map the pulse page");
	*ret_pulse = map;
	*ret_fd = HF_TAKE_FD(fd);
	return HF_OK;
}

static int arrange_fds(posix_spawn_file_actions_t *actions, int control_fd, int stderr_fd)
{
	int error = 0;

	if (stderr_fd >= 0)
		error = posix_spawn_file_actions_adddup2(actions, stderr_fd, STDERR_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
							 O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, control_fd, CHILD_CONTROL_FD);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(actions, CHILD_FDS);
	return error;
}

static int reset_signals(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	int error = posix_spawnattr_setflags(attributes,
					     POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	return error;
}

/* control_fd is above the child's four. Returns an errno value. */
static int execute(const char *path, int control_fd, int stderr_fd, pid_t *ret_pid)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		error = arrange_fds(&actions, control_fd, stderr_fd);
		if (error == 0)
			error = reset_signals(&attributes);
		if (error == 0)
			error = posix_spawn(ret_pid, path, &actions, &attributes, argv, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return error;
}

static enum hf_code start(const struct hf_spawn *spawn, int control_fd, int pulse_fd,
			  struct hf_child *child, struct hf_err *err)
{
	HF_AUTO_FD high_fd = fcntl(control_fd, F_DUPFD_CLOEXEC, CHILD_FDS);

	if (high_fd < 0)
		return hf_fail_errno(err, "move the control link");
	int error = execute(spawn->path, high_fd, spawn->stderr_fd, &child->pid);
	if (error != 0) {
		child->pid = 0;
		errno = error;
		return hf_fail_errno(err, "start %s", spawn->path);
	}
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0)
		return hf_fail_errno(err, "watch %s (pid %d)", spawn->path, (int)child->pid);

	int fds[] = { spawn->config_fd, pulse_fd };
	enum hf_code code = hf_msg_send(child->control_fd, HF_MSG_HELLO, spawn->hello,
					sizeof *spawn->hello, fds, HF_ARRAY_LEN(fds), err);
	return code == HF_OK ? HF_OK : hf_err_prefix(err, "%s", spawn->path);
}

enum hf_code hf_spawn_worker(const struct hf_spawn *spawn, struct hf_child *ret_child,
			     struct hf_err *err)
{
	HF_ASSERT(spawn->hello->role < HF_ROLE_COUNT);
	struct hf_child child = HF_CHILD_NONE;
	HF_AUTO_FD pulse_fd = -1;
	int pair[2];

	child.role = (enum hf_role)spawn->hello->role;
	child.index = spawn->hello->index;
	enum hf_code code = make_pulse(&pulse_fd, &child.pulse, err);
	if (code != HF_OK)
		return code;
	code = hf_msg_pair(pair, err);
	if (code == HF_OK) {
		HF_AUTO_FD theirs = pair[1];

		child.control_fd = pair[0];
		code = start(spawn, theirs, pulse_fd, &child, err);
	}
	if (code != HF_OK) {
		hf_child_close(&child);
		return code;
	}
	*ret_child = child;
	return HF_OK;
}

enum hf_code hf_spawn_plug(const struct hf_child *child, enum hf_role role, uint32_t index,
			   uint64_t ring_id, int ring_fd, int link_fd, struct hf_err *err)
{
	HF_ASSERT((ring_id != 0) == (ring_fd >= 0));
	struct hf_plug body = { .role = (uint32_t)role, .index = index, .ring_id = ring_id };
	int fds[] = { link_fd, ring_fd };

	enum hf_code code = hf_msg_send(child->control_fd, HF_MSG_PLUG, &body, sizeof body, fds,
					ring_id != 0 ? 2 : 1, err);
	return code == HF_OK ? HF_OK
			     : hf_err_prefix(err, "link %s.%u to %s.%u", hf_role_name(child->role),
					     child->index, hf_role_name(role), index);
}

enum hf_code hf_spawn_link(const struct hf_child *a, const struct hf_child *b, uint64_t ring_id,
			   int ring_fd, struct hf_err *err)
{
	int pair[2];
	enum hf_code code = hf_msg_pair(pair, err);

	if (code != HF_OK)
		return code;
	HF_AUTO_FD a_end = pair[0];
	HF_AUTO_FD b_end = pair[1];
	code = hf_spawn_plug(a, b->role, b->index, ring_id, ring_fd, a_end, err);
	if (code != HF_OK)
		return code;
	return hf_spawn_plug(b, a->role, a->index, ring_id, ring_fd, b_end, err);
}

enum hf_code hf_spawn_link_here(const struct hf_child *child, enum hf_role role, uint32_t index,
				uint64_t ring_id, int ring_fd, int *ret_fd, struct hf_err *err)
{
	int pair[2];
	enum hf_code code = hf_msg_pair(pair, err);

	if (code != HF_OK)
		return code;
	HF_AUTO_FD ours = pair[0];
	HF_AUTO_FD theirs = pair[1];
	code = hf_spawn_plug(child, role, index, ring_id, ring_fd, theirs, err);
	if (code != HF_OK)
		return code;
	*ret_fd = HF_TAKE_FD(ours);
	return HF_OK;
}

enum hf_code hf_spawn_start(const struct hf_child *child, struct hf_err *err)
{
	return hf_msg_send(child->control_fd, HF_MSG_START, NULL, 0, NULL, 0, err);
}

void hf_child_kill(const struct hf_child *child)
{
	/* By descriptor: the number may be somebody else's by now. It may have ended already. */
	if (child->pidfd >= 0)
		(void)pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
}

void hf_child_hang_up(const struct hf_child *child)
{
	/* It may have closed its end already. */
	if (child->control_fd >= 0)
		(void)shutdown(child->control_fd, SHUT_WR);
}

enum hf_code hf_child_reap(struct hf_child *child, struct hf_exit *ret_exit, struct hf_err *err)
{
	siginfo_t info = { 0 };

	HF_ASSERT(child->pid > 0);
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG) != 0)
		return hf_fail_errno(err, "wait for pid %d", (int)child->pid);
	if (info.si_pid == 0)
		return hf_fail(err, HF_E_AGAIN, "pid %d lives", (int)child->pid);
	child->pid = 0;
	*ret_exit = info.si_code == CLD_EXITED
			    ? (struct hf_exit){ .status = info.si_status }
			    : (struct hf_exit){ .status = -1, .signal = info.si_status };
	return HF_OK;
}

void hf_exit_text(const struct hf_exit *exit, size_t size_bytes, char *ret_text)
{
	if (exit->signal == 0) {
		(void)snprintf(ret_text, size_bytes, "exit %d", exit->status);
		return;
	}
	const char *name = sigabbrev_np(exit->signal);
	(void)snprintf(ret_text, size_bytes, "killed by signal %d (%s)%s", exit->signal,
		       name != NULL ? name : "?",
		       exit->signal == SIGSYS ? ": it tried what its sandbox forbids" : "");
}

void hf_child_close(struct hf_child *child)
{
	if (child == NULL)
		return;
	if (child->pid > 0) {
		(void)kill(child->pid, SIGKILL); /* not reaped: the number is still its own */
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	hf_child_abandon(child);
}

void hf_child_abandon(struct hf_child *child)
{
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	if (child->control_fd >= 0)
		(void)close(child->control_fd);
	if (child->pulse != NULL)
		(void)munmap(child->pulse, sizeof *child->pulse);
	*child = HF_CHILD_NONE;
}

enum hf_code hf_spawn_tree(char ret_path[PATH_MAX], struct hf_err *err)
{
	ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);

	if (length < 0)
		return hf_fail_errno(err, "find out where this program lies (/proc/self/exe)");
	ret_path[length] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(ret_path, '/');

		if (slash != NULL)
			*slash = '\0';
	}
	return HF_OK;
}
