/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: fork and exec by hand, as posix_spawn() cannot ask for the child's death with its
 * parent. This process is small and has one thread.
 */
#include "proc/actuate/command.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	VARIABLE_BYTES = 160,
	VARIABLES = 5,
	EXIT_NOT_RUN = 127,
	SIGNALS_MAX = 65,
};

static void run(const char *path, char *const argv[], char *const environment[], pid_t parent)
{
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || setpgid(0, 0) != 0)
		_exit(EXIT_NOT_RUN);
	for (int i = 1; i < SIGNALS_MAX; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) != 0 || chdir("/") != 0)
		_exit(EXIT_NOT_RUN);
	(void)execve(path, argv, environment);
	_exit(EXIT_NOT_RUN);
}

enum hf_code command_start(struct command *command, const char *path, bool on,
			   const struct command_about *about, struct hf_mono now,
			   struct hf_err *err)
{
	char word[4], variables[VARIABLES][VARIABLE_BYTES];
	char *argv[] = { (char *)(uintptr_t)path, word, NULL };
	char *environment[VARIABLES + 1] = { NULL };
	const struct {
		const char *name, *value;
	} given[VARIABLES] = {
		{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
		{ "HOLDFAST_OUTPUT", on ? "on" : "off" },
		{ "HOLDFAST_CAMERA", about->camera },
		{ "HOLDFAST_ZONE", about->zone },
		{ "HOLDFAST_EVENT", about->event_class },
	};

	command_kill(command);
	(void)snprintf(word, sizeof word, "%s", on ? "on" : "off");
	for (size_t i = 0; i < VARIABLES; i++) {
		(void)snprintf(variables[i], VARIABLE_BYTES, "%s=%s", given[i].name,
			       given[i].value);
		environment[i] = variables[i];
	}
	const pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return hf_fail_errno(err, "start %s", path);
	if (pid == 0)
		run(path, argv, environment, parent);
	/* By both, so that neither has to wait for the other: it may be killed at any time. */
	(void)setpgid(pid, pid);
	command->pid = pid;
	command->deadline = hf_mono_add_ms(now, COMMAND_MS_MAX);
	return HF_OK;
}

void command_kill(struct command *command)
{
	if (command->pid == 0)
		return;
	/* The group first, while its leader is not reaped: the number is still its own. */
	(void)kill(-command->pid, SIGKILL);
	(void)kill(command->pid, SIGKILL);
	while (waitpid(command->pid, NULL, 0) < 0 && errno == EINTR)
		;
	command->pid = 0;
}

enum hf_code command_look(struct command *command, struct hf_mono now, struct hf_err *err)
{
	siginfo_t info = { 0 };

	if (command->pid == 0)
		return hf_fail(err, HF_E_AGAIN, "none runs");
	if (waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
		return hf_fail_errno(err, "wait for the command");
	if (info.si_pid == 0 && hf_mono_before(now, command->deadline))
		return hf_fail(err, HF_E_AGAIN, "it runs");
	/* What it left behind in its group has no business any more: a new one may say the
	 * opposite. */
	command_kill(command);
	if (info.si_pid == 0)
		return hf_fail(err, HF_E_IO, "it did not end within %d ms and was killed",
			       COMMAND_MS_MAX);
	if (info.si_code != CLD_EXITED)
		return hf_fail(err, HF_E_IO, "it was ended by signal %d", info.si_status);
	if (info.si_status == EXIT_NOT_RUN)
		return hf_fail(err, HF_E_IO,
			       "it cannot be run (exit 127): is it there, and executable?");
	return info.si_status == 0 ? HF_OK : hf_fail(err, HF_E_IO, "exit %d", info.si_status);
}
