/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are, and what the operator wants. YAML is parsed by a child process that ends
 * before anything else starts: a parser's memory is not the supervisor's.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum {
	CONFIG_TIMEOUT_MS = 10000,
};

static enum hf_code set_path(char ret_path[HF_PATH_BYTES], struct hf_err *err, const char *between,
			     const char *one, const char *two)
{
	char text[2 * HF_PATH_BYTES];

	(void)snprintf(text, sizeof text, "%s%s%s", one, between, two);
	if ((size_t)snprintf(ret_path, HF_PATH_BYTES, "%s", text) >= HF_PATH_BYTES)
		return hf_fail(err, HF_E_LIMIT, "path is longer than %d bytes: %.100s...",
			       HF_PATH_BYTES - 1, text);
	return HF_OK;
}

/* bin/holdfastd lies beside libexec/holdfast and share/holdfast, wherever the tree was put. */
static enum hf_code find_tree(struct settings *settings, struct hf_err *err)
{
	char self[PATH_MAX], libexec[PATH_MAX + 32], share[PATH_MAX + 32];
	enum hf_code code = hf_spawn_tree(self, err);

	if (code != HF_OK)
		return code;
	(void)snprintf(libexec, sizeof libexec, "%s/libexec/holdfast", self);
	(void)snprintf(share, sizeof share, "%s/share/holdfast", self);
	const char *libexec_wanted = getenv("HOLDFAST_LIBEXEC");
	const char *share_wanted = getenv("HOLDFAST_SHARE");
	code = set_path(settings->libexec_path, err, "",
			libexec_wanted != NULL ? libexec_wanted : libexec, "");
	if (code != HF_OK)
		return code;
	return set_path(settings->share_path, err, "", share_wanted != NULL ? share_wanted : share,
			"");
}

/* Absolute, so that messages and workers mean the same place. */
static enum hf_code absolute(const char *path, char ret_path[HF_PATH_BYTES], struct hf_err *err)
{
	char here[PATH_MAX];

	if (path[0] == '/')
		return set_path(ret_path, err, "", path, "");
	if (getcwd(here, sizeof here) == NULL)
		return hf_fail_errno(err, "find the current folder");
	return set_path(ret_path, err, "/", here, path);
}

enum hf_code settings_find(const char *config_path, const char *data_path, const char *run_path,
			   struct settings *ret_settings, struct hf_err *err)
{
	memset(ret_settings, 0, sizeof *ret_settings);
	enum hf_code code = find_tree(ret_settings, err);
	if (code == HF_OK)
		code = absolute(config_path, ret_settings->config_path, err);
	if (code == HF_OK)
		code = absolute(data_path, ret_settings->data_path, err);
	if (code == HF_OK && run_path != NULL)
		code = absolute(run_path, ret_settings->run_path, err);
	else if (code == HF_OK)
		code = set_path(ret_settings->run_path, err, "/run", ret_settings->data_path, "");
	return code;
}

/* policy_path NULL: the configuration. */
static pid_t start_parser(const char *program, const char *config_path, const char *policy_path,
			  int out_fd)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	char *const config[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)config_path, NULL };
	char option[] = "--policy";
	char *const policy[] = { (char *)(uintptr_t)program, option, (char *)(uintptr_t)policy_path,
				 NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(out_fd, STDOUT_FILENO) >= 0)
		(void)execv(program, policy_path != NULL ? policy : config);
	_exit(127);
}

static enum hf_code read_packed(int fd, const char *what, void *ret_data, size_t size_bytes,
				size_t *ret_bytes, struct hf_err *err)
{
	size_t size = 0;

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		char more;

		if (poll(&wait, 1, CONFIG_TIMEOUT_MS) <= 0)
			return hf_fail(err, HF_E_AGAIN, "%s was not read in %d s", what,
				       CONFIG_TIMEOUT_MS / 1000);
		bool full = size == size_bytes;
		ssize_t n = read(fd, full ? &more : (char *)ret_data + size,
				 full ? 1 : size_bytes - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hf_fail_errno(err, "read %s", what);
		size += (size_t)n;
		/* One byte too many is enough to know. */
		if (n == 0 || full) {
			*ret_bytes = full && n > 0 ? size + 1 : size;
			return HF_OK;
		}
	}
}

static bool ends_soon(pid_t pid)
{
	HF_AUTO_FD pidfd = pidfd_open(pid, 0);
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && poll(&wait, 1, CONFIG_TIMEOUT_MS) == 1;
}

static enum hf_code another_build(const char *program, struct hf_err *err)
{
	return hf_fail(err, HF_E_INVALID,
		       "%s is of another build than this program: install both together", program);
}

static enum hf_code find_parser(const struct settings *settings,
				char ret_program[2 * HF_PATH_BYTES], struct hf_err *err)
{
	(void)snprintf(ret_program, 2 * HF_PATH_BYTES, "%s/config", settings->libexec_path);
	if (access(ret_program, X_OK) != 0)
		return hf_fail_errno(err, "%s, which reads configurations, cannot be run",
				     ret_program);
	return HF_OK;
}

/* By the child: exactly size_bytes, or it has said on stderr what is wrong with the file. */
static enum hf_code parse(const struct settings *settings, const char *policy_path, void *ret_data,
			  size_t size_bytes, struct hf_err *err)
{
	const char *path = policy_path != NULL ? policy_path : settings->config_path;
	const char *what = policy_path != NULL ? "the policy" : "the configuration";
	char program[2 * HF_PATH_BYTES];
	int ends[2];
	int status = 0;
	size_t size = 0;
	enum hf_code code = find_parser(settings, program, err);

	if (code != HF_OK)
		return code;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return hf_fail_errno(err, "make a pipe");
	HF_AUTO_FD in = ends[0];
	HF_AUTO_FD out = ends[1];
	pid_t pid = start_parser(program, settings->config_path, policy_path, out);
	if (pid < 0)
		return hf_fail_errno(err, "start %s", program);
	(void)close(HF_TAKE_FD(out));
	code = read_packed(in, what, ret_data, size_bytes, &size, err);
	/* It has nothing more to say that we would listen to. */
	(void)close(HF_TAKE_FD(in));
	if (code != HF_OK || size > size_bytes || !ends_soon(pid))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (code != HF_OK)
		return code;
	if (size > size_bytes)
		return another_build(program, err);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return hf_fail(err, HF_E_INVALID,
			       "%s is not a usable %s; the messages above say why", path,
			       policy_path != NULL ? "policy" : "configuration");
	return size == size_bytes ? HF_OK : another_build(program, err);
}

enum hf_code settings_read_config(const struct settings *settings, struct hf_config *ret_config,
				  struct hf_err *err)
{
	enum hf_code code = parse(settings, NULL, ret_config, sizeof *ret_config, err);

	return code == HF_OK ? hf_config_check(ret_config, err) : code;
}

static enum hf_code policy_path(const struct settings *settings, const struct hf_config *config,
				char ret_path[HF_PATH_BYTES], struct hf_err *err)
{
	if (config->policy_path[0] != '\0')
		return set_path(ret_path, err, "", config->policy_path, "");
	return set_path(ret_path, err, "", settings->share_path, "/policy/policy.yaml");
}

enum hf_code settings_read_policy(const struct settings *settings, const struct hf_config *config,
				  struct hf_policy *ret_policy, struct hf_err *err)
{
	char path[HF_PATH_BYTES];
	enum hf_code code = policy_path(settings, config, path, err);

	if (code == HF_OK)
		code = parse(settings, path, ret_policy, sizeof *ret_policy, err);
	return code == HF_OK ? hf_policy_check(ret_policy, err) : code;
}

enum hf_code settings_start_policy(const struct settings *settings, const struct hf_config *config,
				   pid_t *ret_pid, int *ret_fd, struct hf_err *err)
{
	char path[HF_PATH_BYTES], program[2 * HF_PATH_BYTES];
	int ends[2];
	enum hf_code code = policy_path(settings, config, path, err);

	if (code == HF_OK)
		code = find_parser(settings, program, err);
	if (code != HF_OK)
		return code;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return hf_fail_errno(err, "make a pipe");
	HF_AUTO_FD in = ends[0];
	HF_AUTO_FD out = ends[1];
	pid_t pid = start_parser(program, settings->config_path, path, out);
	if (pid < 0)
		return hf_fail_errno(err, "start %s", program);
	*ret_pid = pid;
	*ret_fd = HF_TAKE_FD(in);
	return HF_OK;
}

static enum hf_code check_program(const struct settings *settings, enum hf_role role,
				  struct hf_err *err)
{
	char path[2 * HF_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/%s", settings->libexec_path, hf_role_name(role));
	if (access(path, X_OK) != 0)
		return hf_fail_errno(err, "%s cannot be run; is the installation whole?", path);
	return HF_OK;
}

enum hf_code settings_check_parts(const struct settings *settings, struct hf_err *err)
{
	for (int role = HF_ROLE_INGEST; role <= HF_ROLE_UPLINK; role++) {
		enum hf_code code = check_program(settings, (enum hf_role)role, err);

		if (code != HF_OK)
			return code;
	}
	return check_program(settings, HF_ROLE_ACTUATE, err);
}

/* Generation folders hold only what one run made: flat, small, safe to remove by name. */
static void remove_generation(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (folder == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
	(void)closedir(folder);
	(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
}

enum hf_code settings_make_generation(struct settings *settings, uint64_t run, struct hf_err *err)
{
	char parent[HF_PATH_BYTES], name[32];

	enum hf_code code = set_path(parent, err, "/gen", settings->run_path, "");
	if (code == HF_OK)
		code = hf_folder_make(parent, 0750, err);
	if (code != HF_OK)
		return code;
	DIR *folder = opendir(parent);
	if (folder == NULL)
		return hf_fail_errno(err, "open %s", parent);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		if (entry->d_name[0] != '.')
			remove_generation(dirfd(folder), entry->d_name);
	(void)closedir(folder);

	(void)snprintf(name, sizeof name, "%llu", (unsigned long long)run);
	code = set_path(settings->generation_path, err, "/", parent, name);
	if (code != HF_OK)
		return code;
	return hf_folder_make(settings->generation_path, 0750, err);
}

enum hf_code settings_next_generation(struct settings *settings, uint64_t run, uint64_t number,
				      struct hf_err *err)
{
	char name[64];

	(void)snprintf(name, sizeof name, "/gen/%llu.%llu", (unsigned long long)run,
		       (unsigned long long)number);
	enum hf_code code = set_path(settings->generation_path, err, name, settings->run_path, "");
	if (code != HF_OK)
		return code;
	return hf_folder_make(settings->generation_path, 0750, err);
}
